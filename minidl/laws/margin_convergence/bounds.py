"""The laws of what is known before descent begins: a step that is safe, and the bound on the gap of growing steps."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Case, Cases, Contract, agree, holds, identical, law
from minidl.laws.margin_convergence.cases import (
    DATA,
    EPS,
    FAMILIES,
    NACSON,
    PAIR,
    WORKED,
    family,
    left_to_itself,
    rotation,
    separable_rows,
    worked,
)
from minidl.laws.margin_convergence.clocks import LONG, log_slope, log_total
from minidl.laws.margin_convergence.descents import gaps
from minidl.laws.margin_convergence.normalised_bounds import BOUNDED
from minidl.laws.margin_convergence.normalised_runs import INPUTS as NORMALISED_INPUTS
from minidl.laws.margin_convergence.planted import bugs_of
from minidl.laws.margin_convergence.steps import start

_FEW = 100_000  # terms that are summed one by one


# --- bounds ------------------------------------------------------------------------------------------------------------
def _bound(times, n, margin, update, scale) -> Case:
    return {"times": np.asarray(times), "n": n, "margin": margin, "update": update, "scale": scale}


def _drawn():
    from hypothesis import strategies as st

    return st.builds(
        _bound,
        st.lists(st.integers(1, 5000), min_size=1, max_size=5).map(np.array),
        st.integers(1, 1000),
        st.floats(0.001, 1.0),
        st.sampled_from(["loss", "unit"]),
        st.sampled_from([0.25, 1.0, 2.0]),
    )


BOUNDS = Cases(
    named={
        "first_steps": _bound([1, 2, 3, 4], 3, 0.5, "loss", 1.0),
        "first_steps_unit": _bound([1, 2, 3, 4], 3, 0.5, "unit", 1.0),
        "thousands": _bound([999, 1000, 1001, 1002, 30_000, 100_000], 50, 0.1, "loss", 0.5),
        "one_example": _bound([1, 10], 1, 1.0, "unit", 2.0),
        "a_number": _bound(np.int64(100), 7, 0.25, "loss", 1.0),
        "ages": _bound([10**6, 10**9, 10**12, 10**15], 3, 0.5, "unit", 1.0),
    },
    generated=_drawn,
    notes={"one_example": "log N is 0", "ages": "sums that nobody adds up term by term"},
)


def sums(T: int) -> tuple[np.floating, np.floating, float]:
    """The sums of 1 / sqrt(t) and of 1 / t up to T in long double, and how far the first may be off, relatively.

    Beyond 10^5 terms, between a convex function's trapezoids and its midpoints: its integral from m + 1 to T and half of
    the ends lie below the sum, its integral from m + 1/2 to T + 1/2 above.
    """
    t = np.arange(min(T, _FEW), 0, -1, dtype=LONG)
    root, inverse = (1 / np.sqrt(t)).sum(), (1 / t).sum()
    if T <= _FEW:
        return root, inverse, 0.0
    m, end, half = LONG(_FEW), LONG(T), LONG(0.5)
    low = 2 * (np.sqrt(end) - np.sqrt(m + 1)) + (1 / np.sqrt(m + 1) + 1 / np.sqrt(end)) / 2
    high = 2 * (np.sqrt(end + half) - np.sqrt(m + half))
    less = np.log(end / (m + 1)) + (1 / (m + 1) + 1 / end) / 2
    more = np.log((end + half) / (m + half))
    wide = max(float((high - low) / (root + low)), float((more - less) / (inverse + less)))
    return root + (low + high) / 2, inverse + (less + more) / 2, wide


def _take(impl, case, **changed):
    case = case | changed
    return np.asarray(impl.normalised_bound(*(case[name] for name in ("times", "n", "margin", "update", "scale"))))


@law(
    cases=BOUNDS,
    needs=("normalised_bound",),
    grade="numerical",
    equation=r"\frac{\tfrac12 \sum_{t<T} \eta_t^2 + \log N}{\gamma \sum_{t<T} \eta_t}, \quad \eta_t = \eta_0 / \sqrt{t + 1}",
    source="log L is 1-smooth where no row is longer than 1; " + NACSON,
)
def sums_of_steps_and_of_their_squares(impl, case):
    """Both sums in long double, term by term or between two integrals; the margin divides the bound by the loss, and that by
    the norm until it is at most the margin: before, rows may still be on the wrong side, where |w| may be far below the sum.
    """
    expected, slack = [], 0.0
    for T in np.atleast_1d(case["times"]).tolist():
        root, inverse, wide = sums(T)
        bound = (LONG(case["scale"]) ** 2 * inverse / 2 + np.log(LONG(case["n"]))) / (LONG(case["scale"]) * root)
        expected.append(bound if case["update"] == "unit" and bound <= case["margin"] else bound / LONG(case["margin"]))
        slack = max(slack, wide / EPS)
    want = np.array(expected, np.float64).reshape(np.shape(case["times"]))[()]
    # a sum of a thousand terms may be rounded as many times
    agree(_take(impl, case)[()], want, why="the bound", ulps=1100 + 2 * slack, scale=want)


@law(
    cases=BOUNDS,
    needs=("normalised_bound",),
    grade="numerical",
    equation=r"b(T, N^2) - b(T, N) = \log N / (\gamma \sum_t \eta_t), \quad b \to 0",
    source="consequence",
)
def ways_of_the_bound(impl, case):
    """It is linear in log N, falls with the number of steps from three on, and by the norm is gamma times that by the loss,
    once this is below gamma.
    """
    got = _take(impl, case, update="loss")
    squared, alone = (_take(impl, case, update="loss", n=n) for n in (case["n"] ** 2, 1))
    agree(got - alone, squared - got, why="squaring N adds log N once more", ulps=64, scale=squared)
    unit = _take(impl, case, update="unit")
    below = got * case["margin"]
    clear = np.abs(below - case["margin"]) > 1e-9  # beyond rounding
    expected = np.where(below <= case["margin"], below, got)
    agree(np.where(clear, unit, 0.0), np.where(clear, expected, 0.0), why="the two updates", ulps=8, scale=got)
    later = _take(impl, case, times=8 * np.asarray(case["times"]) + 24, scale=1.0, n=3)
    now = _take(impl, case, times=np.asarray(case["times"]) + 2, scale=1.0, n=3)
    holds(bool((later < now).all()), why="more steps, a lower bound", expected=now, got=later)


@law(
    cases=BOUNDED,
    needs=("normalised_bound", "normalised_descent"),
    grade="numerical",
    equation=r"\gamma - \min_n z_n \cdot w_T / \|w_T\| \le b(T)",
    source=NACSON,
)
def growing_steps_keep_the_bound(impl, case):
    """The gap of a run from w = 0 is nowhere above the bound that is told, whatever the data and the time."""
    told = impl.normalised_bound(case["times"], len(case["z"]), case["margin"], case["update"], case["scale"])
    w = np.asarray(impl.normalised_descent(*(case[name] for name in NORMALISED_INPUTS))[0])
    got = gaps(case["z"], w, case["margin"])
    holds(bool((got <= told + 64 * EPS).all()), why="the gap is below the bound", expected=told, got=got)


@law(cases=BOUNDS, needs=("normalised_bound",), grade="exact", source="convention")
def bound_by_default(impl, case):
    """Left out, the update is by the loss and the scale 1."""
    given = case["times"], case["n"], case["margin"]
    identical(
        left_to_itself(impl.normalised_bound, *given), impl.normalised_bound(*given, "loss", 1.0), why="no update"
    )
    got = left_to_itself(impl.normalised_bound, *given, "unit")
    identical(got, impl.normalised_bound(*given, "unit", 1.0), why="no scale")


# --- safe steps --------------------------------------------------------------------------------------------------------
def _steps(z, tail, power, w=None) -> Case:
    return {"z": z, "tail": tail, "power": power, "w": np.zeros(z.shape[1]) if w is None else np.asarray(w, np.float64)}


def _drawn_steps():
    from hypothesis import strategies as st

    return st.builds(
        lambda seed, n, d, kind, size: _steps(
            separable_rows(np.random.default_rng(seed), n, d), *kind, start(seed, d, size)
        ),
        st.integers(0, 9999),
        st.integers(1, 5),
        st.integers(1, 4),
        st.sampled_from(FAMILIES),
        st.sampled_from([0.0, 1.0]),
    )


STEPS = Cases(
    named={family(*kind): _steps(WORKED, *kind) for kind in FAMILIES}
    | {name: _steps(DATA[name]["z"], "logistic", 1.0) for name in ("pair", "triple", "one_point", "wide", "tiny")}
    | {
        "crowd": _steps(DATA["crowd"]["z"], "exponential", 1.0),
        "from_the_wrong_side": _steps(WORKED, "exponential", 1.0, [-2.0, -1.0]),
        "from_the_right_side": _steps(WORKED, "exponential", 1.0, [3.0, 2.0]),
        "far_on_the_wrong_side": _steps(PAIR, "exponential", 1.0, [-300.0, 100.0]),
        "logistic_start": _steps(WORKED, "logistic", 1.0, [-2.0, -1.0]),
    },
    generated=_drawn_steps,
    notes={"from_the_wrong_side": "a loss of more than N, and as much more curvature"},
)


def _step(impl, case, **changed):
    case = case | changed
    return float(impl.default_step(case["z"], case["tail"], case["power"], case["w"]))


@law(
    cases=STEPS,
    needs=("default_step", "smoothness"),
    grade="numerical",
    equation=r"\det(Z^\top Z - \tfrac{1}{\eta \beta} 1) = 0, \quad "
    r"\eta = 1 / (\max(N, L(w)) \max_n \|z_n\|^2) \text{ (exponential)}",
    source=NACSON,
)
def one_over_the_largest_curvature(impl, case):
    """1 over the step is the smoothness times the largest eigenvalue of Z^T Z; for the exponential loss the largest squared
    norm times the loss at the start, or at 0 if that is more.
    """
    z, got = case["z"], _step(impl, case)
    longest = float((z.astype(LONG) ** 2).sum(axis=1).max())
    if case["tail"] == "exponential":
        at_start = float(log_total(z, case["w"], "exponential"))
        size = 1 + float(np.abs(z).sum(axis=1).max() * np.abs(case["w"]).max())  # of the exponents
        expected = -max(np.log(len(z)), at_start) - np.log(longest)
        agree(float(np.log(got)), float(expected), why="log step", ulps=8 * sum(z.shape), scale=size + abs(expected))
        return
    largest = float(np.linalg.eigvalsh(z.T @ z)[-1])
    beta = float(impl.smoothness(case["tail"], case["power"]))
    agree(1 / got, beta * largest, why="1 / step", ulps=16 * sum(z.shape))


@law(
    cases=STEPS,
    needs=("default_step",),
    grade="numerical",
    equation=r"L(w - \eta \nabla L) \le L(w) - \tfrac{\eta}{2} \|\nabla L(w)\|^2",
    source="descent lemma",
)
def the_loss_falls_with_the_step(impl, case):
    """A step of this length lowers the loss by half of it times the squared gradient, from the start on, four times."""
    z, tail, power = case["z"], case["tail"], case["power"]
    step = _step(impl, case)
    w = case["w"].astype(LONG)
    for _ in range(4):
        force = np.exp(log_slope(z @ w, tail, power)) @ z
        before = log_total(z, w, tail, power)
        after = w + LONG(step) * force
        fell = float(before - log_total(z, after, tail, power))
        least = float(LONG(step) / 2 * (force**2).sum() * np.exp(-before))
        rounding = 2.0**-58 * (1 + abs(float(before)) + float(np.abs(z @ w).max()))
        holds(fell >= least - rounding, why="the loss falls", expected=f"at least {least:.3g} relatively", got=fell)
        w = after


@law(
    cases=STEPS,
    needs=("default_step",),
    grade="numerical",
    equation=r"\eta(c Z) = \eta(Z) / c^2, \quad \eta(Z Q^\top) = \eta(Z), \quad \eta(Z, Z) = \eta(Z) / 2",
    source="invariance",
)
def steps_in_another_unit(impl, case):
    """Rows times c divide the step by c squared, all rows twice by 2, and other coordinates by nothing."""
    z, got = case["z"], _step(impl, case)
    # the loss at the start is as wrong relatively as its exponents are absolutely
    ulps = 32 * sum(z.shape) * (1 + float(np.abs(z).sum(axis=1).max() * np.abs(case["w"]).max()))
    agree(_step(impl, case, z=8.0 * z, w=case["w"] / 8) * 64, got, why="rows times 8", ulps=ulps)
    agree(_step(impl, case, z=np.concatenate([z, z])) * 2, got, why="all rows twice", ulps=ulps)
    q = rotation(3, z.shape[1])
    agree(_step(impl, case, z=z @ q.T, w=q @ case["w"]), got, why="other coordinates", ulps=ulps)


@law(cases=STEPS, needs=("default_step",), grade="exact", source="convention")
def step_by_default(impl, case):
    """Left out, the tail is exponential, the power 1 and the start 0."""
    z, zero = case["z"], np.zeros(case["z"].shape[1])
    right = np.float64(impl.default_step(z, "exponential", 1.0, zero))
    identical(np.float64(left_to_itself(impl.default_step, z)), right, why="no tail")
    right = np.float64(impl.default_step(z, case["tail"], 1.0, zero))
    identical(np.float64(left_to_itself(impl.default_step, z, case["tail"])), right, why="no power")


_GAMMA = 1.9414506868 / np.sqrt(18.0)
BOUND_CONTRACTS = (
    Contract(
        "normalised_bound",
        ("times", "n", "margin", "update", "scale"),
        ("bound",),
        BOUNDS,
        "The bound on the margin gap after growing steps, by the number of steps.",
        laws=(sums_of_steps_and_of_their_squares, ways_of_the_bound, growing_steps_keep_the_bound, bound_by_default),
        planted=bugs_of("normalised_bound"),
        golden=(
            worked("normalised_bound", _bound([100], 3, _GAMMA, "loss", 1.0), 7, "three rows", bound=[0.4340471]),
            worked("normalised_bound", _bound([10_000], 3, _GAMMA, "loss", 1.0), 8, "three rows", bound=[6.595589e-02]),
        ),
        exact=("scale",),
    ),
    Contract(
        "default_step",
        ("z", "tail", "power", "w"),
        ("step",),
        STEPS,
        "A constant step with which the loss falls in every step.",
        laws=(one_over_the_largest_curvature, the_loss_falls_with_the_step, steps_in_another_unit, step_by_default),
        planted=bugs_of("default_step"),
        golden=(worked("default_step", _steps(PAIR, "logistic", 1.0), 14, "1 / (4 / 4)", step=1.0),),
    ),
)
