r"""Skip-gram: vectors from which the nodes nearby on a walk can be predicted.

Equations. With the vector x of one node and rows $\theta_j$ with labels $y_j$ (1 for what was seen), a step at rate
$\alpha$ is

$$s_j = \sigma(\theta_j^\top x), \quad g_j = \alpha (y_j - s_j), \qquad
  x \leftarrow x + \sum_j g_j \theta_j, \quad \theta_j \leftarrow \theta_j + g_j x \quad\text{(old values on the right)}$$

which is a step down $-\sum_j \log \sigma((2 y_j - 1)\, \theta_j^\top x)$. Hierarchical softmax: the rows are the inner
nodes on the path to the predicted node, $y_j = 1 - b_j$. Negative sampling: the predicted node with y = 1, and nodes
drawn from the counts to the power 3/4 with y = 0; a drawn node that is the predicted one is left out, and one drawn
twice counts twice.

Training. At position i of a walk a half-width in 1..window is drawn. For each other position j within it, in ascending
order, x is the vector of the node at j, and the node at i is predicted. `group` of these are updated together from
the same old values (a small batch); group=1 is the order of word2vec. The rate falls linearly over all nodes of all
epochs; it is constant within a walk.

Notation. walks: (S, L) int32, -1 from where a walk has ended; widths: (S, L) integers; rates: (S,); vectors: (V, d)
float32 or float64, kept; theta: (V - 1, d) inner nodes, or (V, d) outputs. negatives: (S, L, 2 window, m) int32, where
slot c of position i is for position i - window + c, or one more from the centre on.

Left out. word2vec skips steps with $|\theta^\top x| \ge 6$ and looks sigma up in 1000 bins; here it is computed. The
default of gensim, both objectives at once, which the authors' code of struc2vec trains by accident, is not offered.

Source. Mikolov, Chen, Corrado, Dean, "Efficient estimation of word representations in vector space", 2013, and
"Distributed representations of words and phrases and their compositionality", 2013; Perozzi, Al-Rfou, Skiena,
"DeepWalk", 2014.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minidl.graphs import border
from minidl.graphs.huffman import leaf_log_probabilities


class Update(NamedTuple):
    """x (d,) and theta (h, d) after a step, and the loss before it."""

    x: np.ndarray
    theta: np.ndarray
    loss: float


class Trained(NamedTuple):
    """vectors (V, d), the embedding, and theta, the other side's rows, after training."""

    vectors: np.ndarray
    theta: np.ndarray


# --- one step ----------------------------------------------------------------------------------------------------------
def logistic_update(x: Any, theta: Any, labels: Any, rate: float) -> Update:
    """A step for one vector x (d,) against rows theta (h, d) with labels (h,) in {0, 1}. Raises ValueError for misfits."""
    x, theta, labels = _float(x), _float(theta), np.asarray(labels)
    if x.ndim != 1 or theta.ndim != 2 or theta.shape[1] != len(x) or labels.shape != (len(theta),):
        raise ValueError(f"expected x (d,), theta (h, d), labels (h,), got {x.shape}, {theta.shape}, {labels.shape}")
    if not ((labels == 0) | (labels == 1)).all():
        raise ValueError("labels must be zeros and ones")
    z = theta @ x  # (h,)
    g = np.asarray(rate * (labels - _sigmoid(z)), x.dtype)
    loss = np.logaddexp(0, np.where(labels == 1, -z, z)).sum()
    return Update(x + g @ theta, theta + np.outer(g, x), float(loss))


def hierarchical_update(x: Any, theta: Any, bits: Any, rate: float) -> Update:
    """A step of hierarchical softmax: theta (h, d) are the inner nodes from the root on, bits (h,) the leaf's code."""
    return logistic_update(x, theta, 1 - np.asarray(bits, np.int64), rate)


def negative_update(x: Any, theta: Any, rate: float) -> Update:
    """A step of negative sampling: row 0 of theta (1 + m, d) is the predicted node, the others were drawn."""
    return logistic_update(x, theta, np.arange(len(np.asarray(theta))) == 0, rate)


# --- what training takes as input --------------------------------------------------------------------------------------
def node_counts(walks: Any, V: int) -> np.ndarray:
    """How often each of the nodes 0..V-1 is on the walks (S, L), (V,) int64; entries of -1 are none."""
    walks = border.integers("walks", walks, np.int32, "S", "L", low=-1, high=border.count("V", V))
    return np.bincount(walks[walks >= 0], minlength=V)


