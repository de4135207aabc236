"""The laws of estimates of log Z: logs of means of weights, and of lengths of tours, with their intervals."""

from __future__ import annotations

import math

import numpy as np

from minidl.laws.core import Case, Cases, Contract, Golden, agree, holds, identical, law
from minidl.laws.mclv_rbm.cases import AIS, KAC, KAC_CASES, TOURS, only
from minidl.laws.mclv_rbm.machine import LONG, machine, mask
from minidl.laws.mclv_rbm.planted import bugs_of

ESTIMATE = ("log_z", "std_error", "low", "high", "used")


# --- cases -------------------------------------------------------------------------------------------------------------
def _weights(rng: np.random.Generator) -> Case:
    return {
        "log_weights": np.round(rng.normal(size=int(rng.integers(1, 9))) * 2, 2),
        "base": np.round(rng.normal(size=int(rng.integers(1, 5))), 2),
        "n_H": int(rng.integers(1, 9)),
        "level": float(rng.choice([0.5, 0.9, 0.95, 0.999])),
    }


def _lengths(rng: np.random.Generator) -> Case:
    tours = int(rng.integers(1, 9))
    completed = rng.random(tours) < rng.choice([0.5, 1.0])
    completed[int(rng.integers(tours))] = True
    return {
        "length": rng.integers(1, 9, tours),
        "completed": completed,
        "log_z_S": float(np.round(rng.normal() * 5, 2)),
        "unfinished": str(rng.choice(["drop", "count"])),
        "level": float(rng.choice([0.5, 0.9, 0.95, 0.999])),
    }


def _generated(fill):
    def generated():
        from hypothesis import strategies as st

        return st.builds(lambda seed: fill(np.random.default_rng(seed)), st.integers(0, 99999))

    return generated


_FEW = {"base": np.array([0.4, -0.1]), "n_H": 2, "level": 0.95}
WEIGHTS = Cases(
    named={
        "several": {"log_weights": np.array([0.5, -1.0, 2.0, 0.0])} | _FEW,
        "equal": {"log_weights": np.full(5, 1.25)} | _FEW,
        "single": {"log_weights": np.array([0.3])} | _FEW,
        "huge": {"log_weights": np.array([900.0, 901.5, 899.0])} | _FEW,
        "tiny": {"log_weights": np.array([-1000.0, -1001.0, -999.0])} | _FEW,
        "wide": {"log_weights": np.array([0.0, -50.0, 1.0]), "base": np.zeros(3), "n_H": 5, "level": 0.999},
    },
    generated=_generated(_weights),
    notes={
        "several": "the mean of the logs is not the log of the mean",
        "single": "one run says nothing of its error",
        "huge": "e^900 overflows",
        "tiny": "e^-1000 is 0, whose log is minus infinity",
    },
)


def _tours(length, completed=None, log_z_S=1.5, unfinished="drop", level=0.95):
    length = np.array(length)
    completed = np.ones(len(length), bool) if completed is None else np.array(completed)
    return {
        "length": length,
        "completed": completed,
        "log_z_S": log_z_S,
        "unfinished": unfinished,
        "level": level,
    }


LENGTHS = Cases(
    named={
        "all_back": _tours([1, 3, 2, 1]),
        "dropped": _tours([1, 4, 2, 4], [True, False, True, False]),
        "counted": _tours([1, 4, 2, 4], [True, False, True, False], unfinished="count"),
        "at_the_cap": _tours([1, 4, 2, 4], [True, True, True, False]),
        "alike": _tours([1, 1, 1], log_z_S=-3.25),
        "single": _tours([5]),
        "low_end": _tours([1, 1, 1, 9], level=0.999),
    },
    generated=_generated(_lengths),
    notes={
        "dropped": "a tour that was not completed does not count with the length so far",
        "at_the_cap": "a tour that came back in the last step is complete",
        "low_end": "log Z is at least log Z_S, whatever the interval says",
    },
)


# --- what an interval must be ------------------------------------------------------------------------------------------
def _spread(weights):
    """The standard error of a mean, divided by the mean: by the jackknife, which for a mean is exact."""
    n = len(weights)
    if n == 1:
        return math.inf
    left_out = (weights.sum() - weights) / (n - 1)
    return float(np.sqrt((n - 1) / LONG(n) * ((left_out - weights.mean()) ** 2).sum()) / weights.mean())


