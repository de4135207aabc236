"""Planted bugs of Huffman trees and of the probabilities of their leaves."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from minidl.laws.core import planted


# --- trees -------------------------------------------------------------------------------------------------------------
def _paths(change):
    """The right tree with each path (nodes, bits) changed."""

    def build(ref):
        def huffman(counts):
            offsets, nodes, bits = ref.huffman(counts)
            parts = [change(nodes[a:b], bits[a:b]) for a, b in pairwise(offsets.tolist())]
            return offsets, *(
                np.concatenate(part).astype(d) for part, d in zip(zip(*parts, strict=True), "iB", strict=True)
            )

        return huffman

    return build


def _merged(order):
    """A tree that merges the two that come first by this key of (count, number), and of V."""

    def build(ref):
        def huffman(counts):
            V = len(counts)
            left = [(int(count), v) for v, count in enumerate(counts)]
            parent = {}
            for inner in range(V, 2 * V - 1):
                a, b = sorted(left, key=lambda one: order(one, V))[:2]
                left = [one for one in left if one not in (a, b)] + [(a[0] + b[0], inner)]
                parent[a[1]], parent[b[1]] = (inner, 0), (inner, 1)
            sizes, nodes, bits = [0], [], []
            for v in range(V):
                path = []
                while v in parent:
                    v, bit = parent[v]
                    path.append((v - V, bit))
                sizes.append(len(path))
                nodes += [node for node, _ in reversed(path)]
                bits += [bit for _, bit in reversed(path)]
            return np.cumsum(sizes), np.array(nodes, np.int32), np.array(bits, np.uint8)

        return huffman

    return build


@planted("huffman")
def from_the_leaf_up(ref):
    """Nodes and bits are listed from the leaf to the root."""
    return _paths(lambda nodes, bits: (nodes[::-1], bits[::-1]))(ref)


@planted("huffman")
def bits_from_the_leaf_up(ref):
    """The bits alone are reversed along the path."""
    return _paths(lambda nodes, bits: (nodes, bits[::-1]))(ref)


@planted("huffman")
def bits_exchanged(ref):
    """The smaller one is child 1."""
    return _paths(lambda nodes, bits: (nodes, 1 - bits))(ref)


@planted("huffman")
def largest_merged_first(ref):
    """The two largest counts are merged: frequent nodes get long codes."""
    return _merged(lambda one, V: (-one[0], one[1]))(ref)


@planted("huffman")
def counts_ignored(ref):
    """The leaves are merged in the order of their numbers: a balanced tree."""
    return _merged(lambda one, V: one[1])(ref)


@planted("huffman")
def merged_once_and_for_all(ref):
    """The counts are sorted once; what is merged is not put back in its place: a comb."""
    return _merged(lambda one, V: (0 if one[1] >= V else one[0], one[1]))(ref)


@planted("huffman")
def numbered_by_depth(ref):
    """An inner node is named by its depth: places of the same depth share their weights."""
    return _paths(lambda nodes, bits: (np.arange(len(nodes)), bits))(ref)


# --- leaves ------------------------------------------------------------------------------------------------------------
def _along(branch, gather=lambda P: P.prod()):
    """Probabilities from a function of (z, bit) for each inner node of the path."""

    def build(ref):
        def leaf_probabilities(x, theta, offsets, nodes, bits):
            z = theta @ x
            with np.errstate(over="ignore"):
                parts = [gather(branch(z[nodes[a:b]], bits[a:b].astype(float))) for a, b in pairwise(offsets.tolist())]
            return np.array(parts, float)

        return leaf_probabilities

    return build


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


@planted("leaf_probabilities")
def bit_1_is_the_sigmoid(ref):
    """The sigmoid itself where the bit is 1: left and right exchanged."""
    return _along(lambda z, b: _sigmoid((2 * b - 1) * z))(ref)


@planted("leaf_probabilities")
def bits_not_read(ref):
    """The sigmoid itself at every node of the path."""
    return _along(lambda z, b: _sigmoid(z))(ref)


@planted("leaf_probabilities")
def bit_times_z(ref):
    """(1 - b) z instead of (1 - 2 b) z."""
    return _along(lambda z, b: _sigmoid((1 - b) * z))(ref)


@planted("leaf_probabilities")
def last_node_left_out(ref):
    """The path stops before its last inner node."""
    return _along(lambda z, b: _sigmoid((1 - 2 * b) * z)[:-1])(ref)


@planted("leaf_probabilities")
def mean_along_the_path(ref):
    """The geometric mean along the path."""
    return _along(lambda z, b: _sigmoid((1 - 2 * b) * z), lambda P: P.prod() ** (1 / max(1, len(P))))(ref)


@planted("leaf_probabilities")
def softmax_afterwards(ref):
    """The products are normalised by their largest."""
    return lambda *inputs: ref.leaf_probabilities(*inputs) / ref.leaf_probabilities(*inputs).max()
