"""struc2vec as a whole: what nodes of one role get, interruptions and checkpoints, memory, bad settings."""

from itertools import pairwise

import numpy as np
import pytest

from minidl import graphs as G
from minidl.graphs import distance_run, distances

QUICK = dict(dims=2, walk_length=8, num_walks=2, window=2, epochs=1, impl="reference")
SIX = [(0, 1), (1, 2), (2, 3), (3, 4), (1, 4), (4, 5)]


def rng():
    return np.random.default_rng(0)


def six():
    return G.Graph.from_edges(SIX)


def random_graph(n=16, m=14, seed=0):
    draw = np.random.default_rng(seed)
    path = np.stack([np.arange(n - 1), np.arange(1, n)], 1)
    return G.Graph.from_edges(np.concatenate([path, draw.integers(0, n, (m, 2))]))


def barbell():
    cliques = [(u, v) for nodes in (range(10), range(20, 30)) for u in nodes for v in nodes if u < v]
    return G.Graph.from_edges(cliques + [(u, u + 1) for u in range(9, 20)])


def mean_ratio(vectors, pairs):
    """The mean distance of all pairs, over that of these pairs."""
    d = np.linalg.norm(vectors[:, None] - vectors, axis=2)
    return d[np.triu_indices(len(d), 1)].mean() / d[tuple(np.array(pairs).T)].mean()


def test_shapes_ids_and_the_same_result_for_the_same_generator():
    graph = G.Graph.from_edges([(10 * u, 10 * v) for u, v in SIX])
    first = G.embed(graph, **QUICK, rng=rng())
    assert first.vectors.shape == (6, 2)
    assert first.vectors.dtype == np.float64
    assert first.walks.shape == (12, 8)
    np.testing.assert_array_equal(first[[50, 0]], first.vectors[[5, 0]])
    for progress in (False, True, "roles"):
        again = G.embed(graph, **QUICK, rng=rng(), progress=progress)
        np.testing.assert_array_equal(again.vectors, first.vectors)
    assert set(first.seconds) == {"rings", "distances", "layers", "walks", "skip-gram"}
    with pytest.raises(ValueError, match="node 7 is not in the graph"):
        first[7]


@pytest.mark.parametrize(
    "options",
    [
        dict(opt1=True, opt2=True, until_layer=1),
        dict(convention="official", opt1=True, opt2=True),
        dict(convention="official", official_duplicates=False, opt2=True),
        dict(boundary="forced", average="all_pairs", q=1.0),
        dict(objective="negative", sample=0.1, group=4, dtype=np.float32),
        dict(walk_length=1),
    ],
)
def test_every_option_gives_finite_vectors(options):
    embedding = G.embed(random_graph(), **(QUICK | options), rng=rng())
    assert np.isfinite(embedding.vectors).all()
    assert embedding.vectors.dtype == options.get("dtype", np.float64)


def test_roles_are_near_and_proximity_is_not_role():
    graph = barbell()
    twins = [(10, 19), (11, 18), (12, 17), (13, 16), (9, 20)]
    run = G.DistanceRun.prepare(graph, impl="reference").compute(impl="reference")
    settings = dict(
        dims=2, num_walks=10, walk_length=40, window=5, epochs=2, first_rate=0.1, impl="reference", rng=rng()
    )
    roles = G.embed(graph, **settings, distances=run)
    near = G.embed_proximity(graph, **settings)
    assert mean_ratio(roles.vectors, twins) > 3
    assert mean_ratio(near.vectors, twins) < 1.5


def test_two_nodes_alternate():
    embedding = G.embed(G.Graph.from_edges([(3, 8)]), **QUICK, rng=rng())
    assert (embedding.walks[:, 1:] != embedding.walks[:, :-1]).all()


def test_components_of_a_graph_are_compared():
    graph = G.Graph.from_edges([(0, 1), (1, 2), (5, 6), (6, 7)])
    run = G.DistanceRun.prepare(graph, impl="reference").compute(impl="reference")
    f = {tuple(pair): row for pair, row in zip(run.pairs.tolist(), run.f, strict=True)}
    assert f[1, 4].tolist() == [0, 0, np.inf][: len(f[1, 4])]
    assert (f[0, 3] == 0).all()


