"""What hyperparameters are checked for when they are made, so that no step needs to."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Real
from typing import Any


def in_range(name: str, value: Any, low: float, high: float) -> float:
    """A finite number in [low, high) as a Python float: a np.float64 would turn float32 parameters into float64.

    Raises ValueError for anything else.
    """
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not (number and math.isfinite(value) and low <= value < high):
        raise ValueError(f"{name} must be a finite number in [{low}, {high}), got {value!r}")
    return float(value)


def positive(name: str, value: Any, why: str = "") -> float:
    """A finite number above 0 as a Python float; `why` says what 0 would do. Raises ValueError for anything else."""
    value = in_range(name, value, 0, math.inf)
    if value == 0:
        raise ValueError(f"{name} must be positive, got 0" + (f": {why}" if why else ""))
    return value


def check_hyper(hyper: Any, **bounds: tuple[float, float]) -> None:
    """Raise ValueError for a hyperparameter that is not a finite number in [low, high); make it a Python float."""
    for name, (low, high) in bounds.items():
        object.__setattr__(hyper, name, in_range(name, getattr(hyper, name), low, high))


def check_rates(hyper: Any, *names: str) -> None:
    """Check that these are finite numbers of at least 0, and, where the method has them, the betas in [0, 1)."""
    betas = [name for name in ("beta1", "beta2") if hasattr(hyper, name)]
    check_hyper(hyper, **dict.fromkeys(names, (0, math.inf)), **dict.fromkeys(betas, (0, 1)))


def check_positive(hyper: Any, name: str, why: str) -> None:
    """Raise ValueError unless a hyperparameter is a finite number above 0; make it a Python float."""
    object.__setattr__(hyper, name, positive(name, getattr(hyper, name), why))


def check_choice(hyper: Any, name: str, choices: tuple[str, ...]) -> None:
    """Raise ValueError unless a hyperparameter is one of these words."""
    if getattr(hyper, name) not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {getattr(hyper, name)!r}")


def two(betas: Any) -> tuple[float, float]:
    """Both betas; ValueError unless there are two."""
    if not isinstance(betas, Iterable) or len(betas := tuple(betas)) != 2:
        raise ValueError(f"betas must be two numbers, (beta1, beta2), got {betas!r}")
    return betas
