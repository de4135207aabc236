"""The timing harness of kernels/bench, on clocks that the tests move; and every bench script, run in its tiny setting.

Nothing here asserts how fast anything is: that is what the benches report.
"""

import gc
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BENCH = Path(__file__).parents[1] / "kernels" / "bench"
sys.path.append(str(BENCH))  # the scripts are no package: they find each other as Python finds a script's neighbours
harness = importlib.import_module("harness")
report = importlib.import_module("report")
machine = importlib.import_module("machine")
run_all = importlib.import_module("run_all")


class Time:
    """A clock that only the work under test moves; the wall clock runs `stretch` times as fast."""

    def __init__(self, stretch: float = 1.0):
        self.now, self.stretch = 0.0, stretch

    def clock(self):
        return harness.Clock(cpu=lambda: self.now, wall=lambda: self.now * self.stretch)


def contender(name, time, duration, value=1.0, needs=None, log=None):
    """Work that takes `duration` seconds (a number, or a function of the time) and gives `value`."""

    def step():
        time.now += duration(time.now) if callable(duration) else duration
        if log is not None:
            log.append(name)

    return harness.Contender(name, lambda: (step, lambda: {"value": np.asarray(value)}), needs)


def workload(*contenders, goals=(), base="base", ulps=4):
    return harness.Workload("work", base, contenders, ulps=ulps, goals=goals)


# --- ratios --------------------------------------------------------------------------------------------------------------
def test_ratios_survive_a_machine_that_gets_slower():
    time = Time()
    slowing = [
        contender(name, time, lambda now, t=t: t * (1 + 8 * now)) for name, t in (("base", 2e-3), ("ours", 3e-3))
    ]
    section = workload(*slowing).run(harness.Options(rounds=15, clock=time.clock()))
    ours = section.rows[1]
    assert ours.seconds.high > 1.4 * ours.seconds.low  # the drift is there
    assert ours.ratio.median == pytest.approx(1.5, rel=0.05)  # and divides out, but for the drift within a round
    assert section.rows[0].ratio == report.Spread(1.0, 1.0, 1.0)


def test_constant_durations_give_their_exact_ratio_and_the_share_of_the_cpu():
    time = Time(stretch=4.0)
    section = workload(contender("base", time, 0.25), contender("ours", time, 0.5)).run(
        harness.Options(rounds=3, clock=time.clock())
    )
    assert [row.ratio.median for row in section.rows] == [1.0, 2.0]
    assert [row.seconds.median for row in section.rows] == [0.25, 0.5]
    assert section.cpu_per_wall == 0.25
    assert section.rounds == 3


def test_the_ratio_is_formed_within_rounds():
    samples = {"a": [1.0, 20.0, 3.0], "b": [2.0, 10.0, 6.0]}
    assert harness.ratio(samples, "a", "b") == report.Spread.of([0.5, 2.0, 0.5])
    assert harness.ratio(samples, "a", "b").median == 0.5  # the medians' own ratio is 3 / 6 only by luck, so:
    samples = {"a": [1.0, 20.0, 3.0], "b": [4.0, 10.0, 2.0]}
    assert harness.ratio(samples, "a", "b").median == 1.5
    assert np.median(samples["a"]) / np.median(samples["b"]) == 0.75


def test_spread_is_median_and_quartiles():
    assert report.Spread.of([5.0, 1.0, 2.0, 4.0, 3.0]) == report.Spread(3.0, 2.0, 4.0)
    assert report.Spread.of([7.0]) == report.Spread(7.0, 7.0, 7.0)


def test_contenders_take_turns_and_every_other_round_goes_backwards():
    order = []
    samplers = {name: lambda name=name: order.append(name) or float(len(order)) for name in "abc"}
    samples = harness.interleave(samplers, 3, between=lambda: order.append("-"))
    assert "".join(order).replace("-", "") == "abccbaabc"
    assert order[::2] == ["-"] * 9  # something between any two samples
    assert {name: len(s) for name, s in samples.items()} == {"a": 3, "b": 3, "c": 3}
    with pytest.raises(ValueError, match="at least one round, got 0"):
        harness.interleave(samplers, 0)


@pytest.mark.parametrize("duration", [1e-7, 3e-5, 2e-3, 0.7])
def test_calibration_makes_samples_long_enough_and_not_much_longer(duration):
    time = Time()

    def step():
        time.now += duration

    calls = harness.calibrate(step, 0.004, lambda: time.now)
    assert calls * duration >= 0.004 * (1 - 1e-9)  # the clock is a sum of that many floats
    assert calls == 1 or calls * duration <= 0.004 * 12  # growth is at most tenfold, aimed 1.2 times too far


def test_calibration_gets_past_a_clock_that_does_not_move_at_first():
    time, calls = Time(), []

    def step():
        calls.append(1)
        if len(calls) > 100:
            time.now += 1e-3

    assert harness.calibrate(step, 0.004, lambda: time.now) > 10


