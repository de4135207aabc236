"""The laws of what small machines are exactly: all states, partition function, distributions, moments."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Cases, Contract, Golden, identical, law
from minidl.laws.mclv_rbm.cases import DEFINITION, MACHINES, THETA, WORKED
from minidl.laws.mclv_rbm.copies import (
    machines_side_by_side_are_uncorrelated,
    machines_side_by_side_have_the_product,
    product_of_distributions,
)
from minidl.laws.mclv_rbm.energies import theta
from minidl.laws.mclv_rbm.machine import LONG, machine
from minidl.laws.mclv_rbm.planted import bugs_of

LAYERS = Cases(named={f"units_{n}": {"n": n} for n in (1, 2, 3, 6)})
FLIPS = r"\log Z(-W, -b, a + W^\top 1) = \log Z - \sum b, \quad \log Z(-W, b + W 1, -a) = \log Z - \sum a"


# --- states ------------------------------------------------------------------------------------------------------------
@law(cases=LAYERS, needs=("all_states",), grade="exact", equation=r"k = \sum_j 2^j h_j", source="convention")
def rows_are_the_numbers_in_binary(impl, case):
    """Row k holds the binary digits of k, the lowest first: there are 2^n rows, and each state is one of them."""
    n = case["n"]
    expected = [[float(digit) for digit in reversed(f"{k:0{n}b}")] for k in range(2**n)]
    identical(impl.all_states(n), np.array(expected), why="the states")


# --- partition function ------------------------------------------------------------------------------------------------
@law(
    cases=THETA,
    needs=("log_partition",),
    grade="numerical",
    equation=r"Z = \sum_{v, h} e^{-E(v, h)}",
    source=DEFINITION,
)
def sum_over_all_pairs(impl, case):
    """The partition function is the sum of the weights of all pairs of states."""
    m = machine(case)
    m.agree_log(impl.log_partition(*theta(case)), m.log_z, why="log Z")


@law(
    cases=THETA,
    needs=("log_partition",),
    grade="numerical",
    equation=r"W = 0 \Rightarrow \log Z = \sum_i \mathrm{sp}(b_i) + \sum_j \mathrm{sp}(a_j)",
    source=DEFINITION,
)
def independent_units(impl, case):
    """Without weights the partition function is a product over all units of both layers."""
    W, b, a = theta(case)
    expected = np.logaddexp(LONG(0), np.concatenate([b, a]).astype(LONG)).sum()
    machine(case).agree_log(impl.log_partition(0 * W, b, a), expected, why="log Z without weights")


@law(cases=THETA, needs=("log_partition",), grade="numerical", equation=FLIPS, source="symmetry")
def symmetries_of_the_partition_function(impl, case):
    """Exchanging layers or permuting units keeps Z; exchanging on and off in a layer divides it by e^(sum of its biases)."""
    W, b, a = (np.asarray(part, np.float64) for part in theta(case))
    m = machine(case)
    log_z = impl.log_partition(W, b, a)
    flipped = -W, -b, a + W.sum(axis=0)
    m.agree_log(impl.log_partition(*flipped), log_z - b.sum(), why="log Z, visible flip", ulps=2 * m.terms)
    flipped = -W, b + W.sum(axis=1), -a
    m.agree_log(impl.log_partition(*flipped), log_z - a.sum(), why="log Z, hidden flip", ulps=2 * m.terms)
    m.agree_log(impl.log_partition(W.T, a, b), log_z, why="log Z, layers exchanged", ulps=m.terms)
    m.agree_log(impl.log_partition(W[::-1, ::-1], b[::-1], a[::-1]), log_z, why="log Z, units reversed", ulps=m.terms)


@law(
    cases=THETA,
    needs=("log_partition",),
    grade="numerical",
    equation=r"-\min E \le \log Z \le (n_V + n_H) \log 2 - \min E, \quad \log Z \ge (n_V + n_H) \log 2 - \overline E",
    source="bounds of a sum by its terms; Jensen",
)
def bounds_of_the_partition_function(impl, case):
    """The best pair bounds Z from below, and 2^(n_V + n_H) of the best from above; so does their mean energy from below."""
    W, b, a = (np.asarray(part, np.float64) for part in theta(case))
    m, units = machine(case), sum(W.shape) * np.log(2)
    for beta in (1.0, 64.0):
        log_weight = beta * np.asarray(m.log_weight, np.float64)
        low, high = max(log_weight.max(), units + log_weight.mean()), units + log_weight.max()
        got = impl.log_partition(beta * W, beta * b, beta * a)
        nearest = np.clip(np.nan_to_num(got, nan=np.inf), low, high)  # itself, inside the bounds
        m.agree_log(got, nearest, why=f"log Z at {beta:g} times the energy", ulps=beta * m.terms)


# --- distributions and moments -----------------------------------------------------------------------------------------
def _distribution(function, layer):
    def distribution_sums_the_other_layer_out(impl, case):
        """The distribution of a layer is the sum of the joint one over the other layer, state by state in order of code."""
        m = machine(case)
        expected = m.p_h if layer == "h" else m.p_v
        m.agree_p(getattr(impl, function)(*theta(case)), expected, why="the distribution", ulps=m.terms)

    return law(
        cases=THETA,
        needs=(function,),
        grade="numerical",
        equation=r"p(h) = \sum_v p(v, h), \quad p(v) = \sum_h p(v, h)",
        source=DEFINITION,
    )(distribution_sums_the_other_layer_out)


def _flipped(function, layer):
    def a_flipped_layer_reverses_the_order(impl, case):
        """Exchanging on and off in a layer reads its distribution backwards; in the other layer it leaves it alone."""
        W, b, a = (np.asarray(part, np.float64) for part in theta(case))
        m, call = machine(case), getattr(impl, function)
        p = np.asarray(call(W, b, a))
        visible, hidden = call(-W, -b, a + W.sum(axis=0)), call(-W, b + W.sum(axis=1), -a)
        for flip, got in (("v", visible), ("h", hidden)):
            m.agree_p(got, p[::-1] if flip == layer else p, why=f"the distribution, {flip} flipped", ulps=4 * m.terms)

    return law(cases=THETA, needs=(function,), grade="numerical", source="symmetry")(a_flipped_layer_reverses_the_order)


@law(
    cases=THETA,
    needs=("moments",),
    grade="numerical",
    equation=r"\langle v h^\top \rangle = \sum_{v, h} p(v, h)\, v h^\top",
    source=DEFINITION,
)
def means_over_all_pairs(impl, case):
    """The moments are the means over all pairs of states, weighed with their probabilities."""
    m = machine(case)
    for name, got, expected in zip(("E[v h]", "E[v]", "E[h]"), impl.moments(*theta(case)), m.moments, strict=True):
        m.agree_p(got, expected, why=name, ulps=m.terms)


# --- contracts ---------------------------------------------------------------------------------------------------------
_ORDER = [0, 2, 1, 3]  # the codes of 00, 01, 10, 11 read from unit 0 on
_P_V = [0.1505676992, 0.3035195117, 0.1749943406, 0.3709184485]
_P_H = [0.1830016214, 0.1020819424, 0.4923560979, 0.2225603383]
_VH = [[0.4399022410, 0.1238185376], [0.5045802553, 0.2296009050]]


def _worked(function, digits=10, note="the worked machine", inputs=WORKED, **outputs):
    return Golden(function, inputs, {name: np.array(value)[()] for name, value in outputs.items()}, digits, note)


_FLIPPED = dict(W=-WORKED["W"], b=-WORKED["b"], a=WORKED["a"] + WORKED["W"].sum(axis=0))

EXACT_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "all_states",
        ("n",),
        ("states",),
        LAYERS,
        "All states of a layer, by code.",
        laws=(rows_are_the_numbers_in_binary,),
        planted=bugs_of("all_states"),
    ),
    Contract(
        "log_partition",
        ("W", "b", "a"),
        ("log_z",),
        THETA,
        "The log of the partition function, exactly.",
        laws=(
            sum_over_all_pairs,
            independent_units,
            symmetries_of_the_partition_function,
            bounds_of_the_partition_function,
            machines_side_by_side_have_the_product,
        ),
        planted=bugs_of("log_partition"),
        golden=(
            _worked("log_partition", 15, log_z=3.150754379932697),
            _worked("log_partition", 10, "without weights", inputs=MACHINES["decoupled"], log_z=2.7099060263),
            _worked("log_partition", 10, "its visible flip", inputs=_FLIPPED, log_z=3.0507543799),
        ),
    ),
    Contract(
        "hidden_distribution",
        ("W", "b", "a"),
        ("p",),
        THETA,
        "The distribution of hidden states, by code.",
        laws=(
            _distribution("hidden_distribution", "h"),
            _flipped("hidden_distribution", "h"),
            product_of_distributions("hidden_distribution", "h"),
        ),
        planted=bugs_of("hidden_distribution"),
        golden=(_worked("hidden_distribution", p=np.array(_P_H)[_ORDER]),),
    ),
    Contract(
        "visible_distribution",
        ("W", "b", "a"),
        ("p",),
        THETA,
        "The distribution of visible states, by code.",
        laws=(
            _distribution("visible_distribution", "v"),
            _flipped("visible_distribution", "v"),
            product_of_distributions("visible_distribution", "v"),
        ),
        planted=bugs_of("visible_distribution"),
        golden=(_worked("visible_distribution", p=np.array(_P_V)[_ORDER]),),
    ),
    Contract(
        "moments",
        ("W", "b", "a"),
        ("vh", "v", "h"),
        THETA,
        "The model's means of v h^T, v and h.",
        laws=(means_over_all_pairs, machines_side_by_side_are_uncorrelated),
        planted=bugs_of("moments"),
        golden=(_worked("moments", vh=_VH, v=[0.5459127891, 0.6744379602], h=[0.7149164362, 0.3246422807]),),
    ),
)
