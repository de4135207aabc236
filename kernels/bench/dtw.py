"""DTW between the degree sequences of all pairs of nodes of the European air traffic graph, OPT1, layers 0 to 6.

    python kernels/bench/dtw.py [--rounds N] [--only NAME] [--no-write]

With MINIDL_DATA set it is the published graph (399 nodes); else a random one of as many nodes and edges with power-law
degrees. Results in float64, those of the kernels and of the reference, are equal to the bit; those in float32 are as near as
`minidl_kernels.simd_dtw32` says.

What does not finish in a sample takes a part of the pairs, and its time is scaled to all of them by the number of
comparisons: pairs are drawn at random, so that a comparison is as long on average. fastdtw approximates (radius 1, as the
authors of struc2vec call it) in pure Python. dtaidistance compares plain series in C, with (a - b)^2 in place of this cost,
without counts: another distance of the same number of cells, so its results are not compared, only its speed per
comparison.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import harness
import numpy as np
from harness import Contender, Goal, Options
from report import Row, Section, Spread, seconds

EPSILON, LAST = 0.5, 6
SIMD, SIMD32, PLAIN, REFERENCE, FASTDTW, DTAI = (
    "minidl_kernels.simd_dtw",
    "minidl_kernels.simd_dtw32",
    "minidl_kernels.dtw",
    "minidl",
    "fastdtw",
    "dtaidistance",
)


class Problem:
    """The sequences, all pairs, and a part of them for those who need longer."""

    def __init__(self, tiny: bool):
        from minidl import graphs

        self.name, graph = the_graph(40 if tiny else 399, 90 if tiny else 5993, tiny)
        self.sequences = graphs.degree_sequences(graph.indptr, graph.indices, True, LAST)
        self.pairs = graphs.all_pairs(graph.n)
        rng = np.random.default_rng(0)
        self.some = rng.choice(self.pairs, min(len(self.pairs), 4), replace=False)
        self.more = rng.choice(graph.n, min(graph.n, 40), replace=False)

    def comparisons(self, pairs: np.ndarray) -> int:
        rings = np.diff(self.sequences.first)
        return int(np.minimum(rings[pairs[:, 0]], rings[pairs[:, 1]]).sum())

    def cells(self) -> int:
        """Of the tables of all pairs."""
        _, _, offsets, first = self.sequences
        total = 0
        for k in range(LAST + 1):
            rings = first[:-1][np.diff(first) > k] + k
            sizes = (offsets[rings + 1] - offsets[rings]).astype(np.int64)
            total += int(sizes.sum() ** 2 - (sizes**2).sum()) // 2
        return total

    def check(self, name: str, f: np.ndarray, expected: np.ndarray) -> None:
        """f of the pairs in `some` is the reference's: to the bit, or in float32 to n roundings, n as in `simd_dtw32`."""
        _, _, offsets, first = self.sequences
        longest = np.maximum.reduceat(np.diff(offsets), first[:-1])[self.some]  # (P, 2)
        units = (longest.sum(axis=1, keepdims=True) + 2) * 2.0**-24 if f.dtype == np.float32 else 0.0
        defined = np.isfinite(expected)
        bound = np.where(defined, expected, 0.0) * units / (1 - units)
        near = np.abs(np.where(defined, f, 0.0) - np.where(defined, expected, 0.0)) <= bound
        if not (np.isfinite(f) == defined).all() or not near.all():
            raise harness.Disagreement(f"{name} computes other distances")

    def ring(self, u: int, k: int) -> np.ndarray | None:
        """Ring k of node u as runs (r, 2), or None."""
        degrees, counts, offsets, first = self.sequences
        if first[u] + k >= first[u + 1]:
            return None
        entries = slice(offsets[first[u] + k], offsets[first[u] + k + 1])
        return np.stack([degrees[entries], counts[entries]], axis=1)


def the_graph(n: int, edges: int, tiny: bool) -> tuple[str, Any]:
    from minidl.graphs import Graph, load_graph

    if os.environ.get("MINIDL_DATA") and not tiny:
        return "air traffic, Europe", load_graph("europe").graph
    rng = np.random.default_rng(0)
    weight = np.arange(1, n + 1) ** -0.6  # degrees fall like a power of the rank
    ends = rng.choice(n, (3 * edges, 2), p=weight / weight.sum())
    ends = np.unique(np.sort(ends[ends[:, 0] != ends[:, 1]], axis=1), axis=0)
    ends = rng.permutation(ends)[:edges]
    around = np.stack([np.arange(n), (np.arange(n) + 1) % n], axis=1)  # nobody is left alone
    return "power law", Graph.from_edges(np.concatenate([ends, around]))


