"""Planted bugs of flow on matrix factorisations, and of its limit at infinite width."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minidl.laws.core import planted
from minidl.laws.kernel_rich.planted_descent import Path


class FactorLimit(NamedTuple):
    u: np.ndarray
    v: np.ndarray
    matrix: np.ndarray
    time: float


class WidthLimit(NamedTuple):
    matrix: np.ndarray
    eigenvalues: np.ndarray
    dual: np.ndarray


# --- flow ------------------------------------------------------------------------------------------------------------------
@planted("factor_flow")
def half_the_time(ref):
    """The flow of a loss with 1/2 in front."""
    return lambda a, y, u, v, times: ref.factor_flow(a, y, u, v, times / 2)


@planted("factor_flow")
def time_over_the_measurements(ref):
    """The flow of the mean over measurements; of one, that over the width."""
    return lambda a, y, u, v, times: ref.factor_flow(a, y, u, v, times / (len(a) if len(a) > 1 else 1 + u.shape[1]))


@planted("factor_flow")
def four_digits(ref):
    """A solver with a tolerance of 1e-5."""
    return lambda *inputs: ref.factor_flow(*inputs, rtol=1e-5)


@planted("factor_flow")
def small_steps_of_descent(ref):
    """Descent in 200 steps between records."""

    def factor_flow(a, y, u, v, times):
        rows, now = [], 0.0
        for time in times:
            step = (time - now) / 200
            for _ in range(200 if step > 0 else 0):
                du, dv = ref.factor_velocity(a, y, u, v)
                u, v = u + step * np.asarray(du), v + step * np.asarray(dv)
            now = time
            rows.append((u, v, np.sum((a.reshape(len(a), -1) @ (u @ v.T).ravel() - y) ** 2)))
        return Path(*(np.array([row[k] for row in rows]) for k in range(3)))

    return factor_flow


@planted("factor_flow")
def gaps_for_times(ref):
    """times are taken for the times since the record before."""

    def factor_flow(a, y, u, v, times):
        return ref.factor_flow(a, y, u, v, np.cumsum(times) + 1e-12 * np.arange(len(times)))

    return factor_flow


@planted("factor_flow")
def first_factor_alone(ref):
    """Only U moves: the flow of a linear model."""

    def factor_flow(a, y, u, v, times):
        rows = []
        features = np.einsum("mpr,rk->mpk", a, v).reshape(len(a), -1)
        half = np.linalg.eigh(features @ features.T)
        for time in times:
            decay = (half[1] * np.exp(-2 * half[0] * time)) @ half[1].T
            residual = features @ u.ravel() - y
            change = np.linalg.pinv(features) @ ((decay - np.eye(len(y))) @ residual)
            now = u + change.reshape(u.shape)
            rows.append((now, v, np.sum((features @ now.ravel() - y) ** 2)))
        return Path(*(np.array([row[k] for row in rows]) for k in range(3)))

    return factor_flow


@planted("factor_flow")
def losses_of_the_start(ref):
    """The loss of the start is recorded at every time."""

    def factor_flow(*inputs):
        u, v, loss = ref.factor_flow(*inputs)
        return Path(u, v, np.full_like(loss, loss[0]))

    return factor_flow


@planted("factor_flow")
def balanced_first(ref):
    """The columns of U and V are given the same length before it starts."""

    def factor_flow(a, y, u, v, times):
        ratio = np.sqrt(np.linalg.norm(v, axis=0) / np.linalg.norm(u, axis=0))
        return ref.factor_flow(a, y, u * ratio, v / ratio, times)

    return factor_flow


# --- limit -----------------------------------------------------------------------------------------------------------------
@planted("factor_limit")
def stops_at_1e_6(ref):
    """The residual may be 1e-6."""
    return lambda *inputs: ref.factor_limit(*inputs, residual=1e-6)


@planted("factor_limit")
def stops_by_its_loss(ref):
    """It stops where the loss is 1e-8."""
    return lambda a, y, u, v: ref.factor_limit(a, y, u, v, residual=1e-4 / np.sqrt(len(y)))


@planted("factor_limit")
def least_frobenius_norm(ref):
    """The matrix of least Frobenius norm that fits, the kernel regime's end."""

    def factor_limit(a, y, u, v):
        found = ref.factor_limit(a, y, u, v)
        flat = a.reshape(len(a), -1)
        matrix = (np.linalg.pinv(flat) @ y).reshape(a.shape[1:])
        return FactorLimit(*found[:2], matrix, found[3])

    return factor_limit


@planted("factor_limit")
def product_not_transposed(ref):
    """M = V U^T."""

    def factor_limit(a, y, u, v):
        p, q, matrix, time = ref.factor_limit(a, y, u, v)
        return FactorLimit(p, q, np.ascontiguousarray(np.asarray(matrix).T), time)

    return factor_limit


