"""Uniform numbers for walks, each from its place: number i of walk w under a seed.

So it does not matter in which order, or on which core, walks are walked, and no array of noise is needed. Number i of a
walk is SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014) at place i of the
walk's own sequence: two multiplications, where the generator of `minidl_kernels.noise` takes twenty. Sequences begin at
places scattered over 2^64; those of W walks of T numbers meet with a probability below W^2 T / 2^64.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from minidl_kernels import flat

_U = np.uint64
_GOLDEN, _MIX1, _MIX2 = _U(0x9E3779B97F4A7C15), _U(0xBF58476D1CE4E5B9), _U(0x94D049BB133111EB)


def walk_noise(walks: int, numbers: int, seed: int) -> np.ndarray:
    """The first numbers in [0, 1) of each walk, (walks, numbers) float64. seed: 0 to 2^64 - 1."""
    u = np.empty((flat.count("walks", walks, 0), flat.count("numbers", numbers, 0)))
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 1 << 64:
        raise ValueError(f"seed must be an integer from 0 to 2^64 - 1, got {seed!r}")
    _fill(u, _U(seed))
    return u


@njit(cache=True, inline="always")
def _mix(z):
    z = (z ^ (z >> _U(30))) * _MIX1
    z = (z ^ (z >> _U(27))) * _MIX2
    return z ^ (z >> _U(31))


@njit(cache=True, inline="always")
def key(seed, w):
    """Where the sequence of walk w begins. For compiled code."""
    return _mix(seed ^ _mix(_U(w) + _GOLDEN))


@njit(cache=True, inline="always")
def uniform(key, i):
    """Number i of a sequence, in [0, 1), 53 bits. For compiled code."""
    return np.float64(np.int64(_mix(key + _U(i + 1) * _GOLDEN) >> _U(11))) * 2.0**-53


@njit(cache=True, nogil=True)
def _fill(u, seed):
    for w in range(u.shape[0]):
        own = key(seed, w)
        for i in range(u.shape[1]):
            u[w, i] = uniform(own, i)
