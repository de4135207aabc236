r"""Do singular vectors of two matrices point the same way? Consecutive layers, versions of one layer, chance.

**Consecutive layers.** $W_i$ (out, in) writes its strongest outputs along $U_i$; $W_{i+1}$ reads along $V_{i+1}$:

$$ A = |V_{i+1}^\top U_i| \qquad (R_{i+1}, R_i), \text{ entry by entry}, \qquad
   \text{score} = \frac1T \sum_{k \le T} A_{kk}, \quad T = \min(10, R_i, R_{i+1}) . $$

**Versions of one matrix** (at two times, with and without a mask, two branches of training):

$$ S_{jk} = |(u_j \cdot u'_k)(v_j \cdot v'_k)| . $$

Singular vectors have a joint sign, $(u, v) \to (-u, -v)$, that means nothing; absolute values and the product remove
it. What remains arbitrary are vectors of *equal* singular values, which may be rotated among themselves. There A and S
depend on the solver; the cosines of principal angles between the subspaces of the top k, the singular values of
$V_{i+1,k}^\top U_{i,k}$, do not as long as the k-th and the next value differ.

**Chance.** An entry of a Haar-random orthogonal $n \times n$ matrix has $E|q_{ij}| = \Gamma(n/2) / (\sqrt\pi\,
\Gamma((n+1)/2)) \approx \sqrt{2/(\pi n)}$: what A has between unrelated layers. S has the product over both sides.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from minidl.theory.spectral import border
from minidl.theory.spectral.ranks import as_matrix, thin_svd

TOP = 10  # diagonal entries in a score, as the authors have it


class Cosines(NamedTuple):
    """Of `agreement_cosines`, descending."""

    left: np.ndarray  # (k,)
    right: np.ndarray  # (k,)


# --- consecutive layers ------------------------------------------------------------------------------------------------
def alignment_matrix(w: Any, w_next: Any, embedding: bool = False, skip: bool = False) -> np.ndarray | None:
    """|V_next^T U|, (R_next, R): entry (j, k) compares the k-th direction that w writes with the j-th that w_next reads.

    w: (out, in) or a kernel (out, c_in, kh, kw); w_next: (out_next, out), or a kernel (c_out, out, kh, kw), of which
    the tap in the centre (kh // 2, kw // 2) counts, see `tap_alignments`.
    embedding: w is a table (vocabulary, width), whose rows the next layer reads: V takes the place of U.
    skip: return None instead of raising where the sizes do not meet.
    Raises ValueError where what w writes is not as wide as what w_next reads, and for weights without two axes, empty
    or not finite.
    """
    taps = _met(w, w_next, embedding)
    if taps is None:
        if skip:
            return None
        raise ValueError(_misfit(w, w_next, embedding))
    return centre_tap(taps)


def tap_alignments(w: Any, w_next: Any) -> np.ndarray:
    """The alignment of each tap of a kernel w_next (c_out, out, kh, kw) with w: (kh, kw, R_next, R).

    Right singular vectors of the flattened kernel are cut into their taps, which by themselves have norms below 1.
    A matrix w_next gives `alignment_matrix`. Raises as that does.
    """
    taps = _met(w, w_next, False)
    if taps is None:
        raise ValueError(_misfit(w, w_next, False))
    return taps


def _met(w: Any, w_next: Any, embedding: bool) -> np.ndarray | None:
    """(..., R_next, R) for the taps of w_next; None where the sizes do not meet."""
    first, reading = as_matrix(w), border.weight("w_next", w_next)
    if reading.shape[1] != first.shape[1 if embedding else 0]:
        return None
    one, two = thin_svd(first), thin_svd(reading)
    return aligned_taps(one.v if embedding else one.u, two.v, reading.shape)


def aligned_taps(written: np.ndarray, read: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """written: (n, R) directions, read: (n taps, R_next) right singular vectors of a weight of this shape, n = shape[1].

    Returns (*shape[2:], R_next, R).
    """
    read = read.T.reshape(-1, shape[1], *shape[2:])  # (R_next, n, kh, kw)
    return np.abs(np.moveaxis(read, (0, 1), (-2, -1)) @ written)


def centre_tap(taps: np.ndarray) -> np.ndarray:
    """(R_next, R): the tap in the centre of (kh, kw, R_next, R); a matrix's only one."""
    return taps[tuple(n // 2 for n in taps.shape[:-2])]


def _misfit(w: Any, w_next: Any, embedding: bool) -> str:
    side = "columns" if embedding else "rows"
    return (
        f"the layers do not meet: w has {as_matrix(w).shape[1 if embedding else 0]} {side}, w_next of shape "
        f"{np.shape(w_next)} reads {np.shape(w_next)[1]}: weights are (out, in), so transpose those of x @ W; "
        "skip=True gives None"
    )


def head_alignments(query: Any, key: Any, heads: int) -> np.ndarray:
    """|U_q^T U_k| of each attention head: (heads, R, R), with R = min(width of a head, columns).

    query, key: (heads * width, columns), of which head h owns the rows from h * width on. Row j of a head's matrix is
    the j-th direction of its queries.
    Raises ValueError for shapes that differ or a number of rows that is no multiple of heads.
    """
    query = border.matrix("query", query)
    key = border.same_shape("key", key, query, "query")
    heads = border.count("heads", heads)
    if len(query) % heads:
        raise ValueError(f"{heads} heads cannot share {len(query)} rows: heads must divide the rows of query and key")
    (u_q, _, _), (u_k, _, _) = (
        np.linalg.svd(w.reshape(heads, -1, w.shape[1]), full_matrices=False) for w in (query, key)
    )
    return np.abs(u_q.mT @ u_k)


# --- versions of one matrix ----------------------------------------------------------------------------------------------
def agreement_matrix(w: Any, other: Any) -> np.ndarray:
    """S, (R, R): row j, column k compares the j-th singular vectors of w with the k-th of other, both sides at once.

    w, other: weights of one shape. Raises ValueError for shapes that differ, empty or not finite weights.
    """
    w = border.weight("w", w)
    one, two = thin_svd(w), thin_svd(border.same_shape("other", other, w, "w"))
    return np.abs((one.u.T @ two.u) * (one.v.T @ two.v))


def diagonal_score(matrix: Any, top: int = TOP) -> float:
    """The mean of the first `top` diagonal entries, of all of them where there are fewer.

    matrix: (R, R') from `alignment_matrix` or `agreement_matrix`. Raises ValueError unless it is a matrix and top >= 1.
    """
    diagonal = np.diagonal(border.matrix("matrix", matrix))
    return float(diagonal[: border.count("top", top)].mean(dtype=np.float64))


# --- subspaces -----------------------------------------------------------------------------------------------------------
def subspace_cosines(a: Any, b: Any) -> np.ndarray:
    """Cosines of the principal angles between the spans of two sets of orthonormal columns: (min(k, l),), descending.

    a: (n, k), b: (n, l). Unlike single singular vectors, the top k are well defined as a subspace where singular values
    coincide. Raises ValueError for columns that are not orthonormal or of different lengths.
    """
    a, b = (border.matrix(name, value) for name, value in (("a", a), ("b", b)))
    if len(a) != len(b):
        raise ValueError(f"the columns must be of one length, got {len(a)} and {len(b)}")
    for name, basis in (("a", a), ("b", b)):
        off = np.abs(basis.T @ basis - np.eye(basis.shape[1])).max()
        if off > 64 * len(basis) * np.finfo(basis.dtype).eps:  # rounding of any orthogonalisation stays far below
            raise ValueError(
                f"the columns of {name} must be orthonormal, they are off by {off:.2g}: take thin_svd or a QR"
            )
    return np.linalg.svd(a.T @ b, compute_uv=False)


def alignment_cosines(w: Any, w_next: Any, k: int) -> np.ndarray:
    """Principal cosines (k,) between the top k directions that w writes and the top k that w_next reads, descending.

    w: (out, in), w_next: (out_next, out). Raises as `alignment_matrix`, and for a k above the rank R of either.
    """
    w, w_next = border.matrix("w", w), border.matrix("w_next", w_next)
    if w_next.shape[1] != len(w):
        raise ValueError(_misfit(w, w_next, False))
    return subspace_cosines(_top(thin_svd(w).u, k), _top(thin_svd(w_next).v, k))


def agreement_cosines(w: Any, other: Any, k: int) -> Cosines:
    """Principal cosines between the top k directions of two versions of a matrix, outputs and inputs: (k,) each.

    Raises as `agreement_matrix`, and for a k above R.
    """
    w = border.weight("w", w)
    one, two = thin_svd(w), thin_svd(border.same_shape("other", other, w, "w"))
    return Cosines(*(subspace_cosines(_top(one[i], k), _top(two[i], k)) for i in (0, 2)))


def _top(vectors: np.ndarray, k: int) -> np.ndarray:
    if border.count("k", k) > vectors.shape[1]:
        raise ValueError(f"k must be at most R = {vectors.shape[1]}, the number of singular vectors, got {k}")
    return vectors[:, :k]


# --- chance --------------------------------------------------------------------------------------------------------------
def haar_baseline(n: int) -> float:
    r"""$E|q_{ij}|$ of a Haar-random orthogonal n x n matrix: the mean entry of A between unrelated layers of width n.

    By $E_1 = 1$, $E_2 = 2/\pi$, $E_{n+2} = E_n\, n/(n+1)$: the recurrence of Gamma, without its cancellation. n >= 1.
    """
    n = border.count("n", n)
    k = np.arange(1 if n % 2 else 2, n, 2)
    return float((1 if n % 2 else 2 / math.pi) * np.prod(k / (k + 1)))


def agreement_baseline(m: int, n: int) -> float:
    """The mean entry of S between unrelated (m, n) matrices: both sides are independent, so their means multiply."""
    return haar_baseline(m) * haar_baseline(n)
