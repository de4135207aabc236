"""The laws of the best that networks of any width can do under weight decay."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np

from minidl.laws.core import Cases, Contract, Golden, agree, holds, law
from minidl.laws.infinite_width.cases import (
    EPS,
    MANY,
    OFFICIAL,
    PAPER,
    SMALL,
    TENT,
    data,
    drawn_data,
    integers,
    seeded,
)
from minidl.laws.infinite_width.oracle import exact, floats, lasso, least
from minidl.laws.infinite_width.planted import bugs_of


# --- the optimum -------------------------------------------------------------------------------------------------------
def _drawn_optimum(rng, N):
    case = drawn_data(rng, N)
    if N > 1 and rng.random() < 0.25:
        case["x"][1] = case["x"][0]
    return case


FEW = {name: case for name, case in SMALL.items() if len(case["x"]) < 5}
OPTIMA = Cases(
    named={
        **FEW,
        "tent_strong": TENT | {"decay": 10.0},
        "tent_weak": TENT | {"decay": 2.0**-20},
        "one_leaves": data([-4, -3.5, -2.5], [-4, 3, 4], decay=2.0**-5),
        "two_leave": data([1, 2, 3, 3.5], [-6, -1, 4, -6], decay=2.0**-4),
        "two_values": {**TENT, "x": np.array([0.0, 0.0, 1.0]), "y": np.array([0.0, 1.0, 3.0])},
    },
    generated=seeded(_drawn_optimum, integers(1, 4)),
    notes={
        "tent_strong": "the best is a constant",
        "one_leaves": "on the way to the optimum, a unit is used and then not",
        "two_leave": "two are given up for a third",
        "two_values": "no function passes through both",
    },
)
_SEVEN = data([-3, -1.5, -1, -0.5, 0, 1.5, 3], [-5, 3, -1, 3, 2, -4, -5], decay=1.0)
WIDE = Cases(named={**MANY.named, **OPTIMA.named, "seven": _SEVEN}, generated=OPTIMA.generated, notes=OPTIMA.notes)


def optimum(impl, case, **changed):
    case = case | changed
    return [np.asarray(part) for part in impl.decay_optimum(case["x"], case["y"], case["decay"])]


def rounding(case, added=0.0):
    """Scales of fitted values, norm and objective, where `added` was added to y.

    Fitted values come from equations whose condition is known by exhaustion; a norm divides their differences by gaps.
    """
    size = float(np.abs(case["y"]).max()) + 2 * abs(added)
    at = np.unique(case["x"])
    fitted = lasso(case["x"], case["y"], case["decay"])[2] * size
    norm = len(at) * fitted / float(np.diff(at).min()) if len(at) > 1 else 0.0
    return fitted, norm, size * fitted + case["decay"] * norm


def agree_all(got, expected, case, why, added=0.0):
    """Sums of N terms, in each of at most N steps."""
    scales = rounding(case, added)
    for one, other, scale, what in zip(got, expected, scales, ("fitted", "norm", "objective"), strict=True):
        agree(one, other, why=f"{what} {why}", ulps=16 * len(case["x"]) ** 2, scale=scale)


@law(
    cases=OPTIMA,
    needs=("decay_optimum",),
    grade="numerical",
    equation=r"\min_a \tfrac1N \|\Phi a + b_0 - y\|^2 + \lambda \|a\|_1",
    source=f"{PAPER}, interpolation",
)
def a_lasso_over_units(impl, case):
    """Fitted values, norm and objective are those of the lasso, by trying all sets of units and signs in fractions."""
    fitted, norm, _ = lasso(case["x"], case["y"], case["decay"])
    squares = sum((y - z) ** 2 for y, z in zip(exact(case["y"]), fitted, strict=True))
    best = squares / len(fitted) + Fraction(case["decay"]) * norm
    agree_all(optimum(impl, case), [floats(fitted), float(norm), float(best)], case, "by exhaustion")


@law(
    cases=WIDE,
    needs=("decay_optimum",),
    grade="numerical",
    equation=r"r \perp 1, \quad |\langle r, [\pm(x - x_j)]_+ \rangle| \le \tfrac{\lambda N}2, \quad "
    r"\langle r, z \rangle = \tfrac{\lambda N}2 \bar R",
    source="duality: these three say that nothing is better",
)
def a_certificate(impl, case):
    """The residual has mean 0, no unit can reduce it at a profit, and those in use do so at exactly their price."""
    x, y, N = case["x"], case["y"], len(case["x"])
    fitted, norm, best = optimum(impl, case)
    r, bound = y - fitted, case["decay"] * N / 2
    terms = N * float(np.abs(y).max() + np.ptp(x) * norm)  # the values of all units in use, and y
    agree(r.sum(), 0.0, why="sum of residuals", ulps=16 * N, scale=terms)
    facing = np.maximum(np.concatenate([x[:, None] - x, x - x[:, None]], axis=1), 0)  # (N, 2N)
    gain = np.abs(r @ facing).max()
    slack = 16 * N * EPS * (np.ptp(x) * terms + bound)
    holds(bool(gain <= bound + slack), why="what a unit gains", got=gain, expected=bound)
    agree(r @ fitted, bound * norm, why="<r, z>", ulps=16 * N, scale=terms * terms)
    at, first = np.unique(x, return_index=True)
    expected, gap = least(exact(at), exact(fitted[first])), float(np.diff(at).min(initial=np.inf))
    agree(
        norm, float(expected), why="norm of the fitted values", ulps=8 * N, scale=N * float(np.abs(fitted).max()) / gap
    )
    agree(best, r @ r / N + case["decay"] * norm, why="objective", ulps=8 * N)


@law(
    cases=OPTIMA,
    needs=("decay_optimum",),
    grade="numerical",
    equation=r"z(sx,\, cy + d,\, |c| s \lambda) = c\, z(x, y, \lambda) + d",
    source="homogeneity of the norm",
)
def scaled_with_its_decay(impl, case):
    """With y scaled, and the decay too, all is scaled; a constant added to y is added to the fitted values.

    With x scaled, norms shrink, and a decay that grows with x makes up for it: in any units of measurement.
    """
    fitted, norm, best = optimum(impl, case)
    changes = [(2.0, 0.0, 1.0), (-0.5, 1.5, 1.0), (1.0, -4.0, 1.0)]
    changes += [(2.0**-60, 0.0, 2.0**-30), (2.0**60, 0.0, 2.0**-20), (2.0**-20, 0.0, 2.0**30)]
    for c, d, s in changes:
        moved = {"x": s * case["x"], "y": c * case["y"] + d, "decay": abs(c) * s * case["decay"]}
        expected = [c * fitted + d, abs(c) * norm / s, c * c * best]
        agree_all(optimum(impl, case, **moved), expected, case | moved, f"for {s:g} x, {c:g} y + {d:g}", d)


@law(
    cases=OPTIMA,
    needs=("decay_optimum",),
    grade="numerical",
    equation=r"\lambda \uparrow \ \Rightarrow\ \bar R \downarrow,\ \|r\| \uparrow",
    source="exchange of optima",
)
def more_decay_less_norm(impl, case):
    """With more decay the norm falls and the error rises; with enough of it the best is the mean."""
    decays = (2.0**-6, 0.125, 1.0, 8.0, 1e6)
    found = [optimum(impl, case, decay=decay) for decay in decays]
    slack = (
        32 * EPS * len(case["x"]) ** 2 * np.max([rounding(case | {"decay": decay}) for decay in decays[:-1]], axis=0)
    )
    size = float(np.abs(case["y"]).max())
    for less, more in itertools.pairwise(found):
        holds(bool(more[1] <= less[1] + slack[1]), why="norm falls", got=more[1], expected=less[1])
        few, many = (float(np.sum((case["y"] - fitted) ** 2)) for fitted, *_ in (less, more))
        holds(many >= few - 4 * len(case["y"]) * size * slack[0], why="error rises", got=many, expected=few)
    mean = np.full(len(case["y"]), case["y"].mean())
    agree(found[-1][0], mean, why="fitted values at 1e6", ulps=8 * len(mean), scale=size)


# --- contracts ---------------------------------------------------------------------------------------------------------
def _tent(decay):
    """Half the sum of squares and the decay of the path norm: mean squared error and two thirds of it, for three points."""
    case = TENT | {"decay": 2 * decay / 3}
    outputs = {
        "fitted": np.array([decay, 1 - 2 * decay, decay]),
        "norm": 2 - 6 * decay,
        "objective": 2 * decay * decay + 2 * decay / 3 * (2 - 6 * decay),
    }
    return Golden(
        "decay_optimum", case, outputs, 12, f"the tent, {decay}: path norm 2 - 6 decay, largest error 2 decay"
    )


DECAY_CONTRACTS = (
    Contract(
        "decay_optimum",
        ("x", "y", "decay"),
        ("fitted", "norm", "objective"),
        WIDE,
        "The optimum over all widths: fitted values (N,), the norm of the function, and the objective.",
        laws=(a_lasso_over_units, a_certificate, scaled_with_its_decay, more_decay_less_norm),
        planted=bugs_of("decay_optimum"),
        golden=(
            _tent(0.1),
            _tent(0.01),
            _tent(0.001),
            Golden("decay_optimum", OFFICIAL, {"norm": 3.2507}, 4, "the authors' ten points, decay 1e-2"),
            Golden("decay_optimum", OFFICIAL | {"decay": 1e-4}, {"norm": 4.2673}, 4, "the same, decay 1e-4"),
        ),
        exact=("x",),
    ),
)
