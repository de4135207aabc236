"""The comparisons that laws are made of, and what a malformed law, case or contract is told."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minidl.laws import core
from minidl.laws.checks import counting
from minidl.laws.core import (
    Broken,
    Cases,
    Contract,
    Golden,
    NotProvided,
    agree,
    holds,
    identical,
    law,
    namespace,
    planted,
    within,
)

EPS = np.finfo(np.float64).eps
ARRAYS = hnp.arrays(
    np.float64, hnp.array_shapes(max_dims=3, max_side=4), elements=st.floats(-1e300, 1e300, allow_subnormal=True)
)


def broken(check, *arguments, **keywords):
    with pytest.raises(Broken) as caught:
        check(*arguments, **keywords)
    return caught.value


# --- agree ---------------------------------------------------------------------------------------------------------------
def test_zeros_do_not_pass_for_tiny_values():
    error = broken(agree, np.zeros(3), np.array([0.0, 1e-12, -5e-13]), why="the gradient", ulps=8)
    assert error.index == (1,)
    assert error.error == 1e-12
    assert error.tolerance == pytest.approx(8 * EPS * 1e-12, rel=1e-9)
    assert error.excess == pytest.approx(1 / (8 * EPS), rel=1e-9)


@given(ARRAYS)
def test_everything_agrees_with_itself_without_tolerance(x):
    agree(x.copy(), x, why="itself", ulps=0)
    identical(x.copy(), x, why="itself", signed_zero=True)


@given(ARRAYS, st.integers(1, 16), st.data())
def test_the_border_of_agreement_is_ulps_times_eps_times_scale(x, ulps, data):
    entry = tuple(data.draw(st.integers(0, n - 1)) for n in x.shape)
    scale = float(np.abs(x).max())
    beyond = x.copy()
    beyond[entry] += 2 * ulps * EPS * scale + 2 * ulps * 5e-324
    if scale == 0 or beyond[entry] == x[entry]:
        beyond[entry] = np.nextafter(0, 1)
    assert broken(agree, beyond, x, why="beyond", ulps=ulps).index == entry
    inside = x.copy()
    inside[entry] += 0.25 * ulps * EPS * scale
    agree(inside, x, why="inside", ulps=ulps)


@pytest.mark.parametrize(
    ("got", "expected", "says"),
    [
        (np.zeros((2, 1)), np.zeros(2), "shape (2, 1) instead of (2,)"),
        (np.zeros(()), np.zeros(1), "shape () instead of (1,)"),
        (np.zeros(2, dtype=int), np.zeros(2), "dtype int64 instead of float64"),
        (np.zeros(2), np.zeros(2, dtype=int), "dtype float64 instead of int64"),
        (np.zeros(2, dtype=bool), np.zeros(2, dtype=int), "dtype bool instead of int64"),
        (np.zeros(2, dtype=complex), np.zeros(2), "dtype complex128 instead of float64"),
        (None, 0.0, "not numeric but NoneType"),
        ("1.0", 1.0, "not numeric but str"),
        ([[1.0], [1.0, 2.0]], np.ones(2), "no array"),
    ],
)
def test_other_shapes_and_kinds_never_agree(got, expected, says):
    assert says in str(broken(agree, got, expected, why="the result", ulps=1e6))


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (np.nan, 1.0),
        (1.0, np.nan),
        (np.nan, np.inf),
        (np.inf, -np.inf),
        (np.inf, 1e308),
        (1e308, np.inf),
        (complex(np.nan, 0), 1j),
    ],
)
def test_what_is_not_finite_agrees_only_with_itself(got, expected):
    error = broken(agree, [got, 1.0], [expected, 1.0], why="the entry", ulps=1e15)
    assert error.index == (0,)
    assert error.excess == np.inf


def test_nan_and_infinity_agree_with_themselves():
    values = np.array([np.nan, np.inf, -np.inf, 2.0])
    agree(values.copy(), values, why="themselves", ulps=0)
    identical(values.copy(), values, why="themselves")


def test_the_default_scale_leaves_infinities_out():
    error = broken(agree, [np.inf, 1.0 + 1e-12], [np.inf, 1.0], why="the finite entry", ulps=8)
    assert error.tolerance == pytest.approx(8 * EPS, rel=1e-9)


def test_the_tolerance_takes_the_dtype_of_what_is_expected():
    agree(np.float32([1 + 2e-7]), np.float32([1]), why="single", ulps=4)
    assert broken(agree, np.float32([1 / 3]), np.array([1 / 3]), why="single for double", ulps=4).error > 1e-9


def test_an_array_of_scales_judges_every_entry_by_its_own():
    expected, scale = np.array([1e6, 1e-6]), np.array([1e6, 1e-6])
    got = expected + np.array([0.0, 1e-14])
    agree(got, expected, why="by the largest", ulps=4)
    assert broken(agree, got, expected, why="by its own", ulps=4, scale=scale).index == (1,)


def test_cancellation_needs_the_scale_of_its_terms():
    x = np.array([0.1, 0.2, -0.3])
    got = x.sum()
    assert got != 0
    assert broken(agree, got, 0.0, why="without a scale", ulps=100)
    agree(got, 0.0, why="by the sum of magnitudes", ulps=3, scale=np.abs(x).sum())


@pytest.mark.parametrize("value", [True, -(2**62) - 1])
def test_integers_and_booleans_agree_exactly(value):
    agree(np.array([value]), np.array([value]), why="itself", ulps=1e9)
    other = np.array([not value]) if isinstance(value, bool) else np.array([value + 1])
    assert broken(agree, other, np.array([value]), why="the neighbour", ulps=1e9).error == 1.0


def test_empty_results_agree_in_shape_and_count_nowhere():
    with counting() as tally:
        agree(np.zeros((0, 3)), np.zeros((0, 3)), why="nothing", ulps=1)
    assert tally.checks == 0
    assert broken(agree, np.zeros((3, 0)), np.zeros((0, 3)), why="nothing", ulps=1)


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"ulps": -1}, "ulps"),
        ({"ulps": np.inf}, "ulps"),
        ({"ulps": np.nan}, "ulps"),
        ({"ulps": 1, "scale": np.nan}, "scale"),
        ({"ulps": 1, "scale": -1.0}, "scale"),
        ({"ulps": 1, "scale": np.ones((2, 3))}, "broadcast"),
    ],
)
def test_a_malformed_tolerance_is_an_error_and_no_pass(keywords, says):
    with pytest.raises(ValueError, match=says):
        agree(np.ones(3), np.ones(3), why="itself", **keywords)


def test_a_law_that_expects_no_numbers_is_an_error():
    with pytest.raises(TypeError, match="must expect numbers"):
        agree(1.0, "1.0", why="text", ulps=1)


# --- the other checks ----------------------------------------------------------------------------------------------------
def test_identical_sees_one_ulp_dtype_and_on_demand_the_sign_of_zero():
    one = np.array([1.0])
    assert broken(identical, np.nextafter(one, 2), one, why="an ulp").error == EPS
    assert "float32" in str(broken(identical, np.float32([1]), one, why="single"))
    identical([-0.0], [0.0], why="zero")
    assert broken(identical, [-0.0], [0.0], why="zero", signed_zero=True).index == (0,)
    assert broken(identical, [np.nan], [0.0], why="nan")
    identical(np.array([1], dtype=np.int32), np.array([1]), why="an index")


def test_holds_takes_one_truth_value():
    holds(np.True_, why="a NumPy boolean")
    assert broken(holds, False, why="a falsehood", got=3).got == 3
    with pytest.raises(TypeError, match="one truth value"):
        holds(np.array([True, True]), why="many")
    with pytest.raises(TypeError, match="one truth value"):
        holds([], why="a list")


def test_within_is_closed_and_names_its_bound():
    within(1.5, 1.0, 0.5, why="the mean", bound="Hoeffding, n = 10")
    assert "Hoeffding" in str(broken(within, 1.6, 1.0, 0.5, why="the mean", bound="Hoeffding, n = 10"))
    assert broken(within, np.nan, 1.0, 0.5, why="the mean", bound="Hoeffding, n = 10")
    with pytest.raises(ValueError, match="inequality"):
        within(1.0, 1.0, 0.5, why="the mean", bound="")
    with pytest.raises(ValueError, match="halfwidth"):
        within(1.0, 1.0, np.inf, why="the mean", bound="Hoeffding")


def test_a_broken_law_reads_like_a_report():
    got, expected = np.array([[1.0, 2.0], [3.0, 4.5]]), np.array([[1.0, 2.0], [3.0, 4.0]])
    text = str(broken(agree, got, expected, why="the product", ulps=2))
    assert "the product" in text
    assert "off by   0.5 at entry (1, 1)" in text
    assert "(float64, shape (2, 2))" in text
    assert "got np.float64(4.5)" in text


def test_checks_count_themselves_per_block_and_thread():
    def elsewhere():
        with counting() as own:
            agree(1.0, 1.0, why="elsewhere", ulps=0)
        seen.append(own.checks)

    seen = []
    with counting() as outer:
        agree(1.0, 1.0, why="one", ulps=0)
        with counting() as inner:
            holds(True, why="two")
            within(0.0, 0.0, 1.0, why="three", bound="Chebyshev")
            with pytest.raises(Broken):
                identical(1.0, 2.0, why="four, broken and counted")
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    assert (outer.checks, inner.checks, seen) == (4, 3, [1])


# --- what is made of them ------------------------------------------------------------------------------------------------
CASES = Cases(named={"one": {"x": 1.0}})


def test_a_law_takes_its_name_and_statement_from_its_function():
    @law(cases=CASES, needs=("f",), grade="exact", equation="f(x) = x", source="algebra")
    def identity(impl, case):
        """It returns
        its input."""
        identical(impl.f(case["x"]), case["x"], why="the result")

    assert (identity.name, identity.statement) == ("identity", "It returns its input.")
    identity.check(namespace(object(), f=lambda x: x), {"x": 1.0})
    with pytest.raises(Broken):
        identity.check(namespace(object(), f=lambda x: x + 1), {"x": 1.0})


def test_malformed_laws_cases_and_contracts_are_refused():
    with pytest.raises(ValueError, match="grade"):
        law(cases=CASES, needs=("f",), grade="vague")
    with pytest.raises(ValueError, match="needs"):
        law(cases=CASES, needs="f", grade="exact")
    with pytest.raises(ValueError, match="docstring"):
        law(cases=CASES, needs=("f",), grade="exact")(lambda impl, case: None)
    with pytest.raises(ValueError, match="nothing is judged"):
        Cases()
    with pytest.raises(ValueError, match="notes on cases that do not exist"):
        Cases(named={"one": {}}, notes={"two": "?"})
    with pytest.raises(TypeError, match="must be a dict"):
        Cases(named={"one": [1.0]})
    with pytest.raises(ValueError, match="digits"):
        Golden("f", {"x": 1.0}, {"y": 1.0}, -1, "negative")
    with pytest.raises(ValueError, match="at least one output"):
        Golden("f", {"x": 1.0}, {}, 3, "nothing")


def contract(**changes):
    settings = {"function": "f", "inputs": ("x",), "outputs": ("y",), "cases": CASES, "statement": "f."}
    return Contract(**(settings | changes))


def test_a_contract_checks_what_it_gathers():
    @planted("g")
    def wrong(ref):
        """Wrong."""
        return ref.g

    @law(cases=CASES, needs=("f",), grade="exact")
    def some(impl, case):
        """Something."""

    for changes, says in [
        ({"inputs": "x"}, "inputs must be"),
        ({"outputs": ()}, "outputs must be"),
        ({"outputs": ("y", "y")}, "y appears twice"),
        ({"inputs": ("x", "z")}, "case 'one' lacks the inputs"),
        ({"planted": (wrong,)}, "belongs to g"),
        ({"laws": (some, some)}, "some appears twice"),
        ({"golden": (Golden("g", {"x": 1.0}, {"y": 1.0}, 3, ""),)}, "belongs to g"),
        ({"golden": (Golden("f", {}, {"y": 1.0}, 3, ""),)}, "lacks the inputs"),
        ({"golden": (Golden("f", {"x": 1.0}, {"z": 1.0}, 3, ""),)}, "golden outputs"),
        ({"exact": ("z",)}, "exact inputs"),
    ]:
        with pytest.raises(ValueError, match=says):
            contract(**changes)


def test_outputs_are_read_by_name_from_whatever_carries_them():
    two = contract(outputs=("y", "z"))
    for result in [(1, 2), [1, 2], {"z": 2, "y": 1, "more": 3}]:
        assert two.read(result) == {"y": 1, "z": 2}
    assert contract().read([1, 2]) == {"y": [1, 2]}
    assert contract().read((1,)) == {"y": 1}
    assert "returned 3 values instead of 2" in str(broken(two.read, (1, 2, 3)))
    assert "returned no z" in str(broken(two.read, {"y": 1}))
    assert "must return 2 values" in str(broken(two.read, np.zeros(2)))
    with pytest.raises(NotProvided):
        two.call(object(), {"x": 1.0})


def test_a_planted_bug_replaces_one_function_and_may_use_the_others():
    class Reference:
        def f(self, x):
            return x

        def g(self, x):
            return self.f(x) + 1

    @planted("f")
    def doubled(ref):
        """Twice as much."""
        return lambda x: 2 * ref.f(x)

    bug = doubled.apply(Reference())
    assert (bug.f(3), bug.g(3)) == (6, 4)
    with pytest.raises(ValueError, match="does not have"):
        doubled.apply(object())
    with pytest.raises(ValueError, match="docstring"):
        planted("f")(lambda ref: ref.f)


def test_core_exports_what_laws_are_written_with():
    for name in core.__all__:
        assert hasattr(core, name)
