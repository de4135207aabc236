"""Answers in fractions, by exhaustion where there is a choice: networks, their cheapest rivals, linear programs, the lasso.

Every float is a fraction, so nothing is rounded before the end.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations, pairwise, product
from typing import Any

import numpy as np

Numbers = Sequence[Fraction]
HALF = Fraction(1, 2)


def exact(values: Any) -> list[Fraction]:
    """The entries of a vector, or one number, as fractions."""
    return [value if isinstance(value, Fraction) else Fraction(float(value)) for value in np.ravel(values)]


def floats(values: Iterable[Fraction]) -> np.ndarray:
    """Fractions rounded once."""
    return np.array([float(value) for value in values])


def positive(value: Fraction) -> Fraction:
    return max(value, Fraction(0))


# --- functions ---------------------------------------------------------------------------------------------------------
def network(x: Any, w: Any, b: Any, v: Any, b0: float) -> list[Fraction]:
    """h at every point, a unit at a time."""
    units = list(zip(exact(w), exact(b), exact(v), strict=True))
    return [exact(b0)[0] + sum(vi * positive(wi * p + bi) for wi, bi, vi in units) for p in exact(x)]


def walk(x: Any, knots: Any, slopes: Any, anchor_x: float, anchor_y: float) -> list[Fraction]:
    """f at every point: walk there from the anchor, from knot to knot, up or down by the slope of the way."""
    ts, ss, start = exact(knots), exact(slopes), Fraction(float(anchor_x))
    values = []
    for end in exact(x):
        low, high = sorted((start, end))
        stops = [low, *(t for t in ts if low < t < high), high]
        climb = Fraction(0)
        for left, right in pairwise(stops):
            climb += (right - left) * ss[sum(t <= left for t in ts)]
        values.append(Fraction(float(anchor_y)) + (climb if end >= start else -climb))
    return values


def bends(w: Any, b: Any, v: Any) -> dict[Fraction, Fraction]:
    """Where the function of a network changes its slope, and by how much: right limit minus left limit of h'."""
    units = [(wi, -bi / wi, vi) for wi, bi, vi in zip(exact(w), exact(b), exact(v), strict=True) if wi]
    found = {}
    for t in sorted({at for _, at, _ in units}):
        # a unit is active right of its bend if w > 0, left of it if w < 0
        right = sum(vi * wi for wi, at, vi in units if (wi > 0 and at <= t) or (wi < 0 and at > t))
        left = sum(vi * wi for wi, at, vi in units if (wi > 0 and at < t) or (wi < 0 and at >= t))
        if right != left:
            found[t] = right - left
    return found


def slope_at_the_left(w: Any, v: Any) -> Fraction:
    return sum((vi * wi for wi, vi in zip(exact(w), exact(v), strict=True) if wi < 0), Fraction(0))


def cheapest(slopes: Any) -> Fraction:
    """The least path norm of networks with these slopes, by exhaustion.

    At a knot with jump D there may be right-facing units of D - p and left-facing ones of p, in all, and at one more place
    a pair with D = 0. The slope at the left is minus the sum of all p. The cost, sum |D - p| + |p|, is convex and linear in
    pieces; with one equation, the least value has all but one p at a kink, 0 or D.
    """
    return _cheapest(tuple(exact(slopes)))


@functools.lru_cache(maxsize=4096)
def _cheapest(slopes: tuple[Fraction, ...]) -> Fraction:
    jumps = [right - left for left, right in pairwise(slopes)] + [Fraction(0)]
    best = []
    for free in range(len(jumps)):
        rest = jumps[:free] + jumps[free + 1 :]
        for ps in product(*({Fraction(0), jump} for jump in rest)):
            p = -slopes[0] - sum(ps)
            cost = sum(abs(jump - q) + abs(q) for jump, q in zip([*rest, jumps[free]], [*ps, p], strict=True))
            best.append(cost)
    return min(best)


# --- data --------------------------------------------------------------------------------------------------------------
def merged(x: Any, y: Any) -> tuple[list[Fraction], list[Fraction]]:
    """The points that differ."""
    at = dict(zip(exact(x), exact(y), strict=True))
    return list(at), list(at.values())


def solve(columns: Sequence[Numbers], right: Numbers) -> list[Fraction] | None:
    """The solution of a square system by elimination; None where it is singular."""
    n = len(right)
    rows = [[column[i] for column in columns] + [right[i]] for i in range(n)]
    for i in range(n):
        pivot = next((j for j in range(i, n) if rows[j][i]), None)
        if pivot is None:
            return None
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for j in range(n):
            if j != i and rows[j][i]:
                rows[j] = [a - rows[j][i] * c for a, c in zip(rows[j], rows[i], strict=True)]
    return [row[n] for row in rows]


def atoms(points: Numbers, grid: Numbers) -> Iterator[list[Fraction]]:
    """The values of [x - t]_+ and [t - x]_+ at the points, for every t; those that are constant there are left out."""
    for t in grid:
        for facing in (1, -1):
            values = [positive(facing * (p - t)) for p in points]
            if len(set(values)) > 1:
                yield values


