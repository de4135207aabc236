"""Residual gates, fused: the twin of `minidl.residual.gated` for its gated layers and the fully connected block.

At the widths of the method (50) everything lives in the first two cache levels and Python's passes over the arrays cost as
much as the matrix products. So the products go to NumPy's BLAS, and what lies between two of them is one kernel: batch
statistics, normalisation, relu, gate, and on the way back the sums for gamma, beta and k in the pass that makes the
gradients. Inner loops run along the features, so they become vector code without reordering any sum.

Force one BLAS thread at such sizes (OPENBLAS_NUM_THREADS=1): with two threads a step can be ten times slower.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit


class PlainGradients(NamedTuple):
    dx: np.ndarray
    dfx: np.ndarray
    dk: Any


class ResidualGradients(NamedTuple):
    dshortcut: np.ndarray
    dbranch: np.ndarray
    dk: Any


class BlockGradients(NamedTuple):
    dx: np.ndarray
    dW1: np.ndarray
    dgamma1: np.ndarray
    dbeta1: np.ndarray
    dW2: np.ndarray
    dgamma2: np.ndarray
    dbeta2: np.ndarray
    dk: Any


# --- the border --------------------------------------------------------------------------------------------------------
def _arrays(**arrays: Any) -> list[np.ndarray]:
    """Contiguous arrays of one floating dtype; the inputs themselves where they are that already."""
    values = [np.asarray(a) for a in arrays.values()]
    dtype = np.result_type(*values)
    if dtype.kind in "iub":
        dtype = np.dtype(np.float64)
    if dtype not in (np.float64, np.float32):
        raise TypeError(f"the arrays must be float64 or float32, got {', '.join(str(a.dtype) for a in values)}")
    for name, a in zip(arrays, values, strict=True):
        if a.size == 0:
            raise ValueError(f"{name} is empty (shape {a.shape}): a batch needs at least one sample")
    return [np.ascontiguousarray(a, dtype).reshape(a.shape) for a in values]


def _matching(**arrays: Any) -> list[np.ndarray]:
    values = _arrays(**arrays)
    if len({a.shape for a in values}) > 1:
        shapes = ", ".join(f"{name} {a.shape}" for name, a in zip(arrays, values, strict=True))
        raise ValueError(f"the shapes must be equal, got {shapes}: project where a layer changes the shape")
    return values


def _gate(k: Any) -> float:
    if np.shape(k) not in ((), (1,)):
        raise ValueError(f"the gate must be a scalar, of shape () or (1,), got shape {np.shape(k)}")
    k = np.asarray(k).item()
    if isinstance(k, bool) or not isinstance(k, float | int):
        raise TypeError(f"the gate must be a real number, got {k!r}")
    if not math.isfinite(k):
        raise ValueError(f"the gate must be finite, got {k}: did training diverge?")
    return float(k)


def _block(x: Any, W1: Any, gamma1: Any, beta1: Any, W2: Any, gamma2: Any, beta2: Any, **more: Any) -> list[np.ndarray]:
    values = _arrays(x=x, W1=W1, gamma1=gamma1, beta1=beta1, W2=W2, gamma2=gamma2, beta2=beta2, **more)
    if values[0].ndim != 2 or values[1].ndim != 2:
        raise ValueError(f"x must be (batch, width) and W1 (width, hidden), got {values[0].shape}, {values[1].shape}")
    (batch, width), hidden = values[0].shape, values[1].shape[1]
    wanted = [
        (batch, width),
        (width, hidden),
        (hidden,),
        (hidden,),
        (hidden, width),
        (width,),
        (width,),
        (batch, width),
    ]
    names = ["x", "W1", "gamma1", "beta1", "W2", "gamma2", "beta2", *more]
    for name, a, shape in zip(names, values, wanted, strict=False):
        if a.shape != shape:
            raise ValueError(f"{name} must have shape {shape} to fit the other inputs, got {a.shape}")
    return values


# --- gated layers ------------------------------------------------------------------------------------------------------
def gated_residual(shortcut: Any, branch: Any, k: Any) -> np.ndarray:
    """y = g(k) branch + shortcut; the shortcut itself, bit by bit, where k <= 0."""
    shortcut, branch = _matching(shortcut=shortcut, branch=branch)
    k = _gate(k)
    if k <= 0:
        return shortcut.copy()
    return _combine(shortcut.ravel(), branch.ravel(), shortcut.dtype.type(1), shortcut.dtype.type(k)).reshape(
        branch.shape
    )


def gated_plain(x: Any, fx: Any, k: Any) -> np.ndarray:
    """y = g(k) fx + (1 - g(k)) x; x itself, bit by bit, where k <= 0."""
    x, fx = _matching(x=x, fx=fx)
    k = _gate(k)
    if k <= 0:
        return x.copy()
    return _combine(x.ravel(), fx.ravel(), x.dtype.type(1 - k), x.dtype.type(k)).reshape(x.shape)


@njit(cache=True)
def _combine(x, f, keep, g):
    y = np.empty_like(x)
    for i in range(x.size):
        y[i] = g * f[i] + keep * x[i]
    return y


def gated_residual_backward(dy: Any, branch: Any, k: Any) -> ResidualGradients:
    """(dshortcut, dbranch, dk) = (dy, g dy, <dy, branch>), and (dy, 0, 0) where k <= 0."""
    dy, branch = _matching(dy=dy, branch=branch)
    shape, k = np.shape(k), _gate(k)
    if k <= 0:
        return ResidualGradients(dy.copy(), np.zeros_like(dy), np.zeros(shape, dy.dtype)[()])
    dbranch, dk = _scale_and_dot(dy.ravel(), branch.ravel(), dy.dtype.type(k))
    return ResidualGradients(dy.copy(), dbranch.reshape(dy.shape), np.full(shape, dk, dy.dtype)[()])


def gated_plain_backward(dy: Any, x: Any, fx: Any, k: Any) -> PlainGradients:
    """(dx, dfx, dk) = ((1 - g) dy, g dy, <dy, fx - x>), and (dy, 0, 0) where k <= 0."""
    dy, x, fx = _matching(dy=dy, x=x, fx=fx)
    shape, k = np.shape(k), _gate(k)
    if k <= 0:
        return PlainGradients(dy.copy(), np.zeros_like(dy), np.zeros(shape, dy.dtype)[()])
    scalar = dy.dtype.type
    dx, dfx, dk = _split_and_dot(dy.ravel(), x.ravel(), fx.ravel(), scalar(1 - k), scalar(k))
    return PlainGradients(dx.reshape(dy.shape), dfx.reshape(dy.shape), np.full(shape, dk, dy.dtype)[()])


# The two sums below may run in several lanes ("reassoc"), which is faster and rounds less; NaN and infinity stay what they are.
@njit(cache=True, fastmath={"reassoc"})
def _scale_and_dot(dy, f, g):
    df = np.empty_like(dy)
    dk = 0.0
    for i in range(dy.size):
        df[i] = g * dy[i]
        dk += np.float64(dy[i]) * np.float64(f[i])
    return df, dk


@njit(cache=True, fastmath={"reassoc"})
def _split_and_dot(dy, x, f, keep, g):
    dx, df = np.empty_like(dy), np.empty_like(dy)
    dk = 0.0
    for i in range(dy.size):
        dx[i] = keep * dy[i]
        df[i] = g * dy[i]
        dk += np.float64(dy[i]) * (np.float64(f[i]) - np.float64(x[i]))
    return dx, df, dk


# --- the fully connected block -----------------------------------------------------------------------------------------
def dense_block(
    x: Any, W1: Any, gamma1: Any, beta1: Any, W2: Any, gamma2: Any, beta2: Any, k: Any, *, eps: float = 1e-3
) -> np.ndarray:
    """y = x + g(k) relu(BN(relu(BN(x W1)) W2)) with batch statistics; x itself, bit by bit, where k <= 0."""
    x, W1, gamma1, beta1, W2, gamma2, beta2 = _block(x, W1, gamma1, beta1, W2, gamma2, beta2)
    k = _gate(k)
    if k <= 0:
        return x.copy()
    z1 = x @ W1
    _normalise(z1, eps)
    hidden = _affine_relu(z1, gamma1, beta1)
    z2 = hidden @ W2
    _normalise(z2, eps)
    return _affine_relu_gate(z2, gamma2, beta2, x, x.dtype.type(k))


def dense_block_backward(
    dy: Any,
    x: Any,
    W1: Any,
    gamma1: Any,
    beta1: Any,
    W2: Any,
    gamma2: Any,
    beta2: Any,
    k: Any,
    *,
    eps: float = 1e-3,
) -> BlockGradients:
    """The gradients of `dense_block` in the order of its inputs; the forward pass is computed again."""
    x, W1, gamma1, beta1, W2, gamma2, beta2, dy = _block(x, W1, gamma1, beta1, W2, gamma2, beta2, dy=dy)
    shape, k = np.shape(k), _gate(k)
    if k <= 0:
        zeros = [np.zeros_like(a) for a in (W1, gamma1, beta1, W2, gamma2, beta2)]
        return BlockGradients(dy.copy(), *zeros, np.zeros(shape, dy.dtype)[()])
    xhat1 = x @ W1
    scale1 = _normalise(xhat1, eps)
    hidden = _affine_relu(xhat1, gamma1, beta1)
    xhat2 = hidden @ W2
    scale2 = _normalise(xhat2, eps)

    du2, dk = _gate_backward(dy, xhat2, gamma2, beta2, x.dtype.type(k))
    dgamma2, dbeta2 = _normalise_backward(du2, xhat2, gamma2, scale2)  # du2 is dz2 from here on
    du1 = du2 @ W2.T
    _relu_backward(du1, hidden)
    dgamma1, dbeta1 = _normalise_backward(du1, xhat1, gamma1, scale1)  # du1 is dz1 from here on
    dx = du1 @ W1.T
    dx += dy
    dk = np.full(shape, dk, dy.dtype)[()]
    return BlockGradients(dx, x.T @ du1, dgamma1, dbeta1, hidden.T @ du2, dgamma2, dbeta2, dk)


@njit(cache=True)
def _normalise(z, eps):
    """z becomes (z - mean) / sqrt(variance + eps), per feature over the batch; returns 1 / sqrt(variance + eps)."""
    n, width = z.shape
    mean, scale = np.zeros(width, z.dtype), np.zeros(width, z.dtype)
    for i in range(n):
        for j in range(width):
            mean[j] += z[i, j]
    for j in range(width):
        mean[j] /= n
    for i in range(n):
        for j in range(width):
            centred = z[i, j] - mean[j]
            z[i, j] = centred
            scale[j] += centred * centred
    for j in range(width):
        scale[j] = 1 / math.sqrt(scale[j] / n + eps)
    for i in range(n):
        for j in range(width):
            z[i, j] *= scale[j]
    return scale


@njit(cache=True)
def _affine_relu(xhat, gamma, beta):
    a = np.empty_like(xhat)
    zero = xhat.dtype.type(0)
    for i in range(xhat.shape[0]):
        for j in range(xhat.shape[1]):
            u = gamma[j] * xhat[i, j] + beta[j]
            a[i, j] = zero if u <= zero else u  # this way round NaN stays NaN
    return a


@njit(cache=True)
def _affine_relu_gate(xhat, gamma, beta, x, g):
    y = np.empty_like(x)
    zero = xhat.dtype.type(0)
    for i in range(xhat.shape[0]):
        for j in range(xhat.shape[1]):
            u = gamma[j] * xhat[i, j] + beta[j]
            y[i, j] = g * (zero if u <= zero else u) + x[i, j]
    return y


@njit(cache=True)
def _gate_backward(dy, xhat, gamma, beta, g):
    """Through the gate and the second relu: du = g dy [u > 0], dk = <dy, relu(u)>, with u made again from xhat."""
    du = np.empty_like(dy)
    dks = np.zeros(dy.shape[1], dy.dtype)
    zero = dy.dtype.type(0)
    for i in range(dy.shape[0]):
        for j in range(dy.shape[1]):
            u = gamma[j] * xhat[i, j] + beta[j]
            dks[j] += dy[i, j] * (zero if u <= zero else u)
            du[i, j] = g * dy[i, j] if u > zero else zero
    dk = 0.0
    for j in range(dy.shape[1]):
        dk += dks[j]
    return du, dk


@njit(cache=True)
def _relu_backward(da, a):
    """da becomes da where a > 0, else 0."""
    zero = da.dtype.type(0)
    for i in range(da.shape[0]):
        for j in range(da.shape[1]):
            da[i, j] = da[i, j] if a[i, j] > zero else zero


@njit(cache=True)
def _normalise_backward(du, xhat, gamma, scale):
    """du becomes dz = scale gamma (du - mean(du) - xhat mean(du xhat)); returns dgamma = sum(du xhat), dbeta = sum(du)."""
    n, width = du.shape
    dgamma, dbeta = np.zeros(width, du.dtype), np.zeros(width, du.dtype)
    for i in range(n):
        for j in range(width):
            dgamma[j] += du[i, j] * xhat[i, j]
            dbeta[j] += du[i, j]
    slope, share = np.empty(width, du.dtype), np.empty(width, du.dtype)
    factor = scale * gamma
    for j in range(width):
        slope[j], share[j] = dgamma[j] / n, dbeta[j] / n
    for i in range(n):
        for j in range(width):
            du[i, j] = factor[j] * (du[i, j] - share[j] - xhat[i, j] * slope[j])
    return dgamma, dbeta
