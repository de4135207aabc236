"""Graphs and labels from text files, and the published graphs of struc2vec.

An edge list has a pair of ids `u v` a line, separated by white space; empty lines and lines that begin with # are
passed over. A file of labels has a first line of words (`node label`), then an id and a label, both non-negative
integers, a line.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minidl.data.errors import DataError
from minidl.data.paths import data_home
from minidl.graphs import border
from minidl.graphs.graph import Graph

# Edge list and labels of each published graph, in the folder struc2vec/ of the data.
PUBLISHED: dict[str, tuple[str, str | None]] = {
    "barbell": ("barbell.edgelist", None),
    "karate-mirrored": ("karate-mirrored.edgelist", None),
    "brazil": ("brazil-airports.edgelist", "labels-brazil-airports.txt"),
    "europe": ("europe-airports.edgelist", "labels-europe-airports.txt"),
    "facebook348": ("facebook348.edgelist", None),
}
FOLDER = "struc2vec"


class LabelledGraph(NamedTuple):
    """A graph, and the label of each of its nodes in their order (n,) int64, or None."""

    graph: Graph
    labels: np.ndarray | None


def read_edges(path: str | os.PathLike, *, self_loops: str = "drop") -> Graph:
    """Read an undirected graph from an edge list.

    Raises DataError (a ValueError) that names file and line for a line that is not two non-negative integers, such as
    one with a weight, and for a file that is missing, unreadable or has no edge.
    """
    path = Path(path)
    edges = []
    for line, words in _lines(path):
        if len(words) == 3:
            raise DataError(
                f"{path}, line {line}: expected two node ids `u v`, got three columns {' '.join(words)!r}: weighted graphs "
                "are not supported, drop the third column"
            )
        edges.append(_integers(path, line, words, "two node ids `u v`"))
    if not edges:
        raise DataError(f"{path}: expected a pair of node ids `u v` a line, found no edge")
    return Graph.from_edges(np.array(edges, np.int64), self_loops=self_loops)


def read_labels(path: str | os.PathLike, graph: Graph) -> np.ndarray:
    """The label of each node of the graph, (n,) int64, from a file with a line `id label` for each of them.

    Raises DataError that names file and line for a malformed line, a node that is not in the graph, a second label for
    a node; and for nodes without a label.
    """
    path = Path(path)
    labels = np.full(graph.n, -1, np.int64)
    for row, (line, words) in enumerate(_lines(path)):
        if row == 0 and not any(word.lstrip("+-").isdigit() for word in words):
            continue  # the header
        node, label = _integers(path, line, words, "a node id and its label")
        try:
            at = int(graph.number(node))
        except ValueError as error:
            raise DataError(f"{path}, line {line}: {error}: are these the labels of another graph?") from None
        if labels[at] >= 0:
            raise DataError(f"{path}, line {line}: a second label for node {node}")
        labels[at] = label
    if (missing := graph.nodes[labels < 0]).size:
        raise DataError(f"{path}: no label for {missing.size} of {graph.n} nodes, the first is {missing[0]}")
    return labels


def load_graph(name: str, *, self_loops: str = "drop") -> LabelledGraph:
    """A published graph by name (see `PUBLISHED`), with labels where there are any, from struc2vec/ in `MINIDL_DATA`.

    Raises DataError for another name, and for files that are not there, with the remedy.
    """
    if name not in PUBLISHED:
        raise DataError(f"name: expected one of {', '.join(map(repr, PUBLISHED))}, got {name!r}")
    border.choice("self_loops", self_loops, ("drop", "count_one"))
    edges, labels = PUBLISHED[name]
    folder = data_home() / FOLDER
    for file in filter(None, (edges, labels)):
        if not (folder / file).is_file():
            raise DataError(
                f"{name}: no {file} in {folder}. Get the folder `graph` of https://github.com/leoribeiro/struc2vec, and set "
                f"MINIDL_DATA to the folder that holds {FOLDER}/"
            )
    graph = read_edges(folder / edges, self_loops=self_loops)
    return LabelledGraph(graph, read_labels(folder / labels, graph) if labels else None)


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The numbered lines that say something, split into words."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: expected a text file, got bytes that are not UTF-8 ({error.reason})") from None
    for number, line in enumerate(text.splitlines(), start=1):
        if (words := line.split()) and not words[0].startswith("#"):
            yield number, words


def _integers(path: Path, line: int, words: list[str], what: str) -> tuple[int, int]:
    shown = " ".join(words)[:60]
    if len(words) != 2 or not all(word.isascii() and word.isdigit() for word in words):
        raise DataError(
            f"{path}, line {line}: expected {what}, non-negative integers separated by a blank, got {shown!r}"
        )
    first, second = map(int, words)
    if max(first, second) > np.iinfo(np.int64).max:
        raise DataError(f"{path}, line {line}: expected {what} below 2^63, got {shown!r}")
    return first, second
