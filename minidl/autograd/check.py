r"""Is a gradient right? Held against differences of the function itself, entry by entry.

`check_gradients(f, x, w)` draws a random cotangent $u$ (a seed of ones cannot see errors that sum to zero), and compares
$\nabla \langle u, f \rangle$ from the tape with numbers that need no derivative rule:

**Central differences**, $D(h) = (\phi(h) - \phi(-h)) / 2h$, are off by $c_2 h^2 + c_4 h^4 + \dots$ and by rounding,
$\varepsilon S / h$ with $S = \sum |u f|$. Halving $h$ and combining, $(4 D(h/2) - D(h)) / 3$, removes $c_2$, then $c_4$ and so
on (Richardson, 1911; choosing the step by the combinations' own disagreement: Ridders, 1982). The steps are fractions of
the entry, so that a singularity at 0 stays out of reach.

**Complex step**, $\operatorname{Im} \phi(ih) / h$: nothing is subtracted, so nothing cancels and $h$ can be so small that the
error, $h^2$, is far below rounding (Squire and Trapp, 1998). For functions that are analytic: no abs, no conjugates.

**Tolerance.** What the differences themselves disagree by, plus what rounding does to the tape's answer: the gradient is
computed again at inputs and cotangents that are off by one ulp; a right program may be off by a few times what it then moves
(its conditioning), and by a few ulps of the largest entry. There is no absolute tolerance, and NaN never passes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minidl.autograd.functional import value_and_grad, vjp
from minidl.autograd.tensor import Tensor, no_grad

_FEW = 8  # ulps of backward error that a chain of roundings is granted
_ROUNDINGS = 4  # ulps that one value of phi may be off by, in units of its terms
_JITTERS = 3
_HALVINGS = 24


@dataclass(frozen=True)
class Entry:
    """One entry of a gradient: of which argument, where in it, and how far it is off."""

    argument: int
    index: tuple[int, ...]
    got: float
    expected: float
    error: float
    tolerance: float

    @property
    def excess(self) -> float:
        """The error in units of the tolerance; above 1 the entry is wrong."""
        if math.isnan(self.error):
            return math.inf
        return self.error / self.tolerance if self.tolerance else (math.inf if self.error else 0.0)

    def __str__(self) -> str:
        return (
            f"argument {self.argument}, entry {self.index}: got {self.got!r}, expected {self.expected!r}, "
            f"off by {self.error:.3g} where {self.tolerance:.3g} is allowed"
        )


@dataclass(frozen=True)
class Report:
    """What a gradient check saw: how many entries it compared, and the one that came closest to failing."""

    order: int
    method: str
    checks: int
    worst: Entry | None

    @property
    def ok(self) -> bool:
        return self.worst is None or self.worst.excess <= 1

    def __str__(self) -> str:
        verdict = "agree" if self.ok else "DISAGREE"
        return (
            f"derivatives of order {self.order} {verdict} with {self.method} differences in {self.checks} entries"
            + (f"; worst: {self.worst}" if self.worst else "")
        )


class GradientError(AssertionError):
    """A gradient that differs from the differences of its function. `.report` has the numbers."""

    def __init__(self, why: str, report: Report | None = None):
        super().__init__(why)
        self.report = report


def check_gradients(
    f: Callable, *args: Any, order: int = 1, method: str = "central", rng: np.random.Generator | None = None
) -> Report:
    """Compare the tape's derivatives of `f(*args)` with differences; returns a `Report`.

    f: a function of arrays (any shapes, float64 or float32) that returns one array. Other arguments (integers, None, ...)
        are handed through. Differences are taken in float64, whatever the arguments' dtype.
    order: 1 checks the gradient of <u, f>; 2 then also the gradient of <v, gradient>, for random u and v.
    method: "central" for any smooth function, "complex" for analytic ones.
    rng: where u and v come from (default: a generator with a fixed seed).

    Raises GradientError naming the worst entry if one is wrong or NaN, or if a gradient has another shape or dtype than its
    argument; ValueError if there is nothing to check, or complex steps get real results.
    """
    if order not in (1, 2):
        raise ValueError(f"order must be 1 or 2, got {order!r}")
    if method not in ("central", "complex"):
        raise ValueError(f'method must be "central" or "complex", got {method!r}')
    rng = np.random.default_rng(1998) if rng is None else rng
    args = [_float_array(a) for a in args]
    numbers = [i for i, a in enumerate(args) if isinstance(a, np.ndarray) and a.dtype.kind == "f"]
    if not numbers:
        raise ValueError("check_gradients needs an argument that is a float array (write 1.0 instead of 1)")
    points = [args[i] for i in numbers]

    def call(*moved: Any) -> Any:
        full = list(args)
        for i, x in zip(numbers, moved, strict=True):
            full[i] = x
        return f(*full)

    before = _check(call, points, numbers, 1, method, rng)
    if order == 1:
        return before
    after = _check(call, points, numbers, 2, method, rng)
    return replace(after, checks=before.checks + after.checks)


def _check(
    call: Callable, points: list, numbers: list[int], order: int, method: str, rng: np.random.Generator
) -> Report:
    value = _evaluate(call, points)
    u = rng.standard_normal(value.shape).astype(value.dtype)
    vs = [rng.standard_normal(x.shape).astype(x.dtype) for x in points]
    tape_gradient = _first if order == 1 else _second
    phi = _scalar(call, u, method) if order == 1 else _directional(call, u, vs, method)
    got = tape_gradient(call, points, u, vs)
    for i, x, g in zip(numbers, points, got, strict=True):
        if g.shape != x.shape or g.dtype != x.dtype:
            raise GradientError(f"the gradient of argument {i} is {g.dtype}{g.shape}, the argument {x.dtype}{x.shape}")
    allowed = _rounding(tape_gradient, call, points, u, vs, got, rng)
    wide = [x.astype(np.float64) for x in points]
    take = _complex_step if method == "complex" and order == 1 else _central
    worst, checks = None, 0
    for k, number in enumerate(numbers):
        for index in np.ndindex(points[k].shape):
            expected, uncertain = take(phi, wide, k, index, number)
            error = abs(float(got[k][index]) - expected)
            entry = Entry(number, index, float(got[k][index]), expected, error, uncertain + float(allowed[k][index]))
            checks += 1
            worst = entry if worst is None or entry.excess > worst.excess else worst
    report = Report(order, method, checks, worst)
    if not report.ok:
        raise GradientError(str(report), report)
    return report


# --- what the tape says ------------------------------------------------------------------------------------------------
def _first(call: Callable, points: list, u: np.ndarray, vs: list) -> tuple:
    return vjp(call, *points)[1](u)


def _second(call: Callable, points: list, u: np.ndarray, vs: list) -> tuple:
    """The gradient of <v, gradient of <u, f>>: the Hessian of <u, f> times v."""

    def slope(*xs: Any) -> Any:
        _, pull = vjp(call, *xs)
        return sum((g * v).sum() for g, v in zip(pull(u), vs, strict=True))

    return value_and_grad(slope, argnums=tuple(range(len(points))))(*points)[1]


def _rounding(
    gradient: Callable, call: Callable, points: list, u: np.ndarray, vs: list, got: tuple, rng: np.random.Generator
) -> list[np.ndarray]:
    """What a right program may be off by: a few times its movement under one ulp, and a few ulps of its largest entry.

    Everything that it starts from moves, the cotangent too: that stands for the rounding of adjoints on the way. Zeros stay:
    one ulp beside a kink at 0 is another question.
    """

    def jitter(x: np.ndarray) -> np.ndarray:
        return np.where(x == 0, x, np.nextafter(x, rng.choice([-np.inf, np.inf], x.shape).astype(x.dtype)))

    spread = [np.zeros(g.shape) for g in got]
    for _ in range(_JITTERS):
        moved = gradient(call, [jitter(x) for x in points], jitter(u), [jitter(v) for v in vs])
        spread = [np.fmax(s, np.abs(m - g, dtype=np.float64)) for s, m, g in zip(spread, moved, got, strict=True)]
    eps = [np.finfo(g.dtype).eps * np.max(np.abs(g), initial=0.0) for g in got]
    return [_FEW * (np.maximum(s, np.median(s) if s.size else 0.0) + e) for s, e in zip(spread, eps, strict=True)]


# --- what differences say ----------------------------------------------------------------------------------------------
def _scalar(call: Callable, u: np.ndarray, method: str) -> Callable:
    """<u, f> at some points (its imaginary part, for complex steps), and the sum of its terms' magnitudes."""
    u = u.astype(np.float64)

    def phi(points: list[np.ndarray]) -> tuple[Any, float]:
        y = _evaluate(call, points)
        terms = u * (_complex(y).imag if method == "complex" else y)
        return float(np.sum(terms)), float(np.sum(np.abs(terms)))

    return phi


