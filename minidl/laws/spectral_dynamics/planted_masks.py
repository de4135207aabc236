"""Planted bugs of masks."""

from __future__ import annotations

import math

import numpy as np

from minidl.laws.core import planted


def _left(w):
    """Left singular vectors."""
    return np.linalg.svd(np.asarray(w).reshape(len(w), -1), full_matrices=False)[0]


# --- entries -------------------------------------------------------------------------------------------------------------
def _mask(order, count=None):
    def wrong(ref):
        def mask(w, fraction):
            w = np.asarray(w)
            kept = (count or ref.kept_count)(w.size, fraction)
            found = np.zeros(w.size, bool)
            found[order(w.ravel())[:kept]] = True
            return found.reshape(w.shape)

        return mask

    return wrong


@planted("magnitude_mask")
def largest_with_signs(ref):
    """Signs count: negative entries go first."""
    return _mask(lambda w: np.argsort(-w, kind="stable"))(ref)


@planted("magnitude_mask")
def smallest_entries(ref):
    """The smallest are kept."""
    return _mask(lambda w: np.argsort(np.abs(w), kind="stable"))(ref)


@planted("magnitude_mask")
def mask_of_what_goes(ref):
    """True for what goes."""
    return lambda w, fraction: ~ref.magnitude_mask(w, fraction)


@planted("magnitude_mask")
def last_of_equals(ref):
    """Of equals the last ones."""
    return _mask(lambda w: np.argsort(np.abs(w), kind="stable")[::-1])(ref)


@planted("magnitude_mask")
def by_a_threshold(ref):
    """All entries at least as large as the last one kept: ties come along."""

    def magnitude_mask(w, fraction):
        sizes = np.sort(np.abs(w).ravel())[::-1]
        return np.abs(w) >= sizes[ref.kept_count(w.size, fraction) - 1]

    return magnitude_mask


@planted("magnitude_mask")
def entries_rounded_down(ref):
    """floor, and at least one."""
    return _mask(lambda w: np.argsort(-np.abs(w), kind="stable"), lambda n, f: max(1, math.floor(f * n)))(ref)


@planted("magnitude_mask")
def fraction_that_goes(ref):
    """The fraction is what is pruned."""
    return _mask(lambda w: np.argsort(-np.abs(w), kind="stable"), lambda n, f: n - math.ceil(f * n))(ref)


@planted("magnitude_mask")
def row_by_row(ref):
    """Each row keeps its own share."""

    def magnitude_mask(w, fraction):
        return (
            np.stack([ref.magnitude_mask(row, fraction) for row in w])
            if w.ndim > 1
            else ref.magnitude_mask(w, fraction)
        )

    return magnitude_mask


@planted("random_mask")
def largest_noise(ref):
    """Where the noise is largest."""
    return _mask(lambda u: np.argsort(-u, kind="stable"))(ref)


@planted("random_mask")
def below_the_fraction(ref):
    """Where the noise is below the fraction: the number kept is itself random, and the law of the noise matters."""
    return lambda u, fraction: np.asarray(u) < fraction


@planted("random_mask")
def by_magnitude_of_noise(ref):
    """Where the noise is smallest in magnitude."""
    return _mask(lambda u: np.argsort(np.abs(u), kind="stable"))(ref)


@planted("random_mask")
def noise_rounded_down(ref):
    """floor of the share."""
    return _mask(lambda u: np.argsort(u, kind="stable"), lambda n, f: max(1, math.floor(f * n)))(ref)


@planted("random_mask")
def what_noise_drops(ref):
    """True for what goes."""
    return lambda u, fraction: ~ref.random_mask(u, fraction)


@planted("random_mask")
def first_entries(ref):
    """The first entries, whatever the noise."""
    return _mask(lambda u: np.arange(u.size))(ref)


# --- agreement -----------------------------------------------------------------------------------------------------------
@planted("mask_agreement")
def mask_itself(ref):
    """The mask is compared, not the masked weight."""
    return lambda w, mask, top=10: ref.diagonal_score(ref.agreement_matrix(w, np.asarray(mask, w.dtype)), top)


@planted("mask_agreement")
def mask_turned_over(ref):
    """The entries that go are kept."""

    def mask_agreement(w, mask, top=10):
        rest = ~(np.asarray(mask) == 1)
        return ref.diagonal_score(ref.agreement_matrix(w, w * rest), top)

    return mask_agreement


@planted("mask_agreement")
def all_directions_of_the_mask(ref):
    """All directions count."""
    return lambda w, mask, top=10: ref.mask_agreement(w, mask, min(np.shape(w)))


@planted("mask_agreement")
def outputs_only(ref):
    """Only left vectors are compared, and the best match of each counts."""

    def mask_agreement(w, mask, top=10):
        left = np.abs(_left(w).T @ _left(w * (np.asarray(mask) == 1)))
        return float(left.max(axis=1)[:top].mean())

    return mask_agreement


@planted("mask_agreement")
def cosine_of_entries(ref):
    """The cosine between the weight and what the mask leaves, entry by entry."""

    def mask_agreement(w, mask, top=10):
        left = w * (np.asarray(mask) == 1)
        return float(np.sum(w * left) / np.sqrt(np.sum(w * w) * np.sum(left * left)))

    return mask_agreement


@planted("mask_agreement")
def masked_by_addition(ref):
    """The mask is added."""
    return lambda w, mask, top=10: ref.diagonal_score(
        ref.agreement_matrix(w, (w + np.asarray(mask)).astype(w.dtype)), top
    )


@planted("mask_agreement")
def mean_over_the_block(ref):
    """The mean over the leading block instead of its diagonal."""

    def mask_agreement(w, mask, top=10):
        block = ref.agreement_matrix(w, w * (np.asarray(mask) == 1))[:top, :top]
        return float(block.sum(axis=1).mean())

    return mask_agreement


@planted("mask_agreement")
def twelve_directions(ref):
    """Left out, top is 12."""
    return lambda w, mask, top=12: ref.mask_agreement(w, mask, top)
