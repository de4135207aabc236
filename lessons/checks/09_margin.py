"""The exercises of lesson 09, judged by what must hold of any right answer."""

import itertools
import math
from fractions import Fraction

import numpy as np

from minidl.exercises import Exercise, calls

EPS = np.finfo(float).eps

MARGINS = (  # all differences exact
    np.array([0.0, 0.0]),
    np.array([1.0, 3.0, 1.0]),
    np.array([-40.0, 2.0, -39.0, 5.0]),
    np.array([800.0, 801.0, 800.0]),
    np.array([1e5, 1e5 + 2, 1e5 + 64]),
    np.array([-900.0, 900.0]),
    np.array([7.0]),
)


def judge_1(answer):
    for u in MARGINS:
        least = u.min()
        shifted = [math.exp(least - value) for value in u.tolist()]
        total = math.fsum(shifted)
        with np.errstate(all="ignore"):
            got = answer(u.copy())
        text = f"u = {u.tolist()}"
        assert isinstance(got, tuple | list), f"{text}: return two things, the weights and log L; got {got!r}"
        assert len(got) == 2, f"{text}: return two things, the weights and log L; got {got!r}"
        weights, log_loss = np.asarray(got[0], dtype=float), float(got[1])
        assert weights.shape == u.shape, f"{text}: the weights have shape {weights.shape}, expected {u.shape}"
        assert np.isfinite(weights).all(), f"{text}: weights {weights.tolist()}; stay in the log domain"
        assert math.isfinite(log_loss), f"{text}: log L = {log_loss}; stay in the log domain"
        error = np.abs(weights - np.array(shifted) / total).max()
        assert error <= 32 * EPS, f"{text}: weights {weights.tolist()}, off by {error:.3g}"
        expected = math.log(total) - least
        assert abs(log_loss - expected) <= 32 * EPS * (1 + abs(expected)), (
            f"{text}: log L = log of the sum of e^-u is {expected:.10g}, got {log_loss:.10g}"
        )


SETS = (
    [[1, 2], [3, -1], [3, 3]],
    [[1, 2], [3, 1], [2, 2]],
    [[2, 1], [2, -1], [5, 0], [1, 0]],
    [[1, 0, 0], [0, 2, 0], [0, 0, 4], [1, 1, 1]],
    [[1, 1], [-1, -1], [1, 0]],  # not separable
    [[3, 4]],
    [[-1, 3], [4, -1], [1, 1]],
)


def dot(p, q):
    return sum(x * y for x, y in zip(p, q, strict=True))


def solved(rows, support):
    """w by elimination in rationals, the multipliers a, or None where the Gram matrix has no inverse."""
    gram = [[Fraction(dot(rows[i], rows[j])) for j in support] for i in support]
    table = [[*row, Fraction(1)] for row in gram]
    n = len(table)
    for c in range(n):
        pivot = next((i for i in range(c, n) if table[i][c]), None)
        if pivot is None:
            return None
        table[c], table[pivot] = table[pivot], table[c]
        for i in range(n):
            if i != c:
                factor = table[i][c] / table[c][c]
                table[i] = [x - factor * y for x, y in zip(table[i], table[c], strict=True)]
    a = [table[i][-1] / table[i][i] for i in range(n)]
    return [dot(a, [rows[i][j] for i in support]) for j in range(len(rows[0]))], a


def asked():
    """(rows, support, w, whether it is the solution): not where a multiplier is 0, or another margin 1, to the last digit."""
    for rows in SETS:
        for k in range(1, min(len(rows), len(rows[0])) + 1):
            for support in itertools.combinations(range(len(rows)), k):
                if (answer := solved(rows, support)) is None:
                    continue
                w, a = answer
                others = [dot(w, row) for i, row in enumerate(rows) if i not in support]
                if 0 not in a and 1 not in others:
                    yield rows, list(support), w, min(a) > 0 and all(margin > 1 for margin in others)


def judge_2(answer):
    for rows, support, w, is_it in asked():
        text, exact = f"z = {rows}, S = {support}", [float(value) for value in w]
        got = answer(np.array(rows, dtype=float), list(support))
        if not is_it:
            assert got is None, f"{text}: these are not the support vectors, return None; got {got}"
            continue
        assert got is not None, f"{text}: these are the support vectors, w = {exact}; got None"
        got = np.asarray(got, dtype=float)
        assert got.shape == (len(w),), f"{text}: w has shape {got.shape}, expected ({len(w)},)"
        assert np.abs(got - np.array(exact)).max() <= 256 * EPS, f"{text}: w = {exact}, got {got.tolist()}"