def _judge(got, weights, log_scale, level, size, *, floor=-math.inf, open_above=False):
    """The estimate against the mean of weights that are near 1, times e^log_scale. size: of the logs that it is made of."""
    log_z, std_error, low, high, used = (np.asarray(part)[()] for part in got)
    n = len(weights)
    expected = np.float64(np.log(weights.mean()) + log_scale)
    agree(log_z, expected, why="log Z", ulps=n + 8, scale=size)
    identical(np.int64(used), np.int64(n), why="how many were used")
    spread = _spread(weights)
    # the deviations of weights cancel, whose logs were rounded at their size
    agree(std_error, np.float64(spread), why="the standard error", ulps=8 * (n + 8), scale=size)
    if math.isinf(spread):
        holds(low == floor and high == math.inf, why="a single weight leaves the interval open", got=(low, high))
        return
    holds(open_above == (high == math.inf), why="open above only where a tour did not come back", got=high)
    # the part of a normal distribution between the ends; without spread they are the estimate itself
    for end, side in ((low, -1), (high, 1)):
        if (side == 1 and open_above) or (side == -1 and low == floor):
            continue
        expected = np.float64(log_z + side * _reach(level) * spread)
        agree(np.float64(end), expected, why="an end of the interval", ulps=32 * (n + 8), scale=size)
    if low == floor and not math.isinf(floor):
        slack = 32 * (n + 8) * np.finfo(float).eps * size
        holds(
            log_z - _reach(level) * spread <= floor + slack, why="the low end is cut only where it lies below", got=low
        )


def _reach(level):
    """The number of standard errors within which a normal variable lies with this probability, by bisection of erf."""
    low, high = 0.0, 40.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if math.erf(middle / math.sqrt(2)) < level else (low, middle)
    return low


# --- weights of runs ---------------------------------------------------------------------------------------------------
MEAN = r"\log \hat Z = \log Z_0 + \log \frac1R \sum_r w_r"


@law(cases=WEIGHTS, needs=("log_mean",), grade="numerical", equation=r"\log \frac1R \sum_r w_r", source=AIS)
def log_of_the_mean(impl, case):
    """The log of the mean of the weights, with the standard error of the mean relative to it, and a normal interval."""
    logs = np.asarray(case["log_weights"], LONG)
    top = logs.max()
    _judge(impl.log_mean(case["log_weights"]), np.exp(logs - top), top, 0.95, 1 + float(np.abs(logs).max()))


@law(cases=WEIGHTS, needs=("log_mean",), grade="numerical", equation=r"w \to c\, w", source="scaling")
def unit_of_the_weights_is_free(impl, case):
    """Weights in another unit move the estimate and its interval, and leave the relative error alone."""
    logs = case["log_weights"]
    shift, size = 700.0, 701 + float(np.abs(logs).max())
    here, there = impl.log_mean(logs), impl.log_mean(logs + shift)
    for name, one, other in zip(("log_z", "low", "high"), (here[0], *here[2:4]), (there[0], *there[2:4]), strict=True):
        agree(other, np.asarray(one) + shift, why=name, ulps=32 * (len(logs) + 8), scale=size)
    agree(there[1], np.asarray(here[1])[()], why="the standard error", ulps=16 * (len(logs) + 8), scale=size)


@law(cases=WEIGHTS, needs=("ais_log_partition",), grade="numerical", equation=MEAN, source=AIS)
def base_times_the_mean_weight(impl, case):
    """log Z is that of the base model, whose hidden units are free, plus the log of the mean weight, with its interval."""
    logs, base = np.asarray(case["log_weights"], LONG), np.asarray(case["base"], LONG)
    log_base = case["n_H"] * np.log(LONG(2)) + np.log1p(np.exp(base)).sum()
    size = 1 + float(np.abs(logs).max() + log_base)
    got = impl.ais_log_partition(case["log_weights"], case["base"], case["n_H"], case["level"])
    _judge(got, np.exp(logs - logs.max()), logs.max() + log_base, case["level"], size)


@law(cases=WEIGHTS, needs=("ais_log_partition",), grade="numerical", equation=MEAN, source=AIS)
def order_of_runs_is_free(impl, case):
    """The order of the runs does not matter, and every run twice has the same mean; the level is 95 percent by default."""
    logs, rest = case["log_weights"], (case["base"], case["n_H"], case["level"])
    size = 1 + float(np.abs(logs).max()) + case["n_H"] + len(case["base"]) * 5
    here = np.asarray(impl.ais_log_partition(logs, *rest)[0])[()]
    plain = impl.ais_log_partition(logs, *rest[:2])
    for name, one, other in zip(ESTIMATE, plain, impl.ais_log_partition(logs, *rest[:2], 0.95), strict=True):
        identical(other, one, why=f"{name} by default, at a level of 95 percent")
    for why, others in (("reversed", logs[::-1].copy()), ("twice", np.tile(logs, 2))):
        agree(impl.ais_log_partition(others, *rest)[0], here, why=why, ulps=4 * (len(logs) + 8), scale=size)


# --- lengths of tours --------------------------------------------------------------------------------------------------
def _call(impl, case, **changed):
    case = case | changed
    names = ("length", "completed", "log_z_S", "unfinished", "level")
    return impl.tour_log_partition(*(case[name] for name in names))


