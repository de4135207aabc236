"""Planted bugs of Delayed Adam and AvaGrad: two programs with their formulas as arguments."""

from __future__ import annotations

import math

import numpy as np

from minidl.laws.avagrad.planted_adam import coupled, moving_average, undecayed
from minidl.laws.core import planted
from minidl.laws.optimizer_cases import trajectory_of


# --- Delayed Adam ------------------------------------------------------------------------------------------------------
def delay(
    *,
    penalty=coupled,
    moment=lambda m, old, t, beta1: m,
    past=lambda v, old, older, t, beta2: old,
    root=lambda v, eps: np.sqrt(v) + eps,
    shrink=lambda w, decay, lr: w,
    rests=False,
):
    """Delayed Adam, with some of its formulas replaced."""

    def step(w, g, lr, t, memory, beta1, beta2, eps, decay):
        g, zero = penalty(g, w, decay, lr), 0 * g
        before = memory.get("m", zero)
        m = memory["m"] = moving_average(before, g, beta1)
        older, old = memory.get("past", (zero, zero))
        v = moving_average(old, g * g, beta2)
        memory["past"] = old, v
        if rests and t == 1:
            return w
        return shrink(w, decay, lr) - lr * moment(m, before, t, beta1) / root(past(v, old, older, t, beta2), eps)

    return trajectory_of(step)


@planted("delayed_adam")
def moment_before_the_step(ref):
    """The second moment is updated before the step, as in Adam: the rate sees the gradient that it scales."""
    return delay(past=lambda v, old, older, t, beta2: v)


@planted("delayed_adam")
def delayed_twice(ref):
    """The rate is two steps behind."""
    return delay(past=lambda v, old, older, t, beta2: older)


@planted("delayed_adam")
def first_moment_delayed_too(ref):
    """The first moment is a step behind as well: the gradient at hand is ignored."""
    return delay(moment=lambda m, before, t, beta1: before)


@planted("delayed_adam")
def delayed_eps_in_the_root(ref):
    """eps is added under the root."""
    return delay(root=lambda v, eps: np.sqrt(v + eps))


@planted("delayed_adam")
def delayed_root_forgotten(ref):
    """The rate is 1 / (v + eps)."""
    return delay(root=lambda v, eps: v + eps)


@planted("delayed_adam")
def delayed_first_correction(ref):
    """The first moment is bias-corrected; Algorithm 1 is not."""
    return delay(moment=lambda m, before, t, beta1: m / (1 - beta1**t))


@planted("delayed_adam")
def delayed_second_correction(ref):
    """The second moment is bias-corrected with its own number of steps; Algorithm 1 is not."""
    return delay(past=lambda v, old, older, t, beta2: old / (1 - beta2 ** (t - 1)) if t > 1 else old)


@planted("delayed_adam")
def delayed_rests(ref):
    """Nothing moves in the first step, as in the released AvaGrad."""
    return delay(rests=True)


@planted("delayed_adam")
def starts_from_the_first_square(ref):
    """The first rate uses the square of the first gradient, since v_0 = 0 looks wrong."""
    return delay(past=lambda v, old, older, t, beta2: v if t == 1 else old)


@planted("delayed_adam")
def one_rate_for_all(ref):
    """The second moment is averaged over the coordinates: one rate for all of them."""
    return delay(past=lambda v, old, older, t, beta2: np.mean(old) + 0 * old)


@planted("delayed_adam")
def delayed_decay_decoupled(ref):
    """Decay is decoupled."""
    return delay(penalty=undecayed, shrink=lambda w, decay, lr: w * (1 - lr * decay))


# --- AvaGrad -----------------------------------------------------------------------------------------------------------
def rms_of_rates(roots):
    """gamma: 1 / rms(1 / r)."""
    return 1 / np.sqrt(np.mean(1 / np.square(roots, dtype=np.float64)))


def corrected(v, beta2, t):
    return np.sqrt(v) / math.sqrt(1 - beta2**t)


