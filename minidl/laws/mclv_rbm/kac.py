"""The laws of the exact law of tours: what Kac's theorem says of them, and what a cap does."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np

from minidl.laws.checks import compare
from minidl.laws.core import Cases, Contract, Golden, agree, holds, law
from minidl.laws.mclv_rbm.cases import KAC, KAC_CASES, MACHINES, TOURS, only
from minidl.laws.mclv_rbm.energies import theta
from minidl.laws.mclv_rbm.machine import LONG, Machine, bits, machine, mask
from minidl.laws.mclv_rbm.phases import PARTS, agree_means
from minidl.laws.mclv_rbm.planted import bugs_of

LAW = ("probability", "log_z", "mean", "variance", "visits", "returns")
CUT = ("probability", "completed", "mean_completed", "mean_capped", "ratio")


def _set(case):
    return machine(case), mask(case["S"])


def _longest(m, inside):
    """The longest mean way back to the set: half the condition of I - Q, by which solving with it multiplies rounding."""
    leave = np.eye(len(inside)) - np.asarray(m.away(inside), np.float64)
    return float(np.linalg.solve(leave, np.ones(len(inside))).max())


def _near(m, inside, got, expected, why, times=1.0):
    """Agreement up to what solving a linear system by the kernel loses."""
    ulps = 4 * (m.terms + 2.0**m.n_V + 2.0**m.n_H)
    scale = m.size * _longest(m, inside) * times * float(np.abs(expected).max())
    agree(got, np.asarray(expected, np.float64)[()], why=why, ulps=ulps, scale=scale)


# --- tours without a cap -----------------------------------------------------------------------------------------------
@law(
    cases=KAC_CASES,
    needs=("tour_law",),
    grade="numerical",
    equation=r"E[\#\{t < \xi : h_t = h\}] = p(h) / \pi(S), \quad Z_S\, E[\xi] = Z, \quad h_\xi \sim \mu",
    source=KAC,
)
def kac(impl, case):
    """A tour visits each state as often as the machine's probability says over that of the set, and ends as it began."""
    m, inside = _set(case)
    found = dict(zip(LAW, impl.tour_law(case["S"], *theta(case)), strict=True))
    pi = m.p_h[inside].sum()
    m.agree_p(found["probability"], pi, why="pi(S)", ulps=m.terms + len(inside))
    m.agree_log(found["log_z"], np.log(pi) + m.log_z, why="log Z_S", ulps=m.terms + len(inside))
    _near(m, inside, found["mean"], 1 / pi, "the mean length")
    _near(m, inside, found["visits"], m.p_h / pi, "mean visits")
    _near(m, inside, found["returns"], m.start(inside), "the law of the state that ends a tour", times=1 / pi)


@law(
    cases=KAC_CASES,
    needs=("tour_law",),
    grade="numerical",
    equation=r"\mathrm{Var}\, \xi = \sum_{k \ge 0} (2 k + 1)\, \mu^\top Q^k 1 - E[\xi]^2",
    source="survival series",
)
def variance_by_its_series(impl, case):
    """The variance of the length is that of the series over how many tours are still on their way."""
    m, inside = _set(case)
    away, alive, square, mean, k = m.away(inside), m.start(inside), LONG(0), LONG(0), 0
    while (left := alive.sum()) > 1e-24:
        square, mean, alive, k = square + (2 * k + 1) * left, mean + left, alive @ away, k + 1
    found = dict(zip(LAW, impl.tour_law(case["S"], *theta(case)), strict=True))
    variance = max(float(square - mean**2), 0.0)
    ulps = 8 * (m.terms + 2.0**m.n_V + 2.0**m.n_H)  # solved twice, and its largest term cancels
    scale = m.size * _longest(m, inside) ** 2 * float(square)
    agree(found["variance"], np.float64(variance), why="the variance of the length", ulps=ulps, scale=scale)


@law(
    cases=KAC_CASES,
    needs=("tour_law",),
    grade="numerical",
    equation=r"W = 0 \Rightarrow E[\xi] = 1 / \pi(S), \quad \mathrm{Var}\, \xi = (1 - \pi(S)) / \pi(S)^2",
    source=TOURS,
)
def lengths_without_weights_are_geometric(impl, case):
    """Without weights every step is a fresh draw of hidden units, and the length is geometric."""
    W, b, a = theta(case)
    free, inside = Machine(0 * W, b, a), mask(case["S"])
    pi = free.p_h[inside].sum()
    found = dict(zip(LAW, impl.tour_law(case["S"], 0 * W, b, a), strict=True))
    _near(free, inside, found["mean"], 1 / pi, "the mean length")
    ulps, scale = 8 * (free.terms + 2.0**free.n_V + len(inside)), free.size * 2 / float(pi) ** 4
    agree(found["variance"], np.float64((1 - pi) / pi**2), why="the variance of the length", ulps=ulps, scale=scale)


