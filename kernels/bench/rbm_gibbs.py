"""Restricted Boltzmann machines, 784 visible and 500 hidden units, batches of 100: Gibbs steps and epochs.

    python kernels/bench/rbm_gibbs.py [--rounds N] [--only NAME] [--no-write]

A step is v -> h -> v for scikit-learn and h -> v -> h for the others: the same two products and the same 128,400 draws,
random numbers included. An epoch is 20 batches of five products each: CD-1, and for scikit-learn its only method,
PCD-1.

The weights lie on the grid of 8 bits, so that the machine with 8-bit weights is the same machine: before anything is
timed, all contenders must give the same hidden probabilities of one batch. After the first batch of an epoch their mean
visible biases must agree as far as draws allow: the mean of 78,400 draws strays by 0.012 with a probability of 1e-9
(Hoeffding). (Later, CD and PCD part ways.)
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from typing import Any

import harness
import numpy as np
from harness import Contender, Goal, Options, Workload

NUMPY, SKLEARN, SINGLE, BYTES = "numpy float32", "scikit-learn float32", "minidl_kernels float32", "minidl_kernels int8"
RATE = 0.01


class Problem:
    def __init__(self, n_V: int, n_H: int, batch: int, rows: int):
        rng = np.random.default_rng(0)
        Q = np.clip(np.rint(rng.standard_normal((n_V, n_H)) * 30), -127, 127)
        Q[0, 0] = 127
        self.W = (Q * np.float32(2**-9)).astype(np.float32)  # standard deviation 0.06
        self.b, self.a = np.full(n_V, -1.4, np.float32), np.zeros(n_H, np.float32)
        self.batch = batch
        self.x = (rng.random((rows, n_V)) < 0.19).astype(np.float32)
        self.start = (rng.standard_normal((n_V, n_H)) * 0.01).astype(np.float32)  # as scikit-learn starts

    def parameters(self, dtype: Any) -> list[np.ndarray]:
        return [array.astype(dtype) for array in (self.W, self.b, self.a)]


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


# --- a Gibbs step --------------------------------------------------------------------------------------------------------
def steps_of_numpy(p: Problem, dtype: Any):
    (W, b, a), rng = p.parameters(dtype), np.random.default_rng(1)
    WT = np.ascontiguousarray(W.T)
    x = p.x[: p.batch].astype(dtype)
    state = [(rng.random((p.batch, len(a))) < 0.5).astype(dtype)]

    def step():
        v = (rng.random((p.batch, len(b)), dtype) < sigmoid(state[0] @ WT + b)).astype(dtype)
        state[0] = (rng.random((p.batch, len(a)), dtype) < sigmoid(v @ W + a)).astype(dtype)

    return step, lambda: {"hidden probability": sigmoid(x @ W + a)}


def steps_of_sklearn(p: Problem, dtype: Any):
    machine = sklearn_machine(p, dtype)
    state = [p.x[: p.batch].astype(dtype)]

    def step():
        state[0] = machine.gibbs(state[0])

    return step, lambda: {"hidden probability": machine.transform(p.x[: p.batch].astype(dtype))}


def sklearn_machine(p: Problem, dtype: Any):
    from sklearn.neural_network import BernoulliRBM

    W, b, a = p.parameters(dtype)
    machine = BernoulliRBM(n_components=len(a), batch_size=p.batch, n_iter=1, random_state=0)
    machine.fit(p.x[: p.batch].astype(dtype))
    machine.components_, machine.intercept_visible_, machine.intercept_hidden_ = np.ascontiguousarray(W.T), b, a
    return machine


def steps_of_reference(p: Problem, dtype: Any):
    from minidl import energy

    theta, rng = p.parameters(dtype), np.random.default_rng(1)
    n_V, n_H = theta[0].shape
    state = [(rng.random((p.batch, n_H)) < 0.5).astype(dtype)]

    def step():
        u_v, u_h = rng.random((p.batch, n_V), dtype), rng.random((p.batch, n_H), dtype)
        state[0] = energy.gibbs_step(state[0], *theta, u_v, u_h).h

    x = p.x[: p.batch].astype(dtype)
    return step, lambda: {"hidden probability": energy.hidden_probability(x, theta[0], theta[2])}


def steps_of_kernels(p: Problem, dtype: Any):
    from minidl_kernels import gibbs

    W, b, a = p.parameters(np.float32 if dtype is np.int8 else dtype)
    machine = (gibbs.int8_machine if dtype is np.int8 else gibbs.machine)(W, b, a)
    rng = np.random.default_rng(1)
    state, done = [gibbs.pack_states(rng.random((p.batch, len(a))) < 0.5)], [0]

    def step():
        state[0] = gibbs.packed_steps(state[0], machine, 1, seed=1, first=done[0]).h
        done[0] += 1

    def probability():
        inputs = machine.hidden_inputs(gibbs.pack_states(p.x[: p.batch]))[:, : len(a)]
        return {"hidden probability": sigmoid(machine.scale * inputs.astype(np.float64) + a)}

    return step, probability


STEPS = (
    (NUMPY, steps_of_numpy, np.float32, None),
    ("numpy float64", steps_of_numpy, np.float64, None),
    (SKLEARN, steps_of_sklearn, np.float32, "sklearn"),
    ("scikit-learn float64", steps_of_sklearn, np.float64, "sklearn"),
    ("minidl.energy float32", steps_of_reference, np.float32, None),
    (SINGLE, steps_of_kernels, np.float32, None),
    ("minidl_kernels float64", steps_of_kernels, np.float64, None),
    (BYTES, steps_of_kernels, np.int8, None),
)


# --- an epoch ------------------------------------------------------------------------------------------------------------
def learning(p: Problem, dtype: Any, epoch):
    """epoch(x) gives the visible biases after one pass over x from the start; every step is the first epoch."""
    x = p.x.astype(dtype)
    return lambda: epoch(x), lambda: {"mean visible bias": np.mean(epoch(x[: p.batch]))}


def epoch_of_numpy(p: Problem, dtype: Any):
    rng = np.random.default_rng(1)

    def epoch(x):
        W, b, a = p.start.astype(dtype), np.zeros(len(p.b), dtype), np.zeros(len(p.a), dtype)
        for i in range(0, len(x), p.batch):
            v = x[i : i + p.batch]
            rate = dtype(RATE / len(v))
            h_mean = sigmoid(v @ W + a)
            h = (rng.random(h_mean.shape, dtype) < h_mean).astype(dtype)
            v_model = (rng.random(v.shape, dtype) < sigmoid(h @ W.T + b)).astype(dtype)
            h_model = sigmoid(v_model @ W + a)
            W += rate * (v.T @ h_mean - v_model.T @ h_model)
            b += rate * (v - v_model).sum(axis=0)
            a += rate * (h_mean - h_model).sum(axis=0)
        return b

    return learning(p, dtype, epoch)


def epoch_of_sklearn(p: Problem, dtype: Any):
    from sklearn.neural_network import BernoulliRBM

    def epoch(x):
        machine = BernoulliRBM(n_components=len(p.a), batch_size=p.batch, n_iter=1, learning_rate=RATE, random_state=0)
        return machine.fit(x).intercept_visible_

    return learning(p, dtype, epoch)


def epoch_of_gradients(p: Problem, dtype: Any, module: Any):
    rng = np.random.default_rng(1)

    def epoch(x):
        W, b, a = p.start.astype(dtype), np.zeros(len(p.b), dtype), np.zeros(len(p.a), dtype)
        for i in range(0, len(x), p.batch):
            ascent = module.draw_cd_gradient(x[i : i + p.batch], W, b, a, k=1, rng=rng)
            for parameter, direction in zip((W, b, a), ascent, strict=True):
                direction *= dtype(RATE)
                parameter += direction
        return b

    return learning(p, dtype, epoch)


def epoch_of_reference(p: Problem, dtype: Any):
    from minidl import energy

    return epoch_of_gradients(p, dtype, energy)


def epoch_of_kernels(p: Problem, dtype: Any):
    from minidl_kernels import gibbs

    return epoch_of_gradients(p, dtype, gibbs)


EPOCHS = (
    (NUMPY, epoch_of_numpy, np.float32, None),
    (SKLEARN, epoch_of_sklearn, np.float32, "sklearn"),
    ("minidl.energy float32", epoch_of_reference, np.float32, None),
    (SINGLE, epoch_of_kernels, np.float32, None),
    ("minidl_kernels float64", epoch_of_kernels, np.float64, None),
)


def benches(options: Options) -> Iterator[Workload]:
    warnings.filterwarnings("ignore", module="sklearn")
    sizes = (20, 12, 5, 25) if options.tiny else (784, 500, 100, 2000)
    problem = Problem(*sizes)
    name = f"{sizes[0]}-{sizes[1]} batch {sizes[2]}"
    yield Workload(
        f"Gibbs step {name}",
        NUMPY,
        [Contender(c, lambda f=f, d=dtype: f(problem, d), needs) for c, f, dtype, needs in STEPS],
        # sums of 784 weights of 0.06 in float32, a quarter of whose error reaches the probability
        ulps=784,
        dtype=np.float32,
        goals=[
            Goal(SINGLE, NUMPY, at_least=1.35),
            Goal(SINGLE, SKLEARN, at_least=1.9),
            Goal(BYTES, NUMPY, at_least=4),
            Goal(BYTES, SKLEARN, at_least=6),
        ],
    )
    # Two means of draws, and start weights of 0.01, which move the mean of 784 probabilities near 1/2 by 0.002; against
    # the mean of the data, 0.19, less 1/2. Tiny sizes have few draws.
    strayed = 2 * np.sqrt(np.log(2e9) / 2 / (sizes[2] * sizes[0])) + 0.01
    yield Workload(
        f"epoch of {sizes[3]} rows {name}",
        NUMPY,
        [Contender(c, lambda f=f, d=dtype: f(problem, d), needs) for c, f, dtype, needs in EPOCHS],
        ulps=strayed / 0.3 / np.finfo(np.float32).eps,
        dtype=np.float32,
        goals=[Goal(SINGLE, SKLEARN, at_least=1.9), Goal(SINGLE, NUMPY, at_least=1.2)],
    )


if __name__ == "__main__":
    sys.exit(harness.main("rbm_gibbs", "restricted Boltzmann machines: Gibbs steps and learning", benches))
