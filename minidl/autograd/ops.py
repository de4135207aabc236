r"""Elementwise primitives and arithmetic: each is a forward function on arrays with its gradient rules beside it.

Read it as a table of derivatives. In a rule, `g` is the adjoint of the output `y`, the rest are the inputs; what it returns
is the term for that input. Where a derivative does not exist, the table of kinks (docs/kinks.md) says what is returned.
"""

from __future__ import annotations

import math
import operator
from functools import partial
from typing import Any

import numpy as np

from minidl.autograd.tensor import Primitive, Tensor

_math_erf = np.vectorize(math.erf, otypes=[np.float64])


def raw(x: Any) -> Any:
    """The array of a tensor, anything else as it is: for masks and shapes, which carry no gradient."""
    return x._value if type(x) is Tensor else x


def arrayed(x: Any) -> Any:
    """A tensor as it is, anything else as an array: for functions that ask for shapes before they compute."""
    return x if type(x) is Tensor else np.asarray(x)


def _zeros(g: Any, y: Any, a: Any, **_: Any) -> np.ndarray:
    return np.zeros(a.shape, a.dtype)


# --- arithmetic ----------------------------------------------------------------------------------------------------------
add = Primitive("add", operator.add, lambda g, y, a, b: g, lambda g, y, a, b: g, broadcasts=True)
subtract = Primitive("subtract", operator.sub, lambda g, y, a, b: g, lambda g, y, a, b: -g, broadcasts=True)
multiply = Primitive("multiply", operator.mul, lambda g, y, a, b: g * b, lambda g, y, a, b: g * a, broadcasts=True)
divide = Primitive("divide", operator.truediv, lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b, broadcasts=True)
negative = Primitive("negative", operator.neg, lambda g, y, a: -g)


def _zero_wins(a, b):
    with np.errstate(invalid="ignore"):
        y = a * b
    return np.where(np.isnan(y) & ~np.isnan(a) & ~np.isnan(b), 0.0, y)[()]


# a * b where 0 * inf is 0: what is not used (adjoint 0) gets gradient 0, however steep the function is there
_damped = Primitive(
    "multiply", _zero_wins, lambda g, y, a, b: _damped(g, b), lambda g, y, a, b: _damped(g, a), broadcasts=True
)


def _power_base_rule(g, y, a, b):
    """b a^(b-1); 0 where b = 0, also at a = 0. At a = 0 with b < 1 it is infinite, unless the adjoint is 0."""
    exponent = raw(b)
    if type(exponent) in (int, float):
        if exponent == 2:
            return 2 * g * a
        if exponent == 1:
            return g
        if exponent == 0:
            return _zeros(g, y, a)
    steep = (raw(a) == 0) & (exponent < 1)
    if type(b) is not Tensor:
        steep |= exponent == 0  # not b * a^(b-1), which is 0 * inf for the smallest a
    if not np.any(steep):
        return g * b * power(a, b - 1)
    limit = np.where(exponent == 0, 0.0, np.copysign(np.inf, exponent)).astype(y.dtype)
    return _damped(g, where(steep, limit, b * power(where(steep, 1.0, a), b - 1)))


def _power_exponent_rule(g, y, a, b):
    """y log a; 0 where a = 0."""
    zero = raw(a) == 0
    return g * where(zero, 0.0, y) * log(where(zero, 1.0, a))


power = Primitive("power", operator.pow, _power_base_rule, _power_exponent_rule, broadcasts=True)

# --- exponentials and what is made of them ------------------------------------------------------------------------------
exp = Primitive("exp", np.exp, lambda g, y, a: g * y)
log = Primitive("log", np.log, lambda g, y, a: g / a)
log1p = Primitive("log1p", np.log1p, lambda g, y, a: g / (1 + a))
sin = Primitive("sin", np.sin, lambda g, y, a: g * cos(a))
cos = Primitive("cos", np.cos, lambda g, y, a: -g * sin(a))
tanh = Primitive("tanh", np.tanh, lambda g, y, a: g * (1 - y * y))


def _sqrt_rule(g, y, a):
    zero = raw(y) == 0
    if not np.any(zero):
        return g * 0.5 / y
    return _damped(g, where(zero, math.inf, 0.5 / where(zero, 1.0, y)))


sqrt = Primitive("sqrt", np.sqrt, _sqrt_rule)


def _sigmoid(a):
    """1 / (1 + e^-a), from e^-|a| so that nothing overflows and small values keep their digits."""
    positive = np.real(a) >= 0
    e = np.exp(np.where(positive, -a, a))
    return np.where(positive, 1.0, e) / (1 + e)


def _softplus(a):
    """log(1 + e^a) = max(a, 0) + log(1 + e^-|a|)."""
    positive = np.real(a) >= 0
    return np.where(positive, a, 0.0) + np.log1p(np.exp(np.where(positive, -a, a)))


sigmoid = Primitive("sigmoid", _sigmoid, lambda g, y, a: g * y * (1 - y))
softplus = Primitive("softplus", _softplus, lambda g, y, a: g * sigmoid(a))


def _erf(a):
    a = np.asarray(a)
    return _math_erf(a).astype(a.dtype if a.dtype.kind == "f" else np.float64)[()]


erf = Primitive("erf", _erf, lambda g, y, a: g * exp(-a * a) * (2 / math.sqrt(math.pi)))

