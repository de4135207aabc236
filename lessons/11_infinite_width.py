# %% [markdown]
# # Infinite width: what weight decay draws between points
#
# **Question.** What does a net with far more weights than data draw between the points, when weight decay is all that
# holds it back?
#
# **You will** watch a net refuse to draw a straight line through three points on a line, because something else is half
# as expensive; find the price of any piecewise-linear function, and of the cheapest one through given points; train
# nets with weight decay and see them end within 0.01 % of that price; and see what the price leaves open.
#
# **You need** lesson 00 (gradients). 30 seconds on two cores.
#
# **Paper.** Savarese, Evron, Soudry, Srebro, *How do infinite width bounded norm networks look in function space?*,
# COLT 2019, PMLR 99:2667-2690. The reference is `minidl.theory.infinite_width`.

# %%
from minidl.lesson import Lesson

lesson = Lesson(
    "11_infinite_width",
    title="Infinite width: what weight decay draws between points",
    question="What does a net with far more weights than data draw between the points, when weight decay is all that "
    "holds it back?",
    params=dict(seed=0, repeats=6, width=100, steps=100_000, step_size=0.03, cases=300, impl="kernels"),
    quick=dict(repeats=2, width=30, steps=400, cases=60),
    help=dict(
        repeats="trainings of each kind, with seeds seed, seed + 1, ...",
        width="hidden units",
        steps="steps of Adam on the ten points; half of it on the smaller examples",
        cases="random functions and data sets on which equations are checked",
        impl="kernels, or the readable reference (minutes instead of seconds)",
    ),
    choices=dict(impl=("kernels", "reference")),
    seconds=30,
    threads=1,  # the matrices are small
)
p = lesson.params

# %%
from concurrent.futures import ThreadPoolExecutor

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation

from minidl.theory import infinite_width as iw

rng = np.random.default_rng(p.seed)
eps = np.finfo(float).eps
RED, BLUE, LIGHT, GREY = "#b2182b", "#2166ac", "#67a9cf", "#777777"


def train_all(x, y, decay, steps, times=None):
    """The paths of all seeds, best objective first: one training per seed, two at a time."""

    def one(seed):
        settings = dict(width=p.width, decay=decay, steps=steps, step_size=p.step_size, times=times, impl=p.impl)
        return iw.fit(x, y, rng=np.random.default_rng(seed), **settings)

    with ThreadPoolExecutor(2) as pool:
        paths = list(lesson.progress(pool.map(one, range(p.seed, p.seed + p.repeats)), f"decay {decay:g}", p.repeats))
    return sorted(paths, key=lambda path: iw.objective(x, y, *path.last, decay))


def cost(net):
    """C = (|w|^2 + |v|^2) / 2."""
    return iw.weight_cost(net.w, net.v)


def norm(net):
    """The norm of the function that the net computes."""
    return iw.function_norm(iw.as_spline(*net).slopes)


# %% [markdown]
# ## The failure first
#
# A net with one hidden layer of ReLU units on the line, and its cost: all weights squared, biases free.
#
# $$ h(x) = \sum_{i=1}^k v_i [w_i x + b_i]_+ + b_0, \qquad C = \tfrac12 \sum_i (w_i^2 + v_i^2) $$
#
# With unbounded width, says the paper's abstract, the fit of minimal cost is a linear spline interpolation. So take three
# points on a straight line, (0, 1), (1, 3), (3, 7), and train with a little weight decay: mean squared error plus
# $\lambda C$, with $\lambda = 10^{-3}$. Surely the net draws the line?

