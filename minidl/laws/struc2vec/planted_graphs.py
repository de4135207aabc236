"""Planted bugs of rings, structural distances and candidates."""

from __future__ import annotations

import itertools

import numpy as np

from minidl.laws.core import planted
from minidl.laws.struc2vec.planted_costs import table

FIELDS = ("degrees", "counts", "offsets", "first")


# --- degrees in rings --------------------------------------------------------------------------------------------------
def cut(flat):
    """The rings of each node as lists of arrays (entries, 2)."""
    degrees, counts, offsets, first = (np.asarray(part) for part in flat)
    entries = np.stack([degrees, counts], axis=1)
    rings = [entries[a:b] for a, b in itertools.pairwise(offsets)]
    return [rings[a:b] for a, b in itertools.pairwise(first)]


def flat(rows):
    """The flat form again."""
    entries = np.concatenate([ring for row in rows for ring in row]).astype(np.int32)
    offsets = np.concatenate([[0], np.cumsum([len(ring) for row in rows for ring in row])]).astype(np.int64)
    first = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    return entries[:, 0].copy(), entries[:, 1].copy(), offsets, first


def _rings(change):
    def build(ref):
        def degree_sequences(indptr, indices, compress=False, until_layer=None):
            rows = cut(ref.degree_sequences(indptr, indices, compress, until_layer))
            return flat([change(row) for row in rows])

        return degree_sequences

    return build


@planted("degree_sequences")
def degrees_unsorted(ref):
    """The degrees of a ring come in the order of the search."""
    return _rings(lambda row: [ring[::-1] for ring in row])(ref)


@planted("degree_sequences")
def without_ring_0(ref):
    """Rings begin with the neighbours: ring 0 is left out."""
    return _rings(lambda row: row[1:] if len(row) > 1 else row)(ref)


@planted("degree_sequences")
def balls_for_rings(ref):
    """All nodes within k hops, instead of those at exactly k."""

    def change(row):
        balls = [np.concatenate(row[: k + 1]) for k in range(len(row))]
        return [ball[np.argsort(ball[:, 0], kind="stable")] for ball in balls]

    return _rings(change)(ref)


@planted("degree_sequences")
def cap_is_exclusive(ref):
    """The cap is the number of rings, so that ring `until_layer` itself is left out."""
    return lambda indptr, indices, compress=False, until_layer=None: ref.degree_sequences(
        indptr, indices, compress, until_layer if until_layer is None else max(0, until_layer - 1)
    )


@planted("degree_sequences")
def degrees_within_the_ring(ref):
    """Distinct degrees without their counts, in ordered form too."""
    return _rings(lambda row: [np.unique(ring, axis=0) for ring in row])(ref)


@planted("degree_sequences")
def a_loop_counts_twice(ref):
    """A loop adds two to its degree."""

    def degree_sequences(indptr, indices, compress=False, until_layer=None):
        n = len(indptr) - 1
        rows = [indices[indptr[u] : indptr[u + 1]].tolist() for u in range(n)]
        doubled = [sorted(row + [u] * (u in row)) for u, row in enumerate(rows)]
        bounds = np.concatenate([[0], np.cumsum([len(row) for row in doubled])]).astype(np.int64)
        flat_rows = np.array([v for row in doubled for v in row], np.int32)
        return ref.degree_sequences(bounds, flat_rows, compress, until_layer)

    return degree_sequences


# --- f -----------------------------------------------------------------------------------------------------------------
def _costs(a, b, epsilon):
    x, y = a[:, None, 0].astype(float), b[None, :, 0].astype(float)
    return np.abs(x - y) / (np.minimum(x, y) + epsilon) * np.maximum(a[:, None, 1], b[None, :, 1])


def _best(a, b, epsilon):
    return table(_costs(a, b, epsilon))[-1, -1]


