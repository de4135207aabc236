r"""Losses of margins by their tails, in compiled code: the twin of `minidl.theory.margin.tails`, on arrays of margins.

A tail is its place in TAILS. Lengths are multiples of eight, so that all loops here are vector code, but for powers and the
incomplete gamma function of the poly-exponential tail.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from minidl_kernels.elementary import exponential, log_one_plus, logarithm
from minidl_kernels.rows import lent

TAILS = ("exponential", "logistic", "poly_exponential", "polynomial", "sub_polynomial")
EXPONENTIAL, LOGISTIC, POLY_EXPONENTIAL, POLYNOMIAL, SUB_POLYNOMIAL = range(len(TAILS))

_HUGE = 1e300  # u^nu is cut off here, so that no infinity minus infinity arises
_FAR = 37.0  # from here on log(1 + e^-u) is e^-u to all digits
_EPS = np.finfo(float).eps

_loop = njit(**lent, fastmath={"contract"})
_inline = njit(inline="always")


@_inline
def _log_one_plus_power(u):
    """log(1 + e^-|u|), which with max(u, 0) is log(1 + e^u) and with max(-u, 0) is log(1 + e^-u)."""
    return log_one_plus(exponential(-abs(u)))


@_loop
def slopes(tail, power, u, q):
    """q = -l'(u)."""
    if tail == EXPONENTIAL:
        for i in range(u.size):
            q[i] = exponential(-u[i])
    elif tail == LOGISTIC:
        for i in range(u.size):
            t = exponential(-abs(u[i]))  # at most 1: no overflow
            q[i] = (t if u[i] > 0 else 1.0) / (1 + t)
    else:
        log_slopes(tail, power, u, q)
        for i in range(u.size):
            q[i] = exponential(q[i])


@_loop
def log_slopes(tail, power, u, a):
    """a = log(-l'(u))."""
    if tail == EXPONENTIAL:
        for i in range(u.size):
            a[i] = -u[i]
    elif tail == LOGISTIC:
        for i in range(u.size):
            a[i] = -(max(u[i], 0.0) + _log_one_plus_power(u[i]))
    elif tail == POLY_EXPONENTIAL:
        for i in range(u.size):
            a[i] = -_raised(u[i], power)
    elif tail == POLYNOMIAL:
        constant = math.log(power)
        for i in range(u.size):
            a[i] = constant - (power + 1) * logarithm(max(u[i], 1.0))
    else:
        for i in range(u.size):
            log_u = logarithm(max(u[i], math.e))
            a[i] = -log_u - 2 * logarithm(log_u)


@_loop
def log_losses(tail, power, u, b):
    """b = log l(u)."""
    if tail == EXPONENTIAL:
        for i in range(u.size):
            b[i] = -u[i]
    elif tail == LOGISTIC:
        for i in range(u.size):
            near = logarithm(max(-min(u[i], _FAR), 0.0) + _log_one_plus_power(min(u[i], _FAR)))
            b[i] = -u[i] if u[i] > _FAR else near
    elif tail == POLY_EXPONENTIAL:
        at_switch = _log_upper_gamma(1 / power, 1.0) - math.log(power)
        steepness = math.exp(-1 - at_switch)
        for i in range(u.size):
            beyond = _log_upper_gamma(1 / power, _raised(u[i], power)) - math.log(power)
            b[i] = beyond + math.log1p(max(1 - u[i], 0.0) * steepness)
    elif tail == POLYNOMIAL:
        for i in range(u.size):
            b[i] = log_one_plus(power * max(1 - u[i], 0.0)) - power * logarithm(max(u[i], 1.0))
    else:
        for i in range(u.size):
            b[i] = log_one_plus(max(1 - u[i] / math.e, 0.0)) - logarithm(logarithm(max(u[i], math.e)))


@_inline
def _raised(u, power):
    """u^nu from the switch point on, 1 below it."""
    return min(max(u, 1.0) ** power, _HUGE)


# --- the upper incomplete gamma function -------------------------------------------------------------------------------
@_loop
def _log_upper_gamma(a, x):
    """log of the integral of t^(a - 1) e^-t from x >= 1 on, a > 0: a series left of a + 1, else a continued fraction."""
    if x != x:
        return x
    front = a * math.log(x) - x
    if a > 1 and x < a + 1:
        term = total = 1 / a
        k = 0
        while term > _EPS * total / 4:
            k += 1
            term *= x / (a + k)
            total += term
        return math.lgamma(a) + math.log1p(-math.exp(front + math.log(total) - math.lgamma(a)))
    b = x + 1 - a
    value = inverse = 1 / b  # by Lentz's ratios of numerators and of denominators, so that neither overflows
    ratio = change = math.inf
    k = 0
    while abs(change - 1) > 2 * _EPS:
        k += 1
        numerator = -k * (k - a)
        b += 2
        inverse = 1 / (numerator * inverse + b)
        ratio = b + numerator / ratio
        change = ratio * inverse
        value *= change
    return front + math.log(value)
