"""Diagonal nets in long double: loss and predictions from their definition, derivatives by complex step, descent with a bound.

A complex step of size 1e-2000 gives the derivative of a polynomial to the last digit: no formula of a gradient is needed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.laws.core import Case
from minidl.laws.kernel_rich.oracle import LONG, long

_STEP = LONG(10) ** -2000


def power(u: Any, depth: int) -> np.ndarray:
    """u^depth by multiplication, of complex numbers as well; 1 at depth 0."""
    u = np.asarray(u)
    out = np.ones_like(u)
    for _ in range(depth):
        out = out * u
    return out


def outputs(x: Any, u: Any, v: Any, depth: int) -> np.ndarray:
    """The predictions X (u^D - v^D), of complex parameters as well. (n,)"""
    return (long(x) * (power(u, depth) - power(v, depth))).sum(axis=-1)


def loss(x: Any, y: Any, u: Any, v: Any, depth: int) -> Any:
    """The sum of squared residuals."""
    residual = outputs(x, u, v, depth) - long(y)
    return (residual * residual).sum()


def derivatives(function: Any, u: Any, v: Any) -> np.ndarray:
    """d function(u, v) / d (u, v), stacked: (2 d, ...). By complex steps."""
    both = np.concatenate([np.ravel(long(u)), np.ravel(long(v))])
    cut, rows = np.size(u), []
    for i in range(len(both)):
        moved = both.astype(np.clongdouble)
        moved[i] += 1j * _STEP
        rows.append(np.imag(function(moved[:cut].reshape(np.shape(u)), moved[cut:].reshape(np.shape(v)))) / _STEP)
    return np.array(rows)


def jacobian(x: Any, u: Any, v: Any, depth: int) -> np.ndarray:
    """Derivatives of the predictions. (2 d, n)"""
    return derivatives(lambda a, b: outputs(x, a, b, depth), u, v)


def gradient(case: Case) -> np.ndarray:
    """Of the loss, in u and then v. (2 d,)"""
    x, y, depth = (case[name] for name in ("x", "y", "depth"))
    return derivatives(lambda a, b: loss(x, y, a, b, depth), case["u"], case["v"])


def sizes(case: Case, u: Any = None, v: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """Magnitudes before anything cancels: of each residual (n,), and of each velocity (2, d)."""
    x, y, depth = np.abs(case["x"]).astype(float), np.abs(case["y"]).astype(float), case["depth"]
    u, v = (np.abs(case[name] if w is None else w).astype(float) for name, w in (("u", u), ("v", v)))
    residual = x @ (u**depth + v**depth) + y
    return residual, np.stack([u, v]) ** (depth - 1) * (2 * depth * (residual @ x))


def roundings(case: Case) -> int:
    """Of a velocity: two sums, over entries and over examples, two powers, and a few products."""
    n, d = np.shape(case["x"])
    return n + d + 2 * case["depth"] + 8


def largest_eigenvalue(matrix: Any) -> float:
    """Of a positive semidefinite matrix, by Gelfand's formula: log ||A^m||^(1/m) at m = 2^70, by squaring 70 times."""
    matrix, log, share = long(matrix), LONG(0), LONG(1)
    for _ in range(70):
        size = np.abs(matrix).max()
        if size == 0:
            return 0.0
        log, share = log + share * np.log(size), share / 2
        matrix = matrix / size
        matrix = matrix @ matrix
    return float(np.exp(log))


# --- descent ---------------------------------------------------------------------------------------------------------------
def hessian_norm(case: Case, u: np.ndarray, v: np.ndarray, step: float) -> float:
    """||I - step H||, by how much a step stretches a small error. For a tolerance."""
    x, y, depth = np.asarray(case["x"], float), np.asarray(case["y"], float), case["depth"]
    u, v = np.asarray(u, float), np.asarray(v, float)
    slope = 2 * (x @ (u**depth - v**depth) - y) @ x  # (d,)
    j = depth * np.concatenate([u ** (depth - 1), -(v ** (depth - 1))]) * np.concatenate([x, x], axis=1)  # (n, 2 d)
    bend = depth * (depth - 1) * np.concatenate([u ** (depth - 2) * slope, -(v ** (depth - 2)) * slope])
    return float(np.linalg.norm(np.eye(len(bend)) - step * (2 * j.T @ j + np.diag(bend)), 2))


def descended(case: Case, eps: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """u, v (K, d) and loss (K,) after times[k] steps, and how far rounding may carry the parameters (K,) and the losses (K,).

    What the parameters are off by grows by ||I - step H|| a step, and each step adds the rounding of its own terms.
    """
    x, y, depth, step = case["x"], case["y"], case["depth"], float(case["step_size"])
    if np.asarray(x).dtype == np.float32:
        step = float(np.float32(step))
    u, v, done, off, rows = long(case["u"]), long(case["v"]), 0, 0.0, []
    for time in case["times"]:
        for _ in range(done, int(time)):
            now = case | {"u": u, "v": v}
            _, velocity = sizes(case, u, v)
            moved = gradient(now).reshape(2, -1)
            added = roundings(case) * step * velocity + np.abs(np.stack([u, v])).astype(float)
            off = off * hessian_norm(case, u, v, step) + eps * float(np.linalg.norm(added))
            u, v = u - step * moved[0], v - step * moved[1]
        done = int(time)
        residual, velocity = sizes(case, u, v)
        value = loss(x, y, u, v, depth)
        here = np.abs((outputs(x, u, v, depth) - long(y)).astype(float))
        spread = eps * roundings(case) * residual + np.linalg.norm(jacobian(x, u, v, depth).astype(float), 2) * off
        rows.append((u, v, value, off, float((spread * (2 * here + spread)).sum() + len(here) * eps * float(value))))
    return tuple(np.array([row[k] for row in rows]) for k in range(5))
