# %% [markdown]
# # AdaBound: how long a band of learning rates stays open
#
# **Question.** AdaBound starts as Adam and ends as SGD. What does it do in between, and when is the end?
#
# **You will** watch AdaBound walk the wrong way for a time that one innocent number decides, break the regret bound that
# its proof claims, measure the regret beside a bound that holds, and replace AdaBound by momentum SGD without loss.
#
# **You need** lesson 02 (Adam, and why it can walk the wrong way), means and standard errors. 20 seconds on two cores.
#
# **Papers.** Luo, Xiong, Liu, Sun, *Adaptive Gradient Methods with Dynamic Bound of Learning Rate*, ICLR 2019 (the
# method: section 4, algorithm 2). Savarese, *On the Convergence of AdaBound and its Connection to SGD*, 2019 (its slow
# example, its proof, its momentum SGD). The reference is `minidl.optim.adabound`, with `bounds`, `adabound_theory` and
# `momentum_sgd` beside it.

# %%
from minidl.lesson import Lesson

lesson = Lesson(
    "03_adabound",
    title="AdaBound: convergence, regret, and the momentum SGD inside",
    question="AdaBound starts as Adam and ends as SGD: what does it do in between, and when is the end?",
    params=dict(seed=0, runs=24, decades=5, regret_steps=20_000, nets=6, epochs=30),
    quick=dict(runs=6, decades=3, regret_steps=2000, nets=1, epochs=3),
    help=dict(
        runs="independent runs of the stochastic example",
        decades="the slowest closing of the band: gamma = 10^-decades",
        regret_steps="steps of the experiments on regret",
        nets="nets trained by each optimizer",
        epochs="epochs of each training",
    ),
    choices=dict(decades=(3, 4, 5)),
    seconds=20,
    threads=1,  # vectors of a few hundred entries
)
p = lesson.params

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation

from minidl.autograd import cross_entropy, no_grad, relu, value_and_grad
from minidl.optim import adabound, adam, momentum_sgd, trajectories
from minidl.optim.adabound import AdaBoundHyper, clipped_rates
from minidl.optim.adabound_theory import adabound_projected, bound_constant, projected_rates, regret_bound
from minidl.optim.adam import AdamHyper
from minidl.optim.bounds import bounds
from minidl.optim.momentum_sgd import MomentumSGDHyper

rng = np.random.default_rng(p.seed)
RED, BLUE, GREY = "#b2182b", "#2166ac", "#777777"
OPEN = 1e-30  # a gamma so small that the band clips nothing


def expect(text, measured, relation, predicted, **more):
    """A claim that needs the full run."""
    lesson.claim(text, predicted=predicted, measured=measured, relation=relation, full_only=True, **more)


def same(text, left, right, roundings, scale):
    """A claim that both sides of an equation agree, to so many roundings at that scale."""
    tolerance, because = roundings * np.finfo(float).eps * scale, f"{roundings} roundings at the scale of the terms"
    lesson.claim(text, predicted=right, measured=left, tolerance=tolerance, because=because)


# %% [markdown]
# ## The failure first
#
# Lesson 02 saw Adam walk away from the minimum of a convex function. AdaBound clips Adam's rates into a band that closes
# on one value $\alpha^*$ (`final_lr`), so it must come back. Does it, in time? On $-1 \le x \le 1$ the loss is
#
# $$ f_t(x) = C x \text{ with probability } p = \tfrac{1+\delta}{C+1}, \quad \text{else } -x, \qquad
# \mathbb E f(x) = \delta x, $$
#
# with its minimum at $x^* = -1$. All start at 0, without momentum, bias correction and eps. The learning rates depend on
# the gradients alone, so the reference gives all of them at once.

# %%
C, delta, alpha, final, beta2 = 200.0, 1.0, 1e-2, 1e-3, 0.9
chance = (1 + delta) / (C + 1)


def sample(steps, generator):
    """Gradients (steps, runs) of the random loss."""
    return np.where(generator.random((steps, p.runs)) < chance, C, -1.0)


