"""Planted bugs of the interpolants of least divergence from a start."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted
from minidl.laws.kernel_rich.planted_interpolation import Interpolant


def _otherwise(change):
    def build(ref):
        return lambda x, y, u0, v0, depth=2, dual=None: ref.min_bregman(*change(x, y, u0, v0, depth))

    return build


@planted("min_bregman")
def function_starts_at_0(ref):
    """The shift is forgotten: the same shapes c, from the function 0."""

    def change(x, y, u0, v0, depth):
        if depth == 2:
            a = np.sqrt(u0 * v0)
        else:
            a = ((u0 ** (2.0 - depth) + v0 ** (2.0 - depth)) / 2) ** (-1 / (depth - 2))
        return x, y, a, a.copy(), depth

    return _otherwise(change)(ref)


@planted("min_bregman")
def shift_reversed(ref):
    """log(v_0/u_0): the shift has the wrong sign."""
    return _otherwise(lambda x, y, u0, v0, depth: (x, y, v0, u0, depth))(ref)


@planted("min_bregman")
def twice_the_shift(ref):
    """2 log(u_0/v_0) at depth 2."""

    def change(x, y, u0, v0, depth):
        root = np.sqrt(u0 / v0)
        return (x, y, u0 * root, v0 / root, depth) if depth == 2 else (x, y, u0, v0, depth)

    return _otherwise(change)(ref)


@planted("min_bregman")
def one_scale_for_all(ref):
    """One scale for all entries, the mean of the start."""

    def change(x, y, u0, v0, depth):
        mean = np.full(len(u0), (u0 + v0).mean() / 2)
        return x, y, mean, mean.copy(), depth

    return _otherwise(change)(ref)


@planted("min_bregman")
def shapes_of_two_layers(ref):
    """The invariant of depth 2 at every depth."""

    def change(x, y, u0, v0, depth):
        return x, y, u0 ** (depth / 2), v0 ** (depth / 2), 2

    return _otherwise(change)(ref)


@planted("min_bregman")
def residual_of_the_start_fitted(ref):
    """The start's predictions are taken off the targets, and then the change alone is returned."""

    def min_bregman(x, y, u0, v0, depth=2, dual=None):
        start = u0**depth - v0**depth
        beta, nu, steps = ref.min_bregman(x, y, u0, v0, depth)
        return Interpolant(beta - start, nu, steps)

    return min_bregman


@planted("min_bregman")
def nearest_in_l2(ref):
    """The interpolant at the least Euclidean distance from the start."""

    def min_bregman(x, y, u0, v0, depth=2, dual=None):
        start = u0**depth - v0**depth
        inverse = np.linalg.pinv(x)
        move = inverse @ (y - x @ start)
        return Interpolant(start + move, inverse.T @ move, 1)

    return min_bregman


@planted("min_bregman")
def entries_weigh_alike(ref):
    """At depth 3 and above, the dual is that of a flat start: a^{D-2} is not taken off."""

    def min_bregman(x, y, u0, v0, depth=2, dual=None):
        beta, nu, steps = ref.min_bregman(x, y, u0, v0, depth)
        a = 1.0 if depth == 2 else 2 / (u0 ** (2.0 - depth) + v0 ** (2.0 - depth)).mean()
        return Interpolant(beta, a * nu, steps)

    return min_bregman


@planted("min_bregman")
def starts_from_the_dual(ref):
    """A warm start is taken for the answer's dual, and added to it."""

    def min_bregman(x, y, u0, v0, depth=2, dual=None):
        beta, nu, steps = ref.min_bregman(x, y, u0, v0, depth)
        return Interpolant(beta if dual is None else beta + 1e-6 * (dual @ x), nu, steps)

    return min_bregman


@planted("min_bregman")
def stops_at_1e_8(ref):
    """The targets are missed by a part in 1e8."""
    return _otherwise(lambda x, y, u0, v0, depth: (x, y * (1 + 1e-8), u0, v0, depth))(ref)
