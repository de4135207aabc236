"""What the functions of kernel and rich regimes check at their border: data, parameters, scales, depths and times."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.border import count


def real(name: str, value: Any, *shape: int | str) -> np.ndarray:
    """A finite float array of this shape; a word stands for any length of at least 1, no shape at all for any shape.

    float32 stays, everything else becomes float64. TypeError for what holds no real numbers, ValueError otherwise.
    """
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers, got {array.dtype}: convert it to float64 or float32")
    if array.dtype != np.float32:
        array = array.astype(np.float64, copy=False)
    if shape and not (
        array.ndim == len(shape)
        and all(n >= 1 if isinstance(m, str) else n == m for n, m in zip(array.shape, shape, strict=True))
    ):
        wanted = ", ".join(str(m) for m in shape) + ("," if len(shape) == 1 else "")
        raise ValueError(f"{name} must have shape ({wanted}), got {array.shape}")
    if not np.isfinite(array).all():
        bad = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name} must be finite, got {array[bad]} at {bad}: clean the data, or lower the step size")
    return array


def positive(name: str, value: Any, *shape: int | str) -> np.ndarray:
    """As `real`, with every entry above 0."""
    array = real(name, value, *shape)
    if not (array > 0).all():
        bad = tuple(int(i) for i in np.argwhere(array <= 0)[0])
        raise ValueError(
            f"{name} must be positive, got {array[bad]} at {bad}: gradient flow keeps the sign of a parameter, and one "
            "that is 0 never moves; start from a scale above 0"
        )
    return array


def common(*arrays: np.ndarray) -> list[np.ndarray]:
    """The arrays in one dtype: float32 if all have it, else float64."""
    dtype = np.result_type(*arrays)
    return [array.astype(dtype, copy=False) for array in arrays]


def number(name: str, value: Any, above: float = 0.0, below: float = np.inf) -> float:
    """A finite number strictly between two bounds. TypeError for other types, ValueError outside."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, float | int | np.number):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not above < value < below:
        bounds = f"above {above:g}" if below == np.inf else f"strictly between {above:g} and {below:g}"
        raise ValueError(f"{name} must be a finite number {bounds}, got {value}")
    return float(value)


def depth(value: Any) -> int:
    """The power D of the parameters: an integer of at least 2."""
    if count("depth", value, 1) == 1:
        raise ValueError(
            "depth must be at least 2, got 1: u - v is linear in its parameters, and flow from u = v ends in min_l2"
        )
    return int(value)


def scale(alpha: Any, power: int, name: str = "alpha") -> float:
    """alpha ** power, away from the ends of float64, so that what is computed with it stays between them."""
    alpha = number(name, alpha)
    with np.errstate(over="ignore", under="ignore"):
        found = float(np.float64(alpha) ** power)
    if not 1e-250 <= found <= 1e250:
        raise ValueError(
            f"{name} ** {power} must lie between 1e-250 and 1e250 to be computed with in float64, got {name} = {alpha:g}: use "
            "min_l1 or min_l2 for the limits"
        )
    return found


def examples(x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Inputs x (n, d) and targets y (n,)."""
    x = real("x", x, "n", "d")
    return x, real("y", y, len(x))


def diagonal_net(x: Any, y: Any, u: Any, v: Any) -> list[np.ndarray]:
    """Data x (n, d), y (n,) and parameters u, v (d,) of one dtype."""
    x, y = examples(x, y)
    return common(x, y, real("u", u, x.shape[1]), real("v", v, x.shape[1]))


def started(u0: Any, v0: Any, d: int, depth: int) -> tuple[np.ndarray, np.ndarray]:
    """Initial parameters u0, v0 (d,), positive, in float64, as far as float64 holds their powers with all digits."""
    u0, v0 = (positive(name, a, d).astype(np.float64) for name, a in (("u0", u0), ("v0", v0)))
    for name, a in (("u0", u0), ("v0", v0)):
        for extreme in (a.min(), a.max()):
            scale(extreme, max(depth, 2 * depth - 4), name)
    return u0, v0


def measurements(a: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Measurement matrices a (m, p, r) and targets y (m,)."""
    a = real("a", a, "m", "p", "r")
    return a, real("y", y, len(a))


def factors(a: Any, y: Any, u: Any, v: Any) -> list[np.ndarray]:
    """Measurements a (m, p, r), targets y (m,) and factors u (p, k), v (r, k) of one dtype."""
    a, y = measurements(a, y)
    u = real("u", u, a.shape[1], "k")
    return common(a, y, u, real("v", v, a.shape[2], u.shape[1]))


def step_counts(times: Any) -> np.ndarray:
    """Numbers of steps (K,), strictly ascending from 0 on, as int64. TypeError for floats."""
    array = np.asarray(times)
    if array.dtype.kind not in "iu":
        raise TypeError(
            f"times must hold integers, numbers of steps, got {array.dtype}: np.arange(...) or .astype(int)"
        )
    return _ascending(array).astype(np.int64)


def moments(times: Any) -> np.ndarray:
    """Times of a flow (K,), strictly ascending from 0 on, as float64."""
    return _ascending(real("times", times)).astype(np.float64)


def _ascending(array: np.ndarray) -> np.ndarray:
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"times must have shape (K,) with at least one entry, got {array.shape}")
    if array[0] < 0 or not (array[1:] > array[:-1]).all():
        raise ValueError(
            f"times must ascend strictly from 0 or later, got {array.tolist()}: sort them, and drop repeats"
        )
    return array
