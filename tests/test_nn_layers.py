"""Linear, Conv2d, Embedding, Dropout: values against formulas written out, gradients against differences, bad input."""

import math

import numpy as np
import pytest

from minidl.autograd import Tensor
from minidl.autograd.check import check_gradients
from minidl.laws.core import agree, identical, within
from minidl.nn import Conv2d, Dropout, Embedding, Linear, dropout, he_normal

CERTAIN = math.log(2e9)  # two-sided bounds that exclude the truth with probability at most 1e-9


def rng(seed=0):
    return np.random.default_rng(seed)


def as_function(layer, **keywords):
    """The layer as a function of its input and its parameters, in the order of their names."""
    slots = layer._slots()
    names = list(layer.parameters())

    def f(x, *values):
        for name, value in zip(names, values, strict=True):
            container, key, _ = slots[name]
            container[key] = value
        return layer(x, **keywords)

    return f, [p.numpy() for p in layer.parameters().values()]


# --- Linear --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 4, 3), (0, 3), (2, 0, 3)])
def test_linear_value(shape, bias):
    layer = Linear(3, 2, bias=bias, rng=rng())
    if bias:
        layer.bias.assign([0.5, -1.5])
    x = rng(1).standard_normal(shape)
    W, b = layer.weight.data, layer.bias.data if bias else np.zeros(2)
    expected = np.array(
        [[math.fsum([*(row * W[:, j]), b[j]]) for j in range(2)] for row in x.reshape(-1, 3).tolist()]
    ).reshape(*shape[:-1], 2)
    # three products and a bias: at most four roundings, each of at most eps / 2 of the sum of magnitudes
    scale = np.abs(x) @ np.abs(W) + np.abs(b)
    agree(layer(x).data, expected, ulps=2, scale=scale, why="x W + b")


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 4, 3)])
def test_linear_gradients(shape, bias):
    f, values = as_function(Linear(3, 2, bias=bias, rng=rng()))
    assert check_gradients(f, rng(1).standard_normal(shape), *values).ok


def test_linear_second_order():
    f, values = as_function(Linear(3, 2, rng=rng()))
    assert check_gradients(lambda *a: f(*a) ** 3, rng(1).standard_normal((4, 3)), *values, order=2).ok


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [int, np.uint8, bool, list])
def test_linear_takes_integers_as_floats_of_its_dtype(dtype, kind):
    layer = Linear(3, 2, rng=rng(), dtype=dtype)
    numbers = np.array([[1, 0, 1], [0, 1, 1]])
    y = layer(numbers.tolist() if kind is list else numbers.astype(kind))
    assert y.dtype == dtype
    identical(y.data, layer(numbers.astype(dtype)).data, why="integers and the same numbers as floats")


@pytest.mark.parametrize("shape", [(5, 4), (3, 5), (), (2, 28, 28)])
def test_linear_names_the_width_and_the_remedy(shape):
    with pytest.raises(ValueError, match=r"width 3, got shape .*reshape\(len\(x\), -1\)"):
        Linear(3, 2, rng=rng())(np.ones(shape))


@pytest.mark.parametrize("x", [np.array([["a", "b", "c"]]), np.array([[1, 2, None]]), np.ones((1, 3)) * 1j])
@pytest.mark.parametrize(
    "make", [lambda: Linear(3, 2, rng=rng()), lambda: Conv2d(3, 2, rng=rng()), lambda: Dropout(0.1)]
)
def test_layers_refuse_what_is_no_real_number(make, x):
    with pytest.raises(TypeError, match=r"takes real numbers, got .*convert"):
        make()(x)


