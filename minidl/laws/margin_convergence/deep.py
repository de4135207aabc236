"""The laws of the vector that a deep linear network computes, and of how it moves."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.laws.core import Case, Cases, Contract, agree, law
from minidl.laws.margin_convergence.cases import WORKED, rotation, worked
from minidl.laws.margin_convergence.clocks import LONG
from minidl.laws.margin_convergence.extrapolation import integrate
from minidl.laws.margin_convergence.flow_cases import flowing, reaches, run
from minidl.laws.margin_convergence.planted import bugs_of
from minidl.laws.margin_convergence.products import ARORA, ULPS, VELOCITIES, balanced, chain_rule, polynomial_derivative


# --- the velocity of the product ---------------------------------------------------------------------------------------
def _velocity(impl: Any, case: Case, **changed: Any) -> np.ndarray:
    case = case | changed
    return np.asarray(impl.deep_flow_velocity(case["w"], case["gradient"], case["layers"]))


@law(
    cases=VELOCITIES,
    needs=("deep_flow_velocity",),
    grade="numerical",
    equation=r"\frac{d}{dt} W_L \cdots W_1 = \sum_l W_L \cdots \dot W_l \cdots W_1, "
    r"\quad \dot W_l = -\partial L / \partial W_l",
    source=ARORA,
)
def product_of_moving_layers(impl, case):
    """Explicit balanced layers, each moved down its own gradient: how their product moves, by the product rule."""
    layers = balanced(case["w"], case["layers"])
    expected = polynomial_derivative(layers, chain_rule(layers, case["gradient"].astype(LONG)))
    size = (
        case["layers"]
        * float(np.abs(case["gradient"]).max())
        * float((case["w"] ** 2).sum()) ** (1 - 1 / case["layers"])
    )
    ulps = ULPS * (case["layers"] + len(case["w"]))
    agree(_velocity(impl, case), expected.astype(np.float64), why="dw/dt", ulps=ulps, scale=size)


@law(
    cases=VELOCITIES,
    needs=("deep_flow_velocity",),
    grade="numerical",
    equation=r"\dot w \cdot w = -L \|w\|^{2 - 2/L} g \cdot w, \quad P \dot w = -\|w\|^{2 - 2/L} P g, \quad "
    r"\dot w(c w) = |c|^{2 - 2/L} \dot w(w), \quad \dot w(Q w, Q g) = Q \dot w(w, g)",
    source=ARORA,
)
def parts_along_and_across(impl, case):
    """The part along w is L times as fast as that across; both go with a power of |w|, and turn with the coordinates."""
    w, g, n = case["w"], case["gradient"], case["layers"]
    got = _velocity(impl, case)
    norm = float(np.linalg.norm(w))
    speed = norm ** (2 - 2 / n)
    size = n * speed * float(np.linalg.norm(g))
    ulps = ULPS * (n + len(w))
    q = rotation(2, len(w))
    agree(_velocity(impl, case, w=q @ w, gradient=q @ g), q @ got, why="turned", ulps=2 * ulps, scale=size)
    agree(_velocity(impl, case, w=-4 * w), 4.0 ** (2 - 2 / n) * got, why="of -4 w", ulps=ulps, scale=16 * size)
    agree(_velocity(impl, case, gradient=-2 * g), -2 * got, why="of -2 g", ulps=ulps, scale=2 * size)
    if norm:
        v = w / norm
        agree(float(got @ v), -n * speed * float(g @ v), why="along w", ulps=ulps, scale=size)
        across = got - (got @ v) * v
        agree(across, -speed * (g - (g @ v) * v), why="across w", ulps=ulps, scale=size)


@law(
    cases=Cases(
        named={
            "two": flowing(WORKED, [0.5, -0.25], [-2.0, 0.0, 2.0], layers=2),
            "three_logistic": flowing(WORKED, [0.2, 0.3], [-1.0, 1.0], ("logistic", 1.0), 3),
            "four": flowing(WORKED / 2, [-0.3, 0.4], [0.0], layers=4),
        }
    ),
    needs=("log_time_flow",),
    grade="numerical",
    equation=r"\dot W_l = -(W_L \cdots W_{l+1})^\top \nabla L(w)^\top (W_{l-1} \cdots W_1)^\top",
    source=ARORA,
)
def flow_of_an_explicit_network(impl, case):
    """The flow of the vector is the product of the flow of balanced layers, integrated one by one in long double."""
    z, count = case["z"].astype(LONG), case["layers"]
    d = z.shape[1]

    def velocity(s: Any, state: np.ndarray) -> np.ndarray:
        a, b = state[:d], state[d:]  # the first layer, and the numbers of the others
        rest = b.prod()
        u = z @ (a * rest)
        weights = np.exp(s - u) if case["tail"] == "exponential" else np.exp(s) / (1 + np.exp(u))
        force = weights @ z  # minus the gradient by the product
        others = np.array([np.delete(b, n).prod() for n in range(len(b))])
        return np.append(rest * force, (a @ force) * others)

    layers = balanced(case["w"], count)
    begin = np.concatenate([layers[0][0], *[layer[0] for layer in layers[1:]]])
    states = integrate(velocity, begin, case["log_times"])
    expected = states[:, :d] * states[:, d:].prod(axis=1, keepdims=True)
    reaches(run(impl, case), expected, "w at each time")


# --- contracts ---------------------------------------------------------------------------------------------------------
DEEP_CONTRACTS = (
    Contract(
        "deep_flow_velocity",
        ("w", "gradient", "layers"),
        ("velocity",),
        VELOCITIES,
        "dw/dt (d,) of the vector that a balanced deep linear network computes.",
        laws=(product_of_moving_layers, parts_along_and_across, flow_of_an_explicit_network),
        planted=bugs_of("deep_flow_velocity"),
        golden=(
            worked(
                "deep_flow_velocity",
                {"w": np.array([3.0, 4.0]), "gradient": np.array([1.0, 0.0]), "layers": 2},
                14,
                "|w| = 5: -5 (1, 0) - 5 (3/5) (3/5, 4/5)",
                velocity=[-6.8, -2.4],
            ),
        ),
        terms=lambda case: case["layers"] * float((case["w"] ** 2).sum() * np.abs(case["gradient"]).max() + 1e-300),
    ),
)
