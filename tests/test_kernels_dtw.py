"""The kernels for degree sequences and DTW, plain and in explicit SIMD: the bits of the reference, and results without it.

In float32 the bits cannot be the reference's: there the bound derived in `simd_dtw32`, and laws that rounding leaves exact.
"""

from types import SimpleNamespace

import numba
import numpy as np
import pytest
from minidl_kernels import cpu, dtw, simd_dtw, simd_dtw32

from minidl import graphs as G
from minidl.laws.struc2vec.distances import DISTANCE_CONTRACTS

twins = pytest.mark.parametrize("kernels", [dtw, simd_dtw], ids=["plain", "simd"])
every = pytest.mark.parametrize("kernels", [dtw, simd_dtw, simd_dtw32], ids=["plain", "simd", "simd32"])
forms = pytest.mark.parametrize("compress", [False, True], ids=["ordered", "runs"])


def random_graph(n, m, seed, self_loops="drop"):
    """Hubs, several components, and a few nodes without neighbours."""
    rng = np.random.default_rng(seed)
    ends = (n * rng.random((m, 2)) ** 2).astype(int)
    return G.csr(n + 3, ends, self_loops)


def random_sequences(rng, nodes, longest, top, rings=4):
    """Rings of any length and content, as no graph needs to have them."""
    first = np.concatenate([[0], np.cumsum(rng.integers(1, rings + 1, nodes))])
    sizes = np.maximum(1, (longest * rng.random(first[-1]) ** 2).astype(int))
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    degrees = np.concatenate([np.sort(rng.integers(1, top, size)) for size in sizes])
    return degrees.astype(np.int32), rng.integers(1, 9, offsets[-1]).astype(np.int32), offsets, first


def pairs_of(rng, n, many):
    return rng.integers(0, n, (many, 2)).astype(np.int32)


# --- rings ---------------------------------------------------------------------------------------------------------------
@forms
@pytest.mark.parametrize("until_layer", [None, 0, 2])
@pytest.mark.parametrize("self_loops", G.graph.SELF_LOOPS)
def test_sequences_are_those_of_the_reference(compress, until_layer, self_loops):
    graph = random_graph(60, 90, 1, self_loops)
    for got, expected in zip(
        dtw.degree_sequences(*graph, compress, until_layer),
        G.degree_sequences(*graph, compress, until_layer),
        strict=True,
    ):
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got, expected)


def test_sequences_in_blocks_of_nodes(monkeypatch):
    graph = random_graph(60, 90, 2)
    whole = dtw.degree_sequences(*graph)
    monkeypatch.setattr(dtw, "SCRATCH", 12 * 63 * 5)  # five nodes at a time; the last block has three
    for got, expected in zip(dtw.degree_sequences(*graph), whole, strict=True):
        np.testing.assert_array_equal(got, expected)


# --- distances -----------------------------------------------------------------------------------------------------------
@twins
@forms
@pytest.mark.parametrize("epsilon", [0.5, 0.1, 1e-3])
def test_distances_are_those_of_the_reference_to_the_bit(kernels, compress, epsilon):
    graph = random_graph(50, 80, 3)
    sequences = G.degree_sequences(*graph, compress)
    pairs = G.all_pairs(53)
    got, expected = (module.pair_distances(*sequences, pairs, epsilon) for module in (kernels, G))
    assert np.isinf(expected).any()  # components of different depth
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(kernels.structural_distances(*graph, pairs, epsilon, compress), expected)


@pytest.mark.parametrize("epsilon", [0.0, 0.5, 0.1])
@pytest.mark.parametrize(("nodes", "longest", "top"), [(20, 40, 5), (150, 70, 400), (40, 3, 2**31 - 1)])
def test_simd_is_plain_for_any_sequences_and_any_pairs(nodes, longest, top, epsilon):
    """Repeated pairs, u = v, u > v; several strips of 8 columns, several vectors, several slabs of rows."""
    rng = np.random.default_rng(nodes)
    sequences = random_sequences(rng, nodes, longest, top)
    for pairs in (pairs_of(rng, nodes, 3000), pairs_of(rng, nodes, 7), G.all_pairs(nodes), np.empty((0, 2), np.int32)):
        got, expected = (module.pair_distances(*sequences, pairs, epsilon) for module in (simd_dtw, dtw))
        np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(simd_dtw.pair_distances(*sequences, pairs[:, ::-1], epsilon), expected)


