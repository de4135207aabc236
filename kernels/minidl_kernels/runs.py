"""Weighted sums of long runs of numbers, the inner loops of a separable filter.

    weighted       out[start + j]    = sum over t of weights[t] source[offset + t + j],                  j < n
    weighted_rows  out[i stride + j] = sum over t of weights[t, i] source[offset + t stride + j],      j < n, i = 0, 1, 2, 3

The first is a pass across a long row; the second a pass down, for four rows at once: what they read is nearly the same, and
lies in the second nearest cache. Where the processor has vectors of 64 bytes, `simd_filters` does both with them; the compiler
would not choose them. Either may read and write up to the next whole vectors past the end; the callers leave room there.
"""

from __future__ import annotations

import numpy as np
from numba import types
from numba.extending import overload

from minidl_kernels import cpu, simd_filters

_U = np.uint64  # unsigned indices need no look at their sign, and so become vector code
ROWS = 4


def weighted(source, offset, weights, out, start, n):
    """out[start + j] = sum of weights[t] source[offset + t + j]. For compiled code; flat arrays of one floating dtype."""
    raise NotImplementedError("weighted is called by kernels only")


def weighted_rows(source, offset, stride, weights, out, n):
    """Four rows of out, each at its multiple of the stride. weights (T, 4), T a multiple of 4. For compiled code."""
    raise NotImplementedError("weighted_rows is called by kernels only")


def _vectors(array: types.Array) -> bool:
    return cpu.has(*cpu.AVX512) and array.dtype in (types.float32, types.float64)


@overload(weighted)
def _weighted(source, offset, weights, out, start, n):
    return simd_filters.weighted if _vectors(out) else plain


@overload(weighted_rows)
def _weighted_rows(source, offset, stride, weights, out, n):
    return simd_filters.weighted_rows if _vectors(out) else plain_rows


def plain(source, offset, weights, out, start, n):
    """`weighted` in plain Numba, eleven weights at a time (the authors' kernel has as many): their sum stays in a register."""
    first, length = _U(start), _U(n)
    for j in range(length):
        out[first + j] = 0
    whole = weights.size // 11 * 11
    for g in range(0, whole, 11):
        w0, w1, w2, w3, w4, w5 = (
            weights[g],
            weights[g + 1],
            weights[g + 2],
            weights[g + 3],
            weights[g + 4],
            weights[g + 5],
        )
        w6, w7, w8, w9, w10 = weights[g + 6], weights[g + 7], weights[g + 8], weights[g + 9], weights[g + 10]
        for j in range(length):
            i = _U(offset + g) + j
            left = w0 * source[i] + w1 * source[i + _U(1)] + w2 * source[i + _U(2)] + w3 * source[i + _U(3)]
            middle = w4 * source[i + _U(4)] + w5 * source[i + _U(5)] + w6 * source[i + _U(6)] + w7 * source[i + _U(7)]
            right = w8 * source[i + _U(8)] + w9 * source[i + _U(9)] + w10 * source[i + _U(10)]
            out[first + j] += left + middle + right
    for t in range(whole, weights.size):
        w, i = weights[t], _U(offset + t)
        for j in range(length):
            out[first + j] += w * source[i + j]


def plain_rows(source, offset, stride, weights, out, n):
    """`weighted_rows` in plain Numba: four rows into four, sixteen products for each place."""
    length, step = _U(n), _U(stride)
    for i in range(ROWS):
        to = _U(i * stride)
        for j in range(length):
            out[to + j] = 0
    for t in range(0, weights.shape[0], 4):
        r0 = _U(offset + t * stride)
        r1, r2, r3 = r0 + step, r0 + _U(2) * step, r0 + _U(3) * step
        for i in range(ROWS):
            to = _U(i * stride)
            w0, w1, w2, w3 = weights[t, i], weights[t + 1, i], weights[t + 2, i], weights[t + 3, i]
            for j in range(length):
                out[to + j] += w0 * source[r0 + j] + w1 * source[r1 + j] + w2 * source[r2 + j] + w3 * source[r3 + j]
