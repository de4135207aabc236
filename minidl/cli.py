"""The command line: lessons, run, check, verify, golden, data.

Everything that a command needs is imported inside it, so that `minidl --help` loads neither NumPy nor what is above it.
An error is one message on stderr that begins with "minidl: ", and exit code 2; `--debug`, anywhere, shows the traceback.
"""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import minidl
from minidl.errors import UserError, is_user_error, near

__all__ = ["main"]

Handler = Callable[[argparse.Namespace], int]
INTERRUPTED = 130

HEAD = """\
minidl: deep-learning methods written from scratch in NumPy, lessons that show them, and laws that judge your own code.

usage: minidl COMMAND ...
"""
TAIL = """\
options:
  --help, --version
  --debug          show the traceback of an error (before or after the command)

first steps:
  minidl lessons                        what there is to read and run
  minidl run 00_autograd                run a lesson: a table of predictions and measurements, figures in out/
  minidl lessons copy my-lessons        copy the lessons out, to edit and step through them
  minidl verify gated_residual my.py    hold your own implementation against the laws of a method

exit code: 0 all well, 1 something does not hold, 2 the command could not be carried out, 130 interrupted
`minidl COMMAND --help` says more about a command.
"""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are told as all the others are, with the place to look."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}\nSee: {self.prog} --help")


@dataclass(frozen=True)
class _Command:
    summary: str
    arguments: Callable[[argparse.ArgumentParser], None]
    handler: Handler


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out a command line (sys.argv by default) and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    # A title may hold a letter that an old terminal's encoding lacks: better a question mark than a crash.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        code = _dispatch(words, debug)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("\nminidl: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has seen enough. What is still buffered must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if debug:
            raise
        if is_user_error(error):
            print(f"minidl: {error}", file=sys.stderr)
        else:
            print(f"minidl: {type(error).__name__}: {error} (--debug shows the traceback)", file=sys.stderr)
        return 2


def _dispatch(words: list[str], debug: bool) -> int:
    if not words or words[0] in ("--help", "-h", "help"):
        print(_overview(), end="")
        return 0
    if words[0] in ("--version", "-V"):
        print(f"minidl {minidl.__version__}")
        return 0
    name, *rest = words
    if name == "run":  # its options are those of the lesson, which argparse cannot know before it has the name
        from minidl.lesson_run import run

        return run(rest, debug=debug)
    command = _COMMANDS.get(name)
    if command is None:
        what = "option" if name.startswith("-") else "command"
        raise UserError(f"there is no {what} {name!r}.{near(name, _SUMMARIES)} The commands: {', '.join(_SUMMARIES)}")
    parser = _Parser(
        prog=f"minidl {name}",
        description=textwrap.fill(command.summary, 100),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.arguments(parser)
    try:
        args = parser.parse_args(rest)
    except SystemExit as done:  # --help
        return int(done.code or 0)
    args.debug = debug
    return command.handler(args)


def _overview() -> str:
    lines = [f"  {name:<9} {summary}" for name, summary in _SUMMARIES.items()]
    return "\n".join([HEAD, "commands:", *lines, "", TAIL])


# -- lessons -------------------------------------------------------------------------------------------------------


def _lessons_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "examples:\n"
        "  minidl lessons                          the list\n"
        "  minidl lessons copy my-lessons          all of them, into a folder of yours\n"
        "  minidl lessons copy my-lessons 01 00    only these\n"
        "A copy runs with `minidl run my-lessons/01_gated_residual.py`, or cell by cell in an editor."
    )
    actions = parser.add_subparsers(dest="action", metavar="copy", parser_class=_Parser)
    copy = actions.add_parser("copy", help="copy lessons into a folder, to edit them", allow_abbrev=False)
    copy.add_argument("folder", metavar="DIR", help="made when it is missing")
    copy.add_argument("names", metavar="NAME", nargs="*", default=[], help="only these lessons (default: all)")
    copy.add_argument("--force", action="store_true", help="overwrite files that are there")


def _lessons(args: argparse.Namespace) -> int:
    from minidl.lesson_params import declaration_of
    from minidl.lessons_index import copy_lessons, lesson_files, lessons_folder

    if args.action == "copy":
        copies = copy_lessons(Path(args.folder), args.names, force=args.force)
        print(f"{len(copies)} files in {args.folder}: {', '.join(path.name for path in copies)}")
        return 0
    files = lesson_files()
    if not files:
        print(f"no lessons in {lessons_folder()}")
        return 0
    width = max(map(len, files))
    for name, path in files.items():
        declared = declaration_of(path)
        print(f"{name:<{width}}  {declared.duration:>7}  {declared.title}")
        if declared.question:
            print(f"{'':<{width}}  {'':>7}  {declared.question}")
    print(f"\nRun one:  minidl run {next(iter(files))}\nThe files: {lessons_folder()}")
    return 0


