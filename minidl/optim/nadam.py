r"""Nadam: Adam with Nesterov momentum on a schedule (Dozat, 2016), as Keras and torch.optim.NAdam compute it.

$$\mu_t = \beta_1 \left(1 - \tfrac12\, 0.96^{t\psi}\right), \quad m_t = \beta_1 m_{t-1} + (1-\beta_1) g, \quad
v_t = \beta_2 v_{t-1} + (1-\beta_2) g^2,$$

$$w \leftarrow w - \eta\, \frac{\dfrac{\mu_{t+1} m_t}{1-\prod_{i \le t+1} \mu_i} + \dfrac{(1-\mu_t)\, g}{1-\prod_{i\le t}\mu_i}}
{\sqrt{v_t/(1-\beta_2^t)} + \epsilon} .$$

The momentum starts near $\beta_1 / 2$, not at $\beta_1$: $\mu_1 = 0.45$ for the defaults.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl.optim.hyper import check_rates, two
from minidl.optim.moments import divisor, moments, penalised
from minidl.optim.optimizer import Optimizer


@dataclass(frozen=True)
class NadamHyper:
    """lr, eps, momentum_decay (psi), weight_decay >= 0; both betas in [0, 1)."""

    lr: float = 2e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    momentum_decay: float = 4e-3
    weight_decay: float = 0.0
    maximize: bool = False

    def __post_init__(self):
        check_rates(self, "lr", "eps", "momentum_decay", "weight_decay")


def momentum(t: int, hyper: NadamHyper) -> float:
    r"""$\mu_t$."""
    return hyper.beta1 * (1 - 0.5 * 0.96 ** (t * hyper.momentum_decay))


def step(w: np.ndarray, g: np.ndarray, state: dict[str, Any], hyper: NadamHyper) -> tuple[np.ndarray, dict[str, Any]]:
    r"""One step: w, g (d,) -> new w and state {"t", "product" ($\prod_{i \le t} \mu_i$), "m": (d,), "v": (d,)}."""
    g = penalised(w, g, hyper)
    t, m, v = moments(g, state, hyper)
    mu, mu_next = momentum(t, hyper), momentum(t + 1, hyper)
    product = state.get("product", 1.0) * mu
    direction = (mu_next / (1 - product * mu_next)) * m + ((1 - mu) / (1 - product)) * g
    root = np.sqrt(v / (1 - hyper.beta2**t)) + hyper.eps
    return w - hyper.lr * direction / divisor(root, hyper), {"t": t, "product": product, "m": m, "v": v}


class Nadam(Optimizer):
    """`step` applied to tensors; see `NadamHyper` for the hyperparameters."""

    def __init__(
        self,
        params: Any,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        momentum_decay: float = 4e-3,
        weight_decay: float = 0.0,
        maximize: bool = False,
        *,
        impl: str = "reference",
    ):
        hyper = NadamHyper(lr, *two(betas), eps, momentum_decay, weight_decay, maximize)
        super().__init__(params, step, hyper, impl=impl)
