r"""Losses of a margin u, told apart by how fast they fall for large u, in the log domain.

| tail | $\ell(u)$ | $-\ell'(u)$ | from | class |
|---|---|---|---|---|
| exponential | $e^{-u}$ | $e^{-u}$ | everywhere | super-polynomial |
| logistic | $\log(1 + e^{-u})$ | $1 / (1 + e^u)$ | everywhere | super-polynomial |
| poly_exponential, $\nu > 0$ | $\Gamma(1/\nu, u^\nu) / \nu$ | $e^{-u^\nu}$ | u = 1 | super-polynomial |
| polynomial, $p > 0$ | $u^{-p}$ | $p\, u^{-p-1}$ | u = 1 | polynomial |
| sub_polynomial | $1 / \log u$ | $1 / (u \log^2 u)$ | u = e | sub-polynomial |

Below the point in column "from" the loss goes on as a straight line, so that it is convex, decreasing and has a
continuous derivative everywhere; what training converges to does not depend on this part. The class is the limit of the
index $-u\, \ell'(u) / \ell(u)$: infinite, a number p, or 0.

`power` is $\nu$ or p, and is not read by the other three. The elementwise functions take margins u of any shape,
finite, and return float64 of that shape. All raise ValueError for unknown tails, powers that are not positive and
margins that are not finite, TypeError for what is no real number.

Source. Nacson, Lee, Gunasekar, Savarese, Srebro, Soudry, "Convergence of Gradient Descent on Separable Data", 2019,
arXiv:1803.01905, sections 2 and 3. The straight lines are a choice of this reference: the paper needs none.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minidl.theory.margin import border
from minidl.theory.margin.border import TAILS
from minidl.theory.margin.incomplete_gamma import log_upper_gamma

_HUGE = 1e300  # u^nu is cut off here, so that no infinity minus infinity arises
_FAR = 18.0  # from here on log(1 + e^-u) = e^-u (1 - e^-u / 2) to all digits


def signed_inputs(x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """z_n = y_n x_n: with signed inputs every example wants a positive margin z_n . w.

    x: (N, d), N, d >= 1, no zero row; labels: (N,) in {-1, +1}. Returns (N, d) float64. For a bias append a column of
    ones to x, which then is part of the norm. Raises ValueError for other shapes and labels, zero rows, NaN and
    infinity, TypeError for what holds no real numbers.
    """
    x = border.inputs("x", x)
    return x * border.labels(labels, len(x))[:, None]  # (N, d)


def loss(u: Any, tail: str = "exponential", power: float = 1.0) -> np.ndarray:
    """l(u), elementwise. Infinite where it is beyond 1.8e308, and 0 below 5e-324: `log_loss` has neither limit."""
    u, power = border.real("u", u), border.tail(tail, power)
    with np.errstate(over="ignore"):
        if tail == "exponential":
            return np.exp(-u)
        if tail == "logistic":
            return np.logaddexp(0.0, -u)
        if tail == "polynomial":
            return np.maximum(u, 1) ** -power + power * np.maximum(1 - u, 0)
        if tail == "sub_polynomial":
            return 1 / np.log(np.maximum(u, math.e)) + np.maximum(math.e - u, 0) / math.e
        return np.exp(log_loss(u, tail, power))


def log_loss(u: Any, tail: str = "exponential", power: float = 1.0) -> np.ndarray:
    """log l(u), elementwise, finite where l(u) underflows or overflows."""
    u, power = border.real("u", u), border.tail(tail, power)
    if tail == "exponential":
        return -u
    if tail == "logistic":
        near = np.log(np.logaddexp(0.0, -np.minimum(u, _FAR)))
        return np.where(u > _FAR, -u - np.exp(-np.maximum(u, _FAR)) / 2, near)[()]
    if tail == "polynomial":
        return np.log1p(power * np.maximum(1 - u, 0)) - power * np.log(np.maximum(u, 1))
    if tail == "sub_polynomial":
        return np.log1p(np.maximum(math.e - u, 0) / math.e) - np.log(np.log(np.maximum(u, math.e)))
    at_switch = log_upper_gamma(1 / power, np.ones(())) - math.log(power)
    beyond = log_upper_gamma(1 / power, _raised(u, power)) - math.log(power)
    return beyond + np.log1p(np.maximum(1 - u, 0) * np.exp(-1 - at_switch))


def log_loss_slope(u: Any, tail: str = "exponential", power: float = 1.0) -> np.ndarray:
    """log(-l'(u)), elementwise: the logarithm of the weight that an example of margin u has in the gradient."""
    return slope(border.real("u", u), tail, border.tail(tail, power))


def slope(u: np.ndarray, tail: str, power: float) -> np.ndarray:
    """`log_loss_slope` of a checked array: what the loops call."""
    if tail == "exponential":
        return -u
    if tail == "logistic":
        return -np.logaddexp(0.0, u)
    if tail == "polynomial":
        return math.log(power) - (power + 1) * np.log(np.maximum(u, 1))
    if tail == "sub_polynomial":
        log_u = np.log(np.maximum(u, math.e))
        return -log_u - 2 * np.log(log_u)
    return -_raised(u, power)


def log_total_loss(u: Any, tail: str = "exponential", power: float = 1.0) -> np.ndarray:
    """log L = log of the SUM of l(u_n) over the last axis. u: (..., N), N >= 1. Returns (...), for a vector a number."""
    u = border.real("u", u)
    if u.ndim == 0 or u.shape[-1] == 0:
        raise ValueError(
            f"u must be (..., N) with the margins of N >= 1 examples in the last axis, got shape {u.shape}"
        )
    return log_sum_exp(log_loss(u, tail, power))


def log_sum_exp(a: np.ndarray) -> np.ndarray:
    """log of the sum of e^a over the last axis, shifted by the largest, so that the sum lies in [1, N]."""
    top = a.max(axis=-1)
    return top + np.log(np.exp(a - top[..., None]).sum(axis=-1))


def tail_class(tail: str) -> str:
    """ "super_polynomial", "polynomial" or "sub_polynomial", by the index -u l'(u) / l(u) for large u."""
    border.choice("tail", tail, TAILS)
    return tail if tail in ("polynomial", "sub_polynomial") else "super_polynomial"


def smoothness(tail: str = "exponential", power: float = 1.0) -> float:
    r"""$\beta = \sup_u \ell''(u)$. The exponential loss has none; its value for margins u >= 0 is 1."""
    power = border.tail(tail, power)
    # l'' falls beyond the switch point, where -l' jumps from a constant to its power law, hence the value just after it
    return {
        "exponential": 1.0,
        "logistic": 0.25,
        "poly_exponential": power / math.e,
        "polynomial": power * (power + 1),
        "sub_polynomial": 3 / math.e**2,
    }[tail]


def _raised(u: np.ndarray, power: float) -> np.ndarray:
    """u^nu from the switch point on, 1 below it."""
    with np.errstate(over="ignore"):
        return np.minimum(np.maximum(u, 1) ** power, _HUGE)
