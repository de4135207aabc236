"""The laws of comparing degrees: the cost of two degrees and of two runs, runs themselves, and dynamic time warping."""

from __future__ import annotations

from math import lcm

import numpy as np

from minidl.laws.core import Contract, agree, holds, identical, law
from minidl.laws.struc2vec.cases import (
    ALIGNED,
    COST,
    DEGREES,
    RUN_COSTS,
    SEQUENCES,
    SIMILARITY,
    WORKED,
    aligned,
    form,
    left_to_itself,
    worked,
)
from minidl.laws.struc2vec.oracle import alignments, as_runs, cheapest, ratio, runs, weighted
from minidl.laws.struc2vec.planted import bugs_of

# max / min is rounded relative to itself, and so is each of the three operations around it.
COST_ULPS = 4


def _cost(impl, case, **changed):
    case = case | changed
    return np.asarray(impl.degree_cost(case["a"], case["b"], case["epsilon"]))


# --- two degrees -------------------------------------------------------------------------------------------------------
@law(
    cases=DEGREES,
    needs=("degree_cost",),
    grade="numerical",
    equation=r"d_\varepsilon(a, b) = \frac{\max(a, b) + \varepsilon}{\min(a, b) + \varepsilon} - 1",
    source=SIMILARITY,
)
def ratio_of_degrees(impl, case):
    """The cost is the larger degree over the smaller, both moved by epsilon, less one: computed in fractions."""
    exact = [ratio(int(a), int(b), case["epsilon"]) for a, b in zip(case["a"], case["b"], strict=True)]
    expected = np.array([float(value) for value in exact])
    scale = np.where(expected > 0, expected + 1, 0)  # 1: what is subtracted; equal degrees cost exactly nothing
    agree(_cost(impl, case), expected, why="d(a, b)", ulps=COST_ULPS, scale=scale)


@law(
    cases=DEGREES,
    needs=("degree_cost",),
    grade="exact",
    equation=r"d(a, b) = d(b, a), d(a, a) = 0",
    source="definition",
)
def symmetric_and_nothing_for_equals(impl, case):
    """The order of two degrees is nothing to the cost, equal degrees cost nothing, and different ones something."""
    got = _cost(impl, case)
    identical(_cost(impl, case, a=case["b"], b=case["a"]), got, why="d(b, a)")
    identical(_cost(impl, case, b=case["a"]), np.zeros(len(got)), why="d(a, a)")
    holds(bool(((got > 0) == (case["a"] != case["b"])).all()), why="only equals cost nothing", got=got)


@law(
    cases=DEGREES,
    needs=("degree_cost",),
    grade="numerical",
    equation=r"d_0(c a, c b) = d_0(a, b), \quad \log(1 + d_0(a, b)) = |\log a - \log b|",
    source=SIMILARITY,
)
def ratios_have_no_scale(impl, case):
    """Without an offset only the ratio counts, and log(1 + d) is the distance of the logarithms, a metric."""
    a, b = np.maximum(case["a"], 1), np.maximum(case["b"], 1)
    got = _cost(impl, case, a=a, b=b, epsilon=0.0)
    agree(_cost(impl, case, a=3 * a, b=3 * b, epsilon=0.0), got, why="d(3 a, 3 b)", ulps=8, scale=1 + got)
    apart = np.abs(np.log(a) - np.log(b))
    # an error in 1 + d moves its logarithm by as much relatively; each logarithm is rounded relative to itself
    agree(np.log1p(got), apart, why="log(1 + d)", ulps=8, scale=1 + np.log(a) + np.log(b))


@law(
    cases=DEGREES,
    needs=("degree_cost",),
    grade="exact",
    equation=r"\varepsilon > \varepsilon' \Rightarrow d_\varepsilon(a, b) < d_{\varepsilon'}(a, b) \text{ for } a \ne b",
    source="definition",
)
def an_offset_lowers_the_cost(impl, case):
    """More offset brings different degrees closer."""
    more, got = _cost(impl, case, epsilon=case["epsilon"] + 0.5), _cost(impl, case)
    holds(bool((more <= got).all()), why="no cost is higher", expected=got, got=more)
    clear = np.abs(case["a"] - case["b"]) > 1e-3 * (1 + np.minimum(case["a"], case["b"]))  # beyond rounding
    holds(bool((more < got)[clear].all()), why="costs of different degrees are lower", expected=got, got=more)


