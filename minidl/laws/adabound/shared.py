"""The laws that AdaBound shares with its momentum SGD and its projected form: units, symmetries, causality, silence.

A shared law is written once, as a function of (method, impl, case), and becomes a law of each method's function.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minidl.laws.adabound.cases import Method, ulps
from minidl.laws.core import Case, Law, agree, holds, identical, law

Check = Callable[[Method, Any, Case], None]
Shared = Callable[[Method], Law]


def shared(**details: Any) -> Callable[[Check], Shared]:
    """Make a function Method -> Law of a check. details: what `law` takes, but cases; needs names further functions."""
    also = details.pop("needs", ())
    details.setdefault("grade", "numerical")

    def make(check: Check) -> Shared:
        def of(method: Method) -> Law:
            @functools.wraps(check)
            def bound(impl: Any, case: Case) -> None:
                check(method, impl, case)

            return law(cases=method.cases, needs=(method.run.function, *also), **details)(bound)

        return of

    return make


def laws_of(method: Method, which: Sequence[Shared]) -> tuple[Law, ...]:
    """These laws for one method."""
    return tuple(of(method) for of in which)


@shared(
    equation=r"[g] = [\epsilon] = 1/[\alpha^*],\quad [w] = [\alpha] = [\alpha^*]",
    source="dimensional analysis",
)
def units_do_not_matter(method, impl, case):
    """Parameters and gradients may be measured in any unit: the inputs that carry it change along, and nothing else does."""
    rows = np.asarray(method.run(impl, case), np.float64)
    for unit, result in method.units:
        for power in (-3, 2):  # powers of two, so that nothing rounds
            other = {name: case[name] * 2.0 ** (power * carried) for name, carried in unit.items()}
            other = {name: a.astype(case["w"].dtype) if isinstance(a, np.ndarray) else a for name, a in other.items()}
            got = method.run(impl, case, **other)
            expected = (rows * 2.0 ** (power * result)).astype(case["w"].dtype)
            scale = method.scale(case, rows) * 2.0 ** (power * result)
            agree(got, expected, why=f"{', '.join(unit)} in another unit", ulps=ulps(case), scale=scale)


@shared(
    equation=r"w_t^{(i)} \text{ depends on } w_0^{(i)}, g^{(i)} \text{ only, and is odd in them}", source="symmetry"
)
def coordinates_go_alone(method, impl, case):
    """Each coordinate can be run alone, in any order, and with its sign flipped."""
    rows = np.asarray(method.run(impl, case))
    scale = method.scale(case, rows)
    d = rows.shape[1]
    for i in range(d):
        alone = method.run(impl, case, w=case["w"][i : i + 1], gradients=case["gradients"][:, i : i + 1])
        agree(alone, rows[:, i : i + 1], why=f"coordinate {i} alone", ulps=ulps(case), scale=scale[:, i : i + 1])
    order = np.arange(d)[::-1]
    sign = np.where(order % 2, 1, -1).astype(case["w"].dtype)
    got = method.run(impl, case, w=case["w"][order] * sign, gradients=case["gradients"][:, order] * sign)
    agree(got, rows[:, order] * sign, why="reversed and mirrored", ulps=ulps(case), scale=scale[:, order])


@shared(equation=r"w_t = w_t(g_1, \dots, g_t)", source="causality")
def the_future_does_not_matter(method, impl, case):
    """The first steps of a run are the run of the first gradients."""
    rows = np.asarray(method.run(impl, case))
    scale = method.scale(case, rows)
    for t in {1, len(rows) // 2, len(rows) - 1} - {0, len(rows)}:
        cut = {name: case[name][:t] for name in ("gradients", *method.steps)}
        agree(method.run(impl, case, **cut), rows[:t], why=f"the first {t} steps", ulps=ulps(case), scale=scale[:t])


@shared(grade="exact", equation=r"g_1 = \dots = g_T = 0 \Rightarrow w_T = w_0", source="induction")
def silence_moves_nothing(method, impl, case):
    """Without gradients and weight decay nothing moves, bit by bit and in the dtype that was given, whatever the rate."""
    case = case | dict(method.still)
    rows = method.run(impl, case, gradients=np.zeros_like(case["gradients"]))
    identical(rows, np.tile(case["w"], (len(case["gradients"]), 1)), why="the parameters")


@shared(
    grade="exact",
    equation=r"g^{(i)}_s = \mathrm{NaN} \Rightarrow w^{(i)}_t = \mathrm{NaN},\ t \ge s",
    source="IEEE 754",
)
def a_nan_stays_where_it_is(method, impl, case):
    """A gradient that is NaN shows in its coordinate from then on; a clip does not swallow it, and no other coordinate
    notices."""
    rows, s = np.asarray(method.run(impl, case)), len(case["gradients"]) // 2
    gradients = case["gradients"].copy()
    gradients[s, 0] = np.nan
    with np.errstate(invalid="ignore"):
        got = np.asarray(method.run(impl, case, gradients=gradients))
    holds(bool(np.isnan(got[s:, 0]).all()), why="NaN from its step on", got=got[:, 0])
    identical(got[:s, 0], rows[:s, 0], why="the same coordinate before")
    identical(got[:, 1:], rows[:, 1:], why="the other coordinates")


@shared(equation=r"w_t(w_0 + \delta) = w_t(w_0) + (1-\lambda)^t \delta", source="the gradients are given")
def the_start_is_forgotten_by_decay_alone(method, impl, case):
    """Gradients given, another start shifts the whole trajectory, by what decoupled weight decay leaves of it."""
    case = case if method.decoupled else case | dict(method.still)
    shift = np.arange(1, case["w"].size + 1).astype(case["w"].dtype)
    kept = 1 - case.get("weight_decay", 0.0)
    t = np.arange(1.0, len(case["gradients"]) + 1)[:, None]
    rows = np.asarray(method.run(impl, case), np.float64)
    expected = rows + kept**t * shift
    got = method.run(impl, case, w=case["w"] + shift)
    scale = method.scale(case, rows) + shift
    agree(got, expected.astype(case["w"].dtype), why="the shifted trajectory", ulps=ulps(case), scale=scale)


@shared(
    equation=r"\alpha_t \to c\, \alpha_t \text{ for } t > s \Rightarrow w_t - w_s \to c\,(w_t - w_s)",
    source="the released code",
)
def a_dropped_rate_scales_every_later_step(method, impl, case):
    """Multiplying the learning rate from some step on multiplies the whole step: the band follows it."""
    case, c = case | dict(method.still), 0.25
    s = len(case["gradients"]) // 2
    if s == 0:  # a single step has nothing after its first
        return
    lr = case["lr"].copy()
    lr[s:] *= lr.dtype.type(c)
    rows = np.asarray(method.run(impl, case), np.float64)
    expected = np.concatenate([rows[:s], rows[s - 1] + c * (rows[s:] - rows[s - 1])])
    got = method.run(impl, case, lr=lr)
    scale = method.scale(case, rows)
    agree(got, expected.astype(case["w"].dtype), why="the slower trajectory", ulps=ulps(case), scale=scale)


SYMMETRIES = (
    units_do_not_matter,
    coordinates_go_alone,
    the_future_does_not_matter,
    silence_moves_nothing,
    a_nan_stays_where_it_is,
)
DESCENT = (*SYMMETRIES, the_start_is_forgotten_by_decay_alone, a_dropped_rate_scales_every_later_step)
