"""Golden vectors: the reference's answers as files that any language can read.

    DIR/manifest.json                        every case with its inputs, outputs, tolerance and the bug it hunts
    DIR/METHOD/FUNCTION/CASE/in_x.npy        one array per file, little-endian, row-major
    DIR/METHOD/FUNCTION/CASE/out_y.npy

Arrays are named and exact, each with its dtype, shape and SHA-256. Scalars stand in the manifest; a float also as
hexadecimal, which no parser rounds. A tuple stands there as `items`, a dict as `entries`.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minidl import atlas
from minidl.laws.core import Case, Contract
from minidl.verify.report import versions
from minidl.verify.tolerance import Reference

FORMAT, VERSION, MANIFEST = "minidl-golden", 1, "manifest.json"
_ABOUT = (
    "Call each function with the inputs, in the order of `inputs`, and compare each output: |got - expected| <= "
    "tolerance, entry by entry; integers and booleans exactly; nan and infinity agree only with themselves. "
    "`printed` holds values as the source prints them, good to that many decimals."
)


class GoldenError(ValueError):
    """The directory cannot be written or read: why, and what would help."""


def write_golden(directory: str | os.PathLike[str], methods: Sequence[str] | None = None) -> Path:
    """Write the vectors of these methods (all of the atlas by default) and return the manifest's path.

    The directory appears at once or not at all. It replaces earlier vectors; any other non-empty directory raises
    GoldenError, and an unknown method ValueError.
    """
    names = list(atlas.METHODS) if methods is None else list(methods)
    rows = [atlas.method(name) for name in names]
    sources = [(row, atlas.load_contracts(row.name), atlas.load_reference(row.name)) for row in rows]
    target = Path(os.path.abspath(directory))
    _refuse_foreign(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        manifest: dict[str, Any] = {
            "format": FORMAT,
            "version": VERSION,
            "about": _ABOUT,
            "versions": versions(),
            "methods": {},
        }
        for row, contracts, reference in sources:
            functions = {
                contract.function: _write_contract(beside, row.name, contract, reference) for contract in contracts
            }
            manifest["methods"][row.name] = {"title": row.title, "paper": row.paper, "functions": functions}
        text = json.dumps(manifest, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
        (beside / MANIFEST).write_text(text, encoding="utf-8")
        beside.chmod(0o755)  # a temporary directory is private; this one is made to be passed on
        _replace(target, beside)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return target / MANIFEST


def _refuse_foreign(target: Path) -> None:
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise GoldenError(f"{target} is no directory: name one that does not exist, or move that file away")
    if not target.exists() or not any(target.iterdir()):
        return
    try:
        ours = json.loads((target / MANIFEST).read_text(encoding="utf-8"))["format"] == FORMAT
    except (OSError, ValueError, KeyError, TypeError):
        ours = False
    if not ours:
        raise GoldenError(f"{target} holds other files: name a new or empty directory, such as {target / 'golden'}")


def _replace(target: Path, beside: Path) -> None:
    if not target.exists():
        beside.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent))
    target.rename(old / "was")  # two renames: no reader ever sees a half-written directory under the name
    try:
        beside.rename(target)
    except OSError:
        (old / "was").rename(target)
        old.rmdir()
        raise
    shutil.rmtree(old)


def _write_contract(root: Path, method: str, contract: Contract, reference: Any) -> dict[str, Any]:
    answers = Reference(contract, reference)
    cases = []
    for name, case in contract.cases.named.items():
        folder = Path(method) / contract.function / _safe(name)
        expected = answers(case)
        outputs = {}
        for output, value in expected.outputs.items():
            outputs[output] = _store(root, folder / f"out_{output}", np.asarray(value))
            outputs[output]["tolerance"] = float(np.max(expected.tolerance[output], initial=0.0))
        note = contract.cases.notes.get(name, "")
        cases.append({"name": name, "hunts": note, "inputs": _inputs(root, folder, contract, case), "outputs": outputs})
    printed = []
    for number, example in enumerate(contract.golden, start=1):
        folder = Path(method) / contract.function / f"printed_{number}"
        outputs = {
            output: _store(root, folder / f"out_{output}", np.asarray(value))
            for output, value in example.outputs.items()
        }
        printed.append(
            {
                "name": f"printed_{number}",
                "hunts": example.note,
                "digits": example.digits,
                "inputs": _inputs(root, folder, contract, example.inputs),
                "outputs": outputs,
            }
        )
    return {
        "statement": contract.statement,
        "inputs": list(contract.inputs),
        "outputs": list(contract.outputs),
        "cases": cases,
        "printed": printed,
    }


def _inputs(root: Path, folder: Path, contract: Contract, case: Case) -> dict[str, Any]:
    return {name: _store(root, folder / f"in_{name}", case[name]) for name in contract.inputs}


def _safe(name: str) -> str:
    """A case's name as a folder's name on any system; the manifest has the true one."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", name)
    return plain if plain == name else f"{plain}_{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def _store(root: Path, path: Path, value: Any) -> dict[str, Any]:
    """Write arrays below the path, and return what the manifest says of the value."""
    if isinstance(value, tuple | list):
        return {"items": [_store(root, path.with_name(f"{path.name}_{i}"), part) for i, part in enumerate(value)]}
    if isinstance(value, dict):
        parts = {name: _store(root, path.with_name(f"{path.name}_{_safe(name)}"), part) for name, part in value.items()}
        return {"entries": parts}
    if not isinstance(value, np.ndarray | np.generic):
        return _scalar(value)
    array = np.asarray(value)
    array = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    file = path.with_name(path.name + ".npy")
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_bytes(buffer.getvalue())
    return {
        "file": file.as_posix(),
        "dtype": array.dtype.name,
        "shape": list(array.shape),
        "sha256": hashlib.sha256(buffer.getvalue()).hexdigest(),
    }


