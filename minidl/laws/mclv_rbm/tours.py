"""The laws of tours: excursions of the hidden chain from a stopping set back to it, given their noise."""

from __future__ import annotations

import math

import numpy as np

from minidl.laws.core import Cases, Contract, agree, holds, identical, law, within
from minidl.laws.mclv_rbm.cases import GENTLE, KAC, RUNS, TOURS, WORKED
from minidl.laws.mclv_rbm.energies import theta
from minidl.laws.mclv_rbm.machine import LONG, bits, code, dtype, machine, mask, paths, steered
from minidl.laws.mclv_rbm.planted import bugs_of
from minidl.laws.mclv_rbm.ties import AT_REST

FIELDS = ("length", "completed", "last", "states", "owner")
_NOISE = ("u_v", "u_h")


def call(impl, case, **changed):
    case = case | changed
    return impl.run_tours(case["S"], case["start"], *theta(case), case["u_v"], case["u_h"])


def _one(m, inside, start, u_v, u_h):
    """The codes that a tour visits, the code at which it stands in the end, and whether that is in the set."""
    at, visited = start, []
    for noise_v, noise_h in zip(u_v, u_h, strict=True):
        visited.append(at)
        at = int(code(noise_h < m.h_mean[code(noise_v < m.v_mean[at])]))
        if inside[at]:
            return visited, at, True
    return visited, at, False


def _same(got, expected, *, why=""):
    for name, one, other in zip(FIELDS, got, expected, strict=True):
        identical(one, np.asarray(other), why=f"{name}{why}")


# --- one by one --------------------------------------------------------------------------------------------------------
@law(
    cases=RUNS,
    needs=("run_tours",),
    grade="exact",
    equation=r"\xi = \min\{t \ge 1 : h_t \in S\}, \quad \text{visited: } h_0, \dots, h_{\xi - 1}",
    source=TOURS,
)
def tours_one_by_one(impl, case):
    """A tour steps until it is in the set, for the first time after its start, or the noise ends. The state that ends it
    is not visited. Visits are told step by step, and within a step tour by tour."""
    m, inside = machine(case), mask(case["S"])
    found = [
        _one(m, inside, at, case["u_v"][:, r], case["u_h"][:, r]) for r, at in enumerate(code(case["start"]).tolist())
    ]
    order = sorted((t, r, at) for r, (visited, _, _) in enumerate(found) for t, at in enumerate(visited))
    expected = (
        np.array([len(visited) for visited, _, _ in found]),
        np.array([back for _, _, back in found]),
        bits(m.n_H)[[last for _, last, _ in found]].astype(np.uint8),
        bits(m.n_H)[[at for _, _, at in order]].astype(np.uint8),
        np.array([r for _, r, _ in order]),
    )
    _same(call(impl, case), expected)


@law(
    cases=RUNS,
    needs=("run_tours",),
    grade="exact",
    equation=r"h_\xi \in S, \quad h_1, \dots, h_{\xi - 1} \notin S",
    source=TOURS,
)
def only_starts_and_ends_are_in_the_set(impl, case):
    """All visited states but the starts lie outside the set; the last state lies in it just where the tour is complete.

    Lengths count the visits."""
    inside, R = mask(case["S"]), len(case["start"])
    length, completed, last, states, owner = (np.asarray(part) for part in call(impl, case))
    holds(
        states.shape == (length.sum(), np.shape(case["S"])[1]), why="there is a state for each visit", got=states.shape
    )
    identical(np.bincount(owner, minlength=R), length, why="the visits of each tour")
    identical(states[:R], np.asarray(case["start"]).astype(np.uint8), why="the first visits")
    identical(inside[code(states)], np.arange(len(states)) < R, why="which visits lie in the set")
    identical(inside[code(last)], completed, why="which tours end in the set")
    holds(bool((length[~completed] == len(case["u_v"])).all()), why="unfinished tours used all steps", got=length)


@law(cases=RUNS, needs=("run_tours",), grade="exact", source=TOURS)
def tours_do_not_meet(impl, case):
    """A tour is the same alone as among others: each uses its own noise, whoever has come back already."""
    length, completed, last, states, owner = (np.asarray(part) for part in call(impl, case))
    for r in range(len(case["start"])):
        one, mine = slice(r, r + 1), owner == r
        alone = call(impl, case, start=case["start"][one], u_v=case["u_v"][:, one], u_h=case["u_h"][:, one])
        together = length[one], completed[one], last[one], states[mine], np.zeros(mine.sum(), int)
        _same(alone, together, why=f" of tour {r}")


