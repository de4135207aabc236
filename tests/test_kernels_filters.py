"""The twin of segmentation: the laws, both inner loops, batches in parallel, sizes of which the laws know nothing."""

import functools
import subprocess
import sys

import numpy as np
import pytest
from minidl_kernels import cpu, filters, runs, simd_filters
from numba import njit

from minidl import vision
from minidl.laws.core import agree, identical
from minidl.laws.iem_segmentation import CONTRACTS
from minidl.laws.iem_segmentation.cases import SCENES, WORKED_C, sure
from minidl.verify.runner import Bench

HOT = [contract for contract in CONTRACTS if hasattr(filters, contract.function)]


@pytest.mark.parametrize("contract", HOT, ids=lambda contract: contract.function)
def test_the_laws_hold(contract):
    bench = Bench.of(contract, reference=vision, examples=10)
    assert bench.broken_by(contract, filters) == []


def test_it_has_the_names_of_what_is_hot():
    names = {"blur", "blurred_total", "inpaint", "inpaint_sides", "objective_gradient"}
    assert {contract.function for contract in HOT} == names | {"boundary", "smooth", "step", "search", "search_all"}


def test_no_rounding_error_decides_a_named_scene():
    """What the laws of the search rely on. One search alternates for ever and one meets two colours, by design."""
    unsure = [name for name, case in SCENES.named.items() if not sure(case)]
    assert set(unsure) <= {"still", "still_scattered", "alternates", "alternates_odd"}
    assert not sure(WORKED_C)


# --- the inner loops -----------------------------------------------------------------------------------------------------
@njit
def across(function, source, weights, n):
    out = np.full(source.size, source.dtype.type(7))
    function(source, 3, weights, out, 5, n)
    return out


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("n", "taps"), [(1, 1), (7, 3), (64, 11), (65, 12), (130, 21), (200, 25)])
def test_weighted_runs(n, taps, dtype):
    """Both loops, and nothing beyond the next four vectors is touched."""
    rng = np.random.default_rng(n)
    source, weights = rng.standard_normal(400).astype(dtype), rng.standard_normal(taps).astype(dtype)
    expected = np.correlate(source[3 : 3 + n + taps - 1].astype(np.float64), weights.astype(np.float64), "valid")
    scale = np.correlate(np.abs(source[3 : 3 + n + taps - 1]), np.abs(weights), "valid")
    for function in loops(runs.plain, simd_filters.weighted):
        out = across(function, source, weights, n)
        agree(out[5 : 5 + n], expected.astype(dtype), why=function.__name__, ulps=taps, scale=scale)
        assert (out[:5] == 7).all()
        assert (out[5 + n + 64 // out.itemsize :] == 7).all()


@njit
def down(function, source, stride, weights, n):
    out = np.full(4 * stride, source.dtype.type(7))
    function(source, 2, stride, weights, out, n)
    return out


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("n", "taps"), [(1, 4), (33, 8), (48, 24), (100, 28)])
def test_weighted_rows(n, taps, dtype):
    rng = np.random.default_rng(n)
    stride = n + 50
    rows = rng.standard_normal((taps + 1, stride)).astype(dtype)
    weights = rng.standard_normal((taps, 4)).astype(dtype)
    expected = weights.T.astype(np.float64) @ rows[:-1, 2 : 2 + n]
    scale = np.abs(weights).T.astype(np.float64) @ np.abs(rows[:-1, 2 : 2 + n])
    for function in loops(runs.plain_rows, simd_filters.weighted_rows):
        out = down(function, rows.ravel(), stride, weights, n).reshape(4, stride)
        agree(out[:, :n], expected.astype(dtype), why=function.__name__, ulps=taps, scale=scale)
        assert (out[:, n + 48 :] == 7).all()


compiled = functools.cache(njit)


def loops(plain, vectors):
    yield compiled(plain)
    if cpu.has(*cpu.AVX512):
        yield compiled(vectors)


LAWS_IN_PLAIN_NUMBA = """
import sys
sys.path.insert(0, "tests")
from minidl_kernels import cpu
assert not cpu.has(*cpu.AVX512)
import test_kernels_filters as tests
for contract in tests.HOT:
    tests.test_the_laws_hold(contract)
print("held")
"""


@pytest.mark.slow
def test_the_laws_hold_without_vectors_of_64_bytes(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CPU_NAME", "generic")
    monkeypatch.setenv("NUMBA_CPU_FEATURES", "")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    done = subprocess.run([sys.executable, "-c", LAWS_IN_PLAIN_NUMBA], capture_output=True, text=True, check=False)
    assert done.stdout == "held\n", done.stderr


# --- sizes ---------------------------------------------------------------------------------------------------------------
def scene(seed, shape, dtype=np.float64):
    rng = np.random.default_rng(seed)
    H, W = shape[1:]
    image = 0.2 * rng.standard_normal(shape)
    image[:, H // 4 : -H // 3, W // 5 : -W // 4] += 0.6
    return np.clip(image, -1, 1).astype(dtype), vision.initial_mask(H, W)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(3, 50, 37), (1, 33, 64), (5, 21, 90)])
def test_larger_images(shape, dtype):
    image, mask = scene(0, shape, dtype)
    kernel = vision.gaussian_kernel(11, 5.0)
    total = vision.blurred_total(image, kernel)
    for given in (None, total):
        expected = vision.inpaint_sides(image, mask, kernel, 2, given)
        got = filters.inpaint_sides(image, mask, kernel, 2, given)
        # sums over 441 pixels; from the total the least support in reach, 1/230 of the whole, keeps its rounding errors
        ulps = 500 if given is None else 500 * 230
        for name, one, other in zip(expected._fields, got, expected, strict=True):
            assert one.dtype == dtype
            agree(one, other, why=name, ulps=ulps, scale=np.abs(other) if one.ndim == 2 else 1.0)
    expected = vision.objective_gradient(image, mask, kernel, 2, 0.001, total)
    got = filters.objective_gradient(image, mask, kernel, 2, 0.001, total)
    agree(got, expected, why="the gradient", ulps=500 * 230)


def test_a_batch_in_parallel_is_its_images_one_by_one(monkeypatch):
    pairs = [scene(seed, (3, 24, 20)) for seed in range(5)]
    images, masks = (np.stack(parts) for parts in zip(*pairs, strict=True))
    kernel = vision.gaussian_kernel(5, 2.5)
    monkeypatch.setattr(filters, "PARALLEL_FROM", 0)
    monkeypatch.setattr(filters, "get_num_threads", lambda: 2)
    together = filters.search_all(images, masks, kernel, 2, 0.01, 25)
    for i in range(len(images)):
        alone = filters.search(images[i], masks[i], kernel, 2, 0.01, 25)
        for name, one, other in zip(together._fields, together, alone, strict=True):
            identical(np.asarray(one[i]), np.asarray(other), why=f"{name} of image {i}")
    assert len({int(n) for n in together.iterations}) > 1  # or they might as well have run in step


def test_nothing_beyond_the_arrays_is_read():
    image, mask = scene(0, (3, 20, 20))
    kernel = vision.gaussian_kernel(5, 1.5)
    with pytest.raises(ValueError, match="size of the image"):
        filters.inpaint_sides(image, mask[:-1], kernel)
    with pytest.raises(ValueError, match="pixels on both sides"):
        filters.objective_gradient(image, np.ones_like(mask), kernel)
    with pytest.raises(ValueError, match=r"total must be \(4, 20, 20\)"):
        filters.step(image, mask, kernel, 2, 0.001, 0.0, image)
