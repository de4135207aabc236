"""Claims of a lesson: a prediction, what was measured, and whether the two agree.

A claim is numeric (a relation between the measured and the predicted value, within a tolerance that the author derives
and names) or judged by the lesson itself (`holds=`). The table is printed at the end of a lesson and asserted.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Claim", "ClaimFailed", "judge", "show", "table"]

RELATIONS = ("==", "<", "<=", ">", ">=", "between")


class ClaimFailed(AssertionError):
    """Some claims of a lesson do not hold; the message names them."""


@dataclass(frozen=True)
class Claim:
    """One row. margin: how far inside the bound the measurement is (negative: outside); None where there is no bound.

    holds is None for a claim that a quick run does not judge. mean is the bound for the mean over seeds, if any.
    """

    text: str
    predicted: Any
    measured: Any
    tolerance: float | None
    relation: str
    holds: bool | None
    margin: float | None = None
    because: str = ""
    mean: float | None = None

    @property
    def verdict(self) -> str:
        """yes, NO, or the reason why there is no verdict."""
        return "not judged (quick run)" if self.holds is None else "yes" if self.holds else "NO"

    def cells(self) -> tuple[str, str, str, str, str]:
        """The row as text: claim, predicted, measured, tolerance, holds."""
        prefix = "" if self.relation in ("==", "between", "") else f"{self.relation} "
        predicted = show(self.predicted)
        if self.relation == "between":
            predicted = f"{show(self.predicted[0])} to {show(self.predicted[1])}"
        verdict = self.verdict
        # For an equality the margin says nothing that measured and tolerance do not.
        if self.margin is not None and self.relation != "==":
            verdict += f", by {show(abs(self.margin))}"
        tolerance = "" if self.tolerance is None else show(self.tolerance)
        return self.text, prefix + predicted, show(self.measured), tolerance, verdict

    def __str__(self) -> str:
        text, predicted, measured, tolerance, verdict = self.cells()
        within = f", tolerance {tolerance}" if tolerance else ""
        return f"{text}: predicted {predicted}, measured {measured}{within}; holds: {verdict}"

    def record(self) -> dict[str, Any]:
        """For results.json."""
        return asdict(self)


def judge(
    text: str,
    *,
    predicted: Any,
    measured: Any,
    tolerance: float | None = None,
    relation: str = "==",
    holds: bool | None = None,
    because: str = "",
    mean: float | None = None,
    judged: bool = True,
) -> Claim:
    """Make a claim, deciding whether it holds.

    predicted, measured: numbers, or arrays of one shape. relation: measured <relation> predicted, loosened by the
    tolerance (default 0); "between" takes predicted=(low, high), both included. For arrays every entry must hold, and
    the margin is the worst one. With `holds`, predicted and measured may be anything, and nothing is computed. NaN
    holds nothing. judged=False measures only, and leaves `holds` None.
    Raises ValueError or TypeError for a claim that cannot be judged.
    """
    shown = {"tolerance": tolerance, "because": because, "mean": mean}
    if mean is not None and (holds is not None or relation not in RELATIONS[1:5] or _shape(measured) != ()):
        raise ValueError(f"claim {text!r}: mean= bounds the mean of single numbers by <, <=, > or >=, nothing else")
    if holds is not None:
        # Any truth value of one element will do (NumPy has its own bool); an array of several must be reduced first.
        return Claim(text, predicted, measured, relation="", holds=bool(holds) if judged else None, **shown)
    if relation not in RELATIONS:
        raise ValueError(f"claim {text!r}: relation must be one of {', '.join(RELATIONS)}; got {relation!r}")
    allowed = 0.0 if tolerance is None else float(tolerance)
    if not (math.isfinite(allowed) and allowed >= 0):
        raise ValueError(f"claim {text!r}: tolerance must be a finite number >= 0, got {tolerance!r}")
    if relation == "between":
        low, high = predicted
        verdict, margin = _compare(text, low, measured, allowed, ">=")
        below, margin_above = _compare(text, high, measured, allowed, "<=")
        verdict, margin = verdict and below, min(margin, margin_above)
    else:
        verdict, margin = _compare(text, predicted, measured, allowed, relation)
        shape = _shape(measured)
        if relation == "==" and shape not in ((), (1,)):
            # An array in a table would bury the answer: what matters is how far its worst entry is off.
            predicted, measured = f"array {shape}", f"worst entry off by {show(allowed - margin)}"
    return Claim(
        text, predicted, measured, relation=relation, holds=verdict if judged else None, margin=margin, **shown
    )


def _compare(text: str, predicted: Any, measured: Any, allowed: float, relation: str) -> tuple[bool, float]:
    """Whether every entry stands in the relation, and the smallest margin."""
    import numpy as np

    try:
        # Numbers keep their own dtype: integers above 2**53 must not become equal by rounding.
        predicted, measured = np.asarray(predicted), np.asarray(measured)
        for array in (predicted, measured):
            if array.dtype.kind not in "biuf":
                raise TypeError(f"an array of {array.dtype}")
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"claim {text!r}: predicted and measured must be real numbers or arrays of them ({error}); "
            f"for anything else decide in the lesson and pass holds=..."
        ) from error
    if predicted.shape not in ((), measured.shape):
        raise ValueError(f"claim {text!r}: predicted has shape {predicted.shape}, measured has shape {measured.shape}")
    if measured.size == 0:
        raise ValueError(f"claim {text!r}: nothing was measured (an array of shape {measured.shape})")
    if predicted.dtype.kind in "biu" and measured.dtype.kind in "biu":
        predicted, measured = predicted.astype(object), measured.astype(object)
    with np.errstate(all="ignore"):
        difference = measured - predicted
        margin = {
            "==": lambda: allowed - np.where(measured == predicted, 0, abs(difference)),
            "<": lambda: allowed - difference,
            "<=": lambda: allowed - difference,
            ">": lambda: allowed + difference,
            ">=": lambda: allowed + difference,
        }[relation]()
        margin = np.asarray(margin, dtype=float)
        strict = relation in ("<", ">")
        worst = float(np.min(margin))  # NaN anywhere gives NaN, which no comparison accepts
    return (worst > 0 if strict else worst >= 0), worst


def _shape(value: Any) -> tuple[int, ...]:
    import numpy as np

    return np.shape(value)


def show(value: Any) -> str:
    """A value in a table: four significant digits for floats, short forms for sequences."""
    if hasattr(value, "tolist") and not isinstance(value, type):
        shape = tuple(getattr(value, "shape", ()))
        if math.prod(shape) > 8:
            return f"array {shape}"
        value = value.tolist()
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(show, value)) if len(value) <= 8 else f"{len(value)} values"
    return str(value)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, first: int = 44, other: int = 26) -> str:
    """Columns of text, wrapped to `first` and `other` characters."""
    wrapped = []
    for row in [headings, *rows]:
        widths = [first] + [other] * (len(row) - 1)
        cells = [textwrap.wrap(str(cell), width) or [""] for cell, width in zip(row, widths, strict=True)]
        height = max(map(len, cells))
        wrapped.append([cell + [""] * (height - len(cell)) for cell in cells])
    widths = [max(len(line) for row in wrapped for line in row[column]) for column in range(len(headings))]
    lines = []
    for number, row in enumerate(wrapped):
        for parts in zip(*row, strict=True):
            lines.append(" | ".join(part.ljust(width) for part, width in zip(parts, widths, strict=True)).rstrip())
        if number == 0:
            lines.append("-+-".join("-" * width for width in widths))
    return "\n".join(lines)
