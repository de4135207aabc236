r"""The potentials $q_D$ that diagonal nets minimise, their slopes $h_D^{-1}$, and what they add up to over a predictor.

Depth 2: $h_2(s) = 2 \sinh s$ and $q_2(z) = z\,(\operatorname{arcsinh}(z/2) - z / (2 + \sqrt{4 + z^2}))$, which is
$2 - \sqrt{4 + z^2} + z \operatorname{arcsinh}(z/2)$ without its cancellation: that form has no digit left below 1e-7.

Depth $D \ge 3$, with $p = D/(D-2)$ and $r = 2/(D-2) = p - 1$: substitute $s = \tanh w$. Then

$$ h_D(s) = (1-s)^{-p} - (1+s)^{-p} = 2 \sinh(p w) \cosh^p w, \qquad
   q_D(z) = 2 \sinh(p w) \sinh(w) \cosh^r w - \tfrac 2 r \bigl[ \cosh(r w) \cosh^r w - 1 \bigr] . $$

The gap $1 - s = 2 / (e^{2w} + 1)$ keeps its digits where s itself rounds to 1, and w where s is tiny. Since $1 \le
\cosh^p w \le \cosh(p w)$, the root of $h_D(\tanh w) = z > 0$ lies between $\operatorname{arcsinh}(z)/(2p)$ and
$\operatorname{arcsinh}(z/2)/p$.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.theory.kernel_rich import border
from minidl.theory.kernel_rich.results import Parameters


def link(s: Any, depth: int = 2) -> np.ndarray:
    r"""$h_D(s)$: $2 \sinh s$, or $(1-s)^{-D/(D-2)} - (1+s)^{-D/(D-2)}$ for $D \ge 3$ and $|s| < 1$. Any shape, float.

    Raises ValueError for |s| >= 1 at depth 3 or more, and where the result is beyond the floats.
    """
    s, depth = border.real("s", s), border.depth(depth)
    if depth == 2:
        return _within(lambda: 2 * np.sinh(s), "s")
    _inside(s)
    power = depth / (depth - 2)
    # (1-s)^-p - (1+s)^-p as 2 sinh(p artanh s) (1 - s^2)^(-p/2), which does not cancel for small s
    return _within(lambda: 2 * np.sinh(power * np.arctanh(s)) * ((1 - s) * (1 + s)) ** (-power / 2), "s")


def link_slope(s: Any, depth: int = 2) -> np.ndarray:
    r"""$h_D'(s)$: $2 \cosh s$, or $p\,[(1-s)^{-p-1} + (1+s)^{-p-1}]$, $p = D/(D-2)$. Shapes and errors as `link`."""
    s, depth = border.real("s", s), border.depth(depth)
    if depth == 2:
        return _within(lambda: 2 * np.cosh(s), "s")
    _inside(s)
    power = depth / (depth - 2)
    return _within(lambda: power * ((1 - s) ** (-power - 1) + (1 + s) ** (-power - 1)), "s")


def link_inverse(z: Any, depth: int = 2) -> np.ndarray:
    r"""$h_D^{-1}(z)$, the slope $q_D'(z)$ of the potential: $\operatorname{arcsinh}(z/2)$, or a root in (-1, 1).

    z: any shape. At depth 3 or more it rounds to 1 for large z: `link_gap` keeps the digits of the difference.
    """
    z, depth = border.real("z", z), border.depth(depth)
    return np.arcsinh(z / 2) if depth == 2 else (np.sign(z) * np.tanh(_root(np.abs(z), depth))).astype(z.dtype)


def link_gap(z: Any, depth: int) -> np.ndarray:
    r"""$1 - |h_D^{-1}(z)|$ for $D \ge 3$, to a few ulp of itself also where it is tiny, $|z|^{-(D-2)/D}$.

    z: any shape. Raises ValueError at depth 2, where the inverse is not bounded by 1.
    """
    z, depth = border.real("z", z), border.depth(depth)
    if depth == 2:
        raise ValueError("link_gap needs depth 3 or more: at depth 2 the slope arcsinh(z/2) is not bounded by 1")
    return _gap(np.abs(z), depth).astype(z.dtype)


