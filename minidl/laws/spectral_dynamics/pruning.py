"""Laws of what stays of a weight: its top singular triples, or its largest entries."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Cases, Contract, agree, holds, identical, law
from minidl.laws.spectral_dynamics.cases import PAPER, WEIGHTS, drawn, one_of, size, weight, worked
from minidl.laws.spectral_dynamics.oracle import built, orthogonal, upper
from minidl.laws.spectral_dynamics.planted import bugs_of

ECKART = "Eckart, Young, The approximation of one matrix by another of lower rank, 1936"

COUNTS = Cases(
    named={
        **{f"half_of_{n}": {"size": n, "fraction": 0.5} for n in (1, 2, 3, 7, 128)},
        **{f"{f}_of_{n}": {"size": n, "fraction": f} for n, f in ((100, 0.07), (100, 0.29), (10, 0.7), (1000, 0.001))},
        "all": {"size": 9, "fraction": 1.0},
        "few": {"size": 3, "fraction": 1e-4},
        "ten_thousandth": {"size": 50_000, "fraction": 1e-4},
    },
    generated=lambda: _counts(),
    notes={"0.07_of_100": "0.07 * 100 is 7.000000000000001 in double precision", "half_of_7": "4, not 3"},
)


def _counts():
    from hypothesis import strategies as st

    return st.builds(
        lambda n, percent: {"size": n, "fraction": percent / 1000}, n=st.integers(1, 500), percent=st.integers(1, 1000)
    )


@law(cases=COUNTS, needs=("kept_count",), grade="exact", equation=r"\lceil f n \rceil", source=PAPER)
def least_integer_not_below(impl, case):
    """The least integer that is not below the fraction of the size, the fraction read as the decimal that it is."""
    want = np.asarray(upper(case["size"], case["fraction"]))
    identical(np.asarray(impl.kept_count(case["size"], case["fraction"])), want, why="the count")
    half = np.asarray((case["size"] + 1) // 2)
    identical(np.asarray(impl.kept_count(case["size"])), half, why="the fraction left out")


# --- directions --------------------------------------------------------------------------------------------------------
TRIPLES = ("w", "keep", "side")


def _kept(impl, case, **changed):
    return np.asarray(impl.truncate(*((case | changed)[name] for name in TRIPLES)))


def _size(case):
    """Products of vectors, each off by `turning`; times the singular values that they carry."""
    longest = max(case["w"].shape[0], case["w"][0].size)
    return {"ulps": 64 * longest, "scale": case["s"][0] * case["loose"]}


def _chosen(case, keep, side):
    R = len(case["s"])
    chosen = np.arange(R) < keep if side == "top" else np.arange(R) >= R - keep
    return built(case["u"], np.where(chosen, case["s"], 0), case["v"]).reshape(case["w"].shape).astype(case["w"].dtype)


@law(cases=WEIGHTS, needs=("truncate",), grade="numerical", equation=r"\sum_{i \le k} s_i u_i v_i^\top", source=ECKART)
def triples_that_stay(impl, case):
    """The sum of the triples that are kept, from the largest or from the smallest on; side left out, the largest."""
    agree(_kept(impl, case), _chosen(case, case["keep"], case["side"]), why="what is kept", **_size(case))
    got = np.asarray(impl.truncate(case["w"], case["keep"]))
    agree(got, _chosen(case, case["keep"], "top"), why="side left out", **_size(case))


@law(
    cases=WEIGHTS,
    needs=("truncate",),
    grade="numerical",
    equation=r"W_k^{\text{top}} + W_{R-k}^{\text{bottom}} = W",
    source="definition",
)
def both_sides_make_the_whole(impl, case):
    """The top k and the bottom R - k triples add up to the weight; none is 0, and all are the weight."""
    R, w = len(case["s"]), case["w"]
    k = case["keep"]
    size = {"ulps": 64 * max(w.shape[0], w[0].size), "scale": case["s"][0]}
    whole = _kept(impl, case, keep=k, side="top") + _kept(impl, case, keep=R - k, side="bottom")
    agree(whole, w, why="both sides", **size)
    for side in ("top", "bottom"):
        agree(_kept(impl, case, keep=R, side=side), w, why=f"all from the {side}", **size)
        identical(_kept(impl, case, keep=0, side=side), np.zeros_like(w), why=f"none from the {side}")


@law(
    cases=WEIGHTS,
    needs=("truncate", "singular_values"),
    grade="numerical",
    equation=r"\|W - W_k\|_F^2 = \sum_{i > k} s_i^2, \quad s_i(W_k) = s_i \text{ for } i \le k",
    source=ECKART,
)
def kept_values_and_error(impl, case):
    """The singular values of what is kept are those that were kept, then zeros; the error is what the others make."""
    w, k, side, s = case["w"], case["keep"], case["side"], case["s"]
    kept = _kept(impl, case)
    stays = s[:k] if side == "top" else s[len(s) - k :]
    want = np.concatenate([stays, np.zeros(len(s) - k)]).astype(w.dtype)
    longest = max(w.shape[0], w[0].size)
    agree(np.asarray(impl.singular_values(kept)), want, why="singular values", ulps=64 * longest, scale=s[0])
    # each entry of the difference is off by its share of the rounding: the error's square by twice the error times that
    error = np.sum((w.astype(np.float64) - kept) ** 2)
    gone = np.sum(s**2) - np.sum(stays**2)
    ulps = 256 * longest * np.finfo(w.dtype).eps / np.finfo(float).eps
    agree(error, np.float64(gone), why="the squared error", ulps=ulps, scale=np.sum(s**2))


@law(
    cases=WEIGHTS,
    needs=("truncate",),
    grade="numerical",
    equation=r"(Q W P)_k = Q W_k P, \quad (c W)_k = c W_k, \quad (W^\top)_k = (W_k)^\top",
    source="invariance",
)
def truncation_turns_along(impl, case):
    """What is kept turns and scales with the weight."""
    w = case["w"].reshape(len(case["w"]), -1)
    rng = np.random.default_rng(w.size)
    Q, P = (orthogonal(rng, n, n).astype(w.dtype) for n in w.shape)
    kept, size = _kept(impl, case).reshape(w.shape), _size(case)
    size["ulps"] *= 4
    agree(_kept(impl, case, w=Q @ w @ P), Q @ kept @ P, why="Q W P", **size)
    agree(_kept(impl, case, w=-0.5 * w), -0.5 * kept, why="-W / 2", **size)
    agree(_kept(impl, case, w=w.T), kept.T, why="W^T", **size)


# --- whole nets --------------------------------------------------------------------------------------------------------
def net(
    seed: int, sizes: tuple[int, int, int, int], fraction: float, side: str, kernel: bool = False, dtype=np.float64
):
    """Two hidden layers, the second maybe a kernel, a bias between them, and the last matrix."""
    a, b, c, d = sizes
    first = weight(seed, b, a, dtype=dtype)
    second = weight(seed + 1, c, b * (4 if kernel else 1), kernel=(2, 2) if kernel else (), dtype=dtype)
    rng = np.random.default_rng(seed + 2)
    bias, last = rng.normal(size=b).astype(dtype), rng.normal(size=(d, c)).astype(dtype)
    return {
        "weights": [first["w"], bias, second["w"], last],
        "fraction": fraction,
        "side": side,
        "parts": [first, second],
    }


def drawn_net(seed: int, a: int, b: int, c: int, fraction: float, side: str, kernel: bool):
    return net(seed, (a, b, c, 2), fraction, side, kernel)


NETS = Cases(
    named={
        "half": net(0, (4, 5, 3, 2), 0.5, "top"),
        "other_half": net(1, (4, 5, 3, 2), 0.5, "bottom"),
        "kernel": net(2, (3, 3, 4, 2), 0.5, "top", kernel=True),
        "quarter": net(3, (6, 6, 4, 3), 0.25, "top"),
        "all": net(4, (3, 4, 3, 2), 1.0, "top"),
        "all_gone": net(5, (3, 4, 3, 2), 1.0, "bottom"),
        "odd_below": net(6, (7, 7, 5, 2), 0.5, "bottom"),
        "single_precision": net(7, (4, 4, 3, 2), 0.5, "top", dtype=np.float32),
    },
    generated=drawn(
        drawn_net,
        a=size(1, 5),
        b=size(1, 5),
        c=size(1, 5),
        fraction=one_of(0.5, 0.25, 0.9),
        side=one_of("top", "bottom"),
        kernel=one_of(False, True),
    ),
    notes={"odd_below": "of 5 values the top 3 go and 2 stay", "half": "the last matrix stays whole"},
)
PARTS = ("first", "bias", "second", "last")


def _pruned(impl, case, **changed):
    case = case | changed
    return [np.asarray(w) for w in impl.prune(case["weights"], case["fraction"], case["side"])]


@law(cases=NETS, needs=("prune",), grade="numerical", equation=r"k = \lceil f R \rceil", source=PAPER)
def every_matrix_but_the_last(impl, case):
    """Each matrix keeps its share of triples, rounded up at the top; the last one and biases stay bit by bit."""
    got = _pruned(impl, case)
    for part, found in zip(case["parts"], (got[0], got[2]), strict=True):
        R = len(part["s"])
        top = upper(R, case["fraction"])
        keep = top if case["side"] == "top" else R - top
        agree(found, _chosen(part, keep, case["side"]), why="a pruned matrix", **_size(part))
    for i in (1, 3):
        identical(got[i], case["weights"][i], why=PARTS[i])


@law(cases=NETS, needs=("prune",), grade="numerical", source=PAPER)
def halves_of_a_net(impl, case):
    """What is kept from the top and what is kept from the bottom add up to each matrix; left out, it is the top half."""
    top, bottom = (_pruned(impl, case, side=side) for side in ("top", "bottom"))
    for i in (0, 2):
        w = case["weights"][i]
        agree(
            top[i] + bottom[i], w, why=PARTS[i], ulps=64 * max(w.shape[0], w[0].size), scale=float(np.abs(w).max()) * 4
        )
    plain = [np.asarray(w) for w in impl.prune(case["weights"])]
    for got, want in zip(plain, _pruned(impl, case, fraction=0.5, side="top"), strict=True):
        agree(got, want, why="fraction and side left out", ulps=4)


# --- entries -------------------------------------------------------------------------------------------------------------
def entries(seed: int, shape: tuple[int, ...], fraction: float, top: int = 2, dtype=np.float64):
    rng = np.random.default_rng(seed)
    w = rng.integers(-9, 10, shape).astype(dtype)
    return {
        "w": w,
        "u": (rng.permutation(w.size) - w.size // 3).reshape(shape) / dtype(8),
        "fraction": fraction,
        "top": top,
    }


def drawn_entries(seed: int, m: int, n: int, fraction: float):
    return entries(seed, (m, n), fraction)


ENTRIES = Cases(
    named={
        "half": entries(0, (3, 4), 0.5),
        "ties": {"w": np.array([[1.0, -1.0], [1.0, 2.0]]), "u": np.array([[0.5, 0.25], [0.0, 0.75]]), "fraction": 0.5},
        "tenth": entries(1, (5, 5), 0.1),
        "all": entries(2, (2, 3), 1.0),
        "few": entries(3, (4, 4), 1e-4),
        "kernel": entries(4, (2, 3, 2, 2), 0.25),
        "vector": entries(5, (9,), 0.3),
        "single_precision": entries(6, (4, 3), 0.4, dtype=np.float32),
    },
    generated=drawn(drawn_entries, m=size(1, 5), n=size(1, 5), fraction=one_of(0.5, 0.05, 0.1, 0.9)),
    notes={"ties": "among equals the first ones", "few": "at least one"},
)


def _first_of(keys, fraction):
    """The positions of the smallest keys, the first of equals, by Python's sort."""
    flat = [(key, i) for i, key in enumerate(keys.ravel().tolist())]
    kept = {i for _, i in sorted(flat)[: upper(keys.size, fraction)]}
    return np.array([i in kept for i in range(keys.size)]).reshape(keys.shape)


