"""Spectral dynamics of `minidl.nn` modules: weights as (out, in), pruned states, fresh statistics, losses of states."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from minidl.autograd import Tensor, no_grad
from minidl.nn import BatchNorm, Module, cross_entropy
from minidl.theory.spectral.pruning import prune


def module_weights(module: Module) -> dict[str, np.ndarray]:
    """The weights of at least two axes by name, in the order of the parameters, each as (out, in[, kh, kw]).

    `Linear` computes x @ weight and keeps (in, out), which is turned over, as are matrices of modules unknown to us, and
    the table of an `Embedding`, which multiplies one-hot rows in the same way: then its output directions align with the
    next layer. Kernels of `Conv2d` stay as they are.
    """
    weights = {name: p.data for name, p in module.parameters().items() if p.ndim >= 2}
    return {name: w.T if w.ndim == 2 else w for name, w in weights.items()}


def modules(module: Any, seen: set[int] | None = None) -> Iterator[Module]:
    """The module and all modules below it, through lists, tuples and dicts, each once."""
    seen = set() if seen is None else seen
    if id(module) in seen or not isinstance(module, Module | dict | list | tuple):
        return
    seen.add(id(module))
    if isinstance(module, Module):
        yield module
        parts = vars(module).values()
    else:
        parts = module.values() if isinstance(module, dict) else module
    for part in parts:
        yield from modules(part, seen)


def prune_module(module: Module, fraction: float = 0.5, side: str = "top") -> dict[str, np.ndarray]:
    """The module's state with its weights pruned as `prune` says, for `load_state`; the module stays as it is.

    After loading, `recompute_statistics` where there is batch normalisation. Raises as `prune`.
    """
    parameters = list(module.parameters().values())
    pruned = dict(zip(parameters, prune([p.data for p in parameters], fraction, side), strict=True))
    state = module.state()
    for name, (_, _, value) in module._slots().items():  # a shared weight has several names
        if isinstance(value, Tensor):
            state[name] = pruned[value].copy()
    return state


def recompute_statistics(module: Module, x: np.ndarray, *, rng: np.random.Generator | None = None) -> None:
    """Set the running statistics of every `BatchNorm` to those of the examples x, in one pass over all of them.

    Weights that were pruned or averaged make other activations than those that the statistics were gathered from.
    """
    layers = [layer for layer in modules(module) if isinstance(layer, BatchNorm)]
    before = [layer.momentum for layer in layers]
    try:
        for layer in layers:
            layer.momentum = 1.0
        with no_grad():
            module(np.asarray(x), training=True, rng=rng)
    finally:
        for layer, momentum in zip(layers, before, strict=True):
            layer.momentum = momentum


def loss_at(
    module: Module,
    x: np.ndarray,
    y: np.ndarray,
    *,
    loss: Callable[[Any, np.ndarray], Any] = cross_entropy,
    statistics: np.ndarray | None = None,
) -> Callable[[Mapping[str, np.ndarray]], float]:
    """A function from a state of the module to its loss on (x, y), for `path_losses`; the module itself stays as it is.

    loss: takes the output and y, and returns a number: also accuracy, or 1 - accuracy. statistics: examples from which
    the running statistics of batch normalisation are computed anew for each state; None keeps those of the state.
    """
    twin = copy.deepcopy(module)

    def evaluate(state: Mapping[str, np.ndarray]) -> float:
        twin.load_state(state)
        if statistics is not None:
            recompute_statistics(twin, statistics)
        with no_grad():
            value = loss(twin(x, training=False), y)
        return value.item() if isinstance(value, Tensor) else float(value)

    return evaluate
