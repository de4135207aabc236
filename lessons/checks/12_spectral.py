"""Checks of the exercises of lesson 12: closed forms, known singular vectors, fractions."""

import math
from fractions import Fraction

import numpy as np

from minidl.exercises import Exercise, calls

EPS = np.finfo(float).eps


def close(got, expected, what, ulps, scale=None):
    """Assert that got equals expected up to a few ulps of scale, by default of the largest expected entry."""
    got, expected = np.asarray(got, dtype=float), np.asarray(expected, dtype=float)
    assert got.shape == expected.shape, f"{what}: expected shape {expected.shape}, got {got.shape}"
    scale = np.max(np.abs(expected)) if scale is None else scale
    error = np.max(np.abs(got - expected))
    assert error <= ulps * EPS * scale, f"{what}: off by {error:.3g}"


def turned(seed, s, m, n):
    """A matrix (m, n) with the singular values s, and its vectors (m, R) and (n, R)."""
    rng, R = np.random.default_rng(seed), len(s)
    u, v = (np.linalg.qr(rng.standard_normal((k, R)))[0] for k in (m, n))
    return (u * s) @ v.T, u, v


RANKS = (  # singular values, rows, columns, effective rank
    ((4.0, 2.0, 1.0, 1.0), 4, 6, 2**1.75),
    ((3.0, 3.0, 3.0), 5, 3, 3.0),
    ((2.0,), 3, 4, 1.0),
    ((8.0, 8.0), 4, 2, 2.0),
    ((0.001, 0.0005, 0.0005), 3, 3, 2**1.5),
)
ZEROS = np.diag([2.0, 2.0, 0.0])  # exactly two directions


def judge_1(answer):
    for i, (s, m, n, expected) in enumerate(RANKS):
        got = answer(turned(i, np.array(s), m, n)[0])
        assert np.ndim(got) == 0, f"return one number, got {got!r}"
        # values beyond the rank are rounding errors of a few eps, whose p log p is 36 times that
        close(got, expected, f"a {m} x {n} matrix with the singular values {s}: got {got:.4f}", 64 * 36 * 6)
    got = answer(ZEROS.copy())
    assert math.isfinite(got), f"a singular value of 0 has the share 0, and 0 log 0 counts as 0: got {got}"
    close(got, 2.0, f"diag(2, 2, 0) has two directions: got {got:.4f}", 64)


LAYERS = [(i, *sizes) for i, sizes in enumerate(((4, 4, 4), (3, 5, 2), (6, 3, 4), (2, 4, 5)))]  # seed, n, h, m


def layers(seed, n, h, m):
    """W (h, n), W_next (m, h), and their alignment."""
    one, two = np.arange(min(h, n), 0, -1.0), np.arange(min(m, h), 0, -1.0)
    W, written, _ = turned(seed, one, h, n)
    W_next, _, read = turned(seed + 50, two, m, h)
    return W, W_next, np.abs(read.T @ written)


def judge_2(answer):
    for case in LAYERS:
        W, W_next, expected = layers(*case)
        got = answer(W.copy(), W_next.copy())
        text = f"W {W.shape}, W_next {W_next.shape}"
        if np.shape(got) == expected.T.shape and np.shape(got) != expected.shape:
            raise AssertionError(f"{text}: rows belong to W_next: expected shape {expected.shape}, got {np.shape(got)}")
        # sides of at most 6, and vectors that are turned by s_1 / gap <= 6 times the rounding
        close(got, expected, text, 16 * 6 * 6, scale=1)


CUTS = ((0, 4, 4, 0.5), (1, 5, 7, 0.5), (2, 6, 3, 0.25), (3, 5, 5, 0.2), (4, 3, 8, 0.9))  # seed, m, n, fraction


def cut(seed, m, n, fraction):
    """W and what must be kept of it."""
    R = min(m, n)
    s = np.arange(R, 0, -1.0)
    W, u, v = turned(seed, s, m, n)
    k = math.ceil(Fraction(repr(fraction)) * R)
    return W, (u[:, :k] * s[:k]) @ v[:, :k].T, k


def judge_3(answer):
    for case in CUTS:
        W, expected, k = cut(*case)
        got = answer(W.copy(), case[3])
        text = f"W {W.shape}, fraction {case[3]}: the top {k} of {min(W.shape)} triples"
        close(got, expected, text, 64 * 8 * 7, scale=7)


LOSSES = (
    (0.1, 0.9, 0.4, 0.5, 0.3),
    (1.0, 0.2, 0.1, 0.4, 0.8),
    (0.0, 1.0, 2.0, 3.0),
    (5.0, 1.0, 1.5),
    (2.0, 0.5, 0.75, 0.0),
)


def barrier(losses):
    L, n = [Fraction(x) for x in losses], len(losses) - 1
    return float(max(L[i] - L[0] - (L[n] - L[0]) * i / n for i in range(1, n)))


def judge_4(answer):
    for losses in LOSSES:
        expected = barrier(losses)
        got = answer(np.array(losses))
        text = f"losses {list(losses)}: the barrier is {expected:.4f}, got {float(got):.4f}"
        close(got, expected, text, 16, scale=max(losses))


# --- wrong answers -------------------------------------------------------------------------------------------------------
def shares(W, power=1):
    s = np.linalg.svd(W, compute_uv=False) ** power
    s = s[s > 1e-12 * s[0]]
    return s / s.sum()


def entropy(p, log=np.log):
    return -np.sum(p * log(p))


def no_convention(W):
    s = np.linalg.svd(W, compute_uv=False)
    p = s / s.sum()
    with np.errstate(all="ignore"):
        return np.exp(-np.sum(p * np.log(p)))


