r"""The interpolant of least L1 norm, the rich regime's end, exactly: by the simplex method, with a certificate.

$\min \|\beta\|_1$ subject to $X\beta = y$ has a solution with at most as many non-zeros as X has rank. Any set B of
that many independent columns gives one candidate, $\beta_B = X_B^{-1} y$, and with its signs $\sigma$ one dual vector,
$\lambda = X_B^{-\top}\sigma$. Since

$$ \langle y, \lambda \rangle = \langle \beta, X^\top \lambda \rangle \le \|\beta\|_1
   \quad\text{for all interpolants, where } \|X^\top \lambda\|_\infty \le 1, $$

the candidate is optimal as soon as no column has $|x_j^\top \lambda| > 1$. Otherwise the column that violates this most
enters: along its direction the norm is convex and piecewise linear, its slope changes where an entry crosses 0, and the
entry at the minimum leaves. Where entries of the candidate are 0 such steps may have length 0 and go in circles. So the
targets are first moved a little, to where no entry is 0; the vertex found is nearly always optimal for the true ones
too. Where it is not, the method goes on from there, with Bland's rule after a step of length 0 (first column, first
entry), which cannot cycle.

Source. Barrodale, Roberts, "An Improved Algorithm for Discrete L1 Linear Approximation", 1973, for the step through
several signs; Bland, "New Finite Pivoting Rules for the Simplex Method", 1977.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minidl.theory.kernel_rich.constraints import EPS, orthonormal_rows
from minidl.theory.kernel_rich.results import LeastL1


def min_l1(x: Any, y: Any) -> LeastL1:
    r"""An interpolant of least L1 norm: the only one, or one of several, with at most rank X non-zeros.

    x: (n, d), y: (n,). Returns beta (d,); dual (n,) with $\|X^\top \lambda\|_\infty \le 1$, which certifies it; and gap
    = $\|\beta\|_1 - \langle y, \lambda\rangle$, a few roundings. Raises ValueError for targets that no beta fits.
    """
    rows = orthonormal_rows(x, y)
    columns, targets = rows.x.T, rows.y  # (d, r), (r,)
    at = _Vertex(_independent(columns, targets @ rows.x), np.ones(len(targets)))
    generic = 0.5 + np.arange(len(targets)) * (5**0.5 - 1) / 2 % 1  # (r,) a sequence without repetition
    apart = targets + 1e-6 * np.abs(targets).max(initial=0) * generic @ columns[at.basis]
    at = _simplex(columns, targets, _simplex(columns, apart, at))
    beta = np.zeros(len(columns))
    beta[at.basis] = np.linalg.solve(columns[at.basis].T, targets)
    dual = rows.dual_of_examples(np.linalg.solve(columns[at.basis], at.signs))
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    dual = dual / max(1.0, np.abs(dual @ x).max())
    return LeastL1(beta, dual, float(np.abs(beta).sum() - y @ dual))


class _Vertex(NamedTuple):
    """r columns, and the signs of their entries; of an entry that is 0 either sign will do."""

    basis: np.ndarray
    signs: np.ndarray


def _simplex(columns: np.ndarray, targets: np.ndarray, at: _Vertex) -> _Vertex:
    """From this vertex to one where no column (d, r) violates |x_j . lambda| <= 1."""
    basis, signs, stuck = at.basis.copy(), at.signs.copy(), False
    for _ in range(100 * len(columns)):
        square = columns[basis].T  # (r, r)
        values = np.linalg.solve(square, targets)  # (r,)
        values[np.abs(values) <= 16 * len(values) * EPS * np.abs(values).max(initial=0)] = 0
        signs = np.where(values == 0, signs, np.sign(values))
        dual = np.linalg.solve(square.T, signs)  # (r,)
        slopes = columns @ dual  # (d,)
        slopes[basis] = signs
        violating = np.flatnonzero(np.abs(slopes) > 1 + 16 * len(values) * EPS * max(1.0, np.linalg.norm(dual)))
        if not len(violating):
            return _Vertex(basis, signs)
        enters = violating[0] if stuck else violating[np.argmax(np.abs(slopes[violating]))]
        sign = np.sign(slopes[enters])
        fall = sign * np.linalg.solve(square, columns[enters])  # (r,)
        leaves, crossed, length = _line_minimum(values, signs, fall, 1 - abs(slopes[enters]), basis, stuck)
        signs[crossed] *= -1
        basis[leaves], signs[leaves] = enters, sign
        stuck = length == 0
    raise RuntimeError("the simplex method did not end: are columns of x equal to within rounding?")


def _independent(columns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """r independent columns of (d, r), those of large weight (d,) first: Gram-Schmidt with pivoting."""
    left = columns * (np.abs(weights) + 1e-3 * np.abs(weights).max() + np.finfo(float).tiny)[:, None]
    left /= np.abs(left).max(initial=np.finfo(float).tiny)
    chosen = []
    for _ in range(columns.shape[1]):
        lengths = np.einsum("dr,dr->d", left, left)
        lengths[chosen] = -1
        chosen.append(int(np.argmax(lengths)))
        direction = left[chosen[-1]] / np.linalg.norm(left[chosen[-1]])
        for _ in range(2):  # twice is enough for orthogonality to rounding
            left = left - np.outer(left @ direction, direction)
    return np.array(chosen, dtype=int)


def _line_minimum(
    values: np.ndarray, signs: np.ndarray, fall: np.ndarray, slope: float, basis: np.ndarray, first: bool
) -> tuple[int, list[int], float]:
    """Where |values - t fall|, with the entering one, is least for t >= 0: the entry at 0 there, those past 0, and t.

    slope: at t = 0, negative. first: stop at the first crossing, of the entry with the smallest column (Bland's rule).
    """
    toward = fall * signs > 16 * len(fall) * EPS * np.abs(fall).max()
    at = np.maximum(np.where(toward, values * signs, 0) / np.where(toward, np.abs(fall), 1), 0)  # (r,) when it is at 0
    candidates = np.flatnonzero(toward)
    order = candidates[np.lexsort((basis[candidates], at[candidates]))]
    crossed: list[int] = []
    for k in order:
        slope += 2 * abs(fall[k])
        if slope >= 0 or first:
            return int(k), crossed, float(at[k])
        crossed.append(int(k))
    return crossed[-1], crossed[:-1], float(at[crossed[-1]])  # rounding in the slope: the last crossing is the minimum
