"""What segmentation checks at its border: images, masks, kernels and numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.border import count as count

SMALLEST_SIDE = 3  # below, the frame of the image is all there is
SMALLEST_AREA = 1e-3  # of a side of a mask, in pixels: the objective divides by areas


def image(value: Any, name: str = "image") -> np.ndarray:
    """A finite image (C, H, W), float32 or float64 (integers become float64)."""
    array = np.asarray(value)
    if array.dtype.kind in "iu":
        array = array.astype(np.float64)
    if array.dtype not in (np.float32, np.float64):
        raise TypeError(f"{name} must hold float32 or float64, got {array.dtype}: convert it with astype")
    if array.ndim != 3 or len(array) == 0 or min(array.shape[1:]) < SMALLEST_SIDE:
        raise ValueError(
            f"{name} must be (C, H, W), channels first, with C >= 1 and H, W >= {SMALLEST_SIDE}, got shape {array.shape}"
        )
    most = finite(array, name)
    if most > 1e-4 * np.sqrt(np.finfo(array.dtype).max):  # so that no sum of squares overflows
        raise ValueError(f"{name} must have values that can be squared, got {most:g}: scale it to [-1, 1]")
    return array


def finite(array: np.ndarray, name: str) -> float:
    """The largest size of an entry. Raises ValueError for NaN and infinity, telling where the first is."""
    low, high = array.min(), array.max()
    if not (np.isfinite(low) and np.isfinite(high)):  # NaN is both
        bad = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name} must be finite, got {array[bad]} at {bad}: replace such pixels first")
    return max(-float(low), float(high))


def planes(value: Any) -> np.ndarray:
    """A finite stack of planes (..., H, W), float32 or float64 (integers become float64)."""
    array = np.asarray(value)
    if array.ndim < 2 or 0 in array.shape:
        raise ValueError(f"planes must be (..., H, W) and not empty, got shape {array.shape}")
    if array.dtype.kind in "iub":
        array = array.astype(np.float64)
    if array.dtype not in (np.float32, np.float64):
        raise TypeError(f"planes must hold float32 or float64, got {array.dtype}: convert it with astype")
    finite(array, "planes")
    return array


def soft_mask(value: Any, like: np.ndarray, name: str = "mask") -> np.ndarray:
    """A mask (H, W) in [0, 1] with both sides inhabited, in the dtype of the image (C, H, W) that it belongs to."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold numbers between 0 and 1, got {array.dtype}")
    if array.shape != like.shape[1:]:
        raise ValueError(f"{name} must be {like.shape[1:]}, the size of the image, got shape {array.shape}")
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= 1):  # NaN is both
        odd = array[~((array >= 0) & (array <= 1))].flat[0]
        raise ValueError(f"{name} must lie in [0, 1], got {odd}")
    area = array.sum()
    if not SMALLEST_AREA <= area <= array.size - SMALLEST_AREA:
        which = "full" if area > 1 else "empty"
        raise ValueError(f"{name} is {which}: it needs pixels on both sides; `initial_mask` makes one to start from")
    return array.astype(like.dtype, copy=False)


def binary(value: Any, name: str = "mask") -> np.ndarray:
    """A mask (H, W) of zeros and ones as booleans."""
    array = zeros_and_ones(value, name)
    if array.ndim != 2 or min(array.shape) < SMALLEST_SIDE:
        raise ValueError(f"{name} must be (H, W) with H, W >= {SMALLEST_SIDE}, got shape {array.shape}")
    return array


def zeros_and_ones(value: Any, name: str) -> np.ndarray:
    """An array of zeros and ones as booleans, whatever its shape."""
    array = np.asarray(value)
    if array.dtype.kind == "b":
        return array
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} must hold zeros and ones, got {array.dtype}")
    if not ((array == 0) | (array == 1)).all():
        odd = array[~((array == 0) | (array == 1))].flat[0]
        raise ValueError(f"{name} must hold zeros and ones only, got {odd}: threshold it ({name} > 0.5)")
    return array == 1


def kernel(value: Any) -> np.ndarray:
    """A blur kernel: odd length, symmetric (the adjoint of the blur is the blur), no negative tap, not all zero."""
    array = np.asarray(value)
    if array.dtype.kind != "f":
        raise TypeError(f"kernel must hold floats, got {array.dtype}: make it with gaussian_kernel(size, sigma)")
    if array.ndim != 1 or len(array) % 2 == 0:
        raise ValueError(f"kernel must be (s,) with s odd, got shape {array.shape}: use gaussian_kernel(size, sigma)")
    slack = 4 * np.finfo(array.dtype).eps * np.abs(array).max()  # symmetric up to rounding
    if not (array >= 0).all() or not array.any() or not np.abs(array - array[::-1]).max() <= slack:
        raise ValueError(f"kernel must be symmetric and not negative, got {array}: use gaussian_kernel(size, sigma)")
    return array


def number(name: str, value: Any, *, positive: bool = False) -> float:
    """A finite number, >= 0 or > 0. TypeError for other types, ValueError out of range."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, float | int | np.number):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not (value > 0 if positive else value >= 0) or not np.isfinite(value):
        raise ValueError(f"{name} must be a finite number {'above' if positive else 'of at least'} 0, got {value}")
    return float(value)
