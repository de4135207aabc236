r"""How well a machine fits data when its likelihood cannot be had: two numbers to watch, neither of which is the likelihood.

$$\mathrm{PL}(x) = \sum_i \log p(x_i \mid x_{-i}) = -\sum_i \mathrm{sp}(F(x) - F(\tilde x^{(i)})), \qquad
  \tilde x^{(i)} = x \text{ with unit } i \text{ flipped}$$

The pseudo-likelihood needs no $Z$ and is greatest at the data's distribution, if the machine can represent it. The
reconstruction error falls even while the likelihood does: a chain that does not move reconstructs perfectly.

Source. Besag, "Statistical Analysis of Non-Lattice Data", 1975; Hinton, "A Practical Guide to Training Restricted
Boltzmann Machines", 2010, section 5.
"""

from __future__ import annotations

import numpy as np

from minidl.energy import border
from minidl.energy.units import sigmoid, softplus


def reconstruction_error(
    x: np.ndarray, W: np.ndarray, b: np.ndarray, a: np.ndarray, *, allow_probabilities: bool = False
) -> float:
    """The mean squared difference, per unit, between x (N, n_V) and its reconstruction by way of p(h = 1 | x), unsampled."""
    W, b, a = border.parameters(W, b, a)
    x = border.batch("x", x, W.shape[0], W.dtype, probabilities=allow_probabilities)
    back = sigmoid(sigmoid(x @ W + a) @ W.T + b)  # (N, n_V)
    return float(np.mean((x - back) ** 2))


def log_pseudo_likelihood(x: np.ndarray, W: np.ndarray, b: np.ndarray, a: np.ndarray) -> np.ndarray:
    """The log of each unit's probability given all others, summed over the units: exact. x: (N, n_V). Returns (N,).

    It costs N n_V n_H evaluations: give it a sample of the rows. Raises ValueError for data that are not binary and
    shapes that do not fit.
    """
    W, b, a = border.parameters(W, b, a)
    x = border.batch("x", x, W.shape[0], W.dtype)
    total = np.empty(len(x), W.dtype)
    for n, row in enumerate(x):
        inputs = row @ W + a  # (n_H,)
        flip = 1 - 2 * row  # (n_V,) what flipping unit i adds to it
        # minus the change of the free energy when unit i is flipped, (n_V,)
        gain = flip * b + (softplus(inputs + flip[:, None] * W) - softplus(inputs)).sum(axis=1)
        total[n] = -softplus(gain).sum()
    return total
