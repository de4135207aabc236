r"""Contrastive divergence: the negative side of the gradient from a few Gibbs steps.

CD-k starts at the data, $h \sim p(h \mid x)$, and takes k steps $v \sim p(v \mid h)$, $\hat h = p(h \mid v)$, $h \sim
\hat h$; the last step's $v \hat h^\top$ stands for the model's $\langle v h^\top \rangle$. PCD-k does the same from
where the chains of the last batch ended. Cheap, and biased: the chains have not forgotten their start, and how much
is missing is not known.

In expectation CD-k is $\sum_v p_{data}(v)\,(T_{vis}^k)(v, \cdot)\, v \hat h(v)^\top$ with the visible chain's kernel:
zero gradient where the data's distribution is the model's, and the exact gradient as k grows.

Source. Hinton, "Training Products of Experts by Minimizing Contrastive Divergence", Neural Computation 2002 (CD);
Tieleman, "Training Restricted Boltzmann Machines using Approximations to the Likelihood Gradient", ICML 2008 (PCD).

Conventions. Hidden probabilities stand in both phases (less variance than samples, the same mean), and the chain samples both
layers. Some codes pass the visible probabilities on instead: that chain has another stationary law.
"""

from __future__ import annotations

import numpy as np

from minidl.border import generator
from minidl.energy import border
from minidl.energy.enumeration import _states, blocks
from minidl.energy.exact import _checked, hidden_kernel
from minidl.energy.rbm import _means, _step, gradient, positive_statistics
from minidl.energy.results import ChainGradient, ChainStatistics, Gradient, Parameters, Statistics
from minidl.energy.units import sigmoid, softplus


def cd_statistics(
    x: np.ndarray,
    W: np.ndarray,
    b: np.ndarray,
    a: np.ndarray,
    u_start: np.ndarray,
    u_v: np.ndarray,
    u_h: np.ndarray,
    *,
    allow_probabilities: bool = False,
) -> ChainStatistics:
    """Means of v h(v)^T, v and h(v) after k Gibbs steps from the data, and the chains' hidden states.

    x: (N, n_V). u_start: (N, n_H) for h ~ p(h | x), u_v: (k, N, n_V) and u_h: (k, N, n_H) for the steps; k is their
    length. The last of u_h makes `state` alone, from which persistent chains go on.
    Raises ValueError for shapes that do not fit, data that are not binary, no step, parameters that are not finite.
    """
    W, b, a = border.parameters(W, b, a)
    x = border.batch("x", x, W.shape[0], W.dtype, probabilities=allow_probabilities)
    start = (border.uniforms("u_start", u_start, len(x), W.shape[1]) < sigmoid(x @ W + a)).astype(W.dtype)
    return _chain(start, Parameters(W, b, a), u_v, u_h)


def pcd_statistics(
    h: np.ndarray, W: np.ndarray, b: np.ndarray, a: np.ndarray, u_v: np.ndarray, u_h: np.ndarray
) -> ChainStatistics:
    """As `cd_statistics` from given hidden states h (chains, n_H). u_v: (k, chains, n_V), u_h: (k, chains, n_H)."""
    W, b, a = border.parameters(W, b, a)
    return _chain(border.batch("h", h, W.shape[1], W.dtype), Parameters(W, b, a), u_v, u_h)


def _chain(h: np.ndarray, theta: Parameters, u_v: np.ndarray, u_h: np.ndarray) -> ChainStatistics:
    u_v = border.uniforms("u_v", u_v, "steps", len(h), theta.W.shape[0])
    u_h = border.uniforms("u_h", u_h, len(u_v), *h.shape)
    for noise_v, noise_h in zip(u_v, u_h, strict=True):
        v, p, h = _step(h, *theta, noise_v, noise_h)
    return ChainStatistics(*_means(v, p), h)


def cd_gradient(
    x: np.ndarray,
    W: np.ndarray,
    b: np.ndarray,
    a: np.ndarray,
    u_start: np.ndarray,
    u_v: np.ndarray,
    u_h: np.ndarray,
    *,
    allow_probabilities: bool = False,
) -> Gradient:
    """The CD-k estimate of the gradient of the mean log-likelihood. Arguments and errors as `cd_statistics`."""
    positive = positive_statistics(x, W, a, allow_probabilities=allow_probabilities)
    chains = cd_statistics(x, W, b, a, u_start, u_v, u_h, allow_probabilities=allow_probabilities)
    return gradient(positive, Statistics(chains.vh, chains.v, chains.h))


