"""What a uniform number that equals its probability decides: it leaves the unit off, since a unit is on where u < p.

A machine without biases whose units are all off gives every unit the probability 1/2, exactly. Under noise of 1/2
alone it stays at rest; with positive weights, a single unit that goes on takes others with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.laws.core import Case, Cases, Law, identical, law

_REST = Cases(
    named={"at_rest": dict(W=np.array([[1.0, 0.5], [0.25, 2.0], [0.5, 1.0]]), b=np.zeros(3), a=np.zeros(2))},
    notes={"at_rest": "u <= p in place of u < p"},
)


def half(*shape: int) -> np.ndarray:
    return np.full(shape, 0.5)


def at_rest(function: str, check: Callable[[Any, Any, Case], None]) -> Law:
    """The law for a function; check(call, theta, case) calls it and compares what it returns with rest."""

    def half_leaves_units_off(impl, case):
        """Where every unit has probability 1/2 and every uniform number is 1/2, all units stay off."""
        check(getattr(impl, function), (case["W"], case["b"], case["a"]), case)

    return law(
        cases=_REST, needs=(function,), grade="exact", equation=r"u = p \Rightarrow \mathrm{off}", source="convention"
    )(half_leaves_units_off)


def off(got: Any, shape: tuple[int, ...], what: str, dtype: Any = np.float64) -> None:
    identical(got, np.zeros(shape, dtype), why=what)


# --- one for each function that samples ----------------------------------------------------------------------------------
def _gibbs_step(call, theta, case):
    v, _, h = call(np.zeros((1, 2)), *theta, half(1, 3), half(1, 2))
    off(v, (1, 3), "the visible state")
    off(h, (1, 2), "the hidden state")


def _chain(result):
    vh, v, h, state = result
    off(vh, (3, 2), "the mean of v h^T")
    off(v, (3,), "the mean of v")
    identical(h, half(2), why="the mean of h")
    off(state, (1, 2), "the states in which the chains end")


def _cd_statistics(call, theta, case):
    _chain(call(np.zeros((1, 3)), *theta, half(1, 2), half(2, 1, 3), half(2, 1, 2)))


def _pcd_statistics(call, theta, case):
    _chain(call(np.zeros((1, 2)), *theta, half(2, 1, 3), half(2, 1, 2)))


def _stopping_set(call, theta, case):
    W, _, a = theta
    off(call(np.zeros((2, 3)), W, a, half(2, 2, 2)), (1, 2), "the only state of the set", np.uint8)


def _run_tours(call, theta, case):
    home = np.zeros((1, 2))
    length, completed, last, _, _ = call(home, home, *theta, half(2, 1, 3), half(2, 1, 2))
    identical(length, np.array([1]), why="the length")
    identical(completed, np.array([True]), why="whether it is back")
    off(last, (1, 2), "where it ends", np.uint8)


def _ais_log_weights(call, theta, case):
    # no term of the weight depends on the temperature while all units are off
    betas = np.array([0.0, 0.25, 0.5, 1.0])
    off(call(*theta, np.zeros(3), betas, half(1, 3), half(2, 1, 2), half(2, 1, 3)), (1,), "log w")


AT_REST = {
    check.__name__[1:]: at_rest(check.__name__[1:], check)
    for check in (_gibbs_step, _cd_statistics, _pcd_statistics, _stopping_set, _run_tours, _ais_log_weights)
}
