"""Planted bugs of alias tables, and of walks on the layered graph and on the graph itself."""

from __future__ import annotations

import itertools

import numpy as np

from minidl.laws.core import planted
from minidl.laws.struc2vec.walkers import Habits, begun, together


# --- tables ------------------------------------------------------------------------------------------------------------
@planted("alias_tables")
def alias_of_the_flat_array(ref):
    """Aliases count from the start of the flat array, not of the row."""

    def alias_tables(bounds, p):
        threshold, alias = ref.alias_tables(bounds, p)
        return threshold, (alias + np.repeat(bounds[:-1], np.diff(bounds))).astype(np.int32)

    return alias_tables


@planted("alias_tables")
def thresholds_are_probabilities(ref):
    """The threshold is the probability itself, not K times it."""
    return lambda bounds, p: (np.array(p, float), ref.alias_tables(bounds, p)[1])


@planted("alias_tables")
def nothing_given_back(ref):
    """What fills up another entry is not taken from the one that gives."""

    def alias_tables(bounds, p):
        alias = ref.alias_tables(bounds, p)[1]
        sizes = np.repeat(np.diff(bounds), np.diff(bounds))
        return np.minimum(1.0, sizes * p), alias

    return alias_tables


@planted("alias_tables")
def complements_for_thresholds(ref):
    """The threshold is the probability of the alias."""

    def alias_tables(bounds, p):
        threshold, alias = ref.alias_tables(bounds, p)
        return 1 - threshold, alias

    return alias_tables


# --- walks on the layers -----------------------------------------------------------------------------------------------
def _case(bounds, neighbours, threshold, alias, up, u, q, boundary):
    return {
        "bounds": bounds,
        "neighbours": neighbours,
        "threshold": threshold,
        "alias": alias,
        "up": up,
        "u": u,
        "q": q,
        "boundary": boundary,
    }


def _habit(function, name, statement, **changed):
    habits = Habits(**changed)

    def multilayer(ref):
        def multilayer_walks(
            starts, bounds, neighbours, threshold, alias, up, u, walk_length=80, q=0.3, boundary="lazy"
        ):
            case = _case(bounds, neighbours, threshold, alias, up, u, q, boundary)
            return together(case, *begun(starts, walk_length), habits)

        return multilayer_walks

    def advance(ref):
        def advance_walks(nodes, lengths, layers, bounds, neighbours, threshold, alias, up, u, q=0.3, boundary="lazy"):
            case = _case(bounds, neighbours, threshold, alias, up, u, q, boundary)
            return together(case, nodes, lengths, layers, habits)

        return advance_walks

    build = multilayer if function == "multilayer_walks" else advance
    build.__name__, build.__doc__ = name, statement
    return planted(function)(build)


_EXCHANGED = {"lazy": "forced", "forced": "lazy"}
_HABITS = {
    "moves_are_written": ("A change of layers writes the node again.", {"writes_moves": True}),
    "boundaries_exchanged": ("lazy does what forced should, and the other way round.", {"boundary": _EXCHANGED.get}),
    "never_forced": ("A move that is impossible is lost with forced, too.", {"boundary": lambda boundary: "lazy"}),
    "changes_with_probability_q": ("q is the probability to change layers.", {"stays": lambda r, q: r >= q}),
    "stays_at_the_border": ("r equal to q stays.", {"stays": lambda r, q: r <= q}),
    "up_and_down_exchanged": ("P_up is used as the probability to go down.", {"rises": lambda s, up: s > up}),
    "falls_at_the_border": ("s equal to P_up goes down.", {"rises": lambda s, up: s < up}),
    "one_uniform_for_both": ("The noise of the first choice is used again.", {"noise": lambda r, s: (r, r)}),
    "alias_exchanged": (
        "The alias is drawn below the threshold.",
        {"draw": lambda t, a, s: int(a[int(s * len(t))]) if s * len(t) % 1 < t[int(s * len(t))] else int(s * len(t))},
    ),
    "threshold_against_s": (
        "The uniform itself is compared with the threshold, not the fraction that is left.",
        {"draw": lambda t, a, s: int(s * len(t)) if s < t[int(s * len(t))] else int(a[int(s * len(t))])},
    ),
    "probabilities_ignored": ("A neighbour is drawn uniformly.", {"draw": lambda t, a, s: int(s * len(t))}),
    "back_to_layer_0": ("After each step the walker starts in layer 0 again.", {"back_to_0": True}),
    "does_not_move_on": ("Every step begins at the start of the walk.", {"stays_put": True}),
    "at_most_layer_1": ("There are only two layers.", {"ceiling": lambda k, L: min(k, 1)}),
    "gamma_of_layer_0": ("P_up of layer 0 is used in every layer.", {"up_of": lambda up, k, v: up[0, v]}),
}
WALK_BUGS = tuple(
    _habit(function, name, statement, **changed)
    for function, names in (
        ("multilayer_walks", tuple(_HABITS)),
        ("advance_walks", ("moves_are_written", "boundaries_exchanged", "back_to_layer_0", "gamma_of_layer_0")),
    )
    for name in names
    for statement, changed in [_HABITS[name]]
)


@planted("advance_walks")
def starts_again(ref):
    """Walks under way begin again in layer 0."""
    return lambda nodes, lengths, layers, *rest: ref.advance_walks(nodes, lengths, np.zeros_like(layers), *rest)


