"""The laws of the two phases of the gradient: the data's side, and Gibbs chains from the data or from where they ended."""

from __future__ import annotations

import math

import numpy as np

from minidl.laws.core import Cases, Contract, identical, law, within
from minidl.laws.mclv_rbm.cases import CD, DATA, GENTLE, HARSH, HINTON, PCD, WORKED, WORKED_X, family, phases, states
from minidl.laws.mclv_rbm.energies import theta
from minidl.laws.mclv_rbm.machine import LONG, bits, code, dtype, machine, paths, shares, steered, walk
from minidl.laws.mclv_rbm.planted import bugs_of
from minidl.laws.mclv_rbm.ties import AT_REST

PARTS = ("vh", "v", "h")
FIELDS = ("dW", "db", "da")
DIFFERENCE = r"\hat g = \langle x\, \hat h(x)^\top \rangle - \langle v\, \hat h(v)^\top \rangle"


def agree_means(m, got, expected, *, width, ulps, names=PARTS, scale=None):
    """Means of products of states and probabilities: of the rounding of a probability, and of the sum over the rows."""
    sizes = expected if scale is None else scale
    for name, part, want, size in zip(names, got, expected, sizes, strict=True):
        m.agree_p(part, want, why=name, dtype=width, ulps=ulps, scale=size)


def positive(m, x):
    """Means of x h(x)^T, x and h(x) over the rows."""
    return m.visible_side(shares(x))


def _ends(m, h, u_v, u_h):
    """The codes of the last visible and hidden states of chains from hidden states with these codes."""
    visible, hidden, _ = walk(m, h, u_v, u_h)
    return visible[-1], hidden[-1]


def started(m, case):
    """The codes of the hidden states that the data and u_start give."""
    return code(case["u_start"] < m.h_mean[code(case["x"])])


# --- the data's side ---------------------------------------------------------------------------------------------------
@law(
    cases=DATA,
    needs=("positive_statistics",),
    grade="numerical",
    equation=r"\frac1N \sum_n x_n\, \hat h(x_n)^\top, \quad \hat h(x) = p(h = 1 \mid x)",
    source=HINTON,
)
def data_with_their_hidden_means(impl, case):
    """The positive phase averages the data with the probabilities of their hidden units, not with samples."""
    m, x = machine(case), case["x"]
    got = impl.positive_statistics(x, case["W"], case["a"])
    agree_means(m, got, positive(m, x), width=dtype(case), ulps=len(x))


@law(
    cases=DATA,
    needs=("positive_statistics",),
    grade="numerical",
    equation=r"\langle f \rangle_{x \cup y} = (N \langle f \rangle_x + M \langle f \rangle_y) / (N + M)",
    source=HINTON,
)
def means_of_parts_make_the_mean(impl, case):
    """The mean over all rows is the mean of the means of single rows."""
    m, x, rest = machine(case), case["x"], (case["W"], case["a"])
    whole = impl.positive_statistics(x, *rest)
    rows = [impl.positive_statistics(x[n : n + 1], *rest) for n in range(len(x))]
    mean = [sum(np.asarray(part, LONG) for part in parts) / len(x) for parts in zip(*rows, strict=True)]
    agree_means(m, whole, mean, width=dtype(case), ulps=len(x) + m.terms)


# --- chains ------------------------------------------------------------------------------------------------------------
@law(
    cases=CD,
    needs=("cd_statistics",),
    grade="numerical",
    equation=r"h \sim p(h \mid x), \quad (v \sim p(v \mid h),\ h \sim p(h \mid v))^k, \quad \langle v\, \hat h(v)^\top \rangle",
    source=HINTON,
)
def chains_start_at_the_data(impl, case):
    """CD-k goes k steps from hidden samples of the data, and averages the last visible samples with their hidden means."""
    m, width = machine(case), dtype(case)
    v, h = _ends(m, started(m, case), case["u_v"], case["u_h"])
    got = impl.cd_statistics(case["x"], *theta(case), case["u_start"], case["u_v"], case["u_h"])
    agree_means(m, got[:3], m.visible_side(shares(m.v[v])), width=width, ulps=len(v))
    identical(got[3], m.h[h].astype(width), why="the hidden states in which the chains end")


