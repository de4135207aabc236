"""The laws of the directions to which training goes, by the tail of the loss."""

from __future__ import annotations

import math

import numpy as np

from minidl.laws.core import Case, Cases, Contract, agree, holds, identical, law
from minidl.laws.margin_convergence.cases import (
    DATA,
    NACSON,
    ONE,
    PAIR,
    SINGLE,
    TRIPLE,
    WORKED,
    left_to_itself,
    planted_cases,
    rotation,
    separable_rows,
    worked,
)
from minidl.laws.margin_convergence.clocks import LONG
from minidl.laws.margin_convergence.cone import answer
from minidl.laws.margin_convergence.offsets import ULPS, named, spread
from minidl.laws.margin_convergence.planted import bugs_of


# --- directions --------------------------------------------------------------------------------------------------------
def _powers(name: str, z: np.ndarray) -> dict[str, Case]:
    return {f"{name}_{p:g}".replace(".", "_"): {"z": z, "p": p} for p in (0.5, 1.0, 2.0, 8.0, 64.0)}


def _drawn_powers():
    from hypothesis import strategies as st

    return st.builds(
        lambda seed, n, d, p: {"z": separable_rows(np.random.default_rng(seed), n, d), "p": p},
        st.integers(0, 9999),
        st.integers(1, 6),
        st.integers(1, 4),
        st.sampled_from([0.25, 1.0, 2.0, 5.0, 20.0]),
    )


POWERS = Cases(
    named={
        key: case
        for name, z in {"worked": WORKED, "pair": PAIR, "single_support": SINGLE, "narrow": DATA["narrow"]["z"]}.items()
        for key, case in _powers(name, z).items()
    }
    | {
        name: {"z": DATA[name]["z"], "p": 2.0}
        for name in ("one_point", "triple", "line", "wide", "crowd", "tiny", "huge")
    },
    generated=_drawn_powers,
)


def _stationary(z: np.ndarray, v: np.ndarray, p: float, ulps: float, why: str) -> None:
    """v is of norm 1, has positive margins, and is along the sum of z_n / u_n^(p + 1) with its own margins u."""
    rows, along = z.astype(LONG), v.astype(LONG)
    u = rows @ along
    holds(bool((u > 0).all()), why=f"{why}: all margins are positive", got=np.asarray(u, np.float64))
    agree(float((along**2).sum()), 1.0, why=f"{why}: |v|^2", ulps=4.0 + 2 * len(v))
    weights = (u / u.min()) ** -(LONG(p) + 1)
    pull = weights @ rows
    # by Euler's identity, pull . v = sum u^-p, which gives the multiplier of the constraint
    expected = pull / (weights @ u)
    # a relative error of u is (p + 1) times as large in its weight; margins cancel by the longest row over the least margin
    kappa = float(np.sqrt((rows**2).sum(axis=1).max()) / u.min())
    size = (p + 2) * kappa * float((weights @ np.abs(rows)).max() / (weights @ u))
    agree(v, expected.astype(np.float64), why=f"{why}: v and its pull", ulps=ulps, scale=size)


@law(
    cases=POWERS,
    needs=("polynomial_direction",),
    grade="numerical",
    equation=r"v_p \propto \sum_n (z_n \cdot v_p)^{-p-1} z_n",
    source=NACSON,
)
def stationary_on_the_sphere(impl, case):
    """The gradient of the sum of (z.v)^-p is along v: on the sphere this convex problem has no other such point."""
    v = np.asarray(impl.polynomial_direction(case["z"], case["p"]))
    _stationary(case["z"], v, case["p"], 4 * ULPS * sum(case["z"].shape), "v_p")


@law(
    cases=Cases(
        named={
            f"{name}_{p:g}".replace(".", "_"): {"z": z, "p": p}
            for name, z in {
                "pair": PAIR,
                "triple": TRIPLE,
                "diagonal": np.diag([1.0, 2.0, 5.0, 0.25]),
                "one": ONE,
            }.items()
            for p in (0.5, 1.0, 2.0, 8.0, 64.0)
        }
    ),
    needs=("polynomial_direction",),
    grade="numerical",
    equation=r"Z = \mathrm{diag}(a) \Rightarrow v_i \propto a_i^{-p / (p + 2)}",
    source="closed form",
)
def orthogonal_rows_by_a_power(impl, case):
    """For orthogonal rows the part of each is its length to the power -p / (p + 2): -1 would be the maximum margin."""
    z, p = case["z"].astype(LONG), LONG(case["p"])
    lengths = np.sqrt((z**2).sum(axis=1))
    v = lengths ** (-p / (p + 2) - 1) @ z
    v = v / np.sqrt((v**2).sum())
    got = np.asarray(impl.polynomial_direction(case["z"], case["p"]))
    agree(got, v.astype(np.float64), why="v_p", ulps=4 * ULPS * sum(z.shape), scale=1.0)


