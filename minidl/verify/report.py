"""What a run found, as text for people, JSON and JUnit XML for machines, and an exit code for scripts."""

from __future__ import annotations

import itertools
import json
import math
import platform
import re
import textwrap
import traceback
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.laws.core import Broken, Case

if TYPE_CHECKING:
    from minidl.verify.judge import Item
    from minidl.verify.resemble import Resemblance

STATUSES = ("holds", "broken", "not provided", "known", "unexpected pass", "claimed otherwise")
_WIDTH = 110
# what XML 1.0 cannot carry, however it is escaped
_UNPRINTABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass
class Breakage:
    """How a row broke, on the smallest case that was found. error, tolerance and excess belong to the worst entry."""

    why: str
    expected: str | None
    got: str | None
    case: Case = field(repr=False)
    case_name: str
    note: str
    reproduce: str
    exception: BaseException | None = field(default=None, repr=False)
    error: float | None = None
    tolerance: float | None = None
    excess: float | None = None
    index: tuple[int, ...] | None = None
    vacuous: bool = False

    @property
    def traceback(self) -> str:
        """The traceback of an error that the implementation raised; empty where a comparison failed."""
        if self.exception is None or isinstance(self.exception, Broken):
            return ""
        return "".join(traceback.format_exception(self.exception))


@dataclass
class Row:
    """The verdict on one item. reason: of a known failure, or what is not provided."""

    item: Item
    status: str
    checks: int = 0
    cases: int = 0
    declined: int = 0
    reason: str = ""
    seconds: float = 0.0
    breakage: Breakage | None = None


@dataclass(frozen=True)
class Kills:
    """The planted bugs of a contract that its cases kill, and those that they let live."""

    killed: tuple[str, ...]
    survived: tuple[str, ...]


