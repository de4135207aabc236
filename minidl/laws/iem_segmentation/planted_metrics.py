"""Planted bugs of the metrics."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


def _ratio(part, whole):
    return np.where(whole == 0, 1.0, part / np.maximum(whole, 1))[()]


def _count(mask):
    return mask.sum(axis=(-2, -1))


def _overlap(q, t):
    return _ratio(_count(q & t), _count(q | t))


def _dice(q, t):
    return _ratio(2 * _count(q & t), _count(q) + _count(t))


def _boolean(score):
    """The score of two masks as booleans, one number per pair."""
    return lambda prediction, truth: score(np.asarray(prediction) == 1, np.asarray(truth) == 1)


@planted("accuracy")
def accuracy_as_labelled(ref):
    """The complement is not tried."""
    return _boolean(lambda p, t: (p == t).mean(axis=(-2, -1)))


@planted("accuracy")
def accuracy_of_the_foreground(ref):
    """Only pixels of the true foreground count."""
    return _boolean(lambda p, t: np.maximum(_ratio(_count(p & t), _count(t)), _ratio(_count(~p & t), _count(t))))


@planted("accuracy")
def error_rate(ref):
    """The part of the pixels on the wrong side."""
    return lambda p, t: 1 - ref.accuracy(p, t)


@planted("accuracy")
def accuracy_of_all_masks_together(ref):
    """A batch is one large picture."""

    def accuracy(p, t):
        one = ref.accuracy(*(np.reshape(m, (1, -1)) for m in (p, t)))
        return np.full(np.shape(t)[:-2], one) if np.ndim(t) > 2 else one

    return accuracy


@planted("iou")
def iou_as_labelled(ref):
    """The complement is not tried."""
    return _boolean(_overlap)


@planted("iou")
def iou_of_truth_turned_over(ref):
    """The better of two orientations of both masks, not of the prediction alone."""
    return _boolean(lambda p, t: np.maximum(_overlap(p, t), _overlap(~p, ~t)))


@planted("iou")
def nothing_in_common_is_zero(ref):
    """0 / 0 is 0: two empty masks do not agree."""

    def iou(p, t):
        def overlap(q, t):
            return _count(q & t) / np.maximum(_count(q | t), 1)

        return np.maximum(overlap(p, t), overlap(~p, t))

    return _boolean(iou)


@planted("iou")
def union_with_the_intersection_twice(ref):
    """The union as the sum of the areas."""
    return _boolean(lambda p, t: np.maximum(*(_ratio(_count(q & t), _count(q) + _count(t)) for q in (p, ~p))))


@planted("miou")
def miou_as_labelled(ref):
    """The complement is not tried."""
    return _boolean(lambda p, t: (_overlap(p, t) + _overlap(~p, ~t)) / 2)


@planted("miou")
def foreground_alone(ref):
    """The IoU with the foreground."""
    return lambda p, t: ref.iou(p, t)


@planted("miou")
def mean_of_orientations(ref):
    """The mean over the two orientations instead of over the two classes."""
    return _boolean(lambda p, t: (_overlap(p, t) + _overlap(~p, t)) / 2)


@planted("miou")
def best_class(ref):
    """The better class counts alone."""
    return _boolean(lambda p, t: np.max([_overlap(q, s) for q in (p, ~p) for s in (t, ~t)], axis=0))


@planted("dice")
def dice_as_labelled(ref):
    """The complement is not tried."""
    return _boolean(_dice)


@planted("dice")
def dice_without_the_two(ref):
    """The intersection once."""
    return lambda p, t: ref.dice(p, t) / 2


@planted("dice")
def dice_is_iou(ref):
    """The union in the denominator."""
    return lambda p, t: ref.iou(p, t)


@planted("dice")
def truth_alone_in_the_denominator(ref):
    """The intersection over the area of the truth: recall."""
    return _boolean(lambda p, t: np.maximum(*(_ratio(_count(q & t), _count(t)) for q in (p, ~p))))
