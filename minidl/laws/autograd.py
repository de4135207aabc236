r"""Laws of reverse-mode differentiation, for any engine that can run small programs (see the reference for their form).

Expected values come from hyper-dual numbers carried forward, from closed forms with small integers (exact in any order of
summation), and from identities between an engine's own answers: the chain rule, the sum over a shared input, linearity.

Source: Griewank and Walther, Evaluating Derivatives, 2nd edition (2008), chapters 3 and 5; Fike and Alonso (2011).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minidl.laws.autograd_cases import NOTES, case, composed, grown, grown_twice, named, numbers, op, second
from minidl.laws.autograd_kinks import KINKS, at_a_kink
from minidl.laws.autograd_oracle import run
from minidl.laws.autograd_planted import EVALUATE_BUGS, HVP_BUGS, VJP_BUGS
from minidl.laws.core import Case, Cases, Contract, agree, identical, law

_NAMED = named()
_NAMED_TWICE = {name: second(found) for name, found in _NAMED.items()}
_PROGRAMS = Cases(named=_NAMED, generated=grown, notes=NOTES)
_TWICE = Cases(named=_NAMED_TWICE, generated=grown_twice)
_ULPS = 16
_SAMPLES = 5


def _eps(inputs: Sequence[np.ndarray]) -> float:
    return float(np.finfo(np.result_type(*inputs)).eps)


def _uncertain(quantity: Callable[..., np.ndarray], inputs: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """A quantity of the oracle, and its natural scale: its magnitude, and what random rounding of every step moves, in ulps.

    The spread over a few samples of random rounding is the conditioning of the program, intermediate steps included.
    """
    eps, rng = _eps(inputs), np.random.default_rng(1993)
    exact = np.asarray(quantity(None, eps))
    moved = [np.abs(np.asarray(quantity(rng, eps)) - exact) for _ in range(_SAMPLES)]
    return exact.astype(np.result_type(*inputs)), np.abs(exact) + np.max(moved, axis=0) / eps


def _inner(xs: Sequence[Any], ys: Sequence[Any]) -> tuple[float, float]:
    """The inner product of two lists of arrays, and the sum of its terms' magnitudes."""
    products = [np.asarray(x, dtype=float) * np.asarray(y, dtype=float) for x, y in zip(xs, ys, strict=True)]
    return float(sum(p.sum() for p in products)), float(sum(np.abs(p).sum() for p in products))


# --- evaluate ----------------------------------------------------------------------------------------------------------------
@law(cases=_PROGRAMS, needs=("evaluate",), grade="numerical")
def value_by_another_way(impl: Any, case: Case) -> None:
    """The program's value is what the plain NumPy formulas give, in the inputs' shape and precision."""
    expected, scale = _uncertain(
        lambda r, e: run(case["program"], case["inputs"], rounding=r, eps=e)[-1].x, case["inputs"]
    )
    got = impl.evaluate(case["program"], case["inputs"])
    agree(got, expected, why="the value", ulps=_ULPS, scale=np.max(scale, initial=0.0))


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
    agree(got, case["expected"], why="the value", ulps=_ULPS, scale=np.abs(case["expected"]))


