# %% [markdown]
# # The margin: what training on separable data converges to, and how slowly
#
# **Question.** When many classifiers make no error, which one does training choose, and when does it get there?
#
# **You will** see a loss vanish while the classifier is still turning; compute exactly where it turns to; see why the
# tail of the loss decides; follow training to t = 1e100 in a tenth of a second; speed it up from 1 / log t to log t /
# sqrt t by steps that grow; and meet a loss that converges quickly, to the wrong place.
#
# **You need** logistic regression, gradient descent, Lagrange multipliers in outline. 30 seconds on two cores.
#
# **Paper.** Nacson, Lee, Gunasekar, Savarese, Srebro, Soudry, *Convergence of Gradient Descent on Separable Data*,
# AISTATS 2019, arXiv:1803.01905. Soudry, Hoffer, Nacson, Gunasekar, Srebro, *The Implicit Bias of Gradient Descent on
# Separable Data*, JMLR 2018, theorems 3 to 5. The reference is `minidl.theory.margin`.

# %%
from minidl.lesson import Lesson

lesson = Lesson(
    "09_margin",
    title="The margin: what training on separable data converges to, and how slowly",
    question="When many classifiers make no error, which one does training choose, and when does it get there?",
    params=dict(seed=0, steps=10_000_000, sets=60, wide=4, impl="kernels"),
    quick=dict(steps=100_000, sets=12, wide=1),
    help=dict(
        steps="steps of each of the two descents; beyond, the theorem's curves",
        sets="random data sets on which equations and bounds are tried",
        wide="data sets of 40 points in 50 dimensions",
        impl="kernels, or the readable reference (10 seconds for a million steps)",
    ),
    choices=dict(impl=("kernels", "reference")),
    seconds=30,
    threads=1,  # the matrices are small
)
p = lesson.params

# %%
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation

from minidl.implementations import implementation
from minidl.theory import margin as M

rng = np.random.default_rng(p.seed)
functions = implementation(p.impl, reference=M, kernels="minidl_kernels.descent")
eps = np.finfo(float).eps
RED, BLUE, LIGHT = "#b2182b", "#2166ac", "#67a9cf"

# %% [markdown]
# ## The failure first
#
# An example is right if $u_n = y_n\, x_n \cdot w > 0$. So only the *signed inputs* $z_n = y_n x_n$ matter, and
# training minimises $L(w) = \sum_n \ell(z_n \cdot w)$. Three points in the plane, the exponential loss
# $\ell(u) = e^{-u}$, 100,000 steps of size 1. It makes no error from the first step on, and the loss goes to 0. A
# good classifier also keeps its distance from the points: the *margin* $\min_n z_n \cdot w / \|w\|$ should be as
# large as possible, $\gamma = 0.7071$ here. Prediction: the gap to $\gamma$ closes like 1 / log t, so that gap times
# log t varies by less than 20 % from 1000 to 100,000 steps.

# %%
edge = np.array([[1, 2], [3, 1], [2, 2]]) / np.sqrt(10)  # (3, 2), the longest has norm 1
gamma = M.hard_margin(edge).margin
decades = 10 ** np.arange(1, 6)
between = np.unique(np.geomspace(1000, 100_000, 41).round().astype(int))


def gaps(z, descent, times, **how):
    """The margin gap after these numbers of steps from w = 0, (K,), and the run."""
    run = descent(z, np.zeros(z.shape[1]), times, **how)
    return M.margin_gap(z, run.w, M.hard_margin(z).margin), run


slow, run = gaps(edge, functions.descent, decades, step_size=1.0)
for t, gap, log_loss in zip(decades, slow, run.log_loss, strict=True):
    print(f"after {t:6d} steps: loss {np.exp(log_loss):.1e}, gap {gap:.5f}, that is {gap / gamma:.1%} of the margin")
lesson.claim(
    "constant steps: gaps after 10, 100, ..., 100,000 of them",
    predicted=np.array([0.04752, 0.03555, 0.02677, 0.02062, 0.01628]),
    measured=slow,
    tolerance=0.51e-5,
    because="five decimals",
)
steady = gaps(edge, functions.descent, between, step_size=1.0)[0] * np.log(between)
lesson.claim(
    "constant steps: gap times log t from 1000 to 100,000 steps, largest over smallest",
    predicted=1.2,
    measured=steady.max() / steady.min(),
    relation="<",
)

