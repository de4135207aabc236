"""Binary states packed into 64-bit words, and exact membership in a set of states.

Unit j of a state is bit j % 64 of word j // 64; the last word is padded with zeros. Up to 64 units the one word is
the state's code, the index that exact distributions use.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from minidl.energy import border

TABLE = 24  # units up to which a set is a table of all states: 2^24 booleans are 16 MB


def pack_states(h: np.ndarray) -> np.ndarray:
    """States (N, n) of zeros and ones as words (N, ceil(n / 64)) uint64. Raises ValueError for other shapes or values."""
    h = np.asarray(h)
    if h.ndim != 2 or h.shape[1] == 0:
        raise ValueError(f"states must be (N, n) with at least one unit, got shape {h.shape}")
    return _pack(border.states("h", h, h.shape[1], np.uint8))


def _pack(h: np.ndarray) -> np.ndarray:
    octets = np.packbits(h, axis=1, bitorder="little")  # (N, ceil(n / 8))
    words = np.zeros((len(h), 8 * -(-h.shape[1] // 64)), np.uint8)
    words[:, : octets.shape[1]] = octets
    return words.view("<u8").astype(np.uint64, copy=False)


def unpack_states(words: np.ndarray, n: int) -> np.ndarray:
    """The first n units of packed states (N, ceil(n / 64)) uint64. Returns (N, n) uint8. Raises ValueError for other shapes."""
    words, n = np.asarray(words), border.count("n", n)
    if words.dtype != np.uint64 or words.ndim != 2 or words.shape[1] != -(-n // 64):
        raise ValueError(
            f"{n} units are packed into uint64 words of shape (N, {-(-n // 64)}), got {words.dtype} {words.shape}"
        )
    octets = np.ascontiguousarray(words.astype("<u8", copy=False)).view(np.uint8)
    return np.unpackbits(octets.reshape(len(words), 8 * words.shape[1]), axis=1, count=n, bitorder="little")


@dataclass(frozen=True, eq=False)
class StateSet:
    """A set of distinct states that answers exactly and quickly which of many states belong to it.

    Up to 24 units by a table of all states; above by binary search among sorted keys. The key of one word is the
    word, the key of several words a hash of them, and a state with the key of a member is compared with it word by
    word: a hash that collides costs a comparison and is never an error (as it would be in a Bloom filter, which ends
    tours too early).

    states: (M, n) uint8, ordered by key; words: (M, ceil(n / 64)) uint64; keys: (M,) uint64, sorted.
    """

    states: np.ndarray
    words: np.ndarray
    keys: np.ndarray
    _table: np.ndarray | None = field(repr=False)

    @classmethod
    def of(cls, states: np.ndarray | StateSet) -> StateSet:
        """The distinct rows of states (N, n); a set as it is. ValueError for an empty set and for other shapes or values."""
        if isinstance(states, StateSet):
            return states
        words = pack_states(states)
        n = np.shape(states)[1]
        if len(words) == 0:
            raise ValueError("a stopping set needs at least one state: no tour could return to an empty one")
        words = np.unique(words, axis=0)
        order = np.argsort(_keys(words), kind="stable")
        words = words[order]
        table = None
        if n <= TABLE:
            table = np.zeros(1 << n, bool)
            table[words[:, 0]] = True
        return cls(unpack_states(words, n), words, _keys(words), table)

    def __len__(self) -> int:
        return len(self.words)

    @property
    def units(self) -> int:
        return self.states.shape[1]

    def contains(self, h: np.ndarray) -> np.ndarray:
        """Which of the states h (N, n), zeros and ones, are in the set. Returns (N,) bool. Not checked: see `in_set`."""
        words = _pack(h.astype(np.uint8))
        if self._table is not None:
            return self._table[words[:, 0]]
        keys = _keys(words)
        found = np.zeros(len(words), bool)
        at = np.searchsorted(self.keys, keys)  # (N,) the first member whose key is not smaller
        open_ = np.arange(len(words))
        while open_.size:  # once around, and again for those whose key a different member has too
            open_ = open_[at[open_] < len(self.keys)]
            open_ = open_[self.keys[at[open_]] == keys[open_]]
            same = (self.words[at[open_]] == words[open_]).all(axis=1)
            found[open_[same]] = True
            open_ = open_[~same]
            at[open_] += 1
        return found


def in_set(h: np.ndarray, S: np.ndarray | StateSet) -> np.ndarray:
    """Which of the states h (N, n) are among those of S (M, n) or in the `StateSet` S. Returns (N,) bool.

    Raises ValueError for an empty set, states that are not binary, and numbers of units that differ.
    """
    S = StateSet.of(S)
    return S.contains(border.batch("h", h, S.units, np.uint8))


def _keys(words: np.ndarray) -> np.ndarray:
    """One uint64 for each row of words: the word itself, or a hash of several (the finaliser of splitmix64, chained)."""
    key = words[:, 0].copy()
    for word in words.T[1:]:
        key = (key ^ key >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)  # modulo 2^64
        key = (key ^ key >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        key = (key ^ key >> np.uint64(31)) + word
    return key
