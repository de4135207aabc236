"""Both sides of a mask predicted from each other, and the gradient of the objective, in passes over long rows.

What follows on a blurred row (quotients, errors, the terms of the gradient) is done while it is in the nearest cache. A
gradient passes twice over the planes, once forward and once for the adjoint. With the blurred whole at hand (`total`, otherwise
of size 0), the hidden side is what is left of it: half the work.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from minidl_kernels.long_rows import SLACK, blurred_row, long_rows, place, sizes

EPSILON = 1e-8
_U = np.uint64

_loop = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
# sums along a row may run in several lanes; rows are added up in double precision
_sums = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc"})


@_loop
def sides(image, mask, total, down, across, reps):
    C, H, W = image.shape
    size = sizes(C + 1, H, W, down, across, reps)
    rows, four, spare = long_rows(H, size, down)
    others = _others(rows, total)
    work, sums = _workspace(spare, four, C + 1, W), _load(image, mask, rows, others, size)
    near, far = np.empty((C + 1, H, W), image.dtype), np.empty((C + 1, H, W), image.dtype)
    for y in range(H):
        _predictions(rows, others, total, y, down, across, reps, size, work, sums, y, near, far)
    return far[:C], near[:C], far[C], near[C]


@_loop
def _others(rows, total):
    """Long rows for the hidden side, where no total tells of it."""
    return np.zeros_like(rows) if total.size == 0 else rows[:0]


@_sums
def _load(image, mask, rows, others, size):
    """The long rows of what the mask shows (and of what it hides, if asked for), and the sums of both, (2, C + 1) float64."""
    C, H, W = image.shape
    sums = np.zeros((2, C + 1))
    zero = image.dtype.type(0)
    for y in range(H):
        for c in range(C):
            at, seen, unseen = place(y, c, size), zero, zero
            for j in range(_U(W)):
                x = image[c, y, j] * mask[y, j]
                rows[at + j] = x
                seen += x
                unseen += image[c, y, j] - x
            sums[0, c] += seen
            sums[1, c] += unseen
            if others.size:
                for j in range(_U(W)):
                    others[at + j] = image[c, y, j] * (1 - mask[y, j])
        at, seen, unseen = place(y, C, size), zero, zero
        for j in range(_U(W)):
            rows[at + j] = mask[y, j]
            seen += mask[y, j]
            unseen += 1 - mask[y, j]
        sums[0, C] += seen
        sums[1, C] += unseen
        if others.size:
            for j in range(_U(W)):
                others[at + j] = 1 - mask[y, j]
    return sums


@_loop
def _predictions(rows, others, total, y, down, across, reps, size, work, sums, to, near, far):
    """Row y of both sides, as row `to` of near and far (C + 1, rows, W): the predictions, and as last plane their weights.

    Epsilon is added to both. The blur of the hidden side is what is left of the total, if there is one.
    """
    four, further, spare, reached, blurred, hidden = work
    last, W, to, line = near.shape[0] - 1, _U(near.shape[2]), _U(to), _U(y)
    number = near.dtype.type
    eight, zero, one = number(8 * np.finfo(near.dtype).eps), number(0), number(1)
    blurred_row(rows, y, down, across, reps, size, four, spare, blurred)
    share, other, at = number(EPSILON * sums[0, last]), number(EPSILON * sums[1, last]), _U(last) * W
    if total.size == 0:
        blurred_row(others, y, down, across, reps, size, further, spare, hidden)
        for j in range(W):
            far[last, to, j] = hidden[at + j] + other
    else:
        for j in range(W):
            left = total[last, line, j] - blurred[at + j]
            # out of reach, a rounding error: no weight
            reached[j] = one if left > eight * total[last, line, j] else zero
            far[last, to, j] = left * reached[j] + other
    for j in range(W):
        near[last, to, j] = blurred[at + j] + share
    for c in range(last):
        share, other, at = number(EPSILON * sums[0, c]), number(EPSILON * sums[1, c]), _U(c) * W
        for j in range(W):  # a true quotient: equal colours give that colour exactly
            near[c, to, j] = (blurred[at + j] + share) / near[last, to, j]
        if total.size == 0:
            for j in range(W):
                far[c, to, j] = (hidden[at + j] + other) / far[last, to, j]
        else:
            for j in range(W):
                left = (total[c, line, j] - blurred[at + j]) * reached[j]
                far[c, to, j] = (left + other) / far[last, to, j]


@_loop
def _workspace(spare, four, planes, W):
    """Rows to work in: four of each side and a long one, a short one, and one of all planes of each side."""
    row = np.empty(planes * W + SLACK, four.dtype)
    return four, np.zeros_like(four), spare, np.empty(W, four.dtype), row, np.empty_like(row)


# --- the gradient --------------------------------------------------------------------------------------------------------
@_loop
def gradient(image, mask, total, down, across, reps, weight):
    """Forward: row by row the predictions, errors and what they pull, r. Backward: r blurred, row by row."""
    C, H, W = image.shape
    number = image.dtype.type
    size = sizes(C + 1, H, W, down, across, reps)
    rows, four, spare = long_rows(H, size, down)
    others, pulls = _others(rows, total), np.zeros_like(rows)
    work, blurred = _workspace(spare, four, C + 1, W), np.empty((C + 1) * W + SLACK, image.dtype)
    one, other = np.empty((C + 1, 1, W), image.dtype), np.empty((C + 1, 1, W), image.dtype)
    near, far = one.reshape(C + 1, W), other.reshape(C + 1, W)
    sums = _load(image, mask, rows, others, size)
    error = np.empty((2, W), image.dtype)
    pulled, lost = np.zeros(C + 1), np.zeros(2)
    slope = np.empty_like(mask)
    for y in range(H):
        _predictions(rows, others, total, y, down, across, reps, size, work, sums, 0, one, other)
        _errors(image, mask, y, near, far, sums, weight, error, slope, lost)
        _pulls(image, mask, y, near, far, sums, pulls, size, pulled)
    f, b = sums[0, C], sums[1, C]
    through_areas = number(lost[1] / (C * b * b) - lost[0] / (C * f * f))
    for y in range(H):
        blurred_row(pulls, y, down, across, reps, size, four, spare, blurred)
        share = through_areas - number(EPSILON * pulled[C])
        for j in range(W):
            slope[y, j] += share - blurred[_U(C * W) + _U(j)]
        for c in range(C):
            share = number(EPSILON * pulled[c])
            for j in range(W):
                slope[y, j] += image[c, y, j] * (blurred[_U(c * W) + _U(j)] + share)
    return slope


@_sums
def _errors(image, mask, y, near, far, sums, weight, error, slope, lost):
    """Row y of the gradient with predictions and areas held fixed, and the errors of both sides, added to lost (2,)."""
    C, W = image.shape[0], image.shape[2]
    number = image.dtype.type
    part_f, part_b = number(1 / (C * sums[0, C])), number(1 / (C * sums[1, C]))
    for j in range(W):
        error[0, j], error[1, j], slope[y, j] = 0, 0, 0
    for c in range(C):
        mean_f, mean_b = number(sums[0, c] / sums[0, C]), number(sums[1, c] / sums[1, C])
        for j in range(W):
            x = image[c, y, j]
            error[0, j] += abs(far[c, j] - x)
            error[1, j] += abs(near[c, j] - x)
            slope[y, j] -= weight * ((x - mean_f) * (x - mean_f) - (x - mean_b) * (x - mean_b))
    of_f, of_b = number(0), number(0)
    for j in range(W):
        of_f += mask[y, j] * error[0, j]
        of_b += (1 - mask[y, j]) * error[1, j]
        slope[y, j] += error[0, j] * part_f - error[1, j] * part_b
    lost[0] += of_f
    lost[1] += of_b


@_sums
def _pulls(image, mask, y, near, far, sums, pulls, size, pulled):
    """Row y of r^B - r^F, and as last plane of the sum of r^B psi^B - r^F psi^F, with the sums (C + 1,) of these planes."""
    C, W = image.shape[0], image.shape[2]
    number = image.dtype.type
    part_f, part_b, last = number(1 / (C * sums[0, C])), number(1 / (C * sums[1, C])), place(y, C, size)
    for j in range(_U(W)):
        far[C, j] = mask[y, j] * part_f / far[C, j]  # the weights become the sizes of the pulls
        near[C, j] = (1 - mask[y, j]) * part_b / near[C, j]
        pulls[last + j] = 0
    for c in range(C):
        at, sum_c = place(y, c, size), number(0)
        for j in range(_U(W)):
            r_f = far[C, j] * _sign(far[c, j] - image[c, y, j])
            r_b = near[C, j] * _sign(near[c, j] - image[c, y, j])
            pulls[at + j] = r_b - r_f
            pulls[last + j] += r_b * near[c, j] - r_f * far[c, j]
            sum_c += r_b - r_f
        pulled[c] += sum_c
    sum_c = number(0)
    for j in range(_U(W)):
        sum_c += pulls[last + j]
    pulled[C] += sum_c


@njit(inline="always")
def _sign(x):
    return np.float32(x > 0) - np.float32(x < 0)  # exact, and of no wider type than x
