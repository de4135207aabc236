"""The laws of what a whole predictor costs, and of the parameters that stand for it."""

from __future__ import annotations

import numpy as np

from minidl.laws.checks import compare
from minidl.laws.core import Cases, Contract, agree, holds, identical, law
from minidl.laws.kernel_rich import oracle
from minidl.laws.kernel_rich.defaults import two_layers_by_default
from minidl.laws.kernel_rich.oracle import EPS
from minidl.laws.kernel_rich.planted import bugs_of
from minidl.laws.kernel_rich.potentials import curvature_at_0
from minidl.laws.kernel_rich.sources import CALCULUS, WOODWORTH

BETA = np.array([0.9, 0.2, -0.5, 0.0, 0.03])


# --- cases -----------------------------------------------------------------------------------------------------------------
def _penalised() -> Cases:
    named = {f"depth_{depth}": {"beta": BETA, "alpha": 0.3, "depth": depth} for depth in (2, 3, 4, 5)}
    named |= {f"kernel_{depth}": {"beta": BETA, "alpha": 12.0, "depth": depth} for depth in (2, 3, 5)}
    named |= {f"rich_{depth}": {"beta": BETA, "alpha": 0.01, "depth": depth} for depth in (2, 3, 5)}
    named["one"] = {"beta": np.array([-2.0]), "alpha": 1.0, "depth": 2}
    named["nothing"] = {"beta": np.zeros(3), "alpha": 0.5, "depth": 3}

    def generated():
        from hypothesis import strategies as st

        beta = st.lists(st.floats(-3, 3).map(lambda b: round(b, 3)), min_size=1, max_size=5).map(np.array)
        alpha = st.floats(-6, 4).map(lambda power: 2.0**power)
        return st.fixed_dictionaries({"beta": beta, "alpha": alpha, "depth": st.sampled_from([2, 3, 4, 5, 7])})

    return Cases(named=named, generated=generated)


PENALISED = _penalised()


def _started() -> Cases:
    """A predictor, and where flow begins: not flat, not at 0."""
    u0, v0 = np.array([0.8, 0.1, 1.3, 0.5, 0.02]), np.array([0.5, 0.3, 1.3, 0.01, 0.4])
    named = {f"depth_{depth}": {"beta": BETA, "u0": u0, "v0": v0, "depth": depth} for depth in (2, 3, 4, 5)}
    named["flat"] = {"beta": BETA, "u0": np.full(5, 0.4), "v0": np.full(5, 0.4), "depth": 2}
    named["flat_3"] = {"beta": BETA, "u0": np.full(5, 0.4), "v0": np.full(5, 0.4), "depth": 3}
    named["at_the_start"] = {"beta": u0**3 - v0**3, "u0": u0, "v0": v0, "depth": 3}
    named["far"] = {"beta": 50 * BETA, "u0": 0.1 * u0, "v0": 0.1 * v0, "depth": 2}
    notes = {"at_the_start": "the divergence is 0 here, and second order around"}

    def generated():
        from hypothesis import strategies as st

        def one(seed: int, depth: int, spread: float) -> dict:
            rng = np.random.default_rng(seed)
            d = int(rng.integers(1, 5))
            start = np.exp(spread * rng.normal(size=(2, d)))
            return {"beta": rng.normal(size=d).round(3), "u0": start[0], "v0": start[1], "depth": depth}

        return st.builds(one, st.integers(0, 9999), st.sampled_from([2, 3, 4, 5, 7]), st.sampled_from([0.1, 0.7, 1.5]))

    return Cases(named=named, generated=generated, notes=notes)


STARTED = _started()


# --- the penalty -----------------------------------------------------------------------------------------------------------
def _slack(beta, alpha, depth):
    """Roundings of alpha^D, of a quotient by it, of the potential (twice as steep as its argument), and of their sum."""
    t = np.abs(oracle.place(oracle.long(beta) / oracle.long(alpha) ** depth, depth)).astype(float)
    return float(64 + 2 * depth + len(beta) + 4 * depth * t.max())


def exactly(beta, alpha, depth):
    """The penalty in long double."""
    scale = oracle.long(alpha) ** depth
    return scale * oracle.potential(oracle.long(beta) / scale, depth).sum()


