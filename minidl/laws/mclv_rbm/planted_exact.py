"""Planted bugs of exact results: partition function, distributions, moments, likelihood, gradient, kernel."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted
from minidl.laws.mclv_rbm.planted_energies import sigmoid, softplus


def _states(n):
    return (np.arange(1 << n)[:, None] >> np.arange(n) & 1).astype(np.float64)


def _wide(W, b, a):
    return (np.asarray(part, np.float64) for part in (W, b, a))


def _log_sum(x):
    return float(x.max() + np.log(np.exp(x - x.max()).sum()))


# --- states ------------------------------------------------------------------------------------------------------------
@planted("all_states")
def highest_unit_first(ref):
    """Unit 0 is the highest digit, as in a table written by hand."""
    return lambda n: np.ascontiguousarray(ref.all_states(n)[:, ::-1])


@planted("all_states")
def last_state_missing(ref):
    """The state with all units on is left out."""
    return lambda n: ref.all_states(n)[:-1]


@planted("all_states")
def in_gray_order(ref):
    """Neighbouring rows differ in one unit: a Gray code instead of the numbers in order."""
    return lambda n: ref.all_states(n)[np.arange(1 << n) ^ np.arange(1 << n) >> 1]


@planted("all_states")
def spins_instead_of_bits(ref):
    """States of -1 and 1."""
    return lambda n: 2 * ref.all_states(n) - 1


# --- partition function ------------------------------------------------------------------------------------------------
@planted("log_partition")
def sign_of_the_energy(ref):
    """The sum is over e^E instead of e^-E."""
    return lambda W, b, a: ref.log_partition(-W, -b, -a)


@planted("log_partition")
def linear_domain(ref):
    """Products of 1 + e^x are summed as they are, and overflow."""

    def log_partition(W, b, a):
        W, b, a = _wide(W, b, a)
        h = _states(W.shape[1])
        with np.errstate(all="ignore"):
            return float(np.log((np.exp(h @ a) * (1 + np.exp(h @ W.T + b)).prod(axis=1)).sum()))

    return log_partition


@planted("log_partition")
def enumerated_linear_term_missing(ref):
    """The biases of the enumerated layer are missing."""

    def log_partition(W, b, a):
        return ref.log_partition(W, 0 * b, a) if W.shape[0] < W.shape[1] else ref.log_partition(W, b, 0 * a)

    return log_partition


@planted("log_partition")
def all_off_left_out(ref):
    """The enumeration starts at 1, so that the state with all units off is missing."""

    def log_partition(W, b, a):
        W, b, a = _wide(W, b, a)
        h = _states(W.shape[1])[1:]
        return _log_sum(h @ a + softplus(h @ W.T + b).sum(axis=1))

    return log_partition


@planted("log_partition")
def one_layer_alone(ref):
    """Only the enumerated layer's own states are summed, not the other layer's: the units beside it are all off."""

    def log_partition(W, b, a):
        return float(softplus(np.asarray(a, np.float64)).sum())

    return log_partition


@planted("log_partition")
def hidden_sum_counted_by_halves(ref):
    """The factor 2 for a free hidden unit is taken out, as in a sum over its mean."""
    return lambda W, b, a: ref.log_partition(W, b, a) - W.shape[1] * np.log(2)


@planted("log_partition")
def best_state_alone(ref):
    """The largest term stands for the sum."""

    def log_partition(W, b, a):
        W, b, a = _wide(W, b, a)
        h = _states(W.shape[1])
        return float((h @ a + softplus(h @ W.T + b).sum(axis=1)).max())

    return log_partition


@planted("log_partition")
def biases_exchanged_in_z(ref):
    """Visible and hidden biases are exchanged, where there are as many."""
    return lambda W, b, a: ref.log_partition(W, a, b)


# --- distributions and moments -----------------------------------------------------------------------------------------
@planted("hidden_distribution")
def visible_given_as_hidden(ref):
    """The distribution of the other layer."""
    return lambda W, b, a: ref.visible_distribution(W, b, a)


@planted("hidden_distribution")
def digits_reversed(ref):
    """The states are ordered with unit 0 as the highest digit."""

    def hidden_distribution(W, b, a):
        return ref.hidden_distribution(W[:, ::-1], b, a[::-1])

    return hidden_distribution


@planted("hidden_distribution")
def not_normalised(ref):
    """Relative to the most probable state."""

    def hidden_distribution(W, b, a):
        p = ref.hidden_distribution(W, b, a)
        return p / p.max()

    return hidden_distribution


@planted("hidden_distribution")
def hidden_layer_alone(ref):
    """The weights are forgotten: independent hidden units."""
    return lambda W, b, a: ref.hidden_distribution(0 * W, b, a)


@planted("visible_distribution")
def hidden_given_as_visible(ref):
    """The distribution of the other layer."""
    return lambda W, b, a: ref.hidden_distribution(W, b, a)


@planted("visible_distribution")
def visible_digits_reversed(ref):
    """The states are ordered with unit 0 as the highest digit."""
    return lambda W, b, a: ref.visible_distribution(W[::-1], b[::-1], a)


@planted("visible_distribution")
def visible_biases_twice(ref):
    """The visible biases are added twice."""
    return lambda W, b, a: ref.visible_distribution(W, 2 * b, a)


@planted("visible_distribution")
def energies_for_weights(ref):
    """e^F instead of e^-F: the most probable state is the least probable one."""

    def visible_distribution(W, b, a):
        p = 1 / np.maximum(ref.visible_distribution(W, b, a), 1e-300)
        return p / p.sum()

    return visible_distribution


@planted("moments")
def uncorrelated_layers(ref):
    """E[v h^T] is taken for E[v] E[h]^T."""

    def moments(W, b, a):
        found = ref.moments(W, b, a)
        return found._replace(vh=np.outer(found.v, found.h))

    return moments


@planted("moments")
def uniform_weights(ref):
    """All hidden states count alike."""

    def moments(W, b, a):
        W, b, a = _wide(W, b, a)
        h = _states(W.shape[1])
        v = sigmoid(h @ W.T + b)
        return v.T @ h / len(h), v.mean(axis=0), h.mean(axis=0)

    return moments


@planted("moments")
def transposed_correlations(ref):
    """E[h v^T] for E[v h^T], where there are as many visible as hidden units."""

    def moments(W, b, a):
        found = ref.moments(W, b, a)
        return found._replace(vh=found.vh.T.copy())

    return moments


@planted("moments")
def mode_for_mean(ref):
    """The most probable hidden state stands for all."""

    def moments(W, b, a):
        W, b, a = _wide(W, b, a)
        h = _states(W.shape[1])[ref.hidden_distribution(W, b, a).argmax()]
        v = sigmoid(W @ h + b)
        return np.outer(v, h), v, h

    return moments


# --- likelihood --------------------------------------------------------------------------------------------------------
@planted("log_likelihood")
def log_z_added(ref):
    """log Z is added instead of subtracted."""
    return lambda x, W, b, a: ref.log_likelihood(x, W, b, a) + 2 * ref.log_partition(W, b, a)


@planted("log_likelihood")
def unnormalised(ref):
    """log Z is forgotten."""
    return lambda x, W, b, a: ref.log_likelihood(x, W, b, a) + ref.log_partition(W, b, a)


@planted("log_likelihood")
def free_energy_added(ref):
    """The free energy enters with the wrong sign."""

    def log_likelihood(x, W, b, a):
        log_z = ref.log_partition(W, b, a)
        return -(ref.log_likelihood(x, W, b, a) + log_z) - log_z

    return log_likelihood


@planted("log_likelihood")
def mean_of_all_rows(ref):
    """Every row gets the mean over the rows."""

    def log_likelihood(x, W, b, a):
        found = ref.log_likelihood(x, W, b, a)
        return np.full(found.shape, found.mean())

    return log_likelihood


@planted("log_likelihood")
def normalised_over_the_rows(ref):
    """Normalised over the rows that are given instead of over all states."""

    def log_likelihood(x, W, b, a):
        found = ref.log_likelihood(x, W, b, a)
        return found - _log_sum(found)

    return log_likelihood


@planted("log_likelihood_gradient")
def model_minus_data(ref):
    """The sign: model minus data, downhill."""
    return lambda x, W, b, a: tuple(-part for part in ref.log_likelihood_gradient(x, W, b, a))


@planted("log_likelihood_gradient")
def gradient_of_minus_log_z(ref):
    """The gradient of log Z has the wrong sign: data plus model."""

    def log_likelihood_gradient(x, W, b, a):
        return tuple(
            g + 2 * m for g, m in zip(ref.log_likelihood_gradient(x, W, b, a), ref.moments(W, b, a), strict=True)
        )

    return log_likelihood_gradient


@planted("log_likelihood_gradient")
def summed_over_rows(ref):
    """The sum over the rows instead of their mean."""
    return lambda x, W, b, a: tuple(len(x) * part for part in ref.log_likelihood_gradient(x, W, b, a))


@planted("log_likelihood_gradient")
def hidden_bias_twice_in_the_model(ref):
    """The hidden bias enters the negative phase twice."""

    def log_likelihood_gradient(x, W, b, a):
        found = ref.log_likelihood_gradient(x, W, b, a)
        right, wrong = ref.moments(W, b, a), ref.moments(W, b, 2 * a)
        return tuple(g + r - w for g, r, w in zip(found, right, wrong, strict=True))

    return log_likelihood_gradient


@planted("log_likelihood_gradient")
def means_multiplied(ref):
    """The data's part for W is the product of the means of x and of its hidden units, not the mean of the products."""

    def log_likelihood_gradient(x, W, b, a):
        found = ref.log_likelihood_gradient(x, W, b, a)
        x = np.asarray(x, np.float64)
        h = sigmoid(x @ np.asarray(W, np.float64) + a)
        return found._replace(dW=found.dW - x.T @ h / len(x) + np.outer(x.mean(axis=0), h.mean(axis=0)))

    return log_likelihood_gradient


