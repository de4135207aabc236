"""The exercises of lesson 08, judged by what must hold of any right answer."""

import numpy as np

from minidl.exercises import Exercise, calls

EPS = np.finfo(float).eps
RNG = np.random.default_rng(20268)


def number(got, what):
    value = np.asarray(got, dtype=float)
    assert value.size == 1, f"{what}: return one number, got shape {value.shape}"
    return float(value.reshape(()))


def mask_of(got, mask, what):
    value = np.asarray(got)
    assert value.shape == mask.shape, f"{what} has shape {value.shape}, expected {mask.shape}"
    assert np.all((value == 0) | (value == 1)), f"{what} must hold zeros and ones (or booleans)"
    return value == 1


# --- 1: the normalised convolution -------------------------------------------------------------------------------------
NEAR = (np.array([0.5, -1.0, 0.8, 0.2]), np.array([1.0, 0, 1, 1]), np.array([0.2, 0.5, 0.3, 0.0]))
FAR = (np.array([0.5, -1.0, 0.8, 0.2]), np.array([1.0, 0, 1, 1]), np.array([0.0, 1.0, 0.0, 0.0]))


def judge_1(answer):
    for values, visible, weights in (NEAR, FAR):
        shown = visible > 0
        flat = number(answer(np.full(4, 0.7), visible.copy(), weights.copy()), "a constant image")
        assert abs(flat - 0.7) <= 16 * EPS, f"a constant image of 0.7 is guessed as {flat}: the weights must sum to 1"
        hidden = np.where(shown, values, 99.0)
        got = [number(answer(v.copy(), visible.copy(), weights.copy()), "the guess") for v in (values, hidden)]
        assert abs(got[0] - got[1]) <= 64 * EPS, "a hidden pixel's value changes the guess"
    far = number(answer(*(a.copy() for a in FAR)), "the guess")
    assert abs(far - 0.5) <= 16 * EPS, f"out of reach of every visible pixel the guess is their mean, 0.5, got {far}"
    near = number(answer(*(a.copy() for a in NEAR)), "the guess")
    # Two visible pixels of weights 0.2 and 0.3, and epsilon times the three visible ones.
    expected = (0.2 * 0.5 + 0.3 * 0.8 + 1e-8 * 1.5) / (0.5 + 3e-8)
    assert abs(near - expected) <= 16 * EPS, f"the guess is off by {near - expected:.3g}: is epsilon 1e-8 of the SUMS?"


def guess(values, visible, weights, eps=1e-8):
    seen = weights * visible
    return (seen @ values + eps * (visible @ values)) / (seen.sum() + eps * visible.sum())


# --- 2 and 3: the boundary and the smoothing rule --------------------------------------------------------------------------
SQUARE = np.zeros((6, 7), int)
SQUARE[2:5, 2:5] = 1
MASKS = (SQUARE, 1 - SQUARE, np.zeros((5, 5), int), np.ones((4, 6), int), np.eye(5, dtype=int))
DOTS = (RNG.random((7, 8)) < 0.45).astype(int)


def judge_2(answer):
    for mask in (*MASKS, DOTS):
        got = mask_of(answer(mask.copy()), mask, "the boundary")
        height, width = mask.shape
        for i in range(height):
            for j in range(width):
                around = [(i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)]
                inside = [mask[r, c] for r, c in around if 0 <= r < height and 0 <= c < width]
                want = len(inside) < 4 or any(value != mask[i, j] for value in inside)
                place = "of the frame" if len(inside) < 4 else f"with neighbours {inside} and value {mask[i, j]}"
                assert got[i, j] == want, f"pixel ({i}, {j}) {place}: expected {want}, got {bool(got[i, j])}"


def neighbours(mask):
    padded = np.pad(np.asarray(mask, int), 1)
    return padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]


def inner_only(mask):
    return (np.asarray(mask) == 1) & (neighbours(mask) < 4)


def without_frame(mask):
    padded = np.pad(np.asarray(mask, int), 1, mode="edge")
    core = padded[1:-1, 1:-1]
    return np.logical_or.reduce(
        [n != core for n in (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])]
    )


