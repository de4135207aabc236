"""Planted bugs of the cross-entropy and its gradient."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


def _margins(logits, labels):
    rows = np.arange(len(labels))
    return logits - logits[rows, labels][:, None], rows


@planted("margin_cross_entropy")
def by_softmax(ref):
    """log softmax at the label: 0 where the loss is tiny."""

    def margin_cross_entropy(logits, labels):
        z = logits - logits.max(axis=1, keepdims=True)
        return np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(labels)), labels])

    return margin_cross_entropy


@planted("margin_cross_entropy")
def no_care_for_size(ref):
    """Exponentials of positive differences overflow."""

    def margin_cross_entropy(logits, labels):
        z, rows = _margins(logits, labels)
        e = np.exp(z)
        e[rows, labels] = 0
        return np.mean(np.log1p(e.sum(axis=1)))

    return margin_cross_entropy


@planted("margin_cross_entropy")
def label_among_the_others(ref):
    """The label's own term is counted among the others."""

    def margin_cross_entropy(logits, labels):
        z, _ = _margins(logits, labels)
        top = np.maximum(z.max(axis=1), 0)
        return np.mean(top + np.log(np.exp(-top) + np.exp(z - top[:, None]).sum(axis=1)))

    return margin_cross_entropy


@planted("margin_cross_entropy")
def sum_over_examples(ref):
    """The sum instead of the mean."""
    return lambda logits, labels: ref.margin_cross_entropy(logits, labels) * logits.dtype.type(len(labels))


@planted("margin_cross_entropy")
def hardest_rival(ref):
    """Only the largest of the other logits counts."""

    def margin_cross_entropy(logits, labels):
        z, rows = _margins(logits, labels)
        z[rows, labels] = -np.inf
        return np.mean(np.logaddexp(0, z.max(axis=1)))

    return margin_cross_entropy


@planted("margin_cross_entropy")
def bits_of_loss(ref):
    """In bits."""
    return lambda logits, labels: ref.margin_cross_entropy(logits, labels) / logits.dtype.type(np.log(2))


@planted("margin_cross_entropy")
def divided_by_classes(ref):
    """The mean over examples and classes."""
    return lambda logits, labels: ref.margin_cross_entropy(logits, labels) / logits.dtype.type(logits.shape[1])


@planted("margin_cross_entropy")
def one_against_all(ref):
    """A sum of logistic losses, one for each rival."""

    def margin_cross_entropy(logits, labels):
        z, rows = _margins(logits, labels)
        z[rows, labels] = -np.inf
        return np.mean(np.logaddexp(0, z).sum(axis=1))

    return margin_cross_entropy


def _gradient(change):
    """The gradient after a change of softmax minus one-hot: change(softmax, rows, labels)."""

    def margin_gradient(logits, labels):
        z = logits - logits.max(axis=1, keepdims=True)
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        rows = np.arange(len(labels))
        return change(p, rows, labels).astype(logits.dtype)

    return margin_gradient


def _less_one(p, rows, labels):
    p[rows, labels] -= 1
    return p


@planted("margin_gradient")
def softmax_less_one(ref):
    """Softmax minus one-hot: 0 at a label that is sure."""
    return _gradient(lambda p, rows, labels: _less_one(p, rows, labels) / len(rows))


@planted("margin_gradient")
def others_without_the_label(ref):
    """The label's entry is left at 0."""

    def change(p, rows, labels):
        p[rows, labels] = 0
        return p / len(rows)

    return _gradient(change)


@planted("margin_gradient")
def gradient_not_averaged(ref):
    """The sum over examples."""
    return lambda logits, labels: ref.margin_gradient(logits, labels) * logits.dtype.type(len(labels))


@planted("margin_gradient")
def toward_the_others(ref):
    """The opposite sign."""
    return lambda logits, labels: -ref.margin_gradient(logits, labels)


@planted("margin_gradient")
def probabilities_themselves(ref):
    """Softmax without the one-hot."""
    return _gradient(lambda p, rows, labels: p / len(rows))


@planted("margin_gradient")
def averaged_over_classes(ref):
    """Divided by the classes as well."""
    return lambda logits, labels: ref.margin_gradient(logits, labels) / logits.dtype.type(logits.shape[1])


@planted("margin_gradient")
def divided_among_examples_twice(ref):
    """The mean is taken twice."""
    return lambda logits, labels: ref.margin_gradient(logits, labels) / logits.dtype.type(len(labels))


@planted("margin_gradient")
def hardest_rival_alone(ref):
    """Only the most likely rival pulls."""

    def change(p, rows, labels):
        others = p.copy()
        others[rows, labels] = 0
        best = np.where(others == others.max(axis=1, keepdims=True), others, 0)
        best[rows, labels] = -best.sum(axis=1)
        return best / len(rows)

    return _gradient(change)
