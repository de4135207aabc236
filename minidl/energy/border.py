"""What the functions of Boltzmann machines check at their border: parameters, states, noise and counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.border import count as count
from minidl.energy.results import Parameters


def real(name: str, value: Any) -> np.ndarray:
    """The value as a finite float array; integers and booleans as float64. TypeError, or ValueError for NaN and infinity."""
    array = np.asarray(value)
    if array.dtype.kind in "iub":
        array = array.astype(np.float64)
    elif array.dtype.kind != "f":
        raise TypeError(f"{name} must hold real numbers, got {array.dtype}: convert it to float64 or float32")
    if not np.isfinite(array).all():
        bad = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(
            f"{name} must be finite, got {array[bad]} at {bad}: did training diverge? Lower the learning rate"
        )
    return array


def parameters(W: Any, b: Any = None, a: Any = None) -> Parameters:
    """Weights and biases as arrays of one float dtype, checked against each other; a bias left out stays None."""
    W = real("W", W)
    if W.ndim != 2 or 0 in W.shape:
        raise ValueError(f"W must be (n_V, n_H) with at least one unit on each side, got shape {W.shape}")
    arrays = {"b": (b, W.shape[0], "n_V"), "a": (a, W.shape[1], "n_H")}
    biases = {name: real(name, bias) for name, (bias, _, _) in arrays.items() if bias is not None}
    for name, bias in biases.items():
        _, units, side = arrays[name]
        if bias.shape != (units,):
            raise ValueError(
                f"{name} must have shape ({side},) = ({units},) to fit W of shape {W.shape}, got {bias.shape}: b are "
                "the visible biases, a the hidden ones"
            )
    dtype = np.result_type(W, *biases.values())
    W, biases = W.astype(dtype, copy=False), {name: bias.astype(dtype, copy=False) for name, bias in biases.items()}
    with np.errstate(over="ignore"):
        total = sum(np.abs(array).sum() for array in (W, *biases.values()))
    if not total <= np.finfo(dtype).max / 8:  # then no sum of them overflows, and nothing becomes inf - inf
        raise ValueError(
            f"W, b and a must be finite together, got weights up to {np.abs(W).max():g}: did training diverge? Lower the "
            "learning rate"
        )
    return Parameters(W, biases.get("b"), biases.get("a"))


def states(name: str, value: Any, units: int | None, dtype: Any, *, probabilities: bool = False) -> np.ndarray:
    """Binary states (..., units) in this dtype; with `probabilities`, anything in [0, 1]. units: None for any number."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold zeros and ones, got {array.dtype}")
    if array.ndim == 0 or array.shape[-1] != (units or array.shape[-1]) or 0 in array.shape[-1:]:
        raise ValueError(f"{name} must have shape (..., {units or 'units'}), one entry per unit, got {array.shape}")
    if probabilities:
        if not ((array >= 0) & (array <= 1)).all():  # false for NaN
            raise ValueError(f"{name} must lie in [0, 1], got {array[~((array >= 0) & (array <= 1))].flat[0]}")
    elif array.dtype.kind != "b" and not ((array == 0) | (array == 1)).all():
        odd = array[~((array == 0) | (array == 1))].flat[0]
        raise ValueError(
            f"{name} must hold zeros and ones only, got {odd}: binarise it ({name} > 0.5), or where probabilities make "
            "sense pass allow_probabilities=True"
        )
    return array.astype(dtype, copy=False)


def batch(name: str, value: Any, units: int | None, dtype: Any, *, probabilities: bool = False) -> np.ndarray:
    """Binary states (N, units) with at least one row."""
    array = states(name, value, units, dtype, probabilities=probabilities)
    if array.ndim != 2 or len(array) == 0:
        raise ValueError(f"{name} must be (N, {units or 'units'}) with at least one row, got shape {array.shape}")
    return array


def uniforms(name: str, value: Any, *shape: int | str) -> np.ndarray:
    """Noise in [0, 1) of this shape; a word stands for any length of at least 1."""
    array = np.asarray(value)
    if array.dtype.kind != "f":
        raise TypeError(f"{name} must hold uniform numbers, got {array.dtype}: draw it with rng.random(shape)")
    fits = len(array.shape) == len(shape) and all(
        n >= 1 if isinstance(m, str) else n == m for n, m in zip(array.shape, shape, strict=True)
    )
    if not fits:
        wanted = ", ".join(str(m) for m in shape) + ("," if len(shape) == 1 else "")
        raise ValueError(f"{name} must have shape ({wanted}), a uniform number for each draw, got {array.shape}")
    if array.size and not (array.min() >= 0 and array.max() < 1):  # NaN fails both
        raise ValueError(f"{name} must lie in [0, 1): draw it with rng.random(shape)")
    return array


def number(name: str, value: Any, low: float = 0.0, high: float = np.inf) -> float:
    """A finite number in [low, high]. ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, float | int | np.number):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not low <= value <= high or not np.isfinite(value):
        raise ValueError(f"{name} must be a finite number in [{low:g}, {high:g}], got {value}")
    return float(value)


def level(value: Any) -> float:
    """A confidence level strictly between 0 and 1."""
    found = number("level", value, 0.0, 1.0)
    if found in (0.0, 1.0):
        raise ValueError(f"level must lie strictly between 0 and 1, such as 0.95, got {value}")
    return found


def enumerable(units: int, cap: int, what: str, remedy: str) -> None:
    """Raise ValueError when 2^units states are too many to visit."""
    if units > cap:
        raise ValueError(f"{what} enumerates the states of {units} units, 2^{units}; the cap is {cap} units: {remedy}")
