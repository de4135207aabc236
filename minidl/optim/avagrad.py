r"""AvaGrad (Savarese, McAllester, Babu and Maire, 2021): Delayed Adam with its rates divided by their root mean square.

With $r_t$ the reciprocal rates of a parameter group (one entry per parameter), $d$ the number of entries that have a gradient,

$$\eta_t = \frac1{r_t}, \qquad \hat\eta_t = \frac{\eta_t}{\lVert\eta_t\rVert_2 / \sqrt d} = \frac{\gamma_t}{r_t}, \qquad
\gamma_t = \Bigl(\tfrac1d \textstyle\sum_i r_{t,i}^{-2}\Bigr)^{-1/2}, \qquad w_t = w_{t-1} - \alpha\, \hat\eta_t \odot m_t .$$

The rates have mean square 1, so the learning rate $\alpha$ sets the size of the step, and $\epsilon$ only how unequal the rates
are: for $\epsilon \to \infty$ this is SGD with an averaged gradient. The moments are those of Delayed Adam: $m_t$ contains
$g_t$, the rate uses $v_{t-1}$, and $v$ follows after the step.

Paper and released code differ, so there are three variants. With $c_t = 1-\beta_2^t$:

| variant | step | rates $r_t$ | normaliser |
|---|---|---|---|
| paper (Algorithm 2) | $m_t$, from t = 1 on | $\sqrt{v_{t-1}} + \epsilon$ | $\gamma_t$ of these rates |
| released | $m_t / (1-\beta_1^t)$, from t = 2 on | $\sqrt{v_{t-1}} / \sqrt{c_{t-1}} + \epsilon$ | $\gamma_{t-1}$, below |
| synced (default) | as released | as released | $\gamma_t$ of these rates |

The released code carries $\gamma_t$ of $\sqrt{v_{t-1}} / \sqrt{c_t} + \epsilon$ to the next step: one step older than the rates
that it divides, with another correction. So $\gamma_1 = \epsilon$ exactly, the first move is scaled by it, and the mean square
is 1 only in the limit. "synced" keeps the bias corrections and takes the normaliser from the rates that are used.

Weight decay. AvaGrad: coupled, $g \leftarrow g + \lambda w$ (the released code writes that into the caller's gradient; here
nothing is written into). AvaGradW: $w \leftarrow (1-\alpha\lambda) w$ just before each move, hence at t = 1 in the paper's
variant alone, since in the others nothing moves there.

Several tensors. The normaliser belongs to the group: it runs over all its tensors that have a gradient. t belongs to the
tensor: one that joins late rests once, while the group moves on; in "synced" the normaliser runs over those that move.

Source: "Domain-independent Dominance of Adaptive Methods", CVPR 2021, Algorithm 2; code: github.com/lolemacs/avagrad.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from minidl.optim.adamw import shrunk
from minidl.optim.hyper import check_choice, check_positive, check_rates, two
from minidl.optim.moments import ascent, divisor, moments, penalised
from minidl.optim.optimizer import Optimizer
from minidl.optim.parts import Part

VARIANTS = ("paper", "released", "synced")


@dataclass(frozen=True)
class AvaGradHyper:
    """lr, weight_decay >= 0; both betas in [0, 1); eps > 0 (in the released variant also 0, while no rate divides by 0)."""

    lr: float = 0.1
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 0.1
    weight_decay: float = 0.0
    variant: str = "synced"
    maximize: bool = False

    decoupled: ClassVar[bool] = False

    def __post_init__(self):
        check_choice(self, "variant", VARIANTS)
        check_rates(self, "lr", "eps", "weight_decay")
        if self.variant != "released":
            check_positive(self, "eps", "a rate is 1 / eps where no gradient has been seen")


@dataclass(frozen=True)
class AvaGradWHyper(AvaGradHyper):
    """As `AvaGradHyper`; weight_decay is decoupled."""

    decoupled: ClassVar[bool] = True


def step(w: np.ndarray, g: np.ndarray, state: dict[str, Any], hyper: AvaGradHyper) -> tuple[np.ndarray, dict[str, Any]]:
    """One step of a whole group: w, g (d,) -> new w and state {"t": int, "m": (d,), "v": (d,)}, released also "gamma"."""
    ((w, new),), gamma = group_step([(w, g, state)], state.get("gamma"), hyper)
    return w, new if gamma is None else new | {"gamma": gamma}


def group_step(
    parts: Sequence[tuple[np.ndarray, np.ndarray, dict[str, Any]]], gamma: float | None, hyper: AvaGradHyper
) -> tuple[list[tuple[np.ndarray, dict[str, Any]]], float | None]:
    """One step of a group in parts (w, g, state), whose tensors may have made different numbers of steps.

    gamma: what the group's last step handed on (None before the first, and in variants that hand on nothing). Returns the new
    w and state of each part, and the gamma to hand on.
    """
    past = [(state.get("t", 0), state.get("v", np.zeros_like(w))) for w, _, state in parts]
    roots = [reciprocal_rates(v, t, hyper) if moves(t, hyper) else None for t, v in past]
    handed_on = None
    if hyper.variant == "released":
        handed_on = normaliser([reciprocal_rates(v, t + 1, hyper) for t, v in past])
    else:
        gamma = normaliser([r for r in roots if r is not None])
    return [_moved(*part, r, gamma, hyper) for part, r in zip(parts, roots, strict=True)], handed_on


def moves(steps: int, hyper: AvaGradHyper) -> bool:
    """Whether the parameters move after so many steps: only the paper's variant moves at once."""
    return steps > 0 or hyper.variant == "paper"


