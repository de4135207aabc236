"""`minidl check`: answers are judged, mistakes recognised, stubs told from wrong answers."""

import re
import sys
import textwrap
from types import SimpleNamespace

import numpy as np
import pytest
from toy_lesson import TOY, shelve

from minidl import exercises, lessons_index
from minidl.errors import UserError
from minidl.exercises import Exercise, calls

EPS = np.finfo(float).eps


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    folder = shelve(tmp_path / "shelf")
    monkeypatch.setattr(lessons_index, "lessons_folder", lambda: folder)
    return folder


def judge_double(answer):
    got = answer(3.0)
    assert got + 0 == 6.0, f"twice 3.0 is 6.0, the answer gave {got}"
    assert answer(-1.0) == -2.0, "negative numbers count too"


DOUBLE = Exercise(
    name="exercise_1",
    statement="Twice x.",
    judge=judge_double,
    wrong={
        "square": (lambda x: x * x, "doubling adds x to itself, squaring multiplies"),
        "absolute": (lambda x: 2 * abs(x), "the sign of x belongs to the answer"),
    },
    probe=calls((3.0,), (-1.0,), (np.arange(3.0),)),
)
CHECKS = "from minidl.exercises import Exercise, calls\nfrom toy_checks import DOUBLE\nEXERCISES = (DOUBLE,)\n"


@pytest.fixture
def answers(shelf, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "toy_checks", SimpleNamespace(DOUBLE=DOUBLE))
    (shelf / "checks").mkdir()
    (shelf / "checks" / "07_toy.py").write_text(CHECKS, encoding="utf-8")

    def check(text):
        path = tmp_path / "answers.py"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return exercises.check("toy", path)[0]

    return check


@pytest.mark.parametrize(
    ("text", "status", "resembles", "message"),
    [
        ("def exercise_1(x): return x + x", "passed", "", ""),
        ("def exercise_1(x): return x ** 2", "wrong", "square", "gave 9.0"),
        ("def exercise_1(x): return abs(2 * x)", "wrong", "absolute", "negative"),
        ("def exercise_1(x): return 7", "wrong", "", "gave 7"),
        ("def exercise_1(x):\n    x + x", "wrong", "", "is a `return` missing"),
        ("def exercise_1(x): return x + y", "wrong", "", r"NameError.*line 1 of answers.py.*cells do not run"),
        ("def exercise_1(x, y): return x", "wrong", "", "TypeError"),
        ("def exercise_1(x): ...", "not written", "", "Twice x."),
        (
            "def exercise_1(x):\n    'a docstring'\n    raise NotImplementedError('later')",
            "not written",
            "",
            "Twice x.",
        ),
        ("def todo(x): raise NotImplementedError\ndef exercise_1(x): return todo(x)", "not written", "", "Twice x."),
        ("def excercise_1(x): return x + x", "not written", "", "Did you mean 'excercise_1'"),
        ("x = 1", "not written", "", "Twice x."),
    ],
)
def test_answers_are_judged(answers, text, status, resembles, message):
    verdict = answers(text)
    assert (verdict.status, verdict.resembles) == (status, resembles)
    assert re.search(message, verdict.message)
    assert bool(verdict.hint) == bool(resembles)


def test_an_edited_lesson_is_judged_without_running_it(answers):
    solved = TOY.replace("    ...\n", "    return FACTOR * x\n") + "\nFACTOR = 2\nraise RuntimeError('a cell ran')\n"
    assert answers(solved).status == "passed"
    assert answers(TOY).status == "not written"


@pytest.mark.parametrize("text", ["def f(:\n", "import nowhere_to_be_found\n", "1 / 0\n", "import sys\nsys.exit(0)\n"])
def test_a_file_that_does_not_load_is_unusable(answers, text):
    with pytest.raises(UserError, match=r"answers\.py"):
        answers(text)


def test_a_missing_file_or_lesson_without_checks_is_unusable(answers, tmp_path):
    with pytest.raises(UserError, match="Name the Python file"):
        exercises.check("toy", tmp_path / "none.py")
    with pytest.raises(UserError, match="has no exercises"):
        exercises.check("walks", tmp_path / "none.py")


def test_survivors_names_a_planted_answer_that_passes_or_is_taken_for_another():
    assert exercises.survivors(DOUBLE) == []
    blind = Exercise("e", "s", lambda f: None, DOUBLE.wrong, DOUBLE.probe)
    assert exercises.survivors(blind) == [f"e: the judge accepts {name!r}" for name in DOUBLE.wrong]
    dull = Exercise("e", "s", DOUBLE.judge, DOUBLE.wrong, calls((0.0,)))
    assert exercises.survivors(dull) == ["e: 'absolute' is taken for 'square'"]
    with pytest.raises(ValueError, match="plants no wrong answer"):
        Exercise("e", "s", DOUBLE.judge, {}, DOUBLE.probe)


def test_the_report_counts_and_hints(answers, tmp_path, capsys):
    for text, code, said in (
        ("def exercise_1(x): return x + x", 0, "1 passed, 0 wrong, 0 not written"),
        ("def exercise_1(x): return x * x", 1, "hint (square): doubling adds x to itself"),
        ("pass", 1, "write a function such as `def exercise_1(...)`"),
    ):
        (tmp_path / "a.py").write_text(text, encoding="utf-8")
        assert exercises.main("07_toy", tmp_path / "a.py") == code
        assert said in capsys.readouterr().out


def test_probes_compare_structures_up_to_rounding():
    def alike(one, other):
        exercise = Exercise("e", "s", lambda f: None, {"planted": (lambda: other, "h")}, calls(()))
        return exercises.diagnose(exercise, lambda: one) == "planted"

    assert alike(np.array([1.0, np.nan]), np.array([1.0 + EPS, np.nan]))
    assert alike({"a": (1, "x")}, {"a": [1, "x"]})
    assert alike((i for i in range(3)), [0, 1, 2])
    assert not alike(np.zeros(2), np.zeros(3))
    assert not alike([1, 2], [1, 3])
    assert not alike({"a": 1}, {"b": 1})
    assert not alike(1e-12, -1e-12)
    assert not alike(None, 0.0)
