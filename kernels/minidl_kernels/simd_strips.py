"""Tables of DTW in explicit AVX-512, a vector of them at a time: 8 in float64, 16 in float32.

A lane of a vector is a table of its own. The rows of all are one sequence; the columns are another sequence for each
lane. A table is filled in strips of up to eight columns, from top to bottom, with the cells of one row in registers; what a
strip leaves behind is its last column, for the strip to its right. So a cell reads one number, the cost of its two degrees,
and five operations are left (four in float32, where the last two are one): a maximum and a product for the counts, two
minima and a sum.

A cell waits for its left neighbour, and the cell below it waits for both. Therefore three rows go down together, in the
order of their diagonals, so that what comes next rarely waits for what came last.

Costs need a division, 16 cycles for a vector against 3 for all the rest. But degrees repeat: for each strip the costs of
every degree against it are divided once, and kept for all rows of all tables that have this degree.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from minidl_kernels.packing import aligned
from minidl_kernels.simd_ir import BYTES, F32, F64, I64, at, call, const, load, splat, store

WIDTH = 8  # columns of a strip, at most
_TOGETHER = 3  # rows
_KEPT = WIDTH * BYTES  # bytes of the costs of a degree
_SIZE = {F64: 8, F32: 4}  # bytes of a lane


class Rings(NamedTuple):
    """What is compared: `Sequences` with degrees by their rank among the distinct `values`, which are float64."""

    values: np.ndarray
    ranks: np.ndarray
    counts: np.ndarray
    offsets: np.ndarray
    first: np.ndarray


class Room(NamedTuple):
    """Memory, for each thread. costs: of degrees against a strip; edges: the last column of the strip before, after an
    infinite entry; cells: of a row, and the counts of a strip; strip: its degrees, float64, and numbers made of them;
    seen: -1 for each of the distinct degrees; place: -1 for each node."""

    costs: np.ndarray
    edges: np.ndarray
    cells: np.ndarray
    strip: np.ndarray
    seen: np.ndarray
    place: np.ndarray


def room(threads: int, entries: int, degrees: int, nodes: int, dtype: np.dtype) -> Room:
    """Memory for that many threads, entries of all rows together, distinct degrees, nodes."""
    lanes = BYTES // dtype.itemsize
    edges = aligned((threads, 1 + entries, lanes), dtype)
    edges[:, 0] = np.inf
    return Room(
        aligned((threads, min(entries, degrees), WIDTH * lanes), dtype),
        edges,
        aligned((threads, 2, WIDTH * lanes), dtype),
        aligned((threads, 3, WIDTH * lanes), np.float64),
        np.full((threads, degrees), -1, np.int32),
        np.full((threads, nodes), -1, np.int32),
    )


@njit(cache=True, nogil=True)
def compare(rings, above, across, wanted, epsilon, exact, room, g, i_there, j_there):
    """g[i_there[i], j_there[j]] = DTW of ring above[i] with ring across[j], where wanted[i, j // lanes].

    across: sorted by length. epsilon, exact: see `exact_quotients`. room: of one thread, for all entries of `above`.
    """
    values, ranks, counts, offsets, _ = rings
    costs, edges, cells, strip, seen, _ = room
    lanes = edges.shape[1]
    begin = np.zeros(len(above) + 1, np.int64)  # the entries of each row, one row after the other
    for i in range(len(above)):
        begin[i + 1] = begin[i] + offsets[above[i] + 1] - offsets[above[i]]
    kinds, cost_at, many = _entries(rings, above, begin, seen, costs)
    degree, shifted, reciprocal, row, count = strip[0], strip[1], strip[2], cells[0], cells[1]
    for block in range(wanted.shape[1]):
        rows = np.flatnonzero(wanted[:, block])
        if len(rows) == 0:
            continue
        here = across[block * lanes : (block + 1) * lanes]
        longest = offsets[here[-1] + 1] - offsets[here[-1]]
        strips = -(-longest // WIDTH)
        for s in range(strips):
            j0, j1 = s * longest // strips, (s + 1) * longest // strips
            size, ends = (j1 - j0) * lanes, False
            degree[:size] = 1.0  # beyond the end of a lane any finite number will do: no result is read there
            count[:size] = 1.0
            for lane in range(len(here)):
                entry, length = offsets[here[lane]], offsets[here[lane] + 1] - offsets[here[lane]]
                for j in range(j0, min(j1, length)):
                    degree[(j - j0) * lanes + lane] = values[ranks[entry + j]]
                    count[(j - j0) * lanes + lane] = counts[entry + j]
                ends |= j0 < length <= j1
            for c in range(size):
                shifted[c] = degree[c] + epsilon
                reciprocal[c] = 1 / shifted[c]
            for slot in range(len(kinds)):
                _costs(values[kinds[slot]], epsilon, exact, size, degree, shifted, reciprocal, costs[slot])
            for i in rows:
                edge = edges.ctypes.data + (1 + begin[i]) * BYTES
                _strip(
                    j1 - j0,
                    begin[i + 1] - begin[i],
                    cost_at.ctypes.data + 8 * begin[i],
                    many.ctypes.data + many.itemsize * begin[i],
                    costs.ctypes.data,
                    count.ctypes.data,
                    edge if s else edges.ctypes.data,
                    BYTES if s else 0,  # to the left of the first column all cells are the same
                    edge,
                    row.ctypes.data,
                    costs.dtype.type(np.inf if s else 0.0),
                )
                if ends:
                    for lane in range(len(here)):
                        last = offsets[here[lane] + 1] - offsets[here[lane]] - 1
                        if j0 <= last < j1:
                            g[i_there[i], j_there[block * lanes + lane]] = row[(last - j0) * lanes + lane]


@njit(cache=True, nogil=True)
def _entries(rings, above, begin, seen, costs):
    """The distinct degrees of some rings, by their ranks; and of each entry where the costs of its degree are kept, in
    bytes, and its count."""
    size, n, found = begin[-1], 0, 0
    kinds, cost_at, many = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size, costs.dtype)
    for r in above:
        for e in range(rings.offsets[r], rings.offsets[r + 1]):
            rank = rings.ranks[e]
            if seen[rank] < 0:
                kinds[found], seen[rank] = rank, found
                found += 1
            cost_at[n], many[n] = _KEPT * seen[rank], rings.counts[e]
            n += 1
    for slot in range(found):
        seen[kinds[slot]] = -1
    return kinds[:found], cost_at, many


# --- costs ---------------------------------------------------------------------------------------------------------------
def exact_quotients(epsilon: float) -> bool:
    r"""Whether quotients by multiplication round as a division does, to the last bit of float64.

    With n = |a - b| and d = min(a, b) + epsilon, and r = 1 / d, q = n r and e = n - q d (fused), it is q + e r. If
    epsilon is a multiple of 2^-18 below 2^31, then D = 2^18 d and N = 2^18 n are integers below 2^50. q errs by two
    roundings of n / d, so e has at most 52 bits and is exact, and q + e r before its rounding differs from n / d by 2^-105
    of it at most. Halfway between two float64 numbers is an odd m < 2^54 times a power of 2, which N / D is not (m > N),
    nor nearer than 2^-54 / D > 2^-104.
    """
    return epsilon < 2**31 and float(epsilon * 2**18).is_integer()


@njit(cache=True, nogil=True, error_model="numpy")
def _costs(x, epsilon, exact, size, degree, shifted, reciprocal, cost):
    """Of degree x against those of a strip: |a - b| / (min(a, b) + epsilon)."""
    if cost.itemsize == 4:  # three roundings of float64, and one of float32
        r = 1 / (x + epsilon)
        for c in range(size):
            cost[c] = abs(x - degree[c]) * (r if r > reciprocal[c] else reciprocal[c])
    elif exact:
        numbers = (cost.ctypes.data, degree.ctypes.data, shifted.ctypes.data, reciprocal.ctypes.data)
        _quotients(size // 8, *numbers, x, x + epsilon, 1 / (x + epsilon))
    else:
        for c in range(size):
            cost[c] = abs(x - degree[c]) / min(x + epsilon, shifted[c])


# --- the innermost parts -------------------------------------------------------------------------------------------------
def _smaller(b, x, y):
    return b.select(b.fcmp_ordered("<", x, y), x, y)  # one instruction


def _larger(b, x, y):
    return b.select(b.fcmp_ordered(">", x, y), x, y)


@intrinsic
def _quotients(context, vectors, cost, degree, shifted, reciprocal, a, a_shifted, a_reciprocal):
    """cost = |a - b| / (min(a, b) + epsilon) of a strip of degrees b, by multiplication: see `exact_quotients`."""

    def codegen(context, b, signature, arguments):
        vectors, cost, *strip = arguments[:5]
        one, eight = [splat(b, x, 8) for x in arguments[5:]], ir.VectorType(F64, 8)
        with cgutils.for_range(b, vectors) as vector:
            offset = b.mul(vector.index, const(BYTES))
            others = [load(b, at(b, address, offset), eight, BYTES) for address in strip]
            n = call(b, "llvm.fabs.v8f64", eight, b.fsub(one[0], others[0]))
            d, r = _smaller(b, one[1], others[1]), _larger(b, one[2], others[2])
            q = b.fmul(n, r)
            e = call(b, "llvm.fma.v8f64", eight, b.fneg(q), d, n)
            store(b, call(b, "llvm.fma.v8f64", eight, e, r, q), at(b, cost, offset), BYTES)
        return context.get_dummy_value()

    return types.none(*[types.int64] * 5, *[types.float64] * 3), codegen


@intrinsic
def _strip(context, width, n, cost_at, many_at, costs, counts, left, step, right, cells, corner):
    """Fill n rows of a strip of `width` columns: cell = cost * max(two counts) + min(above, left, diagonal).

    Addresses. cost_at, many_at: of each row, how many bytes after `costs` its costs begin, and its count; counts: of
    the columns; left: the last column of the strip before, an entry every `step` bytes; right: where that of this one
    goes, which may be the same; cells: where the last row goes. corner: the cell above `left`, whose type all numbers have.
    """

    def codegen(context, b, signature, arguments):
        width, *rest = arguments
        done = b.append_basic_block("done")
        chosen = b.switch(width, done)
        for w in range(1, WIDTH + 1):
            block = b.append_basic_block(f"width{w}")
            chosen.add_case(const(w), block)
            with b.goto_block(block):
                _emit_strip(b, w, *rest)
                b.branch(done)
        b.position_at_end(done)
        return context.get_dummy_value()

    return types.none(*[types.int64] * 10, corner), codegen


def _emit_strip(b, width, n, cost_at, many_at, costs, counts, left, step, right, cells, corner):
    size = _SIZE[corner.type]
    lanes = BYTES // size
    vector = ir.VectorType(corner.type, lanes)
    above, diagonal = [cgutils.alloca_once(b, vector) for _ in range(width)], cgutils.alloca_once(b, vector)

    def read(address, j=0):
        return load(b, at(b, address, BYTES * j), vector, BYTES)

    def weighed(cost, many, least):
        if corner.type == F64:  # two roundings, as in the reference
            return b.fadd(b.fmul(cost, many), least)
        return call(b, f"llvm.fma.v{lanes}f32", vector, cost, many, least)

    def descend(row, rows):
        """Rows row, row + 1, ...: cell (i, j) of the table is that of row i and column j from here."""
        table, cost, many = {(-1, j): b.load(cell) for j, cell in enumerate(above)}, [], []
        table[-1, -1] = b.load(diagonal)
        for i in range(rows):
            r = b.add(row, const(i))
            cost.append(b.add(costs, load(b, b.add(cost_at, b.mul(r, const(8))), I64, 8)))
            many.append(splat(b, load(b, b.add(many_at, b.mul(r, const(size))), corner.type, size), lanes))
            table[i, -1] = read(b.add(left, b.mul(r, step)))
        for i, j in sorted(np.ndindex(rows, width), key=lambda cell: (sum(cell), cell)):
            least = _smaller(b, _smaller(b, table[i - 1, j], table[i - 1, j - 1]), table[i, j - 1])
            table[i, j] = weighed(read(cost[i], j), _larger(b, count[j], many[i]), least)
        for i in range(rows):
            store(b, table[i, width - 1], b.add(right, b.mul(b.add(row, const(i)), const(BYTES))), BYTES)
        b.store(table[rows - 1, -1], diagonal)
        for j in range(width):
            b.store(table[rows - 1, j], above[j])

    count = [read(counts, j) for j in range(width)]
    b.store(splat(b, corner, lanes), diagonal)
    for cell in above:
        b.store(ir.Constant(vector, [float("inf")] * lanes), cell)
    groups = b.udiv(n, const(_TOGETHER))
    with cgutils.for_range(b, groups) as group:
        descend(b.mul(group.index, const(_TOGETHER)), _TOGETHER)
    with cgutils.for_range(b, n, b.mul(groups, const(_TOGETHER))) as row:
        descend(row.index, 1)
    for j, cell in enumerate(above):
        store(b, b.load(cell), at(b, cells, BYTES * j), BYTES)
