"""Plain functions that make one step: `step(w, g, state, lr, beta1, ...) -> w, state` on the parameters as one vector.

The state is whatever the function returns; before the first step it is {} or None, whichever the function takes.
Hyperparameters are passed by name, or as one dataclass where a parameter is annotated with it. A function without a state
returns w alone.
"""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minidl.laws.core import Broken, Contract
from minidl.verify.adapters.hyper import Hyper, Options, parameters_of, plain_name

STATES, GRADIENTS = ("state", "opt_state"), ("g", "grad", "gradient")


def is_step_function(thing: Any) -> bool:
    """A function with a parameter for its state, or whose second one is a single gradient."""
    try:
        names = list(inspect.signature(thing).parameters)
    except (TypeError, ValueError):
        return False
    return any(name in STATES for name in names[2:]) or (len(names) > 1 and names[1] in GRADIENTS)


def from_step(step: Callable[..., Any], contract: Contract, options: Options) -> Callable[..., np.ndarray]:
    """The contract's trajectory function by a step function. Raises TargetError where the two do not fit."""
    parameters = parameters_of(step)[2:]  # without w and g
    state = next((p for p in parameters if p.name in STATES), None)
    rest = [p for p in parameters if p is not state]
    record, kind = _record(step, rest)
    hyper = Hyper(contract, plain_name(step), rest if record is None else parameters_of(kind), options)
    states = _States(step, state)

    def trajectory(*inputs: Any) -> np.ndarray:
        values = dict(zip(contract.inputs, inputs, strict=True))
        w, gradients, lr = values["w"], values["gradients"], hyper.rates(values)
        rows: list[np.ndarray] = []
        keywords: dict[str, Any] = {}
        run: dict[str, Any] = {}
        for t, g in enumerate(gradients):
            if t == 0 or (lr is not None and lr[t] != lr[t - 1]):
                keywords = hyper.keywords(values if lr is None else values | {"lr": float(lr[t])})
                keywords = keywords if record is None else {record: kind(**keywords)}
            w = states.advance(w, g, run, keywords)
            rows.append(np.array(w))
        return np.stack(rows) if rows else np.empty((0, len(w)), w.dtype)

    trajectory.wiring = hyper.wiring("w, g, state" if state is not None else "w, g")
    return trajectory


class _States:
    """Passes the state from step to step, and finds out what the function takes before the first one."""

    def __init__(self, step: Callable[..., Any], state: inspect.Parameter | None) -> None:
        self._step, self._name = step, state.name if state is not None else None
        self._first: list[Callable[[], Any]] = [dict, lambda: None]
        if state is not None and state.default is not state.empty:
            self._first = [lambda: state.default]

    def advance(self, w: Any, g: Any, run: dict[str, Any], keywords: Mapping[str, Any]) -> Any:
        """The next w; run keeps the state of this trajectory."""
        if self._name is None:
            return self._step(w, g, **keywords)
        if "state" in run:
            result = self._step(w, g, **{self._name: run["state"]}, **keywords)
        else:
            result = self._begin(w, g, keywords)
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise Broken(f"a step function must return (w, state), and this one returned {_described(result)}")
        w, run["state"] = result
        return w

    def _begin(self, w: Any, g: Any, keywords: Mapping[str, Any]) -> Any:
        problems = []
        for first in self._first:
            try:
                result = self._step(w, g, **{self._name: first()}, **keywords)
            except (KeyError, IndexError, TypeError, AttributeError) as error:  # what a state of another kind gives
                problems.append(error)
                continue
            self._first = [first]
            return result
        raise problems[0]


def _described(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"{len(value)} values: {', '.join(type(part).__name__ for part in value)}"
    return f"one {type(value).__name__}"


def _record(step: Callable[..., Any], parameters: list[inspect.Parameter]) -> tuple[str, Any] | tuple[None, None]:
    """The parameter that takes all hyperparameters as a dataclass, and that class."""
    try:
        hints = typing.get_type_hints(inspect.unwrap(step))
    except Exception:  # annotations that name what is not there say nothing
        return None, None
    hinted = [(p.name, hints.get(p.name)) for p in parameters]
    found = [(name, hint) for name, hint in hinted if inspect.isclass(hint) and dataclasses.is_dataclass(hint)]
    return found[0] if len(found) == 1 else (None, None)
