r"""The constraints $X\beta = y$ with orthonormal rows: what all interpolants share, whatever they minimise.

$X = T^{-1} U S V^\top$, T a power of 2 for each row, so that a small row does not count as rounding. Then $X \beta = y$
is $V_r^\top \beta = S_r^{-1} U_r^\top T y$ over the r singular values above rounding, with $V_r^\top = S_r^{-1}
U_r^\top T X$, and its dual $\mu$ belongs to $\nu = T U_r S_r^{-1} \mu$ of the examples: $X^\top \nu = V_r \mu$. Rows
that depend on others vanish; whether their targets fit is checked.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minidl.theory.kernel_rich import border

EPS = np.finfo(float).eps


class Rows(NamedTuple):
    """x beta = y with orthonormal rows, and the factors that carry duals over from the examples and back."""

    x: np.ndarray  # (r, d)
    y: np.ndarray  # (r,)
    scaled: np.ndarray  # (n, r) T^-1 U S
    inverse: np.ndarray  # (n, r) T U S^-1
    shortest: np.ndarray  # (d,) the solution of least L2 norm

    def dual_of_rows(self, dual: np.ndarray) -> np.ndarray:
        """(r,) from the dual of the examples (n,)."""
        return dual @ self.scaled

    def dual_of_examples(self, dual: np.ndarray) -> np.ndarray:
        """(n,) from the dual of these rows (r,)."""
        return self.inverse @ dual


def orthonormal_rows(x: Any, y: Any) -> Rows:
    """From x (n, d) and y (n,), in float64. Raises ValueError for targets that no beta fits."""
    x, y = (array.astype(np.float64) for array in border.examples(x, y))
    largest = np.abs(x).max(axis=1)  # (n,)
    unit = np.exp2(-np.round(np.log2(np.where(largest > 0, largest, 1))))  # (n,) T
    x, y = x * unit[:, None], y * unit
    left, singular, right = np.linalg.svd(x, full_matrices=False)
    kept = singular > max(x.shape) * EPS * singular[0]
    left, singular, right = left[:, kept], singular[kept], right[kept]
    y_of_rows, inverse = y @ left / singular, left / singular  # (r,), (n, r)
    shortest = y_of_rows @ right  # (d,)
    # right has errors as large as those of the largest column in every column, the product only its own
    rows = Rows(inverse.T @ x, y_of_rows, left * singular / unit[:, None], inverse * unit[:, None], shortest)
    misfit = np.abs(x @ shortest - y)  # (n,)
    size = np.linalg.norm(x, axis=1) * np.linalg.norm(shortest) + np.linalg.norm(y)  # (n,)
    excess = misfit - 16 * max(x.shape) * EPS * size  # beyond the residual of a backward stable solution
    if (excess > 0).any():
        k = int(np.argmax(excess))
        raise ValueError(
            f"no beta has X beta = y: the nearest misses y[{k}] = {y[k] / unit[k]:g} by {misfit[k] / unit[k]:.3g} "
            f"({len(x)} examples of rank {kept.sum()} in {x.shape[1]} dimensions). Drop contradictory rows, or add features"
        )
    return rows
