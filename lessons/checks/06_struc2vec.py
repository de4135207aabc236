"""The exercises of lesson 06, judged by what must hold of any right answer."""

import math
from fractions import Fraction

import numpy as np

from minidl.exercises import Exercise, calls

EPS = np.finfo(float).eps

GRAPHS = (  # neighbours of each node
    [[1], [0, 2], [1, 3], [2]],
    [[3, 1, 2], [0, 4], [0, 4], [0, 5, 4], [1, 2, 3], [3, 6], [5]],
    [[1, 2], [0, 2], [0, 1], [4], [3]],  # two components
)


def judge_1(answer):
    for neighbours in GRAPHS:
        n = len(neighbours)
        hops = np.full((n, n), np.inf)
        for u in range(n):
            hops[u, neighbours[u]] = 1
            hops[u, u] = 0
        for w in range(n):
            hops = np.minimum(hops, hops[:, w, None] + hops[None, w])
        for u in range(n):
            last = int(hops[u][np.isfinite(hops[u])].max())
            expected = [sorted(len(neighbours[v]) for v in range(n) if hops[u, v] == k) for k in range(last + 1)]
            got = [[int(degree) for degree in ring] for ring in answer([list(row) for row in neighbours], u)]
            assert got == expected, f"neighbours {neighbours}, u = {u}: expected {expected}, got {got}"


SEQUENCES = (
    ([2], [2]),
    ([1, 1, 1], [3]),
    ([1, 2, 2, 5], [2, 2, 4]),
    ([2, 4, 8], [1, 3, 9]),
    ([1, 1, 2], [2, 2, 2, 2]),
    ([1, 3, 3, 3, 7], [1, 2, 7]),
)


def cheapest(cost, i=0, j=0):
    """By trying every way on from a cell."""
    if (i, j) == (len(cost) - 1, len(cost[0]) - 1):
        return cost[i][j]
    steps = ((i + 1, j), (i, j + 1), (i + 1, j + 1))
    return cost[i][j] + min(cheapest(cost, x, y) for x, y in steps if x < len(cost) and y < len(cost[0]))


def judge_2(answer):
    for A, B in SEQUENCES:
        expected = float(cheapest([[Fraction(max(a, b), min(a, b)) - 1 for b in B] for a in A]))
        for first, second in ((A, B), (B, A)):
            got = float(answer(list(first), list(second)))
            assert abs(got - expected) <= 64 * EPS * (1 + expected), (
                f"A = {first}, B = {second}: the cheapest alignment costs {expected:.6g}, got {got:.6g}"
            )


NO = -1  # no edge
HALVINGS = (  # w = 2^-number: f = number * log 2
    np.array([[0, 1, 2], [1, 0, 0], [2, 0, 0]]),
    np.array([[0, 3, 1, NO], [3, 0, 2, NO], [1, 2, 0, NO], [NO, NO, NO, 0]]),
    np.array([[0, 0, 0, 5, 3], [0, 0, 0, 5, 3], [0, 0, 0, NO, 3], [5, 5, NO, 0, 2], [3, 3, 3, 2, 0]]),
    np.array([[0, 3, 1, 7], [3, 0, 2, 6], [1, 2, 0, 6], [7, 6, 6, 0]]),
    np.zeros((5, 5), dtype=int),
)
FAR = (
    np.array([[0, 2000, 2001], [2000, 0, 2003], [2001, 2003, 0]]),
    np.array([[0, 2000, 2000], [2000, 0, 0], [2000, 0, 0]]),
    np.array([[0, 14000, 14001, 9], [14000, 0, 3, 1500], [14001, 3, 0, NO], [9, 1500, NO, 0]]),
)


def distances(halvings):
    return np.where(halvings == NO, np.inf, halvings * math.log(2))


def judge_3(answer):
    for halvings in HALVINGS + FAR:
        f, n = distances(halvings), len(halvings)
        weights = [
            [Fraction(1, 2 ** int(h)) if h != NO and u != v else Fraction(0) for v, h in enumerate(row)]
            for u, row in enumerate(halvings)
        ]
        expected = np.array([[float(w / sum(row)) if sum(row) else 0.0 for w in row] for row in weights])
        with np.errstate(all="ignore"):
            got = np.asarray(answer(f.copy()), dtype=float)
        text = f"f = log 2 times\n{np.where(halvings == NO, np.inf, halvings)}\n"
        assert got.shape == (n, n), f"{text}expected the shape {(n, n)}, got {got.shape}"
        assert np.isfinite(got).all(), f"{text}the answer is not finite: e^-f is 0 where f is large, and 0 / 0 is NaN"
        error = np.max(np.abs(got - expected))
        # f is rounded, by f eps, and so is its difference to another
        assert error <= EPS * (16 + 4 * f[np.isfinite(f)].max()), f"{text}expected\n{expected}\ngot\n{got}"


