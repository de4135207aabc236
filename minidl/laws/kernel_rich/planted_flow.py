"""Planted bugs of gradient flow and of its limit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minidl.laws.core import planted
from minidl.laws.kernel_rich.planted_descent import Path, _velocity


class Limit(NamedTuple):
    u: np.ndarray
    v: np.ndarray
    beta: np.ndarray
    time: float


# --- flow ------------------------------------------------------------------------------------------------------------------
@planted("gradient_flow")
def time_of_half_the_loss(ref):
    """The flow of a loss with 1/2 in front: half as fast."""
    return lambda x, y, u, v, times, depth=2: ref.gradient_flow(x, y, u, v, times / 2, depth)


@planted("gradient_flow")
def time_of_the_mean_loss(ref):
    """The flow of the mean over examples."""
    return lambda x, y, u, v, times, depth=2: ref.gradient_flow(x, y, u, v, times / len(y), depth)


@planted("gradient_flow")
def euler_steps(ref):
    """Gradient descent in 200 steps between records: off by the step size, and the invariant drifts."""

    def gradient_flow(x, y, u, v, times, depth=2):
        rows, now = [], 0.0
        for time in times:
            step = (time - now) / 200
            for _ in range(200):
                du, dv = _velocity(x, y, u, v, depth)
                u, v = u + step * du, v + step * dv
            now = time
            rows.append((u, v, np.sum((x @ (u**depth - v**depth) - y) ** 2)))
        return Path(*(np.array([row[k] for row in rows]) for k in range(3)))

    return gradient_flow


@planted("gradient_flow")
def six_digits(ref):
    """A solver with a tolerance of 1e-6."""
    return lambda *inputs: ref.gradient_flow(*inputs, rtol=1e-6)


@planted("gradient_flow")
def flow_of_two_layers(ref):
    """The depth is not read."""
    return lambda x, y, u, v, times, depth=2: ref.gradient_flow(x, y, u, v, times, 2)


@planted("gradient_flow")
def times_between_records(ref):
    """times are taken for the times since the record before."""

    def gradient_flow(x, y, u, v, times, depth=2):
        return ref.gradient_flow(x, y, u, v, np.cumsum(times) + 1e-12 * np.arange(len(times)), depth)

    return gradient_flow


@planted("gradient_flow")
def negative_side_still(ref):
    """v does not move: a net u^D - v_0^D."""

    def gradient_flow(x, y, u, v, times, depth=2):
        found = ref.gradient_flow(x, y + x @ v**depth, u, np.full_like(v, 1e-9), times, depth)
        return Path(np.asarray(found[0]), np.tile(v, (len(times), 1)), np.asarray(found[2]))

    return gradient_flow


@planted("gradient_flow")
def loss_halved_in_the_record(ref):
    """Half of the loss is recorded."""

    def gradient_flow(*inputs):
        u, v, loss = ref.gradient_flow(*inputs)
        return Path(u, v, loss / 2)

    return gradient_flow


@planted("gradient_flow")
def sides_recorded_as_one(ref):
    """v is recorded as the u of the same time."""

    def gradient_flow(*inputs):
        u, _, loss = ref.gradient_flow(*inputs)
        return Path(u, np.array(u), loss)

    return gradient_flow


@planted("gradient_flow")
def interpolated_records(ref):
    """Between its steps the solver interpolates linearly: rows at times that are no steps are off."""

    def gradient_flow(x, y, u, v, times, depth=2):
        end = times[-1] or 1.0
        grid = np.linspace(0, end, 60)
        found = ref.gradient_flow(x, y, u, v, grid, depth)
        a, b = (
            np.stack([np.interp(times, grid, column) for column in np.asarray(part).T], axis=1) for part in found[:2]
        )
        return Path(a, b, np.sum(((a**depth - b**depth) @ x.T - y) ** 2, axis=1))

    return gradient_flow


# --- limit -----------------------------------------------------------------------------------------------------------------
@planted("flow_limit")
def stops_by_the_loss(ref):
    """It stops where the loss, not the residual, is 1e-11."""
    return lambda *inputs: ref.flow_limit(*inputs, residual=3e-6)


@planted("flow_limit")
def end_of_descent(ref):
    """Descent with large steps in place of the flow: it ends at another interpolant."""

    def flow_limit(x, y, u, v, depth=2):
        step = 0.2 * ref.stability_edge(x, np.maximum(u, 1), np.maximum(v, 1), depth)
        for _ in range(600):
            du, dv = _velocity(x, y, u, v, depth)
            u, v = u + step * du, v + step * dv
        return Limit(u, v, u**depth - v**depth, 600 * step)

    return flow_limit


@planted("flow_limit")
def flat_start_assumed(ref):
    """It starts from the mean of the given parameters."""

    def flow_limit(x, y, u, v, depth=2):
        mean = np.full_like(u, (u + v).mean() / 2)
        return ref.flow_limit(x, y, mean, mean.copy(), depth)

    return flow_limit


@planted("flow_limit")
def end_of_linear_regression(ref):
    """beta moves by the gradient in beta: the interpolant nearest to the start in L2."""

    def flow_limit(x, y, u, v, depth=2):
        start = u**depth - v**depth
        beta = start + np.linalg.pinv(x) @ (y - x @ start)
        found = ref.flow_limit(x, y, u, v, depth)
        return Limit(found[0], found[1], beta, found[3])

    return flow_limit


@planted("flow_limit")
def limit_of_two_layers(ref):
    """The depth is not read."""
    return lambda x, y, u, v, depth=2: ref.flow_limit(x, y, u, v, 2)


@planted("flow_limit")
def sum_of_the_powers(ref):
    """beta = u^D + v^D of the right parameters."""

    def flow_limit(x, y, u, v, depth=2):
        a, b, _, time = ref.flow_limit(x, y, u, v, depth)
        return Limit(a, b, a**depth + b**depth, time)

    return flow_limit


@planted("flow_limit")
def time_twice_as_long(ref):
    """The time of a loss with 1/2 in front."""

    def flow_limit(*inputs):
        u, v, beta, time = ref.flow_limit(*inputs)
        return Limit(u, v, beta, 2 * time)

    return flow_limit


@planted("flow_limit")
def projected_at_the_end(ref):
    """A loose end is put right by a projection in L2: it fits, but is not where flow ends."""

    def flow_limit(x, y, u, v, depth=2):
        a, b, beta, time = ref.flow_limit(x, y, u, v, depth, residual=1e-3)
        return Limit(a, b, beta + np.linalg.pinv(x) @ (y - x @ beta), time)

    return flow_limit


@planted("flow_limit")
def parameters_made_from_beta(ref):
    """u and v are the positive and negative part of beta, the least parameters that make it."""

    def flow_limit(x, y, u, v, depth=2):
        _, _, beta, time = ref.flow_limit(x, y, u, v, depth)
        return Limit(np.maximum(beta, 0) ** (1 / depth), np.maximum(-beta, 0) ** (1 / depth), beta, time)

    return flow_limit
