"""Random walks of 80 nodes, ten from every node: first order, node2vec, and on the layered graph of struc2vec.

    python kernels/bench/walks.py [--rounds N] [--only NAME] [--no-write]

With MINIDL_DATA set the graph is the European air traffic; else a random one of as many nodes and edges with power-law
degrees. Every contender makes its random numbers itself, the reference with NumPy; "given noise" is the twin that takes an
array, drawing it included.

PecanPy compiles its walks anew in every call, for seconds. That is not held against it: its compiled functions are kept
from the first call on. "pecanpy" is what its `simulate_walks` does from there, lists of strings included, "pecanpy,
compiled loop" only the walking. It names things that NumPy 2 removed; they are put back for it. "python" walks like the
authors' code of struc2vec, on lists; "dgllge" (1.0.3) is the walker of that package, which is the authors' with their
dictionaries, as it is.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import harness
import numpy as np
from dtw import the_graph
from harness import Contender, Goal, Options, Workload

LENGTH = 80
DRAWN, GIVEN, REFERENCE = "minidl_kernels, drawn", "minidl_kernels, given noise", "minidl"
PECANPY, LOOP, PYTHON, DGLLGE = "pecanpy", "pecanpy, compiled loop", "python", "dgllge"
P, Q = 1.0, 0.5  # of node2vec


class Problem:
    """The graph, where walks start, and the layers over the graph."""

    def __init__(self, tiny: bool):
        from minidl_kernels import simd_dtw

        from minidl import graphs

        self.name, graph = the_graph(40 if tiny else 399, 90 if tiny else 5993, tiny)
        self.n, self.graph = graph.n, (graph.indptr, graph.indices)
        self.starts = np.tile(np.arange(graph.n), 1 if tiny else 10)
        pairs = graphs.all_pairs(graph.n)
        f = simd_dtw.structural_distances(*self.graph, pairs, 0.5, True, 6)
        layers = graphs.layer_graph(graph.n, pairs, f)
        p = graphs.transition_probabilities(layers.bounds, layers.distances)
        up = graphs.up_probabilities(graph.n, layers.bounds, layers.distances)
        self.layered = (layers.bounds, layers.neighbours, *graphs.alias_tables(layers.bounds, p), up)


def stepping(work: Callable[[], np.ndarray], valid: Callable[[np.ndarray], bool]):
    """A contender whose walks are checked: they are random, so what is compared is that each step is possible."""
    found: list[Any] = []

    def step():
        found[:] = [work()]

    return step, lambda: {"possible": np.float64(valid(np.asarray(found[0], np.int64)))}


def along_edges(p: Problem) -> Callable[[np.ndarray], bool]:
    indptr, indices = p.graph
    edges = np.repeat(np.arange(p.n), np.diff(indptr)) * p.n + indices
    return lambda walks: walks.shape[1] == LENGTH and bool(np.isin(walks[:, :-1] * p.n + walks[:, 1:], edges).all())


def anywhere(p: Problem) -> Callable[[np.ndarray], bool]:
    return lambda walks: walks.shape[1] == LENGTH and bool(((walks >= 0) & (walks < p.n)).all())


def restore_names() -> None:
    """What PecanPy's dependency nptyping takes for granted in NumPy."""
    for name, kind in (("bool8", np.bool_), ("object0", np.object_), ("int0", np.intp), ("uint0", np.uintp),
                       ("float_", np.float64), ("complex_", np.complex128), ("longfloat", np.longdouble),
                       ("singlecomplex", np.complex64), ("cfloat", np.complex128), ("longcomplex", np.clongdouble),
                       ("clongfloat", np.clongdouble), ("void0", np.void), ("bytes0", np.bytes_), ("str0", np.str_),
                       ("string_", np.bytes_), ("unicode_", np.str_)):  # fmt: skip
        if name not in vars(np):
            setattr(np, name, kind)


def pecanpy_walks(problem: Problem, kind: str, strings: bool, **settings: float):
    import pecanpy.pecanpy
    from numba_progress import ProgressBar

    model = getattr(pecanpy.pecanpy, kind)(workers=1, **settings)
    model.set_node_ids(None, implicit_ids=True, num_nodes=problem.n)
    indptr, indices = problem.graph
    model.indptr, model.indices = indptr.astype(np.uint32), indices.astype(np.uint32)
    model.data = np.ones(len(indices), np.float32)
    model._preprocess_transition_probs()
    move, has = model.get_move_forward(), model.get_has_nbrs()

    def work():
        starts = problem.starts.astype(np.uint32)
        np.random.shuffle(starts)  # noqa: NPY002  as PecanPy does
        with ProgressBar(total=len(starts), disable=True) as bar:
            walks = model._random_walks(len(starts), LENGTH - 1, 1, starts, has, move, bar)
        return [model._map_walk(walk) for walk in walks] if strings else walks[:, :-1]

    return stepping(work, along_edges(problem))


