"""The laws of the interpolants that flow from any start ends in: those of least divergence from the start."""

from __future__ import annotations

import numpy as np

from minidl.laws.checks import compare
from minidl.laws.core import Contract, holds, law
from minidl.laws.kernel_rich import oracle
from minidl.laws.kernel_rich import regressions as known
from minidl.laws.kernel_rich.defaults import two_layers_by_default
from minidl.laws.kernel_rich.optimality import PROBLEMS, fits, minimiser, stationary
from minidl.laws.kernel_rich.oracle import EPS, LONG, long
from minidl.laws.kernel_rich.penalties import mean_size
from minidl.laws.kernel_rich.planted import bugs_of
from minidl.laws.kernel_rich.sources import WOODWORTH


# --- cases -----------------------------------------------------------------------------------------------------------------
def _starts():
    def fill(rng, case):
        u0, v0 = np.exp(rng.normal(scale=rng.choice([0.1, 0.8]), size=(2, case["x"].shape[1]))).round(3) * rng.choice(
            [0.2, 1.0]
        )
        return {"u0": u0, "v0": v0, "depth": int(rng.choice(known.DEPTHS))}

    rng = np.random.default_rng(3)
    three = known.data(rng, 3, 6)
    u0, v0 = rng.uniform(0.1, 1.2, (2, 6)).round(3)
    more = {f"depth_{depth}": three | {"u0": u0, "v0": v0, "depth": depth} for depth in known.DEPTHS}
    more |= {f"small_{depth}": three | {"u0": u0 / 50, "v0": v0 / 50, "depth": depth} for depth in (2, 3)}
    more["flat"] = three | {"u0": np.full(6, 0.3), "v0": np.full(6, 0.3), "depth": 2}
    more["one"] = known.WORKED | {"u0": np.array([0.2, 0.5]), "v0": np.array([0.4, 0.1]), "depth": 2}
    more["function_at_0"] = three | {"u0": u0, "v0": u0.copy(), "depth": 3}
    notes = {"function_at_0": "u_0 = v_0 differ from entry to entry: no shift, but other shapes"}
    cases = known.regressions(fill, more)
    return type(cases)(named=cases.named, generated=cases.generated, notes=notes)


STARTS = _starts()


def _arguments(case):
    return tuple(case[name] for name in ("x", "y", "u0", "v0", "depth"))


def shape(u0, v0, depth):
    """a, s_0 and w: an entry is a^D h(s_0 + w X^T nu)."""
    a = mean_size(u0, v0, depth)
    if depth == 2:
        return a, np.log(long(u0)) - np.log(long(v0)), np.ones_like(a)
    w = a ** (depth - 2)
    return a, w * (long(v0) ** (2 - depth) - long(u0) ** (2 - depth)) / 2, w


def _wiggle(case, beta, **changed):
    x, y, u0, v0, depth = _arguments(case | changed)
    return known.wiggle_from(x, y, beta, *shape(u0, v0, depth), depth)


def _nearest(impl, *inputs):
    return np.asarray(impl.min_bregman(*inputs)[0])


# --- laws ------------------------------------------------------------------------------------------------------------------
@law(cases=STARTS, needs=("min_bregman",), grade="numerical", equation=r"X \beta = y", source=WOODWORTH)
def nearest_interpolates(impl, case):
    """The minimiser fits the targets, as exactly as their sums round."""
    fits(case["x"], case["y"], _nearest(impl, *_arguments(case)))


@law(
    cases=STARTS,
    needs=("min_bregman",),
    grade="numerical",
    equation=r"\operatorname{arcsinh} \tfrac{\beta}{2c} - \log \tfrac{u_0}{v_0} = X^\top \nu \ (D = 2), \quad"
    r" u_0^{2-D} - u^{2-D} = X^\top \nu \ (D \ge 3)",
    source="Karush, Kuhn and Tucker",
)
def rise_of_dual_values_in_the_row_space(impl, case):
    """What the dual values gain since the start is X^T nu with the dual that the minimiser comes with."""
    x, _, u0, v0, depth = _arguments(case)
    beta, nu = (np.asarray(part) for part in impl.min_bregman(*_arguments(case))[:2])
    a, s0, w = shape(u0, v0, depth)
    t = oracle.place(long(beta) / a**depth, depth)
    s = oracle.dual(t, depth)
    # as from a flat start, and both sides of the difference round
    terms = ((32 + 4 * depth * np.abs(t)) * np.abs(s) + 16 * np.abs(s0)) / w
    stationary(x, (s - s0) / w, nu, terms, "X^T nu")


