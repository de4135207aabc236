"""The mathematics of the potential in long double, in a coordinate of its own: t = log(u/v), the parameters' log ratio.

Along the flow from u = v = alpha the dual value of an entry is s = tanh((D - 2) t / 2), which is t itself at depth 2, and

    log(u/alpha) = m + t/2,   log(v/alpha) = m - t/2,   m = log cosh((D - 2) t / 2) / (D - 2)   (0 at depth 2)
    z = beta/alpha^D = 2 sinh(D t / 2) e^{D m},   dz/dt = D cosh((D - 1) t) e^{2 m}.

All of it is analytic in t and loses nothing at either end. t is found from z by bisection, and the potential, the integral
of the dual value over z, is summed by Gauss-Legendre quadrature in t.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

LONG = np.longdouble
EPS = float(np.finfo(np.float64).eps)
_NODES = 24


def long(x: Any) -> np.ndarray:
    """The same numbers in long double."""
    return np.asarray(x, LONG)


def _log_cosh(x: np.ndarray) -> np.ndarray:
    return np.where(
        np.abs(x) < 1, np.log1p(2 * np.sinh(x / 2) ** 2), np.abs(x) + np.log1p(np.exp(-2 * np.abs(x))) - np.log(LONG(2))
    )


def mean_log(t: Any, depth: int) -> np.ndarray:
    """m: the mean of log(u/alpha) and log(v/alpha)."""
    t = long(t)
    return np.zeros_like(t) if depth == 2 else _log_cosh((depth - 2) * t / 2) / (depth - 2)


def dual(t: Any, depth: int) -> np.ndarray:
    """s, the potential's slope."""
    return long(t) if depth == 2 else np.tanh((depth - 2) * long(t) / 2)


def gap(t: Any, depth: int) -> np.ndarray:
    """1 - |s| at depth 3 and above, to full relative precision."""
    return 2 / (1 + np.exp((depth - 2) * np.abs(long(t))))


def entry(t: Any, depth: int) -> np.ndarray:
    """z: an entry of the predictor, over alpha^D."""
    t = long(t)
    return 2 * np.sinh(depth * t / 2) * np.exp(depth * mean_log(t, depth))


def speed(t: Any, depth: int) -> np.ndarray:
    """dz/dt."""
    t = long(t)
    return depth * np.cosh((depth - 1) * t) * np.exp(2 * mean_log(t, depth))


def steepness(t: Any, depth: int) -> np.ndarray:
    """dz/ds = dz/dt over ds/dt."""
    t = long(t)
    return speed(t, depth) * (1 if depth == 2 else 2 * np.cosh((depth - 2) * t / 2) ** 2 / LONG(depth - 2))


def bisected(function: Any, target: Any, low: Any, high: Any) -> np.ndarray:
    """Where an increasing function takes the value, entry by entry, between low and high: 66 halvings, to the last bit."""
    target = long(target)
    for _ in range(66):
        middle = (low + high) / 2
        above = function(middle) > target
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return (low + high) / 2


def place(z: Any, depth: int) -> np.ndarray:
    """t where z is the entry. It lies within a factor of 2, since 2 sinh(D t / 2) <= z <= e^{D t} - 1."""
    size = np.abs(long(z))
    low, high = np.log1p(size) / depth, 2 * np.arcsinh(size / 2) / depth
    return np.sign(long(z)) * bisected(lambda t: entry(t, depth), size, low, high)


def dual_value(z: Any, depth: int) -> np.ndarray:
    """The s whose entry is z: the slope of the potential."""
    return dual(place(z, depth), depth)


# --- quadrature ------------------------------------------------------------------------------------------------------------
@functools.cache
def gauss(nodes: int = _NODES) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of Gauss-Legendre quadrature on [0, 1], improved to long double by Newton steps."""
    x = long(np.polynomial.legendre.leggauss(nodes)[0])
    for _ in range(3):
        before, p = np.ones_like(x), x.copy()
        for k in range(2, nodes + 1):
            before, p = p, ((2 * k - 1) * x * p - (k - 1) * before) / k
        slope = nodes * (before - x * p) / (1 - x * x)
        x = x - p / slope
    return (1 + x) / 2, 1 / ((1 - x * x) * slope**2)


def integral(function: Any, start: Any, end: Any, width: float) -> np.ndarray:
    """The integral of a function from start to end, entry by entry, over panels of at most this width.

    function(points, index): the integrand of the entry at that index. Of the shape of start and end together.
    """
    start, end = np.broadcast_arrays(long(start), long(end))
    nodes, weights = gauss()
    out = np.zeros(start.shape, LONG)
    for index in np.ndindex(start.shape):
        length = end[index] - start[index]
        panels = max(1, int(np.ceil(float(abs(length)) / width)))
        points = start[index] + length / panels * (np.arange(panels)[:, None] + nodes)  # (panels, nodes)
        out[index] = length / panels * (function(points, index) * weights).sum()
    return out


def panel(depth: int) -> float:
    """Half the distance from the real line to the nearest singularity, pi / (D - 2): 24 nodes then give 19 digits."""
    return 1.0 if depth == 2 else min(1.0, 1.5 / (depth - 2))


def potential(z: Any, depth: int) -> np.ndarray:
    """The integral of the dual value from 0 to z: of s dz/dt over t, all of it positive."""
    return integral(lambda t, _: dual(t, depth) * speed(t, depth), 0, place(z, depth), panel(depth))


def divergence(z: Any, start: Any, depth: int) -> np.ndarray:
    """The integral of the rise of the dual value, s - s_0, from the start to z: the potential's Bregman divergence."""
    here = place(start, depth)

    def rise(t: np.ndarray, index: tuple[int, ...]) -> np.ndarray:
        return (dual(t, depth) - dual(here[index], depth)) * speed(t, depth)

    return integral(rise, here, place(z, depth), panel(depth))
