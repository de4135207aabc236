"""Layer weights, transition rows, Gamma, alias tables and walks on the layered graph."""

import math
from itertools import pairwise

import numpy as np
import pytest

from minidl import graphs as G

EPS = np.finfo(float).eps


def symmetric(rng, n, scale=3.0, missing=0.2):
    f = np.triu(rng.exponential(scale, (n, n)), 1)
    f[np.triu(rng.random((n, n)) < missing, 1)] = np.inf
    return f + f.T


def flat(f):
    """The layers of matrices (L, n, n), by way of pairs."""
    n = f.shape[1]
    pairs = G.all_pairs(n)
    return G.layer_graph(n, pairs, f[:, pairs[:, 0], pairs[:, 1]].T)


def tables(layers, n, convention="paper"):
    threshold, alias = G.alias_tables(layers.bounds, G.transition_probabilities(layers.bounds, layers.distances))
    up = G.up_probabilities(n, layers.bounds, layers.distances, convention)
    return layers.bounds, layers.neighbours, threshold, alias, up


# --- weights and rows --------------------------------------------------------------------------------------------------
def test_rows_are_proportional_to_the_weights():
    f = symmetric(np.random.default_rng(0), 12)
    w = np.where(np.eye(12) > 0, 0, G.layer_weights(f))
    expected = w / w.sum(axis=1, keepdims=True)
    # 12 exponentials and a sum of 11 additions, a quotient; exp of an argument rounded at up to 30.
    np.testing.assert_allclose(G.transition_rows(f), expected, rtol=60 * EPS)
    pi = w.sum(axis=1) / w.sum()  # reversible: pi_u p(v | u) is symmetric
    flow = pi[:, None] * G.transition_rows(f)
    np.testing.assert_allclose(flow, flow.T, rtol=120 * EPS)


def test_flat_layers_hold_what_the_matrices_hold():
    f = np.stack([symmetric(np.random.default_rng(k), 7, missing=0.2 * k) for k in range(4)])
    f[3, 2] = f[3, :, 2] = np.inf  # node 2 has vanished from the last layer
    bounds, neighbours, distances = layers = flat(f)
    p = G.transition_probabilities(bounds, distances)
    assert len(bounds) == 4 * 7 + 1
    for k in range(4):
        rows = G.transition_rows(f[k])
        for u in range(7):
            row = slice(bounds[7 * k + u], bounds[7 * k + u + 1])
            off = np.arange(7) != u
            assert neighbours[row].tolist() == np.flatnonzero(np.isfinite(f[k, u]) & off).tolist()
            np.testing.assert_array_equal(p[row], rows[u, neighbours[row]])
    up = G.up_probabilities(7, bounds, distances)
    for k in range(4):
        np.testing.assert_array_equal(up[k], G.up_probability(G.gamma(f[k])))
    assert up[3, 2] == 0.5
    assert layers.neighbours.dtype == np.int32


def test_a_star_of_800_leaves_has_no_nan():
    n = 801
    graph = G.csr(n, [(0, leaf) for leaf in range(1, n)])
    pairs = G.all_pairs(n)
    leaf = G.structural_distances(*graph, [[0, 1], [1, 2]])
    assert leaf[0].tolist() == [799, 799 * 801, np.inf]  # then 800 leaves against the hub, each 799
    f = np.where((pairs[:, :1] == 0), leaf[0], leaf[1])
    bounds, _, distances = G.layer_graph(n, pairs, f)
    p = G.transition_probabilities(bounds, distances)
    assert math.exp(-799) == 0
    np.testing.assert_allclose(p[: bounds[1]], 1 / 800, rtol=900 * EPS)  # a sum of 800 ones
    assert p[bounds[1]] == 0  # the first leaf never goes to the hub
    assert np.isfinite(p).all()
    G.alias_tables(bounds, p)
    up = G.up_probabilities(n, bounds, distances)
    assert ((up >= 0.5) & (up < 1)).all()


def test_duplicates_double_the_probability():
    f = np.log([[1.0], [2.0], [4.0]])  # weights 1, 1/2, 1/4
    pairs = [[0, 1], [0, 2], [1, 2]]
    bounds, neighbours, distances = G.layer_graph(3, pairs, f, [1, 2, 1])
    assert neighbours[: bounds[1]].tolist() == [1, 2, 2]
    p = G.transition_probabilities(bounds, distances)[: bounds[1]]
    np.testing.assert_allclose(p, [0.5, 0.25, 0.25], rtol=8 * EPS)


@pytest.mark.parametrize("n", [2, 3, 10, 11, 14, 15, 16, 18, 22, 26, 29, 32, 38, 57])
def test_equal_weights_are_not_above_their_mean(n):
    for value in (0.0, 0.1, 1 / 3, 700.0, 1e5):
        for options in ({}, dict(average="all_pairs"), dict(convention="official")):
            assert not G.gamma(np.full((n, n), value), **options).any()


def test_gamma_of_weights_that_underflow():
    f = np.full((4, 4), 2000.0)
    f[0, 1] = f[1, 0] = 1000
    assert G.gamma(f).tolist() == [1, 1, 0, 0]


