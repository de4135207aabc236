"""Planted bugs of interpolation: the least norm, a function that has it, and the range of all of them."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


def _chords(x, y):
    """Slopes of the chords between points that differ, V, and the signed sum of the end slopes."""
    at, first = np.unique(x, return_index=True)
    m = np.diff(y[first]) / np.diff(at)
    return m, float(np.abs(np.diff(m)).sum()), float(m[0] + m[-1]) if len(m) else 0.0


# --- the least norm ----------------------------------------------------------------------------------------------------
def _norm(formula):
    def build(ref):
        def minimum_norm(x, y):
            _, V, ends = _chords(x, y)
            return V, abs(ends), float(formula(V, abs(ends)))

        return minimum_norm

    return build


@planted("minimum_norm")
def straight_on(ref):
    """max(V, S): the spline that goes on straight beyond the data, which is not optimal where S > V."""
    return _norm(max)(ref)


@planted("minimum_norm")
def variation_of_the_chords(ref):
    """V alone, as the authors' code has it: right where S <= V."""
    return _norm(lambda V, S: V)(ref)


@planted("minimum_norm")
def always_the_mean(ref):
    """(V + S) / 2 also where V is larger."""
    return _norm(lambda V, S: (V + S) / 2)(ref)


@planted("minimum_norm")
def smaller_of_both(ref):
    """The smaller of V and (V + S) / 2."""
    return _norm(lambda V, S: min(V, (V + S) / 2))(ref)


@planted("minimum_norm")
def ends_halved(ref):
    """max(V, S / 2): V is not spent where S is."""
    return _norm(lambda V, S: max(V, S / 2))(ref)


@planted("minimum_norm")
def variation_and_half_the_ends(ref):
    """V + S / 2: both are paid for."""
    return _norm(lambda V, S: V + S / 2)(ref)


@planted("minimum_norm")
def ends_subtracted(ref):
    """S = |m_{N-1} - m_1|."""

    def minimum_norm(x, y):
        m, V, _ = _chords(x, y)
        S = float(abs(m[-1] - m[0])) if len(m) else 0.0
        return V, S, max(V, (V + S) / 2)

    return minimum_norm


@planted("minimum_norm")
def differences_for_slopes(ref):
    """Differences of y, not divided by the gaps: right for points one apart."""
    return lambda x, y: ref.minimum_norm(np.arange(len(np.unique(x))), y[np.unique(x, return_index=True)[1]])


@planted("minimum_norm")
def sign_of_the_ends(ref):
    """S without its magnitude: falling data cost less."""

    def minimum_norm(x, y):
        _, V, ends = _chords(x, y)
        return V, ends, max(V, (V + ends) / 2)

    return minimum_norm


@planted("minimum_norm")
def slopes_by_index(ref):
    """Slopes by np.gradient, central differences at the points, in the place of chords."""

    def minimum_norm(x, y):
        at, first = np.unique(x, return_index=True)
        if len(at) < 2:
            return 0.0, 0.0, 0.0
        m = np.gradient(y[first], at)
        V, S = float(np.abs(np.diff(m)).sum()), float(abs(m[0] + m[-1]))
        return V, S, max(V, (V + S) / 2)

    return minimum_norm


# --- a function that has it --------------------------------------------------------------------------------------------
def _interpolant(rays):
    """rays(m, bend, left): the slopes of both rays; bend is signed."""

    def build(ref):
        def minimum_norm_interpolant(x, y, left=1.0):
            at, _first = np.unique(x, return_index=True)
            m, V, ends = _chords(x, y)
            m = m if len(m) else np.zeros(1)
            low, high = rays(m, np.sign(ends) * max(0.0, abs(ends) - V) / 2, left)
            slopes = np.concatenate([[low], m, [high]]) if len(at) > 1 else np.zeros(2)
            return at, slopes, float(at[0]), float(y[0])

        return minimum_norm_interpolant

    return build


@planted("minimum_norm_interpolant")
def rays_straight_on(ref):
    """The rays go on straight, however large S is: the wrong reading of "the linear spline is optimal"."""
    return _interpolant(lambda m, bend, left: (m[0], m[-1]))(ref)


@planted("minimum_norm_interpolant")
def flat_rays(ref):
    """The rays are level, as np.interp has them."""
    return _interpolant(lambda m, bend, left: (0.0, 0.0))(ref)


@planted("minimum_norm_interpolant")
def both_bent_in_full(ref):
    """Both rays are bent by the whole of it."""
    return _interpolant(lambda m, bend, left: (m[0] - bend, m[-1] - bend))(ref)


@planted("minimum_norm_interpolant")
def bent_outwards(ref):
    """The rays are bent away from 0."""
    return _interpolant(lambda m, bend, left: (m[0] + left * bend, m[-1] + (1 - left) * bend))(ref)


@planted("minimum_norm_interpolant")
def bent_regardless_of_sign(ref):
    """The rays are always bent downwards, also where slopes are negative."""
    return _interpolant(lambda m, bend, left: (m[0] - left * abs(bend), m[-1] - (1 - left) * abs(bend)))(ref)


@planted("minimum_norm_interpolant")
def bent_by_half(ref):
    """Half of what is needed."""
    return _interpolant(lambda m, bend, left: (m[0] - left * bend / 2, m[-1] - (1 - left) * bend / 2))(ref)


