"""What a run found, as text for people, JSON and JUnit XML for machines, and an exit code for scripts."""

from __future__ import annotations

import json
import math
import platform
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.laws.core import Case
from minidl.verify import text

if TYPE_CHECKING:
    from minidl.verify.judge import Item
    from minidl.verify.resemble import Resemblance

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
    traceback: str = field(default="", repr=False)  # of an error that the implementation raised
    error: float | None = None
    tolerance: float | None = None
    excess: float | None = None
    index: tuple[int, ...] | None = None
    vacuous: bool = False
    stalled: bool = False


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

    @property
    def stalled(self) -> bool:
        """Whether a call ran into its time limit."""
        return self.breakage is not None and self.breakage.stalled


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
    wiring: Mapping[str, str] = field(default_factory=dict)  # how an adapted function calls the foreign one
    versions: Mapping[str, str] = field(default_factory=lambda: versions())

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

    def text(self, every: bool = False) -> str:
        """A line per contract and law, the summary, then what is broken in detail.

        Of each function the few rows that say most are told, unless every: laws on small cases before the others.
        """
        return text.render(self, every)

    def details(self, row: Row) -> list[str]:
        """What there is to say of one row: statement, case, expected and got, how to reproduce it, where to read on."""
        return text.details(self, row, alone=True)

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
            "adapted": dict(self.wiring),
            "versions": dict(self.versions),
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


def versions(package: str = "") -> dict[str, str]:
    """What the numbers were made with; package: the import package of the one judged, if it was installed."""
    from minidl import __version__

    found = {"minidl": __version__, "numpy": np.__version__, "python": platform.python_version()}
    if package and package not in found and (version := _installed(package)):
        found[package] = version
    return found


def _installed(package: str) -> str:
    from importlib import metadata

    names = metadata.packages_distributions().get(package, [])
    return metadata.version(names[0]) if names else ""


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
