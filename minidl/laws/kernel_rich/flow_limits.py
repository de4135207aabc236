"""The laws of where gradient flow on diagonal nets ends."""

from __future__ import annotations

import numpy as np

from minidl.laws.checks import compare
from minidl.laws.core import Cases, Contract, Golden, holds, law
from minidl.laws.kernel_rich import nets as net
from minidl.laws.kernel_rich import oracle
from minidl.laws.kernel_rich import regressions as known
from minidl.laws.kernel_rich.defaults import two_layers_by_default
from minidl.laws.kernel_rich.flow import LIMIT_RTOL, RESIDUAL, RTOL, STARTS, STEPS, flowed, kept, solved
from minidl.laws.kernel_rich.oracle import EPS, long
from minidl.laws.kernel_rich.planted import bugs_of
from minidl.laws.kernel_rich.sources import WOODWORTH
from minidl.laws.kernel_rich.starts import one_example_from, shape

LIMITS = Cases(named={name: STARTS[name] for name in ("depth_2", "depth_3", "depth_4", "flat_2", "one")})


def _limit(impl, case, **changed):
    u, v, beta, time = impl.flow_limit(*((case | changed)[name] for name in ("x", "y", "u", "v", "depth")))
    return np.asarray(u), np.asarray(v), np.asarray(beta), float(time)


def _off(case, beta):
    """How far the limit may be: the residual at which flow stops, and an invariant that is off by the steps."""
    x, y, u, v, depth = (case[name] for name in ("x", "y", "u", "v", "depth"))
    a, s0, w = shape(u, v, depth)
    t = oracle.place(long(beta) / a**depth, depth)
    s = oracle.dual(t, depth)
    off = STEPS * LIMIT_RTOL * (1 + np.abs(s) + np.abs(s0)) / w
    return known.reach(x, y, beta, a**depth * w * oracle.steepness(t, depth), off, 64.0, RESIDUAL)


@law(
    cases=LIMITS,
    needs=("flow_limit",),
    grade="numerical",
    equation=r"\|X \beta - y\|_\infty \le 10^{-11}, \quad \beta = u^D - v^D",
)
def limit_fits(impl, case):
    """Flow ends at an interpolant, whose parameters keep the invariants of the start."""
    u, v, beta, time = _limit(impl, case)
    x, y, depth = long(case["x"]), case["y"], case["depth"]
    size = (np.abs(x) @ (np.abs(long(u)) ** depth + np.abs(long(v)) ** depth) + np.abs(y)).astype(float)
    rounding = EPS * (x.shape[1] + depth + 4) * size
    compare((x @ long(beta)).astype(float), y, RESIDUAL + rounding, why="X beta")
    powers = long(u) ** depth - long(v) ** depth
    compare(beta, powers.astype(float), EPS * (depth + 2) * (np.abs(u) ** depth + np.abs(v) ** depth), why="beta")
    before = kept(case["u"], case["v"], depth).astype(float)
    compare(kept(u, v, depth).astype(float), before, STEPS * LIMIT_RTOL * depth * before, why="the invariant")
    holds(time > 0, why="it took time", got=time)


@law(
    cases=LIMITS,
    needs=("flow_limit",),
    grade="numerical",
    equation=r"s(\beta_\infty) - s(\beta_0) \in \operatorname{row}(X)",
    source=WOODWORTH,
)
def limit_is_nearest_to_the_start(impl, case):
    """What the dual values gained lies in the row space: the limit has the least divergence from the start."""
    beta, depth = _limit(impl, case)[2], case["depth"]
    a, s0, w = shape(case["u"], case["v"], depth)
    t = oracle.place(long(beta) / a**depth, depth)
    rise = (oracle.dual(t, depth) - s0) / w
    size = (1 + np.abs(oracle.dual(t, depth)) + np.abs(s0)) / w
    room = STEPS * LIMIT_RTOL * float(np.linalg.norm(size.astype(float)))
    compare(known.off_rows(case["x"], rise).astype(float), np.zeros(len(beta)), room, why="off the row space")


