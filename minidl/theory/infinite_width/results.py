"""What the functions of networks on the line return: arrays by name."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Network(NamedTuple):
    """One hidden layer of k units: incoming weights w (k,), biases b (k,), outgoing weights v (k,), the output's bias b0.

    Also the gradient of an objective by these.
    """

    w: np.ndarray
    b: np.ndarray
    v: np.ndarray
    b0: float


class Spline(NamedTuple):
    """A piecewise-linear function: ascending knots (K,), slopes (K + 1,) from left to right, one point on its graph."""

    knots: np.ndarray
    slopes: np.ndarray
    anchor_x: float
    anchor_y: float


class MinimumNorm(NamedTuple):
    """The least norm of all functions through the data, and what it is made of.

    variation: V, the sum of the chords' changes of slope; end_sum: S, |first + last chord slope|.
    """

    variation: float
    end_sum: float
    norm: float


class Range(NamedTuple):
    """The least and the greatest value (M,) that functions of minimum norm through the data take at some points."""

    low: np.ndarray
    high: np.ndarray


class DecayOptimum(NamedTuple):
    """The best that any network can do under weight decay.

    fitted (N,): its values at the data, which are unique; norm: its norm; objective: mean squared error + decay * norm.
    """

    fitted: np.ndarray
    norm: float
    objective: float


class Path(NamedTuple):
    """Parameters in the course of training, one row per recorded time: w, b, v (K, k), b0 (K,)."""

    w: np.ndarray
    b: np.ndarray
    v: np.ndarray
    b0: np.ndarray

    @property
    def last(self) -> Network:
        """The network at the last recorded time."""
        return Network(self.w[-1], self.b[-1], self.v[-1], float(self.b0[-1]))