def normalise(
    *,
    penalty=coupled,
    norm=lambda roots, sizes: rms_of_rates(roots),
    paper_root=lambda v, new, eps: np.sqrt(v) + eps,
    root=lambda v, new, beta2, t, eps: corrected(v, beta2, t - 1) + eps,
    handed_root=lambda v, new, beta2, t, eps: corrected(v, beta2, t) + eps,
    stale=lambda handed, fresh, t: handed,
    fresh=lambda handed, fresh, t: fresh,
    correction1=lambda beta1, t: 1 - beta1**t,
    paper_correction1=lambda beta1, t: 1.0,
    shrink=lambda w, decay, lr, t, gamma: w,
    after=lambda w, decay, lr: w,
    rests=True,
):
    """AvaGrad in its three variants, with some of its formulas replaced. v is the moment before the gradient, new after it.

    norm(roots, sizes) -> gamma; stale and fresh choose the released and the synced gamma of a step.
    """

    def trajectory(w, gradients, sizes, lr, beta1, beta2, eps, decay, variant):
        def step(w, g, lr, t, memory):
            g, zero = penalty(g, w, decay, lr), 0 * g
            m = memory["m"] = moving_average(memory.get("m", zero), g, beta1)
            v = memory.get("v", zero)
            new = memory["v"] = moving_average(v, g * g, beta2)
            handed = memory.get("gamma", eps)
            memory["gamma"] = norm(handed_root(v, new, beta2, t, eps), sizes)
            if variant == "paper":
                roots, scale = paper_root(v, new, eps), paper_correction1(beta1, t)
                gamma = norm(roots, sizes)
            elif t > 1 or not rests:
                roots = root(v, new, beta2, t, eps) if t > 1 else np.sqrt(v) + eps
                scale, now = correction1(beta1, t), norm(roots, sizes)
                gamma = stale(handed, now, t) if variant == "released" else fresh(handed, now, t)
            else:
                return shrink(w, decay, lr, t, None)
            w = shrink(w, decay, lr, t, gamma) - (gamma * lr / scale) * (m / roots).astype(w.dtype)
            return after(w, decay, lr)

        return trajectory_of(step)(w, gradients, lr)

    return trajectory


def per_tensor(roots, sizes):
    """gamma of each tensor, repeated over its entries."""
    parts = np.split(roots, np.cumsum(sizes)[:-1])
    return np.concatenate([np.full(len(part), rms_of_rates(part), roots.dtype) for part in parts])


def _sum_of_squares(roots, sizes):
    return 1 / np.sqrt(np.sum(1 / np.square(roots, dtype=np.float64)))


def mean_of_rates(roots, sizes):
    return 1 / np.mean(1 / roots, dtype=np.float64)


@planted("avagrad")
def normalised_per_tensor(ref):
    """Every tensor has a normaliser of its own, where the group has one."""
    return normalise(norm=per_tensor)


@planted("avagrad")
def norm_for_rms(ref):
    """The rates are divided by their norm, without the root of d: steps shrink with the size of the net."""
    return normalise(norm=_sum_of_squares)


@planted("avagrad")
def mean_for_rms(ref):
    """The rates are divided by their mean instead of their root mean square."""
    return normalise(norm=mean_of_rates)


@planted("avagrad")
def mean_of_roots(ref):
    """gamma is the mean of the roots, not the reciprocal of the rates' root mean square."""
    return normalise(norm=lambda roots, sizes: np.mean(roots, dtype=np.float64))


@planted("avagrad")
def mean_square_for_rms(ref):
    """The rates are divided by their mean square: the root is forgotten."""
    return normalise(norm=lambda roots, sizes: rms_of_rates(roots) ** 2)


@planted("avagrad")
def largest_rate_is_one(ref):
    """The rates are divided by the largest of them."""
    return normalise(norm=lambda roots, sizes: float(np.min(roots)))


