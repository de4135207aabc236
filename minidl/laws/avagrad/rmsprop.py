"""The laws of RMSprop: what it divides by has a closed form along geometric gradients.

Conventions: torch.optim.RMSprop. No bias correction; eps is added to the root.
"""

from __future__ import annotations

import numpy as np

from minidl.laws.avagrad.cases import RMSPROP, RMSPROP_RUNS
from minidl.laws.avagrad.planted import bugs_of
from minidl.laws.avagrad.printed import printed_for
from minidl.laws.core import Contract, agree, law
from minidl.laws.optimizer_cases import (
    condition,
    decayed_sums,
    follows,
    geometric_gradients,
    geometric_sums,
    nonzero,
    way,
    wide,
)
from minidl.laws.optimizer_laws import coordinates_alone, coupled_decay, homogeneity, learning_rate, symmetries


def _spread(case):
    """How much v / (v - mean^2) can be: by Cauchy and Schwarz mean^2 <= (1 - alpha^t) v, so at most alpha^-t; 1 uncentred."""
    return case["alpha"] ** -float(len(case["gradients"])) if case["centered"] else 1.0


def _gain(case):
    """Where |g| >= 1, the root is at least that of 1 - alpha; momentum repeats each move 1 / (1 - mu) times."""
    return 3 * _spread(case) / (1 - case["alpha"]) ** 0.5 / (1 - case["momentum"])


@law(
    cases=RMSPROP_RUNS,
    needs=("rmsprop",),
    grade="numerical",
    equation=r"v_t = (1-\alpha) \frac{\alpha^t - \rho^{2t}}{\alpha - \rho^2} g^2, \quad"
    r" \bar g_t = (1-\alpha) \frac{\alpha^t - \rho^t}{\alpha - \rho} g",
    source="geometric series",
)
def geometric_roots(impl, case):
    """Along gradients g rho^(t-1) mean square and mean are geometric series; the move divides by the root plus eps."""
    gradients, alpha, steps = geometric_gradients(case), case["alpha"], len(case["gradients"])
    g = gradients.astype(np.float64)
    v = (1 - alpha) * geometric_sums(case["ratio"] ** 2, alpha, steps)
    if case["centered"]:
        v = v - ((1 - alpha) * geometric_sums(case["ratio"], alpha, steps)) ** 2
    moves = g / (np.outer(np.sqrt(v), np.abs(g[0])) + case["eps"])
    mu = case["momentum"]
    follows(
        RMSPROP(impl, case, gradients=gradients, weight_decay=0.0),
        case,
        decayed_sums(moves, mu),
        bounds=decayed_sums(np.abs(moves), mu),
        condition=condition(alpha) * _spread(case),
        why="w",
    )


@law(
    cases=RMSPROP_RUNS,
    needs=("rmsprop",),
    grade="numerical",
    equation=r"g_t = g: \; \Delta_t = \eta\, \mathrm{sign}(g) / \sqrt{1 - \alpha^t}, \text{ centred }"
    r" \eta\, \mathrm{sign}(g) / \sqrt{\alpha^t (1 - \alpha^t)}",
    source="v_t = (1 - alpha^t) g^2",
)
def constant_gradients_lose_their_size(impl, case):
    """With eps = 0 the moves along a constant gradient do not depend on its size; centred, its variance is alpha^t of v."""
    constant, alpha = np.tile(nonzero(case["gradients"][:1]), (len(case["gradients"]), 1)), case["alpha"]
    t = np.arange(1, len(constant) + 1)
    root = np.sqrt((1 - alpha**t) * (alpha**t if case["centered"] else 1))
    got = RMSPROP(impl, case, gradients=constant, eps=0.0, momentum=0.0, weight_decay=0.0)
    spread = condition(alpha) * _spread(case)
    follows(got, case, np.sign(constant) / root[:, None], condition=spread, why="w")


@law(
    cases=RMSPROP_RUNS,
    needs=("rmsprop",),
    grade="numerical",
    equation=r"w_t = \mu w_{t-1} + (1-\mu) w_0 + p_t, \quad p_t \text{ without momentum}",
    source="the buffer's recursion, summed over time",
)
def momentum_is_on_the_moves(impl, case):
    """At a constant learning rate, the way with momentum is mu times the way so far plus the way without momentum."""
    mu = case["momentum"] or 0.5
    case = case | {"w": np.zeros_like(case["w"]), "lr": np.full_like(case["lr"], 0.125), "weight_decay": 0.0}
    got, free = RMSPROP(impl, case, momentum=mu), RMSPROP(impl, case, momentum=0.0)
    before = np.vstack([case["w"], got[:-1]])
    moves = np.abs(np.diff(np.vstack([case["w"], free]).astype(np.float64), axis=0))
    scale = np.cumsum(decayed_sums(moves, mu), axis=0) + way(case["w"], free)
    agree(got, case["w"].dtype.type(mu) * before + free, why="the way", ulps=6 * len(got), scale=scale)


@law(
    cases=RMSPROP_RUNS,
    needs=("rmsprop",),
    grade="numerical",
    equation=r"s_t = v_t - \bar g_t^2 = (1-\alpha) \sum_i \alpha^{t-i} (g_i - \bar g_t)^2 + \alpha^t \bar g_t^2",
    source="the variance about the mean, with the weight alpha^t on the 0 from which both averages start",
)
def centred_roots_are_variances(impl, case):
    """Centred, the root is of a weighted variance of all gradients so far, the starting 0 among them: a sum of squares."""
    g, alpha = wide(case | {"gradients": nonzero(case["gradients"])})["gradients"], case["alpha"]
    mean = (1 - alpha) * decayed_sums(g, alpha)
    variance = [
        (1 - alpha) * decayed_sums((g[: t + 1] - mean[t]) ** 2, alpha)[-1] + alpha ** (t + 1) * mean[t] ** 2
        for t in range(len(g))
    ]
    directions = g / (np.sqrt(variance) + case["eps"])
    got = RMSPROP(impl, case, gradients=nonzero(case["gradients"]), centered=True, momentum=0.0, weight_decay=0.0)
    spread = condition(alpha) * _spread(case | {"centered": True})
    follows(got, case, directions, condition=spread, why="w")


RMSPROP_CONTRACT = Contract(
    "rmsprop",
    RMSPROP.inputs,
    ("trajectory",),
    RMSPROP_RUNS,
    "Gradients over the root of their mean square, as torch.optim.RMSprop.",
    laws=(
        geometric_roots,
        constant_gradients_lose_their_size,
        momentum_is_on_the_moves,
        centred_roots_are_variances,
        *symmetries(RMSPROP, RMSPROP_RUNS),
        coordinates_alone(RMSPROP, RMSPROP_RUNS),
        *learning_rate(RMSPROP, RMSPROP_RUNS, weight_decay=0.0),
        homogeneity(RMSPROP, RMSPROP_RUNS, 0, eps=1),
        coupled_decay(RMSPROP, RMSPROP_RUNS, gain=_gain),
    ),
    planted=bugs_of("rmsprop"),
    golden=printed_for(RMSPROP),
)
