"""Planted bugs of the least norms and of the sufficient scales."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minidl.laws.core import planted


class LeastL1(NamedTuple):
    beta: np.ndarray
    dual: np.ndarray
    gap: float


# --- least L2 norm ---------------------------------------------------------------------------------------------------------
@planted("min_l2")
def first_features(ref):
    """A basic solution: as many features as examples, the first ones."""

    def min_l2(x, y):
        n = len(x)
        beta = np.zeros(x.shape[1])
        beta[:n] = np.linalg.pinv(x[:, :n]) @ y
        return beta

    return min_l2


@planted("min_l2")
def ridge(ref):
    """A little ridge beside X X^T."""
    return lambda x, y: x.T @ np.linalg.solve(x @ x.T + 1e-8 * np.eye(len(x)), y)


@planted("min_l2")
def gram_not_inverted(ref):
    """X^T y."""
    return lambda x, y: x.T @ y


@planted("min_l2")
def by_the_diagonal(ref):
    """X X^T is taken for its diagonal."""
    return lambda x, y: x.T @ (y / (x * x).sum(axis=1))


@planted("min_l2")
def rank_cut_too_high(ref):
    """Singular values below a tenth of the largest count as 0."""
    return lambda x, y: np.linalg.pinv(x, rcond=0.1) @ y


@planted("min_l2")
def direction_alone(ref):
    """Divided by its norm."""

    def min_l2(x, y):
        beta = np.asarray(ref.min_l2(x, y))
        return beta / (np.linalg.norm(beta) or 1.0)

    return min_l2


# --- least L1 norm ---------------------------------------------------------------------------------------------------------
@planted("min_l1")
def greedy_features(ref):
    """The features that fit the targets best one by one, by orthogonal matching pursuit."""

    def min_l1(x, y):
        chosen, residual = [], y.copy()
        for _ in range(len(x)):
            fit = np.abs(residual @ x) / np.linalg.norm(x, axis=0)
            fit[chosen] = -1
            chosen.append(int(np.argmax(fit)))
            some = np.linalg.pinv(x[:, chosen]) @ y
            residual = y - x[:, chosen] @ some
        beta = np.zeros(x.shape[1])
        beta[chosen] = some
        return LeastL1(beta, np.asarray(ref.min_l1(x, y)[1]), 0.0)

    return min_l1


@planted("min_l1")
def least_l2_instead(ref):
    """The interpolant of least L2 norm."""
    return lambda x, y: LeastL1(np.asarray(ref.min_l2(x, y)), *ref.min_l1(x, y)[1:])


@planted("min_l1")
def positive_entries_only(ref):
    """Least L1 norm among those of the targets' sign: features of a negative entry are mirrored."""

    def min_l1(x, y):
        beta, dual, gap = ref.min_l1(x, y)
        return LeastL1(np.abs(beta), dual, gap)

    return min_l1


@planted("min_l1")
def certificate_not_scaled(ref):
    """The dual of norm 1 instead of the one with ||X^T dual|| = 1."""

    def min_l1(x, y):
        beta, dual, gap = ref.min_l1(x, y)
        return LeastL1(beta, dual / (np.linalg.norm(dual) or 1.0), gap)

    return min_l1


@planted("min_l1")
def certificate_of_the_l2_end(ref):
    """The dual of least squares."""

    def min_l1(x, y):
        beta, _, gap = ref.min_l1(x, y)
        return LeastL1(beta, np.linalg.solve(x @ x.T, y), gap)

    return min_l1


@planted("min_l1")
def gap_left_out(ref):
    """The norm itself is returned as the gap."""

    def min_l1(x, y):
        beta, dual, _ = ref.min_l1(x, y)
        return LeastL1(beta, dual, float(np.abs(beta).sum()))

    return min_l1


@planted("min_l1")
def stops_after_one_exchange(ref):
    """The solution on the features with the largest entries of the least L2 norm."""

    def min_l1(x, y):
        chosen = np.argsort(-np.abs(np.linalg.pinv(x) @ y))[: len(x)]
        beta = np.zeros(x.shape[1])
        beta[chosen] = np.linalg.pinv(x[:, chosen]) @ y
        return LeastL1(beta, *ref.min_l1(x, y)[1:])

    return min_l1


