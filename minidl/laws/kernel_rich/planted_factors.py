"""Planted bugs of matrix factorisation at one point, and of its descent."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted
from minidl.laws.kernel_rich.planted_descent import Path


def _slope(a, y, u, v):
    residual = a.reshape(len(a), -1) @ (u @ v.T).ravel() - y
    return 2 * np.tensordot(residual, a, 1)


# --- velocity --------------------------------------------------------------------------------------------------------------
@planted("factor_velocity")
def halved_slope(ref):
    """The gradient of a loss with 1/2 in front."""
    return lambda *inputs: tuple(np.asarray(part) / part.dtype.type(2) for part in ref.factor_velocity(*inputs))


@planted("factor_velocity")
def slope_of_the_mean(ref):
    """The gradient of the mean over measurements."""

    def factor_velocity(a, y, u, v):
        return tuple(np.asarray(part) / part.dtype.type(len(y)) for part in ref.factor_velocity(a, y, u, v))

    return factor_velocity


@planted("factor_velocity")
def uphill_in_the_factors(ref):
    """Plus the gradient."""
    return lambda *inputs: tuple(-np.asarray(part) for part in ref.factor_velocity(*inputs))


@planted("factor_velocity")
def v_uphill(ref):
    """V moves up the gradient."""

    def factor_velocity(*inputs):
        du, dv = ref.factor_velocity(*inputs)
        return du, -np.asarray(dv)

    return factor_velocity


@planted("factor_velocity")
def slope_not_transposed(ref):
    """G in place of its transpose for V, where the shapes fit: of symmetric problems right."""

    def factor_velocity(a, y, u, v):
        slope = _slope(a, y, u, v)
        du, dv = ref.factor_velocity(a, y, u, v)
        return (du, -slope @ u) if slope.shape[0] == slope.shape[1] else (du, dv)

    return factor_velocity


@planted("factor_velocity")
def own_factor(ref):
    """Each factor's velocity is the slope times itself, as for a symmetric factorisation."""

    def factor_velocity(a, y, u, v):
        slope = _slope(a, y, u, v)
        return -slope @ slope.T @ u, -slope.T @ u

    return factor_velocity


@planted("factor_velocity")
def measurements_summed(ref):
    """Residuals are summed before they weigh the measurements."""

    def factor_velocity(a, y, u, v):
        residual = a.reshape(len(a), -1) @ (u @ v.T).ravel() - y
        slope = 2 * residual.sum() * a.sum(axis=0)
        return -slope @ v, -slope.T @ u

    return factor_velocity


@planted("factor_velocity")
def v_from_the_moved_u(ref):
    """V's velocity is taken after a step of U."""

    def factor_velocity(a, y, u, v):
        du, _ = ref.factor_velocity(a, y, u, v)
        return du, np.asarray(ref.factor_velocity(a, y, u + u.dtype.type(0.01) * du, v)[1])

    return factor_velocity


# --- kernel ----------------------------------------------------------------------------------------------------------------
@planted("factor_kernel")
def kernel_of_one_factor(ref):
    """The gradients in U alone."""
    return lambda a, u, v: ref.factor_kernel(a, np.zeros_like(u), v)


@planted("factor_kernel")
def factors_exchanged_in_the_kernel(ref):
    """A U and A^T V, where the shapes fit."""

    def factor_kernel(a, u, v):
        if a.shape[1] != a.shape[2]:
            return ref.factor_kernel(a, u, v)
        return ref.factor_kernel(a, v, u)

    return factor_kernel


@planted("factor_kernel")
def kernel_at_infinite_width(ref):
    """2 mu <A_i, A_j> with mu the mean of the squares: its expectation."""

    def factor_kernel(a, u, v):
        flat = a.reshape(len(a), -1)
        return ((u**2).sum() / len(u) + (v**2).sum() / len(v)).astype(a.dtype) * (flat @ flat.T)

    return factor_kernel


@planted("factor_kernel")
def mean_over_columns(ref):
    """Divided by the width."""
    return lambda a, u, v: ref.factor_kernel(a, u, v) / a.dtype.type(2 * u.shape[1])


@planted("factor_kernel")
def kernel_of_the_predictions(ref):
    """Products of the measurements themselves, <A_i, M> <A_j, M>."""

    def factor_kernel(a, u, v):
        seen = a.reshape(len(a), -1) @ (u @ v.T).ravel()
        return np.outer(seen, seen)

    return factor_kernel


@planted("factor_kernel")
def twice_the_kernel(ref):
    """With the 2 of the loss."""
    return lambda *inputs: 2 * np.asarray(ref.factor_kernel(*inputs))


