"""Masks of a search: the boundary, the smoothing, and a step once its gradient is known."""

from __future__ import annotations

import numpy as np
from numba import njit

_loop = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})


@_loop
def boundary(mask):
    H, W = mask.shape
    edge = np.ones((H, W), np.bool_)
    for i in range(1, H - 1):
        above, here, below, out = mask[i - 1], mask[i], mask[i + 1], edge[i]
        for j in range(1, W - 1):
            m = here[j]
            out[j] = (above[j] != m) | (below[j] != m) | (here[j - 1] != m) | (here[j + 1] != m)
    return edge


@_loop
def smooth(mask):
    H, W = mask.shape
    out, column = np.empty((H, W), np.bool_), np.zeros(W + 2, np.uint8)
    for i in range(H):
        for j in range(W):
            column[j + 1] = np.uint8(mask[i, j])
        if i > 0:
            for j in range(W):
                column[j + 1] += np.uint8(mask[i - 1, j])
        if i < H - 1:
            for j in range(W):
                column[j + 1] += np.uint8(mask[i + 1, j])
        for j in range(W):
            out[i, j] = column[j] + column[j + 1] + column[j + 2] >= 4
    return out


@_loop
def moved_mask(mask, slope, tolerance):
    edge, moved = boundary(mask), np.empty_like(mask)
    H, W = mask.shape
    for i in range(H):
        for j in range(W):
            moving = edge[i, j] and abs(slope[i, j]) > tolerance
            moved[i, j] = slope[i, j] > 0 if moving else mask[i, j]
    return smooth(moved)
