"""The laws of Adam, AMSGrad and AdamW.

Conventions: torch.optim.Adam and torch.optim.AdamW. eps is added to the root after its bias correction; AMSGrad keeps the
largest moment before bias correction.
"""

from __future__ import annotations

import numpy as np

from minidl.laws.avagrad.cases import ADAM, ADAM_RUNS, ADAMW, AMSGRAD
from minidl.laws.avagrad.planted import bugs_of
from minidl.laws.avagrad.printed import printed_for
from minidl.laws.core import Contract, Law, agree, law
from minidl.laws.optimizer_cases import (
    Trajectory,
    condition,
    corrections,
    decayed_sums,
    follows,
    geometric_gradients,
    geometric_sums,
    nonzero,
    way,
)
from minidl.laws.optimizer_laws import (
    coordinates_alone,
    coupled_decay,
    decoupled_decay,
    homogeneity,
    learning_rate,
    symmetries,
)

_KINGMA = "Kingma, Ba, 'Adam: A Method for Stochastic Optimization', 2015, section 2"
_REDDI = "Reddi, Kale, Kumar, 'On the Convergence of Adam and Beyond', 2018"


def _gain(case):
    """The corrected root is at least 1 where |g| is, the numerator at most 2; both move as the gradient does."""
    return 3.0


def geometric_moments(run: Trajectory, *, largest: bool = False) -> Law:
    """The closed form along geometric gradients. largest: whether the second moment is replaced by its maximum so far."""

    @law(
        cases=ADAM_RUNS,
        needs=(run.function,),
        grade="numerical",
        equation=r"m_t = (1-\beta_1) \frac{\beta_1^t - \rho^t}{\beta_1 - \rho} g, \quad"
        r" v_t = (1-\beta_2) \frac{\beta_2^t - \rho^{2t}}{\beta_2 - \rho^2} g^2",
        source="geometric series",
    )
    def moments_along_geometric_gradients(impl, case):
        """Along gradients g rho^(t-1) both moments are geometric series, and so every move is known."""
        gradients, steps = geometric_gradients(case), len(case["gradients"])
        beta1, beta2, ratio = case["beta1"], case["beta2"], case["ratio"]
        g = gradients[0].astype(np.float64)
        m, terms = (
            (1 - beta1) * geometric_sums(r, beta1, steps) / corrections(beta1, steps) for r in (ratio, abs(ratio))
        )
        v = (1 - beta2) * geometric_sums(ratio**2, beta2, steps)
        if largest:
            v = np.maximum.accumulate(v)
        root = np.outer(np.sqrt(v / corrections(beta2, steps)), np.abs(g)) + case["eps"]
        got = run(impl, case, gradients=gradients, weight_decay=0.0)
        spread = condition(beta1, beta2)
        follows(got, case, np.outer(m, g) / root, bounds=np.outer(terms, np.abs(g)) / root, condition=spread, why="w")

    return moments_along_geometric_gradients


def constant_gradient(run: Trajectory) -> Law:
    """What every bias-corrected method of this file does along a constant gradient."""

    @law(
        cases=ADAM_RUNS,
        needs=(run.function,),
        grade="numerical",
        equation=r"g_t = g,\ \epsilon = 0: \; \Delta_t = \eta_t\, \mathrm{sign}(g)",
        source=_KINGMA + ".1",
    )
    def constant_gradients_give_their_sign(impl, case):
        """With eps = 0 every move along a constant gradient is the learning rate times its sign, for all betas."""
        constant = np.tile(nonzero(case["gradients"][:1]), (len(case["gradients"]), 1))
        got = run(impl, case, gradients=constant, eps=0.0, weight_decay=0.0)
        follows(
            got, case, np.sign(constant.astype(np.float64)), condition=condition(case["beta1"], case["beta2"]), why="w"
        )

    return constant_gradients_give_their_sign


def first_move(run: Trajectory) -> Law:
    """The first move, where eps can be read off."""

    @law(
        cases=ADAM_RUNS,
        needs=(run.function,),
        grade="numerical",
        equation=r"\Delta_1 = \eta_1 g / (|g| + \epsilon)",
        source=_KINGMA,
    )
    def the_first_move_knows_no_betas(impl, case):
        """Corrected, both moments of one gradient are its own: the first move is g over |g| + eps."""
        g = case["gradients"][:1].astype(np.float64)
        got = run(impl, case, gradients=case["gradients"][:1], lr=case["lr"][:1], weight_decay=0.0)
        one = case | {"lr": case["lr"][:1]}
        # (1 - beta) g / (1 - beta^1): corrections of the first step are exact
        follows(got, one, g / (np.abs(g) + case["eps"]), why="w_1")

    return the_first_move_knows_no_betas


