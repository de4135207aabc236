"""The laws of the exact likelihood, of its gradient, and of the kernel of the hidden chain."""

from __future__ import annotations

import numpy as np

from minidl.laws.checks import compare
from minidl.laws.core import Cases, Contract, Golden, agree, law
from minidl.laws.mclv_rbm.cases import DATA, DEFINITION, GENTLE, HINTON, THETA, TOURS, WORKED, WORKED_X, phases
from minidl.laws.mclv_rbm.copies import machines_side_by_side_step_independently
from minidl.laws.mclv_rbm.energies import theta
from minidl.laws.mclv_rbm.machine import LONG, Machine, bits, code, machine
from minidl.laws.mclv_rbm.planted import bugs_of

FIELDS = ("dW", "db", "da")


# --- likelihood --------------------------------------------------------------------------------------------------------
@law(
    cases=DATA,
    needs=("log_likelihood",),
    grade="numerical",
    equation=r"\log p(x) = \log \sum_h e^{-E(x, h)} - \log Z",
    source=DEFINITION,
)
def likelihood_of_each_row(impl, case):
    """The log-likelihood of a row is the log of its share of the summed weights of all pairs."""
    m = machine(case)
    expected = (m.log_v - m.log_z)[code(case["x"])]
    m.agree_log(impl.log_likelihood(case["x"], *theta(case)), expected, why="log p(x)", ulps=m.terms)


@law(cases=THETA, needs=("log_likelihood",), grade="numerical", equation=r"\sum_x p(x) = 1", source=DEFINITION)
def likelihoods_of_all_states_sum_to_one(impl, case):
    """The likelihoods of all visible states sum to 1."""
    m = machine(case)
    total = np.exp(np.asarray(impl.log_likelihood(bits(m.n_V), *theta(case)))).sum()
    m.agree_p(total, 1.0, why="the sum of all likelihoods", ulps=m.terms)


@law(cases=DATA, needs=("log_likelihood",), grade="numerical", source="convention")
def rows_are_independent(impl, case):
    """Each row has its own likelihood, whatever stands beside it."""
    m, x = machine(case), case["x"]
    whole = np.asarray(impl.log_likelihood(x, *theta(case)))
    for n in range(len(x)):
        agree(
            impl.log_likelihood(x[n : n + 1], *theta(case)), whole[n : n + 1], why="a row", ulps=m.terms, scale=m.size
        )


@law(
    cases=Cases(named={"worked": WORKED | {"x": WORKED_X, "mean": -1.309028027471351}}),
    needs=("log_likelihood",),
    grade="numerical",
    source="worked example",
)
def worked_mean_likelihood(impl, case):
    """The mean log-likelihood of the worked data 10, 11, 01 is as printed."""
    mean = np.asarray(impl.log_likelihood(case["x"], *theta(case))).mean()
    compare(mean, case["mean"], 8 * np.finfo(float).eps, why="the mean log-likelihood")


# --- its gradient ------------------------------------------------------------------------------------------------------
STEP = 2.0**-16
# Each third derivative is a third cumulant of a variable in [0, 1] given the data, minus one under the model; neither
# exceeds 1 / (6 sqrt 3). A central difference is off by a sixth of it, times the step squared.
_BEND = STEP**2 / 6 * 2 / (6 * np.sqrt(3))


def _mean_likelihood(W, b, a, at):
    m = Machine(W, b, a)
    return (m.log_v[at] - m.log_z).mean()


@law(
    cases=GENTLE,
    needs=("log_likelihood_gradient",),
    grade="numerical",
    equation=r"\partial_\theta L = \frac{L(\theta + t) - L(\theta - t)}{2t} + O(t^2)",
    source=DEFINITION,
)
def gradient_is_the_slope_of_the_likelihood(impl, case):
    """The gradient is the central difference of the mean log-likelihood in every parameter."""
    at, parts = code(case["x"]), [np.asarray(part, LONG) for part in theta(case)]
    rounding = float(np.finfo(LONG).eps) / STEP + float(np.finfo(float).eps)  # of the difference, and of the result
    m = machine(case)
    for k, got in enumerate(impl.log_likelihood_gradient(case["x"], *theta(case))):
        slope = np.empty(parts[k].shape)
        for index in np.ndindex(slope.shape):
            up, down = ([part.copy() for part in parts] for _ in range(2))
            up[k][index] += STEP
            down[k][index] -= STEP
            slope[index] = (_mean_likelihood(*up, at) - _mean_likelihood(*down, at)) / (2 * STEP)
        compare(got, slope, _BEND + 2 * m.terms * m.size * rounding, why=f"{FIELDS[k]} against central differences")


@law(
    cases=THETA,
    needs=("log_likelihood_gradient",),
    grade="numerical",
    equation=r"\sum_x p(x)\, \nabla \log p(x) = 0",
    source=DEFINITION,
)
def score_has_mean_zero(impl, case):
    """Under the machine's own distribution the gradients of single rows cancel."""
    m = machine(case)
    total = [np.zeros(np.shape(part)) for part in theta(case)]
    for x, p in zip(bits(m.n_V), np.asarray(m.p_v, np.float64), strict=True):
        for part, got in zip(total, impl.log_likelihood_gradient(x[None], *theta(case)), strict=True):
            part += p * np.asarray(got)
    for name, part, mean in zip(FIELDS, total, m.moments, strict=True):
        m.agree_p(part, np.zeros(part.shape), why=f"the mean of {name}", ulps=2 * m.terms + 2.0**m.n_V, scale=mean)


