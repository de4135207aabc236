"""One training step of a two-layer net: forward, backward, gradient descent. What does a tape cost over doing it by hand?

    python kernels/bench/autograd_step.py [--rounds N] [--only NAME] [--no-write]

Every contender starts from the same parameters, reads the loss as a Python float and updates its parameters; before timing,
losses and parameters after three steps must agree. At 784-128-10 with 64 rows the products dominate; with one row memory
traffic does (the update touches every weight); at 16-16-4 with 8 rows almost everything is bookkeeping.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import harness
import numpy as np
from harness import Contender, Goal, Options, Workload

RATE = 0.01


class Problem:
    """Random rows and labels, and the initial parameters W1, b1, W2, b2."""

    def __init__(self, sizes: tuple[int, int, int], batch: int, dtype: Any):
        rng = np.random.default_rng(0)
        n, h, c = sizes
        self.x = rng.standard_normal((batch, n)).astype(dtype)  # (B, n)
        self.y = rng.integers(0, c, batch)  # (B,)
        weights = [rng.standard_normal(s) / np.sqrt(s[0]) for s in ((n, h), (h, c))]
        w1, w2 = (w.astype(dtype) for w in weights)
        self.initial = [w1, np.zeros(h, dtype), w2, np.zeros(c, dtype)]

    def parameters(self) -> list[np.ndarray]:
        return [p.copy() for p in self.initial]


def outcome(losses: list[float], arrays: list[np.ndarray]) -> dict[str, Any]:
    return {"loss": losses[-1], **dict(zip(("W1", "b1", "W2", "b2"), arrays, strict=True))}


def by_hand(problem: Problem):
    """The step as one writes it in NumPy: in place where that is easy, no check of anything."""
    x, y, losses = problem.x, problem.y, []
    parameters = W1, b1, W2, b2 = problem.parameters()
    rows, scale = np.arange(len(y)), 1 / len(y)

    def step():
        nonlocal W1, b1, W2, b2
        h = x @ W1
        h += b1
        np.maximum(h, 0, out=h)
        z = h @ W2
        z += b2
        z -= z.max(axis=1, keepdims=True)
        np.exp(z, out=z)
        z /= z.sum(axis=1, keepdims=True)
        losses[:] = [-float(np.log(z[rows, y]).mean())]
        z[rows, y] -= 1
        z *= scale
        dh = z @ W2.T
        dh *= h > 0
        W2 -= RATE * (h.T @ z)
        b2 -= RATE * z.sum(axis=0)
        W1 -= RATE * (x.T @ dh)
        b1 -= RATE * dh.sum(axis=0)

    return step, lambda: outcome(losses, parameters)


def with_minidl(problem: Problem):
    """As a user writes it, the rows wrapped once as torch's are; the update replaces each parameter by a fresh array."""
    from minidl.autograd import Tensor, cross_entropy, relu

    x, y, losses = Tensor(problem.x), problem.y, []
    parameters = W1, b1, W2, b2 = [Tensor(p, requires_grad=True) for p in problem.initial]

    def step():
        loss = cross_entropy(relu(x @ W1 + b1) @ W2 + b2, y)
        loss.backward()
        losses[:] = [loss.item()]
        for p in parameters:
            p.adopt(p.data - RATE * p.grad.data)
            p.grad = None

    return step, lambda: outcome(losses, [p.data for p in parameters])


def with_minidl_sgd(problem: Problem):
    """What `nn.Linear` and `optim.SGD` do, without the modules."""
    from minidl.autograd import Tensor, cross_entropy, linear, relu
    from minidl.optim import SGD

    x, y, losses = Tensor(problem.x), problem.y, []
    parameters = W1, b1, W2, b2 = [Tensor(p, requires_grad=True) for p in problem.initial]
    optimizer = SGD(parameters, lr=RATE)

    def step():
        loss = cross_entropy(linear(relu(linear(x, W1, b1)), W2, b2), y)
        loss.backward()
        losses[:] = [loss.item()]
        optimizer.step(forget=True)

    return step, lambda: outcome(losses, [p.data for p in parameters])


