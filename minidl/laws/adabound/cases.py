"""Runs of AdaBound and its relatives as cases for laws, and the natural scale of what they compute.

The named ones are those of every optimizer, with the worked examples and the borders of the band added. The learning rate
of the first step scales the band, so it is never 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from minidl.laws.core import Case, Cases
from minidl.laws.optimizer_cases import Trajectory, cases, corrections, decayed_sums, named_runs, optimizer_runs

LUO = "Luo, Xiong, Liu, Sun, 'Adaptive Gradient Methods with Dynamic Bound of Learning Rate', 2019"
SAVARESE = "Savarese, 'On the Convergence of AdaBound and its Connection to SGD', 2019"
UNROLLED = "the recursions unrolled"

INPUTS = ("w", "gradients", "lr", "final_lr", "beta1", "beta2", "gamma", "eps", "weight_decay")
W0 = np.array([1.0, -2.0, 0.5])
WORKED = {  # upper clip, interior and lower clip in four steps
    "w": W0,
    "gradients": np.array([[0.02, -0.2, 2.0], [-0.01, 0.1, -3.0], [0.03, 0.4, 0.5], [0.01, -0.3, 0.1]]),
    "lr": np.full(4, 0.05),
    **dict(final_lr=0.2, beta1=0.9, beta2=0.9, gamma=0.5, eps=1e-8, weight_decay=0.0, ratio=-1.0),
}
WORKED_DECAY = WORKED | {"weight_decay": 0.1}
WORKED_DROP = WORKED | {"lr": np.array([0.05, 0.05, 0.005, 0.005])}
FALLING = {  # the second moment falls, so that its maximum differs from it
    "w": W0,
    "gradients": np.array([[0.2, -0.2, 0.1], [-0.1, 0.1, -0.2], [0.15, 0.05, 0.1], [0.1, -0.3, 0.05]]),
    "lr": np.full(4, 0.1),
    **dict(final_lr=1.0, beta1=0.9, beta2=0.5, gamma=0.05, eps=1e-8, weight_decay=0.0, ratio=0.5),
}
DEFAULTS = {
    "w": W0,
    "gradients": np.array([[0.1, -0.2, 0.3], [0.2, 0.1, -0.3], [-0.1, 0.4, 0.05], [0.3, -0.3, 0.2]]),
    "lr": np.full(4, 1e-3),
    **dict(final_lr=0.1, beta1=0.9, beta2=0.999, gamma=1e-3, eps=1e-8, weight_decay=0.0, ratio=1.0),
}
_UNITS = np.array([[1.0, -2.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.5], [0.25, -1.0, -1.0]])
_NUMBERS = dict(final_lr=0.5, beta1=0.9, beta2=0.99, gamma=0.05, eps=1e-8, weight_decay=0.0)


def legal(case: Case) -> Case:
    """The case with a learning rate that does not begin at 0."""
    lr = case["lr"]
    if lr[0] == 0:
        case = case | {"lr": lr + (lr.max() or lr.dtype.type(0.1)) / 4}
    return case


def bounded_cases() -> Cases:
    """What adabound, amsbound and adaboundw are judged on."""
    typical = named_runs(**_NUMBERS)["typical"]
    named = {
        "worked": WORKED,
        "worked_decay": WORKED_DECAY,
        "worked_drop": WORKED_DROP,
        "falling": FALLING,
        "defaults": DEFAULTS,
        "wide_band": typical | dict(gamma=1e-6, eps=0.1),
        "narrow_band": typical | dict(gamma=0.96875, final_lr=0.05),
        "warming": legal(named_runs(**_NUMBERS)["warming"]),
        "no_momentum": typical | dict(beta1=0.0, beta2=0.5),
        "sign_descent": WORKED | dict(gradients=_UNITS, beta1=0.0, beta2=0.0, eps=0.0, gamma=0.05, final_lr=0.05),
    }
    notes = {
        "worked": "both borders of the band, and its interior",
        "worked_decay": "weight decay: coupled or decoupled, times the learning rate or not",
        "worked_drop": "a band that does not follow the learning rate",
        "falling": "the largest second moment where the latest one is smaller",
        "wide_band": "where eps stands, since nothing is clipped",
        "narrow_band": "momentum SGD from the first step on",
        "warming": "a base learning rate that is not that of the first step",
        "sign_descent": "roots of exactly 0 and 1, without eps",
    }
    generated = optimizer_runs(
        adapt=legal,
        final_lr=(0.1, 1.0, 0.02),
        beta1=(0.9, 0.0, 0.5),
        beta2=(0.999, 0.9, 0.5),
        gamma=(0.5, 1e-3, 0.05, 0.9),  # some packages refuse gamma >= 1, which only the limit needs
        eps=(1e-8, 0.1, 1e-3),
        weight_decay=(0.0, 0.1),
    )
    return cases(generated, named=named, notes=notes, **_NUMBERS)


BOUNDED = bounded_cases()


@dataclass(frozen=True)
class Method:
    """One function of the family, and what tells it from the others.

    scale(case, rows): the natural scale (T, d) of its trajectory. units: per unit of measurement the power of it that each
    input carries, and the trajectory. steps: the inputs with an entry per step. still: inputs that make a step depend on
    the gradients alone. largest: it divides by the largest second moment so far. decoupled: its weight decay bypasses the
    moments.
    """

    run: Trajectory
    cases: Cases
    scale: Callable[[Case, np.ndarray], np.ndarray]
    units: tuple[tuple[Mapping[str, int], int], ...]
    steps: tuple[str, ...] = ("lr",)
    still: Mapping[str, float] = field(default_factory=dict)
    largest: bool = False
    decoupled: bool = False


# --- closed forms ------------------------------------------------------------------------------------------------------
def average(values: np.ndarray, beta: float) -> np.ndarray:
    r"""$(1-\beta) \sum_i \beta^{t-i} x_i$ (T, d) for x (T, d)."""
    return (1 - beta) * decayed_sums(values, beta)


def stretch(case: Case) -> np.ndarray:
    r"""$q_t = 1 + 1 / (\gamma t)$ (T, 1): the band is $[\alpha^* / q_t, \alpha^* q_t]$."""
    return 1 + 1 / (case["gamma"] * np.arange(1.0, len(case["gradients"]) + 1))[:, None]


def final_rates(case: Case) -> np.ndarray:
    """final_lr (T, 1), which follows the learning rate relative to its first value."""
    lr = np.asarray(case["lr"], np.float64)
    return (case["final_lr"] * (lr / lr[0]))[:, None]


def clipped(case: Case, v: np.ndarray) -> np.ndarray:
    """The rates (T, d) for given second moments v (T, d)."""
    steps = len(v)
    correction = np.sqrt(corrections(case["beta2"], steps)) / corrections(case["beta1"], steps)
    final, q = final_rates(case), stretch(case)
    with np.errstate(divide="ignore", invalid="ignore"):
        raw = (np.asarray(case["lr"], np.float64) * correction)[:, None] / (np.sqrt(v) + case["eps"])
    return np.clip(np.nan_to_num(raw, nan=np.inf, posinf=np.inf), final / q, final * q)


def path(method: Method, case: Case, steps: np.ndarray) -> np.ndarray:
    r"""$(1-\lambda)^t w_0 - \sum_i (1-\lambda)^{t-i} s_i$ (T, d) for steps s (T, d); $\lambda = 0$ where decay is coupled."""
    kept = 1 - case["weight_decay"] if method.decoupled else 1.0
    t = np.arange(1.0, len(steps) + 1)[:, None]
    return kept**t * np.asarray(case["w"], np.float64) - decayed_sums(steps, kept)


def reach(case: Case, gradients: np.ndarray, sizes: np.ndarray | None = None) -> np.ndarray:
    r"""The natural scale (T, d): $|w_0|$ and every step before its average cancels, times its conditioning.

    gradients (T, d): what enters the moments. sizes: their magnitudes before anything cancelled in them.
    $1 - \beta^t$ loses up to $1 / (1 - \beta^t)$ ulps where $\beta^t$ was rounded, and the rate with it.
    """
    g = np.asarray(gradients, np.float64)
    rate = clipped(case, average(g * g, case["beta2"]))
    condition = sum(1 / corrections(case[beta], len(g)) for beta in ("beta1", "beta2"))[:, None]
    steps = rate * average(np.abs(g) if sizes is None else sizes, case["beta1"]) * condition
    return np.abs(case["w"]).astype(np.float64) + np.cumsum(steps, axis=0)


def before(w: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The parameters before every step (T, d), in float64."""
    return np.concatenate([np.asarray(w, np.float64)[None], np.asarray(rows, np.float64)[:-1]])


def ulps(case: Case) -> int:
    """Per step: three roundings in each of two averages, ten in rate, step and sum."""
    return 16 * len(case["gradients"])
