"""Planted bugs of energies and of the two monitors."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def sigmoid(x):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


def like(value, W):
    """A value in the dtype of the weights."""
    return np.asarray(value, W.dtype)[()]


# --- energies of pairs -------------------------------------------------------------------------------------------------
@planted("energy")
def positive_energy(ref):
    """The sign is that of the log-probability: v W h + b v + a h."""
    return lambda v, h, W, b, a: -ref.energy(v, h, W, b, a)


@planted("energy")
def biases_subtracted(ref):
    """The biases enter with the other sign."""
    return lambda v, h, W, b, a: ref.energy(v, h, W, -b, -a)


@planted("energy")
def biases_exchanged(ref):
    """The visible biases are taken for the hidden ones, where there are as many."""
    return lambda v, h, W, b, a: ref.energy(v, h, W, a, b)


@planted("energy")
def weights_transposed(ref):
    """The weights are transposed, where there are as many visible as hidden units."""
    return lambda v, h, W, b, a: ref.energy(v, h, W.T, b, a)


@planted("energy")
def every_pair_twice(ref):
    """The sum over pairs counts each twice, as the symmetric matrix of a Hopfield net would without its 1/2."""
    return lambda v, h, W, b, a: ref.energy(v, h, 2 * W, b, a)


@planted("energy")
def hidden_biases_forgotten(ref):
    """The hidden biases are missing."""
    return lambda v, h, W, b, a: ref.energy(v, h, W, b, 0 * a)


@planted("energy")
def energy_of_all_rows(ref):
    """The biases' part is summed over the rows and spread over them."""

    def energy(v, h, W, b, a):
        whole, plain = ref.energy(v, h, W, b, a), ref.energy(v, h, W, 0 * b, 0 * a)
        return plain + (whole - plain).mean(axis=-1, keepdims=np.ndim(whole) > 0)

    return energy


@planted("energy")
def spins_for_bits(ref):
    """States are taken for spins of -1 and 1."""

    def energy(v, h, W, b, a):
        s, t = (2 * np.asarray(states, W.dtype) - 1 for states in (v, h))
        return -((s @ W) * t).sum(axis=-1) - s @ b - t @ a

    return energy


# --- free energies -----------------------------------------------------------------------------------------------------
@planted("free_energy")
def free_energy_of_the_wrong_sign(ref):
    """The log of the summed weights, without its minus."""
    return lambda v, W, b, a: -ref.free_energy(v, W, b, a)


@planted("free_energy")
def visible_biases_forgotten(ref):
    """The linear term -b v is missing."""
    return lambda v, W, b, a: ref.free_energy(v, W, 0 * b, a)


@planted("free_energy")
def hidden_biases_outside(ref):
    """The hidden biases stand beside the softplus instead of inside."""
    return lambda v, W, b, a: ref.free_energy(v, W, b, 0 * a) - a.sum()


@planted("free_energy")
def relu_for_softplus(ref):
    """max(x, 0) stands for log(1 + e^x): the energy of the best hidden state."""

    def free_energy(v, W, b, a):
        v = np.asarray(v, W.dtype)
        return -v @ b - np.maximum(v @ W + a, 0).sum(axis=-1)

    return free_energy


@planted("free_energy")
def softplus_that_overflows(ref):
    """log(1 + e^x) as it is written, which is infinite from 710 on."""

    def free_energy(v, W, b, a):
        v = np.asarray(v, W.dtype)
        with np.errstate(over="ignore"):
            return -v @ b - np.log(1 + np.exp(v @ W + a)).sum(axis=-1)

    return free_energy


@planted("free_energy")
def negative_bytes(ref):
    """States stay unsigned bytes, whose negative wraps around."""

    def free_energy(v, W, b, a):
        return (-np.asarray(v)) @ b - softplus(v @ W + a).sum(axis=-1)

    return free_energy


@planted("free_energy")
def biases_of_free_energy_exchanged(ref):
    """Visible and hidden biases are exchanged, where there are as many."""
    return lambda v, W, b, a: ref.free_energy(v, W, a, b)


