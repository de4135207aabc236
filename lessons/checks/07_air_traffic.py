"""The exercises of lesson 07, judged by what must hold of any right answer."""

import itertools
import math
from fractions import Fraction

import numpy as np

from minidl.exercises import Exercise, calls

EPS = np.finfo(float).eps
X = np.array([[1.0, 0.5], [-2.0, 1.5], [0.25, -1.0], [3.0, 2.0], [-0.5, 0.0]])
S = np.array([1.0, -1.0, 1.0, 1.0, -1.0])
POINTS = ((np.array([0.5, -0.25]), 0.125), (np.array([-1.0, 2.0]), -0.5), (np.array([0.0, 0.0]), 0.0))


def loss(w, b):
    return 0.5 * sum(x * x for x in w) + sum(
        math.log1p(math.exp(-s * (float(np.dot(w, x)) + b))) for x, s in zip(X, S, strict=True)
    )


def judge_1(answer):
    h = 1e-3
    for w, b in POINTS:
        got = answer(X.copy(), S.copy(), w.copy(), b)
        assert isinstance(got, tuple | list), f"return two values, by w and by b; got {got!r}"
        assert len(got) == 2, f"return two values, by w and by b; got {got!r}"
        assert np.shape(got[0]) == (2,), f"the gradient by w has the shape (2,), got {np.shape(got[0])}"
        assert np.shape(got[1]) == (), f"the derivative by b is a number, got the shape {np.shape(got[1])}"
        for i in range(3):
            step = np.eye(3)[i] * h

            def along(t, w=w, b=b, step=step):
                return loss(w + t * step[:2], b + t * step[2])

            # five points: an error of h^4 / 30 times the fifth derivative, below |x|^5 / 4 a term; and the rounding / h
            slope = (8 * (along(1) - along(-1)) - along(2) + along(-2)) / (12 * h)
            allowed = h**4 / 30 * np.sum(np.max(np.abs(np.column_stack([X, np.ones(5)])), axis=1) ** 5) / 4
            allowed += 32 * EPS * (1 + loss(w, b)) / h
            value = float(got[0][i]) if i < 2 else float(got[1])
            what = f"w_{i}" if i < 2 else "b"
            assert abs(value - slope) <= allowed, f"w = {w}, b = {b}: by {what} expected {slope:.6f}, got {value:.6f}"


LABELLED = (
    ([1, 1, 1, 2, 2, 3], [0, 0, 1, 1, 1, 2]),
    ([1, 1, 1, 1], [0, 1, 2, 2]),
    ([4, 7, 4, 7, 4, 9, 9], [1, 0, 1, 0, 0, 1, 0]),
    ([5, 1, 3], [0, 0, 0]),
    ([2, 2, 2, 2, 6, 6], [3, 3, 0, 0, 0, 3]),
)


def judge_2(answer):
    for degrees, label in LABELLED:
        values, classes = sorted(set(degrees)), sorted(set(label))
        best = max(
            sum(rule[values.index(d)] == y for d, y in zip(degrees, label, strict=True))
            for rule in itertools.product(classes, repeat=len(values))
        )
        got = float(answer(np.array(degrees), np.array(label)))
        assert abs(got - best / len(label)) <= 4 * EPS, (
            f"degrees {degrees}, labels {label}: of all rules from degree to label the best is right for {best} of "
            f"{len(label)}, got {got:.4f}"
        )


TWO_WAYS = [[1, 2, 3], [0, 2, 4], [0, 1], [0], [1, 5], [4]]
STEPS = ((0, 1, 1.0, 2.0), (0, 1, 0.25, 0.5), (1, 0, 4.0, 3.0), (2, 0, 0.5, 4.0), (4, 5, 2.0, 0.5), (1, 4, 1.0, 1.0))


