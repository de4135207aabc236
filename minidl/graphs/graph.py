r"""Undirected graphs as compressed sparse rows (CSR).

Notation. $n$ nodes 0..n-1, whatever their ids outside; `indptr` (n + 1,) int64 and `indices` int32: the neighbours of
node u are `indices[indptr[u]:indptr[u + 1]]`, ascending and without repetition. An edge is in both rows.

Conventions. An edge given several times, in either direction, is one edge. A self-loop is dropped, or, with
`self_loops="count_one"`, u stays in its own row, so that the loop adds one (not two) to its degree: what the authors'
code of struc2vec does. Shortest paths never use a loop. Nodes are sorted by id, where the authors' code keeps the order
of the file; the order matters to ties among candidates only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minidl.graphs import border

SELF_LOOPS = ("drop", "count_one")


class CSR(NamedTuple):
    """Rows of neighbours: indptr (n + 1,) int64, indices int32."""

    indptr: np.ndarray
    indices: np.ndarray


def csr(n: int, edges: Any, self_loops: str = "drop") -> CSR:
    """The graph with nodes 0..n-1 and these edges (m, 2), integers. Both directions are added, duplicates collapse.

    Raises ValueError for n < 1, ends outside 0..n-1, other shapes; TypeError for what is not an integer.
    """
    n = border.count("n", n)
    if n > np.iinfo(np.int32).max:
        raise ValueError(f"a graph may have up to 2^31 - 1 nodes, got {n}")
    border.choice("self_loops", self_loops, SELF_LOOPS)
    edges = np.asarray(edges)
    edges = border.integers("edges", edges.reshape(0, 2) if edges.size == 0 else edges, np.int64, "m", 2, high=n)
    if self_loops == "drop":
        edges = edges[edges[:, 0] != edges[:, 1]]
    keys = np.unique(np.concatenate([edges[:, 0] * n + edges[:, 1], edges[:, 1] * n + edges[:, 0]]))
    rows, columns = np.divmod(keys, n)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n))])
    return CSR(indptr.astype(np.int64), columns.astype(np.int32))


def degrees(indptr: np.ndarray) -> np.ndarray:
    """The number of distinct neighbours of each node, (n,) int32; a self-loop that was kept adds one."""
    return np.diff(border.offsets("indptr", indptr)).astype(np.int32)


@dataclass(frozen=True, eq=False)
class Graph:
    """An undirected graph, its nodes' ids, and what was done to the edges that came.

    indptr (n + 1,) int64, indices int32: see the top of this file. nodes: the id of each node, (n,), ascending.
    self_loops: "drop" or "count_one". loops, duplicates: how many lines were self-loops, and how many repeated an edge.
    """

    indptr: np.ndarray
    indices: np.ndarray
    nodes: np.ndarray
    self_loops: str = "drop"
    loops: int = 0
    duplicates: int = 0

    @classmethod
    def from_edges(cls, edges: Any, *, nodes: Iterable[int] | None = None, self_loops: str = "drop") -> Graph:
        """From pairs of integer ids, (m, 2) or a sequence of pairs. nodes: all ids, if some have no edge.

        Raises ValueError for an empty graph, negative ids, repeated nodes, and an edge whose end is not among the
        nodes; TypeError for ids that are not integers.
        """
        edges = _pairs(edges)
        ids = np.unique(edges)
        if nodes is not None:
            listed = border.integers("nodes", list(nodes), np.int64, "n")
            known = np.unique(listed)
            if len(known) != len(listed):
                raise ValueError("nodes must be distinct ids, got some twice")
            if (missing := np.setdiff1d(ids, known)).size:
                raise ValueError(f"node {missing[0]} has an edge and is not among nodes: add it, or drop the edge")
            ids = known
        if len(ids) == 0:
            raise ValueError("the graph is empty: give at least one edge, or nodes=")
        ends = np.searchsorted(ids, edges)  # (m, 2) from ids to 0..n-1
        indptr, indices = csr(len(ids), ends, self_loops)
        loops = edges[:, 0] == edges[:, 1]
        distinct = len(np.unique(np.sort(edges, axis=1), axis=0)) if len(edges) else 0
        return cls(indptr, indices, ids, self_loops, int(loops.sum()), len(edges) - distinct)

    @classmethod
    def from_networkx(cls, graph: Any, *, self_loops: str = "drop") -> Graph:
        """From an undirected NetworkX graph; parallel edges become one, isolated nodes are kept.

        Raises ValueError for a directed or weighted graph, and TypeError for nodes that are not integers (relabel with
        `networkx.convert_node_labels_to_integers`) or what is not a NetworkX graph.
        """
        if not all(hasattr(graph, name) for name in ("is_directed", "edges", "nodes")):
            raise TypeError(f"expected a NetworkX graph, got {type(graph).__name__}")
        if graph.is_directed():
            raise ValueError("the graph is directed, and structural distances are defined on undirected graphs: "
                             "pass graph.to_undirected() if that is what you mean")  # fmt: skip
        if any(weight not in (None, 1) for _, _, weight in graph.edges(data="weight")):
            raise ValueError("the graph has edge weights, which would be ignored: remove the attribute 'weight' first")
        nodes = list(graph.nodes)
        if odd := [node for node in nodes if isinstance(node, bool) or not isinstance(node, int | np.integer)]:
            raise TypeError(
                f"nodes must be integers, got {odd[0]!r}: use networkx.convert_node_labels_to_integers(graph)"
            )
        return cls.from_edges([(u, v) for u, v in graph.edges()], nodes=nodes, self_loops=self_loops)

    @property
    def n(self) -> int:
        """The number of nodes."""
        return len(self.nodes)

    @property
    def m(self) -> int:
        """The number of edges, each counted once; with "count_one", kept self-loops too."""
        kept = np.count_nonzero(np.repeat(np.arange(self.n), self.degrees) == self.indices)
        return (len(self.indices) + kept) // 2

    @property
    def degrees(self) -> np.ndarray:
        return degrees(self.indptr)

    @property
    def isolated(self) -> np.ndarray:
        """The ids of the nodes without neighbours."""
        return self.nodes[np.diff(self.indptr) == 0]

    def neighbours(self, u: int) -> np.ndarray:
        """The neighbours of node u (its number 0..n-1, not its id), ascending."""
        return self.indices[self.indptr[u] : self.indptr[u + 1]]

    def edges(self) -> np.ndarray:
        """Each edge once, (m, 2) int32 with u <= v, by node number, ascending."""
        rows = np.repeat(np.arange(self.n, dtype=np.int32), self.degrees)
        once = rows <= self.indices
        return np.stack([rows[once], self.indices[once]], axis=1)

    def number(self, ids: Any) -> np.ndarray:
        """The numbers 0..n-1 of these ids, in the shape they come. ValueError for an id that is not in the graph."""
        ids = np.asarray(ids)
        at = np.minimum(np.searchsorted(self.nodes, ids), self.n - 1)
        if (wrong := self.nodes[at] != ids).any():
            raise ValueError(f"node {ids[wrong].flat[0]} is not in the graph of {self.n} nodes")
        return at

    def without_isolated(self) -> Graph:
        """The graph without its isolated nodes. ValueError if no node would be left."""
        ids = self.nodes[self.edges()]
        return Graph.from_edges(ids, self_loops=self.self_loops)

    def __repr__(self) -> str:
        notes = "".join(
            f", {value} {what}"
            for value, what in (
                (self.loops, "self-loops dropped" if self.self_loops == "drop" else "self-loops counted once"),
                (self.duplicates, "repeated edges collapsed"),
                (len(self.isolated), "isolated nodes"),
            )
            if value
        )
        return f"Graph({self.n} nodes, {self.m} edges{notes})"


def _pairs(edges: Any) -> np.ndarray:
    """Edges as (m, 2) int64 ids, all of them non-negative."""
    edges = np.asarray(list(edges) if not isinstance(edges, np.ndarray) else edges)
    if edges.size == 0:
        return np.zeros((0, 2), np.int64)
    if edges.ndim == 2 and edges.shape[1] == 3:
        raise ValueError(
            "edges must be pairs (u, v), got three columns: weighted graphs are not supported, drop the third"
        )
    return border.integers("edges", edges, np.int64, "m", 2)
