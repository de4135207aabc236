"""Points where no derivative exists, with the gradients that the table of kinks (docs/kinks.md) gives there."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.laws.autograd.cases import op
from minidl.laws.autograd.oracle import run
from minidl.laws.core import Case

_INF = math.inf
_NONE = np.zeros(1)


def _case(program: Any, a: Any, expected: Any, *, b: Any = _NONE, db: Any = _NONE, cotangent: Any = None) -> Case:
    a, b, expected, db = (np.asarray(x, dtype=float) for x in (a, b, expected, db))
    with np.errstate(all="ignore"):
        shape = run(program, (a, b))[-1].shape
    u = np.ones(shape) if cotangent is None else np.asarray(cotangent, dtype=float)
    return {"program": program, "inputs": (a, b), "cotangent": u, "expected": (expected, db)}


def _reduced(name: str) -> tuple:
    return (op(name, 0, axis=None, keepdims=False),)


def _table() -> Iterator[tuple[str, Case]]:
    yield "relu_at_0", _case((op("relu", 0),), [-1.0, 0.0, 2.0], [0.0, 0.0, 1.0])
    yield "abs_at_0", _case((op("abs", 0),), [-3.0, 0.0, 3.0], [-1.0, 0.0, 1.0])
    yield "sign", _case((op("sign", 0),), [-3.0, 0.0, 3.0], [0.0, 0.0, 0.0])
    for name in ("maximum", "minimum"):
        yield f"{name}_tie", _case((op(name, 0, 1),), [1.0, 2.0], [0.5, 0.5], b=[1.0, 2.0], db=[0.5, 0.5])
    yield "max_ties", _case(_reduced("max"), [3.0, 1.0, 3.0, 3.0, 3.0], [0.25, 0.0, 0.25, 0.25, 0.25])
    yield "min_ties", _case(_reduced("min"), [1.0, 1.0, 3.0], [0.5, 0.5, 0.0])
    pool = (op("max_pool2d", 0, size=2, stride=None, padding=0),)
    yield "max_pool_ties", _case(pool, [[[[5.0, 5.0], [1.0, 2.0]]]], [[[[0.5, 0.5], [0.0, 0.0]]]])
    yield (
        "clip_on_its_bounds",
        _case((op("clip", 0, low=0.0, high=1.0),), [-1.0, 0.0, 0.5, 1.0, 2.0], [0.0, 1.0, 1.0, 1.0, 0.0]),
    )
    yield "norm_at_0", _case(_reduced("norm"), [0.0, 0.0], [0.0, 0.0])
    yield "zero_to_the_zero", _case((op("power", 0, 1),), [0.0], [0.0], b=[0.0], db=[0.0])
    yield "zero_to_a_power", _case((op("power", 0, 1),), [0.0, 0.0], [0.0, 1.0], b=[2.0, 1.0], db=[0.0, 0.0])
    yield "to_the_zero", _case((op("power", 0, exponent=0.0),), [0.0, 2.0, -3.0], [0.0, 0.0, 0.0])
    yield "sqrt_at_0", _case((op("sqrt", 0),), [0.0, 4.0], [_INF, 0.25])
    yield "sqrt_at_0_not_used", _case((op("sqrt", 0),), [0.0, 4.0], [0.0, 0.25], cotangent=[0.0, 1.0])
    yield "root_at_0", _case((op("power", 0, exponent=0.5),), [0.0, 4.0], [_INF, 0.25])
    yield "root_at_0_not_used", _case((op("power", 0, exponent=0.5),), [0.0, 4.0], [0.0, 0.25], cotangent=[0.0, 1.0])
    yield "logsumexp_of_nothing", _case(_reduced("logsumexp"), [-_INF, -_INF], [0.0, 0.0])
    yield "logsumexp_of_one", _case(_reduced("logsumexp"), [-_INF, 2.0], [0.0, 1.0])


KINKS = dict(_table())


def at_a_kink(case: Case) -> bool:
    """Whether some operation of the program stands where it has no derivative."""
    with np.errstate(all="ignore"):
        values = [z.x for z in run(case["program"], case["inputs"])]
    return any(_stands(name, [values[i] for i in operands], params) for name, operands, params in case["program"])


def _stands(name: str, operands: list[np.ndarray], params: dict) -> bool:
    x = operands[0]
    if name in ("relu", "abs", "sign", "sqrt", "power", "divide"):
        return bool(np.any(x == 0)) and name != "divide"
    if name in ("maximum", "minimum"):
        return bool(np.any(x == operands[1]))
    if name in ("max", "min"):
        axis = params.get("axis")
        ranked = np.sort(x.reshape(-1) if axis is None else x, axis=-1 if axis is None else axis)
        return bool(np.any(np.diff(ranked, axis=-1 if axis is None else axis) == 0))
    if name == "max_pool2d":
        return len(np.unique(x)) < x.size
    if name == "clip":
        return bool(np.any((x == params.get("low")) | (x == params.get("high"))))
    return name == "norm" and bool(np.any(np.sqrt(np.sum(x * x, axis=params.get("axis"))) == 0))
