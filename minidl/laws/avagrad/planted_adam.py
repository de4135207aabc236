"""Planted bugs of Adam, AMSGrad and AdamW: one program with its formulas as arguments; a bug replaces one of them."""

from __future__ import annotations

import math

import numpy as np

from minidl.laws.core import planted
from minidl.laws.optimizer_cases import trajectory_of


def moving_average(old, new, beta):
    return beta * old + (1 - beta) * new


def coupled(g, w, decay, lr):
    return g + decay * w


def undecayed(g, w, decay, lr):
    return g


def adapt(
    *,
    penalty=coupled,
    first=moving_average,
    second=lambda v, g, m, beta2: moving_average(v, g * g, beta2),
    peak=lambda top, v, old, g, correction: v,
    correction1=lambda beta1, t: 1 - beta1**t,
    correction2=lambda beta2, t: 1 - beta2**t,
    root=lambda v, correction, eps: np.sqrt(v) / math.sqrt(correction) + eps,
    shrink=lambda w, decay, lr, t: w,
    after=lambda w, decay, lr: w,
):
    """Adam, with some of its formulas replaced. AMSGrad is peak=maximum, AdamW is penalty=undecayed and shrink=by_rate."""

    def step(w, g, lr, t, memory, beta1, beta2, eps, decay):
        g, zero = penalty(g, w, decay, lr), 0 * g
        m = memory["m"] = first(memory.get("m", zero), g, beta1)
        old = memory.get("v", zero)
        v = memory["v"] = second(old, g, m, beta2)
        correction = correction2(beta2, t)
        top = memory["top"] = peak(memory.get("top", zero), v, old, g, correction)
        w = shrink(w, decay, lr, t)
        return after(w - lr / correction1(beta1, t) * m / root(top, correction, eps), decay, lr)

    return trajectory_of(step)


def maximum(top, v, old, g, correction):
    """AMSGrad's."""
    return np.maximum(top, v)


def by_rate(w, decay, lr, t):
    """AdamW's."""
    return w * (1 - lr * decay)


def eps_under_the_root(v, correction, eps):
    return np.sqrt(v / correction + eps)


def eps_before_the_correction(v, correction, eps):
    return (np.sqrt(v) + eps) / math.sqrt(correction)


# --- Adam --------------------------------------------------------------------------------------------------------------
@planted("adam")
def adam_eps_in_the_root(ref):
    """eps is added under the root."""
    return adapt(root=eps_under_the_root)


@planted("adam")
def adam_eps_before_the_correction(ref):
    """eps joins the root before its bias correction, which enlarges it: the paper's epsilon hat."""
    return adapt(root=eps_before_the_correction)


@planted("adam")
def first_correction_forgotten(ref):
    """The first moment is not bias-corrected: the first steps are ten times too small."""
    return adapt(correction1=lambda beta1, t: 1.0)


@planted("adam")
def second_correction_forgotten(ref):
    """The second moment is not bias-corrected: the first steps are thirty times too large."""
    return adapt(correction2=lambda beta2, t: 1.0)


@planted("adam")
def corrections_doubled(ref):
    """Bias-corrected moments are corrected once more in the step size, as in the paper's faster form."""
    return adapt(correction1=lambda beta1, t: (1 - beta1**t) ** 2, correction2=lambda beta2, t: (1 - beta2**t) ** 2)


@planted("adam")
def corrected_moment_kept(ref):
    """The corrected first moment is stored, and corrected again in every later step."""

    def step(w, g, lr, t, memory, beta1, beta2, eps, decay):
        g = g + decay * w
        m = memory["m"] = moving_average(memory.get("m", 0 * g), g, beta1) / (1 - beta1**t)
        v = memory["v"] = moving_average(memory.get("v", 0 * g), g * g, beta2)
        return w - lr * m / (np.sqrt(v) / math.sqrt(1 - beta2**t) + eps)

    return trajectory_of(step)


@planted("adam")
def counter_ahead(ref):
    """The step counter is one ahead, as if it were increased twice."""
    return adapt(correction1=lambda beta1, t: 1 - beta1 ** (t + 1), correction2=lambda beta2, t: 1 - beta2 ** (t + 1))


@planted("adam")
def counter_from_zero(ref):
    """The step counter starts at 0, where the correction is left out: from the second step on it is one behind."""

    def late(beta, t):
        return 1 - beta ** (t - 1) if t > 1 else 1.0

    return adapt(correction1=late, correction2=late)


