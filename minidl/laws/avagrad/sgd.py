"""The laws of gradient descent with momentum: it is linear, and everything about it has a closed form.

Conventions: torch.optim.SGD. The first buffer is the gradient itself, so dampening starts with the second step.
"""

from __future__ import annotations

import numpy as np

from minidl.laws.avagrad.cases import SGD, SGD_RUNS
from minidl.laws.avagrad.planted import bugs_of
from minidl.laws.avagrad.printed import printed_for
from minidl.laws.core import Contract, agree, law
from minidl.laws.optimizer_cases import (
    decayed_sums,
    follows,
    geometric_gradients,
    geometric_sums,
    way,
    wide,
)
from minidl.laws.optimizer_laws import coordinates_alone, coupled_decay, learning_rate, symmetries


@law(
    cases=SGD_RUNS,
    needs=("sgd",),
    grade="numerical",
    equation=r"b_t = \mu^{t-1} g + (1-\tau) \Bigl(\frac{\mu^t - \rho^t}{\mu - \rho} - \mu^{t-1}\Bigr) g",
    source="geometric series",
)
def geometric_descent(impl, case):
    """Along gradients g rho^(t-1) the buffer is a geometric series: an impulse decays, a constant force saturates."""
    gradients, mu, steps = geometric_gradients(case), case["momentum"], len(case["gradients"])
    got = SGD(impl, case, gradients=gradients, weight_decay=0.0)
    g = gradients.astype(np.float64)
    if not mu:
        follows(got, case, g, why="w")
        return
    first = mu ** np.arange(steps)  # (T,)

    def buffers(ratio):
        """Coefficients of g_1; their magnitudes for |ratio|."""
        return first + (1 - case["dampening"]) * (geometric_sums(ratio, mu, steps) - first)

    buffer, terms = (np.outer(buffers(ratio), g[0]) for ratio in (case["ratio"], abs(case["ratio"])))
    if case["nesterov"]:
        buffer, terms = g + mu * buffer, np.abs(g) + mu * np.abs(terms)
    follows(got, case, buffer, bounds=np.abs(terms), why="w")


@law(
    cases=SGD_RUNS,
    needs=("sgd",),
    grade="numerical",
    equation=r"w_t(a w_0, a g) + w_t(b w_0', b g') = w_t(a w_0 + b w_0', a g + b g')",
    source="linearity",
)
def runs_superpose(impl, case):
    """Descent is linear: the runs of two starts along two sequences of gradients add up, with decay as well."""
    w, gradients = case["w"], case["gradients"]
    other, others = np.full_like(w, 0.5), gradients[::-1, ::-1].copy()
    one, two = SGD(impl, case), SGD(impl, case, w=other, gradients=others)
    both = SGD(impl, case, w=w + other, gradients=gradients + others)
    # each buffer is a sum of at most this much, decay included, and each step rounds it a few times
    pull = np.abs(gradients) + np.abs(others) + case["weight_decay"] * (way(w, one) + way(other, two))
    terms = (1 + case["momentum"]) * decayed_sums(pull.astype(np.float64), case["momentum"])
    scale = np.abs(w) + np.abs(other) + np.cumsum(case["lr"][:, None] * terms, axis=0)
    agree(both, one + two, why="the sum of two runs", ulps=8 * len(gradients), scale=scale)


@law(
    cases=SGD_RUNS,
    needs=("sgd",),
    grade="numerical",
    equation=r"w_t(\tau; g_1, g_2, g_3, \dots) = w_t(0; g_1, (1-\tau) g_2, (1-\tau) g_3, \dots)",
    source="torch.optim.SGD",
)
def dampening_spares_the_first_step(impl, case):
    """Dampening does what smaller gradients would do from the second step on."""
    tau = 0.25  # 1 - tau is exact, and so is its product with a gradient, but for a rounding
    case = case | {"momentum": case["momentum"] or 0.5, "nesterov": False, "weight_decay": 0.0}
    gradients = case["gradients"].copy()
    gradients[1:] *= 1 - tau
    plain = SGD(impl, case, gradients=gradients, dampening=0.0)
    buffers = decayed_sums(np.abs(gradients).astype(np.float64), case["momentum"])
    scale = np.abs(case["w"]) + np.cumsum(case["lr"][:, None] * buffers, axis=0)
    agree(SGD(impl, case, dampening=tau), plain, why="the dampened run", ulps=4 * len(plain), scale=scale)


