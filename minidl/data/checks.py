"""Checks at the border of this package."""

import operator

import numpy as np
from numpy.typing import DTypeLike

from .errors import DataError


def count(name: str, value: int, minimum: int = 1) -> int:
    """`value` as an int of at least `minimum`; any integer type will do, a bool or a float will not."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool | np.bool_) or number < minimum:
        raise DataError(f"{name}: expected an integer of at least {minimum}, got {value!r}")
    return number


def generator(rng: np.random.Generator) -> np.random.Generator:
    """`rng`, if it is a generator."""
    if not isinstance(rng, np.random.Generator):
        raise DataError(f"rng: expected a np.random.Generator such as np.random.default_rng(0), got {rng!r}")
    return rng


def floating(dtype: DTypeLike) -> np.dtype:
    """`dtype` as a NumPy dtype, if it is float32 or float64."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = None
    if found not in (np.float32, np.float64):
        raise DataError(f"dtype: expected float32 or float64, got {dtype!r}")
    return found


def real(name: str, value: float, minimum: float = 0.0) -> float:
    """`value` as a finite float of at least `minimum`."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not minimum <= number < float("inf"):
        raise DataError(f"{name}: expected a finite number of at least {minimum}, got {value!r}")
    return number
