"""Planted bugs of the soft threshold, of the objective of two linear layers and its gradients."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


# --- the soft threshold --------------------------------------------------------------------------------------------------
def _changed(change):
    """The target with its singular values changed."""

    def soft_threshold(target, decay):
        u, s, vt = np.linalg.svd(target, full_matrices=False)
        return (u * change(s, decay).astype(target.dtype)) @ vt

    return soft_threshold


@planted("soft_threshold")
def hard_threshold(ref):
    """Values above the decay stay as they are."""
    return _changed(lambda s, decay: np.where(s > decay, s, 0))


@planted("soft_threshold")
def no_floor(ref):
    """Values below the decay become negative."""
    return _changed(lambda s, decay: s - decay)


@planted("soft_threshold")
def shrunk_by_a_factor(ref):
    """What a decay of the product itself would do: division by 1 + decay."""
    return _changed(lambda s, decay: s / (1 + decay))


@planted("soft_threshold")
def half_the_decay(ref):
    """The half in front of the decay is applied again."""
    return _changed(lambda s, decay: np.maximum(s - decay / 2, 0))


@planted("soft_threshold")
def relative_threshold(ref):
    """The decay counts in units of the largest value."""
    return _changed(lambda s, decay: np.maximum(s - decay * s[0], 0))


@planted("soft_threshold")
def entries_lowered(ref):
    """Entries of the target instead of its singular values are lowered."""
    return lambda target, decay: np.sign(target) * np.maximum(np.abs(target) - target.dtype.type(decay), 0)


@planted("soft_threshold")
def magnitudes_of_negatives(ref):
    """Values that would become negative are turned positive."""
    return _changed(lambda s, decay: np.abs(s - decay))


@planted("soft_threshold")
def roots_lowered(ref):
    """The decay is taken from the square root, as if it were of a factor's value."""
    return _changed(lambda s, decay: np.maximum(np.sqrt(s) - decay, 0) ** 2)


# --- two factors ---------------------------------------------------------------------------------------------------------
def _loss(fit=0.5, decay_a=0.5, decay_b=0.5, of=lambda x: x):
    def factor_objective(a, b, target, decay=0.0):
        return float(
            fit * np.sum((a @ b - target) ** 2) + decay * of(decay_a * np.sum(a * a) + decay_b * np.sum(b * b))
        )

    return factor_objective


@planted("factor_objective")
def no_half_in_front(ref):
    """The squared error without its half."""
    return _loss(fit=1.0)


@planted("factor_objective")
def decay_without_its_half(ref):
    """The decay without its half."""
    return _loss(decay_a=1.0, decay_b=1.0)


@planted("factor_objective")
def second_layer_free(ref):
    """The second layer does not decay."""
    return _loss(decay_b=0.0)


@planted("factor_objective")
def norms_not_squared(ref):
    """Norms in the place of their squares."""
    return _loss(of=np.sqrt)


@planted("factor_objective")
def mean_error(ref):
    """The mean over the entries of the target."""
    return lambda a, b, target, decay=0.0: _loss(fit=0.5 / np.size(target))(a, b, target, decay)


@planted("factor_objective")
def decay_of_the_product(ref):
    """The product decays, not its factors."""

    def factor_objective(a, b, target, decay=0.0):
        return float((np.sum((a @ b - target) ** 2) + decay * np.sum((a @ b) ** 2)) / 2)

    return factor_objective


@planted("factor_objective")
def absolute_errors(ref):
    """The sum of absolute errors."""

    def factor_objective(a, b, target, decay=0.0):
        return ref.factor_objective(a, b, target, decay) + float(
            np.abs(a @ b - target).sum() - np.sum((a @ b - target) ** 2) / 2
        )

    return factor_objective


@planted("factor_objective")
def decays_by_default(ref):
    """Left out, the decay is 0.01."""
    return lambda a, b, target, decay=0.01: ref.factor_objective(a, b, target, decay)


def _slopes(change):
    def factor_gradients(a, b, target, decay=0.0):
        return change(a, b, a @ b - target, decay)

    return factor_gradients


@planted("factor_gradients")
def ascent_of_the_objective(ref):
    """Both with the opposite sign."""
    return lambda a, b, target, decay=0.0: tuple(-g for g in ref.factor_gradients(a, b, target, decay))


@planted("factor_gradients")
def gradients_exchanged(ref):
    """The second one first, where shapes allow it."""

    def factor_gradients(a, b, target, decay=0.0):
        da, db = ref.factor_gradients(a, b, target, decay)
        return (db, da) if da.shape == db.shape else (2 * da, 2 * db)

    return factor_gradients


@planted("factor_gradients")
def no_decay_in_the_gradient(ref):
    """The decay has no part."""
    return lambda a, b, target, decay=0.0: ref.factor_gradients(a, b, target, 0.0)


@planted("factor_gradients")
def decay_doubled(ref):
    """The derivative of a square without the half in front."""
    return lambda a, b, target, decay=0.0: ref.factor_gradients(a, b, target, 2 * decay)


@planted("factor_gradients")
def error_doubled(ref):
    """The derivative of the squared error without its half."""
    return _slopes(lambda a, b, off, decay: (2 * off @ b.T + decay * a, 2 * a.T @ off + decay * b))


@planted("factor_gradients")
def target_minus_product(ref):
    """The error with the other sign, the decay with the right one."""
    return _slopes(lambda a, b, off, decay: (-off @ b.T + decay * a, -a.T @ off + decay * b))


@planted("factor_gradients")
def first_layer_alone_decays(ref):
    """Only the first layer decays."""
    return _slopes(lambda a, b, off, decay: (off @ b.T + decay * a, a.T @ off))


@planted("factor_gradients")
def signs_of_weights_decay(ref):
    """Decay of magnitudes: signs in the place of weights."""
    return _slopes(lambda a, b, off, decay: (off @ b.T + decay * np.sign(a), a.T @ off + decay * np.sign(b)))


@planted("factor_gradients")
def gradients_decay_by_default(ref):
    """Left out, the decay is 0.01."""
    return lambda a, b, target, decay=0.01: ref.factor_gradients(a, b, target, decay)
