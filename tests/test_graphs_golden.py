"""struc2vec's worked examples: printed digits, closed forms, counts."""

import numpy as np
import pytest

from minidl import graphs as G

SIX = [(0, 1), (1, 2), (2, 3), (3, 4), (1, 4), (4, 5)]  # two mirror halves: 0 and 5, 1 and 4, 2 and 3
DIGITS = 0.51e-10  # the examples are printed with ten decimals
EPS = np.finfo(float).eps


def distances(n, edges, epsilon=0.0, **options):
    """f of all pairs, as {(u, v): finite values}."""
    pairs = G.all_pairs(n)
    f = G.structural_distances(*G.csr(n, edges), pairs, epsilon, **options)
    return {(u, v): row[np.isfinite(row)] for (u, v), row in zip(pairs.tolist(), f, strict=True)}


def layer(n, edges, k, epsilon=0.0):
    """The distances of layer k as a matrix, infinite where there is no edge."""
    f = np.full((n, n), np.inf)
    for (u, v), row in distances(n, edges, epsilon).items():
        if len(row) > k:
            f[u, v] = f[v, u] = row[k]
    return f


def barbell():
    edges = [(u, v) for clique in (range(10), range(20, 30)) for u in clique for v in clique if u < v]
    return 30, edges + [(u, u + 1) for u in range(9, 20)]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([1, 1, 1], [3], (6, 6, 4, 4)),
        ([1, 2, 2, 5], [2, 2, 4], (1.25, 2.25, 0.8888888889, 1.5555555556)),
        ([2, 2, 2, 3], [2, 3, 3, 3, 7], (1.3333333333, 1.3333333333, 1.1428571429, 1.1428571429)),
        ([1, 1, 2], [2, 2, 2, 2], (2, 4, 1.3333333333, 2.6666666667)),
        ([1, 4], [2], (2, 2, 1.4666666667, 1.4666666667)),
    ],
)
def test_dtw(a, b, expected):
    got = [G.dtw(form(a), form(b), epsilon) for epsilon in (0, 0.5) for form in (np.array, G.run_lengths)]
    np.testing.assert_allclose(got, expected, rtol=0, atol=DIGITS)


def test_star():
    star = 4, [(0, 1), (0, 2), (0, 3)]
    for leaf in (1, 2, 3):
        assert distances(*star)[0, leaf].tolist() == [2, 8]
        np.testing.assert_allclose(distances(*star, 0.5)[0, leaf], [1.3333333333, 5.3333333333], rtol=0, atol=DIGITS)
    for pair in ((1, 2), (1, 3), (2, 3)):
        assert distances(*star)[pair].tolist() == [0, 0, 0]
        assert distances(*star, 0.5)[pair].tolist() == [0, 0, 0]
    f = layer(*star, 0)
    w = G.layer_weights(f)
    assert w[0, 1] == pytest.approx(0.1353352832, abs=DIGITS)
    assert w[np.triu_indices(4, 1)].mean() == pytest.approx(0.5676676416, abs=DIGITS)
    assert G.gamma(f).tolist() == [0, 2, 2, 2]
    rows = G.transition_rows(f)
    np.testing.assert_allclose(rows[1], [0.0633789383, 0, 0.4683105308, 0.4683105308], rtol=0, atol=DIGITS)
    np.testing.assert_allclose(rows[0], [0, 1 / 3, 1 / 3, 1 / 3], rtol=2 * EPS)
    top = layer(*star, 2)  # the leaves only, all weights 1
    assert G.gamma(top).tolist() == [0, 0, 0, 0]
    assert G.gamma(top, average="all_pairs").tolist() == [0, 2, 2, 2]
    np.testing.assert_allclose(G.transition_rows(top)[0], 0)


@pytest.mark.parametrize(
    ("epsilon", "expected"),
    [
        (0.0, {(0, 1): (2, 4.5, 6), (0, 2): (1, 1.5, 2.5, 3.5), (1, 2): (0.5, 1.5, 2)}),
        (
            0.5,
            {
                (0, 1): (1.3333333333, 3.0666666667, 4.1333333333),
                (0, 2): (0.6666666667, 1.0666666667, 1.7333333333, 2.4),
                (1, 2): (0.4, 1.0666666667, 1.4666666667),
            },
        ),
    ],
)
def test_six_nodes_distances(epsilon, expected):
    f = distances(6, SIX, epsilon)
    for pair, values in expected.items():
        np.testing.assert_allclose(f[pair], values, rtol=0, atol=DIGITS)
    for pair, layers in (((0, 5), 4), ((2, 3), 4), ((1, 4), 3)):
        assert f[pair].tolist() == [0] * layers


