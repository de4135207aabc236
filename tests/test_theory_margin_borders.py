"""What the functions on separable data refuse, and what they say."""

import numpy as np
import pytest

from minidl.theory import margin as M

Z = np.array([[1.0, 2.0], [3.0, -1.0], [3.0, 3.0]])
W = np.array([1.0, 1.0])
CLASH = np.array([[1.0, 0.0], [-1.0, 0.0]])  # not separable
WITH_Z = {
    "hard_margin": lambda z: M.hard_margin(z),
    "hard_margin_by_enumeration": lambda z: M.hard_margin_by_enumeration(z),
    "margin_gap": lambda z: M.margin_gap(z, W, 1.0),
    "descent": lambda z: M.descent(z, W, [1], 0.1),
    "normalised_descent": lambda z: M.normalised_descent(z, W, [1]),
    "default_step": lambda z: M.default_step(z),
    "log_time_flow": lambda z: M.log_time_flow(z, W, [0.0]),
    "limit_offset": lambda z: M.limit_offset(z),
    "angle_constant": lambda z: M.angle_constant(z),
    "gap_constant": lambda z: M.gap_constant(z),
    "polynomial_direction": lambda z: M.polynomial_direction(z, 2.0),
    "limit_direction": lambda z: M.limit_direction(z),
}
BAD_Z = {
    "no rows": (np.zeros((0, 2)), ValueError, r"at least 1, got shape \(0, 2\)"),
    "no columns": (np.zeros((3, 0)), ValueError, r"at least 1, got shape \(3, 0\)"),
    "a vector": (np.ones(3), ValueError, r"one example a row.*got shape \(3,\)"),
    "nan": (np.where(Z == -1, np.nan, Z), ValueError, r"finite, got nan at \(1, 1\)"),
    "infinity": (np.where(Z == 2, np.inf, Z), ValueError, r"finite, got inf at \(0, 1\)"),
    "zero row": (Z * [[1], [0], [1]], ValueError, r"no zero row, got one at 1.*bias"),
    "words": (np.full((2, 2), "x"), TypeError, "real numbers, got <U1"),
    "complex": (Z + 1j, TypeError, "real numbers, got complex128"),
    "booleans": (Z > 0, TypeError, "real numbers, got bool"),
    "huge": (Z * 1e150, ValueError, "between 1e-140 and 1e140.*scale"),
    "tiny": (Z * [[1], [1], [1e-200]], ValueError, "between 1e-140 and 1e140, got 3e-200"),
}


@pytest.mark.parametrize("function", WITH_Z)
@pytest.mark.parametrize("what", BAD_Z)
def test_bad_inputs(what, function):
    z, kind, message = BAD_Z[what]
    with pytest.raises(kind, match=message):
        WITH_Z[function](z)


NEEDS_SEPARABLE = set(WITH_Z) - {"margin_gap", "descent", "normalised_descent", "default_step"}


@pytest.mark.parametrize("function", sorted(NEEDS_SEPARABLE))
def test_data_that_are_not_separable(function):
    with pytest.raises(M.NotSeparable, match=r"not separable.*bias, or add features") as raised:
        WITH_Z[function](CLASH)
    np.testing.assert_allclose(raised.value.certificate, [0.5, 0.5])


LABELS = {
    "zero and one": ([0, 1, 1], ValueError, r"-1 or \+1, got 0.*2 \* labels - 1"),
    "three classes": ([1, 2, -1], ValueError, r"-1 or \+1, got 2$"),
    "nan": ([1, np.nan, -1], ValueError, r"-1 or \+1, got nan"),
    "fraction": ([1, 0.5, -1], ValueError, r"-1 or \+1, got 0.5"),
    "too few": ([1, -1], ValueError, r"shape \(3,\).*got \(2,\)"),
    "a column": ([[1], [-1], [1]], ValueError, r"shape \(3,\).*got \(3, 1\)"),
    "booleans": ([True, False, True], TypeError, "-1 and .1, got bool"),
    "words": (["a", "b", "c"], TypeError, "-1 and .1, got <U1"),
}


@pytest.mark.parametrize("what", LABELS)
def test_bad_labels(what):
    labels, kind, message = LABELS[what]
    for function in (M.signed_inputs, M.fit_direction):
        with pytest.raises(kind, match=message):
            function(Z, labels)


