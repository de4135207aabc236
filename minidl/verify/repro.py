"""One line of Python that shows a failure again, and the function that the line calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl.laws.core import Case
from minidl.verify.cases import Guard, literal, weight
from minidl.verify.subject import Subject

if TYPE_CHECKING:
    from minidl.verify.judge import Item
    from minidl.verify.search import Failure

# Above this many entries a named case is called by its name; a generated one has no name and is written out.
_WRITTEN_OUT = 200


def line(method: str | None, item: Item, target: str, failure: Failure, referenced: bool) -> str:
    """The line. Contracts that no method of the atlas names appear as the caller's variables `contracts`, `impl` and
    `reference`; `target` is Python source already.
    """
    named = bool(failure.name) and (item.kind == "golden" or weight(failure.case) > _WRITTEN_OUT)
    case = repr(failure.name) if named else literal(failure.case)
    arguments = [repr(method) if method else "contracts", repr(item.id), target, case]
    if method is None and referenced:
        arguments.append("reference=reference")
    numpy = "import numpy as np; " if "np." in case else ""
    names = "adapt, reproduce" if target.startswith("adapt(") else "reproduce"
    return f"{numpy}from minidl.verify import {names}; reproduce({', '.join(arguments)})"


def reproduce(method: Any, name: str, target: Any, case: Case | str, *, reference: Any = None) -> None:
    """Judge one law (or row: `function/law`) on one case, and raise what the implementation raises or breaks.

    method: a method's name, or contracts. target: what `run` takes, such as a string ("--cmd TOOL" for a program), or
    what `adapt` returns. case: the inputs, or the name of a named case. Prints one line when the law holds.
    """
    from minidl.verify.limits import Watch, keeps_time
    from minidl.verify.runner import Bench, unknown
    from minidl.verify.targets import opened

    bench = Bench.of(method, reference=reference)
    item = bench.item(name)
    if isinstance(case, str):
        if case not in item.cases.named:
            raise ValueError(f"case {unknown(case, list(item.cases.named))}")
        case = item.cases.named[case]
    with opened(target, bench.contracts, bench.reference) as implementation, Guard(case):
        watch = None if keeps_time(implementation) else Watch()
        item.check(Subject(implementation, bench.contracts, watch), case)
    print(f"{item.id} holds on this case")
