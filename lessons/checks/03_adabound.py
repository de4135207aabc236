"""The exercises of lesson 03, judged by what must hold of any right answer."""

import itertools
import math

import numpy as np

from minidl.exercises import Exercise, calls

EPS = np.finfo(float).eps
RNG = np.random.default_rng(20193)


def close(got, expected, what, ulps=64, scale=None):
    got = float(got)
    error, scale = abs(got - expected), abs(expected) if scale is None else scale
    assert error <= ulps * EPS * scale, f"{what}: expected {expected:.10g}, got {got:.10g}"


# --- the band ----------------------------------------------------------------------------------------------------------
BANDS = ((1, 0.1, 1e-3), (391, 0.1, 1e-3), (4, 0.2, 0.5), (7, 1.0, 3.0))


def judge_1(answer):
    for t, final_lr, gamma in BANDS:
        where = f"t = {t}, final_lr = {final_lr}, gamma = {gamma}"
        low, high = answer(t, final_lr, gamma)
        assert low <= final_lr <= high, f"{where}: final_lr lies in the band, got [{low}, {high}]"
        # as the papers write them; the lower border cancels at the scale of final_lr
        close(final_lr - low, final_lr / (gamma * t + 1), f"{where}: final_lr - lower", scale=final_lr)
        close(high - final_lr, final_lr / (gamma * t), f"{where}: upper - final_lr", scale=high)


# --- the clipped rate --------------------------------------------------------------------------------------------------
def constant(g, lr, final_lr, beta1, beta2, gamma, eps, t):
    """The rate for t equal gradients, whose averages are known."""
    raw = lr * math.sqrt(1 - beta2**t) / (1 - beta1**t) / (math.sqrt(1 - beta2**t) * abs(g) + eps)
    factor = 1 + 1 / (gamma * t)
    return min(max(raw, final_lr / factor), final_lr * factor)


RATES = (  # g, lr, final_lr, beta1, beta2, gamma, eps, t
    (0.5, 0.1, 0.2, 0.9, 0.99, 0.05, 0.1, 4),
    (-2.0, 0.1, 0.2, 0.9, 0.99, 0.5, 1e-3, 3),  # on the lower border
    (1e-3, 0.1, 0.2, 0.9, 0.99, 0.5, 1e-3, 3),  # on the upper border
    (0.3, 0.05, 0.3, 0.5, 0.9, 0.01, 0.25, 1),
)


def judge_2(answer):
    for g, *hyper, t in RATES:
        got = answer([g] * t, *hyper)
        close(
            got,
            constant(g, *hyper, t),
            f"{t} gradients of {g}, (lr, final_lr, beta1, beta2, gamma, eps) = {tuple(hyper)}",
            512,
        )
    g, *hyper, t = RATES[0]
    decayed = answer([g] + [0.0] * (t - 1), *hyper)
    lr, _, beta1, beta2, _, eps = hyper
    v = (1 - beta2) * beta2 ** (t - 1) * g * g
    expected = lr * math.sqrt(1 - beta2**t) / (1 - beta1**t) / (math.sqrt(v) + eps)
    close(decayed, expected, f"one gradient of {g}, then {t - 1} of 0", 512)


def clipped(gradients, lr, final_lr, beta1, beta2, gamma, eps, wrong=""):
    t, v = len(gradients), 0.0
    for g in gradients:
        v = beta2 * v + (1 - beta2) * g * g
    if wrong == "last square":
        v = gradients[-1] ** 2
    correction = math.sqrt(1 - beta2**t) / (1 - beta1**t)
    root = math.sqrt(v) + eps
    if wrong == "eps in the root":
        root = math.sqrt(v + eps)
    if wrong == "eps after correction":
        root = math.sqrt(v) + eps * math.sqrt(1 - beta2**t)
    t = t - 1 if wrong == "from zero" else t
    factor = 1 + 1 / (gamma * t) if t else math.inf
    if wrong in ("no correction", "correction after the clip"):
        rate = min(max(lr / root, final_lr / factor), final_lr * factor)
        return rate if wrong == "no correction" else rate * correction
    return min(max(lr * correction / root, final_lr / factor), final_lr * factor)


