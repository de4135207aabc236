"""The laws of gradient flow on matrix factorisations, and of where it ends.

Factors whose rows are orthogonal, U U^T = V V^T = mu I and U V^T = 0, are possible from k = 2 p columns on: for them the law of
infinite width holds exactly, which makes it a law without randomness.
"""

from __future__ import annotations

import numpy as np

from minidl.laws.checks import compare
from minidl.laws.core import Case, Cases, Contract, holds, identical, law
from minidl.laws.kernel_rich import factors as fac
from minidl.laws.kernel_rich import oracle
from minidl.laws.kernel_rich import regressions as known
from minidl.laws.kernel_rich.flow import solved
from minidl.laws.kernel_rich.nets import largest_eigenvalue
from minidl.laws.kernel_rich.oracle import EPS, long
from minidl.laws.kernel_rich.planted import bugs_of
from minidl.laws.kernel_rich.sources import ARORA, CALCULUS, WOODWORTH

STEPS = 100
RTOL, RESIDUAL = 1e-10, 1e-8


# --- cases ------------------------------------------------------------------------------------------------------------------
def _rate(case: Case) -> float:
    j = fac.jacobian(case)
    residual = (fac.measured(case["a"], case["u"], case["v"]) - long(case["y"])).astype(float)
    bend = float(np.linalg.norm(2 * np.tensordot(residual, case["a"], 1)))
    return 2 * largest_eigenvalue(j.T @ j) + bend


def _begun() -> dict[str, Case]:
    plain = fac.factorisations().named
    found = {name: dict(plain[name]) for name in ("wide", "tall", "square")}
    found["tall"] = found["tall"] | {"a": found["tall"]["a"][:1], "y": found["tall"]["y"][:1]}
    found["one"] = {
        "a": np.full((1, 1, 1), 0.8),
        "y": np.full(1, 1.5),
        "u": np.array([[0.3, 0.5]]),
        "v": np.array([[0.1, -0.4]]),
    }
    return found


FLOWS = Cases(
    named={name: case | {"times": np.array([0.0, 0.3, 1.0, 6.0]) / _rate(case)} for name, case in _begun().items()}
)


def orthogonal_rows(p: int, mu: float) -> tuple[np.ndarray, np.ndarray]:
    """U, V (p, 2 p) with U U^T = V V^T = mu I and U V^T = 0."""
    wide = fac.turn(2 * p, 4) * np.sqrt(mu)
    return wide[:p].copy(), wide[p:].copy()


def _ended() -> Cases:
    rng = np.random.default_rng(3)
    named = {}
    for name, m, p, mu in (("two", 2, 3, 0.5), ("rich", 1, 2, 0.05), ("kernel", 1, 3, 3.0)):
        spectra = (np.linalg.qr(rng.normal(size=(p, m)))[0].T * 0.9).round(3)
        basis = fac.turn(p, 1)
        a = (basis * spectra[:, None, :]) @ basis.T
        u, v = orthogonal_rows(p, mu)
        named[name] = {"a": (a + np.swapaxes(a, 1, 2)) / 2, "y": np.array([1.0, -0.6])[:m], "u": u, "v": v}
        named[name] |= {"mu": mu, "basis": basis, "spectra": spectra}
    named["one"] = {
        "a": np.full((1, 1, 1), 0.8),
        "y": np.full(1, 1.5),
        "mu": 0.4,
        "basis": np.eye(1),
        "spectra": np.full((1, 1), 0.8),
    }
    named["one"] |= dict(zip("uv", orthogonal_rows(1, 0.4), strict=True))
    return Cases(named=named)


ENDS = _ended()
_drawn = np.random.default_rng(4).normal(size=(5, 3, 3)).round(2)
LIMITS = Cases(
    named=ENDS.named | {"not_symmetric": {"a": _drawn[:2], "y": np.array([1.0, -0.5]), "u": _drawn[2], "v": _drawn[3]}}
)


# --- flow ------------------------------------------------------------------------------------------------------------------
def _flow(impl, case, **changed):
    case = case | changed
    return tuple(np.asarray(part) for part in impl.factor_flow(*(case[name] for name in ("a", "y", "u", "v", "times"))))


def _size(*parts):
    return float(max(np.abs(part).max() for part in parts))


@law(
    cases=FLOWS,
    needs=("factor_flow",),
    grade="numerical",
    equation=r"U^\top U - V^\top V = U_0^\top U_0 - V_0^\top V_0",
    source=ARORA,
)
def balance_along_the_flow(impl, case):
    """Flow keeps what U^T U has more than V^T V."""
    u, v, _ = _flow(impl, case)
    before = case["u"].T @ case["u"] - case["v"].T @ case["v"]
    for k in range(len(u)):
        room = STEPS * RTOL * 4 * _size(u[k], v[k]) ** 2 * max(u[k].shape[0], v[k].shape[0])
        compare(u[k].T @ u[k] - v[k].T @ v[k], before, room, why=f"the balance at time {case['times'][k]:.3g}")


