"""The machinery inside a lesson: declaration, parameters, claims, figures, players, results."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.animation import FuncAnimation
from toy_lesson import TOY, results

from minidl import files
from minidl.errors import UserError, near
from minidl.lesson import ClaimFailed, Lesson
from minidl.lesson_claims import judge, show
from minidl.lesson_params import Declaration, declaration_of, parse, parse_value

EPS = np.finfo(float).eps


@pytest.fixture
def toy(tmp_path):
    path = tmp_path / "07_toy.py"
    path.write_text(TOY, encoding="utf-8")
    return path


# -- declaration and parameters --------------------------------------------------------------------------------------


def test_the_declaration_is_read_without_running_the_lesson(toy):
    toy.write_text(TOY.replace("import os\n", "raise RuntimeError('it ran')\n"), encoding="utf-8")
    declared = declaration_of(toy)
    assert declared.name == "07_toy"
    assert declared.question == "Is two more than one?"
    assert declared.params["sizes"] == (1, 2)
    assert declared.quick == {"steps": 10}
    assert declared.duration == "~2 s"
    assert "--data {blobs,mnist}" in "\n".join(declared.parameter_lines())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "it has no `lesson = Lesson"),
        ("lesson = Lesson('a', params=make())\n", "must be written with literals"),
        ("lesson = Lesson('a', **more)\n", "must be written with literals"),
        ("lesson = Lesson('a', colour='red')\n", "colour"),
        ("lesson = Lesson('a', params=dict(seeds=1))\n", "cannot name a parameter"),
        ("lesson = (\n", ":1: "),
    ],
)
def test_a_file_that_declares_no_lesson_is_refused(tmp_path, text, message):
    path = tmp_path / "x.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        declaration_of(path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"params": {"out": 1}},
        {"params": {"no_way": True}},
        {"params": {"x": None}},
        {"params": {"x": ()}},
        {"params": {"x": (1, "a")}},
        {"params": {"x": 1}, "quick": {"y": 1}},
        {"params": {"x": 1}, "quick": {"x": 1.0}},
        {"params": {"x": 1}, "help": {"y": "?"}},
        {"params": {"x": 1}, "choices": {"x": (2, 3)}},
        {"params": {"x": 2}, "quick": {"x": 1}, "choices": {"x": (2, 3)}},
        {"threads": 0},
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(wrong):
    with pytest.raises(ValueError, match="lesson 'x'"):
        Declaration("x", **wrong)


DECLARED = Declaration(
    "x", params={"steps": 1, "rate": 0.5, "long": False, "data": "a", "sizes": (1, 2)}, choices={"data": ("a", "b")}
)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--steps 3", {"steps": 3}),
        ("--steps=-3", {"steps": -3}),
        ("--steps -3", {"steps": -3}),
        ("--steps 1e4", {"steps": 10000}),
        ("--steps 9007199254740993", {"steps": 2**53 + 1}),
        ("--rate 2", {"rate": 2.0}),
        ("--long", {"long": True}),
        ("--no-long", {"long": False}),
        ("--long=no --data b", {"long": False, "data": "b"}),
        ("--sizes 3,4,5", {"sizes": (3, 4, 5)}),
        ("--sizes 7", {"sizes": (7,)}),
    ],
)
def test_values_take_the_type_of_the_default(words, expected):
    _, given = parse(DECLARED, {}, words.split())
    assert given == expected
    assert {name: type(value) for name, value in given.items()} == {k: type(v) for k, v in expected.items()}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--stepz 3", "--stepz is no parameter .* Did you mean '--steps'"),
        ("3", "'3' has no name"),
        ("--", "has no name"),
        ("--steps", "--steps needs a value"),
        ("--steps 1.5", "must be an integer, such as 1; got '1.5'"),
        ("--steps many", "must be an integer"),
        ("--steps inf", "must be an integer"),
        ("--rate nan", "must be a number"),
        ("--long=perhaps", "is a switch"),
        ("--data c", "must be one of a, b; got 'c'"),
        ("--sizes ,", "separated by commas"),
        ("--sizes 1,x", "must be an integer"),
    ],
)
def test_a_parameter_that_does_not_fit_is_refused(words, message):
    with pytest.raises(UserError, match=message):
        parse(DECLARED, {}, words.split())


def test_an_unknown_parameter_lists_what_there_is():
    with pytest.raises(UserError) as refused:
        parse(DECLARED, {}, ["--zzz", "1"])
    for name in DECLARED.params:
        assert f"--{name}" in str(refused.value)


def test_near_names_only_what_is_near():
    assert near("lesons", ["lessons", "run"]) == " Did you mean 'lessons'?"
    assert near("zzz", ["lessons", "run"]) == ""


def test_infinity_is_a_number():
    assert parse_value("x", "inf", 1.0) == np.inf


# -- claims ------------------------------------------------------------------------------------------------------------

ten = np.arange(10.0)


@pytest.mark.parametrize(
    ("claim", "holds", "margin"),
    [
        ({"predicted": 1.0, "measured": 1.5, "tolerance": 0.5}, True, 0.0),
        ({"predicted": 1.0, "measured": 1.5, "tolerance": 0.25}, False, -0.25),
        ({"predicted": 3, "measured": 3}, True, 0),
        ({"predicted": 3, "measured": np.int64(4)}, False, -1),
        ({"predicted": 2**53, "measured": 2**53 + 1}, False, -1),
        ({"predicted": np.uint8(3), "measured": np.uint8(4), "relation": ">="}, True, 1),
        ({"predicted": 1.0, "measured": np.nan, "tolerance": 9}, False, np.nan),
        ({"predicted": np.inf, "measured": np.inf}, True, 0),
        ({"predicted": 1, "measured": 1, "relation": "<"}, False, 0),
        ({"predicted": 1, "measured": 1, "relation": "<="}, True, 0),
        ({"predicted": 1, "measured": 1.5, "relation": "<", "tolerance": 1}, True, 0.5),
        ({"predicted": 1, "measured": 0.5, "relation": ">"}, False, -0.5),
        ({"predicted": 1, "measured": np.nan, "relation": ">"}, False, np.nan),
        ({"predicted": 1, "measured": 0.5, "relation": ">=", "tolerance": 0.5}, True, 0),
        ({"predicted": (1, 4), "measured": 2, "relation": "between"}, True, 1),
        ({"predicted": (1, 4), "measured": 5, "relation": "between"}, False, -1),
        ({"predicted": (1, 4), "measured": 0, "relation": "between"}, False, -1),
        ({"predicted": ten, "measured": ten}, True, 0),
        ({"predicted": ten, "measured": ten + 2 * (ten == 4), "tolerance": 1.0}, False, -1),
        ({"predicted": 9.5, "measured": ten, "relation": "<"}, True, 0.5),
        ({"predicted": ten, "measured": np.where(ten == 3, np.nan, ten), "tolerance": 1}, False, np.nan),
        ({"predicted": "a", "measured": "b", "holds": np.True_}, True, None),
        ({"predicted": "a", "measured": "b", "holds": False}, False, None),
        ({"predicted": 1, "measured": 5, "judged": False}, None, -4),
    ],
)
def test_claims_are_judged_with_their_margin(claim, holds, margin):
    made = judge("c", **claim)
    assert made.holds is holds
    assert made.margin is margin if margin is None else made.margin == pytest.approx(margin, rel=4 * EPS, nan_ok=True)


@pytest.mark.parametrize(
    ("claim", "error"),
    [
        ({"predicted": 1, "measured": 1, "relation": "~"}, ValueError),
        ({"predicted": 1, "measured": 1, "tolerance": -1}, ValueError),
        ({"predicted": 1, "measured": 1, "tolerance": np.inf}, ValueError),
        ({"predicted": 1, "measured": 1, "tolerance": np.nan}, ValueError),
        ({"predicted": "many", "measured": 1}, TypeError),
        ({"predicted": np.zeros(2), "measured": np.zeros(3)}, ValueError),
        ({"predicted": np.zeros(2), "measured": np.zeros(())}, ValueError),
        ({"predicted": 0, "measured": np.zeros(0)}, ValueError),
        ({"predicted": 1, "measured": 1, "mean": 1.0}, ValueError),
        ({"predicted": 1, "measured": ten, "relation": "<", "mean": 1.0}, ValueError),
        ({"predicted": 1, "measured": ten, "holds": ten > 1}, ValueError),
    ],
)
def test_a_claim_that_cannot_be_judged_is_an_error(claim, error):
    with pytest.raises(error):
        judge("c", **claim)


def test_a_claim_reads_as_a_line():
    claim = judge("depth pays", predicted=0.5, measured=0.75, relation=">=", tolerance=0.125)
    assert str(claim) == "depth pays: predicted >= 0.5, measured 0.75, tolerance 0.125; holds: yes, by 0.375"
    assert "worst entry off by 2" in str(judge("all", predicted=ten, measured=ten + 2 * (ten == 1)))
    assert judge("in", predicted=(1, 2), measured=3, relation="between").cells()[1:] == ("1 to 2", "3", "", "NO, by 1")


@pytest.mark.parametrize(
    ("value", "text"),
    [(1 / 3, "0.3333"), (np.float32(2), "2"), (True, "True"), ((1, 0.5), "1, 0.5"), (np.zeros((3, 4)), "array (3, 4)")],
)
def test_values_are_shown_short(value, text):
    assert show(value) == text


# -- one run, in a notebook or console ---------------------------------------------------------------------------------


@pytest.fixture
def lesson(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Lesson("08_inside", title="t", params={"seed": 5, "steps": 3}, quick={"steps": 1})


def test_in_a_console_the_defaults_apply_and_the_command_line_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["pytest", "--steps", "99", "--nonsense"])
    monkeypatch.chdir(tmp_path)
    hook = sys.excepthook
    lesson = Lesson("08_inside", params={"steps": 3})
    assert lesson.params.steps == 3
    assert lesson.out == Path("out/08_inside")
    assert sys.excepthook is hook
    assert not Path("out").exists()


def test_finish_prints_the_table_and_writes_the_results(lesson, capsys):
    lesson.claim("one", predicted=1.0, measured=1.0 + EPS, tolerance=2 * EPS, because="two roundings")
    lesson.result("errors", {"a": np.arange(2), "b": np.float32(0.5), "c": float("nan"), 3: {1}})
    lesson.finish()
    printed = capsys.readouterr().out
    assert "claim" in printed
    assert "tolerance of 'one': two roundings" in printed
    record = results(lesson.out)
    assert record["status"] == "complete"
    assert record["interrupted"] is False
    assert record["seed"] == 5
    assert record["parameters"] == {"seed": 5, "steps": 3}
    assert record["results"] == {"errors": {"a": [0, 1], "b": 0.5, "c": "nan", "3": [1]}}
    assert record["claims"][0]["measured"] == 1.0 + EPS
    assert record["versions"]["numpy"] == np.__version__
    assert record["elapsed_seconds"] >= 0


def test_finish_names_the_claims_that_do_not_hold(lesson, capsys):
    lesson.claim("right", predicted=1, measured=1)
    lesson.claim("wrong", predicted=1, measured=2)
    with pytest.raises(ClaimFailed, match=r"1 of 2 claims do not hold: wrong$"):
        lesson.finish()
    assert results(lesson.out)["status"] == "failed"
    assert "NO" in capsys.readouterr().out


def test_a_cell_that_runs_again_replaces_its_claim(lesson):
    lesson.claim("again", predicted=1, measured=2)
    lesson.claim("again", predicted=1, measured=1)
    assert [claim.holds for claim in lesson.claims] == [True]


def test_figures_are_saved_closed_and_equal_bytes(lesson):
    contents = []
    for _ in range(2):
        figure, axes = plt.subplots()
        axes.plot([1, 2])
        contents.append(lesson.figure(axes, "line").read_bytes())
        assert not plt.fignum_exists(figure.number)
    assert contents[0][:8] == b"\x89PNG\r\n\x1a\n"
    assert contents[0] == contents[1]
    assert [path.name for path in lesson.out.iterdir()] == ["line.png"]


def test_a_notebook_shows_a_figure_once_and_closes_it(lesson, monkeypatch):
    shown = []
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=object))
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=shown.append))
    figure = plt.figure()
    assert lesson.figure(figure, "empty").is_file()
    assert shown == [figure]
    assert not plt.fignum_exists(figure.number)


@pytest.mark.parametrize("name", ["a/b", "../a", "", ".hidden"])
def test_a_figure_stays_in_its_folder(lesson, name):
    with pytest.raises(ValueError, match="plain file name"):
        lesson.figure(plt.figure(), name)
    plt.close("all")


def test_a_player_is_one_page_that_needs_no_network(lesson):
    def page():
        figure, axes = plt.subplots(figsize=(1, 1))
        (line,) = axes.plot([0, 1], [0, 0])
        animation = FuncAnimation(figure, lambda i: line.set_ydata([i, i]), frames=3)
        text = lesson.player(animation, "moves").read_text(encoding="utf-8")
        assert not plt.fignum_exists(figure.number)
        return text

    text = page()
    assert text == page()
    assert text.startswith("<!doctype html>")
    assert text.count("data:image/png;base64") == 3
    assert "<link" not in text
    assert "http" not in text
    assert "fa-" not in text
    assert "&#9654;" in text


def test_progress_is_silent_without_a_terminal(lesson, capsys):
    assert list(lesson.progress(range(4), "counting")) == [0, 1, 2, 3]
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


# -- files -------------------------------------------------------------------------------------------------------------


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = files.write_text(tmp_path / "new" / "a.txt", "old\n")

    def write_half():
        with files.replacing(path) as beside:
            beside.write_text("half")
            assert beside.suffix == ".txt"
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        write_half()
    assert path.read_bytes() == b"old\n"
    assert [entry.name for entry in path.parent.iterdir()] == ["a.txt"]


def test_json_floats_read_back_exactly(tmp_path):
    values = [0.1, np.nextafter(1, 2), 5e-324, -0.0]
    path = files.write_json(tmp_path / "a.json", {"x": np.array(values), "path": tmp_path, "type": float})
    record = json.loads(path.read_text(encoding="utf-8"))
    assert [value.hex() for value in record["x"]] == [float(value).hex() for value in values]
    assert record["path"] == str(tmp_path)
