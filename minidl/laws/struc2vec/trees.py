"""The laws of Huffman trees, and of the probabilities of their leaves."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from minidl.laws.core import Case, Cases, Contract, agree, holds, identical, law
from minidl.laws.struc2vec.cases import worked
from minidl.laws.struc2vec.codes import TREES, tree
from minidl.laws.struc2vec.planted import bugs_of

HUFFMAN = "Huffman, A method for the construction of minimum-redundancy codes, 1952"
MORIN = "Morin, Bengio, Hierarchical probabilistic neural network language model, 2005"


# --- trees -------------------------------------------------------------------------------------------------------------
@lru_cache(maxsize=4096)
def cheapest_merges(counts: tuple[int, ...]) -> int:
    """The least that merging two at a time down to one can cost, over every order in which to merge."""
    if len(counts) == 1:
        return 0
    found = []
    for i, j in combinations(range(len(counts)), 2):
        rest = [count for k, count in enumerate(counts) if k not in (i, j)]
        merged = counts[i] + counts[j]
        found.append(merged + cheapest_merges(tuple(sorted([*rest, merged]))))
    return min(found)


def paths(offsets: Any, nodes: Any, bits: Any) -> list[list[tuple[int, int]]]:
    """The path to each leaf: pairs (inner node, bit) from the root on."""
    both = list(zip(np.asarray(nodes).tolist(), np.asarray(bits).tolist(), strict=True))
    return [both[a:b] for a, b in pairwise(np.asarray(offsets).tolist())]


def _counts(seed: int, V: int) -> Case:
    return {"counts": np.random.default_rng(seed).integers(1, 4 + 3 ** (seed % 4), V)}


def _drawn(make, most: int):
    from hypothesis import strategies as st

    return st.builds(make, st.integers(0, 10_000), st.integers(1, most))


COUNTS = Cases(
    named={
        "worked": {"counts": np.array([5, 2, 1, 1])},
        "equal": {"counts": np.ones(6, int)},
        "fibonacci": {"counts": np.array([1, 1, 2, 3, 5, 8])},
        "doubling": {"counts": np.array([32, 16, 8, 4, 2, 1])},
        "unsorted": {"counts": np.array([3, 9, 1, 4, 1, 5])},
        "pair": {"counts": np.array([7, 2])},
        "single": {"counts": np.array([4])},
    },
    generated=lambda: _drawn(_counts, 6),
    notes={"fibonacci": "the deepest tree that there is", "single": "a leaf alone is the root: no bits"},
)


@law(cases=COUNTS, needs=("huffman",), grade="exact", equation=r"\sum_v c_v h_v = \min", source=HUFFMAN)
def no_tree_is_shorter(impl, case):
    """The counts times the lengths of their codes add up to the least that any order of merging gives."""
    lengths = np.diff(np.asarray(impl.huffman(case["counts"])[0]))
    got = int((case["counts"] * lengths).sum())
    expected = cheapest_merges(tuple(sorted(case["counts"].tolist())))
    holds(got == expected, why="the weighted length of the codes", expected=expected, got=got)


@law(cases=COUNTS, needs=("huffman",), grade="exact", equation=r"\sum_v 2^{-h_v} = 1", source="Kraft")
def codes_fill_the_tree(impl, case):
    """No code begins another one, and together they leave no gap; bits are 0 and 1."""
    found = paths(*impl.huffman(case["counts"]))
    codes = [tuple(bit for _, bit in path) for path in found]
    holds(len(codes) == len(case["counts"]), why="a code for each leaf", got=len(codes))
    holds({bit for code in codes for bit in code} <= {0, 1}, why="bits are 0 and 1", got=codes)
    holds(sum(Fraction(1, 2 ** len(code)) for code in codes) == 1, why="sum of 2^-length is 1", got=codes)
    begins = [(a, b) for a in codes for b in codes if a is not b and b[: len(a)] == a]
    holds(not begins, why="no code begins another", got=begins)


@law(cases=COUNTS, needs=("huffman",), grade="exact", equation=r"n_j = n(b_1 \dots b_{j-1})", source=MORIN)
def nodes_are_places_in_the_tree(impl, case):
    """Which inner node comes next depends on the bits so far and on nothing else, and each place has its own node."""
    place: dict[tuple[int, ...], int] = {}
    for path in paths(*impl.huffman(case["counts"])):
        for j, (node, _) in enumerate(path):
            before = tuple(bit for _, bit in path[:j])
            known = place.setdefault(before, node)
            holds(known == node, why=f"the node after the bits {before}", expected=known, got=node)
    holds(
        sorted(place.values()) == list(range(len(case["counts"]) - 1)), why="each inner node has one place", got=place
    )


@law(cases=COUNTS, needs=("huffman",), grade="exact", equation=r"c(n 0) \le c(n 1)", source=HUFFMAN)
def smaller_half_is_child_0(impl, case):
    """The smaller of two merged is child 0; later merges are not smaller; the root is made last."""
    below: dict[int, list[int]] = {}
    for count, path in zip(case["counts"].tolist(), paths(*impl.huffman(case["counts"])), strict=True):
        for node, bit in path:
            below.setdefault(node, [0, 0])[bit] += count
    holds(all(zero <= one for zero, one in below.values()), why="counts below child 0 and child 1", got=below)
    sums = [sum(below[node]) for node in sorted(below)]
    holds(sums == sorted(sums), why="merges in the order in which they are made", got=sums)
    holds(not sums or sums[-1] == case["counts"].sum(), why="the last is the root", got=sums)


# --- leaves ------------------------------------------------------------------------------------------------------------
def _leaves(seed: int, d: int, name: str = "worked", size: float = 1.0) -> Case:
    rng = np.random.default_rng(seed)
    V = len(TREES[name])
    return {"x": rng.normal(0, size, d), "theta": rng.normal(0, 1, (V - 1, d))} | tree(name)


def _drawn_leaves():
    from hypothesis import strategies as st

    return st.builds(_leaves, st.integers(0, 10_000), st.integers(1, 5), st.sampled_from(sorted(TREES)))


LEAVES = Cases(
    named={name: _leaves(i, 3, name) for i, name in enumerate(TREES)}
    | {"extreme": _leaves(9, 2, "full", 500.0), "wide": _leaves(10, 16, "comb")},
    generated=_drawn_leaves,
    notes={"extreme": "sigmoids of +-1000", "single": "the only leaf has probability 1"},
)
INPUTS = ("x", "theta", "offsets", "nodes", "bits")


def _leaf(impl, case, **changed):
    case = case | changed
    return np.asarray(impl.leaf_probabilities(*(case[name] for name in INPUTS)))


def logistic(z: Any) -> Decimal:
    """The logistic function of a decimal number, to fifty digits."""
    with localcontext() as context:
        context.prec = 50
        return 1 / (1 + (-z).exp())


@law(
    cases=LEAVES,
    needs=("leaf_probabilities",),
    grade="numerical",
    equation=r"P(v \mid x) = \prod_j \sigma((1 - 2 b_j) \theta_{n_j}^\top x)",
    source=MORIN,
)
def product_along_the_path(impl, case):
    """The sigmoids along the path to a leaf multiplied: minus the product where the bit is 1; to fifty digits."""
    expected, scale = [], []
    x = [Decimal(value) for value in case["x"].tolist()]
    for path in paths(case["offsets"], case["nodes"], case["bits"]):
        P, error = Decimal(1), 1.0
        for node, bit in path:
            row = case["theta"][node]
            z = sum(Decimal(a) * b for a, b in zip(row.tolist(), x, strict=True))
            P *= logistic(-z if bit else z)
            # z is off by d roundings of its terms, the logarithm of the sigmoid by no more than z is, and by its size
            error += (len(x) + 2) * float(np.abs(row * case["x"]).sum()) + 2
        expected.append(float(P))
        scale.append(float(P) * error)
    agree(_leaf(impl, case), np.array(expected), why="P", ulps=4, scale=np.array(scale))


@law(cases=LEAVES, needs=("leaf_probabilities",), grade="numerical", equation=r"\sum_v P(v \mid x) = 1", source=MORIN)
def leaves_add_up_to_one(impl, case):
    """Whatever the vectors, the probabilities of all leaves add up to 1."""
    got = _leaf(impl, case)
    holds(bool(((got >= 0) & (got <= 1)).all()), why="probabilities", got=got)
    error = 1 + 2 * np.abs(case["theta"] * case["x"]).sum() * (len(case["x"]) + 2) + len(got)
    agree(got.sum(), np.float64(1.0), why="their sum", ulps=4, scale=float(error))


@law(
    cases=LEAVES,
    needs=("leaf_probabilities",),
    grade="exact",
    equation=r"\theta = 0 \Rightarrow P = 2^{-h}",
    source="closed form",
)
def halves_all_the_way(impl, case):
    """Without weights every branch has one half, and turning all weights round exchanges the bits."""
    expected = 0.5 ** np.diff(case["offsets"])
    agree(_leaf(impl, case, theta=0 * case["theta"]), expected, why="P for theta = 0", ulps=8, scale=expected)
    turned = _leaf(impl, case, theta=-case["theta"], bits=1 - case["bits"])
    identical(turned, _leaf(impl, case), why="P with signs and bits exchanged")


# --- contracts ---------------------------------------------------------------------------------------------------------
_THIRDS = {"x": np.array([1.0, 0.0]), "theta": np.log(np.array([[2.0, 1.0], [4.0, 1.0], [8.0, 1.0]]))} | tree("worked")
TREE_CONTRACTS = (
    Contract(
        "huffman",
        ("counts",),
        ("offsets", "nodes", "bits"),
        COUNTS,
        "The tree that merges the two smallest counts, among equals those made first, until one is left; its paths, flat.",
        laws=(no_tree_is_shorter, codes_fill_the_tree, nodes_are_places_in_the_tree, smaller_half_is_child_0),
        planted=bugs_of("huffman"),
        golden=(
            worked(
                "huffman",
                {"counts": np.array([5, 2, 1, 1])},
                {
                    "offsets": [0, 1, 3, 6, 9],
                    "nodes": [2, 2, 1, 2, 1, 0, 2, 1, 0],
                    "bits": [1, 0, 0, 0, 1, 0, 0, 1, 1],
                },
                digits=15,
                note="lengths 1, 2, 3, 3: the weighted length is 15",
            ),
        ),
    ),
    Contract(
        "leaf_probabilities",
        INPUTS,
        ("P",),
        LEAVES,
        "The probability of every leaf of a tree, (V,), by hierarchical softmax with x (d,) and inner nodes theta (V - 1, d).",
        laws=(product_along_the_path, leaves_add_up_to_one, halves_all_the_way),
        planted=bugs_of("leaf_probabilities"),
        golden=(
            worked(
                "leaf_probabilities",
                _THIRDS,
                {"P": [1 / 3, 2 / 3 * 4 / 5, 2 / 3 * 1 / 5 * 8 / 9, 2 / 3 * 1 / 5 * 1 / 9]},
                digits=15,
                note="odds of 2, 4 and 8 to one for the bit 0",
            ),
        ),
    ),
)
