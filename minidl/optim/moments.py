r"""What the steps share: the sign and decay of the gradient, moving averages of it and of its square, what to divide by.

$$g \leftarrow \pm g + \lambda w \text{ (coupled decay)}, \qquad
m_t = \beta_1 m_{t-1} + (1-\beta_1) g_t, \quad v_t = \beta_2 v_{t-1} + (1-\beta_2) g_t^2, \quad m_0 = v_0 = 0 .$$
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def ascent(g: np.ndarray, hyper: Any) -> np.ndarray:
    """The gradient to descend along: its negative where `hyper.maximize`."""
    return -g if hyper.maximize else g


def penalised(w: np.ndarray, g: np.ndarray, hyper: Any) -> np.ndarray:
    r"""$\pm g + \lambda w$: coupled (L2) decay acts as a gradient of its own, after the sign has been turned for ascent."""
    g = ascent(g, hyper)
    return g + hyper.weight_decay * w if hyper.weight_decay else g


def average(state: Mapping[str, Any], name: str, new: np.ndarray, beta: float) -> np.ndarray:
    r"""$\beta\, \mathrm{old} + (1-\beta)\, \mathrm{new}$, the exponential moving average that starts from zero."""
    return beta * state.get(name, 0.0) + (1 - beta) * new


def average_square(state: Mapping[str, Any], name: str, g: np.ndarray, beta: float) -> np.ndarray:
    r"""$\beta\, \mathrm{old} + (1-\beta)\, g^2$."""
    return beta * state.get(name, 0.0) + (1 - beta) * g * g


def moments(g: np.ndarray, state: Mapping[str, Any], hyper: Any) -> tuple[int, np.ndarray, np.ndarray]:
    """t, m_t and v_t: the number of this step, and both moving averages with its gradient in them."""
    m = average(state, "m", g, hyper.beta1)
    v = average_square(state, "v", g, hyper.beta2)
    return state.get("t", 0) + 1, m, v


def divisor(root: np.ndarray, hyper: Any) -> np.ndarray:
    """The root itself. Raises ValueError where eps = 0 leaves an entry of 0, whose quotient would be NaN or infinite."""
    if root.dtype.type(hyper.eps) == 0 and not np.all(root):
        where = int(np.flatnonzero(np.ravel(root) == 0)[0])
        raise ValueError(
            f"eps is {hyper.eps:g}, 0 in {root.dtype}, and entry {where} has a second moment of 0 (no gradient so far, or "
            "one whose square is 0): its step would be a division by 0; choose a larger eps"
        )
    return root
