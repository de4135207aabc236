"""Skip-gram in loops and in vectors of 64 bytes: the reference's results to rounding, and what holds without the reference.

Both ways of computing are tested, the plain loops with SIMD switched off.
"""

from functools import partial

import numpy as np
import pytest
from minidl_kernels import cpu, skipgram

from minidl import graphs as G
from minidl.graphs import skipgram as reference

WAYS = ("plain", "simd")
dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32])


@pytest.fixture(params=WAYS)
def way(request, monkeypatch):
    """The module of the kernels, kept to one way of computing."""
    if request.param == "plain":
        monkeypatch.setattr(cpu, "has", lambda *names: False)
    elif not cpu.has(*cpu.AVX512):
        pytest.skip("this processor has no vectors of 64 bytes")
    return skipgram


def problem(dtype, d, V, seed=0, S=3, L=14, window=4):
    """Walks that end early, nodes that come again within a window, rows of size 1, rates as in practice."""
    rng = np.random.default_rng(seed)
    walks = rng.integers(0, V, (S, L)).astype(np.int32)
    walks[0, 9:], walks[1, 1:] = -1, -1
    walks[2, 3:6] = walks[2, 3]
    widths = G.window_widths(rng.random((S, L)), window)
    x, inner, outputs = (rng.normal(size=(n, d)).astype(dtype) / np.sqrt(d) for n in (V, V - 1, V))
    tree = G.huffman((1.7 ** rng.permutation(V)).astype(int) + 1)  # codes of up to V - 1 bits
    negatives = rng.integers(0, V, (S, L, 2 * window, 5)).astype(np.int32)  # some twice, some the centre
    return walks, widths, np.linspace(0.05, 0.02, S), x, inner, outputs, tree, negatives


def agree_like_one_ulp_of_input(got, train, x, theta):
    """The tolerance of the library's agreement: 8 times what an ulp of the input moves, plus 8 ulps of the largest entry."""
    expected, rng = train(x, theta), np.random.default_rng(9)
    spread = [np.zeros(()), np.zeros(())]
    for _ in range(3):
        moved = train(*(np.nextafter(a, rng.choice([-9, 9], a.shape).astype(a.dtype)) for a in (x, theta)))
        spread = [max(s, np.abs(m - e).max(initial=0)) for s, m, e in zip(spread, moved, expected, strict=True)]
    for have, want, s, before in zip(got, expected, spread, (x, theta), strict=True):
        assert have.dtype == want.dtype
        assert have.shape == want.shape
        assert have.flags.c_contiguous
        bound = 8 * s + 8 * np.finfo(want.dtype).eps * np.abs(want).max(initial=0)
        assert np.abs(have - want).max(initial=0) <= bound
        assert np.abs(want - before).max(initial=0) > 100 * bound  # training moves far more than the bound


# --- beside the reference ------------------------------------------------------------------------------------------------
@dtypes
@pytest.mark.parametrize("d", [1, 3, 20, 128])
@pytest.mark.parametrize("group", [1, 2, 3, 4, 7, 100])
@pytest.mark.parametrize("V", [5, 25])
def test_training_agrees_with_the_reference(way, dtype, d, group, V):
    walks, widths, rates, x, inner, outputs, tree, negatives = problem(dtype, d, V)
    assert V == 5 or np.diff(tree.offsets).max() > 16  # more rows than a vector has lanes

    def hierarchical(module, vectors, theta):
        return module.train_hierarchical(walks, widths, rates, vectors, theta, *tree, group=group)

    def negative(module, vectors, theta):
        return module.train_negative(walks, widths, rates, vectors, theta, negatives, group=group)

    for train, theta in ((hierarchical, inner), (negative, outputs)):
        agree_like_one_ulp_of_input(train(way, x, theta), partial(train, reference), x, theta)


def test_arguments_stay_as_they_are(way):
    walks, widths, rates, x, inner, outputs, tree, negatives = problem(np.float32, 20, 12)
    given = (walks, widths, rates, x, inner, outputs, *tree, negatives)
    before = [a.copy() for a in given]
    way.train_hierarchical(walks, widths, rates, x, inner, *tree)
    way.train_negative(walks, widths, rates, x, outputs, negatives)
    for a, b in zip(given, before, strict=True):
        np.testing.assert_array_equal(a, b)


