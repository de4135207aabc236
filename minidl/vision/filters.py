r"""The blur $\mathcal K$: rho passes of a separable kernel with zero padding, as matrix products.

One vertical pass with zero padding is the product with the banded Toeplitz matrix $T_{ij} = \kappa_{i-j}$ (H, H); a horizontal
pass is the same from the right. The two act on different sides, so they commute, and rho passes are the rho-th powers:

$$ \mathcal K X = T_H^\rho\, X\, (T_W^\rho)^\top . $$

Matrix products run at the machine's full speed, so this is several times as fast as a filter that slides along the image, as
long as it skips the zeros: a block of rows of the band is multiplied with the rows of X that it reaches.

Away from the border rho passes are one pass with the kernel convolved with itself; at the border they are not, since what a
pass moves beyond the border is lost to the next.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from minidl.vision import border

BLOCK = 32  # rows of the band at a time: fewer cost calls, more cost multiplications by zero


def gaussian_kernel(size: int, sigma: float) -> np.ndarray:
    r"""$\kappa_t \propto e^{-t^2/(2\sigma^2)}$ for $t = -\frac{s-1}2 \ldots \frac{s-1}2$, scaled to the sum 1: (size,) float64.

    size: s, odd; sigma: in pixels. Raises ValueError for a size that is even or < 1 and for sigma <= 0.
    """
    size, sigma = border.count("size", size), border.number("sigma", sigma, positive=True)
    if size % 2 == 0:
        raise ValueError(f"size must be odd, so that the kernel has a centre, got {size}")
    t = np.arange(size) - (size - 1) // 2  # (s,)
    with np.errstate(over="ignore"):  # a tiny sigma: the tails are exactly 0
        kernel = np.exp(-0.5 * np.square(t / sigma))
    return kernel / kernel.sum()


def blur(planes: np.ndarray, kernel: np.ndarray, reps: int = 1) -> np.ndarray:
    """`reps` passes of the kernel down and across each plane, zero padding and the same size at each pass.

    planes: (..., H, W) float32 or float64; kernel: (s,), odd and symmetric. Returns the shape and dtype of planes.
    Raises ValueError for reps < 1, a kernel that is even, negative or not symmetric, and planes that are not finite.
    """
    return blurred(border.planes(planes), border.kernel(kernel), border.count("reps", reps))


def blurred(planes: np.ndarray, kernel: np.ndarray, reps: int) -> np.ndarray:
    """`blur` of checked arguments."""
    reach = reps * (len(kernel) // 2)
    down = blur_matrix(kernel, planes.shape[-2], reps, planes.dtype)  # (H, H)
    across = blur_matrix(kernel, planes.shape[-1], reps, planes.dtype)  # (W, W), symmetric
    half, whole = np.empty_like(planes), np.empty_like(planes)  # (..., H, W)
    for rows, reached in _blocks(planes.shape[-2], reach):
        np.matmul(down[rows, reached], planes[..., reached, :], out=half[..., rows, :])
    for columns, reached in _blocks(planes.shape[-1], reach):
        np.matmul(half[..., reached], across[reached, columns], out=whole[..., columns])
    return whole


def _blocks(n: int, reach: int) -> list[tuple[slice, slice]]:
    """Blocks of an axis of n pixels, and what each block of a band matrix reaches."""
    return [(slice(i, i + BLOCK), slice(max(i - reach, 0), i + BLOCK + reach)) for i in range(0, n, BLOCK)]


def blur_matrix(kernel: np.ndarray, n: int, reps: int, dtype: np.dtype) -> np.ndarray:
    r"""$T^\rho$ (n, n) with $T_{ij} = \kappa_{i-j}$: `reps` passes along an axis of n pixels. Cached, read-only."""
    return _blur_matrix(kernel.astype(np.float64).tobytes(), n, reps, np.dtype(dtype))


@lru_cache(maxsize=16)
def _blur_matrix(taps: bytes, n: int, reps: int, dtype: np.dtype) -> np.ndarray:
    kernel = np.frombuffer(taps)
    offset = np.arange(n)[:, None] - np.arange(n) + len(kernel) // 2  # (n, n)
    inside = (offset >= 0) & (offset < len(kernel))
    once = np.where(inside, kernel[np.clip(offset, 0, len(kernel) - 1)], 0.0)
    matrix = np.linalg.matrix_power(once, reps).astype(dtype)
    matrix.flags.writeable = False
    return matrix
