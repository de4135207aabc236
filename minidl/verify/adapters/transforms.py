"""Gradient transformations in the manner of optax: `init(params) -> state`, `update(grads, state, params) -> updates, state`.

What is adapted is the factory that takes the hyperparameters, such as `optax.adam`. The learning rate is handed over as a
number where it is constant, else as a function of the step count, as optax's schedules are. Updates are added to the
parameters. Under JAX the run is in float64 where the case is, without leaving that setting behind.
"""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from minidl.laws.core import Contract
from minidl.verify.adapters.hyper import ALIASES, Hyper, Options, parameters_of, plain_name, split


def is_transform(thing: Any) -> bool:
    """A transformation that is made already."""
    return callable(getattr(thing, "init", None)) and callable(getattr(thing, "update", None))


def is_transform_factory(thing: Any) -> bool:
    """A function whose first parameter is the learning rate, or a class of transformations."""
    made = getattr(thing, "func", thing)  # of a functools.partial
    if inspect.isclass(made):
        return is_transform(made)
    try:
        first = next(iter(inspect.signature(thing).parameters), "")
    except (TypeError, ValueError):
        return False
    return first in ("lr", *ALIASES["lr"])


def from_factory(make: Callable[..., Any], contract: Contract, options: Options) -> Callable[..., np.ndarray]:
    """The contract's trajectory function by a factory of transformations.

    Several tensors (the contract's input `sizes`) travel as a tuple. Raises TargetError where the two do not fit.
    """
    hyper = Hyper(contract, plain_name(make), parameters_of(make), options)

    def trajectory(*inputs: Any) -> np.ndarray:
        values = dict(zip(contract.inputs, inputs, strict=True))
        w, gradients, sizes = values["w"], values["gradients"], values.get("sizes")
        if (lr := hyper.rates(values)) is not None:
            values["lr"] = _rate(lr)
        jax = sys.modules.get("jax")
        with _double(jax):
            array = jax.numpy.asarray if jax is not None else np.array
            transform = make(**hyper.keywords(values))
            params = _tree(w, sizes, array)
            state, rows = transform.init(params), []
            for g in gradients:
                updates, state = transform.update(_tree(g, sizes, array), state, params)
                params = _added(params, updates)
                rows.append(np.concatenate([np.asarray(part) for part in _parts(params)]))
        return np.stack(rows) if rows else np.empty((0, len(w)), w.dtype)

    trajectory.wiring = hyper.wiring("")
    return trajectory


def _rate(lr: np.ndarray) -> Any:
    if len(lr) == 0 or (lr == lr[0]).all():
        return float(lr[0]) if len(lr) else 0.0
    rates = [float(rate) for rate in lr]  # Python's: an array's entry would widen float32 parameters

    def schedule(count: Any) -> Any:
        try:
            return rates[int(count)]
        except TypeError:  # a traced count
            return sys.modules["jax"].numpy.asarray(lr)[count]

    return schedule


def _tree(vector: np.ndarray, sizes: Any, array: Callable[[np.ndarray], Any]) -> Any:
    return array(vector) if sizes is None else tuple(array(part) for part in split(vector, sizes))


def _parts(tree: Any) -> tuple[Any, ...]:
    return tree if isinstance(tree, tuple) else (tree,)


def _added(params: Any, updates: Any) -> Any:
    """As optax.apply_updates: in the parameters' dtype, whatever that of the updates is."""
    if isinstance(params, tuple):
        return tuple(_added(p, u) for p, u in zip(params, updates, strict=True))
    return (params + updates).astype(params.dtype)


def _double(jax: ModuleType | None) -> contextlib.AbstractContextManager[Any]:
    """Let JAX keep float64 inside the block."""
    if jax is None:
        return contextlib.nullcontext()
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    from jax.experimental import enable_x64  # where it was until 2025

    return enable_x64(True)
