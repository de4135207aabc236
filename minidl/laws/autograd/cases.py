"""Programs to judge an engine on: a named table that has every operation, and random ones grown beside the oracle.

Every case has two inputs, a and b, so that results have two named gradients; a program may leave one of them unused.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.laws.autograd.oracle import run
from minidl.laws.core import Case, Cases


def op(name: str, *operands: int, **params: Any) -> tuple[str, tuple[int, ...], dict[str, Any]]:
    """One instruction; a, b are values 0 and 1, the first instruction's result is 2."""
    return name, operands, params


def numbers(*shape: int, start: int = 0, positive: bool = False, dtype: Any = float) -> np.ndarray:
    """Distinct numbers in (-2, 2), or (0.25, 2.25), without pattern: multiples of the golden ratio modulo 1 (Weyl)."""
    k = np.arange(1, math.prod(shape) + 1) + 100 * start
    parts = k * 0.6180339887498949 % 1
    return np.round(2 * parts + 0.25 if positive else 4 * parts - 2, 4).reshape(shape).astype(dtype)


def value(program: Any, inputs: Any) -> np.ndarray:
    return run(program, inputs)[-1].x


def case(program: Any, inputs: Any, start: int = 7) -> Case:
    """A case of vjp: the cotangent fits the program's value, direction and other are for laws that need one more."""
    shape, dtype = value(program, inputs).shape, np.result_type(*inputs)
    direction = tuple(
        numbers(*np.shape(x), start=start + 2 + i, dtype=np.asarray(x).dtype) for i, x in enumerate(inputs)
    )
    return {
        "program": tuple(program),
        "inputs": tuple(inputs),
        "cotangent": numbers(*shape, start=start, dtype=dtype),
        "other": numbers(*shape, start=start + 1, dtype=dtype),
        "direction": direction,
    }


def single(case: Case) -> Case:
    """The case in float32."""
    narrow = {key: np.float32(case[key]) for key in ("cotangent", "other")}
    return case | narrow | {key: tuple(np.float32(x) for x in case[key]) for key in ("inputs", "direction")}


def second(case: Case) -> Case:
    """A case of hvp from one of vjp: the sum of squares of its program's value."""
    last = len(case["inputs"]) + len(case["program"]) - 1
    program = (*case["program"], op("multiply", last, last), op("sum", last + 1, axis=None, keepdims=False))
    inputs = case["inputs"]
    other = tuple(numbers(*np.shape(x), start=11 + i, dtype=x.dtype) for i, x in enumerate(inputs))
    return {"program": program, "inputs": inputs, "direction": case["direction"], "other": other}