# %% [markdown]
# To halve the gap one has to square the number of steps. So take longer steps as the loss falls: $\eta_t / L(w)$ with
# $\eta_t = \eta_0 / \sqrt{t + 1}$. Written down as it is, this fails too: the losses are below the smallest double,
# $e^{-745.1}$, long before the end, and w stands still. Prediction: since $\log L \approx -2 \gamma^2 \eta_0 \sqrt t$
# (derived below), at $t = (745.1 / 2 \gamma^2 \eta_0)^2$.


# %%
def until_it_stands_still(z, scale):
    """Steps of plain normalised descent until the gradient is 0."""
    w, t = np.zeros(z.shape[1]), 0
    while True:
        losses = np.exp(-(z @ w))  # (N,)
        step = scale / np.sqrt(t + 1) * (losses @ z)  # (d,)
        if not step.any():
            return t
        w, t = w + step / losses.sum(), t + 1


lesson.claim(
    "plain normalised descent, eta_0 = 4: steps until it stands still",
    predicted=(745.1 / (2 * gamma**2 * 4)) ** 2,
    measured=until_it_stands_still(edge, 4.0),
    tolerance=0.05 * (745.1 / (2 * gamma**2 * 4)) ** 2,
    because="5 %: the law is asymptotic, log L has a constant beside it",
)

# %% [markdown]
# In the log domain nothing is lost: $-\nabla L / L = Z^\top \mathrm{softmax}(-u)$, and $\log L$ is a log-sum-exp.
# Both sides at a w where plain numbers still do; then the descent, which the plain one could not finish.

# %%
w = rng.standard_normal(2)
losses = np.exp(-(edge @ w))  # (3,)
one_step = M.normalised_descent(edge, w, [1]).w[0] - w  # eta_0 = 1
lesson.claim(
    "-grad L / L = Z^T softmax(-u)",
    predicted=losses @ edge / losses.sum(),
    measured=one_step,
    tolerance=32 * eps * (1 + np.abs(w).max()),
    because="sums of three terms, and a difference of two w",
)
fast, run = gaps(edge, functions.normalised_descent, np.array([203, 2154, 100_000]))
lesson.claim(
    "normalised descent: gaps after 203, 2154, 100,000 steps, over 0.01233, 2.416e-3, 1.170e-4",
    predicted=np.ones(3),
    measured=fast / np.array([0.01233, 2.416e-3, 1.170e-4]),
    tolerance=4.4e-4,
    because="half of the fourth digit, relative",
)
lesson.claim(
    "after 100,000 steps: gap with constant steps over gap with growing ones",
    predicted=50,
    measured=slow[-1] / fast[-1],
    relation=">=",
)

# %% [markdown]
# ## The best there is
#
# The largest margin is that of the hard-margin support vector machine, a convex problem with multipliers $\alpha$:
#
# $$ \hat w = \arg\min \|w\|^2 \ \text{s.t.}\ Z w \ge 1, \qquad \hat w = Z^\top \alpha,\ \alpha \ge 0, \qquad
# \textstyle\sum_n \alpha_n = \|\hat w\|^2 = 1 / \gamma^2 . $$
#
# The reference solves it as non-negative least squares. On small sets of integers we can also try all sets of support
# vectors in rational arithmetic. If no w has Z w > 0, some weighted mean of the rows is 0, and these weights are the
# certificate.


# %%
def draw(n, d):
    """Separable signed inputs (n, d), the longest of norm 1: two clouds, drawn again until some w separates them."""
    while True:
        z = rng.standard_normal((n, d)) + 2.5 * np.eye(d)[0]
        try:
            return z / np.linalg.norm(z, axis=1).max(), M.hard_margin(z)
        except M.NotSeparable:
            continue


