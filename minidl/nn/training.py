"""The training loop: checks before it starts, shows progress, and keeps what was learned when interrupted."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minidl.autograd import Tensor, no_grad
from minidl.border import generator
from minidl.nn.border import positive
from minidl.nn.losses import cross_entropy
from minidl.nn.module import Module
from minidl.optim.optimizer import Optimizer


@dataclass
class History:
    """losses: one per step. interrupted: whether Ctrl-C came, hence whether training may have ended early."""

    losses: list[float] = field(default_factory=list)
    interrupted: bool = False

    @property
    def steps(self) -> int:
        return len(self.losses)


def fit(
    model: Module,
    optimizer: Optimizer,
    x: np.ndarray,
    y: np.ndarray,
    *,
    steps: int | None = None,
    epochs: int | None = None,
    batch_size: int = 128,
    rng: np.random.Generator,
    loss: Callable = cross_entropy,
    progress: bool | str = False,
    on_step: Callable[[int, float], None] | None = None,
) -> History:
    """Minimise the mean of loss(model(x), y) over shuffled batches, for a number of steps or of epochs.

    x: float (N, ...), y: (N, ...). Each epoch visits every example once, in a fresh order; a last batch may be smaller. A
    parameter that a step does not reach counts as having gradient zero (one with requires_grad=False rests).
    progress: True or a label shows a bar.
    Ctrl-C finishes the running step and returns with `interrupted` set: the model keeps what it learned.

    Raises ValueError for data that are not finite, lengths that differ, no examples, a model or loss that does not take
    them (found on two examples before training), an optimizer of another model, and a loss that stops being finite;
    TypeError for data that are not numbers, and a loss that is no tensor.
    """
    if (steps is None) == (epochs is None):
        raise ValueError("pass either steps or epochs")
    for name, count in (("steps", steps), ("epochs", epochs)):
        if count is not None and (not isinstance(count, (int, np.integer)) or count < 0):
            raise ValueError(f"{name} must be an integer of at least 0, got {count!r}")
    positive(batch_size=batch_size)
    x, y = _array("x", x), _array("y", y)
    _check_data(model, optimizer, x, y, loss)
    total = steps if steps is not None else epochs * -(-len(x) // batch_size)
    history = History()
    batches = _batches(len(x), batch_size, generator(rng))
    optimizer.zero_grad()  # of whatever came before; from here on each step forgets its own
    with interruptible(history), _bar(progress, total) as bar:
        for step in range(total):
            if history.interrupted:
                break
            rows = next(batches)
            value = loss(model(x[rows], training=True, rng=rng), y[rows])
            history.losses.append(value.item())
            if not np.isfinite(history.losses[-1]):
                raise ValueError(f"the loss became {history.losses[-1]} at step {step}: lower the learning rate")
            value.backward()
            for p in (p for tensors, _ in optimizer.groups for p in tensors if p.grad is None and p.requires_grad):
                p.grad = Tensor(np.zeros(p.shape, p.dtype), copy=False)
            optimizer.step(forget=True)
            bar(history.losses[-1])
            if on_step is not None:
                on_step(step, history.losses[-1])
    return history


def predict(model: Module, x: np.ndarray, *, batch_size: int = 1024) -> np.ndarray:
    """The model's outputs in inference mode, in batches, as one array."""
    x = _array("x", x)
    positive(batch_size=batch_size)
    if len(x) == 0:
        raise ValueError("predict got no examples")
    with no_grad():
        parts = [model(x[i : i + batch_size], training=False) for i in range(0, len(x), batch_size)]
    return np.concatenate([np.asarray(p) for p in parts])


def accuracy(model: Module, x: np.ndarray, y: np.ndarray, *, batch_size: int = 1024) -> float:
    """The part of examples whose largest output is their label. Raises ValueError unless there is a label for each."""
    labels, found = _array("y", y), predict(model, x, batch_size=batch_size).argmax(axis=-1)
    if labels.shape != found.shape:
        raise ValueError(
            f"accuracy needs one label per example, shape {found.shape}, got labels of shape {labels.shape}"
        )
    return float(np.mean(found == labels))


def _array(name: str, a: Any) -> np.ndarray:
    """Examples or labels as an array of numbers."""
    a = np.asarray(a)
    if a.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold numbers, got {a.dtype}: convert with np.asarray({name}, dtype=float)")
    if a.ndim == 0:
        raise ValueError(f"{name} must hold examples along its first axis, got the single number {a}")
    return a


def _check_data(model: Module, optimizer: Optimizer, x: np.ndarray, y: np.ndarray, loss: Callable) -> None:
    if len(x) != len(y) or len(x) == 0:
        raise ValueError(
            f"fit needs as many labels as examples, and at least one: got {len(x)} examples, {len(y)} labels"
        )
    for name, a in (("x", x), ("y", y)):
        if a.dtype.kind == "f" and not np.isfinite(a).all():
            bad = tuple(int(i) for i in np.argwhere(~np.isfinite(a))[0])
            raise ValueError(
                f"{name} holds {a[bad]} at {bad}: remove or replace entries that are not finite before training"
            )
    held = {p for tensors, _ in optimizer.groups for p in tensors}
    if held.isdisjoint(model.parameters().values()):
        raise ValueError(
            "the optimizer holds no parameter of this model, so nothing would be learned: "
            "make it from model.parameters() after making the model"
        )
    with no_grad():
        output = model(x[:2], training=False)
        if (
            loss is cross_entropy
            and y.dtype.kind in "iu"
            and output.ndim > 1
            and not 0 <= y.min() <= y.max() < output.shape[-1]
        ):
            raise ValueError(f"labels must lie in [0, {output.shape[-1]}), got values from {y.min()} to {y.max()}")
        value = loss(output, y[:2])
    if not isinstance(value, Tensor):
        raise TypeError(
            f"the loss must be a tensor made from the model's output, got {type(value).__name__}: "
            "compute it with minidl's functions, without .data, .item() or NumPy"
        )
    if value.size != 1:
        raise ValueError(f"the loss must be a scalar, got shape {value.shape}: reduce it with .mean()")


def _batches(n: int, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    while True:
        order = rng.permutation(n)
        yield from (order[i : i + size] for i in range(0, n, size))


@contextmanager
def interruptible(history: History) -> Iterator[None]:
    """Ctrl-C sets a mark that the loop reads between steps; a second one interrupts at once.

    Other threads cannot set handlers, and a process that ignores Ctrl-C (in the background) shall go on to do so.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) in (None, signal.SIG_IGN):
        yield
        return

    def mark(number, frame):
        if history.interrupted:
            raise KeyboardInterrupt
        history.interrupted = True

    previous = signal.signal(signal.SIGINT, mark)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


@contextmanager
def _bar(progress: bool | str, total: int) -> Iterator[Callable[[float], None]]:
    if not progress:
        yield lambda loss: None
        return
    from tqdm.auto import tqdm

    with tqdm(
        total=total, desc=progress if isinstance(progress, str) else "training", leave=False, disable=None
    ) as bar:
        smooth = None

        def update(loss: float) -> None:
            nonlocal smooth
            smooth = loss if smooth is None else 0.98 * smooth + 0.02 * loss
            bar.set_postfix(loss=f"{smooth:.3f}", refresh=False)
            bar.update()

        yield update