@law(
    cases=FLOWS,
    needs=("factor_flow",),
    grade="numerical",
    equation=r"(U, V)(T) - (U, V)_0 = -\int_0^T \nabla L\, dt",
    source=WOODWORTH,
)
def factors_are_the_integral_of_their_velocity(impl, case):
    """What the factors gained is the integral of minus the gradient along the path, by Gauss-Legendre quadrature in time."""
    nodes, weights = (part.astype(float) for part in oracle.gauss())
    recorded = _flow(impl, case)
    for k in (0, len(case["times"]) - 1):
        start = case | {"u": recorded[0][k], "v": recorded[1][k]}
        end = 1 / _rate(start)
        u, v, _ = _flow(impl, start, times=np.append(end * nodes, end))
        slopes = [fac.gradient(start | {"u": a, "v": b}) for a, b in zip(u[:-1], v[:-1], strict=True)]
        for name, path, before, side in (("u", u, start["u"], 0), ("v", v, start["v"], 1)):
            move = -end * sum(w * slope[side] for w, slope in zip(weights, slopes, strict=True))
            compare(path[-1], (before + move).astype(float), 4 * STEPS * RTOL * _size(u, v), why=name)


@law(
    cases=FLOWS,
    needs=("factor_flow",),
    grade="numerical",
    equation=r"(U, V)(s + t) = (U, V)(t) \circ (U, V)(s)",
    source=CALCULUS,
)
def factor_flows_continue(impl, case):
    """Flow goes on from a recorded row; at time 0 the start is recorded; losses are those of their rows."""
    end = float(case["times"][-1])
    u, v, value = _flow(impl, case)
    identical(u[0], case["u"], why="U at time 0")
    identical(v[0], case["v"], why="V at time 0")
    part = _flow(impl, case, times=np.array([end / 3]))
    rest = _flow(impl, case, u=part[0][0].copy(), v=part[1][0].copy(), times=np.array([2 * end / 3]))
    for name, got, want in zip("uv", rest, (u, v), strict=False):
        compare(got[0], want[-1], 10 * STEPS * RTOL * _size(u, v), why=f"{name} in two parts")
    for k in range(len(value)):
        now = case | {"u": u[k], "v": v[k]}
        residual, *_ = fac.sizes(now)
        here = np.abs((fac.measured(case["a"], u[k], v[k]) - long(case["y"])).astype(float))
        off = EPS * fac.roundings(case) * residual
        expected = float(fac.loss(case["a"], case["y"], long(u[k]), long(v[k])))
        compare(value[k], expected, float((off * (2 * here + off)).sum()) + len(here) * EPS * expected, why=f"loss {k}")
    holds(bool((np.diff(value) < 0).all()), why="losses fall", got=value)


@law(
    cases=FLOWS,
    needs=("factor_flow", "gradient_flow"),
    grade="numerical",
    equation=r"U = [\mathrm{diag}\, u, \mathrm{diag}\, v],\ V = [\mathrm{diag}\, u, -\mathrm{diag}\, v]:"
    r"\ M = \mathrm{diag}(u^2 - v^2)",
    source=WOODWORTH,
)
def diagonal_flow_is_a_factor_flow(impl, case):
    """With diagonal measurements and paired columns the flow is that of the diagonal net of depth 2, half as fast."""
    x, times = case["a"][:, :, 0], case["times"][1:]
    p = x.shape[1]
    u, v = 0.3 + np.abs(case["u"][:, 0]), 0.2 + np.abs(case["u"][::-1, 0])
    pair = {"u": np.hstack([np.diag(u), np.diag(v)]), "v": np.hstack([np.diag(u), -np.diag(v)])}
    got = _flow(impl, case, a=np.stack([np.diag(row) for row in x]), times=times, **pair)
    want = impl.gradient_flow(x, case["y"], u, v, times / 2, 2)
    room = 10 * STEPS * RTOL * _size(*want[:2])
    for k in range(len(times)):
        compare(got[0][k][:, :p], np.diag(want[0][k]), room, why=f"u at time {k}")
        compare(got[0][k][:, p:], np.diag(want[1][k]), room, why=f"v at time {k}")


# --- limit -----------------------------------------------------------------------------------------------------------------
def _limit(impl, case):
    u, v, matrix, time = impl.factor_limit(*(case[name] for name in ("a", "y", "u", "v")))
    return np.asarray(u), np.asarray(v), np.asarray(matrix), float(time)


