"""Optimizers written as people write them: classes, factories of transformations, step functions."""

import dataclasses
from types import SimpleNamespace

import numpy as np


class PlainSGD:
    """Parameters with arrays .data and .grad; groups of parameters as torch has them."""

    def __init__(self, params, lr=0.1, momentum=0.0, weight_decay=0.0):
        if momentum < 0:
            raise ValueError("momentum must be >= 0")
        self.param_groups = [{"params": list(params), "lr": lr}]
        self.momentum, self.decay = momentum, weight_decay
        self.buffers = {}

    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                buffer = self.buffers.setdefault(id(p), np.zeros_like(p.data))
                buffer *= self.momentum
                buffer += p.grad + self.decay * p.data
                p.data = p.data - group["lr"] * buffer


class PlainAdam:
    """Other names, a learning rate that is an attribute, moved in place."""

    def __init__(self, params, learning_rate, b1=0.9, b2=0.999, epsilon=1e-8, *, debias=True):
        self.params, self.learning_rate, self.hyper, self.debias = (
            list(params),
            learning_rate,
            (b1, b2, epsilon),
            debias,
        )
        self.t, self.m, self.v = 0, [0 * p.data for p in self.params], [0 * p.data for p in self.params]

    def step(self):
        b1, b2, eps = self.hyper
        self.t += 1
        for p, m, v in zip(self.params, self.m, self.v, strict=True):
            m += (1 - b1) * (p.grad - m)
            v += (1 - b2) * (p.grad**2 - v)
            c1, c2 = (1 - b1**self.t, 1 - b2**self.t) if self.debias else (1, 1)
            p.data -= self.learning_rate * (m / c1) / (np.sqrt(v / c2) + eps)


class Normed:
    """One norm for the group; an optimizer that has no name for its variant."""

    def __init__(self, params, lr):
        self.params, self.lr = params, lr

    def step(self):
        size = np.sqrt(sum((p.grad**2).sum() for p in self.params))
        for p in self.params:
            p.data = p.data - self.lr * p.grad / size


class PerTensor(Normed):
    def step(self):
        for p in self.params:
            p.data = p.data - self.lr * p.grad / np.sqrt((p.grad**2).sum())


def transform(learning_rate, b1=0.9, b2=0.999, eps=1e-8):
    """optax's form, in NumPy; the rate may be a function of the step count."""

    def init(params):
        return 0, 0 * params, 0 * params

    def update(g, state, params=None):
        t, m, v = state
        rate = learning_rate(t) if callable(learning_rate) else learning_rate
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        move = -rate / (1 - b1 ** (t + 1)) * m / (np.sqrt(v / (1 - b2 ** (t + 1))) + eps)
        return move, (t + 1, m, v)

    return SimpleNamespace(init=init, update=update)


class Transform:
    """A transformation as a class, over a tuple of tensors."""

    def __init__(self, lr):
        self.lr = lr

    def init(self, params):
        return 0

    def update(self, grads, t, params):
        size = np.sqrt(sum((g**2).sum() for g in grads))
        rate = self.lr(t) if callable(self.lr) else self.lr
        return tuple(-rate * g / size for g in grads), t + 1


def with_dict(w, g, state, lr, momentum, weight_decay):
    buffer = momentum * state.get("buffer", 0.0) + g + weight_decay * w
    return w - lr * buffer, {"buffer": buffer}


def with_none(w, g, state, lr, momentum, weight_decay):
    buffer = g + weight_decay * w + (0 if state is None else momentum * state)
    return w - lr * buffer, buffer


def with_default(params, grad, opt_state=(0.0,), *, learning_rate=1.0, momentum=0.0, weight_decay=0.0):
    buffer = momentum * opt_state[0] + grad + weight_decay * params
    return params - learning_rate * buffer, (buffer,)


@dataclasses.dataclass
class Settings:
    lr: float
    momentum: float = 0.0
    weight_decay: float = 0.0


def with_record(w, g, state, settings: Settings):
    return with_dict(w, g, state, settings.lr, settings.momentum, settings.weight_decay)


def stateless(w, g, lr):
    return w - lr * g
