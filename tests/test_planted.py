"""Every planted bug of every contract dies, by name."""

import sys
import types

import pytest
import toy
from contract_benches import BENCHES, EXAMPLES

from minidl.laws.core import Broken
from minidl.verify import run
from minidl.verify.tolerance import quiet

# Every law that kills a bug, or (in the quick profile) only the first one.
THOROUGH = EXAMPLES >= 100

BUGS = [
    pytest.param(name, contract, bug, id=f"{name}-{contract.function}-{bug.name}")
    for name, bench in BENCHES.items()
    for contract in bench.contracts
    for bug in contract.planted
]


@pytest.mark.parametrize(("name", "contract", "bug"), BUGS)
def test_planted_bug_dies(name, contract, bug, kills):
    """By laws and golden values alone, without a reference to compare with; else at least by agreement with it."""
    impl = bug.apply(BENCHES[name].reference)
    laws = BENCHES[name].broken_by(contract, impl, first=not THOROUGH, kinds=("law", "golden"))
    agreement = [] if laws else BENCHES[name].broken_by(contract, impl, first=True, kinds=("call", "agreement"))
    print(f"{contract.function}: {bug.name} is killed by {', '.join(laws + agreement) or 'nothing'}")
    kills(name, f"{bug.name} of {contract.function}", "laws" if laws else "agreement" if agreement else "nothing")
    assert laws or agreement, f"the cases of {contract.function} let {bug.name} live: {bug.statement}"


def test_the_reference_survives_where_its_bugs_die():
    """For the toy; test_laws.py holds the references of the atlas against all their laws."""
    for contract in BENCHES["toy"].contracts:
        assert BENCHES["toy"].broken_by(contract, toy) == []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "contract", "bug"), [bug for bug in BUGS if bug.values[0] != "toy"])
def test_planted_bug_is_named_and_its_lines_reproduce(name, contract, bug, monkeypatch):
    impl = types.ModuleType("implementation_with_a_bug")
    vars(impl).update(vars(bug.apply(BENCHES[name].reference)))
    monkeypatch.setitem(sys.modules, impl.__name__, impl)
    with quiet():
        report = run(name, impl, planted=False, functions=[contract.function], examples=15)
        assert report.resemblances[contract.function].bug == bug.name
        for row in report.broken[:2]:
            if row.breakage.vacuous:
                continue
            error = raised(row.breakage.reproduce)
            said = error.why if isinstance(error, Broken) else f"{type(error).__name__}: {error}"
            assert said in (row.breakage.why, row.breakage.got), row.breakage.reproduce


def raised(line):
    """What a line of Python raises; None if nothing."""
    try:
        exec(line, {})
    except Exception as error:
        return error
    return None
