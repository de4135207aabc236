"""What the functions of kernel and rich regimes return."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Parameters(NamedTuple):
    """Of a net with two sets of weights: u, v (d,) of a diagonal one, u (p, k), v (r, k) of a factorisation."""

    u: np.ndarray
    v: np.ndarray


class Velocity(NamedTuple):
    """Time derivatives of u and v along gradient flow, in their shapes."""

    du: np.ndarray
    dv: np.ndarray


class Path(NamedTuple):
    """A run at K recorded times: parameters (K, ...) and loss (K,)."""

    u: np.ndarray
    v: np.ndarray
    loss: np.ndarray


class Limit(NamedTuple):
    """Where gradient flow of a diagonal net ended: u, v, beta (d,), and the time that it took."""

    u: np.ndarray
    v: np.ndarray
    beta: np.ndarray
    time: float


class FactorLimit(NamedTuple):
    """Where gradient flow of a factorisation ended: u (p, k), v (r, k), matrix = u v^T (p, r), and the time."""

    u: np.ndarray
    v: np.ndarray
    matrix: np.ndarray
    time: float


class Interpolant(NamedTuple):
    """A minimiser beta (d,) with X beta = y, the dual vector (n,) that shows it, and the Newton steps taken.

    Of a path over K scales: beta (K, d), dual (K, n), steps (K,).
    """

    beta: np.ndarray
    dual: np.ndarray
    steps: int | np.ndarray


class LeastL1(NamedTuple):
    """An interpolant beta (d,) of least L1 norm, its certificate dual (n,), and gap = ||beta||_1 - y . dual."""

    beta: np.ndarray
    dual: np.ndarray
    gap: float


class Scales(NamedTuple):
    """Sufficient scales: rich for all alpha <= rich, kernel for all alpha >= kernel."""

    rich: float
    kernel: float


class WidthLimit(NamedTuple):
    """The infinitely wide factorisation's limit: matrix (p, p), its eigenvalues (p,) descending, dual (m,)."""

    matrix: np.ndarray
    eigenvalues: np.ndarray
    dual: np.ndarray


class Problem(NamedTuple):
    """A regression: x (n, d), y (n,), and the beta (d,) that made y."""

    x: np.ndarray
    y: np.ndarray
    beta: np.ndarray
