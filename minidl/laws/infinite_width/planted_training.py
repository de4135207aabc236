"""Planted bugs of training: the beginning, and Adam with a falling rate."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


# --- the beginning -----------------------------------------------------------------------------------------------------
def _begin(scale=lambda k: np.sqrt(2 / (1 + k)), biases=lambda u: 2 * u - 1):
    def build(ref):
        def initial_network(normals, uniforms):
            w, v = scale(normals.shape[1]) * normals
            b = biases(uniforms)
            return w.copy(), b[:-1].copy(), v.copy(), float(b[-1])

        return initial_network

    return build


@planted("initial_network")
def for_the_width_alone(ref):
    """The variance is 2 / k, as He et al. have it for wide layers."""
    return _begin(scale=lambda k: np.sqrt(2 / k))(ref)


@planted("initial_network")
def variance_one_over_the_sum(ref):
    """The variance is 1 / (1 + k)."""
    return _begin(scale=lambda k: np.sqrt(1 / (1 + k)))(ref)


@planted("initial_network")
def variance_as_deviation(ref):
    """The root is forgotten."""
    return _begin(scale=lambda k: 2 / (1 + k))(ref)


@planted("initial_network")
def bound_of_a_uniform_law(ref):
    """sqrt(6 / (1 + k)), which is the bound of Glorot's uniform law."""
    return _begin(scale=lambda k: np.sqrt(6 / (1 + k)))(ref)


@planted("initial_network")
def biases_from_zero(ref):
    """Biases between 0 and 1."""
    return _begin(biases=lambda u: +u)(ref)


@planted("initial_network")
def biases_zero(ref):
    """Biases begin at 0, as usual: all units bend at 0."""
    return _begin(biases=lambda u: 0 * u)(ref)


@planted("initial_network")
def biases_upside_down(ref):
    """1 - 2u: the same law, other numbers."""
    return _begin(biases=lambda u: 1 - 2 * u)(ref)


@planted("initial_network")
def output_bias_first(ref):
    """The output's bias takes the first of the uniforms."""
    return _begin(biases=lambda u: 2 * np.roll(u, -1) - 1)(ref)


@planted("initial_network")
def layers_begin_exchanged(ref):
    """The first row of normals goes to the outgoing weights."""
    return lambda normals, uniforms: ref.initial_network(normals[::-1], uniforms)


# --- training ----------------------------------------------------------------------------------------------------------
def _adam(
    rate=lambda t, steps: (steps - t + 1) / steps,
    betas=(0.9, 0.999),
    step=lambda m, s, beta1, beta2, t: m / (1 - beta1**t) / (np.sqrt(s / (1 - beta2**t)) + 1e-8),
    gradient=lambda ref, x, y, theta, decay: np.hstack(ref.objective_gradient(x, y, *theta, decay)),
    after=lambda theta, rate, decay: theta,
    when=lambda t: t,
):
    """Adam in the manner of textbooks, with one thing wrong."""

    def build(ref):
        def train(x, y, w, b, v, b0, times, steps, step_size, decay):
            theta, k = np.concatenate([w, b, v, [b0]]), len(w)
            m, s, rows = np.zeros(len(theta)), np.zeros(len(theta)), {when(0): theta}
            for t in range(1, int(times[-1]) + 2):
                parts = theta[:k], theta[k : 2 * k], theta[2 * k : -1], theta[-1]
                g = gradient(ref, x, y, parts, decay)
                m = betas[0] * m + (1 - betas[0]) * g
                s = betas[1] * s + (1 - betas[1]) * g * g
                now = step_size * rate(t, steps)
                theta = after(theta - now * step(m, s, *betas, t), now, decay)
                rows[when(t)] = theta
            found = np.array([rows[int(time)] for time in times])
            return found[:, :k].copy(), found[:, k : 2 * k].copy(), found[:, 2 * k : -1].copy(), found[:, -1].copy()

        return train

    return build


@planted("train")
def constant_rate(ref):
    """The rate does not fall."""
    return _adam(rate=lambda t, steps: 1.0)(ref)


@planted("train")
def rate_one_step_ahead(ref):
    """1 - t / T: the last step has the rate 0, and the first one less than its own."""
    return _adam(rate=lambda t, steps: (steps - t) / steps)(ref)


@planted("train")
def rate_falls_to_the_last_record(ref):
    """The rate reaches 0 at the last record instead of the end."""

    def train(x, y, w, b, v, b0, times, steps, step_size, decay):
        return ref.train(x, y, w, b, v, b0, times, max(1, int(times[-1])), step_size, decay)

    return train


