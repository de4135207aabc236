"""Laws of the straight line between two nets: points, barriers, and singular vectors on the way."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from minidl.laws.core import Cases, Contract, agree, holds, identical, law
from minidl.laws.spectral_dynamics.cases import PAPER, VERSIONS, drawn, one_of, size, turning, worked
from minidl.laws.spectral_dynamics.oracle import built, orthogonal
from minidl.laws.spectral_dynamics.planted import bugs_of

# --- points ------------------------------------------------------------------------------------------------------------
POINTS = Cases(named={f"points_{n}": {"points": n} for n in (3, 4, 11, 21, 6)})


@law(cases=POINTS, needs=("segment",), grade="numerical", equation=r"a_i = i / (n - 1)", source=PAPER)
def equally_spaced_with_both_ends(impl, case):
    """From 0 to 1 in equal steps, both ends exact."""
    n = case["points"]
    got = np.asarray(impl.segment(n))
    agree(got, np.array([float(Fraction(i, n - 1)) for i in range(n)]), why=f"{n} points", ulps=2)
    identical(got[[0, -1]], np.array([0.0, 1.0]), why="the ends")


@law(cases=POINTS, needs=("segment",), grade="numerical", source=PAPER)
def eleven_points_by_default(impl, case):
    """Left out, the number of points is eleven: in steps of a tenth."""
    agree(np.asarray(impl.segment()), np.array([float(Fraction(i, 10)) for i in range(11)]), why="points", ulps=2)


def ends(seed: int, shape: tuple[int, ...], a: float, dtype=np.float64):
    rng = np.random.default_rng(seed)
    theta0, theta1 = (rng.integers(-40, 41, shape).astype(dtype) / dtype(8) for _ in range(2))
    return {"theta0": theta0, "theta1": theta1, "a": a}


ENDS = Cases(
    named={
        "tenth": ends(0, (3, 4), 0.1),
        "half": ends(1, (5,), 0.5),
        "start": ends(2, (2, 2), 0.0),
        "end": ends(3, (2, 2), 1.0),
        "beyond": ends(4, (3,), 1.75),
        "before": ends(5, (3, 2), -0.5),
        "kernel": ends(6, (2, 2, 3, 3), 0.7),
        "single_precision": ends(7, (4, 3), 0.3, np.float32),
        "far_apart": {"theta0": np.array([1e16, 1.0]), "theta1": np.array([1.0, 1e-16]), "a": 1.0},
    },
    generated=drawn(lambda seed, n, a: ends(seed, (n,), a), n=size(1, 5), a=one_of(0.1, 0.5, 0.0, 1.0, 0.9, -1.0, 2.0)),
    notes={"far_apart": "x0 + a (x1 - x0) does not reach the end"},
)


def _point(impl, case, **changed):
    case = case | changed
    return np.asarray(impl.interpolated(case["theta0"], case["theta1"], case["a"]))


def _reach(case):
    """Two products and a sum, each rounded once, and 1 - a."""
    a = abs(case["a"])
    return (1 + a) * np.abs(case["theta0"].astype(np.float64)) + a * np.abs(case["theta1"].astype(np.float64))


@law(cases=ENDS, needs=("interpolated",), grade="numerical", equation=r"(1 - a)\theta_0 + a \theta_1", source=PAPER)
def weighted_mean_of_the_ends(impl, case):
    """Every entry is the weighted mean of the two ends' entries, in fractions; at 0 and 1 exactly an end."""
    a, dtype = Fraction(case["a"]), case["theta0"].dtype
    pairs = zip(case["theta0"].ravel(), case["theta1"].ravel(), strict=True)
    want = np.array([float((1 - a) * Fraction(float(x)) + a * Fraction(float(y))) for x, y in pairs])
    agree(
        _point(impl, case),
        want.reshape(case["theta0"].shape).astype(dtype),
        why="the point",
        ulps=4,
        scale=_reach(case),
    )
    identical(_point(impl, case, a=0.0), case["theta0"], why="at 0")
    identical(_point(impl, case, a=1.0), case["theta1"], why="at 1")


@law(
    cases=ENDS,
    needs=("interpolated",),
    grade="numerical",
    equation=r"\theta_{0 \to 1}(a) = \theta_{1 \to 0}(1 - a), \quad \theta(a) + \theta(-a) = 2\theta_0",
    source="geometry of a line",
)
def same_line_from_the_other_end(impl, case):
    """Seen from the other end a is 1 - a; points at the same distance on both sides of an end have it for their mean."""
    here = _point(impl, case)
    there = _point(impl, case, theta0=case["theta1"], theta1=case["theta0"], a=1 - case["a"])
    scale = _reach(case) + _reach(case | {"theta0": case["theta1"], "theta1": case["theta0"], "a": 1 - case["a"]})
    agree(there, here, why="from the other end", ulps=8, scale=scale)
    double = 2 * case["theta0"]
    agree(here + _point(impl, case, a=-case["a"]), double, why="both sides of an end", ulps=16, scale=2 * scale)


