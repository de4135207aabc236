"""The laws of walks on the layered graph, given their noise, and of the tables from which they draw."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from minidl.laws.core import Cases, Contract, agree, holds, identical, law, within
from minidl.laws.struc2vec.cases import WALKS, left_to_itself, worked
from minidl.laws.struc2vec.planted import bugs_of
from minidl.laws.struc2vec.walkers import (
    EIGHTHS,
    GRAPHS,
    MULTILAYER,
    UNDER_WAY,
    begun,
    chain,
    layered,
    together,
)

FIELDS = ("nodes", "lengths", "layers")
SOURCE = "Walker 1977; Vose, A linear algorithm for generating random numbers with a given distribution, 1991"


# --- tables ------------------------------------------------------------------------------------------------------------
def _rows(seed: int, rows: int, dyadic: bool) -> dict:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(0, 6, rows)
    sizes[0] = max(1, sizes[0])
    parts = []
    for size in sizes:
        weights = rng.multinomial(64, np.full(size, 1 / size)) if dyadic and size else rng.exponential(1, size)
        parts.append(weights / (weights.sum() if size else 1))
    return {"bounds": np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64), "p": np.concatenate(parts)}


def _drawn():
    from hypothesis import strategies as st

    return st.builds(_rows, st.integers(0, 10_000), st.integers(1, 5), st.booleans())


TABLES = Cases(
    named={
        "worked": {"bounds": np.array([0, 3]), "p": np.array([0.125, 0.5, 0.375])},
        "uniform": {"bounds": np.array([0, 4, 4, 6]), "p": np.array([0.25] * 4 + [0.5] * 2)},
        "certain": {"bounds": np.array([0, 1, 4]), "p": np.array([1.0, 0.0, 0.0, 1.0])},
        "thirds": {"bounds": np.array([0, 3]), "p": np.array([1.0, 1.0, 1.0]) / 3},
        "rare": {"bounds": np.array([0, 3]), "p": np.array([1e-300, 1.0, 1e-20])},
    },
    generated=_drawn,
    notes={"uniform": "a row without entries between others", "certain": "probability 0 is never drawn"},
)


@law(
    cases=TABLES,
    needs=("alias_tables",),
    grade="numerical",
    equation=r"K p_i = t_i + \sum_{j : a_j = i} (1 - t_j)",
    source=SOURCE,
)
def tables_hold_the_probabilities(impl, case):
    """What an entry keeps of its own share, and what it is given by the others whose alias it is, is K p."""
    threshold, alias = (np.asarray(part) for part in impl.alias_tables(case["bounds"], case["p"]))
    for begin, end in zip(case["bounds"][:-1], case["bounds"][1:], strict=True):
        t, a, K = threshold[begin:end], alias[begin:end], end - begin
        holds(bool(((t >= 0) & (t <= 1)).all()), why="thresholds in [0, 1]", got=t)
        holds(bool(((a >= 0) & (a < K)).all()), why="aliases within the row", got=a)
        share = t + np.array([(1 - t)[a == i].sum() for i in range(K)])
        # each of at most K transfers is rounded at a size of at most K
        agree(share, K * case["p"][begin:end], why="shares", ulps=4 * K, scale=float(K))
        never = case["p"][begin:end] == 0
        holds(bool((share[never] == 0).all()), why="what has probability 0 is never drawn", got=share)


@law(cases=TABLES, needs=("alias_tables",), grade="exact", source="a row is a row")
def row_by_row(impl, case):
    """The tables of a row are the same by themselves."""
    threshold, alias = (np.asarray(part) for part in impl.alias_tables(case["bounds"], case["p"]))
    for begin, end in zip(case["bounds"][:-1], case["bounds"][1:], strict=True):
        if end > begin:
            one = impl.alias_tables(np.array([0, end - begin]), case["p"][begin:end])
            identical(one[0], threshold[begin:end], why="thresholds of the row by itself")
            identical(one[1], alias[begin:end], why="aliases of the row by itself")


# --- walks -------------------------------------------------------------------------------------------------------------
SHARED = ("bounds", "neighbours", "threshold", "alias", "up", "u")


def _walk(impl, case, **changed):
    case = case | changed
    return impl.multilayer_walks(
        case["starts"], *(case[name] for name in SHARED), case["walk_length"], case["q"], case["boundary"]
    )


def _advance(impl, case, **changed):
    case = case | changed
    return impl.advance_walks(*(case[name] for name in (*FIELDS, *SHARED)), case["q"], case["boundary"])


def _same(got, expected, why=""):
    for name, one, other in zip(FIELDS, got, expected, strict=True):
        identical(one, other, why=name + why)


@law(
    cases=MULTILAYER,
    needs=("multilayer_walks",),
    grade="exact",
    equation=r"r < q: v \sim p_k(\cdot \mid u); \quad \text{else } s \le P_\uparrow(u, k): k + 1, \text{ else } k - 1",
    source=WALKS,
)
def decision_by_decision(impl, case):
    """Walkers one by one: r below q stays in the layer and writes a node, else s decides between up and down."""
    _same(_walk(impl, case), together(case, *begun(case["starts"], case["walk_length"])))


@law(cases=MULTILAYER, needs=("multilayer_walks",), grade="exact", source=WALKS)
def shape_of_a_walk(impl, case):
    """A walk begins at its own start and is never longer than asked for; -1 fills what is not written; steps follow edges
    of some layer; a node is written just when the noise stays, until the walk is finished."""
    nodes, lengths, layers = (np.asarray(part) for part in _walk(impl, case))
    rows = GRAPHS[case["graph"]]
    identical(nodes[:, 0], case["starts"], why="the starts")
    stays = (case["u"][..., 0] < case["q"]).sum(axis=1)
    identical(lengths, np.minimum(1 + stays, case["walk_length"]), why="lengths")
    identical(nodes >= 0, np.arange(nodes.shape[1]) < lengths[:, None], why="what is written")
    for path, length, k in zip(nodes, lengths, layers, strict=True):
        joined = all(any(v in layer[u] for layer in rows) for u, v in pairwise(path[:length]))
        holds(joined, why="each step follows an edge", got=path)
        holds(bool(rows[k][path[length - 1]]), why="the walker is in a layer that has its node", got=int(k))


@law(cases=MULTILAYER, needs=("multilayer_walks",), grade="exact", source="each walk has its own noise")
def walks_do_not_meet(impl, case):
    """A walk is the same by itself as among others."""
    got = _walk(impl, case)
    for w in range(len(case["starts"])):
        one = slice(w, w + 1)
        alone = _walk(impl, case, starts=case["starts"][one], u=case["u"][one])
        _same(alone, [np.asarray(part)[one] for part in got], f" of walk {w}")


@law(cases=MULTILAYER, needs=("multilayer_walks",), grade="exact", equation=r"q = 1 \Rightarrow k = 0", source=WALKS)
def who_always_stays(impl, case):
    """With q = 1 a walker never leaves layer 0, and writes a node at every decision."""
    nodes, lengths, layers = _walk(impl, case, q=1.0)
    identical(layers, np.zeros(len(case["starts"]), int), why="layers")
    expected = min(case["walk_length"], 1 + case["u"].shape[1])
    identical(lengths, np.full(len(case["starts"]), expected), why="lengths")
    edges = GRAPHS[case["graph"]][0]
    for path in np.asarray(nodes)[:, :expected]:
        holds(all(v in edges[u] for u, v in pairwise(path)), why="steps in layer 0", got=path)


@law(
    cases=Cases(named={name: layered(name, walks=1, decisions=1, q=1.0, walk_length=2) for name in GRAPHS}),
    needs=("multilayer_walks",),
    grade="exact",
    equation=r"\#\{s : u \to v\} / \#\{s\} = p(v \mid u)",
    source=SOURCE,
)
def every_way_to_draw(impl, case):
    """Over all noise in equal parts the neighbours are drawn as often as their probabilities say, to the last one."""
    rows, parts = GRAPHS[case["graph"]], 8 * 3 * EIGHTHS  # 3: rows of up to three entries, with thresholds in eighths
    s = (np.arange(parts) + 0.5) / parts
    for u, row in enumerate(rows[0]):
        noise = np.stack([np.zeros(parts), s], axis=1)[:, None]
        nodes = np.asarray(_walk(impl, case, starts=np.full(parts, u, np.int32), u=noise)[0])
        got = np.bincount(nodes[:, 1], minlength=len(rows[0]))
        expected = [row.get(v, 0) * parts // EIGHTHS for v in range(len(rows[0]))]
        identical(got, np.array(expected), why=f"how often each neighbour of {u} is drawn")


_MANY = Cases(
    named={
        f"{name}_{boundary}": layered(name, q=0.3, boundary=boundary) | {"walks": 20_000, "T": 12, "seed": 11}
        for name in ("triangle", "four")
        for boundary in ("lazy", "forced")
    }
)


@law(
    cases=_MANY,
    needs=("multilayer_walks",),
    grade="statistical",
    equation=r"P(\text{state after } T) = (M^T)_{start, \cdot}, \quad E[\text{written}] = T q",
    source=WALKS,
)
def states_of_many_walks(impl, case):
    """After twelve decisions walkers are spread over nodes and layers as powers of the chain say, and wrote q of them."""
    W, T, (L, n) = case["walks"], case["T"], case["up"].shape
    u = np.random.default_rng(case["seed"]).random((W, T, 2))
    got = _walk(impl, case, starts=np.zeros(W, np.int32), u=u, walk_length=T + 2)
    nodes, lengths, layers = (np.asarray(part) for part in got)
    last = nodes[np.arange(W), lengths - 1]
    found = np.bincount(layers * n + last, minlength=L * n) / W
    expected = np.linalg.matrix_power(chain(case), T)[0]
    # Hoeffding for each of L n + 1 statistics: 2 exp(-2 W h^2) <= 1e-9 / (L n + 1) for values in an interval of 1
    h = math.sqrt(math.log(2 * (L * n + 1) / 1e-9) / (2 * W))
    bound = f"Hoeffding, n={W}, {L * n + 1} statistics, P <= 1e-9"
    for state in range(L * n):
        within(found[state], expected[state], h, why=f"walkers at node {state % n} in layer {state // n}", bound=bound)
    within((lengths - 1).mean() / T, case["q"], h, why="the share of decisions that write a node", bound=bound)


@law(cases=UNDER_WAY, needs=("advance_walks",), grade="exact", source=WALKS)
def from_where_they_are(impl, case):
    """Walks under way go on from their last node and their layer, each by itself, decision by decision."""
    _same(_advance(impl, case), together(case, *(case[name] for name in FIELDS)))


@law(cases=UNDER_WAY, needs=("advance_walks",), grade="exact", equation=r"u = (u', u'')", source="definition")
def noise_in_two_parts(impl, case):
    """The noise may come in parts: what is left goes on where the first part ended; no noise changes nothing."""
    whole, T = _advance(impl, case), case["u"].shape[1]
    half = _advance(impl, case, u=case["u"][:, : T // 2])
    rest = dict(zip(FIELDS, half, strict=True))
    _same(_advance(impl, case, **rest, u=case["u"][:, T // 2 :]), whole, " in two parts")
    _same(_advance(impl, case, u=case["u"][:, :0]), [case[name] for name in FIELDS], " without noise")


@law(cases=UNDER_WAY, needs=("advance_walks",), grade="exact", source="definition")
def finished_walks_rest(impl, case):
    """What is written stays, and a finished walk makes no decision: not even its layer changes."""
    nodes, lengths, layers = (np.asarray(part) for part in _advance(impl, case))
    written = case["nodes"] >= 0
    identical(nodes[written], case["nodes"][written], why="what was written")
    done = case["lengths"] == case["nodes"].shape[1]
    identical(layers[done], case["layers"][done], why="layers of finished walks")
    identical(lengths[done], case["lengths"][done], why="lengths of finished walks")


@law(cases=MULTILAYER, needs=("multilayer_walks",), grade="exact", source=WALKS)
def walks_by_default(impl, case):
    """Left out, walks have 80 nodes, q is 0.3, and moves that are impossible are lost."""
    got = left_to_itself(impl.multilayer_walks, case["starts"], *(case[name] for name in SHARED))
    _same(got, _walk(impl, case, walk_length=80, q=0.3, boundary="lazy"))


@law(cases=UNDER_WAY, needs=("advance_walks",), grade="exact", source=WALKS)
def decisions_by_default(impl, case):
    """Left out, q is 0.3, and moves that are impossible are lost."""
    got = left_to_itself(impl.advance_walks, *(case[name] for name in (*FIELDS, *SHARED)))
    _same(got, _advance(impl, case, q=0.3, boundary="lazy"))


# --- contracts ---------------------------------------------------------------------------------------------------------
# Up (r = 0.9, s = 0.5 is not above P_up), on to node 1 in layer 1, down (s above 0.875), on to the second of two.
_WORKED = layered("triangle", walks=1, decisions=4) | {
    "starts": np.array([0], np.int32),
    "u": np.array([[[0.9, 0.5], [0.1, 0.0], [0.5, 0.9], [0.2, 0.75]]]),
    "walk_length": 4,
}
WALK_CONTRACTS = (
    Contract(
        "alias_tables",
        ("bounds", "p"),
        ("threshold", "alias"),
        TABLES,
        "Tables to draw from rows of probabilities: entries below their fair share are filled up by entries above it, the"
        " last of each kind first.",
        laws=(tables_hold_the_probabilities, row_by_row),
        planted=bugs_of("alias_tables"),
        golden=(
            worked(
                "alias_tables",
                {"bounds": np.array([0, 3]), "p": np.array([0.125, 0.5, 0.375])},
                {"threshold": [0.375, 1.0, 0.5], "alias": [2, 0, 1]},
                digits=15,
                note="shares 3/8, 3/2, 9/8: entry 2 gives 5/8 to entry 0, and is filled up by entry 1",
            ),
        ),
        exact=("p",),
    ),
    Contract(
        "multilayer_walks",
        ("starts", *SHARED, "walk_length", "q", "boundary"),
        FIELDS,
        MULTILAYER,
        "Walks on the layered graph from the starts, in layer 0, with noise (W, T, 2): their nodes, lengths and layers.",
        laws=(
            decision_by_decision,
            shape_of_a_walk,
            walks_do_not_meet,
            who_always_stays,
            every_way_to_draw,
            states_of_many_walks,
            walks_by_default,
        ),
        planted=bugs_of("multilayer_walks"),
        golden=(
            worked(
                "multilayer_walks",
                _WORKED,
                {"nodes": [[0, 1, 2, -1]], "lengths": [3], "layers": [0]},
                digits=15,
                note="up, a step, down, a step",
            ),
        ),
        exact=("threshold", "up", "u", "q"),
    ),
    Contract(
        "advance_walks",
        (*FIELDS, *SHARED, "q", "boundary"),
        FIELDS,
        UNDER_WAY,
        "Walks under way, after as many decisions more as there is noise for.",
        laws=(from_where_they_are, noise_in_two_parts, finished_walks_rest, decisions_by_default),
        planted=bugs_of("advance_walks"),
        exact=("threshold", "up", "u", "q"),
    ),
)
