"""The laws of one layer given the other: probabilities, samples made of given noise, and a step of the hidden chain."""

from __future__ import annotations

import math

import numpy as np

from minidl.laws.core import Cases, Contract, agree, holds, identical, law, within
from minidl.laws.mclv_rbm.cases import (
    DEFINITION,
    GENTLE,
    HIDDEN_SAMPLES,
    PAIRS,
    STEPS,
    TOURS,
    VISIBLE_SAMPLES,
    WORKED,
    only,
    parameters,
)
from minidl.laws.mclv_rbm.energies import stacked, theta
from minidl.laws.mclv_rbm.machine import bits, code, dtype, machine, paths, steered
from minidl.laws.mclv_rbm.planted import bugs_of
from minidl.laws.mclv_rbm.ties import AT_REST


def _interior(cases: Cases) -> Cases:
    """Without the case whose noise meets its probability, which a sum over states cannot decide."""
    return only(cases, *(name for name in cases.named if name != "border"), generated=True)


# --- probabilities -----------------------------------------------------------------------------------------------------
@law(
    cases=PAIRS,
    needs=("hidden_probability",),
    grade="numerical",
    equation=r"p(h_j = 1 \mid v) = \sum_h h_j e^{-E(v, h)} / \sum_h e^{-E(v, h)}",
    source=DEFINITION,
)
def hidden_share_of_the_weights(impl, case):
    """A hidden unit's probability is its share of the summed weights of all pairs with this visible state."""
    m = machine(case)
    got = impl.hidden_probability(case["v"], case["W"], case["a"])
    m.agree_p(got, m.h_mean[code(case["v"])], why="p(h = 1 | v)", dtype=dtype(case))


@law(
    cases=PAIRS,
    needs=("visible_probability",),
    grade="numerical",
    equation=r"p(v_i = 1 \mid h) = \sum_v v_i e^{-E(v, h)} / \sum_v e^{-E(v, h)}",
    source=DEFINITION,
)
def visible_share_of_the_weights(impl, case):
    """A visible unit's probability is its share of the summed weights of all pairs with this hidden state."""
    m = machine(case)
    got = impl.visible_probability(case["h"], case["W"], case["b"])
    m.agree_p(got, m.v_mean[code(case["h"])], why="p(v = 1 | h)", dtype=dtype(case))


@law(
    cases=PAIRS,
    needs=("hidden_probability",),
    grade="numerical",
    equation=r"p(h_j = 1;\, -W, -a) = 1 - p(h_j = 1; W, a)",
    source="symmetry",
)
def opposite_weights_give_the_opposite_probability(impl, case):
    """With all weights and biases of the other sign, a hidden unit is on as often as it was off."""
    m, width = machine(case), dtype(case)
    p = np.asarray(impl.hidden_probability(case["v"], case["W"], case["a"]))
    got = impl.hidden_probability(case["v"], -case["W"], -case["a"])
    agree(got, 1 - p, why="p of the opposite unit", ulps=m.terms, scale=m.size)
    zero = impl.hidden_probability(0 * np.asarray(case["v"]), case["W"], 0 * case["a"])
    identical(zero, np.full(np.shape(p), 0.5, width), why="p without any input")


@law(
    cases=PAIRS,
    needs=("visible_probability",),
    grade="numerical",
    equation=r"p(v_i = 1;\, -W, -b) = 1 - p(v_i = 1; W, b)",
    source="symmetry",
)
def opposite_weights_give_the_opposite_visible_probability(impl, case):
    """With all weights and biases of the other sign, a visible unit is on as often as it was off."""
    m, width = machine(case), dtype(case)
    p = np.asarray(impl.visible_probability(case["h"], case["W"], case["b"]))
    got = impl.visible_probability(case["h"], -case["W"], -case["b"])
    agree(got, 1 - p, why="p of the opposite unit", ulps=m.terms, scale=m.size)
    zero = impl.visible_probability(0 * np.asarray(case["h"]), case["W"], 0 * case["b"])
    identical(zero, np.full(np.shape(p), 0.5, width), why="p without any input")