def _directional(call: Callable, u: np.ndarray, vs: list[np.ndarray], method: str) -> Callable:
    """<v, gradient of <u, f>> at some points: from the tape's first order, or by a complex step along v."""
    vs = [v.astype(np.float64) for v in vs]
    if method == "complex":

        def phi(points: list[np.ndarray]) -> tuple[float, float]:
            h = 2.0**-60
            y = _evaluate(call, [x + 1j * h * v for x, v in zip(points, vs, strict=True)])
            terms = u * _complex(y).imag / h
            return float(terms.sum()), float(np.abs(terms).sum())

        return phi
    u = u.astype(np.float64)

    def phi(points: list[np.ndarray]) -> tuple[float, float]:
        terms = [g * v for g, v in zip(_first(call, points, u, vs), vs, strict=True)]
        return float(sum(t.sum() for t in terms)), float(sum(np.abs(t).sum() for t in terms))

    return phi


def _complex(y: np.ndarray) -> np.ndarray:
    if y.dtype.kind != "c":
        raise ValueError('a complex step needs f to map complex to complex, got real results: use method="central"')
    return y


def _moved(points: list[np.ndarray], k: int, index: tuple, value: Any) -> list[np.ndarray]:
    changed = points[k].astype(np.result_type(points[k].dtype, value))
    changed[index] = value
    return [changed if i == k else x for i, x in enumerate(points)]


