r"""What a small machine is, exactly: partition function, distributions, moments, likelihood and gradient, by enumeration.

Sums run over the states of one layer, the other summed out in closed form: $Z = \sum_h e^{-\tilde F(h)}$ for as many
as 25 hidden units whatever the number of visible ones, and the other way round. Everything is in the log domain and
in float64 (also for float32 parameters), in blocks of a megabyte, so that 2^20 states beside 784 units take seconds
and no memory.

Arrays over all states of a layer are indexed by code: bit j of the index is unit j (`all_states`).
"""

from __future__ import annotations

import numpy as np

from minidl.energy import border
from minidl.energy.enumeration import CAP, Block, _states, blocks
from minidl.energy.rbm import _means, gradient
from minidl.energy.results import Gradient, Parameters, Statistics
from minidl.energy.units import log_sum_exp, sigmoid, softplus

_ESTIMATE = "estimate it with draw_ais or draw_tours"


def _checked(W: np.ndarray, b: np.ndarray, a: np.ndarray) -> Parameters:
    return Parameters(*(array.astype(np.float64, copy=False) for array in border.parameters(W, b, a)))


def _log_weights(block: Block) -> np.ndarray:
    """Minus the free energy of each state of a block. (B,)"""
    return block.linear + softplus(block.inputs).sum(axis=1)


def log_partition(W: np.ndarray, b: np.ndarray, a: np.ndarray) -> float:
    """log Z, by enumeration of the layer with fewer units. Raises ValueError if that has more than 25."""
    W, b, a = _checked(W, b, a)
    border.enumerable(min(W.shape), CAP, "exact log Z", _ESTIMATE)
    if W.shape[0] < W.shape[1]:
        W, b, a = W.T, a, b
    return log_sum_exp(np.array([log_sum_exp(_log_weights(block)) for block in blocks(W.T, b, a)]))


def hidden_distribution(W: np.ndarray, b: np.ndarray, a: np.ndarray) -> np.ndarray:
    """p(h) of every hidden state by code, (2^n_H,). Raises ValueError for more than 25 hidden units."""
    W, b, a = _checked(W, b, a)
    border.enumerable(W.shape[1], CAP, "the distribution of a layer", "sample it instead")
    p = np.empty(1 << W.shape[1])
    for block in blocks(W.T, b, a):
        p[block.start : block.start + len(block.states)] = _log_weights(block)
    p -= p.max()
    np.exp(p, out=p)  # in place: 2^25 states fill a quarter of a gigabyte
    p /= p.sum()
    return p


def visible_distribution(W: np.ndarray, b: np.ndarray, a: np.ndarray) -> np.ndarray:
    """p(v) of every visible state by code, (2^n_V,). Raises ValueError for more than 25 visible units."""
    W, b, a = _checked(W, b, a)
    return hidden_distribution(W.T, a, b)  # the same machine with its layers exchanged


def moments(W: np.ndarray, b: np.ndarray, a: np.ndarray) -> Statistics:
    """E[v h^T], E[v] and E[h] under the model, by enumeration of the smaller layer. Raises as `log_partition`."""
    W, b, a = _checked(W, b, a)
    border.enumerable(min(W.shape), CAP, "exact moments", "estimate them with tours or Gibbs chains")
    if W.shape[0] < W.shape[1]:
        exchanged = moments(W.T, a, b)
        return Statistics(exchanged.vh.T, exchanged.h, exchanged.v)
    vh, v, h, total, largest = np.zeros(W.shape), np.zeros_like(b), np.zeros_like(a), 0.0, -np.inf
    for block in blocks(W.T, b, a):
        log_weight = _log_weights(block)
        before, largest = largest, max(largest, log_weight.max())
        fade = np.exp(before - largest)  # sums so far are relative to the largest weight so far
        weight = np.exp(log_weight - largest)  # (B,)
        v_mean, weighted = sigmoid(block.inputs), weight[:, None] * block.states  # (B, n_V), (B, n_H)
        vh = fade * vh + v_mean.T @ weighted  # (n_V, n_H)
        v = fade * v + weight @ v_mean
        h = fade * h + weighted.sum(axis=0)
        total = fade * total + weight.sum()
    return Statistics(vh / total, v / total, h / total)


def log_likelihood(x: np.ndarray, W: np.ndarray, b: np.ndarray, a: np.ndarray) -> np.ndarray:
    """log p(x) = -F(x) - log Z of each row. x: (N, n_V). Returns (N,) float64. Raises as `log_partition`."""
    W, b, a = _checked(W, b, a)
    x = border.batch("x", x, W.shape[0], W.dtype)
    return x @ b + softplus(x @ W + a).sum(axis=1) - log_partition(W, b, a)


def log_likelihood_gradient(x: np.ndarray, W: np.ndarray, b: np.ndarray, a: np.ndarray) -> Gradient:
    """The gradient of the mean of `log_likelihood` over the rows of x (N, n_V). Raises as `log_partition`."""
    W, b, a = _checked(W, b, a)
    x = border.batch("x", x, W.shape[0], W.dtype)
    return gradient(_means(x, sigmoid(x @ W + a)), moments(W, b, a))


def hidden_kernel(W: np.ndarray, b: np.ndarray, a: np.ndarray) -> np.ndarray:
    """T(h, h') = sum over v of p(v | h) p(h' | v), the hidden chain's transition matrix by codes. Returns (2^n_H, 2^n_H).

    The visible chain's is hidden_kernel(W.T, a, b). Raises ValueError above 12 hidden units, and above 36 for 2 n_H +
    n_V (the logarithm of the work).
    """
    W, b, a = _checked(W, b, a)
    n_V, n_H = W.shape
    border.enumerable(n_H, 12, "the hidden chain's kernel", "use a smaller machine, or sample tours")
    border.enumerable(2 * n_H + n_V, 36, "the hidden chain's kernel, counting both of its hidden states,", "use fewer")
    hidden = _states(n_H)
    to_visible = hidden @ W.T + b  # (2^n_H, n_V)
    norm = softplus(to_visible).sum(axis=1)  # (2^n_H,)
    kernel = np.zeros((1 << n_H, 1 << n_H))
    for block in blocks(W, a, b, width=len(kernel)):
        p_v = np.exp(to_visible @ block.states.T - norm[:, None])  # (2^n_H, B) p(v | h)
        to_hidden = block.inputs  # (B, n_H)
        p_h = np.exp(to_hidden @ hidden.T - softplus(to_hidden).sum(axis=1, keepdims=True))  # (B, 2^n_H) p(h' | v)
        kernel += p_v @ p_h
    return kernel
