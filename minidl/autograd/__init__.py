"""Reverse-mode automatic differentiation over NumPy arrays: one small tape, gradients of any order.

Read `tensor.py` (the tape and the backward pass), then `ops.py` (the table of derivatives), then what you need of
`reductions.py`, `shapes.py`, `linalg.py`, `convolution.py`, and last `functional.py` (grad, vjp, jvp, hessian).

Every function here called on arrays returns arrays, and called with a tensor among its arguments returns a tensor.
"""

from minidl.autograd import methods
from minidl.autograd.backward import gradients, tape
from minidl.autograd.convolution import avg_pool2d, conv1d, conv2d, max_pool2d
from minidl.autograd.functional import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from minidl.autograd.linalg import einsum, linear, matmul
from minidl.autograd.ops import (
    abs,
    add,
    clip,
    cos,
    custom_gradient,
    divide,
    erf,
    exp,
    log,
    log1p,
    maximum,
    minimum,
    multiply,
    negative,
    power,
    relu,
    sigmoid,
    sign,
    sin,
    softplus,
    sqrt,
    stop_gradient,
    straight_through,
    subtract,
    tanh,
    where,
)
from minidl.autograd.reductions import (
    cross_entropy,
    log_softmax,
    logsumexp,
    max,
    mean,
    min,
    norm,
    softmax,
    sum,
)
from minidl.autograd.shapes import (
    broadcast_to,
    concatenate,
    cumsum,
    getitem,
    pad,
    reshape,
    scatter,
    stack,
    swapaxes,
    transpose,
)
from minidl.autograd.tensor import Primitive, Tensor, no_grad

methods.install()

__all__ = [
    "Primitive", "Tensor", "abs", "add", "avg_pool2d", "broadcast_to", "clip", "concatenate", "conv1d", "conv2d",
    "cos", "cross_entropy", "cumsum", "custom_gradient", "divide", "einsum", "erf", "exp", "getitem", "grad",
    "gradients", "hessian", "hvp", "jacobian", "jvp", "linear", "log", "log1p", "log_softmax", "logsumexp",
    "matmul", "max", "max_pool2d", "maximum", "mean", "min", "minimum", "multiply", "negative", "no_grad", "norm",
    "pad", "power", "relu", "reshape", "scatter", "sigmoid", "sign", "sin", "softmax", "softplus", "sqrt", "stack",
    "stop_gradient", "straight_through", "subtract", "sum", "swapaxes", "tanh", "tape", "transpose",
    "value_and_grad", "vjp", "where",
]  # fmt: skip
