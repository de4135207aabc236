"""Targets that hang, crash, exit or print: the time limit within a process, and the process of its own that outlives them."""

import argparse
import json
import signal
import threading
import time
import xml.etree.ElementTree as ET
from types import SimpleNamespace

import pytest
import toy

from minidl import atlas
from minidl.laws.core import namespace
from minidl.verify import TargetError, limits, run
from minidl.verify.cli import add_verify_arguments, run_verify
from minidl.verify.limits import Watch
from minidl.verify.search import Stalled

SOFTPLUS = toy.CONTRACTS[0]
# what each target does at a call after some good ones; `1 in repeat(0)` never leaves compiled code
FAULTS = {
    "hangs": "while True: pass",
    "hangs_deep": "import itertools; 1 in itertools.repeat(0)",
    "crashes": "import ctypes; ctypes.string_at(0)",
    "exits": "import os; os._exit(3)",
    "swallows": "\n".join(
        ["", "        while True:", "            try:", "                while True: pass", "            except: pass"]
    ),
}


@pytest.fixture(autouse=True)
def toy_in_atlas(monkeypatch):
    row = atlas.Method("toy", "A toy", "nobody, 'Nothing', 1900", "toy", "toy", "99_toy", ("toy",))
    monkeypatch.setitem(atlas.METHODS, "toy", row)


@pytest.fixture
def faulty(tmp_path):
    """A file whose softplus misbehaves from its fourth call in a process on, and whose dropout is right."""

    def write(fault):
        file = tmp_path / f"{fault}.py"
        file.write_text(
            "import toy\ncalls = []\ndropout = toy.dropout\n\n"
            f"def softplus(x):\n    calls.append(1)\n    if len(calls) > 3:\n        {FAULTS[fault]}\n"
            "    return toy.softplus(x)\n"
        )
        return str(file)

    return write


def verify(*arguments):
    parser = argparse.ArgumentParser(prog="minidl verify")
    add_verify_arguments(parser)
    return run_verify(parser.parse_args([*arguments, "--examples", "5"]))


def report_of(capsys, *arguments):
    code = verify(*arguments, "--json", "-")
    document = json.loads(capsys.readouterr().out)
    assert document["exit_code"] == code
    return document


def row(document, name):
    return next(row for row in document["rows"] if row["id"] == name)


# --- the time limit ------------------------------------------------------------------------------------------------------
def test_a_call_in_time_leaves_no_alarm_behind():
    handler = signal.getsignal(signal.SIGALRM)
    assert Watch(5.0).call("f", lambda: 7) == 7
    assert signal.getsignal(signal.SIGALRM) is handler
    assert signal.setitimer(signal.ITIMER_REAL, 0) == (0.0, 0.0)


def test_a_call_that_takes_too_long_says_where_it_was():
    def slow():
        time.sleep(60)

    with pytest.raises(
        Stalled, match=r"no answer from slow within 0.1 s; it was at .*test_verify_process.py:\d+ in slow"
    ):
        Watch(0.1).call("slow", slow)


def test_the_first_call_may_compile_unless_the_limit_is_given():
    watch = Watch()
    assert (watch.seconds, watch._starting) == (10.0, 30.0)
    watch = Watch(0.05, starting=5.0)
    watch.call("f", lambda: time.sleep(0.2))
    with pytest.raises(Stalled):
        watch.call("f", lambda: time.sleep(60))


def test_another_alarm_goes_on_running():
    rang = []
    before = signal.signal(signal.SIGALRM, lambda *_: rang.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(Stalled):
            Watch(0.1).call("f", lambda: time.sleep(60))
        assert not rang
        time.sleep(1.0)
        assert rang == [1]
    finally:
        signal.signal(signal.SIGALRM, before)


def test_other_threads_have_no_alarm_and_still_work():
    got = []
    thread = threading.Thread(target=lambda: got.append(Watch(0.01).call("f", lambda: time.sleep(0.1) or 7)))
    thread.start()
    thread.join()
    assert got == [7]


def test_a_hanging_function_is_left_after_two_rows():
    def hanging(x):
        while True:
            pass

    hangs = namespace(toy.REFERENCE, softplus=hanging)
    report = run(toy.CONTRACTS, hangs, reference=toy.REFERENCE, examples=5, planted=False, time_limit=0.1)
    mine = [row for row in report.rows if row.item.contract.function == "softplus"]
    assert [row.status for row in mine] == ["broken", "broken", "not judged", "not judged", "not judged"]
    assert mine[0].breakage.why == "a call ran into the time limit"
    assert "in hanging" in mine[0].breakage.got
    assert mine[-1].reason == "softplus ran into the time limit 2 times"
    assert report.row("dropout/unbiased").status == "holds"
    assert report.resemblances.get("softplus") is None
    assert report.exit_code == 1
    assert "2 broken, 3 not judged" in report.text()
    assert ET.fromstring(report.junit()).get("skipped") == "3"


# --- a process of its own ------------------------------------------------------------------------------------------------
def test_judging_apart_finds_what_judging_here_does(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "import toy\ndef softplus(x): return toy.softplus(x) / 2\ndef dropout(x, u, p): return x / (1 - p)\n"
    )
    here, apart = (run("toy", str(file), examples=10, isolated=isolated) for isolated in (False, True))
    for name in ("checks", "exit_code", "planted", "resemblances"):
        assert getattr(here, name) == getattr(apart, name)
    assert here.text(every=True) == apart.text(every=True)
    assert [row.breakage and row.breakage.traceback for row in here.rows] == [
        row.breakage and row.breakage.traceback for row in apart.rows
    ]


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("crashes", "softplus ended the process by SIGSEGV (invalid memory access), at "),
        ("exits", "softplus ended the process with exit code 3"),
        ("hangs_deep", "softplus hangs where it cannot be interrupted, at "),
    ],
)
def test_what_ends_its_process_is_told_with_the_case(faulty, fault, why, capsys, monkeypatch):
    monkeypatch.setattr(limits, "GRACE", 0.5)
    document = report_of(capsys, "toy", faulty(fault), "--time-limit", "0.5", "--functions", "softplus,dropout")
    broken = [row for row in document["rows"] if row["status"] == "broken"]
    assert [row["id"] for row in broken] == ["softplus/call:pure", "softplus/agreement:s"]
    for found in broken:
        assert found["broken"]["why"].startswith(why)
        assert "reproduce('toy', 'softplus/" in found["broken"]["reproduce"]
        assert "dict(x=np.array([" in found["broken"]["reproduce"]
    if fault == "hangs_deep":
        assert f"{fault}.py:8 in softplus" in broken[0]["broken"]["why"]
    what = "ended the process"
    assert row(document, "softplus/reflection")["reason"] == f"softplus {what} 2 times"
    assert document["counts"] == {"broken": 2, "not judged": 3, "holds": 5}
    assert document["planted"]["softplus"]["killed"] == ["overflowing", "half"]


