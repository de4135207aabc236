"""The laws of gradient flow on diagonal nets.

Flow is judged without solving any differential equation: what it conserves, the integral of its own path, the time that one
example needs by quadrature. Its steps may be off by rtol in each entry; laws allow 100 of them.
"""

from __future__ import annotations

import numpy as np

from minidl.laws.checks import compare
from minidl.laws.core import Case, Cases, Contract, Golden, holds, identical, law
from minidl.laws.kernel_rich import nets as net
from minidl.laws.kernel_rich import oracle
from minidl.laws.kernel_rich import regressions as known
from minidl.laws.kernel_rich.defaults import two_layers_by_default
from minidl.laws.kernel_rich.oracle import EPS, long
from minidl.laws.kernel_rich.planted import bugs_of
from minidl.laws.kernel_rich.sources import CALCULUS, WOODWORTH

STEPS = 100
RTOL, LIMIT_RTOL, RESIDUAL = 1e-12, 1e-13, 1e-11


# --- cases -----------------------------------------------------------------------------------------------------------------
def solved(size: float, relative: float) -> float:
    """The terms that allow a solver's error, this part of their size: agreement allows 8 eps times the terms."""
    return float(size) * relative / (8 * EPS)


def _rate(case: Case) -> float:
    """How fast anything changes at the start: residuals by the tangent kernel, parameters by their own growth."""
    x, y, u, v, depth = (case[name] for name in ("x", "y", "u", "v", "depth"))
    j = net.jacobian(x, u, v, depth)
    slope = 2 * np.abs((net.outputs(x, u, v, depth) - long(y)) @ long(x)).max()
    growth = depth * (depth - 1) * max(np.abs(u).max(), np.abs(v).max()) ** (depth - 2) * float(slope)
    return 2 * net.largest_eigenvalue(j.T @ j) + growth


def _starts() -> dict[str, Case]:
    rng = np.random.default_rng(8)
    named = {}
    for depth, d in ((2, 4), (3, 3), (5, 4)):
        # rows nearly orthogonal and of one length, so that no direction is slow
        x = np.linalg.qr(rng.normal(size=(d, 2)))[0].T + 0.1 * rng.normal(size=(2, d))
        u, v = rng.uniform(0.6, 1.0, (2, d)).round(3)
        named[f"depth_{depth}"] = {"x": x.round(3), "y": np.array([1.2, -0.7]), "u": u, "v": v, "depth": depth}
    named["depth_4"] = known.data(rng, 1, 3) | {
        "u": np.array([0.8, 0.5, 1.1]),
        "v": np.array([0.6, 0.9, 0.7]),
        "depth": 4,
    }
    flat = np.full(2, 0.3)
    for depth in (2, 3):
        named[f"flat_{depth}"] = known.WORKED | {"u": flat, "v": flat.copy(), "depth": depth}
    named["one"] = {
        "x": np.array([[-0.8]]),
        "y": np.array([1.5]),
        "u": np.array([0.4]),
        "v": np.array([0.7]),
        "depth": 2,
    }
    turned = np.array([[0.8, 0.6], [-0.6, 0.8]])
    named["square"] = {
        "x": turned,
        "y": np.array([0.5, 1.1]),
        "u": np.array([0.9, 0.6]),
        "v": np.array([0.5, 0.8]),
        "depth": 2,
    }
    return named


STARTS = _starts()
FLOWS = Cases(
    named={name: case | {"times": np.array([0.0, 0.3, 1.0, 8.0]) / _rate(case)} for name, case in STARTS.items()}
    | {"late": STARTS["depth_3"] | {"times": np.array([2.0]) / _rate(STARTS["depth_3"])}},
)


def flowed(impl, case, **changed):
    """u, v and loss along the flow."""
    case = case | changed
    return tuple(
        np.asarray(part)
        for part in impl.gradient_flow(*(case[name] for name in ("x", "y", "u", "v", "times", "depth")))
    )


def kept(u, v, depth):
    """The invariant, in long double."""
    u, v = long(u), long(v)
    return u * v if depth == 2 else u ** (2 - depth) + v ** (2 - depth)


# --- laws of the flow ------------------------------------------------------------------------------------------------------
@law(
    cases=FLOWS,
    needs=("gradient_flow",),
    grade="numerical",
    equation=r"u v = u_0 v_0 \ (D = 2), \quad u^{2-D} + v^{2-D} = u_0^{2-D} + v_0^{2-D}",
    source=WOODWORTH,
)
def invariant_along_the_flow(impl, case):
    """Flow keeps the invariant of every entry, and no parameter changes its sign."""
    u, v, _ = flowed(impl, case)
    depth = case["depth"]
    before = kept(case["u"], case["v"], depth).astype(float)
    for k in range(len(u)):
        after = kept(u[k], v[k], depth).astype(float)
        compare(after, before, STEPS * RTOL * depth * before, why=f"the invariant at time {case['times'][k]:.3g}")
    holds(bool((u > 0).all() and (v > 0).all()), why="parameters stay positive", got=u.min())


