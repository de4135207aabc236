"""The laws of the gate as a function and as a parameter: how many there are, where they start, how they move."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Cases, Contract, agree, identical, law
from minidl.laws.gated_residual.cases import GATES, PAPER
from minidl.laws.gated_residual.planted import bugs_of

DEPTHS = Cases(
    named={f"depth_{d}": {"depth": d} for d in (2, 10, 20, 50, 100, 30, 24)},
    notes={"depth_30": "ResNet with n = 5: 15 gates", "depth_24": "Wide ResNet with n = 4: 12 gates"},
)
STEPS = Cases(
    named={
        "typical": {"k": np.array([1.0, 0.3]), "dk": np.array([0.5, -1.0]), "rate": 0.1, "decay": 0.0},
        "crosses_zero": {"k": np.array([0.05]), "dk": np.array([2.0]), "rate": 0.1, "decay": 0.0},
        "decays": {"k": np.array([1.0, -2.0]), "dk": np.array([0.0, 0.0]), "rate": 0.1, "decay": 0.5},
    },
    notes={"crosses_zero": "a gate that is clipped at 0 cannot die"},
)


@law(
    cases=GATES,
    needs=("gate",),
    grade="exact",
    equation=r"g(k) - g(-k) = k,\quad \min(g(k), g(-k)) = 0",
    source=PAPER,
)
def rectifier(impl, case):
    """The gate is the one function that is never negative, is 0 at k or at -k, and whose odd part is k."""
    k = np.asarray(case["k"])
    g, mirrored = np.asarray(impl.gate(k)), np.asarray(impl.gate(-k))
    identical(g - mirrored, k, why="g(k) - g(-k)")
    identical(np.minimum(g, mirrored), np.zeros_like(k), why="the smaller of g(k) and g(-k)")


@law(
    cases=GATES,
    needs=("gate", "gate_derivative"),
    grade="numerical",
    equation=r"g'(k) = \frac{g(k + h) - g(k - h)}{2h},\quad h = |k| / 2 > 0",
    source=PAPER,
)
def derivative_of_the_gate(impl, case):
    """Away from 0 the derivative is the slope of the gate, which is the same at every distance short of the kink."""
    k = np.atleast_1d(case["k"])
    k = k[np.abs(k) > 1e-300]  # below, k / 2 is not exact
    slope = (np.asarray(impl.gate(k + k / 2)) - np.asarray(impl.gate(k - k / 2))) / k
    # 3k/2 rounds by half an ulp, the difference of 3k/2 and k/2 and the quotient by half an ulp each
    agree(impl.gate_derivative(k), slope, why="the slope", ulps=4, scale=1)


@law(
    cases=GATES,
    needs=("gate_derivative",),
    grade="exact",
    equation="g'(0) = 0",
    source="convention",
    policy="kink",
)
def derivative_at_the_border(impl, case):
    """At the kink the derivative is 0, so that a gate set to 0 stays removed."""
    zero = np.zeros_like(case["k"])
    identical(impl.gate_derivative(zero), zero, why="g'(0)")


@law(
    cases=DEPTHS,
    needs=("initial_gates",),
    grade="exact",
    equation=r"\#k = d / 2, \quad k_0 = 1",
    source="sections 2.2, 3",
)
def one_gate_per_block(impl, case):
    """Gates add exactly as many parameters as there are two-layer blocks, and a net starts as the ungated one."""
    identical(impl.initial_gates(case["depth"]), np.array([1.0] * (case["depth"] // 2)), why="the gates")


@law(
    cases=STEPS, needs=("gate_step",), grade="numerical", equation=r"k_t = k_0 (1 - \eta \lambda)^t", source="section 3"
)
def decay_on_gates_is_geometric(impl, case):
    """Without a gradient, decay shrinks a gate geometrically; by default there is none and the gate stays, bit by bit."""
    k0, rate, decay = case["k"], case["rate"], case["decay"]
    zero, decayed, kept, steps = np.zeros_like(k0), k0, k0, 5
    for _ in range(steps):
        decayed, kept = impl.gate_step(decayed, zero, rate, decay), impl.gate_step(kept, zero, rate)
    identical(kept, k0, why="gates without decay")
    agree(decayed, k0 * (1 - rate * decay) ** steps, why="decayed gates", ulps=4 * steps, scale=np.abs(k0))


@law(cases=STEPS, needs=("gate_step",), grade="numerical", equation=r"k - k' = \eta \bar k", source="section 3")
def gates_are_never_clipped(impl, case):
    """A step goes as far as its gradient says, below 0 as well."""
    k, rate = case["k"], case["rate"]
    dk = (2 * np.abs(k) + 1) / rate  # leads to k - 2|k| - 1 < 0
    agree(impl.gate_step(k, dk, rate), k - 2 * np.abs(k) - 1, why="the gates", ulps=4, scale=3 * np.abs(k) + 1)


GATE_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "gate",
        ("k",),
        ("g",),
        GATES,
        "The gate: max(k, 0), neither squashed nor clipped.",
        laws=(rectifier,),
        planted=bugs_of("gate"),
    ),
    Contract(
        "gate_derivative",
        ("k",),
        ("derivative",),
        GATES,
        "Its derivative: 1 where k > 0, else 0.",
        laws=(derivative_of_the_gate, derivative_at_the_border),
        planted=bugs_of("gate_derivative"),
        kink=lambda case: bool((np.asarray(case["k"]) == 0).any()),
    ),
    Contract(
        "initial_gates",
        ("depth",),
        ("k",),
        DEPTHS,
        "The gates that a residual stack starts with.",
        laws=(one_gate_per_block,),
        planted=bugs_of("initial_gates"),
    ),
    Contract(
        "gate_step",
        ("k", "dk", "rate", "decay"),
        ("k",),
        STEPS,
        "One step of gradient descent on gates: no decay by default, never clipped.",
        laws=(decay_on_gates_is_geometric, gates_are_never_clipped),
        planted=bugs_of("gate_step"),
    ),
)
