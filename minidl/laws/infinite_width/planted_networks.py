"""Planted bugs of the network of a function, and of the function of a network."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


# --- the network that attains it ---------------------------------------------------------------------------------------
def _units(parts, anchor_x, anchor_y):
    """Balanced units of (coefficient, direction, place), those of coefficient 0 left out."""
    parts = [part for part in parts if part[0]]
    coefficient, facing, at = np.array(parts, float).reshape(-1, 3).T
    w, v = facing * np.sqrt(np.abs(coefficient)), np.sign(coefficient) * np.sqrt(np.abs(coefficient))
    return w, -w * at, v, float(anchor_y - np.maximum(w * (anchor_x - at), 0) @ v)


def _network(split, line=None, places=None):
    """split(jump, S, TV): what faces right, the rest left; line(S, TV): what is left over, at the anchor."""

    def build(ref):
        def attaining_network(knots, slopes, anchor_x, anchor_y):
            jumps, ends = np.diff(slopes), slopes[0] + slopes[-1]
            variation = np.abs(jumps).sum()
            rest = np.sign(ends) * max(0.0, abs(ends) - variation) / 2 if line is None else line(ends, variation)
            right = [split(jump, ends, variation) for jump in jumps]
            parts = [(a, 1, t) for a, t in zip(right, knots, strict=True)]
            parts += [(jump - a, -1, t) for jump, a, t in zip(jumps, right, knots, strict=True)]
            return _units([*parts, (rest, 1, anchor_x), (-rest, -1, anchor_x)], anchor_x, anchor_y)

        return attaining_network

    return build


def _tilt(ends, variation):
    return max(-1.0, min(1.0, ends / variation)) if variation else 0.0


@planted("attaining_network")
def right_facing_units_alone(ref):
    """Every bend by a unit that faces right, and what is missing at the left by a line."""

    def attaining_network(knots, slopes, anchor_x, anchor_y):
        parts = [(jump, 1, t) for jump, t in zip(np.diff(slopes), knots, strict=True)]
        return _units([*parts, (slopes[0], 1, anchor_x), (-slopes[0], -1, anchor_x)], anchor_x, anchor_y)

    return attaining_network


@planted("attaining_network")
def halves_always(ref):
    """Every bend by two units of half its jump, whatever the slopes at the ends."""
    return _network(lambda jump, ends, variation: jump / 2, lambda ends, variation: ends / 2)(ref)


@planted("attaining_network")
def tilt_without_magnitude(ref):
    """theta times the jump, not its magnitude."""
    return _network(lambda jump, ends, variation: (1 + _tilt(ends, variation)) * jump / 2)(ref)


@planted("attaining_network")
def tilt_upside_down(ref):
    """theta with the other sign: units face away from where they are needed."""
    return _network(lambda jump, ends, variation: (jump - _tilt(ends, variation) * abs(jump)) / 2)(ref)


@planted("attaining_network")
def tilt_never_negative(ref):
    """theta is cut to [0, 1]: right for functions that rise on the whole."""

    def split(jump, ends, variation):
        return (jump + max(0.0, _tilt(ends, variation)) * abs(jump)) / 2

    return _network(split)(ref)


@planted("attaining_network")
def line_forgotten(ref):
    """What is left over of the slopes is forgotten."""
    return _network(
        lambda jump, ends, variation: (jump + _tilt(ends, variation) * abs(jump)) / 2, lambda ends, variation: 0.0
    )(ref)


@planted("attaining_network")
def line_by_one_unit(ref):
    """The line that is left over is given to the right-facing unit alone."""

    def attaining_network(knots, slopes, anchor_x, anchor_y):
        jumps, ends = np.diff(slopes), slopes[0] + slopes[-1]
        variation = np.abs(jumps).sum()
        right = (jumps + _tilt(ends, variation) * np.abs(jumps)) / 2
        parts = [(a, 1, t) for a, t in zip(right, knots, strict=True)]
        parts += [(a, -1, t) for a, t in zip(jumps - right, knots, strict=True)]
        line = np.sign(ends) * max(0.0, abs(ends) - variation)
        return _units([*parts, (line, 1, anchor_x)], anchor_x, anchor_y)

    return attaining_network


@planted("attaining_network")
def unbalanced_units(ref):
    """The incoming weights are 1 and -1: right in its values, and not the cheapest."""

    def attaining_network(*f):
        net = ref.attaining_network(*f)
        return np.sign(net.w), net.b / np.abs(net.w), net.v * np.abs(net.w), net.b0

    return attaining_network


@planted("attaining_network")
def anchor_value_as_bias(ref):
    """The output's bias is the anchor's value, though units may be active there."""

    def attaining_network(knots, slopes, anchor_x, anchor_y):
        return *ref.attaining_network(knots, slopes, anchor_x, anchor_y)[:3], float(anchor_y)

    return attaining_network


@planted("attaining_network")
def biases_are_places(ref):
    """The biases are -t, not rescaled with the weights."""

    def attaining_network(*f):
        net = ref.attaining_network(*f)
        return net.w, net.b / np.abs(net.w), net.v, net.b0

    return attaining_network


@planted("attaining_network")
def idle_units_too(ref):
    """Units of coefficient 0 are kept, though there is nothing for them to do."""

    def attaining_network(knots, slopes, anchor_x, anchor_y):
        net = ref.attaining_network(knots, slopes, anchor_x, anchor_y)
        w, b, v = (np.append(part, np.zeros(2 * len(slopes) - len(part))) for part in net[:3])
        return w, b, v, net.b0

    return attaining_network


# --- the function of a network -----------------------------------------------------------------------------------------
def _function(place=lambda w, b: -b / w, jump=lambda w, v: v * np.abs(w), first=lambda w, v: (v * w)[w < 0].sum()):
    """The function from where units bend, by how much, and from the slope at the left."""

    def build(ref):
        def as_spline(w, b, v, b0, anchor_x=0.0):
            start = float(np.maximum(w * anchor_x + b, 0) @ v + b0)
            live = (w != 0) & (v != 0)
            w, b, v = w[live], b[live], v[live]
            knots, knot_of = np.unique(place(w, b) + 0.0, return_inverse=True)
            jumps = np.bincount(knot_of, jump(w, v), minlength=len(knots))
            there = jumps != 0
            return knots[there], first(w, v) + np.append(0.0, np.cumsum(jumps[there])), anchor_x, start

        return as_spline

    return build


@planted("as_spline")
def bend_at_plus_b(ref):
    """A unit bends at b / w."""
    return _function(place=lambda w, b: b / w)(ref)


@planted("as_spline")
def bend_at_minus_b(ref):
    """A unit bends at -b, whatever its w."""
    return _function(place=lambda w, b: -b)(ref)


@planted("as_spline")
def jump_with_the_sign_of_w(ref):
    """The jump is v w: units that face left bend the wrong way."""
    return _function(jump=lambda w, v: v * w)(ref)


@planted("as_spline")
def jump_is_v(ref):
    """The jump is v, as if |w| were 1."""
    return _function(jump=lambda w, v: v)(ref)


@planted("as_spline")
def flat_at_the_left(ref):
    """The slope at the left is 0, as if all units faced right."""
    return _function(first=lambda w, v: 0.0)(ref)


@planted("as_spline")
def left_slope_of_right_facing(ref):
    """The slope at the left is that of the units which face right."""
    return _function(first=lambda w, v: (v * w)[w > 0].sum())(ref)


@planted("as_spline")
def left_slope_without_sign(ref):
    """The slope at the left is the sum of v |w| of the units which face left."""
    return _function(first=lambda w, v: (v * np.abs(w))[w < 0].sum())(ref)


@planted("as_spline")
def constants_lost(ref):
    """Constant units are left out of the value at the anchor."""

    def as_spline(w, b, v, b0, anchor_x=0.0):
        return ref.as_spline(w[w != 0], b[w != 0], v[w != 0], b0, anchor_x)

    return as_spline


@planted("as_spline")
def value_is_b0(ref):
    """The value at the anchor is taken to be the output's bias."""
    return lambda w, b, v, b0, anchor_x=0.0: (*ref.as_spline(w, b, v, b0, anchor_x)[:3], float(b0))


