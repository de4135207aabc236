"""DTW beside enumeration of all warping paths, and structural distances beside what symmetry demands."""

import numpy as np
import pytest

from minidl import graphs as G

EPS = np.finfo(float).eps


def all_warping_paths(p, r):
    """Every way from (0, 0) to (p - 1, r - 1) by steps (1, 0), (0, 1), (1, 1)."""
    if (p, r) == (1, 1):
        yield [(0, 0)]
        return
    for i, j in ((p - 1, r), (p, r - 1), (p - 1, r - 1)):
        if i >= 1 and j >= 1:
            for path in all_warping_paths(i, j):
                yield [*path, (p - 1, r - 1)]


def plain_cost(a, b, epsilon):
    """The paper's formulas for degrees and for runs, a pair at a time."""
    (a, m), (b, k) = (np.atleast_1d(x).tolist() if np.ndim(x) else (x, 1) for x in (a, b))
    return ((max(a, b) + epsilon) / (min(a, b) + epsilon) - 1) * max(m, k)


def brute_force(a, b, epsilon):
    return min(sum(plain_cost(a[i], b[j], epsilon) for i, j in path) for path in all_warping_paths(len(a), len(b)))


def random_sequence(rng, longest=5, top=6):
    return np.sort(rng.integers(1, top, rng.integers(1, longest + 1)))


@pytest.mark.parametrize("epsilon", [0.0, 0.5])
@pytest.mark.parametrize("form", [np.asarray, G.run_lengths])
def test_dtw_is_the_best_of_all_warping_paths(form, epsilon):
    rng = np.random.default_rng(1)
    for _ in range(40):
        a, b = form(random_sequence(rng)), form(random_sequence(rng))
        expected = brute_force(a, b, epsilon)
        # Costs are below 5 times 5: each of at most 9 terms has an error of 3 eps of its cost + 1, and a sum of 9.
        assert abs(G.dtw(a, b, epsilon) - expected) <= 9 * 30 * EPS * 3
        table = G.dtw_table(a, b, epsilon)
        assert table[-1, -1] == G.dtw(a, b, epsilon) == G.dtw(b, a, epsilon)
        path = G.dtw_path(table)
        assert path.tolist() in [list(map(list, path)) for path in all_warping_paths(len(a), len(b))]
        along = sum(G.cost_matrix(a, b, epsilon)[i, j] for i, j in path)
        assert along == pytest.approx(table[-1, -1], rel=9 * EPS, abs=0)


def test_run_lengths_are_an_upper_bound_and_exact_without_repetition():
    rng = np.random.default_rng(2)
    strict = 0
    for _ in range(200):
        a, b = random_sequence(rng, 7), random_sequence(rng, 7)
        exact, short = G.dtw(a, b), G.dtw(G.run_lengths(a), G.run_lengths(b))
        assert short >= exact * (1 - 30 * EPS)
        strict += short > exact * (1 + 30 * EPS)
        if len(set(a)) == len(a) and len(set(b)) == len(b):
            assert short == exact
    assert 20 <= strict <= 180


def test_dtw_closed_forms_and_bounds():
    rng = np.random.default_rng(3)
    for _ in range(50):
        a, b = random_sequence(rng, 8, 20), random_sequence(rng, 8, 20)
        cost = G.cost_matrix(a, b)
        assert G.dtw(a[:1], b) == pytest.approx(cost[0].sum(), rel=16 * EPS)
        assert cost.min(axis=1).max() <= G.dtw(a, b) <= (len(a) + len(b) - 1) * cost.max() * (1 + 16 * EPS)
        assert G.dtw(a, np.repeat(a, 2)) == 0  # hence no metric
        assert G.dtw(a, b, 0.5) <= G.dtw(a, b)
        np.testing.assert_array_equal(G.degree_cost(4 * a[:, None], 4 * b), cost)  # scale invariance, by a power of 2


