"""Sums of selected rows by tables, in explicit AVX-512: the twin of `minidl_kernels.tables`, to the last bit.

Two vectors of columns at a time: the eight tables are 16 KB and stay in the nearest cache, while the sums of up to 400
rows, 128 bytes each, pass through it. The inner part is 8 additions, whose second operand is an entry of a table
straight from memory, in each of the two vectors: 32 bits times 32 float32 columns in 16 loads.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from minidl_kernels.packing import aligned
from minidl_kernels.simd_ir import F32, F64, I1, I32, at, const, load, store, zeros

VECTORS = 2  # of columns at a time
ROWS = 400  # of a at a time
_KINDS = {"float32": F32, "float64": F64, "int32": I32}
_ENTRY = 64 * VECTORS  # bytes of a sum in a table
_TABLE = 16 * _ENTRY


def _vector(like):
    """The vector type for the numbers of an array type, and the addition for them."""
    kind = _KINDS[str(like.dtype)]
    vector = ir.VectorType(kind, 64 // {F32: 4, F64: 8, I32: 4}[kind])
    return vector, "add" if kind is I32 else "fadd"


@intrinsic
def _fill(context, like, table, rows, stride):
    """The 16 sums of four rows, the first at address `rows`, each `stride` bytes after the one before."""

    def codegen(context, b, signature, arguments):
        vector, addition = _vector(signature.args[0])
        _, table, rows, stride = arguments
        for v in range(VECTORS):
            sums = [zeros(vector)]
            for r in range(4):
                address = at(b, rows, b.add(b.mul(stride, const(r)), const(64 * v)))
                row = load(b, address, vector, 4)
                sums += [getattr(b, addition)(sum_, row) for sum_ in sums]
            for s, sum_ in enumerate(sums):
                store(b, sum_, at(b, table, s * _ENTRY + 64 * v), 64)
        return context.get_dummy_value()

    return types.none(like, types.int64, types.int64, types.int64), codegen


@intrinsic
def _add(context, like, table, bits, sums, begin):
    """Add what 32 bits select from the eight tables to two vectors of sums, or begin them with it."""

    def codegen(context, b, signature, arguments):
        vector, addition = _vector(signature.args[0])
        _, table, bits, sums, begin = arguments
        add, begin = getattr(b, addition), b.trunc(begin, I1)
        entries = []
        for g in range(8):
            s = b.and_(b.lshr(bits, const(4 * g)), const(15))
            entries.append(at(b, table, b.add(b.mul(s, const(_ENTRY)), const(g * _TABLE))))
        for v in range(VECTORS):
            t = [load(b, at(b, entry, 64 * v), vector, 64) for entry in entries]
            low, high = add(add(t[0], t[1]), add(t[2], t[3])), add(add(t[4], t[5]), add(t[6], t[7]))
            address = at(b, sums, 64 * v)
            before = b.select(begin, zeros(vector), load(b, address, vector, 64))
            store(b, add(before, add(low, high)), address, 64)
        return context.get_dummy_value()

    return types.none(like, *[types.int64] * 4), codegen


@intrinsic
def _move(context, like, sums, target, subtract):
    """Two vectors of sums to their place, or away from what is there."""

    def codegen(context, b, signature, arguments):
        vector, addition = _vector(signature.args[0])
        _, sums, target, subtract = arguments
        less = b.sub if addition == "add" else b.fsub
        for v in range(VECTORS):
            value, address = load(b, at(b, sums, 64 * v), vector, 64), at(b, target, 64 * v)
            left = less(load(b, address, vector, 4), value)
            store(b, b.select(b.trunc(subtract, I1), left, value), address, 4)
        return context.get_dummy_value()

    return types.none(like, *[types.int64] * 3), codegen


@njit(cache=True, nogil=True)
def sum_rows(a, W, out, subtract=False):
    """out[i] = sum of the rows of W where a_i has a one; with `subtract`, out[i] less that. Else as `tables.sum_rows`."""
    (n, N), size = W.shape, W.itemsize
    columns = _ENTRY // size
    memory, bits = _workspace(W), np.empty(ROWS, np.int64)
    edge = np.zeros((n + -n % 4, columns), W.dtype)
    for j0 in range(0, N, columns):
        width = min(columns, N - j0)
        rows, stride = W.ctypes.data + j0 * size, N * size
        if width < columns or n % 4:  # four rows of whole vectors would read past the end of W
            for k in range(n):
                for j in range(width):
                    edge[k, j] = W[k, j0 + j]
            rows, stride = edge.ctypes.data, _ENTRY
        _sum_columns(a, W, rows, stride, n, out[:, j0 : j0 + width], subtract, memory, bits)


@njit(cache=True, nogil=True)
def sum_panels(a, W, n, N, out):
    """As `sum_rows` for weights (n, N) from `panels`, which lie in memory in the order in which they are read."""
    memory, bits, columns = _workspace(W), np.empty(ROWS, np.int64), W.shape[2]
    for p in range(W.shape[0]):
        j0 = p * columns
        _sum_columns(a, W, W[p].ctypes.data, _ENTRY, n, out[:, j0 : min(j0 + columns, N)], False, memory, bits)


@njit(cache=True, nogil=True)
def _workspace(W):
    """Tables, sums of ROWS rows, and room to begin at a multiple of 64 bytes. Zeros: a short W does not fill all tables."""
    return np.zeros((8 * _TABLE + ROWS * _ENTRY + 64) // W.itemsize, W.dtype)


@njit(cache=True, nogil=True)
def _sum_columns(a, W, rows, stride, n, out, subtract, memory, bits):
    """The sums for two vectors of columns, from n rows `stride` bytes apart, the first at address `rows`. out (M, width)."""
    M, columns = a.shape[0], _ENTRY // W.itemsize
    table = (memory.ctypes.data + 63) // 64 * 64
    first = (table - memory.ctypes.data + 8 * _TABLE) // W.itemsize
    sums = memory[first : first + ROWS * columns].reshape(ROWS, columns)
    for i0 in range(0, M, ROWS):
        count = min(ROWS, M - i0)
        for k0 in range(0, n, 32):
            for k in range(k0, min(k0 + 32, n), 4):
                _fill(W, table + (k - k0) // 4 * _TABLE, rows + k * stride, stride)
            for i in range(count):
                bits[i] = a[i0 + i, k0 // 64] >> np.uint64(k0 % 64)
            for i in range(count):
                _add(W, table, bits[i], sums.ctypes.data + i * _ENTRY, k0 == 0)
        for i in range(count):
            row, target = sums[i], out[i0 + i]
            if target.size == columns:
                _move(W, row.ctypes.data, target.ctypes.data, subtract)
            else:
                for j in range(target.size):
                    target[j] = target[j] - row[j] if subtract else row[j]


def panels(W: np.ndarray) -> np.ndarray:
    """Weights (n, N) for `sum_panels`: (panels, n rounded up to fours, columns), with zeros around them."""
    (n, N), columns = W.shape, _ENTRY // W.itemsize
    out = aligned((-(-N // columns), n + -n % 4, columns), W.dtype)
    _fill_panels(W, out)
    return out


@njit(cache=True, nogil=True)
def _fill_panels(W, out):
    n, N = W.shape
    for p in range(out.shape[0]):
        j0, width = p * out.shape[2], min(out.shape[2], N - p * out.shape[2])
        for k in range(n):
            for j in range(width):
                out[p, k, j] = W[k, j0 + j]
