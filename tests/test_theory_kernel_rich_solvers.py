"""Interpolants: conditions for the minimum, ends and symmetries of the dial, hard cases, and the sparse regression."""

from itertools import combinations

import numpy as np
import pytest

from minidl.theory import kernel_rich as K

EPS = np.finfo(float).eps


def data(seed, n=4, d=9):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.standard_normal(n)


def sparse(seed=0, **more):
    return K.draw_sparse_regression(**more, rng=np.random.default_rng(seed))


# --- conditions for the minimum ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("depth", [2, 3, 4, 5])
@pytest.mark.parametrize("alpha", [1e-4, 0.03, 1, 40])
def test_the_slope_is_in_the_row_space_and_the_targets_are_met(depth, alpha):
    x, y = data(depth)
    beta, dual, _ = K.min_potential(x, y, alpha, depth)
    np.testing.assert_allclose(x @ beta, y, rtol=0, atol=64 * EPS * np.abs(x).max() * np.abs(beta).sum())
    slope = K.link_inverse(beta / alpha**depth, depth)
    np.testing.assert_allclose(dual @ x, slope, rtol=0, atol=256 * EPS * (1 + np.abs(slope).max()))
    solution = np.linalg.lstsq(x.T, slope, rcond=None)[0]
    np.testing.assert_allclose(solution @ x, slope, rtol=0, atol=256 * EPS * (1 + np.abs(slope).max()))


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_no_other_interpolant_has_a_smaller_penalty(depth):
    x, y = data(7)
    beta = K.min_potential(x, y, 0.3, depth).beta
    null = np.linalg.svd(x)[2][4:]  # (5, d)
    rng, least = np.random.default_rng(0), K.penalty(beta, 0.3, depth)
    for size in (1e-3, 0.1, 1):
        for _ in range(20):
            assert K.penalty(beta + size * rng.standard_normal(5) @ null, 0.3, depth) > least


@pytest.mark.parametrize("depth", [2, 3, 5])
def test_scale_sign_and_order(depth):
    x, y = data(depth + 20)
    beta = K.min_potential(x, y, 0.2, depth).beta
    scaled = K.min_potential(x, 7 * y, 0.2 * 7 ** (1 / depth), depth).beta
    np.testing.assert_allclose(scaled, 7 * beta, rtol=1e-11)
    signs, order = np.array([1, -1, 1, 1, -1, 1, 1, 1, -1.0]), np.random.default_rng(1).permutation(9)
    np.testing.assert_allclose(K.min_potential(x * signs, y, 0.2, depth).beta, signs * beta, rtol=1e-11)
    np.testing.assert_allclose(K.min_potential(x[:, order], y, 0.2, depth).beta, beta[order], rtol=1e-11)


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_as_many_examples_as_features_leave_no_choice(depth):
    q, y = np.linalg.qr(data(3, 5, 5)[0])[0], data(4, 5, 5)[1]
    for alpha in (1e-3, 1, 100):
        np.testing.assert_allclose(K.min_potential(q, y, alpha, depth).beta, y @ q, rtol=0, atol=64 * EPS)
        np.testing.assert_allclose(K.min_potential(np.eye(5), y, alpha, depth).beta, y, rtol=0, atol=16 * EPS)


def test_a_single_example_in_closed_form():
    # x = (1, r), y = 1: the entry off the support is alpha^D h_D(r s), and s -> 1 (D >= 3), 2 alpha^2 sinh s -> 1 (D = 2)
    for r in (0.3, 0.8):
        for depth in (3, 4, 5):
            alpha = 1e-4
            beta = K.min_potential([[1, r]], [1], alpha, depth).beta
            np.testing.assert_allclose(beta[1] / alpha**depth, K.link(r, depth), rtol=0.05)
        entries = [K.min_potential([[1, r]], [1], alpha).beta[1] for alpha in (1e-20, 1e-24)]
        np.testing.assert_allclose(np.log(entries[0] / entries[1]) / np.log(1e4), 2 * (1 - r), rtol=1e-6)