@law(
    cases=SGD_RUNS,
    needs=("sgd",),
    grade="numerical",
    equation=r"w_t = \mu w_{t-1} + (1 - \mu) w_0 + p_t, \quad p_t = -\eta \sum_{i \le t} g_i",
    source="the buffer's recursion, summed over time",
)
def momentum_remembers_the_way(impl, case):
    """At a constant learning rate, the way with momentum is mu times the way so far plus the way without momentum."""
    mu = case["momentum"] or 0.5
    case = case | {"w": np.zeros_like(case["w"]), "lr": np.full_like(case["lr"], 0.1), "weight_decay": 0.0}
    case = case | {"dampening": 0.0, "nesterov": False}
    got, free = SGD(impl, case, momentum=mu), SGD(impl, case, momentum=0.0)
    before = np.vstack([case["w"], got[:-1]])
    # sums of at most this much, t times over
    scale = np.cumsum(0.1 * decayed_sums(np.abs(case["gradients"]).astype(np.float64), mu), axis=0)
    agree(got, case["w"].dtype.type(mu) * before + free, why="the way", ulps=6 * len(got), scale=scale)


@law(
    cases=SGD_RUNS,
    needs=("sgd",),
    grade="numerical",
    equation=r"w^N_t = w_t + \mu (w_t - w_{t-1})",
    source="Sutskever et al., 'On the importance of initialization and momentum in deep learning', 2013, section 2",
)
def nesterov_looks_ahead(impl, case):
    """At a constant learning rate, Nesterov's iterates are those of momentum, extrapolated by mu times the last move."""
    mu = case["momentum"] or 0.5
    case = case | {"lr": np.full_like(case["lr"], 0.1), "weight_decay": 0.0, "dampening": 0.0, "momentum": mu}
    ahead, plain = SGD(impl, case, nesterov=True), SGD(impl, case, nesterov=False).astype(np.float64)
    expected = plain + mu * np.diff(np.vstack([case["w"], plain]), axis=0)
    buffers = decayed_sums(np.abs(case["gradients"]).astype(np.float64), mu)
    scale = np.abs(case["w"]) + np.cumsum(0.1 * (1 + 2 * mu) * buffers, axis=0)
    agree(ahead, expected.astype(ahead.dtype), why="Nesterov's run", ulps=6 * len(plain), scale=scale)


@law(
    cases=SGD_RUNS,
    needs=("sgd",),
    grade="numerical",
    equation=r"\mu = \tau: \; b_t = (1-\mu) \sum_i \mu^{t-i} g_i + \mu^t g_1",
    source="torch.optim.SGD",
)
def equal_dampening_averages(impl, case):
    """With dampening = momentum the buffer is a moving average of the gradients, which starts from the first of them."""
    mu = case["momentum"] or 0.5
    got = SGD(impl, case, momentum=mu, dampening=mu, nesterov=False, weight_decay=0.0)
    g = wide(case)["gradients"]
    memory = np.outer(mu ** np.arange(1, len(g) + 1), g[0])
    terms = (1 - mu) * decayed_sums(np.abs(g), mu) + np.abs(memory)
    follows(got, case, (1 - mu) * decayed_sums(g, mu) + memory, bounds=terms, why="w")


SGD_CONTRACT = Contract(
    "sgd",
    SGD.inputs,
    ("trajectory",),
    SGD_RUNS,
    "Gradient descent with momentum, as torch.optim.SGD.",
    laws=(
        geometric_descent,
        runs_superpose,
        dampening_spares_the_first_step,
        momentum_remembers_the_way,
        nesterov_looks_ahead,
        equal_dampening_averages,
        *symmetries(SGD, SGD_RUNS),
        coordinates_alone(SGD, SGD_RUNS),
        *learning_rate(SGD, SGD_RUNS, weight_decay=0.0),
        coupled_decay(SGD, SGD_RUNS, gain=lambda case: (1 + case["momentum"]) / (1 - case["momentum"])),
    ),
    planted=bugs_of("sgd"),
    golden=printed_for(SGD),
)
