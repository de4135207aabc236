r"""Diagonal linear nets of depth D: $f(x) = \langle u^D - v^D, x \rangle$, their gradients, descent and flow.

$$ \dot u = -D\, u^{D-1} \odot g, \qquad \dot v = +D\, v^{D-1} \odot g, \qquad
   g = \nabla_\beta L = 2 X^\top (X\beta - y), \qquad L = \|X\beta - y\|^2 . $$

$u v$ (depth 2) and $u^{2-D} + v^{2-D}$ (depth 3 and more) stay as they are: that is why the flow ends where it does.
Descent takes steps of $\eta$ along the same direction. Its tangent kernel is $D^2 X \operatorname{diag}(u^{2D-2} +
v^{2D-2}) X^\top$; where the loss is 0 the Hessian's non-zero eigenvalues are twice the kernel's, so that a step is
stable below $1/\lambda_{\max}$.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from minidl.implementations import implementation
from minidl.theory import ode
from minidl.theory.kernel_rich import border
from minidl.theory.kernel_rich.constraints import orthonormal_rows
from minidl.theory.kernel_rich.results import Limit, Path, Velocity


def predictor(u: Any, v: Any, depth: int = 2) -> np.ndarray:
    r"""$\beta = u^D - v^D$, entry by entry. u, v: (d,) of any sign. Returns (d,)."""
    u = border.real("u", u, "d")
    u, v = border.common(u, border.real("v", v, len(u)))
    depth = border.depth(depth)
    return u**depth - v**depth


def squared_loss(x: Any, y: Any, beta: Any) -> float:
    r"""$L = \|X\beta - y\|^2$: the sum of squares, without 1/2 or 1/n. x: (n, d), y: (n,), beta: (d,)."""
    x, y = border.examples(x, y)
    x, y, beta = border.common(x, y, border.real("beta", beta, x.shape[1]))
    residual = x @ beta - y  # (n,)
    return float(residual @ residual)


def flow_velocity(x: Any, y: Any, u: Any, v: Any, depth: int = 2) -> Velocity:
    """Minus the gradient of the loss in u and v. x: (n, d), y: (n,), u, v: (d,) of any sign. Returns du, dv (d,)."""
    x, y, u, v = border.diagonal_net(x, y, u, v)
    depth = border.depth(depth)
    return Velocity(*_velocity(x, y, u, v, depth))


def gradient_descent(x: Any, y: Any, u: Any, v: Any, times: Any, step_size: float, depth: int = 2) -> Path:
    """Gradient descent, recorded after times[k] steps. x: (n, d), y: (n,), u, v: (d,), times: (K,) ascending integers.

    times[0] = 0 records the start. Returns u, v (K, d) and the loss (K,). float32 if all arrays are, else float64.
    Raises ValueError where it diverges, and for times that do not ascend; TypeError for times that are no integers.
    """
    x, y, u, v = border.diagonal_net(x, y, u, v)
    times, depth = border.step_counts(times), border.depth(depth)
    step_size = x.dtype.type(border.number("step_size", step_size))
    path = Path(*(np.empty((len(times), *shape), x.dtype) for shape in (u.shape, v.shape, ())))
    done = 0
    with np.errstate(over="ignore", invalid="ignore"):
        for k, time in enumerate(times):
            for _ in range(time - done):
                du, dv = _velocity(x, y, u, v, depth)  # (d,), (d,)
                u, v = u + step_size * du, v + step_size * dv
            done = time
            residual = x @ (u**depth - v**depth) - y  # (n,)
            path.u[k], path.v[k], path.loss[k] = u, v, residual @ residual
            if not np.isfinite(path.loss[k]):
                raise ValueError(
                    f"gradient descent diverged within {time} steps of {step_size:g}: take smaller ones; near a "
                    "solution they must be below stability_edge"
                )
    return path


def train_diagonal(
    x: Any, y: Any, times: Any, step_size: float, *, alpha: float, depth: int = 2, impl: str = "kernels"
) -> Path:
    r"""`gradient_descent` from $u = v = \alpha\mathbf 1$, by the fast twin unless impl="reference". Errors as there."""
    functions = implementation(impl, reference=sys.modules[__name__], kernels="minidl_kernels.diagonal")
    x, y = border.common(*border.examples(x, y))
    start = np.full(x.shape[1], border.number("alpha", alpha), x.dtype)
    return Path(*functions.gradient_descent(x, y, start, start, border.step_counts(times), step_size, depth))


def gradient_flow(x: Any, y: Any, u: Any, v: Any, times: Any, depth: int = 2, rtol: float = 1e-12) -> Path:
    """Gradient flow at times (K,), ascending from 0 on. x: (n, d), y: (n,), u, v: (d,), positive.

    Returns as `gradient_descent`. rtol: error allowed in a step, relative to each parameter. float64. RuntimeError if
    it needs more than 20,000 steps.
    """
    x, y, start, depth = _start(x, y, u, v, depth)
    states = ode.integrate(_velocity_of(x, y, depth), start, border.moments(times), border.number("rtol", rtol, 0, 1))
    u, v = states[:, 0], states[:, 1]  # (K, d) each
    return Path(u, v, np.sum(((u**depth - v**depth) @ x.T - y) ** 2, axis=1))


def flow_limit(x: Any, y: Any, u: Any, v: Any, depth: int = 2, residual: float = 1e-11, rtol: float = 1e-13) -> Limit:
    """Gradient flow until max |X beta - y| <= residual. x: (n, d), y: (n,), u, v: (d,), positive.

    Returns u, v, beta (d,) and the time. Raises ValueError for targets that no beta fits, RuntimeError if it needs more
    than 20,000 steps.
    """
    x, y, start, depth = _start(x, y, u, v, depth)
    residual = border.number("residual", residual)
    orthonormal_rows(x, y)  # which says so if the residual has no way to 0
    (u, v), time = ode.integrate_until(
        _velocity_of(x, y, depth),
        start,
        lambda state: np.abs(x @ (state[0] ** depth - state[1] ** depth) - y).max() <= residual,
        border.number("rtol", rtol, 0, 1),
    )
    return Limit(u, v, u**depth - v**depth, time)


def tangent_kernel(x: Any, u: Any, v: Any, depth: int = 2) -> np.ndarray:
    r"""$D^2 X \operatorname{diag}(u^{2D-2} + v^{2D-2}) X^\top$: inner products of the predictions' gradients in (u, v).

    x: (n, d), u, v: (d,) of any sign. Returns (n, n). From $u = v = \alpha\mathbf 1$ it is $2 D^2 \alpha^{2D-2} X
    X^\top$.
    """
    x = border.real("x", x, "n", "d")
    x, u, v = border.common(x, border.real("u", u, x.shape[1]), border.real("v", v, x.shape[1]))
    power = border.depth(depth) - 1
    scaled = x * (np.hypot(u**power, v**power) * (power + 1))  # (n, d)
    return scaled @ scaled.T


def stability_edge(x: Any, u: Any, v: Any, depth: int = 2) -> float:
    """1 / the largest eigenvalue of `tangent_kernel`: where the loss is 0, descent is stable below this step size.

    Arguments as there. Raises ValueError for a net that does not react to its parameters (a kernel of 0).
    """
    largest = np.linalg.eigvalsh(tangent_kernel(x, u, v, depth).astype(np.float64))[-1]
    if not largest > 0:
        raise ValueError("the tangent kernel is 0 (all inputs or all parameters are): no step size changes anything")
    return float(1 / largest)


def conserved(u: Any, v: Any, depth: int = 2) -> np.ndarray:
    """What gradient flow conserves in each coordinate: u v at depth 2, u^(2-D) + v^(2-D) above. u, v: (d,) positive."""
    u = border.positive("u", u, "d")
    u, v = border.common(u, border.positive("v", v, len(u)))
    depth = border.depth(depth)
    return u * v if depth == 2 else u ** (2 - depth) + v ** (2 - depth)


def _velocity(x: np.ndarray, y: np.ndarray, u: np.ndarray, v: np.ndarray, depth: int) -> tuple[np.ndarray, np.ndarray]:
    residual = x @ (u**depth - v**depth) - y  # (n,)
    slope = 2 * depth * (residual @ x)  # (d,) D g
    return -(u ** (depth - 1)) * slope, v ** (depth - 1) * slope


def _velocity_of(x: np.ndarray, y: np.ndarray, depth: int) -> ode.Velocity:
    return lambda state: np.array(_velocity(x, y, state[0], state[1], depth))


def _start(x: Any, y: Any, u: Any, v: Any, depth: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    x, y, u, v = (array.astype(np.float64) for array in border.diagonal_net(x, y, u, v))
    return x, y, np.array([border.positive("u", u), border.positive("v", v)]), border.depth(depth)
