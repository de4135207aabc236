r"""The hard-margin support vector machine, exactly: what training converges to.

$$\hat w = \arg\min \|w\|^2 \ \text{ s.t. }\ Z w \ge 1, \qquad \hat w = Z^\top \alpha,\ \alpha \ge 0,\
\alpha_n (z_n \cdot \hat w - 1) = 0, \qquad \gamma = 1 / \|\hat w\| = \max_{\|v\| = 1} \min_n z_n \cdot v .$$

Least-distance programming turns it into non-negative least squares: with $E = [Z^\top; \mathbf 1^\top]$ (d + 1, N),
$f = e_{d+1}$ and $r = E u - f$ at the optimum $u \ge 0$,

$$\hat w = -r_{1:d} / r_{d+1}, \qquad \alpha = -u / r_{d+1}, \qquad \|r\| = \gamma / \sqrt{1 + \gamma^2},$$

so that r = 0 says that no w has Z w > 0: then $u / \sum u$ are weights of a convex combination of the rows that is
zero, which is a certificate that anybody can check.

Digits. r is small where the margin is, and its last entry, about $\gamma^2$, would be a difference of ones. So the rows
are divided by the margin found, until that is about 1, and of u only where it is positive is used: these support
vectors, which are linearly independent, give $\hat w$ as the solution of least norm of $Z_S w = 1$, with an error of eps
times their condition.

Source. Lawson, Hanson, "Solving Least Squares Problems", 1974, chapter 23, algorithm LDP; Vapnik, "The Nature of
Statistical Learning Theory", 1995, section 5.4 (the machine, without its bias).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minidl.theory.margin import border
from minidl.theory.margin.non_negative import nnls

SMALLEST_MARGIN = 1e-9  # of rows of norm 1; below it the data count as not separable


class HardMargin(NamedTuple):
    """The hard-margin solution."""

    w: np.ndarray  # (d,) w_hat, with min_n z_n . w = 1
    dual: np.ndarray  # (N,) alpha >= 0, w = Z^T alpha
    margin: float  # gamma = 1 / ||w||


class NotSeparable(ValueError):
    """No w has Z w > 0. certificate: weights (N,) >= 0 with sum 1 of rows of z whose combination is zero."""

    def __init__(self, message: str, certificate: np.ndarray | None = None):
        super().__init__(message)
        self.certificate = certificate


def hard_margin(z: np.ndarray) -> HardMargin:
    r"""$\hat w$, $\alpha$ and $\gamma$ of signed inputs z (N, d).

    Where support vectors are linearly dependent $\alpha$ is not unique, and one of its values is given; $\hat w$ is.
    Raises `NotSeparable` (a ValueError) with a certificate where no w has Z w > 0, or a margin on rows divided by their
    norms below 1e-9; ValueError for other shapes, zero rows, NaN and infinity, TypeError for what holds no real
    numbers.
    """
    z = border.inputs("z", z)
    norms = np.linalg.norm(z, axis=1)  # (N,)
    u = _least_distance(z / norms[:, None])  # separable or not is a matter of the rows' directions alone
    margin = np.linalg.norm((u / norms) @ z) / u.sum()
    if margin <= SMALLEST_MARGIN:
        raise _not_separable(z, u / norms)
    u = _least_distance(z / (norms.min() * margin))  # a length that the margin has at least
    return _of_support(z, norms, u > 0)


def _least_distance(z: np.ndarray) -> np.ndarray:
    """u (N,) of these rows."""
    f = np.append(np.zeros(z.shape[1]), 1.0)
    return nnls(np.concatenate([z.T, np.ones((1, len(z)))]), f).x


def _of_support(z: np.ndarray, norms: np.ndarray, support: np.ndarray) -> HardMargin:
    """The solution of least norm of Z_S w = 1, and its dual; rows of norm 1 are solved for."""
    rows = z[support] / norms[support, None]  # (m, d)
    w = np.linalg.lstsq(rows, 1 / norms[support], rcond=None)[0]
    dual = np.zeros(len(z))
    dual[support] = np.maximum(np.linalg.lstsq(rows.T, w, rcond=None)[0], 0) / norms[support]
    return HardMargin(w, dual, float(1 / np.linalg.norm(w)))


def _not_separable(z: np.ndarray, weights: np.ndarray) -> NotSeparable:
    certificate = weights / weights.sum()
    rows = np.flatnonzero(certificate)
    shown = ", ".join(map(str, rows[:6])) + (", ..." if len(rows) > 6 else "")
    return NotSeparable(
        f"z is not separable: with the weights in .certificate, its rows {shown} add up to a vector of length "
        f"{np.linalg.norm(certificate @ z):.1e}, so that no w has a positive margin on all of them. Check the labels, append "
        "a constant 1 for a bias, or add features",
        certificate,
    )