@law(cases=ENTRIES, needs=("magnitude_mask",), grade="exact", source=PAPER)
def largest_entries(impl, case):
    """As many entries as the fraction says, rounded up, are kept: the largest in magnitude, of equals the first."""
    w, fraction = case["w"], case["fraction"]
    got = np.asarray(impl.magnitude_mask(w, fraction))
    identical(got, _first_of(-np.abs(w), fraction), why="the mask")
    identical(np.asarray(impl.magnitude_mask(-8 * w, fraction)), got, why="the mask of -8 w")


@law(cases=ENTRIES, needs=("random_mask",), grade="exact", source=PAPER)
def smallest_noise(impl, case):
    """As many entries, where the noise is smallest: which ones is up to the noise alone."""
    u, fraction = case["u"], case["fraction"]
    got = np.asarray(impl.random_mask(u, fraction))
    identical(got, _first_of(u, fraction), why="the mask")
    identical(np.asarray(impl.random_mask(u**3 - 2, fraction)), got, why="the mask of noise of another law")


def diagonal(seed: int, values: tuple[float, ...], gone: tuple[int, ...], top: int, dtype=np.float64):
    """One entry in each row and column, of different sizes; the mask drops some of them and keeps or drops zeros."""
    rng, n = np.random.default_rng(seed), len(values)
    w, mask = np.zeros((n, n), dtype), rng.random((n, n)) < 0.5
    rows, columns, signs = rng.permutation(n), rng.permutation(n), rng.choice([-1, 1], n)
    w[rows, columns] = np.array(values) * signs
    mask[rows, columns] = [k not in gone for k in range(n)]
    left = [k for k in range(n) if k not in gone]
    same = sum(i < len(left) and left[i] == i for i in range(min(top, n)))
    return {"w": w, "mask": mask, "top": top, "score": same / min(top, n)}


