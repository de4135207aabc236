r"""Initialisers: `initialiser(shape, fan_in, fan_out, rng=..., dtype=...)` returns an array.

Glorot and Bengio (2010) keep the variance of activations and gradients with $\mathrm{Var}(W) = 2/(\text{in}+\text{out})$; He et
al. (2015) correct for the half that relu cuts off, $\mathrm{Var}(W) = 2/\text{in}$.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from minidl.border import generator

Initialiser = Callable[..., np.ndarray]


def _uniform(shape, variance, rng, dtype):
    bound = math.sqrt(3 * variance)  # the variance of U(-b, b) is b^2 / 3
    return generator(rng).uniform(-bound, bound, shape).astype(dtype)


def _normal(shape, variance, rng, dtype):
    return (math.sqrt(variance) * generator(rng).standard_normal(shape)).astype(dtype)


def glorot_uniform(shape, fan_in, fan_out, *, rng: np.random.Generator, dtype=np.float64) -> np.ndarray:
    """Uniform with variance 2 / (fan_in + fan_out)."""
    return _uniform(shape, 2 / (fan_in + fan_out), rng, dtype)


def glorot_normal(shape, fan_in, fan_out, *, rng: np.random.Generator, dtype=np.float64) -> np.ndarray:
    """Normal with variance 2 / (fan_in + fan_out)."""
    return _normal(shape, 2 / (fan_in + fan_out), rng, dtype)


def he_uniform(shape, fan_in, fan_out, *, rng: np.random.Generator, dtype=np.float64) -> np.ndarray:
    """Uniform with variance 2 / fan_in."""
    return _uniform(shape, 2 / fan_in, rng, dtype)


def he_normal(shape, fan_in, fan_out, *, rng: np.random.Generator, dtype=np.float64) -> np.ndarray:
    """Normal with variance 2 / fan_in."""
    return _normal(shape, 2 / fan_in, rng, dtype)


def zeros(shape, fan_in=0, fan_out=0, *, rng: np.random.Generator | None = None, dtype=np.float64) -> np.ndarray:
    """All zeros."""
    return np.zeros(shape, dtype)