def judge_4(answer):
    for halvings in HALVINGS:
        edges = [(u, v) for u in range(len(halvings)) for v in range(len(halvings)) if u != v and halvings[u, v] != NO]
        weight = {edge: Fraction(1, 2 ** int(halvings[edge])) for edge in edges}
        mean = sum(weight.values()) / len(edges)
        expected = [sum(weight[u, v] > mean for u, v in edges if u == node) for node in range(len(halvings))]
        got = np.asarray(answer(distances(halvings)))
        assert got.shape == (len(halvings),), f"expected the shape ({len(halvings)},), got {got.shape}"
        assert got.tolist() == expected, (
            f"weights 2 to the power of minus\n{np.where(halvings == NO, np.inf, halvings)}\ntheir mean over the edges is "
            f"{float(mean):.4f}: expected {expected}, got {got.tolist()}"
        )


def search(neighbours, u, ordered=sorted):
    rings, seen = [[u]], {u}
    while rings[-1]:
        rings.append([])
        for v in rings[-2]:
            for w in neighbours[v]:
                if w not in seen:
                    seen.add(w)
                    rings[-1].append(w)
    return [ordered(len(neighbours[v]) for v in ring) for ring in rings[:-1]]


def balls(neighbours, u):
    rings = search(neighbours, u)
    return [sorted(degree for ring in rings[: k + 1] for degree in ring) for k in range(len(rings))]


def steps(neighbours, u):
    """Nodes that a walk of k steps can be at: it comes back."""
    at, found = {u}, []
    for _ in search(neighbours, u):
        found.append(sorted(len(neighbours[v]) for v in at))
        at = {w for v in at for w in neighbours[v]}
    return found


def warped(A, B, cost=lambda a, b: max(a, b) / min(a, b) - 1, diagonal=True, edge=np.inf):
    D = np.full((len(A) + 1, len(B) + 1), np.inf)
    D[0, :] = D[:, 0] = edge
    D[0, 0] = 0
    for i, a in enumerate(A):
        for j, b in enumerate(B):
            before = [D[i, j + 1], D[i + 1, j]] + [D[i, j]] * (diagonal or (i == j == 0))
            D[i + 1, j + 1] = cost(a, b) + min(before)
    return D[-1, -1]


def softmax(f, self_too=False, shift=lambda f: f.min(axis=1, keepdims=True)):
    f = f.copy()
    if not self_too:
        np.fill_diagonal(f, np.inf)
    least = shift(f)
    w = np.exp(np.where(np.isfinite(least), least, 0) - f)
    lonely = ~np.isfinite(f).any(axis=1, keepdims=True)
    with np.errstate(all="ignore"):
        return np.where(lonely, 0, w / w.sum(axis=1, keepdims=True))


def edge_weights(f):
    f = f.copy()
    np.fill_diagonal(f, np.inf)
    return np.exp(-f), np.isfinite(f)


def counted(rule):
    """An answer to exercise 4: rule(w, edges) says which entries count."""
    return lambda f: np.sum(rule(*edge_weights(f)), axis=1)


def row_means(w, edges):
    return w > w.sum(axis=1, keepdims=True) / np.maximum(edges.sum(axis=1, keepdims=True), 1)


def with_itself(f):
    w = np.exp(-f)
    return np.sum(w > w[np.isfinite(f)].mean(), axis=1)


def far_ones(f):
    _, edges = edge_weights(f)
    return np.sum(edges & (f > f[edges].mean()), axis=1)


