"""Laws of masks: the one to start from, the boundary, the smoothing."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Cases, Contract, Golden, holds, identical, law
from minidl.laws.iem_segmentation import oracle
from minidl.laws.iem_segmentation.cases import MASKS, PROGRAM, rows
from minidl.laws.iem_segmentation.planted import bugs_of


# --- the start -----------------------------------------------------------------------------------------------------------
def _sizes():
    from hypothesis import strategies as st

    return st.builds(lambda H, W: {"height": H, "width": W}, st.integers(3, 70), st.integers(3, 70))


STARTS = Cases(
    named={
        "default": {"height": 128, "width": 128},
        "wide": {"height": 9, "width": 31},
        "fives": {"height": 10, "width": 25},
        "just_below": {"height": 14, "width": 9},
        "small": {"height": 4, "width": 3},
        "thin": {"height": 3, "width": 20},
        "five": {"height": 5, "width": 4},
    },
    generated=_sizes,
    notes={"small": "a fifth of the side is less than a pixel"},
)


@law(cases=STARTS, needs=("initial_mask",), grade="exact", equation=r"M = \bar{R M}", source=PROGRAM)
def centred(impl, case):
    """A rectangle, the same in all mirrors, with pixels on both sides of its border."""
    mask = np.asarray(impl.initial_mask(case["height"], case["width"]))
    holds(mask.shape == (case["height"], case["width"]), why="the size", got=mask.shape)
    holds(mask.dtype == bool, why="the dtype", got=mask.dtype, expected=bool)
    identical(mask[::-1], mask, why="upside down")
    identical(mask[:, ::-1], mask, why="mirrored")
    identical(np.outer(mask.any(axis=1), mask.any(axis=0)), mask, why="a rectangle")
    holds(bool(mask.any() and not mask.all()), why="pixels on both sides", got=mask)


@law(cases=STARTS, needs=("initial_mask",), grade="exact", equation=r"5\, a \le n < 5 (a + 1)", source=PROGRAM)
def a_fifth_on_each_side(impl, case):
    """It leaves a fifth of each side free, rounded down."""
    if max(case["height"], case["width"]) < 5:
        return
    mask = np.asarray(impl.initial_mask(case["height"], case["width"]))
    for n, axis in ((case["height"], 1), (case["width"], 0)):
        free = int(np.argmax(mask.any(axis=axis)))
        holds(5 * free <= n < 5 * (free + 1), why=f"a fifth of {n}", got=free)


# --- the boundary --------------------------------------------------------------------------------------------------------
@law(cases=MASKS, needs=("boundary",), grade="exact", equation=r"\partial M", source=PROGRAM)
def neighbours_on_the_other_side(impl, case):
    """A pixel with one of four neighbours on the other side; beyond the border of the image lies neither side."""
    identical(np.asarray(impl.boundary(case["mask"])), oracle.boundary(case["mask"]), why="the boundary")


@law(cases=MASKS, needs=("boundary",), grade="exact", equation=r"\partial \bar M = \partial M", source="symmetry")
def boundary_of_the_complement(impl, case):
    """The boundary belongs to both sides alike."""
    identical(impl.boundary(1 - case["mask"]), np.asarray(impl.boundary(case["mask"])), why="of the complement")


@law(cases=MASKS, needs=("boundary",), grade="exact", equation=r"|\partial M| = 2 (H + W) - 4", source=PROGRAM)
def frame_of_an_even_mask(impl, case):
    """Of a mask that is all one side, the boundary is the frame of the image; it belongs to every boundary."""
    H, W = case["mask"].shape
    for value in (0, 1):
        edge = np.asarray(impl.boundary(np.full((H, W), value, case["mask"].dtype)))
        holds(int(edge.sum()) == 2 * (H + W) - 4, why="the pixels of the frame", got=edge)
        holds(not edge[1:-1, 1:-1].any(), why="nothing but the frame", got=edge)
    edge = np.asarray(impl.boundary(case["mask"]))
    frame = np.concatenate([edge[0], edge[-1], edge[:, 0], edge[:, -1]])
    holds(bool(frame.all()), why="the frame belongs to it", got=edge)


def _turns(case):
    mask = case["mask"]
    return (mask[::-1], lambda a: a[::-1]), (mask[:, ::-1], lambda a: a[:, ::-1]), (mask.T, lambda a: a.T)


@law(cases=MASKS, needs=("boundary",), grade="exact", equation=r"\partial R = R \partial", source="symmetry")
def boundary_of_turned_masks(impl, case):
    """Flips, and the exchange of rows and columns, commute with the boundary."""
    expected = np.asarray(impl.boundary(case["mask"]))
    for mask, turn in _turns(case):
        identical(impl.boundary(mask), turn(expected), why="of the turned mask")


# --- smoothing -----------------------------------------------------------------------------------------------------------
@law(
    cases=MASKS,
    needs=("smooth",),
    grade="exact",
    equation=r"\mathcal S(M)_p = [\sum_{3 \times 3} M \ge 4]",
    source=PROGRAM,
)
def four_of_nine(impl, case):
    """A pixel is on afterwards if at least four of the nine around it were, itself among them, none beyond the border."""
    identical(np.asarray(impl.smooth(case["mask"])), oracle.smooth(case["mask"]), why="the smoothed mask")


@law(cases=MASKS, needs=("smooth",), grade="exact", equation=r"M \le M' \Rightarrow \mathcal S M \le \mathcal S M'")
def smoothing_is_monotone(impl, case):
    """A larger mask gives one that is at least as large."""
    before = np.asarray(impl.smooth(case["mask"])).astype(bool)
    more = case["mask"].astype(bool) | (np.indices(case["mask"].shape).sum(axis=0) % 3 == 0)
    after = np.asarray(impl.smooth(more.astype(case["mask"].dtype))).astype(bool)
    holds(bool((after >= before).all()), why="the larger mask stays larger", got=after, expected=before)


@law(cases=MASKS, needs=("smooth",), grade="exact", equation=r"\mathcal S R = R \mathcal S", source="symmetry")
def smoothing_of_turned_masks(impl, case):
    """Flips, and the exchange of rows and columns, commute with smoothing."""
    expected = np.asarray(impl.smooth(case["mask"]))
    for mask, turn in _turns(case):
        identical(impl.smooth(mask), turn(expected), why="of the turned mask")


BOARDS = Cases(named={"eight": {"height": 8, "width": 8}, "nine_by_seven": {"height": 9, "width": 7}})


@law(
    cases=BOARDS,
    needs=("smooth",),
    grade="exact",
    equation=r"\mathcal S(a \times b) = a \times b \iff a, b \ge 2",
    source="enumeration of all rectangles",
)
def rectangles_stay_and_lines_vanish(impl, case):
    """Every rectangle stays as it is, corners included, and every line one pixel wide vanishes; so do empty and full."""
    H, W = case["height"], case["width"]
    for top in range(H):
        for left in range(W):
            for bottom in range(top + 1, H + 1):
                for right in range(left + 1, W + 1):
                    mask = np.zeros((H, W), bool)
                    mask[top:bottom, left:right] = True
                    line = bottom - top == 1 or right - left == 1
                    expected = np.zeros_like(mask) if line else mask
                    if not np.array_equal(impl.smooth(mask), expected):
                        identical(np.asarray(impl.smooth(mask)), expected, why="a line" if line else "a rectangle")
    for mask in (np.zeros((H, W), bool), np.ones((H, W), bool)):
        identical(np.asarray(impl.smooth(mask)), mask, why="an even mask")


@law(
    cases=Cases(named={"five": {"size": 5}}),
    needs=("smooth",),
    grade="exact",
    equation=r"|\mathcal S(\bar I_5)| = 23 \ne 25 = 25 - |\mathcal S(I_5)|",
    source=PROGRAM,
)
def smoothing_leans_to_the_foreground(impl, case):
    """A diagonal line vanishes, but as a gap it is filled only in part: the two sides are not treated alike."""
    diagonal = np.eye(case["size"], dtype=bool)
    counts = int(np.asarray(impl.smooth(diagonal)).sum()), int(np.asarray(impl.smooth(~diagonal)).sum())
    holds(counts == (0, 23), why="pixels of the smoothed line and gap", got=counts, expected=(0, 23))


MASK_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "initial_mask",
        ("height", "width"),
        ("mask",),
        STARTS,
        "The centred rectangle that a search starts from.",
        laws=(centred, a_fifth_on_each_side),
        planted=bugs_of("initial_mask"),
        golden=(
            Golden(
                "initial_mask",
                STARTS.named["default"],
                {"mask": np.pad(np.ones((78, 78), bool), 25)},
                15,
                "rows and columns 25 to 102, 6084 pixels",
            ),
            Golden("initial_mask", {"height": 4, "width": 3}, {"mask": rows("000 010 010 000")}, 15, "small images"),
        ),
    ),
    Contract(
        "boundary",
        ("mask",),
        ("edge",),
        MASKS,
        "The pixels that a step may move.",
        laws=(
            neighbours_on_the_other_side,
            boundary_of_the_complement,
            frame_of_an_even_mask,
            boundary_of_turned_masks,
        ),
        planted=bugs_of("boundary"),
        golden=(
            Golden(
                "boundary",
                {"mask": np.pad(np.ones((4, 4), bool), 1)},
                {"edge": ~np.pad(np.ones((2, 2), bool), 2)},
                15,
                "32 of 36 pixels: the inner four are none",
            ),
        ),
        exact=("mask",),
    ),
    Contract(
        "smooth",
        ("mask",),
        ("smoothed",),
        MASKS,
        "Four of nine: edges and corners stay, single pixels vanish.",
        laws=(
            four_of_nine,
            smoothing_is_monotone,
            smoothing_of_turned_masks,
            rectangles_stay_and_lines_vanish,
            smoothing_leans_to_the_foreground,
        ),
        planted=bugs_of("smooth"),
        golden=(
            Golden(
                "smooth",
                {"mask": rows("000000 101100 101110 011111 001100 110010")},
                {"smoothed": rows("000000 011100 011110 011110 011110 000000")},
                15,
                "the first step of the worked example",
            ),
        ),
        exact=("mask",),
    ),
)
