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
    out, row = np.empty_like(stack), np.empty(P * W + SLACK, stack.dtype)
    for y in range(H):
        blurred_row(rows, y, down, across, reps, size, four, spare, row)
        for p in range(P):
            for j in range(_U(W)):
                out[p, y, j] = row[_U(p * W) + j]
    return out


@_loop
def sizes(planes, H, W, down, across, reps):
    """Width, reach of all passes, zeros before the first plane, distance of planes, distance of rows, number of planes: Size.

    Planes begin at whole vectors, and what a pass writes past the end of one ends before the next begins.
    """
    reach = across.size // 2
    lead, gap = -(-reach // ALIGN) * ALIGN, -(-(W + reach) // ALIGN) * ALIGN
    return W, reps * reach, lead, gap, lead + planes * gap, planes


@_loop
def long_rows(H, size, down):
    """A long row for each y and for what lies within reach above and below; five to work in, four of them for rows.

    They are zeros, except that the planes of each y are to be written yet.
    """
    W, far, lead, gap, stride, planes = size
    count = (down.shape[0] - 1) * ROWS + down.shape[1]
    rows, four, spare = _run(count * stride, down), _run(ROWS * stride, down), _run(stride, down)
    rows[: far * stride + lead], four[:], spare[:] = 0, 0, 0
    for y in range(H):
        for p in range(planes):
            end = place(y, p, size) + _U(W)
            for j in range(end, end + _U(gap - W)):
                rows[j] = 0
        end = place(y + 1, 0, size)
        for j in range(end - _U(lead), end):
            rows[j] = 0
    rows[(far + H) * stride :] = 0
    return rows, four, spare


@_loop
def _run(count, like):
    """So many numbers and some slack, from a whole vector on: going down, no vector is then read in two halves."""
    run = np.empty(count + SLACK + ALIGN, like.dtype)
    skip = -run.ctypes.data % 64 // run.itemsize
    return run[skip : skip + count + SLACK]


@njit(inline="always")
def place(y, p, size):
    """Where row y of plane p begins in the long rows."""
    return _U((y + size[1]) * size[4] + p * size[3] + size[2])


@_loop
def blurred_row(rows, y, down, across, reps, size, four, spare, out):
    """Row y of every plane, blurred, into out, one plane after the other (planes W and slack).

    Rows are asked for in order: every fourth makes four. Only planes are worked on, as zeros stay zeros.
    """
    W, _, lead, gap, stride, planes = size
    reach = across.size // 2
    if y % ROWS == 0:
        for p in range(planes):
            at = lead + p * gap
            weighted_rows(rows, y * stride + at, stride, down[y // ROWS], four[at:], W)
    one, at_one, two, at_two = four, y % ROWS * stride + lead, spare, lead
    for _ in range(reps - 1):
        for p in range(planes):
            at = at_two + p * gap
            weighted(one, at_one + p * gap - reach, across, two, at, W)
            for j in range(_U(at + W), _U(at + gap)):  # beyond the border lie zeros, for the next pass too
                two[j] = 0
        one, at_one, two, at_two = two, at_two, one, at_one
    if reps == 0:
        for p in range(planes):
            for j in range(_U(W)):
                out[_U(p * W) + j] = one[_U(at_one + p * gap) + j]
    else:
        for p in range(planes):  # what is written past the end of a plane, the next one overwrites
            weighted(one, at_one + p * gap - reach, across, out, p * W, W)
