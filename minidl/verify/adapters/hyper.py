"""Which keyword of a foreign optimizer each input of a contract becomes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import Parameter
from typing import Any

import numpy as np

from minidl.laws.core import Contract, NotProvided
from minidl.verify.targets import TargetError

# What an input is called elsewhere. `betas[0]` is the first entry of a keyword that takes a tuple.
ALIASES: dict[str, tuple[str, ...]] = {
    "lr": ("learning_rate", "step_size"),
    "beta1": ("betas[0]", "b1", "beta_1"),
    "beta2": ("betas[1]", "b2", "beta_2"),
    "alpha": ("decay", "rho"),
    "eps": ("epsilon",),
    "weight_decay": ("wd",),
    "initial_accumulator": ("initial_accumulator_value",),
}
# What an optimizer does that has no such hyperparameter.
NEUTRAL: dict[str, Any] = {
    "weight_decay": 0.0,
    "momentum": 0.0,
    "dampening": 0.0,
    "nesterov": False,
    "centered": False,
    "lr_decay": 0.0,
    "initial_accumulator": 0.0,
    "eps": 0.0,
}
GIVEN = ("w", "gradients", "sizes")  # the inputs that are no hyperparameters


@dataclass(frozen=True)
class Options:
    """What the user says about a foreign optimizer.

    names: from inputs of the contract to its own keywords, such as {"alpha": "rho"} or {"beta1": "betas[0]"}.
    fixed: further keywords for it, such as {"weight_decouple": False}.
    only: the value that it has for an input which it does not take; cases with another value are declined.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    only: Mapping[str, Any] = field(default_factory=dict)


class Hyper:
    """The hyperparameters of a contract as keywords of a foreign callable.

    what: its name; parameters: those that take hyperparameters. Raises TargetError when the options do not fit, or when
    the callable needs what the contract does not give.
    """

    def __init__(self, contract: Contract, what: str, parameters: Sequence[Parameter], options: Options) -> None:
        self.what, self._function, self._options = what, contract.function, options
        self._inputs = [name for name in contract.inputs if name not in GIVEN]
        self._open = any(p.kind is p.VAR_KEYWORD for p in parameters)
        named = {p.name: p for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
        self._places = {name: place for name in self._inputs if (place := self._place(name, named))}
        self._check(named)

    def _place(self, name: str, named: Mapping[str, Any]) -> str | None:
        """The keyword of an input, or None if the callable has none."""
        if name in self._options.only:
            return None
        if name in self._options.names:
            place = self._options.names[name]
            if _keyword(place) not in named and not self._open:
                raise TargetError(f"{self.what} has no {place!r} for {name}; it takes {', '.join(named)}")
            return place
        taken = [other for other in self._inputs if other != name]
        for place in (name, *ALIASES.get(name, ())):
            if _keyword(place) in named and place not in taken:
                return place
        return None

    def _check(self, named: Mapping[str, Any]) -> None:
        for name in self._options.fixed:
            if name in map(_keyword, self._places.values()):
                raise TargetError(
                    f"{name} of {self.what} comes from the contract's cases and cannot be set: "
                    f"judge only the cases that have a value, with only={{{name!r}: ...}} (--only {name}=...)"
                )
            if name not in named and not self._open:
                raise TargetError(f"{self.what} has no {name!r} to set; it takes {', '.join(named)}")
        given = {_keyword(place) for place in self._places.values()} | set(self._options.fixed)
        needed = [n for n, p in named.items() if p.default is p.empty and n not in given]
        if needed:
            raise TargetError(
                f"{self.what} needs {', '.join(needed)}, which the contract of {self._function} does not give: "
                f"set it, with fixed={{{needed[0]!r}: ...}} (--set {needed[0]}=...), or name the input that it is, "
                f"with names={{...: {needed[0]!r}}} (--name INPUT={needed[0]})"
            )

    def rates(self, values: Mapping[str, Any]) -> np.ndarray | None:
        """The learning rates of the steps, where there is a keyword for them."""
        return values["lr"] if "lr" in self._places else None

    def keyword(self, name: str) -> str:
        """The keyword that an input becomes."""
        return _keyword(self._places[name])

    def wiring(self, first: str) -> str:
        """The call that an adapter makes, for a reader, after the arguments that come first."""
        tuples: dict[str, dict[int, str]] = {}
        said: dict[str, str] = {}
        for name, place in self._places.items():
            if place == (keyword := _keyword(place)):
                said[keyword] = name
            else:
                tuples.setdefault(keyword, {})[int(place[len(keyword) + 1 : -1])] = name
                said[keyword] = f"({', '.join(part for _, part in sorted(tuples[keyword].items()))})"
        said |= {name: repr(value) for name, value in self._options.fixed.items()}
        arguments = [part if part == name else f"{name}={part}" for name, part in said.items()]
        call = f"{self.what}({', '.join([first] * bool(first) + arguments)})"
        offered = {**NEUTRAL, **self._options.only}
        rest = [name for name in self._inputs if name not in self._places]
        if unknown := [name for name in rest if name not in offered]:
            return f"{call}, never judged: it has no {', '.join(unknown)}"
        return call + (f", judged only where {', '.join(f'{n}={offered[n]!r}' for n in rest)}" if rest else "")

    def keywords(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The keywords for these inputs, as plain numbers. Raises NotProvided for a value that is not offered."""
        found: dict[str, Any] = dict(self._options.fixed)
        tuples: dict[str, dict[int, Any]] = {}
        for name in self._inputs:
            value = _plain(values[name])
            if name not in self._places:
                self._decline_unless_offered(name, value)
                continue
            place = self._places[name]
            if place == (keyword := _keyword(place)):
                found[keyword] = value
            else:
                tuples.setdefault(keyword, {})[int(place[len(keyword) + 1 : -1])] = value
        for keyword, entries in tuples.items():
            found[keyword] = tuple(entries[i] for i in sorted(entries))
        return found

    def _decline_unless_offered(self, name: str, value: Any) -> None:
        options = self._options.only if name in self._options.only else NEUTRAL
        if name not in options:
            raise NotProvided(
                self._function,
                f"{self.what} has no {name}: name its own keyword for it (--name {name}=...), "
                f"or say which value it has (--only {name}=...)",
            )
        offered = options[name]
        if not np.all(value == offered):
            only = "judged only" if name in self._options.only else f"{self.what} has no {name}, so it is judged only"
            raise NotProvided(self._function, f"{only} where {name} is {offered!r}")


def split(vector: np.ndarray, sizes: Sequence[int] | None) -> list[np.ndarray]:
    """The vector of a group as its tensors, without copying: one tensor, or those of the contract's input `sizes`."""
    return [vector] if sizes is None else np.split(vector, np.cumsum(sizes)[:-1])


def _keyword(place: str) -> str:
    return re.sub(r"\[\d+\]$", "", place)


def _plain(value: Any) -> Any:
    """A Python number instead of NumPy's: a np.float64 would widen float32 parameters."""
    return value.item() if isinstance(value, np.generic) else value


def plain_name(foreign: Any) -> str:
    """What a class or function is called; of a partial, what it is a partial of."""
    return getattr(getattr(foreign, "func", foreign), "__name__", type(foreign).__name__)


def parameters_of(foreign: Callable[..., Any]) -> list[Parameter]:
    """The parameters of a class or function. Raises TargetError where they cannot be read."""
    try:
        return list(inspect.signature(foreign).parameters.values())
    except (TypeError, ValueError) as error:
        raise TargetError(
            f"the parameters of {plain_name(foreign)} cannot be read ({error}): "
            "wrap it in a Python function whose parameters are named"
        ) from error