def _f(rows, pairs, epsilon, g=_best, add=lambda total, cost, k: total + cost, pad=0):
    """f of the pairs, with another g, or added up in another way; `pad` layers beyond those of the shorter node."""
    L = sorted(map(len, rows))[-2]
    f = np.full((len(pairs), L), np.inf)
    for e, (u, v) in enumerate(np.asarray(pairs).tolist()):
        total = 0.0
        for k, (a, b) in enumerate(zip(rows[u], rows[v], strict=False)):
            total = add(total, g(a, b, epsilon), k)
            if k < L:
                f[e, k] = total
        f[e, min(len(rows[u]), len(rows[v])) :][:pad] = total
    return f


def _both(function, name, statement, **changed):
    """A bug of f from flat rings, and the same of f from a graph."""

    def from_rings(ref):
        return lambda degrees, counts, offsets, first, pairs, epsilon=0.0: _f(
            cut((degrees, counts, offsets, first)), pairs, epsilon, **changed
        )

    def from_graph(ref):
        return lambda indptr, indices, pairs, epsilon=0.0, compress=False, until_layer=None: _f(
            cut(ref.degree_sequences(indptr, indices, compress, until_layer)), pairs, epsilon, **changed
        )

    build = from_rings if function == "pair_distances" else from_graph
    build.__name__, build.__doc__ = name, statement
    return planted(function)(build)


def _shorter(a, b, epsilon):
    cost = _costs(a, b, epsilon) / np.maximum(a[:, None, 1], b[None, :, 1]) * np.minimum(a[:, None, 1], b[None, :, 1])
    return table(cost)[-1, -1]


_CHANGES = {
    "not_cumulative": ("f_k is the cost of ring k alone.", {"add": lambda total, cost, k: cost}),
    "ring_0_twice": (
        "The cost of ring 0 is added twice.",
        {"add": lambda total, cost, k: total + cost * (1 + (k == 0))},
    ),
    "mean_over_rings": (
        "f_k is the mean over the rings so far.",
        {"add": lambda total, cost, k: (total * k + cost) / (k + 1)},
    ),
    "empty_rings_cost_nothing": ("A pair stays in one layer too many: an empty ring costs nothing.", {"pad": 1}),
    "longest_of_the_rings": ("f_k is the largest cost so far.", {"add": lambda total, cost, k: max(total, cost)}),
    "alignment_without_diagonals": (
        "Alignments go forward in one sequence at a time.",
        {"g": lambda a, b, e: table(_costs(a, b, e), steps=((1, 0), (0, 1)))[-1, -1]},
    ),
    "divided_by_path": (
        "The cost of an alignment is divided by the lengths of both rings.",
        {"g": lambda a, b, e: _best(a, b, e) / (len(a) + len(b))},
    ),
    "offset_on_one_side": (
        "Epsilon is added to the smaller degree only.",
        {"g": lambda a, b, e: table(_one_sided(a, b, e))[-1, -1]},
    ),
    "members_not_counted": (
        "The counts of the runs are not read.",
        {"g": lambda a, b, e: _best(a * [1, 0] + [0, 1], b * [1, 0] + [0, 1], e)},
    ),
    "shorter_run_counts": ("Between runs the shorter one counts.", {"g": _shorter}),
}


def _one_sided(a, b, epsilon):
    x, y = np.maximum(a[:, None, 0], b[None, :, 0]), np.minimum(a[:, None, 0], b[None, :, 0])
    return np.abs(x / (y + epsilon) - 1) * np.maximum(a[:, None, 1], b[None, :, 1])


F_BUGS = tuple(
    _both(function, name, statement, **changed)
    for function in ("pair_distances", "structural_distances")
    for name, (statement, changed) in _CHANGES.items()
)


@planted("structural_distances")
def compressed_always(ref):
    """Rings are always compared as runs, which is an upper bound only."""
    return lambda indptr, indices, pairs, epsilon=0.0, compress=False, until_layer=None: ref.structural_distances(
        indptr, indices, pairs, epsilon, True, until_layer
    )


@planted("structural_distances")
def cap_ignored(ref):
    """until_layer is not passed on."""
    return lambda indptr, indices, pairs, epsilon=0.0, compress=False, until_layer=None: ref.structural_distances(
        indptr, indices, pairs, epsilon, compress, None
    )


