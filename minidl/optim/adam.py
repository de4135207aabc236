r"""Adam (Kingma and Ba, 2015) and AMSGrad (Reddi, Kale and Kumar, 2018), as torch.optim.Adam computes them.

$$m_t = \beta_1 m_{t-1} + (1-\beta_1) g_t, \quad v_t = \beta_2 v_{t-1} + (1-\beta_2) g_t^2, \quad
w \leftarrow w - \frac{\eta}{1-\beta_1^t}\, \frac{m_t}{\sqrt{v_t} / \sqrt{1-\beta_2^t} + \epsilon} .$$

$\epsilon$ is added after the bias correction of the root. `weight_decay` is the coupled one: $g \leftarrow g + \lambda w$.

AMSGrad puts $\hat v_t = \max(\hat v_{t-1}, v_t)$ in the place of $v_t$, so that no rate grows because a large gradient has
been forgotten. The maximum is over the moments *before* bias correction, as in torch; the paper has no bias correction.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from minidl.optim.hyper import check_rates, two
from minidl.optim.moments import divisor, moments, penalised
from minidl.optim.optimizer import Optimizer
from minidl.optim.parts import Part


@dataclass(frozen=True)
class AdamHyper:
    """lr, eps, weight_decay >= 0; both betas in [0, 1)."""

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0
    amsgrad: bool = False
    maximize: bool = False

    decoupled: ClassVar[bool] = False

    def __post_init__(self):
        check_rates(self, "lr", "eps", "weight_decay")


def step(w: np.ndarray, g: np.ndarray, state: dict[str, Any], hyper: AdamHyper) -> tuple[np.ndarray, dict[str, Any]]:
    """One step: w, g (d,) -> new w and state {"t": int, "m": (d,), "v": (d,)}, with AMSGrad also "vmax": (d,)."""
    return adapted(w, penalised(w, g, hyper), state, hyper)


def adapted(w: np.ndarray, g: np.ndarray, state: dict[str, Any], hyper: Any) -> tuple[np.ndarray, dict[str, Any]]:
    """Adam's step along g, whose sign and decay are settled."""
    t, m, v = moments(g, state, hyper)
    new = {"t": t, "m": m, "v": v}
    if hyper.amsgrad:
        v = new["vmax"] = np.maximum(state.get("vmax", 0.0), v)
    root = np.sqrt(v) / math.sqrt(1 - hyper.beta2**t) + hyper.eps
    return w - (hyper.lr / (1 - hyper.beta1**t)) * m / divisor(root, hyper), new


class Adam(Optimizer):
    """`step` applied to tensors; see `AdamHyper` for the hyperparameters."""

    _pure: Callable = staticmethod(step)
    _hyper: type[AdamHyper] = AdamHyper

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        maximize: bool = False,
        *,
        amsgrad: bool = False,
        impl: str = "reference",
    ):
        hyper = self._hyper(lr, *two(betas), eps, weight_decay, amsgrad, maximize)
        super().__init__(params, self._pure, hyper, impl=impl)

    def _fused(self, part: Part, hyper: AdamHyper) -> None:
        t = part.state.get("t", 0) + 1
        arrays = dict.fromkeys(("m", "v", "vmax") if hyper.amsgrad else ("m", "v"), 0.0)

        def run(w, g, m, v, vmax=None):
            settings = (hyper.lr, hyper.beta1, hyper.beta2, hyper.eps, hyper.weight_decay)
            self._kernels.adam_step(w, g, m, v, t, *settings, vmax=vmax, decoupled=hyper.decoupled)

        part.in_place(run, hyper, {"t": t}, **arrays)


class AMSGrad(Adam):
    """Adam with amsgrad=True."""

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        maximize: bool = False,
        *,
        impl: str = "reference",
    ):
        super().__init__(params, lr, betas, eps, weight_decay, maximize, amsgrad=True, impl=impl)
