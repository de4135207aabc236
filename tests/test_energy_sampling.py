"""Gibbs steps, contrastive divergence and annealing: worked values, and expectations by visiting every path of the noise."""

from itertools import product

import numpy as np
import pytest

from minidl import energy as rbm

W = np.array([[1.0, -1.0], [0.5, 0.25]])
B = np.array([-0.2, 0.3])
A = np.array([0.1, -0.4])
DATA = np.array([[1, 0], [1, 1], [0, 1]], dtype=float)
BASE = np.array([0.4, -0.1])
EPS = np.finfo(float).eps
HALF = 1 - 2.0**-53  # the largest uniform number: it switches a unit off whose p is not 1, as 0 switches it on


def forcing(states):
    """Noise that makes these states come out, whatever their probabilities (which are neither 0 nor 1 here)."""
    return np.where(states == 1, 0.0, HALF)


def chance(states, p):
    """The probability of states of independent units. (..., n) -> (...,)"""
    return np.where(states == 1, p, 1 - p).prod(axis=-1)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# --- states are u < p --------------------------------------------------------------------------------------------------
def test_a_unit_is_on_where_u_is_below_p():
    v = np.array([[1.0, 0.0]])
    p = rbm.hidden_probability(v, W, A)
    assert (rbm.sample_hidden(v, W, A, p) == 0).all()  # u = p is off
    assert (rbm.sample_hidden(v, W, A, np.nextafter(p, 0)) == 1).all()
    p = rbm.visible_probability(v, W, B)
    assert (rbm.sample_visible(v, W, B, p) == 0).all()
    assert (rbm.sample_visible(v, W, B, np.nextafter(p, 0)) == 1).all()


def test_a_gibbs_step_is_its_two_halves():
    rng = np.random.default_rng(0)
    h, u_v, u_h = rng.integers(0, 2, (7, 2)), rng.random((7, 2)), rng.random((7, 2))
    step = rbm.gibbs_step(h, W, B, A, u_v, u_h)
    v = rbm.sample_visible(h, W, B, u_v)
    np.testing.assert_array_equal(step.v, v)
    np.testing.assert_array_equal(step.h_probability, rbm.hidden_probability(v, W, A))
    np.testing.assert_array_equal(step.h, rbm.sample_hidden(v, W, A, u_h))


# --- contrastive divergence --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("k", "vh"),
    [
        (1, [[0.4497275854, 0.1265983911], [0.5074198021, 0.2284479576]]),
        (2, [[0.4408699695, 0.1240921838], [0.5048454817, 0.2294795227]]),
        (10, [[0.4399022410, 0.1238185376], [0.5045802553, 0.2296009050]]),  # the exact moments
    ],
)
def test_worked_expectation_of_cd(k, vh):
    np.testing.assert_allclose(rbm.expected_cd_statistics(DATA, W, B, A, k).vh, vh, rtol=0, atol=0.501e-10)


@pytest.mark.parametrize("k", [1, 2])
def test_expectation_of_cd_over_every_path(k):
    """All starts and all steps are forced in turn, and their statistics weighed with their probabilities."""
    states = rbm.all_states(2)
    total = rbm.Statistics(np.zeros((2, 2)), np.zeros(2), np.zeros(2))
    for x in DATA:
        paths = np.array(list(product(range(4), repeat=2 * k)))  # h, v, h, v, ...: the last h plays no part
        h0, v = states[paths[:, 0]], [states[paths[:, 2 * t + 1]] for t in range(k)]
        h = [states[paths[:, 2 * t]] for t in range(1, k)] + [np.zeros_like(h0)]
        weight = chance(h0, sigmoid(x @ W + A))
        for t in range(k):
            weight = weight * chance(v[t], sigmoid((h0 if t == 0 else h[t - 1]) @ W.T + B))
            if t < k - 1:
                weight = weight * chance(h[t], sigmoid(v[t] @ W + A))
        assert weight.sum() == pytest.approx(1, abs=64 * EPS)
        for n, w in enumerate(weight):
            noise = [forcing(h0[[n]]), forcing(np.stack([a[[n]] for a in v])), forcing(np.stack([a[[n]] for a in h]))]
            got = rbm.cd_statistics(x[None], W, B, A, *noise)
            total = rbm.Statistics(*(s + w * g for s, g in zip(total, got[:3], strict=True)))
            np.testing.assert_array_equal(got.state[0], h[-1][n])
    expected = rbm.expected_cd_statistics(DATA, W, B, A, k)
    for got, want in zip(total, expected, strict=True):
        np.testing.assert_allclose(got / len(DATA), want, rtol=0, atol=256 * EPS)  # 4^(2k) terms of size below 1
    positive, gradient = rbm.positive_statistics(DATA, W, A), rbm.expected_cd_gradient(DATA, W, B, A, k)
    np.testing.assert_allclose(gradient.dW, positive.vh - total.vh / len(DATA), rtol=0, atol=256 * EPS)


