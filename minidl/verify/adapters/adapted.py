"""Finds out what a foreign object is, and which contract it is held against."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

from minidl.laws.core import Contract, NotProvided
from minidl.verify.adapters.classes import from_class, is_optimizer_class
from minidl.verify.adapters.hyper import Options, parameters_of, plain_name
from minidl.verify.adapters.steps import from_step, is_step_function
from minidl.verify.adapters.transforms import from_factory, is_transform, is_transform_factory
from minidl.verify.targets import TargetError, as_namespace, find_target

KINDS = {"class": from_class, "transform": from_factory, "step": from_step}
# Methods that libraries offer as a switch of another one: contract -> contract of the other, names of the switch.
_SWITCHES = {"amsgrad": ("adam", ("amsgrad",)), "amsbound": ("adabound", ("amsbound", "ams_bound"))}


@dataclass(frozen=True)
class Adapted:
    """A target and how it is to be understood; `adapt` makes one. `namespace` does the work.

    target: an object, or a string that names one. function: the contract's function that it is held against, where its
    name does not say it. kind: class, transform, step or trajectory, where that cannot be seen.
    """

    target: Any
    function: str | None = None
    kind: str | None = None
    options: Options = field(default_factory=Options)

    def namespace(self, contracts: Sequence[Contract]) -> Any:
        """The namespace that these contracts judge. Raises TargetError when the target cannot be found or adapted."""
        found = find_target(self.target) if isinstance(self.target, str) else self.target
        runs = {contract.function: contract for contract in contracts if is_run(contract)}
        if not runs:
            if self._told():
                judged = ", ".join(contract.function for contract in contracts)
                raise TargetError(f"only runs of optimizers can be adapted, and none is judged here ({judged})")
            return self._plain(found)
        self._check_names(runs.values())
        kind = self.kind or kind_of(found)
        if self.function is not None:
            return self._one(found, kind, runs)
        if kind is None or kind == "trajectory":
            return self._several(self._plain(found), runs)
        functions = self._by_name(found, kind, runs)
        if not functions:
            raise TargetError(
                f"the name {plain_name(found)} does not say which contract this is held against: say it, "
                f"with adapt(..., function=...) (--as FUNCTION); there are {', '.join(runs)}"
            )
        return Namespace(found, functions)

    def source(self) -> str | None:
        """The target as Python, for a line that reproduces a failure; None for an object that has no importable name."""
        target = self.target if isinstance(self.target, str) else _importable(self.target)
        if target is None or not self._told():
            return target and repr(target)
        given = {"function": self.function, "kind": self.kind} | {n: dict(v) for n, v in vars(self.options).items()}
        return f"adapt({target!r}, {', '.join(f'{name}={value!r}' for name, value in given.items() if value)})"

    def __str__(self) -> str:
        """For the first line of a report."""
        target = self.target if isinstance(self.target, str) else _importable(self.target) or plain_name(self.target)
        told = [f"as {self.function}"] if self.function else []
        told += [f"{name}={value!r}" for name, value in self.options.fixed.items()]
        told += [f"where {name} is {value!r}" for name, value in self.options.only.items()]
        return f"{target} ({', '.join(told)})" if told else str(target)

    def _told(self) -> bool:
        return bool(self.function or self.kind or any(vars(self.options).values()))

    def _plain(self, found: Any) -> Any:
        return as_namespace(found, self.target) if isinstance(self.target, str) else found

    def _check_names(self, contracts: Sequence[Contract]) -> None:
        inputs = {name: None for contract in contracts for name in contract.inputs}
        for what in ("names", "only"):
            for name in getattr(self.options, what):
                if name not in inputs:
                    raise TargetError(
                        f"{what}: no contract judged here has an input {name!r}; it can be {', '.join(inputs)}"
                    )

    def _one(self, found: Any, kind: str | None, runs: Mapping[str, Contract]) -> Any:
        """The namespace of the one function that the user named."""
        if self.function not in runs:
            raise TargetError(f"no optimizer's contract is called {self.function!r}; there are {', '.join(runs)}")
        if kind is None and not callable(found):
            raise TargetError(f"{self} is a {type(found).__name__}: name a class or function in it")
        if kind is None or kind == "trajectory":
            return Namespace(found, {self.function: found})
        return Namespace(found, {self.function: KINDS[kind](found, runs[self.function], self.options)})

    def _by_name(self, found: Any, kind: str, runs: Mapping[str, Contract]) -> dict[str, Callable[..., Any]]:
        """The functions that one class or function is, by its own name and by its switches."""
        functions = {}
        for name, contract in runs.items():
            if _folded(plain_name(found)) == _folded(name):
                functions[name] = KINDS[kind](found, contract, self.options)
            elif (options := self._switched(found, name)) is not None:
                functions[name] = KINDS[kind](found, contract, options)
        return functions

    def _switched(self, found: Any, function: str) -> Options | None:
        """The options under which a class for another contract is this one."""
        other, switches = _SWITCHES.get(function, ("", ()))
        if _folded(plain_name(found)) != _folded(other):
            return None
        names = {parameter.name for parameter in parameters_of(found)}
        for switch in names.intersection(switches) - set(self.options.fixed):
            return replace(self.options, fixed={**self.options.fixed, switch: True})
        return None

    def _several(self, found: Any, runs: Mapping[str, Contract]) -> Any:
        """A module or namespace with what is in it adapted; what cannot be is declined, with the reason."""
        functions: dict[str, Callable[..., Any]] = {}
        problems: list[TargetError] = []
        for name in runs:
            if callable(own := getattr(found, name, None)) and kind_of(own) is None:
                continue  # a trajectory function as it should be
            for member in _members(found, name):
                try:
                    for function, adapted in self._by_name(member, kind_of(member), {name: runs[name]}).items():
                        functions.setdefault(function, adapted)
                except TargetError as error:
                    problems.append(error)
                    functions.setdefault(name, functools.partial(_decline, name, str(error)))
        if problems and len(problems) == len(functions):
            raise problems[0]
        if not functions and is_transform(found) and not isinstance(found, ModuleType):
            raise TargetError(f"{self} is a transformation with its hyperparameters: name the function that makes it")
        return Namespace(found, functions) if functions else found


class Namespace:
    """A target with trajectory functions in it, in front of what it has itself."""

    def __init__(self, found: Any, functions: Mapping[str, Callable[..., Any]]) -> None:
        self.__dict__.update(functions)
        self._found, self._functions = found, tuple(functions)
        self._wiring = {name: told for name, f in functions.items() if (told := getattr(f, "wiring", ""))}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._found, name)

    def __dir__(self) -> list[str]:
        return sorted({*self._functions, *dir(self._found)})


def wiring(implementation: Any) -> dict[str, str]:
    """How each adapted function calls the foreign optimizer, for a reader; empty for what is not adapted."""
    return dict(implementation._wiring) if isinstance(implementation, Namespace) else {}


def label(impl: Any, name: str | None = None) -> tuple[str, str]:
    """What `run` is given, for the head of a report and as Python for `reproduce`; by name, if the caller gives one.

    An object that another process could not find is the caller's variable `impl`.
    """
    if name is not None:
        return name, repr(name)
    if isinstance(impl, ModuleType):
        return impl.__name__, repr(impl.__name__)
    if isinstance(impl, str):
        return impl, repr(impl)
    if isinstance(impl, Adapted) or kind_of(impl) is not None:
        thing = impl if isinstance(impl, Adapted) else Adapted(impl)
        return str(thing), thing.source() or "impl"
    return getattr(impl, "__name__", type(impl).__name__), "impl"


def is_run(contract: Contract) -> bool:
    """Whether a contract describes an optimizer's run: from a start and gradients to the trajectory."""
    return contract.inputs[:2] == ("w", "gradients")


