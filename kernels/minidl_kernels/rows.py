"""Products of a matrix in the cache with a vector, from either side: the inner loops of gradient descent.

    sum_rows     out = sum over i of c[i] rows[i]
    add_rows     out += the same
    dots         out[i] += rows[i] . x

Where a step needs A x and A^T y, a small matrix is kept both ways up, in padded rows, so that both products are `sum_rows`:
a sum of rows is vector code as it stands, while a dot product ends in a sum across a vector. Of a large matrix, each block is
used for `dots` and, while it is in the cache, for `add_rows`.

No fastmath that takes NaN and infinity for absent. Products fuse with sums ("contract"), and sums across a row are taken in the
order that vectors want ("reassoc").
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload

from minidl_kernels import cpu, simd_rows

FEW = 1 << 15  # numbers in a small matrix, of which two copies fit into the second cache
BLOCK = 3200  # numbers in a block of a large one: in float64 25 KB, of the 32 or more of the nearest cache
LINE = 64  # bytes of a cache line, and of the longest vectors

# Loops to which arrays are lent: they make none, and so need not count references, which at every call of a small function
# takes longer than a step on a small problem.
lent = dict(cache=True, nogil=True, error_model="numpy", _nrt=False)


def padded(matrix: np.ndarray) -> np.ndarray:
    """A copy (n, m + padding) whose rows begin on cache lines, filled up with zeros."""
    n, m = matrix.shape
    width = LINE // matrix.itemsize
    out = aligned((n, -(-m // width) * width), matrix.dtype)
    out[:, :m], out[:, m:] = matrix, 0
    return out


def aligned(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array that begins on a cache line."""
    size, itemsize = int(np.prod(shape)), np.dtype(dtype).itemsize
    room = np.empty(size + LINE // itemsize, dtype)
    start = -room.ctypes.data % LINE // itemsize
    return room[start : start + size].reshape(shape)


def sum_rows(c, rows, out):
    """out (m,) = c (n,) @ rows (n, m) of `padded`; out begins on a cache line too. For compiled code."""
    raise NotImplementedError("sum_rows is called by kernels only")


@overload(sum_rows, inline="always")
def _sum_rows(c, rows, out):
    vectors = cpu.has(*cpu.AVX512) and out.dtype in (types.float32, types.float64)
    return simd_rows.sum_rows if vectors else plain


def plain(c, rows, out):
    """`sum_rows` in plain Numba, for any m."""
    out[:] = 0
    add_rows(c, rows, out)


@njit(**lent, fastmath={"contract"})
def add_rows(c, rows, out):
    """out (m,) += c (n,) @ rows (n, m), for any m, eight rows at a time: out is read and written once for all of them."""
    n = c.size
    whole = n // 8 * 8
    for i in range(0, whole, 8):
        r0, r1, r2, r3, r4, r5, r6, r7 = (
            rows[i],
            rows[i + 1],
            rows[i + 2],
            rows[i + 3],
            rows[i + 4],
            rows[i + 5],
            rows[i + 6],
            rows[i + 7],
        )
        c0, c1, c2, c3, c4, c5, c6, c7 = c[i], c[i + 1], c[i + 2], c[i + 3], c[i + 4], c[i + 5], c[i + 6], c[i + 7]
        for j in range(out.size):
            half = out[j] + c0 * r0[j] + c1 * r1[j] + c2 * r2[j] + c3 * r3[j]
            out[j] = half + c4 * r4[j] + c5 * r5[j] + c6 * r6[j] + c7 * r7[j]
    for i in range(whole, n):
        ci, row = c[i], rows[i]
        for j in range(out.size):
            out[j] += ci * row[j]


# --- sums across a row -------------------------------------------------------------------------------------------------
_any_order = njit(**lent, fastmath={"contract", "reassoc"})


@_any_order
def total(x):
    """The sum of x (m,)."""
    s = x.dtype.type(0)
    for j in range(x.size):
        s += x[j]
    return s


@_any_order
def dot(x, y):
    """x . y, both (m,)."""
    s = x.dtype.type(0)
    for j in range(x.size):
        s += x[j] * y[j]
    return s


@_any_order
def dots(rows, x, out):
    """out (n,) += rows (n, m) @ x (m,), four rows at a time, which share what is read of x."""
    n = out.size
    whole = n // 4 * 4
    for i in range(0, whole, 4):
        r0, r1, r2, r3 = rows[i], rows[i + 1], rows[i + 2], rows[i + 3]
        s0 = s1 = s2 = s3 = x.dtype.type(0)
        for j in range(x.size):
            s0 += r0[j] * x[j]
            s1 += r1[j] * x[j]
            s2 += r2[j] * x[j]
            s3 += r3[j] * x[j]
        out[i] += s0
        out[i + 1] += s1
        out[i + 2] += s2
        out[i + 3] += s3
    for i in range(whole, n):
        out[i] += dot(rows[i], x)