def test_expectation_of_cd_in_many_blocks(monkeypatch):
    rng = np.random.default_rng(1)
    theta = rng.normal(size=(4, 3)), rng.normal(size=4), rng.normal(size=3)
    x = rng.integers(0, 2, (5, 4))
    whole = rbm.expected_cd_statistics(x, *theta, 2)
    monkeypatch.setattr("minidl.energy.enumeration._ENTRIES", 1)
    for got, want in zip(rbm.expected_cd_statistics(x, *theta, 2), whole, strict=True):
        np.testing.assert_allclose(got, want, rtol=32 * EPS)


def test_gradients_are_positive_minus_negative():
    rng = np.random.default_rng(2)
    noise = [rng.random((3, 2)), rng.random((4, 3, 2)), rng.random((4, 3, 2))]
    cd, positive = rbm.cd_statistics(DATA, W, B, A, *noise), rbm.positive_statistics(DATA, W, A)
    gradient = rbm.cd_gradient(DATA, W, B, A, *noise)
    for got, data, model in zip(gradient, positive, cd[:3], strict=True):
        np.testing.assert_array_equal(got, data - model)
    start = rbm.sample_hidden(DATA, W, A, noise[0])
    persistent = rbm.pcd_gradient(DATA, start, W, B, A, *noise[1:])
    for got, want in zip(persistent, (*gradient, cd.state), strict=True):
        np.testing.assert_array_equal(got, want)  # CD is PCD from the data


def test_persistent_chains_go_on_where_they_stopped():
    rng = np.random.default_rng(3)
    h, u_v, u_h = rng.integers(0, 2, (5, 2)), rng.random((4, 5, 2)), rng.random((4, 5, 2))
    whole = rbm.pcd_statistics(h, W, B, A, u_v, u_h)
    first = rbm.pcd_statistics(h, W, B, A, u_v[:3], u_h[:3])
    rest = rbm.pcd_statistics(first.state, W, B, A, u_v[3:], u_h[3:])
    for got, want in zip(rest, whole, strict=True):
        np.testing.assert_array_equal(got, want)


def test_drawn_gradients_are_those_of_their_noise():
    rng = np.random.default_rng(4)
    noise = [rng.random((3, 2)), rng.random((2, 3, 2)), rng.random((2, 3, 2))]
    drawn = rbm.draw_cd_gradient(DATA, W, B, A, k=2, rng=np.random.default_rng(4))
    np.testing.assert_array_equal(drawn.dW, rbm.cd_gradient(DATA, W, B, A, *noise).dW)
    narrow = [array.astype(np.float32) for array in (W, B, A)]
    assert rbm.draw_cd_gradient(DATA, *narrow, rng=rng).dW.dtype == np.float32
    assert rbm.draw_pcd_gradient(DATA, DATA, *narrow, rng=rng).state.dtype == np.float32


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda z: rbm.cd_statistics(DATA, W, B, A, z(3, 2), z(0, 3, 2), z(0, 3, 2)),
            r"u_v must have shape \(steps, 3, 2\)",
        ),
        (
            lambda z: rbm.cd_statistics(DATA, W, B, A, z(3, 2), z(2, 3, 2), z(1, 3, 2)),
            r"u_h must have shape \(2, 3, 2\)",
        ),
        (
            lambda z: rbm.cd_statistics(DATA, W, B, A, z(1, 2), z(2, 3, 2), z(2, 3, 2)),
            r"u_start must have shape \(3, 2\)",
        ),
        (lambda z: rbm.cd_statistics(DATA / 2, W, B, A, z(3, 2), z(1, 3, 2), z(1, 3, 2)), "zeros and ones only"),
        (lambda z: rbm.pcd_statistics(DATA[:0], W, B, A, z(1, 1, 2), z(1, 1, 2)), "at least one row"),
        (lambda z: rbm.expected_cd_statistics(DATA, W, B, A, 0), "k must be at least 1, got 0"),
        (lambda z: rbm.draw_cd_gradient(DATA, W, B, A, k=0, rng=np.random.default_rng(0)), "k must be at least 1"),
    ],
)
def test_bad_input_to_divergence(call, message):
    with pytest.raises(ValueError, match=message):
        call(lambda *shape: np.zeros(shape))


def test_a_seed_is_no_generator():
    with pytest.raises(TypeError, match="default_rng"):
        rbm.draw_cd_gradient(DATA, W, B, A, rng=0)


