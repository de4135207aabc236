"""What docs/verify.md says: its commands print what stands there, its Python runs. Other libraries: tests/peers."""

import json
import re

import pages
import pytest

PAGE = "verify.md"
COMMANDS = [command for command in pages.commands(PAGE) if not command.peers]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    pages.write_files(PAGE, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_page_shows_what_it_should():
    assert len(COMMANDS) >= 5
    assert len(pages.commands(PAGE)) - len(COMMANDS) >= 5


@pytest.mark.parametrize(
    "command", [command for command in COMMANDS if "adam.cpp" not in command.line], ids=lambda c: c.line
)
def test_commands_print_what_stands_there(command, folder, capsys):
    if "./adam" in command.line:  # after the command that makes it
        make = next(command for command in COMMANDS if "adam.cpp" in command.line)
        pages.carry_out(make, capsys)
    pages.carry_out(command, capsys)


def test_a_pattern_sees_a_difference():
    assert re.fullmatch(pages.pattern(["a ... c", "...", "e"]), "a b c\nd\ne\n")
    assert not re.fullmatch(pages.pattern(["a ... c", "e"]), "a b c\nd\ne\n")
    assert not re.fullmatch(pages.pattern(["a"]), "a\nb\n")


def test_the_remedy_of_the_first_example_is_right(folder, capsys):
    text = (folder / "my_adam.py").read_text()
    right = text.replace("np.sqrt(v_hat + self.eps)", "(np.sqrt(v_hat) + self.eps)")
    assert right != text
    (folder / "my_adam.py").write_text(right)
    pages.carry_out(pages.Command("minidl verify avagrad my_adam.py", ["..."]), capsys)


def test_its_python_runs(folder):
    examples = [body for info, body in pages.fences(PAGE) if info == "python"]
    assert len(examples) == 2
    scope = {}
    exec(examples[0], scope)
    assert scope["report"].row("rmsprop/geometric_roots").status == "holds"
    exec(examples[1], {})


def test_the_options_that_it_names_exist(capsys):
    from minidl import cli

    assert cli.main(["verify", "--help"]) == 0
    shown = capsys.readouterr().out
    text = (pages.DOCS / PAGE).read_text(encoding="utf-8")
    for option in set(re.findall(r"`(--[a-z-]+)", text)) - {"--minidl"}:
        assert option in shown, option


def test_the_golden_vectors_that_it_names_can_be_written(folder, capsys):
    pages.carry_out(pages.Command("minidl golden vectors avagrad", ["wrote ..."]), capsys)
    manifest = json.loads((folder / "vectors" / "manifest.json").read_text())
    assert "adam" in manifest["methods"]["avagrad"]["functions"]