def descend(rates, g, name):
    """The points after every step of projected descent, (steps, runs)."""
    x, path = np.zeros(g.shape[1]), np.empty_like(g)
    for t in lesson.progress(range(len(g)), name):
        x = np.minimum(np.maximum(x - rates[t] * g[t], -1.0), 1.0)  # (runs,)
        path[t] = x
    return path


def arrival(path):
    """The first step after the 50th at which each run is at -0.5 or left of it; infinity where it never is."""
    there = path[50:] <= -0.5  # (steps - 50, runs)
    return np.where(there.any(axis=0), there.argmax(axis=0) + 51, np.inf)


paths, arrivals = {}, {}


def race(name, rates, g):
    paths[name] = descend(rates, g, name)
    arrivals[name] = arrival(paths[name])
    median, end = np.median(arrivals[name]), paths[name][-1].mean()
    print(f"{name:20s} reaches -0.5 at step {median:8.0f} (median), ends at {end:+.2f}")


g = sample(12_000, rng)
race("SGD, rate alpha*", np.full_like(g, final), g)
race("Adam", projected_rates(g, alpha, final, beta2, OPEN), g)
race("AdaBound, 1e-03", projected_rates(g, alpha, final, beta2, 1e-3), g)
by_sgd = np.median(arrivals["SGD, rate alpha*"])
expect("SGD: steps to -0.5 (at delta alpha* per step: 500)", by_sgd, "<", 1000)
expect("Adam ends on the wrong side: mean x", paths["Adam"][-1].mean(), ">", 0.8)
expect("AdaBound, default gamma: steps / SGD's steps", np.median(arrivals["AdaBound, 1e-03"]) / by_sgd, ">", 4)

# %% [markdown]
# ## The method: a band that closes
#
# Around $\alpha^*$ lies a band whose two borders close on it, at a speed $\gamma$ (section 4 of Luo et al.):
#
# $$ \eta_l(t) = \alpha^* \Bigl(1 - \frac1{\gamma t + 1}\Bigr), \qquad \eta_u(t) = \alpha^* \Bigl(1 + \frac1{\gamma t}\Bigr),
# \qquad \eta_l(t)\,\eta_u(t) = \alpha^{*2} . $$
#
# The product makes $\alpha^*$ the geometric mean of the borders at every step: on a logarithmic axis the band is
# symmetric. AdaBound moves by Adam's averaged gradient $m_t$ at Adam's rate, clipped:
#
# $$ w_t = w_{t-1} - \operatorname{Clip}\Bigl(\frac{\alpha}{\sqrt{v_t} + \epsilon} \cdot
# \frac{\sqrt{1-\beta_2^t}}{1-\beta_1^t},\ \eta_l(t),\ \eta_u(t)\Bigr)\, m_t . $$
#
# Left the reference, right these equations, with the averages written as sums:

# %%
T, d = 12, 5
w0, G = rng.standard_normal(d), rng.standard_normal((T, d))
hyper = dict(final_lr=0.2, beta1=0.9, beta2=0.99, gamma=0.3, eps=1e-3)
t = np.arange(1, T + 1)[:, None]  # (T, 1)
lower, upper = 0.2 * (1 - 1 / (0.3 * t + 1)), 0.2 * (1 + 1 / (0.3 * t))  # (T, 1)
age = t - t.T  # (T, T)
m = np.tril(0.1 * 0.9 ** np.maximum(age, 0)) @ G  # (T, d)
v = np.tril(0.01 * 0.99 ** np.maximum(age, 0)) @ G**2  # (T, d)
raw = 0.1 / (np.sqrt(v) + 1e-3) * np.sqrt(1 - 0.99**t) / (1 - 0.9**t)  # (T, d)
moves = np.clip(raw, lower, upper) * m  # (T, d)
print(
    f"{np.sum(raw < lower)} of {raw.size} rates are raised to the lower border, {np.sum(raw > upper)} cut to the upper"
)
rows = trajectories.adabound(w0, G, np.full(T, 0.1), **hyper, weight_decay=0.0)  # (T, d)
# 16 roundings per step, at the scale of the moves over 1 - beta2, as 1 - beta2^t cancels
scale = np.max(np.abs(w0) + np.abs(moves).sum(axis=0) / 0.01)
same("AdaBound = the equation", rows, w0 - np.cumsum(moves, axis=0), 16 * T, scale)
low, high = bounds(rng.integers(1, 10**6, 50), 0.1, 1e-3)  # (50,) each
same("lower border times upper = alpha*^2", low * high, np.full(50, 0.1**2), 4, 0.1**2)

