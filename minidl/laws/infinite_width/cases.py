"""Cases: networks, piecewise-linear functions and data. Generated numbers are quarters, so that places coincide exactly."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.laws.core import Case, Cases

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

PAPER = "Savarese, Evron, Soudry, Srebro 2019"
EPS = float(np.finfo(np.float64).eps)
PROBES = np.linspace(-5, 5, 41)  # (41,) quarters


def seeded(fill: Callable[..., Case], *more: Callable[[], Any]) -> Callable[[], SearchStrategy[Case]]:
    """Cases that a seeded generator fills; `more` gives strategies for further arguments."""

    def generated():
        from hypothesis import strategies as st

        return st.builds(
            lambda seed, *rest: fill(np.random.default_rng(seed), *rest),
            st.integers(0, 99_999),
            *(strategy() for strategy in more),
        )

    return generated


def integers(low: int, high: int) -> Callable[[], Any]:
    def strategy():
        from hypothesis import strategies as st

        return st.integers(low, high)

    return strategy


def quarters(rng: np.random.Generator, n: int, reach: int = 8) -> np.ndarray:
    return rng.integers(-reach, reach + 1, n) / 4


# --- networks ----------------------------------------------------------------------------------------------------------
def units(
    w: Any, b: Any, v: Any, b0: float = 0.0, x: Any = (-2.0, -0.5, 0.0, 0.5, 3.0), anchor_x: float = 0.75
) -> Case:
    arrays = {name: np.array(value, float) for name, value in (("x", x), ("w", w), ("b", b), ("v", v))}
    return arrays | {"b0": float(b0), "anchor_x": float(anchor_x)}


def drawn_units(rng: np.random.Generator, k: int) -> Case:
    """Units of which some are constant, some idle, and some bend at the same place."""
    w, b, v = quarters(rng, k), quarters(rng, k), quarters(rng, k)
    if k > 2 and rng.random() < 0.5:
        w[1], b[1] = -2 * w[0], -2 * b[0]
    return units(w, b, v, quarters(rng, 1)[0], quarters(rng, 5, 16), quarters(rng, 1, 16)[0])


def plain(rng: np.random.Generator, k: int) -> Case:
    """Units in general position."""
    return units(rng.normal(size=k), rng.normal(size=k), rng.normal(size=k), rng.normal(), rng.normal(size=5))


UNITS = Cases(
    named={
        "positive_part": units([1], [0], [1]),
        "absolute_value": units([1, -1], [0, 0], [1, 1]),
        "line": units([1, -1], [0, 0], [1, -1], 0.5),
        "tent": units([1, -1, 1, -1], [1, 1, 0, 0], [1, 1, -1, -1], -1),
        "hat": units([2, 0.5, 1], [2, 0, -1], [0.5, -4, 1], 0.25),
        "unbalanced": units([0.125, -8, 3], [1, 2, -3], [4, 0.5, -0.25], 1),
        "constant_unit": units([0, 0, 1], [2, -3, 1], [1.5, 5, -2], 0.75),
        "idle_unit": units([1, 2], [3, -1], [0, -1.5], -0.25),
        "one_place": units([1, -2, 4], [-1, 2, -4], [2, 0.5, -0.25]),
        "cancelled": units([1, 2, 1], [1, 2, -1], [2, -1, 3], 1),
        "no_unit": units([], [], [], -1.5),
        "general": plain(np.random.default_rng(3), 6),
        "wide": plain(np.random.default_rng(4), 40),
    },
    generated=seeded(drawn_units, integers(1, 6)),
    notes={
        "constant_unit": "w = 0: its bend would be at infinity",
        "idle_unit": "v = 0: nothing to balance",
        "cancelled": "two units at -1 whose bends cancel",
        "one_place": "three units bend at 1, from both sides",
    },
)


# --- piecewise-linear functions ----------------------------------------------------------------------------------------
def spline(knots: Any, slopes: Any, anchor_x: float = 0.0, anchor_y: float = 0.0, x: Any = PROBES) -> Case:
    arrays = {name: np.array(value, float) for name, value in (("x", x), ("knots", knots), ("slopes", slopes))}
    return arrays | {"anchor_x": float(anchor_x), "anchor_y": float(anchor_y)}


def drawn_spline(rng: np.random.Generator, K: int) -> Case:
    knots = np.sort(rng.choice(np.arange(-16, 17), K, replace=False)) / 4
    return spline(knots, quarters(rng, K + 1, 12), *quarters(rng, 2, 16), quarters(rng, 7, 24))


SPLINES = Cases(
    named={
        "positive_part": spline([0], [0, 1]),
        "negative_part": spline([0], [-1, 0]),
        "absolute_value": spline([0], [-1, 1]),
        "line": spline([], [1]),
        "falling_line": spline([], [-2], 1, 3),
        "constant": spline([], [0], 0.5, -1.25),
        "tent": spline([-1, 0, 1], [0, 1, -1, 0], 0, 1),
        "zigzag": spline([-1, 0, 2], [1, -1, 1, -1], 1, 2),
        "steep": spline([-1, 0.5], [2, 3, 2.5], 4, -1),
        "steep_down": spline([-1, 0.5], [-2, -3, -2.5], -3, 2),
        "bowl": spline([-2, -1, 1, 3], [-3, -1, 0, 0.5, 4], -1, 0.5),
        "no_bend": spline([-1, 1], [1, 1, -1], -1, 2),
        "anchor_left": spline([-1, 0, 1], [0.5, 2, -1, 3], -4, 7),
        "anchor_right": spline([-1, 0, 1], [0.5, 2, -1, 3], 4, 7),
        "thirds": spline(np.array([-4, -1, 2]) / 3, np.array([1, -5, 2, 7]) / 3, 1 / 3, 2 / 3),
    },
    generated=seeded(drawn_spline, integers(0, 5)),
    notes={
        "line": "no knot: the variation is 0, and |s_0 + s_K| counts alone",
        "steep": "|s_0 + s_K| exceeds the variation",
        "no_bend": "a knot without a jump",
    },
)


# --- data --------------------------------------------------------------------------------------------------------------
AT = (-3.0, -0.75, 0.25, 0.5, 1.25, 1.5, 2.75, 5.0)


def data(x: Any, y: Any, left: float = 1.0, decay: float = 0.125, at: Any = AT) -> Case:
    arrays = {name: np.array(value, float) for name, value in (("x", x), ("y", y), ("at", at))}
    return arrays | {"left": float(left), "decay": float(decay)}


def drawn_data(rng: np.random.Generator, N: int) -> Case:
    x = np.sort(rng.choice(np.arange(-10, 11), N, replace=False)) / 4
    y = quarters(rng, N, 12)
    kind = rng.integers(4)
    if kind == 0:
        y = x * quarters(rng, 1)[0] + 0.5  # collinear
    elif kind == 1:
        y = y + 6 * x  # S > V
    return data(x, y, rng.integers(0, 5) / 4, 2.0 ** -rng.integers(0, 7), quarters(rng, 4, 16))


OFFICIAL_X = (
    *(-4.3182398563, -3.6688116116, -2.2203293525, -1.3183513542, -0.7324484428),
    *(0.6042521413, 1.8028279075, 2.7858685115, 3.8935966432, 4.3067601211),
)
OFFICIAL = data(OFFICIAL_X, np.sin(OFFICIAL_X), decay=1e-2)
TENT = data([-1, 0, 1], [0, 1, 0])
TWO = data([0, 1], [0, 1])
SQUARES = data([0, 1, 2, 3], [0, 1, 4, 9])
ZIGZAG = data([0, 1, 2, 3], [0, 2, 1, 4])

SMALL = {
    "one": data([1.5], [-2]),
    "two": TWO,
    "two_shares": data([0, 1], [0, 1], 0.25),
    "falling": data([-1, 2], [3, -3], 0.5),
    "level": data([-1, 2], [0.5, 0.5]),
    "tent": TENT,
    "hook": data([0, 1, 2], [0, 1, 3], 0.75),
    "convex": data([0, 1, 3], [1, 3, 7], 0),
    "squares": SQUARES,
    "squares_down": data([0, 1, 2, 3], [0, -1, -4, -9], 0.5),
    "zigzag": ZIGZAG,
    "bowl": data([-2, -1, 1, 2], [4, 1, 1, 4]),
    "staircase": data([0, 1, 2, 3], [0, 0, 2, 2], 0.25),
    "collinear": data([-1, 0.5, 1, 3], [-2, 1, 2, 6], 0.5),
    "thirds": data(np.array([-4, -1, 1, 5]) / 3, np.array([2, -1, 4, 11]) / 3, 0.125),
    "twice": data([0, 1, 1, 2, 2, 2], [0, 1, 1, 3, 3, 3], 0.25),
}
POINTS = Cases(
    named=SMALL,
    generated=seeded(drawn_data, integers(1, 4)),
    notes={
        "two": "the line costs 2, a single unit 1",
        "hook": "S > V: the rays must be bent",
        "zigzag": "S < V, alternating bends: one optimum only",
        "twice": "points that occur more than once",
        "collinear": "costs half of what the line costs",
    },
)
MANY = Cases(named={**SMALL, "official": OFFICIAL}, generated=POINTS.generated, notes=POINTS.notes)


def scale_of(case: Case) -> float:
    """The size of slopes and of their changes: what norms are sums of, with the rounding of differences of y and x."""
    x, y = np.unique(case["x"]), np.abs(case["y"])
    gap = np.diff(x).min(initial=np.inf)
    return float(y.max() / gap * (1 + np.abs(x).max() / gap))
