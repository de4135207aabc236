"""Planted bugs of both descents: the step, the weights of the examples, the domain, and what is told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from minidl.laws.core import planted


def _log_sum(a):
    top = a.max(axis=-1)
    return top + np.log(np.exp(a - top[..., None]).sum(axis=-1))


def _loop(ref, case, step, *, told=None, first=0, last=0):
    """A descent with step(w, t) in the place of the right one, and told(u) in that of the loss."""
    z, times = np.asarray(case.z, np.float64), np.asarray(case.times)
    told = told or (lambda u: ref.log_total_loss(u, case.tail, case.power))
    w, rows, asked = np.array(case.w, np.float64), [], set(times.tolist())
    with np.errstate(all="ignore"):
        for t in range(int(times[-1]) + 1 + last):
            if t > first:
                w = w + step(w, t - 1)
            if t - last in asked:
                rows.append(w)
        return np.array(rows), np.array([told(z @ row) for row in rows])


def _constant(change: Any, **options: Any):
    """A bug of descent: change(case, ref) -> step(w, t)."""

    def build(ref):
        def descent(z, w, times, step_size, tail="exponential", power=1.0):
            case = SimpleNamespace(z=np.asarray(z, np.float64), w=w, times=times, eta=step_size, tail=tail, power=power)
            made = {name: value(case, ref) if callable(value) else value for name, value in options.items()}
            return _loop(ref, case, change(case, ref), **made)

        return descent

    return build


def _growing(change: Any, **options: Any):
    """A bug of normalised descent: change(case, ref) -> step(w, t)."""

    def build(ref):
        def normalised_descent(z, w, times, scale=1.0, update="loss", tail="exponential", power=1.0):
            z = np.asarray(z, np.float64)
            case = SimpleNamespace(z=z, w=w, times=times, eta=scale, update=update, tail=tail, power=power)
            made = {name: value(case, ref) if callable(value) else value for name, value in options.items()}
            return _loop(ref, case, change(case, ref), **made)

        return normalised_descent

    return build


def _force(case, ref, w):
    """-grad L, (d,)."""
    return np.exp(ref.log_loss_slope(case.z @ w, case.tail, case.power)) @ case.z


def _direction(case, ref, w, total=None):
    """-grad L / L, or over its own norm."""
    u = case.z @ w
    a = ref.log_loss_slope(u, case.tail, case.power)
    if case.update == "loss":
        return np.exp(a - (ref.log_total_loss(u, case.tail, case.power) if total is None else total(u, a))) @ case.z
    g = np.exp(a - a.max()) @ case.z
    norm = np.linalg.norm(g)
    return g / norm if norm else g


# --- constant steps ----------------------------------------------------------------------------------------------------
def _bug(function: str, name: str, statement: str, build: Any) -> Any:
    build.__name__, build.__doc__ = name, statement
    return planted(function)(build)


_CONSTANT = {
    "uphill": ("The sign of the gradient.", _constant(lambda c, ref: lambda w, t: -c.eta * _force(c, ref, w))),
    "mean_of_the_losses": (
        "The mean of the losses instead of their sum.",
        _constant(lambda c, ref: lambda w, t: c.eta * _force(c, ref, w) / len(c.z)),
    ),
    "loss_for_its_slope": (
        "Examples are weighed with their losses, which is right for the exponential alone.",
        _constant(lambda c, ref: lambda w, t: c.eta * (np.exp(ref.log_loss(c.z @ w, c.tail, c.power)) @ c.z)),
    ),
    "worst_example_only": (
        "Only the example with the smallest margin counts: a perceptron.",
        _constant(
            lambda c, ref: lambda w, t: (
                c.eta * np.exp(ref.log_loss_slope((c.z @ w).min(), c.tail, c.power)) * c.z[(c.z @ w).argmin()]
            )
        ),
    ),
    "one_step_too_few": ("Row k is the state before the last of its steps.", _constant(
        lambda c, ref: lambda w, t: c.eta * _force(c, ref, w), first=1)),
    "one_step_too_many": ("Row k is the state after one more step.", _constant(
        lambda c, ref: lambda w, t: c.eta * _force(c, ref, w), last=1)),
    "one_example_at_a_time": ("Examples take turns within a step, each at the w that the one before left.", None),
    "constant_length": (
        "The step is divided by the gradient's norm: a constant length.",
        _constant(lambda c, ref: lambda w, t: c.eta * _force(c, ref, w) / max(np.linalg.norm(_force(c, ref, w)), 1e-300)),
    ),
    "steps_that_shrink": (
        "The step is divided by sqrt(t + 1).",
        _constant(lambda c, ref: lambda w, t: c.eta / np.sqrt(t + 1) * _force(c, ref, w)),
    ),
    "decayed_weights": (
        "A weight decay of a thousandth remains from another experiment.",
        _constant(lambda c, ref: lambda w, t: c.eta * (_force(c, ref, w) - 1e-3 * w)),
    ),
    "start_at_zero": ("The start is not read.", None),
    "exponential_weights": (
        "The weights are those of the exponential loss, whatever the tail.",
        _constant(lambda c, ref: lambda w, t: c.eta * (np.exp(-(c.z @ w)) @ c.z)),
    ),
    "mean_told": (
        "The steps are right; the loss that is told is the mean.",
        _constant(
            lambda c, ref: lambda w, t: c.eta * _force(c, ref, w),
            told=lambda c, ref: lambda u: ref.log_total_loss(u, c.tail, c.power) - np.log(len(u)),
        ),
    ),
    "loss_told_not_its_logarithm": (
        "The loss itself is told.",
        _constant(
            lambda c, ref: lambda w, t: c.eta * _force(c, ref, w),
            told=lambda c, ref: lambda u: np.exp(ref.log_total_loss(u, c.tail, c.power)),
        ),
    ),
    "single_precision": (
        "Steps are added in single precision.",
        _constant(lambda c, ref: lambda w, t: (w + c.eta * _force(c, ref, w)).astype(np.float32).astype(np.float64) - w),
    ),
}  # fmt: skip


def _sequential(ref):
    def descent(z, w, times, step_size, tail="exponential", power=1.0):
        z = np.asarray(z, np.float64)
        case = SimpleNamespace(z=z, w=w, times=times, tail=tail, power=power)

        def step(w, t):
            moved = w
            for row in z:
                moved = moved + step_size * np.exp(ref.log_loss_slope(row @ moved, tail, power)) * row
            return moved - w

        return _loop(ref, case, step)

    return descent


def _from_zero(ref):
    return lambda z, w, *rest: ref.descent(z, np.zeros(len(w)), *rest)


_CONSTANT["one_example_at_a_time"] = (_CONSTANT["one_example_at_a_time"][0], _sequential)
_CONSTANT["start_at_zero"] = (_CONSTANT["start_at_zero"][0], _from_zero)

# --- growing steps -----------------------------------------------------------------------------------------------------
_GROWING = {
    "ascending": ("The sign.", _growing(lambda c, ref: lambda w, t: -c.eta / np.sqrt(t + 1) * _direction(c, ref, w))),
    "steps_of_constant_size": ("The step does not shrink with t.", _growing(
        lambda c, ref: lambda w, t: c.eta * _direction(c, ref, w))),
    "steps_shrink_too_fast": ("1 / (t + 1) for 1 / sqrt(t + 1).", _growing(
        lambda c, ref: lambda w, t: c.eta / (t + 1) * _direction(c, ref, w))),
    "time_one_ahead": ("1 / sqrt(t + 2): t begins at 1 twice.", _growing(
        lambda c, ref: lambda w, t: c.eta / np.sqrt(t + 2) * _direction(c, ref, w))),
    "mean_loss_below": ("The gradient of the sum is divided by the mean of the losses.", _growing(
        lambda c, ref: lambda w, t: c.eta / np.sqrt(t + 1) * _direction(c, ref, w) * (len(c.z) if c.update == "loss" else 1))),
    "divided_by_the_slopes": (
        "The weights are divided by their sum, not by the loss: the same for the exponential alone.",
        _growing(lambda c, ref: lambda w, t: c.eta / np.sqrt(t + 1) * _direction(c, ref, w, lambda u, a: _log_sum(a))),
    ),
    "softmax_of_the_margins": (
        "softmax(u) for softmax(-u): the examples that are best off are learned.",
        _growing(lambda c, ref: lambda w, t: c.eta / np.sqrt(t + 1) * _flipped(c, ref, w)),
    ),
    "softmax_whatever_the_tail": (
        "The weights are those of the exponential loss.",
        _growing(lambda c, ref: lambda w, t: c.eta / np.sqrt(t + 1) * _direction(
            SimpleNamespace(z=c.z, update=c.update, tail="exponential", power=1.0), ref, w)),
    ),
    "linear_domain": (
        "The loss and its gradient are formed and divided: 0 / 0 once they underflow.",
        _growing(lambda c, ref: lambda w, t: c.eta / np.sqrt(t + 1) * _underflowing(c, ref, w)),
    ),
    "updates_exchanged": ("\"loss\" and \"unit\" are exchanged.", _growing(
        lambda c, ref: lambda w, t: c.eta / np.sqrt(t + 1) * _direction(
            SimpleNamespace(**{**vars(c), "update": "unit" if c.update == "loss" else "loss"}), ref, w))),
    "unit_by_components": (
        "\"unit\" divides by the largest component, or takes a norm per component.",
        _growing(lambda c, ref: lambda w, t: c.eta / np.sqrt(t + 1) * _by_the_largest(c, ref, w)),
    ),
    "guarded_norm": (
        "1e-3 is added to the norm 'for stability'.",
        _growing(lambda c, ref: lambda w, t: c.eta / np.sqrt(t + 1) * _direction(c, ref, w) / (1 + 1e-3)),
    ),
    "scale_not_read": ("The scale is not read.", _growing(
        lambda c, ref: lambda w, t: _direction(c, ref, w) / np.sqrt(t + 1))),
    "told_a_step_early": ("The loss that is told is the one before the last step.", None),
    "steps_counted_from_one": ("Row k is the state after one step less.", _growing(
        lambda c, ref: lambda w, t: c.eta / np.sqrt(t + 1) * _direction(c, ref, w), first=1)),
}  # fmt: skip


def _flipped(case, ref, w):
    u = case.z @ w
    if case.update == "loss":
        return np.exp(u - _log_sum(u)) @ case.z
    g = np.exp(u - u.max()) @ case.z
    return g / max(np.linalg.norm(g), 1e-300)


def _underflowing(case, ref, w):
    u = case.z @ w
    force = np.exp(ref.log_loss_slope(u, case.tail, case.power)) @ case.z
    below = ref.loss(u, case.tail, case.power).sum() if case.update == "loss" else np.linalg.norm(force)
    return force / below if force.any() or case.update == "loss" else force


def _by_the_largest(case, ref, w):
    g = _direction(case, ref, w)
    return g / max(np.abs(g).max(), 1e-300) if case.update == "unit" else g


def _told_before(ref):
    def normalised_descent(z, w, times, *rest):
        right = ref.normalised_descent(z, w, times, *rest)
        before = ref.normalised_descent(z, w, np.arange(int(times[-1]) + 1), *rest)
        return right[0], np.asarray(before[1])[np.maximum(np.asarray(times) - 1, 0)]

    return normalised_descent


_GROWING["told_a_step_early"] = (_GROWING["told_a_step_early"][0], _told_before)

globals().update({name: _bug("descent", name, text, build) for name, (text, build) in _CONSTANT.items()})
globals().update({name: _bug("normalised_descent", name, text, build) for name, (text, build) in _GROWING.items()})
