"""Whole runs of every optimizer: worked examples with ten printed digits, and what the border refuses."""

import inspect

import numpy as np
import pytest

from minidl.laws.core import agree, identical
from minidl.optim import trajectories
from minidl.optim.adabound import AdaBoundHyper, AdaBoundWHyper, clipped_rates
from minidl.optim.adabound import step as adabound_step
from minidl.optim.avagrad import AvaGradHyper, normaliser, reciprocal_rates
from minidl.optim.avagrad import step as avagrad_step

W0 = np.array([1.0, -2.0, 0.5])
G = np.array([[0.1, -0.2, 0.3], [0.2, 0.1, -0.3], [-0.1, 0.4, 0.05], [0.3, -0.3, 0.2]])
FALLING = np.array([[0.02, -0.2, 2], [-0.01, 0.1, -3], [0.03, 0.4, 0.5], [0.01, -0.3, 0.1]])  # v falls and rises
SHALLOW = np.array([[0.2, -0.2, 0.1], [-0.1, 0.1, -0.2], [0.15, 0.05, 0.1], [0.1, -0.3, 0.05]])
LR = np.full(4, 0.1)
HALF_A_DIGIT = 0.5e-10  # of the last printed one

SGD = dict(momentum=0.0, dampening=0.0, nesterov=False, weight_decay=0.0)
RMSPROP = dict(alpha=0.99, eps=1e-8, momentum=0.0, centered=False, weight_decay=0.0)
ADAGRAD = dict(lr_decay=0.0, initial_accumulator=0.0, eps=1e-10, weight_decay=0.0)
ADAM = dict(beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0)
AVAGRAD = dict(sizes=(2, 1), beta1=0.9, beta2=0.999, eps=0.1, weight_decay=0.0, variant="synced")
BAND = dict(final_lr=0.1, beta1=0.9, beta2=0.999, gamma=1e-3, eps=1e-8, weight_decay=0.0)
MOMENTUM = dict(final_lr=0.1, beta1=0.9, gamma=1e-3, schedule="lower")
PROJECTED = dict(alpha=0.1, final_lr=0.1, beta1=np.full(4, 0.9), beta2=0.999, gamma=1e-3, radius=2.0)
TIGHT = BAND | dict(lr=np.full(4, 0.05), final_lr=0.2, gamma=0.5, beta2=0.9)
WIDE = BAND | dict(final_lr=1.0, gamma=0.05, beta2=0.5)

SETTINGS = {
    "sgd": SGD,
    "rmsprop": RMSPROP,
    "adagrad": ADAGRAD,
    "adam": ADAM,
    "amsgrad": ADAM,
    "adamw": ADAM,
    "delayed_adam": ADAM | dict(eps=0.1),
    "avagrad": AVAGRAD,
    "avagradw": AVAGRAD,
    "adabound": BAND,
    "amsbound": BAND,
    "adaboundw": BAND,
    "momentum_sgd": MOMENTUM,
    "adabound_projected": PROJECTED,
}


def run(name, w=W0, gradients=G, **settings):
    """The trajectory of one function, its inputs by name, with the method's defaults and a learning rate of 0.1."""
    function = getattr(trajectories, name)
    given = dict(w=w, gradients=gradients, lr=np.full(len(gradients), 0.1)) | SETTINGS[name] | settings
    return function(*(given[p] for p in inspect.signature(function).parameters))


