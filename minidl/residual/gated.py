r"""Residual gates: one scalar per layer that turns the layer into the identity.

Claim. A deep net is hard to train because its layers cannot easily become identities: that takes a whole weight matrix.
Put one scalar $k$ on the shortcut and a layer becomes an identity by moving one number, whatever its width. Training gets
easier with depth, and whole blocks can be removed afterwards: those with the smallest $k$ do the least.

Equations. The gate is not squashed, so $k > 1$ amplifies:

$$g(k) = \max(k, 0), \qquad g'(k) = \mathbf 1[k > 0]$$
$$y = g(k)\, f(x) + (1 - g(k))\, x \qquad\text{(gated plain layer)}$$
$$y = g(k)\,(f_r(x) + x) + (1 - g(k))\, x = g(k)\, f_r(x) + x \qquad\text{(gated residual block)}$$

In the residual block the shortcut's factor cancels: **the shortcut is never scaled**. With $\bar y = \partial L / \partial y$,

$$\bar k = \mathbf 1[k > 0]\, \langle \bar y, f(x) - x \rangle, \quad \bar f = g\, \bar y, \quad
  \bar x = (1 - g)\, \bar y + J_f^\top \bar f \qquad\text{(plain)}$$
$$\bar k = \mathbf 1[k > 0]\, \langle \bar y, f_r(x) \rangle, \quad \bar f_r = g\, \bar y, \quad
  \bar x = \bar y + J_{f_r}^\top \bar f_r \qquad\text{(residual)}$$

Blocks. Fully connected: $f_r(x) = \mathrm{relu}(\mathrm{BN}_2(\mathrm{relu}(\mathrm{BN}_1(x W_1))\, W_2))$, the gate after the
second relu. Convolutional: BN, relu, conv, BN, relu, conv, the gate on the result.

Notation. $x, y$: (batch, width) or (batch, channels, height, width), float64 or float32. $k$: a number, or an array or
tensor of shape () or (1,), one per layer (plain) or per two-layer block (residual). $W_1$: (width, hidden), $W_2$: (hidden,
width), $\gamma_i, \beta_i$: (hidden,) and (width,). $P$: a projection of the shortcut where shapes change ($y = g f_r + P x$).

Conventions. $g'(0) = 0$. A closed gate ($k \le 0$) *skips* its branch: the output is the shortcut bit by bit, and 0 times
inf or NaN cannot leak. On tensors the branch and $k$ then get gradients that are exactly 0, not None, so that an optimizer
with momentum can still move them. In batches of one, batch normalisation has variance 0 and gives $\beta$.
Borders check gates, shapes and dtypes; NaN in the data passes through as in NumPy (training loops check data).

Source. Savarese, Mazza, Figueiredo, "Learning Identity Mappings with Residual Gates", 2016, arXiv:1611.01260, section 2.2
(layers) and section 3 (nets, removal). No public code by the authors is known. Left out: whole nets and their training
(`minidl.residual.nets`), running statistics of batch normalisation (`minidl.nn`), dropout inside wide blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minidl.autograd import Tensor, conv2d, relu, sqrt
from minidl.residual import border
from minidl.residual.closed import closed
from minidl.residual.results import BlockGradients, ChainGradients, PlainGradients, ResidualGradients

Array = Any  # a NumPy array or a Tensor: every function takes both, and returns a Tensor when it is given one


# --- the gate ----------------------------------------------------------------------------------------------------------
def gate(k: Array) -> Array:
    r"""$g(k) = \max(k, 0)$, entry by entry. A float gives a float. Raises ValueError if an entry is not finite."""
    k = border.finite(k)
    return max(k, 0.0) if isinstance(k, float) else relu(k)


def gate_derivative(k: Array) -> Array:
    r"""$g'(k) = \mathbf 1[k > 0]$ as floats; 0 at the kink. Raises ValueError if an entry is not finite."""
    k = border.finite(k)
    return float(k > 0) if isinstance(k, float) else (k > 0).astype(k.dtype)


def _shut(k: Array) -> bool:
    return border.plain(k) <= 0


