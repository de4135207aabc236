"""Planted bugs of annealing and of estimates of log Z."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from minidl.laws.core import planted
from minidl.laws.mclv_rbm.planted_energies import sigmoid, softplus


def _anneal(
    theta,
    base,
    betas,
    noise,
    *,
    at=lambda betas, k: betas[k],
    first=None,
    faded=True,
    hidden_bias=lambda a, beta: beta * a,
    sample=lambda u, p: u < p,
    weigh_base=True,
):
    """Annealing runs with another temperature of sweeps, first state, base, hidden bias, sample, or term of the weights."""
    W, b, a = theta
    u_first, u_h, u_v = noise
    dtype = W.dtype
    v = (u_first < sigmoid(base if first is None else first)).astype(dtype)
    log_w, betas = np.zeros(len(v)), np.asarray(betas, np.float64).tolist()

    def log_p(beta):
        linear = beta * b + ((1 - beta) * base if weigh_base else 0)
        return v @ linear + softplus(beta * (v @ W) + hidden_bias(a, beta)).sum(axis=1)

    for k in range(1, len(betas)):
        log_w += log_p(betas[k]) - log_p(betas[k - 1])
        if k < len(betas) - 1:
            beta = at(betas, k)
            h = (u_h[k - 1] < sigmoid(beta * (v @ W) + hidden_bias(a, beta))).astype(dtype)
            inputs = ((1 - beta) * base if faded else base) + beta * (h @ W.T + b)
            v = sample(u_v[k - 1], sigmoid(inputs)).astype(dtype)
    return log_w


def _annealed(**changed):
    return lambda W, b, a, base, betas, *noise: _anneal((W, b, a), base, betas, noise, **changed)


# --- weights of runs ---------------------------------------------------------------------------------------------------
@planted("ais_log_weights")
def temperature_of_the_step_before(ref):
    """Sweeps run at the temperature before the one whose weight was just taken."""
    return _annealed(at=lambda betas, k: betas[k - 1])


@planted("ais_log_weights")
def temperature_of_the_next_step(ref):
    """Sweeps run at the next temperature."""
    return _annealed(at=lambda betas, k: betas[k + 1])


@planted("ais_log_weights")
def ratio_upside_down(ref):
    """The ratio of neighbouring models is upside down: the mean weight is Z_0 / Z."""
    return lambda *inputs: -ref.ais_log_weights(*inputs)


@planted("ais_log_weights")
def first_state_of_the_machine(ref):
    """The first state is drawn from the machine's visible biases instead of the base's."""
    return lambda W, b, a, base, betas, *noise: _anneal((W, b, a), base, betas, noise, first=b)


@planted("ais_log_weights")
def base_never_fades(ref):
    """The base's biases stay in the sweeps."""
    return _annealed(faded=False)


@planted("ais_log_weights")
def base_left_out_of_the_weights(ref):
    """The base's biases are missing in the weights."""
    return _annealed(weigh_base=False)


@planted("ais_log_weights")
def hidden_biases_never_annealed(ref):
    """The hidden biases are there in full at every temperature, but Z_0 counts the hidden units as free."""
    return _annealed(hidden_bias=lambda a, beta: a)


@planted("ais_log_weights")
def means_annealed(ref):
    """Sweeps pass the mean of v on instead of a sample."""
    return _annealed(sample=lambda u, p: p)


@planted("ais_log_weights")
def never_swept(ref):
    """The first state is kept: importance sampling, unbiased and far too wide."""

    def ais_log_weights(W, b, a, base, betas, u_first, u_h, u_v):
        return ref.ais_log_weights(W, b, a, base, np.array([0.0, 1.0], betas.dtype), u_first, u_h[:0], u_v[:0])

    return ais_log_weights