# --- K -----------------------------------------------------------------------------------------------------------------
OPEN = (
    (200.0, 1e-2, 1e-3, 0.9, 1e-4),
    (20.0, 1e-2, 1e-3, 0.9, 1e-4),
    (10.0, 0.1, 0.05, 0.99, 1e-3),
    (50.0, 0.2, 0.1, 0.5, 2e-4),
)


def judge_3(answer):
    for C, alpha, final_lr, beta2, gamma in OPEN:
        K = answer(C, alpha, final_lr, beta2, gamma)
        where = f"C = {C}, alpha = {alpha}, final_lr = {final_lr}, beta2 = {beta2}, gamma = {gamma}"
        assert int(K) == K, f"{where}: K is a number of steps, got {K}"

        def free(t, C=C, alpha=alpha, final_lr=final_lr, beta2=beta2, gamma=gamma):
            low, high = final_lr * gamma * t / (gamma * t + 1), final_lr * (gamma * t + 1) / (gamma * t)
            return low <= alpha / C and alpha / math.sqrt(1 - beta2) <= high

        assert free(int(K)), (
            f"{where}: at step {K} the band does not hold all rates from alpha / C to alpha / sqrt(1 - beta2)"
        )
        assert not free(int(K) + 1), f"{where}: at step {int(K) + 1} nothing can be clipped either"


def step_k(C, alpha, final_lr, beta2, gamma, wrong=""):
    smallest = alpha / (C if wrong != "squared" else C * C)
    largest = alpha / math.sqrt(1 - beta2) if wrong != "v at least 1" else alpha
    lower = smallest / (final_lr - smallest)
    upper = final_lr / (largest - final_lr)
    return math.floor(
        {"lower": lower, "upper": upper, "later": max(lower, upper)}.get(wrong, min(lower, upper)) / gamma
    )


# --- the heavy ball ----------------------------------------------------------------------------------------------------
BALLS = ((0.1, 0.9), (1.0, 0.5), (0.3, 0.0))


def judge_4(answer):
    gradients = RNG.standard_normal(6).round(2)
    for final_lr, beta1 in BALLS:
        lr, momentum = answer(final_lr, beta1)
        w = m = v = b = 0.0
        for g in gradients:
            m = beta1 * m + (1 - beta1) * g
            w = w - final_lr * m
            b = momentum * b + g
            v = v - lr * b
        what = f"final_lr = {final_lr}, beta1 = {beta1}: after six steps"
        close(v, w, what, 256, scale=final_lr * float(np.sum(np.abs(gradients))))


# --- regret ------------------------------------------------------------------------------------------------------------
PLAYED = RNG.uniform(-1, 1, (7, 2)).round(2)
LOSSES = RNG.standard_normal((7, 2)).round(1)
GAMES = ((PLAYED, LOSSES, 1.0), (0.5 * PLAYED, -LOSSES, 0.5), (PLAYED[:1], LOSSES[:1], 2.0))


def judge_5(answer):
    for points, gradients, radius in GAMES:
        suffered = sum(float(g @ x) for x, g in zip(points, gradients, strict=True))
        corners = itertools.product((-radius, radius), repeat=points.shape[1])
        best = min(sum(float(g @ np.array(corner)) for g in gradients) for corner in corners)
        scale = 2 * radius * float(np.abs(gradients).sum())
        got = answer(points.copy(), gradients.copy(), radius)
        assert np.ndim(got) == 0, f"regret is one number, got shape {np.shape(got)}"
        close(got, suffered - best, f"{len(points)} steps in a box of radius {radius}", scale=scale)


