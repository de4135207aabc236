"""Cases as data: print one as Python, measure it, and give it back unharmed after foreign code has had it."""

from __future__ import annotations

import keyword
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minidl.laws.core import Case


def leaves(value: Any) -> Iterator[Any]:
    """The arrays and scalars of a value, through tuples, lists and dicts."""
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        for part in value:
            yield from leaves(part)
    else:
        yield value


def transform(value: Any, change: Callable[[Any], Any]) -> Any:
    """The same structure with every leaf replaced by change(leaf)."""
    if isinstance(value, dict):
        return {name: transform(part, change) for name, part in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(transform(part, change) for part in value))
    if isinstance(value, tuple | list):
        return type(value)(transform(part, change) for part in value)
    return change(value)


def weight(case: Case) -> int:
    """The number of entries in a case: what "smallest" compares."""
    return sum(int(np.size(leaf)) for leaf in leaves(case))


def key(case: Case) -> bytes:
    """Equal for equal cases: what caches are keyed by."""
    return pickle.dumps(case)


class Guard:
    """Snapshots of a case's arrays. Foreign code works on the originals, so that their memory layout stays what it is.

    with Guard(case) as guard: ...   # afterwards guard.mutated names what was written into; the values are restored
    """

    def __init__(self, case: Case) -> None:
        self.mutated: list[str] = []
        self._case = case

    def __enter__(self) -> Guard:
        self._before = {
            name: [(leaf, leaf.copy()) for leaf in leaves(value) if isinstance(leaf, np.ndarray)]
            for name, value in self._case.items()
        }
        return self

    def check(self) -> list[str]:
        """The inputs that differ from their snapshots now."""
        return [
            name
            for name, pairs in self._before.items()
            if not all(now.tobytes() == was.tobytes() for now, was in pairs)
        ]

    def __exit__(self, *_: object) -> None:
        self.mutated = self.check()
        for name in self.mutated:
            for now, was in self._before[name]:
                now.flags.writeable = True  # a function that wrote into it may have locked it too
                now[...] = was


def literal(value: Any) -> str:
    """Python source that rebuilds the value exactly: dtype, order and strides included."""
    if isinstance(value, dict):
        if all(isinstance(name, str) and name.isidentifier() and not keyword.iskeyword(name) for name in value):
            return f"dict({', '.join(f'{name}={literal(part)}' for name, part in value.items())})"
        return f"{{{', '.join(f'{name!r}: {literal(part)}' for name, part in value.items())}}}"
    if isinstance(value, tuple):
        return f"({', '.join(literal(part) for part in value)}{',' if len(value) == 1 else ''})"
    if isinstance(value, list):
        return f"[{', '.join(literal(part) for part in value)}]"
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, np.generic):
        return f"np.{value.dtype.name}({_number(value.item())})"
    return _number(value)


def _array(array: np.ndarray) -> str:
    if array.size and array.ndim and not array.flags.c_contiguous and not array.flags.f_contiguous:
        # a view with gaps: every second entry of an array that holds each entry twice
        return f"np.repeat({_array(np.ascontiguousarray(array))}, 2, axis=-1)[..., ::2]"
    order = ', order="F"' if array.flags.f_contiguous and not array.flags.c_contiguous else ""
    plain = array.dtype in (np.dtype(float), np.dtype(np.int64), np.dtype(bool))
    if not array.size:
        return f'np.zeros({array.shape}, dtype="{array.dtype.name}")'
    dtype = "" if plain else f', dtype="{array.dtype.name}"'
    return f"np.array({_nested(array.tolist())}{dtype}{order})"


def _nested(value: Any) -> str:
    return f"[{', '.join(_nested(part) for part in value)}]" if isinstance(value, list) else _number(value)


def _number(value: Any) -> str:
    if isinstance(value, float) and not np.isfinite(value):
        return "np.nan" if np.isnan(value) else ("np.inf" if value > 0 else "-np.inf")
    if isinstance(value, complex):
        return f"complex({_number(value.real)}, {_number(value.imag)})"
    return repr(value)
