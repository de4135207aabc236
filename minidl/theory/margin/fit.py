"""Descent on separable data for users: inputs and labels in, the run beside the solution that it approaches out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minidl.implementations import implementation
from minidl.theory.margin import border
from minidl.theory.margin import steps as reference
from minidl.theory.margin.gaps import angle, margin_gap
from minidl.theory.margin.solver import HardMargin, hard_margin
from minidl.theory.margin.steps import default_step
from minidl.theory.margin.tails import signed_inputs

METHODS = ("normalised", "constant")


class Fit(NamedTuple):
    """A run of gradient descent beside the solution that it approaches."""

    times: np.ndarray  # (K,) numbers of steps
    w: np.ndarray  # (K, d) weights, for the inputs as they were given
    log_loss: np.ndarray  # (K,) log of the sum of the losses
    margin: np.ndarray  # (K,) min_n z_n . w / ||w||; below 0 while an example is on the wrong side
    gap: np.ndarray  # (K,) hard.margin - margin
    angle: np.ndarray  # (K,) between w and hard.w
    hard: HardMargin

    @property
    def direction(self) -> np.ndarray:
        """The last weights divided by their norm, (d,)."""
        return self.w[-1] / np.linalg.norm(self.w[-1])


def fit_direction(
    x: np.ndarray,
    labels: np.ndarray,
    *,
    steps: int = 10_000,
    method: str = "normalised",
    update: str = "loss",
    step_size: float | None = None,
    tail: str = "exponential",
    power: float = 1.0,
    start: np.ndarray | None = None,
    points: int = 50,
    impl: str = "kernels",
) -> Fit:
    """Train a linear classifier without bias on separable data, and compare it with the maximum margin.

        fit = fit_direction(x, labels, steps=100_000)
        fit.direction, fit.margin[-1], fit.hard.margin

    x: (N, d); labels: (N,) in {-1, +1}; steps: how many; method: "normalised" (steps step_size / sqrt(t + 1) along
    -grad L / L, or with update="unit" along the gradient's direction) or "constant" (steps step_size along -grad L).
    step_size: None for 1 in units in which the largest input has norm 1 (normalised), or `default_step` (constant).
    tail, power: the loss, see `TAILS`. start: the first weights (d,), 0 if not given. points: at most so many numbers
    of steps are recorded, evenly in their logarithm, the last always. impl: "kernels" or "reference".

    Raises `NotSeparable` (a ValueError) with a certificate; ValueError for other labels, zero rows, shapes that do not
    fit, NaN and infinity, values out of range; TypeError for counts that are no integers and for what holds no numbers.
    """
    z = signed_inputs(x, labels)
    steps, points = border.count("steps", steps), border.count("points", points)
    border.choice("method", method, METHODS)
    w = border.weights("start", np.zeros(z.shape[1]) if start is None else start, z.shape[1])
    hard = hard_margin(z)
    functions = implementation(impl, reference=reference, kernels="minidl_kernels.descent")
    times = np.unique(np.geomspace(1, steps, points).round().astype(np.int64)) if points > 1 else np.array([steps])
    if method == "constant":
        size = default_step(z, tail, power, w) if step_size is None else step_size
        run = functions.descent(z, w, times, size, tail, power)
    else:
        size = 1.0 if step_size is None else border.positive("step_size", step_size)
        largest = float(np.linalg.norm(z, axis=1).max())
        run = functions.normalised_descent(z, w, times, size / largest**2, update, tail, power)
    gap = margin_gap(z, run.w, hard.margin)
    return Fit(times, run.w, run.log_loss, hard.margin - gap, gap, angle(run.w, hard.w), hard)
