"""The laws of balanced products of several factors: how the product moves, and its singular values.

The factors are written out: balanced ones made of the singular values' roots, each moved by its own gradient.
"""

from __future__ import annotations

import numpy as np

from minidl.laws.checks import compare
from minidl.laws.core import Contract, Golden, agree, law
from minidl.laws.kernel_rich import factors as fac
from minidl.laws.kernel_rich.oracle import EPS, long
from minidl.laws.kernel_rich.planted import bugs_of
from minidl.laws.kernel_rich.sources import ARORA

PRODUCTS = fac.products()


def balanced(case):
    """W_1, ..., W_N whose product W_N ... W_1 is the matrix, each with the N-th roots of its singular values."""
    left, sigma, right, depth = long(case["left"]), long(case["sigma"]), long(case["right"]), case["depth"]
    if depth == 1:
        return [(left * sigma) @ right.T]
    root = sigma ** (1 / long(depth))
    return [root[:, None] * right.T, *(np.diag(root) for _ in range(depth - 2)), left * root]


def moved(case):
    """The product's velocity when each factor moves down its own gradient. (p, r) long double"""
    factors, slope = balanced(case), long(case["gradient"])
    p, r = slope.shape
    total = np.zeros((p, r), np.longdouble)
    for j in range(len(factors)):
        after, before = np.eye(p, dtype=np.longdouble), np.eye(r, dtype=np.longdouble)
        for one in reversed(factors[j + 1 :]):
            after = after @ one  # W_N ... W_{j+1}
        for one in factors[:j]:
            before = one @ before  # W_{j-1} ... W_1
        own = -after.T @ slope @ before.T  # down the gradient in W_j
        total += after @ own @ before
    return total


def _ulps(case):
    """Singular values are off by a few ulps of the largest, over their smallest; so are vectors, over the gaps."""
    sigma = case["sigma"]
    apart = min([sigma[-1], *(sigma[:-1] - sigma[1:])])
    n = sum(case["matrix"].shape)
    return (32 + 16 * n + 4 * case["depth"]) * float(sigma[0] / apart)


def _scale(case):
    return case["depth"] * float(np.linalg.norm(case["gradient"])) * max(1.0, float(case["sigma"][0])) ** 2


@law(
    cases=PRODUCTS,
    needs=("product_velocity",),
    grade="numerical",
    equation=r"\dot M = \sum_j W_N \cdots W_{j+1} \dot W_j W_{j-1} \cdots W_1",
    source=ARORA,
)
def product_of_moving_factors(impl, case):
    """The product moves as its balanced factors do, each down its own gradient."""
    got = impl.product_velocity(case["matrix"], case["gradient"], case["depth"])
    agree(np.asarray(got), moved(case).astype(float), why="dM/dt", ulps=_ulps(case), scale=_scale(case))


@law(
    cases=PRODUCTS,
    needs=("product_velocity",),
    grade="numerical",
    equation=r"\dot M(P M Q^\top, P G Q^\top) = P \dot M Q^\top, \quad \dot M(M^\top, G^\top) = \dot M^\top,"
    r" \quad \dot M(c^N M, G) = c^{2N-2} \dot M",
)
def turned_transposed_and_scaled(impl, case):
    """Turning both sides turns the velocity, transposing transposes it; it is linear in the gradient, and homogeneous in M."""
    m, slope, depth = case["matrix"], case["gradient"], case["depth"]
    plain, room = np.asarray(impl.product_velocity(m, slope, depth)), 4 * EPS * _ulps(case) * _scale(case)
    p, q = fac.turn(len(m), 11), fac.turn(m.shape[1], 12)
    compare(np.asarray(impl.product_velocity(p @ m @ q.T, p @ slope @ q.T, depth)), p @ plain @ q.T, room, why="turned")
    compare(np.asarray(impl.product_velocity(m.T.copy(), slope.T.copy(), depth)), plain.T, room, why="transposed")
    compare(
        np.asarray(impl.product_velocity(m, -2 * slope, depth)), -2 * plain, 2 * room, why="minus twice the gradient"
    )
    unit = 2.0**depth
    scaled = np.asarray(impl.product_velocity(unit * m, slope, depth))
    compare(scaled, 4.0 ** (depth - 1) * plain, 4.0 ** (depth - 1) * room, why="M times 2^N")


