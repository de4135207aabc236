"""Lessons from outside: as a script, through the runner, over seeds; finding and copying them."""

import json
import re
import signal

import pytest
from toy_lesson import TOY, results, run, shelve, start

from minidl import lesson_run, lessons_index
from minidl.errors import UserError


@pytest.fixture
def toy(tmp_path):
    path = tmp_path / "07_toy.py"
    path.write_text(TOY, encoding="utf-8")
    return path


def test_as_a_plain_script(toy):
    code, out, err = run(toy, "--steps", "20", "--rate=0.5", cwd=toy.parent)
    assert (code, err) == (1, "minidl: 1 of 2 claims do not hold: steps are many\n")
    assert "seed is small" in out
    record = results(toy.parent / "out" / "07_toy")
    assert record["parameters"]["steps"] == 20
    assert record["results"]["draws"][-1] == 9.5
    assert record["results"]["threads"] == "1"
    assert record["files"] == ["steps.png"]
    code, out, err = run(toy, "--stps", "20", cwd=toy.parent)
    assert code == 2
    assert err.startswith("minidl: --stps is no parameter of this lesson. Did you mean '--steps'")


def test_the_runner_quick_and_out(toy):
    code, out, err = run("-m", "minidl", "run", toy, "--quick", "--seed", "1", "--out", "here", cwd=toy.parent)
    assert (code, err) == (0, "")
    record = results(toy.parent / "here")
    assert record["quick"] is True
    assert record["parameters"] | {"steps": 10, "seed": 1} == record["parameters"]
    assert [claim["holds"] for claim in record["claims"]] == [True, None]
    assert record["threads"]["OMP_NUM_THREADS"] == "1"
    assert "not judged (quick run)" in " ".join(out.split())


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("crash", r"minidl: KeyError: 'a fault of the lesson' \(.*07_toy.py:\d+; --debug shows the traceback\)\n"),
        ("user", r"minidl: no such file: get it with a command\n"),
    ],
)
def test_the_runner_tells_errors_and_keeps_what_there_is(toy, end, said):
    code, _, err = run("-m", "minidl", "run", toy, "--end", end, cwd=toy.parent)
    assert code == 2
    assert re.fullmatch(said, err)
    record = results(toy.parent / "out" / "07_toy")
    assert record["status"] == "failed"
    assert record["files"] == ["steps.png"]
    code, _, err = run("-m", "minidl", "run", toy, "--end", end, "--debug", cwd=toy.parent)
    assert code == 2
    assert err.startswith("Traceback")


@pytest.mark.parametrize("runner", [(), ("-m", "minidl", "run")])
def test_ctrl_c_keeps_the_results(toy, runner):
    child = start(*runner, toy, "--end", "wait", cwd=toy.parent)
    assert child.stdout.readline() == "waiting\n"
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "minidl: interrupted; steps.png, results.json in" in err
    record = results(toy.parent / "out" / "07_toy")
    assert record["interrupted"] is True
    assert len(record["results"]["draws"]) == 100


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_seeds_run_into_folders_of_their_own(toy, jobs):
    words = ("-m", "minidl", "run", toy, "--seeds", "0,2,1", "--jobs", jobs, "--out", "o")
    code, out, err = run(*words, cwd=toy.parent)
    assert (code, err) == (1, f"{'' if jobs == '2' else 'minidl: 1 of 2 claims do not hold: seed is small' + chr(10)}")
    combined = json.loads((toy.parent / "o" / "seeds.json").read_text(encoding="utf-8"))
    assert combined["exit_codes"] == {"0": 0, "2": 1, "1": 0}
    assert combined["claims"][0]["holds"] == [True, False, True]
    assert combined["claims"][0]["mean"]["measured"] == 1.0
    assert results(toy.parent / "o" / "seed-2")["parameters"]["seed"] == 2
    table = out[out.rindex("== 07_toy, seeds 0, 2, 1 ==") :]
    assert "2 of 3" in table
    assert "its mean over 3 seeds" in table


def test_a_mean_over_seeds_that_does_not_hold_is_a_failure(toy, capfd, monkeypatch):
    monkeypatch.chdir(toy.parent)
    toy.write_text(TOY.replace("mean=1.5", "mean=0.25"), encoding="utf-8")
    assert lesson_run.run([str(toy), "--seeds", "0,1", "--quick"]) == 1
    table = capfd.readouterr().out
    assert "2 of 2" in table
    assert "NO, by 0.25" in table


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--seeds 0,0", "names a seed twice"),
        ("--seeds a", "must be an integer"),
        ("--seeds 0 --seed 1", "not both"),
        ("--jobs 2", "--jobs runs several seeds"),
        ("--seeds 0,1 --jobs 0", "--jobs must be at least 1"),
        ("--threads -1", "--threads must be at least 1"),
    ],
)
def test_options_of_the_runner_that_do_not_fit(toy, words, message):
    with pytest.raises(UserError, match=message):
        lesson_run.run([str(toy), *words.split()])


def test_a_lesson_without_a_seed_refuses_seeds(toy):
    toy.write_text(TOY.replace("seed=0, ", ""), encoding="utf-8")
    with pytest.raises(UserError, match="has no parameter seed"):
        lesson_run.run([str(toy), "--seeds", "0,1"])


def test_threads_can_be_forced(toy):
    code, _, _ = run("-m", "minidl", "run", toy, "--quick", "--threads", "2", cwd=toy.parent)
    assert code == 0
    assert results(toy.parent / "out" / "07_toy")["results"]["threads"] == "2"


# -- finding and copying -----------------------------------------------------------------------------------------------


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    folder = shelve(tmp_path / "shelf")
    monkeypatch.setattr(lessons_index, "lessons_folder", lambda: folder)
    return folder


@pytest.mark.parametrize("name", ["06_struc2vec", "06", "6", "struc2vec", "Struc2Vec", "06-struc2vec"])
def test_all_names_of_a_lesson_find_it(shelf, name):
    assert lessons_index.find_lesson(name) == shelf / "06_struc2vec.py"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("07", "more than one lesson: 07_toy, 07_walks"),
        ("struc2vek", "no lesson is called 'struc2vek'. Did you mean 'struc2vec'"),
        ("struc", "Did you mean '06_struc2vec'"),
        ("99", "The lessons: 00_autograd, 06_struc2vec, 07_toy, 07_walks"),
        ("missing/06.py", "there is no file"),
        ("helper", "no lesson is called"),
    ],
)
def test_a_name_that_finds_no_lesson_is_refused(shelf, name, message):
    with pytest.raises(UserError, match=message):
        lessons_index.find_lesson(name)


def test_copies_overwrite_only_when_told_to(shelf, tmp_path):
    target = tmp_path / "mine"
    copied = lessons_index.copy_lessons(target)
    lessons = [f"{name}.py" for name in lessons_index.lesson_files()]
    assert [path.name for path in copied] == [*lessons, "README.md", "helper.py"]
    edited = target / "07_toy.py"
    edited.write_text("mine\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"already has .*07_toy\.py.*--force"):
        lessons_index.copy_lessons(target)
    assert edited.read_text(encoding="utf-8") == "mine\n"
    assert lessons_index.copy_lessons(target, ["toy"], force=True) == [edited, target / "helper.py"]
    assert edited.read_text(encoding="utf-8") == TOY
    with pytest.raises(UserError, match="is a file"):
        lessons_index.copy_lessons(edited)