def test_a_star_of_800_leaves():
    graph = G.Graph.from_edges([(0, leaf) for leaf in range(1, 801)])
    embedding = G.embed(
        graph, dims=2, walk_length=3, num_walks=1, window=1, epochs=1, opt1=True, impl="reference", rng=rng()
    )
    assert np.isfinite(embedding.vectors).all()
    leaves = embedding.walks[embedding.walks[:, 0] > 0]
    assert (leaves > 0).all()  # e^-799 is 0


def test_pairs_of_classes_give_the_distances_of_all_pairs():
    graph = random_graph()
    for options in (dict(), dict(opt1=True), dict(opt2="paper", epsilon=0.5)):
        run = G.DistanceRun.prepare(graph, **options, impl="reference").compute(impl="reference")
        expected = G.structural_distances(
            graph.indptr, graph.indices, run.pairs, options.get("epsilon", 0.0), options.get("opt1", False)
        )
        np.testing.assert_array_equal(run.f, expected)
    assert G.DistanceRun.prepare(barbell(), impl="reference").total == 7 * 8 // 2


# --- interruptions -----------------------------------------------------------------------------------------------------
class Interrupting:
    """pair_distances that is interrupted at one of its calls, and counts the pairs that it is asked for."""

    def __init__(self, at):
        self.calls, self.pairs, self.at = 0, 0, at

    def __call__(self, *arguments, original=distances.pair_distances):
        self.calls += 1
        if self.calls == self.at:
            raise KeyboardInterrupt
        self.pairs += len(arguments[4])
        return original(*arguments)


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(distance_run, "FIRST_CHUNK", {"reference": 8, "kernels": 8})


@pytest.mark.parametrize("kept_in", ["object", "file"])
def test_an_interrupted_run_keeps_its_distances(kept_in, small_chunks, monkeypatch, tmp_path):
    graph, file = random_graph(), tmp_path / "distances.npz"
    whole = G.embed(graph, **QUICK, rng=rng())
    monkeypatch.setattr(distances, "pair_distances", Interrupting(at=3))
    where = dict(checkpoint=file) if kept_in == "file" else {}
    with pytest.raises(G.Interrupted, match=r"interrupted after 24 of .* distances=error.distances") as caught:
        G.embed(graph, **QUICK, rng=rng(), **where)
    assert isinstance(caught.value, KeyboardInterrupt)
    run = caught.value.distances
    assert run.done == 24
    with pytest.raises(ValueError, match=r"24 of \d+ distances are computed"):
        _ = run.f
    counting = Interrupting(at=None)
    monkeypatch.setattr(distances, "pair_distances", counting)
    again = dict(checkpoint=file) if kept_in == "file" else dict(distances=run)
    resumed = G.embed(graph, **QUICK, rng=rng(), **again)
    assert counting.pairs == run.total - 24
    np.testing.assert_array_equal(resumed.vectors, whole.vectors)
    if kept_in == "file":  # which now holds all of them
        G.embed(graph, **QUICK, rng=rng(), checkpoint=file)
        assert counting.pairs == run.total - 24
        assert [path.name for path in tmp_path.iterdir()] == ["distances.npz"]


def test_a_checkpoint_is_written_in_between(small_chunks, monkeypatch, tmp_path):
    monkeypatch.setattr(distance_run, "SAVE_EVERY", -1.0)
    saved = []
    monkeypatch.setattr(G.DistanceRun, "save", lambda self, path: saved.append(self.done))
    run = G.DistanceRun.prepare(random_graph(), impl="reference").compute(
        impl="reference", checkpoint=tmp_path / "x.npz"
    )
    assert saved[:2] == [8, 24]
    assert saved[-1] == run.total


def test_checkpoints_of_something_else_are_refused(tmp_path):
    file = tmp_path / "distances.npz"
    run = G.DistanceRun.prepare(six(), impl="reference")
    run.compute(impl="reference", checkpoint=file)
    for graph, options in ((random_graph(), {}), (six(), dict(epsilon=0.5)), (six(), dict(until_layer=1))):
        other = G.DistanceRun.prepare(graph, **options, impl="reference")
        with pytest.raises(ValueError, match="of another graph or other settings"):
            other.compute(impl="reference", checkpoint=file)
    for damage in (file.read_bytes()[:100], b"no such thing", b""):
        file.write_bytes(damage)
        with pytest.raises(ValueError, match=r"expected distances saved by minidl.*delete the file"):
            G.DistanceRun.prepare(six(), impl="reference").compute(impl="reference", checkpoint=file)
    with pytest.raises(ValueError, match="of another graph"):
        G.embed(random_graph(), **QUICK, rng=rng(), distances=run)