@planted("ais_base")
def infinite_for_constant_units(ref):
    """The log odds of the mean as it is, infinite for a unit that never changes."""

    def ais_base(x):
        p = np.asarray(x, np.float64).mean(axis=0)
        with np.errstate(divide="ignore"):
            return np.log(p) - np.log(1 - p)

    return ais_base


@planted("ais_base")
def means_for_log_odds(ref):
    """The mean itself."""
    return lambda x: sigmoid(ref.ais_base(x))


@planted("ais_base")
def log_of_the_mean_alone(ref):
    """log p instead of log p / (1 - p)."""
    return lambda x: np.log(sigmoid(ref.ais_base(x)))


@planted("ais_base")
def two_more_examples(ref):
    """One more example on and one off, which is another convention."""

    def ais_base(x):
        on = np.asarray(x, np.float64).sum(axis=0)
        return np.log(on + 1) - np.log(len(x) + 1 - on)

    return ais_base


# --- estimates ---------------------------------------------------------------------------------------------------------
def _estimate(log_weights, offset=0.0, level=0.95, *, ddof=1, by_root=True, tail=lambda level: 0.5 + level / 2):
    w = np.asarray(log_weights, np.float64)
    n = len(w)
    top = w.max()
    log_z = float(offset + top + np.log(np.exp(w - top).mean()))
    relative = np.exp(w - top) / np.exp(w - top).mean()
    error = float(np.sqrt(relative.var(ddof=ddof) / (n if by_root else 1))) if n > ddof else math.inf
    reach = NormalDist().inv_cdf(tail(level)) * error
    return log_z, error, log_z - reach, log_z + reach, n


def _moved(found, by):
    log_z, error, low, high, used = found
    return log_z + by, error, low + by, high + by, used


@planted("log_mean")
def sum_for_mean(ref):
    """The log of the sum: log R is not taken off."""
    return lambda log_weights: _moved(ref.log_mean(log_weights), math.log(len(log_weights)))


@planted("log_mean")
def mean_of_logs(ref):
    """The mean of the logs, which is too small."""
    return lambda log_weights: _moved(
        ref.log_mean(log_weights), float(log_weights.mean()) - ref.log_mean(log_weights)[0]
    )


@planted("log_mean")
def exponentials_as_they_are(ref):
    """Exponentials are taken as they are, and overflow."""

    def log_mean(log_weights):
        with np.errstate(all="ignore"):
            log_z = float(np.log(np.exp(log_weights).mean()))
        return _moved(ref.log_mean(log_weights), log_z - ref.log_mean(log_weights)[0])

    return log_mean


@planted("log_mean")
def spread_of_a_population(ref):
    """R instead of R - 1 in the variance, which is 0 for a single run."""
    return lambda log_weights: _estimate(log_weights, ddof=0)


@planted("log_mean")
def deviation_of_one_run(ref):
    """The standard deviation of one run instead of the mean's."""
    return lambda log_weights: _estimate(log_weights, by_root=False)


@planted("log_mean")
def one_sided_interval(ref):
    """Both ends leave out 5 percent, as ends of a one-sided interval do."""
    return lambda log_weights: _estimate(log_weights, tail=lambda level: level)


@planted("ais_log_partition")
def hidden_units_of_the_base_forgotten(ref):
    """Z_0 without 2^n_H."""
    return lambda log_weights, base, n_H, level: _moved(
        ref.ais_log_partition(log_weights, base, n_H, level), -n_H * math.log(2)
    )


@planted("ais_log_partition")
def base_biases_forgotten(ref):
    """Z_0 without the visible biases: 2^(n_V + n_H)."""
    return lambda log_weights, base, n_H, level: ref.ais_log_partition(log_weights, 0 * base, n_H, level)


@planted("ais_log_partition")
def mean_of_log_weights(ref):
    """The mean of the log-weights."""

    def ais_log_partition(log_weights, base, n_H, level):
        found = ref.ais_log_partition(log_weights, base, n_H, level)
        return _moved(found, float(log_weights.mean()) - ref.log_mean(log_weights)[0])

    return ais_log_partition


