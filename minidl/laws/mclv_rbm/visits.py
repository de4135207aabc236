"""The laws of what tours are used for: negative statistics and gradients from the states that they visited."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Case, Cases, Contract, Golden, agree, law
from minidl.laws.mclv_rbm.cases import ALL_BACK, KAC, KAC_CASES, TOURS, VISITS, WORKED, phases, states
from minidl.laws.mclv_rbm.copies import many_visible_means_that_are_alike
from minidl.laws.mclv_rbm.energies import theta
from minidl.laws.mclv_rbm.machine import LONG, bits, dtype, machine, mask, shares
from minidl.laws.mclv_rbm.phases import FIELDS, PARTS, agree_means, positive
from minidl.laws.mclv_rbm.planted import bugs_of

_TOURS = ("states", "owner", "completed")


def _call(impl, case, **changed):
    case = case | changed
    return impl.lvs_statistics(*(case[name] for name in _TOURS), case["W"], case["b"])


def _counted(case):
    """The states that completed tours visited."""
    return case["states"][case["completed"][case["owner"]]]


def _difference(m, got, data, model, *, width, ulps, times=1.0):
    agree_means(
        m,
        got,
        [times * (p - n) for p, n in zip(data, model, strict=True)],
        width=width,
        ulps=ulps,
        names=FIELDS,
        scale=[times * (p + n) for p, n in zip(data, model, strict=True)],
    )


# --- negative statistics -----------------------------------------------------------------------------------------------
@law(
    cases=VISITS,
    needs=("lvs_statistics",),
    grade="numerical",
    equation=r"\hat\phi = \sum_{r \in \mathcal C} \sum_{t < \xi_r} \hat v(h^r_t)\, h^{r\top}_t / \sum_{r \in \mathcal C} \xi_r",
    source=TOURS,
)
def every_visit_of_completed_tours_alike(impl, case):
    """The negative statistics average the visible means, with the hidden states, over all visits of completed tours."""
    m, h = machine(case), _counted(case)
    agree_means(m, _call(impl, case), m.hidden_side(shares(h)), width=dtype(case), ulps=len(h))


@law(cases=VISITS, needs=("lvs_statistics",), grade="numerical", source=TOURS)
def tours_have_no_order(impl, case):
    """The order of visits, the numbers of tours, and every tour twice over change nothing."""
    m, width = machine(case), dtype(case)
    found = [np.asarray(part) for part in _call(impl, case)]
    T, R = len(case["owner"]), len(case["completed"])
    turned = _call(impl, case, states=case["states"][::-1], owner=case["owner"][::-1])
    renamed = _call(impl, case, owner=R - 1 - case["owner"], completed=case["completed"][::-1])
    twice = _call(
        impl,
        case,
        states=np.concatenate([case["states"]] * 2),
        owner=np.concatenate([case["owner"], case["owner"] + R]),
        completed=np.tile(case["completed"], 2),
    )
    for got in (turned, renamed, twice):
        agree_means(m, got, found, width=width, ulps=2 * T + m.terms)


@law(
    cases=VISITS,
    needs=("lvs_statistics",),
    grade="numerical",
    equation=r"\mathcal C = \{r : \xi_r \le K\}",
    source=TOURS,
)
def unfinished_tours_leave_no_trace(impl, case):
    """Tours that were not completed might as well not have been started, wherever they went."""
    m, width = machine(case), dtype(case)
    found = [np.asarray(part) for part in _call(impl, case)]
    kept = case["completed"][case["owner"]]
    alone = _call(impl, case, states=case["states"][kept], owner=case["owner"][kept])
    agree_means(m, alone, found, width=width, ulps=len(kept) + m.terms)
    elsewhere = np.where(kept[:, None], case["states"], 1 - case["states"]).astype(case["states"].dtype)
    agree_means(m, _call(impl, case, states=elsewhere), found, width=width, ulps=len(kept) + m.terms)


# --- gradients ---------------------------------------------------------------------------------------------------------
@law(
    cases=VISITS,
    needs=("lvs_gradient",),
    grade="numerical",
    equation=r"\hat g = \langle x\, \hat h(x)^\top \rangle - \hat\phi",
    source=TOURS,
)
def data_minus_the_visits(impl, case):
    """LVS-K's gradient is the data's side, with hidden probabilities, minus the mean over visits, with hidden states."""
    m, h = machine(case), _counted(case)
    got = impl.lvs_gradient(case["x"], *(case[name] for name in _TOURS), *theta(case))
    data, model = positive(m, case["x"]), m.hidden_side(shares(h))
    _difference(m, got, data, model, width=dtype(case), ulps=len(h) + len(case["x"]))


def _balanced(seed: int, n_V: int, n_H: int) -> Case:
    """A machine without weights and biases, with all states for data and for visits."""
    zero = dict(W=np.zeros((n_V, n_H)), b=np.zeros(n_V), a=np.zeros(n_H))
    owner = np.random.default_rng(seed).integers(0, 3, 1 << n_H)
    return zero | {"x": bits(n_V), "states": bits(n_H), "owner": owner, "completed": np.ones(3, bool)}


_EVERY = Cases(named={f"{n_V}_by_{n_H}": _balanced(n_V, n_V, n_H) for n_V, n_H in ((1, 1), (2, 2), (3, 2), (1, 4))})


@law(
    cases=_EVERY,
    needs=("lvs_gradient",),
    grade="exact",
    equation=r"\langle\cdot\rangle_{data} = \langle\cdot\rangle",
    source=TOURS,
)
def no_gradient_where_all_states_are_alike(impl, case):
    """Data and visits that hold every state once are what a machine without weights makes: the gradient is 0."""
    for name, part in zip(FIELDS, impl.lvs_gradient(case["x"], *(case[k] for k in _TOURS), *theta(case)), strict=True):
        agree(part, np.zeros(np.shape(part)), why=name, ulps=0)


@law(
    cases=ALL_BACK,
    needs=("tour_gradient",),
    grade="numerical",
    equation=r"\hat g = \frac1R \sum_r \sum_{t < \xi_r} (g_{pos} - \phi(h^r_t))",
    source=TOURS,
)
def every_visit_takes_from_the_data(impl, case):
    """The unbiased direction sums, over all visits, the data's side minus the visit's, and divides by the tours."""
    m, h = machine(case), case["states"]
    got = impl.tour_gradient(case["x"], *(case[name] for name in _TOURS), *theta(case))
    data, model = positive(m, case["x"]), m.hidden_side(shares(h))
    times = LONG(len(h)) / len(case["completed"])
    _difference(m, got, data, model, width=dtype(case), ulps=len(h) + len(case["x"]), times=times)


@law(
    cases=ALL_BACK,
    needs=("tour_gradient",),
    grade="numerical",
    equation=r"\hat g = \frac1R \sum_r \hat g_r",
    source=TOURS,
)
def tours_are_averaged(impl, case):
    """The direction of several tours is the mean of the directions of each, so that it stays unbiased for any number."""
    m, x, R = machine(case), case["x"], len(case["completed"])
    got = impl.tour_gradient(x, *(case[name] for name in _TOURS), *theta(case))
    total = [np.zeros(np.shape(part), LONG) for part in theta(case)]
    for r in range(R):
        mine = case["states"][case["owner"] == r]
        alone = impl.tour_gradient(x, mine, np.zeros(len(mine), int), np.array([True]), *theta(case))
        total = [part + np.asarray(one, LONG) / R for part, one in zip(total, alone, strict=True)]
    size = len(case["states"]) / R * 2  # each visit is the difference of two means of numbers up to 1
    for name, part, want in zip(FIELDS, got, total, strict=True):
        m.agree_p(part, want, why=name, dtype=dtype(case), ulps=2 * len(mine) + m.terms + len(x), scale=size)


@law(
    cases=KAC_CASES,
    needs=("tour_gradient",),
    grade="numerical",
    equation=r"E[\hat g] = \frac{Z}{Z_S} \nabla \log p(x)",
    source=KAC,
)
def direction_is_a_multiple_of_the_gradient(impl, case):
    """With the mean visits of tours without a cap, the direction is the gradient of the likelihood times Z / Z_S."""
    m, inside = machine(case), mask(case["S"])
    visits, step = m.start(inside), m.away(inside)
    for _ in range(16):  # the first 2^16 steps, by doubling
        visits, step = visits + visits @ step, step @ step
    x = states(np.random.default_rng(len(inside)), 3, m.n_V)
    total = [np.zeros(np.shape(part), LONG) for part in theta(case)]
    for h, mean in zip(bits(m.n_H), visits, strict=True):
        got = impl.tour_gradient(x, h[None], np.array([0]), np.array([True]), *theta(case))
        total = [part + mean * np.asarray(one, LONG) for part, one in zip(total, got, strict=True)]
    times = 1 / m.p_h[inside].sum()
    _difference(m, total, positive(m, x), m.moments, width=dtype(case), ulps=8 * m.terms + len(visits), times=times)


# --- contracts ---------------------------------------------------------------------------------------------------------
_WORKED_TOURS = WORKED | {  # tours 10 01, then 11, then 10 00 01
    "states": np.array([[1.0, 0], [0, 1], [1, 1], [1, 0], [0, 0], [0, 1]]),
    "owner": np.array([0, 0, 1, 2, 2, 2]),
    "completed": np.ones(3, bool),
}
_CUT = _WORKED_TOURS | {  # and a fourth that did not come back
    "states": np.concatenate([_WORKED_TOURS["states"], [[1.0, 1.0], [1.0, 1.0]]]),
    "owner": np.array([0, 0, 1, 2, 2, 2, 3, 3]),
    "completed": np.array([True, True, True, False]),
}
_PHI = dict(
    vh=np.array([[0.3050191608, 0.1521860726], [0.3534539769, 0.3348410135]]),
    v=np.array([0.4572052334, 0.6605729267]),
    h=np.array([0.5, 0.5]),
)

VISIT_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "lvs_statistics",
        (*_TOURS, "W", "b"),
        PARTS,
        VISITS,
        "LVS-K's negative statistics: means over the visits of completed tours.",
        laws=(
            every_visit_of_completed_tours_alike,
            tours_have_no_order,
            unfinished_tours_leave_no_trace,
            many_visible_means_that_are_alike,
        ),
        planted=bugs_of("lvs_statistics"),
        golden=(
            Golden("lvs_statistics", _WORKED_TOURS, _PHI, 10, "the worked tours 10 01, then 11, then 10 00 01"),
            Golden("lvs_statistics", _CUT, _PHI, 10, "the worked tours and one that did not come back"),
        ),
        exact=("states",),
    ),
    Contract(
        "lvs_gradient",
        ("x", *_TOURS, "W", "b", "a"),
        FIELDS,
        VISITS,
        "LVS-K's gradient: the data's side minus the mean over visits.",
        laws=(data_minus_the_visits, no_gradient_where_all_states_are_alike),
        planted=bugs_of("lvs_gradient"),
        exact=("x", "states"),
        terms=phases,
    ),
    Contract(
        "tour_gradient",
        ("x", *_TOURS, "W", "b", "a"),
        FIELDS,
        ALL_BACK,
        "The unbiased direction: sums over completed tours, divided by their number.",
        laws=(every_visit_takes_from_the_data, tours_are_averaged, direction_is_a_multiple_of_the_gradient),
        planted=bugs_of("tour_gradient"),
        exact=("x", "states"),
        terms=lambda case: float(len(case["states"])),  # the sum over visits, before it is divided
    ),
)
