"""Descent on separable data: worked examples with printed digits, closed forms, edge cases."""

import itertools
import math
import pickle
from fractions import Fraction

import numpy as np
import pytest

from minidl.theory import margin as M
from minidl.theory.margin.incomplete_gamma import log_upper_gamma

EPS = np.finfo(float).eps
DIGITS = 0.51e-10  # examples are printed with ten decimals
THREE = np.array([[1, 2], [3, -1], [3, 3]])  # two support vectors
PAIR = np.diag([1.0, 2.0])
EDGE = np.array([[1, 2], [3, 1], [2, 2]])  # one support vector, another point on the margin
UNIT_EDGE = EDGE / np.sqrt(10)
LOG10 = math.log(10)


def near(got, expected, atol=DIGITS):
    got, expected = np.asarray(got), np.asarray(expected)
    assert expected.shape in ((), got.shape)
    assert (np.abs(got - expected) <= atol).all(), f"off by {np.abs(got - expected)}, allowed {atol}"


def significant(got, expected):
    """Printed as d.dddddddddde-xx."""
    expected = np.asarray(expected)
    np.testing.assert_array_less(np.abs(got - expected), 0.51e-10 * 10.0 ** np.floor(np.log10(expected)))


# --- the hard-margin solution ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("solve", [M.hard_margin, M.hard_margin_by_enumeration])
def test_hard_margin_of_worked_examples(solve):
    three = solve(THREE)
    np.testing.assert_allclose(three.w, [3 / 7, 2 / 7], rtol=8 * EPS)
    np.testing.assert_allclose(three.dual, [9 / 49, 4 / 49, 0], rtol=32 * EPS)
    near(three.margin, 1.9414506868)
    edge = solve(EDGE)
    np.testing.assert_allclose(edge.w, [0.2, 0.4], rtol=8 * EPS)
    near(edge.dual, [0.2, 0, 0], 8 * EPS)
    near(edge.margin, 2.2360679775)
    one = solve([[3.0, 4.0]])
    np.testing.assert_allclose(one.w, [0.12, 0.16], rtol=8 * EPS)
    np.testing.assert_allclose([one.dual[0], one.margin], [0.04, 5], rtol=8 * EPS)
    twice = solve(THREE[[0, 0, 1, 2]])
    np.testing.assert_allclose(twice.w, [3 / 7, 2 / 7], rtol=8 * EPS)
    np.testing.assert_allclose(twice.dual @ THREE[[0, 0, 1, 2]], twice.w, rtol=16 * EPS)


def test_enumeration_rounds_once():
    w = M.hard_margin_by_enumeration(THREE).w
    assert w.tolist() == [float(Fraction(3, 7)), float(Fraction(2, 7))]


def test_margins_that_are_small_keep_their_digits():
    for size in (1.0, 1e-3, 1e-6, 3e-9):
        found = M.hard_margin([[size, 1], [size, -1]])
        np.testing.assert_allclose([found.w[0] * size, found.margin / size], 1, rtol=8 * EPS)
    for size in (1e-130, 1e-12, 1e130):
        np.testing.assert_allclose(M.hard_margin(THREE * size).margin, 13**-0.5 * 7 * size, rtol=16 * EPS)
    found = M.hard_margin([[1e-12, 1e-12], [1, -0.5]])  # rows of very different norms
    np.testing.assert_allclose(found.w, [5e11, 5e11], rtol=8 * EPS)


