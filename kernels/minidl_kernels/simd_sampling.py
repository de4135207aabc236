"""Sampling with vectors of 64 bytes: `minidl_kernels.sampling` in explicit AVX-512, to the last bit.

LLVM keeps to 32 bytes on processors that once slowed down for more, and turns comparisons into bytes before they become
bits. Here 16 float32 (or 8 float64) numbers go through bias, exponential and comparison in registers, and the
comparison's mask *is* the packed state.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from minidl_kernels.noise import noise_row
from minidl_kernels.sampling import _HIGH32, _HIGH64, _LOG2E, _LOW32, _LOW64, _SERIES32, _SERIES64
from minidl_kernels.simd_ir import F32, F64, I32, I64, call, load, splat, store

_U = np.uint64


class _Single:
    """float32: 16 lanes."""

    kind, integer, lanes, name = F32, I32, 16, "f32"
    least, most, high, low, series, exponent, fraction = -87.0, 89.0, _HIGH32, _LOW32, _SERIES32, 127, 23


class _Double:
    """float64: 8 lanes."""

    kind, integer, lanes, name = F64, I64, 8, "f64"
    least, most, high, low, series, exponent, fraction = -708.0, 710.0, _HIGH64, _LOW64, _SERIES64, 1023, 52


def _exponential(b, x, kind):
    """e^x, as in `sampling`: 2^n times the series of e^r."""
    vector, bits = ir.VectorType(kind.kind, kind.lanes), ir.VectorType(kind.integer, kind.lanes)
    suffix = f"v{kind.lanes}{kind.name}"

    def number(value):
        return ir.Constant(vector, [float(value)] * kind.lanes)

    def fma(x, y, z):
        return call(b, f"llvm.fma.{suffix}", vector, x, y, z)

    x = b.select(b.fcmp_ordered(">", x, number(kind.least)), x, number(kind.least))
    x = b.select(b.fcmp_ordered("<", x, number(kind.most)), x, number(kind.most))
    log2e = np.float32(_LOG2E) if kind is _Single else _LOG2E
    n = call(b, f"llvm.floor.{suffix}", vector, fma(x, number(log2e), number(0.5)))
    r = fma(b.fneg(n), number(kind.low), fma(b.fneg(n), number(kind.high), x))
    series = number(kind.series[0])
    for coefficient in kind.series[1:]:
        series = fma(series, r, number(coefficient))
    whole = b.fptosi(n, bits)
    half = b.ashr(whole, ir.Constant(bits, [1] * kind.lanes))
    for part in (half, b.sub(whole, half)):
        power = b.add(part, ir.Constant(bits, [kind.exponent] * kind.lanes))
        series = b.fmul(series, b.bitcast(b.shl(power, ir.Constant(bits, [kind.fraction] * kind.lanes)), vector))
    return series


@intrinsic
def _block(context, bias, inputs, input_at, scale, bias_at, noise_at, out_at):
    """The states of as many units as a vector has lanes, as bits; `bias` and `inputs` are arrays that give their types."""
    kind = {types.float32: _Single, types.float64: _Double}[bias.dtype]
    whole = inputs.dtype == types.int32

    def codegen(context, b, signature, arguments):
        _, _, input_at, scale, bias_at, noise_at, out_at = arguments
        vector = ir.VectorType(kind.kind, kind.lanes)
        x = load(b, input_at, ir.VectorType(I32, kind.lanes) if whole else vector, 4)
        x = b.sitofp(x, vector) if whole else x
        z = call(
            b, f"llvm.fma.v{kind.lanes}{kind.name}", vector, x, splat(b, scale, kind.lanes), load(b, bias_at, vector, 4)
        )
        one = ir.Constant(vector, [1.0] * kind.lanes)
        left = b.fmul(load(b, noise_at, vector, 4), b.fadd(one, _exponential(b, b.fneg(z), kind)))
        store(b, b.bitcast(b.fcmp_ordered("<", left, one), ir.IntType(kind.lanes)), out_at, 1)
        return context.get_dummy_value()

    return types.none(bias, inputs, types.int64, bias.dtype, *[types.int64] * 3), codegen


@njit(cache=True, nogil=True)
def sample(inputs, scale, bias, u, seed, step, stream, first, words):
    """As `sampling.sample`; inputs float32 or int32 with float32 biases, float64 with float64."""
    n, length, lanes = bias.size, 64 * words.shape[1], 64 // bias.itemsize
    noise, offsets = np.empty(length + 4, bias.dtype), np.zeros(length, bias.dtype)
    for j in range(n):
        offsets[j] = bias[j]
    for i in range(words.shape[0]):
        if u is None:
            noise_row(noise, n, seed, first + _U(i), step, stream)
        else:
            for j in range(n):
                noise[j] = u[i, j]
        for j in range(n, length):
            noise[j] = 1  # no unit that is not there is on
        row, target = inputs[i].ctypes.data, words[i].ctypes.data
        for j in range(0, length, lanes):
            at_j = j * bias.itemsize
            _block(
                bias,
                inputs,
                row + j * inputs.itemsize,
                bias.dtype.type(scale),
                offsets.ctypes.data + at_j,
                noise.ctypes.data + at_j,
                target + j // 8,
            )
