r"""Grokking in miniature: a net that memorises a table of sums, and thousands of steps later computes them.

    split = draw_modular_addition(23, 0.7, rng=rng)
    run = train_modular(split, 23, weight_decay=1.0, rng=rng)
    run.track.values["test"]                        # accuracy on unseen pairs: 0 for long, then nearly 1
    run.track.normalised_effective_rank[:, 1]       # of the hidden matrix: falls meanwhile

The net is $x \mapsto W_3\,\mathrm{relu}(W_2\,\mathrm{relu}(W_1 x))$ on one-hot pairs, without biases; W_1 starts with
variance 1 (two of its inputs are 1, the others 0, so that pre-activations have variance 2 as with He's rule), the
others with He's. With a single hidden layer it groks as well, but the effective ranks do not fall: the matrix between
hidden layers is needed.

**Losses that end near 0.** A memorised example has a loss of $10^{-8}$. In float32 softmax minus one-hot is then
exactly 0 at the label, so the gradient there is lost while weight decay goes on, and the net ends in another place.
`margin_cross_entropy` is the same function computed from the differences of logits,

$$ -\log \mathrm{softmax}(z)_y = \log\Bigl(1 + \sum_{j \ne y} e^{z_j - z_y}\Bigr), $$

whose gradient keeps its digits: $g_j = e^{z_j - z_y} / (1 + \sum)$ for the others and minus their sum at the label.

Source. Yunis et al. 2024 (see `minidl.theory.spectral`), section 4; Power et al. 2022 for grokking; Prieto, Barsbey,
Mediano, Birdal, "Grokking at the edge of numerical stability", 2025, for the collapse of softmax. Left out: the paper's
transformer at p = 113 with 40000 epochs of AdamW (1 layer, width 128, 4 heads, rate 1e-3, betas 0.9 and 0.98, decay 0,
0.1 or 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl import nn
from minidl.autograd import Primitive, Tensor, relu, softmax
from minidl.border import generator
from minidl.optim import AdamW
from minidl.theory.spectral import border
from minidl.theory.spectral.modular import Split, one_hot_pairs
from minidl.theory.spectral.snapshots import SpectralTracker, Track


# --- the loss ------------------------------------------------------------------------------------------------------------
def _margin_loss(logits: np.ndarray, *, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean loss, and its gradient, which the rule scales. On the transpose, where reductions are faster."""
    rows = np.arange(len(labels))
    z = logits.T - logits[rows, labels]  # (C, N) differences to the label's logit
    z[labels, rows] = -np.inf  # the others alone
    top = np.maximum(z.max(axis=0), 0)  # (N,)
    e = np.exp(z - top)
    others = e.sum(axis=0)  # (N,) sum over j != y, times e^-top
    losses = np.where(top > 0, top + np.log(np.exp(-top) + others), np.log1p(others))
    e /= np.exp(-top) + others
    e[labels, rows] = -e.sum(axis=0)
    return losses.mean(), (e / len(rows)).T


def _margin_rule(g: Any, y: Any, logits: Any, *, labels: np.ndarray, saved: Any) -> Any:
    if saved is None:  # derivatives of the gradient: its plain form, as tensors
        onehot = np.zeros(logits.shape, logits.dtype)
        onehot[np.arange(len(labels)), labels] = 1
        saved = (softmax(logits, 1) - onehot) / len(labels)
    return g * saved


_margin = Primitive("margin_cross_entropy", _margin_loss, _margin_rule, saves=True)


def margin_cross_entropy(logits: Any, labels: Any) -> Any:
    """The mean cross-entropy from differences of logits: as `cross_entropy`, with digits left where the loss is tiny.

    logits: (N, C) with C >= 2, labels: (N,) integers in [0, C). Raises ValueError for shapes that do not fit, no rows,
    labels out of range, TypeError for labels that are not integers.
    """
    logits, labels = _classified(logits, labels)
    return _margin(logits, labels=labels)


