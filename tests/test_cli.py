"""The command line: help, errors and exit codes; what it loads."""

import subprocess
import sys
from pathlib import Path

import pytest
from toy_lesson import TOY, run, shelve, start

import minidl
from minidl import cli, lessons_index

COMMANDS = ("lessons", "run", "check", "verify", "golden", "data")


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    folder = shelve(tmp_path / "shelf")
    monkeypatch.setattr(lessons_index, "lessons_folder", lambda: folder)
    return folder


@pytest.fixture
def command(capsys):
    def command(*words):
        code = cli.main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",), ("help",)])
def test_the_overview_names_every_command(command, words):
    code, out, err = command(*words)
    assert (code, err) == (0, "")
    for name in COMMANDS:
        assert f"\n  {name} " in out
    assert "minidl run " in out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(command, name):
    code, out, err = command(name, "--help")
    assert (code, err) == (0, "")
    assert f"usage: minidl {name}" in out


def test_the_version(command):
    assert command("--version") == (0, f"minidl {minidl.__version__}\n", "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lesons"], "there is no command 'lesons'. Did you mean 'lessons'?"),
        (["--verison"], "there is no option '--verison'"),
        (["lessons", "--all"], "unrecognized arguments: --all"),
        (["lessons", "copy"], "required: DIR"),
        (["run"], "which lesson? There are: 00_autograd"),
        (["run", "struc2vek"], "Did you mean 'struc2vec'"),
        (["run", "--steps", "3", "06"], "name the lesson before its parameters"),
        (["run", "06", "--stps", "3"], "Did you mean '--steps'"),
        (["run", "06", "--steps", "x"], "--steps must be an integer"),
        (["check", "06"], "required: FILE"),
        (["check", "06", "none.py"], "has no exercises"),
        (["data"], "required: {list,get,where}"),
        (["data", "get", "mnits"], "mnist"),
        (["data", "get", "strokes"], "built in"),
    ],
)
def test_errors_are_one_message_with_the_remedy(command, shelf, words, message):
    code, out, err = command(*words)
    assert (code, out) == (2, "")
    assert err.startswith("minidl: ")
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize("words", [["--debug", "run", "nope"], ["run", "--debug", "nope"], ["run", "nope", "--debug"]])
def test_debug_shows_the_traceback_wherever_it_stands(shelf, words):
    with pytest.raises(ValueError, match="no lesson is called 'nope'"):
        cli.main(words)


def test_an_unexpected_error_is_told_with_its_kind(command, monkeypatch):
    def broken():
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(lessons_index, "lesson_files", broken)
    code, _, err = command("lessons")
    assert (code, err) == (2, "minidl: ZeroDivisionError: a fault (--debug shows the traceback)\n")


def test_lessons_are_listed_with_title_and_time(command, shelf):
    code, out, _ = command("lessons")
    assert code == 0
    assert out.startswith("00_autograd      ~2 s  A toy of a lesson\n")
    assert out.count("Is two more than one?") == 4
    assert "helper" not in out


def test_lessons_are_copied(command, shelf, tmp_path):
    target = tmp_path / "mine"
    assert command("lessons", "copy", target)[0] == 0
    assert len(list(target.iterdir())) == 6
    code, _, err = command("lessons", "copy", target)
    assert code == 2
    assert "--force" in err
    assert command("lessons", "copy", target, "toy", "--force")[0] == 0


def test_the_help_of_a_lesson_names_its_parameters(command, shelf):
    code, out, _ = command("run", "struc2vec", "--help")
    assert code == 0
    assert "--steps N" in out
    assert "numbers to draw (default 100, quick 10)" in out
    assert "usage: minidl run 06_struc2vec" in out


def test_check_prints_the_report(command, shelf, tmp_path):
    (shelf / "checks").mkdir()
    (shelf / "checks" / "07_toy.py").write_text(
        "from minidl.exercises import Exercise, calls\n"
        "def judge(f):\n"
        "    assert f(3) == 6, 'twice 3 is 6'\n"
        "EXERCISES = (Exercise('exercise_1', 's', judge, {'square': (lambda x: x * x, 'add')}, calls((3,))),)\n",
        encoding="utf-8",
    )
    mine = tmp_path / "mine.py"
    mine.write_text("def exercise_1(x): return x * x\n", encoding="utf-8")
    code, out, err = command("check", "toy", mine)
    assert (code, err) == (1, "")
    assert out.splitlines()[:2] == ["exercise_1  wrong: twice 3 is 6", "            hint (square): add"]
    mine.write_text("def exercise_1(x): return x + x\n", encoding="utf-8")
    assert command("check", "07_toy", mine)[0] == 0
    mine.write_text("def exercise_1(x: return\n", encoding="utf-8")
    code, _, err = command("check", "07_toy", mine)
    assert code == 2
    assert "mine.py:1 is not valid Python" in err


def test_data_list_and_where(command, monkeypatch, tmp_path):
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path))
    assert command("data", "where") == (0, f"{tmp_path}\n", "")
    code, out, _ = command("data", "list")
    assert code == 0
    assert "strokes  built in" in out
    assert "not here: `minidl data get mnist` downloads it" in out
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path / "missing"))
    code, _, err = command("data", "list")
    assert code == 2
    assert err.startswith("minidl: MINIDL_DATA: ")


def test_verify_and_golden_refuse_what_they_cannot_use(command, tmp_path):
    code, _, err = command("verify", "gated_residul")
    assert code == 2
    assert "gated_residual" in err
    code, _, err = command("golden", tmp_path / "vectors", "gated_residul")
    assert code == 2
    assert "gated_residual" in err
    assert not (tmp_path / "vectors").exists()


def test_help_and_lists_load_nothing_heavy(tmp_path):
    script = (
        "import sys\n"
        "from minidl import cli\n"
        "for words in (['--help'], ['run', '--help'], ['check', '--help'], ['data', '--help'], ['lessons']):\n"
        "    assert cli.main(words) == 0\n"
        "heavy = {'numpy', 'numba', 'matplotlib', 'hypothesis', 'tqdm'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_installed_command_and_the_module_are_the_same(tmp_path):
    installed = Path(sys.executable).with_name("minidl")
    for words in ([installed], [sys.executable, "-m", "minidl"]):
        done = subprocess.run([*words, "lesons"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 2
        assert done.stderr.startswith("minidl: there is no command 'lesons'")


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path):
    child = start("-c", "import sys, time; time.sleep(1); from minidl.cli import main; sys.exit(main())", cwd=tmp_path)
    child.stdout.close()
    assert child.stderr.read() == ""
    assert child.wait(timeout=60) == 0
    child.stderr.close()


def test_run_passes_on_the_exit_code(tmp_path):
    lesson = tmp_path / "07_toy.py"
    lesson.write_text(TOY, encoding="utf-8")
    code, _, err = run("-m", "minidl", "run", lesson, "--seed", "2", cwd=tmp_path)
    assert (code, err) == (1, "minidl: 1 of 2 claims do not hold: seed is small\n")
