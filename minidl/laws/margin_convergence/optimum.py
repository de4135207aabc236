"""The laws of the hard-margin solution, judged alike for both ways to it, and of what makes data not separable.

The conditions of Karush, Kuhn and Tucker are enough for an optimum, so any w and multipliers that fulfil them are the
answer. Rows up to `condition` times longer than the margin cancel in products with w, whose rounding is its square.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from minidl.laws.core import Case, Cases, Contract, Law, NotProvided, agree, holds, identical, law
from minidl.laws.margin_convergence.cases import (
    DATA,
    EPS,
    NACSON,
    NOTES,
    PAIR,
    SINGLE,
    WORKED,
    condition,
    planted_cases,
    rotation,
    separable_rows,
    worked,
)
from minidl.laws.margin_convergence.clocks import LONG
from minidl.laws.margin_convergence.cone import answer, plane_margin, planted_data, separable
from minidl.laws.margin_convergence.planted import bugs_of

DUALITY = "Vapnik, The Nature of Statistical Learning Theory, 1995, section 5.4"
ENUMERATION = "hard_margin_by_enumeration"
SOLVERS = ("hard_margin", ENUMERATION)
ULPS = 16  # per row and dimension: two least-squares solutions, and the products that check them


# --- cases -------------------------------------------------------------------------------------------------------------
def _few_planted():
    from hypothesis import strategies as st

    return st.builds(
        planted_data,
        st.integers(0, 9999),
        st.integers(2, 3),
        st.integers(0, 2),
        st.sampled_from([0, 0, 1]),
    )


def _any_rows():
    """Random rows of one decimal, some of them repeated."""
    from hypothesis import strategies as st

    def one(seed: int, n: int, d: int, repeated: int) -> Case:
        z = separable_rows(np.random.default_rng(seed), n, d)
        return {"z": np.concatenate([z, z[:repeated]])}

    return st.builds(one, st.integers(0, 9999), st.integers(1, 5), st.integers(1, 3), st.sampled_from([0, 0, 1, 2]))


def _integers():
    """Integer rows, about half of them separable."""
    from hypothesis import strategies as st

    def one(seed: int, n: int, d: int, lean: int) -> Case:
        rng = np.random.default_rng(seed)
        z = rng.integers(-3, 4, (n, d))
        z[:, 0] += lean
        z[~z.any(axis=1), -1] = 1
        return {"z": z.astype(np.float64)}

    return st.builds(one, st.integers(0, 9999), st.integers(1, 7), st.integers(1, 3), st.integers(0, 3))


_MORE = {
    "twice": {"z": np.concatenate([WORKED, WORKED])},
    "one_twice": {"z": WORKED[[0, 0, 1, 2]]},
    "unequal": {"z": np.array([[1.0, 0.0], [-1.0, 2.0], [1.0, 1.0]]) * np.exp2([[-28.0], [28.0], [0.0]])},
    "four_on_the_margin": {"z": np.array([[1.0, 1.0], [1.0, -1.0], [1.0, 0.0], [1.0, 3.0]])},
}
KNOWN = {
    "hard_margin": Cases(named=DATA, generated=planted_cases, notes=NOTES),
    ENUMERATION: Cases(
        named={name: case for name, case in DATA.items() if name not in ("wide", "crowd")}, generated=_few_planted
    ),
}
ROWS = Cases(
    named={name: case for name, case in DATA.items() if name != "crowd"} | _MORE,
    generated=_any_rows,
    notes={"twice": "multipliers are not unique, w is", "unequal": "the shortest row is below rounding of the longest"},
)
# z . w is within 1e-9 of 1 on the margin
EVEN = replace(ROWS, named={name: case for name, case in ROWS.named.items() if name != "unequal"}, notes={})
PLANE = Cases(
    named={name: DATA[name] for name in ("worked", "pair", "single_support", "one_point", "narrow")} | _MORE,
    generated=lambda: _any_rows().filter(lambda case: case["z"].shape[1] == 2),
)
_TRIANGLE = np.array([[1.0, 0.0], [-1.0, 2.0], [-1.0, -2.0]])
VERDICTS = Cases(
    named={
        "opposite": {"z": np.array([[1.0, 2.0], [-1.0, -2.0]])},
        "triangle": {"z": _TRIANGLE},
        "half_plane": {"z": np.array([[0.0, 1.0], [3.0, 0.0], [-2.0, 0.0]])},
        "barely_separable": {"z": np.array([[1.0, 3.0], [1.0, -3.0], [0.0, 1.0]])[:2]},
        "worked": {"z": WORKED},
        "line": {"z": np.array([[1.0], [2.0], [-1.0]])},
        "four": {"z": np.concatenate([np.eye(3), -np.ones((1, 3))])},
    },
    generated=_integers,
    notes={"half_plane": "zero lies on the border of the hull: a margin of 0 separates nothing"},
)


def _solve(impl: Any, function: str, z: Any) -> Any:
    return getattr(impl, function)(z)


def _solution(impl: Any, function: str, z: Any) -> tuple[np.ndarray, np.ndarray, float]:
    w, dual, margin = _solve(impl, function, z)
    return np.asarray(w), np.asarray(dual), float(margin)


def _judged(function: str, cases: Cases, equation: str, grade: Any = "numerical", source: str = DUALITY) -> Callable:
    """The law for one of the two solvers: check(impl, case, solve), with solve(z) -> w, dual, margin."""

    def make(check: Callable[[Any, Case, Callable], None]) -> Law:
        def judged(impl: Any, case: Case) -> None:
            check(impl, case, lambda z: _solution(impl, function, z))

        judged.__name__, judged.__doc__ = check.__name__, check.__doc__
        return law(cases=cases, needs=(function,), grade=grade, equation=equation, source=source)(judged)

    return make


def _laws(function: str) -> tuple[Law, ...]:
    """The laws that hold of both solvers."""

    @_judged(function, ROWS, r"Z w \ge 1,\ \alpha \ge 0,\ w = Z^\top \alpha,\ \alpha_n (z_n \cdot w - 1) = 0")
    def conditions_of_the_optimum(impl, case, solve):
        """Every row has margin 1 at least, w is a non-negative combination of rows, those with margin 1 exactly."""
        z = case["z"]
        w, dual, margin = solve(z)
        kappa, terms = condition(z, w), ULPS * (len(z) + z.shape[1])
        u = (z.astype(LONG) @ w.astype(LONG)).astype(np.float64)
        agree(np.minimum(u, 1.0), np.ones(len(z)), why="margins up to 1", ulps=terms, scale=kappa**2)
        holds(bool((dual >= 0).all()), why="no multiplier is negative", got=dual)
        size = float(np.abs(dual) @ np.abs(z).max(axis=1))
        agree((z.astype(LONG).T @ dual).astype(np.float64), w, why="Z^T dual", ulps=terms, scale=size)
        slack = dual * (u - 1)
        scale = kappa**2 * float(dual.max())
        agree(slack, np.zeros(len(z)), why="multiplier times distance from the margin", ulps=terms, scale=scale)
        agree(margin, float(1 / np.sqrt((w.astype(LONG) ** 2).sum())), why="the margin", ulps=8 + 4 * z.shape[1])

    @_judged(function, KNOWN[function], r"\alpha = \text{the combination that was planted}", source="construction")
    def planted_solution(impl, case, solve):
        """Data made around w: multipliers, w and margin are those that the data were made of."""
        known = answer(case)
        w, dual, margin = solve(case["z"])
        rows = np.asarray(case["z"][known.support], np.float64)
        kappa = np.linalg.cond(rows) ** 2  # of the Gram matrix, whose solution the multipliers are
        terms = ULPS * (len(case["z"]) + case["z"].shape[1])
        for name, got, expected in (("w", w, known.w), ("the dual", dual, known.dual), ("gamma", margin, known.margin)):
            size = float(np.abs(expected).max())
            agree(got, np.asarray(expected, np.float64)[()], why=name, ulps=terms, scale=kappa * size)

    @_judged(function, ROWS, r"\hat w(c Z) = \hat w(Z) / c,\ \alpha(c Z) = \alpha(Z) / c^2,\ \gamma(c Z) = c \gamma(Z)")
    def rows_times_a_factor(impl, case, solve):
        """All rows times a power of two, near or far: w divided by it, the margin times it, and nothing else."""
        z = case["z"]
        w, _, margin = solve(z)
        kappa, terms = condition(z, w), ULPS * (len(z) + z.shape[1])
        for c in (2.0**-30, 2.0**30, 8.0):
            scaled_w, scaled_dual, scaled_margin = solve(c * z)
            agree(c * scaled_w, w, why=f"w of {c:g} Z", ulps=terms, scale=kappa**2 * float(np.abs(w).max()))
            agree(scaled_margin / c, margin, why=f"margin of {c:g} Z", ulps=terms, scale=kappa**2 * margin)
            squared = float(w @ w)
            agree(c**2 * scaled_dual.sum(), squared, why="sum of the dual", ulps=terms, scale=kappa**2 * squared)

    @_judged(function, ROWS, r"\hat w(Z Q^\top) = Q \hat w(Z),\ \hat w(\pi Z) = \hat w(Z)")
    def rotated_and_permuted_rows(impl, case, solve):
        """Rows turned by an orthogonal matrix turn w; their order is nothing to it; neither changes the margin."""
        z = case["z"]
        w, _, margin = solve(z)
        kappa, terms = condition(z, w), ULPS * (len(z) + z.shape[1])
        q = rotation(len(z), z.shape[1])
        scale = kappa**2 * np.linalg.norm(w)
        for name, rows, expected in (("turned", z @ q.T, q @ w), ("reversed", z[::-1], w)):
            got, _, other = solve(rows)
            agree(got, expected, why=f"w of rows {name}", ulps=terms, scale=scale)
            agree(other, margin, why=f"margin of rows {name}", ulps=terms, scale=kappa**2 * margin)

    @_judged(
        function, ROWS, r"\sum_n \alpha_n = \|\hat w\|^2 = \gamma^{-2}, \quad \gamma = \min_\lambda \|Z^\top \lambda\|"
    )
    def strong_duality(impl, case, solve):
        """The multipliers add up to |w|^2; divided by their sum they give the point of the rows' hull nearest to 0."""
        z = case["z"]
        w, dual, margin = solve(z)
        kappa, terms = condition(z, w), ULPS * (len(z) + z.shape[1])
        agree(dual.sum(), float(w @ w), why="sum of the dual", ulps=terms, scale=kappa**2 * float(w @ w))
        nearest = float(np.linalg.norm(z.T @ (dual / dual.sum())))
        agree(nearest, margin, why="distance of the hull", ulps=terms, scale=kappa**2 * margin)
        rng = np.random.default_rng(len(z))
        others = rng.dirichlet(np.full(len(z), 0.5), 64)  # (64, N)
        others = np.concatenate([others, (others + 31 * dual / dual.sum()) / 32])
        distances = np.linalg.norm(others @ z, axis=1)
        beyond = bool((distances >= margin * (1 - terms * kappa**2 * EPS)).all())
        holds(beyond, why="no point of the hull is nearer", expected=margin, got=distances.min())

    @_judged(function, EVEN, r"z \cdot \hat w \ge 1 \Rightarrow \hat w(Z, z) = \hat w(Z)")
    def rows_beyond_the_margin(impl, case, solve):
        """A row at or beyond the margin changes nothing when it comes or goes; a row repeated changes no w."""
        z = case["z"]
        w, dual, _ = solve(z)
        kappa, terms = condition(z, w), ULPS * (len(z) + z.shape[1] + 2)
        rng = np.random.default_rng(len(z))
        aside = rng.normal(size=len(w)) * np.linalg.norm(z, axis=1).max()
        aside -= w * (aside @ w) / (w @ w)
        far = 2 * w / (w @ w) + aside
        scale = kappa**2 * float(np.abs(w).max()) * (1 + np.linalg.norm(far) * np.linalg.norm(w)) ** 2
        kept = z[(dual > 0) | (z @ w < 1 + 1e-9)]
        for name, rows in (
            ("one row more", np.vstack([z, far])),
            ("rows left out", kept),
            ("a row twice", np.vstack([z, z[:1]])),
        ):
            agree(solve(rows)[0], w, why=f"w with {name}", ulps=terms, scale=scale)

    @_judged(function, PLANE, r"\gamma = \max_{\|v\| = 1} \min_n z_n \cdot v", source="enumeration")
    def largest_margin_in_the_plane(impl, case, solve):
        """In the plane, the best of all directions in which a margin can have its maximum."""
        z = case["z"]
        w, _, margin = solve(z)
        gamma, v = plane_margin(z)
        kappa, terms = condition(z, w), ULPS * (len(z) + 2)
        agree(margin, float(gamma), why="the margin", ulps=terms, scale=kappa**2 * float(gamma))
        agree(w * margin, v.astype(np.float64), why="the direction", ulps=terms, scale=kappa**2)

    @_judged(
        function, VERDICTS, r"\exists w: Z w \ge 1", "exact", "Fourier, Motzkin: elimination of unknowns, in fractions"
    )
    def refuses_what_is_not_separable(impl, case, solve):
        """It has an answer exactly where elimination finds one possible, and raises an error elsewhere."""
        expected = separable(case["z"])
        try:
            found = solve(case["z"])
        except NotProvided:
            raise
        except Exception as error:
            holds(not expected, why="separable data are solved", expected="a solution", got=repr(error))
            return
        holds(expected, why="data that are not separable are refused", expected="an error", got=found)

    @_judged(function, VERDICTS, r"\lambda \ge 0,\ \sum_n \lambda_n = 1,\ Z^\top \lambda = 0", source="Gordan 1873")
    def certificate_of_the_refusal(impl, case, solve):
        """The refusal carries weights of a convex combination of the rows that is zero, so that anybody can check it."""
        try:
            w, _, _ = solve(case["z"])
        except NotProvided:
            raise
        except Exception as error:
            weights = getattr(error, "certificate", None)
            if weights is None:
                raise NotProvided(function, "its error carries no certificate") from error
            z, weights = case["z"], np.asarray(weights)
            holds(weights.shape == (len(z),), why="a weight for each row", expected=(len(z),), got=weights.shape)
            holds(bool((weights >= 0).all()), why="no weight is negative", got=weights)
            agree(weights.sum(), np.float64(1.0), why="sum of the weights", ulps=4 * len(z))
            size, terms = float(np.abs(z).max()), ULPS * sum(z.shape)
            agree(weights @ z, np.zeros(z.shape[1]), why="the combination", ulps=terms, scale=size)
        else:
            holds(bool((case["z"] @ w > 0).all()), why="all margins are positive", got=case["z"] @ w)

    return (
        conditions_of_the_optimum,
        planted_solution,
        rows_times_a_factor,
        rotated_and_permuted_rows,
        strong_duality,
        rows_beyond_the_margin,
        largest_margin_in_the_plane,
        refuses_what_is_not_separable,
        certificate_of_the_refusal,
    )


