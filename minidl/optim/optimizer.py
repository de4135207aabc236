"""What every optimizer shares: the class around a pure step.

An optimizer is a pure function `step(w, g, state, hyper) -> w, state` on arrays of one shape: the parameters of a group seen
as one vector. `state` is a dict of arrays of that shape and of numbers, empty before the first step; nothing is written into.
The class holds tensors, gathers them into such vectors, and puts the result back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from numbers import Real
from typing import Any

import numpy as np

from minidl.autograd import Tensor

# Tensors below this many entries share one vector: at that size the calls cost more than the arithmetic.
_PACKED = 1 << 14


def check_hyper(hyper: Any, **bounds: tuple[float, float]) -> None:
    """Raise ValueError for a hyperparameter that is not a finite number in [low, high); make it a Python float."""
    for name, (low, high) in bounds.items():
        value = getattr(hyper, name)
        number = isinstance(value, Real) and not isinstance(value, bool)
        if not (number and math.isfinite(value) and low <= value < high):
            raise ValueError(f"{name} must be a finite number in [{low}, {high}), got {value!r}")
        object.__setattr__(hyper, name, float(value))  # a np.float64 would turn float32 parameters into float64


def two(betas: Any) -> tuple[float, float]:
    """Both betas; ValueError unless there are two."""
    if not isinstance(betas, Iterable) or len(betas := tuple(betas)) != 2:
        raise ValueError(f"betas must be two numbers, (beta1, beta2), got {betas!r}")
    return betas


class Optimizer:
    """Applies a pure step to tensors.

    params: a dict of tensors (`model.parameters()`), an iterable of tensors, or a list of groups
        `{"params": ..., "lr": 0.1, ...}` with hyperparameters of their own.

    `step()` reads `.grad`; a tensor without one is skipped and its state stays as it is.
    """

    def __init__(self, params: Any, pure_step: Callable, hyper: Any):
        self._step = pure_step
        self.groups: list[tuple[list[Tensor], Any]] = []
        for group in _groups(params):
            overrides = {k: v for k, v in group.items() if k != "params"}
            self.groups.append((_checked(_members(group["params"])), self._changed(hyper, overrides)))
        every = [p for tensors, _ in self.groups for p in tensors]
        if len(set(every)) != len(every):
            raise ValueError("a parameter appears twice, and would be updated twice per step: name each tensor once")
        self._state: dict[tuple[Tensor, ...], dict[str, Any]] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        if any(hasattr(hyper, name) for _, hyper in vars(self).get("groups", ())):
            raise AttributeError(
                f"{name} belongs to the groups of parameters: change it with set_hyper({name}={value!r})"
            )
        super().__setattr__(name, value)

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for tensors, _ in self.groups:
            for p in tensors:
                p.grad = None

    def set_hyper(self, **changes: float) -> None:
        """Change hyperparameters of all groups between steps, such as lr; the state stays."""
        self.groups = [(tensors, self._changed(hyper, changes)) for tensors, hyper in self.groups]

    def _changed(self, hyper: Any, changes: Mapping[str, Any]) -> Any:
        if unknown := changes.keys() - asdict(hyper).keys():
            raise ValueError(
                f"unknown hyperparameters {sorted(unknown)}: {type(self).__name__} has {list(asdict(hyper))}"
            )
        return replace(hyper, **changes)

    def step(self, *, forget: bool = False) -> None:
        """One update of every tensor that has a gradient. Raises ValueError, and changes nothing, if one does not fit.

        forget: also drop the gradients, as `zero_grad` would; large ones then serve as scratch memory, which is faster.
        """
        ready = [(_with_gradients(tensors), hyper) for tensors, hyper in self.groups]
        for tensors, hyper in ready:
            for chunk in _chunks(tensors):
                for members, state in self._states(chunk):
                    w, g = (_join([t._value for t in side]) for side in (members, [p.grad for p in members]))
                    w, self._state[members] = self._step(w, g, state, hyper)
                    for p, value in zip(members, _split(w, members), strict=True):
                        p.adopt(value)
            if forget:
                for p in tensors:
                    p.grad = None

    def _states(self, chunk: tuple[Tensor, ...]) -> list[tuple[tuple[Tensor, ...], dict[str, Any]]]:
        """The chunk with its state, in parts where its tensors have seen different numbers of steps."""
        if chunk in self._state:
            return [(chunk, self._state.pop(chunk))]
        for old in [c for c in self._state if not set(c).isdisjoint(chunk)]:
            state = self._state.pop(old)
            arrays = {k: _split(v, old) for k, v in state.items() if isinstance(v, np.ndarray)}
            for i, p in enumerate(old):
                self._state[p,] = state | {k: parts[i] for k, parts in arrays.items()}
        parts: dict[tuple, list[tuple[Tensor, dict]]] = {}
        for p in chunk:
            state = self._state.pop((p,), {})
            numbers = tuple(item for item in state.items() if not isinstance(item[1], np.ndarray))
            parts.setdefault((tuple(state), numbers), []).append((p, state))
        return [
            (tuple(p for p, _ in part), dict(numbers) | _merged([state for _, state in part]))
            for (_, numbers), part in parts.items()
        ]


def _with_gradients(tensors: list[Tensor]) -> list[Tensor]:
    """Those that have a gradient. Raises ValueError for a gradient that is not like its tensor."""
    ready = [p for p in tensors if p.grad is not None]
    for p in ready:
        if not fits(p.grad, p._value):
            raise misfit(p)
    return ready


def fits(grad: Any, w: np.ndarray) -> bool:
    """Whether a gradient is a tensor like its parameter's value."""
    if type(grad) is not Tensor or grad._value.shape != w.shape:
        return False
    dtype = grad._value.dtype  # == takes a microsecond, and is needed for what was pickled: its dtype is another object
    return dtype is w.dtype or dtype == w.dtype


