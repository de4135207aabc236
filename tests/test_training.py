"""The training loop: what it visits, when it stops, what it shows; predict and accuracy."""

import io
import os
import re
import signal
import sys
import threading
import time

import numpy as np
import pytest

from minidl.autograd import Tensor, relu
from minidl.laws.core import agree, identical
from minidl.nn import (
    BatchNorm,
    Dropout,
    Linear,
    Module,
    Sequential,
    accuracy,
    cross_entropy,
    fit,
    mean_squared_error,
    predict,
)
from minidl.optim import SGD, Adam


def rng(seed=0):
    return np.random.default_rng(seed)


X = rng(1).standard_normal((10, 4))
Y = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0])


def net(seed=0, dtype=np.float64):
    return Sequential(
        Linear(4, 5, rng=rng(seed), dtype=dtype),
        BatchNorm(5, dtype=dtype),
        relu,
        Dropout(0.2),
        Linear(5, 3, rng=rng(seed + 1), dtype=dtype),
    )


def train(model=None, x=X, y=Y, *, lr=0.1, seed=0, **settings):
    model = net() if model is None else model
    settings = {"steps": 4, "batch_size": 4} | settings
    return model, fit(model, SGD(model.parameters(), lr=lr, momentum=0.9), x, y, rng=rng(seed), **settings)


def same_state(one, other):
    for name, value in one.state().items():
        identical(value, other.state()[name], why=name)


class Rows(Module):
    """Learns one number, and writes down which rows it was trained on (their first entry)."""

    def __init__(self):
        self.w = Tensor([1.0], requires_grad=True)
        self.seen = []

    def __call__(self, x, *, training=False, rng=None):
        if training:
            self.seen.append(np.asarray(x)[:, 0].astype(int).tolist())
        return self.w * x


def visits(n=10, seed=0, **settings):
    model, x = Rows(), np.arange(n, dtype=float)[:, None]
    history = fit(model, SGD(model.parameters(), lr=0.0), x, x, rng=rng(seed), loss=mean_squared_error, **settings)
    assert history.steps == len(history.losses) == len(model.seen)
    assert not history.interrupted
    return model.seen


# --- what it visits ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("n", "batch_size", "sizes"), [(10, 4, [4, 4, 2]), (8, 4, [4, 4]), (3, 128, [3]), (3, 1, [1] * 3)]
)
def test_each_epoch_visits_every_example_once(n, batch_size, sizes):
    seen = visits(n, epochs=3, batch_size=batch_size)
    assert [len(rows) for rows in seen] == sizes * 3
    flat = [row for rows in seen for row in rows]
    epochs = [flat[i : i + n] for i in range(0, 3 * n, n)]
    assert all(sorted(epoch) == list(range(n)) for epoch in epochs)
    if n == 10:
        assert epochs[0] != epochs[1] != epochs[2] != list(range(n))


def test_steps_cut_an_epoch_and_run_on_into_the_next():
    long = visits(epochs=3, batch_size=4)
    for steps in (0, 1, 3, 5, 9):
        assert visits(steps=steps, batch_size=4) == long[:steps]
    assert visits(epochs=0) == []
    assert [len(rows) for rows in visits(300, epochs=1)] == [128, 128, 44]


def test_batches_depend_on_the_generator_alone():
    assert visits(epochs=2, batch_size=3, seed=5) == visits(epochs=2, batch_size=3, seed=5)
    assert visits(epochs=2, batch_size=3, seed=5) != visits(epochs=2, batch_size=3, seed=6)


def test_it_is_the_loop_that_one_would_write():
    model, history = train(steps=5)
    other, generator, losses = net(), rng(), []
    optimizer = SGD(other.parameters(), lr=0.1, momentum=0.9)
    while len(losses) < 5:
        order = generator.permutation(10)
        for rows in (order[:4], order[4:8], order[8:]):
            if len(losses) == 5:
                break
            other.zero_grad()
            loss = cross_entropy(other(X[rows], training=True, rng=generator), Y[rows])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    assert history.losses == losses
    same_state(model, other)


def test_no_steps_change_nothing():
    model, history = train(steps=0)
    assert history.losses == []
    same_state(model, net())


