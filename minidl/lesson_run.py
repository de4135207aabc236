"""`minidl run`: a lesson in a process of its own, once or for several seeds, and the table over the seeds.

A lesson runs in a child process, because the number of BLAS threads is fixed when NumPy loads, and because a lesson is
a script like any other: what runs here is what `python lessons/NAME.py` runs.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from minidl.errors import UserError
from minidl.files import write_json
from minidl.lesson import THREAD_VARIABLES
from minidl.lesson_claims import judge, show, table
from minidl.lesson_params import Declaration, declaration_of, parse, parse_value
from minidl.lessons_index import find_lesson, lesson_files

__all__ = ["run", "run_help"]

INTERRUPTED = 130
OPTIONS: dict[str, Any] = {"quick": False, "out": "", "seeds": "", "jobs": 1, "threads": 0, "help": False}

USAGE = """\
usage: minidl run NAME [--param value ...] [options]

Run a lesson: it prints a table of its claims and writes figures and results.json.

options:
  --quick          the short setting (seconds), as the tests run it
  --out DIR        folder for figures and results (default: out/NAME)
  --seeds 0,1,2    run once per seed, each into its own folder seed-N, and print one table
  --jobs N         with --seeds: N seeds at a time, each on one thread (default 1)
  --threads N      BLAS threads per run (default: what the lesson asks for)
  --debug          show the traceback of an error
  --help           this text; after a NAME, also the parameters of that lesson

exit code: 0 all claims hold, 1 some do not, 2 the lesson could not run, 130 interrupted (partial results are kept)

examples:
  minidl run 01 --help
  minidl run 01_gated_residual --quick
  minidl run gated_residual --seed 3 --out out/third
  minidl run 01 --seeds 0,1,2 --jobs 2
"""


def run_help() -> str:
    """The help of `minidl run` and the names that it takes."""
    names = list(lesson_files())
    return USAGE + (f"\nlessons: {', '.join(names)} (`minidl lessons` says more)\n" if names else "")


def run(words: Sequence[str], *, debug: bool = False) -> int:
    """The command: words are what follows `minidl run`; returns the exit code. Raises UserError for what cannot run."""
    words = ["--help" if word == "-h" else word for word in words]
    name, rest = _lesson_name(words)
    if name is None:
        if "--help" in words:
            print(run_help(), end="")
            return 0
        raise UserError(f"which lesson? There are: {', '.join(lesson_files()) or 'none yet'}. Example: minidl run 01")
    path = find_lesson(name)
    declaration = declaration_of(path)
    options, given = parse(declaration, OPTIONS, rest)
    options = {**OPTIONS, **options}
    if options["help"]:
        print(_lesson_help(declaration))
        return 0
    for option, least in (("jobs", 1), ("threads", 0)):
        if options[option] < least:
            raise UserError(f"--{option} must be at least {max(least, 1)}, got {options[option]}")
    out = Path(options["out"] or Path("out") / declaration.name)
    command = [sys.executable, str(path), *_as_words({**given, "quick": options["quick"]})]
    command.append("--debug" if debug else "--brief")
    if not options["seeds"]:
        if options["jobs"] != 1:
            raise UserError("--jobs runs several seeds at a time: name them with --seeds 0,1,2")
        environment = _environment(options["threads"], declaration.threads)
        return _Children().stream([*command, "--out", str(out)], environment)
    seeds = _seeds(options["seeds"], declaration, given)
    # Several runs at a time that each take all cores would take longer than one after the other.
    forced = options["threads"] or (1 if options["jobs"] > 1 else 0)
    environment = _environment(forced, declaration.threads)
    return _run_seeds(declaration, command, seeds, out, options["jobs"], environment)


def _lesson_name(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """The first word that is neither an option of the runner nor the value of one, and the other words."""
    words, position = list(words), 0
    while position < len(words):
        word = words[position]
        if not word.startswith("-"):
            return word, words[:position] + words[position + 1 :]
        option = OPTIONS.get(word.removeprefix("--").partition("=")[0])
        if option is None:
            raise UserError(f"name the lesson before its parameters: minidl run NAME {word} ...")
        position += 1 if isinstance(option, bool) or "=" in word else 2
    return None, words


def _lesson_help(declaration: Declaration) -> str:
    head = [declaration.title, declaration.question, f"Takes {declaration.duration}" if declaration.seconds else ""]
    body = declaration.parameter_lines() or ["  (none)"]
    text = "\n".join(filter(None, head)) + "\n\nparameters:\n" + "\n".join(body)
    return f"{text}\n\n{USAGE.replace('run NAME', f'run {declaration.name}', 1)}"


def _as_words(values: Mapping[str, Any]) -> list[str]:
    """Parsed values as words of a command line again, in the form that reads back exactly."""
    words = []
    for name, value in values.items():
        option = f"--{name.replace('_', '-')}"
        if isinstance(value, tuple):
            value = ",".join(map(str, value))
        words.append(f"{option}={value}")
    return words


def _seeds(text: str, declaration: Declaration, given: Mapping[str, Any]) -> list[int]:
    if type(declaration.params.get("seed")) is not int:
        raise UserError(f"{declaration.name} has no parameter seed, so --seeds means nothing to it")
    if "seed" in given:
        raise UserError("give --seed or --seeds, not both")
    seeds = parse_value("seeds", text, (0,))
    if len(set(seeds)) < len(seeds):
        raise UserError(f"--seeds names a seed twice: {text}")
    return list(seeds)


def _environment(forced: int, asked: int | None) -> dict[str, str]:
    """The child's environment: threads that the command line forces, else what the environment has, else the lesson."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}  # lines appear when they are printed
    if forced:
        environment.update(dict.fromkeys(THREAD_VARIABLES, str(forced)))
    elif asked:
        environment = {**dict.fromkeys(THREAD_VARIABLES, str(asked)), **environment}
    return environment


