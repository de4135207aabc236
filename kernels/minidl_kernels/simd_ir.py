"""Words of LLVM's language for vectors of 64 bytes, from which the SIMD twins are written.

Numba compiles loops and leaves the choice of vector instructions to LLVM. Where LLVM would choose worse than we know, a
kernel's innermost part is emitted here, through `numba.extending.intrinsic`, and the loops around it stay plain Numba.
`b` is llvmlite's IRBuilder. Whoever uses this checks `cpu.has` first: LLVM cannot emit an instruction that it was told
is not there.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir
from numba.core import cgutils

I1, I32, I64, F32, F64 = ir.IntType(1), ir.IntType(32), ir.IntType(64), ir.FloatType(), ir.DoubleType()
BYTES = 64  # of a vector
WORDS = ir.VectorType(I64, 8)


def const(n: int) -> ir.Constant:
    return ir.Constant(I64, n)


def zeros(vector: ir.VectorType) -> ir.Constant:
    return ir.Constant(vector, [0] * vector.count)


def at(b: ir.IRBuilder, address: ir.Value, offset: ir.Value | int) -> ir.Value:
    """An address `offset` bytes further, both as 64-bit integers."""
    return b.add(address, const(offset) if isinstance(offset, int) else offset)


def load(b: ir.IRBuilder, address: ir.Value, kind: ir.Type, align: int) -> ir.Value:
    return b.load(b.inttoptr(address, kind.as_pointer()), align=align)


def store(b: ir.IRBuilder, value: ir.Value, address: ir.Value, align: int) -> None:
    b.store(value, b.inttoptr(address, value.type.as_pointer()), align=align)


def splat(b: ir.IRBuilder, value: ir.Value, count: int) -> ir.Value:
    """A vector of `count` copies."""
    vector = ir.VectorType(value.type, count)
    first = b.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(I32, 0))
    return b.shuffle_vector(first, ir.Constant(vector, ir.Undefined), zeros(ir.VectorType(I32, count)))


def call(b: ir.IRBuilder, name: str, result: ir.Type, *arguments: ir.Value) -> ir.Value:
    """Call a function of LLVM, such as one that stands for an instruction."""
    kind = ir.FunctionType(result, [a.type for a in arguments])
    return b.call(cgutils.get_or_insert_function(b.module, kind, name), arguments)


def truth_table(f: Callable[[int, int, int], int]) -> int:
    """The eight answers of a function of three bits, as vpternlog takes them: bit 4 x + 2 y + z is f(x, y, z)."""
    return sum(f(i >> 2 & 1, i >> 1 & 1, i & 1) << i for i in range(8))


def logic(b: ir.IRBuilder, table: int, x: ir.Value, y: ir.Value, z: ir.Value) -> ir.Value:
    """Any function of three bits in each of 512 places, one instruction.

    Spelled out, because LLVM takes and, or, xor that share a part apart again and needs four instructions for a full
    adder.
    """
    return call(b, "llvm.x86.avx512.pternlog.q.512", WORDS, x, y, z, ir.Constant(I32, table))


def ones(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """The ones in each of eight words: one instruction with AVX512-VPOPCNTDQ, eight (a lookup of nibbles) without."""
    return call(b, "llvm.ctpop.v8i64", WORDS, x)
