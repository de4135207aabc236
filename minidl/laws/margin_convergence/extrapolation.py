"""Gradient flow in log time by extrapolated midpoint steps, in long double: slow, short, and good to sixteen digits.

For smooth losses only; where a loss is put together, no difference of midpoint results is a series.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.laws.margin_convergence.clocks import LONG, log_slope

_EARLY = -21.0  # here the flow has gone as far as one Euler step does, up to a relative e^-21 of that
_COUNTS = (2, 4, 6, 8, 10, 12, 14)  # midpoint steps inside a macro step
_QUIET, _WIDE, _FINE = -4.0, 1.0, 0.2  # steps until, and after, the time at which e^s begins to count

Velocity = Callable[[np.floating, np.ndarray], np.ndarray]


def long_flow(z: np.ndarray, w: np.ndarray, log_times: tuple[float, ...], tail: str) -> np.ndarray:
    """w at these ascending log times, from w at time 0: dw/ds = sum z exp(s + log(-l'(z.w))). (K, d) long double."""
    z, w = np.asarray(z, np.float64), np.asarray(w, np.float64)
    return _flow(z.tobytes(), w.tobytes(), z.shape, tuple(log_times), tail)


@functools.lru_cache(maxsize=256)
def _flow(z: bytes, w: bytes, shape: tuple[int, int], log_times: tuple[float, ...], tail: str) -> np.ndarray:
    rows, begin = np.frombuffer(z).reshape(shape).astype(LONG), np.frombuffer(w).astype(LONG)
    return integrate(lambda s, w: np.exp(s + log_slope(rows @ w, tail)) @ rows, begin, log_times)


def integrate(velocity: Velocity, w: np.ndarray, log_times: Any) -> np.ndarray:
    """The solution of dw/ds = velocity(s, w) at these times, from w at time 0, that is s = -infinity. (K, d)"""
    now, path = LONG(_EARLY), []
    w = w + velocity(now, w)
    for goal in log_times:
        while now < goal:
            width = min(LONG(_WIDE if now < _QUIET else _FINE), LONG(goal) - now)
            w = _macro(velocity, now, w, width)
            now = now + width
        path.append(w)
    return np.stack(path)


def _macro(velocity: Velocity, s: np.floating, w: np.ndarray, width: np.floating) -> np.ndarray:
    """One step of Gragg, Bulirsch and Stoer: midpoint results of n steps differ by a series in n^-2."""
    table: list[np.ndarray] = []
    start = velocity(s, w)
    for row, n in enumerate(_COUNTS):
        h = width / n
        before, here = w, w + h * start
        for k in range(1, n):
            before, here = here, before + 2 * h * velocity(s + k * h, here)
        new = [(before + here + h * velocity(s + width, here)) / 2]
        for k in range(row):
            ratio = LONG(n / _COUNTS[row - k - 1]) ** 2
            new.append(new[k] + (new[k] - table[k]) / (ratio - 1))
        table = new
    return table[-1]
