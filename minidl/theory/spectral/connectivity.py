r"""Linear mode connectivity: what lies on the straight line between two trained nets.

$$ \theta(a) = (1 - a)\,\theta_0 + a\,\theta_1, \qquad
   \text{barrier} = \max_{0 < a < 1} \bigl[L(\theta(a)) - (1 - a) L(\theta_0) - a L(\theta_1)\bigr] $$

over equally spaced a, 11 of them with the ends by default. The barrier is at most 0 where the loss is convex along the
line, and may be negative. Some papers subtract the mean of the end losses instead of the line (`reference="mean"`): the
same for equal ends, up to half the difference of the ends smaller or larger else. This follows the authors of the
method, who subtract the line.

Two nets are linearly connected when the barrier is near 0. Then, says the paper, the net halfway keeps the top singular
vectors of both ends: `path_agreement` follows the agreement S (`minidl.theory.spectral.alignment`) along the line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from minidl.theory.spectral import border
from minidl.theory.spectral.alignment import TOP, agreement_matrix, diagonal_score

POINTS = 11


class PathAgreement(NamedTuple):
    """Agreement of the matrix on the line with either end."""

    first: np.ndarray  # (points,) with w0; 1 at the first point
    second: np.ndarray  # (points,) with w1; 1 at the last point


def segment(points: int = POINTS) -> np.ndarray:
    """Equally spaced a from 0 to 1: (points,). Raises ValueError for fewer than 3, which have no inside."""
    return np.linspace(0.0, 1.0, border.count("points", points, 3))


def interpolated(theta0: Any, theta1: Any, a: float) -> Any:
    """(1 - a) theta0 + a theta1, for arrays, or lists, tuples and dicts of them; the same structure with new arrays.

    Exactly the ends at a = 0 and a = 1; other a, also outside [0, 1], are points on the same line.
    Raises ValueError for structures or shapes that differ, entries and a that are not finite.
    """
    return _between(theta0, theta1, border.number("a", a), "theta")


def _between(one: Any, other: Any, a: float, name: str) -> Any:
    if isinstance(one, Mapping):
        if not isinstance(other, Mapping) or one.keys() != other.keys():
            got = sorted(other) if isinstance(other, Mapping) else type(other).__name__
            raise ValueError(f"both ends must have the same names, got {sorted(one)} and {got}")
        return {key: _between(one[key], other[key], a, f"{name}[{key!r}]") for key in one}
    if isinstance(one, list | tuple):
        if not isinstance(other, list | tuple) or len(one) != len(other):
            raise ValueError(f"both ends must be sequences of one length, got {np.shape(one)} and {np.shape(other)}")
        parts = [_between(x, y, a, f"{name}[{i}]") for i, (x, y) in enumerate(zip(one, other, strict=True))]
        return parts if isinstance(one, list) else tuple(parts)
    one = border.floats(f"{name} at the first end", one)
    other = border.same_shape(f"{name} at the second end", other, one, "the first end")
    return (1 - a) * one + a * other


def path_losses(loss: Callable[[Any], float], theta0: Any, theta1: Any, points: int = POINTS) -> np.ndarray:
    """loss(theta(a)) at equally spaced a: (points,) float64.

    loss takes what `interpolated` returns, such as the state of a net (`minidl.theory.spectral.nets.loss_at`). Raises
    as `interpolated`, and ValueError for a loss that is not finite.
    """
    losses = [float(loss(interpolated(theta0, theta1, float(a)))) for a in segment(points)]
    return border.floats("losses", losses)


def loss_barrier(losses: Any, reference: str = "line") -> float:
    """The largest excess of the inner losses over the line between the end losses, or over their mean.

    losses: (K,) at equally spaced points, the ends included. reference: "line" or "mean".
    Raises ValueError for fewer than 3 losses, one that is not finite, or another reference.
    """
    losses = border.floats("losses", losses).astype(np.float64)
    if losses.ndim != 1 or len(losses) < 3:
        raise ValueError(
            f"a barrier needs losses (K,) with K >= 3: two ends and a point between, got shape {losses.shape}"
        )
    border.choice("reference", reference, ("line", "mean"))
    a = segment(len(losses))
    line = (1 - a) * losses[0] + a * losses[-1] if reference == "line" else (losses[0] + losses[-1]) / 2
    return float((losses - line)[1:-1].max())


def path_agreement(w0: Any, w1: Any, points: int = POINTS, top: int = TOP) -> PathAgreement:
    """Along the line between two versions of a weight, the agreement of the top singular vectors with those of either
    end.

    w0, w1: of one shape. Raises as `agreement_matrix`.
    """
    w0 = border.weight("w0", w0)
    w1 = border.same_shape("w1", w1, w0, "w0")
    path = [interpolated(w0, w1, float(a)) for a in segment(points)]
    return PathAgreement(*(np.array([diagonal_score(agreement_matrix(end, w), top) for w in path]) for end in (w0, w1)))
