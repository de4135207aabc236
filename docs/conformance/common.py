"""What the pages on other libraries share: a subject, its report, and both as text."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from minidl.files import write_text
from minidl.verify import run
from minidl.verify.cases import weight
from minidl.verify.report import Report, Row
from minidl.verify.text import short_case

EXAMPLES, SEED = 25, 0


@dataclass(frozen=True)
class Subject:
    """What is judged. judged: a method's name, or contracts; known: the rows that break, each with its reason.

    package: that it is in; target: what `run` takes, or a function that makes it, for a target that needs its package;
    conclusion: what a user should know, or do.
    """

    title: str
    package: str
    judged: Any
    target: Any
    functions: tuple[str, ...]
    conclusion: str
    known: Mapping[str, str] = field(default_factory=dict)
    reference: Any = None  # for contracts that come without a method's name

    @property
    def implementation(self) -> Any:
        """The target, made if need be."""
        return self.target() if callable(self.target) else self.target

    @property
    def breaks(self) -> dict[str, list[str]]:
        """The reasons, each with its rows."""
        reasons: dict[str, list[str]] = {}
        for row, reason in self.known.items():
            reasons.setdefault(reason, []).append(row)
        return reasons


def judge(subject: Subject) -> Report:
    """The report on a subject, with what it is known to break."""
    return run(
        subject.judged,
        subject.implementation,
        reference=subject.reference,
        functions=subject.functions,
        known=subject.known,
        examples=EXAMPLES,
        seed=SEED,
        planted=False,
    )


def surprises(report: Report) -> list[str]:
    """The rows that are not as the page says: broken without a reason, or holding in spite of one."""
    wrong = [row for row in report.rows if row.status not in ("holds", "known", "not provided")]
    return [f"{row.item.id}: {row.status}" for row in wrong]


# --- text --------------------------------------------------------------------------------------------------------------
def table(subjects: Sequence[Subject], reports: Sequence[Report], what: str) -> list[str]:
    """A line per subject and function; what: the title of the first column."""
    lines = [f"| {what} | as | rows | hold | break | not provided |", "| --- | --- | --- | --- | --- | --- |"]
    for subject, report in zip(subjects, reports, strict=True):
        for function in subject.functions:
            count = Counter(row.status for row in report.rows if row.item.contract.function == function)
            lines.append(
                f"| {subject.title} | `{function}` | {count.total()} | {count['holds']} | {count['known'] or '-'} "
                f"| {count['not provided'] or '-'} |"
            )
    return lines


def section(subject: Subject, report: Report) -> list[str]:
    """Everything about one subject."""
    lines = [f"## {subject.title}", ""]
    if report.wiring:
        lines += [*(f"`{function}` is `{call}`  " for function, call in report.wiring.items()), ""]
    holding = [row for row in report.rows if row.status == "holds"]
    absent = [row for row in report.rows if row.status == "not provided"]
    lines += [f"{len(holding)} rows hold:", "", *listed(report, "holds")]
    if absent:
        lines += ["", f"{len(absent)} rows are not provided, since the cases that they need are not offered:", ""]
        lines += listed(report, "not provided")
    for reason, names in subject.breaks.items():
        rows = [report.row(name) for name in names]
        lines += ["", f"**Breaks: {reason}.**", "", *listed(report, "known", names), "", *smallest(rows)]
        for function in dict.fromkeys(name.partition("/")[0] for name in names):
            like = report.resemblances.get(function)
            if like is not None and len(names) > 1:
                lines += ["", f"`{function}` {like}"]
    return [*lines, "", f"**Conclusion.** {subject.conclusion}", ""]


def listed(report: Report, status: str, names: Sequence[str] = ()) -> list[str]:
    """The rows of a status, a line per function."""
    found: dict[str, list[str]] = {}
    for row in report.rows:
        if row.status == status and (not names or row.item.id in names):
            found.setdefault(row.item.contract.function, []).append(row.item.name)
    return [f"- `{function}`: {', '.join(rows)}" for function, rows in found.items()]


def smallest(rows: Sequence[Row]) -> list[str]:
    """The smallest case among the rows, laws first."""
    row = min(rows, key=lambda row: (row.item.kind not in ("law", "call"), weight(row.breakage.case)))
    broken, law = row.breakage, row.item.law
    lines = [f"The smallest case, of {row.item.name}: {row.item.statement}"]
    if law is not None and law.equation:
        lines += ["", f"$${law.equation}$$"]
    named = f"{broken.case_name} ({broken.note}): " if broken.note else ""
    told = {"case": named + short_case(row.item.contract, broken.case), "found": broken.why}
    told |= {"expected": broken.expected, "got": broken.got} if broken.got else {}
    if broken.error is not None:
        told["off by"] = f"{broken.error:.3g}, {broken.excess:.2g} times the tolerance"
    return [*lines, "", "```text", *(f"{label:<9} {text}" for label, text in told.items()), "```"]


def measure(subjects: Sequence[Subject], reports: Sequence[Report]) -> str:
    """What was installed, how many cases were drawn, and how many checks that made."""
    checks = sum(report.checks for report in reports)
    return (
        f"{', '.join(versions(subjects))}; {EXAMPLES} generated cases per row beside the named ones, seed {SEED}; "
        f"{checks:,} checks in all."
    )


def adapter(module: ModuleType, begins: str) -> list[str]:
    """The last section: the script's own adapter, from the line that begins so to what is judged."""
    source = inspect.getsource(module)
    source = source[source.index(begins) : source.index("# --- what is judged")].strip()
    return ["## The adapter", "", "```python", source, "```"]


def version(package: str) -> str:
    """The installed version of an import package, without the build's suffix."""
    return metadata.version(metadata.packages_distributions()[package][0]).partition("+")[0]


def versions(subjects: Sequence[Subject]) -> list[str]:
    """Package and version, of each that is judged and of NumPy."""
    return [f"{package} {version(package)}" for package in dict.fromkeys([*(s.package for s in subjects), "numpy"])]


# --- a run ---------------------------------------------------------------------------------------------------------------
def write(path: Path, subjects: Sequence[Subject], page: Callable[[Sequence[Report]], str], script: Path) -> int:
    """Judge all subjects and write their page, or say where the runs do not agree with what the script says of them."""
    reports = []
    for subject in subjects:
        print(subject.title, flush=True)
        reports.append(judge(subject))
        for line in surprises(reports[-1]):
            print(f"  {line}")
    if any(map(surprises, reports)):
        print(f"the runs do not agree with {script.name}: find out why, and say so there")
        return 1
    write_text(path, page(reports))
    print(f"wrote {path}")
    return 0
