"""The laws of AvaGrad's normaliser: the rates of a group are divided by their root mean square.

What an implementation does with the rates, it shows: they do not depend on the step's own gradient, so with beta1 = 0, w = 0
and a gradient of -1 at the step, the new parameters are the normalised rates themselves.
"""

from __future__ import annotations

import numpy as np

from minidl.laws.avagrad.cases import AVAGRAD_RUNS, PAPER
from minidl.laws.avagrad.printed import GRADIENTS
from minidl.laws.checks import compare
from minidl.laws.core import Case, Cases, Law, agree, holds, law
from minidl.laws.optimizer_cases import (
    Trajectory,
    condition,
    corrections,
    decayed_sums,
    descent,
    follows,
    pulse,
    wide,
)


def only(*variants: str, case: Case) -> None:
    """Turn away cases of other variants."""
    if case["variant"] not in variants:
        from hypothesis.errors import UnsatisfiedAssumption

        raise UnsatisfiedAssumption


def rates(run: Trajectory, impl, case: Case, step: int) -> np.ndarray:
    """The normalised rates of a step (counted from 0) that moves, corrections of the first moment aside."""
    gradients = case["gradients"][: step + 1].copy()
    gradients[step] = -1
    bare = {"w": np.zeros_like(case["w"]), "lr": pulse(case, step)[: step + 1], "beta1": 0.0, "weight_decay": 0.0}
    return run(impl, case, gradients=gradients, **bare)[step]


def normaliser(roots: np.ndarray) -> np.ndarray:
    """The harmonic quadratic mean over the last axis: 1 / rms(1 / r); 0 where an r is 0."""
    with np.errstate(divide="ignore"):
        return ((1.0 / roots**2).mean(axis=-1)) ** -0.5


def normalised_laws(run: Trajectory) -> tuple[Law, ...]:
    """Of AvaGrad and of AvaGradW."""

    @law(
        cases=AVAGRAD_RUNS,
        needs=(run.function,),
        grade="numerical",
        equation=r"\frac1d \sum_i \hat\eta_{t,i}^2 = 1",
        source=PAPER + ", Algorithm 2",
    )
    def rates_have_mean_square_one(impl, case):
        """In every step that moves, the mean square of the rates is 1, whatever eps (paper and synced)."""
        only("paper", "synced", case=case)
        moving = range(int(case["variant"] == "synced"), len(case["gradients"]))
        for step in sorted({*moving[:1], *moving[-2:]}):
            eta = rates(run, impl, case, step)
            # rms and quotient of d rates, all positive
            agree(np.mean(eta * eta), eta.dtype.type(1), why=f"step {step + 1}", ulps=16 + 2 * len(eta), scale=1)

    @law(
        cases=AVAGRAD_RUNS,
        needs=(run.function,),
        grade="numerical",
        equation=r"|g| \le G \Rightarrow \frac{\epsilon}{G+\epsilon} \le \hat\eta_{t,i} \le \frac{G+\epsilon}{\epsilon}",
        source="sqrt(v) <= G, and a mean lies between its terms",
    )
    def rates_are_bounded(impl, case):
        """No rate is further from 1 than eps lets the gradients push it."""
        step = len(case["gradients"]) - 1
        only(*(("paper", "synced", "released") if step else ("paper",)), case=case)
        eta = rates(run, impl, case, step).astype(np.float64)
        G = float(np.abs(case["gradients"][:step]).max(initial=0.0))
        highest = (G + case["eps"]) / case["eps"]
        slack = 1 + 16 * len(eta) * float(np.finfo(case["w"].dtype).eps) * condition(case["beta2"])
        holds(bool((eta <= highest * slack).all()), why="the largest rate", got=eta, expected=highest)
        holds(bool((eta * slack >= 1 / highest).all()), why="the smallest rate", got=eta, expected=1 / highest)

    @law(
        cases=AVAGRAD_RUNS,
        needs=(run.function,),
        grade="numerical",
        equation=r"\lVert w_t - w^{\mathrm{SGD}}_t \rVert_\infty \le \frac{G}{\epsilon} \sum_i \alpha_i |m_i|",
        source=PAPER + ", section 3; rates_are_bounded",
    )
    def large_eps_is_descent(impl, case):
        """With eps far above the gradients all rates are 1: what is left is descent along the averaged gradient."""
        g, beta1 = wide(case)["gradients"], case["beta1"]
        G = max(float(np.abs(g).max()), 1e-6)
        m = (1 - beta1) * decayed_sums(g, beta1)
        terms = (1 - beta1) * decayed_sums(np.abs(g), beta1)
        if case["variant"] != "paper":
            correction = corrections(beta1, len(g))[:, None]
            m, terms = m / correction, terms / correction
            m[0] = 0
        got = run(impl, case, eps=1e5 * G, weight_decay=0.0)
        way = np.cumsum(wide(case)["lr"][:, None] * terms, axis=0)
        expected = descent(wide(case)["w"], wide(case)["lr"], m).astype(case["w"].dtype)
        eps = float(np.finfo(case["w"].dtype).eps)
        rounding = 16 * len(g) * eps * (np.abs(case["w"]) + condition(beta1) * way)
        compare(got, expected, way * 1e-5 + rounding, why="the run")

    @law(
        cases=AVAGRAD_RUNS,
        needs=(run.function,),
        grade="numerical",
        equation=r"d = 1 \Rightarrow \hat\eta_t = 1",
        source="the root mean square of one number is that number",
    )
    def a_single_number_just_descends(impl, case):
        """With one parameter nothing is adapted: for every eps and beta2 this is descent along the averaged gradient."""
        only("paper", "synced", case=case)
        one = case | {"w": case["w"][-1:].copy(), "gradients": case["gradients"][:, -1:].copy(), "sizes": (1,)}
        g, beta1 = wide(one)["gradients"], case["beta1"]
        m, terms = ((1 - beta1) * decayed_sums(x, beta1) for x in (g, np.abs(g)))
        if case["variant"] == "synced":
            correction = corrections(beta1, len(g))[:, None]
            m, terms = m / correction, terms / correction
            m[0] = 0
        got = run(impl, one, weight_decay=0.0)
        follows(got, one, m, bounds=terms, condition=condition(beta1), why="w")

    @law(
        cases=AVAGRAD_RUNS,
        needs=(run.function,),
        grade="numerical",
        equation=r"\gamma_t \text{ over the group, not per tensor}",
        source=PAPER + ", Algorithm 2",
    )
    def tensors_do_not_matter(impl, case):
        """How a group's parameters fall into tensors, and in what order they come, changes nothing."""
        expected = run(impl, case, sizes=(len(case["w"]),))
        scale = np.abs(case["w"]) + np.cumsum(np.abs(np.diff(expected, axis=0, prepend=case["w"][None])), axis=0)
        ulps = (8 + 2 * len(case["w"])) * len(expected)  # the normaliser is a sum in another order
        for sizes in (case["sizes"], (1,) * len(case["w"])):
            agree(run(impl, case, sizes=sizes), expected, why=f"tensors of {sizes}", ulps=ulps, scale=scale)
        back = {"w": case["w"][::-1].copy(), "gradients": case["gradients"][:, ::-1].copy()}
        got = run(impl, case, sizes=case["sizes"][::-1], **back)
        agree(got, expected[:, ::-1], why="the other way round", ulps=ulps, scale=scale[:, ::-1])

    return (
        rates_have_mean_square_one,
        rates_are_bounded,
        large_eps_is_descent,
        a_single_number_just_descends,
        tensors_do_not_matter,
    )


