"""Packed bits: borders of the reference and its twins, the kernels behind them, and which of them the processor gets.

The laws of the products run in test_laws.py on all three.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from minidl_kernels import bits as plain
from minidl_kernels import counts, cpu, packing, simd_bits, tables

from minidl import bits as reference

MODULES = [reference, plain, simd_bits]
every_module = pytest.mark.parametrize("bits", MODULES, ids=lambda module: module.__name__)


def states(seed, *shape):
    return np.random.default_rng(seed).integers(0, 2, shape)


def words(seed, rows, n):
    return reference.pack(states(seed, rows, n))


# --- the border --------------------------------------------------------------------------------------------------------
TOO_LONG = np.zeros((1, (1 << 18) + 1), np.uint64)
REFUSED = {
    "pack, another value": (lambda b: b.pack([[0, 1, 2]]), ValueError, "zeros and ones, got 2"),
    "pack, a negative byte": (lambda b: b.pack(np.array([[-1, 0]], np.int8)), ValueError, "zeros and ones, got -1"),
    "pack, a fraction": (lambda b: b.pack([[0.5]]), ValueError, "zeros and ones, got 0.5"),
    "pack, NaN": (lambda b: b.pack([np.nan]), ValueError, "zeros and ones, got nan"),
    "pack, past the first word": (lambda b: b.pack([0.0] * 70 + [3.0]), ValueError, "zeros and ones, got 3"),
    "pack, text": (lambda b: b.pack(["1"]), TypeError, "states must be real numbers, got <U1"),
    "pack, a number": (lambda b: b.pack(1), ValueError, r"at least one entry in a row, got shape \(\)"),
    "pack, nothing": (lambda b: b.pack(np.zeros((3, 0))), ValueError, r"got shape \(3, 0\)"),
    "pack_signs, NaN": (lambda b: b.pack_signs([[1.0, np.nan]]), ValueError, "NaN: did training diverge"),
    "pack_signs, NaN further on": (lambda b: b.pack_signs([1.0] * 100 + [np.nan]), ValueError, "NaN"),
    "pack_signs, complex": (lambda b: b.pack_signs([1j]), TypeError, "got complex128"),
    "unpack, bytes": (lambda b: b.unpack(np.zeros((1, 1), np.uint8), 3), TypeError, "got uint8: use pack"),
    "unpack, too few words": (lambda b: b.unpack(words(0, 2, 64), 65), ValueError, r"\(..., 2\), got \(2, 1\)"),
    "unpack, more ones": (lambda b: b.unpack(np.array([[8]], np.uint64), 3), ValueError, "past the first 3 states"),
    "unpack, no states": (lambda b: b.unpack(words(0, 2, 64), 0), ValueError, "at least 1, got 0"),
    "unpack, half a state": (lambda b: b.unpack(words(0, 2, 64), 1.5), ValueError, "an integer of at least 1, got 1.5"),
    "unpack, a truth value": (lambda b: b.unpack(words(0, 2, 64), True), ValueError, "got True"),
    "unpack_signs, more ones": (lambda b: b.unpack_signs(np.array([8], np.uint64), 3), ValueError, "past the first 3"),
    "count_ones, integers": (lambda b: b.count_ones(np.array([[1]])), TypeError, "uint64 words, got int64"),
    "count_ones, nothing": (lambda b: b.count_ones(np.zeros((2, 0), np.uint64)), ValueError, r"got \(2, 0\)"),
    "transpose, a row": (lambda b: b.transpose(words(0, 1, 64)[0], 64), ValueError, "at least one row"),
    "transpose, no row": (lambda b: b.transpose(words(0, 1, 64)[:0], 64), ValueError, "at least one row"),
    "panels, a row": (lambda b: b.panels(words(0, 1, 64)[0]), ValueError, r"b must be \(N, words\)"),
    "and_product, other lengths": (
        lambda b: b.and_product(words(0, 2, 64), words(1, 3, 65)),
        ValueError,
        "rows of a have 1 words, rows of b 2",
    ),
    "and_product, a stack": (
        lambda b: b.and_product(words(0, 2, 64)[None], words(1, 3, 64)),
        ValueError,
        r"got shape \(1, 2, 1\)",
    ),
    "and_product, no rows": (lambda b: b.and_product(words(0, 2, 64), words(1, 3, 64)[:0]), ValueError, "at least one"),
    "and_product, float64": (
        lambda b: b.and_product(words(0, 2, 64), words(1, 3, 64), np.float64),
        TypeError,
        "int32 or float32, got float64",
    ),
    "and_product, more than float32 counts": (
        lambda b: b.and_product(TOO_LONG, TOO_LONG, np.float32),
        ValueError,
        "float32 holds every count up to 16777216",
    ),
    "xnor_product, more ones": (
        lambda b: b.xnor_product(words(0, 2, 60), words(1, 3, 64) | np.uint64(1 << 63), 60),
        ValueError,
        "b has ones past the first 60",
    ),
    "xnor_product, more ones in panels": (
        lambda b: b.xnor_product(words(0, 2, 60), b.panels(words(1, 3, 64) | np.uint64(1 << 63)), 60),
        ValueError,
        "b has ones past the first 60",
    ),
    "xnor_product, fewer states": (
        lambda b: b.xnor_product(words(0, 2, 64), words(1, 3, 64), 65),
        ValueError,
        r"a must have shape \(..., 2\)",
    ),
    "float_product, integers": (
        lambda b: b.float_product(words(0, 2, 4), np.ones((4, 2), int)),
        TypeError,
        "float32 or float64, got int64",
    ),
    "float_product, a vector": (
        lambda b: b.float_product(words(0, 2, 4), np.ones(4)),
        ValueError,
        r"W must be \(n, N\)",
    ),
    "float_product, NaN": (
        lambda b: b.float_product(words(0, 2, 4), np.full((4, 2), np.nan)),
        ValueError,
        "W must be finite",
    ),
    "float_product, other lengths": (
        lambda b: b.float_product(words(0, 2, 65), np.ones((64, 2))),
        ValueError,
        r"a must have shape \(..., 1\), got \(2, 2\)",
    ),
    "float_product, more ones": (
        lambda b: b.float_product(np.array([[16]], np.uint64), np.ones((4, 2))),
        ValueError,
        "a has ones past the first 4",
    ),
}


@every_module
@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused_with_what_came(bits, case):
    call, kind, message = REFUSED[case]
    with pytest.raises(kind, match=message):
        call(bits)


@every_module
def test_no_rows_on_the_left_give_no_rows(bits):
    a, b = words(0, 1, 70)[:0], words(1, 5, 70)
    assert bits.and_product(a, b).shape == (0, 5)
    assert bits.xnor_product(a, b, 70).shape == (0, 5)
    assert bits.float_product(a, np.ones((70, 3))).shape == (0, 3)
    assert bits.pack(np.zeros((2, 0, 70))).shape == bits.pack_signs(np.zeros((2, 0, 70))).shape == (2, 0, 2)
    assert bits.unpack(a, 70).shape == bits.unpack_signs(a, 70).shape == (0, 70)
    assert bits.count_ones(a).shape == (0,)


@pytest.mark.skipif(not simd_bits.available(), reason="this processor has no AVX-512")
def test_panels_of_the_other_twin_are_refused():
    with pytest.raises(ValueError, match="panels of 64 rows were made elsewhere"):
        simd_bits.and_product(words(0, 2, 64), plain.panels(words(1, 3, 64)))


# --- the kernels ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("n", [1, 64, 7 * 64, 8 * 64, 17 * 64 - 3])
@pytest.mark.parametrize("N", [1, 63, 64, 130])
def test_the_three_plain_counts_are_one(n, N):
    a, b = words(n, 5, n), words(N, N, n)
    expected = np.bitwise_count(a[:, None] ^ b).sum(axis=2, dtype=np.int32)
    assert np.array_equal(counts.count_rows(a, b), expected)
    for width in (8, 64):
        ready = plain.panels(b, width)
        assert np.array_equal(counts.count_blocks(a, ready.words, N), expected)
        assert np.array_equal(counts.count_carry_save(a, ready.words, N), expected)


def test_a_full_adder_adds_three_bits():
    for i in range(8):
        bits = [np.uint64((i >> k) & 1) for k in range(3)]
        total, carry = counts.add_three.py_func(*bits)
        assert int(total & np.uint64(1)) + 2 * int(carry & np.uint64(1)) == sum(map(int, bits))


@pytest.mark.parametrize("value", [0, 1, 1 << 63, (1 << 64) - 1, 0x0123456789ABCDEF, 0x8000000180000001])
def test_ones_counts_a_word(value):
    count = packing._count_ones(np.array([[value]], np.uint64))
    assert count[0] == value.bit_count()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
@pytest.mark.parametrize(("M", "n", "N"), [(1, 1, 1), (3, 30, 31), (5, 64, 300), (131, 99, 33), (450, 33, 70)])
def test_table_sums_of_both_twins_are_equal_to_the_last_bit(M, n, N, dtype):
    a = words(M, M, n)
    W = np.ascontiguousarray((np.random.default_rng(n).normal(size=(n, N)) * 1000).astype(dtype))
    sums = []
    for module in (tables, simd_bits):
        out = np.full((M, N + 3), 7, dtype)  # room to the right must stay what it is
        module.sum_rows(a, W, out)
        assert (out[:, N:] == 7).all()
        sums.append(out[:, :N])
    assert np.array_equal(*sums)
    if dtype == np.int32:
        assert np.array_equal(sums[0], reference.unpack(a, n, np.int64) @ W)
    base = np.random.default_rng(1).normal(size=(M, N)).astype(dtype)
    less = base.copy()
    simd_bits.subtract_rows(a, W, less)
    assert np.array_equal(less, base - sums[0])


@pytest.mark.skipif(not simd_bits.available(), reason="this processor has no AVX-512")
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
def test_ordered_weights_give_the_same_sums(dtype):
    from minidl_kernels import simd_tables

    a, W = words(3, 150, 99), (np.random.default_rng(3).normal(size=(99, 75)) * 100).astype(dtype)
    plainly, ordered = np.zeros((150, 75), dtype), np.zeros((150, 75), dtype)
    simd_tables.sum_rows(a, W, plainly)
    simd_tables.sum_panels(a, simd_tables.panels(W), 99, 75, ordered)
    assert np.array_equal(plainly, ordered)


@pytest.mark.parametrize("seed", range(3))
def test_large_products_are_exact(seed):
    n = 4096 + 17 * seed
    a, b = words(seed, 67, n), words(seed + 9, 81, n)
    expected = reference.xnor_product(a, b, n)
    for bits in (plain, simd_bits):
        for right in (b, bits.panels(b)):
            assert np.array_equal(bits.xnor_product(a, right, n), expected)
            assert np.array_equal(bits.xnor_product(a[0], right, n, np.float32), expected[0])
            assert np.array_equal(bits.and_product(a, right), reference.and_product(a, b))


# --- what the processor gets ---------------------------------------------------------------------------------------------
def test_without_avx512_the_plain_twin_runs(monkeypatch):
    a, b, W = words(0, 9, 130), words(1, 7, 130), np.random.default_rng(0).normal(size=(130, 5))
    expected = [reference.xnor_product(a, b, 130), reference.and_product(a, b), plain.float_product(a, W)]
    called = []
    for name in ("xnor_product", "and_product", "float_product"):
        function = getattr(plain, name)
        monkeypatch.setattr(plain, name, lambda *args, f=function, n=name: called.append(n) or f(*args))
    monkeypatch.setattr(cpu, "has", lambda *names: False)
    assert not simd_bits.available()
    ready = simd_bits.panels(b)
    got = [simd_bits.xnor_product(a, ready, 130), simd_bits.and_product(a, ready), simd_bits.float_product(a, W)]
    assert called == ["xnor_product", "and_product", "float_product"]
    assert all(map(np.array_equal, got, expected))


PROGRAM = """
import numpy as np
from minidl import bits as reference
from minidl_kernels import cpu, gibbs, simd_bits

