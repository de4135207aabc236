r"""MCLV-K and LVS-K: the partition function and the gradient from tours of at most K steps.

Equations. With $\pi(S) = Z_S / Z$ and tours as in `minidl.energy.tours`, Kac's theorem gives, for every function f of
a hidden state,

$$E[\xi] = \frac{1}{\pi(S)} = \frac{Z}{Z_S}, \qquad
  E\Big[\sum_{t<\xi} f(h_t)\Big] = \frac{E_p[f]}{\pi(S)}, \qquad h_\xi \sim \mu$$

so that without a cap $\hat Z = Z_S \cdot \overline\xi$ is unbiased, and with $\phi(h) = \hat v(h)\, h^\top$ where
$\hat v(h) = p(v = 1 \mid h)$,

$$\hat g = \frac1R \sum_r \sum_{t<\xi_r} (g_{pos} - \phi(h^r_t)), \qquad E \hat g = \frac{Z}{Z_S} \nabla_W$$

is an unbiased *direction*: the true gradient times an unknown positive number. Training uses the ratio over the
completed tours $\mathcal C = \{r : \xi_r \le K\}$,

$$\hat\phi_{LVS-K} = \frac{\sum_{r \in \mathcal C} \sum_{t<\xi_r} \phi(h^r_t)}{\sum_{r \in \mathcal C} \xi_r}$$

which is consistent for K = infinity, with the usual O(1/R) bias of ratios. **A cap adds a bias that more tours do not
remove**: $E[\xi \mid \xi \le K] \le E[\min(\xi, K)] \le 1 / \pi(S)$, so that $\hat Z_K$ comes out too small
(`minidl.energy.kac` says by how much).

Conventions. Unfinished tours are dropped with everything they visited, as in the authors' code; `tour_log_partition`
can count them with their length so far instead, which is closer and still too small. Negative statistics use the
state h and the mean of v.

Source. Savarese, Kakodkar, Ribeiro, "From Monte Carlo to Las Vegas: Improving Restricted Boltzmann Machine Training
Through Stopping Sets", AAAI 2018 (arXiv:1711.08442), and the authors' code (PurdueMINDS/MCLV-RBM).
"""

from __future__ import annotations

import numpy as np

from minidl.energy import border
from minidl.energy.averages import log_mean
from minidl.energy.rbm import gradient, positive_statistics
from minidl.energy.results import Estimate, Gradient, Statistics
from minidl.energy.units import sigmoid


def lvs_statistics(
    states: np.ndarray, owner: np.ndarray, completed: np.ndarray, W: np.ndarray, b: np.ndarray
) -> Statistics | None:
    """Means of v(h) h^T, v(h) and h over the states that completed tours visited; None if no tour was completed.

    states: (T, n_H) visited states in any order, owner: (T,) integers in 0..R-1, the tour of each, completed: (R,)
    bool; as in `Tours`. The mean of v given h stands for a sample of v. Raises ValueError for shapes that do not fit
    and owners that are no tours.
    """
    W, b, _ = border.parameters(W, b)
    h = _visits(states, owner, completed, W)
    return _means(h, W, b) if len(h) else None


def lvs_gradient(
    x: np.ndarray,
    states: np.ndarray,
    owner: np.ndarray,
    completed: np.ndarray,
    W: np.ndarray,
    b: np.ndarray,
    a: np.ndarray,
    *,
    allow_probabilities: bool = False,
) -> Gradient | None:
    """LVS-K: positive statistics of x (N, n_V) minus `lvs_statistics` of tours; None if no tour was completed."""
    positive = positive_statistics(x, W, a, allow_probabilities=allow_probabilities)
    negative = lvs_statistics(states, owner, completed, W, b)
    return None if negative is None else gradient(positive, negative)


