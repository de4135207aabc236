r"""Dynamic time warping of degree sequences: the cheapest alignment of two sequences that keeps their order.

Equations. The cost of putting degree a on degree b compares them by their ratio, so that 1 and 2 are as different as
101 and 202; between runs (degree, count) it is weighted by the longer run:

$$d_\varepsilon(a, b) = \frac{\max(a, b) + \varepsilon}{\min(a, b) + \varepsilon} - 1, \qquad
  d'_\varepsilon(a, b) = d_\varepsilon(a_0, b_0) \max(a_1, b_1)$$

$$D_{0,0} = 0, \quad D_{i,0} = D_{0,j} = \infty, \quad
  D_{i,j} = c(A_i, B_j) + \min(D_{i-1,j}, D_{i,j-1}, D_{i-1,j-1}), \qquad g(A, B) = D_{p,r}$$

Notation. A sequence is degrees (p,), or runs (p, 2) of (degree, count); in one comparison both are of one form. p: the
length of A, r: the length of B. No window, no slope constraint, no division by the length of the path.

Conventions. The paper has $\varepsilon = 0$, the authors' code 0.5; with 0 a degree of 0 is refused. The authors' code
approximates DTW by FastDTW with radius 1 (an upper bound); here it is exact.

Source. Ribeiro, Saverese, Figueiredo, "struc2vec", KDD 2017, sections 3.1 and 3.5 (runs). DTW: Sakoe, Chiba,
"Dynamic programming algorithm optimization for spoken word recognition", 1978.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.graphs import border


def degree_cost(a: Any, b: Any, epsilon: float = 0.0) -> np.ndarray:
    """d(a, b) of degrees, entry by entry with broadcasting, float64. ValueError for degree 0 with epsilon 0."""
    epsilon = border.number("epsilon", epsilon)
    a, b = _degrees("a", a, epsilon), _degrees("b", b, epsilon)
    return np.abs(a - b) / (np.minimum(a, b) + epsilon)  # without the subtraction of 1, which would cancel


def run_cost(a: Any, b: Any, epsilon: float = 0.0) -> np.ndarray:
    """d'(a, b) of runs (..., 2) of (degree, count), with broadcasting of the leading axes, float64.

    Raises ValueError for other shapes, counts below 1, and degree 0 with epsilon 0.
    """
    a, b = _runs("a", a), _runs("b", b)
    return degree_cost(a[..., 0], b[..., 0], epsilon) * np.maximum(a[..., 1], b[..., 1])


def cost_matrix(a: Any, b: Any, epsilon: float = 0.0) -> np.ndarray:
    """The cost of each element of a against each of b, (p, r) float64. a, b: both (p,) degrees or both (p, 2) runs."""
    a, b = np.asarray(a), np.asarray(b)
    if a.ndim != b.ndim or a.ndim not in (1, 2) or 0 in (len(a), len(b)):
        raise ValueError(
            "a and b must both be degrees (p,) or both be runs (p, 2), and not empty, got shapes "
            f"{a.shape} and {b.shape}"
        )
    cost = degree_cost if a.ndim == 1 else run_cost
    return cost(a[:, None], b[None, :], epsilon)


def dtw_table(a: Any, b: Any, epsilon: float = 0.0) -> np.ndarray:
    """The whole table D, (p + 1, r + 1) float64, infinite on its first row and column but for D[0, 0] = 0."""
    cost = cost_matrix(a, b, epsilon)
    D = np.full((cost.shape[0] + 1, cost.shape[1] + 1), np.inf)
    D[0, 0] = 0.0
    for i in range(1, D.shape[0]):
        for j in range(1, D.shape[1]):
            D[i, j] = cost[i - 1, j - 1] + min(D[i - 1, j], D[i, j - 1], D[i - 1, j - 1])
    return D


def dtw(a: Any, b: Any, epsilon: float = 0.0) -> float:
    """g(a, b), the cost of the cheapest alignment, with two rows of the table. Raises as `cost_matrix`."""
    return warp(cost_matrix(a, b, epsilon))


def dtw_path(table: np.ndarray) -> np.ndarray:
    """A cheapest alignment of a filled table: pairs (i, j) from (0, 0) to (p - 1, r - 1), (length, 2) int64.

    Among equals the diagonal step is taken, then the step in a. Raises ValueError for what is not a table of
    `dtw_table`.
    """
    table = np.asarray(table, np.float64)
    if table.ndim != 2 or min(table.shape) < 2 or table[0, 0] != 0 or not np.isfinite(table[1:, 1:]).all():
        raise ValueError(f"expected a table (p + 1, r + 1) of dtw_table, got shape {table.shape}")
    i, j = table.shape[0] - 1, table.shape[1] - 1
    path = []
    while i and j:
        path.append((i - 1, j - 1))
        i, j = min(((i - 1, j - 1), (i - 1, j), (i, j - 1)), key=lambda cell: table[cell])
    return np.array(path[::-1])


def warp(cost: np.ndarray) -> float:
    """The cheapest path through a matrix of costs (p, r) from corner to corner. Not checked."""
    above = None
    for row in cost.tolist():  # Python floats: the recurrence is sequential, and they are the quicker scalars
        if above is None:
            left, current = 0.0, []
            for c in row:
                left += c
                current.append(left)
        else:
            diagonal = left = np.inf
            current = []
            for c, up in zip(row, above, strict=True):
                left = c + min(up, left, diagonal)
                diagonal = up
                current.append(left)
        above = current
    return float(above[-1])


def _degrees(name: str, value: Any, epsilon: float) -> np.ndarray:
    value = np.asarray(value)
    if value.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold degrees, got {value.dtype}")
    if not (value >= 0).all() or not np.isfinite(value).all():
        raise ValueError(f"{name} must hold finite degrees of at least 0")
    if epsilon == 0 and (value == 0).any():
        raise ValueError(f"{name} has degree 0, whose ratio to any other is infinite: use epsilon > 0, such as 0.5")
    return value.astype(np.float64, copy=False)


def _runs(name: str, value: Any) -> np.ndarray:
    value = np.asarray(value)
    if value.ndim == 0 or value.shape[-1] != 2:
        raise ValueError(f"{name} must hold runs (degree, count) along its last axis, got shape {value.shape}")
    if not (value[..., 1] >= 1).all():
        raise ValueError(f"{name} must have counts of at least 1")
    return value
