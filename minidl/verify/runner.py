"""Laws x implementation -> report."""

from __future__ import annotations

import difflib
import re
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from minidl import atlas
from minidl.laws.checks import counting, show
from minidl.laws.core import Broken, Case, Contract, Planted
from minidl.verify.adapters.adapted import label, wiring
from minidl.verify.judge import KINDS, Item, checked_claims, items, select
from minidl.verify.limits import Watch, keeps_time
from minidl.verify.report import Breakage, Kills, Report, Row, versions
from minidl.verify.repro import line
from minidl.verify.resemble import Resemblance, resemblance
from minidl.verify.search import Failure, Outcome, Stalled, Unusable, draw, search
from minidl.verify.subject import Subject, provides
from minidl.verify.targets import opened
from minidl.verify.tolerance import Reference, quiet

EXAMPLES = 50
_COMPARED = 24  # generated cases on which an implementation is compared with planted bugs
ENOUGH = 2  # rows of a contract that may run into the time limit, or end the process, before the others are left out


@dataclass
class Bench:
    """Contracts, a reference and the settings of a run: what stays the same whoever is judged."""

    contracts: Sequence[Contract]
    reference: Any = None
    claims: Mapping[str, str] = field(default_factory=dict)
    examples: int = EXAMPLES
    seed: int = 0
    method: str | None = None
    lesson: str = ""
    watch: Watch | None = None

    def __post_init__(self) -> None:
        self.claims = checked_claims(self.claims)
        self.references = {
            contract.function: Reference(contract, self.reference) if self.reference is not None else None
            for contract in self.contracts
        }

    @classmethod
    def of(cls, what: Any, *, reference: Any = None, functions: Sequence[str] | None = None, **settings: Any) -> Bench:
        """From a method's name or row, or from contracts of one's own (one, or several) with their reference."""
        if isinstance(what, atlas.Method):
            what = what.name
        if isinstance(what, str):
            row = atlas.method(what)
            contracts = atlas.load_contracts(what)
            reference = atlas.load_reference(what) if reference is None else reference
            return cls(select(contracts, functions), reference, method=what, lesson=row.lesson, **settings)
        contracts = [what] if isinstance(what, Contract) else list(what)
        if not contracts:
            raise ValueError("nothing to judge: give a method's name, or at least one contract")
        return cls(select(contracts, functions), reference, **settings)

    def items(self, contract: Contract) -> list[Item]:
        return items(contract, self.references[contract.function], self.claims)

    def all_items(self) -> Iterable[Item]:
        for contract in self.contracts:
            yield from self.items(contract)

    def item(self, name: str) -> Item:
        """The item of that id, or of that law's name where only one has it. ValueError lists the near ones."""
        found = list(self.all_items())
        matching = [item for item in found if item.id == name] or [item for item in found if item.name == name]
        if len(matching) == 1:
            return matching[0]
        if matching:
            raise ValueError(f"{name!r} is the name of several: {', '.join(item.id for item in matching)}")
        raise ValueError(unknown(name, [item.id for item in found]))

    def judge(
        self, item: Item, implementation: Any, *, target: str = "impl", shrink: bool = True, timed: bool = True
    ) -> Row:
        """Judge one item. timed=False for what is known to end. Raises Unusable when nothing can be judged at all."""
        if item.claimed:
            return Row(item, "claimed otherwise", reason=item.claimed)
        if missing := [name for name in item.needs if not provides(implementation, name)]:
            return Row(item, "not provided", reason=f"it has no {', '.join(missing)}")
        watch = self.watch if timed and not keeps_time(implementation) else None
        subject = Subject(implementation, self.contracts, watch)
        names = {id(case): name for name, case in item.cases.named.items()}

        def check(case: Case) -> None:
            if watch is not None:
                watch.about(item.id, case, names.get(id(case), ""))
            item.check(subject, case)

        began = time.monotonic()
        with counting() as tally:
            outcome = search(
                check,
                item.cases,
                examples=self.examples,
                seed=self.seed,
                shrink=shrink,
            )
        row = Row(
            item,
            "holds",
            checks=tally.checks,
            cases=outcome.cases,
            declined=outcome.declined,
            seconds=time.monotonic() - began,
        )
        if outcome.failure is not None:
            row.status, row.breakage = "broken", self._breakage(item, outcome.failure, target)
        elif not tally.checks and outcome.declined:  # what it declined is all that there was to check
            row.status, row.reason = "not provided", outcome.why_declined
        elif not tally.checks:
            row.status, row.breakage = "broken", self._vacuous(item, outcome, target)
        return row

    def _vacuous(self, item: Item, outcome: Outcome, target: str) -> Breakage:
        if item.kind == "agreement" and self.claims["kink"] != "minidl":
            why = "every case sits at a kink, where this claim compares nothing"
        elif item.kind == "agreement":
            why = f"{item.name.partition(':')[2]} never came: see call:pure"
        elif outcome.cases:
            why = "not one check ran: a law that compares nothing cannot hold"
        else:
            why = "no case met the law's assumptions"
        return self._breakage(item, Failure({}, "", Broken(why)), target)

    def _breakage(self, item: Item, failure: Failure, target: str) -> Breakage:
        error = failure.error
        vacuous = not failure.case  # the fault is the law's: nothing was judged
        common = {
            "vacuous": vacuous,
            "case": failure.case,
            "case_name": failure.name,
            "note": item.cases.notes.get(failure.name, ""),
            "reproduce": "" if vacuous else line(self.method, item, target, failure, self.reference is not None),
            "stalled": isinstance(error, Stalled),
        }
        if isinstance(error, Broken):
            return Breakage(
                why=error.why,
                expected=None if error.expected is None else show(error.expected),
                got=None if error.got is None else show(error.got),
                error=error.error,
                tolerance=error.tolerance,
                excess=error.excess,
                index=error.index,
                **common,
            )
        raised = str(error) if isinstance(error, Stalled) else f"{type(error).__name__}: {error}"
        function = getattr(error, "minidl_function", None)
        if isinstance(error, Stalled):
            why = "a call ran into the time limit"
        elif function is None:
            why = "the law could not be evaluated on what the implementation returned"
        else:
            why = f"{function} raised an error"
        trace = "".join(traceback.format_exception(error))
        return Breakage(why=why, expected="a result", got=raised, traceback=trace, **common)

    def broken_by(
        self, contract: Contract, implementation: Any, *, first: bool = False, kinds: Sequence[str] = KINDS
    ) -> list[str]:
        """The names of the contract's items that an implementation breaks, without shrinking.

        first: only the first of them, which is quick. kinds: only items of these.
        """
        broken = []
        with quiet():
            for item in self.items(contract):
                if item.kind not in kinds:
                    continue
                row = self.judge(item, implementation, shrink=False, timed=False)
                if row.status == "broken" and not row.breakage.vacuous:
                    broken.append(item.name)
                    if first:
                        break
        return broken

    def kills(self, contract: Contract) -> Kills | None:
        """Which planted bugs these very cases kill. None without a reference to plant them in."""
        if self.reference is None:
            return None
        dead = {bug.name: self.broken_by(contract, bug.apply(self.reference), first=True) for bug in contract.planted}
        return Kills(tuple(name for name, by in dead.items() if by), tuple(name for name, by in dead.items() if not by))

    def resembles(self, contract: Contract, implementation: Any, rows: Sequence[Row]) -> Resemblance | None:
        """The planted bug that the broken rows of a contract look like."""
        reference = self.references[contract.function]
        if reference is None or not contract.planted:
            return None
        failing = [row.breakage.case for row in rows if row.status == "broken" and row.breakage.case]
        broken = frozenset(row.item.name for row in rows if row.status == "broken" and row.item.kind == "law")
        laws = {law.name for law in contract.laws}

        def laws_broken_by(bug: Planted) -> frozenset[str]:
            return frozenset(self.broken_by(contract, bug.apply(self.reference))) & laws

        drawn = contract.cases.generated
        more = draw(drawn, self.examples, self.seed)[:_COMPARED] if drawn is not None and self.examples else ()
        cases = [*contract.cases.named.values(), *failing, *more]
        subject = Subject(implementation, self.contracts, None if keeps_time(implementation) else self.watch)
        try:
            return resemblance(contract, reference, subject, cases, broken, laws_broken_by)
        except Stalled:  # what takes that long is not compared on further cases
            return None


