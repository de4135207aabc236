r"""Segmentation by enumeration: every pixel's prediction as a weighted mean over all visible pixels, one weight per pair.

$$ \psi_p = \frac{\sum_q w_{pq}\, m_q X_q}{\sum_q w_{pq}\, m_q}, \qquad w = \mathcal K + \epsilon . $$

The table w is made of blurred single pixels, the blur slides a window, V is a sum over pairs of pixels, and gradients are
complex steps: nothing here is the formula that it judges. Images are (C, H, W), masks (..., H W) flat, real or complex.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

EPSILON = 1e-8
TINY = 1e-30  # of a complex step: nothing cancels, so it may be this small


def slid(planes: np.ndarray, kernel: np.ndarray, axis: int) -> np.ndarray:
    """One pass along one of the last two axes, zeros beyond the border."""
    reach = len(kernel) // 2
    pad = [(0, 0)] * planes.ndim
    pad[axis] = (reach, reach)
    padded = np.pad(planes, pad)
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(kernel), axis)  # (..., H, W, s)
    return (windows * kernel).sum(axis=-1)


def slid_passes(planes: np.ndarray, kernel: np.ndarray, reps: int) -> np.ndarray:
    """`reps` times down and across, in float64."""
    planes, kernel = np.asarray(planes, np.float64), np.asarray(kernel, np.float64)
    for _ in range(reps):
        planes = slid(slid(planes, kernel, -2), kernel, -1)
    return planes


def weights(shape: tuple[int, int], kernel: np.ndarray, reps: int) -> np.ndarray:
    r"""$\mathcal K$ as a table of pairs of pixels, (H W, H W), without epsilon."""
    return _weights(shape, np.asarray(kernel, np.float64).tobytes(), reps)


@lru_cache(maxsize=512)
def _weights(shape: tuple[int, int], taps: bytes, reps: int) -> np.ndarray:
    single = np.eye(shape[0] * shape[1]).reshape(-1, *shape)  # every pixel alone
    table = slid_passes(single, np.frombuffer(taps), reps).reshape(len(single), -1)
    table.flags.writeable = False
    return table


def flat(image: np.ndarray) -> np.ndarray:
    return np.asarray(image, np.float64).reshape(len(image), -1)  # (C, HW)


def predicted(image: np.ndarray, visible: np.ndarray, kernel: np.ndarray, reps: int) -> tuple[np.ndarray, np.ndarray]:
    """The prediction (..., C, HW) of every pixel from the visible ones (..., HW), and the sum of their weights (..., HW)."""
    w = weights(image.shape[1:], kernel, reps) + EPSILON
    support = summed(visible, w)
    return summed(visible[..., None, :] * flat(image), w) / support[..., None, :], support


def summed(values: np.ndarray, table: np.ndarray) -> np.ndarray:
    """sum over q of values (..., q) table (p, q), for each p.

    Complex values are steps, one row per pixel: rows that differ in that pixel's imaginary part alone. So they need no product
    of matrices, whose threads would cost more than they gain at this size.
    """
    if values.dtype.kind != "c":
        return values @ table.T
    own = np.moveaxis(np.diagonal(values.imag, axis1=0, axis2=-1), -1, 0)  # (HW, ...)
    return values.real[0] @ table.T + 1j * own[..., None] * table.T.reshape(len(own), *[1] * (own.ndim - 1), -1)


def inpainting_error(image: np.ndarray, mask: np.ndarray, kernel: np.ndarray, reps: int) -> np.ndarray:
    """I of masks (..., HW)."""
    total = 0
    for side in (mask, 1 - mask):
        error = predicted(image, 1 - side, kernel, reps)[0] - flat(image)  # (..., C, HW)
        size = np.where(error.real < 0, -error, error).mean(axis=-2)  # (..., HW)
        total = total + (side * size).sum(axis=-1) / side.sum(axis=-1)
    return total


def diversity(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """V of masks (..., HW), by the squared distances of all pairs of pixels of a side: no mean is taken."""
    x = flat(image)
    pairs = np.square(x[:, :, None] - x[:, None, :]).sum(axis=0)  # (HW, HW)
    return sum((summed(side, pairs) * side).sum(axis=-1) / (2 * side.sum(axis=-1)) for side in (mask, 1 - mask))


def objective(image: np.ndarray, mask: np.ndarray, kernel: np.ndarray, reps: int, weight: float) -> np.ndarray:
    return inpainting_error(image, mask, kernel, reps) - weight * diversity(image, mask)


def gradient(image: np.ndarray, mask: np.ndarray, kernel: np.ndarray, reps: int, weight: float) -> np.ndarray:
    """The gradient of J (H, W): one complex step per pixel."""
    m = np.asarray(mask, np.float64).reshape(-1)
    moved = m + 1j * TINY * np.eye(m.size)  # (HW, HW)
    return (objective(image, moved, kernel, reps, weight).imag / TINY).reshape(mask.shape)


def gradient_scale(image: np.ndarray, mask: np.ndarray, kernel: np.ndarray, reps: int, weight: float) -> np.ndarray:
    """The terms of the gradient before they cancel, (H, W): what rounding errors are measured by."""
    m = np.asarray(mask, np.float64).reshape(-1)
    w = weights(image.shape[1:], kernel, reps) + EPSILON
    size = float(np.abs(image).max())
    scale = np.full(m.size, weight * 8 * len(image) * size**2)
    for side in (m, 1 - m):
        support = (1 - side) @ w.T
        scale += 4 * size / side.sum() + 4 * size * w @ (side / (side.sum() * support))
    return scale.reshape(mask.shape)


def distance_from_kinks(image: np.ndarray, mask: np.ndarray, kernel: np.ndarray, reps: int) -> float:
    """The least absolute error that counts: at 0, the gradient of an absolute value is a convention."""
    m = np.asarray(mask, np.float64).reshape(-1)
    x = flat(image)
    errors = [np.abs(predicted(image, 1 - side, kernel, reps)[0] - x)[:, side > 0] for side in (m, 1 - m)]
    return float(min(error.min() for error in errors))


# --- the search --------------------------------------------------------------------------------------------------------
def boundary(mask: np.ndarray) -> np.ndarray:
    """Pixels with a neighbour of another value; beyond the border lies a third one."""
    third = np.pad(np.asarray(mask, np.int64), 1, constant_values=2)
    core = third[1:-1, 1:-1]
    neighbours = (third[:-2, 1:-1], third[2:, 1:-1], third[1:-1, :-2], third[1:-1, 2:])
    return np.any([n != core for n in neighbours], axis=0)


def smooth(mask: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(np.asarray(mask, np.int64), 1), (3, 3))
    return windows.sum(axis=(-2, -1)) > 3


def step(
    image: np.ndarray, mask: np.ndarray, kernel: np.ndarray, reps: int, weight: float, tolerance: float = 0.0
) -> np.ndarray:
    slope = gradient(image, np.asarray(mask, np.float64), kernel, reps, weight)
    moving = boundary(mask) & (np.abs(slope) > tolerance)
    return smooth((mask & ~moving) | (moving & (slope > 0)))


def path(
    image: np.ndarray, mask: np.ndarray, kernel: np.ndarray, reps: int, weight: float, iters: int, tolerance: float
) -> list[np.ndarray]:
    """The masks of a search that never ends early: 1 + iters of them, or up to the first that is empty or full."""
    key = (np.asarray(image, np.float64).tobytes(), image.shape, np.packbits(mask).tobytes())
    return _path(*key, np.asarray(kernel, np.float64).tobytes(), reps, weight, iters, tolerance)


@lru_cache(maxsize=256)
def _path(pixels, shape, packed, taps, reps, weight, iters, tolerance):
    image, kernel = np.frombuffer(pixels).reshape(shape), np.frombuffer(taps)
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), count=shape[1] * shape[2])
    masks = [bits.reshape(shape[1:]).astype(bool)]
    for _ in range(iters):
        masks.append(step(image, masks[-1], kernel, reps, weight, tolerance))
        if not masks[-1].any() or masks[-1].all():
            break
    return masks