@pytest.mark.parametrize("seed", range(4))
def test_solver_agrees_with_enumeration(seed):
    rng = np.random.default_rng(seed)
    verdicts = set()
    for _ in range(60):
        z = rng.integers(-4, 5, (rng.integers(1, 7), rng.integers(1, 5))) + rng.integers(0, 3)
        z = z[z.any(axis=1)]
        if len(z) == 0:
            continue
        answers = []
        for solve in (M.hard_margin, M.hard_margin_by_enumeration):
            try:
                answers.append(solve(z))
            except M.NotSeparable as error:
                answers.append(error)
        verdicts.add(type(answers[1]))
        assert type(answers[0]) is type(answers[1])
        if isinstance(answers[1], M.NotSeparable):
            for error in answers:
                certificate = error.certificate
                assert certificate.min() >= 0
                assert certificate.sum() == pytest.approx(1, abs=8 * EPS)
                assert np.linalg.norm(certificate @ z) <= 1e-9 * np.linalg.norm(z, axis=1).max()
        else:
            near(answers[0].w, answers[1].w, 1e-10)
            near(answers[0].dual @ z, answers[0].w, 1e-10)
            assert answers[0].dual.min() >= 0
    assert verdicts == {M.HardMargin, M.NotSeparable}


def test_not_separable_is_said_with_a_certificate():
    z = np.array([[1.0, 1.0], [5.0, 2.0], [-1.0, 2.0], [0.0, -3.0]])
    for solve in (M.hard_margin, M.hard_margin_by_enumeration):
        with pytest.raises(M.NotSeparable, match=r"not separable.*rows 0, 2, 3 add up") as raised:
            solve(z)
        near(raised.value.certificate @ z, 0, 8 * EPS)
        assert isinstance(raised.value, ValueError)
        again = pickle.loads(pickle.dumps(raised.value))
        np.testing.assert_array_equal(again.certificate, raised.value.certificate)


