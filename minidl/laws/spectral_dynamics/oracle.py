"""What the laws expect: matrices put together from known singular values and vectors, exact sums, integrated modes.

No law computes a singular value decomposition: weights are made of orthonormal columns and of values that are given.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np


# --- matrices with known parts ---------------------------------------------------------------------------------------
def orthogonal(rng: np.random.Generator, n: int, k: int) -> np.ndarray:
    """(n, k): orthonormal columns by the Haar law."""
    q, r = np.linalg.qr(rng.standard_normal((n, k)))
    return q * np.sign(np.diagonal(r))


def built(u: np.ndarray, s: np.ndarray, v: np.ndarray) -> np.ndarray:
    """u diag(s) v^T."""
    return (u * s) @ v.T


def values(kind: str, R: int) -> np.ndarray:
    """R different singular values: R, R - 1, ..., 1; or halves of halves; or dyadic ones, of which the last two are equal."""
    if kind == "steps":
        return np.arange(R, 0, -1.0)
    if kind == "halving":
        return 4 * 0.5 ** np.arange(R)
    return np.array([2.0 ** max(R - 2 - i, 0) for i in range(R)])


def looseness(s: np.ndarray, k: int | None = None) -> float:
    """How much a perturbation of the matrix, relative to s_1, turns its vectors (Wedin): s_1 over the least gap.

    The gaps are those between neighbours and, since the longer side has directions beyond R, that of the last one to 0.
    k: only the gap between the k-th and the next counts, which is what the top k as a subspace depend on.
    """
    gaps = -np.diff(s, append=0.0)
    return float(s[0] / (gaps.min() if k is None else gaps[k - 1]))


# --- ranks -----------------------------------------------------------------------------------------------------------
def least_count(s: list[Fraction]) -> int:
    """How many of the largest make up more than nine tenths, in fractions; 0 if all are 0."""
    total, so_far = sum(s), Fraction(0)
    for k, value in enumerate(sorted(s, reverse=True), start=1):
        so_far += value
        if 10 * so_far > 9 * total:
            return k
    return 0


def dyadic_rank(R: int) -> float:
    """The effective rank of the dyadic values: shares 1/2, 1/4, ..., and the last two equal, of 2 - 2^(2 - R) bits."""
    return 2.0 ** (2 - 2.0 ** (2 - R)) if R > 1 else 1.0


# --- counts ----------------------------------------------------------------------------------------------------------
def decimal(fraction: float) -> Fraction:
    """The number that was written, not its nearest double."""
    return Fraction(repr(float(fraction)))


def upper(size: int, fraction: float) -> int:
    return ceil(decimal(fraction) * size)


def lower(size: int, fraction: float) -> int:
    return floor(decimal(fraction) * size)


# --- two factors -----------------------------------------------------------------------------------------------------
def objective(a: Any, b: Any, target: Any, decay: Fraction) -> Fraction:
    """Half the squared error of a b, and half the decay times both squared norms, in fractions: loops over entries."""
    m, r, n = len(a), len(b), len(b[0])
    error = sum((sum(a[i][k] * b[k][j] for k in range(r)) - target[i][j]) ** 2 for i in range(m) for j in range(n))
    sizes = sum(x * x for rows in (a, b) for row in rows for x in row)
    return Fraction(error + decay * sizes, 2)


def fractions(array: np.ndarray) -> list[list[Fraction]]:
    return [[Fraction(float(x)) for x in row] for row in array]


def slope(f: Callable[[int], Fraction]) -> Fraction:
    """f'(0) of a polynomial of degree at most 4, from its values at -2, -1, 1 and 2: exact."""
    return Fraction(f(-2) - 8 * f(-1) + 8 * f(1) - f(2), 12)


def scalar_descent(a: float, b: float, sigma: float, decay: float, step_size: float, steps: int) -> tuple[float, float]:
    """Descent of one mode by itself."""
    for _ in range(steps):
        off = a * b - sigma
        a, b = a - step_size * (off * b + decay * a), b - step_size * (off * a + decay * b)
    return a, b


def integrated(rate: Callable[[float], float], start: float, end: float, steps: int) -> float:
    """The solution of s' = rate(s) at t = end by Runge and Kutta's fourth order, in equal steps."""
    s, h = start, end / steps
    for _ in range(steps):
        k1 = rate(s)
        k2 = rate(s + h / 2 * k1)
        k3 = rate(s + h / 2 * k2)
        k4 = rate(s + h * k3)
        s += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return s
