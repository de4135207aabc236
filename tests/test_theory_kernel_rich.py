"""Potentials and diagonal nets: printed values, closed forms, flow beside the interpolant that it should end in."""

import numpy as np
import pytest

from minidl.theory import kernel_rich as K

EPS = np.finfo(float).eps
DEPTHS = (2, 3, 4, 5, 7)
ROW, TARGET = np.array([[1.0, 0.4]]), np.array([1.0])
LIMITS = [  # depth, alpha, beta of the row above
    (2, 10, (0.8620692748, 0.3448268130)),
    (2, 1, (0.8649601291, 0.3375996773)),
    (2, 0.1, (0.9756485246, 0.0608786885)),
    (2, 0.01, (0.9984095902, 0.0039760244)),
    (2, 0.001, (0.9998995302, 0.0002511745669)),
    (3, 1, (0.8681661691, 0.3295845773)),
    (3, 0.1, (0.9986332602, 0.0034168494)),
    (3, 0.01, (0.9999983317, 4.170684855e-06)),
    (4, 1, (0.8700799853, 0.3248000368)),
    (4, 0.05, (0.9999943560, 1.411004917e-05)),
]
POTENTIALS = {
    2: (0.0024994796, 0.2451438476, 14.9263443855),
    3: (0.0008329481, 0.0799434978, 3.8262229069),
    4: (0.0012492202, 0.1183510857, 5.0825005973),
    5: (0.0014989023, 0.1408211849, 5.6880371338),
}


def printed(got, expected, digits=10):
    np.testing.assert_allclose(np.asarray(got), expected, rtol=0, atol=0.501 * 10.0**-digits)


def data(seed, n=3, d=7):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.standard_normal(n)


# --- potentials --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("depth", POTENTIALS)
def test_printed_potentials(depth):
    printed(K.potential([0.1, 1, 10], depth), POTENTIALS[depth])


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_potential_is_the_integral_of_its_slope(depth):
    nodes, weights = np.polynomial.legendre.leggauss(60)
    for z in (0.1, 1.0, 5.0):
        integral = weights @ K.link_inverse((nodes + 1) * z / 2, depth) * z / 2
        np.testing.assert_allclose(K.potential(z, depth), integral, rtol=1e-12)


@pytest.mark.parametrize("depth", DEPTHS)
def test_potentials_are_even_and_their_slopes_odd(depth):
    z = np.array([1e-200, 1e-9, 0.3, 4.0, 1e9])
    assert (K.potential(-z, depth) == K.potential(z, depth)).all()
    assert (K.link_inverse(-z, depth) == -K.link_inverse(z, depth)).all()
    assert K.potential(0, depth) == K.link_inverse(0, depth) == 0


@pytest.mark.parametrize("depth", DEPTHS)
def test_small_and_large_arguments_keep_their_digits(depth):
    coefficient = 0.25 if depth == 2 else (depth - 2) / (4 * depth)
    for z in (1e-150, 1e-40, 1e-12):  # the next term is z^4, below the rounding
        np.testing.assert_allclose(K.potential(z, depth), coefficient * z * z, rtol=8 * EPS)
        np.testing.assert_allclose(K.link_inverse(z, depth), 2 * coefficient * z, rtol=8 * EPS)
    z = 1e12
    if depth == 2:
        np.testing.assert_allclose(K.potential(z), z * np.log(z) - z + 2 - 1 / z, rtol=8 * EPS)
    else:  # 1 - s = z^-(D-2)/D up to a factor 1 + O((1 - s)^(D/(D-2)))
        np.testing.assert_allclose(K.link_gap(z, depth), z ** -((depth - 2) / depth), rtol=1e-11)


def test_the_link_of_depth_4_is_rational():
    s = np.array([-0.999, -0.3, 1e-12, 0.5, 0.99999])
    np.testing.assert_allclose(K.link(s, 4), 4 * s / ((1 - s) * (1 + s)) ** 2, rtol=16 * EPS)
    np.testing.assert_allclose(K.link(s, 3), (1 - s) ** -3 - (1 + s) ** -3, rtol=1e-3)  # which cancels at 1e-12


