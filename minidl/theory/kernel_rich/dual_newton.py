r"""Newton's method on the dual of potential minimisation: from one unknown per example to $\beta$, with all its digits.

$\beta_i = c_i\, h_D(s_i)$ with $s = s_0 + w \odot X^\top \nu$, and $\nu$ minimises the convex

$$ F(\nu) = \sum_i \frac{c_i}{w_i} \int_0^{s_i} h_D - \langle y, \nu \rangle, \qquad \nabla F = X\beta - y, \qquad
   \nabla^2 F = X \operatorname{diag}(c_i w_i h_D'(s_i))\, X^\top . $$

**How far.** Curvatures change by a factor of at most $e^{\tau\delta}$ along the part $\tau$ of a step that moves no s
by more than $\delta$ (depth 2), and of $(1 - \tau\rho)^{-p-1}$, $p = D/(D-2)$, where it goes at most the part $\rho$ of
the way to $|s| = 1$. So F falls at least until $\tau = \log(1 + \delta)/\delta$, or $(1 - (1 + p\rho)^{-1/p})/\rho$:
steps of this length end at the minimum from anywhere, without a search, and are whole ones near it.

The Hessian is, up to a factor, the tangent kernel of the net at $\beta$. Three things keep the digits where the scale is
small, the curvatures $\kappa_i = c_i w_i h_D'(s_i)$ lie thirty orders of magnitude apart, and s is 1 to sixteen digits:

- $1 \mp s$ (at depth 2 $\log c \mp s$, which are $2 \log v$ and $2 \log u$) are kept beside s, and each step is added to all
  three: from $X^\top\nu$ they would not have these digits. It only keeps them from drifting.
- The step solves $\nabla^2 F p = -\nabla F$ by the singular values of $\operatorname{diag}(\kappa)^{1/2} X^\top$, rows in
  descending order, not by its square. What a step does to a large $\kappa_i$ is taken from the left factor, where
  nothing cancels.
- A part of the residual that is rounding is no reason to move: each is damped by $1/(1 + (\text{rounding}/\text{part})^2)$.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minidl.theory.kernel_rich.constraints import EPS, Rows

MOST_STEPS = 1000
# A step that goes further brings one entry where its curvature drowns what the others have to do.
LONGEST = {True: 5.0, False: 0.95}  # at depth 2 in s; above as part of the way to |s| = 1
FARTHEST = 1e6  # how many times d times the least L2 norm's entries those of a first dual may be
ROUNDINGS = 64  # residuals below this many are accepted once they stop falling


class Start(NamedTuple):
    """Where beta = c h(s) begins: s = s0 + w * (X^T nu), all (d,)."""

    c: np.ndarray
    w: np.ndarray
    s0: np.ndarray


class Slopes(NamedTuple):
    """s, and what keeps the digits where it is large: base - s and base + s, base = 1, or log c at depth 2. All (d,)."""

    s: np.ndarray
    below: np.ndarray
    above: np.ndarray


class Minimum(NamedTuple):
    """beta (d,), the dual of the orthonormal rows (r,), and the steps taken."""

    beta: np.ndarray
    dual: np.ndarray
    steps: int


def minimise(rows: Rows, start: Start, depth: int, dual: np.ndarray | None = None) -> Minimum:
    """The minimiser, from this dual (r,) or 0 on. RuntimeError if it does not converge."""
    nu = np.zeros(len(rows.y)) if dual is None else _within_reach(dual, rows, start, depth)
    at = _moved(_slopes(start.s0, start, depth), start.w * (nu @ rows.x))
    previous = np.inf
    for steps in range(MOST_STEPS):
        beta = _beta(at, start.c, depth)  # (d,)
        residual = rows.x @ beta - rows.y  # (r,)
        rounding = EPS * np.max(np.abs(rows.x) @ np.abs(beta) + np.abs(rows.y), initial=0)
        excess = np.abs(residual).max(initial=0) / max(rounding, np.finfo(float).tiny)
        if excess <= 1 or (excess <= ROUNDINGS and excess >= previous / 2):
            return Minimum(beta, nu, steps)
        curvature = start.w * _beta_slope(at, start.c, depth)  # (d,)
        direction, along = _newton_direction(rows.x, curvature, residual, 4 * rounding)  # (r,), (d,)
        change = start.w * along  # (d,) of s
        reach = _reach(at, change, depth)
        length = _length(reach, depth)
        lost = reach < 0.1 and excess >= previous / 2  # small steps lead nowhere: what they add, nu has lost
        at, nu = _moved(at, length * change), nu + length * direction
        at, nu = _anchored(at, nu, rows, start, depth, lost)
        previous = excess
    raise RuntimeError(
        f"no minimum within {MOST_STEPS} Newton steps: begin nearer, with dual= of a larger alpha, or use min_l1 for "
        "alpha -> 0"
    )


def _newton_direction(
    x: np.ndarray, curvature: np.ndarray, residual: np.ndarray, rounding: float
) -> tuple[np.ndarray, np.ndarray]:
    """p = -(X diag(curvature) X^T)^-1 residual (r,), and X^T p (d,)."""
    order, root = np.argsort(-curvature), np.sqrt(curvature)
    left, singular, right = np.linalg.svd((x * root)[:, order].T, full_matrices=False)  # (d, r), (r,), (r, r)
    part = right @ residual  # (r,)
    with np.errstate(divide="ignore", over="ignore"):
        z = part / (1 + (rounding / part) ** 2) / singular  # (r,)
    direction = -(z / singular) @ right  # (r,)
    scaled = np.empty_like(root)
    scaled[order] = -(left @ z)  # root * X^T p
    by_left = root * np.abs(direction).max() > np.abs(z).max()  # where it has the smaller rounding
    return direction, np.where(by_left, scaled / root, direction @ x)


def _within_reach(dual: np.ndarray, rows: Rows, start: Start, depth: int) -> np.ndarray:
    """The dual, halved until |s| < 1 and beta is not absurdly large: the way back would be long.

    From a flat start a minimiser's entries are at most d times those of the least L2 norm, q being convex. A dual that
    fits another scale may still make them larger, by the D-th power of how far that is.
    """
    if not np.isfinite(dual).all():  # so far off that its rows' dual overflows
        return np.zeros_like(dual)
    first = _slopes(start.s0, start, depth)
    largest = FARTHEST * len(start.c) * np.abs(rows.shortest).max()
    with np.errstate(all="ignore"):  # what overflows is too large
        while dual.any():
            change = start.w * (dual @ rows.x)
            beta = _beta(_moved(first, change), start.c, depth)
            if np.abs(beta).max() <= largest and (depth == 2 or _reach(first, change, depth) < 1):
                break
            dual = dual / 2
    return dual


def _slopes(s: np.ndarray, start: Start, depth: int) -> Slopes:
    base = np.log(start.c) if depth == 2 else 1.0
    return Slopes(s, base - s, base + s)


def _moved(at: Slopes, change: np.ndarray) -> Slopes:
    return Slopes(at.s + change, at.below - change, at.above + change)


def _anchored(
    at: Slopes, nu: np.ndarray, rows: Rows, start: Start, depth: int, lost: bool
) -> tuple[Slopes, np.ndarray]:
    """The slopes and nu, brought back to within rounding of s = s0 + w X^T nu where added steps have drifted apart.

    lost: first nu is moved to where it explains s best, as long as s is not 1 to within rounding anywhere.
    """
    true = _slopes(start.s0 + start.w * (nu @ rows.x), start, depth)
    allowed = 4 * EPS * (np.abs(start.s0) + start.w * (np.abs(nu) @ np.abs(rows.x)))  # (d,) of s
    wider = allowed + 4 * EPS * np.abs(true.below + true.above) / 2  # of what s was added to, or taken from
    known = (depth == 2) | (1 - np.abs(true.s) > 1e4 * wider)  # elsewhere X^T nu has lost the gap, which the steps know
    if lost and np.all(known):
        return _anchored(at, nu + (at.s - true.s) @ np.linalg.pinv(start.w * rows.x), rows, start, depth, False)
    kept = (
        np.where(known, np.clip(mine, right - off, right + off), mine)
        for mine, right, off in zip(at, true, (allowed, wider, wider), strict=True)
    )
    return Slopes(*kept), nu


def _reach(at: Slopes, change: np.ndarray, depth: int) -> float:
    """How far a step goes: in s at depth 2, and as part of the way to |s| = 1 above."""
    if depth == 2:
        return float(np.abs(change).max())
    return float(np.max(np.maximum(change / at.below, -change / at.above)))


def _length(reach: float, depth: int) -> float:
    """The part of a Newton step along which F is sure to fall: 1 for small ones."""
    if reach == 0:
        return 1.0
    if depth == 2:
        return float(min(np.log1p(reach), LONGEST[True]) / reach)
    p = depth / (depth - 2)
    return float(min(-np.expm1(-np.log1p(p * reach) / p), LONGEST[False]) / reach)


def _beta(at: Slopes, c: np.ndarray, depth: int) -> np.ndarray:
    if depth == 2:
        return np.where(
            np.abs(at.s) < 0.5, 2 * c * np.sinh(np.clip(at.s, -0.5, 0.5)), np.exp(at.above) - np.exp(at.below)
        )
    p, w = depth / (depth - 2), _small_angle(at)
    near_0 = 2 * np.sinh(p * w) * np.cosh(w) ** p
    return c * np.where(np.abs(at.s) < 0.5, near_0, at.below**-p - at.above**-p)


def _beta_slope(at: Slopes, c: np.ndarray, depth: int) -> np.ndarray:
    if depth == 2:
        return np.exp(at.above) + np.exp(at.below)
    p = depth / (depth - 2)
    return c * p * (at.below ** (-p - 1) + at.above ** (-p - 1))


def _small_angle(at: Slopes) -> np.ndarray:
    """w with s = tanh w, up to |s| = 1/2: near 0 the hyperbolic forms of `potentials` lose no digit."""
    return np.arctanh(np.clip(at.s, -0.5, 0.5))
