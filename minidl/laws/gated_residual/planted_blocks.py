"""Planted bugs of gated blocks: batch normalisation, fully connected and convolutional blocks, their gradients."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Planted, planted
from minidl.laws.gated_residual.cases import number
from minidl.laws.gated_residual.planted import changed_in, like, relu


# --- fully connected blocks --------------------------------------------------------------------------------------------
def _norm(z, gamma, beta, *, ddof=0, eps=1e-3, outside=0.0, axis=0):
    shape = (-1,) + (1,) * (z.ndim - 2)
    centred = z - z.mean(axis=axis, keepdims=True)
    count = z.size // centred.mean(axis=axis).size
    variance = (centred * centred).sum(axis=axis, keepdims=True) / max(count - ddof, 1)
    return gamma.reshape(shape) * (centred / (np.sqrt(variance + eps) + outside)) + beta.reshape(shape)


@planted("batch_norm")
def unbiased_variance(ref):
    """The variance divides by n - 1 instead of n."""
    return lambda z, gamma, beta: _norm(z, gamma, beta, ddof=1, axis=(0, 2, 3)[: z.ndim - 1])


@planted("batch_norm")
def eps_outside_the_root(ref):
    """The deviation is sqrt(variance) + eps instead of sqrt(variance + eps)."""
    return lambda z, gamma, beta: _norm(
        z, gamma, beta, eps=0.0, outside=z.dtype.type(1e-3), axis=(0, 2, 3)[: z.ndim - 1]
    )


@planted("batch_norm")
def statistics_per_row(ref):
    """Mean and variance run over the features of each row, as in layer normalisation."""
    return lambda z, gamma, beta: _norm(z, gamma, beta, axis=1)


@planted("batch_norm")
def statistics_per_pixel(ref):
    """On images the statistics run over the batch alone, not over the positions."""
    return lambda z, gamma, beta: _norm(z, gamma, beta, axis=0)


@planted("dense_layer")
def unbiased_layer(ref):
    """The variance of the batch divides by n - 1 instead of n."""
    return lambda x, W, gamma, beta: relu(_norm(x @ W, gamma, beta, ddof=1))


@planted("dense_layer")
def relu_before_norm(ref):
    """Relu comes before batch normalisation, so that the layer's output may be negative."""
    return lambda x, W, gamma, beta: ref.batch_norm(relu(x @ W), gamma, beta)


@planted("dense_layer")
def preactivation_layer(ref):
    """Batch normalisation and relu come before the product, as in convolutional blocks."""
    return lambda x, W, gamma, beta: (
        relu(_norm(x, x.dtype.type(1) * np.ones_like(x[0]), np.zeros_like(x[0]))) @ W + beta
    )


def _block(ref, combine, layer=None):
    def dense_block(x, W1, gamma1, beta1, W2, gamma2, beta2, k):
        first = layer or ref.dense_layer
        return combine(x, first(first(x, W1, gamma1, beta1), W2, gamma2, beta2), k)

    return dense_block


@planted("dense_block")
def unbiased_block(ref):
    """The variances of the batch divide by n - 1 instead of n."""
    return _block(ref, ref.gated_residual, lambda x, W, gamma, beta: relu(_norm(x @ W, gamma, beta, ddof=1)))


@planted("dense_block")
def eps_outside_in_block(ref):
    """Batch normalisation divides by sqrt(variance) + eps."""

    def layer(x, W, gamma, beta):
        return relu(_norm(x @ W, gamma, beta, eps=0.0, outside=x.dtype.type(1e-3)))

    return _block(ref, ref.gated_residual, layer)


@planted("dense_block")
def scaled_block_shortcut(ref):
    """The block interpolates, g f + (1 - g) x, instead of adding g f to x."""
    return _block(ref, ref.gated_plain)


@planted("dense_block")
def gate_inside_norm(ref):
    """The gate multiplies what enters the second batch normalisation, which divides it out again."""

    def dense_block(x, W1, gamma1, beta1, W2, gamma2, beta2, k):
        g = x.dtype.type(max(number(k), 0.0))
        hidden = ref.dense_layer(x, W1, gamma1, beta1)
        return ref.gated_residual(x, ref.dense_layer(g * hidden, W2, gamma2, beta2), float(g > 0))

    return dense_block


@planted("dense_block")
def last_relu_missing(ref):
    """The branch ends in batch normalisation, without its second relu."""

    def dense_block(x, W1, gamma1, beta1, W2, gamma2, beta2, k):
        hidden = ref.dense_layer(x, W1, gamma1, beta1)
        return ref.gated_residual(x, ref.batch_norm(hidden @ W2, gamma2, beta2), k)

    return dense_block


@planted("dense_block")
def leaking_block(ref):
    """A closed gate multiplies its branch by 0, so that infinite weights give NaN."""

    def combine(x, f, k):
        return x + f * x.dtype.type(max(number(k), 0.0))

    return _block(ref, combine, lambda x, W, gamma, beta: relu(_norm(x @ W, gamma, beta)))


