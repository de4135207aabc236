"""The laws of a training step: how far it goes, and when steps shrink."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Case, Cases, Contract, agree, identical, law
from minidl.laws.mclv_rbm.machine import LONG
from minidl.laws.mclv_rbm.planted import bugs_of

CODE = "the authors' code of Savarese, Kakodkar, Ribeiro 2018"
_ASCENT = ("parameter", "gradient", "previous", "rate", "momentum", "weight_decay")


def _drawn(fill):
    def generated():
        from hypothesis import strategies as st

        return st.builds(lambda seed: fill(np.random.default_rng(seed)), st.integers(0, 99999))

    return generated


# --- steps -------------------------------------------------------------------------------------------------------------
RATES = Cases(
    named={
        f"epoch_{epoch}_plateau_{plateau}": {"epoch": epoch, "rate": 0.1, "plateau": plateau}
        for epoch, plateau in (
            (0, 10),
            (8, 10),
            (9, 10),
            (10, 10),
            (19, 10),
            (20, 10),
            (0, 1),
            (1, 1),
            (6, 1),
            (99, 1000),
        )
    },
    generated=lambda: _any_rate(),
    notes={
        "epoch_9_plateau_10": "the last epoch of the first plateau",
        "epoch_10_plateau_10": "the first of the second",
    },
)


def _any_rate():
    from hypothesis import strategies as st

    return st.fixed_dictionaries(
        {"epoch": st.integers(0, 200), "rate": st.sampled_from([1.0, 0.1, 0.003]), "plateau": st.integers(1, 40)}
    )


@law(
    cases=RATES,
    needs=("learning_rate",),
    grade="numerical",
    equation=r"\eta_e = \eta_0 / \lceil (1 + e) / \text{plateau} \rceil",
    source=CODE,
)
def one_plateau_after_the_other(impl, case):
    """The first plateau of epochs has the full rate, the second half of it, the third a third."""
    number, left = 1, case["epoch"]
    while left >= case["plateau"]:
        number, left = number + 1, left - case["plateau"]
    got = impl.learning_rate(case["epoch"], case["rate"], case["plateau"])
    agree(got, case["rate"] / number, why="the rate", ulps=2)


def _step(rng: np.random.Generator) -> Case:
    shape = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    arrays = {name: np.round(rng.normal(size=shape), 2) for name in _ASCENT[:3]}
    return arrays | {
        "rate": float(rng.choice([0.1, 0.5])),
        "momentum": float(rng.choice([0.0, 0.5, 0.875])),
        "weight_decay": float(rng.choice([0.0, 0.125])),
    }


_PLAIN = _step(np.random.default_rng(1)) | {"rate": 0.5}
STEPS = Cases(
    named={
        "plain": _PLAIN | {"momentum": 0.0, "weight_decay": 0.0},
        "momentum": _PLAIN | {"momentum": 0.75, "weight_decay": 0.0},
        "decay": _PLAIN | {"momentum": 0.0, "weight_decay": 0.125},
        "both": _PLAIN | {"momentum": 0.75, "weight_decay": 0.125},
        "float32": {k: v.astype(np.float32) if np.ndim(v) else v for k, v in _PLAIN.items()}
        | {"momentum": 0.75, "weight_decay": 0.125},
    },
    generated=_drawn(_step),
)


def _ascend(impl, case, **changed):
    return impl.ascent_step(*((case | changed)[name] for name in _ASCENT))


def _size(case):
    return float(np.abs(case["parameter"]).max() + np.abs(case["gradient"]).max() + np.abs(case["previous"]).max())


@law(
    cases=STEPS,
    needs=("ascent_step",),
    grade="numerical",
    equation=r"\theta_T = \theta_0 + \eta g \sum_{t=1}^{T} (1 + m + \dots + m^{t-1})",
    source=CODE,
)
def constant_gradient_gathers_speed(impl, case):
    """Along a constant gradient, uphill, changes are the partial sums of a geometric series; without momentum all alike."""
    g, rate, m, T = case["gradient"], case["rate"], case["momentum"], 4
    theta, change = case["parameter"], np.zeros_like(g)
    for _ in range(T):
        theta, change = _ascend(impl, case, parameter=theta, previous=change, weight_decay=0.0)
    wide, slow = np.asarray(g, LONG), LONG(m)
    last = sum(slow**t for t in range(T))
    total = sum(slow**t for s in range(1, T + 1) for t in range(s))
    expected = (np.asarray(case["parameter"], LONG) + rate * wide * total).astype(g.dtype)
    agree(change, (rate * wide * last).astype(g.dtype), why="the last change", ulps=4 * T, scale=T * _size(case))
    agree(theta, expected, why="the parameter", ulps=8 * T, scale=T * T * _size(case))


@law(
    cases=STEPS,
    needs=("ascent_step",),
    grade="numerical",
    equation=r"g = 0,\ m = 0 \Rightarrow \theta_T = (1 - \eta \lambda)^T \theta_0",
    source=CODE,
)
def decay_shrinks_geometrically(impl, case):
    """Without a gradient, weight decay shrinks a parameter geometrically, at the learning rate."""
    theta, T, rate, decay = case["parameter"], 3, case["rate"], case["weight_decay"]
    zero = np.zeros_like(theta)
    for _ in range(T):
        theta, _ = _ascend(impl, case, parameter=theta, gradient=zero, previous=zero, momentum=0.0)
    expected = (np.asarray(case["parameter"], LONG) * (1 - LONG(rate) * decay) ** T).astype(zero.dtype)
    agree(theta, expected, why="the parameter", ulps=4 * T, scale=_size(case))


@law(
    cases=STEPS,
    needs=("ascent_step",),
    grade="numerical",
    equation=r"\Delta = \eta (g - \lambda \theta) + m \Delta_{prev}, \quad \theta' = \theta + \Delta",
    source=CODE,
)
def the_three_parts_add_up(impl, case):
    """The change is the sum of what gradient, decay and the last change make of it alone, and it is what is added."""
    zero = np.zeros_like(case["parameter"])
    parameter, change = _ascend(impl, case)
    alone = [
        _ascend(impl, case, **{name: zero for name in ("gradient", "previous", "parameter") if name != kept})[1]
        for kept in ("gradient", "previous", "parameter")
    ]
    total = sum(np.asarray(part, LONG) for part in alone)
    agree(change, total.astype(zero.dtype), why="the change", ulps=12, scale=_size(case))
    moved = (np.asarray(case["parameter"], LONG) + np.asarray(change, LONG)).astype(zero.dtype)
    agree(parameter, moved, why="the parameter", ulps=2, scale=_size(case))
    plain = impl.ascent_step(case["parameter"], case["gradient"], case["previous"], case["rate"])
    still = _ascend(impl, case, momentum=0.0, weight_decay=0.0)
    identical(plain[0], np.asarray(still[0]), why="the parameter by default: neither momentum nor decay")
    pushed = case["momentum"] * np.asarray(case["previous"], LONG)
    agree(alone[1], pushed.astype(zero.dtype), why="what the last change makes", ulps=2, scale=_size(case))


TRAINING_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "learning_rate",
        ("epoch", "rate", "plateau"),
        ("rate",),
        RATES,
        "The learning rate of an epoch.",
        laws=(one_plateau_after_the_other,),
        planted=bugs_of("learning_rate"),
    ),
    Contract(
        "ascent_step",
        _ASCENT,
        ("parameter", "change"),
        STEPS,
        "A step uphill, with momentum and weight decay.",
        laws=(constant_gradient_gathers_speed, decay_shrinks_geometrically, the_three_parts_add_up),
        planted=bugs_of("ascent_step"),
    ),
)