# --- the ends of the dial ----------------------------------------------------------------------------------------------
def test_the_kernel_end():
    x, y = data(30)
    shortest = K.min_l2(x, y)
    np.testing.assert_allclose(shortest, np.linalg.pinv(x) @ y, rtol=0, atol=64 * EPS)
    far = [alpha**4 * np.linalg.norm(K.min_potential(x, y, alpha).beta - shortest) for alpha in (10, 20, 40)]
    np.testing.assert_allclose(far, far[0], rtol=1e-3)  # the distance is a constant over alpha^4
    row, one = [[1, 0.4]], [1]
    np.testing.assert_allclose(K.min_l2(row, one), [0.8620689655, 0.3448275862], rtol=0, atol=5e-11)
    np.testing.assert_allclose(K.min_l1(row, one).beta, [1, 0], rtol=4 * EPS)


@pytest.mark.parametrize("seed", range(6))
def test_the_rich_end_is_the_best_of_all_vertices(seed):
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(1, 4)), int(rng.integers(4, 8))
    x = rng.integers(-2, 3, (n, d)) + (0.0 if seed % 2 else rng.standard_normal((n, d)))
    y = x @ rng.integers(-2, 3, d)
    rank = np.linalg.matrix_rank(x)
    norms = []
    for chosen in combinations(range(d), rank):
        entries = np.linalg.lstsq(x[:, chosen], y, rcond=None)[0]
        if np.abs(x[:, chosen] @ entries - y).max() < 1e-9:
            norms.append(np.abs(entries).sum())
    beta, dual, gap = K.min_l1(x, y)
    np.testing.assert_allclose(np.abs(beta).sum(), min(norms), rtol=0, atol=1e-12)
    np.testing.assert_allclose(x @ beta, y, rtol=0, atol=1e-12)
    assert np.count_nonzero(beta) <= rank
    assert np.abs(dual @ x).max() <= 1 + 4 * EPS
    assert abs(gap) <= 1e-12


def test_the_rich_end_of_a_sparse_problem_is_certified_and_exact():
    problem = sparse(noise_variance=0)
    beta, dual, gap = K.min_l1(problem.x, problem.y)
    np.testing.assert_allclose(beta, problem.beta, rtol=0, atol=1e-13)
    assert np.abs(dual @ problem.x).max() <= 1 + 4 * EPS
    assert abs(gap) <= 1e-11
    noisy = sparse()
    found = K.min_l1(noisy.x, noisy.y)
    assert np.count_nonzero(found.beta) == 100
    assert abs(found.gap) <= 1e-11


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_norms_are_between_the_ends_and_reach_them(depth):
    x, y = data(40)
    l1, l2 = np.abs(K.min_l1(x, y).beta).sum(), np.linalg.norm(K.min_l2(x, y))
    path = K.potential_path(x, y, np.geomspace(1e-5, 1e3, 17), depth)
    norms1, norms2 = np.abs(path.beta).sum(axis=1), np.linalg.norm(path.beta, axis=1)
    assert (norms1 >= l1 * (1 - 1e-12)).all()
    assert (norms2 >= l2 * (1 - 1e-12)).all()
    assert norms1[0] <= l1 * (1 + 0.05 / (depth - 1))
    assert norms2[-1] <= l2 * (1 + 1e-9)


def test_unequal_starts_weigh_the_features():
    x, y = data(50)
    w = np.random.default_rng(5).uniform(0.5, 2, 9)
    for depth in (2, 3, 4):
        # kernel regime: least sum of beta^2 w^(2 - 2D)
        scales = w ** (depth - 1.0)
        expected = K.min_l2(x * scales, y) * scales
        start = 1e3 * w
        np.testing.assert_allclose(K.min_bregman(x, y, start, start, depth).beta, expected, rtol=0, atol=1e-4)
        # rich regime: least sum of |beta| w^(2 - D)
        scales = w ** (depth - 2.0)
        expected = K.min_l1(x * scales, y).beta * scales
        start = (1e-120 if depth == 2 else 1e-5) * w
        found = K.min_bregman(x, y, start, start, depth).beta
        np.testing.assert_allclose(found, expected, rtol=0, atol=0.01 if depth == 2 else 1e-3)