# --- the released form -------------------------------------------------------------------------------------------------
_RELEASED = {"variant": "released", "beta1": 0.9, "beta2": 0.999, "weight_decay": 0.0, "sizes": (2, 1)}


def _printed(gradients: np.ndarray, eps: float, *digits: float) -> Case:
    more = np.vstack([gradients, gradients[-1:]])
    numbers = {"w": np.zeros(3), "lr": np.ones(len(more)), "eps": eps, "printed": digits}
    return _RELEASED | {"gradients": more} | numbers


_CONSTANT = np.tile([[0.3, -0.5, 2.0]], (5, 1))
NORMALISERS = Cases(
    named=dict(AVAGRAD_RUNS.named)
    | {
        "printed": _printed(GRADIENTS, 0.1, 0.1, 0.2204683592, 0.2540129288, 0.2752714651),
        "printed_without_eps": _printed(GRADIENTS, 0.0, 0.0, 0.1050043862, 0.1481964812, 0.1669932868),
        "printed_constant": _printed(_CONSTANT, 1e-3, 0.001, 0.3138657113, 0.3622200110, 0.3841135509, 0.3966681643),
        "printed_limit": _printed(np.tile(_CONSTANT, (12, 1)), 1e-3, *[np.nan] * 59, 0.4432247365) | {"beta2": 0.5},
    },
    generated=AVAGRAD_RUNS.generated,
    notes=dict(AVAGRAD_RUNS.notes) | {"printed_limit": "1 / rms(1 / (|g| + eps)), when the corrections have faded"},
)


def stale_normaliser(run: Trajectory) -> Law:
    """What the released form divides by."""

    @law(
        cases=NORMALISERS,
        needs=(run.function,),
        grade="numerical",
        equation=r"\gamma_t = \Bigl(\frac1d \sum_i \bigl(\sqrt{v_{t-1,i} / (1-\beta_2^t)} + \epsilon\bigr)^{-2}\Bigr)^{-1/2}",
        source="the authors' code, github.com/lolemacs/avagrad",
    )
    def the_released_normaliser_is_a_step_old(impl, case):
        """The released form normalises by the second moment before last, with the last step's correction; gamma_1 = eps."""
        only("released", case=case)
        g, beta2, eps, steps = wide(case)["gradients"], case["beta2"], case["eps"], len(case["gradients"])
        sums = (1 - beta2) * decayed_sums(g * g, beta2)
        v = np.vstack([np.zeros(g.shape[1]), sums])  # v_0 ... v_T
        corrected = np.concatenate([[1.0], corrections(beta2, steps)])  # of t = 0 (unused) ... T
        for t in range(1, steps) if steps <= 6 else (1, steps - 1):
            root = np.sqrt(v[t] / corrected[t]) + eps
            gamma = normaliser(np.sqrt(v[t - 1] / corrected[t]) + eps)
            got = rates(run, impl, case, t)
            ulps = (16 + 2 * g.shape[1]) * condition(beta2)  # a sum of positive terms over the group, and two roots
            agree(got, (gamma / root).astype(got.dtype), why=f"rates of step {t + 1}", ulps=ulps, scale=gamma / root)
            if "printed" in case and not np.isnan(printed := case["printed"][t - 1]):
                compare(got * root, np.full(len(root), printed), 0.5000001e-10, why=f"gamma_{t}, as printed")

    return the_released_normaliser_is_a_step_old
