"""The laws of networks: what they compute, what they cost, how rescaling makes them cheaper."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Contract, Golden, agree, holds, identical, law
from minidl.laws.infinite_width.cases import EPS, PAPER, PROBES, UNITS, units
from minidl.laws.infinite_width.oracle import bends, cheapest, exact, floats, network, slope_at_the_left
from minidl.laws.infinite_width.planted import bugs_of

THETA = ("w", "b", "v", "b0")


def call(impl, case, **changed):
    case = case | changed
    return np.asarray(impl.network(case["x"], *(case[name] for name in THETA)))


def size(case, x=None):
    """The sum of the magnitudes of all terms of h at each point: what the rounding of a sum is measured in."""
    x = np.abs(case["x"] if x is None else x)
    w, b, v = (np.abs(case[name]) for name in THETA[:3])
    return (np.outer(x, w) + b) @ v + abs(case["b0"])


def ulps(case):
    """Each unit is rounded four times (two products, two sums), and the sum once for each."""
    return 4 + len(case["w"])


# --- the network -------------------------------------------------------------------------------------------------------
@law(
    cases=UNITS,
    needs=("network",),
    grade="numerical",
    equation=r"h(x) = \sum_i v_i [w_i x + b_i]_+ + b_0",
    source=f"{PAPER}, the model",
)
def units_added_up(impl, case):
    """h is the sum of its units, in fractions."""
    expected = floats(network(case["x"], *(case[name] for name in THETA)))
    agree(call(impl, case), expected, why="h", ulps=ulps(case), scale=size(case))


@law(
    cases=UNITS,
    needs=("network",),
    grade="numerical",
    equation=r"h(w, b) - h(-w, -b) = \sum_i v_i (w_i x + b_i)",
    source="[z]_+ - [-z]_+ = z",
)
def two_halves_make_a_line(impl, case):
    """With all units turned around, inside, the two networks differ by a straight line."""
    turned = call(impl, case, w=-case["w"], b=-case["b"])
    w, b, v, x = (exact(case[name]) for name in ("w", "b", "v", "x"))
    line = floats(sum(vi * (wi * p + bi) for wi, bi, vi in zip(w, b, v, strict=True)) for p in x)
    agree(call(impl, case) - turned, line, why="h minus h turned", ulps=2 * ulps(case) + 1, scale=2 * size(case))


@law(
    cases=UNITS,
    needs=("network",),
    grade="exact",
    equation=r"(w, b, v) \to (2^n w, 2^n b, 2^{-n} v)",
    source=f"{PAPER}, the model",
)
def powers_of_two_do_not_show(impl, case):
    """Rescaling units by powers of two changes no bit."""
    c = 2.0 ** np.resize([3, -2, 1], len(case["w"]))
    identical(call(impl, case, w=c * case["w"], b=c * case["b"], v=case["v"] / c), call(impl, case), why="h rescaled")


# --- costs -------------------------------------------------------------------------------------------------------------
@law(
    cases=UNITS,
    needs=("weight_cost",),
    grade="numerical",
    equation=r"C = \tfrac12 \sum_i (w_i^2 + v_i^2)",
    source=f"{PAPER}, the model",
)
def squares_of_all_weights(impl, case):
    """Half the sum of the squares of both layers, in fractions."""
    expected = sum(a * a for name in ("w", "v") for a in exact(case[name])) / 2
    agree(impl.weight_cost(case["w"], case["v"]), float(expected), why="C", ulps=2 + 2 * len(case["w"]))


@law(
    cases=UNITS,
    needs=("weight_cost", "path_norm"),
    grade="numerical",
    equation=r"C - \sum_i |v_i w_i| = \tfrac12 \sum_i (|w_i| - |v_i|)^2 \ge 0",
    source="inequality of arithmetic and geometric means",
)
def imbalance_costs(impl, case):
    """The cost exceeds the path norm by what units are out of balance; it is equal exactly where |v| = |w|."""
    w, v = case["w"], case["v"]
    slack = sum((abs(a) - abs(c)) ** 2 for a, c in zip(exact(w), exact(v), strict=True)) / 2
    got = impl.weight_cost(w, v) - impl.path_norm(w, v)
    scale = float(w @ w + v @ v)
    agree(got, float(slack), why="C minus path norm", ulps=4 + 2 * len(w), scale=scale)
    same = np.resize([1.0, -1.0], len(w)) * w
    agree(impl.weight_cost(w, same), impl.path_norm(w, same), why="C in balance", ulps=4 + 2 * len(w), scale=scale)


@law(
    cases=UNITS,
    needs=("path_norm",),
    grade="numerical",
    equation=r"\sum_i |v_i w_i| \ge \bar R(h)",
    source=f"{PAPER}, the norm of a function",
)
def no_network_is_cheaper_than_its_function(impl, case):
    """The path norm is at least the least one of networks with the same bends and slopes, which is found by exhaustion."""
    small = {name: case[name][:5] for name in ("w", "b", "v")}
    jumps = list(bends(**small).values())
    first = slope_at_the_left(small["w"], small["v"])
    slopes = [first + sum(jumps[:k]) for k in range(len(jumps) + 1)]
    got = impl.path_norm(small["w"], small["v"])
    rounding = 8 * EPS * float(np.abs(small["w"]) @ np.abs(small["v"]))
    holds(got >= float(cheapest(slopes)) - rounding, why="path norm", got=got, expected=cheapest(slopes))


@law(
    cases=UNITS,
    needs=("path_norm",),
    grade="numerical",
    equation=r"\sum_i |v_i w_i| = \min_{c > 0} C",
    source=f"{PAPER}, the model",
)
def what_rescaling_cannot_change(impl, case):
    """The path norm is the sum of |v w|, and no power of two that goes from one layer to the other changes a bit of it."""
    w, v = case["w"], case["v"]
    expected = sum((abs(a * c) for a, c in zip(exact(w), exact(v), strict=True)), 0)
    got = impl.path_norm(w, v)
    agree(got, float(expected), why="path norm", ulps=2 + len(w))
    c = 2.0 ** np.resize([5, -3, 0, -1], len(w))
    identical(impl.path_norm(c * w, v / c), got, why="path norm after rescaling")
    identical(impl.path_norm(-v, w), got, why="path norm with the layers exchanged")


# --- balance -----------------------------------------------------------------------------------------------------------
def balanced(impl, case):
    return {name: np.asarray(value) for name, value in zip(THETA, impl.balance(*(case[n] for n in THETA)), strict=True)}


@law(
    cases=UNITS,
    needs=("balance",),
    grade="numerical",
    equation=r"h_{cw, cb, v/c} = h_{w, b, v}",
    source=f"{PAPER}, the model",
)
def balance_keeps_the_function(impl, case):
    """The balanced network computes the same, at 41 points and at those of the case."""
    x = np.concatenate([PROBES, case["x"]])
    expected = floats(network(x, *(case[name] for name in THETA)))
    got = floats(network(x, **balanced(impl, case)))
    agree(got, expected, why="h after balancing", ulps=8 + len(case["w"]), scale=size(case, x))


@law(
    cases=UNITS, needs=("balance",), grade="numerical", equation=r"|v_i| = |w_i| = \sqrt{|v_i w_i|_{old}}", source=PAPER
)
def both_layers_alike(impl, case):
    """Both layers have the same magnitudes, the root of the old product, and the cost is the old path norm."""
    live = (case["w"] != 0) & (case["v"] != 0)
    w, b, v = (case[name][live] for name in ("w", "b", "v"))
    got = balanced(impl, case)
    root = np.sqrt(np.abs(w * v))
    agree(got["w"], np.sign(w) * root, why="w: bends are in the old order", ulps=4, scale=root)
    agree(got["v"], np.sign(v) * root, why="v", ulps=4, scale=root)
    agree(-got["b"] / got["w"], -b / w, why="where units bend", ulps=8, scale=np.abs(b / w))
    agree((got["w"] @ got["w"] + got["v"] @ got["v"]) / 2, np.abs(w) @ np.abs(v), why="cost", ulps=8 + 2 * len(w))


@law(
    cases=UNITS,
    needs=("balance",),
    grade="numerical",
    equation=r"w_i = 0: \ b_0 \mathrel{+}= v_i [b_i]_+",
    source=PAPER,
)
def constants_go_to_the_bias(impl, case):
    """No unit is left that is constant or idle, and the bias is the old one and the constants."""
    got = balanced(impl, case)
    holds(bool((got["w"] != 0).all() and (got["v"] != 0).all()), why="units that do nothing are dropped", got=got["w"])
    triples = zip(*(exact(case[name]) for name in ("w", "b", "v")), strict=True)
    constants = [vi * max(bi, 0) for wi, bi, vi in triples if wi == 0]
    expected = exact(case["b0"])[0] + sum(constants)
    scale = abs(case["b0"]) + float(sum(map(abs, constants)))
    agree(got["b0"], float(expected), why="b0", ulps=2 + len(constants), scale=scale)


@law(cases=UNITS, needs=("balance",), grade="numerical", equation=r"C(c) \ge C(1)", source="least at balance")
def no_rescaling_is_cheaper(impl, case):
    """Whatever is moved from one layer of the balanced network to the other, the cost rises."""
    got = balanced(impl, case)
    best = (got["w"] @ got["w"] + got["v"] @ got["v"]) / 2
    for c in (0.5, 0.9, 1.1, 2.0):
        factors = np.where(np.arange(len(got["w"])) % 2, c, 1.0)
        for factor in (factors, c * np.ones(len(factors))):
            w, v = got["w"] * factor, got["v"] / factor
            holds(bool((w @ w + v @ v) / 2 >= best * (1 - 16 * EPS)), why=f"cost after rescaling by {c}")


# --- contracts ---------------------------------------------------------------------------------------------------------
_ABS = units([1, -1], [0, 0], [1, 1], x=[-2, 0, 3])
_PRINTED = units([1, -2, 0.5], [1, 0, -1], [2, -1, 4], 0.5, x=[-3, -1, 0, 2, 4])


def _golden(function, case, note, **outputs):
    return Golden(function, case, outputs, 12, note)


UNIT_CONTRACTS = (
    Contract(
        "network",
        ("x", *THETA),
        ("h",),
        UNITS,
        "A network with one hidden layer at points (M,).",
        laws=(units_added_up, two_halves_make_a_line, powers_of_two_do_not_show),
        planted=bugs_of("network"),
        golden=(
            _golden("network", _ABS, "the absolute value by two units", h=[2.0, 0.0, 3.0]),
            _golden("network", _PRINTED, "three units by hand", h=[-5.5, -1.5, 2.5, 6.5, 14.5]),
        ),
    ),
    Contract(
        "weight_cost",
        ("w", "v"),
        ("cost",),
        UNITS,
        "Half the sum of the squared weights of both layers.",
        laws=(squares_of_all_weights, imbalance_costs),
        planted=bugs_of("weight_cost"),
        golden=(_golden("weight_cost", _PRINTED, "(1 + 4 + 1/4 + 4 + 1 + 16) / 2", cost=13.125),),
    ),
    Contract(
        "path_norm",
        ("w", "v"),
        ("norm",),
        UNITS,
        "The sum over units of |v w|.",
        laws=(no_network_is_cheaper_than_its_function, what_rescaling_cannot_change, imbalance_costs),
        planted=bugs_of("path_norm"),
        golden=(_golden("path_norm", _PRINTED, "2 + 2 + 2", norm=6.0),),
    ),
    Contract(
        "balance",
        THETA,
        THETA,
        UNITS,
        "The same function by balanced units, without constant and idle ones.",
        laws=(balance_keeps_the_function, both_layers_alike, constants_go_to_the_bias, no_rescaling_is_cheaper),
        planted=bugs_of("balance"),
        golden=(
            _golden(
                "balance",
                units([4, 0, -1], [8, 3, 2], [1, 0.5, -9], 1),
                "c = 1/2, a constant of 3/2, and c = 3",
                w=[2.0, -3.0],
                b=[4.0, 6.0],
                v=[2.0, -3.0],
                b0=2.5,
            ),
        ),
    ),
)
