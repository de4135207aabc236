"""Packed bits in explicit AVX-512: `minidl_kernels.bits` with other kernels behind the same functions.

Where the processor lacks AVX-512, or Numba is told to leave it alone (`NUMBA_CPU_NAME=generic`), these are the
functions of the plain twin: importing this module is right everywhere. `available` says which of the two runs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl_kernels import bits, cpu, simd_counts, simd_tables
from minidl_kernels.bits import (
    Panels,
    count_ones,
    countable,
    pack,
    pack_signs,
    pair,
    shaped,
    transpose,
    unpack,
    unpack_signs,
    weighted,
    word_count,
)

__all__ = [
    "Panels",
    "and_product",
    "available",
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

WIDTH = 16  # rows of b in a panel


def available() -> bool:
    """Whether the kernels of this module can run; else the plain ones do."""
    return cpu.has(*cpu.AVX512)


def panels(b: Any) -> Panels:
    """What is multiplied many times, made ready: `and_product` and `xnor_product` take it in place of b. b: (N, words)."""
    return bits.panels(b, WIDTH) if available() else bits.panels(b)


def and_product(a: Any, b: Any, dtype: Any = np.int32) -> np.ndarray:
    """As `minidl_kernels.bits.and_product`."""
    if not available():
        return bits.and_product(a, b, dtype)
    a, b = pair(a, b)
    countable(dtype, a.shape[-1])
    return _products(a, _ready(b), 0, 2, 2, dtype)  # (2 |a_i| + 2 |b_j| - 2 X) / 4


def xnor_product(a: Any, b: Any, n: int, dtype: Any = np.int32) -> np.ndarray:
    """As `minidl_kernels.bits.xnor_product`."""
    if not available():
        return bits.xnor_product(a, b, n, dtype)
    a, b = pair(a, b, n)
    countable(dtype, a.shape[-1])
    return _products(a, _ready(b), n, 0, 0, dtype)  # n - 2 X


def float_product(a: Any, W: Any) -> np.ndarray:
    """As `minidl_kernels.bits.float_product`, to the last bit."""
    if not available():
        return bits.float_product(a, W)
    a, W = weighted(a, W)
    out = np.empty((len(np.atleast_2d(a)), W.shape[1]), W.dtype)
    sum_rows(np.atleast_2d(a), W, out)
    return shaped(a, out, W.dtype)


def sum_rows(a: np.ndarray, W: np.ndarray, out: np.ndarray) -> None:
    """`tables.sum_rows` with the kernel that the processor allows. Unchecked: contiguous a (M, words), W (n, N), out (M, N)."""
    (simd_tables if available() else bits).sum_rows(a, W, out)


def subtract_rows(a: np.ndarray, W: np.ndarray, out: np.ndarray) -> None:
    """out less what `sum_rows` gives, in place."""
    if available():
        simd_tables.sum_rows(a, W, out, True)
        return
    sums = np.empty_like(out)
    bits.sum_rows(a, W, sums)
    out -= sums


def _ready(b: np.ndarray | Panels) -> Panels:
    if not isinstance(b, Panels):
        return bits.panels(b, WIDTH)
    if b.words.shape[2] != WIDTH:
        raise ValueError(f"panels of {b.words.shape[2]} rows were made elsewhere: use the panels of this module")
    return b


def _products(a: np.ndarray, b: Panels, start: int, weight: int, shift: int, dtype: Any) -> np.ndarray:
    """The products of `simd_counts`, in the shape and dtype that were asked for."""
    whole = a if a.ndim == 2 else a[None]
    out = np.empty((len(whole), b.rows), dtype)
    ones_a = count_ones(whole).astype(np.int32) if weight else np.empty(len(whole), np.int32)
    product = simd_counts.products if len(whole) >= simd_counts.ROWS else simd_counts.few_products
    product(whole, b.words, ones_a, b.ones, start, weight, shift, int(out.dtype == np.float32), out.view(np.int32))
    return out if a.ndim == 2 else out[0]
