"""Judging in a process of its own, which may hang, crash or exit without taking the report with it.

A row whose call ends the process, or hangs where no alarm reaches it, is broken on the case that was judged then; a new
process goes on with the next row.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from minidl import atlas
from minidl.verify import limits
from minidl.verify.adapters import Adapted
from minidl.verify.limits import deadline, last_words
from minidl.verify.report import Breakage, Row
from minidl.verify.repro import line
from minidl.verify.runner import ENOUGH, Bench, Event, left_out
from minidl.verify.search import Failure
from minidl.verify.targets import TargetError
from minidl.verify.worker import NOTES, TRACE, Request

_POLL = 0.25
# modules are found there as they are found here
_START = "import sys; sys.path[:] = sys.argv[1:]; del sys.argv[1:]; from minidl.verify.worker import main; main()"


def supervised(bench: Bench, impl: Any, source: str, seconds: float | None) -> Iterator[Event]:
    """The events of `verdicts`, from other processes. Raises ValueError for what cannot be found from there."""
    name = impl.target if isinstance(impl, Adapted) else impl
    if bench.method is None or not isinstance(name, str):
        raise ValueError("judging in a process of its own takes a method by name and a target by string")
    with tempfile.TemporaryDirectory(prefix="minidl-verify-") as folder:
        request = Request(
            method=atlas.method(bench.method),
            target=impl,
            source=source,
            functions=tuple(contract.function for contract in bench.contracts),
            claims=bench.claims,
            examples=bench.examples,
            seed=bench.seed,
            seconds=seconds,
            loading=limits.STARTING,
            folder=Path(folder),
        )
        yield from _Supervisor(bench, request).events()


class _Supervisor:
    """Starts processes until every item has its row."""

    def __init__(self, bench: Bench, request: Request) -> None:
        self._bench, self._request = bench, request
        self._items = {item.id: item for item in bench.all_items()}
        self._done: set[str] = set()
        self._deaths: Counter[str] = Counter()
        self._opened = False

    def events(self) -> Iterator[Event]:
        ended = False
        while not ended:
            current = ""
            with _Process(replace(self._request, done=frozenset(self._done))) as process:
                for event, content in process.messages():
                    if event == "begin":
                        current = content
                    elif event == "row":
                        self._done.add(content[0])
                        current = ""
                        yield "row", replace(content[1], item=self._items[content[0]])
                    elif event == "unusable":
                        raise TargetError(content)
                    elif event == "failed":
                        raise RuntimeError(f"the judging process failed: {content}")
                    elif event == "end":
                        ended = True
                    elif event != "opened" or not self._opened:
                        self._opened = True
                        yield event, content
                death = None if ended else process.death()
            if death is not None:
                yield from self._after(current, death)

    def _after(self, current: str, death: str) -> Iterator[Event]:
        """What a death means for the rows."""
        if not current:
            raise TargetError(f"{self._request.target} {death} while it was loaded")
        self._done.add(current)
        if current not in self._items:  # the search for a planted bug
            return
        item = self._items[current]
        yield "row", self._row(item, death)
        self._deaths[item.contract.function] += 1
        if self._deaths[item.contract.function] >= ENOUGH:
            for other in self._items.values():
                if other.contract.function == item.contract.function and other.id not in self._done:
                    self._done.add(other.id)
                    yield "row", left_out(other, "ended the process")

    def _row(self, item: Any, death: str) -> Row:
        noted, case_name, case = last_words(self._request.folder / NOTES)
        known = noted == item.id and case is not None
        failure = Failure(case if known else {}, case_name if known else "", RuntimeError(death))
        breakage = Breakage(
            why=f"{', '.join(item.needs)} {death}",
            expected="a result",
            got=None,
            case=failure.case,
            case_name=failure.name,
            note=item.cases.notes.get(failure.name, ""),
            reproduce=line(self._bench.method, item, self._request.source, failure, True) if known else "",
        )
        return Row(item, "broken", cases=1, breakage=breakage)


class _Process:
    """One worker: its messages, and how it ended."""

    def __init__(self, request: Request) -> None:
        self._request, self._killed = request, ""

    def __enter__(self) -> _Process:
        (self._request.folder / NOTES).write_bytes(b"")
        # -P: the current directory is searched where the target is looked for, after everything that is installed
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _START, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=os.name == "posix",
        )
        with contextlib.suppress(OSError):  # one that ended at once is told by its silence
            pickle.dump(self._request, self._process.stdin)
            self._process.stdin.close()
        self._messages: queue.Queue[tuple[str, Any] | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._process.stdout.close()

    def _read(self) -> None:
        with contextlib.suppress(Exception):  # the end of the stream, in the middle of a message or not
            while True:
                self._messages.put(pickle.load(self._process.stdout))
        self._messages.put(None)

    def messages(self) -> Iterator[tuple[str, Any]]:
        """What the worker says, until it ends or is killed for taking too long."""
        while True:
            try:
                message = self._messages.get(timeout=_POLL)
            except queue.Empty:
                limit = deadline(self._request.folder / NOTES)
                if limit and time.monotonic() > limit + limits.GRACE:
                    self._killed = "hangs where it cannot be interrupted"
                    self._ask_where()
                    self._end()
                continue
            if message is None:
                return
            yield message

    def death(self) -> str:
        """How it ended, and where."""
        code = self._end()
        if self._killed:
            what = self._killed
        elif code < 0:
            what = f"ended the process by {_signal(-code)}"
        else:
            what = f"ended the process with exit code {code}"
        return what + _place(self._request.folder / TRACE)

    def _ask_where(self) -> None:
        if hasattr(signal, "SIGUSR1"):
            with contextlib.suppress(OSError):
                self._process.send_signal(signal.SIGUSR1)
            time.sleep(_POLL)

    def _end(self) -> int:
        """Kill it with what the target has started, and return the exit code; that of one that has ended stays."""
        if self._process.returncode is None:
            with contextlib.suppress(OSError):
                if os.name == "posix":
                    os.killpg(self._process.pid, signal.SIGKILL)
                else:
                    self._process.kill()
        return self._process.wait()


def _signal(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
    meaning = {
        "SIGSEGV": "invalid memory access",
        "SIGABRT": "abort()",
        "SIGKILL": "killed, perhaps for want of memory",
    }
    return f"{name} ({meaning[name]})" if name in meaning else name


def _place(trace: Path) -> str:
    """The innermost Python line of a trace that the fault handler wrote."""
    text = trace.read_text(errors="replace") if trace.exists() else ""
    found = re.search(r'File "(.*)", line (\d+) in (.*)', text)
    return f", at {found[1]}:{found[2]} in {found[3]}" if found else ""
