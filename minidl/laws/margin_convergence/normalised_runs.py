"""Runs with growing steps, and the laws of what changes nothing in them."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.laws.core import Case, Cases, agree, law
from minidl.laws.margin_convergence.cases import ONE, PAIR, TRIPLE, WORKED
from minidl.laws.margin_convergence.clocks import LONG
from minidl.laws.margin_convergence.descents import MANY
from minidl.laws.margin_convergence.steps import (
    NORMALISED,
    every_step,
    journey,
    normalised,
    per_run,
    start,
    told_loss_is_that_of_the_weights,
    turned,
)

INPUTS = ("z", "w", "times", "scale", "update", "tail", "power")
EXPONENTIAL = ("exponential", 1.0)


def run(impl: Any, case: Case, **changed: Any) -> tuple[np.ndarray, np.ndarray]:
    """w and log L at the times of the case."""
    case = case | changed
    w, log_loss = impl.normalised_descent(*(case[name] for name in INPUTS))
    return np.asarray(w), np.asarray(log_loss)


def rows_of(impl: Any, case: Case) -> np.ndarray:
    """w at every step, up to a dozen."""
    return run(impl, every_step(case))[0]


def roots(t: int) -> np.floating:
    """The sum of 1 / sqrt(s + 1) over t steps, smallest first. Long double."""
    return (1 / np.sqrt(np.arange(t, 0, -1, dtype=LONG))).sum() if t else LONG(0)


def _spread(case: Case, rows: np.ndarray) -> float:
    """What errors of a run with growing steps add up at: unit steps turn by what cancels in the gradient."""
    if case["update"] == "loss":
        return journey(case, rows)
    lengths = np.linalg.norm(np.diff(rows, axis=0), axis=1)
    progress = np.linalg.norm(rows[-1] - rows[0])
    bends = lengths.sum() / max(float(progress), 1e-3 * float(lengths.sum())) if len(lengths) else 1.0
    return journey(case, rows) * float(bends)


# --- invariances -------------------------------------------------------------------------------------------------------
@law(
    cases=NORMALISED,
    needs=("normalised_descent",),
    grade="numerical",
    equation=r"w_t(Z Q^\top, Q w_0) = Q w_t(Z, w_0)",
    source="invariance",
)
def growing_steps_turn_with_the_data(impl, case):
    """Rows and start turned by an orthogonal matrix: w turns with them."""
    w, rows = run(impl, case)[0], rows_of(impl, case)
    other, q = turned(case)
    agree(run(impl, other)[0], w @ q.T, why="w in other coordinates", ulps=4 * per_run(case), scale=_spread(case, rows))


@law(
    cases=NORMALISED,
    needs=("normalised_descent",),
    grade="numerical",
    equation=r"w_t(c Z, w_0 / c, \eta_0 / c^2) = w_t / c \text{ (loss)}, \quad "
    r"w_t(c Z, w_0 / c, \eta_0 / c) = w_t / c \text{ (unit)}",
    source="invariance",
)
def growing_steps_in_another_unit(impl, case):
    """Rows times c, the start over c, the scale over c squared (by the loss) or c (by the norm): w over c, the same losses."""
    w, _ = run(impl, case)
    c = 4.0
    less = c**2 if case["update"] == "loss" else c
    got, losses = run(impl, case, z=c * case["z"], w=case["w"] / c, scale=case["scale"] / less)
    rows = rows_of(impl, case)
    agree(c * got, w, why="w in another unit", ulps=2 * per_run(case), scale=_spread(case, rows))
    told_loss_is_that_of_the_weights(case, (c * got, losses))


@law(
    cases=NORMALISED,
    needs=("normalised_descent",),
    grade="numerical",
    equation=r"w_t(Z, Z) = w_t(Z) = w_t(\pi Z), \quad \log L(Z, Z) = \log L(Z) + \log 2",
    source="invariance",
)
def growing_steps_on_repeated_rows(impl, case):
    """All rows twice change no step, since the loss is divided out; neither does their order."""
    w, rows = run(impl, case)[0], rows_of(impl, case)
    twice = np.concatenate([case["z"], case["z"]])
    got, losses = run(impl, case, z=twice)
    ulps, scale = 4 * per_run(case), _spread(case, rows)
    agree(got, w, why="w with all rows twice", ulps=ulps, scale=scale)
    told_loss_is_that_of_the_weights(case | {"z": twice}, (got, losses))
    agree(run(impl, case, z=case["z"][::-1])[0], w, why="w with rows in the other order", ulps=ulps, scale=scale)


@law(
    cases=Cases(
        named={
            f"{kind[0]}_{update}": normalised(WORKED / 8, kind, update, 1.0, [-0.5, 1.0], (0, 1, 3))
            for kind in (EXPONENTIAL, ("logistic", 1.0), ("polynomial", 2.0))
            for update in ("loss", "unit")
        }
        | {
            f"far_{update}": normalised(WORKED / 8, EXPONENTIAL, update, 1.0, [9e3, 1e4], (0, 3))
            for update in ("loss", "unit")
        }
    ),
    needs=("normalised_descent",),
    grade="numerical",
    equation=r"w_t(Z, \ldots, Z) = w_t(Z), \quad \log L(Z, \ldots, Z) = \log L(Z) + \log k",
    source="invariance",
)
def growing_steps_on_thousands_of_rows(impl, case):
    """A few rows, each given thousands of times in a row: the same steps, whatever is summed in which order."""
    k = MANY // case["z"].size + 1
    many = np.repeat(case["z"], k, axis=0)
    rows = rows_of(impl, case)
    (w, told), (got, losses) = run(impl, case), run(impl, case, z=many)
    agree(got, w, why="w of thousands of rows", ulps=k * per_run(case), scale=_spread(case, rows))
    scale = 1 + float(np.abs(told).max()) + journey(case, rows)
    agree(losses, told + np.log(k), why="log L of thousands of rows", ulps=8.0 * len(many), scale=scale)


def _common_margins() -> dict[str, Case]:
    data = {"pair": PAIR / 2, "triple": TRIPLE / 9, "one": ONE / 5, "fan": np.array([[2.0, 1.0], [2.0, -1.0]]) / 4}
    return {
        f"{name}_{update}": normalised(z, EXPONENTIAL, update, 1.0, start(3, z.shape[1], 0.25), (0, 1, 20))
        for name, z in data.items()
        for update in ("loss", "unit")
    }


@law(
    cases=Cases(named=_common_margins()),
    needs=("normalised_descent",),
    grade="numerical",
    equation=r"Z v = c 1 \Rightarrow w_t(w_0 + v) = w_t(w_0) + v, \quad \log L \to \log L - c",
    source="invariance",
)
def the_same_added_to_all_margins(impl, case):
    """For the exponential loss, c more on all margins changes no step, even where every loss is e^-c = 0 as a number."""
    z = case["z"]
    w, told = run(impl, case)
    v = np.linalg.lstsq(z, np.ones(len(z)), rcond=None)[0]
    for c in (4.0, 2000.0):
        got, losses = run(impl, case, w=case["w"] + c * v)
        moved = case | {"w": case["w"] + c * v}
        scale = journey(case, w) * (1 + c * float(np.abs(v).max()) * float(np.abs(z).sum()))
        agree(got, w + c * v, why=f"w at margins {c:g} higher", ulps=per_run(moved), scale=scale)
        agree(losses, told - c, why=f"log L at margins {c:g} higher", ulps=per_run(moved), scale=scale + c)
