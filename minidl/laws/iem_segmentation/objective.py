"""Laws of the inpainting error, of diversity, and of the objective that they make up."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Cases, Contract, Golden, agree, holds, law
from minidl.laws.iem_segmentation import oracle
from minidl.laws.iem_segmentation.cases import (
    ARGUMENTS,
    PAPER,
    PICTURES,
    PROGRAM,
    TRUTH_C,
    WEIGHTED,
    WORKED_B,
    WORKED_C,
    arguments,
    rounds,
    rows,
    spread,
)
from minidl.laws.iem_segmentation.defaults import defaults_of
from minidl.laws.iem_segmentation.planted import bugs_of

COLOURS = ("image", "mask")


def _error(impl, case, **changed):
    return np.asarray(impl.inpainting_error(*arguments(case, **changed)))


def _diversity(impl, case, **changed):
    return np.asarray(impl.diversity(*arguments(case, COLOURS, **changed)))


def _objective(impl, case, **changed):
    return np.asarray(impl.objective(*arguments(case, WEIGHTED, **changed)))


def _agree(got, expected, case, scale, why):
    # numbers computed in the image's precision, whatever type they come in
    precision = np.finfo(case["image"].dtype).eps / np.finfo(np.float64).eps
    agree(np.float64(got), np.float64(expected), why=why, ulps=rounds(case) * precision, scale=scale)


def _flat(case):
    return np.asarray(case["mask"], np.float64).reshape(-1)


def _turned(case):
    for turn in (lambda a: a[..., ::-1, :], lambda a: a[..., ::-1], lambda a: np.swapaxes(a, -1, -2)):
        yield {"image": turn(case["image"]), "mask": turn(case["mask"])}


def _squares(case):
    """The sum of squares before anything is subtracted: what V rounds by."""
    return 4 * case["image"].size * spread(case["image"]) ** 2


# --- the inpainting error ------------------------------------------------------------------------------------------------
@law(
    cases=PICTURES,
    needs=("inpainting_error",),
    grade="numerical",
    equation=r"I = \frac{\sum M e^F}{\sum M} + \frac{\sum \bar M e^B}{\sum \bar M}",
    source=PROGRAM,
)
def error_by_enumeration(impl, case):
    """The mean error of each side predicted from the other, each over its own area and over the channels."""
    expected = oracle.inpainting_error(case["image"], _flat(case), case["kernel"], case["reps"])
    _agree(_error(impl, case), expected, case, 4 * spread(case["image"]), "I")


@law(
    cases=PICTURES,
    needs=("inpainting_error",),
    grade="numerical",
    equation=r"0 \le I \le 2 (\max X - \min X)",
    source="predictions are means",
)
def error_is_bounded(impl, case):
    """Neither side can be off by more than the range of the colours."""
    got, x = float(_error(impl, case)), case["image"].astype(np.float64)
    bound = 2 * (x.max() - x.min()) * (1 + rounds(case) * np.finfo(case["image"].dtype).eps)
    holds(0 <= got <= bound, why="I within its bounds", got=got, expected=(0.0, bound))


@law(cases=PICTURES, needs=("inpainting_error",), grade="numerical", equation=r"X = c \Rightarrow I = 0", source=PAPER)
def nothing_to_miss_in_one_colour(impl, case):
    """In a picture of one colour both sides are predicted without error, whatever the mask."""
    image = np.full_like(case["image"], 0.7)
    _agree(_error(impl, case, image=image), 0.0, case, 4 * 0.7, "I")


@law(
    cases=PICTURES,
    needs=("inpainting_error",),
    grade="numerical",
    equation=r"X = p\, M + q\, \bar M \Rightarrow I = 2\, |p - q|",
    source="predictions are colours of the other side",
)
def two_colours_are_missed_entirely(impl, case):
    """Two regions of one colour each know nothing of each other: both errors are the full distance of the colours."""
    mask = (case["mask"] >= np.median(case["mask"][case["mask"] > 0])).astype(case["mask"].dtype)
    if mask.all():
        return
    steps = 0.25 * (1 + np.arange(len(case["image"])))[:, None, None]
    image = np.where(mask, steps, -steps).astype(case["image"].dtype)
    distance = 2 * float(steps.mean())
    _agree(_error(impl, case, image=image, mask=mask), 2 * distance, case, 4 * float(steps.max()), "I")


@law(
    cases=PICTURES,
    needs=("inpainting_error",),
    grade="numerical",
    equation=r"I(sX + o) = |s|\, I(X)",
    source="absolute errors",
)
def error_scales_with_contrast(impl, case):
    """Contrast scales the error, also that of the negative; the zero of each channel does not matter."""
    shift = (1 + np.arange(len(case["image"])))[:, None, None].astype(case["image"].dtype)
    moved = -3 * case["image"] + shift
    _agree(_error(impl, case, image=moved), 3 * float(_error(impl, case)), case, 4 * spread(moved), "I")


@law(cases=PICTURES, needs=("inpainting_error",), grade="numerical", equation=r"I(M) = I(\bar M)", source="symmetry")
def error_of_the_complement(impl, case):
    """Which side is called foreground does not matter, nor how the picture is turned."""
    expected, scale = _error(impl, case), 4 * spread(case["image"])
    _agree(_error(impl, case, mask=1 - case["mask"]), expected, case, scale, "I of the complement")
    for turned in _turned(case):
        _agree(_error(impl, case, **turned), expected, case, scale, "I of the turned picture")


@law(
    cases=PICTURES,
    needs=("inpainting_error",),
    grade="numerical",
    equation=r"I(X \cup X) = I(X)",
    source="a mean over channels",
)
def error_with_every_channel_twice(impl, case):
    """Errors are averaged over the channels: every channel twice is the same error."""
    twice = np.concatenate([case["image"], case["image"]])
    _agree(_error(impl, case, image=twice), _error(impl, case), case, 4 * spread(case["image"]), "I")


# --- diversity -------------------------------------------------------------------------------------------------------------
@law(
    cases=PICTURES,
    needs=("diversity",),
    grade="numerical",
    equation=r"V = \sum_{S \in \{F, B\}} \frac{\sum_{pq \in S} |X_p - X_q|^2}{2 |S|}",
    source="the identity of Huygens",
)
def diversity_over_pairs(impl, case):
    """The sum of squares about the means is half the mean of all squared distances within each side."""
    _agree(_diversity(impl, case), oracle.diversity(case["image"], _flat(case)), case, _squares(case), "V")


@law(
    cases=PICTURES,
    needs=("diversity",),
    grade="numerical",
    equation=r"V + \sum_{S} |S|\, |\mu^S - \mu|^2 = \sum |X - \mu|^2",
    source="analysis of variance",
)
def within_and_between(impl, case):
    """What lies within the sides and what lies between them is all there is."""
    x, m = oracle.flat(case["image"]), _flat(case)
    centred = x - x.mean(axis=1, keepdims=True)
    between = sum(np.square(centred @ side).sum() / side.sum() for side in (m, 1 - m))
    _agree(_diversity(impl, case) + between, np.square(centred).sum(), case, _squares(case), "V and what lies between")


@law(
    cases=PICTURES,
    needs=("diversity",),
    grade="numerical",
    equation=r"V(sX + o) = s^2\, V(X)",
    source="sums of squares",
)
def diversity_scales_with_contrast(impl, case):
    """Contrast scales the diversity by its square; the zero of each channel does not matter."""
    shift = (1 + np.arange(len(case["image"])))[:, None, None].astype(case["image"].dtype)
    moved = case | {"image": -3 * case["image"] + shift}
    _agree(_diversity(impl, moved), 9 * _diversity(impl, case), case, _squares(moved), "V")


@law(cases=PICTURES, needs=("diversity",), grade="numerical", equation=r"V(M) = V(\bar M)", source="symmetry")
def diversity_of_the_complement(impl, case):
    """Which side is called foreground does not matter, nor how the picture is turned."""
    expected = _diversity(impl, case)
    _agree(_diversity(impl, case, mask=1 - case["mask"]), expected, case, _squares(case), "V of the complement")
    for turned in _turned(case):
        _agree(_diversity(impl, case, **turned), expected, case, _squares(case), "V of the turned picture")


@law(
    cases=PICTURES,
    needs=("diversity",),
    grade="numerical",
    equation=r"V(X \cup X) = 2 V(X)",
    source=PROGRAM,
)
def diversity_of_doubled_pictures(impl, case):
    """A sum over pixels and channels: each channel twice, or each row twice, doubles it."""
    for axis in (0, 1):
        image = np.repeat(case["image"], 2, axis=axis)
        mask = case["mask"] if axis == 0 else np.repeat(case["mask"], 2, axis=0)
        got = _diversity(impl, case, image=image, mask=mask)
        _agree(got, 2 * _diversity(impl, case), case, 2 * _squares(case), f"V with axis {axis} doubled")


@law(cases=PICTURES, needs=("diversity",), grade="numerical", equation=r"V = 0 \iff X = p M + q \bar M", source=PAPER)
def no_diversity_in_two_colours(impl, case):
    """Sides of one colour each have none."""
    mask = (case["mask"] == case["mask"].max()).astype(case["mask"].dtype)
    if mask.all():
        return
    image = np.where(mask, 0.75, -0.5) * np.ones_like(case["image"])
    image = image.astype(case["image"].dtype)
    _agree(_diversity(impl, case, image=image, mask=mask), 0.0, case, _squares(case | {"image": image}), "V")


# --- the objective -------------------------------------------------------------------------------------------------------
@law(
    cases=PICTURES,
    needs=("objective",),
    grade="numerical",
    equation=r"J = I - \lambda V",
    source=PAPER,
)
def objective_by_enumeration(impl, case):
    """The inpainting error, less the weighted diversity."""
    expected = oracle.objective(case["image"], _flat(case), *arguments(case, WEIGHTED[2:]))
    scale = 4 * spread(case["image"]) + case["diversity_weight"] * _squares(case)
    _agree(_objective(impl, case), expected, case, scale, "J")


@law(
    cases=PICTURES,
    needs=("objective", "inpainting_error", "diversity"),
    grade="numerical",
    equation=r"J(0) = I,\quad J(0) - J(1) = V",
    source=PAPER,
)
def objective_is_affine_in_its_weight(impl, case):
    """Without weight it is the inpainting error; a weight of one takes the diversity off."""
    scale = 4 * spread(case["image"]) + _squares(case)
    none, one = (float(_objective(impl, case, diversity_weight=weight)) for weight in (0.0, 1.0))
    _agree(none, _error(impl, case), case, 4 * spread(case["image"]), "J without weight")
    _agree(none - one, _diversity(impl, case), case, scale, "what a weight of one takes off")


# --- the weight at other sizes ---------------------------------------------------------------------------------------------
SIZES = Cases(
    named={
        "default": {"height": 128, "width": 128, "channels": 3, "span": 2.0},
        "small": {"height": 64, "width": 64, "channels": 3, "span": 2.0},
        "grey": {"height": 32, "width": 48, "channels": 1, "span": 1.0},
        "bytes": {"height": 100, "width": 75, "channels": 3, "span": 255.0},
    },
)
SIZE = ("height", "width", "channels", "span")


@law(
    cases=SIZES,
    needs=("scaled_diversity_weight",),
    grade="numerical",
    equation=r"\lambda\, [V] = [I]",
    source="V is a sum of squares over pixels and channels, I a mean of absolute values",
)
def weight_keeps_the_balance(impl, case):
    """Each pixel twice, each channel twice, or half the contrast: the balance of I and V stays."""
    expected = float(impl.scaled_diversity_weight(*(case[name] for name in SIZE)))
    # what a change of the picture does to V / I
    for name, factor, change in (("height", 2, 2), ("width", 3, 3), ("channels", 2, 2), ("span", 0.5, 0.5)):
        other = case | {name: case[name] * factor}
        got = change * float(impl.scaled_diversity_weight(*(other[name] for name in SIZE)))
        agree(got, expected, why=f"the balance with another {name}", ulps=8)


_B = {name: WORKED_B[name] for name in WEIGHTED} | {"mask": WORKED_B["mask"].astype(float)}
_B1 = _B | {"mask": rows("000000 011100 011110 011110 011110 000000").astype(float)}
_C = {name: WORKED_C[name] for name in WEIGHTED} | {"mask": WORKED_C["mask"].astype(float)}
_C_END = _C | {"mask": TRUTH_C.astype(float)}

OBJECTIVE_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "inpainting_error",
        ARGUMENTS,
        ("error",),
        PICTURES,
        "How badly the two sides of a mask predict each other.",
        laws=(
            error_by_enumeration,
            error_is_bounded,
            nothing_to_miss_in_one_colour,
            two_colours_are_missed_entirely,
            error_scales_with_contrast,
            error_of_the_complement,
            error_with_every_channel_twice,
            defaults_of("inpainting_error", ARGUMENTS, PICTURES),
        ),
        planted=bugs_of("inpainting_error"),
        golden=(
            Golden("inpainting_error", _B, {"error": 1.1006520963}, 10, "six by six pixels"),
            Golden("inpainting_error", _B1, {"error": 1.1212917696}, 10, "six by six pixels, one step on"),
            Golden("inpainting_error", _C, {"error": 0.7660939308}, 10, "two colours, a square to start from"),
            Golden("inpainting_error", _C_END, {"error": 2.0}, 12, "two colours, the true mask"),
        ),
        exact=("mask",),
    ),
    Contract(
        "diversity",
        COLOURS,
        ("diversity",),
        PICTURES,
        "The sum of squared distances of the colours from the means of their sides.",
        laws=(
            diversity_over_pairs,
            within_and_between,
            diversity_scales_with_contrast,
            diversity_of_the_complement,
            diversity_of_doubled_pictures,
            no_diversity_in_two_colours,
        ),
        planted=bugs_of("diversity"),
        golden=(
            Golden("diversity", _B, {"diversity": 43.1955}, 10, "six by six pixels"),
            Golden("diversity", _B1, {"diversity": 42.976}, 10, "six by six pixels, one step on"),
            Golden("diversity", _C_END, {"diversity": 0.0}, 12, "two colours, the true mask"),
        ),
        exact=("mask",),
    ),
    Contract(
        "objective",
        WEIGHTED,
        ("objective",),
        PICTURES,
        "The inpainting error less the weighted diversity: what the search climbs.",
        laws=(
            objective_by_enumeration,
            objective_is_affine_in_its_weight,
            defaults_of("objective", WEIGHTED, PICTURES),
        ),
        planted=bugs_of("objective"),
        golden=(
            Golden("objective", _B, {"objective": 1.0574565963}, 10, "six by six pixels"),
            Golden("objective", _B1, {"objective": 1.0783157696}, 10, "six by six pixels, one step on"),
        ),
        exact=("mask",),
    ),
    Contract(
        "scaled_diversity_weight",
        SIZE,
        ("weight",),
        SIZES,
        "The weight of diversity for other sizes, numbers of channels and ranges of values.",
        laws=(
            weight_keeps_the_balance,
            defaults_of("scaled_diversity_weight", SIZE, SIZES, {"channels": 3, "span": 2.0}),
        ),
        planted=bugs_of("scaled_diversity_weight"),
        golden=(
            Golden("scaled_diversity_weight", SIZES.named["default"], {"weight": 0.001}, 15, "the authors' weight"),
            Golden("scaled_diversity_weight", SIZES.named["small"], {"weight": 0.004}, 15, "half the side"),
        ),
    ),
)