def run(
    method_or_contracts: Any,
    impl: Any,
    *,
    reference: Any = None,
    known: Mapping[str, str] | None = None,
    claims: Mapping[str, str] | None = None,
    examples: int = EXAMPLES,
    seed: int = 0,
    functions: Sequence[str] | None = None,
    planted: bool = True,
    target: str | None = None,
    time_limit: float | None = None,
    isolated: bool = False,
) -> Report:
    """Hold an implementation against contracts.

    method_or_contracts: a method of the atlas by name, or contracts; with contracts, agreement and planted bugs need
        their `reference`.
    impl: a namespace of functions, a string that `load_target` understands, "--cmd TOOL", or an optimizer that can be
        adapted (see minidl.verify.adapters), by itself or through `adapt`.
    known: expected failures, from a row's id (as the report prints it, `function/law`) to the reason.
    claims: other conventions, such as {"kink": "any-subgradient"} or {"dtype": "any"}.
    examples: generated cases per row; seed fixes them. functions: judge only these. planted=False leaves out the
        count of planted bugs. target: the string that names `impl` for the report and for the lines that reproduce a
        failure (without it, those of a namespace speak of a variable `impl`).
    time_limit: seconds that one call may take, 10 by default, and then 30 for the first call of a function. Within this
        process it interrupts Python code in the main thread, where the system has an alarm signal.
    isolated: judge in a process of its own, for a method by name and a target by string: what hangs in compiled code, or
        ends its process, is told as well, and what the target prints goes to standard error.
    Raises ValueError on unknown names and TargetError, with the empty report as `report`, when `impl` cannot be loaded or
    adapted.
    """
    if time_limit is not None and not time_limit > 0:
        raise ValueError(f"time_limit must be a number of seconds above 0, got {time_limit!r}")
    bench = Bench.of(
        method_or_contracts,
        reference=reference,
        functions=functions,
        claims=claims or {},
        examples=examples,
        seed=seed,
        watch=Watch(time_limit),
    )
    known = checked_known(known, [item.id for item in bench.all_items()])
    name, source = label(impl, target)
    package = re.match(r"\w+(?=[.:]\w|$)", name)
    report = Report(
        method=bench.method or "contracts",
        target=name,
        reference=getattr(bench.reference, "__name__", type(bench.reference).__name__) if bench.reference else "",
        lesson=bench.lesson,
        examples=examples,
        seed=seed,
        claims={name: value for name, value in bench.claims.items() if name in (claims or {})},
        versions=versions(package[0] if package else ""),
    )
    if isolated:
        from minidl.verify.supervise import supervised

        events = supervised(bench, impl, source, time_limit)
    else:
        events = verdicts(bench, impl, source, seconds=time_limit)
    try:
        _fill(bench, report, events, known)
    except Unusable as error:
        report.unusable, error.report = str(error), report
        raise
    if planted and not report.unusable:
        judged = {row.item.contract.function for row in report.rows if row.status != "not provided"}
        counted = {
            contract.function: bench.kills(contract) for contract in bench.contracts if contract.function in judged
        }
        report.planted = {function: kills for function, kills in counted.items() if kills is not None}
    return report


