"""Planted bugs of gradient descent on diagonal nets."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minidl.laws.core import planted


class Path(NamedTuple):
    u: np.ndarray
    v: np.ndarray
    loss: np.ndarray


def _velocity(x, y, u, v, depth):
    slope = 2 * depth * ((x @ (u**depth - v**depth) - y) @ x)
    return -(u ** (depth - 1)) * slope, v ** (depth - 1) * slope


def _together(x, y, u, v, step, depth):
    du, dv = _velocity(x, y, u, v, depth)
    return u + step * du, v + step * dv


def _descent(move, *, loss_before=False, count=lambda steps: steps):
    """Descent by another step. loss_before: the loss of a row is that before its last step."""

    def gradient_descent(x, y, u, v, times, step_size, depth=2):
        width = np.result_type(x, y, u, v)
        step_size, rows, done = width.type(step_size), [], 0
        value = _loss(x, y, u, v, depth)
        for time in times:
            for _ in range(count(int(time)) - count(done)):
                value = _loss(x, y, u, v, depth)
                u, v = move(x, y, u, v, step_size, depth)
            if not loss_before:
                value = _loss(x, y, u, v, depth)
            rows.append((u, v, value))
            done = int(time)
        return Path(*(np.array([row[k] for row in rows]).astype(width) for k in range(3)))

    return gradient_descent


def _loss(x, y, u, v, depth):
    return np.sum((x @ (u**depth - v**depth) - y) ** 2)


@planted("gradient_descent")
def one_after_the_other(ref):
    """v moves by the gradient at the new u."""

    def move(x, y, u, v, step, depth):
        u = u + step * _velocity(x, y, u, v, depth)[0]
        return u, v + step * _velocity(x, y, u, v, depth)[1]

    return _descent(move)


@planted("gradient_descent")
def loss_before_the_step(ref):
    """The loss of a row is that before its last step."""
    return _descent(_together, loss_before=True)


@planted("gradient_descent")
def step_too_many(ref):
    """A row is recorded one step late."""
    return _descent(_together, count=lambda steps: steps + 1 if steps else 0)


@planted("gradient_descent")
def step_too_few(ref):
    """A row is recorded one step early."""
    return _descent(_together, count=lambda steps: max(0, steps - 1))


@planted("gradient_descent")
def times_taken_for_gaps(ref):
    """times are taken for the numbers of steps since the row before."""
    return lambda x, y, u, v, times, *rest: ref.gradient_descent(
        x, y, u, v, np.cumsum(times) + np.arange(len(times)), *rest
    )


@planted("gradient_descent")
def uphill(ref):
    """Plus the gradient."""
    return _descent(lambda x, y, u, v, step, depth=2: _together(x, y, u, v, -step, depth))


@planted("gradient_descent")
def step_of_half_the_loss(ref):
    """The gradient of a loss with 1/2 in front."""
    return _descent(lambda x, y, u, v, step, depth=2: _together(x, y, u, v, step / 2, depth))


@planted("gradient_descent")
def step_of_the_mean(ref):
    """The gradient of the mean over examples."""
    return _descent(lambda x, y, u, v, step, depth=2: _together(x, y, u, v, step / step.dtype.type(len(y)), depth))


@planted("gradient_descent")
def sides_move_alike(ref):
    """v moves as u does."""

    def move(x, y, u, v, step, depth):
        du, dv = _velocity(x, y, u, v, depth)
        return u + step * du, v - step * dv

    return _descent(move)


@planted("gradient_descent")
def squares_at_every_depth(ref):
    """u^2 - v^2 whatever the depth."""
    return _descent(lambda x, y, u, v, step, depth=2: _together(x, y, u, v, step, 2))


@planted("gradient_descent")
def kept_positive(ref):
    """Parameters are cut off at 0."""

    def move(x, y, u, v, step, depth):
        return tuple(np.maximum(part, 0) for part in _together(x, y, u, v, step, depth))

    return _descent(move)


@planted("gradient_descent")
def multiplicative(ref):
    """The exponentiated step that has the same flow at depth 2: u exp(step du / u)."""

    def move(x, y, u, v, step, depth):
        du, dv = _velocity(x, y, u, v, depth)
        return u * np.exp(step * du / u), v * np.exp(step * dv / v)

    return _descent(move)


@planted("gradient_descent")
def decaying_steps(ref):
    """The step shrinks within each stretch between recorded rows, so that records change the run."""

    def gradient_descent(x, y, u, v, times, step_size, depth=2):
        rows, done = [], 0
        for time in times:
            for k in range(int(time) - done):
                u, v = _together(x, y, u, v, (step_size / np.sqrt(1 + k / 100)).astype(np.result_type(x, u)), depth)
            done = int(time)
            rows.append((u, v, _loss(x, y, u, v, depth)))
        return Path(*(np.array([row[k] for row in rows]) for k in range(3)))

    return gradient_descent


@planted("gradient_descent")
def in_single_precision(ref):
    """Everything in float32."""

    def gradient_descent(x, y, u, v, *rest):
        narrow = ref.gradient_descent(*(np.asarray(part, np.float32) for part in (x, y, u, v)), *rest)
        return Path(*(np.asarray(part, np.result_type(x, y, u, v)) for part in narrow))

    return gradient_descent
