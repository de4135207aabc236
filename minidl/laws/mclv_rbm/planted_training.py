"""Planted bugs of a training step."""

from __future__ import annotations

import math

from minidl.laws.core import planted


# --- learning rate -----------------------------------------------------------------------------------------------------
@planted("learning_rate")
def rounded_down(ref):
    """The plateaus are rounded down and counted from 1: the first one is an epoch too long."""
    return lambda epoch, rate, plateau: rate / max(1, (1 + epoch) // plateau)


@planted("learning_rate")
def epoch_not_counted_from_one(ref):
    """ceil(epoch / plateau): the first epoch of each plateau belongs to the one before."""
    return lambda epoch, rate, plateau: rate / max(1, -(-epoch // plateau))


@planted("learning_rate")
def halved_each_time(ref):
    """The rate is halved at each plateau instead of divided by their number."""
    return lambda epoch, rate, plateau: rate * 0.5 ** (epoch // plateau)


@planted("learning_rate")
def no_plateaus(ref):
    """The rate falls smoothly."""
    return lambda epoch, rate, plateau: rate / ((1 + epoch) / plateau)


@planted("learning_rate")
def constant_rate(ref):
    """The rate never falls."""
    return lambda epoch, rate, plateau: rate * math.ceil(1)


# --- steps -------------------------------------------------------------------------------------------------------------
def _step(parameter, change):
    return parameter + change, change


@planted("ascent_step")
def descent(ref):
    """A step downhill: the gradient of a loss."""
    return lambda p, g, previous, rate, momentum, decay: ref.ascent_step(p, -g, previous, rate, momentum, decay)


@planted("ascent_step")
def decay_with_the_gradients_sign(ref):
    """Weight decay grows the parameters."""
    return lambda p, g, previous, rate, momentum, decay: ref.ascent_step(p, g, previous, rate, momentum, -decay)


@planted("ascent_step")
def decay_without_rate(ref):
    """Weight decay is not multiplied by the learning rate."""
    return lambda p, g, previous, rate, momentum, decay: _step(p, rate * g - decay * p + momentum * previous)


@planted("ascent_step")
def momentum_times_rate(ref):
    """The last change is multiplied by the learning rate once more."""
    return lambda p, g, previous, rate, momentum, decay: _step(p, rate * (g - decay * p + momentum * previous))


@planted("ascent_step")
def averaged_momentum(ref):
    """The gradient is multiplied by 1 - momentum: a moving average."""
    return lambda p, g, previous, rate, momentum, decay: _step(
        p, (1 - momentum) * rate * (g - decay * p) + momentum * previous
    )


@planted("ascent_step")
def change_without_momentum(ref):
    """What is remembered as the change is the step without its momentum."""

    def ascent_step(p, g, previous, rate, momentum, decay):
        found = ref.ascent_step(p, g, previous, rate, momentum, decay)
        return found.parameter, rate * (g - decay * p)

    return ascent_step
