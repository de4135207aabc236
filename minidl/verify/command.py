"""A program in any language as a namespace of functions: one JSON line per call on its stdin, one back on its stdout.

    -> {"function": "gated_plain", "inputs": {"x": {"dtype": "float64", "shape": [2], "data": [1.0, -2.0]}, "k": 0.6}}
    <- {"outputs": {"y": {"dtype": "float64", "shape": [2], "data": [0.5, -1.0]}}}
    <- {"error": "k must be finite"}         the function rejects these inputs
    <- {"unsupported": true}                 the program does not have the function, or not for these inputs

Data lie flat in row-major order. Not-a-number and the infinities are the strings "nan", "inf" and "-inf"; a complex
number is a pair. A lone number is a 0-d value, an integer if it is written as one: say {"dtype": "float64",
"shape": [], "data": [1]} where a language writes 1.0 as 1. Whatever else the program has to say belongs on stderr.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import math
import os
import queue
import shlex
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minidl.laws.core import Case, Contract, NotProvided
from minidl.verify.limits import SECONDS, STARTING
from minidl.verify.search import Stalled
from minidl.verify.targets import TargetError

_DTYPES = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_DTYPES += ("float16", "float32", "float64", "complex64", "complex128")


class CommandError(ValueError):
    """The program answered with an error: it rejects the inputs."""


class CommandBroken(RuntimeError):
    """The program died, or answered with something that is no answer."""


def encode(value: Any) -> Any:
    """A value as JSON can carry it, exactly."""
    if isinstance(value, np.ndarray | np.generic):
        array = np.ascontiguousarray(value)
        flat = [_out(entry) for entry in array.reshape(-1).tolist()]
        return {"dtype": array.dtype.name, "shape": list(np.shape(value)), "data": flat}
    if isinstance(value, tuple | list):
        return [encode(part) for part in value]
    if isinstance(value, dict):
        return {name: encode(part) for name, part in value.items()}
    return _out(value)


def _holds_a_function(value: Any) -> bool:
    return callable(value) or (isinstance(value, tuple | list) and any(map(_holds_a_function, value)))


def _out(value: Any) -> Any:
    if isinstance(value, complex):
        return [_out(value.real), _out(value.imag)]
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value


def decode(value: Any) -> Any:
    """An output of the program as an array or scalar. Raises CommandBroken on what is neither."""
    if isinstance(value, bool | int | float):
        return np.asarray(value)[()]
    if isinstance(value, str) and value in ("nan", "inf", "-inf"):
        return np.float64(value)
    if not isinstance(value, dict) or not {"dtype", "shape", "data"} <= set(value):
        raise CommandBroken(f"an output must be a number or have dtype, shape and data, got {str(value)[:200]}")
    dtype, shape, data = value["dtype"], value["shape"], value["data"]
    if dtype not in _DTYPES:
        raise CommandBroken(f"unknown dtype {dtype!r}: it can be {', '.join(_DTYPES)}")
    if not isinstance(shape, list) or not all(isinstance(n, int) and n >= 0 for n in shape):
        raise CommandBroken(f"a shape must be a list of integers >= 0, got {shape!r}")
    if not isinstance(data, list) or len(data) != math.prod(shape):
        count = len(data) if isinstance(data, list) else type(data).__name__
        raise CommandBroken(f"shape {shape} needs {math.prod(shape)} entries in data, got {count}")
    try:
        if dtype.startswith("complex"):
            data = [complex(float(real), float(imag)) for real, imag in data]
        elif dtype.startswith("float"):
            data = [float(entry) for entry in data]
        elif any(isinstance(entry, float | str) for entry in data):
            raise TypeError("integers and booleans must be written as such")
        return np.array(data, dtype=dtype).reshape(shape)
    except (TypeError, ValueError, OverflowError) as error:
        raise CommandBroken(f"data of dtype {dtype} cannot be read: {error}") from error


def input_names(contracts: Sequence[Contract], reference: Any = None) -> dict[str, tuple[str, ...]]:
    """The names under which a function's arguments travel: of its contract, then of the reference's signature."""
    names: dict[str, tuple[str, ...]] = {}
    for name in dir(reference) if reference is not None else ():
        function = getattr(reference, name)
        if not name.startswith("_") and inspect.isfunction(function):
            names[name] = tuple(inspect.signature(function).parameters)
    for contract in contracts:
        rest = tuple(name for name in names.get(contract.function, ()) if name not in contract.inputs)
        names[contract.function] = contract.inputs + rest
    return names


class CommandTarget:
    """The program as a namespace. It starts at the first call, and again after it died or was stopped.

    seconds: the time limit of one call (10 by default); starting: what the first answer after a start may take in
    addition (interpreters load, compilers compile). A program that fails before its first answer raises TargetError,
    since then it does not speak the protocol; later failures raise CommandBroken, or Stalled at the time limit.
    """

    def __init__(
        self,
        command: str,
        names: Mapping[str, tuple[str, ...]],
        *,
        seconds: float | None = None,
        starting: float = STARTING,
    ) -> None:
        self._command, self._names, self._starting = command, names, starting
        self._seconds = SECONDS if seconds is None else seconds
        try:
            self._arguments = shlex.split(command)
        except ValueError as error:
            raise TargetError(f"the command {command!r} cannot be read: {error}") from error
        if not self._arguments:
            raise TargetError("the command is empty: give the program and its arguments in one string")
        self._process: subprocess.Popen[str] | None = None
        self._answered = False

    keeps_time = True  # its calls end by themselves: no other clock is needed

    def __enter__(self) -> CommandTarget:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __dir__(self) -> list[str]:
        return sorted(self._names)

    def __getattr__(self, function: str) -> Callable[..., Any]:
        if function.startswith("_") or function not in self._names:
            raise AttributeError(function)
        names = self._names[function]

        def call(*inputs: Any, **keywords: Any) -> Any:
            if len(inputs) > len(names):
                raise TypeError(f"{function} takes {len(names)} inputs ({', '.join(names)}), got {len(inputs)}")
            return self._ask(function, dict(zip(names, inputs, strict=False)) | keywords)

        call.__name__ = function
        return call

    def close(self) -> None:
        """End the program: its input is closed, and after a second it is killed with what it started."""
        process, self._process = self._process, None
        if process is None:
            return
        if self._writer is not None:
            self._writer.join(0.1)
            if self._writer.is_alive():  # it does not read, and never will
                _kill(process)
                self._writer.join()
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(1.0)
        except subprocess.TimeoutExpired:
            _kill(process)
        for thread in self._readers:
            thread.join(1.0)
        if not any(thread.is_alive() for thread in self._readers):  # closing under a reader would wait for it
            process.stdout.close()
            process.stderr.close()

    def _start(self) -> None:
        try:
            self._process = subprocess.Popen(
                self._arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=os.name == "posix",
            )
        except OSError as error:
            raise TargetError(
                f"{self._arguments[0]} cannot be started: {error.strerror}; is the path right, and is it executable?"
            ) from error
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._said: deque[str] = deque(maxlen=10)
        self._warm = False
        self._writer: threading.Thread | None = None
        self._readers = [
            threading.Thread(target=_read, args=(self._process.stdout, self._lines.put, True), daemon=True),
            threading.Thread(target=_read, args=(self._process.stderr, self._said.append, False), daemon=True),
        ]
        for thread in self._readers:
            thread.start()

    def _ask(self, function: str, inputs: Case) -> Any:
        if any(_holds_a_function(value) for value in inputs.values()):
            raise NotProvided(function, "one of its inputs is a function, which JSON cannot carry")
        if self._process is None:
            self._start()
        limit, self._warm = self._seconds + (0.0 if self._warm else self._starting), True
        with contextlib.suppress(queue.Empty):
            early = self._lines.get_nowait()
            if early is None:
                self._died(function)
            self._garbage(f"before it was asked for {function} the program wrote", early)
        request = json.dumps({"function": function, "inputs": encode(inputs)}, allow_nan=False)
        # in a thread of its own: a program that does not read would let us wait here, beyond any time limit
        self._writer = threading.Thread(target=_write, args=(self._process.stdin, request + "\n"), daemon=True)
        self._writer.start()
        try:
            answer = self._lines.get(timeout=limit)
        except queue.Empty:
            _kill(self._process)
            self.close()
            self._fail(f"no answer to {function} within {limit:g} s", Stalled)
        if answer is None:
            self._died(function)
        return self._understand(function, answer)

    def _died(self, function: str) -> None:
        process = self._process
        self.close()
        said = " ".join(line.strip() for line in self._said if line.strip())
        end = f"; on stderr it said: {said[-400:]}" if said else ""
        self._fail(f"the program ended with exit code {process.returncode} instead of answering {function}{end}")

    def _garbage(self, what: str, text: str) -> None:
        # whatever else it printed would be taken for the answer to the next call: start again
        _kill(self._process)
        self.close()
        self._fail(f"{what} {text.strip()[:200]!r}, which is no JSON object with outputs, error or unsupported")

    def _understand(self, function: str, answer: str) -> Any:
        try:
            reply = json.loads(answer)
        except ValueError:
            reply = None
        if not isinstance(reply, dict) or not {"outputs", "error", "unsupported"} & set(reply):
            self._garbage(f"the answer to {function} is", answer)
        self._answered = True
        if reply.get("unsupported"):
            raise NotProvided(function, "the program says that it is unsupported")
        if "error" in reply:
            raise CommandError(str(reply["error"]))
        outputs = reply.get("outputs")
        if not isinstance(outputs, dict):
            raise CommandBroken(f"outputs must be an object from names to values, got {str(outputs)[:200]}")
        return {name: decode(value) for name, value in outputs.items()}

    def _fail(self, what: str, kind: type[Exception] = CommandBroken) -> None:
        if not self._answered:
            raise TargetError(
                f"{self._command}: {what}. It never gave an answer: it must read one JSON object per line on stdin and "
                'write one per line on stdout, flushed, such as {"unsupported": true}'
            )
        raise kind(what)


def _read(stream: Any, put: Callable[[Any], Any], end: bool) -> None:
    with contextlib.suppress(ValueError, OSError):  # the stream was closed while we waited for a line
        for text in stream:
            put(text)
    if end:
        put(None)


def _write(stream: Any, text: str) -> None:
    with contextlib.suppress(ValueError, OSError):  # a program that is gone is told by the end of its output
        stream.write(text)
        stream.flush()


def _kill(process: subprocess.Popen[str]) -> None:
    """Kill the program and what it started (a shell script leaves its commands behind otherwise)."""
    if process.returncode is not None:  # reaped: its number may belong to another process by now
        return
    with contextlib.suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)  # it leads the session that it was started in
        else:
            process.kill()
    process.wait()
