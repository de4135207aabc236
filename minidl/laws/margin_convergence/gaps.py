"""The laws of how far weights are from the maximum margin: angle, distance of directions, margin gap."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.laws.core import Case, Cases, Contract, agree, holds, law
from minidl.laws.margin_convergence.cases import DATA, NACSON, PAIR, SINGLE, SOUDRY, WORKED, rotation, worked
from minidl.laws.margin_convergence.clocks import LONG
from minidl.laws.margin_convergence.cone import answer
from minidl.laws.margin_convergence.planted import bugs_of
from minidl.laws.margin_convergence.tables import FLOWS, GROWN, decimals

ULPS = 8  # per dimension: two norms, a product, a difference


# --- cases -------------------------------------------------------------------------------------------------------------
def _apart(d: int, seed: int, exponents: Any) -> Case:
    """Vectors at small and large angles from b: b and something across, by powers of two."""
    rng = np.random.default_rng(seed)
    b = np.round(rng.normal(size=d), 2) + 0.01
    across = np.round(rng.normal(size=d), 2)
    return {"a": np.array([b * 3 + across * 2.0**e for e in exponents]), "b": b}


def _drawn():
    from hypothesis import strategies as st

    return st.builds(
        _apart,
        st.integers(2, 5),
        st.integers(0, 9999),
        st.lists(st.integers(-60, 60), min_size=1, max_size=4),
    )


PAIRS = Cases(
    named={
        "right_angles": {"a": np.array([[0.0, 2.0, 0.0], [0.0, -3.0, 4.0]]), "b": np.array([5.0, 0.0, 0.0])},
        "same_and_opposite": {"a": np.array([[2.0, 4.0], [-1.0, -2.0]]), "b": np.array([1.0, 2.0])},
        "small_angles": _apart(3, 1, [-20, -27, -30, -40, -60]),
        "large_angles": _apart(4, 2, [0, 3, 10]),
        "nearly_opposite": {"a": -_apart(3, 3, [-10, -25, -29])["a"], "b": _apart(3, 3, [0])["b"]},
        "far_apart_sizes": {"a": np.array([[3e200, 4e200], [3e-200, -4e-200]]), "b": np.array([1e-180, 1e-180])},
        "one_vector": {"a": np.array([1.0, 2.0, 3.0]), "b": np.array([3.0, -1.0, 2.0])},
        "lines": {"a": np.array([[2.0], [-3.0]]), "b": np.array([0.5])},
        "boxes": {"a": _apart(3, 4, [-3, -1, 0, 1, 2, 9])["a"].reshape(2, 3, 3), "b": _apart(3, 4, [0])["b"]},
    },
    generated=_drawn,
    notes={
        "small_angles": "the arc cosine of 1 - angle^2 / 2 has lost half of the digits",
        "nearly_opposite": "so it has near pi",
        "far_apart_sizes": "squares overflow or underflow",
    },
)


def _as_weights(case: Case) -> Case:
    return {"w": case["a"], "w_hat": case["b"]}


WEIGHTS = Cases(
    named={name: _as_weights(case) for name, case in PAIRS.named.items()},
    generated=lambda: _drawn().map(_as_weights),
    notes=PAIRS.notes,
)


def angles(a: Any, b: Any) -> np.ndarray:
    """By Lagrange's identity: the sine is the root of the sum of all squared 2 x 2 minors. Long double. (...)"""
    a, b = (np.asarray(part, LONG) for part in (a, b))
    a, b = a / np.abs(a).max(axis=-1, keepdims=True), b / np.abs(b).max()
    minors = a[..., :, None] * b - a[..., None, :] * b[:, None]  # each one twice
    return np.arctan2(np.sqrt((minors**2).sum(axis=(-1, -2)) / 2), (a * b).sum(axis=-1))


def _number(value: Any) -> Any:
    return np.asarray(value, np.float64)[()]


