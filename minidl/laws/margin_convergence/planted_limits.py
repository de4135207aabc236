"""Planted bugs of limits: offsets, constants of the approach, directions."""

from __future__ import annotations

import math

import numpy as np

from minidl.laws.core import planted


def _parts(ref, z):
    """w-hat, multipliers, margin, and which rows are on the margin."""
    z = np.asarray(z, np.float64)
    hard = ref.hard_margin(z)
    return z, hard.w, hard.dual, hard.margin, np.abs(z @ hard.w - 1) < 1e-9


# --- the offset --------------------------------------------------------------------------------------------------------
@planted("limit_offset")
def sign_of_the_logarithm(ref):
    """z.w = log alpha."""

    def limit_offset(z, step_size=1.0):
        w = ref.hard_margin(z).w
        return -ref.limit_offset(z, 1.0) + w * math.log(step_size)

    return limit_offset


@planted("limit_offset")
def step_divides(ref):
    """alpha / eta is taken for alpha eta."""
    return lambda z, step_size=1.0: ref.limit_offset(z, 1 / step_size)


@planted("limit_offset")
def step_forgotten(ref):
    """The step is not read."""
    return lambda z, step_size=1.0: ref.limit_offset(z, 1.0)


@planted("limit_offset")
def multipliers_of_the_mean(ref):
    """The loss is a mean: log N is missing."""
    return lambda z, step_size=1.0: ref.limit_offset(z, step_size / len(z))


@planted("limit_offset")
def equal_multipliers(ref):
    """All support vectors weigh the same."""

    def limit_offset(z, step_size=1.0):
        right = ref.limit_offset(z, step_size)
        z, _, _, margin, on = _parts(ref, z)
        values = np.full(on.sum(), -math.log(1 / (margin**2 * on.sum())) + math.log(step_size))
        return np.linalg.lstsq(z[on], values, rcond=None)[0] + 0 * right

    return limit_offset


@planted("limit_offset")
def smaller_multipliers_alone(ref):
    """Rows on the margin with any multiplier that the solver gives: of repeated rows only one counts."""

    def limit_offset(z, step_size=1.0):
        right = ref.limit_offset(z, step_size)
        z, _, dual, _, _ = _parts(ref, z)
        on = dual > 1e-12
        return np.linalg.lstsq(z[on], math.log(step_size) - np.log(dual[on]), rcond=None)[0] + 0 * right

    return limit_offset


@planted("limit_offset")
def orthogonal_part_alone(ref):
    """The part along w-hat is projected out, as for the angle."""

    def limit_offset(z, step_size=1.0):
        w, found = ref.hard_margin(z).w, ref.limit_offset(z, step_size)
        return found - w * (w @ found) / (w @ w)

    return limit_offset


@planted("limit_offset")
def degenerate_data_answered(ref):
    """A row on the margin without a multiplier gets a tiny one instead of an error."""

    def limit_offset(z, step_size=1.0):
        try:
            return ref.limit_offset(z, step_size)
        except ValueError:
            z, _, dual, _, on = _parts(ref, z)
            return np.linalg.lstsq(z[on], math.log(step_size) - np.log(np.maximum(dual[on], 1e-12)), rcond=None)[0]

    return limit_offset


# --- constants ---------------------------------------------------------------------------------------------------------
def _constant(function, change):
    """change(right value, z, tail, power, ref) -> the wrong one."""

    def build(ref):
        right = getattr(ref, function)

        def constant(z, tail="exponential", power=1.0):
            return float(change(right(z, tail, power), np.asarray(z, np.float64), tail, power, ref))

        return constant

    return build


