r"""Networks with one hidden layer of ReLU units on the line, what they cost, and the functions that they compute.

$$h(x) = \sum_{i=1}^k v_i [w_i x + b_i]_+ + b_0, \qquad C = \tfrac12 \sum_i (w_i^2 + v_i^2) .$$

Biases cost nothing. See `minidl.theory.infinite_width` for the claim and the source.
"""

from __future__ import annotations

import numpy as np

from minidl.theory.infinite_width import border
from minidl.theory.infinite_width.border import no_overflow
from minidl.theory.infinite_width.results import Network, Spline


@no_overflow
def network(x: np.ndarray, w: np.ndarray, b: np.ndarray, v: np.ndarray, b0: float) -> np.ndarray:
    r"""$h(x) = \sum_i v_i [w_i x + b_i]_+ + b_0$. x: (M,); w, b, v: (k,), k = 0 is a constant; b0: a number. Gives (M,).

    Raises ValueError for other shapes, NaN and infinity; TypeError for what is no number; OverflowError if the result
    leaves float64.
    """
    x = border.vector("x", x)
    w, b, v, b0 = border.units(w, b, v, b0)
    return np.maximum(np.outer(x, w) + b, 0) @ v + b0  # (M, k) @ (k,)


@no_overflow
def weight_cost(w: np.ndarray, v: np.ndarray) -> float:
    r"""$C = \frac12 \sum_i (w_i^2 + v_i^2)$, of which weight decay takes a multiple. w, v: (k,). Errors as `network`."""
    w, v = border.alike(w=w, v=v)
    return float((w @ w + v @ v) / 2)


@no_overflow
def path_norm(w: np.ndarray, v: np.ndarray) -> float:
    r"""$\sum_i |v_i w_i|$: the least cost among all rescalings of the units. w, v: (k,). Errors as `network`."""
    w, v = border.alike(w=w, v=v)
    return float(np.abs(w) @ np.abs(v))


@no_overflow
def balance(w: np.ndarray, b: np.ndarray, v: np.ndarray, b0: float) -> Network:
    r"""The cheapest rescaling, $(w, b, v) \to (cw, cb, v/c)$ with $c = \sqrt{|v/w|}$: then $C = \sum_i |v_i w_i|$.

    A unit with w = 0 is a constant, which b0 takes over; one with v = 0 does nothing. Both are dropped, so that the
    result may be narrower. Shapes and errors as `network`.
    """
    w, b, v, b0 = border.units(w, b, v, b0)
    b0 += _constants(w, b, v)
    live = (w != 0) & (v != 0)
    w, b, v = w[live], b[live], v[live]
    c = np.sqrt(np.abs(v)) / np.sqrt(np.abs(w))  # the root of each: v / w may leave float64
    return Network(c * w, c * b, v / c, b0)


def _constants(w: np.ndarray, b: np.ndarray, v: np.ndarray) -> float:
    return float(np.maximum(b[w == 0], 0) @ v[w == 0])


@no_overflow
def as_spline(w: np.ndarray, b: np.ndarray, v: np.ndarray, b0: float, anchor_x: float = 0.0) -> Spline:
    r"""The function that a network computes: a unit bends it at $-b/w$ by $\Delta = v |w|$; far left those with w < 0 act.

    Knots ascend; units that bend at the same place are one knot, or none if they cancel. A bend beyond the range of
    float64 (decay may shrink w to 1e-310) lies at infinity. anchor_x: where h is evaluated, for the anchor; not too far
    from where f is needed, for the rounding's sake. Shapes and errors as `network`.
    """
    w, b, v, b0 = border.units(w, b, v, b0)
    anchor_x = border.number("anchor_x", anchor_x)
    anchor_y = np.maximum(w * anchor_x + b, 0) @ v + b0
    jump = v * np.abs(w)  # (k,)
    live = jump != 0
    w, b, v = w[live], b[live], v[live]
    with np.errstate(over="ignore"):
        knots, knot_of = np.unique(-b / w, return_inverse=True)
    jumps = np.bincount(knot_of, jump[live], minlength=len(knots))  # (K,)
    bends = (jumps != 0) & np.isfinite(knots)
    first = (v * w)[w < 0].sum() + jumps[knots == -np.inf].sum()
    slopes = first + np.concatenate([[0.0], np.cumsum(jumps[bends])])  # (K + 1,)
    return Spline(knots[bends], slopes, anchor_x, float(anchor_y))


@no_overflow
def attaining_network(knots: np.ndarray, slopes: np.ndarray, anchor_x: float, anchor_y: float) -> Network:
    r"""A network that computes f at the cost $\bar R(f)$, with at most 2K + 2 units, all balanced.

    With $TV = \sum |\Delta_k|$, $S = s_0 + s_K$ and $\theta = S/TV$ cut to [-1, 1], knot k becomes the two units

    $$\tfrac12 (\Delta_k + \theta |\Delta_k|)\, [x - t_k]_+ , \qquad \tfrac12 (\Delta_k - \theta |\Delta_k|)\, [t_k - x]_+ .$$

    Where $|S| > TV$, a line of slope $e = (S - \mathrm{sign}(S)\, TV)/2$ is left: $e [x - t]_+ - e [t - x]_+$, for any t.
    Here t is the anchor. Arguments and errors as `spline_value`.
    """
    knots, slopes, anchor_x, anchor_y = border.spline(knots, slopes, anchor_x, anchor_y)
    jumps = np.diff(slopes)  # (K,)
    variation, ends = np.abs(jumps).sum(), slopes[0] + slopes[-1]
    tilt = np.clip(ends, -variation, variation) / variation if variation > 0 else 0.0
    line = np.sign(ends) * max(abs(ends) - variation, 0.0) / 2
    right, left = (jumps + tilt * np.abs(jumps)) / 2, (jumps - tilt * np.abs(jumps)) / 2

    at = np.concatenate([knots, knots, [anchor_x, anchor_x]])  # (2K + 2,)
    facing = np.concatenate([np.ones(len(knots)), -np.ones(len(knots)), [1.0, -1.0]])
    coefficient = np.concatenate([right, left, [line, -line]])
    used = coefficient != 0
    at, facing, coefficient = at[used], facing[used], coefficient[used]
    root = np.sqrt(np.abs(coefficient))
    w, v = facing * root, np.sign(coefficient) * root
    b = -w * at
    return Network(w, b, v, float(anchor_y - np.maximum(w * anchor_x + b, 0) @ v))
