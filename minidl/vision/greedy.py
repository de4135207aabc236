r"""The search for the mask: greedy, projected, and restricted to the boundary, with a smoothing rule after each step.

One step: $G = \nabla J(M)$; every pixel of the boundary takes the value that its sign asks for, all at once and without a step
size (a projection onto {0, 1}); then each pixel of the image becomes 1 iff at least four of the nine around it are.

$$ M \leftarrow \mathcal S\bigl(M \text{ with } M_{ij} = \mathbf 1[G_{ij} > 0] \text{ on } \partial M \cap \{G \ne 0\}\bigr) $$

The boundary $\partial M$ has every pixel with a 4-neighbour on the other side. Beyond the border there is neither side, so the
frame of the image always belongs to it: the mask can grow from the frame. Four of nine, not the majority of five: straight
edges and corners stay, single pixels and lines of width one vanish, and the rule leans towards the foreground.

There is no line search and no memory of the best mask, and J may fall: masks that alternate for ever exist. Deviations
from the authors' program: the search stops at a fixed point, at a pair of masks that alternate (returning the one that
running on would have ended with), and before a mask without foreground or without background, where the program's areas are 0
and its numbers NaN.

Source. As `minidl.vision.inpainting_error`.
"""

from __future__ import annotations

import numpy as np

from minidl.vision import border
from minidl.vision.inpainting_error import DEFAULT_WEIGHT, blurred_total, gradient, objective_gradient
from minidl.vision.results import Search


def initial_mask(height: int, width: int) -> np.ndarray:
    r"""The centred rectangle from $\lfloor n/5 \rfloor$ to $n - \lfloor n/5 \rfloor - 1$ on both axes: (H, W) bool.

    Where both sides are 3 or 4 that would be the whole image, and it begins at 1 instead. Raises ValueError for sides below 3.
    """
    sides = border.count("height", height, border.SMALLEST_SIDE), border.count("width", width, border.SMALLEST_SIDE)
    least = 1 if max(sides) < 5 else 0
    mask = np.zeros(sides, bool)
    mask[tuple(slice(inset, n - inset) for n in sides for inset in [max(n // 5, least)])] = True
    return mask


def boundary(mask: np.ndarray) -> np.ndarray:
    """The pixels with a 4-neighbour on the other side, and the whole frame of the image. mask: (H, W); returns (H, W) bool.

    Raises ValueError for entries other than 0 and 1 and for sides below 3.
    """
    return _boundary(border.binary(mask))


def smooth(mask: np.ndarray) -> np.ndarray:
    """1 where at least four of the nine pixels around (itself among them, zeros beyond the border) are 1: (H, W) bool.

    mask: (H, W). Raises as `boundary`.
    """
    return _smooth(border.binary(mask))


def step(
    image: np.ndarray,
    mask: np.ndarray,
    kernel: np.ndarray,
    reps: int = 2,
    diversity_weight: float = DEFAULT_WEIGHT,
    grad_tol: float = 0.0,
    total: np.ndarray | None = None,
) -> np.ndarray:
    """One step of the search: the mask after it, (H, W) bool, which may be empty or full.

    image: (C, H, W); mask: (H, W) of zeros and ones, neither empty nor full; kernel: (s,). grad_tol: pixels whose gradient
    is at most this in size stay as they are; 0 is the authors' rule, which on a constant image follows rounding errors.
    total: as in `inpaint_sides`. Raises as `objective_gradient`.
    """
    mask, tolerance = border.binary(mask), border.number("grad_tol", grad_tol)
    return _moved(mask, objective_gradient(image, mask, kernel, reps, diversity_weight, total), tolerance)


def search(
    image: np.ndarray,
    mask: np.ndarray,
    kernel: np.ndarray,
    reps: int = 2,
    diversity_weight: float = DEFAULT_WEIGHT,
    iters: int = 150,
    grad_tol: float = 0.0,
) -> Search:
    """At most `iters` steps from a mask; fewer where they would change nothing more.

    image: (C, H, W); mask: (H, W) of zeros and ones, neither empty nor full; kernel: (s,); the rest as in `step`.
    Returns Search: the mask (H, W) bool, the number of steps, and how it ended. With iters steps and no early end all
    three flags are False. Raises as `step`, and for iters < 0.
    """
    image, mask, kernel = border.image(image), border.binary(mask), border.kernel(kernel)
    border.soft_mask(mask, image)
    reps, iters = border.count("reps", reps), border.count("iters", iters, 0)
    weight, tolerance = border.number("diversity_weight", diversity_weight), border.number("grad_tol", grad_tol)
    total = blurred_total(image, kernel, reps)
    before = None
    for t in range(1, iters + 1):
        after = _moved(mask, gradient(image, mask.astype(image.dtype), kernel, reps, weight, total), tolerance)
        if not after.any() or after.all():
            return Search(mask, t, fixed=False, cycled=False, collapsed=True)
        if np.array_equal(after, mask):
            return Search(after, t, fixed=True, cycled=False, collapsed=False)
        if before is not None and np.array_equal(after, before):
            last = after if (iters - t) % 2 == 0 else mask
            return Search(last, t, fixed=False, cycled=True, collapsed=False)
        before, mask = mask, after
    return Search(mask, iters, fixed=False, cycled=False, collapsed=False)


def search_all(
    images: np.ndarray,
    masks: np.ndarray,
    kernel: np.ndarray,
    reps: int = 2,
    diversity_weight: float = DEFAULT_WEIGHT,
    iters: int = 150,
    grad_tol: float = 0.0,
) -> Search:
    """`search` on N images of one size, (N, C, H, W), from N masks (N, H, W): each field of Search with a first axis N."""
    images, masks = np.asarray(images), np.asarray(masks)
    if images.ndim != 4 or len(images) == 0 or masks.shape[:1] != images.shape[:1]:
        raise ValueError(f"images must be (N, C, H, W) and masks (N, H, W), got shapes {images.shape}, {masks.shape}")
    ends = [
        search(image, mask, kernel, reps, diversity_weight, iters, grad_tol)
        for image, mask in zip(images, masks, strict=True)
    ]
    return Search(*(np.array(field) for field in zip(*ends, strict=True)))


def _moved(mask: np.ndarray, gradient: np.ndarray, tolerance: float) -> np.ndarray:
    moving = _boundary(mask) & (np.abs(gradient) > tolerance)  # (H, W)
    return _smooth(np.where(moving, gradient > 0, mask))


def _boundary(mask: np.ndarray) -> np.ndarray:
    edge = np.ones(mask.shape, bool)  # the frame
    core = mask[1:-1, 1:-1]
    edge[1:-1, 1:-1] = (
        (mask[:-2, 1:-1] != core) | (mask[2:, 1:-1] != core) | (mask[1:-1, :-2] != core) | (mask[1:-1, 2:] != core)
    )
    return edge


def _smooth(mask: np.ndarray) -> np.ndarray:
    padded = np.pad(mask.astype(np.uint8), 1)  # (H + 2, W + 2)
    rows = padded[:-2] + padded[1:-1] + padded[2:]  # (H, W + 2)
    return rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:] >= 4
