"""What a user can name as a target: modules, files, programs of any language; contracts as tests of one's own."""

import dataclasses
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import toy

from minidl import atlas
from minidl.laws.core import NotProvided
from minidl.verify import CommandTarget, TargetError, load_target, reproduce, run
from minidl.verify.command import CommandBroken, CommandError, decode, encode, input_names
from minidl.verify.search import Stalled

TESTS = Path(__file__).parent


@pytest.fixture
def toy_in_atlas(monkeypatch):
    row = atlas.Method("toy", "A toy", "nobody, 'Nothing', 1900", "toy", "toy", "99_toy", ("toy",))
    monkeypatch.setitem(atlas.METHODS, "toy", row)


def command(*arguments):
    return " ".join([f'"{sys.executable}"', f'"{TESTS / "toy_tool.py"}"', *arguments])


def tool(command, **settings):
    return CommandTarget(command, input_names(toy.CONTRACTS, toy.REFERENCE), **settings)


# --- modules and files ---------------------------------------------------------------------------------------------------
def test_modules_attributes_classes_and_functions(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        textwrap.dedent("""
        import beside

        class Toy:
            def softplus(self, x):
                return beside.twice(x)

        class Needy:
            def __init__(self, n):
                self.n = n

        toys = Toy()
        toys.inner = Toy()
        def softplus(x):
            import later
            return later.twice(x)
        """)
    )
    for name in ("beside", "later"):
        (tmp_path / f"{name}.py").write_text("def twice(x): return 2 * x")
    assert load_target("toy") is toy
    assert load_target("toy:REFERENCE") is toy.REFERENCE
    for attribute in ("", ":Toy", ":toys", ":toys.inner", ":softplus"):
        assert load_target(f"{file}{attribute}").softplus(3) == 6
    assert not (tmp_path / "__pycache__" / "mine").exists()
    with pytest.raises(TargetError, match="cannot be made without arguments"):
        load_target(f"{file}:Needy")


def test_a_rewritten_file_is_read_anew(tmp_path):
    file = tmp_path / "mine.py"
    for value in ("1", "2"):
        file.write_text(f"value = {value}")
        os.utime(file, (0, 0))
        assert load_target(str(file)).value == int(value)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def f(:", "is not Python: invalid syntax in line 1"),
        ("x = 1\nx.y", r"cannot be loaded: AttributeError: .* \(line 2\)"),
        ("import no_such_module_at_all", "needs the module 'no_such_module_at_all', install it"),
        ("import sys\nsys.exit(0)", "calls sys.exit"),
        ("x = '\\x00'.encode() + b'\\xff'\nraise KeyError(x)", "KeyError"),
    ],
)
def test_files_that_cannot_be_loaded_say_why(tmp_path, source, says):
    file = tmp_path / "mine.py"
    file.write_text(source)
    with pytest.raises(TargetError, match=says):
        load_target(str(file))


def test_targets_that_are_not_there_say_what_is(tmp_path):
    (tmp_path / "mine.py").write_text("softplus = abs")
    (tmp_path / "binary.py").write_bytes(b"\x00\xff")
    for target, says in [
        ("", "no target"),
        (f"{tmp_path}/yours.py", "there are binary.py, mine.py"),
        (f"{tmp_path}/nowhere/yours.py", "there is no file"),
        (f"{tmp_path}/", "is a directory"),
        (f"{tmp_path}/binary.py", "is not Python"),
        (f"{tmp_path}/mine.py:softmax", "no attribute 'softmax'; it has softplus"),
        ("no_such_module", "did you mean the file no_such_module.py"),
        ("toy.no_such_part", "there is no module 'toy.no_such_part'"),
        ("toy:nothing", "no attribute 'nothing'"),
    ]:
        with pytest.raises(TargetError, match=says):
            load_target(target)


