r"""Binary states in 64-bit words: products that count bits where others multiply numbers.

Claim. K states of two values are K bits, and ceil(K / 64) words of 64 bits. One logical operation on a word and one
count of its ones do the work of 64 multiplications and additions, and a word moves 32 times less memory than 64 float32
numbers.

Equations. For bits $x, y \in \{0, 1\}^K$, signs $s = 2x - 1$, $t = 2y - 1$, and real weights $W$ (K, N), with $|z|$ the
number of ones in z:

$$x \cdot y = |x \wedge y|, \qquad s \cdot t = K - 2\,|x \oplus y|, \qquad (x W)_j = \sum_{k : x_k = 1} W_{kj}$$

Two signs multiply to +1 where they agree and to -1 where they differ; hence the second one, the "XNOR product".

Notation. State j of a row is bit j % 64 of word j // 64; the last word is padded with zeros. `words` are (..., ceil(n /
64)) uint64. Products take rows: a (M, words) and b (N, words) give (M, N), so that b holds what a matrix product calls
columns. A single row a (words,) gives (N,).

Source. Rastegari, Ordonez, Redmon, Farhadi, "XNOR-Net: ImageNet Classification Using Binary Convolutional Neural
Networks", ECCV 2016, section 3.2; Courbariaux, Hubara, Soudry, El-Yaniv, Bengio, "Binarized Neural Networks", 2016,
whose equation 1 gives zero the sign +1, as here. Left out: the scaling factors of the former, and products with more
than one bit on a side.
"""

from __future__ import annotations

from typing import Any

import numpy as np

WORD = 64
_EXACT = 1 << np.finfo(np.float32).nmant + 1  # up to here float32 holds every integer


