"""Contrastive divergence on packed states, with the signatures of `minidl.energy`.

The means of v h(v)^T are a product with a binary side as well: transposed, packed states select rows of h(v).

`draw_cd_gradient` and `draw_pcd_gradient` take one number from `rng`, the seed of a counter-based generator that makes
all their noise: fast, and other noise than the reference draws from the same `rng`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minidl_kernels import simd_bits
from minidl_kernels.chains import HIDDEN, START, VISIBLE
from minidl_kernels.layers import NOWHERE, batch, probabilities, probability, uniform
from minidl_kernels.machines import Machine, parameters, passing_machine, sampled
from minidl_kernels.noise import place
from minidl_kernels.packing import transpose, unpack, word_count


class ChainStatistics(NamedTuple):
    vh: np.ndarray  # (n_V, n_H)
    v: np.ndarray  # (n_V,)
    h: np.ndarray  # (n_H,)
    state: np.ndarray  # (chains, n_H)


class Gradient(NamedTuple):
    dW: np.ndarray  # (n_V, n_H)
    db: np.ndarray  # (n_V,)
    da: np.ndarray  # (n_H,)


class ChainGradient(NamedTuple):
    dW: np.ndarray  # (n_V, n_H)
    db: np.ndarray  # (n_V,)
    da: np.ndarray  # (n_H,)
    state: np.ndarray  # (chains, n_H)


class Data(NamedTuple):
    """The data's side: what the hidden units get from it, and their probabilities."""

    x: np.ndarray  # (N, words) uint64, or (N, n_V) probabilities
    inputs: np.ndarray  # (N, 64 ceil(n_H / 64))
    p: np.ndarray  # (N, n_H)


class Chains(NamedTuple):
    """Where chains end."""

    x: np.ndarray  # (chains, words) uint64: the visible states
    p: np.ndarray  # (chains, n_H): the hidden probabilities given them
    h: np.ndarray  # (chains, words) uint64


class Given:
    """The noise of chains, from arrays (k, N, units)."""

    def __init__(self, u_v: Any, u_h: Any, chains: int, theta: Machine):
        self.u_v = uniform("u_v", u_v, "steps", chains, len(theta.b))
        self.u_h = uniform("u_h", u_h, len(self.u_v), chains, len(theta.a))
        self.steps = len(self.u_v)

    def __call__(self, t: int) -> tuple:
        return self.u_v[t], self.u_h[t], (NOWHERE, NOWHERE)


class Seeded:
    """The noise of k steps, from a seed that is drawn from rng."""

    def __init__(self, rng: Any, k: Any):
        if not isinstance(rng, np.random.Generator):
            raise TypeError(f"rng must be a NumPy generator, got {rng!r}: pass rng=np.random.default_rng(seed)")
        if isinstance(k, bool) or not isinstance(k, int | np.integer):
            raise TypeError(f"k must be an integer, got {k!r}")
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        self.seed, self.steps = int(rng.integers(1 << 64, dtype=np.uint64)), int(k)

    def __call__(self, t: int) -> tuple:
        return None, None, (place(self.seed, t, VISIBLE), place(self.seed, t, HIDDEN))


# --- the two sides ---------------------------------------------------------------------------------------------------------
def _data(x: Any, theta: Machine, allow_probabilities: bool) -> Data:
    n_V, n_H = theta.W.shape
    if not allow_probabilities:
        x = batch("x", x, n_V)
        inputs = theta.hidden_inputs(x)
    else:
        x = probabilities("x", x, n_V, theta.W.dtype)
        if x.ndim != 2 or len(x) == 0:
            raise ValueError(f"x must be (N, {n_V}) with at least one row, got shape {x.shape}")
        inputs = np.empty((len(x), 64 * word_count(n_H)), x.dtype)
        inputs[:, :n_H] = x @ theta.W
    return Data(x, inputs, probability(inputs, theta.a))


def _run(h: np.ndarray, theta: Machine, noise: Given | Seeded) -> Chains:
    for t in range(noise.steps):
        u_v, u_h, (place_v, place_h) = noise(t)
        v = theta.sample_visible(h, u_v, place_v)
        inputs = theta.hidden_inputs(v)
        h = sampled(inputs, 1.0, theta.a, u_h, place_h)
    return Chains(v, probability(inputs, theta.a), h)


def _from_data(data: Data, theta: Machine, u_start: Any, u_v: Any, u_h: Any) -> Chains:
    """Chains that start with h ~ p(h | x)."""
    u_start = uniform("u_start", u_start, *data.p.shape)
    h = sampled(data.inputs, 1.0, theta.a, u_start, NOWHERE)
    return _run(h, theta, Given(u_v, u_h, len(h), theta))


class Means(NamedTuple):
    vh: np.ndarray  # (n_V, n_H)
    v: np.ndarray  # (n_V,)
    h: np.ndarray  # (n_H,)


def _means(x: np.ndarray, p: np.ndarray, n_V: int) -> Means:
    """Means of x p^T, x and p over the rows, for packed states or probabilities x."""
    count = p.dtype.type(len(p))
    if x.dtype != np.uint64:
        return Means(x.T @ p / count, x.mean(axis=0), p.mean(axis=0))
    columns = transpose(x, n_V)  # (n_V, words): a bit per row
    return Means(simd_bits.float_product(columns, p / count), _share(columns, p, count), p.mean(axis=0))