@law(
    cases=LIMITS,
    needs=("flow_limit", "min_bregman"),
    grade="numerical",
    equation=r"\beta_\infty = \arg\min_{X \beta = y} D(\beta, \beta_0)",
    source=WOODWORTH,
)
def limit_of_the_flow_is_the_minimiser(impl, case):
    """Where flow ends is what the dual solver finds without any flow, to 1e-9."""
    x, y, u, v, depth = (case[name] for name in ("x", "y", "u", "v", "depth"))
    want = np.asarray(impl.min_bregman(x, y, u, v, depth)[0])
    compare(_limit(impl, case)[2], want, np.minimum(_off(case, want), 1e-9), why="beta")


@law(
    cases=LIMITS,
    needs=("flow_limit", "min_potential"),
    grade="numerical",
    equation=r"u_0 = v_0 = \alpha \mathbf{1} \Rightarrow \beta_\infty = \beta_\alpha",
    source=WOODWORTH,
)
def limit_from_a_flat_start(impl, case):
    """From a flat start flow ends at the interpolant of least penalty, to 1e-9."""
    x, y, depth = case["x"], case["y"], case["depth"]
    alpha = float(case["u"].min())
    flat = np.full(x.shape[1], alpha)
    want = np.asarray(impl.min_potential(x, y, alpha, depth)[0])
    started = case | {"u": flat, "v": flat.copy()}
    compare(_limit(impl, started)[2], want, np.minimum(_off(started, want), 1e-9), why="beta")


@law(
    cases=LIMITS,
    needs=("flow_limit",),
    grade="numerical",
    equation=r"\langle x, \beta(\nu) \rangle = y",
    source=WOODWORTH,
)
def limit_for_one_example(impl, case):
    """For one example bisection of one number finds where flow ends."""
    one = case | {"x": case["x"][:1], "y": case["y"][:1]}
    want = one_example_from(one["x"][0], one["y"][0], case["u"], case["v"], case["depth"])
    compare(_limit(impl, one)[2], want.astype(float), _off(one, want), why="beta")


@law(cases=LIMITS, needs=("flow_limit", "gradient_flow"), grade="numerical", equation=r"(u, v)(T) = (u, v)_\infty")
def time_of_the_limit(impl, case):
    """The time is when the flow is there, and at half of it, it was not yet."""
    u, v, _, time = _limit(impl, case)
    path = flowed(impl, case, times=np.array([time / 2, time]))
    for name, got, want in zip("uv", path, (u, v), strict=False):
        compare(got[1], want, 2 * STEPS * RTOL * np.abs(want), why=name)
    before = (net.outputs(case["x"], path[0][0], path[1][0], case["depth"]) - long(case["y"])).astype(float)
    holds(
        bool(np.abs(before).max() > RESIDUAL),
        why="the largest residual at half of the time",
        got=before,
        expected=RESIDUAL,
    )


def _allowed(case):
    """Two solvers may stop anywhere within the residual, and be off by their steps."""
    beta = one_example_from(case["x"][0], case["y"][0], case["u"], case["v"], case["depth"])
    if len(case["x"]) > 1:
        beta = known.least_l2(case["x"], case["y"])  # of the right size
    return solved(1.0, float(_off(case, beta).max()))


# --- contract --------------------------------------------------------------------------------------------------------------
LIMIT_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "flow_limit",
        ("x", "y", "u", "v", "depth"),
        ("u", "v", "beta", "time"),
        LIMITS,
        "Where gradient flow on a diagonal net ends.",
        laws=(
            limit_fits,
            limit_is_nearest_to_the_start,
            limit_of_the_flow_is_the_minimiser,
            limit_from_a_flat_start,
            limit_for_one_example,
            time_of_the_limit,
            two_layers_by_default("flow_limit", LIMITS, ("x", "y", "u", "v", "depth")),
        ),
        planted=bugs_of("flow_limit"),
        free=("time",),
        terms=_allowed,
        golden=tuple(
            Golden(
                "flow_limit",
                known.WORKED | {"u": np.full(2, alpha), "v": np.full(2, alpha), "depth": depth},
                {"beta": np.array(beta)},
                9,
                f"x = (1, 0.4), y = 1 at depth {depth}, alpha = {alpha:g}",
            )
            for depth, alpha, beta in (
                (2, 1.0, (0.8649601291, 0.3375996773)),
                (2, 0.1, (0.9756485246, 0.0608786885)),
                (3, 1.0, (0.8681661691, 0.3295845773)),
                (4, 1.0, (0.8700799853, 0.3248000368)),
            )
        ),
    ),
)
