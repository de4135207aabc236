"""The state of an optimizer as data: taken out, put back, written to a file and read again, bit by bit.

On disk it is a plain npz of named arrays, without pickles, so that anything that reads NumPy's format can open it:

    format                1
    optimizer             the class
    0/hyper/lr ...        hyperparameters of group 0
    0/shared/gamma ...    what group 0 itself remembers (few methods have any)
    0/names, 0/dtypes     of its tensors
    0/0/shape             of its tensor 0
    0/0/array/m ...       its state: arrays of that shape,
    0/0/number/t ...      and numbers
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.files import replacing
from minidl.optim.parts import is_array

if TYPE_CHECKING:
    from minidl.autograd import Tensor
    from minidl.optim.optimizer import Optimizer

_FORMAT = 1


def taken(optimizer: Optimizer) -> dict[str, Any]:
    """What `Optimizer.state_dict` describes; every array is a copy."""
    optimizer._parts.take_apart(p for tensors, _ in optimizer.groups for p in tensors)
    groups = []
    for (tensors, hyper), names, shared in zip(optimizer.groups, optimizer._names, optimizer._shared, strict=True):
        states = [optimizer._parts.state.get((p,), {}) for p in tensors]
        entries = {
            name: {"shape": p.shape, "dtype": p.dtype.name, "state": {k: _copied(v) for k, v in state.items()}}
            for name, p, state in zip(names, tensors, states, strict=True)
        }
        groups.append({"hyper": asdict(hyper), "shared": dict(shared), "tensors": entries})
    return {"optimizer": type(optimizer).__name__, "groups": groups}


def put_back(optimizer: Optimizer, saved: Mapping[str, Any]) -> None:
    """Make the optimizer go on from there. Raises ValueError, and changes nothing, for what does not fit."""
    made_by, groups = _part(saved, "optimizer"), _part(saved, "groups")
    if made_by != type(optimizer).__name__:
        raise ValueError(f"the state belongs to {made_by}, and this is {type(optimizer).__name__}")
    if len(groups) != len(optimizer.groups):
        raise ValueError(
            f"the state has {len(groups)} groups of parameters, this optimizer {len(optimizer.groups)}: "
            "add the same groups before loading"
        )
    settings, state = [], {}
    for i, (group, (tensors, hyper), names) in enumerate(zip(groups, optimizer.groups, optimizer._names, strict=True)):
        settings.append((tensors, _hyper(group, hyper, f"group {i}")))
        entries = _part(group, "tensors")
        if entries.keys() != set(names):
            missing, unknown = sorted(set(names) - entries.keys()), sorted(entries.keys() - set(names))
            raise ValueError(
                f"group {i} holds other tensors than the state: not in the state {missing}, only in the state {unknown}"
            )
        for name, p in zip(names, tensors, strict=True):
            state[p,] = _fitting(entries[name], p, f"{name!r} in group {i}")
    optimizer.groups, optimizer._parts.state = settings, {p: s for p, s in state.items() if s}
    optimizer._shared = [dict(_part(group, "shared")) for group in groups]


def write(path: str | Path, state: Mapping[str, Any]) -> Path:
    """Write a `state_dict` as npz, whole or not at all; returns the path."""
    arrays: dict[str, Any] = {"format": _FORMAT, "optimizer": state["optimizer"]}
    for i, group in enumerate(state["groups"]):
        for kind in ("hyper", "shared"):
            arrays |= {f"{i}/{kind}/{k}": v for k, v in group[kind].items()}
        arrays[f"{i}/names"] = list(group["tensors"])
        arrays[f"{i}/dtypes"] = [entry["dtype"] for entry in group["tensors"].values()]
        for j, entry in enumerate(group["tensors"].values()):
            arrays[f"{i}/{j}/shape"] = np.array(entry["shape"], np.int64)
            for k, v in entry["state"].items():
                arrays[f"{i}/{j}/{'array' if is_array(v) else 'number'}/{k}"] = v
    with replacing(path) as beside, open(beside, "wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    return Path(path)


def read(path: str | Path) -> dict[str, Any]:
    """The `state_dict` in a file. Raises ValueError for a file that `write` did not make, OSError as opening does."""
    foreign = f"{path} is no state of an optimizer: give a file that save() wrote"
    try:
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except (ValueError, EOFError, KeyError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        raise ValueError(f"{foreign} ({error})") from error
    if "format" not in arrays or "optimizer" not in arrays:
        raise ValueError(foreign)
    if arrays["format"] != _FORMAT:
        raise ValueError(f"{path} has format {arrays['format']}, and this version of minidl reads {_FORMAT}")
    groups = []
    while f"{len(groups)}/names" in arrays:
        i = len(groups)
        tensors = {
            str(name): {
                "shape": tuple(arrays[f"{i}/{j}/shape"].tolist()),
                "dtype": str(dtype),
                "state": _numbers(arrays, f"{i}/{j}/number/") | _below(arrays, f"{i}/{j}/array/"),
            }
            for j, (name, dtype) in enumerate(zip(arrays[f"{i}/names"], arrays[f"{i}/dtypes"], strict=True))
        }
        groups.append({kind: _numbers(arrays, f"{i}/{kind}/") for kind in ("hyper", "shared")} | {"tensors": tensors})
    return {"optimizer": str(arrays["optimizer"]), "groups": groups}


def _below(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {key.removeprefix(prefix): value for key, value in arrays.items() if key.startswith(prefix)}


def _numbers(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, Any]:
    return {key: value.item() for key, value in _below(arrays, prefix).items()}


def _copied(value: Any) -> Any:
    return np.array(value) if is_array(value) else value


def _part(saved: Any, name: str) -> Any:
    if not isinstance(saved, Mapping) or name not in saved:
        raise ValueError(f"this is no state of an optimizer: it lacks {name!r}; give what state_dict() returned")
    return saved[name]


def _hyper(group: Any, hyper: Any, where: str) -> Any:
    """The saved hyperparameters, checked by their own class."""
    saved = _part(group, "hyper")
    if saved.keys() != asdict(hyper).keys():
        raise ValueError(f"the state's hyperparameters of {where} are {sorted(saved)}, not {sorted(asdict(hyper))}")
    return type(hyper)(**saved)


def _fitting(entry: Any, p: Tensor, where: str) -> dict[str, Any]:
    """A copy of the state of one tensor, if it can be this one's."""
    saved = tuple(_part(entry, "shape")), _part(entry, "dtype")
    if saved != (p.shape, p.dtype.name):
        raise ValueError(
            f"the state of {where} is of a {saved[1]}{saved[0]} tensor, and this one is {p.dtype}{p.shape}"
        )
    state = _part(entry, "state")
    for name, value in state.items():
        if is_array(value) and (value.shape != p.shape or value.dtype != p.dtype):
            raise ValueError(
                f"{name} of {where} must be a {p.dtype}{p.shape} array, got {value.dtype}{value.shape}: "
                "the state has been changed since state_dict() returned it"
            )
        if not is_array(value) and not isinstance(value, int | float | str):
            raise ValueError(f"{name} of {where} must be an array or a number, got {type(value).__name__}")
    return {name: _copied(value) for name, value in state.items()}
