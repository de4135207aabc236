"""The laws of piecewise-linear functions: their values, their norms, networks that attain them, and the way back."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from minidl.laws.core import Cases, Contract, Golden, agree, holds, identical, law
from minidl.laws.infinite_width.cases import EPS, PAPER, PROBES, SPLINES, UNITS, seeded, spline, units
from minidl.laws.infinite_width.oracle import bends, cheapest, exact, floats, network, slope_at_the_left, walk
from minidl.laws.infinite_width.planted import bugs_of
from minidl.laws.infinite_width.units import THETA, size

SPLINE = ("knots", "slopes", "anchor_x", "anchor_y")
FAR, TINY = Fraction(np.finfo(float).max), Fraction(np.finfo(float).smallest_subnormal)


# --- values ------------------------------------------------------------------------------------------------------------
def reach(case, x=None):
    """The sum of the magnitudes of what is added on the way from the anchor, at each point."""
    x = case["x"] if x is None else x
    longest = np.abs(x) + abs(case["anchor_x"]) + np.abs(case["knots"]).max(initial=0.0)
    return abs(case["anchor_y"]) + len(case["slopes"]) * np.abs(case["slopes"]).max() * longest


def value(impl, case, **changed):
    case = case | changed
    return np.asarray(impl.spline_value(case["x"], *(case[name] for name in SPLINE)))


@law(cases=SPLINES, needs=("spline_value",), grade="numerical", equation=r"f(x) = f(x_a) + \int_{x_a}^x f'")
def a_walk_from_the_anchor(impl, case):
    """f is what one has climbed on the way from the anchor, in fractions."""
    expected = floats(walk(case["x"], *(case[name] for name in SPLINE)))
    agree(value(impl, case), expected, why="f", ulps=4 + len(case["slopes"]), scale=reach(case))


@law(cases=SPLINES, needs=("spline_value",), grade="numerical", equation=r"f(x_a) \text{ at any other } x_a")
def any_point_is_an_anchor(impl, case):
    """Anchored at another point of its graph, it is the same function; at the anchor it has the anchor's value."""
    identical(value(impl, case, x=np.array([case["anchor_x"]])), [case["anchor_y"]], why="f at the anchor")
    there = float(case["x"][-1])
    height = float(walk([there], *(case[name] for name in SPLINE))[0])
    moved = value(impl, case, anchor_x=there, anchor_y=height)
    agree(
        moved, value(impl, case), why="f from another anchor", ulps=8 + 3 * len(case["slopes"]), scale=2 * reach(case)
    )


@law(
    cases=SPLINES,
    needs=("spline_value",),
    grade="numerical",
    equation=r"f(-\cdot): \ -t_K, \dots, -t_1;\ -s_K, \dots, -s_0",
)
def seen_in_a_mirror(impl, case):
    """Knots and slopes in reverse order with the other sign, and the anchor on the other side, are the mirror image."""
    other = value(
        impl, case, x=-case["x"], knots=-case["knots"][::-1], slopes=-case["slopes"][::-1], anchor_x=-case["anchor_x"]
    )
    agree(other, value(impl, case), why="the mirror image", ulps=4 + 2 * len(case["slopes"]), scale=reach(case))


# --- norms -------------------------------------------------------------------------------------------------------------
@law(
    cases=SPLINES,
    needs=("function_norm",),
    grade="numerical",
    equation=r"\bar R(f) = \min \{\sum_i |v_i w_i| : h = f\}",
    source=f"{PAPER}, the norm of a function",
)
def the_cheapest_network(impl, case):
    """The norm is the least path norm of all networks that have these slopes, found by exhaustion."""
    expected = cheapest(case["slopes"])
    agree(impl.function_norm(case["slopes"]), float(expected), why="norm", ulps=2 + 2 * len(case["slopes"]))


@law(
    cases=SPLINES,
    needs=("function_norm",),
    grade="numerical",
    equation=r"\bar R(cf) = |c| \bar R(f) = \bar R(f(c\, \cdot)), \quad \bar R(f(-\cdot)) = \bar R(f)",
    source=f"{PAPER}, the norm of a function",
)
def scaled_and_turned(impl, case):
    """It scales with f and with the axis, and a mirror image costs as much."""
    slopes = case["slopes"]
    norm, ulps = impl.function_norm(slopes), 4 * len(slopes)
    for c in (2.0, -0.25, -3.0, 0.1):
        agree(impl.function_norm(c * slopes), abs(c) * norm, why=f"norm of {c:g} f", ulps=ulps)
        along = c * (slopes if c > 0 else slopes[::-1])
        agree(impl.function_norm(along), abs(c) * norm, why=f"norm of f({c:g} x)", ulps=ulps)
    agree(impl.function_norm(-slopes[::-1]), norm, why="norm of f(-x)", ulps=ulps)


