"""Flows as cases, and how exactly they are held."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.laws.core import Case, Cases, agree
from minidl.laws.margin_convergence.cases import EPS, PAIR, WORKED

INPUTS = ("z", "w", "log_times", "tail", "power", "layers")
ACCURACY = 2.0**-33  # of an integrator, relative to the largest entry
ULPS = ACCURACY / EPS


def flowing(z: Any, w: Any, log_times: Any, kind: tuple[str, float] = ("exponential", 1.0), layers: int = 1) -> Case:
    """A flow."""
    times = np.array(log_times, np.float64)
    return {
        **{"z": np.asarray(z, np.float64), "w": np.asarray(w, np.float64), "log_times": times},
        **{"tail": kind[0], "power": kind[1], "layers": layers},
    }


def run(impl: Any, case: Case, **changed: Any) -> np.ndarray:
    """w at the times of the case."""
    case = case | changed
    return np.asarray(impl.log_time_flow(*(case[name] for name in INPUTS)))


def reaches(got: Any, expected: Any, why: str, times: float = 1.0) -> None:
    """To ten digits of the largest entry that a row has."""
    want = np.asarray(expected, np.float64)
    size = np.abs(want).max(axis=-1, keepdims=True)
    agree(np.asarray(got), want, why=why, ulps=times * ULPS, scale=np.broadcast_to(size, want.shape))


# --- cases -------------------------------------------------------------------------------------------------------------
BEYOND = np.array([4.0, 3.0])  # where every loss has its tail
FLOWING = Cases(
    named={
        "worked": flowing(WORKED, [0.0, 0.0], [-5.0, -1.0]),
        "logistic": flowing(WORKED, [0.5, -0.5], [-1.0, 0.0], ("logistic", 1.0)),
        "polynomial": flowing(PAIR, BEYOND, [0.0, 3.0], ("polynomial", 2.0)),
        "deep": flowing(PAIR, [0.4, 0.2], [-2.0, -1.0], layers=2),
    },
    notes={"deep": "two layers: a saddle at 0, and the square of the norm as a factor"},
)
