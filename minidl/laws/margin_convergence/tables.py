"""Printed tables of worked examples: where gradient flow is at times up to 1e100, and how far from the maximum margin.

Positions are given to all digits, computed in long double, so that angle and gap can be held to the digits printed of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minidl.laws.margin_convergence.cases import PAIR, WORKED


class Row(NamedTuple):
    """One row of a table: data by name, rows divided by `unit`, exponential loss from w = 0; what was printed, or None."""

    data: str
    time: str
    z: np.ndarray
    w: np.ndarray
    printed: tuple[float, float]
    angle: str | None = None
    gap: str | None = None
    unit: float = 1.0

    @property
    def log_time(self) -> float:
        return float(np.log(float(self.time)))


def decimals(printed: str) -> int:
    """How many decimals a number such as 4.9094281071e-02 has."""
    digits, exponent = printed.split("e")
    return len(digits.partition(".")[2]) - int(exponent)


def _pair(time: str, printed: tuple[float, float], angle: str, gap: str) -> Row:
    t = np.longdouble(time)
    w = np.array([np.log1p(t), np.log1p(4 * t) / 2], np.float64)
    return Row("pair", time, PAIR, w, printed, angle, gap)


def _worked(time: str, w: tuple[float, float], printed: tuple[float, float], angle: str, gap: str) -> Row:
    return Row("worked", time, WORKED, np.array(w), printed, angle, gap)


FLOWS = (
    _worked(
        "1e3",
        (3.9183796699028535, 2.342982030023351),
        (3.9183796699, 2.3429820300),
        "4.9094281071e-02",
        "5.6782557547e-02",
    ),
    _worked(
        "1e6",
        (6.878880258514383, 4.3156166961232145),
        (6.8788802585, 4.3156166961),
        "2.7699416124e-02",
        "3.1470562494e-02",
    ),
    _worked(
        "1e12",
        (12.799815848816056, 8.262900494063205),
        (12.7998158488, 8.2629004941),
        "1.4763179444e-02",
        "1.6589249301e-02",
    ),
    _worked(
        "1e100",
        (99.64016792756708, 66.15646854630594),
        (99.6401679276, 66.1564685463),
        "1.8804878831e-03",
        "2.0896454775e-03",
    ),
    _pair("1e3", (6.9087547793, 4.1471498044), "7.6973756524e-02", "3.7038141575e-02"),
    _pair("1e12", (27.6310211159, 14.5086577385), "1.9866677184e-02", "9.0605663371e-03"),
    _pair("1e100", (230.2585092994, 115.8224018303), "2.4053390041e-03", "1.0782866898e-03"),
)

# Growing steps on the worked rows over the root of 18: after a hundred and ten thousand steps.
_ROWS, _UNIT = WORKED / np.sqrt(18.0), float(np.sqrt(18.0))
GROWN = (
    Row("worked", "100 steps", _ROWS, np.array([8.234701184822615, 4.460291972486067]), (8.2347011848, 4.4602919725),
        gap="2.5836039294e-02", unit=_UNIT),
    Row("worked", "10,000 steps", _ROWS, np.array([76.8156398970812, 50.06359808814297]), (76.8156398971, 50.0635980881),
        gap="2.7461003162e-03", unit=_UNIT),
)  # fmt: skip
