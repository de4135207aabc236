"""Planted bugs of the two phases: the data's side, chains from the data and persistent ones, and their expectations."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted
from minidl.laws.mclv_rbm.planted_energies import sigmoid


def _means(v, h):
    return v.T @ h / len(v), v.mean(axis=0), h.mean(axis=0)


def _on(u, p):
    return (u < p).astype(p.dtype)


def _chain(h, W, b, a, u_v, u_h, *, visible=_on, end=lambda v, p, h: (v, p), state=lambda h, start: h):
    """Gibbs chains with another way to go on from v's probability, other ends, or another state to keep."""
    start = h = np.asarray(h, W.dtype)
    for noise_v, noise_h in zip(u_v, u_h, strict=True):
        v = visible(noise_v, sigmoid(h @ W.T + b))
        p = sigmoid(v @ W + a)
        h = _on(noise_h, p)
    return *_means(*end(v, p, h)), state(h, start).copy()


def _first(ref, x, W, a, u_start):
    return ref.sample_hidden(x, W, a, u_start)


# --- the data's side ---------------------------------------------------------------------------------------------------
@planted("positive_statistics")
def sampled_instead_of_averaged(ref):
    """The hidden layer is a state (here the likelier one) instead of its probability."""

    def positive_statistics(x, W, a):
        return _means(np.asarray(x, W.dtype), (ref.hidden_probability(x, W, a) > 0.5).astype(W.dtype))

    return positive_statistics


@planted("positive_statistics")
def summed_over_the_data(ref):
    """Sums over the rows instead of means."""
    return lambda x, W, a: tuple(part * W.dtype.type(len(x)) for part in ref.positive_statistics(x, W, a))


@planted("positive_statistics")
def product_of_the_means(ref):
    """The mean of x times the mean of h, instead of the mean of their products."""

    def positive_statistics(x, W, a):
        _, v, h = ref.positive_statistics(x, W, a)
        return np.outer(v, h), v, h

    return positive_statistics


@planted("positive_statistics")
def hidden_times_visible(ref):
    """h x^T for x h^T, where there are as many visible as hidden units."""

    def positive_statistics(x, W, a):
        vh, v, h = ref.positive_statistics(x, W, a)
        return vh.T.copy(), v, h

    return positive_statistics


@planted("positive_statistics")
def hidden_bias_left_out(ref):
    """The hidden bias is missing."""
    return lambda x, W, a: ref.positive_statistics(x, W, 0 * a)


@planted("positive_statistics")
def data_of_one_row(ref):
    """Only the first row counts."""
    return lambda x, W, a: ref.positive_statistics(x[:1], W, a)


# --- chains from the data ----------------------------------------------------------------------------------------------
@planted("cd_statistics")
def mean_field_chain(ref):
    """The mean of v is passed on instead of a sample: a chain with another stationary law."""
    return lambda x, W, b, a, u_start, u_v, u_h: _chain(
        _first(ref, x, W, a, u_start), W, b, a, u_v, u_h, visible=lambda u, p: p
    )


@planted("cd_statistics")
def hidden_samples_at_the_end(ref):
    """The last hidden sample stands where its probability should: more noise, the same mean."""
    return lambda x, W, b, a, u_start, u_v, u_h: _chain(
        _first(ref, x, W, a, u_start), W, b, a, u_v, u_h, end=lambda v, p, h: (v, h)
    )


@planted("cd_statistics")
def hidden_bias_twice_in_the_chain(ref):
    """The hidden bias is added twice in the negative phase."""
    return lambda x, W, b, a, u_start, u_v, u_h: _chain(_first(ref, x, W, a, u_start), W, b, 2 * a, u_v, u_h)


@planted("cd_statistics")
def start_unsampled(ref):
    """The first hidden layer is the probability, not a sample of it."""
    return lambda x, W, b, a, u_start, u_v, u_h: _chain(ref.hidden_probability(x, W, a), W, b, a, u_v, u_h)