# --- programs ------------------------------------------------------------------------------------------------------------
def test_a_program_is_judged_like_a_module(toy_in_atlas):
    report = run("toy", f"--cmd {command()}", examples=5, planted=False)
    assert report.exit_code == 0
    assert report.row("softplus/reflection").checks == 6
    assert report.row("dropout/refuses_certain_loss").status == "holds"
    assert report.row("normalise/agreement:y").status == "not provided"
    assert "unsupported" in report.row("normalise/agreement:y").reason


def test_a_wrong_program_is_told_with_a_line_that_reproduces_it(toy_in_atlas):
    report = run("toy", f"--cmd {command('wrong')}", examples=5, planted=False, functions=["softplus"])
    broken = report.row("softplus/agreement:s").breakage
    assert broken.case["x"].shape == (1,)
    with pytest.raises(AssertionError, match="against the reference"):
        exec(broken.reproduce, {})


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("dying", "ended with exit code 3 instead of answering softplus; on stderr it said: out of memory"),
        ("garbage", "the answer to softplus is 'nan, nan', which is no JSON object"),
        ("slow", "no answer to softplus within 1 s"),
        ("twice", "before it was asked for softplus the program wrote"),
    ],
)
def test_a_program_that_fails_after_answers_is_broken_and_starts_again(fault, says):
    x = np.array([1.0, -1.0])
    with tool(command(fault), seconds=1.0 if fault == "slow" else 60.0) as target:
        for _ in range(3 if fault != "twice" else 1):
            np.testing.assert_allclose(target.softplus(x)["s"], toy.softplus(x), rtol=1e-15)
        if fault == "twice":
            target._lines.put(target._lines.get(timeout=60))  # wait for the second line
        with pytest.raises((CommandBroken, Stalled), match=says):
            target.softplus(x)
        np.testing.assert_allclose(target.softplus(x)["s"], toy.softplus(x), rtol=1e-15)


def test_a_stalling_program_ends_the_search_at_once():
    contract = dataclasses.replace(toy.CONTRACTS[0], laws=toy.CONTRACTS[0].laws[:1], golden=())
    with tool(command("slow"), seconds=0.5) as target:
        report = run(contract, target, reference=toy.REFERENCE, examples=50, planted=False)
    assert [row.item.name for row in report.broken] == ["call:pure", "agreement:s"]
    assert all("no answer to softplus" in row.breakage.got for row in report.broken)
    assert all(row.cases <= 4 for row in report.broken)
    left_out = report.row("softplus/reflection")
    assert (left_out.status, left_out.reason) == ("not judged", "softplus ran into the time limit 2 times")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (None, "cannot be started: No such file"),
        ("", "the command is empty"),
        ('"', "cannot be read"),
        ("chatty", "'loading weights', which is no JSON object .* It never gave an answer"),
        ("deaf", "no answer to softplus within 0.5 s.*It never gave an answer"),
        ("-c", "ended with exit code"),
    ],
)
def test_a_program_that_never_answers_is_unusable(arguments, says):
    text = {None: "./no_such_tool", "": " ", '"': '"', "-c": f'"{sys.executable}" -c "exit(4)"'}.get(arguments)
    with (
        pytest.raises(TargetError, match=says),
        tool(
            command(arguments) if text is None else text, seconds=0.5, starting=0 if arguments == "deaf" else 60
        ) as target,
    ):
        target.softplus(np.ones(2))


def test_large_inputs_do_not_stall_a_program_that_does_not_read():
    with pytest.raises(TargetError, match=r"within 0.5 s"), tool(command("deaf"), seconds=0.5, starting=0) as target:
        target.softplus(np.ones(1_000_000))


def test_errors_and_refusals_of_a_program():
    with tool(command()) as target:
        with pytest.raises(CommandError, match="p must lie in"):
            target.dropout(np.ones(1), np.ones(1), 1.0)
        with pytest.raises(NotProvided, match="unsupported"):
            target.normalise(np.ones((2, 1)), 1.0)
        with pytest.raises(AttributeError):
            target.softmax(np.ones(1))
        with pytest.raises(TypeError, match="takes 1 inputs"):
            target.softplus(np.ones(1), 2)


