"""Planted bugs of networks, their costs and their balance."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


def _before(x, w, b):
    return np.outer(x, w) + b


# --- network -----------------------------------------------------------------------------------------------------------
@planted("network")
def nonlinearity_forgotten(ref):
    """The units are linear."""
    return lambda x, w, b, v, b0: _before(x, w, b) @ v + b0


@planted("network")
def leaky_units(ref):
    """A hundredth of the negative side leaks through."""
    return lambda x, w, b, v, b0: np.where(_before(x, w, b) > 0, 1, 0.01) * _before(x, w, b) @ v + b0


@planted("network")
def output_bias_forgotten(ref):
    """The output has no bias."""
    return lambda x, w, b, v, b0: ref.network(x, w, b, v, 0.0)


@planted("network")
def hidden_biases_forgotten(ref):
    """The hidden units have no biases: all bend at 0."""
    return lambda x, w, b, v, b0: ref.network(x, w, 0 * b, v, b0)


@planted("network")
def bend_at_b(ref):
    """The bias is taken for the place of the bend: w (x - b)."""
    return lambda x, w, b, v, b0: ref.network(x, w, -w * b, v, b0)


@planted("network")
def units_averaged(ref):
    """The mean over the units instead of their sum."""
    return lambda x, w, b, v, b0: ref.network(x, w, b, v / max(1, len(v)), b0)


@planted("network")
def layers_exchanged(ref):
    """Incoming and outgoing weights exchanged."""
    return lambda x, w, b, v, b0: ref.network(x, v, b, w, b0)


@planted("network")
def output_bias_in_every_unit(ref):
    """The output's bias is added for each unit."""
    return lambda x, w, b, v, b0: (np.maximum(_before(x, w, b), 0) * v + b0).sum(axis=1)


@planted("network")
def output_clipped(ref):
    """The nonlinearity follows the output as well."""
    return lambda x, w, b, v, b0: np.maximum(ref.network(x, w, b, v, b0), 0)


@planted("network")
def single_precision(ref):
    """Computed in single precision."""
    return lambda *inputs: ref.network(*inputs).astype(np.float32).astype(float)


# --- costs -------------------------------------------------------------------------------------------------------------
@planted("weight_cost")
def half_forgotten(ref):
    """The sum of squares without the half."""
    return lambda w, v: 2 * ref.weight_cost(w, v)


@planted("weight_cost")
def incoming_weights_alone(ref):
    """Only the first layer is charged."""
    return lambda w, v: float(w @ w / 2)


@planted("weight_cost")
def outgoing_weights_alone(ref):
    """Only the second layer is charged."""
    return lambda w, v: float(v @ v / 2)


@planted("weight_cost")
def magnitudes(ref):
    """Magnitudes instead of squares."""
    return lambda w, v: float((np.abs(w).sum() + np.abs(v).sum()) / 2)


@planted("weight_cost")
def root_of_the_sum(ref):
    """The Euclidean norm, with a root."""
    return lambda w, v: float(np.sqrt(w @ w + v @ v))


@planted("weight_cost")
def mean_over_units(ref):
    """The mean over units instead of the sum."""
    return lambda w, v: ref.weight_cost(w, v) / max(1, len(w))


@planted("weight_cost")
def charged_by_the_product(ref):
    """The path norm, which is right for balanced networks alone."""
    return lambda w, v: ref.path_norm(w, v)


@planted("weight_cost")
def half_of_one_layer(ref):
    """The half applies to the first layer only: an operator's precedence."""
    return lambda w, v: float(w @ w / 2 + v @ v)


@planted("path_norm")
def signed_products(ref):
    """The sum of the products with their signs."""
    return lambda w, v: float(w @ v)


@planted("path_norm")
def magnitude_of_the_sum(ref):
    """The magnitude of the sum, not the sum of magnitudes."""
    return lambda w, v: float(abs(w @ v))


@planted("path_norm")
def product_of_norms(ref):
    """The product of the layers' norms, an upper bound."""
    return lambda w, v: float(np.linalg.norm(w) * np.linalg.norm(v))


@planted("path_norm")
def all_pairs(ref):
    """Every incoming weight with every outgoing one."""
    return lambda w, v: float(np.abs(np.outer(w, v)).sum())