# %% [markdown]
# ## Why it is slow: nothing is clipped before step K
#
# In the example $(1-\beta_2) \le v_t \le C^2$, so Adam's rate lies between $\alpha/C$ and $\alpha/\sqrt{1-\beta_2}$. The
# band contains all of that, and AdaBound **is** Adam, as long as
#
# $$ t \le K = \frac1\gamma \min\Bigl( \frac{\alpha}{\alpha^* C - \alpha},\
# \frac{\alpha^*}{\alpha/\sqrt{1-\beta_2} - \alpha^*} \Bigr) . $$
#
# And Adam goes the wrong way: by Jensen's inequality, as $\mathbb E v_t \le p C^2 + 1 - p$ and as the rare gradient moves by
# at most $\alpha/\sqrt{1-\beta_2}$, its mean move to the right is at least $\alpha\kappa$,
#
# $$ \kappa = \frac{1-p}{\sqrt{\beta_2 (pC^2 + 1 - p) + 1 - \beta_2}} - \frac{p}{\sqrt{1-\beta_2}} . $$
#
# Predictions: (1) Adam's mean move is at least $\alpha\kappa > 0$. (2) Up to K not one rate is clipped. (3) K grows like
# $1/\gamma$, so the time to arrive does so too in the end: ten times slower closing, nearly ten times as many steps.

# %%
kappa = (1 - chance) / np.sqrt(beta2 * (chance * C**2 + 1 - chance) + 1 - beta2) - chance / np.sqrt(1 - beta2)
forward = (-projected_rates(g, alpha, final, beta2, OPEN) * g / alpha)[200:].mean(axis=0)  # (runs,) v has forgotten 0
error = forward.std(ddof=1) / np.sqrt(p.runs)
expect(
    "Adam's mean move / alpha, if x were free",
    forward.mean(),
    ">=",
    kappa,
    tolerance=6 * error,
    because="6 standard errors",
)

gammas = [10.0**-k for k in range(2, p.decades + 1)]
K = {gamma: min(alpha / (final * C - alpha), final / (alpha / np.sqrt(1 - beta2) - final)) / gamma for gamma in gammas}
unlike, medians = 0, {}
for gamma in gammas:
    name, first = f"AdaBound, {gamma:.0e}", int(K[gamma])
    g = sample(int(2.5 / gamma) + 8000, rng)  # (steps, runs)
    rates = projected_rates(g, alpha, final, beta2, gamma)
    unlike += np.sum(rates[:first] != projected_rates(g[:first], alpha, final, beta2, OPEN))
    race(name, rates, g)
    medians[gamma] = np.median(arrivals[name])
    print(f"{'':20s} K = {first}, gamma * steps = {gamma * medians[gamma]:.2f}")
earliest = min(arrivals[f"AdaBound, {gamma:.0e}"].min() / K[gamma] for gamma in gammas)
expect("earliest arrival of all, in units of K", earliest, ">", 1)
lesson.claim("rates clipped up to step K, all gammas", predicted=0, measured=int(unlike))
if p.decades == 5:
    expect("steps for gamma = 1e-5 / steps for 1e-4", medians[1e-5] / medians[1e-4], "between", (5, 12))

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4))
colours = ["black", *plt.cm.Blues(np.linspace(0.4, 1, len(gammas))), RED]
for name, colour in zip(["SGD, rate alpha*", *(f"AdaBound, {g:.0e}" for g in gammas), "Adam"], colours, strict=True):
    mean = paths[name].mean(axis=1)  # (steps,)
    at = np.unique(np.geomspace(1, len(mean), 300).astype(int)) - 1
    left.semilogx(at + 1, mean[at], color=colour, label=name)