def _stacks(function, *inputs):
    def stacks_of_states(impl, case):
        """Leading axes are independent samples: a stack of states has a stack of results, a single state one result."""
        m, call = machine(case), getattr(impl, function)
        samples = [name for name in inputs if name not in "Wba"]
        rows = call(*(case[name] for name in inputs))
        stack = call(*(stacked(case[name]) if name in samples else case[name] for name in inputs))
        single = call(*(case[name][0] if name in samples else case[name] for name in inputs))
        if not isinstance(rows, tuple):
            rows, stack, single = (rows,), (stack,), (single,)
        for row, many, one in zip(rows, stack, single, strict=True):
            m.agree_p(many, np.asarray(row)[None, :, None], why="a stack", dtype=dtype(case), ulps=m.terms)
            m.agree_p(one, row[0], why="a single state", dtype=dtype(case), ulps=m.terms)

    cases = {"u": HIDDEN_SAMPLES if "v" in inputs else VISIBLE_SAMPLES, "u_v": STEPS}
    chosen = next((cases[name] for name in inputs if name in cases), PAIRS)
    return law(cases=chosen, needs=(function,), grade="numerical", source="convention")(stacks_of_states)


# --- samples -----------------------------------------------------------------------------------------------------------
ON = r"h_j = [u_j < p(h_j = 1 \mid v)]"


@law(cases=_interior(HIDDEN_SAMPLES), needs=("sample_hidden",), grade="exact", equation=ON, source=DEFINITION)
def hidden_unit_is_on_below_its_probability(impl, case):
    """A hidden unit is on where its uniform number lies below its probability, taken from the weights of all pairs."""
    m = machine(case)
    expected = (case["u"] < m.h_mean[code(case["v"])]).astype(dtype(case))
    identical(impl.sample_hidden(case["v"], case["W"], case["a"], case["u"]), expected, why="the hidden state")


@law(cases=_interior(VISIBLE_SAMPLES), needs=("sample_visible",), grade="exact", equation=ON, source=DEFINITION)
def visible_unit_is_on_below_its_probability(impl, case):
    """A visible unit is on where its uniform number lies below its probability, taken from the weights of all pairs."""
    m = machine(case)
    expected = (case["u"] < m.v_mean[code(case["h"])]).astype(dtype(case))
    identical(impl.sample_visible(case["h"], case["W"], case["b"], case["u"]), expected, why="the visible state")


_GRID = Cases(named={f"of_{n}": {"W": np.zeros((3, 3)), "b": np.zeros(3), "n": n} for n in (4, 16)})


def _half_is_on(function):
    def half_of_the_grid_is_on(impl, case):
        """At probability 1/2 exactly half of the numbers 0, 1/n, ... switch a unit on: 0 does, and 1/2 does not."""
        n = case["n"]
        u = np.repeat(np.arange(n)[:, None] / n, 3, axis=1)
        got = getattr(impl, function)(np.ones((n, 3)), case["W"], case["b"], u)
        identical(got, (u < 0.5).astype(np.float64), why=f"states for 0, 1/{n}, ..., {n - 1}/{n}")

    return law(
        cases=_GRID, needs=(function,), grade="exact", equation=r"u = p \Rightarrow \mathrm{off}", source="convention"
    )(half_of_the_grid_is_on)


# --- a step of the hidden chain ----------------------------------------------------------------------------------------
@law(
    cases=STEPS,
    needs=("gibbs_step",),
    grade="numerical",
    equation=r"v = [u_v < p(v \mid h)], \quad h' = [u_h < p(h \mid v)]",
    source=DEFINITION,
)
def visible_layer_then_hidden_layer(impl, case):
    """The visible state is sampled from the hidden one, and the next hidden state from that sample."""
    m, width = machine(case), dtype(case)
    v = case["u_v"] < m.v_mean[code(case["h"])]
    p = m.h_mean[code(v)]
    got_v, got_p, got_h = impl.gibbs_step(case["h"], *theta(case), case["u_v"], case["u_h"])
    identical(got_v, v.astype(width), why="the visible state in between")
    m.agree_p(got_p, p, why="the probability of the next hidden state", dtype=width)
    identical(got_h, (case["u_h"] < p).astype(width), why="the next hidden state")


