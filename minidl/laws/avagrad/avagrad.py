"""The laws of Delayed Adam, AvaGrad and AvaGradW.

Conventions: "paper" is Algorithm 2, "released" the authors' code, "synced" the released form with the normaliser of the rates
that the step uses. Released and synced rest on the first step.
"""

from __future__ import annotations

import numpy as np

from minidl.laws.avagrad.cases import AVAGRAD, AVAGRAD_RUNS, AVAGRADW, DELAYED_ADAM, DELAYED_RUNS, PAPER
from minidl.laws.avagrad.normaliser import normalised_laws, normaliser, only, stale_normaliser
from minidl.laws.avagrad.planted import bugs_of
from minidl.laws.avagrad.printed import printed_for
from minidl.laws.core import Cases, Contract, Law, agree, identical, law
from minidl.laws.optimizer_cases import (
    Trajectory,
    condition,
    corrections,
    follows,
    geometric_gradients,
    geometric_sums,
    pulse,
    way,
    wide,
)
from minidl.laws.optimizer_laws import (
    coordinates_alone,
    coupled_decay,
    decoupled_decay,
    homogeneity,
    learning_rate,
    symmetries,
)


def affine(run: Trajectory, cases: Cases) -> Law:
    """What the delay is for."""

    @law(
        cases=cases,
        needs=(run.function,),
        grade="numerical",
        equation=r"w_t(\tfrac14 g + \tfrac34 g') = \tfrac14 w_t(g) + \tfrac34 w_t(g')",
        source=PAPER + ", section 2: the rate is independent of the current sample",
    )
    def moves_are_affine_in_the_last_gradient(impl, case):
        """The rate of a step does not look at its gradient: with the past fixed, the new parameters are affine in it."""
        last = len(case["gradients"]) - 1
        case = case | {"w": np.zeros_like(case["w"]), "lr": pulse(case, last), "weight_decay": 0.0}
        one, dtype = case["gradients"][last], case["w"].dtype
        other = 1 - one

        def row(g):
            return run(impl, case, gradients=np.vstack([case["gradients"][:last], g[None]]))[last]

        zero, a, b = row(np.zeros_like(one)), row(one), row(other)
        mixed = row(one * dtype.type(0.25) + other * dtype.type(0.75))
        expected = a * dtype.type(0.25) + b * dtype.type(0.75)
        # the terms: momentum's part of the move, and the gradient's part at either end
        scale = 3 * np.abs(zero) + np.abs(a) + np.abs(b)
        agree(mixed, expected, why="the move along a mixture", ulps=16, scale=scale)

    return moves_are_affine_in_the_last_gradient


# --- Delayed Adam ------------------------------------------------------------------------------------------------------
@law(
    cases=DELAYED_RUNS,
    needs=("delayed_adam",),
    grade="numerical",
    equation=r"m_t = (1-\beta_1) \frac{\beta_1^t - \rho^t}{\beta_1 - \rho} g, \quad"
    r" v_{t-1} = (1-\beta_2) \frac{\beta_2^{t-1} - \rho^{2(t-1)}}{\beta_2 - \rho^2} g^2",
    source="geometric series",
)
def delayed_geometric_moments(impl, case):
    """Along gradients g rho^(t-1) both moments are geometric series; the move divides by the root one step behind."""
    gradients, steps = geometric_gradients(case), len(case["gradients"])
    g, beta1, beta2 = gradients[0].astype(np.float64), case["beta1"], case["beta2"]
    m, terms = ((1 - beta1) * geometric_sums(r, beta1, steps) for r in (case["ratio"], abs(case["ratio"])))
    v = (1 - beta2) * np.concatenate([[0.0], geometric_sums(case["ratio"] ** 2, beta2, steps)[:-1]])
    root = np.outer(np.sqrt(v), np.abs(g)) + case["eps"]
    got = DELAYED_ADAM(impl, case, gradients=gradients, weight_decay=0.0)
    spread = condition(beta1, beta2)
    follows(got, case, np.outer(m, g) / root, bounds=np.outer(terms, np.abs(g)) / root, condition=spread, why="w")


