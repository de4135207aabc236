"""Walkers one by one, and the exact chain that they follow; layered graphs whose probabilities are eighths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from minidl.laws.core import Case, Cases

# The neighbours of each node in each layer, with how many eighths of its steps go there.
Rows = list[list[dict[int, int]]]
EIGHTHS = 8
TRIANGLE: Rows = [
    [{1: 2, 2: 6}, {0: 4, 2: 4}, {0: 1, 1: 7}],
    [{1: 8}, {0: 8}, {}],
]
FOUR: Rows = [
    [{1: 1, 2: 2, 3: 5}, {0: 3, 2: 3, 3: 2}, {0: 8}, {1: 4, 2: 4}],
    [{1: 3, 3: 5}, {0: 2, 3: 6}, {}, {0: 7, 1: 1}],
    [{3: 8}, {}, {}, {0: 8}],
]
FLAT_ONE: Rows = [[{1: 5, 2: 3}, {0: 6, 2: 2}, {0: 4, 1: 4}]]
UPS = {
    "triangle": np.array([[0.5, 0.75, 0.625], [0.5, 0.875, 0.5]]),
    "four": np.array([[0.5, 0.75, 0.625, 0.875], [0.5, 0.6875, 0.5, 0.75], [0.8125, 0.5, 0.5, 0.5]]),
    "flat": np.array([[0.5, 0.75, 0.625]]),
}
GRAPHS = {"triangle": TRIANGLE, "four": FOUR, "flat": FLAT_ONE}


def flat_rows(rows: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where each row begins, the neighbours, and their probabilities."""
    every = [row for layer in rows for row in layer]
    bounds = np.concatenate([[0], np.cumsum([len(row) for row in every])]).astype(np.int64)
    neighbours = np.array([v for row in every for v in sorted(row)], np.int32)
    p = np.array([row[v] / EIGHTHS for row in every for v in sorted(row)])
    return bounds, neighbours, p


