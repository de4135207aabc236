"""Planted bugs of descent on two linear layers, and of the curve of a mode."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


# --- descent -------------------------------------------------------------------------------------------------------------
def _descent(step):
    def wrong(ref):
        def factor_descent(a, b, target, decay, step_size, steps):
            a, b = a.copy(), b.copy()
            for t in range(steps):
                a, b = step(ref, a, b, target, decay, step_size, t)
            return a, b

        return factor_descent

    return wrong


def _plain(ref, a, b, target, decay, step_size, t):
    da, db = ref.factor_gradients(a, b, target, decay)
    return a - step_size * da, b - step_size * db


@planted("factor_descent")
def one_layer_after_the_other(ref):
    """The second layer sees the new first one."""

    def step(ref, a, b, target, decay, step_size, t):
        a = a - step_size * ref.factor_gradients(a, b, target, decay)[0]
        return a, b - step_size * ref.factor_gradients(a, b, target, decay)[1]

    return _descent(step)(ref)


@planted("factor_descent")
def one_step_too_many(ref):
    """One step more."""
    return lambda *inputs: ref.factor_descent(*inputs[:5], inputs[5] + 1)


@planted("factor_descent")
def one_step_too_few(ref):
    """One step less."""
    return lambda *inputs: ref.factor_descent(*inputs[:5], max(inputs[5] - 1, 0))


@planted("factor_descent")
def uphill(ref):
    """Along the gradient."""

    def step(ref, a, b, target, decay, step_size, t):
        da, db = ref.factor_gradients(a, b, target, decay)
        return a + step_size * da, b + step_size * db

    return lambda a, b, target, decay, step_size, steps: _descent(step)(ref)(
        a, b, target, decay, step_size, min(steps, 40)
    )


@planted("factor_descent")
def decay_forgotten(ref):
    """No decay."""
    return lambda a, b, target, decay, step_size, steps: ref.factor_descent(a, b, target, 0.0, step_size, steps)


@planted("factor_descent")
def decay_decoupled(ref):
    """Decay is not multiplied by the step size."""

    def step(ref, a, b, target, decay, step_size, t):
        a, b = _plain(ref, a, b, target, 0.0, step_size, t)
        return a * (1 - decay), b * (1 - decay)

    return _descent(step)(ref)


@planted("factor_descent")
def rates_that_fall(ref):
    """The step size falls with the square root of time."""

    def step(ref, a, b, target, decay, step_size, t):
        return _plain(ref, a, b, target, decay, step_size / np.sqrt(t + 1).astype(a.dtype), t)

    return _descent(step)(ref)


@planted("factor_descent")
def second_layer_at_rest(ref):
    """Only the first layer moves."""
    return _descent(
        lambda ref, a, b, target, decay, step_size, t: (_plain(ref, a, b, target, decay, step_size, t)[0], b)
    )(ref)


@planted("factor_descent")
def momentum(ref):
    """With momentum 0.5."""

    def factor_descent(a, b, target, decay, step_size, steps):
        a, b = a.copy(), b.copy()
        va, vb = np.zeros_like(a), np.zeros_like(b)
        for _ in range(steps):
            da, db = ref.factor_gradients(a, b, target, decay)
            va, vb = va / 2 + da, vb / 2 + db
            a, b = a - step_size * va, b - step_size * vb
        return a, b

    return factor_descent


# --- the curve -----------------------------------------------------------------------------------------------------------
def _logistic(rate=2.0, top=lambda sigma, decay: sigma - decay, sign=-1.0):
    def mode_curve(times, sigma, start, decay=0.0):
        kappa = top(sigma, decay)
        if start == 0:
            return np.zeros(len(times))
        with np.errstate(all="ignore"):
            if kappa == 0:
                return start / (1 + rate * start * times)
            return kappa / (1 + (kappa / start - 1) * np.exp(sign * rate * kappa * times))

    return mode_curve


@planted("mode_curve")
def single_layer_rate(ref):
    """The rate of a mode with one factor: e^{-sigma t}."""
    return _logistic(rate=1.0)


@planted("mode_curve")
def decay_of_the_mode(ref):
    """The decay is taken from the target twice, once for each layer."""
    return _logistic(top=lambda sigma, decay: sigma - 2 * decay)


@planted("mode_curve")
def curve_without_decay(ref):
    """The decay is ignored."""
    return lambda times, sigma, start, decay=0.0: ref.mode_curve(times, sigma, start, 0.0)


@planted("mode_curve")
def time_turned_round(ref):
    """e^{+2 sigma t}."""
    return _logistic(sign=1.0)


@planted("mode_curve")
def exponential_approach(ref):
    """A linear model's curve: sigma + (s_0 - sigma) e^{-2 sigma t}."""

    def mode_curve(times, sigma, start, decay=0.0):
        kappa = max(sigma - decay, 0.0)
        return kappa + (start - kappa) * np.exp(-2 * abs(sigma - decay) * times) if start else np.zeros(len(times))

    return mode_curve


@planted("mode_curve")
def printed_formula(ref):
    """The formula as it is printed: infinity over infinity where e^{2 t} is too large, and 1 / s_0 too."""

    def mode_curve(times, sigma, start, decay=0.0):
        kappa = sigma - decay
        with np.errstate(all="ignore"):
            grown = np.exp(2 * kappa * times)
            return kappa * grown / (grown + kappa / np.float64(start) - 1)

    return mode_curve


@planted("mode_curve")
def off_by_the_one(ref):
    """kappa / s_0 without the 1: the start is missed."""

    def mode_curve(times, sigma, start, decay=0.0):
        kappa = sigma - decay
        if start == 0 or kappa == 0:
            return ref.mode_curve(times, sigma, start, decay)
        with np.errstate(all="ignore"):
            return kappa / (1 + kappa / start * np.exp(-2 * kappa * times))

    return mode_curve


@planted("mode_curve")
def stopped_at_the_border(ref):
    """Where decay exceeds the target the mode is taken to be 0 from the start."""

    def mode_curve(times, sigma, start, decay=0.0):
        return ref.mode_curve(times, sigma, start, decay) if sigma > decay else np.zeros(len(times))

    return mode_curve


@planted("mode_curve")
def factor_in_the_place_of_the_mode(ref):
    """The curve of one factor, the root."""
    return lambda times, sigma, start, decay=0.0: np.sqrt(ref.mode_curve(times, sigma, start**2, decay))


@planted("mode_curve")
def curve_decays_by_default(ref):
    """Left out, the decay is 0.1."""
    return lambda times, sigma, start, decay=0.1: ref.mode_curve(times, sigma, start, decay)
