"""Planted bugs of angle, distance of directions and margin gap."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


def _unit(w):
    w = np.asarray(w, np.float64)
    w = w / np.abs(w).max(axis=-1, keepdims=True)
    return w / np.linalg.norm(w, axis=-1, keepdims=True)


# --- angle -------------------------------------------------------------------------------------------------------------
@planted("angle")
def arc_cosine(ref):
    """The arc cosine of the product of directions: half of the digits are gone for small angles."""
    return lambda a, b: np.arccos(np.clip(_unit(a) @ _unit(b), -1, 1))


@planted("angle")
def angle_of_lines(ref):
    """The magnitude of the cosine: angles above pi / 2 come out below it."""

    def angle(a, b):
        found = ref.angle(a, b)
        return np.minimum(found, np.pi - found)

    return angle


@planted("angle")
def in_degrees(ref):
    """Degrees."""
    return lambda a, b: np.degrees(ref.angle(a, b))


@planted("angle")
def arc_sine_of_half_the_chord(ref):
    """2 arcsin of half the distance of the directions: half of the digits are gone near pi."""
    return lambda a, b: 2 * np.arcsin(np.minimum(ref.direction_gap(a, b) / 2, 1))


@planted("angle")
def lengths_not_divided_out(ref):
    """The sine and the cosine belong to vectors of different lengths."""

    def angle(a, b):
        a, b = np.asarray(a, np.float64), _unit(b)
        a = a / np.abs(a).max(axis=-1, keepdims=True)
        along = a @ b
        across = np.linalg.norm(_unit(a) - (_unit(a) @ b)[..., None] * b, axis=-1)
        return np.arctan2(across, along)

    return angle


@planted("angle")
def squares_overflow(ref):
    """Lengths are roots of sums of squares, which overflow or underflow."""

    def angle(a, b):
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        with np.errstate(all="ignore"):
            a, b = a / np.sqrt((a**2).sum(axis=-1, keepdims=True)), b / np.sqrt((b**2).sum())
            along = a @ b
            return np.arctan2(np.linalg.norm(a - along[..., None] * b, axis=-1), along)

    return angle


@planted("angle")
def signed_by_the_plane(ref):
    """The angle has a sign, by the side of b in the first two dimensions."""

    def angle(a, b):
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        if len(b) < 2:
            return ref.angle(a, b)
        side = _unit(a)[..., 0] * _unit(b)[1] - _unit(a)[..., 1] * _unit(b)[0]
        return np.where(side < 0, -ref.angle(a, b), ref.angle(a, b))[()]

    return angle


@planted("angle")
def chord_for_arc(ref):
    """The distance of the directions, which is the angle for small ones."""
    return lambda a, b: ref.direction_gap(a, b)


# --- distance of directions --------------------------------------------------------------------------------------------
@planted("direction_gap")
def squared_distance(ref):
    """The squared distance."""
    return lambda a, b: ref.direction_gap(a, b) ** 2


@planted("direction_gap")
def distance_by_cosine(ref):
    """sqrt(2 - 2 cos): small distances cancel."""
    return lambda a, b: np.sqrt(np.maximum(2 - 2 * (_unit(a) @ _unit(b)), 0))


@planted("direction_gap")
def first_direction_only(ref):
    """Only a is normalised."""

    def direction_gap(a, b):
        b = np.asarray(b, np.float64)
        return np.linalg.norm(_unit(a) - b / np.abs(b).max(), axis=-1)

    return direction_gap


@planted("direction_gap")
def arc_for_chord(ref):
    """The angle, which is the distance for small ones."""
    return lambda a, b: ref.angle(a, b)


@planted("direction_gap")
def largest_component(ref):
    """The largest difference of a component."""
    return lambda a, b: np.abs(_unit(a) - _unit(b)).max(axis=-1)


@planted("direction_gap")
def divided_by_the_dimension(ref):
    """The root of the mean of squares."""
    return lambda a, b: ref.direction_gap(a, b) / np.sqrt(len(b))


# --- margin gap --------------------------------------------------------------------------------------------------------
@planted("margin_gap")
def not_normalised(ref):
    """The smallest product with w itself."""
    return lambda z, w, margin: margin - (np.asarray(w, np.float64) @ np.asarray(z, np.float64).T).min(axis=-1)


@planted("margin_gap")
def mean_margin(ref):
    """The mean product for the smallest."""
    return lambda z, w, margin: margin - (_unit(w) @ np.asarray(z, np.float64).T).mean(axis=-1)


@planted("margin_gap")
def largest_margin(ref):
    """The largest product for the smallest."""
    return lambda z, w, margin: margin - (_unit(w) @ np.asarray(z, np.float64).T).max(axis=-1)


@planted("margin_gap")
def relative_gap(ref):
    """The gap over the margin."""
    return lambda z, w, margin: ref.margin_gap(z, w, margin) / margin


@planted("margin_gap")
def sign_of_the_gap(ref):
    """What is there less what could be."""
    return lambda z, w, margin: -ref.margin_gap(z, w, margin)


@planted("margin_gap")
def gap_without_sign(ref):
    """The magnitude of the smallest product: rows on the wrong side count as right."""

    def margin_gap(z, w, margin):
        return margin - np.abs((_unit(w) @ np.asarray(z, np.float64).T).min(axis=-1))

    return margin_gap


@planted("margin_gap")
def rows_normalised_too(ref):
    """The cosine for the margin: the lengths of rows are divided out."""

    def margin_gap(z, w, margin):
        return margin - (_unit(w) @ _unit(z).T).min(axis=-1)

    return margin_gap


@planted("margin_gap")
def cut_off_at_zero(ref):
    """Products below 0 count as 0."""

    def margin_gap(z, w, margin):
        return margin - np.maximum((_unit(w) @ np.asarray(z, np.float64).T).min(axis=-1), 0)

    return margin_gap