# --- with kinks --------------------------------------------------------------------------------------------------------
relu = Primitive("relu", partial(np.maximum, 0), lambda g, y, a: g * (y > 0).astype(g.dtype))
abs = Primitive("abs", np.abs, lambda g, y, a: g * sign(a))
sign = Primitive("sign", np.sign, _zeros)


def _share(a, b, greater):
    """The part of the adjoint that goes to the winner: 1, and a half each on a tie."""
    a, b = raw(a), raw(b)
    return where(a == b, 0.5, where(greater(a, b), 1.0, 0.0)).astype(np.result_type(a, b))


maximum = Primitive(
    "maximum",
    np.maximum,
    lambda g, y, a, b: g * _share(a, b, operator.gt),
    lambda g, y, a, b: g * _share(b, a, operator.gt),
    broadcasts=True,
)
minimum = Primitive(
    "minimum",
    np.minimum,
    lambda g, y, a, b: g * _share(a, b, operator.lt),
    lambda g, y, a, b: g * _share(b, a, operator.lt),
    broadcasts=True,
)
_clip = Primitive(
    "clip",
    lambda a, *, low, high: np.clip(a, low, high),
    lambda g, y, a, *, low, high: g * _inside(raw(a), low, high),
    broadcasts=True,
)


def _inside(a, low, high):
    inside = np.ones(np.shape(a), bool) if low is None else a >= low
    return inside if high is None else inside & (a <= high)


def clip(x: Any, low: Any = None, high: Any = None) -> Any:
    """`x` limited to [low, high], both constants (for tensor bounds: `maximum` and `minimum`). Slope 1 on the bounds too."""
    if low is None and high is None:
        raise ValueError("clip needs at least one bound: pass low, high or both")
    if type(low) is Tensor or type(high) is Tensor:
        raise TypeError("the bounds of clip are constants: use maximum(x, low) and minimum(x, high) for tensor bounds")
    low, high = (np.array(v) if isinstance(v, (np.ndarray, list, tuple)) else v for v in (low, high))
    return _clip(x, low=low, high=high)


_where = Primitive(
    "where",
    lambda a, b, *, condition: np.where(condition, a, b),
    lambda g, y, a, b, *, condition: where(condition, g, 0.0),
    lambda g, y, a, b, *, condition: where(condition, 0.0, g),
    broadcasts=True,
)


def where(condition: Any, a: Any, b: Any) -> Any:
    """`a` where the condition holds, else `b`; all three broadcast. The condition is a constant."""
    condition = raw(condition)
    if type(a) is not Tensor and type(b) is not Tensor:
        return np.where(condition, a, b)[()]
    return _where(a, b, condition=np.array(condition))


# --- leaving the tape ------------------------------------------------------------------------------------------------------
_astype = Primitive("astype", lambda a, *, dtype: a.astype(dtype), lambda g, y, a, *, dtype: g.astype(a.dtype))
identity = Primitive("identity", lambda a: a, lambda g, y, a: g)


def astype(x: Tensor, dtype: Any) -> Tensor:
    """The values in another dtype: float64 or float32; integers and booleans are constants, off the tape."""
    dtype = np.dtype(dtype)
    return _astype(x, dtype=dtype) if dtype in (np.float64, np.float32) else Tensor(x, dtype=dtype)


def stop_gradient(x: Any) -> Any:
    """The same values; no gradient flows through."""
    return x.detach() if type(x) is Tensor else x


def straight_through(hard: Any, soft: Any) -> Any:
    """The values of `hard` with the gradient of `soft` (Bengio, Leonard and Courville, 2013): `soft + stop(hard - soft)`.

    Both of one shape. The value is exactly `hard`, not `hard` up to rounding, in the dtype of `soft`.
    """
    hard, soft = raw(arrayed(hard)), arrayed(soft)
    if hard.shape != soft.shape:
        raise ValueError(f"straight_through needs equal shapes, got {hard.shape} and {soft.shape}")
    return _straight_through(soft, hard=hard.astype(soft.dtype if soft.dtype.kind == "f" else hard.dtype)[()])


_straight_through = Primitive("straight_through", lambda soft, *, hard: hard, lambda g, y, soft, *, hard: g)


def custom_gradient(forward, *rules, name: str | None = None) -> Primitive:
    """A new primitive: `forward(*arrays)` and, for each input, `rule(g, y, *inputs)` returning that input's term.

    Write rules with operators and minidl functions, and gradients of any order follow.

        square = custom_gradient(lambda a: a * a, lambda g, y, a: 2 * g * a)
    """
    if not rules:
        raise ValueError("custom_gradient needs one rule per input of the forward function")
    name = name or getattr(forward, "__name__", "custom")
    return Primitive(name, _guarded(forward), *(_guarded_rule(name, i, rule) for i, rule in enumerate(rules)))


def _guarded_rule(name, i, rule):
    """A user's rule, whose result must have the shape of its input."""
    rule = _guarded(rule)

    def call(g, y, *inputs, **params):
        term = rule(g, y, *inputs, **params)
        if term.shape != np.shape(raw(inputs[i])):
            raise ValueError(
                f"a rule of {name} gave shape {term.shape} for an input of shape {np.shape(raw(inputs[i]))}"
            )
        return term

    return call


def _guarded(function):
    """A user's function as the tape calls it: on read-only arrays, since what it gets is not its own."""

    def call(*args, **params):
        views = [a.view() if type(a) is np.ndarray else a for a in args]
        for v in views:
            if type(v) is np.ndarray:
                v.flags.writeable = False
        result = function(*views, **params)
        return result if type(result) is Tensor else np.asarray(result)[()]

    return call
