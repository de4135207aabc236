"""The machine behind the planted bugs: an optimizer is a table of quantities, and a bug replaces one entry.

Each quantity is a function of the state s: the inputs, those of the step, what was computed before it in the same step,
and the values of the step before.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from minidl.laws.core import Planted, planted

Quantity = Callable[[SimpleNamespace], Any]
MOMENTS: dict[str, Quantity] = {
    "m": lambda s: s.beta1 * s.m + (1 - s.beta1) * s.g,
    "v": lambda s: s.beta2 * s.v + (1 - s.beta2) * s.g * s.g,
}
BAND: dict[str, Quantity] = {
    "final": lambda s: s.final_lr * (s.lr / s.first_lr),
    "lower": lambda s: lower(s, s.t),
    "upper": lambda s: upper(s, s.t),
}
STEP: dict[str, Quantity] = {
    "step": lambda s: s.rate * s.m,
    "w": lambda s: s.w - s.step,
}
ADABOUND: dict[str, Quantity] = {
    "g": lambda s: s.g + s.weight_decay * s.w,
    **MOMENTS,
    "top": lambda s: s.v,
    "root": lambda s: np.sqrt(s.top) + s.eps,
    "correction": lambda s: math.sqrt(1 - s.beta2**s.t) / (1 - s.beta1**s.t),
    "raw": lambda s: s.lr * s.correction / s.root,
    **BAND,
    "rate": lambda s: np.clip(s.raw, s.lower, s.upper),
    **STEP,
}
AMSBOUND = ADABOUND | {"top": lambda s: np.maximum(s.top, s.v)}
ADABOUNDW = ADABOUND | {"g": lambda s: s.g, "w": lambda s: s.w - s.step - s.weight_decay * s.w}
MOMENTUM_SGD: dict[str, Quantity] = {
    "m": MOMENTS["m"],
    **BAND,
    "rate": lambda s: getattr(s, s.schedule),
    **STEP,
}
PROJECTED: dict[str, Quantity] = {
    **MOMENTS,
    "raw": lambda s: s.alpha / np.sqrt(s.v),
    **BAND,
    "final": lambda s: s.final_lr,
    "rate": ADABOUND["rate"],
    "step": lambda s: s.rate / math.sqrt(s.t) * s.m,
    "w": lambda s: np.clip(s.w - s.step, -s.radius, s.radius),
}
_ADAPTIVE = ("w", "gradients", "lr", "final_lr", "beta1", "beta2", "gamma", "eps", "weight_decay")
TABLES = {  # function: its quantities in their order, its inputs
    "adabound": (ADABOUND, _ADAPTIVE),
    "amsbound": (AMSBOUND, _ADAPTIVE),
    "adaboundw": (ADABOUNDW, _ADAPTIVE),
    "momentum_sgd": (MOMENTUM_SGD, ("w", "gradients", "lr", "final_lr", "beta1", "gamma", "schedule")),
    "adabound_projected": (
        PROJECTED,
        ("w", "gradients", "alpha", "final_lr", "beta1", "beta2", "gamma", "radius"),
    ),
}
FAMILY = ("adabound", "amsbound", "adaboundw")


def lower(s: SimpleNamespace, t: int) -> float:
    """The lower bound of step t, around the final rate of this one."""
    return s.final * (s.gamma * t / (s.gamma * t + 1))


def upper(s: SimpleNamespace, t: int) -> float:
    """The upper bound of step t; none at 0."""
    return s.final * (1 + 1 / (s.gamma * t)) if t else math.inf


def trajectory(quantities: Mapping[str, Quantity], names: tuple[str, ...], *inputs: Any) -> np.ndarray:
    """Run a table of quantities over all steps: the parameters after each of them (T, d)."""
    s = SimpleNamespace(**dict(zip(names, inputs, strict=True)))
    per_step = {name: vars(s)[name] for name in ("gradients", "lr", "beta1") if np.ndim(vars(s).get(name, 0))}
    s.m = s.v = s.top = np.zeros_like(s.w)
    s.rate = s.m + np.inf
    if "lr" in per_step:
        s.first_lr = float(s.lr[0])
    rows = []
    with np.errstate(all="ignore"):
        for t in range(1, len(s.gradients) + 1):
            s.t = t
            for name, values in per_step.items():
                # a NumPy scalar would widen float32
                setattr(
                    s, "g" if name == "gradients" else name, values[t - 1] if values.ndim > 1 else float(values[t - 1])
                )
            for name, quantity in quantities.items():
                setattr(s, name, quantity(s))
            rows.append(s.w)
    return np.array(rows)


def wrong(function: str, **quantities: Quantity) -> Callable[..., np.ndarray]:
    """The function with some of its quantities replaced, in their places."""
    table, names = TABLES[function]
    if unknown := quantities.keys() - table.keys():
        raise ValueError(f"{function} has no {', '.join(sorted(unknown))}")
    return functools.partial(trajectory, table | quantities, names)


def in_each(*functions: str) -> Callable[[Callable[[str], Callable]], tuple[Planted, ...]]:
    """Plant one bug in several functions: `def bug(function)` instead of `def bug(ref)`."""

    def plant(build: Callable[[str], Callable]) -> tuple[Planted, ...]:
        def one(function: str) -> Planted:
            return planted(function)(functools.wraps(build)(lambda ref: build(function)))

        return tuple(one(function) for function in functions)

    return plant
