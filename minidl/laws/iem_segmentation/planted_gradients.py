"""Planted bugs of the gradient: one path of it missing or wrong at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minidl.laws.core import planted

EPSILON = 1e-8


@dataclass
class Parts:
    """The gradient path by path, each an (H, W) array; a bug changes one of them."""

    ref: Any
    image: np.ndarray
    mask: np.ndarray
    kernel: np.ndarray
    reps: int
    sign: Any = np.sign
    epsilon: float = EPSILON
    foreground: Any = field(init=False)
    background: Any = field(init=False)

    def __post_init__(self):
        s = self.ref.inpaint_sides(self.image, self.mask, self.kernel, self.reps)
        self.foreground = self.side(self.mask, s.foreground, s.foreground_support)
        self.background = self.side(1 - self.mask, s.background, s.background_support)

    def adjoint(self, planes):
        blurred = self.ref.blur(planes, self.kernel, self.reps)
        return blurred + self.epsilon * planes.sum(axis=(-2, -1), keepdims=True)

    def side(self, member, psi, support):
        """Direct, area, through the numerator, through the denominator, and to the mean: of one side."""
        area, error = member.sum(), np.abs(self.image - psi).mean(axis=0)
        r = member * self.sign(psi - self.image) / (len(self.image) * area * support)
        mean = ((self.image * member).sum(axis=(1, 2)) / area)[:, None, None]
        return {
            "direct": error / area,
            "area": -np.full_like(error, (member * error).sum() / area**2),
            "numerator": -(self.image * self.adjoint(r)).sum(axis=0),
            "denominator": self.adjoint((r * psi).sum(axis=0)),
            "spread": np.square(self.image - mean).sum(axis=0),
        }

    def total(self, weight, **factors):
        """Everything put together, with paths multiplied by a factor."""
        gradient = np.zeros_like(self.mask)
        for name in self.foreground:
            factor = -weight if name == "spread" else 1
            gradient += factors.get(name, 1) * factor * (self.foreground[name] - self.background[name])
        return gradient.astype(self.image.dtype)


def _with(factors=None, **parts):
    """The gradient with paths multiplied by factors, or with other parts."""

    def build(ref):
        def objective_gradient(image, mask, kernel, reps, diversity_weight, total=None):
            return Parts(ref, image, mask, kernel, reps, **parts).total(diversity_weight, **(factors or {}))

        return objective_gradient

    return build


@planted("objective_gradient")
def areas_held_fixed(ref):
    """Both areas are constants: the terms with the squared areas are missing."""
    return _with({"area": 0})(ref)


@planted("objective_gradient")
def errors_held_fixed(ref):
    """No path through the predictions."""
    return _with({"numerator": 0, "denominator": 0})(ref)


@planted("objective_gradient")
def denominators_held_fixed(ref):
    """The denominator of the predictions is a constant."""
    return _with({"denominator": 0})(ref)


@planted("objective_gradient")
def only_through_predictions(ref):
    """A pixel's own error does not change sides with it."""
    return _with({"direct": 0})(ref)


@planted("objective_gradient")
def predictions_with_the_other_sign(ref):
    """The paths through the predictions have the wrong sign."""
    return _with({"numerator": -1, "denominator": -1})(ref)


@planted("objective_gradient")
def denominator_with_the_other_sign(ref):
    """The derivative of a quotient with a plus."""
    return _with({"denominator": -1})(ref)


@planted("objective_gradient")
def diversity_rewarded(ref):
    """The gradient of the diversity has the wrong sign."""
    return _with({"spread": -1})(ref)


@planted("objective_gradient")
def diversity_without_gradient(ref):
    """The weight is not looked at."""
    return _with({"spread": 0})(ref)


@planted("objective_gradient")
def diversity_per_pixel(ref):
    """The gradient of a diversity that is averaged over the pixels."""

    def objective_gradient(image, mask, kernel, reps, diversity_weight, total=None):
        return ref.objective_gradient(image, mask, kernel, reps, diversity_weight / mask.size, total)

    return objective_gradient


@planted("objective_gradient")
def sign_of_zero_is_one(ref):
    """A prediction that is right counts as too bright."""
    return _with(sign=lambda x: np.where(x >= 0, 1, -1).astype(x.dtype))(ref)


@planted("objective_gradient")
def adjoint_without_epsilon(ref):
    """The path through the epsilon sums is missing: large where it alone predicts."""
    return _with(epsilon=0.0)(ref)


@planted("objective_gradient")
def descent(ref):
    """The gradient of the loss."""
    return lambda *arguments: -ref.objective_gradient(*arguments)


@planted("objective_gradient")
def foreground_terms_only(ref):
    """Nothing of the background."""

    def objective_gradient(image, mask, kernel, reps, diversity_weight, total=None):
        parts = Parts(ref, image, mask, kernel, reps)
        parts.background = {name: np.zeros_like(value) for name, value in parts.background.items()}
        return parts.total(diversity_weight)

    return objective_gradient


@planted("objective_gradient")
def gradient_of_one_pass(ref):
    """One pass of blur instead of rho."""
    return lambda image, mask, kernel, reps, weight, total=None: ref.objective_gradient(image, mask, kernel, 1, weight)


@planted("objective_gradient")
def summed_channels(ref):
    """The errors of the channels are summed instead of averaged."""
    return lambda image, mask, kernel, reps, weight, total=None: (
        len(image) * ref.objective_gradient(image, mask, kernel, reps, weight / len(image))
    )


@planted("objective_gradient")
def crossed_areas(ref):
    """The gradient of the crossed entropies: each error over the other's area."""

    def objective_gradient(image, mask, kernel, reps, diversity_weight, total=None):
        parts, areas = Parts(ref, image, mask, kernel, reps), (mask.sum(), (1 - mask).sum())
        for side, own, other in ((parts.foreground, *areas), (parts.background, *areas[::-1])):
            for name in ("direct", "numerator", "denominator"):
                side[name] = side[name] * own / other
            side["area"] = -side["area"] * (own / other) ** 2
        return parts.total(diversity_weight)

    return objective_gradient
