"""Optimizers: the pure steps against worked examples and laws, the class against the steps, late tensors, groups."""

import importlib
import math
import pickle
from dataclasses import FrozenInstanceError, asdict, replace
from functools import partial

import numpy as np
import pytest

from minidl.autograd import Tensor
from minidl.laws.core import agree, identical
from minidl.optim import (
    SGD,
    AdaBound,
    AdaBoundW,
    Adagrad,
    Adam,
    AdamW,
    AMSBound,
    AMSGrad,
    AvaGrad,
    AvaGradW,
    DelayedAdam,
    MomentumSGD,
    Nadam,
    RMSprop,
)

FILES = ("sgd", "rmsprop", "adagrad", "adam", "adamw", "nadam", "delayed_adam", "avagrad", "adabound", "momentum_sgd")
sgd, rmsprop, adagrad, adam, adamw, nadam, delayed_adam, avagrad, adabound, momentum_sgd = (
    importlib.import_module(f"minidl.optim.{name}") for name in FILES
)

W0 = np.array([1.0, -2.0, 0.5])
G = np.array([[0.1, -0.2, 0.3], [0.2, 0.1, -0.3], [-0.1, 0.4, 0.05], [0.3, -0.3, 0.2]])
COUPLED = {
    "sgd": (SGD, sgd.step, dict(lr=0.1)),
    "momentum": (SGD, sgd.step, dict(lr=0.1, momentum=0.9)),
    "dampening": (SGD, sgd.step, dict(lr=0.1, momentum=0.9, dampening=0.5, weight_decay=0.01)),
    "nesterov": (SGD, sgd.step, dict(lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01, maximize=True)),
    "rmsprop": (RMSprop, rmsprop.step, dict(lr=0.1, weight_decay=0.1, maximize=True)),
    "rmsprop_centred": (RMSprop, rmsprop.step, dict(lr=0.1, centered=True, momentum=0.5)),
    "adagrad": (Adagrad, adagrad.step, dict(lr=0.1, lr_decay=0.1, initial_accumulator=0.5, maximize=True)),
    "adam": (Adam, adam.step, dict(lr=0.1)),
    "adam_decay": (Adam, adam.step, dict(lr=0.1, weight_decay=0.1, maximize=True)),
    "amsgrad": (AMSGrad, adam.step, dict(lr=0.1, weight_decay=0.1)),
    "nadam": (Nadam, nadam.step, dict(lr=0.1)),
    "nadam_decay": (Nadam, nadam.step, dict(lr=0.1, weight_decay=0.1, momentum_decay=0.1, maximize=True)),
    "delayed_adam": (DelayedAdam, delayed_adam.step, dict(lr=0.1, weight_decay=0.1, maximize=True)),
    "adabound": (AdaBound, adabound.step, dict(lr=0.1, gamma=0.1, weight_decay=0.1, maximize=True)),
    "amsbound": (AMSBound, adabound.step, dict(lr=0.1, gamma=0.1)),
    "momentum_sgd": (MomentumSGD, momentum_sgd.step, dict(lr=0.1, gamma=0.1, maximize=True)),
}
VARIANTS = COUPLED | {
    "adamw": (AdamW, adamw.step, dict(lr=0.1, weight_decay=0.1, maximize=True)),
    "adaboundw": (AdaBoundW, adabound.step, dict(lr=0.1, gamma=0.1, weight_decay=0.1)),
}
HYPER = {
    SGD: sgd.SGDHyper,
    RMSprop: rmsprop.RMSpropHyper,
    Adagrad: adagrad.AdagradHyper,
    Adam: adam.AdamHyper,
    AMSGrad: partial(adam.AdamHyper, amsgrad=True),
    AdamW: adamw.AdamWHyper,
    Nadam: nadam.NadamHyper,
    DelayedAdam: delayed_adam.DelayedAdamHyper,
    AvaGrad: avagrad.AvaGradHyper,
    AvaGradW: avagrad.AvaGradWHyper,
    AdaBound: adabound.AdaBoundHyper,
    AMSBound: partial(adabound.AdaBoundHyper, amsbound=True),
    AdaBoundW: adabound.AdaBoundWHyper,
    MomentumSGD: momentum_sgd.MomentumSGDHyper,
}
variants = pytest.mark.parametrize(("make", "step", "settings"), VARIANTS.values(), ids=VARIANTS)
coupled = pytest.mark.parametrize(("make", "step", "settings"), COUPLED.values(), ids=COUPLED)


