"""Cases for the laws of Boltzmann machines: small machines by name, and strategies that draw more of them.

Everything is drawn from a seed and rounded, so that it prints short. Uniform numbers keep a distance from the
probability that they are compared with: there rounding would decide the state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.laws.core import Case, Cases
from minidl.laws.mclv_rbm.machine import Machine, bits, code, machine, mask, walk

DEFINITION = "definition"
HINTON = "Hinton 2002"
TOURS = "Savarese, Kakodkar, Ribeiro 2018"
KAC = "Kac 1947"
AIS = "Salakhutdinov, Murray 2008, section 3"

MARGIN = 2.0**-12  # least distance of a uniform number from its probability
_STATES = frozenset({"v", "h", "x", "S", "start", "states"})

W, B, A = np.array([[1.0, -1.0], [0.5, 0.25]]), np.array([-0.2, 0.3]), np.array([0.1, -0.4])
WORKED = dict(W=W, b=B, a=A)
WORKED_X = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])

Fill = Callable[[np.random.Generator, Machine, Case], Case]


def parameters(rng: np.random.Generator, n_V: int, n_H: int, spread: float = 1.0) -> Case:
    """Weights and biases of about this size, two decimals."""
    return {
        name: np.round(rng.normal(size=size) * spread, 2) for name, size in (("W", (n_V, n_H)), ("b", n_V), ("a", n_H))
    }


def _drawn(seed: int, n_V: int, n_H: int, spread: float = 1.0) -> Case:
    return parameters(np.random.default_rng(seed), n_V, n_H, spread)


_OVERFLOWING = dict(
    W=np.array([[800.0, -400.0], [-1200.0, 400.0], [400.0, 800.0]]),
    b=np.array([-200.0, 200.0, 0.0]),
    a=np.array([200.0, -200.0]),
)
MACHINES: dict[str, Case] = {
    "worked": WORKED,
    "decoupled": WORKED | {"W": np.zeros((2, 2))},
    "balanced": dict(W=np.zeros((2, 3)), b=np.zeros(2), a=np.zeros(3)),
    "single": dict(W=np.array([[1.7]]), b=np.array([-0.6]), a=np.array([0.4])),
    "wide": _drawn(1, 2, 4),
    "tall": _drawn(2, 4, 2),
    "strong": _drawn(3, 3, 2, 15.0),
    "overflowing": _OVERFLOWING,
    "float32": _drawn(4, 3, 2),
    "gaps": _drawn(5, 3, 2),
    "octets": _drawn(6, 2, 3),
}
HARSH = ("strong", "overflowing")  # probabilities within rounding of 0 and 1
NOTES = {
    "worked": "the worked machine: as many visible as hidden units, so that an exchange shows in the values alone",
    "decoupled": "without weights every unit is independent",
    "balanced": "every probability is 1/2",
    "strong": "a sum of exponentials that is not taken in the log domain loses its small terms",
    "overflowing": "log(1 + e^x) overflows where x is above 709",
    "float32": "a result that grows to float64, or a sum kept too short",
    "gaps": "memory that is not contiguous",
    "octets": "states as unsigned bytes, whose negative wraps around",
}


def _gaps(value: Any) -> Any:
    if not isinstance(value, np.ndarray) or value.ndim == 0:
        return value
    return np.asfortranarray(value) if value.ndim == 2 else np.repeat(value, 2, axis=-1)[..., ::2]


def _laid_out(name: str, case: Case) -> Case:
    """The case as its name says: in single precision, with gaps, or with bytes for states."""
    if name == "float32":
        floating = {k for k, value in case.items() if getattr(value, "dtype", None) == np.float64}
        return {k: value.astype(np.float32) if k in floating else value for k, value in case.items()}
    if name == "gaps":
        return {k: _gaps(value) for k, value in case.items()}
    if name == "octets":
        return {k: value.astype(np.uint8) if k in _STATES else value for k, value in case.items()}
    return case


def family(
    fill: Fill,
    *,
    without: tuple[str, ...] = (),
    spreads: tuple[float, ...] = (0.5, 1.0, 4.0),
    shapes: tuple[tuple[int, int], ...] = ((1, 1), (1, 3), (2, 2), (3, 1), (2, 3), (3, 2), (3, 4), (4, 2)),
    more: dict[str, Case] | None = None,
    notes: dict[str, str] | None = None,
) -> Cases:
    """Named machines with what `fill` adds to each, and drawn ones. more: further cases, with what they hunt in notes."""

    def build(name: str, theta: Case, seed: int) -> Case:
        if name == "float32":
            theta = {k: value.astype(np.float32).astype(np.float64) for k, value in theta.items()}
        return _laid_out(name, theta | fill(np.random.default_rng(seed), machine(theta), theta))

    def generated():
        from hypothesis import strategies as st

        def one(seed: int, shape: tuple[int, int], spread: float, layout: str) -> Case:
            return build(layout, _drawn(seed, *shape, spread), seed)

        layouts = st.sampled_from(["", "", "", "float32"])
        return st.builds(one, st.integers(0, 9999), st.sampled_from(shapes), st.sampled_from(spreads), layouts)

    named = {name: build(name, theta, 7) for name, theta in MACHINES.items() if name not in without}
    named |= more or {}
    told = {name: note for name, note in NOTES.items() if name in named}
    return Cases(named=named, generated=generated, notes=told | (notes or {}))


def only(cases: Cases, *names: str, generated: bool = False) -> Cases:
    """Some of the named cases alone."""
    named = {name: cases.named[name] for name in names}
    notes = {name: note for name, note in cases.notes.items() if name in named}
    return Cases(named=named, generated=cases.generated if generated else None, notes=notes)


def states(rng: np.random.Generator, rows: int, n: int) -> np.ndarray:
    """Random states. (rows, n)"""
    return rng.integers(0, 2, (rows, n)).astype(np.float64)


def uniform(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Uniform numbers of three decimals and a half."""
    return (rng.integers(0, 2048, shape) + 0.5) / 2048