# --- gated layers ------------------------------------------------------------------------------------------------------
def gated_plain(x: Array, fx: Array, k: Array) -> Array:
    r"""$y = g(k) f(x) + (1 - g(k)) x$: between the identity ($k \le 0$) and the layer ($k = 1$), beyond it for $k > 1$.

    x: the layer's input, fx: its output, of one shape (any); k: the gate. Returns y of that shape.
    Raises ValueError for shapes that differ, an empty batch, a gate that is not one finite number.
    """
    x, fx = border.matching(x=x, fx=fx)
    k = border.scalar(k, x.dtype)
    if _shut(k):
        return closed(x, fx, k)
    g = gate(k)
    return g * fx + (1 - g) * x


def gated_residual(shortcut: Array, branch: Array, k: Array) -> Array:
    """$y = g(k) f_r(x) + s$ with the shortcut s = x, or s = Px where the block changes the shape. The shortcut keeps its 1.

    shortcut, branch: of one shape (any); k: the gate. Returns y of that shape. Raises as `gated_plain`.
    """
    shortcut, branch = border.matching(shortcut=shortcut, branch=branch)
    k = border.scalar(k, shortcut.dtype)
    if _shut(k):
        return closed(shortcut, branch, k)
    return gate(k) * branch + shortcut


def gated_plain_backward(dy: Array, x: Array, fx: Array, k: Array) -> PlainGradients:
    """Gradients of `gated_plain`: dx through the shortcut alone ((1 - g) dy), dfx to send back through f, dk (k's shape).

    The layer's whole input gradient is dx plus what f's own backward pass makes of dfx. Raises as `gated_plain`.
    """
    dy, x, fx = border.matching(dy=dy, x=x, fx=fx)
    shape, k = np.shape(border.plain(k)), border.scalar(k, x.dtype)
    if _shut(k):
        return PlainGradients(+dy, _zeros(dy), np.zeros(shape, dy.dtype)[()])
    g = gate(k)
    return PlainGradients((1 - g) * dy, g * dy, (dy * (fx - x)).sum().reshape(shape)[()])


def gated_residual_backward(dy: Array, branch: Array, k: Array) -> ResidualGradients:
    """Gradients of `gated_residual`: dshortcut (= dy), dbranch (= g dy), dk (k's shape). Raises as `gated_plain`."""
    dy, branch = border.matching(dy=dy, branch=branch)
    shape, k = np.shape(border.plain(k)), border.scalar(k, dy.dtype)
    if _shut(k):
        return ResidualGradients(+dy, _zeros(dy), np.zeros(shape, dy.dtype)[()])
    return ResidualGradients(+dy, gate(k) * dy, (dy * branch).sum().reshape(shape)[()])


# --- fully connected blocks --------------------------------------------------------------------------------------------
def batch_norm(z: Array, gamma: Array, beta: Array, *, eps: float = 1e-3) -> Array:
    r"""$\gamma (z - \mu) / \sqrt{\sigma^2 + \epsilon} + \beta$ with the batch's own mean and biased variance per feature.

    z: (batch, features), or (batch, channels, height, width) with statistics per channel; gamma, beta: (features,).
    A batch of one row has variance 0 and gives beta. eps: Keras' default (the paper gives none).
    Raises ValueError for shapes that do not fit and an empty batch.
    """
    z, gamma, beta = border.each(z=z, gamma=gamma, beta=beta)
    if z.ndim not in (2, 4):
        raise ValueError(f"z must be (batch, features) or (batch, channels, height, width), got shape {z.shape}")
    border.expect("gamma", gamma, z.shape[1])
    border.expect("beta", beta, z.shape[1])
    axes = (0, *range(2, z.ndim))  # all but the features
    per_feature = z.shape[1:2] + (1,) * (z.ndim - 2)
    centred = z - z.mean(axis=axes, keepdims=True)
    variance = (centred * centred).mean(axis=axes, keepdims=True)
    return gamma.reshape(per_feature) * (centred / sqrt(variance + eps)) + beta.reshape(per_feature)


