"""Planted bugs of residual gates: what implementers get wrong, one at a time. The laws and golden values kill each.

`ref` is the reference's namespace. Two things that look like bugs are none: for k > 0 a gate before the second relu, or
before a last convolution without bias, computes the same function.
"""

from __future__ import annotations

import numpy as np

from minidl.laws.core import Planted, planted
from minidl.laws.gated_residual.cases import number


def relu(a):
    return np.maximum(a, 0)


def _sigmoid(k):
    return 1 / (1 + np.exp(-number(k)))


# --- the gate ----------------------------------------------------------------------------------------------------------
@planted("gate")
def sigmoid_gate(ref):
    """The gate is squashed, sigmoid(k), as in highway networks."""
    return lambda k: 1 / (1 + np.exp(-k))


@planted("gate")
def clipped_gate(ref):
    """The gate is clipped to [0, 1], so that it cannot amplify."""
    return lambda k: np.clip(k, 0, 1)


@planted("gate")
def absolute_gate(ref):
    """The gate is |k|: below 0 it opens again."""
    return lambda k: np.abs(k)


@planted("gate_derivative")
def open_border(ref):
    """The indicator is k >= 0, which wakes a gate that was removed by setting it to 0."""
    return lambda k: (np.asarray(k) >= 0).astype(np.asarray(k).dtype)[()]


@planted("gate_derivative")
def always_one(ref):
    """The derivative misses its indicator: dead gates keep learning."""
    return lambda k: np.ones_like(k)[()]


# --- gated layers ------------------------------------------------------------------------------------------------------
@planted("gated_residual")
def scaled_shortcut(ref):
    """The shortcut is scaled by 1 - g, as if the general formula held for residual blocks too."""
    return lambda shortcut, branch, k: ref.gated_plain(shortcut, branch, k)


@planted("gated_residual")
def sigmoid_of_k(ref):
    """The gate is sigmoid(k)."""
    return lambda shortcut, branch, k: shortcut + shortcut.dtype.type(_sigmoid(k)) * branch


@planted("gated_residual")
def absolute_k(ref):
    """The gate is |k|."""
    return lambda shortcut, branch, k: ref.gated_residual(shortcut, branch, abs(k))


@planted("gated_residual")
def clipped_to_one(ref):
    """The gate is clipped to at most 1."""
    return lambda shortcut, branch, k: ref.gated_residual(shortcut, branch, np.minimum(k, 1.0))


@planted("gated_residual")
def multiplied_by_zero(ref):
    """A closed gate multiplies its branch by 0 instead of skipping it: 0 times infinity is NaN."""
    return lambda shortcut, branch, k: shortcut + branch * shortcut.dtype.type(max(number(k), 0.0))


@planted("gated_plain")
def multiplied_by_zero_plain(ref):
    """A closed gate multiplies the layer's output by 0 instead of skipping it."""

    def gated_plain(x, fx, k):
        g = x.dtype.type(max(number(k), 0.0))
        return g * fx + (1 - g) * x

    return gated_plain


@planted("gated_plain")
def residual_formula(ref):
    """A plain layer keeps its whole input: g f(x) + x."""
    return lambda x, fx, k: ref.gated_residual(x, fx, k)


@planted("gated_plain")
def sides_swapped(ref):
    """The gate weighs the input and 1 - g the layer, as in some papers on highway networks."""
    return lambda x, fx, k: ref.gated_plain(fx, x, k)


@planted("gated_plain")
def no_extrapolation(ref):
    """The gate is clipped to at most 1, so that 1 - g stays positive."""
    return lambda x, fx, k: ref.gated_plain(x, fx, np.minimum(k, 1.0))


# --- their gradients ---------------------------------------------------------------------------------------------------
def changed_in(function, **changed):
    """The named tuple that function returns, with some fields computed anew from the inputs and the right answer."""

    def wrong(*inputs):
        right = function(*inputs)
        return right._replace(**{name: change(right, *inputs) for name, change in changed.items()})

    return wrong


def like(value, right):
    return np.asarray(value, np.asarray(right).dtype).reshape(np.shape(right))[()]


@planted("gated_residual_backward")
def branch_gradient_ungated(ref):
    """The branch receives dy instead of g dy."""
    return changed_in(ref.gated_residual_backward, dbranch=lambda right, dy, branch, k: dy.copy())


@planted("gated_residual_backward")
def dead_gate_learns(ref):
    """dk misses the indicator: a gate below 0 still gets a gradient."""
    dk = lambda right, dy, branch, k: like((dy * branch).sum(), right.dk)  # noqa: E731
    return changed_in(ref.gated_residual_backward, dk=dk)


@planted("gated_residual_backward")
def border_gate_learns(ref):
    """The indicator is k >= 0 instead of k > 0."""

    def dk(right, dy, branch, k):
        return like((dy * branch).sum(), right.dk) if number(k) == 0 else right.dk

    return changed_in(ref.gated_residual_backward, dk=dk)


@planted("gated_residual_backward")
def gate_gradient_averaged(ref):
    """dk is averaged over the batch instead of summed."""
    return changed_in(ref.gated_residual_backward, dk=lambda right, dy, branch, k: like(right.dk / len(dy), right.dk))