@law(
    cases=LENGTHS,
    needs=("tour_log_partition",),
    grade="numerical",
    equation=r"\log \hat Z = \log Z_S + \log \frac{1}{|\mathcal C|} \sum_{r \in \mathcal C} \xi_r",
    source=TOURS,
)
def mean_length_of_completed_tours(impl, case):
    """log Z is log Z_S plus the log of the mean length: of completed tours, or of all where unfinished ones are counted.

    The interval never ends below log Z_S, and is open above where a tour did not come back.
    """
    counted = case["unfinished"] == "count"
    used = np.asarray(case["length"] if counted else case["length"][case["completed"]], LONG)
    size = 4 + abs(case["log_z_S"]) + float(used.max())
    open_above = not case["completed"].all()
    _judge(_call(impl, case), used, case["log_z_S"], case["level"], size, floor=case["log_z_S"], open_above=open_above)


@law(
    cases=LENGTHS,
    needs=("tour_log_partition",),
    grade="exact",
    equation=r"\mathcal C = \{r : \xi_r \le K\}",
    source=TOURS,
)
def dropped_tours_leave_no_trace(impl, case):
    """Dropped tours do not count, whatever their length so far, and tours of a single state give Z_S itself."""
    longer = np.where(case["completed"], case["length"], 1000)
    here, there = _call(impl, case, unfinished="drop"), _call(impl, case, unfinished="drop", length=longer)
    for name, one, other in zip(ESTIMATE, here, there, strict=True):
        identical(other, one, why=name)
    plain = impl.tour_log_partition(case["length"], case["completed"], case["log_z_S"])
    for name, one, other in zip(ESTIMATE, plain, _call(impl, case, unfinished="drop", level=0.95), strict=True):
        identical(other, one, why=f"{name} by default, which drops unfinished tours and has an interval of 95 percent")
    ones = _call(impl, case, length=np.ones_like(case["length"]))
    identical(np.float64(ones[0]), np.float64(case["log_z_S"]), why="log Z where every tour is back at once")


_SOON = only(KAC_CASES, "worked_10", "worked_10_11", "worked_00_10", "decoupled", "everything")


@law(
    cases=_SOON,
    needs=("tour_log_partition",),
    grade="numerical",
    equation=r"E[\hat Z] = Z_S\, E[\xi] = Z",
    source=KAC,
)
def single_tour_is_unbiased(impl, case):
    """Weighed over all lengths with their probabilities, the estimate from one tour without a cap is Z."""
    m, inside = machine(case), mask(case["S"])
    log_z_S = float(np.log(m.p_h[inside].sum()) + m.log_z)
    away, alive = m.away(inside), m.start(inside)
    total, k = LONG(0), 0
    while alive.sum() > 1e-22:
        k += 1
        stepped = alive @ m.kernel
        chance, alive = stepped[inside].sum(), alive @ away
        got = impl.tour_log_partition(np.array([k]), np.array([True]), log_z_S, "drop", 0.95)[0]
        total += chance * np.exp(np.asarray(got, LONG))
    ulps = 4 * m.terms + k  # the lengths' law, k steps by a table that rounds
    agree(np.float64(np.log(total)), np.float64(m.log_z), why="log E[Z]", ulps=ulps, scale=m.size * (1 + math.log(k)))


# --- contracts ---------------------------------------------------------------------------------------------------------
AVERAGE_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "log_mean",
        ("log_weights",),
        ESTIMATE,
        WEIGHTS,
        "The log of the mean of weights given by their logs, with an interval.",
        laws=(log_of_the_mean, unit_of_the_weights_is_free),
        planted=bugs_of("log_mean"),
    ),
    Contract(
        "ais_log_partition",
        ("log_weights", "base", "n_H", "level"),
        ESTIMATE,
        WEIGHTS,
        "log Z from the weights of annealing runs, with an interval.",
        laws=(base_times_the_mean_weight, order_of_runs_is_free),
        planted=bugs_of("ais_log_partition"),
    ),
    Contract(
        "tour_log_partition",
        ("length", "completed", "log_z_S", "unfinished", "level"),
        ESTIMATE,
        LENGTHS,
        "log Z from the lengths of tours, with an interval.",
        laws=(mean_length_of_completed_tours, dropped_tours_leave_no_trace, single_tour_is_unbiased),
        planted=bugs_of("tour_log_partition"),
        golden=(
            Golden(
                "tour_log_partition",
                _tours([3, 1, 2], log_z_S=math.log(16.6959264470)),
                {"log_z": np.float64(math.log(16.6959264470) + math.log(2))},
                12,
                "three tours of the worked set {10, 11}: twice its Z_S",
            ),
        ),
    ),
)
