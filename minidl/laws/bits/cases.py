"""Cases for the laws of packed bits: states, and words made of them with Python's integers, which know no word size."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.laws.core import Case, Cases

SOURCE = "the definition of the layout"
LENGTHS = (1, 3, 63, 64, 65, 130)


def number(words: Any) -> int:
    """A row of words as one integer: bit j is state j."""
    return sum(int(word) << 64 * k for k, word in enumerate(words))


def numbers(words: Any) -> list[int]:
    """The rows of words (M, words), each as one integer."""
    return [number(row) for row in np.asarray(words)]


def bits_of(value: int, n: int) -> list[int]:
    return [value >> j & 1 for j in range(n)]


def packed(states: Any) -> np.ndarray:
    """Rows of zeros and ones as words, state by state."""
    rows = []
    for row in np.asarray(states):
        value = sum(int(state) << j for j, state in enumerate(row))
        rows.append([value >> 64 * k & (1 << 64) - 1 for k in range(-(-len(row) // 64))])
    return np.array(rows, np.uint64)


def _states(seed: int, M: int, n: int, density: float = 0.5) -> np.ndarray:
    return (np.random.default_rng(seed).random((M, n)) < density).astype(np.uint8)


def _shapes():
    from hypothesis import strategies as st

    return st.integers(0, 10_000), st.integers(1, 6), st.sampled_from(LENGTHS), st.sampled_from([0.1, 0.5, 0.9])


# --- packing -----------------------------------------------------------------------------------------------------------
_MIXED = np.array([[0.5, -2.0, 0.0, 3.0, -0.25], [-1.0, 1e-300, -1e-300, 0.0, 7.0]])


def _with_words(states: np.ndarray) -> Case:
    return {"words": packed(states), "n": states.shape[1]}


STATES = Cases(
    named={
        "worked": {"states": np.array([[1, 0, 1, 1]], np.uint8)},
        "one_word": {"states": _states(0, 3, 64)},
        "a_bit_more": {"states": _states(1, 3, 65)},
        "three_words": {"states": _states(2, 2, 130)},
        "single": {"states": np.array([[1], [0]], np.uint8)},
        "booleans": {"states": _states(3, 2, 70).astype(bool)},
        "float64": {"states": _states(4, 2, 70).astype(np.float64)},
        "float32": {"states": _states(5, 2, 9).astype(np.float32)},
        "integers": {"states": _states(6, 2, 67).astype(np.int64)},
        "gaps": {"states": np.repeat(_states(7, 4, 66), 2, axis=1)[::2, ::2]},
        "many": {"states": _states(8, 70, 200)},
    },
    generated=lambda: _drawn(lambda states: {"states": states}),
    notes={
        "worked": "the order of bits: 13, not 11 or 176",
        "a_bit_more": "a second word with one bit in it; shifts of 64 and more are undefined",
        "gaps": "memory that is not contiguous",
    },
)
SIGNS = Cases(
    named={
        "mixed": {"x": _MIXED},
        "float32": {"x": _MIXED.astype(np.float32)},
        "integers": {"x": np.array([[3, -1, 0], [-2, 5, -7]])},
        "infinite": {"x": np.array([[np.inf, -np.inf, 1.0]])},
        "negative_zero": {"x": np.array([[-0.0, 0.0, -1.0]])},
        "long": {"x": np.random.default_rng(9).normal(size=(3, 131))},
        "gaps": {"x": np.asfortranarray(np.random.default_rng(10).normal(size=(5, 66)))},
    },
    generated=lambda: _drawn(lambda states: {"x": (2.0 * states - 1) * np.arange(1, states.shape[1] + 1)}),
    notes={
        "mixed": "fractions that round to 0, numbers that float32 does not hold, and zeros",
        "negative_zero": "-0.0 is not below 0",
    },
)
WORDS = Cases(
    named={name: _with_words(np.asarray(case["states"], np.uint8)) for name, case in STATES.named.items()},
    generated=lambda: _drawn(_with_words),
    notes={"a_bit_more": "a second word with one bit in it", "many": "sums of more than 255 ones over rows"},
)
COUNTED = Cases(
    named={name: {"words": case["words"]} for name, case in WORDS.named.items()}
    | {
        "all": {"words": np.full((2, 5), (1 << 64) - 1, np.uint64)},
        "none": {"words": np.zeros((2, 2), np.uint64)},
        "row": {"words": packed(_states(11, 1, 200))[0]},
    },
    generated=lambda: _drawn(lambda states: {"words": packed(states)}),
    notes={"all": "320 ones: more than a byte counts", "row": "a single row gives a single number"},
)


def _drawn(make):
    from hypothesis import strategies as st

    return st.builds(lambda seed, M, n, density: make(_states(seed, M, n, density)), *_shapes())


# --- products ----------------------------------------------------------------------------------------------------------
def _pair(seed: int, M: int, N: int, n: int, density: float = 0.5) -> Case:
    return {
        "a": packed(_states(seed, M, n, density)),
        "b": packed(_states(seed + 1, N, n, density)),
        "n": n,
    }


def _pairs():
    from hypothesis import strategies as st

    seed, rows, n, density = _shapes()
    return st.builds(_pair, seed, rows, st.sampled_from([1, 2, 7, 17]), n, density)


_ROW = _pair(40, 1, 9, 130)
PAIRS = Cases(
    named={
        "worked": {
            "a": np.array([[13]], np.uint64),
            "b": np.array([[11], [13], [2]], np.uint64),
            "n": 4,
        },
        "one_word": _pair(20, 5, 3, 64),
        "a_bit_more": _pair(22, 3, 6, 65),
        "tiles": _pair(24, 11, 37, 200),
        "panels": _pair(26, 9, 130, 70),
        "long": _pair(28, 6, 18, 2100),
        "dense": _pair(30, 2, 3, 400, 1.0),
        "empty": _pair(32, 2, 3, 100, 0.0),
        "row": _ROW | {"a": _ROW["a"][0]},
        "gaps": {
            "a": np.asfortranarray(_pair(34, 7, 5, 130)["a"]),
            "b": np.repeat(_pair(34, 7, 5, 130)["b"], 2, axis=0)[::2],
            "n": 130,
        },
    },
    generated=_pairs,
    notes={
        "a_bit_more": "63 places of padding, which must not count",
        "tiles": "rows and columns left over by tiles of 4 x 16 and panels of 64",
        "dense": "400 ones: more than a byte counts",
        "long": "33 words: blocks of 16 and of 8, and one left over",
        "row": "a vector times a matrix",
    },
)


def _weighted(seed: int, M: int, n: int, N: int, dtype: Any = np.float64) -> Case:
    W = np.random.default_rng(seed + 2).normal(size=(n, N)).round(2).astype(dtype)
    return {"a": packed(_states(seed, M, n)), "W": W}


def _weights():
    from hypothesis import strategies as st

    seed, rows, n, _ = _shapes()
    return st.builds(_weighted, seed, rows, n, st.sampled_from([1, 3, 33]), st.sampled_from([np.float64, np.float32]))


_ROW = _weighted(60, 1, 70, 5)
WEIGHTED = Cases(
    named={
        "worked": {
            "a": np.array([[13], [2]], np.uint64),
            "W": np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0], [8.0, 80.0]]),
        },
        "one_word": _weighted(50, 3, 64, 4),
        "a_bit_more": _weighted(51, 3, 65, 4),
        "float32": _weighted(52, 4, 100, 3, np.float32),
        "blocks": _weighted(53, 140, 99, 70),
        "wide": _weighted(54, 2, 33, 300, np.float32),
        "none": {"a": np.zeros((2, 2), np.uint64), "W": _weighted(55, 1, 100, 3)["W"]},
        "row": _ROW | {"a": _ROW["a"][0]},
        "gaps": {
            "a": np.asfortranarray(_weighted(56, 4, 130, 3)["a"]),
            "W": np.asfortranarray(_weighted(56, 4, 130, 3)["W"]),
        },
    },
    generated=_weights,
    notes={
        "blocks": "columns left over by vectors of 32, a number of weights that four does not divide",
        "float32": "a result that grows to float64",
    },
)
