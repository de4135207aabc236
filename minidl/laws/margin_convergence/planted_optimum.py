"""Planted bugs of the hard margin and of non-negative least squares."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from minidl.laws.core import Planted, planted


def _changed(function: str, name: str, statement: str, change: Any) -> Planted:
    """The bug in one of the two solvers: change(z, solve) -> (w, dual, margin)."""

    def build(ref):
        solve = getattr(ref, function)
        return lambda z: change(np.array(z, np.float64), solve)

    return Planted(name, statement, function, build)


def _mean_direction(z, solve):
    w, dual, _ = solve(z)
    mean = z.mean(axis=0)
    worst = (z @ mean).min()
    if worst <= 0:
        return w, dual, 1 / np.linalg.norm(w)
    return mean / worst, np.full(len(z), 1 / (len(z) * worst)), worst / np.linalg.norm(mean)


def _nearest_row(z, solve):
    solve(z)
    n = int(np.linalg.norm(z, axis=1).argmin())
    square = z[n] @ z[n]
    return z[n] / square, np.eye(len(z))[n] / square, np.sqrt(square)


def _all_equal(z, solve):
    solve(z)
    w = np.linalg.lstsq(z, np.ones(len(z)), rcond=None)[0]
    dual = np.linalg.lstsq(z.T, w, rcond=None)[0]
    return w, np.maximum(dual, 0), 1 / np.linalg.norm(w)


def _of_unit_rows(z, solve):
    w, dual, _ = solve(z / np.linalg.norm(z, axis=1, keepdims=True))
    w = w / (z @ w).min()
    return w, dual, 1 / np.linalg.norm(w)


def _bias_free(z, solve):
    """The last feature is taken for a bias that costs nothing."""
    w, dual, _ = solve(z)
    norm = np.linalg.norm(w[:-1]) if len(w) > 1 and w[:-1].any() else np.linalg.norm(w)
    return w, dual, 1 / norm


_MISTAKES = {
    "unit_direction": (
        "w is normalised: margin gamma instead of 1.",
        lambda z, s: (lambda f: (f[0] * f[2], f[1], f[2]))(s(z)),
    ),
    "sign_of_w": ("-w: the residual's sign is forgotten.", lambda z, s: (lambda f: (-f[0], f[1], f[2]))(s(z))),
    "norm_for_margin": ("|w| is returned for 1 / |w|.", lambda z, s: (lambda f: (f[0], f[1], 1 / f[2]))(s(z))),
    "squared_margin": ("1 / |w|^2.", lambda z, s: (lambda f: (f[0], f[1], f[2] ** 2))(s(z))),
    "both_sides_margin": (
        "2 / |w|, the width between both classes.",
        lambda z, s: (lambda f: (f[0], f[1], 2 * f[2]))(s(z)),
    ),
    "dual_on_the_simplex": (
        "Multipliers with sum 1, not |w|^2.",
        lambda z, s: (lambda f: (f[0], f[1] / f[1].sum(), f[2]))(s(z)),
    ),
    "dual_halved": (
        "Multipliers of |w|^2 / 2 and of |w|^2 are mixed up.",
        lambda z, s: (lambda f: (f[0], f[1] / 2, f[2]))(s(z)),
    ),
    "mean_of_the_rows": ("The direction of the mean of all rows, where that separates.", _mean_direction),
    "shortest_row_supports": ("The row nearest to 0 is taken for the nearest point of the hull.", _nearest_row),
    "every_row_on_the_margin": ("Least squares Z w = 1: every row is taken for a support vector.", _all_equal),
    "rows_normalised_first": ("The largest angle margin: rows are divided by their norms.", _of_unit_rows),
    "bias_left_out_of_the_norm": ("The last feature is a bias, which the norm leaves out.", _bias_free),
}


def _of_both(function: str) -> tuple[Planted, ...]:
    return tuple(_changed(function, name, statement, change) for name, (statement, change) in _MISTAKES.items())


for _function in ("hard_margin", "hard_margin_by_enumeration"):
    globals().update({f"{bug.name}_in_{_function}": bug for bug in _of_both(_function)})


@planted("hard_margin")
def answers_what_is_not_separable(ref):
    """Where nothing separates, a least-squares answer comes silently."""

    def hard_margin(z):
        try:
            return ref.hard_margin(z)
        except ValueError:
            w = np.linalg.lstsq(z, np.ones(len(z)), rcond=None)[0]
            return w, np.zeros(len(z)), 1 / max(np.linalg.norm(w), 1e-300)

    return hard_margin


@planted("hard_margin")
def short_rows_count_as_rounding(ref):
    """Support vectors are solved for as they are, with a cut-off for singular values relative to the longest."""

    def hard_margin(z):
        found = ref.hard_margin(z)
        rows = z[found.dual > 0]
        w = np.linalg.lstsq(rows, np.ones(len(rows)), rcond=None)[0]
        return w, found.dual, 1 / np.linalg.norm(w)

    return hard_margin


@planted("hard_margin")
def threshold_in_absolute_terms(ref):
    """Margins below 1e-6 count as none, whatever the unit of the data."""

    def hard_margin(z):
        found = ref.hard_margin(z)
        if found.margin < 1e-6:
            raise ValueError("not separable")
        return found

    return hard_margin


@planted("hard_margin")
def stopped_early(ref):
    """A solver that stops at a relative accuracy of a millionth."""

    def hard_margin(z):
        w, dual, margin = ref.hard_margin(z)
        return w * (1 + 1e-6), dual * (1 + 1e-6), margin * (1 - 1e-6)

    return hard_margin


@planted("hard_margin")
def certificate_of_the_rows_norms(ref):
    """The certificate belongs to rows divided by their norms."""

    def hard_margin(z):
        try:
            return ref.hard_margin(z)
        except ValueError as error:
            if getattr(error, "certificate", None) is not None:
                weights = error.certificate * np.linalg.norm(z, axis=1)
                error.certificate = weights / weights.sum()
            raise

    return hard_margin


@planted("hard_margin_by_enumeration")
def pairs_at_most(ref):
    """Sets of one and two rows only are tried."""

    def hard_margin_by_enumeration(z):
        z = np.asarray(z, np.float64)
        for k in range(1, min(2, len(z)) + 1):
            for chosen in itertools.combinations(range(len(z)), k):
                part = z[list(chosen)]
                gram = part @ part.T
                if np.linalg.det(gram) < 1e-12 * np.prod(np.diag(gram)):
                    continue
                a = np.linalg.solve(gram, np.ones(k))
                if (a >= 0).all() and (z @ (part.T @ a) >= 1 - 1e-12).all():
                    return ref.hard_margin_by_enumeration(z)
        raise ValueError("not separable")

    return hard_margin_by_enumeration


@planted("hard_margin_by_enumeration")
def largest_set_first(ref):
    """The margins of the other rows are not checked: the first set with non-negative multipliers is taken."""

    def hard_margin_by_enumeration(z):
        z = np.asarray(z, np.float64)
        ref.hard_margin_by_enumeration(z)
        for k in range(min(z.shape), 0, -1):
            for chosen in itertools.combinations(range(len(z)), k):
                part = z[list(chosen)]
                gram = part @ part.T
                if np.linalg.matrix_rank(gram) < k:
                    continue
                a = np.linalg.solve(gram, np.ones(k))
                if (a >= 0).all():
                    w, dual = part.T @ a, np.zeros(len(z))
                    dual[list(chosen)] = a
                    return w, dual, 1 / np.linalg.norm(w)
        return ref.hard_margin_by_enumeration(z)

    return hard_margin_by_enumeration


@planted("hard_margin_by_enumeration")
def in_doubles(ref):
    """Doubles instead of fractions: sets are told apart by rounding, and the answer is rounded more than once."""

    def hard_margin_by_enumeration(z):
        found = ref.hard_margin_by_enumeration(z)
        z = np.asarray(z, np.float64)
        support = found.dual > 0
        dual = np.zeros(len(z))
        dual[support] = np.linalg.solve(z[support] @ z[support].T, np.ones(support.sum()))
        w = z.T @ dual
        return w, dual, 1 / np.linalg.norm(w)

    return hard_margin_by_enumeration


# --- non-negative least squares ----------------------------------------------------------------------------------------
def _free(a, b):
    return np.linalg.lstsq(np.asarray(a, np.float64), np.asarray(b, np.float64), rcond=None)[0]


def _with_residual(a, b, x):
    return x, float(np.linalg.norm(np.asarray(a, np.float64) @ x - b))


@planted("nnls")
def negative_entries_allowed(ref):
    """Ordinary least squares."""
    return lambda a, b: _with_residual(a, b, _free(a, b))


@planted("nnls")
def negative_entries_cut_off(ref):
    """Ordinary least squares, then negative entries become 0: the others are not solved again."""
    return lambda a, b: _with_residual(a, b, np.maximum(_free(a, b), 0))


@planted("nnls")
def magnitudes(ref):
    """Ordinary least squares, then magnitudes."""
    return lambda a, b: _with_residual(a, b, np.abs(_free(a, b)))


@planted("nnls")
def one_round(ref):
    """Columns that came out negative are dropped, once and for ever."""

    def nnls(a, b):
        a = np.asarray(a, np.float64)
        kept = _free(a, b) > 0
        x = np.zeros(a.shape[1])
        if kept.any():
            x[kept] = np.maximum(_free(a[:, kept], b), 0)
        return _with_residual(a, b, x)

    return nnls


@planted("nnls")
def one_column_alone(ref):
    """Only the first column that would lower the residual enters."""

    def nnls(a, b):
        a = np.asarray(a, np.float64)
        x = np.zeros(a.shape[1])
        lean = a.T @ b
        if lean.max() > 0:
            j = int(lean.argmax())
            x[j] = lean[j] / (a[:, j] @ a[:, j])
        return _with_residual(a, b, x)

    return nnls


@planted("nnls")
def residual_squared(ref):
    """|A x - b|^2."""

    def nnls(a, b):
        x, residual = ref.nnls(a, b)
        return x, residual**2

    return nnls


@planted("nnls")
def root_mean_square(ref):
    """The residual is divided by the root of the number of rows."""

    def nnls(a, b):
        x, residual = ref.nnls(a, b)
        return x, residual / np.sqrt(len(b))

    return nnls


@planted("nnls")
def right_side_negated(ref):
    """-b for b."""
    return lambda a, b: ref.nnls(a, -np.asarray(b))


@planted("nnls")
def ridge_added(ref):
    """A small ridge 'for stability'."""

    def nnls(a, b):
        a = np.asarray(a, np.float64)
        n = a.shape[1]
        x = ref.nnls(np.vstack([a, 1e-4 * np.eye(n)]), np.concatenate([b, np.zeros(n)]))[0]
        return _with_residual(a, b, x)

    return nnls


@planted("nnls")
def entries_below_one_thousandth_dropped(ref):
    """Small entries count as zero, whatever the unit."""

    def nnls(a, b):
        x = ref.nnls(a, b)[0]
        return _with_residual(a, b, np.where(x < 1e-3, 0, x))

    return nnls
