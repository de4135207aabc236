"""A folder of photographs with hand-drawn masks, and the table that compares segmenters on them.

The folder is `segmentation/` in the folder that `MINIDL_DATA` names. It holds `index.csv`, whose first columns are name, image
and mask: paths of image files relative to the folder; masks are images that are bright where the object is.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minidl.data import DataError, data_home
from minidl.errors import UserError
from minidl.vision.baselines import otsu, two_means
from minidl.vision.greedy import initial_mask
from minidl.vision.images import prepared, read_image, resize_nearest
from minidl.vision.metrics import iou
from minidl.vision.segmentation import segment

FOLDER = "segmentation"


class Photograph(NamedTuple):
    """A photograph and its true mask."""

    name: str
    image: np.ndarray  # (H, W, 3) float32 in [0, 1]
    mask: np.ndarray  # (H, W) bool


class Table(NamedTuple):
    """The IoU, in the better orientation, of each method on each photograph."""

    names: tuple[str, ...]  # (N,) of the photographs
    scores: dict[str, np.ndarray]  # (N,) by method

    def means(self) -> dict[str, float]:
        """The mean of each method over the photographs."""
        return {method: float(np.mean(values)) for method, values in self.scores.items()}

    def __str__(self) -> str:
        width = max(map(len, self.names))
        head = f"{'photograph':<{width}}  " + "  ".join(f"{method:>12}" for method in self.scores)
        rows = [(name, [v[i] for v in self.scores.values()]) for i, name in enumerate(self.names)]
        rows.append(("mean", list(self.means().values())))
        lines = [f"{name:<{width}}  " + "  ".join(f"{value:12.3f}" for value in values) for name, values in rows]
        return "\n".join([head, *lines])


def load_photographs(limit: int | None = None) -> list[Photograph]:
    """The photographs in the order of the index; limit: the first so many.

    Raises DataError, which says where the folder was looked for and what is wrong with it.
    """
    folder = data_home() / FOLDER
    index = folder / "index.csv"
    if not index.is_file():
        raise DataError(
            f"photographs: no index.csv in {folder}. Set MINIDL_DATA to the folder that holds {FOLDER}/, with index.csv "
            "(columns name, image, mask), or use the built-in `--data scenes`"
        )
    try:
        with open(index, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        entries = [(row["name"], folder / row["image"], folder / row["mask"]) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, TypeError) as error:
        raise DataError(f"{index}: expected a table with the columns name, image and mask ({error!r})") from error
    if not entries:
        raise DataError(f"{index}: expected a photograph or more, got none")
    return [_photograph(*entry) for entry in entries[:limit]]


def _photograph(name: str, image_file: Path, mask_file: Path) -> Photograph:
    try:
        image, mask = read_image(image_file), read_image(mask_file)
    except UserError as error:
        raise DataError(f"photographs: {error}") from error
    if image.ndim == 2:
        image = np.repeat(image[:, :, None], 3, axis=2)
    mask = (mask if mask.ndim == 2 else mask[:, :, :3].mean(axis=2)) > 0.5
    if image.shape[:2] != mask.shape:
        raise DataError(f"{mask_file}: a mask of {mask.shape}, and {image_file.name} is {image.shape[:2]}")
    return Photograph(name, image[:, :, :3], mask)


def methods(**settings: Any) -> Mapping[str, Callable[[np.ndarray], np.ndarray]]:
    """Segmenters by name, from an image (H, W, 3) to a mask (H, W): this method with settings of `segment`, and baselines."""
    size = {name: settings[name] for name in ("longest_side", "resize") if name in settings}

    def shrunk(segmenter: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
        return lambda image: resize_nearest(segmenter(prepared(image, **size)), *image.shape[:2])

    return {
        "inpainting": lambda image: segment(image, **settings).mask,
        "2-means": shrunk(two_means),
        "Otsu": shrunk(otsu),
        "start square": shrunk(lambda pixels: initial_mask(*pixels.shape[1:])),
    }


def compare(photographs: Sequence[Photograph], **settings: Any) -> Table:
    """The table of `methods` on photographs; all see the same shrunk image and are judged at the photograph's full size."""
    found = methods(**settings)
    scores = {
        name: np.array([iou(segmenter(one.image), one.mask) for one in photographs])
        for name, segmenter in found.items()
    }
    return Table(tuple(one.name for one in photographs), scores)
