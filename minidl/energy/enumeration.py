"""All 2^n states of one layer, block by block, with the other layer's inputs: what exact results are summed from.

A state's **code** is the integer whose bit j is unit j: state (1, 0) has code 1, state (0, 1) code 2. Arrays over all
states are indexed by code. The same order of bits packs states into words (`minidl.energy.codes`).

The low bits of the code run inside a block, whose inputs form a table in which every row is an earlier row plus one
column of the weights. The high bits follow a Gray code, so that from block to block a single column is added or taken
away. That sum is kept in long double: it is changed up to 2^(n - low) times, and its rounding errors must not grow to
float64's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from minidl.energy import border

CAP = 25  # units: 2^25 states of a layer beside 784 units take minutes, every further unit doubles that
_ENTRIES = 1 << 17  # of one block's inputs: a megabyte, which a cache holds


class Block(NamedTuple):
    """Consecutive states of a layer of n units beside a layer of m units."""

    start: int  # the code of the first state
    states: np.ndarray  # (B, n)
    inputs: np.ndarray  # (B, m) what the states send to the other layer, its biases included
    linear: np.ndarray  # (B,) states @ own biases


def all_states(n: int) -> np.ndarray:
    """All states of n units by code: row k holds the bits of k, unit 0 the lowest. Returns (2^n, n) float64.

    Raises TypeError and ValueError unless n is an integer in 1..25.
    """
    n = border.count("n", n)
    border.enumerable(n, CAP, "the table of all states", "visit them in blocks instead")
    return _states(n)


def _states(n: int) -> np.ndarray:
    return (np.arange(1 << n)[:, None] >> np.arange(n) & 1).astype(np.float64)


def blocks(weights: np.ndarray, other: np.ndarray, own: np.ndarray, width: int = 1) -> Iterator[Block]:
    """All states of a layer. weights: (n, m) from it to the other layer; other: (m,), own: (n,) biases.

    width: how many numbers the caller makes of a state, where these are more than m: the blocks are the smaller for it.
    """
    weights, other, own = (np.asarray(array, np.float64) for array in (weights, other, own))
    n, m = weights.shape
    low = min(n, max(1, (_ENTRIES // max(m, width)).bit_length() - 1))
    below, above = _states(low), np.zeros(n - low)  # (B, low), (n - low,)
    table = np.zeros((1 << low, m))
    for j in range(low):  # the states with bit j as highest bit are those before them with unit j switched on
        table[1 << j : 2 << j] = table[: 1 << j] + weights[j]
    linear = below @ own[:low]  # (B,)
    inputs, bias = other.astype(np.longdouble), np.longdouble(0)
    for k in range(1 << (n - low)):
        if k:
            j = (k & -k).bit_length() - 1  # the bit in which the Gray codes of k - 1 and k differ
            above[j] = 1 - above[j]
            change = 2 * above[j] - 1  # +1 where the unit went on, -1 where it went off
            inputs = inputs + change * weights[low + j]
            bias = bias + change * own[low + j]
        states = np.hstack([below, np.broadcast_to(above, (len(below), n - low))])
        yield Block((k ^ k >> 1) << low, states, table + inputs.astype(np.float64), linear + float(bias))