def pcd_gradient(
    x: np.ndarray,
    h: np.ndarray,
    W: np.ndarray,
    b: np.ndarray,
    a: np.ndarray,
    u_v: np.ndarray,
    u_h: np.ndarray,
    *,
    allow_probabilities: bool = False,
) -> ChainGradient:
    """The PCD-k estimate of the gradient, and the chains' new states. x: (N, n_V); the rest as `pcd_statistics`.

    There may be more or fewer chains than rows of x: both phases are means. The first batch starts its chains at the
    data: h = sample_hidden(x, W, a, u).
    """
    positive = positive_statistics(x, W, a, allow_probabilities=allow_probabilities)
    chains = pcd_statistics(h, W, b, a, u_v, u_h)
    return ChainGradient(*gradient(positive, Statistics(chains.vh, chains.v, chains.h)), chains.state)


def expected_cd_statistics(x: np.ndarray, W: np.ndarray, b: np.ndarray, a: np.ndarray, k: int) -> Statistics:
    """The expectation of `cd_statistics` over its noise, by enumeration. x: (N, n_V), k: steps. float64.

    Raises ValueError as `hidden_kernel` for machines too large, and for k < 1.
    """
    W, b, a = _checked(W, b, a)
    x = border.batch("x", x, W.shape[0], W.dtype)
    kernel = hidden_kernel(W, b, a)  # first, since it refuses what is too large
    hidden = _states(W.shape[1])
    q = np.exp(_log_bits(x @ W + a, hidden)).mean(axis=0)  # (2^n_H,) law of the hidden start
    for _ in range(border.count("k", k) - 1):
        q = q @ kernel
    total, to_visible = Statistics(np.zeros_like(W), np.zeros_like(b), np.zeros_like(a)), hidden @ W.T + b
    for block in blocks(W, a, b, width=len(hidden)):
        r = q @ np.exp(_log_bits(to_visible, block.states))  # (B,) law of the last visible state
        h_mean = sigmoid(block.inputs)  # (B, n_H)
        part = Statistics(block.states.T @ (r[:, None] * h_mean), r @ block.states, r @ h_mean)
        total = Statistics(*(before + more for before, more in zip(total, part, strict=True)))
    return total


def expected_cd_gradient(x: np.ndarray, W: np.ndarray, b: np.ndarray, a: np.ndarray, k: int) -> Gradient:
    """The expectation of `cd_gradient` over its noise. Arguments and errors as `expected_cd_statistics`."""
    return gradient(positive_statistics(x, W, a), expected_cd_statistics(x, W, b, a, k))


def _log_bits(inputs: np.ndarray, states: np.ndarray) -> np.ndarray:
    """log p(state | inputs) of independent units. inputs: (N, n), states: (M, n). Returns (N, M)."""
    return inputs @ states.T - softplus(inputs).sum(axis=1, keepdims=True)


def draw_cd_gradient(
    x: np.ndarray,
    W: np.ndarray,
    b: np.ndarray,
    a: np.ndarray,
    *,
    k: int = 1,
    rng: np.random.Generator,
    allow_probabilities: bool = False,
) -> Gradient:
    """`cd_gradient` with noise from `rng`, drawn in the order u_start, u_v, u_h."""
    W, b, a = border.parameters(W, b, a)
    k, rng, n = border.count("k", k), generator(rng), len(x)
    u_start = rng.random((n, W.shape[1]), W.dtype)
    u_v, u_h = rng.random((k, n, W.shape[0]), W.dtype), rng.random((k, n, W.shape[1]), W.dtype)
    return cd_gradient(x, W, b, a, u_start, u_v, u_h, allow_probabilities=allow_probabilities)


def draw_pcd_gradient(
    x: np.ndarray,
    h: np.ndarray,
    W: np.ndarray,
    b: np.ndarray,
    a: np.ndarray,
    *,
    k: int = 1,
    rng: np.random.Generator,
    allow_probabilities: bool = False,
) -> ChainGradient:
    """`pcd_gradient` with noise from `rng`, drawn in the order u_v, u_h."""
    W, b, a = border.parameters(W, b, a)
    k, rng, n = border.count("k", k), generator(rng), len(h)
    u_v, u_h = rng.random((k, n, W.shape[0]), W.dtype), rng.random((k, n, W.shape[1]), W.dtype)
    return pcd_gradient(x, h, W, b, a, u_v, u_h, allow_probabilities=allow_probabilities)
