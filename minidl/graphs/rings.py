r"""Rings around a node, and the ordered degrees in them.

Ring $R_k(u)$: the nodes at hop distance exactly k from u; $R_0(u) = \{u\}$; the last is that of the eccentricity of u
in its component. $s(R_k(u))$: the degrees in it, ascending. Run-length form (OPT1): each distinct degree once with its
count.

All rings of all nodes lie in one flat array, node after node and ring after ring: ring k of node u is ring number
`first[u] + k`, and ring number r holds the entries `offsets[r]:offsets[r + 1]` of `degrees` and `counts`. The ordered
form is the run-length form with all counts 1, so that one distance serves both.

Memory: in the ordered form 8 bytes for every pair of nodes that are connected; in run-length form 8 bytes for every
distinct degree of every ring, which is far less on graphs with hubs.

Source. Ribeiro, Saverese, Figueiredo, "struc2vec: Learning Node Representations from Structural Identity", KDD 2017,
section 3.1, and section 3.5 for OPT1 (run lengths) and OPT3 (a cap on k).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minidl.graphs import border


class Sequences(NamedTuple):
    """The degree sequences of all rings of all nodes, flat.

    degrees, counts: (entries,) int32. offsets: (rings + 1,) int64. first: (n + 1,) int64. See the top of this file.
    """

    degrees: np.ndarray
    counts: np.ndarray
    offsets: np.ndarray
    first: np.ndarray


def hop_distances(indptr: np.ndarray, indices: np.ndarray, source: int, until_layer: int | None = None) -> np.ndarray:
    """The number of hops from the source to each node, (n,) int32; -1 where there is no path of at most `until_layer`.

    Breadth first, a ring at a time. Raises ValueError for a source outside 0..n-1 and arrays that are no CSR.
    """
    indptr, indices, until_layer = _checked(indptr, indices, until_layer)
    source = border.count("source", source, 0)
    if source >= len(indptr) - 1:
        raise ValueError(f"source must be a node 0..{len(indptr) - 2}, got {source}")
    return _hops(indptr, indices, source, until_layer)


def rings(indptr: np.ndarray, indices: np.ndarray, source: int, until_layer: int | None = None) -> list[np.ndarray]:
    """The nodes of each ring around the source, from ring 0 on, each (size,) int32 ascending."""
    hops = hop_distances(indptr, indices, source, until_layer)
    return [np.flatnonzero(hops == k).astype(np.int32) for k in range(hops.max() + 1)]


def run_lengths(sequence: np.ndarray) -> np.ndarray:
    """The run-length form of an ascending sequence (p,): pairs (value, count), (r, 2) int32. ValueError if unordered."""
    sequence = border.integers("sequence", sequence, np.int32, "p")
    if (np.diff(sequence) < 0).any():
        raise ValueError("the sequence must be ascending: sort it")
    return np.stack(np.unique(sequence, return_counts=True), axis=1).astype(np.int32)


def degree_sequences(
    indptr: np.ndarray, indices: np.ndarray, compress: bool = False, until_layer: int | None = None
) -> Sequences:
    """The ordered degrees of every ring around every node; with `compress` in run-length form (OPT1).

    until_layer: rings 0..until_layer only (OPT3). Raises ValueError for a negative cap and arrays that are no CSR.
    """
    indptr, indices, until_layer = _checked(indptr, indices, until_layer)
    n, degree = len(indptr) - 1, np.diff(indptr)
    values, counts, sizes, first = [], [], [], np.zeros(n + 1, np.int64)
    for u in range(n):
        hops = _hops(indptr, indices, u, until_layer)
        reached = np.flatnonzero(hops >= 0)
        keys = np.stack([hops[reached], degree[reached]], axis=1)  # (reached, 2)
        if compress:
            keys, repeats = np.unique(keys, axis=0, return_counts=True)
        else:
            keys, repeats = keys[np.lexsort((keys[:, 1], keys[:, 0]))], np.ones(len(keys), np.int64)
        values.append(keys[:, 1].astype(np.int32))
        counts.append(repeats.astype(np.int32))
        sizes.append(np.bincount(keys[:, 0]))
        first[u + 1] = first[u] + len(sizes[-1])
    offsets = np.concatenate([[0], np.cumsum(np.concatenate(sizes))]).astype(np.int64)
    return Sequences(np.concatenate(values), np.concatenate(counts), offsets, first)


def layer_count(first: np.ndarray) -> int:
    """The number of layers: the number of rings that at least two nodes have. first: (n + 1,) of `Sequences`."""
    counts = np.sort(np.diff(border.offsets("first", first)))
    if len(counts) < 2:
        raise ValueError(f"layers compare pairs of nodes: expected at least 2 nodes, got {len(counts)}")
    return int(counts[-2])


def _hops(indptr: np.ndarray, indices: np.ndarray, source: int, until_layer: int) -> np.ndarray:
    hops = np.full(len(indptr) - 1, -1, np.int32)
    hops[source], ring = 0, np.array([source])
    k = 0
    while ring.size and k < until_layer:
        k += 1
        touched = np.concatenate([indices[indptr[u] : indptr[u + 1]] for u in ring])
        ring = np.unique(touched[hops[touched] < 0])
        hops[ring] = k
    return hops


def _checked(
    indptr: np.ndarray, indices: np.ndarray, until_layer: int | None
) -> tuple[np.ndarray, np.ndarray, int | float]:
    indptr = border.offsets("indptr", indptr, len(indices))
    if len(indptr) < 2:
        raise ValueError("the graph is empty")
    indices = border.integers("indices", indices, np.int32, "edges", high=len(indptr) - 1)
    return indptr, indices, np.inf if until_layer is None else border.count("until_layer", until_layer, 0)
