"""Hold the struc2vec of the package dgllge against the laws of struc2vec, and write docs/conformance/struc2vec.md.

python docs/conformance/struc2vec.py      needs: pip install --no-deps dgllge==1.0.3, and pandas, joblib, fastdtw, gensim,
                                          networkx, scikit-learn, torch, which it imports
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from common import Subject, adapter, measure, section, table, write

import minidl.graphs
from minidl.laws.core import NotProvided
from minidl.laws.struc2vec import CONTRACTS
from minidl.verify.report import Report

PAGE = Path(__file__).with_suffix(".md")
OFFSET = 0.5  # of every degree in that package; it cannot be set


# --- the adapter -------------------------------------------------------------------------------------------------------
def package() -> Any:
    """Its modules. Importing them switches all warnings of the process off: here that is undone."""
    formatting = warnings.formatwarning
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ge.biasedRandomWalk
        import ge.struc2vec
    warnings.formatwarning = formatting
    return SimpleNamespace(utils=ge.utils, Struc2Vec=ge.struc2vec.Struc2Vec, Walker=ge.biasedRandomWalk.BiasedWalker)


class Names:
    """Nodes that are called by their numbers, each as a scalar: of arrays, NumPy 2.4 makes no int."""

    def transform(self, nodes: Any) -> Any:
        return np.int64(nodes[0])

    inverse_transform = transform


def model(**attributes: Any) -> Any:
    """A Struc2Vec without its constructor, which runs everything at once."""
    made = object.__new__(package().Struc2Vec)
    vars(made).update({"nodeEncoder": Names(), "opt1_reduce_len": False, "opt2_reduce_sim_calc": False} | attributes)
    return made


def of_graph(indptr: Any, indices: Any, compress: bool) -> Any:
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(range(len(indptr) - 1))
    graph.add_edges_from((u, int(v)) for u in graph for v in indices[indptr[u] : indptr[u + 1]])
    return model(graph=graph, idx=list(graph), opt1_reduce_len=compress)


def needs_offset(function: str, epsilon: float) -> None:
    if epsilon != OFFSET:
        raise NotProvided(function, f"the offset of degrees is {OFFSET} and cannot be set")


def entries(cost: Callable[..., float], a: Any, b: Any, core: int) -> np.ndarray:
    """The cost of scalars (core 0) or of pairs (core 1), entry by entry."""
    return np.vectorize(cost, signature=f"{'(k),(k)' if core else '(),()'}->()", otypes=[float])(a, b)


def degree_cost(a, b, epsilon=0.0):
    needs_offset("degree_cost", epsilon)
    return entries(package().utils.cost, a, b, 0)


def run_cost(a, b, epsilon=0.0):
    needs_offset("run_cost", epsilon)
    return entries(package().utils.cost_max, a, b, 1)


def dtw(a, b, epsilon=0.0):
    """The distance of a ring that two nodes have, as the package computes it."""
    needs_offset("dtw", epsilon)
    a, b = np.asarray(a), np.asarray(b)
    utils = package().utils
    cost = utils.cost if a.ndim == 1 else utils.cost_max
    lists = {0: {0: a.tolist()}, 1: {0: b.tolist()}}
    return utils.compute_dtw_dist([(0, [1])], lists, cost)[0, 1][0]


def degree_sequences(indptr, indices, compress=False, until_layer=None):
    lists = of_graph(indptr, indices, compress)._compute_ordered_degreelist(until_layer)
    rings = [ring for u in lists for ring in lists[u].values()]
    runs = np.array([run if compress else (run, 1) for ring in rings for run in ring], np.int32)
    offsets = np.cumsum([0, *map(len, rings)])
    first = np.cumsum([0, *(len(lists[u]) for u in lists)])
    return runs[:, 0], runs[:, 1], offsets, first


def candidates(degrees, rule="official"):
    if rule != "official":
        raise NotProvided("candidates", "there is one rule, that of the authors' code")
    of = model(graph=[range(d) for d in degrees], idx=list(range(len(degrees))))
    near = of._create_vectors()
    lists = [package().utils.get_vertices(v, int(d), near, len(degrees)) for v, d in enumerate(degrees)]
    return np.cumsum([0, *map(len, lists)]), np.concatenate(lists).astype(np.int32)


def structural_distances(indptr, indices, pairs, epsilon=0.0, compress=False, until_layer=None):
    needs_offset("structural_distances", epsilon)
    layers = minidl.graphs.layer_count(minidl.graphs.degree_sequences(indptr, indices, compress, until_layer).first)
    with tempfile.TemporaryDirectory() as folder:
        of = of_graph(indptr, indices, compress)
        of.temp_path = folder + "/"
        found = of._compute_structural_distance(until_layer)
    f = np.full((len(pairs), layers), np.inf)
    for row, (u, v) in zip(f, np.asarray(pairs).tolist(), strict=True):
        for layer, distance in found[u, v].items():
            row[layer] = distance
    return f


def normalised(f: np.ndarray, folder: str) -> dict[int, list[float]]:
    """Its file of the transition probabilities of one layer with these distances (n, n)."""
    import pandas as pd

    n = len(f)
    near = {u: [v for v in range(n) if v != u and np.isfinite(f[u, v])] for u in range(n)}
    of = model(temp_path=folder + "/")
    distances = {(u, v): f[u, v] for u in near for v in near[u]}
    of._get_transition_probs({0: {u: vs for u, vs in near.items() if vs}}, {0: distances})
    return pd.read_pickle(f"{folder}/norm_weights_distance-layer-0.pkl")


def transition_rows(f):
    p = np.zeros(f.shape)
    with tempfile.TemporaryDirectory() as folder, np.errstate(invalid="ignore"):
        for u, row in normalised(f, folder).items():
            p[u, [v for v in range(len(f)) if v != u and np.isfinite(f[u, v])]] = row
    return p


def gamma(f, convention="paper", average="defined"):
    if convention != "official":
        raise NotProvided("gamma", "there is one convention, that of the authors' code")
    import pandas as pd

    counted = np.zeros(len(f), np.int64)
    with tempfile.TemporaryDirectory() as folder, np.errstate(invalid="ignore"):
        if normalised(f, folder):
            model(temp_path=folder + "/").prepare_biased_walk()
            for u, count in pd.read_pickle(f"{folder}/gamma.pkl")[0].items():
                counted[u] = count
    return counted


def up_probability(gamma):
    """Its walker draws a number and asks whether it is above the probability: here, one that takes the answer down."""
    import ge.biasedRandomWalk as walks

    told = []

    class Asked:
        def __gt__(self, p):
            told.append(p)
            return True

    walker = object.__new__(package().Walker)
    walker.idx2node = [0]
    random, gamma = walks.random, np.asarray(gamma)
    for g in gamma.ravel().tolist():
        draws = iter((1.0, Asked(), 0.0))  # change layers; up or down; stay, where there is nobody
        walks.random = SimpleNamespace(random=lambda draws=draws: next(draws))
        try:
            walker._exec_random_walk({}, {}, {}, 0, 2, {0: {0: g}})
        except KeyError:
            pass  # nobody to go to in layer 0: the answer is there
        finally:
            walks.random = random
    return np.array(told, float).reshape(gamma.shape)


def alias_tables(bounds, p):
    rows = [package().utils.create_alias_table(p[a:b]) for a, b in pairwise(bounds)]
    threshold, alias = (np.concatenate([row[i] for row in rows] or [[]]) for i in (0, 1))
    return threshold.astype(float), alias.astype(np.int32)


# --- what is judged ----------------------------------------------------------------------------------------------------
def namespace(*functions: Callable[..., Any]) -> SimpleNamespace:
    return SimpleNamespace(**{function.__name__: function for function in functions})


JUDGED = {"package": "ge", "judged": CONTRACTS, "reference": minidl.graphs}
RIGHT = (degree_cost, run_cost, degree_sequences, candidates, up_probability, alias_tables)
NEAR = "FastDTW with radius 1 looks for the cheapest alignment near that of sequences half as long, and may miss it"
UNDERFLOW = "weights are exp(-f) of f as it is: of a node that is far from all others they are all 0, and 0 / 0 is NaN"
TIES = "probabilities are compared with their mean after rounding, so that equal ones may all be above it"
SUBJECTS = (
    Subject(
        "Costs, rings, candidates, tables",
        target=namespace(*RIGHT),
        functions=tuple(function.__name__ for function in RIGHT),
        conclusion="They are the reference's with an offset of 0.5, to the last node and bit. What is not provided asks for "
        "another offset, such as the paper's 0, or for the paper's rule of candidates.",
        **JUDGED,
    ),
    Subject(
        "Alignments",
        target=namespace(dtw),
        functions=("dtw",),
        conclusion="Distances are upper bounds. On sorted degrees they are exact most of the time, and for equal sequences "
        "always 0. **Compare distances with a tolerance only where `fastdtw` itself agrees with an exact alignment.**",
        known={
            f"dtw/{row}": NEAR
            for row in (
                *("agreement:cost", "cheapest_of_all_alignments"),
                *("runs_are_an_upper_bound", "repetition_costs_nothing"),
            )
        },
        **JUDGED,
    ),
    Subject(
        "Distances of a graph",
        target=namespace(structural_distances),
        functions=("structural_distances",),
        conclusion="Rings are added up and capped as they should be. On larger graphs the alignments' error is in them.",
        **JUDGED,
    ),
    Subject(
        "Transition probabilities",
        target=namespace(transition_rows),
        functions=("transition_rows",),
        conclusion="They are right as long as every node is nearer than about 745 to another one. A hub of 800 leaves is not, "
        "and the probabilities around it are NaN. Subtract the least distance of the row first, which changes no probability.",
        known={
            f"transition_rows/{row}": UNDERFLOW
            for row in (
                *("agreement:p", "decimal_softmax", "rows_add_up_to_one"),
                *("moved_by_a_constant", "equally_far"),
            )
        },
        **JUDGED,
    ),
    Subject(
        "Gamma",
        target=namespace(gamma),
        functions=("gamma",),
        conclusion="It is the authors' definition: row by row normalised, unlike the paper's. Between equally far nodes no "
        "weight is above the mean and Gamma is 0, but here it is 10 for each of eleven: their walks go up with probability "
        "0.72 instead of 0.5. **Compare Gamma only where no weight is within rounding of the mean.**",
        known={f"gamma/{row}": TIES for row in ("agreement:gamma", "counted_in_fractions", "gamma_of_renamed_nodes")}
        | {"gamma/weights_have_no_unit": UNDERFLOW},
        **JUDGED,
    ),
)


def page(reports: Sequence[Report]) -> str:
    """The page of all subjects."""
    lines = [
        "# The struc2vec of dgllge, held against the laws",
        "",
        "dgllge 1.0.3 (import name `ge`) is the struc2vec that the package index has; its functions are those of many copies "
        "on the web. Written by `python docs/conformance/struc2vec.py`; `tests/peers/test_struc2vec_dgllge.py` holds the page "
        "against new runs, where the package is installed.",
        "",
        measure(SUBJECTS, reports),
        "",
        "Rows are laws, worked examples, agreement with the reference, and `call:pure` (inputs left alone, results that "
        "repeat). The adapter is at the end of the page.",
        "",
        *table(SUBJECTS, reports, "dgllge"),
        "",
    ]
    for subject, report in zip(SUBJECTS, reports, strict=True):
        lines += section(subject, report)
    lines += [
        "## Beside the laws",
        "",
        "- With NumPy 2.4, `Struc2Vec(graph)` raises TypeError: it makes an `int` of an array of one entry. The adapter hands "
        "it scalars.",
        "- Importing the package ignores all warnings of the process from then on.",
        "- With `opt2_reduce_sim_calc=True`, the default, two nodes that propose each other are entered twice into the lists "
        "of neighbours, as in the authors' code: their probability is doubled (`official_duplicates=True` of "
        "`minidl.graphs.embed`).",
        "- Walks draw from the global generators of `random` and NumPy and are not judged.",
        "",
        *adapter(sys.modules[__name__], "def package"),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(write(PAGE, SUBJECTS, page, Path(__file__)))
