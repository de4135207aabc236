"""How far weights are from the maximum margin, in three measures that keep their digits when the distance is small.

Source. Nacson et al., "Convergence of Gradient Descent on Separable Data", 2019, arXiv:1803.01905, section 4 (margin
gap); Soudry et al., "The Implicit Bias of Gradient Descent on Separable Data", 2018, theorem 5 (angle and direction).
"""

from __future__ import annotations

import numpy as np

from minidl.theory.margin import border


def margin_gap(z: np.ndarray, w: np.ndarray, margin: float) -> np.ndarray:
    r"""$\gamma - \min_n z_n \cdot w / \|w\|$: at least 0 but for rounding, above $\gamma$ where a row is on the wrong side.

    z: signed inputs (N, d); w: (d,) or (..., d), no zero vector; margin: $\gamma$ = `hard_margin(z).margin`. Returns a
    number or (...). Raises ValueError for shapes that do not fit, w = 0, NaN and infinity, TypeError for no numbers.
    """
    z = border.inputs("z", z)
    direction = unit(border.rows("w", w, z.shape[1]))  # (..., d)
    return border.positive("margin", margin) - (direction @ z.T).min(axis=-1)


def direction_gap(w: np.ndarray, w_hat: np.ndarray) -> np.ndarray:
    r"""$\| w / \|w\| - \hat w / \|\hat w\| \|$, between 0 and 2. w: (..., d), w_hat: (d,). Raises as `margin_gap`."""
    w = border.rows("w", w)
    return np.linalg.norm(unit(w) - unit(_one("w_hat", w_hat, w.shape[-1])), axis=-1)


def angle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The angle between a (..., d) and b (d,), in [0, pi], to eps. Raises as `margin_gap`.

    By the sine and the cosine: the arc cosine of a . b = 1 - angle^2 / 2 would lose half of the digits.
    """
    a = border.rows("a", a)
    b = unit(_one("b", b, a.shape[-1]))
    a = unit(a)
    cosine = a @ b  # (...)
    sine = np.linalg.norm(a - cosine[..., None] * b, axis=-1)
    return np.arctan2(sine, cosine)


def unit(w: np.ndarray) -> np.ndarray:
    """w / ||w|| along the last axis, without overflow."""
    w = w / np.abs(w).max(axis=-1, keepdims=True)
    return w / np.linalg.norm(w, axis=-1, keepdims=True)


def _one(name: str, value: np.ndarray, d: int) -> np.ndarray:
    return border.rows(name, border.weights(name, value, d), d)
