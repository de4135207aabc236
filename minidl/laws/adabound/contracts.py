"""The contracts of the adabound method."""

from __future__ import annotations

from minidl.laws.adabound import bounded, momentum, projected, worked
from minidl.laws.adabound.cases import BOUNDED, INPUTS
from minidl.laws.adabound.planted import bugs_of
from minidl.laws.adabound.schedule import BOUNDS
from minidl.laws.adabound.shared import DESCENT, laws_of
from minidl.laws.core import Contract


def _bounded(method, statement, *further):
    function = method.run.function
    return Contract(
        function,
        INPUTS,
        ("trajectory",),
        BOUNDED,
        statement,
        laws=(
            *laws_of(method, (*bounded.SHARED, *DESCENT, *further)),
            *worked.RATES.get(function, ()),
            *((worked.printed_distances_to_momentum_sgd,) if function == "adabound" else ()),
        ),
        planted=bugs_of(function),
        golden=worked.GOLDEN[function],
    )


CONTRACTS: tuple[Contract, ...] = (
    BOUNDS,
    _bounded(
        bounded.ADABOUND,
        "AdaBound: Adam whose rates are clipped into a band that closes on final_lr.",
        bounded.decay_is_part_of_the_gradient,
    ),
    _bounded(
        bounded.AMSBOUND,
        "AMSBound: AdaBound with the largest second moment so far.",
        bounded.decay_is_part_of_the_gradient,
        bounded.maximum_of_two_pulses,
        bounded.while_the_moment_grows_it_is_adabound,
        bounded.steps_are_never_longer_than_adabounds,
    ),
    _bounded(
        bounded.ADABOUNDW,
        "AdaBoundW: AdaBound with decoupled weight decay, multiplied by no rate.",
        bounded.decay_alone_is_geometric,
        bounded.decay_bypasses_the_moments,
        bounded.without_decay_it_is_adabound,
    ),
    momentum.CONTRACT,
    projected.CONTRACT,
)