# --- the angle ---------------------------------------------------------------------------------------------------------
@law(
    cases=PAIRS,
    needs=("angle",),
    grade="numerical",
    equation=r"\|a\|^2 \|b\|^2 - (a \cdot b)^2 = \sum_{i < j} (a_i b_j - a_j b_i)^2",
    source="Lagrange",
)
def angle_by_minors(impl, case):
    """The sine by the 2 x 2 minors of both vectors in long double: an angle is good to eps, however small it is."""
    expected = _number(angles(case["a"], case["b"]))
    agree(impl.angle(case["a"], case["b"]), expected, why="the angle", ulps=ULPS * len(case["b"]), scale=1.0)


@law(
    cases=PAIRS,
    needs=("angle",),
    grade="numerical",
    equation=r"\angle(-a, b) = \pi - \angle(a, b), \quad \angle(c a, b) = \angle(Q a, Q b) = \angle(a, b)",
    source="invariance",
)
def angles_of_other_vectors(impl, case):
    """The negative makes up to pi; lengths and coordinates are nothing to an angle."""
    a, b = case["a"], case["b"]
    got = np.asarray(impl.angle(a, b))
    ulps = ULPS * len(b)
    agree(np.asarray(impl.angle(-a, b)), np.pi - got, why="of the negative", ulps=ulps, scale=np.pi)
    agree(np.asarray(impl.angle(a, 0.125 * b)), got, why="of a shorter b", ulps=ulps, scale=1.0)
    agree(np.asarray(impl.angle(1024 * a, b)), got, why="of a longer a", ulps=ulps, scale=1.0)
    q = rotation(2, len(b))
    agree(np.asarray(impl.angle(a @ q.T, q @ b)), got, why="in other coordinates", ulps=4 * ulps, scale=1.0)
    if a.ndim == 1:
        agree(np.asarray(impl.angle(b, a)), got, why="with a and b exchanged", ulps=ulps, scale=1.0)


@law(
    cases=Cases(named={"circle": {"k": np.arange(0, 33)}}),
    needs=("angle",),
    grade="numerical",
    equation=r"\angle((\cos x, \sin x), (1, 0)) = x",
    source="definition",
)
def around_the_circle(impl, case):
    """Points on the circle between 0 and pi, and on its lower half, are at their own angle from its first axis."""
    x = np.pi * case["k"] / 32
    for sign in (1.0, -1.0):
        a = np.stack([np.cos(x), sign * np.sin(x)], axis=1)
        agree(np.asarray(impl.angle(a, np.array([1.0, 0.0]))), x, why="angles on the circle", ulps=8, scale=np.pi)


# --- the distance of directions ----------------------------------------------------------------------------------------
@law(
    cases=WEIGHTS,
    needs=("direction_gap",),
    grade="numerical",
    equation=r"\| a / \|a\| - b / \|b\| \| = 2 \sin(\angle(a, b) / 2)",
    source="chord",
)
def chord_of_the_angle(impl, case):
    """Directions are as far apart as the chord of their angle is long."""
    expected = _number(2 * np.sin(angles(case["w"], case["w_hat"]) / 2))
    agree(
        impl.direction_gap(case["w"], case["w_hat"]),
        expected,
        why="the distance",
        ulps=ULPS * len(case["w_hat"]),
        scale=1.0,
    )


@law(
    cases=WEIGHTS,
    needs=("direction_gap",),
    grade="numerical",
    equation=r"\|a - b\|^2 + \|a + b\|^2 = 4",
    source="parallelogram",
)
def distances_to_a_direction_and_its_opposite(impl, case):
    """The squares of the distances to a direction and to its opposite add up to 4; lengths do not count."""
    a, b = case["w"], case["w_hat"]
    one, other = (np.asarray(impl.direction_gap(a, side)) for side in (b, -b))
    agree(one**2 + other**2, np.full(one.shape, 4.0)[()], why="the sum of squares", ulps=4 * ULPS * len(b))
    longer = np.asarray(impl.direction_gap(64 * a, b / 1024))
    agree(longer, one, why="the distance, other lengths", ulps=ULPS * len(b), scale=1.0)


