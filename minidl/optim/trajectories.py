"""Whole runs of every optimizer on given gradients: what laws, golden values and other implementations are compared by.

Each function takes the parameters w (d,), the gradients of T steps (T, d), both float64 or both float32, the learning rate
of each step, lr (T,), and the method's other hyperparameters; it returns the parameters after every step, (T, d), row t - 1
being w_t. The gradients are given, not computed, so that two implementations can be compared step by step.

Each is a loop over the pure step of its method, from the simplest on; equations, sources and deviations stand there. All
raise ValueError for hyperparameters out of range and for shapes that do not fit, TypeError for integers and mixed dtypes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from minidl.optim import adabound as _adabound
from minidl.optim import adagrad as _adagrad
from minidl.optim import adam as _adam
from minidl.optim import adamw as _adamw
from minidl.optim import avagrad as _avagrad
from minidl.optim import border
from minidl.optim import delayed_adam as _delayed_adam
from minidl.optim import momentum_sgd as _momentum_sgd
from minidl.optim import rmsprop as _rmsprop
from minidl.optim import sgd as _sgd
from minidl.optim.adabound_theory import adabound_projected
from minidl.optim.bounds import bounds

__all__ = [
    "adabound",
    "adabound_projected",
    "adaboundw",
    "adagrad",
    "adam",
    "adamw",
    "amsbound",
    "amsgrad",
    "avagrad",
    "avagradw",
    "bounds",
    "delayed_adam",
    "momentum_sgd",
    "rmsprop",
    "sgd",
]


def _run(step: Callable, make: type, w: Any, gradients: Any, lr: Any, **settings: Any) -> np.ndarray:
    w, gradients = border.run(w, gradients)
    rates = border.each_step("lr", lr, len(gradients))
    hyper, state = make(lr=rates[0], **settings), {}
    trajectory = np.empty(gradients.shape, gradients.dtype)  # (T, d)
    for t, (g, rate) in enumerate(zip(gradients, rates, strict=True)):
        hyper = hyper if rate == hyper.lr else replace(hyper, lr=rate)  # which keeps what construction fixed
        w, state = step(w, g, state, hyper)
        trajectory[t] = w
    return trajectory


# --- baselines -----------------------------------------------------------------------------------------------------------
def sgd(
    w: np.ndarray,
    gradients: np.ndarray,
    lr: np.ndarray,
    momentum: float,
    dampening: float,
    nesterov: bool,
    weight_decay: float,
) -> np.ndarray:
    """Gradient descent with momentum (`minidl.optim.sgd`). The first buffer is the gradient, without dampening."""
    settings = dict(momentum=momentum, dampening=dampening, nesterov=nesterov, weight_decay=weight_decay)
    return _run(_sgd.step, _sgd.SGDHyper, w, gradients, lr, **settings)


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
    """RMSprop, plain or centred, with or without momentum (`minidl.optim.rmsprop`). No bias correction."""
    settings = dict(alpha=alpha, eps=eps, momentum=momentum, centered=centered, weight_decay=weight_decay)
    return _run(_rmsprop.step, _rmsprop.RMSpropHyper, w, gradients, lr, **settings)


def adagrad(
    w: np.ndarray,
    gradients: np.ndarray,
    lr: np.ndarray,
    lr_decay: float,
    initial_accumulator: float,
    eps: float,
    weight_decay: float,
) -> np.ndarray:
    """Adagrad (`minidl.optim.adagrad`): the root of the sum of all squares, outside of which eps is added."""
    settings = dict(lr_decay=lr_decay, initial_accumulator=initial_accumulator, eps=eps, weight_decay=weight_decay)
    return _run(_adagrad.step, _adagrad.AdagradHyper, w, gradients, lr, **settings)


def adam(
    w: np.ndarray,
    gradients: np.ndarray,
    lr: np.ndarray,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
) -> np.ndarray:
    """Adam with coupled decay (`minidl.optim.adam`); eps is added after the bias correction of the root."""
    settings = dict(beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay)
    return _run(_adam.step, _adam.AdamHyper, w, gradients, lr, **settings)


def amsgrad(
    w: np.ndarray,
    gradients: np.ndarray,
    lr: np.ndarray,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
) -> np.ndarray:
    """AMSGrad with coupled decay (`minidl.optim.adam`): the maximum is over the uncorrected second moments."""
    settings = dict(beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay, amsgrad=True)
    return _run(_adam.step, _adam.AdamHyper, w, gradients, lr, **settings)


def adamw(
    w: np.ndarray,
    gradients: np.ndarray,
    lr: np.ndarray,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
) -> np.ndarray:
    """Adam with decoupled decay (`minidl.optim.adamw`): w shrinks by 1 - lr * weight_decay before each step."""
    settings = dict(beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay)
    return _run(_adamw.step, _adamw.AdamWHyper, w, gradients, lr, **settings)


# --- rates that look back ------------------------------------------------------------------------------------------------
def delayed_adam(
    w: np.ndarray,
    gradients: np.ndarray,
    lr: np.ndarray,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
) -> np.ndarray:
    """Delayed Adam with coupled decay (`minidl.optim.delayed_adam`): the rate uses the second moment of the step before."""
    settings = dict(beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay)
    return _run(_delayed_adam.step, _delayed_adam.DelayedAdamHyper, w, gradients, lr, **settings)


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
    """AvaGrad with coupled decay (`minidl.optim.avagrad`), variant "paper", "released" or "synced".

    sizes: how w splits into tensors, positive integers that sum to d. The normaliser runs over the whole group, so they
    change nothing here; an implementation that normalises each tensor differs.
    """
    border.split(sizes, w)
    settings = dict(beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay, variant=variant)
    return _run(_avagrad.step, _avagrad.AvaGradHyper, w, gradients, lr, **settings)


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
    """AvaGrad with decoupled decay, which comes just before each move and not where nothing moves; else as `avagrad`."""
    border.split(sizes, w)
    settings = dict(beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay, variant=variant)
    return _run(_avagrad.step, _avagrad.AvaGradWHyper, w, gradients, lr, **settings)


# --- rates within bounds -------------------------------------------------------------------------------------------------
def momentum_sgd(
    w: np.ndarray,
    gradients: np.ndarray,
    lr: np.ndarray,
    final_lr: float,
    beta1: float,
    gamma: float,
    schedule: str,
) -> np.ndarray:
    """What AdaBound turns into (`minidl.optim.momentum_sgd`), schedule "final", "lower" or "upper".

    lr scales the band as in `adabound`, relative to lr[0].
    """
    settings = dict(final_lr=final_lr, beta1=beta1, gamma=gamma, schedule=schedule)
    return _run(_momentum_sgd.step, _momentum_sgd.MomentumSGDHyper, w, gradients, lr, **settings)


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
    """AdaBound with coupled decay, as released (`minidl.optim.adabound`). The base learning rate is lr[0], not 0."""
    settings = dict(final_lr=final_lr, beta1=beta1, beta2=beta2, gamma=gamma, eps=eps, weight_decay=weight_decay)
    return _run(_adabound.step, _adabound.AdaBoundHyper, w, gradients, lr, **settings)


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
    settings = dict(final_lr=final_lr, beta1=beta1, beta2=beta2, gamma=gamma, eps=eps, weight_decay=weight_decay)
    return _run(_adabound.step, _adabound.AdaBoundHyper, w, gradients, lr, amsbound=True, **settings)


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
    settings = dict(final_lr=final_lr, beta1=beta1, beta2=beta2, gamma=gamma, eps=eps, weight_decay=weight_decay)
    return _run(_adabound.step, _adabound.AdaBoundWHyper, w, gradients, lr, **settings)
