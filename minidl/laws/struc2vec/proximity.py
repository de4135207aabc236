"""The laws of walks on the graph itself: to uniform neighbours, and with a memory of one step."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from minidl.laws.core import Case, Cases, Contract, holds, identical, law
from minidl.laws.struc2vec.cases import COMB, GROWING, LOPSIDED, SIX, STAR, drawn_graph, left_to_itself, worked
from minidl.laws.struc2vec.oracle import adjacency, csr
from minidl.laws.struc2vec.planted import bugs_of

DEEPWALK = "Perozzi, Al-Rfou, Skiena, DeepWalk: Online Learning of Social Representations, KDD 2014"
NODE2VEC = "Grover, Leskovec, node2vec: Scalable Feature Learning for Networks, KDD 2016"
PARTS = 1 << 12


# --- cases -------------------------------------------------------------------------------------------------------------
def walked(graph: Case, seed: int, walks: int, steps: int, p: float = 0.25, q: float = 2.0) -> Case:
    """Walks with noise at odd multiples of 2^-13, where no sum of the weights ends."""
    rng = np.random.default_rng(seed)
    n = len(graph["indptr"]) - 1
    return {
        "starts": rng.integers(0, n, walks).astype(np.int32),
        "indptr": graph["indptr"],
        "indices": graph["indices"],
        "u": (rng.integers(0, PARTS, (walks, steps)) + 0.5) / PARTS,
        "p": p,
        "q": q,
    }


def _borders() -> Case:
    """From node 4 to node 0 and on, with noise a part in 10^12 below and above the end of each neighbour's share."""
    p, q = 0.3, 0.7
    ends = np.cumsum([1 / q, 1 / q, 1 / p])[:2] / (2 / q + 1 / p)
    s = np.concatenate([ends * (1 - 1e-12), ends * (1 + 1e-12)])
    case = walked(csr(*GROWING), 0, len(s), 2, p, q)
    return case | {"starts": np.full(len(s), 4, np.int32), "u": np.stack([np.full(len(s), 0.5), s], axis=1)}


def _drawn():
    from hypothesis import strategies as st

    return st.builds(
        lambda seed, n, density, steps, p, q: walked(
            drawn_graph(seed, n, density, 0.5, False, None), seed, 3, steps, p, q
        ),
        st.integers(0, 10_000),
        st.integers(2, 7),
        st.sampled_from([0.3, 0.6, 0.9]),
        st.integers(0, 8),
        st.sampled_from([0.25, 1.0, 4.0]),
        st.sampled_from([0.5, 1.0, 2.0]),
    )


WALKED = Cases(
    named={
        "growing": walked(csr(*GROWING), 1, 6, 12),
        "six": walked(csr(*SIX), 2, 6, 12, 4.0, 0.5),
        "star": walked(csr(*STAR), 3, 4, 8),
        "lopsided": walked(csr(*LOPSIDED), 4, 6, 12, 2.0, 4.0),
        "comb": walked(csr(*COMB), 5, 6, 12, 0.5, 0.25),
        "dense": walked(csr(5, [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3), (3, 4)]), 6, 8, 16, 8.0, 4.0),
        "alone": walked(csr(4, [(0, 1)]), 7, 8, 5),
        "loops": walked(csr(3, [(0, 1), (1, 2)], [1]), 8, 5, 8),
        "starts_only": walked(csr(*STAR), 9, 3, 0),
        "borders": _borders(),
    },
    generated=_drawn,
    notes={
        "alone": "a walk at a node without neighbours ends there",
        "loops": "a loop is a way to stay",
        "borders": "shares in single precision end elsewhere",
    },
)


def _first(impl, case, **changed):
    case = case | changed
    return np.asarray(impl.first_order_walks(case["starts"], case["indptr"], case["indices"], case["u"]))


def _second(impl, case, **changed):
    case = case | changed
    return np.asarray(
        impl.node2vec_walks(case["starts"], case["indptr"], case["indices"], case["u"], case["p"], case["q"])
    )


def walk_in_fractions(case: Case, weights) -> np.ndarray:
    """Step by step: the first neighbour, by number, up to which the shares add up to more than the noise."""
    A = adjacency(case)
    nodes = np.full((len(case["starts"]), case["u"].shape[1] + 1), -1)
    nodes[:, 0] = case["starts"]
    for path, noise in zip(nodes, case["u"], strict=True):
        for t, s in enumerate(noise):
            shares = weights(A, int(path[t - 1]) if t else None, int(path[t]))
            if not shares:
                break
            total, so_far = sum(shares.values()), Fraction(0)
            for v in sorted(shares):
                so_far += shares[v]
                if Fraction(s) * total < so_far:
                    path[t + 1] = v
                    break
    return nodes


def _alpha(case):
    p, q = Fraction(case["p"]), Fraction(case["q"])

    def weights(A, previous, current):
        row = np.flatnonzero(A[current]).tolist()
        if previous is None:
            return dict.fromkeys(row, Fraction(1))
        return {v: 1 / p if v == previous else Fraction(1) if A[previous, v] else 1 / q for v in row}

    return weights


# --- laws --------------------------------------------------------------------------------------------------------------
@law(
    cases=WALKED,
    needs=("first_order_walks",),
    grade="exact",
    equation=r"v_{t+1} = N(v_t)_{\lfloor u_t d \rfloor}",
    source=DEEPWALK,
)
def equal_shares(impl, case):
    """All neighbours have the same share of the noise, in the order of their numbers; the walk ends where there is none."""
    expected = walk_in_fractions(case, lambda A, _, u: dict.fromkeys(np.flatnonzero(A[u]).tolist(), Fraction(1)))
    identical(_first(impl, case), expected, why="the walks")