def _table() -> Iterator[tuple[str, tuple, tuple]]:
    x, row, column = numbers(2, 3), numbers(3, start=1), numbers(2, 1, start=2)
    positive, scalar = numbers(2, 3, positive=True), numbers(start=3)
    for name in ("add", "subtract", "multiply", "maximum", "minimum"):
        yield name, (op(name, 0, 1),), (x, row)
    yield "divide", (op("divide", 0, 1),), (column, numbers(2, 3, start=1, positive=True))
    yield "power", (op("power", 0, 1),), (positive, column)
    yield "power_of_negative_base", (op("power", 0, exponent=3.0), op("multiply", 2, 1)), (x, scalar)
    for name in ("negative", "exp", "abs", "sign", "sin", "cos", "tanh", "sigmoid", "softplus", "relu", "erf"):
        yield name, (op(name, 0), op("multiply", 2, 1)), (x, scalar)
    for name in ("log", "log1p", "sqrt"):
        yield name, (op(name, 0), op("multiply", 2, 1)), (positive, scalar)
    yield "clip", (op("clip", 0, low=-1.0, high=0.5), op("multiply", 2, 1)), (x, row)
    yield "where", (op("where", 0, 1, condition=((True, False, True), (False, False, True))),), (x, row)
    for name in ("sum", "mean", "max", "min", "logsumexp", "norm"):
        yield f"{name}_of_all", (op(name, 0, axis=None, keepdims=False), op("multiply", 2, 1)), (x, row)
        yield f"{name}_along_0", (op(name, 0, axis=0, keepdims=False), op("multiply", 2, 1)), (x, row)
        yield f"{name}_along_last_kept", (op(name, 0, axis=-1, keepdims=True), op("multiply", 2, 1)), (x, row)
    for name in ("softmax", "log_softmax", "cumsum"):
        yield name, (op(name, 0, axis=-1), op("multiply", 2, 1)), (x, row)
        yield f"{name}_along_0", (op(name, 0, axis=0), op("multiply", 2, 1)), (x, row)
    for reduction in ("mean", "sum", "none"):
        entropy = op("cross_entropy", 0, labels=(2, 0), reduction=reduction)
        yield f"cross_entropy_{reduction}", (entropy, op("multiply", 2, 1)), (x, scalar)
    yield "reshape", (op("reshape", 0, shape=(3, 2)), op("matmul", 2, 1)), (x, numbers(2, 2, start=1))
    yield (
        "transpose",
        (op("transpose", 0, axes=(2, 0, 1)), op("multiply", 2, 1)),
        (numbers(2, 3, 2), numbers(2, 3, start=1)),
    )
    yield "swapaxes", (op("swapaxes", 0, i=0, j=-1), op("multiply", 2, 1)), (x, numbers(3, 2, start=1))
    yield (
        "broadcast_to",
        (op("broadcast_to", 0, shape=(2, 2, 3)), op("multiply", 2, 1)),
        (row, numbers(2, 2, 3, start=1)),
    )
    yield "getitem_slices", (op("getitem", 0, index=(0, ("slice", None, None, -2))), op("multiply", 2, 1)), (x, scalar)
    yield "getitem_repeated", (op("getitem", 0, index=((0, 1, 1, 0, 1),)), op("multiply", 2, 1)), (x, row)
    mixed = ("...", "newaxis", (0, 2, 2))
    yield "getitem_mixed", (op("getitem", 0, index=mixed), op("multiply", 2, 1)), (x, row)
    mask = ((True, False, True), (False, True, True))
    yield "getitem_mask", (op("getitem", 0, index=(mask,)), op("multiply", 2, 1)), (x, scalar)
    yield "scatter", (op("scatter", 0, index=((3, 0, 3),), shape=(4,)), op("multiply", 2, 1)), (row, scalar)
    yield "concatenate", (op("concatenate", 0, 1, 0, axis=1), op("sin", 2)), (x, numbers(2, 1, start=1))
    yield "stack", (op("stack", 0, 1, axis=1), op("sin", 2)), (x, numbers(2, 3, start=1))
    yield "pad", (op("pad", 0, widths=((1, 0), (0, 2)), value=1.5), op("multiply", 2, 1)), (x, numbers(3, 5, start=1))
    yield "matmul", (op("matmul", 0, 1),), (x, numbers(3, 2, start=1))
    yield "matmul_square", (op("matmul", 0, 1),), (numbers(2, 2), numbers(2, 2, start=1))
    yield "matmul_vectors", (op("matmul", 0, 1),), (row, numbers(3, start=2))
    yield "matmul_batch", (op("matmul", 0, 1),), (numbers(2, 1, 2, 3), numbers(2, 3, 2, start=1))
    yield "linear", (op("getitem", 1, index=(0,)), op("linear", 0, 1, 2)), (x, numbers(3, 3, start=1))
    yield "einsum_diagonal", (op("einsum", 0, 1, subscripts="iij,j->i"),), (numbers(2, 2, 3), row)
    yield "einsum_lonely", (op("einsum", 0, 1, subscripts="ij,k->j"),), (x, numbers(2, start=1))
    yield (
        "einsum_batch",
        (op("einsum", 0, 1, subscripts="...ij,...jk->...ik"),),
        (numbers(2, 2, 3), numbers(3, 2, start=1)),
    )
    image = numbers(2, 2, 4, 3)
    yield "conv2d", (op("conv2d", 0, 1, stride=1, padding=1),), (image, numbers(2, 2, 3, 2, start=1))
    yield "conv2d_strided", (op("conv2d", 0, 1, stride=(2, 1), padding=(0, 1)),), (image, numbers(3, 2, 3, 3, start=1))
    yield "conv1d", (op("conv1d", 0, 1, stride=2, padding=1),), (numbers(1, 2, 5), numbers(2, 2, 3, start=1))
    # all entries negative, so that a border of zeros instead of -inf would win
    pool = op("max_pool2d", 0, size=(2, 2), stride=(2, 1), padding=(1, 0))
    yield "max_pool2d", (pool, op("multiply", 2, 1)), (-numbers(1, 2, 3, 3, positive=True), scalar)
    pool = op("avg_pool2d", 0, size=2, stride=None, padding=1)
    yield "avg_pool2d", (pool, op("multiply", 2, 1)), (numbers(1, 1, 3, 3), scalar)
    yield "stop_gradient", (op("stop_gradient", 0), op("multiply", 2, 0), op("multiply", 3, 1)), (x, row)
    yield "straight_through", (op("sign", 0), op("straight_through", 2, 0), op("multiply", 3, 1)), (x, row)
    # b = a + a; c = b + b: four paths
    yield "reused", (op("add", 0, 0), op("add", 2, 2), op("multiply", 3, 1)), (x, scalar)
    yield "reused_late", (op("sin", 0), op("multiply", 2, 1), op("multiply", 3, 2), op("add", 4, 0)), (x, row)
    yield "dead_end", (op("exp", 0), op("multiply", 1, 1), op("sin", 0)), (x, row)
    layer = (op("matmul", 0, 1), op("tanh", 2), op("matmul", 3, 1), op("add", 4, 0), op("softmax", 5, axis=-1))
    yield "two_layers", layer, (numbers(4, 2), numbers(2, 2, start=1))
    yield "float32", layer, (numbers(4, 2, dtype=np.float32), numbers(2, 2, start=1, dtype=np.float32))


