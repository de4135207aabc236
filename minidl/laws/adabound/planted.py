"""Planted bugs of AdaBound, AMSBound and AdaBoundW, and what their relatives share: mistakes that implementers make, one at a
time. Laws and golden values kill each.
"""

from __future__ import annotations

import math

import numpy as np

from minidl.laws.adabound import planted_relatives
from minidl.laws.adabound.machine import (
    ADABOUND,
    ADABOUNDW,
    FAMILY,
    MOMENTS,
    TABLES,
    in_each,
    lower,
    trajectory,
    upper,
    wrong,
)
from minidl.laws.core import Planted


# --- the rate ----------------------------------------------------------------------------------------------------------
@in_each(*FAMILY, "momentum_sgd", "adabound_projected")
def band_one_step_ahead(function):
    """The band is that of t + 1: the step is counted before it is taken, and once more in the schedule."""
    return wrong(function, lower=lambda s: lower(s, s.t + 1), upper=lambda s: upper(s, s.t + 1))


@in_each(*FAMILY, "adabound_projected")
def band_one_step_behind(function):
    """Steps are counted from 0, so the first one has no bounds."""
    return wrong(function, lower=lambda s: lower(s, s.t - 1), upper=lambda s: upper(s, s.t - 1))


@in_each(*FAMILY, "momentum_sgd", "adabound_projected")
def bounds_exchanged(function):
    """The lower bound is taken for the upper one, so that the rate is always the smaller of the two."""
    return wrong(function, lower=lambda s: upper(s, s.t), upper=lambda s: lower(s, s.t))


@in_each(*FAMILY, "momentum_sgd", "adabound_projected")
def gamma_on_the_step_after(function):
    """The lower bound is 1 - 1 / (gamma (t + 1)) instead of 1 - 1 / (gamma t + 1): negative while the band is wide."""
    return wrong(function, lower=lambda s: s.final * (1 - 1 / (s.gamma * (s.t + 1))))


@in_each(*FAMILY, "momentum_sgd", "adabound_projected")
def upper_bound_mirrored(function):
    """The upper bound is 1 + 1 / (gamma t + 1), as far from final_lr as the lower one, and at most twice final_lr."""
    return wrong(function, upper=lambda s: s.final * (1 + 1 / (s.gamma * s.t + 1)))


@in_each(*FAMILY, "momentum_sgd")
def band_stays(function):
    """The band does not follow the learning rate, so that a scheduler ceases to matter once the rates are clipped."""
    return wrong(function, final=lambda s: s.final_lr)


@in_each(*FAMILY, "momentum_sgd")
def band_times_learning_rate(function):
    """final_lr is multiplied by the learning rate, without dividing by the one at the start."""
    return wrong(function, final=lambda s: s.final_lr * s.lr)


@in_each(*FAMILY, "momentum_sgd")
def base_rate_follows(function):
    """The base learning rate is that of the step before, so that the band recovers one step after every change."""

    def final(s):
        before, s.first_lr = s.first_lr, s.lr
        return s.final_lr * (s.lr / before) if before else s.final_lr

    return wrong(function, final=final)


@in_each(*FAMILY, "adabound_projected")
def update_clipped(function):
    """The update is clipped into the band, not the rate."""

    root = math.sqrt if function == "adabound_projected" else lambda t: 1.0

    def step(s):
        update = np.where(s.m == 0, 0, s.raw * s.m).astype(s.w.dtype)
        return np.sign(update) * np.clip(np.abs(update), s.lower, s.upper) / root(s.t)

    return wrong(function, step=step)


@in_each(*FAMILY, "adabound_projected")
def no_lower_bound(function):
    """Rates are only clipped from above."""
    return wrong(function, rate=lambda s: np.minimum(s.raw, s.upper))


@in_each(*FAMILY, "adabound_projected")
def no_upper_bound(function):
    """Rates are only clipped from below."""
    return wrong(function, rate=lambda s: np.maximum(s.raw, s.lower))


@in_each(*FAMILY, "adabound_projected")
def one_rate_for_all(function):
    """The second moment is averaged over the coordinates, so that the whole tensor has one rate."""
    return wrong(function, v=lambda s: s.beta2 * s.v + (1 - s.beta2) * np.mean(s.g * s.g))


# --- moments and corrections -------------------------------------------------------------------------------------------
@in_each(*FAMILY, "momentum_sgd", "adabound_projected")
def gradient_at_full_weight(function):
    """The momentum adds the whole gradient, without the factor 1 - beta1."""
    return wrong(function, m=lambda s: s.beta1 * s.m + s.g)


@in_each(*FAMILY, "adabound_projected")
def second_moment_at_full_weight(function):
    """The second moment adds the whole square, without the factor 1 - beta2, as Adagrad does."""
    return wrong(function, v=lambda s: s.beta2 * s.v + s.g * s.g)


@in_each(*FAMILY)
def eps_inside_the_root(function):
    """eps is added to the second moment, under the root."""
    return wrong(function, root=lambda s: np.sqrt(s.top + s.eps))


@in_each(*FAMILY)
def eps_after_the_correction(function):
    """eps is added to the corrected root, as torch's Adam does; AdaBound adds it to the uncorrected one."""
    corrected = lambda s: np.sqrt(s.top) + s.eps * math.sqrt(1 - s.beta2**s.t)  # noqa: E731
    return wrong(function, root=corrected)