@planted("structural_distances")
def only_connected_pairs(ref):
    """Pairs across components are left out."""

    def structural_distances(indptr, indices, pairs, epsilon=0.0, compress=False, until_layer=None):
        f = ref.structural_distances(indptr, indices, pairs, epsilon, compress, until_layer)
        apart = [v not in {int(x) for ring in ref.rings(indptr, indices, u) for x in ring} for u, v in pairs.tolist()]
        f[np.array(apart, bool)] = np.inf
        return f

    return structural_distances


@planted("structural_distances")
def degrees_of_the_neighbours(ref):
    """Ring 0 is left out, so that every ring is one too far."""

    def structural_distances(indptr, indices, pairs, epsilon=0.0, compress=False, until_layer=None):
        rows = cut(ref.degree_sequences(indptr, indices, compress, until_layer))
        f = _f([row[1:] if len(row) > 1 else row for row in rows], pairs, epsilon)
        layers = sorted(map(len, rows))[-2]
        return np.concatenate([f, np.full((len(f), layers), np.inf)], axis=1)[:, :layers]

    return structural_distances


# --- candidates --------------------------------------------------------------------------------------------------------
def _lists(key, many, rule="official"):
    """Official candidates by another key, or another number of them."""

    def build(ref):
        def candidates(degrees, rule_asked="official"):
            if rule_asked != rule:
                return ref.candidates(degrees, rule_asked)
            d, n = np.asarray(degrees).tolist(), len(degrees)
            rows = [sorted(range(n), key=lambda v, u=u: key(d, u, v)) for u in range(n)]
            rows = [[v for v in row if v != u][: many(n)] for u, row in enumerate(rows)]
            offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
            return offsets, np.array([v for row in rows for v in row], np.int32)

        return candidates

    return build


def _whole(n):
    return (n * n).bit_length()


@planted("candidates")
def ties_to_the_smaller_degree(ref):
    """Of two degrees that are as near the smaller one goes first."""
    return _lists(lambda d, u, v: (abs(d[v] - d[u]), d[v], v), _whole)(ref)


@planted("candidates")
def one_candidate_less(ref):
    """Stops when there are floor(2 log2 n), not when there are more."""
    return _lists(lambda d, u, v: (abs(d[v] - d[u]), -d[v], v), lambda n: max(1, _whole(n) - 1))(ref)


@planted("candidates")
def log2_n_candidates(ref):
    """log2 n nodes in all, instead of on each side."""
    return _lists(lambda d, u, v: (abs(d[v] - d[u]), -d[v], v), lambda n: n.bit_length())(ref)


@planted("candidates")
def natural_logarithm(ref):
    """2 ln n nodes instead of 2 log2 n."""
    return _lists(lambda d, u, v: (abs(d[v] - d[u]), -d[v], v), lambda n: int(2 * np.log(n)) + 1)(ref)


@planted("candidates")
def nearest_ratio(ref):
    """The nearest degrees by their ratio instead of their difference."""
    return _lists(lambda d, u, v: (abs(np.log((d[v] + 0.5) / (d[u] + 0.5))), v), _whole)(ref)


@planted("candidates")
def largest_degrees(ref):
    """The nodes of the largest degrees, for everybody."""
    return _lists(lambda d, u, v: (-d[v], v), _whole)(ref)


@planted("candidates")
def oneself_among_them(ref):
    """A node is among its own candidates."""

    def candidates(degrees, rule="official"):
        offsets, nodes = ref.candidates(degrees, rule)
        nodes = nodes.copy()
        nodes[offsets[:-1]] = np.arange(len(degrees))
        return offsets, nodes

    return candidates


@planted("candidates")
def one_side_only(ref):
    """Paper: only the nodes after it in the list sorted by degree."""

    def candidates(degrees, rule="official"):
        if rule != "paper":
            return ref.candidates(degrees, rule)
        n = len(degrees)
        order = np.argsort(degrees, kind="stable").tolist()
        rows = [order[order.index(u) + 1 :][: max(1, n.bit_length() - 1)] for u in range(n)]
        offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
        return offsets, np.array([v for row in rows for v in row], np.int32)

    return candidates
