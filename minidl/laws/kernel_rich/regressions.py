"""Underdetermined regressions, and what is known of their interpolants without minimising anything.

One example: bisection of its one dual value. Least norms: enumeration of supports, and elimination in long double. How far
rounding may carry an interpolant: the linearised optimality conditions.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.laws.core import Case, Cases
from minidl.laws.kernel_rich import oracle
from minidl.laws.kernel_rich.oracle import EPS, LONG, long

WORKED = {"x": np.array([[1.0, 0.4]]), "y": np.array([1.0])}


# --- linear algebra in long double -----------------------------------------------------------------------------------------
def solve(matrix: Any, right: Any) -> np.ndarray:
    """matrix^-1 right by elimination with pivots. matrix: (n, n), right: (n,) or (n, k)."""
    a = long(matrix).copy()
    b = long(right).reshape(len(a), -1).copy()
    for k in range(len(a)):
        pivot = k + int(np.argmax(np.abs(a[k:, k])))
        a[[k, pivot]], b[[k, pivot]] = a[[pivot, k]], b[[pivot, k]]
        for i in range(k + 1, len(a)):
            factor = a[i, k] / a[k, k]
            a[i, k:] -= factor * a[k, k:]
            b[i] -= factor * b[k]
    for k in reversed(range(len(a))):
        b[k] = (b[k] - a[k, k + 1 :] @ b[k + 1 :]) / a[k, k]
    return b.reshape(np.shape(right))


def least_l2(x: Any, y: Any) -> np.ndarray:
    """X^T (X X^T)^-1 y for independent rows. (d,) long double"""
    x = long(x)
    return x.T @ solve(x @ x.T, y)


def least_l1(x: Any, y: Any) -> np.ndarray:
    """An interpolant of least L1 norm: the best among the solutions on n columns. (d,) long double"""
    x, y = long(x), long(y)
    n, d = x.shape
    best, found = np.inf, np.zeros(d, LONG)
    for support in itertools.combinations(range(d), n):
        columns = x[:, support]
        if np.linalg.svd(columns.astype(float), compute_uv=False)[-1] < 1e-9:
            continue
        value = solve(columns, y)
        if (size := float(np.abs(value).sum())) < best:
            best, found = size, np.zeros(d, LONG)
            found[list(support)] = value
    return found


def off_rows(x: Any, values: Any) -> np.ndarray:
    """What is left of values (d,) after their projection on the row space of x (n, d) of full rank. (d,) long double"""
    x, values = long(x), long(values)
    return values - x.T @ solve(x @ x.T, x @ values)


# --- one example -----------------------------------------------------------------------------------------------------------
def places_along(size: Any, t: Any, depth: int) -> np.ndarray:
    """The log ratios of all entries when that of the largest |x| is t: their dual values are in the ratio of the |x|."""
    size = long(size)
    if depth == 2:
        return size / size.max() * t
    # tanh w_i = r_i tanh w: from 1 - |s| where that is small
    gap = oracle.gap(t, depth)
    ratio = size / size.max()
    below, above = (1 - ratio) + ratio * gap, 1 + ratio * (1 - gap)
    near_0 = 2 * np.arctanh(np.minimum(ratio * oracle.dual(t, depth), LONG(0.5)))
    return np.where(below > 0.5, near_0, np.log(above / below)) / (depth - 2)


def one_example(x: Any, y: float, alpha: float, depth: int) -> np.ndarray:
    """The minimiser of the potential for one example x (d,), by bisection of its dual value. (d,) long double"""
    x, y = long(x), long(y)
    size, scale = np.abs(x), long(alpha) ** depth

    def fitted(t: Any) -> np.ndarray:
        return np.array(
            [scale * (size * oracle.entry(places_along(size, one, depth), depth)).sum() for one in np.ravel(t)]
        )

    # entries grow no faster than their dual values: the largest is at least as large as if they did
    largest = abs(y) / scale / size.max() / np.array([((size / size.max()) ** 2).sum(), 1])
    low, high = oracle.place(largest, depth).reshape(2, 1)
    t = oracle.bisected(fitted, np.abs(y).reshape(1), low, high)[0]
    return np.sign(y) * np.sign(x) * scale * oracle.entry(places_along(size, t, depth), depth)


# --- what rounding may do --------------------------------------------------------------------------------------------------
def reach(
    x: Any, y: Any, beta: Any, curvature: Any, dual_off: Any, roundings: float, misfit: float = 0.0
) -> np.ndarray:
    """How far entries of an interpolant may be off (d,), when the residuals round, and dual values are off by dual_off (d,).

    curvature: d beta / d s. To first order beta moves by M ds + C X^T (X C X^T)^-1 dr, M = C - C X^T (X C X^T)^-1 X C.
    misfit: what each residual may be off by on top of its roundings.
    """
    x, c = long(x), long(curvature)
    carried = solve((x * c) @ x.T, x * c)  # (n, d)
    kept = np.abs(np.diag(c) - (x * c).T @ carried)
    size = np.linalg.norm((np.abs(x) @ np.abs(long(beta)) + np.abs(long(y))).astype(float))
    return (kept @ long(dual_off) + np.abs(carried).sum(axis=0) * (EPS * roundings * size + misfit)).astype(float)


def wiggle(x: Any, y: Any, beta: Any, alpha: float, depth: int) -> np.ndarray:
    """`reach` of the potential's minimiser: dual values off by their own rounding, in sums over n examples of X^T nu."""
    return wiggle_from(x, y, beta, long(alpha), LONG(0), LONG(1), depth)