def _pair(rng, K):
    places = np.sort(rng.choice(np.arange(-16, 17), K + 2, replace=False)) / 4
    mine = rng.random(K + 2) < 0.5
    draw = [rng.integers(-12, 13, n + 1) / 4 for n in (mine.sum(), (~mine).sum())]
    return {"knots": places[mine], "slopes": draw[0], "other_knots": places[~mine], "other_slopes": draw[1]}


def _two(knots, slopes, other_knots, other_slopes):
    parts = zip(
        ("knots", "slopes", "other_knots", "other_slopes"), (knots, slopes, other_knots, other_slopes), strict=True
    )
    return {name: np.array(part, float) for name, part in parts}


PAIRS = Cases(
    named={
        "opposite": _two([0], [0, 1], [0], [0, -1]),
        "line_and_positive_part": _two([], [-1], [0], [0, 2]),
        "two_lines": _two([], [1.5], [], [-0.25]),
        "tents": _two([-1, 0, 1], [0, 1, -1, 0], [0, 1, 2], [0, 1, -1, 0]),
    },
    generated=seeded(_pair, lambda: _up_to(3)),
)


def _up_to(n):
    from hypothesis import strategies as st

    return st.integers(0, n)


@law(cases=PAIRS, needs=("function_norm",), grade="numerical", equation=r"\bar R(f + g) \le \bar R(f) + \bar R(g)")
def triangle_inequality(impl, case):
    """The norm of a sum is at most the sum of the norms."""
    at = np.union1d(case["knots"], case["other_knots"])
    both = np.concatenate([[-np.inf], at])  # the left end of each piece
    f, g = (
        case[name][np.searchsorted(case[knots], both, side="right")]
        for knots, name in (("knots", "slopes"), ("other_knots", "other_slopes"))
    )
    total, parts = (
        impl.function_norm(f + g),
        impl.function_norm(case["slopes"]) + impl.function_norm(case["other_slopes"]),
    )
    holds(total <= parts * (1 + 16 * len(both) * EPS), why="norm of the sum", got=total, expected=parts)
    agree(impl.function_norm(f), impl.function_norm(case["slopes"]), why="with knots that do not bend", ulps=4 * len(f))


@law(
    cases=SPLINES,
    needs=("function_norm_with_skip",),
    grade="numerical",
    equation=r"\min_a \bar R(f - a x) = \sum_k |\Delta_k|",
    source=f"{PAPER}, the skip connection",
)
def the_cheapest_rest(impl, case):
    """It is the norm, by exhaustion, of what is left without the line that makes f even, and no line changes it."""
    slopes = exact(case["slopes"])
    middle = (slopes[0] + slopes[-1]) / 2  # then the slopes at both ends cancel
    expected = cheapest([s - middle for s in slopes])
    ulps = 2 + 2 * len(slopes)
    scale = float(np.abs(case["slopes"]).sum())
    agree(impl.function_norm_with_skip(case["slopes"]), float(expected), why="norm with skip", ulps=ulps, scale=scale)
    for a in (1.0, -2.5, 0.3):
        got = impl.function_norm_with_skip(case["slopes"] + a)
        agree(got, float(expected), why=f"norm of f + {a:g} x", ulps=ulps, scale=scale + abs(a) * len(slopes))


# --- the network that attains it ---------------------------------------------------------------------------------------
def attained(impl, case):
    found = impl.attaining_network(*(case[name] for name in SPLINE))
    return {name: np.asarray(part) for name, part in zip(THETA, found, strict=True)}


@law(
    cases=SPLINES,
    needs=("attaining_network",),
    grade="numerical",
    equation=r"h(x) = f(x)",
    source=f"{PAPER}, the norm of a function",
)
def it_computes_the_function(impl, case):
    """At 41 points between -5 and 5, and at those of the case, the network has the values of f."""
    x = np.concatenate([PROBES, case["x"]])
    expected = floats(walk(x, *(case[name] for name in SPLINE)))
    net = attained(impl, case)
    got = floats(network(x, **net))
    terms = size(net | {"x": x}) + 2 * reach(case, x)  # b0 is the value at the anchor minus the units there
    agree(got, expected, why="h", ulps=12 + 2 * len(net["w"]), scale=terms)