# --- without the reference -----------------------------------------------------------------------------------------------
def test_one_step_has_the_published_digits(way):
    """x = (0.1, -0.2) and two inner nodes with bits 1 and 0, at rate 0.025, worked out by hand."""
    offsets, nodes, bits = np.array([0, 2, 2, 2]), np.array([0, 1], np.int32), np.array([1, 0], np.uint8)
    x, theta = np.array([[5.0, 5.0], [0.1, -0.2], [5.0, 5.0]]), np.array([[0.3, 0.1], [-0.2, 0.4]])
    got = way.train_hierarchical([[0, 1]], [[1, 0]], [0.025], x, theta, offsets, nodes, bits)
    np.testing.assert_allclose(got.vectors[1], [0.0936063542, -0.1960064581], rtol=0, atol=5e-11)
    expected = [[0.2987437501, 0.1025124999], [-0.1986875520, 0.3973751041]]
    np.testing.assert_allclose(got.theta, expected, rtol=0, atol=5e-11)
    np.testing.assert_array_equal(got.vectors[[0, 2]], 5)


@dtypes
@pytest.mark.parametrize("contexts", [(0, 1), (0, 1, 2), (0, 1, 2, 3), (0, 1, 0, 2), (3, 3, 3, 3, 3), tuple(range(11))])
def test_a_window_is_its_contexts_one_after_the_other(way, dtype, contexts):
    """With group 1, a centre after its contexts is the same as walks of two nodes, each context before that centre.

    So the sums that make up for taking contexts at once are exact, but for rounding. A step rounds five dot products (of d
    terms, at most N^2 together, seen through sigma' <= 1/4 and the rate), sigmas and sums: (d + 8) eps N^3 at most; and it
    enlarges an earlier error by at most 1 + 5 rate (1 + N^2 / 2) < 1.5.
    """
    rng, d, rate = np.random.default_rng(4), 24, 0.05
    x, theta = (rng.uniform(-0.25, 0.25, (12, d)).astype(dtype) for _ in range(2))  # N^2 <= 24 / 16
    tree = (np.append(np.zeros(12, int), 5), np.array([7, 2, 9, 0, 4], np.int32), np.array([1, 0, 0, 1, 1], np.uint8))
    c, centre = len(contexts), 11
    got = way.train_hierarchical([[*contexts, centre]], [[0] * c + [c]], [rate], x, theta[:11], *tree)
    pairs = [[v, centre] for v in contexts]
    expected = way.train_hierarchical(pairs, [[0, 1]] * c, [rate] * c, x, theta[:11], *tree)
    for have, want in zip(got, expected, strict=True):
        assert np.abs(have - want).max() <= c * (d + 8) * np.finfo(dtype).eps * 1.5**1.5 * 1.5**c
    assert np.abs(got.theta - theta[:11]).max() > 1e-3


@dtypes
def test_a_negative_drawn_twice_counts_twice_and_the_centre_not_at_all(way, dtype):
    """One step in closed form: node 1 predicts node 0, with 2 drawn twice, 3 once, and 0 itself twice."""
    rng = np.random.default_rng(5)
    x, y = (rng.uniform(-1, 1, (4, 3)).astype(dtype) for _ in range(2))
    negatives = np.zeros((1, 2, 2, 5), np.int32)
    negatives[0, 0, 1] = [2, 0, 3, 2, 0]  # the slot after the centre
    got = way.train_negative([[0, 1]], [[1, 0]], [0.1], x, y, negatives)
    X, Y = x[1].astype(np.float64), y.astype(np.float64)
    g = 0.1 * (np.array([1, 0, 0, 0]) - 1 / (1 + np.exp(-Y @ X))) * [1, 0, 2, 1]
    bound = 16 * np.finfo(dtype).eps  # a dozen roundings of numbers of at most 1
    assert np.abs(got.vectors[1] - (X + g @ Y)).max() <= bound
    assert np.abs(got.theta - (Y + g[:, None] * X)).max() <= bound
    np.testing.assert_array_equal(got.vectors[[0, 2, 3]], x[[0, 2, 3]])


@dtypes
def test_certain_predictions_stay_finite(way, dtype):
    """sigma is 0 or 1 where z is +-2e4, or infinite: a wrong certainty moves by the rate, a right one not at all."""
    big = np.sqrt(np.finfo(dtype).max)
    for size in (100.0, 2 * big):
        x, theta = np.full((2, 2), size, dtype), np.full((1, 2), size, dtype)
        for bit, move in ((0, 0.0), (1, -0.5)):
            tree = (np.array([0, 1, 1]), np.array([0], np.int32), np.array([bit], np.uint8))
            with np.errstate(over="ignore"):
                got = way.train_hierarchical([[0, 1]], [[1, 0]], [0.5], x, theta, *tree)
            np.testing.assert_array_equal(got.vectors[1], x[1] + dtype(move) * theta[0])
            np.testing.assert_array_equal(got.theta[0], theta[0] + dtype(move) * x[1])