# --- two runs ----------------------------------------------------------------------------------------------------------
@law(
    cases=RUN_COSTS,
    needs=("run_cost",),
    grade="numerical",
    equation=r"d'_\varepsilon(a, b) = d_\varepsilon(a_0, b_0) \max(a_1, b_1)",
    source=COST,
)
def ratio_times_longer_run(impl, case):
    """The cost of the degrees, once for each member of the longer run."""
    exact = [weighted(a, b, case["epsilon"]) for a, b in zip(case["a"], case["b"], strict=True)]
    expected = np.array([float(value) for value in exact])
    longer = np.maximum(case["a"][:, 1], case["b"][:, 1])
    got = impl.run_cost(case["a"], case["b"], case["epsilon"])
    agree(got, expected, why="d'(a, b)", ulps=COST_ULPS + 1, scale=np.where(expected > 0, expected + longer, 0))


@law(
    cases=RUN_COSTS,
    needs=("run_cost",),
    grade="numerical",
    equation=r"d'((x, m), (y, n)) = g(x^m, y^n)",
    source=COST,
)
def a_run_costs_what_its_members_cost(impl, case):
    """The best way to align m equal degrees with n equal ones, among all ways, pays for as many pairs as it has steps."""
    shortest = [
        min(len(path) for path in alignments(min(int(a), 4), min(int(b), 4)))
        for a, b in zip(case["a"][:, 1], case["b"][:, 1], strict=True)
    ]
    a, b = (np.stack([case[name][:, 0], np.minimum(case[name][:, 1], 4)], axis=1) for name in "ab")
    exact = [float(ratio(int(x), int(y), case["epsilon"])) for x, y in zip(a[:, 0], b[:, 0], strict=True)]
    expected = np.array(exact) * np.array(shortest)
    scale = np.where(expected > 0, expected + np.array(shortest), 0)
    agree(impl.run_cost(a, b, case["epsilon"]), expected, why="the runs", ulps=COST_ULPS + 2, scale=scale)


@law(cases=RUN_COSTS, needs=("run_cost",), grade="exact", equation=r"d'(a, b) = d'(b, a)", source="definition")
def runs_change_places(impl, case):
    """The order of two runs is nothing to the cost."""
    one, other = (np.asarray(impl.run_cost(case[x], case[y], case["epsilon"])) for x, y in ("ab", "ba"))
    identical(other, one, why="d'(b, a)")


@law(cases=DEGREES, needs=("degree_cost",), grade="exact", source=SIMILARITY)
def ratios_as_published(impl, case):
    """Left out, epsilon is 0, as in the paper."""
    a, b = np.maximum(case["a"], 1), np.maximum(case["b"], 1)
    expected = _cost(impl, case, a=a, b=b, epsilon=0.0)
    identical(left_to_itself(impl.degree_cost, a, b), expected, why="d(a, b)")


@law(cases=RUN_COSTS, needs=("run_cost",), grade="exact", source=COST)
def runs_as_published(impl, case):
    """Left out, epsilon is 0, as in the paper."""
    a, b = (np.maximum(case[name], 1) for name in "ab")
    identical(left_to_itself(impl.run_cost, a, b), np.asarray(impl.run_cost(a, b, 0.0)), why="d'(a, b)")


# --- run lengths -------------------------------------------------------------------------------------------------------
@law(cases=SEQUENCES, needs=("run_lengths",), grade="exact", source=COST)
def groups_of_equals(impl, case):
    """Each run is a value and how often it comes, in the order of the sequence; written out they are the sequence."""
    got = np.asarray(impl.run_lengths(case["sequence"]))
    identical(got, np.array(runs(case["sequence"].tolist())), why="the runs")
    identical(np.repeat(got[:, 0], got[:, 1]), case["sequence"], why="the sequence written out")


# --- alignments --------------------------------------------------------------------------------------------------------
def _dtw(impl, case, **changed):
    case = case | changed
    return impl.dtw(case["a"], case["b"], case["epsilon"])


def _agrees(got, expected, case, why):
    """Up to the rounding of the at most p + r - 1 costs on a path, each that of a cost, and of their sum."""
    units = sum(count for name in "ab" for _, count in as_runs(case[name]))
    scale = expected + units if expected > 0 else 0.0
    ulps = COST_ULPS + 1 + len(case["a"]) + len(case["b"])
    agree(got, np.float64(expected), why=why, ulps=ulps, scale=scale)


def _slack(case, value):
    units = sum(count for name in "ab" for _, count in as_runs(case[name]))
    return (COST_ULPS + 1 + len(case["a"]) + len(case["b"])) * np.finfo(float).eps * (value + units)


