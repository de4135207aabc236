"""Which planted bug does a failing implementation look like? Decided by behaviour, never by looking at its code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl.laws.checks import compare, counting
from minidl.laws.core import Broken, Case, Contract, NotProvided, Planted
from minidl.verify.cases import Guard
from minidl.verify.search import Stalled, Unusable
from minidl.verify.subject import Subject
from minidl.verify.tolerance import Expected, Reference, quiet

# Below one half, of wrong cases or of broken laws, a bug is named more often wrongly than rightly; so it is on few cases.
_ENOUGH, _FEW = 0.5, 4


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
    """The planted bug that does what the target does on all cases that it takes, some of them wrong.

    Failing that, the one that agrees with it on most of the cases that it gets wrong, or that breaks the most similar set of
    laws (`laws_broken_by` runs them); half is enough for either. Raises Stalled or Unusable when the target does.
    """
    usable = [case for case in cases if all(name in case for name in contract.inputs)]
    bugs = {bug: Reference(contract, bug.apply(reference.implementation)) for bug in contract.planted}
    with quiet(), counting():
        mine = [(got, case) for case in usable if (got := _behaviour(contract, target, case)) != NotProvided.__name__]
        for widths in (True, False):  # a target may be in another precision throughout, on top of what it does wrong
            wrong = [(got, case) for got, case in mine if not _same(got, _answer(reference, case), widths)]
            for bug, theirs in bugs.items() if wrong else ():
                if all(_same(got, _answer(theirs, case), widths) for got, case in mine):
                    grounds = f"behaves exactly like it on {len(mine)} cases, {len(wrong)} of them wrong"
                    return Resemblance(bug.name, bug.statement, True, grounds)
        if wrong:
            alike = {bug: sum(_same(got, _answer(bugs[bug], case), False) for got, case in wrong) for bug in bugs}
            bug = max(alike, key=alike.__getitem__)
            if alike[bug] >= max(_ENOUGH * len(wrong), _FEW):
                grounds = f"behaves like it on {alike[bug]} of the {len(wrong)} cases that are wrong"
                return Resemblance(bug.name, bug.statement, False, grounds)
            # what is right on most cases that a bug gets wrong does not have it
            right = [(got, case) for got, case in mine if _same(got, _answer(reference, case), False)]
            spared = {bug: sum(not _same(got, _answer(bugs[bug], case), False) for got, case in right) for bug in bugs}
            bugs = {b: theirs for b, theirs in bugs.items() if spared[b] <= len(wrong)}
        else:  # only laws tell this target from the reference; then no case may tell a candidate from it either
            bugs = {
                b: theirs for b, theirs in bugs.items() if all(_same(g, _answer(theirs, c), False) for g, c in mine)
            }
    scores = {bug: _overlap(broken, laws_broken_by(bug)) for bug in bugs} if broken else {}
    closest = max(scores, key=scores.__getitem__, default=None)
    if closest is None or scores[closest] < (1 if len(broken) == 1 else _ENOUGH):  # one law of two is no likeness
        return None
    laws = "the same laws" if scores[closest] == 1 else "nearly the same laws"
    return Resemblance(closest.name, closest.statement, False, f"breaks {laws}: {', '.join(sorted(broken))}")


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other)


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
