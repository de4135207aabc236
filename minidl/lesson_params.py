"""What a lesson declares about itself, read without running it, and the parameters that a person gives to it.

The declaration is the `Lesson(...)` call at the top of a lesson's file, written with literals only, so that the command
line can list lessons and print their help without importing NumPy or training anything.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minidl.errors import UserError, near

__all__ = ["RESERVED", "Declaration", "declaration_of", "parse", "parse_value"]

Value = bool | int | float | str | tuple
# Options of the runner; a lesson's parameter of the same name could not be told apart from them.
RESERVED = frozenset(("brief", "debug", "help", "jobs", "out", "quick", "seeds", "threads"))
_SCALARS = (bool, int, float, str)


@dataclass(frozen=True)
class Declaration:
    """A lesson's own description. Raises ValueError when it contradicts itself (a fault of the lesson, not of its user).

    name: the file's stem ("06_struc2vec"). title, question: one line each. params: defaults, whose types are the types
    of the parameters (bool, int, float, str, or a tuple of one of these). quick: the values that replace them in a quick
    run. help, choices: per parameter. seconds: typical duration on two cores. threads: BLAS threads to run with.
    """

    name: str
    title: str = ""
    question: str = ""
    params: Mapping[str, Value] = field(default_factory=dict)
    quick: Mapping[str, Value] = field(default_factory=dict)
    help: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, tuple] = field(default_factory=dict)
    seconds: float | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        where = f"lesson {self.name!r}"
        for name, default in self.params.items():
            if name in RESERVED or not name.isidentifier() or name.startswith("_") or name.startswith("no_"):
                raise ValueError(
                    f"{where}: {name!r} cannot name a parameter: use an identifier that is none of "
                    f"{', '.join(sorted(RESERVED))}, and that begins neither with '_' nor with 'no_'"
                )
            kind = _kind(default)
            if kind is None:
                raise ValueError(
                    f"{where}: the default of {name!r} gives its type, so it must be a bool, int, float, str or a "
                    f"tuple of one of these (not empty), got {default!r}"
                )
        for what, table in (("quick", self.quick), ("help", self.help), ("choices", self.choices)):
            for name in table:
                if name not in self.params:
                    raise ValueError(f"{where}: {what} speaks of {name!r}, which is not in params")
        for name, value in self.quick.items():
            if not _fits(value, self.params[name]):
                raise ValueError(f"{where}: quick[{name!r}] is {value!r}, but its default is {self.params[name]!r}")
        for name, allowed in self.choices.items():
            for value in (self.params[name], self.quick.get(name, self.params[name])):
                if value not in allowed:
                    raise ValueError(f"{where}: {name!r} is {value!r}, which is not one of its choices {allowed!r}")
        if self.threads is not None and (type(self.threads) is not int or self.threads < 1):
            raise ValueError(f"{where}: threads must be a positive integer or None, got {self.threads!r}")

    @property
    def duration(self) -> str:
        """The declared duration for a table: "~8 s", "~3 min", or "" when not declared."""
        if self.seconds is None:
            return ""
        return f"~{self.seconds:.0f} s" if self.seconds < 120 else f"~{self.seconds / 60:.0f} min"

    def values(self, given: Mapping[str, Value], *, quick: bool) -> dict[str, Value]:
        """Defaults, then the quick ones, then the given ones."""
        return {**self.params, **(self.quick if quick else {}), **given}

    def parameter_lines(self) -> list[str]:
        """One line per parameter for a help text: name, value, choices, default, explanation."""
        lines = []
        for name, default in self.params.items():
            option = f"--{name.replace('_', '-')}"
            if not isinstance(default, bool):
                option += " " + _placeholder(name, default, self.choices.get(name))
            note = f"default {_plain(default) or 'none'}"
            if name in self.quick:
                note += f", quick {_plain(self.quick[name])}"
            lines.append(f"  {option:<26}  " + " ".join(filter(None, (self.help.get(name), f"({note})"))))
        return lines


def declaration_of(path: Path) -> Declaration:
    """Read the `Lesson(...)` call of a file. Raises UserError when the file has none, or one that is not literal."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    except SyntaxError as error:
        raise UserError(f"{path}:{error.lineno}: {error.msg}") from error
    call = lesson_call(tree)
    if call is None:
        raise UserError(f"{path} is not a lesson: it has no `lesson = Lesson(...)` at its top level")
    try:
        if len(call.args) != 1 or any(word.arg is None for word in call.keywords):
            raise ValueError("one positional argument, the lesson's name, then keywords")
        return Declaration(_literal(call.args[0]), **{word.arg: _literal(word.value) for word in call.keywords})
    except (ValueError, TypeError) as error:
        raise UserError(f"{path}:{call.lineno}: Lesson(...) must be written with literals: {error}") from error


