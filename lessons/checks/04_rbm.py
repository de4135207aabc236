"""The exercises of lesson 04, judged by what must hold of any right answer."""

import itertools
import math

import numpy as np

from minidl.exercises import Exercise, calls

EPS = np.finfo(float).eps
RNG = np.random.default_rng(20264)


def close(got, expected, what, scale, ulps=64):
    got, expected = np.asarray(got, dtype=float), np.asarray(expected, dtype=float)
    assert got.shape == expected.shape, f"{what}: the shape is {got.shape}, expected {expected.shape}"
    error = np.max(np.abs(got - expected))
    assert error <= ulps * EPS * scale, f"{what}: off by {error:.3g}"


W, B, A = RNG.normal(size=(4, 3)), RNG.normal(size=4), RNG.normal(size=3)
VISIBLE = np.array(list(itertools.product((0.0, 1.0), repeat=4)))[[0, 1, 6, 11, 15]]  # (5, 4)
HIDDEN = list(itertools.product((0.0, 1.0), repeat=3))
HUGE = 1000 * W


def judge_1(answer):
    summed = [
        -math.log(math.fsum(math.exp(v @ W @ np.array(h) + B @ v + A @ np.array(h)) for h in HIDDEN)) for v in VISIBLE
    ]
    close(answer(VISIBLE.copy(), W.copy(), B.copy(), A.copy()), summed, "-log of the sum of e^-E over all h", 32)
    got = np.asarray(answer(VISIBLE.copy(), HUGE.copy(), B.copy(), A.copy()), dtype=float)
    assert np.isfinite(got).all(), f"weights in the thousands give {got}: write log(1 + e^z) so that nothing overflows"
    # there the largest of the eight terms is all of the sum, to double precision
    lowest = [-max(v @ HUGE @ np.array(h) + B @ v + A @ np.array(h) for h in HIDDEN) for v in VISIBLE[1:]]
    close(got[1:], lowest, "weights in the thousands: F is the lowest energy", np.max(np.abs(lowest)))


X, ENDS = VISIBLE[[1, 2, 2, 4]], VISIBLE[[3, 0, 4, 4]]  # (4, 4) each


def judge_2(answer):
    zero = answer(X.copy(), X[[2, 0, 3, 1]].copy(), W.copy(), A.copy())
    close(zero, np.zeros(W.shape), "chains that end at the data, in another order, leave nothing to learn", 1)
    got = answer(X.copy(), ENDS.copy(), W.copy(), A.copy())
    expected = np.zeros(W.shape)
    for rows, sign in ((X, 1), (ENDS, -1)):
        for v, j in itertools.product(rows, range(3)):
            expected[:, j] += sign * v / (1 + math.exp(-(v @ W[:, j]) - A[j])) / len(rows)
    close(got, expected, "means of v p(h = 1 | v) over the data minus over the chains' ends", 4)
    doubled = answer(np.vstack([X, X]), np.vstack([ENDS, ENDS]), W.copy(), A.copy())
    close(doubled, got, "every row twice changes no mean", 4)


def kernel(*pairs):
    """Independent two-state chains that switch on with probability alpha and off with beta: eigenvalues 1 - alpha - beta."""
    T = np.ones((1, 1))
    for alpha, beta in pairs:
        T = np.kron(T, np.array([[1 - alpha, alpha], [beta, 1 - beta]]))
    return T


KERNELS = (  # the second eigenvalue, a factor, the kernel
    (0.5, 0.2, kernel((0.25, 0.25))),
    (0.9, 0.5, kernel((0.05, 0.05), (0.3, 0.1), (0.2, 0.2))),
    (0.7, 0.01, kernel((0.1, 0.2), (0.45, 0.45))),
    (0.96, 0.25, kernel((0.3, 0.2), (0.01, 0.03))),
)


def judge_3(answer):
    for second, factor, T in KERNELS:
        got = answer(T.copy(), factor)
        assert got == int(got), f"a number of steps is whole, got {got}"
        assert second**got <= factor, (
            f"second eigenvalue {second}: after {int(got)} steps {second**got:.3g} of the slowest observable is left, more "
            f"than {factor}"
        )
        assert second ** (got - 1) > factor, (
            f"second eigenvalue {second}: {int(got)} steps are enough for the factor {factor}, but so are fewer"
        )


LOGS = (np.log([1.0, 2.0, 6.0]), np.log([4.0]), np.log([0.25, 0.5, 0.125, 8.0]))


def judge_4(answer):
    for logs in LOGS:
        mean = math.fsum(math.exp(log) for log in logs) / len(logs)
        for shift in (0.0, 1000.0, -1000.0):
            with np.errstate(all="ignore"):
                got = float(answer(logs + shift))
            text = f"weights {np.exp(logs)}" + (f", all times e^{shift:g}" if shift else "")
            assert math.isfinite(got), f"{text}: got {got}; take the largest log out of the sum"
            close(got, math.log(mean) + shift, f"{text}: the log of their mean", 4 + abs(shift))


