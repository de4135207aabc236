"""Exercises of the lessons: `minidl check LESSON FILE` judges a person's answers and names the mistake it recognises.

The checks of a lesson are `lessons/checks/<lesson>.py`, which ends in `EXERCISES: tuple[Exercise, ...]`. An exercise
is a small contract: a judge, and planted wrong answers of the kind that people give. The judge must reject each of them
(`survivors`), and an answer that fails and behaves like a planted one gets that one's hint.
"""

from __future__ import annotations

import ast
import copy
import functools
import itertools
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from minidl.errors import UserError, near
from minidl.lesson_params import lesson_call
from minidl.lessons_index import checks_file, find_lesson

__all__ = ["Exercise", "Verdict", "calls", "check", "diagnose", "load_exercises", "main", "survivors", "verdicts"]

Answer = Callable[..., Any]
_loaded = itertools.count()


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    name: the function to write ("exercise_1"). statement: what it must do, in a line or two, with its arguments.
    judge: called with the answer; raises AssertionError, whose message helps, when the answer is wrong.
    wrong: planted wrong answers by name, each with the hint for a person who gives it.
    probe: called with an answer, returns what it does (`calls` makes one); two answers are alike when it returns the same.
    """

    name: str
    statement: str
    judge: Callable[[Answer], None]
    wrong: Mapping[str, tuple[Answer, str]]
    probe: Callable[[Answer], Any]

    def __post_init__(self) -> None:
        if not self.wrong:
            raise ValueError(f"{self.name} plants no wrong answer, so nothing shows that its judge can say no")


@dataclass(frozen=True)
class Verdict:
    """What became of one answer. status: "passed", "wrong" or "not written"; resembles: name of a planted answer."""

    exercise: str
    status: str
    message: str = ""
    resembles: str = ""
    hint: str = ""


def calls(*inputs: Sequence[Any]) -> Callable[[Answer], list]:
    """A probe: calls the answer with each tuple of arguments (fresh copies) and lists what it returns or raises."""

    def probe(answer: Answer) -> list:
        outcomes = []
        for arguments in inputs:
            try:
                outcome = answer(*copy.deepcopy(arguments))
                outcomes.append(list(outcome) if isinstance(outcome, Iterator) else outcome)
            except Exception as error:
                outcomes.append(("raises", type(error).__name__))
        return outcomes

    return probe


def survivors(exercise: Exercise) -> list[str]:
    """The planted wrong answers that the exercise's judge accepts, or that its probe cannot tell apart: must be empty."""
    alive = []
    for name, (answer, _) in exercise.wrong.items():
        failure, _ = _judged(exercise, answer)
        if failure is None:
            alive.append(f"{exercise.name}: the judge accepts {name!r}")
        elif (found := diagnose(exercise, answer)) != name:
            alive.append(f"{exercise.name}: {name!r} is taken for {found!r}")
    return alive


def diagnose(exercise: Exercise, answer: Answer) -> str:
    """The name of the planted wrong answer that does the same as `answer`, or ""."""
    done = _probed(exercise, answer)
    for name, (planted, _) in exercise.wrong.items():
        if _alike(done, _probed(exercise, planted)):
            return name
    return ""


def verdicts(exercises: Sequence[Exercise], answers: ModuleType, *, unwritten: Set[str]) -> list[Verdict]:
    """Judge each exercise on the functions of a module. unwritten: functions that are still stubs."""
    result = []
    functions = {name for name, value in vars(answers).items() if callable(value) and not name.startswith("_")}
    for exercise in exercises:
        answer = getattr(answers, exercise.name, None)
        if exercise.name in unwritten:
            result.append(Verdict(exercise.name, "not written", exercise.statement))
            continue
        if not callable(answer):
            others = functions - {other.name for other in exercises}
            result.append(Verdict(exercise.name, "not written", exercise.statement + near(exercise.name, others)))
            continue
        failure, error = _judged(exercise, answer)
        if failure is None:
            result.append(Verdict(exercise.name, "passed"))
        elif isinstance(error, NotImplementedError):
            result.append(Verdict(exercise.name, "not written", exercise.statement))
        else:
            name = diagnose(exercise, answer)
            hint = exercise.wrong[name][1] if name else ""
            result.append(Verdict(exercise.name, "wrong", failure, name, hint))
    return result


def check(lesson: str, file: str | Path) -> list[Verdict]:
    """Judge the answers in a file (also an edited copy of the lesson itself). Raises UserError when it is unusable."""
    exercises = load_exercises(checks_file(find_lesson(lesson)))
    answers, unwritten = _load_answers(Path(file))
    return verdicts(exercises, answers, unwritten=unwritten)