def window_widths(u: Any, window: int) -> np.ndarray:
    """Half-widths, uniform in 1..window, int32 of the shape of the noise u in [0, 1), (S, L)."""
    u = border.uniforms("u", u, "S", "L")
    return (1 + np.minimum(u * border.count("window", window), window - 1)).astype(np.int32)


def learning_rates(total: int, done: int, lengths: Any, first: float = 0.025, last: float = 0.0001) -> np.ndarray:
    """The rate of each walk, (S,) float64, falling linearly from `first`, before any of `total` nodes, to `last`.

    done: nodes processed before the first of these walks; lengths: (S,) nodes of each walk.
    """
    lengths = border.integers("lengths", lengths, np.int64, "S")
    before = done + np.cumsum(lengths) - lengths
    return np.maximum(last, first - (first - last) * before / border.count("total", total))


def keep_probability(counts: Any, sample: float = 1e-3) -> np.ndarray:
    """word2vec's subsampling: the probability to keep an occurrence of each node, min(1, (sqrt(f / t) + 1) t / f), (V,).

    f: the node's share of all counts (V,), integers of at least 1; t: `sample`, above 0.
    """
    counts = border.integers("counts", counts, np.int64, "V", low=1)
    ratio = border.number("sample", sample, above=True) * counts.sum() / counts  # t / f
    return np.minimum(1.0, (np.sqrt(1 / ratio) + 1) * ratio)


def subsample(walks: Any, keep: Any, u: Any) -> np.ndarray:
    """The walks (S, L) without the entries at which u (S, L) is not below keep (V,) of the node; -1 fills the ends."""
    keep = np.asarray(keep, np.float64)
    walks = border.integers("walks", walks, np.int32, "S", "L", low=-1, high=len(keep))
    kept = (walks >= 0) & (border.uniforms("u", u, *walks.shape) < keep[walks])
    order = np.argsort(~kept, axis=1, kind="stable")
    return np.take_along_axis(np.where(kept, walks, -1), order, axis=1).astype(np.int32)


def negative_probabilities(counts: Any, power: float = 0.75) -> np.ndarray:
    """The law from which negatives are drawn: counts (V,) to this power, normalised, float64."""
    counts = border.integers("counts", counts, np.int64, "V")
    weights = counts ** border.number("power", power, -np.inf)
    if not weights.sum() > 0:
        raise ValueError("counts must not all be 0")
    return weights / weights.sum()


# --- training ----------------------------------------------------------------------------------------------------------
def train_hierarchical(
    walks: Any,
    widths: Any,
    rates: Any,
    vectors: Any,
    theta: Any,
    offsets: np.ndarray,
    nodes: np.ndarray,
    bits: np.ndarray,
    group: int = 1,
) -> Trained:
    """Skip-gram with hierarchical softmax, once over the walks in their order; the arrays given are not changed.

    walks, widths: (S, L), rates: (S,), vectors: (V, d), theta: (V - 1, d), the rest of `huffman`.
    Raises ValueError for shapes that do not fit and nodes outside 0..V-1.
    """
    walks, widths, rates, vectors, theta = _training(walks, widths, rates, vectors, theta, 1)
    nodes, bits = np.asarray(nodes), np.asarray(bits)
    offsets = border.offsets("offsets", offsets, len(nodes))
    if len(offsets) != len(vectors) + 1 or bits.shape != nodes.shape:
        raise ValueError(f"the tree must have {len(vectors)} leaves, one for each vector, got {len(offsets) - 1}")
    group = border.count("group", group)
    for s, i, others in _windows(walks, widths):
        path = slice(offsets[walks[s, i]], offsets[walks[s, i] + 1])
        rows, labels = nodes[path], 1 - bits[path].astype(vectors.dtype)
        for c in range(0, len(others), group):
            inputs = walks[s, others[c : c + group]]
            X, Y = vectors[inputs], theta[rows]  # (group, d), (h, d) old values
            g = (labels - _sigmoid(X @ Y.T)) * rates[s]  # (group, h)
            theta[rows] = Y + g.T @ X  # the inner nodes of a path are distinct
            np.add.at(vectors, inputs, g @ Y)  # while a walk may come twice to one node
    return Trained(vectors, theta)


