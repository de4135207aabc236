"""Stopping sets and tours: worked values, tours step by step, estimators, their exact laws, and bad input."""

from itertools import product

import numpy as np
import pytest

from minidl import energy as rbm

W = np.array([[1.0, -1.0], [0.5, 0.25]])
B = np.array([-0.2, 0.3])
A = np.array([0.1, -0.4])
CODES = [0, 2, 1, 3]  # of 00, 01, 10, 11
EPS = np.finfo(float).eps
OFF = 1 - 2.0**-53


def printed(got, expected, digits=10):
    np.testing.assert_allclose(np.asarray(got), expected, rtol=0, atol=0.501 * 10.0**-digits)


WORKED = [  # S, pi(S), E xi, var xi, Z_S, P(xi <= K) and E[xi | xi <= K] for K = 1, 2, 3, 5
    (
        [[1, 0]],
        (0.4923560979, 2.0310502992, 2.4752480968, 11.4983245321),
        (0.5340136834, 0.7452914818, 0.8601144264, 0.9577964184),
        (1, 1.2834834471, 1.5126337544, 1.8024683314),
    ),
    (
        [[1, 0], [1, 1]],
        (0.7149164362, 1.3987648757, 0.6293476083, 16.6959264470),
        (0.7319713393, 0.9122563866, 0.9711471842, 0.9968790459),
        (1, 1.1976254153, 1.3069222127, 1.3828254009),
    ),
    (
        [[0, 0], [1, 0]],
        (0.6753577193, 1.4806967795, 0.7958131866, 15.7720850108),
        (0.6932753127, 0.8891692248, 0.9597780649, 0.9947004073),
        (1, 1.2203111698, 1.3512391088, 1.4535827617),
    ),
]


# --- exact laws --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("S", "law", "completed", "lengths"), WORKED)
def test_worked_laws_of_tours(S, law, completed, lengths):
    found = rbm.tour_law(S, W, B, A)
    printed([found.probability, found.mean, found.variance, np.exp(found.log_z)], law)
    truncation = rbm.truncated_tours(S, W, B, A, 5)
    printed(truncation.completed[[0, 1, 2, 4]], completed)
    printed(truncation.mean_completed[[0, 1, 2, 4]], lengths)
    np.testing.assert_allclose(truncation.ratio, truncation.mean_completed / found.mean, rtol=32 * EPS)
    # Kac: visits are p / pi(S), and the returning state has the law of the start
    p = rbm.hidden_distribution(W, B, A)
    np.testing.assert_allclose(found.visits, p / found.probability, rtol=32 * EPS)
    inside = rbm.in_set(rbm.all_states(2), S)
    np.testing.assert_allclose(found.returns, np.where(inside, p, 0) / p[inside].sum(), rtol=32 * EPS)


def test_worked_truncation():
    truncation = rbm.truncated_tours([[1, 0]], W, B, A, 5)
    printed(truncation.mean_capped[[0, 1, 2, 4]], [1, 1.4659863166, 1.7206948348, 1.9374156203])
    printed(truncation.ratio[[0, 1, 2, 4]], [0.492, 0.632, 0.745, 0.887], digits=3)
    printed(
        rbm.lvs_limit([[1, 0], [1, 1]], W, B, A, 1).vh, [[0.6182940819, 0.1345577063], [0.7051590746, 0.2214226989]]
    )
    printed(
        rbm.lvs_limit([[1, 0], [1, 1]], W, B, A, 5).vh, [[0.4449920713, 0.1241392019], [0.5103923578, 0.2292553978]]
    )
    for got, want in zip(rbm.lvs_limit([[1, 0], [1, 1]], W, B, A), rbm.moments(W, B, A), strict=True):
        np.testing.assert_allclose(got, want, rtol=32 * EPS)


def test_worked_machine_without_weights():
    zero = np.zeros((2, 2))
    law = rbm.tour_law([[1, 0]], zero, B, A)
    printed([law.probability, law.mean], [0.3142985614, 3.1816881238])
    truncation = rbm.truncated_tours([[1, 0]], zero, B, A, 3)
    printed([truncation.completed[2], truncation.mean_completed[2]], [0.6775924659, 1.7542481051])


