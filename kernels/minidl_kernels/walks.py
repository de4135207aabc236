"""Random walks on the layered graph in plain Numba: the twin of `minidl.graphs.walks`, to the last bit for the same noise.

NumPy takes all walks a decision further at a time, and gathers and scatters whole arrays for each; here a walk is walked to its
end, with its node and layer in registers. `minidl_kernels.deepwalk` walks on the graph itself; its functions are here as well.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange

from minidl_kernels import flat
from minidl_kernels.deepwalk import (
    GROUP,
    draw_first_order_walks,
    draw_node2vec_walks,
    first_order_walks,
    node2vec_walks,
    started,
)
from minidl_kernels.walk_noise import key, uniform, walk_noise

__all__ = [
    "BOUNDARIES",
    "AliasTables",
    "Walks",
    "advance_walks",
    "alias_draw",
    "alias_tables",
    "draw_first_order_walks",
    "draw_multilayer_walks",
    "draw_node2vec_walks",
    "first_order_walks",
    "multilayer_walks",
    "node2vec_walks",
    "walk_noise",
]

BOUNDARIES = ("lazy", "forced")


class AliasTables(NamedTuple):
    threshold: np.ndarray  # (E,) float64
    alias: np.ndarray  # (E,) int32, counted from the start of its row


class Walks(NamedTuple):
    nodes: np.ndarray  # (W, walk_length) int32, -1 where nothing is written yet
    lengths: np.ndarray  # (W,) int64
    layers: np.ndarray  # (W,) int32


# --- drawing from rows ---------------------------------------------------------------------------------------------------
def alias_tables(bounds: Any, p: Any) -> AliasTables:
    """A table for each row of probabilities, from which one uniform draws in constant time.

    bounds: (rows + 1,); p: (E,), adding up to 1 in each row that is not empty. Raises ValueError otherwise.
    """
    p = np.ascontiguousarray(p, np.float64)
    bounds = flat.offsets("bounds", bounds, len(p))
    threshold, alias = np.ones(len(p)), np.zeros(len(p), np.int32)
    if not _fill_tables(bounds, p, np.finfo(float).eps, threshold, alias):
        raise ValueError("p must hold probabilities that add up to 1 in each row")
    return AliasTables(threshold, alias)


@njit(cache=True, nogil=True)
def _fill_tables(bounds, p, eps, threshold, alias):
    longest = 0
    for row in range(len(bounds) - 1):
        longest = max(longest, bounds[row + 1] - bounds[row])
    share, small, large = np.empty(longest), np.empty(longest, np.int64), np.empty(longest, np.int64)
    for row in range(len(bounds) - 1):
        begin, size = bounds[row], bounds[row + 1] - bounds[row]
        total = 0.0
        smalls = larges = 0
        for i in range(size):
            if not p[begin + i] >= 0:  # so that a NaN is refused
                return False
            total += p[begin + i]
            share[i] = size * p[begin + i]  # 1 is the fair share
            if share[i] < 1:
                small[smalls] = i
                smalls += 1
            else:
                large[larges] = i
                larges += 1
        if size and not abs(total - 1) <= 4 * eps * size:
            return False
        while smalls and larges:
            i, j = small[smalls - 1], large[larges - 1]
            smalls -= 1
            threshold[begin + i], alias[begin + i] = share[i], j
            share[j] = share[j] + share[i] - 1
            if share[j] < 1:
                larges -= 1
                small[smalls] = j
                smalls += 1
    return True


def alias_draw(threshold: Any, alias: Any, u: Any) -> np.ndarray:
    """Draws from one row (K,) of alias tables: an index for each uniform in u, int64 of the shape of u."""
    threshold, alias = np.ascontiguousarray(threshold, np.float64), np.asarray(alias)
    if threshold.ndim != 1 or len(threshold) == 0 or alias.shape != threshold.shape:
        raise ValueError(f"expected one row of a table, (K,) twice, got {threshold.shape} and {alias.shape}")
    alias = flat.integers("alias", alias, np.int32, len(threshold), high=len(threshold))
    u = np.asarray(u, np.float64)
    index = np.empty(u.size, np.int64)
    if not _draw_all(threshold, alias, np.ascontiguousarray(u).ravel(), index):
        raise ValueError("u must lie in [0, 1): draw it with rng.random(shape)")
    return index.reshape(u.shape)


@njit(cache=True, nogil=True)
def _draw_all(threshold, alias, u, index):
    size = len(threshold)
    for j in range(len(u)):
        if not (u[j] >= 0 and u[j] < 1):  # so that a NaN is refused
            return False
        index[j] = _draw(threshold, alias, 0, size, u[j])
    return True


@njit(cache=True, inline="always")
def _draw(threshold, alias, begin, size, u):
    x = u * size  # its whole part chooses the entry, its fraction between the entry and its alias
    i = min(np.int64(x), size - 1)
    return i if x - i < threshold[begin + i] else np.int64(alias[begin + i])


# --- the layered graph ---------------------------------------------------------------------------------------------------
def advance_walks(
    nodes: Any,
    lengths: Any,
    layers: Any,
    bounds: Any,
    neighbours: Any,
    threshold: Any,
    alias: Any,
    up: Any,
    u: Any,
    q: float = 0.3,
    boundary: str = "lazy",
) -> Walks:
    """The walks after up to T more decisions each, with the noise u (W, T, 2); a finished walk makes none.

    The first three are `Walks`, which are not changed. Raises ValueError for q outside (0, 1], shapes that do not fit,
    a node without neighbours in layer 0.
    """
    graph = _layered(bounds, neighbours, threshold, alias, up)
    q = flat.number("q", q, 0, 1, above=True)
    forced = flat.choice("boundary", boundary, BOUNDARIES) == "forced"
    L, n = graph[4].shape
    nodes = flat.integers("nodes", nodes, np.int32, "W", "walk_length", low=-1, high=n)
    W, walk_length = nodes.shape
    lengths = flat.integers("lengths", lengths, np.int64, W, low=1, high=walk_length + 1)
    layers = flat.integers("layers", layers, np.int32, W, high=L)
    u = flat.uniforms("u", u, W, "T", 2)
    _accompanied(nodes[:, 0], graph[0], walk_length)
    walks = Walks(nodes.copy(), lengths.copy(), layers.copy())
    q = float(u.dtype.type(q))  # compared as NumPy compares: in the precision of the noise
    _advance(*walks, *graph, np.ascontiguousarray(u, np.float64), q, forced)
    return walks


def multilayer_walks(
    starts: Any,
    bounds: Any,
    neighbours: Any,
    threshold: Any,
    alias: Any,
    up: Any,
    u: Any,
    walk_length: int = 80,
    q: float = 0.3,
    boundary: str = "lazy",
) -> Walks:
    """Walks from the starts (W,) in layer 0, with the noise u (W, T, 2)."""
    walks = _begin(starts, walk_length)
    return advance_walks(*walks, bounds, neighbours, threshold, alias, up, u, q, boundary)


def draw_multilayer_walks(
    starts: Any,
    bounds: Any,
    neighbours: Any,
    threshold: Any,
    alias: Any,
    up: Any,
    walk_length: int = 80,
    q: float = 0.3,
    boundary: str = "lazy",
    *,
    rng: np.random.Generator,
) -> np.ndarray:
    """Finished walks (W, walk_length) int32, with noise of their own from one number of `rng`. Uses all cores."""
    graph = _layered(bounds, neighbours, threshold, alias, up)
    q = flat.number("q", q, 0, 1, above=True)
    forced = flat.choice("boundary", boundary, BOUNDARIES) == "forced"
    nodes = _begin(starts, walk_length).nodes
    if nodes.size and nodes[:, 0].max() >= graph[4].shape[1]:
        raise ValueError(f"starts must hold integers from 0 to {graph[4].shape[1] - 1}, got {nodes[:, 0].max()}")
    _accompanied(nodes[:, 0], graph[0], nodes.shape[1])
    bounds, *alias_graph, up = graph
    _draw_layered(nodes, bounds, _entries(bounds, *alias_graph), up, flat.seed(rng), q, forced)
    return nodes


def _begin(starts: Any, walk_length: Any) -> Walks:
    nodes = started(flat.integers("starts", starts, np.int32, "W"), flat.count("walk_length", walk_length))
    return Walks(nodes, np.ones(len(nodes), np.int64), np.zeros(len(nodes), np.int32))


def _layered(bounds: Any, neighbours: Any, threshold: Any, alias: Any, up: Any) -> tuple[np.ndarray, ...]:
    up = np.ascontiguousarray(up, np.float64)
    if up.ndim != 2:
        raise ValueError(f"up must be (L, n), got shape {up.shape}")
    bounds = flat.offsets("bounds", bounds, len(neighbours))
    if len(bounds) != up.size + 1:
        raise ValueError(
            f"bounds must have L n + 1 = {up.size + 1} entries to fit up of shape {up.shape}, got {len(bounds)}"
        )
    E = len(neighbours)
    neighbours = flat.integers("neighbours", neighbours, np.int32, E, high=up.shape[1])
    alias = flat.integers("alias", alias, np.int32, E)
    threshold = np.ascontiguousarray(threshold, np.float64)
    if threshold.shape != (E,):
        raise ValueError(f"threshold must have shape ({E},), got {threshold.shape}")
    return bounds, neighbours, threshold, alias, up


def _accompanied(starts: np.ndarray, bounds: np.ndarray, walk_length: int) -> None:
    lonely = starts[bounds[starts + 1] == bounds[starts]]
    if walk_length > 1 and lonely.size:
        raise ValueError(f"node number {lonely[0]} has nobody to go to in layer 0: every node needs a pair")


@njit(cache=True, inline="always")
def _move(row, k, bounds, L, n, rise, forced):
    """The change of layer, -1, 0 or 1, of a walker at the node of this row, in layer k, who would rise or fall."""
    can_rise, can_fall = k + 1 < L and bounds[row + n + 1] > bounds[row + n], k > 0
    if forced and not (can_rise and can_fall):
        rise = can_rise
    return np.int32(can_rise) if rise else -np.int32(can_fall)


@njit(cache=True, nogil=True, parallel=True)
def _advance(nodes, lengths, layers, bounds, neighbours, threshold, alias, up, u, q, forced):
    (W, walk_length), (L, n) = nodes.shape, up.shape
    for w in prange(W):
        written, k = lengths[w], layers[w]
        v, t = nodes[w, written - 1], 0
        while written < walk_length and t < u.shape[1]:
            r, s = u[w, t, 0], u[w, t, 1]
            t += 1
            row = k * n + v
            if r < q:
                begin = bounds[row]
                v = neighbours[begin + _draw(threshold, alias, begin, bounds[row + 1] - begin, s)]
                nodes[w, written] = v
                written += 1
            else:
                k += _move(row, k, bounds, L, n, s <= up[k, v], forced)
        lengths[w], layers[w] = written, k


@njit(cache=True, nogil=True)
def _entries(bounds, neighbours, threshold, alias):
    """What a draw reads, side by side in 16 bytes: the threshold, and as two int32 whom it and its alias lead to."""
    table = np.empty((len(neighbours), 2))
    ends = table.view(np.int32)  # (E, 4)
    table[:, 0] = threshold
    for row in range(len(bounds) - 1):
        for e in range(bounds[row], bounds[row + 1]):
            ends[e, 2], ends[e, 3] = neighbours[e], neighbours[bounds[row] + alias[e]]
    return table


@njit(cache=True, nogil=True, parallel=True)
def _draw_layered(nodes, bounds, table, up, seed, q, forced):
    """Walkers in groups, a node at a time: first all decide, then all draw, so that they wait for the table together."""
    (W, walk_length), (L, n), ends = nodes.shape, up.shape, table.view(np.int32)
    moves = np.empty((L * n, 2), np.int32)  # of whoever falls, and of whoever rises
    for row in range(L * n):
        for rise in range(2):
            moves[row, rise] = _move(row, row // n, bounds, L, n, rise == 1, forced)
    for group in prange((W + GROUP - 1) // GROUP):
        first, size = group * GROUP, min(GROUP, W - group * GROUP)
        keys, t = np.empty(GROUP, np.uint64), np.zeros(GROUP, np.int64)
        at, layer = np.empty(GROUP, np.int64), np.zeros(GROUP, np.int64)  # layer: n times its number
        entry, rest = np.empty(GROUP, np.int64), np.empty(GROUP)
        for j in range(size):
            keys[j], at[j] = key(seed, first + j), nodes[first + j, 0]
        for written in range(1, walk_length):
            for j in range(size):
                own, i, row = keys[j], t[j], layer[j] + at[j]
                while not uniform(own, i) < q:
                    row += n * moves[row, np.int64(uniform(own, i + 1) <= up.flat[row])]
                    i += 2
                many = bounds[row + 1] - bounds[row]
                x = uniform(own, i + 1) * many
                chosen = min(np.int64(x), many - 1)
                entry[j], rest[j] = bounds[row] + chosen, x - chosen
                layer[j], t[j] = row - at[j], i + 2
            for j in range(size):
                e = entry[j]
                at[j] = ends[e, 2] if rest[j] < table[e, 0] else ends[e, 3]
                nodes[first + j, written] = at[j]
