"""What a run found, as a text table for people and as JSON for programs."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from minidl.files import write_json, write_text

REPORTS = Path(__file__).parent / "reports"


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of the samples, one sample per round."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> Spread:
        if len(samples) < 2:
            return cls(samples[0], samples[0], samples[0])
        low, median, high = statistics.quantiles(samples, n=4, method="inclusive")
        return cls(median, low, high)


@dataclass(frozen=True)
class Row:
    """One contender: seconds per call, and its time relative to the base contender of the same round."""

    name: str
    seconds: Spread
    ratio: Spread
    calls: int


@dataclass(frozen=True)
class Verdict:
    """A goal beside what was measured. `measured` and `reached` are None if a contender it needs was not there."""

    quantity: str
    measured: float | None
    limit: str
    reached: bool | None


@dataclass(frozen=True)
class Section:
    """One workload of a bench."""

    name: str
    note: str = ""
    base: str = ""
    rows: Sequence[Row] = ()
    figures: Sequence[tuple[str, str]] = ()
    skipped: Sequence[tuple[str, str]] = ()
    goals: Sequence[Verdict] = ()
    rounds: int = 0
    cpu_per_wall: float | None = None


@dataclass
class Report:
    bench: str
    title: str
    machine: dict[str, Any]
    load: list[float | None]
    clock: str
    sections: list[Section] = field(default_factory=list)

    def write(self, folder: Path = REPORTS) -> tuple[Path, Path]:
        """`<bench>.json` and `<bench>.txt` in the folder; each is whole or as it was before."""
        return (
            write_json(folder / f"{self.bench}.json", asdict(self)),
            write_text(folder / f"{self.bench}.txt", self.text()),
        )

    def text(self) -> str:
        parts = [self.heading(), *(section_text(section) for section in self.sections), self.closing()]
        return "\n\n".join(parts) + "\n"

    def heading(self) -> str:
        m = self.machine
        peers = ", ".join(f"{name} {v}" for name, v in m["peers"].items() if v)
        threads = "/".join(sorted({str(v) for v in m["threads"].values()}))
        return (
            f"{self.bench}: {self.title}\n"
            f"{m['processor']}, {m['cpus']} CPUs, {m['system']}\n"
            f"python {m['python']}, numpy {m['numpy']} ({m['blas']}), {peers}\n"
            f"{m['date']}, revision {m['revision']}, threads {threads}, {self.clock}, "
            f"load {self.load[0]} at the start"
        )

    def closing(self) -> str:
        verdicts = [goal for section in self.sections for goal in section.goals]
        reached = sum(goal.reached is True for goal in verdicts)
        missed = sum(goal.reached is False for goal in verdicts)
        unmeasured = len(verdicts) - reached - missed
        more = f", {unmeasured} not measured" if unmeasured else ""
        return f"goals: {reached} reached, {missed} missed{more}; load {self.load[-1]} at the end"


def section_text(section: Section) -> str:
    """The table of one workload: contenders, what was skipped and why, goals."""
    head = section.name
    if section.rounds:
        head += f"  [{section.rounds} rounds"
        head += f", cpu/wall {section.cpu_per_wall:.2f}]" if section.cpu_per_wall is not None else "]"
    lines = [head]
    if section.note:
        lines.append(f"  {section.note}")
    if section.rows:
        table = [("contender", "per call", "(quartiles)", f"time / {section.base}", "(quartiles)")]
        for row in section.rows:
            t, r = row.seconds, row.ratio
            table.append(
                (
                    row.name,
                    seconds(t.median),
                    f"({seconds(t.low)} .. {seconds(t.high)})",
                    f"{r.median:.3f}",
                    f"({r.low:.3f} .. {r.high:.3f})",
                )
            )
        lines += _aligned(table)
    if section.figures:
        lines += _aligned(list(section.figures))
    lines += [f"  skipped: {name}, {reason}" for name, reason in section.skipped]
    if section.goals:
        table = [("goal", "measured", "limit", "reached")]
        for goal in section.goals:
            measured = "-" if goal.measured is None else f"{goal.measured:.3f}"
            table.append((goal.quantity, measured, goal.limit, {True: "yes", False: "NO", None: "-"}[goal.reached]))
        lines += _aligned(table)
    return "\n".join(lines)


def _aligned(table: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    return [("  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True))).rstrip() for row in table]


def seconds(t: float) -> str:
    """A duration in the unit that keeps it readable."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if t >= size:
            return f"{t / size:.4g} {unit}"
    return f"{t / 1e-9:.4g} ns"
