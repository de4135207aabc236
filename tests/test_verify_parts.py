"""The parts of the runner: purity of calls, the calibrated tolerance, the search for a smallest case, cases as Python."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import toy

from minidl.laws.core import Broken, Cases, Contract, agree, namespace
from minidl.verify import run
from minidl.verify.cases import Guard, literal, weight
from minidl.verify.search import draw, search
from minidl.verify.tolerance import JITTERS, ROUNDINGS, Reference

SOFTPLUS, NORMALISE, _ = toy.CONTRACTS


def judge(contract, impl, **settings):
    return run(contract, impl, reference=toy.REFERENCE, examples=20, planted=False, **settings)


def replaced(**functions):
    return namespace(toy.REFERENCE, **functions)


# --- purity --------------------------------------------------------------------------------------------------------------
def mutating(x):
    result = toy.softplus(x)
    x[...] = 0
    return result


def locking(x):
    result = toy.softplus(x)
    x += 1
    x.flags.writeable = False
    return result


def aliasing(x, scale):
    y, mean, order = toy.normalise(x, scale)
    return y, x[0] if (x[0] == mean).all() else mean, order


BUFFER = np.zeros(64)


def buffered(x):
    BUFFER[: x.size] = toy.softplus(x)
    return BUFFER[: x.size]


CALLS = []


def drifting(x):
    CALLS.append(1)
    return toy.softplus(x) * (1 + 1e-9 * len(CALLS))


@pytest.mark.parametrize(
    ("contract", "function", "says"),
    [
        (SOFTPLUS, mutating, "softplus mutates its input x"),
        (SOFTPLUS, locking, "softplus mutates its input x"),
        (NORMALISE, aliasing, "mean shares memory with the input x"),
        (SOFTPLUS, buffered, "s lies in memory that the next call overwrites"),
        (SOFTPLUS, drifting, "s of a second call on the same inputs"),
    ],
)
def test_impure_functions_are_told(contract, function, says):
    before = {name: literal(case) for name, case in contract.cases.named.items()}
    report = judge(contract, replaced(**{contract.function: function}))
    assert says in report.row(f"{contract.function}/call:pure").breakage.why
    assert before == {name: literal(case) for name, case in contract.cases.named.items()}


def test_what_the_reference_aliases_others_may_alias():
    contract = Contract("f", ("x",), ("y",), Cases(named={"one": {"x": np.ones(2)}}), "The identity.")
    view = SimpleNamespace(f=lambda x: x)
    assert run(contract, view, reference=view).exit_code == 0
    assert run(contract, view, reference=SimpleNamespace(f=np.copy)).exit_code == 1


# --- tolerance -----------------------------------------------------------------------------------------------------------
def test_another_order_of_summation_agrees_and_a_cancelling_formula_does_not():
    def by_hand(x, scale):
        mean = sum(x[i] for i in reversed(range(len(x)))) / len(x)
        return scale * ((x - mean) / np.sqrt(np.square(x - mean).mean(axis=0) + toy.EPS)), mean, np.argsort(mean)

    def one_pass(x, scale):
        mean = x.mean(axis=0)
        return scale * (x - mean) / np.sqrt((x**2).mean(axis=0) - mean**2 + toy.EPS), mean, np.argsort(mean)

    assert judge(NORMALISE, replaced(normalise=by_hand)).exit_code == 0
    broken = judge(NORMALISE, replaced(normalise=one_pass)).row("normalise/agreement:y").breakage
    assert broken.case_name == "far_from_zero"
    assert broken.note == "the one-pass variance, which cancels"


def test_the_tolerance_is_the_references_own_spread():
    def difference(x):
        return x[0] - x[1]

    contract = Contract("f", ("x",), ("y",), Cases(named={"one": {"x": np.ones(2)}}), "A difference.")
    reference = Reference(contract, SimpleNamespace(f=difference))
    near, far = reference({"x": np.array([1.0, 1.0 + 1e-9])}), reference({"x": np.array([1.0, 3.0])})
    eps = np.finfo(float).eps
    assert 0.5 * eps < near.tolerance["y"] < 8 * 3 * eps  # the inputs' ulp, though the result is 1e-9
    assert near.looseness("y") > 1e-7 > 1e-14 > far.looseness("y")
    assert reference({"x": np.array([0.0, 0.0])}).tolerance["y"] == 0  # zeros are structure


def test_exact_inputs_take_no_jitter():
    seen = []

    def rounding(x, spins):
        seen.append(spins.tolist())
        return x * np.sign(spins - 1)

    case = {"x": np.array([2.0]), "spins": np.array([1.0])}
    contract = Contract("f", ("x", "spins"), ("y",), Cases(named={"one": case}), "A jump.", exact=("spins",))
    assert Reference(contract, SimpleNamespace(f=rounding))(case).tolerance["y"] == 0
    assert seen == [[1.0]] * (2 + JITTERS + 2 * ROUNDINGS)


def test_a_jitter_that_leaves_the_domain_says_nothing():
    def root(x):
        if (x > 1).any():
            raise ValueError("above 1")
        return np.sqrt(1 - x)

    contract = Contract("f", ("x",), ("y",), Cases(named={"one": {"x": np.ones(1)}}), "A root.")
    assert np.isfinite(Reference(contract, SimpleNamespace(f=root))({"x": np.ones(1)}).tolerance["y"]).all()


def test_single_precision_in_double_precision_out_is_told_unless_claimed():
    case = {"x": np.array([0.5, -1.0], dtype=np.float32)}
    contract = Contract("softplus", ("x",), ("s",), Cases(named={"single": case}), "Softplus.")
    double = SimpleNamespace(softplus=lambda x: toy.softplus(x).astype(float))
    assert "dtype float64 instead of float32" in judge(contract, double).text()
    with pytest.raises(Broken):  # and the values must still agree in single precision
        agree(toy.softplus(case["x"].astype(float)) + 1e-5, toy.softplus(case["x"]), why="claimed", ulps=8)
    row = judge(contract, double, claims={"dtype": "any"}).row("softplus/agreement:s")
    assert (row.status, row.checks) == ("holds", 1)


# --- search --------------------------------------------------------------------------------------------------------------
def test_what_is_drawn_depends_on_the_seed_alone():
    def drawn(seed):
        draw.cache_clear()
        return [literal(case) for case in draw(toy.vectors, 20, seed)]

    assert drawn(0) == drawn(0) != drawn(1)
    assert len(drawn(0)) == 20


def test_the_cases_do_not_depend_on_what_else_is_loaded(tmp_path):
    (tmp_path / "full_of_constants.py").write_text(f"VALUES = {[0.5 + n / 8 for n in range(300)]}")
    script = """if True:
        import sys
        if sys.argv[1] == "with": import full_of_constants
        import toy
        from minidl.verify.cases import literal
        from minidl.verify.search import draw
        print([literal(case) for case in draw(toy.vectors, 200, 0)])
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(__file__).parent)])}
    one, other = (
        subprocess.run(
            [sys.executable, "-c", script, word],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
            check=True,
        ).stdout
        for word in ("with", "without")
    )
    assert one == other
    assert one.count("dict(x=") == 200
    assert not (tmp_path / ".hypothesis").exists()


