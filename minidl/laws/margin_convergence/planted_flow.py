"""Planted bugs of gradient flow: steps in log time that go wrong."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


def _flow(ref, change):
    """log_time_flow with its arguments changed: change(z, w, log_times, tail, power, layers) -> the same."""

    def log_time_flow(z, w, log_times, tail="exponential", power=1.0, layers=1):
        arguments = np.asarray(z, np.float64), np.asarray(w, np.float64), np.asarray(log_times, np.float64)
        return ref.log_time_flow(*change(*arguments, tail, power, layers))

    return log_time_flow


@planted("log_time_flow")
def mean_loss_flow(ref):
    """The mean of the losses: N times slower."""
    return _flow(ref, lambda z, w, s, tail, power, layers: (z, w, s - np.log(len(z)), tail, power, layers))


@planted("log_time_flow")
def times_in_decades(ref):
    """Times are taken for powers of ten."""
    return _flow(ref, lambda z, w, s, tail, power, layers: (z, w, s * np.log(10), tail, power, layers))


@planted("log_time_flow")
def starts_at_time_one(ref):
    """The flow starts at log t = 0, as if that were the beginning."""

    def log_time_flow(z, w, log_times, *rest):
        t = np.exp(np.asarray(log_times)) - 1
        late = t > 0
        found = np.tile(np.asarray(w, np.float64), (len(t), 1))
        if late.any():
            found[late] = ref.log_time_flow(z, w, np.log(t[late]), *rest)
        return found

    return log_time_flow


@planted("log_time_flow")
def starts_late(ref):
    """The flow starts at log t = -7, before which nothing is said to happen: w is off by e^-7 of its speed."""

    def log_time_flow(z, w, log_times, *rest):
        t = np.exp(np.asarray(log_times)) - np.exp(-7)
        late = t > 0
        found = np.tile(np.asarray(w, np.float64), (len(t), 1))
        if late.any():
            found[late] = ref.log_time_flow(z, w, np.log(t[late]), *rest)
        return found

    return log_time_flow


@planted("log_time_flow")
def exponential_flow(ref):
    """The flow of the exponential loss, whatever the tail."""
    return _flow(ref, lambda z, w, s, tail, power, layers: (z, w, s, "exponential", 1.0, layers))


@planted("log_time_flow")
def start_forgotten(ref):
    """From w = 0, whatever the start."""
    return _flow(ref, lambda z, w, s, tail, power, layers: (z, 0 * w if layers == 1 else w, s, tail, power, layers))


@planted("log_time_flow")
def layers_forgotten(ref):
    """One layer, however many there are."""
    return _flow(ref, lambda z, w, s, tail, power, layers: (z, w, s, tail, power, 1))


@planted("log_time_flow")
def one_layer_less(ref):
    """The exponents belong to a network of one layer less."""
    return _flow(ref, lambda z, w, s, tail, power, layers: (z, w, s, tail, power, max(1, layers - 1)))


@planted("log_time_flow")
def euler_steps(ref):
    """Euler's steps of 1/64 in log time."""

    def log_time_flow(z, w, log_times, tail="exponential", power=1.0, layers=1):
        ref.log_time_flow(z, w, np.asarray(log_times)[:1], tail, power, layers)  # refuses what it refuses
        z, w, s, found = np.asarray(z, np.float64), np.array(w, np.float64), -21.0, []
        for goal in np.asarray(log_times, np.float64):
            while s < goal:
                step = min(1 / 64, goal - s)
                with np.errstate(over="ignore"):
                    force = np.exp(np.minimum(s + ref.log_loss_slope(z @ w, tail, power), 300)) @ z
                w = w + step * ref.deep_flow_velocity(w, -force, layers)
                s += step
            found.append(w)
        return np.array(found)

    return log_time_flow


@planted("log_time_flow")
def limit_from_the_start(ref):
    """w-hat log t alone from t = 1 on: the offset is forgotten."""

    def log_time_flow(z, w, log_times, tail="exponential", power=1.0, layers=1):
        found = ref.log_time_flow(z, w, log_times, tail, power, layers)
        late = np.asarray(log_times) > 20
        if late.any() and tail in ("exponential", "logistic"):
            found[late] = np.outer(np.asarray(log_times)[late], ref.hard_margin(z).w)
        return found

    return log_time_flow


@planted("log_time_flow")
def second_step_for_the_first(ref):
    """Rows of the result are one time late: the first is given twice, the last left out."""

    def log_time_flow(z, w, log_times, *rest):
        found = ref.log_time_flow(z, w, log_times, *rest)
        return np.concatenate([found[:1], found[:-1]])

    return log_time_flow


@planted("log_time_flow")
def flows_anyway(ref):
    """Data that are not separable flow as if they were one row."""

    def log_time_flow(z, w, log_times, *rest):
        try:
            return ref.log_time_flow(z, w, log_times, *rest)
        except ValueError:
            return ref.log_time_flow(np.asarray(z)[:1], w, log_times, *rest)

    return log_time_flow
