r"""The logarithm of the upper incomplete gamma function, $\Gamma(a, x) = \int_x^\infty t^{a-1} e^{-t}\, dt$.

Left of $x = a + 1$ the series of the lower function is subtracted from $\Gamma(a)$, of which it is at most 0.87;
elsewhere a continued fraction converges quickly:

$$\gamma(a, x) = x^a e^{-x} \sum_{k \ge 0} \frac{x^k}{a (a+1) \cdots (a+k)}, \qquad
\Gamma(a, x) = \cfrac{x^a e^{-x}}{x + 1 - a - \cfrac{1 (1-a)}{x + 3 - a - \cfrac{2 (2-a)}{x + 5 - a - \cdots}}}$$

Source. Abramowitz, Stegun, "Handbook of Mathematical Functions", 1964, 6.5.29 and 6.5.31 (even part).
"""

from __future__ import annotations

import math

import numpy as np

_EPS = np.finfo(float).eps


def log_upper_gamma(a: float, x: np.ndarray) -> np.ndarray:
    r"""$\log \Gamma(a, x)$ for a number a > 0 and an array x >= 1, of the shape of x, to some 1e-15 of its size."""
    x = np.asarray(x, dtype=float)
    series = (x < a + 1) & (a > 1)  # for a <= 1 the fraction is quick from x = 1 on, and nothing cancels
    log_front = a * np.log(x) - x
    log_lower = log_front + np.log(_series(a, np.where(series, x, 1.0)))
    left = math.lgamma(a) + np.log1p(-np.exp(np.where(series, log_lower - math.lgamma(a), -1.0)))
    right = log_front + np.log(_fraction(a, np.where(series, a + 2, x)))
    return np.where(series, left, right)


def _series(a: float, x: np.ndarray) -> np.ndarray:
    term = np.full(x.shape, 1 / a)
    total, k = term.copy(), 0
    while np.any(term > _EPS * total / 4):
        k += 1
        term = term * x / (a + k)
        total = total + term
    return total


def _fraction(a: float, x: np.ndarray) -> np.ndarray:
    """Lentz's way: the ratios of successive numerators and denominators, so that neither overflows."""
    b = x + 1 - a
    inverse, ratio, value, k = 1 / b, np.full(x.shape, np.inf), 1 / b, 0
    change = ratio
    while np.any(np.abs(change - 1) > 2 * _EPS):
        k += 1
        numerator, b = -k * (k - a), b + 2
        inverse = 1 / (numerator * inverse + b)
        ratio = b + numerator / ratio
        change = ratio * inverse
        value = value * change
    return value
