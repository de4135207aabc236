"""The laws of structural distance: f in every layer, from rings and straight from a graph."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Cases, Contract, agree, holds, identical, law
from minidl.laws.struc2vec.cases import (
    BARBELL,
    COST,
    EPSILONS,
    FLAT,
    GRAPHS,
    SIMILARITY,
    SIX,
    STAR,
    flat,
    graph,
    left_to_itself,
    worked,
)
from minidl.laws.struc2vec.oracle import (
    adjacency,
    automorphisms,
    csr,
    distances,
    graph_distances,
    hops,
    pairs_of,
    ratio,
    relabelled,
    rings_of,
)
from minidl.laws.struc2vec.planted import bugs_of

FIELDS = ("degrees", "counts", "offsets", "first")
ULPS = 8  # a cost is rounded four times; sums add one rounding for each unit that is aligned


# --- f from sequences --------------------------------------------------------------------------------------------------
def _pairs(impl, case, **changed):
    case = case | changed
    return np.asarray(impl.pair_distances(*(case[name] for name in FIELDS), case["pairs"], case["epsilon"]))


def _near(got, expected, units, why):
    scale = np.where(np.isfinite(expected) & (expected > 0), expected + units, 0.0)
    agree(got, expected, why=why, ulps=ULPS + int(units.max(initial=1)), scale=np.where(np.isfinite(scale), scale, 0.0))


@law(
    cases=FLAT,
    needs=("pair_distances",),
    grade="numerical",
    equation=r"f_k(u, v) = \sum_{j \le k} g(s(R_j(u)), s(R_j(v)))",
    source=SIMILARITY,
)
def best_alignments_added_up(impl, case):
    """f adds up the cheapest alignments of the rings so far, in fractions; it is infinite where a ring is empty."""
    expected, units = distances(rings_of(case), case["pairs"], case["epsilon"])
    _near(_pairs(impl, case), expected, units, "f")


@law(cases=FLAT, needs=("pair_distances",), grade="exact", equation=r"0 \le f_{k-1} \le f_k", source=SIMILARITY)
def distances_never_fall(impl, case):
    """f is at least 0 and never falls from layer to layer, and a pair that has left the layers does not come back."""
    f = _pairs(impl, case)
    holds(bool((f >= 0).all() and (f[:, 1:] >= f[:, :-1]).all()), why="f never falls", got=f)
    holds(bool(np.isfinite(f[:, 0]).all()), why="every pair is in layer 0", got=f[:, 0])


@law(
    cases=FLAT,
    needs=("pair_distances",),
    grade="exact",
    equation=r"f_k(\cdot)_e = f_k(\text{pair } e)",
    source="definition",
)
def pair_by_pair(impl, case):
    """Each pair is compared for itself: the order of the pairs changes that of the rows, and no value."""
    f, order = _pairs(impl, case), np.random.default_rng(1).permutation(len(case["pairs"]))
    identical(_pairs(impl, case, pairs=case["pairs"][order]), f[order], why="f of the pairs in another order")
    identical(_pairs(impl, case, pairs=case["pairs"][:1]), f[:1], why="f of the first pair by itself")


# --- f from a graph ----------------------------------------------------------------------------------------------------
def _graph(impl, case, **changed):
    case = case | changed
    return np.asarray(
        impl.structural_distances(
            case["indptr"], case["indices"], case["pairs"], case["epsilon"], case["compress"], case["until_layer"]
        )
    )


@law(
    cases=GRAPHS,
    needs=("structural_distances",),
    grade="numerical",
    equation=r"f_k(u, v) = f_{k-1}(u, v) + g(s(R_k(u)), s(R_k(v))), \quad f_{-1} = 0",
    source=SIMILARITY,
)
def alignments_of_rings(impl, case):
    """From powers of the adjacency, and the cheapest alignments in fractions, layer by layer up to the cap."""
    expected, units = graph_distances(case)
    _near(_graph(impl, case), expected, units, "f")


@law(
    cases=GRAPHS,
    needs=("structural_distances",),
    grade="exact",
    equation=r"f_k^{\pi(G)}(\pi u, \pi v) = f_k^G(u, v) = f_k^G(v, u)",
    source="invariance",
)
def names_do_not_matter(impl, case):
    """Under other names nodes have the same distances, whichever of a pair is named first."""
    n = len(case["indptr"]) - 1
    pi = np.random.default_rng(n + 1).permutation(n)
    new = np.sort(pi[case["pairs"]], axis=1).astype(np.int32)
    got = _graph(impl, case | relabelled(case, pi), pairs=new)
    f = _graph(impl, case)
    scale = np.where(np.isfinite(f), f, 0.0)  # the same sums, of tables that may be turned
    agree(got, f, why="f under other names", ulps=4 * n, scale=scale)


@law(
    cases=GRAPHS,
    needs=("structural_distances",),
    grade="exact",
    equation=r"\sigma \in \mathrm{Aut}(G) \Rightarrow f_k(u, \sigma u) = 0",
    source="Claim of the paper: structurally equivalent nodes",
)
def orbits_are_at_distance_0(impl, case):
    """Nodes that a symmetry of the graph exchanges are at distance 0 in every layer that has them both."""
    f, moved = _graph(impl, case), {(u, v) for pi in automorphisms(case) for u, v in enumerate(pi)}
    same = np.array([(u, v) in moved for u, v in case["pairs"].tolist()])
    got = f[same & np.isfinite(f).any(axis=1)]
    identical(got[np.isfinite(got)], np.zeros(np.isfinite(got).sum()), why="f within orbits")
    holds(bool((np.isfinite(f[same]).sum(axis=1) >= 1).all()), why="pairs of an orbit are in layer 0")


@law(cases=GRAPHS, needs=("structural_distances",), grade="exact", equation=r"f_k(u, u') = 0", source="two copies")
def a_copy_is_at_distance_0(impl, case):
    """In two disjoint copies of the graph a node is at distance 0 of its copy, and between the copies all is as within."""
    n, A = len(case["indptr"]) - 1, adjacency(case)
    u, v = np.nonzero(np.triu(A, 1))
    edges = [(a + s, b + s) for s in (0, n) for a, b in zip(u, v, strict=True)]
    both = csr(2 * n, edges, [int(a) + s for s in (0, n) for a in np.flatnonzero(np.diag(A))])
    mirrored = np.array([(a, a + n) for a in range(n)], np.int32)
    got = _graph(impl, case | both, pairs=mirrored)
    identical(got[np.isfinite(got)], np.zeros(np.isfinite(got).sum()), why="f of a node and its copy")
    across = case["pairs"] + np.array([0, n], np.int32)
    f = _graph(impl, case)
    other = _graph(impl, case | both, pairs=across)[:, : f.shape[1]]
    identical(other, f, why="f across the copies")


@law(
    cases=GRAPHS,
    needs=("structural_distances",),
    grade="numerical",
    equation=r"f_0(u, v) = d_\varepsilon(\deg u, \deg v)",
    source="closed form",
)
def layer_0_compares_degrees(impl, case):
    """In layer 0 there is one degree on each side, as runs or not; a loop adds one to it, not two."""
    degree = np.diff(case["indptr"])
    expected = np.array([[float(ratio(int(degree[u]), int(degree[v]), case["epsilon"]))] for u, v in case["pairs"]])
    for compress in (False, True):
        got = _graph(impl, case, compress=compress)[:, :1]
        agree(got, expected, why="f_0", ulps=4, scale=np.where(expected > 0, expected + 1, 0))


@law(
    cases=GRAPHS,
    needs=("structural_distances",),
    grade="numerical",
    equation=r"f^{OPT1}_k \ge f_k, \quad f_k \text{ falls in } \varepsilon",
    source=COST,
)
def upper_bounds(impl, case):
    """Runs can only be farther apart, and an offset can only bring nodes closer."""
    exact, inexact = (_graph(impl, case, compress=compress) for compress in (False, True))
    more = _graph(impl, case, compress=False, epsilon=case["epsilon"] + 1)
    n = len(case["indptr"])
    slack = ULPS * 2 * n * np.finfo(float).eps * (np.where(np.isfinite(exact), exact, 0) + 2 * n)
    there = np.isfinite(exact)
    holds(bool((inexact + slack >= exact)[there].all()), why="runs are no closer", expected=exact, got=inexact)
    holds(bool((more <= exact + slack)[there].all()), why="an offset brings closer", expected=exact, got=more)
    holds(bool((np.isfinite(inexact) == there).all()), why="the same pairs are in the layers")


@law(cases=GRAPHS, needs=("structural_distances",), grade="exact", equation=r"f_k,\ k \le k'", source=COST)
def a_cap_only_drops_layers(impl, case):
    """With a cap the layers up to it, inclusive, stay as they are."""
    whole = _graph(impl, case, until_layer=None)
    for cap in (0, 1, 2):
        identical(_graph(impl, case, until_layer=cap), whole[:, : cap + 1], why=f"f up to layer {cap}")


_REGULAR = Cases(
    named={
        f"{name}_{epsilon:g}": graph(n, edges, epsilon)
        for epsilon in EPSILONS
        for name, n, edges in (
            ("cycle", 7, [(u, (u + 1) % 7) for u in range(7)]),
            ("complete", 5, pairs_of(5).tolist()),
            ("cube", 8, [(u, u ^ b) for u in range(8) for b in (1, 2, 4) if u < u ^ b]),
            ("triangle_and_square", 7, [(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (5, 6), (3, 6)]),
        )
    }
)


@law(cases=_REGULAR, needs=("structural_distances",), grade="exact", equation=r"f_k = 0", source="closed form")
def regular_graphs(impl, case):
    """Where all degrees are equal, all distances are 0, as long as both have rings."""
    far = hops(adjacency(case)).max(axis=1)
    expected = np.array([[min(far[u], far[v]) >= k for k in range(np.sort(far)[-2] + 1)] for u, v in case["pairs"]])
    for compress in (False, True):
        got = _graph(impl, case, compress=compress)
        if not compress:
            identical(got, np.where(expected, 0.0, np.inf), why="f")
        identical(got[np.isfinite(got)], np.zeros(np.isfinite(got).sum()), why="f with or without runs")


@law(cases=FLAT, needs=("pair_distances",), grade="exact", source=SIMILARITY)
def pairs_as_published(impl, case):
    """Left out, epsilon is 0, as in the paper."""
    flat_rings = (np.maximum(case["degrees"], 1), *(case[name] for name in FIELDS[1:]))
    expected = np.asarray(impl.pair_distances(*flat_rings, case["pairs"], 0.0))
    identical(left_to_itself(impl.pair_distances, *flat_rings, case["pairs"]), expected, why="f")


@law(cases=GRAPHS, needs=("structural_distances",), grade="exact", source=SIMILARITY)
def distances_as_published(impl, case):
    """Left out, epsilon is 0, rings are not compressed, and there is no cap on the layers."""
    if (np.diff(case["indptr"]) == 0).any():
        case = graph(*STAR)
    expected = _graph(impl, case, epsilon=0.0, compress=False, until_layer=None)
    got = left_to_itself(impl.structural_distances, case["indptr"], case["indices"], case["pairs"])
    identical(got, expected, why="f")


# --- contracts ---------------------------------------------------------------------------------------------------------
INF = np.inf
_STAR_PAIRS = {0.0: [2.0, 8.0, INF], 0.5: [1.3333333333, 5.3333333333, INF]}
_SIX_PAIRS = np.array([(0, 1), (0, 2), (1, 2), (0, 5), (2, 3), (1, 4)], np.int32)
_SIX_PRINTED = {
    0.0: [[2, 4.5, 6, INF], [1, 1.5, 2.5, 3.5], [0.5, 1.5, 2, INF]],
    0.5: [
        [1.3333333333, 3.0666666667, 4.1333333333, INF],
        [0.6666666667, 1.0666666667, 1.7333333333, 2.4],
        [0.4, 1.0666666667, 1.4666666667, INF],
    ],
}
_MIRRORED = [[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, INF]]
_ISOLATED = graph(5, [(0, 1), (0, 2), (0, 3)], 0.5) | {"pairs": np.array([(0, 4)], np.int32)}


def _barbell(until_layer, *pairs):
    return graph(*BARBELL, until_layer=until_layer) | {"pairs": np.array(pairs, np.int32)}


def _printed():
    for epsilon in (0.0, 0.5):
        leaves = [[0.0, 0.0, 0.0]] * 3
        f = np.array([_STAR_PAIRS[epsilon]] * 3 + leaves)
        yield graph(*STAR, epsilon), f, f"a star with three leaves, epsilon {epsilon:g}"
        f = np.array(_SIX_PRINTED[epsilon] + _MIRRORED)
        yield graph(*SIX, epsilon) | {"pairs": _SIX_PAIRS}, f, f"six nodes in two mirror halves, epsilon {epsilon:g}"
    f = np.array([[1 / 9, 1 / 9 + 3.5 + 1 / 9], [4, 5]])
    yield _barbell(1, (0, 9), (9, 10)), f, "two cliques of ten joined by a path: 1/9, then 1/9 + 3.5 + 1/9"
    yield _barbell(2, (9, 10)), np.array([[4, 5, 36.5]]), "where the cliques end and the path begins"
    yield _barbell(0, (0, 10)), np.array([[3.5]]), "9 neighbours and 2"
    yield _ISOLATED, np.array([[6.0, INF, INF]]), "no neighbours beside three"


_GOLDEN = tuple(worked("structural_distances", case, {"f": f}, digits=10, note=note) for case, f, note in _printed())
_RINGS_OF_STAR = flat(graph(*STAR, compress=True))
DISTANCE_CONTRACTS = (
    Contract(
        "pair_distances",
        (*FIELDS, "pairs", "epsilon"),
        ("f",),
        FLAT,
        "f of pairs (P, 2) in every layer, (P, L) float64, from the flat rings; infinite where a ring is empty.",
        laws=(best_alignments_added_up, distances_never_fall, pair_by_pair, pairs_as_published),
        planted=bugs_of("pair_distances"),
        golden=(
            worked(
                "pair_distances", _RINGS_OF_STAR, {"f": [[2.0, 8.0, INF]] * 3 + [[0.0] * 3] * 3}, 10, "a star, as runs"
            ),
        ),
    ),
    Contract(
        "structural_distances",
        ("indptr", "indices", "pairs", "epsilon", "compress", "until_layer"),
        ("f",),
        GRAPHS,
        "f of pairs (P, 2) of nodes of a graph in every layer, (P, L) float64; infinite where a ring is empty.",
        laws=(
            alignments_of_rings,
            names_do_not_matter,
            orbits_are_at_distance_0,
            a_copy_is_at_distance_0,
            layer_0_compares_degrees,
            upper_bounds,
            a_cap_only_drops_layers,
            regular_graphs,
            distances_as_published,
        ),
        planted=bugs_of("structural_distances"),
        golden=_GOLDEN,
    ),
)
