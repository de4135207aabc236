"""Data to learn from: built in, read from files, or downloaded.

    from minidl import data
    digits = data.load("strokes", n_train=8000, n_test=2000, seed=0)    # drawn, no file needed
    digits.x_train.shape                                                # (8000, 28, 28)
    digits.flat().x_train.shape                                         # (8000, 784)

Everything that can go wrong for a user raises `DataError`, whose message says what to do.
"""

from .dataset import NAMES, Dataset, load
from .errors import DataError
from .fetch import get
from .formats import read_cifar10, read_idx, write_idx
from .paths import cache_home, data_home, locate
from .procedural import blobs, spirals, strokes

__all__ = [
    "NAMES",
    "DataError",
    "Dataset",
    "blobs",
    "cache_home",
    "data_home",
    "get",
    "load",
    "locate",
    "read_cifar10",
    "read_idx",
    "spirals",
    "strokes",
    "write_idx",
]
