"""`minidl verify` and `minidl golden`: the arguments, and what runs them. The command line calls these functions."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

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
        "exit code: 0 all held, 1 something is broken, 2 the target or an argument could not be used"
    )
    parser.add_argument("method", metavar="METHOD", help=f"one of: {', '.join(atlas.METHODS)}")
    parser.add_argument(
        "target",
        metavar="TARGET",
        nargs="?",
        help="module, module:attr or path/to/file.py[:attr]; by default the method's own reference",
    )
    parser.add_argument("--cmd", metavar="COMMAND", help="a program that speaks JSON lines, instead of TARGET")
    parser.add_argument("--time-limit", metavar="SECONDS", type=float, help="for one call of --cmd (10 by default)")
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
    parser.add_argument("--json", metavar="FILE", help="write the report as JSON (- for standard output)")
    parser.add_argument("--junit", metavar="FILE", help="write the report as JUnit XML (- for standard output)")


def run_verify(args: argparse.Namespace) -> int:
    """Run `minidl verify`; the exit code."""
    try:
        return _verify(args)
    except (Unusable, ValueError, OSError) as error:
        return _refuse(args, error)


def _verify(args: argparse.Namespace) -> int:
    from minidl.verify.runner import run
    from minidl.verify.targets import TargetError, opened
    from minidl.verify.tolerance import quiet

    row = atlas.method(args.method)
    if args.cmd is not None and args.target is not None:
        raise ValueError("give TARGET or --cmd, not both")
    if args.time_limit is not None and (args.cmd is None or not args.time_limit > 0):
        raise ValueError("--time-limit takes seconds above 0, and belongs to --cmd")
    if args.examples < 0 or args.seed < 0:
        raise ValueError("--examples and --seed must be integers >= 0")
    if args.json == "-" and args.junit == "-":
        raise ValueError("--json and --junit cannot both go to standard output")
    claims = dict(_claim(text) for text in args.claim)
    known = _known(args.known) if args.known else {}
    functions = None if args.functions is None else [name.strip() for name in args.functions.split(",")]
    target = row.reference if args.target is None else args.target
    if args.cmd is not None:
        target = f"--cmd {args.cmd}"
    contracts, reference = atlas.load_contracts(row.name), atlas.load_reference(row.name)
    # floating-point warnings of the implementation would stand between the lines; what is wrong is in the report
    with opened(target, contracts, reference, seconds=args.time_limit) as implementation, quiet():
        report = run(
            row.name,
            implementation,
            known=known,
            claims=claims,
            examples=args.examples,
            seed=args.seed,
            functions=functions,
            target=target,
        )
    for place, write in ((args.json, report.json), (args.junit, report.junit)):
        if place == "-":
            sys.stdout.write(write())
        elif place:
            _write(Path(place), write())
    if "-" not in (args.json, args.junit):
        sys.stdout.write(report.text())
    if report.unusable:
        raise TargetError(report.unusable)
    return report.exit_code


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


def _claim(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--claim takes NAME=VALUE, such as kink=any-subgradient, got {text!r}")
    return name.strip(), value.strip()


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
