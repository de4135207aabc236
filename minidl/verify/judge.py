"""What is judged: a contract as a list of items, each one row of the report and one test.

`call:pure`        every case is accepted; inputs stay as they are; results are fresh memory and repeat
`agreement:NAME`   one output against the reference, to a tolerance that calibrates itself
LAW                one law
`golden:N`         one worked example, to its printed digits
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minidl.laws.checks import compare, natural_scale
from minidl.laws.core import Broken, Case, Cases, Contract, Golden, Law
from minidl.verify.search import Stalled, Unusable
from minidl.verify.subject import Subject, mutated
from minidl.verify.tolerance import Reference, share, shared_inputs

KINDS = ("call", "agreement", "law", "golden")
CLAIMS = {"kink": ("minidl", "any-subgradient"), "dtype": ("same", "any")}


@dataclass(frozen=True)
class Item:
    """One thing to judge: `check(subject, case)` over `cases`. title and statement are what a report says of it."""

    contract: Contract
    kind: str
    name: str
    statement: str
    cases: Cases = field(repr=False)
    check: Callable[[Subject, Case], None] = field(repr=False)
    needs: tuple[str, ...]
    law: Law | None = None
    claimed: str = ""

    @property
    def id(self) -> str:
        return f"{self.contract.function}/{self.name}"


def checked_claims(claims: Mapping[str, str] | None) -> dict[str, str]:
    """The claims with their defaults filled in. Raises ValueError on an unknown one."""
    given = dict(claims or {})
    for name, value in given.items():
        if name not in CLAIMS:
            raise ValueError(f"unknown claim {name!r}: one can claim {', '.join(CLAIMS)}")
        if value not in CLAIMS[name]:
            raise ValueError(f"unknown claim {name}={value!r}: it can be {' or '.join(CLAIMS[name])}")
    return {name: given.get(name, values[0]) for name, values in CLAIMS.items()}


def items(contract: Contract, reference: Reference | None, claims: Mapping[str, str]) -> list[Item]:
    """Everything that judges the contract's function. Without a reference there is no agreement to judge."""
    function = contract.function
    found = [
        Item(
            contract,
            "call",
            "call:pure",
            f"{function} takes every case, leaves its inputs alone, and returns fresh results that repeat.",
            contract.cases,
            _pure(contract, reference),
            (function,),
        )
    ]
    if reference is not None:
        found += [
            Item(
                contract,
                "agreement",
                f"agreement:{output}",
                f"{output} of {function} agrees with the reference.",
                contract.cases,
                _agreement(contract, reference, output, claims),
                (function,),
            )
            for output in contract.outputs
            if output not in contract.free
        ]
    for law in contract.laws:
        pinned = law.policy and claims[law.policy] != CLAIMS[law.policy][0]  # the first is what minidl does
        claimed = f"claims {law.policy}={claims[law.policy]}" if pinned else ""
        found.append(
            Item(contract, "law", law.name, law.statement, law.cases, law.check, law.needs, law=law, claimed=claimed)
        )
    found += [
        Item(
            contract,
            "golden",
            f"golden:{number}",
            f"Worked example: {example.note}.",
            Cases(named={f"golden:{number}": example.inputs}),
            _golden(contract, example),
            (function,),
        )
        for number, example in enumerate(contract.golden, start=1)
    ]
    return found


def _call(contract: Contract, subject: Subject, case: Case) -> dict[str, Any]:
    return contract.read(getattr(subject, contract.function)(*(case[name] for name in contract.inputs)))


def _pure(contract: Contract, reference: Reference | None) -> Callable[[Subject, Case], None]:
    def check(subject: Subject, case: Case) -> None:
        outputs = _call(contract, subject, case)
        if written := mutated(subject):
            raise Broken(f"{contract.function} mutates its input {', '.join(written)}")
        kept = {name: np.copy(value) for name, value in outputs.items()}
        again = _call(contract, subject, case)
        expected = reference(case) if reference is not None else None
        for name, value in outputs.items():
            if expected is not None and name not in expected.aliases and (inputs := shared_inputs(value, case)):
                raise Broken(f"{name} shares memory with the input {', '.join(inputs)}: return a copy")
            if share(value, again[name]) and not (expected is not None and name in expected.cached):
                raise Broken(f"{name} lies in memory that the next call overwrites: return a fresh array")
            # two runs of one program on one machine: only the order of a threaded sum may differ
            allowed = expected.tolerance[name] if expected is not None else _rounding(kept[name])
            if np.shape(allowed) != kept[name].shape:
                allowed = _rounding(kept[name])
            compare(again[name], kept[name], allowed, why=f"{name} of a second call on the same inputs")

    return check


def _rounding(value: np.ndarray) -> float:
    eps = float(np.finfo(value.dtype).eps) if value.dtype.kind in "fc" else 0.0
    return 8 * eps * natural_scale(value) if eps else 0.0


def _agreement(
    contract: Contract, reference: Reference, output: str, claims: Mapping[str, str]
) -> Callable[[Subject, Case], None]:
    def check(subject: Subject, case: Case) -> None:
        expected = reference(case)
        try:
            got = _call(contract, subject, case)[output]
        except (Stalled, Unusable):
            raise
        except Exception as error:
            if hasattr(error, "minidl_function") or isinstance(error, Broken):
                return  # call:pure reports it; an output that never comes makes no check, and that is told
            raise
        want = np.asarray(expected.outputs[output])
        width = getattr(got, "dtype", want.dtype)
        other_width = want.dtype.kind in "fc" and width.kind == want.dtype.kind and width != want.dtype
        if other_width and claims["dtype"] == "same":
            raise Broken(f"{output}: dtype {width} instead of {want.dtype}", expected=want, got=got)
        if contract.kink is not None and claims["kink"] == "any-subgradient" and contract.kink(case):
            if np.shape(got) != want.shape:
                raise Broken(f"{output}: shape {np.shape(got)} instead of {want.shape}", expected=want, got=got)
            return
        compare(got, want, expected.tolerance[output], why=f"{output} against the reference")

    return check


def _golden(contract: Contract, example: Golden) -> Callable[[Subject, Case], None]:
    def check(subject: Subject, case: Case) -> None:
        outputs = _call(contract, subject, case)
        for name, printed in example.outputs.items():
            # half a unit of the last printed decimal, and the rounding of the result itself
            value = np.asarray(printed)
            allowed = 0.5 * 10.0**-example.digits + _rounding(value.astype(np.result_type(value, 0.0)))
            compare(outputs[name], printed, allowed, why=f"{name} to {example.digits} printed decimals")

    return check


def select(contracts: Sequence[Contract], functions: Sequence[str] | None) -> list[Contract]:
    """The contracts of these functions, all by default. Raises ValueError on an unknown one."""
    if functions is None:
        return list(contracts)
    known = {contract.function: contract for contract in contracts}
    if unknown := [name for name in functions if name not in known]:
        raise ValueError(f"no contract for {', '.join(unknown)}; there are contracts for {', '.join(known)}")
    return [known[name] for name in functions]
