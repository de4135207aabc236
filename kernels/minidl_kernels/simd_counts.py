"""Binary products with a carry-save adder of 512-bit vectors: `minidl_kernels.counts` in explicit AVX-512.

A *tile* is 4 rows of a times 16 rows of b, that is 8 vectors of 8 products. Per step of two words it needs, in each
vector, three instructions (vpternlog, any function of three bits), two of which do the exclusive or with b for nothing:

    t = one ^ a0 ^ b0          s = t ^ a1 ^ b1          carry = t ? ~s : one

since x1 = a1 ^ b1 = t ^ s, and a full adder's carry is x1 where one and x0 = a0 ^ b0 differ (t is one) and `one`
elsewhere. The carry weighs 2. What becomes of it depends on the processor:

* With a vector instruction that counts ones (VPOPCNTDQ) it is counted: 3 + 2 = 5 instructions for two words. More
  levels of adders would not help: a level costs two instructions for two carries, as much as the count and the addition
  that it saves.
* Without, a count takes eight instructions, so three more levels of adders leave one count for 16 words.

With two such instructions a cycle, 8 words of 64 products each take 1.25 cycles: 410 multiply-adds a cycle, where the
fused multiply-add of float32 does 32.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from minidl_kernels import cpu
from minidl_kernels.simd_ir import I1, I32, I64, WORDS, at, const, load, logic, ones, splat, store, truth_table, zeros

ROWS, WIDTH = 4, 16  # of a tile; WIDTH is also that of a panel
_VECTORS = WIDTH // 8
_XOR = truth_table(lambda x, y, z: x ^ y ^ z)
_MAJORITY = truth_table(lambda x, y, z: int(x + y + z > 1))
_CARRY = truth_table(lambda t, s, one: 1 - s if t else one)
_INTS, _FLOATS = ir.VectorType(I32, 8), ir.VectorType(ir.FloatType(), 8)


class Adder:
    """Counts the ones of (a ^ y) in eight columns; sums[l] holds ones of weight 2^l that wait for company."""

    def __init__(self, b, levels):
        self.b, self.levels = b, levels
        self.cells = [cgutils.alloca_once_value(b, zeros(WORDS)) for _ in range(levels + 1)]  # the last one: the total

    def begin(self):
        """Take the state out of memory, where it crosses the edge of a loop (LLVM keeps it in registers)."""
        self.sums = [self.b.load(cell) for cell in self.cells]
        self.waiting = [None] * self.levels

    def end(self):
        for value, cell in zip(self.sums, self.cells, strict=True):
            self.b.store(value, cell)

    def two(self, x0, y0, x1, y1):
        """Add the differences of two pairs of words."""
        one = self.sums[0]
        t = logic(self.b, _XOR, one, x0, y0)
        self.sums[0] = logic(self.b, _XOR, t, x1, y1)
        self.carry(logic(self.b, _CARRY, t, self.sums[0], one), 1)

    def carry(self, x, level):
        """Add ones of weight 2^level: in pairs, as in a binary counter."""
        if level == self.levels:
            self.sums[level] = self.b.add(self.sums[level], ones(self.b, x))
        elif self.waiting[level] is None:
            self.waiting[level] = x
        else:
            sum_, y, self.waiting[level] = self.sums[level], self.waiting[level], None
            self.sums[level] = logic(self.b, _XOR, sum_, x, y)
            self.carry(logic(self.b, _MAJORITY, sum_, x, y), level + 1)

    def single(self, x, y):
        """Add the differences of one pair, past the last whole block, to a total that is complete."""
        self.sums[-1] = self.b.add(self.sums[-1], ones(self.b, self.b.xor(x, y)))

    def complete(self):
        """Make the total that of all weights."""
        *waiting, total = self.sums
        for level in range(self.levels - 1, -1, -1):
            total = self.b.add(self.b.shl(total, ir.Constant(WORDS, [1] * 8)), ones(self.b, waiting[level]))
        self.sums[-1] = total


def _tile(rows):
    """The intrinsic for a tile of so many rows: (start + weight (ones_i + ones_j) - 2 X_ij) >> shift, as int32 or float32."""

    @intrinsic
    def tile(context, a, length, panel, ones_a, ones_b, start, weight, shift, as_float, out, stride):
        """length: words of a row; ones_a, ones_b: addresses of int32; stride: of out, in entries."""

        def codegen(context, b, signature, arguments):
            a, length, panel, ones_a, ones_b, start, weight, shift, as_float, out, stride = arguments
            levels = 1 if cpu.has(*cpu.COUNTING) else 4
            adders = [[Adder(b, levels) for _ in range(_VECTORS)] for _ in range(rows)]
            row_address = [at(b, a, b.mul(length, const(8 * r))) for r in range(rows)]

            def words_of_a(r, k):
                return splat(b, load(b, at(b, row_address[r], b.mul(k, const(8))), I64, 8), 8)

            def word_of_b(k, v):
                return load(b, at(b, panel, b.add(b.mul(k, const(8 * WIDTH)), const(64 * v))), WORDS, 64)

            def count(vectors):
                every = [adders[r][v] for r in range(rows) for v in vectors]
                block = 1 << levels
                whole = b.and_(length, const(-block))
                with cgutils.for_range_slice(b, const(0), whole, const(block)) as (k, _):
                    for adder in every:
                        adder.begin()
                    for u in range(0, block, 2):
                        k0, k1 = b.add(k, const(u)), b.add(k, const(u + 1))
                        y = {v: (word_of_b(k0, v), word_of_b(k1, v)) for v in vectors}
                        for r in range(rows):
                            x0, x1 = words_of_a(r, k0), words_of_a(r, k1)
                            for v in vectors:
                                adders[r][v].two(x0, y[v][0], x1, y[v][1])
                    for adder in every:
                        adder.end()
                for adder in every:
                    adder.begin()
                    adder.complete()
                    adder.end()
                with cgutils.for_range_slice(b, whole, length, const(1)) as (k, _):
                    y = {v: word_of_b(k, v) for v in vectors}
                    for r in range(rows):
                        x = words_of_a(r, k)
                        for v in vectors:
                            adders[r][v].begin()
                            adders[r][v].single(x, y[v])
                            adders[r][v].end()

            # five vectors of state to an adder: 32 registers hold those of one vector of columns only
            for vectors in [range(_VECTORS)] if levels == 1 else [[v] for v in range(_VECTORS)]:
                count(vectors)
            start, weight, shift = (splat(b, b.trunc(number, I32), 8) for number in (start, weight, shift))
            for r in range(rows):
                ones_r = splat(b, load(b, at(b, ones_a, 4 * r), I32, 4), 8)
                for v in range(_VECTORS):
                    twice = b.shl(b.trunc(b.load(adders[r][v].cells[-1]), _INTS), ir.Constant(_INTS, [1] * 8))
                    both = b.add(ones_r, load(b, at(b, ones_b, 32 * v), _INTS, 4))
                    value = b.ashr(b.sub(b.add(start, b.mul(weight, both)), twice), shift)
                    value = b.select(b.trunc(as_float, I1), b.bitcast(b.sitofp(value, _FLOATS), _INTS), value)
                    store(b, value, at(b, out, b.add(b.mul(stride, const(4 * r)), const(32 * v))), 4)
            return context.get_dummy_value()

        return types.none(*[types.int64] * 11), codegen

    return tile


_four_rows, _one_row = _tile(ROWS), _tile(1)


@njit(cache=True, nogil=True)
def products(a, words, ones_a, ones_b, start, weight, shift, as_float, out):
    """out[i, j] = (start + weight (ones_a[i] + ones_b[j]) - 2 |a_i ^ b_j|) >> shift, for at least four rows of a.

    a (M, length) uint64, panels `words` (P, length, 16), ones_a (M,), ones_b (16 P,) and out (M, N) int32; with
    as_float, out holds the bits of float32.
    """
    M, length = a.shape
    N = out.shape[1]
    edge = np.empty((ROWS, WIDTH), np.int32)
    for p in range(words.shape[0]):
        left = min(WIDTH, N - WIDTH * p)
        for first in range(0, M, ROWS):
            i = min(first, M - ROWS)  # the last rows may come twice
            target, stride = out.ctypes.data + 4 * (i * N + WIDTH * p), N
            if left < WIDTH:
                target, stride = edge.ctypes.data, WIDTH
            _four_rows(
                a.ctypes.data + 8 * i * length,
                length,
                words.ctypes.data + 8 * p * length * WIDTH,
                ones_a.ctypes.data + 4 * i,
                ones_b.ctypes.data + 4 * WIDTH * p,
                start,
                weight,
                shift,
                as_float,
                target,
                stride,
            )
            if left < WIDTH:
                out[i : i + ROWS, WIDTH * p :] = edge[:, :left]


@njit(cache=True, nogil=True)
def few_products(a, words, ones_a, ones_b, start, weight, shift, as_float, out):
    """`products` for any number of rows of a, one at a time."""
    length, N = a.shape[1], out.shape[1]
    edge = np.empty(WIDTH, np.int32)
    for i in range(a.shape[0]):
        for p in range(words.shape[0]):
            left = min(WIDTH, N - WIDTH * p)
            target = edge.ctypes.data if left < WIDTH else out.ctypes.data + 4 * (i * N + WIDTH * p)
            _one_row(
                a.ctypes.data + 8 * i * length,
                length,
                words.ctypes.data + 8 * p * length * WIDTH,
                ones_a.ctypes.data + 4 * i,
                ones_b.ctypes.data + 4 * WIDTH * p,
                start,
                weight,
                shift,
                as_float,
                target,
                N,
            )
            if left < WIDTH:
                out[i, WIDTH * p :] = edge[:left]
