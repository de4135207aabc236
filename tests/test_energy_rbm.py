"""Restricted Boltzmann machines, exactly: worked values, enumeration against naive sums, and the border."""

import numpy as np
import pytest

from minidl import energy as rbm

# The worked machine. States are listed as 00, 01, 10, 11; arrays over all states are by code: 00, 10, 01, 11.
W = np.array([[1.0, -1.0], [0.5, 0.25]])
B = np.array([-0.2, 0.3])
A = np.array([0.1, -0.4])
STATES = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
CODES = [0, 2, 1, 3]
DATA = np.array([[1, 0], [1, 1], [0, 1]])
EPS = np.finfo(float).eps


def printed(got, expected, digits=10):
    """Agreement to the printed digits: half a unit of the last one."""
    np.testing.assert_allclose(np.asarray(got), expected, rtol=0, atol=0.501 * 10.0**-digits)


def machine(n_V, n_H, seed=0, scale=1.0, dtype=float):
    rng = np.random.default_rng(seed)
    return [(scale * rng.normal(size=shape)).astype(dtype) for shape in ((n_V, n_H), (n_V,), (n_H,))]


def naive(n_V, n_H, theta):
    """E(v, h) of all pairs by the definition, one loop per sum: (2^n_V, 2^n_H) by code."""
    w, b, a = theta
    table = np.zeros((1 << n_V, 1 << n_H))
    for p in range(1 << n_V):
        v = [p >> i & 1 for i in range(n_V)]
        for q in range(1 << n_H):
            h = [q >> j & 1 for j in range(n_H)]
            table[p, q] = -sum(w[i, j] * v[i] * h[j] for i in range(n_V) for j in range(n_H))
            table[p, q] -= sum(b[i] * v[i] for i in range(n_V)) + sum(a[j] * h[j] for j in range(n_H))
    return table


# --- worked values -----------------------------------------------------------------------------------------------------
def test_worked_energies():
    printed(rbm.free_energy(STATES, W, B, A), [-1.2574119125, -1.9584449983, -1.4077527350, -2.1589813241])
    printed(rbm.hidden_free_energy(STATES, W, B, A), [-1.4524941139, -0.8687749488, -2.4422013319, -1.6481973490])
    printed(rbm.energy([1, 1], [1, 0], W, B, A), -1.7)


def test_worked_partition_function_and_distributions():
    assert rbm.log_partition(W, B, A) == pytest.approx(3.150754379932697, abs=4 * EPS * 3.15)
    assert np.exp(rbm.log_partition(W, B, A)) == pytest.approx(23.353675481590536, rel=16 * EPS)
    printed(rbm.visible_distribution(W, B, A)[CODES], [0.1505676992, 0.3035195117, 0.1749943406, 0.3709184485])
    printed(rbm.hidden_distribution(W, B, A)[CODES], [0.1830016214, 0.1020819424, 0.4923560979, 0.2225603383])


def test_worked_kernel():
    kernel = rbm.hidden_kernel(W, B, A)
    printed(kernel[1, CODES], [0.1716624417, 0.0831840426, 0.5340136834, 0.2111398322])  # from 10
    printed(kernel[0, CODES], [0.1980629485, 0.1162861832, 0.4618486401, 0.2238022282])  # from 00


def test_worked_moments_likelihood_and_gradient():
    moments = rbm.moments(W, B, A)
    printed(moments.vh, [[0.4399022410, 0.1238185376], [0.5045802553, 0.2296009050]])
    printed(moments.v, [0.5459127891, 0.6744379602])
    printed(moments.h, [0.7149164362, 0.3246422807])
    assert rbm.log_likelihood(DATA, W, B, A).mean() == pytest.approx(-1.309028027471351, abs=16 * EPS)
    gradient = rbm.log_likelihood_gradient(DATA, W, B, A)
    printed(gradient.dW, [[0.0875239226, 0.0222831939], [-0.0120220249, 0.0047521742]])
    printed(gradient.db, [0.1207538775, -0.0077712935])
    printed(gradient.da, [0.0277284961, -0.0243504976])


def test_worked_machine_without_weights_and_flipped():
    printed(rbm.log_partition(np.zeros((2, 2)), B, A), 2.7099060263)
    printed(rbm.log_partition(-W, -B, A + W.sum(axis=0)), 3.0507543799)


