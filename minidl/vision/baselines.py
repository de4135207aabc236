r"""What segments an image by its colours alone: Otsu's threshold and 2-means. The measure of what more there is to gain.

Both cut the pixels' colours in two so that the squared distances within the parts are least, as the diversity V does; neither
looks at where a pixel is.

Sources. N. Otsu, "A threshold selection method from gray-level histograms", 1979. S. Lloyd, "Least squares quantization in
PCM", 1982 (k-means).
"""

from __future__ import annotations

import numpy as np

from minidl.vision import border

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601: how bright red, green and blue look


def brightness(image: np.ndarray) -> np.ndarray:
    """The grey image (H, W) of (C, H, W): for C = 3 the weighted mean of BT.601, else the mean over the channels.

    Raises ValueError for an image that is not finite or smaller than 3 x 3.
    """
    image = border.image(image)
    if len(image) == 3:
        return np.tensordot(np.array(LUMA, image.dtype), image, 1)
    return image.mean(axis=0)


def otsu(image: np.ndarray) -> np.ndarray:
    """The pixels above the brightness that splits them into two classes with the least variance within: (H, W) bool.

    Exact: every gap between neighbouring values is tried (no histogram). image: (C, H, W). A constant image gives an empty
    mask. Raises as `brightness`.
    """
    grey = brightness(image)
    value = np.sort(grey.ravel()).astype(np.float64)  # (P,)
    value -= value.mean()
    below = np.arange(1, len(value))  # how many pixels lie below a cut
    total = np.cumsum(value)[:-1]
    between = total**2 * (1 / below + 1 / (len(value) - below))  # what the variance within is less by, the mean being 0
    between[value[1:] == value[:-1]] = -1  # equal values cannot be cut apart
    cut = int(between.argmax())
    if between[cut] <= 0:
        return np.zeros(grey.shape, bool)
    return grey >= np.sort(grey.ravel())[cut + 1]


def two_means(image: np.ndarray) -> np.ndarray:
    """2-means clustering of the colours: (H, W) bool, True for the cluster of the brighter mean.

    Deterministic: Lloyd's iteration from the cuts at the mean across each principal axis; the one with the least squares
    wins. image: (C, H, W). A constant image gives an empty mask. Raises as `brightness`.
    """
    image = border.image(image)
    colours = image.reshape(len(image), -1).T.astype(np.float64)  # (P, C)
    colours = colours - colours.mean(axis=0)
    _, axes = np.linalg.eigh(colours.T @ colours)  # (C, C), a column each
    results = [_lloyd(colours, colours @ axis > 0) for axis in axes.T]
    _, best = min(results, key=lambda result: result[0])
    if best.any() and colours[best].sum() * (~best).sum() < colours[~best].sum() * best.sum():
        best = ~best
    return best.reshape(image.shape[1:])


def _lloyd(colours: np.ndarray, inside: np.ndarray) -> tuple[float, np.ndarray]:
    """Lloyd's iteration from a split (P,): the sum of squares within, and the split that it ends with."""
    while inside.any() and not inside.all():
        a, b = colours[inside].mean(axis=0), colours[~inside].mean(axis=0)  # (C,) each
        nearer = colours @ (2 * (a - b)) > a @ a - b @ b  # |x - a|^2 < |x - b|^2
        if np.array_equal(nearer, inside):
            return float(np.sum(np.square(colours - np.where(inside[:, None], a, b)))), inside
        inside = nearer
    return float(np.sum(np.square(colours))), np.zeros(len(colours), bool)
