"""Planted bugs of losses, their slopes and sums."""

from __future__ import annotations

import math

import numpy as np

from minidl.laws.core import planted


def _one_tail(right, tail, wrong):
    """The function with one tail wrong: wrong(u, power)."""

    def function(u, kind="exponential", power=1.0):
        return wrong(np.asarray(u, np.float64), power) if kind == tail else right(u, kind, power)

    return function


# --- signed inputs -----------------------------------------------------------------------------------------------------
@planted("signed_inputs")
def labels_forgotten(ref):
    """The inputs as they are."""
    return lambda x, labels: np.array(x, np.float64)


@planted("signed_inputs")
def labels_along_features(ref):
    """Labels are multiplied along the features, where there are as many."""

    def signed_inputs(x, labels):
        x, labels = np.asarray(x, np.float64), np.asarray(labels, np.float64)
        return x * labels if x.shape[0] == x.shape[1] else x * labels[:, None]

    return signed_inputs


@planted("signed_inputs")
def signs_exchanged(ref):
    """z = -y x."""
    return lambda x, labels: -ref.signed_inputs(x, labels)


@planted("signed_inputs")
def labels_as_a_mask(ref):
    """Rows of label -1 become zero, as if labels were 0 and 1."""
    return lambda x, labels: np.asarray(x, np.float64) * (np.asarray(labels) > 0)[:, None]


# --- the loss ----------------------------------------------------------------------------------------------------------
@planted("loss")
def base_two(ref):
    """2^-u for e^-u."""
    return _one_tail(ref.loss, "exponential", lambda u, power: 2.0**-u)


@planted("loss")
def logistic_sign(ref):
    """log(1 + e^u): it grows with the margin."""
    return _one_tail(ref.loss, "logistic", lambda u, power: np.logaddexp(0, u))


@planted("loss")
def logistic_in_bits(ref):
    """The logistic loss with base 2, 1 at margin 0."""
    return _one_tail(ref.loss, "logistic", lambda u, power: np.logaddexp(0, -u) / math.log(2))


@planted("loss")
def logistic_by_logarithm(ref):
    """log(1 + x) of a rounded sum: it loses the digits of small losses, and overflows."""

    def wrong(u, power):
        with np.errstate(all="ignore"):
            return np.log(1 + np.exp(-u))

    return _one_tail(ref.loss, "logistic", wrong)


@planted("loss")
def slope_for_the_loss(ref):
    """e^-(u^power) itself instead of its integral."""
    return _one_tail(
        ref.loss, "poly_exponential", lambda u, power: np.exp(ref.log_loss_slope(u, "poly_exponential", power))
    )


@planted("loss")
def gamma_without_its_factor(ref):
    """Gamma(1 / power, u^power) is not divided by the power."""
    return _one_tail(ref.loss, "poly_exponential", lambda u, power: power * ref.loss(u, "poly_exponential", power))


@planted("loss")
def polynomial_constant_below(ref):
    """The polynomial loss stays at its value at 1 below 1: no slope, so that such points are given up."""
    return _one_tail(ref.loss, "polynomial", lambda u, power: np.maximum(u, 1) ** -power)


@planted("loss")
def line_of_slope_one(ref):
    """The line below 1 has slope -1, whatever the power: a corner."""
    return _one_tail(ref.loss, "polynomial", lambda u, power: np.maximum(u, 1) ** -power + np.maximum(1 - u, 0))


@planted("loss")
def polynomial_of_one_more(ref):
    """u^-(p + 1): the power of the slope."""
    return _one_tail(ref.loss, "polynomial", lambda u, power: ref.loss(u, "polynomial", power + 1))


@planted("loss")
def logarithm_from_one_on(ref):
    """1 / log(u) with the line from u = 2 on."""

    def wrong(u, power):
        return np.where(u > 2, 1 / np.log(np.maximum(u, 2)), 1 / math.log(2) + (2 - u) / (2 * math.log(2) ** 2))

    return _one_tail(ref.loss, "sub_polynomial", wrong)


