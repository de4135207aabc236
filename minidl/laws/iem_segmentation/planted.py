"""The planted bugs of every function, gathered from the files that plant them."""

from __future__ import annotations

from minidl.laws.core import Planted
from minidl.laws.iem_segmentation import (
    planted_filters,
    planted_gradients,
    planted_masks,
    planted_metrics,
    planted_objective,
    planted_prediction,
    planted_steps,
)

_MODULES = (
    planted_filters,
    planted_gradients,
    planted_masks,
    planted_metrics,
    planted_objective,
    planted_prediction,
    planted_steps,
)


def bugs_of(function: str) -> tuple[Planted, ...]:
    """The planted bugs of one function, in the order of their file."""
    found = (bug for module in _MODULES for bug in vars(module).values() if isinstance(bug, Planted))
    return tuple(bug for bug in found if bug.function == function)
