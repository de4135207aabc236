"""The laws of how fast angle and margin gap close: the constants of 1 / log t."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minidl.laws.core import Case, Cases, Contract, NotProvided, agree, holds, identical, law
from minidl.laws.margin_convergence.cases import (
    DATA,
    ONE,
    PAIR,
    SOUDRY,
    WORKED,
    left_to_itself,
    planted_cases,
    rotation,
    worked,
)
from minidl.laws.margin_convergence.clocks import LONG
from minidl.laws.margin_convergence.cone import answer
from minidl.laws.margin_convergence.offsets import FEWER, SPANNING, named, offset_of, spread, ulps_of
from minidl.laws.margin_convergence.planted import bugs_of

# --- constants ---------------------------------------------------------------------------------------------------------
_KINDS = (
    ("exponential", 1.0),
    ("logistic", 2.0),
    ("poly_exponential", 0.5),
    ("poly_exponential", 3.0),
    ("exponential", 2.0),
)


def _kinds(cases: Cases) -> Cases:
    from_drawn = cases.generated

    def generated() -> Any:
        from hypothesis import strategies as st

        assert from_drawn is not None
        return st.builds(
            lambda case, kind: case | {"tail": kind[0], "power": kind[1]}, from_drawn(), st.sampled_from(_KINDS)
        )

    named = {
        f"{name}_{k}": case | {"tail": kind[0], "power": kind[1]}
        for (name, case), k in zip(cases.named.items(), (0, 1, 2, 3, 4) * 9, strict=False)
        for kind in [_KINDS[k]]
    }
    named |= {f"worked_{k}": DATA["worked"] | {"tail": kind[0], "power": kind[1]} for k, kind in enumerate(_KINDS)}
    return Cases(named=named, generated=generated)


CONSTANTS = _kinds(SPANNING)
GAP_CONSTANTS = _kinds(Cases(named=SPANNING.named | FEWER.named, generated=planted_cases))


def _constant(impl: Any, function: str, case: Case, **changed: Any) -> float:
    case = case | changed
    return float(getattr(impl, function)(case["z"], case["tail"], case["power"]))


def _limit(measure: Any, case: Case) -> tuple[float, float]:
    """The limit of G times a measure of w-hat G + w-tilde, by two large G in long double, and what it is rounded at."""
    known, offset = answer(case), offset_of(case)
    z, w = np.asarray(case["z"], LONG), known.w
    big = LONG(2.0**20)
    values = [g * measure(z, w * g + offset, w) for g in (big, 2 * big, 4 * big)]
    once = [2 * values[1] - values[0], 2 * values[2] - values[1]]  # the error of order 1 / G taken out
    found = (4 * once[1] - once[0]) / 3  # and that of order 1 / G^2
    nu = case["power"] if case["tail"] == "poly_exponential" else 1.0
    size = float(np.abs(offset).max() + np.abs(w).max()) * float(np.abs(z).sum(axis=1).max())
    return float(found / nu), size / nu


def _missing_margin(z: np.ndarray, v: np.ndarray, w: np.ndarray) -> np.floating:
    return 1 / np.sqrt((w**2).sum()) - (z @ v).min() / np.sqrt((v**2).sum())


def _turned_by(z: np.ndarray, v: np.ndarray, w: np.ndarray) -> np.floating:
    across = v - w * (v @ w) / (w @ w)
    return np.arctan2(np.sqrt((across**2).sum()), v @ w / np.sqrt((w**2).sum()))


@law(
    cases=CONSTANTS,
    needs=("angle_constant",),
    grade="numerical",
    equation=r"\lim_t \log t \cdot \angle(w(t), \hat w) = \|P_{\hat w}^\perp \tilde w\| / (\nu \|\hat w\|)",
    source="w(t) = w-hat g + w-tilde / (nu g^(nu - 1)) with g^nu ~ log t; " + SOUDRY,
)
def angle_falls_like_one_over_the_logarithm(impl, case):
    """g times the angle of w-hat g + w-tilde, with the planted offset, at g of a million and more, in long double."""
    expected, size = _limit(_turned_by, case)
    got = _constant(impl, "angle_constant", case)
    kappa = spread(case)
    # the quotient is off by the third order of 1 / G, and by 2^-64 G of its terms
    agree(np.float64(got), np.float64(expected), why="the constant", ulps=ulps_of(case) * kappa + 2.0**16, scale=size)


@law(
    cases=GAP_CONSTANTS,
    needs=("gap_constant",),
    grade="numerical",
    equation=r"\lim_t \log t \cdot (\gamma - \min_n z_n \cdot w / \|w\|) "
    r"= \gamma (\gamma^2 \hat w \cdot \tilde w - \min_{n \in S} z_n \cdot \tilde w) / \nu",
    source="w(t) = w-hat g + w-tilde / (nu g^(nu - 1)) with g^nu ~ log t; " + SOUDRY,
)
def gap_falls_like_one_over_the_logarithm(impl, case):
    """g times the margin gap of w-hat g + w-tilde, with the planted offset, at g of a million and more, in long double."""
    expected, size = _limit(_missing_margin, case)
    got = _constant(impl, "gap_constant", case)
    kappa = spread(case)
    size = size * float(answer(case).margin)
    agree(np.float64(got), np.float64(expected), why="the constant", ulps=ulps_of(case) * kappa + 2.0**16, scale=size)


def _other_units(function: str, cases: Cases):
    def constants_in_other_units(impl, case):
        """Coordinates and repeated rows change nothing; rows times c change the gap's constant by c, and no angle."""
        z, got = case["z"], _constant(impl, function, case)
        _, size = _limit(_turned_by, case)
        ulps, q = 4 * ulps_of(case) * spread(case), rotation(8, case["z"].shape[1])
        c = 4.0
        factor = c if function == "gap_constant" else 1.0
        size = (size + 8) * (float(answer(case).margin) if function == "gap_constant" else 1.0)
        agree(
            _constant(impl, function, case, z=c * z), factor * got, why="rows times 4", ulps=ulps, scale=factor * size
        )
        agree(_constant(impl, function, case, z=z @ q.T), got, why="other coordinates", ulps=ulps, scale=size)
        agree(
            _constant(impl, function, case, z=np.concatenate([z, z])), got, why="all rows twice", ulps=ulps, scale=size
        )

    equation = r"C(c Z) = C(Z) \text{ or } c\, C(Z), \quad C(Z Q^\top) = C(Z, Z) = C(Z)"
    return law(cases=cases, needs=(function,), grade="numerical", equation=equation, source="invariance")(
        constants_in_other_units
    )


