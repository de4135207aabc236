"""Optimizers at the border: hyperparameters, parameters and gradients that cannot be used, and what the messages say."""

import math
from functools import partial

import numpy as np
import pytest

from minidl.autograd import Tensor
from minidl.laws.core import identical
from minidl.optim import SGD, AdaBound, AdaBoundW, Adam, AdamW, AMSBound, AMSGrad, AvaGrad, AvaGradW, DelayedAdam, Nadam
from minidl.optim.adabound import AdaBoundHyper
from minidl.optim.adagrad import AdagradHyper
from minidl.optim.adam import AdamHyper
from minidl.optim.adamw import AdamWHyper
from minidl.optim.avagrad import AvaGradHyper
from minidl.optim.delayed_adam import DelayedAdamHyper
from minidl.optim.momentum_sgd import MomentumSGDHyper
from minidl.optim.nadam import NadamHyper
from minidl.optim.rmsprop import RMSpropHyper
from minidl.optim.sgd import SGDHyper

W0, G0 = np.array([1.0, -2.0, 0.5]), np.array([0.1, -0.2, 0.3])
HYPER = {
    "sgd": SGDHyper,
    "rmsprop": RMSpropHyper,
    "adagrad": AdagradHyper,
    "adam": AdamHyper,
    "adamw": AdamWHyper,
    "nadam": NadamHyper,
    "delayed_adam": DelayedAdamHyper,
    "avagrad": partial(AvaGradHyper, variant="released"),
    "adabound": partial(AdaBoundHyper, base_lr=1.0),
    "momentum_sgd": partial(MomentumSGDHyper, base_lr=1.0),
}
WITH_BETAS = [Adam, AMSGrad, AdamW, Nadam, DelayedAdam, AvaGrad, AvaGradW, AdaBound, AMSBound, AdaBoundW]


def leaf(values):
    return Tensor(np.array(values), requires_grad=True)


NUMBERS = {  # hyperparameter: allowed borders, then what is not
    "lr": ([0, 0.0, 5], [-0.1, math.nan, math.inf, "0.1", None, True, [0.1], np.array([0.1])]),
    "weight_decay": ([0], [-1e-9, math.nan, "a"]),
    "eps": ([0], [-1e-9, math.inf, None]),
    "beta1": ([0, 0.999], [-0.1, 1, 1.0, math.nan]),
    "beta2": ([0, 0.999], [-0.1, 1, 1.5, "b"]),
    "momentum": ([0, 2], [-0.1, math.inf, True]),
    "dampening": ([0, -1], [math.nan, None]),
    "momentum_decay": ([0], [-0.1, math.inf]),
    "alpha": ([0, 0.999], [-0.1, 1, math.nan]),
    "lr_decay": ([0, 2], [-0.1, math.inf]),
    "initial_accumulator": ([0, 2], [-0.1, math.nan]),
    "final_lr": ([0, 2], [-0.1, math.inf]),
    "gamma": ([1e-3, 5], [-0.1, math.nan, "a"]),
    "base_lr": ([1e-3, 5], [-0.1, math.inf]),
}
NEVER_ZERO = {"delayed_adam": ["eps"]}


@pytest.mark.parametrize("make", HYPER)
def test_hyperparameters_are_checked(make):
    names = set(NUMBERS) & set(HYPER[make]().__dataclass_fields__)
    assert len(names) >= 4
    for name in names:
        good, bad = NUMBERS[name]
        for value in good:
            if value == 0 and name in NEVER_ZERO.get(make, ()):
                with pytest.raises(ValueError, match=f"{name} must be positive"):
                    HYPER[make](**{name: value})
                continue
            assert isinstance(getattr(HYPER[make](**{name: value}), name), float)
        for value in bad:
            with pytest.raises(ValueError, match=rf"{name} must be a finite number in \["):
                HYPER[make](**{name: value})


def test_nesterov_needs_momentum_without_dampening():
    for settings in (dict(), dict(momentum=0.9, dampening=0.1)):
        with pytest.raises(ValueError, match="nesterov needs momentum > 0 and dampening = 0"):
            SGD([leaf(W0)], nesterov=True, **settings)


