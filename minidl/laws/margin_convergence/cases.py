"""What the laws are judged on: separable data by name, data with a known answer, and strategies that draw more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.laws.core import Case, Golden, NotProvided
from minidl.laws.margin_convergence.clocks import LONG
from minidl.laws.margin_convergence.cone import known, planted_data

NACSON = (
    "Nacson, Lee, Gunasekar, Savarese, Srebro, Soudry, Convergence of Gradient Descent on Separable Data, AISTATS 2019"
)
SOUDRY = "Soudry, Hoffer, Nacson, Gunasekar, Srebro, The Implicit Bias of Gradient Descent on Separable Data, JMLR 2018"
JI = "Ji, Telgarsky, Gradient Descent Aligns the Layers of Deep Linear Networks, ICLR 2019"
LAWSON = "Lawson, Hanson, Solving Least Squares Problems, 1974, chapter 23"

EPS = float(np.finfo(np.float64).eps)
WORKED = np.array([[1.0, 2.0], [3.0, -1.0], [3.0, 3.0]])
PAIR = np.diag([1.0, 2.0])
SINGLE = np.array(
    [[1.0, 2.0], [3.0, 1.0], [2.0, 2.0]]
)  # one support vector; the second row lies on the margin all the same
ONE = np.array([[3.0, 4.0]])
TRIPLE = np.array([[1.0, 2.0, 2.0], [4.0, 2.0, -4.0], [6.0, -6.0, 3.0]])  # orthogonal rows of length 3, 6 and 9
LINE = np.array([[2.0], [3.0], [0.5]])
NARROW = np.array([[1.0, 20.0], [1.0, -20.0], [2.0, 3.0]])  # a margin twenty times smaller than the rows

# Tails with their powers; where there is no power, 2.0 says that it is not read.
FAMILIES = (
    ("exponential", 1.0),
    ("exponential", 2.0),
    ("logistic", 2.0),
    ("poly_exponential", 0.5),
    ("poly_exponential", 1.0),
    ("poly_exponential", 2.0),
    ("poly_exponential", 3.0),
    ("polynomial", 0.5),
    ("polynomial", 1.0),
    ("polynomial", 3.0),
    ("sub_polynomial", 2.0),
)


def family(tail: str, power: float) -> str:
    """The name of a case of that tail."""
    return f"{tail}_{power:g}".replace(".", "_")


def worked(function: str, inputs: Case, digits: int, note: str, **outputs: Any) -> Golden:
    """A worked example, its outputs as arrays."""
    arrays = {name: np.asarray(value)[()] for name, value in outputs.items()}
    return Golden(function, inputs, arrays, digits=digits, note=note)


def left_to_itself(function: Callable[..., Any], *inputs: Any) -> Any:
    """The result with the optional inputs left out. Raises NotProvided where all of them must be given."""
    try:
        return function(*inputs)
    except TypeError as error:
        raise NotProvided(getattr(function, "__name__", "it"), "it has no defaults") from error


def scaled(z: np.ndarray) -> np.ndarray:
    """The data with a longest row of length 1, at most: rounding down keeps it from lying above."""
    return z / (np.sqrt((z**2).sum(axis=1).max()) * (1 + 2 * EPS))


def rotation(seed: int, d: int) -> np.ndarray:
    """An orthogonal matrix (d, d) to rounding, no permutation."""
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))
    return q


def planted_cases() -> Any:
    """A strategy of planted data in two to five dimensions."""
    from hypothesis import strategies as st

    return st.builds(
        planted_data,
        st.integers(0, 9999),
        st.integers(2, 5),
        st.integers(0, 4),
        st.sampled_from([0, 0, 1, 2]),
        st.sampled_from([1.0, 1.0, 0.25, 1024.0]),
    )


def spanning_cases() -> Any:
    """A strategy of planted data whose support vectors are a basis."""
    from hypothesis import strategies as st

    return st.builds(
        lambda seed, d, beyond, unit: planted_data(seed, d, beyond, unit=unit),
        st.integers(0, 9999),
        st.integers(2, 4),
        st.integers(0, 4),
        st.sampled_from([1.0, 1.0, 0.5, 4.0]),
    )


def separable_rows(rng: np.random.Generator, n: int, d: int, decimals: int = 1) -> np.ndarray:
    """Random rows of a few decimals, each a good way on one side of a random plane through the origin."""
    normal, rows = rng.normal(size=d), []
    normal /= np.linalg.norm(normal)
    while len(rows) < n:
        row = np.round(rng.normal(size=d) * 2, decimals)
        side = row @ normal
        if abs(side) > 0.3:
            rows.append(np.sign(side) * row)
    return np.array(rows) + 0.0


def condition(z: np.ndarray, w: np.ndarray) -> float:
    """The longest row over the margin: how much longer than 1 products with w are before they cancel."""
    z, w = np.asarray(z, LONG), np.asarray(w, LONG)
    return float(np.sqrt((z**2).sum(axis=1).max() * (w**2).sum()))


DATA: dict[str, Case] = {
    "worked": known(WORKED, [3, 2], 7, [9, 4, 0], 49),
    "pair": known(PAIR, [2, 1], 2, [4, 1], 4),
    "single_support": known(SINGLE, [1, 2], 5, [1, 0, 0], 5),
    "one_point": known(ONE, [3, 4], 25, [1], 25),
    "triple": known(TRIPLE, 36 * TRIPLE[0] + 9 * TRIPLE[1] + 4 * TRIPLE[2], 324, [36, 9, 4], 324),
    "line": known(LINE, [2], 1, [0, 0, 4], 1),
    "narrow": known(NARROW, [1, 0], 1, [1, 1, 0], 2),
    "wide": planted_data(3, 5, 1, 2),
    "crowd": planted_data(4, 3, 9),
    "tiny": planted_data(5, 3, 2, unit=2.0**-40),
    "huge": planted_data(6, 3, 2, unit=2.0**40),
}
NOTES = {
    "single_support": "a row on the margin whose multiplier is 0",
    "triple": "orthogonal rows that lie along no axis",
    "narrow": "a small margin: products with w cancel",
    "wide": "fewer rows than dimensions: w lies in their span",
    "tiny": "a threshold that is not relative to the data",
    "huge": "a threshold that is not relative to the data",
}