# --- annealed importance sampling --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("betas", "variance"),
    [((0, 1), 0.1720720012), ((0, 0.5, 1), 0.0930814615), ((0, 0.25, 0.5, 0.75, 1), 0.0472983557)],
)
def test_worked_expectation_of_annealing_over_every_path(betas, variance):
    """Z_0 E[w] = Z for every schedule; the relative variance of w falls with more temperatures."""
    states, sweeps = rbm.all_states(2), len(betas) - 2
    paths = np.array(list(product(range(4), repeat=1 + 2 * sweeps)))  # v, then h, v for each sweep
    v = [states[paths[:, 0]]] + [states[paths[:, 2 * s + 2]] for s in range(sweeps)]
    h = [states[paths[:, 2 * s + 1]] for s in range(sweeps)]
    weight = chance(v[0], sigmoid(BASE))
    for s in range(sweeps):
        beta = betas[s + 1]
        weight = weight * chance(h[s], sigmoid(beta * (v[s] @ W + A)))
        weight = weight * chance(v[s + 1], sigmoid((1 - beta) * BASE + beta * (B + h[s] @ W.T)))
    empty = np.zeros((0, len(paths), 2))
    u_h, u_v = (forcing(np.stack(a)) if a else empty for a in (h, v[1:]))
    log_w = rbm.ais_log_weights(W, B, A, BASE, np.array(betas), forcing(v[0]), u_h, u_v)
    z_0 = 4 * np.prod(1 + np.exp(BASE))
    mean = weight @ np.exp(log_w)
    assert z_0 * mean == pytest.approx(23.353675481590536, rel=1e-14)  # 4^7 terms, pairwise sums
    assert weight @ np.exp(2 * log_w) / mean**2 - 1 == pytest.approx(variance, abs=0.501e-10)


def test_annealing_estimate_is_the_log_of_a_mean():
    found = rbm.ais_log_partition(np.log([1.0, 2.0, 6.0]), np.zeros(3), 2)
    log_z_0 = 5 * np.log(2)
    assert found.log_z == pytest.approx(log_z_0 + np.log(3), rel=4 * EPS)
    error = np.std([1, 2, 6], ddof=1) / 3 / np.sqrt(3)  # delta method
    assert found.std_error == pytest.approx(error, rel=8 * EPS)
    assert found.high - found.log_z == pytest.approx(1.959963984540054 * error, rel=1e-13)
    assert found.log_z - found.low == pytest.approx(found.high - found.log_z, rel=1e-13)
    assert found.used == 3
    huge = rbm.ais_log_partition(np.array([2000.0, 2000.0]), np.zeros(1), 1)
    assert huge.log_z == pytest.approx(2000 + 2 * np.log(2), rel=4 * EPS)
    assert huge.std_error == 0
    single = rbm.ais_log_partition(np.zeros(1), np.zeros(1), 1)
    assert (single.std_error, single.low, single.high) == (np.inf, -np.inf, np.inf)


def test_annealing_is_exact_where_nothing_has_to_be_annealed():
    # Without weights and with the machine's own biases as base, every temperature gives the same visible distribution.
    b, a = np.array([0.3, -1.0, 0.2]), np.array([0.5, -0.5])
    found = rbm.draw_ais(np.zeros((3, 2)), b, a, betas=7, runs=5, rng=np.random.default_rng(0))
    assert found.log_z == pytest.approx(rbm.log_partition(np.zeros((3, 2)), b, a), rel=16 * EPS)
    assert found.std_error <= 16 * EPS


def test_drawn_annealing_is_that_of_its_noise():
    rng = np.random.default_rng(5)
    first, sweeps = rng.random((4, 2)), [(rng.random((4, 2)), rng.random((4, 2))) for _ in range(2)]
    u_h, u_v = (np.stack(part) for part in zip(*sweeps, strict=True))
    weights = rbm.ais_log_weights(W, B, A, BASE, np.linspace(0, 1, 4), first, u_h, u_v)
    drawn = rbm.draw_ais(W, B, A, base=BASE, betas=3, runs=4, rng=np.random.default_rng(5), progress="annealing")
    assert drawn == rbm.ais_log_partition(weights, BASE, 2)


def test_base_of_the_data():
    np.testing.assert_allclose(rbm.ais_base([[1, 0], [1, 1], [1, 0]]), np.log([3.5 / 0.5, 1.5 / 2.5]), rtol=4 * EPS)


@pytest.mark.parametrize(
    ("betas", "base", "message"),
    [
        ([0, 0.5], BASE, "exactly 0 to exactly 1"),
        ([0, 0.5, 0.5, 1], BASE, "must increase"),
        ([1], BASE, "must increase"),
        ([0, np.nan, 1], BASE, "betas must be finite"),
        ([0, 1], BASE[:1], r"base must hold a bias for each visible unit, shape \(2,\), got \(1,\)"),
        ([0, 1], BASE * np.inf, "base must be finite"),
    ],
)
def test_bad_schedules(betas, base, message):
    with pytest.raises(ValueError, match=message):
        rbm.draw_ais(W, B, A, base=base, betas=np.array(betas), runs=2, rng=np.random.default_rng(0))


def test_bad_weights_of_runs():
    for weights in ([], [[1.0]], [np.nan], [-np.inf]):
        with pytest.raises(ValueError, match="log_weights must"):
            rbm.log_mean(np.array(weights))
    for level in (0, 1, 1.5):
        with pytest.raises(ValueError, match="level must"):
            rbm.log_mean(np.zeros(2), level=level)
    with pytest.raises(ValueError, match="runs must be at least 1"):
        rbm.draw_ais(W, B, A, runs=0, rng=np.random.default_rng(0))