@pytest.mark.parametrize("depth", DEPTHS)
def test_links_invert_each_other_and_curvature_is_the_inverse_of_the_slope(depth):
    z = np.concatenate([-np.geomspace(1e-8, 1e6, 30), np.geomspace(1e-8, 1e6, 30)])
    s = K.link_inverse(z, depth)
    # h amplifies the rounding of s by s h'(s) / h(s)
    amplified = 8 * EPS * (1 + np.abs(s) * K.link_slope(s, depth) / np.abs(z))
    assert (np.abs(K.link(s, depth) - z) <= amplified * np.abs(z)).all()
    far = np.abs(s) < 0.99 if depth > 2 else s < np.inf
    np.testing.assert_allclose(K.potential_curvature(z, depth)[far], 1 / K.link_slope(s, depth)[far], rtol=1e-12)


def test_a_depth_without_end_tends_to_a_limit():
    # p = D/(D-2) -> 1: h = 2 s / (1 - s^2)
    z = np.array([0.2, 1.0, 30.0])
    limit = (np.sqrt(1 + z * z) - 1) / z
    np.testing.assert_allclose(K.link_inverse(z, 100_000), limit, rtol=1e-3)


def test_float32_stays():
    z = np.array([0.5, 3], np.float32)
    for depth in (2, 3):
        for function in (K.potential, K.potential_curvature, K.link_inverse):
            assert function(z, depth).dtype == np.float32
        assert K.link(z / 4, depth).dtype == K.link_slope(z / 4, depth).dtype == np.float32
    assert K.link_gap(z, 3).dtype == np.float32
    u = np.ones(2, np.float32)
    path = K.gradient_descent(ROW.astype(np.float32), TARGET.astype(np.float32), u, u, [0, 3], 0.01)
    assert path.u.dtype == path.loss.dtype == np.float32
    assert K.gradient_descent(ROW, TARGET, u, u, [3], 0.01).u.dtype == np.float64


def test_penalties_add_up_over_entries():
    beta = np.array([0.1, -1.0, 10.0])
    for depth, values in POTENTIALS.items():
        printed(K.penalty(beta, 1, depth), sum(values), 9)
        np.testing.assert_allclose(
            K.penalty(beta, 0.5, depth), 0.5**depth * K.potential(beta * 2.0**depth, depth).sum()
        )
    assert K.penalty(np.zeros(4), 0.3) == 0


# --- any start ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("depth", DEPTHS)
def test_parameters_of_a_predictor_keep_the_invariants(depth):
    rng = np.random.default_rng(depth)
    u0, v0 = rng.uniform(0.3, 2, (2, 6))
    beta = np.array([-30.0, -1, 0, 0.2, 5, 400])
    u, v = K.parameters_of(beta, u0, v0, depth)
    np.testing.assert_allclose(K.predictor(u, v, depth), beta, rtol=1e-13, atol=64 * EPS * 4**depth)
    np.testing.assert_allclose(K.conserved(u, v, depth), K.conserved(u0, v0, depth), rtol=64 * EPS)
    back = K.parameters_of(K.predictor(u0, v0, depth), u0, v0, depth)
    np.testing.assert_allclose(back, (u0, v0), rtol=1e-12)


@pytest.mark.parametrize("depth", DEPTHS)
def test_the_divergence_from_a_flat_start_is_the_penalty(depth):
    beta, alpha = np.array([0.3, -2.0, 15.0]), 0.7
    flat = np.full(3, alpha)
    expected = alpha ** (2 - depth) * K.penalty(beta, alpha, depth)
    np.testing.assert_allclose(K.bregman(beta, flat, flat, depth), expected, rtol=1e-13)


def test_the_divergence_is_the_bregman_divergence_of_the_potential():
    rng = np.random.default_rng(1)
    u0, v0, beta = *rng.uniform(0.3, 2, (2, 5)), rng.standard_normal(5)
    c, beta0 = u0 * v0, u0**2 - v0**2
    expected = np.sum(c * (K.potential(beta / c) - K.potential(beta0 / c)) - K.link_inverse(beta0 / c) * (beta - beta0))
    np.testing.assert_allclose(K.bregman(beta, u0, v0), expected, rtol=1e-12)
    assert abs(K.bregman(beta0, u0, v0)) <= 64 * EPS


# --- nets, their gradients and descent ---------------------------------------------------------------------------------
@pytest.mark.parametrize("depth", DEPTHS)
def test_velocity_is_minus_the_gradient(depth):
    x, y = data(depth)
    u, v = np.random.default_rng(7).uniform(-1.5, 1.5, (2, 7))
    du, dv = K.flow_velocity(x, y, u, v, depth)
    h = 1e-6
    for k in range(7):
        step = h * (np.arange(7) == k)
        for got, (p, m) in ((du, ((u + step, v), (u - step, v))), (dv, ((u, v + step), (u, v - step)))):
            slope = (K.squared_loss(x, y, K.predictor(*p, depth)) - K.squared_loss(x, y, K.predictor(*m, depth))) / (
                2 * h
            )
            np.testing.assert_allclose(got[k], -slope, rtol=1e-6, atol=1e-6)


