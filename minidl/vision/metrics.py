r"""How well a mask agrees with the true one, where nothing says which side is called foreground.

Each number takes the better of the prediction and its complement, independently of the other numbers:

$$ \mathrm{accuracy} = \max_Q \overline{[Q = T]}, \quad \mathrm{IoU} = \max_Q \frac{|Q \wedge T|}{|Q \vee T|}, \quad
   \mathrm{dice} = \max_Q \frac{2 |Q \wedge T|}{|Q| + |T|}, \qquad Q \in \{P, \neg P\}, $$

so that dice = 2 IoU / (1 + IoU), and mIoU is the mean of the IoU with $T$ and of that with $\neg T$. Two empty masks
agree: 0/0 counts as 1.

Source. As `minidl.vision.inpainting_error`, the authors' public program.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minidl.vision import border


def accuracy(prediction: np.ndarray, truth: np.ndarray) -> float | np.ndarray:
    """The part of the pixels on the right side, at least 1/2. prediction, truth: (..., H, W) of zeros and ones.

    Returns a number, or for masks with leading axes an array of that shape. Raises ValueError for entries other than 0 and
    1, for shapes that differ and for masks without pixels.
    """
    prediction, truth = _checked(prediction, truth)
    right = (prediction == truth).mean(axis=(-2, -1))
    return _plain(np.maximum(right, 1 - right))


def iou(prediction: np.ndarray, truth: np.ndarray) -> float | np.ndarray:
    """Intersection over union with the true foreground. Arguments, result and errors as `accuracy`."""
    return _plain(_best(_overlap, *_checked(prediction, truth)))


def miou(prediction: np.ndarray, truth: np.ndarray) -> float | np.ndarray:
    """The mean of the IoU with the true foreground and with the true background. Arguments and errors as `accuracy`."""
    prediction, truth = _checked(prediction, truth)
    return _plain((_best(_overlap, prediction, truth) + _best(_overlap, prediction, ~truth)) / 2)


def dice(prediction: np.ndarray, truth: np.ndarray) -> float | np.ndarray:
    """Twice the intersection over the sum of the areas. Arguments, result and errors as `accuracy`."""
    return _plain(_best(_dice, *_checked(prediction, truth)))


def _best(score: Callable, prediction: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return np.maximum(score(prediction, truth), score(~prediction, truth))


def _overlap(q: np.ndarray, t: np.ndarray) -> np.ndarray:
    return _quotient((q & t).sum(axis=(-2, -1)), (q | t).sum(axis=(-2, -1)))


def _dice(q: np.ndarray, t: np.ndarray) -> np.ndarray:
    return _quotient(2 * (q & t).sum(axis=(-2, -1)), q.sum(axis=(-2, -1)) + t.sum(axis=(-2, -1)))


def _quotient(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.where(whole == 0, 1.0, part / np.maximum(whole, 1))


def _checked(prediction: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    prediction, truth = border.zeros_and_ones(prediction, "prediction"), border.zeros_and_ones(truth, "truth")
    if prediction.shape != truth.shape or prediction.ndim < 2 or prediction.size == 0:
        raise ValueError(
            f"prediction and truth must be masks (..., H, W) of one shape, got {prediction.shape} and {truth.shape}"
        )
    return prediction, truth


def _plain(value: np.ndarray) -> float | np.ndarray:
    return float(value) if np.ndim(value) == 0 else value
