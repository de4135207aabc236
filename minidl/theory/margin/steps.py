r"""Gradient descent on separable data: constant steps, and steps that grow as the loss falls.

With $u = Z w$ and $-\nabla L(w) = \sum_n -\ell'(u_n)\, z_n$, step t = 0, 1, ... is one of

$$w \leftarrow w - \eta \nabla L(w) \quad\text{(constant)}, \qquad
w \leftarrow w - \eta_t \frac{\nabla L(w)}{L(w)} \quad\text{("loss")}, \qquad
w \leftarrow w - \eta_t \frac{\nabla L(w)}{\|\nabla L(w)\|} \quad\text{("unit")}, \qquad
\eta_t = \frac{\eta_0}{\sqrt{t + 1}} .$$

The loss falls below the smallest double long before the direction has converged. So L is never formed: the weights of
the examples are exponentials of differences of logarithms, for the exponential loss the softmax of -u.

How fast. The margin gap closes as 1 / log t with constant steps, and as $\log t / \sqrt t$ at most with growing ones;
for the exponential loss, w = 0 at the start and $\max_n \|z_n\| \le 1$, for every T:

$$\gamma - \frac{\min_n z_n \cdot w_T}{\|w_T\|} \le \frac{\tfrac12 \sum_{t<T} \eta_t^2 + \log N}{\gamma \sum_{t<T} \eta_t}
\ \text{("loss")}, \qquad \le \frac{\tfrac12 \sum_{t<T} \eta_t^2 + \log N}{\sum_{t<T} \eta_t} \ \text{("unit", once below }
\gamma\text{)}.$$

Source. Nacson, Lee, Gunasekar, Savarese, Srebro, Soudry, "Convergence of Gradient Descent on Separable Data", 2019,
arXiv:1803.01905, sections 4 and 5, which has "loss" for the exponential loss; the other losses and "unit" are
extensions. The bound with its constants follows from the smoothness of log L: see `normalised_bound`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minidl.theory.margin import border
from minidl.theory.margin.tails import log_loss, log_sum_exp, slope, smoothness

UPDATES = ("loss", "unit")

_ZETA = -1.4603545088095868  # zeta(1/2)
_EULER = 0.5772156649015329  # Euler's constant
_SUMMED = 1000  # sums up to here term by term


class Descent(NamedTuple):
    """Where descent was after given numbers of steps."""

    w: np.ndarray  # (K, d)
    log_loss: np.ndarray  # (K,) log of the sum of the losses


def descent(
    z: np.ndarray,
    w: np.ndarray,
    times: np.ndarray,
    step_size: float,
    tail: str = "exponential",
    power: float = 1.0,
) -> Descent:
    """Gradient descent with a constant step on the SUM of the losses (for a mean, divide step_size by N).

    z: signed inputs (N, d); w: the start (d,); times: numbers of steps (K,), strictly ascending integers >= 0;
    step_size > 0. Row k of the result is the state after times[k] steps. Raises ValueError for shapes and values out of
    range, zero rows, NaN and infinity, and where w becomes infinite; TypeError for times that are no integers and for
    no numbers.
    """
    z, w, times, power = _checked(z, w, times, tail, power)
    step_size = border.positive("step_size", step_size)
    rows = []
    with np.errstate(over="ignore", invalid="ignore"):  # told by _recorded
        for t in range(times[-1] + 1):
            if t:
                w = w + step_size * (np.exp(slope(z @ w, tail, power)) @ z)  # (N,) @ (N, d)
            if t == times[len(rows)]:
                rows.append(_finite(w, t, "step_size"))
    return _recorded(z, rows, tail, power)


def normalised_descent(
    z: np.ndarray,
    w: np.ndarray,
    times: np.ndarray,
    scale: float = 1.0,
    update: str = "loss",
    tail: str = "exponential",
    power: float = 1.0,
) -> Descent:
    """Gradient descent with steps scale / sqrt(t + 1) along -grad L / L ("loss") or -grad L / ||grad L|| ("unit").

    scale: eta_0 > 0, for inputs of norm at most 1. Where the gradient is exactly 0, w stays. Arguments, result and
    errors else as `descent`.
    """
    z, w, times, power = _checked(z, w, times, tail, power)
    scale, update = border.positive("scale", scale), border.choice("update", update, UPDATES)
    rows = []
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(times[-1] + 1):
            if t:
                w = w + scale / np.sqrt(t) * _normalised(z, w, update, tail, power)
            if t == times[len(rows)]:
                rows.append(_finite(w, t, "scale"))
    return _recorded(z, rows, tail, power)


def _normalised(z: np.ndarray, w: np.ndarray, update: str, tail: str, power: float) -> np.ndarray:
    """-grad L divided by L or by its own norm, (d,)."""
    u = z @ w  # (N,)
    a = slope(u, tail, power)  # (N,) log(-l')
    if update == "loss":
        return np.exp(a - log_sum_exp(a if tail == "exponential" else log_loss(u, tail, power))) @ z
    g = np.exp(a - a.max()) @ z  # the gradient up to a factor
    norm = np.linalg.norm(g)
    return g / norm if norm else g


def _checked(z: Any, w: Any, times: Any, tail: str, power: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    z = border.inputs("z", z)
    return z, border.weights("w", w, z.shape[1]), border.steps(times), border.tail(tail, power)


def _finite(w: np.ndarray, t: int, name: str) -> np.ndarray:
    if not np.isfinite(w).all():
        raise ValueError(
            f"w is no longer finite after {t} steps: a first margin far below 0 makes a gradient beyond 1e308; start nearer "
            f"to 0, or take a smaller {name} (default_step gives one that is safe)"
        )
    return w


def _recorded(z: np.ndarray, rows: list[np.ndarray], tail: str, power: float) -> Descent:
    w = np.array(rows)  # (K, d)
    return Descent(w, log_sum_exp(log_loss(w @ z.T, tail, power)))


# --- steps and bounds --------------------------------------------------------------------------------------------------
def default_step(z: np.ndarray, tail: str = "exponential", power: float = 1.0, w: np.ndarray | None = None) -> float:
    r"""A constant step with which the loss falls in every step: $1 / (\beta \sigma_{\max}^2(Z))$, half of the theorem's limit.

    The exponential loss is not smooth everywhere; its Hessian is at most L times the largest squared norm, and L falls
    from its value at the start w on (0 if not given). There the step is $1 / (\max(N, L(w)) \max_n \|z_n\|^2)$.
    Raises as `descent`.
    """
    z, power = border.inputs("z", z), border.tail(tail, power)
    start = np.zeros(z.shape[1]) if w is None else border.weights("w", w, z.shape[1])
    if tail == "exponential":
        log_start = log_sum_exp(-(z @ start))
        return float(np.exp(-max(np.log(len(z)), log_start)) / np.max(np.sum(z**2, axis=1)))
    return float(1 / (smoothness(tail, power) * np.linalg.norm(z, 2) ** 2))


def normalised_bound(times: np.ndarray, n: int, margin: float, update: str = "loss", scale: float = 1.0) -> np.ndarray:
    r"""The bound on the margin gap of `normalised_descent` after times steps, for the exponential loss from w = 0.

    It holds for $\max_n \|z_n\| \le 1$. Let $C = \frac12 \sum \eta_t^2 + \log N$. $\varphi = \log L$ is 1-smooth, so
    that a step lowers it by at least $(\eta - \eta^2 / 2) \|g\|^2$ ("loss") or $\eta \|g\| - \eta^2 / 2$ ("unit"),
    where $\gamma \le \|g\| \le 1$; the least margin is at least $-\varphi$. So the gap is at most $C / \|w_T\|$, with
    $\|w_T\| \ge w_T \cdot \hat w / \|\hat w\| \ge \gamma \sum \eta_t$. For "unit", where $\|w_T\| \le \sum \eta_t$, it
    is at most $C / \sum \eta_t$ once this is below $\gamma$; before that, the larger bound is returned, since steps
    that turn back can make w shorter.

    times: an integer >= 1, or (K,) of them, up to 1e15; n: the number of examples; margin: $\gamma$ > 0. Returns a
    number or (K,). Raises ValueError for values out of range, TypeError for what is no integer.
    """
    array = np.asarray(times)
    if array.dtype.kind not in "iu":
        raise TypeError(
            f"times must hold integers, numbers of steps, got {array.dtype}: round and convert with astype(int)"
        )
    if array.size == 0 or array.min() < 1:
        raise ValueError(f"times must be at least 1, got {array.min() if array.size else 'none'}")
    n, margin, scale = border.count("n", n), border.positive("margin", margin), border.positive("scale", scale)
    roots, inverses = _sums(array)
    bound = (scale**2 * inverses / 2 + np.log(n)) / (scale * roots)
    sharp = border.choice("update", update, UPDATES) == "unit"
    return np.where(sharp & (bound <= margin), bound, bound / margin)[()]


def _sums(times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sums of 1 / sqrt(t) and of 1 / t for t = 1, ..., T: added up, or by Euler and Maclaurin for T > 1000."""
    t = np.arange(1, _SUMMED + 1)
    T = np.maximum(times, _SUMMED).astype(float)
    roots = 2 * np.sqrt(T) + _ZETA + T**-0.5 / 2 - T**-1.5 / 24 + T**-3.5 / 384
    inverses = np.log(T) + _EULER + 1 / (2 * T) - 1 / (12 * T**2) + 1 / (120 * T**4)
    at = np.minimum(times, _SUMMED) - 1
    few = times <= _SUMMED
    return np.where(few, np.cumsum(t**-0.5)[at], roots), np.where(few, np.cumsum(1 / t)[at], inverses)
