"""Losses: values against formulas in exact sums, gradients against differences, extreme logits, shapes that would broadcast."""

import math

import numpy as np
import pytest

from minidl.autograd import Tensor
from minidl.autograd.check import check_gradients
from minidl.laws.core import agree, identical
from minidl.nn import binary_cross_entropy, cross_entropy, mean_absolute_error, mean_squared_error

RNG = np.random.default_rng(0)
P, T = RNG.standard_normal((4, 3)), RNG.standard_normal((4, 3))
PAIRED = {"squared": mean_squared_error, "absolute": mean_absolute_error, "binary": binary_cross_entropy}


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


def test_regression_losses():
    d = (P - T).ravel()
    # differences, squares and sums of 12 positive terms: at most 14 roundings of eps / 2
    agree(mean_squared_error(P, T), np.float64(math.fsum(d * d) / 12), ulps=8, why="mean of squares")
    agree(mean_absolute_error(P, T), np.float64(math.fsum(np.abs(d)) / 12), ulps=8, why="mean of magnitudes")


def test_binary_cross_entropy_is_the_log_likelihood():
    t = np.array([0.0, 1.0, 0.25, 1.0])
    z = np.array([-2.0, 3.0, 0.5, -1.0])
    terms = [-b * math.log(sigmoid(a)) - (1 - b) * math.log(1 - sigmoid(a)) for a, b in zip(z, t, strict=True)]
    # log(1 - p) of p near 1 loses digits in this formula, not in softplus: p = 0.95 costs a factor of 20
    agree(binary_cross_entropy(z, t), np.float64(math.fsum(terms) / 4), ulps=40, why="-t log p - (1 - t) log(1 - p)")


def test_cross_entropy_is_the_log_likelihood():
    labels = np.array([2, 0, 1, 1])
    terms = [math.log(math.fsum(np.exp(row))) - row[i] for row, i in zip(P, labels, strict=True)]
    # a shift, exponentials, a sum of three, a logarithm: about ten roundings of numbers below 4
    agree(cross_entropy(P, labels), np.float64(math.fsum(terms) / 4), ulps=10, scale=4.0, why="-log softmax")
    agree(cross_entropy(P, labels, "none"), np.array(terms), ulps=10, scale=4.0, why="per row")
    agree(cross_entropy(P, labels, "sum"), np.float64(math.fsum(terms)), ulps=10, scale=16.0, why="sum")


@pytest.mark.parametrize("name", PAIRED)
def test_gradients(name):
    target = np.abs(T) / 4 if name == "binary" else T
    assert check_gradients(PAIRED[name], P, target).ok
    assert check_gradients(lambda p: PAIRED[name](p, target), P, order=2).ok


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_logits(dtype):
    """Certain and right costs nothing; certain and wrong costs its margin; nothing overflows, and neither do gradients."""
    z = Tensor(np.array([1e4, -1e4, 1e4, -1e4], dtype), requires_grad=True)
    loss = binary_cross_entropy(z, np.array([1, 0, 0, 1]))
    identical(loss.data, np.array(5e3, dtype), why="binary")
    loss.backward()
    identical(z.grad.data, np.array([0, 0, 0.25, -0.25], dtype), why="gradient of the binary loss")
    z = Tensor(np.array([[1e4, -1e4], [-1e4, 1e4]], dtype), requires_grad=True)
    loss = cross_entropy(z, np.array([0, 0]))
    identical(loss.data, np.array(1e4, dtype), why="classes")
    loss.backward()
    identical(z.grad.data, np.array([[0, 0], [-0.5, 0.5]], dtype), why="gradient of the loss over classes")


@pytest.mark.parametrize("kind", [np.int64, np.uint8, bool, np.float32, list])
@pytest.mark.parametrize("name", PAIRED)
def test_float32_stays_float32_with_any_labels(name, kind):
    """0 / 1 labels are often integers, which NumPy would promote to float64."""
    p = Tensor(P.astype(np.float32), requires_grad=True)
    labels = (T > 0).tolist() if kind is list else (T > 0).astype(kind)
    loss = PAIRED[name](p, labels)
    loss.backward()
    assert loss.dtype == p.grad.dtype == np.float32
    identical(loss.data, PAIRED[name](p, (T > 0).astype(np.float32)).data, why="labels as float32")


def test_small_unsigned_predictions_do_not_wrap_around():
    one, two = np.array([1], np.uint8), np.array([2], np.uint8)
    assert mean_squared_error(one, two) == mean_absolute_error(one, two) == 1


@pytest.mark.parametrize("name", PAIRED)
@pytest.mark.parametrize("shape", [(4,), (4, 1), (1, 3), (3, 4), (), (1, 4, 3), (3,)])
def test_shapes_that_only_broadcast_are_errors(name, shape):
    with pytest.raises(ValueError, match=r"\(4, 3\).*reshape one of them"):
        PAIRED[name](Tensor(P), np.ones(shape))
    with pytest.raises(ValueError, match=r"\(4, 3\).*reshape one of them"):
        PAIRED[name](np.ones(shape), P)


def test_the_usual_accident():
    """(N, 1) predictions and (N,) targets would give an (N, N) loss."""
    with pytest.raises(ValueError, match=r"prediction has shape \(4, 1\), target \(4,\)"):
        mean_squared_error(np.ones((4, 1)), np.ones(4))


@pytest.mark.parametrize("name", PAIRED)
def test_empty_batches_and_text(name):
    with pytest.raises(ValueError, match=r"empty batch, shape \(0, 3\)"):
        PAIRED[name](np.ones((0, 3)), np.ones((0, 3)))
    with pytest.raises(TypeError, match="a loss takes real numbers, got <U1"):
        PAIRED[name](np.ones(2), np.array(["a", "b"]))


@pytest.mark.parametrize("target", [[0.0, -1.0], [1.0, 2.0], [0.0, math.nan]])
def test_binary_targets_are_probabilities(target):
    for wrap in (np.array, Tensor):
        with pytest.raises(ValueError, match=r"targets must lie in \[0, 1\], got values from .*\(y \+ 1\) / 2"):
            binary_cross_entropy(np.ones(2), wrap(target))


def test_nan_is_not_hidden():
    p = P.copy()
    p[1, 1] = math.nan
    assert math.isnan(mean_squared_error(p, T))
    assert math.isnan(mean_absolute_error(p, T))
    assert math.isnan(binary_cross_entropy(p, np.ones((4, 3))))
    assert math.isnan(cross_entropy(p, np.array([0, 0, 0, 0])))


def test_cross_entropy_errors():
    for labels, error, message in (
        ([0, 3, 0, 0], ValueError, r"labels must lie in \[0, 3\), got values from 0 to 3"),
        ([0, -1, 0, 0], ValueError, r"labels must lie in \[0, 3\), got values from -1 to 0"),
        ([0.0, 1.0, 0.0, 0.0], TypeError, r"labels must be integers .*astype\(int\)"),
        ([0, 1], ValueError, r"labels of shape \(2,\) do not fit logits of shape \(4, 3\)"),
        (np.eye(4, 3, dtype=int), ValueError, "expected one integer per row"),
    ):
        with pytest.raises(error, match=message):
            cross_entropy(P, np.array(labels))
    with pytest.raises(ValueError, match="empty batch"):
        cross_entropy(np.ones((0, 3)), np.ones(0, int))
    with pytest.raises(ValueError, match='"mean", "sum" or "none"'):
        cross_entropy(P, np.zeros(4, int), reduction="avg")