@law(
    cases=Cases(
        named={name: POWERS.named[f"{name}_{p}"] for name in ("worked", "pair", "single_support") for p in (1, 8)}
    ),
    needs=("polynomial_direction",),
    grade="numerical",
    equation=r"v_p = \arg\min_{\|v\| = 1} \sum_n (z_n \cdot v)^{-p}",
    source="bisection",
)
def best_angle_in_the_plane(impl, case):
    """In the plane, the angle at which the sum of (z.v)^-p stops falling, by bisection in long double."""
    z, p = case["z"].astype(LONG), LONG(case["p"])
    low, high = LONG(-np.pi), LONG(np.pi)
    for row in z:  # directions with positive margins only: all rows lie within a right angle of them
        at = np.arctan2(row[1], row[0])
        low, high = max(low, at - LONG(np.pi) / 2), min(high, at + LONG(np.pi) / 2)
    for _ in range(70):
        middle = (low + high) / 2
        v, across = np.array([np.cos(middle), np.sin(middle)]), np.array([-np.sin(middle), np.cos(middle)])
        u = z @ v
        rises = -((u / u.min()) ** (-p - 1) @ (z @ across)) > 0
        low, high = (low, middle) if rises else (middle, high)
    got = np.asarray(impl.polynomial_direction(case["z"], case["p"]))
    expected = np.array([np.cos(low), np.sin(low)], np.float64)
    agree(got, expected, why="v_p", ulps=4 * ULPS * sum(z.shape) * (case["p"] + 1), scale=1.0)


def _invariant(function: str, cases: Cases, powers: bool):
    def directions_have_no_unit(impl, case):
        """Rows times c, or all of them twice, keep the direction; other coordinates turn it."""

        def take(z: np.ndarray) -> np.ndarray:
            more = (case["p"],) if powers else (case["tail"], case["power"])
            return np.asarray(getattr(impl, function)(z, *more))

        z, got = case["z"], take(case["z"])
        u = z @ got
        kappa = float(np.sqrt((z**2).sum(axis=1).max()) / u.min())
        ulps = 4 * ULPS * sum(z.shape) * (2 + (case["p"] if powers else case["power"])) * kappa
        q = rotation(9, z.shape[1])
        agree(take(z * 2.0**-20), got, why="small rows", ulps=ulps, scale=kappa)
        agree(take(z @ q.T), q @ got, why="other coordinates", ulps=ulps, scale=kappa)
        agree(take(np.concatenate([z, z[::-1]])), got, why="all rows twice", ulps=2 * ulps, scale=kappa)

    return law(
        cases=cases,
        needs=(function,),
        grade="numerical",
        equation=r"v(c Z) = v(Z, Z) = v(Z), \quad v(Z Q^\top) = Q v(Z)",
        source="invariance",
    )(directions_have_no_unit)


def _directed() -> dict[str, Case]:
    kinds = {
        "super": ("exponential", 1.0),
        "logistic": ("logistic", 1.0),
        "fast": ("poly_exponential", 2.0),
        "polynomial": ("polynomial", 2.0),
        "polynomial_1": ("polynomial", 1.0),
        "sub": ("sub_polynomial", 1.0),
    }
    return {
        f"{name}_{word}": DATA[name] | {"tail": kind[0], "power": kind[1]}
        for name in ("worked", "pair", "single_support", "triple", "wide", "narrow", "line")
        for word, kind in kinds.items()
        if name in ("worked", "triple") or word in ("super", "sub", "polynomial_1")
    }


def _drawn_directed():
    from hypothesis import strategies as st

    kinds = [
        ("exponential", 1.0),
        ("poly_exponential", 0.5),
        ("polynomial", 1.0),
        ("polynomial", 3.0),
        ("sub_polynomial", 1.0),
    ]
    return st.builds(
        lambda case, kind: case | {"tail": kind[0], "power": kind[1]}, planted_cases(), st.sampled_from(kinds)
    )


DIRECTED = Cases(named=_directed(), generated=_drawn_directed)