def _scalar(value: Any) -> dict[str, Any]:
    if isinstance(value, float):
        finite = math.isfinite(value)
        return {"float": value if finite else str(value), "hex": value.hex()}
    if value is None or isinstance(value, bool | int | str):
        return {"value": value}
    raise TypeError(f"a case holds arrays, numbers, strings, tuples and dicts of them, got {type(value).__name__}")


def read_golden(directory: str | os.PathLike[str]) -> dict[str, Any]:
    """The manifest with every file and number in it replaced by its value; each file is held against its SHA-256.

    Raises GoldenError on a directory without vectors, a missing or altered file.
    """
    root = Path(directory)
    try:
        manifest = json.loads((root / MANIFEST).read_text(encoding="utf-8"))
    except OSError as error:
        raise GoldenError(f"{root / MANIFEST} cannot be read ({error.strerror}): write it with write_golden") from error
    except ValueError as error:
        raise GoldenError(f"{root / MANIFEST} is not JSON ({error}): write it anew") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT or manifest.get("version") != VERSION:
        raise GoldenError(f"{root / MANIFEST} is no {FORMAT} manifest of version {VERSION}")
    for method in manifest["methods"].values():
        for function in method["functions"].values():
            for case in function["cases"] + function["printed"]:
                case["tolerance"] = {
                    name: entry["tolerance"] for name, entry in case["outputs"].items() if "tolerance" in entry
                }
                for part in ("inputs", "outputs"):
                    case[part] = {name: _load(root, entry) for name, entry in case[part].items()}
    return manifest


def _load(root: Path, entry: dict[str, Any]) -> Any:
    if "items" in entry:
        return tuple(_load(root, part) for part in entry["items"])
    if "entries" in entry:
        return {name: _load(root, part) for name, part in entry["entries"].items()}
    if "hex" in entry:
        return float.fromhex(entry["hex"])
    if "value" in entry:
        return entry["value"]
    path = root / entry["file"]
    try:
        data = path.read_bytes()
    except OSError as error:
        raise GoldenError(f"{path} cannot be read ({error.strerror}): write the vectors anew") from error
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise GoldenError(f"{path} is not what was written (its SHA-256 differs): write the vectors anew")
    return np.load(io.BytesIO(data), allow_pickle=False)