def test_sufficient_scales_by_hand():
    found = K.sufficient_scales([1.0], [1.0], 0.5)
    np.testing.assert_allclose(found, (3**-2.5, np.sqrt(15)), rtol=8 * EPS)  # 3^-2.5 is below e^-2
    found = K.sufficient_scales([0.25, 0.25], [0.0, 2.0], 0.5)
    np.testing.assert_allclose(found, (np.exp(-8), np.sqrt(30)), rtol=8 * EPS)  # e^-(2 / (0.5 * 0.5)) is below 1.5^-2.5
    assert K.sufficient_scales(np.full(1000, 1e-3), np.ones(1000), 0.5).rich == 0


@pytest.mark.parametrize("seed", range(4))
def test_sufficient_scales_suffice(seed):
    x, y = data(seed, 2, 6)
    b1, b2 = K.min_l1(x, y).beta, K.min_l2(x, y)
    for eps in (0.2, 0.9):
        rich, kernel = K.sufficient_scales(b1, b2, eps)
        for alpha in (rich, rich / 30):
            assert np.abs(K.min_potential(x, y, alpha).beta).sum() <= (1 + eps) * np.abs(b1).sum()
        for alpha in (kernel, 30 * kernel):
            assert np.sum(K.min_potential(x, y, alpha).beta ** 2) <= (1 + eps) * np.sum(b2**2)


# --- hard cases --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("depth", [2, 3, 4, 5])
@pytest.mark.parametrize("noise", [0, 0.01])
def test_small_scales_on_the_large_problem(depth, noise):
    problem = sparse(noise_variance=noise)
    least = np.abs(K.min_l1(problem.x, problem.y).beta).sum()
    for alpha in (1e-3, 1e-5):
        beta, dual, steps = K.min_potential(problem.x, problem.y, alpha, depth)
        assert np.abs(problem.x @ beta - problem.y).max() <= 1e-13
        assert np.abs(beta).sum() >= least * (1 - 1e-13)
        assert steps < 300
        if alpha**depth > 1e-15:  # below that the small entries are the rounding of y
            slope = K.link_inverse(beta / alpha**depth, depth)
            assert np.abs(dual @ problem.x - slope).max() <= 1e-11
    assert np.abs(beta).sum() <= least * (1 + (0.005 if depth == 2 else 1e-8))


def test_a_path_is_what_single_scales_give_and_warm_starts_save_steps():
    problem = sparse(n=30, d=120)
    alphas = np.array([1e-3, 1, 1e-5, 0.1, 1e-2])
    path = K.potential_path(problem.x, problem.y, alphas, 3)
    cold = [K.min_potential(problem.x, problem.y, alpha, 3) for alpha in alphas]
    for k, single in enumerate(cold):
        np.testing.assert_allclose(path.beta[k], single.beta, rtol=0, atol=1e-13)
        np.testing.assert_allclose(path.dual[k], single.dual, rtol=1e-9)
    assert path.steps.sum() < sum(single.steps for single in cold)
    warm = K.min_potential(problem.x, problem.y, 9e-4, 3, path.dual[0])
    assert warm.steps < cold[0].steps
    outside = K.min_potential(problem.x, problem.y, 1e-3, 3, 1e3 * path.dual[0])  # |s| >= 1: as much of it as fits
    np.testing.assert_allclose(outside.beta, path.beta[0], rtol=0, atol=1e-13)


@pytest.mark.parametrize(("alpha", "most"), [(1e-5, 20), (1e-60, 150), (1e-120, 300)])
def test_the_smallest_scales_at_depth_2(alpha, most):
    """Each step may raise an entry by e^5, and s has to reach hundreds: steps in proportion."""
    problem = sparse()
    beta, _, steps = K.min_potential(problem.x, problem.y, alpha)
    least = np.abs(K.min_l1(problem.x, problem.y).beta).sum()
    assert np.abs(problem.x @ beta - problem.y).max() <= 1e-13
    assert least * (1 - 1e-13) <= np.abs(beta).sum() <= least * (1 + 1 / np.log(1 / alpha))
    assert steps <= most