CALLS = {
    "w of another length": (lambda: M.descent(Z, np.ones(3), [1], 0.1), ValueError, r"w must have shape \(2,\)"),
    "w nan": (lambda: M.descent(Z, [1.0, np.nan], [1], 0.1), ValueError, r"w must be finite, got nan at \(1,\)"),
    "times descending": (lambda: M.descent(Z, W, [2, 1], 0.1), ValueError, "strictly ascending.*np.unique"),
    "times twice": (lambda: M.descent(Z, W, [1, 1], 0.1), ValueError, "strictly ascending"),
    "times negative": (lambda: M.normalised_descent(Z, W, [-1, 1]), ValueError, "not be negative, got -1"),
    "times empty": (lambda: M.descent(Z, W, [], 0.1), ValueError, "at least one entry"),
    "times a number": (lambda: M.descent(Z, W, 3, 0.1), ValueError, r"vector \(K,\)"),
    "times floats": (lambda: M.descent(Z, W, [1.0], 0.1), TypeError, "integers, numbers of steps, got float64"),
    "step zero": (lambda: M.descent(Z, W, [1], 0.0), ValueError, "step_size must be a finite number above 0, got 0.0"),
    "step nan": (lambda: M.descent(Z, W, [1], np.nan), ValueError, "step_size .* got nan"),
    "step a word": (lambda: M.descent(Z, W, [1], "0.1"), TypeError, "step_size must be a number, got '0.1'"),
    "step true": (lambda: M.descent(Z, W, [1], True), TypeError, "step_size must be a number, got True"),
    "scale": (lambda: M.normalised_descent(Z, W, [1], -1.0), ValueError, "scale .* above 0, got -1"),
    "update": (lambda: M.normalised_descent(Z, W, [1], 1.0, "A"), ValueError, "'loss', 'unit', got 'A'"),
    "tail": (
        lambda: M.descent(Z, W, [1], 0.1, "hinge"),
        ValueError,
        "tail must be one of 'exponential', .*got 'hinge'",
    ),
    "tail of a class": (lambda: M.tail_class("power"), ValueError, "tail must be one of"),
    "nu zero": (lambda: M.loss([1.0], "poly_exponential", 0.0), ValueError, "power .* above 0, got 0.0"),
    "p negative": (lambda: M.log_loss([1.0], "polynomial", -1.0), ValueError, "power .* above 0, got -1"),
    "p infinite": (lambda: M.log_loss_slope([1.0], "polynomial", np.inf), ValueError, "power .* above 0, got inf"),
    "p of a direction": (lambda: M.polynomial_direction(Z, 0), ValueError, "p must be a finite number above 0, got 0"),
    "u nan": (lambda: M.loss(np.nan), ValueError, "u must be finite, got nan"),
    "u nothing": (lambda: M.log_total_loss(np.zeros(0)), ValueError, r"N >= 1 examples .*\(0,\)"),
    "u a number": (lambda: M.log_total_loss(1.0), ValueError, r"got shape \(\)"),
    "log times": (lambda: M.log_time_flow(Z, W, [1.0, 0.0]), ValueError, "log_times must be strictly ascending"),
    "log times infinite": (lambda: M.log_time_flow(Z, W, [np.inf]), ValueError, "log_times must be finite"),
    "saddle": (lambda: M.log_time_flow(Z, [0, 0], [1.0], layers=2), ValueError, "saddle"),
    "into the saddle": (
        lambda: M.log_time_flow([[1.0]], [-1.0], [9.0], layers=2),
        ValueError,
        "runs into the saddle",
    ),
    "no layers": (lambda: M.log_time_flow(Z, W, [1.0], layers=0), ValueError, "layers must be at least 1"),
    "half a layer": (lambda: M.deep_flow_velocity(W, W, 1.5), TypeError, "layers must be an integer, got 1.5"),
    "one layer": (lambda: M.balanced_layers(W, 1), ValueError, "layers must be at least 2"),
    "width": (lambda: M.balanced_layers(W, 2, 0), ValueError, "width must be at least 1"),
    "gradient": (lambda: M.deep_flow_velocity(W, np.ones(3), 2), ValueError, r"gradient must have shape \(2,\)"),
    "w a matrix": (lambda: M.balanced_layers(Z, 2), ValueError, r"w must be a vector \(d,\)"),
    "last layer": (
        lambda: M.end_to_end(np.ones((3, 2)), np.ones((1, 3, 3)), np.ones((2, 3))),
        ValueError,
        r"\(h, d\), \(L - 2, h, h\) and \(1, h\).*\(2, 3\)",
    ),
    "hidden layers": (
        lambda: M.layer_velocities(np.ones((3, 2)), np.ones((3, 3)), np.ones((1, 3)), W),
        ValueError,
        r"for two layers hidden is np.zeros\(\(0, h, h\)\)",
    ),
    "no direction": (lambda: M.margin_gap(Z, np.zeros(2), 1.0), ValueError, "w must not be zero.*no direction"),
    "one of two": (lambda: M.margin_gap(Z, [[1.0, 1.0], [0.0, 0.0]], 1.0), ValueError, "w must not be zero"),
    "w_hat zero": (lambda: M.direction_gap(W, np.zeros(2)), ValueError, "w_hat must not be zero"),
    "angle zero": (lambda: M.angle(np.zeros(2), W), ValueError, "a must not be zero"),
    "angle lengths": (lambda: M.angle(W, np.ones(3)), ValueError, r"b must have shape \(2,\)"),
    "gap lengths": (lambda: M.margin_gap(Z, np.ones(3), 1.0), ValueError, r"w must have shape \(..., 2\)"),
    "no margin": (lambda: M.margin_gap(Z, W, 0.0), ValueError, "margin must be a finite number above 0"),
    "bound at 0": (lambda: M.normalised_bound([0, 1], 3, 1.0), ValueError, "times must be at least 1, got 0"),
    "bound of floats": (lambda: M.normalised_bound(2.5, 3, 1.0), TypeError, "times must hold integers"),
    "bound of no data": (lambda: M.normalised_bound(2, 0, 1.0), ValueError, "n must be at least 1"),
    "bound of an update": (lambda: M.normalised_bound(2, 1, 1.0, "B"), ValueError, "'loss', 'unit', got 'B'"),
    "degenerate": (lambda: M.limit_offset([[1, 2], [3, 1], [2, 2]]), ValueError, "degenerate: row 1 is on the margin"),
    "rank": (lambda: M.angle_constant([[1, 2], [3, 4]]), ValueError, "span 1 of 2 dimensions.*gap_constant"),
    "tail of a constant": (lambda: M.gap_constant(Z, "polynomial"), ValueError, "super-polynomial.*limit_direction"),
    "offset step": (lambda: M.limit_offset(Z, 0.0), ValueError, "step_size .* above 0"),
    "many sets": (lambda: M.hard_margin_by_enumeration(np.ones((40, 6))), ValueError, "at most 20000.*use hard_margin"),
    "nnls a": (lambda: M.nnls(np.ones(3), np.ones(3)), ValueError, r"a must be \(m, n\)"),
    "nnls b": (lambda: M.nnls(np.ones((3, 2)), np.ones(2)), ValueError, r"b must have shape \(3,\)"),
    "nnls nan": (lambda: M.nnls([[np.nan]], [1.0]), ValueError, r"a must be finite, got nan at \(0, 0\)"),
    "diverged": (lambda: M.descent([[1.0]], [-750.0], [1, 3], 1e200), ValueError, "no longer finite after 1 steps"),
    "method": (lambda: M.fit_direction(Z, [1, 1, 1], method="sgd"), ValueError, "'normalised', 'constant', got 'sgd'"),
    "steps": (lambda: M.fit_direction(Z, [1, 1, 1], steps=0), ValueError, "steps must be at least 1, got 0"),
    "points": (lambda: M.fit_direction(Z, [1, 1, 1], points=1.5), TypeError, "points must be an integer, got 1.5"),
    "start": (lambda: M.fit_direction(Z, [1, 1, 1], start=[1.0]), ValueError, r"start must have shape \(2,\)"),
    "impl": (lambda: M.fit_direction(Z, [1, 1, 1], impl="C"), ValueError, "'reference', 'kernels', got 'C'"),
    "fit of a clash": (lambda: M.fit_direction([[1.0], [2.0]], [1, -1]), M.NotSeparable, "rows 0, 1 add up"),
}


@pytest.mark.parametrize("what", CALLS)
def test_bad_calls(what):
    call, kind, message = CALLS[what]
    with pytest.raises(kind, match=message):
        call()


def test_inputs_are_not_written_to():
    z, w, times = Z.copy(), W.copy(), np.array([0, 3])
    for array in (z, w, times):
        array.setflags(write=False)
    M.descent(z, w, times, 0.1)
    M.normalised_descent(z, w, times)
    M.log_time_flow(z, w, [0.0, 1.0])
    M.hard_margin(z)
    assert M.descent(z.astype(np.float32), w, times, 0.1).w.dtype == np.float64
