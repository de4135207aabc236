"""The exercises of lesson 02, judged by what must hold of any right answer."""

import numpy as np

from minidl.exercises import Exercise, calls

EPS = np.finfo(float).eps
RNG = np.random.default_rng(20262)


def close(got, expected, what, scale, ulps=64):
    got, expected = np.asarray(got, dtype=float), np.asarray(expected, dtype=float)
    assert got.shape == expected.shape, f"{what} has shape {got.shape}, expected {expected.shape}"
    error = np.max(np.abs(got - expected))
    assert error <= ulps * EPS * scale, f"{what} is off by {error:.3g}"


W, G, OTHER = RNG.standard_normal((3, 4))
V = np.array([0.25, 1.0, 0.0, 9.0])  # roots 0.5, 1, 0, 3
RULE = dict(lr=0.5, beta2=0.75, eps=0.5)


def judge_1(answer):
    got = answer(W.copy(), V.copy(), G.copy(), **RULE)
    assert isinstance(got, tuple | list), "return two arrays: the new w and the new v"
    assert len(got) == 2, "return two arrays: the new w and the new v"
    moves = {}
    for name, g in (("g", G), ("other", OTHER), ("mean", (G + OTHER) / 2)):
        moves[name], v = answer(W.copy(), V.copy(), g.copy(), **RULE)
        close(v - 3 * V / 4, g * g / 4, "the new v minus beta2 v, for beta2 = 3/4", 16)
    middle = (np.asarray(moves["g"]) + moves["other"]) / 2
    close(moves["mean"], middle, "w is not affine in g. For the gradient (g + g')/2 it", 8)
    rates = np.array([1.0, 2 / 3, 2.0, 2 / 7])  # 1 / (root + 1/2)
    close(moves["g"], W - rates * G / 2, "the new w, for roots 0.5, 1, 0, 3 of v and eps = 0.5,", 8)


GROUPS = (
    [np.array([3.0, 4.0])],
    [np.array([1.0, 2.0]), np.array([[2.0], [4.0]])],
    [np.array([5.0]), np.array([0.5, 0.25, 8.0])],
    [np.array([0.125])],
)


def judge_2(answer):
    for rates in GROUPS:
        got = [np.asarray(r, dtype=float) for r in answer([r.copy() for r in rates])]
        shapes = [r.shape for r in rates]
        assert [r.shape for r in got] == shapes, f"return one array per tensor, of shapes {shapes}"
        ratios = np.concatenate([(a / b).ravel() for a, b in zip(got, rates, strict=True)])
        assert np.ptp(ratios) <= 16 * EPS * ratios.max(), (
            f"rates {rates}: they are divided by different numbers, {ratios}"
        )
        squares = np.concatenate([r.ravel() ** 2 for r in got])
        close(np.mean(squares), 1, f"rates {rates}: the mean of the squares over the whole group", 1)


DRAWS = ((999.0, 500, 0.5, 0.99, 40.0), (10.0, 4, 1.0, 0.5, 2.0), (50.0, 20, 0.2, 0.9, 0.0))


def judge_3(answer):
    for C, n, w, beta2, v in DRAWS:
        samples = [C * w] + [-1.0] * (n - 1)  # with p = 1/n, these n draws are equally likely
        steps = [g / (beta2 * v + (1 - beta2) * g * g) ** 0.5 for g in samples]
        got = float(answer(C, 1 / n, w, beta2, v))
        text = f"C={C:g}, p=1/{n}, w={w:g}, beta2={beta2:g}, v={v:g}: the mean of the {n} steps"
        close(got, sum(steps) / n, text, sum(map(abs, steps)) / n, ulps=4 * n)


BOUNDS = ((1.0, 2.0, 1.0, 1.0), (3.0, 0.5, 10.0, 2.0), (0.2, 8.0, 0.25, 5.0))


def judge_4(answer):
    for gap, M, H, G2 in BOUNDS:
        c = float(answer(gap, M, H, G2))
        assert c > 0, f"c must be positive, got {c}"
        # a/c + b c has its only minimum where the two terms are equal (their product does not depend on c)
        first, second = gap / c, c * M * H**2 * G2**2 / 2
        assert abs(first - second) <= 16 * EPS * first, (
            f"gap={gap:g}, M={M:g}, H={H:g}, G2={G2:g}: at c = {c:.6g} the terms of the bound are {first:.6g} and "
            f"{second:.6g}, so a {'larger' if first > second else 'smaller'} c would be better"
        )


def adam(w, v, g, lr, beta2, eps):
    v = beta2 * v + (1 - beta2) * g * g
    return w - lr * g / (np.sqrt(v) + eps), v


def inside(w, v, g, lr, beta2, eps):
    return w - lr * g / np.sqrt(v + eps), beta2 * v + (1 - beta2) * g * g


