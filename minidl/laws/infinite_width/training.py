"""The laws of training: how a network begins, and where Adam with a falling rate takes it."""

from __future__ import annotations

import functools
import pickle
from fractions import Fraction

import numpy as np

from minidl.laws.core import Cases, Contract, Golden, agree, holds, identical, law
from minidl.laws.infinite_width.cases import EPS, PAPER, integers, quarters, seeded
from minidl.laws.infinite_width.objective import SMOOTH, drawn_task, task
from minidl.laws.infinite_width.oracle import derivatives, floats, network, objective
from minidl.laws.infinite_width.planted import bugs_of
from minidl.laws.infinite_width.units import THETA

LONG = np.longdouble
ADAM = "Kingma, Ba, 'Adam', 2015, algorithm 1"
ARGUMENTS = ("x", "y", *THETA, "times", "steps", "step_size", "decay")


# --- the beginning -----------------------------------------------------------------------------------------------------
def _noise(rng, k):
    return {"normals": quarters(rng, 2 * k, 12).reshape(2, k), "uniforms": rng.integers(0, 64, k + 1) / 64}


NOISE = Cases(
    named={f"width_{k}": _noise(np.random.default_rng(k), k) for k in (1, 2, 3, 8, 17)},
    generated=seeded(_noise, integers(1, 9)),
    notes={"width_1": "one unit, and the bias of the output is not its own", "width_8": "2 / (1 + 8) is no square"},
)


def begun(impl, case):
    found = impl.initial_network(case["normals"], case["uniforms"])
    return {name: np.asarray(part) for name, part in zip(THETA, found, strict=True)}


@law(
    cases=NOISE,
    needs=("initial_network",),
    grade="numerical",
    equation=r"\frac{w^2}{n_w^2} = \frac{v^2}{n_v^2} = \frac2{1 + k}",
    source="Glorot, Bengio, 'Understanding the difficulty of training deep feedforward neural networks', 2010, eq. 12",
)
def variance_of_the_weights(impl, case):
    """Weights are their own normals, with the variance 2 / (1 + k), both layers alike."""
    got, k = begun(impl, case), case["normals"].shape[1]
    for name, noise in zip("wv", case["normals"], strict=True):
        agree((1 + k) * got[name] ** 2, 2 * noise**2, why=f"{name} squared", ulps=8, scale=2 * noise**2)
        identical(np.sign(got[name]), np.sign(noise), why=f"signs of {name}")


@law(
    cases=NOISE,
    needs=("initial_network",),
    grade="exact",
    equation=r"b_j + 1 = 2 u_j",
    source=f"the code of {PAPER}",
)
def biases_from_minus_one_to_one(impl, case):
    """Biases are uniform between -1 and 1, the output's by the last number."""
    got = begun(impl, case)
    identical((got["b"] + 1) / 2, case["uniforms"][:-1], why="hidden biases")
    identical((got["b0"] + 1) / 2, case["uniforms"][-1], why="the output's bias")


# --- training ----------------------------------------------------------------------------------------------------------
def job(case, steps, step_size, times=None):
    times = np.array([steps] if times is None else times)
    return case | {"times": times, "steps": steps, "step_size": float(step_size)}


def drawn_job(rng, N, k, steps):
    times = np.sort(rng.integers(0, steps + 1, 3))
    return job(drawn_task(rng, N, k), steps, rng.choice([0.5, 0.125, 0.01]), times)


JOBS = Cases(
    named={
        "first_step": job(SMOOTH["tent"], 1, 0.125),
        "start": job(SMOOTH["tent"], 4, 0.125, [0]),
        "four_steps": job(SMOOTH["tent"], 4, 0.125, [0, 1, 2, 3, 4]),
        "early_end": job(SMOOTH["tent"], 10, 0.125, [1, 3]),
        "same_time_twice": job(SMOOTH["no_decay"], 3, 0.25, [0, 2, 2, 3]),
        "strong_decay": job(SMOOTH["strong_decay"], 5, 0.25),
        "unsorted_and_twice": job(SMOOTH["unsorted_and_twice"], 6, 0.03, [3, 6]),
        "dead_unit": job(SMOOTH["dead_unit"], 5, 0.25, [5]),
        "one_of_each": job(SMOOTH["one_of_each"], 8, 0.25, [2, 8]),
        "small_gradients": job(task(([2.0**-14], [1.0], [2.0**-14], 0.0), [0.5, -1], [2.0**-20, 0], 2.0**-12), 4, 0.5),
    },
    generated=seeded(drawn_job, integers(1, 3), integers(1, 3), integers(1, 5)),
    notes={
        "early_end": "the rate falls as for all ten steps",
        "dead_unit": "its bias never moves, its weights decay",
        "small_gradients": "as small as Adam's 1e-8: where that is added shows",
    },
)


