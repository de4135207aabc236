r"""Segmentation by inpainting error maximisation: the objective and its gradient.

Claim. Split the pixels of one image into two sets such that neither helps to predict the other, and you have separated
an object from its background: without labels, without training, with a blur as the only model of images.

Equations. The coefficient of constraint of foreground $F$ and background $B$ is their mutual information, scaled,

$$ C(F, B) = I(F, B) \Bigl(\tfrac1{H(F)} + \tfrac1{H(B)}\Bigr) = 2 - \frac{H(F\mid B)}{H(F)} - \frac{H(B\mid F)}{H(B)}
   \in [0, 2] . $$

To make it small is to make both ratios large. With Laplace errors $H(F\mid B)$ becomes the l1 error of predicting F from
B, and $H(F)$ is replaced by the area of F. The predictor is a normalised convolution: for visible pixels $m$,

$$ \psi(X, m)_c = \frac{\mathcal K(X_c m) + \epsilon \sum X_c m}{\mathcal K(m) + \epsilon \sum m} , $$

a weighted mean of the visible pixels around, and where none is in reach, of all visible pixels. With $\psi^F = \psi(X, \bar
M)$, $\psi^B = \psi(X, M)$, $e = \frac1C \sum_c |X - \psi|_c$, and the areas $f = \sum M$, $b = \sum \bar M$:

$$ I(M) = \frac{\sum M e^F}{f} + \frac{\sum \bar M e^B}{b}, \qquad
   V(M) = \sum_{c} \Bigl[\sum M (X_c - \mu^F_c)^2 + \sum \bar M (X_c - \mu^B_c)^2\Bigr], \qquad
   J(M) = I(M) - \lambda V(M) \to \max . $$

V, a within-class sum of squares, breaks the symmetry between masks whose sides are equally unpredictable. The gradient, M
taken as real numbers, through areas, means and both predictions ($\mathcal K$ is self-adjoint; $\mathcal A z = \mathcal K z +
\epsilon \sum z$; $N^F, N^B$ are the denominators of $\psi$; $\mathrm{sign}(0) = 0$):

$$ r^F_c = \frac{M\, \mathrm{sign}(\psi^F_c - X_c)}{C f N^F}, \qquad
   r^B_c = \frac{\bar M\, \mathrm{sign}(\psi^B_c - X_c)}{C b N^B}, \qquad r = r^B - r^F, $$
$$ \nabla I = \frac{e^F}{f} - \frac{\sum M e^F}{f^2} - \frac{e^B}{b} + \frac{\sum \bar M e^B}{b^2}
   + \sum_c X_c\, \mathcal A r_c - \mathcal A \sum_c \bigl(r^B_c \psi^B_c - r^F_c \psi^F_c\bigr), $$
$$ \nabla V = \sum_c (X_c - \mu^F_c)^2 - \sum_c (X_c - \mu^B_c)^2 . $$

Notation. $X$: image (C, H, W), float64 or float32, meant to lie in [-1, 1]. $M$: mask (H, W), 1 = foreground, $\bar M = 1 -
M$; the search has it binary, the functions of this file take anything in [0, 1]. $\mathcal K$: `minidl.vision.filters`, kernel
(s,) and rho passes (`reps`). $\lambda$: `diversity_weight`, 0.001 for images in [-1, 1] of 128 x 128 pixels; V is a sum over
pixels, so other sizes need other weights (`scaled_diversity_weight`). $\epsilon = 10^{-8}$ is part of the method: a pixel
deeper inside its region than the reach $\rho(s-1)/2$ sees visible pixels only through it.

Source. Savarese, Kim, Maire, Shakhnarovich, McAllester, "Information-Theoretic Segmentation by Inpainting Error
Maximization", CVPR 2021, arXiv:2012.07287, and the authors' public program, which this follows in every number: each error is
divided by the area of the region that it lies in, V is summed over pixels and channels, epsilon is added after blurring.
Left out: pooling before the blur, and the network trained on the masks of a data set.
"""

from __future__ import annotations

import numpy as np

from minidl.vision import border
from minidl.vision.filters import blurred
from minidl.vision.results import Sides

EPSILON = 1e-8
DEFAULT_WEIGHT, DEFAULT_SIDE = 0.001, 128  # the authors' lambda, and the size of image that it belongs to


# --- prediction --------------------------------------------------------------------------------------------------------
def inpaint(image: np.ndarray, mask: np.ndarray, kernel: np.ndarray, reps: int = 2) -> np.ndarray:
    r"""$\psi(X, m)$: every pixel predicted from the pixels that the mask shows, by normalised convolution.

    image: (C, H, W); mask: (H, W) in [0, 1], 1 = visible (pixels it hides are not looked at); kernel: (s,). Returns
    (C, H, W), between the smallest and the largest visible value of each channel.
    Raises ValueError for an image that is not finite or smaller than 3 x 3, a mask of another size, empty or full,
    a bad kernel, reps < 1.
    """
    image, mask, kernel, reps = _checked(image, mask, kernel, reps)
    return _normalised(*_visible(image, mask, kernel, reps))[0]