drawn = [draw(rng.integers(2, 12), rng.integers(2, 5))[0] for _ in range(p.sets)]
solved = [M.hard_margin(z) for z in drawn]
lesson.claim(
    "w = Z^T alpha, sum alpha = ||w||^2 = 1 / gamma^2, least u = 1 (relative, largest difference)",
    predicted=0,
    measured=max(
        max(
            np.abs(z.T @ best.dual - best.w).max() * best.margin,
            abs(best.dual.sum() * best.margin**2 - 1),
            abs((z @ best.w).min() - 1),
        )
        for z, best in zip(drawn, solved, strict=True)
    ),
    tolerance=64 * eps / min(best.margin for best in solved),
    because="64 roundings, magnified by norm over margin",
)


def asked(solve, z):
    """What a solver says of z: the solution, or the verdict that there is none."""
    try:
        return solve(z)
    except M.NotSeparable as error:
        return error


verdicts, off = [], []
for _ in range(3 * p.sets):
    z = rng.integers(-5, 6, (rng.integers(1, 6), rng.integers(1, 4))) + rng.integers(0, 3)
    z = z[z.any(axis=1)] if z.any() else np.array([[1]])
    found, exact = asked(M.hard_margin, z), asked(M.hard_margin_by_enumeration, z)
    verdicts.append(type(found) is type(exact))
    if isinstance(exact, M.NotSeparable):
        off.append(np.abs(found.certificate @ z).max() / np.abs(z).max())
    else:
        off.append(np.linalg.norm(found.w - exact.w) * exact.margin / np.linalg.cond(z[exact.dual > 0]))
lesson.claim("least distances and enumeration: share of equal verdicts", predicted=1, measured=np.mean(verdicts))
lesson.claim(
    "difference of w_hat, relative to condition, or certificate @ Z, relative to Z: largest",
    predicted=0,
    measured=max(off),
    tolerance=64 * eps,
    because="64 roundings",
)

# %% [markdown]
# ## Why the margin: those nearest are heard
#
# The gradient is a sum of the $z_n$ with weights $-\ell'(u_n) = e^{-f(u_n)}$. Let w grow in a fixed direction,
# $u_n = g\, m_n$. Of two points with $m_n > m_k$ the weights have the ratio
#
# $$ \frac{-\ell'(g m_n)}{-\ell'(g m_k)} = \exp\Big( -\int_{m_k}^{m_n} g f'(g s)\, ds \Big) . $$
#
# If $u f'(u) \to \infty$, it goes to 0: in the end only points of least margin push, which is what
# $\hat w = Z^\top \alpha$ says of the solution. With the loss $u^{-p}$, $u f'(u) = p + 1$, and it stays at
# $(m_k / m_n)^{p+1}$: everyone is heard forever.

# %%
nodes, weights = np.polynomial.legendre.leggauss(60)
DERIVATIVES = {  # f' of the tails, for u > e
    ("exponential", 1.0): np.ones_like,
    ("poly_exponential", 0.5): lambda u: 0.5 * u**-0.5,
    ("poly_exponential", 2.0): lambda u: 2 * u,
    ("polynomial", 3.0): lambda u: 4 / u,
    ("sub_polynomial", 1.0): lambda u: (1 + 2 / np.log(u)) / u,
}
sides = []
for (tail, power), derivative in DERIVATIVES.items():
    for g in (3.0, 30.0):
        low, high = np.sort(rng.uniform(1, 3, 2))
        s = (low + high) / 2 + (high - low) / 2 * nodes  # (60,)
        integral = (high - low) / 2 * weights @ (g * derivative(g * s))
        difference = np.subtract(*M.log_loss_slope([g * high, g * low], tail, power))
        sides.append((difference + integral) / (1 + (g * high) ** 2))
lesson.claim(
    "log of the ratio of weights = the integral, five tails (relative to 1 + u^2, largest difference)",
    predicted=0,
    measured=np.abs(sides).max(),
    tolerance=128 * eps,
    because="a sum of 60 terms, and f up to u^2",
)

