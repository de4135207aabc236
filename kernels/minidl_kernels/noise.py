"""Uniform numbers from a counter: any of them can be computed at any time, in any order, from a seed and its place.

A counter-based generator has no state that is carried along: it scrambles the place of a number together with the seed.
So a kernel makes its noise where it needs it, in registers and without an array in memory; rows and steps can be
computed in any order; and the same noise can be had as an array to give to another implementation.

The generator is Philox4x32-10 of Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011:
ten rounds that multiply two of four words by constants and mix the halves of the products; it passes the BigCrush
tests. Here

    key = (seed mod 2^32, seed div 2^32)         counter = (block, row, step, stream)

and the four words of block c make the numbers c, c + Q, c + 2 Q, c + 3 Q of a row of up to 4 Q float32 numbers, in [0,
1) with 24 bits each; or c and c + Q of up to 2 Q float64 numbers, with 53 bits of two words each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload

_U = np.uint64
_LOW = _U(0xFFFFFFFF)


def uniforms(
    shape: tuple[int, ...], *, seed: int, step: int = 0, stream: int = 0, dtype: Any = np.float64
) -> np.ndarray:
    """Uniform numbers in [0, 1) of this shape (..., units), float32 or float64. Leading axes count rows, in C order.

    seed: 0 to 2^64 - 1. step, stream: 0 to 2^32 - 1; other numbers for other steps and streams. Raises ValueError
    outside these ranges and for more than 2^32 rows, TypeError for another dtype.
    """
    dtype = np.dtype(dtype)
    if dtype not in (np.float32, np.float64):
        raise TypeError(f"uniform numbers come as float32 or float64, got {dtype}")
    u = np.empty(shape, dtype)
    rows = u.reshape(-1, u.shape[-1]) if u.ndim else u.reshape(1, 1)
    seed, step, stream = place(seed, step, stream)
    if len(rows) > 1 << 32:
        raise ValueError(f"a step has at most 2^32 rows, got {len(rows)}")
    _fill(rows, seed, step, stream)
    return u


def place(seed: Any, step: Any, stream: Any) -> tuple[np.uint64, np.uint64, np.uint64]:
    """The numbers that say which noise is meant, checked."""
    for name, value, bits in (("seed", seed, 64), ("step", step, 32), ("stream", stream, 32)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value < 1 << bits:
            raise ValueError(f"{name} must be an integer from 0 to 2^{bits} - 1, got {value!r}")
    return _U(seed), _U(step), _U(stream)


@njit(cache=True, inline="always")
def philox(x0, x1, x2, x3, seed):
    """Ten rounds on four words of 32 bits, each in a word of 64: what lies above is cut off where it would matter."""
    key0, key1 = seed & _LOW, seed >> _U(32)
    for _ in range(10):
        p, q = (x0 & _LOW) * _U(0xD2511F53), (x2 & _LOW) * _U(0xCD9E8D57)
        x0, x1, x2, x3 = (q >> _U(32)) ^ x1 ^ key0, q & _LOW, (p >> _U(32)) ^ x3 ^ key1, p & _LOW
        key0, key1 = (key0 + _U(0x9E3779B9)) & _LOW, (key1 + _U(0xBB67AE85)) & _LOW
    return x0, x1, x2, x3


@njit(inline="always")
def _float24(x):
    """The upper 24 bits of a word as a number in [0, 1)."""
    return np.float32(np.int32(x >> _U(8))) * np.float32(2.0**-24)


@njit(inline="always")
def _float53(x, y):
    """27 bits of one word and 26 of another as a number in [0, 1)."""
    return np.float64(np.int64((x >> _U(5) << _U(26)) + (y >> _U(6)))) * 2.0**-53


def noise_row(u, n, seed, row, step, stream):
    """u[:n] = the numbers of one row; u has room for n rounded up to a multiple of 4. For compiled code."""
    raise NotImplementedError("noise_row is called by kernels only; use uniforms")


@overload(noise_row)
def _noise_row(u, n, seed, row, step, stream):
    def single(u, n, seed, row, step, stream):
        Q = (n + 3) // 4
        u0, u1, u2, u3 = u[:Q], u[Q : 2 * Q], u[2 * Q : 3 * Q], u[3 * Q : 4 * Q]
        for c in range(Q):
            x0, x1, x2, x3 = philox(_U(c), row, step, stream, seed)
            u0[c], u1[c] = _float24(x0), _float24(x1)
            u2[c], u3[c] = _float24(x2), _float24(x3)

    def double(u, n, seed, row, step, stream):
        Q = (n + 1) // 2
        u0, u1 = u[:Q], u[Q : 2 * Q]
        for c in range(Q):
            x0, x1, x2, x3 = philox(_U(c), row, step, stream, seed)
            u0[c], u1[c] = _float53(x0, x1), _float53(x2, x3)

    return single if u.dtype == types.float32 else double


@njit(cache=True, nogil=True)
def _fill(u, seed, step, stream):
    n = u.shape[1]
    row = np.empty(n + 3, u.dtype)
    for i in range(u.shape[0]):
        noise_row(row, n, seed, _U(i), step, stream)
        for j in range(n):
            u[i, j] = row[j]