@law(
    cases=STARTS,
    needs=("min_bregman",),
    grade="numerical",
    equation=r"D(\beta, \beta_0) \le D(b, \beta_0), \quad X b = y",
    source=WOODWORTH,
)
def nearest_of_all_interpolants(impl, case):
    """No other interpolant has a smaller divergence from the start."""
    x, y, u0, v0, depth = _arguments(case)
    beta = long(_nearest(impl, *_arguments(case)))
    a, s0, _ = shape(u0, v0, depth)
    start = (long(u0) ** depth - long(v0) ** depth) / a**depth

    def cost(b):
        return (a * a * oracle.divergence(b / a**depth, start, depth)).sum()

    rng, mine = np.random.default_rng(0), cost(beta)
    rivals = [known.least_l2(x, y)]
    rivals += [beta + known.off_rows(x, size * rng.normal(size=len(beta))) for size in (1e-3, 0.3)]
    slope = np.abs((oracle.dual_value(beta / a**depth, depth) - s0) * a ** (2 - depth)).max()
    rounding = (
        EPS * known.slack(x) * float(slope) * float(np.linalg.norm(np.abs(beta).astype(float)) + np.linalg.norm(y))
    )
    for rival in rivals:
        other = cost(rival)
        holds(bool(mine <= other + rounding), why="beside another interpolant", got=float(mine), expected=float(other))


@law(
    cases=PROBLEMS,
    needs=("min_bregman", "min_potential"),
    grade="numerical",
    equation=r"u_0 = v_0 = \alpha \mathbf{1} \Rightarrow \beta = \beta_\alpha",
    source=WOODWORTH,
)
def least_penalty_from_a_flat_start(impl, case):
    """From a flat start it is the interpolant of least penalty, with alpha^{2-D} times its dual."""
    x, y, alpha, depth = (case[name] for name in ("x", "y", "alpha", "depth"))
    flat = np.full(x.shape[1], alpha)
    want = minimiser(impl, x, y, alpha, depth)
    beta, nu = (np.asarray(part) for part in impl.min_bregman(x, y, flat, flat.copy(), depth)[:2])
    compare(beta, want, 2 * known.wiggle(x, y, want, alpha, depth), why="beta")
    t = oracle.place(long(want) / long(alpha) ** depth, depth)
    s = oracle.dual(t, depth)
    stationary(
        x, s * long(alpha) ** (2 - depth), nu, (32 + 4 * depth * np.abs(t)) * np.abs(s) * alpha ** (2 - depth), "X^T nu"
    )


@law(
    cases=STARTS,
    needs=("min_bregman",),
    grade="numerical",
    equation=r"X \beta_0 = y \Rightarrow \beta = \beta_0, \nu = 0",
)
def a_start_that_fits_stays(impl, case):
    """Where the start already fits the targets, it is the minimiser."""
    x, _, u0, v0, depth = _arguments(case)
    start = long(u0) ** depth - long(v0) ** depth
    y = (long(x) @ start).astype(float)
    a, s0, w = shape(u0, v0, depth)
    off = known.wiggle_from(x, y, start, a, s0, w, depth)
    size = long(u0) ** depth + long(v0) ** depth
    compare(
        _nearest(impl, x, y, u0, v0, depth),
        start.astype(float),
        off + EPS * (2 * depth + 8) * size.astype(float),
        why="beta",
    )


def one_example_from(x, y, u0, v0, depth):
    """The minimiser for one example, by bisection of its dual between the poles of the link. (d,) long double"""
    x = long(x)
    a, s0, w = shape(u0, v0, depth)
    if depth == 2:
        bound = (np.log1p(np.abs(y) / (a**2 * np.abs(x)).min()) + np.abs(s0).max() + 2) / np.abs(x).min()
        low, high = -bound, bound
    else:
        ends = np.sort(np.stack([(-1 - s0) / (w * x), (1 - s0) / (w * x)]), axis=0)
        low, high = ends[0].max(), ends[1].min()

    def at(nu):
        s = s0 + w * x * nu
        if depth == 2:
            return a**2 * 2 * np.sinh(s)
        p = LONG(depth) / (depth - 2)
        return a**depth * ((1 - s) ** -p - (1 + s) ** -p)

    with np.errstate(all="ignore"):
        for _ in range(90):
            middle = (low + high) / 2
            low, high = (low, middle) if (x * at(middle)).sum() > y else (middle, high)
    return at((low + high) / 2)


@law(
    cases=STARTS,
    needs=("min_bregman",),
    grade="numerical",
    equation=r"\langle x, a^D h_D(s_0 + w \nu x) \rangle = y",
    source=WOODWORTH,
)
def one_example_from_any_start(impl, case):
    """For one example bisection of its one dual finds the minimiser."""
    x, y, u0, v0, depth = _arguments(case)
    row = np.where(np.abs(x[:1]) < 0.05, 0.5, x[:1])
    expected = one_example_from(row[0], y[0], u0, v0, depth)
    off = known.wiggle_from(row, y[:1], expected, *shape(u0, v0, depth), depth)
    compare(_nearest(impl, row, y[:1], u0, v0, depth), expected.astype(float), off, why="entries")


