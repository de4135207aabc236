r"""The interpolants that flow is said to end in, found without any flow: the least potential subject to $X\beta = y$.

By duality $\beta_i = c_i\, h_D(s_i)$ with $s = s_0 + w \odot X^\top \nu$, one unknown per example (`dual_newton`). From
$u = v = \alpha\mathbf 1$: $c = \alpha^D$, $w = 1$, $s_0 = 0$. From any other start, by the invariants: $c = u_0 v_0$,
$w = 1$, $s_0 = \log(u_0/v_0)$ at depth 2; with $a = (u_0^{2-D} + v_0^{2-D})/2$ above, $c = a^{-D/(D-2)}$, $w = 1/a$,
$s_0 = (v_0^{2-D} - u_0^{2-D})/(2a)$.

The ends of the dial: `min_l2` for $\alpha \to \infty$; the least L1 norm for $\alpha \to 0$ is in `least_l1`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.theory.kernel_rich import border
from minidl.theory.kernel_rich.constraints import Rows, orthonormal_rows
from minidl.theory.kernel_rich.dual_newton import Start, minimise
from minidl.theory.kernel_rich.results import Interpolant, Scales


def min_potential(x: Any, y: Any, alpha: float, depth: int = 2, dual: Any = None) -> Interpolant:
    r"""$\arg\min Q_\alpha^D(\beta)$ subject to $X\beta = y$: where flow from $u = v = \alpha\mathbf 1$ ends.

    x: (n, d), y: (n,); dual: (n,) where to begin, such as the result's at a scale nearby. Returns beta (d,), dual (n,)
    with $\beta = \alpha^D h_D(X^\top \nu)$, and the Newton steps taken. Rows of X may depend on each other where y
    fits; one of their duals comes back. $X\beta - y$ is a few roundings of $|X||\beta| + |y|$; entries of $\beta$ below
    that are the targets' rounding, whatever alpha. Raises ValueError for targets that no beta fits and a scale that is
    not positive; RuntimeError if Newton does not converge.
    """
    rows, depth = orthonormal_rows(x, y), border.depth(depth)
    start = _flat(rows, border.scale(alpha, depth))
    return _of_examples(rows, start, depth, dual)


def potential_path(x: Any, y: Any, alphas: Any, depth: int = 2) -> Interpolant:
    """`min_potential` at each of the scales alphas (K,), in any order: a sweep from large to small, each warm.

    Returns beta (K, d), dual (K, n) and steps (K,), in the order of alphas. Errors as there.
    """
    rows, depth = orthonormal_rows(x, y), border.depth(depth)
    scales = np.array([border.scale(alpha, depth) for alpha in border.positive("alphas", alphas, "K").tolist()])
    beta, dual = np.empty((len(scales), rows.x.shape[1])), np.empty((len(scales), len(rows.inverse)))
    steps, nu = np.empty(len(scales), int), None
    for k in np.argsort(-scales):
        beta[k], nu, steps[k] = minimise(rows, _flat(rows, scales[k]), depth, nu)
        dual[k] = rows.dual_of_examples(nu)
    return Interpolant(beta, dual, steps)


def min_bregman(x: Any, y: Any, u0: Any, v0: Any, depth: int = 2, dual: Any = None) -> Interpolant:
    r"""$\arg\min$ `bregman`$(\beta, u_0, v_0)$ subject to $X\beta = y$: where flow from any $u_0, v_0 > 0$ (d,) ends.

    x: (n, d), y: (n,), dual: (n,) where to begin. Returns as `min_potential`, but with the dual for which $X^\top \nu =
    \operatorname{arcsinh}(\beta/2c) - \log(u_0/v_0)$, $c = u_0 v_0$, at depth 2, and $X^\top\nu = u_0^{2-D} - u^{2-D} =
    v^{2-D} - v_0^{2-D}$ above, (u, v) = `parameters_of`(beta, u0, v0). Errors as there.
    """
    rows, depth = orthonormal_rows(x, y), border.depth(depth)
    u0, v0 = border.started(u0, v0, rows.x.shape[1], depth)
    if depth == 2:
        start = Start(u0 * v0, np.ones_like(u0), np.log(u0) - np.log(v0))
    else:
        a, b = u0 ** (2 - depth), v0 ** (2 - depth)
        start = Start(((a + b) / 2) ** (-depth / (depth - 2)), 2 / (a + b), (b - a) / (a + b))
    return _of_examples(rows, start, depth, dual)


def min_l2(x: Any, y: Any) -> np.ndarray:
    """The interpolant of least L2 norm, the kernel regime's end. x: (n, d), y: (n,). Returns (d,) float64.

    Raises ValueError for targets that no beta fits.
    """
    return orthonormal_rows(x, y).shortest


def sufficient_scales(b1: Any, b2: Any, eps: float) -> Scales:
    r"""Scales at depth 2 from which on a norm is within a factor of its least value. b1, b2: (d,), of least L1 and L2 norm.

    $$ \alpha \le \min\bigl\{ (2(1+\epsilon)\|b_1\|_1)^{-(2+\epsilon)/(2\epsilon)},\; e^{-d/(\epsilon \|b_1\|_1)} \bigr\}
       \;\Rightarrow\; \|\beta_\alpha\|_1 \le (1+\epsilon) \|b_1\|_1, $$
    $$ \alpha \ge \sqrt{2(1+\epsilon)(1+2/\epsilon)\|b_2\|_2}
       \;\Rightarrow\; \|\beta_\alpha\|_2^2 \le (1+\epsilon)\|b_2\|_2^2 . $$

    eps: in (0, 1). rich is 0 where the bound is below float64. Raises ValueError for b1 = 0 or b2 = 0, where every
    scale will do.
    """
    b1 = border.real("b1", b1, "d").astype(np.float64)
    b2, eps = border.real("b2", b2, len(b1)).astype(np.float64), border.number("eps", eps, 0, 1)
    l1, l2 = float(np.abs(b1).sum()), float(np.linalg.norm(b2))
    if l1 == 0 or l2 == 0:
        raise ValueError("b1 and b2 must not be 0: then y = 0, and beta = 0 at every scale")
    log_rich = min(-(2 + eps) / (2 * eps) * np.log(2 * (1 + eps) * l1), -len(b1) / (eps * l1))
    with np.errstate(under="ignore", over="ignore"):
        return Scales(float(np.exp(log_rich)), float(np.sqrt(2 * (1 + eps) * (1 + 2 / eps) * l2)))


def _flat(rows: Rows, scale: float) -> Start:
    ones = np.ones(rows.x.shape[1])
    return Start(scale * ones, ones, 0 * ones)


def _of_examples(rows: Rows, start: Start, depth: int, dual: Any) -> Interpolant:
    if dual is not None:
        dual = border.real("dual", dual, len(rows.scaled)).astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):  # `minimise` begins at 0 then
            dual = rows.dual_of_rows(dual)
    beta, nu, steps = minimise(rows, start, depth, dual)
    return Interpolant(beta, rows.dual_of_examples(nu), steps)
