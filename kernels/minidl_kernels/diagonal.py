r"""Gradient descent of diagonal linear nets, all steps in one function: the twin of `minidl.theory.kernel_rich.diagonal`.

A step needs X^T r of the residuals r, and X beta of the new predictor. NumPy reads X twice and makes a pass over the parameters
for each operation. Here a block of columns of X gives its part of X^T r, the parameters of these columns move, and while the
block is in the cache it adds its part to the next residuals: X, kept as X^T, is read once per step. Of a small X there are
two copies in the cache, see `rows`.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from minidl_kernels import descent_border as border
from minidl_kernels import flat
from minidl_kernels.descent_border import real
from minidl_kernels.rows import BLOCK, FEW, add_rows, aligned, dot, dots, lent, padded, sum_rows

_loop = njit(**lent, fastmath={"contract"})


class Path(NamedTuple):
    u: np.ndarray  # (K, d)
    v: np.ndarray  # (K, d)
    loss: np.ndarray  # (K,)


def gradient_descent(x: Any, y: Any, u: Any, v: Any, times: Any, step_size: float, depth: int = 2) -> Path:
    """Gradient descent on the sum of squares; row k is the state after times[k] steps.

    x: (n, d), y: (n,), u, v: (d,), times: (K,) strictly ascending; float32 if all arrays are, else float64. Raises
    ValueError for what does not fit or is not finite, and where a recorded loss is not.
    """
    x = real("x", x, "n", "d", single=True)
    n, d = x.shape
    y, u, v = real("y", y, n, single=True), real("u", u, d, single=True), real("v", v, d, single=True)
    times, depth = border.times(times), flat.count("depth", depth, 2)
    dtype = np.result_type(x, y, u, v)
    step_size = dtype.type(flat.number("step_size", step_size, above=True))
    if x.size <= FEW:
        rows, columns, block = padded(x.astype(dtype)), padded(x.T.astype(dtype)), d
    else:
        rows, columns = np.empty((0, 0), dtype), np.array(x.T, dtype, order="C")
        block = max(8, BLOCK // n // 8 * 8)
    width = rows.shape[1] or d
    state, residuals = aligned((5, width), dtype), aligned((3, columns.shape[1]), dtype)
    slope = aligned((width if rows.size else block,), dtype)
    state[:, d:], residuals[:, n:] = 0, 0
    state[0, :d], state[1, :d], residuals[2, :n] = u, v, y
    path = Path(*(np.empty((len(times), *shape), dtype) for shape in (u.shape, v.shape, ())))
    done = _descend(rows, columns, n, d, state, residuals, slope, times, step_size, depth, block, *path)
    if done < len(times):
        raise ValueError(f"gradient descent diverged within {times[done]} steps of {step_size:g}: take smaller ones")
    return path


# --- the loop ----------------------------------------------------------------------------------------------------------
@_loop
def _descend(rows, columns, n, d, state, vectors, slope, times, step, depth, block, path_u, path_v, path_loss):
    """Fill the rows of the path; returns how many, fewer than there are times if a loss is no longer finite.

    rows: X, or nothing; columns: X^T. state: u, v, u^(D-1), v^(D-1), beta. vectors: the residuals, those of the next step, y.
    """
    u, v, power_u, power_v, beta = state[0], state[1], state[2], state[3], state[4]
    r, r_next, y = vectors[0], vectors[1], vectors[2]
    done = 0
    for t in range(-1, times[-1] + 1):
        if t >= 0 and t == times[done]:
            path_loss[done] = dot(r, r)
            if not abs(path_loss[done]) < math.inf:
                return done
            for j in range(d):
                path_u[done, j], path_v[done, j] = u[j], v[j]
            done += 1
            if done == times.size:
                break
        r_next[:] = 0
        for first in range(0, d, block):
            here = slice(first, min(d, first + block)) if not rows.size else slice(0, u.size)
            if t >= 0:  # before, there are no residuals yet
                if rows.size:
                    sum_rows(r[:n], rows, slope)
                else:
                    slope[:] = 0
                    dots(columns[here], r, slope[: here.stop - here.start])
                _move(u[here], v[here], power_u[here], power_v[here], slope, step, depth)
            _raise(u[here], v[here], power_u[here], power_v[here], beta[here], depth)
            if rows.size:
                sum_rows(beta[:d], columns, r_next)
            else:
                add_rows(beta[here], columns[here], r_next)
        for i in range(r.size):
            r[i] = r_next[i] - y[i]
    return done


@_loop
def _move(u, v, power_u, power_v, slope, step, depth):
    """u <- u - step D u^(D-1) g, v <- v + step D v^(D-1) g, where g is twice the slope."""
    factor = u.dtype.type(2 * depth)
    for j in range(u.size):
        g = step * (factor * slope[j])
        u[j] -= power_u[j] * g
        v[j] += power_v[j] * g


@_loop
def _raise(u, v, power_u, power_v, beta, depth):
    """The powers D - 1 of u and v, and beta = u^D - v^D."""
    for j in range(u.size):
        power_u[j], power_v[j] = u[j], v[j]
    for _ in range(depth - 2):
        for j in range(u.size):
            power_u[j] *= u[j]
            power_v[j] *= v[j]
    for j in range(u.size):
        beta[j] = power_u[j] * u[j] - power_v[j] * v[j]
