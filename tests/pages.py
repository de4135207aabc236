"""Pages whose commands are carried out: named files are written, commands run, and what they print is compared.

A fence ```python my.py holds a file. A fence ```console holds commands after `$`, what each prints, and `[exit code N]` where
that is told. `...` alone in a line stands for any lines, within a line for any text.
"""

import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from minidl import cli

DOCS = Path(__file__).parent.parent / "docs"
PEERS = ("torch", "optax", "pytorch_optimizer", "torch_optimizer")


@dataclass
class Command:
    """A command of a page, what it shall print, and its exit code (0 where none is told)."""

    line: str
    expected: list[str] = field(default_factory=list)
    code: int = 0

    @property
    def peers(self):
        """The libraries that it names."""
        return [peer for peer in PEERS if re.search(rf"\b{peer}\b", self.line)]


def fences(page):
    """(info, body) of every fenced block."""
    return re.findall(r"^```(.*)\n((?:.*\n)*?)```$", (DOCS / page).read_text(encoding="utf-8"), re.M)


def commands(page):
    found = []
    for info, body in fences(page):
        if info != "console":
            continue
        for line in body.splitlines():
            if line.startswith("$ "):
                found.append(Command(line[2:]))
            elif told := re.fullmatch(r"\[exit code (\d)\]", line):
                found[-1].code = int(told[1])
            else:
                found[-1].expected.append(line)
    return found


def write_files(page, folder):
    """The files that a page shows, and those beside it."""
    for info, body in fences(page):
        if " " in info:
            (folder / info.split()[1]).write_text(body)
    beside = DOCS / Path(page).stem
    for file in beside.iterdir() if beside.is_dir() else ():
        shutil.copy(file, folder)


def carry_out(command, capsys):
    """Run it in the current directory; fails with the output unless that is as expected."""
    program, *arguments = shlex.split(command.line)
    if program == "minidl":
        code = cli.main(arguments)
        said = capsys.readouterr()
        out, err = said.out, said.err
    else:
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program}")
        done = subprocess.run([program, *arguments], capture_output=True, text=True)
        code, out, err = done.returncode, done.stdout, done.stderr
    assert code == command.code, f"{command.line}\n{out}\n{err}"
    assert re.fullmatch(pattern(command.expected), out), f"{command.line}\nexpected\n{command.expected}\ngot\n{out}"


def pattern(lines):
    """Columns may be as wide as they like."""

    def one(line):
        return re.sub(r"(\\ )+", " +", re.escape(line)).replace(r"\.\.\.", ".*") + r"\n"

    return "".join(r"(?:.*\n)*?" if line.strip() == "..." else one(line) for line in lines)
