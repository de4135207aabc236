"""The comparisons that laws are written with: each either passes and counts itself, or raises `Broken` with a report.

There is no absolute tolerance anywhere here. Agreement is |got - expected| <= ulps * eps * scale, where the scale is
the largest magnitude of the expected result (or what the law derives). So an all-zero answer where 1e-12 is expected
fails, and NaN or infinity agree only with themselves.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np

_KINDS = {"b": "boolean", "i": "integer", "u": "integer", "f": "floating", "c": "complex"}


@dataclass
class Tally:
    """How many checks ran. One per `counting()` block; a thread that opens no block of its own counts nowhere."""

    checks: int = 0


_TALLY: ContextVar[Tally | None] = ContextVar("minidl_checks", default=None)


@contextmanager
def counting() -> Iterator[Tally]:
    """Count the checks that run inside the block (and give them to the enclosing block as well)."""
    outer, tally = _TALLY.get(), Tally()
    token = _TALLY.set(tally)
    try:
        yield tally
    finally:
        _TALLY.reset(token)
        if outer is not None:
            outer.checks += tally.checks


def _count() -> None:
    tally = _TALLY.get()
    if tally is not None:
        tally.checks += 1


class NotProvided(Exception):
    """The implementation lacks a function that a law needs, or declines it. Never a pass, never a failure."""

    def __init__(self, function: str, reason: str = "") -> None:
        self.function = function
        self.reason = reason
        super().__init__(f"{function} is not provided" + (f": {reason}" if reason else ""))


class Broken(AssertionError):
    """A law that does not hold: what was expected, what came, and by how much it is off.

    `error`, `tolerance` and `index` belong to the entry that is worst in units of its tolerance; they are None where no
    number measures the difference (a wrong shape, a false statement).
    """

    def __init__(
        self,
        why: str,
        *,
        expected: Any = None,
        got: Any = None,
        error: float | None = None,
        tolerance: float | None = None,
        index: tuple[int, ...] | None = None,
    ) -> None:
        self.why, self.expected, self.got = why, expected, got
        self.error, self.tolerance, self.index = error, tolerance, index
        super().__init__(why)

    @property
    def excess(self) -> float | None:
        """The error in units of the tolerance: 1 is the border, infinity a difference where none is allowed."""
        if self.error is None or self.tolerance is None:
            return None
        return self.error / self.tolerance if self.tolerance else math.inf

    def __str__(self) -> str:
        lines = [self.why]
        if self.expected is not None:
            lines.append(f"  expected {show(self.expected)}")
        if self.got is not None:
            lines.append(f"  got      {show(self.got)}")
        if self.error is not None:
            where = f" at entry {self.index}" if self.index else ""
            lines.append(f"  off by   {self.error:.6g}{where}; allowed {self.tolerance:.3g} ({self.excess:.3g} times)")
        if self.index:
            expected, got = np.asarray(self.expected)[self.index], np.asarray(self.got)[self.index]
            lines.append(f"  there    expected {expected!r}, got {got!r}")
        return "\n".join(lines)


def show(value: Any, limit: int = 400) -> str:
    """One line for a value: arrays with dtype and shape, cut after `limit` characters."""
    if isinstance(value, np.ndarray):
        # str: the shortest digits that give the number back, entry by entry
        with np.printoptions(formatter={"float_kind": str}, threshold=20, linewidth=10**6):
            body = " ".join(np.array2string(value, separator=",").split())
        body = re.sub(r" ?([\[,\]]) ?", r"\1", body).replace(",", ", ")
        text = f"{body} ({value.dtype}, shape {value.shape})"
    else:
        text = repr(value)
    return text if len(text) <= limit else text[: limit - 4] + " ..."


def _numeric(value: Any, why: str, expected: Any) -> np.ndarray:
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise Broken(f"{why}: the result is no array ({error})", expected=expected, got=repr(value)) from error
    if array.dtype.kind not in _KINDS:
        raise Broken(f"{why}: the result is not numeric but {type(value).__name__}", expected=expected, got=repr(value))
    return array


def _wanted(expected: Any, why: str) -> np.ndarray:
    want = np.asarray(expected)
    if want.dtype.kind not in _KINDS:
        raise TypeError(f"a law must expect numbers, got {type(expected).__name__} {expected!r} ({why})")
    return want


def _pair(got: Any, expected: Any, why: str) -> tuple[np.ndarray, np.ndarray]:
    want = _wanted(expected, why)
    have = _numeric(got, why, want)
    if have.shape != want.shape:
        raise Broken(f"{why}: shape {have.shape} instead of {want.shape}", expected=want, got=have)
    if _KINDS[have.dtype.kind] != _KINDS[want.dtype.kind]:
        raise Broken(f"{why}: dtype {have.dtype} instead of {want.dtype}", expected=want, got=have)
    return have, want


def _worst(error: np.ndarray, tolerance: np.ndarray) -> tuple[int, ...]:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(error == 0, 0.0, error / tolerance)
    ratio = np.where(np.isnan(ratio), np.inf, ratio)
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(ratio)), ratio.shape))


def _differs_exactly(have: np.ndarray, want: np.ndarray, wrong: np.ndarray, why: str) -> None:
    if not wrong.any():
        return
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), wrong.shape))
    if have.dtype.kind in "biu":
        error = float(abs(int(have[index]) - int(want[index])))
    else:
        with np.errstate(all="ignore"):
            error = float(abs(have[index] - want[index]))
        error = math.inf if math.isnan(error) else error
    raise Broken(why, expected=want, got=have, error=error, tolerance=0.0, index=index)


def compare(got: Any, expected: Any, tolerance: Any, *, why: str) -> None:
    """|got - expected| <= tolerance entry by entry; the tolerance broadcasts to the result. Integers agree exactly."""
    have, want = _pair(got, expected, why)
    if want.size:
        _count()
    if want.dtype.kind in "biu":
        _differs_exactly(have, want, have != want, why)
        return
    allowed = np.broadcast_to(np.asarray(tolerance, dtype=np.float64), want.shape)
    wide = np.result_type(have, want, np.float64)
    finite = np.isfinite(have) & np.isfinite(want)
    with np.errstate(all="ignore"):
        error = np.abs(have.astype(wide) - want.astype(wide)).astype(np.float64)
        same = (have == want) | (np.isnan(have) & np.isnan(want))
    error = np.where(finite, error, np.where(same, 0.0, np.inf))
    if (error <= allowed).all():
        return
    index = _worst(error, allowed)
    raise Broken(why, expected=want, got=have, error=float(error[index]), tolerance=float(allowed[index]), index=index)


def natural_scale(expected: Any) -> float:
    """The largest magnitude among the finite entries; 0 where there is none."""
    array = np.asarray(expected)
    magnitudes = np.abs(array[np.isfinite(array)].astype(np.result_type(array, np.float64)))
    return float(magnitudes.max()) if magnitudes.size else 0.0


def agree(got: Any, expected: Any, *, why: str, ulps: float, scale: Any = None) -> None:
    """|got - expected| <= ulps * eps * scale, with eps of the expected value's dtype (float64 for integers).

    scale: a number, or an array that broadcasts to the result: the natural scale of the case, such as the sum of the
    terms' magnitudes before they cancel. By default the largest finite |expected|. Scale 0 asks for equality. Above 0
    each ulp also allows one smallest subnormal, the rounding that gradual underflow adds.
    Shapes and kinds of dtype must match; integers and booleans agree exactly; NaN and infinity only with themselves.
    Raises Broken; ValueError if the law itself is malformed.
    """
    want = _wanted(expected, why)
    if not (math.isfinite(ulps) and ulps >= 0):
        raise ValueError(f"ulps must be a finite number >= 0, got {ulps!r} ({why})")
    size = np.asarray(natural_scale(want) if scale is None else scale, dtype=np.float64)
    if not (np.isfinite(size).all() and (size >= 0).all()):
        raise ValueError(f"a scale must be finite and >= 0, got {show(size)} ({why}): derive it from the case")
    if np.broadcast_shapes(size.shape, want.shape) != want.shape:
        raise ValueError(f"scale of shape {size.shape} does not broadcast to the expected {want.shape} ({why})")
    info = np.finfo(want.dtype if want.dtype.kind in "fc" else np.float64)
    quantum = np.where(size > 0, float(info.smallest_subnormal), 0.0)
    compare(got, expected, ulps * (float(info.eps) * size + quantum), why=why)


def identical(got: Any, expected: Any, *, why: str, signed_zero: bool = False) -> None:
    """Bitwise equality: same shape, same floating dtype, same values.

    NaN equals NaN; -0.0 equals 0.0 unless signed_zero. The width of integers is not part of it (an index is an index).
    Raises Broken.
    """
    have, want = _pair(got, expected, why)
    if want.dtype.kind in "fc" and have.dtype != want.dtype:
        raise Broken(f"{why}: dtype {have.dtype} instead of {want.dtype}", expected=want, got=have)
    if want.size:
        _count()
    wrong = have != want
    if want.dtype.kind in "fc":
        wrong &= ~(np.isnan(have) & np.isnan(want))
    if signed_zero and want.dtype.kind == "f":
        wrong |= (np.signbit(have) != np.signbit(want)) & ~np.isnan(want)
    _differs_exactly(have, want, wrong, why)


def holds(condition: bool, *, why: str, got: Any = None, expected: Any = None) -> None:
    """A plain statement is true. Raises Broken; TypeError unless the condition is one truth value."""
    if not isinstance(condition, bool | np.bool_):
        raise TypeError(f"holds needs one truth value, got {type(condition).__name__} ({why}): reduce it with .all()")
    _count()
    if not condition:
        raise Broken(why, expected=expected, got=got)


def within(statistic: float, mean: float, halfwidth: float, *, why: str, bound: str) -> None:
    """A statistic lies within its halfwidth of the mean that theory gives.

    bound: the inequality behind the halfwidth with its numbers, such as "Hoeffding, n=10000, P <= 1e-9". A correct
    implementation may break such a law with probability at most 1e-9. Raises Broken; ValueError without a bound.
    """
    if not bound:
        raise ValueError(f"a statistical law names the inequality behind its halfwidth ({why})")
    if not (math.isfinite(halfwidth) and halfwidth >= 0):
        raise ValueError(f"the halfwidth must be a finite number >= 0, got {halfwidth!r} ({why})")
    compare(np.float64(statistic), np.float64(mean), halfwidth, why=f"{why} [{bound}]")
