r"""AdamW (Loshchilov and Hutter, 2019): Adam with decoupled weight decay, as torch.optim.AdamW computes it.

$$w \leftarrow (1 - \eta \lambda)\, w, \quad\text{then Adam's step along } g \text{ without decay.}$$

The decay does not pass through the moments, so every weight shrinks at one rate, whatever its gradients: with zero
gradients $w_t = (1-\eta\lambda)^t w_0$. The paper multiplies the decay by a schedule of its own, and not by $\eta$;
torch (followed here) multiplies it by the learning rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from minidl.optim.adam import Adam, AdamHyper, adapted
from minidl.optim.moments import ascent


@dataclass(frozen=True)
class AdamWHyper(AdamHyper):
    """As `AdamHyper`; weight_decay is decoupled, and not 0 by default."""

    weight_decay: float = 1e-2

    decoupled: ClassVar[bool] = True


def step(w: np.ndarray, g: np.ndarray, state: dict[str, Any], hyper: AdamWHyper) -> tuple[np.ndarray, dict[str, Any]]:
    """One step: w, g (d,) -> new w and state {"t": int, "m": (d,), "v": (d,)}, with amsgrad also "vmax": (d,)."""
    return adapted(shrunk(w, hyper), ascent(g, hyper), state, hyper)


def shrunk(w: np.ndarray, hyper: Any) -> np.ndarray:
    r"""$(1 - \eta\lambda)\, w$."""
    return w * (1 - hyper.lr * hyper.weight_decay) if hyper.weight_decay else w


class AdamW(Adam):
    """`step` applied to tensors; see `AdamWHyper` for the hyperparameters."""

    _pure, _hyper = staticmethod(step), AdamWHyper

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        maximize: bool = False,
        *,
        amsgrad: bool = False,
        impl: str = "reference",
    ):
        super().__init__(params, lr, betas, eps, weight_decay, maximize, amsgrad=amsgrad, impl=impl)
