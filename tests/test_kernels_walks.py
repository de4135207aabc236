"""The kernels for walks: the reference's walks for the same noise, and the right law with noise of their own."""

import numpy as np
import pytest
from minidl_kernels import walks as kernels

from minidl import graphs as G


@pytest.fixture(scope="module")
def layered():
    """The layers of a small graph, as arguments of the walks; and its nodes' number."""
    rng = np.random.default_rng(1)
    n = 25
    graph = G.csr(n, np.concatenate([np.stack([np.arange(n), (np.arange(n) + 1) % n], 1), rng.integers(0, 9, (15, 2))]))
    pairs = G.all_pairs(n)
    layers = G.layer_graph(n, pairs, G.structural_distances(*graph, pairs, compress=True))
    up = G.up_probabilities(n, layers.bounds, layers.distances)
    p = G.transition_probabilities(layers.bounds, layers.distances)
    assert (np.diff(layers.bounds)[-n:] == 0).any()  # somebody is missing in the last layer
    return (layers.bounds, layers.neighbours, *G.alias_tables(layers.bounds, p), up), p


@pytest.fixture(scope="module")
def graph():
    """Hubs, triangles, and an isolated node (the last)."""
    rng = np.random.default_rng(2)
    return G.csr(31, (30 * rng.random((70, 2)) ** 2).astype(int))


def same(got, expected):
    assert len(got) == len(expected)
    for x, y in zip(got, expected, strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)


def seed_of(seed):
    return int(np.random.default_rng(seed).integers(1 << 64, dtype=np.uint64))


# --- the same noise, the same walks --------------------------------------------------------------------------------------
def test_alias_tables_are_those_of_the_reference(layered):
    (bounds, *_), p = layered
    same(kernels.alias_tables(bounds, p), G.alias_tables(bounds, p))
    rows = [[1.0], [0.5, 0.5], [0.0, 1.0, 0.0], [1 / 3] * 3, [0.1] * 10]
    bounds = np.array([0, 0, *np.cumsum([len(row) for row in rows])])  # the first row is empty
    same(kernels.alias_tables(bounds, np.concatenate(rows)), G.alias_tables(bounds, np.concatenate(rows)))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("boundary", ["lazy", "forced"])
@pytest.mark.parametrize("q", [0.3, 1.0])
def test_multilayer_walks_are_those_of_the_reference(layered, boundary, q, dtype):
    """Some are finished, some run out of noise; going on with more noise is the same as more noise at once."""
    arguments, _ = layered
    rng = np.random.default_rng(3)
    starts, u = rng.integers(0, 25, 200), rng.random((200, 90, 2), dtype)
    expected = G.multilayer_walks(starts, *arguments, u, 28, q, boundary)
    assert q == 1 or len({*(expected.lengths == 28)}) == 2
    same(kernels.multilayer_walks(starts, *arguments, u, 28, q, boundary), expected)
    half = kernels.multilayer_walks(starts, *arguments, u[:, :30], 28, q, boundary)
    before = [array.copy() for array in half]
    if q < 1:
        same(kernels.advance_walks(*half, *arguments, u[:, 30:], q, boundary), expected)
    same(half, before)  # not changed


def test_walks_on_the_graph_are_those_of_the_reference(graph):
    rng = np.random.default_rng(4)
    starts = np.arange(31).repeat(5)
    for u in (rng.random((155, 20)), rng.random((155, 20), np.float32), np.empty((155, 0))):
        expected = G.first_order_walks(starts, *graph, u)
        assert (expected[-1, 1:] == -1).all()
        same([kernels.first_order_walks(starts, *graph, u)], [expected])
        for p, q in ((1, 1), (0.3, 4.0), (2, 0.5)):
            same([kernels.node2vec_walks(starts, *graph, u, p, q)], [G.node2vec_walks(starts, *graph, u, p, q)])


def test_embedding_walks_the_same_with_either_implementation():
    """Distances, layers and walks agree to the bit, so the same generator leads to the same walks."""
    graph = G.Graph.from_edges([(i, (i + 1) % 9) for i in range(9)] + [(0, 3), (0, 5), (9, 1)])
    settings = dict(dims=2, epochs=1, num_walks=2, walk_length=12, window=2)
    runs = [
        G.embed(graph, **settings, opt1=opt1, rng=np.random.default_rng(1), impl=impl)
        for opt1 in (False, True)
        for impl in ("reference", "kernels")
    ]
    for reference, twin in (runs[:2], runs[2:]):
        same([twin.walks, twin.distances.f], [reference.walks, reference.distances.f])


