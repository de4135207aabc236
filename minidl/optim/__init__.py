"""Optimizers: one file each, a pure step on arrays and a thin class on tensors, from the simplest on."""

from minidl.optim.adam import Adam
from minidl.optim.nadam import Nadam
from minidl.optim.optimizer import Optimizer
from minidl.optim.sgd import SGD

__all__ = ["SGD", "Adam", "Nadam", "Optimizer"]
