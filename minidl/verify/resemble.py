"""Which planted bug does a failing implementation look like? Decided by behaviour, never by looking at its code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl.laws.checks import compare, counting
from minidl.laws.core import Broken, Case, Contract, Planted
from minidl.verify.cases import Guard
from minidl.verify.search import Stalled, Unusable
from minidl.verify.subject import Subject
from minidl.verify.tolerance import Expected, Reference, quiet

# An overlap of broken laws below one half names a bug more often wrongly than rightly.
_ENOUGH = 0.5


@dataclass(frozen=True)
class Resemblance:
    """The planted bug that a failure looks like, and on what grounds."""

    bug: str
    statement: str
    exact: bool
    grounds: str

    def __str__(self) -> str:
        return f"looks like the planted bug {self.bug} ({self.grounds}): {self.statement}"


def resemblance(
    contract: Contract,
    reference: Reference,
    target: Subject,
    cases: Sequence[Case],
    broken: frozenset[str],
    laws_broken_by: Callable[[Planted], frozenset[str]],
) -> Resemblance | None:
    """The planted bug that does what the target does on all cases where either differs from the reference.

    Failing that, the one that breaks the most similar set of laws (`laws_broken_by` runs them), if it shares half.
    Raises Stalled or Unusable when the target does.
    """
    usable = [case for case in cases if all(name in case for name in contract.inputs)]
    bugs = {bug: Reference(contract, bug.apply(reference.implementation)) for bug in contract.planted}
    with quiet(), counting():
        mine = [_behaviour(contract, target, case) for case in usable]
        for widths in (True, False):  # a target may be in another precision throughout, on top of what it does wrong
            wrong = sum(
                not _same(got, _answer(reference, case), widths) for got, case in zip(mine, usable, strict=True)
            )
            for bug, theirs in bugs.items() if wrong else ():
                if all(_same(got, _answer(theirs, case), widths) for got, case in zip(mine, usable, strict=True)):
                    grounds = f"behaves exactly like it on {len(usable)} cases, {wrong} of them wrong"
                    return Resemblance(bug.name, bug.statement, True, grounds)
        if not wrong:  # only laws tell this target from the reference; then no case may tell a candidate from it either
            bugs = {
                bug: theirs
                for bug, theirs in bugs.items()
                if all(_same(got, _answer(theirs, case), False) for got, case in zip(mine, usable, strict=True))
            }
    closest, overlap = None, 0.0
    for bug in bugs if broken else ():
        theirs_broken = laws_broken_by(bug)
        score = len(broken & theirs_broken) / len(broken | theirs_broken)
        if score > overlap:
            closest, overlap = bug, score
    if closest is None or overlap < _ENOUGH:
        return None
    laws = "the same laws" if overlap == 1 else "nearly the same laws"
    return Resemblance(closest.name, closest.statement, False, f"breaks {laws}: {', '.join(sorted(broken))}")


def _behaviour(contract: Contract, subject: Subject, case: Case) -> dict[str, Any] | str:
    """The outputs on a case, or the name of the exception."""
    try:
        with Guard(case):
            outputs = contract.read(getattr(subject, contract.function)(*(case[name] for name in contract.inputs)))
            return {name: np.copy(value) for name, value in outputs.items()}
    except (Stalled, Unusable):
        raise
    except Exception as error:
        return type(error).__name__


def _answer(reference: Reference, case: Case) -> Expected | str:
    try:
        return reference(case)
    except Exception as error:
        return type(error).__name__


def _same(got: dict[str, Any] | str, want: Expected | str, widths: bool) -> bool:
    """The same values within the tolerance, or the same exception; and if widths is set, in the same dtypes."""
    if isinstance(got, str) or isinstance(want, str):
        return got == want
    try:
        for name, value in want.outputs.items():
            compare(got[name], value, want.tolerance[name], why=name)
            if widths and np.asarray(value).dtype.kind in "fc" and got[name].dtype != np.asarray(value).dtype:
                return False
    except Broken:
        return False
    return True
