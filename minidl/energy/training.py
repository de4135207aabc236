r"""Training restricted Boltzmann machines by CD-k, PCD-k or LVS-K, with what there is to watch while it runs.

Each step takes a mini-batch's gradient estimate $\hat g$ and moves every parameter alike,

$$\theta \leftarrow \theta + \Delta, \qquad \Delta = \eta_e (\hat g - \lambda \theta) + m\, \Delta_{prev}, \qquad
  \eta_e = \eta_0 / \lceil (1 + e) / \text{plateau} \rceil$$

in epoch e = 0, 1, ... LVS-K draws a new stopping set at the start of each epoch, and at once when none of a batch's
tours came back; that batch makes no step. It starts as many tours as the batch has rows. Since the weights move
within the epoch, the set is then simply some set, which is fine: the start law is that of the current weights at
every step.

Source. Savarese, Kakodkar, Ribeiro, "From Monte Carlo to Las Vegas", AAAI 2018, and the authors' code: initial
weights, step sizes, rounds, and the first epochs by CD-1, which their abstract does not mention. Theirs gives an
infinite bias to a pixel that is always on; here it counts as off in half an example.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from minidl.border import generator
from minidl.energy import border, divergence
from minidl.energy.exact import log_partition
from minidl.energy.mclv import lvs_gradient
from minidl.energy.monitors import log_pseudo_likelihood, reconstruction_error
from minidl.energy.rbm import free_energy, sample_hidden
from minidl.energy.results import Gradient, Parameters
from minidl.energy.tours import draw_stopping_set, draw_tours
from minidl.implementations import implementation
from minidl.nn.training import interruptible

METHODS = ("cd", "pcd", "lvs")


# --- the parts of a step -----------------------------------------------------------------------------------------------
def initial_parameters(x: np.ndarray, u: np.ndarray) -> Parameters:
    """W uniform in 0.1 [-1, 1) / sqrt(n_V + n_H), b the log odds of each unit's mean (plus 0.01 on), a = 0.

    x: (N, n_V) in [0, 1], u: (n_V, n_H). Raises ValueError for shapes that do not fit.
    """
    x = border.batch("x", x, None, np.float64, probabilities=True)
    u = border.uniforms("u", u, x.shape[1], "n_H")
    on = x.mean(axis=0)
    off = np.maximum(1 - on, 0.5 / len(x))
    return Parameters(0.1 * (2 * u - 1) / np.sqrt(sum(u.shape)), np.log((on + 0.01) / off), np.zeros(u.shape[1]))


def learning_rate(epoch: int, rate: float, plateau: int) -> float:
    """rate / ceil((1 + epoch) / plateau), epochs counted from 0."""
    return rate / -(-(1 + border.count("epoch", epoch, 0)) // border.count("plateau", plateau))


class Step(NamedTuple):
    """A parameter after a step, and what was added to it."""

    parameter: np.ndarray
    change: np.ndarray


def ascent_step(
    parameter: np.ndarray,
    gradient: np.ndarray,
    previous: np.ndarray,
    rate: float,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
) -> Step:
    """One step uphill for W, b or a, arrays of one shape. previous: what the last step added, zeros before the first."""
    change = rate * (gradient - weight_decay * parameter) + momentum * previous
    return Step(parameter + change, change)


# --- what there is to watch --------------------------------------------------------------------------------------------
class Epoch(NamedTuple):
    """What was measured at the end of an epoch; None where it cannot be had."""

    rate: float
    reconstruction: float  # `reconstruction_error` of the first rows of the data
    pseudo_likelihood: float | None  # mean of `log_pseudo_likelihood` of these rows; None for data of probabilities
    log_likelihood: float | None  # exact mean over the data, for machines small enough
    test_log_likelihood: float | None  # and over the test data
    tour_lengths: np.ndarray  # (longest + 1,) int64: how many completed tours had each length; empty without tours
    unfinished: int  # tours that reached the cap
    skipped: int  # batches without a completed tour, which made no step

    @property
    def completed(self) -> float | None:
        """The part of tours that came back within the cap; None without tours."""
        finished = int(self.tour_lengths.sum())
        tours = finished + self.unfinished
        return finished / tours if tours else None

    @property
    def mean_length(self) -> float | None:
        """The mean length of completed tours; None without any."""
        finished = int(self.tour_lengths.sum())
        return float(self.tour_lengths @ np.arange(len(self.tour_lengths)) / finished) if finished else None


@dataclass
class History:
    """epochs: one record per finished epoch. interrupted: whether Ctrl-C came, hence whether training may have ended early."""

    epochs: list[Epoch] = field(default_factory=list)
    interrupted: bool = False

    def column(self, name: str) -> list[Any]:
        """One field or property of every epoch: column("log_likelihood")."""
        return [getattr(epoch, name) for epoch in self.epochs]


class Trained(NamedTuple):
    """The parameters after training, and how it went."""

    W: np.ndarray  # (n_V, n_H)
    b: np.ndarray  # (n_V,)
    a: np.ndarray  # (n_H,)
    history: History


# --- the loop ----------------------------------------------------------------------------------------------------------
def train(
    x: np.ndarray,
    start: Parameters,
    *,
    method: str = "cd",
    k: int = 1,
    epochs: int = 20,
    warmup: int | None = None,
    batch_size: int = 128,
    rate: float = 0.1,
    plateau: int = 10,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
    rounds: int = 1,
    largest_set: int | None = None,
    allow_probabilities: bool = False,
    x_test: np.ndarray | None = None,
    exact_units: int = 14,
    monitor_rows: int = 200,
    rng: np.random.Generator,
    progress: bool | str = False,
    on_epoch: Callable[[int, Parameters, Epoch], None] | None = None,
    impl: str = "reference",
) -> Trained:
    """Raise the likelihood of x (N, n_V) from given parameters, which are not changed. The result has their dtype.

    method: "cd", "pcd" or "lvs", by k Gibbs steps, or tours of at most k.
    warmup: epochs of CD-1 to begin with, whatever the method. None: 15, or half of all epochs if that is less, for
        "lvs", and 0 for the others.
    rate, plateau, momentum, weight_decay: as in the module's equations.
    rounds, largest_set: as in `draw_stopping_set`, for "lvs".
    x_test: data whose likelihood is watched beside that of x.
    exact_units: the likelihood is enumerated after every epoch if a layer has at most so many units.
    monitor_rows: how many rows, the first of x, the other monitors look at.
    progress: True or a label shows a bar. on_epoch(epoch, parameters, record): called after every epoch.
    impl: "reference", or "kernels": CD and PCD steps on packed states, whose noise is made from seeds that rng draws, so
        that runs differ from the reference's as those of two seeds do. Tours run in the reference either way.

    Every epoch visits all rows once, in a fresh order; the last batch may be smaller. Monitors draw no random numbers.
    Ctrl-C finishes the running step and returns with `history.interrupted` set: what was learned is kept.
    Raises ValueError for data that are not binary (unless allow_probabilities), an unknown method, numbers out of
    range, and parameters that stop being finite.
    """
    theta = border.parameters(*start)
    x = border.batch("x", x, theta.W.shape[0], theta.W.dtype, probabilities=allow_probabilities)
    if x_test is not None:
        x_test = border.batch("x_test", x_test, theta.W.shape[0], theta.W.dtype, probabilities=allow_probabilities)
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    k, epochs = border.count("k", k), border.count("epochs", epochs, 0)
    batch_size = border.count("batch_size", batch_size)
    warmup = (min(15, epochs // 2) if method == "lvs" else 0) if warmup is None else border.count("warmup", warmup, 0)
    rate, weight_decay = border.number("rate", rate), border.number("weight_decay", weight_decay)
    momentum, plateau = border.number("momentum", momentum, 0.0, 1.0), border.count("plateau", plateau)
    rounds = border.count("rounds", rounds)
    largest_set = None if largest_set is None else border.count("largest_set", largest_set)
    watched = x[: border.count("monitor_rows", monitor_rows)]
    estimator = Estimator(x, method, k, rounds, largest_set, allow_probabilities, generator(rng), impl)
    history, change = History(), Parameters(*(np.zeros_like(array) for array in theta))
    with interruptible(history), _bar(progress, epochs * -(-len(x) // batch_size)) as (advance, tell):
        for epoch in range(epochs):
            step_size = learning_rate(epoch, rate, plateau)
            estimator.begin(warming=epoch < warmup)
            order = rng.permutation(len(x))
            for i in range(0, len(x), batch_size):
                ascent = estimator(x[order[i : i + batch_size]], theta)
                if ascent is not None:
                    steps = [
                        ascent_step(*three, step_size, momentum, weight_decay)
                        for three in zip(theta, ascent, change, strict=True)
                    ]
                    theta, change = (Parameters(*part) for part in zip(*steps, strict=True))
                advance()
                if history.interrupted:
                    return Trained(*theta, history)
            record = _record(step_size, theta, x, x_test, watched, exact_units, estimator)
            history.epochs.append(record)
            tell(record)
            if on_epoch is not None:
                on_epoch(epoch, theta, record)
    return Trained(*theta, history)


class Estimator:
    """The gradient estimates of one training run, and what they carry from step to step: chains, stopping set, tallies."""

    def __init__(
        self,
        x: np.ndarray,
        method: str,
        k: int,
        rounds: int,
        largest_set: int | None,
        allow_probabilities: bool,
        rng: np.random.Generator,
        impl: str = "reference",
    ) -> None:
        self.steps = implementation(impl, reference=divergence, kernels="minidl_kernels.gibbs")
        self.x, self.method, self.k, self.rng = x, method, k, rng
        self.set_options = dict(rounds=rounds, largest=largest_set)
        self.data_options = dict(allow_probabilities=allow_probabilities)
        self.chains: np.ndarray | None = None
        self.begin(warming=False)

    def begin(self, *, warming: bool) -> None:
        """Start an epoch."""
        self.now = ("cd", 1) if warming else (self.method, self.k)
        self.stopping_set = None
        self.lengths, self.unfinished, self.skipped = np.zeros(0, np.int64), 0, 0

    def __call__(self, batch: np.ndarray, theta: Parameters) -> Gradient | None:
        """The gradient estimate for a batch (B, n_V); None if there is none."""
        method, k = self.now
        if method == "cd":
            return self.steps.draw_cd_gradient(batch, *theta, k=k, rng=self.rng, **self.data_options)
        if method == "pcd":
            return self._persistent(batch, theta, k)
        return self._las_vegas(batch, theta, k)

    def _persistent(self, batch: np.ndarray, theta: Parameters, k: int) -> Gradient:
        if self.chains is None:
            u = self.rng.random((len(batch), len(theta.a)), theta.W.dtype)
            self.chains = sample_hidden(batch, theta.W, theta.a, u, **self.data_options)
        options = dict(k=k, rng=self.rng, **self.data_options)
        *ascent, self.chains = self.steps.draw_pcd_gradient(batch, self.chains, *theta, **options)
        return Gradient(*ascent)

    def _las_vegas(self, batch: np.ndarray, theta: Parameters, k: int) -> Gradient | None:
        if self.stopping_set is None:
            self.stopping_set = draw_stopping_set(
                self.x, theta.W, theta.a, rng=self.rng, **self.set_options, **self.data_options
            )
        tours = draw_tours(self.stopping_set, *theta, tours=len(batch), cap=k, rng=self.rng)
        counts = np.bincount(tours.length[tours.completed], minlength=len(self.lengths))
        counts[: len(self.lengths)] += self.lengths
        self.lengths, self.unfinished = counts, self.unfinished + int((~tours.completed).sum())
        if not tours.completed.any():
            self.stopping_set, self.skipped = None, self.skipped + 1
            return None
        return lvs_gradient(batch, tours.states, tours.owner, tours.completed, *theta, **self.data_options)


def _record(
    rate: float,
    theta: Parameters,
    x: np.ndarray,
    x_test: np.ndarray | None,
    watched: np.ndarray,
    exact_units: int,
    estimator: Estimator,
) -> Epoch:
    grey = estimator.data_options["allow_probabilities"]
    wide = Parameters(*(array.astype(np.float64, copy=False) for array in theta))
    log_z = log_partition(*wide) if not grey and min(theta.W.shape) <= exact_units else None

    def likelihood(rows: np.ndarray | None) -> float | None:
        return None if log_z is None or rows is None else float(-free_energy(rows, *wide).mean() - log_z)

    return Epoch(
        rate=rate,
        reconstruction=reconstruction_error(watched, *theta, allow_probabilities=grey),
        pseudo_likelihood=None if grey else float(log_pseudo_likelihood(watched, *theta).mean()),
        log_likelihood=likelihood(x),
        test_log_likelihood=likelihood(x_test),
        tour_lengths=estimator.lengths,
        unfinished=estimator.unfinished,
        skipped=estimator.skipped,
    )


@contextmanager
def _bar(progress: bool | str, total: int) -> Iterator[tuple[Callable[[], Any], Callable[[Epoch], Any]]]:
    """A progress bar: how to advance it by a step, and how to show an epoch's record beside it."""
    if not progress:
        yield lambda: None, lambda record: None
        return
    from tqdm.auto import tqdm

    label = progress if isinstance(progress, str) else "training"
    with tqdm(total=total, desc=label, leave=False, disable=None) as bar:
        yield bar.update, lambda record: bar.set_postfix(_shown(record), refresh=False)


def _shown(record: Epoch) -> dict[str, str]:
    values = dict(
        likelihood=record.log_likelihood,
        pseudo=record.pseudo_likelihood,
        reconstruction=record.reconstruction,
        completed=record.completed,
        length=record.mean_length,
    )
    return {name: f"{value:.4g}" for name, value in values.items() if value is not None}