def test_the_garbage_collector_is_off_while_timing_and_on_again_after():
    time, seen = Time(), []

    def step():
        time.now += 0.01
        seen.append(gc.isenabled())

    work = workload(harness.Contender("base", lambda: (step, lambda: {"value": 1.0})))
    work.run(harness.Options(rounds=2, clock=time.clock()))
    assert seen[-2:] == [False, False]
    assert gc.isenabled()


# --- agreement -----------------------------------------------------------------------------------------------------------
def test_a_contender_that_computes_something_else_is_an_error_and_nothing_is_timed():
    time, log = Time(), []
    work = workload(
        contender("base", time, 0.1, [1.0, 2.0], log=log), contender("wrong", time, 0.1, [1.0, 2.1], log=log)
    )
    with pytest.raises(harness.Disagreement, match=r"work: wrong computes another value: off by 0\.1"):
        work.run(harness.Options(rounds=5, clock=time.clock()))
    assert log == ["base", "wrong"]


@pytest.mark.parametrize(
    ("got", "message"),
    [
        ({"y": np.array([1.0, np.nan])}, "another y"),
        ({"y": np.array([1.0, 2.0 + 40 * 2**-52])}, "another y"),
        ({"y": np.array([[1.0, 2.0]])}, r"shape \(1, 2\), expected \(2,\)"),
        ({"z": np.array([1.0, 2.0])}, r"gives no 'y', expected \['y'\], got \['z'\]"),
    ],
)
def test_agreement_is_judged_entry_by_entry(got, message):
    with pytest.raises(harness.Disagreement, match=message):
        harness.agree("it", got, {"y": np.array([1.0, 2.0])}, ulps=16, dtype=np.float64)


def test_agreement_allows_rounding_of_the_largest_entry():
    expected = {"y": np.array([1e-3, 2.0])}
    harness.agree("it", {"y": np.array([1e-3 + 2**-50, 2.0])}, expected, ulps=4, dtype=np.float64)  # 2^-50 < 4 eps 2


# --- who takes part, and the goals -----------------------------------------------------------------------------------------
def test_peers_that_are_not_there_are_listed_with_the_reason():
    time = Time()
    goal = harness.Goal("base", "peer", at_most=1.0)
    work = workload(contender("base", time, 0.1), contender("peer", time, 0.1, needs="no_such_package"), goals=[goal])
    section = work.run(harness.Options(rounds=1, clock=time.clock()))
    assert section.skipped == [("peer", "needs no_such_package: No module named 'no_such_package'")]
    assert section.goals == [report.Verdict("time of base / peer", None, "<= 1", None)]
    text = report.section_text(section)
    assert "skipped: peer, needs no_such_package" in text
    section = work.run(harness.Options(rounds=1, clock=time.clock(), peers=False))
    assert section.skipped == [("peer", "left out by --no-peers")]


def test_a_part_of_the_project_that_does_not_import_is_an_error():
    def build():
        raise ImportError("broken")

    with pytest.raises(ImportError, match="broken"):
        workload(harness.Contender("base", build)).run(harness.Options(rounds=1))


def test_goals_judge_time_one_way_and_speed_the_other():
    samples = {"ours": [2.0, 2.0, 8.0], "theirs": [1.0, 1.0, 1.0]}
    verdicts = [
        harness.Goal("ours", "theirs", at_most=2.0).verdict(samples),
        harness.Goal("ours", "theirs", at_most=1.99).verdict(samples),
        harness.Goal("ours", "theirs", at_least=0.5).verdict(samples),
        harness.Goal("ours", "theirs", at_least=0.51).verdict(samples),
    ]
    assert [(v.quantity, v.measured, v.limit, v.reached) for v in verdicts] == [
        ("time of ours / theirs", 2.0, "<= 2", True),
        ("time of ours / theirs", 2.0, "<= 1.99", False),
        ("speed of ours / theirs", 0.5, ">= 0.5", True),
        ("speed of ours / theirs", 0.5, ">= 0.51", False),
    ]
    with pytest.raises(ValueError, match="one limit"):
        harness.Goal("ours", "theirs")
    with pytest.raises(ValueError, match="one limit"):
        harness.Goal("ours", "theirs", at_most=1.0, at_least=1.0)


# --- reports -----------------------------------------------------------------------------------------------------------
def a_report(name="some"):
    time = Time()
    section = workload(
        contender("base", time, 0.25), contender("ours", time, 0.5), goals=[harness.Goal("ours", "base", at_most=1.0)]
    ).run(harness.Options(rounds=3, clock=time.clock()))
    return report.Report(name, "a title", machine.describe(), [0.5, 0.7], "a fake clock", [section])


