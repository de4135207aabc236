"""What layers check at their border: sizes, and inputs that are real numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.autograd import Tensor


def positive(**sizes: int) -> None:
    """Raise ValueError for a size that is not a positive integer."""
    for name, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
            raise ValueError(f"{name} must be a positive integer, got {size!r}")


def floats(user: str, x: Any, dtype: Any = np.float64) -> Any:
    """The input as floats: a float tensor or array as it is, integers and booleans (also in lists) in the given dtype.

    Raises TypeError for anything else, such as text or objects.
    """
    if type(x) is not Tensor:
        x = np.asarray(x)
    if x.dtype.kind == "f":
        return x
    if x.dtype.kind not in "iub":
        raise TypeError(f"{user} takes real numbers, got {x.dtype}: convert with np.asarray(x, dtype=float)")
    return x.astype(dtype)