def test_it_learns():
    model = net()
    x = rng(2).standard_normal((200, 4))
    y = (x[:, :3]).argmax(axis=1)
    fit(model, Adam(model.parameters(), lr=0.02), x, y, epochs=30, batch_size=20, rng=rng())
    assert accuracy(model, x, y) > 0.9  # chance is 1/3; a linear map solves it


def test_float32_stays_float32():
    model, history = train(net(dtype=np.float32), x=X.astype(np.float32))
    assert {a.dtype for a in model.state().values()} == {np.dtype(np.float32)}
    assert all(type(loss) is float for loss in history.losses)


def test_lists_and_integers_are_data():
    same_state(train(x=X.tolist(), y=Y.tolist())[0], train()[0])
    pixels = rng().integers(0, 256, (10, 4), dtype=np.uint8)
    same_state(train(x=pixels)[0], train(x=pixels.astype(float))[0])
    same_state(train(y=Y.astype(np.uint8))[0], train()[0])


def test_on_step_is_told_each_step_and_its_loss():
    told = []
    _, history = train(steps=3, on_step=lambda *news: told.append(news))
    assert told == list(enumerate(history.losses))


def test_a_parameter_that_is_not_reached_has_gradient_zero():
    """So that momentum goes on moving it; an optimizer alone would skip it."""

    class Half(Module):
        def __init__(self):
            self.used, self.unused, self.reach = (Tensor(v, requires_grad=True) for v in (1.0, 1.0, 1.0))
            self.steps = 0

        def __call__(self, x, *, training=False, rng=None):
            self.steps += training
            return self.used * x + (self.unused * x if self.steps <= 1 else 0.0)

    model = Half()
    x = np.ones((2, 1))
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.5)
    fit(model, optimizer, x, 0 * x, steps=3, rng=rng(), loss=lambda p, y: (p - y).mean())
    identical(model.reach.data, np.array(1.0), why="never reached, no momentum")
    assert all(p.grad is None for p in model.parameters().values())  # training leaves no gradients behind
    agree(model.unused.data, np.array(1 - 0.1 * (1 + 0.5 + 0.25)), ulps=4, why="gradients 1, 0, 0")
    agree(model.used.data, np.array(1 - 0.1 * (1 + 1.5 + 1.75)), ulps=4, why="gradients 1, 1, 1")


def test_a_frozen_parameter_rests():
    """Also where weight decay or momentum would move one whose gradient is zero."""
    model = net()
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    fit(model, optimizer, X, Y, steps=2, rng=rng())
    weight = model.layers[0].weight
    weight.requires_grad = False
    before = model.state()
    fit(model, optimizer, X, Y, steps=2, rng=rng())
    moved = [name for name, value in model.state().items() if (value != before[name]).any()]
    assert "layers.0.weight" not in moved
    assert len(moved) == len(before) - 1


# --- Ctrl-C --------------------------------------------------------------------------------------------------------------
def press(at, times=1):
    def on_step(step, loss):
        if step == at:
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGINT)

    return on_step


@pytest.fixture
def handler():
    """A handler of the user's own, which must be back afterwards."""

    def own(number, frame):
        raise AssertionError("the user's handler ran during training")

    previous = signal.signal(signal.SIGINT, own)
    yield own
    signal.signal(signal.SIGINT, previous)


def test_ctrl_c_returns_with_what_was_learned(handler):
    model, history = train(steps=1000, on_step=press(at=2))
    assert history.interrupted
    assert history.steps == 3
    same_state(model, train(steps=3)[0])
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_second_ctrl_c_interrupts_at_once(handler):
    with pytest.raises(KeyboardInterrupt):
        train(steps=1000, on_step=press(at=0, times=2))
    assert signal.getsignal(signal.SIGINT) is handler


def test_the_handler_comes_back_after_errors_and_after_the_end(handler):
    train(steps=1)
    assert signal.getsignal(signal.SIGINT) is handler
    with pytest.raises(ZeroDivisionError):
        train(on_step=lambda step, loss: 1 / 0)
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_process_that_ignores_ctrl_c_goes_on_ignoring_it():
    """As in the background of a shell script."""
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        _, history = train(steps=3, on_step=press(at=0))
    finally:
        signal.signal(signal.SIGINT, previous)
    assert history.steps == 3
    assert not history.interrupted


