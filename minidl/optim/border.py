"""What functions of whole trajectories check at their border: parameters, gradients, and one number per step."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any

import numpy as np


def floats(name: str, values: Any) -> np.ndarray:
    """An array of float64 or float32 as it is. Raises TypeError for anything else, integers included."""
    values = np.asarray(values)
    if values.dtype not in (np.float64, np.float32):
        raise TypeError(
            f"{name} must be float64 or float32, got {values.dtype}: convert with np.asarray(x, dtype=float)"
        )
    return values


def run(w: Any, gradients: Any) -> tuple[np.ndarray, np.ndarray]:
    """w (d,) and gradients (T, d) of one dtype, d and T at least 1.

    Raises TypeError for other dtypes, ValueError for shapes that do not fit and for an empty group or run.
    """
    w, gradients = floats("w", w), floats("gradients", gradients)
    if w.ndim != 1 or w.size == 0:
        raise ValueError(f"w must be a vector (d,) with at least one entry, got shape {w.shape}: ravel the parameters")
    if gradients.ndim != 2 or gradients.shape[1:] != w.shape or len(gradients) == 0:
        raise ValueError(
            f"gradients must have shape (T, {w.size}), one row like w for each step, T >= 1, got {gradients.shape}"
        )
    if w.dtype != gradients.dtype:
        raise TypeError(f"w and gradients must have one dtype, got {w.dtype} and {gradients.dtype}")
    return w, gradients


def each_step(name: str, values: Any, steps: int) -> list[float]:
    """One float per step. Raises ValueError unless `values` is a vector of that length, TypeError for no numbers."""
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold numbers, got {array.dtype}")
    if array.shape != (steps,):
        raise ValueError(
            f"{name} must have shape ({steps},), one number per step, got {array.shape}: "
            f"for a constant pass np.full({steps}, {name})"
        )
    return [float(value) for value in array]


def split(sizes: Any, w: Any) -> None:
    """Raise unless `sizes` are positive integers that sum to the length of w: TypeError, ValueError."""
    if isinstance(sizes, str) or not isinstance(sizes, Iterable):
        raise TypeError(f"sizes must be a tuple of integers, one per tensor, got {type(sizes).__name__} {sizes!r}")
    sizes = tuple(sizes)
    if not all(isinstance(n, Integral) and not isinstance(n, bool) for n in sizes):
        raise TypeError(f"sizes must be integers, one per tensor, got {sizes!r}")
    if not sizes or min(sizes) < 1 or sum(sizes) != np.size(w):
        raise ValueError(f"sizes must be positive and sum to the {np.size(w)} entries of w, got {sizes!r}")