@planted("free_energy")
def mean_over_hidden_units(ref):
    """The softplus terms are averaged over the hidden units instead of summed."""

    def free_energy(v, W, b, a):
        v = np.asarray(v, W.dtype)
        return -v @ b - softplus(v @ W + a).mean(axis=-1)

    return free_energy


@planted("hidden_free_energy")
def weights_not_transposed(ref):
    """h W instead of h W^T, where there are as many visible as hidden units."""
    return lambda h, W, b, a: ref.hidden_free_energy(h, W.T, b, a)


@planted("hidden_free_energy")
def visible_formula(ref):
    """The formula of visible states, as if the layers had the same biases."""
    return lambda h, W, b, a: ref.free_energy(h, W, b, a)


@planted("hidden_free_energy")
def linear_term_subtracted(ref):
    """The linear term enters with the other sign."""
    return lambda h, W, b, a: ref.hidden_free_energy(h, W, b, a) + 2 * (np.asarray(h, W.dtype) @ a)


@planted("hidden_free_energy")
def visible_softplus_overflows(ref):
    """log(1 + e^x) as it is written."""

    def hidden_free_energy(h, W, b, a):
        h = np.asarray(h, W.dtype)
        with np.errstate(over="ignore"):
            return -h @ a - np.log(1 + np.exp(h @ W.T + b)).sum(axis=-1)

    return hidden_free_energy


# --- monitors ----------------------------------------------------------------------------------------------------------
def _flip_gain(x, W, b, a):
    """F(x) - F(x with unit i flipped), (N, n_V)."""
    x = np.asarray(x, W.dtype)
    flip, inputs = 1 - 2 * x, (x @ W + a)[:, None]
    return flip * b + (softplus(inputs + flip[:, :, None] * W) - softplus(inputs)).sum(axis=-1)


@planted("log_pseudo_likelihood")
def flipped_the_wrong_way(ref):
    """The probability of the flipped unit, not of the unit as it is."""
    return lambda x, W, b, a: -softplus(-_flip_gain(x, W, b, a)).sum(axis=1)


@planted("log_pseudo_likelihood")
def first_unit_stands_for_all(ref):
    """One unit is flipped and its log-probability multiplied by their number, as a stochastic proxy does with a random one."""
    return lambda x, W, b, a: like(-softplus(_flip_gain(x, W, b, a))[:, 0] * W.shape[0], W)


@planted("log_pseudo_likelihood")
def averaged_over_units(ref):
    """The mean over units instead of their sum."""
    return lambda x, W, b, a: ref.log_pseudo_likelihood(x, W, b, a) / W.dtype.type(W.shape[0])


@planted("log_pseudo_likelihood")
def probabilities_summed(ref):
    """The log of the summed probabilities instead of the sum of their logs."""
    return lambda x, W, b, a: np.log(sigmoid(-_flip_gain(x, W, b, a)).sum(axis=1))


@planted("reconstruction_error")
def error_summed_over_units(ref):
    """Summed over the units of a row, averaged over rows only."""
    return lambda x, W, b, a: ref.reconstruction_error(x, W, b, a) * W.shape[0]


@planted("reconstruction_error")
def root_of_the_error(ref):
    """The root of the mean square."""
    return lambda x, W, b, a: float(np.sqrt(ref.reconstruction_error(x, W, b, a)))


@planted("reconstruction_error")
def sampled_hidden_layer(ref):
    """The hidden units are rounded to states on the way."""

    def reconstruction_error(x, W, b, a):
        h = (ref.hidden_probability(x, W, a) > 0.5).astype(W.dtype)
        return float(((x - ref.visible_probability(h, W, b)) ** 2).mean())

    return reconstruction_error


@planted("reconstruction_error")
def absolute_error(ref):
    """Absolute instead of squared differences."""

    def reconstruction_error(x, W, b, a):
        back = sigmoid(ref.hidden_probability(x, W, a) @ W.T + b)
        return float(np.abs(x - back).mean())

    return reconstruction_error