# --- Conv2d --------------------------------------------------------------------------------------------------------------
def convolution(x, w, b, stride, padding):
    """Each output entry by its own sum, and the sums of the terms' magnitudes."""
    (n, _, height, width), (filters, _, k, _) = x.shape, w.shape
    padded = np.zeros((*x.shape[:2], height + 2 * padding, width + 2 * padding))
    padded[:, :, padding : padding + height, padding : padding + width] = x
    out = [(m + 2 * padding - k) // stride + 1 for m in (height, width)]
    y, scale = np.zeros((2, n, filters, *out))
    for i, f, p, q in np.ndindex(n, filters, *out):
        terms = padded[i, :, p * stride : p * stride + k, q * stride : q * stride + k] * w[f]
        y[i, f, p, q] = math.fsum([*terms.ravel(), b[f]])
        scale[i, f, p, q] = np.abs(terms).sum() + abs(b[f])
    return y, scale


CONVOLUTIONS = [(3, 1, None), (3, 2, None), (1, 2, None), (2, 1, None), (3, 1, 0), (5, 2, 3)]  # size, stride, padding


@pytest.mark.parametrize(("size", "stride", "padding"), CONVOLUTIONS)
@pytest.mark.parametrize("bias", [True, False])
def test_conv_value(size, stride, padding, bias):
    layer = Conv2d(2, 3, size, stride=stride, padding=padding, bias=bias, rng=rng())
    if bias:
        layer.bias.assign([0.5, -1.0, 2.0])
    x = rng(1).standard_normal((2, 2, 6, 5))
    b = layer.bias.data if bias else np.zeros(3)
    expected, scale = convolution(x, layer.weight.data, b, stride, size // 2 if padding is None else padding)
    # 2 size^2 products and a bias: as many roundings, each of at most eps / 2 of the sum of magnitudes
    agree(layer(x).data, expected, ulps=size * size + 1, scale=scale, why="convolution")


@pytest.mark.parametrize(("size", "stride", "padding"), CONVOLUTIONS[:3])
def test_conv_gradients(size, stride, padding):
    f, values = as_function(Conv2d(2, 3, size, stride=stride, padding=padding, rng=rng()))
    assert check_gradients(f, rng(1).standard_normal((2, 2, 5, 4)), *values).ok


def test_conv_keeps_height_and_width_by_default():
    assert Conv2d(2, 4, rng=rng()).weight.shape == (4, 2, 3, 3)
    for size in (1, 3, 5, 7):
        assert Conv2d(1, 1, size, rng=rng())(np.ones((1, 1, 9, 8))).shape == (1, 1, 9, 8)


def test_conv_takes_integers_as_floats_of_its_dtype():
    layer = Conv2d(1, 2, rng=rng(), dtype=np.float32)
    pixels = rng().integers(0, 256, (2, 1, 5, 5), dtype=np.uint8)
    identical(layer(pixels).data, layer(pixels.astype(np.float32)).data, why="pixels and floats")
    assert layer(pixels.astype(np.int64)).dtype == np.float32


@pytest.mark.parametrize("shape", [(5, 28, 28), (5, 28, 28, 3), (5, 2, 28, 28), (28,)])
def test_conv_names_the_channels_and_the_remedy(shape):
    with pytest.raises(ValueError, match=r"images \(N, 3, H, W\), got shape .*x\[:, None\].*transpose\(0, 3, 1, 2\)"):
        Conv2d(3, 2, rng=rng())(np.ones(shape))


@pytest.mark.parametrize("padding", [-1, 1.0, "same"])
def test_conv_padding_is_checked_when_it_is_built(padding):
    with pytest.raises(ValueError, match="padding must be an integer of at least 0"):
        Conv2d(1, 1, rng=rng(), padding=padding)


# --- Embedding -----------------------------------------------------------------------------------------------------------
def test_embedding_is_rows_of_its_table():
    layer = Embedding(5, 3, rng=rng())
    x = np.array([[4, 0, 4], [1, 1, 1]])
    expected = np.array([[layer.weight.data[i] for i in row] for row in x])
    identical(layer(x).data, expected, why="rows")
    identical(layer(x.astype(np.uint8)).data, expected, why="rows by small unsigned numbers")
    identical(layer(3).data, layer.weight.data[3], why="one row")
    assert layer(np.zeros((2, 0), int)).shape == (2, 0, 3)


def test_embedding_adds_the_gradients_of_a_repeated_index():
    layer = Embedding(4, 2, rng=rng())
    x = np.array([2, 0, 2, 2])
    g = rng(1).integers(-9, 9, (4, 2)).astype(float)  # integers, so that sums are exact
    layer(x).backward(g)
    identical(layer.weight.grad.data, np.array([g[1], [0, 0], g[0] + g[2] + g[3], [0, 0]]), why="sum over occurrences")
    f, (table,) = as_function(Embedding(4, 2, rng=rng()))
    assert check_gradients(lambda t: f(x, t), table).ok


@pytest.mark.parametrize("x", [[0.0, 1.0], [], ["a"], [True]])
def test_embedding_takes_integers_only(x):
    with pytest.raises(TypeError, match=r"takes integers, got .*astype\(int\)"):
        Embedding(4, 2, rng=rng())(np.array(x))


@pytest.mark.parametrize("x", [[-1], [0, 4]])
def test_embedding_indices_are_in_range(x):
    with pytest.raises(ValueError, match=rf"rows 0 to 3, got indices from {min(x)} to {max(x)}"):
        Embedding(4, 2, rng=rng())(x)


# --- Dropout -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dropout_with_given_noise(dtype):
    x = np.array([[1.0, -2.0], [3.0, 4.0]], dtype)
    u = np.array([[0.2, 0.19999], [0.9, 0.0]])  # u < rate is dropped: 0.2 itself stays
    expected = np.array([[1.25, 0.0], [3.75, 0.0]], dtype)
    got = dropout(x, u, 0.2)
    assert got.dtype == dtype
    agree(got, expected, ulps=2, why="kept entries divided by 1 - rate")  # one rounding of the factor, one product
    x = Tensor(x, requires_grad=True)
    dropout(x, u, 0.2).backward(np.ones((2, 2)))
    agree(x.grad.data, np.array([[1.25, 0.0], [1.25, 0.0]], dtype), ulps=1, why="the gradient passes where x did")


def test_dropout_of_integers_scales_them_as_floats():
    agree(dropout(np.arange(4), np.ones(4) / 2, 0.2), np.arange(4) / 0.8, ulps=2, why="integers")


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_drops_at_its_rate_and_keeps_the_mean(rate):
    n = 100_000
    y = Dropout(rate)(np.ones(n), training=True, rng=rng(7))
    dropped = np.mean(y == 0)
    halfwidth = math.sqrt(CERTAIN / (2 * n))
    within(dropped, rate, halfwidth, why="share of zeros", bound=f"Hoeffding, n={n}, P <= 1e-9")
    identical(np.unique(y), np.unique([0, 1 / (1 - rate)]), why="what is left of ones")
    # the same bound for entries in [0, 1 / (1 - rate)]
    within(y.mean(), 1, halfwidth / (1 - rate), why="mean", bound=f"Hoeffding, n={n}, P <= 1e-9")


def test_dropout_draws_anew_from_the_generator():
    layer, x, generator = Dropout(0.5), np.ones(64), rng(3)
    first, second = (layer(x, training=True, rng=generator) for _ in range(2))
    assert (first != second).any()
    identical(layer(x, training=True, rng=rng(3)), first, why="the same seed again")


def test_dropout_rests_outside_training_and_at_rate_zero():
    x = rng().standard_normal((3, 4))
    identical(Dropout(0.5)(x), x, why="inference")
    identical(Dropout(0.0)(x, training=True), x, why="rate 0 needs no generator")
    identical(dropout(x, np.zeros((3, 4)), 0.0), x, why="nothing is below 0")


def test_dropout_errors():
    for rate in (-0.1, 1, 1.0, math.nan):
        with pytest.raises(ValueError, match=r"rate must lie in \[0, 1\)"):
            Dropout(rate)
    with pytest.raises(ValueError, match=r"pass rng=np.random.default_rng"):
        Dropout(0.5)(np.ones(3), training=True)
    with pytest.raises(ValueError, match=r"noise of shape \(4, 3\).*got \(3,\)"):
        dropout(np.ones((4, 3)), np.ones(3), 0.5)
    with pytest.raises(ValueError, match=r"rate in \[0, 1\), got \(3,\) and 1"):
        dropout(np.ones(3), np.ones(3), 1)


# --- all of them ---------------------------------------------------------------------------------------------------------
LAYERS = {
    "Linear": (lambda **k: Linear(3, 2, **k), np.ones((4, 3))),
    "Conv2d": (lambda **k: Conv2d(3, 2, **k), np.ones((4, 3, 5, 5))),
    "Embedding": (lambda **k: Embedding(3, 2, **k), np.array([0, 2, 2])),
}


@pytest.mark.parametrize("name", LAYERS)
def test_float32_stays_float32(name):
    make, x = LAYERS[name]
    layer = make(rng=rng(), dtype=np.float32)
    x = Tensor(x.astype(np.float32), requires_grad=True) if x.dtype.kind == "f" else x
    y = layer(x, training=True)
    y.sum().backward()
    tensors = [y, *layer.parameters().values()] + [p.grad for p in layer.parameters().values()]
    assert {t.dtype for t in tensors} == {np.dtype(np.float32)}
    if isinstance(x, Tensor):
        assert x.grad.dtype == np.float32


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("seed", [0, None, np.random.RandomState(0)])
def test_a_seed_is_no_generator(name, seed):
    with pytest.raises(TypeError, match=r"must be a NumPy generator, got .*np.random.default_rng\("):
        LAYERS[name][0](rng=seed)


@pytest.mark.parametrize("name", LAYERS)
def test_the_same_seed_gives_the_same_layer(name):
    one, same, other = (LAYERS[name][0](rng=rng(seed)).weight.data for seed in (1, 1, 2))
    identical(one, same, why="the same seed")
    assert (one != other).any()


@pytest.mark.parametrize("size", [0, -1, 2.0, "3", True, None])
def test_sizes_are_positive_integers(size):
    for make in (
        lambda: Linear(size, 2, rng=rng()),
        lambda: Linear(2, size, rng=rng()),
        lambda: Conv2d(1, size, rng=rng()),
        lambda: Conv2d(1, 1, size, rng=rng()),
        lambda: Conv2d(1, 1, rng=rng(), stride=size),
        lambda: Embedding(size, 1, rng=rng()),
    ):
        with pytest.raises(ValueError, match="must be a positive integer, got "):
            make()


def test_numpy_integers_are_sizes():
    assert Linear(np.int64(3), np.uint8(2), rng=rng(), init=he_normal).weight.shape == (3, 2)
