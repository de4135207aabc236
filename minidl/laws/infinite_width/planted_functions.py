"""Planted bugs of piecewise-linear functions: values and norms."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


# --- values ------------------------------------------------------------------------------------------------------------
@planted("spline_value")
def ends_held(ref):
    """Beyond the outermost knots the value stays, as np.interp has it."""

    def spline_value(x, knots, slopes, anchor_x, anchor_y):
        inside = np.clip(x, knots[0], knots[-1]) if len(knots) else x
        return ref.spline_value(inside, knots, slopes, anchor_x, anchor_y)

    return spline_value


@planted("spline_value")
def anchor_at_the_first_knot(ref):
    """The anchor's value is taken to be that of the first knot."""

    def spline_value(x, knots, slopes, anchor_x, anchor_y):
        return ref.spline_value(x, knots, slopes, knots[0] if len(knots) else anchor_x, anchor_y)

    return spline_value


@planted("spline_value")
def anchor_at_zero(ref):
    """The anchor's value is taken to be f(0)."""
    return lambda x, knots, slopes, anchor_x, anchor_y: ref.spline_value(x, knots, slopes, 0.0, anchor_y)


@planted("spline_value")
def anchor_value_forgotten(ref):
    """The function is 0 at the anchor."""
    return lambda x, knots, slopes, anchor_x, anchor_y: ref.spline_value(x, knots, slopes, anchor_x, 0.0)


@planted("spline_value")
def anchor_value_subtracted(ref):
    """The anchor's value is subtracted."""
    return lambda x, knots, slopes, anchor_x, anchor_y: ref.spline_value(x, knots, slopes, anchor_x, -anchor_y)


@planted("spline_value")
def slopes_in_reverse(ref):
    """The slopes are read from right to left."""
    return lambda x, knots, slopes, anchor_x, anchor_y: ref.spline_value(x, knots, slopes[::-1], anchor_x, anchor_y)


@planted("spline_value")
def last_slope_ignored(ref):
    """The last piece has the slope of the one before."""

    def spline_value(x, knots, slopes, anchor_x, anchor_y):
        last = slopes[-2:-1] if len(slopes) > 1 else slopes
        return ref.spline_value(x, knots, np.append(slopes[:-1], last), anchor_x, anchor_y)

    return spline_value


@planted("spline_value")
def a_line_from_the_anchor(ref):
    """The slope at x times the whole way from the anchor: knots in between are overlooked."""

    def spline_value(x, knots, slopes, anchor_x, anchor_y):
        return anchor_y + slopes[np.searchsorted(knots, x)] * (x - anchor_x)

    return spline_value


@planted("spline_value")
def bends_at_the_right_of_the_anchor(ref):
    """Only bends right of the anchor are counted: left of it the slope there goes on."""

    def spline_value(x, knots, slopes, anchor_x, anchor_y):
        right = knots > anchor_x
        return ref.spline_value(x, knots[right], slopes[len(knots) - right.sum() :], anchor_x, anchor_y)

    return spline_value


# --- norms -------------------------------------------------------------------------------------------------------------
@planted("function_norm")
def variation_alone(ref):
    """The variation without |s_0 + s_K|, as the authors' code reports it: lines cost nothing."""
    return lambda slopes: ref.function_norm_with_skip(slopes)


@planted("function_norm")
def ends_alone(ref):
    """Only |s_0 + s_K|."""
    return lambda slopes: float(abs(slopes[0] + slopes[-1]))


@planted("function_norm")
def sum_of_both(ref):
    """The sum of the two terms instead of the larger one."""
    return lambda slopes: float(np.abs(np.diff(slopes)).sum() + abs(slopes[0] + slopes[-1]))


@planted("function_norm")
def mean_of_both(ref):
    """Half the sum of the two terms, which is a lower bound."""
    return lambda slopes: float(np.abs(np.diff(slopes)).sum() + abs(slopes[0] + slopes[-1])) / 2


@planted("function_norm")
def ends_from_zero(ref):
    """The slope is taken to begin and end at 0: the first and last slope are jumps as well."""
    return lambda slopes: float(np.abs(np.diff(slopes, prepend=0, append=0)).sum())


@planted("function_norm")
def squared_jumps(ref):
    """Squares of the jumps: the energy of a smoothing spline."""
    return lambda slopes: float(max((np.diff(slopes) ** 2).sum(), abs(slopes[0] + slopes[-1])))


@planted("function_norm")
def total_change(ref):
    """The magnitude of the total change of slope, in which bends cancel."""
    return lambda slopes: float(max(abs(np.diff(slopes).sum()), abs(slopes[0] + slopes[-1])))


@planted("function_norm")
def largest_jump(ref):
    """The largest jump instead of their sum."""
    return lambda slopes: float(max(np.abs(np.diff(slopes)).max(initial=0.0), abs(slopes[0] + slopes[-1])))


@planted("function_norm")
def larger_end(ref):
    """The larger of the two end slopes instead of their sum."""
    return lambda slopes: float(max(np.abs(np.diff(slopes)).sum(), abs(slopes[0]), abs(slopes[-1])))


@planted("function_norm_with_skip")
def ends_charged_as_well(ref):
    """The norm without a skip connection."""
    return lambda slopes: ref.function_norm(slopes)


@planted("function_norm_with_skip")
def total_change_with_skip(ref):
    """The magnitude of the total change of slope."""
    return lambda slopes: float(abs(np.diff(slopes).sum()))


@planted("function_norm_with_skip")
def variation_of_the_function(ref):
    """The sum of the slopes' magnitudes: the variation of f, not of f'."""
    return lambda slopes: float(np.abs(slopes).sum())


@planted("function_norm_with_skip")
def largest_jump_with_skip(ref):
    """The largest jump."""
    return lambda slopes: float(np.abs(np.diff(slopes)).max(initial=0.0))


@planted("function_norm_with_skip")
def half_the_variation(ref):
    """Half of it, the distance to the middle line."""
    return lambda slopes: ref.function_norm_with_skip(slopes) / 2


@planted("function_norm_with_skip")
def squared_jumps_with_skip(ref):
    """Squares of the jumps."""
    return lambda slopes: float((np.diff(slopes) ** 2).sum())


@planted("function_norm_with_skip")
def first_slope_charged(ref):
    """The first slope is charged: the skip connection is a unit of its own."""
    return lambda slopes: float(abs(slopes[0]) + np.abs(np.diff(slopes)).sum())


@planted("function_norm_with_skip")
def ends_left_out(ref):
    """The outermost bends are left out."""
    return lambda slopes: float(np.abs(np.diff(slopes[1:-1])).sum())
