"""Batch norm and layer norm: values by NumPy's own statistics, gradients by differences, running statistics, edge cases."""

import numpy as np
import pytest

from minidl.autograd import Tensor, vjp
from minidl.autograd.check import check_gradients
from minidl.laws.core import agree, identical
from minidl.nn import BatchNorm, LayerNorm, standardize

SHAPES = {"dense": (6, 3), "pair": (2, 3), "sequence": (4, 3, 5), "images": (2, 3, 3, 2)}
GAMMA, BETA = np.array([1.5, -0.5, 2.0]), np.array([0.3, -1.0, 0.0])


def rng(seed=0):
    return np.random.default_rng(seed)


def batch_norm(**keywords):
    layer = BatchNorm(3, **keywords)
    layer.gamma.assign(GAMMA)
    layer.beta.assign(BETA)
    return layer


def per_feature(values, ndim):
    return values.reshape((1, -1) + (1,) * (ndim - 2))


def expected_batch_norm(x, mean, variance, eps):
    mean, variance, gamma, beta = (per_feature(np.asarray(a), x.ndim) for a in (mean, variance, GAMMA, BETA))
    return gamma * ((x - mean) / np.sqrt(variance + eps)) + beta


def statistics(x):
    """Mean and biased variance of each feature, one feature after the other."""
    features = [np.take(x, i, axis=1).ravel() for i in range(x.shape[1])]
    return np.array([f.mean() for f in features]), np.array([f.var() for f in features])


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("eps", [1e-5, 0.5])
def test_training_value(shape, eps):
    x = rng().standard_normal(shape) * 3 + 1
    y = batch_norm(eps=eps)(x, training=True)
    # x / sigma is of size 10 and rounds a few times before gamma, at most 2, multiplies it
    agree(y.data, expected_batch_norm(x, *statistics(x), eps), ulps=50, why="batch norm")


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_inference_value(shape):
    layer = batch_norm(eps=1e-3)
    layer.running_mean, layer.running_variance = np.array([0.1, -2.0, 0.0]), np.array([2.0, 0.5, 0.0])
    x = rng().standard_normal(shape)
    expected = expected_batch_norm(x, layer.running_mean, layer.running_variance, 1e-3)
    before = layer.state()
    agree(layer(x).data, expected, ulps=8, why="with running statistics")  # subtract, root, divide, multiply, add
    for name, value in layer.state().items():
        identical(value, before[name], why=f"inference leaves {name} alone")


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_gradients(shape, training):
    layer = BatchNorm(3)
    layer.running_mean, layer.running_variance = np.array([0.1, -2.0, 0.0]), np.array([2.0, 0.5, 1.0])

    def f(x, gamma, beta):
        layer.gamma, layer.beta = gamma, beta
        return layer(x, training=training)

    assert check_gradients(f, rng().standard_normal(shape), GAMMA, BETA).ok
    if not training:
        return
    assert check_gradients(f, rng().standard_normal(shape), GAMMA, BETA, order=2).ok


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)])
def test_standardize_has_gradients_of_second_order(axes):
    assert check_gradients(lambda x: standardize(x, axes, 0.01), rng().standard_normal((4, 3)), order=2).ok


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_gradient_has_no_mean_and_no_part_along_xhat(shape):
    """Shifting or stretching x changes nothing where eps is negligible: the gradient is orthogonal to both."""
    x, g = rng().standard_normal(shape), rng(1).standard_normal(shape)
    axes = (0, *range(2, x.ndim))
    xhat, pull = vjp(lambda x: standardize(x, axes, 1e-300), x)
    (dx,) = pull(g)
    # dx is a difference of three terms of the size of g / sigma; a sum of n of them has n roundings
    terms = np.abs(g).sum(axis=axes) / x.std(axis=axes)
    agree(dx.sum(axis=axes), np.zeros(3), ulps=x.size, scale=terms, why="sum of the gradient")
    along = terms * np.abs(xhat).max(axis=axes)
    agree((dx * xhat).sum(axis=axes), np.zeros(3), ulps=x.size, scale=along, why="product with xhat")


def test_a_large_mean_costs_no_digits_of_the_variance():
    """E x^2 - (E x)^2 would lose all of them: 1e8 squared is 1e16 times the variance."""
    centred = rng().integers(-4, 5, (50, 3)).astype(float)
    centred[0] -= centred.sum(axis=0)  # the mean is exactly 0, and x - 1e8 exactly representable
    x = centred + 1e8
    agree(standardize(x, (0,), 1e-5), standardize(centred, (0,), 1e-5), ulps=4, why="shifted by 1e8")


# --- running statistics --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("momentum", [0.1, 0.01, 0.0, 1.0])
def test_running_statistics(shape, momentum):
    """Momentum weighs the new value; the variance that enters is the unbiased one; the start is (0, 1)."""
    layer, mean, variance = BatchNorm(3, momentum=momentum), np.zeros(3), np.ones(3)
    for seed in range(4):
        x = rng(seed).standard_normal(shape) + 2
        layer(x, training=True)
        features = [np.take(x, i, axis=1).ravel() for i in range(3)]
        mean = (1 - momentum) * mean + momentum * np.array([f.mean() for f in features])
        variance = (1 - momentum) * variance + momentum * np.array([f.var(ddof=1) for f in features])
    # per step a mean over at most 20 entries and three more roundings
    agree(layer.running_mean, mean, ulps=40, why="running mean")
    agree(layer.running_variance, variance, ulps=40, why="running variance")


