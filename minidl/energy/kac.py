r"""The exact law of tours in small machines, by linear algebra over all hidden states.

With the hidden kernel $T$ and $Q = T\,\mathrm{diag}(h \notin S)$, a tour that starts by $\mu$ is at h, still on its
way, after t steps with probability $(\mu^\top Q^t)_h$. Summed over t these are the expected visits $\mu^\top (I -
Q)^{-1}$, whose total is $E[\xi]$; that they equal $p / \pi(S)$ is Kac's theorem, and is nowhere used here.

Arrays over hidden states are indexed by code (`all_states`).
Source. Kac, "On the notion of recurrence in discrete stochastic processes", 1947; Kemeny, Snell, "Finite Markov
Chains", ch. 3.
"""

from __future__ import annotations

import numpy as np

from minidl.energy import border
from minidl.energy.codes import StateSet
from minidl.energy.enumeration import _states
from minidl.energy.exact import _checked, hidden_distribution, hidden_kernel
from minidl.energy.results import Parameters, Statistics, TourLaw, Truncation
from minidl.energy.tours import _rows, _start_law
from minidl.energy.units import sigmoid

_NEVER = "in double precision the chain does not come back to S: its weights are too large, or S is where it never is"


def tour_law(S: np.ndarray | StateSet, W: np.ndarray, b: np.ndarray, a: np.ndarray) -> TourLaw:
    """Mean, variance, expected visits and the law of the returning state of tours from S without a cap.

    S: states (|S|, n_H), or a `StateSet`. Raises ValueError as `hidden_kernel` for machines too large, for an empty
    set, and where the chain does not return in double precision.
    """
    start, inside, kernel, log_z = _prepared(S, W, b, a)
    Q = np.where(inside, 0.0, kernel)  # steps to a state outside S
    try:
        visits = np.linalg.solve((np.eye(len(Q)) - Q).T, start)  # mu^T (I - Q)^-1
        again = np.linalg.solve(np.eye(len(Q)) - Q, np.ones(len(Q)))  # expected length from each state
    except np.linalg.LinAlgError:
        raise ValueError(_NEVER) from None
    mean = visits.sum()
    # E[xi (xi + 1) / 2] = mu^T (I - Q)^-2 1
    variance = 2 * visits @ again - mean - mean**2
    probability = hidden_distribution(W, b, a)[inside].sum()
    returns = np.where(inside, visits @ kernel, 0.0)
    if not abs(returns.sum() - 1) < 1e-6:  # nearly singular: a mean length of 1e9 and more
        raise ValueError(_NEVER)
    return TourLaw(float(probability), log_z, float(mean), max(float(variance), 0.0), visits, returns)


def truncated_tours(S: np.ndarray | StateSet, W: np.ndarray, b: np.ndarray, a: np.ndarray, K: int) -> Truncation:
    """The law of the length up to K, and what a cap of k = 1, ..., K steps does to means and to the estimate of Z.

    Raises as `tour_law`, and ValueError for K < 1.
    """
    start, inside, kernel, _ = _prepared(S, W, b, a)
    K = border.count("K", K)
    probability, alive = np.empty(K), start
    survival = np.empty(K)  # P(length > k)
    for k in range(K):
        stepped = alive @ kernel
        probability[k], alive = stepped[inside].sum(), np.where(inside, 0.0, stepped)
        survival[k] = alive.sum()
    completed = np.cumsum(probability)
    if completed[0] < np.finfo(float).tiny:
        raise ValueError(_NEVER)
    steps = np.arange(1, K + 1)
    mean_completed = np.cumsum(steps * probability) / completed
    mean_capped = 1 + np.concatenate([[0.0], np.cumsum(survival[:-1])])  # sum of P(length > j) over j < k
    ratio = mean_completed * hidden_distribution(W, b, a)[inside].sum()
    return Truncation(probability, completed, mean_completed, mean_capped, ratio)


def lvs_limit(
    S: np.ndarray | StateSet, W: np.ndarray, b: np.ndarray, a: np.ndarray, K: int | None = None
) -> Statistics:
    """What `lvs_statistics` of tours capped at K tends to as their number grows. K = None: no cap.

    A visit to h at step t counts if the tour comes back within the K - t steps that are left. Raises as `tour_law`.
    """
    W, b, a = _checked(W, b, a)
    start, inside, kernel, _ = _prepared(S, W, b, a)
    if K is None:
        weight = tour_law(S, W, b, a).visits
    else:
        K = border.count("K", K)
        back = [np.zeros(len(start))]  # back[m][h]: the probability of reaching S within m steps from h
        for _ in range(K):
            back.append(kernel @ np.where(inside, 1.0, back[-1]))
        weight, alive = np.zeros(len(start)), start
        for t in range(K):
            weight += alive * back[K - t]
            alive = np.where(inside, 0.0, alive @ kernel)
    if weight.sum() == 0:
        raise ValueError(_NEVER)
    weight = weight / weight.sum()
    h = _states(W.shape[1])
    v_mean = sigmoid(h @ W.T + b)  # (2^n_H, n_V)
    return Statistics(v_mean.T @ (weight[:, None] * h), weight @ v_mean, weight @ h)


def _prepared(
    S: np.ndarray | StateSet, W: np.ndarray, b: np.ndarray, a: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """mu over all hidden states, which of them are in S, the kernel, log Z_S."""
    theta = _checked(W, b, a)
    kernel = hidden_kernel(*theta)  # first, since it refuses what is too large
    S = StateSet.of(S if isinstance(S, StateSet) else _rows(S, theta.W.shape[1]))
    if S.units != theta.W.shape[1]:
        raise ValueError(f"S holds states of {S.units} units, the machine has {theta.W.shape[1]} hidden units")
    law = _start_law(S.states, Parameters(*theta))
    start, inside = np.zeros(len(kernel)), np.zeros(len(kernel), bool)
    codes = S.words[:, 0].astype(np.intp)
    start[codes], inside[codes] = law.probability, True
    return start, inside, kernel, law.log_z