# --- the margin gap ----------------------------------------------------------------------------------------------------
def _gap_case(name: str, seed: int, far: bool = True) -> Case:
    z, known = DATA[name]["z"], answer(DATA[name])
    rng = np.random.default_rng(seed)
    w, d = np.asarray(known.w, np.float64), z.shape[1]
    near = [w * 2.0**k + rng.normal(size=d) * np.abs(w).max() * 2.0 ** (k - 10 * k) for k in range(1, 5)]
    return {"z": z, "w": np.array([*near, rng.normal(size=d)] if far else near), "margin": float(known.margin)}


def _drawn_gaps():
    from hypothesis import strategies as st

    from minidl.laws.margin_convergence.cases import planted_cases

    def one(case: Case, seed: int) -> Case:
        w = np.random.default_rng(seed).normal(size=(3, case["z"].shape[1]))
        return {"z": case["z"], "w": np.round(w, 3) + 0.0005, "margin": float(answer(case).margin)}

    return st.builds(one, planted_cases(), st.integers(0, 9999))


GAPS = Cases(
    named={name: _gap_case(name, 1) for name in DATA}
    | {
        "one_w": {"z": WORKED, "w": np.array([1.0, 1.0]), "margin": float(answer(DATA["worked"]).margin)},
        "boxes": {"z": PAIR, "w": np.arange(1.0, 13.0).reshape(3, 2, 2), "margin": float(answer(DATA["pair"]).margin)},
    },
    generated=_drawn_gaps,
)


def _gap(impl, case, **changed):
    case = case | changed
    return np.asarray(impl.margin_gap(case["z"], case["w"], case["margin"]))


def _slack(case: Case) -> tuple[float, float]:
    """ulps and scale: margins are rounded at the longest row's length."""
    z = case["z"]
    return ULPS * z.shape[1], float(np.sqrt((z**2).sum(axis=1).max()))


@law(
    cases=GAPS,
    needs=("margin_gap",),
    grade="numerical",
    equation=r"\gamma - \min_n \|z_n\| \cos \angle(z_n, w)",
    source=NACSON,
)
def margins_are_cosines(impl, case):
    """A row's margin in a direction is its length times the cosine of their angle; the smallest one is missing to gamma."""
    lengths = np.sqrt((case["z"].astype(LONG) ** 2).sum(axis=1))
    margins = [lengths[n] * np.cos(angles(case["w"], row)) for n, row in enumerate(case["z"])]
    expected = _number(LONG(case["margin"]) - np.min(margins, axis=0))
    ulps, scale = _slack(case)
    agree(_gap(impl, case)[()], expected, why="the margin gap", ulps=ulps, scale=scale)


@law(
    cases=GAPS,
    needs=("margin_gap",),
    grade="numerical",
    equation=r"g(c w) = g(w), \quad g(Z Q^\top, Q w) = g(w), \quad g(c Z, c \gamma) = c g(Z, \gamma)",
    source="invariance",
)
def gaps_in_other_units(impl, case):
    """The length of w does not count, nor do coordinates; rows and margin times c give c times the gap."""
    got = _gap(impl, case)
    ulps, scale = _slack(case)
    agree(_gap(impl, case, w=case["w"] * 2.0**-30), got, why="a shorter w", ulps=ulps, scale=scale)
    z, q = case["z"], rotation(4, case["z"].shape[1])
    agree(_gap(impl, case, z=z @ q.T, w=case["w"] @ q.T), got, why="other coordinates", ulps=4 * ulps, scale=scale)
    tripled = _gap(impl, case, z=3 * z, margin=3 * case["margin"])
    agree(tripled, 3 * got, why="rows times three", ulps=2 * ulps, scale=3 * scale)


