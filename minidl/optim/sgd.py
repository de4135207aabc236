r"""Stochastic gradient descent with momentum, as torch.optim.SGD computes it (Sutskever et al., 2013).

$$g \leftarrow g + \lambda w, \qquad b_1 = g,\quad b_t = \mu b_{t-1} + (1-\tau) g, \qquad w \leftarrow w - \eta\, d,$$

with $d = g + \mu b_t$ for Nesterov, else $d = b_t$; without momentum $d = g$. The first buffer is the gradient itself:
dampening $\tau$ starts with the second step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl.optim.optimizer import Optimizer, check_hyper


@dataclass(frozen=True)
class SGDHyper:
    """lr >= 0; momentum, dampening and weight_decay >= 0. Nesterov needs momentum > 0 and dampening = 0."""

    lr: float = 1e-3
    momentum: float = 0.0
    dampening: float = 0.0
    weight_decay: float = 0.0
    nesterov: bool = False
    maximize: bool = False

    def __post_init__(self):
        check_hyper(self, lr=(0, math.inf), momentum=(0, math.inf), weight_decay=(0, math.inf))
        check_hyper(self, dampening=(-math.inf, math.inf))
        if self.nesterov and (self.momentum <= 0 or self.dampening != 0):
            raise ValueError(
                f"nesterov needs momentum > 0 and dampening = 0, got momentum={self.momentum}, dampening={self.dampening}"
            )


def step(w: np.ndarray, g: np.ndarray, state: dict[str, Any], hyper: SGDHyper) -> tuple[np.ndarray, dict[str, Any]]:
    """One step: w, g (d,) -> new w and state {"buffer": (d,)} (empty without momentum)."""
    if hyper.maximize:
        g = -g
    if hyper.weight_decay:
        g = g + hyper.weight_decay * w
    if hyper.momentum:
        if "buffer" in state:
            buffer = hyper.momentum * state["buffer"] + (1 - hyper.dampening) * g
        else:
            buffer = g.copy()
        state = {"buffer": buffer}
        g = g + hyper.momentum * buffer if hyper.nesterov else buffer
    change = np.multiply(g, -hyper.lr)
    change += w  # in the fresh array: the only pass over memory that a step needs besides the scaling
    return change, state


class SGD(Optimizer):
    """`step` applied to tensors; see `SGDHyper` for the hyperparameters."""

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        maximize: bool = False,
    ):
        super().__init__(params, step, SGDHyper(lr, momentum, dampening, weight_decay, nesterov, maximize))
