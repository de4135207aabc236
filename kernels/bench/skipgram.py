"""Skip-gram, one epoch over the walks of struc2vec on the Brazilian air traffic: plain loops, SIMD, gensim.

    python kernels/bench/skipgram.py [--rounds N] [--only NAME] [--no-write] [--no-peers]

131 nodes, ten walks of 80 nodes from each, vectors of 128 float32, windows of up to 10. Without the file (see
`minidl.graphs.load_graph`) the walks are on a random graph with as many nodes and edges; the report says which it was.

* `minidl_kernels`: `train_hierarchical` or `train_negative` on widths (and negatives) that were drawn before.
* `plain loops`: the same where SIMD is switched off.
* `train_skipgram`: all that a user waits for: counts, tree, vectors and noise are made anew.
* `gensim`: `Word2Vec.train` with one worker, on sentences of strings; vocabulary, tree and vectors were made before.
* `gensim, fine rates`: the same with batches of 1,000 words in place of 10,000. The rate is constant within a batch, so that by
  default it falls in ten steps here, which costs likelihood.

Contenders draw noise of their own, so their vectors differ. What they must agree on is the objective per pair of nodes, over
all pairs that lie in a common window, weighted by how often: to 0.02, after an epoch; only `gensim` with its default may be
worse. For negative sampling the drawn nodes' part is replaced by its expectation.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from unittest.mock import patch

import harness
import numpy as np
from harness import Contender, Disagreement, Goal, Options, Workload

from minidl import graphs
from minidl.data import DataError
from minidl.graphs.training import initial_vectors, train_skipgram

KERNELS, PLAIN, WHOLE = "minidl_kernels", "plain loops", "train_skipgram"
PEER, PEER_FINE = "gensim", "gensim, fine rates"
WINDOW, NEGATIVES, WITHIN = 10, 5, 0.02
FIRST, LAST = 0.025, 0.0001  # rates


class Problem:
    """Walks, and how good vectors are on them."""

    def __init__(self, tiny: bool):
        self.dims, self.rng = 8 if tiny else 128, np.random.default_rng(0)
        self.graph, self.source = traffic(tiny)
        self.n = self.graph.n
        self.walks = struc2vec_walks(self.graph, *((1, 10) if tiny else (10, 80)), self.rng)
        self.counts = graphs.node_counts(self.walks, self.n)

    @cached_property
    def pairs(self) -> np.ndarray:
        """How often training predicts column from row: at distance k, the share 1 - (k - 1) / WINDOW of widths reaches."""
        pairs = np.zeros((self.n, self.n))
        for k in range(1, min(WINDOW, self.walks.shape[1] - 1) + 1):
            u, v = self.walks[:, :-k].ravel(), self.walks[:, k:].ravel()
            np.add.at(pairs, (np.r_[u, v], np.r_[v, u]), 1 - (k - 1) / WINDOW)
        return pairs / pairs.sum()

    @cached_property
    def tree(self) -> graphs.Huffman:
        return graphs.huffman(self.counts)

    @cached_property
    def p(self) -> np.ndarray:
        return graphs.negative_probabilities(self.counts)

    def start(self, rows: int) -> tuple[np.ndarray, ...]:
        """Widths, rates, vectors and theta before training."""
        widths = graphs.window_widths(self.rng.random(self.walks.shape), WINDOW)
        lengths = np.full(len(self.walks), self.walks.shape[1])
        rates = graphs.learning_rates(self.walks.size, 0, lengths, FIRST, LAST)
        vectors = initial_vectors(self.rng.random((self.n, self.dims)), np.float32)
        return widths, rates, vectors, np.zeros((rows, self.dims), np.float32)

    def hierarchical(self, vectors: np.ndarray, theta: np.ndarray, tree: Any) -> float:
        return float((self.pairs * graphs.leaf_log_probabilities(vectors, theta, *tree)).sum())

    def negative(self, vectors: np.ndarray, theta: np.ndarray) -> float:
        z = vectors.astype(np.float64) @ theta.T.astype(np.float64)
        against = -np.logaddexp(0, z) * self.p  # (V, V), but the predicted node is none of the drawn ones
        objective = -np.logaddexp(0, -z) + NEGATIVES * (against.sum(axis=1, keepdims=True) - against)
        return float((self.pairs * objective).sum())


def traffic(tiny: bool) -> tuple[graphs.Graph, str]:
    if not tiny:
        try:
            return graphs.load_graph("brazil").graph, "Brazilian air traffic"
        except DataError:
            pass
    n, m = (12, 30) if tiny else (131, 1003)
    rng = np.random.default_rng(1)
    ring = np.stack([np.arange(n), np.roll(np.arange(n), 1)], axis=1)
    uneven = (n * rng.random((m - n, 2)) ** 2).astype(int)  # some nodes have many edges
    return graphs.Graph.from_edges(np.concatenate([ring, uneven])), f"a random graph, {n} nodes"


def struc2vec_walks(graph: graphs.Graph, rounds: int, length: int, rng: np.random.Generator) -> np.ndarray:
    settings = dict(epsilon=0.0, opt1=True, opt2="paper", until_layer=6, memory=2**30, impl="reference")
    run = graphs.DistanceRun.prepare(graph, **settings)
    run.compute(impl="reference")
    layers = graphs.layer_graph(graph.n, run.pairs, run.f)
    p = graphs.transition_probabilities(layers.bounds, layers.distances)
    up = graphs.up_probabilities(graph.n, layers.bounds, layers.distances)
    tables = graphs.alias_tables(layers.bounds, p)
    starts = graphs.walk_starts(rng.random((rounds, graph.n)))
    return graphs.draw_multilayer_walks(starts, layers.bounds, layers.neighbours, *tables, up, length, rng=rng)


# --- the contenders ----------------------------------------------------------------------------------------------------
Build = Callable[[Problem], tuple[harness.Step, harness.Outcome]]


def kept(train: Callable[[], Any], objective: Callable[..., float]) -> tuple[harness.Step, harness.Outcome]:
    """A step that trains, and the objective of what the last one gave."""
    result: list[Any] = [None]

    def step():
        result[0] = train()

    return step, lambda: {"objective": objective(*result[0])}


def without_simd(train: Callable[[], Any]) -> Callable[[], Any]:
    from minidl_kernels import cpu

    def run():
        with patch.object(cpu, "has", return_value=False):
            return train()

    return run


def hierarchical(p: Problem) -> Callable[[], Any]:
    from minidl_kernels import skipgram

    start = p.start(p.n - 1)
    return lambda: skipgram.train_hierarchical(p.walks, *start, *p.tree)


def negative(p: Problem) -> Callable[[], Any]:
    from minidl_kernels import skipgram

    start = p.start(p.n)
    drawn = p.rng.choice(p.n, (*p.walks.shape, 2 * WINDOW, NEGATIVES), p=p.p).astype(np.int32)
    return lambda: skipgram.train_negative(p.walks, *start, drawn)


def whole(p: Problem, objective: str) -> Callable[[], Any]:
    settings = dict(dims=p.dims, window=WINDOW, epochs=1, negatives=NEGATIVES, dtype=np.float32)
    return lambda: train_skipgram(p.walks, p.n, objective=objective, rng=p.rng, **settings)


def gensim(p: Problem, batch: int, **objective: int):
    from gensim.models import Word2Vec

    sentences = [[str(node) for node in walk] for walk in p.walks]
    settings = dict(
        vector_size=p.dims, window=WINDOW, min_count=0, sample=0, alpha=FIRST, min_alpha=LAST, batch_words=batch
    )
    model = Word2Vec(sg=1, workers=1, epochs=1, seed=1, **settings, **objective)
    model.build_vocab(sentences)
    return model, lambda: model.train(sentences, total_examples=len(sentences), epochs=1)


def gensim_hierarchical(p: Problem, batch: int):
    """gensim numbers nodes by frequency, and among equal counts builds another tree: its own tree is judged."""
    model, step = gensim(p, batch, hs=1, negative=0)
    order = [model.wv.key_to_index[str(node)] for node in range(p.n)]
    paths = [model.wv.get_vecattr(str(node), "point") for node in range(p.n)]
    codes = [model.wv.get_vecattr(str(node), "code") for node in range(p.n)]
    offsets = np.concatenate([[0], np.cumsum([len(path) for path in paths])])
    tree = offsets, np.concatenate(paths), np.concatenate(codes)
    return step, lambda: {"objective": p.hierarchical(model.wv.vectors[order], model.syn1[: p.n - 1], tree)}


def gensim_negative(p: Problem, batch: int):
    model, step = gensim(p, batch, hs=0, negative=NEGATIVES)
    order = [model.wv.key_to_index[str(node)] for node in range(p.n)]
    return step, lambda: {"objective": p.negative(model.wv.vectors[order], model.syn1neg[order])}


# --- the workloads -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Training(Workload):
    """Contenders that train with noise of their own agree on the objective, within a limit (see the top of this file)."""

    within: float = WITHIN

    def prepare(self, options: Options) -> tuple[dict[str, harness.Step], list[tuple[str, str]]]:
        found: dict[str, Mapping[str, float]] = {}

        def remembering(contender: Contender) -> Contender:
            def build():
                step, outcome = contender.build()

                def remembered():
                    found[contender.name] = outcome()
                    return {}  # nothing that must be equal

                return step, remembered

            return Contender(contender.name, build, contender.needs)

        everybody = Workload(self.name, self.base, [remembering(c) for c in self.contenders], self.ulps)
        steps, skipped = everybody.prepare(options)
        expected = found[self.base]["objective"]
        for name, got in found.items():
            print(f"{self.name}: objective per pair of {name}: {got['objective']:.4f}")
            excess = got["objective"] - expected
            if not (excess if name == PEER else abs(excess)) <= self.within:
                raise Disagreement(f"{self.name}: {name} reaches {got['objective']:.4f}, {self.base} {expected:.4f}")
        return steps, skipped


def benches(options: Options) -> Iterator[Workload]:
    p = Problem(options.tiny)
    within = 0.2 if options.tiny else WITHIN  # a few hundred pairs: each contender's own noise shows in the objective
    note = f"walks on {p.source}; {p.walks.size} nodes a step"

    def contenders(train: Callable, judge: Callable, objective: str, peer: Callable) -> list[Contender]:
        return [
            Contender(KERNELS, lambda: kept(train(p), judge)),
            Contender(PLAIN, lambda: kept(without_simd(train(p)), judge)),
            Contender(WHOLE, lambda: kept(whole(p, objective), judge)),
            Contender(PEER, lambda: peer(p, 10_000), "gensim"),
            Contender(PEER_FINE, lambda: peer(p, 1000), "gensim"),
        ]

    def goals(speed: float) -> list[Goal]:
        return [*(Goal(KERNELS, peer, at_least=speed) for peer in (PEER, PEER_FINE)), Goal(KERNELS, PLAIN, at_least=2)]

    def judged(vectors, theta):
        return p.hierarchical(vectors, theta, p.tree)

    rows = contenders(hierarchical, judged, "hierarchical", gensim_hierarchical)
    yield Training("hierarchical softmax", KERNELS, rows, ulps=0, goals=goals(3.5), note=note, within=within)
    rows = contenders(negative, p.negative, "negative", gensim_negative)
    yield Training(
        "negative sampling",
        KERNELS,
        rows,
        ulps=0,
        goals=goals(2),
        note=f"{note}; {NEGATIVES} drawn for each pair",
        within=within,
    )


if __name__ == "__main__":
    sys.exit(harness.main("skipgram", "skip-gram, one epoch over walks", benches))
