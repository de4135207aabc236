"""Every planted bug of every contract dies, by name; generated mutants show what no one thought of."""

import ast
import functools
import importlib
import inspect
import sys
import types

import numpy as np
import pytest
import toy
from hypothesis import settings

from minidl import atlas
from minidl.laws.core import Broken
from minidl.verify import run
from minidl.verify.mutants import assemble, mutate
from minidl.verify.runner import Bench
from minidl.verify.tolerance import quiet

EXAMPLES = settings().max_examples
# Every law that kills a bug, or (in the quick profile) only the first one, and whether agreement does.
THOROUGH = EXAMPLES >= 100

# Mutants that no law can kill, since they compute the same: their name -> why.
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
    """What a planted bug breaks: laws and worked examples; then agreement with the reference."""
    bench = BENCHES[name]
    contract = next(contract for contract in bench.contracts if contract.function == function)
    impl = next(planted for planted in contract.planted if planted.name == bug).apply(bench.reference)
    laws = bench.broken_by(contract, impl, first=not THOROUGH, kinds=("law", "golden"))
    return laws, bench.broken_by(contract, impl, first=not THOROUGH, kinds=("call", "agreement"))


@pytest.mark.parametrize(("name", "contract", "bug"), BUGS)
def test_planted_bug_dies(name, contract, bug):
    laws, agreement = killers(name, contract.function, bug.name)
    print(f"{contract.function}: {bug.name} is killed by {', '.join(laws + agreement) or 'nothing'}")
    assert laws or agreement, f"the cases of {contract.function} let {bug.name} live: {bug.statement}"


@pytest.mark.parametrize("name", BENCHES)
def test_kill_rates(name, figures):
    """How many of them die by laws and golden values alone, without a reference to compare with."""
    bugs = [(contract.function, bug.name) for contract in BENCHES[name].contracts for bug in contract.planted]
    laws = [bug for bug in bugs if killers(name, *bug)[0]]
    dead = [bug for bug in bugs if any(killers(name, *bug))]
    figures.append(
        f"planted bugs of {name}: {len(dead)} of {len(bugs)} killed, {len(laws)} by laws and golden values alone"
    )
    figures.extend(
        f"  by agreement alone: {bug} of {function}" for function, bug in bugs if (function, bug) not in laws
    )
    assert laws, "no law of this method kills anything"


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

TABLE = {"half": _half}

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
    assert [name for name, _ in mutate(subject)] == [
        "_half: float32 result: return x / 2 -> return _minidl_float32(x / 2)",
        "_half: product and quotient exchanged: x / 2 -> x * 2",
        "_half: right term dropped: x / 2 -> x",
        "_half: operands swapped: x / 2 -> 2 / x",
        "_half: constant off by one: x / 2 -> x / 3",
        "f: constant off by one: x, eps=0.001 -> x, eps=1.001",
        "f: sign flipped: -_half(x) - x.sum(axis=0) -> -_half(x) + x.sum(axis=0)",
        "f: right term dropped: -_half(x) - x.sum(axis=0) -> -_half(x)",
        "f: operands swapped: -_half(x) - x.sum(axis=0) -> x.sum(axis=0) - -_half(x)",
        "f: minus dropped: -_half(x) -> _half(x)",
        "f: axis swapped: axis=0 -> axis=1",
        "f: border moved: y > 0 -> y >= 0",
        "f: comparison reversed: y > 0 -> y < 0",
        "f: constant off by one: y > 0 -> y > 1",
        "f: operands swapped: y @ FACTOR -> FACTOR @ y",
        "f: float32 result: return y -> return _minidl_float32(y)",
    ]


def test_a_helpers_mutant_reaches_who_calls_it_or_keeps_it(subject):
    x = np.ones((2, 2))
    right = subject.f(x)
    mutants = dict(mutate(subject, ["_half"]))
    single = mutants.pop("_half: float32 result: return x / 2 -> return _minidl_float32(x / 2)")
    for mutant in mutants.values():
        assert not np.array_equal(mutant.f(x), right)
        assert not np.array_equal(mutant.TABLE["half"](x), subject.TABLE["half"](x))
    assert single._touched == []
    assert single.TABLE["half"](x).dtype == np.float32
    assert single._touched == ["ndarray"]
    np.testing.assert_array_equal(subject.f(x), right)
    with pytest.raises(ValueError, match="has no function 'g'"):
        next(mutate(subject, ["g"]))


def kill(bench, module, equivalent, functions=None):
    """Judge every mutant of the module's functions: how many there are, and which survive."""
    contracts = {contract.function: contract for contract in bench.contracts}
    total, survivors = 0, []
    for name, mutant in mutate(module, functions):
        function = name.split(":")[0]
        concerned = [contracts[function]] if function in contracts else bench.contracts
        dead = any(bench.broken_by(contract, mutant, first=True) for contract in concerned)
        if dead and name in equivalent:
            pytest.fail(f"{name} dies, so it is not equivalent: {equivalent[name]}")
        untouched = "float32 result" in name and not mutant._touched
        if name in equivalent or (untouched and not dead):
            continue
        total += 1
        if not dead:
            survivors.append(name)
    return total, survivors


def test_the_toys_mutants_die(figures):
    bench = Bench.of(toy.CONTRACTS, reference=toy, examples=10)
    total, survivors = kill(bench, toy, {}, ["softplus", "normalise", "dropout"])
    figures.append(f"mutants of toy: {total - len(survivors)} of {total} killed")
    assert total > 25
    assert survivors == []


def test_a_module_put_together_unchanged_is_the_reference():
    again = assemble(toy, ast.parse(inspect.getsource(toy)).body)
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
