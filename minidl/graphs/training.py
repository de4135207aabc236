"""Vectors from walks: epochs of skip-gram with noise from a generator, in chunks, so that its memory is bounded.

Memory beyond the walks: the vectors of both sides, which are copied once a chunk, and 32 MB of noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl.graphs import border, skipgram
from minidl.graphs import walks as walking
from minidl.graphs.huffman import huffman
from minidl.graphs.progress import bar
from minidl.graphs.skipgram import Trained
from minidl.implementations import implementation

OBJECTIVES = ("hierarchical", "negative")
CHUNK = 1 << 20  # random numbers that are drawn at a time


def initial_vectors(u: Any, dtype: Any = np.float64) -> np.ndarray:
    """word2vec's start: uniform in [-1/2, 1/2) / dims. u: (V, dims) in [0, 1)."""
    u = border.uniforms("u", u, "V", "dims")
    return ((u - 0.5) / u.shape[1]).astype(dtype)


def float_type(name: str, dtype: Any) -> np.dtype:
    """The dtype, which must be float32 or float64: else ValueError."""
    dtype = np.dtype(dtype)
    if dtype not in (np.float32, np.float64):
        raise ValueError(f"{name} must be float32 or float64, got {dtype}")
    return dtype


@dataclass(frozen=True)
class SkipGramSettings:
    """What skip-gram can be told, checked. Raises ValueError for settings out of range, TypeError for other types.

    objective: "hierarchical" softmax, or "negative" sampling with that many `negatives`. The rate falls linearly from
    first_rate to last_rate. sample: word2vec's threshold of subsampling, None for none. group: contexts of one centre
    that are updated together. dtype: float64 or float32.
    """

    dims: int = 128
    window: int = 10
    epochs: int = 5
    objective: str = "hierarchical"
    negatives: int = 5
    first_rate: float = 0.025
    last_rate: float = 0.0001
    sample: float | None = None
    group: int = 1
    dtype: Any = np.float64

    def __post_init__(self) -> None:
        for name in ("dims", "window", "epochs", "negatives", "group"):
            border.count(name, getattr(self, name))
        border.choice("objective", self.objective, OBJECTIVES)
        border.number("first_rate", self.first_rate, above=True)
        border.number("last_rate", self.last_rate, high=self.first_rate)
        if self.sample is not None:
            border.number("sample", self.sample, above=True)
        float_type("dtype", self.dtype)


def train_skipgram(
    walks: Any,
    n: int,
    *,
    rng: np.random.Generator,
    impl: str = "kernels",
    progress: bool | str = False,
    **settings: Any,
) -> Trained:
    """Skip-gram vectors (n, dims) of the nodes on the walks (S, L); -1 ends a walk. See `minidl.graphs.skipgram`.

    settings: of `SkipGramSettings`. Raises ValueError for settings out of range and a node that is on no walk.
    """
    of = SkipGramSettings(**settings)
    border.generator(rng)
    train = implementation(impl, reference=skipgram, kernels="minidl_kernels.skipgram")
    walks = border.integers("walks", walks, np.int32, "S", "L", low=-1, high=border.count("n", n))
    counts = skipgram.node_counts(walks, n)
    if (absent := np.flatnonzero(counts == 0)).size:
        raise ValueError(f"node number {absent[0]} is on no walk, and so has no vector: start a walk at every node")
    keep = skipgram.keep_probability(counts, of.sample) if of.sample is not None else None
    lengths = (walks >= 0).sum(axis=1)
    vectors = initial_vectors(rng.random((n, of.dims)), of.dtype)
    if of.objective == "hierarchical":
        tree, theta, numbers = huffman(counts), np.zeros((n - 1, of.dims), of.dtype), walks.shape[1]
    else:
        p = skipgram.negative_probabilities(counts)
        draws = implementation(impl, reference=walking, kernels="minidl_kernels.walks")
        table, theta = draws.alias_tables(np.array([0, n]), p), np.zeros((n, of.dims), of.dtype)
        numbers = walks.shape[1] * 2 * of.window * of.negatives
    step, done, total = max(1, CHUNK // numbers), 0, of.epochs * int(lengths.sum())
    with bar(progress, "skip-gram", total) as tell:
        for _ in range(of.epochs):
            for begin in range(0, len(walks), step):
                chunk, size = walks[begin : begin + step], lengths[begin : begin + step]
                rates = skipgram.learning_rates(total, done, size, of.first_rate, of.last_rate)
                if keep is not None:
                    chunk = skipgram.subsample(chunk, keep, rng.random(chunk.shape))
                widths = skipgram.window_widths(rng.random(chunk.shape), of.window)
                if of.objective == "hierarchical":
                    vectors, theta = train.train_hierarchical(
                        chunk, widths, rates, vectors, theta, *tree, group=of.group
                    )
                else:
                    u = rng.random((*chunk.shape, 2 * of.window, of.negatives))
                    drawn = draws.alias_draw(*table, u).astype(np.int32)
                    vectors, theta = train.train_negative(chunk, widths, rates, vectors, theta, drawn, group=of.group)
                done += int(size.sum())
                tell(int(size.sum()))
    return Trained(vectors, theta)