def test_simd_with_little_memory(monkeypatch):
    """Few rows in a slab, and these in groups for want of edges."""
    rng = np.random.default_rng(5)
    sequences, pairs = random_sequences(rng, 80, 60, 50), pairs_of(rng, 80, 2000)
    expected = dtw.pair_distances(*sequences, pairs, 0.5)
    short = simd_dtw32.pair_distances(*sequences, pairs, 0.5)
    monkeypatch.setattr(simd_dtw, "ROWS", 20)
    monkeypatch.setattr(simd_dtw, "ENTRIES", 1)
    np.testing.assert_array_equal(simd_dtw.pair_distances(*sequences, pairs, 0.5), expected)
    np.testing.assert_array_equal(simd_dtw32.pair_distances(*sequences, pairs, 0.5), short)


@pytest.mark.parametrize("epsilon", [0.0, 0.5, 2.0**-18, 3.0, 0.1, 2.0**-19])
def test_quotients_round_as_a_division_does(epsilon):
    rng = np.random.default_rng(6)
    degrees = np.concatenate([rng.integers(1, 2 ** rng.integers(2, 32, 4000)), [1, 2**31 - 1]]).astype(np.int32)
    n = len(degrees)
    sequences = degrees, np.ones(n, np.int32), np.arange(n + 1), np.arange(n + 1)
    pairs = pairs_of(rng, n, 100_000)
    a, b = degrees[pairs].T.astype(float)
    expected = np.abs(a - b) / (np.minimum(a, b) + epsilon)
    np.testing.assert_array_equal(simd_dtw.pair_distances(*sequences, pairs, epsilon)[:, 0], expected)


def test_where_quotients_are_proven():
    assert all(map(simd_dtw.exact_quotients, (0.0, 0.5, 7.0, 2.0**-18)))
    assert not any(map(simd_dtw.exact_quotients, (0.1, 2.0**-19, 2.0**31)))


@every
def test_any_number_of_threads_gives_the_same(kernels):
    rng = np.random.default_rng(7)
    sequences, pairs = random_sequences(rng, 90, 30, 40), pairs_of(rng, 90, 2000)
    whole, threads = kernels.pair_distances(*sequences, pairs, 0.5), numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        np.testing.assert_array_equal(kernels.pair_distances(*sequences, pairs, 0.5), whole)
    finally:
        numba.set_num_threads(threads)


def test_without_avx512_the_plain_twin_runs(monkeypatch):
    monkeypatch.setattr(cpu, "has", lambda *_: False)
    assert not simd_dtw.available()
    monkeypatch.setattr(dtw, "pair_distances", lambda *_: "plain")
    assert simd_dtw.pair_distances(None, None, None, None, None) == "plain"


# --- float32 -----------------------------------------------------------------------------------------------------------
def assert_near(got, expected, sequences, pairs):
    """|got - expected| <= n u / (1 - n u) expected, n = p + r + 2 for the longest rings of a pair; see `simd_dtw32`.

    The roundings of float64 on both sides, fewer than n + 8 each, are 2 (n + 8) 2^-53 <= n 2^-48 of it.
    """
    assert got.dtype == np.float32
    np.testing.assert_array_equal(np.isfinite(got), np.isfinite(expected))
    np.testing.assert_array_equal(got == 0, expected == 0)
    _, _, offsets, first = sequences
    n = np.maximum.reduceat(np.diff(offsets), first[:-1])[pairs].sum(axis=1, keepdims=True) + 2
    bound = n * 2.0**-24 / (1 - n * 2.0**-24) + n * 2.0**-48
    there = np.isfinite(expected)
    error = np.abs(np.where(there, got, 0.0) - np.where(there, expected, 0.0))
    assert (error <= bound * np.where(there, expected, 0.0)).all()