# -- check ---------------------------------------------------------------------------------------------------------


def _check_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Write your answers as functions named as in the lesson (exercise_1, exercise_2, ...) into a Python file, or\n"
        "into a copy of the lesson itself. A wrong answer that is a known mistake gets a hint.\n"
        "exit code: 0 all answers in the file pass, 1 one does not (or there is none), 2 the file could not be used\n\n"
        "examples:\n"
        "  minidl check 01_gated_residual my_answers.py\n"
        "  minidl check 01 my-lessons/01_gated_residual.py"
    )
    parser.add_argument("lesson", metavar="LESSON", help="name of the lesson: 01_gated_residual, 01, gated_residual")
    parser.add_argument("file", metavar="FILE", help="Python file with your answers")


def _check(args: argparse.Namespace) -> int:
    from minidl.exercises import main as check

    return check(args.lesson, args.file)


# -- verify, golden ------------------------------------------------------------------------------------------------


def _verify_arguments(parser: argparse.ArgumentParser) -> None:
    from minidl.verify.cli import add_verify_arguments

    add_verify_arguments(parser)


def _verify(args: argparse.Namespace) -> int:
    from minidl.verify.cli import run_verify

    return run_verify(args)


def _golden_arguments(parser: argparse.ArgumentParser) -> None:
    from minidl.verify.cli import add_golden_arguments

    add_golden_arguments(parser)


def _golden(args: argparse.Namespace) -> int:
    from minidl.verify.cli import run_golden

    return run_golden(args)


# -- data ----------------------------------------------------------------------------------------------------------


def _data_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Lessons use built-in data unless they are told otherwise (`minidl run 01 --data mnist`). The environment\n"
        "variable MINIDL_DATA names a folder with data sets that you have already.\n\n"
        "examples:\n"
        "  minidl data list          the data sets, and which of them are here\n"
        "  minidl data get mnist     download one; an interrupted download goes on where it stopped\n"
        "  minidl data where         the folder whose subfolders are the data sets"
    )
    actions = parser.add_subparsers(dest="action", metavar="{list,get,where}", required=True, parser_class=_Parser)
    actions.add_parser("list", help="the data sets, and which of them are here", allow_abbrev=False)
    actions.add_parser("where", help="the folder whose subfolders are the data sets", allow_abbrev=False)
    get = actions.add_parser("get", help="download a data set, check it, keep it", allow_abbrev=False)
    get.add_argument("name", metavar="NAME", help="as `minidl data list` names it")
    get.add_argument("--from", dest="base_url", metavar="URL", help="a mirror of yours, instead of the known ones")


def _data(args: argparse.Namespace) -> int:
    from minidl import data
    from minidl.data.dataset import BUILT_IN
    from minidl.data.fetch import REGISTRY

    if args.action == "get":
        print(data.get(args.name, base_url=args.base_url))
        return 0
    if args.action == "where":
        print(data.data_home())
        return 0
    home = data.data_home()
    width = max(map(len, data.NAMES))
    for name in data.NAMES:
        if name in BUILT_IN:
            print(f"{name:<{width}}  built in")
            continue
        try:
            folder = next(iter(data.locate(name).values())).parent
            print(f"{name:<{width}}  in {folder}")
        except data.DataError as missing:
            remedy = f"`minidl data get {name}` downloads it" if name in REGISTRY else str(missing)
            print(f"{name:<{width}}  not here: {remedy.removeprefix(f'{name}: ')}")
    origin = "MINIDL_DATA" if os.environ.get("MINIDL_DATA") else "the cache; MINIDL_DATA would name another folder"
    print(f"\nlooked in {home} ({origin})")
    return 0


_COMMANDS: dict[str, _Command] = {
    "lessons": _Command("List the lessons, or copy them out to edit.", _lessons_arguments, _lessons),
    "check": _Command("Judge your answers to the exercises of a lesson.", _check_arguments, _check),
    "verify": _Command(
        "Hold an implementation of a method, yours or ours, against its laws.", _verify_arguments, _verify
    ),
    "golden": _Command("Write test vectors for implementations in other languages.", _golden_arguments, _golden),
    "data": _Command("List, find and download real data sets.", _data_arguments, _data),
}
# The order in which a newcomer meets them.
_SUMMARIES: dict[str, str] = {
    "lessons": _COMMANDS["lessons"].summary,
    "run": "Run a lesson.",
    **{name: command.summary for name, command in _COMMANDS.items() if name != "lessons"},
}