@law(cases=RUNS, needs=("run_tours",), grade="exact", source=TOURS)
def a_lower_cap_cuts_tours(impl, case):
    """With fewer steps, tours that were back by then stay as they are, and the others are cut."""
    K = max(1, len(case["u_v"]) - 1)
    length, completed, _, states, owner = (np.asarray(part) for part in call(impl, case))
    got = call(impl, case, u_v=case["u_v"][:K], u_h=case["u_h"][:K])
    identical(got[0], np.minimum(length, K), why="lengths")
    identical(got[1], completed & (length <= K), why="which are complete")
    kept = np.minimum(length, K).sum()
    identical(got[3], states[:kept], why="visited states")
    identical(got[4], owner[:kept], why="whose they are")


@law(cases=RUNS, needs=("run_tours",), grade="exact", equation=r"S = \{0, 1\}^{n_H} \Rightarrow \xi = 1", source=TOURS)
def everywhere_is_home(impl, case):
    """If all states are in the set every tour is back after one step; a set has no order, and names no state twice."""
    n = np.shape(case["S"])[1]
    length, completed, _, states, owner = call(impl, case, S=bits(n))
    R = len(case["start"])
    identical(length, np.ones(R, int), why="lengths")
    identical(completed, np.ones(R, bool), why="which are complete")
    identical(states, np.asarray(case["start"]).astype(np.uint8), why="visited states")
    identical(owner, np.arange(R), why="whose they are")
    turned = np.concatenate([case["S"][::-1], case["S"]])
    _same(call(impl, case, S=turned), call(impl, case), why=" with the set turned round and named twice")


# --- forced ways -------------------------------------------------------------------------------------------------------
@law(cases=GENTLE, needs=("run_tours",), grade="exact", equation=r"h_1 = h_0 \Rightarrow \xi = 1", source=TOURS)
def a_tour_takes_a_step_before_it_is_back(impl, case):
    """A tour that is forced to stay where it is has come back after its first step: not before it, and not later."""
    m, width = machine(case), dtype(case)
    h = np.arange(1 << m.n_H)
    v = h % (1 << m.n_V)
    u_v = np.repeat(steered(m.v_mean[h], m.v[v], width)[None], 3, axis=0)
    u_h = np.repeat(steered(m.h_mean[v], m.h[h], width)[None], 3, axis=0)
    for at in h:
        S, one = bits(m.n_H)[at : at + 1], slice(at, at + 1)
        got = impl.run_tours(S, S, *theta(case), u_v[:, one], u_h[:, one])
        octets = S.astype(np.uint8)
        _same(got, (np.array([1]), np.array([True]), octets, octets, np.array([0])))


_ALL = Cases(
    named={
        "10": WORKED | {"S": np.array([[1.0, 0.0]]), "K": 3},
        "10_11": WORKED | {"S": np.array([[1.0, 0.0], [1.0, 1.0]]), "K": 3},
        "00_10": WORKED | {"S": np.array([[0.0, 0.0], [1.0, 0.0]]), "K": 2},
    }
)


@law(
    cases=_ALL,
    needs=("run_tours",),
    grade="numerical",
    equation=r"P(\xi > k) = \mu^\top Q^k 1, \quad E[\#\{t < \xi \wedge K : h_t = h\}] = \sum_{t < K} (\mu^\top Q^t)_h",
    source=KAC,
)
def every_way_there_is(impl, case):
    """Over every way that tours can go in K steps, lengths and visits have the law of an absorbed chain."""
    m, inside, K, at = machine(case), mask(case["S"]), case["K"], code(case["S"])
    ways = paths(len(at), *[1 << m.n_V, 1 << m.n_H] * K)
    h = at[ways[:, 0]]
    start, weight = h, m.start(inside)[h]
    u_v, u_h = np.empty((K, len(ways), m.n_V)), np.empty((K, len(ways), m.n_H))
    for t in range(K):
        v, after = ways[:, 2 * t + 1], ways[:, 2 * t + 2]
        weight = weight * m.v_given_h[h, v] * m.h_given_v[v, after]
        u_v[t], u_h[t], h = steered(m.v_mean[h], m.v[v]), steered(m.h_mean[v], m.h[after]), after
    got = impl.run_tours(case["S"], bits(m.n_H)[start], *theta(case), u_v, u_h)
    length, completed, _, states, owner = (np.asarray(part) for part in got)
    alive, visits, back = m.start(inside), np.zeros(len(inside), LONG), []
    for _ in range(K):
        visits = visits + alive
        stepped = alive @ m.kernel
        back.append(stepped[inside].sum())
        alive = np.where(inside, 0, stepped)
    found = [weight[completed & (length == k)].sum() for k in range(1, K + 1)]
    scale = m.size * 2.0  # sums of products of probabilities, 1 in all
    ulps = 4 * K * m.terms + len(ways)
    agree(np.array(found, np.float64), np.array(back, np.float64), why="P(length = k)", ulps=ulps, scale=scale)
    counted = np.zeros(len(inside), LONG)
    np.add.at(counted, code(states), weight[owner])
    agree(counted.astype(np.float64), visits.astype(np.float64), why="mean visits", ulps=ulps, scale=scale * K)


