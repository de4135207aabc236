"""The laws of Gamma, how many edges of a node are above average, and of how strongly it is drawn upwards."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np

from minidl.laws.core import Case, Cases, Contract, agree, holds, identical, law
from minidl.laws.struc2vec.cases import GROWING, LAYERS, SIX, STAR, graph, worked
from minidl.laws.struc2vec.layers import DIGITS, drawn_sizes, edges_of, symmetric
from minidl.laws.struc2vec.oracle import layer
from minidl.laws.struc2vec.planted import bugs_of


def from_weights(n: int, tops: Any, bottom: int = 8) -> Case:
    """A layer whose weights are fractions top / bottom (0: no edge): f is their logarithm, up to its rounding."""
    with np.errstate(divide="ignore"):
        values = -np.log(np.array(tops) / bottom)
    return {"f": symmetric(n, values + 0.0), "weights": symmetric(n, [None if top == 0 else top for top in tops])}


def _weights_case(seed: int, n: int) -> Case:
    return from_weights(n, np.random.default_rng(seed).integers(0, 9, n * (n - 1) // 2).tolist())


_EXACT = {
    "ties": from_weights(3, [2, 4, 6]),
    "four": from_weights(4, [1, 3, 5, 7, 4, 4]),
    "missing": from_weights(4, [8, 2, 0, 4, 4, 0]),
    "leaf_pairs": from_weights(4, [0, 0, 0, 8, 8, 8]),
    "one_edge": from_weights(5, [0, 0, 3, 0, 0, 0, 0, 0, 0, 0]),
    "empty": from_weights(3, [0, 0, 0]),
}
EQUAL = {
    f"equal_{n}": from_weights(n, [8] * (n * (n - 1) // 2)) for n in (2, 10, 11, 14, 15, 16, 18, 22, 26, 29, 32, 38)
}


def _conventions(named: dict[str, Case]) -> dict[str, Case]:
    ways = (("paper", "defined"), ("paper", "all_pairs"), ("official", "defined"))
    return {
        f"{name}_{convention}_{average}": case | {"convention": convention, "average": average}
        for name, case in named.items()
        for convention, average in ways
    }


def _asked():
    from hypothesis import strategies as st

    return st.builds(
        lambda seed, n, way: _weights_case(seed, n) | dict(zip(("convention", "average"), way, strict=True)),
        st.integers(0, 10_000),
        st.integers(2, 6),
        st.sampled_from([("paper", "defined"), ("paper", "all_pairs"), ("official", "defined")]),
    )


GAMMAS = Cases(
    named=_conventions(_EXACT | EQUAL),
    generated=_asked,
    notes={
        "ties_paper_defined": "a weight that equals the mean is not above it",
        "equal_11_official_defined": "p = 1 / (n - 1) is above its own mean by rounding",
        "leaf_pairs_paper_all_pairs": "pairs without an edge count as weight 0",
    },
)


# --- Gamma -------------------------------------------------------------------------------------------------------------
def _gamma(impl, case, **changed):
    case = case | changed
    return np.asarray(impl.gamma(case["f"], case["convention"], case["average"]))


@law(
    cases=GAMMAS,
    needs=("gamma",),
    grade="exact",
    equation=r"\Gamma(u) = \#\{v : w(u, v) > \bar w\} \text{ or } \#\{v : p(v \mid u) > \bar p\}",
    source=LAYERS,
)
def counted_in_fractions(impl, case):
    """Weights are fractions, so that their mean is one, and what equals the mean does not count as above it."""
    tops, n = case["weights"], len(case["f"])
    weights = [[0 if np.isinf(top) else int(top) for top in row] for row in tops]
    edges = sum(w > 0 for row in weights for w in row)
    if case["convention"] == "official":
        values = [[Fraction(w, sum(row)) if w else Fraction(0) for w in row] for row in weights]
    else:
        values = [[Fraction(w) for w in row] for row in weights]
    among = edges if case["convention"] == "official" or case["average"] == "defined" else n * (n - 1)
    mean = sum(map(sum, values)) / among if among else Fraction(0)
    expected = np.array([sum(value > mean for value in row) for row in values])
    identical(_gamma(impl, case), expected, why="Gamma")


@law(cases=GAMMAS, needs=("gamma",), grade="exact", equation=r"\Gamma(c w) = \Gamma(w)", source="invariance")
def weights_have_no_unit(impl, case):
    """All weights of the layer times the same factor, even e^-900: as many are above their mean."""
    for shift in (1.0, 900.0):
        identical(_gamma(impl, case, f=case["f"] + shift), _gamma(impl, case), why=f"Gamma of f + {shift:g}")


@law(cases=GAMMAS, needs=("gamma",), grade="exact", equation=r"\Gamma(\pi u) = \Gamma(u)", source="invariance")
def gamma_of_renamed_nodes(impl, case):
    """Under other names nodes have the same Gamma, below their number of edges somewhere."""
    n, got = len(case["f"]), _gamma(impl, case)
    pi = np.random.default_rng(n).permutation(n)
    identical(_gamma(impl, case, f=case["f"][np.ix_(pi, pi)]), got[pi], why="Gamma under other names")
    edges = edges_of(case["f"]).sum()
    if case["average"] == "defined" and edges:
        holds(bool(got.sum() < edges), why="not all edges are above their own mean", expected=edges, got=got.sum())


@law(
    cases=Cases(named={"growing": {"f": np.stack([layer(graph(*GROWING), k) for k in (0, 1)])}}),
    needs=("gamma",),
    grade="exact",
    source="counterexample to: the number of similar nodes can only fall",
)
def gamma_may_grow(impl, case):
    """From layer 0 to layer 1 of five nodes the average falls, and Gamma of node 3 grows from 1 to 2."""
    for average in ("defined", "all_pairs"):
        got = [int(np.asarray(impl.gamma(f, "paper", average))[3]) for f in case["f"]]
        holds(got == [1, 2], why=f"Gamma of node 3, average over {average}", expected=[1, 2], got=got)


# --- upwards -----------------------------------------------------------------------------------------------------------
GAMMA_COUNTS = Cases(
    named={"small": {"gamma": np.arange(7)}, "large": {"gamma": np.array([0, 10, 1000, 10**6])}},
    generated=lambda: drawn_sizes(
        lambda seed, n: {"gamma": np.random.default_rng(seed).integers(0, 10 ** (1 + seed % 6), n)}
    ),
)


@law(
    cases=GAMMA_COUNTS,
    needs=("up_probability",),
    grade="numerical",
    equation=r"P_\uparrow / (1 - P_\uparrow) = \log(\Gamma + e)",
    source=LAYERS,
)
def odds_of_going_up(impl, case):
    """The weight upwards is log(Gamma + e), the weight downwards 1: worked out to sixty digits."""
    with localcontext() as context:
        context.prec = DIGITS
        e = Decimal(1).exp()
        expected = [(Decimal(int(g)) + e).ln() / ((Decimal(int(g)) + e).ln() + 1) for g in case["gamma"]]
    agree(impl.up_probability(case["gamma"]), np.array([float(x) for x in expected]), why="P_up", ulps=6)


@law(
    cases=GAMMA_COUNTS, needs=("up_probability",), grade="exact", equation=r"P_\uparrow(0) = 1/2", source="closed form"
)
def more_weight_upwards(impl, case):
    """P_up is 1/2 for Gamma 0, below 1, and grows with Gamma."""
    gamma = np.unique(np.append(case["gamma"], 0))
    up = np.asarray(impl.up_probability(gamma))
    holds(bool((np.diff(up) > 0).all() and (up < 1).all()), why="grows and stays below 1", got=up)
    agree(up[:1], np.array([0.5]), why="P_up for Gamma 0", ulps=4)


# --- contracts ---------------------------------------------------------------------------------------------------------
def _counts(f, convention, average, expected, note):
    case = {"f": f, "convention": convention, "average": average}
    return worked("gamma", case, {"gamma": expected}, digits=15, note=note)


_STAR, _PAIRS = layer(graph(*STAR), 0), layer(graph(*STAR), 2)
_SIX = {epsilon: layer(graph(*SIX, epsilon), 0) for epsilon in (0.0, 0.5)}
_TOP = layer(graph(*SIX), 3)
GAMMA_CONTRACTS = (
    Contract(
        "gamma",
        ("f", "convention", "average"),
        ("gamma",),
        GAMMAS,
        'How many edges of each node in one layer are above average, (n,) integers, by convention "paper" or "official".',
        laws=(counted_in_fractions, weights_have_no_unit, gamma_of_renamed_nodes, gamma_may_grow),
        planted=bugs_of("gamma"),
        golden=(
            _counts(_STAR, "paper", "defined", [0, 2, 2, 2], "a star, layer 0"),
            _counts(_PAIRS, "paper", "defined", [0, 0, 0, 0], "leaves only, all weights equal"),
            _counts(_PAIRS, "paper", "all_pairs", [0, 2, 2, 2], "pairs without the hub: the mean over six is 0.5"),
            _counts(_SIX[0.0], "paper", "defined", [1, 3, 3, 3, 3, 1], "six nodes, layer 0"),
            _counts(_SIX[0.0], "official", "defined", [1, 3, 3, 3, 3, 1], "six nodes, the authors' definition"),
            _counts(_SIX[0.5], "paper", "defined", [1, 3, 3, 3, 3, 1], "six nodes, epsilon 0.5"),
            _counts(_SIX[0.5], "official", "defined", [3, 3, 1, 1, 3, 3], "where the definitions differ"),
            _counts(_TOP, "paper", "defined", [1, 0, 1, 1, 0, 1], "six nodes, layer 3 with four of them"),
        ),
    ),
    Contract(
        "up_probability",
        ("gamma",),
        ("up",),
        GAMMA_COUNTS,
        "The probability that a walker who changes layers goes up, by Gamma of where it is.",
        laws=(odds_of_going_up, more_weight_upwards),
        planted=bugs_of("up_probability"),
        golden=(
            worked(
                "up_probability",
                {"gamma": np.arange(7)},
                {
                    "up": [
                        0.5,
                        0.5677099546,
                        0.6080651897,
                        0.6355244653,
                        0.6557460645,
                        0.6714408262,
                        0.6840863736,
                    ]
                },
                digits=10,
                note="Gamma from 0 to 6",
            ),
        ),
    ),
)