@law(
    cases=PCD,
    needs=("pcd_statistics",),
    grade="numerical",
    equation=r"(v \sim p(v \mid h),\ h \sim p(h \mid v))^k, \quad \langle v\, \hat h(v)^\top \rangle",
    source="Tieleman 2008",
)
def chains_start_where_they_ended(impl, case):
    """PCD-k goes k steps from given hidden states, and averages the last visible samples with their hidden means."""
    m, width = machine(case), dtype(case)
    v, h = _ends(m, code(case["h"]), case["u_v"], case["u_h"])
    got = impl.pcd_statistics(case["h"], *theta(case), case["u_v"], case["u_h"])
    agree_means(m, got[:3], m.visible_side(shares(m.v[v])), width=width, ulps=len(v))
    identical(got[3], m.h[h].astype(width), why="the hidden states in which the chains end")


@law(
    cases=PCD,
    needs=("pcd_statistics",),
    grade="exact",
    equation=r"k + l \text{ steps} = k \text{ steps, then } l",
    source="Tieleman 2008",
)
def steps_one_by_one_are_steps_together(impl, case):
    """Chains that are stopped after every step and started again from their state go the same way."""
    h, width = case["h"], dtype(case)
    whole = impl.pcd_statistics(h, *theta(case), case["u_v"], case["u_h"])
    for u_v, u_h in zip(case["u_v"], case["u_h"], strict=True):
        step = impl.pcd_statistics(h, *theta(case), u_v[None], u_h[None])
        h = np.asarray(step[3])
    identical(h, np.asarray(whole[3]).astype(width), why="the states after all steps")
    m = machine(case)
    agree_means(m, step[:3], [np.asarray(part) for part in whole[:3]], width=width, ulps=m.terms)


@law(
    cases=CD,
    needs=("cd_statistics", "pcd_statistics"),
    grade="numerical",
    equation=r"\mathrm{CD} = \mathrm{PCD} \text{ from } h \sim p(h \mid x)",
    source="Tieleman 2008",
)
def cd_is_pcd_from_the_data(impl, case):
    """Persistent chains that start at hidden samples of the data give contrastive divergence."""
    m, width = machine(case), dtype(case)
    noise = case["u_v"], case["u_h"]
    cd = impl.cd_statistics(case["x"], *theta(case), case["u_start"], *noise)
    pcd = impl.pcd_statistics(m.h[started(m, case)].astype(width), *theta(case), *noise)
    agree_means(m, cd[:3], [np.asarray(part) for part in pcd[:3]], width=width, ulps=m.terms)
    identical(cd[3], pcd[3], why="the states after all steps")


_SMALL = ((1, 1), (1, 3), (2, 2), (3, 1), (2, 3))
_ONE = family(
    lambda rng, m, t: {"x": states(rng, 1, m.n_V), "k": 1},
    without=(*HARSH, "wide", "tall"),
    spreads=(0.5, 1.0),
    shapes=_SMALL,
    more={"worked_2": WORKED | {"x": WORKED_X[:1], "k": 2}},
)


def every_way(m, x, k, width):
    """Every way of a chain from one row of data over k steps: its noise, and its probability. The last hidden state is
    left to chance."""
    ways = paths(1 << m.n_H, *[1 << m.n_V, 1 << m.n_H] * (k - 1), 1 << m.n_V)
    weight = m.h_given_v[code(x[0]), ways[:, 0]]
    start = steered(m.h_mean[code(x[0])], m.h[ways[:, 0]], width)
    u_v, u_h = np.full((len(ways), k, 1, m.n_V), 0.5, width), np.full((len(ways), k, 1, m.n_H), 0.5, width)
    for t in range(k):
        h, v = ways[:, 2 * t], ways[:, 2 * t + 1]
        weight = weight * m.v_given_h[h, v]
        u_v[:, t, 0] = steered(m.v_mean[h], m.v[v], width)
        if t < k - 1:
            after = ways[:, 2 * t + 2]
            weight = weight * m.h_given_v[v, after]
            u_h[:, t, 0] = steered(m.h_mean[v], m.h[after], width)
    return zip(weight, start[:, None], u_v, u_h, strict=True), len(ways)


def after_steps(m, x, k):
    """The law of the visible state k steps after the data: p_data T^k with the visible chain's kernel. (2^n_V,)"""
    q = shares(x)
    for _ in range(k):
        q = q @ m.h_given_v @ m.v_given_h
    return q


