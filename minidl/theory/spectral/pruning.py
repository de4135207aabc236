r"""Singular pruning and lottery masks: what is left of a net when only some directions, or some entries, stay.

**Singular pruning.** With $W = \sum_i s_i u_i v_i^\top$ the top k triples are the best approximation of rank k (Eckart
and Young),

$$ W_k = \sum_{i \le k} s_i u_i v_i^\top, \qquad \|W - W_k\|_F^2 = \sum_{i > k} s_i^2 . $$

A whole net keeps $\lceil R/2 \rceil$ top triples of every matrix but the last in the order of the parameters ("bottom
pruned"), or all others ("top pruned"); biases stay, and statistics of batch normalisation are computed anew on the
training set (`minidl.theory.spectral.nets`).

**Masks.** A lottery ticket keeps the entries of largest magnitude at an early time; the control keeps as many at
random. Whether a mask keeps the directions that matter is `agreement` between W and $M \odot W$
(`minidl.theory.spectral.alignment`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minidl.theory.spectral import border
from minidl.theory.spectral.alignment import TOP, agreement_matrix, diagonal_score
from minidl.theory.spectral.ranks import thin_svd


# --- directions ----------------------------------------------------------------------------------------------------------
def kept_count(size: int, fraction: float = 0.5) -> int:
    """ceil(fraction * size), in which a fraction such as 0.07 counts as what it says and not as its nearest double.

    size >= 1, fraction in (0, 1]. Raises TypeError and ValueError for other ones.
    """
    size, fraction = border.count("size", size), border.number("fraction", fraction, 0, 1, above=True)
    return max(1, math.ceil(fraction * size * (1 - 4 * np.finfo(float).eps)))


def truncate(w: Any, keep: int, side: str = "top") -> np.ndarray:
    """w made of `keep` of its singular triples: the largest ("top") or the smallest ("bottom"). The shape of w.

    w: (out, in) or a kernel, which is flattened and unflattened; keep: 0 to R. The top `keep` and the bottom `R - keep`
    add up to w. Raises ValueError for keep out of range, another side, and as `thin_svd`.
    """
    w = border.weight("w", w)
    u, s, v = thin_svd(w)
    if border.count("keep", keep, 0) > len(s):
        raise ValueError(f"keep must be at most R = {len(s)}, the number of singular values, got {keep}")
    border.choice("side", side, ("top", "bottom"))
    chosen = slice(0, keep) if side == "top" else slice(len(s) - keep, None)
    return ((u[:, chosen] * s[chosen]) @ v[:, chosen].T).reshape(w.shape)


def prune(weights: Sequence[Any], fraction: float = 0.5, side: str = "top") -> list[np.ndarray]:
    """Copies of a net's arrays, with every matrix truncated except the last one; vectors and numbers stay as they are.

    weights: arrays in the order of the parameters, layer by layer. side="top": each matrix keeps its `kept_count(R,
    fraction)` largest triples; "bottom": the others. Raises ValueError for a net without two matrices, and as
    `truncate`.
    """
    arrays = [border.floats(f"weights[{i}]", w) for i, w in enumerate(weights)]
    matrices = [i for i, w in enumerate(arrays) if w.ndim >= 2]
    if len(matrices) < 2:
        raise ValueError(f"pruning spares the last matrix, so it needs at least two, got {len(matrices)}")
    border.choice("side", side, ("top", "bottom"))
    pruned = [w.copy() for w in arrays]
    for i in matrices[:-1]:
        rank = min(len(arrays[i]), arrays[i][0].size)
        top = kept_count(rank, fraction)
        pruned[i] = truncate(arrays[i], top if side == "top" else rank - top, side)
    return pruned


# --- entries -------------------------------------------------------------------------------------------------------------
def magnitude_mask(w: Any, fraction: float) -> np.ndarray:
    """True for the `kept_count(w.size, fraction)` entries of largest magnitude; among equals the first ones.

    Returns the shape of w. Raises ValueError for a fraction outside (0, 1], empty or not finite weights.
    """
    return _first(-np.abs(border.floats("w", w)), fraction)


def random_mask(u: Any, fraction: float) -> np.ndarray:
    """The control: True for as many entries at random, namely where the noise u is smallest. The shape of u.

    u: independent draws of any continuous law. Raises as `magnitude_mask`.
    """
    return _first(border.floats("u", u), fraction)


def _first(values: np.ndarray, fraction: float) -> np.ndarray:
    order = np.argsort(values.reshape(-1), kind="stable")
    mask = np.zeros(values.size, bool)
    mask[order[: kept_count(values.size, fraction)]] = True
    return mask.reshape(values.shape)


def mask_agreement(w: Any, mask: Any, top: int = TOP) -> float:
    """How far the top singular vectors survive a mask: the mean of the first diagonal entries of S between w and mask *
    w.

    w: a weight, mask: zeros and ones (or booleans) of its shape. Where mask * w has a rank below `top`, the vectors
    beyond its rank are arbitrary. Raises ValueError for another shape, other values, and a mask that keeps nothing.
    """
    w = border.weight("w", w)
    return diagonal_score(agreement_matrix(w, w * border.mask("mask", mask, w.shape)), top)