@pytest.mark.parametrize("alpha", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("depth", [2, 3, 5])
def test_any_first_dual_will_do(depth, alpha):
    """However far: margins of e^1000, or of what a step back cannot see beside it."""
    x, y = data(3)
    expected = K.min_potential(x, y, alpha, depth).beta
    n = len(y)
    for size in (1.0, 1e3, 1e9, 1e300, 1.7e308):
        for signs in (np.ones(n), -np.ones(n), np.where(np.arange(n) % 2, 1, -1)):
            got = K.min_potential(x, y, alpha, depth, size * signs)
            np.testing.assert_allclose(got.beta, expected, rtol=0, atol=1e-13)
            slopes = K.link_inverse(got.beta / alpha**depth, depth)  # where beta is small, they have its digits
            assert np.abs(got.dual @ x - slopes).max() <= 64 * EPS * (1 + np.abs(slopes).max())


def test_small_features_keep_their_digits():
    """A feature of 0.001 beside ones of 2 has an entry that is as exact as the others, in any order."""
    x, y = np.array([[-0.124, 1.329, -1.97, 2.004, -0.001]]), np.array([-0.527])
    one, reverse = K.min_potential(x, y, 0.05).beta, K.min_potential(x[:, ::-1], y, 0.05).beta[::-1]
    np.testing.assert_allclose(reverse, one, rtol=64 * EPS)


def test_mixed_examples_where_no_digit_is_to_spare():
    """Entries thirty orders of magnitude apart, in rows that mix them: the dual must explain what the steps add."""
    x = np.array([[2.016, -0.155, -0.753, -0.074], [-0.131, 0.758, 0.714, -0.606], [0.224, 0.257, 0.75, -2.373]])
    y, mix = np.array([-0.651, 2.191, -0.95]), np.array([[1.0, 0, 0], [1, -2, 0], [1, -2, 4]])
    expected, got = K.min_potential(x, y, 0.01, 5), K.min_potential(mix @ x, mix @ y, 0.01, 5)
    np.testing.assert_allclose(got.beta, expected.beta, rtol=0, atol=1e-12)
    assert max(expected.steps, got.steps) < 50


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_dependent_rows_and_rows_of_zeros_are_left_out(depth):
    x, y = data(60)
    more = np.vstack([x, 2 * x[0] - x[1], np.zeros(9), 1e-9 * x[2]])
    targets = np.append(y, [2 * y[0] - y[1], 0, 1e-9 * y[2]])
    expected = K.min_potential(x, y, 0.1, depth).beta
    beta, dual, _ = K.min_potential(more, targets, 0.1, depth)
    np.testing.assert_allclose(beta, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(dual @ more, K.link_inverse(beta / 0.1**depth, depth), rtol=0, atol=1e-10)
    np.testing.assert_allclose(K.min_l1(more, targets).beta, K.min_l1(x, y).beta, rtol=0, atol=1e-12)
    np.testing.assert_allclose(K.min_l2(more, targets), K.min_l2(x, y), rtol=0, atol=1e-12)


def test_more_examples_than_features_that_fit():
    x = np.random.default_rng(0).standard_normal((9, 3))
    for found in (K.min_potential(x, x @ [1, -2, 0.5], 0.01).beta, K.min_l1(x, x @ [1, -2, 0.5]).beta):
        np.testing.assert_allclose(found, [1, -2, 0.5], rtol=0, atol=1e-13)


def test_nothing_to_fit():
    assert (K.min_potential(np.zeros((2, 3)), np.zeros(2), 0.1).beta == 0).all()
    assert (K.min_l1(np.zeros((2, 3)), np.zeros(2)).beta == 0).all()
    beta = K.min_bregman(np.zeros((1, 2)), [0.0], [2.0, 1], [1.0, 1], 3).beta
    np.testing.assert_allclose(beta, [7, 0], rtol=8 * EPS)  # flow does not move


def test_equal_columns_share_what_they_explain():
    x, y = data(70)
    beta = K.min_potential(np.hstack([x, x]), y, 1e-3).beta
    np.testing.assert_allclose(beta[:9], beta[9:], rtol=1e-9)
    twice = K.min_l1(np.hstack([x, x]), y)  # L1 does not say how
    np.testing.assert_allclose(np.abs(twice.beta).sum(), np.abs(K.min_l1(x, y).beta).sum(), rtol=1e-12)
    assert abs(twice.gap) <= 1e-13


@pytest.mark.parametrize("seed", range(60))
def test_whatever_the_data(seed):
    rng = np.random.default_rng(seed)
    n, d, depth = int(rng.integers(1, 7)), int(rng.integers(1, 20)), int(rng.integers(2, 6))
    x = rng.integers(-2, 3, (n, d)) if seed % 2 else rng.standard_normal((n, d)) * 10 ** rng.uniform(-5, 5, (n, 1))
    x = x[:, rng.integers(0, d, d)].astype(float)
    y = x @ (rng.integers(-2, 3, d) if seed % 3 else rng.standard_normal(d) * 10 ** rng.uniform(-3, 3, d))
    alpha = 10 ** rng.uniform(-3, 3)
    beta, dual, _ = K.min_potential(x, y, alpha, depth)
    size = np.linalg.norm(x, axis=1) * np.linalg.norm(beta) + np.abs(y)
    assert (np.abs(x @ beta - y) <= 256 * EPS * size).all()
    if alpha**depth > 1e-13 * np.abs(beta).max():
        slope = K.link_inverse(beta / alpha**depth, depth)
        assert np.abs(dual @ x - slope).max() <= 1e-9 * (1 + np.abs(slope).max())
    assert np.abs(beta).sum() >= np.abs(K.min_l1(x, y).beta).sum() * (1 - 1e-12)


# --- the sparse regression ---------------------------------------------------------------------------------------------
def test_the_problem_is_what_it_says():
    problem = sparse(3, n=6, d=10, sparsity=4, noise_variance=0)
    assert problem.beta.tolist() == [0.5] * 4 + [0] * 6
    np.testing.assert_allclose(problem.y, problem.x[:, :4].sum(axis=1) / 2, rtol=1e-13, atol=1e-14)
    x, noise = np.eye(3), np.array([0.1, 0.2, 0.3])
    np.testing.assert_allclose(K.sparse_regression(x, noise, 1).y, [1.1, 0.2, 0.3], rtol=4 * EPS)
    again, other = sparse(3), sparse(4)
    assert (again.y == sparse(3).y).all()
    assert (again.y != other.y).any()


def test_errors_of_the_sparse_regression_by_scale():
    alphas = np.array([1, 0.1, 0.03, 0.01, 1e-3, 1e-5])
    errors, ends = [], []
    for seed in range(3):
        x, y, beta = sparse(seed)
        errors.append(np.sum((K.potential_path(x, y, alphas).beta - beta) ** 2, axis=1))
        ends.append([np.sum((found - beta) ** 2) for found in (K.min_l2(x, y), K.min_l1(x, y).beta)])
    errors, (kernel, rich) = np.mean(errors, axis=0), np.mean(ends, axis=0)
    assert errors[0] > 0.8
    assert errors[4] < 0.05
    assert (np.diff(errors[:5]) < 0).all()
    # of random problems: the scatter between seeds is about a third of the errors at the rich end
    np.testing.assert_allclose([errors[0], kernel], 0.907, rtol=0.05)
    np.testing.assert_allclose(errors[[1, 2]], [0.813, 0.241], rtol=0.2)
    np.testing.assert_allclose([errors[4], errors[5], rich], [0.0151, 0.0112, 0.0087], rtol=0.6)
