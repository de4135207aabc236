"""Engines with one thing wrong, each something that people who write one for the first time get wrong.

Each is a tape of its own, a few lines long, that asks the reference for single steps and gets one of them, or their
order, or their sum wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.laws.core import planted

Rule = Callable[[Any, dict, tuple, Any], tuple | None]


def _step(ref: Any, instruction: tuple, operands: list) -> Any:
    name, places, params = instruction
    return ref.evaluate(((name, tuple(range(len(places))), params),), operands)


def _forward(ref: Any, program: Any, inputs: Any, replaced: Callable | None = None) -> list:
    """All values; `replaced(name, params, operands)` may answer for an op, None leaves it to the reference."""
    values = [np.asarray(x) for x in inputs]
    for name, places, params in program:
        operands = [values[i] for i in places]
        wrong = replaced(name, params, operands) if replaced else None
        values.append(_step(ref, (name, places, params), operands) if wrong is None else np.asarray(wrong))
    return values


def _terms(ref: Any, rule: Rule | None, instruction: tuple, operands: list, u: Any) -> tuple:
    """What an instruction passes on to its operands: by the wrong rule where it speaks, else by the reference."""
    name, places, params = instruction
    wrong = rule(name, params, operands, u) if rule else None
    if wrong is not None:
        return wrong
    return tuple(ref.vjp(((name, tuple(range(len(places))), params),), operands, u))


def _backward(ref: Any, rule: Rule | None = None, join: Callable = np.add) -> Callable:
    """vjp from single steps: newest first, terms joined by `join`."""

    def vjp(program: Any, inputs: Any, cotangent: Any) -> tuple:
        values = _forward(ref, program, inputs)
        adjoints = {len(values) - 1: np.asarray(cotangent, dtype=values[-1].dtype)}
        for k in reversed(range(len(program))):
            result = len(inputs) + k
            if result not in adjoints:
                continue
            operands = [values[i] for i in program[k][1]]
            for i, term in zip(program[k][1], _terms(ref, rule, program[k], operands, adjoints[result]), strict=True):
                adjoints[i] = join(adjoints[i], term) if i in adjoints else np.asarray(term)
        return tuple(adjoints.get(i, np.zeros_like(x)) for i, x in enumerate(values[: len(inputs)]))

    return vjp


# --- the tape ----------------------------------------------------------------------------------------------------------------
@planted("vjp")
def passes_on_at_every_arrival(ref):
    """Depth first, with the running total: a value that is used twice passes its first term on twice."""

    def vjp(program, inputs, cotangent):
        values = _forward(ref, program, inputs)
        adjoints = [np.zeros_like(x) for x in values]

        def visit(k: int, term: Any, budget: list[int]) -> None:
            adjoints[k] = adjoints[k] + term
            budget[0] -= 1
            if k < len(inputs) or budget[0] < 0:  # paths multiply: give up before the answer is any less wrong
                return
            instruction = program[k - len(inputs)]
            operands = [values[i] for i in instruction[1]]
            for i, passed in zip(instruction[1], _terms(ref, None, instruction, operands, adjoints[k]), strict=True):
                visit(i, passed, budget)

        visit(len(values) - 1, np.asarray(cotangent, dtype=values[-1].dtype), [200])
        return tuple(adjoints[: len(inputs)])

    return vjp


@planted("vjp")
def last_use_overwrites(ref):
    """A value that is used twice keeps the last term instead of the sum."""
    return _backward(ref, join=lambda total, term: np.asarray(term))


@planted("vjp")
def same_operand_counted_once(ref):
    """In x + x or x * x the second operand's term is left out, since x was seen already."""

    def rule(name, params, operands, u):
        if len(operands) < 2 or any(x is not operands[0] for x in operands[1:]):
            return None
        first, *others = ref.vjp(((name, tuple(range(len(operands))), params),), operands, u)
        return (first, *(np.zeros_like(x) for x in others))

    return _backward(ref, rule)


@planted("vjp")
def broadcast_axes_not_summed(ref):
    """An operand that was repeated by broadcasting receives a gradient in the shape of the result."""

    def rule(name, params, operands, u):
        if name not in ("add", "subtract", "multiply", "divide"):
            return None
        whole = np.broadcast_arrays(*operands)
        return ref.vjp(((name, (0, 1), params),), [np.array(x) for x in whole], u)

    return _backward(ref, rule)