def margin_gradient(logits: Any, labels: Any) -> np.ndarray:
    """The gradient of `margin_cross_entropy` with respect to the logits, (N, C); as arrays. Arguments and errors as
    there."""
    logits, labels = _classified(logits, labels)
    return _margin_loss(logits.data if isinstance(logits, Tensor) else logits, labels=labels)[1]


def _classified(logits: Any, labels: Any) -> tuple[Any, np.ndarray]:
    logits, labels = logits if isinstance(logits, Tensor) else border.floats("logits", logits), np.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels must be integers (class numbers), got {labels.dtype}: use labels.astype(int)")
    shape = logits.shape
    if len(shape) != 2 or shape[1] < 2 or labels.shape != shape[:1] or not len(labels):
        raise ValueError(f"logits must be (N, C) with C >= 2 and labels (N,), N >= 1: got {shape} and {labels.shape}")
    if not 0 <= labels.min() <= labels.max() < shape[1]:
        raise ValueError(f"labels must lie in [0, {shape[1]}), got values from {labels.min()} to {labels.max()}")
    return logits, labels


# --- the run -------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Run:
    """A trained net and what was recorded on the way.

    track: snapshots of W_1, W_2, W_3; track.values has the accuracies "train" and "test". interrupted: whether Ctrl-C
    ended it early; the last snapshot is then of the net as it was left.
    """

    model: nn.Sequential
    track: Track
    interrupted: bool


def modular_net(p: int, width: int = 128, *, rng: np.random.Generator, dtype: Any = np.float64) -> nn.Sequential:
    """The net above on one-hot pairs (N, 2 p): logits (N, p). Raises ValueError for sizes below 1."""
    p, width = border.count("p", p, 2), border.count("width", width)
    generator(rng)

    def layer(inputs: int, outputs: int, init: Any = nn.he_normal) -> nn.Linear:
        return nn.Linear(inputs, outputs, rng=rng, bias=False, init=init, dtype=dtype)

    return nn.Sequential(layer(2 * p, width, _unit), relu, layer(width, width), relu, layer(width, p))


def _unit(shape, fan_in, fan_out, *, rng, dtype):
    return rng.standard_normal(shape).astype(dtype)


def train_modular(
    split: Split,
    p: int,
    *,
    rng: np.random.Generator,
    steps: int = 6000,
    width: int = 128,
    lr: float = 3e-3,
    betas: tuple[float, float] = (0.9, 0.98),
    weight_decay: float = 1.0,
    every: int = 100,
    dtype: Any = np.float64,
    progress: bool | str = False,
    impl: str = "kernels",
) -> Run:
    """Train `modular_net` on all training pairs at once by AdamW, with a snapshot before, and every so many steps.

    split: see `minidl.theory.spectral.modular`; with labels of one's own, `split._replace(train_y=...)`. Ctrl-C ends training
    after the running step, and what was learned and recorded is returned. impl: of the optimizer, "kernels" or "reference".
    Raises as `modular_net`, `one_hot_pairs`, `AdamW` and `nn.fit`.
    """
    x, y = one_hot_pairs(split.train_x, p, dtype), np.asarray(split.train_y)
    unseen, labels = one_hot_pairs(split.test_x, p, dtype), np.asarray(split.test_y)
    model = modular_net(p, width, rng=rng, dtype=dtype)
    accuracies = {"train": lambda: nn.accuracy(model, x, y), "test": lambda: nn.accuracy(model, unseen, labels)}
    tracker = SpectralTracker(model, every=every, values=accuracies)
    tracker.record(0)
    history = nn.fit(
        model,
        AdamW(model.parameters(), lr=lr, betas=betas, weight_decay=weight_decay, impl=impl),
        x,
        y,
        steps=steps,
        batch_size=len(x),
        rng=rng,
        loss=margin_cross_entropy,
        progress=progress,
        on_step=tracker,
    )
    if tracker.last_step != history.steps:
        tracker.record(history.steps)
    return Run(model, tracker.track(), history.interrupted)