@pytest.mark.parametrize("fault", ["hangs", "swallows"])
def test_what_hangs_in_python_is_interrupted(faulty, fault, capsys):
    document = report_of(capsys, "toy", faulty(fault), "--time-limit", "0.3", "--functions", "softplus,dropout")
    assert row(document, "softplus/call:pure")["broken"]["got"].startswith(
        "no answer from softplus within 0.3 s; it was"
    )
    assert row(document, "dropout/unbiased")["status"] == "holds"


CHATTY = """
import os, sys
import toy
print("loading")

def softplus(x):
    print("softplus of", x)
    os.write(1, b"from below\\n")
    sys.__stdout__.write("around")
    return toy.softplus(x)
"""


def test_what_a_target_prints_does_not_reach_the_report(tmp_path, capfd):
    file = tmp_path / "chatty.py"
    file.write_text(CHATTY)
    assert verify("toy", str(file), "--functions", "softplus", "--json", "-") == 0
    said = capfd.readouterr()
    assert json.loads(said.out)["counts"] == {"holds": 5}
    for text in ("loading", "softplus of [", "from below", "around"):
        assert text in said.err


def test_a_target_that_reads_finds_nothing_to_read(tmp_path, capsys):
    file = tmp_path / "asking.py"
    file.write_text("def softplus(x): return float(input('scale? ')) * x")
    document = report_of(capsys, "toy", str(file), "--functions", "softplus")
    assert row(document, "softplus/call:pure")["broken"]["got"].startswith("EOFError")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import os\nos._exit(4)", "ended the process with exit code 4 while it was loaded"),
        ("import ctypes\nctypes.string_at(0)", "SIGSEGV"),
        ("import itertools\n1 in itertools.repeat(0)", "hangs where it cannot be interrupted, at "),
        ("while True: pass", "no answer from the target while it was loaded within 0.5 s; it was at"),
        ("import no_such_module_at_all", "needs the module 'no_such_module_at_all', install it"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ],
)
def test_what_cannot_be_loaded_answers_2_in_every_form(tmp_path, monkeypatch, capsys, source, says):
    monkeypatch.setattr(limits, "STARTING", 0.5)
    monkeypatch.setattr(limits, "GRACE", 0.5)
    file = tmp_path / "mine.py"
    file.write_text(source)
    assert verify("toy", str(file), "--json", str(tmp_path / "r.json"), "--junit", str(tmp_path / "r.xml")) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("minidl: ")
    assert says in said.err
    assert "Traceback" not in said.err
    document = json.loads((tmp_path / "r.json").read_text())
    assert document["exit_code"] == 2
    assert says in document["unusable"]
    assert ET.parse(tmp_path / "r.xml").getroot().get("errors") == "1"


def test_modules_are_found_from_there_as_from_here(tmp_path, monkeypatch):
    (tmp_path / "beside_me.py").write_text("from toy import *")
    monkeypatch.chdir(tmp_path)
    assert run("toy", "beside_me", examples=2, planted=False, isolated=True).exit_code == 0


def test_only_names_can_be_judged_apart():
    with pytest.raises(ValueError, match="a method by name and a target by string"):
        run("toy", SimpleNamespace(), isolated=True)
    with pytest.raises(ValueError, match="a method by name and a target by string"):
        run(toy.CONTRACTS, "toy", reference=toy.REFERENCE, isolated=True)
    with pytest.raises(ValueError, match="seconds above 0"):
        run("toy", "toy", time_limit=0)


def test_nothing_is_left_running(tmp_path):
    file = tmp_path / "busy.py"
    file.write_text(
        "import subprocess, sys, threading, time, toy\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(100)'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\n"
        "threading.Thread(target=time.sleep, args=(100,)).start()\n"
        "softplus = toy.softplus\n"
    )
    began = time.monotonic()
    report = run("toy", str(file), functions=["softplus"], examples=2, planted=False, isolated=True)
    assert report.exit_code == 0
    assert time.monotonic() - began < 50  # nobody waits for that thread
    pid = (tmp_path / "pid").read_text()
    state = ""
    for _ in range(50):
        try:
            with open(f"/proc/{pid}/stat") as file:
                state = file.read().split()[2]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        time.sleep(0.1)
    pytest.fail(f"process {pid} still runs ({state})")


def test_an_unusable_target_raises_in_python():
    with pytest.raises(TargetError, match="there is no module 'no_such_module'"):
        run("toy", "no_such_module", isolated=True)