# --- contenders: step(), how many comparisons it makes, and its f of the pairs in `some` (None: another distance) ----------
def with_module(name: str, pairs: np.ndarray, p: Problem):
    import importlib

    module = importlib.import_module(name)

    def outcome():
        return module.pair_distances(*p.sequences, p.some, EPSILON)

    return lambda: module.pair_distances(*p.sequences, pairs, EPSILON), p.comparisons(pairs), outcome


def with_fastdtw(p: Problem):
    from fastdtw import fastdtw

    def cost(a, b):
        return ((max(a[0], b[0]) + EPSILON) / (min(a[0], b[0]) + EPSILON) - 1) * max(a[1], b[1])

    rings = [[(p.ring(u, k), p.ring(v, k)) for k in range(LAST + 1)] for u, v in p.some]
    rings = [[ring for ring in both if ring[0] is not None and ring[1] is not None] for both in rings]

    def step():
        return [[fastdtw(a, b, radius=1, dist=cost)[0] for a, b in both] for both in rings]

    return step, p.comparisons(p.some), None


def with_dtaidistance(p: Problem):
    from dtaidistance import dtw

    if not dtw.try_import_c():
        raise RuntimeError("dtaidistance was built without its C library")
    rings = [[p.ring(u, k) for u in p.more] for k in range(LAST + 1)]
    series = [[ring[:, 0].astype(float) for ring in layer if ring is not None] for layer in rings]
    series = [layer for layer in series if len(layer) > 1]

    def step():
        return [dtw.distance_matrix_fast(layer, compact=True, parallel=False) for layer in series]

    return step, sum(len(layer) * (len(layer) - 1) // 2 for layer in series), None


class AllPairs:
    """One run: every contender in turn, its time per comparison."""

    name = "all pairs"

    def run(self, options: Options) -> Section:
        p = Problem(options.tiny)
        contenders = (
            Contender(SIMD, lambda: with_module(SIMD, p.pairs, p)),
            Contender(SIMD32, lambda: with_module(SIMD32, p.pairs, p)),
            Contender(PLAIN, lambda: with_module(PLAIN, p.pairs, p)),
            Contender(REFERENCE, lambda: with_module("minidl.graphs", p.some, p)),
            Contender(FASTDTW, lambda: with_fastdtw(p), "fastdtw"),
            Contender(DTAI, lambda: with_dtaidistance(p), "dtaidistance"),
        )
        samplers, calls, skipped, clock = {}, {}, [], options.clock
        expected = None
        for contender in contenders:
            if reason := harness.missing(contender, options):
                skipped.append((contender.name, reason))
                continue
            step, comparisons, outcome = contender.build()
            step()  # compiles
            if outcome is not None:
                expected = outcome() if expected is None else expected
                p.check(contender.name, outcome(), expected)
            calls[contender.name] = harness.calibrate(step, options.min_sample, clock.cpu)
            sample = harness.looped(step, calls[contender.name], clock.cpu)
            samplers[contender.name] = lambda sample=sample, comparisons=comparisons: sample() / comparisons
        cpu, wall = clock.cpu(), clock.wall()
        samples = harness.interleave(samplers, options.rounds)
        cpu, wall = clock.cpu() - cpu, clock.wall() - wall
        total = p.comparisons(p.pairs)
        seconds_of = {name: Spread.of(samples[name]).median * total for name in (SIMD, SIMD32)}
        return Section(
            self.name,
            f"{p.name}: {total} comparisons of {p.cells() / total:.0f} cells; times are per comparison",
            SIMD,
            [Row(name, Spread.of(s), harness.ratio(samples, name, SIMD), calls[name]) for name, s in samples.items()],
            [
                *((f"all pairs, all layers, {name}", seconds(time)) for name, time in seconds_of.items()),
                *((f"cells per second, {name}", f"{p.cells() / time:.3g}") for name, time in seconds_of.items()),
            ],
            skipped,
            [goal.verdict(samples) for goal in GOALS],
            options.rounds,
            cpu / wall if wall > 0 else None,
        )


GOALS = (
    *(Goal(name, FASTDTW, at_least=3000) for name in (SIMD, SIMD32)),
    *(Goal(name, DTAI, at_least=20) for name in (SIMD, SIMD32)),
    Goal(SIMD, PLAIN, at_least=8),
    Goal(SIMD32, SIMD, at_least=1.5),
)


def benches(options: Options) -> Iterator[AllPairs]:
    yield AllPairs()


if __name__ == "__main__":
    sys.exit(harness.main("dtw", "DTW between the degree sequences of all pairs of nodes", benches))
