"""Optimizer steps as single loops: every array is read once and written once, in place.

A step of an optimizer is bound by memory, not by arithmetic: NumPy passes over the parameters once per operation, a
loop passes once per step. Adam then moves seven words per parameter (reads w, g, m, v; writes w, m, v). What keeps it
at that:

* Scalars are made outside of the loop, in float64, and cast to the dtype of w: a float64 scalar would turn the
  arithmetic of float32 arrays into float64, at half the speed and with other results.
* `error_model="numpy"`: a division by zero gives infinity or NaN. Python's ZeroDivisionError would put a branch into
  the loop and leave it scalar code, ten times slower.
* No fastmath: NaN and infinity travel as in NumPy, sums and products keep the order in which they are written, nothing
  is contracted to a fused multiply-add. So a loop without bias correction gives the bits of the reference. Bias
  correction multiplies by 1 / sqrt(1 - beta2^t) where the reference divides: one rounding more, one division less per
  parameter.

A square root and a division keep the divider of a core busy for 0.4 ns in float32 and 1.4 ns in float64 (on the machine
of the bench reports), which may be longer than a cache takes to deliver the words. Hence one of each per parameter,
where the method allows.

The functions compile at their first call, and may be called from other compiled code. They check nothing (`optim_steps`
does): arrays are contiguous vectors of one length and one dtype that do not overlap; one that is None leaves an option
out, and the branch with it when the loop is compiled. t counts steps from 1. Coupled decay adds `weight_decay * w` to
the gradient; where it is zero, w stays out of the gradient.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

_LANES = 512  # partial sums of a reduction: 4 KB, which stay in the nearest cache

loop = njit(cache=True, error_model="numpy", nogil=True)


@loop
def _bias(beta, t):
    """1 - beta^t: what of a constant an average that started at zero has seen."""
    return 1 - math.pow(beta, float(t))


# --- gradient descent -------------------------------------------------------------------------------------------------
@loop
def descend(w, g, lr, weight_decay):
    """w <- w - lr g."""
    lr, decay = w.dtype.type(lr), w.dtype.type(weight_decay)
    for i in range(w.size):
        x = g[i] + decay * w[i] if decay != 0 else g[i]
        w[i] -= lr * x


@loop
def descend_along(w, g, buffer, lr, keep, gain, ahead, weight_decay):
    """buffer <- keep buffer + gain g; w <- w - lr buffer, or with ahead (Nesterov) w - lr (g + ahead buffer)."""
    number = w.dtype.type
    lr, keep, gain, ahead, decay = number(lr), number(keep), number(gain), number(ahead), number(weight_decay)
    for i in range(w.size):
        x = g[i] + decay * w[i] if decay != 0 else g[i]
        b = keep * buffer[i] + gain * x
        buffer[i] = b
        w[i] -= lr * (x + ahead * b if ahead != 0 else b)


# --- rates without bias correction ------------------------------------------------------------------------------------
@loop
def adagrad(w, g, total, lr, eps, weight_decay):
    """total <- total + g^2; w <- w - lr g / (sqrt(total) + eps)."""
    number = w.dtype.type
    lr, eps, decay = number(lr), number(eps), number(weight_decay)
    for i in range(w.size):
        x = g[i] + decay * w[i] if decay != 0 else g[i]
        s = total[i] + x * x
        total[i] = s
        w[i] -= lr * x / (np.sqrt(s) + eps)


@loop
def rmsprop(w, g, second, mean, buffer, lr, alpha, eps, momentum, weight_decay):
    """second <- alpha second + (1 - alpha) g^2; w <- w - lr g / (sqrt(second) + eps).

    With mean, the average of g, this is the centred method: second is the variance, without a difference of large
    numbers. With buffer there is momentum: buffer <- momentum buffer + g / (sqrt(second) + eps) is what w moves along.
    """
    number = w.dtype.type
    lr, keep, gain, eps, decay = number(lr), number(alpha), number(1 - alpha), number(eps), number(weight_decay)
    momentum = number(momentum)
    for i in range(w.size):
        x = g[i] + decay * w[i] if decay != 0 else g[i]
        if mean is not None:
            away = x - mean[i]
            s = keep * (second[i] + gain * away * away)
            mean[i] = keep * mean[i] + gain * x
        else:
            s = keep * second[i] + gain * x * x
        second[i] = s
        change = x / (np.sqrt(s) + eps)
        if buffer is not None:
            change = momentum * buffer[i] + change
            buffer[i] = change
        w[i] -= lr * change


# --- Adam and AdaBound ------------------------------------------------------------------------------------------------
@loop
def adam(w, g, m, v, vmax, t, lr, beta1, beta2, eps, weight_decay, decoupled):
    """Adam; with vmax AMSGrad, which divides by the largest (uncorrected) v so far.

    Decoupled decay first shrinks w by 1 - lr weight_decay.
    """
    number = w.dtype.type
    keep1, gain1, keep2, gain2 = number(beta1), number(1 - beta1), number(beta2), number(1 - beta2)
    rate, unbias, eps = number(lr / _bias(beta1, t)), number(1 / math.sqrt(_bias(beta2, t))), number(eps)
    decay, shrink = number(0 if decoupled else weight_decay), number(1 - lr * weight_decay if decoupled else 1)
    for i in range(w.size):
        x = g[i] + decay * w[i] if decay != 0 else g[i]
        first = keep1 * m[i] + gain1 * x
        second = keep2 * v[i] + gain2 * x * x
        m[i], v[i] = first, second
        if vmax is not None:
            second = vmax[i] if second <= vmax[i] else second  # this way round NaN stays NaN
            vmax[i] = second
        w[i] = shrink * w[i] - rate * first / (np.sqrt(second) * unbias + eps)


@loop
def adabound(w, g, m, v, vmax, t, lr, lower, upper, beta1, beta2, eps, weight_decay, decoupled):
    """Adam, eps beside the uncorrected root, with rates clipped to [lower, upper]. Decoupled decay is not times lr."""
    number = w.dtype.type
    keep1, gain1, keep2, gain2 = number(beta1), number(1 - beta1), number(beta2), number(1 - beta2)
    scale, eps = number(lr * math.sqrt(_bias(beta2, t)) / _bias(beta1, t)), number(eps)
    scale = scale if scale > 0 else number(1)  # lr = 0 makes the band [0, 0]: any number is clipped to it, 0 / 0 is not
    lower, upper = number(lower), number(upper)
    decay, taken = number(0 if decoupled else weight_decay), number(weight_decay if decoupled else 0)
    for i in range(w.size):
        x = g[i] + decay * w[i] if decay != 0 else g[i]
        first = keep1 * m[i] + gain1 * x
        second = keep2 * v[i] + gain2 * x * x
        m[i], v[i] = first, second
        if vmax is not None:
            second = vmax[i] if second <= vmax[i] else second  # this way round NaN stays NaN
            vmax[i] = second
        rate = scale / (np.sqrt(second) + eps)
        rate = lower if rate < lower else rate
        rate = upper if rate > upper else rate
        moved = w[i] - rate * first
        w[i] = moved - taken * w[i] if taken != 0 else moved


# --- rates that have not seen the current gradient --------------------------------------------------------------------
@loop
def delayed_adam(w, g, m, v, lr, beta1, beta2, eps, weight_decay):
    """w <- w - lr m / (sqrt(v) + eps) with the v before this gradient."""
    number = w.dtype.type
    keep1, gain1, keep2, gain2 = number(beta1), number(1 - beta1), number(beta2), number(1 - beta2)
    lr, eps, decay = number(lr), number(eps), number(weight_decay)
    for i in range(w.size):
        x = g[i] + decay * w[i] if decay != 0 else g[i]
        first, before = keep1 * m[i] + gain1 * x, v[i]
        m[i], v[i] = first, keep2 * before + gain2 * x * x
        w[i] -= lr * first / (np.sqrt(before) + eps)


@loop
def avagrad(w, g, m, v, t, lr, gamma, beta1, beta2, eps, weight_decay, decoupled, corrected, stale):
    """AvaGrad with the normaliser gamma. Returns the sum of the squared rates of which the next step's gamma is made.

    Hence no second pass: the v that this step leaves behind is what the next one moves with. stale is True or None
    (out): the released code sums over the v that it found, with the correction of t. corrected: with bias corrections,
    and without a move at t = 1, unlike in the paper. Rates are squared: in float64 they must lie between 1e-150 and
    1e150, or the sum becomes NaN, infinite or 0.
    """
    number, one = w.dtype.type, w.dtype.type(1)
    keep1, gain1, keep2, gain2 = number(beta1), number(1 - beta1), number(beta2), number(1 - beta2)
    moves = t > 1 or not corrected
    step = number(lr * gamma / _bias(beta1, t) if corrected else lr * gamma)
    unbias = number(1 / math.sqrt(_bias(beta2, t - 1)) if corrected and moves else 1)
    unbias_next, eps = number(1 / math.sqrt(_bias(beta2, t)) if corrected else 1), number(eps)
    decay, shrink = number(0 if decoupled else weight_decay), number(1 - lr * weight_decay if decoupled else 1)
    eps_now = eps if moves else one  # a rest uses no rate, but with eps = 0 it would be infinite
    double = w.itemsize == 8  # known when the loop is compiled
    sums = np.zeros(_LANES)
    for start in range(0, w.size, _LANES):
        stop = start + _LANES
        W, G, M, V = w[start:stop], g[start:stop], m[start:stop], v[start:stop]
        for i in range(W.size):
            x = G[i] + decay * W[i] if decay != 0 else G[i]
            first, before = keep1 * M[i] + gain1 * x, V[i]
            after = keep2 * before + gain2 * x * x
            M[i], V[i] = first, after
            root = np.sqrt(before) * unbias + eps_now
            root_next = np.sqrt(before if stale is not None else after) * unbias_next + eps
            if double:  # one division for both: their product has the range of the squares that are summed
                both = one / (root * root_next)
                rate, rate_next = both * root_next, both * root
            else:  # a product would leave the range of float32, and division is cheap
                rate, rate_next = one / root, one / root_next
            moved = shrink * W[i] - step * first * rate
            W[i] = moved if moves else W[i]
            sums[i] += np.float64(rate_next) * np.float64(rate_next)
    return _folded(sums)


@loop
def rates_power(v, unbias, eps):
    """The sum of 1 / (sqrt(v) unbias + eps)^2 in float64: what `avagrad` returns, from a pass of its own."""
    one, unbias, eps = v.dtype.type(1), v.dtype.type(unbias), v.dtype.type(eps)
    sums = np.zeros(_LANES)
    for start in range(0, v.size, _LANES):
        V = v[start : start + _LANES]
        for i in range(V.size):
            rate = one / (np.sqrt(V[i]) * unbias + eps)
            sums[i] += np.float64(rate) * np.float64(rate)
    return _folded(sums)


@loop
def _folded(sums):
    """The sum of 2^k terms: the second half is added to the first until one is left.

    Lane j of the callers holds the terms j, j + 512, ...: its order is fixed, and from one lane to the next there is
    nothing to reorder. So this is vector code with the same bits on every machine, of d / 512 + 9 roundings.
    """
    half = sums.size // 2
    while half > 0:
        for i in range(half):
            sums[i] += sums[half + i]
        half //= 2
    return sums[0]