_BOTH = {
    "exponent_multiplies": (
        "Times the power of the exponent, for divided by it.",
        lambda c, z, tail, power, ref: c * power**2 if tail == "poly_exponential" else c,
    ),
    "exponent_forgotten": (
        "The power of the exponent is not read.",
        lambda c, z, tail, power, ref: c * power if tail == "poly_exponential" else c,
    ),
    "exponent_of_every_tail": (
        "Every tail's constant is divided by the power, also that of tails without one.",
        lambda c, z, tail, power, ref: c / power if tail != "poly_exponential" else c,
    ),
    "margin_multiplied_once_more": (
        "Times gamma.",
        lambda c, z, tail, power, ref: c * ref.hard_margin(z).margin,
    ),
}
for _function in ("angle_constant", "gap_constant"):
    for _name, (_statement, _change) in _BOTH.items():
        _build = _constant(_function, _change)
        _build.__name__, _build.__doc__ = _name, _statement
        globals()[f"{_name}_in_{_function}"] = planted(_function)(_build)


@planted("angle_constant")
def offset_not_projected(ref):
    """The norm of the whole offset."""

    def angle_constant(z, tail="exponential", power=1.0):
        right, hard = ref.angle_constant(z, tail, power), ref.hard_margin(z)
        nu = power if tail == "poly_exponential" else 1.0
        return right * 0 + float(np.linalg.norm(ref.limit_offset(z)) * hard.margin / nu)

    return angle_constant


@planted("angle_constant")
def not_divided_by_the_norm(ref):
    """The length across, not divided by |w-hat|."""
    return lambda z, tail="exponential", power=1.0: ref.angle_constant(z, tail, power) / ref.hard_margin(z).margin


@planted("angle_constant")
def squared_across(ref):
    """The squared length across."""
    return lambda z, tail="exponential", power=1.0: ref.angle_constant(z, tail, power) ** 2


@planted("angle_constant")
def answered_without_a_basis(ref):
    """Support vectors that span less than the space get a constant as well."""

    def angle_constant(z, tail="exponential", power=1.0):
        try:
            return ref.angle_constant(z, tail, power)
        except ValueError:
            hard, offset = ref.hard_margin(z), ref.limit_offset(z)
            v = hard.w * hard.margin
            return float(np.linalg.norm(offset - v * (v @ offset)) * hard.margin)

    return angle_constant


@planted("gap_constant")
def mean_for_the_smallest(ref):
    """The mean over the support vectors for the smallest of them."""

    def gap_constant(z, tail="exponential", power=1.0):
        right = ref.gap_constant(z, tail, power)
        z, w, _, margin, on = _parts(ref, z)
        offset, nu = ref.limit_offset(z), power if tail == "poly_exponential" else 1.0
        return right * 0 + float(margin * (margin**2 * (w @ offset) - (z[on] @ offset).mean()) / nu)

    return gap_constant


@planted("gap_constant")
def all_rows_compete(ref):
    """The smallest over all rows, also those beyond the margin."""

    def gap_constant(z, tail="exponential", power=1.0):
        right = ref.gap_constant(z, tail, power)
        z, w, _, margin, _ = _parts(ref, z)
        offset, nu = ref.limit_offset(z), power if tail == "poly_exponential" else 1.0
        return right * 0 + float(margin * (margin**2 * (w @ offset) - (z @ offset).min()) / nu)

    return gap_constant


@planted("gap_constant")
def length_of_w_forgotten(ref):
    """Only margins change: that |w| grows by its part along w-hat is forgotten."""

    def gap_constant(z, tail="exponential", power=1.0):
        right = ref.gap_constant(z, tail, power)
        z, _, _, margin, on = _parts(ref, z)
        offset, nu = ref.limit_offset(z), power if tail == "poly_exponential" else 1.0
        return right * 0 + float(-margin * (z[on] @ offset).min() / nu)

    return gap_constant


@planted("gap_constant")
def largest_of_the_margins(ref):
    """The largest for the smallest."""

    def gap_constant(z, tail="exponential", power=1.0):
        right = ref.gap_constant(z, tail, power)
        z, w, _, margin, on = _parts(ref, z)
        offset, nu = ref.limit_offset(z), power if tail == "poly_exponential" else 1.0
        return right * 0 + float(margin * (margin**2 * (w @ offset) - (z[on] @ offset).max()) / nu)

    return gap_constant


# --- directions --------------------------------------------------------------------------------------------------------
def _unit(v):
    return v / np.linalg.norm(v)


