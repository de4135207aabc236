"""Losses by their tails in long double, and the clocks that one margin runs by: where u' = c (-l'(u)), T(u) grows by c t.

Nothing here is differentiated or integrated numerically but the tail of the poly-exponential loss, whose integral has a
closed form only for some exponents; there it is the trapezoidal rule after a double exponential substitution.
"""

from __future__ import annotations

from typing import Any

import numpy as np

LONG = np.longdouble
E = np.exp(LONG(1))
TAILS = ("exponential", "logistic", "poly_exponential", "polynomial", "sub_polynomial")
SWITCH = {"poly_exponential": LONG(1), "polynomial": LONG(1), "sub_polynomial": E}  # linear below

_TAU = np.arange(-288, 353, dtype=LONG) / 64  # nodes of the trapezoidal rule: s = exp(tau - exp(-tau))
_NODES = np.exp(_TAU - np.exp(-_TAU))
_LOG_WEIGHTS = np.log(_NODES) + np.log1p(np.exp(-_TAU)) - np.log(LONG(64))


def log_slope(u: Any, tail: str, power: float = 1.0) -> np.ndarray:
    """log(-l'(u)), the definition. Long double."""
    u, power = np.asarray(u, LONG), LONG(power)
    if tail == "exponential":
        return -u
    if tail == "logistic":
        return -np.logaddexp(LONG(0), u)
    m = np.maximum(u, SWITCH[tail])
    if tail == "poly_exponential":
        return -(m**power)
    if tail == "polynomial":
        return np.log(power) - (power + 1) * np.log(m)
    return -np.log(m) - 2 * np.log(np.log(m))


def _log_upper_gamma(m: np.ndarray, power: np.floating) -> np.ndarray:
    """log of the integral of exp(-x^power) from m >= 1 on: with x^power = m^power + s."""
    a = m[..., None] ** power
    terms = (1 / power - 1) * np.log(a + _NODES) - _NODES + _LOG_WEIGHTS
    return -a[..., 0] - np.log(power) + np.logaddexp.reduce(terms, axis=-1)


def log_loss(u: Any, tail: str, power: float = 1.0) -> np.ndarray:
    """log l(u). Long double."""
    u, p = np.asarray(u, LONG), LONG(power)
    if tail == "exponential":
        return -u
    if tail == "logistic":
        x = np.exp(-np.abs(u))
        far = np.where(x > 1e-9, np.log1p(x) / np.maximum(x, LONG(1e-9)), 1 - x / 2)  # log(1 + x) / x
        near = np.log(np.maximum(-u, 0) + np.log1p(np.where(u > 0, LONG(1), x)))
        return np.where(u > 0, -u + np.log(far), near)
    m = np.maximum(u, SWITCH[tail])
    if tail == "poly_exponential":
        log_l = _log_upper_gamma(m, p)
    elif tail == "polynomial":
        log_l = -p * np.log(m)
    else:
        log_l = -np.log(np.log(m))
    below = (m - u) * np.exp(log_slope(m, tail, power))
    return np.where(below > 0, np.log(np.exp(np.where(below > 0, log_l, 0)) + below), log_l)


def log_total(z: Any, w: Any, tail: str, power: float = 1.0) -> np.floating:
    """log of the sum of the losses of all margins."""
    return np.logaddexp.reduce(log_loss(np.asarray(z, LONG) @ np.asarray(w, LONG), tail, power))


def clock(u: Any, tail: str, power: float = 1.0) -> np.ndarray:
    """T(u), whose derivative is 1 / (-l'(u)). Long double."""
    u, p = np.asarray(u, LONG), LONG(power)
    if tail == "exponential":
        return np.exp(u)
    if tail == "logistic":
        return np.exp(u) + u
    switch = SWITCH[tail]
    below, m = np.minimum(u, switch) * np.exp(-log_slope(switch, tail, power)), np.maximum(u, switch)
    if tail == "polynomial":
        return below + (m ** (p + 2) - 1) / (p * (p + 2))
    if tail == "sub_polynomial":
        log_m = np.log(m)
        return below + m * m * (2 * log_m * (log_m - 1) + 1) / 4 - E * E / 4
    # e^(x^p) term by term: nothing cancels but at the switch itself
    k = np.arange(0, 64 + 4 * int(np.max(m, initial=1) ** p), dtype=LONG)
    log_terms = (k * p + 1) * np.log(m[..., None]) - np.cumsum(np.log(np.maximum(k, 1))) - np.log(k * p + 1)
    start = np.exp(-np.cumsum(np.log(np.maximum(k, 1))) - np.log(k * p + 1)).sum()
    return below + np.exp(log_terms).sum(axis=-1) - start


def after(u: Any, elapsed: Any, tail: str, power: float = 1.0) -> np.ndarray:
    """The margin with T(result) = T(u) + elapsed, by bisection. elapsed: c t, broadcasting with u. Long double."""
    u, elapsed = np.broadcast_arrays(np.asarray(u, LONG), np.asarray(elapsed, LONG))
    goal, low, step = clock(u, tail, power) + elapsed, u.copy(), np.ones(u.shape, LONG)
    while (short := clock(low + step, tail, power) < goal).any():
        low, step = np.where(short, low + step, low), np.where(short, 2 * step, step)
    high = low + step
    for _ in range(90):
        middle = (low + high) / 2
        short = clock(middle, tail, power) < goal
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return (low + high) / 2