def tour_gradient(
    x: np.ndarray,
    states: np.ndarray,
    owner: np.ndarray,
    completed: np.ndarray,
    W: np.ndarray,
    b: np.ndarray,
    a: np.ndarray,
) -> Gradient:
    """The unbiased direction: the sum over visits of positive minus negative statistics, divided by the number of tours.

    Its expectation is Z / Z_S times the gradient. Arguments as `lvs_gradient`. Raises ValueError if a tour was not
    completed, since neither dropping nor keeping it would be unbiased.
    """
    completed = np.asarray(completed)
    if not completed.all():
        raise ValueError(
            f"{np.count_nonzero(~completed.astype(bool))} of {completed.size} tours were not completed, so the direction would "
            "be biased: raise the cap, or use lvs_gradient"
        )
    ratio = lvs_gradient(x, states, owner, completed, W, b, a)
    per_tour = len(states) / len(completed)
    return Gradient(*(per_tour * part for part in ratio))


def _visits(states: np.ndarray, owner: np.ndarray, completed: np.ndarray, W: np.ndarray) -> np.ndarray:
    """The visited states of completed tours, in the dtype of W."""
    states = border.batch("states", states, W.shape[1], W.dtype)
    owner, completed = np.asarray(owner), np.asarray(completed)
    if completed.dtype.kind != "b" or completed.ndim != 1 or completed.size == 0:
        raise ValueError(
            f"completed must be (R,) booleans, one for each of at least one tour, got {completed.dtype} {completed.shape}"
        )
    if owner.dtype.kind not in "iu" or owner.shape != (len(states),):
        raise ValueError(
            f"owner must be ({len(states)},) integers, one per visited state, got {owner.dtype} {owner.shape}"
        )
    if owner.min() < 0 or owner.max() >= len(completed):
        raise ValueError(f"owners are tours 0 to {len(completed) - 1}, got numbers from {owner.min()} to {owner.max()}")
    return states[completed[owner]]


def _means(h: np.ndarray, W: np.ndarray, b: np.ndarray) -> Statistics:
    vh, v, rows = np.zeros_like(W), np.zeros_like(b), max(1, (1 << 17) // len(b))
    for i in range(0, len(h), rows):  # a megabyte of visible means at a time
        part = h[i : i + rows]
        v_mean = sigmoid(part @ W.T + b)  # (rows, n_V)
        vh += v_mean.T @ part
        v += v_mean.sum(axis=0)
    return Statistics(vh / len(h), v / len(h), h.mean(axis=0))


def tour_log_partition(
    length: np.ndarray, completed: np.ndarray, log_z_S: float, unfinished: str = "drop", level: float = 0.95
) -> Estimate | None:
    """MCLV-K: log of Z_S times the mean length of tours, with an interval at this level; None if there is no tour to use.

    length: (R,), completed: (R,) as in `Tours`; log_z_S from `start_law`. unfinished: "drop" the tours that were not
    completed (the authors' rule), or "count" their length so far; both give too small a Z, the second one less so.
    The lower end is at least log Z_S, which bounds log Z for certain. Where a tour was not completed, the upper end
    is infinite: tours that never returned say nothing about how long they would have taken.
    Raises ValueError for shapes that do not fit, lengths below 1, another rule.
    """
    length, completed = np.asarray(length), np.asarray(completed)
    if length.dtype.kind not in "iu" or length.ndim != 1 or length.size == 0 or length.min() < 1:
        raise ValueError("length must be (R,) integers of at least 1, for at least one tour")
    if completed.dtype.kind != "b" or completed.shape != length.shape:
        raise ValueError(f"completed must be booleans of shape {length.shape}, got {completed.dtype} {completed.shape}")
    if unfinished not in ("drop", "count"):
        raise ValueError(f"unfinished must be 'drop' or 'count', got {unfinished!r}")
    log_z_S = float(border.real("log_z_S", log_z_S))
    used = length if unfinished == "count" else length[completed]
    if used.size == 0:
        return None
    found = log_mean(np.log(used), offset=log_z_S, level=level)
    return found._replace(low=max(found.low, log_z_S), high=found.high if completed.all() else np.inf)
