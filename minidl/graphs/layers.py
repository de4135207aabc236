r"""The layered graph: one weighted graph per hop count, and how strongly each node is drawn upwards.

Equations. In layer k the pair u, v has, if $f_k(u, v)$ is defined, the weight

$$w_k(u, v) = e^{-f_k(u, v)}, \qquad p_k(v \mid u) = w_k(u, v) / Z_k(u), \quad Z_k(u) = \sum_{v \ne u} w_k(u, v)$$

and $\Gamma_k(u)$ counts the edges of u that are heavier than the layer's average. The walker that changes layers goes
up with

$$P_\uparrow(u, k) = \frac{\log(\Gamma_k(u) + e)}{\log(\Gamma_k(u) + e) + 1} \in [\tfrac12, 1)$$

Two definitions of Gamma. "paper": $w_k(u, v) > \bar w_k$, the mean weight of the layer, over its edges
(average="defined") or over all $\binom n2$ pairs, those without an edge counting 0 ("all_pairs"); the paper prints the
latter for layers in which every pair is defined. "official": $p_k(v \mid u) > \bar p_k$, the mean of all transition
probabilities of the layer.

Conventions. Probabilities are a softmax of $-f$ with the row's smallest f subtracted: $e^{-f}$ is 0 from f = 745.2 on,
and 0 / 0 is not a probability (the authors' code stores NaN then). The comparisons with an average need an excess of
1e-12 of it, so that equal weights never count as above their own mean by rounding.

Layout. Rows of a flat array, CSR-like: row k n + u holds node u in layer k, `neighbours[bounds[row]:bounds[row + 1]]`.

Source. Ribeiro, Saverese, Figueiredo, "struc2vec", KDD 2017, section 3.2, and the authors' code.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minidl.graphs import border

CONVENTIONS = ("paper", "official")
AVERAGES = ("defined", "all_pairs")
EXCESS = 1e-12  # the relative excess over the average that counts as above it


class Layers(NamedTuple):
    """bounds (L n + 1,) int64, neighbours (E,) int32, distances (E,) float64: see the top of this file."""

    bounds: np.ndarray
    neighbours: np.ndarray
    distances: np.ndarray


# --- one layer as a matrix ---------------------------------------------------------------------------------------------
def layer_weights(f: Any) -> np.ndarray:
    """w = e^-f, entry by entry, float64; infinity (no edge) gives 0. ValueError for negative f and NaN."""
    return np.exp(-_distances("f", f))


def transition_rows(f: Any) -> np.ndarray:
    """p(v | u) of one layer, (n, n) float64: rows add up to 1, or are 0 for a node without edges in the layer.

    f: (n, n) float, infinity where there is no edge; the diagonal is not read. ValueError for negative f and NaN.
    """
    bounds, columns, distances = _rows(f)
    p = np.zeros((len(bounds) - 1, len(bounds) - 1))
    p[np.repeat(np.arange(len(p)), np.diff(bounds)), columns] = transition_probabilities(bounds, distances)
    return p


def gamma(f: Any, convention: str = "paper", average: str = "defined") -> np.ndarray:
    """Gamma of every node in one layer, (n,) int64. f as in `transition_rows`; average: for the paper's definition."""
    bounds, _, distances = _rows(f)
    return layer_gamma(bounds, distances, convention, average)


def up_probability(gamma: Any) -> np.ndarray:
    """The probability that a walker at a node with this Gamma that changes layers goes up, in [1/2, 1), float64."""
    gamma = np.asarray(gamma)
    if gamma.dtype.kind not in "iuf" or not (gamma >= 0).all():
        raise ValueError("gamma must hold counts of at least 0")
    up = np.log(gamma + np.e)
    return up / (up + 1)


