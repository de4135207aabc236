"""Planted bugs of AvaGradW: AvaGrad's program with other formulas for the decay, and with its own bugs."""

from __future__ import annotations

import numpy as np

from minidl.laws.avagrad.planted_adam import undecayed
from minidl.laws.avagrad.planted_avagrad import corrected, mean_of_rates, normalise, per_tensor
from minidl.laws.core import planted


def with_the_moves(w, decay, lr, t, gamma):
    """What AvaGradW does: decay goes with the moves."""
    return w if gamma is None else w * (1 - lr * decay)


@planted("avagradw")
def avagradw_decay_coupled(ref):
    """Decay joins the gradient, as in AvaGrad."""
    return ref.avagrad


@planted("avagradw")
def decays_at_rest(ref):
    """Decay shrinks the weights in the first step too, where nothing else moves."""
    return normalise(penalty=undecayed, shrink=lambda w, decay, lr, t, gamma: w * (1 - lr * decay))


@planted("avagradw")
def avagradw_decay_without_the_rate(ref):
    """Decay is not multiplied by the learning rate."""
    return normalise(penalty=undecayed, shrink=lambda w, decay, lr, t, gamma: w if gamma is None else w * (1 - decay))


@planted("avagradw")
def avagradw_decay_by_the_rate_squared(ref):
    """Decay is multiplied by the learning rate twice."""

    def shrink(w, decay, lr, t, gamma):
        return w if gamma is None else w * (1 - lr * lr * decay)

    return normalise(penalty=undecayed, shrink=shrink)


@planted("avagradw")
def decay_normalised_too(ref):
    """Decay is multiplied by the normaliser, as if it were a rate."""

    def shrink(w, decay, lr, t, gamma):
        return w if gamma is None else w * (1 - gamma * lr * decay)

    return normalise(penalty=undecayed, shrink=shrink)


@planted("avagradw")
def avagradw_decay_after_the_move(ref):
    """Decay shrinks the new parameters, the move of this step included."""
    return normalise(penalty=undecayed, after=lambda w, decay, lr: w * (1 - lr * decay))


@planted("avagradw")
def avagradw_grows(ref):
    """The sign of the decay is wrong."""

    def shrink(w, decay, lr, t, gamma):
        return w if gamma is None else w * (1 + lr * decay)

    return normalise(penalty=undecayed, shrink=shrink)


@planted("avagradw")
def both_decays_at_once(ref):
    """Decay joins the gradient and shrinks the weights as well."""
    return normalise(shrink=with_the_moves)


@planted("avagradw")
def avagradw_per_tensor(ref):
    """Every tensor has a normaliser of its own."""
    return normalise(penalty=undecayed, shrink=with_the_moves, norm=per_tensor)


@planted("avagradw")
def avagradw_mean_for_rms(ref):
    """The rates are divided by their mean instead of their root mean square."""
    return normalise(penalty=undecayed, shrink=with_the_moves, norm=mean_of_rates)


@planted("avagradw")
def avagradw_released_in_sync(ref):
    """The released form takes its normaliser from the rates of the same step."""
    return normalise(penalty=undecayed, shrink=with_the_moves, stale=lambda handed, now, t: now)


@planted("avagradw")
def avagradw_not_delayed(ref):
    """The rates use the second moment with the current gradient in it."""
    return normalise(
        penalty=undecayed,
        shrink=with_the_moves,
        paper_root=lambda v, new, eps: np.sqrt(new) + eps,
        root=lambda v, new, beta2, t, eps: corrected(new, beta2, t) + eps,
    )
