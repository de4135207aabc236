"""Matrix factorisations M = U V^T in long double, and their cases."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.laws.core import Case, Cases
from minidl.laws.kernel_rich import nets as net
from minidl.laws.kernel_rich.diagonal_cases import single
from minidl.laws.kernel_rich.oracle import long


# --- mathematics -----------------------------------------------------------------------------------------------------------
def measured(a: Any, u: Any, v: Any) -> np.ndarray:
    """<A_m, U V^T>, of complex factors as well. (m,)"""
    return (long(a) * (u @ v.T)).sum(axis=(1, 2))


def loss(a: Any, y: Any, u: Any, v: Any) -> Any:
    """The sum of squared residuals."""
    residual = measured(a, u, v) - long(y)
    return (residual * residual).sum()


def gradient(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Of the loss, in U and in V, by complex steps."""
    u, v = case["u"], case["v"]
    flat = net.derivatives(lambda p, q: loss(case["a"], case["y"], p, q), u, v)
    return flat[: u.size].reshape(u.shape), flat[u.size :].reshape(v.shape)


def jacobian(case: Case) -> np.ndarray:
    """Derivatives of the measurements in U and V. (k (p + r), m)"""
    return net.derivatives(lambda p, q: measured(case["a"], p, q), case["u"], case["v"])


