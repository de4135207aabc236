"""What the kernels that descend check at their border: real arrays that fit each other, and numbers of steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl_kernels import flat


def real(name: str, value: Any, *shape: int | str, single: bool = False) -> np.ndarray:
    """A finite float64 array of this shape; a word stands for any length of at least 1. single: float32 stays.

    TypeError for what holds no real numbers, ValueError for another shape, NaN and infinity.
    """
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers, got {array.dtype}: convert it to float64")
    fits = array.ndim == len(shape) and all(
        n >= 1 if isinstance(m, str) else n == m for n, m in zip(array.shape, shape, strict=True)
    )
    if not fits:
        wanted = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
        raise ValueError(f"{name} must have shape ({wanted}), got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite: drop or fill in what is missing")
    return array if single and array.dtype == np.float32 else array.astype(np.float64, copy=False)


def times(value: Any, *, last: int | None = None, apart: bool = True) -> np.ndarray:
    """Numbers of steps (K,), ascending from 0 on, at most `last`; strictly, if they shall lie apart. A fresh int64 array."""
    found = flat.integers("times", value, np.int64, "K", high=None if last is None else last + 1)
    before, after = found[:-1], found[1:]
    if len(found) == 0 or not (before < after if apart else before <= after).all():
        how = "strictly ascending, with at least one entry: np.unique sorts and drops repetitions"
        raise ValueError(
            f"times must be {how if apart else 'ascending, with at least one entry'}, got {found.tolist()}"
        )
    return found.copy()  # the caller's may be read-only, for which a kernel would be compiled once more