left.axhline(-0.5, color=GREY, lw=0.8, ls=":")
left.set(xlabel="step", ylabel="x, mean over the runs", title="The minimum is at -1; Adam's rates lead to +1")
left.legend(frameon=False, fontsize=8)
right.loglog(gammas, [medians[gamma] for gamma in gammas], "o-", color=BLUE, label="steps to -0.5 (median)")
right.loglog(gammas, [K[gamma] for gamma in gammas], "s--", color=GREY, label="K: nothing is clipped before")
right.axhline(by_sgd, color="black", lw=0.8, label="SGD, rate alpha*")
right.set(
    xlabel="gamma, the speed of closing", ylabel="steps", title="The slower the band closes, the later they arrive"
)
right.legend(frameon=False, fontsize=8)
lesson.figure(figure, "slow")
paths.clear()

# %% [markdown]
# ## The proof that fails
#
# Algorithm 2 of the paper, to which its theorem belongs, divides the clipped rate $\hat\eta_t$ by $\sqrt t$. In its regret
# the squared distances to the best point $x^*$ appear, in each coordinate, as
#
# $$ \tfrac12 \sum_t \Bigl(\frac{\sqrt t}{\hat\eta_t} - \frac{\sqrt{t-1}}{\hat\eta_{t-1}}\Bigr) (x_t - x^*)^2 . $$
#
# If no difference were negative, every square could be replaced by its largest value $D^2$, the sum would collapse, and
# without momentum we would have, with gradients of norm at most G,
#
# $$ R_T \le \frac{D^2}{2} \sum_i \frac{\sqrt T}{\hat\eta_{T,i}} + (2\sqrt T - 1)\, \eta_u(1)\, G^2 . $$
#
# The published proof takes it so. But the clip lets the rate rise as well as fall: with the default band
# $\sqrt t/\hat\eta_t$ may go from 10010 at step 1 to 0.0282 at step 2. Where a difference is negative, $D^2$ is on the wrong
# side of the inequality.
#
# Prediction: the collapsed bound is **false**. Take milder numbers, $C = 6$, $\delta = \tfrac12$, $\beta_2 = \tfrac12$. All
# rates lie in $[L, R] = [\alpha/C, \alpha/\sqrt{1-\beta_2}]$. A band that is $[L, R]$ up to step T and closes afterwards
# meets every condition of the theorem and clips nothing. Adam walks to +1, where each step costs $2\delta$ more than at
# $-1$: the regret grows like T, the collapsed bound only like $\sqrt T$.

# %%
low, high = bounds(np.array([1, 2]), 0.1, 1e-3)  # (2,) each
print(f"sqrt(t) / rate may go from {1 / low[0]:.0f} at step 1 to {np.sqrt(2) / high[1]:.4f} at step 2")

C2, delta2, beta22, D, T = 6.0, 0.5, 0.5, 2.0, p.regret_steps
alpha2 = (1 - beta22) ** 0.25 / np.sqrt(C2)  # which makes the collapsed bound as small as it gets
L, R = alpha2 / C2, alpha2 / np.sqrt(1 - beta22)
t = np.arange(1, T + 1)


def regrets(w0, losses, points):
    """Each coordinate's regret after every step (T, d): suffered by w_{t-1}, less what the best border would have cost."""
    before = np.vstack([w0, points[:-1]])  # (T, d)
    return np.cumsum(losses * before, axis=0) + np.abs(np.cumsum(losses, axis=0))  # the box is [-1, 1]


g = np.where(rng.random((T, 8)) < (1 + delta2) / (C2 + 1), C2, -1.0)  # (T, 8): eight problems in one dimension
points = adabound_projected(np.zeros(8), g, alpha2, alpha2, np.zeros(T), beta22, OPEN, 1.0)  # (T, 8)
stuck = regrets(np.zeros(8), g, points).mean(axis=1)  # (T,)
collapsed = D**2 / 2 * np.sqrt(t) / L + (2 * np.sqrt(t) - 1) * R * C2**2  # (T,) with the smallest rate of all
print(f"regret after {T} steps: {stuck[-1]:.0f}, collapsed bound: {collapsed[-1]:.0f}")
expect("regret, beside what the published proof gives", stuck[-1], ">", collapsed[-1])

