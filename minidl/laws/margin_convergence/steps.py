"""Cases of both descents, and what their laws share: gradients by difference quotients, and how errors add up.

A gradient step on a convex loss, no longer than 2 over its largest curvature, brings no two points further apart. So every
rounding error stays what it is, and after T steps there are T of them: each that of w, and that of a step, whose weights
are exponentials of margins and as wrong relatively as those are absolutely.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.laws.core import Case, Cases, agree
from minidl.laws.margin_convergence.cases import (
    FAMILIES,
    NARROW,
    ONE,
    PAIR,
    SINGLE,
    TRIPLE,
    WORKED,
    family,
    rotation,
    separable_rows,
)
from minidl.laws.margin_convergence.clocks import LONG, SWITCH, log_total

OPPOSITE = np.array([[1.0, 2.0], [-1.0, -2.0]])
TWICE = WORKED[[0, 1, 1, 2]]
CURVATURES = {"logistic": 0.25, "poly_exponential": 2.0, "polynomial": 12.0, "sub_polynomial": 0.5}  # at least sup l''


def safe_step(z: np.ndarray, w: np.ndarray, tail: str, power: float) -> float:
    """A step no longer than 1 over the largest curvature from w on, to two digits, so that it prints short."""
    curvature = CURVATURES.get(tail) or float(np.exp(log_total(z, w, tail, power)))
    step = 1 / (curvature * len(z) * (z**2).sum(axis=1).max())
    return float(f"{step:.1e}")


def start(seed: int, d: int, size: float = 0.5) -> np.ndarray:
    """A start of two decimals."""
    return np.round(np.random.default_rng(seed).normal(size=d) * size, 2)


def descending(z: np.ndarray, kind: tuple[str, float], w: Any = None, times: Any = (0, 1, 2, 7, 30)) -> Case:
    """A run with a safe constant step."""
    w = np.zeros(z.shape[1]) if w is None else np.asarray(w, np.float64)
    step = safe_step(z, w, *kind)
    return {"z": z, "w": w, "times": np.array(times), "step_size": step, "tail": kind[0], "power": kind[1]}


def normalised(
    z: np.ndarray,
    kind: tuple[str, float],
    update: str,
    scale: float = 1.0,
    w: Any = None,
    times: Any = (0, 1, 2, 7, 30),
) -> Case:
    """A run with growing steps: a short one where each of them needs an integral."""
    w = np.zeros(z.shape[1]) if w is None else np.asarray(w, np.float64)
    times = np.array([t for t in times if t <= 3 or (kind[0], update) != ("poly_exponential", "loss")])
    return {"z": z, "w": w, "times": times, "scale": scale, "update": update, "tail": kind[0], "power": kind[1]}


# --- measures ----------------------------------------------------------------------------------------------------------
def gradient_of(function: Callable[[np.ndarray], Any], w: np.ndarray) -> np.ndarray:
    """By central difference quotients at two widths, the error of second order taken out. Long double. (d,)"""
    h = LONG(2.0**-14) / (1 + np.abs(w).max())
    slopes = []
    for axis in np.eye(len(w)):
        wide, narrow = ((function(w + k * h * axis) - function(w - k * h * axis)) / (2 * k * h) for k in (2, 1))
        slopes.append((4 * narrow - wide) / 3)
    return np.array(slopes)


def some_steps(rows: np.ndarray) -> list[int]:
    """The first steps between rows, and the last one."""
    return sorted({t for t in (0, 1, 2, len(rows) - 2) if 0 <= t < len(rows) - 1})


def near_a_corner(case: Case, rows: np.ndarray) -> bool:
    """Whether some margin lies where difference quotients would look at both sides of its loss's corner."""
    corner = SWITCH.get(case["tail"])
    if corner is None:
        return False
    reach = 2.0**-12 * np.abs(case["z"]).sum(axis=1)  # (N,)
    return bool((np.abs(rows @ case["z"].T - float(corner)) < reach).any())


def journey(case: Case, rows: np.ndarray) -> float:
    """What errors of a run add up at: all that w went through, times how much margins change the weights."""
    length = np.linalg.norm(np.diff(rows, axis=0), axis=1).sum()
    widest = np.abs(case["z"]).sum(axis=1).max() * np.abs(rows).max()
    growth = (
        case["power"] * max(1.0, widest) ** max(case["power"] - 1, 0) if case["tail"] == "poly_exponential" else 4.0
    )
    return float(np.abs(rows).max() + (1 + growth * widest) * length)


def per_run(case: Case) -> float:
    """ulps for a run: some for each step, for each term of the sums in it."""
    return 4.0 * (1 + int(case["times"][-1])) * sum(np.shape(case["z"]))


def terms_of(case: Case) -> float:
    """The contract's terms: the errors of a run, in units of the eighth that agreement multiplies by.

    The bound on w is that of steps whose squares add up to what the loss can fall, or that of the normalised ones.
    """
    z, w, last = case["z"], case["w"], int(case["times"][-1])
    longest = float(np.sqrt((z**2).sum(axis=1).max()))
    if "scale" in case:
        rate = {"polynomial": case["power"], "unit": 1 / longest}.get(
            case["tail"] if case["update"] == "loss" else "unit", 1.0
        )
        moved = case["scale"] * 2 * np.sqrt(last) * rate * longest
    else:
        top = float(np.exp(min(log_total(z, w, case["tail"], case["power"]), LONG(600))))
        moved = np.sqrt(2 * top * case["step_size"] * last)
    return float((np.linalg.norm(w) + moved) * (1 + last) * max(1.0, longest))