def test_gamma_counts_in_exact_arithmetic():
    from fractions import Fraction

    rng = np.random.default_rng(1)
    for _ in range(20):
        n = 7
        power = np.triu(rng.integers(0, 6, (n, n)), 1)
        gone = np.triu(rng.random((n, n)) < 0.3, 1)
        power, gone = power + power.T, gone | gone.T | np.eye(n, dtype=bool)
        f = np.where(gone, np.inf, power * math.log(2))
        w = [[Fraction(0) if gone[u, v] else Fraction(1, 2 ** int(power[u, v])) for v in range(n)] for u in range(n)]
        total, edges = sum(map(sum, w)), int((~gone).sum())
        for average, count in (("defined", edges), ("all_pairs", n * (n - 1))):
            assert G.gamma(f, average=average).tolist() == [sum(x > total / count for x in row) for row in w]
        present = sum(any(row) for row in w)
        official = [sum(x / sum(row) > Fraction(present, edges) for x in row) if any(row) else 0 for row in w]
        assert G.gamma(f, "official").tolist() == official


def test_up_probability_grows_with_gamma():
    up = G.up_probability(np.arange(10_000))
    assert up[0] == 0.5
    assert (np.diff(up) > 0).all()
    assert up[-1] < 1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: G.layer_weights([-1.0]), "at least 0"),
        (lambda: G.layer_weights([np.nan]), "at least 0"),
        (lambda: G.transition_rows(np.zeros((2, 3))), r"f must be \(n, n\)"),
        (lambda: G.gamma(np.zeros((2, 2)), "theirs"), "convention must be one of 'paper', 'official'"),
        (lambda: G.gamma(np.zeros((2, 2)), average="mean"), "average must be one of"),
        (lambda: G.up_probability(-1), "at least 0"),
        (lambda: G.layer_graph(2, [[0, 0]], [[0.0]]), "two different nodes"),
        (lambda: G.layer_graph(2, [[0, 1]], [0.0]), "a row for each pair"),
        (lambda: G.layer_graph(2, [[0, 1]], [[np.nan]]), "at least 0"),
        (lambda: G.transition_probabilities([0, 1], [np.inf]), "finite"),
        (lambda: G.transition_probabilities([0, 2], [1.0]), "must end at 1"),
        (lambda: G.up_probabilities(2, [0, 1], [1.0]), "L n"),
        (lambda: G.alias_tables([0, 2], [0.5, 0.4]), "add up to 1"),
        (lambda: G.alias_tables([0, 2], [1.5, -0.5]), "add up to 1"),
        (lambda: G.alias_tables([0, 1], [np.nan]), "add up to 1"),
        (lambda: G.alias_draw([], [], 0.5), "one row"),
        (lambda: G.alias_draw([1.0], [0], 1.0), r"in \[0, 1\)"),
    ],
)
def test_what_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


# --- alias tables ------------------------------------------------------------------------------------------------------
def test_alias_tables_hold_the_probabilities():
    rng = np.random.default_rng(2)
    sizes = np.array([1, 5, 0, 40, 3])
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    p = np.concatenate([x / x.sum() for size in sizes if size for x in [rng.exponential(1, size) ** 4]])
    threshold, alias = G.alias_tables(bounds, p)
    for begin, end in pairwise(bounds.tolist()):
        n = end - begin
        mass = threshold[begin:end].copy()
        np.add.at(mass, alias[begin:end], 1 - threshold[begin:end])
        # n entries in units of 1 / n; each of at most n transfers rounds at most n (the largest share) times eps.
        np.testing.assert_allclose(mass / max(n, 1), p[begin:end], rtol=0, atol=2 * EPS * max(n, 1))


def test_alias_draw_on_a_grid_of_uniforms():
    p = np.array([0.5, 0.125, 0.375])
    threshold, alias = G.alias_tables([0, 3], p)
    u = (np.arange(24_000) + 0.5) / 24_000  # every part of the unit interval alike
    assert np.bincount(G.alias_draw(threshold, alias, u)).tolist() == [12_000, 3_000, 9_000]
    assert G.alias_draw(threshold, alias, np.nextafter(1, 0)) in (0, 1, 2)


# --- walks -------------------------------------------------------------------------------------------------------------
def walk_alone(start, bounds, neighbours, threshold, alias, up, noise, walk_length, q, boundary):
    """The algorithm for one walker, line by line."""
    L, n = up.shape
    path, k, u = [start], 0, start
    there = lambda layer, v: 0 <= layer < L and bounds[layer * n + v + 1] > bounds[layer * n + v]  # noqa: E731
    for r, s in noise:
        if len(path) == walk_length:
            break
        if r < q:
            row = slice(bounds[k * n + u], bounds[k * n + u + 1])
            u = int(neighbours[row][int(G.alias_draw(threshold[row], alias[row], s))])
            path.append(u)
            continue
        rise = s <= up[k, u]
        if boundary == "forced" and not there(k + 1, u):
            rise = False
        if boundary == "forced" and k == 0:
            rise = True
        if rise and there(k + 1, u):
            k += 1
        elif not rise and k > 0:
            k -= 1
    return path, k