@law(
    cases=DELAYED_RUNS,
    needs=("delayed_adam",),
    grade="numerical",
    equation=r"w_1 = w_0 - \alpha (1-\beta_1) g_1 / \epsilon",
    source=PAPER + ", Algorithm 1: v_0 = 0",
)
def the_first_rate_is_one_over_eps(impl, case):
    """Nothing has been seen before the first step, so its rates are all 1 / eps."""
    one = case | {"gradients": case["gradients"][:1], "lr": case["lr"][:1]}
    direction = (1 - case["beta1"]) * wide(one)["gradients"] / case["eps"]
    follows(DELAYED_ADAM(impl, one, weight_decay=0.0), one, direction, condition=condition(case["beta1"]), why="w_1")


# --- AvaGrad -----------------------------------------------------------------------------------------------------------
def _moving(case) -> bool:
    """Whether the first step moves."""
    return case["variant"] == "paper"


def geometric_rates(run: Trajectory) -> Law:
    """The closed form of all three variants."""

    @law(
        cases=AVAGRAD_RUNS,
        needs=(run.function,),
        grade="numerical",
        equation=r"v_t = (1-\beta_2) \frac{\beta_2^t - \rho^{2t}}{\beta_2 - \rho^2} g^2",
        source="geometric series",
    )
    def normalised_geometric_moments(impl, case):
        """Along gradients g rho^(t-1) both moments, and so the rates, their normaliser and every move, are known."""
        gradients, steps = geometric_gradients(case), len(case["gradients"])
        g, beta1, beta2, variant = gradients[0].astype(np.float64), case["beta1"], case["beta2"], case["variant"]
        m, terms = ((1 - beta1) * geometric_sums(r, beta1, steps) for r in (case["ratio"], abs(case["ratio"])))
        v = (1 - beta2) * np.concatenate([[0.0, 0.0], geometric_sums(case["ratio"] ** 2, beta2, steps)])  # v_-1 ... v_T
        before, last = v[:steps], v[1 : steps + 1]  # v_(t-2) and v_(t-1) at t = 1 ... T
        if variant != "paper":
            m, terms = m / corrections(beta1, steps), terms / corrections(beta1, steps)
            correction = np.concatenate([[1.0], corrections(beta2, steps)[:-1]])  # of t - 1
            before, last = before / correction, last / correction
        root, older = (np.outer(np.sqrt(x), np.abs(g)) + case["eps"] for x in (last, before))
        rates = normaliser(older if variant == "released" else root)[:, None] / root
        if variant != "paper":
            rates[0] = 0
        got = run(impl, case, gradients=gradients, weight_decay=0.0)
        bounds, spread = rates * np.outer(terms, np.abs(g)), condition(beta1, beta2)
        follows(got, case, rates * np.outer(m, g), bounds=bounds, condition=spread, why="w")

    return normalised_geometric_moments


def first_steps(run: Trajectory) -> tuple[Law, ...]:
    """Where the three variants differ most."""

    @law(
        cases=AVAGRAD_RUNS,
        needs=(run.function,),
        grade="exact",
        equation="w_1 = w_0",
        source="the authors' code, github.com/lolemacs/avagrad",
    )
    def the_first_step_rests(impl, case):
        """The released and the synced form only gather moments in the first step; not even decay moves a bit."""
        only("released", "synced", case=case)
        case = case | {"weight_decay": case["weight_decay"] or 0.1}
        identical(run(impl, case)[0], case["w"], why="w_1")

    @law(
        cases=AVAGRAD_RUNS,
        needs=(run.function,),
        grade="numerical",
        equation=r"w_1 = w_0 - \alpha_1 (1-\beta_1) g_1",
        source=PAPER + ", Algorithm 2: v_0 = 0 makes all rates equal",
    )
    def the_paper_starts_with_descent(impl, case):
        """In the paper's form the rates of the first step are equal, so it descends along (1 - beta1) g, whatever eps."""
        only("paper", case=case)
        one = case | {"gradients": case["gradients"][:1], "lr": case["lr"][:1]}
        direction = (1 - case["beta1"]) * wide(one)["gradients"]
        follows(run(impl, one, weight_decay=0.0), one, direction, condition=condition(case["beta1"]), why="w_1")

    return the_first_step_rests, the_paper_starts_with_descent


