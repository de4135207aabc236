"""Planted bugs of modular addition and of snapshots."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from minidl.laws.core import planted


# --- modular addition ------------------------------------------------------------------------------------------------------
def _table(p, fraction, order, pairs=None, label=None, count=math.floor):
    x = np.stack((pairs or np.divmod)(np.asarray(order), p), axis=1)
    y = (label or (lambda a, b: (a + b) % p))(x[:, 0], x[:, 1])
    n = count(round(fraction * p * p, 9))
    return x[:n], y[:n], x[n:], y[n:]


@planted("modular_addition")
def subtraction(ref):
    """a - b."""
    return lambda p, fraction, order: _table(p, fraction, order, label=lambda a, b: (a - b) % p)


@planted("modular_addition")
def multiplication(ref):
    """a b."""
    return lambda p, fraction, order: _table(p, fraction, order, label=lambda a, b: (a * b) % p)


@planted("modular_addition")
def no_modulus(ref):
    """The sum itself."""
    return lambda p, fraction, order: _table(p, fraction, order, label=lambda a, b: a + b)


@planted("modular_addition")
def modulus_off_by_one(ref):
    """Modulo p + 1."""
    return lambda p, fraction, order: _table(p, fraction, order, label=lambda a, b: (a + b) % (p + 1))


@planted("modular_addition")
def columns_exchanged(ref):
    """Pair number k is (k % p, k // p)."""
    return lambda p, fraction, order: _table(p, fraction, order, pairs=lambda k, p: np.divmod(k, p)[::-1])


@planted("modular_addition")
def order_ignored(ref):
    """Pairs come row by row."""
    return lambda p, fraction, order: _table(p, fraction, np.arange(p * p))


@planted("modular_addition")
def order_inverted(ref):
    """The inverse permutation."""
    return lambda p, fraction, order: _table(p, fraction, np.argsort(order))


@planted("modular_addition")
def training_rounded_up(ref):
    """ceil of the share."""
    return lambda p, fraction, order: _table(p, fraction, order, count=math.ceil)


@planted("modular_addition")
def doubles_cut_off(ref):
    """The integer part of the product in double precision: 0.29 of 100 are 28."""

    def modular_addition(p, fraction, order):
        x = np.stack(np.divmod(np.asarray(order), p), axis=1)
        y, n = x.sum(axis=1) % p, int(fraction * p**2)
        return x[:n], y[:n], x[n:], y[n:]

    return modular_addition


@planted("modular_addition")
def last_part_trains(ref):
    """The end of the order trains."""

    def modular_addition(p, fraction, order):
        a, b, c, d = ref.modular_addition(p, fraction, np.asarray(order)[::-1].copy())
        return a, b, c, d

    return modular_addition


@planted("modular_addition")
def overlapping(ref):
    """The test part holds every pair."""

    def modular_addition(p, fraction, order):
        x, y, more, labels = ref.modular_addition(p, fraction, order)
        return x, y, np.concatenate([x, more]), np.concatenate([y, labels])

    return modular_addition


def _codes(place, width=lambda p: 2 * p):
    def one_hot_pairs(x, p):
        codes = np.zeros((len(x), width(p)))
        for row, (a, b) in zip(codes, np.asarray(x, int).tolist(), strict=True):
            for where in place(a, b, p):
                row[where] += 1
        return codes

    return one_hot_pairs


@planted("one_hot_pairs")
def one_code_for_both(ref):
    """Both residues in the same p numbers."""
    return _codes(lambda a, b, p: (a, b), width=lambda p: p)


@planted("one_hot_pairs")
def second_code_first(ref):
    """The second residue first."""
    return _codes(lambda a, b, p: (b, p + a))


@planted("one_hot_pairs")
def codes_interleaved(ref):
    """Even places for the first residue, odd ones for the second."""
    return _codes(lambda a, b, p: (2 * a, 2 * b + 1))


@planted("one_hot_pairs")
def code_of_the_pair(ref):
    """One 1 among p^2 numbers."""
    return _codes(lambda a, b, p: (a * p + b,), width=lambda p: p * p)


@planted("one_hot_pairs")
def first_residue_only(ref):
    """The second residue is missing."""
    return _codes(lambda a, b, p: (a,))


@planted("one_hot_pairs")
def integers_for_codes(ref):
    """Integers instead of floats."""
    return lambda x, p: ref.one_hot_pairs(x, p).astype(int)


@planted("one_hot_pairs")
def codes_of_unit_length(ref):
    """Every row has the norm 1."""
    return lambda x, p: ref.one_hot_pairs(x, p) / np.sqrt(2)


@planted("one_hot_pairs")
def centred_codes(ref):
    """The mean of the codes is taken away."""
    return lambda x, p: ref.one_hot_pairs(x, p) - 1 / p


# --- snapshots ---------------------------------------------------------------------------------------------------------------
def _taken(**changed):
    """The right snapshot with one column from changed[name](ref, right, weights, eps, top)."""

    def wrong(ref):
        def snapshot(weights, eps=1e-10, top=10):
            right = ref.snapshot(weights, eps, top)
            return right._replace(**{name: change(ref, right, weights, eps, top) for name, change in changed.items()})

        return snapshot

    return wrong


@planted("snapshot")
def shares_of_columns(ref):
    """The effective rank is divided by the number of inputs."""
    return _taken(
        normalised_effective_rank=lambda ref, right, weights, eps, top: (
            right.effective_rank / np.array([w[0].size for w in weights])
        )
    )(ref)


@planted("snapshot")
def eps_grows_from_number_to_number(ref):
    """eps is added in place: the stable rank sees three times as much."""
    return _taken(
        stable_rank=lambda ref, right, weights, eps, top: np.array(
            [ref.stable_rank(ref.singular_values(w), 3 * eps) for w in weights]
        )
    )(ref)


@planted("snapshot")
def skipped_as_zero(ref):
    """Layers that do not meet count as not aligned."""
    return _taken(alignment=lambda ref, right, weights, eps, top: np.nan_to_num(right.alignment))(ref)


@planted("snapshot")
def whole_alignment(ref):
    """All directions count."""
    return _taken(alignment=lambda ref, right, weights, eps, top: ref.snapshot(weights, eps, 10**6).alignment)(ref)


@planted("snapshot")
def aligned_with_the_one_before(ref):
    """Pairs in reverse: the next layer's outputs with this one's inputs, where they meet."""

    def change(ref, right, weights, eps, top):
        scores = []
        for one, two in pairwise(weights):
            matrix = ref.alignment_matrix(two, one, False, True)
            scores.append(np.nan if matrix is None else ref.diagonal_score(matrix, top))
        return np.array(scores)

    return _taken(alignment=change)(ref)


@planted("snapshot")
def corner_of_kernels(ref):
    """Of kernels the first tap aligns."""

    def change(ref, right, weights, eps, top):
        scores = right.alignment.copy()
        for i, (one, two) in enumerate(pairwise(weights)):
            if np.ndim(two) > 2 and not np.isnan(scores[i]):
                scores[i] = ref.diagonal_score(ref.tap_alignments(one, two)[0, 0], top)
        return scores

    return _taken(alignment=change)(ref)


@planted("snapshot")
def counts_of_energies(ref):
    """The 90 % count of squares."""
    return _taken(
        count_90=lambda ref, right, weights, eps, top: np.array(
            [ref.count_90(ref.singular_values(w) ** 2, eps) for w in weights]
        )
    )(ref)


@planted("snapshot")
def layers_in_reverse(ref):
    """The last layer first."""
    return _taken(
        **{
            name: lambda ref, right, *_, name=name: getattr(right, name)[::-1].copy()
            for name in ("effective_rank", "normalised_effective_rank", "count_90", "stable_rank")
        }
    )(ref)


@planted("snapshot")
def no_eps_by_default(ref):
    """Left out, eps is 0."""
    return lambda weights, eps=0.0, top=10: ref.snapshot(weights, eps, top)


@planted("snapshot")
def all_directions_by_default(ref):
    """Left out, all directions count."""
    return lambda weights, eps=1e-10, top=10**6: ref.snapshot(weights, eps, top)
