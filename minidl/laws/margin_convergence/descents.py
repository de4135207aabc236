"""The laws of gradient descent with a constant step."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.laws.core import Case, Cases, Contract, agree, holds, law
from minidl.laws.margin_convergence.cases import (
    NACSON,
    ONE,
    PAIR,
    SINGLE,
    SOUDRY,
    TRIPLE,
    WORKED,
    left_to_itself,
    worked,
)
from minidl.laws.margin_convergence.clocks import LONG, log_slope, log_total
from minidl.laws.margin_convergence.planted import bugs_of
from minidl.laws.margin_convergence.steps import (
    DESCENTS,
    descending,
    every_step,
    gradient_of,
    journey,
    near_a_corner,
    only,
    per_run,
    rows_match,
    some_steps,
    start,
    terms_of,
    told_loss_is_that_of_the_weights,
    turned,
)

INPUTS = ("z", "w", "times", "step_size", "tail", "power")


def _run(impl: Any, case: Case, **changed: Any) -> Any:
    case = case | changed
    w, log_loss = impl.descent(*(case[name] for name in INPUTS))
    return np.asarray(w), np.asarray(log_loss)


def _rows(impl: Any, case: Case) -> np.ndarray:
    """Every step of the run, w alone."""
    return _run(impl, every_step(case))[0]


# --- one step ----------------------------------------------------------------------------------------------------------
@law(
    cases=DESCENTS,
    needs=("descent",),
    grade="numerical",
    equation=r"w_{t+1} = w_t - \eta \nabla L(w_t), \quad L(w) = \sum_n \ell(z_n \cdot w)",
    source=NACSON,
)
def steps_down_the_gradient(impl, case):
    """Every step is minus the step size times the gradient of the sum of the losses, found by difference quotients."""
    rows = _rows(impl, case)
    if near_a_corner(case, rows):
        rows = rows[:1]
    z = case["z"].astype(LONG)
    for t in some_steps(rows):
        before, after = rows[t], rows[t + 1]
        top = log_total(z, before, case["tail"], case["power"])

        def relative(w: np.ndarray, top: Any = top) -> Any:
            return np.exp(log_total(z, w, case["tail"], case["power"]) - top)

        move = LONG(case["step_size"]) * np.exp(top) * gradient_of(relative, before.astype(LONG))
        size = np.abs(before).max() + np.abs(move).max() * (1 + np.abs(z).sum() * np.abs(before).max()) * _steepness(
            case, before
        )
        expected = (before.astype(LONG) - move).astype(np.float64)
        # the quotient is off by the fifth derivative times h^4 = 2^-56, 8 eps times the terms' size
        agree(after, expected, why="the next w", ulps=16 * sum(z.shape), scale=float(size))
    agree(rows[:1], case["w"][None].astype(np.float64), why="w before the first step", ulps=0)


def _steepness(case: Case, w: np.ndarray) -> float:
    """How many times faster than themselves exponents change, at the most."""
    u = float(np.abs(case["z"] @ w).max())
    return (
        float((1 + case["power"]) * max(1.0, u) ** max(case["power"] - 1, 0))
        if case["tail"] == "poly_exponential"
        else 4.0
    )


@law(cases=DESCENTS, needs=("descent",), grade="numerical", equation=r"\log L(w_t)", source=NACSON)
def told_loss(impl, case):
    """The loss that is told is the sum of the losses at the w beside it, one for each of the times asked for."""
    found = _run(impl, case)
    holds(found[0].shape == (len(case["times"]), len(case["w"])), why="a w for each time", got=found[0].shape)
    told_loss_is_that_of_the_weights(case, found)


@law(
    cases=DESCENTS,
    needs=("descent",),
    grade="numerical",
    equation=r"w_{s + t}(w_0) = w_t(w_s(w_0))",
    source="definition",
)
def goes_on_where_it_stopped(impl, case):
    """Fewer times asked for, the same w at each; and a run from a w on the way ends where the whole run does."""
    rows = _rows(impl, case)
    last = len(rows) - 1
    some = np.unique([0, last // 3, last])
    rows_match(case, _run(impl, case, times=some)[0], rows[some], rows, "w at some of the times")
    middle = last // 2
    got = _run(impl, case, w=rows[middle], times=np.array([last - middle]))[0]
    rows_match(case, got, rows[-1:], rows, "w from the middle on")


# --- closed forms ------------------------------------------------------------------------------------------------------
_AXES = {"pair": PAIR, "triple": TRIPLE / 4, "one": ONE / 4, "three_of_four": np.diag([1.0, 0.5, 2.0, 1.5])[:3]}


def _orthogonal() -> dict[str, Case]:
    kinds = (
        ("exponential", 1.0),
        ("logistic", 1.0),
        ("poly_exponential", 2.0),
        ("polynomial", 2.0),
        ("sub_polynomial", 1.0),
    )
    return {
        f"{name}_{kind[0]}": descending(z, kind, start(len(z), z.shape[1]), (0, 1, 3, 50))
        for name, z in _AXES.items()
        for kind in kinds
    }


@law(
    cases=Cases(named=_orthogonal()),
    needs=("descent",),
    grade="numerical",
    equation=r"z_m \cdot z_n = 0 \Rightarrow u_n \leftarrow u_n - \eta \|z_n\|^2 \ell'(u_n)",
    source="separation",
)
def orthogonal_rows_do_not_meet(impl, case):
    """Margins of orthogonal rows are descents of numbers, each by itself; what is orthogonal to all rows stays."""
    z = case["z"].astype(LONG)
    squares = (z**2).sum(axis=1)
    u, path = z @ case["w"], []
    rest = case["w"] - (u / squares) @ z
    for t in range(int(case["times"][-1]) + 1):
        if t:
            u = u + LONG(case["step_size"]) * squares * np.exp(log_slope(u, case["tail"], case["power"]))
        if t in case["times"]:
            path.append((u / squares) @ z + rest)
    expected = np.array(path, np.float64)
    rows_match(case, _run(impl, case)[0], expected, expected, "w by margins")


_LONG_RUNS = {
    "one": {"z": ONE / 5, "w": np.zeros(2), "times": np.array([1, 10, 100, 2000]), "step_size": 0.5},
    "from_below": {"z": ONE / 5, "w": np.array([-0.6, -0.8]), "times": np.array([3, 300]), "step_size": 0.25},
    "small_steps": {"z": np.array([[0.5]]), "w": np.zeros(1), "times": np.array([50, 1000]), "step_size": 0.1},
}


@law(
    cases=Cases(named=_LONG_RUNS),
    needs=("descent",),
    grade="numerical",
    equation=r"0 \le e^{u_T} - e^{u_0} - c T \le c^2 e^{-u_0} + c \log(1 + c T e^{-u_0}), \quad c = \eta \|z\|^2 \le e^{u_0}",
    source="sum of a step's series",
)
def one_row_grows_like_a_logarithm(impl, case):
    """With one row and the exponential loss e^u grows by c each step, by at least that and little more: u ~ log(c t)."""
    rows = _run(impl, case | {"tail": "exponential", "power": 1.0})[0]
    c, begin = case["step_size"] * float((case["z"] ** 2).sum()), np.exp((case["z"] @ case["w"])[0])
    for w, t in zip(rows, case["times"].tolist(), strict=True):
        low = begin + c * t
        high = low + c**2 / begin + c * np.log1p(c * t / begin)
        u = float(case["z"][0] @ w)
        nearest = float(np.clip(u, np.log(low), np.log(high)))  # itself, inside the bounds
        agree(np.float64(u), np.float64(nearest), why=f"the margin after {t} steps", ulps=8.0 + 2 * t, scale=1 + abs(u))


# --- invariances -------------------------------------------------------------------------------------------------------
@law(
    cases=DESCENTS,
    needs=("descent",),
    grade="numerical",
    equation=r"w_t(Z Q^\top, Q w_0) = Q w_t(Z, w_0)",
    source="invariance",
)
def descent_turns_with_the_data(impl, case):
    """Rows and start turned by an orthogonal matrix: w turns with them, and no loss changes."""
    (w, told), rows = _run(impl, case), _rows(impl, case)
    other, q = turned(case)
    got, losses = _run(impl, other)
    scale = journey(case, rows)
    agree(got, w @ q.T, why="w in other coordinates", ulps=2 * per_run(case), scale=scale)
    growth = np.abs(case["z"]).sum(axis=1).max() * _steepness(case, rows[-1])
    agree(
        losses,
        told,
        why="log L in other coordinates",
        ulps=2 * per_run(case),
        scale=scale * growth + np.abs(told).max(),
    )


@law(
    cases=DESCENTS,
    needs=("descent",),
    grade="numerical",
    equation=r"w_t(c Z, w_0 / c, \eta / c^2) = w_t(Z, w_0, \eta) / c",
    source="invariance",
)
def descent_in_another_unit(impl, case):
    """Rows times c, the start over c and the step over c squared: w over c, the same losses."""
    (w, told), c = _run(impl, case), 4.0
    got, losses = _run(impl, case, z=c * case["z"], w=case["w"] / c, step_size=case["step_size"] / c**2)
    agree(c * got, w, why="w in another unit", ulps=per_run(case), scale=journey(case, _rows(impl, case)))
    told_loss_is_that_of_the_weights(case, (c * got, losses))
    agree(losses[0], told[0], why="the first loss", ulps=4.0 * len(case["z"]), scale=1 + float(np.abs(told[0])))


@law(
    cases=DESCENTS,
    needs=("descent",),
    grade="numerical",
    equation=r"w_t(Z, Z, \eta / 2) = w_t(Z, \eta) = w_t(\pi Z, \eta)",
    source="invariance",
)
def descent_on_repeated_rows(impl, case):
    """All rows twice are as good as twice the step; their order does not count."""
    (w, told), rows = _run(impl, case), _rows(impl, case)
    twice = np.concatenate([case["z"], case["z"]])
    got, losses = _run(impl, case, z=twice, step_size=case["step_size"] / 2)
    rows_match(case, got, w, rows, "w with all rows twice", 2.0)
    told_loss_is_that_of_the_weights(case | {"z": twice}, (got, losses))
    rows_match(case, _run(impl, case, z=case["z"][::-1])[0], w, rows, "w with rows in the other order")
    agree(
        losses[0] - told[0], np.log(2.0), why="log L of all rows twice", ulps=8.0 * len(twice), scale=1 + abs(told[0])
    )


MANY = 40_000  # numbers, more than kernels keep in the nearest caches


@law(
    cases=Cases(
        named={
            kind[0]: descending(WORKED / 2, kind, [-0.5, 1.0], (0, 1, 5))
            for kind in (("exponential", 1.0), ("logistic", 1.0), ("polynomial", 2.0))
        }
        | {"space": descending(TRIPLE / 8, ("exponential", 1.0), [0.5, -0.5, 0.25], (0, 1, 5))}
    ),
    needs=("descent",),
    grade="numerical",
    equation=r"w_t(Z, \ldots, Z, \eta / k) = w_t(Z, \eta)",
    source="invariance",
)
def descent_on_thousands_of_rows(impl, case):
    """A few rows, each given thousands of times in a row: what few of them do, whatever is summed in which order."""
    k = MANY // case["z"].size + 1
    many = np.repeat(case["z"], k, axis=0)
    (w, told), (got, losses) = _run(impl, case), _run(impl, case, z=many, step_size=case["step_size"] / k)
    rows_match(case, got, w, _rows(impl, case), "w of thousands of rows", float(k))
    agree(
        losses, told + np.log(k), why="log L of thousands of rows", ulps=8.0 * len(many), scale=1 + np.abs(told).max()
    )


@law(
    cases=only(DESCENTS, lambda case: case["times"][-1] > 1),
    needs=("descent",),
    grade="numerical",
    equation=r"Z = \mathrm{diag}(Z_1, Z_2) \Rightarrow w_t = (w_t^1, w_t^2)",
    source="separation",
)
def features_of_their_own(impl, case):
    """Two sets of rows that share no feature are two descents side by side."""
    z, w = case["z"], case["w"]
    (n, d), other = z.shape, WORKED / 16
    both = np.zeros((n + 3, d + 2))
    both[:n, :d], both[n:, d:] = z, other
    begin = np.array([0.1, -0.2])
    got = _run(impl, case, z=both, w=np.append(w, begin))[0]
    beside = case | {"z": other, "w": begin}
    rows_match(case, got[:, :d], _run(impl, case)[0], _rows(impl, case), "the one", 2.0)
    rows_match(beside, got[:, d:], _run(impl, beside)[0], _rows(impl, beside), "the other", 2.0 * len(both))


@law(
    cases=DESCENTS,
    needs=("descent",),
    grade="numerical",
    equation=r"\eta \le 1 / \sup \|\nabla^2 L\| \Rightarrow L(w_{t+1}) \le L(w_t) - \tfrac{\eta}{2} \|\nabla L(w_t)\|^2",
    source="descent lemma",
)
def loss_falls_in_every_step(impl, case):
    """With steps within the curvature's limit, as here, the loss falls by half of the step times the squared gradient."""
    rows, told = _run(impl, every_step(case))
    squares = (np.diff(rows, axis=0) ** 2).sum(axis=1)  # eta^2 |gradient|^2
    fell = np.log1p(-np.minimum(squares / (2 * case["step_size"]) * np.exp(-told[:-1].astype(LONG)), 0.5))
    scale = 1 + np.abs(told).max() + journey(case, rows) * np.abs(case["z"]).sum(axis=1).max()
    above = np.maximum(told[1:] - told[:-1] - fell, 0).astype(np.float64)
    agree(above, np.zeros(len(fell)), why="log L above its bound", ulps=16 * sum(case["z"].shape), scale=scale)
    holds(len(told) == len(rows), why="a loss for each w", expected=len(rows), got=len(told))


