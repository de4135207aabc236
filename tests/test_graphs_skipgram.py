"""Huffman trees, single steps and training of skip-gram, and the walks of DeepWalk and node2vec."""

import itertools
import math

import numpy as np
import pytest

from minidl import graphs as G

EPS = np.finfo(float).eps


# --- Huffman -----------------------------------------------------------------------------------------------------------
def best_cost(counts):
    """The least sum of counts times depths over all binary trees, by trying every pair at every merge."""
    if len(counts) == 1:
        return 0
    best = math.inf
    for i, j in itertools.combinations(range(len(counts)), 2):
        rest = [c for k, c in enumerate(counts) if k not in (i, j)]
        best = min(best, counts[i] + counts[j] + best_cost([*rest, counts[i] + counts[j]]))
    return best


def test_huffman_codes_are_the_shortest():
    rng = np.random.default_rng(0)
    for V in (1, 2, 3, 4, 5, 6):
        for _ in range(5):
            counts = rng.integers(1, 12, V)
            tree = G.huffman(counts)
            assert (counts * np.diff(tree.offsets)).sum() == best_cost(counts.tolist())


def test_huffman_paths_are_a_tree_with_distinct_codes():
    counts = np.random.default_rng(1).integers(1, 100, 40)
    offsets, nodes, bits = G.huffman(counts)
    codes, child = set(), {}
    for begin, end in itertools.pairwise(offsets.tolist()):
        assert nodes[begin] == 38  # the root was made last
        for j in range(begin, end - 1):
            assert child.setdefault((nodes[j], bits[j]), nodes[j + 1]) == nodes[j + 1]
        codes.add("".join(map(str, bits[begin:end].tolist())))
    assert len(codes) == 40
    assert not any(a != b and b.startswith(a) for a in codes for b in codes)
    assert sum(2.0 ** -len(code) for code in codes) == 1
    assert set(nodes.tolist()) == set(range(39))


def test_leaf_probabilities_add_up_to_one():
    rng = np.random.default_rng(2)
    for V in (1, 2, 17):
        tree = G.huffman(rng.integers(1, 50, V))
        for scale in (0.1, 3, 300):
            p = G.leaf_probabilities(scale * rng.normal(size=4), rng.normal(size=(V - 1, 4)), *tree)
            assert p.shape == (V,)
            # Leaves meet in at most 16 inner nodes, each of which adds an error of 4 eps and rounds its share of the sum.
            assert abs(p.sum() - 1) <= 16 * 8 * EPS


# --- single steps ------------------------------------------------------------------------------------------------------
def loss(x, theta, labels):
    z = theta @ x
    return np.logaddexp(0, np.where(labels == 1, -z, z)).sum()


def test_a_step_goes_down_the_gradient():
    rng = np.random.default_rng(3)
    x, theta, labels = rng.normal(size=5), rng.normal(size=(4, 5)), np.array([1, 0, 0, 1])
    step = G.logistic_update(x, theta, labels, 1.0)
    assert step.loss == pytest.approx(loss(x, theta, labels), rel=8 * EPS)
    h = 1e-5  # central differences: error h^2 times a third derivative below 10, and rounding eps / h
    for i in range(5):
        e = h * (np.arange(5) == i)
        slope = (loss(x + e, theta, labels) - loss(x - e, theta, labels)) / (2 * h)
        assert step.x[i] - x[i] == pytest.approx(-slope, abs=10 * h * h + 20 * EPS / h)
    for j, i in itertools.product(range(4), range(5)):
        e = h * np.outer(np.arange(4) == j, np.arange(5) == i)
        slope = (loss(x, theta + e, labels) - loss(x, theta - e, labels)) / (2 * h)
        assert step.theta[j, i] - theta[j, i] == pytest.approx(-slope, abs=10 * h * h + 20 * EPS / h)


def test_steps_of_the_two_objectives_are_logistic_steps():
    rng = np.random.default_rng(4)
    x, theta = rng.normal(size=3), rng.normal(size=(4, 3))
    for got, labels in (
        (G.hierarchical_update(x, theta, [1, 0, 0, 1], 0.1), [0, 1, 1, 0]),
        (G.negative_update(x, theta, 0.1), [1, 0, 0, 0]),
    ):
        expected = G.logistic_update(x, theta, labels, 0.1)
        np.testing.assert_array_equal(got.x, expected.x)
        np.testing.assert_array_equal(got.theta, expected.theta)


