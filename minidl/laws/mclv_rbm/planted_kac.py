"""Planted bugs of what tours are used for, of their exact law, and of the steps of training."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted
from minidl.laws.mclv_rbm.planted_energies import sigmoid


def _phi(h, W, b):
    v = sigmoid(h @ W.T + b)
    return v.T @ h / len(h), v.mean(axis=0), h.mean(axis=0)


def _of_completed(states, owner, completed, W):
    return np.asarray(states, W.dtype)[np.asarray(completed)[owner]]


# --- statistics of visits ----------------------------------------------------------------------------------------------
@planted("lvs_statistics")
def unfinished_tours_counted(ref):
    """The visits of unfinished tours count as well."""
    return lambda states, owner, completed, W, b: ref.lvs_statistics(states, owner, np.ones_like(completed), W, b)


@planted("lvs_statistics")
def mean_of_tour_means(ref):
    """Each tour's mean counts alike, however long it was: the mean of ratios, not the ratio of means."""

    def lvs_statistics(states, owner, completed, W, b):
        parts = []
        for r in np.flatnonzero(completed):
            if (owner == r).any():
                parts.append(_phi(np.asarray(states, W.dtype)[owner == r], W, b))
        return tuple(sum(part) / len(parts) for part in zip(*parts, strict=True))

    return lvs_statistics


@planted("lvs_statistics")
def divided_by_the_tours(ref):
    """The sums are divided by the number of completed tours instead of by that of their visits."""

    def lvs_statistics(states, owner, completed, W, b):
        per_tour = W.dtype.type(np.asarray(completed)[owner].sum() / np.sum(completed))
        return tuple(per_tour * part for part in ref.lvs_statistics(states, owner, completed, W, b))

    return lvs_statistics


@planted("lvs_statistics")
def divided_by_all_visits(ref):
    """The sums over completed tours are divided by the visits of all tours."""

    def lvs_statistics(states, owner, completed, W, b):
        part_kept = W.dtype.type(np.asarray(completed)[owner].mean())
        return tuple(part_kept * part for part in ref.lvs_statistics(states, owner, completed, W, b))

    return lvs_statistics


@planted("lvs_statistics")
def first_visit_left_out(ref):
    """The start of each tour is left out, as if it belonged to the set alone."""

    def lvs_statistics(states, owner, completed, W, b):
        seen, kept = set(), []
        for t, r in enumerate(owner.tolist()):
            if r in seen or not completed[r]:
                kept.append(t)
            seen.add(r)
        if not any(completed[owner[t]] for t in kept):
            return tuple(np.zeros(shape, W.dtype) for shape in (W.shape, W.shape[:1], W.shape[1:]))
        return ref.lvs_statistics(states[kept], owner[kept], completed, W, b)

    return lvs_statistics


@planted("lvs_statistics")
def visible_states_rounded(ref):
    """The mean of v is rounded to a state."""

    def lvs_statistics(states, owner, completed, W, b):
        h = _of_completed(states, owner, completed, W)
        v = (sigmoid(h @ W.T + b) > 0.5).astype(W.dtype)
        return v.T @ h / len(h), v.mean(axis=0), h.mean(axis=0)

    return lvs_statistics


@planted("lvs_statistics")
def product_of_visit_means(ref):
    """The mean of v times the mean of h."""

    def lvs_statistics(states, owner, completed, W, b):
        _, v, h = ref.lvs_statistics(states, owner, completed, W, b)
        return np.outer(v, h), v, h

    return lvs_statistics


@planted("lvs_statistics")
def visible_bias_left_out(ref):
    """The visible bias is missing in the mean of v."""
    return lambda states, owner, completed, W, b: ref.lvs_statistics(states, owner, completed, W, 0 * b)


@planted("lvs_gradient")
def visits_minus_data(ref):
    """Negative minus positive phase."""
    return lambda *inputs: tuple(-part for part in ref.lvs_gradient(*inputs))


@planted("lvs_gradient")
def positive_phase_by_states(ref):
    """The positive phase rounds hidden probabilities to states, as visits are states."""

    def lvs_gradient(x, states, owner, completed, W, b, a):
        x = np.asarray(x, W.dtype)
        h = (ref.hidden_probability(x, W, a) > 0.5).astype(W.dtype)
        data, model = (
            (x.T @ h / len(x), x.mean(axis=0), h.mean(axis=0)),
            ref.lvs_statistics(states, owner, completed, W, b),
        )
        return tuple(p - n for p, n in zip(data, model, strict=True))

    return lvs_gradient


