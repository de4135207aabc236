"""DTW between degree sequences in explicit AVX-512: 8 comparisons in a vector, with the bits of `minidl_kernels.dtw`.

A cell of a table waits for its left neighbour, so that a lone table leaves the processor idle. Here tables are filled side
by side, one in each lane of a vector: one sequence against several others (`simd_strips`). To that end pairs are gathered
into slabs: some nodes, the rows, each of which is compared with most of the same others, the columns. In every layer the
columns are sorted by the length of their sequences, so that those that share a vector are about as long; a lane's result
is read at its own last column. Past a vector go the rows that are compared with one of its lanes at least.

A comparison is the same either way round. The node with the longer sequence, in the layer with the longest ones, is the
column: then, in all pairs, the columns of a row are the end of a sorted list and fill vectors but for one.

Where the processor lacks AVX-512, or Numba is told to leave it alone (`NUMBA_CPU_NAME=generic`), these are the functions
of the plain twin: importing this module is right everywhere. `available` says which of the two runs. `simd_dtw32` has the
same functions in float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import get_num_threads, njit, prange

from minidl_kernels import cpu
from minidl_kernels import dtw as plain
from minidl_kernels.dtw import Sequences, degree_sequences, dtw
from minidl_kernels.simd_ir import BYTES
from minidl_kernels.simd_strips import Rings, Room, compare, exact_quotients, room

__all__ = ["available", "degree_sequences", "dtw", "fill", "pair_distances", "structural_distances"]

ROWS = 128  # nodes of a slab, at most
ENTRIES = 1 << 13  # of the rows that go past a vector at once, about: their last columns are 512 KB
DIVIDING = 2  # how many rows' time it takes to divide the costs of a vector


def available() -> bool:
    """Whether the kernels of this module can run; else the plain ones do."""
    return cpu.has(*cpu.AVX512)


def pair_distances(degrees: Any, counts: Any, offsets: Any, first: Any, pairs: Any, epsilon: float = 0.0) -> np.ndarray:
    """As `minidl_kernels.dtw.pair_distances`."""
    if not available():
        return plain.pair_distances(degrees, counts, offsets, first, pairs, epsilon)
    sequences, pairs, f, epsilon = plain.checked(degrees, counts, offsets, first, pairs, epsilon)
    fill(f, sequences, pairs, epsilon)
    return f


def structural_distances(
    indptr: Any, indices: Any, pairs: Any, epsilon: float = 0.0, compress: bool = False, until_layer: int | None = None
) -> np.ndarray:
    """As `minidl_kernels.dtw.structural_distances`."""
    return pair_distances(*degree_sequences(indptr, indices, compress, until_layer), pairs, epsilon)


def fill(f: np.ndarray, sequences: Sequences, pairs: np.ndarray, epsilon: float) -> None:
    """Write f_k of the pairs into f (P, L), all infinite, of the dtype in which they are computed. Not checked."""
    if len(pairs) == 0:
        return
    degrees, counts, offsets, first = sequences
    values, ranks = _ranks(degrees)
    uses, lengths = np.bincount(pairs.ravel(), minlength=len(first) - 1), _longest(offsets, first)
    rank = np.empty(len(first) - 1, np.int64)
    # Whoever is in more pairs is a column, beside others that are in as many.
    rank[np.lexsort((lengths, uses))] = np.arange(len(rank))
    leader, uses = _leaders(pairs, rank)
    *arranged, slabs = _arranged(pairs, rank, np.lexsort((rank, leader)), uses, BYTES // f.itemsize)
    slabs = slabs[np.argsort(slabs[:, 0] - slabs[:, 1], kind="stable")]  # the largest first, then dealt to the cores
    threads = min(get_num_threads(), len(slabs))
    entries = max(ENTRIES, int(np.diff(offsets).max()))
    _distances(
        Rings(values, ranks, counts, offsets, first),
        tuple(arranged),
        slabs,
        epsilon,
        bool(exact_quotients(epsilon)),
        room(threads, entries, len(values), len(rank), f.dtype),
        f,
    )


# --- slabs ---------------------------------------------------------------------------------------------------------------
def _ranks(degrees: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct degrees, float64, and which of them each entry is, int32."""
    if degrees.max() < 4 * len(degrees):
        there = np.bincount(degrees) > 0
        values, ranks = np.flatnonzero(there), (np.cumsum(there) - 1)[degrees]
    else:
        values, ranks = np.unique(degrees, return_inverse=True)
    return values.astype(np.float64), ranks.astype(np.int32)