def kind_of(thing: Any) -> str | None:
    """class, transform, step; or None for what is no single optimizer, or a trajectory function already."""
    if isinstance(thing, ModuleType) or not callable(thing):
        return None
    if is_optimizer_class(thing):
        return "class"
    if is_transform_factory(thing):
        return "transform"
    return "step" if is_step_function(thing) else None


def _decline(function: str, reason: str, *_: Any) -> Any:
    raise NotProvided(function, reason)


def _folded(name: str) -> str:
    return name.replace("_", "").lower()


def _members(found: Any, function: str) -> list[Any]:
    """What may be this contract's optimizer in a module, or an optimizer with a switch for it."""
    wanted = {_folded(function), _folded(_SWITCHES.get(function, ("", ()))[0])}
    names = [name for name in dir(found) if _folded(name) in wanted and not name.startswith("_")]
    things = [getattr(found, name, None) for name in sorted(names, key=lambda n: _folded(n) != _folded(function))]
    return [thing for thing in things if kind_of(thing) is not None]


def _importable(thing: Any) -> str | None:
    """`module:name` where that leads to the object, in another process too."""
    if isinstance(thing, ModuleType):
        return thing.__name__
    module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", "")
    found = sys.modules.get(module) if module not in (None, "__main__") else None
    for part in name.split("."):
        found = getattr(found, part, None)
    return f"{module}:{name}" if found is not None and found is thing else None