@planted("cd_statistics")
def first_step_alone(ref):
    """Whatever k, only the first step is taken."""
    return lambda x, W, b, a, u_start, u_v, u_h: ref.cd_statistics(x, W, b, a, u_start, u_v[:1], u_h[:1])


@planted("cd_statistics")
def one_step_fewer(ref):
    """The first step is counted as done by the sample from the data."""

    def cd_statistics(x, W, b, a, u_start, u_v, u_h):
        if len(u_v) == 1:
            h = _first(ref, x, W, a, u_start)
            return *ref.positive_statistics(x, W, a), h
        return ref.cd_statistics(x, W, b, a, u_start, u_v[:-1], u_h[:-1])

    return cd_statistics


@planted("cd_statistics")
def same_noise_every_step(ref):
    """Every step uses the first step's noise."""
    return lambda x, W, b, a, u_start, u_v, u_h: ref.cd_statistics(
        x, W, b, a, u_start, np.broadcast_to(u_v[:1], u_v.shape), np.broadcast_to(u_h[:1], u_h.shape)
    )


@planted("cd_statistics")
def visible_probability_at_the_end(ref):
    """The last visible layer is its probability: less noise, another hidden mean."""

    def cd_statistics(x, W, b, a, u_start, u_v, u_h):
        h = _first(ref, x, W, a, u_start)
        for t in range(len(u_v) - 1):
            h = ref.gibbs_step(h, W, b, a, u_v[t], u_h[t])[2]
        return _chain(h, W, b, a, u_v[-1:], u_h[-1:], visible=lambda u, p: p)

    return cd_statistics


@planted("cd_statistics")
def summed_over_the_chains(ref):
    """Sums over the chains instead of means."""

    def cd_statistics(x, W, b, a, u_start, u_v, u_h):
        *parts, state = ref.cd_statistics(x, W, b, a, u_start, u_v, u_h)
        return *(part * W.dtype.type(len(x)) for part in parts), state

    return cd_statistics


@planted("pcd_statistics")
def chains_do_not_move_on(ref):
    """The states that are given back are those that came in: every batch starts over."""
    return lambda h, W, b, a, u_v, u_h: _chain(h, W, b, a, u_v, u_h, state=lambda h, start: start)


@planted("pcd_statistics")
def probabilities_kept(ref):
    """The chain goes on from the hidden probability instead of a sample."""

    def pcd_statistics(h, W, b, a, u_v, u_h):
        *parts, _ = ref.pcd_statistics(h, W, b, a, u_v, u_h)
        for t in range(len(u_v)):
            _, p, h = ref.gibbs_step(h, W, b, a, u_v[t], u_h[t])
        return *parts, p.copy()

    return pcd_statistics


@planted("pcd_statistics")
def persistent_mean_field(ref):
    """The mean of v is passed on instead of a sample."""
    return lambda h, W, b, a, u_v, u_h: _chain(h, W, b, a, u_v, u_h, visible=lambda u, p: p)


@planted("pcd_statistics")
def persistent_hidden_samples(ref):
    """The last hidden sample stands where its probability should."""
    return lambda h, W, b, a, u_v, u_h: _chain(h, W, b, a, u_v, u_h, end=lambda v, p, h: (v, h))


@planted("pcd_statistics")
def persistent_biases_exchanged(ref):
    """Visible and hidden biases are exchanged, where there are as many."""
    return lambda h, W, b, a, u_v, u_h: ref.pcd_statistics(h, W, a, b, u_v, u_h)


# --- gradients ---------------------------------------------------------------------------------------------------------
def _with(function, **changed):
    """The result of a function with some fields computed anew from it and its inputs."""

    def wrong(*inputs):
        right = function(*inputs)
        return right._replace(**{name: change(right, *inputs) for name, change in changed.items()})

    return wrong


@planted("cd_gradient")
def downhill(ref):
    """Negative minus positive phase."""
    return lambda *inputs: tuple(-part for part in ref.cd_gradient(*inputs))