@law(
    cases=PENALISED,
    needs=("penalty",),
    grade="numerical",
    equation=r"Q_\alpha^D(\beta) = \alpha^D \sum_i q_D(\beta_i / \alpha^D)",
    source=WOODWORTH,
)
def sum_of_integrals(impl, case):
    """The penalty is alpha^D times the potentials' integrals, summed."""
    beta, alpha, depth = case["beta"], case["alpha"], case["depth"]
    agree(
        impl.penalty(beta, alpha, depth),
        float(exactly(beta, alpha, depth)),
        why="the penalty",
        ulps=_slack(beta, alpha, depth),
    )


@law(
    cases=PENALISED,
    needs=("penalty",),
    grade="numerical",
    equation=r"Q_{\alpha c^{1/D}}(c \beta) = c\, Q_\alpha(\beta)",
    source="dimensional analysis",
)
def units_of_the_predictor(impl, case):
    """In other units of the predictor, alpha^D measured in them too, the penalty is the same up to its unit."""
    beta, alpha, depth = case["beta"], case["alpha"], case["depth"]
    plain = impl.penalty(beta, alpha, depth)
    for power in (-1, 2):  # powers of 2, which round nothing
        scaled = impl.penalty(beta * 2.0 ** (power * depth), alpha * 2.0**power, depth)
        agree(scaled, plain * 2.0 ** (power * depth), why=f"c = 2^{power * depth}", ulps=16)


@law(
    cases=PENALISED,
    needs=("penalty",),
    grade="numerical",
    equation=r"\alpha^D Q_\alpha^D(\beta) \to \tfrac{1}{4} \|\beta\|_2^2, \quad \tfrac{D-2}{4D} \|\beta\|_2^2 \ (D \ge 3)",
    source=WOODWORTH,
)
def squared_norm_in_the_kernel_regime(impl, case):
    """For large scales the penalty is a squared L2 norm: off by at most z^2/8, relatively, with z the largest entry."""
    beta, depth = case["beta"], case["depth"]
    size = max(float(np.abs(beta).max()), 2.0**-20)
    alpha = float((size * 2.0**12) ** (1 / depth))
    norm = curvature_at_0(depth) / 2 * float(beta @ beta)
    z = size / alpha**depth
    # q_D(z) >= (1 - (p + 1)(p + 2) z^2 / (48 p^2)) q''(0) z^2 / 2, p = D/(D - 2) >= 1
    allowed = norm * (z * z / 8 + EPS * _slack(beta, alpha, depth))
    compare(impl.penalty(beta, alpha, depth) * alpha**depth, norm, allowed, why=f"at alpha = {alpha:.3g}")


@law(
    cases=PENALISED,
    needs=("penalty",),
    grade="numerical",
    equation=r"0 \le \|\beta\|_1 - Q_\alpha^D(\beta) \le \tfrac{D}{2} \alpha^{D-2} \sum_i |\beta_i|^{2/D}, \quad"
    r" 0 \le Q_\alpha(\beta) - \sum_i |\beta_i| (\log(|\beta_i| / \alpha^2) - 1) \le 2 \alpha^2 d",
    source=WOODWORTH,
)
def l1_norm_in_the_rich_regime(impl, case):
    """For small scales the penalty is the L1 norm, times log(1/alpha^2) at depth 2: polynomially near at depth 3 and above."""
    beta, alpha, depth = case["beta"], case["alpha"], case["depth"]
    size = np.abs(beta)
    if depth > 2:
        most, width = size.sum(), depth / 2 * alpha ** (depth - 2) * (size ** (2 / depth)).sum()
        least = most - width
    else:
        some = size[size > 0]
        least, width = (some * (np.log(some / alpha**2) - 1)).sum(), 2 * alpha**2 * len(beta)
        most = least + width
    got = float(impl.penalty(beta, alpha, depth))
    scale = max(abs(least), abs(most), size.sum() * (1 + 2 * abs(np.log(alpha))))
    rounding = EPS * _slack(beta, alpha, depth) * scale
    holds(bool(least - rounding <= got <= most + rounding), why="between its ends", expected=(least, most), got=got)


@law(cases=PENALISED, needs=("penalty",), grade="numerical", equation=r"Q(\beta) = \sum_i Q(\beta_i)", source=CALCULUS)
def entries_cost_alone(impl, case):
    """Every entry adds its own cost, which is not negative, whatever its place and sign."""
    beta, alpha, depth = case["beta"], case["alpha"], case["depth"]
    alone = [float(impl.penalty(beta[i : i + 1], alpha, depth)) for i in range(len(beta))]
    holds(min(alone) >= 0, why="each cost is at least 0", got=alone)
    agree(impl.penalty(-beta[::-1], alpha, depth), float(sum(alone)), why="all of them", ulps=4 + 2 * len(beta))


