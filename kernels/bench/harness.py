"""Interleaved A/B timing: every speed here is a ratio between contenders that took turns in one process.

Why not time A, then B: the speed of a shared machine drifts by a factor of two within minutes, more than any difference
worth knowing. Here each round takes one sample of every contender, the ratio is formed within the round, and the result is
the median over the rounds. So a drift hits both sides of a ratio, and a disturbed round is one vote.

What is counted is the CPU time of this process (one thread), which does not run while another process has the core. The
table gives cpu/wall all the same: far below 1 means that the caches were shared with somebody.

A contender is built, stepped a few times, and its results compared with the base's, before anything is timed: a fast
program that computes something else has no speed.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import machine
import numpy as np
from report import REPORTS, Report, Row, Section, Spread, Verdict, section_text

Step = Callable[[], Any]
Outcome = Callable[[], Mapping[str, Any]]


class Disagreement(AssertionError):
    """A contender computes something else than the base."""


@dataclass(frozen=True)
class Clock:
    """What is counted (`cpu`), and what it is compared with to see who else was there (`wall`). Seconds."""

    cpu: Callable[[], float] = time.process_time
    wall: Callable[[], float] = time.perf_counter


@dataclass(frozen=True)
class Contender:
    """One way to do the work.

    build: imports what it needs, prepares, and returns `(step, outcome)`: `step()` is what is timed, `outcome()` gives
        named arrays to compare, after the workload's number of steps.
    needs: a package that may be missing; then the contender is skipped, with the reason in the report.
    """

    name: str
    build: Callable[[], tuple[Step, Outcome]]
    needs: str | None = None


@dataclass(frozen=True)
class Goal:
    """How fast `of` shall be beside `against`.

    at_most: limit on the time of one over the time of the other (smaller is better).
    at_least: limit on the speed of one over the speed of the other, the inverse (larger is better).
    """

    of: str
    against: str
    at_most: float | None = None
    at_least: float | None = None

    def __post_init__(self):
        if (self.at_most is None) == (self.at_least is None):
            raise ValueError("a goal has one limit: at_most (time ratio) or at_least (speed ratio)")

    def verdict(self, samples: Mapping[str, Sequence[float]]) -> Verdict:
        """The goal beside what the samples of a run say."""
        kind, over, under = "time", self.of, self.against
        if self.at_least is not None:  # the faster one needs less time, so speeds divide the other way round
            kind, over, under = "speed", self.against, self.of
        present = over in samples and under in samples
        return judged(
            f"{kind} of {self.of} / {self.against}",
            ratio(samples, over, under).median if present else None,
            at_most=self.at_most,
            at_least=self.at_least,
        )


def judged(
    quantity: str, measured: float | None, *, at_most: float | None = None, at_least: float | None = None
) -> Verdict:
    """A measured number beside its limit; None if it could not be measured."""
    limit = f"<= {at_most:g}" if at_least is None else f">= {at_least:g}"
    if measured is None:
        return Verdict(quantity, None, limit, None)
    return Verdict(quantity, measured, limit, measured <= at_most if at_least is None else measured >= at_least)


def ratio(samples: Mapping[str, Sequence[float]], over: str, under: str) -> Spread:
    """The spread of the ratios formed within each round: not the ratio of the medians."""
    return Spread.of([a / b for a, b in zip(samples[over], samples[under], strict=True)])


@dataclass(frozen=True)
class Options:
    """What the command line chose.

    tiny: sizes that show only that the bench runs.
    peers: whether contenders from other packages take part.
    """

    rounds: int = 15
    only: str = ""
    tiny: bool = False
    peers: bool = True
    min_sample: float = 0.004
    clock: Clock = field(default_factory=Clock)


# --- timing ------------------------------------------------------------------------------------------------------------
def interleave(
    samplers: Mapping[str, Callable[[], float]], rounds: int, between: Callable[[], Any] = gc.collect
) -> dict[str, list[float]]:
    """One sample of each contender per round, in seconds. `between` runs before each sample, untimed.

    Every other round goes backwards, so that nobody always inherits the caches of the same predecessor.
    """
    if rounds < 1:
        raise ValueError(f"timing needs at least one round, got {rounds}")
    samples: dict[str, list[float]] = {name: [] for name in samplers}
    for r in range(rounds):
        for name in list(samplers) if r % 2 == 0 else reversed(samplers):
            between()
            samples[name].append(samplers[name]())
    return samples


def calibrate(step: Step, min_sample: float, clock: Callable[[], float]) -> int:
    """How many calls make a sample of at least `min_sample` seconds, far above the resolution of the clock."""
    calls = 1
    while True:
        start = clock()
        for _ in range(calls):
            step()
        elapsed = clock() - start
        if elapsed >= min_sample:
            return calls
        growth = 1.2 * min_sample / elapsed if elapsed > 0 else 10
        calls = max(calls + 1, int(calls * min(growth, 10)))


def looped(step: Step, calls: int, clock: Callable[[], float]) -> Callable[[], float]:
    """A sampler: seconds per call over a loop of `calls`."""

    def sample() -> float:
        repeat = range(calls)
        start = clock()
        for _ in repeat:
            step()
        return (clock() - start) / calls

    return sample


# --- agreement ---------------------------------------------------------------------------------------------------------
def agree(name: str, got: Mapping[str, Any], expected: Mapping[str, Any], ulps: float, dtype: Any) -> None:
    """Every expected array matches to `ulps` units of rounding of its largest entry; else Disagreement."""
    for key, want in expected.items():
        if key not in got:
            raise Disagreement(f"{name} gives no {key!r}, expected {sorted(expected)}, got {sorted(got)}")
        have, want = np.asarray(got[key]), np.asarray(want)
        if have.shape != want.shape:
            raise Disagreement(f"{name} gives {key} of shape {have.shape}, expected {want.shape}")
        bound = ulps * np.finfo(dtype).eps * np.max(np.abs(want), initial=0)
        error = np.max(np.abs(have.astype(np.float64) - want.astype(np.float64)), initial=0)
        if not error <= bound:  # so that a NaN disagrees
            raise Disagreement(f"{name} computes another {key}: off by {error:.3g}, allowed {bound:.3g}")


# --- workloads -----------------------------------------------------------------------------------------------------------
class Bench(Protocol):
    name: str

    def run(self, options: Options) -> Section: ...


@dataclass(frozen=True)
class Workload:
    """Contenders that do the same work.

    base: the contender that the table relates the others to, and whose results they must match.
    ulps, dtype: how closely, see `agree`. steps: calls before the results are compared.
    """

    name: str
    base: str
    contenders: Sequence[Contender]
    ulps: float
    dtype: Any = np.float64
    goals: Sequence[Goal] = ()
    steps: int = 1
    note: str = ""

    def run(self, options: Options) -> Section:
        steps, skipped = self.prepare(options)
        clock = options.clock
        calls = {name: calibrate(step, options.min_sample, clock.cpu) for name, step in steps.items()}
        samplers = {name: looped(step, calls[name], clock.cpu) for name, step in steps.items()}
        collecting = gc.isenabled()
        gc.collect()
        gc.freeze()  # what exists by now need not be looked at again: collecting between samples stays cheap
        gc.disable()
        try:
            cpu, wall = clock.cpu(), clock.wall()
            samples = interleave(samplers, options.rounds)
            cpu, wall = clock.cpu() - cpu, clock.wall() - wall
        finally:
            gc.unfreeze()
            if collecting:
                gc.enable()
        rows = [Row(name, Spread.of(s), ratio(samples, name, self.base), calls[name]) for name, s in samples.items()]
        return Section(
            self.name,
            self.note,
            self.base,
            rows,
            skipped=skipped,
            goals=[goal.verdict(samples) for goal in self.goals],
            rounds=options.rounds,
            cpu_per_wall=cpu / wall if wall > 0 else None,
        )

    def prepare(self, options: Options) -> tuple[dict[str, Step], list[tuple[str, str]]]:
        """The contenders that are there, built, warm and in agreement; and those that are not, with the reason."""
        built, skipped = {}, []
        for contender in self.contenders:
            reason = missing(contender, options)
            if reason:
                skipped.append((contender.name, reason))
            else:
                built[contender.name] = contender.build()
        outcomes = {}
        for name, (step, outcome) in built.items():
            for _ in range(self.steps):
                step()
            outcomes[name] = dict(outcome())
        for name, got in outcomes.items():
            agree(f"{self.name}: {name}", got, outcomes[self.base], self.ulps, self.dtype)
        return {name: step for name, (step, _) in built.items()}, skipped


def missing(contender: Contender, options: Options) -> str | None:
    """Why a contender cannot take part, or None. A package of the project itself is never optional."""
    if contender.needs is None:
        return None
    if not options.peers:
        return "left out by --no-peers"
    try:
        importlib.import_module(contender.needs)
    except ImportError as error:
        return f"needs {contender.needs}: {error}"
    return None


# --- the command -----------------------------------------------------------------------------------------------------
def parser(description: str) -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(description=description)
    p.add_argument("--rounds", type=int, default=15, metavar="N", help="rounds; each samples every contender once (15)")
    p.add_argument("--only", default="", metavar="NAME", help="only workloads whose name contains NAME")
    p.add_argument("--no-write", action="store_true", help="print the tables, leave the reports as they are")
    p.add_argument("--no-peers", action="store_true", help="leave out contenders from other packages")
    p.add_argument("--tiny", action="store_true", help="tiny sizes: shows that the bench runs, measures nothing")
    return p


def main(
    bench: str,
    title: str,
    benches: Callable[[Options], Iterable[Bench]],
    argv: Sequence[str] | None = None,
    *,
    clock: str = "process CPU clock",
) -> int:
    """The command of a bench script: pin, measure, print, write. Returns the exit code."""
    p = parser(title)
    args = p.parse_args(argv)
    if args.rounds < 1:
        p.error(f"--rounds must be at least 1, got {args.rounds}")
    machine.pin_threads()
    options = Options(rounds=args.rounds, only=args.only, tiny=args.tiny, peers=not args.no_peers)
    every = list(benches(options))
    chosen = [b for b in every if args.only in b.name]
    if not chosen:
        p.error(f"no workload contains {args.only!r}; there are: {', '.join(b.name for b in every)}")
    report = Report(bench, title, machine.describe(), [machine.load()], clock)
    print(report.heading(), flush=True)
    for b in chosen:
        section = b.run(options)
        report.sections.append(replace(section, goals=()) if args.tiny else section)
        report.load.append(machine.load())
        print("\n" + section_text(report.sections[-1]), flush=True)
    print("\n" + report.closing())
    if not args.no_write:
        if len(chosen) < len(every) or args.tiny or args.no_peers:
            print("not written: reports hold whole runs only (no --only, --tiny or --no-peers)")
        else:
            for path in report.write(REPORTS):
                print(f"wrote {path}")
    return 0