# --- vjp ---------------------------------------------------------------------------------------------------------------------
@law(
    cases=_PROGRAMS,
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
    expected, scale = _uncertain(
        lambda r, e: _inner([u], [run(program, inputs, v, rounding=r, eps=e)[-1].a])[0], inputs
    )
    terms = _inner([u], [run(program, inputs, v)[-1].a])[1]
    got, more = _inner(gradients, v)
    agree(
        np.asarray(got).astype(expected.dtype), expected, why="<gradients, v>", ulps=_ULPS, scale=scale + terms + more
    )


def shapes_fit(gradients: Any, inputs: Sequence[np.ndarray]) -> None:
    for i, (g, x) in enumerate(zip(gradients, inputs, strict=True)):
        got, expected = (np.shape(g), np.asarray(g).dtype), (x.shape, x.dtype)
        identical(np.array(got[0]), np.array(expected[0]), why=f"the shape of gradient {i}")
        identical(np.zeros(1, got[1]), np.zeros(1, expected[1]), why=f"the dtype of gradient {i}")


@law(
    cases=Cases(named=_NAMED),
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
                found[index] = _inner([u], [run(program, inputs, v, rounding=rng, eps=eps)[-1].a])[0]
            return found

        return along

    for i, x in enumerate(inputs):
        expected, scale = _uncertain(entries(i), inputs)
        why = f"gradient {i}"
        agree(gradients[i], expected.astype(x.dtype), why=why, ulps=_ULPS, scale=np.max(scale, initial=0.0))


@law(cases=Cases(named=_NAMED), needs=("vjp",), grade="numerical", equation=r"J^\top(2u + w) = 2 J^\top u + J^\top w")
def linear_in_the_cotangent(impl: Any, case: Case) -> None:
    """Twice the cotangent plus another one gives twice the gradients plus the other ones."""
    program, inputs, u, w = case["program"], case["inputs"], case["cotangent"], case["other"]
    both, first, last = (impl.vjp(program, inputs, s) for s in ((2 * u + w).astype(u.dtype), u, w))
    for i, (b, f, t) in enumerate(zip(both, first, last, strict=True)):
        # the three passes round in the same places, each by a few ulps of the largest term of either side
        scale = np.max(2 * np.abs(f) + np.abs(t), initial=0.0) + 3 * np.max(np.abs(u), initial=0.0)
        agree(b, 2 * f + t, why=f"gradient {i}", ulps=4 * _ULPS, scale=scale)


@law(cases=Cases(named=_NAMED), needs=("vjp",), grade="exact", equation=r"J^\top 0 = 0")
def nothing_from_nothing(impl: Any, case: Case) -> None:
    """A zero cotangent gives zeros, of each input's shape and dtype."""
    gradients = impl.vjp(case["program"], case["inputs"], np.zeros_like(case["cotangent"]))
    for i, (g, x) in enumerate(zip(gradients, case["inputs"], strict=True)):
        identical(g, np.zeros_like(x), why=f"gradient {i}")


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
    identical(gradient, 2.0**n * u, why="the gradient of a")
    identical(unused, np.zeros(2), why="the gradient of an input that is not used")


_SQUARE = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[0.0, -1.0], [2.0, 7.0]]), np.array([[1.0, 0.0], [4.0, -2.0]])
_WIDE = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4) - 5, np.arange(8.0).reshape(2, 4) % 3
_INTEGERS = {name: dict(zip("abu", m, strict=True)) for name, m in (("square", _SQUARE), ("wide", _WIDE))}


@law(
    cases=Cases(named=_INTEGERS),
    needs=("vjp",),
    grade="exact",
    equation=r"\bar A = U B^\top, \quad \bar B = A^\top U",
    source="Giles (2008), An extended collection of matrix derivative results",
)
def product_of_matrices(impl: Any, case: Case) -> None:
    """The gradients of AB are U B^T and A^T U; small integers are exact in any order of summation."""
    a, b, u = case["a"], case["b"], case["u"]
    da, db = impl.vjp((op("matmul", 0, 1),), (a, b), u)
    identical(da, np.array([[sum(u[i] * b[k]) for k in range(len(b))] for i in range(len(a))]), why="the gradient of A")
    identical(db, np.array([[sum(a[:, k] * u[:, j]) for j in range(u.shape[1])] for k in range(len(b))]), why="of B")


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
        spread = _uncertain(lambda r, e, s=outer: _along_ones(first, inputs, s, r, e), inputs)[1]
        agree(
            g,
            t + more,
            why=f"gradient {i}",
            ulps=4 * _ULPS,
            scale=np.max(np.abs(t) + np.abs(more), initial=0.0) + spread,
        )


