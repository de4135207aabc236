"""The laws of interpolation: the least norm through points, functions that have it, and how far these may differ."""

from __future__ import annotations

import itertools

import numpy as np

from minidl.laws.core import Cases, Contract, Golden, agree, holds, identical, law
from minidl.laws.infinite_width.cases import (
    EPS,
    MANY,
    OFFICIAL,
    PAPER,
    POINTS,
    SQUARES,
    TENT,
    TWO,
    ZIGZAG,
    data,
    scale_of,
    seeded,
)
from minidl.laws.infinite_width.oracle import cheapest, exact, floats, least, least_by_width, merged, walk
from minidl.laws.infinite_width.planted import bugs_of

INTERPOLATION = f"{PAPER}, interpolation"


def norm(impl, x, y):
    return np.asarray(impl.minimum_norm(np.asarray(x, float), np.asarray(y, float))[2])


def near(got, expected, case, why):
    """A norm is a sum of N differences of slopes; each slope is rounded thrice, and is as large as gaps are small."""
    agree(got, float(expected), why=why, ulps=8 * len(case["x"]), scale=scale_of(case))


# --- the least norm ----------------------------------------------------------------------------------------------------
@law(
    cases=POINTS,
    needs=("minimum_norm",),
    grade="numerical",
    equation=r"\min \{\bar R(f) : f(x_i) = y_i\} = \max(V, \tfrac12 (V + S))",
    source=INTERPOLATION,
)
def a_linear_program(impl, case):
    """The least norm is the least path norm of units that bend at data points, by trying all bases of the program."""
    near(norm(impl, case["x"], case["y"]), least_by_width(case["x"], case["y"])[-1], case, "least norm")


_FEW = Cases(named={name: case for name, case in POINTS.named.items() if len(case["x"]) < 4}, generated=None)


@law(
    cases=_FEW,
    needs=("minimum_norm",),
    grade="numerical",
    equation=r"\min_{k \le \infty} = \min_{k \le 2N}",
    source=INTERPOLATION,
)
def neither_more_places_nor_more_units_help(impl, case):
    """On a finer grid, which reaches beyond the data, the least norm stays; so it does from N - 1 units on."""
    finer = [cost for cost in least_by_width(case["x"], case["y"], between=2) if cost is not None]
    near(norm(impl, case["x"], case["y"]), finer[-1], case, "least norm on a finer grid")
    holds(all(a >= b for a, b in itertools.pairwise(finer)), why="more units cost no more", got=finer)


@law(
    cases=MANY,
    needs=("minimum_norm",),
    grade="numerical",
    equation=r"V = \sum_i |m_{i+1} - m_i|, \quad S = |m_1 + m_{N-1}|",
    source=INTERPOLATION,
)
def the_chords_alone(impl, case):
    """V is the variation of the chords, S the size of what they do not take back: with S = 0 or V = 0 the other is known."""
    x, y = merged(case["x"], case["y"])
    V, S, _ = map(np.asarray, impl.minimum_norm(case["x"], case["y"]))
    straight = [y[0] + (p - x[0]) for p in x]  # a line of slope 1
    for c in (0, 3, -5):
        tilted = floats(value + c * line for value, line in zip(y, straight, strict=True))
        other = dict(case, x=floats(x), y=tilted)
        near(np.asarray(impl.minimum_norm(other["x"], tilted)[0]), V, other, f"V after adding {c} x")
    if len(x) > 1:
        ends = (y[1] - y[0]) / (x[1] - x[0]) + (y[-1] - y[-2]) / (x[-1] - x[-2])
        near(S, abs(ends), case, "S")
    bent = least(x, y) if S <= V else 2 * least(x, y) - abs(ends)
    near(V, bent, case, "V")


