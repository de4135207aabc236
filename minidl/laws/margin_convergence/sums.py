"""The laws of sums of losses over examples, and of their smoothness."""

from __future__ import annotations

import math

import numpy as np

from minidl.laws.core import Case, Cases, Contract, agree, identical, law
from minidl.laws.margin_convergence.cases import FAMILIES, NACSON, family, left_to_itself, worked
from minidl.laws.margin_convergence.clocks import LONG, SWITCH, TAILS, log_loss, log_slope, log_total
from minidl.laws.margin_convergence.margins import FAR, ULPS, at, drawn, margins, rounding, take
from minidl.laws.margin_convergence.planted import bugs_of


# --- sums over examples ------------------------------------------------------------------------------------------------
def _sums(name: str, case: Case) -> Case:
    return {"u": np.atleast_1d(case["u"]).ravel()} | {key: case[key] for key in ("tail", "power")}


SUMS = Cases(
    named={name: _sums(name, case) for name, case in FAR.named.items() if name != "number"}
    | {
        "one_alone": margins(np.array([800.0]), "exponential", 1.0),
        "underflowing": margins(np.array([1000.0, 1001.0, 1000.5]), "logistic", 1.0),
        "overflowing": margins(np.array([-1000.0, -1001.0, 3.0]), "exponential", 1.0),
    },
    generated=drawn,
    notes={"underflowing": "every term is 0 in double precision", "overflowing": "every term is infinite"},
)


@law(cases=SUMS, needs=("log_total_loss",), grade="numerical", equation=r"\log \sum_n \ell(u_n)", source=NACSON)
def logarithm_of_the_sum(impl, case):
    """The sum of the losses of all examples, not their mean, in long double and its log domain."""
    u, tail, power = case["u"], case["tail"], case["power"]
    expected = np.float64(log_total(u[:, None], np.ones(1), tail, power))
    scale = float(rounding(log_loss(u, tail, power)).max())  # the shift is taken out of every term and put back
    agree(take(impl.log_total_loss, case), expected, why="log L", ulps=ULPS + len(u), scale=scale)


@law(
    cases=SUMS,
    needs=("log_total_loss", "log_loss"),
    grade="numerical",
    equation=r"L(u, u) = 2 L(u), \quad \max_n \log \ell(u_n) \le \log L \le \max_n \log \ell(u_n) + \log N",
    source="invariance; bounds of a sum by its terms",
)
def repeated_and_permuted_examples(impl, case):
    """All examples twice give log 2 more, their order nothing; the sum lies between its largest term and N of them."""
    u = case["u"]
    got, n = take(impl.log_total_loss, case), len(u)
    terms = take(impl.log_loss, case)
    scale = float(np.abs(terms).max() + 1)
    twice = take(impl.log_total_loss, case, u=np.concatenate([u, u]))
    agree(twice, got + math.log(2), why="log L of all examples twice", ulps=16 + 2 * n, scale=scale)
    agree(take(impl.log_total_loss, case, u=u[::-1]), got, why="log L in the other order", ulps=4 + n, scale=scale)
    nearest = np.clip(got, terms.max(), terms.max() + math.log(n))  # itself, inside the bounds
    agree(got, nearest, why="the bounds of log L", ulps=8 + n, scale=scale)


@law(cases=SUMS, needs=("log_total_loss",), grade="exact", source="convention")
def sums_of_exponentials_by_default(impl, case):
    """Left out, the tail is exponential and the power 1; margins (..., N) are summed over their last axis."""
    u = case["u"]
    total = impl.log_total_loss
    identical(left_to_itself(total, u), total(u, "exponential", 1.0), why="without a tail")
    for tail in TAILS:
        identical(left_to_itself(total, u, tail), total(u, tail, 1.0), why=f"{tail} without a power")
    stack = np.stack([u, u[::-1] + 1.0])
    got, rows = np.asarray(total(stack, "exponential", 1.0)), [total(row, "exponential", 1.0) for row in stack]
    agree(
        got, np.array(rows), why="margins of two weights at once", ulps=4 + len(u), scale=float(np.abs(stack).max() + 1)
    )


# --- smoothness --------------------------------------------------------------------------------------------------------
KINDS = Cases(named={family(*kind): {"tail": kind[0], "power": kind[1]} for kind in FAMILIES})


@law(cases=KINDS, needs=("smoothness",), grade="numerical", equation=r"\beta = \sup_u \ell''(u)", source=NACSON)
def largest_curvature(impl, case):
    """The largest difference quotient of the slope, in long double, on a grid that holds both sides of its corner."""
    tail, power = case["tail"], case["power"]
    corner = float(SWITCH.get(tail, 0.0))
    h = LONG(2.0**-30)
    grid = np.concatenate([np.arange(-320, 321) / LONG(64), np.zeros(1, LONG)]) + SWITCH.get(tail, LONG(0))
    if tail == "exponential":
        grid = grid[grid >= 0]  # it has no supremum over all margins: that of the margins that are positive
    quotients = (np.exp(log_slope(grid, tail, power)) - np.exp(log_slope(grid + h, tail, power))) / h
    expected = float(quotients.max())
    # the quotient is off by h times the third derivative, which the curvature times 4 (1 + power)^2 bounds beyond a corner
    # at `corner` >= 1; its own rounding is 2^-64 / h
    slack = float(h) * 4 * (1 + power) ** 2 / np.finfo(float).eps
    got = np.float64(impl.smoothness(tail, power))
    agree(got, np.float64(expected), why=f"beta (corner at {corner:g})", ulps=slack + 8, scale=max(expected, 2.0**-4))


@law(cases=KINDS, needs=("smoothness",), grade="exact", source="convention")
def smoothness_by_default(impl, case):
    """Left out, the tail is exponential and the power 1."""
    function = impl.smoothness
    identical(np.float64(left_to_itself(function)), np.float64(function("exponential", 1.0)), why="without a tail")
    tail = case["tail"]
    identical(np.float64(left_to_itself(function, tail)), np.float64(function(tail, 1.0)), why="without a power")


# --- contracts ---------------------------------------------------------------------------------------------------------
SUM_CONTRACTS = (
    Contract(
        "log_total_loss",
        ("u", "tail", "power"),
        ("log_total",),
        SUMS,
        "The logarithm of the sum of the losses of margins u (N,).",
        laws=(logarithm_of_the_sum, repeated_and_permuted_examples, sums_of_exponentials_by_default),
        planted=bugs_of("log_total_loss"),
        golden=(
            at("log_total_loss", "logistic", 1.0, [0.0, 0.0], 14, "two zeros", log_total=math.log(2 * math.log(2))),
        ),
    ),
    Contract(
        "smoothness",
        ("tail", "power"),
        ("beta",),
        KINDS,
        "The largest second derivative of the loss (of the exponential loss, at margins u >= 0).",
        laws=(largest_curvature, smoothness_by_default),
        planted=bugs_of("smoothness"),
        golden=(worked("smoothness", {"tail": "logistic", "power": 1.0}, 15, "1/4, not 1/2 or 1", beta=0.25),),
    ),
)
