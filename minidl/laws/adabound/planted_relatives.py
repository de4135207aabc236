"""Planted bugs of AdaBound's relatives: the bound functions, the momentum SGD, the projected form."""

from __future__ import annotations

import math

import numpy as np

from minidl.laws.adabound.machine import MOMENTS, MOMENTUM_SGD, in_each, wrong
from minidl.laws.core import planted


# --- momentum SGD ------------------------------------------------------------------------------------------------------
@in_each("momentum_sgd")
def first_gradient_at_full_rate(function):
    """The first buffer is the whole gradient, as in torch: dampening starts with the second step."""
    return wrong(function, m=lambda s: s.g if s.t == 1 else MOMENTS["m"](s))


@in_each("momentum_sgd")
def rate_inside_the_buffer(function):
    """The buffer gathers rate times gradient, so that a gradient keeps the rate of its own step."""
    return wrong(
        function,
        m=lambda s: s.g,
        step=lambda s: s.beta1 * (s.step if s.t > 1 else 0) + (1 - s.beta1) * s.rate * s.g,
    )


@in_each("momentum_sgd")
def nesterov(function):
    """The step looks ahead, as Nesterov's momentum does."""
    return wrong(function, step=lambda s: s.rate * (s.beta1 * s.m + (1 - s.beta1) * s.g))


@in_each("momentum_sgd")
def momentum_corrected(function):
    """The momentum is bias-corrected, as in Adam."""
    return wrong(function, step=lambda s: s.rate * (s.m / (1 - s.beta1**s.t)))


@in_each("momentum_sgd")
def always_final(function):
    """The schedule is not looked at: the rate is final_lr throughout."""
    return wrong(function, rate=lambda s: s.final)


@in_each("momentum_sgd")
def weighted_twice(function):
    """The rate is multiplied by 1 - beta1, as if it belonged to a heavy ball, whose gradients enter at full weight."""
    return wrong(function, rate=lambda s: MOMENTUM_SGD["rate"](s) * (1 - s.beta1))


# --- the projected form ------------------------------------------------------------------------------------------------
@in_each("adabound_projected")
def root_of_t_missing(function):
    """The rate is not divided by sqrt(t), as in the released code."""
    return wrong(function, step=lambda s: s.rate * s.m)


@in_each("adabound_projected")
def root_of_t_inside_the_clip(function):
    """alpha falls as 1 / sqrt(t) before the clip, so that the band holds the rate up."""
    inside = lambda s: s.alpha / np.sqrt(s.v) / math.sqrt(s.t)  # noqa: E731
    return wrong(function, raw=inside, step=lambda s: s.rate * s.m)


@in_each("adabound_projected")
def divided_by_t(function):
    """The rate is divided by t instead of its root."""
    return wrong(function, step=lambda s: s.rate / s.t * s.m)


@in_each("adabound_projected")
def projection_missing(function):
    """Iterates leave the box."""
    return wrong(function, w=lambda s: s.w - s.step)


@in_each("adabound_projected")
def projected_for_show(function):
    """The projected iterate is reported, but the next step starts from the one that was not projected."""
    free = wrong(function, w=lambda s: s.w - s.step)
    return lambda *inputs: np.clip(free(*inputs), -inputs[-1], inputs[-1])


@in_each("adabound_projected")
def projected_onto_the_ball(function):
    """The iterate is scaled back onto a ball of that radius instead of being clipped into the box."""

    def w(s):
        free = s.w - s.step
        norm = float(np.linalg.norm(free))
        return free * min(1.0, s.radius / norm) if norm else free

    return wrong(function, w=w)


@in_each("adabound_projected")
def step_clipped_instead(function):
    """The step is clipped to the radius, not the iterate."""
    return wrong(function, w=lambda s: s.w - np.clip(s.step, -s.radius, s.radius))


