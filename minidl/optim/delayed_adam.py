r"""Delayed Adam (Savarese, McAllester, Babu and Maire, 2021, Algorithm 1): the rate looks at past gradients only.

$$m_t = \beta_1 m_{t-1} + (1-\beta_1) g_t, \quad \eta_t = \frac1{\sqrt{v_{t-1}} + \epsilon}, \quad
w_t = w_{t-1} - \alpha\, \eta_t \odot m_t, \quad v_t = \beta_2 v_{t-1} + (1-\beta_2) g_t^2 .$$

Adam divides by a moment that already contains the current gradient, so a rare large gradient, which may be what points to
the minimum, shrinks its own step. Here the parameters move first and $v$ follows, so the rate is independent of the current
sample. No bias correction. $v_0 = 0$ makes the first rate $1/\epsilon$, hence $\epsilon > 0$ is required, and Adam's
usual 1e-8 would be a jump: the class has 0.1, as AvaGrad. `weight_decay` is the coupled one.

Source: "Domain-independent Dominance of Adaptive Methods", CVPR 2021, section 3. The authors released AvaGrad only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl.optim.hyper import check_positive, check_rates, two
from minidl.optim.moments import divisor, moments, penalised
from minidl.optim.optimizer import Optimizer
from minidl.optim.parts import Part


@dataclass(frozen=True)
class DelayedAdamHyper:
    """lr, weight_decay >= 0; eps > 0; both betas in [0, 1)."""

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 0.1
    weight_decay: float = 0.0
    maximize: bool = False

    def __post_init__(self):
        check_rates(self, "lr", "eps", "weight_decay")
        check_positive(self, "eps", "the first rate is 1 / eps")


def step(
    w: np.ndarray, g: np.ndarray, state: dict[str, Any], hyper: DelayedAdamHyper
) -> tuple[np.ndarray, dict[str, Any]]:
    """One step: w, g (d,) -> new w and state {"t": int, "m": (d,), "v": (d,)}."""
    t, m, v = moments(penalised(w, g, hyper), state, hyper)
    root = np.sqrt(state.get("v", np.zeros_like(w))) + hyper.eps  # of v before this gradient
    return w - hyper.lr * m / divisor(root, hyper), {"t": t, "m": m, "v": v}


class DelayedAdam(Optimizer):
    """`step` applied to tensors; see `DelayedAdamHyper` for the hyperparameters."""

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 0.1,
        weight_decay: float = 0.0,
        maximize: bool = False,
        *,
        impl: str = "reference",
    ):
        super().__init__(params, step, DelayedAdamHyper(lr, *two(betas), eps, weight_decay, maximize), impl=impl)

    def _fused(self, part: Part, hyper: DelayedAdamHyper) -> None:
        t = part.state.get("t", 0) + 1

        def run(w, g, m, v):
            settings = (hyper.lr, hyper.beta1, hyper.beta2, hyper.eps, hyper.weight_decay)
            self._kernels.delayed_adam_step(w, g, m, v, t, *settings)

        part.in_place(run, hyper, {"t": t}, m=0.0, v=0.0)
