"""The laws of the bound functions: a band that is symmetric in ratio, nested, and closes on final_lr."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from minidl.laws.adabound.cases import LUO, SAVARESE
from minidl.laws.adabound.planted import bugs_of
from minidl.laws.checks import compare
from minidl.laws.core import Cases, Contract, Golden, agree, holds, law

EPOCHS = {"t": np.array([1, 391, 1000, 10_000]), "final_lr": 0.1, "gamma": 1e-3}
EARLY = {"t": np.array([1, 2, 3, 4]), "final_lr": 0.2, "gamma": 0.5}


def _generated():
    from hypothesis import strategies as st

    return st.builds(
        lambda t, final_lr, gamma: {"t": np.array(t), "final_lr": final_lr, "gamma": gamma},
        t=st.lists(st.integers(1, 20_000), min_size=1, max_size=6),
        final_lr=st.sampled_from([0.1, 1.0, 0.5, 3e-3, 20.0]),
        gamma=st.sampled_from([0.5, 1e-3, 0.01, 1.0, 4.0]),
    )


TIMES = Cases(
    named={
        "epochs": EPOCHS,
        "early": EARLY,
        "one_number": {"t": 7, "final_lr": 1.0, "gamma": 0.25},
        "first_step": {"t": 1, "final_lr": 0.1, "gamma": 1.0},
        "fast": {"t": np.arange(1, 12), "final_lr": 0.5, "gamma": 3.0},
        "table": {"t": np.arange(1, 7).reshape(2, 3), "final_lr": 1.0, "gamma": 0.01},
        "late": {"t": np.array([1, 10**9, 2**53 - 1]), "final_lr": 0.1, "gamma": 0.1},
    },
    generated=_generated,
    notes={
        "epochs": "the defaults, at the first step, after an epoch of 391 steps, and later",
        "early": "the bands of the worked example",
        "one_number": "a number instead of an array",
        "fast": "gamma above 1",
    },
)


def _band(impl, t, case):
    lower, upper = impl.bounds(t, case["final_lr"], case["gamma"])
    return np.asarray(lower), np.asarray(upper)


def _exactly(case, function, t=None):
    """function(gamma t, final_lr) in exact fractions, entry by entry."""
    gamma, final = Fraction(case["gamma"]), Fraction(case["final_lr"])
    t = np.asarray(case["t"] if t is None else t)
    return np.array([float(function(gamma * int(i), final)) for i in t.ravel()]).reshape(t.shape)


@law(
    cases=TIMES,
    needs=("bounds",),
    grade="numerical",
    equation=r"\alpha^* - \eta_l = \alpha^* / (\gamma t + 1)",
    source=LUO,
)
def lower_bound_in_fractions(impl, case):
    """The lower bound is final_lr less one part in gamma t + 1."""
    expected = _exactly(case, lambda x, final: final - final / (x + 1))
    # written as 1 - 1 / (gamma t + 1) it cancels at the scale of final_lr: two roundings below, one of the difference
    agree(_band(impl, case["t"], case)[0], expected, why="the lower bound", ulps=4, scale=case["final_lr"])


@law(
    cases=TIMES, needs=("bounds",), grade="numerical", equation=r"\eta_u - \alpha^* = \alpha^* / (\gamma t)", source=LUO
)
def upper_bound_in_fractions(impl, case):
    """The upper bound is final_lr and one part in gamma t."""
    expected = _exactly(case, lambda x, final: final + final / x)
    agree(_band(impl, case["t"], case)[1], expected, why="the upper bound", ulps=4, scale=np.abs(expected))


@law(
    cases=TIMES,
    needs=("bounds",),
    grade="numerical",
    equation=r"\eta_l(t)\, \eta_u(t) = \alpha^{*2}",
    source="algebra",
)
def final_rate_is_the_geometric_mean(impl, case):
    """final_lr is the geometric mean of the bounds at every step, whatever gamma."""
    lower, upper = _band(impl, case["t"], case)
    final = case["final_lr"]
    # the lower bound is good to 4 ulps of final_lr, the upper one to 4 of itself
    agree(lower * upper, np.full(lower.shape, final**2)[()], why="their product", ulps=9, scale=final * np.abs(upper))


@law(
    cases=TIMES,
    needs=("bounds",),
    grade="numerical",
    equation=r"\eta_u / \eta_l = \left(\frac{\gamma t + 1}{\gamma t}\right)^2",
    source="algebra",
)
def width_of_the_band(impl, case):
    """The ratio of the bounds is a perfect square, and falls to 1."""
    lower, upper = _band(impl, case["t"], case)
    # compared without a quotient, upper = ratio * lower, where the lower bound is good to 4 ulps of final_lr
    ratio = _exactly(case, lambda x, final: ((x + 1) / x) ** 2)
    agree(upper, ratio * lower, why="upper = ratio * lower", ulps=9, scale=ratio * case["final_lr"])


@law(
    cases=TIMES,
    needs=("bounds",),
    grade="numerical",
    equation=r"\eta_l(t) \le \eta_l(t+1) < \alpha^* < \eta_u(t+1) \le \eta_u(t)",
    source=LUO,
)
def bands_are_nested(impl, case):
    """Each band lies inside the one before, around final_lr."""
    t, final = np.asarray(case["t"]), case["final_lr"]
    (lower, upper), (next_lower, next_upper) = _band(impl, t, case), _band(impl, t + 1, case)
    slack = 8 * np.finfo(float).eps * final  # two bounds, each good to 4 ulps at that scale
    holds(bool((lower <= next_lower + slack).all()), why="the lower bound rises", got=next_lower, expected=lower)
    holds(bool((upper >= next_upper * (1 - slack / final)).all()), why="the upper bound falls", got=next_upper)
    holds(bool(((lower <= final + slack) & (upper >= final - slack)).all()), why="final_lr between them", got=lower)


@law(
    cases=TIMES,
    needs=("bounds",),
    grade="numerical",
    equation=r"\frac{t}{\eta_l(t)} - \frac{t-1}{\eta_u(t-1)} = "
    r"\frac{1}{\alpha^*}\left(1 + \frac2\gamma - \frac{1}{\gamma(\gamma(t-1)+1)}\right) \le \frac{1 + 2/\gamma}{\alpha^*}",
    source=SAVARESE + ", the condition of the theorem",
)
def the_constant_of_the_regret_bound(impl, case):
    """The inverse rates times t grow by at most M = (1 + 2 / gamma) / final_lr per step, and come as near to it as one
    likes: what the corrected regret bound depends on."""
    t = np.ravel(case["t"])
    t = t[t > 1][:4]
    if not t.size:
        return
    lower, previous = _band(impl, t, case)[0], _band(impl, t - 1, case)[1]
    got = t / lower - (t - 1) / previous
    gamma, final = Fraction(case["gamma"]), Fraction(case["final_lr"])
    growth = [(1 + 2 / gamma - 1 / (gamma * (gamma * (int(i) - 1) + 1))) / final for i in t]
    # the lower bound is good to 4 ulps of final_lr, so t / lower to 4 ulps of its square over final_lr
    scale = t * case["final_lr"] / lower**2 + (t - 1) / previous
    agree(got, np.array([float(x) for x in growth]), why="the growth", ulps=9, scale=scale)
    m = (1 + 2 / case["gamma"]) / case["final_lr"]
    excess = got - 9 * np.finfo(float).eps * scale
    holds(bool((excess <= m * (1 + 4 * np.finfo(float).eps)).all()), why="at most M", got=got, expected=m)


@law(
    cases=TIMES,
    needs=("bounds",),
    grade="numerical",
    equation=r"\frac{\sqrt t}{\eta_u(t)} < \frac{\sqrt{t-1}}{\eta_l(t-1)},\quad \gamma \le 2",
    source=SAVARESE + ", the flaw in the published proof",
)
def the_published_proof_asks_too_much(impl, case):
    """The proof published with AdaBound needs sqrt(t) / rate never to fall. For gamma up to 2 the band allows it to fall at
    every single step: sqrt(t) <= sqrt(t - 1) (1 + 1 / (2 (t - 1))), and the quotient of the bounds beats that."""
    t = np.ravel(case["t"])
    t = t[(t > 1) & (t < 10**6)]  # later the two sides are nearer than their rounding
    if case["gamma"] > 2 or not t.size:
        return
    lower, upper = _band(impl, t - 1, case)[0], _band(impl, t, case)[1]
    least, most = np.sqrt(t) / upper, np.sqrt(t - 1) / lower
    holds(bool((least < most).all()), why="what the band allows sqrt(t) / rate to fall to", got=least, expected=most)


@law(
    cases=Cases(
        named={
            "defaults": {"t": 10**9, "final_lr": 0.1, "gamma": 1e-3, "M": 20010.0},
            "wide": {"t": 10**9, "final_lr": 1.0, "gamma": 0.01, "M": 201.0},
            "narrow": {"t": 10**9, "final_lr": 0.5, "gamma": 0.5, "M": 10.0},
        }
    ),
    needs=("bounds",),
    grade="numerical",
    equation=r"M = (1 + 2/\gamma) / \alpha^*",
    source="worked examples",
)
def printed_constants(impl, case):
    """The supremum of the growth, as printed, within what is missing of it after a thousand million steps."""
    t, final, gamma = float(case["t"]), case["final_lr"], case["gamma"]
    lower, previous = _band(impl, case["t"], case)[0], _band(impl, case["t"] - 1, case)[1]
    got = t / lower - (t - 1) / previous
    missing = 1 / (gamma * (gamma * (t - 1) + 1)) / final
    compare(got + missing, np.float64(case["M"]), 9 * np.finfo(float).eps * 2 * t / final, why="M")


@law(
    cases=Cases(named={"defaults": EPOCHS}),
    needs=("bounds",),
    grade="numerical",
    equation=r"1 / \eta_l(1) = 10010, \quad \sqrt 2 / \eta_u(2) = 0.0282",
    source="worked example",
)
def printed_fall(impl, case):
    """With the defaults, sqrt(t) / rate may fall from 10010 to 0.0282 within one step."""
    lower, upper = (
        impl.bounds(1, case["final_lr"], case["gamma"])[0],
        impl.bounds(2, case["final_lr"], case["gamma"])[1],
    )
    # the lower bound is good to 4 ulps of final_lr, which is 1001 times as large
    compare(1 / np.float64(lower), 10010.0, 4 * 1001 * np.finfo(float).eps * 10010, why="1 / lower(1)")
    compare(np.sqrt(2) / np.float64(upper), 0.0282, 0.5e-4, why="sqrt(2) / upper(2)")


def _printed(case, digits, note, **outputs):
    return Golden("bounds", case, {name: np.array(value) for name, value in outputs.items()}, digits, note)


BOUNDS = Contract(
    "bounds",
    ("t", "final_lr", "gamma"),
    ("lower", "upper"),
    TIMES,
    "The band that AdaBound clips its rates into: around final_lr, and closing on it.",
    laws=(
        lower_bound_in_fractions,
        upper_bound_in_fractions,
        final_rate_is_the_geometric_mean,
        width_of_the_band,
        bands_are_nested,
        the_constant_of_the_regret_bound,
        the_published_proof_asks_too_much,
        printed_constants,
        printed_fall,
    ),
    planted=bugs_of("bounds"),
    golden=(
        _printed(EPOCHS, 10, "the lower bound with the defaults", lower=[9.99000999e-05, 0.0281092739, 0.05, 1 / 11]),
        _printed(EPOCHS, 10, "the upper bound with the defaults", upper=[100.1, 0.3557544757, 0.2, 0.11]),
        _printed(
            EARLY,
            10,
            "the bands of the worked example",
            lower=[1 / 15, 0.1, 0.12, 2 / 15],
            upper=[0.6, 0.4, 1 / 3, 0.3],
        ),
        _printed(
            {"t": 1, "final_lr": 0.1, "gamma": 1e-3}, 13, "the first lower bound, to nine digits", lower=9.99000999e-05
        ),
    ),
)