@law(
    cases=MANY,
    needs=("minimum_norm",),
    grade="numerical",
    equation=r"\bar R^*(x, cy + d) = |c| \bar R^*(x, y), \quad \bar R^*(cx + d, y) = \bar R^*(x, y) / |c|",
    source=INTERPOLATION,
)
def scaled_shifted_turned(impl, case):
    """It scales with y and against x, whatever the origins, and left is as good as right."""
    x, y = case["x"], case["y"]
    expected = norm(impl, x, y)
    for c, d in ((2.0, 0.5), (-0.5, -3.0)):
        near(norm(impl, x, c * y + d), abs(c) * expected, dict(case, y=np.abs(c * y) + abs(d)), f"{c} y + {d}")
    for c, d in ((4.0, 0.0), (-1.0, 0.0), (0.5, 8.0)):
        order = slice(None) if c > 0 else slice(None, None, -1)
        moved = dict(case, x=(c * x + d)[order], y=y[order])
        near(norm(impl, moved["x"], moved["y"]), expected / abs(c), moved, f"{c} x + {d}")


@law(
    cases=MANY,
    needs=("minimum_norm",),
    grade="numerical",
    equation=r"\bar R^*(D \cup \{(x, y)\}) \ge \bar R^*(D)",
    source="fewer functions pass through more points",
)
def more_points_cost_no_less(impl, case):
    """One more point anywhere never makes it cheaper, and one on a chord, or a second time, changes nothing."""
    x, y = case["x"], case["y"]
    before = norm(impl, x, y)
    for at in case["at"]:
        if at in x:
            continue
        for height in (-2.0, 0.5, 3.0):
            more = dict(case, x=np.insert(x, i := np.searchsorted(x, at), at), y=np.insert(y, i, height))
            rounding = 8 * len(x) * EPS * scale_of(more)
            holds(bool(norm(impl, more["x"], more["y"]) >= before - rounding), why=f"with ({at}, {height})")
    points, values = merged(x, y)
    for i in range(len(points) - 1):
        middle = [float((a[i] + a[i + 1]) / 2) for a in (points, values)]
        j = np.searchsorted(x, middle[0])
        more = dict(case, x=np.insert(x, j, middle[0]), y=np.insert(y, j, middle[1]))
        near(norm(impl, more["x"], more["y"]), before, more, "with the middle of a chord")
    again = np.repeat(np.arange(len(x)), 2)
    near(norm(impl, x[again], y[again]), before, case, "with every point twice")


@law(
    cases=MANY,
    needs=("minimum_norm",),
    grade="numerical",
    equation=r"y_i = m x_i + c \Rightarrow \bar R^* = |m|",
    source="closed form",
)
def points_on_a_line(impl, case):
    """Points on a line of slope m cost |m|, half of what the line itself costs; a single point costs nothing."""
    x = case["x"]
    for slope in (1.0, -2.5, 0.0):
        line = dict(case, y=slope * x + 0.25)
        expected = abs(slope) if len(set(x.tolist())) > 1 else 0.0
        near(norm(impl, x, line["y"]), expected, line, f"points on a line of slope {slope:g}")


# --- a function that has it --------------------------------------------------------------------------------------------
def spline_of(impl, case, left):
    return [np.asarray(part) for part in impl.minimum_norm_interpolant(case["x"], case["y"], left)]


@law(
    cases=MANY,
    needs=("minimum_norm_interpolant",),
    grade="numerical",
    equation=r"f(x_i) = y_i, \quad \bar R(f) = \bar R^*",
    source=INTERPOLATION,
)
def it_passes_through_at_the_least_cost(impl, case):
    """Whatever the share, it passes through all points, and its cheapest network costs the least norm."""
    x, y = merged(case["x"], case["y"])
    for left in (case["left"], 0.0, 0.5, 1.0):
        knots, slopes, *anchor = spline_of(impl, case, left)
        got = floats(walk(case["x"], knots, slopes, *anchor))
        agree(
            got,
            case["y"],
            why="f at the points",
            ulps=16 * len(x),
            scale=scale_of(case) * np.ptp(case["x"]) + abs(y[0]),
        )
        few = slopes if len(slopes) < 8 else None
        cost = cheapest(few) if few is not None else max(np.abs(np.diff(slopes)).sum(), abs(slopes[0] + slopes[-1]))
        near(float(cost), least(x, y), case, f"norm of f, share {left}")


