"""The blur beside SciPy's filters with zeros beyond the border, and the predictions made of them."""

import numpy as np
import pytest

from minidl.laws.core import agree
from minidl.vision import blur, boundary, gaussian_kernel, inpaint, smooth

ndimage = pytest.importorskip("scipy.ndimage", reason="SciPy is not installed (pip install 'minidl[peers]')")

SHAPES = [(3, 40, 33), (1, 5, 70), (2, 3, 4)]
BLURS = [(3, 1.0, 1), (11, 5.0, 2), (7, 2.5, 3)]


def passes(planes, kernel, reps):
    for _ in range(reps):
        for axis in (-2, -1):
            planes = ndimage.correlate1d(planes, kernel, axis, mode="constant")
    return planes


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("size", "sigma", "reps"), BLURS)
def test_blur(shape, size, sigma, reps, dtype):
    planes = np.random.default_rng(0).uniform(-1, 1, shape).astype(dtype)
    kernel = gaussian_kernel(size, sigma)
    # weights that sum to 1 and values in [-1, 1]: each of the 2 rho passes rounds a sum of as many terms as there are taps
    agree(blur(planes, kernel, reps), passes(planes, kernel, reps), why="planes", ulps=2 * reps * size, scale=1.0)


@pytest.mark.parametrize("radius", [1, 5, 8])
def test_one_pass_is_the_gaussian_filter(radius):
    planes = np.random.default_rng(1).uniform(-1, 1, (30, 40))
    expected = ndimage.gaussian_filter(planes, 2.0, mode="constant", radius=radius)
    agree(blur(planes, gaussian_kernel(2 * radius + 1, 2.0)), expected, why="planes", ulps=8 * radius, scale=1.0)


def test_inpainter_is_a_normalised_convolution():
    rng = np.random.default_rng(2)
    image, mask, kernel = (
        rng.uniform(-1, 1, (3, 25, 31)),
        (rng.random((25, 31)) < 0.6).astype(float),
        gaussian_kernel(11, 5.0),
    )
    share = 1e-8 * np.array([(image * mask).sum(axis=(1, 2))]).T[..., None]
    expected = (passes(image * mask, kernel, 2) + share) / (passes(mask, kernel, 2) + 1e-8 * mask.sum())
    agree(inpaint(image, mask, kernel), expected, why="prediction", ulps=4 * 4 * 11, scale=1.0)


def test_masks():
    """Four of nine is a convolution; the boundary is what an erosion takes from either side, beyond the border nothing."""
    for seed in range(20):
        mask = np.random.default_rng(seed).random((9, 12)) < 0.6
        counts = ndimage.convolve(mask.astype(int), np.ones((3, 3), int), mode="constant")
        assert np.array_equal(smooth(mask), counts >= 4)
        inner = ndimage.binary_erosion(mask) | ndimage.binary_erosion(~mask)
        assert np.array_equal(boundary(mask), ~inner)
