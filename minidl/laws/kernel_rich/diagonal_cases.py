"""Cases of diagonal nets: data with parameters of any sign, and of positive ones; steps of descent."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minidl.laws.core import Case, Cases

DEPTHS = (2, 3, 4, 5)
WORKED = {"x": np.array([[1.0, 0.4]]), "y": np.array([1.0])}


def regression(rng: np.random.Generator, n: int, d: int) -> Case:
    """Inputs and targets of three decimals."""
    return {"x": rng.normal(size=(n, d)).round(3), "y": rng.normal(size=n).round(3)}


def _net(rng: np.random.Generator, depth: int, *, signs: bool, n: int = 0, d: int = 0) -> Case:
    n, d = n or int(rng.integers(1, 5)), d or int(rng.integers(1, 7))
    u, v = rng.uniform(0.2, 1.2, (2, d)).round(3)
    if signs:
        u, v = u * rng.choice([-1, 1], d), v * rng.choice([-1, 1], d)
    return regression(rng, n, d) | {"u": u, "v": v, "depth": depth}


def single(case: Case) -> Case:
    """The case in single precision."""
    return {
        k: value.astype(np.float32) if isinstance(value, np.ndarray) and value.dtype == float else value
        for k, value in case.items()
    }


def nets(*, signs: bool, fill: Callable[[np.random.Generator, Case], Case] = lambda rng, case: {}) -> Cases:
    """Data and parameters; fill adds further inputs. signs: parameters of either sign, else positive."""

    def build(seed: int, depth: int, **shape: int) -> Case:
        rng = np.random.default_rng(seed)
        case = _net(rng, depth, signs=signs, **shape)
        return case | fill(rng, case)

    named = {f"depth_{depth}": build(depth, depth, n=2, d=5) for depth in DEPTHS}
    named["more_examples"] = build(11, 3, n=4, d=2)
    named["one"] = build(12, 2, n=1, d=1)
    named["single"] = single(build(13, 3, n=2, d=4))
    named["single_2"] = single(build(14, 2, n=3, d=4))
    flat = np.full(2, 0.5)
    worked = WORKED | {"u": flat, "v": flat.copy(), "depth": 2}
    named["worked"] = worked | fill(np.random.default_rng(15), worked)

    def generated():
        from hypothesis import strategies as st

        return st.builds(build, st.integers(0, 9999), st.sampled_from(DEPTHS))

    return Cases(named=named, generated=generated)


def still(case: Case) -> Case:
    """The case with the targets that its parameters predict: sums of integers over 64, exact in float64."""
    depth = case["depth"]
    x, u, v = ((np.round(case[name].astype(float) * 4) / 4) for name in ("x", "u", "v"))
    return case | {"x": x, "u": u, "v": v, "y": (x * (u**depth - v**depth)).sum(axis=1)}
