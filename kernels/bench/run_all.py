"""Run every bench, one process after the other, and say at the end which goals were reached.

    python kernels/bench/run_all.py [--rounds N] [--no-write] [--no-peers] [--tiny]

The options go to every bench. Exit code 1 if a bench failed, 0 otherwise: a missed goal is a finding, not a failure.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import harness
from report import REPORTS

BENCHES = (
    "autograd_step",
    "scalar_chain",
    "conv2d",
    "gated_block",
    "optimizer_step",
    "binary_products",
    "rbm_gibbs",
    "dtw",
    "walks",
    "skipgram",
    "inpainting",
    "descent",
    "import_time",
)


def main(argv: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if argv is None else argv
    options = harness.parser(__doc__.splitlines()[0]).parse_args(arguments)
    started, failed = time.time(), []
    for bench in BENCHES:
        command = [sys.executable, str(Path(__file__).with_name(f"{bench}.py")), *arguments]
        if subprocess.run(command, check=False).returncode:
            failed.append(bench)
        print(flush=True)
    if not options.no_write:
        print(summary(started))
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def summary(since: float, folder: Path = REPORTS) -> str:
    """One line per goal of the reports written after `since` (seconds of the epoch), the missed ones marked."""
    lines = []
    for bench in BENCHES:
        path = folder / f"{bench}.json"
        if not path.exists() or path.stat().st_mtime < since:
            continue
        for section in json.loads(path.read_text(encoding="utf-8"))["sections"]:
            for goal in section["goals"]:
                mark = {True: "reached", False: "MISSED", None: "not measured"}[goal["reached"]]
                measured = "-" if goal["measured"] is None else f"{goal['measured']:.3f}"
                where = f"{bench}, {section['name']}"
                lines.append(f"{mark:12}  {where:45}  {goal['quantity']}: {measured} {goal['limit']}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