@pytest.mark.parametrize("boundary", ["lazy", "forced"])
@pytest.mark.parametrize("q", [0.3, 1.0])
def test_walks_beside_one_walker_at_a_time(boundary, q):
    rng = np.random.default_rng(3)
    n = 8
    f = np.stack([symmetric(rng, n, missing=0.25 * k) for k in range(3)])
    f[2, :3] = f[2, :, :3] = np.inf  # nodes 0, 1 and 2 have vanished from the top
    stack = tables(flat(f), n)
    starts = G.walk_starts(rng.random((3, n)))
    u = rng.random((len(starts), 60, 2))
    got = G.multilayer_walks(starts, *stack, u, 20, q, boundary)
    for w, start in enumerate(starts.tolist()):
        path, layer = walk_alone(start, *stack, u[w], 20, q, boundary)
        assert got.nodes[w].tolist() == path + [-1] * (20 - len(path))
        assert (got.lengths[w], got.layers[w]) == (len(path), layer)
    assert (got.lengths == 20).any()
    if q < 1:
        assert (got.lengths < 20).any()
    first = G.multilayer_walks(starts, *stack, u[:, :23], 20, q, boundary)
    kept = [array.copy() for array in first]
    again = G.advance_walks(*first, *stack, u[:, 23:], q, boundary)
    for whole, pieces, before, after in zip(got, again, kept, first, strict=True):
        np.testing.assert_array_equal(pieces, whole)
        np.testing.assert_array_equal(after, before)  # the state given is not changed


@pytest.mark.parametrize("boundary", ["lazy", "forced"])
def test_drawn_walks_are_whole_and_start_everywhere(boundary):
    rng = np.random.default_rng(4)
    n = 9
    stack = tables(flat(np.stack([symmetric(rng, n, missing=0.1)] * 2)), n)
    starts = G.walk_starts(rng.random((5, n)))
    walks = G.draw_multilayer_walks(starts, *stack, walk_length=30, boundary=boundary, rng=rng)
    assert walks.shape == (5 * n, 30)
    assert walks.min() >= 0
    np.testing.assert_array_equal(walks[:, 0], starts)
    assert np.bincount(starts).tolist() == [5] * n
    assert all(len(set(block.tolist())) == n for block in starts.reshape(5, n))
    assert (walks[:, 1:] != walks[:, :-1]).all()


def test_two_nodes_alternate():
    graph = G.csr(2, [(0, 1)])
    f = G.structural_distances(*graph, G.all_pairs(2))
    stack = tables(G.layer_graph(2, G.all_pairs(2), f), 2)
    walks = G.draw_multilayer_walks([0, 1], *stack, walk_length=6, rng=np.random.default_rng(0))
    assert walks.tolist() == [[0, 1] * 3, [1, 0] * 3]


def test_one_node_a_walk_needs_no_noise():
    stack = tables(flat(np.zeros((1, 3, 3))), 3)
    assert G.draw_multilayer_walks([2, 0], *stack, walk_length=1, rng=np.random.default_rng(0)).tolist() == [[2], [0]]


def test_changes_of_layer_between_two_nodes_are_geometric():
    n, q, nodes = 5, 0.3, 4000
    stack = tables(flat(np.zeros((3, n, n))), n)
    rng = np.random.default_rng(5)
    u = rng.random((1, 20_000, 2))
    stays = np.flatnonzero(u[0, :, 0] < q)[: nodes - 1]
    walk = G.multilayer_walks([0], *stack, u[:, : stays[-1] + 1], nodes, q)
    assert walk.lengths.tolist() == [nodes]  # not one decision too few
    short = G.multilayer_walks([0], *stack, u[:, : stays[-1]], nodes, q)
    assert short.lengths.tolist() == [nodes - 1]  # nor one too many


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (dict(q=0.0), ValueError, r"q must be a finite number in \(0, 1\], got 0"),
        (dict(q=1.1), ValueError, r"q must be a finite number in \(0, 1\], got 1.1"),
        (dict(q="0.3"), TypeError, "q must be a number"),
        (dict(boundary="none"), ValueError, "boundary must be one of 'lazy', 'forced'"),
        (dict(walk_length=0), ValueError, "walk_length must be at least 1"),
        (dict(u=np.ones((1, 2, 2))), ValueError, r"u must lie in \[0, 1\)"),
        (dict(u=np.zeros((2, 2, 2))), ValueError, r"u must have shape \(1, T, 2\)"),
        (dict(starts=[3]), ValueError, "from -1 to 2, got 3"),
        (dict(bounds=[0, 0, 0, 0], neighbours=[], threshold=[], alias=[]), ValueError, "has nobody to go to"),
    ],
)
def test_what_walks_refuse(change, error, words):
    names = ("bounds", "neighbours", "threshold", "alias", "up")
    given = dict(zip(names, tables(flat(np.zeros((1, 3, 3))), 3), strict=True))
    given |= dict(starts=[0], u=np.zeros((1, 2, 2)), walk_length=3)
    with pytest.raises(error, match=words):
        G.multilayer_walks(**(given | change))