@law(
    cases=LIMITS,
    needs=("factor_limit",),
    grade="numerical",
    equation=r"|\langle A_m, M \rangle - y_m| \le 10^{-8}, \quad M = U V^\top",
)
def factors_fit_in_the_limit(impl, case):
    """Flow ends where the measurements fit, with M = U V^T, and the balance is that of the start."""
    u, v, matrix, time = _limit(impl, case)
    now = case | {"u": u, "v": v}
    residual, *_ = fac.sizes(now)
    compare(
        fac.measured(case["a"], u, v).astype(float),
        case["y"],
        RESIDUAL + EPS * fac.roundings(case) * residual,
        why="<A, M>",
    )
    compare(
        matrix, (long(u) @ long(v).T).astype(float), EPS * (u.shape[1] + 2) * (np.abs(u) @ np.abs(v).T), why="U V^T"
    )
    before = case["u"].T @ case["u"] - case["v"].T @ case["v"]
    compare(u.T @ u - v.T @ v, before, STEPS * RTOL * 4 * _size(u, v) ** 2 * len(u), why="the balance")
    holds(time > 0, why="it took time", got=time)


@law(
    cases=ENDS,
    needs=("factor_limit",),
    grade="numerical",
    equation=r"U U^\top = V V^\top = \mu I,\ U V^\top = 0 \Rightarrow M_\infty = \mu \sinh(\textstyle\sum_m \nu_m A_m)",
    source=WOODWORTH,
)
def orthogonal_rows_end_at_the_wide_limit(impl, case):
    """From orthogonal rows of length root mu flow ends where infinitely wide factors do: at mu sinh of the measurements."""
    u, v, matrix, _ = _limit(impl, case)
    basis, spectra, mu = case["basis"], case["spectra"], case["mu"]
    inside = basis.T @ matrix @ basis
    room = STEPS * RTOL * 4 * _size(u, v) ** 2 * len(u)
    compare(inside - np.diag(np.diag(inside)), np.zeros_like(inside), room, why="off the common basis")
    angle = np.arcsinh(long(np.diag(inside)) / mu)
    # steps move U and V relatively to their largest entry, and the angle by that over the smallest: root mu e^{-angle/2}
    most = float(np.exp(2 * np.abs(angle).max()))
    left = known.off_rows(spectra, angle).astype(float)
    compare(left, np.zeros(len(left)), STEPS * RTOL * 4 * len(u) * most, why="angles off the row space")


@law(
    cases=ENDS,
    needs=("factor_limit", "width_law"),
    grade="numerical",
    equation=r"M_\infty(U, V) = M(\mu)",
    source=WOODWORTH,
)
def flow_and_law_of_width_agree(impl, case):
    """What flow ends at from orthogonal rows is what the law of width says without any flow."""
    want, sigma, _ = (np.asarray(part) for part in impl.width_law(case["a"], case["y"], case["mu"]))
    sigma = np.diag(case["basis"].T @ want @ case["basis"])
    angle = np.arcsinh(sigma / case["mu"])
    off = STEPS * RTOL * 4 * len(sigma) * np.exp(2 * np.abs(angle).max()) * np.ones(len(sigma))
    room = known.reach(case["spectra"], case["y"], sigma, case["mu"] * np.cosh(angle), off, 64.0, RESIDUAL)
    compare(_limit(impl, case)[2], want, float(np.linalg.norm(room)), why="the matrix")


@law(cases=LIMITS, needs=("factor_limit", "factor_flow"), grade="numerical", equation=r"(U, V)(T) = (U, V)_\infty")
def time_of_the_factors_limit(impl, case):
    """The time is when the flow is there, and at half of it, it was not yet."""
    u, v, _, time = _limit(impl, case)
    path = _flow(impl, case, times=np.array([time / 2, time]))
    for name, got, want in zip("uv", path, (u, v), strict=False):
        compare(got[1], want, 2 * STEPS * RTOL * _size(u, v), why=name)
    before = (fac.measured(case["a"], path[0][0], path[1][0]) - long(case["y"])).astype(float)
    holds(
        bool(np.abs(before).max() > RESIDUAL),
        why="the largest residual at half of the time",
        got=before,
        expected=RESIDUAL,
    )


# --- contracts -------------------------------------------------------------------------------------------------------------
FACTOR_FLOW_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "factor_flow",
        ("a", "y", "u", "v", "times"),
        ("u", "v", "loss"),
        FLOWS,
        "Gradient flow on a matrix factorisation, recorded at some times.",
        laws=(
            balance_along_the_flow,
            factors_are_the_integral_of_their_velocity,
            factor_flows_continue,
            diagonal_flow_is_a_factor_flow,
        ),
        planted=bugs_of("factor_flow"),
        terms=lambda case: solved(_size(case["u"], case["v"]), STEPS * RTOL),
    ),
    Contract(
        "factor_limit",
        ("a", "y", "u", "v"),
        ("u", "v", "matrix", "time"),
        LIMITS,
        "Where gradient flow on a matrix factorisation ends.",
        laws=(
            factors_fit_in_the_limit,
            orthogonal_rows_end_at_the_wide_limit,
            flow_and_law_of_width_agree,
            time_of_the_factors_limit,
        ),
        planted=bugs_of("factor_limit"),
        free=("time",),
        terms=lambda case: solved(_size(case["u"], case["v"]), STEPS * RTOL + 10 * RESIDUAL),
    ),
)