def test_a_batch_with_one_entry_per_feature_gives_beta():
    layer = batch_norm()
    x = Tensor(rng().standard_normal((1, 3)) * 100, requires_grad=True)
    y = layer(x, training=True)
    identical(y.data, BETA[None], why="batch of one")
    y.backward(np.array([[1.0, 2.0, 3.0]]))
    identical(x.grad.data, np.zeros((1, 3)), why="x does not matter")
    identical(layer.gamma.grad.data, np.zeros(3), why="neither does gamma")
    identical(layer.beta.grad.data, np.array([1.0, 2.0, 3.0]), why="beta's gradient")
    # the batch's mean is x and its variance counts as 0
    agree(layer.running_mean, 0.1 * x.data[0], ulps=1, why="running mean")
    agree(layer.running_variance, np.full(3, 0.9), ulps=1, why="running variance")


def test_one_image_is_enough_for_statistics():
    x = rng().standard_normal((1, 3, 4, 4))
    y = BatchNorm(3)(x, training=True)
    # the mean of 16 numbers of size 1, which are first divided by sigma
    agree(y.data.mean(axis=(0, 2, 3)), np.zeros(3), ulps=32, scale=1.0, why="statistics over height and width")


# --- layer norm ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 4, 3), (0, 3)])
@pytest.mark.parametrize("training", [True, False])
def test_layer_norm_value(shape, training):
    layer = LayerNorm(3, eps=1e-2)
    layer.gamma.assign(GAMMA)
    layer.beta.assign(BETA)
    x = rng().standard_normal(shape)
    rows = [GAMMA * (row - row.mean()) / np.sqrt(row.var() + 1e-2) + BETA for row in x.reshape(-1, 3)]
    agree(layer(x, training=training).data, np.array(rows).reshape(shape), ulps=20, scale=5.0, why="layer norm")


@pytest.mark.parametrize("order", [1, 2])
def test_layer_norm_gradients(order):
    layer = LayerNorm(3)

    def f(x, gamma, beta):
        layer.gamma, layer.beta = gamma, beta
        return layer(x)

    assert check_gradients(f, rng().standard_normal((2, 2, 3)), GAMMA, BETA, order=order).ok


# --- dtypes and bad input ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("number", [float, np.float64, np.float32])
@pytest.mark.parametrize("make", [BatchNorm, LayerNorm])
def test_float32_stays_float32(make, number):
    """Also with hyperparameters that are NumPy scalars, which would promote."""
    keywords = {"momentum": number(0.1)} if make is BatchNorm else {}
    layer = make(3, eps=number(1e-3), dtype=np.float32, **keywords)
    x = Tensor(rng().standard_normal((4, 3)).astype(np.float32), requires_grad=True)
    for training in (True, False):
        y = layer(x, training=training)
        y.sum().backward()
        arrays = [y, x.grad, layer.gamma.grad, layer.beta.grad, *layer.state().values()]
        assert {a.dtype for a in arrays} == {np.dtype(np.float32)}


def test_running_statistics_keep_their_dtype_when_the_data_has_another():
    for inner, outer in ((np.float32, np.float64), (np.float64, np.float32)):
        layer = BatchNorm(3, dtype=inner)
        layer(rng().standard_normal((4, 3)).astype(outer), training=True)
        assert layer.running_mean.dtype == layer.running_variance.dtype == inner


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("make", [BatchNorm, LayerNorm])
def test_integers_count_as_floats(make, training):
    x = np.array([[0, 1, 2], [3, 7, 1]])
    layer, other = make(3), make(3)
    identical(
        layer(x, training=training).data, other(x.astype(float), training=training).data, why="integers as floats"
    )


@pytest.mark.parametrize("shape", [(4, 2), (3,), (), (2, 4, 3), (2, 4, 3, 3)])
def test_batch_norm_names_its_features(shape):
    with pytest.raises(ValueError, match="3 features on axis 1, got shape"):
        BatchNorm(3)(np.ones(shape))


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_of_nothing(training):
    with pytest.raises(ValueError, match=r"empty batch, shape \(0, 3\)"):
        BatchNorm(3)(np.ones((0, 3)), training=training)


@pytest.mark.parametrize("shape", [(4, 2), (), (3, 4)])
def test_layer_norm_names_its_features(shape):
    with pytest.raises(ValueError, match="3 features on the last axis, got shape"):
        LayerNorm(3)(np.ones(shape))


def test_hyperparameters():
    assert (BatchNorm(3).momentum, BatchNorm(3).eps, LayerNorm(3).eps) == (0.1, 1e-5, 1e-5)
    for eps in (0, -1e-5, float("nan")):
        for make in (BatchNorm, LayerNorm):
            with pytest.raises(ValueError, match="eps must be positive"):
                make(3, eps=eps)
    for momentum in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match=r"momentum must lie in \[0, 1\]"):
            BatchNorm(3, momentum=momentum)
    with pytest.raises(ValueError, match="features must be a positive integer"):
        BatchNorm(0)


def test_nan_stays_in_its_feature():
    x = rng().standard_normal((4, 3))
    x[1, 2] = np.nan
    y = BatchNorm(3)(x, training=True).data
    assert np.isnan(y[:, 2]).all()
    assert np.isfinite(y[:, :2]).all()