@law(
    cases=DIRECTED,
    needs=("limit_direction",),
    grade="numerical",
    equation=r"\hat w / \|\hat w\|, \quad \arg\min \sum_n (z_n \cdot v)^{-p}, \quad \arg\max \sum_n \log z_n \cdot v",
    source=NACSON,
)
def direction_by_the_tail(impl, case):
    """The planted maximum margin; a stationary point of the powers; or, as the power goes to 0, one of the logarithms."""
    z, known = case["z"], answer(case)
    v = np.asarray(impl.limit_direction(z, case["tail"], case["power"]))
    ulps = 4 * ULPS * sum(z.shape)
    if case["tail"] in ("polynomial", "sub_polynomial"):
        _stationary(z, v, case["power"] if case["tail"] == "polynomial" else 0.0, ulps, case["tail"])
    else:
        expected = (known.w * known.margin).astype(np.float64)
        agree(v, expected, why="the direction", ulps=ulps, scale=spread(case))


@law(
    cases=Cases(named={name: DATA[name] for name in ("worked", "pair", "single_support")}),
    needs=("limit_direction", "log_time_flow"),
    grade="numerical",
    equation=r"w(t) / \|w(t)\| \to v, \quad \|w(t) / \|w(t)\| - v\| = O(1 / \log t) \text{ or } O(t^{-\epsilon})",
    source=NACSON,
)
def the_flow_goes_there(impl, case):
    """The flow's direction at t = e^120 is the limit, to ten digits by a polynomial tail and to 1 / log t by the others."""
    z = case["z"]
    begin = 4 * np.asarray(answer(case).w, np.float64)  # beyond every switch point
    for tail, power, allowed in (
        ("exponential", 1.0, 6 / 120),
        ("polynomial", 1.0, 1e-10),
        ("sub_polynomial", 1.0, 6 / 60),
    ):
        w = np.asarray(impl.log_time_flow(z, begin, np.array([120.0]), tail, power))[0]
        v = np.asarray(impl.limit_direction(z, tail, power))
        apart = float(np.linalg.norm(w / np.linalg.norm(w) - v))
        holds(apart < allowed, why=f"the {tail} flow's direction", expected=allowed, got=apart)


@law(cases=DIRECTED, needs=("limit_direction",), grade="exact", source="convention")
def direction_by_default(impl, case):
    """Left out, the tail is exponential and the power 1."""
    direction, z = impl.limit_direction, case["z"]
    identical(np.asarray(left_to_itself(direction, z)), np.asarray(direction(z, "exponential", 1.0)), why="no tail")
    got = np.asarray(left_to_itself(direction, z, "polynomial"))
    identical(got, np.asarray(direction(z, "polynomial", 1.0)), why="no power")


# --- contracts ---------------------------------------------------------------------------------------------------------
_RATIOS = {1.0: 1.2599210499, 2.0: 1.4142135624, 8.0: 1.7411011266, 64.0: 1.9584291945}


def _ratio(p: float, ratio: float):
    """The printed ratio v1 / v2 to ten digits, as the direction of norm 1 that has it."""
    v = np.array([ratio, 1.0]) / math.hypot(ratio, 1.0)
    return worked("polynomial_direction", {"z": PAIR, "p": p}, 9, f"diag(1, 2): a ratio of {ratio}, not 2", v=v)


DIRECTION_CONTRACTS = (
    Contract(
        "polynomial_direction",
        ("z", "p"),
        ("v",),
        named(POWERS),
        "The direction of least sum of (z.v)^-p, to which training with a polynomial tail goes.",
        laws=(
            stationary_on_the_sphere,
            orthogonal_rows_by_a_power,
            best_angle_in_the_plane,
            _invariant("polynomial_direction", POWERS, True),
        ),
        planted=bugs_of("polynomial_direction"),
        golden=tuple(_ratio(p, ratio) for p, ratio in _RATIOS.items()),
    ),
    Contract(
        "limit_direction",
        ("z", "tail", "power"),
        ("v",),
        named(DIRECTED),
        "The direction to which training with this tail goes.",
        laws=(
            direction_by_the_tail,
            _invariant("limit_direction", DIRECTED, False),
            direction_by_default,
            the_flow_goes_there,
        ),
        planted=bugs_of("limit_direction"),
        golden=(
            worked("limit_direction", {"z": PAIR, "tail": "sub_polynomial", "power": 1.0}, 14,
                   "diag(1, 2): both parts alike", v=[0.5**0.5, 0.5**0.5]),
        ),
    ),
)  # fmt: skip
