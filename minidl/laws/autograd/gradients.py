"""Laws of the first order: cotangents pulled back through programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.laws.autograd.cases import INTEGERS, NAMED, PROGRAMS, SINGLE, case, composed, numbers, op
from minidl.laws.autograd.kinks import KINKS, at_a_kink
from minidl.laws.autograd.measure import ULPS, exactly, inner, same_precision, shapes_fit, uncertain
from minidl.laws.autograd.oracle import run
from minidl.laws.autograd.planted import VJP_BUGS
from minidl.laws.core import Case, Cases, Contract, agree, law


@law(
    cases=PROGRAMS,
    needs=("vjp",),
    grade="numerical",
    equation=r"\langle J^\top u, v \rangle = \langle u, J v \rangle",
    source="Griewank and Walther (2008), section 3.2",
)
def transposed(impl: Any, case: Case) -> None:
    """The gradients are the transpose of the derivative along any direction, which dual numbers carry forward."""
    program, inputs, u, v = case["program"], case["inputs"], case["cotangent"], case["direction"]
    gradients = impl.vjp(program, inputs, u)
    shapes_fit(gradients, inputs)
    expected, scale = uncertain(lambda r, e: inner([u], [run(program, inputs, v, rounding=r, eps=e)[-1].a])[0], inputs)
    terms = inner([u], [run(program, inputs, v)[-1].a])[1]
    got, more = inner(gradients, v)
    agree(np.asarray(got).astype(expected.dtype), expected, why="<gradients, v>", ulps=ULPS, scale=scale + terms + more)


@law(
    cases=Cases(named=NAMED),
    needs=("vjp",),
    grade="numerical",
    equation=r"\bar x_i = \sum_k u_k\, \partial y_k / \partial x_i",
)
def entry_by_entry(impl: Any, case: Case) -> None:
    """Each entry of each gradient is the derivative along that entry alone."""
    program, inputs, u = case["program"], case["inputs"], case["cotangent"]
    gradients = impl.vjp(program, inputs, u)

    def entries(which: int) -> Callable[..., np.ndarray]:
        def along(rng: Any, eps: float) -> np.ndarray:
            found = np.zeros(inputs[which].shape)
            for index in np.ndindex(found.shape):
                v = [np.zeros(x.shape) for x in inputs]
                v[which][index] = 1
                found[index] = inner([u], [run(program, inputs, v, rounding=rng, eps=eps)[-1].a])[0]
            return found

        return along

    for i, x in enumerate(inputs):
        expected, scale = uncertain(entries(i), inputs)
        why = f"gradient {i}"
        agree(gradients[i], expected.astype(x.dtype), why=why, ulps=ULPS, scale=np.max(scale, initial=0.0))


@law(cases=Cases(named=NAMED), needs=("vjp",), grade="numerical", equation=r"J^\top(2u + w) = 2 J^\top u + J^\top w")
def linear_in_the_cotangent(impl: Any, case: Case) -> None:
    """Twice the cotangent plus another one gives twice the gradients plus the other ones."""
    program, inputs, u, w = case["program"], case["inputs"], case["cotangent"], case["other"]
    both, first, last = (impl.vjp(program, inputs, s) for s in ((2 * u + w).astype(u.dtype), u, w))
    for i, (b, f, t) in enumerate(zip(both, first, last, strict=True)):
        # the three passes round in the same places, each by a few ulps of the largest term of either side
        scale = np.max(2 * np.abs(f) + np.abs(t), initial=0.0) + 3 * np.max(np.abs(u), initial=0.0)
        agree(b, 2 * f + t, why=f"gradient {i}", ulps=4 * ULPS, scale=scale)


@law(cases=Cases(named=NAMED), needs=("vjp",), grade="exact", equation=r"J^\top 0 = 0")
def nothing_from_nothing(impl: Any, case: Case) -> None:
    """A zero cotangent gives zeros, of each input's shape and dtype."""
    gradients = impl.vjp(case["program"], case["inputs"], np.zeros_like(case["cotangent"]))
    for i, (g, x) in enumerate(zip(gradients, case["inputs"], strict=True)):
        exactly(g, np.zeros_like(x), why=f"gradient {i}")


@law(
    cases=Cases(named={f"{n}_additions": {"depth": n, "x": np.array([1.5, -2.0])} for n in (1, 2, 10, 40)}),
    needs=("vjp",),
    grade="exact",
    equation=r"b = a + a,\; c = b + b,\; \dots \;\Rightarrow\; \partial / \partial a = 2^n",
)
def every_path_once(impl: Any, case: Case) -> None:
    """A value that is added to itself n times over is reached by 2^n paths: each counts once, and none twice."""
    n, x = case["depth"], case["x"]
    program = tuple(op("add", i, i) for i in (0, *range(2, n + 1)))
    u = np.array([1.0, 3.0])
    gradient, unused = impl.vjp(program, (x, x), u)
    exactly(gradient, 2.0**n * u, why="the gradient of a")
    exactly(unused, np.zeros(2), why="the gradient of an input that is not used")