def trained(impl, case, **changed):
    case = case | changed
    found = impl.train(*(case[name] for name in ARGUMENTS))
    return {name: np.asarray(part) for name, part in zip(THETA, found, strict=True)}


def long_run(case):
    """Parameters after every step (steps + 1, 3k + 1), in long double, and how much the last digits of the inputs move them.

    Derivatives are symmetric differences of the objective with the active units held fixed, of which it is a polynomial.
    Moments are sums over all gradients so far, weighted by powers of 0.9 and 0.999.
    """
    return _long_run(pickle.dumps({name: case[name] for name in ARGUMENTS}))


@functools.lru_cache(maxsize=512)
def _long_run(stored):
    case, rng = pickle.loads(stored), np.random.default_rng(5)
    inputs = {name: np.asarray(case[name], LONG) for name in ("x", "y", *THETA, "decay", "step_size")}
    end = int(np.max(case["times"]))
    path, spread = _descend(inputs, end, case["steps"]), LONG(0)
    for _ in range(4):
        shaken = {
            name: value * (1 + rng.choice([-1, 1], np.shape(value)) * LONG(EPS)) for name, value in inputs.items()
        }
        spread = np.maximum(spread, np.abs(_descend(shaken, end, case["steps"]) - path).max(axis=1))
    return path, np.maximum.accumulate(spread)


def _descend(inputs, end, steps):
    x, y = inputs["x"], inputs["y"]
    path, gradients = [np.concatenate([np.ravel(inputs[name]) for name in THETA])], []
    k = len(inputs["w"])

    def loss(theta, active):
        w, b, v = theta[:-1].reshape(3, k)
        h = ((np.outer(x, w) + b) * active * v).sum(axis=1) + theta[-1]
        return np.mean((h - y) ** 2) + inputs["decay"] / 2 * (np.sum(w * w) + np.sum(v * v))

    for t in range(1, end + 1):
        theta = path[-1]
        active = np.outer(x, theta[:k]) + theta[k : 2 * k] > 0
        moves = np.eye(len(theta), dtype=LONG)
        gradients.append(np.array([(loss(theta + e, active) - loss(theta - e, active)) / 2 for e in moves]))
        means = []
        for beta, power in ((LONG("0.9"), 1), (LONG("0.999"), 2)):
            weights = np.array([beta ** (t - 1 - s) for s in range(t)])
            means.append((weights[:, None] * np.array(gradients) ** power).sum(axis=0) / weights.sum())
        rate = inputs["step_size"] * (steps - t + 1) / steps
        path.append(theta - rate * means[0] / (np.sqrt(means[1]) + LONG("1e-8")))
    return np.array(path)


def rounding(case, times, spread):
    """The spread of the inputs' last digits, and 1 - 0.999^t, which has lost three digits, in each of the steps so far."""
    times = np.asarray(times)
    return 16 * np.asarray(spread[times], float) / EPS + 1024 * case["step_size"] * times


@law(
    cases=JOBS,
    needs=("train",),
    grade="numerical",
    equation=r"\theta_t = \theta_{t-1} - \eta \tfrac{T - t + 1}T \frac{\hat m_t}{\sqrt{\hat s_t} + 10^{-8}}",
    source=ADAM,
)
def adam_in_long_double(impl, case):
    """Every recorded row is that of Adam by weighted sums over all gradients, these by differences, in long double."""
    path, spread = long_run(case)
    got, expected = trained(impl, case), path[case["times"]].astype(float)
    rows = np.concatenate([np.reshape(got[name], (len(got[name]), -1)) for name in THETA], axis=1)
    holds(rows.shape == expected.shape, why="one row for each time", got=rows.shape, expected=expected.shape)
    scale = rounding(case, case["times"], spread)[:, None] + 8 * np.abs(expected)
    agree(rows, expected, why="w, b, v, b0 in the rows", ulps=1, scale=scale)


@law(
    cases=JOBS,
    needs=("train",),
    grade="numerical",
    equation=r"\theta_1 = \theta_0 - \eta \frac{g}{|g| + 10^{-8}}",
    source=ADAM,
)
def the_first_step_is_a_sign(impl, case):
    """At first both moments are the gradient's, so that each parameter moves by the full step size, however long the run."""
    before = np.abs(np.outer(case["x"], case["w"]) + case["b"])
    if not before.all():
        return  # a kink is no place for differences
    room = Fraction(float((before / np.maximum(1, np.abs(case["x"]))[:, None]).min(initial=1.0))) / 2
    slopes = derivatives(lambda moved: objective(case, moved), {name: case[name] for name in THETA}, room)
    tiny, size = Fraction(1, 10**8), Fraction(case["step_size"])
    _, spread = long_run(case | {"times": np.array([1]), "steps": 1})
    for steps in (1, 7):
        got = trained(impl, case, times=np.array([1]), steps=steps)
        for name in THETA:
            moved = floats(size * g / (abs(g) + tiny) for g in slopes[name])
            expected = np.asarray(case[name]) - (moved if name != "b0" else moved[0])
            scale = rounding(case, 1, spread) + 8 * np.abs(expected)
            agree(got[name][0], expected, why=f"{name} after the first of {steps} steps", ulps=1, scale=scale)


