"""Mutants of every reference, generated: they show what no one thought of. Their machinery, on a small package."""

import ast
import copy
import importlib
import inspect
import signal
import sys
import textwrap
from contextlib import contextmanager

import numpy as np
import pytest
import toy
from contract_benches import BENCHES
from equivalent_mutants import EQUIVALENT

from minidl import atlas
from minidl.verify.mutants import assemble, mutate, reached
from minidl.verify.runner import Bench
from minidl.verify.search import draw
from minidl.verify.tolerance import quiet

PATIENCE = 60  # seconds for a mutant: all cases of a contract take at most half of it

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


FAMILY = {
    "__init__": """
        from family_of_mutation.halves import half
        from family_of_mutation.uses import doubled_half, half_of_half, half_later, half_by_path, TABLE
        """,
    "halves": """
        def half(x):
            return x / 2

        def idle(x):
            return x / 2
        """,
    "uses": """
        import family_of_mutation.halves
        import family_of_mutation.halves as plain
        from family_of_mutation import halves, other
        from .halves import half as the_half

        TABLE = {"half": the_half}

        def doubled_half(x):
            return 2 * plain.half(x)

        def half_of_half(x):
            return halves.half(the_half(x))

        def half_by_path(x):
            return other.unchanged(family_of_mutation.halves.half(x))

        def half_later(x):
            from family_of_mutation.halves import half
            return half(x)
        """,
    "other": """
        def unchanged(x):
            return x
        """,
}


@pytest.fixture
def family(tmp_path, monkeypatch):
    """A package that re-exports functions of its modules, and these modules."""
    folder = tmp_path / "family_of_mutation"
    folder.mkdir()
    for name, text in FAMILY.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text))
    monkeypatch.syspath_prepend(tmp_path)
    package = importlib.import_module("family_of_mutation")
    yield package, [importlib.import_module(f"family_of_mutation.{name}") for name in ("halves", "uses")]
    for name in ("", ".halves", ".uses", ".other"):
        del sys.modules[f"family_of_mutation{name}"]


def test_a_mutant_reaches_through_modules(family):
    package, sources = family
    mutants = dict(mutate(package, ["halves.half"], sources))
    doubled = mutants["halves.half: product and quotient exchanged: x / 2 -> x * 2"]
    for module, factor in ((package, 0.5), (doubled, 2.0)):
        assert module.half(3.0) == 3.0 * factor
        assert module.doubled_half(3.0) == 6.0 * factor
        assert module.half_of_half(3.0) == 3.0 * factor * factor
        assert module.half_by_path(3.0) == module.half_later(3.0) == module.TABLE["half"](3.0) == 3.0 * factor
    single = mutants["halves.half: float32 result: return x / 2 -> return _minidl_float32(x / 2)"]
    assert single.half_of_half(3.0).dtype == np.float32
    assert single._touched


def test_what_a_mutant_does_not_reach_stays_what_it_is(family):
    package, (halves, uses) = family
    mutants = dict(mutate(package, ["uses.half_later"], (halves, uses)))
    assert all(mutant.half is halves.half for mutant in mutants.values())
    assert all(mutant.half_of_half is not uses.half_of_half for mutant in mutants.values())
    assert uses.half_of_half(4.0) == 1.0
    with pytest.raises(ValueError, match="does not import toy, which cannot be its source"):
        next(mutate(package, None, (halves, uses, toy)))
    with pytest.raises(ValueError, match="has no function 'half'; it has halves"):
        next(mutate(package, ["half"], (halves, uses)))


def test_reached_functions_are_those_that_run(family):
    package, sources = family
    assert reached(package, sources, lambda: package.doubled_half(1.0)) == {"halves.half", "uses.doubled_half"}
    assert reached(package, sources, lambda: None) == set()


def running(bench, module, sources):
    """The contracts whose own function runs a function of these modules, on named cases or generated ones."""
    found = {}
    for contract in bench.contracts:
        drawn = contract.cases.generated
        more = draw(drawn, bench.examples, bench.seed) if drawn is not None else ()
        cases = [*contract.cases.named.values(), *more, *(example.inputs for example in contract.golden)]

        def run(contract=contract, cases=cases):
            with quiet():
                for case in cases:
                    contract.call(module, copy.deepcopy(case))

        for name in reached(module, sources, run):
            found.setdefault(name, []).append(contract)
    return found


