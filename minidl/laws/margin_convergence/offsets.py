"""The laws of what remains of the weights when their growth is taken off: w - w-hat log t."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minidl.laws.core import Case, Cases, Contract, NotProvided, agree, holds, identical, law
from minidl.laws.margin_convergence.cases import (
    DATA,
    SINGLE,
    SOUDRY,
    WORKED,
    condition,
    left_to_itself,
    planted_cases,
    rotation,
    spanning_cases,
    worked,
)
from minidl.laws.margin_convergence.clocks import LONG
from minidl.laws.margin_convergence.cone import answer, known, planted_data
from minidl.laws.margin_convergence.planted import bugs_of

ULPS = 16  # per row and dimension


# --- cases -------------------------------------------------------------------------------------------------------------
_SPACES = {f"space_{seed}": planted_data(seed, 2 + seed % 3, 2) for seed in (22, 23, 39)}
SPANNING = Cases(
    named={name: DATA[name] for name in ("worked", "pair", "triple", "line")}
    | {"units": known(WORKED, [3, 2], 7, [9, 4, 0], 49, 64.0)}
    | _SPACES,
    generated=spanning_cases,
)
FEWER = Cases(
    named={name: DATA[name] for name in ("one_point", "wide", "worked")},
    generated=lambda: planted_cases().filter(lambda case: answer(case).support.sum() < case["z"].shape[1]),
)
_AMBIGUOUS = {  # more support vectors than dimensions, or some of them twice: multipliers that are not unique
    "square": {"z": np.array([[1.0, 1.0], [1.0, -1.0], [1.0, 0.0]]), "hat": [1.0, 0.0], "offset": [math.log(3), 0.0]},
    "twice": {"z": WORKED[[0, 1, 0, 1]], "hat": [3 / 7, 2 / 7]},
    "one_twice": {"z": np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 0.0], [3.0, 3.0]]), "hat": [1.0, 0.5]},
    "cone": {
        "z": np.array([[1.0, 1.0, 0.0], [1.0, -1.0, 0.0], [1.0, 0.0, 1.0], [1.0, 0.0, -1.0], [1.0, 0.5, 0.5]]),
        "hat": [1.0, 0.0, 0.0],
    },
}


def offset_of(case: Case) -> np.ndarray:
    """w-tilde of planted data, of least norm: z.w = -log(multiplier) for support vectors. Long double. (d,)"""
    found = answer(case)
    rows = np.asarray(case["z"], LONG)[found.support]
    right = -np.log(found.dual[found.support])
    # Gram-Schmidt twice on the rows, which are independent
    basis: list[np.ndarray] = []
    values: list[np.floating] = []
    for row, value in zip(rows, right, strict=True):
        for _ in range(2):
            for b, v in zip(basis, values, strict=True):
                along = row @ b
                row, value = row - along * b, value - along * v
        length = np.sqrt((row**2).sum())
        basis.append(row / length)
        values.append(value / length)
    return sum(v * b for b, v in zip(basis, values, strict=True))


def spread(case: Case) -> float:
    """The squared condition of the support vectors: their multipliers' error, and that of what they decide."""
    found = answer(case)
    return float(
        np.linalg.cond(np.asarray(case["z"], np.float64)[found.support]) ** 2 + condition(case["z"], found.w) ** 2
    )


def _offset(impl: Any, z: Any, step: float = 1.0) -> np.ndarray:
    return np.asarray(impl.limit_offset(z, step))


def ulps_of(case: Case) -> int:
    return ULPS * sum(case["z"].shape)


# --- the offset --------------------------------------------------------------------------------------------------------
def _with_steps(cases: Cases) -> Cases:
    named = {
        name: case | {"step_size": step}
        for (name, case), step in zip(cases.named.items(), (1.0, 0.5, 3.0) * 9, strict=False)
    }
    return Cases(named=named)


@law(
    cases=Cases(named=SPANNING.named | FEWER.named, generated=planted_cases),
    needs=("limit_offset",),
    grade="numerical",
    equation=r"\eta e^{-z_n \cdot \tilde w} = \alpha_n \text{ for support vectors}, \quad \tilde w \in \mathrm{span}",
    source=SOUDRY + ", theorem 4",
)
def weights_tend_to_the_multipliers(impl, case):
    """Exponentials of minus the offset's margins are the planted multipliers, in the span of the support vectors."""
    expected = offset_of(case)
    for step in (1.0, 0.125):
        want = (expected + answer(case).w * np.log(LONG(step))).astype(np.float64)
        scale = spread(case) * (
            float(np.abs(expected).max()) + float(np.abs(want).max()) + float(np.abs(answer(case).w).max())
        )
        agree(_offset(impl, case["z"], step), want, why=f"the offset at step {step}", ulps=ulps_of(case), scale=scale)


