"""`minidl verify` and `minidl golden`: arguments, exit codes, and what they write."""

import argparse
import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from minidl import atlas
from minidl.verify.cli import add_golden_arguments, add_verify_arguments, run_golden, run_verify


@pytest.fixture
def toy_in_atlas(monkeypatch):
    row = atlas.Method("toy", "A toy", "nobody, 'Nothing', 1900", "toy", "toy", "99_toy", ("toy",))
    monkeypatch.setitem(atlas.METHODS, "toy", row)


def verify(*arguments):
    parser = argparse.ArgumentParser(prog="minidl verify")
    add_verify_arguments(parser)
    return run_verify(parser.parse_args([*arguments, "--examples", "5"]))


def test_verify_judges_the_reference_by_default(toy_in_atlas, capsys):
    assert verify("toy") == 0
    out = capsys.readouterr().out
    assert "toy: toy\n" in out
    assert "16 rows: 16 hold" in out
    assert "these very cases kill 7 of 7 planted bugs" in out


def test_verify_writes_machine_readable_reports(toy_in_atlas, tmp_path, capsys):
    file, known = tmp_path / "mine.py", tmp_path / "known.json"
    file.write_text("import toy\ndef softplus(x): return toy.softplus(x) / 2")
    known.write_text('{"softplus/golden:1": "halved on purpose"}')
    options = ["--functions", "softplus", "--known", str(known), "--junit", str(tmp_path / "junit.xml"), "--json", "-"]
    assert verify("toy", str(file), *options) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["resembles"]["softplus"]["bug"] == "half"
    assert document["counts"] == {"holds": 2, "broken": 2, "known": 1}
    assert ET.parse(tmp_path / "junit.xml").getroot().get("failures") == "2"
    assert sorted(path.name for path in tmp_path.glob("*.xml*")) == ["junit.xml"]


def test_verify_judges_a_program(toy_in_atlas, capsys):
    command = f'"{sys.executable}" "{Path(__file__).parent / "toy_tool.py"}"'
    assert verify("toy", "--cmd", command, "--time-limit", "20") == 0
    assert "not provided" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["toi"], "did you mean toy"),
        (["toy", "no_such_module"], "there is no module"),
        (["toy", "json"], "provides none of the functions"),
        (["toy", "toy", "--cmd", "./tool"], "TARGET or --cmd, not both"),
        (["toy", "--cmd", "./no_such_tool"], "cannot be started"),
        (["toy", "--time-limit", "0"], "seconds above 0"),
        (["toy", "--seed", "-1"], "integers >= 0"),
        (["toy", "--claim", "kink"], "NAME=VALUE"),
        (["toy", "--claim", "kink=mine"], "any-subgradient"),
        (["toy", "--functions", "softmax"], "no contract for softmax"),
        (["toy", "--known", "no_such_file.json"], "cannot be read"),
        (["toy", "--json", "-", "--junit", "-"], "cannot both"),
        (["toy", "--json", "no_such_folder/report.json"], "No such file"),
    ],
)
def test_verify_answers_2_to_what_it_cannot_use(toy_in_atlas, capsys, arguments, says):
    assert verify(*arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("minidl: ")
    assert says in error
    assert "Traceback" not in error


@pytest.fixture
def optimizers(tmp_path, monkeypatch):
    """The toy optimizers in the atlas, and a file of one's own."""
    row = atlas.Method("toys", "Toys", "nobody, 'Nothing', 1900", "toy_optim", "toy_optim", "99_toy")
    monkeypatch.setitem(atlas.METHODS, "toys", row)
    file = tmp_path / "mine.py"
    file.write_text(
        "import toy_optim\n"
        "def fast(w, g, state, rate, momentum, exact=False):\n"
        "    buffer = g if state is None or not exact else momentum * state + g\n"
        "    return w - rate * buffer, buffer\n"
        "def normal(w, gradients, sizes, lr, variant):\n"
        "    return toy_optim.normed(w, gradients, sizes, lr, variant)\n"
    )
    return file


def test_verify_adapts_an_optimizer(optimizers, capsys):
    options = ["--as", "sgd", "--name", "lr=rate", "--set", "exact=true", "--examples", "10"]
    assert verify("toys", f"{optimizers}:fast", *options) == 0
    out = capsys.readouterr().out
    assert "mine.py:fast (as sgd, exact=True)\n" in out
    assert "sgd is fast(w, g, state, rate=lr, momentum, exact=True), judged only where weight_decay=0.0" in out
    assert verify("toys", f"{optimizers}:fast", *options, "--set", "exact=False") == 1
    out = capsys.readouterr().out
    assert "adapt('" in out
    assert "mine.py:fast', function='sgd', names={'lr': 'rate'}, fixed={'exact': False})" in out
    options = ["--as", "normed", "--kind", "trajectory", "--json", "-"]
    assert verify("toys", f"{optimizers}:normal", *options) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["counts"] == {"holds": 3, "not provided": 7}
    assert document["adapted"] == {}
    assert verify("toys", "minidl.optim:SGD", "--json", "-") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["adapted"] == {"sgd": "SGD(params, lr, momentum, weight_decay)"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["fast"], "the name fast does not say which contract this is held against"),
        (["fast", "--as", "sdg"], "there are sgd, adam, normed"),
        (["fast", "--as", "sgd"], "fast needs rate, which the contract of sgd does not give: set it"),
        (["fast", "--as", "sgd", "--name", "rate"], "--name takes NAME=VALUE, such as beta1=b1"),
        (["fast", "--as", "sgd", "--name", "lr=rate", "--set", "speed=3"], "fast has no 'speed' to set"),
        (
            ["fast", "--as", "sgd", "--name", "lr=rate", "--only", "decay=3"],
            "only: no contract judged here has an input",
        ),
    ],
)
def test_verify_says_what_it_needs_to_adapt_an_optimizer(optimizers, capsys, arguments, says):
    name, *options = arguments
    assert verify("toys", f"{optimizers}:{name}", *options) == 2
    assert says in capsys.readouterr().err


def test_options_for_a_target_need_one(optimizers, capsys):
    assert verify("toys", "--as", "sgd") == 2
    assert "say how to understand TARGET, and none is given" in capsys.readouterr().err


def test_malformed_known_failures_are_refused(toy_in_atlas, tmp_path, capsys):
    for text, says in [("{", "is not JSON"), ("[]", "an object from rows"), ('{"softplus/x": "?"}', "near are")]:
        (tmp_path / "known.json").write_text(text)
        assert verify("toy", "--known", str(tmp_path / "known.json")) == 2
        assert says in capsys.readouterr().err


def test_golden_from_the_command_line(toy_in_atlas, tmp_path, capsys):
    parser = argparse.ArgumentParser(prog="minidl golden")
    add_golden_arguments(parser)
    assert run_golden(parser.parse_args([str(tmp_path / "vectors"), "toy"])) == 0
    assert "manifest.json and " in capsys.readouterr().out
    assert run_golden(parser.parse_args([str(tmp_path), "toy"])) == 2
    assert "holds other files" in capsys.readouterr().err
    assert run_golden(parser.parse_args([str(tmp_path / "more"), "toi"])) == 2
    assert "did you mean toy" in capsys.readouterr().err
