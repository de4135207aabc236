"""Laws of a step of the search, of the search, and of searches side by side."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Cases, Contract, Golden, holds, identical, law
from minidl.laws.iem_segmentation import oracle
from minidl.laws.iem_segmentation.cases import (
    PAPER,
    PROGRAM,
    SCENES,
    SEARCH,
    STEP,
    TRUTH_C,
    WORKED_B,
    WORKED_C,
    arguments,
    gauss,
    rows,
)
from minidl.laws.iem_segmentation.defaults import defaults_of
from minidl.laws.iem_segmentation.planted import bugs_of

ENDS = ("mask", "iterations", "fixed", "cycled", "collapsed")


def _step(impl, case, **changed):
    return np.asarray(impl.step(*arguments(case, STEP, **changed)))


def _path(case, iters=None):
    iters = case["iters"] if iters is None else iters
    return oracle.path(*arguments(case, SEARCH[:5]), iters, case["grad_tol"])


# --- a step --------------------------------------------------------------------------------------------------------------
@law(
    cases=SCENES,
    needs=("step",),
    grade="exact",
    equation=r"M \leftarrow \mathcal S(M \text{ with } [G > 0] \text{ on } \partial M \wedge G \ne 0)",
    source=PROGRAM,
)
def sign_step_on_the_boundary(impl, case):
    """Each pixel of the boundary goes where its gradient (here by complex steps) points; then the mask is smoothed."""
    expected = oracle.step(*arguments(case, SEARCH[:5]), case["grad_tol"])
    identical(_step(impl, case), expected, why="the mask after a step")


@law(cases=SCENES, needs=("step",), grade="exact", equation=r"|G| \le \tau \Rightarrow M \leftarrow \mathcal S(M)")
def small_gradients_move_nothing(impl, case):
    """Below the tolerance nothing moves: what is left of a step is the smoothing."""
    identical(_step(impl, case, grad_tol=1e30), oracle.smooth(case["mask"]), why="a step without motion")


@law(cases=SCENES, needs=("step",), grade="exact", equation=r"X = 0 \Rightarrow G = 0", source=PAPER)
def a_black_picture_moves_nothing(impl, case):
    """In a picture of zeros every gradient is exactly 0: pixels stay on their side, whichever that is."""
    got = _step(impl, case, image=np.zeros_like(case["image"]), grad_tol=0.0)
    identical(got, oracle.smooth(case["mask"]), why="a step without gradients")


@law(cases=SCENES, needs=("step",), grade="exact", equation=r"\lambda = 0:\ M(sX) = M(X)", source="I scales by |s|")
def contrast_does_not_matter(impl, case):
    """Without diversity, half the contrast and the negative take the same step."""
    if case["diversity_weight"] or case["grad_tol"]:
        return
    expected = _step(impl, case)
    for factor in (0.5, -2.0):
        image = (factor * case["image"]).astype(case["image"].dtype)
        identical(_step(impl, case, image=image), expected, why=f"the picture times {factor}")


@law(
    cases=SCENES,
    needs=("step",),
    grade="exact",
    equation=r"\text{step} \circ R = R \circ \text{step}",
    source="symmetry",
)
def step_of_turned_pictures(impl, case):
    """Flips, and the exchange of rows and columns, commute with a step."""
    expected = _step(impl, case)
    for turn in (lambda a: a[..., ::-1, :], lambda a: a[..., ::-1], lambda a: np.swapaxes(a, -1, -2)):
        got = _step(impl, case, image=turn(case["image"]), mask=turn(case["mask"]))
        identical(got, turn(expected), why="a step of the turned picture")


@law(
    cases=SCENES,
    needs=("step", "blurred_total"),
    grade="exact",
    equation=r"\mathcal K (X \bar M) = \mathcal K X - \mathcal K (X M)",
    source="linearity",
)
def step_from_a_known_total(impl, case):
    """With the blurred whole at hand a step is the same."""
    total = impl.blurred_total(case["image"], case["kernel"], case["reps"])
    got = np.asarray(impl.step(*arguments(case, STEP), total))
    identical(got, _step(impl, case), why="a step from the total")


# --- the search ------------------------------------------------------------------------------------------------------------
def end(case):
    """The end of a search that never stops early: mask, steps, fixed, cycled, collapsed."""
    path = _path(case)
    for t in range(1, len(path)):
        if not path[t].any() or path[t].all():
            return path[t - 1], t, False, False, True
        if np.array_equal(path[t], path[t - 1]):
            return path[-1], t, True, False, False
        if t > 1 and np.array_equal(path[t], path[t - 2]):
            return path[-1], t, False, True, False
    return path[-1], len(path) - 1, False, False, False


def _ended(result):
    return tuple(result) if isinstance(result, tuple) else tuple(result[name] for name in ENDS)


@law(cases=SCENES, needs=("search",), grade="exact", equation=r"M_T", source=PROGRAM)
def where_running_on_would_end(impl, case):
    """A search that stops early gives the mask that it would have ended on, and tells why it stopped."""
    got, expected = _ended(impl.search(*arguments(case, SEARCH))), end(case)
    for name, value, wanted in zip(ENDS, got, expected, strict=True):
        identical(np.asarray(value), np.asarray(wanted), why=name)


@law(cases=SCENES, needs=("search", "step"), grade="exact", equation=r"M_{t+1} = \mathrm{step}(M_t)", source=PAPER)
def a_search_is_its_steps(impl, case):
    """Steps one by one lead to the same mask."""
    mask = case["mask"]
    for _ in range(case["iters"]):
        after = _step(impl, case, mask=mask)
        if not after.any() or after.all():
            break
        mask = after
    identical(np.asarray(_ended(impl.search(*arguments(case, SEARCH)))[0]), mask, why="the mask")


@law(cases=SCENES, needs=("search", "step"), grade="exact", equation=r"M^* = \mathrm{step}(M^*)", source="fixed points")
def what_the_flags_say(impl, case):
    """A fixed mask stays in a further step, one that alternates is back after two, a collapsed one has a side to lose."""
    mask, steps, fixed, cycled, collapsed = _ended(impl.search(*arguments(case, SEARCH)))
    mask = np.asarray(mask).astype(bool)
    flags = [bool(fixed), bool(cycled), bool(collapsed)]
    holds(sum(flags) <= 1, why="at most one reason to end", got=flags)
    holds(int(steps) == case["iters"] or any(flags), why="all steps, or a reason to end", got=int(steps))
    holds(0 <= int(steps) <= case["iters"], why="no more steps than asked for", got=int(steps))
    holds(bool(mask.any() and not mask.all()), why="pixels on both sides", got=mask)
    if fixed:
        identical(_step(impl, case, mask=mask), mask, why="one step from a fixed mask")
    if cycled:
        once = _step(impl, case, mask=mask)
        holds(not np.array_equal(once, mask), why="a mask that alternates moves", got=once)
        identical(_step(impl, case, mask=once), mask, why="two steps from a mask that alternates")
    if collapsed:
        after = _step(impl, case, mask=mask)
        holds(bool(after.all() or not after.any()), why="the step that loses a side", got=after)


# --- side by side ------------------------------------------------------------------------------------------------------------
def _batch(case):
    """Three pictures out of one: itself, its negative, and turned upside down."""
    image, mask = case["image"], case["mask"]
    images = np.stack([image, -image, image[:, ::-1]])
    return {**case, "images": images, "masks": np.stack([mask, mask, mask[::-1]])}


# named ones only: what a search does on drawn pictures is judged one by one
BATCHES = Cases(named={name: _batch(case) for name, case in SCENES.named.items()}, notes=SCENES.notes)
BATCH = ("images", "masks", *SEARCH[2:])


@law(cases=BATCHES, needs=("search_all",), grade="exact", equation=r"(M_T^{(n)})_n", source=PROGRAM)
def each_picture_by_itself(impl, case):
    """Every picture of a batch ends where it ends alone, for its own reason."""
    got = _ended(impl.search_all(*arguments(case, BATCH)))
    alone = end(case)
    expected = (alone, alone, (alone[0][::-1], *alone[1:]))
    for name, value, wanted in zip(ENDS, got, zip(*expected, strict=True), strict=True):
        identical(np.asarray(value), np.stack([np.asarray(w) for w in wanted]), why=name)


# --- contracts ---------------------------------------------------------------------------------------------------------
_B1 = rows("000000 011100 011110 011110 011110 000000")
_DONE = {"iterations": 2, "fixed": False, "cycled": True, "collapsed": False}
_LOSES = {
    "image": np.where(np.arange(6) < 3, 1.0, -1.0) * np.ones((1, 6, 6)),
    "mask": np.pad(np.ones((1, 1), bool), ((2, 3), (2, 3))),
    "kernel": gauss(3, 1.0),
    "reps": 1,
    "diversity_weight": 0.0,
    "iters": 9,
    "grad_tol": 1e30,
}

STEP_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "step",
        STEP,
        ("mask",),
        SCENES,
        "One step: signs of the gradient on the boundary, then smoothing.",
        laws=(
            sign_step_on_the_boundary,
            small_gradients_move_nothing,
            a_black_picture_moves_nothing,
            contrast_does_not_matter,
            step_of_turned_pictures,
            step_from_a_known_total,
            defaults_of("step", STEP, SCENES),
        ),
        planted=bugs_of("step"),
        golden=(
            Golden("step", WORKED_B, {"mask": _B1}, 15, "six by six pixels"),
            Golden("step", WORKED_B | {"mask": _B1}, {"mask": WORKED_B["mask"]}, 15, "and back again"),
        ),
        exact=("mask",),
    ),
    Contract(
        "search",
        SEARCH,
        ENDS,
        SCENES,
        "Steps from a mask, up to one that stays, alternates or loses a side.",
        laws=(
            where_running_on_would_end,
            a_search_is_its_steps,
            what_the_flags_say,
            defaults_of("search", SEARCH, SCENES),
        ),
        planted=bugs_of("search"),
        golden=(
            Golden("search", WORKED_B, {"mask": WORKED_B["mask"]} | _DONE, 15, "150 steps of a pair that alternates"),
            Golden("search", WORKED_B | {"iters": 149}, {"mask": _B1} | _DONE, 15, "149 steps end on the other"),
            Golden("search", WORKED_B | {"iters": 2}, {"mask": WORKED_B["mask"]} | _DONE, 15, "exactly two steps"),
            Golden(
                "search",
                WORKED_C,
                {"mask": TRUTH_C, "iterations": 3, "fixed": True, "cycled": False, "collapsed": False},
                15,
                "two colours: the true mask after two steps",
            ),
            Golden(
                "search",
                _LOSES,
                {"mask": _LOSES["mask"], "iterations": 1, "fixed": False, "cycled": False, "collapsed": True},
                15,
                "a single pixel that smoothing removes: the mask before that",
            ),
        ),
        exact=("mask",),
    ),
    Contract(
        "search_all",
        BATCH,
        ENDS,
        BATCHES,
        "Searches of images of one size, each by itself.",
        laws=(each_picture_by_itself, defaults_of("search_all", BATCH, BATCHES)),
        planted=bugs_of("search_all"),
        golden=(
            Golden(
                "search_all",
                WORKED_B | {"images": WORKED_B["image"][None], "masks": WORKED_B["mask"][None], "iters": 149},
                {"mask": _B1[None]} | {name: np.array([value]) for name, value in _DONE.items()},
                15,
                "a batch of one",
            ),
        ),
        exact=("masks",),
    ),
)