def _along_ones(program: Any, inputs: Any, cotangent: Any, rng: Any, eps: float) -> float:
    ones = [np.ones(x.shape) for x in inputs]
    return _inner([cotangent], [run(program, inputs, ones, rounding=rng, eps=eps)[-1].a])[1]


_SHARED = {name: _NAMED[name] for name in ("matmul_square", "stack", "matmul_vectors")} | {
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
    agree(together, total, why="the gradient", ulps=_ULPS, scale=np.max(np.abs(apart[0]) + np.abs(apart[1])))
    identical(unused, np.zeros_like(a), why="the gradient of the input that is not used any more")


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
        identical(g, expected, why=f"gradient {i}")


# --- hvp ---------------------------------------------------------------------------------------------------------------------
@law(
    cases=_TWICE,
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
    expected, scale = _uncertain(lambda r, e: run(program, inputs, w, v, rounding=r, eps=e)[-1].ab, inputs)
    got, terms = _inner(rows, w)
    agree(np.asarray(got).astype(expected.dtype), expected, why="<H v, w>", ulps=2 * _ULPS, scale=scale + terms)


@law(
    cases=Cases(named=_NAMED_TWICE),
    needs=("hvp",),
    grade="numerical",
    equation=r"\langle w, H v \rangle = \langle v, H w \rangle",
)
def symmetric(impl: Any, case: Case) -> None:
    """The Hessian is symmetric: v and w can change places (Schwarz)."""
    program, inputs, v, w = case["program"], case["inputs"], case["direction"], case["other"]
    got, terms = _inner(impl.hvp(program, inputs, v), w)
    expected, more = _inner(impl.hvp(program, inputs, w), v)
    _, scale = _uncertain(lambda r, e: run(program, inputs, w, v, rounding=r, eps=e)[-1].ab, inputs)
    got, expected = (np.asarray(z).astype(np.result_type(*inputs)) for z in (got, expected))
    agree(got, expected, why="<H v, w> against <H w, v>", ulps=4 * _ULPS, scale=scale + terms + more)


@law(
    cases=Cases(named=_INTEGERS),
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
    identical(ha, 2 * c * va + 2 * a * vc, why="the first block")
    identical(hc, 2 * a * va, why="the second block")


@law(cases=Cases(named=_INTEGERS), needs=("hvp",), grade="exact", equation=r"\nabla^2 (\text{linear}) = 0")
def nothing_from_linear(impl: Any, case: Case) -> None:
    """A linear program has no second derivative: the answer is zeros, of the inputs' shapes."""
    a, b = case["a"], case["b"]
    program = (op("sum", 0, axis=None, keepdims=False), op("sum", 1, axis=None, keepdims=False), op("subtract", 2, 3))
    for i, (h, x) in enumerate(zip(impl.hvp(program, (a, b), (a, b)), (a, b), strict=True)):
        identical(h, np.zeros_like(x), why=f"block {i}")


# --- contracts ---------------------------------------------------------------------------------------------------------------
CONTRACTS = (
    Contract(
        function="evaluate",
        inputs=("program", "inputs"),
        outputs=("value",),
        cases=_PROGRAMS,
        statement="The value of a program on its inputs.",
        laws=(value_by_another_way, no_overflow_on_the_way),
        planted=EVALUATE_BUGS,
        exact=("program",),
    ),
    Contract(
        function="vjp",
        inputs=("program", "inputs", "cotangent"),
        outputs=("da", "db"),
        cases=_PROGRAMS,
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
            kinks,
        ),
        planted=VJP_BUGS,
        kink=at_a_kink,
        exact=("program",),
    ),
    Contract(
        function="hvp",
        inputs=("program", "inputs", "direction"),
        outputs=("ha", "hb"),
        cases=_TWICE,
        statement="The Hessian of a scalar program times a direction.",
        laws=(second_derivative, symmetric, polynomial, nothing_from_linear),
        planted=HVP_BUGS,
        exact=("program",),
    ),
)