# --- many tours --------------------------------------------------------------------------------------------------------
_MANY = Cases(named={"10_11": WORKED | {"S": np.array([[1.0, 0.0], [1.0, 1.0]]), "K": 40, "tours": 20_000, "seed": 5}})


@law(
    cases=_MANY,
    needs=("run_tours",),
    grade="statistical",
    equation=r"P(\xi > k) = \mu^\top Q^k 1, \quad h_\xi \sim \mu",
    source=KAC,
)
def lengths_and_ends_of_many_tours(impl, case):
    """The lengths of many tours follow the law of the absorbed chain, their mean is near Z / Z_S, and they end by mu."""
    m, inside, K, n = machine(case), mask(case["S"]), case["K"], case["tours"]
    rng, mu = np.random.default_rng(case["seed"]), np.asarray(m.start(inside), np.float64)
    start = bits(m.n_H)[rng.choice(len(mu), n, p=mu / mu.sum())]
    got = impl.run_tours(case["S"], start, *theta(case), rng.random((K, n, m.n_V)), rng.random((K, n, m.n_H)))
    length, last = np.asarray(got[0]), np.asarray(got[2])
    alive, over = m.start(inside), []
    for _ in range(K):
        alive = alive @ m.away(inside)
        over.append(float(alive.sum()))
    far = max(abs(float((length > k + 1).mean()) - p) for k, p in enumerate(over[:-1]))
    third = 1e-9 / 3  # three bounds
    dkw = math.sqrt(math.log(2 / third) / (2 * n))
    within(far, 0.0, dkw, why="the largest distance of the lengths' distribution", bound=f"DKW, n={n}, P <= 1e-9 / 3")
    mean = 1 + sum(over[:-1])  # of the length or K, whichever is less
    variance = sum((2 * k + 3) * p for k, p in enumerate(over[:-1])) + 1 - mean**2
    reach = math.sqrt(2 * variance * math.log(2 / third) / n) + K * math.log(2 / third) / (3 * n)
    bound = f"Bernstein, n={n}, lengths up to {K}, P <= 1e-9 / 3"
    within(length.mean(), mean, reach, why="the mean length", bound=bound)
    reach = math.sqrt(math.log(2 * len(mu) / third) / (2 * n)) + over[-1]  # those that are not back end elsewhere
    share = np.bincount(code(last), minlength=len(mu)) / n
    for at, (found, expected) in enumerate(zip(share, mu, strict=True)):
        bound = f"Hoeffding, n={n}, a union over {len(mu)} states, P <= 1e-9 / 3"
        within(found, expected, reach, why=f"the share of tours that end in the state with code {at}", bound=bound)


TOUR_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "run_tours",
        ("S", "start", "W", "b", "a", *_NOISE),
        FIELDS,
        RUNS,
        "Tours from given starts, capped at the number of steps for which there is noise.",
        laws=(
            tours_one_by_one,
            only_starts_and_ends_are_in_the_set,
            tours_do_not_meet,
            a_lower_cap_cuts_tours,
            everywhere_is_home,
            a_tour_takes_a_step_before_it_is_back,
            every_way_there_is,
            lengths_and_ends_of_many_tours,
            AT_REST["run_tours"],
        ),
        planted=bugs_of("run_tours"),
        exact=("S", "start", *_NOISE),
    ),
)
