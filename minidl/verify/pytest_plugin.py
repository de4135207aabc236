"""The pytest plugin: hold implementations against contracts without writing a test file.

    pytest --minidl "avagrad=my_package.optim:Adam"
    pytest --minidl "avagrad=pytorch_optimizer:AvaGrad --set weight_decouple=False --only variant=released"

METHOD=TARGET, and after it the options of `minidl verify` that say how the target is judged (`--known`, `--claim`,
`--examples`, `--as`, ...). What should always run stands in the configuration, one a line:

    [tool.pytest.ini_options]
    minidl = ["avagrad=my_package.optim:Adam --known tests/known.json"]

One test per contract, law and output, collected behind those of the project: `minidl::avagrad=my_package.optim:Adam::adam/
signs_flip`; `-k adam/golden` picks some. pytest loads this file wherever minidl is installed, so it imports nothing else
until it is asked to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_addoption(parser: pytest.Parser) -> None:
    about = (
        'hold TARGET against the laws of METHOD; "METHOD=TARGET --examples 20 ..." takes the options of minidl verify'
    )
    parser.getgroup("minidl").addoption("--minidl", metavar="METHOD=TARGET", action="append", default=[], help=about)
    parser.addini("minidl", type="linelist", help=f"always {about}", default=[])


@pytest.hookimpl(tryfirst=True)  # before -k and -m choose
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    asked = [*config.getini("minidl"), *config.getoption("minidl")]
    for i, text in enumerate(asked):
        name = text.split(maxsplit=1)[0] if text.strip() else ""
        again = sum(other.split(maxsplit=1)[:1] == [name] for other in asked[:i])
        name += f"#{again + 1}" if again else ""
        items += _Target.from_parent(session, name=name, nodeid=f"minidl::{name}", text=text).collect()


class _Target(pytest.Collector):
    """One METHOD=TARGET with its options."""

    def __init__(self, *, text: str, **keywords: Any) -> None:
        super().__init__(**keywords)
        self._text = text

    def collect(self) -> Iterator[pytest.Item]:
        try:
            tests = _tests(self._text)
        except (ValueError, OSError) as error:
            raise pytest.UsageError(f"--minidl {self._text!r}: {error}") from error
        for item in tests.items:
            yield _Row.from_parent(self, name=item.id, tests=tests, item=item)


class _Row(pytest.Item):
    """One row as a test."""

    def __init__(self, *, tests: Any, item: Any, **keywords: Any) -> None:
        super().__init__(**keywords)
        self._tests, self._item = tests, item

    def runtest(self) -> None:
        self._tests.run(self._item)

    def reportinfo(self) -> tuple[str, int | None, str]:
        return "minidl", None, f"{self.parent.name}: {self.name}"


def _tests(text: str) -> Any:
    """What METHOD=TARGET with its options asks for. Raises ValueError with what is wrong."""
    import argparse
    import shlex

    from minidl import atlas
    from minidl.verify.cli import add_target_options, settings_of, target_of
    from minidl.verify.pytest_support import ContractTests

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> Any:
            raise ValueError(message)

    parser = Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("asked")
    add_target_options(parser)
    args = parser.parse_args(shlex.split(text))
    method, equals, target = args.asked.partition("=")
    if not method or (equals and not target):
        raise ValueError("it takes METHOD=TARGET, such as avagrad=my_package.optim:Adam")
    args.target = target or None
    row = atlas.method(method)
    return ContractTests(method, target_of(args, row), **settings_of(args), time_limit=args.time_limit)
