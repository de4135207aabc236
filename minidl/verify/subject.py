"""The implementation as laws see it: every call goes through one place, and results come back as arrays in order."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minidl.laws.core import Broken, Contract, NotProvided
from minidl.verify.cases import Guard, transform
from minidl.verify.limits import Watch


class Exited(Exception):
    """The implementation called sys.exit(), or raised what is meant for the whole program in another way."""


def as_array(value: Any) -> Any:
    """Plain arrays of tensors, lists and scalars (a 0-d array as a NumPy scalar); other things unchanged."""
    if isinstance(value, np.ndarray):
        return value
    if hasattr(value, "detach"):  # a tensor that records gradients refuses to become an array
        value = value.detach()
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):
        return value
    if array.dtype.kind not in "biufc":
        return value
    return array if array.ndim else array[()]


class Subject:
    """An implementation under judgement.

    A function that a contract describes returns its array, or a named tuple of arrays in the contract's order, whether
    the implementation itself returned a dict, a tuple or tensors. Exceptions pass through (a law may expect one),
    marked with the function that raised them. Inputs that it writes into are put back after each call, so that the fault
    is told once, by `call:pure`, and spoils no other law.

    watch: keeps the time of calls; without one they may take forever.
    """

    def __init__(self, implementation: Any, contracts: Sequence[Contract] = (), watch: Watch | None = None) -> None:
        self._implementation, self._watch = implementation, watch
        self._mutated: list[str] = []
        self._contracts = {contract.function: contract for contract in contracts}
        self._tuples = {
            contract.function: namedtuple(f"{contract.function}_outputs", contract.outputs, rename=True)
            for contract in contracts
        }

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        if not provides(self._implementation, name):
            raise NotProvided(name)
        contract = self._contracts.get(name)

        def call(*inputs: Any, **keywords: Any) -> Any:
            result = self._call(name, inputs, keywords)
            if contract is None:
                return result
            outputs = {key: as_array(value) for key, value in contract.read(result).items()}
            return outputs[contract.outputs[0]] if len(outputs) == 1 else self._tuples[name](*outputs.values())

        return call

    def _call(self, name: str, inputs: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        names = self._contracts[name].inputs if name in self._contracts else ()
        told = {names[i] if i < len(names) else f"number {i + 1}": value for i, value in enumerate(inputs)}
        guard = Guard(told | dict(keywords))
        try:
            with guard:
                result = self._timed(name, inputs, keywords)
                if guard.check():  # a result that lies in an input's memory must not be put back with it
                    result = transform(result, _copied)
                return result
        except (NotProvided, Broken):
            raise
        except Exception as error:
            mark(error, name)
            raise
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            exits = f"called sys.exit({error.code!r})" if isinstance(error, SystemExit) else f"raised {error!r}"
            exited = Exited(f"it {exits}")
            exited.minidl_function = name
            raise exited from error
        finally:
            self._mutated = guard.mutated

    def _timed(self, name: str, inputs: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        function = getattr(self._implementation, name)
        if self._watch is None:
            return function(*inputs, **keywords)
        return self._watch.call(name, lambda: function(*inputs, **keywords))


def _copied(value: Any) -> Any:
    array = as_array(value)
    return array.copy() if isinstance(array, np.ndarray) else value


def mutated(subject: Subject) -> list[str]:
    """The inputs that the subject's last call wrote into, by their names in the contract."""
    return subject._mutated


def provides(implementation: Any, function: str) -> bool:
    """Whether the implementation has a function of that name."""
    return callable(getattr(implementation, function, None))


def mark(error: BaseException, function: str) -> None:
    """Remember which function raised, so that a report can tell the implementation's errors from a law's."""
    try:
        error.minidl_function = function
    except AttributeError:  # an exception class with __slots__ keeps its secret
        return
