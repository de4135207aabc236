r"""Training a network on the line with weight decay: all points in every step, Adam, a rate that falls to 0.

As in the authors' experiments weights begin by the normal law of Glorot and Bengio (2010) for layers of 1 and k units,
biases uniformly in [-1, 1). They take plain gradient steps, up to 5e8 of them; Adam needs some 1e5. See
`minidl.theory.infinite_width` for the claim and the source.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

import numpy as np

from minidl.implementations import implementation
from minidl.optim.adam import AdamHyper, adapted
from minidl.theory.infinite_width import border
from minidl.theory.infinite_width.results import Network, Path
from minidl.theory.infinite_width.weight_decay import objective_gradient


def initial_network(normals: np.ndarray, uniforms: np.ndarray) -> Network:
    r"""$w, v = \sqrt{2/(1 + k)}\, \cdot$ normals (2, k), in that order, and $b, b_0 = 2u - 1$ for uniforms u (k + 1,).

    Raises ValueError for other shapes, k = 0, NaN and infinity; TypeError for what is no number.
    """
    normals, uniforms = border.real("normals", normals), border.vector("uniforms", uniforms)
    if normals.ndim != 2 or len(normals) != 2 or normals.size == 0 or len(uniforms) != normals.shape[1] + 1:
        raise ValueError(
            f"normals must be (2, k) and uniforms (k + 1,) for k >= 1 units, got {normals.shape} and {uniforms.shape}"
        )
    w, v = math.sqrt(2 / (1 + normals.shape[1])) * normals
    *b, b0 = 2 * uniforms - 1
    return Network(w, np.array(b), v, float(b0))


def train(
    x: np.ndarray,
    y: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    v: np.ndarray,
    b0: float,
    times: np.ndarray,
    steps: int,
    step_size: float,
    decay: float,
) -> Path:
    r"""The parameters after `times` (K,) of `steps` steps of Adam on `objective`, by rates that fall linearly to 0.

    Step t = 1, ..., steps has the rate $\eta\,(1 - (t - 1)/\text{steps})$; Adam as in `minidl.optim.adam`, with its
    defaults (0.9, 0.999, 1e-8). The decay is part of the gradient. x, y: (N,), in any order; w, b, v: (k,), k >= 1, and
    b0: where it begins; times: ascending integers in [0, steps], 0 being the beginning. Returns w, b, v (K, k), b0 (K,).
    Raises ValueError for other shapes, times out of range, a step size that is not positive, a negative decay, NaN and
    infinity; TypeError for what is no number; FloatingPointError if parameters leave the range of float64.
    """
    x, y = border.data(x, y, ascending=False)
    w, b, v, b0 = border.units(w, b, v, b0, 1)
    times, steps = border.records(times, steps)
    step_size, decay = border.number("step_size", step_size, 0, above=True), border.number("decay", decay, 0)
    theta, state = np.concatenate([w, b, v, [b0]]), {}  # (3k + 1,)
    recorded = np.empty((len(times), len(theta)))
    recorded[times == 0] = theta
    for t in range(1, int(times[-1]) + 1):
        w, b, v = np.split(theta[:-1], 3)
        try:
            gradient = np.hstack(objective_gradient(x, y, w, b, v, theta[-1], decay))  # (3k + 1,)
        except (ValueError, OverflowError) as error:
            raise FloatingPointError(f"training diverged at step {t} ({error}): use a smaller step_size") from error
        theta, state = adapted(theta, gradient, state, AdamHyper(lr=step_size * (1 - (t - 1) / steps)))
        recorded[times == t] = theta
    w, b, v = (part.copy() for part in np.split(recorded[:, :-1], 3, axis=1))
    return Path(w, b, v, recorded[:, -1].copy())


def fit(
    x: np.ndarray,
    y: np.ndarray,
    *,
    width: int = 100,
    decay: float = 1e-3,
    steps: int = 100_000,
    step_size: float = 0.03,
    times: Sequence[int] | None = None,
    rng: np.random.Generator,
    impl: str = "kernels",
) -> Path:
    """Draw an `initial_network` of `width` units and `train` it; `fit(...).last` is the network.

    times: by default the end alone. rng: draws (2, width) normals and then width + 1 uniforms. impl: "kernels" or
    "reference". Errors as `train`.
    """
    rng, width = border.generator(rng), border.count("width", width)
    begin = initial_network(rng.standard_normal((2, width)), rng.random(width + 1))
    module = implementation(impl, reference=sys.modules[__name__], kernels="minidl_kernels.relu_line")
    return Path(*module.train(x, y, *begin, [steps] if times is None else times, steps, step_size, decay))
