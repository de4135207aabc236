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

from minidl.autograd.ops import arrayed
from minidl.autograd.reductions import max as max_
from minidl.autograd.reductions import mean
from minidl.autograd.shapes import pad, stack
from minidl.autograd.tensor import Primitive

# Entries of the unfolded windows per block of images: half a megabyte of float32, so that the second cache level holds them.
_BLOCK = 1 << 17


def _pair(value: Any, name: str, smallest: int) -> tuple[int, int]:
    pair = (value, value) if isinstance(value, (int, np.integer)) else tuple(value)
    if len(pair) != 2 or not all(isinstance(v, (int, np.integer)) and v >= smallest for v in pair):
        raise ValueError(f"{name} must be an integer or a pair of integers of at least {smallest}, got {value!r}")
    return int(pair[0]), int(pair[1])


def _spatial(image: tuple[int, ...], kernel: tuple[int, ...], stride: tuple, padding: tuple) -> tuple[int, int]:
    """Height and width of the output."""
    return tuple((n + 2 * p - k) // s + 1 for n, k, s, p in zip(image[-2:], kernel[-2:], stride, padding, strict=True))


def _flat(a: np.ndarray, axes: int) -> np.ndarray:
    """The array with the axes after the first `axes` merged; unlike reshape(..., -1) also where there are no entries."""
    return a.reshape(*a.shape[:axes], math.prod(a.shape[axes:]))


def _taps(kernel: tuple[int, ...], out: tuple[int, int], stride: tuple) -> Iterator[tuple[int, int, slice, slice]]:
    """Each window position (i, j) with the rows and columns of the padded image that it meets."""
    (height, width), (s, t) = out, stride
    for i in range(kernel[-2]):
        for j in range(kernel[-1]):
            yield i, j, slice(i, i + s * (height - 1) + 1, s), slice(j, j + t * (width - 1) + 1, t)


def _blocks(images: int, entries: int) -> tuple[int, Iterator[slice]]:
    """Images per block, if each unfolds into so many entries, and the blocks."""
    step = min(max(1, _BLOCK // max(1, entries)), images)
    return step, (slice(i, min(i + step, images)) for i in range(0, images, step or 1))


def _unfolded(
    x: np.ndarray, kernel: tuple, out: tuple, stride: tuple, padding: tuple
) -> Iterator[tuple[slice, np.ndarray]]:
    """Blocks of images as matrices of windows: (n, C*kh*kw, H'*W'). A matrix is overwritten by the next one."""
    (images, channels, height, width), (p, q), area = x.shape, padding, out[0] * out[1]
    step, blocks = _blocks(images, channels * kernel[-2] * kernel[-1] * area)
    padded = np.zeros((step, channels, height + 2 * p, width + 2 * q), x.dtype)
    windows = np.empty((step, channels, *kernel[-2:], *out), x.dtype)
    for block in blocks:
        n = block.stop - block.start
        padded[:n, :, p : p + height, q : q + width] = x[block]
        for i, j, rows, cols in _taps(kernel, out, stride):
            windows[:n, :, i, j] = padded[:n, :, rows, cols]
        yield block, windows[:n].reshape(n, -1, area)


def _conv(x: Any, w: Any, *, stride: tuple, padding: tuple) -> np.ndarray:
    out = _spatial(x.shape, w.shape, stride, padding)
    y = np.empty((len(x), len(w), *out), np.result_type(x, w))
    flat, matrix = _flat(y, 2), _flat(w, 1)
    for block, windows in _unfolded(x, w.shape, out, stride, padding):
        np.matmul(matrix, windows, out=flat[block])
    return y


def _conv_weight(x: Any, g: Any, *, kernel: tuple, stride: tuple, padding: tuple) -> np.ndarray:
    filters, channels = g.shape[1], x.shape[1]
    total = np.zeros((channels * kernel[0] * kernel[1], filters), np.result_type(x, g))
    flat = _flat(g, 2)
    for block, windows in _unfolded(x, kernel, g.shape[-2:], stride, padding):
        total += (windows @ flat[block].mT).sum(axis=0)  # a quarter faster than its transpose, flat @ windows.mT
    return total.T.reshape(filters, channels, *kernel)


def _conv_image(w: Any, g: Any, *, image: tuple, stride: tuple, padding: tuple) -> np.ndarray:
    channels, (height, width), (p, q), out = w.shape[1], image, padding, g.shape[-2:]
    x = np.empty((len(g), channels, height, width), np.result_type(w, g))
    matrix, flat = _flat(w, 1).T, _flat(g, 2)
    step, blocks = _blocks(len(g), math.prod(w.shape[1:]) * math.prod(out))
    windows = np.empty((step, len(matrix), math.prod(out)), x.dtype)
    padded = np.empty((step, channels, height + 2 * p, width + 2 * q), x.dtype)
    for block in blocks:
        n = block.stop - block.start
        np.matmul(matrix, flat[block], out=windows[:n])
        padded[:n] = 0
        for i, j, rows, cols in _taps(w.shape, out, stride):
            padded[:n, :, rows, cols] += windows[:n].reshape(n, *w.shape[1:], *out)[:, :, i, j]
        x[block] = padded[:n, :, p : p + height, q : q + width]
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
    x, w = map(arrayed, (x, w))
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
    x, w = map(arrayed, (x, w))
    if x.ndim != 3 or w.ndim != 3:
        raise ValueError(f"conv1d takes sequences (N, C, L) and weights (F, C, k), got {x.shape} and {w.shape}")
    y = conv2d(
        x.reshape((*x.shape[:2], 1, x.shape[2])), w.reshape((*w.shape[:2], 1, w.shape[2])), (1, stride), (0, padding)
    )
    return y.reshape((*y.shape[:2], y.shape[3]))


def _pool(x: Any, size: Any, stride: Any, padding: Any, fill: float, reduce: Any) -> Any:
    x = arrayed(x)
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
