"""The exercises of lesson 05, judged by what must hold of any right answer."""

import math
import statistics

import numpy as np

from minidl.exercises import Exercise, calls

EPS = np.finfo(float).eps


def close(got, expected, what, scale, ulps=64):
    got, expected = np.asarray(got, dtype=float), np.asarray(expected, dtype=float)
    assert got.shape == expected.shape, f"{what}: the shape is {got.shape}, expected {expected.shape}"
    error = np.max(np.abs(got - expected))
    assert error <= ulps * EPS * scale, f"{what}: off by {error:.3g}"


PATHS = (  # a path, S, how many states are visited
    ([3, 5, 5, 1, 3], {1, 3}, 3),
    ([2, 2, 0], {2}, 1),
    ([1, 0, 4, 0], {1}, None),
    ([6], {6}, None),
    ([4, 0, 7, 4, 0, 4], {4}, 3),
    ([0, 1], {0, 1, 2}, 1),
)


def judge_1(answer):
    for path, S, visited in PATHS:
        got = answer(list(path), set(S))
        text = f"path {path}, S = {S}"
        if visited is None:
            assert got is None, (
                f"{text}: the chain does not come back, so the length is not known: return None, got {got}"
            )
        else:
            assert got == visited, f"{text}: the states visited before it comes back are {path[:visited]}, got {got!r}"


def pair(alpha, beta):
    return np.array([[1 - alpha, alpha], [beta, 1 - beta]])


RING = np.array([[0.5, 0.5, 0.0], [0.25, 0.25, 0.5], [0.0, 0.5, 0.5]])  # leaves through the middle
KERNELS = (  # the kernel, which states are in S, the start, the expected length
    # from 0: one step, and with probability alpha the 1 / beta steps until the chain leaves state 1
    (pair(0.25, 0.125), np.array([True, False]), np.array([1.0, 0.0]), 1 + 0.25 / 0.125),
    # by first steps, with x and y the lengths from the middle and from the end: y = 2 + x, x = 1 + x / 4 + y / 2, so x = 8
    (RING, np.array([True, False, False]), np.array([1.0, 0.0, 0.0]), 1 + 0.5 * 8),
    # S = both ends: from either one step, and with probability 1/2 the 1 / (1 - 1/4) steps until the chain leaves the middle
    (RING, np.array([True, False, True]), np.array([0.75, 0.0, 0.25]), 1 + 0.5 / 0.75),
    (RING, np.array([True, True, True]), np.array([0.25, 0.5, 0.25]), 1.0),
    # S = the middle and one end: one step from that end, 1 + (1/2) 2 from the middle
    (RING, np.array([True, True, False]), np.array([0.75, 0.25, 0.0]), 0.75 * 1 + 0.25 * 2),
)


def judge_2(answer):
    for T, inside, start, expected in KERNELS:
        got = float(answer(T.copy(), inside.copy(), start.copy()))
        close(got, expected, f"T = {T.tolist()}, S = {np.flatnonzero(inside)}, start {start}: got {got:.6g}", 16)


W, B = np.array([[1.0, -1.0], [0.5, 0.25]]), np.array([-0.2, 0.3])
TOURS = ([[1, 0], [0, 1]], [[1, 1]], [[0, 1], [0, 1], [1, 1]], [[1, 0], [0, 0], [0, 1]])
COMPLETED = np.array([True, True, False, True])
STATES = np.array([h for tour in TOURS for h in tour], dtype=float)  # (9, 2)
OWNER = np.repeat(np.arange(4), [len(tour) for tour in TOURS])  # (9,)
STEPWISE = np.array([0, 2, 3, 6, 1, 4, 7, 5, 8])  # by step and then by tour, as they are recorded


def judge_3(answer):
    total, visited = np.zeros((2, 2)), 0
    for tour, completed in zip(TOURS, COMPLETED, strict=True):
        for h in tour if completed else ():
            for i in range(2):
                total[i] += np.array(h) / (1 + math.exp(-sum(W[i, j] * h[j] for j in range(2)) - B[i]))
            visited += 1
    # six states, and the tour that did not come back plays no part
    for order in (np.arange(9), STEPWISE):
        got = answer(STATES[order], OWNER[order], COMPLETED.copy(), W.copy(), B.copy())
        close(got, total / visited, "the mean of p(v = 1 | h) h^T over the 6 states of completed tours", 1)


LENGTHS = ((0.0, [1, 1, 2, 4]), (3.5, [1, 3]), (-800.0, [1, 2, 3, 4, 5, 6]), (1200.0, [7, 1, 1, 1]))


def judge_4(answer):
    for log_z_S, lengths in LENGTHS:
        mean = statistics.fmean(lengths)
        text = f"log Z_S = {log_z_S:g}, lengths {lengths}"
        got = answer(log_z_S, np.array(lengths))
        assert isinstance(got, tuple | list), f"return two numbers, log Z and its standard error; got {got!r}"
        assert len(got) == 2, f"return two numbers, log Z and its standard error; got {got!r}"
        assert math.isfinite(got[0]), f"{text}: got {got[0]}; stay in the log domain"
        close(got[0], log_z_S + math.log(mean), f"{text}: log Z", 4 + abs(log_z_S))
        # d log m = dm / m, and dm is the standard error of a mean
        close(got[1], statistics.stdev(lengths) / math.sqrt(len(lengths)) / mean, f"{text}: the standard error", 4)


def first(path, S):
    return next((t for t in range(1, len(path)) if path[t] in S), None)


def expected(T, inside, start):
    return start @ np.linalg.solve(np.eye(len(T)) - np.where(inside, 0, T), np.ones(len(T)))


