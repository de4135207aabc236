"""Planted bugs of agreement, scores, principal angles, and of what chance gives."""

from __future__ import annotations

import math

import numpy as np

from minidl.laws.core import planted


def _flat(w):
    w = np.asarray(w)
    return w.reshape(len(w), -1)


def _svd(w):
    u, s, vt = np.linalg.svd(_flat(w), full_matrices=False)
    return u, s, vt.T


# --- two versions ----------------------------------------------------------------------------------------------------
def _agreeing(combine):
    """The agreement from the cosines of both sides, combined in another way."""

    def wrong(w, other):
        one, two = _svd(w), _svd(other)
        return combine(one[0].T @ two[0], one[2].T @ two[2])

    return wrong


@planted("agreement_matrix")
def left_side_alone(ref):
    """Only the left vectors are compared."""
    return _agreeing(lambda left, right: np.abs(left))


@planted("agreement_matrix")
def mean_of_sides(ref):
    """The mean of both sides' cosines instead of their product."""
    return _agreeing(lambda left, right: (np.abs(left) + np.abs(right)) / 2)


@planted("agreement_matrix")
def agreement_signed(ref):
    """No absolute value."""
    return _agreeing(lambda left, right: left * right)


@planted("agreement_matrix")
def product_of_matrices(ref):
    """A product of matrices in the place of the product entry by entry."""
    return _agreeing(lambda left, right: np.abs(left @ right))


@planted("agreement_matrix")
def geometric_mean_of_sides(ref):
    """The root of the product."""
    return _agreeing(lambda left, right: np.sqrt(np.abs(left * right)))


@planted("agreement_matrix")
def other_in_rows(ref):
    """Rows belong to the other version."""
    return lambda w, other: ref.agreement_matrix(other, w)


@planted("agreement_matrix")
def right_side_turned(ref):
    """The right cosines are transposed."""
    return _agreeing(lambda left, right: np.abs(left * right.T))


@planted("agreement_matrix")
def inner_product_of_weights(ref):
    """The cosine between the entries of both weights, everywhere."""

    def agreement_matrix(w, other):
        R = min(_flat(w).shape)
        cosine = np.sum(w * other) / np.sqrt(np.sum(w * w) * np.sum(other * other))
        return np.full((R, R), np.abs(cosine), np.asarray(w).dtype)

    return agreement_matrix


# --- scores ----------------------------------------------------------------------------------------------------------
@planted("diagonal_score")
def whole_diagonal(ref):
    """All diagonal entries count."""
    return lambda matrix, top=10: float(np.diagonal(matrix).mean())


@planted("diagonal_score")
def leading_block(ref):
    """The mean over the leading block."""
    return lambda matrix, top=10: float(matrix[:top, :top].mean())


@planted("diagonal_score")
def always_divided_by_top(ref):
    """The sum is divided by `top` where there are fewer."""
    return lambda matrix, top=10: float(np.diagonal(matrix)[:top].sum() / top)


@planted("diagonal_score")
def best_match(ref):
    """The largest entry of each of the first rows."""
    return lambda matrix, top=10: float(matrix[:top].max(axis=1)[: min(matrix.shape)].mean())


@planted("diagonal_score")
def last_entries(ref):
    """The last diagonal entries."""
    return lambda matrix, top=10: float(np.diagonal(matrix)[-top:].mean())


@planted("diagonal_score")
def sum_of_the_diagonal(ref):
    """The sum instead of the mean."""
    return lambda matrix, top=10: float(np.diagonal(matrix)[:top].sum())


@planted("diagonal_score")
def one_too_few(ref):
    """One entry less."""
    return lambda matrix, top=10: float(np.diagonal(matrix)[: max(top - 1, 1)].mean())


@planted("diagonal_score")
def five_by_default(ref):
    """Left out, top is 5."""
    return lambda matrix, top=5: ref.diagonal_score(matrix, top)


# --- principal angles --------------------------------------------------------------------------------------------------
def _product(make):
    return lambda a, b: make(a.T @ b)


@planted("subspace_cosines")
def entries_of_the_diagonal(ref):
    """The diagonal of a^T b: bases are compared, not subspaces."""
    return _product(lambda m: np.sort(np.abs(np.diagonal(m)))[::-1].copy())


