"""The distances of a whole graph: each pair of node classes once, in chunks, resumable after an interruption.

Nodes whose rings agree have the same distances (`signature_classes`), so that DTW runs on pairs of classes only.
"""

from __future__ import annotations

import hashlib
import os
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from minidl.files import replacing
from minidl.graphs import border, distances, rings
from minidl.graphs.distances import Pairs, all_pairs, candidate_pairs, candidates, signature_classes
from minidl.graphs.graph import Graph
from minidl.graphs.progress import bar
from minidl.graphs.rings import Sequences
from minidl.graphs.training import float_type
from minidl.implementations import implementation

KERNELS = {"float64": "minidl_kernels.simd_dtw", "float32": "minidl_kernels.simd_dtw32"}
FIRST_CHUNK = {"reference": 32, "kernels": 1 << 16}  # class pairs; doubled while a chunk takes less than half a second
SAVE_EVERY = 30.0  # seconds between two writes of the checkpoint
GIB = 2**30


@dataclass(eq=False)
class DistanceRun:
    """Structural distances of a graph, computed so far for the first `done` of the class pairs.

    graph; sequences: of its rings; pairs (P, 2) and multiplicity (P,): whom to compare; epsilon; dtype: of the
    distances. `compute` goes on from where it was interrupted, `f` is the result. Made by `prepare`.
    """

    graph: Graph
    sequences: Sequences
    pairs: np.ndarray
    multiplicity: np.ndarray
    epsilon: float
    dtype: Any = np.float64
    done: int = 0
    _class_pairs: np.ndarray = field(init=False, repr=False)
    _index: np.ndarray = field(init=False, repr=False)
    _f: np.ndarray = field(init=False, repr=False)

    @classmethod
    def prepare(
        cls,
        graph: Graph,
        *,
        epsilon: float = 0.0,
        opt1: bool = False,
        opt2: str | None = None,
        until_layer: int | None = None,
        dtype: Any = np.float64,
        memory: float = 4 * GIB,
        impl: str = "kernels",
    ) -> DistanceRun:
        """Rings and pairs of the graph; no distance yet.

        opt1: run-length sequences; opt2: the rule for candidates ("paper" or "official"), None for all pairs;
        until_layer: OPT3. dtype: float64, or float32, which takes about half the time, with a relative error of at most
        about n 2^-24 for n entries in the longest rings of the two nodes (see `minidl_kernels.simd_dtw32`; the reference
        computes in float64 and rounds). Raises ValueError for fewer than 2 nodes, isolated nodes while epsilon is 0,
        settings out of range, and if more than `memory` bytes would be needed, with the remedy.
        """
        if not isinstance(graph, Graph):
            raise TypeError(f"expected a minidl Graph (Graph.from_edges, read_edges), got {type(graph).__name__}")
        if graph.n < 2:
            raise ValueError(f"struc2vec compares nodes: expected a graph of at least 2 nodes, got {graph.n}")
        epsilon = border.number("epsilon", epsilon)
        if epsilon == 0 and graph.isolated.size:
            raise ValueError(
                f"node {graph.isolated[0]} has no neighbours ({graph.isolated.size} such nodes), and a degree of 0 has no "
                "ratio to another: use graph.without_isolated(), or epsilon > 0 (0.5 in the authors' code)"
            )
        until_layer = None if until_layer is None else border.count("until_layer", until_layer, 0)
        dtype = float_type("dtype", dtype)
        # Ordered rings hold every node once for every other: 8 bytes each, and as much again while they are joined.
        _afford(0 if opt1 else 16 * graph.n**2, memory, "opt1=True (run-length sequences)")
        _afford(0 if opt2 else 8 * graph.n**2, memory, 'opt2="paper" or "official" (candidates)')
        kernel = implementation(impl, reference=rings, kernels=KERNELS[dtype.name])
        sequences = Sequences(*kernel.degree_sequences(graph.indptr, graph.indices, bool(opt1), until_layer))
        if opt2 is None:
            pairs = all_pairs(graph.n)
            pairs = Pairs(pairs, np.ones(len(pairs), np.int32))
        else:
            pairs = candidate_pairs(*candidates(graph.degrees, opt2))
        _afford(
            _held(sequences) + memory_needed(len(pairs.pairs), rings.layer_count(sequences.first)),
            memory,
            "opt2 (fewer pairs) or a smaller until_layer (fewer layers)",
        )
        return cls(graph, sequences, *pairs, epsilon, dtype)

    def __post_init__(self) -> None:
        self.dtype = float_type("dtype", self.dtype)
        classes, representatives = signature_classes(*self.sequences)
        c = len(representatives)
        u, v = classes[self.pairs].astype(np.int64).T
        keys, self._index = np.unique(np.minimum(u, v) * c + np.maximum(u, v), return_inverse=True)
        self._class_pairs = representatives[np.stack(np.divmod(keys, c), axis=1)].astype(np.int32)  # (C, 2)
        self._f = np.empty((len(keys), rings.layer_count(self.sequences.first)), self.dtype)

    @property
    def total(self) -> int:
        """The number of class pairs to compare."""
        return len(self._class_pairs)

    @property
    def f(self) -> np.ndarray:
        """f_k of every pair, (P, L) of the dtype, infinity where undefined. ValueError before all is computed."""
        if self.done < self.total:
            raise ValueError(f"{self.done} of {self.total} distances are computed: call compute()")
        return self._f[self._index]

    def compute(
        self, *, impl: str = "kernels", progress: bool | str = False, checkpoint: str | os.PathLike | None = None
    ) -> DistanceRun:
        """Compute what is not computed yet. Returns itself.

        checkpoint: a file that is read if it is there, and written every half a minute, at the end, and when
        interrupted. After KeyboardInterrupt the object keeps what was computed as well. Raises ValueError for a
        checkpoint of other distances or another dtype, and for distances beyond float32 where that is the dtype.
        """
        kernel = implementation(impl, reference=distances, kernels=KERNELS[self.dtype.name])
        if checkpoint is not None and Path(checkpoint).exists():
            self.restore(checkpoint)
        size, saved, before = FIRST_CHUNK[impl], time.monotonic(), self.done
        try:
            with bar(progress, "distances", self.total, self.done) as tell:
                while self.done < self.total:
                    began = time.monotonic()
                    chunk = self._class_pairs[self.done : self.done + size]
                    f = kernel.pair_distances(*self.sequences, chunk, self.epsilon)
                    self._f[self.done : self.done + len(chunk)] = _rounded(f, self.dtype)
                    self.done += len(chunk)
                    tell(len(chunk))
                    if time.monotonic() - began < 0.5:
                        size *= 2
                    if checkpoint is not None and time.monotonic() - saved > SAVE_EVERY:
                        self.save(checkpoint)
                        saved, before = time.monotonic(), self.done
        finally:
            if checkpoint is not None and self.done > before:
                self.save(checkpoint)
        return self

    def save(self, path: str | os.PathLike) -> None:
        """Write what is computed so far to a file of NumPy's format .npz."""
        with replacing(path) as beside, open(beside, "wb") as stream:
            np.savez(stream, f=self._f[: self.done], key=np.array(self._key()))

    def restore(self, path: str | os.PathLike) -> None:
        """Go on from a saved file. ValueError if it is damaged, or of another graph or other settings."""
        try:
            with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
                f, key = file["f"], str(file["key"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path}: expected distances saved by minidl ({error}): delete the file") from None
        if key != self._key() or f.ndim != 2 or f.shape[1] != self._f.shape[1] or len(f) > self.total:
            raise ValueError(f"{path}: holds the distances of another graph or other settings: choose another file")
        if len(f) > self.done:
            self._f[: len(f)], self.done = f, len(f)

    def _key(self) -> str:
        digest = hashlib.sha256(repr((self.epsilon, self.dtype.name)).encode())
        for array in (*self.sequences, self._class_pairs):
            digest.update(repr(array.shape).encode() + np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def memory_needed(pairs: int, layers: int) -> int:
    """Bytes that the pairs and the layered graph made of them take at most, besides the sequences.

    A pair in a layer: 8 bytes of distance, twice while they are gathered, and in both directions neighbour (4),
    distance (8), probability (8), threshold (8), alias (4), and 24 while one is made of the other; a pair: 128 bytes of
    sorting.
    """
    return pairs * (layers * (2 * 8 + 2 * (4 + 8 + 8 + 8 + 4 + 24)) + 128)


def _rounded(f: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Distances in the dtype. ValueError if one does not fit."""
    if f.dtype == dtype:
        return f
    sizes, info = f[np.isfinite(f) & (f > 0)], np.finfo(dtype)
    if sizes.size and not (sizes.min() >= info.tiny and sizes.max() <= info.max):
        raise ValueError(f"distances from {sizes.min():.3g} to {sizes.max():.3g} are beyond {dtype}: use float64")
    return f.astype(dtype)


def _held(sequences: Sequences) -> int:
    return sum(array.nbytes for array in sequences)


def _afford(needed: int, memory: float, remedy: str) -> None:
    if needed > memory:
        raise ValueError(
            f"this would take {needed / GIB:.2f} GiB and memory= allows {memory / GIB:.2f} GiB: use {remedy}, or allow more"
        )