def _run_seeds(
    declaration: Declaration, command: list[str], seeds: list[int], out: Path, jobs: int, environment: dict[str, str]
) -> int:
    children = _Children()
    codes: dict[int, int] = {}

    def one(seed: int) -> None:
        if children.stopped:
            return
        folder = out / f"seed-{seed}"
        (folder / "results.json").unlink(missing_ok=True)  # an older run's must not pass for this one's
        words = [*command, f"--seed={seed}", "--out", str(folder)]
        if jobs == 1:
            print(f"\n== {declaration.name}, seed {seed} ==", flush=True)
            codes[seed] = children.stream(words, environment)
        else:
            codes[seed] = children.stream(words, environment, prefix=f"[seed {seed}] ")

    if jobs == 1:
        for seed in seeds:
            one(seed)
    else:
        with ThreadPoolExecutor(jobs) as pool:
            futures = [pool.submit(one, seed) for seed in seeds]
            children.until(lambda: all(future.done() for future in futures))
            for future in futures:
                future.result()
    codes = {seed: codes[seed] for seed in seeds if seed in codes}  # in the order asked for
    records = {seed: _read(out / f"seed-{seed}" / "results.json") for seed in codes}
    means_hold = _print_seeds(declaration, records, codes, out)
    if children.stopped or INTERRUPTED in codes.values():
        return INTERRUPTED
    return max(codes.values(), default=0) or (0 if means_hold else 1)


