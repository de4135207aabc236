"""Weighted sums of runs in vectors of 64 bytes: the twin of the plain loops in `runs`.

Across, a load and a multiplication per vector and weight are all there is to do, and the sum must not leave its registers: four
vectors are summed side by side, so that no addition waits for the one before. Down, a vector that was loaded serves four rows:
four vectors of each are sixteen sums, and eight loads feed sixteen multiplications.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from minidl_kernels.simd_ir import BYTES, F32, F64, at, call, load, splat, store, zeros

ACROSS, DOWN, ROWS = 4, 4, 4  # vectors side by side in either pass; rows at a time going down


def weighted(source, offset, weights, out, start, n):
    """As `runs.weighted`, for float32 and float64."""
    size = out.itemsize
    read, write = source.ctypes.data + offset * size, out.ctypes.data + start * size
    vectors = (n * size + 63) // 64
    whole = vectors // 4 * 4
    for v in range(0, whole, 4):
        _four(weights, read + v * 64, write + v * 64, size, 0)
    for v in range(whole, vectors):
        _one(weights, read + v * 64, write + v * 64, size, 0)


def weighted_rows(source, offset, stride, weights, out, n):
    """As `runs.weighted_rows`, for float32 and float64."""
    size = out.itemsize
    read, write = source.ctypes.data + offset * size, out.ctypes.data
    vectors = (n * size + 63) // 64
    whole = vectors // 4 * 4
    for v in range(0, whole, 4):
        _sixteen(weights, read + v * 64, write + v * 64, stride * size, stride * size)
    for v in range(whole, vectors):
        _column(weights, read + v * 64, write + v * 64, stride * size, stride * size)


def _block(vectors: int, rows: int):
    """An intrinsic (weights, read, write, step, between): vectors at `write`, in rows that far apart, become weighted sums.

    weights: (T, rows) or, of a single row, (T,); the t-th weights what lies t steps behind `read`.
    """

    @intrinsic
    def block(typingctx, weights, read, write, step, between):
        scalar, size = (F32, 4) if weights.dtype == types.float32 else (F64, 8)
        vector = ir.VectorType(scalar, BYTES // size)

        def generate(context, b, signature, arguments):
            table = cgutils.create_struct_proxy(signature.args[0])(context, b, value=arguments[0])
            taps = cgutils.unpack_tuple(b, table.shape)[0]
            _, source, target, stride, apart = arguments
            sums = [[cgutils.alloca_once_value(b, zeros(vector)) for _ in range(vectors)] for _ in range(rows)]
            with cgutils.for_range(b, taps) as loop:
                here = b.add(source, b.mul(loop.index, stride))
                values = [load(b, at(b, here, BYTES * k), vector, size) for k in range(vectors)]
                first = b.gep(table.data, [b.mul(loop.index, ir.Constant(loop.index.type, rows))])
                for i in range(rows):
                    weight = splat(b, b.load(b.gep(first, [ir.Constant(loop.index.type, i)])), vector.count)
                    for total, value in zip(sums[i], values, strict=True):
                        name = f"llvm.fma.v{vector.count}f{8 * size}"
                        b.store(call(b, name, vector, weight, value, b.load(total)), total)
            for i in range(rows):
                there = b.add(target, b.mul(apart, ir.Constant(apart.type, i)))
                for k, total in enumerate(sums[i]):
                    store(b, b.load(total), at(b, there, BYTES * k), size)
            return context.get_dummy_value()

        return types.none(weights, *[types.int64] * 4), generate

    return block


_four, _one, _sixteen, _column = _block(ACROSS, 1), _block(1, 1), _block(DOWN, ROWS), _block(1, ROWS)
