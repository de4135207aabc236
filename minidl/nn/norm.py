r"""Normalisation: batch norm (Ioffe and Szegedy, 2015) and layer norm (Ba, Kiros and Hinton, 2016).

Both subtract a mean and divide by a standard deviation, over the batch or over the features:

$$\hat x = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}}, \qquad y = \gamma \hat x + \beta ,$$

$\sigma^2$ the biased variance. $\mu$ and $\sigma$ depend on x, and the gradient knows: with $m(\cdot)$ the mean over the same
entries,

$$\bar x = \frac{1}{\sqrt{\sigma^2+\epsilon}} \left( g - m(g) - \hat x\, m(g \hat x) \right), \qquad g = \gamma \bar y .$$
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minidl.autograd import Primitive, Tensor, sqrt
from minidl.nn.border import floats, positive
from minidl.nn.layers import parameter
from minidl.nn.module import Module


def _mean(a: Any, axes: tuple[int, ...]) -> Any:
    n = math.prod(a.shape[i] for i in axes)
    if type(a) is Tensor:
        return a.sum(axis=axes, keepdims=True) / n
    return np.add.reduce(a, axis=axes, keepdims=True) / n  # as a.mean, without its Python overhead


def moments(x: np.ndarray, axes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and biased variance of an array over `axes`, which stay with length 1."""
    mean = _mean(x, axes)
    centred = x - mean
    return mean, _mean(centred * centred, axes)


def _standardize_forward(a, *, axes, eps, mean, variance):
    scale = 1 / np.sqrt(variance + eps)
    return (a - mean) * scale, scale


def _standardize_rule(g, y, a, *, axes, eps, mean, variance, saved):
    if saved is None:
        centred = a - _mean(a, axes)
        saved = 1 / sqrt(_mean(centred * centred, axes) + eps)
    return saved * (g - _mean(g, axes) - y * _mean(g * y, axes))


_standardize = Primitive("standardize", _standardize_forward, _standardize_rule, saves=True)


def standardize(x: Any, axes: tuple[int, ...], eps: float) -> Any:
    r"""$(x - \mu) / \sqrt{\sigma^2 + \epsilon}$ with the mean and biased variance of x itself over `axes`."""
    x = floats("standardize", x)
    mean, variance = moments(x._value if type(x) is Tensor else x, axes)
    return _standardize(x, axes=axes, eps=float(eps), mean=mean, variance=variance)


class BatchNorm(Module):
    """Batch norm over all axes but axis 1: x (N, features) or (N, features, H, W).

    In training the batch's own statistics; else running ones, `running = (1 - momentum) * running + momentum * batch`, whose
    variance is the unbiased one, as in torch (Keras' momentum 0.99 is 0.01 here). A batch with one entry per feature has
    variance 0 and gives beta.
    """

    def __init__(self, features: int, *, momentum: float = 0.1, eps: float = 1e-5, dtype: Any = np.float64):
        positive(features=features)
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum must lie in [0, 1], got {momentum}")
        if not eps > 0:
            raise ValueError(f"eps must be positive, got {eps}")
        self.gamma = parameter(np.ones(features, dtype))
        self.beta = parameter(np.zeros(features, dtype))
        self.running_mean = np.zeros(features, dtype)
        self.running_variance = np.ones(features, dtype)
        self.momentum, self.eps = float(momentum), float(eps)  # a np.float64 would turn float32 into float64

    def __call__(self, x: Any, *, training: bool = False, rng: np.random.Generator | None = None) -> Any:
        x = floats("BatchNorm", x, self.gamma.dtype)
        if x.ndim < 2 or x.shape[1] != len(self.running_mean):
            raise ValueError(f"BatchNorm has {len(self.running_mean)} features on axis 1, got shape {x.shape}")
        if x.size == 0:
            raise ValueError(f"BatchNorm of an empty batch, shape {x.shape}")
        column = (-1,) + (1,) * (x.ndim - 2)  # the shape in which one number per feature broadcasts
        gamma, beta = self.gamma, self.beta
        if x.ndim > 2:
            gamma, beta = gamma.reshape(column), beta.reshape(column)
        if not training:
            scale = 1 / np.sqrt(self.running_variance.reshape(column) + self.eps)
            return (x - self.running_mean.reshape(column)) * scale * gamma + beta
        axes = (0, *range(2, x.ndim))
        mean, variance = moments(x._value if type(x) is Tensor else x, axes)
        self._remember(mean.reshape(-1), variance.reshape(-1), x.size // x.shape[1])
        return _standardize(x, axes=axes, eps=self.eps, mean=mean, variance=variance) * gamma + beta

    def _remember(self, mean: np.ndarray, variance: np.ndarray, n: int) -> None:
        old, new, dtype = 1 - self.momentum, self.momentum, self.running_mean.dtype
        self.running_mean = (old * self.running_mean + new * mean).astype(dtype, copy=False)
        variance = old * self.running_variance + (new * n / max(n - 1, 1)) * variance
        self.running_variance = variance.astype(dtype, copy=False)


class LayerNorm(Module):
    """Layer norm over the last axis: x (..., features)."""

    def __init__(self, features: int, *, eps: float = 1e-5, dtype: Any = np.float64):
        positive(features=features)
        if not eps > 0:
            raise ValueError(f"eps must be positive, got {eps}")
        self.gamma = parameter(np.ones(features, dtype))
        self.beta = parameter(np.zeros(features, dtype))
        self.eps = float(eps)

    def __call__(self, x: Any, *, training: bool = False, rng: np.random.Generator | None = None) -> Any:
        x = floats("LayerNorm", x, self.gamma.dtype)
        if x.shape[-1:] != self.gamma.shape:
            raise ValueError(f"LayerNorm has {len(self.gamma)} features on the last axis, got shape {x.shape}")
        return standardize(x, (x.ndim - 1,), self.eps) * self.gamma + self.beta
