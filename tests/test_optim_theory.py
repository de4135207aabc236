"""AdaBound's bound functions and its regret bound: printed values, closed forms, a bound written out by hand."""

import math

import numpy as np
import pytest

from minidl.laws.core import agree, identical
from minidl.optim import trajectories
from minidl.optim.adabound_theory import bound_constant, bound_gap, projected_rates, regret_bound

HALF_A_DIGIT = 0.5e-10  # of the last printed one


def test_bounds():
    lower, upper = trajectories.bounds(np.array([1, 391, 1000, 10000]), 0.1, 1e-3)
    assert np.abs(lower - (9.99000999e-05, 0.0281092739, 0.05, 0.0909090909)).max() <= HALF_A_DIGIT
    assert np.abs(upper - (100.1, 0.3557544757, 0.2, 0.11)).max() <= HALF_A_DIGIT
    lower, upper = trajectories.bounds(np.arange(1, 5), 0.2, 0.5)
    assert np.abs(lower - (0.0666666667, 0.1, 0.12, 0.1333333333)).max() <= HALF_A_DIGIT
    assert np.abs(upper - (0.6, 0.4, 0.3333333333, 0.3)).max() <= HALF_A_DIGIT
    one = trajectories.bounds(2, 0.2, 0.5)
    assert isinstance(one.lower, float)
    assert one == (lower[1], upper[1])


@pytest.mark.parametrize("gamma", [1e-300, 1e-12, 1e-3, 0.7, 1e9, 1e308])
def test_bands_are_nested_in_floating_point_too(gamma):
    t = np.unique(np.geomspace(1, 1e15, 500).astype(np.int64))
    lower, upper = trajectories.bounds(t, 0.1, gamma)
    assert (np.diff(lower) >= 0).all()
    assert (np.diff(upper) <= 0).all()
    assert ((lower <= 0.1) & (upper >= 0.1)).all()
    agree(
        lower * upper, np.full(len(t), 0.1) ** 2, ulps=3, why="the geometric mean is the limit"
    )  # 5 half-ulp roundings


def test_the_constant_of_the_regret_bound():
    for final_lr, gamma, expected in ((0.1, 1e-3, 20010), (1, 0.01, 201), (0.5, 0.5, 10)):
        agree(np.float64(bound_constant(final_lr, gamma)), np.float64(expected), ulps=3, why="(1 + 2 / gamma) / alpha*")
        t = np.unique(np.geomspace(1, 1e9, 400).astype(np.int64))
        gaps = bound_gap(t, final_lr, gamma)
        assert (np.diff(gaps) >= 0).all()
        assert gaps[-1] <= bound_constant(final_lr, gamma) * (1 + 4e-16)
        # the rest is 1 / (gamma (gamma s + 1) alpha*), relative to 2 / (gamma alpha*) at most 1 / (2 gamma s)
        assert gaps[-1] >= bound_constant(final_lr, gamma) * (1 - 1 / (gamma * 1e9))
        lower = trajectories.bounds(t, final_lr, gamma).lower
        plain = t / lower - np.where(
            t > 1, (t - 1) / trajectories.bounds(np.maximum(t - 1, 1), final_lr, gamma).upper, 0
        )
        agree(gaps, plain, ulps=6, scale=t / lower, why="the difference as it is written")
        assert bound_gap(1, final_lr, gamma) == pytest.approx((1 + 1 / gamma) / final_lr, rel=1e-15)


def test_why_the_published_proof_fails():
    """Values that the band allows: sqrt(t) / rate falls from 10010 to 0.0282."""
    first, second = trajectories.bounds(1, 0.1, 1e-3), trajectories.bounds(2, 0.1, 1e-3)
    assert abs(1 / first.lower - 10010) <= 1e-8
    assert abs(math.sqrt(2) / second.upper - 0.0282) <= 0.5e-4


def test_projected_steps_in_a_closed_band():
    """With gamma so large that all rates are final_lr: x_t = x_0 - final_lr g sum 1 / sqrt s, then the wall."""
    g, steps = np.array([0.5, -1.0]), 12
    points = trajectories.adabound_projected(
        np.array([0.25, -0.5]), np.tile(g, (steps, 1)), 1.0, 0.5, np.zeros(steps), 0.9, 1e300, 2.0
    )
    sums = np.cumsum(1 / np.sqrt(np.arange(1, steps + 1)))[:, None]
    expected = np.clip(np.array([0.25, -0.5]) - 0.5 * g * sums, -2, 2)
    assert expected[-1, 1] == 2  # this one has reached the wall
    agree(points, expected, ulps=3 * steps, scale=2.0, why="three roundings a step")


