"""A machine by brute force: the table of the energies of all pairs of states, from which laws sum what they expect.

Everything is a sum over that table in long double: no sigmoid, no softplus, no layer summed out in closed form. States
of a layer are rows by code: row k holds the bits of k, unit 0 the lowest.
"""

from __future__ import annotations

import functools
from functools import cached_property
from typing import Any

import numpy as np

from minidl.laws.core import Case, agree

LONG = np.longdouble


@functools.cache
def bits(n: int) -> np.ndarray:
    """All states of n units by code. (2^n, n) float64"""
    table = np.array([[k >> j & 1 for j in range(n)] for k in range(1 << n)], np.float64)
    table.flags.writeable = False
    return table


def code(states: Any) -> np.ndarray:
    """The code of each state. (..., n) -> (...,)"""
    states = np.asarray(states)
    return (states.astype(np.int64) << np.arange(states.shape[-1])).sum(axis=-1)


def _log_sum(x: np.ndarray, axis: int | None = None) -> np.ndarray:
    top = x.max(axis=axis, keepdims=True)
    total = top + np.log(np.exp(x - top).sum(axis=axis, keepdims=True))
    return total.reshape(()) if axis is None else total.squeeze(axis)


class Machine:
    """Weights W (n_V, n_H), visible biases b, hidden biases a; at beta below 1 the model between a base and the machine.

    Between them (annealing), -E is beta times the machine's plus (1 - beta) times that of visible biases alone.
    """

    def __init__(self, W: Any, b: Any, a: Any, beta: float = 1.0, base: Any = 0.0) -> None:
        W, b, a, base, beta = (np.asarray(value, LONG) for value in (W, b, a, base, beta))
        self.W, self.b, self.a = beta * W, beta * b + (1 - beta) * base, beta * a
        self.n_V, self.n_H = W.shape
        # rounding of a sum of all terms of an energy, a log or exp of it, and their largest size
        self.terms = self.n_V + self.n_H + 8
        self.size = float(1 + self.n_V + self.n_H + sum(np.abs(part).sum() for part in (W, b, a, base)))

    @cached_property
    def v(self) -> np.ndarray:
        return bits(self.n_V).astype(LONG)

    @cached_property
    def h(self) -> np.ndarray:
        return bits(self.n_H).astype(LONG)

    @cached_property
    def log_weight(self) -> np.ndarray:
        """-E(v, h). (2^n_V, 2^n_H)"""
        pairs = self.v[:, None, :, None] * self.h[None, :, None, :] * self.W  # (2^n_V, 2^n_H, n_V, n_H)
        return pairs.sum(axis=(2, 3)) + (self.v * self.b).sum(axis=1)[:, None] + (self.h * self.a).sum(axis=1)

    @cached_property
    def log_z(self) -> np.ndarray:
        return _log_sum(self.log_weight)

    @cached_property
    def joint(self) -> np.ndarray:
        """p(v, h). (2^n_V, 2^n_H)"""
        return np.exp(self.log_weight - self.log_z)

    @cached_property
    def log_v(self) -> np.ndarray:
        """-F(v). (2^n_V,)"""
        return _log_sum(self.log_weight, axis=1)

    @cached_property
    def log_h(self) -> np.ndarray:
        """Minus the free energy of h. (2^n_H,)"""
        return _log_sum(self.log_weight, axis=0)

    @cached_property
    def p_v(self) -> np.ndarray:
        return np.exp(self.log_v - self.log_z)

    @cached_property
    def p_h(self) -> np.ndarray:
        return np.exp(self.log_h - self.log_z)

    @cached_property
    def h_given_v(self) -> np.ndarray:
        """p(h | v). (2^n_V, 2^n_H)"""
        return np.exp(self.log_weight - self.log_v[:, None])

    @cached_property
    def v_given_h(self) -> np.ndarray:
        """p(v | h). (2^n_H, 2^n_V)"""
        return np.exp(self.log_weight - self.log_h).T

    @cached_property
    def h_mean(self) -> np.ndarray:
        """p(h_j = 1 | v). (2^n_V, n_H)"""
        return self.h_given_v @ self.h

    @cached_property
    def v_mean(self) -> np.ndarray:
        """p(v_i = 1 | h). (2^n_H, n_V)"""
        return self.v_given_h @ self.v

    @cached_property
    def kernel(self) -> np.ndarray:
        """T(h, h') of the hidden chain. (2^n_H, 2^n_H)"""
        return self.v_given_h @ self.h_given_v

    @cached_property
    def moments(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """E[v h^T], E[v], E[h]."""
        return self.v.T @ self.joint @ self.h, self.p_v @ self.v, self.p_h @ self.h

    def visible_side(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Means of v h(v)^T, v and h(v) when v has these weights (2^n_V,), which sum to 1."""
        return self.v.T @ (weight[:, None] * self.h_mean), weight @ self.v, weight @ self.h_mean

    def hidden_side(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Means of v(h) h^T, v(h) and h when h has these weights (2^n_H,), which sum to 1."""
        return self.v_mean.T @ (weight[:, None] * self.h), weight @ self.v_mean, weight @ self.h

    # --- tours ---
    def start(self, inside: np.ndarray) -> np.ndarray:
        """mu, by code, for a set given as a mask over codes."""
        weight = np.where(inside, self.p_h, 0)
        return weight / weight.sum()

    def away(self, inside: np.ndarray) -> np.ndarray:
        """Steps of the kernel that end outside the set."""
        return np.where(inside, 0, self.kernel)

    # --- comparisons ---
    def agree_log(self, got: Any, expected: Any, *, why: str, dtype: Any = np.float64, ulps: float = 0) -> None:
        """Energies and logs of their sums: each of the terms rounds at most once, at their summed size."""
        agree(got, np.asarray(expected, dtype)[()], why=why, ulps=self.terms + ulps, scale=self.size)

    def agree_p(
        self, got: Any, expected: Any, *, why: str, dtype: Any = np.float64, ulps: float = 0, scale: Any = None
    ) -> None:
        """Probabilities, and sums of products of them: the rounding of a log is the relative error of its exp.

        ulps: for further sums; scale: what the expected value is the difference of.
        """
        size = np.abs(np.asarray(expected, np.float64)) if scale is None else np.asarray(scale, np.float64)
        agree(got, np.asarray(expected, dtype)[()], why=why, ulps=self.terms + ulps, scale=self.size * size)


@functools.lru_cache(maxsize=1024)
def _built(shape: tuple[int, ...], *parts: bytes) -> Machine:
    W, b, a = (np.frombuffer(part) for part in parts)
    return Machine(W.reshape(shape), b, a)


def machine(case: Case) -> Machine:
    """The machine of a case."""
    W, b, a = (np.ascontiguousarray(case[name], np.float64) for name in ("W", "b", "a"))
    return _built(W.shape, W.tobytes(), b.tobytes(), a.tobytes())


def dtype(case: Case) -> np.dtype:
    """The dtype of a case's parameters, which results have too."""
    return np.result_type(case["W"], case["b"], case["a"])


def mask(S: Any) -> np.ndarray:
    """Which codes a set of states (|S|, n) holds. (2^n,) bool"""
    inside = np.zeros(1 << np.shape(S)[1], bool)
    inside[code(S)] = True
    return inside


def shares(rows: Any) -> np.ndarray:
    """The share of each state among the rows (N, n), by code. (2^n,) long double"""
    return np.bincount(code(rows), minlength=1 << np.shape(rows)[1]).astype(LONG) / len(rows)


# --- noise that brings about what a law wants to see -----------------------------------------------------------------------
# how far within the border steered noise lies, relative to the probability on its side; single precision needs more
EDGE = {np.dtype(np.float64): 2.0**-30, np.dtype(np.float32): 0.5}


def steered(p: Any, target: Any, width: Any = np.float64) -> np.ndarray:
    """Uniforms just on the target's side of p: below it where the unit shall be on, above it where off.

    In double precision, an implementation whose probability is off by a part in a billion does not follow.
    """
    p, target, edge = np.asarray(p, LONG), np.asarray(target), EDGE[np.dtype(width)]
    return np.where(target == 1, p * (1 - edge), p + (1 - p) * edge).astype(width)


def paths(*sizes: int) -> np.ndarray:
    """All sequences of codes below these sizes. (their product, len(sizes)) int64"""
    return np.stack(np.meshgrid(*map(np.arange, sizes), indexing="ij"), axis=-1).reshape(-1, len(sizes))


def walk(m: Machine, h: np.ndarray, u_v: Any, u_h: Any) -> tuple[list[np.ndarray], list[np.ndarray], float]:
    """The hidden chains from codes h (N,) under noise (k, N, units): codes of v and h after each step, and how near any
    uniform number came to its probability."""
    visible, hidden, margin = [], [h], np.inf
    for noise_v, noise_h in zip(u_v, u_h, strict=True):
        p = m.v_mean[hidden[-1]]
        visible.append(code(noise_v < p))
        q = m.h_mean[visible[-1]]
        hidden.append(code(noise_h < q))
        margin = min(margin, float(np.abs(noise_v - p).min()), float(np.abs(noise_h - q).min()))
    return visible, hidden, margin