@law(cases=GAPS, needs=("margin_gap",), grade="numerical", equation=r"g(w) \ge 0 = g(\hat w)", source=SOUDRY)
def no_direction_beats_the_maximum(impl, case):
    """No gap is negative but for rounding; twice the margin asked for is once the margin more."""
    ulps, scale = _slack(case)
    got = _gap(impl, case)
    holds(bool((got >= -ulps * np.finfo(float).eps * scale).all()), why="no gap is negative", got=got)
    more = _gap(impl, case, margin=2 * case["margin"])
    agree(
        more - got,
        np.full(got.shape, case["margin"]),
        why="twice the margin",
        ulps=ulps,
        scale=scale + 2 * case["margin"],
    )


@law(
    cases=Cases(named=DATA),
    needs=("margin_gap", "direction_gap", "angle"),
    grade="numerical",
    equation=r"g(\hat w) = 0, \quad \angle(\hat w, \hat w) = 0",
    source="definition",
)
def nothing_is_missing_at_the_maximum(impl, case):
    """At the maximum-margin vector itself, of any length, all three measures are 0 but for rounding."""
    z, w, margin = case["z"], np.asarray(answer(case).w, np.float64), float(answer(case).margin)
    ulps, scale = ULPS * len(w), float(np.sqrt((z**2).sum(axis=1).max()))
    agree(np.asarray(impl.margin_gap(z, 5 * w, margin)), 0.0, why="the margin gap", ulps=ulps, scale=scale)
    agree(np.asarray(impl.direction_gap(5 * w, w)), 0.0, why="the distance", ulps=ulps, scale=1.0)
    agree(np.asarray(impl.angle(5 * w, w)), 0.0, why="the angle", ulps=ulps, scale=1.0)


# --- contracts ---------------------------------------------------------------------------------------------------------
_HATS = {"worked": np.array([3 / 7, 2 / 7]), "pair": np.array([1.0, 0.5])}
_ANGLES = tuple(
    worked(
        "angle",
        {"a": row.w, "b": _HATS[row.data]},
        decimals(row.angle),
        f"{row.data} at t = {row.time}",
        angle=float(row.angle),
    )
    for row in FLOWS
    if row.angle is not None
)
_MARGIN_GAPS = tuple(
    worked(
        "margin_gap",
        {"z": row.z, "w": row.w, "margin": float(answer(DATA[row.data]).margin / LONG(row.unit))},
        decimals(row.gap),
        f"{row.data}, {row.time}",
        gap=float(row.gap),
    )
    for row in (*FLOWS, *GROWN)
    if row.gap is not None
)

GAP_CONTRACTS = (
    Contract(
        "angle",
        ("a", "b"),
        ("angle",),
        PAIRS,
        "The angle between vectors a (d,) or (..., d) and b (d,), in radians.",
        laws=(angle_by_minors, angles_of_other_vectors, around_the_circle),
        planted=bugs_of("angle"),
        golden=_ANGLES,
        terms=lambda case: 1.0,
    ),
    Contract(
        "direction_gap",
        ("w", "w_hat"),
        ("gap",),
        WEIGHTS,
        "The distance of the directions of w (d,) or (..., d) and w_hat (d,).",
        laws=(chord_of_the_angle, distances_to_a_direction_and_its_opposite),
        planted=bugs_of("direction_gap"),
        golden=(
            worked(
                "direction_gap",
                {"w": np.array([3.0, 0.0]), "w_hat": np.array([0.0, 0.5])},
                14,
                "right angles",
                gap=2**0.5,
            ),
        ),
        terms=lambda case: 1.0,
    ),
    Contract(
        "margin_gap",
        ("z", "w", "margin"),
        ("gap",),
        GAPS,
        "The margin less the smallest product of a row with the direction of w (d,) or (..., d).",
        laws=(
            margins_are_cosines,
            gaps_in_other_units,
            no_direction_beats_the_maximum,
            nothing_is_missing_at_the_maximum,
        ),
        planted=bugs_of("margin_gap"),
        golden=(
            *_MARGIN_GAPS,
            worked("margin_gap", {"z": SINGLE, "w": np.array([1.0, 2.0]), "margin": 5**0.5}, 14, "the answer", gap=0.0),
        ),
        terms=lambda case: float(np.sqrt((case["z"] ** 2).sum(axis=1).max())),
    ),
)