def _longest(offsets: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The length of each node's sequence in the layer whose sequences are the longest together; 0 where it is empty."""
    lengths, rings = np.diff(offsets), np.diff(first)
    layer = np.arange(len(lengths)) - np.repeat(first[:-1], rings)
    k = np.bincount(layer, lengths).argmax()
    longest = np.zeros(len(rings), np.int64)
    longest[rings > k] = lengths[first[:-1][rings > k] + k]
    return longest


@njit(cache=True, nogil=True)
def _leaders(pairs, rank):
    """Of each row the first of its columns, as a rank, n if it has none; and how many it has."""
    n = len(rank)
    leader, uses = np.full(n, n), np.zeros(n, np.int64)
    for e in range(len(pairs)):
        u, v = _turned(pairs, rank, e)
        leader[u] = min(leader[u], rank[v])
        uses[u] += 1
    return leader, uses


@njit(cache=True, nogil=True)
def _turned(pairs, rank, e):
    """A pair, the row first: the node of the lower rank."""
    u, v = pairs[e, 0], pairs[e, 1]
    return (u, v) if rank[u] <= rank[v] else (v, u)


@njit(cache=True, nogil=True)
def _arranged(pairs, rank, rows, uses, lanes):
    """Rows and columns of the pairs, sorted by row as `rows` is; the order that sorted them; and where in this order
    slabs begin and end, (slabs, 2)."""
    n = len(rank)
    begin, place = np.zeros(n + 1, np.int64), np.empty(n, np.int64)
    for i in range(n):
        begin[i + 1] = begin[i] + uses[rows[i]]
        place[rows[i]] = begin[i]
    row, column, order = np.empty(len(pairs), np.int32), np.empty(len(pairs), np.int32), np.empty(len(pairs), np.int64)
    for e in range(len(pairs)):
        u, v = _turned(pairs, rank, e)
        row[place[u]], column[place[u]], order[place[u]] = u, v, e
        place[u] += 1

    bounds, seen = [], np.full(n, -1)
    start = many = union = 0
    for i in range(n):
        if uses[rows[i]] == 0:
            continue
        new = 0
        for e in range(begin[i], begin[i + 1]):
            new += seen[column[e]] != len(bounds)
        alone, before, after = -(-uses[rows[i]] // lanes), -(-union // lanes), -(-(union + new) // lanes)
        # In a slab every vector costs its divisions and all rows. A row joins if that is no more than both apart.
        joined = (DIVIDING + many + 1) * after
        if many == ROWS or (many and joined > (DIVIDING + many) * before + (DIVIDING + 1) * alone):
            bounds.append((start, begin[i]))
            start, many, union = begin[i], 0, 0
        for e in range(begin[i], begin[i + 1]):
            if seen[column[e]] != len(bounds):
                seen[column[e]] = len(bounds)
                union += 1
        many += 1
    bounds.append((start, len(pairs)))
    return row, column, order, np.array(bounds)


@njit(cache=True, nogil=True, parallel=True)
def _distances(rings, arranged, slabs, epsilon, exact, room, f):
    row, column, order = arranged
    threads = len(room.costs)
    for thread in prange(threads):
        own = Room(
            room.costs[thread],
            room.edges[thread],
            room.cells[thread],
            room.strip[thread],
            room.seen[thread],
            room.place[thread],
        )
        for s in range(thread, len(slabs), threads):
            pairs = slice(slabs[s, 0], slabs[s, 1])
            _slab(rings, row[pairs], column[pairs], order[pairs], epsilon, exact, own, f)


@njit(cache=True, nogil=True)
def _slab(rings, row, column, order, epsilon, exact, room, f):
    """f of the pairs of a slab; order[e]: the place of pair e in f."""
    offsets, first = rings.offsets, rings.first
    lanes, most = room.edges.shape[1], room.edges.shape[0] - 1
    (rows, x), (columns, y) = _numbered(row, room.place), _numbered(column, room.place)
    rows_deep, columns_deep = first[rows + 1] - first[rows], first[columns + 1] - first[columns]
    depth, deepest = np.empty(len(row), np.int64), 0
    for e in range(len(row)):
        depth[e] = min(rows_deep[x[e]], columns_deep[y[e]])
        deepest = max(deepest, depth[e])
    g, total, block = np.empty((len(rows), len(columns)), f.dtype), np.zeros(len(row)), np.empty(len(columns), np.int64)
    for k in range(min(deepest, f.shape[1])):
        i_there, j_there = np.flatnonzero(rows_deep > k), np.flatnonzero(columns_deep > k)
        above, across = first[rows[i_there]] + k, first[columns[j_there]] + k  # numbers of rings
        by_length = _by_length(offsets, across)
        across, j_there = across[by_length], j_there[by_length]
        for j in range(len(j_there)):
            block[j_there[j]] = j // lanes
        wanted = np.zeros((len(rows), -(-len(across) // lanes)), np.bool_)
        for e in range(len(row)):
            if k < depth[e]:
                wanted[x[e], block[y[e]]] = True
        wanted = wanted[i_there]
        begin = 0
        while begin < len(above):  # as many rows as there is room for
            end, entries = begin, 0
            while end < len(above):
                entries += offsets[above[end] + 1] - offsets[above[end]]
                if entries > most:
                    break
                end += 1
            some = slice(begin, end)
            compare(rings, above[some], across, wanted[some], epsilon, exact, room, g, i_there[some], j_there)
            begin = end
        for e in range(len(row)):
            if k < depth[e]:
                total[e] += g[x[e], y[e]]
                f[order[e], k] = total[e]


@njit(cache=True, nogil=True)
def _by_length(offsets, rings):
    """The order that sorts rings by their length, by counting."""
    longest = 0
    for r in rings:
        longest = max(longest, offsets[r + 1] - offsets[r])
    place, order = np.zeros(longest + 1, np.int64), np.empty(len(rings), np.int64)
    for r in rings:
        place[offsets[r + 1] - offsets[r]] += 1
    place = np.cumsum(place) - place
    for i in range(len(rings)):
        length = offsets[rings[i] + 1] - offsets[rings[i]]
        order[place[length]] = i
        place[length] += 1
    return order


@njit(cache=True, nogil=True)
def _numbered(nodes, place):
    """The distinct nodes, in the order in which they appear, and which of them each one is. place: -1 for each node."""
    members, number, n = np.empty(len(nodes), np.int64), np.empty(len(nodes), np.int32), 0
    for e in range(len(nodes)):
        if place[nodes[e]] < 0:
            place[nodes[e]] = n
            members[n] = nodes[e]
            n += 1
        number[e] = place[nodes[e]]
    for i in range(n):
        place[members[i]] = -1
    return members[:n].copy(), number
