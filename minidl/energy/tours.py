r"""Tours: run the hidden Gibbs chain until it comes back to a stopping set, however long that takes.

Claim. A chain that is stopped after a fixed number of steps has a bias that nobody knows. A chain that is stopped
when it *returns* to a set of states $S$ from which it was started by the right law has none: averages over complete
tours are unbiased, and the price is a random running time (Las Vegas instead of Monte Carlo).

Equations. $S$ holds hidden states of the data, so that it is where the model's probability is once training has begun:

$$S = \mathrm{unique}\{h^{(n,i)} \sim p(h \mid x_n) : n \le N,\ i \le r\}, \qquad
  \mu(h) = e^{-\tilde F(h)} / Z_S \text{ on } S, \qquad Z_S = \sum_{h \in S} e^{-\tilde F(h)}$$

A tour starts at $h_0 \sim \mu$ and goes $h_t \to v \to h_{t+1}$ until $h_\xi \in S$ for the first $\xi \ge 1$. It
visits $h_0, \dots, h_{\xi - 1}$; the returning state is not used, since it is the start of the next tour.

Notation. $S$: states (|S|, n_H) in any order, or a `StateSet` made of them once, which saves time where the set is used
again. Repetitions matter to `start_law` alone, which refuses them. `length`: $\xi$.

Conventions. The set is tested after each step and never before the first. Every run has a cap: a tour that has not
come back by then is reported as not completed.

Source. Savarese, Kakodkar, Ribeiro, "From Monte Carlo to Las Vegas: Improving Restricted Boltzmann Machine Training
Through Stopping Sets", AAAI 2018 (arXiv:1711.08442), and the authors' code, from which the rounds $r$ and the tours on
hidden states are taken. Their first code never samples the visible layer, which changes the stationary law; their
later code does, and so does this.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minidl.border import generator
from minidl.energy import border
from minidl.energy.codes import StateSet
from minidl.energy.rbm import _step
from minidl.energy.results import Parameters, StartLaw, Tours
from minidl.energy.units import log_sum_exp, sigmoid, softplus


# --- the stopping set and the start of tours ---------------------------------------------------------------------------
def stopping_set(
    x: np.ndarray, W: np.ndarray, a: np.ndarray, u: np.ndarray, *, allow_probabilities: bool = False
) -> np.ndarray:
    """The distinct hidden states sampled from the data. x: (N, n_V), u: (rounds, N, n_H). Returns (|S|, n_H) uint8.

    The order is by code for up to 64 hidden units. Raises ValueError for shapes that do not fit and data that are not
    binary.
    """
    W, _, a = border.parameters(W, a=a)
    x = border.batch("x", x, W.shape[0], W.dtype, probabilities=allow_probabilities)
    u = border.uniforms("u", u, "rounds", len(x), W.shape[1])
    return StateSet.of((u < sigmoid(x @ W + a)).reshape(-1, W.shape[1])).states


def start_law(S: np.ndarray | StateSet, W: np.ndarray, b: np.ndarray, a: np.ndarray) -> StartLaw:
    """mu, the machine's hidden distribution restricted to S, and log Z_S.

    S: (|S|, n_H) without repetitions, or a `StateSet`. Returns probabilities (|S|,) in the order of the rows.
    Raises ValueError for an empty or repeating set, states that are not binary, shapes that do not fit.
    """
    theta = border.parameters(W, b, a)
    states = _rows(S, theta.W.shape[1])
    if not isinstance(S, StateSet) and len(StateSet.of(states)) != len(states):
        raise ValueError("S holds a state more than once, which would count twice: pass np.unique(S, axis=0)")
    return _start_law(states, theta)


def _rows(S: np.ndarray | StateSet, n_H: int | None = None) -> np.ndarray:
    """The states of a stopping set as they come, (|S|, n_H)."""
    states = S.states if isinstance(S, StateSet) else np.asarray(S)
    if states.size == 0:
        raise ValueError(f"the stopping set is empty (shape {states.shape}): no tour could ever return to it")
    return border.batch("S", states, n_H, np.uint8)


def _start_law(states: np.ndarray, theta: Parameters) -> StartLaw:
    W, b, a = theta
    log_weight = np.empty(len(states))
    rows = max(1, (1 << 17) // len(b))  # a megabyte at a time
    for i in range(0, len(states), rows):
        h = states[i : i + rows].astype(W.dtype)
        log_weight[i : i + rows] = h @ a + softplus(h @ W.T + b).sum(axis=1)
    log_z = log_sum_exp(log_weight)
    return StartLaw(np.exp(log_weight - log_z), log_z)


def sample_starts(S: np.ndarray | StateSet, probability: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Starts of R tours, with replacement: row k of S where u falls into the k-th piece of the summed probabilities.

    S: (|S|, n_H), probability: (|S|,), need not sum to exactly 1, u: (R,). Returns (R, n_H) uint8. Raises ValueError
    for shapes that do not fit and probabilities that are negative or all zero.
    """
    states = _rows(S)
    probability, u = border.real("probability", probability), border.uniforms("u", u, "tours")
    if probability.shape != (len(states),) or probability.min() < 0 or probability.sum() <= 0:
        raise ValueError(
            f"probability must hold a number >= 0 for each of the {len(states)} states, not all 0, got shape "
            f"{probability.shape} with sum {probability.sum():g}"
        )
    upto = np.cumsum(probability, dtype=np.float64)
    # below upto[-1] in exact arithmetic; rounding may reach it, and must not step past the last possible state
    last = np.flatnonzero(probability)[-1]
    return states[np.minimum(np.searchsorted(upto, u * upto[-1], side="right"), last)]


