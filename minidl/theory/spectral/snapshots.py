"""The spectra of all weights at one time, and a tracker that takes such snapshots while a net trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minidl.nn import Module
from minidl.theory.spectral import border
from minidl.theory.spectral.alignment import TOP, aligned_taps, centre_tap, diagonal_score
from minidl.theory.spectral.nets import module_weights
from minidl.theory.spectral.ranks import EPS, rank_metrics, thin_svd


class Snapshot(NamedTuple):
    """Numbers of L weights, layer by layer, and of the L - 1 pairs of neighbours."""

    effective_rank: np.ndarray  # (L,)
    normalised_effective_rank: np.ndarray  # (L,)
    count_90: np.ndarray  # (L,) integers
    stable_rank: np.ndarray  # (L,)
    alignment: np.ndarray  # (L - 1,) scores; NaN where the sizes of neighbours do not meet


def snapshot(weights: Sequence[Any], eps: float = EPS, top: int = TOP) -> Snapshot:
    """The metrics of every weight, with one SVD each.

    weights: (out, in) or kernels (c_out, c_in, kh, kw), layer by layer; of kernels the centre tap aligns. eps, top: see
    `effective_rank` and `diagonal_score`. Raises ValueError for no weights, and as these do.
    """
    return _taken(weights, eps, top)[0]


def _taken(weights: Sequence[Any], eps: float, top: int) -> tuple[Snapshot, list[np.ndarray]]:
    """The snapshot and, from the same decompositions, the singular values of each weight."""
    if len(weights) == 0:
        raise ValueError("a snapshot needs at least one weight matrix, got none")
    weights = [border.weight(f"weights[{i}]", w) for i, w in enumerate(weights)]
    parts = [thin_svd(w) for w in weights]
    ranks = [rank_metrics(part.s, eps) for part in parts]
    scores = [
        diagonal_score(centre_tap(aligned_taps(one.u, two.v, w.shape)), top) if len(one.u) == w.shape[1] else np.nan
        for one, two, w in zip(parts, parts[1:], weights[1:], strict=False)
    ]
    columns = ("effective_rank", "normalised_effective_rank", "count_90", "stable_rank")
    numbers = (np.array([getattr(rank, name) for rank in ranks]) for name in columns)
    return Snapshot(*numbers, np.array(scores)), [part.s for part in parts]


@dataclass(frozen=True)
class Track:
    """Snapshots over time: T of them, of L weights.

    spectra: the singular values of each weight, (T, R) with the R of that weight. values: further numbers that were
    recorded with them, (T,) each, by name.
    """

    steps: np.ndarray  # (T,)
    names: tuple[str, ...]  # of the weights
    effective_rank: np.ndarray  # (T, L)
    normalised_effective_rank: np.ndarray  # (T, L)
    count_90: np.ndarray  # (T, L)
    stable_rank: np.ndarray  # (T, L)
    alignment: np.ndarray  # (T, L - 1)
    spectra: tuple[np.ndarray, ...]
    values: dict[str, np.ndarray]


class SpectralTracker:
    """Records a snapshot of a net every so many steps; `minidl.nn.fit(..., on_step=tracker)` calls it.

        tracker = SpectralTracker(model, every=100, values={"test": lambda: nn.accuracy(model, x_test, y_test)})
        tracker.record(0)
        nn.fit(model, optimizer, x, y, steps=6000, rng=rng, on_step=tracker)
        tracker.track().normalised_effective_rank       # (61, L)

    weights: a `minidl.nn` module, or a function without arguments that returns the weights (out, in) by name.
    every: steps between snapshots. values: functions without arguments, whose numbers are recorded too. eps, top: as
    `snapshot`. Raises ValueError for weights that no longer are those of the first snapshot, and as `snapshot`.
    """

    def __init__(
        self,
        weights: Module | Callable[[], Mapping[str, Any]],
        *,
        every: int = 100,
        values: Mapping[str, Callable[[], float]] | None = None,
        eps: float = EPS,
        top: int = TOP,
    ):
        if not isinstance(weights, Module) and not callable(weights):
            raise TypeError(f"weights must be a module or a function that returns them, got {type(weights).__name__}")
        self._weights = (lambda: module_weights(weights)) if isinstance(weights, Module) else weights
        self._every, self._values = border.count("every", every), dict(values or {})
        self._eps, self._top = eps, top
        self._names: tuple[str, ...] = ()
        self._rows: list[tuple[int, Snapshot, list[np.ndarray], dict[str, float]]] = []

    def __call__(self, step: int, loss: float) -> None:
        """After step number `step` (from 0): a snapshot when `every` divides the number of steps done."""
        if (step + 1) % self._every == 0:
            self.record(step + 1)

    def record(self, step: int) -> Snapshot:
        """Take a snapshot now, under this number of steps."""
        weights = self._weights()
        names = tuple(weights)
        if self._rows and names != self._names:
            raise ValueError(f"the weights were {', '.join(self._names)}, now they are {', '.join(names)}")
        taken, spectra = _taken(list(weights.values()), self._eps, self._top)
        self._names = names
        self._rows.append((int(step), taken, spectra, {name: float(value()) for name, value in self._values.items()}))
        return taken

    @property
    def last_step(self) -> int:
        """The number of steps at the last snapshot, -1 before the first."""
        return self._rows[-1][0] if self._rows else -1

    def track(self) -> Track:
        """All snapshots so far. Raises ValueError when there is none."""
        if not self._rows:
            raise ValueError("nothing was recorded: call tracker.record(0), or train for at least `every` steps")
        steps, taken, spectra, numbers = zip(*self._rows, strict=True)
        columns = {name: np.stack([getattr(one, name) for one in taken]) for name in Snapshot._fields}
        values = {name: np.array([row[name] for row in numbers]) for name in self._values}
        stacked = tuple(np.stack(one) for one in zip(*spectra, strict=True))
        return Track(np.array(steps), self._names, **columns, spectra=stacked, values=values)