def main(lesson: str, file: str | Path) -> int:
    """`minidl check`: print the report; 0 when all answers that are there pass, else (or when none is there) 1."""
    found = check(lesson, file)
    width = max(len(verdict.exercise) for verdict in found)
    for verdict in found:
        lines = verdict.message.splitlines() or [""]
        head = f"{verdict.status}: {lines[0]}" if lines[0] else verdict.status
        print(f"{verdict.exercise:<{width}}  {head}")
        for line in lines[1:]:
            print(" " * (width + 2) + line)
        if verdict.resembles:
            print(" " * (width + 2) + f"hint ({verdict.resembles}): {verdict.hint}")
    count = {status: sum(v.status == status for v in found) for status in ("passed", "wrong", "not written")}
    print("\n" + ", ".join(f"{number} {status}" for status, number in count.items()))
    if not count["passed"] and not count["wrong"]:
        print(f"write a function such as `def {found[0].exercise}(...)` into {file}, then run this again")
        return 1
    return 1 if count["wrong"] else 0


def load_exercises(path: Path) -> tuple[Exercise, ...]:
    """The EXERCISES of a checks file. Raises TypeError when it has none."""
    module = _execute(path, compile(path.read_text(encoding="utf-8"), str(path), "exec"))
    exercises = getattr(module, "EXERCISES", None)
    if not isinstance(exercises, tuple) or not exercises or not all(isinstance(e, Exercise) for e in exercises):
        raise TypeError(f"{path} must end in EXERCISES, a tuple of Exercise that is not empty")
    return exercises


def _load_answers(path: Path) -> tuple[ModuleType, set[str]]:
    """The person's functions, and those that are still stubs."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise UserError(f"cannot read {path}: {reason}. Name the Python file with your answers") from error
    except (SyntaxError, ValueError) as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) else ""
        raise UserError(f"{path}{line} is not valid Python: {getattr(error, 'msg', error)}") from error
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    unwritten = {node.name for node in functions if _is_stub(node)}
    if lesson_call(tree) is not None:
        # A copy of a lesson with the answers in it: its cells would train for a minute before the first judgement.
        tree.body = [node for node in tree.body if _only_defines(node)]
    try:
        return _execute(path, compile(tree, str(path), "exec")), unwritten
    except (Exception, SystemExit) as error:  # a file that calls sys.exit() must not end us
        raise UserError(f"{path} cannot be loaded: {_short(error, path)}") from error


def _execute(path: Path, code: Any) -> ModuleType:
    """Run code as a module with a name of its own, so that two files of one name do not meet, nor a __main__ block run."""
    name = f"minidl_check_{next(_loaded)}_{path.stem}"
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # dataclasses look their module up
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)  # a helper beside the file, as when Python runs it
    try:
        exec(code, vars(module))
    finally:
        sys.path.remove(folder)
    return module


def _only_defines(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return node.value is not None and all(isinstance(part, _LITERAL) for part in ast.walk(node.value))
    return isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef)


_LITERAL = (ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.UnaryOp, ast.unaryop, ast.expr_context)


def _is_stub(node: ast.FunctionDef) -> bool:
    """Whether the body says nothing beyond a docstring: `...`, pass or raise NotImplementedError."""
    for statement in node.body:
        constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        raises = isinstance(statement, ast.Raise) and "NotImplementedError" in ast.unparse(statement)
        if not (constant or raises or isinstance(statement, ast.Pass)):
            return False
    return True


def _judged(exercise: Exercise, answer: Answer) -> tuple[str | None, BaseException | None]:
    """Why the answer is wrong (None when it is right), and the exception that said so."""
    returned: list[Any] = []

    @functools.wraps(answer)
    def watched(*args: Any, **kwargs: Any) -> Any:
        returned.append(answer(*args, **kwargs))
        return returned[-1]

    try:
        exercise.judge(watched)
    except AssertionError as error:
        return str(error) or "the answer is wrong", error
    except Exception as error:
        if returned and returned[-1] is None:
            return "it returned None: is a `return` missing?", error
        file = getattr(getattr(answer, "__code__", None), "co_filename", "")
        return f"it raised {_short(error, Path(file))}", error
    return None, None


def _short(error: BaseException, path: Path) -> str:
    """The error in one line, with the line of the person's file in which it was raised."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    where = f" (line {lines[-1]} of {path.name})" if lines else ""
    note = ""
    if isinstance(error, NameError) and error.name:
        note = f"; if a cell of the lesson makes {error.name!r}, make it inside the function: cells do not run here"
    return f"{type(error).__name__}: {error}{where}{note}"


def _probed(exercise: Exercise, answer: Answer) -> Any:
    try:
        return exercise.probe(answer)
    except Exception as error:
        return ("raises", type(error).__name__)


def _alike(left: Any, right: Any) -> bool:
    """Equal up to rounding: entries may differ by 2**10 ulps of the largest one, which no mistake worth a hint does."""
    import numpy as np

    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(_alike(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(_alike, left, right))
    try:
        a, b = np.asarray(left), np.asarray(right)
        if a.shape != b.shape:
            return False
        if a.dtype.kind not in "biufc" or b.dtype.kind not in "biufc":
            return bool(np.all(a == b))
        a, b = a.astype(complex), b.astype(complex)
        scale = max((abs(x) for x in np.concatenate((a.ravel(), b.ravel())) if np.isfinite(x)), default=0.0)
        return bool(np.allclose(a, b, rtol=0, atol=1024 * np.finfo(float).eps * scale, equal_nan=True))
    except (TypeError, ValueError):
        return left is right
