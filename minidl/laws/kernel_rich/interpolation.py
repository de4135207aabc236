"""The laws of interpolants of least penalty: symmetries, what is known otherwise, and both ends of the scale."""

from __future__ import annotations

import numpy as np

from minidl.laws.checks import compare
from minidl.laws.core import Contract, Golden, agree, holds, identical, law
from minidl.laws.kernel_rich import oracle
from minidl.laws.kernel_rich import regressions as known
from minidl.laws.kernel_rich.defaults import two_layers_by_default
from minidl.laws.kernel_rich.optimality import (
    PROBLEMS,
    arguments,
    cheapest_of_all_interpolants,
    dual_values_in_the_row_space,
    fits,
    interpolates,
    minimiser,
    norms_above_the_least,
)
from minidl.laws.kernel_rich.oracle import EPS, long
from minidl.laws.kernel_rich.planted import bugs_of
from minidl.laws.kernel_rich.sources import WOODWORTH


def _beside(impl, case, expected, why, **changed):
    """The minimiser of a changed problem against what it must be, as far as rounding lets both go."""
    inputs = arguments(case | changed)
    off = known.wiggle(*inputs[:2], expected, *inputs[2:])
    compare(minimiser(impl, *inputs), np.asarray(expected).astype(float), 2 * off, why=why)


# --- symmetries ------------------------------------------------------------------------------------------------------------
@law(
    cases=PROBLEMS,
    needs=("min_potential",),
    grade="numerical",
    equation=r"\beta_\alpha(X, c y) = c\, \beta_{\alpha / c^{1/D}}(X, y)",
    source=WOODWORTH,
)
def units_of_the_targets(impl, case):
    """Larger targets are the same problem at a smaller scale."""
    x, y, alpha, depth = arguments(case)
    plain = minimiser(impl, x, y, alpha, depth)
    for power in (-1, 1):
        c = 2.0 ** (power * depth)
        _beside(impl, case, c * plain, f"c = {c}", y=c * y, alpha=alpha * 2.0**power)


@law(
    cases=PROBLEMS,
    needs=("min_potential",),
    grade="numerical",
    equation=r"x_i \to -x_i \Rightarrow \beta_i \to -\beta_i; \quad \beta(X \Pi) = \Pi^\top \beta(X)",
    source=WOODWORTH,
)
def features_mirrored_and_permuted(impl, case):
    """A feature of the opposite sign flips its entry, and entries follow their features."""
    x, plain = case["x"], minimiser(impl, *arguments(case))
    signs = np.where(np.arange(x.shape[1]) % 2 == 0, -1.0, 1.0)
    _beside(impl, case, signs * plain, "mirrored", x=x * signs)
    _beside(impl, case, plain[::-1], "in reverse order", x=x[:, ::-1].copy())


@law(
    cases=PROBLEMS,
    needs=("min_potential",),
    grade="numerical",
    equation=r"\beta(R X, R y) = \beta(X, y)",
    source="both have the same interpolants",
)
def examples_mixed(impl, case):
    """Only the set of interpolants counts: examples may be mixed, scaled, and told twice."""
    x, y, plain = case["x"], case["y"], minimiser(impl, *arguments(case))
    n = len(x)
    mix = np.tril(np.ones((n, n))) * 2.0 ** np.arange(n) * np.where(np.arange(n) % 2, -1, 1)
    _beside(impl, case, plain, "mixed", x=mix @ x, y=mix @ y)
    scale = case["alpha"], case["depth"]
    off = 8 * known.wiggle(x, y, plain, *scale)
    blend = np.cos(np.arange(3.0 * n)).reshape(3, n)
    for why, more in (
        ("the first example told again, twice as large", 2 * np.eye(n)[:1]),
        ("an example without features, and of target 0", np.zeros((1, n))),
        ("three examples that are blends of the others", blend),
    ):
        compare(minimiser(impl, np.vstack([x, more @ x]), np.append(y, more @ y), *scale), plain, off, why=why)
    units = np.exp2(30.0 * np.where(np.arange(n) % 2, -1, 1))
    compare(minimiser(impl, units[:, None] * x, units * y, *scale), plain, off, why="each example in units of its own")