@planted("dense_block_backward")
def statistics_constant(ref):
    """The backward pass takes the batch's mean and variance for constants: dz = gamma du / sqrt(variance + eps)."""
    return _backward(ref, lambda dxhat, xhat, scale: scale * dxhat)


@planted("dense_block_backward")
def variance_constant(ref):
    """The backward pass misses the term through the variance."""
    return _backward(ref, lambda dxhat, xhat, scale: scale * (dxhat - dxhat.mean(axis=0)))


@planted("dense_block_backward")
def block_gate_gradient_averaged(ref):
    """dk is averaged over the batch instead of summed."""
    return changed_in(ref.dense_block_backward, dk=lambda right, dy, *_: like(right.dk / len(dy), right.dk))


@planted("dense_block_backward")
def shortcut_gradient_missing(ref):
    """dx holds the branch's part only, not the shortcut's dy."""
    return changed_in(ref.dense_block_backward, dx=lambda right, dy, *_: right.dx - dy)


@planted("dense_block_backward")
def dead_block_learns(ref):
    """The backward pass takes |k| for the gate, so that a dead block keeps learning."""
    return lambda dy, *inputs: ref.dense_block_backward(dy, *inputs[:-1], abs(inputs[-1]))


@planted("dense_block_backward")
def branch_upstream_ungated(ref):
    """The branch's parameters receive dy in place of g dy."""

    def backward(dy, *inputs):
        g = number(inputs[-1])
        right = ref.dense_block_backward(dy, *inputs)
        if g <= 0:
            return right
        scaled = {
            name: (value / dy.dtype.type(g)) for name, value in right._asdict().items() if name not in ("dx", "dk")
        }
        return right._replace(**scaled)

    return backward


def _backward(ref, through_norm):
    """The backward pass of a block with another rule for batch normalisation."""

    def backward(dy, x, W1, gamma1, beta1, W2, gamma2, beta2, k):
        right = ref.dense_block_backward(dy, x, W1, gamma1, beta1, W2, gamma2, beta2, k)
        if number(k) <= 0:
            return right
        one, zero = dy.dtype.type(1), dy.dtype.type(0)

        def normal(z):
            centred = z - z.mean(axis=0)
            scale = one / np.sqrt((centred * centred).mean(axis=0) + dy.dtype.type(1e-3))
            return centred * scale, scale

        xhat1, scale1 = normal(x @ W1)
        hidden = relu(gamma1 * xhat1 + beta1)
        xhat2, scale2 = normal(hidden @ W2)
        du2 = np.where(gamma2 * xhat2 + beta2 > 0, dy.dtype.type(number(k)) * dy, zero)
        dz2 = through_norm(gamma2 * du2, xhat2, scale2)
        du1 = (dz2 @ W2.T) * (hidden > 0)
        dz1 = through_norm(gamma1 * du1, xhat1, scale1)
        return right._replace(dx=dy + dz1 @ W1.T, dW1=x.T @ dz1, dW2=hidden.T @ dz2, dgamma1=(du1 * xhat1).sum(axis=0))

    return backward


# --- convolutional blocks ----------------------------------------------------------------------------------------------
@planted("convolutional_block")
def projection_gated(ref):
    """The gate scales the projection as well: a removed block gives 0 instead of its projection."""

    def block(*inputs):
        k, projection = max(number(inputs[7]), 0.0), inputs[8]
        return ref.convolutional_block(*inputs[:8], k * projection, *inputs[9:])

    return block


@planted("convolutional_block")
def windows_flipped(ref):
    """The windows are flipped, as in signal processing."""

    def block(x, gamma1, beta1, W1, gamma2, beta2, W2, *rest):
        return ref.convolutional_block(x, gamma1, beta1, W1[..., ::-1, ::-1], gamma2, beta2, W2[..., ::-1, ::-1], *rest)

    return block


@planted("convolutional_block")
def gate_on_first_convolution(ref):
    """The gate scales the first convolution, whose scale the second batch normalisation divides out."""

    def block(x, gamma1, beta1, W1, gamma2, beta2, W2, k, *rest):
        g = max(number(k), 0.0)
        return ref.convolutional_block(x, gamma1, beta1, g * W1, gamma2, beta2, W2, float(g > 0), *rest)

    return block


@planted("convolutional_block")
def convolutional_interpolation(ref):
    """The block interpolates, g f + (1 - g) P x."""

    def block(*inputs):
        closed = ref.convolutional_block(*inputs[:7], 0.0, *inputs[8:])
        return ref.convolutional_block(*inputs) - max(number(inputs[7]), 0.0) * closed

    return block


def bugs_of(function: str) -> tuple[Planted, ...]:
    """The planted bugs of one function, in the order of this file."""
    return tuple(bug for bug in globals().values() if isinstance(bug, Planted) and bug.function == function)
