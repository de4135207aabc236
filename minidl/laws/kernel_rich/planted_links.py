"""Planted bugs of the link and its inverse."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted
from minidl.laws.kernel_rich.planted_potentials import _float


@planted("link")
def plain_sinh(ref):
    """sinh instead of 2 sinh."""
    return lambda s, depth=2: ref.link(s, depth) / 2 if depth == 2 else ref.link(s, depth)


@planted("link")
def powers_that_cancel(ref):
    """The difference of two powers as it is written, which loses all digits near 0."""

    def link(s, depth=2):
        s = _float(s)
        power = depth / (depth - 2) if depth > 2 else 0
        return (1 - s) ** -power - (1 + s) ** -power if depth > 2 else 2 * np.sinh(s)

    return link


@planted("link")
def inverted_power(ref):
    """The power (D - 2)/D instead of D/(D - 2)."""

    def link(s, depth=2):
        s = _float(s)
        power = (depth - 2) / depth
        return (1 - s) ** -power - (1 + s) ** -power if depth > 2 else ref.link(s, depth)

    return link


@planted("link")
def power_of_the_potential(ref):
    """The power 2/(D - 2) of the potential's closed form."""

    def link(s, depth=2):
        s = _float(s)
        power = 2 / max(1, depth - 2)
        return (1 - s) ** -power - (1 + s) ** -power if depth > 2 else ref.link(s, depth)

    return link


@planted("link")
def sum_of_the_sides(ref):
    """u^D + v^D instead of u^D - v^D."""

    def link(s, depth=2):
        s = _float(s)
        power = depth / (depth - 2) if depth > 2 else 0
        return (1 - s) ** -power + (1 + s) ** -power if depth > 2 else 2 * np.cosh(s)

    return link


@planted("link")
def sides_exchanged(ref):
    """v^D - u^D."""
    return lambda s, depth=2: -ref.link(s, depth)


@planted("link")
def one_side_only(ref):
    """u^D - 1 at alpha = 1: v is left where it began."""
    return lambda s, depth=2: _sided(_float(s), depth)


def _sided(s, depth):
    if depth == 2:
        return np.expm1(s)
    with np.errstate(all="ignore"):
        return ((1 - s) ** (-depth / (depth - 2)) - 1).astype(s.dtype)


@planted("link")
def link_of_two_layers(ref):
    """The depth is not read."""
    return lambda s, depth=2: ref.link(s, 2)


@planted("link_slope")
def slope_of_the_difference(ref):
    """The two sides are subtracted, as in the link."""

    def link_slope(s, depth=2):
        s = _float(s)
        if depth == 2:
            return 2 * np.sinh(s)
        power = depth / (depth - 2)
        return power * ((1 - s) ** (-power - 1) - (1 + s) ** (-power - 1))

    return link_slope


@planted("link_slope")
def power_not_multiplied_in(ref):
    """Without the factor D/(D - 2) of the power rule."""

    def link_slope(s, depth=2):
        s = _float(s)
        return ref.link_slope(s, depth) / s.dtype.type(depth / (depth - 2)) if depth > 2 else ref.link_slope(s, depth)

    return link_slope


@planted("link_slope")
def power_not_lowered(ref):
    """The power stays D/(D - 2) instead of growing by 1."""

    def link_slope(s, depth=2):
        s = _float(s)
        power = depth / (depth - 2) if depth > 2 else 0
        return power * ((1 - s) ** -power + (1 + s) ** -power) if depth > 2 else ref.link_slope(s, depth)

    return link_slope


@planted("link_slope")
def slope_of_sinh(ref):
    """cosh instead of 2 cosh."""
    return lambda s, depth=2: ref.link_slope(s, depth) / 2 if depth == 2 else ref.link_slope(s, depth)


@planted("link_slope")
def slope_of_two_layers(ref):
    """The depth is not read."""
    return lambda s, depth=2: ref.link_slope(s, 2)


@planted("link_inverse")
def inverse_of_plain_sinh(ref):
    """arcsinh(z) instead of arcsinh(z/2)."""
    return lambda z, depth=2: ref.link_inverse(2 * _float(z) if depth == 2 else z, depth)


@planted("link_inverse")
def logarithm_that_cancels(ref):
    """arcsinh(z/2) as log(z/2 + sqrt(1 + z^2/4)), without digits at negative z and near 0."""

    def link_inverse(z, depth=2):
        z = _float(z)
        if depth > 2:
            return ref.link_inverse(z, depth)
        with np.errstate(all="ignore"):
            return np.log(z / 2 + np.hypot(1, z / 2))

    return link_inverse


@planted("link_inverse")
def bisection_to_1e_10(ref):
    """The root is accurate to 1e-10 only."""

    def link_inverse(z, depth=2):
        s = np.asarray(ref.link_inverse(z, depth))
        return s if depth == 2 else (np.round(s.astype(float) * 1e10) / 1e10).astype(s.dtype)

    return link_inverse


@planted("link_inverse")
def first_step_of_newton(ref):
    """One step of Newton's method from 0: the parabola's slope, cut off at 1."""

    def link_inverse(z, depth=2):
        z = _float(z)
        return np.clip(z * z.dtype.type((depth - 2) / (2 * depth)), -1, 1) if depth > 2 else ref.link_inverse(z, depth)

    return link_inverse


@planted("link_inverse")
def sign_lost(ref):
    """The dual value of |z|."""
    return lambda z, depth=2: np.abs(ref.link_inverse(z, depth))


@planted("link_inverse")
def gap_for_the_dual_value(ref):
    """1 - |s|, the gap."""
    return lambda z, depth=2: 1 - np.abs(ref.link_inverse(z, depth)) if depth > 2 else ref.link_inverse(z, depth)


@planted("link_inverse")
def inverse_of_two_layers(ref):
    """The depth is not read."""
    return lambda z, depth=2: ref.link_inverse(z, 2)


@planted("link_inverse")
def saturates(ref):
    """s is cut off at 0.999, to keep away from the pole."""
    return lambda z, depth=2: (
        np.clip(ref.link_inverse(z, depth), -0.999, 0.999) if depth > 2 else ref.link_inverse(z, depth)
    )


@planted("link_gap")
def one_minus_the_rounded(ref):
    """1 - |s| of the rounded s, which is 0 for large z."""
    return lambda z, depth=2: 1 - np.abs(ref.link_inverse(z, depth))


@planted("link_gap")
def gap_of_the_limit(ref):
    """|z|^{-(D - 2)/D}, what it tends to for large z."""

    def link_gap(z, depth):
        z = _float(z)
        return np.minimum(1, np.maximum(np.abs(z), np.finfo(z.dtype).tiny) ** (-(depth - 2) / depth)).astype(z.dtype)

    return link_gap


@planted("link_gap")
def gap_of_negative_entries(ref):
    """1 - s, which is beyond 1 for negative entries."""

    def link_gap(z, depth):
        z, gap = _float(z), ref.link_gap(z, depth)
        return np.where(z < 0, 2 - gap, gap)

    return link_gap


@planted("link_gap")
def gap_at_another_depth(ref):
    """The depth counts the output layer as well."""
    return lambda z, depth: ref.link_gap(z, depth + 1)
