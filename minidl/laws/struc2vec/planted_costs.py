"""Planted bugs of comparing degrees, and of aligning them."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


# --- two degrees -------------------------------------------------------------------------------------------------------
def _entries(formula):
    """A cost of degrees by a formula of the larger one, the smaller one and epsilon."""

    def build(ref):
        def degree_cost(a, b, epsilon=0.0):
            return formula(np.maximum(a, b), np.minimum(a, b), epsilon) + 0.0

        return degree_cost

    return build


@planted("degree_cost")
def one_not_subtracted(ref):
    """The 1 is not subtracted: equal degrees cost 1."""
    return _entries(lambda high, low, e: (high + e) / (low + e))(ref)


@planted("degree_cost")
def smaller_over_larger(ref):
    """The smaller degree over the larger one."""
    return _entries(lambda high, low, e: 1 - (low + e) / (high + e))(ref)


@planted("degree_cost")
def offset_below_only(ref):
    """Epsilon is added to the smaller degree only, to avoid a division by zero."""
    return _entries(lambda high, low, e: high / (low + e) - 1)(ref)


@planted("degree_cost")
def offset_above_only(ref):
    """Epsilon is added to the larger degree only."""
    return _entries(lambda high, low, e: (high + e) / np.maximum(low, 1) - 1)(ref)


@planted("degree_cost")
def offset_of_one_half(ref):
    """Epsilon is 0.5, whatever is asked for."""
    return _entries(lambda high, low, e: (high + 0.5) / (low + 0.5) - 1)(ref)


@planted("degree_cost")
def difference_of_degrees(ref):
    """The difference of the degrees instead of their ratio."""
    return _entries(lambda high, low, e: high - low)(ref)


@planted("degree_cost")
def first_over_second(ref):
    """a over b, whichever is larger: not symmetric."""
    return lambda a, b, epsilon=0.0: (a + epsilon) / (b + epsilon) - 1


@planted("degree_cost")
def logarithm_of_the_ratio(ref):
    """The logarithm of the ratio, which would be a metric."""
    return _entries(lambda high, low, e: np.log((high + e) / (low + e)))(ref)


# --- two runs ----------------------------------------------------------------------------------------------------------
def _weighted(weight):
    def build(ref):
        def run_cost(a, b, epsilon=0.0):
            return ref.degree_cost(a[..., 0], b[..., 0], epsilon) * weight(a[..., 1], b[..., 1])

        return run_cost

    return build


@planted("run_cost")
def shorter_run(ref):
    """The shorter run counts."""
    return _weighted(np.minimum)(ref)


@planted("run_cost")
def both_runs(ref):
    """The lengths of both runs are added."""
    return _weighted(np.add)(ref)


@planted("run_cost")
def product_of_runs(ref):
    """Every member of one run is put on every member of the other."""
    return _weighted(np.multiply)(ref)


@planted("run_cost")
def counts_ignored(ref):
    """A run costs what one of its members costs."""
    return _weighted(lambda a, b: 1.0)(ref)


@planted("run_cost")
def counts_of_the_first(ref):
    """Only the counts of the first runs are read."""
    return _weighted(lambda a, b: a)(ref)


@planted("run_cost")
def mean_of_runs(ref):
    """The mean length of the two runs."""
    return _weighted(lambda a, b: (a + b) / 2)(ref)


@planted("run_cost")
def count_read_as_degree(ref):
    """Runs are taken as (count, degree)."""
    return lambda a, b, epsilon=0.0: ref.run_cost(a[..., ::-1], b[..., ::-1], epsilon)


@planted("run_cost")
def offset_lost_on_the_way(ref):
    """Epsilon is not passed on to the cost of the degrees."""
    return lambda a, b, epsilon=0.0: ref.run_cost(np.maximum(a, 1), np.maximum(b, 1), 0.0)


# --- run lengths -------------------------------------------------------------------------------------------------------
@planted("run_lengths")
def count_before_value(ref):
    """Pairs (count, value)."""
    return lambda sequence: ref.run_lengths(sequence)[:, ::-1].copy()


@planted("run_lengths")
def last_run_forgotten(ref):
    """The loop closes a run when the next begins, and never the last one."""
    return lambda sequence: ref.run_lengths(sequence)[: max(1, len(ref.run_lengths(sequence)) - 1)].copy()


@planted("run_lengths")
def counts_of_repetitions(ref):
    """Counts how often a value comes again: one less."""
    return lambda sequence: ref.run_lengths(sequence) - np.array([0, 1])


@planted("run_lengths")
def commonest_first(ref):
    """Runs come in the order of their counts, as from collections.Counter.most_common."""

    def run_lengths(sequence):
        runs = ref.run_lengths(sequence)
        return runs[np.argsort(-runs[:, 1], kind="stable")]

    return run_lengths


# --- alignments --------------------------------------------------------------------------------------------------------
def table(cost, *, border=np.inf, steps=((1, 1), (1, 0), (0, 1)), best=min):
    """The table of dynamic time warping, with another border, other steps or another choice among them."""
    D = np.full((cost.shape[0] + 1, cost.shape[1] + 1), np.inf)
    D[0, :] = D[:, 0] = border
    D[0, 0] = 0.0
    if (1, 1) not in steps:
        D[0, 1] = 0.0  # the way into the first cell
    for i in range(1, D.shape[0]):
        for j in range(1, D.shape[1]):
            D[i, j] = cost[i - 1, j - 1] + best(D[i - di, j - dj] for di, dj in steps)
    return D


def _aligned(value=lambda D, cost: D[-1, -1], **changed):
    def build(ref):
        def dtw(a, b, epsilon=0.0):
            cost = ref.cost_matrix(a, b, epsilon)
            return np.float64(value(table(cost, **changed), cost))

        return dtw

    return build


@planted("dtw")
def no_diagonal_steps(ref):
    """A step goes forward in one of the sequences only."""
    return _aligned(steps=((1, 0), (0, 1)))(ref)


@planted("dtw")
def borders_of_zero(ref):
    """The first row and column of the table are 0: the start of either sequence may be skipped."""
    return _aligned(border=0.0)(ref)


@planted("dtw")
def divided_by_the_lengths(ref):
    """The cost is divided by the lengths of both sequences."""
    return _aligned(lambda D, cost: D[-1, -1] / sum(cost.shape))(ref)


@planted("dtw")
def cheapest_end(ref):
    """The end of the longer sequence may be skipped: the minimum of the last row."""
    return _aligned(lambda D, cost: D[-1, 1:].min())(ref)


@planted("dtw")
def diagonal_only(ref):
    """Elements are compared one by one, and what is left of the longer sequence with the last of the other."""

    def dtw(a, b, epsilon=0.0):
        cost = ref.cost_matrix(a, b, epsilon)
        i = np.arange(max(cost.shape))
        return cost[np.minimum(i, len(a) - 1), np.minimum(i, len(b) - 1)].sum()

    return dtw


@planted("dtw")
def greedy_steps(ref):
    """The path takes the cheapest next step instead of the cheapest way."""

    def dtw(a, b, epsilon=0.0):
        cost = ref.cost_matrix(a, b, epsilon)
        i = j = 0
        total = cost[0, 0]
        while (i, j) != (len(a) - 1, len(b) - 1):
            steps = [(i + di, j + dj) for di, dj in ((1, 1), (1, 0), (0, 1))]
            i, j = min((step for step in steps if step[0] < len(a) and step[1] < len(b)), key=lambda step: cost[step])
            total += cost[i, j]
        return total

    return dtw


@planted("dtw")
def path_counted_from_its_second_cell(ref):
    """The cost of the first pair is left out."""
    return _aligned(lambda D, cost: D[-1, -1] - cost[0, 0])(ref)


@planted("dtw")
def dearest_way(ref):
    """The maximum over the finite steps."""
    return _aligned(best=lambda steps: max([step for step in steps if np.isfinite(step)], default=np.inf))(ref)


@planted("dtw")
def band_around_the_diagonal(ref):
    """Pairs that are more than one apart in their places are forbidden, beyond what the lengths demand."""

    def dtw(a, b, epsilon=0.0):
        cost = ref.cost_matrix(a, b, epsilon).copy()
        i, j = np.indices(cost.shape)
        cost[np.abs(i - j) > max(1, abs(len(a) - len(b)))] = np.inf
        return np.float64(table(cost)[-1, -1])

    return dtw


@planted("dtw")
def near_the_way_of_half_the_length(ref):
    """FastDTW with radius 1 (Salvador, Chan 2007), which the authors' code calls: an upper bound, and no minimum."""

    def way(a, b, epsilon):
        """A path of cells and its cost, in the window around the doubled path of means of two neighbours each."""
        cost = ref.cost_matrix(a, b, epsilon)
        window = np.ones(cost.shape, bool)
        if min(cost.shape) > 2:
            halves = [(x[: len(x) // 2 * 2 : 2] + x[1::2]) / 2 for x in (a, b)]
            window[:] = False
            for i, j in way(*halves, epsilon)[0]:
                window[max(2 * i - 2, 0) : 2 * i + 4, max(2 * j - 2, 0) : 2 * j + 4] = True
        D = np.full(np.add(cost.shape, 1), np.inf)
        D[0, 0], came = 0, {}
        for i, j in np.argwhere(window):
            came[i, j] = min(((i - 1, j), (i, j - 1), (i - 1, j - 1)), key=lambda cell: D[cell[0] + 1, cell[1] + 1])
            D[i + 1, j + 1] = cost[i, j] + D[came[i, j][0] + 1, came[i, j][1] + 1]
        path = [(cost.shape[0] - 1, cost.shape[1] - 1)]
        while path[-1] != (0, 0):
            path.append(came[path[-1]])
        return path, D[-1, -1]

    return lambda a, b, epsilon=0.0: way(np.asarray(a, float), np.asarray(b, float), epsilon)[1]