LAST = {  # function, its settings, gradients, w_4
    "sgd": ("sgd", {}, G, (0.9500000000, -2.0000000000, 0.4750000000)),
    "momentum": ("sgd", dict(momentum=0.9), G, (0.9004100000, -2.0043200000, 0.4486300000)),
    "dampening": ("sgd", dict(momentum=0.9, dampening=0.9), G, (0.9590900000, -1.9385300000, 0.4020100000)),
    "nesterov": (
        "sgd",
        dict(momentum=0.9, nesterov=True, weight_decay=0.01),
        G,
        (0.8486327366, -1.9798287161, 0.4230328967),
    ),
    "adam": ("adam", {}, G, (0.6946904109, -1.9185899499, 0.3746036320)),
    "adam decay": ("adam", dict(weight_decay=0.1), G, (0.6443580765, -1.7361619455, 0.3289658732)),
    "adamw": ("adamw", dict(weight_decay=0.1), G, (0.6605973220, -1.8428247487, 0.3578014185)),
    "rmsprop": ("rmsprop", {}, G, (-1.2627155166, -1.7732832577, -0.3373744348)),
    "rmsprop centred": (
        "rmsprop",
        dict(momentum=0.9, centered=True),
        G,
        (-4.9067243375, -0.8768772387, -1.6882461529),
    ),
    "adagrad": ("adagrad", {}, G, (0.7739224432, -1.9772362599, 0.4166066482)),
    "delayed adam": ("delayed_adam", dict(beta2=0.9), G, (0.9328618864, -1.9944453567, 0.4607365501)),
    "avagrad paper": ("avagrad", dict(variant="paper"), G, (0.9897576790, -2.0004949844, 0.4948961622)),
    "avagrad released": ("avagrad", dict(variant="released"), G, (0.9736827702, -2.0088382844, 0.4952235064)),
    "avagrad released decay": (
        "avagrad",
        dict(variant="released", weight_decay=0.1),
        G,
        (0.9534226409, -1.9708220096, 0.4842197918),
    ),
    "avagradw released": (
        "avagradw",
        dict(variant="released", weight_decay=0.1),
        G,
        (0.9441843788, -1.9493608240, 0.4803698290),
    ),
    "avagrad synced": ("avagrad", {}, G, (0.9569156046, -2.0096367710, 0.4948575258)),
    "adam where v falls": ("adam", dict(beta2=0.5), FALLING, (0.7449375136, -1.9080475114, 0.4450222581)),
    "amsgrad where v falls": ("amsgrad", dict(beta2=0.5), FALLING, (0.7647487073, -1.9120363254, 0.4369253550)),
    "adabound decay": (
        "adabound",
        TIGHT | dict(weight_decay=0.1),
        FALLING,
        (0.9632200908, -1.9303178938, 0.4702947918),
    ),
    "adaboundw": ("adaboundw", TIGHT | dict(weight_decay=0.1), FALLING, (0.6525456000, -1.3105560000, 0.3134235245)),
    "adabound, lr dropped": (
        "adabound",
        TIGHT | dict(lr=np.array([0.05, 0.05, 0.005, 0.005])),
        FALLING,
        (0.9982255600, -1.9858789333, 0.4635214541),
    ),
    "adabound wide": ("adabound", WIDE, SHALLOW, (0.7438645165, -1.8215881807, 0.4183539665)),
    "amsbound wide": ("amsbound", WIDE, SHALLOW, (0.7603460359, -1.8283254693, 0.4236415558)),
    "adabound defaults": ("adabound", dict(lr=np.full(4, 1e-3)), G, (0.9969469095, -1.9991859011, 0.4987460375)),
}


@pytest.mark.parametrize(("name", "settings", "gradients", "expected"), LAST.values(), ids=LAST)
def test_worked_examples(name, settings, gradients, expected):
    trajectory = run(name, gradients=gradients, **settings)
    assert trajectory.shape == (4, 3)
    assert np.abs(trajectory[-1] - expected).max() <= HALF_A_DIGIT


def test_avagrad_released_step_by_step():
    """Nothing moves at t = 1, and the normaliser is one step older than the rates."""
    hyper, w, state = AvaGradHyper(lr=0.1, eps=0.1, variant="released"), W0, {}
    moved = {1: W0, 2: (0.9923684211, -1.9985964912, 0.5003947368), 3: (0.9872944081, -2.0089355115, 0.4999269534)}
    for t, (g, gamma) in enumerate(zip(G, (0.1, 0.2204683592, 0.2540129288, 0.2752714651), strict=True), 1):
        w, state = avagrad_step(w, g, state, hyper)
        assert abs(state["gamma"] - gamma) <= HALF_A_DIGIT
        assert t not in moved or np.abs(w - moved[t]).max() <= HALF_A_DIGIT
        if t == 1:
            assert state["gamma"] == 0.1  # exactly eps
            identical(w, W0, why="the first step")


def test_avagrad_released_without_eps():
    """gamma_1 = 0, so the first two steps do not move; then all is as usual, if every first gradient was nonzero."""
    hyper, w, state = AvaGradHyper(lr=0.1, eps=0.0, variant="released"), W0, {}
    for t, (g, gamma) in enumerate(zip(G, (0, 0.1050043862, 0.1481964812, 0.1669932868), strict=True), 1):
        w, state = avagrad_step(w, g, state, hyper)
        assert abs(state["gamma"] - gamma) <= HALF_A_DIGIT
        if t <= 2:
            identical(w, W0, why=f"step {t}")
        if t == 3:
            assert np.abs(w - (0.9960551649, -2.0080390953, 0.4997029396)).max() <= HALF_A_DIGIT


def test_avagrad_released_along_a_constant_gradient():
    hyper, w, state = AvaGradHyper(lr=0.1, eps=1e-3, variant="released"), W0, {}
    g = np.array([0.3, -0.5, 2.0])
    expected = (0.001, 0.3138657113, 0.3622200110, 0.3841135509, 0.3966681643)
    for gamma in expected:
        w, state = avagrad_step(w, g, state, hyper)
        assert abs(state["gamma"] - gamma) <= HALF_A_DIGIT
    limit = normaliser([np.abs(g) + 1e-3])  # 1 / rms(1 / (|g| + eps))
    assert abs(limit - 0.4432247365) <= HALF_A_DIGIT
    for _ in range(20000):
        before = state["gamma"]
        w, state = avagrad_step(w, g, state, hyper)
        assert before <= state["gamma"] * (1 + 4e-16)
    agree(np.float64(state["gamma"]), np.float64(limit), ulps=2**24, why="gamma after its bias correction has died out")


def test_the_papers_rates():
    v = 0.001 * G[0] ** 2
    r = reciprocal_rates(v, 1, AvaGradHyper(eps=0.1, variant="paper"))
    assert np.abs(normaliser([r]) / r - (1.0297416093, 0.9991152984, 0.9702581299)).max() <= HALF_A_DIGIT