def test_large_arguments_do_not_overflow():
    step = G.logistic_update([1000.0], [[5.0], [-5.0]], [1, 1], 0.5)
    assert step.x.tolist() == [1000 + 0.5 * -5]
    assert step.theta.tolist() == [[5.0], [-5 + 500.0]]
    assert step.loss == 5000


# --- training ----------------------------------------------------------------------------------------------------------
def word2vec_pairs(walk, widths):
    walk = [v for v in walk if v >= 0]
    for i, width in zip(range(len(walk)), widths, strict=False):
        for j in range(max(0, i - width), min(len(walk), i + width + 1)):
            if j != i:
                yield i, j


@pytest.fixture
def corpus():
    rng = np.random.default_rng(5)
    walks = rng.integers(0, 6, (4, 9)).astype(np.int32)
    walks[1, 5:] = -1
    walks[0, :6] = range(6)
    return dict(
        walks=walks,
        widths=G.window_widths(rng.random((4, 9)), 3),
        rates=np.array([0.4, 0.3, 0.2, 0.1]),
        vectors=rng.normal(size=(6, 3)),
    )


def test_hierarchical_training_is_a_sequence_of_single_steps(corpus):
    tree = G.huffman(G.node_counts(corpus["walks"], 6))
    theta0 = np.random.default_rng(6).normal(size=(5, 3))
    got = G.train_hierarchical(*corpus.values(), theta0, *tree)
    x, theta = corpus["vectors"].copy(), theta0.copy()
    for walk, widths, rate in zip(corpus["walks"], corpus["widths"], corpus["rates"], strict=True):
        for i, j in word2vec_pairs(walk, widths):
            path = slice(*tree.offsets[walk[i] : walk[i] + 2])
            rows = tree.nodes[path]
            step = G.hierarchical_update(x[walk[j]], theta[rows], tree.bits[path], rate)
            x[walk[j]], theta[rows] = step.x, step.theta
    # About 100 steps, each with relative errors of a few eps in numbers of size 3; steps contract rather than amplify.
    np.testing.assert_allclose(got.vectors, x, rtol=0, atol=2000 * EPS)
    np.testing.assert_allclose(got.theta, theta, rtol=0, atol=2000 * EPS)
    assert not (got.vectors == corpus["vectors"]).all()


def test_negative_training_is_a_sequence_of_single_steps(corpus):
    rng = np.random.default_rng(7)
    theta0 = rng.normal(size=(6, 3))
    negatives = rng.integers(0, 6, (4, 9, 6, 2)).astype(np.int32)
    got = G.train_negative(*corpus.values(), theta0, negatives)
    x, theta = corpus["vectors"].copy(), theta0.copy()
    doubles = 0
    for s, (walk, widths, rate) in enumerate(zip(corpus["walks"], corpus["widths"], corpus["rates"], strict=True)):
        for i, j in word2vec_pairs(walk, widths):
            drawn = [v for v in negatives[s, i, j - i + 3 - (j > i)] if v != walk[i]]
            rows = [walk[i], *drawn]
            doubles += len(set(rows)) < len(rows)
            step = G.negative_update(x[walk[j]], theta[rows], rate)
            change = step.theta - theta[rows]
            x[walk[j]] = step.x
            for row, delta in zip(rows, change, strict=True):
                theta[row] += delta
    assert doubles > 3
    np.testing.assert_allclose(got.vectors, x, rtol=0, atol=2000 * EPS)
    np.testing.assert_allclose(got.theta, theta, rtol=0, atol=2000 * EPS)


