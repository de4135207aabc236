r"""Adagrad (Duchi, Hazan and Singer, 2011), the diagonal form, as torch.optim.Adagrad computes it.

$$S_t = S_{t-1} + g_t^2, \qquad w \leftarrow w - \frac{\eta}{1 + (t-1)\,\delta}\, \frac{g_t}{\sqrt{S_t} + \epsilon} ,$$

$\delta$ is `lr_decay`, $S_0$ is `initial_accumulator`. Along a constant gradient the step is
$\eta\, \mathrm{sign}(g) / \sqrt t$. `weight_decay` is the coupled one: $g \leftarrow g + \lambda w$.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl.optim.hyper import check_rates
from minidl.optim.moments import divisor, penalised
from minidl.optim.optimizer import Optimizer
from minidl.optim.parts import Part


@dataclass(frozen=True)
class AdagradHyper:
    """All numbers >= 0. initial_accumulator counts where the state is empty: before the first step."""

    lr: float = 1e-2
    lr_decay: float = 0.0
    weight_decay: float = 0.0
    initial_accumulator: float = 0.0
    eps: float = 1e-10
    maximize: bool = False

    def __post_init__(self):
        check_rates(self, "lr", "lr_decay", "weight_decay", "initial_accumulator", "eps")


def step(w: np.ndarray, g: np.ndarray, state: dict[str, Any], hyper: AdagradHyper) -> tuple[np.ndarray, dict[str, Any]]:
    """One step: w, g (d,) -> new w and state {"t": int, "sum": (d,)}."""
    g = penalised(w, g, hyper)
    t = state.get("t", 0) + 1
    total = state.get("sum", hyper.initial_accumulator) + g * g
    rate = hyper.lr / (1 + (t - 1) * hyper.lr_decay)
    root = np.sqrt(total) + hyper.eps
    return w - rate * g / divisor(root, hyper), {"t": t, "sum": total}


class Adagrad(Optimizer):
    """`step` applied to tensors; see `AdagradHyper` for the hyperparameters."""

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator: float = 0.0,
        eps: float = 1e-10,
        maximize: bool = False,
        *,
        impl: str = "reference",
    ):
        hyper = AdagradHyper(lr, lr_decay, weight_decay, initial_accumulator, eps, maximize)
        super().__init__(params, step, hyper, impl=impl)

    def _fused(self, part: Part, hyper: AdagradHyper) -> None:
        t = part.state.get("t", 0) + 1

        def run(w, g, total):
            self._kernels.adagrad_step(w, g, total, t, hyper.lr, hyper.lr_decay, hyper.eps, hyper.weight_decay)

        part.in_place(run, hyper, {"t": t}, sum=hyper.initial_accumulator)
