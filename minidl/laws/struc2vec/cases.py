"""Cases of struc2vec: small graphs, with the pairs to compare; degrees, runs, and sequences of both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.laws.core import Case, Cases, Golden, NotProvided
from minidl.laws.struc2vec.oracle import csr, pairs_of, runs, sequences

PAPER = "Ribeiro, Saverese, Figueiredo, struc2vec: Learning Node Representations from Structural Identity, KDD 2017"
SIMILARITY, LAYERS, WALKS, COST = f"{PAPER}, 3.1", f"{PAPER}, 3.2", f"{PAPER}, 3.3", f"{PAPER}, 3.5"
EPSILONS = (0.0, 0.5, 0.1, 2.0)

STAR = 4, [(0, 1), (0, 2), (0, 3)]
SIX = 6, [(0, 1), (1, 2), (2, 3), (3, 4), (1, 4), (4, 5)]
GROWING = 5, [(0, 1), (0, 2), (0, 4), (1, 2), (2, 3)]
COMB = 7, [(0, 1), (1, 2), (2, 3), (1, 4), (2, 5), (5, 6)]
LOPSIDED = 6, [(0, 1), (0, 2), (0, 3), (1, 2), (3, 4), (4, 5)]
CYCLE = 6, [(u, (u + 1) % 6) for u in range(6)]
BARBELL = (
    30,
    [
        *[(u, v) for first in (0, 20) for u in range(first, first + 10) for v in range(u + 1, first + 10)],
        *[(u, u + 1) for u in range(9, 20)],
    ],
)


def graph(n: int, edges: Any, epsilon: float = 0.0, compress: bool = False, until_layer: Any = None, loops: Any = ()):
    """A graph with all its pairs and what distances are asked for."""
    asked = {"epsilon": epsilon, "compress": compress, "until_layer": until_layer}
    return csr(n, edges, loops) | {"pairs": pairs_of(n)} | asked


def flat(case: Case) -> Case:
    """The same with its rings in the flat form."""
    names = ("degrees", "counts", "offsets", "first")
    return case | dict(zip(names, sequences(case), strict=True))


def drawn_graph(seed: int, n: int, density: float, epsilon: float, compress: bool, until_layer: Any) -> Case:
    """A random graph; without epsilon every node gets a neighbour. One node in eight has a loop."""
    rng = np.random.default_rng(seed)
    edges = [tuple(pair) for pair in pairs_of(n).tolist() if rng.random() < density]
    if epsilon == 0:
        lonely = set(range(n)) - {u for edge in edges for u in edge}
        edges += [(u, (u + 1 + int(rng.integers(n - 1))) % n) for u in sorted(lonely)]
    return graph(n, edges, epsilon, compress, until_layer, [u for u in range(n) if rng.random() < 0.125])


def _graphs():
    from hypothesis import strategies as st

    return st.builds(
        drawn_graph,
        st.integers(0, 10_000),
        st.integers(2, 6),
        st.sampled_from([0.2, 0.4, 0.6]),
        st.sampled_from(EPSILONS),
        st.booleans(),
        st.sampled_from([None, None, 0, 1, 2]),
    )


_NAMED = {
    "star": graph(*STAR),
    "six": graph(*SIX),
    "six_runs": graph(*SIX, 0.5, True),
    "comb": graph(*COMB, 0.1),
    "comb_runs": graph(*COMB, 0.0, True),
    "lopsided_capped": graph(*LOPSIDED, 0.5, False, 1),
    "cycle": graph(*CYCLE),
    "apart": graph(6, [(0, 1), (2, 3), (3, 4)], 0.5),
    "loops": graph(*LOPSIDED, 0.0, True, None, [0, 4]),
    "pair": graph(2, [(0, 1)]),
    "two_halves": graph(5, [(0, 1), (1, 2), (3, 4)]),
}
_NOTES = {
    "lopsided_capped": "the cap is inclusive: layers 0 and 1",
    "apart": "a node without neighbours, and pairs across components",
    "loops": "a loop adds one to its degree and changes no path",
    "two_halves": "nodes that no path joins are compared all the same",
}
GRAPHS = Cases(named=_NAMED, generated=_graphs, notes=_NOTES)


def _flat_graphs():
    return _graphs().map(flat)


FLAT = Cases(named={name: flat(case) for name, case in _NAMED.items()}, generated=_flat_graphs, notes=_NOTES)


def left_to_itself(function: Callable[..., Any], *inputs: Any) -> Any:
    """The result with the optional inputs left out. Raises NotProvided where all of them must be given."""
    try:
        return function(*inputs)
    except TypeError as error:
        raise NotProvided(getattr(function, "__name__", "it"), "it has no defaults") from error


def worked(function: str, inputs: Case, outputs: dict[str, Any], digits: int, note: str) -> Golden:
    """A worked example, its outputs as arrays."""
    arrays = {name: np.asarray(value)[()] for name, value in outputs.items()}
    return Golden(function, inputs, arrays, digits=digits, note=note)


# --- costs -------------------------------------------------------------------------------------------------------------
def _costs(seed: int, size: int, epsilon: float) -> Case:
    rng = np.random.default_rng(seed)
    lowest = 1 if epsilon == 0 else 0
    a, b = rng.integers(lowest, 9, (2, size))
    return {"a": a, "b": b, "epsilon": epsilon}


def _run_costs(seed: int, size: int, epsilon: float) -> Case:
    case, rng = _costs(seed, size, epsilon), np.random.default_rng(seed + 1)
    counts = rng.integers(1, 5, (2, size))
    return case | {name: np.stack([case[name], counts[i]], axis=1) for i, name in enumerate("ab")}


def _drawn(make, sizes: tuple[int, int] = (1, 6)):
    from hypothesis import strategies as st

    return st.builds(make, st.integers(0, 10_000), st.integers(*sizes), st.sampled_from(EPSILONS))


DEGREES = Cases(
    named={
        "worked": {"a": np.array([1, 2, 3, 4, 7]), "b": np.array([2, 1, 3, 1, 5]), "epsilon": 0.0},
        "authors": {"a": np.array([0, 1, 3]), "b": np.array([3, 3, 0]), "epsilon": 0.5},
        "near": {"a": np.array([10**6, 1]), "b": np.array([10**6 + 1, 2]), "epsilon": 0.0},
        "hub": {"a": np.array([1, 800]), "b": np.array([800, 1]), "epsilon": 0.0},
    },
    generated=lambda: _drawn(_costs),
    notes={"authors": "a degree of 0 is fine with an offset: d(0, 3) = 6"},
)
RUN_COSTS = Cases(
    named={
        "worked": {"a": np.array([[1, 3], [2, 2], [4, 1]]), "b": np.array([[3, 1], [4, 5], [4, 7]]), "epsilon": 0.0},
        "authors": {"a": np.array([[0, 2], [1, 1]]), "b": np.array([[3, 3], [3, 4]]), "epsilon": 0.5},
    },
    generated=lambda: _drawn(_run_costs),
    notes={"worked": "different counts on both sides: neither the smaller nor their sum nor their product"},
)


# --- sequences ---------------------------------------------------------------------------------------------------------
WORKED = (
    ([1, 1, 1], [3], (6, 6, 4, 4)),
    ([1, 2, 2, 5], [2, 2, 4], (1.25, 2.25, 0.8888888889, 1.5555555556)),
    ([2, 2, 2, 3], [2, 3, 3, 3, 7], (1.3333333333, 1.3333333333, 1.1428571429, 1.1428571429)),
    ([1, 1, 2], [2, 2, 2, 2], (2, 4, 1.3333333333, 2.6666666667)),
    ([1, 4], [2], (2, 2, 1.4666666667, 1.4666666667)),
)


def form(sequence: Any, compress: bool) -> np.ndarray:
    """Degrees as an array (p,), or their runs (p, 2)."""
    return np.array(runs(sequence) if compress else sequence, np.int32)


def aligned(a: Any, b: Any, epsilon: float = 0.0, compress: bool = False) -> Case:
    return {"a": form(a, compress), "b": form(b, compress), "epsilon": epsilon, "degrees": (tuple(a), tuple(b))}


def _two_sequences(seed: int, size: int, epsilon: float) -> Case:
    rng = np.random.default_rng(seed)
    lowest = 1 if epsilon == 0 else 0
    a, b = (np.sort(rng.integers(lowest, 8, length)) for length in (size, rng.integers(1, 6)))
    return aligned(a.tolist(), b.tolist(), epsilon, bool(rng.integers(2)))


ALIGNED = Cases(
    named={
        f"worked_{i}{'_runs' * compress}": aligned(a, b, epsilon, compress)
        for i, (a, b, _) in enumerate(WORKED)
        for epsilon, compress in ((0.0, False), (0.5, True))
    }
    | {
        "single": aligned([3], [1]),
        "equal": aligned([1, 2, 2, 6], [1, 2, 2, 6]),
        "diagonal": aligned([1, 2, 4, 8], [1, 2, 5, 8], 0.1),
        "wide": aligned([1, 1, 2, 3, 5], [2, 4]),
        "halved": aligned([5, 6, 7, 7, 8, 9], [1, 4, 4, 5, 5, 5, 7], 0.5),
    },
    generated=lambda: _drawn(_two_sequences, (1, 5)),
    notes={
        "diagonal": "steps forward in both sequences at once",
        "equal": "nothing to pay",
        "halved": "the cheapest way is not near that of sequences half as long: FastDTW misses it by 0.028 of 3.66",
    },
)

_RUNS = ([1, 1, 1, 3], [2], [0, 0, 5, 5, 5, 9], [1, 2, 3, 4], [7] * 5)
SEQUENCES = Cases(
    named={f"worked_{i}": {"sequence": np.array(sequence, np.int32)} for i, sequence in enumerate(_RUNS)},
    generated=lambda: _drawn(
        lambda seed, size, _: {"sequence": np.sort(np.random.default_rng(seed).integers(0, 5, size))}, (1, 12)
    ),
)


# --- candidates --------------------------------------------------------------------------------------------------------
def _degrees(seed: int, n: int, rule: str) -> Case:
    return {"degrees": np.random.default_rng(seed).integers(0, 3 + seed % 9, n), "rule": rule}


def _candidates():
    from hypothesis import strategies as st

    return st.builds(_degrees, st.integers(0, 10_000), st.integers(2, 40), st.sampled_from(["official", "paper"]))


TWELVE = np.array([2, 2, 2, 4, 2, 3, 2, 2, 3, 2, 3, 1])
CANDIDATES = Cases(
    named={
        "twelve": {"degrees": TWELVE, "rule": "official"},
        "twelve_paper": {"degrees": TWELVE, "rule": "paper"},
        "regular": {"degrees": np.full(20, 3), "rule": "official"},
        "power_of_two": {"degrees": np.arange(32)[::-1].copy(), "rule": "official"},
        "power_of_two_paper": {"degrees": np.arange(32)[::-1].copy(), "rule": "paper"},
        "two": {"degrees": np.array([1, 1]), "rule": "official"},
        "two_paper": {"degrees": np.array([1, 1]), "rule": "paper"},
        "three": {"degrees": np.array([2, 1, 1]), "rule": "paper"},
    },
    generated=_candidates,
    notes={
        "twelve": "degrees 1 and 3 are as near to 2: the larger goes first",
        "power_of_two": "2 log2 n is whole, and one more is taken",
    },
)
