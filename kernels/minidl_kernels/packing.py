"""Packing states into 64-bit words and back, in plain Numba: that part of `minidl_kernels.bits`.

State j of a row is bit j % 64 of word j // 64, the last word padded with zeros.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

WORD = 64
_U = np.uint64
_WORDS = np.dtype(np.uint64)


def word_count(n: int) -> int:
    """How many words hold n states."""
    return -(-n // WORD)


@njit(cache=True, inline="always")
def ones(x):
    """The number of ones in a word: sums of neighbouring bits, pairs, nibbles; the product adds up the eight bytes."""
    x = x - ((x >> _U(1)) & _U(0x5555555555555555))
    x = (x & _U(0x3333333333333333)) + ((x >> _U(2)) & _U(0x3333333333333333))
    x = (x + (x >> _U(4))) & _U(0x0F0F0F0F0F0F0F0F)
    return (x * _U(0x0101010101010101)) >> _U(56)


# --- packing -----------------------------------------------------------------------------------------------------------
def pack(states: Any) -> np.ndarray:
    """States (..., n) of zeros and ones, of any real dtype, as words (..., ceil(n / 64)) uint64.

    Raises ValueError for other values (also NaN) and for no states, TypeError for what is no number.
    """
    states = real("states", states)
    words, odd = _pack_states(states.reshape(-1, states.shape[-1]))
    if odd >= 0:
        raise ValueError(
            f"states must be zeros and ones, got {states.flat[odd]}: compare with a threshold first, or use pack_signs"
        )
    return words.reshape(*states.shape[:-1], words.shape[1])


def pack_signs(x: Any) -> np.ndarray:
    """The signs of real numbers (..., n) as words: a one where x >= 0. Raises ValueError for NaN, otherwise as `pack`."""
    x = real("x", x)
    words, nan = _pack_signs(x.reshape(-1, x.shape[-1]))
    if nan:
        raise ValueError("x must have signs, got NaN: did training diverge?")
    return words.reshape(*x.shape[:-1], words.shape[1])


def real(name: str, x: Any) -> np.ndarray:
    """A contiguous array of numbers with rows; TypeError or ValueError otherwise."""
    x = np.asarray(x)
    if x.dtype.kind not in "fiub":
        raise TypeError(f"{name} must be real numbers, got {x.dtype}")
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError(f"{name} must be (..., n) with at least one entry in a row, got shape {x.shape}")
    if x.dtype.char in "?e":  # booleans and float16: neither is a type of Numba's arithmetic
        x = x.astype(np.uint8 if x.dtype == bool else np.float32)
    return x if x.flags.c_contiguous else np.ascontiguousarray(x)


@njit(cache=True, nogil=True)
def _pack_states(x):
    """The words, and the flat index of an entry that is neither 0 nor 1; -1 if there is none."""
    m, n = x.shape
    words = np.zeros((m, (n + 63) // 64), np.uint64)
    for i in range(m):
        odd = False
        for w in range(n // 64):  # a loop of constant length becomes vector code
            word = _U(0)
            for j in range(64):
                state = x[i, 64 * w + j]
                odd |= (state != 0) & (state != 1)
                word |= _U(state != 0) << _U(j)
            words[i, w] = word
        for j in range(n - n % 64, n):
            odd |= (x[i, j] != 0) & (x[i, j] != 1)
            words[i, n // 64] |= _U(x[i, j] != 0) << _U(j % 64)
        if odd:
            for j in range(n):
                if x[i, j] != 0 and x[i, j] != 1:
                    return words, i * n + j
    return words, -1


@njit(cache=True, nogil=True)
def _pack_signs(x):
    """The words, and whether there is a NaN."""
    m, n = x.shape
    words = np.zeros((m, (n + 63) // 64), np.uint64)
    nan = False
    for i in range(m):
        for w in range(n // 64):
            word = _U(0)
            for j in range(64):
                number = x[i, 64 * w + j]
                nan |= number != number
                word |= _U(number >= 0) << _U(j)
            words[i, w] = word
        for j in range(n - n % 64, n):
            nan |= x[i, j] != x[i, j]
            words[i, n // 64] |= _U(x[i, j] >= 0) << _U(j % 64)
    return words, nan


def unpack(words: Any, n: int, dtype: Any = np.uint8) -> np.ndarray:
    """The n states of each row of words, zeros and ones (..., n). Raises ValueError for other shapes or bits past the n-th."""
    words = packed("words", words, n)
    states = np.empty((*words.shape[:-1], n), np.dtype(dtype))
    whole = states.view(np.uint8) if states.dtype == bool else states
    _unpack(words.reshape(-1, words.shape[-1]), whole.reshape(-1, n), 0, 1)
    return states


def unpack_signs(words: Any, n: int, dtype: Any = np.int8) -> np.ndarray:
    """The n signs of each row of words, -1 and +1 (..., n). Raises ValueError as `unpack`."""
    words = packed("words", words, n)
    signs = np.empty((*words.shape[:-1], n), np.dtype(dtype))
    _unpack(words.reshape(-1, words.shape[-1]), signs.reshape(-1, n), -1, 2)
    return signs


@njit(cache=True, nogil=True)
def _unpack(words, out, zero, step):
    """out = zero + step * bit, in place, for as many columns as out has."""
    n = out.shape[1]
    for i in range(out.shape[0]):
        for w in range(n // 64):  # a loop of constant length becomes vector code
            word = words[i, w]
            for j in range(64):
                out[i, 64 * w + j] = zero + step * np.int64((word >> _U(j)) & _U(1))
        for j in range(n - n % 64, n):
            out[i, j] = zero + step * np.int64((words[i, j // 64] >> _U(j % 64)) & _U(1))


def count_ones(words: Any) -> np.ndarray:
    """The number of ones in each row: (...,) int64. Raises TypeError unless words are uint64, (..., words)."""
    words = packed("words", words)
    return _count_ones(words.reshape(-1, words.shape[-1])).reshape(words.shape[:-1])[()]


@njit(cache=True, nogil=True)
def _count_ones(words):
    counts = np.zeros(words.shape[0], np.int64)
    for i in range(words.shape[0]):
        for k in range(words.shape[1]):
            counts[i] += ones(words[i, k])
    return counts


def transpose(words: Any, n: int) -> np.ndarray:
    """The transpose of a matrix of bits: words (m, ceil(n / 64)) to (n, ceil(m / 64)). Raises ValueError as `unpack`."""
    words = packed("words", words, n)
    if words.ndim != 2 or len(words) == 0:
        raise ValueError(f"words must be (m, {word_count(n)}) with at least one row, got shape {words.shape}")
    return _transpose(words, n)


@njit(cache=True, nogil=True)
def _transpose(words, n):
    """Blocks of 64 x 64 bits: exchange the off-diagonal quarters, then those of each quarter, down to single bits."""
    m = words.shape[0]
    out = np.zeros((n, (m + 63) // 64), np.uint64)
    block = np.zeros(64, np.uint64)
    for w in range(words.shape[1]):
        for v in range(out.shape[1]):
            rows = min(64, m - 64 * v)
            for i in range(64):
                block[i] = words[64 * v + i, w] if i < rows else _U(0)
            half, mask = 32, _U(0x00000000FFFFFFFF)
            while half:
                for i in range(64):
                    if i & half == 0:
                        low, high = block[i], block[i + half]
                        moved = ((low >> _U(half)) ^ high) & mask
                        block[i], block[i + half] = low ^ (moved << _U(half)), high ^ moved
                half >>= 1
                mask ^= mask << _U(half)
            for j in range(min(64, n - 64 * w)):
                out[64 * w + j, v] = block[j]
    return out


def packed(name: str, words: Any, n: int | None = None) -> np.ndarray:
    """Contiguous words of rows of n states; TypeError or ValueError otherwise."""
    words = np.asarray(words)
    if words.dtype != _WORDS:
        raise TypeError(f"{name} must be packed into uint64 words, got {words.dtype}: use pack or pack_signs")
    if n is not None and (isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1):
        raise ValueError(f"n, the number of states in a row, must be an integer of at least 1, got {n!r}")
    wanted = "words" if n is None else word_count(n)
    if words.ndim == 0 or words.shape[-1] == 0 or (n is not None and words.shape[-1] != wanted):
        raise ValueError(f"{name} must have shape (..., {wanted}), got {words.shape}")
    if n is not None and n % WORD and (words[..., -1] >> _U(n % WORD)).any():
        raise ValueError(f"{name} has ones past the first {n} states: its rows hold more, or were not packed here")
    return words if words.flags.c_contiguous else np.ascontiguousarray(words)


def aligned(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Zeros that begin at a multiple of 64 bytes, a cache line and the widest vector."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size].view(dtype).reshape(shape)
