r"""Small programs as data, so that any engine, in any language, can be asked for the same derivatives.

A program is a tuple of instructions `(op, operands, params)`. Values are numbered: first the inputs, then one result per
instruction; operands are such numbers; the last result is the program's. So, with inputs $a$ (0) and $b$ (1),

    (("multiply", (0, 1), {}), ("sum", (2,), {"axis": None, "keepdims": False}))

is $\sum_i a_i b_i$. Params are plain data (numbers, strings, booleans, None, tuples of these, integer or boolean arrays), so
programs can be printed, stored as JSON, and sent to a process. Three functions say what an engine should answer:

- `evaluate(program, inputs)`: the value $y$;
- `vjp(program, inputs, cotangent)`: for each input $x_i$ the gradient $J_i^\top u$, in the input's shape and dtype;
- `hvp(program, inputs, direction)`: for a program with a scalar value, $\sum_j \nabla^2_{ij} y \, v_j$ for each input $x_i$.

Where a derivative does not exist, they answer what the table of kinks (docs/kinks.md) says. Ops and their params, after the
operands; `index` is a tuple of integers, "newaxis", "...", ("slice", start, stop, step) and nested tuples or arrays of integers
or booleans:

| ops | params |
|---|---|
| add subtract multiply divide maximum minimum matmul power (two operands) | |
| power (one operand) | exponent |
| negative exp log log1p sqrt abs sign sin cos tanh sigmoid softplus relu erf stop_gradient | |
| straight_through (hard, soft) | |
| clip | low, high |
| where (two operands) | condition |
| sum mean max min logsumexp norm | axis, keepdims |
| softmax log_softmax cumsum | axis |
| cross_entropy | labels, reduction |
| reshape broadcast_to | shape |
| transpose | axes |
| swapaxes | i, j |
| getitem | index |
| scatter | index, shape |
| concatenate stack (any number) | axis |
| pad | widths, value |
| einsum (any number) | subscripts |
| linear (x, w, b) | |
| conv2d conv1d (images, weights) | stride, padding |
| max_pool2d avg_pool2d | size, stride, padding |

Source: straight-line programs as in Griewank and Walther, Evaluating Derivatives, 2nd edition (2008), section 2.2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import minidl.autograd as engine
from minidl.autograd.functional import grad
from minidl.autograd.functional import vjp as engine_vjp

Instruction = tuple[str, tuple[int, ...], Mapping[str, Any]]
Program = Sequence[Instruction]

_UNARY = (
    "negative",
    "exp",
    "log",
    "log1p",
    "sqrt",
    "abs",
    "sign",
    "sin",
    "cos",
    "tanh",
    "sigmoid",
    "softplus",
    "relu",
    "erf",
)
_BINARY = ("add", "subtract", "multiply", "divide", "maximum", "minimum", "matmul", "straight_through")
_REDUCTIONS = ("sum", "mean", "max", "min", "logsumexp", "norm", "softmax", "log_softmax", "cumsum", "cross_entropy")
_OTHERS = ("clip", "stop_gradient", "broadcast_to", "swapaxes", "pad", "linear")
_WINDOWS = ("conv2d", "conv1d", "max_pool2d", "avg_pool2d")
_PLAIN = _UNARY + _BINARY + _REDUCTIONS + _OTHERS + _WINDOWS


def _power(a: Any, b: Any = None, *, exponent: float | None = None) -> Any:
    return engine.power(a, b if exponent is None else exponent)


def _index(entries: Any) -> tuple:
    def entry(i: Any) -> Any:
        if isinstance(i, str):
            return {"newaxis": None, "...": Ellipsis}[i]
        if isinstance(i, (list, tuple)):
            return slice(*i[1:]) if len(i) == 4 and i[0] == "slice" else np.asarray(i)
        return i

    return tuple(entry(i) for i in entries)


OPS: dict[str, Callable[..., Any]] = {name: getattr(engine, name) for name in _PLAIN} | {
    "power": _power,
    "reshape": lambda a, *, shape: engine.reshape(a, shape),
    "transpose": lambda a, *, axes: engine.transpose(a, axes),
    "getitem": lambda a, *, index: engine.getitem(a, _index(index)),
    "scatter": lambda a, *, index, shape: engine.scatter(a, _index(index), shape),
    "where": lambda a, b, *, condition: engine.where(np.asarray(condition), a, b),
    "concatenate": lambda *a, axis: engine.concatenate(a, axis),
    "stack": lambda *a, axis: engine.stack(a, axis),
    "einsum": lambda *a, subscripts: engine.einsum(subscripts, *a),
}


def evaluate(program: Program, inputs: Sequence[Any]) -> np.ndarray:
    """The program's value on `inputs` (float arrays), as a fresh array in the dtype that the inputs promote to.

    Raises ValueError for a program without instructions, an unknown op, or an operand that does not exist yet.
    """
    return np.array(_run(program, _arrays(inputs)))


def vjp(program: Program, inputs: Sequence[Any], cotangent: Any) -> tuple[np.ndarray, ...]:
    """For each input the gradient of <cotangent, value>: same shape and dtype as the input, zeros where it is not used.

    cotangent: array of the value's shape. Raises ValueError as `evaluate` does, or for a cotangent of another shape.
    """
    _, pull = engine_vjp(lambda *values: _run(program, values), *_arrays(inputs))
    return pull(cotangent)


def hvp(program: Program, inputs: Sequence[Any], direction: Sequence[Any]) -> tuple[np.ndarray, ...]:
    """For each input its block of the Hessian of the (scalar) value times `direction`, one array per input.

    Raises ValueError as `evaluate` does, for a value that is no scalar, or a direction of other shapes than the inputs.
    """
    inputs, direction = _arrays(inputs), _arrays(direction)
    shapes = [x.shape for x in inputs], [v.shape for v in direction]
    if shapes[0] != shapes[1]:
        raise ValueError(f"hvp needs one direction per input, of its shape: inputs {shapes[0]}, directions {shapes[1]}")
    every = tuple(range(len(inputs)))

    def slope(*values: Any) -> Any:
        gradients = grad(lambda *z: _run(program, z), argnums=every)(*values)
        return sum((g * v).sum() for g, v in zip(gradients, direction, strict=True))

    return tuple(np.asarray(h) for h in grad(slope, argnums=every)(*inputs))


def _arrays(values: Sequence[Any]) -> list[np.ndarray]:
    arrays = [np.asarray(v) for v in values]
    if not arrays:
        raise ValueError("a program needs at least one input")
    for i, a in enumerate(arrays):
        if a.dtype.kind != "f":
            raise TypeError(f"input {i} of a program must be a float array, got {a.dtype}: use .astype(float)")
    return arrays


def _run(program: Program, inputs: Sequence[Any]) -> Any:
    if not program:
        raise ValueError("a program needs at least one instruction, got none")
    values = list(inputs)
    for number, (name, operands, params) in enumerate(program):
        where = f"instruction {number} ({name})"
        if name not in OPS:
            raise ValueError(f"{where}: unknown op; there are {', '.join(sorted(OPS))}")
        if not operands or not all(0 <= i < len(values) for i in operands):
            raise ValueError(f"{where}: operands {tuple(operands)}, but only values 0 to {len(values) - 1} exist here")
        values.append(OPS[name](*(values[i] for i in operands), **params))
    return values[-1]
