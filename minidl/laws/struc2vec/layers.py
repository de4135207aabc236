"""The laws of one layer: the weights of its edges, and where a walker in it goes."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import numpy as np
from numpy import inf

from minidl.laws.core import Case, Cases, Contract, agree, holds, identical, law
from minidl.laws.struc2vec.cases import LAYERS, SIX, STAR, graph, worked
from minidl.laws.struc2vec.oracle import layer
from minidl.laws.struc2vec.planted import bugs_of

DIGITS = 60


def exponential(value: Any) -> Decimal:
    """e to a float, to sixty digits."""
    with localcontext() as context:
        context.prec, context.Emin = DIGITS, -(10**6)
        return Decimal(float(value)).exp()


# --- cases -------------------------------------------------------------------------------------------------------------
def symmetric(n: int, values: Any) -> np.ndarray:
    """A matrix (n, n) from the values of the pairs u < v, infinite where one is None or infinite, and on its diagonal."""
    f = np.full((n, n), inf)
    f[np.triu_indices(n, 1)] = [inf if value is None else value for value in values]
    return np.minimum(f, f.T)


def _drawn_f(seed: int, n: int) -> Case:
    rng = np.random.default_rng(seed)
    values = rng.exponential(3.0, n * (n - 1) // 2) * (rng.random(n * (n - 1) // 2) < 0.8)
    return {"f": symmetric(n, [value if rng.random() < 0.8 else inf for value in values])}


def drawn_sizes(make):
    from hypothesis import strategies as st

    return st.builds(make, st.integers(0, 10_000), st.integers(2, 7))


def hub(n: int) -> np.ndarray:
    """Layer 0 of a star with n - 1 leaves: e^-f is 0 between the hub and all others."""
    f = np.zeros((n, n))
    f[0, 1:] = f[1:, 0] = n - 2.0
    return f


_STAR = layer(graph(*STAR), 0)
_SIX = {epsilon: layer(graph(*SIX, epsilon), 0) for epsilon in (0.0, 0.5)}
_TOP = layer(graph(*SIX), 3)
_PAIRS = layer(graph(*STAR), 2)
MATRICES = Cases(
    named={
        "star": {"f": _STAR},
        "six": {"f": _SIX[0.0]},
        "authors": {"f": _SIX[0.5]},
        "top": {"f": _TOP},
        "leaves_only": {"f": _PAIRS},
        "hub": {"f": hub(40) * 25},
        "far": {"f": symmetric(3, [800.0, 801.0, 2000.0])},
        "full_diagonal": {"f": np.array([[0.0, 1.0, 2.5], [1.0, 0.0, 0.5], [2.5, 0.5, 0.0]])},
        "empty": {"f": symmetric(3, [None, None, None])},
    },
    generated=lambda: drawn_sizes(_drawn_f),
    notes={
        "hub": "all weights of a row underflow to 0",
        "full_diagonal": "no step from a node to itself, whatever is on the diagonal",
        "empty": "rows without edges are 0, not NaN",
    },
)


# --- weights -----------------------------------------------------------------------------------------------------------
@law(cases=MATRICES, needs=("layer_weights",), grade="numerical", equation="w = e^{-f}", source=LAYERS)
def decimal_exponentials(impl, case):
    """Each weight is the exponential of -f, worked out to sixty digits; no edge is weight 0."""
    expected = np.array([[0.0 if np.isinf(x) else float(exponential(-x)) for x in row] for row in case["f"]])
    agree(impl.layer_weights(case["f"]), expected, why="w", ulps=2, scale=expected)  # exp is good to one unit


@law(cases=MATRICES, needs=("layer_weights",), grade="exact", equation=r"f \le f' \Rightarrow w \ge w'", source=LAYERS)
def farther_is_lighter(impl, case):
    """Weights are between 0 and 1, 1 at distance 0, and fall with the distance."""
    w, more = np.asarray(impl.layer_weights(case["f"])), np.asarray(impl.layer_weights(case["f"] + 0.5))
    holds(bool(((w >= 0) & (w <= 1)).all()), why="weights in [0, 1]", got=w)
    identical(w == 1, case["f"] == 0, why="which are 1")
    holds(bool(((more < w) | (w == 0)).all()), why="weights of larger distances are smaller", expected=w, got=more)


# --- transitions -------------------------------------------------------------------------------------------------------
def edges_of(f):
    return np.isfinite(f) & ~np.eye(len(f), dtype=bool)


@law(
    cases=MATRICES,
    needs=("transition_rows",),
    grade="numerical",
    equation=r"p(v \mid u) = e^{-f(u, v)} / \sum_{x \ne u} e^{-f(u, x)}",
    source=LAYERS,
)
def decimal_softmax(impl, case):
    """Weights over their row's sum, to sixty digits, however small they are; nobody goes to itself."""
    f, expected = np.asarray(case["f"], float), np.zeros(np.shape(case["f"]))
    shift = np.zeros(len(f))
    for u, row in enumerate(edges_of(f)):
        weights = {int(v): exponential(-f[u, v]) for v in np.flatnonzero(row)}
        total = sum(weights.values())
        shift[u] = max((f[u, v] - f[u, row].min() for v in weights), default=0.0)
        for v, weight in weights.items():
            expected[u, v] = float(weight / total)
    # f - min f is rounded, which its exponential turns into a relative error of eps (f - min f)
    scale = expected * (shift[:, None] + 1)
    agree(impl.transition_rows(case["f"]), expected, why="p", ulps=8 + len(f), scale=scale)