# %% [markdown]
# ## Where w is at time t
#
# So w grows along $\hat w$; since a step has the size of the loss, $e^{-\text{growth}}$, growth is logarithmic. For
# gradient flow $\dot w = -\nabla L$ with an exponential or logistic loss (and no support vector with weight 0)
#
# $$ w(t) = \hat w \log t + \tilde w + o(1), \qquad e^{-z_n \cdot \tilde w} = \alpha_n \ \text{ for support vectors}, $$
#
# if these span the space. To see it one needs times that no loop reaches. With $s = \log t$ as the variable
#
# $$ \frac{dw}{ds} = \sum_n z_n\, e^{s + \log(-\ell'(u_n))} $$
#
# is integrated as easily to 1e100 as to 1e12. First where a closed form is known, two orthogonal points (1, 0) and
# (0, 2).

# %%
powers = np.array([0, 1, 3, 6, 12, 50, 100])
s = powers * np.log(10)  # log t
pair = np.diag([1.0, 2.0])
exact = np.stack([np.log1p(10.0**powers), np.log1p(4 * 10.0**powers) / 2], axis=1)  # (7, 2)
lesson.claim(
    "orthogonal pair: w = (log(1 + t), log(1 + 4 t) / 2), t = 1 to 1e100",
    predicted=exact,
    measured=M.log_time_flow(pair, np.zeros(2), s),
    tolerance=64 * eps * s[-1],
    because="64 roundings at the scale of log t",
)

three = np.array([[1, 2], [3, -1], [3, 3]])  # two support vectors, and one point farther off
best, offset = M.hard_margin(three), M.limit_offset(three)  # w_hat = (3/7, 2/7)
lesson.claim(
    "support vectors: e^(-z.w~) = alpha",
    predicted=best.dual[:2],
    measured=np.exp(-three[:2] @ offset),
    tolerance=32 * eps,
    because="32 roundings of numbers below 1",
)
at_last = [
    M.log_time_flow(three, begin, s, tail)[-1] - best.w * s[-1]
    for tail in ("exponential", "logistic")
    for begin in (np.zeros(2), rng.standard_normal(2))
]
lesson.claim(
    "w - w_hat log t at t = 1e100, two losses, two starts: the same w~",
    predicted=np.tile(offset, (4, 1)),
    measured=np.array(at_last),
    tolerance=64 * eps * s[-1],
    because="64 roundings at the scale of log t",
)

# %% [markdown]
# The angle follows: $\log t \cdot \mathrm{angle}(w, \hat w) \to \|P \tilde w\| / \|\hat w\|$, P the projection
# orthogonal to $\hat w$. And the gap: $\log t \cdot \mathrm{gap} \to \gamma\,(\gamma^2\, \hat w \cdot \tilde w - \min
# z_n \cdot \tilde w)$. So neither tail with $f(u) = u^\nu$ is of another order; both constants are divided by $\nu$.
# Prediction for three tails at t = 1e100, where 1 / log t is 1 / 230.

# %%
s_late = np.log(10) * np.arange(2, 101, 2)
followed = {nu: M.log_time_flow(three, np.zeros(2), s_late, "poly_exponential", nu) for nu in (0.5, 1.0, 2.0)}
limits = {"angle": M.angle_constant(three), "gap": M.gap_constant(three)}
seen = [
    [M.angle(path[-1], best.w) / limits["angle"], M.margin_gap(three, path[-1], best.margin) / limits["gap"]]
    for path in followed.values()
]  # (3, 2)
lesson.claim(
    "e^(-u^nu), nu = 1/2, 1, 2, t = 1e100: nu log t times angle and gap, over their limits",
    predicted=np.ones((3, 2)),
    measured=np.array(seen) * s_late[-1] * np.array([[0.5], [1.0], [2.0]]),
    tolerance=0.05,
    because="the next terms are smaller by (log log t) / log t = 2.4 %, times two at most",
)
half = len(s_late) // 2 - 1
both = M.margin_gap(three, followed[1.0], best.margin)  # (50,)
lesson.claim(
    "to halve the gap, square the time: gap at 1e100 over gap at 1e50",
    predicted=0.5,
    measured=both[-1] / both[half],
    tolerance=0.01,
    because="2 / log 1e100, relative",
)

