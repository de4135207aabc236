"""Every lesson runs in its quick setting and its claims hold; its exercises reject every planted wrong answer."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from minidl import exercises, lessons_index
from minidl.atlas import METHODS
from minidl.lesson_params import declaration_of

ROOT = Path(__file__).resolve().parent.parent
LESSONS = lessons_index.lesson_files(ROOT / "lessons")
CHECKS = {path.stem: path for path in sorted((ROOT / "lessons" / "checks").glob("[0-9]*.py"))}
SOLUTIONS = {path.stem: path for path in sorted((ROOT / "tests" / "solutions").glob("[0-9]*.py"))}


def test_the_lessons_are_those_of_the_atlas():
    # Without this, a folder that went missing would make the tests below run on nothing, and pass.
    assert list(LESSONS) == sorted({lesson for method in METHODS.values() for lesson in method.lessons})


def test_every_lesson_has_exercises_and_every_exercise_a_solution():
    assert list(CHECKS) == list(LESSONS)
    assert list(SOLUTIONS) == list(CHECKS)


@pytest.mark.parametrize("name", LESSONS)
def test_the_declaration_fits_the_file(name):
    declared = declaration_of(LESSONS[name])
    assert declared.name == name
    assert declared.title
    assert declared.question
    assert declared.seconds is not None
    assert declared.seconds <= 60
    assert "seed" in declared.params
    path_through = (ROOT / "lessons" / "README.md").read_text(encoding="utf-8")
    assert f"[{name}.py]({name}.py) | {declared.question} |" in path_through


@pytest.mark.parametrize("name", LESSONS)
def test_the_lesson_runs_quickly_and_its_claims_hold(name, tmp_path):
    words = [sys.executable, "-m", "minidl", "run", name, "--quick", "--out", str(tmp_path / "out")]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    record = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert record["status"] == "complete"
    assert record["lesson"] == name
    judged = [claim for claim in record["claims"] if claim["holds"] is not None]
    assert judged, "a quick run judges at least one claim"
    assert all(claim["holds"] for claim in judged)
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written == {"results.json", *record["files"]}
    assert any(file.endswith(".png") for file in written)
    assert [path.name for path in tmp_path.iterdir()] == ["out"], "a lesson writes into its output folder only"


@pytest.mark.parametrize("name", LESSONS)
def test_the_file_is_percent_cells(name):
    text = LESSONS[name].read_text(encoding="utf-8")
    assert text.startswith("# %% [markdown]\n")
    assert text.count("\n# %%\n") >= 3


@pytest.mark.parametrize("name", CHECKS)
def test_the_judges_reject_every_planted_answer_and_know_it_again(name):
    found = exercises.load_exercises(CHECKS[name])
    assert 3 <= len(found) <= 5
    assert [alive for exercise in found for alive in exercises.survivors(exercise)] == []


@pytest.mark.parametrize("name", CHECKS)
def test_the_solutions_pass(name):
    verdicts = exercises.check(name, SOLUTIONS[name])
    assert [verdict for verdict in verdicts if verdict.status != "passed"] == []


@pytest.mark.parametrize("name", CHECKS)
def test_the_lesson_itself_leaves_every_exercise_to_write(name):
    verdicts = exercises.check(name, LESSONS[name])
    assert [verdict.exercise for verdict in verdicts if verdict.status != "not written"] == []
    tree = ast.parse(LESSONS[name].read_text(encoding="utf-8"))
    stubs = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("exercise_")}
    assert stubs == {verdict.exercise for verdict in verdicts}