def drawn_diagonal(seed: int, n: int, gone: int, number: bool):
    rng = np.random.default_rng(seed)
    dropped = tuple(int(k) for k in rng.permutation(n)[: min(gone, n - 1)])
    case = diagonal(seed, tuple(np.arange(n, 0, -1.0)), dropped, n - len(dropped))
    return case | {"mask": case["mask"].astype(float)} if number else case


DIAGONALS = Cases(
    named={
        "all_stay": diagonal(0, (4, 3, 2, 1), (), 10),
        "third_goes": diagonal(1, (5, 4, 3, 2), (2,), 3),
        "first_goes": diagonal(2, (5, 4, 3, 2), (0,), 3),
        "last_goes": diagonal(3, (5, 4, 3, 2), (3,), 3),
        "numbers": diagonal(4, (3, 2, 1), (1,), 2) | {"mask": diagonal(4, (3, 2, 1), (1,), 2)["mask"].astype(float)},
        "single_precision": diagonal(5, (4, 3, 2, 1), (1,), 2, np.float32),
    },
    generated=drawn(drawn_diagonal, n=size(2, 6), gone=size(0, 2), number=one_of(False, True)),
    notes={"first_goes": "every direction moves up by one: none agrees"},
)


@law(cases=DIAGONALS, needs=("mask_agreement",), grade="numerical", source=PAPER)
def directions_that_survive(impl, case):
    """Where each direction is one entry, those agree that are kept and have lost no larger one before them."""
    got = np.float64(impl.mask_agreement(case["w"], case["mask"], case["top"]))
    ulps = 64 * len(case["w"]) * np.finfo(case["w"].dtype).eps / np.finfo(float).eps
    agree(got, np.float64(case["score"]), why="the score", ulps=ulps, scale=1)
    everything = np.ones(case["w"].shape, bool)
    plain = np.float64(impl.mask_agreement(case["w"], everything))
    agree(plain, np.float64(1), why="a mask that keeps everything, top left out", ulps=ulps, scale=1)