@planted("polynomial_direction")
def maximum_margin_for_all(ref):
    """The maximum margin, whatever the tail."""
    return lambda z, p: _unit(ref.hard_margin(z).w)


@planted("polynomial_direction")
def power_one_more(ref):
    """The power of the slope, p + 1, for that of the loss."""
    return lambda z, p: ref.polynomial_direction(z, p + 1)


@planted("polynomial_direction")
def power_one_less(ref):
    """One power too few."""
    return lambda z, p: ref.polynomial_direction(z, p - 1) if p > 1 else ref.limit_direction(z, "sub_polynomial")


@planted("polynomial_direction")
def not_of_norm_one(ref):
    """The smallest margin is 1, not the norm."""

    def polynomial_direction(z, p):
        v = ref.polynomial_direction(z, p)
        return v / (np.asarray(z, np.float64) @ v).min()

    return polynomial_direction


@planted("polynomial_direction")
def rows_of_norm_one(ref):
    """Rows are divided by their norms first."""

    def polynomial_direction(z, p):
        z = np.asarray(z, np.float64)
        return ref.polynomial_direction(z / np.linalg.norm(z, axis=1, keepdims=True), p)

    return polynomial_direction


@planted("polynomial_direction")
def few_iterations(ref):
    """Three steps of v <- sum z / u^(p + 1), which has not converged."""

    def polynomial_direction(z, p):
        z, v = np.asarray(z, np.float64), _unit(ref.hard_margin(z).w)
        for _ in range(3):
            tried = _unit(v + _unit((z @ v / (z @ v).min()) ** (-p - 1) @ z) / (p + 1))
            v = tried if (z @ tried > 0).all() else v
        return v

    return polynomial_direction


@planted("polynomial_direction")
def largest_part_one(ref):
    """The largest part is 1, not the norm."""

    def polynomial_direction(z, p):
        v = ref.polynomial_direction(z, p)
        return v / np.abs(v).max()

    return polynomial_direction


@planted("polynomial_direction")
def ratio_of_the_gradient(ref):
    """The gradient's own direction at the maximum margin: one step of the way."""

    def polynomial_direction(z, p):
        z, w = np.asarray(z, np.float64), ref.hard_margin(z).w
        return _unit((z @ w) ** (-p - 1) @ z)

    return polynomial_direction


@planted("limit_direction")
def margin_for_every_tail(ref):
    """The maximum margin for every tail."""
    return lambda z, tail="exponential", power=1.0: ref.limit_direction(z)


@planted("limit_direction")
def slow_tail_as_the_slowest_power(ref):
    """The sub-polynomial tail is taken for a polynomial one of power 1."""

    def limit_direction(z, tail="exponential", power=1.0):
        return ref.polynomial_direction(z, 1.0) if tail == "sub_polynomial" else ref.limit_direction(z, tail, power)

    return limit_direction


@planted("limit_direction")
def mean_for_the_slow_tail(ref):
    """The sub-polynomial limit is taken for the mean of the rows, as if all weights were equal."""

    def limit_direction(z, tail="exponential", power=1.0):
        if tail != "sub_polynomial":
            return ref.limit_direction(z, tail, power)
        return _unit(np.asarray(z, np.float64).mean(axis=0))

    return limit_direction


@planted("limit_direction")
def power_not_passed_on(ref):
    """Every polynomial tail has power 1."""
    return lambda z, tail="exponential", power=1.0: ref.limit_direction(z, tail, 1.0)


@planted("limit_direction")
def exponent_taken_for_a_power(ref):
    """The poly-exponential tail is taken for a polynomial one."""

    def limit_direction(z, tail="exponential", power=1.0):
        return ref.limit_direction(z, "polynomial" if tail == "poly_exponential" else tail, power)

    return limit_direction


@planted("limit_direction")
def margin_one(ref):
    """w-hat itself, not its direction."""

    def limit_direction(z, tail="exponential", power=1.0):
        return ref.limit_direction(z, tail, power) / ref.hard_margin(z).margin

    return limit_direction
