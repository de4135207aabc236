"""Planted bugs of the sparse regression."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


def _made(beta_of, targets=lambda x, beta, noise: x @ beta + noise):
    def build(ref):
        def sparse_regression(x, noise, sparsity):
            beta = np.zeros(x.shape[1], x.dtype)
            beta_of(beta, sparsity)
            return x.copy(), targets(x, beta, noise), beta

        return sparse_regression

    return build


def _first(beta, sparsity):
    beta[:sparsity] = sparsity**-0.5


@planted("sparse_regression")
def entries_of_1(ref):
    """The first entries are 1: the signal's norm grows with their number."""

    def beta_of(beta, sparsity):
        beta[:sparsity] = 1

    return _made(beta_of)(ref)


@planted("sparse_regression")
def entries_of_1_over_s(ref):
    """1/s for 1/sqrt(s): an L1 norm of 1."""

    def beta_of(beta, sparsity):
        beta[:sparsity] = 1 / sparsity

    return _made(beta_of)(ref)


@planted("sparse_regression")
def last_entries(ref):
    """The last entries carry the signal."""

    def beta_of(beta, sparsity):
        beta[len(beta) - sparsity :] = sparsity**-0.5

    return _made(beta_of)(ref)


@planted("sparse_regression")
def one_entry_fewer(ref):
    """One entry fewer, with the same values."""

    def beta_of(beta, sparsity):
        beta[: sparsity - 1] = sparsity**-0.5

    return _made(beta_of)(ref)


@planted("sparse_regression")
def noise_left_out(ref):
    """Targets without noise."""
    return _made(_first, lambda x, beta, noise: x @ beta)(ref)


@planted("sparse_regression")
def noise_subtracted(ref):
    """Minus the noise."""
    return _made(_first, lambda x, beta, noise: x @ beta - noise)(ref)