@law(
    cases=DATA,
    needs=("log_likelihood_gradient",),
    grade="numerical",
    equation=r"\nabla_\theta L = \langle \cdot \rangle_{data} - \langle \cdot \rangle_{model}",
    source=HINTON,
)
def data_minus_model(impl, case):
    """The gradient is the mean over the data, hidden layer averaged out, minus the mean under the model."""
    m, x = machine(case), np.asarray(case["x"], LONG)
    data = x.T @ m.h_mean[code(x)] / len(x), x.mean(axis=0), m.h_mean[code(x)].mean(axis=0)
    got = impl.log_likelihood_gradient(case["x"], *theta(case))
    for name, part, positive, negative in zip(FIELDS, got, data, m.moments, strict=True):
        m.agree_p(part, positive - negative, why=name, ulps=m.terms + len(x), scale=positive + negative)


# --- the kernel --------------------------------------------------------------------------------------------------------
@law(
    cases=THETA,
    needs=("hidden_kernel",),
    grade="numerical",
    equation=r"T(h, h') = \sum_v p(v \mid h)\, p(h' \mid v)",
    source=TOURS,
)
def all_ways_over_the_visible_layer(impl, case):
    """The kernel sums over all visible states in between, each with its share of the weights of pairs."""
    m = machine(case)
    m.agree_p(impl.hidden_kernel(*theta(case)), m.kernel, why="T", ulps=2 * m.terms + 2.0**m.n_V)


@law(
    cases=THETA,
    needs=("hidden_kernel",),
    grade="numerical",
    equation=r"\sum_{h'} T(h, h') = 1, \quad p(h)\, T(h, h') = p(h')\, T(h', h)",
    source=TOURS,
)
def kernel_is_stochastic_and_reversible(impl, case):
    """Rows of the kernel sum to 1, and the flow between two states is the same in both directions."""
    m = machine(case)
    T, states, slack = np.asarray(impl.hidden_kernel(*theta(case))), 1 << m.n_H, 2 * m.terms + 2.0**m.n_V
    m.agree_p(T.sum(axis=-1), np.ones(states), why="sums of rows", ulps=slack + states)
    flow = np.asarray(m.p_h, np.float64)[:, None] * T
    m.agree_p(flow, flow.T, why="p(h) T(h, h') against p(h') T(h', h)", ulps=2 * slack)


@law(
    cases=THETA,
    needs=("hidden_kernel",),
    grade="numerical",
    equation=r"W = 0 \Rightarrow T(h, h') = p(h')",
    source=TOURS,
)
def without_weights_the_chain_forgets_at_once(impl, case):
    """Without weights every row of the kernel is the distribution of independent hidden units."""
    W, b, a = theta(case)
    m = machine(case)
    free = Machine(0 * W, b, a)
    expected = np.broadcast_to(free.p_h, (1 << m.n_H, 1 << m.n_H))
    m.agree_p(impl.hidden_kernel(0 * W, b, a), expected, why="T without weights", ulps=2 * m.terms + 2.0**m.n_V)


_ROWS = {  # to 00, 01, 10, 11
    "00": np.array([0.1980629485, 0.1162861832, 0.4618486401, 0.2238022282]),
    "10": np.array([0.1716624417, 0.0831840426, 0.5340136834, 0.2111398322]),
}


@law(
    cases=Cases(named={"worked": WORKED | {"rows": _ROWS}}),
    needs=("hidden_kernel",),
    grade="numerical",
    source="worked example",
)
def worked_rows_of_the_kernel(impl, case):
    """The rows of 00 and 10 of the worked machine's kernel are as printed."""
    T = np.asarray(impl.hidden_kernel(*theta(case)))[:, [0, 2, 1, 3]]
    for name, row in (("00", 0), ("10", 1)):
        compare(T[row], case["rows"][name], 0.5e-10, why=f"the row of {name}")


# --- contracts ---------------------------------------------------------------------------------------------------------
_GRADIENT = dict(
    dW=[[0.0875239226, 0.0222831939], [-0.0120220249, 0.0047521742]],
    db=[0.1207538775, -0.0077712935],
    da=[0.0277284961, -0.0243504976],
)


LIKELIHOOD_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "log_likelihood",
        ("x", "W", "b", "a"),
        ("log_likelihood",),
        DATA,
        "The exact log-likelihood of each row.",
        laws=(
            likelihood_of_each_row,
            likelihoods_of_all_states_sum_to_one,
            rows_are_independent,
            worked_mean_likelihood,
        ),
        planted=bugs_of("log_likelihood"),
        golden=(
            Golden(
                "log_likelihood",
                WORKED | {"x": WORKED_X},
                {"log_likelihood": np.array([1.4077527350, 2.1589813241, 1.9584449983]) - 3.1507543799},
                9,
                "minus the printed free energies of 10, 11 and 01, minus the printed log Z",
            ),
        ),
        exact=("x",),
    ),
    Contract(
        "log_likelihood_gradient",
        ("x", "W", "b", "a"),
        FIELDS,
        DATA,
        "The gradient of the mean log-likelihood, exactly.",
        laws=(gradient_is_the_slope_of_the_likelihood, score_has_mean_zero, data_minus_model),
        planted=bugs_of("log_likelihood_gradient"),
        golden=(
            Golden(
                "log_likelihood_gradient",
                WORKED | {"x": WORKED_X},
                {name: np.array(value) for name, value in _GRADIENT.items()},
                10,
                "the worked data 10, 11, 01",
            ),
        ),
        exact=("x",),
        terms=phases,
    ),
    Contract(
        "hidden_kernel",
        ("W", "b", "a"),
        ("T",),
        THETA,
        "The transition matrix of the hidden chain.",
        laws=(
            all_ways_over_the_visible_layer,
            kernel_is_stochastic_and_reversible,
            without_weights_the_chain_forgets_at_once,
            machines_side_by_side_step_independently,
            worked_rows_of_the_kernel,
        ),
        planted=bugs_of("hidden_kernel"),
    ),
)
