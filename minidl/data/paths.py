"""Where the files of the data sets live.

`MINIDL_DATA`, if set, is a folder with a subfolder for each data set (mnist/, cifar10/, ...). Otherwise it is the cache:
`MINIDL_CACHE` if set, else the platform's place for caches.
"""

import os
import sys
from pathlib import Path

from .errors import DataError

# A data set's possible layouts, the best first: a subfolder, and the files in it. A name that ends in .gz also stands
# for the same file unpacked.
LAYOUTS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "mnist": (
        (
            "mnist",
            (
                "train-images-idx3-ubyte.gz",
                "train-labels-idx1-ubyte.gz",
                "t10k-images-idx3-ubyte.gz",
                "t10k-labels-idx1-ubyte.gz",
            ),
        ),
    ),
    "cifar10": (
        *(
            (folder, (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"))
            for folder in ("cifar10", "cifar-10-batches-bin")
        ),
        ("cifar10_subset", ("train_4000.bin", "test_1000.bin")),
    ),
}

_REMEDIES = {
    "mnist": "Run `minidl data get mnist`",
    "cifar10": "Unpack the binary version from https://www.cs.toronto.edu/~kriz/cifar.html there",
}


def cache_home() -> Path:
    """The folder for downloads: `MINIDL_CACHE`, or where the platform keeps caches. It need not exist yet."""
    if chosen := os.environ.get("MINIDL_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        return Path("~/Library/Caches/minidl").expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or "~/AppData/Local").expanduser() / "minidl"
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "minidl"


def data_home() -> Path:
    """The folder whose subfolders are the data sets: `MINIDL_DATA` if set, else the cache.

    Raises:
        DataError: `MINIDL_DATA` names something that is not a folder.
    """
    chosen = os.environ.get("MINIDL_DATA")
    if not chosen:
        return cache_home()
    home = Path(chosen).expanduser()
    if not home.is_dir():
        raise DataError(
            f"MINIDL_DATA: expected a folder whose subfolders are data sets, got {chosen!r}, which is not a folder. "
            "Correct it, or unset it to use the cache"
        )
    return home


def locate(name: str) -> dict[str, Path]:
    """The files of the data set `name` ("mnist" or "cifar10"): their standard names and where they are.

    Raises:
        DataError: the data set has no files, or one is missing; the message says which, where it was expected, and how
            to get it.
    """
    if name not in LAYOUTS:
        raise DataError(f"no files are known for {name!r}: expected one of {', '.join(LAYOUTS)}")
    home = data_home()
    attempts = []
    for folder, names in LAYOUTS[name]:
        found = {file: path for file in names if (path := _either(home / folder / file))}
        missing = [home / folder / file for file in names if file not in found]
        if not missing:
            return found
        attempts.append((found, missing))
    # Tell what is lacking of the layout that somebody began, else of the first.
    missing = next((missing for found, missing in attempts if found), attempts[0][1])
    others = f" (nor {len(missing) - 1} more of its files)" if len(missing) > 1 else ""
    raise DataError(
        f"{name}: no {missing[0].name} in {missing[0].parent}{others}. "
        f"{_REMEDIES[name]}, or set MINIDL_DATA to the folder that holds {LAYOUTS[name][0][0]}/, "
        "or use the built-in `--data strokes`"
    )


def _either(path: Path) -> Path | None:
    """`path`, or the unpacked file beside it, whichever is there."""
    candidates = [path, path.with_suffix("")] if path.suffix == ".gz" else [path]
    return next((candidate for candidate in candidates if candidate.is_file()), None)