EXERCISES = (
    Exercise(
        "exercise_1",
        "exercise_1(neighbours, u): the ordered degrees of the rings around u, a list of lists; neighbours[v] is the list "
        "of v's neighbours",
        judge_1,
        wrong={
            "not ordered": (
                lambda neighbours, u: search(neighbours, u, list),
                "each ring's degrees are ascending: sort them",
            ),
            "balls": (balls, "a ring holds the nodes at exactly k hops, not those at up to k"),
            "steps": (
                steps,
                "a node belongs to one ring only, that of its shortest distance: remember whom you have seen",
            ),
            "no ring 0": (
                lambda neighbours, u: search(neighbours, u)[1:],
                "ring 0 is u itself: begin with [degree of u]",
            ),
            "a set": (
                lambda neighbours, u: search(neighbours, u, lambda ring: sorted(set(ring))),
                "a degree counts as often as it occurs",
            ),
            "empty end": (
                lambda neighbours, u: [*search(neighbours, u), []],
                "the last ring is the last one that has nodes",
            ),
        },
        probe=calls(*((neighbours, 0) for neighbours in GRAPHS), (GRAPHS[1], 4), (GRAPHS[1], 6)),
    ),
    Exercise(
        "exercise_2",
        "exercise_2(A, B): g(A, B), DTW of two ascending sequences of degrees with the cost max / min - 1, a number",
        judge_2,
        wrong={
            "no diagonal": (
                lambda A, B: warped(A, B, diagonal=False),
                "a path may also advance in both sequences at once, and pays one cell for it",
            ),
            "difference": (
                lambda A, B: warped(A, B, lambda a, b: abs(a - b)),
                "degrees are compared by their ratio, max / min - 1",
            ),
            "ratio": (
                lambda A, B: warped(A, B, lambda a, b: max(a, b) / min(a, b)),
                "subtract 1: equal degrees cost nothing",
            ),
            "free ends": (
                lambda A, B: warped(A, B, edge=0.0),
                "the first elements are aligned with each other: the border of the table is infinite, but for one corner",
            ),
            "per step": (
                lambda A, B: warped(A, B) / (len(A) + len(B)),
                "the cost is not divided by the length of the path",
            ),
            "squares": (
                lambda A, B: math.sqrt(warped(A, B, lambda a, b: (max(a, b) / min(a, b) - 1) ** 2)),
                "costs are added as they are, without squares and roots",
            ),
        },
        probe=calls(*SEQUENCES),
    ),
    Exercise(
        "exercise_3",
        "exercise_3(f): transition probabilities (n, n) of a layer: f (n, n) with 0 on the diagonal, infinity where there is "
        "no edge, up to 10,000; the row of a node without edges is 0",
        judge_3,
        wrong={
            "to itself": (lambda f: softmax(f, self_too=True), "u is not its own neighbour: leave out the diagonal"),
            "as it is written": (
                lambda f: softmax(f, shift=lambda f: np.zeros((len(f), 1))),
                "e^-f is 0 from f = 745.2 on: subtract the row's smallest f first, which changes no probability",
            ),
            "one shift for all": (
                lambda f: softmax(f, shift=lambda f: np.full((len(f), 1), f.min())),
                "subtract each row's own smallest f: the smallest of all leaves other rows at 0 / 0",
            ),
            "columns": (
                lambda f: softmax(f).T,
                "p(v | u) is row u, column v, and rows add up to 1",
            ),
            "uniform": (
                lambda f: softmax(np.where(np.isfinite(f), 0.0, f)),
                "weigh the edges with e^-f",
            ),
        },
        probe=calls(*((distances(halvings),) for halvings in HALVINGS + FAR)),
    ),
    Exercise(
        "exercise_4",
        "exercise_4(f): Gamma (n,) of a layer, with the mean over its edges: f (n, n) symmetric with 0 on the diagonal, below "
        "700, or infinity where there is no edge",
        judge_4,
        wrong={
            "not strictly": (
                counted(lambda w, edges: edges & (w >= w[edges].mean())),
                "only weights above the mean count: with all weights equal Gamma is 0",
            ),
            "with itself": (with_itself, "the diagonal is no edge: it counts neither in the mean nor in the sum"),
            "all pairs": (
                counted(lambda w, edges: w > w.sum() / (len(w) * (len(w) - 1))),
                "the mean is over the edges that the layer has, not over all pairs",
            ),
            "own mean": (counted(row_means), "the mean is that of the whole layer, not of u's row"),
            "far ones": (far_ones, "count large weights e^-f, not large distances"),
        },
        probe=calls(*((distances(halvings),) for halvings in HALVINGS)),
    ),
)
