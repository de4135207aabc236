"""Image files in and out through Matplotlib, and resizing: images as people have them, channels last.

An image is (H, W) for grey, or (H, W, C) with C = 1 grey, 2 grey and alpha, 3 colour, 4 colour and alpha. Files are read as
float32 in [0, 1]. `prepared` turns an image into what the pure functions take: (C, h, w) in [-1, 1].
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from minidl.errors import UserError
from minidl.files import replacing
from minidl.vision import border

_PNG = b"\x89PNG"
FORMATS = (".png", ".ppm")
RESIZE = ("nearest", "area")


# --- files -------------------------------------------------------------------------------------------------------------
def read_image(path: str | os.PathLike) -> np.ndarray:
    """Read a PNG, PPM, JPEG or whatever else Matplotlib reads: (H, W), (H, W, 3) or (H, W, 4) float32 in [0, 1].

    An alpha channel that is opaque everywhere is left out. A note in a photograph that asks viewers to turn it is not obeyed.
    Raises UserError, which names the file and the remedy, for a file that is missing or is no whole image.
    """
    from matplotlib.image import imread

    path = Path(path)
    try:
        with open(path, "rb") as file:
            kind = "png" if file.read(4) == _PNG else "other"  # by content: names lie
            file.seek(0)
            if kind == "other":
                _refuse_deep(file, path)
            image = imread(file, format=kind)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file. Check the path") from None
    except UserError:
        raise
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise UserError(
            f"{path}: cannot be read as an image ({error}). Expected a whole PNG, PPM or JPEG file; save it anew as PNG"
        ) from error
    if image.dtype.kind in "iu":
        image = image / np.float32(np.iinfo(image.dtype).max)
    if image.ndim == 3 and image.shape[2] == 4 and (image[:, :, 3] == 1).all():
        image = image[:, :, :3]
    return np.ascontiguousarray(image, np.float32)


def _refuse_deep(file: BinaryIO, path: Path) -> None:
    """Raise UserError for grey values of more than 8 bits outside of PNG, which would be cut off at 255 without a word."""
    from PIL import Image  # what Matplotlib reads files with

    with Image.open(file) as opened:
        if opened.mode in ("I", "F"):
            raise UserError(f"{path}: grey values of more than 8 bits are read from PNG only: save it as PNG")
    file.seek(0)


def write_image(path: str | os.PathLike, image: np.ndarray) -> Path:
    """Write an image or a mask as PNG or PPM, by the name's ending; whole or not at all. Returns the path.

    image: (H, W), (H, W, 1) or (H, W, 3), and for PNG (H, W, 4): bool, uint8, or floats in [0, 1], which are rounded to 1/255.
    Raises UserError for another ending and when the file cannot be written, TypeError and ValueError for another image.
    """
    from matplotlib.image import imsave

    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise UserError(f"{path}: images are written as {' or '.join(FORMATS)}: choose such a name")
    levels = _levels(image)  # (H, W, 3 or 4) uint8
    if levels.shape[2] == 4 and path.suffix.lower() == ".ppm":
        raise UserError(f"{path}: PPM has no alpha channel: write it as .png, or leave the fourth channel out")
    try:
        with replacing(path) as beside:
            # No software version in the file: equal images are equal bytes.
            imsave(beside, levels, metadata={"Software": None} if path.suffix.lower() == ".png" else None)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error}): choose another place") from error
    return path


def _levels(image: Any) -> np.ndarray:
    array = np.asarray(image)
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise ValueError(f"image must be (H, W), (H, W, 3) or (H, W, 4), got shape {np.shape(image)}")
    if array.shape[2] == 1:
        array = np.repeat(array, 3, axis=2)
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind == "b":
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind != "f":
        raise TypeError(f"image must be bool, uint8 or floats in [0, 1], got {array.dtype}")
    if not (array.min() >= 0 and array.max() <= 1):  # NaN is neither
        raise ValueError(
            f"float images must lie in [0, 1] to be written, got [{array.min():g}, {array.max():g}]: scale it"
        )
    return np.rint(array * 255).astype(np.uint8)


# --- resizing ----------------------------------------------------------------------------------------------------------
def fitted_size(height: int, width: int, longest_side: int | None) -> tuple[int, int]:
    """The size with this longest side and, to the nearest pixel, the same proportions; images are never enlarged.

    Sides stay at least 3, the least that has an inside. None: the size as it is. Raises ValueError for sizes below 3.
    """
    height, width = (border.count(n, v, border.SMALLEST_SIDE) for n, v in (("height", height), ("width", width)))
    if longest_side is None:
        return height, width
    longest_side = border.count("longest_side", longest_side, border.SMALLEST_SIDE)
    scale = min(1.0, longest_side / max(height, width))
    return tuple(max(border.SMALLEST_SIDE, round(n * scale)) for n in (height, width))


def resize_nearest(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """The pixel at the middle of each new pixel: (H, W, ...) of any type becomes (height, width, ...).

    Raises ValueError for an empty image and for sizes below 1.
    """
    image, sizes = _resizable(image, height, width)
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(np.intp) for old, new in zip(image.shape, sizes, strict=False)
    )
    return image[rows[:, None], columns]


def resize_area(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """The mean over the area of each new pixel: floats (H, W, ...) become floats (height, width, ...) of that dtype.

    Integers become float64. Means are kept. Raises ValueError for an empty image and for sizes below 1.
    """
    image, (height, width) = _resizable(image, height, width)
    if image.dtype.kind != "f":
        image = image.astype(np.float64)
    down, across = (
        _overlaps(old, new).astype(image.dtype) for old, new in zip(image.shape, (height, width), strict=False)
    )
    rows = np.tensordot(down, image, 1)  # (height, W, ...)
    return np.moveaxis(np.tensordot(rows, across, (1, 1)), -1, 1)  # (height, width, ...)


def _overlaps(old: int, new: int) -> np.ndarray:
    """The part of each new pixel that each old pixel covers along one axis: (new, old), rows sum to 1."""
    edges = np.arange(new + 1) * (old / new)  # (new + 1,)
    pixel = np.arange(old)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    return np.maximum(overlap, 0) * (new / old)


def _resizable(image: Any, height: int, width: int) -> tuple[np.ndarray, tuple[int, int]]:
    array = np.asarray(image)
    if array.ndim < 2 or 0 in array.shape:
        raise ValueError(f"image must be (H, W) or (H, W, C) and not empty, got shape {array.shape}")
    return array, (border.count("height", height), border.count("width", width))


# --- from people's images to the pure functions' ---------------------------------------------------------------------
def prepared(
    image: np.ndarray,
    *,
    longest_side: int | None = 128,
    resize: str = "nearest",
    value_range: tuple[float, float] | None = None,
    dtype: Any = np.float64,
) -> np.ndarray:
    """The image as the pure functions take it: (C, h, w) in [-1, 1] with C = 1 or 3, shrunk to the longest side.

    image: (H, W) or (H, W, C), C = 1 to 4. Values: bool; uint8 and uint16 over their whole range; other integers in
    0..255; floats in [0, 1]; or anything within value_range = (low, high). Alpha (C = 2 or 4): what shows when the image lies
    on mid-grey, since the colour under a transparent pixel means nothing. resize: "nearest", as the authors do, or "area".
    dtype: float64 or float32. Raises TypeError and ValueError that say what was expected, also for NaN and sides below 3.
    """
    array = channels_last(image)
    if resize not in RESIZE:
        raise ValueError(f"resize must be one of {', '.join(map(repr, RESIZE))}, got {resize!r}")
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(f"dtype must be np.float32 or np.float64, got {dtype!r}")
    size = fitted_size(*array.shape[:2], longest_side)
    transparent = array.shape[2] in (2, 4)
    colours, alpha = (array[:, :, :-1], array[:, :, -1:]) if transparent else (array, None)
    low, high = _value_range(colours, value_range)
    if alpha is not None:
        _, opaque = _value_range(alpha, None)
    if resize == "nearest":  # before the arithmetic, which then has less to do
        colours, alpha = (None if part is None else resize_nearest(part, *size) for part in (colours, alpha))
    scaled = (colours.astype(np.float64) - low) * (2 / (high - low)) - 1  # (., ., C) in [-1, 1]
    if alpha is not None:
        scaled *= alpha / opaque  # 0 is mid-grey
    if resize == "area":
        scaled = resize_area(scaled, *size)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1), dtype)


def channels_last(image: Any) -> np.ndarray:
    """One image as (H, W, C), C = 1 to 4, finite, sides >= 3. Raises TypeError or ValueError otherwise."""
    array = np.asarray(image)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"image must hold numbers, got {array.dtype}")
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or not 1 <= array.shape[2] <= 4:
        raise ValueError(
            f"an image must be (H, W) or (H, W, C) with C = 1 to 4 channels last, got shape {np.shape(image)}: if the "
            "channels come first, pass image.transpose(1, 2, 0); grey images in a batch are (N, H, W, 1), or a list"
        )
    if min(array.shape[:2]) < border.SMALLEST_SIDE:
        raise ValueError(
            f"an image must have at least {border.SMALLEST_SIDE} x {border.SMALLEST_SIDE} pixels to have an inside and an "
            f"outside, got {array.shape[0]} x {array.shape[1]}"
        )
    border.finite(array, "image")
    return array


def _value_range(array: np.ndarray, given: tuple[float, float] | None) -> tuple[float, float]:
    """The values of black and white, which become -1 and 1: those given, or those that the dtype suggests."""
    if given is None:
        low, high = 0.0, {"b": 1.0, "f": 1.0, "i": 255.0, "u": 255.0}[array.dtype.kind]
        if array.dtype == np.uint16:
            high = 65535.0
    else:
        low, high = (float(value) for value in given)
        if not (np.isfinite([low, high]).all() and low < high):
            raise ValueError(f"value_range must be (low, high), finite and low < high, got {given}")
    least, most = array.min(), array.max()
    if least < low or most > high:
        raise ValueError(
            f"an image of {array.dtype} must lie in [{low:g}, {high:g}] here, got [{least:g}, {most:g}]: pass "
            "value_range=(low, high), the values of black and white"
        )
    return low, high
