r"""Huffman trees: short codes for frequent nodes, and the hierarchical softmax over them.

The two smallest counts are merged until one is left; of two merged, the smaller one is child 0, the other child 1. The
inner node that is made last is the root. Leaf v, with the inner nodes $n_1, \dots, n_h$ from the root on and the bits
$b_1, \dots, b_h$, has

$$P(v \mid x) = \prod_j \sigma\big((1 - 2 b_j)\, \theta_{n_j}^\top x\big), \qquad \sum_v P(v \mid x) = 1$$

for any vectors. Which of equal counts are merged first is free, so that codes may differ between implementations, but
not their mean length $\sum_v c_v h_v$, which is the smallest of all binary trees.

Layout. Leaf v has the entries `offsets[v]:offsets[v + 1]` of `nodes` and `bits`.

Source. Huffman, "A method for the construction of minimum-redundancy codes", 1952. Morin, Bengio, "Hierarchical
probabilistic neural network language model", 2005. Mikolov et al., "Distributed representations of words and phrases",
2013.
"""

from __future__ import annotations

import heapq
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from minidl.graphs import border


class Huffman(NamedTuple):
    """offsets (V + 1,) int64; nodes (sum of code lengths,) int32, inner nodes 0..V-2; bits uint8 of that length."""

    offsets: np.ndarray
    nodes: np.ndarray
    bits: np.ndarray


def huffman(counts: Any) -> Huffman:
    """The tree of these counts (V,), integers of at least 1. Among equal counts the one that was made first is merged first.

    Raises ValueError for counts below 1: leave such leaves out.
    """
    counts = border.integers("counts", counts, np.int64, "V", low=1)
    V = len(counts)
    if V == 0:
        raise ValueError("counts must not be empty")
    heap = [(count, v) for v, count in enumerate(counts.tolist())]
    heapq.heapify(heap)
    merged = []  # the children of the inner nodes V, V + 1, ...; the last one is the root
    for inner in range(V, 2 * V - 1):
        (smaller, left), (larger, right) = heapq.heappop(heap), heapq.heappop(heap)
        merged.append((left, right))
        heapq.heappush(heap, (smaller + larger, inner))
    paths: list[tuple[tuple[int, int], ...]] = [()] * (2 * V - 1)  # (inner node, bit) from the root to each node
    for inner in reversed(range(V - 1)):
        for bit, child in enumerate(merged[inner]):
            paths[child] = (*paths[V + inner], (inner, bit))
    leaves = paths[:V]
    nodes = [node for path in leaves for node, _ in path]
    bits = [bit for path in leaves for _, bit in path]
    sizes = [len(path) for path in leaves]
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return Huffman(offsets, np.array(nodes, np.int32), np.array(bits, np.uint8))


def leaf_probabilities(x: Any, theta: Any, offsets: np.ndarray, nodes: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """P(v | x) of every leaf, (V,) float64. x: (d,), theta: (V - 1, d), the rest of `huffman`."""
    return np.exp(leaf_log_probabilities(x, theta, offsets, nodes, bits))


def leaf_log_probabilities(x: Any, theta: Any, offsets: np.ndarray, nodes: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """log P(v | x) of every leaf, (..., V) float64, for vectors x (..., d). ValueError for shapes that do not fit."""
    x, theta = np.asarray(x, np.float64), np.asarray(theta, np.float64)
    nodes = np.asarray(nodes)
    offsets = border.offsets("offsets", offsets, len(nodes))
    V = len(offsets) - 1
    if theta.ndim != 2 or len(theta) < V - 1 or x.ndim == 0 or x.shape[-1] != theta.shape[1]:
        raise ValueError(f"expected x (..., d) and theta ({V - 1}, d), got {x.shape} and {theta.shape}")
    z = (x @ theta.T)[..., nodes] * (1 - 2.0 * np.asarray(bits))  # (..., sum h)
    total = np.zeros((*x.shape[:-1], V))
    for v, (begin, end) in enumerate(pairwise(offsets)):
        total[..., v] = -np.logaddexp(0, -z[..., begin:end]).sum(axis=-1)  # the sum of log sigma(z)
    return total