# --- borders -----------------------------------------------------------------------------------------------------------
def test_memory_is_stated_before_it_is_taken():
    graph = random_graph(60)
    with pytest.raises(ValueError, match="use opt1=True"):
        G.embed(graph, **QUICK, memory=10_000, rng=rng())
    with pytest.raises(ValueError, match="opt2="):
        G.embed(graph, **QUICK, opt1=True, memory=10_000, rng=rng())
    with pytest.raises(ValueError, match=r"opt2 .* or a smaller until_layer"):
        G.embed(graph, **QUICK, opt1=True, memory=60_000, rng=rng())


def test_memory_that_is_stated_is_enough():
    import tracemalloc

    graph = random_graph(150, 200)
    tracemalloc.start()
    run = G.DistanceRun.prepare(graph, opt1=True, impl="reference")
    pairs, layers = len(run.pairs), G.layer_count(run.sequences.first)
    f = np.sort(np.random.default_rng(0).random((pairs, layers)), axis=1)
    run._f, run._index, run.done = f, np.arange(pairs), run.total
    tracemalloc.reset_peak()
    stack = G.layer_graph(graph.n, run.pairs, run.f, run.multiplicity)
    p = G.transition_probabilities(stack.bounds, stack.distances)
    G.up_probabilities(graph.n, stack.bounds, stack.distances)
    table = G.alias_tables(stack.bounds, p)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(table.alias) == 2 * pairs * layers
    assert peak <= G.memory_needed(pairs, layers) + sum(array.nbytes for array in run.sequences)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(q=0.0), r"q must be a finite number in \(0, 1\]"),
        (dict(q=1.5), r"q must be a finite number in \(0, 1\]"),
        (dict(walk_length=0), "walk_length must be at least 1"),
        (dict(num_walks=0), "num_walks must be at least 1"),
        (dict(window=0), "window must be at least 1"),
        (dict(dims=0), "dims must be at least 1"),
        (dict(first_rate=-1.0), "first_rate must be"),
        (dict(epochs=0), "epochs must be at least 1"),
        (dict(until_layer=-1), "until_layer must be at least 0"),
        (dict(convention="theirs"), "convention must be one of 'paper', 'official'"),
        (dict(boundary="none"), "boundary must be one of"),
        (dict(average="mean"), "average must be one of"),
        (dict(objective="both"), "objective must be one of"),
        (dict(epsilon=-0.5), "epsilon must be"),
        (dict(impl="fast"), "impl must be one of"),
        (dict(graph=G.Graph.from_edges([], nodes=[4])), "at least 2 nodes, got 1"),
        (dict(graph=G.Graph.from_edges([(0, 1)], nodes=[0, 1, 9])), "node 9 has no neighbours .*without_isolated"),
    ],
)
def test_what_is_refused(change, words, monkeypatch):
    monkeypatch.setattr(distances, "pair_distances", lambda *_: pytest.fail("refuse it before the distances"))
    with pytest.raises(ValueError, match=words):
        G.embed(**(dict(graph=six()) | QUICK | dict(rng=rng()) | change))


def test_types_that_are_refused():
    with pytest.raises(TypeError, match="expected a minidl Graph"):
        G.embed(SIX, **QUICK, rng=rng())
    with pytest.raises(TypeError, match="default_rng"):
        G.embed(six(), **QUICK, rng=0)
    with pytest.raises(TypeError, match="dims must be an integer"):
        G.embed(six(), **(QUICK | dict(dims=2.0)), rng=rng())


def test_isolated_nodes_with_an_offset():
    graph = G.Graph.from_edges([(0, 1), (1, 2)], nodes=[0, 1, 2, 9])
    assert np.isfinite(G.embed(graph, **QUICK, epsilon=0.5, rng=rng()).vectors).all()


def test_proximity_walks_stay_on_edges():
    graph = six()
    for p, q in ((1.0, 1.0), (0.25, 2.0)):
        walks = G.embed_proximity(graph, **QUICK, p=p, q=q, rng=rng()).walks
        edges = {tuple(sorted(edge)) for edge in graph.edges().tolist()}
        assert {tuple(sorted(step)) for walk in walks.tolist() for step in pairwise(walk)} <= edges
