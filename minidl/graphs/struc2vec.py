r"""struc2vec: vectors in which nodes with the same role in the graph are near, however far apart they are.

Claim. Two nodes are alike when the degrees at hop distance 0, 1, 2, ... around them are alike. Nodes that an
automorphism exchanges are at distance 0, also in different components; walks on the graph itself (DeepWalk, node2vec)
only see which nodes are close by.

Steps. Rings and their ordered degrees (`rings`), DTW between them (`dtw`), cumulated distances (`distances`), a
weighted graph per hop count (`layers`), walks over these graphs (`walks`), skip-gram on the walks (`skipgram`,
`huffman`).

Conventions. "paper" and "official" (the authors' code) differ: epsilon 0 and 0.5; Gamma (`layers`); the candidates of
OPT2 (`distances`), of which the code enters a pair twice where each node proposes the other. Both walk with
boundary="lazy" unless told otherwise. Not followed: FastDTW in place of DTW, negative sampling beside hierarchical
softmax, and subsampling, which the code gets from its library's defaults.

Memory. Rings: 8 bytes for every two nodes, or far less with opt1; distances and layers: `memory_needed`; both are
checked against `memory` before they are made. Walks: 4 bytes a node; their noise and that of training: below 64 MB at a
time, or 8 bytes a node of one round for the walks on the graph itself.

Source. Ribeiro, Saverese, Figueiredo, "struc2vec: Learning Node Representations from Structural Identity", KDD 2017,
arXiv:1704.03165, and the authors' code.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minidl.graphs import border, deepwalk, walks
from minidl.graphs.distance_run import GIB, DistanceRun
from minidl.graphs.graph import CSR, Graph
from minidl.graphs.layers import AVERAGES, CONVENTIONS, layer_graph, transition_probabilities, up_probabilities
from minidl.graphs.progress import bar
from minidl.graphs.training import SkipGramSettings, float_type, train_skipgram
from minidl.implementations import implementation

EPSILON = {"paper": 0.0, "official": 0.5}


class Interrupted(KeyboardInterrupt):
    """Ctrl-C while distances were computed. distances: the `DistanceRun`; pass it to `embed` to go on."""

    def __init__(self, distances: DistanceRun):
        super().__init__(
            f"interrupted after {distances.done} of {distances.total} distances: pass distances=error.distances to go on"
        )
        self.distances = distances


@dataclass(frozen=True, eq=False)
class Embedding:
    """vectors (n, dims), one for each of graph.nodes; the walks (W, walk_length) behind them; seconds by stage."""

    vectors: np.ndarray
    graph: Graph
    walks: np.ndarray
    distances: DistanceRun | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    def __getitem__(self, ids: Any) -> np.ndarray:
        """The vectors of these node ids. ValueError for an id that is not in the graph."""
        return self.vectors[self.graph.number(ids)]


def embed(
    graph: Graph,
    *,
    walk_length: int = 80,
    num_walks: int = 10,
    q: float = 0.3,
    opt1: bool = False,
    opt2: bool = False,
    until_layer: int | None = None,
    convention: str = "paper",
    epsilon: float | None = None,
    average: str = "defined",
    boundary: str = "lazy",
    official_duplicates: bool | None = None,
    distance_dtype: Any = None,
    memory: float = 4 * GIB,
    distances: DistanceRun | None = None,
    checkpoint: str | os.PathLike | None = None,
    rng: np.random.Generator,
    impl: str = "kernels",
    progress: bool | str = False,
    **skipgram: Any,
) -> Embedding:
    """struc2vec of a graph of at least two nodes: a vector (dims,) for every node.

    q: the probability to stay in a layer; opt1: run-length sequences; opt2: candidates by the convention's rule instead
    of all pairs; until_layer: layers 0..until_layer only (OPT3). convention: "paper" or "official", from which epsilon
    (the offset of degrees), Gamma and official_duplicates follow unless they are given. distance_dtype: float64, or
    float32, which takes about half the time (`DistanceRun.prepare`); None for that of `distances`, float64 without.
    memory: bytes allowed; distances: of an interrupted run of this graph with these settings (opt1 to epsilon are then
    not read); checkpoint: a file from which, and to which, distances are kept. skipgram: settings such as dims=128,
    window=10, epochs=5, objective="hierarchical", dtype=np.float64 (of the vectors); see `SkipGramSettings`.

    Raises ValueError for settings out of range, isolated nodes with epsilon 0, more memory than allowed;
    `Interrupted` on Ctrl-C while distances are computed, with which the run can go on.
    """
    walk_length, num_walks = border.count("walk_length", walk_length), border.count("num_walks", num_walks)
    q = border.number("q", q, 0, 1, above=True)
    for name, value, known in (
        ("convention", convention, CONVENTIONS),
        ("average", average, AVERAGES),
        ("boundary", boundary, walks.BOUNDARIES),
    ):
        border.choice(name, value, known)
    SkipGramSettings(**skipgram)  # refused before hours of distances, not after
    if distance_dtype is not None:
        distance_dtype = float_type("distance_dtype", distance_dtype)
    border.generator(rng)
    kernel = implementation(impl, reference=walks, kernels="minidl_kernels.walks")
    seconds: dict[str, float] = {}

    with _timed(seconds, "rings"):
        if distances is None:
            distances = DistanceRun.prepare(
                graph,
                epsilon=EPSILON[convention] if epsilon is None else epsilon,
                opt1=opt1,
                opt2=convention if opt2 else None,
                until_layer=until_layer,
                dtype=np.float64 if distance_dtype is None else distance_dtype,
                memory=memory,
                impl=impl,
            )
        elif not all(np.array_equal(getattr(distances.graph, name), getattr(graph, name)) for name in CSR._fields):
            raise ValueError("distances are of another graph: pass those of this one, or none")
        elif distance_dtype is not None and distance_dtype != distances.dtype:
            raise ValueError(f"distances are {distances.dtype}, not {distance_dtype}: leave out distance_dtype or them")
    with _timed(seconds, "distances"):
        try:
            distances.compute(impl=impl, progress=progress, checkpoint=checkpoint)
        except KeyboardInterrupt:
            raise Interrupted(distances) from None
    with _timed(seconds, "layers"):
        twice = convention == "official" if official_duplicates is None else official_duplicates
        layers = layer_graph(graph.n, distances.pairs, distances.f, distances.multiplicity if twice else None)
        p = transition_probabilities(layers.bounds, layers.distances)
        up = up_probabilities(graph.n, layers.bounds, layers.distances, convention, average)
        threshold, alias = kernel.alias_tables(layers.bounds, p)
    with _timed(seconds, "walks"), bar(progress, "walks", num_walks) as tell:
        rounds = []
        for _ in range(num_walks):
            starts = walks.walk_starts(rng.random((1, graph.n)))
            rounds.append(
                walks.draw_multilayer_walks(
                    starts,
                    layers.bounds,
                    layers.neighbours,
                    threshold,
                    alias,
                    up,
                    walk_length,
                    q,
                    boundary,
                    rng=rng,
                    advance=kernel.advance_walks,
                )
            )
            tell(1)
        paths = np.concatenate(rounds)
    with _timed(seconds, "skip-gram"):
        vectors = train_skipgram(paths, graph.n, rng=rng, impl=impl, progress=progress, **skipgram).vectors
    return Embedding(vectors, graph, paths, distances, seconds)


def embed_proximity(
    graph: Graph,
    *,
    walk_length: int = 80,
    num_walks: int = 10,
    p: float = 1.0,
    q: float = 1.0,
    rng: np.random.Generator,
    impl: str = "kernels",
    progress: bool | str = False,
    **skipgram: Any,
) -> Embedding:
    """DeepWalk (p = q = 1) or node2vec on the graph itself: the baselines. skipgram: of `SkipGramSettings`."""
    walk_length, num_walks = border.count("walk_length", walk_length), border.count("num_walks", num_walks)
    border.generator(rng)
    SkipGramSettings(**skipgram)
    if not isinstance(graph, Graph):
        raise TypeError(f"expected a minidl Graph (Graph.from_edges, read_edges), got {type(graph).__name__}")
    kernel = implementation(impl, reference=deepwalk, kernels="minidl_kernels.walks")
    seconds: dict[str, float] = {}
    with _timed(seconds, "walks"):
        rounds = []
        for _ in range(num_walks):
            starts = walks.walk_starts(rng.random((1, graph.n)))
            noise = rng.random((graph.n, walk_length - 1))
            if p == q == 1:
                rounds.append(kernel.first_order_walks(starts, graph.indptr, graph.indices, noise))
            else:
                rounds.append(kernel.node2vec_walks(starts, graph.indptr, graph.indices, noise, p, q))
        paths = np.concatenate(rounds)
    with _timed(seconds, "skip-gram"):
        vectors = train_skipgram(paths, graph.n, rng=rng, impl=impl, progress=progress, **skipgram).vectors
    return Embedding(vectors, graph, paths, None, seconds)


class _timed:
    """Adds the seconds of a block to a dict under a name."""

    def __init__(self, seconds: dict[str, float], name: str):
        self.seconds, self.name = seconds, name

    def __enter__(self) -> None:
        self.began = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds[self.name] = self.seconds.get(self.name, 0.0) + time.perf_counter() - self.began
