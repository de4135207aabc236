"""Planted bugs of counts and of singular pruning."""

from __future__ import annotations

import math

import numpy as np

from minidl.laws.core import planted


def _svd(w):
    w = np.asarray(w)
    return np.linalg.svd(w.reshape(len(w), -1), full_matrices=False)


def _rebuilt(w, change):
    """The weight from its singular values after a change of them."""
    u, s, vt = _svd(w)
    return ((u * change(s)) @ vt).reshape(np.shape(w))


# --- counts ------------------------------------------------------------------------------------------------------------
@planted("kept_count")
def rounded_down(ref):
    """floor instead of ceil."""
    return lambda size, fraction=0.5: max(1, math.floor(fraction * size))


@planted("kept_count")
def rounded_to_the_nearest(ref):
    """Python's round."""
    return lambda size, fraction=0.5: max(1, round(fraction * size))


@planted("kept_count")
def doubles_taken_at_their_word(ref):
    """ceil of the product in double precision: 0.07 of 100 are 8."""
    return lambda size, fraction=0.5: math.ceil(fraction * size)


@planted("kept_count")
def at_least_two(ref):
    """Never fewer than two."""
    return lambda size, fraction=0.5: max(min(2, size), ref.kept_count(size, fraction))


@planted("kept_count")
def what_goes(ref):
    """The number of those that go."""
    return lambda size, fraction=0.5: size - ref.kept_count(size, fraction)


@planted("kept_count")
def one_more_than_half(ref):
    """One more."""
    return lambda size, fraction=0.5: min(size, ref.kept_count(size, fraction) + 1)


@planted("kept_count")
def nine_tenths_by_default(ref):
    """Left out, the fraction is 0.9."""
    return lambda size, fraction=0.9: ref.kept_count(size, fraction)


# --- directions ----------------------------------------------------------------------------------------------------------
def _slice(keep, side, R):
    return np.arange(R) < keep if side == "top" else np.arange(R) >= R - keep


@planted("truncate")
def sides_of_the_spectrum_exchanged(ref):
    """Top keeps the smallest values."""
    return lambda w, keep, side="top": ref.truncate(w, keep, "bottom" if side == "top" else "top")


@planted("truncate")
def what_is_gone(ref):
    """The triples that should go are kept."""
    return lambda w, keep, side="top": w - ref.truncate(w, keep, side)


@planted("truncate")
def bottom_beyond_keep(ref):
    """Bottom keeps everything after the first `keep` triples, instead of as many."""

    def truncate(w, keep, side="top"):
        chosen = (lambda s: np.where(np.arange(len(s)) < keep, s, 0)) if side == "top" else None
        return _rebuilt(w, chosen or (lambda s: np.where(np.arange(len(s)) >= keep, s, 0)))

    return truncate


@planted("truncate")
def values_left_out(ref):
    """Singular values are replaced by 1."""
    return lambda w, keep, side="top": _rebuilt(w, lambda s: _slice(keep, side, len(s)).astype(s.dtype))


@planted("truncate")
def values_twice(ref):
    """Both sides are scaled by the values."""
    return lambda w, keep, side="top": _rebuilt(w, lambda s: np.where(_slice(keep, side, len(s)), s * s, 0))


@planted("truncate")
def one_triple_more(ref):
    """Up to and with the one at `keep`."""
    return lambda w, keep, side="top": ref.truncate(w, min(keep + 1, min(_svd(w)[1].shape)), side)


@planted("truncate")
def soft_truncation(ref):
    """Values are lowered by the first one that goes, instead of cut off."""

    def truncate(w, keep, side="top"):
        if side == "bottom":
            return ref.truncate(w, keep, side)
        return _rebuilt(w, lambda s: np.maximum(s - (s[keep] if keep < len(s) else 0), 0))

    return truncate


@planted("truncate")
def norm_restored(ref):
    """What is kept is scaled to the norm of the whole."""

    def truncate(w, keep, side="top"):
        kept = ref.truncate(w, keep, side)
        size = np.linalg.norm(kept)
        return kept * (np.linalg.norm(w) / size).astype(kept.dtype) if size > 0 else kept

    return truncate


