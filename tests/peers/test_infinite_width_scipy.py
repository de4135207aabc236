"""Beside SciPy: the least norm as a linear program (HiGHS), weight decay as a lasso (L-BFGS-B), splines (PPoly)."""

import numpy as np
import pytest

from minidl.theory import infinite_width as iw

pytest.importorskip("scipy", reason="SciPy is not installed (pip install 'minidl[peers]')")
from scipy.interpolate import PPoly
from scipy.optimize import linprog, minimize

EPS = np.finfo(float).eps


def units(x, at):
    """[x - t]_+ and [t - x]_+ at the points, (N, 2M)."""
    away = x[:, None] - at
    return np.maximum(np.concatenate([away, -away], axis=1), 0)


def data(rng, N):
    x = np.sort(rng.choice(np.arange(-20, 21), N, replace=False)) / 4
    return x, rng.normal(size=N) + rng.choice([0, 2, -2]) * x


def test_the_least_norm_is_a_linear_program():
    """300 data sets, units that bend at the data and at twenty further places: a finer grid helps no one."""
    rng = np.random.default_rng(0)
    for _ in range(300):
        x, y = data(rng, int(rng.integers(1, 9)))
        at = np.union1d(x, rng.uniform(-7, 7, 20))
        columns = units(x, at)
        columns = np.concatenate([columns, -columns, np.ones((len(x), 1)), -np.ones((len(x), 1))], axis=1)
        prices = np.append(np.ones(columns.shape[1] - 2), [0, 0])
        found = linprog(prices, A_eq=columns, b_eq=y, bounds=(0, None), method="highs")
        assert found.status == 0, found.message
        # HiGHS holds equations to 1e-7 and prices to 1e-7
        assert found.fun == pytest.approx(iw.minimum_norm(x, y).norm, rel=1e-6, abs=1e-6)


def test_weight_decay_is_a_lasso():
    """L-BFGS-B on positive and negative parts never gets below our optimum, and comes near it."""
    rng = np.random.default_rng(1)
    above = []
    for _ in range(60):
        x, y = data(rng, int(rng.integers(2, 8)))
        decay = 10 ** rng.uniform(-2, 1)
        columns = units(x, x)
        columns = np.concatenate([columns, -columns, np.ones((len(x), 1))], axis=1)
        prices = np.append(np.full(columns.shape[1] - 1, decay), 0)

        def loss(a, columns=columns, prices=prices, y=y):
            error = columns @ a - y
            return error @ error / len(y) + prices @ a, 2 / len(y) * columns.T @ error + prices

        bounds = [(0, None)] * (columns.shape[1] - 1) + [(None, None)]
        options = dict(maxiter=20_000, maxfun=100_000, ftol=1e-16, gtol=1e-12)
        start = np.zeros(columns.shape[1])
        theirs = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).fun
        ours = iw.decay_optimum(x, y, decay).objective
        assert theirs >= ours * (1 - 1e-12)
        above.append(theirs / ours - 1)
    assert np.quantile(above, 0.75) < 1e-6


def test_values_are_those_of_piecewise_polynomials():
    rng = np.random.default_rng(2)
    for _ in range(50):
        K = int(rng.integers(1, 8))
        f = iw.Spline(np.sort(rng.uniform(-4, 4, K)), rng.normal(size=K + 1), rng.uniform(-5, 5), rng.normal())
        edges = np.concatenate([[-9], f.knots, [9]])
        x = rng.uniform(-9, 9, 50)
        values = PPoly(f.slopes[None], edges).antiderivative()
        theirs = f.anchor_y + values(x) - values(f.anchor_x)
        np.testing.assert_allclose(iw.spline_value(x, *f), theirs, rtol=0, atol=64 * EPS * 18 * np.abs(f.slopes).max())