def potential(z: Any, depth: int = 2) -> np.ndarray:
    r"""$q_D(z) = \int_0^z h_D^{-1}(s)\,ds$, even and convex, to a few ulp of itself. Any shape.

    $q_2 \approx z^2/4$ and $q_D \approx \frac{D-2}{4D} z^2$ for small z; $|z| \log |z| - |z|$ and $|z| - \frac D2
    |z|^{2/D}$ for large.
    """
    z, depth = border.real("z", z), border.depth(depth)
    if depth == 2:
        with np.errstate(over="ignore", under="ignore"):
            return z * (np.arcsinh(z / 2) - z / (2 + np.hypot(2, z)))
    r = 2 / (depth - 2)
    w = _root(np.abs(z), depth)
    with np.errstate(over="ignore", under="ignore"):
        raised = r * _log_cosh(w)
        first = np.abs(z).astype(np.float64) * np.tanh(w)  # z s
        return (first - 2 / r * np.expm1(_log_cosh(r * w) + raised)).astype(z.dtype)


def potential_curvature(z: Any, depth: int = 2) -> np.ndarray:
    r"""$q_D''(z) = 1/h_D'(h_D^{-1}(z))$: $(4 + z^2)^{-1/2}$ at depth 2. Any shape."""
    z, depth = border.real("z", z), border.depth(depth)
    if depth == 2:
        return 1 / np.hypot(2, z)
    power, gap = depth / (depth - 2), _gap(np.abs(z), depth)
    with np.errstate(under="ignore", over="ignore"):
        return (1 / (power * (gap ** (-power - 1) + (2 - gap) ** (-power - 1)))).astype(z.dtype)


def penalty(beta: Any, alpha: float, depth: int = 2) -> float:
    r"""$Q_\alpha^D(\beta) = \alpha^D \sum_i q_D(\beta_i/\alpha^D)$, what flow from $u = v = \alpha\mathbf 1$ minimises.

    beta: (d,). Raises ValueError for a scale that is not positive, or beyond what float64 resolves at this depth.
    """
    beta, depth = border.real("beta", beta, "d").astype(np.float64), border.depth(depth)
    scale = border.scale(alpha, depth)
    with np.errstate(over="ignore"):
        z = beta / scale
    if not np.isfinite(z).all():
        raise ValueError(
            f"beta / alpha ** depth is beyond float64 for alpha = {alpha:g}, depth {depth}: use a larger alpha"
        )
    return float(scale * potential(z, depth).sum())


def parameters_of(beta: Any, u0: Any, v0: Any, depth: int = 2) -> Parameters:
    r"""The only u, v > 0 with $u^D - v^D = \beta$ and the invariants of $(u_0, v_0)$, as flow from there has at $\beta$.

    beta, u0, v0: (d,), the latter positive. The invariants are $u v$ at depth 2, $u^{2-D} + v^{2-D}$ above. Returns u,
    v (d,).
    """
    beta, depth = border.real("beta", beta, "d").astype(np.float64), border.depth(depth)
    u0, v0 = border.started(u0, v0, len(beta), depth)
    if depth == 2:
        root = np.sqrt(u0) * np.sqrt(v0)
        half = np.arcsinh(beta / 2 / root / root) / 2
        return Parameters(root * np.exp(half), root * np.exp(-half))
    a = (u0 ** (2 - depth) + v0 ** (2 - depth)) / 2
    gap = _gap(np.abs(beta) * a ** (depth / (depth - 2)), depth)
    large, small = ((a * t) ** (-1 / (depth - 2)) for t in (gap, 2 - gap))
    return Parameters(np.where(beta < 0, small, large), np.where(beta < 0, large, small))


