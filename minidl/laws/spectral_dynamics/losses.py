"""Laws of the cross-entropy that keeps its digits, and of its gradient."""

from __future__ import annotations

import math

import numpy as np

from minidl.laws.core import Cases, Contract, agree, law
from minidl.laws.spectral_dynamics.cases import drawn, one_of, size, worked
from minidl.laws.spectral_dynamics.planted import bugs_of


def logits(seed: int, n: int, classes: int, scale: float, lead: float = 0.0, dtype=np.float64):
    """Logits of which the label's leads by some more."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    z = rng.integers(-64, 65, (n, classes)) / 64 * scale
    z[np.arange(n), labels] += lead
    return {"logits": z.astype(dtype), "labels": labels}


LOGITS = Cases(
    named={
        "small": logits(0, 4, 3, 1.0),
        "sure": logits(1, 3, 5, 1.0, 40.0),
        "very_sure": logits(2, 3, 4, 2.0, 300.0),
        "sure_single_precision": logits(3, 4, 3, 1.0, 30.0, np.float32),
        "wrong": logits(4, 3, 3, 1.0, -50.0),
        "very_wrong": logits(5, 2, 3, 5.0, -1e4),
        "two_classes": logits(6, 5, 2, 3.0),
        "large": logits(7, 3, 4, 1000.0),
        "single": logits(8, 1, 6, 2.0),
    },
    generated=drawn(
        logits, n=size(1, 4), classes=size(2, 5), scale=one_of(1.0, 8.0, 100.0), lead=one_of(0.0, 20.0, 60.0, -30.0)
    ),
    notes={"sure": "log(1 + e^-40) is not 0", "sure_single_precision": "1 - e^-30 is 1 in single precision"},
)


def _loss(impl, case, **changed):
    case = case | changed
    return np.asarray(impl.margin_cross_entropy(case["logits"], case["labels"]))


def _digits(case):
    """Differences of logits round at their size, and move an exponential by as much."""
    return 16 + 8 * case["logits"].shape[1] + 4 * float(np.abs(case["logits"]).max())


@law(
    cases=LOGITS,
    needs=("margin_cross_entropy",),
    grade="numerical",
    equation=r"\frac1N \sum_n \log\Bigl(1 + \sum_{j \ne y} e^{z_j - z_y}\Bigr)",
    source="definition of the cross-entropy",
)
def margins_in_long_precision(impl, case):
    """The mean of log(1 + sum of e^-margin), by long double precision, relative to itself however small it is."""
    terms = []
    for z, y in zip(case["logits"].astype(np.longdouble), case["labels"], strict=True):
        margins = np.delete(z - z[y], y)
        top = max(margins.max(), 0)
        rest = np.exp(margins - top).sum()
        terms.append(np.log1p(rest) if top == 0 else top + np.log(np.exp(-top) + rest))
    want = np.asarray(np.mean(terms)).astype(case["logits"].dtype)
    # margins are differences: where they cancel, they are exact up to their own size
    agree(_loss(impl, case), want[()], why="the loss", ulps=_digits(case))


@law(
    cases=LOGITS,
    needs=("margin_cross_entropy",),
    grade="numerical",
    equation=r"L(z + c) = L(z), \quad \sum_y L_y(z)\text{-probabilities} = 1",
    source="softmax",
)
def shifts_and_certainties(impl, case):
    """A number added to all logits does not matter; e^-loss over all labels sums to 1; examples count alike."""
    dtype, n, classes = case["logits"].dtype, *case["logits"].shape
    want = _loss(impl, case)
    shifted = case["logits"] + dtype.type(64)
    size = {"ulps": _digits(case) + 512, "scale": np.abs(want)}  # margins of shifted logits round at 64 more
    agree(_loss(impl, case, logits=shifted), want, why="shifted logits", **size)
    each = [
        np.exp(-np.float64(_loss(impl, {"logits": case["logits"][:1], "labels": np.array([y])})))
        for y in range(classes)
    ]
    ulps = _digits(case) * np.finfo(dtype).eps / np.finfo(float).eps
    agree(np.float64(math.fsum(each)), np.float64(1), why="probabilities of all labels", ulps=ulps, scale=1)
    twice = {name: np.concatenate([case[name], case[name]]) for name in ("logits", "labels")}
    agree(_loss(impl, twice), want, why="every example twice", ulps=8 + 2 * n)


def _slopes(impl, case, **changed):
    case = case | changed
    return np.asarray(impl.margin_gradient(case["logits"], case["labels"]))


@law(
    cases=LOGITS,
    needs=("margin_gradient",),
    grade="numerical",
    equation=r"g_j = \frac1N \frac{e^{z_j}}{\sum_i e^{z_i}} \; (j \ne y), \quad g_y = -\sum_{j \ne y} g_j",
    source="calculus",
)
def probabilities_of_the_others(impl, case):
    """Every rival pulls by its probability, however small, and the label is pushed by the sum of them: relative to itself."""
    z, labels = case["logits"].astype(np.longdouble), case["labels"]
    rows = np.arange(len(labels))
    e = np.exp(z - z.max(axis=1, keepdims=True))
    want = e / e.sum(axis=1, keepdims=True) / len(labels)
    want[rows, labels] = 0
    want[rows, labels] = -want.sum(axis=1)
    want = want.astype(case["logits"].dtype)
    agree(_slopes(impl, case), want, why="the gradient", ulps=_digits(case), scale=np.abs(want))


@law(
    cases=LOGITS,
    needs=("margin_gradient", "margin_cross_entropy"),
    grade="numerical",
    equation=r"L(z + h d) - L(z - h d) \approx 2 h \langle g, d \rangle",
    source="calculus: the second derivative of L is at most 1/4 along an entry",
)
def slope_of_the_loss(impl, case):
    """The gradient is the slope of the loss: by central differences along each logit."""
    z, h = case["logits"].astype(np.float64), 2.0**-12
    got = _slopes(impl, case, logits=z)
    magnitude = float(np.abs(z).max())
    for place in np.ndindex(*z.shape):
        step = np.zeros(z.shape)
        step[place] = h
        ends = [float(_loss(impl, case, logits=z + sign * step)) for sign in (1, -1)]
        # a third derivative below 1/8 leaves h^2 / 48; losses of size |z| round, and are divided by 2 h
        slack = h * h / np.finfo(float).eps + (16 + 4 * magnitude) * (1 + max(map(abs, ends))) / h
        agree(got[place], np.float64((ends[0] - ends[1]) / (2 * h)), why=f"along logit {place}", ulps=slack, scale=1)


# --- contracts -----------------------------------------------------------------------------------------------------------
LOSS_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "margin_cross_entropy",
        ("logits", "labels"),
        ("loss",),
        LOGITS,
        "The mean cross-entropy, from differences of logits.",
        laws=(margins_in_long_precision, shifts_and_certainties),
        planted=bugs_of("margin_cross_entropy"),
        golden=(
            worked(
                "margin_cross_entropy",
                {"logits": np.array([[0.0, np.log(3.0)]]), "labels": np.array([0])},
                {"loss": np.log(4.0)},
                digits=14,
                note="a quarter",
            ),
        ),
    ),
    Contract(
        "margin_gradient",
        ("logits", "labels"),
        ("gradient",),
        LOGITS,
        "The gradient of the mean cross-entropy, with digits where it is tiny.",
        laws=(probabilities_of_the_others, slope_of_the_loss),
        planted=bugs_of("margin_gradient"),
        golden=(
            worked(
                "margin_gradient",
                {"logits": np.array([[0.0, np.log(3.0)]]), "labels": np.array([0])},
                {"gradient": [[-0.75, 0.75]]},
                digits=14,
                note="a quarter, and three of them to go",
            ),
        ),
    ),
)
