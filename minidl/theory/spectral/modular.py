r"""Modular addition: all pairs (a, b) of residues, labelled $(a + b) \bmod p$, of which a net sees only a part.

A table of $p^2$ entries can be memorised, or computed. Which of the two a net did is told by the pairs that it has not
seen.

Source. Power, Burda, Edwards, Babuschkin, Misra, "Grokking: generalization beyond overfitting on small algorithmic
datasets", 2022, section 3; the split of Yunis et al. 2024 (see `minidl.theory.spectral`): pairs in a random order, the
first part trains.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from minidl.border import count, generator
from minidl.theory.spectral import border


class Split(NamedTuple):
    """Pairs and labels for training and test."""

    train_x: np.ndarray  # (n, 2) integers in [0, p)
    train_y: np.ndarray  # (n,)
    test_x: np.ndarray  # (p * p - n, 2)
    test_y: np.ndarray  # (p * p - n,)


def modular_addition(p: int, fraction: float, order: Any) -> Split:
    """All pairs in the given order, the first floor(fraction p^2) for training: pair number k is (k // p, k % p).

    p >= 2; fraction in (0, 1), such that both parts hold something; order: (p * p,), a permutation of 0 to p * p - 1.
    Raises ValueError and TypeError for other ones.
    """
    p, fraction = count("p", p, 2), border.number("fraction", fraction, 0, 1, above=True)
    order = np.asarray(order)
    if order.dtype.kind not in "iu" or order.shape != (p * p,) or not np.array_equal(np.sort(order), np.arange(p * p)):
        raise ValueError(f"order must be a permutation of 0 to {p * p - 1}, got {order.dtype} of shape {order.shape}")
    train = math.floor(fraction * p**2 * (1 + 4 * np.finfo(float).eps))  # 0.29 of 100 pairs are 29 of them
    if not 0 < train < p * p:
        raise ValueError(f"fraction = {fraction} leaves {train} of {p * p} pairs for training: both parts need some")
    x = np.stack(np.divmod(order, p), axis=1)  # (p * p, 2)
    y = x.sum(axis=1) % p  # (p * p,)
    return Split(x[:train], y[:train], x[train:], y[train:])


def draw_modular_addition(p: int, fraction: float, *, rng: np.random.Generator) -> Split:
    """`modular_addition` in a random order."""
    return modular_addition(p, fraction, generator(rng).permutation(count("p", p, 2) ** 2))


def with_random_labels(split: Split, p: int, *, rng: np.random.Generator) -> Split:
    """The same pairs, with labels drawn uniformly from [0, p) for training: nothing but memorising can fit them."""
    return split._replace(train_y=generator(rng).integers(0, count("p", p, 2), len(split.train_y)))


def one_hot_pairs(x: Any, p: int, dtype: Any = np.float64) -> np.ndarray:
    """(N, 2 p): the one-hot codes of both residues, one after the other.

    x: (N, 2) integers in [0, p). Raises ValueError for residues out of range, TypeError for other than integers.
    """
    x, p = np.asarray(x), count("p", p, 2)
    if x.dtype.kind not in "iu":
        raise TypeError(f"pairs are integers, got {x.dtype}: convert with astype(int)")
    if x.ndim != 2 or x.shape[1] != 2 or (x.size and not 0 <= x.min() <= x.max() < p):
        raise ValueError(f"pairs must be (N, 2) with residues in [0, {p}), got shape {x.shape}" + _range(x))
    codes = np.zeros((len(x), 2 * p), dtype)
    np.put_along_axis(codes, x + [0, p], 1, axis=1)
    return codes


def _range(x: np.ndarray) -> str:
    return f", values from {x.min()} to {x.max()}" if x.size else ""
