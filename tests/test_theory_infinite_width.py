"""Networks of unbounded width on the line: worked values, the border, training, and the oracle of the laws."""

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from minidl.laws.infinite_width import oracle
from minidl.laws.infinite_width.cases import OFFICIAL_X, POINTS
from minidl.theory import infinite_width as iw
from minidl.theory.infinite_width import training
from minidl.theory.infinite_width.projection import onto_polytope

EPS = np.finfo(float).eps
X, Y = np.array(OFFICIAL_X), np.sin(OFFICIAL_X)


# --- worked values -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("x", "y", "variation", "end_sum", "norm"),
    [
        ([0, 1], [0, 1], 0, 2, 1),
        ([-1, 0, 1], [0, 1, 0], 2, 0, 2),
        ([0, 1, 2], [0, 1, 3], 1, 3, 2),
        ([0, 1, 2, 3], [0, 2, 1, 4], 7, 5, 7),
        ([0, 1, 3], [1, 3, 7], 0, 4, 2),
        ([0, 1, 2, 3], [0, 1, 4, 9], 4, 6, 5),
    ],
)
def test_least_norms(x, y, variation, end_sum, norm):
    assert iw.minimum_norm(x, y) == (variation, end_sum, norm)


def test_the_authors_ten_points():
    assert [round(value, 10) for value in iw.minimum_norm(X, Y)] == [4.2893980654, 1.2176171956, 4.2893980654]
    again = np.linspace(-5, 4, 10) + np.random.RandomState(2222).uniform(0.1, 0.9, 10)
    np.testing.assert_allclose(again, X, rtol=0, atol=0.5e-10)


@pytest.mark.parametrize(
    ("slopes", "norm"), [([-1, 1], 2), ([0, 1], 1), ([1], 2), ([0, 1, -1, 0], 4), ([1, -1, 1, -1], 6)]
)
def test_norms_of_functions(slopes, norm):
    assert iw.function_norm(slopes) == norm
    assert iw.function_norm_with_skip(slopes) == norm - (2 if len(slopes) == 1 else 0)


def test_squares_have_two_optima():
    """Straight on, three pieces and two pieces cost 6; with the left ray bent by 1 both cost 5."""
    assert iw.function_norm([1, 3, 5]) == iw.function_norm([1, 5]) == 6
    assert iw.function_norm([0, 1, 3, 5]) == iw.function_norm([0, 1, 5]) == 5
    x = np.arange(4.0)
    two_pieces = iw.Spline(np.array([0.0, 1.5]), np.array([0.0, 1.0, 5.0]), 1.5, 1.5)
    np.testing.assert_array_equal(iw.spline_value(x, *two_pieces), x**2)
    low, high = iw.optimum_range(x, x**2, [1.5])
    assert (low[0], high[0]) == (1.5, 2.5)


def test_the_absolute_value_and_a_line_as_networks():
    w, b, v, b0 = iw.attaining_network([0.0], [-1.0, 1.0], 0.0, 0.0)
    assert [*zip(w, b, v, strict=True)] == [(1, 0, 1), (-1, 0, 1)]
    assert b0 == 0
    w, b, v, _ = iw.attaining_network([], [1.0], 0.0, 0.0)
    assert [*zip(w, b, v, strict=True)] == [(1, 0, 1), (-1, 0, -1)]
    assert iw.weight_cost(w, v) == 2


def test_300_random_functions_are_attained():
    rng, probes = np.random.default_rng(0), np.linspace(-5, 5, 41)
    for _ in range(300):
        K = int(rng.integers(0, 7))
        f = iw.Spline(np.sort(rng.uniform(-4, 4, K)), rng.normal(size=K + 1), rng.normal(), rng.normal())
        net = iw.attaining_network(*f)
        np.testing.assert_allclose(iw.network(probes, *net), iw.spline_value(probes, *f), rtol=0, atol=1e-12)
        assert iw.weight_cost(net.w, net.v) == pytest.approx(iw.function_norm(f.slopes), rel=64 * EPS)
        assert len(net.w) <= 2 * K + 2


def test_at_most_two_units_per_point_are_needed():
    rng = np.random.default_rng(1)
    for _ in range(200):
        N = int(rng.integers(1, 7))
        x, y = np.sort(rng.choice(np.arange(-9.0, 10), N, replace=False)), rng.integers(-9, 10, N).astype(float)
        net = iw.attaining_network(*iw.minimum_norm_interpolant(x, y, rng.random()))
        assert iw.weight_cost(net.w, net.v) == pytest.approx(iw.minimum_norm(x, y).norm, rel=256 * EPS, abs=1e-30)
        big = [part for part in net.w * net.v if abs(part) > 64 * EPS * np.abs(y).max()]  # rounding may leave a line
        assert len(big) <= 2 * N


