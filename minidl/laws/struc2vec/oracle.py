"""What laws expect of graphs, by other means: powers of matrices for hops, exact fractions and all paths for alignments."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby, permutations
from typing import Any

import numpy as np

from minidl.laws.core import Case

STEPS = ((1, 1), (1, 0), (0, 1))


# --- graphs ------------------------------------------------------------------------------------------------------------
def csr(n: int, edges: Any, loops: Any = ()) -> Case:
    """Rows of neighbours of an undirected graph; a loop puts a node into its own row, once."""
    rows: list[set[int]] = [set() for _ in range(n)]
    for u, v in edges:
        rows[u].add(v)
        rows[v].add(u)
    for u in loops:
        rows[u].add(u)
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    return {"indptr": indptr, "indices": np.array([v for row in rows for v in sorted(row)], np.int32)}


def pairs_of(n: int) -> np.ndarray:
    return np.array([(u, v) for u in range(n) for v in range(u + 1, n)], np.int32).reshape(-1, 2)


def adjacency(case: Case) -> np.ndarray:
    n = len(case["indptr"]) - 1
    A = np.zeros((n, n), np.int64)
    A[np.repeat(np.arange(n), np.diff(case["indptr"])), case["indices"]] = 1
    return A


def relabelled(case: Case, pi: np.ndarray) -> Case:
    """The graph in which node u is called pi[u]."""
    u, v = np.nonzero(adjacency(case))
    return csr(len(pi), [(pi[a], pi[b]) for a, b in zip(u, v, strict=True) if a != b], pi[u[u == v]])


def automorphisms(case: Case) -> tuple[tuple[int, ...], ...]:
    """All relabellings that leave the graph as it is, by trying every one."""
    return _automorphisms(tuple(map(tuple, adjacency(case).tolist())))


@functools.lru_cache(maxsize=1024)
def _automorphisms(A: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
    edges = [(u, v) for u, row in enumerate(A) for v, there in enumerate(row) if there]
    return tuple(pi for pi in permutations(range(len(A))) if all(A[pi[u]][pi[v]] for u, v in edges))


def hops(A: np.ndarray) -> np.ndarray:
    """Hop distances: the first power of A + I in which an entry is not 0; -1 where there is none."""
    step, reach = A + np.eye(len(A), dtype=np.int64), np.eye(len(A), dtype=np.int64)
    found = np.where(reach > 0, 0, -1)
    for k in range(1, len(A)):
        reach = (reach @ step > 0).astype(np.int64)
        found[(reach > 0) & (found < 0)] = k
    return found


def rings(case: Case) -> list[list[list[int]]]:
    """The degrees of every ring of every node up to the cap of the case, ascending."""
    A = adjacency(case)
    degree, far = A.sum(axis=1), hops(A)
    last = case.get("until_layer")
    found = [[sorted(degree[row == k].tolist()) for k in range(row.max() + 1)] for row in far]
    return found if last is None else [row[: last + 1] for row in found]


def runs(sequence: Any) -> list[tuple[int, int]]:
    return [(int(value), len(list(group))) for value, group in groupby(sequence)]


def sequences(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The flat form of the rings: degrees, counts, where each ring begins, the first ring of each node."""
    found = rings(case)
    forms = [runs(ring) if case["compress"] else [(d, 1) for d in ring] for row in found for ring in row]
    entries = np.array([entry for ring in forms for entry in ring], np.int32).reshape(-1, 2)
    offsets = np.concatenate([[0], np.cumsum([len(ring) for ring in forms])]).astype(np.int64)
    first = np.concatenate([[0], np.cumsum([len(row) for row in found])]).astype(np.int64)
    return entries[:, 0].copy(), entries[:, 1].copy(), offsets, first


def rings_of(case: Case) -> list[list[list[tuple[int, int]]]]:
    """The rings of each node from the flat form."""
    entries = list(zip(case["degrees"].tolist(), case["counts"].tolist(), strict=True))
    cut = [entries[a:b] for a, b in zip(case["offsets"][:-1], case["offsets"][1:], strict=True)]
    return [cut[a:b] for a, b in zip(case["first"][:-1], case["first"][1:], strict=True)]


# --- alignments --------------------------------------------------------------------------------------------------------
def ratio(a: int, b: int, epsilon: float = 0.0) -> Fraction:
    """The larger degree over the smaller, both moved by epsilon, less one."""
    e = Fraction(epsilon)
    return (max(a, b) + e) / (min(a, b) + e) - 1


def weighted(a: Any, b: Any, epsilon: float) -> Fraction:
    """The cost between two runs (degree, count)."""
    return ratio(int(a[0]), int(b[0]), epsilon) * max(int(a[1]), int(b[1]))


def as_runs(sequence: Any) -> list[tuple[int, int]]:
    """A sequence of degrees, or of runs, as runs; a degree by itself is a run of one."""
    return [tuple(x) if np.ndim(x) else (x, 1) for x in np.asarray(sequence).tolist()]


def alignments(p: int, r: int) -> Iterator[list[tuple[int, int]]]:
    """Every path from (0, 0) to (p - 1, r - 1) by steps forward in one of the sequences or in both."""
    if (p, r) == (1, 1):
        yield [(0, 0)]
        return
    for down, right in STEPS:
        if p > down and r > right:
            for path in alignments(p - down, r - right):
                yield [*path, (p - 1, r - 1)]


def cheapest(a: Any, b: Any, epsilon: float) -> Fraction:
    """The cost of the best alignment of two sequences of runs, in fractions, from the end of both to the start."""
    best: dict[tuple[int, int], Fraction] = {}
    for i in reversed(range(len(a))):
        for j in reversed(range(len(b))):
            after = [best[i + di, j + dj] for di, dj in STEPS if (i + di, j + dj) in best]
            best[i, j] = weighted(a[i], b[j], epsilon) + (min(after) if after else 0)
    return best[0, 0]


def distances(found: Any, pairs: np.ndarray, epsilon: float) -> tuple[np.ndarray, np.ndarray]:
    """f of the pairs in every layer, infinite where a ring is empty; and how many units there are to align so far."""
    layers = sorted(len(row) for row in found)[-2]
    f, units = np.full((len(pairs), layers), np.inf), np.ones((len(pairs), layers))
    for e, (u, v) in enumerate(pairs.tolist()):
        total, size = Fraction(0), 0
        for k, (a, b) in enumerate(zip(found[u], found[v], strict=False)):
            total += cheapest(a, b, epsilon)
            size += sum(count for _, count in (*a, *b))
            f[e, k], units[e, k] = float(total), size
    return f, units


def graph_distances(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """`distances` of the pairs of a graph."""
    found = [[runs(ring) if case["compress"] else [(d, 1) for d in ring] for ring in row] for row in rings(case)]
    return distances(found, case["pairs"], case["epsilon"])


def layer(case: Case, k: int) -> np.ndarray:
    """f_k as a matrix (n, n), infinite where there is no edge."""
    n = len(case["indptr"]) - 1
    pairs = pairs_of(n)
    f, _ = graph_distances(case | {"pairs": pairs})
    matrix = np.full((n, n), np.inf)
    matrix[pairs[:, 0], pairs[:, 1]] = matrix[pairs[:, 1], pairs[:, 0]] = f[:, k]
    return matrix