@planted("as_spline")
def value_at_zero(ref):
    """The value at the anchor is that at 0."""
    return lambda w, b, v, b0, anchor_x=0.0: (*ref.as_spline(w, b, v, b0)[:2], anchor_x, ref.as_spline(w, b, v, b0)[3])


@planted("as_spline")
def knots_not_sorted(ref):
    """Knots in the order of the units."""

    def as_spline(w, b, v, b0, anchor_x=0.0):
        found = ref.as_spline(w, b, v, b0, anchor_x)
        live = (w != 0) & (v != 0)
        order = -b[live] / w[live]
        knots = [t for t in dict.fromkeys((order + 0.0).tolist()) if t in found.knots]
        return np.array(knots), found.slopes, anchor_x, found.anchor_y

    return as_spline


@planted("as_spline")
def one_knot_for_each_unit(ref):
    """Units that bend at the same place are not merged."""

    def as_spline(w, b, v, b0, anchor_x=0.0):
        found, live = ref.as_spline(w, b, v, b0, anchor_x), (w != 0) & (v != 0)
        at, jump = -b[live] / w[live] + 0.0, (v * np.abs(w))[live]
        order = np.argsort(at, kind="stable")
        return at[order], found.slopes[0] + np.append(0.0, np.cumsum(jump[order])), anchor_x, found.anchor_y

    return as_spline
