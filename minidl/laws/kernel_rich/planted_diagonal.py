"""Planted bugs of diagonal nets at one point."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


# --- predictor and loss ----------------------------------------------------------------------------------------------------
@planted("predictor")
def sides_added(ref):
    """u^D + v^D."""
    return lambda u, v, depth=2: u**depth + v**depth


@planted("predictor")
def product_of_sides(ref):
    """u v, the other parametrisation of later papers."""
    return lambda u, v, depth=2: u * v


@planted("predictor")
def half_the_difference(ref):
    """(u^D - v^D)/2, as in later papers."""
    return lambda u, v, depth=2: ref.predictor(u, v, depth) / u.dtype.type(2)


@planted("predictor")
def always_squares(ref):
    """u^2 - v^2 at every depth."""
    return lambda u, v, depth=2: u**2 - v**2


@planted("predictor")
def power_of_magnitudes(ref):
    """|u|^D - |v|^D: signs are lost at odd depths."""
    return lambda u, v, depth=2: np.abs(u) ** depth - np.abs(v) ** depth


@planted("predictor")
def power_of_the_difference(ref):
    """(u - v)^D."""
    return lambda u, v, depth=2: (u - v) ** depth


@planted("squared_loss")
def mean_of_squares(ref):
    """The mean over examples."""
    return lambda x, y, beta: ref.squared_loss(x, y, beta) / len(y)


@planted("squared_loss")
def half_of_the_squares(ref):
    """1/2 in front."""
    return lambda x, y, beta: ref.squared_loss(x, y, beta) / 2


@planted("squared_loss")
def square_of_the_sum(ref):
    """The residuals are summed before they are squared."""
    return lambda x, y, beta: float((x @ beta - y).sum() ** 2)


@planted("squared_loss")
def norm_not_squared(ref):
    """The norm of the residuals."""
    return lambda x, y, beta: float(np.sqrt(ref.squared_loss(x, y, beta)))


@planted("squared_loss")
def targets_added(ref):
    """X beta + y."""
    return lambda x, y, beta: ref.squared_loss(x, -y, beta)


@planted("squared_loss")
def first_example_left_out(ref):
    """The first example is not summed."""
    return lambda x, y, beta: float(((x @ beta - y)[1:] ** 2).sum())


# --- velocity --------------------------------------------------------------------------------------------------------------
def _parts(x, y, u, v, depth):
    residual = x @ (u**depth - v**depth) - y
    return residual, 2 * depth * (residual @ x)


def _scaled(factor):
    def build(ref):
        def flow_velocity(x, y, u, v, depth=2):
            parts = ref.flow_velocity(x, y, u, v, depth)
            return tuple(np.asarray(part) * part.dtype.type(factor(depth)) for part in parts)

        return flow_velocity

    return build


@planted("flow_velocity")
def gradient_of_half_the_loss(ref):
    """Without the 2 of the square."""
    return _scaled(lambda depth: 0.5)(ref)


@planted("flow_velocity")
def depth_not_multiplied_in(ref):
    """Without the D of the power rule."""
    return _scaled(lambda depth: 1 / depth)(ref)


@planted("flow_velocity")
def ascending(ref):
    """Plus the gradient."""
    return _scaled(lambda depth: -1)(ref)


@planted("flow_velocity")
def mean_gradient(ref):
    """Of the mean over examples."""
    return lambda x, y, u, v, depth=2: tuple(
        np.asarray(part) / part.dtype.type(len(y)) for part in ref.flow_velocity(x, y, u, v, depth)
    )


@planted("flow_velocity")
def both_sides_alike(ref):
    """v moves as u does, without its sign."""

    def flow_velocity(*inputs):
        du, dv = ref.flow_velocity(*inputs)
        return du, -dv

    return flow_velocity


@planted("flow_velocity")
def power_not_lowered_by_1(ref):
    """u^D for u^{D-1}."""

    def flow_velocity(x, y, u, v, depth=2):
        _, slope = _parts(x, y, u, v, depth)
        return -(u**depth) * slope, v**depth * slope

    return flow_velocity


@planted("flow_velocity")
def linear_in_the_parameters(ref):
    """u for u^{D-1}: depth 2 at every depth."""

    def flow_velocity(x, y, u, v, depth=2):
        _, slope = _parts(x, y, u, v, depth)
        return -u * slope, v * slope

    return flow_velocity


@planted("flow_velocity")
def inputs_not_multiplied_in(ref):
    """The sum of the residuals instead of X^T residual."""

    def flow_velocity(x, y, u, v, depth=2):
        residual, _ = _parts(x, y, u, v, depth)
        slope = 2 * depth * residual.sum()
        return -(u ** (depth - 1)) * slope, v ** (depth - 1) * slope

    return flow_velocity


@planted("flow_velocity")
def targets_forgotten(ref):
    """The predictions instead of the residuals."""
    return lambda x, y, u, v, depth=2: ref.flow_velocity(x, np.zeros_like(y), u, v, depth)


@planted("flow_velocity")
def magnitudes_in_the_power(ref):
    """|u|^{D-1}: wrong for negative parameters at even depths."""

    def flow_velocity(x, y, u, v, depth=2):
        _, slope = _parts(x, y, u, v, depth)
        return -(np.abs(u) ** (depth - 1)) * slope, np.abs(v) ** (depth - 1) * slope

    return flow_velocity


# --- invariant -------------------------------------------------------------------------------------------------------------
@planted("conserved")
def always_the_product(ref):
    """u v at every depth."""
    return lambda u, v, depth=2: u * v


@planted("conserved")
def difference_of_squares(ref):
    """u^2 - v^2, the invariant of a product u v of layers."""
    return lambda u, v, depth=2: u**2 - v**2


@planted("conserved")
def positive_powers(ref):
    """u^{D-2} + v^{D-2}."""
    return lambda u, v, depth=2: u * v if depth == 2 else u ** (depth - 2) + v ** (depth - 2)


@planted("conserved")
def difference_of_inverse_powers(ref):
    """u^{2-D} - v^{2-D}, which is the dual value."""
    return lambda u, v, depth=2: u * v if depth == 2 else u ** (2 - depth) - v ** (2 - depth)


@planted("conserved")
def mean_of_inverse_powers(ref):
    """Half of it."""
    return lambda u, v, depth=2: u * v if depth == 2 else ref.conserved(u, v, depth) / u.dtype.type(2)


@planted("conserved")
def power_of_the_predictor(ref):
    """u^{-D} + v^{-D}."""
    return lambda u, v, depth=2: u * v if depth == 2 else u ** (-depth) + v ** (-depth)


# --- tangent kernel --------------------------------------------------------------------------------------------------------
def _kernel_of(x, weights):
    return (x * weights) @ x.T


@planted("tangent_kernel")
def kernel_of_u_alone(ref):
    """Without the gradients in v."""
    return lambda x, u, v, depth=2: ref.tangent_kernel(x, u, np.zeros_like(v), depth)


@planted("tangent_kernel")
def depth_not_squared(ref):
    """D for D^2."""
    return lambda x, u, v, depth=2: ref.tangent_kernel(x, u, v, depth) / x.dtype.type(depth)


@planted("tangent_kernel")
def power_not_squared(ref):
    """u^{D-1} for u^{2D-2}."""
    return lambda x, u, v, depth=2: _kernel_of(x, depth**2 * (np.abs(u) ** (depth - 1) + np.abs(v) ** (depth - 1)))


@planted("tangent_kernel")
def square_of_the_difference(ref):
    """(u^{D-1} - v^{D-1})^2: the gradients in u and v are added before they are squared."""
    return lambda x, u, v, depth=2: _kernel_of(x, depth**2 * (u ** (depth - 1) - v ** (depth - 1)) ** 2)


@planted("tangent_kernel")
def kernel_of_features(ref):
    """X^T diag X instead of X diag X^T, cut to the examples."""

    def tangent_kernel(x, u, v, depth=2):
        weights = depth * np.hypot(u ** (depth - 1), v ** (depth - 1))
        whole = (x * weights).T @ (x * weights)
        n = len(x)
        return np.resize(whole, (n, n)).astype(x.dtype)

    return tangent_kernel


@planted("tangent_kernel")
def kernel_in_the_residuals(ref):
    """Twice the kernel: by how much residuals move, of a loss with the 2 in front."""
    return lambda x, u, v, depth=2: 2 * ref.tangent_kernel(x, u, v, depth)


@planted("tangent_kernel")
def kernel_of_two_layers(ref):
    """The depth is not read."""
    return lambda x, u, v, depth=2: ref.tangent_kernel(x, u, v, 2)


@planted("tangent_kernel")
def sign_of_the_second_side(ref):
    """The gradients in v are subtracted."""
    return lambda x, u, v, depth=2: _kernel_of(x, depth**2 * (u ** (2 * depth - 2) - v ** (2 * depth - 2)))


# --- edge ------------------------------------------------------------------------------------------------------------------
@planted("stability_edge")
def edge_of_half_the_loss(ref):
    """2 / lambda_max, the edge of a loss with 1/2."""
    return lambda *inputs: 2 * ref.stability_edge(*inputs)


@planted("stability_edge")
def smallest_eigenvalue(ref):
    """1 over the smallest non-zero eigenvalue."""

    def stability_edge(x, u, v, depth=2):
        values = np.linalg.eigvalsh(ref.tangent_kernel(x, u, v, depth).astype(float))
        return float(1 / values[values > 1e-6 * values[-1]][0])

    return stability_edge


@planted("stability_edge")
def by_the_trace(ref):
    """1 / trace, which is too small for more than one example."""
    return lambda *inputs: float(1 / np.trace(ref.tangent_kernel(*inputs)))


@planted("stability_edge")
def by_the_largest_entry(ref):
    """1 / the largest entry of the kernel."""
    return lambda *inputs: float(1 / np.abs(ref.tangent_kernel(*inputs)).max())


@planted("stability_edge")
def edge_of_the_inputs(ref):
    """Of X X^T alone, without the parameters."""
    return lambda x, u, v, depth=2: float(1 / np.linalg.eigvalsh((x @ x.T).astype(float))[-1])


@planted("stability_edge")
def eigenvalue_for_its_inverse(ref):
    """lambda_max."""
    return lambda *inputs: 1 / ref.stability_edge(*inputs)
