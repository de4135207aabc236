"""Cases of the functions that work entry by entry, and relative agreement in the precision of what was given."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.laws.core import Case, Cases, agree, holds
from minidl.laws.kernel_rich import oracle

DEPTHS = (2, 3, 4, 5, 8)
ENTRIES = np.array([0.0, 0.1, -0.1, 1.0, -1.0, 10.0, 0.37, -2.6, 31.0, -450.0])
TINY = np.array([1e-3, -1e-5, 3e-8, -2e-12, 1e-30, 1e-140])
HUGE = np.array([1e4, -3e6, 2.5e9, -1e12, 1e15, 4e30, -1e150, 1e200])
_NEAR = 1 - 2.0 ** -np.array([3.0, 10.0, 30.0, 53.0])


def _sized(low: float, high: float) -> Any:
    from hypothesis import strategies as st

    return st.builds(lambda sign, power: sign * 10.0**power, st.sampled_from([1.0, -1.0]), st.floats(low, high))


def _drawn(name: str, depths: tuple[int, ...], low: float, high: float) -> Any:
    def generated():
        from hypothesis import strategies as st

        numbers = st.lists(_sized(low, high), min_size=1, max_size=4).map(np.array)
        return st.fixed_dictionaries({name: numbers, "depth": st.sampled_from(depths)})

    return generated


def entries(depths: tuple[int, ...] = DEPTHS) -> Cases:
    """Values z of all sizes, in single precision too."""
    named: dict[str, Case] = {}
    notes = {}
    for depth in depths:
        named[f"depth_{depth}"] = {"z": ENTRIES, "depth": depth}
        named[f"tiny_{depth}"] = {"z": TINY, "depth": depth}
        named[f"huge_{depth}"] = {"z": HUGE, "depth": depth}
        named[f"single_{depth}"] = {"z": np.array([[0.3, -2e3], [1e-4, 5.0]], np.float32), "depth": depth}
        notes[f"tiny_{depth}"] = "differences of numbers near each other lose all digits here"
        notes[f"huge_{depth}"] = "squares overflow, and beyond depth 2 the dual value rounds to 1"
    named["a_number"] = {"z": 0.75, "depth": depths[-1]}
    return Cases(named=named, generated=_drawn("z", depths, -9, 9), notes=notes)


def duals() -> Cases:
    """Values s: all at depth 2, inside (-1, 1) beyond, down to the last numbers before 1."""
    inside = np.concatenate([[0.0, 0.5, -0.5, 0.2, -0.7], _NEAR, -_NEAR])
    anywhere = np.array([0.0, 1.0, -1.0, 0.3, -5.0, 40.0, 300.0, -700.0])
    named: dict[str, Case] = {}
    for depth in DEPTHS:
        named[f"depth_{depth}"] = {"s": inside if depth > 2 else anywhere, "depth": depth}
        named[f"tiny_{depth}"] = {"s": TINY, "depth": depth}
        named[f"single_{depth}"] = {"s": np.array([[0.3, -0.9], [1e-4, 0.999]], np.float32), "depth": depth}
    named["a_number"] = {"s": 0.75, "depth": 3}
    notes = {f"tiny_{depth}": "two powers near 1 are subtracted" for depth in DEPTHS if depth > 2}
    return Cases(named=named, generated=_drawn("s", DEPTHS, -9, -0.001), notes=notes)


def like(expected: Any, given: Any) -> np.ndarray:
    """The expected numbers in the precision of what was given."""
    return np.asarray(expected).astype(np.asarray(given).dtype)


def close(got: Any, expected: Any, given: Any, why: str, *, ulps: Any) -> None:
    """Relative agreement within ulps (entry by entry) in the precision of the input, which the result keeps."""
    want, most = like(expected, given), float(np.max(ulps))
    holds(np.asarray(got).dtype == want.dtype, why=f"{why}: the dtype of the input is kept", got=np.asarray(got).dtype)
    agree(got, want, why=why, ulps=most, scale=np.abs(want).astype(float) * (np.asarray(ulps, float) / most))


def ratio(s: Any, depth: int) -> np.ndarray:
    """|t|, the log ratio of the parameters at a dual value: by so much does a power amplify the rounding of its exponent."""
    s = np.abs(oracle.long(s))
    return (s if depth == 2 else (np.log1p(s) - np.log1p(-s)) / (depth - 2)).astype(float)