def test_the_tent_under_decay():
    """Half the sum of squares and 0.1 times the path norm: path norm 1.4, largest error 0.2."""
    fitted, norm, _ = iw.decay_optimum([-1, 0, 1], [0, 1, 0], 0.2 / 3)
    assert norm == pytest.approx(1.4, rel=8 * EPS)
    np.testing.assert_allclose(fitted, [0.1, 0.8, 0.1], rtol=0, atol=8 * EPS)


def test_decay_fades_into_interpolation():
    found = [iw.decay_optimum(X, Y, decay).norm for decay in (1e-2, 1e-3, 1e-4, 1e-6, 1e-9)]
    assert [round(norm, 4) for norm in found[:3]] == [3.2507, 4.0681, 4.2673]
    assert found == sorted(found)
    assert found[-1] == pytest.approx(iw.minimum_norm(X, Y).norm, rel=1e-6)


def test_projection_of_many_points_has_a_certificate():
    rng = np.random.default_rng(2)
    x = np.sort(rng.uniform(0, 10, 60))
    y = np.sin(x) + rng.normal(0, 0.3, 60)
    fitted, norm, _ = iw.decay_optimum(x, y, 1e-2)
    r, bound = y - fitted, 1e-2 * 60 / 2
    units = np.maximum(np.concatenate([x[:, None] - x, x - x[:, None]], axis=1), 0)
    assert np.abs(r @ units).max() <= bound * (1 + 1e-9)
    assert r @ fitted == pytest.approx(bound * norm, rel=1e-9)
    np.testing.assert_array_equal(onto_polytope(r, np.zeros((60, 0)), 1.0), r)


# --- edges -------------------------------------------------------------------------------------------------------------
def test_one_point_is_a_constant():
    assert iw.minimum_norm([2.0], [3.0]) == (0, 0, 0)
    f = iw.minimum_norm_interpolant([2.0], [3.0])
    np.testing.assert_array_equal(f.slopes, [0, 0])
    np.testing.assert_array_equal(iw.spline_value([-5.0, 9.0], *f), [3, 3])
    low, high = iw.optimum_range([2.0], [3.0], [0.0, 7.0])
    np.testing.assert_array_equal([low, high], [[3, 3], [3, 3]])
    assert iw.decay_optimum([2.0], [3.0], 0.5) == ([3.0], 0, 0)


def test_equal_points_are_merged():
    assert iw.minimum_norm([0, 0, 1, 1], [2, 2, 5, 5]) == iw.minimum_norm([0, 1], [2, 5])
    np.testing.assert_array_equal(iw.minimum_norm_interpolant([0, 0, 1], [2, 2, 5]).knots, [0, 1])


def test_equal_points_with_different_values_can_be_fitted():
    """Two values at 0 count as their mean there, with twice the weight; the error that is left is not the function's."""
    fitted, norm, best = iw.decay_optimum([0.0, 0.0, 1.0], [0.0, 2.0, 1.0], 0.25)
    np.testing.assert_allclose(fitted, [1, 1, 1], rtol=0, atol=4 * EPS)
    assert norm == pytest.approx(0, abs=8 * EPS)
    assert best == pytest.approx(2 / 3, rel=8 * EPS)


def test_a_constant_unit_and_a_constant_network():
    net = iw.balance([0.0, 2.0], [3.0, 1.0], [0.5, 2.0], 1.0)
    np.testing.assert_array_equal(net.w, [2])
    assert net.b0 == 2.5
    np.testing.assert_array_equal(iw.network([1.0, 2.0], [], [], [], 4.0), [4, 4])
    assert iw.as_spline([], [], [], 4.0).slopes.tolist() == [0]
    assert iw.function_norm([0.0]) == 0


def test_bends_beyond_float64_are_at_infinity():
    tiny = 2.0**-1040
    knots, slopes, _, anchor_y = iw.as_spline([tiny, -tiny, 1.0], [1.0, 1.0, 0.0], [2.0, 4.0, 1.0], 0.0)
    assert knots.tolist() == [0.0]
    assert slopes.tolist() == [2 * tiny - 4 * tiny, 1.0]
    assert anchor_y == 6


def test_integers_and_single_precision_come_out_as_float64():
    assert iw.network(np.arange(3), [1], [0], [2], 1).dtype == np.float64
    single = np.array([0, 1, 2], np.float32)
    assert iw.minimum_norm_interpolant(single, single).slopes.dtype == np.float64


