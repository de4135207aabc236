"""Tensors as vectors: small ones of a group travel together, large ones alone, and those may change in place.

At small sizes the calls of a step cost more than its arithmetic, so tensors that have made equally many steps share one vector
and one state. `Parts` keeps the states, and takes vectors apart when their tensors go different ways.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from minidl.autograd import Tensor
from minidl.optim.moments import ascent

LARGE = 1 << 14  # tensors of at least this many entries go alone


def is_array(value: Any) -> bool:
    """Whether a part of the state belongs to entries; tensors of shape () have NumPy scalars for arrays."""
    return isinstance(value, np.ndarray | np.generic)


class Part:
    """Tensors of one dtype that are updated as one vector, and their common state."""

    def __init__(self, parts: Parts, members: tuple[Tensor, ...]):
        self._parts, self.members = parts, members

    @property
    def state(self) -> dict[str, Any]:
        return self._parts.state[self.members]

    @property
    def entries(self) -> int:
        return sum(p.size for p in self.members)

    @property
    def large(self) -> bool:
        return self.members[0].size >= LARGE

    def gathered(self) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
        """Parameters and gradients as one array each, and the state: what a pure step takes."""
        return _join([p._value for p in self.members]), _join([p.grad._value for p in self.members]), self.state

    def put(self, w: np.ndarray, state: dict[str, Any]) -> None:
        """What a pure step returned."""
        self._parts.state[self.members] = state
        for p, value in zip(self.members, _split(w, self.members), strict=True):
            p.adopt(value)

    def in_place(self, run: Callable[..., Any], hyper: Any, numbers: Mapping[str, Any], **fresh: float) -> Any:
        """run(w, g, *arrays) writes into the parameters and into the arrays of the state; returns what it returns.

        g has its sign turned where `hyper.maximize`. numbers: what the state holds besides, afterwards. fresh: its arrays,
        with their value before the first step. A single tensor's own memory is written into if nobody else can see it, else
        a copy that replaces it.
        """
        w, old = self._writable(), self.state
        g = ascent(np.asarray(_join([p.grad._value for p in self.members]), order="C"), hyper)
        arrays = {
            k: np.asarray(old[k], order="C") if k in old else np.full(w.shape, v, w.dtype) for k, v in fresh.items()
        }
        returned = run(w, g, *arrays.values())
        self.put(w, dict(numbers) | arrays)
        return returned

    def _writable(self) -> np.ndarray:
        if len(self.members) == 1:
            w = self.members[0].exclusive()
            if w is not None and w.flags.c_contiguous:
                return w
        return np.array(_join([p._value for p in self.members]), order="C", copy=len(self.members) == 1 or None)


class Parts:
    """The states of an optimizer's tensors, by the vectors that they travel in."""

    def __init__(self) -> None:
        self.state: dict[tuple[Tensor, ...], dict[str, Any]] = {}

    def of(self, tensors: Iterable[Tensor]) -> list[Part]:
        """The tensors as parts: large ones alone, small ones together by dtype and by what they have been through."""
        together: dict[Any, list[Tensor]] = {}
        for p in tensors:
            together.setdefault(p if p.size >= LARGE else p.dtype, []).append(p)
        return [Part(self, members) for chunk in together.values() for members in self._alike(tuple(chunk))]

    def _alike(self, chunk: tuple[Tensor, ...]) -> list[tuple[Tensor, ...]]:
        """The chunk, or parts of it where its tensors have seen different numbers of steps; all get a common state."""
        if chunk in self.state:
            return [chunk]
        self.take_apart(chunk)
        alike: dict[tuple, list[tuple[Tensor, dict]]] = {}
        for p in chunk:
            state = self.state.pop((p,), {})
            numbers = tuple(sorted(item for item in state.items() if not is_array(item[1])))
            alike.setdefault((tuple(sorted(state)), numbers), []).append((p, state))
        for (_, numbers), pairs in alike.items():
            states = [state for _, state in pairs]
            arrays = {k: _join([s[k] for s in states]) for k, v in states[0].items() if is_array(v)}
            self.state[tuple(p for p, _ in pairs)] = dict(numbers) | arrays
        return [tuple(p for p, _ in pairs) for pairs in alike.values()]

    def take_apart(self, tensors: Iterable[Tensor]) -> None:
        """Give each of these tensors, and those that share a vector with them, a state of its own."""
        wanted = set(tensors)
        for old in [members for members in self.state if len(members) > 1 and not wanted.isdisjoint(members)]:
            state = self.state.pop(old)
            arrays = {k: _split(v, old) for k, v in state.items() if is_array(v)}
            for i, p in enumerate(old):
                self.state[p,] = state | {k: pieces[i] for k, pieces in arrays.items()}


def _join(arrays: list[np.ndarray]) -> np.ndarray:
    return arrays[0] if len(arrays) == 1 else np.concatenate([a.reshape(-1) for a in arrays])


def _split(vector: np.ndarray, like: tuple[Tensor, ...]) -> list[np.ndarray]:
    if len(like) == 1:
        return [vector]
    stops = np.cumsum([p.size for p in like])
    return [vector[stop - p.size : stop].reshape(p.shape) for p, stop in zip(like, stops, strict=True)]
