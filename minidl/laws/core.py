"""Laws, planted bugs, golden values and contracts: what an implementation is held against.

An implementation is a namespace of pure functions: a module, a SimpleNamespace, a class instance. A law is a property
of such a namespace, checked on a case (a plain dict of named inputs). A contract gathers what belongs to one public
function of a method. A laws file imports nothing of the method it judges, so that its expected values come from
mathematics that does not depend on the reference.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from minidl.laws.checks import Broken, NotProvided, agree, counting, holds, identical, within

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = [
    "Broken",
    "Case",
    "Cases",
    "Contract",
    "Golden",
    "Law",
    "NotProvided",
    "Planted",
    "agree",
    "counting",
    "holds",
    "identical",
    "law",
    "namespace",
    "planted",
    "within",
]

Case = dict[str, Any]
Grade = Literal["exact", "numerical", "statistical"]
GRADES = ("exact", "numerical", "statistical")
_NAME = re.compile(r"[A-Za-z_]\w*")


def namespace(implementation: Any, **replaced: Any) -> SimpleNamespace:
    """The public names of a module, namespace or instance in a fresh namespace, with some of them replaced."""
    members = {name: getattr(implementation, name) for name in dir(implementation) if not name.startswith("_")}
    return SimpleNamespace(**(members | replaced))


@dataclass(frozen=True)
class Cases:
    """Inputs to judge on: named ones (each may carry a note on the bug it hunts) and a strategy for generated ones.

    generated is a function that returns the strategy, so that Hypothesis loads at first use.
    """

    named: Mapping[str, Case] = field(default_factory=dict)
    generated: Callable[[], SearchStrategy[Case]] | None = None
    notes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.named and self.generated is None:
            raise ValueError("Cases needs named cases or a generated strategy; without any, nothing is judged")
        for name, case in self.named.items():
            if not isinstance(case, dict) or not all(isinstance(key, str) for key in case):
                raise TypeError(f"case {name!r} must be a dict from names to values, got {type(case).__name__}")
        if unknown := set(self.notes) - set(self.named):
            raise ValueError(f"notes on cases that do not exist: {sorted(unknown)}; named are {sorted(self.named)}")


@dataclass(frozen=True)
class Law:
    """A property of a namespace. `check(impl, case)` returns or raises Broken; it never looks inside `impl`.

    policy: names the convention that this law pins where mathematics leaves a choice (such as "kink"); whoever claims
    another policy is not judged by it. Empty for laws that are plain mathematics.
    """

    name: str
    statement: str
    equation: str
    source: str
    needs: tuple[str, ...]
    cases: Cases
    grade: Grade
    check: Callable[[Any, Case], None] = field(repr=False)
    policy: str = ""


def law(
    *, cases: Cases, needs: tuple[str, ...], grade: Grade, equation: str = "", source: str = "", policy: str = ""
) -> Callable[[Callable[[Any, Case], None]], Law]:
    """Make a Law of a function (impl, case) -> None; its name is the law's and its docstring the statement."""
    if grade not in GRADES:
        raise ValueError(f"grade must be one of {', '.join(GRADES)}, got {grade!r}")
    if isinstance(needs, str) or not needs:
        raise ValueError(f"needs must be a non-empty tuple of function names, got {needs!r}")

    def make(check: Callable[[Any, Case], None]) -> Law:
        return Law(
            name=check.__name__,
            statement=_statement(check),
            equation=equation,
            source=source,
            needs=tuple(needs),
            cases=cases,
            grade=grade,
            check=check,
            policy=policy,
        )

    return make


def _statement(function: Callable[..., Any]) -> str:
    text = inspect.getdoc(function)
    if not text:
        raise ValueError(f"{function.__name__} needs a docstring: it is what the report says when this breaks")
    return " ".join(text.split())


@dataclass(frozen=True)
class Planted:
    """The reference with one function wrong, in a way that real implementers get it wrong.

    build(ref) returns the replacement for `function`; it may call the reference's functions through `ref`.
    """

    name: str
    statement: str
    function: str
    build: Callable[[Any], Callable[..., Any]] = field(repr=False)

    def apply(self, reference: Any) -> SimpleNamespace:
        """The reference's namespace with that one function replaced; functions that build on it keep the right one."""
        if not callable(getattr(reference, self.function, None)):
            raise ValueError(f"planted bug {self.name} replaces {self.function!r}, which the reference does not have")
        replacement = self.build(reference)
        if not callable(replacement):
            raise TypeError(f"planted bug {self.name} must return a function, got {type(replacement).__name__}")
        return namespace(reference, **{self.function: replacement})


def planted(function: str) -> Callable[[Callable[[Any], Callable[..., Any]]], Planted]:
    """Make a Planted of `def bug(ref): "what is wrong"; return replacement`, for the contract of `function`."""

    def make(build: Callable[[Any], Callable[..., Any]]) -> Planted:
        return Planted(name=build.__name__, statement=_statement(build), function=function, build=build)

    return make