@law(
    cases=_ONE,
    needs=("cd_statistics",),
    grade="numerical",
    equation=r"E[\,\cdot\,] = \sum_v p_{data}(v)\, (T_{vis}^k)(v, \cdot)\; v\, \hat h(v)^\top",
    source=HINTON,
)
def expectation_over_every_way(impl, case):
    """Weighed over every way that the chain can go, CD-k is the data's law moved k steps by the visible chain's kernel."""
    m, width = machine(case), dtype(case)
    total = [np.zeros(shape, LONG) for shape in (case["W"].shape, m.n_V, m.n_H)]
    ways, count = every_way(m, case["x"], case["k"], width)
    for weight, *noise in ways:
        got = impl.cd_statistics(case["x"], *theta(case), *noise)
        for part, value in zip(total, got[:3], strict=True):
            part += weight * np.asarray(value, LONG)
    expected = m.visible_side(after_steps(m, case["x"], case["k"]))
    agree_means(m, total, expected, width=width, ulps=count)


_MANY = Cases(named={"worked": WORKED | {"x": WORKED_X, "k": 2, "chains": 21_000, "seed": 3}})


@law(cases=_MANY, needs=("cd_statistics",), grade="statistical", equation=r"E[v] = \sum_x p_{data} T^k", source=HINTON)
def averages_of_many_chains(impl, case):
    """Means over many chains lie near their expectation."""
    m, rng, k, n = machine(case), np.random.default_rng(case["seed"]), case["k"], case["chains"]
    x = np.tile(case["x"], (n // len(case["x"]), 1))  # each row as often as the others
    noise = rng.random((n, m.n_H)), rng.random((k, n, m.n_V)), rng.random((k, n, m.n_H))
    got = impl.cd_statistics(x, *theta(case), *noise)
    expected = m.visible_side(after_steps(m, case["x"], k))
    numbers = sum(part.size for part in expected)
    reach = math.sqrt(math.log(2 * numbers / 1e-9) / (2 * n))  # every term lies in [0, 1]
    bound = f"Hoeffding, n={n}, a union over {numbers} means, P <= 1e-9"
    for name, part, want in zip(PARTS, got[:3], expected, strict=True):
        for index in np.ndindex(want.shape):
            within(np.asarray(part)[index], float(want[index]), reach, why=f"{name} at {index}", bound=bound)


# --- gradients ---------------------------------------------------------------------------------------------------------
def _agree_difference(m, got, data, model, *, width, rows):
    agree_means(
        m,
        got,
        [p - n for p, n in zip(data, model, strict=True)],
        width=width,
        ulps=rows,
        names=FIELDS,
        scale=[p + n for p, n in zip(data, model, strict=True)],
    )


@law(cases=CD, needs=("cd_gradient",), grade="numerical", equation=DIFFERENCE, source=HINTON)
def data_minus_the_ends_of_chains(impl, case):
    """CD's gradient is the data's side minus the ends of chains from the data, for weights and both biases alike."""
    m, width = machine(case), dtype(case)
    v, _ = _ends(m, started(m, case), case["u_v"], case["u_h"])
    got = impl.cd_gradient(case["x"], *theta(case), case["u_start"], case["u_v"], case["u_h"])
    data, model = positive(m, case["x"]), m.visible_side(shares(m.v[v]))
    _agree_difference(m, got, data, model, width=width, rows=len(v))


@law(cases=PCD, needs=("pcd_gradient",), grade="numerical", equation=DIFFERENCE, source="Tieleman 2008")
def data_minus_the_ends_of_persistent_chains(impl, case):
    """PCD's gradient is the data's side minus the ends of the chains, however many there are, and it gives their states."""
    m, width = machine(case), dtype(case)
    v, h = _ends(m, code(case["h"]), case["u_v"], case["u_h"])
    got = impl.pcd_gradient(case["x"], case["h"], *theta(case), case["u_v"], case["u_h"])
    data, model = positive(m, case["x"]), m.visible_side(shares(m.v[v]))
    _agree_difference(m, got[:3], data, model, width=width, rows=len(v) + len(case["x"]))
    identical(got[3], m.h[h].astype(width), why="the hidden states in which the chains end")


RETURN = r"v_k = x \Rightarrow \hat g = 0"


@law(cases=GENTLE, needs=("cd_gradient",), grade="numerical", equation=RETURN, source=HINTON)
def chains_that_come_back_cancel(impl, case):
    """Chains whose last visible states are the data have no gradient: both phases use the same hidden probabilities."""
    m, width, x = machine(case), dtype(case), case["x"]
    h = code(x) % (1 << m.n_H)  # some hidden states on the way
    u_start = steered(m.h_mean[code(x)], m.h[h], width)
    u_v = np.repeat(steered(m.v_mean[h], x, width)[None], 2, axis=0)
    u_h = np.repeat(steered(m.h_mean[code(x)], m.h[h], width)[None], 2, axis=0)
    data = positive(m, x)
    for k in (1, 2):
        got = impl.cd_gradient(x, *theta(case), u_start, u_v[:k], u_h[:k])
        _agree_difference(m, got, data, data, width=width, rows=len(x))


@law(cases=GENTLE, needs=("pcd_gradient",), grade="numerical", equation=RETURN, source="Tieleman 2008")
def persistent_chains_at_the_data_cancel(impl, case):
    """Chains whose last visible states are the data have no gradient, wherever they started."""
    m, width, x = machine(case), dtype(case), case["x"]
    h = (code(x) + 1) % (1 << m.n_H)
    u_v = steered(m.v_mean[h], x, width)[None]
    u_h = steered(m.h_mean[code(x)], m.h[h], width)[None]
    got = impl.pcd_gradient(x, bits(m.n_H)[h].astype(width), *theta(case), u_v, u_h)
    data = positive(m, x)
    _agree_difference(m, got[:3], data, data, width=width, rows=len(x))
    identical(got[3], m.h[h].astype(width), why="the hidden states in which the chains end")


@law(
    cases=_ONE,
    needs=("cd_gradient",),
    grade="numerical",
    equation=r"E[\hat g] = \langle x\, \hat h(x)^\top \rangle - \sum_v p_{data} T_{vis}^k\; v\, \hat h(v)^\top",
    source=HINTON,
)
def expected_gradient_over_every_way(impl, case):
    """Weighed over every way that the chain can go, the gradient is the data's side minus that of their law k steps on."""
    m, width = machine(case), dtype(case)
    total = [np.zeros(shape, LONG) for shape in (case["W"].shape, m.n_V, m.n_H)]
    ways, count = every_way(m, case["x"], case["k"], width)
    for weight, *noise in ways:
        for part, value in zip(total, impl.cd_gradient(case["x"], *theta(case), *noise), strict=True):
            part += weight * np.asarray(value, LONG)
    model = m.visible_side(after_steps(m, case["x"], case["k"]))
    _agree_difference(m, total, positive(m, case["x"]), model, width=width, rows=count)


# --- contracts ---------------------------------------------------------------------------------------------------------
_NOISE = ("u_start", "u_v", "u_h")
PHASE_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "positive_statistics",
        ("x", "W", "a"),
        PARTS,
        DATA,
        "The data's side of the gradient: means with hidden probabilities.",
        laws=(data_with_their_hidden_means, means_of_parts_make_the_mean),
        planted=bugs_of("positive_statistics"),
        exact=("x",),
    ),
    Contract(
        "cd_statistics",
        ("x", "W", "b", "a", *_NOISE),
        (*PARTS, "state"),
        CD,
        "Means at the ends of Gibbs chains from the data, given their noise, and the chains' hidden states.",
        laws=(
            chains_start_at_the_data,
            cd_is_pcd_from_the_data,
            expectation_over_every_way,
            averages_of_many_chains,
            AT_REST["cd_statistics"],
        ),
        planted=bugs_of("cd_statistics"),
        exact=("x", *_NOISE),
    ),
    Contract(
        "pcd_statistics",
        ("h", "W", "b", "a", "u_v", "u_h"),
        (*PARTS, "state"),
        PCD,
        "Means at the ends of Gibbs chains from given hidden states, and the chains' hidden states.",
        laws=(chains_start_where_they_ended, steps_one_by_one_are_steps_together, AT_REST["pcd_statistics"]),
        planted=bugs_of("pcd_statistics"),
        exact=("h", "u_v", "u_h"),
    ),
    Contract(
        "cd_gradient",
        ("x", "W", "b", "a", *_NOISE),
        FIELDS,
        CD,
        "The CD-k estimate of the gradient, given its noise.",
        laws=(data_minus_the_ends_of_chains, chains_that_come_back_cancel, expected_gradient_over_every_way),
        planted=bugs_of("cd_gradient"),
        exact=("x", *_NOISE),
        terms=phases,
    ),
    Contract(
        "pcd_gradient",
        ("x", "h", "W", "b", "a", "u_v", "u_h"),
        (*FIELDS, "state"),
        PCD,
        "The PCD-k estimate of the gradient, given its noise, and the chains' hidden states.",
        laws=(data_minus_the_ends_of_persistent_chains, persistent_chains_at_the_data_cancel),
        planted=bugs_of("pcd_gradient"),
        exact=("x", "h", "u_v", "u_h"),
        terms=phases,
    ),
)
