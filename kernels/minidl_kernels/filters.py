"""Normalised convolution of both sides of a mask, its adjoint, and the search on top: the twin of `minidl.vision`.

Colours and mask are blurred together: row y of every plane stands side by side in one long row, zeros between them,

    | 0..0 | red row y | 0..0 | green row y | 0..0 | blue row y | 0..0 | mask row y | 0..0 |

so that both passes of the separable blur are weighted sums of long runs of numbers (`runs`): down, of the rows around; across, of
the row itself, shifted. Down, the rho passes are one, with weights of their own for the rows near the border, and four rows are
made at once; across, a row passes rho times while it stays in the nearest cache, and what follows (quotients, errors, the terms of
the gradient) is done while the blurred row is still there. A gradient so passes twice over the planes, once forward and once
for the adjoint. With the blurred whole at hand (`total`), the other side is what is left of it: half the work.

Inner loops index whole arrays: a slice would count its owner's references, which costs more than a short row.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numba import get_num_threads, njit, prange

from minidl_kernels.runs import ROWS, weighted, weighted_rows

EPSILON = 1e-8
_U = np.uint64
ALIGN, SLACK = 16, 64  # numbers in a vector, and what may be read or written past the end of a row
PARALLEL_FROM = 1 << 20  # pixels times steps, below which starting threads costs more than it gains

_loop = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
# sums along a row may run in several lanes; rows are added up in double precision
_sums = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc"})


class Sides(NamedTuple):
    foreground: np.ndarray  # (C, H, W)
    background: np.ndarray  # (C, H, W)
    foreground_support: np.ndarray  # (H, W)
    background_support: np.ndarray  # (H, W)


class Search(NamedTuple):
    mask: Any
    iterations: Any
    fixed: Any
    cycled: Any
    collapsed: Any


# --- the border --------------------------------------------------------------------------------------------------------
def _floats(array: Any) -> np.ndarray:
    array = np.asarray(array)
    return np.ascontiguousarray(array, array.dtype if array.dtype == np.float32 else np.float64)


def _mask(mask: Any, image: np.ndarray) -> np.ndarray:
    mask = np.ascontiguousarray(mask, image.dtype)
    if mask.shape != image.shape[-2:]:
        raise ValueError(f"mask must be {image.shape[-2:]}, the size of the image, got shape {mask.shape}")
    if not _both_sides(mask.ravel()):
        raise ValueError("mask must have pixels on both sides, or an area would be 0")
    return mask


@_loop
def _both_sides(mask):
    """Whether there is something on both sides; the first pixels tell, as a rule."""
    shown = hidden = False
    for j in range(mask.size):
        shown, hidden = shown or mask[j] != 0, hidden or mask[j] != 1
        if shown and hidden:
            return True
    return False


def _total(total: Any, image: np.ndarray) -> np.ndarray:
    """The blurred whole, or nothing, as an array (C + 1, H, W) or (0, 0, 0)."""
    if total is None:
        return np.zeros((0, 0, 0), image.dtype)
    total, shape = np.ascontiguousarray(total, image.dtype), (len(image) + 1, *image.shape[1:])
    if total.shape != shape:
        raise ValueError(f"total must be {shape}, what blurred_total gives for this image, got shape {total.shape}")
    return total


def _weights(kernel: Any, height: int, reps: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """The weights of all passes down, of the rows within reach of four rows: (H / 4, T, 4); of one pass across (s,)."""
    return _tables(np.asarray(kernel, np.float64).tobytes(), height, reps, np.dtype(dtype))


@lru_cache(maxsize=32)
def _tables(taps: bytes, height: int, reps: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    kernel = np.frombuffer(taps)
    reach, far, quads = len(kernel) // 2, reps * (len(kernel) // 2), -(-height // ROWS)
    once = sum(kernel[reach + t] * np.eye(height, k=t) for t in range(-reach, reach + 1))
    passes = np.zeros((quads * ROWS, quads * ROWS + 2 * far + ROWS))
    passes[:height, far : far + height] = np.linalg.matrix_power(once, reps)
    read = -(-(2 * far + ROWS) // ROWS) * ROWS
    down = np.stack([passes[q : q + ROWS, q : q + read].T for q in range(0, quads * ROWS, ROWS)])
    tables = np.ascontiguousarray(down, dtype), kernel.astype(dtype)
    for table in tables:
        table.flags.writeable = False
    return tables


# --- the blur ------------------------------------------------------------------------------------------------------------
def blur(planes: np.ndarray, kernel: np.ndarray, reps: int = 1) -> np.ndarray:
    """`reps` passes of the kernel down and across each plane (..., H, W), zero padding at each pass."""
    planes = _floats(planes)
    stack = planes.reshape(-1, *planes.shape[-2:])
    return _blur(stack, *_weights(kernel, stack.shape[1], reps, stack.dtype), reps).reshape(planes.shape)


def blurred_total(image: np.ndarray, kernel: np.ndarray, reps: int = 2) -> np.ndarray:
    """The blurred image and the blurred constant 1 as one more plane, (C + 1, H, W)."""
    image = _floats(image)
    return blur(np.concatenate((image, np.ones_like(image[:1]))), kernel, reps)


@_loop
def _blur(stack, down, across, reps):
    P, H, W = stack.shape
    size = sizes(P, H, W, down, across, reps)
    rows, four, spare = _long_rows(H, size, down)
    for y in range(H):
        for p in range(P):
            at = _place(y, p, size)
            for j in range(_U(W)):
                rows[at + j] = stack[p, y, j]
    out, row = np.empty_like(stack), np.empty((P, W), stack.dtype)
    for y in range(H):
        _blurred_row(rows, y, down, across, reps, size, four, spare, row)
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
def _long_rows(H, size, down):
    """Zeros: a long row for each y and for what lies within reach above and below; five to work in, four of them for rows."""
    zero, stride = down.dtype.type(0), size[4]
    count = (down.shape[0] - 1) * ROWS + down.shape[1]
    return np.full(count * stride + SLACK, zero), np.full(ROWS * stride + SLACK, zero), np.full(stride + SLACK, zero)


@njit(inline="always")
def _place(y, p, size):
    """Where row y of plane p begins in the long rows."""
    return _U((y + size[1]) * size[4] + p * size[2] + size[0])


@_loop
def _blurred_row(rows, y, down, across, reps, size, four, spare, out):
    """Row y of every plane, blurred, into out (planes, W). Rows are asked for in order: every fourth makes four."""
    reach, far, gap, n, stride = size
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


# --- prediction --------------------------------------------------------------------------------------------------------
def inpaint(image: np.ndarray, mask: np.ndarray, kernel: np.ndarray, reps: int = 2) -> np.ndarray:
    """Every pixel predicted from the pixels that the mask shows, (C, H, W)."""
    return inpaint_sides(image, mask, kernel, reps).background


def inpaint_sides(
    image: np.ndarray, mask: np.ndarray, kernel: np.ndarray, reps: int = 2, total: np.ndarray | None = None
) -> Sides:
    """Each side of the mask predicted from the other, with the denominators."""
    image = _floats(image)
    mask, tables = _mask(mask, image), _weights(kernel, image.shape[1], reps, image.dtype)
    return Sides(*_sides(image, mask, _total(total, image), *tables, reps))


@_loop
def _sides(image, mask, total, down, across, reps):
    C, H, W = image.shape
    size = sizes(C + 1, H, W, down, across, reps)
    rows, four, spare = _long_rows(H, size, down)
    others, further = _others(rows, total), np.zeros_like(four)
    seen, unseen = _load(image, mask, rows, others, size)
    near, far = np.empty((C + 1, W), image.dtype), np.empty((C + 1, W), image.dtype)
    foreground, background = np.empty_like(image), np.empty_like(image)
    support_f, support_b = np.empty_like(mask), np.empty_like(mask)
    for y in range(H):
        _both_rows(rows, others, total, y, down, across, reps, size, four, further, spare, near, far)
        _quotients(near, seen)
        _quotients(far, unseen)
        for j in range(W):
            support_b[y, j] = near[C, j]
            support_f[y, j] = far[C, j]
        for c in range(C):
            for j in range(W):
                background[c, y, j] = near[c, j]
                foreground[c, y, j] = far[c, j]
    return foreground, background, support_f, support_b


@_loop
def _others(rows, total):
    """Long rows for the hidden side, where no total tells of it."""
    return np.zeros_like(rows) if total.size == 0 else rows[:0]


@_sums
def _load(image, mask, rows, others, size):
    """The long rows of what the mask shows (and of what it hides, if asked for), and the sums of both, (C + 1,) float64."""
    C, H, W = image.shape
    shown, hidden = np.zeros(C + 1), np.zeros(C + 1)
    zero = image.dtype.type(0)
    for y in range(H):
        for c in range(C):
            at, seen, unseen = _place(y, c, size), zero, zero
            for j in range(_U(W)):
                x = image[c, y, j] * mask[y, j]
                rows[at + j] = x
                seen += x
                unseen += image[c, y, j] - x
            shown[c] += seen
            hidden[c] += unseen
            if others.size:
                for j in range(_U(W)):
                    others[at + j] = image[c, y, j] * (1 - mask[y, j])
        at, seen, unseen = _place(y, C, size), zero, zero
        for j in range(_U(W)):
            rows[at + j] = mask[y, j]
            seen += mask[y, j]
            unseen += 1 - mask[y, j]
        shown[C] += seen
        hidden[C] += unseen
        if others.size:
            for j in range(_U(W)):
                others[at + j] = 1 - mask[y, j]
    return shown, hidden


@_loop
def _both_rows(rows, others, total, y, down, across, reps, size, four, further, spare, near, far):
    """Row y of both sides blurred, (C + 1, W) each; the hidden one is what is left of the total, if there is one."""
    _blurred_row(rows, y, down, across, reps, size, four, spare, near)
    if total.size == 0:
        _blurred_row(others, y, down, across, reps, size, further, spare, far)
        return
    last, W = near.shape[0] - 1, near.shape[1]
    number = near.dtype.type
    eight = number(8 * np.finfo(near.dtype).eps)
    for j in range(W):
        left = total[last, y, j] - near[last, j]
        far[last, j] = left * number(left > eight * total[last, y, j])  # out of reach, a rounding error: no weight
    for c in range(last):
        for j in range(W):
            far[c, j] = (total[c, y, j] - near[c, j]) * number(far[last, j] > 0)


@_loop
def _quotients(planes, sums):
    """A row of a side, colours over weights, epsilon added to both. The weights stay as the last plane."""
    last, W = planes.shape[0] - 1, planes.shape[1]
    share = planes.dtype.type(EPSILON * sums[last])
    for j in range(W):
        planes[last, j] += share
    for c in range(last):
        share = planes.dtype.type(EPSILON * sums[c])
        for j in range(W):
            planes[c, j] = (planes[c, j] + share) / planes[last, j]


# --- the gradient --------------------------------------------------------------------------------------------------------
def objective_gradient(
    image: np.ndarray,
    mask: np.ndarray,
    kernel: np.ndarray,
    reps: int = 2,
    diversity_weight: float = 0.001,
    total: np.ndarray | None = None,
) -> np.ndarray:
    """The gradient of the objective with respect to the mask, (H, W)."""
    image = _floats(image)
    mask, tables = _mask(mask, image), _weights(kernel, image.shape[1], reps, image.dtype)
    return _gradient(image, mask, _total(total, image), *tables, reps, image.dtype.type(diversity_weight))


@_loop
def _gradient(image, mask, total, down, across, reps, weight):
    """Forward: row by row the predictions, errors and what they pull, r. Backward: r blurred, row by row."""
    C, H, W = image.shape
    number = image.dtype.type
    size = sizes(C + 1, H, W, down, across, reps)
    rows, four, spare = _long_rows(H, size, down)
    others, further, pulls = _others(rows, total), np.zeros_like(four), np.zeros_like(rows)
    seen, unseen = _load(image, mask, rows, others, size)
    near, far = np.empty((C + 1, W), image.dtype), np.empty((C + 1, W), image.dtype)
    error = np.empty((2, W), image.dtype)
    pulled, lost = np.zeros(C + 1), np.zeros(2)
    slope = np.empty_like(mask)
    for y in range(H):
        _both_rows(rows, others, total, y, down, across, reps, size, four, further, spare, near, far)
        _quotients(near, seen)
        _quotients(far, unseen)
        _errors(image, mask, y, near, far, seen, unseen, weight, error, slope, lost)
        _pulls(image, mask, y, near, far, seen, unseen, pulls, size, pulled)
    f, b = seen[C], unseen[C]
    through_areas = number(lost[1] / (C * b * b) - lost[0] / (C * f * f))
    for y in range(H):
        _blurred_row(pulls, y, down, across, reps, size, four, spare, near)
        share = through_areas - number(EPSILON * pulled[C])
        for j in range(W):
            slope[y, j] += share - near[C, j]
        for c in range(C):
            share = number(EPSILON * pulled[c])
            for j in range(W):
                slope[y, j] += image[c, y, j] * (near[c, j] + share)
    return slope


@_sums
def _errors(image, mask, y, near, far, seen, unseen, weight, error, slope, lost):
    """Row y of the gradient with predictions and areas held fixed, and the errors of both sides, added to lost (2,)."""
    C, W = image.shape[0], image.shape[2]
    number = image.dtype.type
    part_f, part_b = number(1 / (C * seen[C])), number(1 / (C * unseen[C]))
    for j in range(W):
        error[0, j], error[1, j], slope[y, j] = 0, 0, 0
    for c in range(C):
        mean_f, mean_b = number(seen[c] / seen[C]), number(unseen[c] / unseen[C])
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
def _pulls(image, mask, y, near, far, seen, unseen, pulls, size, pulled):
    """Row y of r^B - r^F, and as last plane of the sum of r^B psi^B - r^F psi^F, with the sums (C + 1,) of these planes."""
    C, W = image.shape[0], image.shape[2]
    number = image.dtype.type
    part_f, part_b, last = number(1 / (C * seen[C])), number(1 / (C * unseen[C])), _place(y, C, size)
    for j in range(_U(W)):
        far[C, j] = mask[y, j] * part_f / far[C, j]  # the weights become the sizes of the pulls
        near[C, j] = (1 - mask[y, j]) * part_b / near[C, j]
        pulls[last + j] = 0
    for c in range(C):
        at, sum_c = _place(y, c, size), number(0)
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


# --- the search ------------------------------------------------------------------------------------------------------------
def boundary(mask: np.ndarray) -> np.ndarray:
    """The pixels with a 4-neighbour on the other side, and the whole frame of the image."""
    return _boundary(np.ascontiguousarray(mask, bool))


@_loop
def _boundary(mask):
    H, W = mask.shape
    edge = np.ones((H, W), np.bool_)
    for i in range(1, H - 1):
        above, here, below, out = mask[i - 1], mask[i], mask[i + 1], edge[i]
        for j in range(1, W - 1):
            m = here[j]
            out[j] = (above[j] != m) | (below[j] != m) | (here[j - 1] != m) | (here[j + 1] != m)
    return edge


def smooth(mask: np.ndarray) -> np.ndarray:
    """1 where at least four of the nine pixels around are 1, zeros beyond the border."""
    return _smooth(np.ascontiguousarray(mask, bool))


@_loop
def _smooth(mask):
    H, W = mask.shape
    out, column = np.empty((H, W), np.bool_), np.zeros(W + 2, np.uint8)
    for i in range(H):
        for j in range(W):
            column[j + 1] = np.uint8(mask[i, j])
        if i > 0:
            for j in range(W):
                column[j + 1] += np.uint8(mask[i - 1, j])
        if i < H - 1:
            for j in range(W):
                column[j + 1] += np.uint8(mask[i + 1, j])
        for j in range(W):
            out[i, j] = column[j] + column[j + 1] + column[j + 2] >= 4
    return out


def step(
    image: np.ndarray,
    mask: np.ndarray,
    kernel: np.ndarray,
    reps: int = 2,
    diversity_weight: float = 0.001,
    grad_tol: float = 0.0,
    total: np.ndarray | None = None,
) -> np.ndarray:
    """One step of the search: the mask after it, (H, W) bool."""
    slope = objective_gradient(image, mask, kernel, reps, diversity_weight, total)
    return _moved(np.ascontiguousarray(mask, bool), slope, float(grad_tol))


@_loop
def _moved(mask, slope, tolerance):
    edge, moved = _boundary(mask), np.empty_like(mask)
    H, W = mask.shape
    for i in range(H):
        for j in range(W):
            moving = edge[i, j] and abs(slope[i, j]) > tolerance
            moved[i, j] = slope[i, j] > 0 if moving else mask[i, j]
    return _smooth(moved)


def search(
    image: np.ndarray,
    mask: np.ndarray,
    kernel: np.ndarray,
    reps: int = 2,
    diversity_weight: float = 0.001,
    iters: int = 150,
    grad_tol: float = 0.0,
) -> Search:
    """At most `iters` steps from a mask; fewer where they would change nothing more."""
    ends = search_all(np.asarray(image)[None], np.asarray(mask)[None], kernel, reps, diversity_weight, iters, grad_tol)
    return Search(ends.mask[0], int(ends.iterations[0]), *(bool(flag[0]) for flag in ends[2:]))


def search_all(
    images: np.ndarray,
    masks: np.ndarray,
    kernel: np.ndarray,
    reps: int = 2,
    diversity_weight: float = 0.001,
    iters: int = 150,
    grad_tol: float = 0.0,
) -> Search:
    """`search` on N images (N, C, H, W) from N masks (N, H, W), side by side; each field has a first axis N."""
    images, masks = _floats(images), np.ascontiguousarray(masks, bool)
    for image, mask in zip(images, masks, strict=True):
        _mask(mask, image)
    totals = np.stack([blurred_total(image, kernel, reps) for image in images])
    tables = _weights(kernel, images.shape[2], reps, images.dtype)
    few = len(images) == 1 or images.size * iters < PARALLEL_FROM or get_num_threads() == 1
    run = _search_in_turn if few else _search_in_parallel
    numbers = (reps, images.dtype.type(diversity_weight), iters, float(grad_tol))
    ended, steps, flags = run(images, masks, totals, *tables, *numbers)
    return Search(ended, steps, *(flags == reason for reason in (1, 2, 3)))


@_loop
def _search(image, start, total, down, across, reps, weight, iters, tolerance):
    """The last mask, the steps taken, and why they ended: 1 fixed, 2 alternating, 3 collapsed, 0 none of these."""
    mask, before, soft = start.copy(), start.copy(), np.empty(start.shape, image.dtype)
    for t in range(1, iters + 1):
        soft[:] = mask
        slope = _gradient(image, soft, total, down, across, reps, weight)
        after = _moved(mask, slope, tolerance)
        count = after.sum()
        if count == 0 or count == after.size:
            return mask, t, 3
        if np.array_equal(after, mask):
            return mask, t, 1
        if t > 1 and np.array_equal(after, before):
            return (after if (iters - t) % 2 == 0 else mask), t, 2
        before, mask = mask, after
    return mask, iters, 0


@_loop
def _search_in_turn(images, masks, totals, down, across, reps, weight, iters, tolerance):
    ended, steps, flags = np.empty_like(masks), np.zeros(len(images), np.int64), np.zeros(len(images), np.int64)
    for i in range(len(images)):
        ended[i], steps[i], flags[i] = _search(
            images[i], masks[i], totals[i], down, across, reps, weight, iters, tolerance
        )
    return ended, steps, flags


@njit(cache=True, nogil=True, error_model="numpy", parallel=True)
def _search_in_parallel(images, masks, totals, down, across, reps, weight, iters, tolerance):
    ended, steps, flags = np.empty_like(masks), np.zeros(len(images), np.int64), np.zeros(len(images), np.int64)
    for i in prange(len(images)):
        ended[i], steps[i], flags[i] = _search(
            images[i], masks[i], totals[i], down, across, reps, weight, iters, tolerance
        )
    return ended, steps, flags