# --- the border --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: iw.minimum_norm([0, 2, 1], [0, 1, 2]),
            ValueError,
            "x must be sorted, got 2.0 at 1 and then 1.0: order =",
        ),
        (
            lambda: iw.minimum_norm([0, 1, 1], [0, 1, 2]),
            ValueError,
            "x holds 1.0 twice, at 1 and 2.*no function passes",
        ),
        (lambda: iw.minimum_norm([], []), ValueError, "x must be a vector with at least 1 entries"),
        (lambda: iw.minimum_norm([0, 1], [0, 1, 2]), ValueError, "x, y must have the same length, got x of 2, y of 3"),
        (lambda: iw.minimum_norm([0, np.nan], [0, 1]), ValueError, r"x must be finite, got nan at \(1,\)"),
        (lambda: iw.minimum_norm([0, 1j], [0, 1]), TypeError, "x must hold real numbers, got complex128"),
        (
            lambda: iw.minimum_norm([0, 5e-324], [0, 1]),
            OverflowError,
            "minimum_norm leaves the range of float64.*rescale",
        ),
        (lambda: iw.minimum_norm_interpolant([0], [0], 1.5), ValueError, r"left must be a number in \[0, 1\], got 1.5"),
        (lambda: iw.optimum_range([0, 1], [0, 1], 0.5), ValueError, r"at must be a vector .* got shape \(\)"),
        (lambda: iw.spline_value([0], [0, 0], [1, 2, 3], 0, 0), ValueError, "knots must ascend strictly, got 0.0 at 0"),
        (lambda: iw.spline_value([0], [0, 1], [1, 2], 0, 0), ValueError, "2 knots separate 3 pieces.*got 2 slopes"),
        (
            lambda: iw.spline_value([0], [0], [1, 2], [0], 0),
            ValueError,
            r"anchor_x must be one number, got shape \(1,\)",
        ),
        (lambda: iw.function_norm([]), ValueError, "slopes must be a vector with at least 1 entries"),
        (lambda: iw.function_norm([1e308, -1e308]), OverflowError, "function_norm leaves the range"),
        (lambda: iw.function_norm([1, np.inf]), ValueError, "slopes must be finite, got inf"),
        (lambda: iw.network([0], [1, 2], [0], [1], 0), ValueError, "w, b, v must have the same length"),
        (lambda: iw.network([0], [1], [0], [1], "0"), TypeError, "b0 must hold real numbers"),
        (lambda: iw.weight_cost([1e200], [0]), OverflowError, "weight_cost leaves the range"),
        (
            lambda: iw.decay_optimum([0, 1], [0, 1], 0),
            ValueError,
            "decay must be positive, got 0: without decay, minimum_n",
        ),
        (lambda: iw.decay_optimum([0, 1], [0, 1], -1), ValueError, r"decay must be a number in \[0, inf\], got -1"),
        (lambda: iw.decay_optimum([1, 0], [0, 1], 1), ValueError, "x must be sorted"),
        (lambda: iw.objective([0], [0], [1], [0], [1], 0, -1), ValueError, "decay must be a number"),
        (
            lambda: iw.initial_network(np.zeros((2, 3)), np.zeros(3)),
            ValueError,
            r"\(k \+ 1,\).* got \(2, 3\) and \(3,\)",
        ),
        (lambda: iw.initial_network(np.zeros((2, 0)), np.zeros(1)), ValueError, "for k >= 1 units"),
    ],
)
def test_what_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


START = ([1.0, -1.0], [0.0, 1.0], [2.0, 3.0], 0.5)


@pytest.mark.parametrize(
    ("times", "steps", "step_size", "error", "message"),
    [
        ([0.5], 3, 0.1, TypeError, "times must hold integers"),
        ([], 3, 0.1, TypeError, "times must hold integers"),
        (np.array([], int), 3, 0.1, ValueError, "at least one entry"),
        ([2, 1], 3, 0.1, ValueError, "times must ascend from 0 to steps = 3"),
        ([4], 3, 0.1, ValueError, "times must ascend from 0 to steps = 3"),
        ([-1], 3, 0.1, ValueError, "times must ascend"),
        ([3], 3.0, 0.1, TypeError, "steps must be an integer"),
        ([0], 0, 0.1, ValueError, "steps must be at least 1"),
        ([3], 3, 0.0, ValueError, "step_size must be a number in"),
        ([9], 9, 1e300, FloatingPointError, "training diverged at step 2 .*use a smaller step_size"),
    ],
)
def test_what_training_refuses(times, steps, step_size, error, message):
    with pytest.raises(error, match=message):
        iw.train([0.0, 1.0], [0.0, 1.0], *START, times, steps, step_size, 0.1)