# %% [markdown]
# ## A bound that holds
#
# It is enough that the differences do not get too *large*. With $\frac{t}{\eta_l(t)} - \frac{t-1}{\eta_u(t-1)} \le M$ for
# all t (a condition of the form that Savarese gives) each is at most $M/\sqrt t$, since $\sqrt{t(t-1)} \ge t - 1$, and
#
# $$ R_T \le \frac{D^2}{2(1-\beta_1)} \Bigl[2dM(\sqrt T-1) + \sum_i \frac1{\hat\eta_{1,i}}
# + \sum_{t,i} \frac{\beta_{1t}\sqrt t}{\hat\eta_{t,i}}\Bigr] + (2\sqrt T-1) \frac{\eta_u(1)\, G^2}{1-\beta_1},
# \qquad M = \frac{1 + 2/\gamma}{\alpha^*} . $$
#
# There it is, the $1/\gamma$. For the band that waits until T, M is about $T(1/L - 1/R)$: no contradiction any more. The
# largest M is approached slowly, $\frac{t}{\eta_l(t)} - \frac{t-1}{\eta_u(t-1)} = M - 1 / (\alpha^* \gamma (\gamma (t-1) +
# 1))$. First that equation, then regrets beside the bound, on random linear losses in the box, with $\beta_{1t} = 0.9/t$:

# %%
times = rng.integers(2, 2000, 50)
growth = times / bounds(times, 0.1, 0.05)[0] - (times - 1) / bounds(times - 1, 0.1, 0.05)[1]  # (50,)
M, missing = bound_constant(0.1, 0.05), 1 / (0.05 * (0.05 * (times - 1) + 1)) / 0.1  # (50,)
same("t / lower(t) - (t - 1) / upper(t - 1) = M - rest", growth, M - missing, 8, 2 * 2000 / 0.1)

tilted = rng.standard_normal((T, 3)) + 0.3
rare = np.where(rng.random((T, 3)) < (1 + delta2) / (C2 + 1), C2, -1.0)
weights, measured = 0.9 / t, {}
for gamma in (1.0, 0.1, 0.01):
    for name, g in (("tilted noise", tilted), ("rare and large", rare)):
        rates, G2 = projected_rates(g, 0.1, 0.1, 0.9, gamma), np.linalg.norm(g, axis=1).max()
        points = adabound_projected(np.zeros(3), g, 0.1, 0.1, weights, 0.9, gamma, 1.0)  # (T, 3)
        bound = regret_bound(rates, weights, 0.1, gamma, D, G2)  # (T,)
        measured[gamma, name] = regrets(np.zeros(3), g, points).sum(axis=1), bound  # (T,) each
worst = max(np.max(regret / bound) for regret, bound in measured.values())
lesson.claim("largest regret / bound, at any step", predicted=1, measured=worst, relation="<=")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4))
M = t * (1 / L - 1 / R) + 1 / R  # (T,)
waiting = D**2 / 2 * (2 * M * (np.sqrt(t) - 1) + 1 / L) + (2 * np.sqrt(t) - 1) * R * C2**2  # (T,)
left.loglog(t, np.maximum(stuck, 1), color=RED, label="measured")
left.loglog(t, collapsed, "--", color=GREY, label="what the published proof gives")
left.loglog(t, waiting, color=BLUE, label="corrected, for the band that waits")
left.set(xlabel="T", ylabel="regret", title="A band that stays wide breaks the published bound")
left.legend(frameon=False, fontsize=8)
for gamma, shade in zip((1.0, 0.1, 0.01), plt.cm.Blues((0.4, 0.7, 1.0)), strict=True):
    regret, bound = measured[gamma, "rare and large"]  # (T,) each
    right.loglog(t, bound, "--", color=shade, label=f"bound, gamma = {gamma:g}")
    right.loglog(t, np.maximum(regret, 1), color=shade, label=f"regret, gamma = {gamma:g}")
right.set(xlabel="T", ylim=(1, 1e10), title='"Rare and large": the bound holds, and is loose')
right.legend(frameon=False, fontsize=8, ncols=2)
lesson.figure(figure, "regret")