@planted("path_norm")
def cost_for_path_norm(ref):
    """The cost itself, which is right for balanced networks alone."""
    return lambda w, v: ref.weight_cost(w, v)


@planted("path_norm")
def signs_of_the_outgoing(ref):
    """Only the incoming weights' signs are dropped."""
    return lambda w, v: float(np.abs(w) @ v)


@planted("path_norm")
def largest_path(ref):
    """The largest product instead of the sum."""
    return lambda w, v: float(np.abs(w * v).max(initial=0.0))


@planted("path_norm")
def squares_of_products(ref):
    """The root of the sum of squared products."""
    return lambda w, v: float(np.linalg.norm(w * v))


# --- balance -----------------------------------------------------------------------------------------------------------
def _rescaled(ref, w, b, v, b0, factor, biases=lambda b, c: c * b):
    """Rescaled by factor(w, v), the constants in b0."""
    live = (w != 0) & (v != 0)
    b0 = b0 + float(np.maximum(b[w == 0], 0) @ v[w == 0])
    w, b, v = w[live], b[live], v[live]
    c = factor(w, v)
    return c * w, biases(b, c), v / c, b0


@planted("balance")
def root_forgotten(ref):
    """c = |v / w| without the root: the layers change places."""
    return lambda *theta: _rescaled(ref, *theta, lambda w, v: np.abs(v / w))


@planted("balance")
def upside_down(ref):
    """c is the root of |w / v|: more out of balance than before."""
    return lambda *theta: _rescaled(ref, *theta, lambda w, v: np.sqrt(np.abs(w / v)))


@planted("balance")
def biases_not_rescaled(ref):
    """The biases stay as they are, so that the bends move."""
    return lambda *theta: _rescaled(ref, *theta, lambda w, v: np.sqrt(np.abs(v / w)), lambda b, c: +b)


@planted("balance")
def unit_incoming_weights(ref):
    """|w| = 1: the path norm is then in v alone, and the cost is not least."""
    return lambda *theta: _rescaled(ref, *theta, lambda w, v: 1 / np.abs(w))


@planted("balance")
def balanced_with_the_bias(ref):
    """The incoming side is taken to be (w, b): right only where biases cost, too."""

    def balance(w, b, v, b0):
        live = (w != 0) & (v != 0)
        kept = b[live]
        return _rescaled(ref, w, b, v, b0, lambda w, v: np.sqrt(np.abs(v) / np.hypot(w, kept)))

    return balance


@planted("balance")
def constants_forgotten(ref):
    """Units with w = 0 are dropped, and what they gave with them."""

    def balance(w, b, v, b0):
        live = w != 0
        return ref.balance(w[live], b[live], v[live], b0)

    return balance


@planted("balance")
def constants_without_nonlinearity(ref):
    """A constant unit adds v b to the bias even where b is negative."""

    def balance(w, b, v, b0):
        live = w != 0
        return ref.balance(w[live], b[live], v[live], b0 + float(b[~live] @ v[~live]))

    return balance


@planted("balance")
def one_factor_for_all(ref):
    """One factor for whole layers, that of their norms."""

    def balance(w, b, v, b0):
        live = (w != 0) & (v != 0)
        layers = np.linalg.norm(v[live]), np.linalg.norm(w[live])
        return _rescaled(ref, w, b, v, b0, lambda w, v: np.sqrt(layers[0] / layers[1]) * np.ones(len(w)))

    return balance


@planted("balance")
def signs_lost(ref):
    """The outgoing weights come back without their signs."""

    def balance(w, b, v, b0):
        found = ref.balance(w, b, v, b0)
        return found.w, found.b, np.abs(found.v), found.b0

    return balance


@planted("balance")
def idle_units_kept(ref):
    """Units with v = 0 are kept, with weights 0 and their biases."""

    def balance(w, b, v, b0):
        found, idle = ref.balance(w, b, v, b0), (v == 0) & (w != 0)
        none = np.zeros(idle.sum())
        return np.append(found.w, none), np.append(found.b, 0 * b[idle]), np.append(found.v, none), found.b0

    return balance