@law(cases=MATRICES, needs=("transition_rows",), grade="numerical", equation=r"\sum_v p(v \mid u) = 1", source=LAYERS)
def rows_add_up_to_one(impl, case):
    """A row adds up to 1 if the node has an edge, else to 0; where there is no edge there is no way."""
    p, edges = np.asarray(impl.transition_rows(case["f"])), edges_of(case["f"])
    holds(bool((p >= 0).all() and (p[~edges] == 0).all()), why="probabilities are on edges only", got=p)
    agree(p.sum(axis=1), edges.any(axis=1).astype(float), why="sums of rows", ulps=2 * len(p))


@law(
    cases=MATRICES,
    needs=("transition_rows",),
    grade="numerical",
    equation=r"\pi_u p(v \mid u) = \pi_v p(u \mid v), \quad \pi_u \propto Z(u)",
    source="reversible chains",
)
def chain_of_a_layer_is_reversible(impl, case):
    """As often from u to v as back, where each node is visited in proportion to its weight; that is stationary."""
    f = np.asarray(case["f"], float)
    if not edges_of(f).any() or (f[edges_of(f)].max() > 300):
        f = np.where(np.isfinite(f), 1.0, 1.0 + np.arange(len(f))[:, None] + np.arange(len(f)))
    w = np.where(edges_of(f), np.exp(-np.where(edges_of(f), f, 0)), 0)
    pi = w.sum(axis=1) / w.sum()
    p = np.asarray(impl.transition_rows(f))
    flow = pi[:, None] * p
    ulps = 8 * len(f)
    scale = (w / w.sum()) * (1 + f[edges_of(f)].max())
    agree(flow, w / w.sum(), why="flow along the edges", ulps=ulps, scale=scale)
    agree(pi @ p, pi, why="the stationary law after a step", ulps=ulps, scale=float(scale.max() * len(f)))


@law(
    cases=MATRICES,
    needs=("transition_rows",),
    grade="numerical",
    equation=r"p(f + c) = p(f)",
    source="softmax",
)
def moved_by_a_constant(impl, case):
    """All distances larger by the same: the same probabilities, even where every weight underflows."""
    f = np.asarray(case["f"], float)
    expected = impl.transition_rows(f)
    scale = np.asarray(expected) * (2048 + f[edges_of(f)].max(initial=0.0))  # f + c is rounded at its own size
    agree(impl.transition_rows(f + 2048.0), expected, why="p", ulps=4, scale=scale)


