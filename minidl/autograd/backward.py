r"""The backward pass: from the tape to gradients.

**Reverse mode.** For a scalar $L$ and a node $y = f(a, b, \dots)$ the *adjoint* is $\bar y = \partial L / \partial y$. If
$\bar y$ is complete, each input receives one term,

$$\bar a \mathrel{+}= J_a^\top \bar y, \qquad J_a = \partial f / \partial a ,$$

and the term is one rule of the primitive.

**Why the order matters.** In `b = a + a; c = b + b` the adjoint of `b` is the sum of two terms. Pass `b` on when only the
first has arrived and `a` gets 2 instead of 4; pass it on at each arrival, with running totals, and `a` gets 6. A node may be
visited only after all nodes that use it. Here such an order costs nothing: an input always exists before the output that uses
it, so nodes sorted by time of creation, newest first, will do. There is no recursion: a chain of a million nodes is only a
long list.

Adjoints live in the pass, not on the nodes: a second pass through the same nodes starts from nothing.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from minidl.autograd.tensor import Primitive, Tensor, constant, unbroadcast

_by_order = attrgetter("_order")


# What stands in a node after its backward pass: a second pass through it must not give a wrong answer.
_RELEASED = Primitive("released", None)


def tape(root: Tensor, leaves: bool = True) -> list[Tensor]:
    """All nodes and leaves that `root` was computed from and that need a gradient, newest first (`root` is the first).

    leaves: False lists computed nodes only. Raises RuntimeError where nothing needs a gradient, or the tape was released.
    """
    if not root.requires_grad:
        raise RuntimeError(
            "backward from a tensor that does not depend on anything with requires_grad=True: "
            "make a leaf with Tensor(x, requires_grad=True), and check for no_grad(), detach() and .data on the way"
        )
    seen, nodes = {root}, [root]
    for node in nodes:  # the list grows under the loop
        if node._op is _RELEASED:
            raise RuntimeError(
                f"the tape behind {node._params.name} was released by an earlier backward(): "
                "call backward(retain_graph=True) the first time, or compute the value again"
            )
        for a in node._args:
            if a is not None and (leaves or a._op is not None) and a not in seen:
                seen.add(a)
                nodes.append(a)
    nodes.sort(key=_by_order, reverse=True)
    return nodes


def sweep(
    nodes: Sequence[Tensor],
    root: Tensor,
    seed: Any,
    create_graph: bool = False,
    *,
    release: bool = False,
    wanted: Container[Tensor] = (),
    reached: Container[Tensor] | None = None,
) -> dict[Tensor, Any]:
    """The backward pass over a tape: adjoints of leaves and of `wanted` nodes (tensors if create_graph, else arrays).

    reached: if given, the nodes that matter; rules for other inputs do not run.
    """
    adjoints = {root: seed}
    kept = {}
    for node in nodes:
        op = node._op
        if op is None:
            continue  # a leaf: its adjoint stays
        g = adjoints.pop(node)
        if wanted and node in wanted:
            kept[node] = g
        y, args, values, params = node._value, node._args, node._values, node._params
        inputs = values
        if create_graph:
            y, inputs, params = _as_tensors(node)
        inputs = (g, y, *inputs)
        broadcasts = op.broadcasts and y.shape  # a number was made from numbers: nothing to sum away
        for rule, a, v in zip(op.rules, args, values):  # noqa: B905 (equal by construction; strict costs time)
            if a is not None and (reached is None or a in reached):
                term = rule(*inputs, **params) if params else rule(*inputs)
                if broadcasts and term.shape != v.shape:
                    term = unbroadcast(term, v.shape)
                adjoints[a] = adjoints[a] + term if a in adjoints else term
        if release:
            node._op, node._args, node._values, node._params = _RELEASED, (), (), op
    return adjoints | kept if kept else adjoints


def _as_tensors(node: Tensor) -> tuple[Tensor, list, dict]:
    """What a rule gets in a pass that is recorded: the tensors instead of their values."""
    for a, v in zip(node._args, node._values, strict=True):
        if a is not None and a._value is not v:
            raise RuntimeError(
                f"an input of {node._op.name} got a new value by assign() after the forward pass, "
                "so its gradient cannot be recorded: compute the forward pass again"
            )
    inputs = [v if a is None else a for a, v in zip(node._args, node._values, strict=True)]
    return node, inputs, node._params | {"saved": None} if node._op.saves else node._params


def backward(root: Tensor, seed: Any = None, *, create_graph: bool = False, retain_graph: bool | None = None) -> None:
    r"""Add $\partial\,\langle \text{seed}, \text{root}\rangle / \partial\,\text{leaf}$ to `.grad` of each leaf that asks.

    seed: array of this tensor's shape; needed unless the tensor has exactly one entry (then 1).
    create_graph: record the pass, so that the gradients can be differentiated again.
    retain_graph: keep the tape for another `backward` (default: only with create_graph).

    Raises RuntimeError if nothing here requires a gradient, or the tape was already used up; ValueError for a
    missing or misshapen seed.
    """
    retain = create_graph if retain_graph is None else retain_graph
    nodes = tape(root, leaves=False)
    adjoints = sweep(nodes, root, _seed(root, seed, create_graph), create_graph, release=not retain)
    for leaf, grad in adjoints.items():
        dtype = leaf._value.dtype  # the leaf's, also where a float64 constant made the pass in between float64
        if grad.dtype is not dtype:
            grad = _cast(grad, dtype)
        if type(grad) is not Tensor:
            grad = constant(grad)
        leaf.grad = grad if leaf.grad is None else leaf.grad + grad


def gradients(
    output: Tensor, inputs: Sequence[Tensor], seed: Any = None, *, create_graph: bool | None = False
) -> list[Tensor]:
    r"""$\partial\,\langle\text{seed},\text{output}\rangle/\partial\,\text{input}$ for leaves or nodes; `.grad` stays untouched.

    Only rules on paths from the inputs run. An input that the output does not depend on gets zeros.
    create_graph: record the pass; None records it exactly if the output depends on leaves other than the inputs.
    """
    return gradients_and_graph(output, inputs, seed, create_graph)[0]


def gradients_and_graph(
    output: Tensor, inputs: Sequence[Tensor], seed: Any, create_graph: bool | None
) -> tuple[list[Tensor], bool]:
    """`gradients`, and whether the pass was recorded."""
    missing = [i for i, x in enumerate(inputs) if not x.requires_grad]
    if missing:
        raise RuntimeError(f"inputs {missing} do not require a gradient: make them with Tensor(x, requires_grad=True)")
    adjoints: dict[Tensor, Any] = {}
    if output.requires_grad:
        wanted, reached = set(inputs), set()
        nodes = tape(output)
        if create_graph is None:
            create_graph = any(node._op is None and node not in wanted for node in nodes)
        for node in reversed(nodes):  # oldest first: a node matters if it is wanted or made from one that matters
            if node in wanted or any(a is not None and a in reached for a in node._args):
                reached.add(node)
        if output in reached:
            nodes = [node for node in nodes if node in reached]
            seed = _seed(output, seed, create_graph)
            adjoints = sweep(nodes, output, seed, create_graph, wanted=wanted, reached=reached)
    results = []
    for x in inputs:
        g = adjoints.get(x)
        if g is None:
            g = np.zeros(x.shape, x.dtype)[()]
        if g.dtype is not x.dtype:
            g = _cast(g, x.dtype)
        results.append(g if type(g) is Tensor else constant(g))
    return results, bool(create_graph)


def _cast(grad: Any, dtype: np.dtype) -> Any:
    if grad.dtype.kind == "c" or dtype.kind != "f":
        raise TypeError(f"gradients are real and belong to float tensors: got {grad.dtype} for a {dtype} tensor")
    return grad.astype(dtype)


def _seed(output: Tensor, seed: Any, create_graph: bool) -> Any:
    value = output._value
    if seed is None:
        if value.shape == () and not create_graph:
            return value.dtype.type(1)
        if value.size != 1:
            raise ValueError(
                f"backward() needs a scalar or a seed, got a tensor of shape {value.shape}: "
                "reduce it with .sum() or .mean(), pass backward(seed), or use jacobian()"
            )
        seed = np.ones(value.shape, value.dtype) if value.shape else value.dtype.type(1)
    else:
        seed = seed if isinstance(seed, Tensor) else np.array(seed, value.dtype)[()]
        if seed.shape != value.shape:
            raise ValueError(f"the seed has shape {seed.shape}, the tensor {value.shape}: they must be equal")
    if create_graph:
        return seed if isinstance(seed, Tensor) else constant(seed)
    return seed._value if isinstance(seed, Tensor) else seed
