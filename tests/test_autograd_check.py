"""The gradient check itself: it passes what is right, finds what is slightly wrong, and says where."""

import math

import numpy as np
import pytest

import minidl.autograd as m
from minidl.autograd import Tensor, check, vjp
from minidl.autograd.check import GradientError, check_gradients

RNG = np.random.default_rng(7)
X = RNG.standard_normal((3, 4))


def off_by(factor, at=None):
    """A cube whose gradient is off by a factor, everywhere or in one entry."""

    def rule(g, y, a):
        term = 3 * g * a**2
        return term * factor if at is None else term + (factor - 1) * term * (np.arange(a.size).reshape(a.shape) == at)

    return m.custom_gradient(lambda a: a**3, rule, name="cube")


@pytest.mark.parametrize("method", ["central", "complex"])
@pytest.mark.parametrize("order", [1, 2])
def test_what_is_right_passes_and_what_is_slightly_wrong_does_not(method, order):
    report = check_gradients(off_by(1.0), X, order=order, method=method)
    assert report.ok
    assert report.checks == 12 * order
    assert report.worst.excess < 1
    for wrong in (1 + 1e-9, 1 - 1e-9, -1.0, 0.0):
        with pytest.raises(GradientError):
            check_gradients(off_by(wrong), X, order=order, method=method)


def test_a_single_wrong_entry_is_named():
    with pytest.raises(GradientError) as caught:
        check_gradients(lambda a, b: a * off_by(1 + 1e-8, at=6)(b), np.ones((3, 4)), X)
    worst = caught.value.report.worst
    assert (worst.argument, worst.index) == (1, (1, 2))
    assert worst.error > worst.tolerance
    assert abs(worst.got / worst.expected - 1) == pytest.approx(1e-8, rel=0.05)
    assert "argument 1, entry (1, 2)" in str(caught.value)
    assert "is allowed" in str(caught.value)


def test_float32_is_held_to_float32():
    single = X.astype(np.float32)
    check_gradients(off_by(1.0), single)
    with pytest.raises(GradientError):
        check_gradients(off_by(1 + 1e-4), single)


def test_a_gradient_in_another_precision_than_its_argument_is_wrong(monkeypatch):
    def wide(f, *args):
        y, pull = vjp(f, *args)
        return y, lambda u: tuple(g.astype(np.float64) for g in pull(u))

    monkeypatch.setattr(check, "vjp", wide)
    with pytest.raises(GradientError, match=r"gradient of argument 0 is float64\(3, 4\), the argument float32\(3, 4\)"):
        check_gradients(m.sin, X.astype(np.float32))


def test_no_absolute_tolerance():
    """A gradient of zero where 1e-30 is right is wrong, and a tiny right one passes."""
    check_gradients(lambda a: a * 1e-30, X)
    with pytest.raises(GradientError):
        check_gradients(m.custom_gradient(lambda a: a * 1e-30, lambda g, y, a: g * 0), X)
    check_gradients(lambda a: a * 1e200, X)
    check_gradients(lambda a: m.exp(a * 50), X)


def test_cancellation_raises_no_false_alarm():
    check_gradients(lambda a: (a + 1e6) ** 2 - a * 2e6, X)
    check_gradients(lambda a: m.logsumexp(a + 300, axis=1) - 300, X, method="complex")
    check_gradients(lambda a: m.softmax(a * 20), X, order=2)


def test_nan_never_passes():
    with pytest.raises(GradientError):
        check_gradients(m.custom_gradient(lambda a: a * 1, lambda g, y, a: g * math.nan), X)
    with pytest.raises(GradientError, match="do not settle"), np.errstate(all="ignore"):
        check_gradients(lambda a: a * math.nan, X)
    with pytest.raises(GradientError), np.errstate(all="ignore"):
        check_gradients(lambda a: m.log(a), -np.ones(2), method="central")


def test_kinks_and_jumps():
    assert check_gradients(m.relu, np.array([1e-9, -1e-9, 3.0])).ok  # steps shrink below the distance to the kink
    with pytest.raises(GradientError):
        check_gradients(m.relu, np.zeros(1))
    jump = m.custom_gradient(lambda a: np.where(a > 1, a + 5, a), lambda g, y, a: g * 1)
    with pytest.raises(GradientError):
        check_gradients(jump, np.array([1.0]))
    check_gradients(lambda a: m.log(a) + m.sqrt(a), np.array([1e-12, 1e-3, 1e12]))  # a pole at 0 is never crossed


def test_what_is_no_float_array_is_handed_through():
    labels = np.array([0, 2, 1])
    report = check_gradients(m.cross_entropy, X, labels, "sum")
    assert report.checks == 12
    assert check_gradients(lambda a, s: a.sum() * s, Tensor(X), 2.0).checks == 13
    assert check_gradients(lambda a: m.sum(a), [1.0, 2.0]).checks == 2
    assert check_gradients(m.sum, np.zeros((0, 3))).checks == 0


def test_the_cotangent_is_random():
    """The rows of softmax sum to 1, so with a seed of ones every gradient is 0, also that of a wrong rule."""
    wrong = m.custom_gradient(
        lambda a: m.softmax(a), lambda g, y, a: 0.5 * y * (g - (g * y).sum(axis=-1, keepdims=True))
    )
    with pytest.raises(GradientError):
        check_gradients(wrong, X)
    first, again, other = (
        check_gradients(m.sin, X, rng=rng).worst.got for rng in (None, None, np.random.default_rng(1))
    )
    assert first == again != other


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: check_gradients(m.exp, X, order=3), "order must be 1 or 2, got 3"),
        (lambda: check_gradients(m.exp, X, method="forward"), 'method must be "central" or "complex"'),
        (lambda: check_gradients(m.exp, np.arange(3)), "needs an argument that is a float array"),
        (lambda: check_gradients(m.abs, X, method="complex"), 'got real results: use method="central"'),
        (lambda: check_gradients(lambda a: a > 0, X), "float results, got bool"),
    ],
)
def test_bad_questions(act, message):
    with pytest.raises(ValueError, match=message):
        act()
