"""Planted bugs of products of packed bits: padding, narrow counters, and what is left over at the edges of blocks."""

from __future__ import annotations

import numpy as np

from minidl.laws.bits import planted as packing
from minidl.laws.bits.planted import states_of
from minidl.laws.core import Planted, planted


def counted(operation, dtype=np.int64):
    """A product that counts the ones of an operation on words."""

    def product(a, b):
        return np.bitwise_count(operation(np.asarray(a)[..., None, :], np.asarray(b))).sum(axis=-1, dtype=dtype)

    return product


@planted("and_product")
def ones_of_either(ref):
    """Or instead of and."""
    return lambda a, b, dtype=np.int32: counted(np.bitwise_or)(a, b).astype(dtype)


@planted("and_product")
def ones_of_one(ref):
    """Exclusive or instead of and."""
    return lambda a, b, dtype=np.int32: counted(np.bitwise_xor)(a, b).astype(dtype)


@planted("and_product")
def counted_in_a_byte(ref):
    """The counts of the words are added up in a byte."""
    return lambda a, b, dtype=np.int32: counted(np.bitwise_and, np.uint8)(a, b).astype(dtype)


@planted("and_product")
def first_words(ref):
    """The last word of a row is left out when there is more than one."""

    def and_product(a, b, dtype=np.int32):
        keep = max(1, np.shape(b)[1] - 1)
        return ref.and_product(np.asarray(a)[..., :keep], np.asarray(b)[:, :keep], dtype)

    return and_product


@planted("and_product")
def whole_blocks(ref):
    """Words past the last block of eight are left out when there is a block."""

    def and_product(a, b, dtype=np.int32):
        keep = np.shape(b)[1] // 8 * 8 or np.shape(b)[1]
        return ref.and_product(np.asarray(a)[..., :keep], np.asarray(b)[:, :keep], dtype)

    return and_product


@planted("and_product")
def sides_exchanged(ref):
    """The result is b times a."""
    return lambda a, b, dtype=np.int32: ref.and_product(b, np.atleast_2d(a), dtype)


@planted("and_product")
def doubles(ref):
    """The counts come as float64, whatever was asked for."""
    return lambda a, b, dtype=np.int32: ref.and_product(a, b).astype(np.float64)


@planted("and_product")
def columns_of_a_panel(ref):
    """Columns past the last whole group of 16 repeat the group before."""

    def and_product(a, b, dtype=np.int32):
        right = ref.and_product(a, b, dtype)
        N = right.shape[-1]
        return right if N <= 16 else np.take(right, [j if j < N // 16 * 16 else j - 16 for j in range(N)], axis=-1)

    return and_product


@planted("xnor_product")
def differences_once(ref):
    """n - X: a difference counts once."""
    return lambda a, b, n, dtype=np.int32: (n - counted(np.bitwise_xor)(a, b)).astype(dtype)


@planted("xnor_product")
def padding_agrees(ref):
    """Places of padding, which are equal, count as agreements."""
    return lambda a, b, n, dtype=np.int32: ref.xnor_product(a, b, n, dtype) + np.array(-n % 64, dtype)


@planted("xnor_product")
def differences_less_agreements(ref):
    """The sign of the product is the other one."""
    return lambda a, b, n, dtype=np.int32: -ref.xnor_product(a, b, n, dtype)


@planted("xnor_product")
def zeros_and_ones(ref):
    """The bits are multiplied as zeros and ones."""
    return lambda a, b, n, dtype=np.int32: ref.and_product(a, b, dtype)


@planted("xnor_product")
def both_ones_only(ref):
    """2 |x and y| - n: two zeros count as a difference."""
    return lambda a, b, n, dtype=np.int32: (2 * ref.and_product(a, b) - n).astype(dtype)


@planted("xnor_product")
def narrow(ref):
    """Differences are counted in a byte."""
    return lambda a, b, n, dtype=np.int32: (n - 2 * counted(np.bitwise_xor, np.uint8)(a, b).astype(np.int64)).astype(
        dtype
    )


@planted("xnor_product")
def unsigned_counts(ref):
    """The subtraction is made in unsigned words: negative products become huge."""
    return lambda a, b, n, dtype=np.int32: (
        np.uint32(n) - np.uint32(2) * counted(np.bitwise_xor, np.uint32)(a, b)
    ).astype(np.int64 if dtype == np.int32 else dtype)


@planted("xnor_product")
def mean_of_signs(ref):
    """The product is divided by n."""
    return lambda a, b, n, dtype=np.int32: (ref.xnor_product(a, b, n) // n).astype(dtype)


@planted("float_product")
def signs_times_weights(ref):
    """Zeros count as -1."""
    return lambda a, W: (2 * states_of(a, len(W)).astype(W.dtype) - 1) @ W


@planted("float_product")
def rows_not_selected(ref):
    """The rows whose bits are off are added."""
    return lambda a, W: (1 - states_of(a, len(W)).astype(W.dtype)) @ W


@planted("float_product")
def weights_counted(ref):
    """The selected rows are counted, not added: weights do not matter."""
    return lambda a, W: states_of(a, len(W)).astype(W.dtype) @ np.ones_like(W)


@planted("float_product")
def grown(ref):
    """The result is float64, whatever the weights are."""
    return lambda a, W: states_of(a, len(W)).astype(np.float64) @ np.asarray(W, np.float64)


@planted("float_product")
def single_precision(ref):
    """The sums are made in float32, whatever the weights are."""
    return lambda a, W: (states_of(a, len(W)).astype(np.float32) @ np.asarray(W, np.float32)).astype(W.dtype)


@planted("float_product")
def fours_only(ref):
    """Rows past the last whole group of four are left out."""

    def float_product(a, W):
        states = states_of(a, len(W)).astype(W.dtype)
        states[..., len(W) // 4 * 4 :] = 0
        return states @ W

    return float_product


@planted("float_product")
def table_without_its_last_entry(ref):
    """Where all four rows of a group are selected, none is."""

    def float_product(a, W):
        states = np.array(states_of(a, len(W)), W.dtype)
        for k in range(0, len(W) - 3, 4):
            states[..., k : k + 4] *= 1 - states[..., k : k + 4].all(axis=-1, keepdims=True)
        return states @ W

    return float_product


@planted("float_product")
def columns_left_out(ref):
    """Columns past the last whole vector of 32 are zero."""

    def float_product(a, W):
        right = ref.float_product(a, W)
        if W.shape[1] > 32:
            right[..., W.shape[1] // 32 * 32 :] = 0
        return right

    return float_product


def bugs_of(function: str) -> tuple[Planted, ...]:
    """The planted bugs of a function, in the order of the two pages."""
    found = [*vars(packing).values(), *globals().values()]
    return tuple(bug for bug in found if isinstance(bug, Planted) and bug.function == function)
