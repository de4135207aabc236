"""Planted bugs of the penalty, the divergence, and the parameters behind a predictor."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


# --- the penalty -----------------------------------------------------------------------------------------------------------
@planted("penalty")
def scale_left_out(ref):
    """The sum is not multiplied by alpha^D, as if the minimiser alone mattered."""
    return lambda beta, alpha, depth=2: ref.penalty(beta, alpha, depth) / alpha**depth


@planted("penalty")
def scale_squared_at_every_depth(ref):
    """alpha^2 at every depth."""
    return lambda beta, alpha, depth=2: float(alpha**2 * np.sum(ref.potential(beta / alpha**2, depth)))


@planted("penalty")
def scale_of_the_parameters(ref):
    """alpha instead of alpha^D."""
    return lambda beta, alpha, depth=2: float(alpha * np.sum(ref.potential(beta / alpha, depth)))


@planted("penalty")
def doubled_scale(ref):
    """2 alpha^D, of a link without its factor 2."""
    return lambda beta, alpha, depth=2: float(2 * alpha**depth * np.sum(ref.potential(beta / alpha**depth / 2, depth)))


@planted("penalty")
def mean_over_entries(ref):
    """The mean instead of the sum."""
    return lambda beta, alpha, depth=2: ref.penalty(beta, alpha, depth) / len(beta)


@planted("penalty")
def divided_by_its_logarithm(ref):
    """Divided by log(1/alpha^2), as in the limit of depth 2."""

    def penalty(beta, alpha, depth=2):
        return (
            ref.penalty(beta, alpha, depth) / (abs(np.log(alpha**2)) or 1.0)
            if depth == 2
            else ref.penalty(beta, alpha, depth)
        )

    return penalty


@planted("penalty")
def penalty_of_two_layers(ref):
    """The potential of depth 2 at alpha^D."""
    return lambda beta, alpha, depth=2: float(alpha**depth * np.sum(ref.potential(beta / alpha**depth, 2)))


@planted("penalty")
def l1_norm(ref):
    """The L1 norm."""
    return lambda beta, alpha, depth=2: float(np.abs(beta).sum())


@planted("penalty")
def squared_norm(ref):
    """The squared L2 norm, in the kernel regime's units."""
    return lambda beta, alpha, depth=2: (
        float(beta @ beta) * (0.25 if depth == 2 else (depth - 2) / 4 / depth) / alpha**depth
    )


# --- the parameters --------------------------------------------------------------------------------------------------------
@planted("parameters_of")
def from_a_flat_start(ref):
    """The invariant of a flat start with the mean of u_0 and v_0."""

    def parameters_of(beta, u0, v0, depth=2):
        flat = (u0 + v0) / 2
        return ref.parameters_of(beta, flat, flat, depth)

    return parameters_of


@planted("parameters_of")
def sides_swapped(ref):
    """u and v exchanged."""
    return lambda *inputs: tuple(ref.parameters_of(*inputs))[::-1]


@planted("parameters_of")
def product_at_every_depth(ref):
    """The invariant of depth 2, u v, at every depth, by halving an interval."""

    def parameters_of(beta, u0, v0, depth=2):
        if depth == 2:
            return ref.parameters_of(beta, u0, v0, depth)
        c = (u0 * v0) ** (depth / 2)
        t = np.arcsinh(beta / 2 / c) / depth
        return np.sqrt(u0 * v0) * np.exp(t), np.sqrt(u0 * v0) * np.exp(-t)

    return parameters_of


@planted("parameters_of")
def one_of_them_still(ref):
    """Only u moves: v stays where it began."""
    return lambda beta, u0, v0, depth=2: (np.maximum(beta + v0**depth, 1e-300) ** (1 / depth), v0.copy())


@planted("parameters_of")
def moved_from_the_start(ref):
    """beta is taken for the change since the start."""
    return lambda beta, u0, v0, depth=2: ref.parameters_of(beta + u0**depth - v0**depth, u0, v0, depth)


