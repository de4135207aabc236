"""One step of an optimizer on a million parameters: reference, fused loops, torch, and the memory floor.

    python kernels/bench/optimizer_step.py [--rounds N] [--only NAME] [--no-write] [--no-peers]

A step reads w, g and the state and writes w and the state; whatever else it does, it cannot be faster than that. Two
floors, each over as many bytes as the step and on a working set of the same size:

* `traffic floor`: a loop that reads and writes arrays like those of the step, in place, with one subtraction for each
  entry written. What a loop over these arrays can reach at best.
* `copy floor`: np.copyto, half of the bytes read and half written. Its target has to be fetched before it is
  overwritten, which does not count as moved, so it is the slower of the two.

Where a loop misses the traffic floor, the divider of the core is the limit, not memory: two square roots and two
divisions per parameter in AvaGrad; in float64 one of each in RMSprop and Adagrad, which move only five words meanwhile.

All contenders make a few steps from the same start first, and must agree on the parameters.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import harness
import numpy as np
from harness import Contender, Goal, Options, Workload
from report import Section

TRAFFIC, COPY = "traffic floor", "copy floor"
REFERENCE, KERNELS, CLASS = "minidl", "minidl_kernels", "minidl class"
LR, BETA1, BETA2 = 1e-3, 0.9, 0.999


@dataclass(frozen=True)
class Method:
    """An optimizer: how each contender makes its steps.

    state: names of the arrays of state, all of them zero at the start. reference: gives the pure step. kernels: from
    the problem to a function that makes step t. Both import what they need.
    optimizer: class and settings in minidl.optim, which runs the kernels for a tensor of this size.
    torch: class and settings in torch.optim, "" if there is none; fused: whether that has a fused loop for the CPU.
    peer: package, class and settings of another implementation.
    """

    name: str
    state: tuple[str, ...]
    reference: Callable[[], Callable]
    kernels: Callable[[Any], Callable[[int], Any]]
    optimizer: tuple[str, Mapping[str, Any]]
    torch: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    fused: bool = True
    peer: tuple[str, str, Mapping[str, Any]] | None = None


class Problem:
    """Parameters w, a gradient g that is the same at every step, and arrays of state, fresh for each contender."""

    def __init__(self, method: Method, d: int, dtype: Any):
        rng = np.random.default_rng(0)
        self.w = rng.standard_normal(d).astype(dtype)
        self.g = rng.standard_normal(d).astype(dtype)
        self.state = [np.zeros(d, dtype) for _ in method.state]


# --- the methods ------------------------------------------------------------------------------------------------------
def reference(module: str, hyper: str, **settings: Any) -> Callable[[], Callable]:
    """The pure step of `minidl.optim.<module>` with its hyperparameters."""

    def load():
        from importlib import import_module

        found = import_module(f"minidl.optim.{module}")
        chosen = getattr(found, hyper)(lr=LR, **settings)
        return lambda w, g, state: found.step(w, g, state, chosen)

    return load


def kernels(name: str, *settings: Any, **keywords: Any) -> Callable[[Problem], Callable[[int], Any]]:
    """`minidl_kernels.optim.<name>_step` on the arrays of a problem."""

    def load(p: Problem):
        from minidl_kernels import optim

        step, arrays = getattr(optim, f"{name}_step"), (p.w, p.g, *p.state)
        return lambda t: step(*arrays, t, LR, *settings, **keywords)

    return load


def amsgrad_kernels(p: Problem):
    from minidl_kernels.optim import adam_step

    m, v, vmax = p.state
    return lambda t: adam_step(p.w, p.g, m, v, t, LR, BETA1, BETA2, 1e-8, 0.0, vmax=vmax)


def rmsprop_kernels(p: Problem):
    from minidl_kernels.optim import rmsprop_step

    return lambda t: rmsprop_step(p.w, p.g, *p.state, None, None, t, LR, 0.99, 1e-8, 0.0, 0.0)


def avagrad_kernels(variant: str):
    def load(p: Problem):
        from minidl_kernels.optim import avagrad_step, normaliser

        gamma = 0.1

        def step(t: int):
            nonlocal gamma
            power = avagrad_step(p.w, p.g, *p.state, t, LR, gamma, BETA1, BETA2, 0.1, 0.0, variant)
            gamma = normaliser(power, p.w.size)

        return step

    return load


AVAGRAD_PEER = ("pytorch_optimizer", "AvaGrad", dict(lr=LR, eps=0.1, weight_decouple=False))
METHODS = (
    Method(
        "sgd momentum",
        ("buffer",),
        reference("sgd", "SGDHyper", momentum=0.9),
        kernels("sgd", 0.9, 0.0, False, 0.0),
        ("SGD", dict(momentum=0.9)),
        "SGD",
        dict(momentum=0.9),
    ),
    Method(
        "rmsprop",
        ("v",),
        reference("rmsprop", "RMSpropHyper"),
        rmsprop_kernels,
        ("RMSprop", {}),
        "RMSprop",
        fused=False,
    ),
    Method(
        "adagrad",
        ("sum",),
        reference("adagrad", "AdagradHyper"),
        kernels("adagrad", 0.0, 1e-10, 0.0),
        ("Adagrad", {}),
        "Adagrad",
    ),
    Method(
        "adam",
        ("m", "v"),
        reference("adam", "AdamHyper"),
        kernels("adam", BETA1, BETA2, 1e-8, 0.0),
        ("Adam", {}),
        "Adam",
    ),
    Method(
        "amsgrad",
        ("m", "v", "vmax"),
        reference("adam", "AdamHyper", amsgrad=True),
        amsgrad_kernels,
        ("AMSGrad", {}),
        "Adam",
        dict(amsgrad=True),
    ),
    Method(
        "adamw",
        ("m", "v"),
        reference("adamw", "AdamWHyper"),
        kernels("adam", BETA1, BETA2, 1e-8, 1e-2, decoupled=True),
        ("AdamW", {}),
        "AdamW",
    ),
    Method(
        "avagrad synced",
        ("m", "v"),
        reference("avagrad", "AvaGradHyper", variant="synced"),
        avagrad_kernels("synced"),
        ("AvaGrad", dict(variant="synced")),
    ),
    Method(
        "avagrad released",
        ("m", "v"),
        reference("avagrad", "AvaGradHyper", variant="released"),
        avagrad_kernels("released"),
        ("AvaGrad", dict(variant="released")),
        peer=AVAGRAD_PEER,
    ),
    Method(
        "adabound",
        ("m", "v"),
        reference("adabound", "AdaBoundHyper"),
        kernels("adabound", LR, 0.1, BETA1, BETA2, 1e-3, 1e-8, 0.0),
        ("AdaBound", {}),
        peer=("torch_optimizer", "AdaBound", dict(lr=LR)),
    ),
)


# --- the contenders ---------------------------------------------------------------------------------------------------
def with_reference(method: Method, p: Problem):
    make, w, state = method.reference(), p.w, {}

    def step():
        nonlocal w, state
        w, state = make(w, p.g, state)

    return step, lambda: {"w": w}


def with_kernels(method: Method, p: Problem):
    make, t = method.kernels(p), 0

    def step():
        nonlocal t
        t += 1
        make(t)

    return step, lambda: {"w": p.w}


def with_class(method: Method, p: Problem):
    from minidl import optim
    from minidl.autograd import Tensor

    name, settings = method.optimizer
    w = Tensor(p.w, requires_grad=True)
    w.grad = Tensor(p.g)
    optimizer = getattr(optim, name)([w], lr=LR, impl="kernels", **settings)
    return optimizer.step, lambda: {"w": w.data}


def with_torch(method: Method, p: Problem, **how: bool):
    return with_package("torch.optim", method.torch, dict(method.settings) | {"lr": LR} | how, p)


def with_package(package: str, name: str, settings: Mapping[str, Any], p: Problem):
    from importlib import import_module

    import torch

    torch.set_num_threads(1)
    w = torch.from_numpy(p.w).requires_grad_()  # the same memory, so the same pages
    w.grad = torch.from_numpy(p.g)
    optimizer = getattr(import_module(package), name)([w], **settings)
    return optimizer.step, lambda: {"w": w.detach().numpy()}


def contenders(method: Method, d: int, dtype: Any) -> list[Contender]:
    def of(build: Callable, *before: Any, **how: Any):
        return lambda: build(*before, Problem(method, d, dtype), **how)

    rows = [
        Contender(REFERENCE, of(with_reference, method)),
        Contender(KERNELS, of(with_kernels, method)),
        Contender(CLASS, of(with_class, method)),
    ]
    if method.torch:
        rows.append(Contender("torch single", of(with_torch, method, foreach=False), "torch"))
        rows.append(Contender("torch foreach", of(with_torch, method, foreach=True), "torch"))
        if method.fused:
            rows.append(Contender("torch fused", of(with_torch, method, fused=True), "torch"))
    if method.peer:
        package, name, settings = method.peer
        rows.append(Contender(package, of(with_package, package, name, settings), package))
    return rows


# --- the floors -------------------------------------------------------------------------------------------------------
def traffic(method: Method, d: int, dtype: Any) -> harness.Step:
    """Reads g; reads and writes w and the state."""
    from numba import njit

    @njit(error_model="numpy")
    def touch(g, a, b, c, d):
        for i in range(g.size):
            x = g[i]
            a[i] = x - a[i]
            b[i] = x - b[i]
            if c is not None:  # decided when it is compiled
                c[i] = x - c[i]
            if d is not None:
                d[i] = x - d[i]

    p = Problem(method, d, dtype)
    arrays = [p.g, p.w, *p.state, None, None][:5]
    touch(*arrays)
    return lambda: touch(*arrays)


def copying(method: Method, d: int, dtype: Any) -> harness.Step:
    """np.copyto over as many bytes as the step moves, within as many bytes as its arrays have."""
    held = 2 + len(method.state)  # vectors
    moved = held + held - 1  # all are read, all but g are written
    half, rest = held * d // 2, (moved - held) * d // 2
    source, target = np.ones(half, dtype), np.zeros(half, dtype)

    def step():
        np.copyto(target, source)
        np.copyto(target[:rest], source[:rest])

    return step


@dataclass(frozen=True)
class Steps(Workload):
    """A workload whose table relates all times to a floor. Floors compute nothing, so they agree with nobody.

    Samples are longer than elsewhere: what a sample's first call finds in the caches is its predecessor's.
    """

    floors: Mapping[str, Callable[[], harness.Step]] = field(default_factory=dict)

    def prepare(self, options: Options) -> tuple[dict[str, harness.Step], list[tuple[str, str]]]:
        steps, skipped = Workload.prepare(replace(self, base=REFERENCE), options)
        return {name: build() for name, build in self.floors.items()} | steps, skipped

    def run(self, options: Options) -> Section:
        return super().run(replace(options, min_sample=5 * options.min_sample))


def goals(method: Method) -> Sequence[Goal]:
    rows = [Goal(KERNELS, floor, at_most=1.3) for floor in (COPY, TRAFFIC)]
    if method.torch:
        rows.append(Goal(KERNELS, "torch single", at_least=1))
    if method.peer:
        rows.append(Goal(KERNELS, method.peer[0], at_least=1))
    return rows


def benches(options: Options) -> Iterator[Workload]:
    d = 1000 if options.tiny else 10**6
    for dtype in (np.float32, np.float64):
        for method in METHODS:
            words = 3 + 2 * len(method.state)
            yield Steps(
                f"{method.name} {np.dtype(dtype).name}",
                TRAFFIC,
                contenders(method, d, dtype),
                # Each step rounds w once, by half a unit of its largest entry at most, on either side; and the change,
                # a hundredth of that entry, a few times.
                ulps=8,
                dtype=dtype,
                goals=goals(method),
                steps=4,
                note=f"{words} words per parameter, {words * np.dtype(dtype).itemsize * d / 1e6:g} MB",
                floors={TRAFFIC: partial(traffic, method, d, dtype), COPY: partial(copying, method, d, dtype)},
            )


if __name__ == "__main__":
    sys.exit(harness.main("optimizer_step", "one step of an optimizer on a million parameters", benches))