# --- tours -------------------------------------------------------------------------------------------------------------
def run_tours(
    S: np.ndarray | StateSet,
    start: np.ndarray,
    W: np.ndarray,
    b: np.ndarray,
    a: np.ndarray,
    u_v: np.ndarray,
    u_h: np.ndarray,
) -> Tours:
    """R tours from given starts in S, capped at K steps. start: (R, n_H), u_v: (K, R, n_V), u_h: (K, R, n_H).

    Tour r takes its noise for step t from u_v[t, r] and u_h[t, r], and leaves the rest unused when it has come back.
    Raises ValueError for an empty S, starts outside S, no tour, K < 1, shapes that do not fit, parameters that are
    not finite.
    """
    S, theta, start = _checked(S, start, W, b, a)
    u_v = border.uniforms("u_v", u_v, "K", len(start), theta.W.shape[0])
    u_h = border.uniforms("u_h", u_h, len(u_v), *start.shape)
    return _run(S, start, theta, len(u_v), lambda t, live: (u_v[t, live], u_h[t, live]), keep=True)


def _checked(
    S: np.ndarray | StateSet, start: np.ndarray, W: np.ndarray, b: np.ndarray, a: np.ndarray
) -> tuple[StateSet, Parameters, np.ndarray]:
    theta = border.parameters(W, b, a)
    if not isinstance(S, StateSet):
        S = StateSet.of(_rows(S, theta.W.shape[1]))
    if S.units != theta.W.shape[1]:
        raise ValueError(f"S holds states of {S.units} units, the machine has {theta.W.shape[1]} hidden units")
    start = border.batch("start", start, S.units, theta.W.dtype)
    if not (inside := S.contains(start)).all():
        raise ValueError(f"tours start in S, but start {np.flatnonzero(~inside)[0]} is not in it: use sample_starts")
    return S, theta, start


def _run(
    S: StateSet,
    h: np.ndarray,
    theta: Parameters,
    cap: int,
    noise: Callable[[int, np.ndarray], tuple[np.ndarray, np.ndarray]],
    keep: bool,
) -> Tours:
    """Step all live tours together; noise(t, live) gives u_v and u_h for them. Without `keep`, no visits are recorded."""
    tours = len(h)
    length, completed = np.zeros(tours, np.int64), np.zeros(tours, bool)
    last, live = h.astype(np.uint8), np.arange(tours)
    states, owner = [last[:0]], [live[:0]]
    for t in range(cap):
        if keep:
            states.append(h.astype(np.uint8))
            owner.append(live)
        h = _step(h, *theta, *noise(t, live)).h  # (live, n_H)
        back = S.contains(h)
        length[live], last[live], completed[live] = t + 1, h, back
        live, h = live[~back], h[~back]
        if live.size == 0:
            break
    return Tours(length, completed, last, np.concatenate(states), np.concatenate(owner))


def draw_stopping_set(
    x: np.ndarray,
    W: np.ndarray,
    a: np.ndarray,
    *,
    rounds: int = 1,
    largest: int | None = None,
    rng: np.random.Generator,
    allow_probabilities: bool = False,
) -> StateSet:
    """`stopping_set` with noise from `rng`, ready for fast membership. rounds: samples for each row of x.

    largest: keep at most so many of the states, chosen at random. Any set is valid, and the start law costs |S| free
    energies at every step of training; a smaller one has longer tours.
    """
    W, _, a = border.parameters(W, a=a)
    rounds, rng = border.count("rounds", rounds), generator(rng)
    u = rng.random((rounds, len(x), W.shape[1]), W.dtype)
    states = stopping_set(x, W, a, u, allow_probabilities=allow_probabilities)
    if largest is not None and len(states) > border.count("largest", largest):
        states = states[rng.permutation(len(states))[:largest]]
    return StateSet.of(states)


def draw_tours(
    S: np.ndarray | StateSet,
    W: np.ndarray,
    b: np.ndarray,
    a: np.ndarray,
    *,
    tours: int,
    cap: int,
    rng: np.random.Generator,
    keep: bool = True,
    law: StartLaw | None = None,
) -> Tours:
    """Tours from mu with noise from `rng`, which is drawn for the live tours only, step by step.

    S: a `StateSet`, or states (|S|, n_H). cap: steps after which a tour is given up and reported as not completed.
    keep: whether to record the visited states (without, a long run needs no memory). law: `start_law` of this very S,
    where it is known already. Raises as `run_tours`, and ValueError for tours < 1 or cap < 1.
    """
    theta = border.parameters(W, b, a)
    tours, cap, rng, dtype = border.count("tours", tours), border.count("cap", cap), generator(rng), theta.W.dtype
    if law is None:
        S = StateSet.of(_rows(S, theta.W.shape[1])) if not isinstance(S, StateSet) else S
        law = start_law(S, *theta)
    start = sample_starts(S, law.probability, rng.random(tours))  # the law is in the order in which S was given
    S, theta, start = _checked(S, start, *theta)
    n_V, n_H = theta.W.shape
    return _run(
        S,
        start,
        theta,
        cap,
        lambda t, live: (rng.random((len(live), n_V), dtype), rng.random((len(live), n_H), dtype)),
        keep,
    )
