"""The kernels for degree sequences and DTW, plain and in explicit SIMD: the bits of the reference, and results without it."""

import numba
import numpy as np
import pytest
from minidl_kernels import cpu, dtw, simd_dtw

from minidl import graphs as G

twins = pytest.mark.parametrize("kernels", [dtw, simd_dtw], ids=["plain", "simd"])
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
    """Repeated pairs, u = v, u > v; several tiles of 16 columns, several sets of 32 lanes, several slabs of rows."""
    rng = np.random.default_rng(nodes)
    sequences = random_sequences(rng, nodes, longest, top)
    for pairs in (pairs_of(rng, nodes, 3000), pairs_of(rng, nodes, 7), G.all_pairs(nodes), np.empty((0, 2), np.int32)):
        got, expected = (module.pair_distances(*sequences, pairs, epsilon) for module in (simd_dtw, dtw))
        np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(simd_dtw.pair_distances(*sequences, pairs[:, ::-1], epsilon), expected)


def test_simd_with_little_memory(monkeypatch):
    """Costs of three degrees at a time, and rows in groups for want of edges."""
    rng = np.random.default_rng(5)
    sequences, pairs = random_sequences(rng, 80, 60, 50), pairs_of(rng, 80, 2000)
    expected = dtw.pair_distances(*sequences, pairs, 0.5)
    monkeypatch.setattr(simd_dtw, "SLOTS", 3)
    monkeypatch.setattr(simd_dtw, "EDGES", 1)
    np.testing.assert_array_equal(simd_dtw.pair_distances(*sequences, pairs, 0.5), expected)


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


@twins
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


@twins
def test_six_nodes(kernels):
    """Two mirror halves: 0 ~ 5, 1 ~ 4, 2 ~ 3."""
    graph = G.csr(6, [(0, 1), (1, 2), (2, 3), (3, 4), (1, 4), (4, 5)])
    f = kernels.structural_distances(*graph, np.array([(0, 1), (0, 2), (1, 2), (0, 5), (1, 4), (2, 3)]))
    expected = [[2, 4.5, 6, np.inf], [1, 1.5, 2.5, 3.5], [0.5, 1.5, 2, np.inf], [0] * 4, [0, 0, 0, np.inf], [0] * 4]
    np.testing.assert_array_equal(f, expected)  # halves: exact in float64


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
@twins
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
    with pytest.raises(ValueError, match="must end at"):
        kernels.degree_sequences(graph.indptr, graph.indices[:-1])
    with pytest.raises(ValueError, match="at least 0"):
        kernels.degree_sequences(*graph, until_layer=-1)
    for a, b in (([], [1]), ([[1, 2]], [1]), ([[1, 2, 3]], [[1, 2, 3]]), ([0], [1]), ([-1], [1]), ([[1, 0]], [[1, 1]])):
        with pytest.raises(ValueError, match="a "):
            kernels.dtw(a, b)
