"""Planted bugs of contrastive divergence in expectation."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted
from minidl.laws.mclv_rbm.planted_energies import sigmoid, softplus


@planted("expected_cd_statistics")
def a_step_too_many(ref):
    """k + 1 steps."""
    return lambda x, W, b, a, k: ref.expected_cd_statistics(x, W, b, a, k + 1)


@planted("expected_cd_statistics")
def always_one_step(ref):
    """One step for every k."""
    return lambda x, W, b, a, k: ref.expected_cd_statistics(x, W, b, a, 1)


@planted("expected_cd_statistics")
def in_the_limit(ref):
    """The machine's moments: infinitely many steps."""
    return lambda x, W, b, a, k: ref.moments(W, b, a)


@planted("expected_cd_statistics")
def from_the_mean_of_the_data(ref):
    """The mean of the data starts the chain instead of each row."""

    def expected_cd_statistics(x, W, b, a, k):
        parts = []
        mean = np.asarray(x, np.float64).mean(axis=0)
        for row, weight in _rounded(mean):
            if weight > 0:
                parts.append([weight * part for part in ref.expected_cd_statistics(row[None], W, b, a, k)])
        return tuple(sum(part) for part in zip(*parts, strict=True))

    return expected_cd_statistics


def _rounded(mean):
    """All states with their probabilities when units are independent with this mean."""
    for number in range(1 << len(mean)):
        row = np.array([float(number >> i & 1) for i in range(len(mean))])
        yield row, np.where(row == 1, mean, 1 - mean).prod()


@planted("expected_cd_statistics")
def kernel_of_the_wrong_direction(ref):
    """The data's law is multiplied by the transposed kernel."""

    def expected_cd_statistics(x, W, b, a, k):
        W, b, a = (part.astype(np.float64) for part in (W, b, a))
        v, h, x = ref.all_states(W.shape[0]), ref.all_states(W.shape[1]), np.asarray(x, np.int64)
        q = np.bincount((x << np.arange(W.shape[0])).sum(axis=1), minlength=len(v)) / len(x)
        to_h, to_v = _conditional(v @ W + a, h), _conditional(h @ W.T + b, v)
        for _ in range(k):
            q = to_h @ (to_v @ q)
        h_mean = sigmoid(v @ W + a)
        return v.T @ (q[:, None] * h_mean), q @ v, q @ h_mean

    return expected_cd_statistics


def _conditional(inputs, states):
    """p(state | inputs) of independent units. inputs: (N, n), states: (M, n). Returns (N, M)."""
    return np.exp(inputs @ states.T - softplus(inputs).sum(axis=1, keepdims=True))


@planted("expected_cd_gradient")
def expected_downhill(ref):
    """Negative minus positive phase."""
    return lambda *inputs: tuple(-part for part in ref.expected_cd_gradient(*inputs))


@planted("expected_cd_gradient")
def gradient_of_the_likelihood(ref):
    """The exact gradient, which the expectation tends to."""
    return lambda x, W, b, a, k: ref.log_likelihood_gradient(x, W, b, a)


@planted("expected_cd_gradient")
def one_step_fewer_in_expectation(ref):
    """k - 1 steps, none for k = 1."""

    def expected_cd_gradient(x, W, b, a, k):
        if k > 1:
            return ref.expected_cd_gradient(x, W, b, a, k - 1)
        return tuple(np.zeros_like(part) for part in (W, b, a))

    return expected_cd_gradient


@planted("expected_cd_gradient")
def hidden_bias_twice_in_expectation(ref):
    """The hidden bias enters the negative phase twice."""

    def expected_cd_gradient(x, W, b, a, k):
        data, model = ref.positive_statistics(x, W, a), ref.expected_cd_statistics(x, W, b, 2 * a, k)
        return tuple(p - n for p, n in zip(data, model, strict=True))

    return expected_cd_gradient