def named() -> dict[str, Case]:
    return {name: case(program, inputs) for name, program, inputs in _table()}


NOTES = {
    "reused": "an adjoint that is passed on before all its terms have arrived, or overwritten by the last one",
    "dead_end": "values that the result does not use",
    "getitem_repeated": "an entry picked several times receives several terms",
    "max_pool2d": "a border of zeros wins over negative entries",
    "matmul_square": "a forgotten transpose shows no wrong shape here",
}


# --- random programs --------------------------------------------------------------------------------------------------------
_FAR = 1 / 16  # from kinks and poles
_SMOOTH = ("negative", "sin", "cos", "tanh", "sigmoid", "softplus", "erf", "exp")


def _options(x: np.ndarray, y: np.ndarray, i: int, j: int) -> list[tuple]:
    """The instructions that make sense on values i and j: defined there, and away from kinks."""
    far, positive = np.all(np.abs(x) > _FAR), np.all(x > 2 * _FAR)
    found = [op(name, i) for name in _SMOOTH if np.all(np.abs(x) < 3)]
    found += [op(name, i) for name in ("relu", "abs", "sign") if far]
    found += [op(name, i) for name in ("log", "log1p", "sqrt") if positive]
    found += [op("power", i, exponent=p) for p in (2.0, 3.0)] + [op("power", i, exponent=-0.5)] * bool(positive)
    try:
        gap = np.abs(x - y)
    except ValueError:
        pass
    else:
        found += [op(name, i, j) for name in ("add", "subtract", "multiply")]
        found += [op("divide", i, j)] * bool(np.all(np.abs(y) > 4 * _FAR))
        found += [op(name, i, j) for name in ("maximum", "minimum") if np.all(gap > _FAR)]
        found += [op("power", i, j)] * bool(positive and np.all(np.abs(y) < 3))
    if x.ndim >= 2 and y.ndim >= 2 and x.shape[:-2] == y.shape[:-2] and x.shape[-1] == y.shape[-2]:
        found.append(op("matmul", i, j))
    if x.shape == y.shape:
        found += [op("stack", i, j, axis=0)] + [op("concatenate", j, i, axis=-1)] * (x.ndim > 0)
    found += [op(name, i, axis=None, keepdims=False) for name in ("sum", "mean", "logsumexp")]
    found += [op("norm", i, axis=None, keepdims=False)] * bool(far)
    for axis in range(x.ndim):
        found += [op(name, i, axis=axis, keepdims=axis == 0) for name in ("sum", "mean", "logsumexp")]
        found += [op(name, i, axis=axis) for name in ("softmax", "log_softmax", "cumsum")]
        ranked = np.sort(x, axis)
        if np.all(np.diff(ranked, axis=axis) > _FAR):
            found += [op(name, i, axis=axis, keepdims=True) for name in ("max", "min")]
    if x.ndim:
        n = x.shape[0]
        found += [op("getitem", i, index=index) for index in ((n - 1,), (("slice", None, None, -1),), ((0, n - 1, 0),))]
        found += [op("transpose", i, axes=tuple(range(x.ndim))[::-1]), op("reshape", i, shape=(x.size,))]
        found += [op("pad", i, widths=((1, 0),) * x.ndim, value=0.5)]
    return found + [op("broadcast_to", i, shape=(2, *x.shape))]


