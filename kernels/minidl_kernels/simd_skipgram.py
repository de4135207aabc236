r"""Skip-gram with vectors of 64 bytes: up to four contexts of a centre pass over its rows of theta at once.

One context after the other, a row of theta is read, changed and written for each of them, and the next dot product waits for
it. Four contexts at once read it once, and their dot products are independent; but word2vec's order lets each see what its
predecessors changed. That is a matter of numbers, not of rows. In a block of contexts with different nodes, let $x_a$, $y_j$
be the rows before the block, $g_{aj}$ the steps and $W_{ab} = \sum_j g_{aj} g_{bj}$. When context a has its turn, $y_j$ has
become $y_j + \sum_{b<a} g_{bj} x_b$ and $x_a$ is still old, so that

$$z_{aj} = x_a \cdot y_j + \sum_{b<a} (x_a \cdot x_b)\, g_{bj}, \qquad g_{aj} = \alpha (l_j - \sigma(z_{aj})), \qquad
  x_a \leftarrow x_a + \sum_j g_{aj} y_j + \sum_{b<a} W_{ab} x_b, \quad y_j \leftarrow y_j + \sum_a g_{aj} x_a$$

with old rows on the right: the very result of group=1, to rounding, for six dot products more in a block of four. A node that
comes again begins a new block. Without the sums over b < a, it is group = 2, 3 or 4.

Negative sampling has other rows for each context, which share only the predicted node: there a block is one context, and a node
drawn twice is one row whose step counts twice.

Rows lie at multiples of 256 bytes, zeros behind their ends, which stay zeros.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from minidl_kernels.packing import aligned
from minidl_kernels.simd_ir import BYTES, F32, F64, I32, I64, at, call, const, load, splat, store
from minidl_kernels.skipgram import walk_end

MOST = 4  # contexts of a block
LOG = -np.log2(np.e)
UNIT = 4 * BYTES  # rows are multiples of this long


def takes(group: int) -> bool:
    """Whether `train_hierarchical` is written for groups of this size."""
    return group <= MOST


# --- numbers in registers ------------------------------------------------------------------------------------------------
class _Vectors:
    """Operations on vectors of float32 or float64 with LLVM's builder b."""

    def __init__(self, b: ir.IRBuilder, dtype: types.Float):
        self.b, single = b, dtype == types.float32
        self.scalar, self.name, self.bytes = (F32, "ps", 4) if single else (F64, "pd", 8)
        self.round, self.lanes = np.float32 if single else np.float64, BYTES // self.bytes
        self.kind, self.mask = ir.VectorType(self.scalar, self.lanes), ir.IntType(self.lanes)
        self.fma_name = f"llvm.fma.v{self.lanes}f{8 * self.bytes}"
        # Meets 2^t at Chebyshev's points; between, with n the degree, it is off by 2 log(2)^(n+1) / ((n+1)! 2^(2n+1)),
        # which is a thirtieth of an ulp
        degree = 6 if single else 11
        self.series = np.polynomial.Polynomial.cast(
            np.polynomial.Chebyshev.interpolate(np.exp2, degree, domain=[0, 1])
        ).coef

    def number(self, value: float) -> ir.Constant:
        return ir.Constant(self.kind, [float(self.round(value))] * self.lanes)

    def load(self, address: ir.Value) -> ir.Value:
        return load(self.b, address, self.kind, BYTES)

    def copies(self, address: ir.Value) -> ir.Value:
        """The number at this address in all lanes."""
        return splat(self.b, load(self.b, address, self.scalar, self.bytes), self.lanes)

    def fma(self, x: ir.Value, y: ir.Value, z: ir.Value) -> ir.Value:
        return call(self.b, self.fma_name, self.kind, x, y, z)

    def shuffle(self, x: ir.Value, y: ir.Value, lanes: list[int]) -> ir.Value:
        return self.b.shuffle_vector(x, y, ir.Constant(ir.VectorType(I32, len(lanes)), lanes))

    def sums(self, vectors: list[ir.Value]) -> ir.Value:
        """The sum over the lanes of each of up to `lanes` vectors, in the lanes of one; their number is a power of two.

        Two vectors of partial sums, in segments, become one with twice as many segments of half the length.
        """
        b, segment = self.b, self.lanes
        while len(vectors) > 1:
            half = segment // 2
            low = [i for i in range(2 * self.lanes) if i % segment < half]
            high = [i + half for i in low]
            pairs = zip(vectors[::2], vectors[1::2], strict=True)
            vectors = [b.fadd(self.shuffle(x, y, low), self.shuffle(x, y, high)) for x, y in pairs]
            segment = half
        (total,) = vectors
        while segment > 1:
            half = segment // 2
            low = [i for i in range(total.type.count) if i % segment < half]
            total = b.fadd(self.shuffle(total, total, low), self.shuffle(total, total, [i + half for i in low]))
            segment = half
        return total

    def sigmoid(self, y: ir.Value) -> ir.Value:
        """sigma(z) = 1 / (1 + 2^y) of y = -z log2(e): 2^(y - floor y) is a polynomial, and one instruction moves it by floor y.

        y is rounded, so 2^y is off by |y| / 2 ulps; times sigma', which falls as fast, that is less than an ulp of 1. Where y
        is infinite, both instructions do what they should: the fraction is 0, and 2^y is 0 or infinite.
        """
        b, every = self.b, ir.Constant(self.mask, -1)
        down, current = ir.Constant(I32, 1), ir.Constant(I32, 4)  # ways to round
        t = call(b, f"llvm.x86.avx512.mask.reduce.{self.name}.512", self.kind, y, down, y, every, current)
        terms = [self.number(c) for c in self.series]
        power = t
        while (
            len(terms) > 1
        ):  # Estrin's scheme: the terms in pairs, then the pairs in pairs, ... for a short way through
            pairs = [self.fma(terms[k + 1], power, terms[k]) for k in range(0, len(terms) - 1, 2)]
            terms = pairs + terms[len(pairs) * 2 :]
            power = b.fmul(power, power)
        e = call(b, f"llvm.x86.avx512.mask.scalef.{self.name}.512", self.kind, terms[0], y, terms[0], every, current)
        return b.fdiv(self.number(1), b.fadd(self.number(1), e))


