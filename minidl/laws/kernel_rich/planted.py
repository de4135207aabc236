"""Planted bugs of kernel and rich regimes: what implementers get wrong, one at a time. Laws and worked examples kill each.

`ref` is the reference's namespace.
"""

from __future__ import annotations

from minidl.laws.core import Planted
from minidl.laws.kernel_rich import (
    planted_descent,
    planted_diagonal,
    planted_factors,
    planted_flow,
    planted_interpolation,
    planted_links,
    planted_norms,
    planted_penalties,
    planted_potentials,
    planted_sparse,
    planted_spectrum,
    planted_starts,
    planted_width,
)

_FILES = (
    planted_potentials,
    planted_links,
    planted_penalties,
    planted_diagonal,
    planted_descent,
    planted_flow,
    planted_interpolation,
    planted_starts,
    planted_norms,
    planted_sparse,
    planted_factors,
    planted_width,
    planted_spectrum,
)


def bugs_of(function: str) -> tuple[Planted, ...]:
    """The planted bugs of one function, in the order of their file."""
    found = [bug for file in _FILES for bug in vars(file).values()]
    return tuple(bug for bug in found if isinstance(bug, Planted) and bug.function == function)