# --- what both are held to ---------------------------------------------------------------------------------------------
def told_loss_is_that_of_the_weights(case: Case, found: Any) -> None:
    """log_loss against the losses of the margins of the rows, in long double."""
    w, told = (np.asarray(part) for part in found)
    expected = [log_total(case["z"], row, case["tail"], case["power"]) for row in w]
    u = np.abs(w) @ np.abs(case["z"]).T  # (K, N)
    # a logarithm is as wrong absolutely as margins are, times how fast it falls with them
    steep = (
        np.maximum(1, case["power"] * np.maximum(u, 1) ** (case["power"] - 1))
        if case["tail"] == "poly_exponential"
        else 1
    )
    scale = (1 + u * steep * (1 + case["power"])).max(axis=1) + np.abs(np.array(expected, np.float64))
    agree(told, np.array(expected, np.float64), why="log L", ulps=8 * sum(case["z"].shape), scale=scale)


def rows_match(case: Case, got: Any, expected: Any, rows: np.ndarray, why: str, factor: float = 1.0) -> None:
    """Two runs that go the same way end at the same places, but for their rounding."""
    agree(got, expected, why=why, ulps=factor * per_run(case), scale=journey(case, rows))


# --- cases -------------------------------------------------------------------------------------------------------------
_MORE = {
    "one_point": (ONE / 5, [-0.3, 0.2], (0, 1, 2, 5, 40)),
    "triple": (TRIPLE / 9, [0.1, -0.2, 0.3], (1, 4, 40)),
    "single_support": (SINGLE, [0.0, 0.0], (0, 40)),
    "twice": (TWICE, [0.2, 0.1], (3,)),
    "not_separable": (np.vstack([WORKED, [-2.0, -2.0]]), [0.5, -0.5], (0, 10, 20)),
    "narrow": (NARROW / 20, [0.0, 0.0], (0, 2, 20)),
    "far": (PAIR, [8000.0, 4000.0], (0, 1, 3)),
    "start_only": (WORKED, [1.0, -1.0], (0,)),
}
_NOTES = {
    "far": "losses of e^-2000 or less: as numbers, they are all 0",
    "not_separable": "nothing separates these rows; descent goes on all the same",
    "start_only": "no step at all",
    "triple": "the start is not asked for",
}


def _kind_for(name: str) -> tuple[str, float]:
    return ("logistic", 2.0) if name in ("triple", "not_separable") else ("exponential", 1.0)


def _drawn_data(seed: int, n: int, d: int) -> np.ndarray:
    return separable_rows(np.random.default_rng(seed), n, d)


def _drawn_descents():
    from hypothesis import strategies as st

    return st.builds(
        lambda seed, n, d, kind, last: descending(_drawn_data(seed, n, d), kind, start(seed, d), (0, 1, last)),
        st.integers(0, 9999),
        st.integers(1, 5),
        st.integers(1, 4),
        st.sampled_from(FAMILIES),
        st.integers(2, 30),
    )


def _drawn_normalised():
    from hypothesis import strategies as st

    def one(seed: int, n: int, d: int, kind: tuple[str, float], last: int, update: str, scale: float) -> Case:
        z = _drawn_data(seed, n, d)
        z = z / 2.0 ** np.ceil(np.log2(np.linalg.norm(z, axis=1).max()))  # at most 1, exactly
        return normalised(z, kind, update, scale, start(seed, d), (0, 1, 3, 3 + last))

    return st.builds(
        one,
        st.integers(0, 9999),
        st.integers(1, 5),
        st.integers(1, 4),
        st.sampled_from(FAMILIES),
        st.integers(1, 20),
        st.sampled_from(["loss", "unit"]),
        st.sampled_from([1.0, 0.5]),
    )


_FEWER = [FAMILIES[k] for k in (1, 2, 3, 5, 7, 9, 10)]  # each tail, its power twice where it has one

DESCENTS = Cases(
    named={family(*kind): descending(WORKED, kind) for kind in FAMILIES}
    | {name: descending(z, _kind_for(name), w, times) for name, (z, w, times) in _MORE.items() if name != "far"}
    | {"far": descending(PAIR, ("exponential", 1.0), None, (0, 1, 3)) | {"w": np.array([8000.0, 4000.0])}},
    generated=_drawn_descents,
    notes=_NOTES,
)
NORMALISED = Cases(
    named={
        f"{family(*kind)}_{update}": normalised(WORKED / 8, kind, update)
        for kind in _FEWER
        for update in ("loss", "unit")
    }
    | {
        f"{name}_{update}": normalised(z / 4, _kind_for(name), update, 0.5, w, times)
        for name, (z, w, times) in _MORE.items()
        for update in ("loss", "unit")
    },
    generated=_drawn_normalised,
    notes={f"{name}_{update}": note for name, note in _NOTES.items() for update in ("loss", "unit")},
)


def only(cases: Cases, keep: Callable[[Case], bool]) -> Cases:
    """The cases of which a law speaks."""
    named = {name: case for name, case in cases.named.items() if keep(case)}
    drawn = cases.generated
    return Cases(
        named=named,
        generated=None if drawn is None else lambda: drawn().filter(keep),
        notes={name: note for name, note in cases.notes.items() if name in named},
    )


def turned(case: Case, seed: int = 5) -> tuple[Case, np.ndarray]:
    """The case in other coordinates, and the matrix Q that leads there."""
    q = rotation(seed, len(case["w"]))
    return case | {"z": case["z"] @ q.T, "w": q @ case["w"]}, q


def every_step(case: Case, most: int = 12) -> Case:
    """The case with all numbers of steps up to its last."""
    return case | {"times": np.arange(1 + min(int(case["times"][-1]), most))}
