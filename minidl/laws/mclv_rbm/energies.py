"""The laws of energies: of pairs of states, of one layer with the other summed out, and what is watched during training."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Contract, Golden, agree, law
from minidl.laws.mclv_rbm.cases import DATA, DEFINITION, PAIRS, WORKED
from minidl.laws.mclv_rbm.machine import LONG, bits, code, dtype, machine
from minidl.laws.mclv_rbm.planted import bugs_of

STACKS = "leading axes are independent samples"


def theta(case):
    return case["W"], case["b"], case["a"]


def stacked(rows):
    """The rows (N, n) along two more axes, as (1, N, 1, n)."""
    return np.asarray(rows)[None, :, None]


# --- energies of pairs -------------------------------------------------------------------------------------------------
@law(
    cases=PAIRS,
    needs=("energy",),
    grade="numerical",
    equation=r"E(0, 0) = 0, \quad E(e_i, e_j) = -W_{ij} - b_i - a_j",
    source=DEFINITION,
)
def single_units(impl, case):
    """With one unit of each layer on, the energy is minus their weight and their biases; with none on it is 0."""
    W, b, a = theta(case)
    m, width = machine(case), dtype(case)
    i, j = (index.ravel() for index in np.indices(W.shape))
    v, h = np.eye(m.n_V, dtype=width)[i], np.eye(m.n_H, dtype=width)[j]
    wide = [np.asarray(part, LONG) for part in (W, b, a)]
    expected = -(wide[0][i, j] + wide[1][i] + wide[2][j])
    m.agree_log(impl.energy(v, h, W, b, a), expected, why="E(e_i, e_j)", dtype=width)
    agree(impl.energy(0 * v, 0 * h, W, b, a), np.zeros(len(v), width), why="E(0, 0)", ulps=0)


@law(
    cases=PAIRS,
    needs=("energy",),
    grade="numerical",
    equation=r"E(v, h) = \sum_i v_i E(e_i, h) - (\textstyle\sum_i v_i - 1) E(0, h)",
    source=DEFINITION,
)
def energy_is_affine_in_each_layer(impl, case):
    """What a visible unit adds to the energy does not depend on the other visible units; of hidden units alike."""
    W, b, a = theta(case)
    m, width = machine(case), dtype(case)
    v, h = np.asarray(case["v"], width), np.asarray(case["h"], width)
    whole = np.asarray(impl.energy(case["v"], case["h"], W, b, a))
    sides = (h, v, lambda p, q: impl.energy(q, p, W, b, a)), (v, h, lambda p, q: impl.energy(p, q, W, b, a))
    for fixed, varied, of in sides:
        n = varied.shape[1]
        alone = np.asarray(of(np.repeat(fixed, n, axis=0), np.tile(np.eye(n, dtype=width), (len(fixed), 1))))
        parts = (alone.reshape(len(fixed), n).astype(LONG) * varied).sum(axis=1)
        parts = parts - (varied.sum(axis=1) - 1) * np.asarray(of(fixed, 0 * varied)).astype(LONG)
        # 2n + 1 energies, each with its own rounding
        m.agree_log(whole, parts, why="the energy by units", dtype=width, ulps=2 * (n + 1) * m.terms)


@law(
    cases=PAIRS,
    needs=("energy",),
    grade="numerical",
    equation=r"E(v, h; W, b, a) = E(h, v; W^\top, a, b)",
    source=DEFINITION,
)
def energy_has_no_preferred_layer(impl, case):
    """Exchanging the layers, with their biases, leaves the energy as it is."""
    W, b, a = theta(case)
    m = machine(case)
    m.agree_log(
        impl.energy(case["h"], case["v"], W.T, a, b),
        impl.energy(case["v"], case["h"], W, b, a),
        why="the energy of the exchanged machine",
        dtype=dtype(case),
        ulps=m.terms,
    )


# --- free energies -----------------------------------------------------------------------------------------------------
@law(
    cases=PAIRS,
    needs=("free_energy",),
    grade="numerical",
    equation=r"e^{-F(v)} = \sum_h e^{-E(v, h)}",
    source=DEFINITION,
)
def free_energy_sums_the_hidden_layer_out(impl, case):
    """The free energy is minus the log of the summed weights of all pairs with this visible state."""
    m = machine(case)
    got = impl.free_energy(case["v"], *theta(case))
    m.agree_log(got, -m.log_v[code(case["v"])], why="F(v)", dtype=dtype(case))


@law(
    cases=PAIRS,
    needs=("free_energy",),
    grade="numerical",
    equation=r"F(1 - v;\, -W,\, -b,\, a + W^\top 1) = F(v; W, b, a) + \textstyle\sum_i b_i",
    source="symmetry",
)
def visible_flip_of_the_free_energy(impl, case):
    """Exchanging on and off in the visible layer moves all free energies by the same number."""
    W, b, a = theta(case)
    m, width = machine(case), dtype(case)
    v = np.asarray(case["v"], width)
    got = impl.free_energy(1 - v, -W, -b, a + W.sum(axis=0, dtype=width))
    # the new hidden bias rounds, and so do the sum of b and the other free energy
    expected = np.asarray(impl.free_energy(v, W, b, a), LONG) + np.asarray(b, LONG).sum()
    m.agree_log(got, expected, why="F of the flipped machine", dtype=width, ulps=2 * m.terms)


@law(
    cases=PAIRS,
    needs=("hidden_free_energy",),
    grade="numerical",
    equation=r"e^{-\tilde F(h)} = \sum_v e^{-E(v, h)}",
    source=DEFINITION,
)
def hidden_free_energy_sums_the_visible_layer_out(impl, case):
    """The hidden free energy is minus the log of the summed weights of all pairs with this hidden state."""
    m = machine(case)
    got = impl.hidden_free_energy(case["h"], *theta(case))
    m.agree_log(got, -m.log_h[code(case["h"])], why="the free energy of h", dtype=dtype(case))


@law(
    cases=PAIRS,
    needs=("hidden_free_energy",),
    grade="numerical",
    equation=r"\tilde F(1 - h;\, -W,\, b + W 1,\, -a) = \tilde F(h; W, b, a) + \textstyle\sum_j a_j",
    source="symmetry",
)
def hidden_flip_of_the_free_energy(impl, case):
    """Exchanging on and off in the hidden layer moves all hidden free energies by the same number."""
    W, b, a = theta(case)
    m, width = machine(case), dtype(case)
    h = np.asarray(case["h"], width)
    got = impl.hidden_free_energy(1 - h, -W, b + W.sum(axis=1, dtype=width), -a)
    expected = np.asarray(impl.hidden_free_energy(h, W, b, a), LONG) + np.asarray(a, LONG).sum()
    m.agree_log(got, expected, why="the free energy of the flipped machine", dtype=width, ulps=2 * m.terms)


@law(cases=PAIRS, needs=("energy",), grade="numerical", source="convention")
def stacks_of_pairs(impl, case):
    """Leading axes are independent samples: a stack of pairs has a stack of energies, and a single pair a number."""
    m, width = machine(case), dtype(case)
    v, h, rest = case["v"], case["h"], theta(case)
    rows = np.asarray(impl.energy(v, h, *rest))
    got = impl.energy(stacked(v), stacked(h), *rest)
    m.agree_log(got, rows[None, :, None], why="a stack", dtype=width, ulps=m.terms)
    m.agree_log(impl.energy(v[0], h[0], *rest), rows[0], why="a single pair", dtype=width, ulps=m.terms)


def _stacks(function, layer):
    def stacks_of_states(impl, case):
        """Leading axes are independent samples: a stack of states has a stack of free energies, a single state a number."""
        m, width, call = machine(case), dtype(case), getattr(impl, function)
        rows = np.asarray(call(case[layer], *theta(case)))
        got = call(stacked(case[layer]), *theta(case))
        m.agree_log(got, rows[None, :, None], why="a stack", dtype=width, ulps=m.terms)
        m.agree_log(call(case[layer][0], *theta(case)), rows[0], why="a single state", dtype=width, ulps=m.terms)

    return law(cases=PAIRS, needs=(function,), grade="numerical", source="convention")(stacks_of_states)


# --- monitors ----------------------------------------------------------------------------------------------------------
@law(
    cases=DATA,
    needs=("log_pseudo_likelihood",),
    grade="numerical",
    equation=r"\mathrm{PL}(x) = \sum_i \log \frac{p(x)}{p(x) + p(\tilde x^{(i)})}",
    source="Besag 1975",
)
def every_unit_given_all_others(impl, case):
    """The log of the probability of each unit given all others, from the distribution of visible states, summed."""
    m = machine(case)
    log_p, at = m.log_v, code(case["x"])
    flipped = at[:, None] ^ (1 << np.arange(m.n_V))  # (N, n_V)
    expected = -np.logaddexp(0, log_p[flipped] - log_p[at][:, None]).sum(axis=1)
    # n_V differences of free energies
    got = impl.log_pseudo_likelihood(case["x"], *theta(case))
    m.agree_log(got, expected, why="the pseudo-likelihood", dtype=dtype(case), ulps=2 * m.n_V * m.terms)


@law(
    cases=DATA,
    needs=("log_pseudo_likelihood",),
    grade="numerical",
    equation=r"W = 0 \Rightarrow \mathrm{PL}(x) = \log p(x)",
    source="Besag 1975",
)
def of_independent_units_it_is_the_likelihood(impl, case):
    """Without weights the pseudo-likelihood is the likelihood, which does not know the hidden biases."""
    W, b, a = theta(case)
    m, width = machine(case), dtype(case)
    x, wide = np.asarray(case["x"], LONG), np.asarray(b, LONG)
    expected = (x * wide - np.logaddexp(0, wide)).sum(axis=1)
    got = impl.log_pseudo_likelihood(case["x"], 0 * W, b, a)
    m.agree_log(got, expected, why="the pseudo-likelihood without weights", dtype=width, ulps=2 * m.n_V * m.terms)


@law(
    cases=DATA,
    needs=("reconstruction_error",),
    grade="numerical",
    equation=r"\frac{1}{N n_V} \sum (x - \hat v(\hat h(x)))^2, \quad \hat v(h) = (1 + \tanh((W h + b) / 2)) / 2",
    source="Hinton 2010, section 5",
)
def means_there_and_back(impl, case):
    """The mean squared distance of the data from the visible means that the means of the hidden units send back."""
    m = machine(case)
    x = np.asarray(case["x"], LONG)
    back = (1 + np.tanh((m.h_mean[code(x)] @ m.W.T + m.b) / 2)) / 2
    expected = np.float64(((x - back) ** 2).mean())
    # computed in the dtype of the parameters and told in double precision; tanh near -1 loses what p near 0 has
    eps = float(np.finfo(dtype(case)).eps / np.finfo(float).eps)
    got = impl.reconstruction_error(case["x"], *theta(case))
    agree(got, expected, why="the reconstruction error", ulps=eps * m.terms * 4, scale=m.size)


# --- contracts ---------------------------------------------------------------------------------------------------------
_F = [-1.2574119125, -1.9584449983, -1.4077527350, -2.1589813241]  # of 00, 01, 10, 11
_FH = [-1.4524941139, -0.8687749488, -2.4422013319, -1.6481973490]
_ORDER = bits(2)[[0, 2, 1, 3]]  # 00, 01, 10, 11 read from unit 0 on

ENERGY_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "energy",
        ("v", "h", "W", "b", "a"),
        ("energy",),
        PAIRS,
        "The energy of pairs of a visible and a hidden state.",
        laws=(single_units, energy_is_affine_in_each_layer, energy_has_no_preferred_layer, stacks_of_pairs),
        planted=bugs_of("energy"),
        exact=("v", "h"),
    ),
    Contract(
        "free_energy",
        ("v", "W", "b", "a"),
        ("free_energy",),
        PAIRS,
        "The free energy of visible states: the hidden layer summed out.",
        laws=(
            free_energy_sums_the_hidden_layer_out,
            visible_flip_of_the_free_energy,
            _stacks("free_energy", "v"),
        ),
        planted=bugs_of("free_energy"),
        golden=(
            Golden("free_energy", WORKED | {"v": _ORDER}, {"free_energy": np.array(_F)}, 10, "the worked machine"),
        ),
        exact=("v",),
    ),
    Contract(
        "hidden_free_energy",
        ("h", "W", "b", "a"),
        ("free_energy",),
        PAIRS,
        "The free energy of hidden states: the visible layer summed out.",
        laws=(
            hidden_free_energy_sums_the_visible_layer_out,
            hidden_flip_of_the_free_energy,
            _stacks("hidden_free_energy", "h"),
        ),
        planted=bugs_of("hidden_free_energy"),
        golden=(
            Golden(
                "hidden_free_energy", WORKED | {"h": _ORDER}, {"free_energy": np.array(_FH)}, 10, "the worked machine"
            ),
        ),
        exact=("h",),
    ),
)

MONITOR_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "log_pseudo_likelihood",
        ("x", "W", "b", "a"),
        ("pseudo_likelihood",),
        DATA,
        "The log of the probability of each unit given all others, summed.",
        laws=(every_unit_given_all_others, of_independent_units_it_is_the_likelihood),
        planted=bugs_of("log_pseudo_likelihood"),
        exact=("x",),
    ),
    Contract(
        "reconstruction_error",
        ("x", "W", "b", "a"),
        ("error",),
        DATA,
        "The mean squared error of the data's reconstruction through the hidden means.",
        laws=(means_there_and_back,),
        planted=bugs_of("reconstruction_error"),
        exact=("x",),
    ),
)
