"""Matrix factorisation: gradients, the law of infinite width and its printed values, deep products, and the integrator."""

import numpy as np
import pytest

from minidl.theory import kernel_rich as K
from minidl.theory import ode

EPS = np.finfo(float).eps
DIAGONAL, ONE = np.diag([1, 0.4, 0.2])[None], np.array([1.0])


def measured(seed, m=2, p=3, r=4, k=5):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((m, p, r)), rng.standard_normal(m), *K.draw_factors(p, r, k, 0.8, rng=rng)


def loss(a, y, u, v):
    return np.sum((np.einsum("mpr,pr->m", a, u @ v.T) - y) ** 2)


def test_velocity_is_minus_the_gradient():
    a, y, u, v = measured(0)
    du, dv = K.factor_velocity(a, y, u, v)
    h = 1e-6
    for at in np.ndindex(u.shape):
        step = np.zeros_like(u)
        step[at] = h
        np.testing.assert_allclose(
            -du[at], (loss(a, y, u + step, v) - loss(a, y, u - step, v)) / (2 * h), rtol=1e-6, atol=1e-7
        )
    for at in np.ndindex(v.shape):
        step = np.zeros_like(v)
        step[at] = h
        np.testing.assert_allclose(
            -dv[at], (loss(a, y, u, v + step) - loss(a, y, u, v - step)) / (2 * h), rtol=1e-6, atol=1e-7
        )


def test_descent_by_hand():
    # <A, M> = u v = 2, y = 1: G = 2, both move by -0.1 G times the other
    path = K.factor_descent([[[1.0]]], [1.0], [[1.0]], [[2.0]], [0, 1], 0.1)
    np.testing.assert_allclose(path.u[:, 0, 0], [1, 0.6], rtol=4 * EPS)
    np.testing.assert_allclose(path.v[:, 0, 0], [2, 1.8], rtol=4 * EPS)
    np.testing.assert_allclose(path.loss, [1, 0.08**2], rtol=1e-13)
    single = [np.array(part, np.float32) for part in ([[[1]]], [1], [[1]], [[2]])]
    assert K.factor_descent(*single, [1], 0.1).u.dtype == np.float32


def test_small_steps_follow_the_flow_to_its_limit():
    a, y, u, v = measured(1)
    limit = K.factor_limit(a, y, u, v)
    assert np.abs(np.einsum("mpr,pr->m", a, limit.matrix) - y).max() <= 1e-8
    np.testing.assert_allclose(limit.u @ limit.v.T, limit.matrix, rtol=0, atol=0)
    flow = K.factor_flow(a, y, u, v, [limit.time / 2, limit.time])
    np.testing.assert_allclose(flow.u[1], limit.u, rtol=0, atol=1e-8)
    for uu, vv, value in zip(*flow, strict=True):
        np.testing.assert_allclose(loss(a, y, uu, vv), value, rtol=1e-9, atol=1e-20)
    # what flow conserves: U^T U - V^T V
    np.testing.assert_allclose(limit.u.T @ limit.u - limit.v.T @ limit.v, u.T @ u - v.T @ v, rtol=0, atol=1e-8)
    errors = [
        np.abs(K.factor_descent(a, y, u, v, [n], limit.time / 2 / n).u[0] - flow.u[0]).max() for n in (1000, 2000)
    ]
    np.testing.assert_allclose(errors[0] / errors[1], 2, rtol=0.05)


def test_the_kernel_is_that_of_the_measurements_gradients():
    a, _, u, v = measured(2)
    jacobian = np.array([np.append((m @ v).ravel(), (m.T @ u).ravel()) for m in a])
    np.testing.assert_allclose(K.factor_kernel(a, u, v), jacobian @ jacobian.T, rtol=1e-13)
    # E = 2 mu <A_i, A_j>: a law of large numbers in k; 6 standard errors of sqrt(8 / k) of the scale
    wide = K.draw_factors(3, 4, 20_000, 0.8, rng=np.random.default_rng(0))
    gram = np.einsum("ipr,jpr->ij", a, a)
    np.testing.assert_allclose(K.factor_kernel(a, *wide), 1.6 * gram, rtol=0, atol=6 * np.sqrt(8 / 20_000) * gram.max())


def test_noise_is_scaled_by_the_width():
    noise_u, noise_v = np.ones((2, 16)), -np.ones((3, 16))
    u, v = K.scaled_factors(noise_u, noise_v, 4.0)
    assert (u == 0.5).all()
    assert (v == -0.5).all()
    rng = np.random.default_rng(3)
    expected = K.scaled_factors(rng.standard_normal((2, 16)), rng.standard_normal((3, 16)), 4.0)
    for got, wanted in zip(K.draw_factors(2, 3, 16, 4.0, rng=np.random.default_rng(3)), expected, strict=True):
        assert (got == wanted).all()


# --- infinite width ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("mu", "sigma"),
    [
        (2, (0.8365992735, 0.3270175073, 0.1629686180)),
        (0.2, (0.9013947303, 0.2008409741, 0.0913444004)),
        (0.02, (0.9714980948, 0.0607695288, 0.0209704685)),
    ],
)
def test_printed_width_law(mu, sigma):
    found = K.width_law(DIAGONAL, ONE, mu)
    np.testing.assert_allclose(np.diag(found.matrix), sigma, rtol=0, atol=0.501e-10)
    np.testing.assert_allclose(found.eigenvalues, sigma, rtol=0, atol=0.501e-10)
    np.testing.assert_allclose(np.diag(found.matrix), mu * np.sinh(found.dual[0] * np.diag(DIAGONAL[0])), rtol=1e-12)