@planted("lvs_gradient")
def unfinished_tours_in_the_gradient(ref):
    """The visits of unfinished tours count as well."""

    def lvs_gradient(x, states, owner, completed, W, b, a):
        return ref.lvs_gradient(x, states, owner, np.ones_like(completed), W, b, a)

    return lvs_gradient


@planted("lvs_gradient")
def hidden_bias_twice_at_visits(ref):
    """The hidden bias is taken from the negative phase twice."""

    def lvs_gradient(x, states, owner, completed, W, b, a):
        found = ref.lvs_gradient(x, states, owner, completed, W, b, a)
        return found._replace(da=found.da - ref.lvs_statistics(states, owner, completed, W, b).h)

    return lvs_gradient


@planted("lvs_gradient")
def sum_over_visits(ref):
    """The negative phase is not divided by the number of visits."""

    def lvs_gradient(x, states, owner, completed, W, b, a):
        data, model = ref.positive_statistics(x, W, a), ref.lvs_statistics(states, owner, completed, W, b)
        visits = W.dtype.type(np.asarray(completed)[owner].sum())
        return tuple(p - visits * n for p, n in zip(data, model, strict=True))

    return lvs_gradient


@planted("tour_gradient")
def ratio_for_direction(ref):
    """The ratio form, which is not unbiased for any number of tours."""
    return lambda *inputs: ref.lvs_gradient(*inputs)


@planted("tour_gradient")
def data_once_per_tour(ref):
    """The data's side is counted once for each tour instead of once for each visit."""

    def tour_gradient(x, states, owner, completed, W, b, a):
        data, model = ref.positive_statistics(x, W, a), ref.lvs_statistics(states, owner, completed, W, b)
        times = W.dtype.type(len(states) / len(completed))
        return tuple(p - times * n for p, n in zip(data, model, strict=True))

    return tour_gradient


@planted("tour_gradient")
def summed_over_tours(ref):
    """The sum over tours instead of their mean."""
    return lambda x, states, owner, completed, W, b, a: tuple(
        W.dtype.type(len(completed)) * part for part in ref.tour_gradient(x, states, owner, completed, W, b, a)
    )


@planted("tour_gradient")
def direction_downhill(ref):
    """Negative minus positive phase."""
    return lambda *inputs: tuple(-part for part in ref.tour_gradient(*inputs))


# --- exact laws --------------------------------------------------------------------------------------------------------
def _parts(ref, S, W, b, a):
    """The kernel, which states are in the set, and the machine's distribution."""
    inside = np.zeros(1 << W.shape[1], bool)
    inside[np.asarray(S, np.int64) @ (1 << np.arange(W.shape[1]))] = True
    return ref.hidden_kernel(W, b, a), inside, ref.hidden_distribution(W, b, a)


def _uniform(inside):
    return inside / inside.sum()


@planted("tour_law")
def uniform_start_of_tours(ref):
    """Tours start uniformly on the set: then Kac's theorem does not hold, unless the set has one state."""

    def tour_law(S, W, b, a):
        T, inside, _ = _parts(ref, S, W, b, a)
        leave = np.eye(len(T)) - np.where(inside, 0, T)
        visits, again = np.linalg.solve(leave.T, _uniform(inside)), np.linalg.solve(leave, np.ones(len(T)))
        mean, returns = visits.sum(), np.where(inside, visits @ T, 0)
        found = ref.tour_law(S, W, b, a)
        return found._replace(mean=mean, variance=2 * visits @ again - mean - mean**2, visits=visits, returns=returns)

    return tour_law


@planted("tour_law")
def returning_state_among_visits(ref):
    """The state that ends a tour is visited too."""

    def tour_law(S, W, b, a):
        found = ref.tour_law(S, W, b, a)
        return found._replace(mean=found.mean + 1, visits=found.visits + found.returns)

    return tour_law


@planted("tour_law")
def second_moment_for_variance(ref):
    """The second moment of the length, without the square of its mean taken off."""

    def tour_law(S, W, b, a):
        found = ref.tour_law(S, W, b, a)
        return found._replace(variance=found.variance + found.mean**2)

    return tour_law


