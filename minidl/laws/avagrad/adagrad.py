"""The laws of Adagrad: it divides by the root of a sum, in which nothing is forgotten and no order counts.

Conventions: torch.optim.Adagrad. eps is added to the root.
"""

from __future__ import annotations

import numpy as np

from minidl.laws.avagrad.cases import ADAGRAD, ADAGRAD_RUNS
from minidl.laws.avagrad.planted import bugs_of
from minidl.laws.avagrad.printed import printed_for
from minidl.laws.core import Contract, agree, law
from minidl.laws.optimizer_cases import follows, geometric_gradients, geometric_sums, nonzero, way
from minidl.laws.optimizer_laws import coordinates_alone, coupled_decay, homogeneity, learning_rate, symmetries


@law(
    cases=ADAGRAD_RUNS,
    needs=("adagrad",),
    grade="numerical",
    equation=r"S_t = S_0 + \frac{1 - \rho^{2t}}{1 - \rho^2} g^2",
    source="geometric series",
)
def geometric_accumulators(impl, case):
    """Along gradients g rho^(t-1) the accumulator is a geometric series; the move divides by its root plus eps."""
    gradients, steps = geometric_gradients(case), len(case["gradients"])
    g = gradients.astype(np.float64)
    sums = case["initial_accumulator"] + np.outer(geometric_sums(case["ratio"] ** 2, 1.0, steps), g[0] ** 2)
    slowed = (1 + np.arange(steps) * case["lr_decay"])[:, None]
    got = ADAGRAD(impl, case, gradients=gradients, weight_decay=0.0)
    follows(got, case, g / (np.sqrt(sums) + case["eps"]) / slowed, why="w")


@law(
    cases=ADAGRAD_RUNS,
    needs=("adagrad",),
    grade="numerical",
    equation=r"g_t = g: \; \Delta_t = \eta\, \mathrm{sign}(g) / \sqrt t",
    source="S_t = t g^2",
)
def constant_gradients_slow_down(impl, case):
    """With eps = 0 the t-th move along a constant gradient is the learning rate over the root of t, whatever its size."""
    constant = np.tile(nonzero(case["gradients"][:1]), (len(case["gradients"]), 1))
    got = ADAGRAD(impl, case, gradients=constant, eps=0.0, lr_decay=0.0, initial_accumulator=0.0, weight_decay=0.0)
    follows(got, case, np.sign(constant) / np.sqrt(np.arange(1, len(constant) + 1))[:, None], why="w")


@law(
    cases=ADAGRAD_RUNS,
    needs=("adagrad",),
    grade="numerical",
    equation=r"w_t(\eta_t, \delta) = w_t(\eta_t / (1 + (t-1) \delta), 0)",
    source="torch.optim.Adagrad",
)
def lr_decay_is_a_schedule(impl, case):
    """lr_decay does what a schedule of learning rates does that starts undiminished."""
    delta = case["lr_decay"] or 0.5
    slowed = case["lr"] / (1 + np.arange(len(case["lr"])) * delta).astype(case["lr"].dtype)
    case = case | {"weight_decay": 0.0}  # with decay, w feeds its roundings back into the gradients
    expected = ADAGRAD(impl, case, lr=slowed, lr_decay=0.0)
    scale = way(case["w"], expected)
    agree(ADAGRAD(impl, case, lr_decay=delta), expected, why="the run", ulps=6 * len(slowed), scale=scale)


@law(
    cases=ADAGRAD_RUNS,
    needs=("adagrad",),
    grade="numerical",
    equation=r"w_t(S_0; g_1, g_2, \dots) = w_{t+1}(0; \sqrt{S_0}, g_1, g_2, \dots), \quad \eta_1 = 0",
    source="S_t is a sum of squares",
)
def the_start_is_a_gradient_seen_before(impl, case):
    """The initial accumulator does what an earlier gradient does whose square it is."""
    case = case | {"lr_decay": 0.0, "weight_decay": 0.0}
    root, dtype = case["w"].dtype.type(0.5), case["w"].dtype
    gradients = np.vstack([np.full((1, len(case["w"])), root), case["gradients"]])
    lr = np.concatenate([np.zeros(1, dtype), case["lr"]])
    expected = ADAGRAD(impl, case, gradients=gradients, lr=lr, initial_accumulator=0.0)[1:]
    got = ADAGRAD(impl, case, initial_accumulator=float(root) ** 2)
    agree(got, expected, why="the run", ulps=4 * len(got), scale=way(case["w"], expected))


@law(
    cases=ADAGRAD_RUNS,
    needs=("adagrad",),
    grade="numerical",
    equation=r"\Delta_T(g_{\pi(1)}, \dots, g_{\pi(T-1)}, g_T) = \Delta_T(g_1, \dots, g_T)",
    source="S_t is a sum",
)
def nothing_is_forgotten(impl, case):
    """The last move depends on the earlier gradients, in whatever order they came."""
    lr = np.zeros_like(case["lr"])
    lr[-1] = 1.0
    case = case | {"w": np.zeros_like(case["w"]), "lr": lr, "weight_decay": 0.0}
    back = np.vstack([case["gradients"][:-1][::-1], case["gradients"][-1:]])
    expected = ADAGRAD(impl, case)
    # a sum of squares rounds by an ulp per term
    agree(ADAGRAD(impl, case, gradients=back), expected, why="the last move", ulps=4 * len(lr), scale=np.abs(expected))


ADAGRAD_CONTRACT = Contract(
    "adagrad",
    ADAGRAD.inputs,
    ("trajectory",),
    ADAGRAD_RUNS,
    "Gradients over the root of the sum of their squares, as torch.optim.Adagrad.",
    laws=(
        geometric_accumulators,
        constant_gradients_slow_down,
        lr_decay_is_a_schedule,
        the_start_is_a_gradient_seen_before,
        nothing_is_forgotten,
        *symmetries(ADAGRAD, ADAGRAD_RUNS),
        coordinates_alone(ADAGRAD, ADAGRAD_RUNS),
        *learning_rate(ADAGRAD, ADAGRAD_RUNS, weight_decay=0.0),
        homogeneity(ADAGRAD, ADAGRAD_RUNS, 0, eps=1, initial_accumulator=2),
        coupled_decay(ADAGRAD, ADAGRAD_RUNS, gain=lambda case: 3.0),
    ),
    planted=bugs_of("adagrad"),
    golden=printed_for(ADAGRAD),
)
