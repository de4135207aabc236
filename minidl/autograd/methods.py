"""Gives tensors the methods and operators that NumPy users expect; each calls the function of the same name."""

from __future__ import annotations

import operator
from typing import Any

from minidl.autograd import linalg, ops, reductions, shapes
from minidl.autograd.backward import backward
from minidl.autograd.tensor import Tensor

_INFIX = dict(add=ops.add, sub=ops.subtract, mul=ops.multiply, truediv=ops.divide, pow=ops.power)
_METHODS = dict.fromkeys(
    ("exp", "log", "log1p", "sqrt", "sin", "cos", "tanh", "sigmoid", "softplus", "relu", "abs", "clip"), ops
)
_METHODS |= dict.fromkeys(("sum", "mean", "max", "min", "logsumexp", "norm", "softmax", "log_softmax"), reductions)
_METHODS |= dict.fromkeys(("reshape", "transpose", "swapaxes", "cumsum"), shapes)


def install() -> None:
    for name, op in _INFIX.items():
        setattr(Tensor, f"__{name}__", op.operator())
        setattr(Tensor, f"__r{name}__", lambda self, other, op=op: op(other, self))
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        setattr(Tensor, f"__{name}__", _comparison(getattr(operator, name)))
    Tensor.__neg__ = lambda self: ops.negative(self)
    Tensor.__pos__ = lambda self: self
    Tensor.__abs__ = lambda self: ops.abs(self)
    Tensor.__matmul__ = linalg.matmul_method
    Tensor.dot = linalg.dot_method
    Tensor.__rmatmul__ = lambda self, other: linalg.matmul(other, self)
    Tensor.__getitem__ = lambda self, index: shapes.getitem(self, index)
    Tensor.backward = backward
    Tensor.T = property(lambda self: shapes.transpose(self))
    Tensor.mT = property(lambda self: shapes.swapaxes(self, -1, -2))
    Tensor.astype = lambda self, dtype: ops.astype(self, dtype)
    for name, module in _METHODS.items():
        function = getattr(module, name)
        setattr(Tensor, name, lambda self, *args, function=function, **kwargs: function(self, *args, **kwargs))


def _comparison(compare: Any) -> Any:
    """Comparisons give plain boolean arrays: they have no gradient."""
    return lambda self, other: compare(self._value, ops.raw(other))
