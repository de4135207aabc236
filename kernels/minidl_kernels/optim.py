"""Optimizers, fused: the twin of `minidl.optim.trajectories`, and steps in place, which classes use on large tensors.

A trajectory takes the parameters w (d,), the gradients of T steps (T, d), both float64 or both float32, the learning
rate of each step lr (T,), and the method's other hyperparameters; it returns the parameters after every step, (T, d).
Each runs the step of `minidl_kernels.optim_steps` (also importable from here), which makes one pass over memory; see
`optim_loops`.

Raises ValueError for hyperparameters out of range and shapes that do not fit, TypeError for integers and mixed dtypes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np

from minidl_kernels.optim_steps import (
    VARIANTS,
    adabound_step,
    adagrad_step,
    adam_step,
    avagrad_step,
    delayed_adam_step,
    momentum_sgd_step,
    normaliser,
    rates_power,
    rmsprop_step,
    sgd_step,
)

__all__ = [
    "adabound",
    "adabound_step",
    "adaboundw",
    "adagrad",
    "adagrad_step",
    "adam",
    "adam_step",
    "adamw",
    "amsbound",
    "amsgrad",
    "avagrad",
    "avagrad_step",
    "avagradw",
    "delayed_adam",
    "delayed_adam_step",
    "momentum_sgd",
    "momentum_sgd_step",
    "normaliser",
    "rates_power",
    "rmsprop",
    "rmsprop_step",
    "sgd",
    "sgd_step",
]


# --- the border -------------------------------------------------------------------------------------------------------
_SMALLEST = float(np.finfo(np.float64).tiny)  # the least gamma of which 1 / gamma is a number
_RANGES = dict.fromkeys(("beta1", "beta2", "alpha"), (0, 1))
_RANGES |= {"dampening": (-math.inf, math.inf), "gamma": (_SMALLEST, math.inf)}


def _checked(**hyper: Any) -> list[float]:
    """Python floats in the range of their name, by default [0, inf)."""
    return [_number(name, value, *_RANGES.get(name, (0, math.inf))) for name, value in hyper.items()]


def _number(name: str, value: Any, low: float, high: float) -> float:
    real = isinstance(value, Real) and not isinstance(value, bool)
    if not (real and math.isfinite(value) and low <= value < high):
        raise ValueError(f"{name} must be a finite number in [{low}, {high}), got {value!r}")
    return float(value)


def _above_zero(value: float, name: str, why: str) -> float:
    if value == 0:
        raise ValueError(f"{name} must be positive, got 0: {why}")
    return value


def _one_of(name: str, value: Any, choices: Iterable[str]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


def _run_of(w: Any, gradients: Any, lr: Any) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """A copy of w (d,), gradients (T, d) with contiguous rows, and T learning rates."""
    w, gradients = np.asarray(w), np.asarray(gradients)
    for name, a in (("w", w), ("gradients", gradients)):
        if a.dtype not in (np.float64, np.float32):
            raise TypeError(
                f"{name} must be float64 or float32, got {a.dtype}: convert with np.asarray(x, dtype=float)"
            )
    if w.dtype != gradients.dtype:
        raise TypeError(f"w and gradients must have one dtype, got {w.dtype} and {gradients.dtype}")
    if w.ndim != 1 or w.size == 0:
        raise ValueError(f"w must be a vector (d,) with at least one entry, got shape {w.shape}: ravel the parameters")
    if gradients.ndim != 2 or gradients.shape[1:] != w.shape or len(gradients) == 0:
        raise ValueError(f"gradients must have shape (T, {w.size}), T >= 1, got {gradients.shape}")
    return w.copy(), np.ascontiguousarray(gradients), _rates(lr, len(gradients))


def _rates(lr: Any, steps: int) -> list[float]:
    """One learning rate per step."""
    lr = np.asarray(lr)
    if lr.dtype.kind not in "iuf":
        raise TypeError(f"lr must hold numbers, got {lr.dtype}")
    if lr.shape != (steps,):
        raise ValueError(f"lr must have shape ({steps},), one number per step, got {lr.shape}")
    return [_number("lr", float(rate), 0, math.inf) for rate in lr]


def _base(lr: Any) -> float:
    """The learning rate that a band is scaled by."""
    base = _rates(lr, np.size(lr))[:1]
    return (
        _above_zero(*base, "lr[0]", "the band is scaled by lr / lr[0]") if base else math.nan
    )  # empty: `_run` says so


def _check_split(sizes: Any, d: int) -> None:
    if isinstance(sizes, str) or not isinstance(sizes, Iterable):
        raise TypeError(f"sizes must be a tuple of integers, one per tensor, got {type(sizes).__name__} {sizes!r}")
    sizes = tuple(sizes)
    if not all(isinstance(n, Integral) and not isinstance(n, bool) for n in sizes):
        raise TypeError(f"sizes must be integers, one per tensor, got {sizes!r}")
    if not sizes or min(sizes) < 1 or sum(sizes) != d:
        raise ValueError(f"sizes must be positive and sum to the {d} entries of w, got {sizes!r}")


def _run(step: Callable, arrays: int, w: Any, gradients: Any, lr: Any, *hyper: Any, first: float = 0.0) -> np.ndarray:
    """The trajectory of a step with so many arrays of state, filled with `first`."""
    w, gradients, rates = _run_of(w, gradients, lr)
    state = [np.full_like(w, first) for _ in range(arrays)]
    trajectory = np.empty_like(gradients)
    for t, (g, rate) in enumerate(zip(gradients, rates, strict=True), start=1):
        step(w, g, *state, t, rate, *hyper)
        trajectory[t - 1] = w
    return trajectory


# --- baselines --------------------------------------------------------------------------------------------------------
def sgd(
    w: np.ndarray,
    gradients: np.ndarray,
    lr: np.ndarray,
    momentum: float,
    dampening: float,
    nesterov: bool,
    weight_decay: float,
) -> np.ndarray:
    """Gradient descent with momentum. The first buffer is the gradient, without dampening."""
    momentum, dampening, weight_decay = _checked(momentum=momentum, dampening=dampening, weight_decay=weight_decay)
    if nesterov and (momentum == 0 or dampening != 0):
        raise ValueError(
            f"nesterov needs momentum > 0 and dampening = 0, got momentum={momentum}, dampening={dampening}"
        )
    return _run(sgd_step, 1, w, gradients, lr, momentum, dampening, nesterov, weight_decay)


def rmsprop(
    w: np.ndarray,
    gradients: np.ndarray,
    lr: np.ndarray,
    alpha: float,
    eps: float,
    momentum: float,
    centered: bool,
    weight_decay: float,
) -> np.ndarray:
    """RMSprop, plain or centred, with or without momentum. No bias correction."""
    hyper = _checked(alpha=alpha, eps=eps, momentum=momentum, weight_decay=weight_decay)

    def step(w, g, second, mean, buffer, *rest):
        rmsprop_step(w, g, second, mean if centered else None, buffer if momentum else None, *rest)

    return _run(step, 3, w, gradients, lr, *hyper)


def adagrad(
    w: np.ndarray,
    gradients: np.ndarray,
    lr: np.ndarray,
    lr_decay: float,
    initial_accumulator: float,
    eps: float,
    weight_decay: float,
) -> np.ndarray:
    """Adagrad: the root of the sum of all squares, outside of which eps is added."""
    first, *hyper = _checked(
        initial_accumulator=initial_accumulator, lr_decay=lr_decay, eps=eps, weight_decay=weight_decay
    )
    return _run(adagrad_step, 1, w, gradients, lr, *hyper, first=first)


def adam(
    w: np.ndarray,
    gradients: np.ndarray,
    lr: np.ndarray,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
) -> np.ndarray:
    """Adam with coupled decay; eps is added after the bias correction of the root."""
    hyper = _checked(beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay)
    return _run(adam_step, 2, w, gradients, lr, *hyper)


def amsgrad(
    w: np.ndarray,
    gradients: np.ndarray,
    lr: np.ndarray,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
) -> np.ndarray:
    """AMSGrad with coupled decay: the maximum is over the uncorrected second moments."""
    hyper = _checked(beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay)
    return _run(_with_maximum(adam_step), 3, w, gradients, lr, *hyper)


def adamw(
    w: np.ndarray,
    gradients: np.ndarray,
    lr: np.ndarray,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
) -> np.ndarray:
    """Adam with decoupled decay: w shrinks by 1 - lr * weight_decay before each step."""
    hyper = _checked(beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay)
    return _run(partial(adam_step, decoupled=True), 2, w, gradients, lr, *hyper)


def _with_maximum(step: Callable) -> Callable:
    """The step with its keyword array vmax as a third array of state."""
    return lambda w, g, m, v, vmax, *rest: step(w, g, m, v, *rest, vmax=vmax)


# --- rates that look back ---------------------------------------------------------------------------------------------
def delayed_adam(
    w: np.ndarray,
    gradients: np.ndarray,
    lr: np.ndarray,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
) -> np.ndarray:
    """Delayed Adam with coupled decay: the rate uses the second moment of the step before."""
    hyper = _checked(beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay)
    _above_zero(hyper[2], "eps", "the first rate is 1 / eps")
    return _run(delayed_adam_step, 2, w, gradients, lr, *hyper)


def avagrad(
    w: np.ndarray,
    gradients: np.ndarray,
    sizes: Sequence[int],
    lr: np.ndarray,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    variant: str,
) -> np.ndarray:
    """AvaGrad with coupled decay, variant "paper", "released" or "synced".

    sizes: how w splits into tensors, positive integers that sum to d; they change nothing, as the normaliser is the
    group's.
    """
    return _avagrad(w, gradients, sizes, lr, beta1, beta2, eps, weight_decay, variant, decoupled=False)


def avagradw(
    w: np.ndarray,
    gradients: np.ndarray,
    sizes: Sequence[int],
    lr: np.ndarray,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    variant: str,
) -> np.ndarray:
    """AvaGrad with decoupled decay, just before each move and not where nothing moves; else as `avagrad`."""
    return _avagrad(w, gradients, sizes, lr, beta1, beta2, eps, weight_decay, variant, decoupled=True)


def _avagrad(w, gradients, sizes, lr, beta1, beta2, eps, weight_decay, variant, *, decoupled):
    _one_of("variant", variant, VARIANTS)
    hyper = _checked(beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay)
    if variant != "released":
        _above_zero(hyper[2], "eps", "a rate is 1 / eps where no gradient has been seen")
    _check_split(sizes, np.size(w))
    gamma = np.asarray(w).dtype.type(eps)  # of d rates 1 / eps; only "paper" makes its first move with it

    def step(w, g, m, v, t, rate, *hyper):
        nonlocal gamma
        gamma = normaliser(avagrad_step(w, g, m, v, t, rate, gamma, *hyper, variant, decoupled=decoupled), w.size)

    return _run(step, 2, w, gradients, lr, *hyper)


# --- rates within bounds ----------------------------------------------------------------------------------------------
def momentum_sgd(
    w: np.ndarray,
    gradients: np.ndarray,
    lr: np.ndarray,
    final_lr: float,
    beta1: float,
    gamma: float,
    schedule: str,
) -> np.ndarray:
    """What AdaBound turns into, schedule "final", "lower" or "upper". lr scales the band relative to lr[0]."""
    _one_of("schedule", schedule, ("final", "lower", "upper"))
    hyper = _checked(final_lr=final_lr, beta1=beta1, gamma=gamma)
    return _run(momentum_sgd_step, 1, w, gradients, lr, _base(lr), *hyper, schedule, 0.0)


def adabound(
    w: np.ndarray,
    gradients: np.ndarray,
    lr: np.ndarray,
    final_lr: float,
    beta1: float,
    beta2: float,
    gamma: float,
    eps: float,
    weight_decay: float,
) -> np.ndarray:
    """AdaBound with coupled decay, as released. The base learning rate is lr[0], not 0."""
    hyper = _checked(final_lr=final_lr, beta1=beta1, beta2=beta2, gamma=gamma, eps=eps, weight_decay=weight_decay)
    return _run(adabound_step, 2, w, gradients, lr, _base(lr), *hyper)


def amsbound(
    w: np.ndarray,
    gradients: np.ndarray,
    lr: np.ndarray,
    final_lr: float,
    beta1: float,
    beta2: float,
    gamma: float,
    eps: float,
    weight_decay: float,
) -> np.ndarray:
    """`adabound` with the running maximum of the second moments."""
    hyper = _checked(final_lr=final_lr, beta1=beta1, beta2=beta2, gamma=gamma, eps=eps, weight_decay=weight_decay)
    return _run(_with_maximum(adabound_step), 3, w, gradients, lr, _base(lr), *hyper)


def adaboundw(
    w: np.ndarray,
    gradients: np.ndarray,
    lr: np.ndarray,
    final_lr: float,
    beta1: float,
    beta2: float,
    gamma: float,
    eps: float,
    weight_decay: float,
) -> np.ndarray:
    """`adabound` with decoupled decay: each step takes weight_decay * w from the old w, not multiplied by any rate."""
    hyper = _checked(final_lr=final_lr, beta1=beta1, beta2=beta2, gamma=gamma, eps=eps, weight_decay=weight_decay)
    return _run(partial(adabound_step, decoupled=True), 2, w, gradients, lr, _base(lr), *hyper)