@law(cases=PROBLEMS, needs=("min_potential",), grade="numerical", equation=r"x_i = x_j \Rightarrow \beta_i = \beta_j")
def equal_features_share(impl, case):
    """Two equal features have equal entries, and a feature that is 0 has the entry 0, which changes no other."""
    x, y, alpha, depth = arguments(case)
    wide = np.hstack([x, x[:, :1], np.zeros((len(x), 1))])
    beta = minimiser(impl, wide, y, alpha, depth)
    fits(wide, y, beta)
    # near the pole of the link, equal features are one rounding of x from sharing as unequally as this allows
    off = known.wiggle(wide, y, beta, alpha, depth)
    compare(beta[-2], beta[0], off[0] + off[-2], why="equal features")
    compare(beta[-1], 0.0, 0.0, why="no feature")
    compare(
        minimiser(impl, wide[:, :-1].copy(), y, alpha, depth),
        beta[:-1],
        2 * off[:-1],
        why="without the feature that is 0",
    )


# --- what is known otherwise -----------------------------------------------------------------------------------------------
@law(
    cases=PROBLEMS,
    needs=("min_potential",),
    grade="numerical",
    equation=r"\langle x, \alpha^D h_D(\nu x) \rangle = y",
    source=WOODWORTH,
)
def one_example_by_bisection(impl, case):
    """For one example bisection of its one dual value finds the minimiser: small entries to relative precision too."""
    x, y, alpha, depth = arguments(case)
    row, target = x[:1], y[:1] if y[0] else np.ones(1)
    expected = known.one_example(row[0], target[0], alpha, depth)
    off = known.wiggle(row, target, expected, alpha, depth)
    got = minimiser(impl, row, target, alpha, depth)
    # a power rounds with its logarithm
    t = np.abs(oracle.place(expected / long(alpha) ** depth, depth)).astype(float)
    compare(
        got, expected.astype(float), off + EPS * (16 + 2 * depth * t) * np.abs(expected).astype(float), why="entries"
    )


@law(
    cases=PROBLEMS,
    needs=("min_potential",),
    grade="numerical",
    equation=r"X = \mathrm{diag}(x_1^\top, x_2^\top, \ldots)",
)
def examples_without_common_features(impl, case):
    """Examples that share no feature are solved one by one."""
    x, y, alpha, depth = arguments(case)
    n, d = x.shape
    blocks = np.zeros((n, n * d))
    for k in range(n):
        blocks[k, k * d : (k + 1) * d] = x[k]
    expected = np.concatenate([known.one_example(x[k], y[k], alpha, depth) if y[k] else np.zeros(d) for k in range(n)])
    t = np.abs(oracle.place(expected / long(alpha) ** depth, depth)).astype(float)
    off = known.wiggle(blocks, y, expected, alpha, depth) + EPS * (16 + 2 * depth * t) * np.abs(expected).astype(float)
    compare(minimiser(impl, blocks, y, alpha, depth), expected.astype(float), off, why="entries")


@law(
    cases=PROBLEMS,
    needs=("min_potential",),
    grade="numerical",
    equation=r"X X^\top = I,\ n = d \Rightarrow \beta = X^\top y",
    source=WOODWORTH,
)
def orthonormal_and_square(impl, case):
    """As many orthonormal examples as features leave one interpolant, whatever scale and depth."""
    x, _, alpha, depth = arguments(case)
    d = min(3, x.shape[1])
    normal = x[0, :d] / np.linalg.norm(x[0, :d]) if np.any(x[0, :d]) else np.eye(d)[0]
    mirror = np.eye(d) - 2 * np.outer(normal, normal)
    y = np.arange(1.0, d + 1)
    got = minimiser(impl, mirror, y, alpha, depth)
    agree(got, mirror.T @ y, why="the one interpolant", ulps=2 * known.slack(mirror), scale=np.linalg.norm(y))


