"""The exercises of lesson 01, judged by what must hold of any right answer."""

import numpy as np

from minidl.exercises import Exercise, calls

EPS = np.finfo(float).eps
RNG = np.random.default_rng(20261)
X, F, DY = RNG.standard_normal((3, 4, 5))
GATES = (-0.5, 0.0, 0.3, 1.0, 2.5)


def close(got, expected, what, scale):
    got = np.asarray(got, dtype=float)
    assert got.shape == np.shape(expected), f"{what} has shape {got.shape}, expected {np.shape(expected)}"
    error = np.max(np.abs(got - expected))
    assert error <= 64 * EPS * scale, f"{what} is off by {error:.3g}"


def judge_1(answer):
    for k in (-0.5, 0.0):
        broken = np.full_like(F, np.nan)
        got = np.asarray(answer(X.copy(), broken, k))
        assert np.array_equal(got, X), f"k = {k}: a closed gate must give x bit by bit, also when the branch is NaN"
    half = np.asarray(answer(X.copy(), F.copy(), 0.5))
    whole = np.asarray(answer(X.copy(), F.copy(), 1.0))
    close(whole, X + F, "k = 1: the ordinary residual block", np.max(np.abs(X) + np.abs(F)))
    close(
        2 * half - X, whole, "the output is affine in k: 2 y(0.5) - y(0) minus y(1)", 4 * np.max(np.abs(X) + np.abs(F))
    )
    double = np.asarray(answer(X.copy(), F.copy(), 2.0))
    close(double - whole, F, "the gate is not limited to 1: y(2) - y(1)", 4 * np.max(np.abs(X) + np.abs(F)))


def judge_2(answer):
    for k in GATES:
        dk = float(answer(DY.copy(), X.copy(), F.copy(), k))
        if k <= 0:
            assert dk == 0, f"k = {k}: the derivative of max(k, 0) is 0 there, got {dk}"
            continue
        h = 2.0**-10  # the output is affine in k, so a difference quotient has no truncation error
        up, down = ((k + s) * F + (1 - (k + s)) * X for s in (h, -h))
        expected = np.sum(DY * (up - down)) / (2 * h)
        scale = np.sum(np.abs(DY) * (np.abs(F) + np.abs(X))) * (1 + k) / h
        close(dk, expected, f"k = {k}: dk", scale)


STREAMS = ((2.0, 0.3, (0.5, 1.0, 2.0, 0.25)), (1.5, -0.2, (1.0, 0.0, 3.0)), (1.0, 0.5, (-1.0, 0.4)))


def judge_3(answer):
    for x0, w, gates in STREAMS:
        got = np.asarray(answer(x0, w, np.array(gates)), dtype=float)
        assert got.shape == (len(gates),), f"return one derivative per gate, shape ({len(gates)},), got {got.shape}"
        for i, k in enumerate(gates):
            if k <= 0:
                assert got[i] == 0, f"gate {i} is closed (k = {k}): its derivative is 0, got {got[i]}"
                continue
            h = 2.0**-10  # the output is affine in each gate
            outputs = [x0 * np.prod([1 + max(kj + s * (j == i), 0) * w for j, kj in enumerate(gates)]) for s in (h, -h)]
            close(got[i], (outputs[0] - outputs[1]) / (2 * h), f"gates {gates}: derivative {i}", 8 * abs(x0) / h)


ORDERS = (((0.9, 0.2, 0.5, 0.2), 2), ((1.0, 1.0, 1.0), 2), ((0.3, -0.5, 0.0, 2.0), 2), ((0.5,), 0))


def judge_4(answer):
    for gates, n in ORDERS:
        got = [int(i) for i in answer(np.array(gates), n)]
        assert len(got) == len(set(got)) == n, f"gates {gates}: expected {n} different blocks, got {got}"
        left = [(gates[i], i) for i in range(len(gates)) if i not in got]
        gone = [(gates[i], i) for i in got]
        assert not left or not gone or max(gone) < min(left), (
            f"gates {gates}: removed {sorted(gone)} (gate, block) although {min(left)} comes first: "
            "smallest gates first, equal ones by block number"
        )