# --- against naive sums ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("n_V", "n_H"), [(1, 1), (3, 4), (4, 3), (5, 1), (1, 5), (4, 4)])
def test_every_exact_result_is_the_sum_over_all_pairs(n_V, n_H):
    theta = machine(n_V, n_H, seed=n_V * 10 + n_H)
    table = naive(n_V, n_H, theta)
    visible, hidden = rbm.all_states(n_V), rbm.all_states(n_H)
    joint = np.exp(-table)
    total = joint.sum()
    # each entry sums n_V n_H + n_V + n_H terms; the energies are at most that many times 3, and Z has 2^(n_V + n_H) terms
    tolerance = 50 * (n_V + 1) * (n_H + 1) * EPS
    pairs = [np.repeat(visible, 1 << n_H, axis=0), np.tile(hidden, (1 << n_V, 1))]
    np.testing.assert_allclose(rbm.energy(*pairs, *theta), table.ravel(), rtol=0, atol=tolerance)
    np.testing.assert_allclose(np.exp(-rbm.free_energy(visible, *theta)), joint.sum(axis=1), rtol=tolerance)
    np.testing.assert_allclose(np.exp(-rbm.hidden_free_energy(hidden, *theta)), joint.sum(axis=0), rtol=tolerance)
    assert rbm.log_partition(*theta) == pytest.approx(np.log(total), abs=tolerance)
    np.testing.assert_allclose(rbm.visible_distribution(*theta), joint.sum(axis=1) / total, rtol=tolerance)
    np.testing.assert_allclose(rbm.hidden_distribution(*theta), joint.sum(axis=0) / total, rtol=tolerance)
    moments = rbm.moments(*theta)
    np.testing.assert_allclose(moments.vh, visible.T @ joint @ hidden / total, rtol=tolerance)
    np.testing.assert_allclose(moments.v, joint.sum(axis=1) @ visible / total, rtol=tolerance)
    np.testing.assert_allclose(moments.h, joint.sum(axis=0) @ hidden / total, rtol=tolerance)
    to_hidden = joint / joint.sum(axis=1, keepdims=True)
    to_visible = (joint / joint.sum(axis=0)).T
    np.testing.assert_allclose(rbm.hidden_kernel(*theta), to_visible @ to_hidden, rtol=4 * tolerance)
    np.testing.assert_allclose(rbm.hidden_probability(visible, theta[0], theta[2]), to_hidden @ hidden, rtol=tolerance)
    np.testing.assert_allclose(
        rbm.visible_probability(hidden, theta[0], theta[1]), to_visible @ visible, rtol=tolerance
    )


@pytest.mark.parametrize("entries", [1, 8, 64, 4096])
def test_blocks_of_any_size_visit_every_state_once(monkeypatch, entries):
    monkeypatch.setattr("minidl.energy.enumeration._ENTRIES", entries)
    w, b, a = machine(3, 7, seed=1)
    codes, states, inputs, linear = [], [], [], []
    for block in rbm.enumeration.blocks(w.T, b, a):
        codes.append(block.start + np.arange(len(block.states)))
        states.append(block.states)
        inputs.append(block.inputs)
        linear.append(block.linear)
    order = np.argsort(np.concatenate(codes))
    assert (np.concatenate(codes)[order] == np.arange(128)).all()
    every = rbm.all_states(7)
    assert (np.concatenate(states)[order] == every).all()
    np.testing.assert_allclose(np.concatenate(inputs)[order], every @ w.T + b, rtol=0, atol=40 * EPS)
    np.testing.assert_allclose(np.concatenate(linear)[order], every @ a, rtol=0, atol=40 * EPS)


def test_either_layer_can_be_the_small_one():
    w, b, a = machine(40, 6, seed=2)
    assert rbm.log_partition(w, b, a) == pytest.approx(rbm.log_partition(w.T, a, b), rel=4 * EPS)
    np.testing.assert_allclose(rbm.moments(w, b, a).vh, rbm.moments(w.T, a, b).vh.T, rtol=16 * EPS)


def test_exact_results_without_overflow():
    w, b, a = 1000 * W, 1000 * B, 1000 * A
    # two of the 16 terms of Z matter: E(01, 11) and E(11, 10) are -450 + ... in thousands; the log of the sum is the largest
    largest = -naive(2, 2, (w, b, a)).min()
    assert rbm.log_partition(w, b, a) == pytest.approx(largest, rel=4 * EPS)
    assert np.isfinite(rbm.moments(w, b, a).vh).all()
    assert rbm.hidden_distribution(w, b, a).sum() == pytest.approx(1, abs=4 * EPS)