@planted("min_l1")
def mixture_of_ties(ref):
    """The mean with the mirrored problem's answer: where several are least, an interpolant with too many non-zeros."""

    def min_l1(x, y):
        beta, dual, gap = ref.min_l1(x, y)
        back = np.asarray(ref.min_l1(x[:, ::-1].copy(), y)[0])[::-1]
        return LeastL1((np.asarray(beta) + back) / 2, dual, gap)

    return min_l1


# --- sufficient scales -----------------------------------------------------------------------------------------------------
class Scales(NamedTuple):
    rich: float
    kernel: float


def _norms(b1, b2):
    return np.abs(b1).sum(), np.linalg.norm(b2), len(b1)


@planted("sufficient_scales")
def larger_of_both(ref):
    """The larger of the two bounds for the rich regime."""

    def sufficient_scales(b1, b2, eps):
        l1, _, d = _norms(b1, b2)
        found = max((2 * (1 + eps) * l1) ** (-(2 + eps) / (2 * eps)), np.exp(-d / (eps * l1)))
        return Scales(float(found), float(ref.sufficient_scales(b1, b2, eps)[1]))

    return sufficient_scales


@planted("sufficient_scales")
def power_alone(ref):
    """Without the bound that falls with the dimension."""

    def sufficient_scales(b1, b2, eps):
        l1, _, _ = _norms(b1, b2)
        found = (2 * (1 + eps) * l1) ** (-(2 + eps) / (2 * eps))
        return Scales(float(found), float(ref.sufficient_scales(b1, b2, eps)[1]))

    return sufficient_scales


@planted("sufficient_scales")
def l2_norm_of_both(ref):
    """The L2 norm of b_1."""

    def sufficient_scales(b1, b2, eps):
        same = np.zeros_like(b1)
        same[0] = np.linalg.norm(b1)
        return ref.sufficient_scales(same, b2, eps)

    return sufficient_scales


@planted("sufficient_scales")
def sparsity_for_the_dimension(ref):
    """The number of non-zeros instead of the dimension."""

    def sufficient_scales(b1, b2, eps):
        rich = ref.sufficient_scales(b1[np.abs(b1) > 1e-12], b2[np.abs(b1) > 1e-12] + 0.5, eps)[0]
        return Scales(float(rich), float(ref.sufficient_scales(b1, b2, eps)[1]))

    return sufficient_scales


@planted("sufficient_scales")
def squares_of_the_scales(ref):
    """alpha^2 instead of alpha."""
    return lambda *inputs: Scales(*(float(scale) ** 2 for scale in ref.sufficient_scales(*inputs)))


@planted("sufficient_scales")
def eps_without_its_inverse(ref):
    """1 + 2 eps for 1 + 2/eps."""

    def sufficient_scales(b1, b2, eps):
        rich, kernel = ref.sufficient_scales(b1, b2, eps)
        return Scales(float(rich), float(kernel * np.sqrt((1 + 2 * eps) / (1 + 2 / eps))))

    return sufficient_scales


@planted("sufficient_scales")
def squared_norm_of_b2(ref):
    """||b_2||^2 for ||b_2||."""

    def sufficient_scales(b1, b2, eps):
        rich, kernel = ref.sufficient_scales(b1, b2, eps)
        return Scales(float(rich), float(kernel * np.sqrt(np.linalg.norm(b2))))

    return sufficient_scales


@planted("sufficient_scales")
def positive_exponent(ref):
    """The power (2 + eps)/(2 eps) without its minus."""

    def sufficient_scales(b1, b2, eps):
        l1, _, d = _norms(b1, b2)
        found = min((2 * (1 + eps) * l1) ** ((2 + eps) / (2 * eps)), np.exp(-d / (eps * l1)))
        return Scales(float(found), float(ref.sufficient_scales(b1, b2, eps)[1]))

    return sufficient_scales
