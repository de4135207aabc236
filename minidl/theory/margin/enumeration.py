"""The hard-margin solution in rational arithmetic, by trying every set of support vectors: slow, and exact.

A float is a rational number, so the answer is that of the very inputs given, rounded once at the end; and the verdict
"not separable" is a proof. For a set S of rows with an invertible Gram matrix, w = Z_S^T a with Z_S Z_S^T a = 1 is the
shortest w with Z_S w = 1. If a >= 0 and Z w >= 1, then w fulfils the conditions of Karush, Kuhn and Tucker, which only
the optimum does; and by Caratheodory's theorem some S of at most d rows is such a set. If no w separates, zero is a
convex combination of at most d + 1 rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from itertools import chain, combinations

import numpy as np

from minidl.theory.margin import border
from minidl.theory.margin.solver import HardMargin, NotSeparable

LARGEST = 20_000  # sets


def hard_margin_by_enumeration(z: np.ndarray) -> HardMargin:
    """`hard_margin` of a tiny set z (N, d), every field correctly rounded but for the root in the margin.

    Raises `NotSeparable` with an exact certificate (rounded), ValueError for more than 20,000 sets and as
    `hard_margin`.
    """
    z = border.inputs("z", z)
    n, d = z.shape
    sets = sum(math.comb(n, k) for k in range(1, min(n, d + 1) + 1))
    if sets > LARGEST:
        raise ValueError(f"z of shape {z.shape} has {sets} sets of rows to try, at most {LARGEST} are: use hard_margin")
    rows = [[Fraction(value) for value in row] for row in z.tolist()]
    for chosen in _subsets(n, min(n, d)):
        support = [rows[i] for i in chosen]
        a = _solve([[_dot(p, q) for q in support] for p in support], [Fraction(1)] * len(chosen))
        if a is None or min(a) < 0:
            continue
        w = [sum(weight * row[j] for weight, row in zip(a, support, strict=True)) for j in range(d)]
        if all(_dot(w, row) >= 1 for row in rows):
            return HardMargin(np.array([float(value) for value in w]), _spread(n, chosen, a), 1 / _root(_dot(w, w)))
    for chosen in _subsets(n, min(n, d + 1)):
        columns = [[*rows[i], Fraction(1)] for i in chosen]
        a = _solve([list(row) for row in zip(*columns, strict=True)], [Fraction(0)] * d + [Fraction(1)])
        if a is not None and min(a) >= 0:
            named = ", ".join(map(str, chosen))
            raise NotSeparable(
                f"z is not separable: with the weights in .certificate, its rows {named} add up to exactly zero, so that no "
                "w has a positive margin on all of them. Check the labels, append a constant 1 for a bias, or add features",
                _spread(n, chosen, a),
            )
    raise AssertionError("one of the two searches ends, by the theorem of the alternative")


def _subsets(n: int, largest: int) -> Iterable[tuple[int, ...]]:
    return chain.from_iterable(combinations(range(n), k) for k in range(1, largest + 1))


def _dot(p: list[Fraction], q: list[Fraction]) -> Fraction:
    return sum((a * b for a, b in zip(p, q, strict=True)), Fraction(0))


def _root(value: Fraction) -> float:
    return math.sqrt(float(value))


def _spread(n: int, chosen: tuple[int, ...], values: list[Fraction]) -> np.ndarray:
    full = np.zeros(n)
    full[list(chosen)] = [float(value) for value in values]
    return full


def _solve(matrix: list[list[Fraction]], right: list[Fraction]) -> list[Fraction] | None:
    """The x with matrix x = right, by elimination; None where there is none or more than one."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    unknowns = len(matrix[0])
    for column in range(unknowns):
        pivot = next((i for i in range(column, len(rows)) if rows[i][column]), None)
        if pivot is None:
            return None
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for i, row in enumerate(rows):
            if i != column and row[column]:
                factor = row[column] / rows[column][column]
                rows[i] = [value - factor * other for value, other in zip(row, rows[column], strict=True)]
    if any(row[-1] for row in rows[unknowns:]):
        return None
    return [rows[i][-1] / rows[i][i] for i in range(unknowns)]
