r"""Skip-gram on walks: the twin of `minidl.graphs.skipgram` where it trains.

The same steps in the same order, with loops in place of NumPy calls: on equal arguments the results differ by rounding only.
A step has three passes, of which each reads what the one before has written:

    g = rate (label - sigma(x . y))      for every context x and every row y of its own
    moves = sum over the rows of g y     of old rows
    y += g x (old x), then x += moves

Where the processor has vectors of 64 bytes, `simd_skipgram` does the same, faster; `NUMBA_CPU_NAME=generic` keeps to this page.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from minidl_kernels import cpu
from minidl_kernels.sampling import exponential

# Sums may be taken in another order, and products fuse with them: then they run in vectors.
_loop = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc"})


class Trained(NamedTuple):
    """vectors (V, d), the embedding, and theta, the other side's rows, after training."""

    vectors: np.ndarray
    theta: np.ndarray


def train_hierarchical(
    walks: Any,
    widths: Any,
    rates: Any,
    vectors: Any,
    theta: Any,
    offsets: Any,
    nodes: Any,
    bits: Any,
    group: int = 1,
) -> Trained:
    """Skip-gram with hierarchical softmax, once over the walks in their order; the arrays given are not changed.

    walks, widths: (S, L), rates: (S,), vectors: (V, d), theta: (V - 1, d), float32 or float64, kept; offsets (V + 1,), nodes
    and bits: the paths to the leaves, flat; the nodes of a path are distinct. group: contexts that are updated together.
    Raises ValueError for shapes that do not fit and nodes that are not there.
    """
    walks, widths, rates, vectors, theta = _training(walks, widths, rates, vectors, theta, 1)
    offsets, nodes, bits = np.asarray(offsets, np.int64), np.asarray(nodes, np.int32), np.asarray(bits, np.uint8)
    if len(offsets) != len(vectors) + 1 or bits.shape != nodes.shape:
        raise ValueError(f"the tree must have {len(vectors)} leaves, one for each vector, got {len(offsets) - 1}")
    if offsets[0] != 0 or offsets[-1] != len(nodes) or (np.diff(offsets) < 0).any():
        raise ValueError(f"offsets must start at 0, never fall, and end at {len(nodes)}, the length of nodes")
    _within("nodes", nodes, len(theta))
    group = _group(group)
    if cpu.has(*cpu.AVX512) and (simd := _simd()).takes(group):
        return Trained(*simd.train_hierarchical(walks, widths, rates, vectors, theta, offsets, nodes, bits, group))
    vectors, theta = vectors.copy(), theta.copy()
    _hierarchical(walks, widths, rates, vectors, theta, offsets, nodes, bits, min(group, _most(widths)))
    return Trained(vectors, theta)


def train_negative(
    walks: Any, widths: Any, rates: Any, vectors: Any, theta: Any, negatives: Any, group: int = 1
) -> Trained:
    """Skip-gram with negative sampling, once over the walks in their order; the arrays given are not changed.

    walks, widths: (S, L), rates: (S,), vectors, theta: (V, d), float32 or float64, kept; negatives: (S, L, 2 window, m) int32.
    Raises ValueError for shapes that do not fit, nodes that are not there, and widths above window.
    """
    walks, widths, rates, vectors, theta = _training(walks, widths, rates, vectors, theta, 0)
    negatives = np.ascontiguousarray(negatives, np.int32)
    if negatives.ndim != 4 or negatives.shape[:2] != walks.shape:
        raise ValueError(f"negatives must have shape {(*walks.shape, '2 window', 'm')}, got {negatives.shape}")
    if negatives.shape[2] % 2 or _most(widths) > negatives.shape[2]:
        raise ValueError(f"negatives must have 2 window slots, at least {_most(widths)}, got {negatives.shape[2]}")
    _within("negatives", negatives, len(vectors))
    group = _group(group)
    if cpu.has(*cpu.AVX512) and group == 1:
        return Trained(*_simd().train_negative(walks, widths, rates, vectors, theta, negatives))
    vectors, theta = vectors.copy(), theta.copy()
    _negative(walks, widths, rates, vectors, theta, negatives, min(group, _most(widths)))
    return Trained(vectors, theta)


# --- the loops -----------------------------------------------------------------------------------------------------------
@_loop
def _hierarchical(walks, widths, rates, vectors, theta, offsets, nodes, bits, group):
    longest = np.diff(offsets).max()
    inputs, sizes = np.empty(group, np.int32), np.empty(group, np.int64)
    rows, labels = np.empty((group, longest), np.int32), np.empty(longest, vectors.dtype)
    g, moves = np.empty((group, longest), vectors.dtype), np.empty((group, vectors.shape[1]), vectors.dtype)
    for s in range(walks.shape[0]):
        end = walk_end(walks[s])
        for i in range(end):
            begin, h = offsets[walks[s, i]], offsets[walks[s, i] + 1] - offsets[walks[s, i]]
            for j in range(h):
                labels[j] = 1 - bits[begin + j]
                for c in range(group):
                    rows[c, j] = nodes[begin + j]
            count = 0
            last = min(end, i + widths[s, i] + 1) - 1
            for other in range(max(0, i - widths[s, i]), last + 1):
                if other != i:
                    inputs[count], sizes[count] = walks[s, other], h
                    count += 1
                if count == group or (other == last and count):
                    _together(vectors, theta, inputs[:count], rows, sizes, labels, rates[s], g, moves)
                    count = 0