@planted("minimum_norm_interpolant")
def shares_exchanged(ref):
    """The share of the left goes to the right."""
    return _interpolant(lambda m, bend, left: (m[0] - (1 - left) * bend, m[-1] - left * bend))(ref)


@planted("minimum_norm_interpolant")
def bent_in_opposite_directions(ref):
    """One ray is bent up and one down: |s_0 + s_K| is as large as before."""
    return _interpolant(lambda m, bend, left: (m[0] - left * bend, m[-1] + (1 - left) * bend))(ref)


@planted("minimum_norm_interpolant")
def bent_to_the_other_end(ref):
    """Each ray takes the slope that the other one should have."""
    return _interpolant(lambda m, bend, left: (m[-1] - left * bend, m[0] - (1 - left) * bend))(ref)


@planted("minimum_norm_interpolant")
def anchored_at_the_last_point(ref):
    """The anchor is the last point."""

    def minimum_norm_interpolant(x, y, left=1.0):
        found = ref.minimum_norm_interpolant(x, y, left)
        return found.knots, found.slopes, float(x[-1]), float(y[-1])

    return minimum_norm_interpolant


# --- all functions that have it ----------------------------------------------------------------------------------------
def _range(one_sign=lambda a, b: a * b > 0, triangle=lambda chord, before, after: (before, after), rays=None):
    """From the chord, and the prolonged pieces before and after it, where the jumps at both ends have one sign."""

    def build(ref):
        def optimum_range(x, y, at):
            points, first = np.unique(x, return_index=True)
            values, (m, V, ends) = y[first], _chords(x, y)
            if len(m) == 0:
                return np.full(len(at), values[0]), np.full(len(at), values[0])
            bend = np.sign(ends) * max(0.0, abs(ends) - V) / 2
            low, high = (m[0] - bend, m[-1] - bend) if rays is None else rays(m, bend)
            slopes = np.concatenate([[low], m, [high]])
            jumps, found = np.diff(slopes), []
            for place in at:
                i = min(max(int(np.searchsorted(points, place)) - 1, 0), len(m) - 1)
                chord = values[i] + m[i] * (place - points[i])
                before = values[i] + slopes[i] * (place - points[i])
                after = values[i + 1] + slopes[i + 2] * (place - points[i + 1])
                if place < points[0]:
                    bound = before
                elif place > points[-1]:
                    bound = after
                elif one_sign(jumps[i], jumps[i + 1]):
                    bound = (max if jumps[i] > 0 else min)(triangle(chord, before, after))
                else:
                    bound = chord
                found.append(sorted((chord, bound)))
            low, high = np.array(found).reshape(-1, 2).T
            return low.copy(), high.copy()

        return optimum_range

    return build


@planted("optimum_range")
def always_the_chord(ref):
    """The linear spline is taken to be the only one within the data."""
    return _range(one_sign=lambda a, b: False)(ref)


@planted("optimum_range")
def always_a_triangle(ref):
    """A triangle also where the bends at both ends have different signs."""
    return _range(one_sign=lambda a, b: True)(ref)


@planted("optimum_range")
def triangle_where_signs_differ(ref):
    """A triangle where the signs differ, and a chord where they agree."""
    return _range(one_sign=lambda a, b: a * b < 0)(ref)


@planted("optimum_range")
def one_side_of_the_triangle(ref):
    """Only the prolongation from the left bounds it."""
    return _range(triangle=lambda chord, before, after: (before, before))(ref)


@planted("optimum_range")
def other_side_of_the_triangle(ref):
    """Only the prolongation from the right bounds it."""
    return _range(triangle=lambda chord, before, after: (after, after))(ref)


@planted("optimum_range")
def half_the_triangle(ref):
    """The middle between the chord and the triangle's tip."""

    def build(reference):
        def optimum_range(x, y, at):
            low, high = reference.optimum_range(x, y, at)
            middle = (low + high) / 2
            inside = (at > x[0]) & (at < x[-1])
            convex = np.isclose(high, np.interp(at, x, y))
            return np.where(inside & convex, middle, low), np.where(inside & ~convex, middle, high)

        return optimum_range

    return build(ref)


@planted("optimum_range")
def rays_without_freedom(ref):
    """The rays go on straight, and only they."""
    return _range(rays=lambda m, bend: (m[0], m[-1]))(ref)


@planted("optimum_range")
def rays_bent_half(ref):
    """Each ray is bent by half of what may be spent, as if both had to be bent alike."""
    return _range(rays=lambda m, bend: (m[0] - bend / 2, m[-1] - bend / 2))(ref)


@planted("optimum_range")
def only_the_left_ray(ref):
    """Only the left ray is bent, as the canonical choice has it."""
    return _range(rays=lambda m, bend: (m[0] - bend, m[-1]))(ref)


@planted("optimum_range")
def rays_bent_outwards(ref):
    """The rays are bent away from 0."""
    return _range(rays=lambda m, bend: (m[0] + bend, m[-1] + bend))(ref)


@planted("optimum_range")
def low_and_high_exchanged(ref):
    """High comes first."""
    return lambda x, y, at: tuple(reversed(ref.optimum_range(x, y, at)))
