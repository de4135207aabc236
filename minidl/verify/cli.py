"""`minidl verify` and `minidl golden`: the arguments, and what runs them. The command line calls these functions."""

from __future__ import annotations

import argparse
import ast
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from minidl import atlas
from minidl.verify.golden import write_golden
from minidl.verify.search import Unusable


def add_verify_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `minidl verify`."""
    parser.description = "Hold an implementation against a method's laws, its reference and its worked examples."
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = (
        "examples:\n"
        "  minidl verify gated_residual                        the reference itself\n"
        "  minidl verify gated_residual my_gate.py             your functions, under the reference's names\n"
        "  minidl verify gated_residual my_package.gates:impl  a module, class or instance that holds them\n"
        '  minidl verify gated_residual --cmd "./tool"         any language: JSON lines on stdin and stdout\n'
        "optimizers of other libraries:\n"
        "  minidl verify avagrad torch.optim:Adam              a class; its name says what it is\n"
        "  minidl verify avagrad optax                         all that a module has and a contract knows\n"
        "  minidl verify avagrad mine.py:Fast --as adam --name beta1=b1 --set debias=True\n"
        "exit code: 0 all held, 1 something is broken, 2 the target or an argument could not be used"
    )
    parser.add_argument("method", metavar="METHOD", help=f"one of: {', '.join(atlas.METHODS)}")
    parser.add_argument(
        "target",
        metavar="TARGET",
        nargs="?",
        help="module, module:attr or path/to/file.py[:attr]; by default the method's own reference",
    )
    add_target_options(parser)
    parser.add_argument("--all", action="store_true", help="tell every broken row in full, not only the most telling")
    parser.add_argument("--json", metavar="FILE", help="write the report as JSON (- for standard output)")
    parser.add_argument("--junit", metavar="FILE", help="write the report as JUnit XML (- for standard output)")


def add_target_options(parser: argparse.ArgumentParser) -> None:
    """The options that say how a target is judged: those of the command, and of the pytest plugin."""
    parser.add_argument("--cmd", metavar="COMMAND", help="a program that speaks JSON lines, instead of TARGET")
    parser.add_argument(
        "--time-limit",
        metavar="SECONDS",
        type=float,
        help="for one call (10 by default, 30 for a function's first one)",
    )
    optimizer = parser.add_argument_group("optimizers of other libraries")
    optimizer.add_argument(
        "--as", metavar="FUNCTION", dest="function", help="which contract the target is held against"
    )
    optimizer.add_argument(
        "--name",
        metavar="INPUT=THEIRS",
        action="append",
        default=[],
        help="what the target calls an input of the contract: alpha=rho, beta1=betas[0]",
    )
    optimizer.add_argument(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        dest="fixed",
        help="a further keyword for the target: weight_decouple=False",
    )
    optimizer.add_argument(
        "--only",
        metavar="INPUT=VALUE",
        action="append",
        default=[],
        help="the value of an input that the target has no keyword for; other cases are declined: variant=released",
    )
    optimizer.add_argument(
        "--kind",
        choices=("class", "transform", "step", "trajectory"),
        help="what the target is, where it cannot be seen",
    )
    parser.add_argument("--functions", metavar="NAMES", help="judge only these functions, separated by commas")
    parser.add_argument("--examples", metavar="N", type=int, default=50, help="generated cases per row (default 50)")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="seed of the generated cases (default 0)")
    parser.add_argument(
        "--claim",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="a convention of yours where mathematics leaves a choice: kink=any-subgradient, dtype=any",
    )
    parser.add_argument("--known", metavar="FILE", help='expected failures as JSON: {"function/law": "reason", ...}')


def run_verify(args: argparse.Namespace) -> int:
    """Run `minidl verify`; the exit code."""
    try:
        return _verify(args)
    except (Unusable, ValueError, OSError) as error:
        return _refuse(args, error)


def _verify(args: argparse.Namespace) -> int:
    from minidl.verify.runner import run
    from minidl.verify.targets import TargetError

    row = atlas.method(args.method)
    if args.json == "-" and args.junit == "-":
        raise ValueError("--json and --junit cannot both go to standard output")
    target = target_of(args, row)
    settings = settings_of(args) | {"time_limit": args.time_limit, "isolated": args.target is not None}
    try:
        report = run(row.name, target, **settings)
    except TargetError as error:
        report = error.report
    for place, write in ((args.json, report.json), (args.junit, report.junit)):
        if place == "-":
            sys.stdout.write(write())
        elif place:
            _write(Path(place), write())
    if report.unusable:
        raise TargetError(report.unusable)
    if "-" not in (args.json, args.junit):
        sys.stdout.write(report.text(every=args.all))
    return report.exit_code


def target_of(args: argparse.Namespace, row: atlas.Method) -> Any:
    """What `run` is given by the arguments. Raises ValueError when they contradict each other."""
    from minidl.verify.adapters import adapt

    if args.cmd is not None and args.target is not None:
        raise ValueError("give TARGET or --cmd, not both")
    if args.time_limit is not None and not args.time_limit > 0:
        raise ValueError("--time-limit takes seconds above 0")
    if args.examples < 0 or args.seed < 0:
        raise ValueError("--examples and --seed must be integers >= 0")
    names = dict(_pair(text, "--name", "beta1=b1") for text in args.name)
    fixed, only = (
        {name: _value(text) for name, text in (_pair(text, option, example) for text in texts)}
        for texts, option, example in (
            (args.fixed, "--set", "weight_decouple=False"),
            (args.only, "--only", "variant=released"),
        )
    )
    if not (args.function or args.kind or names or fixed or only):
        return row.reference if args.target is None and args.cmd is None else args.target or f"--cmd {args.cmd}"
    if args.target is None:
        raise ValueError("--as, --name, --set, --only and --kind say how to understand TARGET, and none is given")
    return adapt(args.target, function=args.function, names=names, fixed=fixed, only=only, kind=args.kind)


def settings_of(args: argparse.Namespace) -> dict[str, Any]:
    """The arguments of `run` and `contract_tests` beside the target."""
    return {
        "claims": dict(_pair(text, "--claim", "kink=any-subgradient") for text in args.claim),
        "known": _known(args.known) if args.known else {},
        "examples": args.examples,
        "seed": args.seed,
        "functions": None if args.functions is None else [name.strip() for name in args.functions.split(",")],
    }


def add_golden_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `minidl golden`."""
    parser.description = (
        "Write the reference's answers as files for implementers in other languages: manifest.json and .npy arrays, "
        "each with its SHA-256 and a note on the bug that its case hunts."
    )
    parser.add_argument("directory", metavar="DIR", help="a new or empty directory, or one of earlier vectors")
    parser.add_argument("methods", metavar="METHOD", nargs="*", help="only these methods (default: all)")