def _defaults(function: str, cases: Cases):
    def constants_by_default(impl, case):
        """Left out, the tail is exponential and the power 1."""
        constant, z = getattr(impl, function), case["z"]
        right = np.float64(constant(z, "exponential", 1.0))
        identical(np.float64(left_to_itself(constant, z)), right, why="no tail")
        identical(np.float64(left_to_itself(constant, z, "poly_exponential")), right, why="no power")

    return law(cases=cases, needs=(function,), grade="exact", source="convention")(constants_by_default)


@law(
    cases=Cases(
        named={
            name: {"z": z, "needs_span": span}
            for name, z, span in (
                ("one_point", ONE, False),
                ("worked", WORKED, True),
                ("line", np.array([[2.0]]), True),
            )
        }
    ),
    needs=("angle_constant",),
    grade="exact",
    source="the part orthogonal to the support vectors keeps its start",
)
def no_angle_constant_without_a_basis(impl, case):
    """Where support vectors span less than the space, the constant depends on the start, and is refused; else it is told."""
    for tail in ("exponential", "polynomial", "sub_polynomial"):
        expected = case["needs_span"] and tail == "exponential"
        try:
            got = float(impl.angle_constant(case["z"], tail, 1.0))
        except NotProvided:
            raise
        except Exception as error:
            holds(not expected, why=f"a constant for the {tail} tail", expected="a number", got=repr(error))
        else:
            holds(expected and math.isfinite(got), why=f"no constant for the {tail} tail", expected="an error", got=got)


# --- contracts ---------------------------------------------------------------------------------------------------------
CONSTANT_CONTRACTS = (
    Contract(
        "angle_constant",
        ("z", "tail", "power"),
        ("constant",),
        named(CONSTANTS),
        "The limit of log t times the angle to the maximum margin.",
        laws=(
            angle_falls_like_one_over_the_logarithm,
            _other_units("angle_constant", CONSTANTS),
            no_angle_constant_without_a_basis,
            _defaults("angle_constant", CONSTANTS),
        ),
        planted=bugs_of("angle_constant"),
        golden=(
            worked(
                "angle_constant",
                {"z": WORKED, "tail": "exponential", "power": 1.0},
                10,
                "worked",
                constant=0.4366547318,
            ),
            worked(
                "angle_constant", {"z": PAIR, "tail": "exponential", "power": 1.0}, 10, "a pair", constant=0.5545177444
            ),
        ),
        terms=lambda case: 64 * spread(case) * float(np.abs(offset_of(case)).max() + 1),
    ),
    Contract(
        "gap_constant",
        ("z", "tail", "power"),
        ("constant",),
        named(GAP_CONSTANTS),
        "The limit of log t times the margin gap.",
        laws=(
            gap_falls_like_one_over_the_logarithm,
            _other_units("gap_constant", GAP_CONSTANTS),
            _defaults("gap_constant", GAP_CONSTANTS),
        ),
        planted=bugs_of("gap_constant"),
        golden=(
            worked(
                "gap_constant",
                {"z": PAIR, "tail": "exponential", "power": 1.0},
                14,
                "a pair: gamma (gamma^2 w-hat . w-tilde)",
                constant=0.8**1.5 * math.log(2) / 2,
            ),
        ),
        terms=lambda case: (
            64 * spread(case) * float(np.abs(offset_of(case)).max() + 1) * float(np.abs(case["z"]).max())
        ),
    ),
)
