"""Degree sequences of rings, and DTW between them, in plain Numba: twins of functions of `minidl.graphs`, to the last bit.

Why the same bits. A cost is |a - b| / (min(a, b) + epsilon) times the longer run, each operation rounded once and in this order
here and there; a cell of the table adds a cost to the smallest of three cells, and a minimum does not round. So there is one
result, in whatever order the cells are computed, and g(A, B) = g(B, A).

Why fast. Sequences lie in flat arrays; one row of the table is kept, in which each cell is overwritten when the cell above
it is needed for the last time; the quotient of the next cells is computed while a cell waits for its left neighbour, so
that divisions cost nothing. Pairs are independent and shared out to the cores. `minidl_kernels.simd_dtw` puts 8 pairs side
by side.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import get_num_threads, njit, prange

from minidl_kernels import flat

SCRATCH = 1 << 24  # bytes in which the rings of a block of nodes are gathered


class Sequences(NamedTuple):
    """The degree sequences of all rings of all nodes: ring k of node u is ring r = first[u] + k, with the entries
    offsets[r]:offsets[r + 1] of degrees and counts. degrees, counts: int32; offsets, first: int64."""

    degrees: np.ndarray
    counts: np.ndarray
    offsets: np.ndarray
    first: np.ndarray


# --- rings ---------------------------------------------------------------------------------------------------------------
def degree_sequences(indptr: Any, indices: Any, compress: bool = False, until_layer: int | None = None) -> Sequences:
    """The ordered degrees of every ring around every node; with `compress` in run-length form (OPT1).

    until_layer: rings 0..until_layer only (OPT3). Raises ValueError for a negative cap and arrays that are no CSR.
    """
    indptr, indices = flat.csr(indptr, indices)
    n = len(indptr) - 1
    if n < 1:
        raise ValueError("the graph is empty")
    last = n if until_layer is None else min(n, flat.count("until_layer", until_layer, 0))
    # Degrees by their rank: a ring is sorted by counting, and few counters are enough.
    values, ranks = np.unique(np.diff(indptr).astype(np.int32), return_inverse=True)
    block = min(n, max(1, SCRATCH // (12 * n)))
    degrees, counts, sizes = (np.empty((block, n), np.int32) for _ in range(3))
    rings, entries = np.zeros((2, n), np.int64)  # of each node
    pieces = []
    for begin in range(0, n, block):
        nodes = slice(begin, min(n, begin + block))
        _rings(
            indptr, indices, values, ranks, begin, compress, last, degrees, counts, sizes, rings[nodes], entries[nodes]
        )
        there = np.arange(n) < entries[nodes, None]  # (block, n)
        found = np.arange(n) < rings[nodes, None]
        pieces.append([a[: len(mask)][mask] for a, mask in ((degrees, there), (counts, there), (sizes, found))])
    degrees, counts, sizes = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    return Sequences(degrees, counts, _offsets(sizes), _offsets(rings))


def _offsets(sizes: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])


@njit(cache=True, nogil=True, parallel=True)
def _rings(indptr, indices, values, ranks, begin, compress, last, degrees, counts, sizes, rings, entries):
    """Row i of the three arrays: the sequences of all rings of node begin + i, one after the other; sizes: of each ring."""
    n = len(ranks)
    for i in prange(len(rings)):
        seen, queue, tally = np.zeros(n, np.bool_), np.empty(n, np.int32), np.zeros(len(values), np.int32)
        queue[0] = begin + i
        seen[begin + i] = True
        low, high, written, k = 0, 1, 0, 0
        while low < high and k <= last:  # queue[low:high] is ring k
            end, smallest, largest = high, len(values), -1
            for j in range(low, end):
                u = queue[j]
                tally[ranks[u]] += 1
                smallest, largest = min(smallest, ranks[u]), max(largest, ranks[u])
                for e in range(indptr[u], indptr[u + 1]):
                    v = indices[e]
                    if not seen[v]:
                        seen[v] = True
                        queue[high] = v
                        high += 1
            before = written
            for rank in range(smallest, largest + 1):
                many = tally[rank]
                tally[rank] = 0
                if compress and many:
                    degrees[i, written], counts[i, written] = values[rank], many
                    written += 1
                elif many:
                    degrees[i, written : written + many] = values[rank]
                    counts[i, written : written + many] = 1
                    written += many
            sizes[i, k] = written - before
            low = end
            k += 1
        rings[i], entries[i] = k, written


# --- distances -----------------------------------------------------------------------------------------------------------
def pair_distances(degrees: Any, counts: Any, offsets: Any, first: Any, pairs: Any, epsilon: float = 0.0) -> np.ndarray:
    """f_k(u, v) of the pairs (P, 2) in every layer, (P, L) float64; infinity where a ring is empty.

    The first four are `Sequences` of at least two nodes. Uses all cores that Numba may use. Raises ValueError for a node
    without neighbours while epsilon is 0, and nodes outside 0..n-1.
    """
    sequences, pairs, f, epsilon = checked(degrees, counts, offsets, first, pairs, epsilon)
    _distances(*sequences, pairs, epsilon, f, get_num_threads())
    return f


def structural_distances(
    indptr: Any, indices: Any, pairs: Any, epsilon: float = 0.0, compress: bool = False, until_layer: int | None = None
) -> np.ndarray:
    """f_k(u, v) straight from a graph in CSR form: `degree_sequences`, then `pair_distances`. Returns (P, L) float64."""
    return pair_distances(*degree_sequences(indptr, indices, compress, until_layer), pairs, epsilon)


def dtw(a: Any, b: Any, epsilon: float = 0.0) -> float:
    """g(a, b), the cost of the cheapest alignment of two sequences, both degrees (p,) or both runs (p, 2).

    Raises ValueError for an empty sequence, other shapes, counts below 1, and degree 0 with epsilon 0.
    """
    epsilon = flat.number("epsilon", epsilon)
    a, b = np.asarray(a), np.asarray(b)
    if a.ndim != b.ndim or a.ndim not in (1, 2) or 0 in (len(a), len(b)):
        raise ValueError(
            f"a and b must both be degrees (p,) or both be runs (p, 2), and not empty, got shapes {a.shape} and {b.shape}"
        )
    (x, m), (y, k) = _columns("a", a, epsilon), _columns("b", b, epsilon)
    return float(_warp(x, m, y, k, epsilon, np.empty(len(y))))


def checked(
    degrees: Any, counts: Any, offsets: Any, first: Any, pairs: Any, epsilon: Any
) -> tuple[Sequences, np.ndarray, np.ndarray, float]:
    """The arguments of `pair_distances`, and f (P, L), all infinite."""
    epsilon = flat.number("epsilon", epsilon)
    offsets = flat.offsets("offsets", offsets, len(degrees))
    first = flat.offsets("first", first, len(offsets) - 1)
    degrees = flat.integers("degrees", degrees, np.int32, "entries")
    counts = flat.integers("counts", counts, np.int32, len(degrees), low=1)
    pairs = flat.integers("pairs", pairs, np.int32, "P", 2, high=len(first) - 1)
    if (np.diff(offsets) == 0).any():
        raise ValueError(f"ring {np.argmin(np.diff(offsets))} is empty: a node has as many rings as have entries")
    if epsilon == 0 and (degrees == 0).any():
        ring = np.searchsorted(offsets, np.argmin(degrees), side="right") - 1
        raise ValueError(
            f"node number {np.searchsorted(first, ring, side='right') - 1} has no neighbours, and a degree of 0 has no ratio "
            "to another: use epsilon > 0 (0.5 in the authors' code), or leave the node out (Graph.without_isolated)"
        )
    if len(first) < 3:
        raise ValueError(f"layers compare pairs of nodes: expected at least 2 nodes, got {len(first) - 1}")
    layers = np.sort(np.diff(first))[-2]  # rings that two nodes have
    return Sequences(degrees, counts, offsets, first), pairs, np.full((len(pairs), layers), np.inf), epsilon


def _columns(name: str, value: np.ndarray, epsilon: float) -> tuple[np.ndarray, np.ndarray]:
    """Degrees and counts of a sequence, float64."""
    if value.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold degrees, got {value.dtype}")
    if value.ndim == 2 and value.shape[1] != 2:
        raise ValueError(f"{name} must hold runs (degree, count) along its last axis, got shape {value.shape}")
    runs = value if value.ndim == 2 else np.stack([value, np.ones_like(value)], axis=1)
    degree, many = np.ascontiguousarray(runs.T, np.float64)
    if not (many >= 1).all():
        raise ValueError(f"{name} must have counts of at least 1")
    if not (degree >= 0).all() or not np.isfinite(degree).all():
        raise ValueError(f"{name} must hold finite degrees of at least 0")
    if epsilon == 0 and (degree == 0).any():
        raise ValueError(f"{name} has degree 0, whose ratio to any other is infinite: use epsilon > 0, such as 0.5")
    return degree, many


@njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def _distances(degrees, counts, offsets, first, pairs, epsilon, f, threads):
    longest = 0
    for r in range(len(offsets) - 1):
        longest = max(longest, offsets[r + 1] - offsets[r])
    for thread in prange(threads):
        row = np.empty(longest)
        for e in range(thread, len(pairs), threads):  # dealt like cards: neighbours in the list are about as long
            u, v = first[pairs[e, 0]], first[pairs[e, 1]]
            common = min(first[pairs[e, 0] + 1] - u, first[pairs[e, 1] + 1] - v, f.shape[1])
            total = 0.0
            for k in range(common):
                a, b = slice(offsets[u + k], offsets[u + k + 1]), slice(offsets[v + k], offsets[v + k + 1])
                total += _warp(degrees[a], counts[a], degrees[b], counts[b], epsilon, row)
                f[e, k] = total


@njit(cache=True, nogil=True, error_model="numpy")
def _warp(a, a_counts, b, b_counts, epsilon, row):
    """g of two sequences. row: room for len(b) cells; before step i, row[j] is D[i - 1, j]."""
    p, r = len(a), len(b)
    for j in range(r):
        row[j] = np.inf
    for i in range(p):
        x, many = np.float64(a[i]), a_counts[i]
        left, diagonal = np.inf, 0.0 if i == 0 else np.inf
        for j in range(r):
            y = np.float64(b[j])
            cost = abs(x - y) / (min(x, y) + epsilon) * max(many, b_counts[j])
            up = row[j]
            left = cost + min(min(up, diagonal), left)
            diagonal = up
            row[j] = left
    return row[r - 1]