def test_a_group_is_updated_from_the_same_old_values():
    walks, widths = np.array([[0, 1, 0]]), np.array([[0, 1, 0]])  # node 1 is predicted from node 0, twice
    tree = G.huffman([2, 1])
    x0, theta0 = np.array([[0.5, 1.0], [2.0, 0.0]]), np.array([[0.3, -0.2]])
    got = G.train_hierarchical(walks, widths, [0.1], x0, theta0, *tree, group=2)
    step = G.hierarchical_update(x0[0], theta0, tree.bits[tree.offsets[1] :], 0.1)
    np.testing.assert_allclose(got.vectors[0], x0[0] + 2 * (step.x - x0[0]), rtol=8 * EPS)
    np.testing.assert_allclose(got.theta, theta0 + 2 * (step.theta - theta0), rtol=8 * EPS)
    one = G.train_hierarchical(walks, widths, [0.1], x0, theta0, *tree)
    assert not np.allclose(one.vectors, got.vectors, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_are_kept_and_inputs_unchanged(corpus, dtype):
    tree = G.huffman(G.node_counts(corpus["walks"], 6))
    corpus["vectors"] = corpus["vectors"].astype(dtype)
    before, theta = corpus["vectors"].copy(), np.zeros((5, 3), dtype)
    got = G.train_hierarchical(*corpus.values(), theta, *tree)
    assert got.vectors.dtype == got.theta.dtype == dtype
    assert not theta.any()
    np.testing.assert_array_equal(corpus["vectors"], before)


def test_training_raises_the_likelihood_to_that_of_the_data():
    """0 and 1 alternate, and so do 2 and 3: the other node of the pair is certain."""
    walks = np.array([[0, 1] * 20, [2, 3] * 20] * 30, np.int32)
    trained = G.train_skipgram(
        walks, 4, dims=4, window=1, epochs=5, first_rate=0.5, rng=np.random.default_rng(0), impl="reference"
    )
    tree = G.huffman(G.node_counts(walks, 4))
    widths = np.ones(walks.shape, np.int32)
    assert G.hierarchical_log_likelihood(walks, widths, *trained, *tree) > -0.05
    zeros = np.zeros((4, 4)), np.zeros((3, 4))
    assert G.hierarchical_log_likelihood(walks, widths, *zeros, *tree) == pytest.approx(-2 * math.log(2), rel=8 * EPS)


def test_training_with_negatives_separates_the_pairs():
    walks = np.array([[0, 1] * 10, [2, 3] * 10] * 20, np.int32)
    vectors, theta = G.train_skipgram(
        walks, 4, dims=4, window=1, epochs=3, first_rate=0.5, objective="negative", negatives=3,
        rng=np.random.default_rng(0), impl="reference",
    )  # fmt: skip
    scores = vectors @ theta.T
    assert scores.argmax(axis=1).tolist() == [1, 0, 3, 2]


def test_noise_rates_and_counts():
    assert G.window_widths([[0.0, 0.3, 0.7, np.nextafter(1, 0)]], 3).tolist() == [[1, 1, 3, 3]]
    rates = G.learning_rates(10, 2, [4, 4], 0.03, 0.01)
    np.testing.assert_allclose(rates, [0.03 - 0.02 * 0.2, 0.03 - 0.02 * 0.6], rtol=4 * EPS)
    assert G.node_counts([[0, 2, -1], [2, 2, 2]], 4).tolist() == [1, 0, 4, 0]
    np.testing.assert_allclose(G.negative_probabilities([16, 0, 1]), [8 / 9, 0, 1 / 9], rtol=4 * EPS)
    walks = np.array([[0, 1, 0, 1], [1, 0, -1, -1]])
    u = np.array([[0.1, 0.5, 0.9, 0.4], [0.1, 0.1, 0.1, 0.1]])
    assert G.subsample(walks, [0.5, 0.45], u).tolist() == [[0, 1, -1, -1], [1, 0, -1, -1]]
    assert G.keep_probability([1, 10**9])[0] == 1
    assert G.initial_vectors(np.array([[0.0, 0.75]])).tolist() == [[-0.25, 0.125]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(dims=0), "dims must be at least 1"),
        (dict(window=0), "window must be at least 1"),
        (dict(epochs=0), "epochs must be at least 1"),
        (dict(negatives=0), "negatives must be at least 1"),
        (dict(group=0), "group must be at least 1"),
        (dict(objective="both"), "objective must be one of"),
        (dict(first_rate=0.0), "first_rate must be"),
        (dict(first_rate=0.1, last_rate=0.2), "last_rate must be"),
        (dict(sample=0.0), "sample must be"),
        (dict(dtype=np.float16), "dtype must be float32 or float64"),
        (dict(n=3), "node number 2 is on no walk"),
        (dict(n=1), "from -1 to 0, got 1"),
        (dict(impl="fast"), "impl must be one of"),
    ],
)
def test_what_training_refuses(change, words):
    given = dict(walks=np.array([[0, 1]]), n=2, rng=np.random.default_rng(0), impl="reference")
    with pytest.raises(ValueError, match=words):
        G.train_skipgram(**(given | change))
    with pytest.raises(TypeError, match="default_rng"):
        G.train_skipgram(**(given | dict(rng=3)))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: G.huffman([]), "must not be empty"),
        (lambda: G.huffman([3, 0]), "from 1"),
        (lambda: G.logistic_update([1.0], [[1.0, 2.0]], [1], 0.1), r"expected x \(d,\)"),
        (lambda: G.logistic_update([1.0], [[1.0]], [2], 0.1), "zeros and ones"),
        (
            lambda: G.train_hierarchical(
                [[0, -1, 0]], [[1, 1, 1]], [0.1], np.zeros((2, 1)), np.zeros((1, 1)), [0, 1, 2], [0, 0], [0, 1]
            ),
            "must not go on",
        ),
        (
            lambda: G.train_hierarchical(
                [[0, 1]], [[1, 1]], [0.1], np.zeros((2, 1)), np.zeros((2, 1)), [0, 1, 2], [0, 0], [0, 1]
            ),
            "theta must have 1 rows",
        ),
        (
            lambda: G.train_negative(
                [[0, 1]], [[2, 2]], [0.1], np.zeros((2, 1)), np.zeros((2, 1)), np.zeros((1, 2, 2, 1), int)
            ),
            "at least 4, got 2",
        ),
    ],
)
def test_what_the_parts_refuse(call, words):
    with pytest.raises(ValueError, match=words):
        call()


