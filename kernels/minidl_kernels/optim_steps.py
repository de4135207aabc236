"""Optimizer steps in place: the border around `optim_loops`.

`NAME_step(w, g, *state, t, lr, *hyperparameters)` makes step t (from 1) of a method: it writes the new parameters into
w and the new state into the arrays of state, zeros before the first step. The arrays may have any shape, but all have
one, and one dtype, float64 or float32; all but g are contiguous and writeable, and none overlap. Hyperparameters are
those of the trajectories in `minidl_kernels.optim`, which checks them; here they are taken as they come.

Raises TypeError for other dtypes, ValueError for arrays that do not fit and, before anything is written, for a division
by zero that eps = 0 leaves open.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np

from minidl_kernels import optim_loops as loops

# What each variant of AvaGrad is to the loop: whether biases are corrected, and if it sums over the v that it found.
VARIANTS = {"paper": (False, None), "released": (True, True), "synced": (True, None)}


# --- the border -------------------------------------------------------------------------------------------------------
def _vectors(g: Any, **written: Any) -> list[np.ndarray]:
    """Flat views of w, g and the state, in this order, checked."""
    w = written["w"]
    _check_floats("w", w)
    dtype, shape = w.dtype, w.shape
    for name, a in (*written.items(), ("g", g)):
        if not isinstance(a, np.ndarray) or a.dtype != dtype:
            kind = a.dtype if isinstance(a, np.ndarray) else type(a).__name__
            raise TypeError(f"{name} must be an array of {dtype} as w is, got {kind}")
        if a.shape != shape:
            raise ValueError(f"{name} must have the shape of w, {shape}, got {a.shape}")
        flags = a.flags
        if a is not g and not (flags.c_contiguous and flags.writeable):
            raise ValueError(f"{name} is written in place: it must be C-contiguous and writeable; pass a copy")
    if len({id(a if a.base is None else a.base) for a in (g, *written.values())}) <= len(written):
        _check_apart(written | {"g": g})  # two are views of one array, perhaps of different parts
    w, *state = (a if len(shape) == 1 else a.reshape(-1) for a in written.values())
    return [w, np.ascontiguousarray(g).reshape(-1), *state]


def _check_floats(name: str, a: Any) -> None:
    if not isinstance(a, np.ndarray) or a.dtype.char not in "df" or not a.dtype.isnative:
        kind = a.dtype if isinstance(a, np.ndarray) else type(a).__name__
        raise TypeError(f"{name} must be an array of float64 or float32, got {kind}")


def _check_apart(arrays: dict[str, np.ndarray]) -> None:
    for (one, a), (two, b) in combinations(arrays.items(), 2):
        if np.may_share_memory(a, b):
            raise ValueError(f"{one} and {two} overlap in memory: each must have its own; pass a copy")


def _refuse_zero_roots(w: np.ndarray, eps: float, second: Callable[[], np.ndarray]) -> None:
    """Raise ValueError where only the root of a second moment of 0 would be divided by."""
    if w.dtype.type(eps) == 0 and not np.all(seconds := second()):
        raise ValueError(
            f"eps is {eps}, 0 in {w.dtype}, and entry {int(np.flatnonzero(seconds == 0)[0])} has a second moment of 0 "
            "(no gradient so far, or one whose square is 0): its step would be a division by 0; choose a larger eps"
        )


def _penalised(w: np.ndarray, g: np.ndarray, weight_decay: float) -> np.ndarray:
    return g + weight_decay * w if weight_decay else g


def _averaged(v: np.ndarray, x: np.ndarray, beta: float) -> np.ndarray:
    return beta * v + (1 - beta) * x * x


# --- gradient descent -------------------------------------------------------------------------------------------------
def sgd_step(
    w: np.ndarray,
    g: np.ndarray,
    buffer: np.ndarray | None,
    t: int,
    lr: float,
    momentum: float,
    dampening: float,
    nesterov: bool,
    weight_decay: float,
) -> None:
    """SGD. Without momentum there is no buffer (None); with it the first buffer is the gradient, without dampening."""
    if momentum == 0:
        w, g = _vectors(g, w=w)
        loops.descend(w, g, lr, weight_decay)
        return
    w, g, buffer = _vectors(g, w=w, buffer=buffer)
    keep, gain = (momentum, 1 - dampening) if t > 1 else (0.0, 1.0)
    loops.descend_along(w, g, buffer, lr, keep, gain, momentum if nesterov else 0.0, weight_decay)


def momentum_sgd_step(
    w: np.ndarray,
    g: np.ndarray,
    m: np.ndarray,
    t: int,
    lr: float,
    base_lr: float,
    final_lr: float,
    beta1: float,
    gamma: float,
    schedule: str,
    weight_decay: float,
) -> None:
    """Momentum SGD in EMA form with a rate from AdaBound's band; schedule "final", "lower" or "upper"."""
    w, g, m = _vectors(g, w=w, m=m)
    lower, upper, final = band(t, lr, base_lr, final_lr, gamma)
    rate = {"final": final, "lower": lower, "upper": upper}[schedule]
    loops.descend_along(w, g, m, rate, beta1, 1 - beta1, 0.0, weight_decay)


# --- rates without bias correction ------------------------------------------------------------------------------------
def adagrad_step(
    w: np.ndarray,
    g: np.ndarray,
    total: np.ndarray,
    t: int,
    lr: float,
    lr_decay: float,
    eps: float,
    weight_decay: float,
) -> None:
    """Adagrad. total is the sum of squares, before the first step the initial accumulator."""
    w, g, total = _vectors(g, w=w, total=total)
    _refuse_zero_roots(w, eps, lambda: total + _penalised(w, g, weight_decay) ** 2)
    loops.adagrad(w, g, total, lr / (1 + (t - 1) * lr_decay), eps, weight_decay)


