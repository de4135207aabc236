"""The planted bugs of every function, gathered from the files that plant them."""

from __future__ import annotations

from minidl.laws.core import Planted
from minidl.laws.spectral_dynamics import (
    planted_agreement,
    planted_data,
    planted_descent,
    planted_lines,
    planted_losses,
    planted_masks,
    planted_modes,
    planted_pruning,
    planted_ranks,
    planted_vectors,
)

_MODULES = (
    planted_ranks,
    planted_vectors,
    planted_agreement,
    planted_pruning,
    planted_masks,
    planted_lines,
    planted_modes,
    planted_descent,
    planted_data,
    planted_losses,
)


def bugs_of(function: str) -> tuple[Planted, ...]:
    """The planted bugs of one function, in the order of their file."""
    found = (bug for module in _MODULES for bug in vars(module).values() if isinstance(bug, Planted))
    return tuple(bug for bug in found if bug.function == function)
