"""What the functions of Boltzmann machines return, with the shapes of every field."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Parameters(NamedTuple):
    """The parameters of a machine, in the order in which every function takes them."""

    W: np.ndarray  # (n_V, n_H) weights
    b: np.ndarray  # (n_V,) visible biases
    a: np.ndarray  # (n_H,) hidden biases


class Statistics(NamedTuple):
    """Means of what the energy multiplies by its parameters: over data, over samples or under the model."""

    vh: np.ndarray  # (n_V, n_H)
    v: np.ndarray  # (n_V,)
    h: np.ndarray  # (n_H,)


class ChainStatistics(NamedTuple):
    """`Statistics` at the end of Gibbs chains, and the hidden states from which the chains can go on."""

    vh: np.ndarray  # (n_V, n_H)
    v: np.ndarray  # (n_V,)
    h: np.ndarray  # (n_H,)
    state: np.ndarray  # (chains, n_H)


class Gradient(NamedTuple):
    """A direction of ascent of the mean log-likelihood: positive minus negative `Statistics`."""

    dW: np.ndarray  # (n_V, n_H)
    db: np.ndarray  # (n_V,)
    da: np.ndarray  # (n_H,)


class ChainGradient(NamedTuple):
    """`Gradient` from persistent chains, and their new hidden states."""

    dW: np.ndarray  # (n_V, n_H)
    db: np.ndarray  # (n_V,)
    da: np.ndarray  # (n_H,)
    state: np.ndarray  # (chains, n_H)


class GibbsStep(NamedTuple):
    """One step of the hidden chain: the visible state in between, then the hidden state and its probability."""

    v: np.ndarray  # (..., n_V)
    h_probability: np.ndarray  # (..., n_H)
    h: np.ndarray  # (..., n_H)


class Estimate(NamedTuple):
    """An estimate of log Z by an average of weights, with an interval by the delta method."""

    log_z: float
    std_error: float  # of log_z; infinite from a single weight
    low: float
    high: float
    used: int  # how many weights (tours, runs) went into it


class StartLaw(NamedTuple):
    """The machine's hidden distribution restricted to a stopping set, and what normalises it."""

    probability: np.ndarray  # (|S|,) in the order of the set's states
    log_z: float  # log Z_S


class Tours(NamedTuple):
    """Excursions of the hidden chain from a stopping set back to it, vectorised over R tours."""

    length: np.ndarray  # (R,) int64: states visited, the start included; of an unfinished tour, so far
    completed: np.ndarray  # (R,) bool: whether the tour came back
    last: (
        np.ndarray
    )  # (R, n_H) uint8: the state in S that ended the tour (not visited), or where an unfinished one stands
    states: np.ndarray  # (T, n_H) uint8: every visited state, ordered by step and then by tour
    owner: np.ndarray  # (T,) int64: the tour that visited it


class TourLaw(NamedTuple):
    """The exact law of tours from a stopping set, by linear algebra over all hidden states."""

    probability: float  # pi(S)
    log_z: float  # log Z_S
    mean: float  # of the length
    variance: float  # of the length
    visits: np.ndarray  # (2^n_H,) expected visits of a tour to each hidden state, by code
    returns: np.ndarray  # (2^n_H,) law of the state that ends the tour, by code


class Truncation(NamedTuple):
    """What a cap of k steps does to tours, exactly, for k = 1, ..., K (entry k - 1)."""

    probability: np.ndarray  # (K,) P(length = k)
    completed: np.ndarray  # (K,) P(length <= k)
    mean_completed: np.ndarray  # (K,) E[length | length <= k]
    mean_capped: np.ndarray  # (K,) E[min(length, k)]
    ratio: np.ndarray  # (K,) what the estimate of Z over completed tours tends to, divided by Z