@planted("subspace_cosines")
def angles_instead(ref):
    """The angles."""
    return lambda a, b: np.arccos(np.minimum(ref.subspace_cosines(a, b), 1)).astype(a.dtype)


@planted("subspace_cosines")
def squared_cosines(ref):
    """Eigenvalues of a^T b b^T a: squares."""
    return lambda a, b: ref.subspace_cosines(a, b) ** 2


@planted("subspace_cosines")
def largest_angle_first(ref):
    """In ascending order."""
    return lambda a, b: np.ascontiguousarray(ref.subspace_cosines(a, b)[::-1])


@planted("subspace_cosines")
def sines(ref):
    """Sines, from the part of b outside a."""
    return lambda a, b: np.sqrt(np.maximum(1 - ref.subspace_cosines(a, b) ** 2, 0))


@planted("subspace_cosines")
def as_many_as_the_first_has(ref):
    """One cosine per column of b, zeros where a has fewer."""

    def subspace_cosines(a, b):
        found = ref.subspace_cosines(a, b)
        return np.append(found, np.zeros(b.shape[1] - len(found), found.dtype))

    return subspace_cosines


@planted("subspace_cosines")
def column_norms(ref):
    """The length of each column's part in the other subspace."""
    return _product(lambda m: np.sort(np.linalg.norm(m, axis=int(m.shape[0] < m.shape[1])))[::-1].copy())


@planted("subspace_cosines")
def wrong_product(ref):
    """b^T a of the rows, where both are square enough to allow it."""
    return lambda a, b: np.linalg.svd(a @ b.T if a.shape == b.shape else a.T @ b, compute_uv=False)[: a.shape[1]]


def _first_columns(w, k, side):
    return _svd(w)[side][:, :k]


@planted("alignment_cosines")
def single_vectors(ref):
    """The first diagonal entries of the alignment, in order of size."""
    return lambda w, w_next, k: np.sort(np.diagonal(ref.alignment_matrix(w, w_next))[:k])[::-1].copy()


@planted("alignment_cosines")
def all_directions(ref):
    """All directions of both layers, of which the first k cosines."""

    def alignment_cosines(w, w_next, k):
        return np.linalg.svd(_svd(w_next)[2].T @ _svd(w)[0], compute_uv=False)[:k]

    return alignment_cosines


@planted("alignment_cosines")
def one_direction_less(ref):
    """The top k - 1 of the second layer."""

    def alignment_cosines(w, w_next, k):
        product = _first_columns(w_next, max(k - 1, 1), 2).T @ _first_columns(w, k, 0)
        found = np.linalg.svd(product, compute_uv=False)
        return np.append(found, np.zeros(k - len(found), found.dtype))

    return alignment_cosines


@planted("alignment_cosines")
def bottom_directions(ref):
    """The last k directions of the second layer."""
    return lambda w, w_next, k: np.linalg.svd(_svd(w_next)[2][:, -k:].T @ _first_columns(w, k, 0), compute_uv=False)


@planted("alignment_cosines")
def what_the_first_reads(ref):
    """V of the first layer, cut to the width that meets the second."""

    def alignment_cosines(w, w_next, k):
        n = min(len(w), w.shape[1])
        return np.linalg.svd(_first_columns(w_next, k, 2)[:n].T @ _first_columns(w, k, 2)[:n], compute_uv=False)

    return alignment_cosines


@planted("alignment_cosines")
def ascending_cosines(ref):
    """In ascending order."""
    return lambda w, w_next, k: np.ascontiguousarray(ref.alignment_cosines(w, w_next, k)[::-1])


@planted("alignment_cosines")
def squares_of_principal_cosines(ref):
    """Their squares."""
    return lambda w, w_next, k: ref.alignment_cosines(w, w_next, k) ** 2


@planted("alignment_cosines")
def mean_cosine(ref):
    """Their mean, k times."""
    return lambda w, w_next, k: np.full(k, ref.alignment_cosines(w, w_next, k).mean(), np.asarray(w).dtype)


@planted("agreement_cosines")
def sides_exchanged(ref):
    """Inputs first."""
    return lambda w, other, k: tuple(ref.agreement_cosines(w, other, k)[::-1])


