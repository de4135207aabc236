r"""Matrix factorisation $M = U V^\top$ with k columns: descent, flow, tangent kernel, and the limit of infinite width.

$$ L = \sum_m (\langle A_m, M\rangle - y_m)^2, \qquad G = \nabla_M L = 2 \sum_m (\langle A_m, M\rangle - y_m) A_m, \qquad
   \dot U = -G V, \quad \dot V = -G^\top U . $$

**Width as scale.** Entries are independent $N(0, \mu/k)$. Then $U U^\top \approx \mu I$ and the tangent kernel is about
$2\mu \langle A_i, A_j\rangle$, while $M \approx \mu k^{-1/2}$: as $k \to \infty$ at fixed $\mu$ the output starts at 0,
and $\mu$ alone decides between the rich ($\mu \to 0$) and the kernel regime ($\mu \to \infty$), as $\alpha$ does for
diagonal nets. For symmetric $A_m$ that commute, $(U \pm V)/\sqrt 2$ grow by $e^{\mp\int G}$, so that

$$ M = \mu \sinh\Bigl(\sum_m \nu_m A_m\Bigr) \quad\text{minimises}\quad \sum_i \tfrac\mu2\, q_2(2\sigma_i/\mu) $$

over the eigenvalues of all that commute and fit: $Q_\alpha$ with $\alpha^2 = \mu/2$.

**Depth.** A product $W_N \cdots W_1$ that starts balanced, $W_{j+1}^\top W_{j+1} = W_j W_j^\top$, moves in closed form;
its singular values by

$$ \dot M = -\sum_{j=1}^N (M M^\top)^{\frac{N-j}N}\, \nabla\ell\, (M^\top M)^{\frac{j-1}N}, \qquad
   \dot\sigma_r = -N \sigma_r^{2 - 2/N} \langle \nabla \ell, u_r v_r^\top \rangle . $$

Source. Woodworth, Gunasekar, Lee, Moroshko, Savarese, Golan, Soudry, Srebro, "Kernel and Rich Regimes in
Overparametrized Models", 2020, section on the width of matrix factorisation. Arora, Cohen, Hu, Luo, "Implicit
Regularization in Deep Matrix Factorization", 2019, theorem 3, for depth.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.border import count, generator
from minidl.theory import ode
from minidl.theory.kernel_rich import border
from minidl.theory.kernel_rich.interpolation import min_potential
from minidl.theory.kernel_rich.results import FactorLimit, Parameters, Path, Velocity, WidthLimit

EPS = np.finfo(float).eps


def factor_velocity(a: Any, y: Any, u: Any, v: Any) -> Velocity:
    """Minus the gradient in U and V. a: (m, p, r), y: (m,), u: (p, k), v: (r, k). Returns du (p, k), dv (r, k)."""
    a, y, u, v = border.factors(a, y, u, v)
    return Velocity(*_velocity(a, y, u, v))


def factor_descent(a: Any, y: Any, u: Any, v: Any, times: Any, step_size: float) -> Path:
    """Gradient descent, recorded after times[k] steps. a: (m, p, r), y: (m,), u: (p, k), v: (r, k).

    times: (K,), ascending. Returns u (K, p, k), v (K, r, k) and the loss (K,); float32 if all arrays are, else float64.
    Raises ValueError where it diverges, and for times that do not ascend; TypeError for times that are no integers.
    """
    a, y, u, v = border.factors(a, y, u, v)
    times, step_size = border.step_counts(times), a.dtype.type(border.number("step_size", step_size))
    path = Path(*(np.empty((len(times), *shape), a.dtype) for shape in (u.shape, v.shape, ())))
    done = 0
    with np.errstate(over="ignore", invalid="ignore"):
        for k, time in enumerate(times):
            for _ in range(time - done):
                du, dv = _velocity(a, y, u, v)
                u, v = u + step_size * du, v + step_size * dv
            done = time
            path.u[k], path.v[k], path.loss[k] = u, v, np.sum(_residual(a, y, u, v) ** 2)
            if not np.isfinite(path.loss[k]):
                raise ValueError(f"gradient descent diverged within {time} steps of {step_size:g}: take smaller ones")
    return path


def factor_flow(a: Any, y: Any, u: Any, v: Any, times: Any, rtol: float = 1e-10) -> Path:
    """Gradient flow at times (K,), ascending from 0 on. Arguments and result as `factor_descent`, in float64.

    rtol: error allowed in a step, relative to the largest entry. RuntimeError if it needs more than 20,000 steps.
    """
    a, y, u, v = (array.astype(np.float64) for array in border.factors(a, y, u, v))
    velocity, start, p = _stacked(a, y, u, v)
    states = ode.integrate(velocity, start, border.moments(times), border.number("rtol", rtol, 0, 1), entrywise=False)
    u, v = states[:, :p], states[:, p:]
    return Path(u, v, np.array([np.sum(_residual(a, y, *uv) ** 2) for uv in zip(u, v, strict=True)]))


def factor_limit(a: Any, y: Any, u: Any, v: Any, residual: float = 1e-8, rtol: float = 1e-10) -> FactorLimit:
    """Gradient flow until max |<A_m, M> - y_m| <= residual. a: (m, p, r), y: (m,), u: (p, k), v: (r, k).

    Returns u, v, matrix (p, r) and the time. RuntimeError if it needs more than 20,000 steps.
    """
    a, y, u, v = (array.astype(np.float64) for array in border.factors(a, y, u, v))
    residual = border.number("residual", residual)
    velocity, start, p = _stacked(a, y, u, v)
    state, time = ode.integrate_until(
        velocity,
        start,
        lambda at: np.abs(_residual(a, y, at[:p], at[p:])).max() <= residual,
        border.number("rtol", rtol, 0, 1),
        entrywise=False,
    )
    return FactorLimit(state[:p], state[p:], state[:p] @ state[p:].T, time)


def factor_kernel(a: Any, u: Any, v: Any) -> np.ndarray:
    r"""The tangent kernel $\langle A_i V, A_j V\rangle + \langle A_i^\top U, A_j^\top U\rangle$ (m, m).

    a: (m, p, r), u: (p, k), v: (r, k). Its expectation over `draw_factors` is $2\mu\langle A_i, A_j\rangle$.
    """
    a = border.real("a", a, "m", "p", "r")
    a, _, u, v = border.factors(a, np.zeros(len(a), a.dtype), u, v)
    left, right = (a @ v).reshape(len(a), -1), (np.swapaxes(a, 1, 2) @ u).reshape(len(a), -1)  # (m, p k), (m, r k)
    return left @ left.T + right @ right.T


def scaled_factors(noise_u: Any, noise_v: Any, mu: float) -> Parameters:
    """Factors of entries with variance mu / k, from standard normals noise_u (p, k) and noise_v (r, k)."""
    u = border.real("noise_u", noise_u, "p", "k")
    u, v = border.common(u, border.real("noise_v", noise_v, "r", u.shape[1]))
    root = u.dtype.type(np.sqrt(border.number("mu", mu) / u.shape[1]))
    return Parameters(u * root, v * root)


def draw_factors(p: int, r: int, k: int, mu: float, *, rng: np.random.Generator) -> Parameters:
    """`scaled_factors` on noise from the generator: u (p, k), then v (r, k)."""
    p, r, k, rng = count("p", p), count("r", r), count("k", k), generator(rng)
    return scaled_factors(rng.standard_normal((p, k)), rng.standard_normal((r, k)), mu)


def width_law(a: Any, y: Any, mu: float) -> WidthLimit:
    r"""Where flow of an infinitely wide factorisation ends: $M = \mu \sinh(\sum_m \nu_m A_m)$ that fits.

    a: (m, p, p), symmetric and commuting, y: (m,). Returns matrix (p, p), its eigenvalues (p,) in descending order,
    dual (m,). Raises ValueError for measurements that are not symmetric or do not commute, and for targets that no such
    matrix fits.
    """
    a, y = (array.astype(np.float64) for array in border.measurements(a, y))
    mu = border.number("mu", mu)
    basis = _common_basis(a)  # (p, p)
    spectra = np.einsum("pi,mpq,qi->mi", basis, a, basis)  # (m, p)
    sigma, dual, _ = min_potential(spectra, y, np.sqrt(mu / 2))
    return WidthLimit((basis * sigma) @ basis.T, np.sort(sigma)[::-1], dual)


def product_velocity(matrix: Any, gradient: Any, depth: int) -> np.ndarray:
    """dM/dt of a balanced product of `depth` factors, M (p, r), under the loss's gradient in M (p, r). Returns (p, r).

    Depth 1 is plain gradient flow. Raises ValueError for other shapes and depths below 1.
    """
    m, gradient, depth = _product(matrix, gradient, depth)
    left, sigma, right = np.linalg.svd(m)  # (p, p), (s,), (r, r)
    rows, columns = (np.pad(sigma, (0, n - len(sigma))) for n in m.shape)  # (p,), (r,) with zeros
    inside = left.T @ gradient @ right.T  # (p, r) the gradient between singular vectors
    factor = sum(
        np.outer(rows ** (2 * (depth - j) / depth), columns ** (2 * (j - 1) / depth)) for j in range(1, depth + 1)
    )
    return -left @ (factor * inside) @ right


def spectrum_velocity(matrix: Any, gradient: Any, depth: int) -> np.ndarray:
    r"""$\dot\sigma_r = -N\sigma_r^{2-2/N}\langle \nabla\ell, u_r v_r^\top\rangle$, in descending order of $\sigma_r$.

    matrix: M (p, r); gradient: the loss's in M (p, r); depth: N >= 1. Returns (min(p, r),). The formula is for singular
    values that differ.
    """
    m, gradient, depth = _product(matrix, gradient, depth)
    left, sigma, right = np.linalg.svd(m, full_matrices=False)
    return -depth * sigma ** (2 - 2 / depth) * np.einsum("ps,pr,sr->s", left, gradient, right)


def _product(matrix: Any, gradient: Any, depth: int) -> tuple[np.ndarray, np.ndarray, int]:
    m = border.real("matrix", matrix, "p", "r").astype(np.float64)
    return m, border.real("gradient", gradient, *m.shape).astype(np.float64), count("depth", depth)


def _residual(a: np.ndarray, y: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return a.reshape(len(a), -1) @ (u @ v.T).ravel() - y  # (m,)


def _velocity(a: np.ndarray, y: np.ndarray, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    gradient = 2 * (_residual(a, y, u, v) @ a.reshape(len(a), -1)).reshape(a.shape[1:])  # (p, r) G
    return -gradient @ v, -gradient.T @ u


def _stacked(a: np.ndarray, y: np.ndarray, u: np.ndarray, v: np.ndarray) -> tuple[ode.Velocity, np.ndarray, int]:
    p = len(u)
    return lambda at: np.concatenate(_velocity(a, y, at[:p], at[p:])), np.concatenate([u, v]), p


def _common_basis(a: np.ndarray) -> np.ndarray:
    """Orthonormal columns (p, p) that diagonalise all of a (m, p, p). ValueError unless symmetric and commuting."""
    if a.shape[1] != a.shape[2]:
        raise ValueError(f"a must hold square matrices (m, p, p), got {a.shape}: the width law is for symmetric ones")
    largest = np.abs(a).max(axis=(1, 2))  # (m,)
    for m, matrix in enumerate(a):
        if np.abs(matrix - matrix.T).max() > 8 * EPS * largest[m]:
            raise ValueError(f"a must hold symmetric matrices, a[{m}] is not: take (a + a.T) / 2 if it should be")
        for l, other in enumerate(a[:m]):
            apart = np.abs(matrix @ other - other @ matrix).max()
            if apart > 64 * len(matrix) * EPS * largest[m] * largest[l]:
                raise ValueError(
                    f"a must hold matrices that commute, a[{l}] and a[{m}] do not (their products differ by {apart:.3g}): "
                    "the law needs a common basis of eigenvectors; integrate factor_limit at a large width instead"
                )
    blocks = [np.eye(a.shape[1])]  # joint eigenspaces so far
    for matrix, size in zip(a, largest, strict=True):
        split = []
        for block in blocks:
            values, vectors = np.linalg.eigh(block.T @ matrix @ block)
            cuts = np.flatnonzero(np.diff(values) > np.sqrt(EPS) * size) + 1
            split.extend(np.split(block @ vectors, cuts, axis=1))
        blocks = split
    return np.concatenate(blocks, axis=1)
