"""The trajectory functions, and the runs that each is judged on."""

from __future__ import annotations

from minidl.laws.core import Case
from minidl.laws.optimizer_cases import Trajectory, cases, optimizer_runs

PAPER = "Savarese, McAllester, Babu, Maire, 'Domain-independent Dominance of Adaptive Methods', 2021"

_ADAM = ("w", "gradients", "lr", "beta1", "beta2", "eps", "weight_decay")
_AVAGRAD = ("w", "gradients", "sizes", "lr", "beta1", "beta2", "eps", "weight_decay", "variant")

SGD = Trajectory("sgd", ("w", "gradients", "lr", "momentum", "dampening", "nesterov", "weight_decay"))
RMSPROP = Trajectory("rmsprop", ("w", "gradients", "lr", "alpha", "eps", "momentum", "centered", "weight_decay"))
ADAGRAD = Trajectory("adagrad", ("w", "gradients", "lr", "lr_decay", "initial_accumulator", "eps", "weight_decay"))
ADAM, AMSGRAD, ADAMW, DELAYED_ADAM = (Trajectory(name, _ADAM) for name in ("adam", "amsgrad", "adamw", "delayed_adam"))
AVAGRAD, AVAGRADW = Trajectory("avagrad", _AVAGRAD), Trajectory("avagradw", _AVAGRAD)

DECAYS = (0.0, 0.0, 0.1)


# --- runs --------------------------------------------------------------------------------------------------------------
def _legal(case: Case) -> Case:
    """Nesterov momentum comes with momentum and without dampening."""
    if case["nesterov"]:
        return case | {"momentum": case["momentum"] or 0.5, "dampening": 0.0}
    return case


SGD_RUNS = cases(
    optimizer_runs(
        momentum=(0.9, 0.0, 0.5), dampening=(0.0, 0.3), nesterov=(False, True), weight_decay=DECAYS, adapt=_legal
    ),
    variants={
        "plain": {"momentum": 0.0},
        "dampened": {"dampening": 0.9},
        "nesterov": {"nesterov": True, "weight_decay": 0.01},
    },
    notes={
        "plain": "a buffer where there is no momentum",
        "dampened": "dampening on the first step, whose buffer is the gradient itself",
        "nesterov": "the old buffer in place of the new one",
    },
    momentum=0.9,
    dampening=0.0,
    nesterov=False,
    weight_decay=0.0,
)
RMSPROP_RUNS = cases(
    optimizer_runs(
        alpha=(0.9, 0.99, 0.5),
        eps=(1e-8, 0.1),
        momentum=(0.0, 0.9),
        centered=(False, True),
        weight_decay=DECAYS,
    ),
    variants={
        "momentum": {"momentum": 0.9},
        "centered": {"centered": True},
        "centered_momentum": {"centered": True, "momentum": 0.5, "eps": 0.1, "alpha": 0.5},
    },
    notes={
        "momentum": "momentum on gradients instead of on moves",
        "centered": "the sign of the squared mean",
    },
    alpha=0.99,
    eps=1e-8,
    momentum=0.0,
    centered=False,
    weight_decay=0.0,
)
ADAGRAD_RUNS = cases(
    optimizer_runs(lr_decay=(0.0, 0.25), initial_accumulator=(0.0, 0.5), eps=(1e-10, 0.1), weight_decay=DECAYS),
    variants={"slowing": {"lr_decay": 0.5}, "started": {"initial_accumulator": 0.25, "eps": 0.1}},
    notes={"slowing": "the first step is not slowed", "started": "the accumulator holds squares"},
    lr_decay=0.0,
    initial_accumulator=0.0,
    eps=1e-10,
    weight_decay=0.0,
)
_FORGETFUL = {
    "forgetful": {"beta1": 0.5, "beta2": 0.5, "eps": 0.1},
    "no_memory": {"beta1": 0.0, "beta2": 0.0, "eps": 0.5},
}
_FORGETFUL_NOTES = {
    "forgetful": "one beta in place of the other; a second moment that falls",
    "no_memory": "betas of 0, where a correction changes nothing",
}
ADAM_RUNS = cases(
    optimizer_runs(beta1=(0.9, 0.5, 0.0), beta2=(0.999, 0.9, 0.5), eps=(1e-8, 0.1), weight_decay=DECAYS),
    variants=_FORGETFUL,
    notes=_FORGETFUL_NOTES,
    beta1=0.9,
    beta2=0.999,
    eps=1e-8,
    weight_decay=0.0,
)
DELAYED_RUNS = cases(
    optimizer_runs(beta1=(0.9, 0.5, 0.0), beta2=(0.999, 0.9, 0.5), eps=(0.1, 1.0, 0.001), weight_decay=DECAYS),
    variants=_FORGETFUL,
    notes=_FORGETFUL_NOTES,
    beta1=0.9,
    beta2=0.9,
    eps=0.1,
    weight_decay=0.0,
)
AVAGRAD_RUNS = cases(
    optimizer_runs(
        variant=("paper", "released", "synced"),
        beta1=(0.9, 0.5, 0.0),
        beta2=(0.999, 0.9, 0.5),
        eps=(0.1, 1.0, 0.001),
        weight_decay=DECAYS,
        split=True,
    ),
    variants={
        "paper": {"variant": "paper"},
        "paper_decayed": {"variant": "paper", "weight_decay": 0.1},
        "released": {"variant": "released"},
        "released_decayed": {"variant": "released", "weight_decay": 0.1},
    }
    | {name: changed | {"variant": "synced"} for name, changed in _FORGETFUL.items()},
    notes=_FORGETFUL_NOTES
    | {
        "paper": "the first move, with all rates equal",
        "released": "the normaliser of the step before; a first move scaled by eps",
        "released_decayed": "decay where nothing moves",
    },
    split=True,
    beta1=0.9,
    beta2=0.999,
    eps=0.1,
    weight_decay=0.0,
    variant="synced",
)