def test_it_runs_in_a_worker_thread():
    results = []
    worker = threading.Thread(target=lambda: results.append(train(steps=3)))
    worker.start()
    worker.join()
    same_state(results[0][0], train(steps=3)[0])


# --- progress ------------------------------------------------------------------------------------------------------------
class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("progress", [True, "epoch 3"])
def test_the_bar_shows_label_steps_and_loss_on_a_terminal(monkeypatch, progress):
    """Warnings are errors here, so the bar may not give any."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    _, history = train(steps=4, progress=progress, on_step=lambda step, loss: screen.write(""))
    text = screen.getvalue()
    assert history.steps == 4
    assert ("training" if progress is True else progress) in text
    assert "/4 [" in text


def test_the_bar_shows_a_moving_average_of_the_loss(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    _, history = train(steps=4, progress=True, on_step=lambda step, loss: time.sleep(0.11))  # it redraws every 0.1 s
    smooth = [history.losses[0]]
    for loss in history.losses[1:]:
        smooth.append(0.98 * smooth[-1] + 0.02 * loss)
    shown = re.findall(r"loss=([\d.]+)", screen.getvalue())
    assert set(shown) <= {f"{value:.3f}" for value in smooth}
    assert shown[-1] != f"{smooth[0]:.3f}"


def test_the_bar_is_silent_without_a_terminal_or_unasked(capsys, monkeypatch):
    train(steps=4, progress=True)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys, "stderr", Terminal())
    train(steps=4)
    train(steps=4, progress=False)
    assert sys.stderr.getvalue() == ""


def test_an_interrupted_bar_is_closed(monkeypatch, handler):
    monkeypatch.setattr(sys, "stderr", Terminal())
    _, history = train(steps=50, progress=True, on_step=press(at=1))
    assert (history.steps, history.interrupted) == (2, True)
    assert signal.getsignal(signal.SIGINT) is handler


# --- predict and accuracy ------------------------------------------------------------------------------------------------
def test_predict_is_inference_in_batches():
    model, _ = train()
    before = model.state()
    expected = model(X).data
    for batch_size in (1, 3, 10, 1024):
        got = predict(model, X, batch_size=batch_size)
        assert type(got) is np.ndarray
        # the same sums; only the product's blocking may depend on the number of rows
        agree(got, expected, ulps=16, why=f"batches of {batch_size}")
    agree(predict(model, X.tolist()), expected, ulps=16, why="a list")
    assert predict(net(dtype=np.float32), X.astype(np.float32)).dtype == np.float32
    for name, value in model.state().items():
        identical(value, before[name], why=f"{name} untouched")
    assert predict(lambda x, training: x[:, :2], X).shape == (10, 2)  # a function will do


def test_predict_leaves_no_tape():
    model = net()
    assert model(X).requires_grad
    predict(model, X)
    assert all(p.grad is None for p in model.parameters().values())


def test_accuracy_counts():
    def model(x, training):
        return x

    scores = np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7], [0.5, 0.5]])
    assert accuracy(model, scores, [1, 0, 0, 0]) == 0.75  # a tie goes to the first class
    assert accuracy(model, scores, np.array([1.0, 0.0, 0.0, 0.0])) == 0.75
    assert type(accuracy(model, scores, [1, 0, 0, 0])) is float
    sequences = np.array([[[0, 1, 2], [5, 0, 1]], [[0, 3, 2], [1, 2, 0]]])  # (N, L, C)
    assert accuracy(model, sequences, [[2, 0], [1, 0]]) == 0.75


@pytest.mark.parametrize("labels", [np.zeros((10, 1), int), np.zeros(9, int), np.zeros((10, 3)), np.zeros(1, int)])
def test_accuracy_needs_a_label_per_example(labels):
    """(N, 1) labels would compare every example with every label."""
    with pytest.raises(ValueError, match=r"one label per example, shape \(10,\), got labels of shape"):
        accuracy(net(), X, labels)


def test_nothing_to_predict():
    for call in (lambda: predict(net(), X[:0]), lambda: accuracy(net(), X[:0], Y[:0]), lambda: predict(net(), [])):
        with pytest.raises(ValueError, match="predict got no examples"):
            call()
