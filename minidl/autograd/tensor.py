r"""Tensors and primitives: values that remember how they were computed.

A `Tensor` wraps one array. A primitive (see `ops.py`) applied to tensors computes on their arrays and, where a gradient is
wanted, leaves a node: which primitive, which inputs, which values. The nodes form the tape, an acyclic graph that grows while
the program runs; `backward.py` walks it back.

**Why everything is read-only.** A gradient rule reads values from the forward pass. If somebody wrote into them in between,
the gradient would be wrong and nothing would tell. So a tensor owns its memory, hands out read-only arrays, and is changed
only as a whole, by `assign`, which leaves the old array to the tape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from sys import getrefcount
from typing import Any

import numpy as np

_next_order = count().__next__
_recording: ContextVar[bool] = ContextVar("recording", default=True)
_new = object.__new__
_NO_PARAMS: dict[str, Any] = {}
_counted = 0  # by getrefcount for what one variable of the caller holds; found below, since interpreters differ


class Tensor:
    """An array that records how it was computed.

    data: anything `np.array` takes. It is copied, so later writes into `data` change nothing here (`copy=False` takes the
        array over instead and makes it read-only: for fresh arrays that nobody else holds).
    requires_grad: whether `backward` shall compute `.grad`, a tensor of this shape and dtype.
    dtype: float64 and float32 are kept, Python floats become float64; integers and booleans are constants.

    Raises TypeError for a dtype that is none of these, and for integers that ask for gradients.
    """

    __slots__ = ("__weakref__", "_args", "_op", "_order", "_params", "_value", "_values", "grad", "requires_grad")
    __array_ufunc__ = None  # so that `array + tensor` reaches Tensor.__radd__
    __hash__ = object.__hash__  # == compares entries; identity is what sets and dicts of nodes go by

    def __init__(self, data: Any, requires_grad: bool = False, *, dtype: Any = None, copy: bool = True):
        self._value = _own(data, dtype, copy)
        _check_dtype(self._value.dtype, requires_grad)
        self.requires_grad: bool = requires_grad
        self.grad: Tensor | None = None
        self._op = None
        self._args = self._values = ()
        self._params = {}
        self._order = 0  # before every node, also before those of the process that it was pickled in

    # --- what it holds -----------------------------------------------------------------------------------------------
    @property
    def data(self) -> np.ndarray:
        """The values as a read-only array (no copy)."""
        value = self._value
        if type(value) is not np.ndarray:  # results with no axes are NumPy scalars inside: immutable, and faster
            value = np.asarray(value)
        value.setflags(write=False)
        return value

    def numpy(self) -> np.ndarray:
        """A writable copy of the values."""
        return np.array(self._value)

    def item(self) -> float:
        """The value as a Python number; the tensor must hold exactly one."""
        value = self._value
        if value.size != 1:
            raise ValueError(
                f"item() needs a tensor with one entry, got shape {self.shape}: index it or reduce it first"
            )
        return value.item()

    @property
    def shape(self) -> tuple[int, ...]:
        return self._value.shape

    @property
    def ndim(self) -> int:
        return self._value.ndim

    @property
    def size(self) -> int:
        return self._value.size

    @property
    def dtype(self) -> np.dtype:
        return self._value.dtype

    @property
    def is_leaf(self) -> bool:
        """True for what the user made, False for what a primitive computed and recorded."""
        return self._op is None

    def __array__(self, dtype=None, copy=None):
        if self.requires_grad:
            raise TypeError(
                "NumPy asked for the array of a tensor that requires a gradient, which would cut the tape unseen: "
                "use minidl's function of the same name, or tensor.data to leave the tape on purpose"
            )
        return np.array(self.data, dtype=dtype, copy=copy)

    def __len__(self) -> int:
        return len(self._value)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self._value)))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __float__(self) -> float:
        return float(self.item())

    def __setitem__(self, index, value):
        raise TypeError(
            "tensors cannot be written into, since the tape may need the old values: "
            "build a new one with where(), concatenate() or stack(), or replace a parameter's value with assign()"
        )

    def __repr__(self) -> str:
        body = np.array2string(self.data, separator=", ", prefix="Tensor(")
        extra = "" if self.dtype == np.float64 else f", dtype={self.dtype}"
        if self.requires_grad:
            extra += ", requires_grad=True" if self._op is None else f", op={self._op.name}"
        return f"Tensor({body}{extra})"

    # --- changing and leaving the tape ---------------------------------------------------------------------------------
    def assign(self, value: Any) -> None:
        """Replace the value of a leaf (shape and dtype stay). Nodes already recorded keep the old array."""
        if self._op is not None:
            raise RuntimeError(f"assign() is for leaves; this tensor was computed by {self._op.name}")
        value = value._value if isinstance(value, Tensor) else value
        if type(value) is not np.ndarray or value.dtype != self.dtype:
            value = np.array(value, self.dtype)
        if value.shape != self.shape:
            raise ValueError(f"assign() got shape {value.shape} for a tensor of shape {self.shape}")
        self._value = _own(value, None, copy=True)

    def adopt(self, value: np.ndarray) -> None:
        """`assign` without the copy and the checks, for optimizers: the caller gives a fresh array away."""
        self._value = value

    def exclusive(self) -> np.ndarray | None:
        """The values as a writable array if nobody else can see them (no tape, no `.data`, no other tensor), else None.

        For optimizers: a large parameter may then change in place, which spares the memory traffic of a fresh array. Other
        threads must leave the tensor alone meanwhile, as they must during any optimizer step.
        """
        value = self._value
        if type(value) is not np.ndarray or value.base is not None or others(value) > 1:  # the one is this tensor
            return None
        value.flags.writeable = True  # `data` makes it read-only again before it shows it
        return value

    def __reduce__(self):
        if self._op is not None:
            raise TypeError(
                f"the result of {self._op.name} is part of a tape, which cannot be pickled or copied: "
                "use tensor.detach() or tensor.data"
            )
        return _restored, (self.numpy(), self.requires_grad, self.grad)

    def detach(self) -> Tensor:
        """The same values as a constant: no gradient flows through."""
        return constant(self._value)


def _restored(values: np.ndarray, requires_grad: bool, grad: Tensor | None) -> Tensor:
    tensor = Tensor(values, requires_grad)
    tensor.grad = grad
    return tensor


def _own(data: Any, dtype: Any, copy: bool) -> Any:
    """`data` as memory that nobody can write to any more: a copy, unless the caller gives the array away."""
    if isinstance(data, Tensor):
        data = data._value
    if copy or type(data) is not np.ndarray or data.base is not None or (dtype is not None and data.dtype != dtype):
        value = np.array(data, dtype)
    else:
        value = data
        value.setflags(write=False)
    return value[()] if value.ndim == 0 else value


def _check_dtype(dtype: np.dtype, requires_grad: bool) -> None:
    if dtype == np.float64 or dtype == np.float32:
        return
    if dtype.kind not in "iub":
        raise TypeError(
            f"a tensor holds float64, float32, integers or booleans, got {dtype}: convert with dtype=np.float64"
        )
    if requires_grad:
        raise TypeError(
            f"only float tensors have gradients, got {dtype}: pass dtype=np.float64, or write the numbers as 1.0 instead of 1"
        )


def others(x: Any) -> int:
    """How many references hold an object besides one variable of the caller."""
    return getrefcount(x) - _counted


def _count() -> int:
    alone = object()
    return others(alone)


_counted = _count()


def constant(value: Any) -> Tensor:
    """A constant around a value that is already owned, without the checks."""
    out = _new(Tensor)
    out._value = value
    out.requires_grad = False
    out.grad = out._op = None
    out._args = out._values = ()
    out._order = 0
    return out


def _node(op: Primitive, value: Any, args: Sequence[Tensor | None], values: Sequence[Any], params: dict) -> Tensor:
    """A recorded result. `args` are the inputs that need a gradient (None for the others), `values` what the forward saw."""
    out = _new(Tensor)
    out._value = value
    out.requires_grad = True
    out.grad = None
    out._op = op
    out._args = args
    out._values = values
    out._params = params
    out._order = _next_order()
    return out


class Primitive:
    """A function on arrays with one gradient rule per input.

    forward(*arrays, **params) computes; `rules[i](g, y, *inputs, **params)` gives the term for input i, where g is the
    adjoint of the output y. Rules are written with operators and primitives only, so that the same rule runs on arrays (a
    plain backward pass) and on tensors (a pass that can itself be differentiated).

    broadcasts: the inputs broadcast against each other; the engine sums the surplus axes away, no rule needs to.
    saves: forward returns `(value, saved)` and rules get `saved=`: what forward computed on the way. It is None when the
        rule runs on tensors: what depends on the inputs must then be computed again, differentiably.
    """

    __slots__ = ("broadcasts", "forward", "name", "rules", "saves")

    def __init__(self, name: str, forward: Callable, *rules: Callable, broadcasts: bool = False, saves: bool = False):
        if forward is not None and not rules:
            raise ValueError(f"{name} needs one gradient rule per input")
        self.name, self.forward, self.rules, self.broadcasts, self.saves = name, forward, rules, broadcasts, saves

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def __reduce__(self):
        from minidl import autograd

        if getattr(autograd, self.name, None) is not self:
            raise TypeError(
                f"the primitive {self.name} cannot be pickled or copied: only those of minidl.autograd can, by name"
            )
        return _by_name, (self.name,)

    def __call__(self, *args, **params):
        if len(args) == 1 and type(args[0]) is Tensor:  # most calls: a shortcut through what follows
            (a,) = args
            value = self.forward(a._value, **params)
            if self.saves:
                value, params["saved"] = value
            if not (a.requires_grad and _recording.get()):
                return constant(value)
            return _node(self, value, args, (a._value,), params)
        tensors = needed = borrowed = False
        values, parents = [], []
        for a in args:
            if type(a) is Tensor:
                tensors = True
                values.append(a._value)
                if a.requires_grad:
                    needed = True
                    parents.append(a)
                    continue
            else:
                if type(a) is np.ndarray:
                    borrowed = True
                elif isinstance(a, (list, tuple, np.ndarray)):  # subclasses too, such as memory maps: copied here
                    a = np.array(a)
                values.append(a)
            parents.append(None)
        value = self.forward(*values, **params) if params else self.forward(*values)
        if self.saves:
            value, saved = value
        if not tensors:
            return value
        if not (needed and _recording.get()):
            return constant(value)
        if len(values) != len(self.rules):
            raise TypeError(
                f"{self.name} has {len(self.rules)} gradient rules, one per input, got {len(values)} inputs"
            )
        if borrowed:  # somebody else's arrays, which they may write into before the backward pass
            values = [_keep(v) if type(a) is np.ndarray else v for a, v in zip(args, values, strict=True)]
        if self.saves:
            params["saved"] = saved
        return _node(self, value, parents, values, params)

    def operator(self) -> Callable[[Tensor, Any], Tensor]:
        """The method behind an infix operator, with a shortcut for two tensors."""
        forward = self.forward

        def method(left: Tensor, right: Any) -> Tensor:
            if type(right) is Tensor and (left.requires_grad or right.requires_grad) and _recording.get():
                args = left if left.requires_grad else None, right if right.requires_grad else None
                values = left._value, right._value
                return _node(self, forward(*values), args, values, _NO_PARAMS)
            return self(left, right)

        return method

    def ternary(self) -> Callable[[Any, Any, Any], Any]:
        """The primitive as a function of three inputs, with a shortcut for three tensors."""
        forward = self.forward

        def function(a: Any, b: Any, c: Any) -> Any:
            if type(a) is type(b) is type(c) is Tensor:
                needed = a.requires_grad, b.requires_grad, c.requires_grad
                if True in needed and _recording.get():
                    values = a._value, b._value, c._value
                    args = a if needed[0] else None, b if needed[1] else None, c if needed[2] else None
                    return _node(self, forward(*values), args, values, _NO_PARAMS)
            return self(a, b, c)

        return function


def _by_name(name: str) -> Primitive:
    from minidl import autograd

    return getattr(autograd, name)


def _keep(array: np.ndarray) -> np.ndarray:
    """An array as it is now: itself when it is read-only memory of our own, else a copy."""
    return array if not array.flags.writeable and array.base is None else array.copy()


def add_up(term: Any) -> Any:
    """The sum over the first axis."""
    return np.add.reduce(term) if type(term) is np.ndarray else term.sum(axis=0)


def unbroadcast(term: Any, shape: tuple[int, ...]) -> Any:
    """Sum a term over the axes along which an input of `shape` was repeated."""
    surplus = term.ndim - len(shape)
    if surplus == 1 and term.shape[1:] == shape:  # a bias
        return add_up(term)
    repeated = [i + surplus for i, n in enumerate(shape) if n == 1 and term.shape[i + surplus] != 1]
    return term.sum(axis=(*range(surplus), *repeated)).reshape(shape)


recording = _recording.get


@contextmanager
def record(on: bool):
    token = _recording.set(on)
    try:
        yield
    finally:
        _recording.reset(token)


def no_grad():
    """Within the block nothing is recorded (in this thread): for inference and for optimizer steps."""
    return record(False)
