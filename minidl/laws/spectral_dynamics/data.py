"""Laws of modular addition, and of snapshots of whole nets."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from minidl.laws.core import Cases, Contract, agree, holds, identical, law
from minidl.laws.spectral_dynamics.cases import PAPER, drawn, one_of, size, turning, worked
from minidl.laws.spectral_dynamics.oracle import built, dyadic_rank, looseness, lower, orthogonal, values
from minidl.laws.spectral_dynamics.planted import bugs_of

GROKKING = "Power, Burda, Edwards, Babuschkin, Misra, Grokking, 2022"

# --- modular addition ----------------------------------------------------------------------------------------------------
SPLIT = ("p", "fraction", "order")
FOUR = ("train_x", "train_y", "test_x", "test_y")


def table(seed: int, p: int, fraction: float):
    return {"p": p, "fraction": fraction, "order": np.random.default_rng(seed).permutation(p * p)}


TABLES = Cases(
    named={
        "five": table(0, 5, 0.7),
        "in_order": {"p": 4, "fraction": 0.5, "order": np.arange(16)},
        "two": table(1, 2, 0.5),
        "ten_with_a_decimal": table(2, 10, 0.29),
        "published": table(3, 23, 0.7),
        "few": table(4, 6, 0.05),
        "most": table(5, 7, 0.9),
    },
    generated=drawn(table, p=size(2, 9), fraction=one_of(0.7, 0.3, 0.5)),
    notes={"ten_with_a_decimal": "0.29 * 100 is 28.999999999999996 in double precision", "in_order": "row by row"},
)


def _split(impl, case, **changed):
    return [np.asarray(x) for x in impl.modular_addition(*((case | changed)[name] for name in SPLIT))]


@law(cases=TABLES, needs=("modular_addition",), grade="exact", equation=r"y = (a + b) \bmod p", source=GROKKING)
def every_pair_once(impl, case):
    """Training and test together hold every pair once, in the order given, and each is labelled with its sum modulo p."""
    train_x, train_y, test_x, test_y = _split(impl, case)
    p = case["p"]
    pairs = [(a, b) for a in range(p) for b in range(p)]
    want = [pairs[k] for k in case["order"].tolist()]
    identical(np.concatenate([train_x, test_x]), np.array(want), why="the pairs")
    sums = []
    for a, b in want:  # by counting on
        total = a
        for _ in range(b):
            total = 0 if total == p - 1 else total + 1
        sums.append(total)
    identical(np.concatenate([train_y, test_y]), np.array(sums), why="the labels")


@law(cases=TABLES, needs=("modular_addition",), grade="exact", equation=r"n = \lfloor f p^2 \rfloor", source=PAPER)
def first_part_trains(impl, case):
    """As many train as the fraction says, rounded down, the fraction read as the decimal that it is."""
    train_x, train_y, test_x, test_y = _split(impl, case)
    n = lower(case["p"] ** 2, case["fraction"])
    got = [len(part) for part in (train_x, train_y, test_x, test_y)]
    want = [n, n, case["p"] ** 2 - n, case["p"] ** 2 - n]
    holds(got == want, why="the numbers of pairs", expected=want, got=got)


@law(cases=TABLES, needs=("modular_addition",), grade="exact", source="permutations")
def order_is_the_only_noise(impl, case):
    """Another order gives the same table in that order."""
    shift = np.roll(case["order"], 3)
    before, after = _split(impl, case), _split(impl, case, order=shift)
    for one, other in ((0, 2), (1, 3)):
        whole = np.concatenate([before[one], before[other]])
        identical(np.concatenate([after[one], after[other]]), np.roll(whole, 3, axis=0), why="the table")


PAIRS = Cases(
    named={
        "three": {"x": np.array([[0, 2], [1, 1], [2, 0]]), "p": 3},
        "one": {"x": np.array([[4, 3]]), "p": 5},
        "none": {"x": np.zeros((0, 2), int), "p": 4},
        "ends": {"x": np.array([[0, 0], [6, 6], [0, 6], [6, 0]]), "p": 7},
        "narrow_integers": {"x": np.array([[1, 0], [0, 1]], np.int8), "p": 2},
    },
    generated=drawn(
        lambda seed, p, n: {"x": np.random.default_rng(seed).integers(0, p, (n, 2)), "p": p}, p=size(2, 8), n=size(1, 6)
    ),
)


@law(
    cases=PAIRS,
    needs=("one_hot_pairs",),
    grade="exact",
    equation=r"\langle c(x), c(x') \rangle = \#\{i : x_i = x'_i\}",
    source=PAPER,
)
def codes_say_the_pair(impl, case):
    """Two of 2 p numbers are 1, the first among the first p; they say which pair it is, and products count what is common."""
    x, p = case["x"].astype(int), case["p"]
    got = np.asarray(impl.one_hot_pairs(case["x"], p))
    holds(got.shape == (len(x), 2 * p), why="the shape", expected=(len(x), 2 * p), got=got.shape)
    holds(bool(np.isin(got, (0.0, 1.0)).all()), why="zeros and ones", got=got)
    identical(got.sum(axis=1), np.full(len(x), 2.0), why="ones in a row")
    places = np.arange(p)
    identical((got[:, :p] @ places).astype(int), x[:, 0], why="the first residue")
    identical((got[:, p:] @ places).astype(int), x[:, 1], why="the second residue")
    identical(got @ got.T, (x[:, None] == x[None]).sum(axis=2).astype(float), why="what pairs have in common")


# --- snapshots -----------------------------------------------------------------------------------------------------------
def stack(
    seed: int, sizes: tuple[int, ...], eps: float, top: int, kernel: bool = False, jump: int = 0, dtype=np.float64
):
    """Weights of dyadic values between layers of these sizes; of neighbours the top directions have different values.

    kernel: the second one is a kernel (., ., 3, 2). jump: the last layer reads as many more as this, so that it is skipped.
    """
    rng = np.random.default_rng(seed)
    weights, parts = [], []
    for i, (n, m) in enumerate(pairwise(sizes)):
        n += jump if i == len(sizes) - 2 else 0
        shape = (m, n, 3, 2) if kernel and i == 1 else (m, n)
        columns = n * (6 if len(shape) == 4 else 1)
        R = min(m, columns)
        u, s, v = orthogonal(rng, m, R), values("dyadic", R), orthogonal(rng, columns, R)
        weights.append(built(u, s, v).astype(dtype).reshape(shape))
        read = v.reshape(n, 3, 2, R)[:, 1, 1] if len(shape) == 4 else v
        parts.append({"u": u, "s": s, "read": read})
    return {"weights": weights, "eps": eps, "top": top, "parts": parts}


def drawn_stack(seed: int, a: int, b: int, c: int, kernel: bool, jump: int):
    ranks = min(a, b), min(b, c * 6 if kernel else c)
    top = max(1, min(*ranks, 3) - 2)
    return stack(seed, (a, b, c), 0.0, top, kernel, jump)


NETS = Cases(
    named={
        "three": stack(0, (5, 4, 6, 3), 0.0, 1),
        "two_directions": stack(1, (4, 5, 4), 0.0, 2),
        "published_eps": stack(2, (4, 4, 4), 1e-10, 2),
        "kernel": stack(3, (4, 4, 3), 0.0, 1, kernel=True),
        "skipped": stack(4, (4, 4, 4, 2), 0.0, 2, jump=3),
        "single": stack(5, (6, 5), 0.0, 1),
        "single_precision": stack(6, (5, 4, 4), 0.0, 1, dtype=np.float32),
    },
    generated=drawn(
        drawn_stack, a=size(3, 6), b=size(3, 6), c=size(3, 6), kernel=one_of(False, True), jump=one_of(0, 0, 2)
    ),
    notes={"skipped": "the last layer does not meet the one before it"},
)
FIVE = ("effective_rank", "normalised_effective_rank", "count_90", "stable_rank", "alignment")


def _snapshot(impl, case, *given):
    taken = impl.snapshot(case["weights"], *given)
    return dict(zip(FIVE, (np.asarray(x) for x in taken), strict=True))


@law(cases=NETS, needs=("snapshot",), grade="numerical", equation=r"2^{2 - 2^{2 - R}}", source="closed form")
def layers_of_dyadic_values(impl, case):
    """Every layer has the ranks of its values, in closed form, and neighbours the cosines of their directions."""
    got = _snapshot(impl, case, case["eps"], case["top"])
    ranks = [len(part["s"]) for part in case["parts"]]
    eps = np.finfo(case["weights"][0].dtype).eps / np.finfo(float).eps
    side = max(n for w in case["weights"] for n in w.shape)
    # singular values are off by a few n eps s_1, and the smallest is s_1 / 2^(R - 2); eps moves shares by eps itself
    ulps = 64 * side * 2 ** max(ranks) * eps + 64 * max(ranks) * case["eps"] / np.finfo(float).eps
    closed = {
        "effective_rank": [dyadic_rank(R) for R in ranks],
        "normalised_effective_rank": [dyadic_rank(R) / R for R in ranks],
        "stable_rank": [float(np.sum(part["s"] ** 2) / part["s"][0] ** 2) for part in case["parts"]],
    }
    for name, want in closed.items():
        agree(got[name].astype(np.float64), np.array(want), why=name, ulps=ulps)
    identical(got["count_90"], np.array([min(R, 4) for R in ranks]), why="count_90")
    want, loose = [], 1.0
    for one, two in pairwise(case["parts"]):
        meet = len(one["u"]) == len(two["read"])
        T = min(case["top"], len(one["s"]), len(two["s"]))
        want.append(np.mean([abs(one["u"][:, k] @ two["read"][:, k]) for k in range(T)]) if meet else np.nan)
        if meet:
            loose = max(loose, *(looseness(part["s"], k) for part in (one, two) for k in range(1, T + 1)))
    turn = turning({"w": case["weights"][0], "loose": loose})
    agree(got["alignment"], np.array(want, float), why="alignment", ulps=turn["ulps"] * 8 * eps, scale=loose)


@law(
    cases=NETS,
    needs=("snapshot", "rank_metrics", "singular_values", "alignment_matrix", "diagonal_score"),
    grade="numerical",
    source=PAPER,
)
def what_each_function_says(impl, case):
    """The numbers are those of the functions for one weight and one pair; left out, eps is 1e-10 and ten directions count."""
    for eps, top, given in ((case["eps"], case["top"], (case["eps"], case["top"])), (1e-10, 10, ())):
        faint = [w if given else (w * w.dtype.type(1e-9)) for w in case["weights"]]  # where the default eps shows
        got = _snapshot(impl, case | {"weights": faint}, *given)
        for i, w in enumerate(faint):
            ranks = impl.rank_metrics(impl.singular_values(w), eps)
            for name, k in zip(FIVE[:4], (0, 1, 2, 4), strict=True):
                agree(np.float64(got[name][i]), np.float64(ranks[k]), why=f"{name} of weight {i}", ulps=2**12,
                      scale=len(ranks) * max(1.0, float(np.finfo(w.dtype).eps / np.finfo(float).eps)))  # fmt: skip
        if not given:
            continue  # equal values, and with them the directions beyond `top`, are the solver's choice
        for i in range(len(faint) - 1):
            if faint[i + 1].shape[1] == faint[i].shape[0]:
                score = impl.diagonal_score(impl.alignment_matrix(faint[i], faint[i + 1], False), top)
                agree(
                    np.float64(got["alignment"][i]),
                    np.float64(score),
                    why=f"alignment of pair {i}",
                    ulps=2**20,
                    scale=1,
                )
            else:
                holds(bool(np.isnan(got["alignment"][i])), why="NaN where layers do not meet", got=got["alignment"])


def wide_net():
    """Twelve different values in each of two layers: the score counts ten."""
    rng = np.random.default_rng(11)
    s = values("steps", 12)
    u, v = orthogonal(rng, 12, 12), orthogonal(rng, 12, 12)
    weights = [built(u, s, orthogonal(rng, 12, 12)), built(orthogonal(rng, 12, 12), s, v)]
    return {"weights": weights, "u": u, "v": v, "loose": looseness(s), "w": weights[0]}


@law(cases=Cases(named={"twelve": wide_net()}), needs=("snapshot",), grade="numerical", source=PAPER)
def ten_directions_of_twelve(impl, case):
    """Left out, the alignment's score counts ten directions."""
    want = np.mean([abs(case["u"][:, k] @ case["v"][:, k]) for k in range(10)])
    agree(_snapshot(impl, case)["alignment"], np.array([want]), why="the score", **turning(case))