@law(
    cases=PROBLEMS,
    needs=("min_potential",),
    grade="exact",
    equation=r"y = 0 \Rightarrow \beta = 0, \nu = 0",
    source=WOODWORTH,
)
def nothing_to_fit(impl, case):
    """Targets of 0 are fitted by 0."""
    x, _, alpha, depth = arguments(case)
    beta, nu = impl.min_potential(x, np.zeros(len(x)), alpha, depth)[:2]
    identical(np.asarray(beta), np.zeros(x.shape[1]), why="beta")
    identical(np.asarray(nu), np.zeros(len(x)), why="the dual")
    beta = minimiser(impl, np.zeros_like(x), np.zeros(len(x)), alpha, depth)
    identical(beta, np.zeros(x.shape[1]), why="beta without any features")


@law(
    cases=PROBLEMS,
    needs=("min_potential",),
    grade="numerical",
    equation=r"\beta \text{ does not depend on where } \nu \text{ begins}",
)
def warm_starts_end_there_too(impl, case):
    """From the dual of another scale, or from the result's own, the minimiser is the same."""
    x, y, alpha, depth = arguments(case)
    beta, nu = (np.asarray(part) for part in impl.min_potential(x, y, alpha, depth)[:2])
    other = np.asarray(impl.min_potential(x, y, 1.5 * alpha, depth)[1])
    off = known.wiggle(x, y, beta, alpha, depth)
    size = np.abs(x).max(axis=1)
    far = 1e3 / np.where(size > 0, size, 1)
    for start, why in (
        (other, "from a larger scale"),
        (nu, "from where it is"),
        (-other, "from the other side"),
        (far, "from far away"),
    ):
        compare(minimiser(impl, x, y, alpha, depth, start), beta, 2 * off + np.finfo(float).tiny, why=why)
    units = np.exp2(30.0 * np.where(np.arange(len(x)) % 2, -1, 1))
    got, _, steps = impl.min_potential(units[:, None] * x, units * y, alpha, depth, nu / units)
    compare(np.asarray(got), beta, 8 * off, why="from where it is, each example in units of its own")
    # what is off there by roundings is off by their squares after a step of Newton, and then seen not to fall any more
    holds(int(steps) <= 3, why="the steps from where it is", got=int(steps), expected=3)


# --- the ends --------------------------------------------------------------------------------------------------------------
@law(
    cases=PROBLEMS,
    needs=("min_potential",),
    grade="numerical",
    equation=r"\alpha^{2D} (\beta_\alpha - b_2) \to \tfrac{(p+1)(p+2)}{24 p^2} P_{\ker X}(b_2^3),\ p = \tfrac{D}{D-2}",
    source="the dual value's expansion to third order",
)
def first_correction_in_the_kernel_regime(impl, case):
    """For large scales the minimiser is that of least L2 norm plus alpha^{-2D} times a projection of its cube."""
    x, y, _, depth = arguments(case)
    b2 = known.least_l2(x, y)
    size = max(float(np.abs(b2).max()), 2.0**-20)
    c = 1 / 24 if depth == 2 else (2 * depth - 2) * (3 * depth - 4) / (24 * depth**2)
    for z in (2.0**-8, 2.0**-10):  # the largest entry over alpha^D
        alpha = float((size / z) ** (1 / depth))
        a = long(alpha) ** (2 * depth)
        beta = minimiser(impl, x, y, alpha, depth)
        expected = (c * known.off_rows(x, b2**3)).astype(float)
        got = (a * (long(beta) - b2)).astype(float)
        # the next term is z^2 times smaller, 3 c^2 and the fifth order's coefficient together below 1; projections in L2
        room = z * z * size**3 * np.sqrt(len(beta)) + float(a) * known.wiggle(x, y, beta, alpha, depth)
        compare(got, expected, room, why=f"the correction at alpha = {alpha:.3g}")


