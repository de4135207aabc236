"""How far an answer may be off: what laws of derivatives measure with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minidl.laws.core import agree, holds

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
    """One gradient per input, each of its input's shape."""
    got, expected = [np.shape(g) for g in gradients], [np.shape(x) for x in inputs]
    holds(got == expected, why="the shapes of the gradients are those of the inputs", got=got, expected=expected)


def same_precision(results: Sequence[Any], inputs: Sequence[np.ndarray]) -> None:
    """What comes back is float32 where float32 went in, and float64 where float64 did."""
    got, expected = [np.asarray(r).dtype.name for r in results], [np.asarray(x).dtype.name for x in inputs]
    holds(got == expected, why="the precision of the results is that of the inputs", got=got, expected=expected)


def exactly(got: Any, expected: Any, *, why: str) -> None:
    """The very same numbers, in whatever precision."""
    agree(got, expected, why=why, ulps=0)
