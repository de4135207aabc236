"""From what a user names on the command line to a namespace of functions."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from minidl.laws.core import Contract
from minidl.verify.search import Unusable


class TargetError(Unusable):
    """The target could not be used: why, and what would help. The command line answers with exit code 2."""


def load_target(target: str) -> Any:
    """The namespace that `module`, `module:attr`, `path/to/file.py` or `path/to/file.py:attr` names.

    attr may be dotted. A class is called without arguments and its instance used; a plain function becomes a namespace
    of that one function. Raises TargetError.
    """
    return as_namespace(find_target(target), target)


def find_target(target: str) -> Any:
    """The object that such a string names, as it is. Raises TargetError."""
    if not target:
        raise TargetError("no target: name a module, module:attr, or path/to/file.py[:attr]")
    place, attribute = _split(target)
    is_file = place.endswith(".py") or "/" in place or os.sep in place
    found: Any = _load_file(Path(place)) if is_file else _load_module(place)
    for part in attribute.split(".") if attribute else ():
        if not hasattr(found, part):
            have = ", ".join(name for name in dir(found) if not name.startswith("_")) or "no public names"
            raise TargetError(f"{place} has no attribute {attribute!r}; it has {have}")
        found = getattr(found, part)
    return found


def as_namespace(found: Any, target: str) -> Any:
    """A class as its instance, a function as a namespace of that function, anything else as it is. Raises TargetError."""
    if inspect.isclass(found):
        try:
            return found()
        except Exception as error:
            raise TargetError(
                f"{target} is a class that cannot be made without arguments ({type(error).__name__}: {error}); "
                "name an instance of it"
            ) from error
    if inspect.isroutine(found):
        return SimpleNamespace(**{found.__name__: found})
    return found


def _split(target: str) -> tuple[str, str]:
    # the last colon separates an attribute only if a dotted name follows: C:\\code\\mine.py has a colon as well
    match = re.fullmatch(r"(.+):([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)", target)
    return (match[1], match[2]) if match else (target, "")


def _load_module(name: str) -> ModuleType:
    here = os.getcwd()
    if not any(os.path.abspath(entry or here) == here for entry in sys.path):
        sys.path.append(here)  # at the end: a local file must not stand in for an installed package
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            remedy = f"is it installed, or did you mean the file {name}.py?"
            raise TargetError(f"there is no module {name!r}: {remedy}") from error
        raise TargetError(f"module {name} cannot be imported: it needs {error.name!r}, install it") from error
    except (Exception, SystemExit) as error:
        raise TargetError(f"module {name} cannot be imported: {_said(error)}") from error


def _load_file(path: Path) -> ModuleType:
    if path.is_dir():
        raise TargetError(f"{path} is a directory: name a file in it")
    if not path.exists():
        near = ", ".join(sorted(other.name for other in path.parent.glob("*.py"))) if path.parent.is_dir() else ""
        raise TargetError(f"there is no file {path}" + (f"; in {path.parent} there are {near}" if near else ""))
    try:
        source = path.read_bytes()
        code = compile(source, str(path), "exec")
    except OSError as error:
        raise TargetError(f"{path} cannot be read: {error.strerror}") from error
    except (SyntaxError, ValueError) as error:
        where = f" in line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise TargetError(f"{path} is not Python: {error.args[0]}{where}") from error
    # Compiled here rather than by the import system, which would serve yesterday's bytecode for a file that was
    # rewritten within the same second, and would leave a __pycache__ behind.
    name = f"minidl_target_{path.stem}"
    module = ModuleType(name)
    module.__file__ = str(path)
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)  # what stands beside the file can be imported, now and from within its functions
    before = sys.modules.get(name)
    sys.modules[name] = module
    try:
        exec(code, module.__dict__)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        if before is not None:
            sys.modules[name] = before
        line = _line(error, str(path))
        raise TargetError(f"{path} cannot be loaded: {_said(error)}{line}") from error
    return module


def _said(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return "it calls sys.exit() when imported; guard it with `if __name__ == '__main__':`"
    if isinstance(error, ModuleNotFoundError):
        return f"it needs the module {error.name!r}, install it"
    return f"{type(error).__name__}: {error}"


def _line(error: BaseException, path: str) -> str:
    trace, line = error.__traceback__, 0
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f" (line {line})" if line else ""


@contextlib.contextmanager
def opened(
    target: Any, contracts: Sequence[Contract], reference: Any = None, *, seconds: float | None = None
) -> Iterator[Any]:
    """The namespace of what `run` takes as its implementation, for these contracts; a program ends with the block.

    target: a namespace, what `adapt` returns, an optimizer that can be adapted, or a string: a target, or "--cmd TOOL".
    seconds: the time limit of one call of a program.
    """
    from minidl.verify.adapters import Adapted

    if isinstance(target, str) and target.startswith("--cmd "):
        from minidl.verify.command import CommandTarget, input_names

        with CommandTarget(target.removeprefix("--cmd "), input_names(contracts, reference), seconds=seconds) as tool:
            yield tool
    else:
        yield (target if isinstance(target, Adapted) else Adapted(target)).namespace(contracts)
