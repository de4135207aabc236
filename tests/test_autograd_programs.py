# ruff: noqa: E501 (a table with a line per error)
"""Programs as data: every op runs, JSON carries them, and a bad one is refused with its instruction named."""

import json

import numpy as np
import pytest

from minidl.autograd import programs
from minidl.autograd.check import check_gradients
from minidl.laws.autograd.cases import NAMED, NAMED_TWICE
from minidl.laws.autograd.oracle import OPS as ORACLE

SUM = ("sum", (2,), {"axis": None, "keepdims": False})


def test_the_cases_of_the_laws_and_their_oracle_have_every_op():
    used = {name for case in NAMED.values() for name, _, _ in case["program"]}
    assert set(programs.OPS) == used == set(ORACLE)


def test_the_docstring_names_every_op():
    assert set(programs.OPS) <= set(programs.__doc__.replace("|", " ").split())


@pytest.mark.parametrize("name", NAMED)
def test_programs_survive_json(name):
    case = NAMED[name]
    carried = json.loads(json.dumps(case["program"]))
    np.testing.assert_array_equal(
        programs.evaluate(carried, case["inputs"]), programs.evaluate(case["program"], case["inputs"])
    )
    for got, expected in zip(
        programs.vjp(carried, case["inputs"], case["cotangent"]), programs.vjp(**_only(case, "cotangent")), strict=True
    ):
        np.testing.assert_array_equal(got, expected)


def _only(case, last):
    return {key: case[key] for key in ("program", "inputs", last)}


def test_one_program_three_questions():
    """y = sum (a b)^2 for a = (1, 2), b = 3: a' = 2 a b^2, b' = 2 b sum a^2."""
    program = (("multiply", (0, 1), {}), ("multiply", (2, 2), {}), ("sum", (3,), {"axis": None, "keepdims": False}))
    a, b = np.array([1.0, 2.0]), np.array(3.0)
    assert programs.evaluate(program, (a, b)) == 45
    da, db = programs.vjp(program, (a, b), 1.0)
    np.testing.assert_array_equal(da, [18, 36])
    assert db == 30
    ha, hb = programs.hvp(program, (a, b), (np.array([1.0, 0.0]), np.array(1.0)))
    np.testing.assert_array_equal(ha, [2 * 9 + 12, 24])
    assert hb == 12 * 1 + 10
    check_gradients(lambda x, y: programs._run(program, (x, y)), a, b, order=2, method="complex")


def test_results_are_fresh_and_inputs_stay():
    a = np.arange(4.0)
    for program in ((("reshape", (0,), {"shape": (2, 2)}),), (("getitem", (0,), {"index": (("slice", 0, 2, 1),)}),)):
        y = programs.evaluate(program, (a,))
        y[...] = 9
        np.testing.assert_array_equal(a, np.arange(4.0))
    (g,) = programs.vjp((("negative", (0,), {}),), (a,), a)
    g[...] = 9
    np.testing.assert_array_equal(a, np.arange(4.0))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_dtypes_are_the_inputs(dtype):
    for name in ("two_layers", "conv2d", "softmax", "max_pool2d"):
        case = NAMED_TWICE[name]
        inputs, direction = ([np.asarray(x, dtype) for x in case[key]] for key in ("inputs", "direction"))
        assert programs.evaluate(case["program"], inputs).dtype == dtype
        assert {g.dtype for g in programs.vjp(case["program"], inputs, 1.0)} == {np.dtype(dtype)}
        assert {g.dtype for g in programs.hvp(case["program"], inputs, direction)} == {np.dtype(dtype)}


A = np.ones(2)


@pytest.mark.parametrize(
    ("act", "kind", "message"),
    [
        (lambda: programs.evaluate((), (A,)), ValueError, "at least one instruction"),
        (lambda: programs.evaluate((SUM,), ()), ValueError, "at least one input"),
        (lambda: programs.evaluate((("sine", (0,), {}),), (A,)), ValueError, r"instruction 0 \(sine\): unknown op; there are abs, "),
        (lambda: programs.evaluate((("sin", (1,), {}),), (A,)), ValueError, r"operands \(1,\), but only values 0 to 0 exist"),
        (lambda: programs.evaluate((("sin", (-1,), {}),), (A,)), ValueError, r"operands \(-1,\)"),
        (lambda: programs.evaluate((("sin", (), {}),), (A,)), ValueError, r"operands \(\)"),
        (lambda: programs.evaluate((("sin", (0,), {}),), (np.arange(2),)), TypeError, r"input 0.*got int64: use .astype\(float\)"),
        (lambda: programs.evaluate((("sum", (0,), {"axes": 0}),), (A,)), TypeError, "axes"),
        (lambda: programs.vjp((("sin", (0,), {}),), (A,), np.ones(3)), ValueError, r"seed has shape \(3,\), the tensor \(2,\)"),
        (lambda: programs.hvp((("sin", (0,), {}),), (A,), (A,)), ValueError, r"scalar output, got shape \(2,\)"),
        (lambda: programs.hvp((("sin", (0,), {}),), (A,), (np.ones(3),)), ValueError, r"inputs \[\(2,\)\], directions \[\(3,\)\]"),
        (lambda: programs.hvp((("sin", (0,), {}),), (A,), (A, A)), ValueError, "one direction per input"),
    ],
)  # fmt: skip
def test_bad_programs(act, kind, message):
    with pytest.raises(kind, match=message):
        act()
