"""The laws of optimality for interpolants of least penalty: they fit, their dual values are X^T nu, and no other costs less."""

from __future__ import annotations

import numpy as np

from minidl.laws.checks import compare
from minidl.laws.core import agree, holds, law
from minidl.laws.kernel_rich import oracle
from minidl.laws.kernel_rich import regressions as known
from minidl.laws.kernel_rich.oracle import EPS, long
from minidl.laws.kernel_rich.penalties import exactly
from minidl.laws.kernel_rich.sources import WOODWORTH

PROBLEMS = known.potentials()


def arguments(case):
    return tuple(case[name] for name in ("x", "y", "alpha", "depth"))


def minimiser(impl, *inputs, **more):
    """The interpolant alone."""
    return np.asarray(impl.min_potential(*inputs, **more)[0])


# --- optimality ------------------------------------------------------------------------------------------------------------
def fits(x, y, beta, why="X beta"):
    """X beta = y, up to roundings of the sums."""
    x, beta = long(x), long(beta)
    scale = float(np.linalg.norm((np.abs(x) @ np.abs(beta) + np.abs(y)).astype(float)))
    agree((x @ beta).astype(float), np.asarray(y, float), why=why, ulps=known.slack(x), scale=scale)


@law(cases=PROBLEMS, needs=("min_potential",), grade="numerical", equation=r"X \beta = y", source=WOODWORTH)
def interpolates(impl, case):
    """The minimiser fits the targets, as exactly as their sums round."""
    fits(case["x"], case["y"], minimiser(impl, *arguments(case)))


def stationary(x, s, nu, terms, why):
    """The dual values s are X^T nu, up to roundings of either: terms (d,) is what s itself is off by, in eps."""
    x = np.asarray(x, float)
    there = (long(x).T @ long(nu)).astype(float)
    scale = np.abs(x).T @ np.abs(np.asarray(nu, float)) + np.abs(np.asarray(s, float))
    compare(there, np.asarray(s, float), EPS * (known.slack(x) * scale.max() + np.asarray(terms, float)), why=why)


@law(
    cases=PROBLEMS,
    needs=("min_potential",),
    grade="numerical",
    equation=r"h_D^{-1}(\beta / \alpha^D) = X^\top \nu",
    source="Karush, Kuhn and Tucker",
)
def dual_values_in_the_row_space(impl, case):
    """The dual values of the minimiser's entries are X^T nu with the dual that it comes with."""
    x, y, alpha, depth = arguments(case)
    beta, nu = (np.asarray(part) for part in impl.min_potential(x, y, alpha, depth)[:2])
    t = oracle.place(long(beta) / long(alpha) ** depth, depth)
    s = oracle.dual(t, depth)
    # a relative rounding of beta by its powers moves s by at most as much relatively, s being concave in |beta|
    stationary(x, s, nu, (32 + 4 * depth * np.abs(t)) * np.abs(s), "X^T nu")
    compare(
        known.off_rows(x, s).astype(float),
        np.zeros(len(s)),
        EPS * known.slack(x) * max(float(np.abs(s).max()), EPS),
        why="off",
    )


@law(
    cases=PROBLEMS,
    needs=("min_potential",),
    grade="numerical",
    equation=r"Q_\alpha(\beta_\alpha) \le Q_\alpha(b), \quad X b = y",
    source=WOODWORTH,
)
def cheapest_of_all_interpolants(impl, case):
    """No other interpolant has a smaller penalty: not those of least L1 and L2 norm, not those beside it."""
    x, y, alpha, depth = arguments(case)
    beta = long(minimiser(impl, x, y, alpha, depth))
    cost = exactly(beta, alpha, depth)
    rng = np.random.default_rng(0)
    rivals = [known.least_l2(x, y), known.least_l1(x, y)]
    rivals += [beta + known.off_rows(x, size * rng.normal(size=len(beta))) for size in (1e-3, 0.1, 1.0)]
    # the cost of a misfit of a few roundings: the largest dual value times it
    slope = float(np.abs(oracle.dual_value(beta / long(alpha) ** depth, depth)).max())
    rounding = EPS * known.slack(x) * slope * float(np.linalg.norm(np.abs(beta).astype(float)) + np.linalg.norm(y))
    for rival in rivals:
        other = exactly(rival, alpha, depth)
        holds(
            bool(cost <= other + rounding),
            why="the penalty beside another interpolant's",
            got=float(cost),
            expected=float(other),
        )


@law(
    cases=PROBLEMS,
    needs=("min_potential",),
    grade="numerical",
    equation=r"\|\beta_\alpha\|_1 \ge \min \|b\|_1, \quad \|\beta_\alpha\|_2 \ge \min \|b\|_2",
    source=WOODWORTH,
)
def norms_above_the_least(impl, case):
    """At no scale is a norm below its least value; at the ends the bounds of the penalty hold them near it."""
    x, y, alpha, depth = arguments(case)
    beta = long(minimiser(impl, x, y, alpha, depth))
    b1, b2, size = known.least_l1(x, y), known.least_l2(x, y), np.abs(beta)
    slack = EPS * known.slack(x)
    holds(
        bool(size.sum() >= np.abs(b1).sum() * (1 - slack)), why="the L1 norm", got=size.sum(), expected=np.abs(b1).sum()
    )
    holds(bool((beta @ beta) >= (b2 @ b2) * (1 - slack)), why="the L2 norm", got=beta @ beta, expected=b2 @ b2)
    # kernel end: q''(0) b^2 / 2 (1 - z^2 / 8) <= alpha^D q <= q''(0) b^2 / 2
    z = float(size.max() / long(alpha) ** depth)
    if z < 1:
        holds(
            bool((beta @ beta) * (1 - z * z / 8) <= (b2 @ b2) * (1 + slack)),
            why="the L2 norm in the kernel regime",
            got=z,
        )
    # rich end: what the penalty is at most at b1, and at least at beta
    scale = long(alpha)
    if depth > 2:
        most = np.abs(b1).sum() + depth / long(2) * scale ** (depth - 2) * (size ** (2 / long(depth))).sum()
        holds(
            bool(size.sum() <= most * (1 + slack)), why="the L1 norm in the rich regime", got=size.sum(), expected=most
        )
    else:
        least, most = _entropy(size, scale), _entropy(np.abs(b1), scale) + 2 * scale**2 * len(beta)
        room = slack * (abs(least) + abs(most))
        holds(bool(least <= most + room), why="the L1 norm times log(1/alpha^2)", got=least, expected=most)


def _entropy(size, alpha):
    some = size[size > 0]
    return (some * (np.log(some / alpha**2) - 1)).sum()