# --- all layers, flat --------------------------------------------------------------------------------------------------
def layer_graph(n: int, pairs: np.ndarray, f: np.ndarray, multiplicity: np.ndarray | None = None) -> Layers:
    """The layers of n nodes from the distances f (P, L) of pairs (P, 2); neighbours ascend within a row.

    multiplicity: (P,), how often a pair is entered; the authors' code enters a pair that both nodes proposed twice,
    which doubles its probability. Raises ValueError for shapes that do not fit, a pair of a node with itself, NaN.
    """
    n = border.count("n", n)
    pairs = border.integers("pairs", pairs, np.int64, "P", 2, high=n)
    f = _distances("f", f)
    if f.ndim != 2 or len(f) != len(pairs):
        raise ValueError(f"f must be ({len(pairs)}, L), a row for each pair, got shape {f.shape}")
    if (pairs[:, 0] == pairs[:, 1]).any():
        raise ValueError("a pair must be of two different nodes")
    ends = np.concatenate([pairs, pairs[:, ::-1]])  # (2 P, 2) both directions
    source = np.tile(np.arange(len(pairs)), 2)
    if multiplicity is not None:
        times = np.tile(border.integers("multiplicity", multiplicity, np.int64, len(pairs), low=1), 2)
        ends, source = np.repeat(ends, times, axis=0), np.repeat(source, times)
    order = np.lexsort((ends[:, 1], ends[:, 0]))
    ends, source = ends[order], source[order]
    sizes, neighbours, distances = [], [], []
    for k in range(f.shape[1]):
        here = f[source, k]
        defined = np.isfinite(here)
        sizes.append(np.bincount(ends[defined, 0], minlength=n))
        neighbours.append(ends[defined, 1].astype(np.int32))
        distances.append(here[defined])
    bounds = np.concatenate([[0], np.cumsum(np.concatenate(sizes))]).astype(np.int64)
    return Layers(bounds, np.concatenate(neighbours), np.concatenate(distances))


def transition_probabilities(bounds: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """The softmax of -f within each row, (E,) float64. bounds: (rows + 1,), distances: (E,), finite."""
    bounds, distances = _flat(bounds, distances)
    sizes = np.diff(bounds)
    begins = bounds[:-1][sizes > 0]
    if len(begins) == 0:
        return np.zeros(0)
    sizes = sizes[sizes > 0]
    weights = np.exp(np.repeat(np.minimum.reduceat(distances, begins), sizes) - distances)
    return weights / np.repeat(np.add.reduceat(weights, begins), sizes)


def layer_gamma(
    bounds: np.ndarray, distances: np.ndarray, convention: str = "paper", average: str = "defined"
) -> np.ndarray:
    """Gamma of every row of one layer, (n,) int64. bounds: (n + 1,), distances: (E,), finite.

    Raises ValueError for another convention ("paper", "official") or average ("defined", "all_pairs").
    """
    bounds, distances = _flat(bounds, distances)
    border.choice("convention", convention, CONVENTIONS)
    border.choice("average", average, AVERAGES)
    sizes = np.diff(bounds)
    n = len(sizes)
    if len(distances) == 0:
        return np.zeros(n, np.int64)
    if convention == "official":
        values = transition_probabilities(bounds, distances)
        mean = np.count_nonzero(sizes) / len(distances)  # each row adds up to 1
    else:
        # The comparison does not change when all weights grow alike, and the largest becomes 1: nothing underflows.
        values = np.exp(distances.min() - distances)
        mean = values.sum() / (len(values) if average == "defined" else n * (n - 1))
    above = values > mean * (1 + EXCESS)
    return np.bincount(np.repeat(np.arange(n), sizes)[above], minlength=n)


def up_probabilities(
    n: int, bounds: np.ndarray, distances: np.ndarray, convention: str = "paper", average: str = "defined"
) -> np.ndarray:
    """P_up of every node in every layer, (L, n) float64, from the flat `Layers`. Errors as `layer_gamma`."""
    bounds, distances = _flat(bounds, distances)
    n = border.count("n", n)
    if (len(bounds) - 1) % n:
        raise ValueError(f"bounds must have L n + 1 entries for n = {n} nodes, got {len(bounds)}")
    rows = []
    for begin in range(0, len(bounds) - 1, n):
        layer = bounds[begin : begin + n + 1]
        rows.append(layer_gamma(layer - layer[0], distances[layer[0] : layer[-1]], convention, average))
    return up_probability(np.array(rows).reshape(-1, n))


def _distances(name: str, value: Any) -> np.ndarray:
    value = np.asarray(value)
    if value.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold distances, got {value.dtype}")
    value = value.astype(np.float64, copy=False)
    if not (value >= 0).all():  # false for NaN
        raise ValueError(f"{name} must hold distances of at least 0, infinity where there is no edge")
    return value


def _flat(bounds: np.ndarray, distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    distances = _distances("distances", distances)
    if distances.ndim != 1 or not np.isfinite(distances).all():
        raise ValueError(f"distances must be finite and flat (E,), got shape {distances.shape}")
    return border.offsets("bounds", bounds, len(distances)), distances


def _rows(f: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The finite entries of a matrix off its diagonal, as rows."""
    f = np.array(f, np.float64)
    if f.ndim != 2 or f.shape[0] != f.shape[1]:
        raise ValueError(f"f must be (n, n), the distances in one layer, got shape {f.shape}")
    np.fill_diagonal(f, np.inf)
    f = _distances("f", f)
    edges = np.isfinite(f)
    return np.concatenate([[0], np.cumsum(edges.sum(axis=1))]), np.nonzero(edges)[1], f[edges]