def test_the_width_law_is_the_diagonal_net_of_the_spectra():
    spectra, y = np.random.default_rng(1).standard_normal((2, 5)), np.array([1.0, -0.5])
    q = np.linalg.qr(np.random.default_rng(2).standard_normal((5, 5)))[0]
    a = np.einsum("pi,mi,qi->mpq", q, spectra, q)
    a = (a + np.swapaxes(a, 1, 2)) / 2
    found = K.width_law(a, y, 0.3)
    sigma = K.min_potential(spectra, y, np.sqrt(0.15)).beta
    np.testing.assert_allclose(found.matrix, (q * sigma) @ q.T, rtol=0, atol=1e-13)
    np.testing.assert_allclose(np.einsum("mpq,pq->m", a, found.matrix), y, rtol=0, atol=1e-13)


def test_joint_eigenspaces_of_several_dimensions():
    q = np.linalg.qr(np.random.default_rng(4).standard_normal((4, 4)))[0]
    a = np.array([(q * spectrum) @ q.T for spectrum in ([1, 1, 2, 2], [1, 2, 1, 2], [0, 0, 0, 0])])
    a = (a + np.swapaxes(a, 1, 2)) / 2
    found = K.width_law(a, [1.0, 2.0, 0.0], 0.3)
    values, vectors = np.linalg.eigh(np.einsum("m,mpq->pq", found.dual, a))
    np.testing.assert_allclose(found.matrix, (vectors * 0.3 * np.sinh(values)) @ vectors.T, rtol=0, atol=1e-13)


def test_wide_factorisations_end_near_the_law():
    law, off = K.width_law(DIAGONAL, ONE, 0.2).matrix, []
    for k in (64, 4096):
        draws = (K.draw_factors(3, 3, k, 0.2, rng=np.random.default_rng(seed)) for seed in range(4))
        off.append(np.mean([np.linalg.norm(K.factor_limit(DIAGONAL, ONE, *draw).matrix - law) for draw in draws]))
    assert off[1] < 0.05
    assert 3 < off[0] / off[1] < 20  # 8 on average: the error falls as k^-1/2


# --- deep products -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("depth", [1, 2, 3, 5])
@pytest.mark.parametrize("shape", [(3, 4), (4, 3), (3, 3)])
def test_products_move_as_their_balanced_factors_do(depth, shape):
    rng = np.random.default_rng(depth)
    matrix, gradient = rng.standard_normal((2, *shape))
    left, sigma, right = np.linalg.svd(matrix, full_matrices=False)
    root = np.diag(sigma ** (1 / depth))
    layers = (
        [left @ root @ right] if depth == 1 else [root @ right, *[root] * (depth - 2), left @ root]
    )  # W_1, ..., W_N

    def product(factors, eye):
        for factor in factors:
            eye = factor @ eye
        return eye

    np.testing.assert_allclose(product(layers, np.eye(shape[1])), matrix, atol=1e-13)
    expected = np.zeros(shape)
    for j, layer in enumerate(layers):
        below = product(layers[:j], np.eye(shape[1]))
        above = product(layers[j + 1 :], np.eye(len(layer)))
        expected += above @ (-(above.T @ gradient @ below.T)) @ below  # dW_j = -above^T G below^T
    np.testing.assert_allclose(K.product_velocity(matrix, gradient, depth), expected, rtol=0, atol=1e-12)
    inside = np.einsum("pi,pr,ir->i", left, expected, right)  # d sigma = u^T dM v
    np.testing.assert_allclose(K.spectrum_velocity(matrix, gradient, depth), inside, rtol=0, atol=1e-12)


# --- the integrator ----------------------------------------------------------------------------------------------------
def test_the_integrator_on_equations_with_known_solutions():
    times = np.array([0.0, 0.5, 3.0, 20.0])
    circle = ode.integrate(lambda x: np.array([-x[1], x[0]]), np.array([1.0, 0]), times, 1e-13, entrywise=False)
    np.testing.assert_allclose(circle, np.stack([np.cos(times), np.sin(times)], axis=1), rtol=0, atol=1e-11)
    logistic = ode.integrate(lambda x: x * (1 - x), np.array([1e-6]), times, 1e-13)[:, 0]
    np.testing.assert_allclose(logistic, 1 / (1 + (1e6 - 1) * np.exp(-times)), rtol=1e-11)
    stiff = ode.integrate(lambda x: -np.array([1, 1000.0]) * x, np.ones(2), times[:3], 1e-10, entrywise=False)
    np.testing.assert_allclose(stiff[:, 0], np.exp(-times[:3]), rtol=1e-8, atol=1e-9)


def test_the_integrator_stops_where_it_is_told():
    state, time = ode.integrate_until(lambda x: -x, np.array([1.0]), lambda x: x[0] < 1e-3, 1e-12)
    np.testing.assert_allclose(state[0], np.exp(-time), rtol=1e-11)
    assert state[0] < 1e-3
    assert ode.integrate_until(lambda x: 0 * x, np.array([1.0]), lambda x: True, 1e-12)[1] == 0


def test_the_integrator_does_not_go_on_for_ever(monkeypatch):
    monkeypatch.setattr(ode, "MOST_STEPS", 20)
    with pytest.raises(RuntimeError, match="min_potential"):
        ode.integrate_until(lambda x: -x, np.array([1.0]), lambda x: False, 1e-12)