@law(
    cases=GENTLE,
    needs=("gibbs_step",),
    grade="exact",
    equation=r"P(h \to v \to h') = p(v \mid h)\, p(h' \mid v)",
    source=DEFINITION,
)
def every_transition_has_its_probability(impl, case):
    """Every way from a hidden state over a visible one to the next is taken just inside its borders in the noise."""
    m = machine(case)
    h, v, after = paths(1 << m.n_H, 1 << m.n_V, 1 << m.n_H).T
    v, after = m.v[v].astype(np.float64), m.h[after].astype(np.float64)
    u_v, u_h = steered(m.v_mean[h], v, dtype(case)), steered(m.h_mean[code(v)], after, dtype(case))
    got_v, _, got_h = impl.gibbs_step(bits(m.n_H)[h], *theta(case), u_v, u_h)
    holds(np.array_equal(got_v, v), why="every visible state comes out where its noise says so", expected=v, got=got_v)
    holds(np.array_equal(got_h, after), why="so does every next hidden state", expected=after, got=got_h)


_MANY = Cases(
    named={
        "worked": WORKED | {"steps": 20_000, "seed": 1},
        "five_by_four": parameters(np.random.default_rng(15), 5, 4) | {"steps": 20_000, "seed": 2},
    }
)


@law(cases=_MANY, needs=("gibbs_step",), grade="statistical", equation=r"h \sim p \Rightarrow h' \sim p", source=TOURS)
def distribution_of_the_machine_is_stationary(impl, case):
    """Chains that start by the machine's distribution of hidden states follow it after a step, up to sampling noise."""
    m, n = machine(case), case["steps"]
    rng = np.random.default_rng(case["seed"])
    p = np.asarray(m.p_h, np.float64)
    h = bits(m.n_H)[rng.choice(len(p), n, p=p / p.sum())]
    got = impl.gibbs_step(h, *theta(case), rng.random((n, m.n_V)), rng.random((n, m.n_H)))[2]
    share = np.bincount(code(got), minlength=len(p)) / n
    reach = math.sqrt(math.log(2 * len(p) / 0.5e-9) / (2 * n))
    for at, (found, expected) in enumerate(zip(share, p, strict=True)):
        bound = f"Hoeffding, n={n}, a union over {len(p)} states and two machines, P <= 1e-9"
        within(found, expected, reach, why=f"the share of the state with code {at} after a step", bound=bound)


# --- contracts ---------------------------------------------------------------------------------------------------------
CONDITIONAL_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "hidden_probability",
        ("v", "W", "a"),
        ("p",),
        PAIRS,
        "The probability of each hidden unit given a visible state.",
        laws=(
            hidden_share_of_the_weights,
            opposite_weights_give_the_opposite_probability,
            _stacks("hidden_probability", "v", "W", "a"),
        ),
        planted=bugs_of("hidden_probability"),
        exact=("v",),
    ),
    Contract(
        "visible_probability",
        ("h", "W", "b"),
        ("p",),
        PAIRS,
        "The probability of each visible unit given a hidden state.",
        laws=(
            visible_share_of_the_weights,
            opposite_weights_give_the_opposite_visible_probability,
            _stacks("visible_probability", "h", "W", "b"),
        ),
        planted=bugs_of("visible_probability"),
        exact=("h",),
    ),
    Contract(
        "sample_hidden",
        ("v", "W", "a", "u"),
        ("h",),
        HIDDEN_SAMPLES,
        "A hidden state given a visible one and uniform numbers: on where u < p.",
        laws=(
            hidden_unit_is_on_below_its_probability,
            _half_is_on("sample_hidden"),
            _stacks("sample_hidden", "v", "W", "a", "u"),
        ),
        planted=bugs_of("sample_hidden"),
        exact=("v", "u"),
    ),
    Contract(
        "sample_visible",
        ("h", "W", "b", "u"),
        ("v",),
        VISIBLE_SAMPLES,
        "A visible state given a hidden one and uniform numbers: on where u < p.",
        laws=(
            visible_unit_is_on_below_its_probability,
            _half_is_on("sample_visible"),
            _stacks("sample_visible", "h", "W", "b", "u"),
        ),
        planted=bugs_of("sample_visible"),
        exact=("h", "u"),
    ),
    Contract(
        "gibbs_step",
        ("h", "W", "b", "a", "u_v", "u_h"),
        ("v", "h_probability", "h"),
        STEPS,
        "A step of the hidden chain: a visible sample, the hidden probability given it, and the next hidden sample.",
        laws=(
            visible_layer_then_hidden_layer,
            every_transition_has_its_probability,
            distribution_of_the_machine_is_stationary,
            AT_REST["gibbs_step"],
            _stacks("gibbs_step", "h", "W", "b", "a", "u_v", "u_h"),
        ),
        planted=bugs_of("gibbs_step"),
        exact=("h", "u_v", "u_h"),
    ),
)