def blurred_total(image: np.ndarray, kernel: np.ndarray, reps: int = 2) -> np.ndarray:
    """The blurred image and, as one more channel, the blurred constant 1: (C + 1, H, W).

    The blur is linear, so what one side of a mask sends is this minus what the other side sends; an image's search
    needs it once. Raises as `inpaint`.
    """
    image, kernel, reps = border.image(image), border.kernel(kernel), border.count("reps", reps)
    return _total(image, kernel, reps)


def inpaint_sides(
    image: np.ndarray, mask: np.ndarray, kernel: np.ndarray, reps: int = 2, total: np.ndarray | None = None
) -> Sides:
    r"""$\psi^F = \psi(X, \bar M)$ and $\psi^B = \psi(X, M)$ with their denominators $N^F$ and $N^B$.

    image: (C, H, W); mask: (H, W) in [0, 1], 1 = foreground; kernel: (s,). total: what `blurred_total` gives for this
    image, kernel and reps; it saves half of the work and costs one rounding at the size of the blurred image.
    Returns Sides. Raises as `inpaint`, and for a total of another shape.
    """
    image, mask, kernel, reps = _checked(image, mask, kernel, reps)
    return _sides(image, mask, kernel, reps, _checked_total(total, image))


# --- the objective -----------------------------------------------------------------------------------------------------
def inpainting_error(image: np.ndarray, mask: np.ndarray, kernel: np.ndarray, reps: int = 2) -> float:
    """I(M): the mean absolute error inside the mask predicted from outside, plus that outside predicted from inside.

    image: (C, H, W); mask: (H, W) in [0, 1]; kernel: (s,). Returns a number in [0, 2 (max X - min X)]. Raises as `inpaint`.
    """
    image, mask, kernel, reps = _checked(image, mask, kernel, reps)
    sides = _sides(image, mask, kernel, reps, None)
    means = [
        (side * np.abs(image - prediction).mean(axis=0)).sum() / side.sum()
        for side, prediction in ((mask, sides.foreground), (1 - mask, sides.background))
    ]
    return float(sum(means))


def diversity(image: np.ndarray, mask: np.ndarray) -> float:
    """V(M): squared distances of the pixels from the mean colour of their region, summed over pixels and channels.

    image: (C, H, W); mask: (H, W) in [0, 1]. Returns a number >= 0. Raises as `inpaint`.
    """
    image = border.image(image)
    mask = border.soft_mask(mask, image)
    return float(sum((side * np.square(image - _mean(image, side)[:, None, None])).sum() for side in (mask, 1 - mask)))


def objective(
    image: np.ndarray, mask: np.ndarray, kernel: np.ndarray, reps: int = 2, diversity_weight: float = DEFAULT_WEIGHT
) -> float:
    r"""$J(M) = I(M) - \lambda V(M)$, to be maximised. Arguments and errors as `inpaint`; diversity_weight >= 0."""
    weight = border.number("diversity_weight", diversity_weight)
    return inpainting_error(image, mask, kernel, reps) - weight * diversity(image, mask)


def objective_gradient(
    image: np.ndarray,
    mask: np.ndarray,
    kernel: np.ndarray,
    reps: int = 2,
    diversity_weight: float = DEFAULT_WEIGHT,
    total: np.ndarray | None = None,
) -> np.ndarray:
    r"""$\nabla J(M)$, the mask taken as real numbers: (H, W) in the dtype of the image.

    image: (C, H, W); mask: (H, W) in [0, 1]; kernel: (s,); diversity_weight >= 0; total: as in `inpaint_sides`.
    Raises as `inpaint`.
    """
    image, mask, kernel, reps = _checked(image, mask, kernel, reps)
    weight = border.number("diversity_weight", diversity_weight)
    return gradient(image, mask, kernel, reps, weight, _checked_total(total, image))


def scaled_diversity_weight(height: int, width: int, channels: int = 3, span: float = 2.0) -> float:
    r"""The $\lambda$ that weighs V as 0.001 does on colour images of 128 x 128 pixels in [-1, 1].

    V grows with the number of pixels and of channels and with the square of the range of values (span), I with the range:
    $\lambda = 0.001 \cdot \frac{128^2}{HW} \cdot \frac3C \cdot \frac2{\mathrm{span}}$. Raises ValueError for sizes below 1
    and span <= 0.
    """
    pixels = border.count("height", height) * border.count("width", width)
    colours, span = 3 / border.count("channels", channels), border.number("span", span, positive=True)
    return DEFAULT_WEIGHT * DEFAULT_SIDE**2 / pixels * colours * (2 / span)