def long_diagonal(top_left_out: int = 12):
    """Twelve directions, of which the last two change places by losing one: the first ten all agree."""
    return diagonal(7, tuple(np.arange(top_left_out, 0, -1.0)), (top_left_out - 2,), 10)


@law(
    cases=Cases(named={"twelve": long_diagonal()}),
    needs=("mask_agreement",),
    grade="numerical",
    source=PAPER,
)
def ten_directions_by_default(impl, case):
    """Left out, top is 10: what happens to the eleventh direction does not matter."""
    got = np.float64(impl.mask_agreement(case["w"], case["mask"]))
    agree(got, np.float64(1), why="the score", ulps=64 * 12, scale=1)
    holds(float(impl.mask_agreement(case["w"], case["mask"], 12)) < 0.99, why="the score of all twelve")


# --- contracts -----------------------------------------------------------------------------------------------------------
_TWO = {"w": np.array([[2.0, 1.0], [1.0, 2.0]]), "keep": 1, "side": "top"}  # 3 and 1 along the diagonals of the square

PRUNING_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "kept_count",
        ("size", "fraction"),
        ("count",),
        COUNTS,
        "How many are kept: a fraction of a size, rounded up.",
        laws=(least_integer_not_below,),
        planted=bugs_of("kept_count"),
        exact=("fraction",),
    ),
    Contract(
        "truncate",
        TRIPLES,
        ("kept",),
        WEIGHTS,
        "A weight made of some of its singular triples.",
        laws=(triples_that_stay, both_sides_make_the_whole, kept_values_and_error, truncation_turns_along),
        planted=bugs_of("truncate"),
        golden=(worked("truncate", _TWO, {"kept": [[1.5, 1.5], [1.5, 1.5]]}, 14, "values 3 and 1, by hand"),),
        terms=lambda case: float(np.abs(case["w"]).max()) * max(case["w"].shape),
    ),
    Contract(
        "prune",
        ("weights", "fraction", "side"),
        PARTS,
        NETS,
        "A net whose matrices keep some of their singular triples, except the last.",
        laws=(every_matrix_but_the_last, halves_of_a_net),
        planted=bugs_of("prune"),
        terms=lambda case: 4 * max(float(np.abs(w).max()) for w in case["weights"]),
        exact=("fraction",),
    ),
    Contract(
        "magnitude_mask",
        ("w", "fraction"),
        ("mask",),
        ENTRIES,
        "The largest entries of a weight.",
        laws=(largest_entries,),
        planted=bugs_of("magnitude_mask"),
        exact=("w", "fraction"),
    ),
    Contract(
        "random_mask",
        ("u", "fraction"),
        ("mask",),
        ENTRIES,
        "As many entries at random.",
        laws=(smallest_noise,),
        planted=bugs_of("random_mask"),
        exact=("u", "fraction"),
    ),
    Contract(
        "mask_agreement",
        ("w", "mask", "top"),
        ("score",),
        DIAGONALS,
        "How far the top singular vectors survive a mask.",
        laws=(directions_that_survive, ten_directions_by_default),
        planted=bugs_of("mask_agreement"),
        exact=("mask",),
    ),
)
