r"""Deep linear networks $x \mapsto W_L \cdots W_1 x$ with one output, and the flow of the vector that they compute.

Gradient flow of the layers keeps $W_{l+1}^\top W_{l+1} - W_l W_l^\top$ constant. Where these are 0, the network is
balanced, and its end-to-end vector $w = (W_L \cdots W_1)^\top$ follows an equation of its own: with $g = \nabla L(w)$,

$$\dot W_l = -(W_L \cdots W_{l+1})^\top g^\top (W_{l-1} \cdots W_1)^\top, \qquad
\dot w = -\|w\|^{2 - 2/L} \Bigl( g + (L - 1) \frac{w w^\top}{\|w\|^2} g \Bigr) .$$

On separable data its direction has the limit of the linear model's.

Source. Arora, Cohen, Hazan, "On the Optimization of Deep Networks", 2018, arXiv:1802.06509, theorem 1 and claim 2; Ji,
Telgarsky, "Gradient descent aligns the layers of deep linear networks", 2019, arXiv:1810.02032 (the limit).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minidl.theory.margin import border


class Layers(NamedTuple):
    """The matrices of a deep linear network of L >= 2 layers and width h, or something of their shapes."""

    first: np.ndarray  # (h, d) W_1
    hidden: np.ndarray  # (L - 2, h, h) W_2, ..., W_(L-1)
    last: np.ndarray  # (1, h) W_L


def deep_flow_velocity(w: np.ndarray, gradient: np.ndarray, layers: int) -> np.ndarray:
    """dw/dt of the end-to-end vector of a balanced network of L = layers >= 1 layers, (d,). L = 1: -gradient.

    w, gradient: (d,), the latter that of the loss at w. At w = 0 it is 0 for L >= 2: a saddle. Raises ValueError for
    other shapes, layers < 1, NaN and infinity, TypeError for layers that are no integer and for no numbers.
    """
    layers = border.count("layers", layers)
    w = _vector("w", w)
    return velocity(w, border.weights("gradient", gradient, len(w)), layers)


def velocity(w: np.ndarray, gradient: np.ndarray, layers: int) -> np.ndarray:
    """`deep_flow_velocity` of checked arguments."""
    if layers == 1:
        return -gradient
    norm = np.linalg.norm(w)
    if norm == 0:
        return np.zeros_like(w)
    v = w / norm
    return -(norm ** (2 - 2 / layers)) * (gradient + (layers - 1) * (v @ gradient) * v)


def balanced_layers(w: np.ndarray, layers: int, width: int | None = None) -> Layers:
    """Balanced matrices of rank one whose product is w: their first units carry the factors ||w||^(1/L).

    w: (d,); layers: L >= 2; width: h >= 1, d if not given. Raises as `deep_flow_velocity`, and ValueError for one
    layer.
    """
    w, layers = _vector("w", w), border.count("layers", layers, 2)
    h = border.count("width", len(w) if width is None else width)
    norm = np.linalg.norm(w)
    size = norm ** (1 / layers)
    one = np.eye(h)[:1]  # (1, h)
    return Layers(
        size * one.T @ (w[None] / (norm or 1.0)),
        np.tile(size * one.T @ one, (layers - 2, 1, 1)),
        size * one,
    )


def end_to_end(first: np.ndarray, hidden: np.ndarray, last: np.ndarray) -> np.ndarray:
    """The vector w (d,) with W_L ... W_1 = w^T.

    first: W_1 (h, d); hidden: W_2, ..., W_(L-1) (L - 2, h, h); last: W_L (1, h). Raises ValueError for shapes that do
    not fit, NaN and infinity, TypeError for no numbers.
    """
    product, *others = _checked(first, hidden, last)
    for matrix in others:
        product = matrix @ product
    return product[0]


def layer_velocities(first: np.ndarray, hidden: np.ndarray, last: np.ndarray, gradient: np.ndarray) -> Layers:
    """dW_l/dt = minus the gradient of the loss by each layer, given that by the end-to-end vector, gradient (d,).

    Any layers, balanced or not. Shapes and errors as `end_to_end`.
    """
    matrices = _checked(first, hidden, last)
    gradient = border.weights("gradient", gradient, matrices[0].shape[1])
    below = [gradient]  # W_(l-1) ... W_1 g, (h,)
    for matrix in matrices[:-1]:
        below.append(matrix @ below[-1])
    above = [np.ones(1)]  # (W_L ... W_(l+1))^T, (h,), from the last layer down
    for matrix in matrices[:0:-1]:
        above.append(above[-1] @ matrix)
    first, *inner, last = [-np.outer(a, b) for a, b in zip(reversed(above), below, strict=True)]
    return Layers(first, np.array(inner).reshape(np.shape(hidden)), last)


def _vector(name: str, value: np.ndarray) -> np.ndarray:
    array = border.real(name, value)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must be a vector (d,) with at least one entry, got shape {array.shape}")
    return array


def _checked(first: np.ndarray, hidden: np.ndarray, last: np.ndarray) -> list[np.ndarray]:
    first, hidden, last = border.real("first", first), border.real("hidden", hidden), border.real("last", last)
    h = len(first) if first.ndim == 2 else 0
    if 0 in (h, *first.shape) or hidden.shape[1:] != (h, h) or hidden.ndim != 3 or last.shape != (1, h):
        raise ValueError(
            "first, hidden and last must be (h, d), (L - 2, h, h) and (1, h), h and d at least 1, got shapes "
            f"{first.shape}, {hidden.shape}, {last.shape}; for two layers hidden is np.zeros((0, h, h))"
        )
    return [first, *hidden, last]
