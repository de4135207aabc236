r"""Ordinary differential equations to nearly the last digit: Gragg-Bulirsch-Stoer extrapolation.

The modified midpoint rule with $n$ substeps over an interval H has an error that is a series in $(H/n)^2$. From n = 2,
4, 6, ... substeps Neville's scheme extrapolates to $H/n \to 0$: column k is of order 2k, and its distance to column k -
1 estimates the error. So a tolerance near the rounding costs more columns, not a thousand times the steps, and no table
of coefficients is needed.

Source. Hairer, Norsett, Wanner, "Solving Ordinary Differential Equations I", 2nd edition, 1993, section II.9.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Velocity = Callable[[np.ndarray], np.ndarray]

COLUMNS = 9  # order 18 at most: beyond that rounding in the extrapolation outweighs the gain
MOST_STEPS = 20_000


class Step(NamedTuple):
    """An accepted step: the state after it, how long it was, and how long the next should be."""

    state: np.ndarray
    size: float
    next_size: float


def integrate(
    velocity: Velocity, state: np.ndarray, times: np.ndarray, rtol: float, *, entrywise: bool = True
) -> np.ndarray:
    """The solution of dx/dt = velocity(x) from x(0) = state, at ascending times (K,) from 0 on. Returns (K, ...).

    rtol: error allowed in a step, relative to each entry, or with entrywise=False to the largest. RuntimeError if it
    needs more than 20,000 steps.
    """
    found, t, size, taken = [], 0.0, first_size(velocity, state), 0
    for target in times:
        while t < target:
            last = target - t <= size
            step = advance(velocity, state, target - t if last else size, rtol, entrywise)
            whole = last and step.size == target - t
            t = target if whole else t + step.size
            state, size = step.state, max(size, step.next_size) if whole else step.next_size
            taken = _counted(taken)
        found.append(state)
    return np.array(found)


def integrate_until(
    velocity: Velocity,
    state: np.ndarray,
    finished: Callable[[np.ndarray], bool],
    rtol: float,
    *,
    entrywise: bool = True,
) -> tuple[np.ndarray, float]:
    """The first state, among those that the integrator stops at, for which finished(state), and its time."""
    t, size, taken = 0.0, first_size(velocity, state), 0
    while not finished(state):
        step = advance(velocity, state, size, rtol, entrywise)
        state, size, t = step.state, step.next_size, t + step.size
        taken = _counted(taken)
    return state, t


def first_size(velocity: Velocity, state: np.ndarray) -> float:
    """A step in which no entry changes by more than a tenth of the largest one; 1 where nothing moves."""
    fastest = np.abs(velocity(state)).max()
    return float(0.1 * np.abs(state).max() / fastest) if fastest > 0 else 1.0


def advance(velocity: Velocity, state: np.ndarray, size: float, rtol: float, entrywise: bool) -> Step:
    """One step of this size, or of a smaller one where the error says so."""
    start = velocity(state)
    while True:
        with np.errstate(all="ignore"):  # too long a step may overflow on the way: its error is then no number below 1
            found, errors = _extrapolated(velocity, state, start, size, rtol, entrywise)
        if len(errors) and errors[-1] <= 1:
            return Step(found, size, size * _growth(errors))
        size *= 0.1 if not errors or not np.isfinite(errors[-1]) else max(0.1, _factor(errors[-1], len(errors) + 1))


def _extrapolated(
    velocity: Velocity, state: np.ndarray, start: np.ndarray, size: float, rtol: float, entrywise: bool
) -> tuple[np.ndarray, list[float]]:
    """The best column, and the error of each from the second on in units of what is allowed."""
    row: list[np.ndarray] = []  # Neville's scheme: T_k1, ..., T_kk
    errors: list[float] = []
    for k in range(1, COLUMNS + 1):
        above, row = row, [_midpoint(velocity, state, start, size, 2 * k)]
        for j in range(1, k):
            row.append(row[-1] + (row[-1] - above[j - 1]) / ((k / (k - j)) ** 2 - 1))
        if k == 1:
            continue
        scale = np.maximum(np.abs(state), np.abs(row[-1]))
        allowed = rtol * (scale if entrywise else scale.max())
        difference = np.abs(row[-1] - row[-2])
        worst = np.max(np.where(difference > 0, difference / allowed, 0.0))
        errors.append(float(worst) if np.isfinite(row[-1]).all() else np.inf)
        if errors[-1] <= 1 or not np.isfinite(errors[-1]):
            break
    return row[-1], errors


def _midpoint(velocity: Velocity, state: np.ndarray, start: np.ndarray, size: float, n: int) -> np.ndarray:
    """Gragg's rule with n substeps, n even, and its smoothing at the end."""
    h = size / n
    before, here = state, state + h * start
    for _ in range(n - 1):
        before, here = here, before + 2 * h * velocity(here)
    return (before + here + h * velocity(here)) / 2


def _factor(error: float, column: int) -> float:
    """By what a step may grow for this column's error, of order 2 column - 1, to be a quarter of what is allowed."""
    return 0.94 * (0.25 / max(error, 1e-12)) ** (1 / (2 * column - 1))


def _growth(errors: list[float]) -> float:
    """The growth for which some column gets furthest per evaluation, among those computed and one more."""
    best, growth = 0.0, 1.0
    for column, error in enumerate(errors, start=2):
        factor = min(4.0, _factor(error, column))
        speed = factor / (column * (column + 1))  # 2 + 4 + ... + 2 column evaluations
        if speed > best:
            best, growth, chosen = speed, factor, column
    if chosen == len(errors) + 1 < COLUMNS:  # the last column was the best: the next may be better still
        growth *= (chosen + 2) / chosen
    return min(4.0, growth)


def _counted(taken: int) -> int:
    if taken >= MOST_STEPS:
        raise RuntimeError(
            f"gradient flow is not there after {MOST_STEPS} steps: ask for a shorter time or a larger residual, or use "
            "min_potential, which needs no time to leave a small scale"
        )
    return taken + 1
