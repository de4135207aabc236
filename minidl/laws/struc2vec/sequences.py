"""The laws of the degrees in the rings around each node."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Contract, holds, identical, law
from minidl.laws.struc2vec.cases import COST, GRAPHS, SIMILARITY, STAR, graph, worked
from minidl.laws.struc2vec.oracle import adjacency, hops, relabelled, rings_of, sequences
from minidl.laws.struc2vec.planted import bugs_of

FIELDS = ("degrees", "counts", "offsets", "first")


def _sequences(impl, case, **changed):
    case = case | changed
    return impl.degree_sequences(case["indptr"], case["indices"], case["compress"], case["until_layer"])


def _written_out(got):
    """The rings of each node as lists of degrees."""
    found = rings_of(dict(zip(FIELDS, map(np.asarray, got), strict=True)))
    return [[[d for d, count in ring for _ in range(count)] for ring in row] for row in found]


@law(
    cases=GRAPHS,
    needs=("degree_sequences",),
    grade="exact",
    equation=r"v \in R_k(u) \iff k = \min\{j : ((A + I)^j)_{uv} > 0\}",
    source=SIMILARITY,
)
def rings_by_powers_of_the_adjacency(impl, case):
    """The rings are what the powers of A + I reach first, each with its degrees in ascending order, node after node."""
    for name, one, other in zip(FIELDS, _sequences(impl, case), sequences(case), strict=True):
        identical(one, other, why=name)


@law(cases=GRAPHS, needs=("degree_sequences",), grade="exact", source=COST)
def runs_written_out(impl, case):
    """The runs of a ring, written out, are its ordered degrees; in ordered form every count is 1."""
    ordered = _sequences(impl, case, compress=False)
    holds(bool((np.asarray(ordered[1]) == 1).all()), why="counts of the ordered form", got=ordered[1])
    holds(
        _written_out(_sequences(impl, case, compress=True)) == _written_out(ordered), why="runs hold the same degrees"
    )


@law(
    cases=GRAPHS, needs=("degree_sequences",), grade="exact", equation=r"s(R_k(\pi u)) = s(R_k(u))", source="invariance"
)
def names_do_not_matter_to_rings(impl, case):
    """Nodes under other names have the same degrees around them."""
    n = len(case["indptr"]) - 1
    pi = np.random.default_rng(n).permutation(n)
    before = _written_out(_sequences(impl, case))
    after = _written_out(_sequences(impl, case | relabelled(case, pi)))
    holds([after[pi[u]] for u in range(n)] == before, why="the rings of the nodes under their new names")


@law(cases=GRAPHS, needs=("degree_sequences",), grade="exact", equation=r"\sum_k |R_k(u)| = |C(u)|", source="partition")
def rings_part_the_component(impl, case):
    """The rings of a node hold every node of its component once; ring 0 holds itself; a cap drops the last rings."""
    far, degree = hops(adjacency(case)), adjacency(case).sum(axis=1)
    whole = _written_out(_sequences(impl, case, until_layer=None))
    for u, row in enumerate(whole):
        expected = sorted(degree[far[u] >= 0].tolist())
        holds(sorted(d for ring in row for d in ring) == expected, why=f"degrees around node {u}", expected=expected)
        holds(row[0] == [degree[u]], why=f"ring 0 of node {u}", expected=[degree[u]], got=row[0])
    for cap in (0, 1):
        holds(
            _written_out(_sequences(impl, case, until_layer=cap)) == [row[: cap + 1] for row in whole],
            why=f"rings 0 to {cap}",
        )


# --- contracts ---------------------------------------------------------------------------------------------------------
SEQUENCE_CONTRACTS = (
    Contract(
        "degree_sequences",
        ("indptr", "indices", "compress", "until_layer"),
        FIELDS,
        GRAPHS,
        "The ordered degrees of every ring around every node, or their runs, flat; a graph in rows of neighbours.",
        laws=(
            rings_by_powers_of_the_adjacency,
            runs_written_out,
            names_do_not_matter_to_rings,
            rings_part_the_component,
        ),
        planted=bugs_of("degree_sequences"),
        golden=(
            worked(
                "degree_sequences",
                graph(*STAR, compress=True),
                {
                    "degrees": [3, 1, *[1, 3, 1] * 3],
                    "counts": [1, 3, *[1, 1, 2] * 3],
                    "offsets": list(range(12)),
                    "first": [0, 2, 5, 8, 11],
                },
                digits=15,
                note="a star with three leaves, as runs",
            ),
        ),
    ),
)
