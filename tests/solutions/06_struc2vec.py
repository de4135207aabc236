"""Answers to the exercises of lesson 06."""

import numpy as np


def exercise_1(neighbours, u):
    rings, ring, seen = [], {u}, {u}
    while ring:
        rings.append(sorted(len(neighbours[v]) for v in ring))
        ring = {w for v in ring for w in neighbours[v]} - seen
        seen |= ring
    return rings


def exercise_2(A, B):
    D = np.full((len(A) + 1, len(B) + 1), np.inf)
    D[0, 0] = 0
    for i, a in enumerate(A):
        for j, b in enumerate(B):
            D[i + 1, j + 1] = max(a, b) / min(a, b) - 1 + min(D[i, j + 1], D[i + 1, j], D[i, j])
    return D[-1, -1]


def exercise_3(f):
    f = np.where(np.eye(len(f)), np.inf, f)
    p = np.zeros_like(f)
    for u, row in enumerate(f):
        if np.isfinite(row).any():
            w = np.exp(row.min() - row)
            p[u] = w / w.sum()
    return p


def exercise_4(f):
    edges = np.isfinite(f) & ~np.eye(len(f), dtype=bool)
    w = np.exp(-f)
    return np.sum(edges & (w > w[edges].mean()), axis=1)