def checked_known(known: Mapping[str, str] | None, ids: Sequence[str]) -> dict[str, str]:
    """The known failures. Raises ValueError on a row that does not exist, or without a reason."""
    for name, reason in (known or {}).items():
        if name not in ids:
            raise ValueError(f"known failure {unknown(name, ids)}")
        if not isinstance(reason, str) or not reason.strip():
            raise ValueError(f"known failure {name!r} needs a reason")
    return dict(known or {})


Event = tuple[str, Any]


def verdicts(
    bench: Bench, impl: Any, source: str, *, seconds: float | None = None, done: frozenset[str] = frozenset()
) -> Iterator[Event]:
    """Judge every contract, and tell of it step by step; a report, or another process, listens.

    ("opened", (names, wiring))  the target is there, and what it has
    ("begin", id)                an item is judged next; "function/resemblance" is the search for a planted bug like it
    ("row", Row)
    ("resembles", (function, Resemblance or None))

    source: the implementation as Python that `reproduce` takes. done: ids that are not judged again.
    Raises Unusable when the target cannot be judged at all.
    """
    with opened(impl, bench.contracts, bench.reference, seconds=seconds) as implementation:
        names = [entry for entry in dir(implementation) if not entry.startswith("_")]
        yield "opened", (names, wiring(implementation))
        for contract in bench.contracts:
            found = bench.items(contract)
            rows: list[Row] = []
            for item in found:
                if item.id in done:
                    continue
                if sum(row.stalled for row in rows) >= ENOUGH:
                    row = left_out(item, "ran into the time limit")
                else:
                    yield "begin", item.id
                    with quiet():  # the verdict is on values, whatever the caller does about warnings
                        row = bench.judge(item, implementation, target=source)
                rows.append(row)
                yield "row", row
            name = f"{contract.function}/resemblance"
            # what hangs, or has ended a process before, is not tried on further cases
            tried = len(rows) == len(found) and name not in done and not any(row.stalled for row in rows)
            if tried and any(row.status == "broken" for row in rows):
                yield "begin", name
                with quiet():
                    like = bench.resembles(contract, implementation, rows)
                yield "resembles", (contract.function, like)


def left_out(item: Item, what: str) -> Row:
    """The row of an item that is not tried, since its function does something that takes too long to try again."""
    return Row(item, "not judged", reason=f"{item.contract.function} {what} {ENOUGH} times")


def _fill(bench: Bench, report: Report, events: Iterable[Event], known: Mapping[str, str]) -> None:
    names: list[str] = []
    try:
        for event, content in events:
            if event == "opened":
                names, report.wiring = content
            elif event == "row":
                report.rows.append(content)
            elif event == "resembles":
                report.resemblances[content[0]] = content[1]
    except Unusable as error:
        if not report.rows and not names:
            raise
        report.unusable = str(error)
        return
    for row in report.rows:
        if row.item.id in known:
            row.reason = known[row.item.id]
            row.status = {"broken": "known", "holds": "unexpected pass"}.get(row.status, row.status)
    if not any(row.status not in ("not provided", "claimed otherwise") for row in report.rows):
        report.unusable = _nothing_judged(bench, report, names)


def _nothing_judged(bench: Bench, report: Report, names: Sequence[str]) -> str:
    wanted = [contract.function for contract in bench.contracts]
    declined = [row.reason for row in report.rows if row.item.contract.function in names and row.declined]
    if declined:
        return f"every case was declined: {declined[0]}"
    have = ", ".join(sorted(names)) or "none"
    return f"it provides none of the functions judged here ({', '.join(wanted)}); it has {have}"


def unknown(name: str, names: Sequence[str]) -> str:
    """What to say of a name that does not exist."""
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
    return f"{name!r} is not there; " + (f"near are {', '.join(near)}" if near else f"there are {', '.join(names)}")