def vectors(W):
    u, _, vt = np.linalg.svd(W, full_matrices=False)
    return u, vt


def u_and_u(W, W_next):
    (u, _), (u_next, vt_next) = vectors(W), vectors(W_next)
    return np.abs(u_next.T @ u) if len(u_next) == len(u) else np.abs(vt_next @ u)


def not_transposed(W, W_next):
    (u, _), (_, vt) = vectors(W), vectors(W_next)
    return np.abs(vt.T @ u) if vt.shape[0] == vt.shape[1] else np.abs(vt @ u)


def kept(W, k, change=lambda s: s):
    u, s, vt = np.linalg.svd(W, full_matrices=False)
    return (u[:, :k] * change(s)[:k]) @ vt[:k]


def bottom(W, fraction):
    return W - kept(W, math.ceil(fraction * min(W.shape)))


def over(losses, line, inner=slice(1, -1)):
    return float(np.max((losses - line)[inner]))


EXERCISES = (
    Exercise(
        "exercise_1",
        "exercise_1(W): the effective rank exp(-sum p log p) of a matrix, p the shares of its singular values",
        judge_1,
        wrong={
            "entropy": (lambda W: entropy(shares(W)), "that is the entropy: the effective rank is its exponential"),
            "squares": (
                lambda W: np.exp(entropy(shares(W, 2))),
                "shares of singular values, not of their squares (the eigenvalues of W W^T)",
            ),
            "bits": (
                lambda W: np.exp(entropy(shares(W), np.log2)),
                "e to a number of bits: use the natural logarithm, or 2 to the number of bits",
            ),
            "divided by R": (
                lambda W: np.exp(entropy(shares(W))) / min(W.shape),
                "that is the normalised one, in (0, 1]; here between 1 and R",
            ),
            "count": (
                lambda W: float(np.linalg.matrix_rank(W)),
                "that is the rank: it does not see how large values are",
            ),
            "0 log 0": (no_convention, "a share of 0 gives NaN: leave shares of 0 out"),
        },
        probe=calls((turned(0, np.array([4.0, 2.0, 1.0, 1.0]), 4, 6)[0],), (ZEROS,)),
    ),
    Exercise(
        "exercise_2",
        "exercise_2(W, W_next): the alignment |V_next^T U| (R_next, R) of W (h, n) with W_next (m, h)",
        judge_2,
        wrong={
            "signs": (
                lambda W, W_next: vectors(W_next)[1] @ vectors(W)[0],
                "the sign of a singular vector means nothing: take absolute values",
            ),
            "transposed": (
                lambda W, W_next: np.abs(vectors(W_next)[1] @ vectors(W)[0]).T,
                "row j belongs to the j-th direction of W_next: V_next^T U",
            ),
            "U of both": (u_and_u, "W_next reads along its V, not along its U"),
            "V not transposed": (not_transposed, "numpy.linalg.svd returns V^T already"),
            "weighted": (
                lambda W, W_next: np.abs(vectors(W_next)[0].T @ W_next @ W @ vectors(W)[1].T),
                "directions only, without the singular values",
            ),
        },
        probe=calls(*(layers(*case)[:2] for case in LAYERS)),
    ),
    Exercise(
        "exercise_3",
        "exercise_3(W, fraction): W with the top ceil(fraction * R) of its singular triples",
        judge_3,
        wrong={
            "rounded down": (
                lambda W, fraction: kept(W, int(fraction * min(W.shape))),
                "ceil, not floor: half of 5 are 3",
            ),
            "bottom": (bottom, "that is what is left without the top triples"),
            "without values": (
                lambda W, fraction: kept(W, math.ceil(fraction * min(W.shape)), np.ones_like),
                "the singular values are missing between U and V^T",
            ),
            "of the longer side": (
                lambda W, fraction: kept(W, math.ceil(fraction * max(W.shape))),
                "R is the lesser of the two sides: there are no more singular values",
            ),
            "rows and columns": (
                lambda W, fraction: np.where(np.arange(len(W))[:, None] < math.ceil(fraction * min(W.shape)), W, 0),
                "that keeps rows of W: keep columns of U and rows of V^T",
            ),
        },
        probe=calls(*((cut(*case)[0], case[3]) for case in CUTS)),
    ),
    Exercise(
        "exercise_4",
        "exercise_4(losses): the largest excess of the inner losses over the line between the end losses",
        judge_4,
        wrong={
            "mean of the ends": (
                lambda L: over(L, (L[0] + L[-1]) / 2),
                "the line between the ends, not their mean (which other papers take)",
            ),
            "ends included": (
                lambda L: over(L, np.linspace(L[0], L[-1], len(L)), slice(None)),
                "the ends are on the line, so that the barrier is never negative: take inner points only",
            ),
            "the higher end": (lambda L: over(L, max(L[0], L[-1])), "over the line, not over the higher end"),
            "magnitude": (
                lambda L: float(np.max(np.abs(L - np.linspace(L[0], L[-1], len(L))))),
                "a valley is no barrier: no absolute value",
            ),
            "backwards": (
                lambda L: over(L, np.linspace(L[-1], L[0], len(L))),
                "at a = 0 the line has the first loss: (1 - a) L[0] + a L[-1]",
            ),
            "halfway": (
                lambda L: float((L - np.linspace(L[0], L[-1], len(L)))[len(L) // 2]),
                "the barrier may lie anywhere inside: take the largest",
            ),
        },
        probe=calls(*((np.array(losses),) for losses in LOSSES)),
    ),
)