def reciprocal_rates(v: np.ndarray, steps: int, hyper: AvaGradHyper) -> np.ndarray:
    r"""$r = \sqrt{v} / \sqrt{1-\beta_2^{steps}} + \epsilon$, in the paper's variant without the correction."""
    correction = 1.0 if hyper.variant == "paper" else math.sqrt(1 - hyper.beta2**steps)
    return np.sqrt(v) / correction + hyper.eps


def normaliser(roots: Sequence[np.ndarray]) -> float:
    r"""$\gamma = (\frac1d \sum r_i^{-2})^{-1/2}$ over all entries of the arrays, in float64; 0 if one is 0 or there is none.

    The smallest $r$ is taken out of the sum, so that nothing overflows, and equal $r$ give that very number.
    """
    roots = [np.ravel(r) for r in roots if r.size]
    smallest = float(np.min([r.min() for r in roots])) if roots else 0.0
    if smallest == 0:
        return 0.0
    total = math.fsum(np.square(np.divide(smallest, r, dtype=np.float64)).sum() for r in roots)
    return smallest / math.sqrt(total / sum(r.size for r in roots))


def _moved(
    w: np.ndarray, g: np.ndarray, state: dict[str, Any], root: np.ndarray | None, gamma: float, hyper: AvaGradHyper
) -> tuple[np.ndarray, dict[str, Any]]:
    t, m, v = moments(ascent(g, hyper) if hyper.decoupled else penalised(w, g, hyper), state, hyper)
    if root is None:
        w = w.copy()
    else:
        correction = 1.0 if hyper.variant == "paper" else 1 - hyper.beta1**t
        rates = gamma / divisor(root, hyper)  # (d,)
        w = (shrunk(w, hyper) if hyper.decoupled else w) - (hyper.lr / correction) * rates * m
    return w, {"t": t, "m": m, "v": v}


class AvaGrad(Optimizer):
    """`group_step` applied to the tensors of each group; see `AvaGradHyper` for the hyperparameters."""

    _hyper: type[AvaGradHyper] = AvaGradHyper

    def __init__(
        self,
        params: Any,
        lr: float = 0.1,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 0.1,
        weight_decay: float = 0.0,
        variant: str = "synced",
        maximize: bool = False,
        *,
        impl: str = "reference",
    ):
        super().__init__(params, step, self._hyper(lr, *two(betas), eps, weight_decay, variant, maximize), impl=impl)

    def _update(self, parts: Sequence[Part], hyper: AvaGradHyper, shared: dict[str, Any]) -> None:
        parts = [part for part in parts if part.entries]  # a tensor without entries has no rates
        if not parts:
            return
        if self._fusing(hyper):
            gamma = self._update_in_place(parts, shared.get("gamma"), hyper)
        else:
            results, gamma = group_step([part.gathered() for part in parts], shared.get("gamma"), hyper)
            for part, result in zip(parts, results, strict=True):
                part.put(*result)
        if gamma is not None:
            shared["gamma"] = gamma

    def _update_in_place(self, parts: Sequence[Part], gamma: float | None, hyper: AvaGradHyper) -> float | None:
        """`group_step` by kernels. The pass that moves a tensor also sums the squared rates (the power) of its next move."""
        if hyper.variant != "released":
            moving = [part for part in parts if moves(part.state.get("t", 0), hyper)]
            gamma = self._normaliser([self._power(part, hyper) for part in moving], moving)
        powers = [self._moved_in_place(part, gamma, hyper) for part in parts]
        return self._normaliser(powers, parts) if hyper.variant == "released" else None

    def _normaliser(self, powers: Sequence[float], parts: Sequence[Part]) -> float:
        if not parts:
            return 0.0  # the first step, in which nothing moves
        return self._kernels.normaliser(math.fsum(powers), sum(part.entries for part in parts))

    def _moved_in_place(self, part: Part, gamma: float | None, hyper: AvaGradHyper) -> float:
        t = part.state.get("t", 0) + 1
        settings = (hyper.beta1, hyper.beta2, hyper.eps, hyper.weight_decay, hyper.variant)

        def run(w, g, m, v):
            return self._kernels.avagrad_step(
                w, g, m, v, t, hyper.lr, gamma or 0.0, *settings, decoupled=hyper.decoupled
            )

        power = part.in_place(run, hyper, {"t": t}, m=0.0, v=0.0)
        if part.large and hyper.variant != "released":
            part.state.update(power=power, power_of=_rates_of(hyper))
        return power

    def _power(self, part: Part, hyper: AvaGradHyper) -> float:
        """The sum of the squared rates that a part is about to move with: from its last step, or anew."""
        if part.state.get("power_of") == _rates_of(hyper):
            return part.state["power"]
        v = part.state.get("v", np.zeros(part.entries, part.members[0].dtype))
        return self._kernels.rates_power(v, part.state.get("t", 0), hyper.beta2, hyper.eps, hyper.variant)


def _rates_of(hyper: AvaGradHyper) -> str:
    """What rates depend on besides v: a sum of them is of no use when it has changed."""
    return f"{hyper.variant} {hyper.beta2!r} {hyper.eps!r}"


class AvaGradW(AvaGrad):
    """AvaGrad with decoupled weight decay."""

    _hyper = AvaGradWHyper
