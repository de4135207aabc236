"""Planted bugs: what implementers get wrong, one at a time. `ref` is the reference's namespace."""

from __future__ import annotations

from minidl.laws.core import Planted
from minidl.laws.infinite_width import (
    planted_decay,
    planted_functions,
    planted_networks,
    planted_points,
    planted_training,
    planted_units,
)

_FILES = (planted_units, planted_functions, planted_networks, planted_points, planted_decay, planted_training)


def bugs_of(function: str) -> tuple[Planted, ...]:
    """The planted bugs of one function, in the order of their file."""
    found = [value for file in _FILES for value in vars(file).values()]
    return tuple(bug for bug in found if isinstance(bug, Planted) and bug.function == function)
