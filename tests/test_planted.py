"""Every planted bug of every contract dies, by name; generated mutants show what no one thought of."""

import ast
import functools
import importlib
import inspect
from types import SimpleNamespace

import numpy as np
import pytest
import toy
from hypothesis import settings

from minidl import atlas
from minidl.verify.mutants import _assemble, mutate
from minidl.verify.runner import Bench
from minidl.verify.tolerance import quiet

# a third: every planted bug runs through every law, and the named cases are what must kill it
EXAMPLES = settings().max_examples // 3

# Mutants that no law can kill, since they compute the same: "function:line:column change" -> why.
EQUIVALENT: dict[str, dict[str, str]] = {}


def benches():
    yield "toy", Bench.of(toy.CONTRACTS, reference=toy, examples=EXAMPLES)
    for name in atlas.METHODS:
        try:
            yield name, Bench.of(name, examples=EXAMPLES)
        except ImportError:  # test_laws.py fails for a method that cannot load
            continue


BENCHES = dict(benches())
BUGS = [
    pytest.param(name, contract, bug, id=f"{name}-{contract.function}-{bug.name}")
    for name, bench in BENCHES.items()
    for contract in bench.contracts
    for bug in contract.planted
]


@functools.cache
def killers(name, function, bug):
    """The laws, outputs and worked examples that a planted bug breaks."""
    bench = BENCHES[name]
    contract = next(contract for contract in bench.contracts if contract.function == function)
    planted = next(planted for planted in contract.planted if planted.name == bug)
    return bench.broken_by(contract, planted.apply(bench.reference))


@pytest.mark.parametrize(("name", "contract", "bug"), BUGS)
def test_planted_bug_dies(name, contract, bug):
    by = killers(name, contract.function, bug.name)
    print(f"{contract.function}: {bug.name} is killed by {', '.join(by) or 'nothing'}")
    assert by, f"the cases of {contract.function} let {bug.name} live: {bug.statement}"


@pytest.mark.parametrize("name", BENCHES)
def test_kill_rates(name, figures):
    """How many of them die by laws and golden values alone, without a reference to compare with."""
    contracts = BENCHES[name].contracts
    laws = {law.name for contract in contracts for law in contract.laws}
    bugs = {(contract.function, bug.name) for contract in contracts for bug in contract.planted}
    by = {(function, bug): killers(name, function, bug) for function, bug in bugs}
    alone = {bug for bug, items in by.items() if any(item in laws or item.startswith("golden:") for item in items)}
    dead = sum(map(bool, by.values()))
    figures.append(
        f"planted bugs of {name}: {dead} of {len(bugs)} killed, {len(alone)} by laws and golden values alone"
    )
    for function, bug in sorted(bugs - alone):
        figures.append(f"  by agreement alone: {bug} of {function}")
    assert alone, "no law of this method kills anything"


def test_the_reference_survives_where_its_bugs_die():
    """For the toy; test_laws.py holds the references of the atlas against all their laws."""
    for contract in BENCHES["toy"].contracts:
        assert BENCHES["toy"].broken_by(contract, toy) == []


# --- generated mutants ---------------------------------------------------------------------------------------------------
SUBJECT = '''
import numpy as np

FACTOR = 2.0

def _half(x):
    return x / 2

def f(x, eps=1e-3):
    """x - 1 in a docstring is text."""
    if x.ndim != 2:
        raise ValueError("x - 1 " + str(x.ndim + 1))
    y = -_half(x) - x.sum(axis=0)
    if (y > 0).all():
        y = y @ FACTOR
    return y
'''


@pytest.fixture
def subject(tmp_path, monkeypatch):
    (tmp_path / "subject_of_mutation.py").write_text(SUBJECT)
    monkeypatch.syspath_prepend(tmp_path)
    return importlib.import_module("subject_of_mutation")


def test_mutants_change_one_thing_each(subject):
    names = [name for name, _ in mutate(subject)]
    changes = sorted(name.split(" ", 1)[1] + f" in {name.split(':')[0]}" for name in names)
    assert changes == sorted(
        [
            "product and quotient exchanged in _half",
            "right term dropped in _half",
            "operands swapped in _half",
            "constant off by one in _half",
            "float32 result in _half",
            "constant off by one in f",  # eps
            "sign flipped in f",
            "right term dropped in f",
            "operands swapped in f",  # -
            "minus dropped in f",
            "axis swapped in f",
            "border moved in f",
            "comparison reversed in f",
            "constant off by one in f",  # 0 in y > 0
            "operands swapped in f",  # @
            "float32 result in f",
        ]
    )
    assert len(set(names)) == len(names)


def test_a_helpers_mutant_reaches_who_calls_it(subject):
    x = np.ones((2, 2))
    right = subject.f(x)
    mutants = dict(mutate(subject, ["_half"]))
    assert all(not np.array_equal(mutant.f(x), right) for name, mutant in mutants.items() if "float32" not in name)
    np.testing.assert_array_equal(subject.f(x), right)
    with pytest.raises(ValueError, match="has no function 'g'"):
        next(mutate(subject, ["g"]))


def kill(bench, module, equivalent):
    """Judge every mutant of the module's functions: the number, and the survivors that are no equivalent program."""
    contracts = {contract.function: contract for contract in bench.contracts}
    total, survivors = 0, []
    for name, mutant in mutate(module):
        function = name.split(":")[0]
        concerned = [contracts[function]] if function in contracts else bench.contracts
        if name in equivalent:
            continue
        total += 1
        with quiet():
            if not any(bench.broken_by(contract, mutant, first=True) for contract in concerned):
                survivors.append(name)
    return total, survivors


def test_the_toys_mutants_die_but_for_equivalent_ones(figures):
    module = SimpleNamespace(**{name: getattr(toy, name) for name in ("softplus", "normalise", "dropout")})
    bench = Bench.of(toy.CONTRACTS, reference=module, examples=10)
    total, survived = 0, []
    for name, mutant in mutate(toy, ["softplus", "normalise", "dropout"]):
        total += 1
        contract = next(contract for contract in bench.contracts if contract.function == name.split(":")[0])
        if not bench.broken_by(contract, mutant, first=True):
            survived.append(name.split(" ", 1)[1])
    figures.append(f"mutants of toy: {total - len(survived)} of {total} killed")
    assert total > 25
    assert survived == []


def test_functions_put_together_unchanged_are_the_reference():
    bodies = [node for node in ast.parse(inspect.getsource(toy)).body if isinstance(node, ast.FunctionDef)]
    bodies = [node for node in bodies if node.name in ("softplus", "normalise", "dropout")]
    again = _assemble(toy, bodies, "nothing")
    assert again.softplus is not toy.softplus
    bench = Bench.of(toy.CONTRACTS, reference=toy, examples=5)
    assert [bench.broken_by(contract, again) for contract in bench.contracts] == [[], [], []]


@pytest.mark.slow
@pytest.mark.parametrize("name", atlas.METHODS)
def test_mutants_of_the_reference_die(name, figures):
    bench = BENCHES[name]
    total, survivors = kill(bench, atlas.load_reference(name), EQUIVALENT.get(name, {}))
    rate = 1 - len(survivors) / total
    figures.append(f"mutants of {name}: {total - len(survivors)} of {total} killed ({rate:.1%})")
    figures.extend(f"  survived: {survivor}" for survivor in survivors)
    assert rate >= 0.9, f"survivors: {survivors}"
