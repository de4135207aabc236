"""Planted bugs of the interpolants of least penalty."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minidl.laws.core import planted


class Interpolant(NamedTuple):
    beta: np.ndarray
    dual: np.ndarray
    steps: int


def _from_dual(ref, x, nu, scale, depth, steps):
    s = nu @ x
    return Interpolant(
        scale * np.asarray(ref.link(s if depth == 2 else np.clip(s, -1 + 1e-12, 1 - 1e-12), depth)), nu, steps
    )


def _otherwise(change):
    """The reference with other inputs."""

    def build(ref):
        return lambda x, y, alpha, depth=2, dual=None: ref.min_potential(*change(x, y, alpha, depth))

    return build


@planted("min_potential")
def scale_squared_at_any_depth(ref):
    """alpha^2 for alpha^D."""
    return _otherwise(lambda x, y, alpha, depth: (x, y, alpha ** (2 / depth), depth))(ref)


@planted("min_potential")
def scale_not_raised(ref):
    """alpha for alpha^D."""
    return _otherwise(lambda x, y, alpha, depth: (x, y, alpha ** (1 / depth), depth))(ref)


@planted("min_potential")
def sinh_without_its_2(ref):
    """beta = alpha^2 sinh(X^T nu): half the scale of depth 2."""
    return _otherwise(lambda x, y, alpha, depth: (x, y, alpha / np.sqrt(2) if depth == 2 else alpha, depth))(ref)


@planted("min_potential")
def scale_of_the_product(ref):
    """The factor 4 of another parametrisation: 4 alpha^2."""
    return _otherwise(lambda x, y, alpha, depth: (x, y, 2 * alpha if depth == 2 else alpha, depth))(ref)


@planted("min_potential")
def potential_of_two_layers(ref):
    """The potential of depth 2 at alpha^D."""
    return _otherwise(lambda x, y, alpha, depth: (x, y, alpha ** (depth / 2), 2))(ref)


@planted("min_potential")
def a_layer_too_many(ref):
    """Depth D + 1 at alpha^D."""
    return _otherwise(lambda x, y, alpha, depth: (x, y, alpha ** (depth / (depth + 1)), depth + 1))(ref)


@planted("min_potential")
def least_l2_at_every_scale(ref):
    """The interpolant of least L2 norm."""

    def min_potential(x, y, alpha, depth=2, dual=None):
        beta = np.linalg.pinv(x) @ y
        s = np.asarray(ref.link_inverse(beta / alpha**depth, depth))
        return Interpolant(beta, np.linalg.pinv(x).T @ s, 1)

    return min_potential


@planted("min_potential")
def stops_early(ref):
    """The dual is known to eight digits only."""

    def min_potential(x, y, alpha, depth=2, dual=None):
        found = ref.min_potential(x, y, alpha, depth)
        with np.errstate(divide="ignore"):
            unit = 10.0 ** (np.floor(np.log10(np.abs(found[1]).max(initial=1e-300))) - 8)
        return _from_dual(ref, x, np.round(np.asarray(found[1]) / unit) * unit, alpha**depth, depth, found[2])

    return min_potential


@planted("min_potential")
def fitted_softly(ref):
    """A little decay beside the loss: the targets are missed by a part in 1e8."""
    return _otherwise(lambda x, y, alpha, depth: (x, y * (1 - 1e-8), alpha, depth))(ref)


@planted("min_potential")
def thresholded(ref):
    """Small entries are set to 0."""

    def min_potential(*inputs):
        beta, nu, steps = ref.min_potential(*inputs)
        return Interpolant(np.where(np.abs(beta) < 1e-3 * np.abs(beta).max(), 0, beta), nu, steps)

    return min_potential


@planted("min_potential")
def inputs_normalised(ref):
    """Each example is divided by its norm, its target is not."""
    return _otherwise(lambda x, y, alpha, depth: (x / np.linalg.norm(x, axis=1, keepdims=True), y, alpha, depth))(ref)


@planted("min_potential")
def magnitudes_of_features(ref):
    """Entries have the sign of the targets' fit, whatever their feature's sign."""
    return _otherwise(lambda x, y, alpha, depth: (np.abs(x), y, alpha, depth))(ref)


@planted("min_potential")
def dual_of_half_the_loss(ref):
    """The dual is half of what it must be."""

    def min_potential(*inputs):
        beta, nu, steps = ref.min_potential(*inputs)
        return Interpolant(beta, nu / 2, steps)

    return min_potential


@planted("min_potential")
def dual_of_the_other_sign(ref):
    """The dual of the constraints y - X beta."""

    def min_potential(*inputs):
        beta, nu, steps = ref.min_potential(*inputs)
        return Interpolant(beta, -nu, steps)

    return min_potential


@planted("min_potential")
def ends_where_it_began(ref):
    """A warm start is taken for the answer."""

    def min_potential(x, y, alpha, depth=2, dual=None):
        if dual is None:
            return ref.min_potential(x, y, alpha, depth)
        return _from_dual(ref, x, np.asarray(dual), alpha**depth, depth, 0)

    return min_potential


# --- paths -----------------------------------------------------------------------------------------------------------------
def _path(ref, x, y, alphas, depth):
    rows = [ref.min_potential(x, y, float(alpha), depth) for alpha in alphas]
    return Interpolant(*(np.array([np.asarray(row[k]) for row in rows]) for k in range(3)))


@planted("potential_path")
def in_the_order_of_the_sweep(ref):
    """Rows come from the largest scale to the smallest, not as they were asked for."""
    return lambda x, y, alphas, depth=2: _path(ref, x, y, np.sort(alphas)[::-1], depth)


@planted("potential_path")
def warm_starts_not_refined(ref):
    """Every row has the dual of the first."""

    def potential_path(x, y, alphas, depth=2):
        nu = np.asarray(ref.min_potential(x, y, float(alphas.max()), depth)[1])
        rows = [_from_dual(ref, x, nu, float(alpha) ** depth, depth, 1) for alpha in alphas]
        return Interpolant(*(np.array([np.asarray(row[k]) for row in rows]) for k in range(3)))

    return potential_path


@planted("potential_path")
def one_step_per_scale(ref):
    """The targets of the scales between are missed by a part in 1e6."""

    def potential_path(x, y, alphas, depth=2):
        near = ref.potential_path(x, y * (1 - 1e-6), alphas, depth)
        last = np.argmin(alphas)
        beta, dual = np.array(near[0]), np.array(near[1])
        beta[last], dual[last], _ = ref.min_potential(x, y, float(alphas[last]), depth)
        return Interpolant(beta, dual, near[2])

    return potential_path


@planted("potential_path")
def scales_not_raised(ref):
    """alpha for alpha^D."""
    return lambda x, y, alphas, depth=2: ref.potential_path(x, y, alphas ** (1 / depth), depth)


@planted("potential_path")
def path_of_two_layers(ref):
    """The depth is not read."""
    return lambda x, y, alphas, depth=2: ref.potential_path(x, y, alphas, 2)


@planted("potential_path")
def each_scale_once(ref):
    """A scale told twice has one row, and rows come in ascending order."""
    return lambda x, y, alphas, depth=2: _path(ref, x, y, np.unique(alphas), depth)


@planted("potential_path")
def duals_of_the_neighbours(ref):
    """The dual of a row is the next scale's."""

    def potential_path(x, y, alphas, depth=2):
        beta, dual, steps = ref.potential_path(x, y, alphas, depth)
        return Interpolant(beta, np.roll(dual, 1, axis=0), steps)

    return potential_path


@planted("potential_path")
def examples_as_rows_of_the_dual(ref):
    """Duals come back transposed where that fits."""

    def potential_path(x, y, alphas, depth=2):
        beta, dual, steps = ref.potential_path(x, y, alphas, depth)
        return Interpolant(beta, np.ascontiguousarray(dual.T).reshape(dual.shape), steps)

    return potential_path
