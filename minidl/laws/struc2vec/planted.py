"""Planted bugs of struc2vec: what implementers get wrong, one at a time. `ref` is the reference's namespace."""

from __future__ import annotations

from minidl.laws.core import Planted
from minidl.laws.struc2vec import (
    planted_costs,
    planted_draws,
    planted_graphs,
    planted_layers,
    planted_training,
    planted_trees,
    planted_walks,
)

_FILES = (planted_costs, planted_graphs, planted_layers, planted_draws, planted_walks, planted_trees, planted_training)


def _flat(value: object) -> tuple[object, ...]:
    """Bugs that are made for several functions lie in tuples."""
    return value if isinstance(value, tuple) else (value,)


def bugs_of(function: str) -> tuple[Planted, ...]:
    """The planted bugs of one function, in the order of their file."""
    found = [bug for file in _FILES for value in vars(file).values() for bug in _flat(value)]
    return tuple(bug for bug in found if isinstance(bug, Planted) and bug.function == function)
