"""Worked examples: trajectories, rates, bands and distances as printed numbers, each with the bug that it hunts.

Whole trajectories to ten decimals come from sixty-digit arithmetic; a law holds the rates, which no implementation exposes,
through the steps that they make.
"""

from __future__ import annotations

import numpy as np

from minidl.laws.adabound.bounded import ADABOUND
from minidl.laws.adabound.cases import DEFAULTS, FALLING, WORKED, WORKED_DECAY, WORKED_DROP, average, before, path
from minidl.laws.checks import compare
from minidl.laws.core import Case, Cases, Golden, law

_A = [
    [0.9988000000, -1.9880000000, 0.4500000008],
    [0.9984800000, -1.9848000000, 0.4622627875],
    [0.9972400000, -1.9957333333, 0.4692227875],
    [0.9959356000, -1.9955893333, 0.4748494541],
]
_A_COUPLED = [
    [0.9928000000, -1.9760000000, 0.4500000008],
    [0.9849088000, -1.9576960000, 0.4613818632],
    [0.9747073707, -1.9507756800, 0.4668162050],
    [0.9632200908, -1.9303178938, 0.4702947918],
]
_A_DECOUPLED = [
    [0.8988000000, -1.7880000000, 0.4000000008],
    [0.8086000000, -1.6060000000, 0.3722627874],
    [0.7265000000, -1.4563333333, 0.3419965087],
    [0.6525456000, -1.3105560000, 0.3134235245],
]
_A_DROP = [
    *_A[:2],
    [0.9983560000, -1.9858933333, 0.4629587875],
    [0.9982255600, -1.9858789333, 0.4635214541],
]
_B = [
    [0.9000000071, -1.9000000071, 0.4000000141],
    [0.8702270924, -1.8702270924, 0.4334255538],
    [0.8142658894, -1.8621090121, 0.4331547792],
    [0.7438645165, -1.8215881807, 0.4183539665],
]
_B_LARGEST = [
    [0.9000000071, -1.9000000071, 0.4000000141],
    [0.8742159063, -1.8742159063, 0.4334255538],
    [0.8200317044, -1.8688463007, 0.4331954396],
    [0.7603460359, -1.8283254693, 0.4236415558],
]
_C = [
    [0.9990000032, -1.9990000016, 0.4990000011],
    [0.9980348225, -1.9987336649, 0.4990526326],
    [0.9976147337, -1.9991909964, 0.4990182141],
    [0.9969469095, -1.9991859011, 0.4987460375],
]


def _golden(function: str, inputs: Case, trajectory: list, note: str) -> Golden:
    return Golden(function, inputs, {"trajectory": np.array(trajectory)}, 10, note)


GOLDEN = {
    "adabound": (
        _golden("adabound", WORKED, _A, "upper clip, interior and lower clip in four steps"),
        _golden("adabound", WORKED_DECAY, _A_COUPLED, "coupled weight decay 0.1"),
        _golden("adabound", WORKED_DROP, _A_DROP, "the learning rate drops to a tenth at step 3, and the band with it"),
        _golden("adabound", FALLING, _B, "a second moment that falls"),
        _golden("adabound", DEFAULTS, _C, "the default hyperparameters"),
    ),
    "amsbound": (_golden("amsbound", FALLING, _B_LARGEST, "the largest second moment instead of the latest"),),
    "adaboundw": (
        _golden("adaboundw", WORKED_DECAY, _A_DECOUPLED, "decoupled weight decay 0.1, not multiplied by any rate"),
        _golden("adaboundw", DEFAULTS, _C, "no decay: the trajectory of AdaBound"),
    ),
}


# --- rates -------------------------------------------------------------------------------------------------------------
_UPPER = [[0.6, 0.6, 0.2499999960], [0.4, 0.4, 0.1021898890], [1 / 3, 1 / 3, 0.12], [0.3, 0.3, 2 / 15]]
_DROPPED = [*_UPPER[:2], [1 / 30, 1 / 30, 0.012], [0.03, 0.03, 1 / 75]]


def _rates(function: str) -> Cases:
    """Cases with the printed `rates` of their last steps (n, d)."""
    last = {
        "adabound": [2.3482779463, 1.2670678997, 2.9078217410],
        "amsbound": [1.9908495158, 1.2670678997, 1.8769909315],
    }
    found = {"falling": FALLING | {"rates": np.array([last[function]])}}
    if function == "adabound":
        found["worked"] = WORKED | {"rates": np.array(_UPPER)}
        found["worked_drop"] = WORKED_DROP | {"rates": np.array(_DROPPED)}
    return Cases(named=found)


def _printed_rates(function: str):
    @law(
        cases=_rates(function),
        needs=(function,),
        grade="numerical",
        equation=r"w_t = w_{t-1} - \hat\eta_t m_t",
        source="worked examples, rates to ten decimals",
    )
    def printed_rates(impl, case):
        """Each step of the worked examples goes along the momentum at the printed rate."""
        rows = np.asarray(getattr(impl, function)(*(case[name] for name in ADABOUND.run.inputs)))
        m, n = average(case["gradients"], case["beta1"]), len(case["rates"])
        start = before(case["w"], rows)
        expected = start[-n:] - case["rates"] * m[-n:]
        # half a unit of the tenth decimal of the rate, and eight roundings of the parameters
        tolerance = 0.5e-10 * np.abs(m[-n:]) + 8 * np.finfo(float).eps * np.abs(start[-n:])
        compare(rows[-n:], expected, tolerance, why="the steps at the printed rates")

    return printed_rates


RATES = {function: (_printed_rates(function),) for function in ("adabound", "amsbound")}

_DISTANCES = {1.0: (2.3e-3, 4), 1e2: (3.4e-5, 6), 1e4: (3.5e-7, 8), 1e6: (4.1e-9, 10)}  # gamma: (distance, digits)


@law(
    cases=Cases(
        named={
            f"gamma_{gamma:g}": DEFAULTS | {"gamma": gamma, "distance": distance, "digits": digits}
            for gamma, (distance, digits) in _DISTANCES.items()
        }
    ),
    needs=("adabound",),
    grade="numerical",
    equation=r"\max_i \lvert w_4 - w_4^{\mathrm{SGD}} \rvert \to 0,\ \gamma \to \infty",
    source="worked example, two digits",
)
def printed_distances_to_momentum_sgd(impl, case):
    """After four steps with the default hyperparameters, momentum SGD with rate final_lr is as near as printed."""
    rows = np.asarray(ADABOUND.run(impl, case))
    limit = path(ADABOUND, case, case["final_lr"] * average(case["gradients"], case["beta1"]))
    distance = np.max(np.abs(rows[-1] - limit[-1]))
    compare(distance, case["distance"], 0.5 * 10.0 ** -case["digits"], why="the distance")
