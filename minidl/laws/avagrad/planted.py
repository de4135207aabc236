"""Planted bugs of optimizers: what implementers get wrong, one at a time. The laws and worked examples kill each."""

from __future__ import annotations

from minidl.laws.avagrad import planted_adam, planted_avagrad, planted_avagradw, planted_baselines
from minidl.laws.core import Planted


def bugs_of(function: str) -> tuple[Planted, ...]:
    """The planted bugs of one function, in the order of their file."""
    files = (planted_baselines, planted_adam, planted_avagrad, planted_avagradw)
    found = [bug for file in files for bug in vars(file).values()]
    return tuple(bug for bug in found if isinstance(bug, Planted) and bug.function == function)