def _gradient(data: Data, chains: Chains, theta: Machine) -> Gradient:
    """Positive minus negative means. Chains that come back to the data cancel to the last bit."""
    ascent = Gradient(*_means(data.x, data.p, len(theta.b)))
    columns, count = transpose(chains.x, len(theta.b)), chains.p.dtype.type(len(chains.p))
    simd_bits.subtract_rows(columns, chains.p / count, ascent.dW)
    np.subtract(ascent.db, _share(columns, chains.p, count), out=ascent.db)
    np.subtract(ascent.da, chains.p.mean(axis=0), out=ascent.da)
    return ascent


def _share(columns: np.ndarray, p: np.ndarray, count: np.floating) -> np.ndarray:
    """The part of the rows in which each unit is on, in the dtype of p."""
    return simd_bits.count_ones(columns).astype(p.dtype) / count


# --- statistics of chains --------------------------------------------------------------------------------------------------
def cd_statistics(
    x: Any, W: Any, b: Any, a: Any, u_start: Any, u_v: Any, u_h: Any, *, allow_probabilities: bool = False
) -> ChainStatistics:
    """Means of v h(v)^T, v and h(v) after k Gibbs steps from the data, and the chains' hidden states.

    x: (N, n_V). u_start: (N, n_H), u_v: (k, N, n_V), u_h: (k, N, n_H). Raises ValueError for shapes that do not fit,
    data that are not binary (unless `allow_probabilities`), no step, parameters that are not finite.
    """
    theta = passing_machine(*parameters(W, b, a))
    chains = _from_data(_data(x, theta, allow_probabilities), theta, u_start, u_v, u_h)
    return ChainStatistics(*_means(chains.x, chains.p, len(theta.b)), unpack(chains.h, len(theta.a), theta.W.dtype))


def pcd_statistics(h: Any, W: Any, b: Any, a: Any, u_v: Any, u_h: Any) -> ChainStatistics:
    """As `cd_statistics` from given hidden states h (chains, n_H). u_v: (k, chains, n_V), u_h: (k, chains, n_H)."""
    theta = passing_machine(*parameters(W, b, a))
    h = batch("h", h, len(theta.a))
    chains = _run(h, theta, Given(u_v, u_h, len(h), theta))
    return ChainStatistics(*_means(chains.x, chains.p, len(theta.b)), unpack(chains.h, len(theta.a), theta.W.dtype))


# --- gradients ---------------------------------------------------------------------------------------------------------------
def cd_gradient(
    x: Any, W: Any, b: Any, a: Any, u_start: Any, u_v: Any, u_h: Any, *, allow_probabilities: bool = False
) -> Gradient:
    """The CD-k estimate of the gradient of the mean log-likelihood. Arguments and errors as `cd_statistics`."""
    theta = passing_machine(*parameters(W, b, a))
    data = _data(x, theta, allow_probabilities)
    return _gradient(data, _from_data(data, theta, u_start, u_v, u_h), theta)


def pcd_gradient(
    x: Any, h: Any, W: Any, b: Any, a: Any, u_v: Any, u_h: Any, *, allow_probabilities: bool = False
) -> ChainGradient:
    """The PCD-k estimate of the gradient, and the chains' new states. x: (N, n_V); the rest as `pcd_statistics`."""
    theta = passing_machine(*parameters(W, b, a))
    h = batch("h", h, len(theta.a))
    chains = _run(h, theta, Given(u_v, u_h, len(h), theta))
    return _with_state(_gradient(_data(x, theta, allow_probabilities), chains, theta), chains, theta)


def draw_cd_gradient(
    x: Any, W: Any, b: Any, a: Any, *, k: int = 1, rng: np.random.Generator, allow_probabilities: bool = False
) -> Gradient:
    """`cd_gradient` with noise from a counter-based generator, whose seed is drawn from `rng`. k: Gibbs steps."""
    theta, noise = passing_machine(*parameters(W, b, a)), Seeded(rng, k)
    data = _data(x, theta, allow_probabilities)
    h = sampled(data.inputs, 1.0, theta.a, None, place(noise.seed, 0, START))
    return _gradient(data, _run(h, theta, noise), theta)


def draw_pcd_gradient(
    x: Any, h: Any, W: Any, b: Any, a: Any, *, k: int = 1, rng: np.random.Generator, allow_probabilities: bool = False
) -> ChainGradient:
    """`pcd_gradient` with noise from a counter-based generator, whose seed is drawn from `rng`. k: Gibbs steps."""
    theta, noise = passing_machine(*parameters(W, b, a)), Seeded(rng, k)
    chains = _run(batch("h", h, len(theta.a)), theta, noise)
    return _with_state(_gradient(_data(x, theta, allow_probabilities), chains, theta), chains, theta)


def _with_state(gradient: Gradient, chains: Chains, theta: Machine) -> ChainGradient:
    return ChainGradient(*gradient, unpack(chains.h, len(theta.a), theta.W.dtype))
