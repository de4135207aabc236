"""Products of layers by hand: sums over paths, one entry or one layer at a time, in long double."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.laws.core import Case, Cases
from minidl.laws.margin_convergence.clocks import LONG

ARORA = "Arora, Cohen, Hazan, On the Optimization of Deep Networks, ICML 2018"
ULPS = 8  # per layer and unit


# --- cases -------------------------------------------------------------------------------------------------------------
def vectors(seed: int, d: int, layers: int) -> Case:
    """A vector, a gradient, and how many layers."""
    rng = np.random.default_rng(seed)
    w, gradient = (np.round(rng.normal(size=d), 2) + 0.005 for _ in range(2))
    return {"w": w, "gradient": gradient, "layers": layers}


def _drawn_vectors():
    from hypothesis import strategies as st

    return st.builds(vectors, st.integers(0, 9999), st.integers(1, 5), st.integers(1, 6))


VELOCITIES = Cases(
    named={f"layers_{n}": vectors(n, 3, n) for n in (1, 2, 3, 4, 7)}
    | {
        "along": {"w": np.array([3.0, 4.0]), "gradient": np.array([-6.0, -8.0]), "layers": 3},
        "across": {"w": np.array([3.0, 4.0]), "gradient": np.array([-4.0, 3.0]), "layers": 3},
        "saddle": {"w": np.zeros(2), "gradient": np.array([1.0, 2.0]), "layers": 2},
        "at_zero_with_one_layer": {"w": np.zeros(2), "gradient": np.array([1.0, 2.0]), "layers": 1},
        "no_gradient": {"w": np.ones(3), "gradient": np.zeros(3), "layers": 4},
    },
    generated=_drawn_vectors,
    notes={"saddle": "w = 0 is a saddle of two layers and more", "along": "the part along w is L times as fast"},
)


# --- by hand -----------------------------------------------------------------------------------------------------------
def matrices(first: Any, hidden: Any, last: Any) -> list[np.ndarray]:
    """W_1, ..., W_L in long double."""
    return [np.asarray(first, LONG), *np.asarray(hidden, LONG), np.asarray(last, LONG)]


def product(layers: list[np.ndarray]) -> np.ndarray:
    """The vector with entries: sum over all paths from an input to the output of the products of their weights."""
    paths = layers[-1][0]
    for layer in layers[-2::-1]:
        paths = np.array([sum(paths[i] * layer[i, j] for i in range(len(paths))) for j in range(layer.shape[1])])
    return paths


def sizes(layers: list[np.ndarray]) -> np.ndarray:
    """The same sums of magnitudes."""
    return product([np.abs(layer) for layer in layers])


def polynomial_derivative(layers: list[np.ndarray], moves: list[np.ndarray]) -> np.ndarray:
    """d/dt of the product of W_l + t V_l at 0: of all layers in turn, one is its velocity instead of itself."""
    return sum(product([*layers[:n], moves[n], *layers[n + 1 :]]) for n in range(len(layers)))


def balanced(w: np.ndarray, count: int) -> list[np.ndarray]:
    """Balanced layers of width 1: numbers |w|^(1/L), and the first along w. Long double."""
    w = np.asarray(w, LONG)
    norm = np.sqrt((w**2).sum())
    size = norm ** (LONG(1) / count) if norm else LONG(0)
    first = (size * w / norm if norm else w)[None]
    return [first, *[np.full((1, 1), size) for _ in range(count - 1)]]


def chain_rule(layers: list[np.ndarray], gradient: np.ndarray) -> list[np.ndarray]:
    """Minus the gradient by each entry of each layer: the product is linear in it, so put 1 there and 0 beside it."""
    moves = []
    for n, layer in enumerate(layers):
        move = np.zeros_like(layer)
        for at in np.ndindex(*layer.shape):
            probe = np.zeros_like(layer)
            probe[at] = 1
            move[at] = -(product([*layers[:n], probe, *layers[n + 1 :]]) @ gradient)
        moves.append(move)
    return moves