def scaled(x, f, k):
    g = max(k, 0)
    return (1 - g) * x + g * f if g else x


def leaking(x, f, k):
    return max(k, 0) * f + x


def squashed(x, f, k):
    return x if k <= 0 else x + min(k, 1) * f


def logistic(x, f, k):
    return x if k <= 0 else x + f / (1 + np.exp(-k))


def through(x0, w, gates):
    xs = [x0]
    for k in gates:
        xs.append(xs[-1] * (1 + max(k, 0) * w))
    return xs


EXERCISES = (
    Exercise(
        "exercise_1",
        "exercise_1(x, f, k): the output of a gated residual block with branch output f",
        judge_1,
        wrong={
            "scaled shortcut": (scaled, "in a residual block the factor of the shortcut cancels: it is never scaled"),
            "leak": (leaking, "0 times NaN is NaN: a closed gate must skip the branch"),
            "limited": (squashed, "the gate is max(k, 0) without an upper bound: k > 1 amplifies"),
            "sigmoid": (logistic, "the gate is max(k, 0), not a sigmoid"),
        },
        probe=calls(*((X, F, k) for k in GATES), (X, np.full_like(F, np.nan), -0.5)),
    ),
    Exercise(
        "exercise_2",
        "exercise_2(dy, x, f, k): the gate's gradient in a gated plain layer",
        judge_2,
        wrong={
            "residual's": (
                lambda dy, x, f, k: np.sum(dy * f) * (k > 0),
                "in a plain layer the shortcut has a factor 1 - g too",
            ),
            "mean": (
                lambda dy, x, f, k: np.mean(dy * (f - x)) * (k > 0),
                "dy already holds the 1/N of the loss: sum, not mean",
            ),
            "always open": (
                lambda dy, x, f, k: np.sum(dy * (f - x)),
                "below 0 the gate is constant: the derivative is 0",
            ),
            "open at 0": (lambda dy, x, f, k: np.sum(dy * (f - x)) * (k >= 0), "at k = 0 the convention is g' = 0"),
        },
        probe=calls(*((DY, X, F, k) for k in GATES)),
    ),
    Exercise(
        "exercise_3",
        "exercise_3(x0, w, gates): derivatives of x_L = x0 prod(1 + g_l w) by each k_l",
        judge_3,
        wrong={
            "closed gates too": (
                lambda x0, w, gates: np.array([w * through(x0, w, gates)[-1] / (1 + max(k, 0) * w) for k in gates]),
                "for k <= 0 the derivative is 0",
            ),
            "input only": (
                lambda x0, w, gates: np.array(
                    [w * x * (k > 0) for x, k in zip(through(x0, w, gates), gates, strict=False)]
                ),
                "the later blocks multiply what this one adds",
            ),
            "undivided": (
                lambda x0, w, gates: w * through(x0, w, gates)[-1] * (gates > 0),
                "divide by the block's own factor 1 + g w",
            ),
        },
        probe=calls(*((x0, w, np.array(gates)) for x0, w, gates in STREAMS)),
    ),
    Exercise(
        "exercise_4",
        "exercise_4(gates, n): the n blocks that greedy removal takes",
        judge_4,
        wrong={
            "largest": (lambda gates, n: np.argsort(-gates, kind="stable")[:n], "the smallest gates are the cheapest"),
            "magnitude": (
                lambda gates, n: np.argsort(np.abs(gates), kind="stable")[:n],
                "a negative gate is closed, so it goes before a small positive one",
            ),
            "late ties": (
                lambda gates, n: np.lexsort((-np.arange(len(gates)), gates))[:n],
                "equal gates go by block number, the first one first",
            ),
        },
        probe=calls(*((np.array(gates), n) for gates, n in ORDERS)),
    ),
)