@planted("adam")
def counter_stands_still(ref):
    """The step counter is never increased: every step is corrected as the first."""
    return adapt(correction1=lambda beta1, t: 1 - beta1, correction2=lambda beta2, t: 1 - beta2)


@planted("adam")
def corrected_by_the_whole_run(ref):
    """Every step is corrected as the last of the run will be."""

    def trajectory(w, gradients, lr, *numbers):
        steps = len(gradients)
        run = adapt(correction1=lambda beta1, t: 1 - beta1**steps, correction2=lambda beta2, t: 1 - beta2**steps)
        return run(w, gradients, lr, *numbers)

    return trajectory


@planted("adam")
def one_second_moment_for_all(ref):
    """The second moment averages over the coordinates as well: one rate for all of them."""
    return adapt(second=lambda v, g, m, beta2: moving_average(v, np.mean(g * g), beta2))


@planted("adam")
def correction_outside_the_root(ref):
    """The root is divided by the correction instead of by its root."""
    return adapt(root=lambda v, correction, eps: np.sqrt(v) / correction + eps)


@planted("adam")
def second_moment_one_step_behind(ref):
    """The step divides by the second moment before this gradient."""
    return adapt(peak=lambda top, v, old, g, correction: old)


@planted("adam")
def square_of_the_average(ref):
    """The second moment averages the squared first moment instead of the squared gradient."""
    return adapt(second=lambda v, g, m, beta2: moving_average(v, m * m, beta2))


@planted("adam")
def betas_swapped(ref):
    """beta1 and beta2 change places."""
    return lambda w, gradients, lr, beta1, beta2, *numbers: ref.adam(w, gradients, lr, beta2, beta1, *numbers)


@planted("adam")
def adam_decay_decoupled(ref):
    """Decay is decoupled, as in AdamW."""
    return ref.adamw


@planted("adam")
def decay_misses_the_second_moment(ref):
    """Decay joins the first moment only."""

    def step(w, g, lr, t, memory, beta1, beta2, eps, decay):
        m = memory["m"] = moving_average(memory.get("m", 0 * g), g + decay * w, beta1)
        v = memory["v"] = moving_average(memory.get("v", 0 * g), g * g, beta2)
        return w - lr / (1 - beta1**t) * m / (np.sqrt(v) / math.sqrt(1 - beta2**t) + eps)

    return trajectory_of(step)


# --- AMSGrad -----------------------------------------------------------------------------------------------------------
@planted("amsgrad")
def maximum_of_corrected_moments(ref):
    """The maximum is over the bias-corrected second moments, so that an early, overcorrected one stays for good."""
    return adapt(
        peak=lambda top, v, old, g, correction: np.maximum(top, v / correction),
        root=lambda top, correction, eps: np.sqrt(top) + eps,
    )


@planted("amsgrad")
def maximum_of_squares(ref):
    """The maximum is over squared gradients, not over their averages."""
    return adapt(peak=lambda top, v, old, g, correction: np.maximum(top, g * g))


@planted("amsgrad")
def maximum_of_two(ref):
    """The maximum is over the last two moments: what lies further back is forgotten."""
    return adapt(peak=lambda top, v, old, g, correction: np.maximum(old, v))


@planted("amsgrad")
def maximum_one_step_behind(ref):
    """The step divides by the maximum before this gradient."""

    def step(w, g, lr, t, memory, beta1, beta2, eps, decay):
        g, zero = g + decay * w, 0 * g
        m = memory["m"] = moving_average(memory.get("m", zero), g, beta1)
        v = memory["v"] = moving_average(memory.get("v", zero), g * g, beta2)
        top = memory.get("top", v)
        memory["top"] = np.maximum(top, v)
        return w - lr / (1 - beta1**t) * m / (np.sqrt(top) / math.sqrt(1 - beta2**t) + eps)

    return trajectory_of(step)


@planted("amsgrad")
def maximum_fed_back(ref):
    """The maximum is stored as the second moment, and averaged on from there."""
    return adapt(second=lambda v, g, m, beta2: np.maximum(v, moving_average(v, g * g, beta2)))


@planted("amsgrad")
def maximum_of_first_moments(ref):
    """The first moment is kept at its maximum as well: once up, it never turns around."""
    return adapt(peak=maximum, first=lambda m, g, beta1: np.maximum(m, moving_average(m, g, beta1)))


@planted("amsgrad")
def minimum_kept(ref):
    """The smallest moment is kept instead of the largest."""
    return adapt(peak=lambda top, v, old, g, correction: v if not old.any() else np.minimum(top, v))