def judge_3(answer):
    for t, v, p, q in STEPS:
        weights = []
        for x in TWO_WAYS[v]:
            hops = 0 if x == t else 1 if x in TWO_WAYS[t] else 2
            weights.append((1 / Fraction(p), Fraction(1), 1 / Fraction(q))[hops])
        expected = np.array([float(w / sum(weights)) for w in weights])
        got = np.asarray(answer([list(row) for row in TWO_WAYS], t, v, p, q), dtype=float)
        text = f"neighbours {TWO_WAYS}, from {t} to {v}, p = {p}, q = {q}"
        assert got.shape == expected.shape, f"{text}: expected {len(expected)} probabilities, got the shape {got.shape}"
        assert np.max(np.abs(got - expected)) <= 16 * EPS, (
            f"{text}: to {TWO_WAYS[v]} with {expected.round(4)}, got {got.round(4)}"
        )


DEGREES = (2, 2, 2, 4, 2, 3, 2, 2, 3, 2, 3, 1)
ASKED = ((DEGREES, 0, 8), (DEGREES, 3, 8), (DEGREES, 11, 8), (DEGREES, 5, 2), (DEGREES, 5, 5), ((5, 1, 3, 7, 3), 2, 3))
# The first three are worked by hand; the others: nobody who was left out comes before one who was taken.
BY_HAND = {0: [1, 2, 4, 6, 7, 9, 5, 8], 1: [5, 8, 10, 0, 1, 2, 4, 6], 2: [0, 1, 2, 4, 6, 7, 9, 5]}


def judge_4(answer):
    for case, (degrees, u, count) in enumerate(ASKED):
        got = [int(v) for v in answer(list(degrees), u, count)]
        text = f"degrees {list(degrees)}, u = {u}, count = {count}"
        assert len(got) == count, f"{text}: expected {count} nodes, got {got}"
        assert u not in got, f"{text}: u is not its own candidate, got {got}"
        if case in BY_HAND:
            assert got == BY_HAND[case], f"{text}: expected {BY_HAND[case]}, got {got}"

        def later(v, w, degrees=degrees, u=u):
            """Whether v may not come before w."""
            apart = [abs(degrees[x] - degrees[u]) for x in (v, w)]
            if apart[0] != apart[1]:
                return apart[0] > apart[1]
            return degrees[v] < degrees[w] if degrees[v] != degrees[w] else v > w

        left = [w for w in range(len(degrees)) if w != u and w not in got]
        for i, v in enumerate(got):
            for w in got[i + 1 :] + left:
                assert not later(v, w), f"{text}: got {got}, but {w} comes before {v}"


def slopes(X, s, w, b, sign=-1.0):
    return s / (1 + np.exp(-sign * s * (X @ w + b)))


def by_both(X, s, w, b, ridge=1.0, on_b=0.0, scale=1.0, sign=-1.0):
    pull = scale * slopes(X, s, w, b, sign)
    return ridge * w - X.T @ pull, on_b * b - pull.sum()


def per_degree(degrees, label, part):
    return [part(label[degrees == d]) for d in np.unique(degrees)]


def next_node(back="1/p", far="1/q", near_v=False, normalised=True):
    def answer(neighbours, t, v, p, q):
        values = {"1/p": 1 / p, "p": p, "1/q": 1 / q, "q": q}
        known = neighbours[v] if near_v else neighbours[t]
        w = np.array([values[back] if x == t else 1.0 if x in known else values[far] for x in neighbours[v]])
        return w / w.sum() if normalised else w

    return answer


def nearest(key, keep=lambda v, u: v != u):
    def answer(degrees, u, count):
        nodes = [v for v in range(len(degrees)) if keep(v, u)]
        return sorted(nodes, key=lambda v: key(degrees[v], degrees[u], v))[:count]

    return answer


