r"""Kernel and rich regimes: the scale of the initial parameters is a dial from least L2 to least L1 norm.

Claim. A linear predictor written as a difference of D-th powers, trained by gradient flow on a squared loss with fewer
examples than features from $u = v = \alpha\mathbf 1$, converges to the interpolant that minimises $Q_\alpha^D$. For
$\alpha \to \infty$ (the kernel or lazy regime) that is the L2 norm, for $\alpha \to 0$ (the rich regime) the L1 norm;
depth makes the transition sharper. In a sparse regression the rich regime generalises from far fewer examples. In
matrix factorisation width plays the part of scale.

Equations. With $\beta = u^D - v^D$ and $L = \|X\beta - y\|^2$:

$$ \dot u = -D\,u^{D-1} \odot g, \quad \dot v = D\,v^{D-1} \odot g, \quad g = 2X^\top(X\beta - y); \qquad
   uv \;(D = 2), \quad u^{2-D} + v^{2-D} \;(D \ge 3) \;\text{ conserved.} $$
$$ \beta_\alpha = \arg\min_{X\beta = y} Q_\alpha^D(\beta) = \alpha^D h_D(X^\top\nu), \qquad
   Q_\alpha^D(\beta) = \alpha^D \sum_i q_D(\beta_i/\alpha^D), \qquad q_D' = h_D^{-1} . $$
$$ h_2(s) = 2 \sinh s, \qquad q_2(z) = 2 - \sqrt{4 + z^2} + z\operatorname{arcsinh}(z/2) . $$
$$ h_D(s) = (1-s)^{-\frac D{D-2}} - (1+s)^{-\frac D{D-2}}, \qquad
   q_D(z) = z s - \tfrac{D-2}2 \bigl[(1-s)^{-\frac 2{D-2}} + (1+s)^{-\frac 2{D-2}}\bigr] + D - 2,
   \quad s = h_D^{-1}(z) . $$

Why: at depth 2, $u = \alpha e^{-2\int g}$ and $v = \alpha e^{2\int g}$, and g is in the row space of X: so is
$\operatorname{arcsinh}(\beta/2\alpha^2)$, the gradient of $Q_\alpha$, which with $X\beta = y$ is the condition for the
minimum. Any start $u_0, v_0 > 0$: the Bregman divergence of the potential of its invariants, from $\beta_0 = u_0^D -
v_0^D$. An initial function other than 0 shifts the minimiser; it does not change the shape $c = u_0 v_0$. Unequal
invariants weigh the features: in the kernel regime by $w^{2-2D}$ on squares for $u_0 = v_0 = \alpha w$; in the rich
regime by $w^{2-D}$ on absolute values, which is nothing at depth 2.

Notation. $X$: x (n, d), $y$: (n,), $u, v, \beta$: (d,), $\nu$: dual (n,), D: depth >= 2, $\alpha$: alpha > 0. $A_m$: a
(m, p, r), U (p, k), V (r, k), $\mu$: mu. float64; elementwise functions and descent keep float32. L is a sum of
squares, without 1/2 and 1/n. Later papers use $u \odot v$ or $(u^2 - v^2)/2$ and halved losses: their $\alpha^2$ and
times are rescaled ones.

Source. Woodworth, Gunasekar, Lee, Moroshko, Savarese, Golan, Soudry, Srebro, "Kernel and Rich Regimes in
Overparametrized Models", COLT 2020, arXiv:2002.09277 (a first version, arXiv:1906.05827, treats depth 2). Written from
the equations, without the authors' code. The formulas for any start at depth 3 or more, and `width_law`'s constants,
are derived here by the same argument. Left out: nonlinear nets, classification losses, noise in the gradients.
"""

from minidl.theory.kernel_rich.diagonal import (
    conserved,
    flow_limit,
    flow_velocity,
    gradient_descent,
    gradient_flow,
    predictor,
    squared_loss,
    stability_edge,
    tangent_kernel,
    train_diagonal,
)
from minidl.theory.kernel_rich.factorisation import (
    draw_factors,
    factor_descent,
    factor_flow,
    factor_kernel,
    factor_limit,
    factor_velocity,
    product_velocity,
    scaled_factors,
    spectrum_velocity,
    width_law,
)
from minidl.theory.kernel_rich.interpolation import (
    min_bregman,
    min_l2,
    min_potential,
    potential_path,
    sufficient_scales,
)
from minidl.theory.kernel_rich.least_l1 import min_l1
from minidl.theory.kernel_rich.potentials import (
    bregman,
    link,
    link_gap,
    link_inverse,
    link_slope,
    parameters_of,
    penalty,
    potential,
    potential_curvature,
)
from minidl.theory.kernel_rich.problems import draw_sparse_regression, sparse_regression

__all__ = [
    "bregman",
    "conserved",
    "draw_factors",
    "draw_sparse_regression",
    "factor_descent",
    "factor_flow",
    "factor_kernel",
    "factor_limit",
    "factor_velocity",
    "flow_limit",
    "flow_velocity",
    "gradient_descent",
    "gradient_flow",
    "link",
    "link_gap",
    "link_inverse",
    "link_slope",
    "min_bregman",
    "min_l1",
    "min_l2",
    "min_potential",
    "parameters_of",
    "penalty",
    "potential",
    "potential_curvature",
    "potential_path",
    "predictor",
    "product_velocity",
    "scaled_factors",
    "sparse_regression",
    "spectrum_velocity",
    "squared_loss",
    "stability_edge",
    "sufficient_scales",
    "tangent_kernel",
    "train_diagonal",
    "width_law",
]