def test_regret_stays_below_its_bound():
    """Linear losses in a box: the best fixed point in hindsight is a corner."""
    rng = np.random.default_rng(0)
    steps, d, radius = 2000, 3, 1.5
    t = np.arange(1, steps + 1)
    for gamma, beta1 in ((1.0, 0.9 / t), (0.05, np.zeros(steps)), (0.3, 0.5**t)):
        gradients = rng.standard_normal((steps, d)) + [0.5, -0.1, 0.0]
        start = np.zeros(d)
        points = trajectories.adabound_projected(start, gradients, 0.1, 0.2, beta1, 0.9, gamma, radius)
        assert np.abs(points).max() <= radius
        played = np.vstack([start, points[:-1]])
        regret = np.cumsum((gradients * played).sum(axis=1)) + radius * np.abs(np.cumsum(gradients, axis=0)).sum(axis=1)
        largest = np.sqrt((gradients**2).sum(axis=1)).max()
        rates = projected_rates(gradients, 0.1, 0.2, 0.9, gamma)
        bound = regret_bound(rates, beta1, 0.2, gamma, 2 * radius, largest)
        assert bound.shape == (steps,)
        assert (regret <= bound).all()


def test_regret_bound_by_hand():
    """T = 2, d = 1, with every term written out."""
    rates = np.array([[0.5], [0.4]])
    # alpha* = 0.5, gamma = 1: the band is (0.25, 1), then (1/3, 3/4); M = 6
    one = (4 / 2 * (0 + 2 + 0.5 * 2) + 1 * 1 * 9) / 0.5
    two = (4 / 2 * (2 * 6 * (2**0.5 - 1) + 2 + 0.5 * 2 + 0.25 * 2**0.5 / 0.4) + (2 * 2**0.5 - 1) * 9) / 0.5
    bound = regret_bound(rates, np.array([0.5, 0.25]), 0.5, 1.0, 2.0, 3.0)
    agree(bound, np.array([one, two]), ulps=8, why="every term by hand")


def test_the_border_of_the_theory():
    for t in (0, -1, 0.5, math.nan, np.array([1, 0])):
        with pytest.raises(ValueError, match="t counts steps from 1 on"):
            trajectories.bounds(t, 0.1, 1e-3)
    with pytest.raises(TypeError, match="t must hold numbers of steps"):
        trajectories.bounds("1", 0.1, 1e-3)
    for settings in ((-0.1, 1e-3), (0.1, 0.0), (0.1, -1), (0.1, math.inf)):
        with pytest.raises(ValueError, match="must be"):
            trajectories.bounds(1, *settings)
    identical(np.array(trajectories.bounds(1, 0.0, 1e-3)), np.zeros(2), why="a band of width 0")
    with pytest.raises(ValueError, match="final_lr must be positive"):
        bound_constant(0.0, 1.0)
    with pytest.raises(ValueError, match="final_lr must be positive"):
        bound_gap(1, 0.0, 1.0)
    rates, beta1 = np.full((2, 1), 0.5), np.zeros(2)
    for given, message in (
        ((rates, np.array([0.1, 0.2]), 0.5, 1.0, 1.0, 1.0), "beta1 must not increase"),
        ((rates, np.ones(2), 0.5, 1.0, 1.0, 1.0), "beta1 must be a finite number"),
        ((rates * 3, beta1, 0.5, 1.0, 1.0, 1.0), "rates must lie in the band"),
        ((rates * math.nan, beta1, 0.5, 1.0, 1.0, 1.0), "rates must lie in the band"),
        ((rates[0], beta1, 0.5, 1.0, 1.0, 1.0), r"rates must have shape \(T, d\)"),
        ((rates, beta1, 0.5, 1.0, 0.0, 1.0), "diameter must be positive"),
    ):
        with pytest.raises(ValueError, match=message):
            regret_bound(*given)
    with pytest.raises(ValueError, match=r"gradients must have shape \(T, d\)"):
        projected_rates(np.ones(3), 0.1, 0.1, 0.9, 1.0)
