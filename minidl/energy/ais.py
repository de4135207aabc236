r"""Annealed importance sampling: an unbiased estimate of $Z$ for machines too large to enumerate.

A run starts at a model without hidden connections and visible biases $b^A$, whose $Z_0 = 2^{n_H} \prod_i (1 +
e^{b^A_i})$ is known, and is led to the machine over temperatures $0 = \beta_0 < \dots < \beta_M = 1$:

$$\log p^*_\beta(v) = (1-\beta)\, b^{A\top} v + \beta\, b^\top v + \sum_j \mathrm{sp}(\beta (v^\top W + a)_j)$$
$$\log w = \sum_{k=1}^{M} [\log p^*_{\beta_k}(v_k) - \log p^*_{\beta_{k-1}}(v_k)], \qquad \hat Z = Z_0\, \overline w$$

with $v_1 \sim p_{\beta_0}$ and $v_{k+1}$ from one Gibbs sweep at $\beta_k$: $h_j \sim \sigma(\beta_k (v^\top W +
a)_j)$, $v_i \sim \sigma((1-\beta_k) b^A_i + \beta_k (b + W h)_i)$. $E \hat Z = Z$ for every schedule, hence $E \log
\hat Z \le \log Z$: few temperatures give too small a $\log Z$, and too large a likelihood, with error bars that do
not know it.

Source. Salakhutdinov, Murray, "On the Quantitative Analysis of Deep Belief Networks", ICML 2008, section 3.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from minidl.border import generator
from minidl.energy import border
from minidl.energy.averages import log_mean
from minidl.energy.results import Estimate, Parameters
from minidl.energy.units import sigmoid, softplus

Noise = Iterable[tuple[np.ndarray, np.ndarray]]  # (u_h, u_v) for each sweep


def ais_log_weights(
    W: np.ndarray,
    b: np.ndarray,
    a: np.ndarray,
    base: np.ndarray,
    betas: np.ndarray,
    u_first: np.ndarray,
    u_h: np.ndarray,
    u_v: np.ndarray,
) -> np.ndarray:
    """log w of R annealing runs. base: (n_V,) visible biases at beta = 0; betas: (M + 1,) increasing from 0 to 1.

    u_first: (R, n_V) for v_1; u_h: (M - 1, R, n_H) and u_v: (M - 1, R, n_V) for the sweeps. Returns (R,) float64.
    Raises ValueError for shapes that do not fit, temperatures that do not rise from 0 to 1, parameters that are not
    finite.
    """
    theta, base, betas = _checked(W, b, a, base, betas)
    n_V, n_H = theta.W.shape
    u_first = border.uniforms("u_first", u_first, "runs", n_V)
    u_h = border.uniforms("u_h", u_h, len(betas) - 2, len(u_first), n_H)
    u_v = border.uniforms("u_v", u_v, len(betas) - 2, len(u_first), n_V)
    return _anneal(theta, base, betas, u_first, zip(u_h, u_v, strict=True))


def _checked(
    W: np.ndarray, b: np.ndarray, a: np.ndarray, base: np.ndarray, betas: np.ndarray
) -> tuple[Parameters, np.ndarray, np.ndarray]:
    theta = border.parameters(W, b, a)
    base, betas = border.real("base", base), border.real("betas", betas)
    if base.shape != theta.b.shape:
        raise ValueError(f"base must hold a bias for each visible unit, shape {theta.b.shape}, got {base.shape}")
    if betas.ndim != 1 or len(betas) < 2 or betas[0] != 0 or betas[-1] != 1 or not (np.diff(betas) > 0).all():
        raise ValueError(
            f"betas must increase from exactly 0 to exactly 1, got {betas}: use np.linspace(0, 1, 1001) for example"
        )
    return theta, base.astype(theta.W.dtype, copy=False), betas.astype(np.float64)


def _anneal(theta: Parameters, base: np.ndarray, betas: np.ndarray, u_first: np.ndarray, noise: Noise) -> np.ndarray:
    W, b, a = theta
    v = (u_first < sigmoid(base)).astype(W.dtype)  # (R, n_V)
    inputs = v @ W + a  # (R, n_H)
    log_w = np.zeros(len(v))  # float64 also for float32 parameters: a sum over thousands of temperatures
    sweeps, betas = iter(noise), betas.tolist()
    for k in range(1, len(betas)):
        before, beta = betas[k - 1], betas[k]  # Python's floats, which leave the arrays' dtype alone
        log_w += (beta - before) * (v @ (b - base))
        log_w += (softplus(beta * inputs) - softplus(before * inputs)).sum(axis=1)
        if k < len(betas) - 1:
            u_h, u_v = next(sweeps)
            h = (u_h < sigmoid(beta * inputs)).astype(W.dtype)  # (R, n_H)
            v = (u_v < sigmoid((1 - beta) * base + beta * (h @ W.T + b))).astype(W.dtype)  # (R, n_V)
            inputs = v @ W + a
    return log_w


def ais_log_partition(log_weights: np.ndarray, base: np.ndarray, n_H: int, level: float = 0.95) -> Estimate:
    """log Z from the weights of runs, with an interval at this level. log_weights: (R,), base: (n_V,), n_H: hidden units.

    The log of a mean of weights (never the mean of logs). Raises ValueError for no runs and values that are not finite.
    """
    base = border.real("base", base)
    log_z_0 = border.count("n_H", n_H) * np.log(2.0) + softplus(base.astype(np.float64)).sum()
    return log_mean(log_weights, offset=float(log_z_0), level=level)


def ais_base(x: np.ndarray) -> np.ndarray:
    """Visible biases of the independent model of the data, the usual base: log odds of each unit's mean. x: (N, n_V).

    As if one more example had every unit half on, so that units that never change stay finite. Returns (n_V,) float64.
    """
    x = border.batch("x", x, None, np.float64, probabilities=True)
    on = x.sum(axis=0) + 0.5
    return np.log(on) - np.log(len(x) + 1 - on)


def draw_ais(
    W: np.ndarray,
    b: np.ndarray,
    a: np.ndarray,
    *,
    base: np.ndarray | None = None,
    betas: np.ndarray | int = 1000,
    runs: int = 100,
    level: float = 0.95,
    rng: np.random.Generator,
    progress: bool | str = False,
) -> Estimate:
    """log Z by annealed importance sampling with noise from `rng` (u_first, then u_h and u_v sweep by sweep).

    base: visible biases at beta = 0, those of the machine if None (`ais_base` gives the data's); betas: the
    temperatures, or a number of equal steps; progress: True or a label shows a bar. Raises as `ais_log_weights`.
    """
    if isinstance(betas, int | np.integer):
        betas = np.linspace(0.0, 1.0, border.count("betas", betas) + 1)
    theta, base, betas = _checked(W, b, a, b if base is None else base, betas)
    runs, rng, dtype = border.count("runs", runs), generator(rng), theta.W.dtype
    n_V, n_H = theta.W.shape
    sweeps = range(len(betas) - 2)
    if progress:
        from tqdm.auto import tqdm

        sweeps = tqdm(sweeps, desc=progress if isinstance(progress, str) else "annealing", leave=False, disable=None)
    u_first = rng.random((runs, n_V), dtype)
    noise = ((rng.random((runs, n_H), dtype), rng.random((runs, n_V), dtype)) for _ in sweeps)
    return ais_log_partition(_anneal(theta, base, betas, u_first, noise), base, n_H, level)
