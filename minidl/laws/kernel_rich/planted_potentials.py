"""Planted bugs of the potential and its curvature."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


def _float(z):
    z = np.asarray(z)
    return z if z.dtype.kind == "f" else z.astype(float)


# --- the potential ---------------------------------------------------------------------------------------------------------
@planted("potential")
def cancels_near_0(ref):
    """Depth 2 as it is printed, 2 - sqrt(4 + z^2) + z arcsinh(z/2), which has no digits left below 1e-7."""

    def potential(z, depth=2):
        z = _float(z)
        return 2 - np.hypot(2, z) + z * np.arcsinh(z / 2) if depth == 2 else ref.potential(z, depth)

    return potential


@planted("potential")
def arcsinh_of_z(ref):
    """arcsinh(z) for arcsinh(z/2): the link of depth 2 taken as sinh instead of 2 sinh."""

    def potential(z, depth=2):
        z = _float(z)
        return z * np.arcsinh(z) - z * z / (1 + np.hypot(1, z)) if depth == 2 else ref.potential(z, depth)

    return potential


@planted("potential")
def entropy_of_its_limit(ref):
    """|z| log |z| - |z| + 2, what depth 2 tends to for large z."""

    def potential(z, depth=2):
        size = np.maximum(np.abs(_float(z)), np.finfo(np.float32).tiny)
        return size * (np.log(size) - 1) + 2 if depth == 2 else ref.potential(z, depth)

    return potential


@planted("potential")
def closed_form_that_cancels(ref):
    """The closed form of depth 3 and above with s rounded to 1: the distance from 1 is not kept."""

    def potential(z, depth=2):
        z = _float(z)
        if depth == 2:
            return ref.potential(z, depth)
        s, power = ref.link_inverse(z, depth), 2 / (depth - 2)
        ends = (1 - s) ** -power + (1 + s) ** -power
        return (z * s - ends / power + depth - 2).astype(z.dtype)

    return potential


@planted("potential")
def constant_left_out(ref):
    """Without the constant D - 2, so that it is not 0 at 0."""
    return lambda z, depth=2: ref.potential(z, depth) - _float(z).dtype.type(depth - 2)


@planted("potential")
def half_the_ends(ref):
    """The coefficient (D - 2)/2 of the closed form taken as D - 2."""

    def potential(z, depth=2):
        z = _float(z)
        if depth == 2:
            return ref.potential(z, depth)
        product = z * ref.link_inverse(z, depth)
        return (product - 2 * (product - ref.potential(z, depth))).astype(z.dtype)

    return potential


@planted("potential")
def two_layers_always(ref):
    """The depth is not read."""
    return lambda z, depth=2: ref.potential(z, 2)


@planted("potential")
def one_layer_too_many(ref):
    """The depth counts the output layer as well."""
    return lambda z, depth=2: ref.potential(z, depth + 1)


@planted("potential")
def signed_cost(ref):
    """Negative entries cost a negative amount."""
    return lambda z, depth=2: np.sign(_float(z)) * ref.potential(z, depth)


@planted("potential")
def absolute_value(ref):
    """|z|, the limit of depth 3 and above."""
    return lambda z, depth=2: np.abs(_float(z)) if depth > 2 else ref.potential(z, depth)


@planted("potential")
def without_its_dual_value(ref):
    """The conjugate z s - q instead of q."""
    return lambda z, depth=2: (_float(z) * ref.link_inverse(z, depth) - ref.potential(z, depth)).astype(_float(z).dtype)


@planted("potential")
def in_double_precision(ref):
    """float32 comes back as float64."""
    return lambda z, depth=2: np.asarray(ref.potential(z, depth), np.float64)


# --- its derivatives -------------------------------------------------------------------------------------------------------
@planted("potential_curvature")
def square_overflows(ref):
    """1 / sqrt(4 + z * z), whose square overflows beyond 1e154."""

    def potential_curvature(z, depth=2):
        z = _float(z)
        with np.errstate(all="ignore"):
            return 1 / np.sqrt(4 + z * z) if depth == 2 else ref.potential_curvature(z, depth)

    return potential_curvature


@planted("potential_curvature")
def slope_for_its_inverse(ref):
    """The link's slope instead of 1 over it."""
    return lambda z, depth=2: 1 / ref.potential_curvature(z, depth)


@planted("potential_curvature")
def slope_at_the_entry(ref):
    """1 / h'(z) instead of 1 / h'(h^{-1}(z)), where z is a dual value at all."""

    def potential_curvature(z, depth=2):
        z = _float(z)
        inside = np.clip(z, -0.9, 0.9) if depth > 2 else np.clip(z, -80, 80)
        return 1 / ref.link_slope(inside, depth)

    return potential_curvature


@planted("potential_curvature")
def curvature_of_one_side(ref):
    """Only the larger of both parameters."""

    def potential_curvature(z, depth=2):
        z = _float(z)
        if depth == 2:
            return np.exp(-np.arcsinh(np.abs(z) / 2))
        power = depth / (depth - 2)
        return (np.asarray(ref.link_gap(z, depth), float) ** (power + 1) / power).astype(z.dtype)

    return potential_curvature


@planted("potential_curvature")
def curvature_through_a_rounded_slope(ref):
    """1 / h' at a dual value that is rounded to a number near 1."""

    def potential_curvature(z, depth=2):
        z = _float(z)
        if depth == 2:
            return ref.potential_curvature(z, depth)
        s = np.clip(ref.link_inverse(z, depth), -1 + np.finfo(z.dtype).epsneg, 1 - np.finfo(z.dtype).epsneg)
        return 1 / ref.link_slope(s, depth)

    return potential_curvature


@planted("potential_curvature")
def curvature_with_the_sign(ref):
    """Negative for negative entries."""
    return lambda z, depth=2: np.where(_float(z) < 0, -1, 1).astype(_float(z).dtype) * ref.potential_curvature(z, depth)