@law(
    cases=SPLINES,
    needs=("attaining_network",),
    grade="numerical",
    equation=r"C = \bar R(f)",
    source=f"{PAPER}, the norm of a function",
)
def at_the_least_cost(impl, case):
    """It costs what the cheapest network costs, has at most 2K + 2 units, none of them idle, and is balanced."""
    net, expected = attained(impl, case), cheapest(case["slopes"])
    holds(len(net["w"]) <= 2 * len(case["knots"]) + 2, why="at most 2K + 2 units", got=len(net["w"]))
    holds(bool((net["w"] != 0).all() and (net["v"] != 0).all()), why="no unit is idle", got=net["w"])
    cost = (net["w"] @ net["w"] + net["v"] @ net["v"]) / 2
    agree(cost, float(expected), why="cost", ulps=16 + 4 * len(net["w"]))
    agree(np.abs(net["v"]), np.abs(net["w"]), why="|v| = |w|", ulps=4, scale=np.abs(net["w"]))


@law(
    cases=SPLINES,
    needs=("attaining_network",),
    grade="numerical",
    equation=r"-b_i/w_i \in \{t_1, \dots, t_K, x_a\}",
    source=f"{PAPER}, the norm of a function",
)
def it_bends_where_f_bends(impl, case):
    """Every unit bends at a knot, or at the anchor where a line is left over."""
    net = attained(impl, case)
    places = np.append(case["knots"], case["anchor_x"])
    at = -net["b"] / net["w"]
    near = np.abs(at[:, None] - places).min(axis=1, initial=np.inf)  # (k,)
    holds(bool((near <= 4 * EPS * np.abs(at)).all()), why="where units bend", got=at, expected=places)


# --- the function of a network -----------------------------------------------------------------------------------------
def as_function(impl, case):
    found = impl.as_spline(*(case[name] for name in (*THETA, "anchor_x")))
    return {name: np.asarray(part, dtype=float) for name, part in zip(SPLINE, found, strict=True)}


DECAYED = Cases(
    named=UNITS.named
    | {
        "bends_at_infinity": units(
            [2.0**-1030, -(2.0**-1030), 2.0**-1030, -(2.0**-1030), 1], [3, 5, -3, -5, -1], [4, 2.0**20, 1, 8, 1.5], 0.5
        ),
        "lines_all_along": units([2.0**-1030, -(2.0**-1030), 2.0**-1030], [3, 5, -3], [4, 2.0**20, 1], 0.5),
        "both_layers_gone": units([2.0**-600, -(2.0**-600), 1], [3, -5, -1], [2.0**-600, 2.0**-600, 1.5], 0.5),
    },
    generated=UNITS.generated,
    notes=UNITS.notes | {"bends_at_infinity": "-b / w is no float: such a unit is active everywhere, or nowhere"},
)


@law(cases=DECAYED, needs=("as_spline",), grade="numerical", equation=r"f(x) = h(x)", source=f"{PAPER}, the model")
def the_same_values(impl, case):
    """The function has the network's values, at 41 points and far outside."""
    x = np.concatenate([PROBES, case["x"], [-100.0, 100.0]])
    expected = floats(network(x, *(case[name] for name in THETA)))
    got = floats(walk(x, **as_function(impl, case)))
    k = len(case["w"])
    scale = size(case, x) + np.abs(case["v"] * case["w"]).sum() * np.abs(x) * (1 + k)  # slopes are sums of k terms
    agree(got, expected, why="f", ulps=8 + 4 * k, scale=scale)


@law(
    cases=DECAYED,
    needs=("as_spline",),
    grade="numerical",
    equation=r"\Delta = \sum_{-b_i/w_i = t} v_i |w_i|, \quad s_0 = \sum_{w_i < 0} v_i w_i",
    source=f"{PAPER}, the model",
)
def bends_of_the_network(impl, case):
    """Knots ascend, one for each place where slopes change, with the limits of h' on both sides."""
    got, everywhere = as_function(impl, case), bends(case["w"], case["b"], case["v"])
    expected = {t: jump for t, jump in everywhere.items() if abs(t) <= FAR and abs(jump) >= TINY}
    if len({float(t) for t in expected}) < len(expected):
        return  # places that differ by less than a float does
    at, jumps = floats(expected), list(expected.values())
    agree(got["knots"], at, why="knots", ulps=2, scale=np.abs(at))
    first = slope_at_the_left(case["w"], case["v"]) + sum(jump for t, jump in everywhere.items() if t < -FAR)
    slopes = floats(first + sum(jumps[:k]) for k in range(len(jumps) + 1))
    scale = float(np.abs(case["v"]) @ np.abs(case["w"]))
    agree(got["slopes"], slopes, why="slopes", ulps=2 + 2 * len(case["w"]), scale=scale)
    for anchor_x in (case["anchor_x"], 0.0):
        height = float(network([anchor_x], *(case[name] for name in THETA))[0])
        there = as_function(impl, case | {"anchor_x": anchor_x})
        identical(there["anchor_x"], anchor_x, why="where the anchor is")
        scale = float(size(case, np.array([anchor_x]))[0])
        agree(there["anchor_y"], height, why=f"h({anchor_x:g})", ulps=4 + len(case["w"]), scale=scale)
    by_itself = impl.as_spline(*(case[name] for name in THETA))
    identical(np.asarray(by_itself[2], float), 0.0, why="by default the anchor is at 0")


