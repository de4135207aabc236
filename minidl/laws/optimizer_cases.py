"""Runs of optimizers as cases for laws, and the sums that several optimizers' closed forms share.

A run is a starting point w (d,), the gradients (T, d) of T steps, the learning rate of every step lr (T,), and numbers.
Gradients are given, not computed, so that a run is a pure function. They are drawn from a seed and rounded to a few
decimals, so that they print short and shrink by size; their sizes differ from coordinate to coordinate, and some are 0.
All arrays of a case have one dtype.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.laws.core import Case, Cases, agree

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

SCHEDULES = ("constant", "drop", "falling", "warm_up", "uneven")
RATIOS = (1.0, 0.5, 0.0, -1.0, -0.5, 2.0)


@dataclass(frozen=True)
class Trajectory:
    """A trajectory function as laws call it: `adam(impl, case, eps=0.0)` runs it on a case with some inputs replaced."""

    function: str
    inputs: tuple[str, ...]

    def __call__(self, impl: Any, case: Case, **changed: Any) -> np.ndarray:
        """The parameters after every step (T, d)."""
        inputs = {**case, **changed}
        return getattr(impl, self.function)(*(inputs[name] for name in self.inputs))


def trajectory_of(step: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """A trajectory function (w, gradients, lr, *numbers) of `step(w, g, lr, t, memory, *numbers) -> w`, for planted bugs.

    lr: the learning rate of step t = 1, 2, ...; memory: a dict that starts empty. Results have the dtype of w.
    """

    def trajectory(w: np.ndarray, gradients: np.ndarray, lr: np.ndarray, *numbers: Any) -> np.ndarray:
        memory: dict[str, Any] = {}
        rows = np.empty_like(gradients, order="C")
        for t, (g, rate) in enumerate(zip(gradients, lr.tolist(), strict=True), start=1):
            w = step(w, g, rate, t, memory, *numbers)
            rows[t - 1] = w
        return rows

    return trajectory


# --- cases -------------------------------------------------------------------------------------------------------------
def schedule(kind: str, lr: float, steps: int) -> np.ndarray:
    """The learning rate of each step (T,): constant, dropped to a fifth half way, lr / t, rising from 0, or uneven."""
    t = np.arange(steps)
    shape = {
        "constant": np.ones(steps),
        "drop": np.where(t < (steps + 1) // 2, 1.0, 0.2),
        "falling": 1 / (t + 1),
        "warm_up": t / max(steps - 1, 1),
        "uneven": np.array([1.0, 3.0, 0.0, 0.5])[t % 4],
    }
    return lr * shape[kind]


def run(
    seed: int,
    steps: int,
    d: int,
    *,
    lr: float = 0.1,
    kind: str = "constant",
    zeros: float = 0.0,
    decades: int = 1,
    dtype: Any = np.float64,
    **numbers: Any,
) -> Case:
    """A random run. zeros: the share of gradient entries that vanish (now and then a whole coordinate); decades: how far
    the coordinates' sizes lie apart; numbers: further entries of the case, as they are.
    """
    rng = np.random.default_rng(seed)
    sizes = 10.0 ** rng.integers(-decades, 2 if decades else 1, d)
    gradients = rng.normal(size=(steps, d)).round(2)
    gradients[gradients == 0] = 0.01  # a zero is there on purpose or not at all
    gradients[rng.random((steps, d)) < zeros] = 0.0
    gradients[:, rng.random(d) < zeros / 2] = 0.0
    arrays = {
        "w": rng.normal(size=d).round(2),
        "gradients": np.round(gradients * sizes, 2 + decades),
        "lr": schedule(kind, lr, steps),
    }
    return {name: a.astype(dtype) for name, a in arrays.items()} | numbers


def optimizer_runs(
    *,
    steps: int = 6,
    d: int = 4,
    rates: Sequence[float] = (0.1, 0.5, 0.01),
    split: bool = False,
    adapt: Callable[[Case], Case] | None = None,
    **choices: Sequence[Any],
) -> Callable[[], SearchStrategy[Case]]:
    """What `Cases(generated=...)` takes: runs of 1..steps steps on 1..d coordinates.

    rates: learning rates before the schedule. choices: for each further input the values to choose from, simplest first.
    split: also draw `sizes`, how the vector falls into tensors. adapt: makes combinations legal.
    Each case has a `ratio` too, for laws on geometric gradients. Keep the result: cases are drawn once per such function.
    """

    def generated() -> SearchStrategy[Case]:
        from hypothesis import strategies as st

        @st.composite
        def build(draw: Any) -> Case:
            width = draw(st.integers(1, d))
            case = run(
                draw(st.integers(0, 9999)),
                draw(st.integers(1, steps)),
                width,
                lr=draw(st.sampled_from(rates)),
                kind=draw(st.sampled_from(SCHEDULES)),
                zeros=draw(st.sampled_from([0.0, 0.3])),
                decades=draw(st.sampled_from([0, 1, 3])),
                dtype=draw(st.sampled_from([np.float64, np.float64, np.float64, np.float32])),
                ratio=draw(st.sampled_from(RATIOS)),
                **{name: draw(st.sampled_from(values)) for name, values in choices.items()},
            )
            if split:
                cuts = [i for i in range(1, width) if draw(st.booleans())]
                case["sizes"] = tuple(np.diff([0, *cuts, width]).tolist())
            return case if adapt is None else adapt(case)

        return build()

    return generated


def named_runs(split: bool = False, **numbers: Any) -> dict[str, Case]:
    """Runs that every optimizer is judged on, with the given numbers; `cases` adds what each of them hunts."""

    def sized(case: Case, *sizes: int) -> Case:
        return case | {"sizes": sizes} if split else case

    numbers = {"ratio": 0.5} | numbers
    quiet = run(3, 5, 3, **numbers)
    quiet["gradients"][0] = 0.0
    quiet["gradients"][:, 1] = 0.0
    tiny = run(6, 4, 3, **numbers)
    tiny["gradients"] = np.round(tiny["gradients"] * 1e-7, 10)
    found = {
        "typical": sized(run(0, 6, 4, **numbers), 1, 3),
        "one_step": sized(run(1, 1, 3, **numbers), 3),
        "one_number": sized(run(2, 4, 1, **numbers), 1),
        "silent": sized(quiet, 2, 1),
        "dropping": sized(run(4, 6, 3, kind="drop", **numbers), 1, 1, 1),
        "warming": sized(run(5, 4, 2, kind="warm_up", **numbers), 1, 1),
        "tiny": sized(tiny, 2, 1),
        "decayed": sized(run(7, 5, 3, kind="uneven", **numbers), 2, 1),
        "long": sized(run(8, 40, 5, zeros=0.2, **numbers), 3, 2),
        "float32": sized(run(9, 5, 4, dtype=np.float32, **numbers), 3, 1),
        "gaps": sized(_gaps(run(10, 4, 3, **numbers)), 1, 2),
    }
    found["decayed"]["weight_decay"] = 0.1
    return found


NOTES = {
    "one_step": "what is special about the first step",
    "silent": "gradients of 0 from the first step on: 0 / 0",
    "dropping": "the learning rate of another step",
    "tiny": "where eps stands, when the gradient is not large beside it",
    "decayed": "weight decay: coupled or decoupled, times the learning rate or not",
    "long": "what only grows over many steps",
    "float32": "a result that grows to float64",
    "gaps": "memory that is not contiguous",
}


def cases(
    generated: Callable[[], SearchStrategy[Case]] | None = None,
    *,
    named: Mapping[str, Case] | None = None,
    variants: Mapping[str, Case] | None = None,
    notes: Mapping[str, str] | None = None,
    split: bool = False,
    **numbers: Any,
) -> Cases:
    """The named runs with these numbers, further `named` ones, `variants` of the typical run (what is different), each
    with its note, and generated ones.
    """
    found = named_runs(split, **numbers)
    found |= {name: found["typical"] | changed for name, changed in (variants or {}).items()} | dict(named or {})
    return Cases(found, generated, {name: NOTES[name] for name in NOTES if name in found} | dict(notes or {}))


def _gaps(case: Case) -> Case:
    """The same values in views with gaps and in column-major order."""
    return case | {"w": np.repeat(case["w"], 2)[::2], "gradients": np.asfortranarray(case["gradients"])}


# --- closed forms ------------------------------------------------------------------------------------------------------
def wide(case: Case) -> Case:
    """The case with its arrays in float64."""
    return {name: a.astype(np.float64) if isinstance(a, np.ndarray) else a for name, a in case.items()}


def geometric_gradients(case: Case) -> np.ndarray:
    r"""$g_t = g_1 \rho^{t-1}$ (T, d): constant for ratio 1, one impulse for 0, alternating for -1."""
    powers = float(case["ratio"]) ** np.arange(len(case["gradients"]))  # (T,), with 0 ** 0 = 1
    return np.outer(powers, case["gradients"][0]).astype(case["gradients"].dtype)


def nonzero(gradients: np.ndarray) -> np.ndarray:
    """The gradients with 1 in the place of 0, for laws with eps = 0."""
    return np.where(gradients == 0, gradients.dtype.type(1), gradients)


def geometric_sums(ratio: float, beta: float, steps: int) -> np.ndarray:
    r"""$\sum_{i=1}^t \beta^{t-i} \rho^{i-1} = (\beta^t - \rho^t) / (\beta - \rho)$ for t = 1..T, rounded once."""
    b, r = Fraction(beta), Fraction(ratio)
    if b == r:
        return np.array([float(t * b ** (t - 1)) for t in range(1, steps + 1)])
    return np.array([float((b**t - r**t) / (b - r)) for t in range(1, steps + 1)])


def corrections(beta: float, steps: int) -> np.ndarray:
    r"""$1 - \beta^t$ for t = 1..T, rounded once."""
    return np.array([float(1 - Fraction(beta) ** t) for t in range(1, steps + 1)])


def decayed_sums(values: np.ndarray, beta: float) -> np.ndarray:
    r"""$\sum_{i=1}^t \beta^{t-i} x_i$ (T, d) for values x (T, d), as sums over all of the past."""
    steps = np.arange(len(values))
    lag = np.subtract.outer(steps, steps)  # (T, T): t - i
    return np.where(lag >= 0, float(beta) ** np.maximum(lag, 0), 0.0) @ values


def descent(w: np.ndarray, lr: np.ndarray, directions: np.ndarray) -> np.ndarray:
    r"""$w_t = w_0 - \sum_{i \le t} \eta_i d_i$ (T, d)."""
    return w - np.cumsum(np.asarray(lr)[:, None] * directions, axis=0)


def follows(
    got: Any, case: Case, directions: np.ndarray, *, why: str, ulps: float = 8, bounds: Any = None, condition: float = 1
) -> None:
    r"""The trajectory is $w_0 - \sum \eta_t d_t$ for directions d (T, d) in float64.

    bounds: the magnitudes (T, d) of the terms that make up a direction, where they cancel. condition: by how much a
    rounding is amplified within a direction. Every step adds its roundings, each an ulp of the way gone so far.
    """
    dtype, case = case["w"].dtype, wide(case)
    terms = np.abs(directions) if bounds is None else bounds
    way = np.abs(case["w"]) + condition * np.cumsum(case["lr"][:, None] * terms, axis=0)
    expected = descent(case["w"], case["lr"], directions).astype(dtype)
    agree(got, expected, why=why, ulps=ulps * len(directions), scale=way)


def way(w: np.ndarray, trajectory: np.ndarray) -> np.ndarray:
    """|w_0| and the lengths of all moves so far (T, d): what a rounding in a run is an ulp of."""
    moves = np.diff(np.vstack([w, trajectory]).astype(np.float64), axis=0)
    return np.abs(w) + np.cumsum(np.abs(moves), axis=0)


def condition(*betas: float) -> float:
    r"""$1 + \sum 1 / (1 - \beta)$: an ulp in beta, or in its power, moves $1 - \beta^t$ by that many ulps at most."""
    return 1 + sum(1 / (1 - beta) for beta in betas)


def pulse(case: Case, step: int) -> np.ndarray:
    """Learning rates that are 1 at one step (counted from 0) and 0 elsewhere: with w = 0, its row is the bare update."""
    lr = np.zeros_like(case["lr"])
    lr[step] = 1.0
    return lr
