"""The published graphs of struc2vec, where MINIDL_DATA has them: sizes, labels, layers, and the cost of all pairs."""

import numpy as np
import pytest

from minidl import graphs as G
from minidl.data import DataError


def published(name, **options):
    try:
        return G.load_graph(name, **options)
    except DataError as error:
        pytest.skip(str(error))


def dtw_work(graph, compress):
    """The layers of all pairs, the DTW calls, and the cells of their tables, by counting ring sizes."""
    _, _, offsets, first = G.degree_sequences(graph.indptr, graph.indices, compress)
    sizes = np.zeros((graph.n, np.diff(first).max()))
    for u in range(graph.n):
        sizes[u, : first[u + 1] - first[u]] = np.diff(offsets[first[u] : first[u + 1] + 1])
    calls = sum(int(n * (n - 1) / 2) for n in np.count_nonzero(sizes, axis=0))
    cells = ((sizes.sum(axis=0) ** 2 - (sizes**2).sum(axis=0)) / 2).sum()
    return int((np.count_nonzero(sizes, axis=0) >= 2).sum()), calls, cells


@pytest.mark.parametrize(
    ("name", "n", "m", "layers", "calls", "exact", "opt1"),
    [
        ("barbell", 30, 101, 14, 5_033, "4.31e+04", "6.4e+03"),
        ("karate-mirrored", 68, 155, 8, 14_216, "1.96e+06", "4.08e+05"),
        ("brazil", 131, 1003, 5, 32_995, "6.34e+07", "1.26e+07"),
        ("europe", 399, 5993, 6, 387_016, "5.41e+09", "6.24e+08"),
    ],
)
def test_sizes_and_work(name, n, m, layers, calls, exact, opt1):
    graph, labels = published(name)
    assert (graph.n, graph.m) == (n, m)
    graph, _ = published(name, self_loops="count_one")  # which has a few more distinct degrees
    for compress, cells in ((False, exact), (True, opt1)):
        *work, got = dtw_work(graph, compress)
        assert work == [layers, calls]
        assert f"{got:.{len(cells) - 6}e}" == cells
    assert (labels is None) == (name in ("barbell", "karate-mirrored"))


@pytest.mark.parametrize(
    ("name", "counts", "loops"), [("brazil", [32, 32, 32, 35], 71), ("europe", [99, 99, 99, 102], 2)]
)
def test_labels_and_self_loops(name, counts, loops):
    graph, labels = published(name)
    assert np.bincount(labels).tolist() == counts
    assert graph.loops == loops
    counted, _ = published(name, self_loops="count_one")
    assert counted.degrees.sum() == graph.degrees.sum() + loops
    assert graph.isolated.size == 0


def test_facebook_lists_every_edge_both_ways():
    graph, labels = published("facebook348")
    assert (graph.n, graph.m, graph.duplicates, labels) == (224, 3192, 3192, None)


def test_mirrored_karate_has_a_mirror():
    graph, _ = published("karate-mirrored")
    run = G.DistanceRun.prepare(graph, opt1=True, impl="reference").compute(impl="reference")
    f = {tuple(pair): row for pair, row in zip(graph.nodes[run.pairs].tolist(), run.f, strict=True)}
    for mirrored in ((1, 37), (34, 42)):
        row = f[mirrored]
        assert (row[np.isfinite(row)] == 0).all()
    # Its halves are alike, so that every node has another at distance 0 in all its layers.
    last = np.array([row[np.isfinite(row)][-1] for row in f.values()])
    assert set(run.pairs[last == 0].ravel().tolist()) == set(range(68))