def wiggle_from(x: Any, y: Any, beta: Any, a: Any, s0: Any, w: Any, depth: int) -> np.ndarray:
    """`reach` where beta = a^D h(s0 + w X^T nu), entry by entry."""
    x, beta = long(x), long(beta)
    t = oracle.place(beta / a**depth, depth)
    s = oracle.dual(t, depth)
    terms = np.abs(x).T @ np.abs(solve(x @ x.T, x @ ((s - s0) / w)))  # (d,) |X|^T |nu|
    off = EPS * slack(x) * ((np.abs(s) + np.abs(s0)) / w + terms)
    return reach(x, y, beta, a**depth * w * oracle.steepness(t, depth), off, slack(x))


def slack(x: Any) -> float:
    """Roundings of a sum over entries and examples, and of factors of x that are as bad as its condition."""
    n, d = np.shape(x)
    return (64 + 8 * (n + d)) * float(np.linalg.cond(np.asarray(x, float)))


# --- cases -----------------------------------------------------------------------------------------------------------------
def data(rng: np.random.Generator, n: int, d: int) -> Case:
    """Well-conditioned inputs, and targets that are not 0, of three decimals."""
    while True:
        x, y = rng.normal(size=(n, d)).round(3), rng.normal(size=n).round(3)
        if np.linalg.cond(x) < 20 and y.any():
            return {"x": x, "y": y}


def sized(rng: np.random.Generator) -> Case:
    """1 to 3 examples in as many dimensions or more."""
    n = int(rng.integers(1, 4))
    return data(rng, n, int(rng.integers(n, 7)))


def regressions(fill: Callable[[np.random.Generator, Case], Case], more: dict[str, Case] | None = None) -> Cases:
    """Regressions of full rank with what fill adds; more: further named cases."""

    def build(seed: int) -> Case:
        rng = np.random.default_rng(seed)
        case = sized(rng)
        return case | fill(rng, case)

    def generated():
        from hypothesis import strategies as st

        return st.builds(build, st.integers(0, 9999))

    return Cases(named=more or {}, generated=generated)


ALPHAS = (0.01, 0.05, 0.3, 1.0, 3.0, 10.0)
DEPTHS = (2, 3, 4, 5)


def potentials() -> Cases:
    """Scale and depth."""

    def fill(rng: np.random.Generator, case: Case) -> Case:
        return {"alpha": float(rng.choice(ALPHAS)), "depth": int(rng.choice(DEPTHS))}

    three = data(np.random.default_rng(1), 3, 6)
    more = {f"depth_{depth}": three | {"alpha": 0.2, "depth": depth} for depth in DEPTHS}
    more |= {f"kernel_{depth}": three | {"alpha": 20.0, "depth": depth} for depth in (2, 4)}
    more |= {
        f"rich_{depth}": three | {"alpha": alpha, "depth": depth} for depth, alpha in ((2, 1e-4), (3, 0.002), (5, 0.01))
    }
    more["one"] = WORKED | {"alpha": 0.1, "depth": 2}
    more["square"] = data(np.random.default_rng(2), 3, 3) | {"alpha": 0.1, "depth": 3}
    more["large_targets"] = three | {"y": 1000 * three["y"], "alpha": 0.5, "depth": 2}
    more["small_targets"] = three | {"y": 1e-6 * three["y"], "alpha": 0.5, "depth": 3}
    more["no_target"] = three | {"y": np.zeros(3), "alpha": 0.5, "depth": 2}
    return regressions(fill, more)
