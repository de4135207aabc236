r"""Training a network with one hidden layer on the line, all steps in one function.

The twin of `minidl.theory.infinite_width.training`.

NumPy makes some forty calls per step on arrays of a few hundred numbers. Here a step is three loops along the units, each of
them vector code: forward, back, and Adam. A unit that no point reaches leaves Adam an average that falls to the smallest
subnormal numbers and stays there (0.9 of them rounds to themselves), at a hundred times the cost of a product: from where it
moves nothing any more, such an average is 0 here.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from minidl_kernels import descent_border as border
from minidl_kernels import flat, optim_loops
from minidl_kernels.descent_border import real
from minidl_kernels.rows import dot, lent

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8
NOTHING, OFTEN = 1e-290, 256  # 0.9^256 = 2e-12 of it is not yet subnormal; divided by EPS it is still nothing to add

_loop = njit(**lent, fastmath={"contract"})


class Path(NamedTuple):
    w: np.ndarray  # (K, k)
    b: np.ndarray  # (K, k)
    v: np.ndarray  # (K, k)
    b0: np.ndarray  # (K,)


def train(
    x: Any, y: Any, w: Any, b: Any, v: Any, b0: float, times: Any, steps: int, step_size: float, decay: float
) -> Path:
    """The parameters after `times` (K,) of `steps` steps of Adam, by rates that fall linearly to 0; all points in each step.

    x, y: (N,), w, b, v: (k,); the objective is the mean squared error + decay / 2 (|w|^2 + |v|^2). Raises ValueError for what
    does not fit or is not finite, TypeError for what is no number, FloatingPointError if the parameters do not stay finite.
    """
    x = real("x", x, "N")
    y, w = real("y", y, len(x)), real("w", w, "k")
    k = len(w)
    b, v, b0 = real("b", b, k), real("v", v, k), flat.number("b0", b0, -np.inf)
    steps = flat.count("steps", steps)
    times = border.times(times, last=steps, apart=False)
    step_size, decay = flat.number("step_size", step_size, above=True), flat.number("decay", decay)
    theta, state = np.concatenate((w, b, v, [b0])), np.zeros((3, 3 * k + 1))
    recorded = np.empty((len(times), theta.size))
    points, hidden = np.array((x, y, y)), np.empty((len(x), k))
    reached = _train(points, theta, state, hidden, np.empty((2, k)), times, steps, step_size, decay, recorded)
    if reached < times[-1] or not np.isfinite(recorded).all():
        raise FloatingPointError(f"training diverged at step {reached + 1}: use a smaller step_size")
    return Path(*(recorded[:, i * k : (i + 1) * k].copy() for i in range(3)), recorded[:, -1].copy())


@optim_loops.loop  # as `adam` is, which is compiled with its caller's options where it has none of its own
def _train(points, theta, state, hidden, sums, times, steps, step_size, decay, recorded):
    """Fill `recorded`; returns the number of steps made, fewer than the last of times if errors do not stay finite."""
    gradient, first, second = state[0], state[1], state[2]
    done = 0
    for t in range(times[-1] + 1):
        while done < times.size and times[done] == t:
            for j in range(theta.size):
                recorded[done, j] = theta[j]
            done += 1
        if t == times[-1]:
            break
        if not _gradient(points, theta, hidden, sums, decay, gradient):
            return t
        rate = step_size * (1 - t / steps)
        if t % OFTEN == 0:
            _vanish(state[1:])
        optim_loops.adam(theta, gradient, first, second, None, t + 1, rate, BETA1, BETA2, EPS, 0.0, False)
    return times[-1]


@_loop
def _vanish(averages):
    for i in range(averages.shape[0]):
        for j in range(averages.shape[1]):
            if abs(averages[i, j]) < NOTHING:
                averages[i, j] = 0


@_loop
def _gradient(points, theta, hidden, sums, decay, gradient):
    """The gradient of the objective; whether all errors are finite."""
    x, y, error = points[0], points[1], points[2]
    N, k = hidden.shape
    w, b, v, b0 = theta[:k], theta[k : 2 * k], theta[2 * k : 3 * k], theta[3 * k]
    by_w, by_b, by_v = gradient[:k], gradient[k : 2 * k], gradient[2 * k : 3 * k]
    by_x, by_one = sums[0], sums[1]
    total = 0.0
    for i in range(N):
        _activate(x[i], w, b, hidden[i])
        error[i] = (dot(hidden[i], v) + b0 - y[i]) * (2 / N)
        total += error[i]
    by_x[:], by_one[:], by_v[:] = 0, 0, 0
    for i in range(N):
        e, ex, h = error[i], error[i] * x[i], hidden[i]
        for j in range(k):
            by_one[j] += e if h[j] > 0 else 0.0
            by_x[j] += ex if h[j] > 0 else 0.0
            by_v[j] += e * h[j]
    for j in range(k):
        by_w[j] = v[j] * by_x[j] + decay * w[j]
        by_b[j] = v[j] * by_one[j]
        by_v[j] += decay * v[j]
    gradient[3 * k] = total
    return abs(total) < math.inf


@njit(**lent, fastmath=False)
def _activate(x, w, b, h):
    """h = max(w x + b, 0). Not fused: where a unit bends at a point, w x + b is 0 only if the product is rounded as b was."""
    for j in range(w.size):
        h[j] = max(w[j] * x + b[j], 0.0)
