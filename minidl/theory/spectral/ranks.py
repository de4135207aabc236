r"""How many directions a weight matrix uses: effective rank, 90 % count, stable rank.

For singular values $s_1 \ge \dots \ge s_R \ge 0$, $R = \min(\text{out}, \text{in})$, with $s'_i = s_i + \epsilon$ and
the shares $p_i = s'_i / \sum_j s'_j$:

$$ \mathrm{erank} = \exp\Bigl(-\sum_i p_i \log p_i\Bigr), \qquad
   k_{90} = \min\Bigl\{k : \sum_{i \le k} p_i > 0.9\Bigr\}, \qquad
   \mathrm{srank} = \frac{\sum_i s_i'^2}{s_1'^2} . $$

The effective rank is the number of equal singular values that have the same entropy (Roy and Vetterli, "The effective
rank: a measure of effective dimensionality", 2007). All three divided by R lie in (0, 1] and compare matrices of
different sizes.

Conventions. The authors' program adds $\epsilon = 10^{-10}$ to s *in place* before each number, so that its 90 % count
sees $2\epsilon$ and its stable rank $3\epsilon$; here each number sees the $\epsilon$ that it is given, and s stays as
it is. To compare with their numbers to the last digit, pass `count_90(s, 2e-10)` and `stable_rank(s, 3e-10)`.
With $\epsilon > 0$ a zero matrix has R equal shares and hence effective rank R: an artefact, and so is every number of
a matrix whose singular values are not far above $\epsilon$. With `eps=0` a zero spectrum gives 0, and the numbers do
not depend on the scale of W.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minidl.theory.spectral import border

EPS = 1e-10  # the authors'
SHARE = 0.9


class SVD(NamedTuple):
    """W = u diag(s) v^T."""

    u: np.ndarray  # (m, R) left singular vectors, one per column: directions of the output
    s: np.ndarray  # (R,) descending
    v: np.ndarray  # (n, R) right singular vectors, one per column: directions of the input


class Ranks(NamedTuple):
    """The three numbers of one spectrum, and each divided by R."""

    effective_rank: float
    normalised_effective_rank: float
    count_90: int
    normalised_count_90: float
    stable_rank: float
    normalised_stable_rank: float


def as_matrix(weight: Any) -> np.ndarray:
    """A weight as a matrix: (out, in) as it is, a kernel (c_out, c_in, kh, kw) as (c_out, c_in kh kw).

    float32 is kept, integers become float64. Raises ValueError for fewer than two axes, no entries, NaN or infinity,
    TypeError for anything but real numbers.
    """
    array = border.weight("weight", weight)
    return array.reshape(len(array), -1)  # (m, n)


def singular_values(weight: Any) -> np.ndarray:
    """(R,), descending, in the dtype of the weight. Several times cheaper than `thin_svd`. Raises as `as_matrix`."""
    return np.linalg.svd(as_matrix(weight), compute_uv=False)


def thin_svd(weight: Any) -> SVD:
    """Singular values and vectors of a weight as a matrix. The joint sign of each pair of vectors is arbitrary.

    Raises as `as_matrix`.
    """
    u, s, vt = np.linalg.svd(as_matrix(weight), full_matrices=False)
    return SVD(u, s, vt.T)


def _shifted(s: Any, eps: float) -> np.ndarray:
    """s' in descending order, divided by a power of two (which is exact) so that no sum or square overflows."""
    s = np.sort(border.spectrum(s).astype(np.float64))[::-1] + border.number("eps", eps, 0)  # (R,)
    return np.ldexp(s, -np.frexp(s[0])[1])


def effective_rank(s: Any, eps: float = EPS) -> float:
    r"""$\exp(-\sum p \log p)$, between 1 and R; 0 for a zero spectrum with eps = 0.

    s: (R,) singular values in any order; eps >= 0 is added to each. Raises ValueError for a spectrum that is empty, not
    finite or negative somewhere, and an eps below 0; TypeError for what holds no real numbers.
    """
    shifted = _shifted(s, eps)
    if shifted[0] == 0:
        return 0.0
    p = shifted / shifted.sum()
    p = p[p > 0]  # p log p -> 0
    return float(np.exp(-(p @ np.log(p))))


def normalised_effective_rank(s: Any, eps: float = EPS) -> float:
    """The effective rank divided by R: 1 for equal singular values. Arguments and errors as `effective_rank`."""
    return effective_rank(s, eps) / len(s)


def count_90(s: Any, eps: float = EPS) -> int:
    """How many of the largest singular values make up *more* than 0.9 of their sum; 0 for a zero spectrum with eps = 0.

    Arguments and errors as `effective_rank`.
    """
    shifted = _shifted(s, eps)
    if shifted[0] == 0:
        return 0
    return int(np.count_nonzero(np.cumsum(shifted) <= SHARE * shifted.sum())) + 1


def stable_rank(s: Any, eps: float = EPS) -> float:
    r"""$\sum s_i'^2 / s_1'^2 = \|W\|_F^2 / \|W\|_2^2$, between 1 and the rank; 0 for a zero spectrum with eps = 0.

    Arguments and errors as `effective_rank`.
    """
    shifted = _shifted(s, eps)
    if shifted[0] == 0:
        return 0.0
    ratio = shifted / shifted[0]
    return float(ratio @ ratio)


def rank_metrics(s: Any, eps: float = EPS) -> Ranks:
    """All three numbers, with the same eps each, and each of them divided by R. Errors as `effective_rank`."""
    ranks = effective_rank(s, eps), count_90(s, eps), stable_rank(s, eps)
    return Ranks(*(number for rank in ranks for number in (rank, rank / len(s))))
