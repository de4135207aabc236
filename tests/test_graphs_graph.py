"""Graphs from arrays, files and NetworkX: what is kept, what is refused, and with which words."""

import re
import warnings

import numpy as np
import pytest

from minidl import graphs as G
from minidl.data import DataError


def rows(graph):
    return [graph.neighbours(u).tolist() for u in range(graph.n)]


def test_both_directions_sorted_without_duplicates():
    graph = G.Graph.from_edges([(7, 3), (3, 7), (3, 5), (3, 5), (5, 9)])
    assert graph.nodes.tolist() == [3, 5, 7, 9]
    assert rows(graph) == [[1, 2], [0, 3], [0], [1]]
    assert graph.indptr.dtype == np.int64
    assert graph.indices.dtype == np.int32
    assert (graph.n, graph.m, graph.duplicates) == (4, 3, 2)
    assert graph.edges().tolist() == [[0, 1], [0, 2], [1, 3]]
    assert graph.number([9, 3]).tolist() == [3, 0]
    assert repr(graph) == "Graph(4 nodes, 3 edges, 2 repeated edges collapsed)"


def test_self_loops_are_dropped_or_count_one():
    edges = [(0, 1), (1, 1), (1, 2)]
    dropped = G.Graph.from_edges(edges)
    counted = G.Graph.from_edges(edges, self_loops="count_one")
    assert dropped.degrees.tolist() == [1, 2, 1]
    assert counted.degrees.tolist() == [1, 3, 1]
    assert (dropped.m, counted.m) == (2, 3)
    assert repr(counted) == "Graph(3 nodes, 3 edges, 1 self-loops counted once)"
    for graph in (dropped, counted):  # a loop is on no shortest path
        assert G.hop_distances(graph.indptr, graph.indices, 0).tolist() == [0, 1, 2]


def test_isolated_nodes_and_components():
    graph = G.Graph.from_edges([(1, 2), (8, 9)], nodes=[9, 1, 2, 5, 8])
    assert graph.isolated.tolist() == [5]
    assert graph.degrees.tolist() == [1, 1, 0, 1, 1]
    assert G.hop_distances(graph.indptr, graph.indices, 0).tolist() == [0, 1, -1, -1, -1]
    assert graph.without_isolated().nodes.tolist() == [1, 2, 8, 9]
    alone = G.Graph.from_edges([(4, 4), (1, 2)])
    assert alone.isolated.tolist() == [4]


def test_rings_by_breadth_first_search():
    graph = G.Graph.from_edges([(0, 1), (1, 2), (2, 3), (3, 0), (3, 4)])
    assert [ring.tolist() for ring in G.rings(graph.indptr, graph.indices, 4)] == [[4], [3], [0, 2], [1]]
    assert [ring.tolist() for ring in G.rings(graph.indptr, graph.indices, 4, until_layer=1)] == [[4], [3]]


def test_rings_are_those_of_floyd_and_warshall():
    rng = np.random.default_rng(0)
    for n in (2, 5, 12, 30):
        edges = rng.integers(0, n, (n, 2))
        D = np.where(np.eye(n) > 0, 0, np.inf)
        D[edges[:, 0], edges[:, 1]] = np.minimum(D[edges[:, 0], edges[:, 1]], 1)
        D = np.minimum(D, D.T)
        for k in range(n):
            D = np.minimum(D, D[:, [k]] + D[[k]])
        graph = G.csr(n, edges)
        for u in range(n):
            np.testing.assert_array_equal(G.hop_distances(*graph, u), np.where(np.isinf(D[u]), -1, D[u]))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: G.Graph.from_edges([]), ValueError, "the graph is empty"),
        (lambda: G.Graph.from_edges(np.zeros((0, 2), int)), ValueError, "the graph is empty"),
        (lambda: G.Graph.from_edges([(0, -1)]), ValueError, "edges must hold integers from 0 .* got -1"),
        (lambda: G.Graph.from_edges([(0, 1.5)]), TypeError, "edges must hold integers, got float64"),
        (lambda: G.Graph.from_edges([(0, 1, 2.5)]), ValueError, "weighted graphs are not supported"),
        (lambda: G.Graph.from_edges([(0,)]), ValueError, r"edges must have shape \(m, 2\)"),
        (lambda: G.Graph.from_edges([("a", "b")]), TypeError, "edges must hold integers"),
        (lambda: G.Graph.from_edges([(0, 1)], nodes=[0]), ValueError, "node 1 has an edge and is not among nodes"),
        (lambda: G.Graph.from_edges([(0, 1)], nodes=[0, 1, 1]), ValueError, "distinct"),
        (lambda: G.Graph.from_edges([(0, 1)], self_loops="keep"), ValueError, "self_loops must be one of 'drop', 'count_one'"),
        (lambda: G.Graph.from_edges([(0, 1)]).number(2), ValueError, "node 2 is not in the graph of 2 nodes"),
        (lambda: G.csr(2, [(0, 2)]), ValueError, "from 0 to 1, got 2"),
        (lambda: G.csr(0, []), ValueError, "n must be at least 1"),
        (lambda: G.hop_distances(*G.csr(2, [(0, 1)]), 2), ValueError, "source must be a node 0..1"),
        (lambda: G.rings(*G.csr(2, [(0, 1)]), 0, -1), ValueError, "until_layer must be at least 0"),
    ],
)  # fmt: skip
def test_what_is_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()