def rootless(w, v, g, lr, beta2, eps):
    return w - lr * g / (v + eps), beta2 * v + (1 - beta2) * g * g


def accumulated(w, v, g, lr, beta2, eps):
    return w - lr * g / (np.sqrt(v) + eps), beta2 * v + g * g


def corrected(w, v, g, lr, beta2, eps):
    return w - lr * g / (np.sqrt(v / (1 - beta2)) + eps), beta2 * v + (1 - beta2) * g * g


def over_group(norm):
    return lambda rates: [r / norm(np.concatenate([r.ravel() for r in rates])) for r in rates]


EXERCISES = (
    Exercise(
        "exercise_1",
        "exercise_1(w, v, g, lr, beta2, eps): one step of Delayed Adam with beta1 = 0; the new w and the new v",
        judge_1,
        wrong={
            "Adam": (adam, "take the step with the old v, and only then let v see g"),
            "eps inside the root": (inside, "eps is added to the root: sqrt(v) + eps"),
            "no root": (rootless, "the rate is 1 / (sqrt(v) + eps): v is a mean of squares"),
            "a sum, not a mean": (accumulated, "v is a moving average: g^2 enters with the weight 1 - beta2"),
            "bias correction": (corrected, "the paper's Delayed Adam has no bias correction"),
        },
        probe=calls((W, V, G, *RULE.values()), (W, V, OTHER, *RULE.values())),
    ),
    Exercise(
        "exercise_2",
        "exercise_2(rates): AvaGrad's normalised rates of one group, given as a list of arrays, one per tensor",
        judge_2,
        wrong={
            "tensor by tensor": (
                lambda rates: [r / np.sqrt(np.mean(r**2)) for r in rates],
                "one number for the whole group: otherwise a tensor with small rates gets large steps",
            ),
            "length 1": (
                over_group(np.linalg.norm),
                "divide by the norm / sqrt(d): else the step shrinks as the net grows",
            ),
            "mean": (over_group(np.mean), "the root mean square, not the mean"),
            "largest": (over_group(np.max), "the root mean square, not the maximum: one entry must not rule"),
            "no root": (over_group(lambda r: np.mean(r**2)), "the root of the mean square"),
        },
        probe=calls(*((rates,) for rates in GROUPS)),
    ),
    Exercise(
        "exercise_3",
        "exercise_3(C, p, w, beta2, v): the mean of g / sqrt(v_t) (eps = 0) when v_{t-1} = v, and g = C w with "
        "probability p, else -1",
        judge_3,
        wrong={
            "delayed": (
                lambda C, p, w, beta2, v: (p * C * w - (1 - p)) / np.sqrt(v) if v else np.inf,
                "this is Delayed Adam's mean: Adam's v_t has already seen g",
            ),
            "mean first": (
                lambda C, p, w, beta2, v: (
                    (p * C * w - (1 - p)) / np.sqrt(beta2 * v + (1 - beta2) * (p * (C * w) ** 2 + 1 - p))
                ),
                "each outcome has a v_t of its own: take the quotient first, the mean last",
            ),
            "v of one outcome": (
                lambda C, p, w, beta2, v: (p * C * w - (1 - p)) / np.sqrt(beta2 * v + (1 - beta2)),
                "the rare outcome has another v_t: C w enters it squared",
            ),
            "unweighted": (
                lambda C, p, w, beta2, v: (
                    C * w / np.sqrt(beta2 * v + (1 - beta2) * (C * w) ** 2) - 1 / np.sqrt(beta2 * v + 1 - beta2)
                ),
                "weigh the outcomes by their probabilities p and 1 - p",
            ),
        },
        probe=calls(*((C, 1 / n, w, beta2, v) for C, n, w, beta2, v in DRAWS)),
    ),
    Exercise(
        "exercise_4",
        "exercise_4(gap, M, H, G2): the c that makes gap / c + c M H^2 G2^2 / 2 smallest",
        judge_4,
        wrong={
            "no 2": (lambda gap, M, H, G2: np.sqrt(gap / M) / (H * G2), "mind the 2 under c M H^2 G2^2"),
            "H once": (lambda gap, M, H, G2: np.sqrt(2 * gap / (M * H)) / G2, "H enters squared"),
            "no root": (
                lambda gap, M, H, G2: 2 * gap / (M * H**2 * G2**2),
                "where the terms are equal, it is c^2 that equals this",
            ),
            "upside down": (
                lambda gap, M, H, G2: H * G2 * np.sqrt(M / (2 * gap)),
                "a rougher function (M) or larger gradients (G2) ask for smaller steps, not larger ones",
            ),
        },
        probe=calls(*BOUNDS),
    ),
)
