"""Time limits for calls within this process, and the signs of life that a supervising process reads.

A call that runs too long is interrupted by an alarm signal, which stops Python code and most library calls, and the row
ends there. Compiled code that never returns to Python cannot be interrupted from within: `minidl verify` therefore
judges in a process of its own, which it can kill (see supervise.py). Where there is no alarm (Windows, or a thread other
than the main one) only that process keeps the time.
"""

from __future__ import annotations

import pickle
import signal
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, BinaryIO

from minidl.laws.core import Case
from minidl.verify.search import Stalled

SECONDS = 10.0
STARTING = 30.0  # the first call of a function may compile it
GRACE = 3.0  # how long an alarm may take to be noticed before the supervising process kills
_NOTE = struct.Struct("<dI")  # the deadline (0: no call runs), the length of the pickled case


class _TimeUp(BaseException):
    """Raised by the alarm: a BaseException, so that `except Exception` in the interrupted code lets it pass."""


class Watch:
    """Runs calls under a time limit.

    seconds: the limit of one call; starting: that of a function's first call. file: where to leave signs of life.
    """

    def __init__(
        self, seconds: float | None = None, *, starting: float | None = None, file: BinaryIO | None = None
    ) -> None:
        self.seconds = SECONDS if seconds is None else seconds
        if starting is None:
            starting = max(STARTING, self.seconds) if seconds is None else self.seconds
        self._starting, self._file, self._known = starting, file, set()

    def call(self, name: str, function: Callable[[], Any], *, limit: float | None = None) -> Any:
        """function() under the limit of its name, or another one. Raises Stalled, which says where it was."""
        if limit is None:
            limit = self.seconds if name in self._known else self._starting
        self._known.add(name)
        self._note(time.monotonic() + limit)
        try:
            return _limited(name, function, limit)
        finally:
            self._note(0.0)

    def about(self, item: str, case: Case, case_name: str) -> None:
        """Leave word of what is judged now, for whoever must explain the end of this process."""
        if self._file is None:
            return
        try:
            told = pickle.dumps((item, case_name, case))
        except Exception:  # a case may hold functions
            told = pickle.dumps((item, case_name, None))
        self._file.seek(0)
        self._file.write(_NOTE.pack(0.0, len(told)) + told)

    def _note(self, deadline: float) -> None:
        if self._file is not None:
            self._file.seek(0)
            self._file.write(struct.pack("<d", deadline))


def keeps_time(implementation: Any) -> bool:
    """Whether an implementation ends its calls in time by itself, as a program under --cmd does."""
    return getattr(implementation, "keeps_time", False) is True


def deadline(path: Path) -> float:
    """When the running call must have ended, by the monotonic clock; 0 if none runs."""
    with open(path, "rb") as file:
        start = file.read(8)
    return struct.unpack("<d", start)[0] if len(start) == 8 else 0.0


def last_words(path: Path) -> tuple[str, str, Case | None]:
    """The item, the name of the case and the case that were judged last. Empty where nothing was noted."""
    note = path.read_bytes()
    try:
        _, length = _NOTE.unpack_from(note)
        return pickle.loads(note[_NOTE.size : _NOTE.size + length])
    except Exception:  # it ended in the middle of a note
        return "", "", None


def _limited(name: str, function: Callable[[], Any], seconds: float) -> Any:
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        return function()
    began, where = time.monotonic(), []

    def over(_signal: int, frame: FrameType | None) -> None:
        if not where:
            where.append(_place(frame))
        raise _TimeUp

    handler = signal.signal(signal.SIGALRM, over)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)  # again every second, if it was swallowed
    try:
        try:
            return function()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except _TimeUp:
        signal.setitimer(signal.ITIMER_REAL, 0)
        raise Stalled(f"no answer from {name} within {seconds:g} s; it was {where[0]}") from None
    finally:
        signal.signal(signal.SIGALRM, handler)
        if left:  # somebody else's alarm, such as a test runner's
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - began), 1e-3), interval)


def _place(frame: FrameType | None) -> str:
    if frame is None:
        return "outside Python"
    return f"at {frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"
