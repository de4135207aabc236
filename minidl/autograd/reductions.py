r"""Reductions: sum, mean, max, min, logsumexp, norm, and the normalised exponentials made of them.

`axis` is None (all axes), an integer or a tuple; `keepdims` keeps reduced axes with length 1.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from minidl.autograd.ops import arrayed, exp, raw, where
from minidl.autograd.shapes import broadcast_to
from minidl.autograd.tensor import Primitive, Tensor


def _axes(x: Any, axis: Any) -> tuple[int, ...]:
    ndim = np.ndim(raw(x))
    if axis is None:
        return tuple(range(ndim))
    axes = (axis,) if isinstance(axis, (int, np.integer)) else tuple(axis)
    for i in axes:
        if not -ndim <= i < ndim:
            raise ValueError(f"axis {i} is out of range for an array with {ndim} axes")
    return tuple(int(i) % ndim for i in axes)


def _kept(a: Any, axis: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(1 if i in axis else n for i, n in enumerate(a.shape))


def _restore(g: Any, a: Any, axis: tuple[int, ...]) -> Any:
    """A reduced array with its axes back, so that it broadcasts against `a`."""
    return g.reshape(_kept(a, axis))


def _reduction(primitive: Primitive, doc: str):
    def reduce(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        x = arrayed(x)
        return primitive(x, axis=_axes(x, axis), keepdims=keepdims)

    reduce.__name__ = reduce.__qualname__ = primitive.name
    reduce.__doc__ = doc
    return reduce


def _sum_rule(g, y, a, *, axis, keepdims):
    return broadcast_to(_restore(g, a, axis), a.shape)


def _extremum_rule(g, y, a, *, axis, keepdims):
    """Entries that attain the extremum share its adjoint equally."""
    winners = raw(a) == _restore(raw(y), a, axis)
    return _restore(g, a, axis) * (winners / winners.sum(axis=axis, keepdims=True)).astype(a.dtype)


def _finite_max(a, axis):
    m = np.max(np.real(a), axis=axis, keepdims=True)
    return np.where(np.isfinite(m), m, 0.0).astype(m.dtype)


def _logsumexp(a, *, axis, keepdims):
    m = _finite_max(a, axis)
    with np.errstate(divide="ignore"):  # log 0 = -inf is the right answer when all entries are -inf
        y = m + np.log(np.sum(np.exp(a - m), axis=axis, keepdims=True))
    return y if keepdims else y.reshape([n for i, n in enumerate(a.shape) if i not in axis])[()]


def _logsumexp_rule(g, y, a, *, axis, keepdims):
    """The softmax of a, not written exp(a - y): a large y has no digits left for the sum."""
    e = exp(a - _finite_max(raw(a), axis))
    total = e.sum(axis=axis, keepdims=True)
    return _restore(g, a, axis) * (e / where(raw(total) == 0, 1.0, total))


def _norm(a, *, axis, keepdims):
    m = np.max(np.abs(a), axis=axis, keepdims=True, initial=0.0)  # (a / m)^2 neither overflows nor vanishes
    m = np.where((m == 0) | np.isinf(m), 1.0, m).astype(m.dtype)
    y = m * np.sqrt(np.sum((a / m) ** 2, axis=axis, keepdims=True))
    return y if keepdims else y.reshape([n for i, n in enumerate(a.shape) if i not in axis])[()]


def _norm_rule(g, y, a, *, axis, keepdims):
    zero = _restore(raw(y), a, axis) == 0
    return _restore(g, a, axis) * where(zero, 0.0, a / where(zero, 1.0, _restore(y, a, axis)))


def _plain(function):
    return lambda a, *, axis, keepdims: function(a, axis=axis, keepdims=keepdims)


sum = _reduction(Primitive("sum", _plain(np.sum), _sum_rule), "Sum of the entries along `axis`.")
max = _reduction(
    Primitive("max", _plain(np.max), _extremum_rule), "Largest entry along `axis`; ties share the gradient."
)
min = _reduction(
    Primitive("min", _plain(np.min), _extremum_rule), "Smallest entry along `axis`; ties share the gradient."
)
logsumexp = _reduction(
    Primitive("logsumexp", _logsumexp, _logsumexp_rule),
    "log sum exp along `axis`, without overflow; -inf entries count as nothing.",
)
norm = _reduction(
    Primitive("norm", _norm, _norm_rule), "Euclidean norm along `axis`, without overflow; its gradient at 0 is 0."
)


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Mean of the entries along `axis`. Raises ValueError over no entries."""
    x = arrayed(x)
    n = math.prod(x.shape[i] for i in _axes(x, axis))
    if n == 0:
        raise ValueError(f"mean over no entries: shape {x.shape}, axis {axis}")
    return sum(x, axis, keepdims) / n


