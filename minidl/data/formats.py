"""File formats: IDX, in which MNIST is published, and the binary records of CIFAR-10.

The readers take a file whole or not at all: a wrong magic number, damaged gzip data, a missing byte or a byte too many
is a `DataError` that names the file, what was expected and what came.

IDX (Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits"): two zero bytes, a byte for the type, a
byte for the number of dimensions d, d big-endian uint32 sizes, then the entries, big-endian, last dimension fastest.

CIFAR-10 (A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009): records of 3073 bytes, namely a
label 0..9, then 1024 red, 1024 green and 1024 blue values of a 32x32 image, row by row.
"""

import gzip
import math
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import DTypeLike

from minidl.files import write_bytes

from .errors import DataError

IDX_TYPES: dict[int, np.dtype] = {
    0x08: np.dtype(np.uint8),
    0x09: np.dtype(np.int8),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
CIFAR_RECORD = 1 + 3 * 32 * 32
_MOST_DIMENSIONS = 64  # IDX has room for 255, NumPy's arrays have 64
_GZIP = b"\x1f\x8b"
_BLOCK = 1 << 20
_AGAIN = "get the file again"


def read_idx(path: str | os.PathLike, *, ndim: int | None = None, dtype: DTypeLike | None = None) -> np.ndarray:
    """Read an IDX file, plain or gzipped.

    Args:
        path: the file. A name that ends in .gz must be gzip; under any other name, gzip is recognised by its first bytes.
        ndim: the number of dimensions that the file must have, if it matters.
        dtype: the type that its entries must have, if it matters.

    Returns:
        An array of the file's shape and type, in the machine's byte order, writable.

    Raises:
        DataError: the file is missing, unreadable, damaged, shorter or longer than its header says, or not of the
            `ndim` or `dtype` asked for. At most one byte beyond what the header announces is ever unpacked.
    """
    path = Path(path)
    with _opened(path) as stream:
        stored, shape = _idx_header(path, stream)
        if (ndim not in (None, len(shape))) or (dtype is not None and np.dtype(dtype) != stored.newbyteorder("=")):
            wanted = f"{ndim or 'any number of'} dimensions of {np.dtype(dtype) if dtype else 'any type'}"
            raise DataError(
                f"{path}: expected {wanted}, got {len(shape)} dimensions of {stored.newbyteorder('=')} (shape {shape}): "
                "it is another file than its name says"
            )
        size = math.prod(shape) * stored.itemsize
        body = _body(path, stream, size, f"a header of shape {shape} and type {stored.newbyteorder('=')}")
    try:
        return np.frombuffer(body, stored).reshape(shape).astype(stored.newbyteorder("="))
    except ValueError as error:  # no entries, and the other sizes too large for an array
        raise DataError(
            f"{path}: expected the shape of an array in the header, got {shape} ({error}); {_AGAIN}"
        ) from error


def write_idx(path: str | os.PathLike, array: np.ndarray) -> None:
    """Write `array` as an IDX file, gzipped if the name ends in .gz; the file appears whole or not at all.

    Raises:
        DataError: the array has no dimensions, or one of 2**32 entries or more, or a type that IDX lacks
            (it has uint8, int8, int16, int32, float32 and float64); or the file cannot be written.
    """
    path, array = Path(path), np.asarray(array)
    code = next((code for code, stored in IDX_TYPES.items() if stored.newbyteorder("=") == array.dtype), None)
    if code is None:
        known = ", ".join(str(stored.newbyteorder("=")) for stored in IDX_TYPES.values())
        raise DataError(f"{path}: IDX stores {known}, got an array of {array.dtype}: convert it with astype")
    if array.ndim == 0 or max(array.shape) >= 2**32:
        raise DataError(
            f"{path}: IDX stores one or more dimensions of less than 2**32 entries, got shape {array.shape}"
        )
    header = bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    content = header + array.astype(IDX_TYPES[code]).tobytes()
    if path.suffix == ".gz":
        content = gzip.compress(content, mtime=0)  # no time stamp: equal arrays make equal files
    try:
        write_bytes(path, content)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error}): choose another place") from error