EXERCISES = (
    Exercise(
        "exercise_1",
        "exercise_1(t, final_lr, gamma): lower and upper border of the band",
        judge_1,
        wrong={
            "step after": (
                lambda t, f, gamma: (f * (1 - 1 / (gamma * (t + 1))), f * (1 + 1 / (gamma * t))),
                "the 1 is added to gamma t, not to t: 1 - 1 / (gamma t + 1)",
            ),
            "mirrored": (
                lambda t, f, gamma: (f * (1 - 1 / (gamma * t + 1)), f * (1 + 1 / (gamma * t + 1))),
                "the band is symmetric in ratio: lower * upper = final_lr^2",
            ),
            "exchanged": (
                lambda t, f, gamma: (f * (1 + 1 / (gamma * t)), f * (1 - 1 / (gamma * t + 1))),
                "first the lower border, then the upper one",
            ),
            "relative": (
                lambda t, f, gamma: (1 - 1 / (gamma * t + 1), 1 + 1 / (gamma * t)),
                "both borders are multiples of final_lr",
            ),
        },
        probe=calls(*BANDS),
    ),
    Exercise(
        "exercise_2",
        "exercise_2(gradients, lr, final_lr, beta1, beta2, gamma, eps): the clipped rate at the last step",
        judge_2,
        wrong={
            name: (lambda *args, name=name: clipped(*args, wrong=name), hint)
            for name, hint in {
                "eps in the root": "eps is added to the root, not under it",
                "eps after correction": "AdaBound adds eps to the uncorrected root; torch's Adam to the corrected one",
                "no correction": "the raw rate is corrected by sqrt(1 - beta2^t) / (1 - beta1^t)",
                "correction after the clip": "the correction comes before the clip, and is gone where a border binds",
                "from zero": "the last of T gradients belongs to step T, the first one to step 1",
                "last square": "the rate divides by the root of the averaged square, not of the last one",
            }.items()
        },
        probe=calls(*(([g] * t, *hyper) for g, *hyper, t in RATES), ([0.5, 0.0, 0.0, 0.0], *RATES[0][1:-1])),
    ),
    Exercise(
        "exercise_3",
        "exercise_3(C, alpha, final_lr, beta2, gamma): the last step up to which nothing can be clipped",
        judge_3,
        wrong={
            name: (lambda *args, name=name: step_k(*args, wrong=name), hint)
            for name, hint in {
                "lower": "the upper border can bind first: at 1 <= |g_t| the rate is at most alpha / sqrt(1 - beta2)",
                "upper": "the lower border can bind first: at |g_t| <= C the rate is at least alpha / C",
                "later": "the first border that can bind ends it: take the smaller time",
                "v at least 1": "v starts at 0: after one gradient of size 1 it is only 1 - beta2",
                "squared": "the rate divides by the root of v, which is at most C",
            }.items()
        },
        probe=calls(*OPEN),
    ),
    Exercise(
        "exercise_4",
        "exercise_4(final_lr, beta1): learning rate and momentum of the heavy ball that AdaBound becomes",
        judge_4,
        wrong={
            "same rate": (
                lambda final_lr, beta1: (final_lr, beta1),
                "the heavy ball adds whole gradients, the average only (1 - beta1) of each",
            ),
            "divided": (
                lambda final_lr, beta1: (final_lr / (1 - beta1), beta1),
                "the average is the smaller of the two buffers: multiply by 1 - beta1",
            ),
            "exchanged": (
                lambda final_lr, beta1: (final_lr * beta1, 1 - beta1),
                "beta1 is what is kept, hence the momentum",
            ),
        },
        probe=calls(*BALLS),
    ),
    Exercise(
        "exercise_5",
        "exercise_5(points, gradients, radius): the regret on linear losses in the box",
        judge_5,
        wrong={
            "best of each step": (
                lambda x, g, r: np.sum(x * g) + r * np.sum(np.abs(g)),
                "the comparison is with one point for all steps: add the gradients up before taking sizes",
            ),
            "nothing to compare": (
                lambda x, g, r: np.sum(x * g),
                "regret is what was lost beyond the best fixed point",
            ),
            "best is zero": (
                lambda x, g, r: np.sum(x * g) - r * np.sum(np.abs(g.sum(axis=0))),
                "the best corner has the loss -radius * |sum of gradients|, and it is subtracted",
            ),
            "unit box": (
                lambda x, g, r: np.sum(x * g) + np.sum(np.abs(g.sum(axis=0))),
                "the best point is at radius, not at 1",
            ),
            "average": (
                lambda x, g, r: (np.sum(x * g) + r * np.sum(np.abs(g.sum(axis=0)))) / len(g),
                "regret is the sum over all steps, not their mean",
            ),
        },
        probe=calls(*GAMES),
    ),
)