def test_descent_by_hand():
    # x = 1, y = 2, u = v = 1: beta = 0, g = -4; at depth 2 u = 1 + 0.1 * 8, v = 1 - 0.1 * 8
    path = K.gradient_descent([[1.0]], [2.0], [1.0], [1.0], [0, 1, 2], 0.1)
    np.testing.assert_allclose(path.u[:2, 0], [1, 1.8], rtol=4 * EPS)
    np.testing.assert_allclose(path.v[:2, 0], [1, 0.2], rtol=8 * EPS)
    np.testing.assert_allclose(path.loss[:2], [4, (1.8**2 - 0.2**2 - 2) ** 2], rtol=16 * EPS)  # beta = 3.2
    # g = 2 * 1.2: u - 0.1 * 2 * 1.8 * 2.4, v + 0.1 * 2 * 0.2 * 2.4
    np.testing.assert_allclose([path.u[2, 0], path.v[2, 0]], [1.8 - 0.864, 0.2 + 0.096], rtol=32 * EPS)
    cubic = K.gradient_descent([[1.0]], [2.0], [1.0], [1.0], [1], 0.01, 3)  # 3 u^2 * 4 * 0.01
    np.testing.assert_allclose([cubic.u[0, 0], cubic.v[0, 0]], [1.12, 0.88], rtol=4 * EPS)


def test_descent_recorded_elsewhere_is_the_same_descent():
    x, y = data(0)
    start = np.full(7, 0.5)
    whole = K.gradient_descent(x, y, start, start, np.arange(30), 1e-3, 3)
    some = K.gradient_descent(x, y, start, start, [4, 5, 29], 1e-3, 3)
    for every, few in zip(whole, some, strict=True):
        assert (every[[4, 5, 29]] == few).all()
    again = K.gradient_descent(x, y, whole.u[10], whole.v[10], [19], 1e-3, 3)
    assert (again.u[0] == whole.u[29]).all()
    assert whole.loss[0] == K.squared_loss(x, y, np.zeros(7))


@pytest.mark.parametrize("depth", [2, 3])
def test_descent_with_small_steps_is_flow(depth):
    x, y = data(3)
    start, errors = np.full(7, 0.6), []
    flow = K.gradient_flow(x, y, start, start, [0.2], depth)
    for steps in (2000, 4000):
        path = K.gradient_descent(x, y, start, start, [steps], 0.2 / steps, depth)
        errors.append(np.abs(path.u - flow.u).max())
    assert errors[0] < 1e-3
    np.testing.assert_allclose(errors[0] / errors[1], 2, rtol=0.05)  # Euler's method is of order 1
    np.testing.assert_allclose(K.squared_loss(x, y, K.predictor(flow.u[0], flow.v[0], depth)), flow.loss[0], rtol=1e-12)


def test_the_wrapper_is_descent_from_a_flat_start():
    x, y = data(4)
    start = np.full(7, 0.3)
    path = K.train_diagonal(x, y, [0, 50], 1e-3, alpha=0.3, depth=3, impl="reference")
    for got, expected in zip(path, K.gradient_descent(x, y, start, start, [0, 50], 1e-3, 3), strict=True):
        assert (got == expected).all()


def test_the_wrapper_runs_the_twin():
    x, y = data(4)
    slow, fast = (K.train_diagonal(x, y, [0, 50], 1e-3, alpha=0.3, impl=impl) for impl in ("reference", "kernels"))
    for got, expected in zip(fast, slow, strict=True):  # 50 steps, each with sums of 7 and 3 products
        np.testing.assert_allclose(got, expected, rtol=50 * 10 * EPS)


@pytest.mark.parametrize("depth", DEPTHS)
def test_the_tangent_kernel_is_that_of_the_predictions(depth):
    x, _ = data(5)
    u, v = np.random.default_rng(8).uniform(-1.5, 1.5, (2, 7))
    jacobian = np.hstack([x * depth * u ** (depth - 1), -x * depth * v ** (depth - 1)])  # (n, 2d)
    np.testing.assert_allclose(K.tangent_kernel(x, u, v, depth), jacobian @ jacobian.T, rtol=1e-12, atol=1e-12)
    flat = np.full(7, 0.4)
    expected = 2 * depth**2 * 0.4 ** (2 * depth - 2) * x @ x.T
    np.testing.assert_allclose(K.tangent_kernel(x, flat, flat, depth), expected, rtol=1e-12)