@law(
    cases=MANY,
    needs=("minimum_norm_interpolant",),
    grade="numerical",
    equation=r"f' = m_i \text{ on } (x_i, x_{i+1})",
    source=INTERPOLATION,
)
def chords_between_and_bent_rays(impl, case):
    """It is the chord between neighbours, and the share of its bending that is spent on the left is the one asked for."""
    x, y = merged(case["x"], case["y"])
    found = {left: spline_of(impl, case, left) for left in (case["left"], 0.0, 1.0)}
    m = [(b - a) / (q - p) for p, q, a, b in zip(x, x[1:], y, y[1:], strict=False)] or [exact(0)[0]]
    scale, ulps = scale_of(case), 8 * len(x)
    for left, (knots, slopes, anchor_x, anchor_y) in found.items():
        identical(knots, floats(x), why="knots are the points")
        identical([anchor_x, anchor_y], floats([x[0], y[0]]), why="the anchor is the first point")
        if len(x) > 1:
            agree(slopes[1:-1], floats(m), why="slopes between the points", ulps=ulps, scale=scale)
        bend = found[1.0][1][0] - float(m[0]), found[0.0][1][-1] - float(m[-1])
        agree(slopes[0], float(m[0]) + left * bend[0], why="the left ray", ulps=ulps, scale=scale)
        agree(slopes[-1], float(m[-1]) + (1 - left) * bend[1], why="the right ray", ulps=ulps, scale=scale)
    by_itself = [np.asarray(part) for part in impl.minimum_norm_interpolant(case["x"], case["y"])]
    identical(by_itself[1], found[1.0][1], why="slopes, by default bent at the left")


# --- all functions that have it ----------------------------------------------------------------------------------------
def _ranged(rng, N):
    case = _with_rays(rng, N)
    return case | {"at": np.append(case["at"], case["x"][:1])}


def _with_rays(rng, N):
    x = np.sort(rng.choice(np.arange(-10, 11), N, replace=False)) / 4
    y = rng.integers(-12, 13, N) / 4 + rng.choice([-6, 0, 0, 6]) * x
    return data(x, y, at=rng.integers(-16, 17, 3) / 4)


def _sizes():
    from hypothesis import strategies as st

    return st.integers(1, 5)


RANGES = Cases(named=dict(MANY.named), generated=seeded(_ranged, _sizes), notes=MANY.notes)


@law(
    cases=RANGES,
    needs=("optimum_range",),
    grade="numerical",
    equation=r"\bar R^*(D \cup \{(x, y)\}) = \bar R^*(D) \iff \text{low} \le y \le \text{high}",
    source="definition",
)
def within_it_costs_nothing(impl, case):
    """A further point between low and high, both included, does not raise the least norm; one beyond them does."""
    x, y = merged(case["x"], case["y"])
    before = least(x, y)
    low, high = map(np.asarray, impl.optimum_range(case["x"], case["y"], case["at"]))
    holds(bool((low <= high).all()), why="low <= high", got=low, expected=high)
    for at, lowest, highest in zip(exact(case["at"]), exact(low), exact(high), strict=True):
        if at in x:
            here = float(y[x.index(at)])
            agree(floats([lowest, highest]), [here, here], why="at a point", ulps=16, scale=scale_of(case) * 8)
            continue
        i = sum(p < at for p in x)
        heights = [lowest, highest, (lowest + highest) / 2, lowest - EIGHTH, highest + EIGHTH]
        costs = [float(least([*x[:i], at, *x[i:]], [*y[:i], height, *y[i:]]) - before) for height in heights]
        gap = min(float(abs(p - at)) for p in x)
        rounding = 32 * EPS * scale_of(case) * (1 + float(abs(at))) / gap
        holds(max(costs[:3]) <= rounding, why=f"from low to high at {float(at)} it costs no more", got=costs[:3])
        holds(min(costs[3:]) > rounding, why=f"beyond low and high at {float(at)} it costs more", got=costs[3:])


EIGHTH = exact(0.125)[0]


@law(
    cases=RANGES,
    needs=("optimum_range",),
    grade="numerical",
    equation=r"\text{low}(-y) = -\text{high}(y)",
    source="symmetry",
)
def turned_over_and_around(impl, case):
    """Upside down low and high change places, in a mirror they stay."""
    x, y, at = case["x"], case["y"], case["at"]
    low, high = map(np.asarray, impl.optimum_range(x, y, at))
    scale = scale_of(case) * (1 + np.abs(at)) * 4
    down = impl.optimum_range(x, -y, at)
    agree(down[0], -high, why="low, upside down", ulps=16, scale=scale)
    agree(down[1], -low, why="high, upside down", ulps=16, scale=scale)
    mirror = impl.optimum_range(-x[::-1], y[::-1], -at)
    agree(mirror[0], low, why="low in a mirror", ulps=16, scale=scale)
    agree(mirror[1], high, why="high in a mirror", ulps=16, scale=scale)


