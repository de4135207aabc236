"""Planted bugs of gradient descent with momentum, RMSprop and Adagrad.

Each method is written once with its formulas as arguments, and a bug replaces one of them.
"""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted
from minidl.laws.optimizer_cases import trajectory_of


# --- gradient descent --------------------------------------------------------------------------------------------------
def descend(
    *,
    penalty=lambda g, w, decay, lr: g + decay * w,
    first=lambda g, mu, tau: g,
    later=lambda buffer, g, mu, tau: mu * buffer + (1 - tau) * g,
    nesterov_direction=lambda g, buffer, old, mu: g + mu * buffer,
    shrink=lambda w, decay, lr: w,
):
    """Gradient descent, with some of its formulas replaced."""

    def step(w, g, lr, t, memory, mu, tau, nesterov, decay):
        g = penalty(g, w, decay, lr)
        if mu:
            old = memory.get("buffer", 0 * g)
            buffer = memory["buffer"] = first(g, mu, tau) if t == 1 else later(old, g, mu, tau)
            g = nesterov_direction(g, buffer, old, mu) if nesterov else buffer
        return shrink(w, decay, lr) - lr * g

    return trajectory_of(step)


@planted("sgd")
def dampened_from_the_start(ref):
    """Dampening falls on the first buffer too, as if it started from zero; torch starts from the gradient itself."""
    return descend(first=lambda g, mu, tau: (1 - tau) * g)


@planted("sgd")
def averaging_momentum(ref):
    """The buffer is a moving average, mu b + (1 - mu) g: at momentum 0.9 the steps are ten times too small."""
    return descend(first=lambda g, mu, tau: (1 - mu) * g, later=lambda buffer, g, mu, tau: mu * buffer + (1 - mu) * g)


@planted("sgd")
def dampening_over_everything(ref):
    """Dampening scales the whole buffer instead of the new gradient."""
    return descend(later=lambda buffer, g, mu, tau: (1 - tau) * (mu * buffer + g))


@planted("sgd")
def nesterov_with_the_old_buffer(ref):
    """Nesterov adds the buffer from before the step, which gives plain momentum again."""
    return descend(nesterov_direction=lambda g, buffer, old, mu: g + mu * old)


@planted("sgd")
def nesterov_without_the_gradient(ref):
    """Nesterov moves along mu times the buffer alone."""
    return descend(nesterov_direction=lambda g, buffer, old, mu: mu * buffer)


@planted("sgd")
def rate_inside_the_buffer(ref):
    """The learning rate is multiplied into the buffer, as Keras does: a schedule then acts late."""

    def step(w, g, lr, t, memory, mu, tau, nesterov, decay):
        g = g + decay * w
        velocity = memory["velocity"] = lr * (g if t == 1 else (1 - tau) * g) + mu * memory.get("velocity", 0 * g)
        return w - (lr * g + mu * velocity if nesterov else velocity)

    return trajectory_of(step)


@planted("sgd")
def decay_beside_the_buffer(ref):
    """Decay is decoupled, w shrinks by lr lambda, and never enters the buffer."""
    return descend(penalty=lambda g, w, decay, lr: g, shrink=lambda w, decay, lr: w * (1 - lr * decay))


@planted("sgd")
def decay_times_the_rate_twice(ref):
    """Decay is multiplied by the learning rate before it joins the gradient, and once more in the step."""
    return descend(penalty=lambda g, w, decay, lr: g + lr * decay * w)


@planted("sgd")
def decay_that_grows(ref):
    """Decay with the wrong sign pushes the weights away from zero."""
    return descend(penalty=lambda g, w, decay, lr: g - decay * w)


@planted("sgd")
def decay_without_any_rate(ref):
    """Decay shrinks the weights by lambda itself, whatever the learning rate."""
    return descend(penalty=lambda g, w, decay, lr: g, shrink=lambda w, decay, lr: w * (1 - decay))


@planted("sgd")
def clipped_gradients(ref):
    """Gradients of norm above 1 are shortened to it, unasked."""

    def trajectory(w, gradients, lr, *numbers):
        norms = np.linalg.norm(gradients, axis=1, keepdims=True)
        return ref.sgd(w, gradients / np.maximum(norms, 1), lr, *numbers)

    return trajectory


@planted("sgd")
def buffer_follows_the_rate(ref):
    """The buffer is rescaled by the ratio of learning rates when a schedule changes them."""

    def step(w, g, lr, t, memory, mu, tau, nesterov, decay):
        g = g + decay * w
        if mu:
            ratio = lr / memory["lr"] if t > 1 and memory["lr"] else 1.0
            buffer = g if t == 1 else ratio * mu * memory["buffer"] + (1 - tau) * g
            memory.update(buffer=buffer, lr=lr)
            g = g + mu * buffer if nesterov else buffer
        return w - lr * g

    return trajectory_of(step)