def dense_layer(x: Array, W: Array, gamma: Array, beta: Array, *, eps: float = 1e-3) -> Array:
    r"""$\mathrm{relu}(\mathrm{BN}(x W))$: one middle layer of the paper's MNIST nets. No bias: beta plays its part.

    x: (batch, n), W: (n, m), gamma, beta: (m,). Returns (batch, m). Raises ValueError for shapes that do not fit.
    """
    x, W = border.each(x=x, W=W)
    border.expect("x", x, "batch", "width")
    border.expect("W", W, x.shape[1], "features")
    return relu(batch_norm(x @ W, gamma, beta, eps=eps))


def dense_block(
    x: Array,
    W1: Array,
    gamma1: Array,
    beta1: Array,
    W2: Array,
    gamma2: Array,
    beta2: Array,
    k: Array,
    *,
    eps: float = 1e-3,
) -> Array:
    """Two dense layers as a gated residual block, the gate after the second relu, so that with k >= 0 nothing shrinks.

    x: (batch, n); W1: (n, h), gamma1, beta1: (h,); W2: (h, n), gamma2, beta2: (n,); k: the gate. Returns (batch, n).
    Raises ValueError for shapes that do not fit, an empty batch, a gate that is not one finite number.
    """
    inputs = x, W1, gamma1, beta1, W2, gamma2, beta2 = border.dense_block(x, W1, gamma1, beta1, W2, gamma2, beta2)
    k = border.scalar(k, x.dtype)
    if _shut(k):
        return closed(*inputs, k)
    hidden = dense_layer(x, W1, gamma1, beta1, eps=eps)  # (batch, h)
    return gated_residual(x, dense_layer(hidden, W2, gamma2, beta2, eps=eps), k)


def dense_block_backward(
    dy: Array,
    x: Array,
    W1: Array,
    gamma1: Array,
    beta1: Array,
    W2: Array,
    gamma2: Array,
    beta2: Array,
    k: Array,
    *,
    eps: float = 1e-3,
) -> BlockGradients:
    """All gradients of `dense_block` by the explicit formulas, given dy (batch, n). Shapes and errors as there."""
    inputs = x, W1, gamma1, beta1, W2, gamma2, beta2 = border.dense_block(x, W1, gamma1, beta1, W2, gamma2, beta2)
    dy = border.floating("dy", dy)
    border.expect("dy", dy, *x.shape)
    shape, k = np.shape(border.plain(k)), border.scalar(k, x.dtype)
    if _shut(k):
        return BlockGradients(+dy, *(_zeros(a) for a in inputs[1:]), np.zeros(shape, dy.dtype)[()])
    xhat1, scale1 = _normalised(x @ W1, eps)  # (batch, h), (h,)
    hidden = relu(gamma1 * xhat1 + beta1)  # (batch, h)
    xhat2, scale2 = _normalised(hidden @ W2, eps)  # (batch, n), (n,)
    branch = relu(gamma2 * xhat2 + beta2)  # (batch, n)

    dshortcut, dbranch, dk = gated_residual_backward(dy, branch, k)
    du2 = dbranch * (branch > 0)  # through the second relu
    dz2 = _normalised_backward(gamma2 * du2, xhat2, scale2)
    du1 = (dz2 @ W2.T) * (hidden > 0)  # through the first relu
    dz1 = _normalised_backward(gamma1 * du1, xhat1, scale1)
    return BlockGradients(
        dx=dshortcut + dz1 @ W1.T,
        dW1=x.T @ dz1,
        dgamma1=(du1 * xhat1).sum(axis=0),
        dbeta1=du1.sum(axis=0),
        dW2=hidden.T @ dz2,
        dgamma2=(du2 * xhat2).sum(axis=0),
        dbeta2=du2.sum(axis=0),
        dk=dk.reshape(shape)[()],
    )


def _zeros(a: Array) -> np.ndarray:
    return np.zeros(a.shape, a.dtype)


def _normalised(z: Array, eps: float) -> tuple[Array, Array]:
    """xhat, and 1 / sqrt(variance + eps) per feature."""
    centred = z - z.mean(axis=0)
    scale = 1 / sqrt((centred * centred).mean(axis=0) + eps)
    return centred * scale, scale