@_loop
def _negative(walks, widths, rates, vectors, theta, negatives, group):
    window, m = negatives.shape[2] // 2, negatives.shape[3]
    inputs, sizes = np.empty(group, np.int32), np.empty(group, np.int64)
    rows, labels = np.empty((group, m + 1), np.int32), np.zeros(m + 1, vectors.dtype)
    g, moves = np.empty((group, m + 1), vectors.dtype), np.empty((group, vectors.shape[1]), vectors.dtype)
    labels[0] = 1
    for s in range(walks.shape[0]):
        end = walk_end(walks[s])
        for i in range(end):
            count = 0
            last = min(end, i + widths[s, i] + 1) - 1
            for other in range(max(0, i - widths[s, i]), last + 1):
                if other != i:
                    slot = other - i + window - (1 if other > i else 0)
                    inputs[count], rows[count, 0], size = walks[s, other], walks[s, i], 1
                    for k in range(m):
                        if negatives[s, i, slot, k] != walks[s, i]:  # the predicted node is no example against itself
                            rows[count, size] = negatives[s, i, slot, k]
                            size += 1
                    sizes[count] = size
                    count += 1
                if count == group or (other == last and count):
                    _together(vectors, theta, inputs[:count], rows, sizes, labels, rates[s], g, moves)
                    count = 0


@_loop
def _together(vectors, theta, inputs, rows, sizes, labels, rate, g, moves):
    """A step for the contexts `inputs` (c,), of which each has sizes[c] `rows` of theta with these labels, from old values."""
    d = vectors.shape[1]
    for c in range(inputs.size):
        x, move = vectors[inputs[c]], moves[c]
        move[:] = 0
        for j in range(sizes[c]):
            y = theta[rows[c, j]]
            z = x.dtype.type(0)
            for e in range(d):
                z += x[e] * y[e]
            g[c, j] = rate * (labels[j] - _sigmoid(z))
            for e in range(d):
                move[e] += g[c, j] * y[e]
    for c in range(inputs.size):
        x = vectors[inputs[c]]
        for j in range(sizes[c]):
            y = theta[rows[c, j]]
            for e in range(d):
                y[e] += g[c, j] * x[e]
    for c in range(inputs.size):  # last, since a node may be there twice
        x = vectors[inputs[c]]
        for e in range(d):
            x[e] += moves[c, e]


@njit(inline="always")
def _sigmoid(z):
    one = type(z)(1)
    t = exponential(-abs(z))  # at most 1: no overflow
    return (one if z >= 0 else t) / (one + t)


@njit(cache=True, nogil=True)
def walk_end(walk):
    """The number of nodes before the first -1."""
    for i in range(walk.size):
        if walk[i] < 0:
            return i
    return walk.size


# --- the border ----------------------------------------------------------------------------------------------------------
def _simd():
    from minidl_kernels import simd_skipgram  # where the processor cannot run it, it is not loaded

    return simd_skipgram


def _training(walks, widths, rates, vectors, theta, fewer: int):
    """The arguments of training, checked, since a loop would write wherever a wrong index tells it to."""
    vectors, theta = (
        a if a.dtype in (np.float32, np.float64) else a.astype(float) for a in map(np.asarray, (vectors, theta))
    )
    if vectors.ndim != 2 or vectors.dtype != theta.dtype or theta.shape != (len(vectors) - fewer, *vectors.shape[1:]):
        raise ValueError(
            f"vectors must be (V, d) and theta (V{f' - {fewer}' if fewer else ''}, d) of one dtype, got "
            f"{vectors.dtype} {vectors.shape} and {theta.dtype} {theta.shape}"
        )
    walks, widths = np.ascontiguousarray(walks, np.int32), np.ascontiguousarray(widths, np.int32)
    if walks.ndim != 2 or widths.shape != walks.shape:
        raise ValueError(f"walks and widths must have one shape (S, L), got {walks.shape} and {widths.shape}")
    _within("walks", walks, len(vectors), -1)
    if ((walks[:, :-1] < 0) & (walks[:, 1:] >= 0)).any():
        raise ValueError("a walk must not go on after -1, which marks its end")
    if widths.size and widths.min() < 0:
        raise ValueError(f"widths must be at least 0, got {widths.min()}")
    rates = np.asarray(rates, vectors.dtype)
    if rates.shape != (len(walks),) or not np.isfinite(rates).all():
        raise ValueError(f"rates must be finite, one for each of {len(walks)} walks, got shape {rates.shape}")
    return walks, widths, rates, vectors, theta


def _within(name: str, array: np.ndarray, high: int, low: int = 0) -> None:
    if array.size and not (array.min() >= low and array.max() < high):
        raise ValueError(f"{name} must hold integers from {low} to {high - 1}, got {array.min()} to {array.max()}")


def _group(group: int) -> int:
    if group < 1:
        raise ValueError(f"group must be at least 1, got {group}")
    return int(group)


def _most(widths: np.ndarray) -> int:
    """The largest number of contexts of one centre, at least 1."""
    return max(1, 2 * int(widths.max(initial=0)))
