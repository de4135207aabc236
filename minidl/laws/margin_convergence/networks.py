"""The laws of the layers of deep linear networks: factors, their product, their velocities."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from minidl.laws.core import Case, Cases, Contract, agree, holds, law
from minidl.laws.margin_convergence.cases import left_to_itself, rotation
from minidl.laws.margin_convergence.clocks import LONG
from minidl.laws.margin_convergence.planted import bugs_of
from minidl.laws.margin_convergence.products import (
    ARORA,
    ULPS,
    VELOCITIES,
    chain_rule,
    matrices,
    polynomial_derivative,
    product,
    sizes,
    vectors,
)


# --- cases -------------------------------------------------------------------------------------------------------------
def _network(seed: int, d: int, layers: int, h: int) -> Case:
    """Any layers, not balanced."""
    rng = np.random.default_rng(seed)
    sizes = {"first": (h, d), "hidden": (layers - 2, h, h), "last": (1, h), "gradient": (d,)}
    return {name: np.round(rng.normal(size=size), 2) for name, size in sizes.items()}


def _drawn_networks():
    from hypothesis import strategies as st

    return st.builds(_network, st.integers(0, 9999), st.integers(1, 4), st.integers(2, 5), st.integers(1, 4))


NETWORKS = Cases(
    named={
        "two_layers": _network(1, 3, 2, 2),
        "three_layers": _network(2, 2, 3, 3),
        "square": _network(3, 2, 4, 2),
        "deep": _network(4, 3, 6, 2),
        "narrow": _network(5, 3, 4, 1),
    },
    generated=_drawn_networks,
    notes={"square": "all layers alike: a transposed one fits as well", "two_layers": "nothing is hidden"},
)


def _factored(seed: int, d: int, layers: int, width: int) -> Case:
    return {"w": vectors(seed, d, layers)["w"], "layers": layers, "width": width}


def _drawn_factored():
    from hypothesis import strategies as st

    return st.builds(_factored, st.integers(0, 9999), st.integers(1, 4), st.integers(2, 6), st.integers(1, 4))


FACTORED = Cases(
    named={
        f"layers_{layers}_width_{h}": _factored(layers + h, d, layers, h)
        for layers, h, d in ((2, 1, 3), (2, 3, 3), (3, 2, 4), (5, 3, 2))
    }
    | {"at_zero": {"w": np.zeros(3), "layers": 3, "width": 2}},
    generated=_drawn_factored,
    notes={"at_zero": "no direction to factor: all layers are 0"},
)


# --- factors and products ----------------------------------------------------------------------------------------------
def _factors(impl: Any, case: Case) -> Any:
    return impl.balanced_layers(case["w"], case["layers"], case["width"])


@law(
    cases=FACTORED,
    needs=("balanced_layers",),
    grade="numerical",
    equation=r"W_L \cdots W_1 = w^\top, \quad W_{l+1}^\top W_{l+1} = W_l W_l^\top",
    source=ARORA,
)
def factors_of_equal_weight(impl, case):
    """The layers have the product w, the shapes asked for, and each as much on its outer side as the next on its inner one."""
    w, count, h = case["w"], case["layers"], case["width"]
    found = _factors(impl, case)
    shapes = [np.shape(part) for part in found]
    expected = [(h, len(w)), (count - 2, h, h), (1, h)]
    holds(shapes == expected, why="the shapes", expected=expected, got=shapes)
    layers = matrices(*found)
    ulps, norm = ULPS * (count + h + len(w)), float(np.linalg.norm(w))
    agree(product(layers).astype(np.float64), w, why="the product", ulps=ulps, scale=norm)
    for n, (inner, outer) in enumerate(itertools.pairwise(layers)):
        one, other = (outer.T @ outer).astype(np.float64), (inner @ inner.T).astype(np.float64)
        agree(one, other, why=f"balance of layers {n + 1} and {n + 2}", ulps=ulps, scale=norm ** (2 / count))
    for n, layer in enumerate(layers):
        size = float(np.sqrt((layer**2).sum()))
        agree(size, norm ** (1 / count), why=f"the norm of layer {n + 1}", ulps=ulps, scale=norm ** (1 / count))


@law(cases=FACTORED, needs=("balanced_layers",), grade="exact", source="convention")
def as_wide_as_the_input_by_default(impl, case):
    """Left out, the width is that of the input."""
    w, count = case["w"], case["layers"]
    got = left_to_itself(impl.balanced_layers, w, count)
    for one, other in zip(got, impl.balanced_layers(w, count, len(w)), strict=True):
        agree(np.asarray(one), np.asarray(other), why="the layers", ulps=0)


@law(
    cases=NETWORKS,
    needs=("end_to_end",),
    grade="numerical",
    equation=r"w_j = \sum_{i_1, \ldots, i_{L-1}} W_L^{1 i_{L-1}} \cdots W_2^{i_2 i_1} W_1^{i_1 j}",
    source="definition",
)
def sum_over_paths(impl, case):
    """From each input, the weights along all paths to the output, multiplied and added up."""
    parts = [case[name] for name in ("first", "hidden", "last")]
    layers = matrices(*parts)
    ulps = ULPS * (len(layers) + sum(layers[0].shape))
    expected, scale = product(layers).astype(np.float64), sizes(layers).astype(np.float64)
    agree(impl.end_to_end(*parts), expected, why="the product", ulps=ulps, scale=scale)


@law(
    cases=NETWORKS,
    needs=("end_to_end",),
    grade="numerical",
    equation=r"w(\ldots, A W_l, \ldots) = w(\ldots, W_{l+1} A, \ldots), \quad w(c W_1) = c\, w(W_1)",
    source="associativity",
)
def factors_move_between_layers(impl, case):
    """A matrix at the outer side of one layer is as good at the inner side of the next; a factor comes out."""
    first, hidden, last = (case[name] for name in ("first", "hidden", "last"))
    h = len(first)
    a = rotation(3, h) + np.eye(h)
    got = np.asarray(impl.end_to_end(first, hidden, last))
    scale = sizes(matrices(np.abs(a) @ np.abs(first), hidden, last)).astype(np.float64).max() * 4 * h
    outer = np.asarray(impl.end_to_end(a @ first, hidden, last))
    if len(hidden):
        moved = np.concatenate([(hidden[0] @ a)[None], hidden[1:]])
        inner = np.asarray(impl.end_to_end(first, moved, last))
    else:
        inner = np.asarray(impl.end_to_end(first, hidden, last @ a))
    ulps = ULPS * (len(hidden) + 2 + 2 * h)
    agree(inner, outer, why="a matrix on either side", ulps=ulps, scale=scale)
    agree(
        np.asarray(impl.end_to_end(2 * first, hidden, -4 * last)), -8 * got, why="factors", ulps=ulps, scale=8 * scale
    )


# --- velocities of layers ----------------------------------------------------------------------------------------------
def _moves(impl: Any, case: Case) -> list[np.ndarray]:
    found = impl.layer_velocities(*(case[name] for name in ("first", "hidden", "last", "gradient")))
    for name, part in zip(("first", "hidden", "last"), found, strict=True):
        shape = np.shape(case[name])
        holds(np.shape(part) == shape, why=f"the shape of {name}'s velocity", expected=shape, got=np.shape(part))
    return matrices(*found)


@law(
    cases=NETWORKS,
    needs=("layer_velocities",),
    grade="numerical",
    equation=r"\dot W_l^{ij} = -\partial (g \cdot w) / \partial W_l^{ij}",
    source="chain rule",
)
def down_the_gradient_entry_by_entry(impl, case):
    """The product is linear in every entry of a layer: each velocity is minus the product with 1 there and 0 beside it."""
    layers = matrices(*(case[name] for name in ("first", "hidden", "last")))
    expected = chain_rule(layers, case["gradient"].astype(LONG))
    large = chain_rule([-np.abs(layer) for layer in layers], np.abs(case["gradient"]).astype(LONG))
    ulps = ULPS * (len(layers) + sum(layers[0].shape))
    for n, (got, want, scale) in enumerate(zip(_moves(impl, case), expected, large, strict=True)):
        size = np.abs(scale).astype(np.float64)
        agree(got.astype(np.float64), want.astype(np.float64), why=f"layer {n + 1}", ulps=ulps, scale=size)


@law(
    cases=NETWORKS,
    needs=("layer_velocities",),
    grade="numerical",
    equation=r"\frac{d}{dt} (W_{l+1}^\top W_{l+1} - W_l W_l^\top) = 0, \quad \langle W_l, \dot W_l \rangle = -g \cdot w",
    source=ARORA,
)
def balance_is_kept(impl, case):
    """What one layer gains on its outer side the next gains on its inner one; each has the same product with its velocity."""
    layers, moves = matrices(*(case[name] for name in ("first", "hidden", "last"))), _moves(impl, case)
    gradient = case["gradient"].astype(LONG)
    expected = float(-(product(layers) @ gradient))
    scale = float(sizes(layers) @ np.abs(gradient))
    ulps = 4 * ULPS * (len(layers) + sum(layers[0].shape))
    for n, (layer, move) in enumerate(zip(layers, moves, strict=True)):
        agree(float((layer * move).sum()), expected, why=f"layer {n + 1} and its velocity", ulps=ulps, scale=scale)
    large = chain_rule([-np.abs(layer) for layer in layers], np.abs(gradient))
    for n in range(len(layers) - 1):
        gain = (layers[n + 1].T @ moves[n + 1]).astype(np.float64)
        other = (moves[n] @ layers[n].T).astype(np.float64)
        size = np.abs(large[n]) @ np.abs(layers[n]).T + np.abs(layers[n + 1]).T @ np.abs(large[n + 1])
        agree(gain, other, why=f"layers {n + 1} and {n + 2}", ulps=ulps, scale=size.astype(np.float64))


@law(
    cases=VELOCITIES,
    needs=("balanced_layers", "layer_velocities", "deep_flow_velocity"),
    grade="numerical",
    equation=r"\frac{d}{dt} W_L \cdots W_1 = -\|w\|^{2 - 2/L} (g + (L - 1) w w^\top g / \|w\|^2)",
    source=ARORA,
)
def layers_move_the_product(impl, case):
    """Balanced layers, moved by their velocities, move their product by its own."""
    w, g, count = case["w"], case["gradient"], max(2, case["layers"])
    found = impl.balanced_layers(w, count, 2)
    layers, moves = matrices(*found), matrices(*impl.layer_velocities(*found, g))
    got = polynomial_derivative(layers, moves).astype(np.float64)
    size = count * float(np.abs(g).max()) * float((w**2).sum()) ** (1 - 1 / count)
    ulps = 4 * ULPS * (count + len(w))
    agree(got, np.asarray(impl.deep_flow_velocity(w, g, count)), why="dw/dt", ulps=ulps, scale=size)


# --- contracts ---------------------------------------------------------------------------------------------------------
def _entry(case: Case) -> float:
    """The size of the terms of a network's product and velocities."""
    layers = matrices(*(case[name] for name in ("first", "hidden", "last")))
    large = [sizes(layers), *(chain_rule([-np.abs(one) for one in layers], np.abs(case["gradient"]).astype(LONG)))]
    return float(max(np.abs(part).max() for part in large))


NETWORK_CONTRACTS = (
    Contract(
        "balanced_layers",
        ("w", "layers", "width"),
        ("first", "hidden", "last"),
        FACTORED,
        "Balanced layers (h, d), (L - 2, h, h) and (1, h) with the product w.",
        laws=(factors_of_equal_weight, as_wide_as_the_input_by_default),
        planted=bugs_of("balanced_layers"),
    ),
    Contract(
        "end_to_end",
        ("first", "hidden", "last"),
        ("w",),
        NETWORKS,
        "The vector (d,) that layers (h, d), (L - 2, h, h) and (1, h) compute.",
        laws=(sum_over_paths, factors_move_between_layers),
        planted=bugs_of("end_to_end"),
        terms=_entry,
    ),
    Contract(
        "layer_velocities",
        ("first", "hidden", "last", "gradient"),
        ("first", "hidden", "last"),
        NETWORKS,
        "dW/dt of all layers, by the gradient (d,) of the loss with respect to their product.",
        laws=(down_the_gradient_entry_by_entry, balance_is_kept, layers_move_the_product),
        planted=bugs_of("layer_velocities"),
        terms=_entry,
    ),
)
