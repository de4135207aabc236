"""Planted bugs of training on separable data: what implementers get wrong. `ref` is the reference's namespace."""

from __future__ import annotations

from minidl.laws.core import Planted
from minidl.laws.margin_convergence import (
    planted_deep,
    planted_descents,
    planted_flow,
    planted_gaps,
    planted_limits,
    planted_optimum,
    planted_steps,
    planted_tails,
)

_FILES = (
    planted_tails,
    planted_optimum,
    planted_gaps,
    planted_descents,
    planted_steps,
    planted_flow,
    planted_limits,
    planted_deep,
)


def bugs_of(function: str) -> tuple[Planted, ...]:
    """The planted bugs of one function, in the order of their file."""
    found = [bug for file in _FILES for bug in vars(file).values()]
    return tuple(bug for bug in found if isinstance(bug, Planted) and bug.function == function)
