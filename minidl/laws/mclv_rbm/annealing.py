"""The laws of annealed importance sampling: the weights of runs, given their noise, and where runs start."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from minidl.laws.checks import compare
from minidl.laws.core import Case, Cases, Contract, agree, law, within
from minidl.laws.mclv_rbm.cases import AIS, HARSH, WORKED, clear, family, states, uniform
from minidl.laws.mclv_rbm.energies import theta
from minidl.laws.mclv_rbm.machine import LONG, Machine, code, dtype, machine, paths, steered
from minidl.laws.mclv_rbm.planted import bugs_of
from minidl.laws.mclv_rbm.ties import AT_REST

BASE = np.array([0.4, -0.1])
SCHEDULES = {
    "one": [0.0, 1.0],
    "two": [0.0, 0.5, 1.0],
    "four": [0.0, 0.25, 0.5, 0.75, 1.0],
    "uneven": [0.0, 0.1, 0.7, 1.0],
}


def ladder(case):
    """The models from the base (beta = 0) to the machine (beta = 1)."""
    W, b, a = (np.asarray(part, np.float64) for part in theta(case))
    return [Machine(W, b, a, LONG(beta), np.asarray(case["base"], np.float64)) for beta in case["betas"].tolist()]


def log_base(case):
    """log Z of the base model: free hidden units, and visible ones with their biases alone."""
    return case["W"].shape[1] * np.log(LONG(2)) + np.logaddexp(LONG(0), np.asarray(case["base"], LONG)).sum()


def runs(models, u_first, u_h, u_v):
    """log w of each run, and how near any uniform number came to its probability."""
    p = models[0].p_v @ models[0].v
    v, margin = code(u_first < p), float(np.abs(u_first - p).min())
    log_w = models[1].log_v[v] - models[0].log_v[v]
    for k, (noise_h, noise_v) in enumerate(zip(u_h, u_v, strict=True), start=1):
        p = models[k].h_mean[v]
        h = code(noise_h < p)
        q = models[k].v_mean[h]
        v = code(noise_v < q)
        margin = min(margin, float(np.abs(noise_h - p).min()), float(np.abs(noise_v - q).min()))
        log_w = log_w + models[k + 1].log_v[v] - models[k].log_v[v]
    return log_w, margin


def _schedule(rng: np.random.Generator, m: Machine, t: Case) -> Case:
    betas = list(SCHEDULES.values())[int(rng.integers(len(SCHEDULES)))]
    return {"base": np.round(rng.normal(size=m.n_V), 2), "betas": np.array(betas)}


def _runs(rng: np.random.Generator, m: Machine, t: Case) -> Case:
    def draw():
        case = _schedule(rng, m, t)
        count, sweeps = int(rng.integers(1, 5)), len(case["betas"]) - 2
        noise = uniform(rng, count, m.n_V), uniform(rng, sweeps, count, m.n_H), uniform(rng, sweeps, count, m.n_V)
        case |= dict(zip(("u_first", "u_h", "u_v"), noise, strict=True))
        return case, runs(ladder(t | {name: np.float32(case[name]) for name in ("base", "betas")}), *noise)[1]

    return clear(draw)


RUNS = family(_runs)


# --- weights -----------------------------------------------------------------------------------------------------------
@law(
    cases=RUNS,
    needs=("ais_log_weights",),
    grade="numerical",
    equation=r"\log w = \sum_{k=1}^{M} \log p^*_{\beta_k}(v_k) - \log p^*_{\beta_{k-1}}(v_k)",
    source=AIS,
)
def weights_along_the_way(impl, case):
    """A run's weight is the product of the ratios of neighbouring models at the states that it passes, each reached by a
    sweep of the model before."""
    m, width = machine(case), dtype(case)
    noise = case["u_first"], case["u_h"], case["u_v"]
    expected, _ = runs(ladder(case), *noise)
    got = impl.ais_log_weights(*theta(case), case["base"], case["betas"], *noise)
    ratios = 2 * len(case["betas"])
    scale = m.size + float(np.abs(case["base"]).sum())
    agree(got, np.asarray(expected, width), why="log w", ulps=ratios * m.terms, scale=scale)


@law(
    cases=RUNS,
    needs=("ais_log_weights",),
    grade="numerical",
    equation=r"W = 0,\ b^A = b \Rightarrow \log w = \sum_j \mathrm{sp}(a_j) - n_H \log 2",
    source=AIS,
)
def nothing_to_anneal(impl, case):
    """Where the machine is its base but for hidden biases, all runs have the same weight, whatever their noise."""
    W, b, a = theta(case)
    m, width = machine(case), dtype(case)
    got = impl.ais_log_weights(0 * W, b, a, b, case["betas"], case["u_first"], case["u_h"], case["u_v"])
    each = np.logaddexp(LONG(0), np.asarray(a, LONG)).sum() - m.n_H * np.log(LONG(2))
    expected = np.full(len(case["u_first"]), each).astype(width)
    agree(got, expected, why="log w", ulps=2 * len(case["betas"]) * m.terms, scale=m.size)


_SMALL = family(
    lambda rng, m, t: _schedule(rng, m, t) | {"betas": np.array(SCHEDULES["two" if m.n_V + m.n_H > 3 else "uneven"])},
    without=(*HARSH, "wide", "tall", "float32"),
    spreads=(0.5, 1.0),
    shapes=((1, 1), (1, 2), (2, 1), (2, 2), (1, 3)),
    more={
        f"worked_{name}": WORKED | {"base": BASE, "betas": np.array(SCHEDULES[name])} for name in ("one", "two", "four")
    },
)


def every_run(impl, case):
    """log w of every run that can be made, and its probability: all states on the way are forced in turn."""
    models, m, width = ladder(case), machine(case), dtype(case)
    sweeps = len(models) - 2
    ways = paths(1 << m.n_V, *[1 << m.n_H, 1 << m.n_V] * sweeps)
    weight = models[0].p_v[ways[:, 0]]
    u_first = steered(models[0].p_v @ m.v, m.v[ways[:, 0]], width)
    u_h, u_v = np.empty((sweeps, len(ways), m.n_H), width), np.empty((sweeps, len(ways), m.n_V), width)
    for k in range(sweeps):
        v, h, after = ways[:, 2 * k : 2 * k + 3].T
        weight = weight * models[k + 1].h_given_v[v, h] * models[k + 1].v_given_h[h, after]
        u_h[k], u_v[k] = (
            steered(models[k + 1].h_mean[v], m.h[h], width),
            steered(models[k + 1].v_mean[h], m.v[after], width),
        )
    log_w = impl.ais_log_weights(*theta(case), case["base"], case["betas"], u_first, u_h, u_v)
    return np.asarray(log_w, LONG), weight


@law(
    cases=_SMALL,
    needs=("ais_log_weights",),
    grade="numerical",
    equation=r"Z_0\, E[w] = Z",
    source=AIS,
)
def mean_weight_is_unbiased(impl, case):
    """The mean weight over all runs that can be made, with their probabilities, is Z / Z_0, for every schedule."""
    m = machine(case)
    log_w, weight = every_run(impl, case)
    found = np.float64(np.log((weight * np.exp(log_w)).sum()) + log_base(case))
    ratios = 2 * len(case["betas"])
    ulps, scale = ratios * m.terms + len(weight), m.size + float(np.abs(case["base"]).sum())
    agree(found, dtype(case).type(m.log_z), why="log Z_0 E[w]", ulps=ulps, scale=scale)


_PRINTED = Cases(
    named={
        name: WORKED | {"base": BASE, "betas": np.array(SCHEDULES[name]), "z": 23.3536754816, "variance": variance}
        for name, variance in (("one", 0.1720720012), ("two", 0.0930814615), ("four", 0.0472983557))
    }
)


@law(cases=_PRINTED, needs=("ais_log_weights",), grade="numerical", source="worked example")
def worked_variances(impl, case):
    """Over all runs of the worked machine, Z_0 E[w] and the relative variance of w are as printed."""
    log_w, weight = every_run(impl, case)
    w = np.exp(log_w)
    mean = (weight * w).sum()
    compare(np.float64(np.exp(log_base(case)) * mean), case["z"], 0.5e-10 + 4e-13, why="Z_0 E[w]")
    compare(np.float64((weight * (w / mean - 1) ** 2).sum()), case["variance"], 0.5e-10, why="the relative variance")


_MANY = Cases(
    named={"worked": WORKED | {"base": BASE, "betas": np.linspace(0, 1, 11), "runs": 20_000, "seed": 4}},
)


@law(cases=_MANY, needs=("ais_log_weights",), grade="statistical", equation=r"Z_0\, E[w] = Z", source=AIS)
def mean_weight_of_many_runs(impl, case):
    """The mean weight of many runs lies near Z / Z_0."""
    m, n, rng, sweeps = machine(case), case["runs"], np.random.default_rng(case["seed"]), len(case["betas"]) - 2
    noise = rng.random((n, m.n_V)), rng.random((sweeps, n, m.n_H)), rng.random((sweeps, n, m.n_V))
    log_w = np.asarray(impl.ais_log_weights(*theta(case), case["base"], case["betas"], *noise), np.float64)
    models = ladder(case)
    largest = math.exp(sum(float((up.log_v - low.log_v).max()) for low, up in pairwise(models)))
    expected = math.exp(m.log_z - log_base(case))
    reach = largest * math.sqrt(math.log(2e9) / (2 * n))
    bound = f"Hoeffding, n={n}, weights up to {largest:.3g}, P <= 1e-9"
    within(np.exp(log_w).mean(), expected, reach, why="the mean weight", bound=bound)


# --- where runs start --------------------------------------------------------------------------------------------------
def _rows():
    from hypothesis import strategies as st

    def one(seed: int, rows: int, units: int) -> Case:
        return {"x": states(np.random.default_rng(seed), rows, units)}

    return st.builds(one, st.integers(0, 9999), st.integers(1, 9), st.integers(1, 5))


ROWS = Cases(
    named={
        "worked": {"x": np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])},
        "constant": {"x": np.array([[1.0, 0.0], [1.0, 0.0]])},
        "octets": {"x": np.array([[1, 0, 1], [0, 0, 1]], np.uint8)},
    },
    generated=_rows,
    notes={"constant": "the log odds of a unit that never changes are infinite"},
)


@law(
    cases=ROWS,
    needs=("ais_base",),
    grade="numerical",
    equation=r"\sigma(b^A_i) = (\sum_n x_{ni} + 1/2) / (N + 1)",
    source=AIS,
)
def base_has_the_means_of_the_data(impl, case):
    """Units of the base model are on as often as in the data and one more example that is half on."""
    x = np.asarray(case["x"], np.float64)
    odds = (x.sum(axis=0) + 0.5) / (len(x) + 0.5 - x.sum(axis=0))
    got = np.asarray(impl.ais_base(case["x"]))
    agree(np.exp(got), odds, why="the odds of the base", ulps=8 + 2 * np.log(2 * len(x) + 2), scale=odds)


@law(cases=ROWS, needs=("ais_base",), grade="numerical", equation=r"b^A(1 - x) = -b^A(x)", source="symmetry")
def base_of_flipped_data(impl, case):
    """Exchanging on and off in the data gives the opposite biases."""
    x = np.asarray(case["x"], np.float64)
    size = np.log(2 * len(x) + 2)
    agree(impl.ais_base(1 - x), -np.asarray(impl.ais_base(x)), why="the base of flipped data", ulps=8, scale=size)


ANNEALING_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "ais_log_weights",
        ("W", "b", "a", "base", "betas", "u_first", "u_h", "u_v"),
        ("log_weights",),
        RUNS,
        "The log-weights of annealing runs, given their noise.",
        laws=(
            weights_along_the_way,
            nothing_to_anneal,
            mean_weight_is_unbiased,
            worked_variances,
            mean_weight_of_many_runs,
            AT_REST["ais_log_weights"],
        ),
        planted=bugs_of("ais_log_weights"),
        exact=("betas", "u_first", "u_h", "u_v"),
    ),
    Contract(
        "ais_base",
        ("x",),
        ("base",),
        ROWS,
        "Visible biases of the independent model of the data.",
        laws=(base_has_the_means_of_the_data, base_of_flipped_data),
        planted=bugs_of("ais_base"),
        exact=("x",),
    ),
)
