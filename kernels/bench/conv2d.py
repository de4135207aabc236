"""A 3x3 convolution, forward and both gradients: minidl's three short functions against oneDNN and two NumPy ways by hand.

    python kernels/bench/conv2d.py [--rounds N] [--only NAME] [--no-write]

32 images of 16 channels and 28x28 pixels, 32 filters of 3x3, padding 1, float32: 231 million multiplications and additions
each for the output, the images' gradient and the weights' gradient.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import harness
import numpy as np
from harness import Contender, Goal, Options, Workload
from numpy.lib.stride_tricks import sliding_window_view


class Problem:
    """Images x (N, C, H, W), weights w (F, C, 3, 3) and the adjoint g (N, F, H, W) of the output."""

    def __init__(self, n: int, c: int, f: int, size: int, dtype: Any = np.float32):
        rng = np.random.default_rng(0)
        self.x = rng.standard_normal((n, c, size, size)).astype(dtype)
        self.w = (rng.standard_normal((f, c, 3, 3)) / np.sqrt(9 * c)).astype(dtype)
        self.g = rng.standard_normal((n, f, size, size)).astype(dtype)


def stepping(work: Any):
    results: dict[str, Any] = {}

    def step():
        results.update(zip(("y", "dx", "dw"), work(), strict=True))

    return step, lambda: results


def with_minidl(p: Problem):
    from minidl.autograd import Tensor, conv2d

    x, w = Tensor(p.x, requires_grad=True), Tensor(p.w, requires_grad=True)

    def work():
        x.grad = w.grad = None
        y = conv2d(x, w, padding=1)
        y.backward(p.g)
        return y.data, x.grad.data, w.grad.data

    return stepping(work)


def with_torch(p: Problem):
    import torch
    from torch.nn.functional import conv2d

    torch.set_num_threads(1)
    x, w = torch.tensor(p.x, requires_grad=True), torch.tensor(p.w, requires_grad=True)
    g = torch.tensor(p.g)

    def work():
        x.grad = w.grad = None
        y = conv2d(x, w, padding=1)
        y.backward(g)
        return y.detach().numpy(), x.grad.numpy(), w.grad.numpy()

    return stepping(work)


def padded(x: np.ndarray) -> np.ndarray:
    return np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))


def with_im2col(p: Problem):
    """Unfold all windows into one matrix, multiply, fold back: the textbook's way."""
    n, c, h, w = p.x.shape
    f = len(p.w)

    def work():
        border = padded(p.x)
        columns = np.empty((n, c, 3, 3, h, w), p.x.dtype)
        for i in range(3):
            for j in range(3):
                columns[:, :, i, j] = border[:, :, i : i + h, j : j + w]
        columns = columns.reshape(n, 9 * c, h * w)
        weights, g = p.w.reshape(f, -1), p.g.reshape(n, f, -1)
        y = (weights @ columns).reshape(n, f, h, w)
        dw = (g @ columns.mT).sum(axis=0).reshape(p.w.shape)
        folded = (weights.T @ g).reshape(n, c, 3, 3, h, w)
        dx = np.zeros_like(border)
        for i in range(3):
            for j in range(3):
                dx[:, :, i : i + h, j : j + w] += folded[:, :, i, j]
        return y, dx[:, :, 1:-1, 1:-1], dw

    return stepping(work)


def with_tensordot(p: Problem):
    """Windows as a view and one tensordot each: the shortest way to write it."""

    def work():
        windows = sliding_window_view(padded(p.x), (3, 3), axis=(2, 3))  # (N, C, H, W, 3, 3)
        y = np.tensordot(windows, p.w, ((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2)
        dw = np.tensordot(p.g, windows, ((0, 2, 3), (0, 2, 3)))
        windows = sliding_window_view(padded(p.g), (3, 3), axis=(2, 3))  # (N, F, H, W, 3, 3)
        dx = np.tensordot(windows, p.w[:, :, ::-1, ::-1], ((1, 4, 5), (0, 2, 3))).transpose(0, 3, 1, 2)
        return y, dx, dw

    return stepping(work)


CONTENDERS = (
    ("numpy im2col", with_im2col, None),
    ("numpy tensordot", with_tensordot, None),
    ("minidl", with_minidl, None),
    ("torch", with_torch, "torch"),
)


def benches(options: Options) -> Iterator[Workload]:
    problem = Problem(2, 3, 4, 6) if options.tiny else Problem(32, 16, 32, 28)
    yield Workload(
        "forward and backward",
        "numpy im2col",
        [Contender(name, lambda f=f: f(problem), needs) for name, f, needs in CONTENDERS],
        # dw sums 25088 terms: sqrt(25088) = 158 roundings, typically, relative to the largest sum.
        ulps=200,
        dtype=np.float32,
        goals=[
            Goal("minidl", "torch", at_least=0.35),
            Goal("minidl", "numpy im2col", at_least=1),
            Goal("minidl", "numpy tensordot", at_least=1),
        ],
    )


if __name__ == "__main__":
    sys.exit(harness.main("conv2d", "a 3x3 convolution, forward and both gradients", benches))