def bregman(beta: Any, u0: Any, v0: Any, depth: int = 2) -> float:
    r"""What flow from $(u_0, v_0)$ minimises: the Bregman divergence of $\beta$ from $\beta_0 = u_0^D - v_0^D$.

    $$ \sum_i u_0^2\, \psi_D(u/u_0) + v_0^2\, \psi_D(v/v_0), \qquad \psi_D(m) = m^D - 1 - \tfrac D2 (m^2 - 1), \quad
       \psi_2(m) = m^2 \log m^2 - m^2 + 1, $$

    with (u, v) = `parameters_of`(beta, u0, v0). At depth 2 that is $Q_c(\beta) - Q_c(\beta_0) - \langle \nabla
    Q_c(\beta_0), \beta - \beta_0\rangle$ for $Q_c = \sum c_i q(\beta_i/c_i)$, $c = u_0 v_0$; from $u_0 = v_0 =
    \alpha\mathbf 1$ it is $\alpha^{2-D} Q_\alpha^D$.
    """
    beta, depth = border.real("beta", beta, "d").astype(np.float64), border.depth(depth)
    u0, v0 = border.started(u0, v0, len(beta), depth)
    # As a multiple of the flat potential, whose terms do not cancel at a flat start as those of psi do near m = 1.
    if depth == 2:
        scale, slope, start = np.sqrt(u0) * np.sqrt(v0), np.log(u0) - np.log(v0), (u0 - v0) * (u0 + v0)
    else:
        a, b = u0 ** (2 - depth), v0 ** (2 - depth)
        scale, slope, start = ((a + b) / 2) ** (-1 / (depth - 2)), (b - a) / (a + b), u0**depth - v0**depth
    z, z0 = beta / scale**depth, start / scale**depth
    return float(scale**2 @ (potential(z, depth) - potential(z0, depth) - slope * (z - z0)))


def _root(z: np.ndarray, depth: int) -> np.ndarray:
    """w >= 0 with 2 sinh(p w) cosh(w)^p = z >= 0, in float64: Newton on the logarithm, kept inside the bracket."""
    z = z.astype(np.float64)
    p = depth / (depth - 2)
    low, high = np.arcsinh(z) / (2 * p), np.arcsinh(z / 2) / p
    w = low
    for _ in range(50):  # quadratic: 7 rounds at most in practice
        with np.errstate(all="ignore"):
            log_ratio = np.log(2 * np.sinh(p * w) / z) + p * _log_cosh(w)
            step = log_ratio / (p / np.tanh(p * w) + p * np.tanh(w))
        step = np.where(z > 0, step, 0.0)
        w_new = np.clip(w - step, low, high)
        if np.all(np.abs(w_new - w) <= 2 * np.finfo(float).eps * w):
            return w_new
        w = w_new
    return w


def _log_cosh(w: np.ndarray) -> np.ndarray:
    """log cosh w for w >= 0, to an ulp of itself: it is w^2 / 2 for small w, and w - log 2 for large."""
    return np.where(w < 1, np.log1p(np.sinh(np.minimum(w, 1)) ** 2) / 2, w + np.log1p(np.exp(-2 * w)) - np.log(2))


def _gap(z: np.ndarray, depth: int) -> np.ndarray:
    """1 - tanh w in float64, after one more Newton step on t^-p - (2 - t)^-p = z where t is small."""
    p = depth / (depth - 2)
    gap = 2 / (np.exp(2 * _root(z, depth)) + 1)
    with np.errstate(all="ignore"):
        large, small = gap**-p, (2 - gap) ** -p
        step = gap * (large - small - z) / (p * (large + small * gap / (2 - gap)))
    return np.where(gap < 0.5, gap + step, gap)


def _inside(s: np.ndarray) -> None:
    if not (np.abs(s) < 1).all():
        raise ValueError(
            f"s must lie strictly between -1 and 1 at depth 3 or more, got {s[~(np.abs(s) < 1)].flat[0]:g}"
        )


def _within(compute: Callable[[], np.ndarray], name: str) -> np.ndarray:
    with np.errstate(over="ignore"):
        found = compute()
    if not np.isfinite(found).all():
        raise ValueError(f"the link at this {name} is beyond the floats: it grows without bound, keep {name} smaller")
    return found
