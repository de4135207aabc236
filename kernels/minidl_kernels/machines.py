"""Restricted Boltzmann machines made ready for packed states: weights in the order in which the products read them.

A `Machine` has the weights as they are, float32 or float64. An `Int8Machine` is *another* machine, with the same biases
and the weights rounded to 255 levels, W ~ scale * Q with Q in -127..127: one scale for all, so that both directions of
a Gibbs step use the same weights and the chain has a joint distribution at all. Sums of its weights are exact integers,
whatever computes them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minidl_kernels import cpu, sampling, simd_bits, simd_int8, simd_sampling, simd_tables
from minidl_kernels.packing import _unpack, word_count

Place = tuple[np.uint64, np.uint64, np.uint64]  # seed, step and stream of noise; see `noise.place`


class Machine(NamedTuple):
    """Weights and biases of one float dtype; made by `machine`."""

    W: np.ndarray  # (n_V, n_H)
    b: np.ndarray  # (n_V,)
    a: np.ndarray  # (n_H,)
    to_hidden: np.ndarray  # W in the order in which the kernel at hand reads it
    to_visible: np.ndarray  # its transpose

    def hidden_inputs(self, v: np.ndarray) -> np.ndarray:
        """v W for packed v (M, words). Returns (M, 64 ceil(n_H / 64)), of which the first n_H columns count."""
        return _summed(v, self.to_hidden, *self.W.shape)

    def visible_inputs(self, h: np.ndarray) -> np.ndarray:
        """h W^T for packed h (M, words). Returns (M, 64 ceil(n_V / 64)), of which the first n_V columns count."""
        return _summed(h, self.to_visible, *self.W.shape[::-1])

    def sample_hidden(self, v: np.ndarray, u: np.ndarray | None, place: Place) -> np.ndarray:
        """Packed h ~ p(h | v), from u (M, n_H), or without from the noise of this seed, step and stream."""
        return sampled(self.hidden_inputs(v), 1.0, self.a, u, place)

    def sample_visible(self, h: np.ndarray, u: np.ndarray | None, place: Place) -> np.ndarray:
        """Packed v ~ p(v | h), from u (M, n_V), or without from the noise of this seed, step and stream."""
        return sampled(self.visible_inputs(h), 1.0, self.b, u, place)

    @property
    def scale(self) -> float:
        """What to multiply the inputs by before the bias is added."""
        return 1.0


class Int8Machine(NamedTuple):
    """Rounded weights, exact int32 sums of them, and float32 biases; made by `int8_machine`. Same methods as `Machine`."""

    Q: np.ndarray  # (n_V, n_H) int8: W is about scale * Q
    scale: float
    b: np.ndarray  # (n_V,) float32
    a: np.ndarray  # (n_H,) float32
    to_hidden: np.ndarray  # Q for the kernel at hand
    to_visible: np.ndarray  # its transpose

    @property
    def W(self) -> np.ndarray:
        """The weights of this machine, (n_V, n_H) float32."""
        return np.float32(self.scale) * self.Q.astype(np.float32)

    def hidden_inputs(self, v: np.ndarray) -> np.ndarray:
        """v Q, int32: to be scaled."""
        return _summed_int8(v, self.to_hidden, *self.Q.shape)

    def visible_inputs(self, h: np.ndarray) -> np.ndarray:
        """h Q^T, int32: to be scaled."""
        return _summed_int8(h, self.to_visible, *self.Q.shape[::-1])

    def sample_hidden(self, v: np.ndarray, u: np.ndarray | None, place: Place) -> np.ndarray:
        return _sampled_int8(v, self.to_hidden, self.scale, self.a, u, place)

    def sample_visible(self, h: np.ndarray, u: np.ndarray | None, place: Place) -> np.ndarray:
        return _sampled_int8(h, self.to_visible, self.scale, self.b, u, place)


def machine(W: Any, b: Any, a: Any) -> Machine:
    """The machine with weights W (n_V, n_H), visible biases b and hidden biases a, in their common float dtype.

    Raises ValueError for shapes that do not fit and numbers that are not finite, TypeError for what is no number.
    """
    W, b, a = parameters(W, b, a)
    if not simd_bits.available():
        return passing_machine(W, b, a)
    return Machine(W, b, a, simd_tables.panels(W), simd_tables.panels(W.T))


def passing_machine(W: np.ndarray, b: np.ndarray, a: np.ndarray) -> Machine:
    """A machine for a few products, to which ordering the weights would not pay. Unchecked: from `parameters`."""
    return Machine(W, b, a, W, np.ascontiguousarray(W.T))


def int8_machine(W: Any, b: Any, a: Any) -> Int8Machine:
    """The machine with rounded weights: scale = max |W| / 127, Q = round(W / scale). Arguments and errors as `machine`."""
    with np.errstate(over="ignore"):
        W, b, a = (array.astype(np.float32) for array in parameters(W, b, a))
    if not (np.isfinite(W).all() and np.isfinite(b).all() and np.isfinite(a).all()):
        raise ValueError("the parameters are too large for float32: did training diverge?")
    scale = np.float32(np.abs(W).max() / np.float32(127)) or np.float32(1)
    Q = np.clip(np.rint(W / scale), -127, 127).astype(np.int8)
    if cpu.has(*cpu.INT8):
        return Int8Machine(Q, float(scale), b, a, simd_int8.panels(Q), simd_int8.panels(Q.T))
    wide = Q.astype(np.int32)
    return Int8Machine(Q, float(scale), b, a, wide, np.ascontiguousarray(wide.T))


def sampled(inputs: np.ndarray, scale: float, bias: np.ndarray, u: np.ndarray | None, place: Place) -> np.ndarray:
    """Packed states of units with inputs scale * inputs + bias, by the kernel that the processor allows."""
    words = np.empty((len(inputs), inputs.shape[1] // 64), np.uint64)
    sample = simd_sampling.sample if cpu.has(*cpu.AVX512) else sampling.sample
    sample(inputs, scale, bias, _noise(u, bias), *place, np.uint64(0), words)
    return words


def _noise(u: np.ndarray | None, bias: np.ndarray) -> np.ndarray | None:
    """Noise in the dtype of the biases, so that no comparison with a number of that dtype changes: rounded down."""
    if u is None or u.dtype == bias.dtype:
        return u
    narrow = u.astype(bias.dtype)
    return np.where(narrow > u, np.nextafter(narrow, bias.dtype.type(0)), narrow)


def _summed(states: np.ndarray, weights: np.ndarray, n: int, N: int) -> np.ndarray:
    sums = np.empty((len(states), 64 * word_count(N)), weights.dtype)
    if weights.ndim == 3:
        simd_tables.sum_panels(states, weights, n, N, sums)
    else:
        simd_bits.sum_rows(states, weights, sums)
    return sums


def _summed_int8(states: np.ndarray, weights: np.ndarray, n: int, N: int) -> np.ndarray:
    if weights.ndim == 2:  # no VNNI
        return _summed(states, weights, n, N)
    rows = len(states) + -len(states) % simd_int8.ROWS
    octets = np.zeros((rows, 4 * weights.shape[1]), np.uint8)
    _unpack(states, octets[: len(states)], 0, 1)
    sums = np.empty((rows, simd_int8.COLUMNS * weights.shape[0]), np.int32)
    simd_int8.products(octets, weights, sums)
    return sums[: len(states)]


def _sampled_int8(
    states: np.ndarray, weights: np.ndarray, scale: float, bias: np.ndarray, u: np.ndarray | None, place: Place
) -> np.ndarray:
    if weights.ndim == 2:  # no VNNI
        return sampled(_summed(states, weights, *weights.shape), scale, bias, u, place)
    words = np.empty((len(states), word_count(len(bias))), np.uint64)
    simd_int8.sampled(states, weights, scale, bias, _noise(u, bias), *place, words)
    return words


# --- the border ----------------------------------------------------------------------------------------------------------
def parameters(W: Any, b: Any, a: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Contiguous weights and biases of one float dtype, finite, of shapes that fit; None for a bias stands for zeros."""
    W = _finite("W", W)
    if W.ndim != 2 or 0 in W.shape:
        raise ValueError(f"W must be (n_V, n_H) with at least one unit on each side, got shape {W.shape}")
    biases = []
    for name, bias, units in (("b", b, W.shape[0]), ("a", a, W.shape[1])):
        bias = np.zeros(units, W.dtype) if bias is None else _finite(name, bias)
        if bias.shape != (units,):
            raise ValueError(
                f"{name} must have shape ({units},) to fit W of shape {W.shape}, got {bias.shape}: b are the visible biases, "
                "a the hidden ones"
            )
        biases.append(bias)
    dtype = np.result_type(W, *biases)
    return tuple(np.ascontiguousarray(array, dtype) for array in (W, *biases))


def _finite(name: str, value: Any) -> np.ndarray:
    array = np.asarray(value)
    if array.dtype.kind in "iub":
        array = array.astype(np.float64)
    if array.dtype not in (np.float64, np.float32):
        raise TypeError(f"{name} must be float64 or float32, got {array.dtype}")
    if not np.isfinite(array).all():
        bad = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name} must be finite, got {array[bad]} at {bad}: did training diverge?")
    return array
