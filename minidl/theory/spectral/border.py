"""What the functions of spectral dynamics check at their border: weights, spectra, numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minidl.border import count as count


def floats(name: str, value: Any) -> np.ndarray:
    """A finite array that is not empty, float32 or float64 (integers and booleans become float64)."""
    array = np.asarray(value)
    if array.dtype.kind in "iub":
        array = array.astype(np.float64)
    if array.dtype not in (np.float32, np.float64):
        raise TypeError(f"{name} must hold float32 or float64, got {array.dtype}: convert it with astype")
    if array.size == 0:
        raise ValueError(f"{name} is empty, shape {array.shape}: it needs at least one entry")
    if not np.isfinite(array).all():
        bad = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name} must be finite, got {array[bad]} at {bad}: did training diverge?")
    return array


def weight(name: str, value: Any) -> np.ndarray:
    """A finite array of at least two axes, the first of which counts the outputs."""
    array = floats(name, value)
    if array.ndim < 2:
        raise ValueError(
            f"{name} must be a matrix (out, in) or a kernel (c_out, c_in, kh, kw), got shape {array.shape}: vectors "
            "such as biases have no spectrum"
        )
    return array


def matrix(name: str, value: Any) -> np.ndarray:
    """A finite array of exactly two axes."""
    array = floats(name, value)
    if array.ndim != 2:
        raise ValueError(f"{name} must be a matrix, got shape {array.shape}")
    return array


def same_shape(name: str, value: Any, like: np.ndarray, other: str) -> np.ndarray:
    """A finite array of the shape of another one."""
    array = floats(name, value)
    if array.shape != like.shape:
        raise ValueError(f"{name} must have the shape {like.shape} of {other}, got {array.shape}")
    return array


def spectrum(value: Any) -> np.ndarray:
    """Singular values (R,) in any order: finite and not negative."""
    array = floats("s", value)
    if array.ndim != 1:
        raise ValueError(f"s must be the singular values (R,), got shape {array.shape}: singular_values(w) makes them")
    if array.min() < 0:
        raise ValueError(f"singular values are not negative, got {array.min()}: eigenvalues are another thing")
    return array


def mask(name: str, value: Any, shape: tuple[int, ...]) -> np.ndarray:
    """A mask of zeros and ones of this shape, as booleans, that keeps something."""
    array = np.asarray(value)
    if array.shape != shape:
        raise ValueError(f"{name} must have the shape {shape} of the weights, got {array.shape}")
    if array.dtype.kind not in "fiub" or not ((array == 0) | (array == 1)).all():
        raise ValueError(f"{name} must hold zeros and ones (or booleans), got {array.dtype} with other values")
    if not array.any():
        raise ValueError(f"{name} keeps nothing: what is left has no singular vectors")
    return array == 1


def number(name: str, value: Any, low: float = -math.inf, high: float = math.inf, *, above: bool = False) -> float:
    """A finite number in [low, high], above low if `above`. TypeError for other types, ValueError out of range."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, float | int | np.number):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not math.isfinite(value) or not low <= value <= high or (above and value == low):
        raise ValueError(
            f"{name} must be a finite number {'above' if above else 'from'} {low} up to {high}, got {value}"
        )
    return float(value)


def choice(name: str, value: Any, choices: tuple[str, ...]) -> str:
    """One of these words."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")
    return value
