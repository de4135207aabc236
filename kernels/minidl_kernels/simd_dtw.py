"""DTW between degree sequences in explicit AVX-512: 32 comparisons at a time, with the bits of `minidl_kernels.dtw`.

A cell of a table waits for its left neighbour, so that a lone table leaves the processor idle. Here one sequence is
compared with 32 others, in four vectors of eight float64 lanes, and four cells wait at the same time. Then arithmetic is
the limit, most of it division: 16 cycles for a vector, against 3 for all the rest. But degrees repeat: for each set of 32
sequences, the costs of a degree against all that they contain are divided once, and kept for the other sequences that have
this degree.

To that end pairs are gathered into slabs: some nodes, each of which is compared with most of the same others. The others
stand in the lanes, sorted by the length of their sequence, so that 32 side by side are about as long; a lane's result is
read at its own last column. Tables are filled 16 columns at a time, so that the kept costs stay in the second cache;
between one tile and the next the last column waits in `edges`. What is left per cell is two minima and a sum, and a maximum
and a product for the counts; not for a run of one, against which the other run's count is never smaller: its costs are
kept with the counts in them.

Where the processor lacks AVX-512, or Numba is told to leave it alone (`NUMBA_CPU_NAME=generic`), these are the functions of the
plain twin: importing this module is right everywhere. `available` says which of the two runs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import get_num_threads, njit, prange, types
from numba.core import cgutils
from numba.extending import intrinsic

from minidl_kernels import cpu
from minidl_kernels import dtw as plain
from minidl_kernels.dtw import degree_sequences, dtw
from minidl_kernels.packing import aligned
from minidl_kernels.simd_ir import F64, at, call, const, load, splat, store

__all__ = ["available", "degree_sequences", "dtw", "pair_distances", "structural_distances"]

LANES, VECTORS = 32, 4
TILE = 16  # columns
ROWS = 32  # nodes of a slab, at most
SLOTS = 512  # rows of costs that are kept, at most: 2 MB
EDGES = 1 << 12  # entries of sequences whose last columns are kept, about: 1 MB
_COLUMN = 8 * LANES  # bytes
_EIGHT = ir.VectorType(F64, 8)


def available() -> bool:
    """Whether the kernels of this module can run; else the plain ones do."""
    return cpu.has(*cpu.AVX512)


def pair_distances(degrees: Any, counts: Any, offsets: Any, first: Any, pairs: Any, epsilon: float = 0.0) -> np.ndarray:
    """As `minidl_kernels.dtw.pair_distances`."""
    if not available():
        return plain.pair_distances(degrees, counts, offsets, first, pairs, epsilon)
    sequences, pairs, f, epsilon = plain.checked(degrees, counts, offsets, first, pairs, epsilon)
    if len(pairs) == 0:
        return f
    degrees, counts, offsets, first = sequences
    values, ranks = _ranks(degrees)
    row, column, order = _arranged(pairs, len(first) - 1)
    slabs = _slabs(row, column, len(first) - 1)
    slabs = slabs[np.argsort(slabs[:, 0] - slabs[:, 1], kind="stable")]  # the largest first, then dealt to the cores
    threads = min(get_num_threads(), len(slabs))
    _distances(
        (values, ranks, counts, offsets, first),
        slabs,
        (row, column, order),
        (epsilon, bool(exact_quotients(epsilon))),
        aligned((threads, min(SLOTS, 2 * len(values)), TILE * LANES), np.float64),
        aligned((threads, 5, TILE * LANES), np.float64),
        aligned((threads, max(EDGES, int(np.diff(offsets).max())) + 1, LANES), np.float64),
        f,
    )
    return f


def structural_distances(
    indptr: Any, indices: Any, pairs: Any, epsilon: float = 0.0, compress: bool = False, until_layer: int | None = None
) -> np.ndarray:
    """As `minidl_kernels.dtw.structural_distances`."""
    return pair_distances(*degree_sequences(indptr, indices, compress, until_layer), pairs, epsilon)


def exact_quotients(epsilon: float) -> bool:
    r"""Whether quotients by multiplication round as a division does, to the last bit.

    With n = |a - b| and d = min(a, b) + epsilon, and r = 1 / d, q = n r and e = n - q d (fused), it is q + e r. If epsilon
    is a multiple of 2^-18 below 2^31, then D = 2^18 d and N = 2^18 n are integers below 2^50. q errs by two roundings of n
    / d, so e has at most 52 bits and is exact, and q + e r before its rounding differs from n / d by 2^-105 of it at most.
    Halfway between two float64 numbers is an odd m < 2^54 times a power of 2, which N / D is not (m > N), nor nearer than
    2^-54 / D > 2^-104.
    """
    return epsilon < 2**31 and float(epsilon * 2**18).is_integer()


# --- slabs ---------------------------------------------------------------------------------------------------------------
def _ranks(degrees: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct degrees, float64, and which of them each entry is, int32."""
    values = np.flatnonzero(np.bincount(degrees)) if degrees.max() < 4 * len(degrees) else np.unique(degrees)
    return values.astype(np.float64), np.searchsorted(values, degrees).astype(np.int32)