@planted("parameters_of")
def sign_of_beta_lost(ref):
    """u is the larger one whatever the sign."""
    return lambda beta, u0, v0, depth=2: ref.parameters_of(np.abs(beta), u0, v0, depth)


# --- the divergence --------------------------------------------------------------------------------------------------------
def _c(u0, v0, depth):
    """a^D, with the invariant of u0 and v0."""
    if depth == 2:
        return u0 * v0
    return ((u0 ** (2.0 - depth) + v0 ** (2.0 - depth)) / 2) ** (-depth / (depth - 2))


def _weighed(ref, beta, u0, v0, depth):
    c = _c(u0, v0, depth)
    return c, c ** (2 / depth), np.asarray(ref.potential(beta / c, depth))


@planted("bregman")
def shift_forgotten(ref):
    """Without the linear term and the start: what a start at the function 0 would minimise."""

    def bregman(beta, u0, v0, depth=2):
        _, weight, q = _weighed(ref, beta, u0, v0, depth)
        return float(weight @ q)

    return bregman


@planted("bregman")
def constant_of_the_start(ref):
    """Without the potential of the start: the same minimiser, but not 0 at the start."""

    def bregman(beta, u0, v0, depth=2):
        c, weight, q = _weighed(ref, beta, u0, v0, depth)
        slope = ref.link_inverse((u0**depth - v0**depth) / c, depth)
        return float(weight @ (q - slope * (beta - u0**depth + v0**depth) / c))

    return bregman


@planted("bregman")
def distance_of_potentials(ref):
    """The difference of potentials, without the linear term."""

    def bregman(beta, u0, v0, depth=2):
        _, weight, q = _weighed(ref, beta, u0, v0, depth)
        return float(weight @ (q - _weighed(ref, u0**depth - v0**depth, u0, v0, depth)[2]))

    return bregman


@planted("bregman")
def shift_of_the_wrong_sign(ref):
    """The linear term is added."""

    def bregman(beta, u0, v0, depth=2):
        c, weight, _ = _weighed(ref, beta, u0, v0, depth)
        start = u0**depth - v0**depth
        slope = ref.link_inverse(start / c, depth)
        return ref.bregman(beta, u0, v0, depth) + float(2 * weight @ (slope * (beta - start) / c))

    return bregman


@planted("bregman")
def the_other_way_round(ref):
    """The divergence of the start from the predictor."""

    def bregman(beta, u0, v0, depth=2):
        u, v = ref.parameters_of(beta, u0, v0, depth)
        return ref.bregman(u0**depth - v0**depth, u, v, depth)

    return bregman


@planted("bregman")
def mean_scale(ref):
    """One scale for all entries: the root mean square of the start."""

    def bregman(beta, u0, v0, depth=2):
        flat = np.full(len(beta), np.sqrt(np.mean(u0 * u0 + v0 * v0) / 2))
        return ref.bregman(beta, flat, flat, depth)

    return bregman


@planted("bregman")
def weighed_as_the_penalty(ref):
    """Entries weigh a^D as in the penalty: at depth 3 and above the wrong ones among different starts."""

    def bregman(beta, u0, v0, depth=2):
        c = _c(u0, v0, depth)
        alone = [ref.bregman(beta[i : i + 1], u0[i : i + 1], v0[i : i + 1], depth) for i in range(len(beta))]
        return float(c ** (1 - 2 / depth) @ alone)

    return bregman


@planted("bregman")
def start_at_its_reciprocal(ref):
    """u_0 and v_0 exchanged: log(v_0 / u_0) in the shift."""
    return lambda beta, u0, v0, depth=2: ref.bregman(beta, v0, u0, depth)


@planted("bregman")
def half_of_it(ref):
    """Of a loss with 1/2 in front: half of it."""
    return lambda *inputs: ref.bregman(*inputs) / 2
