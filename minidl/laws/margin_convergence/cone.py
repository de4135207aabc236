"""Data whose hard margin is known before anything is solved, and whether integer data are separable at all.

Planted data: rows w + p_i with p_i orthogonal to w and a positive combination of the p_i that vanishes. The same
combination of the rows is a multiple of w, so w / |w|^2 satisfies the conditions of the optimum, and its multipliers are
that combination. Any row m w + p with m > 1 and p orthogonal to w lies beyond the margin.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from minidl.laws.core import Case

LONG = np.longdouble


class Answer(NamedTuple):
    """The maximum-margin vector (d,), the multipliers (N,) and which rows support, in long double."""

    w: np.ndarray
    dual: np.ndarray
    support: np.ndarray

    @property
    def margin(self) -> np.floating:
        return 1 / np.sqrt((self.w**2).sum())


ANSWER = ("hat", "hat_over", "multipliers", "over", "unit")


def known(z: Any, hat: Any, hat_over: int, multipliers: Any, over: int, unit: float = 1.0) -> Case:
    """Rows, w-hat and multipliers as fractions; all of it in units of `unit`, a power of two."""
    return {
        "z": unit * np.asarray(z, np.float64),
        "hat": np.asarray(hat, np.int64),
        "hat_over": int(hat_over),
        "multipliers": np.asarray(multipliers, np.int64),
        "over": int(over),
        "unit": float(unit),
    }


def answer(case: Case) -> Answer:
    """What a case made by `known` says."""
    unit = LONG(case["unit"])
    w = case["hat"].astype(LONG) / case["hat_over"] / unit
    return Answer(w, case["multipliers"].astype(LONG) / case["over"] / unit**2, case["multipliers"] > 0)


def answer_of(case: Case) -> Case:
    """The part of a case that says the answer."""
    return {name: case[name] for name in ANSWER}


def planted_data(seed: int, d: int, beyond: int = 2, most: int = 0, unit: float = 1.0) -> Case:
    """d (or `most`, if that is fewer) support vectors, linearly independent, and `beyond` further rows. d >= 2."""
    rng = np.random.default_rng(seed)
    while True:
        w = rng.integers(-2, 3, d)
        if w.any():
            break
    count = min(d, most) if most else d
    while True:
        p = np.stack([_orthogonal(rng, w) for _ in range(count - 1)]) if count > 1 else np.zeros((0, d), int)
        if count == 1 or np.linalg.matrix_rank(p) == count - 1:
            break
    weights = np.append(rng.integers(1, 4, count - 1), 1)
    rows = np.vstack([w + p, w - weights[:-1] @ p]) if count > 1 else w[None]
    far = [int(rng.integers(2, 4)) * w + _orthogonal(rng, w) for _ in range(beyond)]
    z, multipliers = np.vstack([rows, *far]), np.append(weights, np.zeros(beyond, int))
    order, square = rng.permutation(len(z)), int(w @ w)
    return known(z[order], w, square, multipliers[order], int(weights.sum()) * square, unit)


def _orthogonal(rng: np.random.Generator, w: np.ndarray) -> np.ndarray:
    """A small integer vector orthogonal to w: the sum of two swaps of its entries."""
    p = np.zeros(len(w), int)
    for _ in range(2):
        i, j = rng.choice(len(w), 2, replace=False)
        sign = rng.choice([-1, 1])
        p[i] += sign * w[j]
        p[j] -= sign * w[i]
    return p


def separable(rows: Any) -> bool:
    """Whether some w has z.w >= 1 for every row of integers: Fourier and Motzkin's elimination, in fractions."""
    system = {(*map(Fraction, row), Fraction(1)) for row in np.asarray(rows, int).tolist()}  # row . w >= bound
    for _ in range(np.shape(rows)[1]):
        above = [row for row in system if row[0] > 0]
        under = [row for row in system if row[0] < 0]
        system = {row[1:] for row in system if row[0] == 0}
        for up in above:
            for down in under:
                joined = [a / up[0] - b / down[0] for a, b in zip(up[1:], down[1:], strict=True)]
                size = max(map(abs, joined))
                system.add(tuple(x / size for x in joined) if size else tuple(joined))
    return all(bound <= 0 for (bound,) in system)


def plane_margin(z: Any) -> tuple[np.floating, np.ndarray]:
    """The largest margin over all directions of the plane, and that direction, in long double.

    The margin is a minimum of cosines, so it is largest at a row or where two rows have the same product: all such
    directions are tried.
    """
    z = np.asarray(z, LONG)
    between = (z[:, None] - z[None, :]).reshape(-1, 2)[:, ::-1] * np.array([-1, 1])
    tried = np.concatenate([z, between, -between])
    tried = tried[(tried != 0).any(axis=1)]
    tried = tried / np.sqrt((tried**2).sum(axis=1, keepdims=True))
    margins = (tried @ z.T).min(axis=1)
    best = int(margins.argmax())
    return margins[best], tried[best]