def eight(mask):
    padded, core = np.pad(np.asarray(mask, int), 1, constant_values=-1), np.asarray(mask)
    h, w = core.shape
    return np.logical_or.reduce([padded[i : i + h, j : j + w] != core for i in range(3) for j in range(3)])


def judge_3(answer):
    for mask in (*MASKS, DOTS):
        got = mask_of(answer(mask.copy()), mask, "the smoothed mask")
        height, width = mask.shape
        for i in range(height):
            for j in range(width):
                ones = int(mask[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2].sum())
                assert got[i, j] == (ones >= 4), f"pixel ({i}, {j}) with {ones} ones around: got {int(got[i, j])}"


def ninth(mask, least, edge=0, middle=True):
    array = np.asarray(mask, int)
    h, w = array.shape
    padded = np.pad(array, 1, constant_values=edge)
    return sum(padded[i : i + h, j : j + w] for i in range(3) for j in range(3)) - (0 if middle else array) >= least


# --- 4: the gradient of the diversity ----------------------------------------------------------------------------------
IMAGE = RNG.uniform(-1, 1, (3, 4, 5))
MASK = (np.arange(20).reshape(4, 5) % 3 == 0).astype(float)


def spread(image, mask):
    """V by the squared distances of all pairs within a side, which holds for soft masks too."""
    pixels = image.reshape(len(image), -1)
    pairs = np.square(pixels[:, :, None] - pixels[:, None]).sum(axis=0)
    return sum(side @ pairs @ side / (2 * side.sum()) for side in (mask.ravel(), 1 - mask.ravel()))


def judge_4(answer):
    for image in (IMAGE, IMAGE[:1]):
        got = np.asarray(answer(image.copy(), MASK.copy()), dtype=float)
        assert got.shape == MASK.shape, f"the gradient has shape {got.shape}, expected {MASK.shape}"
        h = 1e-4
        for k in range(MASK.size):
            e = h * np.eye(MASK.size)[k].reshape(MASK.shape)
            expected = (spread(image, MASK + e) - spread(image, MASK - e)) / (2 * h)
            place = np.unravel_index(k, MASK.shape)
            # V is a quotient in the mask: differences are off by h^2, and by the roundings of V divided by h.
            tolerance = 20 * h**2 + 64 * EPS * spread(image, MASK) / h
            assert abs(got[place] - expected) <= tolerance, (
                f"pixel {tuple(int(i) for i in place)}: {got[place]:.6f}, by differences {expected:.6f}"
            )


def away(image, mask, side):
    means = np.array([channel[mask == side].mean() for channel in image])
    return np.square(image - means[:, None, None])  # (C, H, W)


# --- 5: intersection over union ----------------------------------------------------------------------------------------
TRUTH = (DOTS[:5] > 0).astype(int)
PREDICTIONS = (TRUTH, 1 - TRUTH, SQUARE[:5], np.ones((5, 8), int), np.zeros((5, 8), int), DOTS[2:])
PAIRS = tuple((p, TRUTH[:, : p.shape[1]]) for p in PREDICTIONS)


def judge_5(answer):
    for prediction, truth in PAIRS:
        got = number(answer(prediction.copy(), truth.copy()), "the IoU")
        candidates = []
        for q in (prediction == 1, prediction == 0):
            both = sum(1 for a, b in zip(q.ravel(), truth.ravel(), strict=True) if a and b)
            either = sum(1 for a, b in zip(q.ravel(), truth.ravel(), strict=True) if a or b)
            candidates.append(both / either)
        assert abs(got - max(candidates)) <= 4 * EPS, f"the IoUs of the two orientations are {candidates}: got {got}"


def overlap(prediction, truth):
    p, t = np.asarray(prediction) == 1, np.asarray(truth) == 1
    return np.sum(p & t) / np.sum(p | t)


def both_sides(score):
    return lambda prediction, truth: max(score(prediction, truth), score(1 - np.asarray(prediction), truth))


