r"""Piecewise-linear functions on the line, and what a network of any width must pay for one.

A function is given by its knots $t_1 < \dots < t_K$, its slopes $s_0, \dots, s_K$ and one point $(x_a, f(x_a))$. Its
jumps are $\Delta_k = s_k - s_{k-1}$. See `minidl.theory.infinite_width` for the claim and the source.
"""

from __future__ import annotations

import numpy as np

from minidl.theory.infinite_width import border
from minidl.theory.infinite_width.border import no_overflow


@no_overflow
def spline_value(x: np.ndarray, knots: np.ndarray, slopes: np.ndarray, anchor_x: float, anchor_y: float) -> np.ndarray:
    r"""$f(x) = f(x_a) + \sum_{j=0}^K s_j \ell_j$, with $\ell_j$ the signed length of the way from $x_a$ to x in piece j.

    x: (M,); knots: (K,) strictly ascending; slopes: (K + 1,). Returns (M,).
    Raises ValueError for knots that do not ascend, another number of slopes, NaN and infinity; TypeError for what is no
    number; OverflowError if the result leaves float64.
    """
    x = border.vector("x", x)
    knots, slopes, anchor_x, anchor_y = border.spline(knots, slopes, anchor_x, anchor_y)
    edges = np.concatenate([[-np.inf], knots, [np.inf]])  # (K + 2,)
    lengths = np.clip(x[:, None], edges[:-1], edges[1:]) - np.clip(anchor_x, edges[:-1], edges[1:])  # (M, K + 1)
    return anchor_y + lengths @ slopes


@no_overflow
def function_norm(slopes: np.ndarray) -> float:
    r"""$\bar R(f) = \max\bigl(\sum_k |\Delta_k|,\; |s_0 + s_K|\bigr)$: the least cost of a network that computes f.

    slopes: (K + 1,), from left to right; where the knots are plays no part. For any other f the total variation of f'
    stands in the place of the sum ($\int |f''|$ where f'' exists). Errors as `spline_value`.
    """
    slopes = border.slopes(slopes)
    return float(max(np.abs(np.diff(slopes)).sum(), abs(slopes[0] + slopes[-1])))


@no_overflow
def function_norm_with_skip(slopes: np.ndarray) -> float:
    r"""$\sum_k |\Delta_k|$: the least cost where the network also has a term $a x$ that costs nothing. Errors as above."""
    return float(np.abs(np.diff(border.slopes(slopes))).sum())
