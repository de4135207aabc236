r"""Weight decay on networks with one hidden layer: the objective, its gradient, and its optimum over every width.

$$L(\theta) = \frac1N \sum_{i=1}^N (h(x_i) - y_i)^2 + \lambda C , \qquad C = \tfrac12 \sum_i (w_i^2 + v_i^2) .$$

With half the *sum* of squares in the place of the mean, and $\mu C$, the optimum is the same for $\mu = \lambda N / 2$. See
`minidl.theory.infinite_width` for the claim and the source.
"""

from __future__ import annotations

import numpy as np

from minidl.theory.infinite_width import border
from minidl.theory.infinite_width.border import no_overflow
from minidl.theory.infinite_width.interpolation import minimum_norm
from minidl.theory.infinite_width.projection import onto_polytope
from minidl.theory.infinite_width.relu_line import network, weight_cost
from minidl.theory.infinite_width.results import DecayOptimum, Network


@no_overflow
def objective(
    x: np.ndarray, y: np.ndarray, w: np.ndarray, b: np.ndarray, v: np.ndarray, b0: float, decay: float
) -> float:
    r"""$\frac1N \sum_i (h(x_i) - y_i)^2 + \lambda C$. x, y: (N,), N >= 1, in any order; w, b, v: (k,); decay: $\lambda \ge 0$.

    Raises ValueError for other shapes, a negative decay, NaN and infinity; TypeError for what is no number.
    """
    x, y = border.data(x, y, ascending=False)
    error = network(x, w, b, v, b0) - y  # (N,)
    return float(error @ error / len(x) + border.number("decay", decay, 0) * weight_cost(w, v))


@no_overflow
def objective_gradient(
    x: np.ndarray, y: np.ndarray, w: np.ndarray, b: np.ndarray, v: np.ndarray, b0: float, decay: float
) -> Network:
    r"""The derivatives of `objective` by w, b, v (k,) and b0. Biases do not decay. At its kink a unit counts as not active.

    With $e_i = \frac2N (h(x_i) - y_i)$ and $a_{ij} = \mathbf 1[w_j x_i + b_j > 0]$:

    $$\bar w_j = v_j \sum_i e_i a_{ij} x_i + \lambda w_j, \quad \bar b_j = v_j \sum_i e_i a_{ij}, \quad
      \bar v_j = \sum_i e_i [w_j x_i + b_j]_+ + \lambda v_j, \quad \bar b_0 = \sum_i e_i .$$

    Arguments and errors as `objective`.
    """
    x, y = border.data(x, y, ascending=False)
    w, b, v, b0 = border.units(w, b, v, b0)
    decay = border.number("decay", decay, 0)
    before = np.outer(x, w) + b  # (N, k)
    hidden = np.maximum(before, 0)  # (N, k)
    error = 2 / len(x) * (hidden @ v + b0 - y)  # (N,)
    back = np.outer(error, v) * (before > 0)  # (N, k)
    return Network(x @ back + decay * w, back.sum(axis=0), error @ hidden + decay * v, float(error.sum()))


@no_overflow
def decay_optimum(x: np.ndarray, y: np.ndarray, decay: float) -> DecayOptimum:
    r"""$\min_h \frac1N \sum_i (h(x_i) - y_i)^2 + \lambda \bar R(h)$ over networks of every width: convex, and solved exactly.

    A network costs $\sum |a|$, the sum over its units $a\,[\pm(x - t)]_+$, and units that bend at data points are enough.
    So the fitted values are $y - r$, where the residual r is the projection of y onto the polytope of all r with
    $\sum_i r_i = 0$ that no unit can reduce at a profit: $|\sum_i r_i [\pm(x_i - x_j)]_+| \le \lambda N / 2$ for all j
    (the lasso's dual).

    x, y: (N,), N >= 1, x ascending; equal x may have different y. decay: $\lambda > 0$.
    Raises ValueError for unsorted x, a decay that is not positive, other shapes, NaN and infinity; TypeError for what is
    no number; RuntimeError if rounding keeps the projection from ending (points that are nearly equal).
    """
    x, y = border.data(x, y)
    if (decay := border.number("decay", decay, 0)) == 0:
        raise ValueError("decay must be positive, got 0: without decay, minimum_norm is what is left")
    at, first = np.unique(x, return_index=True)  # (U,)
    right, left = np.maximum(x[:, None] - at[:-1], 0), np.maximum(at[1:] - x[:, None], 0)  # (N, U - 1) each
    units = np.concatenate([right, left], axis=1)  # (N, 2U - 2)
    residual = onto_polytope(y - y.mean(), units - units.mean(axis=0), decay * len(x) / 2)  # (N,)
    fitted = y - residual
    norm = minimum_norm(at, fitted[first]).norm
    return DecayOptimum(fitted, norm, float(residual @ residual / len(x) + decay * norm))