def rows_masked(T, inside, start):
    Q = np.where(inside[:, None], 0, T)
    return start @ np.linalg.solve(np.eye(len(T)) - Q, np.ones(len(T)))


def stationary(T):
    values, vectors = np.linalg.eig(T.T)
    p = vectors[:, np.argmax(values.real)].real
    return p / p.sum()


def phase(states, W, b):
    return (1 / (1 + np.exp(-(states @ W.T + b)))).T @ states


def all_visits(states, owner, completed, W, b):
    return phase(states, W, b) / len(states)


def tour_means(states, owner, completed, W, b):
    each = [phase(states[owner == r], W, b) / np.sum(owner == r) for r in np.flatnonzero(completed)]
    return np.mean(each, axis=0)


def divided_by_tours(states, owner, completed, W, b):
    return phase(states[completed[owner]], W, b) / completed.sum()


def starts_only(states, owner, completed, W, b):
    firsts = np.array([states[owner == r][0] for r in np.flatnonzero(completed)])
    return phase(firsts, W, b) / len(firsts)


def error_of(lengths, ddof=1):
    return np.std(lengths, ddof=ddof) / np.sqrt(len(lengths)) / np.mean(lengths)


def linear(log_z_S, lengths):
    with np.errstate(all="ignore"):
        return np.log(np.exp(log_z_S) * np.mean(lengths)), error_of(lengths)


EXERCISES = (
    Exercise(
        "exercise_1",
        "exercise_1(path, S): the length of the tour that a path begins with (path[0] is in S); None if it does not come "
        "back",
        judge_1,
        wrong={
            "tested at once": (
                lambda path, S: next((t for t in range(len(path)) if path[t] in S), None),
                "the start is in S by construction: test from the first step on",
            ),
            "return counted": (
                lambda path, S: None if first(path, S) is None else first(path, S) + 1,
                "the state that ends the tour is not visited: it begins the next one",
            ),
            "cap taken for a length": (
                lambda path, S: first(path, S) or len(path),
                "a tour that has not come back has no length yet: None",
            ),
            "back to the start": (
                lambda path, S: first(path, {path[0]}),
                "a tour ends in any state of S, not only in the one where it began",
            ),
            "last return": (
                lambda path, S: max((t for t in range(1, len(path)) if path[t] in S), default=None),
                "the tour ends at the first return; what follows belongs to the next one",
            ),
        },
        probe=calls(*((path, S) for path, S, _ in PATHS)),
    ),
    Exercise(
        "exercise_2",
        "exercise_2(T, inside, start): the expected length of tours from S: T (n, n) the kernel, inside (n,) bool, start "
        "(n,) a law on S",
        judge_2,
        wrong={
            "rows": (
                rows_masked,
                "Q keeps the steps that lead to states outside S: set the columns of S to 0, not its rows",
            ),
            "one too few": (
                lambda T, inside, start: expected(T, inside, start) - 1,
                "the start is visited too: the sum over t begins with mu^T Q^0",
            ),
            "Kac, always": (
                lambda T, inside, start: 1 / stationary(T)[inside].sum(),
                "1 / pi(S) is right only for the start mu; here any law on S is given",
            ),
            "uniform start": (
                lambda T, inside, start: expected(T, inside, inside / inside.sum()),
                "the law of the start is given: use it",
            ),
        },
        probe=calls(*(case[:3] for case in KERNELS)),
    ),
    Exercise(
        "exercise_3",
        "exercise_3(states, owner, completed, W, b): LVS's model phase for W from the states of completed tours",
        judge_3,
        wrong={
            "unfinished tours": (all_visits, "drop the states of tours that were not completed: completed[owner]"),
            "mean of means": (
                tour_means,
                "every visited state counts alike: sum over all tours, then divide once. A mean of the tours' means favours "
                "short tours",
            ),
            "per tour": (divided_by_tours, "divide by the number of states visited, not by the number of tours"),
            "starts": (starts_only, "all visited states count, not only the starts: these follow mu, not the model"),
        },
        probe=calls((STATES, OWNER, COMPLETED, W, B)),
    ),
    Exercise(
        "exercise_4",
        "exercise_4(log_z_S, lengths): log Z from the lengths of completed tours, and its standard error by the delta method",
        judge_4,
        wrong={
            "mean of logs": (
                lambda log_z_S, lengths: (log_z_S + np.mean(np.log(lengths)), error_of(lengths)),
                "Z is Z_S times the mean length: the log of the mean, not the mean of the logs",
            ),
            "minus": (
                lambda log_z_S, lengths: (log_z_S - np.log(np.mean(lengths)), error_of(lengths)),
                "Z is larger than Z_S: the mean length is Z / Z_S",
            ),
            "error of the mean": (
                lambda log_z_S, lengths: (log_z_S + np.log(np.mean(lengths)), error_of(lengths) * np.mean(lengths)),
                "that is the error of the mean length; the log's is this over the mean",
            ),
            "scatter": (
                lambda log_z_S, lengths: (
                    log_z_S + np.log(np.mean(lengths)),
                    np.std(lengths, ddof=1) / np.mean(lengths),
                ),
                "divide the scatter by the root of the number of tours",
            ),
            "R for R - 1": (
                lambda log_z_S, lengths: (log_z_S + np.log(np.mean(lengths)), error_of(lengths, ddof=0)),
                "the variance of a sample has R - 1 in the denominator",
            ),
            "not in logs": (linear, "e^1200 overflows and e^-800 is 0: add logs instead of multiplying"),
        },
        probe=calls(*((log_z_S, np.array(lengths)) for log_z_S, lengths in LENGTHS)),
    ),
)