def test_six_nodes_layers():
    f = layer(6, SIX, 0)
    upper = np.triu_indices(6, 1)
    assert G.layer_weights(f)[upper].mean() == pytest.approx(0.4959321024, abs=DIGITS)
    assert G.gamma(f).tolist() == G.gamma(f, "official").tolist() == [1, 3, 3, 3, 3, 1]
    rows = G.transition_rows(f)
    row0 = [0, 0.0674508059, 0.1833502999, 0.1833502999, 0.0674508059, 0.4983977885]
    row1 = [0.0544886845, 0, 0.2442013420, 0.2442013420, 0.4026199469, 0.0544886845]
    np.testing.assert_allclose(rows[:2], [row0, row1], rtol=0, atol=DIGITS)

    half = layer(6, SIX, 0, 0.5)
    assert G.layer_weights(half)[upper].mean() == pytest.approx(0.5859558142, abs=DIGITS)
    assert G.gamma(half).tolist() == [1, 3, 3, 3, 3, 1]
    assert G.gamma(half, "official").tolist() == [3, 3, 1, 1, 3, 3]

    top = layer(6, SIX, 3)
    assert np.isfinite(top).any(axis=1).tolist() == [True, False, True, True, False, True]
    assert G.layer_weights(top[np.isfinite(top)]).mean() == pytest.approx(0.3534649223, abs=DIGITS)
    assert G.gamma(top).tolist() == [1, 0, 1, 1, 0, 1]


def test_up_probability():
    expected = [0.5, 0.5677099546, 0.6080651897, 0.6355244653, 0.6557460645, 0.6714408262, 0.6840863736]
    np.testing.assert_allclose(G.up_probability(np.arange(7)), expected, rtol=0, atol=DIGITS)
    assert G.up_probability(0) == 0.5


def test_barbell():
    n, edges = barbell()
    assert len(edges) == 101
    f = distances(n, edges)
    assert max(map(len, f.values())) == 14
    orbits = [[*range(9), *range(21, 30)], [9, 20], [10, 19], [11, 18], [12, 17], [13, 16], [14, 15]]
    orbit = {u: i for i, members in enumerate(orbits) for u in members}
    for (u, v), row in f.items():
        assert (row[-1] == 0) == (orbit[u] == orbit[v])
    np.testing.assert_allclose(f[0, 9][:2], [1 / 9, 1 / 9 + 3.5 + 1 / 9], rtol=4 * EPS)
    assert f[0, 10][0] == 3.5
    assert f[9, 10][:3].tolist() == [4, 5, 36.5]


def test_official_candidates():
    edges = [(u, u + 1) for u in range(11)] + [(0, 5), (3, 8), (3, 10)]
    degrees = G.degrees(G.csr(12, edges).indptr)
    assert degrees.tolist() == [2, 2, 2, 4, 2, 3, 2, 2, 3, 2, 3, 1]
    offsets, nodes = G.candidates(degrees, "official")
    assert np.diff(offsets).tolist() == [8] * 12
    assert nodes[: offsets[1]].tolist() == [1, 2, 4, 6, 7, 9, 5, 8]
    assert nodes[offsets[3] : offsets[4]].tolist() == [5, 8, 10, 0, 1, 2, 4, 6]
    assert nodes[offsets[11] :].tolist() == [0, 1, 2, 4, 6, 7, 9, 5]


def test_barbell_proposes_101_pairs_mutually_and_98_one_way():
    degrees = G.degrees(G.csr(*barbell()).indptr)
    pairs, multiplicity = G.candidate_pairs(*G.candidates(degrees, "official"))
    assert np.bincount(multiplicity).tolist() == [0, 98, 101]
    assert len(pairs) == 199


def test_huffman_and_one_step():
    tree = G.huffman([5, 2, 1, 1])
    assert np.diff(tree.offsets).tolist() == [1, 2, 3, 3]
    step = G.hierarchical_update([0.1, -0.2], [[0.3, 0.1], [-0.2, 0.4]], [1, 0], 0.025)
    np.testing.assert_allclose(step.x, [0.0936063542, -0.1960064581], rtol=0, atol=DIGITS)
    expected = [[0.2987437501, 0.1025124999], [-0.1986875520, 0.3973751041]]
    np.testing.assert_allclose(step.theta, expected, rtol=0, atol=DIGITS)
    assert step.loss == pytest.approx(1.4425563406, abs=DIGITS)


def test_subsampling_keeps_what_word2vec_keeps():
    for n, kept in ((30, 0.203), (131, 0.493)):
        np.testing.assert_allclose(G.keep_probability(np.full(n, 7)), kept, rtol=0, atol=5.1e-4)


def test_gamma_may_grow_with_the_layer():
    edges = [(0, 1), (0, 2), (0, 4), (1, 2), (2, 3)]
    for average in ("defined", "all_pairs"):
        assert [G.gamma(layer(5, edges, k), average=average)[3] for k in (0, 1)] == [1, 2]
