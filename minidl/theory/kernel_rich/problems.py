r"""The sparse regression on which scale and generalisation are compared: $y = X\beta^* + \text{noise}$, $\beta^*$ sparse.

Source. Woodworth et al., "Kernel and Rich Regimes in Overparametrized Models", 2020, the sparse regression experiment:
d = 1000, n = 100 standard normal inputs, 5 entries of $1/\sqrt 5$, label noise of variance 0.01.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.border import count, generator
from minidl.theory.kernel_rich import border
from minidl.theory.kernel_rich.results import Problem


def sparse_regression(x: Any, noise: Any, sparsity: int = 5) -> Problem:
    r"""Targets $y = X\beta^* + $ noise, $\beta^* = 1/\sqrt{s}$ on the first s = sparsity entries, so of norm 1.

    x: (n, d), noise: (n,). Returns x, y (n,), beta (d,). Raises ValueError for a sparsity above d.
    """
    x = border.real("x", x, "n", "d")
    x, noise = border.common(x, border.real("noise", noise, len(x)))
    if count("sparsity", sparsity) > x.shape[1]:
        raise ValueError(f"sparsity must be at most d = {x.shape[1]}, the number of features, got {sparsity}")
    beta = np.zeros(x.shape[1], x.dtype)
    beta[:sparsity] = sparsity**-0.5
    return Problem(x, x @ beta + noise, beta)


def draw_sparse_regression(
    n: int = 100, d: int = 1000, sparsity: int = 5, noise_variance: float = 0.01, *, rng: np.random.Generator
) -> Problem:
    """`sparse_regression` on standard normal inputs (n, d) and noise of this variance (0 or more), in that order."""
    n, d, rng = count("n", n), count("d", d), generator(rng)
    if noise_variance != 0:  # without noise is a case of its own
        border.number("noise_variance", noise_variance)
    x = rng.standard_normal((n, d))
    return sparse_regression(x, np.sqrt(noise_variance) * rng.standard_normal(n), sparsity)
