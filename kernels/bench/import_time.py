"""How long until the first line can run: CPU time of fresh processes that import one thing and end.

    python kernels/bench/import_time.py [--rounds N] [--only NAME] [--no-write]

Each sample is one process, its user and system time as the operating system counts them, the start of the interpreter
included. Before that: the imports must not load Numba, Matplotlib or Hypothesis, which would cost seconds that most
programs never need.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import harness
from harness import Goal, Options, interleave, ratio
from report import Row, Section, Spread

HEAVY = ("numba", "matplotlib", "hypothesis")
OURS = {
    "import minidl": "import minidl",
    "import minidl.autograd": "import minidl.autograd",
    "import minidl.nn, minidl.optim": "import minidl.nn, minidl.optim",
}
PEERS = {
    "import autograd": "autograd.numpy",
    "import mygrad": "mygrad",
    "import torch": "torch",
}


def process_seconds(code: str) -> float:
    """CPU seconds of a Python process that runs the code. Raises RuntimeError with its output if it fails."""
    # As installed: with byte code next to the sources. Without, an editable package would be compiled at every import.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env)
    output = process.stdout.read()
    process.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)  # so that Popen does not wait for it again
    if process.returncode:
        raise RuntimeError(f"{code!r} failed:\n{output.decode(errors='replace')}")
    return usage.ru_utime + usage.ru_stime


def assert_light(code: str) -> None:
    """Raise RuntimeError if the code loads one of the heavy packages."""
    process_seconds(
        f"{code}\nimport sys\nheavy = [m for m in {HEAVY} if m in sys.modules]\n"
        f"assert not heavy, {code!r} + ' loads ' + ', '.join(heavy)"
    )


@dataclass(frozen=True)
class Imports:
    """Statements in fresh processes, related to `import numpy`."""

    ours: Mapping[str, str]
    peers: Mapping[str, str]
    name: str = "imports"
    judged: Sequence[str] = ("import minidl", "import minidl.autograd")
    limit: float = 1.5
    seconds: Callable[[str], float] = process_seconds

    def run(self, options: Options) -> Section:
        for code in self.ours.values():
            assert_light(code)
        statements = {"nothing": "pass", "import numpy": "import numpy", **self.ours}
        skipped = []
        for name, module in self.peers.items():
            try:
                if not options.peers:
                    raise RuntimeError("left out by --no-peers")
                process_seconds(f"import {module}")
                statements[name] = f"import {module}"
            except RuntimeError as error:
                skipped.append((name, str(error).strip().splitlines()[-1]))
        for code in statements.values():
            self.seconds(code)  # so that byte code and the disk's cache are warm for everybody
        samplers = {name: lambda code=code: self.seconds(code) for name, code in statements.items()}
        samples = interleave(samplers, options.rounds, between=lambda: None)
        bare = samples["nothing"]
        net = {name: [t - b for t, b in zip(s, bare, strict=True)] for name, s in samples.items() if name != "nothing"}
        figures = [("without the interpreter", "time / import numpy (quartiles)")]
        for name in self.ours:
            r = ratio(net, name, "import numpy")
            figures.append((name, f"{r.median:.3f} ({r.low:.3f} .. {r.high:.3f})"))
        rows = [Row(name, Spread.of(s), ratio(samples, name, "import numpy"), 1) for name, s in samples.items()]
        return Section(
            self.name,
            f"none of minidl's imports loads {', '.join(HEAVY)}",
            "import numpy",
            rows,
            figures,
            skipped,
            [
                Goal(name, "import numpy", at_most=self.limit).verdict(samples)
                for name in self.judged
                if name in self.ours
            ],
            options.rounds,
        )


def benches(options: Options) -> Iterator[Imports]:
    yield Imports({"import minidl": OURS["import minidl"]} if options.tiny else OURS, PEERS)


if __name__ == "__main__":
    title = "CPU time of fresh processes that import one thing"
    sys.exit(harness.main("import_time", title, benches, clock="CPU time of child processes"))
