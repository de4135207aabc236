"""Laws of the inpainter, and of both sides of a mask predicted from each other."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Contract, Golden, agree, holds, identical, law
from minidl.laws.iem_segmentation import oracle
from minidl.laws.iem_segmentation.cases import ARGUMENTS, PAPER, PICTURES, PROGRAM, arguments, gauss, rounds, spread
from minidl.laws.iem_segmentation.defaults import defaults_of
from minidl.laws.iem_segmentation.planted import bugs_of

SIDES = ("foreground", "background", "foreground_support", "background_support")


def _inpaint(impl, case, **changed):
    return np.asarray(impl.inpaint(*arguments(case, **changed)))


def _sides(impl, case, *total, **changed):
    result = impl.inpaint_sides(*arguments(case, **changed), *total)
    return [np.asarray(value) for value in (result if isinstance(result, tuple) else (result[name] for name in SIDES))]


def _agree(got, expected, case, why):
    # a quotient of sums of positive weights with and without colours: both are right to the rounding of such sums
    dtype = case["image"].dtype
    agree(got, np.asarray(expected).astype(dtype), why=why, ulps=rounds(case), scale=spread(case["image"]))


# --- one side ------------------------------------------------------------------------------------------------------------
@law(
    cases=PICTURES,
    needs=("inpaint",),
    grade="numerical",
    equation=r"\psi_p = \frac{\sum_q (\mathcal K_{pq} + \epsilon)\, m_q X_q}{\sum_q (\mathcal K_{pq} + \epsilon)\, m_q}",
    source=PROGRAM,
)
def weighted_mean_by_enumeration(impl, case):
    """Every prediction is a mean over the visible pixels, with a weight for each pair of pixels."""
    m = np.asarray(case["mask"], np.float64).reshape(-1)
    expected = oracle.predicted(case["image"], m, case["kernel"], case["reps"])[0]
    _agree(_inpaint(impl, case), expected.reshape(case["image"].shape), case, "the prediction")


@law(
    cases=PICTURES,
    needs=("inpaint",),
    grade="numerical",
    equation=r"\min_{m > 0} X_c \le \psi_c \le \max_{m > 0} X_c",
    source="positive weights",
)
def between_the_visible_colours(impl, case):
    """No prediction lies beyond the darkest and the brightest visible pixel of its channel."""
    got, visible = _inpaint(impl, case), case["image"][:, case["mask"] > 0]  # (C, n)
    slack = rounds(case) * np.finfo(got.dtype).eps * spread(case["image"])
    low, high = visible.min(axis=1)[:, None, None] - slack, visible.max(axis=1)[:, None, None] + slack
    holds(bool(((got >= low) & (got <= high)).all()), why="inside the range of the visible colours", got=got)


@law(
    cases=PICTURES,
    needs=("inpaint",),
    grade="exact",
    equation=r"m_q = 0 \Rightarrow \partial\psi / \partial X_q = 0",
    source=PAPER,
)
def hidden_pixels_do_not_matter(impl, case):
    """Whatever stands in hidden pixels, the prediction is the same bit by bit."""
    other = np.where(case["mask"] == 0, 1 - case["image"], case["image"]).astype(case["image"].dtype)
    identical(_inpaint(impl, case, image=other), _inpaint(impl, case), why="the prediction")


@law(
    cases=PICTURES,
    needs=("inpaint",),
    grade="numerical",
    equation=r"\mathcal K m = 0 \Rightarrow \psi = \sum m X / \sum m",
    source=PROGRAM,
)
def out_of_reach_it_is_the_mean(impl, case):
    """Where no visible pixel is in reach, the prediction is the mean of them all."""
    reach = case["reps"] * (len(case["kernel"]) // 2)
    H, W = case["mask"].shape
    wide = np.zeros((len(case["image"]), H, W + reach + 2), case["image"].dtype)
    wide[:, :, :W] = case["image"]
    mask = np.zeros(wide.shape[1:], case["mask"].dtype)
    mask[:, :W] = case["mask"]
    got = _inpaint(impl, case, image=wide, mask=mask)[:, :, -2:]
    m = case["mask"].astype(np.float64)
    mean = (case["image"] * m).sum(axis=(1, 2)) / m.sum()
    _agree(got, np.broadcast_to(mean[:, None, None], got.shape), case | {"image": wide}, "the last columns")


@law(
    cases=PICTURES,
    needs=("inpaint",),
    grade="numerical",
    equation=r"\psi(sX + o) = s\, \psi(X) + o",
    source="weighted means",
)
def colours_may_be_measured_otherwise(impl, case):
    """Another scale and another zero for each channel change the prediction along."""
    shift = (1 + np.arange(len(case["image"])))[:, None, None].astype(case["image"].dtype)
    moved = -2 * case["image"] + shift
    expected = -2 * _inpaint(impl, case).astype(np.float64) + shift
    _agree(_inpaint(impl, case, image=moved), expected, case | {"image": moved}, "the prediction")


@law(cases=PICTURES, needs=("inpaint",), grade="numerical", equation=r"\psi R = R \psi", source="symmetry")
def mirrored_pictures(impl, case):
    """Flips, and the exchange of rows and columns, commute with the prediction."""
    expected = _inpaint(impl, case)
    for turn in (lambda a: a[..., ::-1, :], lambda a: a[..., ::-1], lambda a: np.swapaxes(a, -1, -2)):
        got = _inpaint(impl, case, image=turn(case["image"]), mask=turn(case["mask"]))
        _agree(got, turn(expected), case, "the prediction of the turned picture")


@law(cases=PICTURES, needs=("inpaint",), grade="numerical", equation=r"\psi(X, cm) = \psi(X, m)", source="a quotient")
def only_relative_visibility_counts(impl, case):
    """Half as visible everywhere is the same picture: numerator and denominator share the factor."""
    half = case["mask"] * case["mask"].dtype.type(0.5)
    _agree(_inpaint(impl, case, mask=half), _inpaint(impl, case), case, "the prediction")


# --- both sides ------------------------------------------------------------------------------------------------------------
@law(
    cases=PICTURES,
    needs=("inpaint_sides", "inpaint"),
    grade="numerical",
    equation=r"\psi^F = \psi(X, \bar M),\quad \psi^B = \psi(X, M)",
    source=PAPER,
)
def each_side_from_the_other(impl, case):
    """The foreground is predicted from the background, and the background from the foreground."""
    sides = _sides(impl, case)
    _agree(sides[0], _inpaint(impl, case, mask=1 - case["mask"]), case, "the foreground")
    _agree(sides[1], _inpaint(impl, case), case, "the background")


@law(
    cases=PICTURES,
    needs=("inpaint_sides",),
    grade="numerical",
    equation=r"N_p = \sum_q (\mathcal K_{pq} + \epsilon)\, m_q",
    source=PROGRAM,
)
def support_by_enumeration(impl, case):
    """The denominators are the weights of the visible pixels, epsilon included."""
    m, dtype = np.asarray(case["mask"], np.float64).reshape(-1), case["image"].dtype
    for got, visible, why in zip(_sides(impl, case)[2:], (1 - m, m), SIDES[2:], strict=True):
        expected = oracle.predicted(case["image"], visible, case["kernel"], case["reps"])[1].reshape(case["mask"].shape)
        agree(got, expected.astype(dtype), why=why, ulps=rounds(case), scale=expected)


@law(
    cases=PICTURES,
    needs=("inpaint_sides",),
    grade="numerical",
    equation=r"\psi^F(\bar M) = \psi^B(M)",
    source="symmetry",
)
def complement_exchanges_the_sides(impl, case):
    """With the complement of the mask, the sides change places."""
    sides, others = _sides(impl, case), _sides(impl, case, mask=1 - case["mask"])
    for k, name in enumerate(SIDES[:2]):
        _agree(others[1 - k], sides[k], case, name)
        support = sides[k + 2].astype(np.float64)
        agree(others[3 - k], sides[k + 2], why=SIDES[k + 2], ulps=rounds(case), scale=support)


def blurred_whole(case):
    """The blurred channels, and the weights of all pixels together, (C + 1, H, W)."""
    w = oracle.weights(case["mask"].shape, case["kernel"], case["reps"])
    planes = np.concatenate([oracle.flat(case["image"]), np.ones((1, len(w)))])
    return (planes @ w.T).reshape(-1, *case["mask"].shape).astype(case["image"].dtype)


def saved(case):
    """How much a rounding error at the size of the blurred whole weighs in the support of a pixel."""
    w = oracle.weights(case["mask"].shape, case["kernel"], case["reps"])
    m = np.asarray(case["mask"], np.float64).reshape(-1)
    parts = np.stack([w @ side for side in (m, 1 - m)])
    return 1 + float((w.sum(axis=1) / np.where(parts > 0, parts, np.inf)).max())


@law(
    cases=PICTURES,
    needs=("inpaint_sides",),
    grade="numerical",
    equation=r"\mathcal K (X \bar M) = \mathcal K X - \mathcal K (X M)",
    source="linearity",
)
def a_known_total_saves_half(impl, case):
    """With the blurred whole at hand, whoever computed it, the other side is what is left of it."""
    total = blurred_whole(case)
    ulps = rounds(case) * saved(case)
    for got, expected, why in zip(_sides(impl, case, total), _sides(impl, case), SIDES, strict=True):
        scale = spread(case["image"]) if expected.ndim == 3 else expected.astype(np.float64)
        agree(got, expected, why=f"{why} from the total", ulps=ulps, scale=scale)


@law(cases=PICTURES, needs=("blurred_total",), grade="numerical", equation=r"\mathcal K (X, 1)", source="linearity")
def total_by_enumeration(impl, case):
    """Each channel blurred, and as the last plane the weights of all pixels together."""
    got = impl.blurred_total(case["image"], case["kernel"], case["reps"])
    scale = max(spread(case["image"]), 1.0)
    agree(got, blurred_whole(case), why="the planes", ulps=rounds(case), scale=scale)


@law(
    cases=PICTURES,
    needs=("blurred_total",),
    grade="numerical",
    equation=r"\mathcal K(sX + o) = s \mathcal K X + o \mathcal K 1",
)
def total_is_linear(impl, case):
    """A shift of the colours shifts the blurred image by the last plane, which does not change itself."""
    x = case["image"]
    total = np.asarray(impl.blurred_total(x, case["kernel"], case["reps"]), np.float64)
    moved = impl.blurred_total(x * 2 + 1, case["kernel"], case["reps"])
    expected = np.concatenate([2 * total[:-1] + total[-1], total[-1:]])
    scale = 2 * spread(x) + 1
    agree(moved, expected.astype(x.dtype), why="the planes", ulps=rounds(case), scale=scale)


# --- contracts ---------------------------------------------------------------------------------------------------------
def _example(shape, visible, **outputs):
    image, mask = np.full((1, *shape), 9.0), np.zeros(shape)
    for (i, j), colour in visible.items():
        image[0, i, j], mask[i, j] = colour, 1
    return {"image": image, "mask": mask, "kernel": gauss(3, 1.0), "reps": 1}


_A = np.full((5, 5), -0.25)
_A[:2, :2] = [[0.4999999265, 0.4999998789], [0.4999998789, 0.4999998003]]
_A[3:, 3:] = [[-0.9999998003, -0.9999998789], [-0.9999998789, -0.9999999265]]
_A_SMALL = np.array(
    [
        [0.9999998041, 0.9999996770, -0.3333333333],
        [0.6224591871, -0.2740686255, -1.2449185249],
        [-0.0000000807, -0.7550812990, -1.2449185790],
    ]
)

PREDICTION_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "inpaint",
        ARGUMENTS,
        ("prediction",),
        PICTURES,
        "Every pixel predicted from the visible ones, by normalised convolution.",
        laws=(
            weighted_mean_by_enumeration,
            between_the_visible_colours,
            hidden_pixels_do_not_matter,
            out_of_reach_it_is_the_mean,
            colours_may_be_measured_otherwise,
            mirrored_pictures,
            only_relative_visibility_counts,
            defaults_of("inpaint", ARGUMENTS, PICTURES),
        ),
        planted=bugs_of("inpaint"),
        golden=(
            Golden(
                "inpaint",
                _example((5, 5), {(0, 0): 0.5, (4, 4): -1.0}),
                {"prediction": _A[None]},
                10,
                "two visible pixels; epsilon shows in the seventh digit, and decides out of reach",
            ),
            Golden(
                "inpaint",
                _example((3, 3), {(0, 0): 1.0, (2, 1): 0.0, (2, 2): -2.0}),
                {"prediction": _A_SMALL[None]},
                10,
                "three visible pixels",
            ),
        ),
        exact=("mask",),
    ),
    Contract(
        "blurred_total",
        ("image", "kernel", "reps"),
        ("total",),
        PICTURES,
        "The blurred image, and the blurred constant 1 as one more plane.",
        laws=(
            total_by_enumeration,
            total_is_linear,
            defaults_of("blurred_total", ("image", "kernel", "reps"), PICTURES),
        ),
        planted=bugs_of("blurred_total"),
    ),
    Contract(
        "inpaint_sides",
        ARGUMENTS,
        SIDES,
        PICTURES,
        "Each side of a mask predicted from the other, with the denominators.",
        laws=(
            each_side_from_the_other,
            support_by_enumeration,
            complement_exchanges_the_sides,
            a_known_total_saves_half,
            defaults_of("inpaint_sides", ARGUMENTS, PICTURES),
        ),
        planted=bugs_of("inpaint_sides"),
        exact=("mask",),
    ),
)