def clear(draw: Callable[[], tuple[Case, float]]) -> Case:
    """The first case that is drawn whose noise keeps the margin."""
    while True:
        case, margin = draw()
        if margin > MARGIN:
            return case


# --- what each function is given -------------------------------------------------------------------------------------------
def _pairs(rng: np.random.Generator, m: Machine, theta: Case) -> Case:
    rows = int(rng.integers(1, 5))
    return {"v": states(rng, rows, m.n_V), "h": states(rng, rows, m.n_H)}


def _every_pair(m: Machine) -> Case:
    v, h = bits(m.n_V), bits(m.n_H)
    return {"v": np.repeat(v, len(h), axis=0), "h": np.tile(h, (len(v), 1))}


PAIRS = family(_pairs, more={"every_pair": WORKED | _every_pair(machine(WORKED))})


def _data(rng: np.random.Generator, m: Machine, theta: Case) -> Case:
    return {"x": states(rng, int(rng.integers(1, 6)), m.n_V)}


DATA = family(_data, more={"worked_data": WORKED | {"x": WORKED_X}})
THETA = family(lambda rng, m, theta: {})
GENTLE = family(_data, without=HARSH, spreads=(0.5, 1.0))


def _hidden_sample(rng: np.random.Generator, m: Machine, theta: Case) -> Case:
    def draw() -> tuple[Case, float]:
        v = states(rng, int(rng.integers(1, 5)), m.n_V)
        u = uniform(rng, len(v), m.n_H)
        return {"v": v, "u": u}, float(np.abs(u - m.h_mean[code(v)]).min())

    return clear(draw)


def _visible_sample(rng: np.random.Generator, m: Machine, theta: Case) -> Case:
    def draw() -> tuple[Case, float]:
        h = states(rng, int(rng.integers(1, 5)), m.n_H)
        u = uniform(rng, len(h), m.n_V)
        return {"h": h, "u": u}, float(np.abs(u - m.v_mean[code(h)]).min())

    return clear(draw)


_EDGES = np.array([[0.0, 0.5, np.nextafter(0.5, 0)], [np.nextafter(0.5, 1), 0.25, 1 - 2.0**-53]])
_BORDER = {"border": "a unit is on where u < p, hence off where u = p = 1/2 and on at u = 0"}
HIDDEN_SAMPLES = family(
    _hidden_sample, more={"border": MACHINES["balanced"] | {"v": np.eye(2), "u": _EDGES}}, notes=_BORDER
)
VISIBLE_SAMPLES = family(
    _visible_sample,
    more={"border": MACHINES["balanced"] | {"h": np.eye(3), "u": _EDGES.T.copy()}},
    notes=_BORDER,
)


def _step(rng: np.random.Generator, m: Machine, theta: Case) -> Case:
    def draw() -> tuple[Case, float]:
        h = states(rng, int(rng.integers(1, 5)), m.n_H)
        u_v, u_h = uniform(rng, len(h), m.n_V), uniform(rng, len(h), m.n_H)
        return {"h": h, "u_v": u_v, "u_h": u_h}, walk(m, code(h), [u_v], [u_h])[2]

    return clear(draw)


STEPS = family(_step)


def _cd(rng: np.random.Generator, m: Machine, theta: Case) -> Case:
    def draw() -> tuple[Case, float]:
        x, k = states(rng, int(rng.integers(1, 4)), m.n_V), int(rng.integers(1, 4))
        u_start = uniform(rng, len(x), m.n_H)
        u_v, u_h = uniform(rng, k, len(x), m.n_V), uniform(rng, k, len(x), m.n_H)
        p = m.h_mean[code(x)]
        margin = min(float(np.abs(u_start - p).min()), walk(m, code(u_start < p), u_v, u_h)[2])
        return {"x": x, "u_start": u_start, "u_v": u_v, "u_h": u_h}, margin

    return clear(draw)