@planted("sgd")
def one_rate_for_all_steps(ref):
    """The learning rate is read once, at the start."""
    return lambda w, gradients, lr, *numbers: ref.sgd(w, gradients, np.full_like(lr, lr[0]), *numbers)


@planted("sgd")
def the_last_row_everywhere(ref):
    """The parameters are updated in place, and every row of the trajectory is the same array."""
    return lambda *inputs: np.tile(ref.sgd(*inputs)[-1], (len(inputs[1]), 1))


# --- RMSprop -----------------------------------------------------------------------------------------------------------
def rms(
    *,
    penalty=lambda g, w, decay: g + decay * w,
    square=lambda v, g, alpha, t: alpha * v + (1 - alpha) * g * g,
    variance=lambda v, mean: v - mean * mean,
    root=lambda v, eps, alpha, t: np.sqrt(np.maximum(v, 0)) + eps,
    momentum=lambda buffer, move, mu, lr: mu * buffer + move,
    shrink=lambda w, decay, lr: w,
):
    """RMSprop, with some of its formulas replaced."""

    def step(w, g, lr, t, memory, alpha, eps, mu, centered, decay):
        g = penalty(g, w, decay)
        v = memory["v"] = square(memory.get("v", 0 * g), g, alpha, t)
        mean = memory["mean"] = alpha * memory.get("mean", 0 * g) + (1 - alpha) * g
        move = g / root(variance(v, mean) if centered else v, eps, alpha, t)
        if mu:
            move = memory["buffer"] = momentum(memory.get("buffer", 0 * g), move, mu, lr)
        return shrink(w, decay, lr) - lr * move

    return trajectory_of(step)


@planted("rmsprop")
def rms_eps_in_the_root(ref):
    """eps is added under the root, as TensorFlow does."""
    return rms(root=lambda v, eps, alpha, t: np.sqrt(v + eps))


@planted("rmsprop")
def rms_root_forgotten(ref):
    """The gradient is divided by the mean square itself."""
    return rms(root=lambda v, eps, alpha, t: np.maximum(v, 0) + eps)


@planted("rmsprop")
def rms_bias_corrected(ref):
    """The mean square is bias-corrected, as in Adam."""
    return rms(root=lambda v, eps, alpha, t: np.sqrt(np.maximum(v, 0) / (1 - alpha**t)) + eps)


@planted("rmsprop")
def rms_starts_from_the_first_square(ref):
    """The mean square starts from the first squared gradient instead of from zero."""
    return rms(square=lambda v, g, alpha, t: g * g if t == 1 else alpha * v + (1 - alpha) * g * g)


@planted("rmsprop")
def rms_weights_swapped(ref):
    """alpha weighs the new square, and 1 - alpha the past."""
    return rms(square=lambda v, g, alpha, t: (1 - alpha) * v + alpha * g * g)


@planted("rmsprop")
def rms_sums_squares(ref):
    """The new square is not multiplied by 1 - alpha."""
    return rms(square=lambda v, g, alpha, t: alpha * v + g * g)


@planted("rmsprop")
def mean_square_added(ref):
    """Centred, the squared mean is added instead of subtracted."""
    return rms(variance=lambda v, mean: v + mean * mean)


@planted("rmsprop")
def mean_not_squared(ref):
    """Centred, the mean is subtracted without its square."""
    return rms(variance=lambda v, mean: np.maximum(v - np.abs(mean), 0))


@planted("rmsprop")
def centring_ignored(ref):
    """The option `centered` does nothing."""
    return rms(variance=lambda v, mean: v)


@planted("rmsprop")
def momentum_averages_moves(ref):
    """Momentum averages the moves instead of adding them up."""
    return rms(momentum=lambda buffer, move, mu, lr: mu * buffer + (1 - mu) * move)


@planted("rmsprop")
def momentum_on_gradients(ref):
    """Momentum gathers gradients, and today's root divides all of them."""

    def step(w, g, lr, t, memory, alpha, eps, mu, centered, decay):
        g = g + decay * w
        v = memory["v"] = alpha * memory.get("v", 0 * g) + (1 - alpha) * g * g
        mean = memory["mean"] = alpha * memory.get("mean", 0 * g) + (1 - alpha) * g
        buffer = memory["buffer"] = mu * memory.get("buffer", 0 * g) + g
        return w - lr * buffer / (np.sqrt(np.maximum(v - mean * mean, 0) if centered else v) + eps)

    return trajectory_of(step)


@planted("rmsprop")
def rate_inside_the_square(ref):
    """Gradients are multiplied by the learning rate before they are squared, which cancels it while it is constant."""

    def step(w, g, lr, t, memory, alpha, eps, mu, centered, decay):
        g = lr * (g + decay * w)
        v = memory["v"] = alpha * memory.get("v", 0 * g) + (1 - alpha) * g * g
        mean = memory["mean"] = alpha * memory.get("mean", 0 * g) + (1 - alpha) * g
        move = g / (np.sqrt(np.maximum(v - mean * mean, 0) if centered else v) + eps)
        buffer = memory["buffer"] = mu * memory.get("buffer", 0 * g) + move
        return w - buffer

    return trajectory_of(step)


