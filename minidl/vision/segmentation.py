"""Segmenting images as people have them: any size, grey or colour, integers or floats, one or many.

    from minidl.vision import segment
    from minidl.vision.images import read_image, write_image

    found = segment(read_image("flower.jpg"))
    write_image("mask.png", found.mask)             # True where the object is (or its complement: nobody says which)

The image is shrunk to the size for which the method's constants are meant, searched, and the mask enlarged again. The steps
by themselves are `prepared`, `initial_mask`, `search` and `resize_nearest`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl.implementations import implementation
from minidl.vision import border, greedy
from minidl.vision.filters import gaussian_kernel
from minidl.vision.greedy import initial_mask
from minidl.vision.images import channels_last, prepared, resize_nearest
from minidl.vision.inpainting_error import diversity, inpainting_error, scaled_diversity_weight
from minidl.vision.results import Search


@dataclass(frozen=True, eq=False)
class Segmentation:
    """One image's mask, and how it was found.

    Attributes:
        mask: (H, W) bool, the size of the image; neither empty nor full. The method does not know which side is the object:
            True is the side that the start lay in.
        working_mask: (h, w) bool, the mask that was searched, at the size of the shrunk image.
        ended: why the search ended, one of "fixed point", "cycle" (two masks alternate), "collapse" (a step would have
            emptied or filled the mask; this is the mask before), "iterations" (none left: raise iters), "constant image"
            (one colour only: no pixel has a reason to move, and the mask is the start).
        iterations: steps carried out.
        inpainting_error, diversity, objective: I, V and J = I - diversity_weight V of working_mask.
        start_objective: J of the start.
        diversity_weight: the lambda used.
    """

    mask: np.ndarray
    working_mask: np.ndarray
    ended: str
    iterations: int
    inpainting_error: float
    diversity: float
    objective: float
    start_objective: float
    diversity_weight: float

    def __repr__(self) -> str:
        height, width = self.mask.shape
        return (
            f"Segmentation({height} x {width}, {self.mask.mean():.1%} foreground, J {self.start_objective:.4f} -> "
            f"{self.objective:.4f} in {self.iterations} steps, ended by {self.ended})"
        )


def segment(
    image: Any,
    *,
    longest_side: int | None = 128,
    resize: str = "nearest",
    value_range: tuple[float, float] | None = None,
    start: np.ndarray | None = None,
    iters: int = 150,
    size: int = 11,
    sigma: float = 5.0,
    reps: int = 2,
    diversity_weight: float | None = None,
    grad_tol: float = 1e-12,
    dtype: Any = np.float64,
    impl: str = "reference",
) -> Segmentation | list[Segmentation]:
    """Split an image into foreground and background: a Segmentation; of a batch, a list of them.

    image: one image (H, W) or (H, W, C), C = 1 grey, 2 grey and alpha, 3 colour, 4 colour and alpha; or a batch, as an
        array (N, H, W, C) or a list of images of any sizes. bool, integers or floats; see value_range.
    longest_side: larger images are shrunk to it, smaller ones kept; None: never shrink (time grows with the pixels).
    resize: "nearest", as the authors do, or "area" (means).
    value_range: the values of black and white. None: False and True, the range of uint8 or uint16, 0 and 255 for other
        integers, 0 and 1 for floats.
    start: (H, W) of zeros and ones, for one image: where the search begins; None: the centred rectangle.
    iters, size, sigma, reps: steps at most, and the blur (taps, standard deviation in pixels, passes).
    diversity_weight: lambda; None: `scaled_diversity_weight`, 0.001 for 128 x 128 in colour.
    grad_tol: gradients up to this size move nothing (0: the authors' rule, under which a flat part of an image follows
        rounding errors). dtype: float64 or float32 for the search.
    impl: "reference" (NumPy), which for a photograph or two is done before a compiler has started, or "kernels" (Numba),
        for many images.

    Raises ValueError or TypeError for images that are empty, smaller than 3 x 3, not finite, out of range, of another
    shape, or a start that is empty or full; the message says what came. A constant image is no error: see Segmentation.
    """
    search_all = implementation(impl, reference=greedy, kernels="minidl_kernels.filters").search_all
    images, single = _images(image)
    if start is not None and not single:
        raise ValueError(f"start belongs to one image, got {len(images)}: segment them one by one")
    kernel = gaussian_kernel(size, sigma)
    reps, iters = border.count("reps", reps), border.count("iters", iters, 0)
    grad_tol = border.number("grad_tol", grad_tol)
    settings = dict(longest_side=longest_side, resize=resize, value_range=value_range, dtype=dtype)
    tasks = [_task(one, settings, start, diversity_weight) for one in images]
    found = {i: _found(task, None, kernel, reps) for i, task in enumerate(tasks) if task.constant}
    for alike in _searched_together(tasks):
        pixels, starts = (np.stack([getattr(tasks[i], name) for i in alike]) for name in ("pixels", "start"))
        ends = search_all(pixels, starts, kernel, reps, tasks[alike[0]].weight, iters, grad_tol)
        found |= {i: _found(tasks[i], Search(*end), kernel, reps) for i, *end in zip(alike, *ends, strict=True)}
    return found[0] if single else [found[i] for i in range(len(tasks))]


@dataclass
class _Task:
    shape: tuple[int, int]  # of the image as it came
    pixels: np.ndarray  # (C, h, w)
    start: np.ndarray  # (h, w) bool
    weight: float

    @property
    def constant(self) -> bool:
        """Whether there is one colour only, up to rounding."""
        return bool(np.ptp(self.pixels, axis=(1, 2)).max() <= 64 * np.finfo(self.pixels.dtype).eps)


def _images(image: Any) -> tuple[list[np.ndarray], bool]:
    """The images as (H, W, C) each, and whether it was one image and no batch."""
    batch = isinstance(image, list | tuple) and all(isinstance(one, np.ndarray) and one.ndim >= 2 for one in image)
    if not batch and np.ndim(image) != 4:
        return [channels_last(image)], True
    if not len(image):
        raise ValueError("a batch needs at least one image, got none")
    return [channels_last(one) for one in image], False


def _task(image: np.ndarray, settings: dict[str, Any], start: Any, weight: float | None) -> _Task:
    pixels = prepared(image, **settings)
    channels, height, width = pixels.shape
    if start is None:
        mask = initial_mask(height, width)
    else:
        mask = border.binary(start, "start")
        if mask.shape != image.shape[:2]:
            raise ValueError(f"start must be {image.shape[:2]}, the size of the image, got shape {mask.shape}")
        mask = resize_nearest(mask, height, width)
        border.soft_mask(mask, pixels, "start, shrunk with the image,")
    if weight is None:
        weight = scaled_diversity_weight(height, width, channels)
    return _Task(image.shape[:2], pixels, mask, border.number("diversity_weight", weight))


def _searched_together(tasks: list[_Task]) -> list[list[int]]:
    """The numbers of the tasks of one size and weight, constant images left out."""
    groups: dict[tuple, list[int]] = {}
    for i, task in enumerate(tasks):
        if not task.constant:
            groups.setdefault((task.pixels.shape, task.weight), []).append(i)
    return list(groups.values())


def _found(task: _Task, end: Search | None, kernel: np.ndarray, reps: int) -> Segmentation:
    """end: how the search ended, None for a constant image, which is not searched."""
    mask = task.start if end is None else np.asarray(end.mask, bool)
    values = [(inpainting_error(task.pixels, m, kernel, reps), diversity(task.pixels, m)) for m in (task.start, mask)]
    start_objective, objective = (error - task.weight * spread for error, spread in values)
    return Segmentation(
        mask=resize_nearest(mask, *task.shape),
        working_mask=mask,
        ended=_ending(end),
        iterations=0 if end is None else int(end.iterations),
        inpainting_error=values[1][0],
        diversity=values[1][1],
        objective=objective,
        start_objective=start_objective,
        diversity_weight=task.weight,
    )


def _ending(end: Search | None) -> str:
    if end is None:
        return "constant image"
    flags = {"fixed point": end.fixed, "cycle": end.cycled, "collapse": end.collapsed}
    return next((name for name, flag in flags.items() if flag), "iterations")