def test_gradient_is_that_of_the_likelihood():
    theta = machine(3, 2, seed=3)
    x = np.array([[1, 0, 1], [0, 0, 1], [1, 1, 1]])
    gradient = rbm.log_likelihood_gradient(x, *theta)
    step = 1e-5  # central differences: error step^2 / 6 times third derivatives of order 1, rounding eps / step
    for array, part in zip(theta, gradient, strict=True):
        for at in np.ndindex(array.shape):
            kept = array[at]
            likelihoods = []
            for moved in (kept + step, kept - step):
                array[at] = moved
                likelihoods.append(rbm.log_likelihood(x, *theta).mean())
            array[at] = kept
            assert part[at] == pytest.approx(
                (likelihoods[0] - likelihoods[1]) / (2 * step), abs=step**2 + 50 * EPS / step
            )


# --- shapes and dtypes -------------------------------------------------------------------------------------------------
def test_leading_axes_are_independent_samples():
    w, b, a = machine(3, 4)
    rng = np.random.default_rng(0)
    v, h = rng.integers(0, 2, (2, 5, 3)), rng.integers(0, 2, (2, 5, 4))
    assert rbm.energy(v, h, w, b, a).shape == (2, 5)
    assert rbm.free_energy(v[0, 0], w, b, a).shape == ()
    single = rbm.free_energy(v[1, 2], w, b, a)
    assert rbm.free_energy(v, w, b, a)[1, 2] == pytest.approx(single, rel=8 * EPS)
    assert rbm.hidden_probability(v, w, a).shape == (2, 5, 4)
    step = rbm.gibbs_step(h, w, b, a, rng.random((2, 5, 3)), rng.random((2, 5, 4)))
    assert [part.shape for part in step] == [(2, 5, 3), (2, 5, 4), (2, 5, 4)]


def test_float32_is_kept_and_exact_results_are_float64():
    w, b, a = machine(3, 4, dtype=np.float32)
    v = np.ones((2, 3), bool)
    assert rbm.free_energy(v, w, b, a).dtype == np.float32
    assert rbm.hidden_probability(v, w, a).dtype == np.float32
    assert rbm.sample_hidden(v, w, a, np.full((2, 4), 0.5)).dtype == np.float32
    assert rbm.positive_statistics(v, w, a).vh.dtype == np.float32
    assert rbm.moments(w, b, a).vh.dtype == np.float64
    wide = [array.astype(float) for array in (w, b, a)]
    assert rbm.log_partition(w, b, a) == rbm.log_partition(*wide)


def test_units_stay_finite_for_every_input():
    from minidl.energy.units import sigmoid, softplus

    x = np.array([-1e4, -745.0, -40.0, 0.0, 40.0, 745.0, 1e4])
    assert (softplus(x) >= np.maximum(x, 0)).all()
    assert softplus(x)[3] == np.log(2)
    assert softplus(x)[2] == pytest.approx(np.exp(-40), rel=2 * EPS)
    assert sigmoid(x)[2] == pytest.approx(np.exp(-40), rel=4 * EPS)
    assert sigmoid(x)[[0, -1]].tolist() == [0.0, 1.0]
    narrow = x.astype(np.float32)
    assert np.isfinite(softplus(narrow)).all()
    assert sigmoid(narrow).dtype == np.float32


# --- bad input ---------------------------------------------------------------------------------------------------------
def test_too_many_units_to_enumerate():
    w, b, a = np.zeros((30, 26)), np.zeros(30), np.zeros(26)
    for exact in (rbm.log_partition, rbm.moments):
        with pytest.raises(ValueError, match=r"26 units, 2\^26; the cap is 25 units: estimate"):
            exact(w, b, a)
    with pytest.raises(ValueError, match=r"30 units, 2\^30; the cap is 25"):
        rbm.visible_distribution(w, b, a)
    with pytest.raises(ValueError, match=r"26 units, 2\^26; the cap is 25"):
        rbm.log_likelihood(np.zeros((1, 30)), w, b, a)
    with pytest.raises(ValueError, match=r"13 units, 2\^13; the cap is 12"):
        rbm.hidden_kernel(np.zeros((2, 13)), np.zeros(2), np.zeros(13))
    with pytest.raises(ValueError, match=r"38 units, 2\^38; the cap is 36"):
        rbm.hidden_kernel(np.zeros((28, 5)), np.zeros(28), np.zeros(5))
    with pytest.raises(ValueError, match=r"26 units"):
        rbm.all_states(26)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("which", [0, 1, 2])
