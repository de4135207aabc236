r"""Where training on separable data goes, and with which constants.

Direction. A super-polynomial tail leaves weight only to the examples of least margin, and $w / \|w\| \to \hat w /
\|\hat w\|$. With a polynomial tail of exponent p all examples keep theirs, and the direction tends to

$$v_p = \arg\min_{\|v\| = 1} \sum_n (z_n \cdot v)^{-p} ,$$

which tends to $\hat w / \|\hat w\|$ as $p \to \infty$, and to the largest $\sum_n \log z_n \cdot v$ as $p \to 0$: the
limit for the sub-polynomial tail $1 / \log u$.

Rate. For the exponential and the logistic loss $w(t) = \hat w \log t + \rho(t)$, and if no point on the margin has a
weight of 0, $\rho$ tends, in the span of the support vectors S, to the $\tilde w$ with
$\eta e^{-z_n \cdot \tilde w} = \alpha_n$: the minimiser of

$$\eta \sum_{n \in S} e^{-z_n \cdot w} + \hat w \cdot w ,$$

which also tells the $\alpha$ meant, where it is not unique. Hence, with $P$ the projection orthogonal to $\hat w$,

$$\lim_t\ \log t \cdot \mathrm{angle}(w, \hat w) = \frac{\|P \tilde w\|}{\|\hat w\|}, \qquad
\lim_t\ \log t \cdot \Bigl(\gamma - \min_n \frac{z_n \cdot w}{\|w\|}\Bigr)
  = \gamma \Bigl(\gamma^2\, \hat w \cdot \tilde w - \min_{n \in S} z_n \cdot \tilde w\Bigr) .$$

With the tail $e^{-u^\nu}$ both are divided by $\nu$: the order 1 / log t is the same for all. For
$w = \hat w g + \sigma$ has $(g + z_n \cdot \sigma)^\nu \approx g^\nu + \nu g^{\nu-1} z_n \cdot \sigma$ on S, so that
$\sigma \approx \tilde w / (\nu g^{\nu - 1})$, while $g^\nu \approx \log t$.

Normalised descent ("loss", steps $\eta_0 / \sqrt{t+1}$) is the flow with another clock,
$\log t_\mathrm{flow} \approx 2 \gamma^2 \eta_0 \sqrt t$: its gap is the same constant divided by that.

Source. Soudry, Hoffer, Nacson, Gunasekar, Srebro, "The Implicit Bias of Gradient Descent on Separable Data", 2018,
theorems 3 to 5; Nacson et al., "Convergence of Gradient Descent on Separable Data", 2019, arXiv:1803.01905, sections 3
and 4. The constants and the sub-polynomial limit are derived here.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minidl.theory.margin import border
from minidl.theory.margin.gaps import unit
from minidl.theory.margin.solver import HardMargin, hard_margin
from minidl.theory.margin.tails import tail_class

ON_MARGIN = 1e-9  # a row with z . w_hat at most 1 + this is on the margin
LEAST_WEIGHT = 1e-9  # of a point on the margin, relative to the largest; below it the data count as degenerate

Derivatives = tuple[np.ndarray, np.ndarray]  # gradient (k,), Hessian (k, k)


def limit_offset(z: np.ndarray, step_size: float = 1.0) -> np.ndarray:
    r"""$\tilde w$ (d,), to which $w(t) - \hat w \log t$ tends in the span of the support vectors (exponential, logistic).

    step_size: $\eta$ of gradient descent, 1 for the flow at time t; $\tilde w(\eta) = \tilde w(1) + \hat w \log \eta$.
    The part orthogonal to the support vectors, if there is one, depends on the start. Raises ValueError for degenerate
    data, where a point on the margin has a weight of 0 and $\rho$ grows; else as `hard_margin`.
    """
    hard = hard_margin(z)
    return _offset(border.inputs("z", z), hard)[0] + hard.w * np.log(border.positive("step_size", step_size))


def angle_constant(z: np.ndarray, tail: str = "exponential", power: float = 1.0) -> float:
    r"""The limit of log t times the angle between w(t) and $\hat w$, for super-polynomial tails.

    Raises ValueError as `limit_offset`, for other tails, and where the support vectors do not span R^d (the limit then
    depends on the start).
    """
    hard, offset, support, exponent = _constants(z, tail, power)
    rank = np.linalg.matrix_rank(support)
    if rank < len(hard.w):
        raise ValueError(
            f"the support vectors of z span {rank} of {len(hard.w)} dimensions: the angle's constant depends on the start "
            "there; gap_constant does not"
        )
    v = unit(hard.w)
    return float(np.linalg.norm(offset - (offset @ v) * v) * hard.margin / exponent)


def gap_constant(z: np.ndarray, tail: str = "exponential", power: float = 1.0) -> float:
    """The limit of log t times the margin gap, for super-polynomial tails; 0 for a single support vector.

    Raises ValueError as `limit_offset`, and for other tails.
    """
    hard, offset, support, exponent = _constants(z, tail, power)
    spread = hard.margin**2 * (hard.w @ offset) - (support @ offset).min()
    return float(hard.margin * max(spread, 0.0) / exponent)


def polynomial_direction(z: np.ndarray, p: float) -> np.ndarray:
    """v_p (d,), of norm 1: the limit for the polynomial tail u^-p, p > 0. Raises as `hard_margin`, ValueError for p <= 0."""
    return _power_direction(z, border.positive("p", p))


def limit_direction(z: np.ndarray, tail: str = "exponential", power: float = 1.0) -> np.ndarray:
    """The direction (d,), of norm 1, to which training with this tail converges. Raises as `hard_margin`."""
    power = border.tail(tail, power)
    if tail_class(tail) == "super_polynomial":
        return unit(hard_margin(z).w)
    return _power_direction(z, power if tail == "polynomial" else 0.0)


def _constants(z: np.ndarray, tail: str, power: float) -> tuple[HardMargin, np.ndarray, np.ndarray, float]:
    """The solution, the offset, the support vectors (m, d), and nu."""
    power = border.tail(tail, power)
    if tail_class(tail) != "super_polynomial":
        raise ValueError(
            f"tail must be super-polynomial, got {tail!r}: with others the direction tends to limit_direction(z, tail, power)"
        )
    hard = hard_margin(z)
    return hard, *_offset(border.inputs("z", z), hard), power


def _offset(z: np.ndarray, hard: HardMargin) -> tuple[np.ndarray, np.ndarray]:
    """The offset (d,) for steps of 1, and the support vectors (m, d)."""
    support = z[z @ hard.w <= 1 + ON_MARGIN]  # (m, d)
    _, sizes, axes = np.linalg.svd(support, full_matrices=False)
    axes = axes[sizes > len(z) * np.finfo(float).eps * sizes[0]]  # (k, d) of their span
    inside, goal = support @ axes.T, axes @ hard.w  # (m, k), (k,)

    def derivatives(x: np.ndarray) -> Derivatives:
        weights = np.exp(-inside @ x)
        return goal - weights @ inside, (inside.T * weights) @ inside

    # the weights add up to 1 / gamma^2; equal ones are where to start
    begin = np.linalg.lstsq(inside, np.full(len(support), -np.log(hard.dual.sum() / len(support))), rcond=None)[0]
    x = _newton(derivatives, begin, enough=lambda x: np.ptp(inside @ x) > -np.log(LEAST_WEIGHT))
    if np.ptp(inside @ x) > -np.log(LEAST_WEIGHT):
        where = np.flatnonzero(z @ hard.w <= 1 + ON_MARGIN)[np.argmax(inside @ x)]
        raise ValueError(
            f"z is degenerate: row {where} is on the margin, but has no weight in the solution, so that w - w_hat log t grows "
            "without a limit and gaps close as log log t / log t. Move or drop that row"
        )
    return x @ axes, support


def _power_direction(z: np.ndarray, p: float) -> np.ndarray:
    r"""The minimiser, of norm 1, of the convex function $\frac1p \log \sum_n (z_n \cdot v)^{-p} + \frac12 \|v\|^2$.

    Its gradient is $v - \sum_n q_n z_n / (z_n \cdot v)$ with q the normalised terms of the sum; at p = 0 they are
    equal.
    """
    hard = hard_margin(z)
    z = border.inputs("z", z) / hard.margin

    def derivatives(v: np.ndarray) -> Derivatives:
        u = z @ v
        if u.min() <= 0:
            return np.full(len(v), np.inf), np.eye(len(v))
        q = (u / u.min()) ** -p
        q = q / q.sum()  # (N,)
        pull = z / u[:, None]  # (N, d)
        mean = q @ pull
        centred = pull - mean
        hessian = np.eye(len(v)) + (pull.T * q) @ pull + p * (centred.T * q) @ centred
        return v - mean, hessian

    return unit(_newton(derivatives, unit(hard.w)))


def _newton(
    derivatives: Callable[[np.ndarray], Derivatives],
    x: np.ndarray,
    enough: Callable[[np.ndarray], bool] = lambda x: False,
) -> np.ndarray:
    """Where the gradient of a convex function is 0: Newton's steps, halved until it shrinks, to the last digit."""
    gradient, hessian = derivatives(x)
    while not enough(x):
        step, size = -np.linalg.solve(hessian, gradient), 1.0
        while True:
            tried, curvature = derivatives(x + size * step)
            if np.linalg.norm(tried) < (1 - size / 4) * np.linalg.norm(gradient):
                break
            size /= 2
            if size < 1e-9:  # what is left is rounding
                return x
        x, gradient, hessian = x + size * step, tried, curvature
    return x
