r"""Where gradient descent on separable data goes, and how fast: to the maximum margin, if the loss falls fast enough.

Claim. A linear classifier on separable data can make a decreasing loss as small as it likes by growing, so training
never arrives; what converges is its direction. If the tail of the loss falls faster than every power of the margin, the
direction is that of the hard-margin support vector machine, which nobody asked for; with a power law it is another one.
With a constant step the margin gap closes as 1 / log t; with steps divided by the loss as $\log t / \sqrt t$ at most.

Equations. With signed inputs $z_n = y_n x_n$, margins $u_n = z_n \cdot w$ and $L(w) = \sum_n \ell(u_n)$:

$$\hat w = \arg\min \|w\|^2\ \text{s.t.}\ Z w \ge 1, \qquad \gamma = 1 / \|\hat w\|, \qquad w(t) = \hat w \log t + \rho(t)
\ \text{(exponential, logistic)}$$
$$w \leftarrow w - \eta \nabla L, \qquad w \leftarrow w - \frac{\eta_0}{\sqrt{t + 1}} \frac{\nabla L}{L}, \qquad
\frac{dw}{d \log t} = \sum_n z_n\, e^{\log t + \log(-\ell'(u_n))}$$

Notation. Z: (N, d) float64, no zero row; w, $\hat w$: (d,), no bias (append a column of ones to x; it then is part of
the norm); $\alpha$: (N,) the dual, $\hat w = Z^\top \alpha$; $\gamma$: the maximum margin; L is a sum, not a mean.

Steps. Losses by tail (`tails`), the hard-margin solution by least-distance programming (`solver`, `non_negative`) and in
rational arithmetic (`enumeration`), descent (`steps`), the flow to any time (`flow`), limits and their
constants (`limits`), deep linear networks (`deep_linear`), gaps and angles (`gaps`). Then `fit_direction`, for users.

Conventions. Everything is float64: float32 loses the direction after a million steps. In double precision a margin,
with rows of norm 1, below 1e-9 counts as none; "not separable" comes with a certificate that can be checked by one
product.

Source. Nacson, Lee, Gunasekar, Savarese, Srebro, Soudry, "Convergence of Gradient Descent on Separable Data", AISTATS
2019, arXiv:1803.01905; Soudry, Hoffer, Nacson, Gunasekar, Srebro, "The Implicit Bias of Gradient Descent on Separable
Data", JMLR 2018; Ji, Telgarsky, "Gradient descent aligns the layers of deep linear networks", 2019. No public code by
the authors is known. Left out: stochastic gradients, multi-class losses, non-separable data, and the paper's theorems
for other poly-exponential tails, whose constants concern upper bounds (the limit of the gap itself is in `limits`).
"""

from __future__ import annotations

from minidl.theory.margin.deep_linear import Layers, balanced_layers, deep_flow_velocity, end_to_end, layer_velocities
from minidl.theory.margin.enumeration import hard_margin_by_enumeration
from minidl.theory.margin.fit import Fit, fit_direction
from minidl.theory.margin.flow import log_time_flow
from minidl.theory.margin.gaps import angle, direction_gap, margin_gap
from minidl.theory.margin.limits import (
    angle_constant,
    gap_constant,
    limit_direction,
    limit_offset,
    polynomial_direction,
)
from minidl.theory.margin.non_negative import NNLS, nnls
from minidl.theory.margin.solver import HardMargin, NotSeparable, hard_margin
from minidl.theory.margin.steps import Descent, default_step, descent, normalised_bound, normalised_descent
from minidl.theory.margin.tails import (
    TAILS,
    log_loss,
    log_loss_slope,
    log_total_loss,
    loss,
    signed_inputs,
    smoothness,
    tail_class,
)

__all__ = [
    "NNLS",
    "TAILS",
    "Descent",
    "Fit",
    "HardMargin",
    "Layers",
    "NotSeparable",
    "angle",
    "angle_constant",
    "balanced_layers",
    "deep_flow_velocity",
    "default_step",
    "descent",
    "direction_gap",
    "end_to_end",
    "fit_direction",
    "gap_constant",
    "hard_margin",
    "hard_margin_by_enumeration",
    "layer_velocities",
    "limit_direction",
    "limit_offset",
    "log_loss",
    "log_loss_slope",
    "log_time_flow",
    "log_total_loss",
    "loss",
    "margin_gap",
    "nnls",
    "normalised_bound",
    "normalised_descent",
    "polynomial_direction",
    "signed_inputs",
    "smoothness",
    "tail_class",
]