# --- files -------------------------------------------------------------------------------------------------------------
def write(tmp_path, text, name="graph.txt"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_edge_lists_with_comments_blank_lines_and_tabs(tmp_path):
    graph = G.read_edges(write(tmp_path, "\ufeff# a comment\n3 1\n\n1\t2\r\n 2  3 \n1 1\n"))
    assert graph.nodes.tolist() == [1, 2, 3]
    assert (graph.m, graph.loops) == (3, 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 2\n3\n", r"line 2: expected two node ids `u v`, non-negative integers .* got '3'"),
        ("1 2\n# x\n1 -3\n", r"line 3: .* got '1 -3'"),
        ("1 2.0\n", r"line 1: .* got '1 2\.0'"),
        ("1,2\n", r"line 1: .* got '1,2'"),
        ("a b\n", r"line 1: .* got 'a b'"),
        ("1 2 0.5\n", r"line 1: .* three columns '1 2 0.5': weighted graphs are not supported"),
        ("1 2 3 4\n", r"line 1: .* got '1 2 3 4'"),
        ("1 99999999999999999999\n", r"line 1: .* below 2\^63"),
        ("", "found no edge"),
        ("# nothing\n", "found no edge"),
        (b"\xff\xfe\x00", "not UTF-8"),
    ],
)
def test_malformed_edge_lists_name_file_and_line(tmp_path, text, words):
    path = write(tmp_path, text)
    with pytest.raises(DataError, match=re.escape(str(path)) + ".*" + words):
        G.read_edges(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(DataError, match=r"nowhere.txt: cannot be read"):
        G.read_edges(tmp_path / "nowhere.txt")


def test_labels_in_the_order_of_the_nodes(tmp_path):
    graph = G.Graph.from_edges([(5, 1), (1, 3)])
    assert G.read_labels(write(tmp_path, "node label\n3 2\n5 0\n1 1\n"), graph).tolist() == [1, 2, 0]
    assert G.read_labels(write(tmp_path, "3 2\n5 0\n1 1\n"), graph).tolist() == [1, 2, 0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "node label\n1 0\n4 1\n",
            r"line 3: node 4 is not in the graph of 3 nodes: are these the labels of another graph",
        ),
        ("node label\n1 0\n1 1\n", r"line 3: a second label for node 1"),
        ("node label\n1 0\n3 x\n", r"line 3: expected a node id and its label"),
        ("node label\n1 0\n3 -1\n", r"line 3: expected a node id and its label"),
        ("node label\n1 0\n", r"no label for 2 of 3 nodes, the first is 3"),
    ],
)
def test_malformed_labels_name_file_and_line(tmp_path, text, words):
    with pytest.raises(DataError, match=words):
        G.read_labels(write(tmp_path, text), G.Graph.from_edges([(5, 1), (1, 3)]))


def test_published_graphs_come_from_the_folder_of_data(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"brazil: no brazil-airports.edgelist in .*struc2vec"):
        G.load_graph("brazil")
    with pytest.raises(DataError, match="expected one of 'barbell'"):
        G.load_graph("usa")
    (tmp_path / "struc2vec").mkdir()
    write(tmp_path / "struc2vec", "0 1\n1 1\n", "brazil-airports.edgelist")
    write(tmp_path / "struc2vec", "node label\n0 3\n1 0\n", "labels-brazil-airports.txt")
    graph, labels = G.load_graph("brazil", self_loops="count_one")
    assert graph.degrees.tolist() == [1, 2]
    assert labels.tolist() == [3, 0]


# --- NetworkX ----------------------------------------------------------------------------------------------------------
def test_networkx_graphs():
    nx = pytest.importorskip("networkx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        original = nx.barbell_graph(10, 10)
    graph = G.Graph.from_networkx(original)
    assert (graph.n, graph.m) == (30, 101)
    assert {tuple(edge) for edge in graph.edges().tolist()} == {tuple(sorted(edge)) for edge in original.edges()}
    many = nx.MultiGraph([(0, 1), (0, 1), (1, 2)])
    many.add_node(9)
    assert G.Graph.from_networkx(many).nodes.tolist() == [0, 1, 2, 9]
    assert G.Graph.from_networkx(many).m == 2


def test_networkx_graphs_that_are_refused():
    nx = pytest.importorskip("networkx")
    with pytest.raises(ValueError, match=r"directed.*to_undirected"):
        G.Graph.from_networkx(nx.DiGraph([(0, 1)]))
    weighted = nx.Graph()
    weighted.add_edge(0, 1, weight=0.5)
    with pytest.raises(ValueError, match="edge weights"):
        G.Graph.from_networkx(weighted)
    with pytest.raises(TypeError, match="convert_node_labels_to_integers"):
        G.Graph.from_networkx(nx.Graph([("a", "b")]))
    with pytest.raises(TypeError, match="expected a NetworkX graph, got list"):
        G.Graph.from_networkx([(0, 1)])
    with pytest.raises(ValueError, match="empty"):
        G.Graph.from_networkx(nx.Graph())