def _complex_step(phi: Callable, points: list[np.ndarray], k: int, index: tuple, number: int) -> tuple[float, float]:
    """h = 2^-60 of the entry: the error h^2 = 2^-120 is below rounding, and h times any usual slope is no underflow."""
    x = points[k][index]
    h = 2.0**-60 * (abs(x) or 1.0)
    value, scale = phi(_moved(points, k, index, complex(x, h)))
    return value / h, _ROUNDINGS * float(np.finfo(np.float64).eps) * scale / h


def _central(phi: Callable, points: list[np.ndarray], k: int, index: tuple, number: int) -> tuple[float, float]:
    """The derivative and its uncertainty, from the combination of differences that agrees best with its neighbours."""
    x = float(points[k][index])
    size = 2.0 ** math.frexp(x)[1] if x else 1.0
    best, uncertain, scale, before = math.nan, math.inf, 0.0, []
    for i in range(_HALVINGS):
        h = 0.618 / 8 * size * 2.0**-i  # no step ends on a round number, where kinks are
        ahead, behind = x + h, x - h
        with np.errstate(all="ignore"):  # a first step may leave the domain: its NaN is never the best
            (y1, s1), (y0, s0) = (phi(_moved(points, k, index, moved)) for moved in (ahead, behind))
        row = [float(y1 - y0) / (ahead - behind)]
        noise = _ROUNDINGS * float(np.finfo(np.float64).eps) * max(s1, s0) / h
        for j, earlier in enumerate(before):
            row.append(row[j] + (row[j] - earlier) / (4 ** (j + 1) - 1))
            doubt = max(abs(row[-1] - row[j]), abs(row[-1] - earlier)) + noise
            if doubt < uncertain:
                best, uncertain, scale = row[-1], doubt, max(s1, s0) / size
        if uncertain <= 2 * noise:  # smaller steps have more rounding still
            break
        before = row
    if not uncertain <= 1e-3 * max(abs(best), scale):
        raise GradientError(
            f"the differences along argument {number}, entry {index} do not settle (best guess {best!r} +- {uncertain:.3g}): "
            "the function has a jump, a kink or NaN near this point, so nothing can be checked here; move the point"
        )
    return best, 2 * uncertain


def _evaluate(call: Callable, points: list[np.ndarray]) -> np.ndarray:
    with no_grad():
        y = call(*points)
    y = np.asarray(y.data if type(y) is Tensor else y)
    if y.dtype.kind not in "fc":
        raise ValueError(f"check_gradients needs a function with float results, got {y.dtype}")
    return y


def _float_array(a: Any) -> Any:
    if isinstance(a, Tensor):
        a = a.data
    if isinstance(a, (float, np.floating, list)):
        a = np.asarray(a)
    return a