def test_steps_are_stable_up_to_the_edge():
    x, y = data(6)
    end = K.flow_limit(x, y, np.full(7, 0.5), np.full(7, 0.5))
    edge = K.stability_edge(x, end.u, end.v)
    nearby = end.u * (1 + 1e-6)
    below, above = (K.gradient_descent(x, y, nearby, end.v, [0, 60], factor * edge).loss for factor in (0.9, 1.1))
    assert below[1] < below[0] / 10
    assert above[1] > 10 * above[0]


# --- flow and its limit ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("depth", "alpha", "beta"), LIMITS)
def test_printed_limits(depth, alpha, beta):
    digits = 10 + (beta[1] < 1e-3) * 3
    found = K.min_potential(ROW, TARGET, alpha, depth).beta
    printed(found[0], beta[0])
    printed(found[1], beta[1], digits)
    start = np.full(2, alpha)
    np.testing.assert_allclose(K.flow_limit(ROW, TARGET, start, start, depth).beta, found, rtol=0, atol=1e-10)


@pytest.mark.parametrize("depth", [2, 3, 4])
@pytest.mark.parametrize("alpha", [0.2, 1.5])
def test_flow_ends_in_the_interpolant_and_keeps_its_invariants(depth, alpha):
    x, y = data(10 * depth)
    start = np.full(7, alpha)
    limit = K.flow_limit(x, y, start, start, depth)
    np.testing.assert_allclose(limit.beta, K.min_potential(x, y, alpha, depth).beta, rtol=0, atol=1e-9)
    np.testing.assert_allclose(K.conserved(limit.u, limit.v, depth), K.conserved(start, start, depth), rtol=1e-11)
    assert np.abs(x @ limit.beta - y).max() <= 1e-11
    path = K.gradient_flow(x, y, start, start, [0, limit.time / 3, limit.time], depth)
    assert (path.u[0] == start).all()
    np.testing.assert_allclose(path.u[2], limit.u, rtol=1e-9)
    assert (np.diff(path.loss) < 0).all()


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_flow_from_any_start_ends_in_the_nearest_interpolant(depth):
    x, y = data(20 + depth)
    u0, v0 = np.random.default_rng(depth).uniform(0.4, 1.6, (2, 7))
    limit, found = K.flow_limit(x, y, u0, v0, depth), K.min_bregman(x, y, u0, v0, depth)
    np.testing.assert_allclose(limit.beta, found.beta, rtol=0, atol=1e-9)
    np.testing.assert_allclose(limit.u, K.parameters_of(found.beta, u0, v0, depth).u, rtol=1e-8)
    off = np.linalg.svd(x)[2][3:].T @ np.random.default_rng(0).standard_normal(4)  # in the null space of x
    least = K.bregman(found.beta, u0, v0, depth)
    assert all(K.bregman(found.beta + t * off, u0, v0, depth) > least for t in (-0.1, 0.1))
    if depth == 2:
        c = u0 * v0
        slope = np.arcsinh(found.beta / (2 * c)) - np.log(u0 / v0)
    else:
        u, v = K.parameters_of(found.beta, u0, v0, depth)
        slope = u0 ** (2.0 - depth) - u ** (2.0 - depth)
        np.testing.assert_allclose(slope, v ** (2.0 - depth) - v0 ** (2.0 - depth), rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.dual @ x, slope, rtol=0, atol=1e-11)


def test_linear_flow_in_closed_form():
    # far in the kernel regime beta moves as beta' = -16 alpha^2 x^T (x beta - y), x x^T = 1.16 here
    alpha, t = 1e3, 1e-7
    path = K.gradient_flow(ROW, TARGET, np.full(2, alpha), np.full(2, alpha), [t])
    left = np.exp(-16 * alpha**2 * 1.16 * t)
    np.testing.assert_allclose(np.sqrt(path.loss[0]), left, rtol=1e-5)


def test_zero_targets_leave_everything_where_it_is():
    x, _ = data(1)
    start = np.full(7, 0.5)
    assert (K.min_potential(x, np.zeros(3), 0.1, 3).beta == 0).all()
    assert K.flow_limit(x, np.zeros(3), start, start).time == 0
    assert (K.gradient_flow(x, np.zeros(3), start, start, [0, 5.0]).u == 0.5).all()
