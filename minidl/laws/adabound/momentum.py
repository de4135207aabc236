"""The laws of the momentum SGD that AdaBound becomes: an average of gradients, times a scheduled rate."""

from __future__ import annotations

import numpy as np

from minidl.laws.adabound.cases import (
    SAVARESE,
    UNROLLED,
    Method,
    average,
    before,
    bounded_cases,
    final_rates,
    stretch,
    ulps,
)
from minidl.laws.adabound.planted import bugs_of
from minidl.laws.adabound.shared import DESCENT, laws_of, shared
from minidl.laws.core import Cases, Contract, agree
from minidl.laws.optimizer_cases import Trajectory, descent

INPUTS = ("w", "gradients", "lr", "final_lr", "beta1", "gamma", "schedule")
SCHEDULES = ("final", "lower", "upper")


def _cases():
    bounded = bounded_cases()

    def scheduled(case, schedule):
        kept = {name: value for name, value in case.items() if name not in ("beta2", "eps", "weight_decay", "ratio")}
        return kept | {"schedule": schedule}

    def generated():
        from hypothesis import strategies as st

        return st.builds(scheduled, bounded.generated(), st.sampled_from(SCHEDULES))

    named = {
        name: scheduled(case, SCHEDULES[i % 3])
        for i, (name, case) in enumerate(bounded.named.items())
        if name not in ("falling", "worked_decay", "decayed", "tiny", "sign_descent")
    }
    named |= {f"worked_{schedule}": scheduled(bounded.named["worked"], schedule) for schedule in SCHEDULES}
    notes = {
        name: note for name, note in bounded.notes.items() if name in ("worked_drop", "warming", "float32", "gaps")
    }
    return Cases(named, generated, notes)


CASES = _cases()


def rates(case):
    """The rate of every step (T, 1)."""
    final, q = final_rates(case), stretch(case)
    return {"final": final, "lower": final / q, "upper": final * q}[case["schedule"]]


def _scale(case, rows):
    sizes = average(np.abs(np.asarray(case["gradients"], np.float64)), case["beta1"])
    return np.abs(case["w"]).astype(np.float64) + np.cumsum(rates(case) * sizes, axis=0)


MOMENTUM = Method(
    Trajectory("momentum_sgd", INPUTS),
    CASES,
    _scale,
    units=(
        ({"gradients": 1, "final_lr": -1}, 0),
        ({"w": 1, "final_lr": 1}, 1),
        ({"lr": 1}, 0),  # only its ratio to the first counts
    ),
)


@shared(
    equation=r"w_t = w_0 - \sum_{i \le t} a_i (1-\beta_1) \sum_{j \le i} \beta_1^{i-j} g_j,\quad "
    r"a_t \in \{\alpha^*, \eta_l(t), \eta_u(t)\}",
    source=UNROLLED,
)
def the_sum_over_all_of_the_past(method, impl, case):
    """Each step is the scheduled rate times a weighted sum of all gradients so far."""
    directions = average(np.asarray(case["gradients"], np.float64), case["beta1"])
    expected = descent(np.asarray(case["w"], np.float64), rates(case)[:, 0], directions)
    got = method.run(impl, case)
    agree(got, expected.astype(case["w"].dtype), why="the trajectory", ulps=ulps(case), scale=_scale(case, got))


@shared(
    equation=r"w_{t+1} - w_t = \beta_1 \frac{a_{t+1}}{a_t} (w_t - w_{t-1}) - a_{t+1} (1-\beta_1) g_{t+1}",
    source="elimination of the momentum",
)
def the_heavy_ball(method, impl, case):
    """Without its buffer it is the heavy ball: three neighbours in time and one gradient, with rate a (1 - beta1)."""
    case = case | {"lr": np.full_like(case["lr"], case["lr"][0])}  # a rate of 0 would lose the momentum
    rows, a = np.asarray(method.run(impl, case)), rates(case)
    start, g = before(case["w"], rows), np.asarray(case["gradients"], np.float64)
    last = np.concatenate([np.zeros_like(start[:1]), np.diff(start, axis=0)])  # the ball starts at rest
    carried = case["beta1"] * np.concatenate([a[:1], a[1:] / a[:-1]])
    expected = start + carried * last - a * (1 - case["beta1"]) * g
    scale = _scale(case, rows) + 2 * carried * np.abs(start)
    agree(rows, expected.astype(rows.dtype), why="the next position", ulps=ulps(case), scale=scale)


@shared(needs=("sgd",), equation=r"\mathrm{SGD}(\mathrm{momentum} = \mathrm{dampening} = \beta_1)", source=SAVARESE)
def sgd_with_dampening_from_rest(method, impl, case):
    """It is SGD with momentum and dampening beta1 whose first buffer is empty, which a gradient of 0 before the first step
    makes it."""
    a = rates(case)[:, 0]
    lr = np.concatenate([a[:1], a]).astype(case["lr"].dtype)
    still = np.concatenate([np.zeros_like(case["gradients"][:1]), case["gradients"]])
    expected = np.asarray(impl.sgd(case["w"], still, lr, case["beta1"], case["beta1"], False, 0.0))[1:]
    got = method.run(impl, case)
    agree(got, expected.astype(case["w"].dtype), why="the trajectory", ulps=2 * ulps(case), scale=_scale(case, got))


@shared(equation=r"s_{\eta_l}\, s_{\eta_u} = s_{\alpha^*}^2", source="the symmetry of the band")
def schedules_are_a_geometric_sequence(method, impl, case):
    """From the origin, one gradient at the last step moves by steps of which the final one is the geometric mean."""
    gradients = np.zeros_like(case["gradients"])
    gradients[-1] = case["gradients"][-1]
    case = case | {"w": np.zeros_like(case["w"]), "gradients": gradients}
    final, lower, upper = (
        np.asarray(method.run(impl, case, schedule=schedule), np.float64)[-1] for schedule in SCHEDULES
    )
    # each step has its few roundings, and the lower bound is good to 4 ulps of final_lr: at most those of the upper step
    scale = np.abs(final * upper)
    expected = (final * final).astype(case["w"].dtype)
    agree((lower * upper).astype(case["w"].dtype), expected, why="lower step times upper step", ulps=48, scale=scale)


CONTRACT = Contract(
    "momentum_sgd",
    INPUTS,
    ("trajectory",),
    CASES,
    "The momentum SGD that AdaBound becomes: an average of gradients at rate final_lr, or on one of the bounds.",
    laws=laws_of(
        MOMENTUM,
        (
            the_sum_over_all_of_the_past,
            the_heavy_ball,
            sgd_with_dampening_from_rest,
            schedules_are_a_geometric_sequence,
            *DESCENT,
        ),
    ),
    planted=bugs_of("momentum_sgd"),
)
