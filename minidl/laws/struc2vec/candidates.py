"""The laws of candidates: whom each node is compared with, if not with everybody."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from minidl.laws.core import Cases, Contract, holds, law
from minidl.laws.struc2vec.cases import CANDIDATES, COST, TWELVE
from minidl.laws.struc2vec.planted import bugs_of


def _proposed(impl, case, **changed):
    case = case | changed
    offsets, nodes = (np.asarray(part) for part in impl.candidates(case["degrees"], case["rule"]))
    return [nodes[a:b].tolist() for a, b in pairwise(offsets)]


@law(
    cases=CANDIDATES,
    needs=("candidates",),
    grade="exact",
    equation=r"|J_u| = \min(n - 1, \lfloor 2 \log_2 n \rfloor + 1)",
    source=COST,
)
def nearest_degrees_first(impl, case):
    """Official: all others sorted by how far their degree is, the larger first, then by number, cut to their count.
    Paper: the neighbours on both sides in the list sorted by degree, floor(log2 n) on each."""
    degrees = case["degrees"].tolist()
    n = len(degrees)
    whole = max(t for t in range(64) if 2**t <= n * n)  # floor(2 log2 n)
    side = max(1, max(t for t in range(64) if 2**t <= n))
    order = sorted(range(n), key=lambda v: (degrees[v], v))
    expected = []
    for u in range(n):
        if case["rule"] == "official":
            keys = [(abs(degrees[v] - degrees[u]), -degrees[v], v) for v in range(n) if v != u]
            expected.append([v for _, _, v in sorted(keys)][: whole + 1])
        else:
            at = order.index(u)
            expected.append([v for i, v in enumerate(order) if 0 < abs(i - at) <= side])
    got = _proposed(impl, case)
    for u in range(n):
        holds(got[u] == expected[u], why=f"whom node {u} proposes", expected=expected[u], got=got[u])


@law(
    cases=CANDIDATES,
    needs=("candidates",),
    grade="exact",
    equation=r"\sum_u |J_u| \le n (\lfloor 2 \log_2 n \rfloor + 1)",
    source=COST,
)
def few_and_never_oneself(impl, case):
    """Nobody proposes itself or anybody twice, and the proposals are at most about 2 log2 n for each node."""
    got, n = _proposed(impl, case), len(case["degrees"])
    holds(
        all(u not in row and len(set(row)) == len(row) >= 1 for u, row in enumerate(got)),
        why="distinct others",
        got=got,
    )
    most = n * ((n * n).bit_length() if case["rule"] == "official" else 2 * max(1, n.bit_length() - 1))
    holds(sum(map(len, got)) <= most, why="how many pairs are compared", expected=most, got=sum(map(len, got)))


@law(cases=CANDIDATES, needs=("candidates",), grade="exact", equation=r"J(d + c) = J(d)", source="invariance")
def only_differences_count(impl, case):
    """Five more neighbours for everybody change no list; for the paper's rule no increasing map of degrees does."""
    got = _proposed(impl, case)
    holds(_proposed(impl, case, degrees=case["degrees"] + 5) == got, why="the lists for degrees with 5 more")
    if case["rule"] == "paper":
        holds(_proposed(impl, case, degrees=case["degrees"] ** 2) == got, why="the lists for squared degrees")


_PROPOSED = {0: [1, 2, 4, 6, 7, 9, 5, 8], 3: [5, 8, 10, 0, 1, 2, 4, 6], 11: [0, 1, 2, 4, 6, 7, 9, 5]}


@law(
    cases=Cases(named={"twelve": {"degrees": TWELVE, "rule": "official"}}),
    needs=("candidates",),
    grade="exact",
    source="worked by hand: a path of twelve nodes with the edges 0-5, 3-8 and 3-10",
)
def twelve_nodes(impl, case):
    """Eight proposals of each of twelve nodes, as printed for three of them."""
    got = _proposed(impl, case)
    holds(all(len(row) == 8 for row in got), why="eight proposals each", got=[len(row) for row in got])
    for u, row in _PROPOSED.items():
        holds(got[u] == row, why=f"whom node {u} proposes", expected=row, got=got[u])


# --- contracts ---------------------------------------------------------------------------------------------------------
CANDIDATE_CONTRACTS = (
    Contract(
        "candidates",
        ("degrees", "rule"),
        ("offsets", "nodes"),
        CANDIDATES,
        'Whom each node is compared with, by degrees (n,) and a rule, "official" or "paper"; flat lists.',
        laws=(nearest_degrees_first, few_and_never_oneself, only_differences_count, twelve_nodes),
        planted=bugs_of("candidates"),
    ),
)