# --- noise of their own --------------------------------------------------------------------------------------------------
def test_noise_is_splitmix64():
    """The published generator, in Python's integers; and a sequence of its own for each walk."""
    mask = (1 << 64) - 1

    def mix(z):
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ z >> 27) * 0x94D049BB133111EB & mask
        return z ^ z >> 31

    golden = 0x9E3779B97F4A7C15
    assert mix(golden) == 0xE220A8397B1DCDAF  # the first output of the generator for seed 0, as published
    u = kernels.walk_noise(5, 7, 12345)
    for w in range(5):
        state = mix(12345 ^ mix(w + golden))
        for i in range(7):
            state = (state + golden) & mask
            assert u[w, i] == (mix(state) >> 11) * 2.0**-53


def test_noise_is_uniform_and_uncorrelated():
    """Hoeffding: a mean of N = 10^6 numbers in [0, 1] is off by t with a probability of 2 exp(-2 N t^2) at most: 1e-12 for
    0.0038; products of centred numbers lie in an interval of 1/2."""
    u = kernels.walk_noise(1000, 1000, 1)
    assert abs(u.mean() - 0.5) < 0.0038
    for shifted in (u[:, 1:] - 0.5, u[1:] - 0.5):
        assert abs((shifted * (u[: len(shifted), : shifted.shape[1]] - 0.5)).mean()) < 0.0038 / 2
    assert len(np.unique(u)) == u.size


@pytest.mark.parametrize("boundary", ["lazy", "forced"])
def test_drawn_multilayer_walks_are_those_of_their_noise(layered, boundary):
    arguments, _ = layered
    starts = np.arange(25).repeat(8)  # more than six groups of walks, the last not full
    got = kernels.draw_multilayer_walks(starts, *arguments, 15, 0.4, boundary, rng=np.random.default_rng(5))
    u = kernels.walk_noise(200, 2 * 300, seed_of(5)).reshape(200, 300, 2)
    expected = G.multilayer_walks(starts, *arguments, u, 15, 0.4, boundary)
    assert (expected.lengths == 15).all()
    same([got], [expected.nodes])


def test_drawn_first_order_walks_are_those_of_their_noise(graph):
    starts = np.arange(31).repeat(3)  # more than two groups of walks, the last not full
    got = kernels.draw_first_order_walks(starts, *graph, 20, rng=np.random.default_rng(6))
    same([got], [G.first_order_walks(starts, *graph, kernels.walk_noise(93, 19, seed_of(6)))])


@pytest.mark.parametrize(("p", "q"), [(1.0, 1.0), (0.25, 4.0), (4.0, 0.25), (0.5, 0.5)])
def test_drawn_node2vec_walks_have_the_law_of_the_weights(graph, p, q):
    """Steps t -> v -> x, of N walks through an edge, against alpha. Hoeffding for each of fewer than 1000 frequencies: off by
    sqrt(ln(2000 / 1e-9) / (2 N)) with a probability of 1e-12, all together 1e-9."""
    indptr, indices = graph
    start = 0
    walks = kernels.draw_node2vec_walks(np.full(300_000, start), *graph, 3, p, q, rng=np.random.default_rng(7))
    checked = 0
    for v in indices[indptr[start] : indptr[start + 1]]:
        through = walks[walks[:, 1] == v, 2]
        alpha = G.second_order_weights(*graph, start, v, p, q)
        row = indices[indptr[v] : indptr[v + 1]]
        frequency = np.array([(through == x).mean() for x in row])
        bound = np.sqrt(np.log(2000 / 1e-9) / (2 * len(through)))
        assert np.abs(frequency - alpha / alpha.sum()).max() < bound
        checked += len(row)
    assert 40 < checked < 1000  # and not none
    degree = np.diff(indptr)[start]
    first = np.bincount(walks[:, 1], minlength=31)[indices[indptr[start] : indptr[start + 1]]] / len(walks)
    assert np.abs(first - 1 / degree).max() < np.sqrt(np.log(2000 / 1e-9) / (2 * len(walks)))


