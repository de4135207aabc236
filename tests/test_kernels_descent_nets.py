"""The fused loops that train diagonal nets and networks on the line: beside the reference, at their limits, at the optimum."""

import numpy as np
import pytest
from minidl_kernels import diagonal, relu_line

from minidl.theory.infinite_width import training
from minidl.theory.infinite_width.relu_line import attaining_network
from minidl.theory.infinite_width.weight_decay import decay_optimum
from minidl.theory.kernel_rich import diagonal as diagonal_reference

EPS = np.finfo(float).eps


def in_blocks(monkeypatch, numbers=24):
    """Every problem counts as large, and a block holds few rows."""
    monkeypatch.setattr(diagonal, "FEW", 0)
    monkeypatch.setattr(diagonal, "BLOCK", numbers)


# --- diagonal nets -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("large", [False, True], ids=["copies", "blocks"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("n", "d"), [(1, 1), (1, 2), (3, 1), (9, 40), (50, 17)])
@pytest.mark.parametrize("depth", [2, 3, 5])
def test_diagonal_nets(depth, n, d, dtype, large, monkeypatch):
    """Small steps, of which 30 move no parameter by more than 1: their roundings add up.

    A change has a dozen products and sums of n and d terms, and there are 30 roundings of parameters below 1. What parameters
    are off by is D times as much of beta; the d terms of a residual are rounded on top; both sides count.
    """
    if large:
        in_blocks(monkeypatch, 16 * n)
    rng = np.random.default_rng([n, d])
    x = rng.standard_normal((n, d)).astype(dtype)
    y = (x[:, 0] - x[:, -1] / 2).astype(dtype)
    u, v = rng.uniform(0.3, 0.7, (2, d)).astype(dtype)
    step, times = 0.02 / (depth**2 * np.linalg.norm(x, 2) ** 2), [0, 1, 2, 30]
    expected, got = (m.gradient_descent(x, y, u, v, times, step, depth) for m in (diagonal_reference, diagonal))
    assert np.abs(expected.u - u).max() < 1
    assert max(expected.u.max(), expected.v.max()) < 1
    eps = np.finfo(dtype).eps
    off = eps * (30 + 12 + n + d)
    for have, want, start in ((got.u, expected.u, u), (got.v, expected.v, v)):
        assert have.dtype == dtype
        assert (have[0] == start).all()
        assert np.abs(have - want).max() <= off
    terms = np.abs(x) @ np.ones(d) + np.abs(y)  # of residuals, by |beta| < 1
    residual = np.linalg.norm(terms) * (2 * depth * off + eps * (d + depth))
    assert got.loss.dtype == dtype
    assert (
        np.abs(got.loss - expected.loss)
        <= 2 * np.sqrt(expected.loss) * residual + residual**2 + n * eps * expected.loss
    ).all()


@pytest.mark.parametrize("large", [False, True], ids=["copies", "blocks"])
def test_diagonal_nets_diverge_aloud(large, monkeypatch):
    if large:
        in_blocks(monkeypatch)
    x, u = np.ones((4, 6)), np.ones(6)
    for module in (diagonal, diagonal_reference):
        with pytest.raises(ValueError, match="diverged within 40 steps of 5"):
            module.gradient_descent(x, np.ones(4), u, u / 2, [0, 40, 50], 5.0)


def test_a_sign_that_nothing_prefers_stays_undecided():
    """From u = v the net is 0 and moves by its data alone; where an input never varies, u and v stay as they are."""
    x = np.random.default_rng(0).standard_normal((6, 20))
    x[:, 3] = 0
    got = diagonal.gradient_descent(x, x[:, 0], np.full(20, 0.1), np.full(20, 0.1), [500], 1e-3, 3)
    assert got.u[0, 3] == got.v[0, 3] == 0.1
    assert got.u[0, 0] > got.v[0, 0]


# --- networks on the line ------------------------------------------------------------------------------------------------
X = np.array([-4.3, -3.7, -2.2, -1.3, -0.7, 0.6, 1.8, 2.8, 3.9, 4.3])


def begin(k, seed=0):
    rng = np.random.default_rng(seed)
    return training.initial_network(rng.standard_normal((2, k)), rng.random(k + 1))


@pytest.mark.parametrize(("N", "k"), [(1, 1), (2, 3), (10, 8), (10, 101)])
def test_networks_on_the_line(N, k):
    """Adam divides gradients by their size: relative errors of a gradient's terms, as often as there are steps.

    An error of a gradient is N + k + 4 roundings of the size of its terms, and where terms cancel to a hundredth of
    them, a step that is rate times their ratio moves by a hundred times that.
    """
    times, steps = [0, 0, 1, 2, 2, 25], 30
    expected, got = (m.train(X[:N], np.sin(X[:N]), *begin(k), times, steps, 3e-3, 1e-2) for m in (training, relu_line))
    for have, want in zip(got, expected, strict=True):
        assert have.shape == want.shape
        allowed = EPS * (25 * np.abs(want).max() + 100 * 25 * 3e-3 * (N + k + 4))
        assert np.abs(have - want).max() <= allowed
    for have, start in zip(got, begin(k), strict=True):
        assert (have[:2] == start).all()


def test_a_unit_that_bends_at_a_point_is_not_active_there():
    """Where w x + b rounds to 0 it must be 0. A fused product would give what rounding w x left out, as often positive."""
    rng = np.random.default_rng(1)
    knots = np.sort(rng.standard_normal(30))
    start = attaining_network(knots, rng.standard_normal(31), 0.1, 0.2)
    assert (np.outer(knots, start.w) + start.b == 0).sum() >= len(knots)
    expected, got = (m.train(knots, knots**2, *start, [1], 10, 1e-3, 0.0) for m in (training, relu_line))
    for have, want in zip(got, expected, strict=True):
        # the rate times a ratio: an active unit too many at one of thirty points would change it by far more
        np.testing.assert_allclose(have, want, rtol=0, atol=4 * EPS * np.abs(want).max() + 1e-3 * 1e-10)


def test_training_ends_at_the_convex_optimum():
    """The objective of the best network of any width is the least possible, known from a projection onto a polytope."""
    y, decay = np.sin(X), 1e-2
    best = decay_optimum(X, y, decay).objective
    w, b, v, b0 = (a[-1] for a in relu_line.train(X, y, *begin(100), [60_000], 60_000, 3e-3, decay))
    error = np.maximum(np.outer(X, w) + b, 0) @ v + b0 - y
    reached = error @ error / len(X) + decay * (w @ w + v @ v) / 2
    assert best * (1 - 1e-9) <= reached <= best * 1.005


def test_training_diverges_aloud():
    for module in (training, relu_line):
        with pytest.raises(FloatingPointError, match=r"diverged at step .*smaller step_size"):
            module.train(X, np.sin(X), *begin(5), [20], 20, 1e200, 1e-2)
