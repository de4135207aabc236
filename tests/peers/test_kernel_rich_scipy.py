"""Both ends of the dial, the path between them and the flows to it, beside SciPy: HiGHS, LAPACK's gelsd, ODE solvers, quad."""

import numpy as np
import pytest

from minidl.theory import kernel_rich as R

pytest.importorskip("scipy", reason="SciPy is not installed (pip install 'minidl[peers]')")
from scipy import integrate, linalg, optimize

EPS = np.finfo(float).eps


def problem(n, d, seed=0):
    rng = np.random.default_rng([n, d, seed])
    return rng.standard_normal((n, d)), rng.standard_normal(n)


# --- the ends of the dial ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("n", "d"), [(1, 3), (4, 9), (12, 40), (40, 200)])
def test_least_l1_norm_is_a_linear_program(n, d):
    for seed in range(5):
        x, y = problem(n, d, seed)
        found = optimize.linprog(
            np.ones(2 * d),
            A_eq=np.hstack([x, -x]),
            b_eq=y,
            method="highs",
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )
        assert found.status == 0, found.message
        ours = R.min_l1(x, y)
        # by duality its tolerance on equations counts as often as the dual says, that on prices as often as beta
        allowed = 1e-10 * (np.abs(ours.dual).sum() + 2 * d + np.abs(ours.beta).sum())
        assert abs(found.fun - np.abs(ours.beta).sum()) <= allowed
        # data in general position have one solution: the same columns are used
        assert (np.flatnonzero(np.abs(found.x[:d] - found.x[d:]) > 1e-8) == np.flatnonzero(ours.beta)).all()


@pytest.mark.parametrize("repeated", [False, True], ids=["independent", "dependent"])
@pytest.mark.parametrize(("n", "d"), [(1, 3), (4, 9), (12, 40), (100, 1000)])
def test_least_l2_norm_is_that_of_gelsd(n, d, repeated):
    x, y = problem(n, d)
    condition = np.linalg.cond(x)
    if repeated:  # the sum of all rows once more
        x, y = np.vstack([x, x.sum(axis=0)]), np.append(y, y.sum())
    expected = linalg.lstsq(x, y, lapack_driver="gelsd")[0]
    allowed = (
        16 * EPS * (n + d) * condition * np.linalg.norm(expected)
    )  # either decomposition, and n sums on either side
    assert np.linalg.norm(R.min_l2(x, y) - expected) <= allowed


# --- between the ends ----------------------------------------------------------------------------------------------------
def plain_link(s, depth):
    if depth == 2:
        return 2 * np.sinh(s)
    power = depth / (depth - 2)
    return (1 - s) ** -power - (1 + s) ** -power


@pytest.mark.parametrize("depth", [2, 3, 4, 5])
def test_the_penalty_is_an_integral_of_a_root(depth):
    """q_D as its definition says: quad over brentq on h_D."""

    def inverse(z):
        top = np.arcsinh(z) + 1 if depth == 2 else 1 - 1e-12
        return optimize.brentq(lambda s: plain_link(s, depth) - z, 0, top, xtol=4 * EPS, rtol=4 * EPS)

    for z in (0.1, 1.0, 10.0):
        expected, off = integrate.quad(inverse, 0, z, epsabs=1e-14, epsrel=1e-13)
        # each root is off by xtol + rtol, and by its function's own rounding, a few EPS at slopes of at least 1
        assert R.potential(z, depth) == pytest.approx(expected, rel=1e-13, abs=off + 64 * EPS * z)