@pytest.mark.parametrize("make", WITH_BETAS)
@pytest.mark.parametrize("betas", [(0.9,), (0.9, 0.99, 0.999), 0.9, None])
def test_betas_are_two(make, betas):
    with pytest.raises(ValueError, match=r"betas must be two numbers, \(beta1, beta2\), got"):
        make([leaf(W0)], betas=betas)


def test_unknown_hyperparameters_name_the_known():
    for call in (
        lambda: SGD([{"params": [leaf(W0)], "learning_rate": 0.1}]),
        lambda: SGD([leaf(W0)]).set_hyper(learning_rate=0.1),
    ):
        with pytest.raises(
            ValueError, match=r"unknown hyperparameters \['learning_rate'\]: SGD has \['lr', 'momentum'"
        ):
            call()


def test_a_bad_change_of_hyperparameters_changes_none():
    optimizer = SGD([{"params": [leaf(W0)], "momentum": 0.9, "nesterov": True}, {"params": [leaf(W0)]}], lr=0.1)
    for changes in (dict(lr=-1), dict(lr=0.5, momentum=0.0), dict(lr=0.5, rate=1)):
        with pytest.raises(ValueError, match=r"must be a finite number|nesterov needs|unknown"):
            optimizer.set_hyper(**changes)
        assert [hyper.lr for _, hyper in optimizer.groups] == [0.1, 0.1]


def test_parameters_are_leaves_that_ask_for_gradients():
    with pytest.raises(ValueError, match=r"at least one parameter, got none: pass model\.parameters\(\)"):
        SGD([])
    with pytest.raises(ValueError, match="at least one parameter"):
        SGD([{"params": []}])
    for params, got in (([W0], "ndarray"), ([leaf(W0), None], "NoneType"), ([{"w": leaf(W0)}], "dict"), ("ab", "str")):
        with pytest.raises(TypeError, match=rf"must be tensors, got {got}: pass model\.parameters\(\)"):
            SGD(params)
    for tensor in (Tensor(W0), leaf(W0) * 2, Tensor([1, 2])):
        with pytest.raises(
            TypeError, match=r"leaf that requires a gradient: make it with Tensor\(x, requires_grad=True\)"
        ):
            SGD([tensor])
    for params in (leaf(W0), None, 3, object()):
        with pytest.raises(TypeError, match=r"dict or a list of tensors, got .*or \[w\] for one tensor"):
            SGD(params)
    with pytest.raises(TypeError, match="either tensors or groups"):
        SGD([{"params": [leaf(W0)]}, leaf(W0)])
    with pytest.raises(TypeError, match=r"or \[w\] for one tensor"):
        SGD([{"params": leaf(W0)}])


def test_a_parameter_appears_once():
    p = leaf(W0)
    for params in ([p, p], {"a": p, "b": p}, [{"params": [p]}, {"params": [leaf(W0), p]}]):
        with pytest.raises(ValueError, match="a parameter appears twice"):
            SGD(params)


@pytest.mark.parametrize(
    ("gradient", "got"),
    [
        (Tensor([1.0]), r"Tensor float64\(1,\)"),
        (Tensor(np.ones((1, 3))), r"Tensor float64\(1, 3\)"),
        (Tensor(np.ones(3, np.float32)), r"Tensor float32\(3,\)"),
        (np.ones(3), r"ndarray float64\(3,\)"),
        ([1.0, 1.0, 1.0], "list"),
    ],
)
@pytest.mark.parametrize("settings", [dict(lr=0.1), dict(lr=0.1, momentum=0.9)])
def test_a_gradient_that_does_not_fit_changes_nothing(gradient, got, settings):
    """Set by hand: one that would broadcast, promote, or is no tensor."""
    first, p, other = leaf(W0), leaf(W0), leaf([1.0])
    first.grad, p.grad, other.grad = Tensor(G0), gradient, Tensor([1.0])
    optimizer = SGD([{"params": [first]}, {"params": [p, other]}], **settings)
    with pytest.raises(ValueError, match=rf"gradient of a float64\(3,\) parameter must be a tensor like it, got {got}"):
        optimizer.step()
    for tensor, before in ((first, W0), (p, W0), (other, np.ones(1))):
        identical(tensor.data, before, why="no tensor moved")