# --- barriers ----------------------------------------------------------------------------------------------------------
def losses(*values: float, reference: str = "line", dtype=np.float64):
    return {"losses": np.array(values, dtype), "reference": reference}


def drawn_losses(seed: int, n: int, reference: str):
    rng = np.random.default_rng(seed)
    return losses(*(rng.integers(-64, 257, n) / 64), reference=reference)


LOSSES = Cases(
    named={
        "worked": losses(0.1, 0.9, 0.4, 0.5, 0.3),
        "worked_mean": losses(0.1, 0.9, 0.4, 0.5, 0.3, reference="mean"),
        "valley": losses(1.0, 0.2, 0.1, 0.4, 0.8),
        "three": losses(0.0, 2.0, 1.0),
        "high_ends": losses(5.0, 1.0, 1.0, 1.0, 5.0),
        "slope": losses(0.0, 1.0, 2.0, 3.0),
        "steep_slope": losses(4.0, 3.5, 0.25, 0.0, reference="mean"),
        "eleven": losses(*(np.arange(11) % 4 / 4)),
        "hill_late": losses(0.0, 0.5, 1.0, 2.75, 2.0),
        "single_precision": losses(0.5, 1.25, 0.75, 0.25, dtype=np.float32),
    },
    generated=drawn(drawn_losses, n=size(3, 12), reference=one_of("line", "line", "mean")),
    notes={"high_ends": "the ends are no part of the inside", "valley": "a negative barrier stays negative"},
)


def _barrier(impl, case, **changed):
    case = case | changed
    return np.float64(impl.loss_barrier(case["losses"], case["reference"]))


def _magnitude(case):
    return {"ulps": 8, "scale": float(np.abs(case["losses"]).max())}


@law(
    cases=LOSSES,
    needs=("loss_barrier",),
    grade="numerical",
    equation=r"\max_{0 < i < n} \bigl[L_i - (1 - a_i) L_0 - a_i L_n\bigr]",
    source=PAPER,
)
def highest_point_above_the_line(impl, case):
    """The largest excess of an inner loss over the line between the ends, or over their mean: in fractions."""
    values = [Fraction(float(x)) for x in case["losses"]]
    n, first, last = len(values) - 1, values[0], values[-1]
    for reference in ("line", "mean"):
        under = [(first + last) / 2 if reference == "mean" else first + (last - first) * i / n for i in range(n + 1)]
        want = float(max(values[i] - under[i] for i in range(1, n)))
        got = _barrier(impl, case, reference=reference)
        agree(got, np.float64(want), why=f"over the {reference}", **_magnitude(case))
    plain = np.float64(impl.loss_barrier(case["losses"]))
    agree(plain, _barrier(impl, case, reference="line"), why="reference left out", ulps=0)


@law(
    cases=LOSSES,
    needs=("loss_barrier",),
    grade="numerical",
    equation=r"b(L + \alpha + \beta a) = b(L), \quad b(c L) = c\,b(L), \quad b(L_n, \dots, L_0) = b(L)",
    source="definition",
)
def slopes_do_not_matter(impl, case):
    """A slope that is added to the losses does not matter over the line, scale is scale, and the ends may change places."""
    L = case["losses"].astype(np.float64)
    want, size = _barrier(impl, case, losses=L), _magnitude(case)
    size = {"ulps": 4 * size["ulps"], "scale": 8 * size["scale"] + 8}
    agree(_barrier(impl, case, losses=4 * L), 4 * want, why="four times the losses", **size)
    agree(_barrier(impl, case, losses=L[::-1].copy()), want, why="from the other end", **size)
    a = np.arange(len(L)) / (len(L) - 1)
    line = _barrier(impl, case, losses=L, reference="line")
    agree(_barrier(impl, case, losses=L + 2 - 3 * a, reference="line"), line, why="with a slope", **size)
    mean = _barrier(impl, case, losses=L, reference="mean")
    agree(_barrier(impl, case, losses=L + 2, reference="mean"), mean, why="raised", **size)