def python_walks(p: Problem):
    """As the authors' code: lists, `random`, an alias table for each node and layer."""
    bounds, neighbours, threshold, alias, up = (array.tolist() for array in p.layered)
    L, n = len(up), p.n

    def walk(v: int) -> list[int]:
        path, k = [v], 0
        while len(path) < LENGTH:
            if random.random() < 0.3:
                begin, end = bounds[k * n + v], bounds[k * n + v + 1]
                i = int(random.random() * (end - begin))
                v = neighbours[begin + (i if random.random() < threshold[begin + i] else alias[begin + i])]
                path.append(v)
            elif random.random() > up[k][v]:
                k -= k > 0
            elif k + 1 < L and bounds[(k + 1) * n + v] < bounds[(k + 1) * n + v + 1]:
                k += 1
        return path

    return stepping(lambda: [walk(v) for v in p.starts.tolist()], anywhere(p))


def dgllge_walks(p: Problem):
    """Its tables are lists in dictionaries by layer and node, and Gamma is what gives our probability of going up."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # importing it switches warnings off
        from ge.biasedRandomWalk import BiasedWalker

    bounds, neighbours, threshold, alias, up = p.layered
    tables: list[dict[int, dict[int, list]]] = [{}, {}, {}]
    for row, (begin, end) in enumerate(pairwise(bounds.tolist())):
        if begin < end:
            for table, values in zip(tables, (neighbours, threshold, alias), strict=True):
                table.setdefault(row // p.n, {})[row % p.n] = values[begin:end].tolist()
    gamma = np.exp(up / (1 - up)) - np.e
    walker = object.__new__(BiasedWalker)
    walker.idx2node = list(range(p.n))
    return stepping(
        lambda: [walker._exec_random_walk(*tables, v, LENGTH, gamma, 0.3) for v in p.starts.tolist()], anywhere(p)
    )


def drawn(p: Problem, name: str, graph: tuple, valid: Callable, *settings: float):
    from minidl_kernels import walks

    rng = np.random.default_rng(0)
    return stepping(lambda: getattr(walks, name)(p.starts, *graph, LENGTH, *settings, rng=rng), valid(p))


def given(p: Problem, module: str, name: str, *settings: float):
    """With noise as an array, which is drawn as well."""
    import importlib

    walk, rng = getattr(importlib.import_module(module), name), np.random.default_rng(0)
    return stepping(
        lambda: walk(p.starts, *p.graph, rng.random((len(p.starts), LENGTH - 1)), *settings), along_edges(p)
    )


def layered(p: Problem, advance: str):
    import importlib

    from minidl import graphs

    rng = np.random.default_rng(0)
    step = importlib.import_module(advance).advance_walks
    return stepping(
        lambda: graphs.draw_multilayer_walks(p.starts, *p.layered, LENGTH, rng=rng, advance=step), anywhere(p)
    )


def benches(options: Options) -> Iterator[Workload]:
    if options.peers:
        restore_names()
    p = Problem(options.tiny)

    def workload(name: str, base: str, contenders: dict[str, tuple[Callable, str | None]], *goals: Goal) -> Workload:
        chosen = [Contender(label, build, needs) for label, (build, needs) in contenders.items()]
        return Workload(name, base, chosen, ulps=0, goals=goals, note=f"{p.name}: {len(p.starts)} walks of {LENGTH}")

    yield workload(
        "first order",
        DRAWN,
        {
            DRAWN: (lambda: drawn(p, "draw_first_order_walks", p.graph, along_edges), None),
            GIVEN: (lambda: given(p, "minidl_kernels.walks", "first_order_walks"), None),
            REFERENCE: (lambda: given(p, "minidl.graphs", "first_order_walks"), None),
            PECANPY: (lambda: pecanpy_walks(p, "FirstOrderUnweighted", True), "pecanpy"),
            LOOP: (lambda: pecanpy_walks(p, "FirstOrderUnweighted", False), "pecanpy"),
        },
        Goal(DRAWN, PECANPY, at_least=12),
        Goal(DRAWN, LOOP, at_least=1),
    )
    yield workload(
        f"node2vec, p = {P:g}, q = {Q:g}",
        DRAWN,
        {
            DRAWN: (lambda: drawn(p, "draw_node2vec_walks", p.graph, along_edges, P, Q), None),
            GIVEN: (lambda: given(p, "minidl_kernels.walks", "node2vec_walks", P, Q), None),
            PECANPY: (lambda: pecanpy_walks(p, "SparseOTF", True, p=P, q=Q), "pecanpy"),
            LOOP: (lambda: pecanpy_walks(p, "SparseOTF", False, p=P, q=Q), "pecanpy"),
        },
        Goal(DRAWN, PECANPY, at_least=35),
        Goal(GIVEN, LOOP, at_least=1),
    )
    yield workload(
        "layered",
        DRAWN,
        {
            DRAWN: (lambda: drawn(p, "draw_multilayer_walks", p.layered, anywhere), None),
            GIVEN: (lambda: layered(p, "minidl_kernels.walks"), None),
            REFERENCE: (lambda: layered(p, "minidl.graphs"), None),
            PYTHON: (lambda: python_walks(p), None),
            DGLLGE: (lambda: dgllge_walks(p), "ge"),
        },
        Goal(DRAWN, DGLLGE, at_least=40),
        Goal(DRAWN, REFERENCE, at_least=3),
        Goal(GIVEN, REFERENCE, at_least=2),
    )


if __name__ == "__main__":
    sys.exit(harness.main("walks", "random walks of 80 nodes, ten from every node", benches))