# --- its logarithm -----------------------------------------------------------------------------------------------------
@planted("log_loss")
def logarithm_taken_last(ref):
    """The logarithm of the loss: minus infinity where that underflows."""

    def log_loss(u, tail="exponential", power=1.0):
        with np.errstate(all="ignore"):
            return np.log(ref.loss(u, tail, power))

    return log_loss


@planted("log_loss")
def log_of_the_slope(ref):
    """log(-l') for log(l): the same for the exponential alone."""
    return lambda u, tail="exponential", power=1.0: ref.log_loss_slope(u, tail, power)


@planted("log_loss")
def logistic_as_exponential(ref):
    """The logistic loss is taken for e^-u."""
    return _one_tail(ref.log_loss, "logistic", lambda u, power: -u)


@planted("log_loss")
def logistic_cut_early(ref):
    """e^-u from u = 3 on, which is good to 5 %."""
    return _one_tail(ref.log_loss, "logistic", lambda u, power: np.where(u > 3, -u, ref.log_loss(u, "logistic", 1.0)))


@planted("log_loss")
def tail_without_its_line(ref):
    """The polynomial loss is cut off below 1."""
    return _one_tail(ref.log_loss, "polynomial", lambda u, power: -power * np.log(np.maximum(u, 1)))


@planted("log_loss")
def leading_term_alone(ref):
    """-u^power, without the factor that the integral has beside it."""
    return _one_tail(ref.log_loss, "poly_exponential", lambda u, power: -(np.maximum(u, 1) ** power))


@planted("log_loss")
def minus_the_logarithm(ref):
    """The sign."""
    return lambda u, tail="exponential", power=1.0: -ref.log_loss(u, tail, power)


@planted("log_loss")
def one_logarithm_too_few(ref):
    """-log u for -log log u."""
    return _one_tail(ref.log_loss, "sub_polynomial", lambda u, power: -np.log(np.maximum(u, math.e)))


# --- its slope ---------------------------------------------------------------------------------------------------------
@planted("log_loss_slope")
def sigmoid_of_the_margin(ref):
    """The logistic weight of the right side: sigmoid(u) for sigmoid(-u)."""
    return _one_tail(ref.log_loss_slope, "logistic", lambda u, power: -np.logaddexp(0, -u))


@planted("log_loss_slope")
def exponential_for_logistic(ref):
    """The logistic weight is e^-u: not bounded by 1."""
    return _one_tail(ref.log_loss_slope, "logistic", lambda u, power: -u)


@planted("log_loss_slope")
def sigmoid_in_the_linear_domain(ref):
    """log(1 / (1 + e^u)), which is minus infinity for large margins."""

    def wrong(u, power):
        with np.errstate(all="ignore"):
            return np.log(1 / (1 + np.exp(u)))

    return _one_tail(ref.log_loss_slope, "logistic", wrong)


@planted("log_loss_slope")
def factor_of_the_power_missing(ref):
    """u^-(p + 1) without the factor p."""
    return _one_tail(
        ref.log_loss_slope, "polynomial", lambda u, power: ref.log_loss_slope(u, "polynomial", power) - np.log(power)
    )


@planted("log_loss_slope")
def power_of_the_loss(ref):
    """p u^-p: the power is not lowered."""
    return _one_tail(
        ref.log_loss_slope, "polynomial", lambda u, power: np.log(power) - power * np.log(np.maximum(u, 1))
    )


@planted("log_loss_slope")
def no_line_below(ref):
    """The poly-exponential weight goes on below 1 to its maximum 1 at 0."""
    return _one_tail(ref.log_loss_slope, "poly_exponential", lambda u, power: -(np.maximum(u, 0) ** power))


@planted("log_loss_slope")
def derivative_of_the_exponent(ref):
    """e^-(u^power) is taken for the loss, so that its slope has a factor power u^(power - 1)."""

    def wrong(u, power):
        m = np.maximum(u, 1)
        return -(m**power) + np.log(power) + (power - 1) * np.log(m)

    return _one_tail(ref.log_loss_slope, "poly_exponential", wrong)


