r"""Restricted Boltzmann machines: energies, conditionals and block Gibbs steps.

Claim. A distribution over binary vectors whose two layers are independent given each other: whole layers are sampled
at once, and each layer can be summed out in closed form, so that the other's probability is known up to one constant
$Z$.

Equations. With $\mathrm{sp}(z) = \log(1 + e^z)$ and $\sigma(z) = 1 / (1 + e^{-z})$:

$$E(v, h) = -v^\top W h - b^\top v - a^\top h, \qquad p(v, h) = e^{-E(v, h)} / Z$$
$$F(v) = -b^\top v - \sum_j \mathrm{sp}((v^\top W)_j + a_j), \qquad
  \tilde F(h) = -a^\top h - \sum_i \mathrm{sp}((W h)_i + b_i)$$
$$Z = \sum_v e^{-F(v)} = \sum_h e^{-\tilde F(h)}, \qquad
  p(h_j = 1 \mid v) = \sigma((v^\top W)_j + a_j), \qquad p(v_i = 1 \mid h) = \sigma((W h)_i + b_i)$$
$$\nabla_W \log p(x) = x\, \hat h(x)^\top - \langle v h^\top \rangle, \quad
  \nabla_b \log p(x) = x - \langle v \rangle, \quad \nabla_a \log p(x) = \hat h(x) - \langle h \rangle, \qquad
  \hat h(x) = p(h = 1 \mid x)$$

where $\langle\cdot\rangle$ is the mean under the model. The machine has no preferred layer: $(W^\top, a, b)$ is the
same machine with the layers exchanged.

Notation. $v$: (..., n_V) and $h$: (..., n_H) of zeros and ones, in any real dtype; leading axes are independent
samples. $W$: (n_V, n_H), $b$: (n_V,) visible biases, $a$: (n_H,) hidden biases, float64 or float32; results have the
parameters' dtype. Noise is an argument: uniforms $u \in [0, 1)$ of the state's shape, and a unit is on where $u < p$.

Source. Smolensky, "Information Processing in Dynamical Systems: Foundations of Harmony Theory", 1986; Hinton,
"Training Products of Experts by Minimizing Contrastive Divergence", 2002; letters as in Savarese, Kakodkar, Ribeiro,
"From Monte Carlo to Las Vegas: Improving Restricted Boltzmann Machine Training Through Stopping Sets", AAAI 2018
(arXiv:1711.08442).
Left out: real-valued units, and data of grey levels except as probabilities on request, since the model is one of
bits.
"""

from __future__ import annotations

import numpy as np

from minidl.energy import border
from minidl.energy.results import GibbsStep, Gradient, Statistics
from minidl.energy.units import sigmoid, softplus


# --- energies ----------------------------------------------------------------------------------------------------------
def energy(v: np.ndarray, h: np.ndarray, W: np.ndarray, b: np.ndarray, a: np.ndarray) -> np.ndarray:
    """E(v, h), pair by pair: v (..., n_V), h (..., n_H) with the same leading axes. Returns (...,).

    Raises ValueError for shapes that do not fit, states that are not binary, parameters that are not finite.
    """
    W, b, a = border.parameters(W, b, a)
    v = border.states("v", v, W.shape[0], W.dtype)
    h = border.states("h", h, W.shape[1], W.dtype)
    if v.shape[:-1] != h.shape[:-1]:
        raise ValueError(f"v and h must come in pairs, with equal leading axes, got shapes {v.shape} and {h.shape}")
    return -((v @ W) * h).sum(axis=-1) - v @ b - h @ a


def free_energy(v: np.ndarray, W: np.ndarray, b: np.ndarray, a: np.ndarray) -> np.ndarray:
    """F(v) = -log of the sum of e^-E(v, h) over h. v: (..., n_V). Returns (...,). Raises as `energy`."""
    W, b, a = border.parameters(W, b, a)
    v = border.states("v", v, W.shape[0], W.dtype)
    return -v @ b - softplus(v @ W + a).sum(axis=-1)


def hidden_free_energy(h: np.ndarray, W: np.ndarray, b: np.ndarray, a: np.ndarray) -> np.ndarray:
    """The free energy of hidden states, with v summed out. h: (..., n_H). Returns (...,). Raises as `energy`."""
    W, b, a = border.parameters(W, b, a)
    h = border.states("h", h, W.shape[1], W.dtype)
    return -h @ a - softplus(h @ W.T + b).sum(axis=-1)


