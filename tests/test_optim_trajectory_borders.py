"""What whole runs refuse: dtypes, shapes, learning rates and hyperparameters that cannot be used."""

import math

import numpy as np
import pytest
from test_optim_trajectories import LR, SETTINGS, W0, G, run

from minidl.laws.core import identical


@pytest.mark.parametrize("name", SETTINGS)
def test_the_border(name):
    for bad, error, message in (
        (dict(w=np.array([1, -2, 0])), TypeError, "w must be float64 or float32, got int64"),
        (dict(gradients=np.ones((4, 3), int)), TypeError, "gradients must be float64 or float32, got int64"),
        (dict(w=W0.astype(np.float32)), TypeError, "one dtype, got float32 and float64"),
        (dict(w=W0.astype(np.float16)), TypeError, "got float16"),
        (dict(w=W0[:2]), ValueError, r"gradients must have shape \(T, 2\).*got \(4, 3\)|sum to the 2 entries of w"),
        (dict(w=W0[None]), ValueError, r"w must be a vector \(d,\)"),
        (dict(w=np.zeros(0), gradients=np.zeros((4, 0))), ValueError, r"at least one entry|sum to the 0 entries"),
        (dict(gradients=G[0]), ValueError, r"gradients must have shape \(T, 3\)"),
        (dict(gradients=G[:0], lr=LR[:0], beta1=LR[:0]), ValueError, "T >= 1"),
    ):
        given = dict(bad)
        if name != "adabound_projected" and "beta1" in SETTINGS[name]:
            given.pop("beta1", None)
        with pytest.raises(error, match=message):
            run(name, **given)


@pytest.mark.parametrize("name", sorted(set(SETTINGS) - {"adabound_projected"}))
def test_learning_rates_are_one_per_step(name):
    for lr in (0.1, LR[:3], LR[None], np.ones((4, 1))):
        with pytest.raises(ValueError, match=r"lr must have shape \(4,\).*pass np.full\(4, lr\)"):
            run(name, lr=lr)
    for lr in (["a"] * 4, np.array([True] * 4)):
        with pytest.raises(TypeError, match="lr must hold numbers"):
            run(name, lr=lr)
    for t, value in ((0, -0.1), (2, math.nan), (3, math.inf)):
        lr = LR.copy()
        lr[t] = value
        with pytest.raises(ValueError, match="lr must be a finite number"):
            run(name, lr=lr)


NEGATIVE = ("momentum", "eps", "weight_decay", "lr_decay", "initial_accumulator", "final_lr", "gamma", "radius")


@pytest.mark.parametrize("name", SETTINGS)
def test_hyperparameters_out_of_range(name):
    given = SETTINGS[name]
    refused = [(n, v) for n in NEGATIVE if n in given for v in (-1e-9, math.nan, math.inf, None, "a", True)]
    refused += [
        (n, v) for n in ("beta1", "beta2", "alpha") if isinstance(given.get(n), float) for v in (-0.1, math.nan)
    ]
    refused += [(n, v) for n in ("beta1", "beta2") if isinstance(given.get(n), float) for v in (1.0, 1.5)]
    assert len(refused) >= 12
    for parameter, value in refused:
        with pytest.raises(ValueError, match=rf"{parameter} must be a finite number"):
            run(name, **{parameter: value})


def test_what_one_method_alone_refuses():
    refused = [
        ("sgd", dict(nesterov=True), "nesterov needs momentum > 0"),
        ("sgd", dict(nesterov=True, momentum=0.9, dampening=0.1), "nesterov needs momentum > 0"),
        ("rmsprop", dict(alpha=1.0), r"alpha must be a finite number in \[0, 1\)"),
        ("delayed_adam", dict(eps=0), "eps must be positive, got 0: the first rate is 1 / eps"),
        ("avagrad", dict(eps=0.0), "eps must be positive"),
        ("avagrad", dict(eps=0.0, variant="paper"), "eps must be positive"),
        ("avagradw", dict(eps=0.0, variant="paper"), "eps must be positive"),
        ("avagrad", dict(variant="fixed"), "variant must be one of paper, released, synced, got 'fixed'"),
        ("avagrad", dict(sizes=(2, 2)), r"sum to the 3 entries of w, got \(2, 2\)"),
        ("avagrad", dict(sizes=(3, 0)), "sizes must be positive"),
        ("avagrad", dict(sizes=()), "sizes must be positive"),
        ("adabound", dict(lr=np.zeros(4)), "base_lr must be positive, got 0: the band is scaled by lr / base_lr"),
        ("adabound", dict(gamma=0.0), "gamma must be positive, got 0: the upper bound divides by gamma t"),
        ("adabound", dict(gamma=1e-310), "gamma must be at least"),
        ("momentum_sgd", dict(lr=np.zeros(4)), "base_lr must be positive"),
        ("momentum_sgd", dict(schedule="middle"), "schedule must be one of final, lower, upper, got 'middle'"),
        ("adabound_projected", dict(radius=1.5), r"w must start in the box .*got a largest entry of 2.0"),
        ("adabound_projected", dict(alpha=0.0), "alpha must be positive"),
        ("adabound_projected", dict(beta1=0.9), r"beta1 must have shape \(4,\)"),
        ("adabound_projected", dict(beta1=np.ones(4)), r"beta1 must be a finite number in \[0, 1\)"),
    ]
    for name, settings, message in refused:
        with pytest.raises(ValueError, match=message):
            run(name, **settings)
    for sizes in (3, "3", (1.0, 2.0), (True, 2)):
        with pytest.raises(TypeError, match="sizes must be"):
            run("avagrad", sizes=sizes)


def test_eps_of_zero_needs_a_second_moment():
    """0 / 0 would be NaN; where every entry has seen a gradient, eps = 0 is fine."""
    hole = G.copy()
    hole[:, 1] = 0
    for name in ("rmsprop", "adagrad", "adam", "amsgrad", "adamw"):
        assert np.isfinite(run(name, eps=0.0)).all()
        with pytest.raises(ValueError, match="eps is 0, 0 in float64, and entry 1 has a second moment of 0"):
            run(name, gradients=hole, eps=0.0)
    with pytest.raises(ValueError, match="entry 1 has a second moment of 0"):
        run("avagrad", gradients=hole, eps=0.0, variant="released")
    for name in ("adabound", "amsbound", "adaboundw"):  # there the rate is clipped, and m = 0
        identical(run(name, gradients=hole, eps=0.0)[:, 1], np.full(4, -2.0), why=name)
    identical(run("adabound_projected", gradients=hole)[:, 1], np.full(4, -2.0), why="projected")