# --- factors ---------------------------------------------------------------------------------------------------------------
def _times(factor):
    def build(ref):
        def scaled_factors(noise_u, noise_v, mu):
            return tuple(noise * noise.dtype.type(factor(mu, noise_u, noise)) for noise in (noise_u, noise_v))

        return scaled_factors

    return build


@planted("scaled_factors")
def variance_for_the_deviation(ref):
    """Times mu/k, not its root."""
    return _times(lambda mu, u, noise: mu / u.shape[1])(ref)


@planted("scaled_factors")
def width_left_out(ref):
    """Variance mu at every width."""
    return _times(lambda mu, u, noise: np.sqrt(mu))(ref)


@planted("scaled_factors")
def scaled_by_the_rows(ref):
    """Divided by the number of rows in place of the width."""
    return _times(lambda mu, u, noise: np.sqrt(mu / len(noise)))(ref)


@planted("scaled_factors")
def output_of_size_mu(ref):
    """Variance mu / sqrt(k), at which the output has size mu, and the kernel grows with the width."""
    return _times(lambda mu, u, noise: np.sqrt(mu) * u.shape[1] ** -0.25)(ref)


@planted("scaled_factors")
def second_factor_as_drawn(ref):
    """V is not scaled."""
    return lambda noise_u, noise_v, mu: (np.asarray(ref.scaled_factors(noise_u, noise_v, mu)[0]), noise_v.copy())


@planted("scaled_factors")
def kernel_of_size_mu(ref):
    """Variance mu / (2 k), so that the kernel is mu <A_i, A_j>."""
    return _times(lambda mu, u, noise: np.sqrt(mu / 2 / u.shape[1]))(ref)


# --- descent ---------------------------------------------------------------------------------------------------------------
def _descent(ref, move, *, early=0, before=False):
    def factor_descent(a, y, u, v, times, step_size):
        step, rows, done = a.dtype.type(step_size), [], 0
        loss = np.sum((a.reshape(len(a), -1) @ (u @ v.T).ravel() - y) ** 2)
        for time in times:
            for _ in range(max(0, int(time) - early) - done):
                if before:
                    loss = np.sum((a.reshape(len(a), -1) @ (u @ v.T).ravel() - y) ** 2)
                u, v = move(a, y, u, v, step)
            done = max(0, int(time) - early)
            if not before:
                loss = np.sum((a.reshape(len(a), -1) @ (u @ v.T).ravel() - y) ** 2)
            rows.append((u, v, loss))
        return Path(*(np.array([row[k] for row in rows]).astype(a.dtype) for k in range(3)))

    return factor_descent


def _together(ref, factor=1.0):
    def move(a, y, u, v, step):
        du, dv = ref.factor_velocity(a, y, u, v)
        return u + step * a.dtype.type(factor) * du, v + step * a.dtype.type(factor) * dv

    return move


@planted("factor_descent")
def alternating(ref):
    """V moves by the gradient at the new U."""

    def move(a, y, u, v, step):
        u = u + step * np.asarray(ref.factor_velocity(a, y, u, v)[0])
        return u, v + step * np.asarray(ref.factor_velocity(a, y, u, v)[1])

    return _descent(ref, move)


@planted("factor_descent")
def half_as_fast(ref):
    """The gradient of a loss with 1/2 in front."""
    return _descent(ref, _together(ref, 0.5))


@planted("factor_descent")
def away_from_the_targets(ref):
    """Plus the gradient."""
    return _descent(ref, _together(ref, -1.0))


@planted("factor_descent")
def recorded_a_step_early(ref):
    """Rows are those of a step before."""
    return _descent(ref, _together(ref), early=1)


@planted("factor_descent")
def loss_of_the_row_before(ref):
    """The loss of a row is that before its last step."""
    return _descent(ref, _together(ref), before=True)


@planted("factor_descent")
def only_u_moves(ref):
    """V stays where it is."""

    def move(a, y, u, v, step):
        return u + step * np.asarray(ref.factor_velocity(a, y, u, v)[0]), v

    return _descent(ref, move)


@planted("factor_descent")
def rebalanced(ref):
    """After each step the columns of U and V are given the same length."""

    def move(a, y, u, v, step):
        u, v = _together(ref)(a, y, u, v, step)
        ratio = np.sqrt(np.linalg.norm(v, axis=0) / np.linalg.norm(u, axis=0)).astype(a.dtype)
        return u * ratio, v / ratio

    return _descent(ref, move)


@planted("factor_descent")
def scaled_by_the_width(ref):
    """The step is divided by the width."""

    def move(a, y, u, v, step):
        return _together(ref, 1 / (1 + u.shape[1]))(a, y, u, v, step)

    return _descent(ref, move)
