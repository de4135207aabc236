"""Laws of the 90 % count, of the stable rank, and of all numbers of a spectrum at once."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from minidl.laws.core import Cases, Contract, agree, holds, identical, law
from minidl.laws.spectral_dynamics.cases import ANY, PAPER, SPECTRA, WEIGHTS, spectrum, worked
from minidl.laws.spectral_dynamics.oracle import dyadic_rank, least_count, values
from minidl.laws.spectral_dynamics.planted import bugs_of
from minidl.laws.spectral_dynamics.spectra import EPS, GIVEN, PRINTED, contract_of, positive, printed, rounds


# --- 90 % count ------------------------------------------------------------------------------------------------------
def _count(impl, s, eps):
    return np.asarray(impl.count_90(s, eps))


@law(
    cases=ANY,
    needs=("count_90",),
    grade="exact",
    equation=r"\min\{k : \sum_{i \le k} s'_i > \tfrac9{10} \sum s'_i\}",
    source=PAPER,
)
def least_number_that_suffices(impl, case):
    """The fewest largest values whose sum, in fractions, exceeds nine tenths of all; 0 where all are 0."""
    shifted = [Fraction(float(x)) for x in positive(case)["s"]]
    identical(_count(impl, case["s"], case["eps"]), np.asarray(least_count(shifted)), why="the count")


@law(cases=SPECTRA, needs=("count_90",), grade="exact", source=PAPER)
def counts_of_equals(impl, case):
    """Of R equal values it takes more than 0.9 R; scale and order do not matter, zeros are not counted."""
    s, R = positive(case)["s"], len(case["s"])
    identical(_count(impl, np.full(R, 0.5), 0.0), np.asarray(9 * R // 10 + 1), why="equal values")
    want = np.asarray(least_count([Fraction(float(x)) for x in s]))
    for name, other in (("halved", s / 2), ("turned round", s[::-1].copy()), ("with zeros", np.append(s, [0.0, 0.0]))):
        identical(_count(impl, other, 0.0), want, why=name)


@law(cases=SPECTRA, needs=("count_90",), grade="exact", source=PAPER)
def published_eps_of_the_count(impl, case):
    """Left out, eps is 1e-10: R values far below it count as equal."""
    R = len(case["s"])
    faint = case["s"] / case["s"].max() * 1e-40
    if R % 10:  # else nine tenths are a tie, which the rounding of 1e-10 would break
        identical(np.asarray(impl.count_90(faint)), np.asarray(9 * R // 10 + 1), why="eps left out")
    clear = np.where(np.arange(R) == 0, 1e-6, 0)  # R eps is far below a tenth of it
    identical(np.asarray(impl.count_90(clear)), np.asarray(1), why="one value, eps left out")


# --- stable rank -----------------------------------------------------------------------------------------------------
def _stable(impl, s, eps):
    return np.float64(impl.stable_rank(s, eps))


@law(
    cases=SPECTRA,
    needs=("stable_rank",),
    grade="numerical",
    equation=r"1 \le \mathrm{srank} \le \operatorname{rank}",
    source=PAPER,
)
def at_most_the_rank(impl, case):
    """The stable rank lies between 1 and the number of values above 0, and is it exactly when these are equal."""
    s, R = positive(case)["s"], len(case["s"])
    got = _stable(impl, case["s"], case["eps"])
    slack = rounds(case) * np.finfo(float).eps * R
    holds(bool(1 - slack <= got <= np.count_nonzero(s) + slack), why="between 1 and the rank", got=got)
    for k in range(1, R + 1):
        some = np.where(np.arange(R) < k, s.max(), 0)
        agree(_stable(impl, some, 0.0), np.float64(k), why=f"{k} equal values", ulps=rounds(case))


@law(
    cases=ANY,
    needs=("stable_rank",),
    grade="numerical",
    equation=r"\sum_i s_i'^2 / s_1'^2",
    source=PAPER,
)
def squares_over_the_largest(impl, case):
    """The sum of squares over the largest square, in fractions; 0 where all are 0; eps left out is 1e-10."""
    shifted = [Fraction(float(x)) for x in positive(case)["s"]]
    want = float(sum(x * x for x in shifted) / shifted[0] ** 2) if shifted[0] else 0.0
    agree(_stable(impl, case["s"], case["eps"]), np.float64(want), why="the ratio", ulps=rounds(case))
    near = case["s"] / max(float(case["s"].max()), 1e-300) * 1e-8
    agree(np.float64(impl.stable_rank(near)), _stable(impl, near, EPS), why="eps left out", ulps=rounds(case))


@law(
    cases=SPECTRA,
    needs=("stable_rank",),
    grade="numerical",
    equation=r"f(s \cup s) = 2 f(s), \quad f(c s) = f(\pi s) = f(s)",
    source="norms of block matrices",
)
def two_copies_have_twice_as_much(impl, case):
    """Two copies side by side, as blocks of a matrix, double the stable rank; scale and order do not matter."""
    s = positive(case)["s"]
    want = _stable(impl, s, 0.0)
    top = s.max()
    agree(_stable(impl, np.repeat(s, 2), 0.0), 2 * want, why="two copies", ulps=2 * rounds(case))
    for name, other in (("scaled", s / top * 3e7), ("turned round", s[::-1].copy())):
        agree(_stable(impl, other, 0.0), want, why=name, ulps=2 * rounds(case))


@law(
    cases=WEIGHTS,
    needs=("stable_rank", "singular_values"),
    grade="numerical",
    equation=r"\mathrm{srank} = \|W\|_F^2 / \|W\|_2^2",
    source=PAPER,
)
def norms_of_the_weight(impl, case):
    """The stable rank of a weight is the sum of its squared entries over the square of its largest singular value."""
    w = case["w"].astype(np.float64)
    want = np.float64(sum(Fraction(float(x)) ** 2 for x in w.ravel()) / Fraction(float(case["s"][0])) ** 2)
    ulps = (32 * max(w.shape[0], w[0].size) + 2 * rounds(case)) * np.finfo(case["w"].dtype).eps / np.finfo(float).eps
    got = _stable(impl, np.asarray(impl.singular_values(case["w"]), np.float64), 0.0)
    agree(got, want, why="the ratio of norms", ulps=ulps, scale=len(case["s"]))


# --- all at once -----------------------------------------------------------------------------------------------------
SIX = (
    "effective_rank", "normalised_effective_rank", "count_90", "normalised_count_90", "stable_rank", "normalised_stable_rank",
)  # fmt: skip
DYADIC = Cases(
    named={f"dyadic_{R}": spectrum(*values("dyadic", R)) | {"R": R} for R in (1, 2, 3, 4, 5, 6)},
    notes={"dyadic_5": "0.875 after three, 0.9375 after four"},
)


@law(cases=DYADIC, needs=("rank_metrics",), grade="numerical", equation=r"2^{2 - 2^{2 - R}}", source="closed form")
def metrics_of_dyadic_spectra(impl, case):
    """Shares 1/2, 1/4, ... have closed forms in all six numbers."""
    R, got = case["R"], impl.rank_metrics(case["s"], case["eps"])
    squares = sum(Fraction(int(x)) ** 2 for x in case["s"]) / Fraction(int(case["s"][0])) ** 2
    for i, want in enumerate((dyadic_rank(R), min(R, 4), float(squares))):
        agree(np.float64(got[2 * i]), np.float64(want), why=SIX[2 * i], ulps=rounds(case))
        agree(np.float64(got[2 * i + 1]), np.float64(want / R), why=SIX[2 * i + 1], ulps=rounds(case))


@law(cases=ANY, needs=("rank_metrics", "effective_rank", "count_90", "stable_rank"), grade="numerical", source=PAPER)
def the_same_eps_for_all(impl, case):
    """Each number is what its own function gives for this very eps: nothing is added to s on the way; left out it is 1e-10."""
    R = len(case["s"])
    for eps, given in ((case["eps"], (case["eps"],)), (EPS, ())):
        s = case["s"] if given else case["s"] / max(float(case["s"].max()), 1e-300) * 1e-8
        got = impl.rank_metrics(s, *given)
        for i, name in enumerate(SIX[::2]):
            want = np.float64(getattr(impl, name)(s, eps))
            agree(np.float64(got[2 * i]), want, why=name, ulps=2)
            agree(np.float64(got[2 * i + 1]), want / R, why=SIX[2 * i + 1], ulps=2)


# --- contracts -------------------------------------------------------------------------------------------------------
COUNT_CONTRACTS: tuple[Contract, ...] = (
    contract_of(
        "count_90",
        "How many of the largest singular values make up more than nine tenths of the sum.",
        (least_number_that_suffices, counts_of_equals, published_eps_of_the_count),
        printed("count_90", 4),
    ),
    contract_of(
        "stable_rank",
        "The sum of squares over the largest square.",
        (at_most_the_rank, squares_over_the_largest, two_copies_have_twice_as_much, norms_of_the_weight),
        printed("stable_rank", 5),
    ),
    Contract(
        "rank_metrics",
        GIVEN,
        SIX,
        ANY,
        "All three numbers and their shares of R, each from the same eps.",
        laws=(metrics_of_dyadic_spectra, the_same_eps_for_all),
        planted=bugs_of("rank_metrics"),
        golden=tuple(
            worked(
                "rank_metrics",
                spectrum(*row[0], eps=row[1]),
                {"effective_rank": row[2], "normalised_effective_rank": row[3], "stable_rank": row[5]},
                10,
                row[-1],
            )
            for row in PRINTED
        ),
    ),
)