# %% [markdown]
# ## How fast: twelve decades
#
# The same three points, scaled to norm at most 1, both descents. Predictions:
#
# - Constant steps: 1 / gap is a straight line in log t, with slope 1 / (the limit above).
# - Growing steps: for every T, with $\sum \eta_t \approx 2 \sqrt T$ and $\sum \eta_t^2 \approx \log T$,
#
# $$ \gamma - \frac{\min_n z_n \cdot w_T}{\|w_T\|} \le \frac{\frac12 \sum_{t<T} \eta_t^2 + \log N}{\gamma \sum_{t<T} \eta_t}
# = O\Big(\frac{\log T}{\sqrt T}\Big) . $$
#
# - On given data it is even $1 / \sqrt T$: dividing by L only changes the clock of the flow. $\dot w = -\nabla L / L$
#   reaches after the "time" $\sum \eta_t$ what the flow reaches at
#   $\log t = \gamma^2 \sum \eta_t \approx 2 \gamma^2 \sqrt T$. Hence gap $\approx$ limit / $2 \gamma^2 \sqrt T$, and
#   log L falls like $-2 \gamma^2 \sqrt T$, as used above.

# %%
unit = three / np.sqrt(18)
gamma, limit = M.hard_margin(unit).margin, M.gap_constant(unit)
times = np.unique(np.geomspace(1, p.steps, 1 + 8 * int(np.log10(p.steps))).round().astype(int))
gap_constant_steps = gaps(unit, functions.descent, times, step_size=1.0)[0]
gap_growing_steps, run = gaps(unit, functions.normalised_descent, times)
far = np.log(10) * np.arange(0.25, 12.01, 0.25)  # log t of the flow
gap_flow = M.margin_gap(unit, M.log_time_flow(unit, np.zeros(2), far), gamma)
late = far >= np.log(1e6)
lesson.claim(
    "constant steps, 1e6 to 1e12: slope of 1 / gap over log t",
    predicted=1 / limit,
    measured=np.polyfit(far[late], 1 / gap_flow[late], 1)[0],
    tolerance=0.03 / limit,
    because="3 %: the next term is 1 / log t^2",
)
lesson.claim(
    "constant steps: the flow at t and descent after t steps of 1, relative difference of gaps at the end",
    predicted=0,
    measured=gap_constant_steps[-1] / np.interp(np.log(times[-1]), far, gap_flow) - 1,
    tolerance=0.02,
    because="2 %: a correction that vanishes, and the interpolation",
)
tail_end = times >= p.steps / 100
slope = np.polyfit(np.log(times[tail_end]), np.log(gap_growing_steps[tail_end]), 1)[0]
lesson.claim(
    "growing steps, the last two decades: slope of log gap over log t",
    predicted=-0.5,
    measured=slope,
    tolerance=0.02,
    because="the constant in log t = 2 gamma^2 sqrt T + ... is still felt",
)
lesson.claim(
    "growing steps, at the end: gap times sqrt T",
    predicted=limit / (2 * gamma**2),
    measured=gap_growing_steps[-1] * np.sqrt(p.steps),
    tolerance=0.01 * limit / (2 * gamma**2),
    because="1 %, as above",
)
ratio, rise = [], []
for z, best_of_z in zip(drawn, solved, strict=True):
    gap, its_run = gaps(z, functions.normalised_descent, np.arange(1, 301))
    ratio.append(np.max(gap / M.normalised_bound(np.arange(1, 301), len(z), best_of_z.margin)))
    rise.append(np.max(np.diff(its_run.log_loss)))
