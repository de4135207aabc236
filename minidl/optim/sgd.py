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

from minidl.autograd.tensor import Tensor, others
from minidl.optim.hyper import check_hyper, check_rates
from minidl.optim.moments import penalised
from minidl.optim.optimizer import Optimizer, fits, misfit
from minidl.optim.parts import Part

_BLOCK = 1 << 14  # entries scaled at a time, so that they are still in the nearest caches when they are subtracted


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
        check_rates(self, "lr", "momentum", "weight_decay")
        check_hyper(self, dampening=(-math.inf, math.inf))
        if self.nesterov and (self.momentum <= 0 or self.dampening != 0):
            raise ValueError(
                f"nesterov needs momentum > 0 and dampening = 0, got momentum={self.momentum}, dampening={self.dampening}"
            )


def step(w: np.ndarray, g: np.ndarray, state: dict[str, Any], hyper: SGDHyper) -> tuple[np.ndarray, dict[str, Any]]:
    """One step: w, g (d,) -> new w and state {"buffer": (d,)} (empty without momentum)."""
    g = penalised(w, g, hyper)
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
        *,
        impl: str = "reference",
    ):
        hyper = SGDHyper(lr, momentum, dampening, weight_decay, nesterov, maximize)
        super().__init__(params, step, hyper, impl=impl)

    def _fused(self, part: Part, hyper: SGDHyper) -> None:
        t = 2 if "buffer" in part.state else 1  # all that counts is whether there is a buffer yet

        def run(w, g, buffer=None):
            settings = (hyper.lr, hyper.momentum, hyper.dampening, hyper.nesterov, hyper.weight_decay)
            self._kernels.sgd_step(w, g, buffer, t, *settings)

        if hyper.momentum:
            part.in_place(run, hyper, {}, buffer=0.0)
        else:
            part.in_place(run, hyper, part.state)

    def step(self, *, forget: bool = False) -> None:
        """As `Optimizer.step`. Plain descent keeps no state and needs no vectors: tensor by tensor, large ones in place."""
        small, large = [], []
        for tensors, hyper in self.groups:
            if hyper.momentum or hyper.weight_decay or hyper.maximize:
                super().step(forget=forget)
                return
            lr = hyper.lr
            for p in tensors:
                grad, w = p.grad, p._value
                if grad is None:
                    continue
                # `fits` without the call, for nearly all gradients: a tenth of a small net's update
                alike = type(grad) is Tensor and grad._value.dtype is w.dtype and grad._value.shape == w.shape
                if not alike and not fits(grad, w):
                    raise misfit(p)
                if w.size > _BLOCK:
                    large.append((p, lr))
                else:
                    small.append((p, w - lr * grad._value))
        for p, value in small:
            p._value = value
            if forget:
                p.grad = None
        del grad, w  # or they would hold what shall change in place
        for p, lr in large:
            _descend(p, lr, forget)


def _descend(p: Tensor, lr: float, forget: bool) -> None:
    """w - lr g, bit by bit what `step` gives; in place if nobody else can see w."""
    grad = p.grad
    if forget:
        p.grad = None
    w = p.exclusive()
    if w is None or not w.flags.c_contiguous:
        p.adopt(p._value - lr * grad._value)
        return
    scratch = grad.exclusive() if forget and others(grad) == 0 else None
    if scratch is not None:  # nobody will read this gradient again
        scratch *= lr
        w -= scratch
        return
    w, g, scaled = w.reshape(-1), grad._value.reshape(-1), np.empty(_BLOCK, w.dtype)
    for i in range(0, len(w), _BLOCK):
        part = w[i : i + _BLOCK]
        part -= np.multiply(g[i : i + _BLOCK], lr, out=scaled[: len(part)])
