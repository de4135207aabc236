"""Files that are whole or absent: written beside the target, then renamed over it."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["jsonable", "replacing", "write_bytes", "write_json", "write_text"]


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path in the folder of `path`, renamed to `path` when the block succeeds and removed when it fails.

        with replacing("weights.npz") as beside:
            np.savez(beside, **weights)

    The temporary name keeps the suffix, since writers such as np.savez choose by it. A reader never sees half a file,
    and an older file survives a failure. The folder is made when it is missing. Errors: OSError from the file system.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name and no file: tempfile's would be readable by its owner alone, and a result is an ordinary file.
    beside = path.with_name(f".{path.stem}-{secrets.token_hex(4)}{path.suffix}")
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_bytes(path: str | Path, content: bytes) -> Path:
    """Write bytes atomically; returns the path."""
    with replacing(path) as beside:
        beside.write_bytes(content)
    return Path(path)


def write_text(path: str | Path, content: str) -> Path:
    """Write text as UTF-8 with line feeds, atomically; returns the path."""
    return write_bytes(path, content.encode("utf-8"))


def write_json(path: str | Path, value: Any) -> Path:
    """Write a value as JSON, atomically; NumPy arrays and scalars become lists and numbers (see `jsonable`)."""
    return write_text(path, json.dumps(jsonable(value), indent=2, allow_nan=False) + "\n")


def jsonable(value: Any) -> Any:
    """The value made of what JSON has: arrays become nested lists, paths strings, other objects their repr.

    Floats keep their exact value (shortest repr that reads back). JSON has no NaN or infinity: they become the strings
    "nan", "inf" and "-inf", which Python's float() reads.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((jsonable(item) for item in value), key=repr)
    if isinstance(value, Path):
        return str(value)
    # Arrays, NumPy scalars and tensors, known by what they offer, so that this file does not import NumPy.
    for method in ("tolist", "numpy"):
        convert = getattr(value, method, None)
        if callable(convert) and not isinstance(value, type):
            return jsonable(convert())
    return repr(value)
