"""Optimizers: one file per family, a pure step on arrays and a thin class on tensors, from the simplest on.

sgd; rmsprop, adagrad: rates from second moments; adam, adamw, nadam: with momentum and bias correction; delayed_adam, avagrad:
rates that the current gradient has not seen; bounds, momentum_sgd, adabound, adabound_theory: rates within bounds.
trajectories has whole runs as pure functions. Shared: hyper, moments and border by the steps; optimizer, parts (tensors as
vectors) and states (saving, loading) by the classes.
"""

from minidl.optim.adabound import AdaBound, AdaBoundW, AMSBound
from minidl.optim.adagrad import Adagrad
from minidl.optim.adam import Adam, AMSGrad
from minidl.optim.adamw import AdamW
from minidl.optim.avagrad import AvaGrad, AvaGradW
from minidl.optim.delayed_adam import DelayedAdam
from minidl.optim.momentum_sgd import MomentumSGD
from minidl.optim.nadam import Nadam
from minidl.optim.optimizer import Optimizer
from minidl.optim.rmsprop import RMSprop
from minidl.optim.sgd import SGD

__all__ = [
    "SGD",
    "AMSBound",
    "AMSGrad",
    "AdaBound",
    "AdaBoundW",
    "Adagrad",
    "Adam",
    "AdamW",
    "AvaGrad",
    "AvaGradW",
    "DelayedAdam",
    "MomentumSGD",
    "Nadam",
    "Optimizer",
    "RMSprop",
]