def linear(rows, W, a):
    return 1 / (1 + np.exp(-(rows @ W + a)))


def softplus(z):
    return np.logaddexp(0, z)


def second(T):
    return np.sort(np.linalg.eigvals(T).real)[-2]


def quiet(function):
    def called(*arguments):
        with np.errstate(all="ignore"):
            return function(*arguments)

    return called


EXERCISES = (
    Exercise(
        "exercise_1",
        "exercise_1(v, W, b, a): the free energies F of the rows of v (N, n_V), for weights of any size",
        judge_1,
        wrong={
            "overflow": (
                quiet(lambda v, W, b, a: -v @ b - np.log(1 + np.exp(v @ W + a)).sum(axis=1)),
                "e^z overflows from z = 710 on: log(1 + e^z) = max(z, 0) + log(1 + e^-|z|), or np.logaddexp(0, z)",
            ),
            "sign": (lambda v, W, b, a: v @ b + softplus(v @ W + a).sum(axis=1), "F is minus the log of the sum"),
            "no hidden bias": (
                lambda v, W, b, a: -v @ b - softplus(v @ W).sum(axis=1),
                "each hidden unit has a bias a",
            ),
            "no visible bias": (lambda v, W, b, a: -softplus(v @ W + a).sum(axis=1), "the term b v is left out"),
            "lowest energy": (
                lambda v, W, b, a: -v @ b - np.maximum(v @ W + a, 0).sum(axis=1),
                "this is the lowest energy over h; F sums over all of them",
            ),
        },
        probe=calls((VISIBLE, W, B, A), (VISIBLE, HUGE, B, A)),
    ),
    Exercise(
        "exercise_2",
        "exercise_2(x, v, W, a): CD's direction for W from the data x and the visible states v where the chains ended",
        judge_2,
        wrong={
            "downhill": (
                lambda x, v, W, a: v.T @ linear(v, W, a) / len(v) - x.T @ linear(x, W, a) / len(x),
                "the likelihood is climbed: the data's phase minus the chains' phase",
            ),
            "sums": (
                lambda x, v, W, a: x.T @ linear(x, W, a) - v.T @ linear(v, W, a),
                "means over the rows, not sums: else the step grows with the batch",
            ),
            "product of means": (
                lambda x, v, W, a: (
                    np.outer(x.mean(0), linear(x, W, a).mean(0)) - np.outer(v.mean(0), linear(v, W, a).mean(0))
                ),
                "the mean of the products, not the product of the means: their difference is what W is for",
            ),
            "hidden units of the data": (
                lambda x, v, W, a: (x - v).T @ linear(x, W, a) / len(x),
                "in the chains' phase the hidden probabilities belong to v, not to x",
            ),
            "no bias": (
                lambda x, v, W, a: x.T @ linear(x, W, 0) / len(x) - v.T @ linear(v, W, 0) / len(v),
                "p(h = 1 | v) has the bias a in it",
            ),
        },
        probe=calls((X, ENDS, W, A), (np.vstack([X, X]), np.vstack([ENDS, ENDS]), W, A)),
    ),
    Exercise(
        "exercise_3",
        "exercise_3(T, factor): the fewest steps of the kernel T (n, n) after which the slowest observable has shrunk by "
        "this factor",
        judge_3,
        wrong={
            "smallest eigenvalue": (
                lambda T, factor: math.ceil(math.log(factor) / math.log(np.sort(np.linalg.eigvals(T).real)[0])),
                "the smallest eigenvalue is the fastest direction; the second largest is the slowest",
            ),
            "one too few": (
                lambda T, factor: math.floor(math.log(factor) / math.log(second(T))),
                "round up: after fewer steps too much is left",
            ),
            "gap": (
                lambda T, factor: math.ceil(-math.log(factor) / (1 - second(T))),
                "lambda^k is smaller than e^(-k (1 - lambda)): divide by -log(lambda), not by the gap",
            ),
            "gap alone": (
                lambda T, factor: math.ceil(1 / (1 - second(T))),
                "1 / (1 - lambda) steps shrink it by about e, whatever the factor",
            ),
        },
        probe=calls(*((T, factor) for _, factor, T in KERNELS)),
    ),
    Exercise(
        "exercise_4",
        "exercise_4(log_weights): the log of the mean of weights given by their logs (R,), which may be far from 0",
        judge_4,
        wrong={
            "mean of logs": (np.mean, "the log of the mean, not the mean of the logs, which is always smaller"),
            "overflow": (
                quiet(lambda logs: np.log(np.mean(np.exp(logs)))),
                "e^1000 overflows and e^-1000 is 0: take the largest log out before the exponential",
            ),
            "sum": (np.logaddexp.reduce, "divide the sum by the number of weights: subtract log(R)"),
            "largest": (np.max, "the largest weight is not the mean"),
        },
        probe=calls(*((logs + shift,) for logs in LOGS for shift in (0.0, 1000.0))),
    ),
)
