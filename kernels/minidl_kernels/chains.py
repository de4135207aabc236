"""Block Gibbs chains whose states stay packed, with noise that is given or made on the way.

    theta = machine(W, b, a)                      # or int8_machine: weights rounded to 8 bits, another machine
    v, h = packed_steps(h, theta, 100, seed=1)    # h: (chains, words) uint64

A step multiplies packed states by tables (or by the byte products of AVX512-VNNI), then makes bias, sigmoid, noise,
comparison and packing in one pass. Without noise it comes from the counter-based generator of `noise`: step t of chain
i takes

    u_v = uniforms((chains, n_V), seed=seed, step=first + t, stream=VISIBLE, dtype=...)[i]

and u_h the same with n_H and HIDDEN, in the dtype of the biases. So a run can be taken up again where it stopped
(`first`), repeated, or given to another program.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minidl_kernels.layers import NOWHERE, uniform
from minidl_kernels.machines import Int8Machine, Machine
from minidl_kernels.noise import place
from minidl_kernels.packing import packed

VISIBLE, HIDDEN, START = 0, 1, 2  # streams of noise
_VISIBLE, _HIDDEN = np.uint64(VISIBLE), np.uint64(HIDDEN)


class PackedStep(NamedTuple):
    """The packed states at the end of a step: h was sampled given v."""

    v: np.ndarray  # (chains, ceil(n_V / 64)) uint64
    h: np.ndarray  # (chains, ceil(n_H / 64)) uint64


def packed_step(h: Any, theta: Machine | Int8Machine, u_v: Any, u_h: Any) -> PackedStep:
    """v ~ p(v | h), then h' ~ p(h | v), with a unit on where u < p. h: (M, words), u_v: (M, n_V), u_h: (M, n_H).

    Raises ValueError for shapes that do not fit and noise outside [0, 1), TypeError for what is not packed.
    """
    h = _chains(h, theta)
    u_v, u_h = uniform("u_v", u_v, len(h), len(theta.b)), uniform("u_h", u_h, len(h), len(theta.a))
    return step(h, theta, u_v, u_h, (NOWHERE, NOWHERE))


def packed_steps(h: Any, theta: Machine | Int8Machine, steps: int, *, seed: int, first: int = 0) -> PackedStep:
    """As many steps, numbered from `first`, with noise from the seed. h: (M, words). Returns the states after the last
    one.

    Raises as `packed_step`, and ValueError for steps < 1 and for numbers past 2^32.
    """
    h = _chains(h, theta)
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 1:
        raise ValueError(f"steps must be an integer of at least 1, got {steps!r}")
    key, _, _ = place(seed, first, VISIBLE)
    place(seed, first + steps - 1, VISIBLE)
    for t in range(first, first + steps):
        number = np.uint64(t)
        v, h = step(h, theta, None, None, ((key, number, _VISIBLE), (key, number, _HIDDEN)))
    return PackedStep(v, h)


def step(h: np.ndarray, theta: Machine | Int8Machine, u_v: Any, u_h: Any, places: tuple) -> PackedStep:
    """A step without checks."""
    v = theta.sample_visible(h, u_v, places[0])
    return PackedStep(v, theta.sample_hidden(v, u_h, places[1]))


def _chains(h: Any, theta: Machine | Int8Machine) -> np.ndarray:
    h = packed("h", h, len(theta.a))
    if h.ndim != 2 or len(h) == 0:
        raise ValueError(f"h must be (chains, words) with at least one chain, got shape {h.shape}")
    return h
