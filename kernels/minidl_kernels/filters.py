"""Normalised convolution of both sides of a mask, its gradient, and the search on top: the twin of `minidl.vision`.

Here are the functions with their names and signatures; the work is done in `predictions` (both sides, the gradient), on top of
`long_rows` (the blur of all planes at once) and `runs` (its inner loops), and in `mask_search`. Arguments are checked for what
would end in nonsense or in another's memory; the reference says more about what is wrong with them.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numba import get_num_threads, njit

from minidl_kernels import long_rows, mask_search, predictions

PARALLEL_FROM = 1 << 20  # numbers times steps, below which starting threads costs more than it gains


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


@njit(cache=True, nogil=True)
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
    return long_rows.tables(np.asarray(kernel, np.float64).tobytes(), height, reps, np.dtype(dtype))


# --- the blur ------------------------------------------------------------------------------------------------------------
def blur(planes: np.ndarray, kernel: np.ndarray, reps: int = 1) -> np.ndarray:
    """`reps` passes of the kernel down and across each plane (..., H, W), zero padding at each pass."""
    planes = _floats(planes)
    stack = planes.reshape(-1, *planes.shape[-2:])
    return long_rows.blur(stack, *_weights(kernel, stack.shape[1], reps, stack.dtype), reps).reshape(planes.shape)


def blurred_total(image: np.ndarray, kernel: np.ndarray, reps: int = 2) -> np.ndarray:
    """The blurred image and the blurred constant 1 as one more plane, (C + 1, H, W)."""
    image = _floats(image)
    return blur(np.concatenate((image, np.ones_like(image[:1]))), kernel, reps)


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
    return Sides(*predictions.sides(image, mask, _total(total, image), *tables, reps))


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
    return predictions.gradient(image, mask, _total(total, image), *tables, reps, image.dtype.type(diversity_weight))


# --- the search ------------------------------------------------------------------------------------------------------------
def boundary(mask: np.ndarray) -> np.ndarray:
    """The pixels with a 4-neighbour on the other side, and the whole frame of the image."""
    return mask_search.boundary(np.ascontiguousarray(mask, bool))


def smooth(mask: np.ndarray) -> np.ndarray:
    """1 where at least four of the nine pixels around are 1, zeros beyond the border."""
    return mask_search.smooth(np.ascontiguousarray(mask, bool))


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
    return mask_search.moved_mask(np.ascontiguousarray(mask, bool), slope, float(grad_tol))


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
    image, start = _floats(image), np.ascontiguousarray(mask, bool)
    _mask(start, image)
    return _search(image, start, kernel, reps, diversity_weight, iters, float(grad_tol))


def _search(
    image: np.ndarray, mask: np.ndarray, kernel: Any, reps: int, weight: float, iters: int, tolerance: float
) -> Search:
    """`search` of checked arguments. The loop is Python: what it calls holds no lock, so searches run side by side."""
    total, tables = blurred_total(image, kernel, reps), _weights(kernel, image.shape[1], reps, image.dtype)
    mask, before, weight = mask.copy(), None, image.dtype.type(weight)
    for t in range(1, iters + 1):
        slope = predictions.gradient(image, mask.astype(image.dtype), total, *tables, reps, weight)
        after = mask_search.moved_mask(mask, slope, tolerance)
        if not after.any() or after.all():
            return Search(mask, t, fixed=False, cycled=False, collapsed=True)
        if np.array_equal(after, mask):
            return Search(after, t, fixed=True, cycled=False, collapsed=False)
        if before is not None and np.array_equal(after, before):
            last = after if (iters - t) % 2 == 0 else mask
            return Search(last, t, fixed=False, cycled=True, collapsed=False)
        before, mask = mask, after
    return Search(mask, iters, fixed=False, cycled=False, collapsed=False)


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
    rest = (kernel, reps, diversity_weight, iters, float(grad_tol))
    threads = min(len(images), get_num_threads())
    if threads == 1 or images.size * iters < PARALLEL_FROM:
        ends = [_search(image, mask, *rest) for image, mask in zip(images, masks, strict=True)]
    else:
        with ThreadPoolExecutor(threads) as pool:
            ends = list(pool.map(lambda pair: _search(*pair, *rest), zip(images, masks, strict=True)))
    return Search(*(np.array(field) for field in zip(*ends, strict=True)))
