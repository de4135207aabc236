r"""Derivatives of functions: grad, value_and_grad, vjp, jvp, hvp, jacobian, hessian.

Each takes a function of arrays written with minidl's operations and returns a function or values on arrays. Arguments and
results may be arrays or trees of them (dicts, lists, tuples, nested). They nest: `grad(grad(f))` is the second derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.autograd.backward import gradients
from minidl.autograd.ops import identity
from minidl.autograd.tensor import Tensor


def leaves(tree: Any) -> list[Any]:
    """The arrays of a tree, in the order in which `rebuild` takes them."""
    if isinstance(tree, dict):
        return [leaf for child in tree.values() for leaf in leaves(child)]
    if isinstance(tree, (list, tuple)) and not all(isinstance(v, (int, float)) for v in tree):
        return [leaf for child in tree for leaf in leaves(child)]
    return [tree]


def rebuild(tree: Any, new: list[Any]) -> Any:
    """A tree of the same form with its arrays replaced, in order."""
    return _rebuild(tree, iter(new))


def _rebuild(tree: Any, new: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _rebuild(child, new) for key, child in tree.items()}
    if isinstance(tree, (list, tuple)) and not all(isinstance(v, (int, float)) for v in tree):
        children = [_rebuild(child, new) for child in tree]
        return type(tree)(*children) if hasattr(tree, "_fields") else type(tree)(children)
    return next(new)


class _Watched:
    """Arguments as tensors to differentiate by. An argument that is on an outer tape stays connected to it."""

    def __init__(self, args: tuple, argnums: tuple[int, ...]):
        for i in argnums:
            if not -len(args) <= i < len(args):
                raise ValueError(f"argnums names argument {i}, the function got {len(args)}")
        trees = [args[i] for i in argnums]
        flat = [leaf for tree in trees for leaf in leaves(tree)]
        self.outer = any(type(x) is Tensor and x.requires_grad for x in flat)
        self.tensors = [
            identity(x) if type(x) is Tensor and x.requires_grad else Tensor(x, requires_grad=True) for x in flat
        ]
        self.nested = any(type(x) is Tensor for a in args for x in leaves(a))
        self.args, rest = list(args), iter(self.tensors)
        for i, tree in zip(argnums, trees, strict=True):
            self.args[i] = _rebuild(tree, rest)
        self.trees = trees

    def unwatch(self, results: list[Tensor]) -> list[Any]:
        """Results per argument: tensors inside an outer differentiation, else arrays."""
        values = iter(results if self.nested else [t.numpy() for t in results])
        return [_rebuild(tree, values) for tree in self.trees]


def _scalar(y: Any, name: str) -> Tensor:
    if type(y) is not Tensor:
        raise TypeError(
            f"{name} needs a function that returns a tensor, got {type(y).__name__}: "
            "build the result with minidl's operations (np.* functions and .data leave the tape)"
        )
    if y.size != 1:
        raise ValueError(f"{name} needs a scalar output, got shape {y.shape}: sum it, or use jacobian")
    return y


def value_and_grad(f: Callable, argnums: int | tuple[int, ...] = 0) -> Callable:
    """A function that returns `(f(*args), gradient)`; the gradient has the form of the argument (a tuple for several)."""
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    def value_and_gradient(*args, **kwargs):
        watched = _Watched(args, numbers)
        y = _scalar(f(*watched.args, **kwargs), "grad")
        results = watched.unwatch(gradients(y, watched.tensors, create_graph=watched.nested))
        return y if watched.nested else y.item(), results[0] if isinstance(argnums, int) else tuple(results)

    return value_and_gradient


def grad(f: Callable, argnums: int | tuple[int, ...] = 0) -> Callable:
    r"""The gradient $\nabla f$ of a function with a scalar output, as a function of the same arguments."""
    both = value_and_grad(f, argnums)
    return lambda *args, **kwargs: both(*args, **kwargs)[1]


def vjp(f: Callable, *args: Any) -> tuple[Any, Callable]:
    r"""`(f(*args), pull)` with `pull(u)` $= u^\top J$: a tuple with one entry per argument."""
    watched = _Watched(args, tuple(range(len(args))))
    y = f(*watched.args)
    if type(y) is not Tensor:
        raise TypeError(f"vjp needs a function that returns one tensor, got {type(y).__name__}")

    def pull(u):
        nested = watched.nested or type(u) is Tensor
        results = gradients(y, watched.tensors, u, create_graph=nested)
        values = iter(results if nested else [t.numpy() for t in results])
        return tuple(_rebuild(tree, values) for tree in watched.trees)

    return (y if watched.nested else y.numpy()), pull


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
    y = f(*watched.args)
    u = Tensor(np.zeros(y.shape), requires_grad=True, dtype=y.dtype)
    pulled = gradients(y, watched.tensors, u, create_graph=True)
    total = None
    for p, v in zip(pulled, flat, strict=True):
        term = (p * v).sum()
        total = term if total is None else total + term
    (pushed,) = gradients(total, [u], create_graph=watched.nested)
    return (y, pushed) if watched.nested else (y.numpy(), pushed.numpy())


def hvp(f: Callable, x: Any, v: Any) -> Any:
    r"""The Hessian of a scalar function at x times v, $\nabla^2 f(x)\,v$, without forming the Hessian."""
    if np.shape(x) != np.shape(v):
        raise ValueError(f"hvp needs a direction of the argument's shape {np.shape(x)}, got {np.shape(v)}")
    return grad(lambda z: (grad(f)(z) * v).sum())(x)


def jacobian(f: Callable, x: Any) -> np.ndarray:
    """All first derivatives, shape (*output, *input): one backward pass per output."""
    y, pull = vjp(f, x)
    rows = [pull(unit.reshape(y.shape))[0] for unit in np.eye(y.size, dtype=y.dtype)]
    return np.array(rows).reshape(*y.shape, *np.shape(x))


def hessian(f: Callable, x: Any) -> np.ndarray:
    """All second derivatives of a scalar function, shape (*input, *input)."""
    return jacobian(grad(f), x)
