r"""AdaBound and AMSBound (Luo, Xiong, Liu and Sun, 2019), as the released code computes them: Adam's rates in a closing band.

$$\mathrm{raw}_t = \eta\, \frac{\sqrt{1-\beta_2^t}}{1-\beta_1^t}\, \frac1{\sqrt{v_t} + \epsilon}, \qquad
\mathrm{rate}_t = \mathrm{Clip}\bigl(\mathrm{raw}_t, \eta_l(t), \eta_u(t)\bigr), \qquad
w \leftarrow w - \mathrm{rate}_t \odot m_t,$$

with Adam's moments and the band of `minidl.optim.bounds` around $F = \alpha^* \eta / \eta_0$, where $\eta_0$ (`base_lr`) is the
learning rate at construction: a schedule on $\eta$ moves raw rate and band alike, hence the whole step. AMSBound has
$\max(\hat v_{t-1}, v_t)$ in the place of $v_t$.

Here $\epsilon$ is added to the *uncorrected* root (Adam's "epsilon hat"), unlike in `minidl.optim.adam`. What is clipped is the
rate, not the step: where a bound is active the step is linear in $m_t$, and the bias correction $1/(1-\beta_1^t)$ is gone.

Paper and code differ. The paper (Algorithm 2, `adabound_projected`) has no bias correction, no $\epsilon$, a factor
$1/\sqrt t$ and a projection; it ties $\gamma$ to $1-\beta_2$. Weight decay: AdaBound has the coupled one,
$g \leftarrow g + \lambda w$. AdaBoundW subtracts $\lambda w$ from the old $w$, **not multiplied by any learning rate** as
AdamW's is: with $\lambda = 0.01$ every step takes 1 % of the weights. The released code fixes its list of base rates at
construction, so that groups added later are never updated; here each group has its own.

Source: "Adaptive Gradient Methods with Dynamic Bound of Learning Rate", ICLR 2019; code: github.com/Luolc/AdaBound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from minidl.optim.bounds import band, check_band
from minidl.optim.hyper import check_rates, two
from minidl.optim.moments import ascent, moments, penalised
from minidl.optim.optimizer import Optimizer
from minidl.optim.parts import Part


@dataclass(frozen=True)
class AdaBoundHyper:
    """lr, final_lr, eps, weight_decay >= 0; both betas in [0, 1); gamma > 0; base_lr > 0, the lr at construction (None: lr)."""

    lr: float = 1e-3
    final_lr: float = 0.1
    beta1: float = 0.9
    beta2: float = 0.999
    gamma: float = 1e-3
    eps: float = 1e-8
    weight_decay: float = 0.0
    amsbound: bool = False
    maximize: bool = False
    base_lr: float | None = None

    decoupled: ClassVar[bool] = False

    def __post_init__(self):
        check_rates(self, "lr", "eps", "weight_decay")
        check_band(self)


@dataclass(frozen=True)
class AdaBoundWHyper(AdaBoundHyper):
    """As `AdaBoundHyper`; weight_decay is what each step takes from the weights, whatever the learning rate."""

    decoupled: ClassVar[bool] = True


def step(
    w: np.ndarray, g: np.ndarray, state: dict[str, Any], hyper: AdaBoundHyper
) -> tuple[np.ndarray, dict[str, Any]]:
    """One step: w, g (d,) -> new w and state {"t": int, "m": (d,), "v": (d,)}, with amsbound also "vmax": (d,)."""
    t, m, v = moments(ascent(g, hyper) if hyper.decoupled else penalised(w, g, hyper), state, hyper)
    new = {"t": t, "m": m, "v": v}
    if hyper.amsbound:
        v = new["vmax"] = np.maximum(state.get("vmax", 0.0), v)
    moved = w - clipped_rates(v, t, hyper) * m
    if hyper.decoupled and hyper.weight_decay:
        moved -= hyper.weight_decay * w  # of the old weights, and not times lr
    return moved, new


def clipped_rates(v: np.ndarray, t: int, hyper: AdaBoundHyper) -> np.ndarray:
    """The rate of each entry at step t: (d,), within the band. Without any gradient so far it is the upper bound."""
    lower, upper, _ = band(t, hyper)
    scale = hyper.lr * math.sqrt(1 - hyper.beta2**t) / (1 - hyper.beta1**t)
    root = np.sqrt(v) + hyper.eps
    raw = np.divide(scale, root, out=np.full_like(root, np.inf), where=root != 0)
    return np.clip(raw, lower, min(upper, float(np.finfo(root.dtype).max)))  # a wide band has no end in float32


class AdaBound(Optimizer):
    """`step` applied to tensors; see `AdaBoundHyper` for the hyperparameters. `set_hyper(lr=...)` moves the band along."""

    _hyper: type[AdaBoundHyper] = AdaBoundHyper
    _own = ("base_lr",)

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        final_lr: float = 0.1,
        gamma: float = 1e-3,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        maximize: bool = False,
        *,
        amsbound: bool = False,
        impl: str = "reference",
    ):
        hyper = self._hyper(lr, final_lr, *two(betas), gamma, eps, weight_decay, amsbound, maximize)
        super().__init__(params, step, hyper, impl=impl)

    def _fused(self, part: Part, hyper: AdaBoundHyper) -> None:
        t = part.state.get("t", 0) + 1
        arrays = dict.fromkeys(("m", "v", "vmax") if hyper.amsbound else ("m", "v"), 0.0)

        def run(w, g, m, v, vmax=None):
            rates = (hyper.lr, hyper.base_lr, hyper.final_lr, hyper.beta1, hyper.beta2, hyper.gamma, hyper.eps)
            decay = hyper.weight_decay
            self._kernels.adabound_step(w, g, m, v, t, *rates, decay, vmax=vmax, decoupled=hyper.decoupled)

        part.in_place(run, hyper, {"t": t}, **arrays)


class AMSBound(AdaBound):
    """AdaBound with amsbound=True."""

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        final_lr: float = 0.1,
        gamma: float = 1e-3,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        maximize: bool = False,
        *,
        impl: str = "reference",
    ):
        super().__init__(params, lr, betas, final_lr, gamma, eps, weight_decay, maximize, amsbound=True, impl=impl)


class AdaBoundW(AdaBound):
    """AdaBound with the released code's decoupled decay, which is not multiplied by the learning rate."""

    _hyper = AdaBoundWHyper