def misfit(p: Tensor) -> ValueError:
    """The error for a gradient that does not fit its parameter."""
    g = p.grad
    got = f"{g.dtype}{g.shape}" if isinstance(g, (Tensor, np.ndarray)) else ""
    return ValueError(
        f"the gradient of a {p.dtype}{p.shape} parameter must be a tensor like it, got {type(g).__name__} {got}: "
        "leave .grad to backward(), or set it to Tensor(array)"
    )


def _chunks(tensors: list[Tensor]) -> list[tuple[Tensor, ...]]:
    """Large tensors alone, small ones together by dtype."""
    together: dict[Any, list[Tensor]] = {}
    for p in tensors:
        together.setdefault(p if p.size >= _PACKED else p.dtype, []).append(p)
    return [tuple(chunk) for chunk in together.values()]


def _join(arrays: list[np.ndarray]) -> np.ndarray:
    return arrays[0] if len(arrays) == 1 else np.concatenate([a.reshape(-1) for a in arrays])


def _split(vector: np.ndarray, like: tuple[Tensor, ...]) -> list[np.ndarray]:
    if len(like) == 1:
        return [vector]
    stops = np.cumsum([p.size for p in like])
    return [vector[stop - p.size : stop].reshape(p.shape) for p, stop in zip(like, stops, strict=True)]


def _merged(states: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    return {k: _join([s[k] for s in states]) for k, v in states[0].items() if isinstance(v, np.ndarray)}


def _members(params: Any) -> list[Any]:
    """What a dict, a list or a generator of parameters holds."""
    if isinstance(params, Tensor) or not isinstance(params, Iterable):
        raise TypeError(
            f"parameters come as a dict or a list of tensors, got {type(params).__name__}: "
            "pass model.parameters(), or [w] for one tensor"
        )
    return list(params.values() if isinstance(params, Mapping) else params)


def _groups(params: Any) -> list[Mapping[str, Any]]:
    """Groups as they are, anything else as one group."""
    members = _members(params)
    grouped = [isinstance(m, Mapping) and "params" in m for m in members]
    if not any(grouped):
        return [{"params": members}]
    if not all(grouped):
        raise TypeError('pass either tensors or groups {"params": tensors, ...}, not both in one list')
    return members


def _checked(tensors: list[Any]) -> list[Tensor]:
    if not tensors:
        raise ValueError("an optimizer needs at least one parameter, got none: pass model.parameters()")
    for p in tensors:
        if not isinstance(p, Tensor):
            raise TypeError(f"parameters must be tensors, got {type(p).__name__}: pass model.parameters()")
        if not p.requires_grad or not p.is_leaf:
            raise TypeError(
                "a parameter must be a leaf that requires a gradient: make it with Tensor(x, requires_grad=True)"
            )
    return tensors
