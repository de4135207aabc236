"""Planted bugs of conditional probabilities, of samples and of Gibbs steps."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted
from minidl.laws.mclv_rbm.planted_energies import sigmoid


def _float(states, W):
    return np.asarray(states, W.dtype)


def _on(u, p):
    return (u < p).astype(p.dtype)


# --- probabilities -----------------------------------------------------------------------------------------------------
@planted("hidden_probability")
def sigmoid_of_minus(ref):
    """The sigmoid's sign: 1 / (1 + e^x), the probability of being off."""
    return lambda v, W, a: ref.hidden_probability(v, -W, -a)


@planted("hidden_probability")
def hidden_bias_twice(ref):
    """The hidden bias is added twice."""
    return lambda v, W, a: ref.hidden_probability(v, W, 2 * a)


@planted("hidden_probability")
def hidden_bias_missing(ref):
    """The hidden bias is missing."""
    return lambda v, W, a: ref.hidden_probability(v, W, 0 * a)


@planted("hidden_probability")
def hidden_side_transposed(ref):
    """v W^T, where there are as many visible as hidden units."""
    return lambda v, W, a: ref.hidden_probability(v, W.T, a)


@planted("hidden_probability")
def tanh_for_sigmoid(ref):
    """tanh, the mean of a spin of -1 and 1."""
    return lambda v, W, a: np.tanh(_float(v, W) @ W + a)


@planted("hidden_probability")
def softmax_over_units(ref):
    """A softmax over the hidden units, as if one of them were on."""

    def hidden_probability(v, W, a):
        x = _float(v, W) @ W + a
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    return hidden_probability


@planted("hidden_probability")
def clipped_sigmoid(ref):
    """Inputs are clipped to [-10, 10] against overflow, which keeps probabilities away from 0 and 1."""
    return lambda v, W, a: sigmoid(np.clip(_float(v, W) @ W + a, -10, 10)).astype(W.dtype)


@planted("hidden_probability")
def naive_sigmoid(ref):
    """e^x / (1 + e^x), which is not a number where e^x overflows."""

    def hidden_probability(v, W, a):
        with np.errstate(all="ignore"):
            e = np.exp(_float(v, W) @ W + a)
            return e / (1 + e)

    return hidden_probability


@planted("visible_probability")
def visible_sigmoid_of_minus(ref):
    """The sigmoid's sign."""
    return lambda h, W, b: ref.visible_probability(h, -W, -b)


@planted("visible_probability")
def visible_side_not_transposed(ref):
    """h W instead of h W^T, where there are as many visible as hidden units."""
    return lambda h, W, b: ref.visible_probability(h, W.T, b)


@planted("visible_probability")
def visible_bias_missing(ref):
    """The visible bias is missing."""
    return lambda h, W, b: ref.visible_probability(h, W, 0 * b)


@planted("visible_probability")
def gaussian_visible_units(ref):
    """The mean of Gaussian visible units: the input itself, without a sigmoid."""
    return lambda h, W, b: _float(h, W) @ W.T + b


# --- samples -----------------------------------------------------------------------------------------------------------
@planted("sample_hidden")
def on_above(ref):
    """On where u > p: the probability is 1 - p."""
    return lambda v, W, a, u: (u > ref.hidden_probability(v, W, a)).astype(W.dtype)


@planted("sample_hidden")
def on_below_the_complement(ref):
    """On where u <= 1 - p."""
    return lambda v, W, a, u: (u <= 1 - ref.hidden_probability(v, W, a)).astype(W.dtype)


@planted("sample_hidden")
def on_at_the_top(ref):
    """On where u > 1 - p: the right probability, but other states from the same noise, so that coupled chains part."""
    return lambda v, W, a, u: (u > 1 - ref.hidden_probability(v, W, a)).astype(W.dtype)


@planted("sample_hidden")
def on_at_equality(ref):
    """On where u <= p."""
    return lambda v, W, a, u: (u <= ref.hidden_probability(v, W, a)).astype(W.dtype)


@planted("sample_hidden")
def rounded_hidden_probability(ref):
    """On where p > 1/2: no sampling."""
    return lambda v, W, a, u: (ref.hidden_probability(v, W, a) > 0.5).astype(W.dtype)