@law(
    cases=Cases(named=_AMBIGUOUS),
    needs=("limit_offset",),
    grade="numerical",
    equation=r"\eta \sum_{n \in S} e^{-z_n \cdot \tilde w} z_n = \hat w",
    source=SOUDRY,
)
def offset_where_multipliers_are_not_unique(impl, case):
    """Their exponentials combine the rows on the margin to w-hat: of all multipliers these are the ones meant."""
    z, w = case["z"], np.array(case["hat"])
    offset = _offset(impl, z, 1.0)
    if "offset" in case:
        agree(offset, np.array(case["offset"]), why="the offset by symmetry", ulps=ulps_of(case))
    on_margin = np.abs(z @ w - 1) < 1e-9
    rows = z[on_margin].astype(LONG)
    got = (np.exp(-(rows @ offset)) @ rows).astype(np.float64)
    agree(got, w, why="the combination of the rows", ulps=4 * ulps_of(case), scale=4.0)


@law(
    cases=SPANNING,
    needs=("limit_offset",),
    grade="numerical",
    equation=r"\tilde w(c Z) = (\tilde w + 2 \log(c) \hat w) / c, \quad \tilde w(Z Q^\top) = Q \tilde w, \quad "
    r"\tilde w(Z, Z) = \tilde w + \log(2) \hat w",
    source="invariance",
)
def offset_in_other_units(impl, case):
    """Rows times c divide it by c and add a multiple of w-hat, all rows twice as well; other coordinates turn it."""
    z, w = case["z"], np.asarray(answer(case).w, np.float64)
    got, kappa = _offset(impl, z), spread(case)
    size = kappa * float(np.abs(got).max() + np.abs(w).max())
    q = rotation(7, z.shape[1])
    for c in (8.0, 2.0**-60):  # in a small unit, thresholds that are not relative to the data take all rows for zero
        expected, spans = (got + 2 * math.log(c) * w) / c, 1 + abs(math.log(c))
        agree(_offset(impl, c * z), expected, why=f"rows times {c:g}", ulps=ulps_of(case), scale=size * spans / c)
    agree(_offset(impl, z @ q.T), q @ got, why="other coordinates", ulps=2 * ulps_of(case), scale=size)
    twice = _offset(impl, np.concatenate([z, z]))
    agree(twice, got + math.log(2) * w, why="all rows twice", ulps=4 * ulps_of(case), scale=size)
    longer = _offset(impl, np.vstack([z, 3 * z[:1]]))
    agree(longer, got, why="a row beyond the margin", ulps=2 * ulps_of(case), scale=size * 9)


@law(
    cases=Cases(named={"single_support": {"z": SINGLE}, "on_the_axis": {"z": np.array([[2.0, 0.0], [2.0, 1.0]])}}),
    needs=("limit_offset", "angle_constant", "gap_constant"),
    grade="exact",
    source="no finite w has e^{-z.w} = 0",
)
def degenerate_data_have_no_offset(impl, case):
    """Where a row on the margin has the multiplier 0 there is no offset, and no constant: an error, not a number."""
    for name in ("limit_offset", "angle_constant", "gap_constant"):
        try:
            got = getattr(impl, name)(case["z"])
        except NotProvided:
            raise
        except Exception:
            holds(True, why="an error")
        else:
            holds(False, why=f"{name} of degenerate data is refused", expected="an error", got=got)


@law(cases=SPANNING, needs=("limit_offset",), grade="exact", source="convention")
def offset_of_the_flow_by_default(impl, case):
    """Left out, the step size is 1: the flow."""
    identical(
        np.asarray(left_to_itself(impl.limit_offset, case["z"])), _offset(impl, case["z"], 1.0), why="no step size"
    )


def named(cases: Cases) -> Cases:
    """What agreement is judged on: each of its cases is solved a dozen times."""
    return Cases(named=cases.named, notes=cases.notes)


# --- contracts ---------------------------------------------------------------------------------------------------------
_TILDE = [0.9579496564, 0.3683230322]
OFFSET_CONTRACTS = (
    Contract(
        "limit_offset",
        ("z", "step_size"),
        ("w",),
        _with_steps(SPANNING),
        "What w - w-hat log t tends to, in the span of the support vectors, for steps of this size.",
        laws=(
            weights_tend_to_the_multipliers,
            offset_where_multipliers_are_not_unique,
            offset_in_other_units,
            degenerate_data_have_no_offset,
            offset_of_the_flow_by_default,
        ),
        planted=bugs_of("limit_offset"),
        golden=(worked("limit_offset", {"z": WORKED, "step_size": 1.0}, 10, "two support vectors", w=_TILDE),),
        terms=lambda case: 64 * spread(case) * float(np.abs(offset_of(case)).max() + np.abs(answer(case).w).max()),
    ),
)
