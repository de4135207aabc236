"""Exponential and logarithms of float64 that become vector code in a loop, on every processor. For compiled code.

A call of the mathematical library stops the vectoriser; sums, products and moves of bits do not.

    e^x   = 2^n e^r,                             n = round(x / log 2), |r| <= log(2) / 2
    log x = k log 2 + log m,                     x = 2^k m, 1/2 <= m^2 <= 2
    log m = 2 (f + f^3 / 3 + f^5 / 5 + ...),     f = (m - 1) / (m + 1)

each with as many terms as float64 can see. Integers come from the last bits of a float64 to which 1.5 * 2^52 was added:
few processors convert vectors of 64-bit integers. Errors are one unit in the last place for the exponential, three for the
logarithms. NaN stays NaN, and the exponential overflows to infinity where it must.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

_inline = njit(inline="always")

_LOG2E = 1 / math.log(2)
_HIGH, _LOW = 2977044471 / 2**32, 1.9082149292705877e-10  # log 2 in two parts: n times the first is exact
_SHIFT, _SHIFT_BITS = 1.5 * 2.0**52, 0x4338000000000000
_ROOT_HALF_BITS = 0x3FE6A09E667F3BCD  # of sqrt(1/2)
_EXPONENTIAL = tuple(1 / math.factorial(k) for k in range(13, -1, -1))  # 0.35^14 / 14! < 2^-57
_LOGARITHM = tuple(1 / (2 * k + 1) for k in range(10, -1, -1))  # |f| <= 0.172: f^22 / 23 < 2^-60


@_inline
def exponential(x):
    """e^x, and 0 below e^-708: subnormal numbers, which hardly anything could tell from 0, cost a hundred times as much."""
    y = min(max(x, -708.0), 710.0)  # this way round NaN stays NaN
    shifted = y * _LOG2E + _SHIFT
    n = shifted - _SHIFT
    r = (y - n * _HIGH) - n * _LOW
    series = _EXPONENTIAL[0]
    for coefficient in _EXPONENTIAL[1:]:
        series = series * r + coefficient
    exponent = np.float64(shifted).view(np.int64) - _SHIFT_BITS + 1022  # of 2^(n - 1): n may be 1024
    value = 2 * series * np.int64(exponent << 52).view(np.float64)
    return 0.0 if x < -708 else value


@_inline
def logarithm(x):
    """log x for x >= 2.3e-308; infinity counts as the largest number."""
    x = min(x, 1.7976931348623157e308)
    bits = np.float64(x).view(np.int64)
    k = (bits - _ROOT_HALF_BITS) >> 52
    m = np.int64(bits - (k << 52)).view(np.float64)
    n = np.int64(k + _SHIFT_BITS).view(np.float64) - _SHIFT
    f = (m - 1) / (m + 1)
    s = f * f
    series = _LOGARITHM[0]
    for coefficient in _LOGARITHM[1:]:
        series = series * s + coefficient
    return n * _HIGH + (n * _LOW + (2 * f * series + 0 * x))  # the last for NaN, which the bits do not show


@_inline
def log_one_plus(t):
    """log(1 + t) for t >= 0, right to its last digits however small t is: what 1 + t has lost is put back."""
    whole = 1 + t
    return logarithm(whole) + (t - (whole - 1)) / whole