@planted("amsgrad")
def one_maximum_for_all(ref):
    """The maximum runs over the coordinates as well."""
    return adapt(peak=lambda top, v, old, g, correction: np.maximum(top, np.max(v)))


@planted("amsgrad")
def never_any_maximum(ref):
    """The option does nothing: this is Adam."""
    return ref.adam


@planted("amsgrad")
def uncorrected_as_in_the_paper(ref):
    """No bias correction at all, as in the paper; torch corrects both moments."""
    return adapt(peak=maximum, correction1=lambda beta1, t: 1.0, correction2=lambda beta2, t: 1.0)


@planted("amsgrad")
def amsgrad_eps_in_the_root(ref):
    """eps is added under the root."""
    return adapt(peak=maximum, root=eps_under_the_root)


@planted("amsgrad")
def amsgrad_decay_decoupled(ref):
    """Decay is decoupled."""
    return adapt(peak=maximum, penalty=undecayed, shrink=by_rate)


# --- AdamW -------------------------------------------------------------------------------------------------------------
@planted("adamw")
def adamw_decay_coupled(ref):
    """Decay joins the gradient, as in Adam with an L2 penalty."""
    return ref.adam


@planted("adamw")
def decay_without_the_rate(ref):
    """Decay is not multiplied by the learning rate."""
    return adapt(penalty=undecayed, shrink=lambda w, decay, lr, t: w * (1 - decay))


@planted("adamw")
def decay_by_the_rate_squared(ref):
    """Decay is multiplied by the learning rate twice."""
    return adapt(penalty=undecayed, shrink=lambda w, decay, lr, t: w * (1 - lr * lr * decay))


@planted("adamw")
def decay_after_the_move(ref):
    """Decay shrinks the new parameters, the move of this step included."""
    return adapt(penalty=undecayed, after=lambda w, decay, lr: w * (1 - lr * decay))


@planted("adamw")
def weights_grow(ref):
    """The sign of the decay is wrong."""
    return adapt(penalty=undecayed, shrink=lambda w, decay, lr, t: w * (1 + lr * decay))


@planted("adamw")
def first_step_undecayed(ref):
    """The first step does not decay."""
    return adapt(penalty=undecayed, shrink=lambda w, decay, lr, t: w if t == 1 else w * (1 - lr * decay))


@planted("adamw")
def both_decays(ref):
    """Decay joins the gradient and shrinks the weights as well."""
    return adapt(shrink=by_rate)


@planted("adamw")
def decay_divided_by_the_root(ref):
    """Decay is added to the first moment in the step, and is divided by the root with it."""

    def step(w, g, lr, t, memory, beta1, beta2, eps, decay):
        m = memory["m"] = moving_average(memory.get("m", 0 * g), g, beta1)
        v = memory["v"] = moving_average(memory.get("v", 0 * g), g * g, beta2)
        return w - lr * (m / (1 - beta1**t) + decay * w) / (np.sqrt(v) / math.sqrt(1 - beta2**t) + eps)

    return trajectory_of(step)


@planted("adamw")
def decay_by_the_first_rate(ref):
    """Decay keeps the first learning rate when the schedule moves on."""

    def trajectory(w, gradients, lr, beta1, beta2, eps, decay):
        rate = lr.tolist()[0]
        run = adapt(penalty=undecayed, shrink=lambda w, decay, lr, t: w * (1 - rate * decay))
        return run(w, gradients, lr, beta1, beta2, eps, decay)

    return trajectory


@planted("adamw")
def decay_towards_the_start(ref):
    """Every step takes off the same share of the initial weights."""

    def trajectory(w, gradients, lr, beta1, beta2, eps, decay):
        run = adapt(penalty=undecayed, shrink=lambda now, decay, lr, t: now - lr * decay * w)
        return run(w, gradients, lr, beta1, beta2, eps, decay)

    return trajectory


@planted("adamw")
def adamw_eps_before_the_correction(ref):
    """eps joins the root before its bias correction."""
    return adapt(penalty=undecayed, shrink=by_rate, root=eps_before_the_correction)


@planted("adamw")
def adamw_eps_in_the_root(ref):
    """eps is added under the root."""
    return adapt(penalty=undecayed, shrink=by_rate, root=eps_under_the_root)


@planted("adamw")
def adamw_second_correction_forgotten(ref):
    """The second moment is not bias-corrected."""
    return adapt(penalty=undecayed, shrink=by_rate, correction2=lambda beta2, t: 1.0)