EXERCISES = (
    Exercise(
        "exercise_1",
        "exercise_1(values, visible, weights): one pixel's guess by normalised convolution, with epsilon = 1e-8",
        judge_1,
        wrong={
            "not normalised": (
                lambda v, m, k: (k * m) @ v + 1e-8 * (m @ v),
                "divide by the visible weight, epsilon included: a guess is a mean",
            ),
            "divided by all weights": (
                lambda v, m, k: ((k * m) @ v + 1e-8 * (m @ v)) / (k.sum() + 1e-8 * m.sum()),
                "only visible pixels have a weight: mask the denominator too",
            ),
            "hidden pixels": (
                lambda v, m, k: (k @ v + 1e-8 * v.sum()) / (k.sum() + 1e-8 * len(v)),
                "hidden pixels must not be looked at",
            ),
            "epsilon below only": (
                lambda v, m, k: (k * m) @ v / ((k * m).sum() + 1e-8 * m.sum()),
                "epsilon belongs above and below: out of reach the guess is the mean of what is visible, not 0",
            ),
            "a larger epsilon": (
                lambda v, m, k: guess(v, m, k, 1e-3),
                "epsilon is 1e-8: it must not matter while a visible pixel is in reach",
            ),
        },
        probe=calls(NEAR, FAR),
    ),
    Exercise(
        "exercise_2",
        "exercise_2(mask): the boundary of a mask, as the search sees it",
        judge_2,
        wrong={
            "foreground only": (inner_only, "both sides of the edge belong to the boundary"),
            "no frame": (without_frame, "every pixel of the image's frame belongs to it: the mask can grow from there"),
            "eight neighbours": (eight, "only the four neighbours count, not the diagonal ones"),
        },
        probe=calls(*((mask,) for mask in (*MASKS, DOTS))),
    ),
    Exercise(
        "exercise_3",
        "exercise_3(mask): the smoothing rule, four of the nine pixels around",
        judge_3,
        wrong={
            "majority": (lambda m: ninth(m, 5), "four are enough, not five: with the majority, corners are worn away"),
            "without itself": (lambda m: ninth(m, 4, middle=False), "the pixel itself is one of the nine"),
            "ones outside": (lambda m: ninth(m, 4, edge=1), "beyond the border there are zeros"),
            "more than four": (lambda m: ninth(m, 6), "at least four of nine"),
        },
        probe=calls(*((mask,) for mask in (*MASKS, DOTS))),
    ),
    Exercise(
        "exercise_4",
        "exercise_4(image, mask): the gradient of the diversity by the mask",
        judge_4,
        wrong={
            "swapped": (
                lambda x, m: (away(x, m, 0) - away(x, m, 1)).sum(axis=0),
                "entering the foreground costs the distance to ITS mean: that term is positive",
            ),
            "mean over channels": (
                lambda x, m: (away(x, m, 1) - away(x, m, 0)).mean(axis=0),
                "V is a sum over the channels, not a mean",
            ),
            "one side": (
                lambda x, m: away(x, m, 1).sum(axis=0),
                "a pixel that enters the foreground leaves the background: subtract its distance there",
            ),
            "not squared": (
                lambda x, m: (np.sqrt(away(x, m, 1)) - np.sqrt(away(x, m, 0))).sum(axis=0),
                "V is made of squares",
            ),
        },
        probe=calls((IMAGE, MASK), (IMAGE[:1], MASK)),
    ),
    Exercise(
        "exercise_5",
        "exercise_5(prediction, truth): the IoU in the better orientation",
        judge_5,
        wrong={
            "one orientation": (
                overlap,
                "nobody says which side is the object: try the complement of the prediction too",
            ),
            "accuracy": (
                both_sides(lambda p, t: np.mean(np.asarray(p) == np.asarray(t))),
                "that is the accuracy, which a small object hardly moves: intersection over union",
            ),
            "dice": (
                both_sides(lambda p, t: 2 * overlap(p, t) / (1 + overlap(p, t))),
                "that is Dice: divide by the union, not by the mean of the two areas",
            ),
            "complement of both": (
                lambda p, t: max(overlap(p, t), overlap(1 - np.asarray(p), 1 - np.asarray(t))),
                "complement the prediction only: the truth stays what it is",
            ),
        },
        probe=calls(*PAIRS),
    ),
)
