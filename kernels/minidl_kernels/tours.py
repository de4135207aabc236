"""Tours of the hidden chain from a stopping set back to it, with the signatures of `minidl.energy`.

All live tours take a step together; the test whether they are back hashes the packed state and compares it with the
members, so it is exact. `length` counts visited states, the start included.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minidl_kernels.chains import step
from minidl_kernels.layers import NOWHERE, batch, binary, uniform
from minidl_kernels.machines import machine
from minidl_kernels.packing import unpack
from minidl_kernels.state_sets import StateSet, contains, state_set


class Tours(NamedTuple):
    length: np.ndarray  # (R,) int64
    completed: np.ndarray  # (R,) bool
    last: np.ndarray  # (R, n_H) uint8
    states: np.ndarray  # (T, n_H) uint8
    owner: np.ndarray  # (T,) int64


def pack_states(h: Any) -> np.ndarray:
    """States (N, n) of zeros and ones as words (N, ceil(n / 64)) uint64. Raises ValueError for other shapes or values."""
    if np.ndim(h) != 2 or np.shape(h)[1] == 0:
        raise ValueError(f"states must be (N, n) with at least one unit, got shape {np.shape(h)}")
    return binary("h", h, np.shape(h)[1])[0]


def unpack_states(words: Any, n: int) -> np.ndarray:
    """The first n units of packed states (N, ceil(n / 64)) uint64. Returns (N, n) uint8. Raises ValueError for other shapes."""
    words = np.asarray(words)
    if isinstance(n, bool) or not isinstance(n, int | np.integer):
        raise TypeError(f"n must be an integer, got {n!r}")
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    if words.dtype != np.uint64 or words.ndim != 2 or words.shape[1] != -(-n // 64):
        raise ValueError(
            f"{n} units are packed into uint64 words of shape (N, {-(-n // 64)}), got {words.dtype} {words.shape}"
        )
    return unpack(words, n)


def in_set(h: Any, S: Any) -> np.ndarray:
    """Which of the states h (N, n) are among those of S: states (M, n), or a `StateSet` of packed ones. Returns (N,)
    bool.

    Raises ValueError for an empty set, states that are not binary, and numbers of units that differ.
    """
    n = np.shape(h)[-1] if np.ndim(h) else 0
    return contains(_set(S, n), batch("h", h, n))


def _set(S: Any, n: int) -> StateSet:
    """A set of packed states of n units: made of states, of another set that holds them packed, or as it is."""
    if isinstance(S, StateSet):
        return S
    states = getattr(S, "states", S)
    if len(states) == 0:
        raise ValueError("a stopping set needs at least one state: no tour could return to an empty one")
    return state_set(batch("S", states, n))


def run_tours(S: Any, start: Any, W: Any, b: Any, a: Any, u_v: Any, u_h: Any) -> Tours:
    """R tours from given starts in S, capped at K steps. start: (R, n_H), u_v: (K, R, n_V), u_h: (K, R, n_H).

    Raises ValueError for an empty S, starts outside S, no tour, K < 1, shapes that do not fit, parameters that are not
    finite.
    """
    theta = machine(W, b, a)
    n_V, n_H = theta.W.shape
    members, h = _set(S, n_H), batch("start", start, n_H)
    if not (inside := contains(members, h)).all():
        raise ValueError(f"tours start in S, but start {np.flatnonzero(~inside)[0]} is not in it: use sample_starts")
    u_v = uniform("u_v", u_v, "K", len(h), n_V)
    u_h = uniform("u_h", u_h, len(u_v), len(h), n_H)
    length, completed = np.zeros(len(h), np.int64), np.zeros(len(h), bool)
    last, live, visited, owner = h.copy(), np.arange(len(h)), [], []
    for noise_v, noise_h in zip(u_v, u_h, strict=True):
        visited.append(h)
        owner.append(live)
        h = step(h, theta, noise_v[live], noise_h[live], (NOWHERE, NOWHERE)).h
        back = contains(members, h)
        length[live] += 1
        last[live], completed[live] = h, back
        live, h = live[~back], h[~back]
        if live.size == 0:
            break
    return Tours(length, completed, unpack(last, n_H), unpack(np.concatenate(visited), n_H), np.concatenate(owner))
