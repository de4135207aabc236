"""`load`, and where it looks for files."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minidl.data import NAMES, DataError, cache_home, data_home, load, locate, write_idx

MNIST = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


@pytest.fixture(autouse=True)
def no_real_data(monkeypatch, tmp_path):
    """No environment of whoever runs this: an empty cache."""
    for name in ("MINIDL_DATA", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MINIDL_CACHE", str(tmp_path / "cache"))


def make_mnist(folder: Path, n_train: int = 30, n_test: int = 10) -> None:
    """Small files of MNIST's form: every pixel of image i is i."""
    folder.mkdir(parents=True)
    for n, images, labels in ((n_train, *MNIST[:2]), (n_test, *MNIST[2:])):
        write_idx(folder / images, np.repeat(np.arange(n, dtype=np.uint8), 784).reshape(n, 28, 28))
        write_idx(folder / labels, (np.arange(n) % 10).astype(np.uint8))


def make_cifar(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True)
    for value, name in enumerate(names):
        (folder / name).write_bytes((bytes([value]) + bytes([value]) * 3072) * 2)


@pytest.mark.parametrize(("name", "shape"), [("strokes", (28, 28)), ("spirals", (2,)), ("blobs", (2,))])
def test_built_in_sets(name, shape):
    data = load(name, n_train=60, n_test=20, seed=1, dtype=np.float32)
    assert data.x_train.shape == (60, *shape)
    assert data.x_test.shape == (20, *shape)
    assert data.x_train.dtype == data.x_test.dtype == np.float32
    assert data.y_train.shape == (60,)
    assert data.name == name
    assert data.classes == len(data.class_names) == 1 + max(data.y_train.max(), data.y_test.max())
    assert data.flat().x_train.shape == (60, int(np.prod(shape)))
    assert data.flat().x_test.shape == (20, int(np.prod(shape)))
    np.testing.assert_array_equal(data.flat().x_train[7], data.x_train[7].ravel())


def test_seed_decides_and_the_test_set_is_its_own_stream():
    first, again, other = (load("strokes", n_train=n, n_test=40, seed=s) for n, s in ((50, 0), (60, 0), (50, 1)))
    np.testing.assert_array_equal(first.x_test, again.x_test)
    np.testing.assert_array_equal(first.x_train, again.x_train[:50])
    assert np.any(first.x_train != other.x_train)
    assert np.any(first.x_train[:40] != first.x_test)
    assert first.x_train.dtype == np.float64


def test_default_sizes():
    data = load("strokes")
    assert (len(data.x_train), len(data.x_test)) == (8000, 2000)


@pytest.mark.parametrize("through", ["MINIDL_DATA", "MINIDL_CACHE"])
def test_mnist_whole_and_in_part(tmp_path, monkeypatch, through):
    make_mnist(tmp_path / "home" / "mnist")
    monkeypatch.setenv(through, str(tmp_path / "home"))
    whole = load("mnist")
    np.testing.assert_array_equal(whole.x_train[:, 0, 0], np.arange(30) / 255)
    np.testing.assert_array_equal(whole.y_test, np.arange(10))
    assert whole.classes == 10
    part = load("mnist", n_train=20, n_test=5, seed=3, dtype=np.float32)
    assert part.x_train.dtype == np.float32
    chosen = np.rint(part.x_train[:, 0, 0] * 255).astype(int)
    assert len(set(chosen)) == 20
    assert chosen.tolist() != sorted(chosen)
    np.testing.assert_array_equal(part.y_train, chosen % 10)  # the labels went with their images
    assert np.any(load("mnist", n_train=20, seed=4).x_train != part.x_train)


def test_unpacked_mnist_is_read_too(tmp_path, monkeypatch):
    make_mnist(tmp_path / "mnist")
    plain = tmp_path / "mnist" / MNIST[0].removesuffix(".gz")
    write_idx(plain, np.zeros((30, 28, 28), np.uint8))
    (tmp_path / "mnist" / MNIST[0]).unlink()
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path))
    assert not load("mnist").x_train.any()
    assert locate("mnist")[MNIST[0]] == plain


def test_missing_mnist_names_the_three_ways_out(tmp_path):
    with pytest.raises(DataError) as caught:
        load("mnist")
    message = str(caught.value)
    for part in ("`minidl data get mnist`", "set MINIDL_DATA", "`--data strokes`", MNIST[0], str(tmp_path / "cache")):
        assert part in message
    make_mnist(tmp_path / "cache" / "mnist")
    (tmp_path / "cache" / "mnist" / MNIST[3]).unlink()
    with pytest.raises(DataError, match=f"mnist: no {MNIST[3]} in .*mnist. Run"):
        load("mnist")