@pytest.mark.parametrize(
    "value",
    [
        np.array([[0.1, np.nan], [np.inf, -np.inf]]),
        np.array([0.1, 1e-45], dtype=np.float32),
        np.array([1 + 2j, complex(np.inf, -0.5)]),
        np.array([2**62 + 1, -5]),
        np.array([True, False]),
        np.zeros((0, 2)),
        np.array(0.1),
    ],
    ids=repr,
)
def test_arrays_travel_exactly(value):
    again = decode(json.loads(json.dumps(encode(value), allow_nan=False)))
    assert (again.dtype, again.shape) == (value.dtype, value.shape)
    np.testing.assert_array_equal(again, value)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([1.0], "dtype, shape and data"),
        ({"dtype": "float64", "data": [1]}, "dtype, shape and data"),
        ({"dtype": "object", "shape": [1], "data": [1]}, "unknown dtype"),
        ({"dtype": "float64", "shape": 1, "data": [1]}, "list of integers"),
        ({"dtype": "float64", "shape": [2], "data": [1]}, "needs 2 entries in data, got 1"),
        ({"dtype": "float64", "shape": [1], "data": ["one"]}, "cannot be read"),
        ({"dtype": "int64", "shape": [1], "data": [1.5]}, "written as such"),
        ({"dtype": "uint8", "shape": [1], "data": [256]}, "cannot be read"),
    ],
)
def test_malformed_outputs_say_what_they_should_be(value, says):
    with pytest.raises(CommandBroken, match=says):
        decode(value)


# --- pytest --------------------------------------------------------------------------------------------------------------
def test_contracts_become_tests_of_ones_own(tmp_path):
    (tmp_path / "test_mine.py").write_text(
        textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(TESTS)!r})
        from types import SimpleNamespace
        import toy
        from minidl.verify.pytest_support import contract_tests

        mine = SimpleNamespace(softplus=lambda x: toy.softplus(x) / 2, dropout=toy.dropout)
        known = {{"softplus/golden:1": "halved", "dropout/unbiased": "it is not"}}
        test_mine = contract_tests(toy.CONTRACTS, mine, reference=toy.REFERENCE, examples=5, known=known)
        test_reference = contract_tests(toy.CONTRACTS, "toy", reference=toy.REFERENCE, examples=5)
        test_missing = contract_tests(toy.CONTRACTS[0], "no_such_module", reference=toy.REFERENCE, examples=5)
        """)
    )
    options = ["-q", "-rA", "--tb=short", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run([sys.executable, "-m", "pytest", *options], capture_output=True, text=True, cwd=tmp_path)
    out = done.stdout
    assert done.returncode == 1
    assert "PASSED test_mine.py::test_mine[dropout/agreement:y]" in out
    assert "FAILED test_mine.py::test_mine[softplus/agreement:s]" in out
    assert "FAILED test_mine.py::test_mine[softplus/reflection]" in out
    assert "XFAIL test_mine.py::test_mine[softplus/golden:1] - halved" in out
    assert "unexpected pass of dropout/unbiased" in out
    assert "not provided: it has no normalise" in out
    assert "Softplus minus its mirror image is the identity." in out
    assert "PASSED test_mine.py::test_reference[normalise/agreement:order]" in out
    assert "no_such_module" in out
    assert "8 failed, 22 passed, 6 skipped, 1 xfailed" in out


def test_a_namespace_of_any_kind_is_a_target():
    class Methods:
        softplus = staticmethod(toy.softplus)

    for impl in (Methods, Methods(), SimpleNamespace(softplus=toy.softplus), toy):
        assert run(toy.CONTRACTS[0], impl, reference=toy.REFERENCE, examples=5, planted=False).exit_code == 0


def test_reproduce_closes_its_program(toy_in_atlas):
    reproduce("toy", "positive", f"--cmd {command()}", "borders")


def test_a_program_cannot_be_handed_functions():
    target = CommandTarget("never-started", {"forward": ("x", "branches")})
    with pytest.raises(NotProvided, match="JSON cannot carry"):
        target.forward(1.0, [lambda x: x])