@planted("avagrad")
def mean_over_tensors(ref):
    """d is the number of tensors instead of their entries."""
    return normalise(norm=lambda roots, sizes: _sum_of_squares(roots, sizes) * math.sqrt(len(sizes)))


@planted("avagrad")
def not_delayed(ref):
    """The rates use the second moment with the current gradient in it."""
    return normalise(
        paper_root=lambda v, new, eps: np.sqrt(new) + eps,
        root=lambda v, new, beta2, t, eps: corrected(new, beta2, t) + eps,
    )


@planted("avagrad")
def avagrad_eps_in_the_root(ref):
    """eps is added under the root."""
    return normalise(
        paper_root=lambda v, new, eps: np.sqrt(v + eps),
        root=lambda v, new, beta2, t, eps: np.sqrt(v / (1 - beta2 ** (t - 1)) + eps),
        handed_root=lambda v, new, beta2, t, eps: np.sqrt(v / (1 - beta2**t) + eps),
    )


@planted("avagrad")
def eps_joins_before_the_correction(ref):
    """eps joins the root before its bias correction."""
    return normalise(
        root=lambda v, new, beta2, t, eps: (np.sqrt(v) + eps) / math.sqrt(1 - beta2 ** (t - 1)),
        handed_root=lambda v, new, beta2, t, eps: (np.sqrt(v) + eps) / math.sqrt(1 - beta2**t),
    )


@planted("avagrad")
def corrected_by_this_step(ref):
    """The old second moment is corrected as if it had this step's gradient: b2_t where b2_(t-1) belongs."""
    return normalise(root=lambda v, new, beta2, t, eps: corrected(v, beta2, t) + eps)


@planted("avagrad")
def handed_on_with_its_own_correction(ref):
    """The released normaliser corrects v_(t-1) by b2_(t-1) where the code has b2_t."""

    def root(v, new, beta2, t, eps):
        return corrected(v, beta2, t - 1) + eps if t > 1 else np.sqrt(v) + eps

    return normalise(handed_root=root)


@planted("avagrad")
def released_in_sync(ref):
    """The released form hands on its normaliser after v has been updated: it is that of the rates it divides."""
    return normalise(stale=lambda handed, now, t: now)


@planted("avagrad")
def synced_is_stale(ref):
    """The synced form takes its normaliser from the step before."""
    return normalise(fresh=lambda handed, now, t: handed)


@planted("avagrad")
def gamma_starts_at_one(ref):
    """The first normaliser that is handed on is 1 instead of eps."""
    return normalise(stale=lambda handed, now, t: 1.0 if t == 2 else handed)


@planted("avagrad")
def moves_at_once(ref):
    """The released and the synced form move in the first step as well."""
    return normalise(rests=False)


@planted("avagrad")
def avagrad_first_correction_forgotten(ref):
    """The released and the synced form do not correct the first moment."""
    return normalise(correction1=lambda beta1, t: 1.0)


@planted("avagrad")
def paper_corrected(ref):
    """The paper's form corrects the first moment."""
    return normalise(paper_correction1=lambda beta1, t: 1 - beta1**t)


@planted("avagrad")
def avagrad_decay_decoupled(ref):
    """Decay is decoupled, as in AvaGradW."""
    return ref.avagradw


@planted("avagrad")
def update_normalised(ref):
    """What is scaled to root mean square 1 is the whole update, not the rates."""

    def trajectory(w, gradients, sizes, lr, beta1, beta2, eps, decay, variant):
        def step(w, g, lr, t, memory):
            g, zero = g + decay * w, 0 * g
            m = memory["m"] = moving_average(memory.get("m", zero), g, beta1)
            v = memory.get("v", zero)
            memory["v"] = moving_average(v, g * g, beta2)
            if t == 1 and variant != "paper":
                return w
            update = m / (np.sqrt(v) + eps)
            size = math.sqrt(np.mean(np.square(update, dtype=np.float64)))
            return w - lr / size * update if size else w

        return trajectory_of(step)(w, gradients, lr)

    return trajectory