@planted("cd_gradient")
def positive_phase_sampled(ref):
    """The positive phase uses the hidden samples that start the chain, not their probabilities."""

    def cd_gradient(x, W, b, a, u_start, u_v, u_h):
        x = np.asarray(x, W.dtype)
        negative = ref.cd_statistics(x, W, b, a, u_start, u_v, u_h)
        data = _means(x, _first(ref, x, W, a, u_start))
        return tuple(p - n for p, n in zip(data, negative[:3], strict=True))

    return cd_gradient


@planted("cd_gradient")
def hidden_bias_twice_in_the_negative_phase(ref):
    """The hidden bias is taken from the negative phase twice."""

    def da(right, x, W, b, a, *noise):
        return right.da - ref.cd_statistics(x, W, b, a, *noise).h

    return _with(ref.cd_gradient, da=da)


@planted("cd_gradient")
def negative_phase_sampled(ref):
    """The negative phase uses the last hidden samples."""

    def cd_gradient(x, W, b, a, u_start, u_v, u_h):
        data = ref.positive_statistics(x, W, a)
        model = _chain(_first(ref, x, W, a, u_start), W, b, a, u_v, u_h, end=lambda v, p, h: (v, h))
        return tuple(p - n for p, n in zip(data, model[:3], strict=True))

    return cd_gradient


@planted("cd_gradient")
def visible_bias_without_data(ref):
    """The gradient of the visible biases has no positive part."""
    return _with(ref.cd_gradient, db=lambda right, x, W, *rest: right.db - np.asarray(x, W.dtype).mean(axis=0))


@planted("cd_gradient")
def bias_gradients_swapped(ref):
    """The gradients of visible and hidden biases are exchanged, where there are as many."""
    return _with(ref.cd_gradient, db=lambda right, *_: right.da.copy(), da=lambda right, *_: right.db.copy())


@planted("cd_gradient")
def gradient_summed_over_rows(ref):
    """Sums over the rows instead of means: the learning rate grows with the batch."""
    return lambda x, W, *rest: tuple(part * W.dtype.type(len(x)) for part in ref.cd_gradient(x, W, *rest))


@planted("cd_gradient")
def gradient_of_the_transposed_weights(ref):
    """dW is transposed, where there are as many visible as hidden units."""
    return _with(ref.cd_gradient, dW=lambda right, *_: right.dW.T.copy())


@planted("pcd_gradient")
def chains_reset_to_the_data(ref):
    """Every batch starts its chains at the data again: contrastive divergence under another name."""

    def pcd_gradient(x, h, W, b, a, u_v, u_h):
        at = np.resize(np.arange(len(x)), len(h))
        fresh = (ref.hidden_probability(x, W, a)[at] > 0.5).astype(W.dtype)
        return ref.pcd_gradient(x, fresh, W, b, a, u_v, u_h)

    return pcd_gradient


@planted("pcd_gradient")
def old_states_returned(ref):
    """The chains' states are given back as they came."""
    return _with(ref.pcd_gradient, state=lambda right, x, h, W, *rest: np.array(h, W.dtype))


@planted("pcd_gradient")
def persistent_downhill(ref):
    """Negative minus positive phase."""

    def pcd_gradient(*inputs):
        *parts, state = ref.pcd_gradient(*inputs)
        return *(-part for part in parts), state

    return pcd_gradient


@planted("pcd_gradient")
def sums_of_unequal_numbers(ref):
    """The phases are sums divided by the rows of the data, which is wrong for more or fewer chains than rows."""

    def pcd_gradient(x, h, W, b, a, u_v, u_h):
        data, model = ref.positive_statistics(x, W, a), ref.pcd_statistics(h, W, b, a, u_v, u_h)
        many = W.dtype.type(len(h) / len(x))
        return *(p - many * n for p, n in zip(data, model[:3], strict=True)), model[3]

    return pcd_gradient


@planted("pcd_gradient")
def noise_of_the_first_step(ref):
    """Every step uses the first step's noise."""
    return lambda x, h, W, b, a, u_v, u_h: ref.pcd_gradient(
        x, h, W, b, a, np.broadcast_to(u_v[:1], u_v.shape), np.broadcast_to(u_h[:1], u_h.shape)
    )