def _normalised_backward(dxhat: Array, xhat: Array, scale: Array) -> Array:
    """dz = scale (dxhat - mean(dxhat) - xhat mean(dxhat xhat)): mean and variance depend on every row of z."""
    return scale * (dxhat - dxhat.mean(axis=0) - xhat * (dxhat * xhat).mean(axis=0))


# --- convolutional blocks ----------------------------------------------------------------------------------------------
def convolutional_block(
    x: Array,
    gamma1: Array,
    beta1: Array,
    W1: Array,
    gamma2: Array,
    beta2: Array,
    W2: Array,
    k: Array,
    projection: Array | None = None,
    stride: int = 1,
    *,
    eps: float = 1e-3,
) -> Array:
    """Pre-activation block: y = g(k) conv2(relu(BN2(conv1(relu(BN1(x)))))) + P x, the gate on the result.

    x: (batch, C, H, W). gamma1, beta1: (C,); W1: (F, C, r, s), with the stride; gamma2, beta2: (F,); W2: (F, F, r, s); r and
    s odd, zero padding r // 2 and s // 2. projection: (F, C, 1, 1), a 1x1 convolution with the same stride, needed where
    the shape changes; removing such a block removes its residual part only. Returns (batch, F, H', W').
    Raises ValueError for shapes that do not fit, a shape that changes without a projection, and gates as `dense_block`.
    """
    x, gamma1, beta1, W1, gamma2, beta2, W2, projection = border.convolutional_block(
        x, gamma1, beta1, W1, gamma2, beta2, W2, projection, stride
    )
    k = border.scalar(k, x.dtype)
    shortcut = x if projection is None else conv2d(x, projection, stride)  # (batch, F, H', W')
    if _shut(k):
        return closed(shortcut, gamma1, beta1, W1, gamma2, beta2, W2, k)
    hidden = conv2d(relu(batch_norm(x, gamma1, beta1, eps=eps)), W1, stride, _half(W1))  # (batch, F, H', W')
    branch = conv2d(relu(batch_norm(hidden, gamma2, beta2, eps=eps)), W2, 1, _half(W2))  # (batch, F, H', W')
    return gated_residual(shortcut, branch, k)


def _half(W: Array) -> tuple[int, int]:
    return W.shape[2] // 2, W.shape[3] // 2


