"""What the functions of segmentation return, with the shapes of every field."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Sides(NamedTuple):
    """Each side of a mask predicted from the other, and how much of the other each pixel sees."""

    foreground: np.ndarray  # (C, H, W) the image predicted from the background: where the mask is 1, it is compared
    background: np.ndarray  # (C, H, W) the image predicted from the foreground
    foreground_support: np.ndarray  # (H, W) N^F, the weight of the background around a pixel, epsilon term included
    background_support: np.ndarray  # (H, W) N^B, that of the foreground


class Search(NamedTuple):
    """Where a search ended, and why; of a batch, each field has one entry per image."""

    mask: np.ndarray  # (H, W) bool, 1 = foreground; never empty, never full
    iterations: int  # steps carried out
    fixed: bool  # the last step changed nothing
    cycled: bool  # the search alternates between two masks; `mask` is the one that the last iteration would end on
    collapsed: bool  # a step emptied or filled the mask; `mask` is the one before that step
