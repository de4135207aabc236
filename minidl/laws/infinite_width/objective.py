"""The laws of the objective under weight decay, and of its gradient."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from minidl.laws.core import Cases, Contract, Golden, agree, identical, law
from minidl.laws.infinite_width.cases import (
    PAPER,
    integers,
    quarters,
    seeded,
    units,
)
from minidl.laws.infinite_width.oracle import derivatives, exact, floats, network, objective
from minidl.laws.infinite_width.planted import bugs_of
from minidl.laws.infinite_width.units import THETA, size

LOSS = f"{PAPER}, experiments: mean squared error, biases free"
ARGUMENTS = ("x", "y", *THETA, "decay")


# --- cases -------------------------------------------------------------------------------------------------------------
def task(theta, x, y, decay=0.25):
    return units(*theta, x=x) | {"y": np.array(y, float), "decay": float(decay)}


def drawn_task(rng, N, k):
    """No unit bends at a point: w x is a multiple of 1/16, and b an odd one of 1/32."""
    theta = quarters(rng, k), (2 * rng.integers(-20, 20, k) + 1) / 32, quarters(rng, k), quarters(rng, 1)[0]
    return task(theta, quarters(rng, N, 12), quarters(rng, N), 2.0 ** -rng.integers(0, 6))


_THREE = ([1, -2, 0.5], [0.5, 0.25, -1], [2, -1, 4], 0.5)
SMOOTH = {
    "one_of_each": task(([1.5], [0.5], [-2], 0.25), [1.0], [2.0]),
    "tent": task(_THREE, [-1, 0, 1], [0, 1, 0]),
    "no_decay": task(_THREE, [-1, 0, 1, 3], [0, 1, 0, 2], 0),
    "strong_decay": task(_THREE, [-1, 0, 1, 3], [0, 1, 0, 2], 8),
    "unsorted_and_twice": task(_THREE, [3, -1, 3, 0], [1, 0, -2, 1]),
    "dead_unit": task(([1, 0.5], [-50, 1.5], [2, -1], 1), [-1, 2, 4], [0, 1, -1]),
    "constant_unit": task(([0, 1], [1.5, 0.25], [2, -1], 0), [-1, 2], [0, 1]),
    "large": task(([30, -20], [7, 11], [40, 25], -9), [-11, 17, 2], [100, -50, 3]),
}
TASKS = Cases(
    named=SMOOTH,
    generated=seeded(drawn_task, integers(1, 4), integers(1, 4)),
    notes={
        "unsorted_and_twice": "points in any order, one of them with two values",
        "large": "errors in the thousands",
    },
)
KINKED = {
    "bends_at_a_point": task(([1, -1], [0, 1], [2, 3], 0.5), [0.0, 1.0, 2.0], [1.0, 0.0, -1.0]),
    "zero_weights": task(([0, 0], [0, 0], [1, -2], 1), [-1.0, 2.0], [0.5, 3.0]),
}
KINKS = Cases(named=KINKED)
ALL_TASKS = Cases(named=SMOOTH | KINKED, generated=TASKS.generated, notes=TASKS.notes)


def at_a_kink(case):
    """Whether a unit has exactly 0 before its nonlinearity at some point."""
    return bool((np.outer(case["x"], case["w"]) + case["b"] == 0).any())


def arguments(case, **changed):
    return [(case | changed)[name] for name in ARGUMENTS]


def errors(case):
    """The sum of the magnitudes of the terms of each error h(x_i) - y_i, and how often it is rounded."""
    return size(case) + np.abs(case["y"]), 6 + len(case["w"])


# --- the objective -----------------------------------------------------------------------------------------------------
def total(impl, case, **changed):
    return np.asarray(impl.objective(*arguments(case, **changed)))


@law(
    cases=ALL_TASKS,
    needs=("objective",),
    grade="numerical",
    equation=r"\tfrac1N \sum_i (h(x_i) - y_i)^2 + \tfrac\lambda2 \sum_i (w_i^2 + v_i^2)",
    source=LOSS,
)
def error_and_cost(impl, case):
    """The mean of the squared errors and the decay of half the sum of squared weights, in fractions."""
    terms, ulps = errors(case)
    scale = float(np.mean(terms**2)) + case["decay"] * float(case["w"] @ case["w"] + case["v"] @ case["v"])
    agree(total(impl, case), float(objective(case)), why="objective", ulps=2 * ulps + len(case["x"]), scale=scale)


@law(
    cases=ALL_TASKS,
    needs=("objective",),
    grade="numerical",
    equation=r"L(\lambda) = L(0) + \lambda C, \quad L(D \cup D) = L(D)",
    source=LOSS,
)
def a_mean_and_a_penalty(impl, case):
    """It is a straight line in the decay, of slope C; and the same for data that are there twice, in any order."""
    terms, ulps = errors(case)
    squares = sum(a * a for name in ("w", "v") for a in exact(case[name])) / 2
    scale = float(np.mean(terms**2)) + 4 * float(squares)
    base = total(impl, case, decay=0.0)
    for decay in (0.5, 2.0):
        expected = float(exact(base)[0] + Fraction(decay) * squares)
        agree(total(impl, case, decay=decay), expected, why=f"at decay {decay}", ulps=2 * ulps + 8, scale=scale)
    again = np.concatenate([np.arange(len(case["x"]))[::-1], np.arange(len(case["x"]))])
    twice = total(impl, case, x=case["x"][again], y=case["y"][again], decay=0.0)
    agree(twice, base, why="with every point twice", ulps=4 * ulps + 4 * len(again), scale=scale)


# --- its gradient ------------------------------------------------------------------------------------------------------
def gradient(impl, case, **changed):
    found = impl.objective_gradient(*arguments(case, **changed))
    return {name: np.asarray(part) for name, part in zip(THETA, found, strict=True)}


def gradient_scale(case):
    """Errors are at most `terms`; each is multiplied by x and v, or by what a unit gives, and averaged."""
    terms, ulps = errors(case)
    w, v, x, b = (np.abs(case[name]) for name in ("w", "v", "x", "b"))
    scales = {
        "w": 2 * np.mean(terms * x) * v + case["decay"] * w,
        "b": 2 * np.mean(terms) * v,
        "v": 2 * np.mean(terms[:, None] * (np.outer(x, w) + b), axis=0) + case["decay"] * v,
        "b0": 2 * np.mean(terms),
    }
    return scales, 2 * ulps + 8 + len(x)


def compare_gradient(got, expected, case):
    scales, ulps = gradient_scale(case)
    for name in THETA:
        want = np.array([float(value) for value in expected[name]])
        want = want if name != "b0" else want[0]
        agree(got[name], want, why=f"derivative by {name}", ulps=ulps, scale=scales[name])


@law(
    cases=TASKS,
    needs=("objective_gradient",),
    grade="numerical",
    equation=r"\partial_j L = \frac{L(\theta + \epsilon e_j) - L(\theta - \epsilon e_j)}{2 \epsilon}",
    source="the objective is quadratic in each parameter by itself, between kinks",
)
def difference_quotients(impl, case):
    """By symmetric differences of the objective in fractions, with steps that cross no kink: these have no error."""
    before = np.abs(np.outer(case["x"], case["w"]) + case["b"])
    if not before.all():
        return  # a kink is no place for derivatives
    room = float((before / np.maximum(1, np.abs(case["x"]))[:, None]).min(initial=1.0))
    expected = derivatives(
        lambda moved: objective(case, moved), {name: case[name] for name in THETA}, Fraction(room) / 2
    )
    compare_gradient(gradient(impl, case), expected, case)


@law(
    cases=KINKS,
    needs=("objective_gradient",),
    grade="numerical",
    equation=r"\mathbf 1[0 > 0] = 0",
    policy="kink",
    source="convention",
)
def inactive_at_the_kink(impl, case):
    """At its kink a unit counts as not active: the derivative is the one of a network that has it a little lower there."""
    tiny = Fraction(1, 2**60)
    w, b, x = (exact(case[name]) for name in ("w", "b", "x"))
    lowered = {"b": [bj - tiny if any(wj * p + bj == 0 for p in x) else bj for wj, bj in zip(w, b, strict=True)]}
    theta = {name: case[name] for name in THETA} | lowered
    expected = derivatives(lambda moved: objective(case, lowered | moved), theta, tiny / 8)
    compare_gradient(gradient(impl, case), expected, case)


@law(
    cases=ALL_TASKS,
    needs=("objective_gradient",),
    grade="exact",
    equation=r"h(x_i) = y_i,\ \lambda = 0 \Rightarrow \nabla L = 0",
    source="no error, no decay",
)
def nothing_to_do(impl, case):
    """With no error and no decay the gradient is zero; with decay it is the decay of weights, and biases have none."""
    y = floats(network(case["x"], *(case[name] for name in THETA)))  # no rounding: the cases are binary fractions
    for decay in (0.0, case["decay"]):
        got = gradient(impl, case, y=y, decay=decay)
        for name in THETA:
            expected = decay * case[name] if name in "wv" else 0.0 * np.asarray(case[name])
            identical(got[name] + 0.0, expected + 0.0, why=f"derivative by {name}, decay {decay}")


# --- contracts ---------------------------------------------------------------------------------------------------------
_BY_HAND = task(([1, -1], [0, 1], [2, 3], 0.5), [-1, 2], [6, 5], 0.5)


OBJECTIVE_CONTRACTS = (
    Contract(
        "objective",
        ARGUMENTS,
        ("objective",),
        ALL_TASKS,
        "Mean squared error and decay times half the sum of squared weights.",
        laws=(error_and_cost, a_mean_and_a_penalty),
        planted=bugs_of("objective"),
        golden=(
            Golden(
                "objective", _BY_HAND, {"objective": 0.25 / 2 + 0.25 / 2 + 3.75}, 12, "errors 1/2 and -1/2, C = 7.5"
            ),
        ),
    ),
    Contract(
        "objective_gradient",
        ARGUMENTS,
        THETA,
        ALL_TASKS,
        "The derivatives of the objective by w, b, v (k,) and b0.",
        laws=(difference_quotients, inactive_at_the_kink, nothing_to_do),
        planted=bugs_of("objective_gradient"),
        golden=(
            Golden(
                "objective_gradient",
                _BY_HAND,
                {"w": [-1.5, -2.0], "b": [-1.0, 1.5], "v": [0.0, 2.5], "b0": 0.0},
                12,
                "errors 1/2 at -1, where the second unit gives 2, and -1/2 at 2, where the first does",
            ),
        ),
        kink=at_a_kink,
        terms=lambda case: float(max(np.max(part, initial=0.0) for part in gradient_scale(case)[0].values())),
    ),
)