# --- stacks ------------------------------------------------------------------------------------------------------------
def initial_gates(depth: int, *, layers_per_gate: int = 2) -> np.ndarray:
    """Gates for a stack of `depth` middle layers, all 1: the net starts out as the ungated one.

    layers_per_gate: 2 in residual nets (one gate per block), 1 in plain ones. Returns (depth / layers_per_gate,) float64.
    Raises ValueError for a depth that is no positive multiple of it.
    """
    if isinstance(depth, bool) or not isinstance(depth, int | np.integer):
        raise TypeError(f"depth must be an integer, the number of middle layers, got {depth!r}")
    if depth <= 0 or depth % layers_per_gate:
        raise ValueError(
            f"depth must be a positive multiple of {layers_per_gate} (the layers of one block), got {depth}: "
            "a residual stack has an even number of middle layers"
        )
    return np.ones(depth // layers_per_gate)


def gate_step(k: Array, dk: Array, rate: float, decay: float = 0.0) -> Array:
    """One step of gradient descent on gates: k - rate (dk + decay k). Gates are never clipped, so k may become negative.

    decay: weight decay on the gates. Leave it 0: with decay every gate drifts to 0, and the paper's error rises.
    """
    return k - rate * (dk + decay * k)


def chain(x0: Array, w: Array, gates: Array) -> Array:
    r"""The scalar linear chain $x_l = x_{l-1} + g(k_l)\, w x_{l-1}$, hence $x_L = x_0 \prod_l (1 + g(k_l) w)$.

    x0, w: numbers; gates: (L,). Returns x_L. It has no activation and no normalisation, so that all gradients are known.
    """
    x = border.floating("x0", x0)
    for k in border.scalars(gates):
        x = gated_residual(x, w * x, k)
    return x if isinstance(x, Tensor) else x[()]


def chain_backward(dy: float, x0: float, w: float, gates: np.ndarray) -> ChainGradients:
    r"""Gradients of `chain`: back from $\bar x_L$ by $\bar k_l = \mathbf 1[k_l>0]\, \bar x_l w x_{l-1}$ and
    $\bar x_{l-1} = \bar x_l + g_l \bar x_l w$.

    dy, x0, w: numbers; gates: (L,). Returns dx0, dw and dgates (L,).
    """
    ks = border.scalars(gates)
    xs = [np.float64(x0)]  # x_0 ... x_L
    for k in ks:
        xs.append(gated_residual(xs[-1], w * xs[-1], k)[()])
    dx, dw, dgates = np.float64(dy), np.float64(0), np.zeros(len(ks))
    for level in reversed(range(len(ks))):
        dshortcut, dbranch, dgates[level] = gated_residual_backward(dx, w * xs[level], ks[level])
        dw = dw + dbranch * xs[level]
        dx = dshortcut + dbranch * w
    return ChainGradients(dx, dw, dgates)


def gated_forward(
    x: Array,
    gates: Array,
    branches: Sequence[Callable[[Array], Array]],
    shortcuts: Sequence[Callable[[Array], Array] | None] | None = None,
) -> Array:
    """A stack of gated residual blocks. A branch whose gate is closed is not called: pruned inference costs nothing.

    x: the input. gates: (L,), or a sequence of L scalars. branches: L functions, each from a block's input to its residual.
    shortcuts: L functions (or None for the identity) for blocks that change the shape. Returns the last block's output.
    On tensors the parameters inside a branch that was not called get no gradient; its gate gets exactly 0.
    Raises ValueError for counts that differ.
    """
    ks = border.scalars(gates)
    shortcuts = [None] * len(ks) if shortcuts is None else list(shortcuts)
    if not len(ks) == len(branches) == len(shortcuts):
        raise ValueError(
            f"a stack needs one gate and one shortcut per branch, got {len(ks)} gates, {len(branches)} branches and "
            f"{len(shortcuts)} shortcuts"
        )
    y = border.floating("x", x)
    for k, branch, project in zip(ks, branches, shortcuts, strict=True):
        shortcut = y if project is None else project(y)
        if not _shut(k):
            y = gated_residual(shortcut, branch(y), k)
        else:
            y = closed(shortcut, k) if isinstance(k, Tensor) else shortcut
    return +y if y is x else y  # an array of its own, also when every block was removed


# --- removal -----------------------------------------------------------------------------------------------------------
def removal_order(k: Array) -> np.ndarray:
    """Block numbers with the gates ascending (ties by number): the greedy order, least important first.

    k: (L,) gates as they are: of two closed gates the more negative one goes first. Returns (L,) integers.
    """
    return np.argsort(border.vector(k), kind="stable")


def remove(k: Array, removed: Sequence[int]) -> np.ndarray:
    """The gates with those of the removed blocks set to 0; every other gate keeps its value. No retraining.

    k: (L,); removed: distinct block numbers in [0, L), in any order; all of them is legal. Returns (L,) of k's dtype.
    Raises ValueError for a number out of range or given twice, TypeError for what is no integer.
    """
    gates = border.vector(k)
    gates[border.block_numbers(removed, len(gates))] = 0.0
    return gates


def removal_subset(u: np.ndarray, n_removed: int) -> np.ndarray:
    """A uniformly random set of blocks from uniform noise: the numbers of the n_removed smallest entries, ascending.

    u: (L,) independent uniforms. Returns (n_removed,) integers. Raises ValueError unless 0 <= n_removed <= L.
    """
    u = np.asarray(u)
    if u.ndim != 1 or not 0 <= n_removed <= len(u):
        raise ValueError(f"cannot choose {n_removed} of the blocks that noise of shape {u.shape} stands for")
    return np.sort(np.argsort(u, kind="stable")[:n_removed])


def random_removal(n_blocks: int, n_removed: int, *, rng: np.random.Generator) -> np.ndarray:
    """`removal_subset` on noise from the generator: n_removed of n_blocks block numbers, ascending, each set as likely."""
    return removal_subset(rng.random(n_blocks), n_removed)
