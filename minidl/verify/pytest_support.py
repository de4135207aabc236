"""Contracts as pytest tests: one id per contract, law and output.

from minidl.verify.pytest_support import contract_tests

test_my_gate = contract_tests("gated_residual", "my_gate.py")
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from minidl.verify.report import Report, Row
from minidl.verify.runner import EXAMPLES, Bench, unknown
from minidl.verify.targets import load_target


def contract_tests(
    method: Any,
    target: Any,
    *,
    reference: Any = None,
    known: Mapping[str, str] | None = None,
    claims: Mapping[str, str] | None = None,
    examples: int = EXAMPLES,
    seed: int = 0,
    functions: Sequence[str] | None = None,
) -> Callable[..., None]:
    """A parametrised test function; bind it to a name that starts with `test`. The arguments are those of `run`.

    target: a namespace, a string for `load_target` (loaded when the first test runs), or a function without arguments
    that returns a namespace (called once). What is not provided is skipped; a known failure is an expected one, and
    fails once it passes.
    """
    settings: dict[str, Any] = {"claims": claims or {}, "examples": examples, "seed": seed}
    bench = Bench.of(method, reference=reference, functions=functions, **settings)
    found = list(bench.all_items())
    known = dict(known or {})
    for name in known:
        if name not in [item.id for item in found]:
            raise ValueError(f"known failure {unknown(name, [item.id for item in found])}")
    loaded: list[Any] = []

    def implementation() -> Any:
        if not loaded:
            if isinstance(target, str):
                loaded.append(load_target(target))
            else:
                loaded.append(target() if inspect.isfunction(target) else target)
        return loaded[0]

    @pytest.mark.parametrize("item", [pytest.param(item, id=item.id) for item in found])
    def test(item: Any) -> None:
        __tracebackhide__ = True
        row = bench.judge(item, implementation(), target=repr(target) if isinstance(target, str) else "impl")
        conclude(bench, row, known.get(item.id))

    return test


def conclude(bench: Bench, row: Row, reason: str | None = None) -> None:
    """A row as the outcome of the running test. reason: why it is known to fail, if it is."""
    __tracebackhide__ = True
    if row.status in ("not provided", "claimed otherwise"):
        pytest.skip(f"{row.status}: {row.reason}")
    if reason is not None:
        if row.status == "holds":
            pytest.fail(f"unexpected pass of {row.item.id}: take it off the known failures ({reason})", pytrace=False)
        pytest.xfail(reason)
    if row.status == "broken":
        report = Report(method=bench.method or "contracts", target="", lesson=bench.lesson)
        pytest.fail("\n".join(report.details(row)), pytrace=False)
