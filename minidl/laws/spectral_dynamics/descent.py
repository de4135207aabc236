"""Laws of the way that the singular values of two linear layers take: by steps, and as a flow."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Cases, Contract, agree, holds, identical, law
from minidl.laws.spectral_dynamics.cases import FACTORED, MODES, THRESHOLD, drawn, one_of, size, worked
from minidl.laws.spectral_dynamics.oracle import built, integrated, orthogonal, scalar_descent
from minidl.laws.spectral_dynamics.planted import bugs_of

# --- descent -----------------------------------------------------------------------------------------------------------
DESCENT = (*FACTORED, "step_size", "steps")


def aligned(
    seed: int,
    s: tuple[float, ...],
    decay: float,
    step_size: float,
    steps: int,
    a: tuple[float, ...] = (),
    b: tuple[float, ...] = (),
    dtype=np.float64,
):
    """Factors whose singular vectors are those of the target, so that each mode moves by itself, from a_k, b_k."""
    R = len(s)
    rng, a, b = np.random.default_rng(seed), np.array(a or [0.5] * R), np.array(b or [0.5] * R)
    u, v, q = orthogonal(rng, R + 1, R), orthogonal(rng, R + 2, R), orthogonal(rng, R, R)
    return {
        "a": ((u * a) @ q.T).astype(dtype),
        "b": ((q * b) @ v.T).astype(dtype),
        "target": built(u, np.array(s), v).astype(dtype),
        "decay": decay, "step_size": step_size, "steps": steps, "u": u, "v": v, "q": q, "modes": (a, b, np.array(s)),
    }  # fmt: skip


def drawn_descent(seed: int, R: int, decay: float, steps: int):
    rng = np.random.default_rng(seed)
    s = tuple(rng.integers(1, 9, R) / 4)
    return aligned(seed, s, decay, 0.125, steps, *(tuple(rng.integers(1, 7, R) / 8) for _ in range(2)))


DESCENTS = Cases(
    named={
        "one_step": aligned(0, (3, 1, 0.2), 0.5, 0.125, 1),
        "no_step": aligned(1, (2, 1), 0.5, 0.125, 0),
        "twenty": aligned(2, (3, 1, 0.2), 0.5, 0.0625, 20),
        "no_decay": aligned(3, (2, 0.5), 0.0, 0.125, 15),
        "unbalanced": aligned(4, (2, 1), 0.25, 0.0625, 10, (1.0, 0.25), (0.125, 0.75)),
        "single_precision": aligned(5, (2, 1), 0.25, 0.125, 8, dtype=np.float32),
        "single": aligned(6, (1.5,), 0.5, 0.25, 5),
    },
    generated=drawn(drawn_descent, R=size(1, 3), decay=one_of(0.5, 0.0, 0.125), steps=size(0, 12)),
    notes={"unbalanced": "the second layer must move by the old first one"},
)


def _descent(impl, case, **changed):
    case = case | changed
    return [np.asarray(x) for x in impl.factor_descent(*(case[name] for name in DESCENT))]


def _growth(case):
    """Each step rounds at the size of the weights, and magnifies what came before by at most 1 + step (3 s_1 + decay)."""
    reach = 1 + case["step_size"] * (3 * max(case["modes"][2].max(), 1.0) + case["decay"])
    side = max(case["target"].shape)
    scale = max(*(np.abs(case[name]).max() for name in "ab"), np.sqrt(case["modes"][2].max()))
    return {"ulps": 16 * side * (case["steps"] + 1) * reach ** case["steps"], "scale": float(scale)}


@law(
    cases=DESCENTS,
    needs=("factor_descent",),
    grade="numerical",
    equation=r"a_k' = a_k - \eta[(a_k b_k - \sigma_k) b_k + \lambda a_k]",
    source=MODES,
)
def modes_move_by_themselves(impl, case):
    """Where the layers' vectors are the target's, each mode descends as two numbers would, both from the old values."""
    a, b = _descent(impl, case)
    ends = [
        scalar_descent(*m, case["decay"], case["step_size"], case["steps"]) for m in zip(*case["modes"], strict=True)
    ]
    along_a, along_b = (np.array(x) for x in zip(*ends, strict=True))
    dtype = case["a"].dtype
    agree(a, ((case["u"] * along_a) @ case["q"].T).astype(dtype), why="A", **_growth(case))
    agree(b, ((case["q"] * along_b) @ case["v"].T).astype(dtype), why="B", **_growth(case))


@law(cases=DESCENTS, needs=("factor_descent",), grade="numerical", source=MODES)
def steps_follow_each_other(impl, case):
    """Steps may be made at once or one by one; no step changes nothing, bit by bit."""
    a, b = case["a"], case["b"]
    for _ in range(case["steps"]):
        a, b = _descent(impl, case, a=a, b=b, steps=1)
    got = _descent(impl, case)
    agree(got[0], a, why="A", **_growth(case))
    agree(got[1], b, why="B", **_growth(case))
    still = _descent(impl, case, steps=0)
    identical(still[0], case["a"], why="A after no step")
    identical(still[1], case["b"], why="B after no step")


LONG = Cases(
    named={
        "worked": aligned(10, (3, 1, 0.2), 0.5, 0.1, 4000, (0.3, 0.2, 0.1), (0.1, 0.4, 0.3)),
        "two_left": aligned(11, (4, 2, 1, 0.5), 1.5, 0.05, 3000),
        "no_decay": aligned(12, (2, 1), 0.0, 0.1, 1500),
    },
    notes={"worked": "3, 1, 0.2 under a decay of 0.5 end as 2.5, 0.5, 0"},
)


@law(
    cases=LONG,
    needs=("factor_descent",),
    grade="numerical",
    equation=r"A B \to U \max(\Sigma - \lambda, 0) V^\top, \quad A^\top A = B B^\top",
    source=THRESHOLD,
)
def descent_ends_at_the_soft_threshold(impl, case):
    """After many steps the product is the soft threshold of the target, and with decay the layers are balanced."""
    sigma, decay = case["modes"][2], case["decay"]
    rng = np.random.default_rng(0)
    noise = [1e-3 * rng.standard_normal(case[name].shape) for name in "ab"]  # off the aligned directions too
    a, b = _descent(impl, case, a=case["a"] + noise[0], b=case["b"] + noise[1])
    want = built(case["u"], np.maximum(sigma - decay, 0), case["v"])
    # near the end a mode above the decay closes in by 1 - 2 step (sigma - decay), one below by 1 - step (decay - sigma),
    # what lies beyond the target's directions by 1 - step decay or, without decay, by 1 - step sigma
    apart = np.abs(sigma - decay)
    if decay == 0:
        slowest = case["step_size"] * apart.min()
    else:
        slowest = case["step_size"] * min(apart.min(), decay)
    remains = 8 * (1 - slowest) ** (case["steps"] / 2)  # half of the steps to leave the saddle
    eps = np.finfo(float).eps
    ulps = (64 / slowest) + remains / eps  # each step rounds anew, and that fades at the same rate
    agree(a @ b, want, why="the product", ulps=ulps, scale=float(sigma.max()))
    if decay:
        agree(a.T @ a, b @ b.T, why="the balance", ulps=ulps, scale=float(sigma.max()))


SLOW = Cases(
    named={
        "published": {"sigma": 2.0, "start": 0.01, "decay": 0.0, "time": 2.0},
        "decays": {"sigma": 2.0, "start": 0.01, "decay": 0.5, "time": 2.0},
        "fades": {"sigma": 0.5, "start": 0.25, "decay": 1.0, "time": 1.0},
    }
)


@law(
    cases=SLOW,
    needs=("factor_descent", "mode_curve"),
    grade="numerical",
    equation=r"s_{\text{descent}}(t) - s(t) = O(\eta)",
    source=MODES,
)
def small_steps_follow_the_curve(impl, case):
    """A balanced mode under descent is off the curve by an amount that halves with the step, and vanishes with it."""
    root, one = np.full((1, 1), np.sqrt(case["start"])), np.full((1, 1), case["sigma"])
    want = float(np.asarray(impl.mode_curve(np.array([case["time"]]), case["sigma"], case["start"], case["decay"]))[0])
    off = []
    for step in (1 / 256, 1 / 512):
        a, b = (
            np.asarray(x) for x in impl.factor_descent(root, root, one, case["decay"], step, round(case["time"] / step))
        )
        off.append(float((a @ b)[0, 0]) - want)
    # |s''| <= 2 sigma |s'| and |s'| <= sigma^2 bound the local error; e^{2 sigma t} carries it on, at most
    holds(bool(abs(off[0]) < case["sigma"] ** 2 / 16), why="off by O(step)", got=off)
    holds(bool(abs(off[1] - off[0] / 2) < 0.05 * abs(off[0])), why="half as much for half the step", got=off)


# --- the curve of a mode -----------------------------------------------------------------------------------------------
CURVE = ("times", "sigma", "start", "decay")


def curve(*times: float, sigma: float = 2.0, start: float = 0.01, decay: float = 0.0):
    return {"times": np.array(times), "sigma": sigma, "start": start, "decay": decay}


def drawn_curve(seed: int, n: int, sigma: float, start: float, decay: float):
    times = np.sort(np.random.default_rng(seed).integers(0, 65, n)) / 16
    return curve(*times, sigma=sigma, start=start, decay=decay)


CURVES = Cases(
    named={
        "typical": curve(0.0, 0.5, 1.0, 2.0, 4.0),
        "decays": curve(0.0, 1.0, 2.0, 3.0, decay=0.5),
        "fades": curve(0.0, 0.5, 2.0, 5.0, sigma=0.5, start=0.75, decay=1.0),
        "borderline": curve(0.0, 1.0, 10.0, sigma=0.5, start=0.25, decay=0.5),
        "slow": curve(0.0, 1.0, 6.0, sigma=0.75, start=0.125, decay=0.25),
        "from_above": curve(0.0, 0.25, 1.0, sigma=1.0, start=3.0),
        "at_rest": curve(0.0, 1.0, 100.0, sigma=1.5, start=1.5),
        "nothing": curve(0.0, 1.0, 1000.0, start=0.0),
        "late": curve(300.0, 1e5, 1e9, start=1e-12),
        "faded": curve(1e4, 1e9, sigma=0.25, start=0.5, decay=1.0),
        "faint": curve(0.0, 1.0, 5.0, start=1e-300),
    },
    generated=drawn(
        drawn_curve,
        n=size(1, 4),
        sigma=one_of(2.0, 0.5, 1.0, 0.0),
        start=one_of(0.01, 1.0, 3.0, 0.0),
        decay=one_of(0.0, 0.5, 1.0),
    ),
    notes={"late": "e^{2 sigma t} overflows", "borderline": "sigma = decay: algebraic, not exponential"},
)


def _curve(impl, case, **changed):
    case = case | changed
    return np.asarray(impl.mode_curve(*(case[name] for name in CURVE)))


def _exponents(case):
    """A relative rounding of the exponent 2 kappa t moves the exponential by its size."""
    kappa = abs(case["sigma"] - case["decay"])
    times = np.minimum(case["times"] * kappa, 800)  # beyond, the exponential is 0 whatever its rounding
    return 16 + 8 * times


@law(
    cases=CURVES,
    needs=("mode_curve",),
    grade="numerical",
    equation=r"\dot s = 2 s (\sigma - \lambda - s), \quad s(0) = s_0",
    source=MODES,
)
def solution_of_the_flow(impl, case):
    """The curve solves its differential equation: by Runge and Kutta up to t = 4."""
    kappa = case["sigma"] - case["decay"]
    times = np.minimum(case["times"], 4.0)
    steps = 400
    rate = 2 * max(abs(kappa), case["start"])
    want = np.array([integrated(lambda s: 2 * s * (kappa - s), case["start"], float(t), steps) for t in times])
    # the local error of the fourth order is (rate h)^5 times the size, at most; all steps, carried on by e^{2 kappa t}
    h = times / steps
    error = 4 * steps * (4 * rate * h) ** 5 * np.exp(2 * max(kappa, 0) * times) / np.finfo(float).eps
    top = np.maximum(want, case["start"])
    agree(_curve(impl, case, times=times), want, why="the curve", ulps=1, scale=top * (error + 64 * steps))


@law(
    cases=CURVES,
    needs=("mode_curve",),
    grade="numerical",
    equation=r"\frac1{s(t)} = \frac{1}{s_0} e^{-2 \kappa t} + \int_0^t 2 e^{-2\kappa \tau} d\tau",
    source="1/s solves a linear equation",
)
def inverse_solves_a_linear_equation(impl, case):
    """Start and end: s_0 at t = 0, max(sigma - decay, 0) in the end, and 1/s on the way, in long double precision."""
    long, kappa = np.longdouble, np.longdouble(case["sigma"]) - np.longdouble(case["decay"])
    got = _curve(impl, case)
    agree(_curve(impl, case, times=np.zeros(1)), np.array([case["start"]]), why="at t = 0", ulps=2)
    if case["start"] == 0:
        identical(got, np.zeros(len(got)), why="from 0")
        return
    t = case["times"].astype(long)
    if kappa == 0:
        want = 1 / (1 / long(case["start"]) + 2 * t)
    else:
        want = kappa / (1 + (kappa / long(case["start"]) - 1) * np.exp(-2 * kappa * t)) if kappa > 0 else None
        if want is None:
            decayed = np.exp(2 * kappa * t)
            want = long(case["start"]) * decayed / (1 + long(case["start"]) * (1 - decayed) / -kappa)
    agree(got, want.astype(np.float64), why="s(t)", ulps=1, scale=np.abs(want.astype(np.float64)) * _exponents(case))
    end = max(case["sigma"] - case["decay"], 0.0)
    if kappa != 0:
        agree(_curve(impl, case, times=np.array([1e9])), np.array([end]), why="in the end", ulps=8)


@law(
    cases=CURVES,
    needs=("mode_curve",),
    grade="numerical",
    equation=r"s(t + u; s_0) = s(u; s(t; s_0)), \quad s_{c\sigma, c\lambda}(t; c s_0) = c\,s_{\sigma, \lambda}(c t; s_0)",
    source="flow; units of time",
)
def curves_continue_and_scale(impl, case):
    """Where a curve has come to, it goes on; twice the values run twice as fast."""
    rest = 0.375
    case = case | {"times": np.minimum(case["times"], 50.0)}
    far = _curve(impl, case, times=case["times"] + rest)
    ulps = 4 * _exponents(case | {"times": case["times"] + rest})
    for t, want, allowed in zip(case["times"], far, ulps, strict=True):
        there = float(_curve(impl, case, times=np.array([t]))[0])
        got = _curve(impl, case, times=np.array([rest]), start=there)[0]
        agree(got, want, why=f"on from t = {t}", ulps=allowed, scale=abs(want))
    double = _curve(impl, case, times=case["times"] / 2, **{name: 2 * case[name] for name in CURVE[1:]})
    want = 2 * _curve(impl, case)
    agree(double, want, why="twice the values", ulps=1, scale=np.abs(want) * ulps)
    lower = _curve(impl, case | {"decay": 0.0}, sigma=case["sigma"] + 1.0)
    agree(_curve(impl, case, sigma=case["sigma"] + 1.0 + case["decay"]), lower, why="decay lowers sigma", ulps=1,
          scale=np.abs(lower) * (ulps + 16 * np.minimum(case["times"], 400) * (1 + case["sigma"] + case["decay"])))  # fmt: skip
    plain = np.asarray(impl.mode_curve(case["times"], case["sigma"], case["start"]))
    agree(plain, _curve(impl, case, decay=0.0), why="decay left out", ulps=2)


# --- contracts ---------------------------------------------------------------------------------------------------------
DESCENT_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "factor_descent",
        DESCENT,
        ("a", "b"),
        DESCENTS,
        "Gradient descent on both layers at once.",
        laws=(
            modes_move_by_themselves,
            steps_follow_each_other,
            descent_ends_at_the_soft_threshold,
            small_steps_follow_the_curve,
        ),
        planted=bugs_of("factor_descent"),
        exact=("step_size",),
        terms=lambda case: _growth(case)["scale"],
    ),
    Contract(
        "mode_curve",
        CURVE,
        ("s",),
        CURVES,
        "The singular value of a balanced mode under gradient flow.",
        laws=(solution_of_the_flow, inverse_solves_a_linear_equation, curves_continue_and_scale),
        planted=bugs_of("mode_curve"),
        golden=(
            worked(
                "mode_curve",
                curve(np.log(3) / 2, sigma=1.0, start=0.25),
                {"s": [0.5]},
                14,
                "a quarter, after log 3 / 2",
            ),
        ),
    ),
)