def leaf(values, dtype=np.float64):
    return Tensor(np.array(values, dtype), requires_grad=True)


def run(step, hyper, w, gradients):
    state = {}
    for g in gradients:
        w, state = step(w, g, state, hyper)
    return w, state


# --- the pure steps ------------------------------------------------------------------------------------------------------
# What torch 2.13 computes, printed with ten decimals.
GOLDEN = {
    "sgd": (sgd.step, sgd.SGDHyper(lr=0.1), (0.9500000000, -2.0000000000, 0.4750000000)),
    "momentum": (sgd.step, sgd.SGDHyper(lr=0.1, momentum=0.9), (0.9004100000, -2.0043200000, 0.4486300000)),
    "dampening": (
        sgd.step,
        sgd.SGDHyper(lr=0.1, momentum=0.9, dampening=0.9),
        (0.9590900000, -1.9385300000, 0.4020100000),
    ),
    "nesterov with decay": (
        sgd.step,
        sgd.SGDHyper(lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
        (0.8486327366, -1.9798287161, 0.4230328967),
    ),
    "adam": (adam.step, adam.AdamHyper(lr=0.1), (0.6946904109, -1.9185899499, 0.3746036320)),
    "adam with decay": (
        adam.step,
        adam.AdamHyper(lr=0.1, weight_decay=0.1),
        (0.6443580765, -1.7361619455, 0.3289658732),
    ),
}


@pytest.mark.parametrize(("step", "hyper", "expected"), GOLDEN.values(), ids=GOLDEN)
@pytest.mark.parametrize("maximize", [False, True])
def test_worked_examples(step, hyper, expected, maximize):
    sign = -1 if maximize else 1  # ascent along the negative gradients
    w, _ = run(step, replace(hyper, maximize=maximize), W0, sign * G)
    assert np.abs(w - expected).max() <= 0.5e-10  # half a unit of the last printed digit


def test_nadam_worked_example():
    hyper = nadam.NadamHyper()
    mu = [nadam.momentum(t, hyper) for t in (1, 2, 3)]
    assert np.abs(np.array(mu) - [0.4500734736, 0.4501469352, 0.4502203848]).max() <= 0.5e-10
    w, state = np.array([1.0]), {}
    for t, (g, expected) in enumerate([(0.5, 0.9978870965), (-1, 0.9997002114), (0.25, 0.9992776610)], 1):
        w, state = nadam.step(w, np.array([g]), state, hyper)
        assert abs(w[0] - expected) <= 0.5e-10
        assert state["t"] == t
        agree(np.float64(state["product"]), np.float64(math.prod(mu[:t])), ulps=2, why="product of the momenta")


def test_the_first_momentum_buffer_is_the_gradient_without_dampening():
    _, state = sgd.step(W0, G[0], {}, sgd.SGDHyper(momentum=0.9, dampening=0.9))
    identical(state["buffer"], G[0], why="first buffer")


@variants
def test_nothing_is_written_into_and_nothing_is_shared(make, step, settings):
    """Inputs are read-only arrays, so that writing raises; outputs live in memory of their own."""
    hyper, w, state = HYPER[make](**settings), W0.copy(), {}
    for g in G:
        g = g.copy()
        given = {k: np.array(v) if isinstance(v, np.ndarray) else v for k, v in state.items()}
        before = {k: np.array(v) for k, v in given.items()}
        for a in (w, g, *given.values()):
            if isinstance(a, np.ndarray):
                a.flags.writeable = False
        new, state = step(w, g, given, hyper)
        assert given.keys() == before.keys()
        for name, value in given.items():
            identical(np.asarray(value), before[name], why=f"state {name} as it was")
        outputs = [new, *(v for v in state.values() if isinstance(v, np.ndarray))]
        inputs = [w, g, *(v for v in given.values() if isinstance(v, np.ndarray))]
        assert not any(np.shares_memory(a, b) for a in outputs for b in inputs)
        assert len({id(a) for a in outputs}) == len(outputs)
        w = new


@coupled
def test_a_rate_of_zero_moves_nothing_and_still_remembers(make, step, settings):
    hyper = replace(HYPER[make](**settings), lr=0.0)
    w, state = run(step, hyper, W0, G)
    identical(w, W0, why="parameters")
    _, expected = run(step, replace(hyper, weight_decay=0.0), W0, G)
    _, moving = run(step, replace(hyper, weight_decay=0.0, lr=0.1), W0, G)
    for name in expected:  # without decay the state does not depend on where the parameters are
        identical(np.asarray(expected[name]), np.asarray(moving[name]), why=name)
    assert state.keys() == expected.keys()


@variants
def test_flipping_signs_flips_the_steps(make, step, settings):
    """An exact symmetry of all these methods: rounding to nearest is symmetric too."""
    flip = np.array([1.0, -1.0, -1.0])
    hyper = HYPER[make](**settings)
    identical(run(step, hyper, W0 * flip, G * flip)[0], run(step, hyper, W0, G)[0] * flip, why="flipped")


@pytest.mark.parametrize("scale", [2.0**-40, 2.0**40])
def test_scaling_the_gradients(scale):
    """Powers of two round nothing: SGD moves in proportion, Adam and Nadam (with eps scaled along) as before."""
    for momentum in (0.0, 0.9):
        hyper = sgd.SGDHyper(lr=0.1, momentum=momentum)
        moved = run(sgd.step, hyper, np.zeros(3), G * scale)[0]
        identical(moved, run(sgd.step, hyper, np.zeros(3), G)[0] * scale, why="SGD")
    for step, hyper in ((adam.step, adam.AdamHyper(eps=0.5)), (nadam.step, nadam.NadamHyper(eps=0.5))):
        scaled = run(step, replace(hyper, eps=0.5 * scale), W0, G * scale)[0]
        identical(scaled, run(step, hyper, W0, G)[0], why="no change")


def test_adam_moves_by_its_rate_along_a_constant_gradient():
    g = np.array([1e-9, -3.0, 2e5])
    hyper = adam.AdamHyper(lr=0.1, eps=0.0)
    w, state = np.zeros(3), {}
    for t in range(1, 20):
        w, state = adam.step(w, g, state, hyper)
        # per step about ten roundings of numbers near 1, or of 1 - beta^t, which is off by eps / (1 - beta2) = 1000 eps
        agree(w, -0.1 * t * np.sign(g), ulps=1000 * t, scale=0.1, why=f"after {t} steps")


def test_decay_with_zero_gradients():
    w, _ = run(sgd.step, sgd.SGDHyper(lr=0.25, weight_decay=0.5), W0, np.zeros((6, 3)))
    agree(w, W0 * (1 - 0.25 * 0.5) ** 6, ulps=12, why="(1 - lr lambda)^t w")  # two roundings per step


@coupled
def test_coupled_decay_is_a_gradient_of_its_own(make, step, settings):
    """g + lambda w, after the sign of g has been turned for ascent: bit by bit what a step on that gradient does."""
    hyper = HYPER[make](**settings | dict(weight_decay=0.25))
    bare, sign = replace(hyper, weight_decay=0.0, maximize=False), -1 if hyper.maximize else 1
    w, state, expected, other = W0, {}, W0, {}
    for g in G:
        expected, other = step(expected, sign * g + 0.25 * expected, other, bare)
        w, state = step(w, g, state, hyper)
        identical(w, expected, why="decayed")


def test_defaults():
    """Those of torch and of the released codes; Nadam's rate is that of Keras and of the paper on residual gates too."""
    betas = dict(beta1=0.9, beta2=0.999)
    plain, ascent = dict(weight_decay=0.0), dict(maximize=False)
    adams = dict(lr=1e-3, **betas, eps=1e-8, **plain, **ascent)
    avagrads = dict(lr=0.1, **betas, eps=0.1, variant="synced", **plain, **ascent)
    bounded = dict(lr=1e-3, final_lr=0.1, **betas, gamma=1e-3, eps=1e-8, base_lr=1e-3, **plain, **ascent)
    settings = {
        SGD: dict(lr=1e-3, momentum=0.0, dampening=0.0, nesterov=False, **plain, **ascent),
        RMSprop: dict(lr=1e-2, alpha=0.99, eps=1e-8, momentum=0.0, centered=False, **plain, **ascent),
        Adagrad: dict(lr=1e-2, lr_decay=0.0, initial_accumulator=0.0, eps=1e-10, **plain, **ascent),
        Adam: dict(**adams, amsgrad=False),
        AMSGrad: dict(**adams, amsgrad=True),
        AdamW: adams | dict(amsgrad=False, weight_decay=1e-2),
        Nadam: dict(lr=2e-3, **betas, eps=1e-8, momentum_decay=4e-3, **plain, **ascent),
        DelayedAdam: adams | dict(eps=0.1),
        AvaGrad: avagrads,
        AvaGradW: avagrads,
        AdaBound: dict(**bounded, amsbound=False),
        AMSBound: dict(**bounded, amsbound=True),
        AdaBoundW: dict(**bounded, amsbound=False),
        MomentumSGD: dict(
            lr=1e-3, final_lr=0.1, beta1=0.9, gamma=1e-3, schedule="lower", base_lr=1e-3, **plain, **ascent
        ),
    }
    assert settings.keys() == HYPER.keys()
    for make, expected in settings.items():
        ((_, hyper),) = make([leaf(W0)]).groups
        assert asdict(hyper) == asdict(HYPER[make]()) == expected
        with pytest.raises(FrozenInstanceError):
            hyper.lr = 0.5


def test_momentum_goes_on_after_the_gradient_has_stopped():
    w, _ = run(sgd.step, sgd.SGDHyper(lr=1.0, momentum=0.5), np.zeros(1), np.array([[1.0], [0.0], [0.0], [0.0]]))
    identical(w, np.array([-1.875]), why="1 + 1/2 + 1/4 + 1/8")


# --- the class -----------------------------------------------------------------------------------------------------------
SHAPES = [(), (1,), (3,), (2, 3), (4, 5, 2), (), (130, 130), (129, 129), (1, 0, 3)]  # 128^2 entries and more go alone


@variants
@pytest.mark.parametrize("dtypes", [(np.float64,), (np.float32,), (np.float64, np.float32)], ids=["64", "32", "mixed"])
def test_the_class_is_the_step_on_each_tensor(make, step, settings, dtypes):
    """Small tensors travel as one vector, and come and go: each must be updated as if it were alone, bit by bit.

    A tensor without a gradient is skipped with its state as it is, and its bias corrections count its own steps.
    """
    rng = np.random.default_rng(8)
    tensors = [leaf(rng.standard_normal(s), dtypes[i % len(dtypes)]) for i, s in enumerate(SHAPES)]
    tensors.append(leaf(rng.standard_normal((130, 127)).T))  # by columns
    alone = [[p.numpy()[()], {}] for p in tensors]
    optimizer, hyper = make(tensors, **settings), HYPER[make](**settings)
    for t in range(24):
        if t == 12:
            optimizer.set_hyper(lr=0.03)
            hyper = replace(hyper, lr=0.03)
        present = rng.random(len(tensors)) < (0.6 if 3 < t < 18 else 1.0)
        if t < 2:
            present[1:4] = False  # these join late
        for i, p in enumerate(tensors):
            p.grad = Tensor(rng.standard_normal(p.shape).astype(p.dtype)) if present[i] else None
            if present[i]:
                alone[i][:] = step(alone[i][0], p.grad.numpy()[()], alone[i][1], hyper)
        held = [(p.data, p.numpy()) for p in tensors] if t % 2 else []  # an old value that somebody still looks at
        optimizer.step(forget=t % 3 == 0)
        for seen, old in held:
            identical(seen, old, why="the old value")
        assert all((p.grad is not None) == (there and t % 3 != 0) for p, there in zip(tensors, present, strict=True))
        for p, (w, _) in zip(tensors, alone, strict=True):
            assert p.dtype == w.dtype
            identical(p.data, np.asarray(w), why=f"shape {p.shape} after {t + 1} steps")


@variants
@pytest.mark.parametrize("number", [np.float64, np.float32])
def test_float32_stays_float32_with_numpy_hyperparameters(make, step, settings, number):
    """A np.float64 promotes float32 arrays where a Python float does not; rates often come from np.geomspace."""
    settings = {k: number(v) if isinstance(v, float) else v for k, v in settings.items()}
    for values in (W0, 2.0):
        p = leaf(values, np.float32)
        optimizer = make([p], **settings)
        for _ in range(3):
            optimizer.zero_grad()
            (p * p).sum().backward()
            optimizer.step()
            assert p.dtype == p.grad.dtype == np.float32
    optimizer.set_hyper(lr=number(0.1))
    (p * p).sum().backward()
    optimizer.step()
    assert p.dtype == np.float32


@pytest.mark.parametrize("make", [SGD, Adam, Nadam])
def test_a_quadratic_is_minimised_and_maximised(make):
    """On tensors with shape (), which are NumPy scalars inside, and through the tape."""
    ends = []
    for maximize in (False, True):
        a, b = leaf(3.0), leaf([-2.0, 4.0])
        optimizer = make([a, b], lr=0.05, maximize=maximize)
        for _ in range(300):
            optimizer.zero_grad()
            bowl = (a - 1) ** 2 + ((b - 1) ** 2).sum()
            (-bowl if maximize else bowl).backward()
            optimizer.step()
        # SGD shrinks the distance, at most 3, by 0.9 a step; Adam and Nadam walk 0.05 a step and then settle
        assert max(abs(a.item() - 1), *np.abs(b.data - 1)) <= 0.05
        ends.append([a.item(), *b.data])
    identical(*map(np.array, ends), why="down a bowl, up the bowl upside down")
    optimizer.zero_grad()
    assert a.grad is None


def test_skipped_tensors_keep_value_and_state():
    seen, rare = leaf([1.0]), leaf([1.0])
    optimizer = Adam([seen, rare], lr=0.1)
    for t in range(5):
        seen.grad, rare.grad = Tensor([1.0]), Tensor([1.0]) if t in (0, 4) else None
        optimizer.step()
    w, _ = run(adam.step, adam.AdamHyper(lr=0.1), np.ones(1), np.ones((2, 1)))
    identical(rare.data, w, why="two steps, the second with t = 2")


def test_a_step_without_any_gradient_does_nothing():
    p = leaf(W0)
    optimizer = Adam([p])
    optimizer.step()
    identical(p.data, W0, why="nothing to do")
    p.grad = Tensor(G[0])
    optimizer.step()
    identical(p.data, adam.step(W0, G[0], {}, adam.AdamHyper())[0], why="the first step is still the first")


def test_parameters_and_gradients_may_come_from_another_process():
    """What was pickled has a dtype that is equal to np.float64 and not the same object."""
    p, q = pickle.loads(pickle.dumps(leaf(W0))), leaf(W0)
    p.grad, q.grad = Tensor(G[0]), pickle.loads(pickle.dumps(Tensor(G[0])))
    optimizer = Adam([p, q])
    for _ in range(2):
        optimizer.step()
    w, _ = run(adam.step, adam.AdamHyper(), W0, [G[0], G[0]])
    identical(p.data, w, why="a pickled parameter")
    identical(q.data, w, why="a pickled gradient")


def test_the_tape_keeps_the_values_it_saw():
    p = leaf([2.0])
    y = p * p
    p.grad = Tensor([1.0])
    SGD([p], lr=1.0).step()
    p.grad = None
    y.backward()
    identical(p.grad.data, np.array([4.0]), why="the gradient at the value of the forward pass")


# --- groups --------------------------------------------------------------------------------------------------------------


@variants
def test_grouping_changes_nothing(make, step, settings):
    together, apart = [leaf(W0), leaf([3.0])], [leaf(W0), leaf([3.0])]
    one, many = make(together, **settings), make([{"params": [p]} for p in apart], **settings)
    for g in G:
        for a, b in (together, apart):
            a.grad, b.grad = Tensor(g), Tensor(g[:1])
        one.step()
        many.step()
    for p, q in zip(together, apart, strict=True):
        identical(p.data, q.data, why="one group and two")
