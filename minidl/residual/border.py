"""What the residual functions check at their border: shapes, dtypes and gates, for arrays and tensors alike."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minidl.autograd import Tensor

_REMEDY = "a gate is one finite number: a float, or an array or tensor of shape () or (1,)"


def plain(a: Any) -> np.ndarray:
    """The values as an array, without the tape."""
    return a.data if isinstance(a, Tensor) else np.asarray(a)


def floating(name: str, a: Any) -> Any:
    """A tensor as it is, anything else as an array; integers and booleans as float64. At least one entry, real numbers."""
    if not isinstance(a, Tensor):
        a = np.asarray(a)
        if a.dtype.kind in "iub":
            a = a.astype(np.float64)
        elif a.dtype.kind != "f":
            raise TypeError(f"{name} must hold real numbers, got {a.dtype}: convert it to float64 or float32")
    if a.size == 0:
        raise ValueError(f"{name} is empty (shape {a.shape}): a batch needs at least one sample")
    return a


def each(**arrays: Any) -> list[Any]:
    """Every array checked by `floating`, in order."""
    return [floating(name, a) for name, a in arrays.items()]


def matching(**arrays: Any) -> list[Any]:
    """The arrays, checked, all of one shape: nothing broadcasts here, since a gate would hide the mistake."""
    checked = each(**arrays)
    if len({a.shape for a in checked}) > 1:
        shapes = ", ".join(f"{name} {a.shape}" for name, a in zip(arrays, checked, strict=True))
        raise ValueError(
            f"the shapes must be equal, got {shapes}: where a layer changes the shape, project its input first and gate "
            "against the projection"
        )
    return checked


def expect(name: str, a: Any, *shape: int | str) -> None:
    """Raise ValueError unless `a` has this shape; a word stands for any length."""
    if a.ndim != len(shape) or any(n != m for n, m in zip(a.shape, shape, strict=True) if not isinstance(m, str)):
        wanted = ", ".join(str(n) for n in shape) + ("," if len(shape) == 1 else "")
        raise ValueError(f"{name} must have shape ({wanted}) to fit the other inputs, got {a.shape}")


def vectors(length: int, **arrays: Any) -> None:
    """Raise ValueError unless each array has shape (length,)."""
    for name, a in arrays.items():
        expect(name, a, length)


def dense_block(x: Any, W1: Any, gamma1: Any, beta1: Any, W2: Any, gamma2: Any, beta2: Any) -> list[Any]:
    """The inputs of a fully connected block, checked against each other."""
    inputs = x, W1, gamma1, beta1, W2, gamma2, beta2 = each(
        x=x, W1=W1, gamma1=gamma1, beta1=beta1, W2=W2, gamma2=gamma2, beta2=beta2
    )
    expect("x", x, "batch", "width")
    expect("W1", W1, x.shape[1], "hidden")
    expect("W2", W2, W1.shape[1], x.shape[1])
    vectors(W1.shape[1], gamma1=gamma1, beta1=beta1)
    vectors(x.shape[1], gamma2=gamma2, beta2=beta2)
    return inputs


def convolutional_block(
    x: Any, gamma1: Any, beta1: Any, W1: Any, gamma2: Any, beta2: Any, W2: Any, projection: Any, stride: int
) -> list[Any]:
    """The inputs of a convolutional block, checked against each other."""
    x, gamma1, beta1, W1, gamma2, beta2, W2 = each(
        x=x, gamma1=gamma1, beta1=beta1, W1=W1, gamma2=gamma2, beta2=beta2, W2=W2
    )
    expect("x", x, "batch", "channels", "height", "width")
    expect("W1", W1, "filters", x.shape[1], "odd", "odd")
    channels, filters = x.shape[1], W1.shape[0]
    expect("W2", W2, filters, filters, "odd", "odd")
    vectors(channels, gamma1=gamma1, beta1=beta1)
    vectors(filters, gamma2=gamma2, beta2=beta2)
    if any(n % 2 == 0 for n in W1.shape[2:] + W2.shape[2:]):
        raise ValueError(f"windows must be odd, so that padding keeps the size, got {W1.shape[2:]} and {W2.shape[2:]}")
    if projection is not None:
        projection = floating("projection", projection)
        expect("projection", projection, filters, channels, 1, 1)
    elif stride != 1 or filters != channels:
        raise ValueError(
            f"the block changes the shape ({channels} to {filters} channels, stride {stride}), so its shortcut needs a "
            f"projection: pass weights of shape {(filters, channels, 1, 1)}"
        )
    return [x, gamma1, beta1, W1, gamma2, beta2, W2, projection]


def finite(k: Any) -> Any:
    """Gates of any shape as a float, an array or a tensor. ValueError if one is not finite, TypeError if not real."""
    if isinstance(k, float | int) and not isinstance(k, bool):
        k, values = float(k), float(k)
        good = math.isfinite(values)
    else:
        if not isinstance(k, Tensor):
            k = np.asarray(k)
            k = k.astype(np.float64) if k.dtype.kind in "iu" else k
        values = plain(k)
        if values.dtype.kind != "f" and not isinstance(k, Tensor):
            raise TypeError(f"gates must be real numbers, got {values.dtype}: {_REMEDY}")
        good = bool(np.isfinite(values).all())
    if not good:
        raise ValueError(f"gates must be finite, got {values}: {_REMEDY}; did training diverge?")
    return k


def scalar(k: Any, dtype: np.dtype | None = None) -> Any:
    """One gate as a float (which leaves the dtype of arrays alone) or as a tensor of shape () and this dtype."""
    k = finite(k)
    if isinstance(k, float):
        return k
    if k.shape not in ((), (1,)):
        raise ValueError(f"the gate must be a scalar, got shape {k.shape}: {_REMEDY}")
    if not isinstance(k, Tensor):
        return float(k.reshape(())[()])
    k = k.reshape(())
    return k if dtype is None or k.dtype == dtype else k.astype(dtype)


def scalars(gates: Any) -> list[Any]:
    """The gates of a stack as a list of scalars; gates may be (L,) or a sequence of L scalars."""
    if isinstance(gates, Tensor | np.ndarray | np.generic | float | int) and plain(gates).ndim == 0:
        raise ValueError("a stack needs a sequence of gates, one per block, got a single number: pass [k]")
    return [scalar(k) for k in gates]


def vector(gates: Any) -> np.ndarray:
    """The gates of a stack as a new array (L,), off the tape."""
    if isinstance(gates, np.ndarray | Tensor):
        values = np.array(plain(finite(gates)))
        if values.ndim != 1:
            raise ValueError(f"gates must be a vector, one per block, got shape {values.shape}")
        return values
    return np.array([plain(k).reshape(()) for k in scalars(gates)], dtype=None if len(gates) else np.float64)


def block_numbers(removed: Any, blocks: int) -> np.ndarray:
    """Distinct block numbers in [0, blocks) as integers. Raises ValueError or TypeError for anything else."""
    numbers = np.asarray(removed)
    if numbers.size == 0:
        return np.zeros(0, np.intp)
    if numbers.dtype.kind not in "iu":
        raise TypeError(
            f"removed must hold block numbers (integers), got {numbers.dtype}: for a mask use np.flatnonzero(mask)"
        )
    outside = numbers[(numbers < 0) | (numbers >= blocks)]
    if outside.size:
        raise ValueError(f"the blocks are 0 to {blocks - 1}, so {outside.ravel().tolist()} cannot be removed")
    if len(np.unique(numbers)) != numbers.size:
        raise ValueError(f"a block can be removed only once, got {numbers.ravel().tolist()}: name each block once")
    return numbers