@law(cases=JOBS, needs=("train",), grade="exact", equation=r"\text{row } j = \theta_{t_j}", source="definition")
def records_do_not_disturb(impl, case):
    """A row depends on its own time alone; at time 0 it is the start."""
    got = trained(impl, case)
    start = trained(impl, case, times=np.array([0]))
    for name in THETA:
        identical(start[name][0], np.asarray(case[name]), why=f"{name} at time 0")
        identical(len(got[name]), len(case["times"]), why=f"rows of {name}")
    for j, time in enumerate(case["times"]):
        alone = trained(impl, case, times=np.array([time]))
        for name in THETA:
            identical(alone[name][0], got[name][j], why=f"{name} at time {time}, recorded alone")


@law(
    cases=JOBS,
    needs=("train",),
    grade="exact",
    equation=r"(x, w) \to (-x, -w)",
    source="symmetry of the network",
)
def in_a_mirror(impl, case):
    """With all points and all incoming weights negated, incoming weights are the negated ones all along."""
    got, mirrored = trained(impl, case), trained(impl, case, x=-case["x"], w=-case["w"])
    identical(mirrored["w"], -got["w"], why="w")
    for name in ("b", "v", "b0"):
        identical(mirrored[name], got[name], why=name)


@law(
    cases=JOBS,
    needs=("train",),
    grade="exact",
    equation=r"\nabla L = 0 \Rightarrow \theta_t = \theta_0",
    source="a fixed point",
)
def an_interpolant_stays(impl, case):
    """Without decay, a network that passes through all points does not move."""
    y = floats(network(case["x"], *(case[name] for name in THETA)))  # no rounding: the cases are binary fractions
    got = trained(impl, case, y=y, decay=0.0)
    for name in THETA:
        identical(got[name][-1], np.asarray(case[name]), why=f"{name} at the end")


@law(
    cases=JOBS,
    needs=("train",),
    grade="exact",
    equation=r"w_j x_i + b_j < 0 \ \forall i \Rightarrow b_j \text{ stays}",
    source="biases do not decay",
)
def the_bias_of_a_dead_unit(impl, case):
    """A unit that is active nowhere gets no gradient: without decay nothing of it moves, with decay its bias does not."""
    low = np.full(len(case["w"]), -1000.0)
    got, still = (trained(impl, case, b=low, decay=decay) for decay in (case["decay"], 0.0))
    identical(got["b"][-1], low, why="b, with decay")
    for name in "wv":
        identical(still[name][-1], case[name], why=f"{name}, without decay")


# --- contracts ---------------------------------------------------------------------------------------------------------
_STEP = job(task(([1, -1], [0, 1], [2, 3], 0.5), [-1, 2], [6, 5], 0.5), 2, 0.5, [0, 1])
TRAINING_CONTRACTS = (
    Contract(
        "initial_network",
        ("normals", "uniforms"),
        THETA,
        NOISE,
        "The network at the beginning, from normals (2, k) and uniforms (k + 1,).",
        laws=(variance_of_the_weights, biases_from_minus_one_to_one),
        planted=bugs_of("initial_network"),
        golden=(
            Golden(
                "initial_network",
                {"normals": np.array([[3.0], [-2.0]]), "uniforms": np.array([0.25, 0.5])},
                {"w": [3.0], "b": [-0.5], "v": [-2.0], "b0": 0.0},
                12,
                "one unit: the deviation is 1",
            ),
        ),
    ),
    Contract(
        "train",
        ARGUMENTS,
        THETA,
        JOBS,
        "Parameters (K, k) and (K,) after `times` of `steps` steps of Adam with a rate that falls to 0.",
        laws=(
            adam_in_long_double,
            the_first_step_is_a_sign,
            records_do_not_disturb,
            in_a_mirror,
            an_interpolant_stays,
            the_bias_of_a_dead_unit,
        ),
        planted=bugs_of("train"),
        golden=(
            Golden(
                "train",
                _STEP,
                {
                    "w": [[1.0, -1.0], [1.5, -0.5]],
                    "b": [[0.0, 1.0], [0.5, 0.5]],
                    "v": [[2.0, 3.0], [2.0, 2.5]],
                    "b0": [0.5, 0.5],
                },
                7,
                "one step: by 1/2 against the sign of each derivative, and not at all where it is 0",
            ),
        ),
    ),
)