@law(
    cases=FLOWS,
    needs=("gradient_flow",),
    grade="numerical",
    equation=r"u(T) - u_0 = -\int_0^T D\, u^{D-1} g\, dt, \quad g = 2 X^\top (X \beta - y)",
    source=WOODWORTH,
)
def path_is_the_integral_of_its_velocity(impl, case):
    """What the parameters gained is the integral of minus the gradient along the path, by Gauss-Legendre quadrature in time."""
    nodes, weights = (part.astype(float) for part in oracle.gauss())
    recorded = flowed(impl, case)
    for k in range(len(case["times"])):
        start = case | {"u": recorded[0][k], "v": recorded[1][k]}
        end = 1 / _rate(
            start
        )  # nothing changes by much more than a factor of e, which 24 nodes integrate to the last digit
        u, v, _ = flowed(impl, start, times=np.append(end * nodes, end))
        gained = np.zeros((2, len(start["u"])))
        for i, weight in enumerate(weights):
            gained -= end * weight * net.gradient(start | {"u": u[i], "v": v[i]}).reshape(2, -1).astype(float)
        for name, path, before, move in zip("uv", (u, v), (start["u"], start["v"]), gained, strict=True):
            # a state that is off by its steps is off by as much again after a time in which it changes e-fold
            compare(path[-1], before + move, 4 * STEPS * RTOL * np.maximum(np.abs(u[-1]), np.abs(v[-1])), why=name)


@law(
    cases=FLOWS,
    needs=("gradient_flow",),
    grade="numerical",
    equation=r"n = 1: \quad t = \int_0^{\eta} \frac{d\eta'}{2 (y - \langle x, \beta(\eta') \rangle)}",
    source="separation of variables",
)
def one_example_by_the_clock(impl, case):
    """For one example all entries follow one number, which quadrature finds the time of."""
    depth = case["depth"]
    x, y = case["x"][:1], case["y"][:1]
    row, one = long(x[0]), case | {"x": x, "y": y}
    times = np.array([0.5, 3.0]) / _rate(one)
    u, v, _ = flowed(impl, one, times=times)
    u0, v0 = long(case["u"]), long(case["v"])

    def sides(eta):  # (..., d)
        shift = eta[..., None] * row
        if depth == 2:
            return u0 * np.exp(2 * shift), v0 * np.exp(-2 * shift)
        shift = depth * (depth - 2) * shift
        return (u0 ** (2 - depth) - shift) ** (-1 / long(depth - 2)), (v0 ** (2 - depth) + shift) ** (
            -1 / long(depth - 2)
        )

    def slowness(eta, _):
        a, b = sides(eta)
        return 1 / (2 * (y[0] - (row * (a**depth - b**depth)).sum(axis=-1)))

    for k, time in enumerate(times):
        if depth == 2:
            along = np.log(long(u[k]) / u0) / 2
        else:
            along = (u0 ** (2 - depth) - long(u[k]) ** (2 - depth)) / (depth * (depth - 2))
        eta = (along / row)[np.argmax(np.abs(row))]
        wanted = sides(np.asarray(eta))
        for name, got, want in zip("uv", (u[k], v[k]), wanted, strict=True):
            compare(
                got,
                want.astype(float),
                STEPS * RTOL * depth * np.abs(want).astype(float),
                why=f"{name}: all entries at one number",
            )
        # halves of what is left, since the integrand has a pole soon after eta, where the example is fitted
        edges = eta * (1 - np.append(2.0 ** -np.arange(20.0), 0))
        found = oracle.integral(slowness, edges[:-1], edges[1:], float(abs(eta)) + 1e-30).sum()
        # eta is off by the parameters' steps, and time by that over the velocity
        off = (
            STEPS
            * RTOL
            * depth
            * float(1 / np.abs(row).max())
            * float(1 / max(1, depth * (depth - 2)))
            * float(np.max([u0.max() ** (2 - depth), 1]))
        )
        compare(
            float(found),
            float(time),
            off * abs(float(slowness(np.asarray(eta), ()))) + STEPS * RTOL * time,
            why=f"time {k}",
        )


@law(
    cases=FLOWS,
    needs=("gradient_flow",),
    grade="numerical",
    equation=r"(u, v)(s + t) = (u, v)(t) \circ (u, v)(s)",
    source=CALCULUS,
)
def flows_continue(impl, case):
    """Flow from where another one was recorded goes on as that one did, whatever else is recorded."""
    end = float(case["times"][-1])
    u, v, _ = flowed(impl, case, times=np.array([end / 3, end]))
    rest = flowed(impl, case, u=u[0].copy(), v=v[0].copy(), times=np.array([2 * end / 3]))
    whole = flowed(impl, case)
    for name, part, there, once in zip("uv", rest, whole, (u, v), strict=False):
        room = 10 * STEPS * RTOL * np.abs(there[-1])
        compare(part[0], there[-1], room, why=f"{name} in two parts")
        compare(once[-1], there[-1], room, why=f"{name} with other records")


