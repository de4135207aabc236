"""How far an answer may be off: what laws of derivatives measure with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minidl.laws.core import identical

ULPS = 16
_SAMPLES = 5


def _eps(inputs: Sequence[np.ndarray]) -> float:
    return float(np.finfo(np.result_type(*inputs)).eps)


def uncertain(quantity: Callable[..., np.ndarray], inputs: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """A quantity of the oracle, and its natural scale: its magnitude, and what random rounding of every step moves, in ulps.

    The spread over a few samples of random rounding is the conditioning of the program, intermediate steps included.
    """
    eps, rng = _eps(inputs), np.random.default_rng(1993)
    exact = np.asarray(quantity(None, eps))
    moved = [np.abs(np.asarray(quantity(rng, eps)) - exact) for _ in range(_SAMPLES)]
    return exact.astype(np.result_type(*inputs)), np.abs(exact) + np.max(moved, axis=0) / eps


def inner(xs: Sequence[Any], ys: Sequence[Any]) -> tuple[float, float]:
    """The inner product of two lists of arrays, and the sum of its terms' magnitudes."""
    products = [np.asarray(x, dtype=float) * np.asarray(y, dtype=float) for x, y in zip(xs, ys, strict=True)]
    return float(sum(p.sum() for p in products)), float(sum(np.abs(p).sum() for p in products))


def shapes_fit(gradients: Any, inputs: Sequence[np.ndarray]) -> None:
    for i, (g, x) in enumerate(zip(gradients, inputs, strict=True)):
        got, expected = (np.shape(g), np.asarray(g).dtype), (x.shape, x.dtype)
        identical(np.array(got[0]), np.array(expected[0]), why=f"the shape of gradient {i}")
        identical(np.zeros(1, got[1]), np.zeros(1, expected[1]), why=f"the dtype of gradient {i}")
