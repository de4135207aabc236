"""Planted bugs of the line between two nets."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from minidl.laws.core import planted


# --- points --------------------------------------------------------------------------------------------------------------
@planted("segment")
def without_the_end(ref):
    """The last point is left out, as arange has it."""
    return lambda points=11: np.arange(points) / points


@planted("segment")
def inside_only(ref):
    """Only points between the ends."""
    return lambda points=11: np.arange(1, points + 1) / (points + 1)


@planted("segment")
def one_interval_too_many(ref):
    """As many intervals as points."""
    return lambda points=11: np.arange(points + 1) / points


@planted("segment")
def from_the_end(ref):
    """From 1 to 0."""
    return lambda points=11: ref.segment(points)[::-1].copy()


@planted("segment")
def steps_added_up(ref):
    """Steps are added one by one, so that the end is missed by rounding."""
    return lambda points=11: np.append(0.0, np.cumsum(np.full(points - 1, 1 / (points - 1))))


@planted("segment")
def ten_points_by_default(ref):
    """Left out, there are ten points."""
    return lambda points=10: ref.segment(points)


@planted("interpolated")
def ends_exchanged(ref):
    """a belongs to the first end."""
    return lambda theta0, theta1, a: ref.interpolated(theta1, theta0, a)


@planted("interpolated")
def difference_from_the_start(ref):
    """theta_0 + a (theta_1 - theta_0), which may miss the end."""
    return lambda theta0, theta1, a: theta0 + a * (theta1 - theta0)


@planted("interpolated")
def clipped_to_the_segment(ref):
    """a is clipped to [0, 1]."""
    return lambda theta0, theta1, a: ref.interpolated(theta0, theta1, min(max(a, 0.0), 1.0))


@planted("interpolated")
def weights_that_do_not_sum(ref):
    """(1 - a) theta_0 + theta_1."""
    return lambda theta0, theta1, a: (1 - a) * theta0 + theta1


@planted("interpolated")
def root_weights(ref):
    """Weights whose squares sum to 1."""

    def interpolated(theta0, theta1, a):
        if not 0 <= a <= 1:
            return ref.interpolated(theta0, theta1, a)
        return float(np.sqrt(1 - a)) * theta0 + float(np.sqrt(a)) * theta1

    return interpolated


@planted("interpolated")
def norm_kept(ref):
    """The point is scaled to the norm between the ends'."""

    def interpolated(theta0, theta1, a):
        point = ref.interpolated(theta0, theta1, a)
        wanted = (1 - a) * np.linalg.norm(theta0) + a * np.linalg.norm(theta1)
        size = np.linalg.norm(point)
        return point * (wanted / size).astype(point.dtype) if size > 0 else point

    return interpolated


@planted("interpolated")
def always_halfway(ref):
    """The mean, whatever a, except at the ends."""
    return lambda theta0, theta1, a: ref.interpolated(theta0, theta1, a if a in (0.0, 1.0) else 0.5)


@planted("interpolated")
def multiplied(ref):
    """The geometric mean of magnitudes, with the signs of the first end."""

    def interpolated(theta0, theta1, a):
        with np.errstate(all="ignore"):
            return (np.sign(theta0) * np.abs(theta0) ** (1 - a) * np.abs(theta1) ** a).astype(theta0.dtype)

    return interpolated


# --- barriers ------------------------------------------------------------------------------------------------------------
def _under(line, inner=slice(1, -1), pick=np.max):
    """The barrier over another line, another part, or another choice among the differences."""

    def wrong(ref):
        def loss_barrier(losses, reference="line"):
            losses = np.asarray(losses, np.float64)
            a = np.linspace(0, 1, len(losses))
            return float(pick((losses - line(losses, a, reference))[inner]))

        return loss_barrier

    return wrong


def _right(losses, a, reference):
    return (1 - a) * losses[0] + a * losses[-1] if reference == "line" else (losses[0] + losses[-1]) / 2


@planted("loss_barrier")
def mean_of_ends_always(ref):
    """The mean of the ends, whatever is asked for."""
    return _under(lambda losses, a, reference: (losses[0] + losses[-1]) / 2)(ref)


@planted("loss_barrier")
def line_always(ref):
    """The line, whatever is asked for."""
    return _under(lambda losses, a, reference: _right(losses, a, "line"))(ref)


@planted("loss_barrier")
def over_the_higher_end(ref):
    """Above the larger of the end losses."""
    return _under(lambda losses, a, reference: max(losses[0], losses[-1]))(ref)


