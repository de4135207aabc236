r"""Random walks on the layered graph, with their noise as an input.

A walker at node u in layer k stays in the layer with probability q: it goes to v with $p_k(v \mid u)$ and v is written
down. Otherwise it changes layers, up with $P_\uparrow(u, k)$ and down otherwise, and nothing is written. Where there is
no such layer (below 0, or above the last in which u has an edge) it does nothing with boundary="lazy", as the authors'
code does, and goes the other way with "forced" (the paper: "layer permitting").

Noise. Decision t of a walk uses two uniforms u[t] = (r, s): r < q stays, and s draws v from the row's alias table;
else $s \le P_\uparrow$ goes up. A walk takes $(1 - q) / q$ changes of layer on average between two nodes that it
writes, so that the number of decisions is random: walks whose noise runs out are unfinished, and `advance_walks` goes
on with them.

Notation. W walks; nodes: (W, walk_length) int32, -1 where nothing is written yet; lengths: (W,), how many are; layers:
(W,), where each walker is. bounds, neighbours: of `minidl.graphs.layers.Layers`, row k n + u; up: (L, n).

Source. Ribeiro, Saverese, Figueiredo, "struc2vec", KDD 2017, section 3.3, and the authors' code. Alias tables: Walker
1977; Vose, "A linear algorithm for generating random numbers with a given distribution", 1991.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minidl.graphs import border

BOUNDARIES = ("lazy", "forced")
BLOCK = 128  # decisions of a walk that are drawn at a time
CHUNK = 1 << 14  # walks that are walked at a time


class AliasTables(NamedTuple):
    """threshold (E,) float64 and alias (E,) int32, the latter counted from the start of its row."""

    threshold: np.ndarray
    alias: np.ndarray


class Walks(NamedTuple):
    """nodes (W, walk_length) int32, lengths (W,) int64, layers (W,) int32: see the top of this file."""

    nodes: np.ndarray
    lengths: np.ndarray
    layers: np.ndarray


# --- drawing from rows -------------------------------------------------------------------------------------------------
def alias_tables(bounds: np.ndarray, p: np.ndarray) -> AliasTables:
    """A table for each row of probabilities, from which one uniform draws in constant time (`alias_draw`).

    bounds: (rows + 1,); p: (E,), adding up to 1 in each row that is not empty. Raises ValueError otherwise.
    Entries below their fair share are filled up by entries above it, the last of each kind first.
    """
    p = np.asarray(p, np.float64)
    bounds = border.offsets("bounds", bounds, len(p))
    sizes = np.diff(bounds)
    sums = np.add.reduceat(p, bounds[:-1][sizes > 0]) if len(p) else np.zeros(0)
    # n terms, each rounded relative to itself, and n additions, each below 1: within (2 n) eps, doubled.
    if not (p >= 0).all() or not (np.abs(sums - 1) <= 4 * np.finfo(float).eps * sizes[sizes > 0]).all():
        raise ValueError("p must hold probabilities that add up to 1 in each row")
    threshold, alias = np.ones(len(p)), np.zeros(len(p), np.int32)
    for begin, size in zip(bounds[:-1].tolist(), sizes.tolist(), strict=True):
        share = (size * p[begin : begin + size]).tolist()  # 1 is the fair share
        small = [i for i in range(size) if share[i] < 1]
        large = [i for i in range(size) if share[i] >= 1]
        while small and large:
            i, j = small.pop(), large.pop()
            threshold[begin + i], alias[begin + i] = share[i], j
            share[j] = share[j] + share[i] - 1
            (small if share[j] < 1 else large).append(j)
    return AliasTables(threshold, alias)


def alias_draw(threshold: np.ndarray, alias: np.ndarray, u: Any) -> np.ndarray:
    """Draws from one row (K,) of alias tables: an index for each uniform in u, int64 of the shape of u."""
    threshold, alias = np.asarray(threshold, np.float64), np.asarray(alias)
    if threshold.ndim != 1 or len(threshold) == 0 or alias.shape != threshold.shape:
        raise ValueError(f"expected one row of a table, (K,) twice, got {threshold.shape} and {alias.shape}")
    u = np.asarray(u, np.float64)
    if not ((u >= 0) & (u < 1)).all():
        raise ValueError("u must lie in [0, 1): draw it with rng.random(shape)")
    begin = np.zeros(u.shape, np.int64)
    return _draw(threshold, alias, begin, np.full(u.shape, len(threshold)), u)


def _draw(threshold: np.ndarray, alias: np.ndarray, begin: np.ndarray, size: np.ndarray, u: np.ndarray) -> np.ndarray:
    x = u * size  # its whole part chooses the entry, its fraction between the entry and its alias
    i = np.minimum(x.astype(np.int64), size - 1)
    return np.where(x - i < threshold[begin + i], i, alias[begin + i])


# --- walks -------------------------------------------------------------------------------------------------------------
def walk_starts(u: Any) -> np.ndarray:
    """The start of each walk: every node once in each of the rounds, shuffled. u: (rounds, n). Returns (rounds n,) int32."""
    u = border.uniforms("u", u, "rounds", "n")
    return np.argsort(u, axis=1, kind="stable").ravel().astype(np.int32)


def begin_walks(starts: Any, walk_length: int) -> Walks:
    """Walks (W, walk_length) of which only the start is written, in layer 0."""
    starts = border.integers("starts", starts, np.int32, "W")
    nodes = np.full((len(starts), border.count("walk_length", walk_length)), -1, np.int32)
    nodes[:, 0] = starts
    return Walks(nodes, np.ones(len(starts), np.int64), np.zeros(len(starts), np.int32))


def advance_walks(
    nodes: np.ndarray,
    lengths: np.ndarray,
    layers: np.ndarray,
    bounds: np.ndarray,
    neighbours: np.ndarray,
    threshold: np.ndarray,
    alias: np.ndarray,
    up: np.ndarray,
    u: np.ndarray,
    q: float = 0.3,
    boundary: str = "lazy",
) -> Walks:
    """The walks after up to T more decisions each, with the noise u (W, T, 2); a finished walk makes none.

    The first three are `Walks`, which are not changed. Raises ValueError for q outside (0, 1], shapes that do not fit,
    a node without neighbours in layer 0.
    """
    q = border.number("q", q, 0, 1, above=True)
    border.choice("boundary", boundary, BOUNDARIES)
    up = np.asarray(up, np.float64)
    if up.ndim != 2:
        raise ValueError(f"up must be (L, n), got shape {up.shape}")
    L, n = up.shape
    bounds = border.offsets("bounds", bounds, len(neighbours))
    if len(bounds) != L * n + 1:
        raise ValueError(
            f"bounds must have L n + 1 = {L * n + 1} entries to fit up of shape {up.shape}, got {len(bounds)}"
        )
    sizes = np.diff(bounds)
    nodes = border.integers("nodes", nodes, np.int32, "W", "walk_length", low=-1, high=n)
    W, walk_length = nodes.shape
    lengths = border.integers("lengths", lengths, np.int64, W, low=1, high=walk_length + 1).copy()
    layers = border.integers("layers", layers, np.int32, W, high=L).copy()
    u = border.uniforms("u", u, W, "T", 2)
    if walk_length > 1 and (lonely := nodes[sizes[nodes[:, 0]] == 0, 0]).size:
        raise ValueError(f"node number {lonely[0]} has nobody to go to in layer 0: every node needs a pair")
    nodes = nodes.copy()
    position = nodes[np.arange(W), lengths - 1].astype(np.int64)
    for t in range(u.shape[1]):
        going = np.flatnonzero(lengths < walk_length)
        if going.size == 0:
            break
        r, s = u[going, t].T
        stay = r < q
        walkers, s_stay = going[stay], s[stay]
        row = layers[walkers] * n + position[walkers]
        position[walkers] = neighbours[bounds[row] + _draw(threshold, alias, bounds[row], sizes[row], s_stay)]
        nodes[walkers, lengths[walkers]] = position[walkers]
        lengths[walkers] += 1

        walkers, s_move = going[~stay], s[~stay]
        k, v = layers[walkers], position[walkers]
        above = np.minimum(k + 1, L - 1)
        can_rise = (k + 1 < L) & (sizes[above * n + v] > 0)
        can_fall = k > 0
        rise = s_move <= up[k, v]
        if boundary == "forced":
            rise = np.where(can_rise & can_fall, rise, can_rise)
        layers[walkers] += np.where(rise, can_rise, -can_fall.astype(np.int32)).astype(np.int32)
    return Walks(nodes, lengths, layers)


def multilayer_walks(
    starts: Any,
    bounds: np.ndarray,
    neighbours: np.ndarray,
    threshold: np.ndarray,
    alias: np.ndarray,
    up: np.ndarray,
    u: np.ndarray,
    walk_length: int = 80,
    q: float = 0.3,
    boundary: str = "lazy",
) -> Walks:
    """Walks from the starts (W,) in layer 0, with the noise u (W, T, 2): `begin_walks`, then `advance_walks`."""
    return advance_walks(*begin_walks(starts, walk_length), bounds, neighbours, threshold, alias, up, u, q, boundary)


def draw_multilayer_walks(
    starts: Any,
    bounds: np.ndarray,
    neighbours: np.ndarray,
    threshold: np.ndarray,
    alias: np.ndarray,
    up: np.ndarray,
    walk_length: int = 80,
    q: float = 0.3,
    boundary: str = "lazy",
    *,
    rng: np.random.Generator,
    advance: Any = advance_walks,
) -> np.ndarray:
    """Finished walks (W, walk_length) int32, with noise from `rng`, drawn in blocks for the walks that still go.

    advance: `advance_walks` or a twin of it. The noise takes 32 MiB at most.
    """
    border.generator(rng)
    done = begin_walks(starts, walk_length)
    for begin in range(0, len(done.nodes), CHUNK):
        nodes, lengths, layers = (array[begin : begin + CHUNK] for array in done)  # views: filled in place
        going = np.flatnonzero(lengths < walk_length)
        while going.size:
            u = rng.random((len(going), BLOCK, 2))
            nodes[going], lengths[going], layers[going] = advance(
                nodes[going], lengths[going], layers[going], bounds, neighbours, threshold, alias, up, u, q, boundary
            )
            going = going[lengths[going] < walk_length]
    return done.nodes
