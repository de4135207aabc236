"""Layers with weights: Linear, Conv2d, Embedding; and Dropout, which has none."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.autograd import Tensor, conv2d, linear
from minidl.border import generator
from minidl.nn.border import floats, positive
from minidl.nn.init import Initialiser, glorot_uniform, he_normal
from minidl.nn.module import Module


def parameter(values: np.ndarray) -> Tensor:
    """A leaf that asks for gradients."""
    return Tensor(values, requires_grad=True)


class Linear(Module):
    """`x @ weight + bias` for x (..., inputs); weight (inputs, outputs), bias (outputs,).

    Integers count as floats of the weight's dtype. Raises ValueError if the last axis of x is not `inputs` long.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        rng: np.random.Generator,
        bias: bool = True,
        init: Initialiser = glorot_uniform,
        dtype: Any = np.float64,
    ):
        positive(inputs=inputs, outputs=outputs)
        self.weight = parameter(init((inputs, outputs), inputs, outputs, rng=rng, dtype=dtype))
        self.bias = parameter(np.zeros(outputs, dtype)) if bias else None

    def __call__(self, x: Any, *, training: bool = False, rng: np.random.Generator | None = None) -> Any:
        x = floats("Linear", x, self.weight.dtype)
        if x.shape[-1:] != self.weight.shape[:1]:
            raise ValueError(
                f"Linear takes inputs of width {self.weight.shape[0]}, got shape {x.shape}: "
                "flatten images with x.reshape(len(x), -1), or build the layer for this width"
            )
        if self.bias is None:
            return x @ self.weight  # (..., outputs)
        return linear(x, self.weight, self.bias) if x.ndim > 1 else x @ self.weight + self.bias


class Conv2d(Module):
    """2-D convolution for x (N, inputs, H, W): weight (outputs, inputs, size, size), bias (outputs,).

    padding defaults to size // 2, which keeps height and width at stride 1 and odd size. Integers count as floats of the
    weight's dtype. Raises ValueError for an x of another shape.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: int = 3,
        *,
        rng: np.random.Generator,
        stride: int = 1,
        padding: int | None = None,
        bias: bool = True,
        init: Initialiser = he_normal,
        dtype: Any = np.float64,
    ):
        positive(inputs=inputs, outputs=outputs, size=size, stride=stride)
        if padding is not None and (not isinstance(padding, (int, np.integer)) or padding < 0):
            raise ValueError(f"padding must be an integer of at least 0, got {padding!r}")
        fan_in, fan_out = inputs * size * size, outputs * size * size
        self.weight = parameter(init((outputs, inputs, size, size), fan_in, fan_out, rng=rng, dtype=dtype))
        self.bias = parameter(np.zeros(outputs, dtype)) if bias else None
        self.stride, self.padding = stride, size // 2 if padding is None else padding

    def __call__(self, x: Any, *, training: bool = False, rng: np.random.Generator | None = None) -> Any:
        x = floats("Conv2d", x, self.weight.dtype)
        if x.ndim != 4 or x.shape[1] != self.weight.shape[1]:
            raise ValueError(
                f"Conv2d takes images (N, {self.weight.shape[1]}, H, W), got shape {x.shape}: add the axis of a single "
                "channel with x[:, None], bring channels to the front with x.transpose(0, 3, 1, 2)"
            )
        y = conv2d(x, self.weight, self.stride, self.padding)  # (N, outputs, H', W')
        return y if self.bias is None else y + self.bias.reshape((-1, 1, 1))


class Embedding(Module):
    """Rows of a table: integers (...) in [0, rows) become vectors (..., width).

    Raises TypeError for indices that are not integers, ValueError for indices out of range.
    """

    def __init__(self, rows: int, width: int, *, rng: np.random.Generator, scale: float = 1.0, dtype: Any = np.float64):
        positive(rows=rows, width=width)
        self.weight = parameter((scale * generator(rng).standard_normal((rows, width))).astype(dtype))

    def __call__(self, x: Any, *, training: bool = False, rng: np.random.Generator | None = None) -> Any:
        indices = np.asarray(x)
        if indices.dtype.kind not in "iu":
            raise TypeError(f"Embedding takes integers, got {indices.dtype}: convert with x.astype(int)")
        if indices.size and not 0 <= indices.min() <= indices.max() < len(self.weight):
            raise ValueError(
                f"Embedding has rows 0 to {len(self.weight) - 1}, got indices from {indices.min()} to {indices.max()}"
            )
        return self.weight[indices]


class Dropout(Module):
    """In training each entry becomes 0 with probability `rate`, others are divided by 1 - rate (Srivastava et al., 2014)."""

    def __init__(self, rate: float):
        if not 0 <= rate < 1:
            raise ValueError(f"rate must lie in [0, 1), got {rate}")
        self.rate = rate

    def __call__(self, x: Any, *, training: bool = False, rng: np.random.Generator | None = None) -> Any:
        x = floats("Dropout", x)
        if not training or self.rate == 0:
            return x
        if rng is None:
            raise ValueError("Dropout draws noise in training: pass rng=np.random.default_rng(seed) to the call")
        return dropout(x, generator(rng).random(x.shape), self.rate)


def dropout(x: Any, u: np.ndarray, rate: float) -> Any:
    """Dropout with its noise as input: uniforms u in [0, 1) of x's shape; entries with u < rate are dropped.

    Raises ValueError for noise of another shape, which would drop entries together, and a rate outside [0, 1).
    """
    x = floats("dropout", x)
    if np.shape(u) != x.shape or not 0 <= rate < 1:
        raise ValueError(f"dropout takes noise of shape {x.shape} and a rate in [0, 1), got {np.shape(u)} and {rate}")
    return x * ((u >= rate) / (1 - rate)).astype(x.dtype)