def least_by_width(x: Any, y: Any, between: int = 0) -> list[Fraction | None]:
    """The least path norm of interpolants of at most 0, 1, 2, ... units, by exhaustion; None where there are none.

    The units bend at points of a grid: the data, `between` equidistant points in each gap, and with these two more outside.
    An optimum of this linear program is a solution with linearly independent units, at most N - 1 of them.
    """
    return list(_least_by_width(np.asarray(x, float).tobytes(), np.asarray(y, float).tobytes(), between))


@functools.lru_cache(maxsize=1024)
def _least_by_width(x: bytes, y: bytes, between: int) -> tuple[Fraction | None, ...]:
    points, values = merged(np.frombuffer(x), np.frombuffer(y))
    grid = list(points)
    for left, right in pairwise(points):
        grid += [left + (right - left) * Fraction(i, between + 1) for i in range(1, between + 1)]
    grid += [points[0] - 1, points[-1] + 1] if between else []
    n = len(points) - 1
    columns = [[value - column[0] for value in column[1:]] for column in atoms(points, grid)]
    least: list[Fraction | None] = [None] * (n + 1)
    for support in combinations(columns, n):
        found = solve(support, [value - values[0] for value in values[1:]])
        if found is not None:
            width, cost = sum(a != 0 for a in found), sum(map(abs, found), Fraction(0))
            for k in range(width, n + 1):
                least[k] = cost if least[k] is None else min(least[k], cost)
    return tuple(least)


def chord_slopes(points: Numbers, values: Numbers) -> list[Fraction]:
    return [(values[i + 1] - values[i]) / (points[i + 1] - points[i]) for i in range(len(points) - 1)]


def least(points: Numbers, values: Numbers) -> Fraction:
    """The least norm through points by its formula. Only laws of other functions use it; `least_by_width` tests it."""
    m = chord_slopes(points, values)
    bent = sum((abs(b - a) for a, b in pairwise(m)), Fraction(0))
    return max(bent, (bent + abs(m[0] + m[-1])) / 2) if m else Fraction(0)


# --- weight decay ------------------------------------------------------------------------------------------------------
def objective(case: dict[str, Any], theta: dict[str, Any] | None = None) -> Fraction:
    """Mean squared error plus decay times half the sum of squared weights; theta replaces parameters of the case."""
    part = {name: case[name] for name in ("w", "b", "v", "b0")} | (theta or {})
    errors = [h - y for h, y in zip(network(case["x"], **part), exact(case["y"]), strict=True)]
    squares = sum((a * a for name in ("w", "v") for a in exact(part[name])), Fraction(0))
    return sum(e * e for e in errors) / len(errors) + Fraction(float(case["decay"])) * HALF * squares


def lasso(x: Any, y: Any, decay: float) -> tuple[list[Fraction], Fraction, float]:
    """Fitted values and norm at the optimum over all widths, by exhaustion, and the condition of its units' Gram matrix.

    Every set of linearly independent units that bend at data points, with every choice of signs, is tried: where the
    optimality conditions hold, this is it, for the problem is convex.
    """
    return _lasso(np.asarray(x, float).tobytes(), np.asarray(y, float).tobytes(), float(decay))


@functools.lru_cache(maxsize=1024)
def _lasso(x: bytes, y: bytes, decay: float) -> tuple[list[Fraction], Fraction, float]:
    points, values = exact(np.frombuffer(x)), exact(np.frombuffer(y))
    bound, target = Fraction(decay) * len(points) / 2, _centred(values)
    columns = [_centred(column) for column in atoms(points, sorted(set(points)))]
    for size in range(len(set(points))):
        for units in combinations(columns, size):
            gram = [[_dot(a, b) for a in units] for b in units]
            for signs in product((1, -1), repeat=size):
                a = solve(gram, [_dot(c, target) - bound * s for c, s in zip(units, signs, strict=True)])
                if a is None or any(ai * s < 0 for ai, s in zip(a, signs, strict=True)):
                    continue
                part = [
                    sum((ai * c[i] for ai, c in zip(a, units, strict=True)), Fraction(0)) for i in range(len(points))
                ]
                rest = [t - p for t, p in zip(target, part, strict=True)]
                if all(abs(_dot(c, rest)) <= bound for c in columns):
                    fitted = [value - r for value, r in zip(values, rest, strict=True)]
                    condition = np.linalg.cond(np.array(gram, float)) if size else 1.0
                    return fitted, sum(map(abs, a), Fraction(0)), float(condition)
    raise AssertionError("a convex problem has a minimum")


def _centred(values: Numbers) -> list[Fraction]:
    mean = sum(values, Fraction(0)) / len(values)
    return [value - mean for value in values]


def _dot(a: Numbers, b: Numbers) -> Fraction:
    return sum((p * q for p, q in zip(a, b, strict=True)), Fraction(0))


def derivatives(
    of: Callable[[dict[str, Any]], Fraction], theta: dict[str, Any], step: Fraction
) -> dict[str, list[Fraction]]:
    """Symmetric difference quotients of a function that is quadratic in each parameter by itself: they have no error."""
    found = {}
    for name, value in theta.items():
        at = exact(value)
        for i in range(len(at)):
            ahead, behind = (of({name: [*at[:i], at[i] + sign * step, *at[i + 1 :]]}) for sign in (1, -1))
            found.setdefault(name, []).append((ahead - behind) / (2 * step))
    return found