@planted("advance_walks")
def finished_walks_move(ref):
    """A finished walk still changes layers, up if it can."""

    def advance_walks(nodes, lengths, layers, bounds, neighbours, threshold, alias, up, u, q=0.3, boundary="lazy"):
        got = ref.advance_walks(nodes, lengths, layers, bounds, neighbours, threshold, alias, up, u, q, boundary)
        done = (lengths == nodes.shape[1]) & (u.shape[1] > 0)
        return got[0], got[1], np.where(done, np.maximum(got[2] - 1, 0), got[2]).astype(np.int32)

    return advance_walks


# --- walks on the graph itself -----------------------------------------------------------------------------------------
def _steps(step, first=None):
    """Walks whose step chooses among the neighbours by (previous, current, row, noise, p, q)."""

    def walk(starts, indptr, indices, u, p=1.0, q=1.0):
        nodes = np.full((len(starts), u.shape[1] + 1), -1, np.int32)
        nodes[:, 0] = starts
        rows = [indices[a:b].tolist() for a, b in itertools.pairwise(indptr)]
        for path, noise in zip(nodes, u, strict=True):
            for t, s in enumerate(noise):
                row = rows[path[t]]
                if not row:
                    break
                choose = step if t or first is None else first
                path[t + 1] = row[choose(rows, path[t - 1] if t else -1, path[t], s, p, q)]
        return nodes

    return walk


def _uniform(rows, previous, current, s, p, q):
    return int(s * len(rows[current]))


def _by_weights(weigh):
    def step(rows, previous, current, s, p, q):
        total = np.cumsum([weigh(rows, previous, v, p, q) for v in rows[current]])
        return min(int(np.searchsorted(total, s * total[-1], side="right")), len(total) - 1)

    return step


def _second_order(weigh):
    return lambda ref: _steps(_by_weights(weigh), _uniform)


@planted("first_order_walks")
def last_neighbour_first(ref):
    """The noise is read from the other end."""
    return lambda starts, indptr, indices, u: _steps(
        lambda rows, previous, current, s, p, q: len(rows[current]) - 1 - int(s * len(rows[current]))
    )(starts, indptr, indices, u)


@planted("first_order_walks")
def last_neighbour_never(ref):
    """An integer is drawn below degree - 1."""
    return lambda starts, indptr, indices, u: _steps(
        lambda rows, previous, current, s, p, q: int(s * max(1, len(rows[current]) - 1))
    )(starts, indptr, indices, u)


@planted("first_order_walks")
def never_straight_back(ref):
    """The walk never returns where it came from, unless it must."""

    def step(rows, previous, current, s, p, q):
        others = [i for i, v in enumerate(rows[current]) if v != previous] or [0]
        return others[int(s * len(others))]

    return lambda starts, indptr, indices, u: _steps(step)(starts, indptr, indices, u)


@planted("first_order_walks")
def stays_where_it_is(ref):
    """At a node without neighbours the walk is filled up with the node itself."""

    def first_order_walks(starts, indptr, indices, u):
        nodes = ref.first_order_walks(starts, indptr, indices, u)
        return np.where(nodes < 0, nodes[:, :1], nodes)

    return first_order_walks


@planted("first_order_walks")
def one_noise_for_all_steps(ref):
    """The first uniform serves every step."""
    return lambda starts, indptr, indices, u: ref.first_order_walks(
        starts, indptr, indices, np.repeat(u[:, :1], u.shape[1], 1)
    )


@planted("node2vec_walks")
def p_and_q_exchanged(ref):
    """1 / q to go back, 1 / p to go away."""
    return lambda starts, indptr, indices, u, p=1.0, q=1.0: ref.node2vec_walks(starts, indptr, indices, u, q, p)


@planted("node2vec_walks")
def not_inverted(ref):
    """The weights are p and q, not 1 / p and 1 / q."""
    return lambda starts, indptr, indices, u, p=1.0, q=1.0: ref.node2vec_walks(starts, indptr, indices, u, 1 / p, 1 / q)


@planted("node2vec_walks")
def common_neighbours_ignored(ref):
    """Everybody but the previous node has the weight 1 / q."""
    return _second_order(lambda rows, t, v, p, q: 1 / p if v == t else 1 / q)(ref)


@planted("node2vec_walks")
def first_order_only(ref):
    """Where the walk came from is not looked at."""
    return _second_order(lambda rows, t, v, p, q: 1.0)(ref)


@planted("node2vec_walks")
def way_back_counts_as_near(ref):
    """The previous node has the weight 1: p is never read."""
    return _second_order(lambda rows, t, v, p, q: 1.0 if v == t or v in rows[t] else 1 / q)(ref)


@planted("node2vec_walks")
def q_to_the_near(ref):
    """1 / q for the neighbours of the previous node, 1 for all others."""
    return _second_order(lambda rows, t, v, p, q: 1 / p if v == t else 1 / q if v in rows[t] else 1.0)(ref)


@planted("node2vec_walks")
def weights_not_normalised(ref):
    """The noise is compared with the sums of the weights themselves."""

    def step(rows, previous, current, s, p, q):
        weights = [1 / p if v == previous else 1.0 if v in rows[previous] else 1 / q for v in rows[current]]
        return min(int(np.searchsorted(np.cumsum(weights), s, side="right")), len(weights) - 1)

    return _steps(step, _uniform)
