"""The table of kinks in the docs, row by row, and stability far out where the formulas as written overflow."""

import re
from pathlib import Path

import numpy as np
import pytest

import minidl.autograd as engine
from minidl.autograd import grad, hvp, value_and_grad, vjp
from minidl.laws.autograd.kinks import KINKS

PAGE = Path(__file__).parent.parent / "docs" / "kinks.md"
NAMES = {name: getattr(engine, name) for name in engine.__all__}


def rows():
    """(function, at, value, gradient) of each row, as Python source."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    assert all(len(row) == 5 and row[4] for row in cells), "a row of the table has five cells, the last one says why"
    return [[cell.strip("`") for cell in row[:4]] for row in cells]


def number(source):
    return np.array(eval(source, {"inf": np.inf, "nan": np.nan}), dtype=float)


ROWS = rows()


def test_the_table_has_what_is_promised():
    assert len(ROWS) >= 25
    for name in ("relu", "abs", "sign", "norm", "clip", "maximum", "minimum", "max", "min", "max_pool2d", "logsumexp"):
        assert any(function.startswith(f"{name}(") for function, *_ in ROWS), name
    for function in ("x ** y", "x ** 0", "x ** 0.5", "sqrt(x)", "0 * sqrt(x)"):
        assert any(row[0] == function for row in ROWS), function


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("function", "at", "value", "gradient"), ROWS, ids=[f"{row[0]} at {row[1]}" for row in ROWS])
def test_row(function, at, value, gradient, dtype):
    point = {name.strip(): number(x).astype(dtype) for name, x in (part.split("=") for part in at.split(";"))}

    def f(*variables):
        return engine.sum(eval(function, NAMES | dict(zip(point, variables, strict=True))))

    with np.errstate(all="ignore"):  # 0 ** -1 and log(-2) are the point of their rows
        plain = eval(function, NAMES | point)
        _, gradients = value_and_grad(f, argnums=tuple(range(len(point))))(*point.values())
    np.testing.assert_array_equal(plain, number(value))
    expected = [number(g) for g in gradient.split(";")]
    assert len(gradients) == len(expected)
    for got, want in zip(gradients, expected, strict=True):
        assert got.dtype == dtype
        np.testing.assert_array_equal(got, want.astype(dtype))


def test_the_laws_pin_the_same_choices_as_the_table():
    functions = {instruction[0] for case in KINKS.values() for instruction in case["program"]}
    text = " ".join(function for function, *_ in ROWS).replace("**", "power")
    assert functions <= set(re.findall(r"\w+", text))


def test_second_derivatives_at_kinks_are_zero_and_no_nan():
    x, v = np.array([0.0, 1.0]), np.array([1.0, 0.0])
    for f in (engine.relu, engine.abs, engine.sqrt, lambda z: z**0.5):
        np.testing.assert_array_equal(hvp(lambda z, f=f: f(z).sum(), x, v), [0.0, 0.0])
    np.testing.assert_array_equal(hvp(engine.norm, np.zeros(2), v), [0.0, 0.0])
    np.testing.assert_array_equal(hvp(lambda z: z**0 @ z, x, v), [0.0, 0.0])


# --- far out -----------------------------------------------------------------------------------------------------------------
def pulled(f, x):
    return vjp(f, x)[1](np.ones_like(f(x)))[0]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
class TestFarOut:
    """Exact answers at +-1e4: at that distance every exponential is 0 or beyond range."""

    def test_softplus(self, dtype):
        x = np.array([-1e4, 1e4], dtype)
        assert engine.softplus(x).dtype == dtype
        np.testing.assert_array_equal(engine.softplus(x), np.array([0, 1e4], dtype))
        np.testing.assert_array_equal(pulled(engine.softplus, x), [0, 1])
        assert float(engine.softplus(np.array([-30], dtype))[0]) == pytest.approx(
            np.exp(-30), rel=4 * float(np.finfo(dtype).eps)
        )

    def test_sigmoid_and_tanh(self, dtype):
        x = np.array([-1e4, 0, 1e4], dtype)
        np.testing.assert_array_equal(engine.sigmoid(x), [0, 0.5, 1])
        np.testing.assert_array_equal(pulled(engine.sigmoid, x), [0, 0.25, 0])
        np.testing.assert_array_equal(engine.tanh(x), [-1, 0, 1])
        np.testing.assert_array_equal(pulled(engine.tanh, x), [0, 1, 0])

    def test_softmax_family(self, dtype):
        x = np.array([[1e4, -1e4, 1e4]], dtype)
        np.testing.assert_array_equal(engine.softmax(x), [[0.5, 0, 0.5]])
        assert engine.logsumexp(x) == dtype(1e4) + np.log(dtype(2))
        np.testing.assert_array_equal(pulled(engine.logsumexp, x), [[0.5, 0, 0.5]])
        low = engine.log_softmax(np.array([[1e4, -1e4]], dtype))
        np.testing.assert_array_equal(low, [[0, -2e4]])
        loss, gradient = value_and_grad(engine.cross_entropy)(np.array([[1e4, -1e4]], dtype), [1])
        assert loss == 2e4
        np.testing.assert_array_equal(gradient, [[1, -1]])

    def test_norm_beyond_the_range_of_squares(self, dtype):
        for scale in (np.finfo(dtype).max / 8, np.finfo(dtype).tiny * 8):
            x = np.array([3, -4], dtype) * dtype(scale)
            assert float(engine.norm(x)) == pytest.approx(5 * float(scale), rel=4 * float(np.finfo(dtype).eps))
            np.testing.assert_allclose(pulled(engine.norm, x), [0.6, -0.8], rtol=4 * np.finfo(dtype).eps)

    def test_slopes_far_out_are_finite(self, dtype):
        for f in (engine.softplus, engine.sigmoid, engine.tanh, engine.erf, engine.log_softmax, engine.softmax):
            gradient = grad(lambda z, f=f: f(z).sum())(np.array([-1e4, -20, 0, 20, 1e4], dtype))
            assert np.isfinite(gradient).all(), f
            assert gradient.dtype == dtype
