r"""Adam (Kingma and Ba, 2015), as torch.optim.Adam computes it.

$$m_t = \beta_1 m_{t-1} + (1-\beta_1) g_t, \quad v_t = \beta_2 v_{t-1} + (1-\beta_2) g_t^2, \quad
w \leftarrow w - \frac{\eta}{1-\beta_1^t}\, \frac{m_t}{\sqrt{v_t} / \sqrt{1-\beta_2^t} + \epsilon} .$$

$\epsilon$ is added after the bias correction of the root. `weight_decay` is the coupled one: $g \leftarrow g + \lambda w$.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl.optim.optimizer import Optimizer, check_hyper, two


@dataclass(frozen=True)
class AdamHyper:
    """lr, eps, weight_decay >= 0; both betas in [0, 1)."""

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0
    maximize: bool = False

    def __post_init__(self):
        check_hyper(self, lr=(0, math.inf), beta1=(0, 1), beta2=(0, 1), eps=(0, math.inf), weight_decay=(0, math.inf))


def step(w: np.ndarray, g: np.ndarray, state: dict[str, Any], hyper: AdamHyper) -> tuple[np.ndarray, dict[str, Any]]:
    """One step: w, g (d,) -> new w and state {"t": int, "m": (d,), "v": (d,)}."""
    if hyper.maximize:
        g = -g
    if hyper.weight_decay:
        g = g + hyper.weight_decay * w
    t = state.get("t", 0) + 1
    m = (1 - hyper.beta1) * g + (hyper.beta1 * state["m"] if t > 1 else 0)
    v = (1 - hyper.beta2) * g * g + (hyper.beta2 * state["v"] if t > 1 else 0)
    root = np.sqrt(v) / math.sqrt(1 - hyper.beta2**t) + hyper.eps
    return w - (hyper.lr / (1 - hyper.beta1**t)) * m / root, {"t": t, "m": m, "v": v}


class Adam(Optimizer):
    """`step` applied to tensors; see `AdamHyper` for the hyperparameters."""

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ):
        super().__init__(params, step, AdamHyper(lr, *two(betas), eps, weight_decay, maximize))