@law(
    cases=STARTS,
    needs=("min_bregman",),
    grade="numerical",
    equation=r"\beta(-y; v_0, u_0) = -\beta(y; u_0, v_0), \quad \beta(c^D y; c u_0, c v_0) = c^D \beta(y; u_0, v_0)",
)
def sides_and_units_of_the_start(impl, case):
    """Exchanging the sides and the targets' signs flips the minimiser; in other units of the parameters it is the same."""
    x, y, u0, v0, depth = _arguments(case)
    plain = _nearest(impl, x, y, u0, v0, depth)
    off = 2 * _wiggle(case, plain)
    compare(_nearest(impl, x, -y, v0, u0, depth), -plain, off, why="sides exchanged")
    unit = 2.0**depth
    compare(_nearest(impl, x, unit * y, 2 * u0, 2 * v0, depth), unit * plain, unit * off, why="parameters times 2")
    flip = np.arange(len(u0)) % 2 == 0
    mirrored = _nearest(impl, np.where(flip, -x, x), y, np.where(flip, v0, u0), np.where(flip, u0, v0), depth)
    compare(mirrored, np.where(flip, -plain, plain), off, why="features mirrored")
    back = _nearest(impl, x[::-1, ::-1].copy(), y[::-1].copy(), u0[::-1].copy(), v0[::-1].copy(), depth)
    compare(back, plain[::-1], off[::-1], why="in reverse order")


@law(
    cases=STARTS,
    needs=("min_bregman",),
    grade="numerical",
    equation=r"\beta \text{ does not depend on where } \nu \text{ begins}",
)
def warm_starts_end_at_the_same_minimum(impl, case):
    """From any dual the minimiser is the same."""
    beta, nu = (np.asarray(part) for part in impl.min_bregman(*_arguments(case))[:2])
    off = 2 * _wiggle(case, beta)
    for begin, why in ((nu, "from where it is"), (-2 * nu, "from the other side")):
        compare(np.asarray(impl.min_bregman(*_arguments(case), begin)[0]), beta, off, why=why)


@law(
    cases=STARTS,
    needs=("min_bregman",),
    grade="numerical",
    equation=r"u_0 = v_0 = \alpha w,\ \alpha \to \infty: \beta \to W X^\top (X W X^\top)^{-1} y,\ W = \mathrm{diag}(w^{2D-2})",
    source="the potential's expansion to second order",
)
def weighted_squares_in_the_kernel_regime(impl, case):
    """At large scales of unequal entries the minimiser is that of least squares with the weights w^{2-2D}."""
    x, y, u0, _, depth = _arguments(case)
    w = np.maximum(u0 / u0.max(), 0.3)
    weights = long(w) ** (2 * depth - 2)
    want = weights * (long(x).T @ known.solve((long(x) * weights) @ long(x).T, y))
    small = float(np.abs(want / long(w) ** depth).max())
    z = 2.0**-12  # the largest entry over alpha^D w^D
    alpha = float((max(small, 2.0**-20) / z) ** (1 / depth))
    start = alpha * w
    # dual values are linear up to z^3 with coefficients up to 1, relatively z^2; what that moves is as for their rounding
    a = mean_size(start, start, depth)
    off = np.abs(oracle.dual_value(want / a**depth, depth)) * z * z
    scale = a ** (2 - depth)
    room = known.reach(x, y, want, a**depth / scale * oracle.steepness(0 * off, depth), off * scale, known.slack(x))
    compare(
        _nearest(impl, x, y, start, start.copy(), depth),
        want.astype(float),
        2 * room + _wiggle(case, want, u0=start, v0=start),
        why="beta",
    )


START_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "min_bregman",
        ("x", "y", "u0", "v0", "depth"),
        ("beta", "dual", "steps"),
        STARTS,
        "The interpolant nearest to a start: where flow from there ends.",
        laws=(
            nearest_interpolates,
            rise_of_dual_values_in_the_row_space,
            nearest_of_all_interpolants,
            least_penalty_from_a_flat_start,
            a_start_that_fits_stays,
            one_example_from_any_start,
            sides_and_units_of_the_start,
            warm_starts_end_at_the_same_minimum,
            weighted_squares_in_the_kernel_regime,
            two_layers_by_default("min_bregman", STARTS, ("x", "y", "u0", "v0", "depth")),
        ),
        planted=bugs_of("min_bregman"),
        free=("steps",),
    ),
)
