r"""AdaBound's bound functions: a band of learning rates that closes onto one value.

$$\eta_l(t) = \alpha^* \Bigl(1 - \frac1{\gamma t + 1}\Bigr) = \frac{\alpha^*}{s}, \qquad
\eta_u(t) = \alpha^* \Bigl(1 + \frac1{\gamma t}\Bigr) = \alpha^* s, \qquad s = 1 + \frac1{\gamma t} .$$

The forms with $s$ have no cancellation, and rounding keeps their order: $\eta_l \le \alpha^* \le \eta_u$ and the nesting of the
bands hold in floating point too.

Source: Luo, Xiong, Liu, Sun, "Adaptive Gradient Methods with Dynamic Bound of Learning Rate", ICLR 2019, section 4. There
$\gamma = 1-\beta_2$ and $\alpha^* = 0.1$; the released code has a $\gamma$ of its own.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from minidl.optim.hyper import check_hyper, check_positive, in_range, positive

_SMALLEST = float(np.finfo(np.float64).tiny)


class Bounds(NamedTuple):
    """What `bounds` returns: floats for a number t, float64 arrays of t's shape for an array."""

    lower: Any
    upper: Any


def bounds(t: Any, final_lr: float, gamma: float) -> Bounds:
    r"""$\eta_l(t)$ and $\eta_u(t)$. t: numbers of steps >= 1; final_lr >= 0; gamma > 0, the speed of closing.

    Raises ValueError for values outside of that, TypeError for a t that is no real number or array of them.
    """
    final_lr, gamma = in_range("final_lr", final_lr, 0, math.inf), closing(gamma)
    steps = np.asarray(t)
    if steps.dtype.kind not in "iuf":
        raise TypeError(f"t must hold numbers of steps, got {type(t).__name__} {t!r}")
    if not (np.isfinite(steps) & (steps >= 1)).all():
        raise ValueError(f"t counts steps from 1 on, got {t!r}")
    s = 1 + (1 / gamma) / steps.astype(np.float64)
    lower, upper = final_lr / s, final_lr * s
    return Bounds(lower, upper) if steps.ndim else Bounds(float(lower), float(upper))


def band(t: int, hyper: Any) -> tuple[float, float, float]:
    """lower, upper and limit of the rates at step t, scaled by lr / base_lr so that a schedule on lr moves the band."""
    final = hyper.final_lr * (hyper.lr / hyper.base_lr)
    s = 1 + (1 / hyper.gamma) / t
    return final / s, final * s, final


def check_band(hyper: Any) -> None:
    """Check final_lr, gamma and base_lr of a method with a band; a base_lr of None becomes lr. Raises ValueError."""
    if hyper.base_lr is None:
        object.__setattr__(hyper, "base_lr", hyper.lr)
    check_hyper(hyper, final_lr=(0, math.inf))
    check_positive(hyper, "base_lr", "the band is scaled by lr / base_lr; start with lr > 0 and change it afterwards")
    object.__setattr__(hyper, "gamma", closing(hyper.gamma))


def closing(gamma: Any) -> float:
    """The speed of closing as a positive Python float. Raises ValueError for anything else."""
    gamma = positive("gamma", gamma, "the upper bound divides by gamma t")
    if gamma < _SMALLEST:
        raise ValueError(f"gamma must be at least {_SMALLEST}, where 1 / gamma is still a number, got {gamma}")
    return gamma