@law(
    cases=AVAGRAD_RUNS,
    needs=("avagradw", "avagrad"),
    grade="numerical",
    equation=r"\lambda = 0",
    source="the authors' code, github.com/lolemacs/avagrad",
)
def without_decay_it_is_avagrad(impl, case):
    """Without decay AvaGradW is AvaGrad."""
    case = case | {"weight_decay": 0.0}
    expected = AVAGRAD(impl, case)
    agree(AVAGRADW(impl, case), expected, why="the run", ulps=8 * len(expected), scale=way(case["w"], expected))


def _delayed_gain(case):
    """The root r is at least that of 1 - beta2 after one step; a quotient m / r moves by 1 / r and, |m| < 2, by 2 / r."""
    return 3 / ((1 - case["beta2"]) ** 0.5 + case["eps"])


def _gain(case):
    """Rates are at most sqrt(d) on mean square 1, when stale by 1 / sqrt(beta2) or (G + eps) / eps more, with |m| < 2."""
    stale = min(1 / case["beta2"] if case["beta2"] else np.inf, ((2 + case["eps"]) / case["eps"]) ** 2) ** 0.5
    return 5 * len(case["w"]) ** 0.5 * stale


def common(run: Trajectory) -> tuple[Law, ...]:
    """Of AvaGrad and AvaGradW."""
    return (
        geometric_rates(run),
        *first_steps(run),
        affine(run, AVAGRAD_RUNS),
        *normalised_laws(run),
        stale_normaliser(run),
        *symmetries(run, AVAGRAD_RUNS),
        *learning_rate(run, AVAGRAD_RUNS, weight_decay=0.0),
        homogeneity(run, AVAGRAD_RUNS, 1, eps=1),
    )


AVAGRAD_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "delayed_adam",
        DELAYED_ADAM.inputs,
        ("trajectory",),
        DELAYED_RUNS,
        "Adam that divides by the second moment of the step before, without bias correction.",
        laws=(
            delayed_geometric_moments,
            the_first_rate_is_one_over_eps,
            affine(DELAYED_ADAM, DELAYED_RUNS),
            *symmetries(DELAYED_ADAM, DELAYED_RUNS),
            coordinates_alone(DELAYED_ADAM, DELAYED_RUNS),
            *learning_rate(DELAYED_ADAM, DELAYED_RUNS, weight_decay=0.0),
            homogeneity(DELAYED_ADAM, DELAYED_RUNS, 0, eps=1),
            coupled_decay(DELAYED_ADAM, DELAYED_RUNS, gain=_delayed_gain),
        ),
        planted=bugs_of("delayed_adam"),
        golden=printed_for(DELAYED_ADAM),
    ),
    Contract(
        "avagrad",
        AVAGRAD.inputs,
        ("trajectory",),
        AVAGRAD_RUNS,
        "Delayed Adam with rates of mean square 1 over the group; coupled decay.",
        laws=(*common(AVAGRAD), coupled_decay(AVAGRAD, AVAGRAD_RUNS, gain=_gain)),
        planted=bugs_of("avagrad"),
        golden=printed_for(AVAGRAD),
    ),
    Contract(
        "avagradw",
        AVAGRADW.inputs,
        ("trajectory",),
        AVAGRAD_RUNS,
        "AvaGrad with decoupled decay, before each move.",
        laws=(
            *common(AVAGRADW),
            without_decay_it_is_avagrad,
            *decoupled_decay(AVAGRADW, AVAGRAD_RUNS, moves_at_once=_moving),
        ),
        planted=bugs_of("avagradw"),
        golden=printed_for(AVAGRADW),
    ),
)