RATES = {  # settings, gradients, then per step: w (or None) and rate
    "tight": (
        TIGHT,
        FALLING,
        {
            1: ((0.9988000000, -1.9880000000, 0.4500000008), (0.6, 0.6, 0.2499999960)),
            2: ((0.9984800000, -1.9848000000, 0.4622627875), (0.4, 0.4, 0.1021898890)),
            3: ((0.9972400000, -1.9957333333, 0.4692227875), (0.3333333333, 0.3333333333, 0.12)),
            4: ((0.9959356000, -1.9955893333, 0.4748494541), (0.3, 0.3, 0.1333333333)),
        },
    ),
    "lr dropped": (
        TIGHT | dict(lr=np.array([0.05, 0.05, 0.005, 0.005])),
        FALLING,
        {4: (None, (0.03, 0.03, 0.0133333333))},
    ),
    "wide": (WIDE, SHALLOW, {4: (None, (2.3482779463, 1.2670678997, 2.9078217410))}),
    "wide, amsbound": (WIDE | dict(amsbound=True), SHALLOW, {4: (None, (1.9908495158, 1.2670678997, 1.8769909315))}),
}


@pytest.mark.parametrize(("settings", "gradients", "expected"), RATES.values(), ids=RATES)
def test_adabound_rates(settings, gradients, expected):
    settings = dict(settings)
    rates = settings.pop("lr", LR)
    w, state, base = W0, {}, float(rates[0])
    for t, (g, lr) in enumerate(zip(gradients, rates, strict=True), 1):
        hyper = AdaBoundHyper(lr=float(lr), base_lr=base, **settings)
        w, state = adabound_step(w, g, state, hyper)
        rate = clipped_rates(state.get("vmax", state["v"]), t, hyper)
        if t in expected:
            where, rates_then = expected[t]
            assert where is None or np.abs(w - where).max() <= HALF_A_DIGIT
            assert np.abs(rate - rates_then).max() <= HALF_A_DIGIT


# --- dtypes and the border -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", SETTINGS)
def test_float32_stays_and_nothing_is_written_into(name):
    w, gradients = W0.astype(np.float32), FALLING.astype(np.float32)
    for a in (w, gradients):
        a.flags.writeable = False
    trajectory = run(name, w, gradients)
    assert trajectory.dtype == np.float32
    assert trajectory.shape == (4, 3)
    assert not np.shares_memory(trajectory, gradients)
    wide = run(name, w.astype(np.float64), gradients.astype(np.float64))
    # four steps of about ten roundings each, of numbers of size 1
    agree(trajectory, wide.astype(np.float32), ulps=40, scale=np.abs(wide).max(), why="float32 beside float64")
    identical(run(name, W0, np.asfortranarray(FALLING)), run(name, W0, FALLING), why="columns first")


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e5])
def test_centred_rmsprop_along_a_constant_gradient(scale):
    r"""The variance is $g^2 \alpha^t (1 - \alpha^t)$: a difference of the two averages has lost it."""
    steps, alpha = 60, 0.5
    g = scale * np.array([0.3, -0.7])
    trajectory = run("rmsprop", np.zeros(2), np.tile(g, (steps, 1)), alpha=alpha, eps=0.0, centered=True)
    decayed = alpha ** np.arange(1, steps + 1)
    expected = -0.1 * np.sign(g) * np.cumsum(1 / np.sqrt(decayed * (1 - decayed)))[:, None]
    # the variance is rounded about four times a step, its root has half of that; the sum adds one per step
    agree(trajectory, expected, ulps=3 * steps, scale=np.abs(expected), why="closed form")


def test_a_band_without_end():
    """gamma towards 0 is plain Adam, with eps added to the uncorrected root; in float32 too, where the bound is no number."""
    for dtype, ulps in ((np.float64, 40), (np.float32, 40)):
        w, gradients = W0.astype(dtype), G.astype(dtype)
        for name, adam in (("adabound", "adam"), ("amsbound", "amsgrad")):
            got = run(name, w, gradients, gamma=1e-300, eps=0.0)
            agree(got, run(adam, w, gradients, eps=0.0), ulps=ulps, why="unclipped")  # ten roundings a step


def test_a_step_of_lr_zero_moves_nothing():
    lr = np.array([0.1, 0.0, 0.1, 0.0])
    for name in set(SETTINGS) - {"adabound_projected"}:
        w1, w2, w3, w4 = run(name, lr=lr)
        identical(w2, w1, why=name)
        identical(w4, w3, why=name)
        assert not np.array_equal(w3, w2)


def test_decoupled_decay_of_adabound_is_not_scaled_by_the_rate():
    trajectory = run("adaboundw", gradients=np.zeros((4, 3)), weight_decay=0.25)
    identical(trajectory, W0 * 0.75 ** np.arange(1, 5)[:, None], why="3/4 and its powers round nothing here")
    assert AdaBoundWHyper.decoupled
    assert not AdaBoundHyper.decoupled
