"""Planted bugs of the bound on the gap, and of steps that are safe."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


# --- bounds ------------------------------------------------------------------------------------------------------------
def _sums(times):
    t = np.asarray(times)
    s = np.arange(1, t.max() + 1)
    return np.cumsum(1 / np.sqrt(s))[t - 1], np.cumsum(1 / s)[t - 1]


@planted("normalised_bound")
def margin_left_out(ref):
    """The bound of the other update, without the margin."""
    return lambda times, n, margin, update="loss", scale=1.0: ref.normalised_bound(times, n, margin, "unit", scale)


@planted("normalised_bound")
def margin_in_both(ref):
    """Both updates are divided by the margin."""
    return lambda times, n, margin, update="loss", scale=1.0: ref.normalised_bound(times, n, margin, "loss", scale)


@planted("normalised_bound")
def separated_from_the_start(ref):
    """By the norm, no division by the margin even while rows may be on the wrong side: early gaps lie above it."""

    def normalised_bound(times, n, margin, update="loss", scale=1.0):
        right = ref.normalised_bound(times, n, margin, "loss", scale)
        return right * margin if update == "unit" else right

    return normalised_bound


@planted("normalised_bound")
def squares_not_halved(ref):
    """The sum of the squared steps without its half."""

    def normalised_bound(times, n, margin, update="loss", scale=1.0):
        roots, inverses = _sums(np.minimum(times, 10_000))
        more = scale * inverses / 2 / roots
        return ref.normalised_bound(times, n, margin, update, scale) + more / (margin if update == "loss" else 1.0)

    return normalised_bound


@planted("normalised_bound")
def examples_for_their_logarithm(ref):
    """N for log N."""
    return lambda times, n, *rest: ref.normalised_bound(times, int(np.exp(min(n, 30))), *rest)


@planted("normalised_bound")
def one_step_less(ref):
    """The sums end a step early."""
    return lambda times, *rest: ref.normalised_bound(np.maximum(np.asarray(times) - 1, 1), *rest)


@planted("normalised_bound")
def root_for_the_sum(ref):
    """sqrt(T) for the sum of 1 / sqrt(t), which is nearly twice that."""

    def normalised_bound(times, n, margin, update="loss", scale=1.0):
        roots = 2 * np.sqrt(np.asarray(times, np.float64))
        right = ref.normalised_bound(times, n, margin, update, scale)
        return right * _sums(np.minimum(times, 10_000))[0] / roots * 2

    return normalised_bound


@planted("normalised_bound")
def asymptotic_sums(ref):
    """2 sqrt(T) and log T for the sums, without their constants."""

    def normalised_bound(times, n, margin, update="loss", scale=1.0):
        T = np.asarray(times, np.float64)
        bound = (scale**2 * np.log(T) / 2 + np.log(n)) / (2 * scale * np.sqrt(T))
        return bound / margin if update == "loss" else bound

    return normalised_bound


@planted("normalised_bound")
def scale_counted_once(ref):
    """The scale divides the bound, but its square is not in the sum of squares."""

    def normalised_bound(times, n, margin, update="loss", scale=1.0):
        return ref.normalised_bound(times, n, margin, update, 1.0) / scale

    return normalised_bound


# --- steps that are safe -----------------------------------------------------------------------------------------------
@planted("default_step")
def limit_itself(ref):
    """2 over the curvature, where descent goes back and forth."""
    return lambda *given: 2 * ref.default_step(*given)


def _smooth(change):
    """The step of a smooth loss times change(z, tail, power, ref)."""

    def build(ref):
        def default_step(z, tail="exponential", power=1.0, w=None):
            right = ref.default_step(z, tail, power, w)
            return float(
                right if tail == "exponential" else right * change(np.asarray(z, np.float64), tail, power, ref)
            )

        return default_step

    return build


@planted("default_step")
def singular_value_not_squared(ref):
    """1 / (beta sigma)."""
    return _smooth(lambda z, tail, power, ref: np.linalg.norm(z, 2))(ref)


@planted("default_step")
def frobenius_norm(ref):
    """The sum of all squares for the largest singular value's square."""
    return _smooth(lambda z, tail, power, ref: np.linalg.norm(z, 2) ** 2 / np.linalg.norm(z) ** 2)(ref)


@planted("default_step")
def curvature_forgotten(ref):
    """1 / sigma^2."""
    return _smooth(lambda z, tail, power, ref: ref.smoothness(tail, power))(ref)


@planted("default_step")
def for_a_mean(ref):
    """The step for the mean of the losses, N times too long for their sum."""
    return lambda z, *given: len(z) * ref.default_step(z, *given)


@planted("default_step")
def start_not_read(ref):
    """The curvature at w = 0, whatever the start: far on the wrong side the first step overshoots."""
    return lambda z, tail="exponential", power=1.0, w=None: ref.default_step(z, tail, power)


@planted("default_step")
def loss_at_the_start_alone(ref):
    """The loss at the start, also where it is less than N."""

    def default_step(z, tail="exponential", power=1.0, w=None):
        right = ref.default_step(z, tail, power, w)
        if tail != "exponential" or w is None:
            return right
        z = np.asarray(z, np.float64)
        return float(np.exp(-ref.log_total_loss(z @ w)) / (z**2).sum(axis=1).max())

    return default_step


@planted("default_step")
def smooth_rule_for_every_loss(ref):
    """1 / sigma^2 for the exponential loss too, as if its curvature were 1 at most."""

    def default_step(z, tail="exponential", power=1.0, w=None):
        if tail != "exponential":
            return ref.default_step(z, tail, power, w)
        return float(1 / np.linalg.norm(np.asarray(z, np.float64), 2) ** 2)

    return default_step
