"""Planted bugs of Boltzmann machines: what implementers get wrong, one at a time. Laws and worked examples kill each.

`ref` is the reference's namespace.
"""

from __future__ import annotations

from minidl.laws.core import Planted
from minidl.laws.mclv_rbm import (
    planted_conditionals,
    planted_energies,
    planted_estimates,
    planted_exact,
    planted_expected,
    planted_kac,
    planted_phases,
    planted_sets,
    planted_tours,
    planted_training,
)

_FILES = (
    planted_energies,
    planted_conditionals,
    planted_exact,
    planted_phases,
    planted_expected,
    planted_sets,
    planted_tours,
    planted_estimates,
    planted_kac,
    planted_training,
)


def bugs_of(function: str) -> tuple[Planted, ...]:
    """The planted bugs of one function, in the order of their file."""
    found = [bug for file in _FILES for bug in vars(file).values()]
    return tuple(bug for bug in found if isinstance(bug, Planted) and bug.function == function)