@pytest.fixture(params=["simd", "fallback"])
def in_float32(request, monkeypatch):
    """`simd_dtw32`, as it is and where the processor lacks AVX-512."""
    if request.param == "fallback":
        monkeypatch.setattr(simd_dtw32, "available", lambda: False)
    return simd_dtw32


@forms
@pytest.mark.parametrize("epsilon", [0.5, 0.1, 1e-3])
def test_float32_is_near_the_reference(in_float32, compress, epsilon):
    """Components of different depth: rings that one node of a pair does not have."""
    graph = random_graph(50, 80, 3)
    sequences, pairs = G.degree_sequences(*graph, compress), G.all_pairs(53)
    expected = G.pair_distances(*sequences, pairs, epsilon)
    assert np.isinf(expected).any()
    got = in_float32.pair_distances(*sequences, pairs, epsilon)
    assert_near(got, expected, sequences, pairs)
    np.testing.assert_array_equal(in_float32.structural_distances(*graph, pairs, epsilon, compress), got)


@pytest.mark.parametrize("epsilon", [0.0, 0.5, 0.1])
@pytest.mark.parametrize(
    ("nodes", "longest", "degrees", "count"),
    [
        (20, 40, (1, 5), 9),
        (150, 70, (1, 400), 9),
        (40, 3, (1, 2**31), 9),
        (40, 30, (10**6, 10**6 + 50), 9),  # ratios near 1: their excess over 1 is small beside them
        (40, 30, (2**30, 2**30 + 50), 2**31),  # neither degrees nor counts are float32
    ],
)
def test_float32_is_near_for_any_sequences_and_any_pairs(in_float32, nodes, longest, degrees, count, epsilon):
    rng = np.random.default_rng(nodes)
    _, counts, offsets, first = random_sequences(rng, nodes, longest, 2)
    sequences = (
        rng.integers(*degrees, len(counts)).astype(np.int32),
        rng.integers(1, count, len(counts)).astype(np.int32),
        offsets,
        first,
    )
    for pairs in (pairs_of(rng, nodes, 2000), pairs_of(rng, nodes, 7), G.all_pairs(nodes), np.empty((0, 2), np.int32)):
        expected = dtw.pair_distances(*sequences, pairs, epsilon)
        got = in_float32.pair_distances(*sequences, pairs, epsilon)
        assert_near(got, expected, sequences, pairs)
        np.testing.assert_array_equal(in_float32.pair_distances(*sequences, pairs[:, ::-1], epsilon), got)


@pytest.mark.parametrize(
    "law",
    [
        pytest.param(law, id=law.name)
        for contract in DISTANCE_CONTRACTS
        for law in contract.laws
        if law.grade == "exact"
    ],
)
def test_exact_laws_hold_in_float32(law):
    """Never falling, pair by pair, 0 on orbits and copies, under other names, with a cap: float32 in clothes of float64."""

    def widened(name):
        return lambda *inputs: getattr(simd_dtw32, name)(*inputs).astype(np.float64)

    names = SimpleNamespace(**{name: widened(name) for name in ("pair_distances", "structural_distances")})
    for case in law.cases.named.values():
        law.check(names, case)


