"""Planted bugs of a step, of the search, and of searches side by side."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minidl.laws.core import planted


# --- a step --------------------------------------------------------------------------------------------------------------
def _moved(ref, mask, gradient, grad_tol, edge=None):
    edge = ref.boundary(mask) if edge is None else edge
    return ref.smooth(np.where(edge & (np.abs(gradient) > grad_tol), gradient > 0, mask))


def _step(change):
    """A step whose parts `change(ref, arguments, gradient)` puts together."""

    def build(ref):
        def step(image, mask, kernel, reps, diversity_weight, grad_tol, total=None):
            gradient = ref.objective_gradient(image, mask, kernel, reps, diversity_weight, total)
            return change(ref, image, mask, gradient, grad_tol)

        return step

    return build


@planted("step")
def descends(ref):
    """The other sign: towards masks whose sides predict each other."""
    return _step(lambda ref, image, mask, gradient, tol: _moved(ref, mask, -gradient, tol))(ref)


@planted("step")
def moves_everywhere(ref):
    """Pixels far from the boundary move too."""
    return _step(
        lambda ref, image, mask, gradient, tol: _moved(ref, mask, gradient, tol, edge=np.ones(mask.shape, bool))
    )(ref)


@planted("step")
def frame_left_alone(ref):
    """The frame does not belong to the boundary."""

    def change(ref, image, mask, gradient, tol):
        edge = ref.boundary(mask)
        padded = np.pad(mask, 1, mode="edge")
        touching = np.zeros_like(edge)
        for n in (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]):
            touching |= n != mask
        return _moved(ref, mask, gradient, tol, edge=edge & touching)

    return _step(change)(ref)


@planted("step")
def zero_gradients_become_background(ref):
    """Where the gradient is 0 the pixel becomes 0 instead of staying."""

    def change(ref, image, mask, gradient, tol):
        return ref.smooth(np.where(ref.boundary(mask), gradient > tol, mask))

    return _step(change)(ref)


@planted("step")
def not_smoothed_afterwards(ref):
    """No smoothing."""

    def change(ref, image, mask, gradient, tol):
        return np.where(ref.boundary(mask) & (np.abs(gradient) > tol), gradient > 0, mask)

    return _step(change)(ref)


@planted("step")
def smoothed_before(ref):
    """Smoothing comes before the motion instead of after it."""

    def change(ref, image, mask, gradient, tol):
        before = ref.smooth(mask)
        return np.where(ref.boundary(before) & (np.abs(gradient) > tol), gradient > 0, before)

    return _step(change)(ref)


@planted("step")
def smoothed_on_the_boundary(ref):
    """Only the boundary is smoothed."""

    def change(ref, image, mask, gradient, tol):
        edge = ref.boundary(mask)
        moved = np.where(edge & (np.abs(gradient) > tol), gradient > 0, mask)
        return np.where(edge, ref.smooth(moved), moved)

    return _step(change)(ref)


@planted("step")
def majority_afterwards(ref):
    """Smoothing by the majority, five of nine."""

    def change(ref, image, mask, gradient, tol):
        moved = np.where(ref.boundary(mask) & (np.abs(gradient) > tol), gradient > 0, mask).astype(np.int64)
        return np.lib.stride_tricks.sliding_window_view(np.pad(moved, 1), (3, 3)).sum(axis=(-2, -1)) >= 5

    return _step(change)(ref)


@planted("step")
def only_the_best_pixel(ref):
    """One pixel at a time, the steepest."""

    def change(ref, image, mask, gradient, tol):
        steep = np.abs(gradient) * ref.boundary(mask)
        return _moved(ref, mask, gradient, tol, edge=(steep == steep.max()) & (steep > 0))

    return _step(change)(ref)


@planted("step")
def tolerance_not_used(ref):
    """Gradients below the tolerance are followed."""
    return lambda *arguments: ref.step(*arguments[:5], 0.0, *arguments[6:])


@planted("step")
def no_weight_in_the_step(ref):
    """The step climbs the inpainting error alone."""
    return lambda *arguments: ref.step(*arguments[:4], 0.0, *arguments[5:])


@planted("step")
def step_of_one_pass(ref):
    """One pass of blur instead of rho."""
    return lambda image, mask, kernel, reps, weight, tol, total=None: ref.step(image, mask, kernel, 1, weight, tol)


# --- the search ------------------------------------------------------------------------------------------------------------
class End(NamedTuple):
    mask: Any
    iterations: Any
    fixed: Any = False
    cycled: Any = False
    collapsed: Any = False


def _degenerate(mask):
    return not mask.any() or mask.all()


def _steps(ref, image, mask, kernel, reps, weight, iters, tol):
    """All masks up to the first without pixels on one side."""
    masks = [np.array(mask, bool)]
    for _ in range(iters):
        masks.append(ref.step(image, masks[-1], kernel, reps, weight, tol))
        if _degenerate(masks[-1]):
            break
    return masks


@planted("search")
def never_stops_early(ref):
    """All steps, and no word on how it ended."""

    def search(*arguments):
        masks = _steps(ref, *arguments)
        lost = _degenerate(masks[-1]) and len(masks) > 1
        return End(masks[-2] if lost else masks[-1], len(masks) - 1, collapsed=lost)

    return search


@planted("search")
def returns_where_it_stopped(ref):
    """Of two masks that alternate, the one at hand is returned, whatever the number of steps."""

    def search(*arguments):
        right = ref.search(*arguments)
        if not right.cycled:
            return right
        return right._replace(mask=_steps(ref, *arguments)[right.iterations])

    return search


@planted("search")
def returns_the_other_of_the_pair(ref):
    """Of two masks that alternate, the one that the next step would give."""

    def search(*arguments):
        right = ref.search(*arguments)
        return (
            right._replace(mask=ref.step(arguments[0], right.mask, *arguments[2:5], arguments[6]))
            if right.cycled
            else right
        )

    return search


@planted("search")
def best_so_far(ref):
    """The mask with the largest objective on the way."""

    def search(image, mask, kernel, reps, weight, iters, tol):
        right = ref.search(image, mask, kernel, reps, weight, iters, tol)
        masks = [m for m in _steps(ref, image, mask, kernel, reps, weight, iters, tol) if not _degenerate(m)]
        values = [ref.objective(image, m, kernel, reps, weight) for m in masks]
        return right._replace(mask=masks[int(np.argmax(values))])

    return search


@planted("search")
def returns_the_lost_mask(ref):
    """After a collapse the empty or full mask is returned."""

    def search(*arguments):
        right = ref.search(*arguments)
        return right._replace(mask=_steps(ref, *arguments)[-1]) if right.collapsed else right

    return search


@planted("search")
def collapse_not_told(ref):
    """A collapse is reported as the end of all steps."""
    return lambda *arguments: ref.search(*arguments)._replace(collapsed=False)


@planted("search")
def pair_taken_for_a_fixed_point(ref):
    """Two masks that alternate are reported as fixed."""

    def search(*arguments):
        right = ref.search(*arguments)
        return right._replace(fixed=right.fixed or right.cycled, cycled=False)

    return search


@planted("search")
def one_step_too_many(ref):
    """iters + 1 steps."""
    return lambda *arguments: ref.search(*arguments[:5], arguments[5] + 1, arguments[6])


@planted("search")
def one_step_too_few(ref):
    """The start counts as a step."""
    return lambda *arguments: ref.search(*arguments[:5], max(arguments[5] - 1, 0), arguments[6])


@planted("search")
def stops_where_the_objective_falls(ref):
    """A line search: the first step that does not gain is not taken."""

    def search(image, mask, kernel, reps, weight, iters, tol):
        masks = _steps(ref, image, mask, kernel, reps, weight, iters, tol)
        for t in range(1, len(masks)):
            if _degenerate(masks[t]):
                return End(masks[t - 1], t, collapsed=True)
            gain = ref.objective(image, masks[t], kernel, reps, weight)
            if gain <= ref.objective(image, masks[t - 1], kernel, reps, weight):
                return End(masks[t - 1], t, fixed=True)
        return End(masks[-1], len(masks) - 1)

    return search


@planted("search")
def tolerance_lost(ref):
    """The steps of the search do not get the tolerance."""
    return lambda *arguments: ref.search(*arguments[:6], 0.0)


@planted("search")
def last_step_not_counted(ref):
    """The step that finds the end is not counted."""

    def search(*arguments):
        right = ref.search(*arguments)
        early = right.fixed or right.cycled or right.collapsed
        return right._replace(iterations=right.iterations - early)

    return search


# --- side by side ------------------------------------------------------------------------------------------------------------
@planted("search_all")
def all_from_the_first_mask(ref):
    """Every picture starts from the first mask."""
    return lambda images, masks, *rest: ref.search_all(images, np.stack([masks[0]] * len(masks)), *rest)


@planted("search_all")
def all_end_together(ref):
    """The flags are those of the first picture, its mask too."""

    def search_all(images, masks, *rest):
        right = ref.search_all(images, masks, *rest)
        return type(right)(*(np.stack([field[0]] * len(masks)) for field in right))

    return search_all


@planted("search_all")
def longest_search_counts(ref):
    """One step more for all while any picture moves."""

    def search_all(images, masks, *rest):
        right = ref.search_all(images, masks, *rest)
        return right._replace(iterations=np.full_like(right.iterations, right.iterations.max() + 1))

    return search_all


@planted("search_all")
def in_reverse(ref):
    """The results come in reverse order."""
    return lambda images, masks, *rest: type(r := ref.search_all(images, masks, *rest))(*(f[::-1].copy() for f in r))