def _entries(draw: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    from hypothesis import strategies as st

    size = math.prod(shape)
    eighths = draw(st.lists(st.integers(-16, 16), min_size=size, max_size=size))
    return (np.array(eighths, dtype=float) / 8).reshape(shape).astype(dtype)


def _grown(draw: Any, inputs: tuple, longest: int = 6) -> tuple:
    """A program on these inputs, instruction by instruction; what grows too large or leaves its domain is left out."""
    from hypothesis import strategies as st

    program, values = [], [z.x for z in run((), inputs)]
    for _ in range(draw(st.integers(1, longest))):
        i, j = (draw(st.integers(0, len(values) - 1)) for _ in range(2))
        instruction = draw(st.sampled_from(_options(values[i], values[j], i, j)))
        result = value((*program, instruction), inputs)
        if result.size <= 40 and np.all(np.isfinite(result)) and np.all(np.abs(result) < 20):
            program.append(instruction)
            values.append(result)
    return tuple(program) or (op("add", 0, 0),)


def _inputs(draw: Any) -> tuple[np.ndarray, np.ndarray]:
    from hypothesis import strategies as st
    from hypothesis.extra.numpy import mutually_broadcastable_shapes

    shapes = draw(mutually_broadcastable_shapes(num_shapes=2, max_dims=2, max_side=3)).input_shapes
    dtype = draw(st.sampled_from([np.float64, np.float64, np.float32]))
    return tuple(_entries(draw, shape, dtype) for shape in shapes)


def grown():
    """Random programs with cotangent and direction."""
    from hypothesis import strategies as st

    @st.composite
    def build(draw):
        inputs = _inputs(draw)
        program = _grown(draw, inputs)
        shape, dtype = value(program, inputs).shape, inputs[0].dtype
        return {
            "program": program,
            "inputs": inputs,
            "cotangent": _entries(draw, shape, dtype),
            "direction": tuple(_entries(draw, x.shape, dtype) for x in inputs),
        }

    return build()


def grown_twice():
    """Random programs, squared and summed, with two directions."""
    from hypothesis import strategies as st

    @st.composite
    def build(draw):
        made = draw(grown())
        doubled = second(made)
        other = tuple(_entries(draw, x.shape, x.dtype) for x in made["inputs"])
        return doubled | {"other": other}

    return build()


def composed():
    """A random program on a and b, and a second one on its value and b."""
    from hypothesis import strategies as st

    @st.composite
    def build(draw):
        inputs = _inputs(draw)
        first = _grown(draw, inputs, 3)
        middle = value(first, inputs)
        after = _grown(draw, (middle, inputs[1]), 3)
        shape, dtype = value(after, (middle, inputs[1])).shape, inputs[0].dtype
        return {"first": first, "then": after, "inputs": inputs, "cotangent": _entries(draw, shape, dtype)}

    return build()


NAMED = named()
NAMED_TWICE = {name: second(found) for name, found in NAMED.items()}
PROGRAMS = Cases(named=NAMED, generated=grown, notes=NOTES)
TWICE = Cases(named=NAMED_TWICE, generated=grown_twice)

SINGLE = Cases(
    named={name: single(NAMED[name]) for name in ("two_layers", "conv2d", "cross_entropy_mean", "max_pool2d")}
)
SINGLE_TWICE = Cases(named={name: second(found) for name, found in SINGLE.named.items()})

# Small integers: every product and sum of them is exact, in any order.
_SQUARE = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[0.0, -1.0], [2.0, 7.0]]), np.array([[1.0, 0.0], [4.0, -2.0]])
_WIDE = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4) - 5, np.arange(8.0).reshape(2, 4) % 3
INTEGERS = {name: dict(zip("abu", m, strict=True)) for name, m in (("square", _SQUARE), ("wide", _WIDE))}