@planted("agreement_cosines")
def outputs_twice(ref):
    """Outputs for both sides."""
    return lambda w, other, k: (ref.agreement_cosines(w, other, k)[0], ref.agreement_cosines(w, other, k)[0].copy())


@planted("agreement_cosines")
def product_of_sides(ref):
    """Both sides multiplied, as single vectors have it."""

    def agreement_cosines(w, other, k):
        left, right = ref.agreement_cosines(w, other, k)
        return left * right, left * right

    return agreement_cosines


@planted("agreement_cosines")
def vectors_one_by_one(ref):
    """Cosines of single vectors."""

    def agreement_cosines(w, other, k):
        one, two = _svd(w), _svd(other)
        return tuple(np.sort(np.abs(np.sum(one[i][:, :k] * two[i][:, :k], axis=0)))[::-1].copy() for i in (0, 2))

    return agreement_cosines


@planted("agreement_cosines")
def one_direction_more(ref):
    """The top k + 1 of the other version."""

    def agreement_cosines(w, other, k):
        one, two = _svd(w), _svd(other)
        return tuple(np.linalg.svd(one[i][:, :k].T @ two[i][:, : k + 1], compute_uv=False) for i in (0, 2))

    return agreement_cosines


@planted("agreement_cosines")
def bottom_of_the_other(ref):
    """The last k directions of the other version."""

    def agreement_cosines(w, other, k):
        one, two = _svd(w), _svd(other)
        return tuple(np.linalg.svd(one[i][:, :k].T @ two[i][:, -k:], compute_uv=False) for i in (0, 2))

    return agreement_cosines


@planted("agreement_cosines")
def squared_sides(ref):
    """Squares."""
    return lambda w, other, k: tuple(side**2 for side in ref.agreement_cosines(w, other, k))


@planted("agreement_cosines")
def sides_ascending(ref):
    """In ascending order."""
    return lambda w, other, k: tuple(np.ascontiguousarray(side[::-1]) for side in ref.agreement_cosines(w, other, k))


# --- chance ----------------------------------------------------------------------------------------------------------
@planted("haar_baseline")
def normal_approximation(ref):
    """sqrt(2 / (pi n)), which is right for large n."""
    return lambda n: math.sqrt(2 / (math.pi * n))


@planted("haar_baseline")
def root_mean_square(ref):
    """The root of the mean square, 1 / sqrt(n)."""
    return lambda n: 1 / math.sqrt(n)


@planted("haar_baseline")
def next_width(ref):
    """That of n + 1."""
    return lambda n: ref.haar_baseline(n + 1)


@planted("haar_baseline")
def without_the_root_of_pi(ref):
    """The root of pi is missing."""
    return lambda n: ref.haar_baseline(n) * math.sqrt(math.pi)


@planted("haar_baseline")
def squared_mean(ref):
    """The square, which belongs to agreement."""
    return lambda n: ref.haar_baseline(n) ** 2


@planted("haar_baseline")
def mean_of_a_uniform_angle(ref):
    """2 / pi, the mean of |cos| of a uniform angle, whatever n."""
    return lambda n: 2 / math.pi


@planted("haar_baseline")
def even_widths_only(ref):
    """An odd width gets that of the even one before it."""
    return lambda n: ref.haar_baseline(max(n - n % 2, 1))


@planted("haar_baseline")
def inverted(ref):
    """The quotient of Gamma functions upside down."""
    return lambda n: 1 / (math.pi * ref.haar_baseline(n))


@planted("agreement_baseline")
def one_side_squared(ref):
    """The square of the first side's mean, also where the sides differ."""
    return lambda m, n: ref.haar_baseline(m) ** 2


@planted("agreement_baseline")
def mean_of_both(ref):
    """The mean of the two means."""
    return lambda m, n: (ref.haar_baseline(m) + ref.haar_baseline(n)) / 2


@planted("agreement_baseline")
def of_the_lesser_side(ref):
    """Only min(m, n) matters."""
    return lambda m, n: ref.haar_baseline(min(m, n)) ** 2


@planted("agreement_baseline")
def of_the_area(ref):
    """That of width m n."""
    return lambda m, n: ref.haar_baseline(m * n)
