"""What the fused loops of gradient descent are made of: losses by their tails, elementary functions, sums of rows."""

import functools
import math

import numpy as np
import pytest
from minidl_kernels import cpu, elementary, rows, simd_rows, tails
from numba import njit

from minidl.theory.margin import tails as tails_reference

EPS = np.finfo(float).eps
TAILS = [
    ("exponential", 1.0),
    ("logistic", 1.0),
    ("poly_exponential", 0.5),
    ("poly_exponential", 2.0),
    ("polynomial", 1.0),
    ("polynomial", 8.0),
    ("sub_polynomial", 1.0),
]
loops = functools.cache(lambda function: njit(error_model="numpy", fastmath={"contract"})(function))


@pytest.mark.parametrize(("tail", "power"), TAILS)
def test_tails_are_those_of_the_reference(tail, power):
    """Both round the exponent of a power or a logarithm, at most 1.5 eps of it each, and then a dozen times."""
    u = np.concatenate((np.linspace(-30, 60, 181), [math.e, 1, 0, 1e-9, 37, 37.5, 18, 745, 1e5, -1e5, 1e-300]))
    log_slope, log_loss = (getattr(tails_reference, f)(u, tail, power) for f in ("log_loss_slope", "log_loss"))
    number = tails.TAILS.index(tail)
    for function, expected in ((tails.log_slopes, log_slope), (tails.log_losses, log_loss)):
        got = np.empty_like(u)
        function(number, power, u, got)
        assert (np.abs(got - expected) <= 12 * EPS * np.maximum(np.abs(expected), 1)).all()
    got = np.empty_like(u)
    tails.slopes(number, power, u, got)
    with np.errstate(over="ignore", under="ignore"):
        expected = np.exp(log_slope)
    finite = (expected < np.inf) & (log_slope > -708)
    relative = np.abs(got[finite] / expected[finite] - 1)
    assert (relative <= 12 * EPS * np.maximum(np.abs(log_slope[finite]), 1)).all()
    assert (got[expected == np.inf] == np.inf).all()
    assert (got[log_slope < -709] == 0).all()


ELEMENTARY = {  # the function, what it is, where, and how many units in the last place it may be off
    "exponential": (elementary.exponential, math.exp, np.random.default_rng(0).uniform(-708, 709, 4000), 1),
    "exponential near 0": (elementary.exponential, math.exp, 10.0 ** np.linspace(-300, 0, 4000), 1),
    "logarithm": (elementary.logarithm, math.log, 10.0 ** np.linspace(-307, 308, 4000), 3),
    "logarithm near 1": (elementary.logarithm, math.log, np.linspace(0.5, 2, 4001), 3),
    "log_one_plus": (elementary.log_one_plus, math.log1p, 10.0 ** np.linspace(-300, 0, 4000), 3),
    "log_one_plus far": (elementary.log_one_plus, math.log1p, 10.0 ** np.linspace(0, 300, 4000), 3),
}


def applied(function, x):
    def each(x, y):
        for i in range(x.size):
            y[i] = function(x[i])

    x, y = np.asarray(x, float), np.empty(len(x))
    njit(error_model="numpy", fastmath={"contract"})(each)(x, y)
    return y


@pytest.mark.parametrize(("function", "exact", "x", "ulps"), ELEMENTARY.values(), ids=ELEMENTARY)
def test_elementary_functions(function, exact, x, ulps):
    """The library's own is off by less than one unit."""
    expected = np.array([exact(value) for value in x])
    assert (np.abs(applied(function, x) - expected) <= (ulps + 1) * EPS * np.abs(expected)).all()


def test_elementary_functions_at_their_ends():
    np.testing.assert_array_equal(
        applied(elementary.exponential, [0, -np.inf, -709, -1e308, 710, np.inf, np.nan]),
        [1, 0, 0, 0, np.inf, np.inf, np.nan],
    )
    np.testing.assert_array_equal(applied(elementary.logarithm, [1, np.nan]), [0, np.nan])
    np.testing.assert_array_equal(applied(elementary.log_one_plus, [0, 5e-324, np.nan]), [0, 5e-324, np.nan])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", [1, 2, 3, 8, 13])
@pytest.mark.parametrize("m", [1, 8, 17, 50, 64, 70, 129, 200])
def test_sums_of_rows(n, m, dtype):
    """Both loops, on integers, whose sums are exact in any order: all of the sum, and nothing beyond it."""
    rng = np.random.default_rng([n, m])
    matrix, c = rng.integers(-9, 9, (n, m)).astype(dtype), rng.integers(-9, 9, n).astype(dtype)
    padded = rows.padded(matrix)
    assert padded.ctypes.data % 64 == 0
    assert padded.shape[1] * padded.itemsize % 64 == 0
    room = rows.aligned((padded.shape[1] + 64,), dtype)
    for function in (rows.plain, *([simd_rows.sum_rows] if cpu.has(*cpu.AVX512) else [])):
        room[:] = 7
        loops(function)(c, padded, room[: padded.shape[1]])
        np.testing.assert_array_equal(room[:m], c @ matrix)
        assert (room[padded.shape[1] :] == 7).all()
    out, x = np.full(m, dtype(3)), rng.integers(-9, 9, m).astype(dtype)
    rows.add_rows(c, matrix, out)
    np.testing.assert_array_equal(out, 3 + c @ matrix)
    out = np.full(n, dtype(3))
    rows.dots(matrix, x, out)
    np.testing.assert_array_equal(out, 3 + matrix @ x)
    assert rows.total(x) == x.sum()
    assert rows.dot(x, x) == x @ x


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_not_lost_in_a_sum(bad):
    matrix, c = np.ones((5, 20)), np.ones(5)
    matrix[3, 11] = bad
    for function in (rows.plain, *([simd_rows.sum_rows] if cpu.has(*cpu.AVX512) else [])):
        out = rows.aligned((24,), float)
        loops(function)(c, rows.padded(matrix), out)
        np.testing.assert_array_equal(out[:20], matrix.sum(axis=0))
    out = np.zeros(5)
    rows.dots(matrix, np.ones(20), out)
    np.testing.assert_array_equal(out, matrix.sum(axis=1))