@dataclass(frozen=True)
class Golden:
    """A worked example with printed values: outputs hold to `digits` decimal places (half a unit of the last one).

    Give a value that the source states exactly with digits=15. note: which bug it hunts, or where it was printed.
    """

    function: str
    inputs: Case
    outputs: Mapping[str, Any]
    digits: int
    note: str

    def __post_init__(self) -> None:
        if not isinstance(self.digits, int) or self.digits < 0:
            raise ValueError(f"digits must be an integer >= 0, got {self.digits!r}")
        if not self.outputs:
            raise ValueError(f"a golden value of {self.function} needs at least one output ({self.note})")


@dataclass(frozen=True)
class Contract:
    """What belongs to one public function: its inputs and outputs, cases, laws, planted bugs and golden values.

    The function is called positionally with `case[name] for name in inputs`; `outputs` names what it returns, in order.
    kink(case) says whether a case sits where mathematics leaves a choice; there, an implementation that claims
    {"kink": "any-subgradient"} is not compared with the reference.
    exact names the floating inputs whose values are structure (spins of +-1, masks, thresholds that are met exactly):
    the calibration of the tolerance leaves them as they are.
    terms(case) is the size of the terms whose difference the outputs are, where they may cancel to nothing whatever the
    inputs: agreement then allows their rounding.
    free names outputs that the mathematics leaves open (how many iterations it took, where a solver stopped, a gap that is
    rounding alone): laws may judge them, agreement with the reference does not.
    """

    function: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    cases: Cases
    statement: str
    laws: tuple[Law, ...] = ()
    planted: tuple[Planted, ...] = ()
    golden: tuple[Golden, ...] = ()
    kink: Callable[[Case], bool] | None = field(default=None, repr=False)
    exact: tuple[str, ...] = ()
    terms: Callable[[Case], float] | None = field(default=None, repr=False)
    free: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for what in ("inputs", "outputs"):
            names = getattr(self, what)
            if isinstance(names, str) or not names or not all(_NAME.fullmatch(name) for name in names):
                raise ValueError(f"contract {self.function}: {what} must be a non-empty tuple of names, got {names!r}")
            _unique(names, f"contract {self.function}: {what}")
        _unique([law.name for law in self.laws], f"contract {self.function}: laws")
        _unique([bug.name for bug in self.planted], f"contract {self.function}: planted bugs")
        for bug in self.planted:
            if bug.function != self.function:
                raise ValueError(f"contract {self.function}: planted bug {bug.name} belongs to {bug.function}")
        if unknown := set(self.exact) - set(self.inputs):
            raise ValueError(f"contract {self.function}: exact inputs {sorted(unknown)} are not in {self.inputs}")
        if unknown := set(self.free) - set(self.outputs):
            raise ValueError(f"contract {self.function}: free outputs {sorted(unknown)} are not in {self.outputs}")
        for name, case in self.cases.named.items():
            self._complete(case, f"case {name!r}")
        for example in self.golden:
            if example.function != self.function:
                raise ValueError(f"contract {self.function}: a golden value belongs to {example.function}")
            self._complete(example.inputs, f"golden value ({example.note})")
            if unknown := set(example.outputs) - set(self.outputs):
                raise ValueError(f"contract {self.function}: golden outputs {sorted(unknown)} not in {self.outputs}")

    def _complete(self, case: Case, what: str) -> None:
        if missing := [name for name in self.inputs if name not in case]:
            raise ValueError(f"contract {self.function}: {what} lacks the inputs {missing}")

    def call(self, implementation: Any, case: Case) -> dict[str, np.ndarray]:
        """Call the function on a case and read its outputs by name. Raises NotProvided if it is missing."""
        function = getattr(implementation, self.function, None)
        if function is None:
            raise NotProvided(self.function)
        return self.read(function(*(case[name] for name in self.inputs)))

    def read(self, result: Any) -> dict[str, Any]:
        """Name what the function returned: one value, or a dict, NamedTuple or tuple. Broken on a wrong count."""
        if isinstance(result, Mapping):
            if missing := [name for name in self.outputs if name not in result]:
                raise Broken(
                    f"{self.function} returned no {', '.join(missing)}", expected=self.outputs, got=list(result)
                )
            return {name: result[name] for name in self.outputs}
        if len(self.outputs) == 1 and not isinstance(result, tuple):
            return {self.outputs[0]: result}
        if not isinstance(result, tuple | list):
            got = type(result).__name__
            raise Broken(f"{self.function} must return {len(self.outputs)} values", expected=self.outputs, got=got)
        if len(result) != len(self.outputs):
            why = f"{self.function} returned {len(result)} values instead of {len(self.outputs)}"
            raise Broken(why, expected=self.outputs, got=tuple(type(value).__name__ for value in result))
        return dict(zip(self.outputs, result, strict=True))


def _unique(names: Any, what: str) -> None:
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise ValueError(f"{what} must have different names; {', '.join(twice)} appears twice")