_UNIFORM = Cases(
    named={"hub_800": {"f": hub(801), "rows": [0], "p": 1 / 800}}
    | {
        f"regular_{n}": {"f": np.where(np.eye(n, dtype=bool), inf, f), "rows": list(range(n)), "p": 1 / (n - 1)}
        for n, f in ((2, 0.0), (5, 0.0), (11, 3.25), (14, 900.0))
    },
    notes={"hub_800": "a star with 800 leaves: e^-799 is 0 in double precision"},
)


@law(cases=_UNIFORM, needs=("transition_rows",), grade="numerical", equation="p = 1 / (n - 1)", source="closed form")
def equally_far(impl, case):
    """Who is equally far from everybody goes to each with the same probability."""
    got = np.asarray(impl.transition_rows(case["f"]))
    rows = case["rows"]
    expected = np.where(np.arange(got.shape[1]) == np.array(rows)[:, None], 0.0, case["p"])
    agree(got[rows], expected, why="rows of equal distances", ulps=8)


_PRINTED_SIX = {
    0: [0, 0.0674508059, 0.1833502999, 0.1833502999, 0.0674508059, 0.4983977885],
    1: [0.0544886845, 0, 0.2442013420, 0.2442013420, 0.4026199469, 0.0544886845],
}


@law(
    cases=Cases(named={"six": {"f": _SIX[0.0]}}), needs=("transition_rows",), grade="numerical", source="worked example"
)
def printed_rows(impl, case):
    """The rows of nodes 0 and 1 of six, as printed with ten decimals, and of their mirror images."""
    got, mirror = np.asarray(impl.transition_rows(case["f"])), np.array([5, 4, 3, 2, 1, 0])
    for u, row in _PRINTED_SIX.items():
        holds(bool((np.abs(got[u] - row) <= 0.51e-10).all()), why=f"row {u}", expected=row, got=got[u])
        identical(np.argsort(got[mirror[u]][mirror]), np.argsort(got[u]), why=f"the mirror image of row {u}")


# --- contracts ---------------------------------------------------------------------------------------------------------
_THIRD, _TO_HUB, _TO_LEAF = 1 / 3, 0.0633789383, 0.4683105308
_STAR_ROWS = np.where(np.eye(4, dtype=bool), 0.0, _TO_LEAF)
_STAR_ROWS[:, 0], _STAR_ROWS[0] = _TO_HUB, [0, _THIRD, _THIRD, _THIRD]
_WEIGHT = 0.1353352832


LAYER_CONTRACTS = (
    Contract(
        "layer_weights",
        ("f",),
        ("w",),
        MATRICES,
        "The weight of each pair in one layer, e^-f, from the distances (n, n), infinite where there is no edge.",
        laws=(decimal_exponentials, farther_is_lighter),
        planted=bugs_of("layer_weights"),
        golden=(
            worked(
                "layer_weights",
                {"f": _STAR[:2, 1:]},
                {"w": [[_WEIGHT, _WEIGHT, _WEIGHT], [0.0, 1.0, 1.0]]},
                digits=10,
                note="a star with three leaves, layer 0",
            ),
        ),
    ),
    Contract(
        "transition_rows",
        ("f",),
        ("p",),
        MATRICES,
        "Where a walker in one layer goes, (n, n): the weights of each row over their sum; 0 for rows without edges.",
        laws=(
            decimal_softmax,
            rows_add_up_to_one,
            chain_of_a_layer_is_reversible,
            moved_by_a_constant,
            equally_far,
            printed_rows,
        ),
        planted=bugs_of("transition_rows"),
        golden=(worked("transition_rows", {"f": _STAR}, {"p": _STAR_ROWS}, digits=10, note="a star, layer 0"),),
    ),
)