@in_each("adabound_projected")
def momentum_weight_stays(function):
    """beta1 keeps its first value."""
    return lambda *inputs: wrong(function)(*inputs[:4], float(inputs[4][0]), *inputs[5:])


@in_each("adabound_projected")
def bias_corrected(function):
    """The rate has Adam's correction of the second moment."""
    return wrong(function, raw=lambda s: s.alpha * math.sqrt(1 - s.beta2**s.t) / np.sqrt(s.v))


@in_each("adabound_projected")
def root_of_the_moment_missing(function):
    """The rate divides by the second moment instead of its root."""
    return wrong(function, raw=lambda s: s.alpha / s.v)


@in_each("adabound_projected")
def ascent(function):
    """The sign of the step is wrong."""
    return wrong(function, w=lambda s: np.clip(s.w + s.step, -s.radius, s.radius))


# --- the bounds --------------------------------------------------------------------------------------------------------
def _band(x, final_lr):
    with np.errstate(all="ignore"):
        return final_lr * (x / (x + 1)), final_lr * (1 + 1 / np.asarray(x, float))


@planted("bounds")
def exchanged(ref):
    """Lower and upper bound come in the wrong order."""
    return lambda t, final_lr, gamma: ref.bounds(t, final_lr, gamma)[::-1]


@planted("bounds")
def steps_counted_from_zero(ref):
    """The bounds are those of t - 1."""
    return lambda t, final_lr, gamma: _band(gamma * (np.asarray(t) - 1), final_lr)


@planted("bounds")
def steps_counted_ahead(ref):
    """The bounds are those of t + 1."""
    return lambda t, final_lr, gamma: _band(gamma * (np.asarray(t) + 1), final_lr)


@planted("bounds")
def one_added_to_the_step(ref):
    """The lower bound is 1 - 1 / (gamma (t + 1)) instead of 1 - 1 / (gamma t + 1)."""
    return lambda t, final_lr, gamma: (
        final_lr * (1 - 1 / (gamma * (np.asarray(t) + 1))),
        ref.bounds(t, final_lr, gamma)[1],
    )


@planted("bounds")
def mirrored_upper_bound(ref):
    """The upper bound is 1 + 1 / (gamma t + 1): symmetric in difference, not in ratio."""
    return lambda t, final_lr, gamma: (
        ref.bounds(t, final_lr, gamma)[0],
        final_lr * (1 + 1 / (gamma * np.asarray(t) + 1)),
    )


@planted("bounds")
def mirrored_lower_bound(ref):
    """The lower bound is 1 - 1 / (gamma t): negative while the band is wide."""
    return lambda t, final_lr, gamma: (final_lr * (1 - 1 / (gamma * np.asarray(t))), ref.bounds(t, final_lr, gamma)[1])


@planted("bounds")
def relative_bounds(ref):
    """The bounds are relative to final_lr, which is not multiplied in."""
    return lambda t, final_lr, gamma: ref.bounds(t, 1.0, gamma)


@planted("bounds")
def shifted_bounds(ref):
    """1 / (gamma t) is added to final_lr and subtracted from it, unscaled."""

    def bounds(t, final_lr, gamma):
        x = gamma * np.asarray(t)
        return final_lr - 1 / (x + 1), final_lr + 1 / x

    return bounds


@planted("bounds")
def geometric_closing(ref):
    """gamma is taken for the rate of a geometric closing, (1 - gamma)^t."""

    def bounds(t, final_lr, gamma):
        gap = np.abs(1 - gamma) ** np.asarray(t, float)
        return final_lr * (1 - gap), final_lr * (1 + gap)

    return bounds


@planted("bounds")
def first_step_for_all(ref):
    """Of an array of steps only the first one is looked at."""

    def bounds(t, final_lr, gamma):
        lower, upper = ref.bounds(int(np.ravel(t)[0]), final_lr, gamma)
        return np.full(np.shape(t), lower)[()], np.full(np.shape(t), upper)[()]

    return bounds
