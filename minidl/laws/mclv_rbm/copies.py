"""Independent machines put together as one: what that machine is, each of them says by itself.

So machines can be judged that have too many states for a table of all pairs, and whose states an implementation visits
in several blocks.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from minidl.laws.core import Case, Cases, Law, law
from minidl.laws.mclv_rbm.cases import DEFINITION, HINTON, TOURS, parameters
from minidl.laws.mclv_rbm.machine import Machine, machine
from minidl.laws.mclv_rbm.phases import PARTS, after_steps

_NARROW = parameters(np.random.default_rng(8), 3, 2)  # three visible, two hidden units
_BROAD = parameters(np.random.default_rng(9), 2, 3)
_LAYERS = {"h": Cases(named={"narrow": _NARROW | {"copies": 7}}), "v": Cases(named={"broad": _BROAD | {"copies": 7}})}
_BOTH = Cases(named=_LAYERS["h"].named | _LAYERS["v"].named)
_FOUR = Cases(named={"narrow": _NARROW | {"copies": 4, "k": 2}})


def _several(case: Case) -> tuple[list[Machine], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Machines that differ, the one more timid than the other, and W, b, a of all of them together."""
    many, parts = case["copies"], []
    for c in range(many):
        parts.append([(1 - c / (2 * many)) * case[name] for name in ("W", "b", "a")])
    n_V, n_H = case["W"].shape
    W = np.zeros((many * n_V, many * n_H))
    for c, (block, _, _) in enumerate(parts):
        W[c * n_V : (c + 1) * n_V, c * n_H : (c + 1) * n_H] = block
    theta = W, np.concatenate([b for _, b, _ in parts]), np.concatenate([a for _, _, a in parts])
    return [machine(dict(zip(("W", "b", "a"), part, strict=True))) for part in parts], theta


def _table(parts: list[Any]) -> np.ndarray:
    """The distribution, or kernel, of independent machines: the code of later ones stands in higher bits."""
    return reduce(lambda low, high: np.kron(high, low), (np.asarray(part, np.float64) for part in parts))