def read_cifar10(path: str | os.PathLike) -> tuple[np.ndarray, np.ndarray]:
    """Read a file of CIFAR-10's binary version, with any number of records.

    Returns:
        images (N, 3, 32, 32) uint8: channels red, green, blue, then rows from the top; labels (N,) int64 in 0..9.

    Raises:
        DataError: the file is missing or unreadable, is empty, does not end at the end of a record, or has a label
            outside 0..9.
    """
    path = Path(path)
    with _opened(path, unpack=False) as stream:
        size = os.fstat(stream.fileno()).st_size
        if size == 0 or size % CIFAR_RECORD:
            kind = "a gzip archive: unpack it first" if stream.read(2) == _GZIP else f"not whole records: {_AGAIN}"
            raise DataError(f"{path}: expected records of {CIFAR_RECORD} bytes, got {size} bytes, {kind}")
        body = _body(path, stream, size, f"{size // CIFAR_RECORD} records")
    records = np.frombuffer(body, np.uint8).reshape(-1, CIFAR_RECORD)  # (N, 3073)
    labels = checked_labels(path, records[:, 0], 10)
    return records[:, 1:].reshape(-1, 3, 32, 32).copy(), labels


def checked_labels(path: str | os.PathLike, labels: np.ndarray, classes: int) -> np.ndarray:
    """The integers `labels` (N,) of the file `path` as int64, if all are in 0..classes-1; else DataError."""
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        raise DataError(
            f"{path}: expected labels in 0..{classes - 1}, got {labels[wrong[0]]} for example {wrong[0]} "
            f"({len(wrong)} of {len(labels)} are outside): it is another file than its name says, or damaged; {_AGAIN}"
        )
    return labels.astype(np.int64)


def _idx_header(path: Path, stream: BinaryIO) -> tuple[np.dtype, tuple[int, ...]]:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in IDX_TYPES or not 1 <= magic[3] <= _MOST_DIMENSIONS:
        types = " ".join(f"{code:02x}" for code in IDX_TYPES)
        raise DataError(
            f"{path}: expected an IDX file (bytes 00 00, a type out of {types}, 1 to 64 dimensions), "
            f"got {magic.hex(' ') or 'nothing: the file is empty'}. Check that it is the file you mean, or {_AGAIN}"
        )
    sizes = stream.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise DataError(f"{path}: expected {magic[3]} sizes of 4 bytes in the header, got {len(sizes)} bytes; {_AGAIN}")
    return IDX_TYPES[magic[2]], tuple(np.frombuffer(sizes, ">u4").tolist())


def _body(path: Path, stream: BinaryIO, size: int, promise: str) -> bytearray:
    """The `size` bytes that are left in `stream`: DataError if there are fewer or more."""
    body = bytearray()
    # Block by block: a damaged header may promise more bytes than there is memory for.
    while block := stream.read(min(_BLOCK, size + 1 - len(body))):
        body += block
    if len(body) < size:
        raise DataError(f"{path}: cut short: expected {size} bytes after {promise}, got {len(body)}; {_AGAIN}")
    if len(body) > size:
        raise DataError(f"{path}: too long: expected {size} bytes after {promise}, and more follow; {_AGAIN}")
    return body


@contextmanager
def _opened(path: Path, *, unpack: bool = True) -> Iterator[BinaryIO]:
    """The content of a file, unpacked if it is gzip, with the ways in which that fails told as DataError."""
    try:
        with open(path, "rb") as raw:
            start = raw.read(2)
            raw.seek(0)
            if unpack and path.suffix == ".gz" and start != _GZIP:
                raise DataError(
                    f"{path}: expected gzip data (1f 8b), got {start.hex(' ') or 'nothing: the file is empty'}. "
                    f"If it has been unpacked, take .gz off its name; else {_AGAIN}"
                )
            if unpack and start == _GZIP:
                with gzip.GzipFile(fileobj=raw) as stream:
                    yield stream
            else:
                yield raw
    except FileNotFoundError:
        raise DataError(f"{path}: no such file. Check the path, or {_AGAIN}") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: expected whole gzip data, got damaged data ({error}); {_AGAIN}") from error
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror or error}). Check that it is a file you may read"
        ) from error