# --- softmax and its cross-entropy ------------------------------------------------------------------------------------
def _softmax(a, *, axis):
    e = np.exp(a - np.max(np.real(a), axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _log_softmax(a, *, axis):
    z = a - np.max(np.real(a), axis=axis, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


_softmax_op = Primitive("softmax", _softmax, lambda g, y, a, *, axis: y * (g - (g * y).sum(axis=axis, keepdims=True)))
_log_softmax_op = Primitive(
    "log_softmax", _log_softmax, lambda g, y, a, *, axis: g - exp(y) * g.sum(axis=axis, keepdims=True)
)


def softmax(x: Any, axis: int = -1) -> Any:
    """Exponentials divided by their sum along `axis`."""
    return _softmax_op(x, axis=axis)


def log_softmax(x: Any, axis: int = -1) -> Any:
    """Logarithm of `softmax`, from the shifted logits so that no digits are lost."""
    return _log_softmax_op(x, axis=axis)


def _cross_entropy(a, *, chosen, weight):
    """Losses times weight, summed; saves softmax(a) - onehot(labels), which the rule scales.

    It works on the transpose, since NumPy reduces over the first axis several times faster than over a short last one.
    chosen: where the labels stand in the flattened transpose.
    """
    z = a.T.copy() if a.dtype.kind in "fc" else a.T.astype(np.float64)  # (C, N)
    z -= np.maximum.reduce(z.real)
    flat = z.reshape(-1)
    picked = flat.take(chosen)  # (N,)
    np.exp(z, z)
    s = np.add.reduce(z)  # (N,)
    losses = np.log(s) - picked  # (N,)
    z /= s  # softmax
    flat[chosen] -= 1
    return (losses if weight is None else np.add.reduce(losses) * weight), z.T


def _cross_entropy_rule(g, y, a, *, chosen, weight, saved):
    if saved is None:
        onehot = np.zeros(a.shape[::-1], a.dtype)
        onehot.reshape(-1)[chosen] = 1
        saved = softmax(a, 1) - onehot.T
    return g.reshape(-1, 1) * saved if weight is None else (g * weight) * saved


_INTP = np.dtype(np.intp)
_counting = lru_cache(maxsize=8)(np.arange)  # 0, 1, ..., n - 1, for the batch sizes in use
_cross_entropy_op = Primitive("cross_entropy", _cross_entropy, _cross_entropy_rule, saves=True)


def cross_entropy(logits: Any, labels: Any, reduction: str = "mean") -> Any:
    r"""$-\log \mathrm{softmax}(\text{logits})_{\text{label}}$, averaged, summed or per row.

    logits: float (..., C). labels: integers (...) in [0, C). reduction: "mean", "sum" or "none" (shape of the labels).
    Raises ValueError for labels out of range, shapes that do not match, an empty batch or an unknown reduction;
    TypeError for labels that are not integers.
    """
    if type(labels) is not np.ndarray:
        labels = np.asarray(raw(labels))
    if type(logits) is Tensor:
        shape = logits._value.shape
    else:
        logits = np.asarray(logits)
        shape = logits.shape
    if not shape or labels.shape != shape[:-1] or not shape[-1]:
        raise ValueError(
            f"labels of shape {labels.shape} do not fit logits of shape {shape}: "
            f"expected one integer per row, shape {shape[:-1]}"
        )
    if labels.dtype is not _INTP and labels.dtype.kind not in "iu":
        raise TypeError(f"labels must be integers (class numbers), got {labels.dtype}: use labels.astype(int)")
    if labels.size == 0:
        raise ValueError(f"cross_entropy of an empty batch: logits have shape {shape}")
    if reduction == "mean":
        weight = 1.0 / labels.size
    elif reduction in ("sum", "none"):
        weight = 1.0 if reduction == "sum" else None
    else:
        raise ValueError(f'reduction must be "mean", "sum" or "none", got {reduction!r}')
    rows = labels if labels.dtype is _INTP else labels.astype(np.intp)
    if len(shape) != 2:
        rows, logits = rows.reshape(-1), logits.reshape((-1, shape[-1]))
    try:  # a fresh array: the caller may write into the labels
        chosen = np.ravel_multi_index((rows, _counting(len(rows))), (shape[-1], len(rows)))
    except ValueError:
        low, high = labels.min(), labels.max()
        raise ValueError(f"labels must lie in [0, {shape[-1]}), got values from {low} to {high}") from None
    losses = _cross_entropy_op(logits, chosen=chosen, weight=weight)
    return losses.reshape(labels.shape) if reduction == "none" else losses