lesson.claim(
    f"{p.sets} random sets, T = 1 to 300: gap over bound, largest", predicted=1, measured=max(ratio), relation="<="
)
lesson.claim("the same: log L never rises (largest step)", predicted=0, measured=max(rise), relation="<=")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(13, 4.8), layout="constrained")
ages = np.unique(np.geomspace(1, 1e12, 100).round().astype(np.int64))
left.loglog(np.exp(far), gap_flow, color=RED, label="constant steps: the flow")
left.loglog(times, gap_constant_steps, ".", color=RED, label=f"constant steps: {p.steps:.0e} steps")
left.loglog(ages[9:], limit / np.log(ages[9:]), ":", color=RED, label="limit / log t")
left.loglog(times, gap_growing_steps, ".", color=BLUE, label="growing steps")
left.loglog(
    ages[9:], limit / (2 * gamma**2) / np.sqrt(ages[9:]), ":", color=BLUE, label="limit / (2 $\\gamma^2$ sqrt t)"
)
left.loglog(ages, M.normalised_bound(ages, 3, gamma), color=LIGHT, label="the bound, log t / sqrt t")
left.set(xlabel="steps t", title="Margin gap over twelve decades", ylim=(1e-8, 10))
left.legend(frameon=False, fontsize=9, loc="lower left")
for (nu, path), colour in zip(followed.items(), (LIGHT, BLUE, RED), strict=True):
    right.plot(s_late / np.log(10), M.angle(path, best.w) * s_late, color=colour, label=f"$e^{{-u^{{{nu:g}}}}}$")
    right.axhline(limits["angle"] / nu, color=colour, ls=":")
right.set(xlabel="log10 t", ylim=(0, None), title="log t times the angle to the maximum margin (dotted: limits)")
right.legend(frameon=False)
lesson.figure(figure, "rates")

# %% [markdown]
# ## In fifty dimensions
#
# 40 random points with random labels in 50 dimensions are separable. The largest norm is some 15 times the margin, so
# that growing steps have a slow clock here, $2 (\gamma / R)^2 \sqrt T$. How far is training with constant steps at t =
# 1e8? Prediction: 1 / log t is 0.054, or 3.1 degrees, so 2 to 5 degrees off, with 94 to 98 % of the best margin.

# %%
degrees, shares = [], []
for _ in lesson.progress(range(p.wide), "50 dimensions"):
    z = rng.standard_normal((40, 50)) * rng.choice([-1, 1], (40, 1))
    goal = M.hard_margin(z)
    w = M.log_time_flow(z, np.zeros(50), [np.log(1e8)])[0]
    degrees.append(np.degrees(M.angle(w, goal.w)))
    shares.append(1 - M.margin_gap(z, w, goal.margin) / goal.margin)
print(f"t = 1e8: {np.round(degrees, 2)} degrees off, {np.round(shares, 4)} of the best margin")
lesson.claim("degrees off at t = 1e8, mean", predicted=(2, 5), measured=np.mean(degrees), relation="between")
lesson.claim("share of the best margin, mean", predicted=(0.94, 0.98), measured=np.mean(shares), relation="between")

# %% [markdown]
# ## Quickly to the wrong place
#
# With $\ell(u) = u^{-p}$ the loss is homogeneous, and the direction goes to
#
# $$ v_p = \arg\min_{\|v\| = 1} \sum_n (z_n \cdot v)^{-p}, \qquad\text{where}\quad
# \sum_n (z_n \cdot v)^{-p-1} z_n \ \text{ is parallel to } v . $$
#
# On the pair (1, 0), (0, 2) this says $v_1 / v_2 = 2^{p / (p + 2)}$, where the maximum margin has 2. It arrives like
# 1 / t, much earlier than any other, and stays there: for p = 1 it is more than 10 degrees off for ever.

# %%
exponents, ends, stationary = np.array([1.0, 2.0, 8.0, 64.0]), [], []
for power in exponents:
    ends.append(M.log_time_flow(pair, np.zeros(2), [s[-1]], "polynomial", power)[0])
    for z in drawn:
        v = M.polynomial_direction(z, power)
        push = (z @ v / (z @ v).min()) ** (-power - 1) @ z  # (d,)
        stationary.append(M.angle(push, v) * (z @ v).min() / (1 + power))
