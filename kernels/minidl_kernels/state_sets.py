"""Exact membership in a set of packed states, by hashing: the test that ends a tour.

A table of slots holds the numbers of the members; a state begins its search at the slot that its hash names and goes on
to the next one until it meets itself (a member) or an empty slot (none). States are compared word by word, so a hash
that two of them share costs a comparison and is never an error. A Bloom filter, which stores no states, would report
strangers as members, end tours too early and bias every estimate made from them.

At most half of the slots are taken, so a search looks at one or two on average. The hash is the finaliser of SplitMix64
(Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014) over the words in turn.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from minidl_kernels.packing import packed

_U = np.uint64


class StateSet(NamedTuple):
    """Distinct packed states, ready for `find` and `contains`; made by `state_set`."""

    words: np.ndarray  # (members, words) uint64, in the order of their first appearance
    slots: np.ndarray  # (a power of 2,) int64: the number of a member, or -1

    def __len__(self) -> int:
        return len(self.words)


def state_set(words: Any) -> StateSet:
    """The distinct rows of packed states (M, words). Raises ValueError for no states, TypeError for what is not packed."""
    words = packed("words", words)
    if words.ndim != 2 or len(words) == 0:
        raise ValueError(
            f"words must be (M, words) with at least one state, got shape {words.shape}: no tour could return to an empty set"
        )
    members, slots = np.empty_like(words), np.full(1 << (2 * len(words) - 1).bit_length(), -1, np.int64)
    count = _insert(words, members, slots)
    return StateSet(members[:count].copy(), slots)


def find(S: StateSet, words: Any) -> np.ndarray:
    """The number of each packed state (N, words) among the members of S, -1 for strangers. Returns (N,) int64.

    Raises ValueError for rows of another length than the members'.
    """
    words = packed("words", words)
    if words.ndim != 2 or words.shape[1] != S.words.shape[1]:
        raise ValueError(f"words must be (N, {S.words.shape[1]}), like the members of the set, got shape {words.shape}")
    return _find(words, S.words, S.slots)


def contains(S: StateSet, words: Any) -> np.ndarray:
    """Which packed states (N, words) are members of S. Returns (N,) bool. Raises ValueError as `find`."""
    return find(S, words) >= 0


@njit(cache=True, inline="always")
def _hash(state):
    key = _U(0)
    for word in state:
        key ^= word
        key = (key ^ (key >> _U(30))) * _U(0xBF58476D1CE4E5B9)
        key = (key ^ (key >> _U(27))) * _U(0x94D049BB133111EB)
        key ^= key >> _U(31)
    return key


@njit(cache=True, inline="always")
def _slot(state, members, slots):
    """The slot that holds the state, or the empty one where it would go."""
    last = _U(slots.size - 1)  # a mask, since the size is a power of 2
    at = _hash(state) & last
    while slots[at] >= 0:
        member, same = members[slots[at]], True
        for k in range(state.size):
            same &= member[k] == state[k]
        if same:
            break
        at = (at + _U(1)) & last
    return at


@njit(cache=True, nogil=True)
def _insert(words, members, slots):
    count = 0
    for i in range(words.shape[0]):
        at = _slot(words[i], members, slots)
        if slots[at] < 0:
            slots[at] = count
            for k in range(words.shape[1]):
                members[count, k] = words[i, k]
            count += 1
    return count


@njit(cache=True, nogil=True)
def _find(words, members, slots):
    found = np.empty(words.shape[0], np.int64)
    for i in range(words.shape[0]):
        found[i] = slots[_slot(words[i], members, slots)]
    return found