def rmsprop_step(
    w: np.ndarray,
    g: np.ndarray,
    second: np.ndarray,
    mean: np.ndarray | None,
    buffer: np.ndarray | None,
    t: int,
    lr: float,
    alpha: float,
    eps: float,
    momentum: float,
    weight_decay: float,
) -> None:
    """RMSprop; centred if there is a mean (second is the variance then), with momentum if there is a buffer."""
    given = {name: a for name, a in dict(second=second, mean=mean, buffer=buffer).items() if a is not None}
    w, g, *flat = _vectors(g, w=w, **given)
    second, mean, buffer = map(dict(zip(given, flat, strict=True)).get, ("second", "mean", "buffer"))

    def after():
        x = _penalised(w, g, weight_decay)
        if mean is None:
            return _averaged(second, x, alpha)
        return alpha * (second + (1 - alpha) * (x - mean) * (x - mean))

    _refuse_zero_roots(w, eps, after)
    loops.rmsprop(w, g, second, mean, buffer, lr, alpha, eps, momentum, weight_decay)


# --- Adam and AdaBound ------------------------------------------------------------------------------------------------
def adam_step(
    w: np.ndarray,
    g: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    t: int,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    *,
    vmax: np.ndarray | None = None,
    decoupled: bool = False,
) -> None:
    """Adam; AMSGrad with vmax, the largest v so far; AdamW if decoupled."""
    w, g, m, v, vmax = _with_vmax(g, vmax, w=w, m=m, v=v)
    _refuse_zero_roots(w, eps, lambda: _largest(vmax, v, w, g, beta2, 0.0 if decoupled else weight_decay))
    loops.adam(w, g, m, v, vmax, t, lr, beta1, beta2, eps, weight_decay, decoupled)


def adabound_step(
    w: np.ndarray,
    g: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    t: int,
    lr: float,
    base_lr: float,
    final_lr: float,
    beta1: float,
    beta2: float,
    gamma: float,
    eps: float,
    weight_decay: float,
    *,
    vmax: np.ndarray | None = None,
    decoupled: bool = False,
) -> None:
    """AdaBound; AMSBound with vmax; AdaBoundW if decoupled. Where there was no gradient the rate is the upper bound."""
    w, g, m, v, vmax = _with_vmax(g, vmax, w=w, m=m, v=v)
    lower, upper, _ = band(t, lr, base_lr, final_lr, gamma)
    loops.adabound(w, g, m, v, vmax, t, lr, lower, upper, beta1, beta2, eps, weight_decay, decoupled)


def band(t: int, lr: float, base_lr: float, final_lr: float, gamma: float) -> tuple[float, float, float]:
    """AdaBound's bounds of the rates at step t and what they close onto: final_lr, scaled by lr / base_lr."""
    final = final_lr * (lr / base_lr)
    s = 1 + (1 / gamma) / t
    return final / s, final * s, final


def _with_vmax(g: Any, vmax: Any, **written: Any) -> list[np.ndarray | None]:
    return [*_vectors(g, **written), None] if vmax is None else _vectors(g, **written, vmax=vmax)


def _largest(vmax: Any, v: np.ndarray, w: np.ndarray, g: np.ndarray, beta2: float, decay: float) -> np.ndarray:
    after = _averaged(v, _penalised(w, g, decay), beta2)
    return after if vmax is None else np.maximum(vmax, after)


# --- rates that have not seen the current gradient --------------------------------------------------------------------
def delayed_adam_step(
    w: np.ndarray,
    g: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    t: int,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
) -> None:
    """Delayed Adam."""
    w, g, m, v = _vectors(g, w=w, m=m, v=v)
    _refuse_zero_roots(w, eps, lambda: v)
    loops.delayed_adam(w, g, m, v, lr, beta1, beta2, eps, weight_decay)


def avagrad_step(
    w: np.ndarray,
    g: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    t: int,
    lr: float,
    gamma: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    variant: str,
    *,
    decoupled: bool = False,
) -> float:
    """AvaGrad (AvaGradW if decoupled) for one tensor of a group whose normaliser is gamma (of no effect where t = 1
    rests).

    Returns the sum of the squared rates of which the next step's normaliser is made: add those of the group's tensors,
    count their entries, and pass both to `normaliser`. With another eps or beta2 than in the step before, "paper" and
    "synced" need the sum anew, see `rates_power`; where a tensor is left out, so is its sum.
    """
    w, g, m, v = _vectors(g, w=w, m=m, v=v)
    if t > 1 or variant == "paper":
        _refuse_zero_roots(w, eps, lambda: v)
    return loops.avagrad(w, g, m, v, t, lr, gamma, beta1, beta2, eps, weight_decay, decoupled, *VARIANTS[variant])


def rates_power(v: np.ndarray, steps: int, beta2: float, eps: float, variant: str) -> float:
    """The sum of squared rates that `avagrad_step` returned after so many steps left v behind, but for rounding.

    In the released variant: the sum that step `steps` returned when it found v.
    """
    _check_floats("v", v)
    unbias = 1.0 if variant == "paper" or steps == 0 else 1 / math.sqrt(1 - beta2**steps)
    return loops.rates_power(np.ascontiguousarray(v).reshape(-1), unbias, eps)


def normaliser(power: float, entries: int) -> float:
    """gamma = 1 / sqrt(power / entries): what gives so many rates the mean square 1. 0 if one of them is infinite."""
    return 1 / math.sqrt(power / entries) if power else math.nan  # all rates 0: every second moment is infinite