@planted("truncate")
def kernels_left_flat(ref):
    """A kernel comes back as a matrix."""
    return lambda w, keep, side="top": ref.truncate(w, keep, side).reshape(len(w), -1)


@planted("truncate")
def taps_truncated_by_themselves(ref):
    """Kernels are truncated tap by tap."""

    def truncate(w, keep, side="top"):
        if np.ndim(w) == 2:
            return ref.truncate(w, keep, side)
        kept = np.zeros_like(w)
        for place in np.ndindex(*w.shape[2:]):
            tap = w[(slice(None), slice(None), *place)]
            kept[(slice(None), slice(None), *place)] = ref.truncate(tap, min(keep, *tap.shape), side)
        return kept

    return truncate


# --- whole nets --------------------------------------------------------------------------------------------------------
def _net(choose):
    """Each array by choose(w, number of the matrix or -1, matrices, fraction, side)."""

    def wrong(weights, fraction=0.5, side="top"):
        numbers = np.cumsum([w.ndim > 1 for w in weights]) - 1
        return [
            choose(w, number if w.ndim > 1 else -1, numbers[-1] + 1, fraction, side)
            for w, number in zip(weights, numbers, strict=True)
        ]

    return wrong


def _cut(ref, w, fraction, side, count=None):
    R = min(len(w), w[0].size)
    top = (count or ref.kept_count)(R, fraction)
    return ref.truncate(w, top if side == "top" else R - top, side)


@planted("prune")
def last_matrix_too(ref):
    """The last matrix is truncated as the others."""
    return _net(lambda w, k, n, f, side: _cut(ref, w, f, side) if k >= 0 else w.copy())


@planted("prune")
def first_matrix_spared(ref):
    """The first matrix is spared, not the last."""
    return _net(lambda w, k, n, f, side: _cut(ref, w, f, side) if k > 0 else w.copy())


@planted("prune")
def biases_gone(ref):
    """Biases become 0."""
    return _net(
        lambda w, k, n, f, side: np.zeros_like(w) if k < 0 else _cut(ref, w, f, side) if k < n - 1 else w.copy()
    )


@planted("prune")
def share_rounded_down(ref):
    """floor of half the values."""
    return _net(
        lambda w, k, n, f, side: _cut(ref, w, f, side, lambda R, f: math.floor(f * R)) if 0 <= k < n - 1 else w.copy()
    )


@planted("prune")
def bottom_as_many_as_top(ref):
    """The bottom keeps as many as the top, so that the middle one is in both."""
    return _net(
        lambda w, k, n, f, side: (
            ref.truncate(w, ref.kept_count(min(len(w), w[0].size), f), side) if 0 <= k < n - 1 else w.copy()
        )
    )


@planted("prune")
def nothing_spared_from_the_bottom(ref):
    """The side is ignored: always the top."""
    return lambda weights, fraction=0.5, side="top": ref.prune(weights, fraction, "top")


@planted("prune")
def one_rank_for_all(ref):
    """Every matrix keeps as many as the first."""

    def prune(weights, fraction=0.5, side="top"):
        matrices = [w for w in weights if w.ndim > 1]
        R = min(len(matrices[0]), matrices[0][0].size)
        top = ref.kept_count(R, fraction)

        def cut(w):
            own = min(len(w), w[0].size)
            keep = min(top, own)
            return ref.truncate(w, keep if side == "top" else own - keep, side)

        spared = [id(w) for w in matrices[-1:]]
        return [cut(w) if w.ndim > 1 and id(w) not in spared else w.copy() for w in weights]

    return prune


@planted("prune")
def a_quarter_by_default(ref):
    """Left out, the fraction is 0.25."""
    return lambda weights, fraction=0.25, side="top": ref.prune(weights, fraction, side)


@planted("prune")
def kernels_spared(ref):
    """Only matrices of two axes are truncated."""
    return _net(lambda w, k, n, f, side: _cut(ref, w, f, side) if 0 <= k < n - 1 and w.ndim == 2 else w.copy())