def _accumulators(b: ir.IRBuilder, v: _Vectors, count: int) -> list[ir.Value]:
    """Registers that a loop adds to, zero at first."""
    slots = [cgutils.alloca_once(b, v.kind) for _ in range(count)]
    for slot in slots:
        b.store(v.number(0), slot)
    return slots


def _up(n: int) -> int:
    return 1 << (n - 1).bit_length()


# --- one block -----------------------------------------------------------------------------------------------------------
def _block(contexts: int, together: int, wide: int, weighted: bool = False):
    """A step for so many contexts, `together` rows at a time in pass 1 and `wide` vectors at a time in pass 3.

    inputs, rows, labels, factors: where the addresses of the contexts and of the rows are, the rows' labels, and, if
    `weighted`, how often each row counts; those of rows fill whole vectors, past the end with a row that may be read. h: how
    many rows; length: the bytes of one; scratch: room for two vectors and the steps; order: 1 for one after the other, 0 for
    all at once.
    """
    A = range(contexts)
    before = [(a, c) for a in A for c in range(a)]

    @intrinsic
    def block(context, inputs, rows, labels, factors, h, length, scratch, rate, order):
        def codegen(context, b, signature, arguments):
            inputs, rows, labels, factors, h, length, scratch, rate, order = arguments
            v = _Vectors(b, signature.args[7])
            X = [load(b, at(b, inputs, 8 * a), I64, 8) for a in A]
            stride = b.mul(
                b.and_(b.add(h, const(v.lanes - 1)), const(-v.lanes)), const(v.bytes)
            )  # of a context's numbers
            G = at(b, scratch, 2 * BYTES)
            G = [at(b, G, b.mul(stride, const(a))) for a in A]  # the steps g of each context
            gram, weights = scratch, at(b, scratch, BYTES)

            # 1: the dot products of contexts with each other, and with rows, as many at a time as a vector has lanes
            if before:
                dots = _accumulators(b, v, len(before))
                with cgutils.for_range_slice(b, const(0), length, const(BYTES)) as (e, _):
                    x = [v.load(at(b, X[a], e)) for a in A]
                    for (a, c), slot in zip(before, dots, strict=True):
                        b.store(v.fma(x[a], x[c], b.load(slot)), slot)
                _keep(v, dots, b.fmul(order, ir.Constant(v.scalar, float(v.round(LOG)))), gram)
            products = _accumulators(b, v, len(before))
            lanes = ir.Constant(ir.VectorType(I64, v.lanes), list(range(v.lanes)))
            first = ir.Constant(lanes.type, [lane - lane % together for lane in range(v.lanes)])
            with cgutils.for_range_slice(b, const(0), h, const(v.lanes)) as (j, _):
                y = _accumulators(b, v, contexts)  # of each context, -log2(e) times its dot products
                end = b.select(b.icmp_signed("<", b.sub(h, j), const(v.lanes)), b.sub(h, j), const(v.lanes))
                with cgutils.for_range_slice(b, const(0), end, const(together)) as (k, _):
                    Y = [
                        load(b, at(b, rows, b.mul(b.add(b.add(j, k), const(r)), const(8))), I64, 8)
                        for r in range(together)
                    ]
                    z = _accumulators(b, v, contexts * together)
                    with cgutils.for_range_slice(b, const(0), length, const(BYTES)) as (e, _):
                        row = [v.load(at(b, address, e)) for address in Y]
                        for a in A:
                            x = v.load(at(b, X[a], e))
                            for r in range(together):
                                slot = z[a * together + r]
                                b.store(v.fma(x, row[r], b.load(slot)), slot)
                    total = v.sums([b.load(slot) for slot in z] + [v.number(0)] * (_up(len(z)) - len(z)))
                    total = b.fmul(total, ir.Constant(total.type, [float(v.round(LOG))] * total.type.count))
                    here = b.icmp_signed("==", first, splat(b, k, v.lanes))
                    for a in A:
                        spread = v.shuffle(total, total, [a * together + lane % together for lane in range(v.lanes)])
                        b.store(b.select(here, spread, b.load(y[a])), y[a])

                # 2: the steps, context by context, the rows side by side
                at_j = b.mul(j, const(v.bytes))
                there = b.icmp_signed("<", lanes, splat(b, end, v.lanes))
                rates = b.select(there, splat(b, rate, v.lanes), v.number(0))
                if weighted:
                    rates = b.fmul(rates, v.load(at(b, factors, at_j)))
                best, g = b.fmul(rates, v.load(at(b, labels, at_j))), []
                for a in A:
                    exponent = b.load(y[a])
                    for k, (_, c) in ((k, pair) for k, pair in enumerate(before) if pair[0] == a):
                        exponent = v.fma(v.copies(at(b, gram, k * v.bytes)), g[c], exponent)
                    g.append(v.fma(v.sigmoid(exponent), b.fneg(rates), best))
                    store(b, g[a], at(b, G[a], at_j), BYTES)
                for (a, c), slot in zip(before, products, strict=True):
                    b.store(v.fma(g[a], g[c], b.load(slot)), slot)
            if before:
                _keep(v, products, order, weights)

            # 3: contexts and rows move
            with cgutils.for_range_slice(b, const(0), length, const(wide * BYTES)) as (e, _):
                e = [at(b, e, w * BYTES) for w in range(wide)]
                x = [[v.load(at(b, X[a], at_e)) for at_e in e] for a in A]
                move = [_accumulators(b, v, wide) for _ in A]
                with cgutils.for_range(b, h) as loop:
                    Y = load(b, at(b, rows, b.mul(loop.index, const(8))), I64, 8)
                    g = [v.copies(at(b, G[a], b.mul(loop.index, const(v.bytes)))) for a in A]
                    for w in range(wide):
                        old = y = v.load(at(b, Y, e[w]))
                        for a in A:
                            b.store(v.fma(g[a], old, b.load(move[a][w])), move[a][w])
                            y = v.fma(g[a], x[a][w], y)
                        store(b, y, at(b, Y, e[w]), BYTES)
                for a in A:
                    for w in range(wide):
                        moved = b.load(move[a][w])
                        for k, (_, c) in ((k, pair) for k, pair in enumerate(before) if pair[0] == a):
                            moved = v.fma(v.copies(at(b, weights, k * v.bytes)), x[c][w], moved)
                        here = at(b, X[a], e[w])
                        store(b, b.fadd(v.load(here), moved), here, BYTES)  # read again: a node may be there twice
            return context.get_dummy_value()

        return types.none(*[types.int64] * 7, rate, order), codegen

    return block


