r"""The momentum SGD that AdaBound turns into (Savarese, 2019): its averaged gradient, with one rate for all entries.

$$m_t = \beta_1 m_{t-1} + (1-\beta_1) g_t, \qquad w_t = w_{t-1} - a(t)\, m_t, \qquad
a(t) = F, \quad \eta_l(t) \quad\text{or}\quad \eta_u(t) ,$$

schedule "final", "lower" or "upper", with the band of `minidl.optim.bounds` around $F = \alpha^* \eta / \eta_0$, as in
AdaBound. In the usual settings the lower bound is the one that binds, so "lower" is the default.

The average (EMA form) is the heavy ball with rate $a(1-\beta_1)$: AdaBound with $\alpha^* = 0.1$, $\beta_1 = 0.9$ ends as
SGD with rate 0.01 and momentum 0.9. torch's SGD(lr=a, momentum=beta1, dampening=beta1) differs in its first buffer alone,
$g$ for $(1-\beta_1) g$.

Source: "On the Convergence of AdaBound and its Connection to SGD", 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl.optim.bounds import band, check_band
from minidl.optim.hyper import check_choice, check_rates
from minidl.optim.moments import average, penalised
from minidl.optim.optimizer import Optimizer
from minidl.optim.parts import Part

SCHEDULES = ("final", "lower", "upper")


@dataclass(frozen=True)
class MomentumSGDHyper:
    """lr, final_lr, weight_decay >= 0; beta1 in [0, 1); gamma > 0; base_lr > 0, the lr at construction (None: lr)."""

    lr: float = 1e-3
    final_lr: float = 0.1
    beta1: float = 0.9
    gamma: float = 1e-3
    schedule: str = "lower"
    weight_decay: float = 0.0
    maximize: bool = False
    base_lr: float | None = None

    def __post_init__(self):
        check_choice(self, "schedule", SCHEDULES)
        check_rates(self, "lr", "weight_decay")
        check_band(self)


def step(
    w: np.ndarray, g: np.ndarray, state: dict[str, Any], hyper: MomentumSGDHyper
) -> tuple[np.ndarray, dict[str, Any]]:
    """One step: w, g (d,) -> new w and state {"t": int, "m": (d,)}."""
    t = state.get("t", 0) + 1
    m = average(state, "m", penalised(w, g, hyper), hyper.beta1)
    lower, upper, final = band(t, hyper)
    rate = {"final": final, "lower": lower, "upper": upper}[hyper.schedule]
    return w - rate * m, {"t": t, "m": m}


class MomentumSGD(Optimizer):
    """`step` applied to tensors; see `MomentumSGDHyper` for the hyperparameters."""

    _own = ("base_lr",)

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        beta1: float = 0.9,
        final_lr: float = 0.1,
        gamma: float = 1e-3,
        schedule: str = "lower",
        weight_decay: float = 0.0,
        maximize: bool = False,
        *,
        impl: str = "reference",
    ):
        hyper = MomentumSGDHyper(lr, final_lr, beta1, gamma, schedule, weight_decay, maximize)
        super().__init__(params, step, hyper, impl=impl)

    def _fused(self, part: Part, hyper: MomentumSGDHyper) -> None:
        t = part.state.get("t", 0) + 1

        def run(w, g, m):
            band = (hyper.base_lr, hyper.final_lr, hyper.beta1, hyper.gamma, hyper.schedule)
            self._kernels.momentum_sgd_step(w, g, m, t, hyper.lr, *band, hyper.weight_decay)

        part.in_place(run, hyper, {"t": t}, m=0.0)