def word_count(n: int) -> int:
    """How many words hold n states."""
    return -(-n // WORD)


# --- packing -----------------------------------------------------------------------------------------------------------
def pack(states: np.ndarray) -> np.ndarray:
    """States (..., n) of zeros and ones, of any real dtype, as words (..., ceil(n / 64)) uint64.

    Raises ValueError for other values (also NaN) and for no states, TypeError for what is no number.
    """
    states = _real("states", states)
    if states.dtype.kind != "b" and not ((states == 0) | (states == 1)).all():
        odd = states[~((states == 0) | (states == 1))].flat[0]
        raise ValueError(f"states must be zeros and ones, got {odd}: compare with a threshold first, or use pack_signs")
    return _pack(states != 0)


def pack_signs(x: np.ndarray) -> np.ndarray:
    """The signs of real numbers (..., n) as words: a one where x >= 0. Raises ValueError for NaN, otherwise as `pack`."""
    x = _real("x", x)
    if np.isnan(x).any():
        raise ValueError("x must have signs, got NaN: did training diverge?")
    return _pack(x >= 0)


def _real(name: str, x: Any) -> np.ndarray:
    x = np.asarray(x)
    if x.dtype.kind not in "fiub":
        raise TypeError(f"{name} must be real numbers, got {x.dtype}")
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError(f"{name} must be (..., n) with at least one entry in a row, got shape {x.shape}")
    return x


def _pack(bits: np.ndarray) -> np.ndarray:
    n = bits.shape[-1]
    octets = np.packbits(bits, axis=-1, bitorder="little")  # (..., ceil(n / 8))
    padded = np.zeros((*bits.shape[:-1], 8 * word_count(n)), np.uint8)
    padded[..., : octets.shape[-1]] = octets
    return padded.view("<u8").astype(np.uint64)  # (..., words)


def unpack(words: np.ndarray, n: int, dtype: Any = np.uint8) -> np.ndarray:
    """The n states of each row of words, zeros and ones (..., n). Raises ValueError for other shapes or bits past the n-th."""
    words = _words("words", words, n)
    octets = np.ascontiguousarray(words, "<u8").view(np.uint8)  # (..., 8 words)
    return np.unpackbits(octets, axis=-1, count=n, bitorder="little").astype(dtype)


def unpack_signs(words: np.ndarray, n: int, dtype: Any = np.int8) -> np.ndarray:
    """The n signs of each row of words, -1 and +1 (..., n). Raises ValueError as `unpack`."""
    return 2 * unpack(words, n, dtype) - np.ones((), dtype)


def count_ones(words: np.ndarray) -> np.ndarray:
    """The number of ones in each row: (...,) int64. Raises TypeError unless words are uint64, (..., words)."""
    return np.bitwise_count(_words("words", words)).sum(axis=-1, dtype=np.int64)


def transpose(words: np.ndarray, n: int) -> np.ndarray:
    """The transpose of a matrix of bits: words (m, ceil(n / 64)) to (n, ceil(m / 64)). Raises ValueError as `unpack`."""
    words = _words("words", words, n)
    if words.ndim != 2 or len(words) == 0:
        raise ValueError(f"words must be (m, {word_count(n)}) with at least one row, got shape {words.shape}")
    return _pack(unpack(words, n, bool).T)


def _words(name: str, words: Any, n: int | None = None) -> np.ndarray:
    words = np.asarray(words)
    if words.dtype != np.uint64:
        raise TypeError(f"{name} must be packed into uint64 words, got {words.dtype}: use pack or pack_signs")
    if n is not None and (isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1):
        raise ValueError(f"n, the number of states in a row, must be an integer of at least 1, got {n!r}")
    wanted = "words" if n is None else word_count(n)
    if words.ndim == 0 or words.shape[-1] == 0 or (n is not None and words.shape[-1] != wanted):
        raise ValueError(f"{name} must have shape (..., {wanted}), got {words.shape}")
    if n is not None and n % WORD and (words[..., -1] >> np.uint64(n % WORD)).any():
        raise ValueError(f"{name} has ones past the first {n} states: its rows hold more, or were not packed here")
    return words


# --- products ----------------------------------------------------------------------------------------------------------
def panels(b: np.ndarray) -> np.ndarray:
    """What is multiplied many times, made ready: `and_product` and `xnor_product` take it in place of b.

    b: (N, words). The fast twins store it in the order in which they read it; the reference reads b as it is.
    """
    return _matrix("b", b)


def and_product(a: np.ndarray, b: np.ndarray, dtype: Any = np.int32) -> np.ndarray:
    """Products of rows of zeros and ones: in how many places both have a one. a (M, words) or (words,), b (N, words).

    dtype: int32 or float32. Returns (M, N) or (N,). Raises TypeError for what is not packed or another dtype,
    ValueError for rows of different length and for more ones than float32 counts (2^24).
    """
    a, b = _pair(a, b)
    _countable(dtype, b.shape[1])
    return _each_row(a, b, np.bitwise_and).astype(dtype)


def xnor_product(a: np.ndarray, b: np.ndarray, n: int, dtype: Any = np.int32) -> np.ndarray:
    """Products of rows of n signs: a (M, words) or (words,), b (N, words), with a one for +1. Otherwise as
    `and_product`.

    Raises ValueError also where a row has ones past its n-th place.
    """
    a, b = _pair(_words("a", a, n), _words("b", b, n))
    _countable(dtype, b.shape[1])
    return (n - 2 * _each_row(a, b, np.bitwise_xor)).astype(dtype)


def float_product(a: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Rows of zeros and ones times real weights: a (M, words) or (words,), W (n, N) float32 or float64. Returns W's
    dtype.

    Row i of the result is the sum of the rows of W where a has a one. Raises TypeError for what is not packed or
    another dtype, ValueError for shapes that do not fit, ones past the n-th place and weights that are not
    finite.
    """
    W = np.asarray(W)
    if W.dtype not in (np.float32, np.float64):
        raise TypeError(f"W must be float32 or float64, got {W.dtype}")
    if W.ndim != 2 or 0 in W.shape:
        raise ValueError(f"W must be (n, N) with at least one entry, got shape {W.shape}")
    if not np.isfinite(W).all():
        raise ValueError("W must be finite, got infinity or NaN: did training diverge?")
    a = _rows(_words("a", a, len(W)))
    return unpack(a, len(W), W.dtype) @ W


def _pair(a: Any, b: Any) -> tuple[np.ndarray, np.ndarray]:
    a, b = _rows(_words("a", a)), _matrix("b", b)
    if a.shape[-1] != b.shape[1]:
        raise ValueError(f"rows of a have {a.shape[-1]} words, rows of b {b.shape[1]}: both must hold as many states")
    return a, b


def _rows(a: np.ndarray) -> np.ndarray:
    if a.ndim > 2:
        raise ValueError(f"a must be (M, words) or (words,), got shape {a.shape}")
    return a


def _matrix(name: str, b: Any) -> np.ndarray:
    b = _words(name, b)
    if b.ndim != 2 or len(b) == 0:
        raise ValueError(f"{name} must be (N, words) with at least one row, got shape {b.shape}")
    return b


def _countable(dtype: Any, words: int) -> None:
    if (dtype := np.dtype(dtype)) not in (np.int32, np.float32):
        raise TypeError(f"counts come as int32 or float32, got {dtype}: convert them afterwards")
    if dtype == np.float32 and WORD * words > _EXACT:
        raise ValueError(f"float32 holds every count up to {_EXACT}, got rows of {words} words: use int32")


def _each_row(a: np.ndarray, b: np.ndarray, operation: Any) -> np.ndarray:
    """The ones of operation(a_i, b_j): (M, N), or (N,) for a single row a."""
    if a.ndim == 1:
        return np.bitwise_count(operation(a, b)).sum(axis=1, dtype=np.int32)
    counts = np.empty((len(a), len(b)), np.int32)
    for i, row in enumerate(a):
        counts[i] = _each_row(row, b, operation)
    return counts
