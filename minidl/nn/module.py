"""Modules: a layer or a model is data plus one call.

What a module holds decides what it means: tensors that require gradients are **parameters**, arrays are **state** (running
statistics), modules are **children**. They may stand in lists, tuples and dicts, nested as you like. Names follow the
attributes, positions and keys: `"blocks.0.weight"`. Tensors that were computed (a kept activation) are none of these.
"""

from __future__ import annotations

import io
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

    def _slots(self) -> dict[str, tuple[Any, Any, Any]]:
        """Every tensor and array below by its full name: the container it stands in, its key there, the value."""
        slots: dict[str, tuple[Any, Any, Any]] = {}
        for name, *slot in _walk(vars(self), "", {id(self)}):
            if name in slots:
                raise ValueError(f"two values of this {type(self).__name__} are called {name!r}: rename a dict key")
            slots[name] = tuple(slot)
        return slots

    def parameters(self) -> dict[str, Tensor]:
        """Names and tensors of all parameters; one that is shared appears once, under its first name."""
        found: dict[Tensor, str] = {}
        for name, (_, _, value) in self._slots().items():
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
        return {name: np.array(_values(v)) for name, (_, _, v) in self._slots().items()}

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over a `state()`. Raises ValueError, and changes nothing, if names, shapes or kinds of numbers differ."""
        if not isinstance(state, Mapping):
            raise TypeError(f"load_state takes names with arrays, got {type(state).__name__}: pass module.state()")
        slots = self._slots()
        missing, unknown = sorted(slots.keys() - state.keys()), sorted(state.keys() - slots.keys())
        if missing or unknown:
            raise ValueError(
                f"the state does not fit this {type(self).__name__}: missing {missing or 'nothing'}, unknown "
                f"{unknown or 'nothing'}: build the module with the sizes it was saved with"
            )
        new = {name: np.asarray(_values(state[name])) for name in slots}
        for name, (_, _, value) in slots.items():
            if new[name].shape != value.shape:
                raise ValueError(f"{name} has shape {new[name].shape} in the state and {value.shape} in the module")
            if not np.can_cast(new[name].dtype, value.dtype, "same_kind"):
                raise ValueError(f"{name} holds {new[name].dtype} in the state and {value.dtype} in the module")
        for name, (container, key, value) in slots.items():
            if isinstance(value, Tensor):
                value.assign(new[name])
            else:
                container[key] = np.array(new[name], value.dtype)

    def save(self, path: str | Path) -> Path:
        """Write the state as a .npz file: all of it or, if something fails, nothing. Returns the path (.npz is added)."""
        path = _npz(path)
        with replacing(path) as beside, zipfile.ZipFile(beside, "w") as archive:
            for name, value in self.state().items():  # as np.savez, which cannot have an array called "file"
                with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                    np.lib.format.write_array(entry, value, allow_pickle=False)
        return path

    def load(self, path: str | Path) -> None:
        """Read what `save` wrote to this path. Raises FileNotFoundError, or ValueError: not such a file, or it does not fit."""
        path = _npz(path)
        if not path.is_file():
            raise FileNotFoundError(f"no file {path}: give the path that save() returned")
        content = io.BytesIO(path.read_bytes())
        try:
            with np.load(content, allow_pickle=False) as archive:
                state = {name: archive[name] for name in archive.files}
        except Exception as error:  # zipfile and NumPy have a dozen ways to fail on damaged bytes
            raise ValueError(f"{path} is not a .npz file written by save(), or it is damaged: {error}") from error
        self.load_state(state)


def _npz(path: str | Path) -> Path:
    path = Path(path)
    return path if path.suffix == ".npz" else path.with_name(path.name + ".npz")


def _values(a: Any) -> Any:
    return a.data if isinstance(a, Tensor) else a


def _walk(container: Any, prefix: str, seen: set[int]) -> Iterator[tuple[str, Any, Any, Any]]:
    """Tensors and arrays in a container and below. What is seen a second time (shared, or a way back up) is skipped."""
    for key, value in container.items() if isinstance(container, dict) else enumerate(container):
        name = f"{prefix}{key}"
        if isinstance(value, (Tensor, np.ndarray)):
            if isinstance(value, np.ndarray) and isinstance(container, tuple):
                raise TypeError(f"the array {name} stands in a tuple, where load_state cannot replace it: use a list")
            if isinstance(value, np.ndarray) or value.is_leaf:
                yield name, container, key, value
        elif isinstance(value, (Module, dict, list, tuple)) and id(value) not in seen:
            seen.add(id(value))
            yield from _walk(vars(value) if isinstance(value, Module) else value, f"{name}.", seen)
        elif isinstance(value, (set, frozenset)) and any(isinstance(v, (Module, Tensor)) for v in value):
            raise TypeError(
                f"{name} is a set, whose members have no names: keep modules and tensors in a list or a dict"
            )


class Sequential(Module):
    """Modules, or functions of one argument, applied one after the other."""

    def __init__(self, *layers: Any):
        for layer in layers:
            if not callable(layer) or isinstance(layer, type):
                raise TypeError(
                    f"Sequential takes modules and functions one by one, got {layer!r}: "
                    "unpack a list with Sequential(*layers), and build layers, as in Linear(4, 2, rng=rng)"
                )
        self.layers = list(layers)

    def __call__(self, x: Any, *, training: bool = False, rng: np.random.Generator | None = None) -> Any:
        for layer in self.layers:
            x = layer(x, training=training, rng=rng) if isinstance(layer, Module) else layer(x)
        return x