def _together(moments: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means of v h^T, v and h of independent machines together: products of means outside the blocks of each."""
    v, h = (np.concatenate([np.asarray(one[k], np.float64) for one in moments]) for k in (1, 2))
    vh, at_v, at_h = np.outer(v, h), 0, 0
    for block, _, _ in moments:
        n_V, n_H = block.shape
        vh[at_v : at_v + n_V, at_h : at_h + n_H] = block
        at_v, at_h = at_v + n_V, at_h + n_H
    return vh, v, h


def _slack(ms: list[Machine]) -> float:
    """Logs of weights round at the size of all machines together, which have all of their terms."""
    return len(ms) ** 2 * ms[0].terms


@law(cases=_BOTH, needs=("log_partition",), grade="numerical", equation=r"\log Z = \sum_c \log Z_c", source=DEFINITION)
def machines_side_by_side_have_the_product(impl, case):
    """Independent machines put together have the product of their partition functions, however many states that makes."""
    ms, theta = _several(case)
    ms[0].agree_log(impl.log_partition(*theta), sum(m.log_z for m in ms), why="log Z of all", ulps=_slack(ms))


def product_of_distributions(function: str, layer: str) -> Law:
    def machines_side_by_side_are_independent(impl, case):
        """Independent machines put together have the product of their distributions, however many states that makes."""
        ms, theta = _several(case)
        expected = _table([m.p_h if layer == "h" else m.p_v for m in ms])
        ms[0].agree_p(getattr(impl, function)(*theta), expected, why="the distribution of all", ulps=2 * _slack(ms))

    return law(
        cases=_LAYERS[layer],
        needs=(function,),
        grade="numerical",
        equation=r"p(h^{(1)}, \dots, h^{(c)}) = \prod_i p_i(h^{(i)})",
        source=DEFINITION,
    )(machines_side_by_side_are_independent)


@law(
    cases=_BOTH,
    needs=("moments",),
    grade="numerical",
    equation=r"\langle v^{(i)} h^{(j)\top} \rangle = \langle v^{(i)} \rangle \langle h^{(j)} \rangle^\top, \quad i \ne j",
    source=DEFINITION,
)
def machines_side_by_side_are_uncorrelated(impl, case):
    """Independent machines put together have their own moments in the blocks of the diagonal, and products outside."""
    ms, theta = _several(case)
    expected = _together([m.moments for m in ms])
    for name, got, want in zip(PARTS, impl.moments(*theta), expected, strict=True):
        ms[0].agree_p(got, want, why=f"{name} of all", ulps=4 * _slack(ms))


@law(
    cases=_FOUR,
    needs=("hidden_kernel",),
    grade="numerical",
    equation=r"T = T_1 \otimes \dots \otimes T_c",
    source=TOURS,
)
def machines_side_by_side_step_independently(impl, case):
    """Independent machines put together have the product of their kernels, however many visible states that makes."""
    ms, theta = _several(case)
    # 2^(c n_V) products of probabilities are summed, along blocks of consecutive ones
    slack = 4 * _slack(ms) + 2.0 ** len(theta[1])
    ms[0].agree_p(impl.hidden_kernel(*theta), _table([m.kernel for m in ms]), why="T of all", ulps=slack)


@law(
    cases=_FOUR,
    needs=("expected_cd_statistics",),
    grade="numerical",
    equation=r"E[v^{(i)} \hat h^{(j)\top}] = E[v^{(i)}] E[\hat h^{(j)}]^\top, \quad i \ne j",
    source=HINTON,
)
def chains_side_by_side_are_independent(impl, case):
    """The chains of independent machines from one row of data are independent, however many states that makes."""
    ms, theta = _several(case)
    k, x = case["k"], (np.arange(len(theta[1])) % 2).astype(float)
    rows = x.reshape(len(ms), 1, -1)
    expected = _together([m.visible_side(after_steps(m, row, k)) for m, row in zip(ms, rows, strict=True)])
    slack = (k + 1) * (4 * _slack(ms) + 2.0 ** len(theta[1]))
    got = impl.expected_cd_statistics(x[None], *theta, k)
    for name, part, want in zip(PARTS, got, expected, strict=True):
        ms[0].agree_p(part, want, why=f"{name} of all", ulps=slack)


# --- many units that are alike -----------------------------------------------------------------------------------------
_ALIKE = Cases(
    named={"wide": dict(w=np.array([0.02, -0.01, 0.005, 0.03, -0.02, 0.01]), b=0.25, a=np.zeros(6), n_V=6000)}
)


def _alike(case):
    """A machine of n_V visible units that are alike, all states of its hidden ones, and what they all receive."""
    W = np.repeat(case["w"][None], case["n_V"], axis=0)
    h = np.array([[k >> j & 1 for j in range(len(case["w"]))] for k in range(1 << len(case["w"]))], np.longdouble)
    return (W, np.full(case["n_V"], case["b"]), case["a"]), h, (h * case["w"]).sum(axis=1) + case["b"]


@law(
    cases=_ALIKE,
    needs=("start_law",),
    grade="numerical",
    equation=r"-\tilde F(h) = a^\top h + n_V\, \mathrm{sp}(w^\top h + b)",
    source=DEFINITION,
)
def many_visible_units_that_are_alike(impl, case):
    """With visible units that are all alike, the weight of a hidden state is a power of what one of them contributes."""
    theta, h, inputs = _alike(case)
    log_weight = case["n_V"] * np.logaddexp(0, inputs)
    top = log_weight.max()
    log_z = top + np.log(np.exp(log_weight - top).sum())
    probability, got = impl.start_law(h.astype(np.float64), *theta)
    m = Machine(np.zeros((1, 1)), np.zeros(1), np.zeros(1))
    ulps, size = 32, float(top)  # a pairwise sum of n_V terms of one sign
    m.agree_log(got, log_z, why="log Z_S", ulps=ulps * size)
    m.agree_p(probability, np.exp(log_weight - log_z), why="mu", ulps=ulps * size)


@law(
    cases=_ALIKE,
    needs=("lvs_statistics",),
    grade="numerical",
    equation=r"\hat v_i(h) = \sigma(w^\top h + b) \text{ for all } i",
    source=TOURS,
)
def many_visible_means_that_are_alike(impl, case):
    """With visible units that are all alike, all rows of the statistics are, and they are the means over the visits."""
    (W, b, _), h, inputs = _alike(case)
    mean = (1 + np.tanh(inputs / 2)) / 2
    T, n_V = len(h), case["n_V"]
    got = impl.lvs_statistics(h.astype(np.float64), np.zeros(T, int), np.array([True]), W, b)
    expected = np.tile((mean[:, None] * h).mean(axis=0), (n_V, 1)), np.full(n_V, mean.mean()), h.mean(axis=0)
    m = Machine(np.zeros((1, 1)), np.zeros(1), np.zeros(1))
    for name, part, want in zip(PARTS, got, expected, strict=True):
        m.agree_p(part, want, why=name, ulps=T)
