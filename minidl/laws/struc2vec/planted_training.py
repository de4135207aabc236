"""Planted bugs of skip-gram."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted
from minidl.laws.struc2vec.steps import Ways, step, train

UPDATES, TRAINING = ("hierarchical_update", "negative_update"), ("train_hierarchical", "train_negative")
_INPUTS = {
    "train_hierarchical": ("walks", "widths", "rates", "vectors", "theta", "offsets", "nodes", "bits", "group"),
    "train_negative": ("walks", "widths", "rates", "vectors", "theta", "negatives", "group"),
}


def _float(value):
    value = np.asarray(value)
    return value if value.dtype.kind == "f" else value.astype(float)


def _update(function, ways, loss):
    def single(x, theta, labels, rate):
        after, moved, before = step(_float(x), _float(theta), np.asarray(labels, int), rate, ways)
        return after.astype(x.dtype), moved.astype(x.dtype), float(loss(before, len(theta)))

    if function == "hierarchical_update":
        return lambda ref: lambda x, theta, bits, rate: single(x, theta, 1 - np.asarray(bits, int), rate)
    return lambda ref: lambda x, theta, rate: single(x, theta, np.arange(len(theta)) == 0, rate)


def _training(function, ways):
    def run(*inputs):
        case = dict(zip(_INPUTS[function], inputs, strict=False))
        vectors, theta, _ = train(case, ways)
        return vectors.astype(case["vectors"].dtype), theta.astype(case["vectors"].dtype)

    return lambda ref: run


def _both(functions, name, statement, loss=lambda before, h: before, **changed):
    bugs = []
    for function in functions:
        ways = Ways(**changed)
        build = _update(function, ways, loss) if function in UPDATES else _training(function, ways)
        build.__name__, build.__doc__ = name, statement
        bugs.append(planted(function)(build))
    return tuple(bugs)


BUGS = (
    *_both((*UPDATES, *TRAINING), "up_the_loss", "The step goes up the loss: the sign of the gradient.", sign=-1.0),
    *_both(
        ("hierarchical_update", "train_hierarchical"),
        "label_is_the_bit",
        "The bit itself is the label: y = b instead of 1 - b.",
        label=lambda y: 1 - y,
    ),
    *_both(
        ("negative_update", "train_negative"),
        "all_are_positive",
        "Drawn nodes have the label 1 as well.",
        label=np.ones_like,
    ),
    *_both(
        ("negative_update",),
        "labels_of_minus_one",
        "Drawn nodes have the label -1.",
        label=lambda y: 2 * np.asarray(y) - 1,
    ),
    *_both(
        (*UPDATES, *TRAINING),
        "x_from_the_new_theta",
        "theta is moved first, and x by the new theta.",
        theta_of=lambda old, new: new,
    ),
    *_both(
        (*UPDATES, *TRAINING),
        "theta_from_the_new_x",
        "theta is moved by the new x.",
        x_of=lambda old, new: new,
    ),
    *_both(UPDATES, "rate_squared", "The rate is multiplied in twice.", rate=lambda rate: rate * rate),
    *_both(UPDATES, "rate_forgotten", "The rate is not multiplied in.", rate=lambda rate: 1.0),
    *_both(UPDATES, "mean_loss", "The loss is the mean over the rows.", loss=lambda before, h: before / (h + 1)),
    *_both(UPDATES, "likelihood_for_loss", "The log-likelihood, not minus it.", loss=lambda before, h: -before),
    *_both(
        TRAINING,
        "centre_and_context_exchanged",
        "The vector of the position predicts the others: the same pairs, in another order.",
        swapped=True,
    ),
    *_both(TRAINING, "predicts_itself", "A position is within its own window.", with_itself=True),
    *_both(
        TRAINING,
        "window_too_narrow",
        "Half-widths are one less.",
        width=lambda w: max(0, w - 1),
    ),
    *_both(TRAINING, "window_always_full", "The widths are not read: the window is 2.", width=lambda w: 2),
    *_both(TRAINING, "from_the_end", "The window is gone through backwards.", order=lambda others: others[::-1]),
    *_both(
        TRAINING, "groups_not_simultaneous", "The steps of a group are made one after the other.", group=lambda group: 1
    ),
    *_both(TRAINING, "on_past_the_end", "A walk goes on after -1, which is read as the last node.", padding=True),
    *_both(
        ("train_negative",),
        "predicted_node_drawn",
        "A drawn node that is the predicted one is trained with the label 0.",
        left_out=lambda drawn, centre: np.zeros(len(drawn), bool),
    ),
    *_both(
        ("train_negative",),
        "slots_from_the_centre",
        "The same drawn nodes serve every position of the window.",
        slot=lambda j, i, window: 0,
    ),
    *_both(
        ("train_negative",),
        "slots_off_by_one",
        "The slots after the centre are one too far.",
        slot=lambda j, i, window: min(j - i + window, 2 * window - 1),
    ),
)


@planted("hierarchical_update")
def first_bits_last(ref):
    """The bits are read from the leaf to the root."""
    return lambda x, theta, bits, rate: ref.hierarchical_update(x, theta, bits[::-1], rate)


@planted("negative_update")
def predicted_node_is_last(ref):
    """The predicted node is expected in the last row."""

    def negative_update(x, theta, rate):
        moved, rows, loss = ref.negative_update(x, theta[::-1], rate)
        return moved, rows[::-1].copy(), loss

    return negative_update
