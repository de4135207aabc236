"""Gradient descent where theory has an exact answer: all steps in one function, beside loops of NumPy calls.

    python kernels/bench/descent.py [--rounds N] [--only NAME] [--no-write] [--no-peers]

* `minidl`: the reference, a loop of NumPy calls. `numpy by hand`: the shortest such loop, which forms losses for themselves.
* `two products`: what BLAS needs for Z w and Z^T q alone, without the loss between them.
* `reading once`: a sum over the data, as often as there are steps: what memory needs at least.

All make the same number of steps from the same start; arguments are checked and copied once per run.

Of the small problems all copies lie in the nearest cache. With 40 inputs of 50 numbers a step is some 620 loads of 64 bytes,
and that is most of its time, so how many times faster it is depends on what NumPy does besides the products: for constant
steps, three short calls. With three inputs of two numbers it is the calls that count.

Descent needs exponentially many steps for a direction, so solvers are asked for the direction itself ("maximum margin").
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import harness
import numpy as np
from harness import Contender, Goal, Options, Workload
from optimizer_step import Steps

REFERENCE, KERNELS, HAND, PRODUCTS, READING = (
    "minidl",
    "minidl_kernels",
    "numpy by hand",
    "two products",
    "reading once",
)
WORKED = np.array([[1.0, 2.0], [3.0, -1.0], [3.0, 3.0]]) / math.sqrt(18)
EPS = np.finfo(float).eps


def stepping(work: Callable[[], Any], *names: str):
    """A contender of which each step is a whole run, whose last state is compared."""
    results: dict[str, Any] = {}

    def step():
        result = work()
        results.update((name, getattr(result, name)[-1] if names else result) for name in names or ("direction",))

    return step, lambda: results


# --- separable data ------------------------------------------------------------------------------------------------------
def separable(N: int, d: int) -> np.ndarray:
    """Signed inputs of norm at most 1: random labels where N <= d, else labels of a linear function."""
    z = np.random.default_rng(0).standard_normal((N, d))
    if d < N:
        z[:, 0] = np.abs(z[:, 0]) + 0.5
    return z / np.linalg.norm(z, axis=1).max()


class Run:
    """T steps from 0 on signed inputs z, constant ones or those of an update."""

    def __init__(self, z: np.ndarray, steps: int, update: str):
        self.z, self.steps, self.update = z, steps, update
        self.step = 1 / len(z) if update == "constant" else 1.0

    def by(self, module: str):
        from importlib import import_module

        found, start, times = import_module(module), np.zeros(self.z.shape[1]), [self.steps]
        if self.update == "constant":
            return stepping(lambda: found.descent(self.z, start, times, self.step), "w")
        return stepping(lambda: found.normalised_descent(self.z, start, times, self.step, self.update), "w")

    def by_hand(self):
        z, w = self.z, np.zeros(self.z.shape[1])

        def step():
            nonlocal w
            w = np.zeros(z.shape[1])
            for t in range(1, self.steps + 1):
                u = z @ w
                if self.update == "constant":
                    w += self.step * (np.exp(-u) @ z)
                    continue
                q = np.exp(u.min() - u)
                g = q @ z
                w += self.step / math.sqrt(t) / (q.sum() if self.update == "loss" else np.linalg.norm(g)) * g

        return step, lambda: {"w": w}

    def ulps(self) -> float:
        """Roundings of all steps add up: in each those of margins, d terms, of weights, N terms, and of w."""
        N, d = self.z.shape
        path = (
            self.steps if self.update == "constant" else 2 * math.sqrt(self.steps)
        )  # no step is longer than 1 or 1 / sqrt(t)
        return 2 * path * (d + N + 4) + self.steps


def products(a: np.ndarray, steps: int):
    """BLAS on both products of a step, as often as there are steps."""
    (n, d), out = a.shape, (np.empty(a.shape[0]), np.empty(a.shape[1]))
    w, q = np.ones(d), np.ones(n)

    def step():
        for _ in range(steps):
            np.dot(a, w, out=out[0])
            np.dot(q, a, out=out[1])

    return step


def reading(a: np.ndarray, steps: int):
    """A sum over all of the array, as often as there are steps."""
    from numba import njit

    @njit(fastmath={"reassoc"})
    def total(flat):
        s = 0.0
        for i in range(flat.size):
            s += flat[i]
        return s

    def step():
        for _ in range(steps):
            total(a.ravel())

    step()
    return step


def descents(name: str, z: np.ndarray, steps: int, update: str, floor: Callable, *goals: Goal, hand: bool = True):
    run = Run(z, steps, update)
    contenders = [
        Contender(REFERENCE, partial(run.by, "minidl.theory.margin.steps")),
        Contender(KERNELS, partial(run.by, "minidl_kernels.descent")),
    ]
    if hand:
        contenders.append(Contender(HAND, run.by_hand))
    shape = " x ".join(map(str, z.shape))
    floors = {PRODUCTS: partial(products, z, steps)}
    if floor is reading:
        floors = {READING: partial(reading, z, steps)} | floors
    return Steps(
        f"{name}, {shape}",
        next(iter(floors)) if floor is reading else REFERENCE,
        contenders,
        ulps=run.ulps(),
        goals=goals,
        note=f"{steps} steps" + (f", each of which reads {8e-6 * z.size:g} MB" if floor is reading else ""),
        floors=floors,
    )


# --- the inner loop ------------------------------------------------------------------------------------------------------
def row_sums(tiny: bool) -> Workload:
    """c @ rows for 50 rows of 40: what the loop with explicit vectors is for."""
    from minidl_kernels import cpu, rows, simd_rows
    from numba import njit

    n, m, times = (5, 8, 10) if tiny else (50, 40, 1000)
    rng = np.random.default_rng(0)
    matrix, c = rows.padded(rng.standard_normal((n, m))), rng.standard_normal(n)

    def compiled(function: Callable):
        out = rows.aligned((matrix.shape[1],), float)
        loop = njit(_nrt=False, error_model="numpy", fastmath={"contract"})(function)

        @njit(_nrt=False)
        def repeat(c, matrix, out):
            for _ in range(times):
                loop(c, matrix, out)

        return lambda: repeat(c, matrix, out), lambda: {"sum": out[:m]}

    def numpy():
        out = np.empty(matrix.shape[1])

        def step():
            for _ in range(times):
                np.dot(c, matrix, out=out)

        return step, lambda: {"sum": out[:m]}

    contenders = [Contender("plain", partial(compiled, rows.plain)), Contender("numpy", numpy)]
    if cpu.has(*cpu.AVX512):
        contenders.insert(1, Contender("SIMD", partial(compiled, simd_rows.sum_rows)))
    goals = [Goal("SIMD", "plain", at_least=2)]
    return Workload(
        f"sum of {n} rows of {m}",
        "plain",
        contenders,
        ulps=4 * n,
        goals=goals,
        note=f"{times} times, in the nearest cache",
    )


# --- nets ----------------------------------------------------------------------------------------------------------------
def diagonal_net(n: int, d: int, depth: int, steps: int, *goals: Goal) -> Workload:
    from minidl_kernels import diagonal

    from minidl.theory.kernel_rich import diagonal as reference

    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, d))
    y, start = x[:, : min(d, 5)].sum(axis=1) / math.sqrt(5), np.full(d, 0.3)
    step = 0.02 / (depth**2 * np.linalg.norm(x, 2) ** 2)
    arguments = x, y, start, start, [steps], step, depth
    return Steps(
        f"diagonal net of depth {depth}, {n} x {d}",
        REFERENCE,
        [
            Contender(REFERENCE, lambda: stepping(lambda: reference.gradient_descent(*arguments), "u", "v")),
            Contender(KERNELS, lambda: stepping(lambda: diagonal.gradient_descent(*arguments), "u", "v")),
        ],
        # a step changes a parameter by a fiftieth of it at most, by sums of n and d terms and a dozen products; it is rounded
        ulps=steps * ((n + d + 12) / 50 + 1),
        goals=goals,
        note=f"{steps} steps",
        floors={PRODUCTS: partial(products, x, steps)},
    )


def line(tiny: bool) -> Workload:
    """Of the run by which a network on ten points converges."""
    from minidl_kernels import relu_line

    from minidl.theory.infinite_width import training as reference

    steps, k = (5, 10) if tiny else (200, 100)
    x = np.linspace(-4.3, 4.3, 10)
    rng = np.random.default_rng(0)
    net = reference.initial_network(rng.standard_normal((2, k)), rng.random(k + 1))
    arguments = x, np.sin(x), *net, [steps], 300_000, 3e-3, 1e-3
    return Workload(
        f"network on the line, 10 points, {k} units",
        REFERENCE,
        [
            Contender(REFERENCE, lambda: stepping(lambda: reference.train(*arguments), "w", "b", "v", "b0")),
            Contender(KERNELS, lambda: stepping(lambda: relu_line.train(*arguments), "w", "b", "v", "b0")),
        ],
        # Adam divides a gradient by its size: where its terms cancel to a hundredth, their roundings count as many times
        ulps=steps + 100 * steps * 3e-3 * (k + 14) / 0.1,
        goals=[Goal(KERNELS, REFERENCE, at_least=20)],
        note=f"the first {steps} of 300,000 steps of Adam",
    )


# --- the limit -----------------------------------------------------------------------------------------------------------
def maximum_margin(N: int, d: int) -> Workload:
    """The direction that descent takes for ever to find."""
    z = separable(N, d)

    def unit(w: np.ndarray) -> np.ndarray:
        return w / np.linalg.norm(w)

    def ours():
        from minidl.theory.margin.solver import hard_margin

        return stepping(lambda: unit(hard_margin(z).w))

    def scipy():
        from scipy.optimize import nnls

        matrix, target = np.vstack((z.T, np.ones(N))), np.zeros(d + 1)
        target[-1] = 1
        return stepping(lambda: unit(target[:-1] - matrix[:-1] @ nnls(matrix, target)[0]) * -1)

    def sklearn():
        from sklearn.svm import LinearSVC

        model = LinearSVC(C=1e6, loss="hinge", fit_intercept=False, tol=1e-8, max_iter=10**6, random_state=0)
        labels = np.where(np.arange(N) % 2, 1, -1)  # it wants two classes
        return stepping(lambda: unit(model.fit(z * labels[:, None], labels).coef_[0]))

    return Workload(
        f"maximum margin, {N} x {d}",
        "minidl",
        [
            Contender("minidl", ours),
            Contender("scipy nnls", scipy, "scipy"),
            Contender("scikit-learn LinearSVC", sklearn, "sklearn"),
        ],
        ulps=1e-4 / EPS,  # LIBLINEAR's stopping rule; the others agree to rounding
        note="hard margin by least-distance programming; LinearSVC with C = 1e6",
    )


def benches(options: Options) -> Iterator[Workload]:
    few = 20 if options.tiny else 5000
    fast = Goal(KERNELS, REFERENCE, at_least=30)
    for z in (WORKED, separable(*((4, 5) if options.tiny else (40, 50)))):
        for update, name in (
            ("constant", "constant steps"),
            ("loss", "steps by the loss"),
            ("unit", "steps by the norm"),
        ):
            yield descents(name, z, few, update, products, fast)
    z, steps = separable(*((500, 7) if options.tiny else (100_000, 100))), 2 if options.tiny else 20
    for update, name in (("constant", "constant steps"), ("loss", "steps by the loss")):
        yield descents(name, z, steps, update, reading, Goal(KERNELS, READING, at_most=2), hand=False)
    yield row_sums(options.tiny)
    yield diagonal_net(10, 40, 2, few, fast)
    if not options.tiny:
        yield diagonal_net(100, 1000, 2, 500, Goal(KERNELS, REFERENCE, at_least=1.5))
    yield line(options.tiny)
    yield maximum_margin(*((4, 5) if options.tiny else (40, 50)))


if __name__ == "__main__":
    sys.exit(harness.main("descent", "gradient descent with an exact answer, all steps in one function", benches))
