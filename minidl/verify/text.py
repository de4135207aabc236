"""A report as text for people: a line per row, what it adds up to, and what is broken, the most telling rows first."""

from __future__ import annotations

import itertools
import textwrap
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.laws.core import Case, Contract
from minidl.verify.cases import weight

if TYPE_CHECKING:
    from minidl.verify.report import Report, Row

STATUSES = ("holds", "broken", "not provided", "known", "unexpected pass", "claimed otherwise", "not judged")
_WIDTH = 110
_SHOWN = 3  # broken rows of a function that are told in detail


def render(report: Report, every: bool) -> str:
    """A line per contract and law, the summary, then what is broken in detail.

    Of each function the few rows that say most are told, unless every: laws on small cases before the others.
    """
    lines = [f"{report.method}: {report.target}"]
    against = f"reference {report.reference}, " if report.reference else ""
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    lines.append(f"{against}{report.examples} generated cases per row, seed {report.seed}, {versions}")
    if report.claims:
        lines.append("claims " + ", ".join(f"{name}={value}" for name, value in report.claims.items()))
    if report.wiring:
        width = max(map(len, report.wiring))
        lines += ["", *(f"{name:<{width}} is {call}" for name, call in report.wiring.items())]
    if report.rows:
        lines += ["", *_table(report)]
    lines += ["", *_summary(report)]
    for _, group in itertools.groupby(report.broken, lambda row: row.item.contract.function):
        lines += _diagnosis(report, list(group), every)
    return "\n".join(lines) + "\n"


def _diagnosis(report: Report, broken: list[Row], every: bool) -> list[str]:
    """What is wrong with one function."""
    function = broken[0].item.contract.function
    rows = [row for row in report.rows if row.item.contract.function == function]
    lines = ["", f"BROKEN  {function}: {len(broken)} of {len(rows)} rows"]
    like = report.resemblances.get(function)
    if like is not None:
        lines += _labelled("looks like", str(like).removeprefix("looks like "))
    if report.lesson:
        lines += _labelled("lesson", f"minidl run {report.lesson}")
    told = broken if every else _telling(broken)
    for row in told:
        lines += ["", *details(report, row, alone=False)]
    if rest := [row.item.name for row in broken if row not in told]:
        lines += ["", *_labelled("also", f"{', '.join(rest)} (told in full with --all, in --json and in --junit)")]
    return lines


def _table(report: Report) -> list[str]:
    """The rows; a function without a judged row takes one line, and those that are missing altogether share one."""
    cells = [("function", "what", "verdict", "checks", "cases", "")]
    missing: dict[str, int] = {}
    for function, group in itertools.groupby(report.rows, lambda row: row.item.contract.function):
        rows = list(group)
        if len(rows) > 1 and all(row.status == "not provided" for row in rows):
            if any(row.declined for row in rows):
                cells.append((function, f"all {len(rows)} rows", "not provided", "-", "-", rows[0].reason))
            else:
                missing[function] = len(rows)
            continue
        for row in rows:
            status = row.status.upper() if row.status == "broken" else row.status
            counts = (str(row.checks), str(row.cases)) if row.cases else ("-", "-")
            remark = row.reason or (f"{row.declined} declined" if row.declined else "")
            cells.append((function if row is rows[0] else "", row.item.name, status, *counts, remark))
    widths = [max(len(line[column]) for line in cells) for column in range(5)]
    lines = [
        f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:<{widths[2]}}  {d:>{widths[3]}}  {e:>{widths[4]}}  {f}".rstrip()
        for a, b, c, d, e, f in cells
    ]
    if missing:
        total = sum(missing.values())
        lines = lines if len(cells) > 1 else []
        lines += _wrapped(f"not provided: {total} rows, since there is no {', '.join(missing)}")
    return lines


def _summary(report: Report) -> list[str]:
    if report.unusable:
        return [f"the target cannot be judged: {report.unusable}"]
    count = Counter(row.status for row in report.rows)
    parts = ", ".join(f"{count[status]} {_short(status)}" for status in STATUSES if count[status])
    cases = sum(row.cases for row in report.rows)
    lines = [f"{len(report.rows)} rows: {parts}; {report.checks:,} checks on {cases:,} cases"]
    if report.planted:
        killed = sum(len(kills.killed) for kills in report.planted.values())
        survived = [f"{function}: {bug}" for function, kills in report.planted.items() for bug in kills.survived]
        lines.append(f"these very cases kill {killed} of {killed + len(survived)} planted bugs")
        if survived:
            lines.append("they let live " + ", ".join(survived))
    lines += [
        f"unexpected pass: {row.item.id} holds; take it off the known failures ({row.reason})"
        for row in report.rows
        if row.status == "unexpected pass"
    ]
    return lines


def details(report: Report, row: Row, *, alone: bool) -> list[str]:
    """What there is to say of one row: statement, case, expected and got, how to reproduce it.

    alone: also what is said of the whole function, the planted bug and where to read on.
    """
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
    elif broken.case and len(inputs := short_case(row.item.contract, broken.case)) <= 4 * _WIDTH:
        add("case", inputs)
    if broken.reproduce:
        lines.append(f"  reproduce  {broken.reproduce}")  # never wrapped: it is to be copied
    like = report.resemblances.get(row.item.contract.function)
    if like is not None and alone:
        add("looks like", str(like).removeprefix("looks like "))
    if report.lesson and alone:
        add("lesson", f"minidl run {report.lesson}")
    return lines


def _short(status: str) -> str:
    return {"holds": "hold"}.get(status, status)


def _labelled(label: str, text: str) -> list[str]:
    parts = textwrap.wrap(text, _WIDTH - 13, break_long_words=False, break_on_hyphens=False) or [""]
    return [f"  {label:<10} {parts[0]}", *(" " * 13 + part for part in parts[1:])]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _telling(broken: list[Row]) -> list[Row]:
    """The few rows to tell, in the order of the table: calls, then laws on small cases; none that repeats another."""
    order = {"call": 0, "law": 1, "agreement": 2, "golden": 3}
    told: dict[tuple[str, str | None], Row] = {}
    for row in sorted(broken, key=lambda row: (order[row.item.kind], weight(row.breakage.case))):
        same = row.breakage.why, row.breakage.got if row.breakage.error is None else row.item.name
        told.setdefault(same, row)
    few = list(told.values())[:_SHOWN]
    return [row for row in broken if row in few]


def short_case(contract: Contract, case: Case) -> str:
    """The inputs of a case in a short form, arrays as lists."""
    return ", ".join(f"{name}={_short_value(case[name])}" for name in contract.inputs if name in case)


def _short_value(value: Any) -> str:
    if not isinstance(value, np.ndarray):
        return repr(value)
    plain = value.dtype in (np.dtype(float), np.dtype(np.int64), np.dtype(bool))
    with np.printoptions(formatter={"float_kind": str}, linewidth=10**6):
        body = " ".join(np.array2string(value, separator=",").split())
    return body if plain else f"{body} ({value.dtype})"
