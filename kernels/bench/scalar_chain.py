"""Ten thousand scalar additions, forward and backward: what does one node of a tape cost, and does it stay so as tapes grow?

    python kernels/bench/scalar_chain.py [--rounds N] [--only NAME] [--no-write]

`y = x; y = y + x` repeated: the arithmetic is nothing, the bookkeeping is everything. The gradient is n + 1, exactly.

micrograd stands here twice: the published package, which recurses (with the recursion limit raised), and its algorithm with
the recursion made iterative and nothing else of the package around it, which is the faster of the two and the yardstick.
"""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import harness
import numpy as np
from harness import Contender, Goal, Options, Workload, judged
from report import Section, Spread, seconds


class Value:
    """A scalar of micrograd (Karpathy, 2020): a closure and a set of children per node; addition only."""

    def __init__(self, data: float, children: tuple = ()):
        self.data = data
        self.grad = 0.0
        self._prev = set(children)
        self._backward = lambda: None

    def __add__(self, other: Value) -> Value:
        out = Value(self.data + other.data, (self, other))

        def _backward():
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out

    def backward(self) -> None:
        order, visited, stack = [], {self}, [(self, iter(self._prev))]
        while stack:
            node, children = stack[-1]
            for child in children:
                if child not in visited:
                    visited.add(child)
                    stack.append((child, iter(child._prev)))
                    break
            else:
                stack.pop()
                order.append(node)
        self.grad = 1.0
        for node in reversed(order):
            node._backward()


def chain(x: Any, n: int) -> Any:
    y = x
    for _ in range(n):
        y = y + x
    return y


def stepping(gradient: Any):
    """A contender from a function that returns the gradient of the chain."""
    results = [0.0]

    def step():
        results[0] = gradient()

    return step, lambda: {"gradient": float(results[0])}


def with_micrograd_iterative(n: int):
    def gradient():
        x = Value(1.0)
        chain(x, n).backward()
        return x.grad

    return stepping(gradient)


def with_micrograd(n: int):
    from micrograd.engine import Value as Published

    def gradient():
        x = Published(1.0)
        before = sys.getrecursionlimit()
        sys.setrecursionlimit(max(before, 2 * n + 1000))
        try:
            chain(x, n).backward()
        finally:
            sys.setrecursionlimit(before)
        return x.grad

    return stepping(gradient)


def with_minidl(n: int):
    from minidl.autograd import Tensor

    def gradient():
        x = Tensor(1.0, requires_grad=True)
        chain(x, n).backward()
        return x.grad.item()

    return stepping(gradient)


def with_torch(n: int):
    import torch

    torch.set_num_threads(1)

    def gradient():
        x = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
        chain(x, n).backward()
        return x.grad.item()

    return stepping(gradient)


def with_autograd(n: int):
    import autograd

    derivative = autograd.grad(lambda x: chain(x, n))
    return stepping(lambda: derivative(1.0))


def with_mygrad(n: int):
    import mygrad

    def gradient():
        x = mygrad.tensor(1.0)
        chain(x, n).backward()
        return float(x.grad)

    return stepping(gradient)


CONTENDERS = (
    ("micrograd iterative", with_micrograd_iterative, None),
    ("micrograd", with_micrograd, "micrograd"),
    ("minidl", with_minidl, None),
    ("torch", with_torch, "torch"),
    ("autograd", with_autograd, "autograd"),
    ("mygrad", with_mygrad, "mygrad"),
)


@dataclass(frozen=True)
class Growth:
    """Time and peak memory of minidl's chain over its length, with the exponent p of the fit ~ length^p.

    1 is linear. A logarithmic factor, as of sorting, would add about 0.1 over this range.
    """

    lengths: tuple[int, ...]
    name: str = "growth with the length"
    limit: float = 1.15

    def run(self, options: Options) -> Section:
        times = {n: self.times(n, options) for n in self.lengths}
        peaks = {n: peak_memory(n) for n in self.lengths}
        lines = [("nodes", "time (quartiles)  per node  |  peak memory  per node")]
        for n in self.lengths:
            t, peak = Spread.of(times[n]), peaks[n]
            lines.append(
                (
                    f"{n}",
                    f"{seconds(t.median)} ({seconds(t.low)} .. {seconds(t.high)})  {seconds(t.median / n)}  |  "
                    f"{peak / 2**20:.4g} MiB  {peak / n:.0f} bytes",
                )
            )
        t, m = (exponent(self.lengths, values) for values in (self.medians(times), [peaks[n] for n in self.lengths]))
        goals = [
            judged("exponent of the time", t, at_most=self.limit),
            judged("exponent of the peak memory", m, at_most=self.limit),
        ]
        return Section(
            self.name,
            "minidl forward and backward, garbage collection on, as in any program",
            figures=lines,
            goals=goals,
            rounds=options.rounds,
        )

    def times(self, n: int, options: Options) -> list[float]:
        """Short chains are repeated, so that every sample takes about as long as the longest chain."""
        clock, step = options.clock.cpu, with_minidl(n)[0]
        step()
        repeats = max(1, max(self.lengths) // (10 * n))
        samples = []
        for _ in range(min(options.rounds, 5)):
            gc.collect()
            start = clock()
            for _ in range(repeats):
                step()
            samples.append((clock() - start) / repeats)
        return samples

    def medians(self, times: dict[int, list[float]]) -> list[float]:
        return [Spread.of(times[n]).median for n in self.lengths]


def peak_memory(n: int) -> int:
    """Bytes that Python and NumPy held at most while the chain of n nodes ran, above what they held before."""
    step = with_minidl(n)[0]
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        step()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def exponent(lengths: tuple[int, ...], values: list[float]) -> float:
    """The slope of the straight line through the points in logarithmic coordinates, by least squares."""
    return float(np.polyfit(np.log(lengths), np.log(values), 1)[0])


def benches(options: Options) -> Iterator[Workload | Growth]:
    n = 50 if options.tiny else 10_000
    yield Workload(
        f"{n} additions",
        "micrograd iterative",
        [Contender(name, lambda f=f: f(n), needs) for name, f, needs in CONTENDERS],
        ulps=0,  # n + 1 is an integer
        goals=[
            Goal("minidl", "micrograd iterative", at_least=0.6),
            Goal("minidl", "torch", at_least=1),
            Goal("minidl", "autograd", at_least=1),
            Goal("minidl", "mygrad", at_least=1),
        ],
    )
    yield Growth((10, 100, 1000) if options.tiny else (10_000, 100_000, 1_000_000))


if __name__ == "__main__":
    sys.exit(harness.main("scalar_chain", "scalar additions, forward and backward: the cost of a node", benches))
