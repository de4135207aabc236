"""Modules: a layer or a model is data plus one call.

What a module holds decides what it means: tensors that require gradients are **parameters**, arrays are **state** (running
statistics), modules and lists of modules are **children**. Names follow the attributes: `"blocks.0.weight"`.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minidl.autograd import Tensor
from minidl.files import replacing


class Module:
    """Base of layers and models. A call takes `x`, and by keyword `training` and, for layers with noise, `rng`."""

    def __call__(self, x: Any, *, training: bool = False, rng: np.random.Generator | None = None) -> Any:
        raise TypeError(
            f"{type(self).__name__} does not say how to compute: define __call__(self, x, *, training, rng)"
        )

    def _walk(self, prefix: str = "") -> Iterator[tuple[str, Module, str, Any]]:
        """Every tensor and array below: its full name, its owner, the attribute, the value."""
        for name, value in vars(self).items():
            if isinstance(value, (Tensor, np.ndarray)):
                yield prefix + name, self, name, value
            elif isinstance(value, Module):
                yield from value._walk(f"{prefix}{name}.")
            elif isinstance(value, (list, tuple)):
                for i, child in enumerate(value):
                    if isinstance(child, Module):
                        yield from child._walk(f"{prefix}{name}.{i}.")

    def parameters(self) -> dict[str, Tensor]:
        """Names and tensors of all parameters; one that is shared appears once, under its first name."""
        found: dict[Tensor, str] = {}
        for name, _, _, value in self._walk():
            if isinstance(value, Tensor) and value.requires_grad:
                found.setdefault(value, name)
        return {name: value for value, name in found.items()}

    def parameter_count(self) -> int:
        """How many numbers training can change."""
        return sum(p.size for p in self.parameters().values())

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for p in self.parameters().values():
            p.grad = None

    def state(self) -> dict[str, np.ndarray]:
        """Copies of everything that makes the module what it is: parameters and running statistics, by name."""
        return {name: np.array(v.data if isinstance(v, Tensor) else v) for name, _, _, v in self._walk()}

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over a `state()`. Raises ValueError, and changes nothing, if names or shapes differ."""
        slots = {name: (owner, attribute, value) for name, owner, attribute, value in self._walk()}
        missing, unknown = sorted(slots.keys() - state.keys()), sorted(state.keys() - slots.keys())
        if missing or unknown:
            raise ValueError(
                f"the state does not fit this {type(self).__name__}: missing {missing or 'nothing'}, unknown "
                f"{unknown or 'nothing'}: build the module with the sizes it was saved with"
            )
        for name, (_, _, value) in slots.items():
            if np.shape(state[name]) != value.shape:
                raise ValueError(
                    f"{name} has shape {np.shape(state[name])} in the state and {value.shape} in the module"
                )
        for name, (owner, attribute, value) in slots.items():
            if isinstance(value, Tensor):
                value.assign(state[name])
            else:
                setattr(owner, attribute, np.array(state[name], value.dtype))

    def save(self, path: str | Path) -> Path:
        """Write the state as a .npz file: all of it or, if something fails, nothing. Returns the path."""
        path = Path(path)
        path = path if path.suffix == ".npz" else path.with_name(path.name + ".npz")
        with replacing(path) as beside:
            np.savez(beside, **self.state())
        return path

    def load(self, path: str | Path) -> None:
        """Read what `save` wrote. Raises FileNotFoundError or ValueError (not such a file, or it does not fit)."""
        if not Path(path).is_file():
            raise FileNotFoundError(f"no file {path}: give the path that save() returned")
        try:
            with np.load(path, allow_pickle=False) as archive:
                state = {name: archive[name] for name in archive.files}
        except (ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path} is not a .npz file written by save(), or it is damaged: {error}") from error
        self.load_state(state)


class Sequential(Module):
    """Modules, or functions of one argument, applied one after the other."""

    def __init__(self, *layers: Any):
        self.layers = list(layers)

    def __call__(self, x: Any, *, training: bool = False, rng: np.random.Generator | None = None) -> Any:
        for layer in self.layers:
            x = layer(x, training=training, rng=rng) if isinstance(layer, Module) else layer(x)
        return x