@law(
    cases=PRODUCTS,
    needs=("spectrum_velocity",),
    grade="numerical",
    equation=r"\tfrac{d}{dt} \operatorname{tr} (M^\top M)^k = 2 k \operatorname{tr} ((M^\top M)^{k-1} M^\top \dot M)",
    source=ARORA,
)
def power_sums_of_the_singular_values(impl, case):
    """The singular values move as the power sums of the matrix do, whose rates need no singular vectors."""
    m, sigma, velocity = long(case["matrix"]), long(case["sigma"]), moved(case)
    got = np.asarray(impl.spectrum_velocity(case["matrix"], case["gradient"], case["depth"]))
    gram, power = m.T @ m, np.eye(m.shape[1], dtype=np.longdouble)
    for k in range(1, len(sigma) + 1):
        want = 2 * k * np.trace(power @ m.T @ velocity)
        weights = 2 * k * sigma ** (2 * k - 1)
        room = EPS * _ulps(case) * _scale(case) * float(np.abs(weights).sum())
        compare(float((weights * long(got)).sum()), float(want), room, why=f"the power sum {2 * k}")
        power = power @ gram


@law(
    cases=PRODUCTS,
    needs=("spectrum_velocity",),
    grade="numerical",
    equation=r"\dot \sigma_r = u_r^\top \dot M v_r = -N \sigma_r^{2 - 2/N} u_r^\top G v_r",
    source=ARORA,
)
def between_the_singular_vectors(impl, case):
    """Each singular value moves by what the product does between its singular vectors, in descending order."""
    got = np.asarray(impl.spectrum_velocity(case["matrix"], case["gradient"], case["depth"]))
    inside = long(case["left"]).T @ moved(case) @ long(case["right"])
    agree(got, np.diag(inside).astype(float), why="d sigma/dt", ulps=_ulps(case), scale=_scale(case))


@law(
    cases=PRODUCTS,
    needs=("spectrum_velocity",),
    grade="numerical",
    equation=r"\dot\sigma(P M Q^\top, P G Q^\top) = \dot\sigma(M^\top, G^\top) = \dot\sigma(M, G)",
)
def spectrum_does_not_turn(impl, case):
    """Turning or transposing matrix and gradient does not change the singular values' velocities."""
    m, slope, depth = case["matrix"], case["gradient"], case["depth"]
    plain, room = np.asarray(impl.spectrum_velocity(m, slope, depth)), 4 * EPS * _ulps(case) * _scale(case)
    p, q = fac.turn(len(m), 13), fac.turn(m.shape[1], 14)
    compare(np.asarray(impl.spectrum_velocity(p @ m @ q.T, p @ slope @ q.T, depth)), plain, room, why="turned")
    compare(np.asarray(impl.spectrum_velocity(m.T.copy(), slope.T.copy(), depth)), plain, room, why="transposed")


_M, _G = np.diag([1.0, 4.0]), np.array([[3.0, 5.0], [7.0, 2.0]])

SPECTRUM_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "product_velocity",
        ("matrix", "gradient", "depth"),
        ("velocity",),
        PRODUCTS,
        "How a balanced product of factors moves along gradient flow.",
        laws=(product_of_moving_factors, turned_transposed_and_scaled),
        planted=bugs_of("product_velocity"),
        golden=(
            Golden(
                "product_velocity",
                {"matrix": _M, "gradient": _G, "depth": 2},
                {"velocity": np.array([[-6.0, -25.0], [-35.0, -16.0]])},
                14,
                "two factors: entries weigh sigma_i + sigma_j",
            ),
        ),
        terms=_scale,
    ),
    Contract(
        "spectrum_velocity",
        ("matrix", "gradient", "depth"),
        ("velocity",),
        PRODUCTS,
        "How the singular values of a balanced product move along gradient flow.",
        laws=(power_sums_of_the_singular_values, between_the_singular_vectors, spectrum_does_not_turn),
        planted=bugs_of("spectrum_velocity"),
        golden=(
            Golden(
                "spectrum_velocity",
                {"matrix": _M, "gradient": _G, "depth": 2},
                {"velocity": np.array([-16.0, -6.0])},
                14,
                "the larger one first: -2 sigma G_rr",
            ),
        ),
        terms=_scale,
    ),
)
