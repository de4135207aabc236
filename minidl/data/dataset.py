"""A data set, split into what is learned from and what is tested on, and `load`, which makes one by name."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np
from numpy.typing import DTypeLike

from . import procedural
from .checks import count, floating
from .errors import DataError
from .formats import checked_labels, read_cifar10, read_idx
from .paths import locate

BUILT_IN: dict[str, Callable[..., tuple[np.ndarray, np.ndarray]]] = {
    "strokes": procedural.strokes,
    "spirals": procedural.spirals,
    "blobs": procedural.blobs,
}
SIZES = {"strokes": (8000, 2000), "spirals": (600, 300), "blobs": (600, 300)}  # what load draws unless told
CLASS_NAMES: dict[str, tuple[str, ...]] = {
    "strokes": tuple("0123456789"),
    "spirals": tuple("012"),
    "blobs": tuple("012"),
    "mnist": tuple("0123456789"),
    "cifar10": ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
}
NAMES = tuple(CLASS_NAMES)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Examples and their labels.

    Attributes:
        x_train, x_test: (N, ...) float32 or float64. strokes and mnist: images (N, 28, 28) in [0, 1]; cifar10: images
            (N, 3, 32, 32) in [0, 1], channels red, green, blue; spirals and blobs: points (N, 2).
        y_train, y_test: (N,) int64 labels in 0..classes-1.
        name: the name by which `load` knows it.
        classes: the number of classes.
        class_names: a name for each class.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    name: str
    classes: int
    class_names: tuple[str, ...]

    def flat(self) -> "Dataset":
        """The same data with each example as one row: x_train and x_test of shape (N, D)."""
        x_train, x_test = (x.reshape(len(x), -1) for x in (self.x_train, self.x_test))
        return replace(self, x_train=x_train, x_test=x_test)


def load(
    name: str,
    *,
    n_train: int | None = None,
    n_test: int | None = None,
    seed: int = 0,
    dtype: DTypeLike = np.float64,
) -> Dataset:
    """Load the data set `name`: "strokes", "spirals" and "blobs" are drawn; "mnist" and "cifar10" are read from files.

    Files are looked for in the folder that `data_home()` names. Training and test examples come from independent random
    streams: the test set for a seed does not change with `n_train`.

    Args:
        name: one of `NAMES`.
        n_train, n_test: how many examples, at least 1. None: as many as the files have, in their order, or a default
            size. Fewer than the files have: that many of them, chosen and ordered at random.
        seed: a non-negative integer; chooses what is drawn, or which examples of a file are taken.
        dtype: float32 or float64, the type of `x_train` and `x_test`.

    Raises:
        DataError: the name is unknown, an argument is not as above, more examples are asked for than there are, or the
            files are missing or damaged.
    """
    if name not in NAMES:
        near = get_close_matches(str(name), NAMES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise DataError(f"unknown data set {name!r}: expected one of {', '.join(NAMES)}{hint}")
    dtype = floating(dtype)
    sizes = [None if n is None else count(what, n) for what, n in (("n_train", n_train), ("n_test", n_test))]
    rngs = [np.random.default_rng(child) for child in np.random.SeedSequence(count("seed", seed, 0)).spawn(2)]
    if name in BUILT_IN:
        sizes = [default if size is None else size for size, default in zip(sizes, SIZES[name], strict=True)]
        parts = [BUILT_IN[name](size, rng=rng, dtype=dtype) for size, rng in zip(sizes, rngs, strict=True)]
    else:
        whole = _mnist() if name == "mnist" else _cifar10()
        parts = [
            _take(f"{name}, {what}", images, labels, size, rng, dtype)
            for what, (images, labels), size, rng in zip(("n_train", "n_test"), whole, sizes, rngs, strict=True)
        ]
    (x_train, y_train), (x_test, y_test) = parts
    return Dataset(x_train, y_train, x_test, y_test, name, len(CLASS_NAMES[name]), CLASS_NAMES[name])


def _take(
    what: str, images: np.ndarray, labels: np.ndarray, size: int | None, rng: np.random.Generator, dtype: np.dtype
) -> tuple[np.ndarray, np.ndarray]:
    """`size` of the uint8 `images`, at random, scaled to [0, 1]: chosen before they grow to floats."""
    if size is not None and size > len(images):
        raise DataError(f"{what}: the files have {len(images)} examples, {size} were asked for: ask for fewer")
    if size is not None and size < len(images):
        chosen = rng.permutation(len(images))[:size]
        images, labels = images[chosen], labels[chosen]
    return images / dtype.type(255), labels


def _mnist() -> list[tuple[np.ndarray, np.ndarray]]:
    """MNIST's training and test parts: images (N, 28, 28) uint8, labels (N,) int64."""
    files = list(locate("mnist").values())
    parts = []
    for image_file, label_file in (files[:2], files[2:]):
        images = read_idx(image_file, ndim=3, dtype=np.uint8)
        labels = checked_labels(label_file, read_idx(label_file, ndim=1, dtype=np.uint8), 10)
        if images.shape != (len(labels), 28, 28) or not len(labels):
            raise DataError(
                f"{image_file}: expected a 28x28 image for each of the {len(labels)} labels of {label_file.name}, got "
                f"shape {images.shape}: the two files are not of one set. Run `minidl data get mnist`"
            )
        parts.append((images, labels))
    return parts


def _cifar10() -> list[tuple[np.ndarray, np.ndarray]]:
    """CIFAR-10's training and test parts: images (N, 3, 32, 32) uint8, labels (N,) int64."""
    *train, test = (read_cifar10(path) for path in locate("cifar10").values())
    images, labels = (np.concatenate(part) for part in zip(*train, strict=True))
    return [(images, labels), test]
