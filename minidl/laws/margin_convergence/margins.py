"""What laws of losses are judged on: margins on both sides of every corner, and far out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.laws.core import Case, Cases, Golden, Law, identical, law
from minidl.laws.margin_convergence.cases import FAMILIES, family, left_to_itself, worked
from minidl.laws.margin_convergence.clocks import TAILS

# An exponential is as wrong relatively as its exponent is absolutely; a handful of operations make either.
ULPS = 32


# --- cases -------------------------------------------------------------------------------------------------------------
_NEAR = np.array([-30.0, -2.5, -1.0, 0.0, 0.5, 0.999, 1.0, 1.001, 1.5, 2.0, 2.5, math.e, 2.75, 3.5, 5.0, 8.0])
_FAR = np.array([-1e4, -700.0, 17.0, 19.0, 36.0, 40.0, 500.0, 1e4, 1e6])


def margins(u: Any, tail: str, power: float) -> Case:
    """Margins of one tail."""
    return {"u": u, "tail": tail, "power": power}


def drawn() -> Any:
    """A strategy of margins."""
    from hypothesis import strategies as st

    return st.builds(
        lambda seed, size, spread, kind: margins(
            np.round(np.random.default_rng(seed).normal(size=size) * spread, 3), *kind
        ),
        st.integers(0, 9999),
        st.integers(1, 6),
        st.sampled_from([1.0, 3.0, 10.0]),
        st.sampled_from(FAMILIES),
    )


MARGINS = Cases(
    named={family(*kind): margins(_NEAR, *kind) for kind in FAMILIES}
    | {
        "matrix": margins(_NEAR[2:14].reshape(3, 4).T, "logistic", 1.0),
        "number": margins(np.float64(1.25), *FAMILIES[5]),
    },
    generated=drawn,
    notes={"matrix": "any shape, any order in memory"},
)
FAR = Cases(
    named=MARGINS.named | {f"far_{family(*kind)}": margins(_FAR, *kind) for kind in FAMILIES},
    generated=drawn,
    notes={"far_logistic_2": "the loss is e^-u there, which the logarithm of a rounded 1 + e^-u is not"},
)


def take(function: Callable[..., Any], case: Case, **changed: Any) -> np.ndarray:
    """A function of margins on the case."""
    case = case | changed
    return np.asarray(function(case["u"], case["tail"], case["power"]))


def rounding(log_size: Any) -> np.ndarray:
    """The relative error of what has such a logarithm, in eps."""
    return np.asarray(1 + np.abs(log_size), np.float64)


def by_default(name: str) -> Law:
    """The law of what a function of margins, a tail and a power takes when these are left out."""

    def exponential_by_default(impl, case):
        """Left out, the tail is exponential and the power 1."""
        u, function = case["u"], getattr(impl, name)
        identical(left_to_itself(function, u), function(u, "exponential", 1.0), why="no tail")
        for tail in TAILS:
            identical(left_to_itself(function, u, tail), function(u, tail, 1.0), why=f"{tail}, no power")

    return law(cases=MARGINS, needs=(name,), grade="exact", source="convention")(exponential_by_default)


def at(function: str, tail: str, power: float, u: Any, digits: int, note: str = "", **outputs: Any) -> Golden:
    """A worked example."""
    return worked(function, margins(np.array(u), tail, power), digits, note or f"the {tail} tail", **outputs)
