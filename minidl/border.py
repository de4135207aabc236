"""Checks at the border of more than one package."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np


def count(name: str, value: Any, minimum: int = 1) -> int:
    """An integer of at least `minimum`. TypeError for other types, ValueError below."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {value}")
    return int(value)


def generator(rng: Any) -> np.random.Generator:
    """The generator itself; TypeError for anything else, such as a bare seed."""
    if not isinstance(rng, np.random.Generator):
        seed = rng if isinstance(rng, (int, np.integer)) else "seed"
        raise TypeError(f"rng must be a NumPy generator, got {rng!r}: pass rng=np.random.default_rng({seed})")
    return rng


def choice(name: str, value: Any, known: Iterable[str]) -> str:
    """One of the known words. ValueError otherwise."""
    known = tuple(known)
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}, got {value!r}")
    return value