def bowls(seed: int, n: int, points: int):
    """A convex quadratic (theta - c)^T M (theta - c) and two places in it."""
    rng = np.random.default_rng(seed)
    root = rng.integers(-2, 3, (n, n)).astype(float)
    theta0, theta1, centre = rng.integers(-4, 5, (3, n)).astype(float)
    return {"M": root.T @ root, "theta0": theta0, "theta1": theta1, "centre": centre, "points": points}


BOWLS = Cases(
    named={f"bowl_{i}": bowls(i, n, points) for i, (n, points) in enumerate(((1, 11), (2, 5), (3, 11), (2, 3)))},
    generated=drawn(bowls, n=size(1, 3), points=one_of(3, 5, 11)),
)


@law(
    cases=BOWLS,
    needs=("interpolated", "loss_barrier"),
    grade="numerical",
    equation=r"L(\theta(a)) - (1 - a)L_0 - a L_1 = -a(1 - a)\,\delta^\top M \delta",
    source="convexity",
)
def no_barrier_where_the_loss_is_convex(impl, case):
    """In a convex bowl there is no barrier: it is minus the least of a (1 - a) times the curvature; on a slope it is 0."""
    M, n = case["M"], case["points"]
    a = np.arange(n) / (n - 1)
    places = [np.asarray(impl.interpolated(case["theta0"], case["theta1"], float(x))) for x in a]
    off = np.array(places) - case["centre"]
    values = np.einsum("ki,ij,kj->k", off, M, off)
    delta = case["theta1"] - case["theta0"]
    want = -float((a * (1 - a))[1:-1].min() * (delta @ M @ delta))
    size = {"ulps": 64 * len(delta) ** 2, "scale": float(np.abs(M).sum() * (np.abs(off).max() + 1) ** 2)}
    agree(np.float64(impl.loss_barrier(values)), np.float64(want), why="the barrier", **size)
    slope = np.array([place @ case["centre"] for place in places])
    size = {"ulps": 64 * len(delta), "scale": float(np.abs(slope).max() + np.abs(case["centre"]).sum() * 8)}
    agree(np.float64(impl.loss_barrier(slope)), np.float64(0), why="of a linear loss", **size)


# --- singular vectors on the way ---------------------------------------------------------------------------------------
def crossing(seed: int, start: tuple[float, ...], end: tuple[float, ...], points: int, top: int, dtype=np.float64):
    """Two weights of common singular vectors, whose values move in straight lines and overtake each other on the way.

    Two directions never have equal values at the points of the line, or the vectors would be arbitrary there.
    """
    rng, n = np.random.default_rng(seed), len(start)
    u, v = orthogonal(rng, n, n), orthogonal(rng, n + 2, n)
    ends_ = [np.array(start, float), np.array(end, float)]
    path = [((points - 1 - i) * ends_[0] + i * ends_[1]) / (points - 1) for i in range(points)]
    gaps = [np.diff(np.sort(np.append(s, 0.0))).min() / s.max() for s in path]
    orders = [np.argsort(-s) for s in path]
    T = min(top, n)
    agreement = [[float(np.mean(orders[e][:T] == order[:T])) for order in orders] for e in (0, -1)]
    w0, w1 = (built(u, s, v).astype(dtype) for s in ends_)
    return {
        "w0": w0, "w1": w1, "points": points, "top": top, "first": np.array(agreement[0]),
        "second": np.array(agreement[1]), "loose": 1 / min(gaps), "w": w0,
    }  # fmt: skip


def drawn_crossing(seed: int, n: int, points: int, top: int):
    """Values such that none meet at a point: numerators of the one and the other end are odd multiples of different primes."""
    rng = np.random.default_rng(seed)
    start = 3 * rng.permutation(np.arange(1, n + 1))
    end = 2 * rng.permutation(np.arange(1, n + 1)) + np.sqrt(np.arange(2, n + 2)) / 4
    return crossing(seed, tuple(start), tuple(end), points, top)


PATHS = Cases(
    named={
        "same_order": crossing(0, (4, 2, 1), (5, 3, 0.5), 5, 10),
        "last_overtakes": crossing(1, (4, 2, 1), (4.5, 2, 3.25), 5, 10),
        "all_reversed": crossing(2, (5, 2, 1), (0.5, 2.25, 7.75), 6, 10),
        "top_of_four": crossing(3, (8, 4, 2, 1), (8, 4, 1.25, 2.5), 11, 2),
        "halfway": crossing(4, (3, 1), (1, 4.5), 3, 10),
        "single_precision": crossing(5, (4, 2, 1), (1.5, 5, 0.5), 4, 10, np.float32),
    },
    generated=drawn(drawn_crossing, n=size(1, 4), points=one_of(3, 4, 11), top=one_of(10, 2)),
    notes={"top_of_four": "what lies below the top two may cross"},
)