def test_a_report_is_one_json_and_one_table(tmp_path):
    paths = a_report().write(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["some.json", "some.txt"]  # nothing temporary is left
    read = json.loads(paths[0].read_text(encoding="utf-8"))
    (section,) = read["sections"]
    assert section["rows"][1]["ratio"]["median"] == 2.0
    assert section["goals"] == [{"quantity": "time of ours / base", "measured": 2.0, "limit": "<= 1", "reached": False}]
    assert read["machine"]["numpy"] == np.__version__
    assert {"processor", "python", "blas", "threads", "peers", "date", "revision"} <= read["machine"].keys()
    table = paths[1].read_text(encoding="utf-8")
    assert "2.000" in table
    assert "goals: 0 reached, 1 missed; load 0.7 at the end" in table
    assert next(line for line in table.splitlines() if "<= 1" in line).split()[-1] == "NO"


def test_a_report_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    a_report().write(tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def full(self, target):
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="no space left"):
        a_report().write(tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_the_summary_reads_the_reports_of_this_run_only(tmp_path, monkeypatch):
    monkeypatch.setattr(run_all, "BENCHES", ("new", "old", "absent"))
    old, _ = a_report("old").write(tmp_path)
    os.utime(old, (100, 100))
    a_report("new").write(tmp_path)
    (line,) = run_all.summary(1000, tmp_path).splitlines()
    assert line.split() == ["MISSED", "new,", "work", "time", "of", "ours", "/", "base:", "2.000", "<=", "1"]


def test_durations_are_written_in_a_readable_unit():
    assert [report.seconds(t) for t in (2.5, 0.0025, 2.5e-6, 3e-8)] == ["2.5 s", "2.5 ms", "2.5 us", "30 ns"]


# --- the scripts ---------------------------------------------------------------------------------------------------------
def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | dict.fromkeys(machine.THREAD_VARIABLES, "1") | environment,
    )


def test_run_all_knows_every_bench():
    scripts = {p.stem for p in BENCH.glob("*.py") if "\ndef benches(" in p.read_text(encoding="utf-8")}
    assert scripts == set(run_all.BENCHES)


@pytest.mark.parametrize("bench", run_all.BENCHES)
def test_every_bench_runs(bench):
    before = {p: p.stat().st_mtime_ns for p in report.REPORTS.glob("*")}
    done = run(BENCH / f"{bench}.py", "--tiny", "--rounds", "1", "--no-peers", "--no-write")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{bench}: ")
    assert "[1 rounds" in done.stdout
    assert "goals: 0 reached, 0 missed" in done.stdout  # tiny sizes are not judged
    assert {p: p.stat().st_mtime_ns for p in report.REPORTS.glob("*")} == before


def test_partial_runs_are_not_written():
    before = {p: p.stat().st_mtime_ns for p in report.REPORTS.glob("*")}
    done = run(BENCH / "conv2d.py", "--tiny", "--rounds", "1", "--no-peers")
    assert done.returncode == 0, done.stderr
    assert "not written: reports hold whole runs only" in done.stdout
    assert {p: p.stat().st_mtime_ns for p in report.REPORTS.glob("*")} == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--rounds", "0"), "--rounds must be at least 1, got 0"),
        (("--tiny", "--only", "nonsense"), "no workload contains 'nonsense'; there are: forward and backward"),
    ],
)
def test_bad_arguments_exit_with_2_and_say_what_is_wrong(arguments, message):
    done = run(BENCH / "conv2d.py", *arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_threads_are_pinned_before_numpy_loads():
    code = (
        f"import sys; sys.path.append({str(BENCH)!r}); import machine; machine.pin_threads(); import os; "
        "print([os.environ[v] for v in machine.THREAD_VARIABLES])"
    )
    done = run("-c", code, OMP_NUM_THREADS="3", OPENBLAS_NUM_THREADS="2")
    assert done.stdout.strip() == str(["1"] * len(machine.THREAD_VARIABLES)), done.stderr


def test_imports_that_load_a_heavy_package_are_refused(monkeypatch):
    import_time = importlib.import_module("import_time")
    monkeypatch.setattr(import_time, "HEAVY", ("fractions",))
    import_time.assert_light("import json")
    with pytest.raises(RuntimeError, match="import fractions loads fractions"):
        import_time.assert_light("import fractions")


def test_the_fitted_exponent_is_the_power():
    scalar_chain = importlib.import_module("scalar_chain")
    lengths = (10, 100, 1000)
    fitted = scalar_chain.exponent(lengths, [3.0 * n**1.5 for n in lengths])
    assert fitted == pytest.approx(1.5, rel=32 * np.finfo(float).eps)  # a fit through three exact points


def test_the_yardstick_of_the_scalar_chain_is_right():
    scalar_chain = importlib.import_module("scalar_chain")
    a, b = scalar_chain.Value(2.0), scalar_chain.Value(3.0)
    c = a + a
    d = c + c + b  # the node that is used twice must be complete before it is passed on
    d.backward()
    assert (d.data, a.grad, b.grad, c.grad) == (11.0, 4.0, 1.0, 2.0)
