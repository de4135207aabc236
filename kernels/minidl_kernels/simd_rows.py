"""Sums of rows in vectors of 64 bytes: the twin of the plain loop in `rows`.

Up to eight vectors of the sum stay in registers while all rows pass; a row is then one load and one multiplication per vector.
A short sum would wait for its own last addition, so it is made of two or four partial sums, which take turns.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from minidl_kernels.simd_ir import BYTES, F32, F64, at, call, const, load, splat, store, zeros

TILE = 8  # vectors


def sum_rows(c, rows, out):
    """As `rows.sum_rows`, for float32 and float64."""
    vectors = out.size * out.itemsize // 64
    for tile in range(vectors // 8):
        _sum8(c, rows, out, 8 * tile)
    left, done = vectors % 8, vectors // 8 * 8
    if left == 7:
        _sum7(c, rows, out, done)
    elif left == 6:
        _sum6(c, rows, out, done)
    elif left == 5:
        _sum5(c, rows, out, done)
    elif left == 4:
        _sum4(c, rows, out, done)
    elif left == 3:
        _sum3(c, rows, out, done)
    elif left == 2:
        _sum2(c, rows, out, done)
    elif left == 1:
        _sum1(c, rows, out, done)


def _summing(vectors: int):
    """An intrinsic (c, rows, out, done): so many vectors of out, from vector `done` on, become their sum of c[i] rows[i]."""
    turns = 1 if vectors > 4 else 2 if vectors > 2 else 4

    @intrinsic
    def sums_of_rows(typingctx, c, rows, out, done):
        scalar, size = (F32, 4) if out.dtype == types.float32 else (F64, 8)
        vector = ir.VectorType(scalar, BYTES // size)
        fma = f"llvm.fma.v{vector.count}f{8 * size}"

        def generate(context, b, signature, arguments):
            factors, source, target = (
                cgutils.create_struct_proxy(kind)(context, b, value=value)
                for kind, value in zip(signature.args[:3], arguments[:3], strict=True)
            )
            n, stride = cgutils.unpack_tuple(b, factors.shape)[0], cgutils.unpack_tuple(b, source.strides)[0]
            skipped = b.mul(arguments[3], const(BYTES))
            read, write = (b.add(b.ptrtoint(array.data, skipped.type), skipped) for array in (source, target))
            sums = [[cgutils.alloca_once_value(b, zeros(vector)) for _ in range(vectors)] for _ in range(turns)]

            def add(i, totals):
                factor, row = splat(b, b.load(b.gep(factors.data, [i])), vector.count), b.add(read, b.mul(stride, i))
                for k, total in enumerate(totals):
                    term = load(b, at(b, row, BYTES * k), vector, BYTES)
                    b.store(call(b, fma, vector, factor, term, b.load(total)), total)

            whole = b.and_(n, const(-turns))
            with cgutils.for_range(b, b.sdiv(whole, const(turns))) as loop:
                for turn, totals in enumerate(sums):
                    add(at(b, b.mul(loop.index, const(turns)), turn), totals)
            with cgutils.for_range(b, b.sub(n, whole)) as loop:
                add(b.add(whole, loop.index), sums[0])
            for k in range(vectors):
                parts = [b.load(totals[k]) for totals in sums]
                while len(parts) > 1:
                    parts = [b.fadd(x, y) for x, y in zip(parts[::2], parts[1::2], strict=True)]
                store(b, parts[0], at(b, write, BYTES * k), BYTES)
            return context.get_dummy_value()

        return types.none(c, rows, out, types.int64), generate

    return sums_of_rows


_sum1, _sum2, _sum3, _sum4, _sum5, _sum6, _sum7, _sum8 = map(_summing, range(1, TILE + 1))
