"""The file formats: what is written is read, and a file that is not what it should be is refused with the reason."""

import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from minidl.data import DataError, load, read_cifar10, read_idx, write_idx
from minidl.data.fetch import REGISTRY
from minidl.data.formats import CIFAR_RECORD, IDX_TYPES

IDX_HEADER = bytes([0, 0, 8, 2]) + struct.pack(">II", 3, 4)  # a 3x4 array of uint8
BODY = bytes(range(12))


def real_files(folder: str) -> Path:
    """A folder of real data, or a skip."""
    home = os.environ.get("MINIDL_DATA")
    if not home:
        pytest.skip("MINIDL_DATA is not set: no real files to read")
    if not (Path(home) / folder).is_dir():
        pytest.skip(f"MINIDL_DATA has no {folder}/")
    return Path(home) / folder


def save(folder: Path, content: bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("stored", IDX_TYPES.values(), ids=str)
@pytest.mark.parametrize("shape", [(5,), (2, 3, 4), (0, 28, 28), (1, 1, 1, 1, 2)], ids=str)
@pytest.mark.parametrize("name", ["a.idx", "a.idx.gz"])
def test_idx_round_trip(tmp_path, stored, shape, name):
    native = stored.newbyteorder("=")
    array = (np.random.default_rng(0).normal(size=shape) * 100).astype(native)
    write_idx(tmp_path / name, array)
    read = read_idx(tmp_path / name, ndim=len(shape), dtype=native)
    assert read.dtype == native
    assert read.flags.writeable
    np.testing.assert_array_equal(read, array)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("code", "entries", "expected"),
    [
        (0x08, b"\x01\xff", [1, 255]),
        (0x09, b"\x01\xff", [1, -1]),
        (0x0B, b"\x01\x02\xff\xfe", [258, -2]),
        (0x0C, b"\x00\x00\x01\x00\xff\xff\xff\xff", [256, -1]),
        (0x0D, b"\x3f\x80\x00\x00\xc0\x00\x00\x00", [1.0, -2.0]),
        (0x0E, b"\x3f\xf0" + bytes(6) + b"\xc0" + bytes(7), [1.0, -2.0]),
    ],
)
def test_idx_bytes_by_hand(tmp_path, code, entries, expected):
    """Every type from bytes written out by hand: big-endian, and signed where the format says so."""
    path = save(tmp_path, bytes([0, 0, code, 1, 0, 0, 0, 2]) + entries)
    np.testing.assert_array_equal(read_idx(path), expected)
    write_idx(tmp_path / "again", read_idx(path))
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_idx_order_is_last_dimension_fastest_and_views_are_written_right(tmp_path):
    np.testing.assert_array_equal(read_idx(save(tmp_path, IDX_HEADER + BODY)), np.arange(12).reshape(3, 4))
    write_idx(tmp_path / "t", np.arange(12, dtype=np.uint8).reshape(4, 3).T)
    np.testing.assert_array_equal(read_idx(tmp_path / "t"), np.arange(12).reshape(4, 3).T)


def test_gzip_is_known_by_its_bytes_and_equal_arrays_make_equal_files(tmp_path):
    path = save(tmp_path, gzip.compress(IDX_HEADER + BODY), "no-suffix")
    assert read_idx(path).shape == (3, 4)
    for name in ("a.gz", "b.gz"):
        write_idx(tmp_path / name, read_idx(path))
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()
    assert (tmp_path / "a.gz").read_bytes()[4:8] == bytes(4)  # where gzip has the time of writing


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "got nothing: the file is empty"),
        (b"\0\0\x08", "got 00 00 08"),
        (b"<!doctype html>", "got 3c 21 64 6f"),
        (b"\0\1" + IDX_HEADER[2:] + BODY, "got 00 01 08 02"),
        (b"\0\0\x0a" + IDX_HEADER[3:] + BODY, "got 00 00 0a 02"),
        (b"\0\0\x08\0" + BODY, "got 00 00 08 00"),
        (b"\0\0\x08\x41" + bytes(1000), "got 00 00 08 41"),
        (IDX_HEADER[:9], "expected 2 sizes of 4 bytes in the header, got 5 bytes"),
        (IDX_HEADER, "cut short: expected 12 bytes after .*, got 0"),
        (IDX_HEADER + BODY[:-1], "cut short: expected 12 bytes after .*, got 11"),
        (IDX_HEADER + BODY + b"\0", "too long: expected 12 bytes"),
        (bytes([0, 0, 8, 2]) + b"\xff" * 8 + BODY, "cut short: expected 18446744065119617025 bytes .*, got 12"),
        (bytes([0, 0, 8, 4, 0, 0, 0, 0]) + b"\xff" * 12, "expected the shape of an array"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_idx_refuses(tmp_path, content, message, packed):
    path = save(tmp_path, gzip.compress(content) if packed else content, "x.gz" if packed else "x")
    with pytest.raises(DataError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)
    assert "get the file again" in str(caught.value)


def test_damaged_gzip_is_refused(tmp_path):
    array = np.random.default_rng(0).integers(0, 256, (3, 1000), dtype=np.uint8)
    write_idx(tmp_path / "good.gz", array)
    good = (tmp_path / "good.gz").read_bytes()
    flipped = bytearray(good)
    flipped[len(good) // 2] ^= 1
    cases = {
        "cut": (good[: len(good) // 2], "damaged data"),
        "without its checksum": (good[:-8], "damaged data"),
        "flipped": (bytes(flipped), "damaged data"),
        "garbage behind": (good + b"garbage", "damaged data"),
        "header only": (good[:2], "damaged data"),
        "html": (b"<html>", r"expected gzip data \(1f 8b\), got 3c 68"),
        "plain": (IDX_HEADER + BODY, "take .gz off its name"),
        "empty": (b"", "the file is empty"),
        "two members": (good + good, "too long"),
    }
    for name, (content, message) in cases.items():
        path = save(tmp_path, content, f"{name}.gz")
        with pytest.raises(DataError, match=message) as caught:
            read_idx(path)
        assert str(path) in str(caught.value)


def test_unpacking_stops_one_byte_after_what_the_header_says(tmp_path, monkeypatch):
    """A header of twelve entries before twenty million zeros: thirteen bytes are unpacked to refuse it."""
    unpacked = []
    read = gzip.GzipFile.read

    def counting(self, size=-1):
        block = read(self, size)
        unpacked.append(len(block))
        return block

    monkeypatch.setattr(gzip.GzipFile, "read", counting)
    with pytest.raises(DataError, match="too long"):
        read_idx(save(tmp_path, gzip.compress(IDX_HEADER + bytes(20_000_000), 1), "bomb.gz"))
    assert sum(unpacked) == len(IDX_HEADER) + 12 + 1


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"ndim": 3}, "expected 3 dimensions of any type, got 2 dimensions of uint8"),
        ({"dtype": np.float32}, "expected any number of dimensions of float32, got 2 dimensions of uint8"),
        ({"ndim": 1, "dtype": np.uint8}, "expected 1 dimensions of uint8, got 2"),
    ],
)
def test_idx_of_another_kind_is_refused(tmp_path, wanted, message):
    with pytest.raises(DataError, match=message):
        read_idx(save(tmp_path, IDX_HEADER + BODY), **wanted)