@planted("loss_barrier")
def absolute_height(ref):
    """The largest inner loss."""
    return _under(lambda losses, a, reference: 0.0)(ref)


@planted("loss_barrier")
def ends_count_too(ref):
    """The ends take part, so that no barrier is negative."""
    return _under(_right, slice(None))(ref)


@planted("loss_barrier")
def halfway_only(ref):
    """The point in the middle."""
    return _under(_right, slice(None), lambda d: d[len(d) // 2])(ref)


@planted("loss_barrier")
def mean_height(ref):
    """The mean over the inner points."""
    return _under(_right, pick=np.mean)(ref)


@planted("loss_barrier")
def depth_counts(ref):
    """The largest difference in magnitude."""
    return _under(_right, pick=lambda d: np.max(np.abs(d)))(ref)


@planted("loss_barrier")
def line_turned_round(ref):
    """The line runs from the last loss to the first."""
    return _under(lambda losses, a, reference: _right(losses, 1 - a, reference))(ref)


@planted("loss_barrier")
def last_inner_point_missed(ref):
    """The point before the end is left out where there are more."""

    def loss_barrier(losses, reference="line"):
        inner = slice(1, -2) if len(losses) > 3 else slice(1, -1)
        return _under(_right, inner)(ref)(losses, reference)

    return loss_barrier


@planted("loss_barrier")
def mean_by_default(ref):
    """Left out, the mean of the ends."""
    return lambda losses, reference="mean": ref.loss_barrier(losses, reference)


# --- singular vectors on the way -----------------------------------------------------------------------------------------
def _along(score):
    def wrong(ref):
        def path_agreement(w0, w1, points=11, top=10):
            path = [ref.interpolated(w0, w1, float(a)) for a in ref.segment(points)]
            return tuple(np.array([score(ref, end, w, top) for w in path]) for end in (w0, w1))

        return path_agreement

    return wrong


@planted("path_agreement")
def ends_of_the_path_exchanged(ref):
    """The far end first."""
    return lambda w0, w1, points=11, top=10: tuple(ref.path_agreement(w0, w1, points, top)[::-1])


@planted("path_agreement")
def path_turned_round(ref):
    """The path runs from the far end."""
    return lambda w0, w1, points=11, top=10: tuple(x[::-1].copy() for x in ref.path_agreement(w0, w1, points, top))


@planted("path_agreement")
def always_with_the_first(ref):
    """The second column is that of the first end too."""

    def path_agreement(w0, w1, points=11, top=10):
        first = ref.path_agreement(w0, w1, points, top)[0]
        return first, first.copy()

    return path_agreement


@planted("path_agreement")
def all_directions_on_the_way(ref):
    """All directions count."""
    return lambda w0, w1, points=11, top=10: ref.path_agreement(w0, w1, points, min(np.shape(w0)))


@planted("path_agreement")
def best_match_on_the_way(ref):
    """Directions may change places."""
    return _along(
        lambda ref, end, w, top: float(ref.agreement_matrix(end, w)[:top, :].max(axis=1)[: min(w.shape)].mean())
    )(ref)


@planted("path_agreement")
def cosine_of_weights_on_the_way(ref):
    """The cosine between the weights' entries."""
    return _along(lambda ref, end, w, top: float(np.abs(np.sum(end * w)) / np.sqrt(np.sum(end * end) * np.sum(w * w))))(
        ref
    )


@planted("path_agreement")
def neighbours_on_the_way(ref):
    """Every point is compared with the one before it."""

    def path_agreement(w0, w1, points=11, top=10):
        path = [ref.interpolated(w0, w1, float(a)) for a in ref.segment(points)]
        steps = [ref.diagonal_score(ref.agreement_matrix(x, y), top) for x, y in pairwise(path)]
        return np.array([1.0, *steps]), np.array([*steps, 1.0])

    return path_agreement


@planted("path_agreement")
def halfway_for_all(ref):
    """Inner points are all taken to be halfway."""

    def path_agreement(w0, w1, points=11, top=10):
        half = ref.path_agreement(w0, w1, 3, top)
        return tuple(np.array([x[0], *[x[1]] * (points - 2), x[2]]) for x in half)

    return path_agreement


@planted("path_agreement")
def twelve_on_the_way(ref):
    """Left out, top is 12."""
    return lambda w0, w1, points=11, top=12: ref.path_agreement(w0, w1, points, top)
