r"""Gradient descent on separable data, all steps in one function: the twin of `minidl.theory.margin.steps`.

A step reads the inputs for the margins u = Z w, and again for the gradient, a sum of their rows. NumPy calls a function for
each operation; here a step is a loop. Of the inputs there are two copies, Z and Z^T in padded rows (see `rows`), as long as
both fit into the cache. Beyond, Z is read once per step, in blocks of rows that stay in the nearest cache for their second use.
Weights of the examples are relative to the largest so far: when a block has a larger one, the sums so far are scaled down.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from minidl_kernels import descent_border as border
from minidl_kernels import flat
from minidl_kernels.descent_border import real
from minidl_kernels.elementary import exponential
from minidl_kernels.rows import BLOCK, FEW, add_rows, aligned, dot, dots, lent, padded, sum_rows, total
from minidl_kernels.tails import EXPONENTIAL, TAILS, log_losses, log_slopes, slopes

UPDATES = ("loss", "unit")
CONSTANT, LOSS, UNIT = range(3)

_loop = njit(**lent, fastmath={"contract"})
_inline = njit(**lent, fastmath={"contract"}, inline="always")


class Descent(NamedTuple):
    w: np.ndarray  # (K, d)
    log_loss: np.ndarray  # (K,) log of the sum of the losses


def descent(z: Any, w: Any, times: Any, step_size: float, tail: str = "exponential", power: float = 1.0) -> Descent:
    """Gradient descent with a constant step on the sum of the losses; row k is the state after times[k] steps.

    z: signed inputs (N, d), w: (d,), times: (K,) strictly ascending. Raises ValueError for what does not fit or is not
    finite, and where w becomes infinite.
    """
    return _run(z, w, times, CONSTANT, flat.number("step_size", step_size, above=True), tail, power)


def normalised_descent(
    z: Any,
    w: Any,
    times: Any,
    scale: float = 1.0,
    update: str = "loss",
    tail: str = "exponential",
    power: float = 1.0,
) -> Descent:
    """Gradient descent with steps scale / sqrt(t + 1) along -grad L / L ("loss") or -grad L / ||grad L|| ("unit")."""
    update = LOSS + UPDATES.index(flat.choice("update", update, UPDATES))
    return _run(z, w, times, update, flat.number("scale", scale, above=True), tail, power)


# --- the border --------------------------------------------------------------------------------------------------------
def _run(z: Any, w: Any, times: Any, update: int, step: float, tail: str, power: float) -> Descent:
    kind = TAILS.index(flat.choice("tail", tail, TAILS))
    power = flat.number("power", power, above=True) if tail in ("poly_exponential", "polynomial") else 1.0
    z = np.require(real("z", z, "N", "d"), requirements=["C", "W"])
    N, d = z.shape
    w, times = real("w", w, d), border.times(times)
    if _has_zero_row(z):
        raise ValueError("z must have no zero row: no weights separate it")
    path, log_loss = np.empty((len(times), len(w))), np.empty(len(times))
    z, columns = (padded(z), padded(z.T)) if z.size <= FEW else (z, np.empty((0, 0)))
    rows = N if columns.size else max(8, BLOCK // d // 8 * 8)  # of a block
    u, q, g, start = (aligned((n,), np.float64) for n in [columns.shape[1] or rows] * 2 + [z.shape[1]] * 2)
    start[:d], start[d:] = w, 0
    done = _descend(z, columns, start, d, times, update, step, kind, power, rows, u, q, g, path, log_loss)
    if done < len(times):
        raise ValueError(
            f"w is no longer finite after {times[done]} steps: start nearer to 0, or take a smaller "
            f"{'scale' if update else 'step_size'}"
        )
    return Descent(path, log_loss)


@_loop
def _has_zero_row(z):
    for i in range(z.shape[0]):
        j = 0
        while j < z.shape[1] and z[i, j] == 0:
            j += 1
        if j == z.shape[1]:
            return True
    return False


# --- the loop ----------------------------------------------------------------------------------------------------------
@_loop
def _descend(z, columns, w, d, times, update, step, tail, power, rows, u, q, g, path, log_loss):
    """Fill the rows of path and log_loss; returns how many, fewer than there are times if w is no longer finite."""
    done = 0
    for t in range(times[-1] + 1):
        if t == times[done]:
            for j in range(d):
                path[done, j] = w[j]
                if not abs(w[j]) < math.inf:
                    return done
            _, highest, rest = _sums(z, columns, w[:d], rows, tail, power, False, True, u, q, g)
            log_loss[done] = highest + math.log(rest)
            done += 1
            if done == times.size:
                break
        if update == CONSTANT:
            factor = step
            _gradient(z, columns, w[:d], rows, tail, power, u, q, g)
        else:
            top, highest, rest = _sums(z, columns, w[:d], rows, tail, power, True, update == LOSS, u, q, g)
            if update == LOSS:
                factor = (1.0 if top == highest else math.exp(top - highest)) / rest
            else:
                length = math.sqrt(dot(g, g))
                factor = 1 / length if length > 0 else 0.0
            factor *= step / math.sqrt(t + 1)
        for j in range(w.size):
            w[j] += factor * g[j]
    return done


@_inline
def _gradient(z, columns, w, rows, tail, power, u, q, g):
    """g = -grad L."""
    for first in range(0, z.shape[0], rows):
        size = min(rows, z.shape[0] - first)
        _margins(z, columns, w, first, size, u)
        slopes(tail, power, u, q)
        _add(z, columns, first, size, q, g)


@_loop
def _sums(z, columns, w, rows, tail, power, wants_gradient, wants_loss, u, q, g):
    """(top, highest, rest) with g = -grad L / e^top and L = e^highest rest: the largest weight and loss are taken out."""
    top = highest = -math.inf
    rest = 0.0
    shared = tail == EXPONENTIAL and wants_gradient  # then losses are weights
    for first in range(0, z.shape[0], rows):
        size = min(rows, z.shape[0] - first)
        _margins(z, columns, w, first, size, u)
        if wants_loss and not shared:
            log_losses(tail, power, u, q)
            before, highest = highest, max(highest, _largest(q[:size]))
            if first > 0 and highest > before:
                rest *= math.exp(before - highest)
            _exponentials(q, highest)
            rest += total(q[:size])
        if wants_gradient:
            log_slopes(tail, power, u, q)
            before, top = top, max(top, _largest(q[:size]))
            if first > 0 and top > before:
                factor = math.exp(before - top)
                for j in range(g.size):
                    g[j] *= factor
                if shared:
                    rest *= factor
            _exponentials(q, top)
            if shared:
                rest += total(q[:size])
            _add(z, columns, first, size, q, g)
    return top, (top if shared else highest), rest


@_inline
def _margins(z, columns, w, first, size, u):
    """u[:size] = the margins of these rows."""
    if columns.size:
        sum_rows(w, columns, u)
    else:
        u[:] = 0
        dots(z[first : first + size], w, u[:size])


@_inline
def _add(z, columns, first, size, q, g):
    """g += the rows, weighted by q; if there is one block only, g = that."""
    if columns.size:
        sum_rows(q[:size], z, g)
    else:
        if first == 0:
            g[:] = 0
        add_rows(q[:size], z[first : first + size], g)


@_loop
def _largest(a):
    """The largest entry, in eight chains of comparisons."""
    whole = a.size // 8 * 8
    m0 = m1 = m2 = m3 = m4 = m5 = m6 = m7 = -math.inf
    for i in range(0, whole, 8):
        m0, m1, m2, m3 = max(a[i], m0), max(a[i + 1], m1), max(a[i + 2], m2), max(a[i + 3], m3)
        m4, m5, m6, m7 = max(a[i + 4], m4), max(a[i + 5], m5), max(a[i + 6], m6), max(a[i + 7], m7)
    for i in range(whole, a.size):
        m0 = max(a[i], m0)
    return max(max(max(m0, m1), max(m2, m3)), max(max(m4, m5), max(m6, m7)))


@_loop
def _exponentials(a, top):
    """a = e^(a - top)."""
    for i in range(a.size):
        a[i] = exponential(a[i] - top)