@law(cases=WALKED, needs=("first_order_walks",), grade="exact", equation=r"A_{v_t v_{t+1}} = 1", source=DEEPWALK)
def steps_follow_edges(impl, case):
    """A walk begins at its start and goes along edges; a shorter walk is the beginning of a longer one."""
    got, A = _first(impl, case), adjacency(case)
    identical(got[:, 0], case["starts"], why="the starts")
    a, b = got[:, :-1], got[:, 1:]
    holds(bool((A[a, b][(a >= 0) & (b >= 0)] == 1).all()), why="each step is along an edge", got=got)
    lonely = A.sum(axis=1) == 0
    identical((got < 0).any(axis=1), lonely[case["starts"]] & (got.shape[1] > 1), why="which walks end early")
    half = case["u"].shape[1] // 2
    identical(_first(impl, case, u=case["u"][:, :half]), got[:, : half + 1], why="shorter walks")


@law(cases=WALKED, needs=("first_order_walks",), grade="exact", equation=r"P(v \mid u) = 1 / \deg u", source=DEEPWALK)
def every_neighbour_as_often(impl, case):
    """Over all noise in equal parts each neighbour is taken equally often."""
    A = adjacency(case)
    for start in range(len(A)):
        d = max(1, int(A[start].sum()))
        u = ((np.arange(16 * d) + 0.5) / (16 * d))[:, None]
        got = _first(impl, case, starts=np.full(len(u), start, np.int32), u=u)[:, 1]
        expected = 16 * A[start] if A[start].any() else np.zeros(len(A), int)
        identical(np.bincount(got[got >= 0], minlength=len(A)), expected, why=f"how often from {start}")


@law(
    cases=WALKED,
    needs=("node2vec_walks",),
    grade="exact",
    equation=r"\alpha(t, x) = 1/p, 1 \text{ or } 1/q \text{ for } d(t, x) = 0, 1, 2",
    source=NODE2VEC,
)
def shares_by_the_step_before(impl, case):
    """Step by step, the weights in fractions: 1/p back, 1 to common neighbours, 1/q away; the first step is uniform."""
    identical(_second(impl, case), walk_in_fractions(case, _alpha(case)), why="the walks")


@law(cases=WALKED, needs=("node2vec_walks",), grade="exact", equation="p = q = 1", source=NODE2VEC)
def without_a_memory(impl, case):
    """With p = q = 1 all neighbours weigh the same, loops and all."""
    expected = walk_in_fractions(case, lambda A, _, u: dict.fromkeys(np.flatnonzero(A[u]).tolist(), Fraction(1)))
    identical(_second(impl, case, p=1.0, q=1.0), expected, why="the walks")


@law(cases=WALKED, needs=("node2vec_walks",), grade="exact", equation=r"p \to 0, \quad p \to \infty", source=NODE2VEC)
def back_at_once_or_never(impl, case):
    """With p near 0 a walk goes back and forth; with p very large it turns round only where there is no other way."""
    back = _second(impl, case, p=2.0**-40)
    a, b = back[:, 2:], back[:, :-2]
    identical(a, np.where(a >= 0, b, a), why="two steps later the walk is where it was")
    away, A = _second(impl, case, p=2.0**40), adjacency(case)
    for path in away:
        for t in range(1, len(path) - 1):
            turned = path[t + 1] >= 0 and path[t + 1] == path[t - 1]
            holds(not turned or A[path[t]].sum() == 1, why="turned round at a dead end only", got=path)


@law(cases=WALKED, needs=("node2vec_walks",), grade="exact", source=NODE2VEC)
def no_memory_by_default(impl, case):
    """Left out, p and q are 1."""
    got = left_to_itself(impl.node2vec_walks, case["starts"], case["indptr"], case["indices"], case["u"])
    identical(got, _second(impl, case, p=1.0, q=1.0), why="the walks")


# --- contracts ---------------------------------------------------------------------------------------------------------
_INPUTS = ("starts", "indptr", "indices", "u")
_WORKED = walked(csr(*GROWING), 0, 1, 3) | {"starts": np.array([3], np.int32), "p": 0.5, "q": 4.0}
_BACK = {"u": np.array([[0.5, 0.5, 0.9375]])}
_NEAR = _WORKED | {"starts": np.array([4], np.int32), "u": np.array([[0.25, 0.875, 0.5625]])}
PROXIMITY_CONTRACTS = (
    Contract(
        "first_order_walks",
        _INPUTS,
        ("nodes",),
        WALKED,
        "Walks (W, T + 1) to uniform neighbours, with noise (W, T).",
        laws=(equal_shares, steps_follow_edges, every_neighbour_as_often),
        planted=bugs_of("first_order_walks"),
        golden=(
            worked("first_order_walks", _WORKED | _BACK, {"nodes": [[3, 2, 1, 2]]}, 15, "two neighbours, by halves"),
        ),
        exact=("u",),
    ),
    Contract(
        "node2vec_walks",
        (*_INPUTS, "p", "q"),
        ("nodes",),
        WALKED,
        "Walks (W, T + 1) that look at the step before, with noise (W, T), in the order of the neighbours' numbers.",
        laws=(shares_by_the_step_before, without_a_memory, back_at_once_or_never, no_memory_by_default),
        planted=bugs_of("node2vec_walks"),
        golden=(
            worked(
                "node2vec_walks", _NEAR, {"nodes": [[4, 0, 4, 0]]}, 15, "weights 1/4, 1/4 and 2 to go back to node 4"
            ),
        ),
        exact=("u", "p", "q"),
    ),
)