# --- contracts -----------------------------------------------------------------------------------------------------------
DATA_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "modular_addition",
        SPLIT,
        FOUR,
        TABLES,
        "All pairs of residues with their sums, in an order, the first part for training.",
        laws=(every_pair_once, first_part_trains, order_is_the_only_noise),
        planted=bugs_of("modular_addition"),
        golden=(
            worked(
                "modular_addition",
                {"p": 3, "fraction": 0.4, "order": np.array([5, 0, 8, 1, 2, 3, 4, 6, 7])},
                {"train_x": [[1, 2], [0, 0], [2, 2]], "train_y": [0, 0, 1]},
                digits=15,
                note="three of nine pairs, by hand",
            ),
        ),
        exact=("fraction",),
    ),
    Contract(
        "one_hot_pairs",
        ("x", "p"),
        ("codes",),
        PAIRS,
        "The codes of two residues, one after the other.",
        laws=(codes_say_the_pair,),
        planted=bugs_of("one_hot_pairs"),
    ),
    Contract(
        "snapshot",
        ("weights", "eps", "top"),
        FIVE,
        NETS,
        "The spectral numbers of all weights of a net.",
        laws=(layers_of_dyadic_values, what_each_function_says, ten_directions_of_twelve),
        planted=bugs_of("snapshot"),
        terms=lambda case: 16.0,
    ),
)
