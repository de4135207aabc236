"""Packed bits in plain Numba: the twin of `minidl.bits`.

One count serves both binary products, since the number of places in which two rows differ, X[i, j] = |a_i ^ b_j|, gives
them both:

    signs:  n - 2 X                     zeros and ones:  (|a_i| + |b_j| - X) / 2

`minidl_kernels.counts` has the kernels for X, `minidl_kernels.tables` the one for real weights, and
`minidl_kernels.simd_bits` is the same in explicit vector instructions.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from minidl_kernels import cpu
from minidl_kernels.counts import count_blocks, count_carry_save, count_rows
from minidl_kernels.packing import (
    WORD,
    _count_ones,
    aligned,
    count_ones,
    pack,
    pack_signs,
    packed,
    transpose,
    unpack,
    unpack_signs,
    word_count,
)
from minidl_kernels.tables import sum_rows

__all__ = [
    "Panels",
    "and_product",
    "count_ones",
    "float_product",
    "pack",
    "pack_signs",
    "panels",
    "transpose",
    "unpack",
    "unpack_signs",
    "word_count",
    "xnor_product",
]

PANEL = 64  # rows of b side by side
_EXACT = 1 << 24  # up to here float32 holds every integer
_U = np.uint64
_COUNTS = (np.dtype(np.int32), np.dtype(np.float32))


class Panels(NamedTuple):
    """The rows of a matrix in the order in which a product reads them; made by `panels`."""

    words: np.ndarray  # (panels, words of a row, rows of a panel) uint64, the last panel padded with zeros
    ones: np.ndarray  # (panels * rows of a panel,) int32: the ones in each row
    rows: int
    last: int  # where the last word of any row has ones


def panels(b: Any, width: int = PANEL) -> Panels:
    """What is multiplied many times, made ready: `and_product` and `xnor_product` take it in place of b. b: (N, words)."""
    b = matrix("b", b)
    count = -(-len(b) // width)
    words = aligned((count, b.shape[1], width), np.uint64)
    _fill_panels(b, words)
    row_ones = np.zeros(count * width, np.int32)
    row_ones[: len(b)] = _count_ones(b)
    return Panels(words, row_ones, len(b), int(np.bitwise_or.reduce(b[:, -1])))


@njit(cache=True, nogil=True)
def _fill_panels(b, words):
    width = words.shape[2]
    for p in range(words.shape[0]):
        for j in range(width):
            i = p * width + j
            for k in range(words.shape[1]):
                words[p, k, j] = b[i, k] if i < b.shape[0] else _U(0)


def and_product(a: Any, b: Any, dtype: Any = np.int32) -> np.ndarray:
    """Products of rows of zeros and ones: in how many places both have a one. a (M, words) or (words,), b (N, words) or
    its `panels`.

    dtype: int32 or float32. Returns (M, N) or (N,). Raises TypeError for what is not packed or another dtype,
    ValueError for rows of different length and for more ones than float32 counts (2^24).
    """
    a, b = pair(a, b)
    countable(dtype, a.shape[-1])
    row_ones = b.ones[: b.rows] if isinstance(b, Panels) else _count_ones(b)
    X = _different(a, b)  # (M, N)
    np.negative(X, out=X)
    X += row_ones.astype(np.int32)
    X += _count_ones(np.atleast_2d(a)).astype(np.int32)[:, None]
    X //= 2
    return shaped(a, X, dtype)


def xnor_product(a: Any, b: Any, n: int, dtype: Any = np.int32) -> np.ndarray:
    """Products of rows of n signs: a (M, words) or (words,), b (N, words) or its `panels`, with a one for +1. Otherwise
    as `and_product`.

    Raises ValueError also where a row has ones past its n-th place.
    """
    a, b = pair(a, b, n)
    countable(dtype, a.shape[-1])
    X = _different(a, b)  # (M, N)
    X *= -2
    X += n
    return shaped(a, X, dtype)


def float_product(a: Any, W: Any) -> np.ndarray:
    """Rows of zeros and ones times real weights: a (M, words) or (words,), W (n, N) float32 or float64. Returns W's
    dtype.

    Row i of the result is the sum of the rows of W where a has a one. Raises TypeError for what is not packed or
    another dtype, ValueError for shapes that do not fit, ones past the n-th place and weights that are not
    finite.
    """
    a, W = weighted(a, W)
    out = np.empty((len(np.atleast_2d(a)), W.shape[1]), W.dtype)
    sum_rows(np.atleast_2d(a), W, out)
    return shaped(a, out, W.dtype)


def _different(a: np.ndarray, b: np.ndarray | Panels) -> np.ndarray:
    """X[i, j], by the kernel that suits the processor and the shape. (M, N) int32."""
    a = np.atleast_2d(a)
    if not isinstance(b, Panels):
        if len(a) < 8:  # too few rows to pay for panels
            return count_rows(a, b)
        b = panels(b)
    count = count_blocks if cpu.has("avx512vpopcntdq") else count_carry_save
    return count(a, b.words, b.rows)


# --- the border of products ----------------------------------------------------------------------------------------------
def pair(a: Any, b: Any, n: int | None = None) -> tuple[np.ndarray, np.ndarray | Panels]:
    """Both sides of a binary product, checked against each other."""
    a = rows(packed("a", a, n))
    if not isinstance(b, Panels):
        b = matrix("b", packed("b", b, n))
    length = b.words.shape[1] if isinstance(b, Panels) else b.shape[1]
    if a.shape[-1] != length:
        raise ValueError(f"rows of a have {a.shape[-1]} words, rows of b {length}: both must hold as many states")
    if n is not None and isinstance(b, Panels) and n % WORD and b.last >> n % WORD:
        raise ValueError(f"b has ones past the first {n} states: its rows hold more, or were not packed here")
    return a, b


def weighted(a: Any, W: Any) -> tuple[np.ndarray, np.ndarray]:
    """Packed rows and contiguous weights, checked against each other."""
    W = np.asarray(W)
    if W.dtype not in (np.float32, np.float64):
        raise TypeError(f"W must be float32 or float64, got {W.dtype}")
    if W.ndim != 2 or 0 in W.shape:
        raise ValueError(f"W must be (n, N) with at least one entry, got shape {W.shape}")
    if not np.isfinite(W).all():
        raise ValueError("W must be finite, got infinity or NaN: did training diverge?")
    return rows(packed("a", a, len(W))), np.ascontiguousarray(W)


def rows(a: np.ndarray) -> np.ndarray:
    if a.ndim > 2:
        raise ValueError(f"a must be (M, words) or (words,), got shape {a.shape}")
    return a


def matrix(name: str, b: Any) -> np.ndarray:
    b = packed(name, b)
    if b.ndim != 2 or len(b) == 0:
        raise ValueError(f"{name} must be (N, words) with at least one row, got shape {b.shape}")
    return b


def countable(dtype: Any, words: int) -> None:
    if (dtype := np.dtype(dtype)) not in _COUNTS:
        raise TypeError(f"counts come as int32 or float32, got {dtype}: convert them afterwards")
    if WORD * words > _EXACT and dtype == np.float32:
        raise ValueError(f"float32 holds every count up to {_EXACT}, got rows of {words} words: use int32")


def shaped(a: np.ndarray, product: np.ndarray, dtype: Any) -> np.ndarray:
    """(M, N) in this dtype; (N,) where a is a single row."""
    product = product.astype(dtype, copy=False)
    return product[0] if a.ndim == 1 else product