# %%
x3, y3 = np.array([0.0, 1.0, 3.0]), np.array([1.0, 3.0, 7.0])  # (3,) each
line = iw.Spline(np.zeros(0), np.array([2.0]), 0.0, 1.0)  # no knot, slope 2, through (0, 1)
of_line, on_line = iw.attaining_network(*line), train_all(x3, y3, 1e-3, p.steps // 2)
nets = [path.last for path in on_line]
print(f"the cheapest net that computes the line: {len(of_line.w)} units, cost {cost(of_line):.4f}")
for net in nets:
    slopes = iw.as_spline(*net).slopes
    print(
        f"trained: cost {cost(net):.4f}, error at the points {np.abs(iw.network(x3, *net) - y3).max():.1g}, slope "
        f"{slopes[0]:.3f} at the far left and {slopes[-1]:.3f} at the far right"
    )
lesson.claim(
    "three points on a line: cost of every trained net, over that of the line (most)",
    predicted=0.501,
    measured=max(cost(net) for net in nets) / cost(of_line),
    relation="<=",
    full_only=True,
)
lesson.claim(
    "the slopes at both ends add up to",
    predicted=2,
    measured=np.array([iw.as_spline(*net).slopes[[0, -1]].sum() for net in nets]),
    tolerance=0.001,
    because="half of the line's 2 + 2; decay takes off a little more, of order lambda",
    full_only=True,
)

# %% [markdown]
# Between the points the nets draw the line. *Beyond* them they bend it, each in its own way, and pay half. The linear
# spline that goes straight on is not what weight decay wants. What is?
#
# ## The price of a function
#
# **Balance.** (w, b, v) and (cw, cb, v/c) are the same unit for c > 0. The cheapest c makes both weights equally large,
# $c^2 = |v/w|$, and then the unit costs $|v w|$:
#
# $$ C \ge \sum_i |v_i w_i| \quad\text{(the path norm)}, \qquad\text{equal when } |v_i| = |w_i| . $$
#
# **Bends.** Such a unit changes the slope of h by $v |w|$ at the place $-b/w$. So a function with knots $t_1 < \dots <
# t_K$ and slopes $s_0, \dots, s_K$ costs at least its total bending $\sum_k |s_k - s_{k-1}|$. But a unit that faces right
# is flat at the far left, and one that faces left is flat at the far right, so slopes at the ends have to be paid for:
#
# $$ \bar R(f) = \max\Bigl(\sum_{k=1}^K |s_k - s_{k-1}|,\; |s_0 + s_K|\Bigr) $$
#
# Predictions: on random nets, path norm and $\bar R$ are lower bounds; balancing changes no value and attains the first;
# and for random functions there is a net that attains the second, with the same values at 41 points.

# %%
probes = np.linspace(-5, 5, 41)  # (41,)
gaps, off, paid = [], [], []
for _ in range(p.cases):
    k, K = rng.integers(1, 9), rng.integers(0, 6)
    net = iw.Network(rng.normal(size=k), rng.normal(size=k), rng.normal(size=k), rng.normal())
    even = iw.balance(*net)
    gaps.append([cost(net) - iw.path_norm(net.w, net.v), iw.path_norm(net.w, net.v) - norm(net)])
    off.append(iw.network(probes, *even) - iw.network(probes, *net))
    paid.append([cost(even), iw.path_norm(net.w, net.v)])

    f = iw.Spline(np.sort(rng.uniform(-4, 4, K)), rng.normal(size=K + 1), rng.normal(), rng.normal())
    cheapest = iw.attaining_network(*f)
    off.append(iw.network(probes, *cheapest) - iw.spline_value(probes, *f))
    paid.append([cost(cheapest), iw.function_norm(f.slopes)])
lesson.claim(
    "random nets: cost - path norm, and path norm - norm of the function (least)",
    predicted=-64 * eps,
    measured=np.min(gaps),
    relation=">=",
    because="both are bounds; 64 eps for sums of 8 terms of order 10",
)
lesson.claim(
    "the balanced net, and the net made of a function: values at 41 points (largest difference)",
    predicted=0,
    measured=np.max(np.abs(off)),
    tolerance=1000 * eps,
    because="10 units of values up to 50, each rounded 4 times: 10 x 50 x 2 x 1 eps",
)
lesson.claim(
    "what they cost = path norm, norm of the function",
    predicted=np.array(paid)[:, 1],
    measured=np.array(paid)[:, 0],
    tolerance=256 * eps,
    because="sums of at most 12 squares of order 1 to 10, each rounded twice",
)
NAMED = {"|x|": [-1, 1], "[x]_+": [0, 1], "x": [1], "the tent": [0, 1, -1, 0], "a zigzag": [1, -1, 1, -1]}
print("norms:", ", ".join(f"{name} {iw.function_norm(slopes):g}" for name, slopes in NAMED.items()))
lesson.claim(
    f"norms of {', '.join(NAMED)}",
    predicted=np.array([2.0, 1.0, 2.0, 4.0, 6.0]),
    measured=np.array([iw.function_norm(slopes) for slopes in NAMED.values()]),
)

# %% [markdown]
# A line costs *twice* its slope, for it takes two units, one to each side: $x = [x]_+ - [-x]_+$. One unit alone costs
# half as much. This is what the nets had found.
#
# ## The cheapest function through points
#
# Let $m_i = (y_{i+1} - y_i)/(x_{i+1} - x_i)$ be the slopes of the chords, $V = \sum_i |m_{i+1} - m_i|$ and $S = |m_1 +
# m_{N-1}|$. Any f through the points bends by V at least. If $S \le V$ the chords, prolonged, cost V: done. If S > V it
# pays to bend the rays beyond the data, towards 0, until both terms of $\bar R$ are equal, by (S - V)/2 in all:
#
# $$ \min\{\bar R(f) : f(x_i) = y_i\} = \max\Bigl(V, \frac{V + S}2\Bigr) . $$
#
# Prediction: on random data, of all ways to bend both rays on a grid the best costs what the formula says, up to the
# grid; and no spline with two more knots anywhere costs less.

# %%
bends = np.linspace(-6, 6, 121)  # (121,) changes of a ray's slope, 0.1 apart
over, under = [], []
for _ in range(p.cases):
    N = rng.integers(2, 7)
    x, y = np.sort(rng.choice(np.arange(-6, 7), N, replace=False)) / 2, rng.integers(-6, 7, N) / 2  # (N,) each
    least, m = iw.minimum_norm(x, y).norm, np.diff(y) / np.diff(x)
    bent = np.abs(np.diff(m)).sum() + np.abs(bends)[:, None] + np.abs(bends)  # (121, 121)
    ends = np.abs(m[0] + m[-1] + bends[:, None] + bends)  # (121, 121)
    over.append(np.maximum(bent, ends).min() - least)
    more = np.sort(rng.choice(np.setdiff1d(np.arange(-6, 7) / 2, x), 2, replace=False))  # (2,)
    at = np.argsort(np.append(x, more))
    heights = np.append(y, rng.integers(-6, 7, 2) / 2)[at]
    slopes = np.diff(heights) / np.diff(np.append(x, more)[at])  # (N + 1,)
    under.append(iw.function_norm(slopes) - least)
lesson.claim(
    "bending both rays: the best on the grid, above the formula (most)",
    predicted=0.1,
    measured=np.max(over),
    relation="<=",
    because="the grid's step",
)
lesson.claim(
    "bending both rays, or two more knots: below the formula (least difference)",
    predicted=-1e3 * eps,
    measured=min(np.min(over), np.min(under)),
    relation=">=",
    because="rounding: sums of at most 8 slopes of up to 12, each rounded thrice",
)
EXAMPLES = {  # x, y, and the least norm
    "two points": ([0, 1], [0, 1], 1),
    "the tent": ([-1, 0, 1], [0, 1, 0], 2),
    "a hook": ([0, 1, 2], [0, 1, 3], 2),
    "a zigzag": ([0, 1, 2, 3], [0, 2, 1, 4], 7),
    "on a line": ([0, 1, 3], [1, 3, 7], 2),
    "squares": ([0, 1, 2, 3], [0, 1, 4, 9], 5),
}
for name, (x, y, _) in EXAMPLES.items():
    V, S, least = iw.minimum_norm(x, y)
    print(f"{name:10s}: V = {V:g}, S = {S:g}, least norm {least:g}")
lesson.claim(
    f"least norms: {', '.join(EXAMPLES)}",
    predicted=np.array([float(least) for *_, least in EXAMPLES.values()]),
    measured=np.array([iw.minimum_norm(x, y).norm for x, y, _ in EXAMPLES.values()]),
)

# %% [markdown]
# ## Weight decay finds it
#
# With weight decay $\lambda$ the best over all widths minimises $\frac1N \sum_i (f(x_i) - y_i)^2 + \lambda \bar R(f)$. This
# is a lasso: a convex problem, which the reference solves exactly. For the tent (0 at -1 and 1, 1 at 0) by hand: half
# the sum of squares and $\mu$ times the path norm, which is our objective for $\lambda = 2\mu/3$, give the path norm
# $2 - 6\mu$ and the largest error $2\mu$.

# %%
for mu in (0.1, 0.01, 0.001):
    best = iw.decay_optimum([-1, 0, 1], [0, 1, 0], 2 * mu / 3)
    lesson.claim(
        f"the tent, mu = {mu}: path norm 2 - 6 mu, largest error 2 mu",
        predicted=np.array([2 - 6 * mu, 2 * mu]),
        measured=np.array([best.norm, np.abs(best.fitted - [0, 1, 0]).max()]),
        tolerance=64 * eps,
        because="three points, numbers of order 1",
    )

# %% [markdown]
# Nets are not convex. Ten points of a sine, those of the authors' experiment, a hundred hidden units, all points in
# every step of Adam, a rate that falls to 0. Predictions: (a) whatever a net ends in, it is balanced and has no bends
# that cancel, $C = \sum |v_i w_i| = \bar R(h)$; (b) at $\lambda = 10^{-2}$ every net finds the optimum of the convex
# problem, within 0.5 %; (c) at $\lambda = 10^{-4}$ the best net is within 2 % of V = 4.2894, the least norm of all
# interpolants.

# %%
x10 = np.linspace(-5, 4, 10) + np.random.RandomState(2222).uniform(0.1, 0.9, 10)  # (10,) the authors' generator
y10 = np.sin(x10)
least = iw.minimum_norm(x10, y10)
moments = np.unique(np.r_[0, np.geomspace(max(1, p.steps // 5000), p.steps, 8 if lesson.quick else 40)].astype(int))
paths, found = (
    {},
    {},
)  # decay -> the paths of all seeds, recorded at these moments, and the nets at their ends; best first
for decay in (1e-2, 1e-3, 1e-4):
    optimum = iw.decay_optimum(x10, y10, decay)
    paths[decay] = train_all(x10, y10, decay, p.steps, moments)
    found[decay] = [path.last for path in paths[decay]]
    print(f"decay {decay:g}: the optimum has norm {optimum.norm:.5f} and objective {optimum.objective:.6f}")
    for net in found[decay]:
        error = np.mean((iw.network(x10, *net) - y10) ** 2)
        excess = iw.objective(x10, y10, *net, decay) / optimum.objective - 1
        print(f"   C {cost(net):.5f}, norm {norm(net):.5f}, squared error {error:.3g}, objective {excess:+.3%}")
    path_norms = np.array([iw.path_norm(net.w, net.v) for net in found[decay]])  # (repeats,)
    lesson.claim(
        f"(a) decay {decay:g}: |C - path norm| and |path norm - norm of h|, all nets (largest)",
        predicted=1e-3,
        measured=max(
            np.abs(path_norms - [cost(net) for net in found[decay]]).max(),
            np.abs(path_norms - [norm(net) for net in found[decay]]).max(),
        ),
        relation="<",
        full_only=True,
    )
    lesson.claim(
        f"decay {decay:g}: no net is better than the convex optimum (least objective over it)",
        predicted=1 - 1000 * eps,
        measured=iw.objective(x10, y10, *found[decay][0], decay) / optimum.objective,
        relation=">=",
        because="the condition of ten points' equations is below 1000",
    )
    lesson.claim(
        f"decay {decay:g}: objective of the best net over the optimum",
        predicted=1.001,
        measured=iw.objective(x10, y10, *found[decay][0], decay) / optimum.objective,
        relation="<=",
        full_only=True,
    )
lesson.claim(
    "V of the ten points", predicted=4.2893980654, measured=least.variation, tolerance=5e-10, because="printed"
)
lesson.claim("S of the ten points", predicted=1.2176171956, measured=least.end_sum, tolerance=5e-10, because="printed")
strong = iw.decay_optimum(x10, y10, 1e-2).norm
lesson.claim(
    "(b) decay 1e-2: C of every net over the optimum's norm",
    predicted=1,
    measured=np.array([cost(net) for net in found[1e-2]]) / strong,
    tolerance=0.005,
    because="as predicted",
    full_only=True,
)
lesson.claim(
    "(c) decay 1e-4: C of the best net over V",
    predicted=1,
    measured=cost(found[1e-4][0]) / least.norm,
    tolerance=0.02,
    because="as predicted; the optimum itself is 0.5 % below V",
    full_only=True,
)

# %% [markdown]
# Not every net gets there at the smaller decays: some end in a worse stationary point, with a bend missing at the
# edge of the data. With steps of 0.003 in the place of 0.03 most of them do.
#
# ## What the price leaves open
#
# The price sees only *how much* f bends, not where. Where it bends in one direction at two neighbouring points, the
# bending may lie anywhere between: f can be any convex (or concave) curve in the triangle between the chord and the
# prolonged neighbours, at the same price. Where it bends in opposite directions f must follow the chord. So the least
# and the greatest value at x of all optimal functions are known (`optimum_range`).
#
# Predictions: a trained net lies between these two, for the values that it has at the points itself, up to what it pays too
# much; and yet it is visibly not the linear spline. On a zigzag, where all bends alternate, only one function is
# optimal, and nets draw the linear spline.

# %%
x4, y4 = np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 2.0, 1.0, 4.0])  # (4,) each
zigzag = [path.last for path in train_all(x4, y4, 1e-3, p.steps // 2)]


def strays(net, x, grid):
    """How far h leaves the range, what is paid too much times the longest way, and how far h is from the linear spline."""
    h, values = iw.network(grid, *net), iw.network(x, *net)  # (M,), (N,)
    low, high = iw.optimum_range(x, values, grid)  # (M,) each
    excess = norm(net) - iw.minimum_norm(x, values).norm
    linear = iw.spline_value(grid, *iw.minimum_norm_interpolant(x, values))  # (M,)
    return max((low - h).max(), (h - high).max()), excess * np.ptp(grid), np.abs(h - linear).max()


grid10, grid4 = np.linspace(-4.3, 4.3, 801), np.linspace(-1, 4, 501)
for name, net, x, grid in (("the sine's points", found[1e-4][0], x10, grid10), ("the zigzag", zigzag[0], x4, grid4)):
    outside, allowed, apart = strays(net, x, grid)
    print(f"{name}: {max(outside, 0):.2g} outside the range, at most {allowed:.2g}; {apart:.4f} from the linear spline")
    lesson.claim(
        f"{name}: how far the net leaves the range",
        predicted=allowed + 64 * eps * np.abs(grid).max(),
        measured=outside,
        relation="<=",
        because="what it pays too much can bend it by that slope, over that length",
    )
lesson.claim(
    "the sine's points: distance from the linear spline",
    predicted=0.03,
    measured=strays(found[1e-4][0], x10, grid10)[2],
    relation=">=",
    full_only=True,
)
lesson.claim(
    "the zigzag: distance of every net from the linear spline (largest)",
    predicted=0.01,
    measured=max(strays(net, x4, grid4)[2] for net in zigzag),
    relation="<=",
    full_only=True,
)

# %%
figure, axes = plt.subplots(1, 3, figsize=(15, 4.4), layout="constrained")
for axis, x, y, grid, several, title in (
    (axes[0], x3, y3, np.linspace(-2, 5, 701), nets[:4], "on a line: trained nets bend it beyond the points"),
    (axes[1], x10, y10, np.linspace(-5.5, 5.5, 801), found[1e-4][:1], "ten points of a sine, decay 1e-4"),
    (axes[2], x4, y4, grid4, zigzag[:1], "a zigzag: one optimum only"),
):
    low, high = iw.optimum_range(x, y, grid)  # (M,) each
    axis.fill_between(grid, low, high, color=LIGHT, alpha=0.4, lw=0, label="all optimal interpolants")
    straight = iw.Spline(x, np.pad(np.diff(y) / np.diff(x), 1, "edge"), x[0], y[0])
    axis.plot(grid, iw.spline_value(grid, *straight), "--", color=GREY, label="the linear spline, straight on")
    for net in several:
        label = "trained net" if net is several[0] else None
        axis.plot(grid, iw.network(grid, *net), color=RED, lw=1.2, label=label)
    axis.plot(x, y, "o", color="black", ms=5)
    axis.set_title(title)
axes[0].legend(frameon=False)
lesson.figure(figure, "between_points")

# %% [markdown]
# How does it get there? The best of the trainings at $\lambda = 10^{-3}$, frame by frame: what the net draws, and its
# units, each a stem at the place where it bends h, as long as its path norm. First it fits; then decay kills what is
# not needed, and units gather.

# %%
path = paths[1e-3][0]
snapshots = [iw.Network(path.w[j], path.b[j], path.v[j], path.b0[j]) for j in range(len(moments))]
figure, (top, bottom) = plt.subplots(2, 1, figsize=(8, 6.4), layout="constrained", height_ratios=(3, 2), sharex=True)
wide = np.linspace(-5.5, 5.5, 401)


def frame(j):
    """The net after moments[j] steps."""
    net = snapshots[j]
    top.clear(), bottom.clear()
    top.plot(wide, iw.network(wide, *net), color=RED)
    top.plot(x10, y10, "o", color="black")
    top.set(ylim=(-2, 2), title=f"after {moments[j]} steps: C = {cost(net):.2f}, norm of h {norm(net):.2f}")
    live = np.abs(net.w) > 1e-12
    bottom.vlines(-net.b[live] / net.w[live], 0, (net.v * np.abs(net.w))[live], color=BLUE)
    bottom.axhline(0, color=GREY, lw=0.5)
    bottom.set(xlim=(-5.5, 5.5), ylim=(-1.6, 1.6), xlabel="x", ylabel="change of slope")
    for place in x10:
        bottom.axvline(place, color=GREY, ls=":", lw=0.5)


lesson.player(FuncAnimation(figure, frame, frames=len(moments)), "training", fps=4)
figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
axis.semilogx(moments[1:], [cost(net) for net in snapshots[1:]], color=BLUE, label="cost C")
axis.semilogx(moments[1:], [norm(net) for net in snapshots[1:]], color=RED, label="norm of h")
axis.axhline(iw.decay_optimum(x10, y10, 1e-3).norm, color=GREY, ls="--", label="norm of the optimum")
axis.set(xlabel="steps", ylim=(0, None), title="Ten points of a sine, decay 1e-3")
axis.legend(frameon=False)
lesson.figure(figure, "cost")

# %% [markdown]
# ## Exercises
#
# Copy this file (`minidl lessons copy DIR`), write the functions, and run `minidl check 11_infinite_width FILE`.


# %%
def exercise_1(slopes):
    """The least cost of a net whose function has these slopes (K + 1,), from left to right: a number."""
    raise NotImplementedError


def exercise_2(w, b, v):
    """Knots (k,), ascending, and slopes (k + 1,) of the function of a net whose k units bend at different places."""
    raise NotImplementedError


def exercise_3(x, y):
    """The least norm of all functions through points x (N,) ascending, y (N,), N >= 2: a number."""
    raise NotImplementedError


def exercise_4(x, y, left):
    """Slopes (N + 1,) of an optimal spline with knots x; `left`, in [0, 1], is the left ray's share of the bending."""
    raise NotImplementedError


# %% [markdown]
# ## The end: what was shown, and what was not
#
# **Shown.** The price of a piecewise-linear function, its attainment, and the cheapest interpolant; that weight decay
# leads nets there, to many digits; that the linear spline, straight on, is the wrong answer where S > V, and only one of
# many where neighbouring bends have one sign.
#
# **Deviations from the authors' code.** (1) It takes up to 5e8 plain gradient steps of size 0.005; here it is 1e5 steps of
# Adam, whose size falls to 0. (2) It reports the total bending alone as norm, without $|f'(-\infty) + f'(\infty)|$. On its
# ten points this is the same, since S < V; on our first three it would be 0. (3) It uses $\lambda = 10^{-4}$ only.
#
# **Not shown.** (1) That training must find the optimum: it does not always, even here. (2) Smooth functions, for which
# the norm is $\max(\int |f''|, |f'(-\infty) + f'(\infty)|)$. (3) More inputs: there the norm is another one (Ongie,
# Willett, Soudry, Srebro, 2020), and points do not suffice to hold knots. (4) A free linear term $ax$ in the net: then
# only the bending is charged (`function_norm_with_skip`), and the line through our three points is free.
#
# **Next.** `minidl/theory/infinite_width/interpolation.py`, and `weight_decay.py` for the lasso. Hanin, *Ridgeless
# Interpolation with Shallow ReLU Networks in 1D is Nearest Neighbor Curvature Extrapolation*, 2021, describes all
# minimisers.

# %%
lesson.result("cost", {f"{decay:g}": [cost(net) for net in several] for decay, several in found.items()})
lesson.result("objective", {f"{d:g}": [iw.objective(x10, y10, *net, d) for net in nets] for d, nets in found.items()})
plt.close("all")
lesson.finish()
