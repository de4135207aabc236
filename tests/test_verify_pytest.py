"""Contracts under pytest: test functions of one's own, and the plugin that needs no test file."""

import subprocess
import sys
import textwrap
from importlib import metadata
from pathlib import Path

import pytest

from minidl.verify.pytest_plugin import _tests

TESTS = Path(__file__).parent
PLUGIN = "minidl.verify.pytest_plugin"
INSTALLED = any(entry.value == PLUGIN for entry in metadata.entry_points(group="pytest11"))

# the toy method as a row of the atlas, for a process of its own
CONFTEST = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
from minidl import atlas
atlas.METHODS["toys"] = atlas.Method("toys", "A toy", "nobody, 'Nothing', 1900", "toys", "toys", "99_toy")
"""
TOYS = "from toy_optim import CONTRACTS, adam, normed, sgd\n"
MINE = """
import toy_optim

class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0):
        self.params, self.lr, self.momentum, self.buffer = list(params), lr, momentum, 0.0

    def step(self):
        (p,) = self.params
        self.buffer = self.momentum * self.buffer + p.grad
        p.data = p.data - self.lr * self.buffer

def slow(w, g, state, rate, beta1, beta2, eps, patience):
    rows = toy_optim.adam(w, g[None], [rate], beta1, beta2, eps)
    return rows[0], None
"""


@pytest.fixture
def project(tmp_path):
    """A folder with an optimizer and a test, and a function that runs pytest in it."""
    for name, text in (("conftest.py", CONFTEST), ("toys.py", TOYS), ("mine.py", MINE)):
        (tmp_path / name).write_text(text)
    (tmp_path / "test_own.py").write_text("def test_own(): pass\n")

    def pytest_in(*arguments, plugin=True):
        load = ["-p", PLUGIN] if plugin and not INSTALLED else []
        options = ["-q", "-rA", "--tb=short", "-p", "no:cacheprovider", *load, *arguments]
        done = subprocess.run([sys.executable, "-m", "pytest", *options], capture_output=True, text=True, cwd=tmp_path)
        return done.returncode, done.stdout + done.stderr

    pytest_in.path = tmp_path
    return pytest_in


def test_the_plugin_needs_no_test_file(project):
    code, out = project("--minidl", "toys=mine.py:SGD --examples 10")
    assert code == 1
    row = "minidl::toys=mine.py:SGD::"
    assert f"PASSED {row}sgd/plain_descent" in out
    assert f"FAILED {row}sgd/agreement:trajectory" in out
    assert "PASSED test_own.py::test_own" in out
    assert "not provided: it has no adam" in out
    assert "looks like the planted bug forgotten_decay" in " ".join(out.split())
    assert "reproduce('toys', 'sgd/agreement:trajectory', 'mine.py:SGD', dict(" in out
    assert "1 failed, 4 passed, 6 skipped" in out


def test_the_plugin_takes_the_options_of_verify_and_obeys_k(project):
    options = "--as adam --name lr=rate --set patience=3 --examples 3"
    code, out = project("--minidl", f"toys=mine.py:slow {options}", "-k", "slow and (constant or agreement)")
    assert code == 1
    assert "PASSED minidl::toys=mine.py:slow::adam/constant_gradients" in out
    assert "FAILED minidl::toys=mine.py:slow::adam/agreement:trajectory" in out  # it forgets its moments
    assert "adapt('mine.py:slow', function='adam', names={'lr': 'rate'}, fixed={'patience': 3})" in out
    code, out = project("--minidl", "toys=mine.py:SGD", "--minidl", "toys", "-k", "golden")
    assert code == 0
    assert "PASSED minidl::toys=mine.py:SGD::sgd/golden:1" in out
    assert "PASSED minidl::toys::sgd/golden:1" in out
    assert "2 passed, 19 deselected" in out


def test_what_always_runs_stands_in_the_configuration(project):
    (project.path / "known.json").write_text('{"sgd/agreement:trajectory": "it has no decay yet"}')
    lines = "minidl =\n    toys=mine.py:SGD --known known.json --functions sgd\n    toys=mine.py:SGD --functions sgd"
    (project.path / "pytest.ini").write_text(f"[pytest]\n{lines}\n")
    code, out = project()
    assert code == 1
    assert "XFAIL minidl::toys=mine.py:SGD::sgd/agreement:trajectory - it has no decay yet" in out
    assert "FAILED minidl::toys=mine.py:SGD#2::sgd/agreement:trajectory" in out


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("gated=mine.py", "no method is called 'gated'; did you mean gated_residual"),
        ("gated_residual=", "it takes METHOD=TARGET"),
        ("gated_residual=mine.py --exmples 3", "unrecognized arguments: --exmples 3"),
        ("gated_residual=mine.py --known no_such.json", "--known no_such.json cannot be read"),
        ("gated_residual=mine.py --functions softmax", "no contract for softmax"),
        ("", "the following arguments are required"),
    ],
)
def test_what_is_asked_wrongly_is_refused(asked, says):
    with pytest.raises(ValueError, match=says):
        _tests(asked)


def test_what_is_asked_wrongly_is_told_before_any_test(project):
    code, out = project("--minidl", "toi=mine.py")
    assert code == 4
    assert "ERROR: --minidl 'toi=mine.py': no method is called 'toi'; did you mean toys" in out
    assert "Traceback" not in out
    assert "test_own" not in out


def test_a_target_that_cannot_be_used_fails_without_a_traceback(project):
    code, out = project("--minidl", "toys=yours.py", "-k", "golden")
    assert code == 1
    assert "there is no file yours.py; in . there are conftest.py, mine.py, test_own.py, toys.py" in out
    assert "Traceback" not in out
    assert "targets.py" not in out


def test_the_plugin_costs_nothing_unused(project):
    program = f"import sys; import pytest; before = set(sys.modules); import {PLUGIN}; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == f"{['minidl', 'minidl.verify', PLUGIN]}\n"
    (project.path / "test_own.py").write_text("import sys\ndef test_own(): assert 'minidl.atlas' not in sys.modules\n")
    (project.path / "conftest.py").unlink()
    assert project()[0] == 0


def test_contracts_become_test_functions(project):
    (project.path / "test_mine.py").write_text(
        textwrap.dedent("""
        import time
        from types import SimpleNamespace
        import mine, toy_optim
        from minidl.verify import adapt
        from minidl.verify.pytest_support import contract_tests

        def endless(w, g, state, lr):
            while True: time.sleep(1)

        settings = {"reference": toy_optim, "examples": 5, "functions": ["sgd"]}
        test_class = contract_tests(toy_optim.CONTRACTS, mine.SGD, **settings)
        test_string = contract_tests(toy_optim.CONTRACTS, "mine.py:SGD", **settings)
        test_made = contract_tests(toy_optim.CONTRACTS, lambda: toy_optim.REFERENCE, **settings)
        test_hanging = contract_tests(toy_optim.CONTRACTS, adapt(endless, function="sgd"), time_limit=0.1, **settings)
        """)
    )
    _, out = project("test_mine.py", plugin=False)
    for name in ("class", "string"):
        assert f"PASSED test_mine.py::test_{name}[sgd/plain_descent]" in out
        assert f"FAILED test_mine.py::test_{name}[sgd/agreement:trajectory]" in out
    assert "PASSED test_mine.py::test_made[sgd/agreement:trajectory]" in out
    assert "FAILED test_mine.py::test_hanging[sgd/call:pure]" in out
    assert "no answer from sgd within 0.1 s; it was at" in out