def train_negative(
    walks: Any, widths: Any, rates: Any, vectors: Any, theta: Any, negatives: Any, group: int = 1
) -> Trained:
    """Skip-gram with negative sampling, once over the walks in their order; the arrays given are not changed.

    walks, widths: (S, L), rates: (S,), vectors, theta: (V, d), negatives: (S, L, 2 window, m) int32.
    Raises ValueError for shapes that do not fit, nodes outside 0..V-1, and widths above window.
    """
    walks, widths, rates, vectors, theta = _training(walks, widths, rates, vectors, theta, 0)
    negatives = border.integers("negatives", negatives, np.int32, *walks.shape, "2 window", "m", high=len(vectors))
    window = negatives.shape[2] // 2
    if negatives.shape[2] % 2 or (widths.size and widths.max() > window):
        raise ValueError(f"negatives must have 2 window slots, at least {2 * widths.max()}, got {negatives.shape[2]}")
    group = border.count("group", group)
    m = negatives.shape[3]
    labels = (np.arange(m + 1) == 0).astype(vectors.dtype)
    for s, i, others in _windows(walks, widths):
        centre = walks[s, i]
        slots = others - i + window - (others > i)
        for c in range(0, len(others), group):
            inputs = walks[s, others[c : c + group]]
            drawn = negatives[s, i, slots[c : c + group]]  # (group, m)
            rows = np.concatenate([np.full((len(drawn), 1), centre, np.int32), drawn], axis=1)  # (group, 1 + m)
            X, Y = vectors[inputs], theta[rows]  # (group, d), (group, 1 + m, d) old values
            g = (labels - _sigmoid(np.einsum("cd,chd->ch", X, Y))) * rates[s]
            g[:, 1:][drawn == centre] = 0
            np.add.at(theta, rows, g[:, :, None] * X[:, None, :])
            np.add.at(vectors, inputs, np.einsum("ch,chd->cd", g, Y))
    return Trained(vectors, theta)


def hierarchical_log_likelihood(
    walks: Any, widths: Any, vectors: Any, theta: Any, offsets: np.ndarray, nodes: np.ndarray, bits: np.ndarray
) -> float:
    """The mean of log P(node at i | vector at j) over the pairs that training uses, float64; NaN-free, 0 without pairs."""
    log_p = leaf_log_probabilities(vectors, theta, offsets, nodes, bits)  # (V, V)
    walks, widths, *_ = _training(walks, widths, np.zeros(len(walks)), vectors, theta, 1)
    sums = [(log_p[walks[s, others], walks[s, i]].sum(), len(others)) for s, i, others in _windows(walks, widths)]
    total, pairs = np.sum(sums, axis=0) if sums else (0.0, 0)
    return float(total / pairs) if pairs else 0.0


def _windows(walks: np.ndarray, widths: np.ndarray):
    """For each position, in order: walk s, position i, and the other positions in its window."""
    for s, walk in enumerate(walks):
        end = int(np.argmax(walk < 0)) if (walk < 0).any() else len(walk)
        for i in range(end):
            low, high = max(0, i - int(widths[s, i])), min(end, i + int(widths[s, i]) + 1)
            others = np.arange(low, high - 1)
            others[i - low :] += 1
            yield s, i, others


def _sigmoid(z: np.ndarray) -> np.ndarray:
    t = np.exp(-np.abs(z))  # at most 1: no overflow
    return np.where(z >= 0, 1, t) / (1 + t)


def _float(value: Any) -> np.ndarray:
    value = np.asarray(value)
    return value if value.dtype in (np.float32, np.float64) else value.astype(np.float64)


def _training(walks, widths, rates, vectors, theta, fewer: int):
    """The arguments of training, checked; vectors and theta as copies, rates in their dtype. theta has V - fewer rows."""
    vectors, theta = _float(vectors), _float(theta)
    if vectors.ndim != 2 or theta.ndim != 2 or vectors.dtype != theta.dtype or vectors.shape[1] != theta.shape[1]:
        raise ValueError(
            "vectors and theta must be matrices with rows of one length and dtype, got "
            f"{vectors.dtype} {vectors.shape} and {theta.dtype} {theta.shape}"
        )
    if len(theta) != len(vectors) - fewer:
        raise ValueError(f"theta must have {len(vectors) - fewer} rows for {len(vectors)} vectors, got {len(theta)}")
    walks = border.integers("walks", walks, np.int32, "S", "L", low=-1, high=len(vectors))
    if ((walks[:, :-1] < 0) & (walks[:, 1:] >= 0)).any():
        raise ValueError("a walk must not go on after -1, which marks its end")
    widths = border.integers("widths", widths, np.int32, *walks.shape)
    rates = np.asarray(rates, vectors.dtype)
    if rates.shape != (len(walks),) or not np.isfinite(rates).all():
        raise ValueError(f"rates must be finite, one for each of {len(walks)} walks, got shape {rates.shape}")
    return walks, widths, rates, vectors.copy(), theta.copy()