@law(
    cases=KAC_CASES,
    needs=("tour_law",),
    grade="numerical",
    equation=r"S \subset S' \Rightarrow E[\xi_{S'}] \le E[\xi_S]",
    source=KAC,
)
def a_larger_set_has_shorter_tours(impl, case):
    """With each state that joins the set tours become shorter, down to a single step when all have joined."""
    m, inside = _set(case)
    order = [*np.flatnonzero(inside), *np.flatnonzero(~inside)]
    sizes = sorted({int(inside.sum()), (int(inside.sum()) + len(inside)) // 2, len(inside)})
    means = [float(impl.tour_law(bits(m.n_H)[order[:size]], *theta(case))[2]) for size in sizes]
    holds(bool((np.diff(means) < 0).all()), why=f"mean lengths for {sizes} states fall", got=means)
    variance = impl.tour_law(bits(m.n_H), *theta(case))[3]
    agree(
        np.float64(means[-1]), np.float64(1), why="the mean length where all states are in", ulps=4 * m.terms * m.size
    )
    agree(variance, np.float64(0), why="its variance", ulps=16 * (m.terms + len(inside) + 2.0**m.n_V) * m.size, scale=1)


# --- tours with a cap --------------------------------------------------------------------------------------------------
def _lengths(m, inside, K):
    """P(length = k) for k = 1, ..., K, by powers of the kernel off the set."""
    found, step = [], m.kernel[:, inside].sum(axis=1)
    for _ in range(K):
        found.append(m.start(inside) @ step)
        step = m.away(inside) @ step
    return np.array(found, LONG)


@law(
    cases=KAC_CASES,
    needs=("truncated_tours",),
    grade="numerical",
    equation=r"P(\xi = k) = \mu^\top Q^{k-1} T\, 1_S, \quad E[\min(\xi, K)] = \sum_k \min(k, K)\, P(\xi = k)",
    source=KAC,
)
def lengths_up_to_the_cap(impl, case):
    """Probabilities of lengths, of coming back in time, and the means of completed and of capped lengths."""
    m, inside, K = *_set(case), case["K"]
    p, k = _lengths(m, inside, K), np.arange(1, K + 1)
    back = np.cumsum(p)
    capped = [(np.minimum(k[:n], n) * p[:n]).sum() + n * (1 - back[n - 1]) for n in k]
    mean = np.cumsum(k * p) / back
    expected = p, back, mean, np.array(capped), mean * m.p_h[inside].sum()
    ulps = K * (m.terms + 2.0**m.n_V + len(inside))
    for name, got, want in zip(CUT, impl.truncated_tours(case["S"], *theta(case), K), expected, strict=True):
        scale = K * 1.0 if name == "mean_capped" else want  # 1 minus the probability of being back cancels
        m.agree_p(got, want, why=name, ulps=ulps, scale=scale)


@law(
    cases=KAC_CASES,
    needs=("truncated_tours",),
    grade="numerical",
    equation=r"E[\xi \mid \xi \le K] \uparrow, \quad E[\xi \mid \xi \le K] \le E[\min(\xi, K)] \le 1 / \pi(S)",
    source=TOURS,
)
def dropping_unfinished_tours_is_too_low(impl, case):
    """Means of completed tours rise with the cap and stay below those of capped ones, which stay below Z / Z_S. With a
    cap that all tours meet they get there."""
    m, inside = _set(case)
    limit = float(1 / m.p_h[inside].sum())
    K = int(np.ceil(50 * _longest(m, inside)))  # after twice the longest mean, half have come back; 25 times over
    _, _, completed, capped, ratio = (np.asarray(part) for part in impl.truncated_tours(case["S"], *theta(case), K))
    slack = 8 * np.finfo(float).eps * (m.terms + 2.0**m.n_V + len(inside)) * m.size * limit * K
    holds(bool((np.diff(completed) >= -slack).all()), why="means of completed tours rise with the cap", got=completed)
    holds(
        bool((completed <= capped + slack).all()), why="they stay below those of capped tours", got=completed - capped
    )
    holds(bool((capped <= limit + slack).all()), why="which stay below Z / Z_S", got=capped, expected=limit)
    holds(bool((ratio <= 1 + slack).all()), why="so that the estimate of Z is too low", got=ratio)
    compare(completed[-1], limit, limit * 2.0**-20 + slack, why="the mean of completed tours at the last cap")
    compare(ratio[-1], 1.0, 2.0**-20 + slack, why="the ratio at the last cap")


@law(
    cases=KAC_CASES,
    needs=("truncated_tours",),
    grade="numerical",
    equation=r"W = 0 \Rightarrow P(\xi > k) = (1 - \pi(S))^k",
    source=TOURS,
)
def every_step_is_a_fresh_draw_without_weights(impl, case):
    """Without weights a tour comes back in each step with the probability of the set, whatever happened before."""
    W, b, a = theta(case)
    free, inside, K = Machine(0 * W, b, a), mask(case["S"]), case["K"]
    home, away, k = free.p_h[inside].sum(), free.p_h[~inside].sum(), np.arange(1, K + 1)
    found = dict(zip(CUT, impl.truncated_tours(case["S"], 0 * W, b, a, K), strict=True))
    ulps = K * (free.terms + 2.0**free.n_V + 2.0**free.n_H)
    free.agree_p(found["probability"], home * away ** (k - 1), why="P(length = k)", ulps=ulps)
    free.agree_p(found["completed"], 1 - away**k, why="P(length <= k)", ulps=ulps)
    free.agree_p(found["mean_capped"], (1 - away**k) / home, why="E[min(length, k)]", ulps=ulps, scale=K)


# --- what the statistics tend to ---------------------------------------------------------------------------------------
def _weights(m, inside, K):
    """Mean visits to each state by tours that are back within K steps, over all sequences of states that they can go."""
    outside, home = np.flatnonzero(~inside), m.kernel[:, inside].sum(axis=1)
    weight, start = np.zeros(len(inside), LONG), m.start(inside)
    for at in np.flatnonzero(inside):
        for length in range(1, K + 1):
            for way in product(outside, repeat=length - 1):
                visited = [at, *way]
                chance = start[at] * home[visited[-1]]
                for here, there in pairwise(visited):
                    chance = chance * m.kernel[here, there]
                np.add.at(weight, visited, chance)
    return weight


@law(
    cases=KAC_CASES,
    needs=("lvs_limit",),
    grade="numerical",
    equation=r"E\Big[\sum_{t < \xi} \phi(h_t)\, [\xi \le K]\Big] \Big/ E\big[\xi\, [\xi \le K]\big]",
    source=TOURS,
)
def sum_over_all_short_tours(impl, case):
    """With a cap, the limit is the mean over visits of all tours that can be back in time, each with its probability."""
    m, inside = _set(case)
    for K in (1, 2) if m.n_H > 2 else (1, 2, 3, 4):
        weight = _weights(m, inside, K)
        got = impl.lvs_limit(case["S"], *theta(case), K)
        expected = m.hidden_side(weight / weight.sum())
        agree_means(m, got, expected, width=np.float64, ulps=4 * K * (m.terms + 2.0**m.n_V + len(inside)))


@law(
    cases=KAC_CASES,
    needs=("lvs_limit",),
    grade="numerical",
    equation=r"K = \infty \Rightarrow \hat\phi \to \langle v h^\top \rangle",
    source=KAC,
)
def without_a_cap_the_limit_is_exact(impl, case):
    """Without a cap, the statistics of tours tend to the machine's moments, whatever the set; with all states in it they
    do for every cap."""
    m, inside = _set(case)
    _limit(m, _longest(m, inside), impl.lvs_limit(case["S"], *theta(case), None))
    _limit(m, 1.0, impl.lvs_limit(bits(m.n_H), *theta(case), 2))


def _limit(m, longest, got):
    for name, part, mean in zip(PARTS, got, m.moments, strict=True):
        ulps = 4 * (m.terms + 2.0**m.n_V + 2.0**m.n_H)
        agree(part, np.asarray(mean, np.float64), why=name, ulps=ulps, scale=m.size * 2 * longest)


# --- worked values -----------------------------------------------------------------------------------------------------
_TABLE = {  # pi(S), mean, variance, Z_S; P(length <= K) and the mean of completed tours for K = 1, 2, 3, 5
    "10": (
        (0.4923560979, 2.0310502992, 2.4752480968, 11.4983245321),
        (0.5340136834, 0.7452914818, 0.8601144264, 0.9577964184),
        (1, 1.2834834471, 1.5126337544, 1.8024683314),
    ),
    "10_11": (
        (0.7149164362, 1.3987648757, 0.6293476083, 16.6959264470),
        (0.7319713393, 0.9122563866, 0.9711471842, 0.9968790459),
        (1, 1.1976254153, 1.3069222127, 1.3828254009),
    ),
    "00_10": (
        (0.6753577193, 1.4806967795, 0.7958131866, 15.7720850108),
        (0.6932753127, 0.8891692248, 0.9597780649, 0.9947004073),
        (1, 1.2203111698, 1.3512391088, 1.4535827617),
    ),
}
_SETS = {name: only(KAC_CASES, f"worked_{name}").named[f"worked_{name}"] for name in _TABLE}
_CAPS = [0, 1, 2, 4]
_HALF = 0.5e-10 + 4 * np.finfo(float).eps
_TRUNCATED = Cases(
    named={
        name: _SETS[name] | {"back": np.array(back), "mean": np.array(mean, float)}
        for name, (_, back, mean) in _TABLE.items()
    }
)


@law(cases=_TRUNCATED, needs=("truncated_tours",), grade="numerical", source="worked example")
def worked_caps(impl, case):
    """How many tours are back after 1, 2, 3 and 5 steps, and their mean length, are as printed."""
    got = impl.truncated_tours(case["S"], *theta(case), 5)
    compare(np.asarray(got[1])[_CAPS], case["back"], _HALF, why="P(length <= K)")
    compare(np.asarray(got[2])[_CAPS], case["mean"], _HALF, why="the mean length of completed tours")


_CAPPED = Cases(
    named={
        "10": _SETS["10"]
        | {
            "capped": np.array([1, 1.4659863166, 1.7206948348, 1.9374156203]),
            "ratio": np.array([0.492, 0.632, 0.745, 0.887]),
        }
    }
)


@law(cases=_CAPPED, needs=("truncated_tours",), grade="numerical", source="worked example")
def worked_bias_of_a_cap(impl, case):
    """The means of capped lengths, and what part of Z the estimate from completed tours tends to, are as printed."""
    got = impl.truncated_tours(case["S"], *theta(case), 5)
    compare(np.asarray(got[3])[_CAPS], case["capped"], _HALF, why="E[min(length, K)]")
    compare(np.asarray(got[4])[_CAPS], case["ratio"], 0.5e-3, why="the ratio to Z")


_FREE = Cases(
    named={"10": MACHINES["decoupled"] | {"S": np.array([[1.0, 0.0]]), "back": 0.6775924659, "mean": 1.7542481051}}
)


@law(cases=_FREE, needs=("truncated_tours",), grade="numerical", source="worked example")
def worked_caps_without_weights(impl, case):
    """Without weights, how many tours are back after 3 steps and their mean length are as printed."""
    got = impl.truncated_tours(case["S"], *theta(case), 3)
    compare(np.asarray(got[1])[2], case["back"], _HALF, why="P(length <= 3)")
    compare(np.asarray(got[2])[2], case["mean"], _HALF, why="the mean length of completed tours")


# --- contracts ---------------------------------------------------------------------------------------------------------
_LIMITS = {
    1: [[0.6182940819, 0.1345577063], [0.7051590746, 0.2214226989]],
    5: [[0.4449920713, 0.1241392019], [0.5103923578, 0.2292553978]],
    None: [[0.4399022410, 0.1238185376], [0.5045802553, 0.2296009050]],
}

KAC_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "tour_law",
        ("S", "W", "b", "a"),
        LAW,
        KAC_CASES,
        "The exact law of tours without a cap: lengths, visits, ends.",
        laws=(kac, variance_by_its_series, lengths_without_weights_are_geometric, a_larger_set_has_shorter_tours),
        planted=bugs_of("tour_law"),
        golden=(
            *(
                Golden(
                    "tour_law",
                    _SETS[name],
                    dict(probability=pi, log_z=np.float64(np.log(weight)), mean=mean, variance=variance),
                    10,
                    f"the worked set {name}",
                )
                for name, ((pi, mean, variance, weight), _, _) in _TABLE.items()
            ),
            Golden(
                "tour_law",
                MACHINES["decoupled"] | {"S": np.array([[1.0, 0.0]])},
                dict(probability=0.3142985614, mean=3.1816881238),
                10,
                "the worked set 10 without weights",
            ),
        ),
        exact=("S",),
    ),
    Contract(
        "truncated_tours",
        ("S", "W", "b", "a", "K"),
        CUT,
        KAC_CASES,
        "The exact law of lengths up to a cap, and what the cap does to means and to the estimate of Z.",
        laws=(
            lengths_up_to_the_cap,
            dropping_unfinished_tours_is_too_low,
            every_step_is_a_fresh_draw_without_weights,
            worked_caps,
            worked_bias_of_a_cap,
            worked_caps_without_weights,
        ),
        planted=bugs_of("truncated_tours"),
        exact=("S",),
    ),
    Contract(
        "lvs_limit",
        ("S", "W", "b", "a", "K"),
        PARTS,
        KAC_CASES,
        "What LVS-K's statistics tend to with ever more tours.",
        laws=(sum_over_all_short_tours, without_a_cap_the_limit_is_exact),
        planted=bugs_of("lvs_limit"),
        golden=tuple(
            Golden(
                "lvs_limit", _SETS["10_11"] | {"K": K}, {"vh": np.array(vh)}, 10, f"the worked set 10, 11 with cap {K}"
            )
            for K, vh in _LIMITS.items()
        ),
        exact=("S",),
    ),
)
