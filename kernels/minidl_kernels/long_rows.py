"""The blur of several planes at once, row by row.

Colours and mask are blurred together: row y of every plane stands side by side in one long row, zeros between them,

    | 0..0 | red row y | 0..0 | green row y | 0..0 | blue row y | 0..0 | mask row y | 0..0 |

so that both passes of the separable blur are weighted sums of long runs of numbers (`runs`): down, of the rows around; across,
of the row itself, shifted. Down, the rho passes are one, with weights of their own for the rows near the border, and four rows
are made at once; across, a row passes rho times while it stays in the nearest cache, and what follows (quotients, errors, the
terms of the gradient) is done while the blurred row is still there.

Inner loops index whole arrays: a slice would count its owner's references, which costs more than a short row.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import njit

from minidl_kernels.runs import ROWS, weighted, weighted_rows

ALIGN, SLACK = 16, 64  # numbers in a vector, and what may be read or written past the end of a row
_U = np.uint64

_loop = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})


@lru_cache(maxsize=32)
def tables(taps: bytes, height: int, reps: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """The weights of all passes down, of the rows within reach of four rows: (H / 4, T, 4); of one pass across (s,)."""
    kernel = np.frombuffer(taps)
    reach, far, quads = len(kernel) // 2, reps * (len(kernel) // 2), -(-height // ROWS)
    once = sum(kernel[reach + t] * np.eye(height, k=t) for t in range(-reach, reach + 1))
    passes = np.zeros((quads * ROWS, quads * ROWS + 2 * far + ROWS))
    passes[:height, far : far + height] = np.linalg.matrix_power(once, reps)
    read = -(-(2 * far + ROWS) // ROWS) * ROWS
    down = np.stack([passes[q : q + ROWS, q : q + read].T for q in range(0, quads * ROWS, ROWS)])
    both = np.ascontiguousarray(down, dtype), kernel.astype(dtype)
    for table in both:
        table.flags.writeable = False
    return both


@_loop
def blur(stack, down, across, reps):
    P, H, W = stack.shape
    size = sizes(P, H, W, down, across, reps)
    rows, four, spare = long_rows(H, size, down)
    for y in range(H):
        for p in range(P):
            at = place(y, p, size)
            for j in range(_U(W)):
                rows[at + j] = stack[p, y, j]
    out, row = np.empty_like(stack), np.empty((P, W), stack.dtype)
    for y in range(H):
        blurred_row(rows, y, down, across, reps, size, four, spare, row)
        for p in range(P):
            for j in range(W):
                out[p, y, j] = row[p, j]
    return out


@_loop
def sizes(planes, H, W, down, across, reps):
    """Reach of a pass, reach of all, distance of planes in a long row, what of it is planes, distance of rows: Size."""
    reach = across.size // 2
    gap = W + 2 * reach
    # whole vectors, some of which may be read and written past the end of the planes
    return reach, reps * reach, gap, planes * gap, (planes * gap + SLACK) // ALIGN * ALIGN


@_loop
def long_rows(H, size, down):
    """Zeros: a long row for each y and for what lies within reach above and below; five to work in, four of them for rows."""
    zero, stride = down.dtype.type(0), size[4]
    count = (down.shape[0] - 1) * ROWS + down.shape[1]
    return np.full(count * stride + SLACK, zero), np.full(ROWS * stride + SLACK, zero), np.full(stride + SLACK, zero)


@njit(inline="always")
def place(y, p, size):
    """Where row y of plane p begins in the long rows."""
    return _U((y + size[1]) * size[4] + p * size[2] + size[0])


@_loop
def blurred_row(rows, y, down, across, reps, size, four, spare, out):
    """Row y of every plane, blurred, into out (planes, W). Rows are asked for in order: every fourth makes four."""
    reach, _, gap, n, stride = size
    planes, W = out.shape
    if y % ROWS == 0:
        weighted_rows(rows, y * stride, stride, down[y // ROWS], four, n)
    one, at_one, two, at_two = four, y % ROWS * stride, spare, 0
    for _ in range(reps):
        weighted(one, at_one, across, two, at_two + reach, n - 2 * reach)
        for p in range(planes):  # beyond the border of each plane lie zeros, for the next pass too
            for j in range(reach):
                two[at_two + p * gap + j] = 0
                two[at_two + p * gap + gap - 1 - j] = 0
        one, at_one, two, at_two = two, at_two, one, at_one
    for p in range(planes):
        at = _U(at_one + p * gap + reach)
        for j in range(_U(W)):
            out[p, j] = one[at + j]