@law(
    cases=PATHS,
    needs=("path_agreement",),
    grade="numerical",
    equation=r"W(a) = U D(a) V^\top",
    source=PAPER,
)
def values_that_overtake_each_other(impl, case):
    """With common vectors, those agree with an end that have the same place in the order of the values there."""
    got = impl.path_agreement(case["w0"], case["w1"], case["points"], case["top"])
    tolerance = turning(case)
    ulps = tolerance["ulps"] * np.finfo(case["w0"].dtype).eps / np.finfo(float).eps
    for name, found in zip(("first", "second"), got, strict=True):
        agree(np.asarray(found), case[name], why=name, ulps=4 * ulps, scale=tolerance["scale"])


@law(cases=VERSIONS, needs=("path_agreement", "agreement_matrix", "diagonal_score"), grade="numerical", source=PAPER)
def from_one_end_to_the_other(impl, case):
    """Each end agrees with itself, the far end as two versions do; from the other side the path is turned round."""
    first, second = (np.asarray(x) for x in impl.path_agreement(case["w"], case["other"], 3, 2))
    across = np.float64(impl.diagonal_score(impl.agreement_matrix(case["w"], case["other"]), 2))
    tolerance = turning(case)
    ulps = 4 * tolerance["ulps"] * np.finfo(case["w"].dtype).eps / np.finfo(float).eps
    agree(first[[0, -1]], np.array([1.0, across]), why="with the first", ulps=ulps, scale=tolerance["scale"])
    agree(second[[0, -1]], np.array([across, 1.0]), why="with the second", ulps=ulps, scale=tolerance["scale"])


@law(cases=PATHS, needs=("path_agreement",), grade="numerical", source=PAPER)
def eleven_points_and_ten_directions(impl, case):
    """Left out, there are eleven points and ten directions; a weight that does not move agrees with itself all along."""
    still = impl.path_agreement(case["w0"], case["w0"])
    ulps = 4 * turning(case)["ulps"] * np.finfo(case["w0"].dtype).eps / np.finfo(float).eps
    for found in still:
        agree(np.asarray(found), np.ones(11), why="a weight that stays", ulps=ulps, scale=case["loose"])
    n = 12  # the eleventh direction overtakes the tenth nowhere, but falls behind the twelfth
    rng = np.random.default_rng(5)
    u, v = orthogonal(rng, n, n), orthogonal(rng, n, n)
    s = np.arange(n, 0, -1.0)
    moved = s.copy()
    moved[-2:] = 0.75, 1.6  # they cross between two of the points
    first, _ = impl.path_agreement(built(u, s, v), built(u, moved, v))
    agree(np.asarray(first), np.ones(11), why="ten of twelve", ulps=64 * n, scale=12 / 0.05)
    holds(float(impl.path_agreement(built(u, s, v), built(u, moved, v), 11, 12)[0][-1]) < 0.99, why="all twelve")


# --- contracts ---------------------------------------------------------------------------------------------------------
LINE_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "segment",
        ("points",),
        ("a",),
        POINTS,
        "Equally spaced points from one end to the other.",
        laws=(equally_spaced_with_both_ends, eleven_points_by_default),
        planted=bugs_of("segment"),
    ),
    Contract(
        "interpolated",
        ("theta0", "theta1", "a"),
        ("theta",),
        ENDS,
        "A point on the line between two sets of weights.",
        laws=(weighted_mean_of_the_ends, same_line_from_the_other_end),
        planted=bugs_of("interpolated"),
        exact=("a",),
        terms=lambda case: float(_reach(case).max()),
    ),
    Contract(
        "loss_barrier",
        ("losses", "reference"),
        ("barrier",),
        LOSSES,
        "How far the loss rises above the line between two ends.",
        laws=(highest_point_above_the_line, slopes_do_not_matter, no_barrier_where_the_loss_is_convex),
        planted=bugs_of("loss_barrier"),
        golden=tuple(
            worked(
                "loss_barrier",
                losses(0.1, 0.9, 0.4, 0.5, 0.3, reference=reference),
                {"barrier": barrier},
                15,
                reference,
            )
            for reference, barrier in (("line", 0.75), ("mean", 0.70))
        ),
        terms=lambda case: float(np.abs(case["losses"]).max()),
    ),
    Contract(
        "path_agreement",
        ("w0", "w1", "points", "top"),
        ("first", "second"),
        PATHS,
        "The agreement of the weight on the line with either end.",
        laws=(values_that_overtake_each_other, from_one_end_to_the_other, eleven_points_and_ten_directions),
        planted=bugs_of("path_agreement"),
    ),
)
