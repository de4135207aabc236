"""Laws of the numbers that compare a mask with the true one."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from minidl.laws.core import Cases, Contract, Golden, agree, holds, law
from minidl.laws.iem_segmentation.cases import PROGRAM, TRUTH_C, WORKED_C
from minidl.laws.iem_segmentation.planted import bugs_of

PAIR = ("prediction", "truth")
METRICS = ("accuracy", "iou", "miou", "dice")


def pair(seed, shape, flipped=0.3):
    rng = np.random.default_rng(seed)
    truth = rng.random(shape) < 0.4
    return {"prediction": truth ^ (rng.random(shape) < flipped), "truth": truth}


def _pairs():
    from hypothesis import strategies as st

    return st.builds(
        pair,
        seed=st.integers(0, 10_000),
        shape=st.tuples(st.integers(1, 6), st.integers(1, 6)),
        flipped=st.sampled_from([0.3, 0.7, 0.1, 0.5]),
    )


PAIRS = Cases(
    named={
        "typical": pair(0, (6, 7)),
        "turned_over": pair(1, (6, 7), 0.8),
        "perfect": pair(2, (5, 5), 0.0),
        "complement": pair(3, (5, 5), 1.0),
        "empty": {"prediction": np.zeros((3, 4), bool), "truth": np.eye(3, 4, dtype=bool)},
        "both_empty": {"prediction": np.zeros((3, 3), bool), "truth": np.zeros((3, 3), bool)},
        "empty_and_full": {"prediction": np.zeros((3, 3), bool), "truth": np.ones((3, 3), bool)},
        "batch": pair(4, (3, 4, 5)),
        "numbers": {name: mask.astype(float) for name, mask in pair(5, (4, 6)).items()},
    },
    generated=_pairs,
    notes={"turned_over": "the complement is the better prediction", "both_empty": "0 / 0"},
)


def _ratio(part: int, whole: int) -> Fraction:
    return Fraction(part, whole) if whole else Fraction(1)


def _counted(name: str, prediction: np.ndarray, truth: np.ndarray) -> Fraction:
    """The number as a fraction of pixel counts, with Python's sets of pixels."""
    P, T = ({tuple(i) for i in np.argwhere(mask == 1)} for mask in (prediction, truth))
    everything = {(i, j) for i in range(truth.shape[0]) for j in range(truth.shape[1])}
    both = (P, everything - P)
    if name == "accuracy":
        return max(Fraction(len(everything - (Q ^ T)), len(everything)) for Q in both)
    if name == "dice":
        return max(_ratio(2 * len(Q & T), len(Q) + len(T)) for Q in both)
    foreground = max(_ratio(len(Q & T), len(Q | T)) for Q in both)
    if name == "iou":
        return foreground
    T = everything - T
    return (foreground + max(_ratio(len(Q & T), len(Q | T)) for Q in both)) / 2


def _laws(name):
    def value(impl, case, **changed):
        return getattr(impl, name)(*(changed.get(key, case[key]) for key in PAIR))

    @law(cases=PAIRS, needs=(name,), grade="numerical", equation=r"\max_{Q \in \{P, \neg P\}}", source=PROGRAM)
    def counted_pixels(impl, case):
        """The number is a fraction of counted pixels, for the better of the prediction and its complement."""
        leading = case["truth"].shape[:-2]
        pairs = zip(*(case[key].reshape(-1, *case["truth"].shape[-2:]) for key in PAIR), strict=True)
        expected = np.array([float(_counted(name, p, t)) for p, t in pairs]).reshape(leading)
        agree(np.asarray(value(impl, case), np.float64), expected, why=name, ulps=4, scale=1.0)

    @law(cases=PAIRS, needs=(name,), grade="numerical", equation=r"(P, T) = (\neg P, T)", source=PROGRAM)
    def orientation_does_not_matter(impl, case):
        """Nothing says which side is the foreground: the complement is as good a prediction."""
        got, expected = value(impl, case, prediction=1 - case["prediction"]), np.asarray(value(impl, case))
        agree(got, expected, why=f"{name} of the complement", ulps=4, scale=1.0)

    @law(cases=PAIRS, needs=(name,), grade="numerical", equation=r"(T, T) = 1", source=PROGRAM)
    def one_for_the_truth(impl, case):
        """The truth itself has 1, and nothing has more, or less than 0."""
        perfect = np.asarray(value(impl, case, prediction=case["truth"]))
        agree(perfect, np.ones(perfect.shape), why=f"{name} of the truth", ulps=2)
        got = np.asarray(value(impl, case))
        holds(bool(((got >= 0) & (got <= 1 + 1e-15)).all()), why="between 0 and 1", got=got)

    return counted_pixels, orientation_does_not_matter, one_for_the_truth


@law(
    cases=PAIRS,
    needs=("iou", "dice"),
    grade="numerical",
    equation=r"\mathrm{dice} = \frac{2\,\mathrm{IoU}}{1 + \mathrm{IoU}}",
)
def dice_follows_from_iou(impl, case):
    """The two say the same: what is better in one is better in the other."""
    iou = np.asarray(impl.iou(case["prediction"], case["truth"]), np.float64)
    agree(impl.dice(case["prediction"], case["truth"]), 2 * iou / (1 + iou), why="dice", ulps=8, scale=1.0)


@law(cases=PAIRS, needs=("iou", "miou"), grade="numerical", equation=r"\mathrm{mIoU}(T) = \mathrm{mIoU}(\neg T)")
def both_sides_of_the_truth_count(impl, case):
    """The mean over both sides does not know which one is the foreground."""
    iou = [np.asarray(impl.iou(case["prediction"], truth)) for truth in (case["truth"], 1 - case["truth"])]
    agree(impl.miou(case["prediction"], case["truth"]), sum(iou) / 2, why="mIoU", ulps=8, scale=1.0)


_D = {"prediction": np.array([[1, 1, 0], [0, 1, 0]]), "truth": np.array([[1, 0, 0], [0, 1, 1]])}
_C = {"prediction": WORKED_C["mask"], "truth": TRUTH_C}
_PRINTED = {
    "accuracy": (0.6666666667, 0.8055555556),
    "iou": (0.5, 0.5625),
    "miou": (0.5, 0.6516203704),
    "dice": (0.6666666667, 0.72),
}
_STATEMENTS = {
    "accuracy": "The part of the pixels on the right side.",
    "iou": "Intersection over union with the true foreground.",
    "miou": "The mean of the IoU with foreground and background.",
    "dice": "Twice the intersection over the sum of the areas.",
}
_FURTHER = {"dice": (dice_follows_from_iou,), "miou": (both_sides_of_the_truth_count,)}

METRIC_CONTRACTS: tuple[Contract, ...] = tuple(
    Contract(
        name,
        PAIR,
        ("score",),
        PAIRS,
        _STATEMENTS[name],
        laws=(*_laws(name), *_FURTHER.get(name, ())),
        planted=bugs_of(name),
        golden=(
            Golden(name, _D, {"score": _PRINTED[name][0]}, 10, "two by three pixels"),
            Golden(name, _C, {"score": _PRINTED[name][1]}, 10, "a square around a rectangle"),
        ),
        exact=PAIR,
    )
    for name in METRICS
)