def test_mnist_files_that_do_not_belong_together(tmp_path, monkeypatch):
    make_mnist(tmp_path / "mnist")
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path))
    folder = tmp_path / "mnist"
    write_idx(folder / MNIST[1], np.zeros(29, np.uint8))
    with pytest.raises(DataError, match=r"each of the 29 labels .* got shape \(30, 28, 28\)"):
        load("mnist")
    write_idx(folder / MNIST[1], np.full(30, 11, np.uint8))
    with pytest.raises(DataError, match=r"expected labels in 0\.\.9, got 11 for example 0 \(30 of 30"):
        load("mnist")
    (folder / MNIST[1]).write_bytes((folder / MNIST[0]).read_bytes())  # the images under the labels' name
    with pytest.raises(DataError, match="expected 1 dimensions of uint8, got 3 dimensions"):
        load("mnist")


def test_cifar10_whole_before_subset(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"cifar10: no data_batch_1.bin in .*cifar10 \(nor 5 more .*cifar.html"):
        load("cifar10")
    make_cifar(tmp_path / "cifar10_subset", "train_4000.bin", "test_1000.bin")
    data = load("cifar10")
    assert data.x_train.shape == (2, 3, 32, 32)
    assert data.flat().x_test.shape == (2, 3072)
    assert data.class_names[3] == "cat"
    make_cifar(tmp_path / "cifar10", *(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin")
    data = load("cifar10")
    assert data.y_train.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert data.y_test.tolist() == [5, 5]
    np.testing.assert_array_equal(data.x_train[:, 2, 31, 31], data.y_train / 255)


def test_an_unfinished_layout_is_the_one_that_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path))
    make_cifar(tmp_path / "cifar10_subset", "train_4000.bin")
    with pytest.raises(DataError, match=r"no test_1000.bin in .*cifar10_subset"):
        load("cifar10")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("mnits", {}, "unknown data set 'mnits': .*strokes, spirals, blobs, mnist, cifar10; did you mean 'mnist'"),
        (7, {}, "unknown data set 7"),
        ("strokes", {"n_train": 0}, "n_train: expected an integer of at least 1, got 0"),
        ("strokes", {"n_test": -3}, "n_test: expected an integer of at least 1, got -3"),
        ("blobs", {"n_test": 1.5}, "n_test: expected an integer"),
        ("blobs", {"seed": -1}, "seed: expected an integer of at least 0, got -1"),
        ("blobs", {"seed": None}, "seed: expected an integer"),
        ("blobs", {"dtype": int}, "dtype: expected float32 or float64"),
    ],
)
def test_bad_arguments(name, options, message):
    with pytest.raises(DataError, match=message):
        load(name, **options)


def test_more_than_the_files_have(tmp_path, monkeypatch):
    make_mnist(tmp_path / "mnist")
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path))
    with pytest.raises(DataError, match="mnist, n_test: the files have 10 examples, 11 were asked for"):
        load("mnist", n_test=11)


def test_homes(tmp_path, monkeypatch):
    assert data_home() == cache_home() == tmp_path / "cache"
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path))
    assert data_home() == tmp_path
    monkeypatch.setenv("MINIDL_DATA", "")
    assert data_home() == tmp_path / "cache"
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"MINIDL_DATA: expected a folder .*nowhere"):
        data_home()


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, "~/.cache/minidl"),
        ("linux", {"XDG_CACHE_HOME": "/elsewhere"}, "/elsewhere/minidl"),
        ("darwin", {}, "~/Library/Caches/minidl"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/minidl"),
        ("linux", {"MINIDL_CACHE": "~/mine"}, "~/mine"),
    ],
)
def test_cache_of_the_platform(monkeypatch, platform, variables, expected):
    monkeypatch.delenv("MINIDL_CACHE")
    monkeypatch.setattr(sys, "platform", platform)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_home() == Path(expected).expanduser()


def test_files_are_known_of_the_downloadable_sets_alone():
    assert NAMES == ("strokes", "spirals", "blobs", "mnist", "cifar10")
    with pytest.raises(DataError, match="no files are known for 'strokes'"):
        locate("strokes")


def test_import_is_light():
    code = "import sys, minidl.data; print(*({'urllib.request', 'tqdm', 'matplotlib', 'numba', 'hypothesis'} & {*sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
