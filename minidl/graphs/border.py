"""What the functions on graphs check at their border: counts, choices, flat arrays of rows, noise."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from minidl.border import choice as choice
from minidl.border import generator as generator


def count(name: str, value: Any, minimum: int = 1) -> int:
    """An integer of at least `minimum`. TypeError for other types, ValueError below."""
    if isinstance(value, bool | np.bool_) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be an integer of at least {minimum}, got {value!r}")
    number = operator.index(value)
    if number < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {number}")
    return number


def number(name: str, value: Any, low: float = 0.0, high: float = np.inf, *, above: bool = False) -> float:
    """A finite number in [low, high], or in (low, high] with `above`. TypeError for other types, ValueError outside."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, float | int | np.number):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not np.isfinite(value) or not low <= value <= high or (above and value == low):
        raise ValueError(f"{name} must be a finite number in {'(' if above else '['}{low:g}, {high:g}], got {value}")
    return float(value)


def integers(name: str, value: Any, dtype: Any, *shape: int | str, low: int = 0, high: int | None = None) -> np.ndarray:
    """Integers in [low, high) of this shape, as a contiguous array; a word in the shape stands for any length.

    TypeError for other types, ValueError for another shape or an entry outside. Floats are refused, whole ones too.
    """
    array = np.asarray(value)
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(f"{name} must hold integers, got {array.dtype}")
    _shaped(name, array, shape)
    high = np.iinfo(dtype).max + 1 if high is None else high
    if array.size and not (array.min() >= low and array.max() < high):
        bad = array[(array < low) | (array >= high)].flat[0]
        raise ValueError(f"{name} must hold integers from {low} to {high - 1}, got {bad}")
    return np.ascontiguousarray(array, dtype)


def uniforms(name: str, value: Any, *shape: int | str) -> np.ndarray:
    """Noise in [0, 1) of this shape; a word in the shape stands for any length."""
    array = np.asarray(value)
    if array.dtype.kind != "f":
        raise TypeError(f"{name} must hold uniform numbers, got {array.dtype}: draw it with rng.random(shape)")
    _shaped(name, array, shape)
    if array.size and not (array.min() >= 0 and array.max() < 1):  # NaN fails both
        raise ValueError(f"{name} must lie in [0, 1): draw it with rng.random(shape)")
    return array


def offsets(name: str, value: Any, total: int | None = None) -> np.ndarray:
    """Where the rows of a flat array begin: (R + 1,) int64, from 0, never falling, ending at the array's length."""
    array = integers(name, value, np.int64, "rows + 1")
    if len(array) == 0 or array[0] != 0 or (np.diff(array) < 0).any():
        raise ValueError(f"{name} must start at 0 and never fall, and have one entry more than there are rows")
    if total is not None and array[-1] != total:
        raise ValueError(f"{name} must end at {total}, the length of the flat array, got {array[-1]}")
    return array


def _shaped(name: str, array: np.ndarray, shape: tuple[int | str, ...]) -> None:
    fits = array.ndim == len(shape) and all(
        isinstance(m, str) or n == m for n, m in zip(array.shape, shape, strict=True)
    )
    if not fits:
        wanted = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
        raise ValueError(f"{name} must have shape ({wanted}), got {array.shape}")