# --- contracts ---------------------------------------------------------------------------------------------------------
def _worked(case, V, S, least_norm, note, digits=12):
    outputs = {"variation": float(V), "end_sum": float(S), "norm": float(least_norm)}
    return Golden("minimum_norm", case, outputs, digits, note)


def _spline(case, slopes, note):
    outputs = {
        "knots": case["x"],
        "slopes": np.array(slopes, float),
        "anchor_x": case["x"][0],
        "anchor_y": case["y"][0],
    }
    return Golden("minimum_norm_interpolant", case, outputs, 12, note)


def _range(case, low, high, note):
    return Golden("optimum_range", case, {"low": np.array(low, float), "high": np.array(high, float)}, 12, note)


POINT_CONTRACTS = (
    Contract(
        "minimum_norm",
        ("x", "y"),
        ("variation", "end_sum", "norm"),
        MANY,
        "V, S and the least norm of functions through points x (N,) ascending, y (N,).",
        laws=(
            a_linear_program,
            neither_more_places_nor_more_units_help,
            the_chords_alone,
            scaled_shifted_turned,
            more_points_cost_no_less,
            points_on_a_line,
        ),
        planted=bugs_of("minimum_norm"),
        golden=(
            _worked(TWO, 0, 2, 1, "two points: one unit, not a line"),
            _worked(TENT, 2, 0, 2, "the tent"),
            _worked(data([0, 1, 2], [0, 1, 3]), 1, 3, 2, "(V + S) / 2"),
            _worked(ZIGZAG, 7, 5, 7, "a zigzag: V"),
            _worked(data([0, 1, 3], [1, 3, 7]), 0, 4, 2, "points on a line of slope 2"),
            _worked(SQUARES, 4, 6, 5, "squares: neither V nor S"),
            _worked(OFFICIAL, 4.2893980654, 1.2176171956, 4.2893980654, "the authors' ten points of a sine", 10),
        ),
        exact=("x",),
    ),
    Contract(
        "minimum_norm_interpolant",
        ("x", "y", "left"),
        ("knots", "slopes", "anchor_x", "anchor_y"),
        MANY,
        "A spline of least norm through points; `left` is the share of the rays' bending spent on the left one.",
        laws=(it_passes_through_at_the_least_cost, chords_between_and_bent_rays),
        planted=bugs_of("minimum_norm_interpolant"),
        golden=(
            _spline(TWO, [0, 1, 1], "[x]_+"),
            _spline(data([0, 1], [0, 1], 0.0), [1, 1, 0], "1 - [1 - x]_+"),
            _spline(SQUARES, [0, 1, 3, 5, 5], "squares, the left ray bent by 1"),
            _spline(data([0, 1, 2], [0, -1, -3], 0.25), [-0.75, -1, -2, -1.25], "falling: slopes move towards 0"),
            _spline(ZIGZAG, [2, 2, -1, 3, 3], "S < V: straight on"),
        ),
        exact=("x",),
    ),
    Contract(
        "optimum_range",
        ("x", "y", "at"),
        ("low", "high"),
        RANGES,
        "The least and greatest values at (M,) points of all functions of least norm through the data.",
        laws=(within_it_costs_nothing, turned_over_and_around),
        planted=bugs_of("optimum_range"),
        golden=(
            _range(
                SQUARES | {"at": np.array([-1, 0.5, 1.5, 2.5, 4])},
                [-1, 0, 1.5, 6.5, 13],
                [0, 0.5, 2.5, 6.5, 14],
                "squares: triangles, a chord where bends have two signs, and rays",
            ),
            _range(TWO | {"at": np.array([-1, 0.5, 2])}, [-1, 0.5, 1], [0, 0.5, 2], "only the rays are free"),
        ),
        exact=("x", "at"),
    ),
)
