r"""The algorithm that AdaBound's theory is about, and the regret bound that holds for it.

Algorithm 2 of the paper, on the box $F = [-\rho, \rho]^d$, where the weighted projection is plain clipping:

$$m_t = \beta_{1t} m_{t-1} + (1-\beta_{1t}) g_t, \quad v_t = \beta_2 v_{t-1} + (1-\beta_2) g_t^2, \quad
\hat\eta_t = \mathrm{Clip}\bigl(\alpha/\sqrt{v_t}, \eta_l(t), \eta_u(t)\bigr), \quad
x_{t+1} = \Pi_F\bigl(x_t - \hat\eta_t\, m_t / \sqrt t\bigr) .$$

It has no bias correction, no $\epsilon$, a factor $1/\sqrt t$ and a projection; the released code (`minidl.optim.adabound`)
has the first two and not the others.

The published proof needs $\sqrt t / \hat\eta_t$ to grow. Clipping lets it fall: with the default bounds from 10010 at t = 1 to
0.0282 at t = 2. The proof goes through where $t/\eta_l(t) - (t-1)/\eta_u(t-1) \le M$ for all t, since then

$$\frac{\sqrt t}{\eta_l(t)} - \frac{\sqrt{t-1}}{\eta_u(t-1)} \le \frac{M}{\sqrt t}, \qquad
\sum_{t=2}^T \frac1{\sqrt t} \le 2(\sqrt T - 1),$$

and gives, for convex losses with gradients of norm at most $G$, a set of diameter $D$ in every coordinate, and
$\beta_{1t}$ that does not increase from $\beta_1$,

$$R_T \le \frac{D^2}{2(1-\beta_1)} \Bigl[2dM(\sqrt T-1) + \sum_i \frac1{\hat\eta_{1,i}}
+ \sum_{t \le T} \sum_i \frac{\beta_{1t}\sqrt t}{\hat\eta_{t,i}}\Bigr] + (2\sqrt T-1) \frac{\eta_u(1)\, G^2}{1-\beta_1} .$$

For the band of `minidl.optim.bounds`, $M = (1 + 2/\gamma) / \alpha^*$: the guarantee degrades like $1/\gamma$, the length of
time for which the band stays wide, a factor that the original bound lacks. The middle sum is $O(\sqrt T)$ for
$\beta_{1t} = \beta_1/t$, and $O(T^{3/2})$ for constant $\beta_1 > 0$.

Source: Luo, Xiong, Liu, Sun, "Adaptive Gradient Methods with Dynamic Bound of Learning Rate", ICLR 2019, Algorithm 2 (where
$\gamma = 1-\beta_2$, $\alpha^* = 0.1$); Savarese, "On the Convergence of AdaBound and its Connection to SGD", 2019.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minidl.optim import border
from minidl.optim.bounds import bounds
from minidl.optim.hyper import in_range, positive


def projected_rates(gradients: np.ndarray, alpha: float, final_lr: float, beta2: float, gamma: float) -> np.ndarray:
    r"""$\hat\eta_t$ of Algorithm 2, which depend on the gradients alone: gradients (T, d) -> (T, d), before $1/\sqrt t$.

    Where an entry has seen no gradient its rate is the upper bound. Raises ValueError for an alpha that is not positive,
    a beta2 outside of [0, 1), and as `bounds`; TypeError for gradients that are no floats.
    """
    gradients = border.floats("gradients", gradients)
    if gradients.ndim != 2 or gradients.size == 0:
        raise ValueError(f"gradients must have shape (T, d), T and d at least 1, got {gradients.shape}")
    alpha = positive("alpha", alpha)
    beta2 = in_range("beta2", beta2, 0, 1)
    lower, upper = bounds(np.arange(1, len(gradients) + 1), final_lr, gamma)
    upper = np.minimum(upper, np.finfo(gradients.dtype).max)  # a wide band has no end in float32
    v, rates = np.zeros_like(gradients[0]), np.empty(gradients.shape, gradients.dtype)
    for t, g in enumerate(gradients):
        v = beta2 * v + (1 - beta2) * g * g
        raw = np.divide(alpha, np.sqrt(v), out=np.full_like(v, np.inf), where=v != 0)
        rates[t] = np.clip(raw, float(lower[t]), float(upper[t]))
    return rates


def adabound_projected(
    w: np.ndarray,
    gradients: np.ndarray,
    alpha: float,
    final_lr: float,
    beta1: np.ndarray,
    beta2: float,
    gamma: float,
    radius: float,
) -> np.ndarray:
    r"""Algorithm 2 on the box $[-\rho, \rho]^d$: the points after each step, (T, d), from w (d,) in the box.

    gradients (T, d), beta1 (T,): one number per step, such as beta1 / t; radius: $\rho$.
    alpha, final_lr, gamma, radius > 0; the betas in [0, 1). Raises ValueError for values outside of that and shapes that do
    not fit, TypeError for integers and mixed dtypes.
    """
    w, gradients = border.run(w, gradients)
    beta1 = [in_range("beta1", b, 0, 1) for b in border.each_step("beta1", beta1, len(gradients))]
    radius = positive("radius", radius)
    if not (np.abs(w) <= radius).all():
        raise ValueError(f"w must start in the box [-{radius}, {radius}]^d, got a largest entry of {np.abs(w).max()}")
    rates = projected_rates(gradients, alpha, final_lr, beta2, gamma)
    m, points = np.zeros_like(w), np.empty(gradients.shape, gradients.dtype)
    for t, (g, b) in enumerate(zip(gradients, beta1, strict=True)):
        m = b * m + (1 - b) * g
        w = np.clip(w - (rates[t] / math.sqrt(t + 1)) * m, -radius, radius)
        points[t] = w
    return points


def bound_gap(t: Any, final_lr: float, gamma: float) -> Any:
    r"""$t/\eta_l(t) - (t-1)/\eta_u(t-1)$, the second term 0 at t = 1: what $M$ bounds. t: steps >= 1, a number or an array.

    Evaluated as $\bigl(1 + \frac1\gamma + \frac{t-1}{\gamma(t-1)+1}\bigr) / \alpha^*$, which has no cancellation; it
    increases with t. Raises as `bounds`, and ValueError for final_lr = 0.
    """
    bounds(t, final_lr, gamma)  # checks
    final_lr, gamma = positive("final_lr", final_lr, "the constant divides by it"), float(gamma)
    before = np.asarray(t, np.float64) - 1
    gap = (1 + 1 / gamma + before / (gamma * before + 1)) / final_lr
    return gap if np.ndim(gap) else float(gap)


def bound_constant(final_lr: float, gamma: float) -> float:
    r"""$M = \sup_t \bigl[t/\eta_l(t) - (t-1)/\eta_u(t-1)\bigr] = (1 + 2/\gamma) / \alpha^*$.

    Raises ValueError unless both are positive.
    """
    final_lr = positive("final_lr", final_lr, "the constant divides by it")
    gamma = positive("gamma", gamma, "the constant divides by it")
    return (1 + 2 / gamma) / final_lr


def regret_bound(
    rates: np.ndarray, beta1: np.ndarray, final_lr: float, gamma: float, diameter: float, gradient_norm: float
) -> np.ndarray:
    r"""The bound on the regret after 1, 2, ..., T steps of `adabound_projected`: (T,) float64.

    rates: (T, d), those of `projected_rates`. beta1: (T,), not increasing. diameter: $D = \max |x - y|_\infty$ over the set,
    2 radius for the box. gradient_norm: $G \ge \lVert g_t \rVert_2$ for all t.

    Raises ValueError for a beta1 that increases or leaves [0, 1), for rates outside of the band, and shapes that do not fit.
    """
    rates = border.floats("rates", rates)
    if rates.ndim != 2 or rates.size == 0:
        raise ValueError(f"rates must have shape (T, d), T and d at least 1, got {rates.shape}")
    steps = np.arange(1, len(rates) + 1)
    beta1 = np.array([in_range("beta1", b, 0, 1) for b in border.each_step("beta1", beta1, len(rates))])
    if (np.diff(beta1) > 0).any():
        raise ValueError("beta1 must not increase: the bound holds for a schedule such as beta1 / t")
    lower, upper = bounds(steps, final_lr, gamma)
    rounding = np.finfo(rates.dtype).eps
    if not ((rates >= lower[:, None] * (1 - rounding)) & (rates <= upper[:, None] * (1 + rounding))).all():
        raise ValueError("rates must lie in the band of final_lr and gamma: take those of projected_rates")
    diameter, gradient_norm = positive("diameter", diameter), in_range("gradient_norm", gradient_norm, 0, math.inf)

    root, inverse = np.sqrt(steps), (1 / rates.astype(np.float64)).sum(axis=1)  # (T,), (T,)
    widening = 2 * rates.shape[1] * bound_constant(final_lr, gamma) * (root - 1)  # (T,)
    averaging = np.cumsum(beta1 * root * inverse)  # (T,)
    noise = (2 * root - 1) * upper[0] * gradient_norm**2  # (T,)
    return (diameter**2 / 2 * (widening + inverse[0] + averaging) + noise) / (1 - beta1[0])
