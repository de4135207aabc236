"""Data sets that are computed, not downloaded: the same seed gives the same data.

(Between machines whose exp and sin differ in the last bit, a pixel can now and then differ by one of 255 grey levels.)

- `strokes`: ten classes of drawn digits, 28x28 pixels: what MNIST is used for, without a file;
- `spirals`: arms of a spiral in the plane: two numbers per example, and no linear model separates them;
- `blobs`: Gaussian clouds around the corners of a polygon: what a linear model is good at.
"""

import numpy as np
from numpy.typing import DTypeLike

from .checks import count, floating, generator, real
from .pen import CLASSES, NOISE, SIDE, draw

_CHUNK = 500  # images drawn at once: a working set of tens of megabytes


def strokes(n: int, *, rng: np.random.Generator, dtype: DTypeLike = np.float64) -> tuple[np.ndarray, np.ndarray]:
    """Draw `n` images of random digits: 0.1 s per thousand or less.

    Hard enough to tell models apart. Of 2000 images, after 8000 to learn from, logistic regression with the best of
    many penalties gets 85 to 88 % right, a residual net of dense layers of width 50 about 95 %, a small convolutional
    net above 99 %.

    The first images of a longer draw from the same seed are those of a shorter one.

    Args:
        n: number of images, at least 1.
        rng: the source of all randomness.
        dtype: float32 or float64.

    Returns:
        images (n, 28, 28) of `dtype` in [0, 1], 0 is background, each value a multiple of 1/255; labels (n,) int64 in
        0..9, each class equally likely.

    Raises:
        DataError: `n`, `rng` or `dtype` is not as above.
    """
    n, rng, dtype = count("n", n), generator(rng), floating(dtype)
    images = np.empty((n, SIDE, SIDE), dtype)
    labels = np.empty(n, np.int64)
    for start in range(0, n, _CHUNK):
        part = slice(start, min(start + _CHUNK, n))
        # An image per row: a generator fills rows in order, so neither n nor the chunk changes what an image gets.
        u = rng.random((part.stop - start, 1 + NOISE))
        labels[part] = (CLASSES * u[:, 0]).astype(np.int64)
        images[part] = draw(labels[part], u[:, 1:]) / dtype.type(255)
    return images, labels


def spirals(
    n: int,
    *,
    rng: np.random.Generator,
    classes: int = 3,
    noise: float = 0.03,
    turns: float = 0.75,
    dtype: DTypeLike = np.float64,
) -> tuple[np.ndarray, np.ndarray]:
    r"""Draw `n` points of interleaved spiral arms, one arm per class.

    A point of class c at the fraction t of its arm, t uniform in [0, 1):

    $$(r \cos\varphi,\ r \sin\varphi) + \text{noise}\cdot\varepsilon,\quad r = 0.1 + 0.9\,t,\quad
      \varphi = 2\pi\,(\text{turns}\cdot t + c / \text{classes})$$

    Args:
        n: number of points, at least 1; the classes' sizes differ by at most one.
        rng: the source of all randomness.
        classes: number of arms, at least 2.
        noise: standard deviation of the normal noise on each coordinate; the arms' outer radius is 1.
        turns: how many times an arm winds around the origin.
        dtype: float32 or float64.

    Returns:
        points (n, 2) of `dtype`, in random order; labels (n,) int64 in 0..classes-1.

    Raises:
        DataError: an argument is not as above.
    """
    n, classes, rng, dtype = count("n", n), count("classes", classes, 2), generator(rng), floating(dtype)
    noise, turns = real("noise", noise), real("turns", turns)
    labels = _balanced_labels(n, classes, rng)
    t = rng.random(n)
    radius, angle = 0.1 + 0.9 * t, 2 * np.pi * (turns * t + labels / classes)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)  # (n, 2)
    return (points + noise * rng.standard_normal((n, 2))).astype(dtype), labels


def blobs(
    n: int, *, rng: np.random.Generator, classes: int = 3, noise: float = 0.25, dtype: DTypeLike = np.float64
) -> tuple[np.ndarray, np.ndarray]:
    r"""Draw `n` points of Gaussian clouds whose centres are the corners of a regular polygon on the unit circle.

    The centre of class c is $(\cos 2\pi c/\text{classes},\ \sin 2\pi c/\text{classes})$: no randomness, so two draws
    are of the same classes.

    Args:
        n: number of points, at least 1; the classes' sizes differ by at most one.
        rng: the source of all randomness.
        classes: number of clouds, at least 2.
        noise: standard deviation of a cloud, the same in every direction.
        dtype: float32 or float64.

    Returns:
        points (n, 2) of `dtype`, in random order; labels (n,) int64 in 0..classes-1.

    Raises:
        DataError: an argument is not as above.
    """
    n, classes, rng, dtype = count("n", n), count("classes", classes, 2), generator(rng), floating(dtype)
    noise = real("noise", noise)
    labels = _balanced_labels(n, classes, rng)
    angle = 2 * np.pi * labels / classes
    centres = np.stack([np.cos(angle), np.sin(angle)], axis=1)  # (n, 2)
    return (centres + noise * rng.standard_normal((n, 2))).astype(dtype), labels


def _balanced_labels(n: int, classes: int, rng: np.random.Generator) -> np.ndarray:
    """Labels 0..classes-1 in random order, as equally often as n allows: (n,) int64."""
    return rng.permutation(np.arange(n, dtype=np.int64) % classes)