@in_each(*FAMILY)
def correction_forgotten(function):
    """The raw rate has no bias correction."""
    return wrong(function, correction=lambda s: 1.0)


@in_each(*FAMILY)
def correction_of_the_momentum(function):
    """The momentum is corrected as well as the rate, so that its correction also acts where the rate is clipped."""
    return wrong(function, correction=lambda s: math.sqrt(1 - s.beta2**s.t), step=_corrected)


def _corrected(s):
    return s.rate * (s.m / (1 - s.beta1**s.t))


@in_each(*FAMILY)
def correction_doubled(function):
    """The momentum is corrected on top of the rate's own correction."""
    return wrong(function, step=_corrected)


@in_each(*FAMILY)
def correction_without_root(function):
    """The second moment's correction enters without its root."""
    return wrong(function, correction=lambda s: (1 - s.beta2**s.t) / (1 - s.beta1**s.t))


@in_each(*FAMILY)
def correction_one_step_late(function):
    """The bias corrections are those of t + 1."""
    return wrong(function, correction=lambda s: math.sqrt(1 - s.beta2 ** (s.t + 1)) / (1 - s.beta1 ** (s.t + 1)))


@in_each(*FAMILY)
def corrected_after_the_clip(function):
    """The uncorrected rate is clipped, and the correction multiplies what is left: the rate can leave the band."""
    clip = lambda s: s.correction * np.clip(s.raw / s.correction, s.lower, s.upper)  # noqa: E731
    return wrong(function, rate=clip)


@in_each(*FAMILY, "momentum_sgd", "adabound_projected")
def result_in_double_precision(function):
    """float32 parameters come back as float64."""
    return lambda *inputs: trajectory(*TABLES[function], *inputs).astype(np.float64)


# --- weight decay and the maximum --------------------------------------------------------------------------------------
@in_each("adabound", "amsbound")
def decay_decoupled(function):
    """The weight decay bypasses the moments, as in AdaBoundW."""
    return wrong(function, g=ADABOUNDW["g"], w=ADABOUNDW["w"])


@in_each("adabound", "amsbound")
def decay_times_learning_rate_outside(function):
    """The weight decay bypasses the moments and is multiplied by the learning rate, as in AdamW and some packages."""
    return wrong(function, g=ADABOUNDW["g"], w=lambda s: s.w - s.step - s.lr * s.weight_decay * s.w)


@in_each("adabound", "amsbound")
def decay_missing_from_the_second_moment(function):
    """The weight decay enters the momentum but not the second moment."""
    return wrong(function, g=lambda s: s.g, m=lambda s: s.beta1 * s.m + (1 - s.beta1) * (s.g + s.weight_decay * s.w))


@in_each("adaboundw")
def decay_coupled(function):
    """The weight decay is added to the gradient."""
    return wrong(function, g=ADABOUND["g"], w=ADABOUND["w"])


@in_each("adaboundw")
def decay_times_learning_rate(function):
    """The weight decay is multiplied by the learning rate, as in AdamW."""
    return wrong(function, w=lambda s: s.w - s.step - s.lr * s.weight_decay * s.w)


@in_each("adaboundw")
def decay_times_rate(function):
    """The weight decay is multiplied by each coordinate's clipped rate."""
    return wrong(function, w=lambda s: s.w - s.step - s.rate * s.weight_decay * s.w)


@in_each("adaboundw")
def decay_after_the_step(function):
    """The weight decay shrinks the parameters after the step instead of those before it."""
    return wrong(function, w=lambda s: (s.w - s.step) * (1 - s.weight_decay))


@in_each("adaboundw")
def decay_of_both_kinds(function):
    """The weight decay is added to the gradient and shrinks the parameters too."""
    return wrong(function, g=ADABOUND["g"])


@in_each("amsbound")
def no_maximum(function):
    """The latest second moment is used: AdaBound."""
    return wrong(function, top=lambda s: s.v)


@in_each("amsbound")
def maximum_of_the_corrected_moment(function):
    """The maximum is taken over bias-corrected second moments, of which the first steps have too large ones."""
    return wrong(
        function,
        top=lambda s: np.maximum(s.top, s.v / (1 - s.beta2**s.t)),
        root=lambda s: np.sqrt(s.top * (1 - s.beta2**s.t)) + s.eps,
    )


@in_each("amsbound")
def smallest_clipped_rate(function):
    """The smallest clipped rate so far is used instead of the largest second moment: it stays under the lower bound."""
    return wrong(function, top=lambda s: s.v, rate=lambda s: np.minimum(s.rate, np.clip(s.raw, s.lower, s.upper)))


@in_each("amsbound")
def maximum_enters_the_average(function):
    """The maximum is kept as the second moment itself, so that the next average starts from it."""
    return wrong(function, v=lambda s: np.maximum(s.v, MOMENTS["v"](s)))


@in_each("amsbound")
def maximum_of_the_squares(function):
    """The largest squared gradient is used, unaveraged."""
    return wrong(function, top=lambda s: np.maximum(s.top, (1 - s.beta2) * s.g * s.g))


def _all(module):
    """The planted bugs of a module, in the order of its file."""
    for value in list(module.values()):
        yield from (bug for bug in (value if isinstance(value, tuple) else [value]) if isinstance(bug, Planted))


_ALL = (*_all(globals()), *_all(vars(planted_relatives)))


def bugs_of(function: str) -> tuple[Planted, ...]:
    """The planted bugs of one function."""
    return tuple(bug for bug in _ALL if bug.function == function)