class Late(Exception):
    """The time is up."""


@contextmanager
def limited(seconds):
    """A mutant may never end: after so long what runs raises an error, as good as any other. In the main thread."""

    def late(signum, frame):
        raise Late(f"it takes longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def broken(bench, contract, mutant):
    """Whether a law, a golden value or agreement notices the mutant, or it does not end."""
    try:
        with limited(PATIENCE):
            return bool(bench.broken_by(contract, mutant, first=True))
    except Late:  # where nothing caught it
        return True


def kill(bench, module, equivalent, functions=None, sources=(), elsewhere=()):
    """Judge every mutant of the module's functions, and of those beneath it that its contracts run.

    elsewhere: functions that other methods of the same module run. How many mutants there are, and which survive.
    """
    contracts = {contract.function: contract for contract in bench.contracts}
    through = running(bench, module, sources)
    total, survivors, argued = 0, [], set(equivalent)
    for name, mutant in mutate(module, functions, sources):
        argued.discard(name)
        function = name.split(":")[0]
        if function in contracts:
            concerned = [contracts[function]]
        elif function in through:
            concerned = through[function]
        elif "." in function or function in elsewhere:
            continue  # it serves others
        else:
            concerned = bench.contracts
        dead = any(broken(bench, contract, mutant) for contract in concerned)
        if dead and name in equivalent:
            pytest.fail(f"{name} dies, so it is not equivalent: {equivalent[name]}")
        untouched = "float32 result" in name and not mutant._touched
        if name in equivalent or (untouched and not dead):
            continue
        total += 1
        if not dead:
            survivors.append(name)
    assert not argued, f"no such mutants any more: {sorted(argued)}"
    return total, survivors


def test_the_toys_mutants_die(figures):
    bench = Bench.of(toy.CONTRACTS, reference=toy, examples=10)
    total, survivors = kill(bench, toy, {}, ["softplus", "normalise", "dropout"])
    figures.append(f"mutants of toy: {total - len(survivors)} of {total} killed")
    assert total > 25
    assert survivors == []


def test_a_mutant_that_never_ends_is_dead(monkeypatch):
    def endless(x):
        while True:
            x = x + 0

    monkeypatch.setattr(sys.modules[__name__], "PATIENCE", 0.2)
    bench = Bench.of(toy.CONTRACTS, reference=toy, examples=2)
    mutant = assemble(toy, ast.parse(inspect.getsource(toy)).body)
    (contract,) = (contract for contract in bench.contracts if contract.function == "softplus")
    assert not broken(bench, contract, mutant)
    mutant.softplus = endless
    assert broken(bench, contract, mutant)
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_a_module_put_together_unchanged_is_the_reference():
    again = assemble(toy, ast.parse(inspect.getsource(toy)).body)
    assert again.softplus is not toy.softplus
    bench = Bench.of(toy.CONTRACTS, reference=toy, examples=5)
    assert [bench.broken_by(contract, again) for contract in bench.contracts] == [[], [], []]


@pytest.mark.slow
@pytest.mark.parametrize("name", atlas.METHODS)
def test_mutants_of_the_reference_die(name, figures):
    bench = BENCHES[name]
    row, module = atlas.method(name), atlas.load_reference(name)
    sources = [importlib.import_module(source) for source in row.sources]
    sharing = [other for other in atlas.METHODS.values() if other.reference == row.reference and other.name != name]
    elsewhere = {function for other in sharing for function in running(BENCHES[other.name], module, ())}
    total, survivors = kill(bench, module, EQUIVALENT.get(name, {}), sources=sources, elsewhere=elsewhere)
    rate = 1 - len(survivors) / total
    figures.append(f"mutants of {name}: {total - len(survivors)} of {total} killed ({rate:.1%})")
    figures.extend(f"  survived: {survivor}" for survivor in survivors)
    assert rate >= 0.95, f"survivors: {survivors}"
