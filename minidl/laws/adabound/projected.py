"""The laws of AdaBound as the theorems have it: no bias correction, no eps, rates over sqrt(t), projected onto a box."""

from __future__ import annotations

import itertools

import numpy as np

from minidl.laws.adabound.cases import LUO, SAVARESE, UNROLLED, Method, before, stretch
from minidl.laws.adabound.planted import bugs_of
from minidl.laws.adabound.shared import SYMMETRIES, laws_of, shared
from minidl.laws.core import Cases, Contract, agree, holds
from minidl.laws.optimizer_cases import Trajectory, corrections, decayed_sums, named_runs, optimizer_runs, run

INPUTS = ("w", "gradients", "alpha", "final_lr", "beta1", "beta2", "gamma", "radius")


def _weights(kind, beta, steps, dtype):
    """beta1_t (T,): constant, beta / t or beta^t; none of them increases."""
    t = np.arange(1, steps + 1)
    return {"constant": np.full(steps, beta), "harmonic": beta / t, "geometric": beta**t}[kind].astype(dtype)


def _boxed(case, kind="harmonic", radius=1.0):
    """A run of another optimizer on a box that holds its start."""
    lr, w = case["lr"], case["w"]
    kept = {name: case[name] for name in ("gradients", "final_lr", "beta2", "gamma")}
    weights = _weights(kind, case["beta1"], len(lr), w.dtype)
    w = np.clip(w, -radius, radius).astype(w.dtype)
    return kept | {"w": w, "alpha": float(lr.max()) or 0.1, "beta1": weights, "radius": radius}


def _generated(steps, d, **choices):
    runs = optimizer_runs(
        steps=steps,
        d=d,
        **{
            "final_lr": (0.5, 0.1, 1.0),
            "beta1": (0.9, 0.0, 0.5),
            "beta2": (0.9, 0.999, 0.5),
            "gamma": (0.5, 0.05, 1e-3, 2.0),
        }
        | choices,
    )

    def generated():
        from hypothesis import strategies as st

        kinds = st.sampled_from(["harmonic", "constant", "geometric"])
        return st.builds(_boxed, runs(), kinds, st.sampled_from([1.0, 0.25, 4.0]))

    return generated


def _cases():
    numbers = dict(final_lr=0.5, beta1=0.9, beta2=0.9, gamma=0.2)
    named = {name: _boxed(case) for name, case in named_runs(**numbers).items() if name not in ("decayed", "warming")}
    named["constant_momentum"] = _boxed(run(21, 8, 3, **numbers), "constant")
    named["no_momentum"] = _boxed(run(22, 6, 3, **numbers | {"beta1": 0.0}))
    named["large_box"] = _boxed(run(23, 6, 3, **numbers), radius=100.0)
    named["wide_band"] = _boxed(run(24, 6, 3, **numbers | {"gamma": 1e-4}), radius=8.0)
    unit = named["one_step"] | {"gradients": np.array([[1.0, -1.0, 0.5]]), "alpha": 0.4, "beta2": 0.0}
    named["unit_moment"] = unit
    notes = {
        "constant_momentum": "weights that fall where they should stay",
        "large_box": "a projection that never acts",
        "wide_band": "rates that are not clipped",
        "silent": "a second moment of 0: the rate is the upper bound",
        "unit_moment": "a second moment of exactly 1",
    }
    return Cases(named, _generated(6, 3), notes)


CASES = _cases()


def _ulps(case):
    """Per step: three roundings in each of two averages, ten in rate, step, sum and projection."""
    return 16 * len(case["gradients"])


def averaged(values, weights):
    r"""m_t (T, d) for weights beta1_t (T,), unrolled: $\sum_i (1 - \beta_{1i}) x_i \prod_{i < j \le t} \beta_{1j}$."""
    weights = np.asarray(weights, np.float64)
    lag = np.array(
        [[np.prod(weights[i + 1 : t + 1]) if i <= t else 0.0 for i in range(len(weights))] for t in range(len(weights))]
    )
    return lag @ ((1 - weights)[:, None] * values)


def band(case):
    """Lower and upper bound of every step over sqrt(t), each (T, 1)."""
    q, root = stretch(case), np.sqrt(np.arange(1.0, len(case["gradients"]) + 1))[:, None]
    return case["final_lr"] / q / root, case["final_lr"] * q / root


def scheduled_rates(case, v):
    """The rates (T, d) over sqrt(t) for given second moments."""
    lower, upper = band(case)
    root = np.sqrt(np.arange(1.0, len(v) + 1))[:, None]
    with np.errstate(divide="ignore"):
        return np.clip(case["alpha"] / np.sqrt(v) / root, lower, upper)


def _scale(case, rows=None):
    g = np.asarray(case["gradients"], np.float64)
    v = (1 - case["beta2"]) * decayed_sums(g * g, case["beta2"])
    steps = scheduled_rates(case, v) * averaged(np.abs(g), case["beta1"])
    return np.abs(case["w"]).astype(np.float64) + np.cumsum(steps, axis=0)


