"""A gated residual block of two dense layers with batch normalisation, forward and backward: reference, twin and torch.

    python kernels/bench/gated_block.py [--rounds N] [--only NAME] [--no-write]

128 rows of width 50, as in the paper's nets (Savarese, Mazza and Figueiredo, 2016): everything fits into the first two
cache levels, so the matrix products are no larger than what lies between them. `dense_block_backward` computes the forward
pass again, so the explicit contenders do it twice; the two tapes keep it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import harness
import numpy as np
from harness import Contender, Goal, Options, Workload

NAMES = ("x", "W1", "gamma1", "beta1", "W2", "gamma2", "beta2", "k")
EPS = 1e-3


class Problem:
    """The block's inputs in the order of its arguments, and the adjoint dy of its output."""

    def __init__(self, batch: int, width: int, dtype: Any):
        rng = np.random.default_rng(0)
        layers = []
        for _ in range(2):
            weights = rng.standard_normal((width, width)) / np.sqrt(width)
            layers += [weights, rng.uniform(0.5, 1.5, width), rng.uniform(-0.5, 0.5, width)]
        inputs = [rng.standard_normal((batch, width)), *layers, np.array([0.8])]
        self.inputs = [a.astype(dtype) for a in inputs]
        self.dy = rng.standard_normal((batch, width)).astype(dtype)


def stepping(work: Any):
    results: dict[str, Any] = {}

    def step():
        results.update(zip(("y", *(f"d{name}" for name in NAMES)), work(), strict=True))

    return step, lambda: results


def explicit(module: ModuleType, p: Problem):
    def work():
        y = module.dense_block(*p.inputs, eps=EPS)
        return y, *module.dense_block_backward(p.dy, *p.inputs, eps=EPS)

    return stepping(work)


def with_reference(p: Problem):
    from minidl.residual import gated

    return explicit(gated, p)


def with_kernels(p: Problem):
    from minidl_kernels import gated

    return explicit(gated, p)


def with_tape(p: Problem):
    from minidl.autograd import Tensor
    from minidl.residual.gated import dense_block

    inputs = [Tensor(a, requires_grad=True) for a in p.inputs]

    def work():
        for t in inputs:
            t.grad = None
        y = dense_block(*inputs, eps=EPS)
        y.backward(p.dy)
        return y.data, *(t.grad.data for t in inputs)

    return stepping(work)


def with_torch(p: Problem):
    import torch
    from torch.nn.functional import batch_norm

    torch.set_num_threads(1)
    inputs = x, W1, gamma1, beta1, W2, gamma2, beta2, k = [torch.tensor(a, requires_grad=True) for a in p.inputs]
    dy = torch.tensor(p.dy)

    def layer(x, W, gamma, beta):
        return torch.relu(batch_norm(x @ W, None, None, gamma, beta, training=True, eps=EPS))

    def work():
        for t in inputs:
            t.grad = None
        y = torch.relu(k) * layer(layer(x, W1, gamma1, beta1), W2, gamma2, beta2) + x
        y.backward(dy)
        return y.detach().numpy(), *(t.grad.numpy() for t in inputs)

    return stepping(work)


CONTENDERS = (
    ("minidl.residual", with_reference, None),
    ("minidl_kernels", with_kernels, None),
    ("minidl.autograd", with_tape, None),
    ("torch", with_torch, "torch"),
)


def benches(options: Options) -> Iterator[Workload]:
    batch, width = (8, 4) if options.tiny else (128, 50)
    for dtype in (np.float64, np.float32):
        problem = Problem(batch, width, dtype)
        yield Workload(
            f"batch {batch} width {width} {np.dtype(dtype).name}",
            "minidl.residual",
            [Contender(name, lambda f=f, p=problem: f(p), needs) for name, f, needs in CONTENDERS],
            # Four products and two normalisations deep, sums of up to 128 terms each that partly cancel.
            ulps=500,
            dtype=dtype,
            goals=[
                Goal("minidl_kernels", "minidl.residual", at_least=1.5),
                Goal("minidl_kernels", "torch", at_least=1),
            ],
        )


if __name__ == "__main__":
    sys.exit(harness.main("gated_block", "a gated residual block, forward and backward", benches))