def test_a_flaky_check_is_a_failure():
    calls = []

    def sometimes(case):
        calls.append(1)
        if len(calls) % 7 == 0:
            raise Broken("on a whim")

    assert search(sometimes, Cases(generated=toy.vectors), examples=30, seed=0).failure.error.why == "on a whim"


def test_shrinking_ends_on_its_budget():
    calls = []

    def failing(case):
        calls.append(1)
        if case["x"].size > 1:
            raise Broken(f"{np.random.default_rng(len(calls)).random()}")

    outcome = search(failing, Cases(generated=toy.vectors), examples=50, seed=0)
    assert outcome.failure.case["x"].tolist() == [0.0, 0.0]
    assert len(calls) < 500


def test_a_guard_restores_and_keeps_the_memory_layout():
    base = np.arange(12.0).reshape(3, 4)
    case = {"x": base[:, ::2], "pair": (base.T, 1.0)}
    with Guard(case) as guard:
        case["x"][0, 0] = -1
        assert guard.check() == ["x", "pair"]
    assert guard.mutated == ["x", "pair"]
    np.testing.assert_array_equal(base, np.arange(12.0).reshape(3, 4))
    assert not case["x"].flags.c_contiguous
    assert weight(case) == 6 + 12 + 1


# --- cases as Python -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "value",
    [
        np.array([[0.1, -0.0], [np.nan, -np.inf]]),
        np.array([1e-310, np.nextafter(1, 2)]),
        np.array([0.1], dtype=np.float32),
        np.array([1 + 2j, complex(np.nan, -0.0)]),
        np.array([True, False]),
        np.array([3, -1], dtype=np.int8),
        np.array(2.5),
        np.zeros((0, 3), dtype=np.float32),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(12.0).reshape(3, 4)[:, ::2],
        np.arange(12.0).reshape(3, 4)[::-1, 1:3],
        np.float32(0.1),
        np.int64(7),
        np.inf,
        {"lambda": 1.5, "text": "it's", "nested": (1, (), [None, True])},
    ],
    ids=repr,
)
def test_a_literal_rebuilds_the_value_exactly(value):
    again = eval(literal(value), {"np": np})
    assert type(again) is type(value)
    if isinstance(value, np.ndarray | np.generic):
        assert again.dtype == value.dtype
        assert again.tobytes() == value.tobytes()
        assert again.shape == value.shape
    else:
        assert again == value
    if isinstance(value, np.ndarray) and value.ndim:
        for flag in ("C_CONTIGUOUS", "F_CONTIGUOUS"):
            assert again.flags[flag] == value.flags[flag]