@planted("train")
def cosine_rate(ref):
    """The rate falls along a cosine."""
    return _adam(rate=lambda t, steps: (1 + np.cos(np.pi * (t - 1) / steps)) / 2)(ref)


@planted("train")
def no_bias_correction(ref):
    """Moments are not corrected for their beginning at 0."""
    return _adam(step=lambda m, s, beta1, beta2, t: m / (np.sqrt(s) + 1e-8))(ref)


@planted("train")
def epsilon_before_the_correction(ref):
    """1e-8 is added to the root before bias correction: thirty times as much in the first step."""

    def step(m, s, beta1, beta2, t):
        return m / (1 - beta1**t) / ((np.sqrt(s) + 1e-8) / np.sqrt(1 - beta2**t))

    return _adam(step=step)(ref)


@planted("train")
def epsilon_under_the_root(ref):
    """1e-8 is added under the root."""
    return _adam(step=lambda m, s, beta1, beta2, t: m / (1 - beta1**t) / np.sqrt(s / (1 - beta2**t) + 1e-8))(ref)


@planted("train")
def root_forgotten_in_adam(ref):
    """Divided by the second moment itself."""
    return _adam(step=lambda m, s, beta1, beta2, t: m / (1 - beta1**t) / (s / (1 - beta2**t) + 1e-8))(ref)


@planted("train")
def shorter_memory(ref):
    """beta2 is 0.99."""
    return _adam(betas=(0.9, 0.99))(ref)


@planted("train")
def no_momentum(ref):
    """beta1 is 0: RMSprop."""
    return _adam(betas=(0.0, 0.999))(ref)


@planted("train")
def plain_gradient_steps(ref):
    """Gradient descent, as in the authors' code."""
    return _adam(betas=(0.0, 0.0), step=lambda m, s, beta1, beta2, t: m)(ref)


@planted("train")
def decoupled_decay(ref):
    """AdamW: weights shrink beside the step, and the decay is no part of the objective."""

    def gradient(ref, x, y, theta, decay):
        return np.hstack(ref.objective_gradient(x, y, *theta, 0.0))

    def after(theta, rate, decay):
        k = (len(theta) - 1) // 3
        charged = np.concatenate([np.ones(k), np.zeros(k), np.ones(k), [0.0]])
        return theta * (1 - rate * decay * charged)

    return _adam(gradient=gradient, after=after)(ref)


@planted("train")
def everything_decays(ref):
    """The decay is on all parameters, biases as well, as optimizers have it by default."""

    def gradient(ref, x, y, theta, decay):
        return np.hstack(ref.objective_gradient(x, y, *theta, 0.0)) + decay * np.hstack(theta)

    return _adam(gradient=gradient)(ref)


@planted("train")
def decay_forgotten(ref):
    """There is no decay."""

    def train(x, y, w, b, v, b0, times, steps, step_size, decay):
        return ref.train(x, y, w, b, v, b0, times, steps, step_size, 0.0)

    return train


@planted("train")
def output_bias_frozen(ref):
    """The output's bias is not trained."""

    def gradient(ref, x, y, theta, decay):
        return np.append(np.hstack(ref.objective_gradient(x, y, *theta, decay)[:3]), 0.0)

    return _adam(gradient=gradient)(ref)


@planted("train")
def outgoing_weights_see_the_new_ones(ref):
    """The outgoing weights' gradient is taken after the incoming ones have moved along theirs."""

    def gradient(ref, x, y, theta, decay):
        w, b, v, b0 = theta
        g = ref.objective_gradient(x, y, w, b, v, b0, decay)
        later = ref.objective_gradient(x, y, w - 0.125 * np.sign(g.w), b, v, b0, decay)
        return np.hstack([g.w, g.b, later.v, g.b0])

    return _adam(gradient=gradient)(ref)


@planted("train")
def records_one_step_late(ref):
    """A row is recorded before its step: at time t it is that after t - 1 steps."""

    def train(x, y, w, b, v, b0, times, steps, step_size, decay):
        earlier = np.maximum(np.asarray(times) - 1, 0)
        return ref.train(x, y, w, b, v, b0, earlier, steps, step_size, decay)

    return train


@planted("train")
def end_in_every_row(ref):
    """Every row is that of the last time: parameters written into in place."""

    def train(x, y, w, b, v, b0, times, steps, step_size, decay):
        last = np.full(len(times), times[-1])
        return ref.train(x, y, w, b, v, b0, last, steps, step_size, decay)

    return train