# --- the divergence --------------------------------------------------------------------------------------------------------
def mean_size(u0, v0, depth):
    """a, the size that both parameters would have at beta = 0 with the same invariant, in long double."""
    u0, v0 = oracle.long(u0), oracle.long(v0)
    if depth == 2:
        return np.sqrt(u0 * v0)
    return ((u0 ** (2 - depth) + v0 ** (2 - depth)) / 2) ** (-1 / oracle.LONG(depth - 2))


def _places(case):
    """a, z and its start z_0."""
    depth = case["depth"]
    u0, v0 = oracle.long(case["u0"]), oracle.long(case["v0"])
    a = mean_size(u0, v0, depth)
    return a, oracle.long(case["beta"]) / a**depth, (u0**depth - v0**depth) / a**depth


def _terms(case):
    """The size of what the divergence subtracts from each other, entry by entry: q(z), q(z_0) and s_0 (z - z_0)."""
    depth = case["depth"]
    a, z, start = _places(case)
    slope = np.abs(oracle.dual_value(start, depth) * (z - start))
    return (a * a * (oracle.potential(z, depth) + oracle.potential(start, depth) + slope)).astype(float)


def _roundings(case):
    depth = case["depth"]
    _, z, start = _places(case)
    t = np.abs(oracle.place(np.concatenate([z, start]), depth)).max()
    return 64 + 4 * depth * float(t) + len(z)


@law(
    cases=STARTED,
    needs=("bregman",),
    grade="numerical",
    equation=r"\sum_i a_i^2 \int_{z_{0,i}}^{z_i} (h^{-1}(s) - h^{-1}(z_{0,i}))\, ds",
    source=WOODWORTH,
)
def integral_of_the_rise(impl, case):
    """The divergence is the integral of the dual value's rise from the start to the predictor."""
    depth = case["depth"]
    a, z, start = _places(case)
    expected = float((a * a * oracle.divergence(z, start, depth)).sum())
    got = impl.bregman(case["beta"], case["u0"], case["v0"], depth)
    agree(got, expected, why="the divergence", ulps=_roundings(case), scale=_terms(case).sum())


@law(cases=STARTED, needs=("bregman",), grade="numerical", equation=r"D(\beta_0, \beta_0) = 0 \le D(\beta, \beta_0)")
def nothing_at_the_start(impl, case):
    """The divergence is 0 at the start and at least 0 elsewhere."""
    u0, v0, depth = case["u0"], case["v0"], case["depth"]
    at_start = case | {"beta": u0**depth - v0**depth}
    allowed = EPS * _roundings(at_start) * _terms(at_start).sum()
    compare(impl.bregman(at_start["beta"], u0, v0, depth), 0.0, allowed, why="at the start")
    got = float(impl.bregman(case["beta"], u0, v0, depth))
    holds(got >= -EPS * _roundings(case) * _terms(case).sum(), why="not negative", got=got)


@law(
    cases=PENALISED,
    needs=("bregman", "penalty"),
    grade="numerical",
    equation=r"u_0 = v_0 = \alpha \mathbf{1} \Rightarrow D(\beta, 0) = \alpha^{2-D} Q_\alpha^D(\beta)",
    source=WOODWORTH,
)
def penalty_from_a_flat_start(impl, case):
    """From a flat start the divergence is the penalty, over alpha^{D-2}."""
    beta, alpha, depth = case["beta"], case["alpha"], case["depth"]
    flat = np.full(len(beta), alpha)
    expected = float(impl.penalty(beta, alpha, depth)) * alpha ** (2 - depth)
    agree(impl.bregman(beta, flat, flat, depth), expected, why="from a flat start", ulps=2 * _slack(beta, alpha, depth))


