r"""An independent answer for derivatives of small programs: hyper-dual numbers, carried forward.

Instead of a variable's value $x$, every operation gets $x + x_1\epsilon_1 + x_2\epsilon_2 + x_{12}\epsilon_1\epsilon_2$ with
$\epsilon_1^2 = \epsilon_2^2 = 0$. Whatever is computed then carries its derivatives along: for $y = f(x)$ the parts of $y$ are
$f'(x) x_1$, $f'(x) x_2$ and $f'(x) x_{12} + f''(x) x_1 x_2$ (Fike and Alonso, 2011). There is no tape, no backward pass and
no adjoint, so nothing is shared with what it judges (where a derivative does not exist, it takes the table of kinks' value).
Every operation here is one of three kinds: multilinear in its operands,
a curve applied to each entry, or put together from these.

Values are float64. With a generator in `rounding`, each term that is computed moves by up to one ulp of the judged dtype at
random: how far the final answer then spreads is what rounding may do to it in any order of computation (Vignes, 1993).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np

_erf = np.vectorize(math.erf, otypes=[float])
_ROUNDING: ContextVar[tuple[np.random.Generator, float] | None] = ContextVar("rounding", default=None)


def _rounded(p: Any) -> Any:
    """A term as some other arithmetic might have it."""
    noise = _ROUNDING.get()
    return p if noise is None else p * (1 + noise[1] * noise[0].uniform(-1, 1, np.shape(p)))


@dataclass
class Dual:
    """x, and its parts along epsilon 1, epsilon 2 and their product: arrays of one shape."""

    x: np.ndarray
    a: np.ndarray
    b: np.ndarray
    ab: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return self.x.shape

    def parts(self) -> tuple[np.ndarray, ...]:
        return self.x, self.a, self.b, self.ab


def multilinear(f: Callable[..., np.ndarray], *operands: Dual) -> Dual:
    """f linear in each operand on its own: one operand at a time takes a part, the others their values."""

    def at(**chosen: str) -> np.ndarray:
        return _rounded(f(*(getattr(z, chosen.get(str(i), "x")) for i, z in enumerate(operands))))

    places = [str(i) for i in range(len(operands))]
    ab = sum(at(**{i: "ab"}) for i in places) + sum(at(**{i: "a", j: "b"}) for i, j in permutations(places, 2))
    return Dual(at(), sum(at(**{i: "a"}) for i in places), sum(at(**{i: "b"}) for i in places), ab)


def curve(z: Dual, f: Any, f1: Any, f2: Any) -> Dual:
    """A function of one number applied to each entry, from its values and first two derivatives there."""
    return Dual(_rounded(f), _rounded(f1 * z.a), _rounded(f1 * z.b), _rounded(f1 * z.ab) + _rounded(f2 * z.a * z.b))


def constant(x: Any) -> Dual:
    x = np.asarray(x, dtype=float)
    return Dual(x, *(np.zeros_like(x) for _ in range(3)))


# --- arithmetic ----------------------------------------------------------------------------------------------------------
def _both(x: Dual, y: Dual) -> tuple[Dual, Dual]:
    shape = np.broadcast_shapes(x.shape, y.shape)
    return tuple(Dual(*(np.broadcast_to(p, shape) for p in z.parts())) for z in (x, y))


def _add(x: Dual, y: Dual) -> Dual:
    return Dual(*(_rounded(p) + _rounded(q) for p, q in zip(*(z.parts() for z in _both(x, y)), strict=True)))


def _negative(x: Dual) -> Dual:
    return Dual(*(-p for p in x.parts()))


def _subtract(x: Dual, y: Dual) -> Dual:
    return _add(x, _negative(y))


def _multiply(x: Dual, y: Dual) -> Dual:
    return multilinear(np.multiply, x, y)


def _divide(x: Dual, y: Dual) -> Dual:
    return _multiply(x, curve(y, 1 / y.x, -1 / y.x**2, 2 / y.x**3))


def _power(x: Dual, y: Dual | None = None, *, exponent: float | None = None) -> Dual:
    if y is not None:
        return _exp(_multiply(y, _log(x)))  # positive bases only
    p = exponent
    f1, f2 = (c * x.x ** (p - k) if c else 0 * x.x for k, c in ((1, p), (2, p * (p - 1))))
    return curve(x, x.x**p, f1, f2)


def _chosen(x: Dual, y: Dual, first: np.ndarray) -> Dual:
    """x where first is 1, y where it is 0, and the mean of both where it is one half."""
    x, y = _both(x, y)
    return Dual(*(first * p + (1 - first) * q for p, q in zip(x.parts(), y.parts(), strict=True)))


def _maximum(x: Dual, y: Dual) -> Dual:
    return _chosen(x, y, np.heaviside(x.x - y.x, 0.5))


def _minimum(x: Dual, y: Dual) -> Dual:
    return _chosen(x, y, np.heaviside(y.x - x.x, 0.5))


def _clip(x: Dual, low: float | None, high: float | None) -> Dual:
    y = np.clip(x.x, low, high)
    return curve(x, y, (y == x.x).astype(float), 0.0 * y)


# --- curves ----------------------------------------------------------------------------------------------------------------
def _exp(x: Dual) -> Dual:
    return curve(x, *3 * [np.exp(x.x)])


def _log(x: Dual) -> Dual:
    return curve(x, np.log(x.x), 1 / x.x, -1 / x.x**2)


def _log1p(x: Dual) -> Dual:
    return curve(x, np.log1p(x.x), 1 / (1 + x.x), -1 / (1 + x.x) ** 2)


def _sqrt(x: Dual) -> Dual:
    return curve(x, np.sqrt(x.x), 0.5 * x.x**-0.5, -0.25 * x.x**-1.5)


def _tanh(x: Dual) -> Dual:
    f1 = np.cosh(x.x) ** -2.0
    return curve(x, np.tanh(x.x), f1, -2 * np.tanh(x.x) * f1)


def _sigmoid(x: Dual) -> Dual:
    f1 = 0.25 * np.cosh(x.x / 2) ** -2.0
    return curve(x, 0.5 + 0.5 * np.tanh(x.x / 2), f1, -np.tanh(x.x / 2) * f1)


def _softplus(x: Dual) -> Dual:
    first = _sigmoid(x)
    return curve(x, np.logaddexp(0.0, x.x), first.x, 0.25 * np.cosh(x.x / 2) ** -2.0)


def _erf_dual(x: Dual) -> Dual:
    f1 = 2 / math.sqrt(math.pi) * np.exp(-(x.x**2))
    return curve(x, _erf(x.x), f1, -2 * x.x * f1)


# --- sums and what is made of them ------------------------------------------------------------------------------------------
def _sum(x: Dual, axis: Any = None, keepdims: bool = False) -> Dual:
    axis = tuple(axis) if isinstance(axis, list) else axis
    return multilinear(lambda p: np.asarray(np.sum(p, axis=axis, keepdims=keepdims)), x)


def _mean(x: Dual, axis: Any = None, keepdims: bool = False) -> Dual:
    total = _sum(x, axis, keepdims)
    return multilinear(lambda p: p * (max(total.x.size, 1) / x.x.size), total)


def _extremum(x: Dual, axis: Any, keepdims: bool, pick: Callable) -> Dual:
    axis = tuple(axis) if isinstance(axis, list) else axis
    winners = (x.x == pick(x.x, axis=axis, keepdims=True)).astype(float)
    share = winners / winners.sum(axis=axis, keepdims=True)
    y = _sum(multilinear(lambda p: p * share, x), axis, keepdims)
    return Dual(np.asarray(pick(x.x, axis=axis, keepdims=keepdims)), y.a, y.b, y.ab)


def _logsumexp(x: Dual, axis: Any = None, keepdims: bool = False) -> Dual:
    axis = tuple(axis) if isinstance(axis, list) else axis
    top = np.max(x.x, axis=axis, keepdims=True)
    y = _log(_sum(_exp(_subtract(x, constant(top))), axis, keepdims))
    return _add(y, constant(np.reshape(top, y.shape)))


def _norm(x: Dual, axis: Any = None, keepdims: bool = False) -> Dual:
    return _sqrt(_sum(_multiply(x, x), axis, keepdims))


def _log_softmax(x: Dual, axis: int = -1) -> Dual:
    return _subtract(x, _logsumexp(x, axis, True))


def _cross_entropy(x: Dual, labels: Any, reduction: str = "mean") -> Dual:
    rows = multilinear(lambda p: p.reshape(-1, p.shape[-1]), _negative(_log_softmax(x)))
    flat = np.reshape(labels, -1)
    losses = multilinear(lambda p: p[np.arange(len(flat)), flat], rows)
    if reduction == "none":
        return multilinear(lambda p: p.reshape(np.shape(labels)), losses)
    return _mean(losses) if reduction == "mean" else _sum(losses)


# --- moving entries --------------------------------------------------------------------------------------------------------
def _index(entries: Any) -> tuple:
    names = {"newaxis": None, "...": Ellipsis}
    decoded = []
    for i in entries:
        if isinstance(i, str):
            decoded.append(names[i])
        elif isinstance(i, (tuple, list)):
            decoded.append(slice(*i[1:]) if i[:1] in (("slice",), ["slice"]) else np.asarray(i))
        else:
            decoded.append(i)
    return tuple(decoded)


def _scattered(p: np.ndarray, index: Any, shape: Any) -> np.ndarray:
    """Each entry is added where it belongs, found by indexing an array of positions."""
    positions = np.arange(math.prod(shape)).reshape(shape)[_index(index)]
    out = np.zeros(math.prod(shape))
    for position, value in zip(np.ravel(positions), np.ravel(p), strict=True):
        out[position] += value
    return out.reshape(shape)


# --- windows ---------------------------------------------------------------------------------------------------------------
def _pair(v: Any) -> tuple[int, int]:
    return (v, v) if isinstance(v, int) else tuple(v)


def _windows(p: np.ndarray, size: Any, stride: Any, padding: Any, fill: float = 0.0) -> np.ndarray:
    """Every window written out, one after the other: (N, C, H', W', kh, kw)."""
    (kh, kw), (s, t), (top, left) = _pair(size), _pair(stride), _pair(padding)
    p = np.pad(p, ((0, 0), (0, 0), (top, top), (left, left)), constant_values=fill)
    rows, cols = range(0, p.shape[2] - kh + 1, s), range(0, p.shape[3] - kw + 1, t)
    out = np.empty((*p.shape[:2], len(rows), len(cols), kh, kw))
    for i, r in enumerate(rows):
        for j, c in enumerate(cols):
            out[:, :, i, j] = p[:, :, r : r + kh, c : c + kw]
    return out


def _conv2d(x: Dual, w: Dual, stride: Any = 1, padding: Any = 0) -> Dual:
    def correlate(p: np.ndarray, q: np.ndarray) -> np.ndarray:
        return np.einsum("ncijab,fcab->nfij", _windows(p, q.shape[2:], stride, padding), q)

    return multilinear(correlate, x, w)


def _conv1d(x: Dual, w: Dual, stride: int = 1, padding: int = 0) -> Dual:
    x, w = (multilinear(lambda p: p[:, :, None], z) for z in (x, w))
    return multilinear(lambda p: p[:, :, 0], _conv2d(x, w, (1, stride), (0, padding)))


def _max_pool2d(x: Dual, size: Any, stride: Any = None, padding: Any = 0) -> Dual:
    stride = size if stride is None else stride
    zero = multilinear(lambda p: _windows(p, size, stride, padding), x)
    values = Dual(_windows(x.x, size, stride, padding, -math.inf), zero.a, zero.b, zero.ab)
    share = (values.x == values.x.max(axis=(-2, -1), keepdims=True)).astype(float)
    share /= share.sum(axis=(-2, -1), keepdims=True)
    a, b, ab = (np.sum(p * share, axis=(-2, -1)) for p in values.parts()[1:])
    return Dual(values.x.max(axis=(-2, -1)), a, b, ab)


def _avg_pool2d(x: Dual, size: Any, stride: Any = None, padding: Any = 0) -> Dual:
    return multilinear(lambda p: _windows(p, size, size if stride is None else stride, padding).mean(axis=(-2, -1)), x)


def _moved(f: Callable[..., np.ndarray]) -> Callable[..., Dual]:
    """An operation that is linear in all its operands together: it acts on each part alike."""
    return lambda *z, **params: Dual(*(np.asarray(f(*p, **params)) for p in zip(*(d.parts() for d in z), strict=True)))


OPS: dict[str, Callable[..., Dual]] = {
    "add": _add,
    "subtract": _subtract,
    "multiply": _multiply,
    "divide": _divide,
    "negative": _negative,
    "power": _power,
    "maximum": _maximum,
    "minimum": _minimum,
    "clip": _clip,
    "where": lambda x, y, condition: _chosen(x, y, np.asarray(condition, dtype=float)),
    "exp": _exp,
    "log": _log,
    "log1p": _log1p,
    "sqrt": _sqrt,
    "abs": lambda x: curve(x, np.abs(x.x), np.sign(x.x), 0.0 * x.x),
    "sign": lambda x: constant(np.sign(x.x)),
    "sin": lambda x: curve(x, np.sin(x.x), np.cos(x.x), -np.sin(x.x)),
    "cos": lambda x: curve(x, np.cos(x.x), -np.sin(x.x), -np.cos(x.x)),
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "relu": lambda x: curve(x, np.maximum(x.x, 0.0), np.heaviside(x.x, 0.0), 0.0 * x.x),
    "erf": _erf_dual,
    "stop_gradient": lambda x: constant(x.x),
    "straight_through": lambda hard, soft: Dual(hard.x, soft.a, soft.b, soft.ab),
    "sum": _sum,
    "mean": _mean,
    "max": lambda x, axis=None, keepdims=False: _extremum(x, axis, keepdims, np.max),
    "min": lambda x, axis=None, keepdims=False: _extremum(x, axis, keepdims, np.min),
    "logsumexp": _logsumexp,
    "norm": _norm,
    "softmax": lambda x, axis=-1: _exp(_log_softmax(x, axis)),
    "log_softmax": _log_softmax,
    "cross_entropy": _cross_entropy,
    "reshape": _moved(lambda p, *, shape: p.reshape(shape)),
    "broadcast_to": _moved(lambda p, *, shape: np.broadcast_to(p, shape)),
    "transpose": _moved(lambda p, *, axes: np.transpose(p, axes)),
    "swapaxes": _moved(lambda p, *, i, j: np.swapaxes(p, i, j)),
    "getitem": _moved(lambda p, *, index: p[_index(index)]),
    "scatter": _moved(_scattered),
    "concatenate": _moved(lambda *p, axis: np.concatenate(p, axis)),
    "stack": _moved(lambda *p, axis: np.stack(p, axis)),
    "pad": lambda x, widths, value=0.0: Dual(
        np.pad(x.x, widths, constant_values=value), *(np.pad(p, widths) for p in x.parts()[1:])
    ),
    "cumsum": _moved(lambda p, *, axis=None: np.add.accumulate(p.reshape(-1) if axis is None else p, axis or 0)),
    "matmul": lambda x, y: multilinear(lambda p, q: np.asarray(p @ q), x, y),
    "linear": lambda x, w, b: _add(multilinear(np.matmul, x, w), b),
    "einsum": lambda *z, subscripts: multilinear(lambda *p: np.asarray(np.einsum(subscripts, *p)), *z),
    "conv2d": _conv2d,
    "conv1d": _conv1d,
    "max_pool2d": _max_pool2d,
    "avg_pool2d": _avg_pool2d,
}


def run(
    program: Any,
    inputs: Sequence[Any],
    first: Sequence[Any] | None = None,
    second: Sequence[Any] | None = None,
    *,
    rounding: np.random.Generator | None = None,
    eps: float = 2.0**-52,
) -> list[Dual]:
    """All values of a program as dual numbers: inputs first. first and second: the inputs' parts along the epsilons."""
    values = []
    for i, x in enumerate(inputs):
        x = np.asarray(x, dtype=float)
        zero = np.zeros_like(x)
        a, b = (zero if v is None else np.asarray(v[i], dtype=float) for v in (first, second))
        values.append(Dual(x, a, b, zero))
    token = _ROUNDING.set(None if rounding is None else (rounding, eps))
    try:
        with np.errstate(all="ignore"):
            for name, operands, params in program:
                values.append(OPS[name](*(values[i] for i in operands), **params))
    finally:
        _ROUNDING.reset(token)
    return values
