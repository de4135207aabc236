r"""RMSprop (Tieleman and Hinton, lecture 6.5, 2012; centred: Graves, 2013, section 2.2), as torch.optim.RMSprop has it.

$$v_t = \alpha v_{t-1} + (1-\alpha) g_t^2, \qquad w \leftarrow w - \eta\, \frac{g_t}{\sqrt{v_t} + \epsilon}, \qquad
\text{with momentum } b_t = \mu b_{t-1} + \frac{g_t}{\sqrt{v_t} + \epsilon},\quad w \leftarrow w - \eta\, b_t .$$

No bias correction: the first steps are larger by up to $1/\sqrt{1-\alpha}$. `weight_decay` is the coupled one.

Centred, the root is of the variance $s_t = v_t - \bar g_t^2$ with $\bar g_t = \alpha \bar g_{t-1} + (1-\alpha) g_t$. torch
subtracts; along a nearly constant gradient this cancels until a negative number comes under the root, and NaN into the
parameters. Here the same number is computed without subtraction, by the recursion that follows from both averages:

$$s_t = \alpha s_{t-1} + \alpha (1-\alpha) (g_t - \bar g_{t-1})^2 .$$
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl.optim.hyper import check_hyper, check_rates
from minidl.optim.moments import average, average_square, divisor, penalised
from minidl.optim.optimizer import Optimizer
from minidl.optim.parts import Part


@dataclass(frozen=True)
class RMSpropHyper:
    """lr, eps, weight_decay, momentum >= 0; alpha, the memory of the average, in [0, 1)."""

    lr: float = 1e-2
    alpha: float = 0.99
    eps: float = 1e-8
    weight_decay: float = 0.0
    momentum: float = 0.0
    centered: bool = False
    maximize: bool = False

    def __post_init__(self):
        check_rates(self, "lr", "eps", "weight_decay", "momentum")
        check_hyper(self, alpha=(0, 1))


def step(w: np.ndarray, g: np.ndarray, state: dict[str, Any], hyper: RMSpropHyper) -> tuple[np.ndarray, dict[str, Any]]:
    """One step: w, g (d,) -> new w and state {"v"}, or centred {"mean", "variance"}, and {"buffer"} with momentum."""
    g = penalised(w, g, hyper)
    if hyper.centered:
        away = g - state.get("mean", 0.0)
        variance = hyper.alpha * (state.get("variance", 0.0) + (1 - hyper.alpha) * away * away)
        root = np.sqrt(variance) + hyper.eps
        new = {"mean": average(state, "mean", g, hyper.alpha), "variance": variance}
    else:
        v = average_square(state, "v", g, hyper.alpha)
        root = np.sqrt(v) + hyper.eps
        new = {"v": v}
    direction = g / divisor(root, hyper)
    if hyper.momentum:
        direction = new["buffer"] = hyper.momentum * state.get("buffer", 0.0) + direction
    return w - hyper.lr * direction, new


class RMSprop(Optimizer):
    """`step` applied to tensors; see `RMSpropHyper` for the hyperparameters."""

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        maximize: bool = False,
        *,
        impl: str = "reference",
    ):
        hyper = RMSpropHyper(lr, alpha, eps, weight_decay, momentum, centered, maximize)
        super().__init__(params, step, hyper, impl=impl)

    def _fused(self, part: Part, hyper: RMSpropHyper) -> None:
        names = ["variance", "mean"] if hyper.centered else ["v"]
        names += ["buffer"] if hyper.momentum else []

        def run(w, g, second, *rest):
            given = dict(zip(names[1:], rest, strict=True))
            settings = (hyper.lr, hyper.alpha, hyper.eps, hyper.momentum, hyper.weight_decay)
            self._kernels.rmsprop_step(w, g, second, given.get("mean"), given.get("buffer"), 1, *settings)

        part.in_place(run, hyper, {}, **dict.fromkeys(names, 0.0))
