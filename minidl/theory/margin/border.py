"""What the functions on separable data check at their border: signed inputs, weights, tails, times, positive numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.border import choice as choice
from minidl.border import count as count

TAILS = ("exponential", "logistic", "poly_exponential", "polynomial", "sub_polynomial")


def real(name: str, value: Any) -> np.ndarray:
    """A finite float64 array. TypeError for what holds no real numbers, ValueError for NaN and infinity."""
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise TypeError(
            f"{name} must hold real numbers, got {array.dtype}: convert with np.asarray(values, dtype=float)"
        )
    array = array.astype(np.float64)  # float32 loses the direction after a million steps
    if not np.isfinite(array).all():
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name} must be finite, got {array[at]} at {at}: drop or fill in what is missing")
    return array


def inputs(name: str, value: Any) -> np.ndarray:
    """Inputs (N, d), float64, N, d >= 1, without a zero row: no w can have it on its right side.

    Entries are at most 1e140 and some entry of each row at least 1e-140, so that no square overflows or underflows.
    """
    array = real(name, value)
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"{name} must be (N, d), one example a row, N and d at least 1, got shape {array.shape}")
    zero = np.flatnonzero(~array.any(axis=1))
    if len(zero):
        raise ValueError(
            f"{name} must have no zero row, got one at {zero[0]}: no weights separate it; drop it, or append a constant 1 "
            "to all inputs for a bias"
        )
    sizes = np.abs(array).max(axis=1)
    if not (sizes.min() >= 1e-140 and sizes.max() <= 1e140):
        raise ValueError(
            f"{name} must have rows of size between 1e-140 and 1e140, got {sizes.min():g} to {sizes.max():g}: scale them"
        )
    return array


def labels(value: Any, n: int) -> np.ndarray:
    """Labels (n,) in {-1, +1} as float64."""
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"labels must hold the numbers -1 and +1, got {array.dtype}")
    if array.shape != (n,):
        raise ValueError(f"labels must have shape ({n},), one for each row of x, got {array.shape}")
    odd = array[~((array == -1) | (array == 1))]
    if len(odd):
        hint = ": for labels 0 and 1 pass 2 * labels - 1" if ((array == 0) | (array == 1)).all() else ""
        raise ValueError(f"labels must be -1 or +1, got {odd[0]}{hint}")
    return array.astype(np.float64)


def weights(name: str, value: Any, d: int) -> np.ndarray:
    """A vector (d,) that fits inputs (N, d)."""
    array = real(name, value)
    if array.shape != (d,):
        raise ValueError(f"{name} must have shape ({d},), one entry for each column of the inputs, got {array.shape}")
    return array


def rows(name: str, value: Any, d: int | None = None) -> np.ndarray:
    """Weights (d,) or (..., d), no vector of which is zero: it has no direction."""
    array = real(name, value)
    if array.ndim == 0 or array.shape[-1] != (d or array.shape[-1]) or array.size == 0:
        raise ValueError(f"{name} must have shape (..., {d or 'd'}), vectors in the last axis, got {array.shape}")
    if not array.any(axis=-1).all():
        raise ValueError(f"{name} must not be zero: a zero vector has no direction; ask after the first step")
    return array


def positive(name: str, value: Any) -> float:
    """A finite number above 0. TypeError for other types, ValueError otherwise."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, float | int | np.number):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be a finite number above 0, got {value}")
    return float(value)


def tail(word: Any, power: Any) -> float:
    """The power, once the word is that of a tail; of those without one it is not read."""
    choice("tail", word, TAILS)
    return positive("power", power) if word in ("poly_exponential", "polynomial") else 1.0


def steps(value: Any) -> np.ndarray:
    """Numbers of steps (K,), int64, not negative, strictly ascending."""
    array = np.asarray(value)
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(
            f"times must hold integers, numbers of steps, got {array.dtype}: round and convert with astype(int)"
        )
    _ascending("times", array)
    if array[0] < 0:
        raise ValueError(f"times must not be negative, got {array[0]}")
    return array.astype(np.int64)


def log_times(value: Any) -> np.ndarray:
    """Logarithms of times (K,), strictly ascending."""
    array = real("log_times", value)
    _ascending("log_times", array)
    return array


def _ascending(name: str, array: np.ndarray) -> None:
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must be a vector (K,) with at least one entry, got shape {array.shape}")
    if not (array[:-1] < array[1:]).all():
        raise ValueError(f"{name} must be strictly ascending: sort them and drop repetitions (np.unique)")