# --- both ways together ------------------------------------------------------------------------------------------------
@law(cases=VERDICTS, needs=SOLVERS, grade="numerical", equation=r"|\hat w - \hat w'| \le 10^{-10}", source=NACSON)
def both_ways_agree(impl, case):
    """Least distances and enumeration in fractions come to the same w and margin, or both refuse."""
    found = []
    for function in SOLVERS:
        try:
            found.append(_solution(impl, function, case["z"]))
        except NotProvided:
            raise
        except Exception:
            found.append(None)
    one, exact = found
    holds((one is None) == (exact is None), why="both solve or both refuse", expected=exact, got=one)
    if one is not None and exact is not None:
        kappa, terms = condition(case["z"], exact[0]), ULPS * sum(case["z"].shape)
        agree(one[0], exact[0], why="w", ulps=terms, scale=kappa**2 * float(np.abs(exact[0]).max()))
        agree(one[2], exact[2], why="the margin", ulps=terms, scale=kappa**2 * exact[2])


@law(
    cases=Cases(
        named={name: DATA[name] for name in ("worked", "pair", "single_support", "one_point", "line", "narrow")},
        generated=_few_planted,
    ),
    needs=(ENUMERATION,),
    grade="exact",
    equation=r"\hat w, \alpha \in \mathbb{Q}",
    source="construction",
)
def fractions_rounded_once(impl, case):
    """Of integers, w and the multipliers are fractions: to the bit, each is the double nearest to it."""
    w, dual, _ = _solution(impl, ENUMERATION, case["z"])
    rows = [[Fraction(value) for value in row] for row in case["z"].tolist()]
    weights = [Fraction(int(top), case["over"]) for top in case["multipliers"]]
    exact = [sum(a * row[j] for a, row in zip(weights, rows, strict=True)) for j in range(case["z"].shape[1])]
    identical(w, np.array([float(value) for value in exact]), why="w")
    identical(dual, np.array([float(value) for value in weights]), why="the dual")


