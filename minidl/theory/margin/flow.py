r"""Gradient flow on separable data in the logarithm of time, so that t = 1e100 is as near as t = 1e12.

With s = log t,

$$\frac{dw}{ds} = e^s \cdot (-\nabla L(w)) = \sum_n z_n\, e^{s + \log(-\ell'(z_n \cdot w))} ,$$

in which $e^s$ and $\ell'$ meet as exponents before either overflows. The flow starts at w(0); up to a time of $e^{-20}$
in the units of its own speed the straight line $w(0) - t \nabla L$ is exact to double precision. In the limit the
equation is not stiff: for the exponential tail its Jacobian tends to $-\sum_n \alpha_n z_n z_n^\top$. So its cost grows
with log t and with $(\max_n \|z_n\| / \gamma)^2$.

From s = 0 on, with an exponential or logistic loss, the equation is solved for $r = w - \hat w s$, which stays bounded
while w grows, with the exponents $s + \log(-\ell'(u_n)) = (1 - z_n \cdot \hat w) s - z_n \cdot r$ (and
$-\log(1 + e^{-u_n})$ for the logistic one). This holds for any vector in the place of $\hat w$, hence also for its
rounded value.

Integrator: Gragg-Bulirsch-Stoer extrapolation with steps of its own choice (`minidl.theory.ode`), each with an
estimated error of at most 2e-15 times the largest $\gamma |w_i|$, later the largest of 0.1 and $\gamma |r_i|$, or a
thousandth of the step where that is more. Where a loss changes from a straight line to its tail, the steps become
small.

Gradient descent with a small constant step $\eta$ is at $\eta t$ where the flow is, up to a correction that vanishes.

Source. Soudry, Hoffer, Nacson, Gunasekar, Srebro, "The Implicit Bias of Gradient Descent on Separable Data", 2018,
section 3 (the limit); the form in log t is this reference's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from minidl.theory.margin import border
from minidl.theory.margin.deep_linear import velocity
from minidl.theory.margin.solver import hard_margin
from minidl.theory.margin.tails import slope
from minidl.theory.ode import MOST_STEPS, advance

RTOL = 2e-15
FLOOR = 0.1  # beside margin * r, which may tend to 0: an entry of the state that stays as it is
NEAR_SADDLE = 1e-9  # of the norm at the start
CLOCK = 0.001  # weight of the length of a step beside gamma w in the estimated error


def log_time_flow(
    z: np.ndarray,
    w: np.ndarray,
    log_times: np.ndarray,
    tail: str = "exponential",
    power: float = 1.0,
    layers: int = 1,
) -> np.ndarray:
    """Gradient flow on the sum of the losses from w at time 0: w at the times exp(log_times), (K, d).

    z: signed inputs (N, d), separable; w: the start (d,); log_times: (K,) strictly ascending; layers: for 2 and more
    the end-to-end vector of a balanced deep linear network, which cannot leave w = 0, where the paths from some starts
    end (an error too). Raises `NotSeparable`; ValueError for shapes and values out of range, zero rows, NaN and
    infinity; TypeError for no numbers; RuntimeError where the largest norm is so many times the margin that 200,000
    steps are not enough.
    """
    z = border.inputs("z", z)
    w, times, power = border.weights("w", w, z.shape[1]), border.log_times(log_times), border.tail(tail, power)
    layers = border.count("layers", layers)
    if layers > 1 and not w.any():
        raise ValueError(f"w must not be zero with {layers} layers: it is a saddle, which the flow never leaves")
    hard = hard_margin(z)
    flow = _Flow(z, tail, power, layers, hard.margin, drift=np.zeros_like(w))
    begin, rate, shift = flow.straight(w)
    early = times <= begin
    found = [w + np.exp(np.minimum(times[early], begin) - shift)[:, None] * rate]
    w = w + np.exp(begin - shift) * rate
    turn = max(begin, 0.0)
    if tail in ("exponential", "logistic") and times[-1] > turn:
        before = ~early & (times <= turn)
        *reached, w = flow.solve(w, begin, np.append(times[before], turn))
        found += [np.array(reached).reshape(-1, len(w))]
        flow, begin, early = replace(flow, drift=hard.w), turn, early | before
    return np.concatenate([*found, flow.solve(w, begin, times[~early])])


def _not_at_the_saddle(before: np.ndarray, after: np.ndarray, at_first: float, layers: int) -> None:
    """Raise where w goes straight to 0, which it approaches for ever, while rounding would carry it across."""
    size = np.linalg.norm(after)
    turned = before @ after <= -(1 - NEAR_SADDLE) * np.linalg.norm(before) * size
    if turned or size <= NEAR_SADDLE * at_first:
        raise ValueError(
            f"the flow of {layers} layers runs into the saddle at w = 0, or so near that rounding decides where it leaves: "
            "start on the other side, such as at a multiple of z.sum(axis=0)"
        )


@dataclass(frozen=True)
class _Flow:
    """The equation for r = w - drift * s, in units in which the margin is 1."""

    z: np.ndarray
    tail: str
    power: float
    layers: int
    margin: float
    drift: np.ndarray

    def speed(self, s: float, r: np.ndarray) -> np.ndarray:
        """dw / ds, (d,)."""
        w = self.drift * s + r
        u = self.z @ w  # (N,)
        if self.tail in ("exponential", "logistic"):
            exponents = (1 - self.z @ self.drift) * s - self.z @ r
            exponents = exponents - (np.logaddexp(0.0, -u) if self.tail == "logistic" else 0.0)
        else:
            exponents = s + slope(u, self.tail, self.power)
        return velocity(w, -(np.exp(exponents) @ self.z), self.layers)

    def straight(self, w: np.ndarray) -> tuple[float, np.ndarray, float]:
        """Until when w moves in a straight line, dw / ds at a time at which it is neither 0 nor infinite, and its logarithm."""
        shift = -slope(self.z @ w, self.tail, self.power).max()
        rate = self.speed(shift, w)
        per_length = np.linalg.norm(self.z, axis=1).max() + (1 / np.linalg.norm(w) if self.layers > 1 else 0.0)
        relative = np.linalg.norm(rate) * per_length  # how fast exponents change
        return -20 + min(0.0, shift - np.log(max(relative, np.finfo(float).tiny))), rate, shift

    def solve(self, w: np.ndarray, begin: float, times: np.ndarray) -> np.ndarray:
        """w at the times, (K, d), from w at s = begin."""
        found, s, r, size, taken = [], begin, w - self.drift * begin, 1.0, 0
        least = FLOOR if self.drift.any() else 0.0
        for target in times:
            while s < target:
                state, wanted = np.append(self.margin * r, [least, 0.0]), min(size, target - s)
                step = advance(partial(self._state_speed, s), state, wanted, RTOL, entrywise=False)
                before, r, size = self.drift * s + r, step.state[:-2] / self.margin, step.next_size
                s = target if step.size == target - s else s + step.size
                if self.layers > 1:
                    _not_at_the_saddle(before, self.drift * s + r, np.linalg.norm(w), self.layers)
                taken += 1
                if taken > MOST_STEPS:
                    ratio = np.linalg.norm(self.z, axis=1).max() / self.margin
                    raise RuntimeError(
                        f"the flow needs more than {MOST_STEPS} steps: the largest norm is {ratio:.3g} times the margin, and "
                        "the cost grows with its square and with log t. Ask for an earlier time, or iterate `descent`"
                    )
            found.append(self.drift * s + r)
        return np.array(found).reshape(len(times), len(w))

    def _state_speed(self, begin: float, state: np.ndarray) -> np.ndarray:
        """d/ds of (margin * r, a constant, CLOCK * (s - begin)): with the time in the state the equation is autonomous."""
        moved = self.speed(begin + state[-1] / CLOCK, state[:-2] / self.margin) - self.drift
        return np.append(self.margin * moved, [0.0, CLOCK])
