r"""Walks on the graph itself: DeepWalk (first order) and node2vec (second order), which see proximity and not roles.

DeepWalk goes to a neighbour drawn uniformly. node2vec also looks at where it came from: at v, having come from t, the
neighbour x has the weight

$$\alpha(t, x) = 1/p \text{ if } x = t, \quad 1 \text{ if } x \text{ is a neighbour of } t, \quad 1/q \text{ otherwise}$$

and the first step is uniform. p = q = 1 is DeepWalk.

Noise. u (W, walk_length - 1): one uniform a step, which draws by the inverse of the cumulated weights in ascending
order of the neighbours. A walk at an isolated node ends there; -1 fills the rest.

Source. Perozzi, Al-Rfou, Skiena, "DeepWalk: Online Learning of Social Representations", KDD 2014. Grover, Leskovec,
"node2vec: Scalable Feature Learning for Networks", KDD 2016.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.graphs import border


def first_order_walks(starts: Any, indptr: np.ndarray, indices: np.ndarray, u: Any) -> np.ndarray:
    """Walks (W, walk_length) int32 to uniform neighbours. starts: (W,), u: (W, walk_length - 1) in [0, 1)."""
    starts, indptr, indices, u = _checked(starts, indptr, indices, u)
    degree = np.diff(indptr)
    nodes = np.full((len(starts), u.shape[1] + 1), -1, np.int32)
    nodes[:, 0] = starts
    going = np.flatnonzero(degree[starts] > 0)
    for t in range(u.shape[1]):
        v = nodes[going, t]
        step = np.minimum((u[going, t] * degree[v]).astype(np.int64), degree[v] - 1)
        nodes[going, t + 1] = indices[indptr[v] + step]
    return nodes


def second_order_weights(
    indptr: np.ndarray, indices: np.ndarray, previous: int, current: int, p: float = 1.0, q: float = 1.0
) -> np.ndarray:
    """alpha of each neighbour of `current` in ascending order, (degree,) float64, for a walk that came from `previous`."""
    p, q = border.number("p", p, above=True), border.number("q", q, above=True)
    row = indices[indptr[current] : indptr[current + 1]]
    near = np.isin(row, indices[indptr[previous] : indptr[previous + 1]])
    return np.where(row == previous, 1 / p, np.where(near, 1.0, 1 / q))


def node2vec_walks(
    starts: Any, indptr: np.ndarray, indices: np.ndarray, u: Any, p: float = 1.0, q: float = 1.0
) -> np.ndarray:
    """Walks (W, walk_length) int32 of node2vec. starts: (W,), u: (W, walk_length - 1) in [0, 1); p, q above 0."""
    starts, indptr, indices, u = _checked(starts, indptr, indices, u)
    p, q = border.number("p", p, above=True), border.number("q", q, above=True)
    nodes = np.full((len(starts), u.shape[1] + 1), -1, np.int32)
    nodes[:, :2] = first_order_walks(starts, indptr, indices, u[:, :1])
    for walk, noise in zip(nodes, u, strict=True):
        if u.shape[1] and walk[1] < 0:
            continue
        for t in range(1, u.shape[1]):
            weights = second_order_weights(indptr, indices, walk[t - 1], walk[t], p, q)
            cumulated = np.cumsum(weights)
            step = np.searchsorted(cumulated, noise[t] * cumulated[-1], side="right")
            walk[t + 1] = indices[indptr[walk[t]] + min(step, len(weights) - 1)]
    return nodes


def _checked(starts: Any, indptr: Any, indices: Any, u: Any) -> tuple[np.ndarray, ...]:
    indptr = border.offsets("indptr", indptr, len(indices))
    n = len(indptr) - 1
    indices = border.integers("indices", indices, np.int32, "edges", high=n)
    starts = border.integers("starts", starts, np.int32, "W", high=n)
    return starts, indptr, indices, border.uniforms("u", u, len(starts), "walk_length - 1")
