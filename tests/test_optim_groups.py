"""Groups of parameters: hyperparameters of their own, which change between steps; groups that are added later."""

import importlib

import numpy as np
import pytest

from minidl.autograd import Tensor
from minidl.laws.core import identical
from minidl.optim import SGD, AdaBound, Adam, MomentumSGD
from minidl.optim.optimizer import Optimizer

sgd = importlib.import_module("minidl.optim.sgd")

W0 = np.array([1.0, -2.0, 0.5])
G = np.array([[0.1, -0.2, 0.3], [0.2, 0.1, -0.3], [-0.1, 0.4, 0.05], [0.3, -0.3, 0.2]])


def leaf(values, dtype=np.float64):
    return Tensor(np.array(values, dtype), requires_grad=True)


def run(step, hyper, w, gradients):
    state = {}
    for g in gradients:
        w, state = step(w, g, state, hyper)
    return w, state


def test_groups_have_hyperparameters_of_their_own():
    a, b, c = leaf(W0), leaf(W0), leaf(W0)
    groups = [{"params": [a], "lr": 0.5}, {"params": {"b": b}, "weight_decay": 0.0}, {"params": (p for p in [c])}]
    optimizer = SGD(groups, lr=0.1, weight_decay=0.01)
    for g in G:
        a.grad = b.grad = c.grad = Tensor(g)
        optimizer.step()
    for p, settings in ((a, dict(lr=0.5)), (b, dict(weight_decay=0.0)), (c, {})):
        w, _ = run(sgd.step, sgd.SGDHyper(**dict(lr=0.1, weight_decay=0.01) | settings), W0, G)
        identical(p.data, w, why=f"group with {settings}")
    optimizer.set_hyper(lr=0.0)
    optimizer.step()
    identical(a.data, run(sgd.step, sgd.SGDHyper(lr=0.5, weight_decay=0.01), W0, G)[0], why="lr 0 in all groups")
    assert [hyper.weight_decay for _, hyper in optimizer.groups] == [0.01, 0.0, 0.01]


def test_changing_the_rate_keeps_the_state():
    p = leaf(W0)
    optimizer = SGD([p], lr=0.1, momentum=0.9)
    w, state = W0, {}
    for lr, g in zip((0.1, 0.1, 0.01, 0.0), G, strict=True):
        optimizer.set_hyper(lr=lr)
        p.grad = Tensor(g)
        optimizer.step()
        w, state = sgd.step(w, g, state, sgd.SGDHyper(lr=lr, momentum=0.9))
        identical(p.data, w, why=f"lr {lr}")


def test_hyperparameters_are_no_attributes():
    """An assignment that changes nothing would look like one that does."""
    optimizer = Adam([leaf(W0)])
    for name, value in (("lr", 0.5), ("weight_decay", 0.1)):
        with pytest.raises(AttributeError, match=rf"change it with set_hyper\({name}={value}\)"):
            setattr(optimizer, name, value)
    optimizer.label = "first"  # anything else is free
    assert optimizer.label == "first"


def test_an_optimizer_of_ones_own():
    """A pure step and its hyperparameters are all it takes."""

    def signs(w, g, state, hyper):
        return w - hyper.lr * np.sign(g), state

    p, q = leaf([1.0, 2.0]), leaf(0.0)
    p.grad, q.grad = Tensor([5.0, -5.0]), Tensor(1.0)
    Optimizer([p, q], signs, sgd.SGDHyper(lr=0.5)).step()
    identical(p.data, np.array([0.5, 2.5]), why="by sign")
    identical(q.data, np.array(-0.5), why="by sign, shape ()")


@pytest.mark.parametrize("make", [AdaBound, MomentumSGD])
def test_groups_can_be_added(make):
    a, b, late = (Tensor([1.0, 2.0], requires_grad=True) for _ in range(3))
    optimizer = make([{"params": [a]}, {"params": {"b": b}, "lr": 0.1}], lr=0.01, gamma=0.5)
    assert [hyper.base_lr for _, hyper in optimizer.groups] == [0.01, 0.1]
    optimizer.set_hyper(lr=0.02)
    optimizer.add_group({"late": late}, lr=0.5)
    assert [(hyper.lr, hyper.base_lr) for _, hyper in optimizer.groups] == [(0.02, 0.01), (0.02, 0.1), (0.5, 0.5)]
    alone = Tensor([1.0, 2.0], requires_grad=True)
    beside = make([alone], lr=0.5, gamma=0.5)
    for _ in range(3):
        late.grad = alone.grad = Tensor([0.3, -1.0])
        optimizer.step()
        beside.step()
    identical(late.data, alone.data, why="a group added later moves as one from the start")
    assert not np.array_equal(late.data, [1.0, 2.0])
    identical(a.data, np.array([1.0, 2.0]), why="without a gradient")
    names = [list(group["tensors"]) for group in optimizer.state_dict()["groups"]]
    assert names == [["0"], ["b"], ["late"]]


def test_a_group_that_cannot_be_added_changes_nothing():
    p, q = Tensor([1.0], requires_grad=True), Tensor([1.0], requires_grad=True)
    optimizer = Adam([p])
    for params, hyper, error, message in (
        ([p], {}, ValueError, "a parameter appears twice"),
        ([q, q], {}, ValueError, "a parameter appears twice"),
        ([q], dict(lr=-1), ValueError, "lr must be a finite number"),
        ([q], dict(rate=1), ValueError, "unknown hyperparameters"),
        ([], {}, ValueError, "at least one parameter"),
        ({1: q, "1": Tensor([1.0], requires_grad=True)}, {}, ValueError, "two tensors of a group have one name"),
        (q, {}, TypeError, r"or \[w\] for one tensor"),
        ([np.ones(2)], {}, TypeError, "parameters must be tensors"),
    ):
        with pytest.raises(error, match=message):
            optimizer.add_group(params, **hyper)
        assert len(optimizer.groups) == len(optimizer.state_dict()["groups"]) == 1


def test_the_band_follows_lr_and_starts_where_the_group_does():
    """Halving lr halves the whole step, with clipped and unclipped entries alike."""
    steps = []
    for lr in (0.1, 0.05):
        p = Tensor(np.zeros(3), requires_grad=True)
        optimizer = AdaBound([p], lr=0.1, gamma=0.5)
        for t in range(3):
            if t == 2:
                before = p.numpy()
                optimizer.set_hyper(lr=lr)
            p.grad = Tensor([1e-4, 0.1, 3.0])
            optimizer.step()
        steps.append(p.numpy() - before)
    # the difference of two numbers of size 0.1 or less, each rounded once
    assert np.abs(steps[1] - steps[0] / 2).max() <= 4 * np.finfo(float).eps * np.abs(before).max()
