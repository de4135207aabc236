"""Primitives that move entries and compute nothing: reshape, transpose, index, join, pad. The rule of each moves them back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from minidl.autograd.ops import arrayed, raw
from minidl.autograd.tensor import Primitive, unbroadcast


def _repeat(a: Any, *, shape: tuple[int, ...]) -> np.ndarray:
    out = np.empty(
        shape, a.dtype
    )  # written out: faster than np.broadcast_to for small arrays, contiguous for large ones
    out[...] = a
    return out


_reshape = Primitive("reshape", lambda a, *, shape: np.reshape(a, shape), lambda g, y, a, *, shape: g.reshape(a.shape))
_transpose = Primitive(
    "transpose",
    lambda a, *, axes: np.transpose(a, axes),
    lambda g, y, a, *, axes: transpose(g, tuple(int(i) for i in np.argsort(axes))),
)
_broadcast_to = Primitive("broadcast_to", _repeat, lambda g, y, a, *, shape: unbroadcast(g, a.shape))


def reshape(x: Any, *shape: Any) -> Any:
    """`x` in another shape, `reshape(x, 2, 3)` or `reshape(x, (2, 3))`; one entry may be -1."""
    return _reshape(x, shape=shape[0] if len(shape) == 1 and not isinstance(shape[0], (int, np.integer)) else shape)


def transpose(x: Any, *axes: Any) -> Any:
    """`x` with its axes in another order (default: reversed): `transpose(x, 1, 0)` or `transpose(x, (1, 0))`."""
    x = arrayed(x)
    axes = axes[0] if len(axes) == 1 and not isinstance(axes[0], (int, np.integer)) else axes
    return _transpose(x, axes=normalize_axis_tuple(axes, x.ndim) if axes else tuple(range(x.ndim))[::-1])


def swapaxes(x: Any, i: int, j: int) -> Any:
    """`x` with axes i and j exchanged."""
    x = arrayed(x)
    axes = list(range(x.ndim))
    i, j = normalize_axis_index(i, x.ndim), normalize_axis_index(j, x.ndim)
    axes[i], axes[j] = j, i
    return _transpose(x, axes=tuple(axes))


def broadcast_to(x: Any, shape: Sequence[int]) -> Any:
    """`x` repeated along missing axes and axes of length 1 until it has `shape`."""
    shape = tuple(shape)
    try:
        fits = np.broadcast_shapes(np.shape(raw(x)), shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"shape {np.shape(raw(x))} does not broadcast to {shape}")
    return _broadcast_to(arrayed(x), shape=shape)


# --- indexing ------------------------------------------------------------------------------------------------------------
def _constant_index(index: Any) -> Any:
    """The index with every array in it copied, since its owner may write into it before the backward pass."""
    return tuple(map(_constant_entry, index)) if isinstance(index, tuple) else _constant_entry(index)


def _constant_entry(i: Any) -> Any:
    return i if i is None or i is Ellipsis or isinstance(i, (int, np.integer, slice)) else np.array(raw(i))


def _scatter_forward(a: Any, *, index: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Zeros of `shape` with `a` added at `index`: an entry picked twice receives twice."""
    out = np.zeros(shape, a.dtype)
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(i, np.ndarray) and i.dtype.kind in "iu" for i in parts):
        np.add.at(out, index, a)
    else:  # slices, integers and masks pick no entry twice
        out[index] = a
    return out


_getitem = Primitive("getitem", lambda a, *, index: a[index], lambda g, y, a, *, index: scatter(g, index, a.shape))
_scatter = Primitive("scatter", _scatter_forward, lambda g, y, a, *, index, shape: g[index])


def getitem(x: Any, index: Any) -> Any:
    """`x[index]` with integers, slices, None, ..., masks and integer arrays, as in NumPy."""
    return _getitem(x, index=_constant_index(index))


def scatter(x: Any, index: Any, shape: Sequence[int]) -> Any:
    """Zeros of `shape` with `x` added at `index`: the transpose of `getitem`."""
    return _scatter(x, index=_constant_index(index), shape=tuple(shape))


# --- joining and padding ----------------------------------------------------------------------------------------------
def _part(i: int, g: Any, y: Any, *inputs: Any, axis: int) -> Any:
    start = sum(a.shape[axis] for a in inputs[:i])
    return g[(slice(None),) * axis + (slice(start, start + inputs[i].shape[axis]),)]


def _layer(i: int, g: Any, y: Any, *inputs: Any, axis: int) -> Any:
    return g[(slice(None),) * axis + (i,)]


def _join(name: str, forward: Any, rule: Any, arrays: Sequence[Any], axis: int) -> Any:
    arrays = list(arrays)
    if not arrays:
        raise ValueError(f"{name} needs at least one array, got an empty sequence")
    arrays = [arrayed(a) for a in arrays]
    ndim = arrays[0].ndim + (name == "stack")
    if not -ndim <= axis < ndim:
        raise ValueError(f"{name}: axis {axis} is out of range for {ndim} axes")
    rules = [partial(rule, i) for i in range(len(arrays))]
    return Primitive(name, lambda *a, axis: forward(a, axis=axis), *rules)(*arrays, axis=axis % ndim)


def concatenate(arrays: Sequence[Any], axis: int = 0) -> Any:
    """Arrays joined along an axis that they have."""
    return _join("concatenate", np.concatenate, _part, arrays, axis)


def stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    """Arrays of one shape joined along a new axis."""
    return _join("stack", np.stack, _layer, arrays, axis)


def _inner(widths: tuple, shape: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(slice(before, before + n) for (before, _), n in zip(widths, shape, strict=True))


def _pad_forward(a: Any, *, widths: tuple, value: float) -> np.ndarray:
    shape = tuple(n + before + after for (before, after), n in zip(widths, a.shape, strict=True))
    out = np.full(shape, value, a.dtype) if value else np.zeros(shape, a.dtype)
    out[_inner(widths, a.shape)] = a
    return out


_pad = Primitive("pad", _pad_forward, lambda g, y, a, *, widths, value: g[_inner(widths, a.shape)])


def pad(x: Any, widths: Any, value: float = 0.0) -> Any:
    """`x` with a border of `value`. widths: one number for all sides, or a (before, after) pair per axis."""
    x = arrayed(x)
    if isinstance(widths, (int, np.integer)):
        widths = ((widths, widths),) * x.ndim
    widths = tuple((int(before), int(after)) for before, after in widths)
    if len(widths) != x.ndim or min((w for pair in widths for w in pair), default=0) < 0:
        raise ValueError(f"pad needs one (before, after) pair of non-negative widths per axis ({x.ndim}), got {widths}")
    return _pad(x, widths=widths, value=value)


_cumsum = Primitive(
    "cumsum", lambda a, *, axis: np.cumsum(a, axis), lambda g, y, a, *, axis: _flip(cumsum(_flip(g, axis), axis), axis)
)


def _flip(x: Any, axis: int) -> Any:
    return x[(slice(None),) * axis + (slice(None, None, -1),)]


def cumsum(x: Any, axis: int | None = None) -> Any:
    """Running sums along an axis (default: of the flattened array)."""
    x = arrayed(x)
    if axis is None:
        x, axis = reshape(x, -1), 0
    return _cumsum(x, axis=normalize_axis_index(axis, x.ndim))
