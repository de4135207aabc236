"""What the laws of spectra share: roundings, printed values, and the form of their contracts."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Contract
from minidl.laws.spectral_dynamics.cases import ANY, spectrum, worked
from minidl.laws.spectral_dynamics.planted import bugs_of

GIVEN = ("s", "eps")
EPS = 1e-10


def rounds(case) -> float:
    """A sum of R terms, R logarithms of shares that are rounded themselves, an exponential of at most log R."""
    return 4.0 * (len(case["s"]) + 8)


def positive(case):
    """The spectrum in descending order with eps added, rounded once, and 0 left for eps."""
    return case | {"s": np.sort(case["s"].astype(np.float64))[::-1] + case["eps"], "eps": 0.0}


def relative(value):
    """Absolute errors of the entropy are relative errors of its exponential."""
    return np.abs(value) * (1 + np.log(max(float(np.max(value)), 1.0)))


PRINTED = (  # s, eps, effective rank, its share, 90 % count, stable rank, note
    ((3, 1), 0.0, 1.7547653506, 0.8773826753, 2, 1.1111111111, "two values"),
    ((4, 2, 1, 1), 0.0, 3.3635856610, 0.8408964153, 4, 1.375, "dyadic shares: 2^1.75"),
    ((10, 1, 0.1), 0.0, 1.4237413119, 0.4745804373, 1, 1.0101, "a steep spectrum"),
    ((5, 0, 0, 0), EPS, 1.0000000015, 0.2500000004, 1, 1.0, "rank one, seen through eps"),
)
_SQUARE_ROOT_OF_SIX = (np.sqrt(6.0), 1.0)  # the values of [[1, 2, 0], [0, 1, 1]]


def printed(function, column, digits=10):
    found = [
        worked(function, spectrum(*row[0], eps=row[1]), {"value": row[column]}, digits, row[-1]) for row in PRINTED
    ]
    more = {2: 1.8258767490, 3: 0.9129383745}
    if column in more:
        inputs = spectrum(*_SQUARE_ROOT_OF_SIX)
        found.append(worked(function, inputs, {"value": more[column]}, digits, "a matrix of two rows"))
    return tuple(found)


def contract_of(function, statement, laws, golden):
    return Contract(function, GIVEN, ("value",), ANY, statement, laws=laws, planted=bugs_of(function), golden=golden)
