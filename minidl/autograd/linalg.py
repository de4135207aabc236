"""Products: matmul with batch dimensions, and einsum."""

from __future__ import annotations

from functools import partial
from string import ascii_letters
from typing import Any

import numpy as np

from minidl.autograd.ops import arrayed, raw
from minidl.autograd.tensor import Primitive, Tensor, add_up

_matmul = Primitive(
    "matmul", lambda a, b: a @ b, lambda g, y, a, b: g @ b.mT, lambda g, y, a, b: a.mT @ g, broadcasts=True
)


def _inner(a: Any, g: Any) -> Any:
    """a.T @ g. With one row @ leaves BLAS aside and takes five times as long as dot; with more, dot is the slower one."""
    return a.T.dot(g) if len(a) == 1 and type(a) is type(g) else a.T @ g


# Two matrices: the same product by dot, which for small ones costs half as much to call.
_dot = Primitive("matmul", lambda a, b: a.dot(b), lambda g, y, a, b: g.dot(b.T), lambda g, y, a, b: _inner(a, g))
_matrices = _dot.operator()


def matmul_method(self: Tensor, other: Any) -> Tensor:
    """`self @ other`, with a shortcut for two matrices."""
    if type(other) is Tensor:
        a, b = self._value.shape, other._value.shape
        if len(a) == len(b) == 2 and a[1] == b[0]:
            return _matrices(self, other)
    return matmul(self, other)


def dot_method(self: Tensor, other: Any) -> Tensor:
    """`self.dot(other)`: the same as @ for up to two axes on the right; beyond, NumPy's dot is another product."""
    if np.ndim(raw(other)) > 2:
        raise ValueError(f"dot of shapes {self.shape} and {np.shape(raw(other))}: use @ for batches, or einsum")
    return matmul_method(self, other)


def matmul(a: Any, b: Any) -> Any:
    """`a @ b`: (..., n, k) by (..., k, m), batch axes broadcast; a vector on either side as in NumPy."""
    a, b = map(arrayed, (a, b))
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
    return y.reshape(shape) if shape or type(y) is Tensor else y[0, 0]


def _affine(x: Any, w: Any, b: Any) -> Any:
    try:
        if w.ndim != 2 or b.shape != w.shape[1:] or not x.ndim:
            raise ValueError
        y = x.dot(w)
    except (ValueError, AttributeError):
        raise ValueError(
            f"linear takes x (..., n), w (n, m), b (m,), got {np.shape(x)}, {np.shape(w)}, {np.shape(b)}: "
            "flatten images with x.reshape(len(x), -1)"
        ) from None
    if y.dtype is not b.dtype:
        return y + b
    y += b  # in the fresh array: one pass over memory less than x @ w + b
    return y


def _rows(a: Any) -> Any:
    return a if a.ndim == 2 else a.reshape((-1, a.shape[-1]))


_linear = Primitive(
    "linear",
    _affine,
    lambda g, y, x, w, b: g.dot(w.T),
    lambda g, y, x, w, b: x.T @ g if x.ndim == 2 and len(x) != 1 else _inner(_rows(x), _rows(g)),
    lambda g, y, x, w, b: add_up(g if g.ndim == 2 else _rows(g)),
)
linear = _linear.ternary()
linear.__doc__ = "`x @ w + b` as one node: x (..., n), w (n, m), b (m,); gives (..., m)."


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
    operands = [arrayed(x) for x in operands]
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
    hidden = []  # the lengths under each operand's "..."
    for i, (s, x) in enumerate(zip(inputs, operands, strict=True)):
        extra = x.ndim - len(s.replace("...", ""))
        if extra < 0 or (extra > 0 and "..." not in s) or s.count("...") > 1:
            raise ValueError(f"einsum {subscripts!r}: operand {i} has {x.ndim} axes, its indices are {s!r}")
        hidden.append(x.shape[s.find(".") :][:extra])
    free = (c for c in ascii_letters if c not in subscripts)
    full = np.broadcast_shapes(*hidden)
    dots = "".join(next(free) for _ in full)
    for i, (s, lengths) in enumerate(zip(inputs, hidden, strict=True)):
        ends = zip(dots[len(full) - len(lengths) :], lengths, full[len(full) - len(lengths) :], strict=True)
        # an axis of length 1 that broadcasts gets a letter of its own, hence is summed: over its one entry
        inputs[i] = s.replace("...", "".join(c if n == m else next(free) for c, n, m in ends))
    if arrow and dots and "..." not in output:
        raise ValueError(f"einsum {subscripts!r}: the result needs the '...' that the operands have")
    if not arrow:
        joined = "".join(inputs)
        output = dots + "".join(c for c in sorted(set(joined)) if joined.count(c) == 1 and c in subscripts)
    output = output.replace("...", dots)
    unknown = [c for c in output if not any(c in s for s in inputs)]
    if unknown or len(set(output)) != len(output):
        raise ValueError(f"einsum {subscripts!r}: the result's indices must each occur once, and in an operand")
    return inputs, output