# %% [markdown]
# ## The momentum SGD inside
#
# Once every rate is clipped from below, what is left is $w_t = w_{t-1} - \eta_l(t)\, m_t$: momentum SGD with a schedule that
# rises to $\alpha^*$. Its average $m_t = \beta_1 m_{t-1} + (1-\beta_1) g_t$ makes it the heavy ball with rate $a(1-\beta_1)$,
#
# $$ w_{t+1} - w_t = \beta_1 \frac{a_{t+1}}{a_t} (w_t - w_{t-1}) - a_{t+1} (1-\beta_1)\, g_{t+1}, $$
#
# so AdaBound with its defaults $\alpha^* = 0.1$ and $\beta_1 = 0.9$ ends as SGD with rate **0.01** and momentum 0.9.

# %%
rows = trajectories.momentum_sgd(w0, G, np.full(12, 0.1), 0.2, 0.9, 0.3, "lower")  # (12, d)
steps, a = np.diff(rows, axis=0), lower  # (11, d), (12, 1) of the cell above
last = np.vstack([rows[:1] - w0, steps[:-1]])  # (11, d)
ball = 0.9 * a[1:] / a[:-1] * last - a[1:] * 0.1 * G[1:]  # (11, d)
same("momentum SGD = the heavy ball", steps, ball, 16 * 12, np.max(np.abs(w0) + 0.2 * np.abs(G).sum(axis=0)))

# %% [markdown]
# Does that happen in the training of a net, and when? A small net (20-32-5, relu, 837 parameters) learns labels that a
# net like it gave, with the learning rate 0.001, $\alpha^* = 1$, and two speeds of closing. Everything is one vector w, and
# the pure step shows its state, so that we can look at the rates. Predictions: (1) before the fifth epoch nearly all
# coordinates are on the **lower** border; (2) momentum SGD with $a = \eta_l(t)$ has nearly the same loss from then on, while
# Adam's is another; (3) once all are on the border, it *is* the same program, to the last bit.


# %%
def scores(w, x):
    """A net with one hidden layer, whose weights and biases are one vector w (837,): x (N, 20) -> (N, 5)."""
    first, second = w[: 20 * 32].reshape(20, 32), w[672:832].reshape(32, 5)
    return relu(x @ first + w[640:672]) @ second + w[832:]


def task(net):
    """Examples (1500, 20), labels (1500,), initial parameters (837,)."""
    generator = np.random.default_rng((p.seed, net))
    x = generator.standard_normal((1500, 20))
    scale = np.repeat([np.sqrt(2 / 20), 0, np.sqrt(2 / 32), 0], [640, 32, 160, 5])  # (837,) no biases at the start
    teacher, w = generator.standard_normal((2, 837)) * scale  # (837,) each
    return x, scores(teacher, x).argmax(axis=1), w


gradient = value_and_grad(lambda w, x, y: cross_entropy(scores(w, x), y))


def train(step, hyper, w, state, order, look=lambda w, state: None):
    """One epoch per row of order (epochs, 1500): w, state, and the loss after each epoch."""
    losses = []
    for rows in order:
        for some in rows.reshape(-1, 50):
            w, state = step(w, gradient(w, x[some], y[some])[1], state, hyper)  # (837,)
            look(w, state)
        with no_grad():
            losses.append(float(cross_entropy(scores(w, x), y)))
    return w, state, np.array(losses)


def on_lower(v, t, hyper):
    """The share of coordinates whose rate is the lower border at step t."""
    low = bounds(t, hyper.final_lr, hyper.gamma).lower
    return np.mean(clipped_rates(v, t, hyper) <= low * (1 + 4 * np.finfo(float).eps))