@planted("vjp")
def broadcast_axes_averaged(ref):
    """An operand that was repeated by broadcasting receives the mean of its terms instead of their sum."""

    def rule(name, params, operands, u):
        if name not in ("add", "subtract", "multiply", "divide", "broadcast_to"):
            return None
        terms = ref.vjp(((name, tuple(range(len(operands))), params),), operands, u)
        return tuple((t * (x.size / max(np.size(u), 1))).astype(t.dtype) for t, x in zip(terms, operands, strict=True))

    return _backward(ref, rule)


@planted("vjp")
def float64_gradients(ref):
    """Gradients come back as float64 whatever the inputs are."""
    return lambda program, inputs, cotangent: tuple(
        np.asarray(g, dtype=np.float64) for g in ref.vjp(program, inputs, cotangent)
    )


@planted("vjp")
def unused_input_gets_the_seed(ref):
    """An input that the program does not use receives ones instead of zeros."""

    def vjp(program, inputs, cotangent):
        used = {i for _, places, _ in program for i in places}
        gradients = ref.vjp(program, inputs, cotangent)
        return tuple(g if i in used else np.ones_like(g) for i, g in enumerate(gradients))

    return vjp


# --- rules -------------------------------------------------------------------------------------------------------------------
def _rule_bug(op: str, statement: str, wrong: Callable) -> Any:
    """A planted bug in one op's rule: wrong(params, operands, u, terms) -> the terms, given the right ones."""

    def build(ref):
        def rule(name, params, operands, u):
            if name != op:
                return None
            terms = ref.vjp(((name, tuple(range(len(operands))), params),), operands, u)
            return tuple(
                np.asarray(t, dtype=x.dtype) for t, x in zip(wrong(params, operands, u, terms), operands, strict=True)
            )

        return _backward(ref, rule)

    build.__name__, build.__doc__ = f"{op}_rule", statement
    return planted("vjp")(build)


def _scaled(i: int, factor: float) -> Callable:
    return lambda params, operands, u, terms: tuple(factor * t if j == i else t for j, t in enumerate(terms))


def _matmul(params, operands, u, terms):
    a, b = operands
    square = a.ndim == b.ndim == 2 and a.shape == b.shape == u.shape
    return (u @ b, a @ u) if square else terms


def _softmax(params, operands, u, terms):
    x = operands[0]
    e = np.exp(x - x.max(axis=params["axis"], keepdims=True))
    y = e / e.sum(axis=params["axis"], keepdims=True)
    return (u * y * (1 - y),)


def _ties_in_full(params, operands, u, terms):
    x, axis = operands[0], params["axis"]
    kept = u if params["keepdims"] or axis is None else np.expand_dims(u, axis)
    return ((x == x.max(axis=axis, keepdims=True)) * kept,)


def _overwriting(params, operands, u, terms):
    index = params["index"]
    if len(index) != 1 or isinstance(index[0], (int, str)) or index[0][0] == "slice":
        return terms
    out = np.zeros_like(operands[0])
    out[np.asarray(index[0])] = u
    return (out,)


VJP_BUGS = (
    passes_on_at_every_arrival,
    last_use_overwrites,
    same_operand_counted_once,
    broadcast_axes_not_summed,
    broadcast_axes_averaged,
    float64_gradients,
    unused_input_gets_the_seed,
    _rule_bug("matmul", "The gradient of a @ b for a is u @ b, without the transpose.", _matmul),
    _rule_bug("divide", "The gradient of a / b for b has the wrong sign.", _scaled(1, -1.0)),
    _rule_bug("tanh", "The slope of tanh is 1 - y instead of 1 - y^2.",
              lambda p, o, u, t: (u * (1 - np.tanh(o[0])),)),
    _rule_bug("softmax", "Each entry of softmax is taken for a sigmoid, y (1 - y): no terms across.", _softmax),
    _rule_bug("max", "Every entry that attains the maximum receives the whole adjoint.", _ties_in_full),
    _rule_bug("getitem", "An entry that is picked twice keeps the last term instead of the sum.", _overwriting),
    _rule_bug("conv2d", "The gradient of the weights comes out flipped, as for a true convolution.",
              lambda p, o, u, t: (t[0], t[1][:, :, ::-1, ::-1])),
    _rule_bug("sqrt", "The slope of sqrt lacks its factor one half.", _scaled(0, 2.0)),
    _rule_bug("cumsum", "The gradient of a running sum runs forward instead of backward.",
              lambda p, o, u, t: (np.cumsum(u, p["axis"]),)),
    _rule_bug("mean", "The gradient of a mean is not divided by the number of entries.",
              lambda p, o, u, t: (t[0] * (o[0].size / max(np.size(u), 1)),)),
    _rule_bug("cross_entropy", "The gradient forgets to subtract the one-hot labels.",
              lambda p, o, u, t: (t[0] - t[0].min(axis=-1, keepdims=True),)),
    _rule_bug("relu", "At 0 and below, the slope of relu is taken at the shifted point: relu'(0) = 1.",
              lambda p, o, u, t: (u * (o[0] >= 0),)),
    _rule_bug("transpose", "The gradient goes through the same permutation again instead of its inverse.",
              lambda p, o, u, t: (np.reshape(np.transpose(u, p["axes"]), o[0].shape),)),
)  # fmt: skip


