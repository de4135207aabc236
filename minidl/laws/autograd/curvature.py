"""Laws of the second order: Hessians of programs with a scalar value, times a direction."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.laws.autograd.cases import INTEGERS, NAMED_TWICE, SINGLE_TWICE, TWICE, op
from minidl.laws.autograd.measure import ULPS, exactly, inner, same_precision, shapes_fit, uncertain
from minidl.laws.autograd.oracle import run
from minidl.laws.autograd.planted import HVP_BUGS
from minidl.laws.core import Case, Cases, Contract, agree, law


@law(
    cases=TWICE,
    needs=("hvp",),
    grade="numerical",
    equation=r"\langle w, \nabla^2 y\, v \rangle = y_{12}",
    source="Fike and Alonso (2011), The development of hyper-dual numbers",
)
def second_derivative(impl: Any, case: Case) -> None:
    """The Hessian times v, along w, is the second derivative along both, which hyper-dual numbers carry forward."""
    program, inputs, v, w = case["program"], case["inputs"], case["direction"], case["other"]
    rows = impl.hvp(program, inputs, v)
    shapes_fit(rows, inputs)
    expected, scale = uncertain(lambda r, e: run(program, inputs, w, v, rounding=r, eps=e)[-1].ab, inputs)
    got, terms = inner(rows, w)
    agree(np.asarray(got).astype(expected.dtype), expected, why="<H v, w>", ulps=2 * ULPS, scale=scale + terms)


@law(
    cases=Cases(named=NAMED_TWICE),
    needs=("hvp",),
    grade="numerical",
    equation=r"\langle w, H v \rangle = \langle v, H w \rangle",
)
def symmetric(impl: Any, case: Case) -> None:
    """The Hessian is symmetric: v and w can change places (Schwarz)."""
    program, inputs, v, w = case["program"], case["inputs"], case["direction"], case["other"]
    got, terms = inner(impl.hvp(program, inputs, v), w)
    expected, more = inner(impl.hvp(program, inputs, w), v)
    _, scale = uncertain(lambda r, e: run(program, inputs, w, v, rounding=r, eps=e)[-1].ab, inputs)
    got, expected = (np.asarray(z).astype(np.result_type(*inputs)) for z in (got, expected))
    agree(got, expected, why="<H v, w> against <H w, v>", ulps=4 * ULPS, scale=scale + terms + more)


@law(
    cases=Cases(named=INTEGERS),
    needs=("hvp",),
    grade="exact",
    equation=r"y = \sum a^2 c \;\Rightarrow\; H v = (2 c v_a + 2 a v_c,\; 2 a v_a)",
)
def polynomial(impl: Any, case: Case) -> None:
    """y = sum of a^2 c for integers: the rows are 2 c v_a + 2 a v_c and 2 a v_a, exactly."""
    a = case["a"]
    c, va, vc = a[::-1] - 2, a.T.reshape(a.shape) + 1, 3 - a
    program = (op("multiply", 0, 0), op("multiply", 2, 1), op("sum", 3, axis=None, keepdims=False))
    ha, hc = impl.hvp(program, (a, c), (va, vc))
    exactly(ha, 2 * c * va + 2 * a * vc, why="the first block")
    exactly(hc, 2 * a * va, why="the second block")


@law(cases=Cases(named=INTEGERS), needs=("hvp",), grade="exact", equation=r"\nabla^2 (\text{linear}) = 0")
def nothing_from_linear(impl: Any, case: Case) -> None:
    """A linear program has no second derivative: the answer is zeros, of the inputs' shapes."""
    a, b = case["a"], case["b"]
    program = (op("sum", 0, axis=None, keepdims=False), op("sum", 1, axis=None, keepdims=False), op("subtract", 2, 3))
    for i, (h, x) in enumerate(zip(impl.hvp(program, (a, b), (a, b)), (a, b), strict=True)):
        exactly(h, np.zeros_like(x), why=f"block {i}")


@law(cases=SINGLE_TWICE, needs=("hvp",), grade="exact")
def precision_of_curvature(impl: Any, case: Case) -> None:
    """The rows have the precision of their inputs: float32 stays float32."""
    same_precision(impl.hvp(case["program"], case["inputs"], case["direction"]), case["inputs"])


CURVATURE = Contract(
    function="hvp",
    inputs=("program", "inputs", "direction"),
    outputs=("ha", "hb"),
    cases=TWICE,
    statement="The Hessian of a scalar program times a direction.",
    laws=(second_derivative, symmetric, polynomial, nothing_from_linear, precision_of_curvature),
    planted=HVP_BUGS,
    exact=("program",),
)