def test_parameters_that_are_not_finite(bad, which):
    theta = [W.copy(), B.copy(), A.copy()]
    theta[which].flat[1] = bad
    name = "Wba"[which]
    for call in (
        lambda: rbm.free_energy(STATES, *theta),
        lambda: rbm.log_partition(*theta),
        lambda: rbm.gibbs_step(STATES, *theta, np.zeros((4, 2)), np.zeros((4, 2))),
    ):
        with pytest.raises(ValueError, match=rf"{name} must be finite, got .* at .*did training diverge"):
            call()


def test_parameters_whose_sums_overflow():
    for dtype in (np.float64, np.float32):
        huge = (W * np.finfo(dtype).max / 2).astype(dtype)
        with pytest.raises(ValueError, match=r"finite together, got weights up to .*did training diverge"):
            rbm.free_energy(STATES, huge, B.astype(dtype), A.astype(dtype))


@pytest.mark.parametrize("bad", [0.5, -1, 2, np.nan])
def test_states_that_are_not_binary(bad):
    v = STATES.copy()
    v[1, 1] = bad
    for call in (
        lambda: rbm.free_energy(v, W, B, A),
        lambda: rbm.hidden_probability(v, W, A),
        lambda: rbm.visible_probability(v, W, B),
        lambda: rbm.energy(STATES, v, W, B, A),
        lambda: rbm.log_likelihood(v, W, B, A),
        lambda: rbm.positive_statistics(v, W, A),
    ):
        with pytest.raises(ValueError, match=r"zeros and ones only, got .*binarise"):
            call()


def test_probabilities_only_where_asked_for():
    v = np.array([[0.25, 1.0]])
    np.testing.assert_array_equal(
        rbm.hidden_probability(v, W, A, allow_probabilities=True), 1 / (1 + np.exp(-v @ W - A))
    )
    with pytest.raises(ValueError, match=r"lie in \[0, 1\], got 1.5"):
        rbm.hidden_probability(v + 0.5, W, A, allow_probabilities=True)
    with pytest.raises(ValueError, match=r"lie in \[0, 1\], got nan"):
        rbm.hidden_probability(v * np.nan, W, A, allow_probabilities=True)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rbm.free_energy(STATES[:, :1], W, B, A), r"v must have shape \(..., 2\).*got \(4, 1\)"),
        (lambda: rbm.free_energy(STATES, W, B[:1], A), r"b must have shape \(n_V,\) = \(2,\).*got \(1,\)"),
        (lambda: rbm.free_energy(STATES, W, A, B[None]), r"a must have shape \(n_H,\)"),
        (lambda: rbm.free_energy(STATES, B, B, A), r"W must be \(n_V, n_H\)"),
        (lambda: rbm.energy(STATES, STATES[:2], W, B, A), "in pairs"),
        (lambda: rbm.sample_hidden(STATES, W, A, np.zeros((4, 3))), r"u must have shape \(4, 2\).*got \(4, 3\)"),
        (lambda: rbm.sample_hidden(STATES, W, A, np.zeros(2)), r"u must have shape \(4, 2\).*got \(2,\)"),
        (lambda: rbm.sample_hidden(STATES, W, A, np.ones((4, 2))), r"\[0, 1\).*rng.random"),
        (lambda: rbm.sample_visible(STATES, W, B, np.full((4, 2), np.nan)), r"\[0, 1\)"),
        (lambda: rbm.positive_statistics(STATES[:0], W, A), "at least one row"),
        (lambda: rbm.positive_statistics(STATES[0], W, A), "at least one row"),
        (lambda: rbm.log_likelihood(STATES[:0], W, B, A), "at least one row"),
    ],
)
def test_shapes_and_noise_that_do_not_fit(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rbm.free_energy(STATES, W + 1j, B, A), "W must hold real numbers, got complex128"),
        (lambda: rbm.free_energy(STATES + 1j, W, B, A), "v must hold zeros and ones, got complex128"),
        (lambda: rbm.sample_hidden(STATES, W, A, np.zeros((4, 2), int)), "u must hold uniform numbers"),
        (lambda: rbm.all_states(2.0), "n must be an integer"),
    ],
)
def test_types_that_do_not_fit(call, message):
    with pytest.raises(TypeError, match=message):
        call()
