r"""Derivatives of functions: grad, value_and_grad, vjp, jvp, hvp, jacobian, hessian.

Each takes a function of arrays written with minidl's operations and returns a function or values on arrays. Arguments and
results may be arrays or trees of them (dicts, lists, tuples, nested). They nest: `grad(grad(f))` is the second derivative.
Where the function depends on tensors that require a gradient, as an argument or through its closure, the results are tensors
on their tape. `no_grad()` around a call keeps the results off it; the derivatives themselves are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.autograd.backward import gradients, gradients_and_graph, tape
from minidl.autograd.ops import identity
from minidl.autograd.shapes import stack
from minidl.autograd.tensor import Tensor, record, recording


def _is_tree(x: Any) -> bool:
    """A plain list or tuple of numbers is an array; a named tuple is a tree, and so is one without entries."""
    if isinstance(x, (list, tuple)):
        return hasattr(x, "_fields") or not x or not all(isinstance(v, (int, float)) for v in x)
    return isinstance(x, dict)


def leaves(tree: Any) -> list[Any]:
    """The arrays of a tree, in the order in which `rebuild` takes them."""
    if not _is_tree(tree):
        return [tree]
    return [leaf for child in (tree.values() if isinstance(tree, dict) else tree) for leaf in leaves(child)]


def rebuild(tree: Any, new: list[Any]) -> Any:
    """A tree of the same form with its arrays replaced, in order."""
    return _rebuild(tree, iter(new))


def _rebuild(tree: Any, new: Any) -> Any:
    if not _is_tree(tree):
        return next(new)
    if isinstance(tree, dict):
        return {key: _rebuild(child, new) for key, child in tree.items()}
    children = [_rebuild(child, new) for child in tree]
    return type(tree)(*children) if hasattr(tree, "_fields") else type(tree)(children)


class _Watched:
    """Arguments as tensors to differentiate by. An argument that is on an outer tape stays connected to it."""

    def __init__(self, args: tuple, argnums: tuple[int, ...]):
        for i in argnums:
            if not -len(args) <= i < len(args):
                raise ValueError(f"argnums names argument {i}, the function got {len(args)}")
        if len({i % len(args) for i in argnums}) < len(argnums):
            raise ValueError(f"argnums names an argument twice: {argnums}")
        trees = [args[i] for i in argnums]
        flat = [leaf for tree in trees for leaf in leaves(tree)]
        self.open = recording()  # whether results may join an outer tape
        self.tensors = [
            identity(x) if self.open and type(x) is Tensor and x.requires_grad else Tensor(x, requires_grad=True)
            for x in flat
        ]
        self.nested = self.open and any(type(x) is Tensor for a in args for x in leaves(a))
        self.args, rest = list(args), iter(self.tensors)
        for i, tree in zip(argnums, trees, strict=True):
            self.args[i] = _rebuild(tree, rest)
        self.trees = trees

    def run(self, f: Callable, kwargs: dict) -> Any:
        with record(True):
            return f(*self.args, **kwargs)

    def joins(self, y: Tensor) -> bool:
        """Whether results belong on an outer tape: arguments do, or the function reaches for tensors that do."""
        if self.nested or not (self.open and y.requires_grad):
            return self.nested
        own = set(self.tensors)
        return any(node._op is None and node not in own for node in tape(y))

    def unwatch(self, results: list[Tensor], nested: bool) -> list[Any]:
        """Results per argument: tensors on an outer tape, else arrays."""
        values = iter(results if nested else [t.numpy() for t in results])
        return [_rebuild(tree, values) for tree in self.trees]


def _tensor(y: Any, name: str) -> Tensor:
    if type(y) is not Tensor:
        raise TypeError(
            f"{name} needs a function that returns a tensor, got {type(y).__name__}: "
            "build the result with minidl's operations (np.* functions and .data leave the tape)"
        )
    return y


def _scalar(y: Any, name: str) -> Tensor:
    if _tensor(y, name).size != 1:
        raise ValueError(f"{name} needs a scalar output, got shape {y.shape}: sum it, or use jacobian")
    return y


def value_and_grad(f: Callable, argnums: int | tuple[int, ...] = 0) -> Callable:
    """A function that returns `(f(*args), gradient)`; the gradient has the form of the argument (a tuple for several)."""
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    def value_and_gradient(*args, **kwargs):
        watched = _Watched(args, numbers)
        y = _scalar(watched.run(f, kwargs), "grad")
        record = watched.nested or (None if watched.open else False)
        found, nested = gradients_and_graph(y, watched.tensors, None, record)
        results = watched.unwatch(found, nested)
        return y if nested else y.item(), results[0] if isinstance(argnums, int) else tuple(results)

    return value_and_gradient


def grad(f: Callable, argnums: int | tuple[int, ...] = 0) -> Callable:
    r"""The gradient $\nabla f$ of a function with a scalar output, as a function of the same arguments."""
    both = value_and_grad(f, argnums)
    return lambda *args, **kwargs: both(*args, **kwargs)[1]


def vjp(f: Callable, *args: Any) -> tuple[Any, Callable]:
    r"""`(f(*args), pull)` with `pull(u)` $= u^\top J$: a tuple with one entry per argument."""
    watched = _Watched(args, tuple(range(len(args))))
    y = _tensor(watched.run(f, {}), "vjp")
    joins = watched.joins(y)

    def pull(u):
        nested = joins or type(u) is Tensor
        return tuple(watched.unwatch(gradients(y, watched.tensors, u, create_graph=nested), nested))

    return (y if joins else y.numpy()), pull


def jvp(f: Callable, args: tuple, tangents: tuple) -> tuple[Any, Any]:
    r"""`(f(*args), J v)` for tangents v in the form of the arguments.

    Two reverse passes: $u \mapsto J^\top u$ is linear, and the transpose of that map, applied to v, is $J v$.
    """
    watched = _Watched(tuple(args), tuple(range(len(args))))
    flat = [leaf for tree in tangents for leaf in leaves(tree)]
    if len(flat) != len(watched.tensors):
        raise ValueError(f"jvp needs one tangent per argument: {len(watched.tensors)} arrays, {len(flat)} tangents")
    for x, v in zip(watched.tensors, flat, strict=True):
        if np.shape(v) != x.shape:
            raise ValueError(f"a tangent has shape {np.shape(v)}, its argument {x.shape}: they must be equal")
    y = _tensor(watched.run(f, {}), "jvp")
    u = Tensor(np.zeros(y.shape), requires_grad=True, dtype=y.dtype)
    nested = watched.joins(y)
    with record(True):
        pulled = gradients(y, watched.tensors, u, create_graph=True)
        total = sum((p * v).sum() for p, v in zip(pulled, flat, strict=True))
    (pushed,) = gradients(total, [u], create_graph=nested)
    return (y, pushed) if nested else (y.numpy(), pushed.numpy())


def hvp(f: Callable, x: Any, v: Any) -> Any:
    r"""The Hessian of a scalar function at x times v, $\nabla^2 f(x)\,v$, without forming the Hessian."""
    if np.shape(x) != np.shape(v):
        raise ValueError(f"hvp needs a direction of the argument's shape {np.shape(x)}, got {np.shape(v)}")
    return grad(lambda z: (grad(f)(z) * v).sum())(x)


def jacobian(f: Callable, x: Any) -> Any:
    """All first derivatives, shape (*output, *input): one backward pass per output."""
    y, pull = vjp(f, x)
    rows = [pull(unit.reshape(y.shape))[0] for unit in np.eye(y.size, dtype=y.dtype)]
    return (stack(rows) if rows else np.zeros(0, y.dtype)).reshape(*y.shape, *np.shape(x))


def hessian(f: Callable, x: Any) -> Any:
    """All second derivatives of a scalar function, shape (*input, *input)."""
    return jacobian(grad(f), x)