@pytest.mark.parametrize("reader", [read_idx, read_cifar10])
def test_missing_file_and_folder(tmp_path, reader):
    with pytest.raises(DataError, match="no-such-file: no such file"):
        reader(tmp_path / "no-such-file")
    with pytest.raises(DataError, match="cannot be read"):
        reader(tmp_path)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(3, np.int64), "got an array of int64: convert it with astype"),
        (np.zeros(3, bool), "got an array of bool"),
        (np.uint8(3), r"one or more dimensions .*, got shape \(\)"),
    ],
)
def test_write_idx_refuses(tmp_path, array, message):
    with pytest.raises(DataError, match=message):
        write_idx(tmp_path / "x", array)
    assert not list(tmp_path.iterdir())


def test_write_idx_keeps_the_old_file_when_it_fails(tmp_path):
    (tmp_path / "x").mkdir()  # a rename onto a folder fails
    with pytest.raises(DataError, match="cannot be written"):
        write_idx(tmp_path / "x", np.zeros(3, np.uint8))
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def cifar_records(n: int, rng: np.random.Generator) -> np.ndarray:
    records = rng.integers(0, 256, (n, CIFAR_RECORD), dtype=np.uint8)
    records[:, 0] = rng.integers(0, 10, n)
    return records


def test_cifar10_layout(tmp_path):
    records = cifar_records(3, np.random.default_rng(0))
    images, labels = read_cifar10(save(tmp_path, records.tobytes()))
    assert images.shape == (3, 3, 32, 32)
    assert images.dtype == np.uint8
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(labels, records[:, 0])
    # Byte 1 + 1024 c + 32 y + x of a record is channel c of the pixel in row y and column x.
    for n, c, y, x in [(0, 0, 0, 0), (1, 0, 0, 31), (1, 2, 31, 31), (2, 1, 7, 20)]:
        assert images[n, c, y, x] == records[n, 1 + 1024 * c + 32 * y + x]


def test_cifar10_refuses(tmp_path):
    records = cifar_records(3, np.random.default_rng(0))
    wrong_label = records.copy()
    wrong_label[1, 0] = 10
    cases = [
        (b"", "records of 3073 bytes, got 0 bytes"),
        (records.tobytes()[:-1], "got 9218 bytes, not whole records"),
        (records.tobytes() + b"\0", "got 9220 bytes, not whole records"),
        (gzip.compress(records.tobytes()), "a gzip archive: unpack it first"),
        (wrong_label.tobytes(), r"expected labels in 0\.\.9, got 10 for example 1 \(1 of 3"),
    ]
    for content, message in cases:
        path = save(tmp_path, content)
        with pytest.raises(DataError, match=message) as caught:
            read_cifar10(path)
        assert str(path) in str(caught.value)


def test_real_mnist():
    folder = real_files("mnist")
    for file in REGISTRY["mnist"].files:
        assert (folder / file.name).stat().st_size == file.size
    data = load("mnist", dtype=np.float32)
    assert (data.x_train.shape, data.x_test.shape) == ((60000, 28, 28), (10000, 28, 28))
    # Known of MNIST: the mean and deviation of its pixels (0.1307, 0.3081), the first labels, how often each class comes.
    assert round(float(data.x_train.mean(dtype=np.float64)), 4) == 0.1307
    assert round(float(data.x_train.std(dtype=np.float64)), 4) == 0.3081
    assert data.y_train[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert data.y_test[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(data.y_train).tolist() == counts


def test_real_cifar10():
    folder = real_files("cifar10_subset")
    images, labels = read_cifar10(folder / "train_4000.bin")
    assert images.shape == (4000, 3, 32, 32)
    assert labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]  # frog, truck, truck, deer, automobile, ...
    # A photograph is smooth: neighbours in a row are closer than pixels of another channel layout would be.
    step = np.abs(np.diff(images.astype(int), axis=3)).mean()
    assert step < np.abs(images[:, :, :, ::2].astype(int) - images[:, :, ::-1, 1::2]).mean() / 2