@law(
    cases=FLOWS,
    needs=("gradient_flow",),
    grade="numerical",
    equation=r"L(t_{k+1}) \le L(t_k), \quad (u, v)(0) = (u_0, v_0)",
)
def losses_fall_from_the_start(impl, case):
    """At time 0 the start is recorded; losses are those of the rows, and fall."""
    times = np.unique(np.append(0.0, case["times"]))
    u, v, value = flowed(impl, case, times=times)
    identical(u[0], case["u"], why="u at time 0")
    identical(v[0], case["v"], why="v at time 0")
    x, y, depth = case["x"], case["y"], case["depth"]
    for k in range(len(times)):
        residual, _ = net.sizes(case, u[k], v[k])
        here = np.abs((net.outputs(x, u[k], v[k], depth) - long(y)).astype(float))
        off = EPS * net.roundings(case) * residual
        expected = float(net.loss(x, y, u[k], v[k], depth))
        compare(value[k], expected, float((off * (2 * here + off)).sum()) + len(y) * EPS * expected, why=f"loss {k}")
    holds(bool((np.diff(value) < 0).all()), why="losses fall", got=value)


@law(
    cases=FLOWS,
    needs=("gradient_flow",),
    grade="numerical",
    equation=r"(c X, c y, t / c^2), \quad (c u_0, c v_0, c^D y, c^{2-2D} t)",
    source="dimensional analysis",
)
def units_of_the_flow(impl, case):
    """In other units of the data or of the parameters, with time converted, flow is the same; so it is in a mirror."""
    x, y, u, v, times, depth = (case[name] for name in ("x", "y", "u", "v", "times", "depth"))
    plain = flowed(impl, case)
    flip = np.arange(len(u)) % 2 == 0
    mirrored = dict(x=np.where(flip, -x, x), u=np.where(flip, v, u), v=np.where(flip, u, v))
    turned = np.where(flip, plain[1], plain[0]), np.where(flip, plain[0], plain[1])
    for why, changed, want in (
        ("data times 4", dict(x=4 * x, y=4 * y, times=times / 16), plain[:2]),
        (
            "parameters times 2",
            dict(u=2 * u, v=2 * v, y=2.0**depth * y, times=times * 4.0 ** (1 - depth)),
            (2 * plain[0], 2 * plain[1]),
        ),
        ("mirrored", mirrored, turned),
    ):
        for name, got, part in zip("uv", flowed(impl, case, **changed), want, strict=False):
            compare(got, part, 10 * STEPS * RTOL * np.abs(part), why=f"{name}, {why}")


# --- contracts -------------------------------------------------------------------------------------------------------------
def _closed(t):
    """x = 1, y = 0 at depth 2 from u v = c: beta = 2 c sinh(s) with s' = -16 c sinh(s), tanh(s/2) = tanh(s_0/2) e^{-16 c t}."""
    c, s0 = 0.5, np.log(2.0)  # u = 1, v = 1/2
    s = 2 * np.arctanh(np.tanh(s0 / 2) * np.exp(-16 * c * t))
    return np.sqrt(c) * np.exp(s / 2), np.sqrt(c) * np.exp(-s / 2), (2 * c * np.sinh(s)) ** 2


_AT = np.array([0.0, 0.05, 0.2])
_CLOSED = _closed(_AT)
_FALLING = {"x": np.ones((1, 1)), "y": np.zeros(1), "u": np.ones(1), "v": np.full(1, 0.5), "depth": 2}

FLOW_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "gradient_flow",
        ("x", "y", "u", "v", "times", "depth"),
        ("u", "v", "loss"),
        FLOWS,
        "Gradient flow on a diagonal net, recorded at some times.",
        laws=(
            invariant_along_the_flow,
            path_is_the_integral_of_its_velocity,
            one_example_by_the_clock,
            flows_continue,
            losses_fall_from_the_start,
            units_of_the_flow,
            two_layers_by_default("gradient_flow", FLOWS, ("x", "y", "u", "v", "times", "depth")),
        ),
        planted=bugs_of("gradient_flow"),
        terms=lambda case: solved(max(np.abs(case["u"]).max(), np.abs(case["v"]).max()), STEPS * RTOL),
        golden=(
            Golden(
                "gradient_flow",
                _FALLING | {"times": _AT},
                {"u": _CLOSED[0][:, None], "v": _CLOSED[1][:, None], "loss": _CLOSED[2]},
                10,
                "one parameter each, target 0: tanh(s/2) falls as e^{-8 t}",
            ),
        ),
    ),
)