def test_updating_four_contexts_together_reaches_the_same_likelihood(way):
    """Two clusters of nodes, one epoch: the mean log-likelihood of group 4 is within 0.02 of that of group 1."""
    rng = np.random.default_rng(6)
    n, d = 24, 16
    walks = (rng.integers(0, n // 2, (400, 40)) + n // 2 * rng.integers(0, 2, (400, 1))).astype(np.int32)
    widths, tree = G.window_widths(rng.random(walks.shape), 5), G.huffman(G.node_counts(walks, n))
    rates = G.learning_rates(walks.size, 0, np.full(400, 40))
    x = ((rng.random((n, d)) - 0.5) / d).astype(np.float32)
    likelihood = []
    for group in (1, 4):
        trained = way.train_hierarchical(walks, widths, rates, x, np.zeros((n - 1, d), np.float32), *tree, group=group)
        likelihood.append(G.hierarchical_log_likelihood(walks[::20], widths[::20], *trained, *tree))
    assert abs(likelihood[0] - likelihood[1]) <= 0.02
    assert min(likelihood) > -np.log(n) + 0.5  # it has learned most of log 2, what the clusters are worth


# --- the border ----------------------------------------------------------------------------------------------------------
def test_nothing_to_do_is_done(way):
    for walks in (np.zeros((0, 5), np.int32), np.zeros((2, 0), np.int32), np.full((2, 3), -1, np.int32)):
        widths, rates = np.ones(walks.shape, np.int32), np.ones(len(walks))
        x, theta, tree = np.ones((3, 4)), np.ones((2, 4)), G.huffman([1, 2, 3])
        got = way.train_hierarchical(walks, widths, rates, x, theta, *tree)
        np.testing.assert_array_equal(got.vectors, x)
        got = way.train_negative(walks, widths, rates, x, x, np.zeros((*walks.shape, 2, 5), np.int32))
        np.testing.assert_array_equal(got.theta, x)
    alone = way.train_hierarchical([[0, 0, 0]], [[1, 1, 1]], [0.1], np.ones((1, 4)), np.ones((0, 4)), *G.huffman([3]))
    np.testing.assert_array_equal(alone.vectors, np.ones((1, 4)))
    assert alone.theta.shape == (0, 4)


WALKS, WIDTHS, NEGATIVES = np.array([[0, 1, 2]]), np.array([[1, 1, 1]]), np.zeros((1, 3, 2, 1), np.int32)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(walks=[[0, 1, 3]]), "walks must hold integers from -1 to 2, got 0 to 3"),
        (dict(walks=[[0, -1, 2]]), "a walk must not go on after -1"),
        (dict(widths=[[1, 1]]), r"walks and widths must have one shape \(S, L\), got \(1, 3\) and \(1, 2\)"),
        (dict(widths=[[1, -1, 1]]), "widths must be at least 0, got -1"),
        (dict(rates=[np.nan]), "rates must be finite, one for each of 1 walks"),
        (dict(vectors=np.ones((3, 5))), "of one dtype, got float64"),
        (dict(theta=np.ones((3, 4), np.float32)), "got float64 .3, 4. and float32 .3, 4."),
        (dict(group=0), "group must be at least 1, got 0"),
    ],
)
def test_bad_arguments_are_refused(change, message):
    settings = dict(walks=WALKS, widths=WIDTHS, rates=[0.1], vectors=np.ones((3, 4)), theta=np.ones((2, 4)))
    offsets, nodes, bits = G.huffman([1, 2, 3])
    with pytest.raises(ValueError, match=message):
        skipgram.train_hierarchical(**settings | dict(offsets=offsets, nodes=nodes, bits=bits) | change)
    with pytest.raises(ValueError, match=message):
        skipgram.train_negative(**settings | dict(theta=np.ones((3, 4)), negatives=NEGATIVES) | change)


def test_bad_trees_and_negatives_are_refused():
    given = (WALKS, WIDTHS, [0.1], np.ones((3, 4)), np.ones((2, 4)))
    offsets, nodes, bits = G.huffman([1, 2, 3])
    for tree, message in (
        ((offsets[:-1], nodes, bits), "the tree must have 3 leaves, one for each vector, got 2"),
        ((offsets, nodes, bits[:-1]), "the tree must have 3 leaves"),
        ((offsets + 1, nodes, bits), "offsets must start at 0, never fall, and end at 5"),
        ((offsets, nodes + 1, bits), "nodes must hold integers from 0 to 1, got 1 to 2"),
    ):
        with pytest.raises(ValueError, match=message):
            skipgram.train_hierarchical(*given, *tree)
    given = (*given[:4], np.ones((3, 4)))
    for negatives, message in (
        (NEGATIVES[0], r"negatives must have shape \(1, 3, '2 window', 'm'\), got"),
        (NEGATIVES[:, :, :1], "negatives must have 2 window slots, at least 2, got 1"),
        (NEGATIVES + 3, "negatives must hold integers from 0 to 2, got 3 to 3"),
    ):
        with pytest.raises(ValueError, match=message):
            skipgram.train_negative(*given, negatives)