def _arranged(pairs: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows and columns, sorted so that rows with the same columns are neighbours; and the order that sorted the pairs."""
    uses = np.bincount(pairs.ravel(), minlength=n)
    # Whoever is in more pairs stands in the lanes, beside others that are in as many.
    turned = uses[pairs[:, 0]] > uses[pairs[:, 1]]
    row, column = np.where(turned, pairs[:, ::-1].T, pairs.T)
    leader = np.full(n, n, np.int64)
    np.minimum.at(leader, row, column)
    order = np.argsort(leader[row] * n + row, kind="stable")
    return row[order], column[order], order


@njit(cache=True, nogil=True)
def _slabs(row, column, n):
    """Where slabs begin and end in the sorted list of pairs, (slabs, 2).

    A row joins while the slab, in blocks of 32 lanes, costs at most a quarter more than its rows would each on their own.
    """
    bounds, seen = [], np.full(n, -1)
    begin = rows = union = alone = 0
    at = 0
    while at < len(row):
        end, new = at, 0
        while end < len(row) and row[end] == row[at]:
            new += seen[column[end]] != len(bounds)
            end += 1
        blocks, together = -(-(end - at) // LANES), -(-(union + new) // LANES)
        if rows == ROWS or (rows and 4 * (rows + 1) * together > 5 * (alone + blocks)):
            bounds.append((begin, at))
            begin, rows, union, alone = at, 0, 0, 0
        for e in range(at, end):
            if seen[column[e]] != len(bounds):
                seen[column[e]] = len(bounds)
                union += 1
        rows, alone, at = rows + 1, alone + blocks, end
    if at > begin:
        bounds.append((begin, at))
    return np.array(bounds).reshape(-1, 2)


@njit(cache=True, nogil=True, parallel=True)
def _distances(sequences, slabs, arranged, settings, costs, tiles, edges, f):
    row, column, order = arranged
    threads = len(costs)
    for thread in prange(threads):
        for s in range(thread, len(slabs), threads):
            pairs = slice(slabs[s, 0], slabs[s, 1])
            memory = costs[thread], tiles[thread], edges[thread]
            _slab(sequences, row[pairs], column[pairs], order[pairs], settings, memory, f)


@njit(cache=True, nogil=True)
def _slab(sequences, row, column, order, settings, memory, f):
    """f of the pairs of a slab; order[e]: the place of pair e in f."""
    _, _, _, offsets, first = sequences
    rows, columns = np.unique(row), np.unique(column)
    x, y = _places(rows, row, len(first)), _places(columns, column, len(first))
    g = np.empty((len(rows), len(columns)))
    for k in range(f.shape[1]):
        i_there = np.flatnonzero(first[rows + 1] - first[rows] > k)
        j_there = np.flatnonzero(first[columns + 1] - first[columns] > k)
        if len(i_there) == 0 or len(j_there) == 0:
            break
        above, across = first[rows[i_there]] + k, first[columns[j_there]] + k  # numbers of rings
        by_length = np.argsort(offsets[across + 1] - offsets[across])
        across, j_there = across[by_length], j_there[by_length]
        begin = 0
        while begin < len(above):  # as many rows as there are edges for
            end, entries = begin, 0
            while end < len(above):
                entries += offsets[above[end] + 1] - offsets[above[end]]
                if entries >= memory[2].shape[0]:
                    break
                end += 1
            for lanes in range(0, len(across), LANES):
                j = j_there[lanes : lanes + LANES]
                _compare(
                    sequences,
                    above[begin:end],
                    across[lanes : lanes + LANES],
                    settings,
                    memory,
                    g,
                    i_there[begin:end],
                    j,
                )
            begin = end
        for e in range(len(row)):
            if k < min(first[row[e] + 1] - first[row[e]], first[column[e] + 1] - first[column[e]]):
                f[order[e], k] = (f[order[e], k - 1] if k else 0.0) + g[x[e], y[e]]


@njit(cache=True, nogil=True)
def _places(members, nodes, n):
    """Where each of the nodes is among the members."""
    place = np.empty(n, np.int32)
    for i in range(len(members)):
        place[members[i]] = i
    return place[nodes]


@njit(cache=True, nogil=True, error_model="numpy")
def _compare(sequences, above, across, settings, memory, g, i_there, j_there):
    """g[i_there, j_there] = DTW of the rings `above`, one after the other, with up to 32 rings `across`, sorted by length."""
    values, ranks, counts, offsets, _ = sequences
    epsilon, exact = settings
    costs, tile, edges = memory
    degree, shifted, reciprocal, count, cells = tile[0], tile[1], tile[2], tile[3], tile[4]
    corner = edges[len(edges) - 1]
    cost_at, edge_at, cells_at, corner_at = costs.ctypes.data, edges.ctypes.data, cells.ctypes.data, corner.ctypes.data
    slots, lanes = len(costs), len(across)
    kept = np.empty(slots, np.int64)  # whose costs are in which slot
    longest = offsets[across[-1] + 1] - offsets[across[-1]]
    for j0 in range(0, longest, TILE):
        width = min(TILE, longest - j0)
        degree[:] = 1.0  # beyond the end of a lane any finite number will do: no result is read there
        count[:] = 1.0
        for lane in range(lanes):
            begin = offsets[across[lane]] + j0
            for j in range(min(width, offsets[across[lane] + 1] - begin)):
                degree[j * LANES + lane] = values[ranks[begin + j]]
                count[j * LANES + lane] = counts[begin + j]
        for c in range(width * LANES):
            shifted[c] = degree[c] + epsilon
            reciprocal[c] = 1 / shifted[c]
        kept[:] = -1
        edge = 0
        for i in range(len(above)):
            cells[: width * LANES] = np.inf
            corner[:] = np.inf if j0 else 0.0
            for entry in range(offsets[above[i]], offsets[above[i] + 1]):
                rank, single = ranks[entry], counts[entry] == 1
                if j0 == 0:
                    for lane in range(LANES):
                        edges[edge, lane] = np.inf
                key = 2 * rank + single
                slot = key if key < slots else key % slots
                here = cost_at + slot * (TILE * _COLUMN)
                if kept[slot] != key:
                    kept[slot] = key
                    x = values[rank]
                    _costs(x, epsilon, exact, width, degree, shifted, reciprocal, costs[slot])
                    if single:  # of two counts the lane's is never the smaller one
                        for c in range(width * LANES):
                            costs[slot, c] *= count[c]
                if single:
                    _step(width, here, cells_at, edge_at + edge * _COLUMN, corner_at)
                else:
                    many = np.float64(counts[entry])
                    _weighted_step(width, here, cells_at, edge_at + edge * _COLUMN, corner_at, count.ctypes.data, many)
                edge += 1
            for lane in range(lanes):
                last = offsets[across[lane] + 1] - offsets[across[lane]] - 1 - j0
                if 0 <= last < width:
                    g[i_there[i], j_there[lane]] = cells[last * LANES + lane]


@njit(cache=True, nogil=True, error_model="numpy")
def _costs(x, epsilon, exact, width, degree, shifted, reciprocal, cost):
    """Of degree x against those of a tile."""
    if exact:
        tile = (cost.ctypes.data, degree.ctypes.data, shifted.ctypes.data, reciprocal.ctypes.data)
        _quotients(width, *tile, x, x + epsilon, 1 / (x + epsilon))
    else:
        for c in range(width * LANES):
            cost[c] = abs(x - degree[c]) / min(x + epsilon, shifted[c])


# --- the innermost parts -------------------------------------------------------------------------------------------------
def _smaller(b, x, y):
    return b.select(b.fcmp_ordered("<", x, y), x, y)  # one instruction


def _larger(b, x, y):
    return b.select(b.fcmp_ordered(">", x, y), x, y)


@intrinsic
def _quotients(context, width, cost, degree, shifted, reciprocal, a, a_shifted, a_reciprocal):
    """cost = |a - b| / (min(a, b) + epsilon) of a tile of degrees b, by multiplication: see `exact_quotients`."""

    def codegen(context, b, signature, arguments):
        width, cost, *tile = arguments[:5]
        one = [splat(b, x, 8) for x in arguments[5:]]
        with cgutils.for_range(b, b.mul(width, const(VECTORS))) as vector:
            offset = b.mul(vector.index, const(64))
            others = [load(b, at(b, address, offset), _EIGHT, 64) for address in tile]
            n = call(b, "llvm.fabs.v8f64", _EIGHT, b.fsub(one[0], others[0]))
            d, r = _smaller(b, one[1], others[1]), _larger(b, one[2], others[2])
            q = b.fmul(n, r)
            e = call(b, "llvm.fma.v8f64", _EIGHT, b.fneg(q), d, n)
            store(b, call(b, "llvm.fma.v8f64", _EIGHT, e, r, q), at(b, cost, offset), 64)
        return context.get_dummy_value()

    return types.none(*[types.int64] * 5, *[types.float64] * 3), codegen


def _emit_step(b, width, cost, cells, left, corner, weigh):
    """The next row of 32 tables: cells = cost + min(above, left, corner).

    cells: the row above, overwritten. left: the last column of the tile before, in this row; corner: the same, a row above.
    They become the last column of this tile, and what `left` was.
    """
    before, diagonal = ([cgutils.alloca_once(b, _EIGHT) for _ in range(VECTORS)] for _ in range(2))
    for v in range(VECTORS):
        old = load(b, at(b, left, 64 * v), _EIGHT, 64)
        b.store(old, before[v])
        b.store(load(b, at(b, corner, 64 * v), _EIGHT, 64), diagonal[v])
        store(b, old, at(b, corner, 64 * v), 64)
    with cgutils.for_range(b, width) as column:
        for v in range(VECTORS):
            offset = b.add(b.mul(column.index, const(_COLUMN)), const(64 * v))
            above = load(b, at(b, cells, offset), _EIGHT, 64)
            c = weigh(load(b, at(b, cost, offset), _EIGHT, 64), offset)
            cell = b.fadd(c, _smaller(b, _smaller(b, above, b.load(diagonal[v])), b.load(before[v])))
            b.store(above, diagonal[v])
            b.store(cell, before[v])
            store(b, cell, at(b, cells, offset), 64)
    for v in range(VECTORS):
        store(b, b.load(before[v]), at(b, left, 64 * v), 64)


@intrinsic
def _step(context, width, cost, cells, left, corner):
    """A row of tables of degrees. All but width are addresses."""

    def codegen(context, b, signature, arguments):
        _emit_step(b, *arguments, lambda c, _: c)
        return context.get_dummy_value()

    return types.none(*[types.int64] * 5), codegen


@intrinsic
def _weighted_step(context, width, cost, cells, left, corner, counts, many):
    """A row of tables of runs: each cost times the larger of two counts, the lane's and `many`."""

    def codegen(context, b, signature, arguments):
        *rest, counts, many = arguments
        many = splat(b, many, 8)

        def weigh(c, offset):
            return b.fmul(c, _larger(b, load(b, at(b, counts, offset), _EIGHT, 64), many))

        _emit_step(b, *rest, weigh)
        return context.get_dummy_value()

    return types.none(*[types.int64] * 6, types.float64), codegen