def test_what_does_not_fit_into_float32_is_refused(in_float32):
    def call(degrees, counts, epsilon):
        sequences = np.array(degrees, np.int32), np.array(counts, np.int32), np.arange(3), np.arange(3)
        return in_float32.pair_distances(*sequences, np.array([[0, 1]]), epsilon)

    for degrees, counts, epsilon in (([0, 7], [1, 1], 1e-38), ([0, 0], [1, 1], 1e-320), ([1, 2], [1, 1], 1e38)):
        with pytest.raises(ValueError, match="beyond float32: use float64"):
            call(degrees, counts, epsilon)
    # The largest ratio and count of int32 fit: n = |a - b| / b is 2^31 - 2, to one rounding, times 2^31 to another.
    got = call([1, 2**31 - 1], [2**31 - 1, 1], 0.0)
    assert got[0, 0] == np.float32(2.0**62)
    assert call([0, 3], [1, 1], 0.5)[0, 0] == 6


# --- a run of all distances of a graph ------------------------------------------------------------------------------------
def a_run(dtype=np.float32, impl="kernels", **options):
    draw = np.random.default_rng(4)
    edges = np.concatenate([np.stack([np.arange(15), np.arange(1, 16)], 1), draw.integers(0, 16, (14, 2))])
    return G.DistanceRun.prepare(G.Graph.from_edges(edges), dtype=dtype, impl=impl, **options)


@forms
def test_a_run_in_float32(compress):
    exact = a_run(np.float64, opt1=compress).compute()
    for impl in ("kernels", "reference"):
        run = a_run(opt1=compress, impl=impl).compute(impl=impl)
        assert_near(run.f, exact.f, run.sequences, run.pairs)
    np.testing.assert_array_equal(run.f, exact.f.astype(np.float32))  # the reference rounds
    assert a_run("float64").compute().f.dtype == np.float64


def test_checkpoints_of_another_dtype_are_refused(tmp_path):
    file = tmp_path / "distances.npz"
    whole = a_run().compute(checkpoint=file)
    for other in (a_run(np.float64), a_run(opt1=True)):
        with pytest.raises(ValueError, match="of another graph or other settings"):
            other.compute(checkpoint=file)
    again = a_run()
    again.restore(file)
    np.testing.assert_array_equal(again.f, whole.f)


def test_the_dtype_of_distances_in_embed():
    run = a_run().compute()
    options = dict(dims=2, walk_length=8, num_walks=2, window=2, epochs=1)

    def embed(**more):
        return G.embed(run.graph, **options, **more, rng=np.random.default_rng(0))

    first = embed(distance_dtype=np.float32)
    assert first.distances.dtype == np.float32
    assert first.vectors.dtype == np.float64
    np.testing.assert_array_equal(first.distances.f, run.f)
    for more in (dict(distances=run), dict(distances=run, distance_dtype="float32")):
        np.testing.assert_array_equal(embed(**more).vectors, first.vectors)
    assert embed().distances.dtype == np.float64
    with pytest.raises(ValueError, match="distances are float32, not float64"):
        embed(distances=run, distance_dtype=np.float64)
    with pytest.raises(ValueError, match="distance_dtype must be float32 or float64"):
        embed(distance_dtype=np.float16)
    with pytest.raises(ValueError, match="dtype must be float32 or float64"):
        a_run(int)


def test_distances_that_do_not_fit_are_refused_by_both():
    graph = G.Graph.from_edges([(0, 1), (1, 2)], nodes=[0, 1, 2, 9])  # node 9 has no neighbours
    for impl in ("kernels", "reference"):
        run = G.DistanceRun.prepare(graph, epsilon=1e-39, dtype=np.float32, impl=impl)
        with pytest.raises(ValueError, match="beyond float32: use float64"):
            run.compute(impl=impl)


# --- without the reference -----------------------------------------------------------------------------------------------
GOLDEN = [  # exact with epsilon 0, runs with 0, exact with 0.5, runs with 0.5
    ([1, 1, 1], [3], (6, 6, 4, 4)),
    ([1, 2, 2, 5], [2, 2, 4], (1.25, 2.25, 8 / 9, 14 / 9)),
    ([2, 2, 2, 3], [2, 3, 3, 3, 7], (4 / 3, 4 / 3, 8 / 7, 8 / 7)),
    ([1, 1, 2], [2, 2, 2, 2], (2, 4, 4 / 3, 8 / 3)),
    ([1, 4], [2], (2, 2, 22 / 15, 22 / 15)),
]


