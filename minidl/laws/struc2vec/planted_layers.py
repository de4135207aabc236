"""Planted bugs of the layered graph."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


# --- weights -----------------------------------------------------------------------------------------------------------
@planted("layer_weights")
def minus_forgotten(ref):
    """e^f: who is far weighs most."""
    return lambda f: np.exp(np.where(np.isfinite(f), np.asarray(f, float), -np.inf))


@planted("layer_weights")
def inverse_distance(ref):
    """1 / (1 + f) instead of the exponential."""
    return lambda f: 1 / (1 + np.asarray(f, float))


@planted("layer_weights")
def gaussian(ref):
    """e^(-f^2)."""
    return lambda f: np.exp(-(np.asarray(f, float) ** 2))


@planted("layer_weights")
def base_two(ref):
    """2^-f."""
    return lambda f: np.exp2(-np.asarray(f, float))


# --- transitions -------------------------------------------------------------------------------------------------------
def _weights(f):
    f = np.array(f, float)
    np.fill_diagonal(f, np.inf)
    return np.exp(-f)


def _over(w, total):
    return np.divide(w, total, out=np.zeros_like(w), where=total > 0)


@planted("transition_rows")
def underflow_to_nothing(ref):
    """Weights over their sum, as they stand: rows whose weights underflow are 0."""
    return lambda f: _over(_weights(f), _weights(f).sum(axis=1, keepdims=True))


@planted("transition_rows")
def oneself_included(ref):
    """A node is at distance 0 of itself and stays where it is most of the time."""

    def transition_rows(f):
        f = np.array(f, float)
        np.fill_diagonal(f, 0.0)
        w = np.exp(f.min(axis=1, keepdims=True) - f)
        return w / w.sum(axis=1, keepdims=True)

    return transition_rows


@planted("transition_rows")
def columns_add_up(ref):
    """Normalised over the columns."""
    return lambda f: ref.transition_rows(f).T.copy()


@planted("transition_rows")
def over_the_whole_layer(ref):
    """Weights over the sum of the whole layer instead of the row."""

    def transition_rows(f):
        w = _weights(f)
        return _over(w, np.full_like(w, w.sum()))

    return transition_rows


@planted("transition_rows")
def far_is_likely(ref):
    """The softmax of +f."""

    def transition_rows(f):
        f = np.array(f, float)
        np.fill_diagonal(f, np.inf)
        finite = np.isfinite(f)
        largest = np.max(f, axis=1, keepdims=True, initial=0.0, where=finite)
        w = np.where(finite, np.exp(np.where(finite, f, 0) - largest), 0.0)
        return _over(w, w.sum(axis=1, keepdims=True))

    return transition_rows


@planted("transition_rows")
def uniform_over_edges(ref):
    """Every neighbour is as likely: the weights are ignored."""

    def transition_rows(f):
        edges = (ref.transition_rows(f) > 0) | (_weights(f) > 0)
        return _over(edges.astype(float), edges.sum(axis=1, keepdims=True))

    return transition_rows


@planted("transition_rows")
def smallest_of_the_matrix(ref):
    """The smallest f of the whole matrix is subtracted, not that of the row: far rows still underflow."""

    def transition_rows(f):
        f = np.array(f, float)
        np.fill_diagonal(f, np.inf)
        w = np.exp(np.min(f, initial=1e300) - f)
        return _over(w, w.sum(axis=1, keepdims=True))

    return transition_rows


# --- Gamma -------------------------------------------------------------------------------------------------------------
def _counted(values, mean, above=np.greater):
    return (above(values, mean) & (values > 0)).sum(axis=1).astype(np.int64)


def _gamma(paper=None, official=None):
    """Gamma with one of the conventions replaced by a function of (weights, average)."""

    def build(ref):
        def gamma(f, convention="paper", average="defined"):
            wrong = {"paper": paper, "official": official}[convention]
            if wrong is None:
                return ref.gamma(f, convention, average)
            f = np.array(f, float)
            np.fill_diagonal(f, np.inf)
            if not np.isfinite(f).any():
                return np.zeros(len(f), np.int64)
            return wrong(np.exp(f.min() - f), average)

        return gamma

    return build


def _mean(w, average):
    return w.sum() / ((w > 0).sum() if average == "defined" else len(w) * (len(w) - 1))


def _rows(w):
    return _over(w, w.sum(axis=1, keepdims=True))


@planted("gamma")
def other_average(ref):
    """The average over all pairs where that over the edges is asked for, and the other way round."""
    return _gamma(lambda w, average: _counted(w, _mean(w, "defined" if average != "defined" else "all") * (1 + 1e-12)))(
        ref
    )


@planted("gamma")
def equal_counts_as_above(ref):
    """Weights that equal the mean count."""
    return _gamma(lambda w, average: _counted(w, _mean(w, average) * (1 - 1e-12), np.greater_equal))(ref)


@planted("gamma")
def rounding_decides(ref):
    """The authors' comparison without a tolerance: equal probabilities are above their own mean, for some n."""
    return _gamma(None, lambda w, average: _counted(_rows(w), _rows(w)[_rows(w) > 0].mean()))(ref)


@planted("gamma")
def below_the_average(ref):
    """Counts what is below the average."""
    return _gamma(lambda w, average: _counted(w, _mean(w, average) * (1 - 1e-12), np.less))(ref)


@planted("gamma")
def average_of_the_row(ref):
    """Each node's own average instead of the layer's."""

    def paper(w, average):
        sizes = (w > 0).sum(axis=1, keepdims=True) if average == "defined" else len(w) - 1
        return _counted(w, w.sum(axis=1, keepdims=True) / np.maximum(sizes, 1) * (1 + 1e-12))

    return _gamma(paper)(ref)


@planted("gamma")
def conventions_exchanged(ref):
    """The authors' definition for the paper's, and the other way round."""
    return lambda f, convention="paper", average="defined": ref.gamma(
        f, "official" if convention == "paper" else "paper", average
    )


@planted("gamma")
def paper_only(ref):
    """Raw weights are compared whatever the convention."""
    return lambda f, convention="paper", average="defined": ref.gamma(f, "paper", average)


@planted("gamma")
def weights_added_up(ref):
    """The sum of the weights above the average, rounded, instead of their number."""

    def paper(w, average):
        return np.floor(np.where(w > _mean(w, average) * (1 + 1e-12), w, 0).sum(axis=1)).astype(np.int64)

    return _gamma(paper)(ref)


@planted("gamma")
def diagonal_counts(ref):
    """Every node is counted as similar to itself."""
    return _gamma(lambda w, average: _counted(w, _mean(w, average) * (1 + 1e-12)) + 1)(ref)


# --- upwards -----------------------------------------------------------------------------------------------------------
@planted("up_probability")
def logarithm_without_e(ref):
    """log(Gamma + 1) instead of log(Gamma + e)."""
    return lambda gamma: np.log(np.asarray(gamma) + 1) / (np.log(np.asarray(gamma) + 1) + 1)


@planted("up_probability")
def probability_to_go_down(ref):
    """1 / (w + 1): the probability of the other way."""
    return lambda gamma: 1 - ref.up_probability(gamma)


@planted("up_probability")
def weight_for_probability(ref):
    """The weight log(Gamma + e) itself, not divided by the sum of both."""
    return lambda gamma: np.log(np.asarray(gamma) + np.e)


@planted("up_probability")
def logarithm_base_two(ref):
    """The binary logarithm."""
    return lambda gamma: np.log2(np.asarray(gamma) + 2) / (np.log2(np.asarray(gamma) + 2) + 1)
