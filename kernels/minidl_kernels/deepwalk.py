"""Walks on the graph itself, DeepWalk and node2vec, in plain Numba: the twin of `minidl.graphs.deepwalk`, to the last bit.

A step is loads that wait for one another: where the row of the node begins, then the neighbour. So walks that make their
own noise go in groups that take turns: while one waits for memory, the others go on. node2vec with given noise must
cumulate the weights of all neighbours; with its own noise it proposes a uniform neighbour and rejects, which needs one
search instead.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from minidl_kernels import flat
from minidl_kernels.walk_noise import key, uniform

GROUP = 32  # walks that take turns


def first_order_walks(starts: Any, indptr: Any, indices: Any, u: Any) -> np.ndarray:
    """Walks (W, walk_length) int32 to uniform neighbours. starts: (W,), u: (W, walk_length - 1) in [0, 1)."""
    starts, indptr, indices = _plain(starts, indptr, indices)
    u = flat.uniforms("u", u, len(starts), "walk_length - 1")
    nodes = started(starts, u.shape[1] + 1)
    _first_order(nodes, indptr, indices, np.ascontiguousarray(u, np.float64))
    return nodes


def draw_first_order_walks(
    starts: Any, indptr: Any, indices: Any, walk_length: int = 80, *, rng: np.random.Generator
) -> np.ndarray:
    """`first_order_walks` with noise of its own from one number of `rng`: `walk_noise` of that seed. Uses all cores."""
    starts, indptr, indices = _plain(starts, indptr, indices)
    nodes = started(starts, flat.count("walk_length", walk_length))
    _draw_first_order(nodes, indptr, indices, flat.seed(rng))
    return nodes


def node2vec_walks(starts: Any, indptr: Any, indices: Any, u: Any, p: float = 1.0, q: float = 1.0) -> np.ndarray:
    """Walks (W, walk_length) int32 of node2vec. starts: (W,), u: (W, walk_length - 1) in [0, 1); p, q above 0."""
    starts, indptr, indices = _plain(starts, indptr, indices, ascending=True)
    u = flat.uniforms("u", u, len(starts), "walk_length - 1")
    p, q = flat.number("p", p, above=True), flat.number("q", q, above=True)
    nodes = started(starts, u.shape[1] + 1)
    _second_order(nodes, indptr, indices, np.ascontiguousarray(u, np.float64), 1 / p, 1 / q)
    return nodes


def draw_node2vec_walks(
    starts: Any,
    indptr: Any,
    indices: Any,
    walk_length: int = 80,
    p: float = 1.0,
    q: float = 1.0,
    *,
    rng: np.random.Generator,
) -> np.ndarray:
    """Walks of node2vec with noise of their own, by rejection. Uses all cores.

    A neighbour is proposed uniformly and taken with alpha / max(1 / p, 1, 1 / q), which needs one search among the
    neighbours of the node before, and not the weights of all neighbours: the same law as `node2vec_walks`, not the same
    walks.
    """
    starts, indptr, indices = _plain(starts, indptr, indices, ascending=True)
    p, q = flat.number("p", p, above=True), flat.number("q", q, above=True)
    nodes = started(starts, flat.count("walk_length", walk_length))
    _draw_second_order(nodes, indptr, indices, flat.seed(rng), 1 / p, 1 / q)
    return nodes


def started(starts: np.ndarray, walk_length: int) -> np.ndarray:
    """Walks of which only the start is written."""
    nodes = np.full((len(starts), walk_length), -1, np.int32)
    nodes[:, 0] = starts
    return nodes


def _plain(starts: Any, indptr: Any, indices: Any, ascending: bool = False) -> tuple[np.ndarray, ...]:
    indptr, indices = flat.csr(indptr, indices)
    if ascending and not np.isin(np.flatnonzero(np.diff(indices) <= 0) + 1, indptr).all():
        raise ValueError("the neighbours of each node must ascend: build the graph with minidl.graphs.csr")
    return flat.integers("starts", starts, np.int32, "W", high=len(indptr) - 1), indptr, indices


@njit(cache=True, inline="always")
def _neighbour(v, indptr, indices, u):
    """A uniform neighbour of v, or -1."""
    degree = indptr[v + 1] - indptr[v]
    return indices[indptr[v] + min(np.int64(u * degree), degree - 1)] if degree else np.int32(-1)


@njit(cache=True, nogil=True, parallel=True)
def _first_order(nodes, indptr, indices, u):
    for w in prange(len(nodes)):
        v = nodes[w, 0]
        for t in range(u.shape[1]):
            v = _neighbour(v, indptr, indices, u[w, t])
            if v < 0:
                break
            nodes[w, t + 1] = v


@njit(cache=True, nogil=True, parallel=True)
def _draw_first_order(nodes, indptr, indices, seed):
    W, walk_length = nodes.shape
    for group in prange((W + GROUP - 1) // GROUP):
        begin, end = group * GROUP, min(W, (group + 1) * GROUP)
        at, keys = np.empty(GROUP, np.int32), np.empty(GROUP, np.uint64)
        for w in range(begin, end):
            keys[w - begin], at[w - begin] = key(seed, w), nodes[w, 0]
        for t in range(walk_length - 1):
            for j in range(end - begin):
                if at[j] >= 0:
                    at[j] = _neighbour(at[j], indptr, indices, uniform(keys[j], t))
                    nodes[begin + j, t + 1] = at[j]


@njit(cache=True, nogil=True, parallel=True)
def _second_order(nodes, indptr, indices, u, back, far):
    for w in prange(len(nodes)):
        t_node = nodes[w, 0]
        v = _neighbour(t_node, indptr, indices, u[w, 0]) if u.shape[1] else np.int32(-1)
        if v >= 0:
            nodes[w, 1] = v
            cumulated = np.empty(0)
            for t in range(1, u.shape[1]):
                begin, degree = indptr[v], indptr[v + 1] - indptr[v]
                if len(cumulated) < degree:
                    cumulated = np.empty(2 * degree)
                i, last, total = indptr[t_node], indptr[t_node + 1], 0.0
                for j in range(degree):  # the two rows ascend, and are gone through together
                    x = indices[begin + j]
                    while i < last and indices[i] < x:
                        i += 1
                    near = i < last and indices[i] == x
                    total += back if x == t_node else (1.0 if near else far)
                    cumulated[j] = total
                step = np.searchsorted(cumulated[:degree], u[w, t] * total, side="right")
                t_node, v = v, indices[begin + min(step, degree - 1)]
                nodes[w, t + 1] = v


@njit(cache=True, inline="always")
def _is_in(x, begin, end, indices):
    """Whether x is in the ascending row indices[begin:end]."""
    last = end
    while begin < end:
        middle = (begin + end) >> 1
        if indices[middle] < x:
            begin = middle + 1
        else:
            end = middle
    return begin < last and indices[begin] == x


@njit(cache=True, nogil=True, parallel=True)
def _draw_second_order(nodes, indptr, indices, seed, back, far):
    largest = max(back, 1.0, far)
    for w in prange(len(nodes)):
        own, i, source, v = key(seed, w), 0, np.int32(-1), nodes[w, 0]
        if indptr[v + 1] > indptr[v]:
            for t in range(1, nodes.shape[1]):
                while True:
                    x = _neighbour(v, indptr, indices, uniform(own, i))
                    limit = largest * uniform(own, i + 1)
                    i += 2
                    if t == 1 or limit < min(back, 1.0, far):  # whatever alpha is
                        break
                    if x == source:
                        alpha = back
                    else:
                        alpha = 1.0 if _is_in(x, indptr[source], indptr[source + 1], indices) else far
                    if limit < alpha:
                        break
                nodes[w, t] = x
                source, v = v, x
