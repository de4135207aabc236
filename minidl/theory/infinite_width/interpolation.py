r"""The cheapest functions through given points: what they cost, one of them, and how far they may differ.

Data $x_1 < \dots < x_N$ with values $y_i$; chords have the slopes $m_i = (y_{i+1} - y_i)/(x_{i+1} - x_i)$. See
`minidl.theory.infinite_width` for the claim, a proof and the source.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minidl.theory.infinite_width import border
from minidl.theory.infinite_width.border import no_overflow
from minidl.theory.infinite_width.results import MinimumNorm, Range, Spline


class _Chords(NamedTuple):
    """Merged points x, y (N,), slopes m (N - 1,), V, S, and `bend`: the signed slope change to be spent on the rays."""

    x: np.ndarray
    y: np.ndarray
    m: np.ndarray
    variation: float
    end_sum: float
    bend: float


def _chords(x: np.ndarray, y: np.ndarray) -> _Chords:
    x, y = border.points(x, y)
    m = np.diff(y) / np.diff(x)  # (N - 1,)
    variation = np.abs(np.diff(m)).sum()
    ends = m[0] + m[-1] if len(m) else 0.0
    return _Chords(x, y, m, variation, abs(ends), np.sign(ends) * max(abs(ends) - variation, 0.0) / 2)


@no_overflow
def minimum_norm(x: np.ndarray, y: np.ndarray) -> MinimumNorm:
    r"""$\min \{\bar R(f) : f(x_i) = y_i\} = \max\bigl(V, \frac{V + S}2\bigr)$ for $V = \sum_i |m_{i+1} - m_i|$ and
    $S = |m_1 + m_{N-1}|$.

    x, y: (N,), N >= 1, x ascending; points that occur twice count once. One point costs nothing.
    Raises ValueError for unsorted x, for equal x with different y, other shapes, NaN and infinity; TypeError for what is
    no number; OverflowError if a slope leaves float64.
    """
    chords = _chords(x, y)
    norm = max(chords.variation, (chords.variation + chords.end_sum) / 2)
    return MinimumNorm(float(chords.variation), float(chords.end_sum), float(norm))


@no_overflow
def minimum_norm_interpolant(x: np.ndarray, y: np.ndarray, left: float = 1.0) -> Spline:
    r"""A function of minimum norm through the points: chords between them, and rays bent by $\delta = \max(0, (S - V)/2)$.

    left: the share of $\delta$, in [0, 1], by which the left ray is bent at $x_1$: its slope is
    $m_1 - \mathrm{sign}(m_1 + m_{N-1})\, \delta$ for left = 1. The rest is taken from the right ray's slope in the same
    way, at $x_N$. Any share is optimal. Returns N knots (of the merged points), the anchor being the first point; for one
    point a constant. Data and errors as `minimum_norm`.
    """
    left = border.number("left", left, 0, 1)
    x, y, m, *_, bend = _chords(x, y)
    slopes = np.concatenate([m[:1] - left * bend, m, m[-1:] - (1 - left) * bend]) if len(m) else np.zeros(2)  # (N + 1,)
    return Spline(x, slopes, float(x[0]), float(y[0]))


@no_overflow
def optimum_range(x: np.ndarray, y: np.ndarray, at: np.ndarray) -> Range:
    r"""The least and the greatest value at `at` (M,) over *all* functions of minimum norm through the points.

    Bend the rays at $x_1$ and $x_N$ by $\delta$ each, at most. Between two neighbours where f bends in opposite directions
    (or not at all), it must follow the chord. Where it bends in one direction it may be any convex (or concave) curve
    within the triangle of the chord and the two lines that prolong the pieces beside it. Data and errors as
    `minimum_norm`.
    """
    at = border.vector("at", at)
    x, y, m, *_, bend = _chords(x, y)
    if len(x) == 1:
        return Range(np.full(len(at), y[0]), np.full(len(at), y[0]))
    slopes = np.concatenate([m[:1] - bend, m, m[-1:] - bend])  # (N + 1,) the rays bent as far as may be
    jumps = np.diff(slopes)  # (N,)
    piece = np.clip(np.searchsorted(x, at) - 1, 0, len(x) - 2)  # (M,) which chord is beside
    chord = y[piece] + m[piece] * (at - x[piece])  # (M,) prolonged beyond the ends
    before = y[piece] + slopes[piece] * (at - x[piece])  # the piece left of the chord, prolonged
    after = y[piece + 1] + slopes[piece + 2] * (at - x[piece + 1])  # the piece right of it

    bound = np.where(jumps[piece] > 0, np.maximum(before, after), np.minimum(before, after))
    same = np.sign(jumps[piece]) * np.sign(jumps[piece + 1]) > 0  # (M,) bent in one direction at both ends
    bound = np.where(same, bound, chord)
    bound = np.where(at < x[0], before, np.where(at > x[-1], after, bound))
    return Range(np.minimum(chord, bound), np.maximum(chord, bound))
