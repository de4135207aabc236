"""Planted bugs of deep linear networks."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


def _arrays(*values):
    return (np.asarray(value, np.float64) for value in values)


# --- the velocity of the product ---------------------------------------------------------------------------------------
def _velocity(w, g, power, along):
    """-|w|^power (g + along * (g along w)), 0 at w = 0 unless power is 0."""
    w, g = _arrays(w, g)
    norm = np.linalg.norm(w)
    v = w / norm if norm else w
    return -(norm**power) * (g + along * (v @ g) * v)


@planted("deep_flow_velocity")
def exponent_of_one_layer_more(ref):
    """|w|^(2 - 1/L)."""
    return lambda w, g, layers: _velocity(w, g, 2 - 1 / layers if layers > 1 else 0, layers - 1)


@planted("deep_flow_velocity")
def exponent_halved(ref):
    """|w|^(1 - 1/L)."""
    return lambda w, g, layers: _velocity(w, g, 1 - 1 / layers, layers - 1)


@planted("deep_flow_velocity")
def all_layers_along(ref):
    """L times the part along w on top of it, for L - 1."""
    return lambda w, g, layers: _velocity(w, g, 2 - 2 / layers, layers if layers > 1 else 0)


@planted("deep_flow_velocity")
def part_along_forgotten(ref):
    """The gradient with a factor alone: all directions are as fast."""
    return lambda w, g, layers: _velocity(w, g, 2 - 2 / layers, 0)


@planted("deep_flow_velocity")
def part_along_taken_off(ref):
    """The part along w is subtracted."""
    return lambda w, g, layers: _velocity(w, g, 2 - 2 / layers, 1 - layers)


@planted("deep_flow_velocity")
def direction_not_normalised(ref):
    """w w^T g, not divided by |w|^2."""

    def deep_flow_velocity(w, g, layers):
        w, g = _arrays(w, g)
        return -(np.linalg.norm(w) ** (2 - 2 / layers)) * (g + (layers - 1) * (w @ g) * w)

    return deep_flow_velocity


@planted("deep_flow_velocity")
def uphill_in_the_product(ref):
    """The sign."""
    return lambda w, g, layers: -ref.deep_flow_velocity(w, g, layers)


@planted("deep_flow_velocity")
def leaves_the_saddle(ref):
    """At w = 0 it moves down the gradient, which no layer does."""

    def deep_flow_velocity(w, g, layers):
        return ref.deep_flow_velocity(w, g, layers) if np.any(w) else -np.asarray(g, np.float64)

    return deep_flow_velocity


# --- factors -----------------------------------------------------------------------------------------------------------
@planted("balanced_layers")
def all_in_the_first_layer(ref):
    """The first layer is w, the others have norm 1."""

    def balanced_layers(w, layers, width=None):
        found = ref.balanced_layers(w, layers, width)
        norm = np.linalg.norm(w)
        size = norm ** (1 / layers) if norm else 1.0
        return found.first * norm / size, found.hidden / size, found.last / size

    return balanced_layers


@planted("balanced_layers")
def root_of_the_wrong_order(ref):
    """The root of order L - 1: the product is longer than w."""

    def balanced_layers(w, layers, width=None):
        found = ref.balanced_layers(w, layers, width)
        norm = np.linalg.norm(w)
        more = norm ** (1 / (layers - 1) - 1 / layers) if norm else 1.0
        return found.first * more, found.hidden * more, found.last * more

    return balanced_layers


@planted("balanced_layers")
def identity_inside(ref):
    """Hidden layers are multiples of the identity: the product is right, the balance is not."""

    def balanced_layers(w, layers, width=None):
        found = ref.balanced_layers(w, layers, width)
        size = np.linalg.norm(w) ** (1 / layers)
        return found.first, np.zeros_like(found.hidden) + size * np.eye(len(found.first)), found.last

    return balanced_layers


@planted("balanced_layers")
def units_of_their_own(ref):
    """Hidden layers lead to another unit than the next one reads: the product is 0."""

    def balanced_layers(w, layers, width=None):
        found = ref.balanced_layers(w, layers, width)
        return found.first, found.hidden, found.last[:, ::-1].copy()

    return balanced_layers


@planted("balanced_layers")
def sign_dropped(ref):
    """Magnitudes: the signs of w are gone."""

    def balanced_layers(w, layers, width=None):
        found = ref.balanced_layers(w, layers, width)
        return np.abs(found.first), found.hidden, found.last

    return balanced_layers


@planted("balanced_layers")
def width_not_read(ref):
    """Always as wide as the input."""
    return lambda w, layers, width=None: ref.balanced_layers(w, layers)


# --- the product -------------------------------------------------------------------------------------------------------
@planted("end_to_end")
def layers_in_reverse(ref):
    """Hidden layers in the other order."""
    return lambda first, hidden, last: ref.end_to_end(first, np.asarray(hidden)[::-1], last)


@planted("end_to_end")
def transposed_layers(ref):
    """Hidden layers are transposed, which fits."""
    return lambda first, hidden, last: ref.end_to_end(first, np.asarray(hidden).swapaxes(1, 2), last)


@planted("end_to_end")
def hidden_layer_left_out(ref):
    """The last hidden layer is left out."""
    return lambda first, hidden, last: ref.end_to_end(first, np.asarray(hidden)[:-1], last)


@planted("end_to_end")
def rectified(ref):
    """A rectifier between the layers."""

    def end_to_end(first, hidden, last):
        x = np.asarray(first, np.float64)
        for layer in hidden:
            x = layer @ np.maximum(x, 0)
        return (last @ x)[0]

    return end_to_end


@planted("end_to_end")
def sum_of_layers(ref):
    """Hidden layers with the identity added, as in a residual network."""

    def end_to_end(first, hidden, last):
        hidden = np.asarray(hidden, np.float64)
        return ref.end_to_end(first, hidden + np.eye(len(first)), last)

    return end_to_end


# --- velocities of layers ----------------------------------------------------------------------------------------------
@planted("layer_velocities")
def layers_climb(ref):
    """The sign."""
    return lambda *network: tuple(-part for part in ref.layer_velocities(*network))


@planted("layer_velocities")
def above_not_transposed(ref):
    """Hidden velocities are transposed, which fits."""

    def layer_velocities(*network):
        found = ref.layer_velocities(*network)
        return found.first, found.hidden.swapaxes(1, 2).copy(), found.last

    return layer_velocities


@planted("layer_velocities")
def first_layer_only(ref):
    """Only the first layer learns."""

    def layer_velocities(*network):
        found = ref.layer_velocities(*network)
        return found.first, 0 * found.hidden, 0 * found.last

    return layer_velocities


@planted("layer_velocities")
def hidden_in_reverse(ref):
    """The velocities of hidden layers come in the other order."""

    def layer_velocities(*network):
        found = ref.layer_velocities(*network)
        return found.first, found.hidden[::-1].copy(), found.last

    return layer_velocities


@planted("layer_velocities")
def own_layer_in_the_chain(ref):
    """The last layer's own weights are in its gradient."""

    def layer_velocities(first, hidden, last, gradient):
        found = ref.layer_velocities(first, hidden, last, gradient)
        return found.first, found.hidden, found.last * last

    return layer_velocities


@planted("layer_velocities")
def divided_by_the_depth(ref):
    """The gradient is shared out among the layers."""

    def layer_velocities(first, hidden, last, gradient):
        return tuple(part / (len(hidden) + 2) for part in ref.layer_velocities(first, hidden, last, gradient))

    return layer_velocities


@planted("layer_velocities")
def parts_exchanged_with_the_product(ref):
    """The gradient by the product is taken for the product."""

    def layer_velocities(first, hidden, last, gradient):
        return ref.layer_velocities(first, hidden, last, ref.end_to_end(first, hidden, last))

    return layer_velocities