@planted("sample_hidden")
def one_number_for_a_row(ref):
    """All units of a row are decided by its first uniform number, which makes them dependent."""
    return lambda v, W, a, u: ref.sample_hidden(v, W, a, np.broadcast_to(u[..., :1], u.shape))


@planted("sample_hidden")
def probability_for_a_sample(ref):
    """The probability is returned instead of a sample."""
    return lambda v, W, a, u: ref.hidden_probability(v, W, a)


@planted("sample_visible")
def visible_on_above(ref):
    """On where u > p: the probability is 1 - p."""
    return lambda h, W, b, u: (u > ref.visible_probability(h, W, b)).astype(W.dtype)


@planted("sample_visible")
def visible_on_at_equality(ref):
    """On where u <= p."""
    return lambda h, W, b, u: (u <= ref.visible_probability(h, W, b)).astype(W.dtype)


@planted("sample_visible")
def visible_probability_for_a_sample(ref):
    """The probability is returned instead of a sample."""
    return lambda h, W, b, u: ref.visible_probability(h, W, b)


@planted("sample_visible")
def weights_transposed_in_the_sample(ref):
    """h W instead of h W^T, where there are as many visible as hidden units."""
    return lambda h, W, b, u: ref.sample_visible(h, W.T, b, u)


# --- a step of the hidden chain ----------------------------------------------------------------------------------------
def _step(ref, h, W, b, a, u_v, u_h, *, visible=None, hidden=None):
    """A Gibbs step with another way to make v of its probability, or h of its."""
    q = ref.visible_probability(h, W, b)
    v = (visible or _on)(u_v, q)
    p = sigmoid(v @ W + a)
    return v, p, (hidden or _on)(u_h, p)


@planted("gibbs_step")
def mean_field_visible(ref):
    """The mean of v is passed on instead of a sample, which changes the chain's stationary law."""
    return lambda h, W, b, a, u_v, u_h: _step(ref, h, W, b, a, u_v, u_h, visible=lambda u, p: p)


@planted("gibbs_step")
def mean_passed_on_unseen(ref):
    """A sample of v is returned, but the hidden layer is computed from its mean."""

    def gibbs_step(h, W, b, a, u_v, u_h):
        q = ref.visible_probability(h, W, b)
        p = sigmoid(q @ W + a)
        return _on(u_v, q), p, _on(u_h, p)

    return gibbs_step


@planted("gibbs_step")
def hidden_mean_returned(ref):
    """The hidden probability is returned as the next state."""
    return lambda h, W, b, a, u_v, u_h: _step(ref, h, W, b, a, u_v, u_h, hidden=lambda u, p: p)


@planted("gibbs_step")
def both_on_above(ref):
    """On where u > p, in both layers."""

    def on(u, p):
        return (u > p).astype(p.dtype)

    return lambda h, W, b, a, u_v, u_h: _step(ref, h, W, b, a, u_v, u_h, visible=on, hidden=on)


@planted("gibbs_step")
def noise_used_twice(ref):
    """The hidden layer reuses the visible layer's noise as far as it goes."""

    def gibbs_step(h, W, b, a, u_v, u_h):
        n = min(W.shape)
        u = np.array(u_h)
        u[..., :n] = u_v[..., :n]
        return ref.gibbs_step(h, W, b, a, u_v, u)

    return gibbs_step


@planted("gibbs_step")
def biases_exchanged_in_the_step(ref):
    """Visible and hidden biases are exchanged, where there are as many."""
    return lambda h, W, b, a, u_v, u_h: ref.gibbs_step(h, W, a, b, u_v, u_h)


@planted("gibbs_step")
def hidden_bias_forgotten_in_the_step(ref):
    """The hidden bias is missing on the way back."""
    return lambda h, W, b, a, u_v, u_h: ref.gibbs_step(h, W, b, 0 * a, u_v, u_h)


@planted("gibbs_step")
def probability_before_the_step(ref):
    """The hidden probability belongs to the visible mean, not to the sample that is returned."""

    def gibbs_step(h, W, b, a, u_v, u_h):
        v, _, after = ref.gibbs_step(h, W, b, a, u_v, u_h)
        return v, sigmoid(ref.visible_probability(h, W, b) @ W + a), after

    return gibbs_step