def lesson_call(tree: ast.Module) -> ast.Call | None:
    """The call to Lesson (or module.Lesson) among the top-level statements, or None."""
    for statement in tree.body:
        value = getattr(statement, "value", None)
        if isinstance(statement, ast.Assign | ast.AnnAssign | ast.Expr) and isinstance(value, ast.Call):
            called = value.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", None)
            if name == "Lesson":
                return value
    return None


def _literal(node: ast.expr) -> Any:
    """ast.literal_eval that also reads dict(a=1, b="x")."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "dict" and not node.args:
        return {word.arg: _literal(word.value) for word in node.keywords if word.arg is not None}
    return ast.literal_eval(node)


def parse(declaration: Declaration, options: Mapping[str, Value], words: Sequence[str]) -> tuple[dict, dict]:
    """Split `--name value` words into (options of the runner, parameters of the lesson), with the types of the defaults.

    A boolean is `--name` or `--no-name`. Raises UserError that lists what there is when a name or value does not fit.
    """
    found: dict[str, dict[str, Value]] = {"option": {}, "param": {}}
    words = list(words)
    while words:
        word = words.pop(0)
        name, given, value = word.removeprefix("--").partition("=")
        name = name.replace("-", "_")
        if not word.startswith("--") or not name:
            raise UserError(f"{word!r} has no name: parameters are given as --name value\n{_known(declaration)}")
        positive = name.removeprefix("no_")
        for kind, table in (("option", options), ("param", declaration.params)):
            if positive in table and isinstance(table[positive], bool) and (positive == name or not given):
                text = value if given else str(positive == name)
                name = positive
            elif name in table:
                if not given and not words:
                    option = f"--{name.replace('_', '-')}"
                    raise UserError(f"{option} needs a value, such as {option} {_plain(table[name]) or 'VALUE'}")
                text = value if given else words.pop(0)
            else:
                continue
            result = parse_value(name, text, table[name])
            allowed = declaration.choices.get(name) if kind == "param" else None
            if allowed is not None and result not in allowed:
                raise UserError(
                    f"--{name.replace('_', '-')} must be one of {', '.join(map(_plain, allowed))}; got {text!r}."
                    + near(text, map(str, allowed))
                )
            found[kind][name] = result
            break
        else:
            known = [f"--{other.replace('_', '-')}" for other in (*declaration.params, *options)]
            option = word.partition("=")[0]
            raise UserError(f"{option} is no parameter of this lesson.{near(option, known)}\n{_known(declaration)}")
    return found["option"], found["param"]


def parse_value(name: str, text: str, default: Value) -> Value:
    """Read a value with the type of the default. Raises UserError that says which type was expected."""
    option = f"--{name.replace('_', '-')}"
    if isinstance(default, tuple):
        items = [item for item in text.split(",") if item.strip()]
        if not items:
            raise UserError(f"{option} must be values separated by commas, such as {_plain(default)}; got {text!r}")
        return tuple(parse_value(name, item.strip(), default[0]) for item in items)
    if isinstance(default, bool):
        if text.lower() not in ("true", "false", "yes", "no", "1", "0"):
            raise UserError(f"{option} is a switch: {option}, --no-{option[2:]} or {option}=true; got {text!r}")
        return text.lower() in ("true", "yes", "1")
    if isinstance(default, str):
        return text
    expected = "an integer" if isinstance(default, int) else "a number"
    try:
        number = float(text)
        # float() first, so that 1e4 is an integer too; int() where it can, so that large integers stay exact.
        if isinstance(default, int):
            number = int(text) if "e" not in text.lower() and "." not in text else number
            if number != int(number):
                raise ValueError
            number = int(number)
        if math.isnan(number):
            raise ValueError
    except (ValueError, OverflowError):
        raise UserError(f"{option} must be {expected}, such as {_plain(default)}; got {text!r}") from None
    return number


def _kind(default: Any) -> type | None:
    """The type of a parameter's value or of a tuple's items, or None where it is none that can be read from text."""
    if isinstance(default, tuple):
        kinds = {type(item) for item in default}
        return kinds.pop() if len(kinds) == 1 and next(iter(kinds)) in _SCALARS else None
    return type(default) if type(default) in _SCALARS else None


def _fits(value: Any, default: Value) -> bool:
    return isinstance(value, tuple) == isinstance(default, tuple) and _kind(value) is _kind(default)


def _plain(value: Any) -> str:
    """A value as a person types it on the command line."""
    return ",".join(map(_plain, value)) if isinstance(value, tuple) else str(value)


def _placeholder(name: str, default: Value, allowed: Iterable | None) -> str:
    if allowed is not None:
        return "{" + ",".join(map(_plain, allowed)) + "}"
    if isinstance(default, tuple):
        return "A,B,..."
    return {int: "N", float: "X", str: "TEXT"}[type(default)]


def _known(declaration: Declaration) -> str:
    if not declaration.params:
        return f"{declaration.name} has no parameters"
    return "\n".join([f"The parameters of {declaration.name}:", *declaration.parameter_lines()])