def test_drawn_walks_follow_their_seed(graph, layered):
    arguments, _ = layered
    for draw, graph_of, nodes in (
        (kernels.draw_multilayer_walks, arguments, 25),
        (kernels.draw_first_order_walks, graph, 30),
        (kernels.draw_node2vec_walks, graph, 30),
    ):
        a, b, c = (draw(np.arange(nodes), *graph_of, 12, rng=np.random.default_rng(s)) for s in (1, 1, 2))
        same([a], [b])
        assert (a != c).any()
        assert (a[:, 0] == np.arange(nodes)).all()
    lonely = kernels.draw_node2vec_walks([30], *graph, 4, rng=np.random.default_rng(0))
    assert lonely.tolist() == [[30, -1, -1, -1]]


# --- the border ----------------------------------------------------------------------------------------------------------
def test_what_is_refused(layered, graph):
    arguments, p = layered
    u, rng = np.zeros((1, 3, 2)), np.random.default_rng(0)
    for bad in (p * 1.001, np.where(np.arange(len(p)) == 3, np.nan, p), np.where(np.arange(len(p)) == 3, -p, p)):
        with pytest.raises(ValueError, match="add up to 1"):
            kernels.alias_tables(arguments[0], bad)
    for q in (0.0, 1.5, np.nan):
        with pytest.raises(ValueError, match="q must be"):
            kernels.multilayer_walks([0], *arguments, u, 5, q)
    with pytest.raises(ValueError, match="boundary must be one of"):
        kernels.multilayer_walks([0], *arguments, u, 5, 0.3, "open")
    with pytest.raises(ValueError, match="L n \\+ 1"):
        kernels.multilayer_walks([0], arguments[0], *arguments[1:4], arguments[4][:1], u)
    with pytest.raises(ValueError, match="lie in"):
        kernels.multilayer_walks([0], *arguments, u + 1)
    with pytest.raises(ValueError, match="from -1 to 24"):
        kernels.multilayer_walks([25], *arguments, u)
    with pytest.raises(ValueError, match="from 0 to 24"):
        kernels.draw_multilayer_walks([25], *arguments, rng=rng)
    with pytest.raises(TypeError, match="default_rng"):
        kernels.draw_first_order_walks([0], *graph, rng=3)
    with pytest.raises(ValueError, match="ascend"):
        kernels.node2vec_walks([0], [0, 2, 4, 6], [2, 1, 2, 0, 1, 0], np.zeros((1, 3)))
    with pytest.raises(ValueError, match="from 0 to 30"):
        kernels.first_order_walks([31], *graph, np.zeros((1, 3)))
    with pytest.raises(ValueError, match="p must be"):
        kernels.node2vec_walks([0], *graph, np.zeros((1, 3)), p=0.0)
    empty = np.concatenate([[0, 0], arguments[0][2:] - arguments[0][1]])
    with pytest.raises(ValueError, match="node number 0 has nobody"):
        kernels.multilayer_walks([0], empty, *(a[arguments[0][1] :] for a in arguments[1:4]), arguments[4], u)


@pytest.mark.parametrize(
    ("table", "u", "said"),
    [
        (([], []), [0.5], "one row of a table"),
        (([1.0], [0, 0]), [0.5], "one row of a table"),
        (([1.0], [0]), [1.0], r"\[0, 1\)"),
        (([1.0], [0]), [np.nan], r"\[0, 1\)"),
        (([1.0], [0]), [-0.1], r"\[0, 1\)"),
    ],
)
def test_draws_from_a_table_are_checked(table, u, said):
    for implementation in (kernels, G):
        with pytest.raises(ValueError, match=said):
            implementation.alias_draw(np.array(table[0]), np.array(table[1], np.int32), np.array(u))


def test_draws_are_the_same_bit_by_bit():
    rng = np.random.default_rng(0)
    table = kernels.alias_tables(np.array([0, 50]), rng.dirichlet(np.ones(50)))
    u = rng.random((40, 30, 5))
    np.testing.assert_array_equal(kernels.alias_draw(*table, u), G.alias_draw(*table, u))