@planted("log_loss_slope")
def logarithm_not_squared(ref):
    """1 / (u log u), which is the slope of log log u."""

    def wrong(u, power):
        m = np.maximum(u, math.e)
        return -np.log(m) - np.log(np.log(m))

    return _one_tail(ref.log_loss_slope, "sub_polynomial", wrong)


@planted("log_loss_slope")
def line_from_one(ref):
    """The sub-polynomial weight is cut off at 1 / e^2 from margins of 2 e downwards."""

    def wrong(u, power):
        return ref.log_loss_slope(np.maximum(u, 2 * math.e), "sub_polynomial", power)

    return _one_tail(ref.log_loss_slope, "sub_polynomial", wrong)


# --- sums --------------------------------------------------------------------------------------------------------------
@planted("log_total_loss")
def mean_for_sum(ref):
    """The mean over the examples."""
    return lambda u, tail="exponential", power=1.0: ref.log_total_loss(u, tail, power) - math.log(np.shape(u)[-1])


@planted("log_total_loss")
def worst_example_alone(ref):
    """The loss of the smallest margin."""
    return lambda u, tail="exponential", power=1.0: ref.log_loss(np.min(u, axis=-1), tail, power)


@planted("log_total_loss")
def summed_before_the_logarithm(ref):
    """The losses are summed as they are."""

    def log_total_loss(u, tail="exponential", power=1.0):
        with np.errstate(all="ignore"):
            return np.log(ref.loss(u, tail, power).sum(axis=-1))

    return log_total_loss


@planted("log_total_loss")
def sum_of_logarithms(ref):
    """The product of the losses."""
    return lambda u, tail="exponential", power=1.0: ref.log_loss(u, tail, power).sum(axis=-1)


@planted("log_total_loss")
def shift_not_put_back(ref):
    """The largest term is taken out of the sum and forgotten."""

    def log_total_loss(u, tail="exponential", power=1.0):
        return ref.log_total_loss(u, tail, power) - ref.log_loss(u, tail, power).max(axis=-1)

    return log_total_loss


@planted("log_total_loss")
def sum_of_slopes(ref):
    """The slopes are summed, which for the exponential are the losses."""

    def log_total_loss(u, tail="exponential", power=1.0):
        a = ref.log_loss_slope(u, tail, power)
        top = a.max(axis=-1)
        return top + np.log(np.exp(a - top[..., None]).sum(axis=-1))

    return log_total_loss


@planted("log_total_loss")
def shifted_by_the_smallest(ref):
    """The smallest term is taken out: the others overflow."""

    def log_total_loss(u, tail="exponential", power=1.0):
        a = ref.log_loss(u, tail, power)
        low = a.min(axis=-1)
        with np.errstate(all="ignore"):
            return low + np.log(np.exp(a - low[..., None]).sum(axis=-1))

    return log_total_loss


@planted("log_total_loss")
def exponential_whatever_the_tail(ref):
    """The tail is not passed on."""
    return lambda u, tail="exponential", power=1.0: ref.log_total_loss(u)


# --- smoothness --------------------------------------------------------------------------------------------------------
def _one_beta(ref, tail, wrong):
    def smoothness(kind="exponential", power=1.0):
        return float(wrong(power)) if kind == tail else ref.smoothness(kind, power)

    return smoothness


@planted("smoothness")
def logistic_slope_for_curvature(ref):
    """1/2, the logistic slope at 0."""
    return _one_beta(ref, "logistic", lambda power: 0.5)


@planted("smoothness")
def polynomial_without_its_second_factor(ref):
    """p for p (p + 1)."""
    return _one_beta(ref, "polynomial", lambda power: power)


@planted("smoothness")
def slope_at_the_corner(ref):
    """e^-1, the poly-exponential slope at 1, which is its curvature for power 1 only."""
    return _one_beta(ref, "poly_exponential", lambda power: math.exp(-1))


@planted("smoothness")
def two_terms_of_three(ref):
    """2 / e^2: the derivative of 1 / u in the sub-polynomial slope is forgotten."""
    return _one_beta(ref, "sub_polynomial", lambda power: 2 / math.e**2)