@twins
@pytest.mark.parametrize(("a", "b", "expected"), GOLDEN)
def test_worked_examples(kernels, a, b, expected):
    got = [kernels.dtw(form(a), form(b), epsilon) for epsilon in (0.0, 0.5) for form in (np.asarray, G.run_lengths)]
    # At most 5 costs below 4, each of three roundings, and their sums.
    np.testing.assert_allclose(got, expected, rtol=0, atol=5 * 4 * 4 * np.finfo(float).eps)


@every
def test_six_nodes(kernels):
    """Two mirror halves: 0 ~ 5, 1 ~ 4, 2 ~ 3."""
    graph = G.csr(6, [(0, 1), (1, 2), (2, 3), (3, 4), (1, 4), (4, 5)])
    f = kernels.structural_distances(*graph, np.array([(0, 1), (0, 2), (1, 2), (0, 5), (1, 4), (2, 3)]))
    expected = [[2, 4.5, 6, np.inf], [1, 1.5, 2.5, 3.5], [0.5, 1.5, 2, np.inf], [0] * 4, [0, 0, 0, np.inf], [0] * 4]
    np.testing.assert_array_equal(f, expected)  # halves: exact in float32 as well


@twins
def test_one_degree_against_many_is_a_sum(kernels):
    """g([a], B) = sum of d(a, b), from the left: there is one path."""
    B = np.sort(np.random.default_rng(8).integers(1, 1000, 300)).astype(np.int32)
    sequences = np.append(B, 7).astype(np.int32), np.ones(301, np.int32), np.array([0, 300, 301]), np.arange(3)
    total = 0.0
    for b in B.tolist():
        total += abs(b - 7) / min(b, 7)
    assert kernels.pair_distances(*sequences, np.array([[0, 1]]))[0, 0] == total == kernels.dtw(B, [7])


# --- the border ----------------------------------------------------------------------------------------------------------
@every
def test_what_is_refused(kernels):
    graph = G.csr(4, [(0, 1), (1, 2)])  # node 3 is isolated
    sequences, pairs = kernels.degree_sequences(*graph), np.array([[0, 1]])
    with pytest.raises(ValueError, match="node number 3 has no neighbours"):
        kernels.pair_distances(*sequences, pairs)
    with pytest.raises(ValueError, match="from 0 to 3, got 4"):
        kernels.pair_distances(*sequences, np.array([[0, 4]]), 0.5)
    with pytest.raises(ValueError, match=r"shape \(P, 2\)"):
        kernels.pair_distances(*sequences, pairs[0], 0.5)
    with pytest.raises(TypeError, match="must hold integers"):
        kernels.pair_distances(*sequences, pairs + 0.5, 0.5)
    with pytest.raises(ValueError, match="epsilon must be a finite number"):
        kernels.pair_distances(*sequences, pairs, -0.5)
    with pytest.raises(ValueError, match="at least 2 nodes"):
        kernels.pair_distances(*G.degree_sequences(*G.csr(1, [])), np.empty((0, 2), int), 0.5)
    with pytest.raises(ValueError, match="ring 1 is empty"):
        kernels.pair_distances(np.ones(2, int), np.ones(2, int), [0, 1, 1, 2], [0, 2, 3], pairs)
    with pytest.raises(ValueError, match="must end at"):
        kernels.degree_sequences(graph.indptr, graph.indices[:-1])
    with pytest.raises(ValueError, match="at least 0"):
        kernels.degree_sequences(*graph, until_layer=-1)


@twins
def test_sequences_that_are_refused(kernels):
    for a, b in (([], [1]), ([[1, 2]], [1]), ([[1, 2, 3]], [[1, 2, 3]]), ([0], [1]), ([-1], [1]), ([[1, 0]], [[1, 1]])):
        with pytest.raises(ValueError, match="a "):
            kernels.dtw(a, b)