@law(
    cases=ALIGNED,
    needs=("dtw",),
    grade="numerical",
    equation=r"g(A, B) = \min_{\text{alignments}} \sum_{(i, j)} c(A_i, B_j)",
    source="Sakoe, Chiba, Dynamic programming algorithm optimization for spoken word recognition, 1978",
)
def cheapest_of_all_alignments(impl, case):
    """No alignment is cheaper, and one costs as much: every one of them is tried, in fractions."""
    a, b = as_runs(case["a"]), as_runs(case["b"])
    costs = {(i, j): weighted(x, y, case["epsilon"]) for i, x in enumerate(a) for j, y in enumerate(b)}
    best = min(sum(costs[cell] for cell in path) for path in alignments(len(a), len(b)))
    _agrees(_dtw(impl, case), float(best), case, "g(A, B)")


@law(cases=ALIGNED, needs=("dtw",), grade="numerical", equation=r"g([a], B) = \sum_b c(a, b)", source="closed form")
def one_against_many(impl, case):
    """A sequence of one is aligned with everything, whose costs add up."""
    short = case | {"a": case["a"][:1]}
    total = sum(weighted(as_runs(short["a"])[0], y, case["epsilon"]) for y in as_runs(case["b"]))
    _agrees(_dtw(impl, short), float(total), case, "g([a], B)")
    turned = case | {"a": case["b"], "b": case["a"][:1]}
    _agrees(_dtw(impl, turned), float(total), case, "g(B, [a])")


@law(cases=ALIGNED, needs=("dtw",), grade="numerical", equation=r"g(A, B) = g(B, A), g(A, A) = 0", source="definition")
def sequences_change_places(impl, case):
    """The order of the two is nothing to the cost, and a sequence costs nothing beside itself."""
    _agrees(_dtw(impl, case, a=case["b"], b=case["a"]), float(_dtw(impl, case)), case, "g(B, A)")
    holds(_dtw(impl, case, b=case["a"]) == 0, why="g(A, A) is 0")