TURNED = [0.0, 1e-12, 1e-9, 1e-5, 0.3, math.pi / 2, 2.5, math.pi - 1e-9, math.pi]
PAIRS = tuple(
    (np.array([size * math.cos(angle), size * math.sin(angle), 0.0]), np.array([0.5, 0.0, 0.0]), angle)
    for angle, size in zip(TURNED, itertools.cycle((1.0, 8.0, 0.25)))
)


def judge_3(answer):
    for a, b, angle in PAIRS:
        for first, second in ((a, b), (b, a)):
            with np.errstate(all="ignore"):
                got = float(answer(first.copy(), second.copy()))
            assert abs(got - angle) <= 8 * EPS, (
                f"a = {first.tolist()}, b = {second.tolist()}: the angle is {angle!r}, got {got!r}"
            )


Z = np.array([[1.0, 2.0], [3.0, -1.0], [3.0, 3.0]])
MOMENTS = (  # z, w, s
    (Z, np.array([0.5, 0.25]), 0.0),
    (Z, np.array([0.5, 0.25]), -3.0),
    (Z, np.array([20.0, 10.0]), 40.0),
    (Z, np.array([400.0, 200.0]), 802.0),
    (Z, np.array([1000.0, 500.0]), 1999.0),
    (np.array([[2.0]]), np.array([-300.0]), -600.0),
)


def judge_4(answer):
    for z, w, s in MOMENTS:
        u = [dot(row, w.tolist()) for row in z.tolist()]  # exact
        weights = [math.exp(s - value) for value in u]
        expected = np.array([math.fsum(x * y for x, y in zip(weights, column, strict=True)) for column in z.T.tolist()])
        with np.errstate(all="ignore"):
            got = np.asarray(answer(z.copy(), w.copy(), s), dtype=float)
        text = f"z = {z.tolist()}, w = {w.tolist()}, s = {s:g}"
        assert got.shape == expected.shape, f"{text}: the shape is {got.shape}, expected {expected.shape}"
        scale = np.abs(weights).max() * np.abs(z).max()
        error = np.abs(got - expected).max() if np.isfinite(got).all() else np.inf
        assert error <= 64 * EPS * scale, f"{text}: expected {expected.tolist()}, got {got.tolist()}"


def shares(u, sign=-1.0):
    a = sign * u
    q = np.exp(a - a.max())
    return q / q.sum()


def log_sum(u):
    return np.log(np.exp(u.min() - u).sum()) - u.min()


def direct(u):
    with np.errstate(all="ignore"):
        q = np.exp(-u)
        return q / q.sum(), np.log(q.sum())


def on_support(z, S):
    return np.linalg.solve(z[S] @ z[S].T, np.ones(len(S)))


def supported(z, S, multipliers=True, margins=True, w_of=lambda z, S: on_support(z, S) @ z[S]):
    w, a = w_of(z, S), on_support(z, S)
    if (multipliers and a.min() < -1e-12) or (margins and (z @ w).min() < 1 - 1e-12):
        return None
    return w


def direction(a):
    return a / np.linalg.norm(a)


def by_arc_cosine(a, b):
    return np.arccos(np.clip(direction(a) @ direction(b), -1, 1))


def flow(z, w, s, weights=lambda u, s: np.exp(s - u)):
    with np.errstate(all="ignore"):
        return weights(z @ w, s) @ z