@planted("log_likelihood_gradient")
def bias_gradients_exchanged(ref):
    """The gradients of the two biases are exchanged, where there are as many."""

    def log_likelihood_gradient(x, W, b, a):
        dW, db, da = ref.log_likelihood_gradient(x, W, b, a)
        return dW, da, db

    return log_likelihood_gradient


# --- the kernel --------------------------------------------------------------------------------------------------------
@planted("hidden_kernel")
def kernel_transposed(ref):
    """T(h', h): columns sum to 1."""
    return lambda W, b, a: ref.hidden_kernel(W, b, a).T.copy()


@planted("hidden_kernel")
def kernel_of_the_visible_chain(ref):
    """The kernel of the other layer, where there are as many units."""
    return lambda W, b, a: ref.hidden_kernel(W.T, a, b)


@planted("hidden_kernel")
def mean_field_kernel(ref):
    """The hidden probabilities belong to the mean of v instead of to its samples."""

    def hidden_kernel(W, b, a):
        W, b, a = _wide(W, b, a)
        h = _states(W.shape[1])
        p = sigmoid(sigmoid(h @ W.T + b) @ W + a)[:, None]  # (2^n_H, 1, n_H)
        return np.where(h == 1, p, 1 - p).prod(axis=-1)

    return hidden_kernel


@planted("hidden_kernel")
def two_steps_at_once(ref):
    """Two steps of the chain."""
    return lambda W, b, a: ref.hidden_kernel(W, b, a) @ ref.hidden_kernel(W, b, a)


@planted("hidden_kernel")
def visible_marginal_between(ref):
    """The visible state in between is drawn from the machine, whatever the hidden state was."""

    def hidden_kernel(W, b, a):
        p = ref.hidden_distribution(W, b, a)
        return np.tile(p, (len(p), 1))

    return hidden_kernel
