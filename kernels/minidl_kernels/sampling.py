"""From the inputs of binary units to their states, in one pass: bias, sigmoid, noise, comparison, packing.

A unit with input z is on where u < p = 1 / (1 + e^-z), that is u (1 + e^-z) < 1, which needs no division. NumPy passes
over memory for each of these operations; here a row stays in the nearest cache, and its states leave as bits. The
exponential is computed without a branch or a table, so that the loop becomes vector code:

    e^x = 2^n e^r,   n = round(x / log 2),   |r| <= log(2) / 2,   e^r by its Taylor series

where 2^n is made of its bits, in two factors: so e^x overflows to infinity where it must, and p is then 0. Below -87 in
float32 and -708 in float64, where 1 + e^x is 1, x is cut off. p is right to 4 ulps of its dtype. Products and sums may
fuse ("contract").
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, types
from numba.extending import overload

from minidl_kernels.noise import noise_row

_U = np.uint64
_LOG2E = 1 / math.log(2)
# log 2 in two parts; the first has so few bits that n times it is exact
_HIGH32, _LOW32 = np.float32(355 / 2**9), np.float32(-0.00021219444005469057)
_HIGH64, _LOW64 = 2977044471 / 2**32, 1.9082149292705877e-10
_SERIES32 = tuple(np.float32(1 / math.factorial(k)) for k in range(7, -1, -1))
_SERIES64 = tuple(1 / math.factorial(k) for k in range(13, -1, -1))

_loop = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})


@njit(inline="always")
def _exp32(x):
    x = min(max(x, np.float32(-87)), np.float32(89))
    n = np.floor(x * np.float32(_LOG2E) + np.float32(0.5))
    r = (x - n * _HIGH32) - n * _LOW32
    series = _SERIES32[0]
    for coefficient in _SERIES32[1:]:
        series = series * r + coefficient
    half = np.int32(n) >> np.int32(1)
    return series * _power32(half) * _power32(np.int32(n) - half)


@njit(inline="always")
def _power32(n):
    return np.int32(np.int32(n + np.int32(127)) << np.int32(23)).view(np.float32)


@njit(inline="always")
def _exp64(x):
    x = min(max(x, -708.0), 710.0)
    n = np.floor(x * _LOG2E + 0.5)
    r = (x - n * _HIGH64) - n * _LOW64
    series = _SERIES64[0]
    for coefficient in _SERIES64[1:]:
        series = series * r + coefficient
    half = np.int64(n) >> 1
    return series * _power64(half) * _power64(np.int64(n) - half)


@njit(inline="always")
def _power64(n):
    return np.int64((n + 1023) << 52).view(np.float64)


def exponential(x):
    """e^x in the dtype of x. For compiled code."""
    raise NotImplementedError("exponential is called by kernels only")


@overload(exponential, inline="always")
def _exponential(x):
    return (lambda x: _exp32(x)) if x == types.float32 else (lambda x: _exp64(x))


@_loop
def probabilities(inputs, bias, p):
    """p = 1 / (1 + e^-(inputs + bias)). inputs (M, >= n), bias (n,), p (M, n); p may be inputs."""
    one = bias.dtype.type(1)
    for i in range(p.shape[0]):
        for j in range(p.shape[1]):
            p[i, j] = one / (one + exponential(-(inputs[i, j] + bias[j])))


@_loop
def sample(inputs, scale, bias, u, seed, step, stream, first, words):
    """words = the states of units with inputs scale * inputs + bias, on where u < p; packed, the last word padded with
    zeros.

    inputs (M, 64 * words of a row) float32, float64 or int32, of which the first n columns count; bias (n,) float32 or
    float64, which is the dtype of the arithmetic; u (M, n) in that dtype, or None for the noise of `noise.uniforms`
    with this seed, step and stream, rows from `first`.
    """
    n, length, one = bias.size, 64 * words.shape[1], bias.dtype.type(1)
    on, noise = np.zeros(length, np.uint8), np.empty(n + 3, bias.dtype)
    for i in range(words.shape[0]):
        if u is None:
            noise_row(noise, n, seed, first + _U(i), step, stream)
        else:
            for j in range(n):
                noise[j] = u[i, j]
        row = inputs[i]
        for j in range(n):
            z = bias.dtype.type(row[j]) * bias.dtype.type(scale) + bias[j]
            on[j] = noise[j] * (one + exponential(-z)) < one
        for w in range(words.shape[1]):
            word = _U(0)
            for j in range(64):
                word |= _U(on[64 * w + j]) << _U(j)
            words[i, w] = word