@law(
    cases=PROBLEMS,
    needs=("min_potential",),
    grade="numerical",
    equation=r"x = (1, r),\ y = 1: \quad \beta_2 \approx \alpha^{2 (1 - r)} \ (D = 2), \quad \alpha^D h_D(r) \ (D \ge 3)",
    source=WOODWORTH,
)
def entry_off_the_support(impl, case):
    """In the rich regime the entry that is not needed vanishes as alpha^{2(1-r)} at depth 2, as alpha^D beyond."""
    depth = case["depth"]
    r = 0.1 + 0.8 * float(np.abs(case["x"].flat[0]) % 1)
    x, y = np.array([[1.0, r]]), np.ones(1)
    for alpha in (1e-2, 1e-3) if depth > 2 else (1e-4, 1e-8):
        beta = minimiser(impl, x, y, alpha, depth)
        if depth == 2:
            # exactly: beta_2 = 2 a sinh(r arcsinh(beta_1 / 2 a)), a = alpha^2; the rest is e^{-2 r arcsinh} and beta_1 < 1
            limit, first = alpha ** (2 * (1 - r)), 1 - beta[0]
            room = limit * (2 * first + 2 * (alpha**4) ** r)
        else:
            p = depth / (depth - 2)
            limit = alpha**depth * ((1 - r) ** -p - (1 + r) ** -p)
            # the dual value is 1 - g with g <= 2 alpha^{D/p}, and h rises by at most h'(r)
            room = 2 * alpha ** (depth / p) * alpha**depth * 2 * p * (1 - r) ** (-p - 1)
        holds(bool(beta[1] > 0), why="it is positive", got=beta)
        compare(beta[1], limit, room, why=f"at alpha = {alpha}")


# --- contracts -------------------------------------------------------------------------------------------------------------
PRINTED = (
    (2, 10.0, (0.8620692748, 0.3448268130)),
    (2, 1.0, (0.8649601291, 0.3375996773)),
    (2, 0.1, (0.9756485246, 0.0608786885)),
    (2, 0.01, (0.9984095902, 0.0039760244)),
    (2, 0.001, (0.9998995302, 0.0002511745669)),
    (3, 1.0, (0.8681661691, 0.3295845773)),
    (3, 0.1, (0.9986332602, 0.0034168494)),
    (3, 0.01, (0.9999983317, 4.170684855e-06)),
    (4, 1.0, (0.8700799853, 0.3248000368)),
    (4, 0.05, (0.9999943560, 1.411004917e-05)),
)

INTERPOLATION_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "min_potential",
        ("x", "y", "alpha", "depth"),
        ("beta", "dual", "steps"),
        PROBLEMS,
        "The interpolant of least penalty: where flow from a flat start ends.",
        laws=(
            interpolates,
            dual_values_in_the_row_space,
            cheapest_of_all_interpolants,
            norms_above_the_least,
            units_of_the_targets,
            features_mirrored_and_permuted,
            examples_mixed,
            equal_features_share,
            one_example_by_bisection,
            examples_without_common_features,
            orthonormal_and_square,
            nothing_to_fit,
            warm_starts_end_there_too,
            first_correction_in_the_kernel_regime,
            entry_off_the_support,
            two_layers_by_default("min_potential", PROBLEMS, ("x", "y", "alpha", "depth")),
        ),
        planted=bugs_of("min_potential"),
        free=("steps",),
        golden=tuple(
            Golden(
                "min_potential",
                known.WORKED | {"alpha": alpha, "depth": depth},
                {"beta": np.array(beta)},
                10,
                f"x = (1, 0.4), y = 1 at depth {depth}, alpha = {alpha:g}",
            )
            for depth, alpha, beta in PRINTED
        ),
    ),
)
