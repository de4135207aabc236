"""Laws of values: programs compute what they say."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minidl.laws.autograd.cases import PROGRAMS, SINGLE, op
from minidl.laws.autograd.measure import ULPS, same_precision, uncertain
from minidl.laws.autograd.oracle import run
from minidl.laws.autograd.planted import EVALUATE_BUGS
from minidl.laws.core import Case, Cases, Contract, agree, law


@law(cases=PROGRAMS, needs=("evaluate",), grade="numerical")
def value_by_another_way(impl: Any, case: Case) -> None:
    """The program's value is what the plain NumPy formulas give, in the inputs' shape and precision."""
    expected, scale = uncertain(
        lambda r, e: run(case["program"], case["inputs"], rounding=r, eps=e)[-1].x, case["inputs"]
    )
    got = impl.evaluate(case["program"], case["inputs"])
    agree(got, expected, why="the value", ulps=ULPS, scale=np.max(scale, initial=0.0))


def _at_extremes() -> dict[str, Case]:
    found = {}
    for dtype in (np.float64, np.float32):
        big, far = np.array([-1e4, -100.0, 0.0, 100.0, 1e4], dtype), np.array([-1e4, 0.0], dtype)
        name = np.dtype(dtype).name
        for f, expected in (
            ("softplus", [0.0, math.exp(-100), math.log(2), 100.0, 1e4]),
            ("sigmoid", [0.0, math.exp(-100), 0.5, 1.0, 1.0]),
            ("tanh", [-1.0, -1.0, 0.0, 1.0, 1.0]),
        ):
            found[f"{f}_{name}"] = {"program": (op(f, 0),), "inputs": (big, far), "expected": np.array(expected, dtype)}
        program = (op("logsumexp", 0, axis=None, keepdims=False),)
        found[f"logsumexp_{name}"] = {"program": program, "inputs": (big, far), "expected": dtype(1e4)}
        program = (op("log_softmax", 1, axis=-1),)
        found[f"log_softmax_{name}"] = {"program": program, "inputs": (big, far), "expected": far}
        huge, tiny = (np.array([3.0, 4.0], dtype) * dtype(s) for s in (np.finfo(dtype).max / 8, np.finfo(dtype).tiny))
        program = (op("norm", 0, axis=None, keepdims=False),)
        found[f"norm_of_huge_{name}"] = {"program": program, "inputs": (huge, tiny), "expected": huge[0] / 3 * 5}
        program = (op("norm", 1, axis=None, keepdims=False),)
        found[f"norm_of_tiny_{name}"] = {"program": program, "inputs": (huge, tiny), "expected": tiny[0] / 3 * 5}
    return found


@law(cases=Cases(named=_at_extremes()), needs=("evaluate",), grade="numerical")
def no_overflow_on_the_way(impl: Any, case: Case) -> None:
    """softplus, sigmoid, tanh, logsumexp, log_softmax and norm are right wherever the answer itself can be represented."""
    got = impl.evaluate(case["program"], case["inputs"])
    agree(got, case["expected"], why="the value", ulps=ULPS, scale=np.abs(case["expected"]))


@law(cases=SINGLE, needs=("evaluate",), grade="exact")
def precision_of_values(impl: Any, case: Case) -> None:
    """The value has the precision of the inputs: float32 stays float32."""
    same_precision([impl.evaluate(case["program"], case["inputs"])], case["inputs"][:1])


VALUES = Contract(
    function="evaluate",
    inputs=("program", "inputs"),
    outputs=("value",),
    cases=PROGRAMS,
    statement="The value of a program on its inputs.",
    laws=(value_by_another_way, no_overflow_on_the_way, precision_of_values),
    planted=EVALUATE_BUGS,
    exact=("program",),
)