rng = np.random.default_rng(0)
x, y = rng.integers(0, 2, (7, 1100)), rng.integers(0, 2, (21, 1100))
a, b = reference.pack(x), reference.pack(y)
assert np.array_equal(simd_bits.xnor_product(a, b, 1100), reference.xnor_product(a, b, 1100))
assert np.array_equal(simd_bits.and_product(a[0], b), reference.and_product(a[0], b))
W = np.rint(rng.normal(size=(1100, 9)) * 30).astype(np.float32)
assert np.array_equal(simd_bits.float_product(a, W), reference.float_product(a, W))
machine = gibbs.int8_machine(W, None, None)
assert np.array_equal(machine.hidden_inputs(a)[:, :9], x @ machine.Q.astype(int))
h = machine.sample_hidden(a, rng.random((7, 9)), (np.uint64(0),) * 3)
result = [simd_bits.available(), cpu.has(*cpu.COUNTING), machine.to_hidden.ndim == 4, h.tolist()]
"""
NEWER = ("avx512vpopcntdq", "avx512bitalg", "avx512vbmi", "avx512vnni", "avxvnni", "avx512ifma", "avx512fp16")
NEWER += ("avx512bf16", "gfni", "vaes", "vpclmulqdq", "avx10", "amx", "sha")


def in_a_process(**environment):
    done = subprocess.run(
        [sys.executable, "-c", f"{PROGRAM}\nimport json; print(json.dumps(result))"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def here():
    names = {}
    exec(PROGRAM, names)
    return names["result"]


def test_the_processor_decides_which_kernels_run(here):
    available, counting, bytes_, _ = here
    assert [available, counting, bytes_] == [cpu.has(*cpu.AVX512), cpu.has(*cpu.COUNTING), cpu.has(*cpu.INT8)]


def test_a_generic_processor_gets_the_plain_kernels_and_the_same_results(here):
    *chosen, h = in_a_process(NUMBA_CPU_NAME="generic")
    assert chosen == [False, False, False]
    assert h == here[-1]


@pytest.mark.skipif(not cpu.has(*cpu.AVX512), reason="this processor has no AVX-512")
def test_avx512_without_the_newer_instructions_gives_the_same_results(here):
    from llvmlite import binding

    known = binding.get_host_cpu_features()
    features = ",".join(
        ("+" if there and not name.startswith(NEWER) else "-") + name for name, there in sorted(known.items())
    )
    *chosen, h = in_a_process(NUMBA_CPU_NAME="skylake-avx512", NUMBA_CPU_FEATURES=features)
    assert chosen == [True, False, False]
    assert h == here[-1]


def test_nothing_is_compiled_at_import():
    code = """
import importlib, pkgutil, sys
import minidl_kernels
from numba.core.dispatcher import Dispatcher
names = [m.name for m in pkgutil.iter_modules(minidl_kernels.__path__)]
modules = [importlib.import_module(f"minidl_kernels.{name}") for name in names]
kernels = [v for m in modules for v in vars(m).values() if isinstance(v, Dispatcher)]
assert len(kernels) > 30, len(kernels)
assert not any(k.signatures for k in kernels), [k for k in kernels if k.signatures]
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_the_reference_loads_no_numba():
    code = "import sys, minidl.bits; assert 'numba' not in sys.modules and 'minidl_kernels' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, cwd=Path(__file__).parent)
