"""Whole layers of a restricted Boltzmann machine: probabilities and samples, with the signatures of `minidl.energy`.

Binary states are packed at the border, multiplied by tables (`tables`), and sampled in one pass (`sampling`). What may
be probabilities instead of states goes through BLAS.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minidl_kernels import sampling
from minidl_kernels.machines import Machine, parameters, passing_machine
from minidl_kernels.noise import place
from minidl_kernels.packing import pack, unpack

NOWHERE = place(0, 0, 0)  # where noise is given


class GibbsStep(NamedTuple):
    v: np.ndarray  # (..., n_V)
    h_probability: np.ndarray  # (..., n_H)
    h: np.ndarray  # (..., n_H)


# --- the border ----------------------------------------------------------------------------------------------------------
def binary(name: str, value: Any, units: int) -> tuple[np.ndarray, tuple[int, ...]]:
    """Binary states (..., units) packed as (M, words), and their leading axes."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold zeros and ones, got {array.dtype}")
    if array.ndim == 0 or array.shape[-1] != units:
        raise ValueError(f"{name} must have shape (..., {units}), one entry per unit, got {array.shape}")
    try:
        return pack(array.reshape(array.size // units, units)), array.shape[:-1]
    except ValueError as error:
        raise ValueError(
            f"{name} must hold zeros and ones only ({error}): binarise it ({name} > 0.5), or where probabilities make sense "
            "pass allow_probabilities=True"
        ) from None


def batch(name: str, value: Any, units: int) -> np.ndarray:
    """Binary states (N, units) with at least one row, packed."""
    words, leading = binary(name, value, units)
    if len(leading) != 1 or leading[0] == 0:
        raise ValueError(f"{name} must be (N, {units}) with at least one row, got shape {np.shape(value)}")
    return words


def uniform(name: str, value: Any, *shape: int | str) -> np.ndarray:
    """Noise in [0, 1) of this shape; a word stands for any length of at least 1."""
    array = np.asarray(value)
    if array.dtype.kind != "f":
        raise TypeError(f"{name} must hold uniform numbers, got {array.dtype}: draw it with rng.random(shape)")
    fits = array.ndim == len(shape) and all(
        n >= 1 if isinstance(m, str) else n == m for n, m in zip(array.shape, shape, strict=True)
    )
    if not fits:
        wanted = ", ".join(str(m) for m in shape) + ("," if len(shape) == 1 else "")
        raise ValueError(f"{name} must have shape ({wanted}), a uniform number for each draw, got {array.shape}")
    if array.size and not (array.min() >= 0 and array.max() < 1):  # NaN fails both
        raise ValueError(f"{name} must lie in [0, 1): draw it with rng.random(shape)")
    return array


# --- a layer -------------------------------------------------------------------------------------------------------------
def hidden_probability(v: Any, W: Any, a: Any, *, allow_probabilities: bool = False) -> np.ndarray:
    """p(h_j = 1 | v). v: (..., n_V), binary unless `allow_probabilities`. Returns (..., n_H).

    Raises ValueError for shapes that do not fit, states that are not binary, parameters that are not finite.
    """
    W, _, a = parameters(W, None, a)
    if allow_probabilities:
        v = probabilities("v", v, len(W), W.dtype)
        inputs = v.reshape(v.size // len(W), len(W)) @ W  # (M, n_H)
        sampling.probabilities(inputs, a, inputs)
        return inputs.reshape(*v.shape[:-1], len(a))
    words, leading = binary("v", v, len(W))
    return probability(Machine(W, a, a, W, W).hidden_inputs(words), a).reshape(*leading, len(a))


def visible_probability(h: Any, W: Any, b: Any) -> np.ndarray:
    """p(v_i = 1 | h). h: (..., n_H). Returns (..., n_V). Raises as `hidden_probability`."""
    W, b, _ = parameters(W, b, None)
    return hidden_probability(h, W.T, b)


def sample_hidden(v: Any, W: Any, a: Any, u: Any, *, allow_probabilities: bool = False) -> np.ndarray:
    """h ~ p(h | v), on where u < p. v: (..., n_V), u: (..., n_H). Returns (..., n_H). Raises for unfit noise too."""
    p = hidden_probability(v, W, a, allow_probabilities=allow_probabilities)
    return (uniform("u", u, *p.shape) < p).astype(p.dtype)


def sample_visible(h: Any, W: Any, b: Any, u: Any) -> np.ndarray:
    """v ~ p(v | h), on where u < p. h: (..., n_H), u: (..., n_V). Returns (..., n_V). Raises as `sample_hidden`."""
    p = visible_probability(h, W, b)
    return (uniform("u", u, *p.shape) < p).astype(p.dtype)


def gibbs_step(h: Any, W: Any, b: Any, a: Any, u_v: Any, u_h: Any) -> GibbsStep:
    """One step of the hidden chain: v ~ p(v | h), then h' ~ p(h | v).

    h: (..., n_H), u_v: (..., n_V), u_h: (..., n_H). Returns v, p(h' = 1 | v) and h'. Raises as `sample_hidden`.
    """
    theta = passing_machine(*parameters(W, b, a))
    n_V, n_H = theta.W.shape
    words, leading = binary("h", h, n_H)
    u_v, u_h = uniform("u_v", u_v, *leading, n_V), uniform("u_h", u_h, *leading, n_H)
    v = theta.sample_visible(words, u_v.reshape(len(words), n_V), NOWHERE)
    p = probability(theta.hidden_inputs(v), theta.a)  # (M, n_H)
    on = (u_h.reshape(len(words), n_H) < p).astype(p.dtype)
    return GibbsStep(*(x.reshape(*leading, x.shape[1]) for x in (unpack(v, n_V, p.dtype), p, on)))


def probabilities(name: str, value: Any, units: int, dtype: Any) -> np.ndarray:
    """Numbers in [0, 1], (..., units)."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold numbers in [0, 1], got {array.dtype}")
    if array.ndim == 0 or array.shape[-1] != units:
        raise ValueError(f"{name} must have shape (..., {units}), one entry per unit, got {array.shape}")
    if array.size and not (array.min() >= 0 and array.max() <= 1):
        raise ValueError(f"{name} must lie in [0, 1]")
    return array.astype(dtype, copy=False)


def probability(inputs: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """sigmoid(inputs + bias) for the columns that have a bias."""
    p = np.empty((len(inputs), len(bias)), bias.dtype)
    sampling.probabilities(inputs, bias, p)
    return p