EXERCISES = (
    Exercise(
        "exercise_1",
        "exercise_1(X, s, w, b): the gradient of L(w, b) = |w|^2 / 2 + sum_i log(1 + exp(-s_i (w x_i + b))) by w (d,) and by "
        "b, two values; X (N, d), s (N,) of 1 and -1",
        judge_1,
        wrong={
            "b penalised": (
                lambda X, s, w, b: by_both(X, s, w, b, on_b=1.0),
                "the penalty is on w alone: b has no term of its own",
            ),
            "no penalty": (
                lambda X, s, w, b: by_both(X, s, w, b, ridge=0.0),
                "|w|^2 / 2 has the gradient w",
            ),
            "twice the penalty": (
                lambda X, s, w, b: by_both(X, s, w, b, ridge=2.0),
                "the penalty is |w|^2 / 2, and its gradient w, not 2 w",
            ),
            "mean": (
                lambda X, s, w, b: by_both(X, s, w, b, scale=1 / len(s)),
                "L sums over the airports, it does not average",
            ),
            "the other side": (
                lambda X, s, w, b: by_both(X, s, w, b, sign=1.0),
                "the derivative of log(1 + e^-m) is -sigma(-m): an airport on the right side pulls little",
            ),
            "up": (
                lambda X, s, w, b: tuple(-part for part in by_both(X, s, w, b)),
                "that is the direction of descent, the gradient with its sign changed",
            ),
        },
        probe=calls(*((X, S, w, b) for w, b in POINTS)),
    ),
    Exercise(
        "exercise_2",
        "exercise_2(degrees, label): the part of the nodes that the best rule from degree to label gets right; degrees (n,), "
        "label (n,)",
        judge_2,
        wrong={
            "one answer for all": (
                lambda degrees, label: np.bincount(label).max() / len(label),
                "the rule may answer something else for each degree",
            ),
            "mean of parts": (
                lambda degrees, label: np.mean(per_degree(degrees, label, lambda y: np.bincount(y).max() / len(y))),
                "each node counts alike, not each degree: add up the nodes, then divide by n",
            ),
            "pure degrees": (
                lambda degrees, label: (
                    sum(per_degree(degrees, label, lambda y: len(y) * (len(set(y)) == 1))) / len(label)
                ),
                "where a degree has several labels the rule still gets the most frequent one right",
            ),
            "several right": (
                lambda degrees, label: (
                    sum(
                        per_degree(
                            degrees, label, lambda y: np.bincount(y)[np.bincount(y) == np.bincount(y).max()].sum()
                        )
                    )
                    / len(label)
                ),
                "where two labels are as frequent the rule still has to choose one",
            ),
        },
        probe=calls(*((np.array(degrees), np.array(label)) for degrees, label in LABELLED)),
    ),
    Exercise(
        "exercise_3",
        "exercise_3(neighbours, t, v, p, q): the probabilities of node2vec's next node from v, in the order of neighbours[v], "
        "for a walk that came from t",
        judge_3,
        wrong={
            "p, not 1 / p": (
                next_node(back="p"),
                "the way back has the weight 1 / p: a large p keeps the walk from returning",
            ),
            "q, not 1 / q": (next_node(far="q"), "the way out has the weight 1 / q: a large q keeps the walk near t"),
            "exchanged": (next_node(back="1/q", far="1/p"), "1 / p is for the way back to t, 1 / q for the way out"),
            "neighbours of v": (
                next_node(near_v=True),
                "all x are neighbours of v; what counts is whether x is a neighbour of t",
            ),
            "weights": (next_node(normalised=False), "divide by the sum: probabilities add up to 1"),
        },
        probe=calls(*((TWO_WAYS, *step) for step in STEPS)),
    ),
    Exercise(
        "exercise_4",
        "exercise_4(degrees, u, count): OPT2: the `count` nodes other than u with the nearest degrees, the larger degree first "
        "where two are as near, then by number; a list",
        judge_4,
        wrong={
            "itself": (
                nearest(lambda d, of, v: (abs(d - of), -d, v), lambda v, u: True),
                "u is not compared with itself: leave it out",
            ),
            "smaller first": (
                nearest(lambda d, of, v: (abs(d - of), d, v)),
                "of two degrees that are as near the larger one goes first",
            ),
            "by number": (
                nearest(lambda d, of, v: (abs(d - of), v)),
                "where two degrees are as near, all nodes of the larger one come before those of the smaller",
            ),
            "ratios": (
                nearest(lambda d, of, v: (max(d, of) / min(d, of), -d, v)),
                "here degrees are near by their difference, not by their ratio",
            ),
            "last first": (
                nearest(lambda d, of, v: (abs(d - of), -d, -v)),
                "nodes of one degree go by their number, the first one first",
            ),
        },
        probe=calls(*ASKED),
    ),
)
