r"""Why weight decay lowers rank: a net of two linear layers, whose singular values can be followed by hand.

$$ L(A, B) = \tfrac12 \|A B - M\|_F^2 + \tfrac\lambda2 \bigl(\|A\|_F^2 + \|B\|_F^2\bigr), \qquad
   \nabla_A L = (A B - M) B^\top + \lambda A, \quad \nabla_B L = A^\top (A B - M) + \lambda B . $$

Since $\min_{AB = X} \tfrac12(\|A\|_F^2 + \|B\|_F^2) = \|X\|_*$, decay of the factors is a penalty on the sum of the
singular values of their product, and with $M = U \Sigma V^\top$

$$ \arg\min A B = U \max(\Sigma - \lambda, 0) V^\top, \qquad A^\top A = B B^\top : $$

modes below $\lambda$ vanish, where a decay of the product itself would only shrink them. Each balanced mode $s = ab$,
$a = b$, follows the gradient flow

$$ \dot s = 2 s (\kappa - s), \quad \kappa = \sigma - \lambda, \qquad
   s(t) = \frac{\kappa}{1 + (\kappa / s_0 - 1) e^{-2 \kappa t}} : $$

large singular values are learned first, one after the other, from a small start.

Source. The soft threshold: Cai, Candes, Shen, "A singular value thresholding algorithm for matrix completion", 2010,
theorem 2.1, with Srebro, Rennie, Jaakkola, "Maximum-margin matrix factorization", 2004, for the factors. The mode:
Saxe, McClelland, Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks", 2014,
section 1.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minidl.theory.spectral import border
from minidl.theory.spectral.ranks import thin_svd


class Factors(NamedTuple):
    """Two layers, or the gradients with respect to them."""

    a: np.ndarray  # (m, r)
    b: np.ndarray  # (r, n)


def soft_threshold(target: Any, decay: float) -> np.ndarray:
    r"""$U \max(\Sigma - \lambda, 0) V^\top$, (m, n): the product that decay of both factors leads to.

    target: (m, n); decay >= 0. Raises ValueError for another shape, entries that are not finite, a negative decay.
    """
    u, s, v = _modes(target, decay)
    return (u * s) @ v.T


def balanced_factors(target: Any, decay: float = 0.0) -> Factors:
    r"""The minimiser of width R: $A = U D$, $B = D V^\top$ with $D^2 = \max(\Sigma - \lambda, 0)$.

    All minimisers of that width are A Q, Q^T B with Q orthogonal. Arguments and errors as `soft_threshold`.
    """
    u, s, v = _modes(target, decay)
    return Factors(u * np.sqrt(s), np.sqrt(s)[:, None] * v.T)


def _modes(target: Any, decay: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    u, s, v = thin_svd(border.matrix("target", target))
    return u, np.maximum(s - border.number("decay", decay, 0), 0), v


def factor_objective(a: Any, b: Any, target: Any, decay: float = 0.0) -> float:
    """L(A, B). a: (m, r), b: (r, n), target: (m, n), decay >= 0. Raises ValueError for shapes that do not fit."""
    a, b, target, decay = _factored(a, b, target, decay)
    off = a @ b - target
    return float(((off * off).sum() + decay * ((a * a).sum() + (b * b).sum())) / 2)


def factor_gradients(a: Any, b: Any, target: Any, decay: float = 0.0) -> Factors:
    """The gradients of L with respect to A and B. Arguments and errors as `factor_objective`."""
    return _gradients(*_factored(a, b, target, decay))


def factor_descent(a: Any, b: Any, target: Any, decay: float, step_size: float, steps: int) -> Factors:
    """The factors after gradient descent on L, both updated from the same old values.

    a: (m, r), b: (r, n), target: (m, n); decay >= 0, step_size > 0, steps >= 0. Zero factors stay where they are: 0 is
    a saddle. Raises ValueError for shapes that do not fit, and when the factors stop being finite.
    """
    a, b, target, decay = _factored(a, b, target, decay)
    step_size, steps = border.number("step_size", step_size, 0, above=True), border.count("steps", steps, 0)
    a, b = a.copy(), b.copy()
    with np.errstate(over="ignore", invalid="ignore"):  # told below
        for _ in range(steps):
            da, db = _gradients(a, b, target, decay)
            a, b = a - step_size * da, b - step_size * db
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError(f"descent diverged: step_size = {step_size} is too large for these factors, lower it")
    return Factors(a, b)


def _gradients(a: np.ndarray, b: np.ndarray, target: np.ndarray, decay: float) -> Factors:
    off = a @ b - target  # (m, n)
    return Factors(off @ b.T + decay * a, a.T @ off + decay * b)


def _factored(a: Any, b: Any, target: Any, decay: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    a, b, target = (border.matrix(name, w) for name, w in (("a", a), ("b", b), ("target", target)))
    if a.shape[1] != len(b) or target.shape != (len(a), b.shape[1]):
        raise ValueError(f"a (m, r), b (r, n) and target (m, n) must fit, got {a.shape}, {b.shape} and {target.shape}")
    return a, b, target, border.number("decay", decay, 0)


def mode_curve(times: Any, sigma: float, start: float, decay: float = 0.0) -> np.ndarray:
    r"""s(t) of a balanced mode under gradient flow, (K,) float64: from `start` at t = 0 to $\max(\sigma - \lambda, 0)$.

    times: (K,) >= 0; sigma: the target's singular value, >= 0; start >= 0 (0 stays 0); decay >= 0.
    Written without $1 / s_0$ and $e^{+t}$, so that nothing overflows. Raises ValueError out of these ranges.
    """
    times = border.floats("times", times).astype(np.float64)
    if times.ndim != 1 or times.min() < 0:
        raise ValueError(f"times must be (K,) and not negative, got shape {times.shape}, least {times.min()}")
    sigma, start = border.number("sigma", sigma, 0), border.number("start", start, 0)
    kappa = sigma - border.number("decay", decay, 0)
    if start == 0:
        return np.zeros_like(times)
    left = np.exp(-2 * abs(kappa) * times)  # (K,)
    grown = 2 * times if kappa == 0 else -np.expm1(-2 * abs(kappa) * times) / abs(kappa)  # (K,) (1 - left) / |kappa|
    if kappa < 0:
        return start * left / (1 + start * grown)
    return start / (left + start * grown)
