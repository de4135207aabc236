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
    """
    usable = [case for case in cases if all(name in case for name in contract.inputs)]
    with quiet(), counting():
        mine = [_behaviour(contract, target, case) for case in usable]
        right = [_expected(reference, case) for case in usable]
        differs = [not _same(got, want) for got, want in zip(mine, right, strict=True)]
        best, most = None, 0
        for bug in contract.planted:
            theirs = Reference(contract, bug.apply(reference.implementation))
            wrong = [_expected(theirs, case) for case in usable]
            if any(differs) and all(_same(got, want) for got, want in zip(mine, wrong, strict=True)):
                shared = sum(differs)
                if shared > most:
                    best, most = bug, shared
    if best is not None:
        where = f"behaves exactly like it on {len(usable)} cases, {most} of them wrong"
        return Resemblance(best.name, best.statement, True, where)
    if not broken:
        return None
    closest, overlap = None, 0.0
    for bug in contract.planted:
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


def _expected(reference: Reference, case: Case) -> Expected | str:
    try:
        return reference(case)
    except Exception as error:
        return type(error).__name__


def _same(got: dict[str, Any] | str, want: Expected | str) -> bool:
    if isinstance(got, str) or isinstance(want, str):
        return got == want
    try:
        for name, value in want.outputs.items():
            compare(got[name], value, want.tolerance[name], why=name)
    except Broken:
        return False
    return True