speeds, curves, moments, differing = (1e-3, 1e-2), {}, {}, 0
for net in lesson.progress(range(p.nets), "nets"):
    x, y, w0 = task(net)
    order = np.array([np.random.default_rng((p.seed, net, e)).permutation(len(x)) for e in range(p.epochs + 1)])
    for gamma in speeds:
        hyper, seen = AdaBoundHyper(lr=1e-3, final_lr=1.0, gamma=gamma), moments.setdefault((gamma, net), [])
        w, state, losses = train(adabound.step, hyper, w0, {}, order[:-1], lambda w, s, seen=seen: seen.append(s["v"]))
        twin = MomentumSGDHyper(lr=1e-3, final_lr=1.0, gamma=gamma, schedule="lower")
        curves["AdaBound", gamma, net] = losses  # (epochs,)
        curves["SGD", gamma, net] = train(momentum_sgd.step, twin, w0, {}, order[:-1])[2]
        # the hand-over: a last epoch by AdaBound, or by momentum SGD from AdaBound's parameters and momentum
        by_adabound = train(adabound.step, hyper, w, state, order[-1:])[0]
        by_twin = train(momentum_sgd.step, twin, w, {"t": state["t"], "m": state["m"]}, order[-1:])[0]
        differing += np.sum(by_adabound != by_twin)
    curves["Adam", 0, net] = train(adam.step, AdamHyper(lr=1e-3), w0, {}, order[:-1])[2]

per_epoch, settled = 30, min(5, p.epochs)
shares = {}  # gamma: (steps,), the mean over the nets
for gamma in speeds:
    hyper = AdaBoundHyper(lr=1e-3, final_lr=1.0, gamma=gamma)
    shares[gamma] = np.mean(
        [[on_lower(v, t, hyper) for t, v in enumerate(moments[gamma, net], 1)] for net in range(p.nets)], axis=0
    )
    apart = {}  # from AdaBound's loss: mean distance once settled, of the median net
    for who, at in (("SGD", gamma), ("Adam", 0)):
        gaps = [curves["AdaBound", gamma, net] - curves[who, at, net] for net in range(p.nets)]  # (epochs,) each
        apart[who] = np.median([np.mean(np.abs(gap[settled - 1 :])) for gap in gaps])
    first, fifth = shares[gamma][per_epoch - 1], shares[gamma][per_epoch * settled - 1]
    print(f"gamma = {gamma:g}: {first:.0%} on the lower border after epoch 1, {fifth:.0%} after epoch {settled}")
    expect(f"gamma = {gamma:g}: share on the lower border, epoch 5", fifth, ">", 0.9)
    expect(f"gamma = {gamma:g}: distance of losses, AdaBound and SGD", apart["SGD"], "<", 0.02)
    expect(f"gamma = {gamma:g}: Adam's distance / SGD's", apart["Adam"] / apart["SGD"], ">", 5)
expect("parameters that differ in the epoch after the hand-over", int(differing), "==", 0)

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4))
epoch = np.arange(1, p.epochs + 1)
for gamma, colour in zip(speeds, (BLUE, RED), strict=True):
    left.plot(epoch, curves["AdaBound", gamma, 0], color=colour, label=f"AdaBound, gamma = {gamma:g}")
    left.plot(epoch, curves["SGD", gamma, 0], "o", ms=3, color=colour, label="its momentum SGD")
    right.semilogx(np.arange(1, len(shares[gamma]) + 1), shares[gamma], color=colour, label=f"gamma = {gamma:g}")
left.plot(epoch, curves["Adam", 0, 0], color="black", label="Adam")
left.set(xlabel="epoch", ylabel="training loss of the first net", title="AdaBound and its momentum SGD")
left.legend(frameon=False, fontsize=8)
right.set(xlabel="step", ylabel="share of the rates on the lower border", title="The band takes over from below")
right.legend(frameon=False)
lesson.figure(figure, "twin")

# %% [markdown]
# The player shows why it is the lower border: Adam's rates (grey) come to rest between 0.01 and 0.1, while the lower border
# rises through them on its way to $\alpha^* = 1$ and sweeps them up (blue). The upper border has nothing to do.

# %%
figure, axis = plt.subplots(figsize=(7.5, 4))
bins = np.geomspace(1e-4, 1e3, 71)
hyper, seen = AdaBoundHyper(lr=1e-3, final_lr=1.0, gamma=1e-3), moments[1e-3, 0]
shown = np.unique(np.geomspace(1, len(seen), 45 if not lesson.quick else 4).astype(int))