def _keep(v: _Vectors, slots: list[ir.Value], order: ir.Value, address: ir.Value) -> None:
    """The sums over the lanes of these registers, times `order`, side by side at an address."""
    b = v.b
    total = v.sums([b.load(slot) for slot in slots] + [v.number(0)] * (_up(len(slots)) - len(slots)))
    store(b, b.fmul(total, splat(b, order, total.type.count)), address, v.bytes)


_one, _two, _three, _four = _block(1, 4, 4), _block(2, 4, 4), _block(3, 2, 2), _block(4, 2, 2)
_weighted = _block(1, 2, 4, weighted=True)


# --- training ------------------------------------------------------------------------------------------------------------
def train_hierarchical(walks, widths, rates, vectors, theta, offsets, nodes, bits, group):
    """As `skipgram.train_hierarchical`, whose border has checked the arguments, for groups of at most 4."""
    x, y = _rows(vectors, 0), _rows(theta, 1)  # one row of theta more, to be read where a path has ended
    lanes, h = BYTES // x.itemsize, np.diff(offsets)
    starts = np.concatenate([[0], np.cumsum(-(-h // lanes) * lanes)])
    entries = np.repeat(starts[:-1] - offsets[:-1], h) + np.arange(
        len(nodes)
    )  # of the paths, each from a whole vector on
    rows = np.full(starts[-1], y.ctypes.data + len(theta) * y.strides[0])
    rows[entries] = y.ctypes.data + nodes.astype(np.int64) * y.strides[0]
    labels = aligned((starts[-1],), x.dtype)
    labels[entries] = 1 - bits.astype(x.dtype)
    scratch = aligned((2 * lanes + MOST * (h.max() + lanes),), x.dtype)
    size, order = (MOST, x.dtype.type(1)) if group == 1 else (group, x.dtype.type(0))
    _hierarchical(walks, widths, rates, x, h, starts, rows, labels, scratch, size, order)
    return _trained(x, vectors), _trained(y, theta)


def train_negative(walks, widths, rates, vectors, theta, negatives):
    """As `skipgram.train_negative`, whose border has checked the arguments, with group 1."""
    x, y = _rows(vectors, 0), _rows(theta, 0)
    lanes = BYTES // x.itemsize
    m = -(-(negatives.shape[3] + 1) // lanes) * lanes
    labels, factors = aligned((m,), x.dtype), aligned((m,), x.dtype)
    labels[0] = 1
    scratch = aligned((2 * lanes + m,), x.dtype)
    _negative(walks, widths, rates, x, y, negatives, labels, factors, scratch)
    return _trained(x, vectors), _trained(y, theta)


def _rows(matrix: np.ndarray, more: int) -> np.ndarray:
    """A copy with rows of whole units, and some rows more; all that is added is 0."""
    unit = UNIT // matrix.itemsize
    rows = aligned((len(matrix) + more, -(-max(matrix.shape[1], 1) // unit) * unit), matrix.dtype)
    rows[: len(matrix), : matrix.shape[1]] = matrix
    return rows


def _trained(rows: np.ndarray, like: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(rows[: like.shape[0], : like.shape[1]])


@njit(cache=True, nogil=True)
def _step(count, inputs, rows, labels, h, length, scratch, rate, order):
    if count == 4:
        _four(inputs, rows, labels, 0, h, length, scratch, rate, order)
    elif count == 3:
        _three(inputs, rows, labels, 0, h, length, scratch, rate, order)
    elif count == 2:
        _two(inputs, rows, labels, 0, h, length, scratch, rate, order)
    elif count == 1:
        _one(inputs, rows, labels, 0, h, length, scratch, rate, order)


@njit(cache=True, nogil=True)
def _hierarchical(walks, widths, rates, vectors, h, starts, rows, labels, scratch, size, order):
    inputs, length = np.empty(MOST, np.int64), vectors.strides[0]
    first, at_inputs, at_scratch = vectors.ctypes.data, inputs.ctypes.data, scratch.ctypes.data
    for s in range(walks.shape[0]):
        end = walk_end(walks[s])
        for i in range(end):
            path, centre = starts[walks[s, i]], walks[s, i]
            at_rows, at_labels = rows.ctypes.data + 8 * path, labels.ctypes.data + labels.itemsize * path
            count = 0
            for other in range(max(0, i - widths[s, i]), min(end, i + widths[s, i] + 1)):
                if other == i:
                    continue
                here = first + walks[s, other] * length
                full = count == size
                if order:
                    for c in range(count):
                        full |= inputs[c] == here
                if full:
                    _step(count, at_inputs, at_rows, at_labels, h[centre], length, at_scratch, rates[s], order)
                    count = 0
                inputs[count] = here
                count += 1
            _step(count, at_inputs, at_rows, at_labels, h[centre], length, at_scratch, rates[s], order)


@njit(cache=True, nogil=True)
def _negative(walks, widths, rates, vectors, theta, negatives, labels, factors, scratch):
    window, m, length = negatives.shape[2] // 2, negatives.shape[3], vectors.strides[0]
    inputs, rows, one = np.empty(1, np.int64), np.full(labels.size, theta.ctypes.data), vectors.dtype.type(1)
    factors[0] = 1
    for s in range(walks.shape[0]):
        end = walk_end(walks[s])
        for i in range(end):
            rows[0] = theta.ctypes.data + walks[s, i] * length
            for other in range(max(0, i - widths[s, i]), min(end, i + widths[s, i] + 1)):
                if other == i:
                    continue
                drawn = negatives[s, i, other - i + window - (1 if other > i else 0)]
                h = 1
                for k in range(m):
                    row, at_row = theta.ctypes.data + drawn[k] * length, h
                    for j in range(h):
                        if rows[j] == row:
                            at_row = j
                    if at_row == h:
                        rows[h], factors[h] = row, one
                        h += 1
                    elif at_row > 0:  # the predicted node is no example against itself
                        factors[at_row] += one
                inputs[0] = vectors.ctypes.data + walks[s, other] * length
                _weighted(
                    inputs.ctypes.data,
                    rows.ctypes.data,
                    labels.ctypes.data,
                    factors.ctypes.data,
                    h,
                    length,
                    scratch.ctypes.data,
                    rates[s],
                    one,
                )
