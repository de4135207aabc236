r"""Non-negative least squares: $\min_{x \ge 0} \|A x - b\|$, by active sets.

Most entries of the solution are 0. The method keeps the set P of those that are not. Given P, an ordinary least-squares
problem is to be solved. Columns enter P one at a time, the one on which the residual leans most; when the new solution
has a negative entry, one goes only as far towards it as nothing becomes negative, and what became 0 leaves P.

The optimum is known by its gradient: $A^\top (b - A x) \le 0$, with equality on P (Karush, Kuhn, Tucker).

Source. Lawson, Hanson, "Solving Least Squares Problems", 1974, chapter 23, algorithm NNLS. Left out: updates of the QR
factors from one set to the next; here each set is solved anew.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minidl.theory.margin import border


class NNLS(NamedTuple):
    """A solution of non-negative least squares."""

    x: np.ndarray  # (n,), >= 0
    residual: float  # ||A x - b||


def nnls(a: np.ndarray, b: np.ndarray) -> NNLS:
    """The x >= 0 (n,) that minimises ||A x - b||; where it is not unique, one with independent columns.

    a: (m, n), m, n >= 1; b: (m,). Ends when no column would lower the residual. Raises ValueError for other shapes, NaN
    and infinity, TypeError for what holds no real numbers.
    """
    a, b = border.real("a", a), border.real("b", b)
    if a.ndim != 2 or 0 in a.shape:
        raise ValueError(f"a must be (m, n) with m, n >= 1, got shape {a.shape}")
    if b.shape != (len(a),):
        raise ValueError(f"b must have shape ({len(a)},), one entry for each row of a, got {b.shape}")
    size = np.linalg.norm(a, axis=0)  # (n,)
    a = a / np.where(size > 0, size, 1)  # units of the columns do not matter
    rounding = len(a) * np.finfo(float).eps * np.linalg.norm(b)  # of an entry of the gradient
    x, passive = np.zeros(a.shape[1]), np.zeros(a.shape[1], dtype=bool)
    rest = b  # b - A x
    refused = np.zeros(a.shape[1], dtype=bool)  # columns that do not lower the residual at this x
    seen: set[bytes] = set()  # no P comes twice, so this ends whatever rounding does
    while True:
        gradient = a.T @ rest  # (n,) minus that of half the square
        free = ~passive & ~refused & (gradient > rounding)
        if not free.any():
            return NNLS(x / np.where(size > 0, size, 1), float(np.linalg.norm(rest)))
        new = int(np.argmax(np.where(free, gradient, -np.inf)))
        tried, tried_passive = _enter(a, b, x, passive, new)
        tried_rest = b - a @ tried
        fall = (a @ (tried - x)) @ (rest + tried_rest)  # of the square of the residual, without its cancellation
        key = np.packbits(tried_passive).tobytes()
        if fall > 0 and key not in seen:
            seen.add(key)
            x, passive, rest, refused = tried, tried_passive, tried_rest, np.zeros_like(refused)
        else:
            refused = refused | (np.arange(len(x)) == new)  # its gain was rounding


def _enter(a: np.ndarray, b: np.ndarray, x: np.ndarray, passive: np.ndarray, new: int) -> tuple[np.ndarray, np.ndarray]:
    """x and P once column `new` is in P, and whatever becomes 0 on the way has left it."""
    passive = passive | (np.arange(len(x)) == new)
    while passive.any():
        goal = np.zeros(len(x))
        goal[passive] = np.linalg.lstsq(a[:, passive], b, rcond=None)[0]
        below = passive & (goal <= 0)
        if not below.any():
            return goal, passive
        reach = x[below] / (x[below] - goal[below] + (x[below] == goal[below]))  # in [0, 1]: where each becomes 0
        x = np.where(passive, x + reach.min() * (goal - x), 0.0)
        passive = passive & (x > 0)
        passive[np.flatnonzero(below)[reach == reach.min()]] = False  # 0 but for rounding
        x = np.where(passive, x, 0.0)
    return x, passive