def run_golden(args: argparse.Namespace) -> int:
    """Run `minidl golden`; the exit code."""
    try:
        manifest = write_golden(args.directory, args.methods or None)
    except (ValueError, OSError) as error:
        return _refuse(args, error)
    files = sum(1 for _ in manifest.parent.rglob("*.npy"))
    print(f"wrote {manifest} and {files} arrays")
    return 0


def _refuse(args: argparse.Namespace, error: Exception) -> int:
    # a closed pipe (head, less) is no fault of the arguments: the command line knows what to do with it
    if getattr(args, "debug", False) or isinstance(error, BrokenPipeError):
        raise error
    print(f"minidl: {error}", file=sys.stderr)
    return 2


def _pair(text: str, option: str, example: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ValueError(f"{option} takes NAME=VALUE, such as {example}, got {text!r}")
    return name.strip(), value.strip()


def _value(text: str) -> Any:
    """A number, boolean, None or tuple as Python writes it (true and false too), else the text itself."""
    try:
        return ast.literal_eval({"true": "True", "false": "False"}.get(text, text))
    except (ValueError, SyntaxError):
        return text


def _known(path: str) -> dict[str, str]:
    try:
        known = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"--known {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"--known {path} is not JSON: {error}") from error
    if not isinstance(known, dict) or not all(isinstance(reason, str) for reason in known.values()):
        raise ValueError(f'--known {path} must hold an object from rows to reasons, {{"function/law": "reason"}}')
    return known


def _write(path: Path, text: str) -> None:
    """All of the file or none of it: written beside, then renamed."""
    handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(beside, 0o644)
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise
