"""What every optimizer shares: the class around a pure step.

An optimizer is a pure function `step(w, g, state, hyper) -> w, state` on arrays of one shape: the parameters of a group seen
as one vector. `state` is a dict of arrays of that shape and of Python numbers, empty before the first step; nothing is
written into. The class holds tensors, gathers them into such vectors (`minidl.optim.parts`), and puts the result back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from minidl.autograd import Tensor
from minidl.implementations import implementation
from minidl.optim import states
from minidl.optim.parts import Part, Parts


class Optimizer:
    """Applies a pure step to tensors.

    params: a dict of tensors (`model.parameters()`), an iterable of tensors, or a list of groups
        `{"params": ..., "lr": 0.1, ...}` with hyperparameters of their own.
    impl: "reference" (NumPy) or "kernels", which updates tensors of at least 2^14 entries with the fused loops of
        `minidl_kernels.optim`, in place where nobody else sees them; smaller ones take the reference either way.

    `step()` reads `.grad`; a tensor without one is skipped and its state stays as it is.
    """

    _own: tuple[str, ...] = ()  # hyperparameters that a group makes of its others when it is added, unless given
    _fused: Callable | None = None  # _fused(part, hyper): the same step by a kernel, in place

    def __init__(self, params: Any, pure_step: Callable, hyper: Any, *, impl: str = "reference"):
        self._step, self._default = pure_step, hyper
        self._kernels = implementation(impl, reference=None, kernels="minidl_kernels.optim")
        self.groups: list[tuple[list[Tensor], Any]] = []
        self._names: list[list[str]] = []  # of the tensors of each group
        self._shared: list[dict[str, Any]] = []  # numbers that belong to a group, not to a tensor
        self._parts = Parts()
        for group in _groups(params):
            self.add_group(group["params"], **{k: v for k, v in group.items() if k != "params"})

    def __setattr__(self, name: str, value: Any) -> None:
        if any(hasattr(hyper, name) for _, hyper in vars(self).get("groups", ())):
            raise AttributeError(
                f"{name} belongs to the groups of parameters: change it with set_hyper({name}={value!r})"
            )
        super().__setattr__(name, value)

    def add_group(self, params: Any, **hyper: Any) -> None:
        """Take on more tensors, as a group with hyperparameters of its own; those not given are the constructor's.

        params: a dict or an iterable of tensors. Raises as the constructor does, and then changes nothing.
        """
        members = _members(params)
        tensors = _checked(members)
        held = {p for others, _ in self.groups for p in others}
        if len(set(tensors)) != len(tensors) or not held.isdisjoint(tensors):
            raise ValueError("a parameter appears twice, and would be updated twice per step: name each tensor once")
        names = [str(name) for name in (params if isinstance(params, Mapping) else range(len(tensors)))]
        if len(set(names)) != len(names):
            raise ValueError(f"two tensors of a group have one name, which is what their states are saved by: {names}")
        self.groups.append((tensors, self._changed(self._default, dict.fromkeys(self._own) | hyper)))
        self._names.append(names)
        self._shared.append({})

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for tensors, _ in self.groups:
            for p in tensors:
                p.grad = None

    def set_hyper(self, **changes: Any) -> None:
        """Change hyperparameters of all groups between steps, such as lr; the state stays."""
        self.groups = [(tensors, self._changed(hyper, changes)) for tensors, hyper in self.groups]

    def _changed(self, hyper: Any, changes: Mapping[str, Any]) -> Any:
        if unknown := changes.keys() - asdict(hyper).keys():
            raise ValueError(
                f"unknown hyperparameters {sorted(unknown)}: {type(self).__name__} has {list(asdict(hyper))}"
            )
        return replace(hyper, **changes)

    def step(self, *, forget: bool = False) -> None:
        """One update of every tensor that has a gradient. Raises ValueError, and changes nothing, if one does not fit.

        Raises ValueError as well for a division by zero that eps = 0 leaves open: that tensor and those after it stay.

        forget: also drop the gradients, as `zero_grad` would; large ones then serve as scratch memory, which is faster.
        """
        ready = [(_with_gradients(tensors), hyper) for tensors, hyper in self.groups]
        for (tensors, hyper), shared in zip(ready, self._shared, strict=True):
            self._update(self._parts.of(tensors), hyper, shared)
            if forget:
                for p in tensors:
                    p.grad = None

    def _update(self, parts: Sequence[Part], hyper: Any, shared: dict[str, Any]) -> None:
        """Update a group, part by part. A method whose parts depend on each other overrides it.

        shared: what the group itself remembers, to be changed in place.
        """
        for part in parts:
            if self._fused is not None and part.large and self._fusing(hyper):
                self._fused(part, hyper)
            else:
                part.put(*self._step(*part.gathered(), hyper))

    def _fusing(self, hyper: Any) -> bool:
        """Whether kernels run. With eps = 0 the reference does: it finds a division by 0 before anything is written."""
        return self._kernels is not None and getattr(hyper, "eps", 1) > 0

    # --- saving and loading ------------------------------------------------------------------------------------------------
    def state_dict(self) -> dict[str, Any]:
        """Everything that later steps depend on besides the parameters themselves, as plain numbers and copied arrays.

        {"optimizer": class, "groups": [{"hyper": {...}, "shared": {...}, "tensors": {name: {"shape", "dtype", "state"}}}]}.
        Names are those of the dict that the parameters came in, else their positions in the group.
        """
        return states.taken(self)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`, bit by bit: hyperparameters and state come from it, parameters stay as they are.

        Raises ValueError, and changes nothing, if it belongs to another class, other groups, names, shapes or dtypes.
        """
        states.put_back(self, state)

    def save(self, path: str | Path) -> Path:
        """Write `state_dict` as an npz file of named arrays, whole or not at all; returns the path."""
        return states.write(path, self.state_dict())

    def load(self, path: str | Path) -> None:
        """`load_state_dict` from a file that `save` wrote. Raises ValueError as that does, and for other files; OSError."""
        self.load_state_dict(states.read(path))


def _with_gradients(tensors: list[Tensor]) -> list[Tensor]:
    """Those that have a gradient. Raises ValueError for a gradient that is not like its tensor."""
    ready = [p for p in tensors if p.grad is not None]
    for p in ready:
        if not fits(p.grad, p._value):
            raise misfit(p)
    return ready


def fits(grad: Any, w: np.ndarray) -> bool:
    """Whether a gradient is a tensor like its parameter's value."""
    if type(grad) is not Tensor or grad._value.shape != w.shape:
        return False
    dtype = grad._value.dtype  # == takes a microsecond, and is needed for what was pickled: its dtype is another object
    return dtype is w.dtype or dtype == w.dtype


def misfit(p: Tensor) -> ValueError:
    """The error for a gradient that does not fit its parameter."""
    g = p.grad
    got = f"{g.dtype}{g.shape}" if isinstance(g, (Tensor, np.ndarray)) else ""
    return ValueError(
        f"the gradient of a {p.dtype}{p.shape} parameter must be a tensor like it, got {type(g).__name__} {got}: "
        "leave .grad to backward(), or set it to Tensor(array)"
    )


def _members(params: Any) -> list[Any]:
    """What a dict, a list or a generator of parameters holds."""
    if isinstance(params, Tensor) or not isinstance(params, Iterable):
        raise TypeError(
            f"parameters come as a dict or a list of tensors, got {type(params).__name__}: "
            "pass model.parameters(), or [w] for one tensor"
        )
    return list(params.values() if isinstance(params, Mapping) else params)


def _groups(params: Any) -> list[Mapping[str, Any]]:
    """Groups as they are, anything else as one group."""
    members = _members(params)
    grouped = [isinstance(m, Mapping) and "params" in m for m in members]
    if not any(grouped):
        return [{"params": params if isinstance(params, Mapping) else members}]
    if not all(grouped):
        raise TypeError('pass either tensors or groups {"params": tensors, ...}, not both in one list')
    return members


def _checked(tensors: list[Any]) -> list[Tensor]:
    if not tensors:
        raise ValueError("an optimizer needs at least one parameter, got none: pass model.parameters()")
    for p in tensors:
        if not isinstance(p, Tensor):
            raise TypeError(f"parameters must be tensors, got {type(p).__name__}: pass model.parameters()")
        if not p.requires_grad or not p.is_leaf:
            raise TypeError(
                "a parameter must be a leaf that requires a gradient: make it with Tensor(x, requires_grad=True)"
            )
    return tensors