PROJECTED = Method(
    Trajectory("adabound_projected", INPUTS),
    CASES,
    _scale,
    units=(({"gradients": 1, "final_lr": -1}, 0), ({"w": 1, "alpha": 1, "final_lr": 1, "radius": 1}, 1)),
    steps=("beta1",),
)


def _follows(method, impl, case, rates, why):
    """Every step goes from where the implementation stands, at these rates (T, d) or (T, 1), and is projected at once."""
    rows = np.asarray(method.run(impl, case))
    start, g = before(case["w"], rows), np.asarray(case["gradients"], np.float64)
    expected = np.clip(start - rates * averaged(g, case["beta1"]), -case["radius"], case["radius"])
    scale = np.abs(start) + rates * averaged(np.abs(g), case["beta1"])
    agree(rows, expected.astype(rows.dtype), why=why, ulps=_ulps(case), scale=scale)


@shared(grade="exact", equation=r"w_t \in [-r, r]^d", source=LUO)
def iterates_stay_in_the_box(method, impl, case):
    """No iterate leaves the box."""
    rows = np.asarray(method.run(impl, case))
    radius = rows.dtype.type(case["radius"])
    holds(bool((np.abs(rows) <= radius).all()), why="the iterates in the box", got=rows)


@shared(
    equation=r"g_t = g: m_t = (1 - \prod_i \beta_{1i})\, g,\quad v_t = (1-\beta_2^t)\, g^2",
    source=UNROLLED,
)
def constant_gradients_in_closed_form(method, impl, case):
    """A constant gradient drives each coordinate straight to its border: one projection at the end is as good as all."""
    steps, g = len(case["gradients"]), np.asarray(case["gradients"][0], np.float64)
    gradients = np.tile(case["gradients"][0], (steps, 1))
    m = np.outer(1 - np.cumprod(np.asarray(case["beta1"], np.float64)), g)
    moved = np.cumsum(scheduled_rates(case, np.outer(corrections(case["beta2"], steps), g * g)) * m, axis=0)
    expected = np.clip(case["w"] - moved, -case["radius"], case["radius"])
    got = method.run(impl, case, gradients=gradients)
    scale = np.abs(case["w"]) + np.abs(moved)
    agree(got, expected.astype(case["w"].dtype), why="the trajectory", ulps=_ulps(case), scale=scale)


@shared(equation=r"|g_1| = g,\ g_t = 0: v_t = (1-\beta_2) \beta_2^{t-1} g^2", source=UNROLLED)
def rates_grow_while_gradients_are_away(method, impl, case):
    """After one impulse the second moment decays geometrically, and the rate of what momentum is left grows up to the
    bound."""
    g = np.asarray(case["gradients"][0], np.float64)
    gradients = np.zeros_like(case["gradients"])
    gradients[0] = case["gradients"][0]
    lag = np.arange(len(gradients))
    v = np.outer((1 - case["beta2"]) * case["beta2"] ** lag, g * g)
    _follows(method, impl, case | {"gradients": gradients}, scheduled_rates(case, v), "after an impulse")


@shared(equation=r"\eta_l(t) / \sqrt t \le |w_t - w_{t-1}| / |m_t| \le \eta_u(t) / \sqrt t", source=LUO)
def rates_stay_in_the_falling_band(method, impl, case):
    """Every coordinate moves against its momentum at a rate in the band over sqrt(t), or to the border of the box."""
    rows = np.asarray(method.run(impl, case))
    start, g = before(case["w"], rows), np.asarray(case["gradients"], np.float64)
    m, (lower, upper) = averaged(g, case["beta1"]), band(case)
    ends = np.clip(np.stack([start - lower * m, start - upper * m]), -case["radius"], case["radius"])
    expected = np.clip(np.asarray(rows, np.float64), ends.min(axis=0), ends.max(axis=0))
    scale = np.abs(start) + upper * averaged(np.abs(g), case["beta1"])
    agree(rows, expected.astype(rows.dtype), why="the iterate within reach of the band", ulps=_ulps(case), scale=scale)


@shared(equation=r"\alpha \to 0: w_t = \Pi(w_{t-1} - \eta_l(t)\, m_t / \sqrt t)", source=SAVARESE)
def clipped_from_below_it_is_projected_momentum(method, impl, case):
    """With alpha so small that every rate lies under the band, it is projected momentum descent on the lower bound."""
    largest = max(1e-3, float(np.max(np.abs(case["gradients"]))))
    least = np.abs(case["gradients"])[case["gradients"] != 0].min(initial=largest)
    # sqrt(v_t) is at least sqrt((1 - beta2) beta2^(t - 1)) times the least gradient that entered it; where none has, the
    # momentum is 0 as well
    root = np.sqrt((1 - case["beta2"]) * case["beta2"] ** (len(case["gradients"]) - 1)) * float(least)
    alpha = float(0.5 * root * case["final_lr"] / stretch(case).max())
    case = case | {"alpha": alpha}
    _follows(method, impl, case, band(case)[0], "on the lower bound")