EXERCISES = (
    Exercise(
        "exercise_1",
        "exercise_1(u): for the exponential loss (weights softmax(-u) (N,), log of the total loss), margins u (N,) up to 1e5",
        judge_1,
        wrong={
            "as it is written": (direct, "e^-u is 0 from u = 745.2 on: subtract the smallest u first"),
            "shifted and not back": (
                lambda u: (shares(u), np.log(np.exp(u.min() - u).sum())),
                "log L = -min u + log of the sum of e^(min u - u): put the shift back",
            ),
            "far ones": (
                lambda u: (shares(u, 1.0), log_sum(u)),
                "small margins weigh most: softmax of -u, not of u",
            ),
            "a mean": (
                lambda u: (shares(u), log_sum(u) - np.log(len(u))),
                "L is the sum of the losses, not their mean",
            ),
            "mean of logs": (
                lambda u: (shares(u), -np.sum(u)),
                "the log of a sum is not the sum of logs",
            ),
            "unnormalised": (
                lambda u: (np.exp(u.min() - u), log_sum(u)),
                "the weights add up to 1: divide by their sum",
            ),
        },
        probe=calls(*((u,) for u in MARGINS)),
    ),
    Exercise(
        "exercise_2",
        "exercise_2(z, S): the w (d,) if the rows S of z (a list of their numbers, linearly independent) are the support "
        "vectors of the hard margin, else None",
        judge_2,
        wrong={
            "any sign": (
                lambda z, S: supported(z, S, multipliers=False),
                "a multiplier is at least 0: a support vector pushes, it never pulls",
            ),
            "others forgotten": (
                lambda z, S: supported(z, S, margins=False),
                "all rows need a margin of at least 1, also those outside of S",
            ),
            "always": (
                lambda z, S: supported(z, S, multipliers=False, margins=False),
                "check both: multipliers >= 0, and margins >= 1 of all rows",
            ),
            "equal shares": (
                lambda z, S: supported(z, S, w_of=lambda z, S: (m := z[S].mean(axis=0)) / (m @ m)),
                "the multipliers differ: they solve (Z_S Z_S^T) a = 1",
            ),
            "unit length": (
                lambda z, S: None if (w := supported(z, S)) is None else direction(w),
                "w is as long as the margins of 1 demand, not of length 1",
            ),
        },
        probe=calls(*((np.array(rows, dtype=float), S) for rows, S, _, _ in asked())),
    ),
    Exercise(
        "exercise_3",
        "exercise_3(a, b): the angle between a (d,) and b (d,) in radians, right to 1e-15 also where it is 1e-9",
        judge_3,
        wrong={
            "arc cosine": (
                by_arc_cosine,
                "a . b = 1 - angle^2 / 2 is 1 to all digits at 1e-9: use the sine as well, atan2(sine, cosine)",
            ),
            "arc sine": (
                lambda a, b: np.arcsin(
                    min(np.linalg.norm(direction(a) - (direction(a) @ direction(b)) * direction(b)), 1.0)
                ),
                "the sine is the same for an angle and for pi minus it: atan2 of sine and cosine tells them apart",
            ),
            "chord": (
                lambda a, b: np.linalg.norm(direction(a) - direction(b)),
                "that is the chord, 2 sin(angle / 2)",
            ),
            "degrees": (lambda a, b: np.degrees(np.arctan2(a[1], a[0]) - np.arctan2(b[1], b[0])), "in radians"),
            "lengths": (
                lambda a, b: np.arctan2(np.linalg.norm(a - (a @ b) * b), a @ b),
                "divide both vectors by their lengths first",
            ),
        },
        probe=calls(*((a, b) for a, b, _ in PAIRS)),
    ),
    Exercise(
        "exercise_4",
        "exercise_4(z, w, s): dw / ds (d,) of the flow for the exponential loss at s = log t, s and margins up to 2000",
        judge_4,
        wrong={
            "factors": (
                lambda z, w, s: flow(z, w, s, lambda u, s: np.exp(s) * np.exp(-u)),
                "e^s and e^-u leave the doubles one at a time: add the exponents first, e^(s - u)",
            ),
            "dw / dt": (
                lambda z, w, s: flow(z, w, s, lambda u, s: np.exp(-u)),
                "dw / ds = t dw / dt: the factor t = e^s is missing",
            ),
            "uphill": (
                lambda z, w, s: -flow(z, w, s),
                "the flow goes against the gradient, and the loss falls with u: the sum has a plus",
            ),
            "s for t": (
                lambda z, w, s: flow(z, w, s, lambda u, s: s * np.exp(-u)),
                "dt / ds = e^s, not s",
            ),
            "softmax": (
                lambda z, w, s: shares(z @ w) @ z,
                "nothing is divided by the loss here: the weights are e^(s - u)",
            ),
        },
        probe=calls(*MOMENTS),
    ),
)