def common(run: Trajectory, *, largest: bool = False) -> tuple[Law, ...]:
    return (
        geometric_moments(run, largest=largest),
        constant_gradient(run),
        first_move(run),
        *symmetries(run, ADAM_RUNS),
        coordinates_alone(run, ADAM_RUNS),
        *learning_rate(run, ADAM_RUNS, weight_decay=0.0),
        homogeneity(run, ADAM_RUNS, 0, eps=1),
    )


# --- AMSGrad -----------------------------------------------------------------------------------------------------------
@law(
    cases=ADAM_RUNS,
    needs=("amsgrad", "adam"),
    grade="numerical",
    equation=r"|g_1| \le |g_2| \le \dots \Rightarrow \hat v_t = v_t",
    source=_REDDI,
)
def growing_gradients_need_no_maximum(impl, case):
    """While gradients do not shrink, neither does their second moment, and AMSGrad is Adam."""
    order = np.argsort(np.abs(case["gradients"]), axis=0, kind="stable")
    case = case | {"gradients": np.take_along_axis(case["gradients"], order, axis=0), "weight_decay": 0.0}
    expected = ADAM(impl, case)
    # of two equal moments one may be larger by an ulp per step
    agree(AMSGRAD(impl, case), expected, why="the run", ulps=4 * len(order), scale=way(case["w"], expected))


@law(
    cases=ADAM_RUNS,
    needs=("amsgrad",),
    grade="numerical",
    equation=r"\hat v_t = \max_{s \le t} v_s, \quad v_s = (1-\beta_2) \sum_{i \le s} \beta_2^{s-i} g_i^2",
    source=_REDDI + ", Algorithm 2, with the bias correction of torch after the maximum",
)
def rates_never_recover(impl, case):
    """Without momentum each move divides by the root of the largest moment so far, a maximum over sums over the past."""
    gradients = nonzero(case["gradients"])
    g, beta2, steps = gradients.astype(np.float64), case["beta2"], len(gradients)
    largest = np.maximum.accumulate((1 - beta2) * decayed_sums(g * g, beta2), axis=0)
    root = np.sqrt(largest / corrections(beta2, steps)[:, None]) + case["eps"]
    got = AMSGRAD(impl, case, gradients=gradients, beta1=0.0, weight_decay=0.0)
    follows(got, case, g / root, condition=condition(beta2), why="w")


# --- AdamW -------------------------------------------------------------------------------------------------------------
@law(cases=ADAM_RUNS, needs=("adamw", "adam"), grade="numerical", equation=r"\lambda = 0", source="torch.optim.AdamW")
def without_decay_it_is_adam(impl, case):
    """Without decay AdamW is Adam."""
    case = case | {"weight_decay": 0.0}
    expected = ADAM(impl, case)
    agree(ADAMW(impl, case), expected, why="the run", ulps=4 * len(expected), scale=way(case["w"], expected))


ADAM_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "adam",
        ADAM.inputs,
        ("trajectory",),
        ADAM_RUNS,
        "Adam with coupled decay, as torch.optim.Adam.",
        laws=(*common(ADAM), coupled_decay(ADAM, ADAM_RUNS, gain=_gain)),
        planted=bugs_of("adam"),
        golden=printed_for(ADAM),
    ),
    Contract(
        "amsgrad",
        AMSGRAD.inputs,
        ("trajectory",),
        ADAM_RUNS,
        "Adam whose second moment never falls, as torch.optim.Adam(amsgrad=True).",
        laws=(
            *common(AMSGRAD, largest=True),
            growing_gradients_need_no_maximum,
            rates_never_recover,
            coupled_decay(AMSGRAD, ADAM_RUNS, gain=_gain),
        ),
        planted=bugs_of("amsgrad"),
        golden=printed_for(AMSGRAD),
    ),
    Contract(
        "adamw",
        ADAMW.inputs,
        ("trajectory",),
        ADAM_RUNS,
        "Adam with decoupled decay, as torch.optim.AdamW.",
        laws=(*common(ADAMW), without_decay_it_is_adam, *decoupled_decay(ADAMW, ADAM_RUNS)),
        planted=bugs_of("adamw"),
        golden=printed_for(ADAMW),
    ),
)