def with_torch(problem: Problem):
    import torch
    from torch.nn.functional import cross_entropy

    torch.set_num_threads(1)
    x, y, losses = torch.tensor(problem.x), torch.tensor(problem.y), []
    parameters = W1, b1, W2, b2 = [torch.tensor(p, requires_grad=True) for p in problem.initial]

    def step():
        loss = cross_entropy(torch.relu(x @ W1 + b1) @ W2 + b2, y)
        loss.backward()
        losses[:] = [loss.item()]
        with torch.no_grad():
            for p in parameters:
                p -= RATE * p.grad
                p.grad = None

    return step, lambda: outcome(losses, [p.detach().numpy() for p in parameters])


def with_autograd(problem: Problem):
    import autograd
    import autograd.numpy as anp

    x, y, losses = problem.x, problem.y, []
    parameters = problem.parameters()
    rows = np.arange(len(y))

    def mean_loss(parameters):
        W1, b1, W2, b2 = parameters
        z = anp.dot(anp.maximum(anp.dot(x, W1) + b1, 0), W2) + b2
        z = z - anp.max(z, axis=1, keepdims=True)
        return anp.mean(anp.log(anp.sum(anp.exp(z), axis=1)) - z[rows, y])

    value_and_grad = autograd.value_and_grad(mean_loss)

    def step():
        loss, gradients = value_and_grad(parameters)
        losses[:] = [float(loss)]
        for p, g in zip(parameters, gradients, strict=True):
            p -= RATE * g

    return step, lambda: outcome(losses, parameters)


def with_mygrad(problem: Problem):
    import mygrad
    from mygrad.nnet.activations import relu
    from mygrad.nnet.losses import softmax_crossentropy

    x, y, losses = problem.x, problem.y, []
    parameters = W1, b1, W2, b2 = [mygrad.tensor(p.copy()) for p in problem.initial]

    def step():
        loss = softmax_crossentropy(mygrad.matmul(relu(mygrad.matmul(x, W1) + b1), W2) + b2, y)
        loss.backward()
        losses[:] = [float(loss)]
        for p in parameters:
            p.data[...] -= RATE * p.grad
            p.null_grad()

    return step, lambda: outcome(losses, [p.data for p in parameters])


CONTENDERS = (
    ("numpy", by_hand, None),
    ("minidl", with_minidl, None),
    ("minidl linear SGD", with_minidl_sgd, None),
    ("torch", with_torch, "torch"),
    ("autograd", with_autograd, "autograd"),
    ("mygrad", with_mygrad, "mygrad"),
)
# (sizes, batch, limit on minidl's time / numpy's, least speed of minidl over each peer)
CASES = (
    ((784, 128, 10), 64, 1.08, {"torch": 1.0, "autograd": 2.8, "mygrad": 1.4}),
    ((784, 128, 10), 1, 1.15, {"autograd": 2.5, "mygrad": 1.4}),
    ((16, 16, 4), 8, 1.5, {"torch": 3.0, "autograd": 8.0, "mygrad": 3.0}),
)


def benches(options: Options) -> Iterator[Workload]:
    for sizes, batch, limit, speeds in CASES:
        if options.tiny:
            sizes, batch = (6, 5, 4), min(batch, 3)
        for dtype in (np.float32, np.float64):
            problem = Problem(sizes, batch, dtype)
            goals = [Goal("minidl", "numpy", at_most=limit), Goal("minidl linear SGD", "numpy", at_most=limit)]
            if dtype is np.float32:  # in float64 the products take twice as long, so that all are closer together
                goals += [Goal("minidl linear SGD", peer, at_least=speed) for peer, speed in speeds.items()]
            yield Workload(
                f"{'-'.join(map(str, sizes))} batch {batch} {np.dtype(dtype).name}",
                "numpy",
                [Contender(name, lambda f=f, p=problem: f(p), needs) for name, f, needs in CONTENDERS],
                # Three steps of sums over at most 784 terms in another order: sqrt(784) = 28 roundings each, typically.
                ulps=100,
                dtype=dtype,
                goals=goals,
                steps=3,
            )


if __name__ == "__main__":
    sys.exit(harness.main("autograd_step", "a training step of a two-layer net against the same by hand", benches))