# --- of checked arguments ----------------------------------------------------------------------------------------------
def gradient(
    image: np.ndarray, mask: np.ndarray, kernel: np.ndarray, reps: int, weight: float, total: np.ndarray | None
) -> np.ndarray:
    """`objective_gradient` of checked arguments: what the search calls in its loop."""
    sides = _sides(image, mask, kernel, reps, total)
    hidden = 1 - mask
    by_area_f, r_f = _cotangents(image, mask, sides.foreground, sides.foreground_support)
    by_area_b, r_b = _cotangents(image, hidden, sides.background, sides.background_support)
    # The adjoint is linear too: blurring the difference of the sides is half the work of blurring both.
    adjoint = _with_sum(np.subtract(r_b, r_f, out=r_b), kernel, reps)  # (C + 1, H, W)
    by_prediction = np.einsum("chw,chw->hw", image, adjoint[:-1]) - adjoint[-1]

    # |X - mu^F|^2 - |X - mu^B|^2 = (mu^B - mu^F) . (2 X - mu^F - mu^B), one plane instead of two differences of squares
    mu_f, mu_b = _mean(image, mask), _mean(image, hidden)  # (C,) each
    by_colour = np.tensordot(2 * (mu_b - mu_f), image, 1) - (mu_b - mu_f) @ (mu_b + mu_f)  # (H, W)
    return by_area_f - by_area_b + by_prediction - image.dtype.type(weight) * by_colour


def _cotangents(
    image: np.ndarray, side: np.ndarray, prediction: np.ndarray, support: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    r"""Of the mean error of one side: its gradient by the side, the prediction held fixed: (H, W); and by what was blurred.

    The latter is (C + 1, H, W): $r_c$, by the channels of the visible image, and last $\sum_c r_c \psi_c$, less by the mask.
    """
    off, area = prediction - image, side.sum()
    error = np.abs(off).sum(axis=0) / len(image)  # (H, W)
    planes = np.empty((len(image) + 1, *side.shape), image.dtype)
    r = np.sign(off, out=planes[:-1])
    r *= side / (len(image) * area * support)
    np.einsum("chw,chw->hw", r, prediction, out=planes[-1])
    return error / area - (side * error).sum() / area**2, planes


def _mean(image: np.ndarray, side: np.ndarray) -> np.ndarray:
    return np.tensordot(image, side, 2) / side.sum()  # (C,)


def _with_sum(planes: np.ndarray, kernel: np.ndarray, reps: int) -> np.ndarray:
    r"""$\mathcal A z = \mathcal K z + \epsilon \sum z$, plane by plane."""
    return _plus(blurred(planes, kernel, reps), planes.sum(axis=(1, 2)))


def _plus(blurred_planes: np.ndarray, sums: np.ndarray) -> np.ndarray:
    blurred_planes += EPSILON * sums[:, None, None]
    return blurred_planes


def _visible(image: np.ndarray, mask: np.ndarray, kernel: np.ndarray, reps: int) -> tuple[np.ndarray, np.ndarray]:
    """The visible image and the mask as C + 1 planes: blurred (C + 1, H, W), and their sums (C + 1,)."""
    planes = np.empty((len(image) + 1, *mask.shape), image.dtype)
    np.multiply(image, mask, out=planes[:-1])
    planes[-1] = mask
    return blurred(planes, kernel, reps), planes.sum(axis=(1, 2))


def _normalised(smooth: np.ndarray, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The quotient of the planes by the last of them, and that last plane, epsilon terms added. Writes into smooth."""
    planes = _plus(smooth, sums)  # (C + 1, H, W)
    planes[:-1] /= planes[-1]
    return planes[:-1], planes[-1]


def _sides(image: np.ndarray, mask: np.ndarray, kernel: np.ndarray, reps: int, total: np.ndarray | None) -> Sides:
    from_f, sums_f = _visible(image, mask, kernel, reps)
    if total is None:
        from_b, sums_b = _visible(image, 1 - mask, kernel, reps)
    else:
        from_b, sums_b = total - from_f, np.append(image.sum(axis=(1, 2)), image.dtype.type(mask.size)) - sums_f
        # Out of reach of the background, the difference of two equal sums is a rounding error, and it must be 0.
        within_reach = from_b[-1] > 8 * np.finfo(image.dtype).eps * total[-1]  # (H, W)
        from_b *= within_reach.astype(image.dtype)
    background, background_support = _normalised(from_f, sums_f)
    foreground, foreground_support = _normalised(from_b, sums_b)
    return Sides(foreground, background, foreground_support, background_support)


def _total(image: np.ndarray, kernel: np.ndarray, reps: int) -> np.ndarray:
    return _visible(image, np.ones(image.shape[1:], image.dtype), kernel, reps)[0]


def _checked(
    image: np.ndarray, mask: np.ndarray, kernel: np.ndarray, reps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    image = border.image(image)
    return image, border.soft_mask(mask, image), border.kernel(kernel), border.count("reps", reps)


def _checked_total(total: np.ndarray | None, image: np.ndarray) -> np.ndarray | None:
    if total is None:
        return None
    total, shape = np.asarray(total), (len(image) + 1, *image.shape[1:])
    if total.shape != shape:
        raise ValueError(f"total must be {shape}, what blurred_total gives for this image, got shape {total.shape}")
    border.finite(total, "total")
    return total.astype(image.dtype, copy=False)