# --- second order ------------------------------------------------------------------------------------------------------------
@planted("hvp")
def inputs_kept_apart(ref):
    """Each input's Hessian by itself: the mixed derivatives between inputs are left out."""

    def hvp(program, inputs, direction):
        def alone(k: int) -> Any:
            only = [v if i == k else np.zeros_like(v) for i, v in enumerate(direction)]
            return ref.hvp(program, inputs, only)[k]

        return tuple(alone(k) for k in range(len(inputs)))

    return hvp


@planted("hvp")
def one_sided_difference(ref):
    """The difference of two gradients divided by a step of 1e-6: close, but no derivative."""

    def hvp(program, inputs, direction):
        h = 1e-6
        moved = [(x + h * v).astype(x.dtype) for x, v in zip(inputs, direction, strict=True)]
        pairs = zip(ref.vjp(program, moved, 1.0), ref.vjp(program, inputs, 1.0), strict=True)
        return tuple(((after - before) / h).astype(before.dtype) for after, before in pairs)

    return hvp


@planted("hvp")
def gradient_instead(ref):
    """Returns the gradient times v, entry by entry: the inner derivative was never taken."""
    return lambda program, inputs, direction: tuple(
        np.asarray(g * v, dtype=g.dtype) for g, v in zip(ref.vjp(program, inputs, 1.0), direction, strict=True)
    )


@planted("hvp")
def half_of_a_square(ref):
    """H v is taken for the derivative of <g, v> / 2, as if v depended on the inputs too."""
    return lambda program, inputs, direction: tuple(
        (h / 2).astype(h.dtype) for h in ref.hvp(program, inputs, direction)
    )


HVP_BUGS = (inputs_kept_apart, one_sided_difference, gradient_instead, half_of_a_square)


# --- values ------------------------------------------------------------------------------------------------------------------
def _value_bug(op: str, statement: str, wrong: Callable) -> Any:
    def build(ref):
        def replaced(name, params, operands):
            with np.errstate(all="ignore"):
                return wrong(params, *operands) if name == op else None

        return lambda program, inputs: np.asarray(_forward(ref, program, inputs, replaced)[-1], np.result_type(*inputs))

    build.__name__, build.__doc__ = f"{op}_value", statement
    return planted("evaluate")(build)


@planted("evaluate")
def float64_values(ref):
    """The value comes back as float64 whatever the inputs are."""
    return lambda program, inputs: np.asarray(ref.evaluate(program, inputs), dtype=np.float64)


EVALUATE_BUGS = (
    float64_values,
    _value_bug("softplus", "log(1 + e^x) as written: infinite for large x.", lambda p, x: np.log(1 + np.exp(x))),
    _value_bug("log_softmax", "The logarithm of softmax, without the shift by the maximum.",
               lambda p, x: np.log(np.exp(x) / np.exp(x).sum(axis=p["axis"], keepdims=True))),
    _value_bug("norm", "The root of the sum of squares as written: overflows and underflows.",
               lambda p, x: np.sqrt((x * x).sum(axis=p["axis"], keepdims=p["keepdims"]))),
    _value_bug("mean", "The mean divides by one entry less, as for a sample's variance.",
               lambda p, x: x.sum(axis=p["axis"], keepdims=p["keepdims"]) /
               max(x.size // max(x.sum(axis=p["axis"]).size, 1) - 1, 1)),
    _value_bug("stack", "Stacks along a new first axis, whatever axis is asked for.", lambda p, *x: np.stack(x)),
)  # fmt: skip