@pytest.mark.parametrize("depth", [2, 3, 4, 5])
@pytest.mark.parametrize("alpha", [1.0, 3.0])
def test_the_least_penalty_by_a_general_solver(depth, alpha):
    """X h_D(X^T nu) = y / alpha^D as equations for MINPACK's hybrd, without a line search.

    At small scales it gets stuck, and at depth 3 or more it leaves |s| < 1.
    """
    x, y = problem(5, 12)
    x, y = x / 4, y / 4
    found = optimize.root(lambda nu: x @ plain_link(x.T @ nu, depth) - y / alpha**depth, np.zeros(5), tol=1e-14)
    beta = alpha**depth * plain_link(x.T @ found.x, depth)
    residual = np.linalg.norm(x @ beta - y)
    assert residual <= 1e-10
    ours = R.min_potential(x, y, alpha, depth)
    # nu moves by the residual over the least eigenvalue of X diag(h') X^T, and beta by h' times X^T of that
    slopes = alpha**depth * R.link_slope(x.T @ ours.dual, depth)
    least = np.linalg.eigvalsh((x * slopes) @ x.T)[0]
    rounding = 64 * EPS * (np.abs(x) @ np.abs(beta) + np.abs(y)).sum()
    allowed = 2 * slopes.max() * np.linalg.norm(x, 2) * (residual + rounding) / least
    assert np.linalg.norm(beta - ours.beta) <= allowed
    assert allowed <= 1e-8  # else nothing was compared


# --- the flows -----------------------------------------------------------------------------------------------------------
def beside_itself(velocity, start, times, method):
    """SciPy's solution at times (K,), and how far it moves when its tolerance is a hundred times as large."""
    tight, loose = (
        integrate.solve_ivp(
            lambda _, at: velocity(at), (0, times[-1]), start, method, times, rtol=rtol, atol=1e-3 * rtol
        ).y.T
        for rtol in (1e-12, 1e-10)
    )
    return tight, np.abs(tight - loose).max()


@pytest.mark.parametrize("method", ["LSODA", "DOP853"])
@pytest.mark.parametrize("depth", [2, 3, 4])
def test_gradient_flow(depth, method):
    x, y = problem(4, 10)
    x, times = x / 4, np.array([0, 0.1, 1.0, 5.0])

    def velocity(at):
        u, v = at[:10], at[10:]
        g = 2 * x.T @ (x @ (u**depth - v**depth) - y)
        return np.concatenate([-depth * u ** (depth - 1) * g, depth * v ** (depth - 1) * g])

    expected, moved = beside_itself(velocity, np.full(20, 0.5), times, method)
    found = R.gradient_flow(x, y, np.full(10, 0.5), np.full(10, 0.5), times, depth)
    assert moved <= 1e-6  # else nothing was compared
    np.testing.assert_allclose(np.hstack([found.u, found.v]), expected, rtol=0, atol=moved + 1e-10)


def test_flow_of_factors():
    rng = np.random.default_rng(0)
    a, y = rng.standard_normal((3, 4, 5)) / 4, rng.standard_normal(3)
    u, v = R.draw_factors(4, 5, 6, 0.5, rng=rng)
    times = np.array([0, 0.3, 3.0])

    def velocity(at):
        left, right = at[:24].reshape(4, 6), at[24:].reshape(5, 6)
        gradient = 2 * np.tensordot(np.tensordot(a, left @ right.T, 2) - y, a, 1)
        return np.concatenate([(-gradient @ right).ravel(), (-gradient.T @ left).ravel()])

    expected, moved = beside_itself(velocity, np.concatenate([u.ravel(), v.ravel()]), times, "DOP853")
    found = R.factor_flow(a, y, u, v, times, 1e-12)
    both = np.hstack([found.u.reshape(3, -1), found.v.reshape(3, -1)])
    assert moved <= 1e-6
    np.testing.assert_allclose(both, expected, rtol=0, atol=moved + 1e-10)


@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_velocity_of_a_deep_product_by_matrix_powers(depth):
    rng = np.random.default_rng(depth)
    m, gradient = rng.standard_normal((2, 4, 4))
    left, right = m @ m.T, m.T @ m
    expected = -sum(
        linalg.fractional_matrix_power(left, (depth - j) / depth)
        @ gradient
        @ linalg.fractional_matrix_power(right, (j - 1) / depth)
        for j in range(1, depth + 1)
    )
    # SciPy's powers go through eigenvectors of the squares: their condition, and a few roundings of each product
    allowed = 256 * EPS * np.linalg.cond(left) * np.abs(expected).max()
    assert np.abs(R.product_velocity(m, gradient, depth) - expected).max() <= allowed
