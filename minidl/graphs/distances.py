r"""Structural distances: how much the degrees around two nodes differ, up to each hop count; and which pairs to compare.

$$f_k(u, v) = f_{k-1}(u, v) + g\big(s(R_k(u)), s(R_k(v))\big), \quad f_{-1} = 0,
  \qquad 0 \le k \le \min(\mathrm{ecc}(u), \mathrm{ecc}(v))$$

with g of `minidl.graphs.dtw` and the rings of `minidl.graphs.rings`. Where a ring is empty $f_k$ is not defined; it is
given as infinity, so that the weight $e^{-f}$ of a pair that is not in a layer is 0.

Notation. pairs: (P, 2) int32 with u < v; f: (P, L) float64; L: the number of layers, of rings that two nodes have.

OPT2 compares each node with about $2 \log_2 n$ nodes of the nearest degrees only. The paper takes log n neighbours on
each side in the list sorted by degree (base not given; here $\lfloor \log_2 n \rfloor$, at least 1); the authors' code
takes the nodes of the same degree, then always the nearest other degree, the larger first where two are as near, until
there are $\lfloor 2 \log_2 n \rfloor + 1$. A pair is compared if either node proposes it.

Source. Ribeiro, Saverese, Figueiredo, "struc2vec", KDD 2017, sections 3.1 and 3.5, and the authors' code.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minidl.graphs import border
from minidl.graphs.dtw import warp
from minidl.graphs.rings import degree_sequences, layer_count

RULES = ("paper", "official")


class Candidates(NamedTuple):
    """Whom each node is compared with: node u proposes `nodes[offsets[u]:offsets[u + 1]]`, in the order of the rule."""

    offsets: np.ndarray
    nodes: np.ndarray


class Pairs(NamedTuple):
    """pairs (P, 2) int32, u < v, ascending; multiplicity (P,) int32: 2 where each of the two proposed the other."""

    pairs: np.ndarray
    multiplicity: np.ndarray


# --- which pairs -------------------------------------------------------------------------------------------------------
def all_pairs(n: int) -> np.ndarray:
    """All n (n - 1) / 2 pairs u < v, (P, 2) int32, ascending."""
    return np.stack(np.triu_indices(border.count("n", n), 1), axis=1).astype(np.int32)


def candidates(degrees: Any, rule: str = "official") -> Candidates:
    """OPT2: the nodes of the nearest degrees, for each node. degrees: (n,) of at least two nodes; rule: see above.

    Under both rules nodes of one degree are taken in the order of their numbers. Raises ValueError for n < 2.
    """
    degrees = border.integers("degrees", degrees, np.int64, "n")
    border.choice("rule", rule, RULES)
    if len(degrees) < 2:
        raise ValueError(f"candidates need at least 2 nodes, got {len(degrees)}")
    lists = (_paper_candidates if rule == "paper" else _official_candidates)(degrees)
    offsets = np.concatenate([[0], np.cumsum([len(nodes) for nodes in lists])]).astype(np.int64)
    return Candidates(offsets, np.concatenate(lists).astype(np.int32))


def _paper_candidates(degrees: np.ndarray) -> list[np.ndarray]:
    n = len(degrees)
    order = np.argsort(degrees, kind="stable")
    place = np.argsort(order)  # where each node is in the order
    side = max(1, int(n).bit_length() - 1)  # floor(log2 n)
    return [np.concatenate([order[max(0, i - side) : i], order[i + 1 : i + 1 + side]]) for i in place]


def _official_candidates(degrees: np.ndarray) -> list[np.ndarray]:
    n = len(degrees)
    # The longest list not yet above 2 log2 n = log2 n^2, in integers: floor(log2 n^2) + 1 nodes stop the search.
    wanted = min(n - 1, (n * n).bit_length())
    values = np.unique(degrees)
    members = [np.flatnonzero(degrees == value) for value in values]
    outward = []
    for value in values:
        # Nearest degree first, the larger of two that are as near.
        nearest = np.lexsort((-values, np.abs(values - value)))
        taken, found = [], 0
        for i in nearest:
            taken.append(members[i][: wanted + 1])  # one more than wanted: the node itself is left out
            found += len(taken[-1])
            if found > wanted:
                break
        outward.append(np.concatenate(taken))
    nearest_nodes = [outward[i] for i in np.searchsorted(values, degrees)]
    return [nodes[nodes != u][:wanted] for u, nodes in enumerate(nearest_nodes)]


def candidate_pairs(offsets: np.ndarray, nodes: np.ndarray) -> Pairs:
    """Each proposed pair once, with the number of its two nodes that proposed it. Takes `Candidates`."""
    offsets = border.offsets("offsets", offsets, len(nodes))
    n = len(offsets) - 1
    nodes = border.integers("nodes", nodes, np.int64, "proposals", high=n)
    proposer = np.repeat(np.arange(n), np.diff(offsets))
    if (proposer == nodes).any():
        raise ValueError("a node must not propose itself")
    keys, multiplicity = np.unique(
        np.minimum(proposer, nodes) * n + np.maximum(proposer, nodes), return_counts=True
    )  # (P,)
    return Pairs(np.stack(np.divmod(keys, n), axis=1).astype(np.int32), multiplicity.astype(np.int32))


# --- distances ---------------------------------------------------------------------------------------------------------
def pair_distances(
    degrees: np.ndarray,
    counts: np.ndarray,
    offsets: np.ndarray,
    first: np.ndarray,
    pairs: np.ndarray,
    epsilon: float = 0.0,
) -> np.ndarray:
    """f_k(u, v) of the pairs (P, 2) in every layer, (P, L) float64; infinity where a ring is empty.

    The first four are the flat `Sequences` of `degree_sequences`, ordered or in run-length form (OPT1), of at least two
    nodes. Raises ValueError for a node without neighbours while epsilon is 0, and nodes outside 0..n-1.
    """
    epsilon = border.number("epsilon", epsilon)
    offsets = border.offsets("offsets", offsets, len(degrees))
    first = border.offsets("first", first, len(offsets) - 1)
    degrees = border.integers("degrees", degrees, np.int32, "entries")
    counts = border.integers("counts", counts, np.int32, len(degrees), low=1)
    pairs = border.integers("pairs", pairs, np.int32, "P", 2, high=len(first) - 1)
    if epsilon == 0 and (degrees == 0).any():
        owner = np.searchsorted(first, np.searchsorted(offsets, np.argmin(degrees), side="right") - 1, side="right") - 1
        raise ValueError(
            f"node number {owner} has no neighbours, and a degree of 0 has no ratio to another: use epsilon > 0 (0.5 in the "
            "authors' code), or leave the node out (Graph.without_isolated)"
        )
    f = np.full((len(pairs), layer_count(first)), np.inf)
    levels = degrees.astype(np.float64)
    for e, (u, v) in enumerate(pairs.tolist()):
        total = 0.0
        for k in range(min(first[u + 1] - first[u], first[v + 1] - first[v])):
            A = slice(offsets[first[u] + k], offsets[first[u] + k + 1])
            B = slice(offsets[first[v] + k], offsets[first[v] + k + 1])
            if k < f.shape[1]:
                a, b = levels[A, None], levels[None, B]
                longer = np.maximum(counts[A, None], counts[None, B])
                total += warp(np.abs(a - b) / (np.minimum(a, b) + epsilon) * longer)  # (|A|, |B|)
                f[e, k] = total
    return f


def structural_distances(
    indptr: np.ndarray,
    indices: np.ndarray,
    pairs: np.ndarray,
    epsilon: float = 0.0,
    compress: bool = False,
    until_layer: int | None = None,
) -> np.ndarray:
    """f_k(u, v) straight from a graph in CSR form: `degree_sequences`, then `pair_distances`. Returns (P, L) float64.

    compress: OPT1, an upper bound; until_layer: OPT3, layers 0..until_layer. Raises ValueError as the two do.
    """
    return pair_distances(*degree_sequences(indptr, indices, compress, until_layer), pairs, epsilon)


def signature_classes(
    degrees: np.ndarray, counts: np.ndarray, offsets: np.ndarray, first: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Nodes whose rings agree entry by entry: the class of each node (n,) int32, and one node of each class (c,) int32.

    Members of one class have the same distances to everybody, so that only pairs of classes need DTW. All nodes of one
    orbit under automorphisms are in one class. Takes the flat `Sequences`; not checked.
    """
    seen: dict[bytes, int] = {}
    classes, representatives = np.empty(len(first) - 1, np.int32), []
    for u in range(len(classes)):
        entries = slice(offsets[first[u]], offsets[first[u + 1]])
        sizes = np.diff(offsets[first[u] : first[u + 1] + 1])
        key = np.concatenate([[len(sizes)], sizes, degrees[entries], counts[entries]]).astype(np.int64).tobytes()
        classes[u] = seen.setdefault(key, len(seen))
        if len(representatives) < len(seen):
            representatives.append(u)
    return classes, np.array(representatives, np.int32)