def sizes(case: Case, u: Any = None, v: Any = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Magnitudes before anything cancels: of each residual (m,), and of the velocities of U and V."""
    a = np.abs(case["a"]).astype(float)
    u, v = (np.abs(case[name] if w is None else w).astype(float) for name, w in (("u", u), ("v", v)))
    residual = (a * (u @ v.T)).sum(axis=(1, 2)) + np.abs(case["y"]).astype(float)
    slope = 2 * np.tensordot(residual, a, 1)  # (p, r)
    return residual, slope @ v, slope.T @ u


def roundings(case: Case) -> int:
    """Of a velocity: sums over the entries of a measurement, over measurements, over columns; and a few products."""
    m, p, r = case["a"].shape
    return m + p * r + case["u"].shape[1] + p + r + 8


def stretch(case: Case, u: np.ndarray, v: np.ndarray, step: float) -> float:
    """||I - step H|| at most: by how much a step stretches a small error. For a tolerance."""
    now = {"a": case["a"].astype(float), "u": np.asarray(u, float), "v": np.asarray(v, float)}
    j = jacobian(now).astype(float)
    residual = (measured(case["a"], long(u), long(v)) - long(case["y"])).astype(float)
    bend = 2 * np.tensordot(residual, now["a"], 1)
    return float(np.linalg.norm(np.eye(len(j)) - 2 * step * j @ j.T, 2) + step * np.linalg.norm(bend, 2))


def descended(case: Case, eps: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """U, V and the loss after times[k] steps, and how far rounding may carry the factors (K,) and the losses (K,)."""
    step = float(case["step_size"])
    if case["a"].dtype == np.float32:
        step = float(np.float32(step))
    u, v, done, off, rows = long(case["u"]), long(case["v"]), 0, 0.0, []
    for time in case["times"]:
        for _ in range(done, int(time)):
            _, *velocity = sizes(case, u, v)
            added = [
                roundings(case) * step * size + np.abs(part.astype(float))
                for size, part in zip(velocity, (u, v), strict=True)
            ]
            off = off * stretch(case, u, v, step) + eps * float(np.hypot(*(np.linalg.norm(part) for part in added)))
            du, dv = gradient(case | {"u": u, "v": v})
            u, v = u - step * du, v - step * dv
        done = int(time)
        residual, *_ = sizes(case, u, v)
        here = np.abs((measured(case["a"], u, v) - long(case["y"])).astype(float))
        spread = eps * roundings(case) * residual
        spread = spread + np.linalg.norm(jacobian(case | {"u": u, "v": v}).astype(float), 2) * off
        value = loss(case["a"], case["y"], u, v)
        rows.append((u, v, value, off, float((spread * (2 * here + spread)).sum() + len(here) * eps * float(value))))
    return tuple(np.array([row[k] for row in rows]) for k in range(5))


# --- cases -----------------------------------------------------------------------------------------------------------------
def turn(n: int, which: int) -> np.ndarray:
    """An orthogonal matrix (n, n): a product of two mirrors."""
    rng = np.random.default_rng(100 * n + which)
    out = np.eye(n)
    for _ in range(2):
        normal = rng.normal(size=n)
        out = out - 2 * np.outer(normal, normal @ out) / (normal @ normal)
    return out


def _drawn(rng: np.random.Generator, m: int, p: int, r: int, k: int) -> Case:
    return {
        "a": rng.normal(size=(m, p, r)).round(3),
        "y": rng.normal(size=m).round(3),
        "u": (0.7 * rng.normal(size=(p, k))).round(3),
        "v": (0.7 * rng.normal(size=(r, k))).round(3),
    }


def _stepped(case: Case) -> Case:
    residual, *_ = sizes(case)
    j = jacobian(case)
    bend = 2 * float(residual.sum()) * float(np.abs(case["a"]).max())
    return {"times": np.array([0, 1, 2, 7]), "step_size": float(0.2 / (net.largest_eigenvalue(j.T @ j) + bend))}


def factorisations(*, steps: bool = False) -> Cases:
    """Measurements and factors, in single precision too; with times and a step size well below the edge of stability."""

    def build(seed: int, shape: tuple[int, int, int, int]) -> Case:
        case = _drawn(np.random.default_rng(seed), *shape)
        return case | _stepped(case) if steps else case

    named = {
        "wide": build(1, (2, 2, 3, 5)),
        "tall": build(2, (3, 4, 2, 1)),
        "square": build(3, (2, 3, 3, 2)),
        "one": build(4, (1, 1, 1, 1)),
        "single": single(build(5, (2, 2, 3, 2))),
    }
    if steps:
        named["late"] = named["wide"] | {"times": np.array([5])}
        named["start_alone"] = named["wide"] | {"times": np.array([0])}

    def generated():
        from hypothesis import strategies as st

        one, few = st.integers(1, 2), st.integers(1, 3)
        return st.builds(build, st.integers(0, 9999), st.tuples(one, few, few, few))

    return Cases(named=named, generated=generated)


def commuting(rng: np.random.Generator, m: int, p: int) -> Case:
    """Symmetric measurements with a common basis, which the case holds beside their spectra (m, p)."""
    while True:
        spectra = rng.normal(size=(m, p)).round(3)
        if np.linalg.cond(spectra) < 10:
            break
    basis = turn(p, 1)
    a = (basis * spectra[:, None, :]) @ basis.T
    return {"a": (a + np.swapaxes(a, 1, 2)) / 2, "y": rng.normal(size=m).round(3), "basis": basis, "spectra": spectra}


def laws_of_width() -> Cases:
    """Commuting measurements, targets and mu."""
    rng = np.random.default_rng(0)
    diagonal = np.array([1.0, 0.4, 0.2])
    worked = {"a": np.diag(diagonal)[None], "y": np.ones(1), "basis": np.eye(3), "spectra": diagonal[None]}
    named = {f"worked_{mu:g}": worked | {"mu": mu} for mu in (2.0, 0.2, 0.02)}
    named["two"] = commuting(rng, 2, 4) | {"mu": 0.5}
    named["one_number"] = {
        "a": np.full((1, 1, 1), -0.5),
        "y": np.ones(1),
        "basis": np.eye(1),
        "spectra": np.full((1, 1), -0.5),
    }
    named["one_number"] |= {"mu": 0.3}
    twice = np.array([[1.0, 1.0, -0.5, 0.25]])
    turned = turn(4, 2)
    named["equal_eigenvalues"] = {
        "a": ((turned * twice) @ turned.T)[None],
        "y": np.ones(1),
        "basis": turned,
        "spectra": twice,
        "mu": 0.1,
    }
    planes = np.array([[1.0, 1.0, 1.25, 1.25], [2.0, 3.0, 2.0, 3.0]])
    named["planes"] = {
        "a": (turned * planes[:, None, :]) @ turned.T,
        "y": np.array([0.5, 1.5]),
        "basis": turned,
        "spectra": planes,
        "mu": 0.1,
    }
    for case in named.values():
        case["a"] = (case["a"] + np.swapaxes(case["a"], 1, 2)) / 2

    def build(seed: int, mu: float) -> Case:
        rng = np.random.default_rng(seed)
        m = int(rng.integers(1, 3))
        return commuting(rng, m, int(rng.integers(m, 5))) | {"mu": mu}

    def generated():
        from hypothesis import strategies as st

        return st.builds(build, st.integers(0, 9999), st.sampled_from([0.01, 0.3, 5.0]))

    notes = {
        "equal_eigenvalues": "the basis is not unique, the matrix is",
        "planes": "each measurement alone leaves planes, which only the other one divides",
    }
    return Cases(named=named, generated=generated, notes=notes)


def products() -> Cases:
    """A matrix with its singular values and vectors, a gradient, and the number of factors."""

    def build(seed: int, p: int, r: int, depth: int) -> Case:
        rng = np.random.default_rng(seed)
        s = min(p, r)
        sigma = np.sort(0.2 + 0.4 * np.arange(s) + rng.uniform(0, 0.2, s).round(3))[::-1].copy()
        left, right = turn(p, seed % 5)[:, :s], turn(r, 5 + seed % 5)[:, :s]
        return {
            "matrix": (left * sigma) @ right.T,
            "gradient": rng.normal(size=(p, r)).round(3),
            "depth": depth,
            "left": left,
            "sigma": sigma,
            "right": right,
        }

    named = {f"depth_{depth}": build(depth, 3, 3, depth) for depth in (1, 2, 3, 5)}
    named["wide"], named["tall"] = build(7, 2, 4, 3), build(8, 4, 2, 2)
    named["one"] = build(9, 1, 1, 2)
    named["row"] = build(10, 1, 3, 3)

    def generated():
        from hypothesis import strategies as st

        size = st.integers(1, 4)
        return st.builds(build, st.integers(0, 9999), size, size, st.integers(1, 6))

    return Cases(named=named, generated=generated)