def test_a_network_without_units_cannot_be_trained():
    with pytest.raises(ValueError, match="w must be a vector with at least 1 entries"):
        iw.train([0.0], [0.0], [], [], [], 0.0, [1], 1, 0.1, 0.1)


# --- training ----------------------------------------------------------------------------------------------------------
def test_fit_draws_what_it_says_and_trains_it():
    settings = dict(width=7, decay=0.01, steps=12, step_size=0.05, times=[0, 5, 12])
    path = iw.fit(X, Y, rng=np.random.default_rng(3), impl="reference", **settings)
    rng = np.random.default_rng(3)
    begin = iw.initial_network(rng.standard_normal((2, 7)), rng.random(8))
    again = iw.train(X, Y, *begin, [0, 5, 12], 12, 0.05, 0.01)
    for one, other in zip(path, again, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(path.w[0], begin.w)
    np.testing.assert_array_equal(path.last.w, path.w[-1])
    assert path.last.b0 == path.b0[-1]


def test_the_twin_follows_for_a_while():
    settings = dict(width=20, decay=0.01, steps=40, step_size=0.05, times=[1, 10, 40])
    one, other = (
        iw.fit(X, Y, rng=np.random.default_rng(3), impl=impl, **settings) for impl in ("reference", "kernels")
    )
    for ours, theirs in zip(one, other, strict=True):
        np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-10)


def test_fit_refuses_seeds_and_unknown_implementations():
    with pytest.raises(TypeError, match=r"rng must be a NumPy generator, got 3: pass rng=np.random.default_rng\(3\)"):
        iw.fit(X, Y, rng=3)
    with pytest.raises(ValueError, match="impl must be one of 'reference', 'kernels'"):
        iw.fit(X, Y, rng=np.random.default_rng(0), impl="fast")
    with pytest.raises(ValueError, match="width must be at least 1, got 0"):
        iw.fit(X, Y, width=0, rng=np.random.default_rng(0))


def test_weight_decay_finds_the_cheapest_function():
    """Points on a line: the line costs 4, the optimum just below 2, and that is where training ends."""
    x, y = np.array([0.0, 1.0, 3.0]), np.array([1.0, 3.0, 7.0])
    best = iw.decay_optimum(x, y, 1e-2)
    net = iw.fit(x, y, decay=1e-2, steps=20_000, rng=np.random.default_rng(0)).last
    assert iw.objective(x, y, *net, 1e-2) == pytest.approx(best.objective, rel=1e-6)
    assert iw.weight_cost(net.w, net.v) == pytest.approx(best.norm, rel=1e-3)
    assert iw.path_norm(net.w, net.v) == pytest.approx(iw.function_norm(iw.as_spline(*net).slopes), rel=1e-6)


def test_loading_the_reference_loads_no_numba():
    code = "import sys, minidl.theory.infinite_width; sys.exit('numba' in sys.modules or 'matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert training.fit.__kwdefaults__["impl"] == "kernels"


# --- the oracle of the laws --------------------------------------------------------------------------------------------
def test_the_oracles_formula_is_the_linear_program():
    rng = np.random.default_rng(4)
    sets = [(case["x"], case["y"]) for case in POINTS.named.values()]
    sets += [(np.sort(rng.choice(np.arange(-9.0, 10), 4, replace=False)), rng.integers(-9, 10, 4)) for _ in range(40)]
    for x, y in sets:
        assert oracle.least(*oracle.merged(x, y)) == oracle.least_by_width(x, y)[-1]


def test_the_oracles_lasso_is_the_tent_by_hand():
    """A penalty of 1/4 on half the sum of squares: path norm 2 - 6/4, errors 1/4 and 1/2; with enough of it the mean."""
    decay = 0.25 * 2 / 3
    fitted, norm, _ = oracle.lasso([-1, 0, 1], [0, 1, 0], decay)
    np.testing.assert_allclose([float(z) for z in fitted], [0.25, 0.5, 0.25], rtol=0, atol=4 * EPS)
    assert float(norm) == pytest.approx(0.5, rel=16 * EPS)
    fitted, norm, _ = oracle.lasso([-1, 0, 1], [0, 1, 0], 0.75)
    assert [*fitted, norm] == [Fraction(1, 3)] * 3 + [0]
