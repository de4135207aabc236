"""Non-negative least squares, the hard margin and the losses beside SciPy and scikit-learn."""

import math

import numpy as np
import pytest

from minidl.theory import margin as M

optimize = pytest.importorskip("scipy.optimize", reason="SciPy is not installed (pip install 'minidl[peers]')")
special = pytest.importorskip("scipy.special", reason="SciPy is not installed (pip install 'minidl[peers]')")

EPS = np.finfo(float).eps


@pytest.mark.parametrize(("m", "n"), [(3, 10), (12, 5), (20, 80), (1, 4)])
def test_nnls(m, n):
    rng = np.random.default_rng(m)
    for _ in range(10):
        a, b = rng.standard_normal((m, n)), rng.standard_normal(m)
        found, (x, residual) = M.nnls(a, b), optimize.nnls(a, b)
        condition = max(np.linalg.cond(a[:, y > 0]) if y.any() else 1.0 for y in (x, found.x))
        # x is not unique where more columns than rows fit exactly; A x is
        np.testing.assert_allclose(a @ found.x, a @ x, rtol=0, atol=64 * EPS * (m + n) * condition * np.linalg.norm(b))
        assert found.residual == pytest.approx(residual, abs=64 * EPS * (m + n) * np.linalg.norm(b))


def test_poly_exponential_loss():
    u = np.array([1.0, 1.3, 2.0, 4.0])
    for nu in (0.2, 0.5, 1.0, 1.7, 3.0, 10.0):
        expected = special.gammaincc(1 / nu, u**nu) * special.gamma(1 / nu) / nu
        # u^nu is rounded, and what is rounded is an exponent; SciPy's own function is good to some 1e-14 here
        np.testing.assert_allclose(M.loss(u, "poly_exponential", nu)[expected > 0], expected[expected > 0], rtol=1e-11)


def test_hard_margin_is_that_of_a_support_vector_machine():
    svm = pytest.importorskip("sklearn.svm", reason="scikit-learn is not installed (pip install 'minidl[peers]')")
    rng = np.random.default_rng(1)
    labels = np.repeat([-1, 1], 20)
    x = rng.standard_normal((40, 4)) + 3.0 * labels[:, None] * np.eye(4)[0]
    # a linear machine has a bias of its own; data and their mirror images leave it at 0
    both, sides = np.concatenate([x, -x]), np.concatenate([labels, -labels])
    machine = svm.SVC(kernel="linear", C=1e6, tol=1e-10).fit(both, sides)
    w = machine.coef_[0]
    best = M.hard_margin(M.signed_inputs(x, labels))
    assert abs(machine.intercept_[0]) < 1e-6
    np.testing.assert_allclose(w, best.w, rtol=0, atol=1e-6 * np.linalg.norm(w))  # tol is on the dual's conditions
    assert math.isclose(1 / np.linalg.norm(w), best.margin, rel_tol=1e-6)