# --- contracts ---------------------------------------------------------------------------------------------------------
_GAMMA = 1.9414506868


def _worked(function, z, note, w, dual, margin):
    digits = {"w": 14, "dual": 14, "margin": 10}
    values = {"w": w, "dual": dual, "margin": margin}
    return tuple(worked(function, {"z": z}, digits[name], note, **{name: value}) for name, value in values.items())


def _golden(function):
    return (
        *_worked(function, WORKED, "two support vectors of three rows", [3 / 7, 2 / 7], [9 / 49, 4 / 49, 0.0], _GAMMA),
        *_worked(function, PAIR, "an orthogonal pair", [1.0, 0.5], [1.0, 0.25], 0.8944271910),
        *_worked(function, SINGLE, "one support vector, two rows on the margin", [0.2, 0.4], [0.2, 0.0, 0.0], 2.2360679775),
        *_worked(function, SINGLE / 3.1622776601683795, "a longest row of 1", [0.632455532033676, 1.264911064067352],
                 [2.0, 0.0, 0.0], 0.7071067812),
    )  # fmt: skip


OPTIMUM_CONTRACTS = (
    Contract(
        "hard_margin",
        ("z",),
        ("w", "dual", "margin"),
        KNOWN["hard_margin"],
        "The vector w (d,) of least norm with margins of at least 1, its multipliers (N,), and the margin 1 / |w|.",
        laws=(*_laws("hard_margin"), both_ways_agree),
        planted=bugs_of("hard_margin"),
        golden=_golden("hard_margin"),
    ),
    Contract(
        ENUMERATION,
        ("z",),
        ("w", "dual", "margin"),
        KNOWN[ENUMERATION],
        "The same by trying all sets of support vectors in fractions.",
        laws=(*_laws(ENUMERATION), fractions_rounded_once),
        planted=bugs_of(ENUMERATION),
        golden=_golden(ENUMERATION),
    ),
)
