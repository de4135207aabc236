"""The reference's answer and how much it can be trusted: a tolerance that calibrates itself.

The reference runs again on inputs jittered by one ulp. Whatever it moves then, no implementation can be asked to
reproduce: a backward stable one computes the exact answer for inputs that are off by a few ulps. Jitter misses what
cancels inside whatever the inputs are (the gradient of batch normalisation does), so the reference also runs on the same
inputs in single and in double precision: the difference is its own rounding error, 2^29 times that in double precision.

    tolerance = 8 * spread + 8 * eps * max(|result|, terms),    spread = max(jitter, rounding)

The first term is the conditioning of the case (8: a few ulps of backward error, seen through a few samples), the second
the rounding of the result itself, or of the terms whose difference it is, where the contract tells their size: two phases of a
gradient may cancel entry by entry, under jitter and in single precision too. A zero stays a zero under jitter, since zeros
are structure.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl.laws.checks import natural_scale
from minidl.laws.core import Case, Contract
from minidl.verify.cases import Guard, key, leaves, transform
from minidl.verify.subject import as_array

JITTERS, ROUNDINGS = 4, 4
MULTIPLE = 8
_REMEMBERED = 1024


@contextmanager
def quiet() -> Iterator[None]:
    """Floating-point warnings off: for runs whose overflow or division by zero says nothing about the one judged."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


@dataclass(frozen=True)
class Expected:
    """The reference's outputs on one case, the tolerance of each entry, and which outputs alias inputs or a cache."""

    outputs: dict[str, Any]
    tolerance: dict[str, np.ndarray]
    aliases: frozenset[str]
    cached: frozenset[str]

    def looseness(self, output: str) -> float:
        """The tolerance in units of the result: near eps for a well-posed case, near 1 for one that judges nothing."""
        scale, widest = natural_scale(self.outputs[output]), float(np.max(self.tolerance[output], initial=0.0))
        return widest / scale if scale > 0 else 0.0


class Reference:
    """A reference under one contract. Answers are remembered, since planted bugs are judged on the same cases."""

    def __init__(self, contract: Contract, implementation: Any) -> None:
        self.contract, self.implementation = contract, implementation
        self._known: dict[bytes, Expected] = {}

    def __call__(self, case: Case) -> Expected:
        name = key({name: case[name] for name in self.contract.inputs})
        if name not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[name] = self._calibrate(case)
        return self._known[name]

    def _outputs(self, case: Case) -> dict[str, Any]:
        return {name: as_array(value) for name, value in self.contract.call(self.implementation, case).items()}

    def _calibrate(self, case: Case) -> Expected:
        with Guard(case):
            raw = self._outputs(case)
            again = self._outputs(case)
            aliases = frozenset(name for name in raw if shared_inputs(raw[name], case))
            cached = frozenset(name for name in raw if share(raw[name], again[name]))
            outputs = {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in raw.items()}
        floating = {name: np.asarray(value) for name, value in outputs.items() if np.asarray(value).dtype.kind in "fc"}
        spread = {name: np.zeros(value.shape) for name, value in floating.items()}
        for one, other, weight in self._samples(case, outputs):
            for name, value in floating.items():
                if np.shape(one[name]) == np.shape(other[name]) == value.shape:
                    with np.errstate(all="ignore"):
                        step = weight * np.abs(np.asarray(one[name]) - np.asarray(other[name]))
                    spread[name] = np.maximum(spread[name], np.where(np.isfinite(step), step, 0.0))
        tolerance = {name: np.zeros(np.shape(value)) for name, value in outputs.items()}
        terms = self.contract.terms(case) if self.contract.terms is not None else 0.0
        for name, value in floating.items():
            # few samples may underrate an entry by luck, so none counts as better posed than the median entry
            typical = float(np.median(spread[name])) if value.size else 0.0
            eps = float(np.finfo(value.dtype).eps)
            tolerance[name] = MULTIPLE * (np.maximum(spread[name], typical) + eps * max(natural_scale(value), terms))
        return Expected(outputs, tolerance, aliases, cached)

    def _samples(self, case: Case, outputs: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any], float]]:
        """Pairs of outputs whose difference, times the weight, is one sample of the spread."""
        rng = np.random.default_rng(20161101)  # fixed: the same case always has the same tolerance
        for _ in range(JITTERS):
            if (moved := self._try(jitter(self.contract, case, rng))) is not None:
                yield moved, outputs, 1.0
        inputs = {name: case[name] for name in self.contract.inputs}
        double = holds_dtype(inputs, np.float64)
        if not double and not holds_dtype(inputs, np.float32):
            return  # plain numbers have one precision
        narrow = recast(inputs, np.float64, np.float32)
        for _ in range(ROUNDINGS):
            trial = jitter(self.contract, narrow, rng)
            one, other = self._try(trial), self._try(recast(trial, np.float32, np.float64))
            if one is not None and other is not None:
                yield one, other, 2.0**-29 if double else 1.0

    def _try(self, case: Case) -> dict[str, Any] | None:
        try:
            with np.errstate(all="ignore"):
                return self._outputs(case)
        except Exception:  # one ulp may leave the domain (a probability above 1): that sample says nothing
            return None


def jitter(contract: Contract, case: Case, rng: np.random.Generator) -> Case:
    """The case with every non-zero floating entry of its inputs moved to a neighbour, up or down."""

    def move(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, float | complex | np.ndarray | np.generic):
            return value
        array = np.asarray(value)
        if array.dtype.kind == "c":
            parts = move(array.real.copy()) + 1j * move(array.imag.copy())
            return parts.astype(array.dtype) if isinstance(value, np.ndarray) else type(value)(parts)
        if array.dtype.kind != "f":
            return value
        toward = np.where(rng.random(array.shape) < 0.5, -math.inf, math.inf).astype(array.dtype)
        with np.errstate(all="ignore"):
            moved = np.nextafter(array, toward)
        # the smallest subnormal stays where it is: its lower neighbour is 0
        moved = np.where((array != 0) & (moved != 0) & np.isfinite(array) & np.isfinite(moved), moved, array)
        return moved if isinstance(value, np.ndarray) else type(value)(moved)

    return {
        name: value if name in contract.exact or name not in contract.inputs else transform(value, move)
        for name, value in case.items()
    }


def holds_dtype(case: Case, dtype: Any) -> bool:
    """Whether a case holds an array or NumPy scalar of that dtype."""
    return any(isinstance(leaf, np.ndarray | np.generic) and leaf.dtype == dtype for leaf in leaves(case))


def recast(case: Case, old: Any, new: Any) -> Case:
    """The case with its arrays and NumPy scalars of one dtype in another."""

    def cast(value: Any) -> Any:
        return value.astype(new) if isinstance(value, np.ndarray | np.generic) and value.dtype == old else value

    with np.errstate(all="ignore"):
        return transform(case, cast)


def share(one: Any, other: Any) -> bool:
    """Whether two results may lie in the same memory."""
    both = isinstance(one, np.ndarray) and isinstance(other, np.ndarray)
    return both and one.size > 0 and other.size > 0 and np.may_share_memory(one, other)


def shared_inputs(output: Any, case: Case) -> list[str]:
    """The inputs whose memory an output lies in."""
    return [name for name, value in case.items() if any(share(output, leaf) for leaf in leaves(value))]