def frame(i):
    axis.clear()
    step = int(shown[i])
    low, high = bounds(step, hyper.final_lr, hyper.gamma)
    free = clipped_rates(seen[step - 1], step, replace(hyper, gamma=OPEN))  # (837,) Adam's own rates
    rates = clipped_rates(seen[step - 1], step, hyper)  # (837,)
    axis.axvspan(low, high, color="#d1e5f0")
    axis.hist(free, bins, color=GREY, alpha=0.6, label="Adam's rates")
    axis.hist(rates, bins, color=BLUE, alpha=0.7, label="clipped into the band")
    axis.axvline(hyper.final_lr, color="black", ls=":", label="alpha*")
    axis.set(xscale="log", xlim=(bins[0], bins[-1]), ylim=(0, 837), xlabel="rate", ylabel="coordinates")
    axis.set_title(f"step {step}: {on_lower(seen[step - 1], step, hyper):.0%} on the lower border")
    axis.legend(loc="upper right", frameon=False)


lesson.player(FuncAnimation(figure, frame, frames=len(shown)), "band")

# %% [markdown]
# ## Exercises
#
# Copy this file (`minidl lessons copy DIR`), write the functions, and run `minidl check 03_adabound FILE`.


# %%
def exercise_1(t, final_lr, gamma):
    """The lower and the upper border of AdaBound's band at step t (from 1 on), as a pair of numbers."""
    ...


def exercise_2(gradients, lr, final_lr, beta1, beta2, gamma, eps):
    """The clipped rate of a coordinate at the last of its steps, whose gradients are a list of T numbers."""
    ...


def exercise_3(C, alpha, final_lr, beta2, gamma):
    """The last step up to which nothing can be clipped, while 1 <= |g_t| <= C: the integer K, without bias correction."""
    ...


def exercise_4(final_lr, beta1):
    """The (lr, momentum) of the heavy ball `b = momentum * b + g; w = w - lr * b` that AdaBound becomes in the end."""
    ...


def exercise_5(points, gradients, radius):
    """The regret of playing points[t] (T, d) on losses gradients[t] . x (T, d) in the box [-radius, radius]^d."""
    ...


# %% [markdown]
# ## The end: what was shown, and what was not
#
# **Shown.** AdaBound can walk the wrong way for about 1/gamma steps, where SGD with the final rate needs a few hundred. The
# step of the published proof that collapses a sum is wrong, and the bound it gives is violated. A bound that holds
# contains M, hence 1/gamma. In training, the lower border takes over within a few epochs; after that AdaBound is momentum
# SGD with the rate eta_l(t), and a second moment is computed that changes nothing.
#
# **Deviations.** (1) The example of the first part is of the kind that Savarese gives, with constants of our own. As in
# the released code, its steps are not divided by sqrt(t). (2) The band that waits until T is made by taking gamma so
# small that it clips nothing; the two give the same points. (3) Two layers of 837 parameters stand in for ResNet-34 and
# DenseNet-121 on CIFAR.
#
# **Not shown.** (1) That the corrected bound is tight: measured regrets are far below it, and only its dependence on gamma
# is real. (2) Which rate is best: the paper's claim that the band needs no tuning is about large image nets. (3) That
# $\beta_1$ may be constant: the bound then grows like $T^{3/2}$ and says nothing. (4) With gamma = 0.01 and a rate near 1
# the small net is at the edge of stability late in training; there two runs part whatever made the first difference.
#
# **For your own code.** The released AdaBoundW takes `weight_decay * w` per step, not multiplied by any learning rate: 0.01
# there is 1 % per step. The band follows a learning-rate scheduler through `lr / base_lr`; if your scheduler seems not to
# matter any more, look there. `minidl verify adabound FILE` finds both.
#
# **Read next.** Reddi, Kale, Kumar, *On the Convergence of Adam and Beyond*, 2018, for the example's ancestor.

# %%
lesson.result("steps_to_minus_one_half", arrivals)
lesson.result("K", {f"{gamma:g}": K[gamma] for gamma in gammas})
lesson.result("regret_and_collapsed_bound", [stuck[-1], collapsed[-1]])
lesson.result(
    "share_on_lower_border", {f"gamma={gamma:g}": share[per_epoch - 1 :: per_epoch] for gamma, share in shares.items()}
)
lesson.result("losses", {f"{who} gamma={g:g} net={n}": curve for (who, g, n), curve in curves.items()})
plt.close("all")
lesson.finish()
