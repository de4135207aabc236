"""The training loop at the border: what it refuses, before it starts wherever it can, and what the messages say."""

import math

import numpy as np
import pytest

from minidl.autograd import relu
from minidl.laws.core import identical
from minidl.nn import BatchNorm, Linear, Sequential, fit, mean_squared_error, predict
from minidl.optim import SGD

X = np.random.default_rng(1).standard_normal((10, 4))
Y = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0])


def rng(seed=0):
    return np.random.default_rng(seed)


def net():
    return Sequential(Linear(4, 5, rng=rng()), BatchNorm(5), relu, Linear(5, 3, rng=rng(1)))


def train(model=None, x=X, y=Y, *, lr=0.1, **settings):
    model = net() if model is None else model
    settings = {"steps": 4, "batch_size": 4} | settings
    return fit(model, SGD(model.parameters(), lr=lr), x, y, rng=rng(), **settings)


def same_state(one, other):
    for name, value in one.state().items():
        identical(value, other.state()[name], why=name)


def test_how_long_is_said_once():
    for settings in (dict(steps=None), dict(steps=3, epochs=3)):
        with pytest.raises(ValueError, match="pass either steps or epochs"):
            train(**settings)
    for name in ("steps", "epochs"):
        for count in (-1, 2.0, "3"):
            with pytest.raises(ValueError, match=rf"{name} must be an integer of at least 0, got {count!r}"):
                train(**{"steps": None} | {name: count})
    for size in (0, -1, 2.5, None):
        with pytest.raises(ValueError, match="batch_size must be a positive integer"):
            train(batch_size=size)
        with pytest.raises(ValueError, match="batch_size must be a positive integer"):
            predict(net(), X, batch_size=size)


def test_a_seed_is_no_generator():
    model = net()
    with pytest.raises(TypeError, match=r"must be a NumPy generator, got 3: pass rng=np\.random\.default_rng\(3\)"):
        fit(model, SGD(model.parameters()), X, Y, steps=1, rng=3)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_data_must_be_finite(bad):
    x = X.copy()
    x[7, 2] = bad
    with pytest.raises(ValueError, match=rf"x holds {bad} at \(7, 2\): remove or replace"):
        train(x=x)
    with pytest.raises(ValueError, match=rf"y holds {bad} at \(7, 2\)"):
        train(y=x, loss=mean_squared_error)


def test_data_must_be_numbers_in_rows():
    for x in (np.full((10, 4), "a"), np.full((10, 4), None), X * 1j):
        with pytest.raises(TypeError, match="x must hold numbers, got"):
            train(x=x)
        with pytest.raises(TypeError, match="x must hold numbers, got"):
            predict(net(), x)
    with pytest.raises(TypeError, match="y must hold numbers, got"):
        train(y=["cat"] * 10)
    with pytest.raises(ValueError, match=r"x must hold examples along its first axis, got the single number 3\.0"):
        train(x=3.0)


def test_lengths_must_agree():
    for x, y, message in (
        (X[:9], Y, "got 9 examples, 10 labels"),
        (X[:0], Y[:0], "at least one: got 0 examples, 0 labels"),
        (X, Y[:0], "got 10 examples, 0 labels"),
    ):
        with pytest.raises(ValueError, match=message):
            train(x=x, y=y)


@pytest.mark.parametrize(("label", "message"), [(3, r"\[0, 3\), got values from 0 to 3"), (-1, "from -1 to 2")])
@pytest.mark.parametrize("row", [0, 9])
def test_labels_out_of_range_are_found_before_training(label, message, row):
    y = Y.copy()
    y[row] = label
    model = net()
    with pytest.raises(ValueError, match=message):
        train(model, y=y)
    same_state(model, net())


def test_labels_of_sequences_are_checked_too():
    """Logits (N, L, C) with labels (N, L)."""
    model = Linear(4, 3, rng=rng())
    x, y = np.ones((3, 2, 4)), np.full((3, 2), 2)
    train(model, x=x, y=y, steps=1)
    y[2, 1] = 3
    with pytest.raises(ValueError, match=r"labels must lie in \[0, 3\)"):
        train(model, x=x, y=y)


def test_what_does_not_fit_is_found_before_training():
    model = net()
    for settings, error, message in (
        (dict(x=X[:, :3]), ValueError, "Linear takes inputs of width 4, got shape"),
        (dict(y=Y[:, None]), ValueError, r"labels of shape \(2, 1\) do not fit logits of shape \(2, 3\)"),
        (dict(y=np.eye(3)[Y]), ValueError, "expected one integer per row"),
        (dict(y=Y.astype(float)), TypeError, r"labels must be integers .*astype\(int\)"),
        (dict(loss=mean_squared_error), ValueError, "prediction has shape"),
        (dict(loss=lambda p, y: (p - 1) ** 2), ValueError, r"loss must be a scalar, got shape \(2, 3\).*mean\(\)"),
        (
            dict(loss=lambda p, y: float(p.data.mean())),
            TypeError,
            "must be a tensor made from the model's output, got float",
        ),
        (dict(loss=lambda p, y: p.data.mean()), TypeError, "got float64: compute it with minidl's functions"),
    ):
        with pytest.raises(error, match=message):
            train(model, **settings)
        same_state(model, net())


def test_an_optimizer_of_another_model():
    """As after running the cell that makes the model again, but not the one that makes the optimizer."""
    old, new = net(), net()
    with pytest.raises(ValueError, match=r"holds no parameter of this model.*make it from model\.parameters\(\)"):
        fit(new, SGD(old.parameters()), X, Y, steps=1, rng=rng())
    part = SGD(new.layers[3].parameters(), lr=0.1)  # training a part is fine
    fit(new, part, X, Y, steps=3, rng=rng())
    identical(new.layers[0].weight.data, old.layers[0].weight.data, why="the part that rests")
    assert (new.layers[3].weight.data != old.layers[3].weight.data).any()


def test_a_loss_that_stops_being_finite():
    calls = []

    def breaks(p, y):
        calls.append(1)
        return mean_squared_error(p, y) * (math.nan if len(calls) == 4 else 1.0)

    with pytest.raises(ValueError, match="the loss became nan at step 2: lower the learning rate"):
        train(y=X[:, :3], loss=breaks)
    model = Linear(4, 3, rng=rng())
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=r"the loss became (inf|nan) at step \d+: lower"):
        train(model, y=X[:, :3], loss=mean_squared_error, lr=1e150, steps=50)