def _print_seeds(declaration: Declaration, records: Mapping[int, dict], codes: Mapping[int, int], out: Path) -> bool:
    """Print and write the table over the seeds; returns whether the claims about means hold."""
    by_text: dict[str, dict[int, dict]] = {}
    for seed, record in records.items():
        for claim in record.get("claims", ()):
            by_text.setdefault(claim["text"], {})[seed] = claim
    rows, summary, all_hold = [], [], True
    for text, claims in by_text.items():
        first = next(iter(claims.values()))
        verdicts = [claim["holds"] for claim in claims.values()]
        judged = [verdict for verdict in verdicts if verdict is not None]
        held = f"{sum(judged)} of {len(judged)}" if judged else "not judged"
        measured = [show(claims[seed]["measured"]) if seed in claims else "-" for seed in records]
        rows.append((text, f"{first['relation']} {_bound(first)}".removeprefix("== ").strip(), *measured, held))
        entry = {"text": text, "holds": verdicts, "measured": {str(s): c["measured"] for s, c in claims.items()}}
        if first["mean"] is not None and judged and len(claims) == len(codes):
            values = [float(claim["measured"]) for claim in claims.values()]
            mean = judge(text, predicted=first["mean"], measured=sum(values) / len(values), relation=first["relation"])
            entry["mean"] = mean.record()
            all_hold = all_hold and bool(mean.holds)
            cells = mean.cells()
            rows.append(
                (f"  its mean over {len(values)} seeds", cells[1], cells[2], *[""] * (len(records) - 1), cells[4])
            )
        summary.append(entry)
    unfinished = {seed: code for seed, code in codes.items() if code not in (0, 1)}
    print(f"\n== {declaration.name}, seeds {', '.join(map(str, codes))} ==")
    if rows:
        print(table(("claim", "predicted", *[f"seed {seed}" for seed in records], "holds"), rows, other=16))
    for seed, code in unfinished.items():
        print(f"seed {seed}: {'interrupted' if code == INTERRUPTED else 'did not run to its end'}")
    path = write_json(out / "seeds.json", {"lesson": declaration.name, "exit_codes": dict(codes), "claims": summary})
    print(f"\n{path}")
    return all_hold


def _bound(claim: Mapping[str, Any]) -> str:
    if claim["relation"] == "between":
        return f"{show(claim['predicted'][0])} to {show(claim['predicted'][1])}"
    return show(claim["predicted"])


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


class _Children:
    """The running child processes, and Ctrl-C that reaches them and then waits for what they save."""

    def __init__(self) -> None:
        self.stopped = False
        self._running: set[subprocess.Popen] = set()
        self._lock = threading.Lock()

    def stream(self, command: list[str], environment: dict[str, str], *, prefix: str | None = None) -> int:
        """Run a command to its end and return its exit code; with a prefix, its lines are passed on behind it."""
        if prefix is None:
            # The child inherits the terminal, so that progress bars and the width of the window work.
            child = subprocess.Popen(command, env=environment)
        else:
            child = subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
            )
        with self._lock:
            self._running.add(child)
            if self.stopped:  # an interrupt between the start and this line has missed the child
                self._interrupt(child)
        try:
            if child.stdout is None:
                self.until(lambda: child.poll() is not None)
            else:
                with child.stdout as lines:
                    for line in lines:
                        print(f"{prefix}{line}", end="", flush=True)
            code = child.wait()
        finally:
            with self._lock:
                self._running.discard(child)
        if code in (-signal.SIGINT, INTERRUPTED):
            self.stopped = True
            return INTERRUPTED
        return 2 if code < 0 else code

    def until(self, done: Any) -> None:
        """Wait in the main thread. Ctrl-C is passed on and waited for (training finishes its step); the third one kills."""
        wait, interrupts = threading.Event(), 0
        while not done():
            try:
                wait.wait(0.02)
            except KeyboardInterrupt:
                with self._lock:
                    self.stopped, interrupts = True, interrupts + 1
                    for child in self._running:
                        if interrupts > 2:
                            child.kill()
                        else:
                            self._interrupt(child)

    @staticmethod
    def _interrupt(child: subprocess.Popen) -> None:
        # A terminal sends Ctrl-C to the whole group of processes, so the child has it already.
        if not sys.stdin or not sys.stdin.isatty():
            child.send_signal(signal.SIGINT)
