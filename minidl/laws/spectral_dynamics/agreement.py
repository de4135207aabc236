"""Laws of the agreement between two versions of a weight, of scores, and of what chance gives."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from minidl.laws.core import Cases, Contract, agree, holds, law
from minidl.laws.spectral_dynamics.cases import PAPER, VERSIONS, drawn, one_of, size, turning, worked
from minidl.laws.spectral_dynamics.oracle import orthogonal
from minidl.laws.spectral_dynamics.planted import bugs_of


def _flat(w):
    return w.reshape(len(w), -1)


# --- agreement -------------------------------------------------------------------------------------------------------
def _agreement(impl, case, **changed):
    case = case | changed
    return np.asarray(impl.agreement_matrix(case["w"], case["other"]))


@law(
    cases=VERSIONS,
    needs=("agreement_matrix",),
    grade="numerical",
    equation=r"S_{jk} = |(u_j \cdot u'_k)(v_j \cdot v'_k)|",
    source=PAPER,
)
def cosines_on_both_sides(impl, case):
    """The product of the cosines between the left and between the right vectors."""
    want = np.abs((case["u"].T @ case["u_other"]) * (case["v"].T @ case["v_other"]))
    agree(_agreement(impl, case), want.astype(case["w"].dtype), why="the agreement", **turning(case))


@law(
    cases=VERSIONS,
    needs=("agreement_matrix",),
    grade="numerical",
    equation=r"S(W, c W) = I, \quad S(W', W) = S(W, W')^\top",
    source=PAPER,
)
def agrees_with_itself(impl, case):
    """A weight and its multiples agree perfectly; exchanged, the versions give the transposed matrix."""
    w, tolerance = case["w"], turning(case)
    doubled = {"ulps": 2 * tolerance["ulps"], "scale": tolerance["scale"]}
    for factor in (1.0, 0.25, -3.0):
        got = _agreement(impl, case, other=(factor * w).astype(w.dtype))
        agree(got, np.eye(len(got)).astype(w.dtype), why=f"with {factor} W", **doubled)
    want = _agreement(impl, case)
    agree(_agreement(impl, case, w=case["other"], other=w), want.T, why="exchanged", **doubled)


@law(
    cases=VERSIONS,
    needs=("agreement_matrix",),
    grade="numerical",
    equation=r"S(Q W P, Q W' P) = S(W, W') = S(W^\top, W'^\top), \quad S(W, W P)_{jk} = \delta_{jk} |v_j \cdot P^\top v_j|",
    source="invariance",
)
def turned_together_or_alone(impl, case):
    """Both versions turned the same way, or turned over, agree as before; turned on one side alone, the other side says 1."""
    w, other, tolerance = _flat(case["w"]), _flat(case["other"]), turning(case)
    rng = np.random.default_rng(w.size)
    Q, P = (orthogonal(rng, n, n).astype(w.dtype) for n in w.shape)
    want = _agreement(impl, case)
    loose = {"ulps": 4 * tolerance["ulps"], "scale": tolerance["scale"]}
    agree(_agreement(impl, case, w=Q @ w @ P, other=Q @ other @ P), want, why="Q W P", **loose)
    agree(_agreement(impl, case, w=w.T, other=other.T), want, why="W^T", **loose)
    alone = np.diag(np.abs(np.einsum("ij,ij->j", case["v"], P.T @ case["v"])))
    agree(_agreement(impl, case, w=w, other=w @ P), alone.astype(w.dtype), why="W P", **loose)


# --- scores ----------------------------------------------------------------------------------------------------------
def squares(seed: int, m: int, n: int, top: int, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return {"matrix": rng.integers(0, 1025, (m, n)).astype(dtype) / dtype(1024), "top": top}


SQUARES = Cases(
    named={
        "three": squares(0, 3, 3, 10),
        "twelve": squares(1, 12, 12, 10),
        "first_two": squares(2, 5, 5, 2),
        "wide": squares(3, 3, 15, 10),
        "tall": squares(4, 14, 4, 10),
        "one": squares(5, 1, 1, 10),
        "eleven": squares(6, 11, 13, 11),
        "single_precision": squares(7, 12, 12, 10, np.float32),
    },
    generated=drawn(squares, m=size(1, 14), n=size(1, 14), top=one_of(10, 1, 3, 12)),
    notes={"twelve": "ten of twelve", "wide": "fewer than ten"},
)


@law(
    cases=SQUARES,
    needs=("diagonal_score",),
    grade="numerical",
    equation=r"\frac1T \sum_{k \le T} A_{kk}, \; T = \min(\text{top}, R, R')",
    source=PAPER,
)
def mean_of_the_first_diagonal_entries(impl, case):
    """The mean, in fractions, of as many diagonal entries as are asked for and there; by default of ten."""
    matrix = case["matrix"]
    for top, given in ((case["top"], (case["top"],)), (10, ())):
        T = min(top, *matrix.shape)
        want = float(sum(Fraction(float(matrix[k, k])) for k in range(T)) / T)
        agree(np.float64(impl.diagonal_score(matrix, *given)), np.float64(want), why=f"{T} entries", ulps=4 + T)


@law(cases=SQUARES, needs=("diagonal_score",), grade="numerical", source=PAPER)
def nothing_beside_the_diagonal(impl, case):
    """What stands beside the diagonal, and after the first entries, does not matter; the identity has 1."""
    matrix, top = case["matrix"], case["top"]
    want = np.float64(impl.diagonal_score(matrix, top))
    other = 1 - matrix
    T = min(top, *matrix.shape)
    other[range(T), range(T)] = matrix[range(T), range(T)]
    agree(np.float64(impl.diagonal_score(other, top)), want, why="the others changed", ulps=0)
    agree(np.float64(impl.diagonal_score(np.eye(*matrix.shape), top)), np.float64(1), why="the identity", ulps=0)


# --- chance ----------------------------------------------------------------------------------------------------------
WIDTHS = Cases(named={f"width_{n}": {"n": n} for n in (1, 2, 3, 4, 7, 16, 64, 128, 300)})
SIDES = Cases(named={f"{m}_by_{n}": {"m": m, "n": n} for m, n in ((1, 1), (2, 5), (16, 16), (128, 64), (7, 300))})


@law(
    cases=WIDTHS,
    needs=("haar_baseline",),
    grade="numerical",
    equation=r"\frac{\Gamma(n/2)}{\sqrt\pi\, \Gamma((n+1)/2)}",
    source="moments of the sphere",
)
def by_the_gamma_function(impl, case):
    """A quotient of Gamma functions."""
    n = case["n"]
    want = np.float64(math.gamma(n / 2) / (math.sqrt(math.pi) * math.gamma((n + 1) / 2)))
    agree(np.float64(impl.haar_baseline(n)), want, why="E|q|", ulps=16 + 2 * n)  # n / 2 factors, and Gamma's own


@law(
    cases=WIDTHS,
    needs=("haar_baseline",),
    grade="numerical",
    equation=r"E_n E_{n+1} = \frac{2}{\pi n}, \quad \frac{2}{\pi n} < E_n^2 \le \frac1n",
    source="recurrence of Gamma; Jensen",
)
def neighbours_multiply_to_two_over_pi_n(impl, case):
    """Two neighbouring widths have a rational product with 2 / pi; the mean square 1 / n is above the squared mean."""
    n = case["n"]
    here, there = np.float64(impl.haar_baseline(n)), np.float64(impl.haar_baseline(n + 1))
    agree(here * there, np.float64(2 / (math.pi * n)), why="the product", ulps=16 + 2 * n)
    low = math.sqrt(2 / (math.pi * n)) if n > 1 else 0.0
    holds(bool(low <= here <= math.sqrt(1 / n) * (1 + 1e-15)), why="between sqrt(2 / pi n) and sqrt(1 / n)", got=here)


@law(
    cases=SIDES,
    needs=("agreement_baseline",),
    grade="numerical",
    equation=r"E|q_{ij}|\, E|q'_{kl}|",
    source="independent sides",
)
def chance_on_both_sides(impl, case):
    """The mean of a product of independent entries, one from each side: by Gamma functions."""
    want = 1.0
    for n in (case["m"], case["n"]):
        want *= math.gamma(n / 2) / (math.sqrt(math.pi) * math.gamma((n + 1) / 2))
    ulps = 32 + 2 * (case["m"] + case["n"])
    agree(np.float64(impl.agreement_baseline(case["m"], case["n"])), np.float64(want), why="E|q q'|", ulps=ulps)


# --- contracts -------------------------------------------------------------------------------------------------------
AGREEMENT_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "agreement_matrix",
        ("w", "other"),
        ("agreement",),
        VERSIONS,
        "How far the singular vectors of two versions of a weight agree, on both sides at once.",
        laws=(cosines_on_both_sides, agrees_with_itself, turned_together_or_alone),
        planted=bugs_of("agreement_matrix"),
    ),
    Contract(
        "diagonal_score",
        ("matrix", "top"),
        ("score",),
        SQUARES,
        "The mean of the first diagonal entries.",
        laws=(mean_of_the_first_diagonal_entries, nothing_beside_the_diagonal),
        planted=bugs_of("diagonal_score"),
        golden=(
            worked(
                "diagonal_score",
                {"matrix": np.array([[0.8660254038, 0.5], [0.5, 0.8660254038]]), "top": 10},
                {"score": 0.8660254038},
                digits=10,
                note="layers turned by 30 degrees",
            ),
        ),
    ),
    Contract(
        "haar_baseline",
        ("n",),
        ("mean",),
        WIDTHS,
        "The mean size of an entry of a random orthogonal matrix.",
        laws=(by_the_gamma_function, neighbours_multiply_to_two_over_pi_n),
        planted=bugs_of("haar_baseline"),
        golden=tuple(
            worked("haar_baseline", {"n": n}, {"mean": mean}, 10, f"width {n}")
            for n, mean in ((16, 0.2026103021), (64, 0.1001259082), (128, 0.0706615727))
        ),
    ),
    Contract(
        "agreement_baseline",
        ("m", "n"),
        ("mean",),
        SIDES,
        "The mean entry of the agreement between unrelated weights.",
        laws=(chance_on_both_sides,),
        planted=bugs_of("agreement_baseline"),
        golden=(
            worked("agreement_baseline", {"m": 1, "n": 16}, {"mean": 0.2026103021}, 10, "one side has one direction"),
        ),
    ),
)