@planted("ais_log_partition")
def mean_without_log_r(ref):
    """log-sum-exp without log R."""
    return lambda log_weights, base, n_H, level: _moved(
        ref.ais_log_partition(log_weights, base, n_H, level), math.log(len(log_weights))
    )


@planted("ais_log_partition")
def level_ignored(ref):
    """The interval is that of 95 percent, whatever was asked."""
    return lambda log_weights, base, n_H, level: ref.ais_log_partition(log_weights, base, n_H, 0.95)


@planted("ais_log_partition")
def divided_by_the_base(ref):
    """Z_0 divides instead of multiplying."""

    def ais_log_partition(log_weights, base, n_H, level):
        found = ref.ais_log_partition(log_weights, base, n_H, level)
        return _moved(found, 2 * (ref.log_mean(log_weights)[0] - found[0]))

    return ais_log_partition


# --- lengths of tours --------------------------------------------------------------------------------------------------
@planted("tour_log_partition")
def unfinished_counted_as_complete(ref):
    """Tours that did not come back count with the length so far, as if they had."""

    def tour_log_partition(length, completed, log_z_S, unfinished, level):
        return ref.tour_log_partition(length, np.ones_like(completed), log_z_S, "drop", level)

    return tour_log_partition


@planted("tour_log_partition")
def divided_by_all_tours(ref):
    """The lengths of completed tours are divided by the number of all tours."""

    def tour_log_partition(length, completed, log_z_S, unfinished, level):
        found = ref.tour_log_partition(length, completed, log_z_S, unfinished, level)
        return found._replace(log_z=found.log_z + math.log(found.used / len(length)))

    return tour_log_partition


@planted("tour_log_partition")
def mean_log_length(ref):
    """The mean of the logs of the lengths."""

    def tour_log_partition(length, completed, log_z_S, unfinished, level):
        found = ref.tour_log_partition(length, completed, log_z_S, unfinished, level)
        used = length if unfinished == "count" else length[completed]
        return found._replace(log_z=log_z_S + float(np.log(used).mean()))

    return tour_log_partition


@planted("tour_log_partition")
def returning_state_counted(ref):
    """The state that ends a tour is counted too: every length is one more."""
    return lambda length, completed, log_z_S, unfinished, level: ref.tour_log_partition(
        length + 1, completed, log_z_S, unfinished, level
    )


@planted("tour_log_partition")
def set_weight_forgotten(ref):
    """The mean length alone, without Z_S."""
    return lambda length, completed, log_z_S, unfinished, level: ref.tour_log_partition(
        length, completed, 0.0, unfinished, level
    )


@planted("tour_log_partition")
def low_end_below_the_set(ref):
    """The interval may end below Z_S, which bounds Z for certain."""

    def tour_log_partition(length, completed, log_z_S, unfinished, level):
        found = ref.tour_log_partition(length, completed, log_z_S, unfinished, level)
        used = length if unfinished == "count" else length[completed]
        return found._replace(low=_estimate(np.log(used), log_z_S, level)[2])

    return tour_log_partition


@planted("tour_log_partition")
def closed_above_without_a_return(ref):
    """The interval ends above although some tours never came back."""

    def tour_log_partition(length, completed, log_z_S, unfinished, level):
        found = ref.tour_log_partition(length, completed, log_z_S, unfinished, level)
        used = length if unfinished == "count" else length[completed]
        return found._replace(high=_estimate(np.log(used), log_z_S, level)[3])

    return tour_log_partition


@planted("tour_log_partition")
def cap_thought_unfinished(ref):
    """The longest tours are dropped as if they had met the cap."""

    def tour_log_partition(length, completed, log_z_S, unfinished, level):
        shorter = completed & (length < length.max())
        kept = shorter if shorter.any() else completed
        return ref.tour_log_partition(length, kept, log_z_S, unfinished, level)

    return tour_log_partition
