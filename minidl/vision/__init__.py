"""Segmentation of single images without training, by inpainting error maximisation.

    from minidl.vision import read_image, segment

    segment(read_image("flower.jpg")).mask      # (H, W) bool, of any image

Read `inpainting_error` first (the equations and the objective), then `filters` (its blur), `greedy` (the search), `metrics` and
`segmentation` (any image, one or many). The pure functions of these files take images channels first, (C, H, W), in [-1, 1];
`prepared` makes such an image of one with its channels last. `baselines`, `scenes` and `photographs` are what the method
is compared with and tried on.
"""

from minidl.vision.baselines import otsu, two_means
from minidl.vision.filters import blur, gaussian_kernel
from minidl.vision.greedy import boundary, initial_mask, search, search_all, smooth, step
from minidl.vision.images import prepared, read_image, resize_area, resize_nearest, write_image
from minidl.vision.inpainting_error import (
    blurred_total,
    diversity,
    inpaint,
    inpaint_sides,
    inpainting_error,
    objective,
    objective_gradient,
    scaled_diversity_weight,
)
from minidl.vision.metrics import accuracy, dice, iou, miou
from minidl.vision.results import Search, Sides
from minidl.vision.scenes import Scenes, draw_scenes
from minidl.vision.segmentation import Segmentation, segment

__all__ = [
    "Scenes",
    "Search",
    "Segmentation",
    "Sides",
    "accuracy",
    "blur",
    "blurred_total",
    "boundary",
    "dice",
    "diversity",
    "draw_scenes",
    "gaussian_kernel",
    "initial_mask",
    "inpaint",
    "inpaint_sides",
    "inpainting_error",
    "iou",
    "miou",
    "objective",
    "objective_gradient",
    "otsu",
    "prepared",
    "read_image",
    "resize_area",
    "resize_nearest",
    "scaled_diversity_weight",
    "search",
    "search_all",
    "segment",
    "smooth",
    "step",
    "two_means",
    "write_image",
]