@law(cases=DESCENTS, needs=("descent",), grade="numerical", source="convention")
def descent_by_default(impl, case):
    """Left out, the tail is exponential and the power 1."""
    z, w, times, step = (case[name] for name in INPUTS[:4])
    step, times = step / 4, times[times <= 3][:2]
    first = np.asarray(left_to_itself(impl.descent, z, w, times, step)[0])
    agree(first, np.asarray(impl.descent(z, w, times, step, "exponential", 1.0)[0]), why="w without a tail", ulps=0)
    got = np.asarray(left_to_itself(impl.descent, z, w, times, step, "polynomial")[0])
    agree(got, np.asarray(impl.descent(z, w, times, step, "polynomial", 1.0)[0]), why="w without a power", ulps=0)


# --- the headline ------------------------------------------------------------------------------------------------------
UNIT_SINGLE = SINGLE / 3.1622776601683795  # one support vector, a longest row of 1, a margin of 1 / sqrt 2
HEADLINE = {"z": UNIT_SINGLE, "w": np.zeros(2), "tail": "exponential", "power": 1.0}
GAPS = (0.04752, 0.03555, 0.02677, 0.02062)  # after 10, 100, 1000 and 10,000 steps, printed to five decimals


def gaps(z: np.ndarray, w: np.ndarray, margin: float) -> np.ndarray:
    """gamma - min z.w / |w| of rows w (K, d)."""
    return margin - (w @ z.T).min(axis=1) / np.linalg.norm(w, axis=1)


