"""What the functions of networks on the line check at their border: numbers, units, splines, data, records of training."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

from minidl.border import count as count
from minidl.border import generator as generator

P, R = ParamSpec("P"), TypeVar("R")


def no_overflow(function: Callable[P, R]) -> Callable[P, R]:
    """Raise OverflowError with a remedy where arithmetic on finite inputs leaves the range of float64."""

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            try:
                return function(*args, **kwargs)
            except FloatingPointError as error:
                raise OverflowError(
                    f"{function.__name__} leaves the range of float64 ({error}): rescale x and y, or the weights"
                ) from error

    return guarded


def real(name: str, value: Any) -> np.ndarray:
    """The value as a finite float64 array. TypeError for anything but real numbers, ValueError for NaN and infinity."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} must hold real numbers, got {array.dtype}: convert it to float64")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        bad = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        at = f" at {bad}" if bad else ""
        raise ValueError(
            f"{name} must be finite, got {array[bad]}{at}: drop such entries, or look where they come from"
        )
    return array


def number(name: str, value: Any, low: float = -np.inf, high: float = np.inf, *, above: bool = False) -> float:
    """A finite number in [low, high], or in (low, high] with `above`."""
    array = real(name, value)
    if array.ndim:
        raise ValueError(f"{name} must be one number, got shape {array.shape}")
    if not low <= array <= high or (above and array == low):
        raise ValueError(f"{name} must be a number in {'(' if above else '['}{low:g}, {high:g}], got {array}")
    return float(array)


def vector(name: str, value: Any, least: int = 0) -> np.ndarray:
    """A finite vector of at least `least` entries."""
    array = real(name, value)
    if array.ndim != 1 or len(array) < least:
        raise ValueError(f"{name} must be a vector with at least {least} entries, got shape {array.shape}")
    return array


def alike(least: int = 0, **values: Any) -> list[np.ndarray]:
    """Finite vectors of one length."""
    arrays = {name: vector(name, value, least) for name, value in values.items()}
    if len({len(array) for array in arrays.values()}) > 1:
        told = ", ".join(f"{name} of {len(array)}" for name, array in arrays.items())
        raise ValueError(f"{', '.join(arrays)} must have the same length, got {told}")
    return list(arrays.values())


def units(w: Any, b: Any, v: Any, b0: Any, least: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Hidden units (k,) each and the output's bias."""
    w, b, v = alike(least, w=w, b=b, v=v)
    return w, b, v, number("b0", b0)


def slopes(value: Any) -> np.ndarray:
    """Slopes of the pieces, at least one."""
    return vector("slopes", value, 1)


def spline(knots: Any, slopes_: Any, anchor_x: Any, anchor_y: Any) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Ascending knots (K,), slopes (K + 1,), and the anchor."""
    knots, pieces = vector("knots", knots), slopes(slopes_)
    if len(pieces) != len(knots) + 1:
        raise ValueError(
            f"{len(knots)} knots separate {len(knots) + 1} pieces, each with its slope, got {len(pieces)} slopes: the first "
            "one belongs to the ray left of all knots, the last to the ray right of them"
        )
    if (stuck := np.flatnonzero(knots[1:] <= knots[:-1])).size:
        i = int(stuck[0])
        raise ValueError(
            f"knots must ascend strictly, got {knots[i]} at {i} and then {knots[i + 1]}: sort them, and merge equal ones by "
            "adding their jumps"
        )
    return knots, pieces, number("anchor_x", anchor_x), number("anchor_y", anchor_y)


def data(x: Any, y: Any, *, ascending: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Points (N,) and values (N,), N >= 1; the points never fall, unless ascending=False."""
    x, y = alike(1, x=x, y=y)
    if ascending and (fallen := np.flatnonzero(x[1:] < x[:-1])).size:
        i = int(fallen[0])
        raise ValueError(
            f"x must be sorted, got {x[i]} at {i} and then {x[i + 1]}: order = np.argsort(x), and pass x[order], y[order]"
        )
    return x, y


def points(x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Data that a function can pass through: ascending points, equal ones merged. ValueError where their values differ."""
    x, y = data(x, y)
    same = x[1:] == x[:-1]
    if (torn := np.flatnonzero(same & (y[1:] != y[:-1]))).size:
        i = int(torn[0])
        raise ValueError(
            f"x holds {x[i]} twice, at {i} and {i + 1}, with the values {y[i]} and {y[i + 1]}: no function passes through "
            "both; drop one or average them, or allow errors with decay_optimum"
        )
    first = np.concatenate([[True], ~same])
    return x[first], y[first]


def records(times: Any, steps: Any) -> tuple[np.ndarray, int]:
    """After which steps a run is recorded: ascending integers (K,), K >= 1, from 0 to `steps`."""
    steps, array = count("steps", steps), np.asarray(times)
    if array.dtype.kind not in "iu":
        raise TypeError(f"times must hold integers, the numbers of steps after which to record, got {array.dtype}")
    if array.ndim != 1 or len(array) == 0:
        raise ValueError(f"times must be a vector (K,) with at least one entry, got shape {array.shape}: pass [steps]")
    if (array[1:] < array[:-1]).any() or array[0] < 0 or array[-1] > steps:
        raise ValueError(
            f"times must ascend from 0 to steps = {steps}, got {array.tolist()[:8]}: sort them, or raise steps"
        )
    return array.astype(np.int64), steps
