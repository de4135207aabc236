"""Optimizers as classes in the manner of torch.optim: made with parameters, `step()` reads `.grad` and moves them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minidl.laws.core import Contract, NotProvided
from minidl.verify.adapters.hyper import Hyper, Options, parameters_of, plain_name, split
from minidl.verify.targets import TargetError


class Parameter:
    """What a class gets that belongs to no library known here: an object with arrays `data` and `grad`."""

    def __init__(self, data: np.ndarray) -> None:
        self.data, self.grad, self.requires_grad = data, None, True
        self.shape, self.dtype = data.shape, data.dtype


def is_optimizer_class(thing: Any) -> bool:
    """A class with a method `step` and a constructor that takes something."""
    thing = getattr(thing, "func", thing)  # of a functools.partial
    return inspect.isclass(thing) and callable(getattr(thing, "step", None))


def from_class(make: Callable[..., Any], contract: Contract, options: Options) -> Callable[..., np.ndarray]:
    """The contract's trajectory function by a class. make: the class, or a partial of it.

    Each call makes a new optimizer over the parameter vector, one tensor, or as many in one group as the contract's input
    `sizes` says. The gradient of each step is handed over as it lies in memory, so that writing into it is noticed.
    Raises TargetError where class and contract do not fit.
    """
    hyper = Hyper(contract, plain_name(make), parameters_of(make)[1:], options)
    tensors = _tensors(make)
    if needed := _required(getattr(make, "func", make).step):
        raise TargetError(
            f"{hyper.what}.step() needs {', '.join(needed)}, and reads no .grad: "
            "write a function step(w, g, state, ...) -> (w, state) around it"
        )

    def trajectory(*inputs: Any) -> np.ndarray:
        values = dict(zip(contract.inputs, inputs, strict=True))
        w, gradients, lr = values["w"], values["gradients"], hyper.rates(values)
        # before the first step the rate is that of the first step; a run without steps has none
        keywords = hyper.keywords(values if lr is None else values | {"lr": _first(lr)})
        if lr is not None and not len(lr):
            keywords.pop(hyper.keyword("lr"))
        parts = split(np.array(w), values.get("sizes"))  # a copy: moving the parameters is its job
        params = [tensors.make(part) for part in parts]
        optimizer = make(params, **keywords)
        rows = []
        for t, g in enumerate(gradients):
            if lr is not None and t and lr[t] != lr[t - 1]:
                _set_rate(optimizer, hyper, float(lr[t]), contract.function)
            for param, part in zip(params, split(g, values.get("sizes")), strict=True):
                tensors.put(param, part)
            optimizer.step()
            rows.append(np.concatenate([np.array(tensors.read(param)).reshape(-1) for param in params]))
        return np.stack(rows) if rows else np.empty((0, len(w)), w.dtype)

    trajectory.wiring = hyper.wiring("params")
    return trajectory


def _first(lr: np.ndarray) -> float:
    return float(lr[0]) if len(lr) else 0.0


def _set_rate(optimizer: Any, hyper: Hyper, lr: float, function: str) -> None:
    name = hyper.keyword("lr")
    groups = getattr(optimizer, "param_groups", None)
    if groups is not None:
        for group in groups:
            group[name] = lr
    elif callable(getattr(optimizer, "set_hyper", None)):
        optimizer.set_hyper(**{name: lr})
    elif hasattr(optimizer, name):
        setattr(optimizer, name, lr)
    else:
        raise NotProvided(function, f"the learning rate of {hyper.what} cannot be changed: no param_groups, no .{name}")


def _required(step: Callable[..., Any]) -> list[str]:
    """The arguments without which step() cannot be called."""
    try:
        parameters = list(inspect.signature(step).parameters.values())[1:]
    except (TypeError, ValueError):
        return []
    return [p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


# --- tensors of the library that the class works on ---------------------------------------------------------------------
class _Plain:
    """Objects with .data and .grad, both arrays."""

    make = staticmethod(Parameter)

    @staticmethod
    def put(param: Any, g: np.ndarray) -> None:
        param.grad = g

    @staticmethod
    def read(param: Any) -> np.ndarray:
        return param.data


class _Torch:
    def __init__(self) -> None:
        import torch

        self._torch = torch

    def make(self, part: np.ndarray) -> Any:
        return self._torch.from_numpy(part.copy()).requires_grad_()

    def put(self, param: Any, g: np.ndarray) -> None:
        usable = g.flags.writeable and all(stride >= 0 for stride in g.strides)  # what torch takes without a copy
        param.grad = self._torch.from_numpy(g if usable else g.copy())

    @staticmethod
    def read(param: Any) -> np.ndarray:
        return param.detach().numpy()


class _Minidl:
    def __init__(self) -> None:
        from minidl.autograd import Tensor

        self._tensor = Tensor

    def make(self, part: np.ndarray) -> Any:
        return self._tensor(part, requires_grad=True)

    def put(self, param: Any, g: np.ndarray) -> None:
        param.grad = self._tensor(g)

    @staticmethod
    def read(param: Any) -> np.ndarray:
        return param.data


def _tensors(make: Any) -> Any:
    """By the libraries that the class comes from, or that its methods name; none is loaded for another's sake."""
    bases = getattr(make, "func", make).__mro__
    origins = [base.__module__ for base in bases] + [origin for base in bases[:-1] for origin in _named_in(base)]
    for library, tensors in (("torch", _Torch), ("minidl", _Minidl)):
        if any(origin == library or origin.startswith(f"{library}.") for origin in origins):
            return tensors()
    return _Plain()


def _named_in(cls: type) -> Iterator[str]:
    """The modules of what the class's own methods name."""
    for method in vars(cls).values():
        function = inspect.unwrap(method) if callable(method) else None
        if inspect.isfunction(function):
            for name in function.__code__.co_names:
                value = function.__globals__.get(name)
                yield str(getattr(value, "__module__", None) or getattr(value, "__name__", ""))
