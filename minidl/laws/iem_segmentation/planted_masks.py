"""Planted bugs of the start, the boundary and the smoothing."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


# --- the start -----------------------------------------------------------------------------------------------------------
def _inset(height, width, inset):
    mask = np.zeros((height, width), bool)
    a, b = (max(inset(n), 1) for n in (height, width))
    mask[a : height - a, b : width - b] = True
    return mask


@planted("initial_mask")
def a_quarter(ref):
    """A quarter of each side is left free."""
    return lambda height, width: _inset(height, width, lambda n: n // 4)


@planted("initial_mask")
def rounded_up(ref):
    """A fifth, rounded up."""
    return lambda height, width: _inset(height, width, lambda n: -(-n // 5))


@planted("initial_mask")
def last_row_missing(ref):
    """The end counts as included twice: a row and a column are missing."""

    def initial_mask(height, width):
        mask = np.zeros((height, width), bool)
        a, b = max(height // 5, 1), max(width // 5, 1)
        mask[a : height - a - 1, b : width - b - 1] = True
        return mask

    return initial_mask


@planted("initial_mask")
def axes_exchanged(ref):
    """The rows by the width, the columns by the height."""

    def initial_mask(height, width):
        mask = np.zeros((height, width), bool)
        a, b = max(width // 5, 1), max(height // 5, 1)
        mask[a : height - a, b : width - b] = True
        return mask

    return initial_mask


@planted("initial_mask")
def full_when_small(ref):
    """A fifth of a small image is nothing: the mask is the whole image."""

    def initial_mask(height, width):
        mask = np.zeros((height, width), bool)
        mask[height // 5 : height - height // 5, width // 5 : width - width // 5] = True
        return mask

    return initial_mask


@planted("initial_mask")
def integers(ref):
    """Zeros and ones as integers: ~mask is then -1 and -2."""
    return lambda height, width: ref.initial_mask(height, width).astype(np.int64)


# --- the boundary --------------------------------------------------------------------------------------------------------
def _neighbours(padded):
    return (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])


def _edge(mask, neighbours=_neighbours, **padding):
    padded = np.pad(np.asarray(mask, np.int64), 1, **padding)
    return np.any([n != padded[1:-1, 1:-1] for n in neighbours(padded)], axis=0)


@planted("boundary")
def frame_not_counted(ref):
    """Beyond the border lies more of the same: the mask cannot grow from the frame."""
    return lambda mask: _edge(mask, mode="edge")


@planted("boundary")
def background_beyond_the_border(ref):
    """Beyond the border lies background: only foreground touches it."""
    return lambda mask: _edge(mask, constant_values=0)


@planted("boundary")
def foreground_beyond_the_border(ref):
    """Beyond the border lies foreground."""
    return lambda mask: _edge(mask, constant_values=1)


@planted("boundary")
def periodic_boundary(ref):
    """The image is a torus."""
    return lambda mask: _edge(mask, mode="wrap")


@planted("boundary")
def eight_neighbours(ref):
    """Diagonal neighbours count."""

    def around(padded):
        H, W = padded.shape
        return [padded[i : H - 2 + i, j : W - 2 + j] for i in range(3) for j in range(3)]

    return lambda mask: _edge(mask, around, constant_values=2)


@planted("boundary")
def inner_side_only(ref):
    """Only pixels of the foreground: the mask can shrink, but not grow."""
    return lambda mask: ref.boundary(mask) & np.asarray(mask, bool)


@planted("boundary")
def outer_side_only(ref):
    """Only pixels of the background."""
    return lambda mask: ref.boundary(mask) & ~np.asarray(mask, bool)


@planted("boundary")
def rows_only(ref):
    """Only neighbours in the same row."""
    return lambda mask: _edge(mask, lambda p: _neighbours(p)[2:], constant_values=2)


@planted("boundary")
def one_direction(ref):
    """Only the neighbours above and to the left, as differences of arrays give them."""
    return lambda mask: _edge(mask, lambda p: _neighbours(p)[::2], constant_values=2)


# --- smoothing -----------------------------------------------------------------------------------------------------------
def _counted(least, **padding):
    def smooth(mask):
        padded = np.pad(np.asarray(mask, np.int64), 1, **padding)
        return np.lib.stride_tricks.sliding_window_view(padded, (3, 3)).sum(axis=(-2, -1)) >= least

    return smooth


@planted("smooth")
def majority(ref):
    """Five of nine, the majority: corners are rounded off, and two squares meet at none."""
    return _counted(5)


@planted("smooth")
def three_of_nine(ref):
    """Three of nine."""
    return _counted(3)


@planted("smooth")
def more_than_four(ref):
    """More than four instead of at least four."""
    return _counted(4.5)


@planted("smooth")
def repeated_beyond_the_border(ref):
    """The last pixel is repeated beyond the border."""
    return _counted(4, mode="edge")


@planted("smooth")
def mirrored_beyond_the_border(ref):
    """The mask is mirrored at its last pixel."""
    return _counted(4, mode="reflect")


@planted("smooth")
def torus(ref):
    """The mask is a torus."""
    return _counted(4, mode="wrap")


@planted("smooth")
def itself_not_counted(ref):
    """Four of the eight around, without the pixel itself."""

    def smooth(mask):
        mask = np.asarray(mask, np.int64)
        around = np.lib.stride_tricks.sliding_window_view(np.pad(mask, 1), (3, 3)).sum(axis=(-2, -1)) - mask
        return around >= 4

    return smooth


@planted("smooth")
def keeps_what_is_on(ref):
    """Nothing is ever taken away."""
    return lambda mask: ref.smooth(mask) | np.asarray(mask, bool)


@planted("smooth")
def only_takes_away(ref):
    """Nothing is ever filled."""
    return lambda mask: ref.smooth(mask) & np.asarray(mask, bool)


@planted("smooth")
def a_cross(ref):
    """Three of the five of a cross."""

    def smooth(mask):
        p = np.pad(np.asarray(mask, np.int64), 1)
        return p[1:-1, 1:-1] + sum(_neighbours(p)) >= 3

    return smooth


@planted("smooth")
def twice(ref):
    """Smoothed twice."""
    return lambda mask: ref.smooth(ref.smooth(mask))


@planted("smooth")
def not_smoothed(ref):
    """The mask as it is."""
    return lambda mask: np.array(mask, bool)