@law(
    cases=Cases(named={"long": HEADLINE | {"times": np.array([10, 100, 1000, 10_000]), "step_size": 1.0}}),
    needs=("descent",),
    grade="numerical",
    equation=r"\gamma - \min_n z_n \cdot w_t / \|w_t\| = \Theta(1 / \log t)",
    source=SOUDRY,
)
def gap_closes_like_one_over_the_logarithm(impl, case):
    """The gap at powers of ten, to printed digits: times log t, it hardly changes."""
    got = gaps(case["z"], _run(impl, case)[0], 0.5**0.5)
    agree(got, np.array(GAPS), why="the gap", ulps=0.5e-5 / np.finfo(float).eps, scale=1.0)
    steady = got[1:] * np.log(case["times"][1:])
    holds(bool(steady.max() / steady.min() < 1.2), why="gap times log t stays within 20 %", got=steady)


DESCENT_CONTRACTS = (
    Contract(
        "descent",
        INPUTS,
        ("w", "log_loss"),
        DESCENTS,
        "w (K, d) and the log of the loss (K,) after given numbers of steps of gradient descent.",
        laws=(
            told_loss,
            steps_down_the_gradient,
            goes_on_where_it_stopped,
            orthogonal_rows_do_not_meet,
            one_row_grows_like_a_logarithm,
            descent_turns_with_the_data,
            descent_in_another_unit,
            descent_on_repeated_rows,
            descent_on_thousands_of_rows,
            features_of_their_own,
            loss_falls_in_every_step,
            descent_by_default,
            gap_closes_like_one_over_the_logarithm,
        ),
        planted=bugs_of("descent"),
        golden=(
            worked(
                "descent",
                descending(WORKED, ("exponential", 1.0), None, (0, 1)) | {"step_size": 0.125},
                14,
                "the sum of all rows over 8",
                w=[[0.0, 0.0], [0.875, 0.5]],
                log_loss=[np.log(3.0), np.log(np.exp(-1.875) + np.exp(-2.125) + np.exp(-4.125))],
            ),
        ),
        terms=terms_of,
    ),
)