@shared(equation=r"\alpha \to \infty: w_t = \Pi(w_{t-1} - \eta_u(t)\, m_t / \sqrt t)", source=SAVARESE)
def clipped_from_above_it_is_projected_momentum(method, impl, case):
    """With alpha so large that every rate lies above the band, it is projected momentum descent on the upper bound."""
    largest = max(1e-3, float(np.max(np.abs(case["gradients"]))))
    case = case | {"alpha": float(2 * largest * case["final_lr"] * stretch(case).max())}
    _follows(method, impl, case, band(case)[1], "on the upper bound")


# --- regret ------------------------------------------------------------------------------------------------------------
def _adversary(kind, steps=300):
    """Gradients (T, 2) of linear losses in [-1, 1]."""
    t = np.arange(steps)
    rng = np.random.default_rng(5)
    return {
        "constant": np.tile([1.0, -1.0], (steps, 1)),
        "alternating": np.stack([(-1.0) ** t, (-1.0) ** (t // 2)], axis=1),
        "rare_and_large": np.stack([np.where(t % 10 == 0, 1.0, -0.08), np.where(t % 7 == 3, 1.0, -0.1)], axis=1),
        "random": rng.integers(-4, 5, (steps, 2)) / 4,
        "turning": np.stack([np.where(t < steps // 2, 1.0, -1.0), np.where(t < steps // 3, -1.0, 1.0)], axis=1),
    }[kind]


def _losses():
    numbers = dict(w=np.array([0.0, 0.5]), alpha=0.1, final_lr=1.0, beta2=0.9, radius=1.0)
    named = {
        f"{kind}_gamma_{gamma:g}": numbers
        | {"gradients": _adversary(kind), "gamma": gamma, "beta1": _weights("harmonic", 0.9, 300, float)}
        for kind in ("constant", "alternating", "rare_and_large", "random", "turning")
        for gamma in (1.0, 8.0)
    }
    return Cases(named, _generated(40, 3, final_lr=(1.0, 0.5), gamma=(1.0, 2.0, 0.5)))


def regret_bound(case):
    r"""The bound of the theorem with every $\hat\eta_{t,i}$ at its least, the lower bound."""
    g, beta = np.asarray(case["gradients"], np.float64), np.asarray(case["beta1"], np.float64)
    steps, d = g.shape
    t, D = np.arange(1.0, steps + 1), 2 * case["radius"]
    lower, q = (case["final_lr"] / stretch(case))[:, 0], stretch(case)[:, 0]
    M, R, G = (1 + 2 / case["gamma"]) / case["final_lr"], case["final_lr"] * q[0], np.linalg.norm(g, axis=1).max()
    start = 2 * d * M * (np.sqrt(steps) - 1) + d / lower[0]
    momentum = d * np.sum(beta * np.sqrt(t) / lower)
    steps_taken = (2 * np.sqrt(steps) - 1) * R * G**2
    return (D**2 / 2 * (start + momentum) + steps_taken) / (1 - beta.max())


def regret(case, rows):
    """The losses g_t . w_{t-1} suffered beyond those of the best corner of the box, by enumeration."""
    g = np.asarray(case["gradients"], np.float64)
    corners = np.array(list(itertools.product((-case["radius"], case["radius"]), repeat=g.shape[1])))
    return np.sum(g * before(case["w"], rows)) - (corners @ g.sum(axis=0)).min()


LOSSES = Method(PROJECTED.run, _losses(), _scale, PROJECTED.units, PROJECTED.steps)


@shared(
    equation=r"R_T \le \frac{D^2}{2(1-\beta_1)} \Bigl[2dM(\sqrt T-1) + \sum_i \frac{1}{\hat\eta_{1,i}} + \sum_{t,i} "
    r"\frac{\beta_{1t} \sqrt t}{\hat\eta_{t,i}}\Bigr] + (2\sqrt T-1) \frac{R\,G^2}{1-\beta_1},\quad "
    r"M = \frac{1 + 2/\gamma}{\alpha^*}",
    source=SAVARESE,
)
def regret_stays_under_its_bound(method, impl, case):
    """Against the best corner of the box in hindsight, on linear losses, the regret obeys the corrected theorem."""
    got, most = regret(case, method.run(impl, case)), regret_bound(case)
    holds(bool(got <= most), why="the regret", got=got, expected=most)


CONTRACT = Contract(
    "adabound_projected",
    INPUTS,
    ("trajectory",),
    CASES,
    "AdaBound of the theorems: rates over sqrt(t), projected onto a box, no bias correction and no eps.",
    laws=(
        *laws_of(
            PROJECTED,
            (
                iterates_stay_in_the_box,
                constant_gradients_in_closed_form,
                rates_grow_while_gradients_are_away,
                rates_stay_in_the_falling_band,
                clipped_from_below_it_is_projected_momentum,
                clipped_from_above_it_is_projected_momentum,
                *SYMMETRIES,
            ),
        ),
        *laws_of(LOSSES, (regret_stays_under_its_bound,)),
    ),
    planted=bugs_of("adabound_projected"),
)
