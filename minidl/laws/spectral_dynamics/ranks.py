"""Laws of the effective rank and its share of R, as functions of a spectrum."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Contract, agree, holds, law
from minidl.laws.spectral_dynamics.cases import ANY, ENTROPY, PAPER, SPECTRA, WEIGHTS, ZEROS
from minidl.laws.spectral_dynamics.spectra import EPS, contract_of, positive, printed, relative, rounds


# --- effective rank --------------------------------------------------------------------------------------------------
def _erank(impl, case, s=None, eps=None):
    return np.float64(impl.effective_rank(case["s"] if s is None else s, case["eps"] if eps is None else eps))


@law(
    cases=SPECTRA, needs=("effective_rank",), grade="numerical", equation=r"1 \le \mathrm{erank} \le R", source=ENTROPY
)
def between_one_and_all(impl, case):
    """The effective rank lies between 1 and R: 1 for a single value, R for equal ones, strictly between for others."""
    s, R = case["s"], len(case["s"])
    agree(_erank(impl, case, np.where(np.arange(R) == 0, s.max(), 0), 0.0), np.float64(1), why="one value", ulps=8)
    agree(
        _erank(impl, case, np.full(R, s.max())), np.float64(R), why="equal values", ulps=rounds(case), scale=relative(R)
    )
    got = _erank(impl, case)
    slack = rounds(case) * np.finfo(float).eps * relative(R)
    holds(bool(1 - slack <= got <= R + slack), why="between 1 and R", got=got)
    ratios = positive(case)["s"] / positive(case)["s"][0]
    if R > 1 and ratios[1] > 1e-9:  # beyond rounding: the second share enters with its logarithm
        holds(bool(got > 1 + ratios[1] / R), why="more than one direction", got=got)
    if ratios[-1] < 0.99:
        holds(bool(got < R), why="fewer than R directions", got=got)


@law(
    cases=SPECTRA,
    needs=("effective_rank",),
    grade="numerical",
    equation=r"\mathrm{erank}(c s) = \mathrm{erank}(s) = \mathrm{erank}(\pi s) = \mathrm{erank}(s, 0)",
    source=ENTROPY,
)
def only_the_shares_count(impl, case):
    """Without eps neither scale, nor order, nor zeros that are appended matter."""
    s = positive(case)["s"]
    want = _erank(impl, case, s, 0.0)
    top = s.max()
    for name, other in (
        ("scaled up", s / top * 3e7),
        ("scaled down", s / top * 3e-7),
        ("turned round", s[::-1].copy()),
        ("with zeros", np.append(s, [0.0, 0.0])),
    ):
        agree(_erank(impl, case, other, 0.0), want, why=name, ulps=2 * rounds(case), scale=relative(want))


@law(
    cases=SPECTRA,
    needs=("effective_rank",),
    grade="numerical",
    equation=r"\mathrm{erank}(s \otimes t) = \mathrm{erank}(s)\,\mathrm{erank}(t)",
    source="entropy of independent pairs",
)
def products_of_spectra_multiply(impl, case):
    """The spectrum of a Kronecker product is that of all pairs, and the entropies of independent choices add up."""
    s = positive(case)["s"]
    s, t = s / s.max(), np.array([4.0, 3.0, 0.5])
    pairs = np.multiply.outer(s, t).ravel()
    want = _erank(impl, case, s, 0.0) * _erank(impl, case, t, 0.0)
    got = _erank(impl, case, np.sort(pairs)[::-1], 0.0)
    agree(got, want, why="the pairs", ulps=4 * rounds({"s": pairs}), scale=relative(want))


@law(
    cases=SPECTRA,
    needs=("effective_rank",),
    grade="numerical",
    equation=r"H(\tfrac12 p, \tfrac12 q) = \log 2 + \tfrac12 H(p) + \tfrac12 H(q)",
    source="chain rule of entropy",
)
def two_blocks_of_one_weight(impl, case):
    """Two blocks with sums that are equal have twice the geometric mean of their effective ranks."""
    s = positive(case)["s"]
    s, t = s / s[0], np.array([0.5, 0.25, 0.25])  # divided by the largest first: the sum may overflow
    s = s / s.sum()
    want = 2 * np.sqrt(_erank(impl, case, s, 0.0) * 2**1.5)  # 1/2, 1/4, 1/4: 1.5 bits
    got = _erank(impl, case, np.sort(np.append(s, t))[::-1], 0.0)
    agree(got, want, why="both blocks", ulps=4 * rounds(case), scale=relative(want))


@law(
    cases=SPECTRA,
    needs=("effective_rank",),
    grade="numerical",
    equation=r"\frac1{\max p} \le \frac1{\sum p^2} \le e^{H} \le \#\{p > 0\}",
    source="Renyi's entropies fall with their order",
)
def among_renyis_counts(impl, case):
    """The effective rank is at least the inverse participation ratio, and at most the number of values above 0."""
    shifted = positive(case)
    p = shifted["s"] / shifted["s"].max()
    low, high = p.sum() ** 2 / (p * p).sum(), np.count_nonzero(p)
    got, slack = _erank(impl, case), rounds(case) * np.finfo(float).eps * relative(high)
    holds(bool(p.sum() - slack <= low + slack and low - slack <= got <= high + slack), why="the order", got=got)


@law(cases=ANY, needs=("effective_rank",), grade="numerical", equation=r"s' = s + \epsilon", source=PAPER)
def eps_is_added_once(impl, case):
    """eps moves every singular value, and does so once; left out it is 1e-10."""
    shifted = positive(case)
    if shifted["s"][0] > 0:
        want = _erank(impl, shifted)
        agree(_erank(impl, case), want, why="s + eps, and eps = 0", ulps=2 * rounds(case), scale=relative(want))
    near = case["s"] / max(float(case["s"].max()), 1e-300) * 1e-8  # where 1e-10 shows
    want = _erank(impl, case, near, EPS)
    agree(np.float64(impl.effective_rank(near)), want, why="eps left out", ulps=rounds(case), scale=relative(want))


@law(cases=ZEROS, needs=("effective_rank",), grade="numerical", source="convention")
def nothing_has_no_rank(impl, case):
    """A zero spectrum has effective rank 0 without eps; with eps it has R, an artefact of equal shares."""
    R = np.float64(len(case["s"]))
    want = R if case["eps"] else np.float64(0)
    agree(_erank(impl, case), want, why="of a zero matrix", ulps=rounds(case), scale=relative(want))


@law(
    cases=WEIGHTS,
    needs=("effective_rank", "singular_values"),
    grade="numerical",
    equation=r"\mathrm{erank}(Q W P) = \mathrm{erank}(W^\top) = \mathrm{erank}(W)",
    source=ENTROPY,
)
def rotations_keep_the_rank(impl, case):
    """The effective rank of a weight is that of the values it was made of, of the weight turned over too."""
    want = _erank(impl, case, case["s"], 0.0)
    flat = case["w"].reshape(len(case["w"]), -1)
    ulps = 32 * max(flat.shape) + 2 * rounds(case)  # singular values are off by a few n eps s_1 each
    eps = np.finfo(case["w"].dtype).eps / np.finfo(float).eps
    for name, w in (("W", flat), ("W^T", flat.T)):
        got = _erank(impl, case, np.asarray(impl.singular_values(w), np.float64), 0.0)
        agree(
            got,
            want,
            why=name,
            ulps=ulps * eps,
            scale=relative(len(case["s"])) * (1 + np.log(case["s"][0] / case["s"][-1])),
        )


# --- its share of R --------------------------------------------------------------------------------------------------
def _share(impl, s, eps):
    return np.float64(impl.normalised_effective_rank(s, eps))


@law(
    cases=SPECTRA,
    needs=("normalised_effective_rank",),
    grade="numerical",
    equation=r"\mathrm{erank}(s, 0, \dots, 0) / (R + z)",
    source=PAPER,
)
def zeros_dilute(impl, case):
    """Equal values have 1, k of them among R have k / R, and appended zeros lower every share by R / (R + z)."""
    s, R = positive(case)["s"], len(case["s"])
    agree(
        _share(impl, np.full(R, s.max()), case["eps"]),
        np.float64(1),
        why="equal values",
        ulps=rounds(case),
        scale=relative(R),
    )
    for k in range(1, R + 1):
        some = np.where(np.arange(R) < k, s.max(), 0)
        agree(_share(impl, some, 0.0), np.float64(k / R), why=f"{k} of {R}", ulps=rounds(case), scale=relative(k) / R)
    want = _share(impl, s, 0.0) * (R / (R + 3))
    agree(
        _share(impl, np.append(s, np.zeros(3)), 0.0),
        want,
        why="with zeros",
        ulps=2 * rounds(case),
        scale=relative(R) / R,
    )


@law(
    cases=ANY,
    needs=("normalised_effective_rank", "effective_rank"),
    grade="numerical",
    equation=r"\mathrm{erank} / R",
    source=PAPER,
)
def share_of_all(impl, case):
    """It is the effective rank over the number of values, zeros among them, whatever eps."""
    want = _erank(impl, case) / len(case["s"])
    agree(_share(impl, case["s"], case["eps"]), want, why="erank / R", ulps=rounds(case), scale=relative(want))
    near = case["s"] / max(float(case["s"].max()), 1e-300) * 1e-8
    agree(
        np.float64(impl.normalised_effective_rank(near)), _share(impl, near, EPS), why="eps left out", ulps=rounds(case)
    )


# --- contracts -------------------------------------------------------------------------------------------------------
RANK_CONTRACTS: tuple[Contract, ...] = (
    contract_of(
        "effective_rank",
        "The exponential of the entropy of the singular values' shares.",
        (
            between_one_and_all,
            only_the_shares_count,
            products_of_spectra_multiply,
            two_blocks_of_one_weight,
            among_renyis_counts,
            eps_is_added_once,
            nothing_has_no_rank,
            rotations_keep_the_rank,
        ),
        printed("effective_rank", 2),
    ),
    contract_of(
        "normalised_effective_rank",
        "The effective rank over the number of singular values.",
        (zeros_dilute, share_of_all),
        printed("normalised_effective_rank", 3),
    ),
)
