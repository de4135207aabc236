"""Contracts as pytest tests: one id per contract, law and output.

    from minidl.verify.pytest_support import contract_tests

    test_my_gate = contract_tests("gated_residual", "my_gate.py")
    test_my_adam = contract_tests("avagrad", MyAdam, functions=["adam"])

Without a test file, for whoever has installed minidl: `pytest --minidl "avagrad=my_package.optim:Adam"` (pytest_plugin.py).
"""

from __future__ import annotations

import atexit
import contextlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from minidl.verify.adapters import kind_of
from minidl.verify.adapters.adapted import label
from minidl.verify.judge import Item
from minidl.verify.limits import Watch
from minidl.verify.report import Report, Row
from minidl.verify.resemble import Resemblance
from minidl.verify.runner import EXAMPLES, Bench, checked_known
from minidl.verify.search import Unusable
from minidl.verify.targets import opened
from minidl.verify.tolerance import quiet


class ContractTests:
    """The rows of a method on one target, each to be run as a test. The arguments are those of `contract_tests`."""

    def __init__(
        self,
        method: Any,
        target: Any,
        *,
        reference: Any = None,
        known: Mapping[str, str] | None = None,
        claims: Mapping[str, str] | None = None,
        examples: int = EXAMPLES,
        seed: int = 0,
        functions: Sequence[str] | None = None,
        time_limit: float | None = None,
    ) -> None:
        settings: dict[str, Any] = {"claims": claims or {}, "examples": examples, "seed": seed}
        self.bench = Bench.of(method, reference=reference, functions=functions, watch=Watch(time_limit), **settings)
        self.items: list[Item] = list(self.bench.all_items())
        self._known = checked_known(known, [item.id for item in self.items])
        self._target, self._seconds, self._opened = target, time_limit, contextlib.ExitStack()
        self._loaded: list[Any] = []
        self._like: dict[str, Resemblance | None] = {}

    def _implementation(self) -> Any:
        if not self._loaded:
            target = self._target
            if inspect.isfunction(target) and kind_of(target) is None and not inspect.signature(target).parameters:
                target = target()
            here = opened(target, self.bench.contracts, self.bench.reference, seconds=self._seconds)
            self._loaded.append(self._opened.enter_context(here))
            atexit.register(self._opened.close)  # a program stays open for all tests
        return self._loaded[0]

    def run(self, item: Item) -> None:
        """Judge one row, with its outcome as that of the running test."""
        __tracebackhide__ = True
        try:
            implementation = self._implementation()
        except Unusable as error:
            pytest.fail(str(error), pytrace=False)
        with quiet():  # what divides by zero is judged by what comes of it
            row = self.bench.judge(item, implementation, target=label(self._target)[1])
            if row.status == "broken" and not row.stalled and item.contract.function not in self._like:
                self._like[item.contract.function] = self.bench.resembles(item.contract, implementation, [row])
        conclude(self.bench, row, self._known.get(item.id), self._like)


def contract_tests(method: Any, target: Any, **settings: Any) -> Callable[..., None]:
    """A parametrised test function; bind it to a name that starts with `test`.

    method and settings are those of `run`: reference, known, claims, examples, seed, functions, time_limit.
    target: what `run` takes, loaded when the first test runs, or a function without arguments that returns a namespace
    (called once). What is not provided is skipped; a known failure is an expected one, and fails once it passes.
    """
    tests = ContractTests(method, target, **settings)

    @pytest.mark.parametrize("item", [pytest.param(item, id=item.id) for item in tests.items])
    def test(item: Any) -> None:
        __tracebackhide__ = True
        tests.run(item)

    return test


def conclude(
    bench: Bench, row: Row, reason: str | None = None, like: Mapping[str, Resemblance | None] | None = None
) -> None:
    """A row as the outcome of the running test. reason: why it is known to fail, if it is; like: planted bugs by function."""
    __tracebackhide__ = True
    if row.status in ("not provided", "claimed otherwise"):
        pytest.skip(f"{row.status}: {row.reason}")
    if reason is not None:
        if row.status == "holds":
            pytest.fail(f"unexpected pass of {row.item.id}: take it off the known failures ({reason})", pytrace=False)
        pytest.xfail(reason)
    if row.status == "broken":
        report = Report(bench.method or "contracts", "", lesson=bench.lesson, resemblances=dict(like or {}))
        pytest.fail("\n".join(report.details(row)), pytrace=False)
