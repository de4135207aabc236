"""Products: matmul with batch dimensions, and einsum."""

from __future__ import annotations

from functools import partial
from string import ascii_letters
from typing import Any

import numpy as np

from minidl.autograd.tensor import Primitive, Tensor

_matmul = Primitive(
    "matmul", lambda a, b: a @ b, lambda g, y, a, b: g @ b.mT, lambda g, y, a, b: a.mT @ g, broadcasts=True
)


def matmul(a: Any, b: Any) -> Any:
    """`a @ b`: (..., n, k) by (..., k, m), batch axes broadcast; a vector on either side as in NumPy."""
    a, b = (x if type(x) is Tensor else np.asarray(x) for x in (a, b))
    if a.ndim == 0 or b.ndim == 0:
        raise ValueError("matmul needs at least one axis on either side: use * with numbers")
    inner = b.shape[0] if b.ndim == 1 else b.shape[-2]
    if a.shape[-1] != inner:
        raise ValueError(f"matmul of shapes {a.shape} and {b.shape}: {a.shape[-1]} columns meet {inner} rows")
    if a.ndim > 1 and b.ndim > 1:
        return _matmul(a, b)
    left, right = a.ndim == 1, b.ndim == 1
    y = _matmul(a.reshape((1, -1)) if left else a, b.reshape((-1, 1)) if right else b)
    shape = y.shape[:-2] + (() if left else y.shape[-2:-1]) + (() if right else y.shape[-1:])
    return y.reshape(shape)[()]


def _einsum_rule(i: int, g: Any, y: Any, *operands: Any, inputs: tuple[str, ...], output: str) -> Any:
    """The adjoint takes the place of operand i; an index that occurs nowhere else was summed alone, so it is repeated."""
    others = [x for j, x in enumerate(operands) if j != i]
    names = [s for j, s in enumerate(inputs) if j != i]
    lonely = [c for c in inputs[i] if c not in output and not any(c in s for s in names)]
    ones = [np.ones(operands[i].shape[inputs[i].index(c)], operands[i].dtype) for c in lonely]
    return einsum(",".join([output, *names, *lonely]) + "->" + inputs[i], g, *others, *ones)


def einsum(subscripts: str, *operands: Any) -> Any:
    """Sum of products over named indices, as `numpy.einsum`; "ij,jk" sums over repeated ones, "->" names the result's.

    Raises ValueError for a wrong number of operands or of indices, and for indices of unequal length.
    """
    operands = [x if type(x) is Tensor else np.asarray(x) for x in operands]
    inputs, output = _parse(subscripts, operands)
    sizes: dict[str, int] = {}
    names, factors = [], []
    for s, x in zip(inputs, operands, strict=True):
        fresh = (c for c in ascii_letters if c not in "".join(inputs) + output + "".join(names))
        for position, c in enumerate(s):
            n = x.shape[position]
            if sizes.setdefault(c, n) != n:
                raise ValueError(f"einsum {subscripts!r}: index {c!r} has length {sizes[c]} and {n}")
            if c in s[:position]:  # a diagonal: "ii" is "ij" times the identity matrix
                new = next(fresh)
                s = s[:position] + new + s[position + 1 :]
                names.append(c + new)
                factors.append(np.eye(n, dtype=x.dtype))
        names.append(s)
        factors.append(x)
    rules = [partial(_einsum_rule, i) for i in range(len(factors))]
    op = Primitive("einsum", _einsum_forward, *rules)
    return op(*factors, inputs=tuple(names), output=output)


def _einsum_forward(*operands: Any, inputs: tuple[str, ...], output: str) -> Any:
    return np.einsum(",".join(inputs) + "->" + output, *operands, optimize=len(operands) > 2)[()]


def _parse(subscripts: str, operands: list) -> tuple[list[str], str]:
    """Index names per operand and of the result, with each `...` replaced by letters of its own."""
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    inputs = left.split(",")
    if len(inputs) != len(operands):
        raise ValueError(f"einsum {subscripts!r} names {len(inputs)} operands, got {len(operands)}")
    free = [c for c in ascii_letters if c not in subscripts]
    depth = 0
    for i, (s, x) in enumerate(zip(inputs, operands, strict=True)):
        extra = x.ndim - len(s.replace("...", ""))
        if extra < 0 or (extra > 0 and "..." not in s):
            raise ValueError(f"einsum {subscripts!r}: operand {i} has {x.ndim} axes, its indices are {s!r}")
        if "..." in s:
            depth = max(depth, extra)
            inputs[i] = s.replace("...", "".join(reversed(free[:extra])))
            if any(x.shape[j] == 1 for j in range(s.index("."), s.index(".") + extra)):
                raise ValueError(
                    f"einsum {subscripts!r}: axes of length 1 under '...' do not broadcast: squeeze them first"
                )
    dots = "".join(reversed(free[:depth]))
    if not arrow:
        joined = "".join(inputs)
        output = dots + "".join(c for c in sorted(set(joined)) if joined.count(c) == 1 and c not in dots)
    output = output.replace("...", dots)
    unknown = [c for c in output if not any(c in s for s in inputs)]
    if unknown or len(set(output)) != len(output):
        raise ValueError(f"einsum {subscripts!r}: the result's indices must each occur once, and in an operand")
    return inputs, output