def _pcd(rng: np.random.Generator, m: Machine, theta: Case) -> Case:
    def draw() -> tuple[Case, float]:
        h, k = states(rng, int(rng.integers(1, 4)), m.n_H), int(rng.integers(1, 4))
        x = states(rng, int(rng.integers(1, 4)), m.n_V)
        u_v, u_h = uniform(rng, k, len(h), m.n_V), uniform(rng, k, len(h), m.n_H)
        return {"x": x, "h": h, "u_v": u_v, "u_h": u_h}, walk(m, code(h), u_v, u_h)[2]

    return clear(draw)


CD, PCD = family(_cd), family(_pcd)


def _k(rng: np.random.Generator, m: Machine, theta: Case) -> Case:
    return _data(rng, m, theta) | {"k": int(rng.integers(1, 5))}


EXPECTED = family(_k, more={f"worked_{k}": WORKED | {"x": WORKED_X, "k": k} for k in (1, 2, 10)})


# --- sets and tours --------------------------------------------------------------------------------------------------------
def subset(rng: np.random.Generator, n: int, most: int = 6) -> np.ndarray:
    """Some distinct states of n units, in no order. (|S|, n)"""
    size = int(rng.integers(1, min(most, (1 << n) - 1) + 1))
    return bits(n)[rng.permutation(1 << n)[:size]]


def _set(rng: np.random.Generator, m: Machine, theta: Case) -> Case:
    return {"S": subset(rng, m.n_H)}


SETS = family(_set, more={"everything": WORKED | {"S": bits(2)[[3, 0, 2, 1]]}})


def _rounds(rng: np.random.Generator, m: Machine, theta: Case) -> Case:
    def draw() -> tuple[Case, float]:
        x = states(rng, int(rng.integers(1, 6)), m.n_V)
        u = uniform(rng, int(rng.integers(1, 4)), len(x), m.n_H)
        return {"x": x, "u": u}, float(np.abs(u - m.h_mean[code(x)]).min())

    return clear(draw)


ROUNDS = family(_rounds)


def likely(rng: np.random.Generator, m: Machine) -> np.ndarray:
    """Some distinct states to which tours come back soon: samples of the machine. (|S|, n_H)"""
    size = int(rng.integers(1, 5))
    p = np.asarray(m.p_h, np.float64)
    return bits(m.n_H)[np.unique(rng.choice(len(p), size, p=p / p.sum()))[::-1]]


def _tours(rng: np.random.Generator, m: Machine, theta: Case) -> Case:
    def draw() -> tuple[Case, float]:
        S, tours, cap = likely(rng, m), int(rng.integers(1, 7)), int(rng.integers(1, 6))
        start = S[rng.integers(0, len(S), tours)]
        u_v, u_h = uniform(rng, cap, tours, m.n_V), uniform(rng, cap, tours, m.n_H)
        return {"S": S, "start": start, "u_v": u_v, "u_h": u_h}, walk(m, code(start), u_v, u_h)[2]

    return clear(draw)


RUNS = family(_tours)


def _visits(rng: np.random.Generator, m: Machine, theta: Case) -> Case:
    """Tours as records: they need not be possible. The first tour is complete, and at least one state is visited by each."""
    tours = int(rng.integers(1, 5))
    owner = rng.permutation(np.concatenate([np.arange(tours), rng.integers(0, tours, int(rng.integers(0, 6)))]))
    completed = np.arange(tours) < max(1, int(rng.integers(0, tours + 1)))
    return _data(rng, m, theta) | {
        "states": states(rng, len(owner), m.n_H),
        "owner": owner,
        "completed": completed,
    }


VISITS = family(_visits)
ALL_BACK = family(
    lambda rng, m, theta: (found := _visits(rng, m, theta)) | {"completed": np.ones_like(found["completed"])}
)


def _capped(rng: np.random.Generator, m: Machine, theta: Case) -> Case:
    return {"S": likely(rng, m), "K": int(rng.integers(1, 7))}


SOON = 200.0  # mean length of a tour, above which a case says more of rounding than of tours


def returning(case: Case) -> bool:
    """Whether the machine comes back to the case's set soon, from every state."""
    m = machine(case)
    inside = mask(case["S"])
    step = np.asarray(m.away(inside), np.float64)
    for _ in range(10):
        step = step @ step
    return bool(step.sum(axis=1).max() < 1e-3)  # after 1024 steps


def _kac(rng: np.random.Generator, m: Machine, theta: Case) -> Case:
    while True:
        found = _capped(rng, m, theta)
        if returning(theta | found):
            return found


_WORKED_SETS = {"10": [[1.0, 0.0]], "10_11": [[1.0, 0.0], [1.0, 1.0]], "00_10": [[0.0, 0.0], [1.0, 0.0]]}
KAC_CASES = family(
    _kac,
    without=HARSH,
    spreads=(0.5, 1.0),
    more={f"worked_{name}": WORKED | {"S": np.array(S), "K": 5} for name, S in _WORKED_SETS.items()}
    | {"everything": WORKED | {"S": bits(2), "K": 3}},
)


def phases(case: Case) -> float:
    """The size of a gradient's two phases, each a mean of numbers in [0, 1], which may be equal entry by entry."""
    return 1.0