@law(
    cases=ALIGNED,
    needs=("dtw",),
    grade="numerical",
    equation=r"d_0(m / a, m / b) = d_0(a, b)",
    source="the cost compares ratios",
)
def turned_over(impl, case):
    """Without an offset, a common multiple divided by each degree, read backwards, is aligned at the same cost."""
    plain = {}
    for name in "ab":
        plain[name] = [(max(1, int(degree)), count) for degree, count in as_runs(case[name])]
    m = lcm(*(degree for name in "ab" for degree, _ in plain[name]))
    pairs = {name: [(m // degree, count) for degree, count in reversed(plain[name])] for name in "ab"}
    inputs = []
    for source in (plain, pairs):
        both = {name: np.array(source[name], np.int32) for name in "ab"}
        inputs.append(both if case["a"].ndim == 2 else {name: part[:, 0].copy() for name, part in both.items()})
    one, other = (_dtw(impl, case | {"epsilon": 0.0} | both) for both in inputs)
    _agrees(other, float(one), case, "the sequences turned over")


@law(
    cases=ALIGNED,
    needs=("dtw",),
    grade="numerical",
    equation=r"\max_a \min_b c(a, b) \le g(A, B) \le (|A| + |B| - 1) \max_{a, b} c(a, b)",
    source="every element is aligned at least once",
)
def between_bounds(impl, case):
    """Each element pays at least for its best partner, and there are at most |A| + |B| - 1 pairs to pay for."""
    a, b = as_runs(case["a"]), as_runs(case["b"])
    costs = np.array([[float(weighted(x, y, case["epsilon"])) for y in b] for x in a])
    got = _dtw(impl, case)
    low, high = max(costs.min(axis=1).max(), costs.min(axis=0).max()), (len(a) + len(b) - 1) * costs.max()
    holds(bool(low - _slack(case, low) <= got), why="the lower bound", expected=low, got=got)
    holds(bool(got <= high + _slack(case, high)), why="the upper bound", expected=high, got=got)


@law(
    cases=ALIGNED,
    needs=("dtw",),
    grade="numerical",
    equation=r"g(A', B') \ge g(A, B) \text{ for the runs } A', B' \text{ of } A, B",
    source=COST,
)
def runs_are_an_upper_bound(impl, case):
    """Aligning runs costs no less than aligning their members, and the same if no degree comes twice in either."""
    exact, inexact = (
        _dtw(impl, case, a=form(case["degrees"][0], compress), b=form(case["degrees"][1], compress))
        for compress in (False, True)
    )
    total = case | {"a": np.array(case["degrees"][0]), "b": np.array(case["degrees"][1])}
    holds(bool(inexact >= exact - _slack(total, exact)), why="runs cost no less", expected=exact, got=inexact)
    if all(len(set(part)) == len(part) for part in case["degrees"]):
        _agrees(inexact, float(exact), total, "runs of one")


@law(cases=ALIGNED, needs=("dtw",), grade="numerical", equation=r"g(A, A') = 0", source="definition")
def repetition_costs_nothing(impl, case):
    """A sequence whose elements repeat is aligned with it for nothing: dynamic time warping is no metric."""
    a = np.array(case["degrees"][0])
    twice = np.repeat(a, 1 + np.arange(len(a)) % 3)
    holds(_dtw(impl, case, a=a, b=twice) == 0, why="g(A, A') is 0")
    both = _dtw(impl, case, a=twice, b=np.array(case["degrees"][1]))
    best = cheapest(as_runs(twice), as_runs(np.array(case["degrees"][1])), case["epsilon"])
    _agrees(both, float(best), case | {"a": twice}, "the longer sequence")


@law(cases=ALIGNED, needs=("dtw",), grade="exact", source=SIMILARITY)
def alignments_as_published(impl, case):
    """Left out, epsilon is 0, as in the paper."""
    a, b = (np.maximum(case[name], 1) for name in "ab")
    expected = _dtw(impl, case, a=a, b=b, epsilon=0.0)
    identical(left_to_itself(impl.dtw, a, b), expected, why="g(A, B)")


# --- contracts ---------------------------------------------------------------------------------------------------------
_GOLDEN = tuple(
    worked(
        "dtw",
        aligned(a, b, epsilon, compress),
        {"cost": value},
        digits=10,
        note=f"{a} beside {b}, epsilon {epsilon:g}" + ", as runs" * compress,
    )
    for a, b, values in WORKED
    for (epsilon, compress), value in zip(
        ((0.0, False), (0.0, True), (0.5, False), (0.5, True)), map(float, values), strict=True
    )
)
_NO_METRIC = {"a": np.array([1, 2, 1]), "b": np.array([2, 4, 4]), "epsilon": 0.0}
_OFFSET = {"a": np.array([0, 1]), "b": np.array([3, 3]), "epsilon": 0.5}
_WITH_RUNS = {"a": np.array([[1, 3], [2, 2]]), "b": np.array([[3, 1], [5, 4]]), "epsilon": 0.0}

COST_CONTRACTS = (
    Contract(
        "degree_cost",
        ("a", "b", "epsilon"),
        ("cost",),
        DEGREES,
        "The cost of degrees a (P,) beside degrees b (P,), entry by entry, (P,) float64.",
        laws=(
            ratio_of_degrees,
            symmetric_and_nothing_for_equals,
            ratios_have_no_scale,
            an_offset_lowers_the_cost,
            ratios_as_published,
        ),
        planted=bugs_of("degree_cost"),
        golden=(
            worked("degree_cost", _NO_METRIC, {"cost": [1.0, 1.0, 3.0]}, digits=15, note="1 + 1 < 3: no metric"),
            worked("degree_cost", _OFFSET, {"cost": [6.0, 4 / 3]}, digits=15, note="the authors' offset 0.5"),
        ),
    ),
    Contract(
        "run_cost",
        ("a", "b", "epsilon"),
        ("cost",),
        RUN_COSTS,
        "The cost of runs (degree, count): a (P, 2) beside b (P, 2), (P,) float64.",
        laws=(ratio_times_longer_run, a_run_costs_what_its_members_cost, runs_change_places, runs_as_published),
        planted=bugs_of("run_cost"),
        golden=(worked("run_cost", _WITH_RUNS, {"cost": [6.0, 6.0]}, digits=15, note="2 x 3 and 1.5 x 4"),),
    ),
    Contract(
        "run_lengths",
        ("sequence",),
        ("runs",),
        SEQUENCES,
        "The run-length form of an ascending sequence (p,): pairs (value, count), (r, 2) integers.",
        laws=(groups_of_equals,),
        planted=bugs_of("run_lengths"),
        golden=(
            worked(
                "run_lengths", {"sequence": np.array([1, 2, 2, 5])}, {"runs": [[1, 1], [2, 2], [5, 1]]}, 15, "worked"
            ),
        ),
    ),
    Contract(
        "dtw",
        ("a", "b", "epsilon"),
        ("cost",),
        ALIGNED,
        "Dynamic time warping of two ascending sequences of degrees (p,), or of runs (p, 2): the cost of the best alignment.",
        laws=(
            cheapest_of_all_alignments,
            one_against_many,
            sequences_change_places,
            turned_over,
            between_bounds,
            runs_are_an_upper_bound,
            repetition_costs_nothing,
            alignments_as_published,
        ),
        planted=bugs_of("dtw"),
        golden=_GOLDEN,
    ),
)