ends = np.array(ends)  # (4, 2)
lesson.claim(
    "u^-1, t = 1e100: v1 / v2",
    predicted=2 ** (1 / 3),
    measured=ends[0, 0] / ends[0, 1],
    tolerance=1e-6,
    because="far above the flow's own error",
)
lesson.claim(
    "u^-p, p = 1, 2, 8, 64, t = 1e100: v1 / v2 = 2^(p / (p + 2))",
    predicted=2 ** (exponents / (exponents + 2)),
    measured=ends[:, 0] / ends[:, 1],
    tolerance=1e-12,
    because="the flow's own error: 2e-15 in each of some hundred steps, and what they amplify",
)
lesson.claim(
    "u^-1, t = 1e100: degrees off the maximum margin",
    predicted=10,
    measured=np.degrees(M.angle(ends[0], [2.0, 1.0])),
    relation=">",
)
lesson.claim(
    "random sets: the push is parallel to v_p (largest angle, relative)",
    predicted=0,
    measured=max(stationary),
    tolerance=64 * eps,
    because="64 roundings, of which a margin magnifies by (p + 1) / margin",
)
early = np.log(10) * np.linspace(3, 7, 9)
off = M.direction_gap(M.log_time_flow(pair, np.zeros(2), early, "polynomial"), M.polynomial_direction(pair, 1.0))
lesson.claim(
    "u^-1, t = 1e3 to 1e7: slope of log distance to v_1 over log t",
    predicted=-1,
    measured=np.polyfit(early, np.log(off), 1)[0],
    tolerance=0.01,
    because="u^3 = 3 ||z||^2 t + constant, which is exact",
)

# %% [markdown]
# ## Deeper, and no different
#
# $x \mapsto W_L \cdots W_1 x$ has the same functions and another flow. Balanced layers,
# $W_{l+1}^\top W_{l+1} = W_l W_l^\top$, stay so, and their product follows, with $g = \nabla L(w)$,
#
# $$ \dot w = -\|w\|^{2 - 2/L} \Big( g + (L - 1) \frac{w w^\top}{\|w\|^2} g \Big) . $$
#
# Left side: the product rule over the layers' own gradients. Then the flow: its direction has the same limit.

# %%
worst = 0.0
for layers in (2, 3, 5):
    w, g = rng.standard_normal((2, 4))
    net = M.balanced_layers(w, layers)
    chain, moved = ([a.first, *a.hidden, a.last] for a in (net, M.layer_velocities(*net, g)))
    rule = sum(
        np.linalg.multi_dot([chain[m] if m != k else moved[k] for m in reversed(range(layers))]) for k in range(layers)
    )  # (1, 4)
    worst = max(worst, np.abs(rule[0] - M.deep_flow_velocity(w, g, layers)).max() / np.abs(rule).max())
lesson.claim(
    "balanced layers: product rule = the equation of w (relative)",
    predicted=0,
    measured=worst,
    tolerance=128 * eps,
    because="products of five matrices",
)
deep = M.log_time_flow(three, np.array([0.1, -0.1]), [s[-1]], layers=3)[0]
lesson.claim(
    "three layers, t = 1e100: log t times the angle",
    predicted=limits["angle"],
    measured=M.angle(deep, best.w) * s[-1],
    tolerance=0.05 * limits["angle"],
    because="5 %: log t + (4/3) log log t in the place of log t",
)

# %%
TAILS = {
    "exponential": ("exponential", 1.0, BLUE),
    "$u^{-3}$": ("polynomial", 3.0, LIGHT),
    "$u^{-1}$": ("polynomial", 1.0, RED),
    "1 / log u": ("sub_polynomial", 1.0, "#d6604d"),
}
shown = np.concatenate([np.arange(0, 8, 0.5), np.arange(8, 40, 4), np.arange(40, 101, 10)])  # log10 t
z = np.array([[12, 30], [35, -12], [80, 10], [90, -10], [95, -20], [70, -20], [85, -30], [60, -5]]) / 100  # (8, 2)
sides = np.array([1, 1, -1, 1, 1, -1, -1, 1])[:, None]  # labels: x = y z
paths = {
    name: M.log_time_flow(z, np.zeros(2), shown * np.log(10), tail, power) for name, (tail, power, _) in TAILS.items()
}
goal = M.hard_margin(z).w
figure, (left, right) = plt.subplots(
    1, 2, figsize=(12, 5), gridspec_kw=dict(left=0.05, right=0.98, bottom=0.1, wspace=0.1)
)