# --- contracts ---------------------------------------------------------------------------------------------------------
def _golden(function, case, note, digits=12, **outputs):
    return Golden(function, case, outputs, digits, note)


def _norm(slopes, norm, note, function="function_norm"):
    return _golden(function, {"slopes": np.array(slopes, float)}, note, norm=float(norm))


_BENT = spline([-1, 0, 2], [1, -1, 1, -1], 1, 2, x=[-3, -1, 0, 1, 2, 4])
FUNCTION_CONTRACTS = (
    Contract(
        "spline_value",
        ("x", *SPLINE),
        ("f",),
        SPLINES,
        "A piecewise-linear function, given by knots (K,), slopes (K + 1,) and one point of its graph, at points (M,).",
        laws=(a_walk_from_the_anchor, any_point_is_an_anchor, seen_in_a_mirror),
        planted=bugs_of("spline_value"),
        golden=(_golden("spline_value", _BENT, "a zigzag through (1, 2)", f=[0.0, 2.0, 1.0, 2.0, 3.0, 1.0]),),
    ),
    Contract(
        "function_norm",
        ("slopes",),
        ("norm",),
        SPLINES,
        "The least cost of a network with these slopes from left to right.",
        laws=(the_cheapest_network, scaled_and_turned, triangle_inequality),
        planted=bugs_of("function_norm"),
        golden=(
            _norm([-1, 1], 2, "|x|"),
            _norm([0, 1], 1, "[x]_+"),
            _norm([1], 2, "x: a line needs two units"),
            _norm([0, 1, -1, 0], 4, "the tent on [-1, 1]"),
            _norm([1, -1, 1, -1], 6, "a zigzag"),
            _norm([1, 3, 5], 6, "through 0, 1, 4, 9 straight on"),
            _norm([1, 5], 6, "through 0, 1, 4, 9 by two pieces"),
            _norm([0, 1, 3, 5], 5, "the same, the left ray bent by 1"),
            _norm([0, 1, 5], 5, "two pieces, the left ray bent by 1"),
        ),
    ),
    Contract(
        "function_norm_with_skip",
        ("slopes",),
        ("norm",),
        SPLINES,
        "The total change of slope: the least cost where a line costs nothing.",
        laws=(the_cheapest_rest,),
        planted=bugs_of("function_norm_with_skip"),
        golden=(
            _norm([1], 0, "x is the skip connection's own", "function_norm_with_skip"),
            _norm([3, 2, 4.5], 3.5, "1 + 2.5", "function_norm_with_skip"),
        ),
    ),
    Contract(
        "attaining_network",
        SPLINE,
        THETA,
        SPLINES,
        "A network of at most 2K + 2 balanced units that computes f at the least cost.",
        laws=(it_computes_the_function, at_the_least_cost, it_bends_where_f_bends),
        planted=bugs_of("attaining_network"),
        golden=(
            _golden(
                "attaining_network",
                spline([0], [-1, 1]),
                "|x|: one unit to each side",
                w=[1.0, -1.0],
                b=[0.0, 0.0],
                v=[1.0, 1.0],
                b0=0.0,
            ),
            _golden(
                "attaining_network",
                spline([], [1]),
                "x: e = 1, [x]_+ - [-x]_+",
                w=[1.0, -1.0],
                b=[0.0, 0.0],
                v=[1.0, -1.0],
                b0=0.0,
            ),
        ),
    ),
    Contract(
        "as_spline",
        (*THETA, "anchor_x"),
        SPLINE,
        DECAYED,
        "The function of a network as knots, slopes, and its value at anchor_x.",
        laws=(the_same_values, bends_of_the_network),
        planted=bugs_of("as_spline"),
        golden=(
            _golden(
                "as_spline",
                units([1, -1, 2, 0], [0, 0, -2, 3], [1, 1, -0.5, 2], 0.25, anchor_x=2),
                "|x|, a unit that bends it back at 1, and a constant",
                knots=[0.0, 1.0],
                slopes=[-1.0, 1.0, 0.0],
                anchor_x=2.0,
                anchor_y=7.25,
            ),
        ),
        exact=("w", "b"),
    ),
)