@planted("tour_law")
def visits_normalised(ref):
    """Visits as shares of the time, which sum to 1."""

    def tour_law(S, W, b, a):
        found = ref.tour_law(S, W, b, a)
        return found._replace(visits=found.visits / found.visits.sum())

    return tour_law


@planted("tour_law")
def log_z_of_everything(ref):
    """log Z for log Z_S."""
    return lambda S, W, b, a: ref.tour_law(S, W, b, a)._replace(log_z=ref.log_partition(W, b, a))


@planted("tour_law")
def returns_by_the_machine(ref):
    """Tours end by the machine's distribution, also outside the set."""
    return lambda S, W, b, a: ref.tour_law(S, W, b, a)._replace(returns=ref.hidden_distribution(W, b, a))


@planted("truncated_tours")
def unfinished_as_long_as_the_cap(ref):
    """Unfinished tours count as completed with the cap for their length, and the bias looks smaller."""

    def truncated_tours(S, W, b, a, K):
        found = ref.truncated_tours(S, W, b, a, K)
        pi = found.ratio[0] / found.mean_completed[0]
        return found._replace(mean_completed=found.mean_capped.copy(), ratio=found.mean_capped * pi)

    return truncated_tours


@planted("truncated_tours")
def survival_for_completion(ref):
    """The part that is still on its way instead of the part that is back."""

    def truncated_tours(S, W, b, a, K):
        found = ref.truncated_tours(S, W, b, a, K)
        return found._replace(completed=1 - found.completed)

    return truncated_tours


@planted("truncated_tours")
def ratio_upside_down_with_z(ref):
    """Z over the estimate."""

    def truncated_tours(S, W, b, a, K):
        found = ref.truncated_tours(S, W, b, a, K)
        return found._replace(ratio=1 / found.ratio)

    return truncated_tours


@planted("truncated_tours")
def not_given_that_it_is_back(ref):
    """The mean over completed tours is not divided by the part that is back."""

    def truncated_tours(S, W, b, a, K):
        found = ref.truncated_tours(S, W, b, a, K)
        return found._replace(mean_completed=found.mean_completed * found.completed)

    return truncated_tours


@planted("truncated_tours")
def steps_counted_from_zero(ref):
    """A tour that is back after its first step has length 0."""

    def truncated_tours(S, W, b, a, K):
        found = ref.truncated_tours(S, W, b, a, K)
        pi = found.ratio[0] / found.mean_completed[0]
        return found._replace(mean_completed=found.mean_completed - 1, ratio=(found.mean_completed - 1) * pi)

    return truncated_tours


@planted("truncated_tours")
def tours_never_absorbed(ref):
    """Tours that are back go on: the probability of being in the set at step k, not of being there first."""

    def truncated_tours(S, W, b, a, K):
        T, inside, p = _parts(ref, S, W, b, a)
        q, found = np.where(inside, p, 0) / p[inside].sum(), []
        for _ in range(K):
            q = q @ T
            found.append(q[inside].sum())
        return ref.truncated_tours(S, W, b, a, K)._replace(probability=np.array(found))

    return truncated_tours


@planted("lvs_limit")
def unfinished_visits_in_the_limit(ref):
    """Visits of tours that are not back in time count as well."""

    def lvs_limit(S, W, b, a, K):
        if K is None:
            return ref.lvs_limit(S, W, b, a, None)
        T, inside, p = _parts(ref, S, W, b, a)
        alive, weight = np.where(inside, p, 0) / p[inside].sum(), np.zeros(len(p))
        for _ in range(K):
            weight, alive = weight + alive, np.where(inside, 0, alive @ T)
        h, weight = ref.all_states(W.shape[1]), weight / weight.sum()
        v = sigmoid(h @ W.T + b)
        return v.T @ (weight[:, None] * h), weight @ v, weight @ h

    return lvs_limit


@planted("lvs_limit")
def cap_has_no_bias(ref):
    """The machine's moments for every cap."""
    return lambda S, W, b, a, K: ref.moments(W, b, a)


@planted("lvs_limit")
def starts_alone(ref):
    """The starts of tours alone, as with a cap of 1."""
    return lambda S, W, b, a, K: ref.lvs_limit(S, W, b, a, 1)


@planted("lvs_limit")
def one_step_more(ref):
    """A cap of K allows K + 1 steps."""
    return lambda S, W, b, a, K: ref.lvs_limit(S, W, b, a, None if K is None else K + 1)