@planted("gated_residual_backward")
def shortcut_gradient_scaled(ref):
    """The gradient through the shortcut is scaled by 1 - g."""
    scaled = lambda right, dy, branch, k: dy * dy.dtype.type(1 - max(number(k), 0.0))  # noqa: E731
    return changed_in(ref.gated_residual_backward, dshortcut=scaled)


@planted("gated_plain_backward")
def input_forgotten_in_dk(ref):
    """dk = <dy, f> instead of <dy, f - x>: the gate also weighs the input, with 1 - g."""

    def dk(right, dy, x, fx, k):
        return like((dy * fx).sum(), right.dk) if number(k) > 0 else right.dk

    return changed_in(ref.gated_plain_backward, dk=dk)


@planted("gated_plain_backward")
def input_gradient_unscaled(ref):
    """dx through the shortcut is dy instead of (1 - g) dy."""
    return changed_in(ref.gated_plain_backward, dx=lambda right, dy, x, fx, k: dy.copy())


@planted("gated_plain_backward")
def dead_plain_gate_learns(ref):
    """dk misses the indicator k > 0."""
    dk = lambda right, dy, x, fx, k: like((dy * (fx - x)).sum(), right.dk)  # noqa: E731
    return changed_in(ref.gated_plain_backward, dk=dk)


# --- stacks and removal ------------------------------------------------------------------------------------------------
@planted("initial_gates")
def gate_per_layer(ref):
    """One gate per layer in a residual stack, where a block of two layers has one."""
    return lambda depth: np.ones(depth)


@planted("initial_gates")
def gates_start_closed(ref):
    """Gates start at 0, where their gradient is 0 too: no block ever learns."""
    return lambda depth: np.zeros(depth // 2)


@planted("gate_step")
def gates_clipped(ref):
    """Gates are clipped at 0 after each step, so that they stop at the kink."""
    return lambda *inputs: np.maximum(ref.gate_step(*inputs), 0)


@planted("gate_step")
def gates_decay_by_default(ref):
    """Weight decay also falls on the gates unless it is switched off."""
    return lambda k, dk, rate, decay=1e-2: ref.gate_step(k, dk, rate, decay)


@planted("gate_step")
def decay_without_rate(ref):
    """The decay is not multiplied by the learning rate."""
    return lambda k, dk, rate, decay=0.0: k - rate * dk - decay * k


@planted("chain")
def sum_of_gates(ref):
    """The chain adds up: x0 (1 + w sum of the gates), as if each block saw the net's input."""
    return lambda x0, w, gates: x0 * (1 + w * np.maximum(gates, 0).sum())


@planted("chain_backward")
def quotient_rule(ref):
    """dgates by w x_L / (1 + g w), which is 0 / 0 where a block annihilates its input."""

    def backward(dy, x0, w, gates):
        g = np.maximum(gates, 0)
        with np.errstate(all="ignore"):
            dgates = np.where(gates > 0, dy * w * ref.chain(x0, w, gates) / (1 + g * w), 0.0)
        return ref.chain_backward(dy, x0, w, gates)._replace(dgates=dgates)

    return backward


@planted("removal_order")
def order_by_magnitude(ref):
    """Gates are ordered by |k|, so that a dead gate of -0.8 outlives an open one of 0.3."""
    return lambda k: np.argsort(np.abs(k), kind="stable")


@planted("removal_order")
def largest_first(ref):
    """The most important blocks go first."""
    return lambda k: np.argsort(-k, kind="stable")


@planted("removal_order")
def ties_backwards(ref):
    """Equal gates come in falling order of their number."""
    return lambda k: (len(k) - 1 - np.argsort(k[::-1], kind="stable")).astype(np.intp)


@planted("remove")
def removed_gates_open(ref):
    """Removal sets the gate to 1: the block becomes an ordinary residual block instead of the identity."""

    def remove(k, removed):
        gates = k.copy()
        gates[removed] = 1
        return gates

    return remove


@planted("remove")
def others_rescaled(ref):
    """The gates that stay are scaled up to keep their sum, as dropout would."""

    def remove(k, removed):
        gates = ref.remove(k, removed)
        return gates * (k.sum() / gates.sum()) if gates.sum() > 0 else gates

    return remove


@planted("remove")
def negative_gates_revived(ref):
    """Gates are written back as their absolute values."""
    return lambda k, removed: np.abs(ref.remove(k, removed))


@planted("removal_subset")
def neighbours_removed(ref):
    """The removed blocks are a run of neighbours, not any subset."""

    def subset(u, n_removed):
        start = int(u[0] * (len(u) - n_removed + 1))
        return np.arange(start, start + n_removed)

    return subset


@planted("removal_subset")
def with_replacement(ref):
    """Blocks are drawn with replacement, so that fewer than n_removed may go."""
    return lambda u, n_removed: np.sort((u * len(u)).astype(np.intp)[:n_removed])


def bugs_of(function: str) -> tuple[Planted, ...]:
    """The planted bugs of one function, in the order of this file."""
    return tuple(bug for bug in globals().values() if isinstance(bug, Planted) and bug.function == function)
