r"""Convolution and pooling.

Convolution is linear in the image and in the weights, so all its derivatives come from one trilinear form,

$$T(x, w, g) = \sum_{n,f,p} g_{nfp} \sum_{c,q} w_{fcq}\, x_{nc(sp+q)} ,$$

with positions $p$ of the output and $q$ of the window, stride $s$: `conv2d` is $\partial T/\partial g$, `conv2d_image` is
$\partial T/\partial x$ and `conv2d_weight` is $\partial T/\partial w$. Each is a primitive, and the rules of each are the other
two: hence gradients of any order from three short functions. (As everywhere in deep learning, the window is not flipped:
what is called convolution is a correlation.)
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.autograd.reductions import max as max_
from minidl.autograd.reductions import mean
from minidl.autograd.shapes import pad, stack
from minidl.autograd.tensor import Primitive, Tensor

_BLOCK = (
    1 << 17
)  # entries of the unfolded windows per block of images: half a megabyte of float32, so that L2 holds them


def _pair(value: Any, name: str, smallest: int) -> tuple[int, int]:
    pair = (value, value) if isinstance(value, (int, np.integer)) else tuple(value)
    if len(pair) != 2 or not all(isinstance(v, (int, np.integer)) and v >= smallest for v in pair):
        raise ValueError(f"{name} must be an integer or a pair of integers of at least {smallest}, got {value!r}")
    return int(pair[0]), int(pair[1])


def _spatial(image: tuple[int, ...], kernel: tuple[int, ...], stride: tuple, padding: tuple) -> tuple[int, int]:
    """Height and width of the output."""
    return tuple((n + 2 * p - k) // s + 1 for n, k, s, p in zip(image[-2:], kernel[-2:], stride, padding, strict=True))


def _taps(kernel: tuple[int, ...], out: tuple[int, int], stride: tuple) -> Iterator[tuple[int, int, slice, slice]]:
    """Each window position (i, j) with the rows and columns of the padded image that it meets."""
    (height, width), (s, t) = out, stride
    for i in range(kernel[-2]):
        for j in range(kernel[-1]):
            yield i, j, slice(i, i + s * (height - 1) + 1, s), slice(j, j + t * (width - 1) + 1, t)


def _blocks(images: int, entries: int) -> Iterator[slice]:
    step = max(1, _BLOCK // max(1, entries))
    return (slice(i, min(i + step, images)) for i in range(0, images, step))


def _unfolded(
    x: np.ndarray, kernel: tuple, out: tuple, stride: tuple, padding: tuple
) -> Iterator[tuple[slice, np.ndarray]]:
    """Blocks of images as matrices of windows: (n, C*kh*kw, H'*W')."""
    (images, channels, height, width), (p, q), area = x.shape, padding, out[0] * out[1]
    entries = channels * kernel[-2] * kernel[-1] * area
    for block in _blocks(images, entries):
        part = x[block]
        if p or q:
            padded = np.zeros((len(part), channels, height + 2 * p, width + 2 * q), x.dtype)
            padded[:, :, p : p + height, q : q + width] = part
            part = padded
        columns = np.empty((len(part), channels, *kernel[-2:], *out), x.dtype)
        for i, j, rows, cols in _taps(kernel, out, stride):
            columns[:, :, i, j] = part[:, :, rows, cols]
        yield block, columns.reshape(len(part), entries // area, area)


def _conv(x: Any, w: Any, *, stride: tuple, padding: tuple) -> np.ndarray:
    out = _spatial(x.shape, w.shape, stride, padding)
    y = np.empty((len(x), len(w), *out), np.result_type(x, w))
    flat, matrix = y.reshape(*y.shape[:2], math.prod(out)), w.reshape(len(w), math.prod(w.shape[1:]))
    for block, columns in _unfolded(x, w.shape, out, stride, padding):
        np.matmul(matrix, columns, out=flat[block])
    return y


def _conv_weight(x: Any, g: Any, *, kernel: tuple, stride: tuple, padding: tuple) -> np.ndarray:
    filters, channels = g.shape[1], x.shape[1]
    total = np.zeros((filters, channels * kernel[0] * kernel[1]), np.result_type(x, g))
    flat = g.reshape(*g.shape[:2], math.prod(g.shape[-2:]))
    for block, columns in _unfolded(x, kernel, g.shape[-2:], stride, padding):
        total += (flat[block] @ columns.mT).sum(axis=0)
    return total.reshape(filters, channels, *kernel)


def _conv_image(w: Any, g: Any, *, image: tuple, stride: tuple, padding: tuple) -> np.ndarray:
    filters, channels, (height, width), (p, q), out = *w.shape[:2], image, padding, g.shape[-2:]
    x = np.empty((len(g), channels, height, width), np.result_type(w, g))
    window = math.prod(w.shape[1:])
    matrix, flat = w.reshape(filters, window).T, g.reshape(*g.shape[:2], math.prod(out))
    for block in _blocks(len(g), window * math.prod(out)):
        columns = (matrix @ flat[block]).reshape(block.stop - block.start, *w.shape[1:], *out)
        padded = np.zeros((len(columns), channels, height + 2 * p, width + 2 * q), x.dtype)
        for i, j, rows, cols in _taps(w.shape, out, stride):
            padded[:, :, rows, cols] += columns[:, :, i, j]
        x[block] = padded[:, :, p : p + height, q : q + width]
    return x


_conv2d = Primitive(
    "conv2d",
    _conv,
    lambda g, y, x, w, *, stride, padding: _conv2d_image(w, g, image=x.shape[-2:], stride=stride, padding=padding),
    lambda g, y, x, w, *, stride, padding: _conv2d_weight(x, g, kernel=w.shape[-2:], stride=stride, padding=padding),
)
_conv2d_image = Primitive(
    "conv2d_image",
    _conv_image,
    lambda u, x, w, g, *, image, stride, padding: _conv2d_weight(
        u, g, kernel=w.shape[-2:], stride=stride, padding=padding
    ),
    lambda u, x, w, g, *, image, stride, padding: _conv2d(u, w, stride=stride, padding=padding),
)
_conv2d_weight = Primitive(
    "conv2d_weight",
    _conv_weight,
    lambda u, w, x, g, *, kernel, stride, padding: _conv2d_image(
        u, g, image=x.shape[-2:], stride=stride, padding=padding
    ),
    lambda u, w, x, g, *, kernel, stride, padding: _conv2d(x, u, stride=stride, padding=padding),
)


def conv2d(x: Any, w: Any, stride: Any = 1, padding: Any = 0) -> Any:
    """2-D convolution (correlation). x: (N, C, H, W), w: (F, C, kh, kw); returns (N, F, H', W').

    H' = (H + 2 padding - kh) // stride + 1; stride and padding are integers or pairs (height, width), padding is with zeros.
    Raises ValueError if shapes do not fit or the window is larger than the padded image.
    """
    x, w = (a if type(a) is Tensor else np.asarray(a) for a in (x, w))
    stride, padding = _pair(stride, "stride", 1), _pair(padding, "padding", 0)
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(
            f"conv2d takes images (N, C, H, W) and weights (F, C, kh, kw) with equal C, got {x.shape} and {w.shape}"
        )
    if min(_spatial(x.shape, w.shape, stride, padding)) < 1:
        raise ValueError(f"the window {w.shape[2:]} is larger than the image {x.shape[2:]} padded by {padding}")
    return _conv2d(x, w, stride=stride, padding=padding)


def conv1d(x: Any, w: Any, stride: int = 1, padding: int = 0) -> Any:
    """1-D convolution (correlation). x: (N, C, L), w: (F, C, k); returns (N, F, L')."""
    x, w = (a if type(a) is Tensor else np.asarray(a) for a in (x, w))
    if x.ndim != 3 or w.ndim != 3:
        raise ValueError(f"conv1d takes sequences (N, C, L) and weights (F, C, k), got {x.shape} and {w.shape}")
    y = conv2d(
        x.reshape((*x.shape[:2], 1, x.shape[2])), w.reshape((*w.shape[:2], 1, w.shape[2])), (1, stride), (0, padding)
    )
    return y.reshape((*y.shape[:2], y.shape[3]))


def _pool(x: Any, size: Any, stride: Any, padding: Any, fill: float, reduce: Any) -> Any:
    x = x if type(x) is Tensor else np.asarray(x)
    size, padding = _pair(size, "size", 1), _pair(padding, "padding", 0)
    stride = size if stride is None else _pair(stride, "stride", 1)
    if x.ndim != 4:
        raise ValueError(f"pooling takes images (N, C, H, W), got shape {x.shape}")
    if any(2 * p > k for p, k in zip(padding, size, strict=True)):
        raise ValueError(f"padding {padding} may be at most half the window {size}")
    out = _spatial(x.shape, size, stride, padding)
    if min(out) < 1:
        raise ValueError(f"the window {size} is larger than the image {x.shape[2:]} padded by {padding}")
    if any(padding):
        x = x if x.dtype.kind == "f" else x.astype(np.result_type(x.dtype, fill))  # integers have no -inf to pad with
        x = pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2), fill)
    return reduce(stack([x[:, :, rows, cols] for _, _, rows, cols in _taps(size, out, stride)]), axis=0)


def max_pool2d(x: Any, size: Any, stride: Any = None, padding: Any = 0) -> Any:
    """Largest entry of each window. x: (N, C, H, W); stride defaults to the window's size. Ties share the gradient."""
    return _pool(x, size, stride, padding, -math.inf, max_)


def avg_pool2d(x: Any, size: Any, stride: Any = None, padding: Any = 0) -> Any:
    """Mean of each window, padding counted as zeros. x: (N, C, H, W); stride defaults to the window's size."""
    return _pool(x, size, stride, padding, 0.0, mean)