@law(
    cases=STARTED,
    needs=("bregman",),
    grade="numerical",
    equation=r"D(-\beta; v_0, u_0) = D(\beta; u_0, v_0), \quad D(c^D \beta; c u_0, c v_0) = c^2 D(\beta; u_0, v_0)",
)
def sides_and_units(impl, case):
    """Exchanging both sides flips the predictor; parameters in other units change the divergence as their square."""
    beta, u0, v0, depth = (case[name] for name in ("beta", "u0", "v0", "depth"))
    plain, scale, ulps = impl.bregman(beta, u0, v0, depth), _terms(case).sum(), _roundings(case)
    agree(impl.bregman(-beta, v0, u0, depth), plain, why="sides exchanged", ulps=ulps, scale=scale)
    scaled = impl.bregman(beta * 2.0**depth, 2 * u0, 2 * v0, depth)
    agree(scaled, 4 * plain, why="c = 2", ulps=ulps, scale=4 * scale)


# --- the parameters --------------------------------------------------------------------------------------------------------
@law(
    cases=STARTED,
    needs=("parameters_of",),
    grade="numerical",
    equation=r"u = a\, e^{m + t/2},\ v = a\, e^{m - t/2},\ u^D - v^D = \beta",
    source=WOODWORTH,
)
def parameters_by_bisection(impl, case):
    """The parameters are those whose log ratio bisection finds, each to relative precision."""
    beta, depth = case["beta"], case["depth"]
    a, z, _ = _places(case)
    t = oracle.place(z, depth)
    mean = oracle.mean_log(t, depth)
    got = impl.parameters_of(beta, case["u0"], case["v0"], depth)
    # the invariant's roundings reach z with D/(D - 2) <= 3 and the parameters with at most 1
    ulps = _roundings(case)
    for name, value, expected in zip("uv", got, (a * np.exp(mean + t / 2), a * np.exp(mean - t / 2)), strict=True):
        expected = expected.astype(float)
        agree(value, expected, why=name, ulps=ulps, scale=np.abs(expected))


@law(
    cases=STARTED,
    needs=("parameters_of",),
    grade="numerical",
    equation=r"u v = u_0 v_0, \quad u^{2-D} + v^{2-D} = u_0^{2-D} + v_0^{2-D}",
    source=WOODWORTH,
)
def parameters_keep_the_invariant(impl, case):
    """The parameters make the predictor, and the invariant is that of the start."""
    beta, u0, v0, depth = (case[name] for name in ("beta", "u0", "v0", "depth"))
    u, v = (np.asarray(part) for part in impl.parameters_of(beta, u0, v0, depth))
    ulps = depth * _roundings(case)
    size = np.abs(u) ** depth + np.abs(v) ** depth
    agree(u**depth - v**depth, beta, why="the predictor", ulps=ulps, scale=size)
    if depth == 2:
        before, after = u0 * v0, u * v
    else:
        before, after = u0 ** (2.0 - depth) + v0 ** (2.0 - depth), u ** (2.0 - depth) + v ** (2.0 - depth)
    agree(after, before, why="the invariant", ulps=ulps, scale=np.abs(before))
    identical((u > 0) & (v > 0), np.ones(len(beta), bool), why="both are positive")


# --- contracts -------------------------------------------------------------------------------------------------------------
PENALTY_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "penalty",
        ("beta", "alpha", "depth"),
        ("cost",),
        PENALISED,
        "What gradient flow from u = v = alpha minimises among interpolants.",
        laws=(
            sum_of_integrals,
            units_of_the_predictor,
            squared_norm_in_the_kernel_regime,
            l1_norm_in_the_rich_regime,
            entries_cost_alone,
            two_layers_by_default("penalty", PENALISED, ("beta", "alpha", "depth")),
        ),
        planted=bugs_of("penalty"),
    ),
    Contract(
        "parameters_of",
        ("beta", "u0", "v0", "depth"),
        ("u", "v"),
        STARTED,
        "The parameters that stand for a predictor on the way from a start.",
        laws=(
            parameters_by_bisection,
            parameters_keep_the_invariant,
            two_layers_by_default("parameters_of", STARTED, ("beta", "u0", "v0", "depth")),
        ),
        planted=bugs_of("parameters_of"),
    ),
    Contract(
        "bregman",
        ("beta", "u0", "v0", "depth"),
        ("divergence",),
        STARTED,
        "What gradient flow from any start minimises among interpolants.",
        laws=(
            integral_of_the_rise,
            nothing_at_the_start,
            penalty_from_a_flat_start,
            sides_and_units,
            two_layers_by_default("bregman", STARTED, ("beta", "u0", "v0", "depth")),
        ),
        planted=bugs_of("bregman"),
        terms=lambda case: float(_terms(case).sum()),
    ),
)
