"""Planted bugs of balanced products of several factors."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


def _weighed(weight):
    """dM/dt with other weights between singular vectors i, j of sigma_i and sigma_j."""

    def build(ref):
        def product_velocity(matrix, gradient, depth):
            left, sigma, right = np.linalg.svd(matrix)
            rows, columns = (np.pad(sigma, (0, n - len(sigma))) for n in matrix.shape)
            with np.errstate(divide="ignore", invalid="ignore"):
                factor = np.nan_to_num(weight(rows[:, None], columns[None, :], depth))
            return -left @ (factor * (left.T @ gradient @ right.T)) @ right

        return product_velocity

    return build


def _sum(rows, columns, depth, power):
    return sum(
        rows ** (power * (depth - j) / depth) * columns ** (power * (j - 1) / depth) for j in range(1, depth + 1)
    )


@planted("product_velocity")
def plain_gradient_flow(ref):
    """The matrix moves down the gradient, as if it were one factor."""
    return lambda matrix, gradient, depth: -gradient


@planted("product_velocity")
def depth_times_one_term(ref):
    """N times the middle term for all terms."""
    return _weighed(lambda s, t, n: n * (s * t) ** ((n - 1) / n))(ref)


@planted("product_velocity")
def powers_not_doubled(ref):
    """Powers of M M^T taken as of its root."""
    return _weighed(lambda s, t, n: _sum(s, t, n, 1))(ref)


@planted("product_velocity")
def mean_of_the_terms(ref):
    """Divided by N."""
    return lambda matrix, gradient, depth: np.asarray(ref.product_velocity(matrix, gradient, depth)) / depth


@planted("product_velocity")
def last_factor_still(ref):
    """Without the term of one factor."""

    def weight(s, t, n):
        return _sum(s, t, n, 2) - (t ** (2 * (n - 1) / n) if n > 1 else 0)

    return _weighed(weight)(ref)


@planted("product_velocity")
def up_the_gradient(ref):
    """Plus the gradient."""
    return lambda *inputs: -np.asarray(ref.product_velocity(*inputs))


@planted("product_velocity")
def gradient_transposed(ref):
    """The gradient's transpose, where the shapes fit."""

    def product_velocity(matrix, gradient, depth):
        square = matrix.shape[0] == matrix.shape[1]
        return ref.product_velocity(matrix, gradient.T.copy() if square else gradient, depth)

    return product_velocity


@planted("product_velocity")
def column_space_alone(ref):
    """What leaves the column and row space of M is cut off."""

    def product_velocity(matrix, gradient, depth):
        left, _, right = np.linalg.svd(matrix, full_matrices=False)
        return left @ (left.T @ np.asarray(ref.product_velocity(matrix, gradient, depth)) @ right.T) @ right

    return product_velocity


def _singular(matrix, gradient):
    left, sigma, right = np.linalg.svd(matrix, full_matrices=False)
    return sigma, np.einsum("ps,pr,sr->s", left, gradient, right)


@planted("spectrum_velocity")
def exponent_of_one_factor_fewer(ref):
    """The power 2 - 2/(N - 1)."""

    def spectrum_velocity(matrix, gradient, depth):
        sigma, inside = _singular(matrix, gradient)
        return -depth * sigma ** (2 - 2 / max(1, depth - 1)) * inside

    return spectrum_velocity


@planted("spectrum_velocity")
def exponent_1_minus_1_over_n(ref):
    """The power 1 - 1/N, of the squared singular values."""

    def spectrum_velocity(matrix, gradient, depth):
        sigma, inside = _singular(matrix, gradient)
        return -depth * sigma ** (1 - 1 / depth) * inside

    return spectrum_velocity


@planted("spectrum_velocity")
def number_of_factors_left_out(ref):
    """Without the factor N."""
    return lambda matrix, gradient, depth: np.asarray(ref.spectrum_velocity(matrix, gradient, depth)) / depth


@planted("spectrum_velocity")
def singular_values_grow_up_the_gradient(ref):
    """Plus the gradient."""
    return lambda *inputs: -np.asarray(ref.spectrum_velocity(*inputs))


@planted("spectrum_velocity")
def smallest_first(ref):
    """In ascending order of the singular values."""
    return lambda *inputs: np.asarray(ref.spectrum_velocity(*inputs))[::-1].copy()


@planted("spectrum_velocity")
def diagonal_of_the_gradient(ref):
    """The gradient's own diagonal, without the singular vectors."""

    def spectrum_velocity(matrix, gradient, depth):
        sigma, _ = _singular(matrix, gradient)
        return -depth * sigma ** (2 - 2 / depth) * np.diag(gradient)[: len(sigma)]

    return spectrum_velocity


@planted("spectrum_velocity")
def sign_of_the_vectors_lost(ref):
    """The magnitude of the gradient between singular vectors."""

    def spectrum_velocity(matrix, gradient, depth):
        sigma, inside = _singular(matrix, gradient)
        return -depth * sigma ** (2 - 2 / depth) * np.abs(inside)

    return spectrum_velocity


@planted("spectrum_velocity")
def flow_of_two_factors(ref):
    """The depth is not read."""
    return lambda matrix, gradient, depth: ref.spectrum_velocity(matrix, gradient, 2)