def test_run_lengths():
    assert G.run_lengths([2, 2, 5, 7, 7, 7]).tolist() == [[2, 2], [5, 1], [7, 3]]
    with pytest.raises(ValueError, match="sort it"):
        G.run_lengths([2, 1])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: G.dtw([], [1]), ValueError, "not empty"),
        (lambda: G.dtw([1], [[1, 2]]), ValueError, "both be degrees"),
        (lambda: G.dtw([[1, 2, 3]], [[1, 2, 3]]), ValueError, r"runs \(degree, count\)"),
        (lambda: G.dtw([[1, 0]], [[1, 2]]), ValueError, "counts of at least 1"),
        (lambda: G.degree_cost(0, 3), ValueError, "use epsilon > 0"),
        (lambda: G.degree_cost(-1, 3), ValueError, "at least 0"),
        (lambda: G.degree_cost(1, 3, -0.5), ValueError, "epsilon must be a finite number"),
        (lambda: G.degree_cost("a", 3), TypeError, "must hold degrees"),
        (lambda: G.dtw_path(np.zeros((3, 1))), ValueError, "dtw_table"),
    ],
)
def test_what_dtw_refuses(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_degree_zero_with_epsilon():
    assert G.degree_cost(0, 3, 0.5) == 6


# --- structural distances ----------------------------------------------------------------------------------------------
def random_edges(rng, n, m):
    return np.concatenate([np.stack([np.arange(n - 1), np.arange(1, n)], 1), rng.integers(0, n, (m, 2))])


@pytest.mark.parametrize("compress", [False, True])
def test_distances_beside_dictionaries_of_rings(compress):
    rng = np.random.default_rng(4)
    n = 9
    edges = rng.integers(0, n, (10, 2))  # with several components
    graph = G.csr(n, edges)
    degree = np.diff(graph.indptr)
    form = G.run_lengths if compress else np.asarray
    pairs = G.all_pairs(n)
    f = G.structural_distances(*graph, pairs, 0.5, compress)
    for (u, v), row in zip(pairs, f, strict=True):
        total, expected = 0.0, np.full(len(row), np.inf)
        for k, (R, S) in enumerate(zip(G.rings(*graph, u), G.rings(*graph, v), strict=False)):
            total += G.dtw(form(np.sort(degree[R])), form(np.sort(degree[S])), 0.5)
            expected[k] = total
        np.testing.assert_array_equal(row, expected)


def test_relabelling_moves_the_distances_along():
    rng = np.random.default_rng(5)
    n = 14
    edges = random_edges(rng, n, 12)
    pairs = G.all_pairs(n)
    perm = rng.permutation(n)
    f = G.structural_distances(*G.csr(n, edges), pairs)
    np.testing.assert_array_equal(G.structural_distances(*G.csr(n, perm[edges]), perm[pairs]), f)
    np.testing.assert_array_equal(G.structural_distances(*G.csr(n, edges), pairs[:, ::-1]), f)  # symmetric


@pytest.mark.parametrize("compress", [False, True])
def test_copies_of_a_graph_are_at_distance_zero(compress):
    rng = np.random.default_rng(6)
    n = 11
    edges = random_edges(rng, n, 8)
    perm = rng.permutation(n)
    both = G.csr(2 * n, np.concatenate([edges, n + perm[edges]]))
    pairs = np.stack([np.arange(n), n + perm], axis=1)
    f = G.structural_distances(*both, pairs, 0.0, compress)
    for (u, _), row in zip(pairs, f, strict=True):
        rings = len(G.rings(*both, u))
        assert (row[:rings] == 0).all()
        assert np.isinf(row[rings:]).all()


def test_distances_grow_with_the_layer_and_shrink_with_epsilon():
    rng = np.random.default_rng(7)
    graph = G.csr(12, random_edges(rng, 12, 10))
    pairs = G.all_pairs(12)
    f, g, short = (G.structural_distances(*graph, pairs, *rest) for rest in ((0.0,), (0.5,), (0.0, True)))
    assert (np.diff(np.where(np.isfinite(f), f, 1e9), axis=1) >= 0).all()
    assert (g[np.isfinite(g)] <= f[np.isfinite(f)]).all()
    assert (short[np.isfinite(f)] >= f[np.isfinite(f)] * (1 - 100 * EPS)).all()
    np.testing.assert_array_equal(short[:, 0], f[:, 0])  # ring 0 has one node
    capped = G.structural_distances(*graph, pairs, until_layer=2)
    np.testing.assert_array_equal(capped, f[:, :3])
    degree = np.diff(graph.indptr)
    np.testing.assert_array_equal(f[:, 0], G.degree_cost(*degree[pairs].T))


def test_regular_graphs_have_no_distances():
    ring = G.csr(9, [(u, (u + 1) % 9) for u in range(9)])
    f = G.structural_distances(*ring, G.all_pairs(9))
    assert f.shape == (36, 5)
    assert (f == 0).all()


def test_classes_join_nodes_with_the_same_rings():
    edges = [(0, 1), (1, 2), (2, 3), (3, 4), (1, 4), (4, 5)]
    for compress in (False, True):
        classes, representatives = G.signature_classes(*G.degree_sequences(*G.csr(6, edges), compress))
        assert classes.tolist() == [0, 1, 2, 2, 1, 0]
        assert representatives.tolist() == [0, 1, 2]


@pytest.mark.parametrize("rule", ["paper", "official"])
@pytest.mark.parametrize("n", [2, 3, 4, 5, 8, 16, 31, 100])
def test_candidates_are_the_nearest_by_degree(n, rule):
    degrees = np.random.default_rng(n).integers(1, 9, n)
    offsets, nodes = G.candidates(degrees, rule)
    most = int(np.floor(2 * np.log2(n) + 1e-9)) + 1
    if rule == "official":
        assert np.diff(offsets).tolist() == [min(n - 1, most)] * n
    for u in range(n):
        mine = nodes[offsets[u] : offsets[u + 1]]
        assert u not in mine
        assert 1 <= len(mine) == len(set(mine.tolist())) <= most
        if rule == "official":
            gaps = np.abs(degrees[mine] - degrees[u])
            assert (np.diff(gaps) >= 0).all()
            others = np.delete(np.arange(n), u)
            assert gaps.tolist() == np.sort(np.abs(degrees[others] - degrees[u]))[: len(mine)].tolist()
            ties = [degrees[v] for v in mine if abs(degrees[v] - degrees[u]) == gaps[-1]]
            assert ties == sorted(ties, reverse=True)  # the larger degree first
    pairs, multiplicity = G.candidate_pairs(offsets, nodes)
    assert multiplicity.sum() == len(nodes)
    assert (pairs[:, 0] < pairs[:, 1]).all()
    proposed = {(min(u, v), max(u, v)) for u in range(n) for v in nodes[offsets[u] : offsets[u + 1]].tolist()}
    assert {tuple(pair) for pair in pairs.tolist()} == proposed


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: G.structural_distances(*G.csr(3, [(0, 1)]), [[0, 1]]), "node number 2 has no neighbours.*without_isolated"),
        (lambda: G.structural_distances(*G.csr(2, [(0, 1)]), [[0, 2]]), "from 0 to 1, got 2"),
        (lambda: G.structural_distances(*G.csr(1, []), [[0, 0]], 0.5), "at least 2 nodes"),
        (lambda: G.structural_distances(*G.csr(2, [(0, 1)]), [[0, 1]], -1.0), "epsilon must be"),
        (lambda: G.structural_distances(*G.csr(2, [(0, 1)]), [[0, 1]], until_layer=-1), "until_layer must be at least 0"),
        (lambda: G.candidates([3]), "at least 2 nodes"),
        (lambda: G.candidates([3, 1], "nearest"), "rule must be one of"),
        (lambda: G.candidate_pairs([0, 1], [0]), "must not propose itself"),
    ],
)  # fmt: skip
def test_what_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