@law(
    cases=Cases(named=INTEGERS),
    needs=("vjp",),
    grade="exact",
    equation=r"\bar A = U B^\top, \quad \bar B = A^\top U",
    source="Giles (2008), An extended collection of matrix derivative results",
)
def product_of_matrices(impl: Any, case: Case) -> None:
    """The gradients of AB are U B^T and A^T U; small integers are exact in any order of summation."""
    a, b, u = case["a"], case["b"], case["u"]
    da, db = impl.vjp((op("matmul", 0, 1),), (a, b), u)
    exactly(da, np.array([[sum(u[i] * b[k]) for k in range(len(b))] for i in range(len(a))]), why="the gradient of A")
    exactly(db, np.array([[sum(a[:, k] * u[:, j]) for j in range(u.shape[1])] for k in range(len(b))]), why="of B")


@law(
    cases=Cases(generated=composed, named={"softmax_of_product": {
        "first": (op("matmul", 0, 1),), "then": (op("softmax", 0, axis=-1), op("add", 2, 1)),
        "inputs": (numbers(2, 2), numbers(2, 2, start=1)), "cotangent": numbers(2, 2, start=2)}}),
    needs=("vjp", "evaluate"),
    grade="numerical",
    equation=r"J_{g \circ f}^\top u = J_f^\top (J_g^\top u)",
)  # fmt: skip
def chain_rule(impl: Any, case: Case) -> None:
    """The gradients of a program made of two are those of the first, with the second's gradients as cotangent."""
    first, then, inputs, u = case["first"], case["then"], case["inputs"], case["cotangent"]
    middle = 1 + len(first)  # where the first program's value stands

    def place(i: int) -> int:
        return middle if i == 0 else 1 if i == 1 else i + middle - 1

    whole = (*first, *((name, tuple(place(i) for i in operands), params) for name, operands, params in then))
    got = impl.vjp(whole, inputs, u)
    y = np.asarray(impl.evaluate(first, inputs))
    outer, aside = impl.vjp(then, (y, inputs[1]), u)
    through = impl.vjp(first, inputs, np.asarray(outer))
    for i, (g, t, more) in enumerate(zip(got, through, (np.zeros_like(inputs[0]), aside), strict=True)):
        # the same operations in the same order but for the sum of the two paths; conditioned as the first part is
        spread = uncertain(lambda r, e, s=outer: _along_ones(first, inputs, s, r, e), inputs)[1]
        agree(
            g,
            t + more,
            why=f"gradient {i}",
            ulps=4 * ULPS,
            scale=np.max(np.abs(t) + np.abs(more), initial=0.0) + spread,
        )


def _along_ones(program: Any, inputs: Any, cotangent: Any, rng: Any, eps: float) -> float:
    ones = [np.ones(x.shape) for x in inputs]
    return inner([cotangent], [run(program, inputs, ones, rounding=rng, eps=eps)[-1].a])[1]


@law(cases=SINGLE, needs=("vjp",), grade="exact")
def precision_of_gradients(impl: Any, case: Case) -> None:
    """Gradients have the precision of their inputs: float32 stays float32."""
    same_precision(impl.vjp(case["program"], case["inputs"], case["cotangent"]), case["inputs"])


_SHARED = {name: NAMED[name] for name in ("matmul_square", "stack", "matmul_vectors")} | {
    "product": case((op("multiply", 0, 1), op("sin", 2)), (numbers(3), numbers(3))),
    "quotient": case((op("divide", 0, 1),), (numbers(3, positive=True), numbers(3, positive=True))),
}


@law(
    cases=Cases(named=_SHARED),
    needs=("vjp",),
    grade="numerical",
    equation=r"\frac{d}{dx} f(x, x) = f_1(x, x) + f_2(x, x)",
)
def shared_input(impl: Any, case: Case) -> None:
    """An input in two places receives the sum of what two inputs of the same value would receive there."""
    a = case["inputs"][0]
    apart = impl.vjp(case["program"], (a, a), case["cotangent"])
    merged = tuple((name, tuple(0 if i == 1 else i for i in operands), p) for name, operands, p in case["program"])
    together, unused = impl.vjp(merged, (a, a), case["cotangent"])
    total = np.asarray(apart[0]) + np.asarray(apart[1])
    agree(together, total, why="the gradient", ulps=ULPS, scale=np.max(np.abs(apart[0]) + np.abs(apart[1])))
    exactly(unused, np.zeros_like(a), why="the gradient of the input that is not used any more")


@law(
    cases=Cases(named=KINKS),
    needs=("vjp",),
    grade="exact",
    policy="kink",
    source="the table of kinks in the documentation",
)
def kinks(impl: Any, case: Case) -> None:
    """Where no derivative exists, the gradients are those of the table of kinks."""
    with np.errstate(all="ignore"):
        gradients = impl.vjp(case["program"], case["inputs"], case["cotangent"])
    for i, (g, expected) in enumerate(zip(gradients, case["expected"], strict=True)):
        exactly(g, expected, why=f"gradient {i}")


GRADIENTS = Contract(
    function="vjp",
    inputs=("program", "inputs", "cotangent"),
    outputs=("da", "db"),
    cases=PROGRAMS,
    statement="The gradient of <cotangent, value> for each input.",
    laws=(
        transposed,
        entry_by_entry,
        linear_in_the_cotangent,
        nothing_from_nothing,
        every_path_once,
        product_of_matrices,
        chain_rule,
        shared_input,
        precision_of_gradients,
        kinks,
    ),
    planted=VJP_BUGS,
    kink=at_a_kink,
    exact=("program",),
)