@planted("rmsprop")
def rate_in_the_buffer(ref):
    """Momentum gathers moves already multiplied by their learning rates, so a schedule changes new moves only."""

    def step(w, g, lr, t, memory, alpha, eps, mu, centered, decay):
        g = g + decay * w
        v = memory["v"] = alpha * memory.get("v", 0 * g) + (1 - alpha) * g * g
        mean = memory["mean"] = alpha * memory.get("mean", 0 * g) + (1 - alpha) * g
        move = lr * g / (np.sqrt(np.maximum(v - mean * mean, 0) if centered else v) + eps)
        buffer = memory["buffer"] = mu * memory.get("buffer", 0 * g) + move
        return w - buffer

    return trajectory_of(step)


@planted("rmsprop")
def rms_decay_decoupled(ref):
    """Decay is decoupled and misses the mean square."""
    return rms(penalty=lambda g, w, decay: g, shrink=lambda w, decay, lr: w * (1 - lr * decay))


# --- Adagrad -----------------------------------------------------------------------------------------------------------
def accumulate(
    *,
    penalty=lambda g, w, decay: g + decay * w,
    start=lambda initial: initial,
    add=lambda total, g, t: total + g * g,
    slow=lambda lr, t, delta: lr / (1 + (t - 1) * delta),
    root=lambda total, eps, t: np.sqrt(total) + eps,
    shrink=lambda w, decay, lr: w,
):
    """Adagrad, with some of its formulas replaced."""

    def step(w, g, lr, t, memory, delta, initial, eps, decay):
        g = penalty(g, w, decay)
        total = memory["total"] = add(memory.get("total", start(initial) + 0 * g), g, t)
        return shrink(w, decay, lr) - slow(lr, t, delta) * g / root(total, eps, t)

    return trajectory_of(step)


@planted("adagrad")
def adagrad_eps_in_the_root(ref):
    """eps is added under the root."""
    return accumulate(root=lambda total, eps, t: np.sqrt(total + eps))


@planted("adagrad")
def adagrad_root_forgotten(ref):
    """The gradient is divided by the sum of squares itself."""
    return accumulate(root=lambda total, eps, t: total + eps)


@planted("adagrad")
def mean_of_squares(ref):
    """The sum of squares is divided by the number of steps, so that nothing slows down."""
    return accumulate(root=lambda total, eps, t: np.sqrt(total / t) + eps)


@planted("adagrad")
def sum_of_magnitudes(ref):
    """The accumulator adds up |g| instead of its square."""
    return accumulate(add=lambda total, g, t: total + np.abs(g))


@planted("adagrad")
def slowed_one_step_early(ref):
    """lr_decay acts on the first step already."""
    return accumulate(slow=lambda lr, t, delta: lr / (1 + t * delta))


@planted("adagrad")
def slowed_geometrically(ref):
    """lr_decay shrinks the rate by a factor per step."""
    return accumulate(slow=lambda lr, t, delta: lr / (1 + delta) ** (t - 1))


@planted("adagrad")
def start_forgotten(ref):
    """The accumulator starts from 0, whatever its initial value."""
    return accumulate(start=lambda initial: 0.0)


@planted("adagrad")
def start_squared(ref):
    """The initial accumulator is squared, as if it were a gradient."""
    return accumulate(start=lambda initial: initial**2)


@planted("adagrad")
def one_accumulator_for_all(ref):
    """All coordinates share one accumulator, the squared norm of the gradients."""
    return accumulate(add=lambda total, g, t: total + (g * g).sum())


@planted("adagrad")
def adagrad_forgets(ref):
    """The accumulator is a moving average, which forgets."""
    return accumulate(add=lambda total, g, t: 0.9 * total + g * g)


@planted("adagrad")
def accumulated_after_the_step(ref):
    """The step divides by the squares of the gradients before; eps alone stands under the first."""

    def step(w, g, lr, t, memory, delta, initial, eps, decay):
        g = g + decay * w
        total = memory.get("total", initial + 0 * g)
        memory["total"] = total + g * g
        return w - lr / (1 + (t - 1) * delta) * g / (np.sqrt(total) + eps)

    return trajectory_of(step)


@planted("adagrad")
def rate_inside_the_accumulator(ref):
    """The accumulator adds up the squares of the moves lr g instead of those of the gradients."""

    def step(w, g, lr, t, memory, delta, initial, eps, decay):
        g = g + decay * w
        rate = lr / (1 + (t - 1) * delta)
        total = memory["total"] = memory.get("total", initial + 0 * g) + (rate * g) ** 2
        return w - rate * g / (np.sqrt(total) + eps)

    return trajectory_of(step)


@planted("adagrad")
def adagrad_decay_decoupled(ref):
    """Decay is decoupled and misses the accumulator."""
    return accumulate(penalty=lambda g, w, decay: g, shrink=lambda w, decay, lr: w * (1 - lr * decay))