def frame(t):
    """The separating lines at one time; the angles so far."""
    left.clear(), right.clear()
    for side, colour, marker in ((1, BLUE, "o"), (-1, RED, "s")):
        left.scatter(*(z * sides)[sides[:, 0] == side].T, color=colour, marker=marker, s=40)
    for name, (tail, power, colour) in TAILS.items():
        w = paths[name][t]
        left.axline((0, 0), (-w[1], w[0]), color=colour)
        right.plot(shown[: t + 1], np.degrees(M.angle(paths[name][: t + 1], goal)), color=colour, label=name)
        limit = np.degrees(M.angle(M.limit_direction(z, tail, power), goal))
        right.axhline(limit, color=colour, ls=":", lw=1)
    left.axline((0, 0), (-goal[1], goal[0]), color="black", ls="--", lw=1)
    left.set(xlim=(-1.1, 1.1), ylim=(-0.9, 0.9), xticks=[-1, 0, 1], yticks=[-0.5, 0, 0.5], aspect="equal")
    left.set(title=f"t = 1e{shown[t]:g} (dashed: maximum margin)")
    right.set_xscale("symlog", linthresh=1)
    right.set_xticks([0, 1, 2, 5, 10, 20, 50, 100], [0, 1, 2, 5, 10, 20, 50, 100])
    right.set(xlabel="log10 t", xlim=(0, 100))
    right.set(ylim=(0, 50), title="degrees off the maximum margin (dotted: limits)")
    right.legend(frameon=False, ncols=2, loc="upper right")


lesson.player(FuncAnimation(figure, frame, frames=range(0, len(shown), 8 if lesson.quick else 1)), "turning", fps=5)
frame(len(shown) - 1)
lesson.figure(figure, "directions")

# %% [markdown]
# ## Exercises
#
# Copy this file (`minidl lessons copy DIR`), write the functions, and run `minidl check 09_margin FILE`.


# %%
def exercise_1(u):
    """For the exponential loss: (weights softmax(-u) (N,), log of the total loss), for margins u (N,) up to 1e5."""
    raise NotImplementedError


def exercise_2(z, S):
    """The w (d,) if the rows S of z are the support vectors of the hard margin (list of row numbers), else None."""
    raise NotImplementedError


def exercise_3(a, b):
    """The angle between a (d,) and b (d,) in radians, right to 1e-15 also where it is 1e-9."""
    raise NotImplementedError


def exercise_4(z, w, s):
    """dw / ds (d,) of the flow for the exponential loss at s = log t, up to s = 2000, with margins as large."""
    raise NotImplementedError


# %% [markdown]
# ## The end: what was shown, and what was not
#
# **Shown.** Training on separable data keeps turning after the last error is gone, towards the maximum margin if the
# loss falls faster than every power; at distance limit / log t with constant steps, with the limit known from the
# data; at limit / (2 $\gamma^2$ sqrt t), and never above the bound, with growing ones; depth changes nothing of it. A
# polynomial tail arrives early, elsewhere.
#
# **Deviations from the paper.** (1) It has the rate of growing steps for the exponential loss; the bound with its
# constants, and the statement that on given data it is 1 / sqrt t, are derived here. (2) Its theorem says that
# $\nu = 1$ is best among the tails $e^{-u^\nu}$; that is about upper bounds. The gap itself has the order 1 / log t
# for all $\nu$, with a constant that falls with $\nu$, as measured. (3) The first three points have a support vector
# of weight 0, to which the theorem's constant does not apply; the gap times log t changes slowly there (as log log
# t). (4) Below u = 1 (or e) losses with other tails go on as straight lines.
#
# **Not shown.** Stochastic gradients (same limit), several classes, data that are not separable, nets that are not
# linear. And that a larger margin is better on new data.
#
# **Next.** `minidl/theory/margin/flow.py` for the flow, `limits.py` for the constants. Lesson 10: what the scale of
# the start decides where a loss does have minimisers.

# %%
lesson.result("gaps", {"times": times, "constant": gap_constant_steps, "growing": gap_growing_steps})
lesson.result("limits", limits)
lesson.result("fifty_dimensions", {"degrees": degrees, "shares": shares})
plt.close("all")
lesson.finish()