@dataclass
class Report:
    """The rows of a run and what they add up to."""

    method: str
    target: str
    reference: str = ""
    lesson: str = ""
    examples: int = 0
    seed: int = 0
    claims: Mapping[str, str] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    planted: dict[str, Kills] = field(default_factory=dict)
    resemblances: dict[str, Resemblance | None] = field(default_factory=dict)
    unusable: str = ""

    @property
    def exit_code(self) -> int:
        """0 all held, 1 something is broken, 2 the target could not be used."""
        if self.unusable:
            return 2
        return 1 if any(row.status == "broken" for row in self.rows) else 0

    @property
    def checks(self) -> int:
        """How many comparisons ran."""
        return sum(row.checks for row in self.rows)

    @property
    def broken(self) -> list[Row]:
        return [row for row in self.rows if row.status == "broken"]

    def row(self, name: str) -> Row:
        """The row of that id (`function/law`). KeyError if there is none."""
        for row in self.rows:
            if row.item.id == name:
                return row
        raise KeyError(f"no row {name!r}; there are {', '.join(row.item.id for row in self.rows)}")

    # --- text -------------------------------------------------------------------------------------------------------

    def text(self) -> str:
        """A line per contract and law, the summary, then what is broken in detail."""
        lines = [f"{self.method}: {self.target}"]
        against = f"reference {self.reference}, " if self.reference else ""
        lines.append(f"{against}{self.examples} generated cases per row, seed {self.seed}, {_versions_line()}")
        if self.claims:
            lines.append("claims " + ", ".join(f"{name}={value}" for name, value in self.claims.items()))
        if self.rows:
            lines += ["", *self._table()]
        lines += ["", *self._summary()]
        told: set[str] = set()
        for row in self.broken:
            function = row.item.contract.function
            lines += ["", *self.details(row, resembles=function not in told)]
            told.add(function)
        return "\n".join(lines) + "\n"

    def _table(self) -> list[str]:
        """The rows; a function that is missing altogether takes one line, not one per law."""
        cells = [("function", "what", "verdict", "checks", "cases", "")]
        for function, group in itertools.groupby(self.rows, lambda row: row.item.contract.function):
            rows = list(group)
            if len(rows) > 1 and all(row.status == "not provided" for row in rows):
                cells.append((function, f"all {len(rows)} rows", "not provided", "-", "-", rows[0].reason))
                continue
            for row in rows:
                status = row.status.upper() if row.status == "broken" else row.status
                counts = (str(row.checks), str(row.cases)) if row.cases else ("-", "-")
                remark = row.reason or (f"{row.declined} declined" if row.declined else "")
                cells.append((function if row is rows[0] else "", row.item.name, status, *counts, remark))
        widths = [max(len(line[column]) for line in cells) for column in range(5)]
        return [
            f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:<{widths[2]}}  {d:>{widths[3]}}  {e:>{widths[4]}}  {f}".rstrip()
            for a, b, c, d, e, f in cells
        ]

    def _summary(self) -> list[str]:
        if self.unusable:
            return [f"the target cannot be judged: {self.unusable}"]
        count = Counter(row.status for row in self.rows)
        parts = ", ".join(f"{count[status]} {_short(status)}" for status in STATUSES if count[status])
        cases = sum(row.cases for row in self.rows)
        lines = [f"{len(self.rows)} rows: {parts}; {self.checks:,} checks on {cases:,} cases"]
        if self.planted:
            killed = sum(len(kills.killed) for kills in self.planted.values())
            survived = [f"{function}: {bug}" for function, kills in self.planted.items() for bug in kills.survived]
            lines.append(f"these very cases kill {killed} of {killed + len(survived)} planted bugs")
            if survived:
                lines.append("they let live " + ", ".join(survived))
        lines += [
            f"unexpected pass: {row.item.id} holds; take it off the known failures ({row.reason})"
            for row in self.rows
            if row.status == "unexpected pass"
        ]
        return lines

    def details(self, row: Row, *, resembles: bool = True) -> list[str]:
        """What there is to say of one row: statement, case, expected and got, how to reproduce it, where to read on."""
        broken, law = row.breakage, row.item.law
        lines = [f"{row.status.upper()}  {row.item.id}"]

        def add(label: str, text: str) -> None:
            lines.extend(_labelled(label, text))

        add("law" if law else "states", row.item.statement)
        if law and law.equation:
            add("equation", law.equation)
        if law and law.source:
            add("source", law.source)
        if broken is None:
            if row.reason:
                add("reason", row.reason)
            return lines
        add("found", broken.why)
        if broken.expected is not None:
            add("expected", broken.expected)
        if broken.got is not None:
            add("got", broken.got)
        if broken.error is not None:
            times = "" if broken.tolerance == 0 else f", {broken.excess:.3g} times that"
            where = f" at entry {broken.index}" if broken.index else ""
            add("off by", f"{broken.error:.6g}{where}; the tolerance there is {broken.tolerance:.3g}{times}")
        if broken.case_name:
            add("case", broken.case_name + (f" (hunts: {broken.note})" if broken.note else ""))
        if broken.reproduce:
            lines.append(f"  reproduce  {broken.reproduce}")  # never wrapped: it is to be copied
        like = self.resemblances.get(row.item.contract.function)
        if like is not None and resembles:
            add("looks like", str(like).removeprefix("looks like "))
        if self.lesson:
            add("lesson", f"minidl run {self.lesson}")
        return lines

    # --- machines ---------------------------------------------------------------------------------------------------

    def json(self) -> str:
        """The whole report; a number that JSON cannot write (inf) is a string."""
        document = {
            "format": "minidl-verify",
            "version": 1,
            "method": self.method,
            "target": self.target,
            "reference": self.reference,
            "lesson": self.lesson,
            "examples": self.examples,
            "seed": self.seed,
            "claims": dict(self.claims),
            "versions": versions(),
            "exit_code": self.exit_code,
            "unusable": self.unusable,
            "checks": self.checks,
            "counts": dict(Counter(row.status for row in self.rows)),
            "planted": {
                function: {"killed": list(kills.killed), "survived": list(kills.survived)}
                for function, kills in self.planted.items()
            },
            "resembles": {
                function: {"bug": like.bug, "statement": like.statement, "exact": like.exact, "grounds": like.grounds}
                for function, like in self.resemblances.items()
                if like is not None
            },
            "rows": [_row(row) for row in self.rows],
        }
        return json.dumps(document, indent=2, allow_nan=False) + "\n"

    def junit(self) -> str:
        """JUnit XML: a test case per row; what is not provided, known or claimed otherwise is skipped."""
        suite = ET.Element("testsuite", name=f"minidl verify {self.method}", tests=str(max(len(self.rows), 1)))
        failed = skipped = 0
        for row in self.rows:
            case = ET.SubElement(
                suite,
                "testcase",
                classname=f"{self.method}.{row.item.contract.function}",
                name=row.item.name,
                time=f"{row.seconds:.3f}",
            )
            if row.status == "broken":
                failed += 1
                element = ET.SubElement(case, "failure", message=_printable(row.breakage.why), type="Broken")
                element.text = _printable("\n".join(self.details(row)) + "\n\n" + row.breakage.traceback)
            elif row.status not in ("holds", "unexpected pass"):
                skipped += 1
                ET.SubElement(case, "skipped", message=_printable(f"{row.status}: {row.reason}"))
            elif row.status == "unexpected pass":
                ET.SubElement(case, "system-out").text = _printable(f"unexpected pass: {row.reason}")
        if self.unusable:
            case = ET.SubElement(suite, "testcase", classname=self.method, name="target", time="0")
            ET.SubElement(case, "error", message=_printable(self.unusable), type="TargetError")
            suite.set("tests", str(len(self.rows) + 1))
        suite.set("failures", str(failed))
        suite.set("errors", str(int(bool(self.unusable))))
        suite.set("skipped", str(skipped))
        ET.indent(suite)
        return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def versions() -> dict[str, str]:
    """What the numbers were made with."""
    from minidl import __version__

    return {"minidl": __version__, "numpy": np.__version__, "python": platform.python_version()}


def _versions_line() -> str:
    return ", ".join(f"{name} {version}" for name, version in versions().items())


def _short(status: str) -> str:
    return {"holds": "hold"}.get(status, status)


def _labelled(label: str, text: str) -> list[str]:
    parts = textwrap.wrap(text, _WIDTH - 13, break_long_words=False, break_on_hyphens=False) or [""]
    return [f"  {label:<10} {parts[0]}", *(" " * 13 + part for part in parts[1:])]


def _number(value: float | None) -> float | str | None:
    return value if value is None or math.isfinite(value) else str(value)


def _row(row: Row) -> dict[str, Any]:
    law, broken = row.item.law, row.breakage
    result: dict[str, Any] = {
        "id": row.item.id,
        "function": row.item.contract.function,
        "kind": row.item.kind,
        "name": row.item.name,
        "status": row.status,
        "statement": row.item.statement,
        "checks": row.checks,
        "cases": row.cases,
        "declined": row.declined,
        "seconds": round(row.seconds, 3),
        "reason": row.reason,
    }
    if law is not None:
        result |= {"equation": law.equation, "source": law.source, "grade": law.grade}
    if broken is not None:
        result["broken"] = {
            "why": broken.why,
            "expected": broken.expected,
            "got": broken.got,
            "error": _number(broken.error),
            "tolerance": _number(broken.tolerance),
            "excess": _number(broken.excess),
            "index": None if broken.index is None else list(broken.index),
            "case": broken.case_name,
            "note": broken.note,
            "reproduce": broken.reproduce,
        }
    return result


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)
