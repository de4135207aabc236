"""Planted bugs of the numbers that describe a spectrum."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted

EPS = 1e-10


def _shares(s, eps=EPS):
    shifted = np.sort(np.asarray(s, np.float64))[::-1] + eps
    shifted = shifted / (shifted[0] if shifted[0] > 0 else 1.0)
    total = shifted.sum()
    return shifted / total if total > 0 else np.zeros(len(shifted))


def _entropy(p, log=np.log):
    p = p[p > 0]
    return float(-(p @ log(p))) if len(p) else 0.0


def _from(number):
    """A function of the shares in the place of the right one; a spectrum of zeros without eps has 0."""

    def wrong(s, eps=EPS):
        p = _shares(s, eps)
        return float(number(p)) if p.any() else 0.0

    return wrong


# --- effective rank --------------------------------------------------------------------------------------------------
@planted("effective_rank")
def entropy_itself(ref):
    """The entropy, not its exponential."""
    return _from(_entropy)


@planted("effective_rank")
def bits(ref):
    """The entropy in bits, as the exponent of e."""
    return _from(lambda p: np.exp(_entropy(p, np.log2)))


@planted("effective_rank")
def energies(ref):
    """The shares are those of the squares: eigenvalues of W^T W in the place of singular values."""
    return _from(lambda p: np.exp(_entropy(p * p / (p * p).sum())))


@planted("effective_rank")
def participation_ratio(ref):
    """Renyi's entropy of order 2 in the place of Shannon's."""
    return _from(lambda p: 1 / (p * p).sum())


@planted("effective_rank")
def divided_by_the_length(ref):
    """The share of R, without saying so."""
    return ref.normalised_effective_rank


@planted("effective_rank")
def eps_twice(ref):
    """eps is added to the values, and once more when they are read."""
    return lambda s, eps=EPS: ref.effective_rank(s, 2 * eps)


@planted("effective_rank")
def eps_in_the_logarithm(ref):
    """eps protects the logarithm only."""

    def effective_rank(s, eps=EPS):
        p = _shares(s, 0.0)
        return float(np.exp(-(p @ np.log(p + eps)))) if eps else ref.effective_rank(s, 0.0)

    return effective_rank


@planted("effective_rank")
def shares_of_the_largest(ref):
    """Values are divided by the largest one instead of by their sum."""
    return _from(lambda p: np.exp(_entropy(p / p.max())))


@planted("effective_rank")
def no_convention_for_zeros(ref):
    """A share of 0 gives 0 log 0 = NaN."""

    def effective_rank(s, eps=EPS):
        p = _shares(s, eps)
        with np.errstate(all="ignore"):
            return float(np.exp(-(p * np.log(p)).sum()))

    return effective_rank


@planted("effective_rank")
def another_eps(ref):
    """Left out, eps is 1e-12."""
    return lambda s, eps=1e-12: ref.effective_rank(s, eps)


@planted("effective_rank")
def of_a_zero_matrix(ref):
    """A zero spectrum without eps counts as one direction."""
    return lambda s, eps=EPS: ref.effective_rank(s, eps) or 1.0


# --- its share of R --------------------------------------------------------------------------------------------------
@planted("normalised_effective_rank")
def not_divided(ref):
    """The effective rank itself."""
    return ref.effective_rank


@planted("normalised_effective_rank")
def entropy_over_its_maximum(ref):
    """The logarithms are divided: log erank / log R."""

    def share(s, eps=EPS):
        rank, R = ref.effective_rank(s, eps), len(s)
        return float(np.log(rank) / np.log(R)) if R > 1 and rank > 0 else float(rank > 0)

    return share


@planted("normalised_effective_rank")
def over_the_rank(ref):
    """Divided by the number of values above 0."""
    return lambda s, eps=EPS: ref.effective_rank(s, eps) / max(np.count_nonzero(np.asarray(s) + eps), 1)


@planted("normalised_effective_rank")
def from_zero_to_one(ref):
    """(erank - 1) / (R - 1), so that rank one has 0."""
    return lambda s, eps=EPS: (ref.effective_rank(s, eps) - 1) / max(len(s) - 1, 1)


@planted("normalised_effective_rank")
def share_without_eps(ref):
    """eps is forgotten."""
    return lambda s, eps=EPS: ref.normalised_effective_rank(s, 0.0)


@planted("normalised_effective_rank")
def another_eps_of_the_share(ref):
    """Left out, eps is 0."""
    return lambda s, eps=0.0: ref.normalised_effective_rank(s, eps)


# --- 90 % count ------------------------------------------------------------------------------------------------------
def _counted(condition, shares=_shares):
    def count_90(s, eps=EPS):
        p = shares(s, eps)
        return int(condition(p)) if p.any() else 0

    return count_90


def _exact(s, eps=EPS):
    """Values instead of shares, so that a tie is a tie."""
    return np.sort(np.asarray(s, np.float64))[::-1] + eps


@planted("count_90")
def at_least_nine_tenths(ref):
    """A sum of exactly nine tenths is enough."""
    return _counted(lambda x: np.count_nonzero(np.cumsum(x) < 0.9 * x.sum()) + 1, _exact)


@planted("count_90")
def index_instead_of_count(ref):
    """The position of the last value that is needed, from 0."""
    return lambda s, eps=EPS: max(ref.count_90(s, eps) - 1, 0)


@planted("count_90")
def squares_counted(ref):
    """Nine tenths of the energy: squares are added."""
    return _counted(lambda p: np.count_nonzero(np.cumsum(p * p) <= 0.9 * (p * p).sum()) + 1)


@planted("count_90")
def order_of_the_input(ref):
    """The values are added as they come."""

    def count_90(s, eps=EPS):
        s = np.asarray(s, np.float64) + eps
        return int(np.count_nonzero(np.cumsum(s) <= 0.9 * s.sum())) + 1 if s.any() else 0

    return count_90


@planted("count_90")
def smallest_first(ref):
    """The sum begins with the smallest values."""
    return _counted(lambda p: np.count_nonzero(np.cumsum(p[::-1]) <= 0.9) + 1)


@planted("count_90")
def values_above_a_tenth(ref):
    """The values above a tenth of the largest."""
    return _counted(lambda p: np.count_nonzero(p > 0.1 * p[0]))


@planted("count_90")
def ninety_five(ref):
    """0.95 of the sum."""
    return _counted(lambda x: np.count_nonzero(np.cumsum(x) <= 0.95 * x.sum()) + 1, _exact)


@planted("count_90")
def eps_twice_in_the_count(ref):
    """eps is added a second time, as when s is changed in place by the number before."""
    return lambda s, eps=EPS: ref.count_90(s, 2 * eps)


@planted("count_90")
def count_divided_by_the_length(ref):
    """The count over R."""
    return lambda s, eps=EPS: ref.count_90(s, eps) / len(s)


@planted("count_90")
def one_of_nothing(ref):
    """A zero spectrum without eps counts as one direction."""
    return lambda s, eps=EPS: max(ref.count_90(s, eps), 1)


# --- stable rank -----------------------------------------------------------------------------------------------------
@planted("stable_rank")
def no_squares(ref):
    """Values in the place of squares: the nuclear over the spectral norm."""
    return _from(lambda p: p.sum() / p[0])


@planted("stable_rank")
def over_the_first_not_squared(ref):
    """The largest value is not squared."""

    def stable_rank(s, eps=EPS):
        s = np.sort(np.asarray(s, np.float64))[::-1] + eps
        return float((s * s).sum() / s[0]) if s[0] > 0 else 0.0

    return stable_rank


@planted("stable_rank")
def root_of_the_ratio(ref):
    """The ratio of the norms, not of their squares."""
    return lambda s, eps=EPS: float(np.sqrt(ref.stable_rank(s, eps)))


@planted("stable_rank")
def eps_three_times(ref):
    """eps is added to s in place by each number: the third one sees three times as much."""
    return lambda s, eps=EPS: ref.stable_rank(s, 3 * eps)


@planted("stable_rank")
def first_is_largest(ref):
    """The first value is taken for the largest."""

    def stable_rank(s, eps=EPS):
        s = np.asarray(s, np.float64) + eps
        return float(((s / s[0]) ** 2).sum()) if s[0] > 0 else 0.0

    return stable_rank


@planted("stable_rank")
def stable_rank_over_the_length(ref):
    """The share of R."""
    return lambda s, eps=EPS: ref.stable_rank(s, eps) / len(s)


@planted("stable_rank")
def nuclear_over_frobenius(ref):
    """The square of the sum over the sum of squares."""
    return _from(lambda p: p.sum() ** 2 / (p * p).sum())


@planted("stable_rank")
def stable_rank_that_overflows(ref):
    """Squares are taken before dividing."""

    def stable_rank(s, eps=EPS):
        s = np.sort(np.asarray(s, np.float64))[::-1] + eps
        with np.errstate(all="ignore"):
            return float((s * s).sum() / (s[0] * s[0])) if s[0] > 0 else 0.0

    return stable_rank


# --- all at once -----------------------------------------------------------------------------------------------------
def _six(erank, count, stable, R):
    return erank, erank / R, count, count / R, stable, stable / R


@planted("rank_metrics")
def in_place(ref):
    """Every number adds eps to the same s: 1, 2 and 3 times."""
    return lambda s, eps=EPS: _six(
        ref.effective_rank(s, eps), ref.count_90(s, 2 * eps), ref.stable_rank(s, 3 * eps), len(s)
    )


@planted("rank_metrics")
def others_without_eps(ref):
    """Only the effective rank sees eps."""
    return lambda s, eps=EPS: _six(ref.effective_rank(s, eps), ref.count_90(s, 0.0), ref.stable_rank(s, 0.0), len(s))


@planted("rank_metrics")
def shares_of_the_rank(ref):
    """Divided by the number of values above 0."""

    def rank_metrics(s, eps=EPS):
        numbers = ref.effective_rank(s, eps), ref.count_90(s, eps), ref.stable_rank(s, eps)
        return _six(*numbers, max(np.count_nonzero(np.asarray(s) > 0), 1))

    return rank_metrics


@planted("rank_metrics")
def count_and_stable_rank_exchanged(ref):
    """The second and the third number change places."""
    return lambda s, eps=EPS: _six(ref.effective_rank(s, eps), ref.stable_rank(s, eps), ref.count_90(s, eps), len(s))


@planted("rank_metrics")
def shares_not_divided(ref):
    """The shares are the numbers themselves."""
    return lambda s, eps=EPS: _six(ref.effective_rank(s, eps), ref.count_90(s, eps), ref.stable_rank(s, eps), 1)


@planted("rank_metrics")
def nothing_for_eps(ref):
    """Left out, eps is 0."""
    return lambda s, eps=0.0: ref.rank_metrics(s, eps)