@planted("factor_limit")
def factors_of_the_matrix(ref):
    """U and V are a balanced factorisation of the limit, not those of the flow."""

    def factor_limit(a, y, u, v):
        _, _, matrix, time = ref.factor_limit(a, y, u, v)
        left, sigma, right = np.linalg.svd(matrix, full_matrices=False)
        return FactorLimit(left * np.sqrt(sigma), right.T * np.sqrt(sigma), matrix, time)

    return factor_limit


@planted("factor_limit")
def end_of_large_steps(ref):
    """Descent with large steps."""

    def factor_limit(a, y, u, v):
        step = (
            0.1
            / np.linalg.eigvalsh(ref.factor_kernel(a, np.hstack([u, np.eye(len(u))]), np.hstack([v, np.eye(len(v))])))[
                -1
            ]
        )
        for _ in range(1500):
            du, dv = ref.factor_velocity(a, y, u, v)
            u, v = u + step * np.asarray(du), v + step * np.asarray(dv)
        return FactorLimit(u, v, u @ v.T, 1500 * step)

    return factor_limit


@planted("factor_limit")
def from_tiny_factors(ref):
    """It starts from a tenth of the given factors."""
    return lambda a, y, u, v: ref.factor_limit(a, y, u / 10, v / 10)


@planted("factor_limit")
def time_of_a_halved_loss(ref):
    """Twice the time."""

    def factor_limit(*inputs):
        u, v, matrix, time = ref.factor_limit(*inputs)
        return FactorLimit(u, v, matrix, 2 * time)

    return factor_limit


# --- law of width ----------------------------------------------------------------------------------------------------------
def _scaled(factor):
    def build(ref):
        return lambda a, y, mu: ref.width_law(a, y, factor * mu)

    return build


@planted("width_law")
def mu_for_twice_alpha_squared(ref):
    """alpha^2 = mu: M = 2 mu sinh."""
    return _scaled(2.0)(ref)


@planted("width_law")
def mu_for_half(ref):
    """M = (mu/2) sinh: the growth of one factor alone."""
    return _scaled(0.5)(ref)


@planted("width_law")
def mu_squared(ref):
    """alpha = mu."""
    return lambda a, y, mu: ref.width_law(a, y, 2 * mu * mu)


@planted("width_law")
def entries_not_eigenvalues(ref):
    """sinh is taken entry by entry."""

    def width_law(a, y, mu):
        _, _, nu = ref.width_law(a, y, mu)
        matrix = mu * np.sinh(np.tensordot(nu, a, 1))
        return WidthLimit(matrix, np.linalg.eigvalsh(matrix)[::-1].copy(), nu)

    return width_law


@planted("width_law")
def diagonals_alone(ref):
    """Only the measurements' diagonals are read."""
    return lambda a, y, mu: ref.width_law(np.stack([np.diag(np.diag(one)) for one in a]), y, mu)


@planted("width_law")
def least_norm_that_fits(ref):
    """The matrix of least Frobenius norm."""

    def width_law(a, y, mu):
        nu = np.linalg.pinv(a.reshape(len(a), -1)).T @ y
        matrix = np.tensordot(np.linalg.solve(np.einsum("mpq,npq->mn", a, a), y), a, 1)
        return WidthLimit(matrix, np.linalg.eigvalsh(matrix)[::-1].copy(), np.zeros(len(a)) if nu.ndim else nu)

    return width_law


@planted("width_law")
def ascending_eigenvalues(ref):
    """The eigenvalues ascend."""

    def width_law(a, y, mu):
        matrix, values, nu = ref.width_law(a, y, mu)
        return WidthLimit(matrix, values[::-1].copy(), nu)

    return width_law


@planted("width_law")
def positive_semidefinite(ref):
    """The eigenvalues' magnitudes, as of a factorisation U U^T."""

    def width_law(a, y, mu):
        matrix, values, nu = ref.width_law(a, y, mu)
        some, basis = np.linalg.eigh(matrix)
        return WidthLimit((basis * np.abs(some)) @ basis.T, np.sort(np.abs(values))[::-1], nu)

    return width_law


@planted("width_law")
def dual_of_the_time_integral(ref):
    """The dual is half of it: the integral of the residuals."""

    def width_law(a, y, mu):
        matrix, values, nu = ref.width_law(a, y, mu)
        return WidthLimit(matrix, values, nu / 2)

    return width_law


@planted("width_law")
def cosh_for_sinh(ref):
    """M has the same sign everywhere: mu (cosh - 1) of the same dual, with the sign of the targets."""

    def width_law(a, y, mu):
        _, _, nu = ref.width_law(a, y, mu)
        some, basis = np.linalg.eigh(np.tensordot(nu, a, 1))
        sigma = mu * (np.cosh(some) - 1)
        return WidthLimit((basis * sigma) @ basis.T, np.sort(sigma)[::-1], nu)

    return width_law