# --- DeepWalk and node2vec ---------------------------------------------------------------------------------------------
EDGES = [(0, 1), (0, 2), (1, 2), (2, 3), (3, 4)]


def test_first_order_walks_take_the_neighbour_that_the_noise_says():
    graph = G.csr(6, EDGES)
    u = np.array([[0.0, 0.67, 0.99], [0.5, 0.0, 0.34], [0.9, 0.9, 0.9]])
    assert G.first_order_walks([0, 3, 5], *graph, u).tolist() == [[0, 1, 2, 3], [3, 4, 3, 2], [5, -1, -1, -1]]


def test_node2vec_weights():
    graph = G.csr(6, EDGES)
    assert G.second_order_weights(*graph, 0, 2, p=4.0, q=0.5).tolist() == [0.25, 1.0, 2.0]  # back, near 0, away
    assert G.second_order_weights(*graph, 3, 2, p=4.0, q=0.5).tolist() == [2.0, 2.0, 0.25]


def test_node2vec_with_p_and_q_one_is_deepwalk():
    rng = np.random.default_rng(8)
    graph = G.csr(6, EDGES)
    starts = G.walk_starts(rng.random((20, 6)))
    u = rng.random((120, 9))
    np.testing.assert_array_equal(G.node2vec_walks(starts, *graph, u, 1.0, 1.0), G.first_order_walks(starts, *graph, u))


def test_node2vec_second_steps_on_a_grid_of_uniforms():
    graph = G.csr(6, EDGES)
    u = np.stack([np.full(1300, 0.9), (np.arange(1300) + 0.5) / 1300], axis=1)
    walks = G.node2vec_walks(np.zeros(1300, int), *graph, u, p=4.0, q=0.5)  # 0, 2, then weights 1/4, 1, 2
    assert (walks[:, 1] == 2).all()
    assert np.bincount(walks[:, 2]).tolist() == [100, 400, 0, 800]


@pytest.mark.parametrize("change", [dict(p=0.0), dict(q=-1.0), dict(p=np.inf)])
def test_node2vec_refuses_other_weights(change):
    with pytest.raises(ValueError, match="must be a finite number in"):
        G.node2vec_walks([0], *G.csr(6, EDGES), np.zeros((1, 3)), **change)