# --- conditionals and Gibbs steps --------------------------------------------------------------------------------------
def hidden_probability(v: np.ndarray, W: np.ndarray, a: np.ndarray, *, allow_probabilities: bool = False) -> np.ndarray:
    """p(h_j = 1 | v). v: (..., n_V), binary unless `allow_probabilities`. Returns (..., n_H). Raises as `energy`."""
    W, _, a = border.parameters(W, a=a)
    v = border.states("v", v, W.shape[0], W.dtype, probabilities=allow_probabilities)
    return sigmoid(v @ W + a)


def visible_probability(h: np.ndarray, W: np.ndarray, b: np.ndarray) -> np.ndarray:
    """p(v_i = 1 | h). h: (..., n_H). Returns (..., n_V). Raises as `energy`."""
    W, b, _ = border.parameters(W, b)
    h = border.states("h", h, W.shape[1], W.dtype)
    return sigmoid(h @ W.T + b)


def sample_hidden(
    v: np.ndarray, W: np.ndarray, a: np.ndarray, u: np.ndarray, *, allow_probabilities: bool = False
) -> np.ndarray:
    """h ~ p(h | v), on where u < p. v: (..., n_V), u: (..., n_H). Returns (..., n_H). Raises as `energy`, and for noise."""
    p = hidden_probability(v, W, a, allow_probabilities=allow_probabilities)
    return (border.uniforms("u", u, *p.shape) < p).astype(p.dtype)


def sample_visible(h: np.ndarray, W: np.ndarray, b: np.ndarray, u: np.ndarray) -> np.ndarray:
    """v ~ p(v | h), on where u < p. h: (..., n_H), u: (..., n_V). Returns (..., n_V). Raises as `energy`, and for noise."""
    p = visible_probability(h, W, b)
    return (border.uniforms("u", u, *p.shape) < p).astype(p.dtype)


def gibbs_step(
    h: np.ndarray, W: np.ndarray, b: np.ndarray, a: np.ndarray, u_v: np.ndarray, u_h: np.ndarray
) -> GibbsStep:
    """One step of the hidden chain: v ~ p(v | h), then h' ~ p(h | v). Both layers are sampled: passing the mean of v on
    instead gives a chain with another stationary law.

    h: (..., n_H), u_v: (..., n_V), u_h: (..., n_H). Returns v, p(h' = 1 | v) and h'. Raises as `sample_hidden`.
    """
    W, b, a = border.parameters(W, b, a)
    h = border.states("h", h, W.shape[1], W.dtype)
    u_v = border.uniforms("u_v", u_v, *h.shape[:-1], W.shape[0])
    u_h = border.uniforms("u_h", u_h, *h.shape)
    return _step(h, W, b, a, u_v, u_h)


def _step(h: np.ndarray, W: np.ndarray, b: np.ndarray, a: np.ndarray, u_v: np.ndarray, u_h: np.ndarray) -> GibbsStep:
    """`gibbs_step` without the checks, for chains that have checked their start and all their noise."""
    v = (u_v < sigmoid(h @ W.T + b)).astype(W.dtype)  # (..., n_V)
    p = sigmoid(v @ W + a)  # (..., n_H)
    return GibbsStep(v, p, (u_h < p).astype(W.dtype))


# --- the two phases ----------------------------------------------------------------------------------------------------
def positive_statistics(
    x: np.ndarray, W: np.ndarray, a: np.ndarray, *, allow_probabilities: bool = False
) -> Statistics:
    """The data's side of the gradient: means of x h(x)^T, x and h(x), with probabilities h(x) = p(h = 1 | x), not samples.

    x: (N, n_V), binary unless `allow_probabilities`. Raises as `energy`, and ValueError without rows.
    """
    W, _, a = border.parameters(W, a=a)
    x = border.batch("x", x, W.shape[0], W.dtype, probabilities=allow_probabilities)
    return _means(x, sigmoid(x @ W + a))


def _means(v: np.ndarray, h: np.ndarray) -> Statistics:
    """Means of v h^T, v and h over the rows."""
    return Statistics(v.T @ h / len(v), v.mean(axis=0), h.mean(axis=0))


def gradient(positive: Statistics, negative: Statistics) -> Gradient:
    """The direction of ascent: positive minus negative means, for W, b and a alike."""
    return Gradient(positive.vh - negative.vh, positive.v - negative.v, positive.h - negative.h)