def test_nnls_fulfils_the_conditions_of_an_optimum():
    rng = np.random.default_rng(5)
    for m, n in ((1, 1), (3, 8), (8, 3), (10, 40)):
        a, b = rng.standard_normal((m, n)), rng.standard_normal(m)
        a[:, n // 2] = a[:, 0]  # a column twice
        x, residual = M.nnls(a, b)
        lean = a.T @ (b - a @ x)
        scale = 64 * (m + n) * EPS * np.linalg.norm(a, 2) * np.linalg.norm(b) * (1 + np.linalg.cond(a[:, x > 0]))
        assert x.min() >= 0
        assert lean.max() <= scale
        assert np.abs(lean[x > 0]).max(initial=0) <= scale
        assert residual == pytest.approx(np.linalg.norm(a @ x - b), abs=8 * EPS * np.linalg.norm(b))
    assert M.nnls([[1.0, 0.0]], [-1.0]).x.tolist() == [0, 0]
    assert M.nnls(np.zeros((2, 3)), [1.0, 0.0]).residual == 1


# --- losses ------------------------------------------------------------------------------------------------------------
def test_losses_at_given_margins():
    near(M.loss([0.0, 1.0]), [1, math.exp(-1)], 2 * EPS)
    near(M.loss([0.0, -1e3], "logistic"), [math.log(2), 1e3], 2e3 * EPS)
    near(M.loss([2.0, 1.0, -1.0], "polynomial", 3.0), [0.125, 1, 7], 8 * EPS)
    near(M.loss([math.e**2, math.e, 0.0], "sub_polynomial"), [0.5, 1, 2], 4 * EPS)
    # erfc in the place of the incomplete gamma function at nu = 2, and E_1-free values at nu = 1
    u = np.array([1.0, 1.5, 3.0])
    near(M.loss(u, "poly_exponential", 2.0), [math.sqrt(math.pi) / 2 * math.erfc(v) for v in u], 4 * EPS)
    near(M.loss(u, "poly_exponential", 1.0), np.exp(-u), 8 * EPS)
    near(M.loss(-1.0, "poly_exponential", 1.0), 3 / math.e, 8 * EPS)
    # at nu = 1/2: substitute x = sqrt(u), l = 2 (sqrt(u) + 1) exp(-sqrt(u))
    near(M.loss(u, "poly_exponential", 0.5), 2 * (np.sqrt(u) + 1) * np.exp(-np.sqrt(u)), 16 * EPS)


@pytest.mark.parametrize("tail", M.TAILS)
def test_logarithms_where_losses_are_no_doubles(tail):
    power = 2.0
    u = np.array([-1e4, -1.0, 0.5, 3.0, 20.0])
    near(M.log_loss(u, tail, power), [math.log(v) if v < math.inf else 1e4 for v in M.loss(u, tail, power)], 1e4 * EPS)
    far = np.array([1e5, 1e150])
    with np.errstate(over="ignore"):
        expected = {
            "exponential": -far,
            "logistic": -far,
            "poly_exponential": -(far**2) - np.log(2 * far),
            "polynomial": -2 * np.log(far),
            "sub_polynomial": -np.log(np.log(far)),
        }[tail]
    reach = np.isfinite(expected) & (np.abs(expected) < 1e299)
    np.testing.assert_allclose(M.log_loss(far, tail, power)[reach], expected[reach], rtol=8 * EPS)
    assert np.isfinite(M.log_loss_slope(far, tail, power)).all()
    total = M.log_total_loss(np.array([[3.0, 3.0, 3.0], [1.0, 1.0, 1.0]]), tail, power)
    near(total, M.log_loss([3.0, 1.0], tail, power) + math.log(3), 32 * EPS)
    assert np.shape(M.log_total_loss([1.0, 2.0], tail)) == ()


@pytest.mark.parametrize("a", [1e-3, 0.3, 1.0, 2.0, 3.0, 10.0])
def test_incomplete_gamma_function(a):
    x = np.array([1.0, 1.7, a + 0.99, a + 1.01, 30.0, 700.0])
    x = x[x >= 1]
    step = log_upper_gamma(a + 1, x)  # Gamma(a + 1, x) = a Gamma(a, x) + x^a e^-x
    front = a * np.log(x) - x
    near(np.logaddexp(math.log(a) + log_upper_gamma(a, x), front), step, 64 * EPS * (1 + np.abs(step)))
    if a == int(a):  # (a - 1)! e^-x sum of x^k / k!
        terms = [math.factorial(int(a) - 1) * x**k / math.factorial(k) for k in range(int(a))]
        near(log_upper_gamma(a, x), np.log(sum(terms)) - x, 64 * EPS * (1 + x))


def test_classes_are_those_of_the_index():
    assert [M.tail_class(tail) for tail in M.TAILS] == [*["super_polynomial"] * 3, "polynomial", "sub_polynomial"]
    u = 1e150
    for tail, power, index in (("polynomial", 3.0, 3.0), ("sub_polynomial", 1.0, 1 / math.log(u))):
        got = u * math.exp(M.log_loss_slope(u, tail, power) - M.log_loss(u, tail, power))
        assert got == pytest.approx(index, rel=1e-12)
    assert math.exp(M.log_loss_slope(50.0) - M.log_loss(50.0)) * 50 == 50


def test_signed_inputs():
    near(M.signed_inputs([[1, 2], [3, 4]], [1, -1]), [[1, 2], [-3, -4]], 0)


# --- the flow ----------------------------------------------------------------------------------------------------------
def test_flow_of_three_points():
    t = np.array([0, 3, 6, 12, 100])
    w = M.log_time_flow(THREE, np.zeros(2), t * LOG10)
    near(w[0], [1.0573796395, 0.5369203945])
    near(w[1], [3.9183796699, 2.3429820300])
    near(w[2], [6.8788802585, 4.3156166961])
    near(w[3], [12.7998158488, 8.2629004941])
    near(w[4], [99.6401679276, 66.1564685463])
    significant(M.angle(w[1:], [3, 2]), [4.9094281071e-02, 2.7699416124e-02, 1.4763179444e-02, 1.8804878831e-03])
    significant(
        M.margin_gap(THREE, w[1:], M.hard_margin(THREE).margin),
        [5.6782557547e-02, 3.1470562494e-02, 1.6589249301e-02, 2.0896454775e-03],
    )
    logistic = M.log_time_flow(THREE, np.zeros(2), t[[0, 1, 3]] * LOG10, "logistic")
    near(logistic[0], [0.9900224441, 0.4979806902])
    near(logistic[1], [3.9180704335, 2.3423649173])
    near(logistic[2], [12.7998158489, 8.2629004940])


def test_flow_of_an_orthogonal_pair():
    t = np.array([3, 12, 100])
    w = M.log_time_flow(PAIR, np.zeros(2), t * LOG10)
    near(w, [[6.9087547793, 4.1471498044], [27.6310211159, 14.5086577385], [230.2585092994, 115.8224018303]])
    significant(M.angle(w, [2, 1]), [7.6973756524e-02, 1.9866677184e-02, 2.4053390041e-03])
    significant(
        M.margin_gap(PAIR, w, M.hard_margin(PAIR).margin), [3.7038141575e-02, 9.0605663371e-03, 1.0782866898e-03]
    )
    s = np.concatenate([[-400.0, -60.0, -21.0], np.arange(-19.5, 400.0, 7.5)])
    exact = np.stack([np.log1p(np.exp(s)), np.log1p(4 * np.exp(s)) / 2], axis=1)
    near(M.log_time_flow(PAIR, np.zeros(2), s), exact, 1e-12)


@pytest.mark.parametrize(
    ("z", "w"), [([[3.0, 4.0]], [0.5, -1.0]), ([[0.01]], [4.0]), ([[100.0]], [-3.0]), ([[2.0]], [500.0])]
)
def test_flow_of_one_point(z, w):
    z, w = np.array(z), np.array(w)
    s = np.array([-650.0, -30.0, -10.0, 0.0, 1.0, 20.0, 1100.0])
    u = M.log_time_flow(z, w, s) @ z[0]
    exact = np.logaddexp(z[0] @ w, 2 * math.log(np.linalg.norm(z)) + s)
    near(u, exact, 1e-12 * np.maximum(1, np.abs(exact)))


def test_flow_where_the_offset_is_zero():
    w = M.log_time_flow([[0.6, 0.8]], [0, 0], [8.0, 14.0, 200.0])  # z.w = log(1 + t), and w - w_hat log t vanishes
    near(w @ [0.6, 0.8], np.logaddexp(0, [8.0, 14.0, 200.0]), 1e-12)


@pytest.mark.parametrize(
    ("power", "ratio"), [(1.0, 1.2599210499), (2.0, 1.4142135624), (8.0, 1.7411011266), (64.0, 1.9584291945)]
)
def test_polynomial_tail_goes_elsewhere(power, ratio):
    v = M.polynomial_direction(PAIR, power)
    near(v[0] / v[1], ratio)
    w = M.log_time_flow(PAIR, np.zeros(2), [100 * LOG10], "polynomial", power)[0]
    # u grows by power each unit of time up to 1, then u^(p+2) by p (p + 2), times the squared norm
    late = 100 * LOG10 + np.log(power * (power + 2) * np.array([1.0, 4.0]))
    np.testing.assert_allclose(np.log(w * [1, 2]), late / (power + 2), rtol=1e-12)


def test_sub_polynomial_tail_tends_to_the_largest_product():
    near(M.limit_direction(PAIR, "sub_polynomial"), [0.5**0.5, 0.5**0.5], 4 * EPS)
    w = M.log_time_flow(PAIR, np.zeros(2), [50.0, 200.0, 800.0], "sub_polynomial")
    off = M.direction_gap(w, M.limit_direction(PAIR, "sub_polynomial"))
    assert off[2] < off[1] / 3 < off[0] / 9


def test_constants_of_the_limits():
    near(M.limit_offset(THREE), [0.9579496564, 0.3683230322])
    near(M.angle_constant(THREE), 0.4366547318)
    near(M.angle_constant(PAIR), 0.5545177444)
    near(M.angle_constant(PAIR, "poly_exponential", 2.0), 0.5545177444 / 2)
    near(M.limit_offset(PAIR, 3.0), [math.log(3), math.log(12) / 2], 8 * EPS)
    s = 1e5
    w = M.hard_margin(THREE).w * s + M.limit_offset(THREE)
    assert M.margin_gap(THREE, w, M.hard_margin(THREE).margin) * s == pytest.approx(M.gap_constant(THREE), rel=1e-4)
    assert M.gap_constant([[3.0, 4.0]]) == pytest.approx(0, abs=8 * EPS)
    # dependent support vectors: their weights are exponentials, which the flow finds
    z = np.array([[1, 1], [1, -1], [1, 0.5], [1, 0.3]])
    flow = M.log_time_flow(z, np.zeros(2), [80.0])[0]
    near(M.limit_offset(z), flow - 80 * M.hard_margin(z).w, 1e-12)


@pytest.mark.parametrize(("tail", "power"), [("polynomial", 0.5), ("polynomial", 4.0), ("exponential", 1.0)])
def test_flow_arrives_at_the_limit_direction(tail, power):
    rng = np.random.default_rng(2)
    z = rng.standard_normal((7, 3)) + [0.0, 3.0, 3.0]
    far = M.log_time_flow(z, np.array([0.3, -0.2, 0.1]), [40.0, 400.0], tail, power)
    off = M.direction_gap(far, M.limit_direction(z, tail, power))
    assert off[1] < (1e-10 if tail == "polynomial" else off[0] / 8)


# --- descent -----------------------------------------------------------------------------------------------------------
def test_normalised_descent_of_three_points():
    z, times = THREE / np.sqrt(18), np.array([1, 2, 3, 100, 10_000])
    run = M.normalised_descent(z, np.zeros(2), times)
    near(run.w[:3], [[0.5499719409, 0.3142696805], [0.9256018021, 0.5123884193], [1.2250499988, 0.6641614786]])
    near(run.w[3:], [[8.2347011848, 4.4602919725], [76.8156398971, 50.0635980881]])
    near(run.log_loss[:3], [0.7081031023, 0.4571895863, 0.2643058874])
    margin = M.hard_margin(z).margin
    gap = M.margin_gap(z, run.w, margin)
    significant(gap[3:], [2.5836039294e-02, 2.7461003162e-03])
    bound = M.normalised_bound(times, 3, margin)
    near(bound[3], 0.4340471, 0.51e-7)
    near(bound[4], 6.595589e-02, 0.51e-8)
    assert (gap <= bound).all()


def test_bound_by_its_sums():
    times = np.array([1, 2, 999, 1000, 1001, 5000])
    for update, margin in (("loss", 0.3), ("unit", 0.99), ("unit", 1e-3)):
        t = [np.arange(1, T + 1) for T in times]
        plain = np.array([(np.sum(2.25 / s) / 2 + math.log(7)) / np.sum(1.5 / np.sqrt(s)) for s in t])
        exact = np.where((update == "loss") | (plain > margin), plain / margin, plain)
        np.testing.assert_allclose(M.normalised_bound(times, 7, margin, update, 1.5), exact, rtol=1e-13)
    assert M.normalised_bound(7, 1, 1.0) == M.normalised_bound(np.array([7]), 1, 1.0)[0]


def test_headline_gaps_of_both_descents():
    margin = M.hard_margin(UNIT_EDGE).margin
    near(margin, 0.7071067812)
    run = M.descent(UNIT_EDGE, np.zeros(2), [10, 100, 1000, 10_000], 1.0)
    near(M.margin_gap(UNIT_EDGE, run.w, margin), [0.04752, 0.03555, 0.02677, 0.02062], 0.51e-5)
    run = M.normalised_descent(UNIT_EDGE, np.zeros(2), [203, 2154])
    near(M.margin_gap(UNIT_EDGE, run.w, margin), [0.01233, 2.416e-3], [0.51e-5, 0.51e-6])


@pytest.mark.parametrize(("tail", "power"), [(tail, 1.5) for tail in M.TAILS])
def test_one_step_by_hand(tail, power):
    w = np.array([0.5, 0.2])  # margins 0.9, 1.3, 2.1: one on the straight line
    u = THREE @ w
    h = 1e-5
    slopes = -(M.loss(u + h, tail, power) - M.loss(u - h, tail, power)) / (2 * h)  # -l'
    downhill = slopes @ THREE
    total = M.loss(u, tail, power).sum()
    for got, expected in (
        (M.descent(THREE, w, [1], 0.1, tail, power).w[0], w + 0.1 * downhill),
        (M.normalised_descent(THREE, w, [1], 0.5, "loss", tail, power).w[0], w + 0.5 * downhill / total),
        (
            M.normalised_descent(THREE, w, [1], 0.5, "unit", tail, power).w[0],
            w + 0.5 * downhill / np.linalg.norm(downhill),
        ),
    ):
        near(got, expected, 1e-8)
    start = M.descent(THREE, w, [0], 0.1, tail, power)
    near(start.w, [w], 0)
    near(start.log_loss, [M.log_total_loss(u, tail, power)], 8 * EPS)


def test_second_step_is_shorter():
    one, two = M.normalised_descent([[1.0]], [0.0], [1, 2], update="unit").w[:, 0]
    assert (one, two) == (1, 1 + 1 / math.sqrt(2))


def test_descent_goes_on_where_the_loss_is_no_double():
    run = M.normalised_descent(PAIR / 2, np.array([3000.0, 3000.0]), [0, 10])
    assert run.log_loss[0] == pytest.approx(-1500, rel=1e-12)
    assert run.log_loss[1] < run.log_loss[0] - 1
    for update in ("loss", "unit"):
        for tail in M.TAILS:
            assert np.isfinite(M.normalised_descent(PAIR / 2, [3e3, 3e3], [5], 1.0, update, tail, 2.0).w).all()


def test_no_move_where_the_gradient_is_zero():
    z = np.array([[1.0, 0.0], [-1.0, 0.0]])  # not separable, and at its optimum
    for run in (
        M.descent(z, np.zeros(2), [3], 1.0),
        *(M.normalised_descent(z, np.zeros(2), [3], 1.0, update) for update in ("loss", "unit")),
    ):
        assert run.w.tolist() == [[0, 0]]


@pytest.mark.parametrize("tail", M.TAILS)
def test_default_step_lets_the_loss_fall(tail):
    rng = np.random.default_rng(3)
    z = rng.standard_normal((9, 4)) + 0.5
    run = M.descent(z, np.zeros(4), np.arange(40), M.default_step(z, tail, 2.0), tail, 2.0)
    assert (np.diff(run.log_loss) < 0).all()


# --- deep linear networks ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("layers", "width"), [(2, None), (3, 4), (5, 1)])
def test_reduced_flow_is_that_of_the_balanced_network(layers, width):
    rng = np.random.default_rng(layers)
    w, gradient = rng.standard_normal(3), rng.standard_normal(3)
    net = M.balanced_layers(w, layers, width)
    h = width or 3
    assert [a.shape for a in net] == [(h, 3), (layers - 2, h, h), (1, h)]
    near(M.end_to_end(*net), w, 32 * EPS)
    chain = [net.first, *net.hidden, net.last]
    for lower, upper in itertools.pairwise(chain):
        near(upper.T @ upper, lower @ lower.T, 64 * EPS)
    moved = M.layer_velocities(*net, gradient)
    dt = 1e-6
    after, before = (M.end_to_end(*(a + sign * dt * v for a, v in zip(net, moved, strict=True))) for sign in (1, -1))
    near((after - before) / (2 * dt), M.deep_flow_velocity(w, gradient, layers), 1e-7)


def test_velocity_of_one_layer_and_at_the_saddle():
    assert M.deep_flow_velocity([1.0, 2.0], [3.0, 4.0], 1).tolist() == [-3, -4]
    assert M.deep_flow_velocity([0.0, 0.0], [3.0, 4.0], 2).tolist() == [0, 0]
    # along w and with L = 2: -||w|| (g + g) = -2 ||w|| g
    near(M.deep_flow_velocity([3.0, 0.0], [2.0, 0.0], 2), [-12, 0], 16 * EPS)
    # for L to infinity the exponent is 2
    near(M.deep_flow_velocity([0.0, 3.0], [2.0, 0.0], 10**12), [-18, 0], 1e-9)


@pytest.mark.parametrize("layers", [2, 3])
def test_deep_flow_tends_to_the_same_direction(layers):
    w = M.log_time_flow(THREE, [0.1, -0.1], [20.0, 100 * LOG10], layers=layers)
    far = M.angle(w, M.hard_margin(THREE).w)
    assert far[1] < far[0] / 5
    assert far[1] == pytest.approx(M.angle_constant(THREE) / (100 * LOG10), rel=0.05)


# --- gaps --------------------------------------------------------------------------------------------------------------
def test_angles_keep_their_digits():
    for angle in (1e-12, 1e-8, 0.3, 3.0):
        got = M.angle([math.cos(angle), math.sin(angle)], [1e200, 0.0])
        assert got == pytest.approx(angle, rel=4 * EPS)
    assert M.angle([1.0, 0.0], [-2.0, 0.0]) == math.pi
    near(M.direction_gap([[0.0, 5.0], [1e-300, 0.0]], [3.0, 0.0]), [math.sqrt(2), 0], 4 * EPS)
    near(M.margin_gap(PAIR, [[1.0, -1.0], [2.0, 1.0]], 2 / math.sqrt(5)), [2 / math.sqrt(5) + math.sqrt(2), 0], 8 * EPS)


@pytest.mark.parametrize("span", [4, 8])
def test_rows_of_very_different_lengths(span):
    """Norms from 1e-8 to 1e8: the conditions of the optimum hold, each to roundings of its own terms."""
    rng = np.random.default_rng(span)
    for _ in range(50):
        N, d = int(rng.integers(1, 30)), int(rng.integers(1, 8))
        z = rng.standard_normal((N, d))
        z *= (np.sign(z @ rng.standard_normal(d)) * 10 ** rng.uniform(-span, span, N))[:, None]
        w, dual, _ = M.hard_margin(z)
        off = 1e-11 * (
            1 + np.abs(z) @ np.abs(w)
        )  # support vectors nearly parallel cost digits: conditions up to 1e4 here
        assert (z @ w >= 1 - off).all()
        assert (np.abs(z @ w - 1) <= off)[dual > 0].all()
        assert (dual >= 0).all()
        assert np.linalg.norm(z.T @ dual - w) <= 1e-11 * np.linalg.norm(w)


# --- for users ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("method", ["normalised", "constant"])
@pytest.mark.parametrize("impl", ["reference", "kernels"])
def test_fit_direction(method, impl):
    rng = np.random.default_rng(0)
    labels = np.where(rng.random(30) < 0.5, 1, -1)
    x = rng.standard_normal((30, 3)) + labels[:, None] * [4.0, -4.0, 0.0]
    fit = M.fit_direction(x, labels, steps=2000, method=method, points=10, impl=impl)
    assert fit.times[0] == 1
    assert fit.times[-1] == 2000
    assert fit.w.shape == (len(fit.times), 3)
    assert fit.angle[-1] < fit.angle[0]
    assert fit.log_loss[-1] < fit.log_loss[0]
    near(
        fit.margin,
        np.min(M.signed_inputs(x, labels) @ (fit.w / np.linalg.norm(fit.w, axis=1)[:, None]).T, axis=0),
        1e-13,
    )
    near(fit.gap + fit.margin, fit.hard.margin, 1e-14)
    assert np.linalg.norm(fit.direction) == pytest.approx(1, abs=4 * EPS)
    if method == "normalised":
        largest = np.linalg.norm(x, axis=1).max()
        assert (fit.gap <= M.normalised_bound(fit.times, 30, fit.hard.margin / largest) * largest).all()
        assert fit.gap[-1] < 0.01 * fit.hard.margin
    one = M.fit_direction(x, labels, steps=7, points=1, method=method, impl=impl, start=np.ones(3))
    assert one.times.tolist() == [7]


def test_fit_direction_does_not_depend_on_units():
    x = np.array([[1.0, 2.0], [-3.0, 1.0]])
    one, other = (M.fit_direction(x * unit, [1, -1], steps=50, impl="reference") for unit in (1.0, 1024.0))
    np.testing.assert_allclose(other.w * 1024, one.w, rtol=1e-13)