def tables(bounds: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Alias tables in fractions, the smallest share filled up by the largest."""
    threshold, alias = np.ones(len(p)), np.zeros(len(p), np.int32)
    for begin, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        share = {i: (end - begin) * Fraction(p[begin + i]) for i in range(end - begin)}
        while min(share.values(), default=1) < 1:
            i, j = min(share, key=share.__getitem__), max(share, key=share.__getitem__)
            threshold[begin + i], alias[begin + i] = float(share[i]), j
            share[j] -= 1 - share.pop(i)
    return threshold, alias


@dataclass(frozen=True)
class Habits:
    """What a walker does; the defaults are right, and each may be replaced by a mistake."""

    stays: Callable[[float, float], bool] = lambda r, q: r < q
    rises: Callable[[float, float], bool] = lambda s, up: s <= up
    draw: Callable[..., int] | None = None
    noise: Callable[[float, float], tuple[float, float]] = lambda r, s: (r, s)
    writes_moves: bool = False
    ceiling: Callable[[int, int], int] = lambda k, n: k
    boundary: Callable[[str], str] = lambda boundary: boundary
    back_to_0: bool = False
    stays_put: bool = False
    up_of: Callable[[np.ndarray, int, int], float] = lambda up, k, v: up[k, v]


def drawn(threshold: Any, alias: Any, s: float) -> int:
    """The entry that a uniform s draws from one row of tables: its whole part chooses, its fraction decides."""
    x = s * len(threshold)
    i = min(int(x), len(threshold) - 1)
    return i if x - i < threshold[i] else int(alias[i])


def walk(case: Case, w: int, nodes: list[int], k: int, length: int, habits: Habits = Habits()) -> tuple[list[int], int]:
    """One walk, decision by decision, until it is as long as asked for or the noise ends: its nodes, and its layer."""
    up, bounds = case["up"], case["bounds"]
    L, n = up.shape
    nodes = list(nodes)
    at = nodes[-1]

    def row(layer: int) -> slice:
        return slice(bounds[layer * n + at], bounds[layer * n + at + 1])

    forced = habits.boundary(case["boundary"]) == "forced"
    for r, s in case["u"][w]:
        if len(nodes) == length:
            break
        r, s = habits.noise(r, s)
        if habits.stays(r, case["q"]):
            here = row(k)
            entry = (habits.draw or drawn)(case["threshold"][here], case["alias"][here], s)
            v = int(case["neighbours"][here][entry])
            nodes.append(v)
            at = at if habits.stays_put else v
            k = 0 if habits.back_to_0 else k
            continue
        above = k + 1 < L and row(k + 1).start < row(k + 1).stop
        rises = habits.rises(s, habits.up_of(up, k, at))
        if forced and not (above and k > 0):
            rises = above
        if rises and above:
            k = habits.ceiling(k + 1, L)
        elif not rises and k > 0:
            k -= 1
        if habits.writes_moves:
            nodes.append(at)
    return nodes, k


def together(case: Case, nodes: Any, lengths: Any, layers: Any, habits: Habits = Habits()) -> tuple[np.ndarray, ...]:
    """Every walk by itself, in the form of the contracts."""
    nodes = np.array(nodes, np.int32)
    lengths, layers = np.array(lengths, np.int64), np.array(layers, np.int32)
    for w in range(len(nodes)):
        path, k = walk(case, w, nodes[w, : lengths[w]].tolist(), int(layers[w]), nodes.shape[1], habits)
        nodes[w, : len(path)], lengths[w], layers[w] = path, len(path), k
    return nodes, lengths, layers


def begun(starts: Any, walk_length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    nodes = np.full((len(starts), walk_length), -1, np.int32)
    nodes[:, 0] = starts
    return nodes, np.ones(len(starts), np.int64), np.zeros(len(starts), np.int32)


def chain(case: Case) -> np.ndarray:
    """The transition matrix of one decision over the states (layer, node), from the probabilities themselves."""
    rows, up, q = GRAPHS[case["graph"]], case["up"], case["q"]
    L, n = up.shape
    M = np.zeros((L * n, L * n))
    for k, layer in enumerate(rows):
        for u, row in enumerate(layer):
            if not row:
                continue
            for v, eighths in row.items():
                M[k * n + u, k * n + v] += q * eighths / EIGHTHS
            above, below = k + 1 < L and bool(rows[k + 1][u]), k > 0
            rise = up[k, u]
            if case["boundary"] == "forced" and not (above and below):
                rise = float(above)
            M[k * n + u, (k + 1 if above else k) * n + u] += (1 - q) * rise
            M[k * n + u, (k - 1 if below else k) * n + u] += (1 - q) * (1 - rise)
    return M


# --- cases -------------------------------------------------------------------------------------------------------------
def layered(
    name: str, seed: int = 0, walks: int = 4, decisions: int = 12, q: float = 0.3, boundary: str = "lazy", **more
):
    """A layered graph, starts, and noise in 1024ths, some of it just at q and at P_up."""
    rng = np.random.default_rng(seed)
    bounds, neighbours, p = flat_rows(GRAPHS[name])
    threshold, alias = tables(bounds, p)
    u = rng.integers(0, 1024, (walks, decisions, 2)) / 1024
    u[..., 0] = np.where(rng.random(u.shape[:2]) < 0.1, min(q, 1023 / 1024), u[..., 0])
    u[..., 1] = np.where(rng.random(u.shape[:2]) < 0.2, rng.choice(UPS[name].ravel(), u.shape[:2]), u[..., 1])
    return {
        "graph": name,
        "starts": rng.integers(0, UPS[name].shape[1], walks).astype(np.int32),
        "bounds": bounds,
        "neighbours": neighbours,
        "threshold": threshold,
        "alias": alias,
        "up": UPS[name],
        "u": u,
        "walk_length": 5,
        "q": q,
        "boundary": boundary,
    } | more


def under_way(case: Case, at: int = 4) -> Case:
    """Walks after some decisions, with the rest of their noise."""
    state = together(case | {"u": case["u"][:, :at]}, *begun(case["starts"], case["walk_length"]))
    return case | dict(zip(("nodes", "lengths", "layers"), state, strict=True)) | {"u": case["u"][:, at:]}


def _drawn(make):
    from hypothesis import strategies as st

    return st.builds(
        lambda seed, name, decisions, q, boundary, length: make(
            layered(name, seed, 3, decisions, q, boundary, walk_length=length)
        ),
        st.integers(0, 10_000),
        st.sampled_from(sorted(GRAPHS)),
        st.integers(5, 24),
        st.sampled_from([0.25, 0.3, 0.5, 1.0]),
        st.sampled_from(["lazy", "forced"]),
        st.integers(2, 8),
    )


_NAMED = {
    "triangle": layered("triangle", 1, decisions=24),
    "triangle_forced": layered("triangle", 2, decisions=24, boundary="forced"),
    "four": layered("four", 3, 6, 40, walk_length=12),
    "four_forced": layered("four", 4, 6, 40, boundary="forced", walk_length=12),
    "one_layer": layered("flat", 5),
    "one_layer_forced": layered("flat", 5, boundary="forced"),
    "always_stays": layered("four", 6, q=1.0),
    "starts_only": layered("triangle", 7, walk_length=1),
    "no_noise": layered("triangle", 8, decisions=0),
}
_NOTES = {
    "always_stays": "q = 1 is legal: the walk never leaves layer 0",
    "four": "node 2 is in layer 0 only, and node 1 is not in layer 2",
}
MULTILAYER = Cases(named=_NAMED, generated=lambda: _drawn(lambda case: case), notes=_NOTES)
UNDER_WAY = Cases(
    named={name: under_way(case) for name, case in _NAMED.items()}, generated=lambda: _drawn(under_way), notes=_NOTES
)
