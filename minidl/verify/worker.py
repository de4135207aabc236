"""The process in which `minidl verify` judges: it loads the target, and tells the process above what it finds.

It reads a pickled Request from standard input. Standard output becomes standard error before anything foreign is loaded,
in the file descriptor and hence for compiled code too; the answers travel on a copy of what it was. What compiled code
was doing when it crashed, or when it is asked by a signal, is written to a file.
"""

from __future__ import annotations

import contextlib
import dataclasses
import faulthandler
import os
import pickle
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minidl import atlas
from minidl.verify.search import Stalled, Unusable

NOTES, TRACE = "notes", "trace"  # the files in Request.folder


@dataclass
class Request:
    """What is to be judged, by names only. folder: where the signs of life go. done: ids that are not judged again."""

    method: atlas.Method
    target: Any  # a string, or an Adapted of one
    source: str
    functions: tuple[str, ...]
    claims: Mapping[str, str]
    examples: int
    seed: int
    seconds: float | None
    loading: float  # the time limit of loading the target
    folder: Path
    done: frozenset[str] = frozenset()


def main() -> None:
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    request = pickle.load(sys.stdin.buffer)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    trace = os.open(request.folder / TRACE, os.O_WRONLY | os.O_CREAT)  # stays open for the handlers of signals
    faulthandler.enable(trace, all_threads=False)
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1, trace, all_threads=False)

    def send(*message: Any) -> None:
        pickle.dump(message, channel)
        channel.flush()

    with contextlib.suppress(BrokenPipeError):  # the process above is gone
        try:
            judge(request, send)
        except Unusable as error:
            send("unusable", str(error))
        except BaseException as error:
            import traceback

            send("failed", f"{type(error).__name__}: {error}\n{traceback.format_exc()}")
        send("end", None)
    os._exit(0)  # threads that the target has started are not waited for


def judge(request: Request, send: Any) -> None:
    """Judge what the request says, and send every event as it happens."""
    from minidl.verify.limits import Watch
    from minidl.verify.runner import Bench, verdicts

    atlas.METHODS.setdefault(request.method.name, request.method)
    with open(request.folder / NOTES, "wb", buffering=0) as notes:
        watch = Watch(request.seconds, file=notes)
        bench = Bench.of(
            request.method.name,
            functions=request.functions,
            claims=request.claims,
            examples=request.examples,
            seed=request.seed,
            watch=watch,
        )
        events = verdicts(bench, request.target, request.source, done=request.done)
        try:
            first = watch.call("the target while it was loaded", lambda: next(events), limit=request.loading)
        except Unusable:
            raise
        except BaseException as error:
            what = str(error) if isinstance(error, Stalled) else f"{type(error).__name__}: {error}"
            raise Unusable(f"{request.target} cannot be loaded: {what}") from error
        send(*first)
        for event, content in events:
            send(event, packed(content) if event == "row" else content)


def packed(row: Any) -> tuple[str, Any]:
    """A row without what cannot travel: the item by its id, no case that holds functions."""
    broken = row.breakage
    if broken is not None:
        try:
            pickle.dumps(broken.case)
        except Exception:
            broken = dataclasses.replace(broken, case={})
    return row.item.id, dataclasses.replace(row, item=None, breakage=broken)