def test_all_states_make_every_tour_a_single_step():
    S = rbm.all_states(2)
    law = rbm.tour_law(S, W, B, A)
    assert law.mean == pytest.approx(1, abs=8 * EPS)
    assert law.variance == pytest.approx(0, abs=16 * EPS)
    assert law.log_z == pytest.approx(rbm.log_partition(W, B, A), rel=4 * EPS)
    tours = rbm.draw_tours(S, W, B, A, tours=50, cap=9, rng=np.random.default_rng(0))
    assert tours.length.tolist() == [1] * 50
    found = rbm.tour_log_partition(tours.length, tours.completed, law.log_z)
    assert found == (law.log_z, 0.0, law.log_z, law.log_z, 50)


# --- stopping sets and starts ------------------------------------------------------------------------------------------
def test_stopping_set_holds_the_samples_of_the_data():
    rng = np.random.default_rng(0)
    x, u = rng.integers(0, 2, (6, 2)), rng.random((3, 6, 2))
    S = rbm.stopping_set(x, W, A, u)
    samples = {tuple(h) for noise in u for h in rbm.sample_hidden(x, W, A, noise).astype(int).tolist()}
    assert sorted(map(tuple, S.tolist())) == sorted(samples)
    drawn = rbm.draw_stopping_set(x, W, A, rounds=3, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(drawn.states, rbm.stopping_set(x, W, A, np.random.default_rng(1).random((3, 6, 2))))


def test_a_largest_set_is_part_of_the_whole_one():
    x = np.random.default_rng(0).integers(0, 2, (200, 2))
    w, a = np.random.default_rng(1).normal(size=(2, 40)), np.zeros(40)
    whole = rbm.draw_stopping_set(x, w, a, rng=np.random.default_rng(2))
    part = rbm.draw_stopping_set(x, w, a, largest=30, rng=np.random.default_rng(2))
    assert (len(whole), len(part)) == (200, 30)
    assert rbm.in_set(part.states, whole).all()


def test_start_law_is_the_machine_restricted_to_the_set():
    S = np.array([[1, 1], [0, 0], [1, 0]])  # in no order
    law, p = rbm.start_law(S, W, B, A), rbm.hidden_distribution(W, B, A)
    np.testing.assert_allclose(law.probability, p[[3, 0, 1]] / p[[3, 0, 1]].sum(), rtol=16 * EPS)
    assert law.log_z == pytest.approx(np.log(p[[3, 0, 1]].sum()) + rbm.log_partition(W, B, A), rel=16 * EPS)
    ordered = rbm.StateSet.of(S)
    again = rbm.start_law(ordered, W, B, A).probability[[2, 0, 1]]
    np.testing.assert_allclose(again, law.probability, rtol=16 * EPS)
    far = rbm.start_law(S, 1000 * W, 1000 * B, 1000 * A)  # no overflow
    assert far.probability.sum() == pytest.approx(1, abs=4 * EPS)


def test_starts_invert_the_summed_probabilities():
    S, p = np.array([[0, 0], [1, 0], [0, 1], [1, 1]]), np.array([0.0, 0.25, 0.75, 0.0])
    u = np.array([0.0, 0.2499, 0.25, 0.9, np.nextafter(1, 0)])
    assert rbm.sample_starts(S, p, u).tolist() == [[1, 0], [1, 0], [0, 1], [0, 1], [0, 1]]
    assert rbm.sample_starts(S, 1e-3 * p, u).tolist() == rbm.sample_starts(S, p, u).tolist()
    thirds = np.full(3, 1 / 3)  # whose sum rounds
    assert rbm.sample_starts(S[:3], thirds, np.array([np.nextafter(1, 0)])).tolist() == [[0, 1]]


# --- tours -------------------------------------------------------------------------------------------------------------
def test_tours_one_by_one_are_the_tours_together():
    rng = np.random.default_rng(1)
    w, b, a = rng.normal(size=(3, 4)), rng.normal(size=3), rng.normal(size=4)
    S, K, R = rng.integers(0, 2, (3, 4)), 6, 40
    start = S[rng.integers(0, 3, R)]
    u_v, u_h = rng.random((K, R, 3)), rng.random((K, R, 4))
    tours = rbm.run_tours(S, start, w, b, a, u_v, u_h)
    members = {tuple(row) for row in S.tolist()}
    assert 0 < tours.completed.sum() < R  # the case holds both kinds
    for r in range(R):
        h, path = start[r], []
        for t in range(K):
            path.append(h.tolist())
            v = rbm.sample_visible(h, w, b, u_v[t, r])
            h = rbm.sample_hidden(v, w, a, u_h[t, r]).astype(int)
            if tuple(h.tolist()) in members:
                break
        assert tours.states[tours.owner == r].tolist() == path
        assert tours.length[r] == len(path)
        assert tours.completed[r] == (tuple(h.tolist()) in members)
        assert tours.last[r].tolist() == h.tolist()


def test_a_tour_needs_a_step_to_come_back():
    # Forced to stand still: each tour is back after its first step, not before it.
    start = np.array([[1, 0], [1, 1]])
    u_v, u_h = np.zeros((3, 2, 2)), np.where(np.broadcast_to(start, (3, 2, 2)) == 1, 0.0, OFF)
    tours = rbm.run_tours(start, start, W, B, A, u_v, u_h)
    assert tours.length.tolist() == [1, 1]
    assert tours.states.tolist() == start.tolist()
    assert tours.last.tolist() == start.tolist()
    # Forced to 00, then to 11, which is in S as well as the start: the return is to the set, not to the start.
    u_h[:, 0] = [[OFF, OFF], [0, 0], [0, 0]]
    tours = rbm.run_tours(start, start, W, B, A, u_v, u_h)
    assert tours.length.tolist() == [2, 1]
    assert tours.states.tolist() == [[1, 0], [1, 1], [0, 0]]
    assert tours.owner.tolist() == [0, 1, 0]
    assert tours.last.tolist() == [[1, 1], [1, 1]]


def test_unfinished_tours_are_reported():
    start, u_v, u_h = np.array([[1, 0]]), np.zeros((4, 1, 2)), np.full((4, 1, 2), OFF)  # forced to 00 for ever
    tours = rbm.run_tours(start, start, W, B, A, u_v, u_h)
    assert (tours.length[0], tours.completed[0], tours.last[0].tolist()) == (4, False, [0, 0])
    assert rbm.lvs_statistics(tours.states, tours.owner, tours.completed, W, B) is None
    assert rbm.lvs_gradient(start, tours.states, tours.owner, tours.completed, W, B, A) is None
    assert rbm.tour_log_partition(tours.length, tours.completed, 1.0) is None


def test_a_chain_that_never_returns_is_capped_and_told():
    # From h = 0 to v = 1 to h = 1, and there it stays: the way back has probability e^-50.
    theta = np.array([[100.0]]), np.array([100.0]), np.array([-50.0])
    tours = rbm.draw_tours([[0]], *theta, tours=20, cap=300, rng=np.random.default_rng(0), keep=False)
    assert not tours.completed.any()
    assert tours.length.tolist() == [300] * 20
    assert tours.states.shape == (0, 1)
    counted = rbm.tour_log_partition(tours.length, tours.completed, 0.0, "count")
    assert (counted.log_z, counted.high) == (pytest.approx(np.log(300)), np.inf)
    with pytest.raises(ValueError, match="does not come back"):
        rbm.tour_law([[0]], *theta)
    with pytest.raises(ValueError, match="does not come back"):
        rbm.truncated_tours([[0]], 50 * theta[0], 50 * theta[1], 50 * theta[2], 3)


def test_drawn_tours_follow_the_exact_law():
    # 20 000 tours: the mean within 6 standard errors (Bernstein, lengths above 40 have probability below 1e-20).
    S, rng = np.array([[1, 0], [1, 1]]), np.random.default_rng(0)
    tours = rbm.draw_tours(S, W, B, A, tours=20_000, cap=1000, rng=rng)
    assert tours.completed.all()
    assert abs(tours.length.mean() - 1.3987648757) <= 6 * 0.7933 / np.sqrt(20_000)
    assert len(tours.states) == tours.length.sum() == len(tours.owner)
    assert np.array_equal(np.bincount(tours.owner), tours.length)
    found = rbm.tour_log_partition(tours.length, tours.completed, rbm.start_law(S, W, B, A).log_z)
    assert abs(found.log_z - 3.150754379932697) <= 6 * found.std_error
    # expected visits, state by state: shares of the time by renewal, 6 standard errors of a share of at most 1/2
    visits = np.bincount(rbm.pack_states(tours.states)[:, 0].astype(int), minlength=4) / len(tours.states)
    assert np.abs(visits - rbm.hidden_distribution(W, B, A)).max() <= 6 * np.sqrt(2 / 20_000)


def test_without_records_the_lengths_are_the_same():
    S = np.array([[1, 0]])
    kept, bare = (
        rbm.draw_tours(S, W, B, A, tours=30, cap=50, rng=np.random.default_rng(3), keep=keep) for keep in (True, False)
    )
    np.testing.assert_array_equal(kept.length, bare.length)
    np.testing.assert_array_equal(kept.last, bare.last)
    law = rbm.start_law(S, W, B, A)
    again = rbm.draw_tours(rbm.StateSet.of(S), W, B, A, tours=30, cap=50, rng=np.random.default_rng(3), law=law)
    np.testing.assert_array_equal(kept.states, again.states)


def test_a_start_law_follows_the_order_of_its_states():
    S = np.array([[1, 1], [0, 0]])  # not the order of codes
    law = rbm.StartLaw(np.array([1.0, 0.0]), 0.0)
    tours = rbm.draw_tours(S, W, B, A, tours=20, cap=9, rng=np.random.default_rng(0), law=law)
    assert (tours.states[:20] == [1, 1]).all()
    alone = rbm.draw_tours([[1, 1], [1, 1]], W, B, A, tours=9, cap=9, rng=np.random.default_rng(0))  # named twice
    assert (alone.states[:9] == [1, 1]).all()


@pytest.mark.parametrize("n_H", [30, 70])
def test_tours_of_many_hidden_units(n_H):
    rng = np.random.default_rng(n_H)
    x = rng.integers(0, 2, (50, 5))
    theta = rng.normal(size=(5, n_H)) * 4, rng.normal(size=5), rng.normal(size=n_H)
    S = rbm.draw_stopping_set(x, theta[0], theta[2], rounds=20, rng=rng)
    tours = rbm.draw_tours(S, *theta, tours=100, cap=5, rng=rng)
    assert rbm.in_set(tours.last, S).tolist() == tours.completed.tolist()
    assert tours.completed.any()
    later = np.ones(len(tours.owner), bool)
    later[:100] = False  # the starts come first
    assert rbm.in_set(tours.states[~later], S).all()
    assert not rbm.in_set(tours.states[later], S).any()


# --- estimators --------------------------------------------------------------------------------------------------------
STATES = [[1, 0], [0, 1], [1, 1], [1, 0], [0, 0], [0, 1]]  # the completed tours (10, 01), (11), (10, 00, 01)
OWNER = [0, 0, 1, 2, 2, 2]


def test_worked_statistics_of_tours():
    found = rbm.lvs_statistics(STATES, OWNER, np.ones(3, bool), W, B)
    printed(found.vh, [[0.3050191608, 0.1521860726], [0.3534539769, 0.3348410135]])
    printed(found.v, [0.4572052334, 0.6605729267])
    assert found.h.tolist() == [0.5, 0.5]


def test_unfinished_tours_are_dropped_with_their_visits():
    more = rbm.lvs_statistics(STATES + [[1, 1], [1, 1]], OWNER + [3, 3], np.array([True, True, True, False]), W, B)
    for got, want in zip(more, rbm.lvs_statistics(STATES, OWNER, np.ones(3, bool), W, B), strict=True):
        np.testing.assert_array_equal(got, want)


def test_gradients_of_tours():
    x, completed = np.array([[1, 0], [1, 1], [0, 1]]), np.ones(3, bool)
    ratio = rbm.lvs_gradient(x, STATES, OWNER, completed, W, B, A)
    positive, negative = rbm.positive_statistics(x, W, A), rbm.lvs_statistics(STATES, OWNER, completed, W, B)
    direction = rbm.tour_gradient(x, STATES, OWNER, completed, W, B, A)
    for got, summed, data, model in zip(ratio, direction, positive, negative, strict=True):
        np.testing.assert_array_equal(got, data - model)
        np.testing.assert_allclose(summed, 2 * got, rtol=2 * EPS)  # six visits by three tours
    with pytest.raises(ValueError, match=r"1 of 3 tours were not completed.*raise the cap"):
        rbm.tour_gradient(x, STATES, OWNER, np.array([True, False, True]), W, B, A)


def test_estimators_are_unbiased_over_every_path():
    """All tours of up to K steps from S, forced one by one: what they add up to is Z and the direction, up to the tail."""
    S, K, states = np.array([[1, 0], [1, 1], [0, 1]]), 4, rbm.all_states(2)  # leaves by 00 alone: the tail is short
    law, kernel = rbm.start_law(S, W, B, A), rbm.hidden_kernel(W, B, A)
    x = np.array([[1, 0], [0, 1]])
    length, negative, total = 0.0, np.zeros((2, 2)), 0.0
    for s, first in enumerate(S):
        for path in product(range(4), repeat=K):
            noise = np.where(states[list(path)] == 1, 0.0, OFF)[:, None]
            tour = rbm.run_tours(S, first[None], W, B, A, np.zeros((K, 1, 2)), noise)
            visited = [int(c) for c in rbm.pack_states(tour.states)[:, 0]]
            if path[tour.length[0] :] != (0,) * (K - tour.length[0]):
                continue  # one of the many ways to go on after the end: counted once
            ended = int(rbm.pack_states(tour.last)[0, 0])
            steps = zip(visited, [*visited[1:], ended], strict=True)
            weight = law.probability[s] * np.prod([kernel[here, there] for here, there in steps])
            total += weight
            length += weight * tour.length[0]
            if tour.completed[0]:
                part = rbm.tour_gradient(x, tour.states, tour.owner, tour.completed, W, B, A)
                negative += weight * part.dW
    truncation = rbm.truncated_tours(S, W, B, A, K)
    assert total == pytest.approx(1, abs=64 * EPS)
    assert length == pytest.approx(truncation.mean_capped[-1], rel=64 * EPS)
    exact = rbm.log_likelihood_gradient(x, W, B, A).dW * rbm.tour_law(S, W, B, A).mean
    # what the missing tail adds: tours longer than K, whose summed differences are at most their length
    tail = rbm.tour_law(S, W, B, A).mean - truncation.mean_completed[-1] * truncation.completed[-1]
    assert np.abs(negative - exact).max() <= tail
    assert tail < 0.05 * np.abs(exact).max() * 2


def test_partition_function_of_tours():
    length, completed = np.array([1, 3, 2, 5]), np.array([True, True, True, False])
    dropped = rbm.tour_log_partition(length, completed, 1.5)
    counted = rbm.tour_log_partition(length, completed, 1.5, "count")
    assert (dropped.log_z, dropped.used) == (pytest.approx(1.5 + np.log(2)), 3)
    assert (counted.log_z, counted.used) == (pytest.approx(1.5 + np.log(11 / 4)), 4)
    assert dropped.high == counted.high == np.inf  # nobody knows how long the fourth would have been
    lucky = rbm.tour_log_partition(np.array([1, 1, 5]), np.ones(3, bool), 1.5)
    assert lucky.low == 1.5  # Z is at least Z_S, whatever the delta method says
    whole = rbm.tour_log_partition(length, np.ones(4, bool), 1.5, level=0.9)
    assert whole.std_error == pytest.approx(np.std(length, ddof=1) / length.mean() / 2, rel=8 * EPS)
    assert whole.high == pytest.approx(whole.log_z + 1.6448536269514722 * whole.std_error, rel=1e-14)
    single = rbm.tour_log_partition(length[:1], completed[:1], 1.5)
    assert (single.std_error, single.low, single.high) == (np.inf, 1.5, np.inf)


# --- bad input ---------------------------------------------------------------------------------------------------------
START, NOISE = np.array([[1, 0]]), np.zeros((2, 1, 2))
FINISHED = np.ones(3, bool)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: rbm.run_tours(np.zeros((0, 2)), START, W, B, A, NOISE, NOISE),
            r"stopping set is empty.*never|ever return",
        ),
        (lambda: rbm.run_tours([], START, W, B, A, NOISE, NOISE), "stopping set is empty"),
        (lambda: rbm.run_tours([[0, 0]], START, W, B, A, NOISE, NOISE), "start 0 is not in it: use sample_starts"),
        (
            lambda: rbm.run_tours(START, START[:0], W, B, A, NOISE[:, :0], NOISE[:, :0]),
            "start must be .* at least one row",
        ),
        (
            lambda: rbm.run_tours(START, START, W, B, A, NOISE[:0], NOISE[:0]),
            r"u_v must have shape \(K, 1, 2\).*\(0, 1, 2\)",
        ),
        (lambda: rbm.run_tours(START, START, W, B, A, NOISE, NOISE[:1]), r"u_h must have shape \(2, 1, 2\)"),
        (lambda: rbm.run_tours(START, START, W * np.nan, B, A, NOISE, NOISE), "W must be finite"),
        (lambda: rbm.run_tours([[1, 0, 0]], START, W, B, A, NOISE, NOISE), r"S must have shape \(..., 2\)"),
        (
            lambda: rbm.run_tours(rbm.StateSet.of([[1]]), START, W, B, A, NOISE, NOISE),
            "states of 1 units, the machine has 2",
        ),
        (lambda: rbm.tour_law(rbm.StateSet.of([[1]]), W, B, A), "states of 1 units, the machine has 2"),
        (lambda: rbm.tour_law([], W, B, A), "stopping set is empty"),
        (lambda: rbm.truncated_tours(START, W, B, A, 0), "K must be at least 1, got 0"),
        (lambda: rbm.lvs_limit(START, W, B, A, 0), "K must be at least 1"),
        (lambda: rbm.start_law([[1, 0], [1, 0]], W, B, A), "more than once"),
        (lambda: rbm.start_law([], W, B, A), "stopping set is empty"),
        (lambda: rbm.sample_starts(START, np.ones(2), np.zeros(1)), "a number >= 0 for each of the 1 states"),
        (lambda: rbm.sample_starts(START, np.zeros(1), np.zeros(1)), "not all 0"),
        (lambda: rbm.sample_starts(START, -np.ones(1), np.zeros(1)), ">= 0"),
        (lambda: rbm.sample_starts(START, np.ones(1), np.zeros(0)), r"u must have shape \(tours,\)"),
        (lambda: rbm.stopping_set(START / 2, W, A, np.zeros((1, 1, 2))), "zeros and ones only"),
        (lambda: rbm.stopping_set(START, W, A, np.zeros((0, 1, 2))), r"u must have shape \(rounds, 1, 2\)"),
        (lambda: rbm.lvs_statistics(STATES, OWNER[1:], FINISHED, W, B), r"owner must be \(6,\) integers"),
        (
            lambda: rbm.lvs_statistics(STATES, OWNER, FINISHED[:2], W, B),
            "owners are tours 0 to 1, got numbers from 0 to 2",
        ),
        (lambda: rbm.lvs_statistics(STATES, OWNER, FINISHED.astype(int), W, B), r"\(R,\) booleans"),
        (lambda: rbm.tour_log_partition([0, 1], [True, True], 0.0), "integers of at least 1"),
        (lambda: rbm.tour_log_partition([1.5], [True], 0.0), "integers of at least 1"),
        (lambda: rbm.tour_log_partition([1], [1], 0.0), "booleans of shape"),
        (lambda: rbm.tour_log_partition([1], [True], np.nan), "log_z_S must be finite"),
        (lambda: rbm.tour_log_partition([1], [True], 0.0, "ignore"), "'drop' or 'count', got 'ignore'"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(("name", "value"), [("tours", 0), ("cap", 0), ("cap", -1)])
def test_bad_counts(name, value):
    counts = dict(tours=3, cap=3) | {name: value}
    with pytest.raises(ValueError, match=rf"{name} must be at least 1, got {value}"):
        rbm.draw_tours(START, W, B, A, **counts, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="rounds must be at least 1"):
        rbm.draw_stopping_set(START, W, A, rounds=0, rng=np.random.default_rng(0))
