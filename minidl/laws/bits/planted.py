"""Planted bugs of packing: what goes wrong at the ends of words and with the order of bits."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


def whole(words, n=None):
    """The states of whole words, (M, 64 words), and the words' leading shape."""
    words = np.ascontiguousarray(words)
    return np.unpackbits(words.astype("<u8").view(np.uint8), axis=-1, bitorder="little")


def words_of(bits, bitorder="little"):
    """Bits (..., n) as words, padded with zeros."""
    octets = np.packbits(bits, axis=-1, bitorder=bitorder)
    padded = np.zeros((*bits.shape[:-1], 8 * -(-bits.shape[-1] // 64)), np.uint8)
    padded[..., : octets.shape[-1]] = octets
    return padded.view("<u8").astype(np.uint64)


def states_of(words, n):
    return whole(words)[..., :n]


# --- packing -----------------------------------------------------------------------------------------------------------
@planted("pack")
def highest_bit_first(ref):
    """The first state goes into the highest bit of its byte, the default of numpy.packbits."""
    return lambda states: words_of(np.asarray(states) != 0, "big")


@planted("pack")
def shifted_by_one(ref):
    """State j lands in bit j + 1, and the last of a word is lost."""
    return lambda states: ref.pack(states) << np.uint64(1)


@planted("pack")
def padded_with_ones(ref):
    """The last word is padded with ones."""

    def pack(states):
        words, n = ref.pack(states).copy(), np.shape(states)[-1]
        if n % 64:
            words[..., -1] |= ~np.uint64(0) << np.uint64(n % 64)
        return words

    return pack


@planted("pack")
def last_word_dropped(ref):
    """n // 64 words, at least one: what is left over is dropped."""
    return lambda states: ref.pack(states)[..., : max(1, np.shape(states)[-1] // 64)].copy()


@planted("pack")
def half_words(ref):
    """Bits are shifted as 32-bit numbers: states 32 to 63 of each word fall back to the lower half."""

    def pack(states):
        words = ref.pack(states)
        return (words | words >> np.uint64(32)) & np.uint64(0xFFFFFFFF)

    return pack


@planted("pack")
def bytes_reversed(ref):
    """The bytes of a word are in the other order, as on a big-endian machine."""
    return lambda states: ref.pack(states).byteswap()


@planted("pack")
def all_in_one_row(ref):
    """The rows are packed as one long row."""

    def pack(states):
        states = np.asarray(states)
        words = ref.pack(states)
        flat = ref.pack(states.reshape(-1))
        return np.resize(np.concatenate([flat, np.zeros(words.size, np.uint64)]), words.size).reshape(words.shape)

    return pack


@planted("pack")
def zeros_and_ones_swapped(ref):
    """A one stands for off."""
    return lambda states: ref.pack(1 - np.asarray(states).astype(np.int64))


@planted("pack_signs")
def zero_is_negative(ref):
    """A zero counts as -1: x > 0."""
    return lambda x: words_of(np.asarray(x) > 0)


@planted("pack_signs")
def rounded_first(ref):
    """Numbers become integers before their sign is taken."""
    return lambda x: words_of(np.nan_to_num(np.asarray(x), posinf=1, neginf=-1).astype(np.int64) >= 0)


@planted("pack_signs")
def any_nonzero(ref):
    """A bit says that the number is not zero."""
    return lambda x: words_of(np.asarray(x) != 0)


@planted("pack_signs")
def sign_bit(ref):
    """The sign bit itself is packed: a one for minus."""
    return lambda x: words_of(np.asarray(x) < 0)


@planted("pack_signs")
def centred(ref):
    """Signs are taken after the row's mean was subtracted."""
    return lambda x: words_of(np.asarray(x) >= np.mean(np.nan_to_num(np.asarray(x, float)), axis=-1, keepdims=True))


@planted("pack_signs")
def padding_is_positive(ref):
    """Rows are padded with 0.0 before the comparison, and 0 counts as +1."""

    def pack_signs(x):
        x = np.asarray(x)
        pad = -x.shape[-1] % 64
        return words_of(np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, pad)]) >= 0)

    return pack_signs


@planted("pack_signs")
def sign_of_zero(ref):
    """The sign bit decides, which -0.0 has."""
    return lambda x: words_of(~np.signbit(np.asarray(x, float)))


@planted("unpack")
def padding_kept(ref):
    """All 64 places of the last word are returned."""
    return lambda words, n, dtype=np.uint8: whole(words).astype(dtype)


@planted("unpack")
def from_the_top(ref):
    """The states of each byte come out highest first."""

    def unpack(words, n, dtype=np.uint8):
        octets = np.ascontiguousarray(words).astype("<u8").view(np.uint8)
        return np.unpackbits(octets, axis=-1, bitorder="big")[..., :n].astype(dtype)

    return unpack


@planted("unpack")
def lower_half_twice(ref):
    """Shifts work on 32 bits: the upper half of a word repeats the lower one."""
    return lambda words, n, dtype=np.uint8: states_of(
        (w := np.asarray(words)) & np.uint64(0xFFFFFFFF) | w << np.uint64(32), n
    ).astype(dtype)


@planted("unpack")
def always_bytes(ref):
    """The dtype that was asked for is forgotten."""
    return lambda words, n, dtype=np.uint8: states_of(words, n)


@planted("unpack")
def words_reversed(ref):
    """The last word comes first."""
    return lambda words, n, dtype=np.uint8: states_of(np.asarray(words)[..., ::-1], n).astype(dtype)


@planted("unpack")
def not_masked(ref):
    """The shifted word is not cut down to its lowest bit."""

    def unpack(words, n, dtype=np.uint8):
        words = np.asarray(words)
        return (words[..., np.arange(n) // 64] >> (np.arange(n) % 64).astype(np.uint64)).astype(np.uint8).astype(dtype)

    return unpack


@planted("unpack_signs")
def zeros_for_minus(ref):
    """Zeros and ones come out."""
    return lambda words, n, dtype=np.int8: states_of(words, n).astype(dtype)


@planted("unpack_signs")
def opposite(ref):
    """1 - 2 x: a one becomes -1."""
    return lambda words, n, dtype=np.int8: 1 - 2 * states_of(words, n).astype(dtype)


@planted("unpack_signs")
def unsigned(ref):
    """2 x - 1 in unsigned bytes: -1 becomes 255."""
    return lambda words, n, dtype=np.int8: 2 * states_of(words, n) - np.uint8(1)


@planted("unpack_signs")
def padding_is_minus(ref):
    """The padding comes out as well, as -1."""
    return lambda words, n, dtype=np.int8: 2 * whole(words).astype(dtype) - np.ones((), dtype)


@planted("count_ones")
def byte_counter(ref):
    """The sum of the counts is kept in a byte."""
    return lambda words: np.bitwise_count(np.asarray(words)).sum(axis=-1, dtype=np.uint8).astype(np.int64)


@planted("count_ones")
def lower_halves(ref):
    """A population count of 32 bits sees the lower half of each word only."""
    return lambda words: ref.count_ones(np.asarray(words) & np.uint64(0xFFFFFFFF))


@planted("count_ones")
def words_that_are_not_zero(ref):
    """Words are counted, not bits."""
    return lambda words: (np.asarray(words) != 0).sum(axis=-1)


@planted("count_ones")
def zeros_counted(ref):
    """The zeros are counted."""
    return lambda words: ref.count_ones(~np.asarray(words))


@planted("count_ones")
def per_column(ref):
    """The counts are added over the rows."""
    return lambda words: np.bitwise_count(np.asarray(words)).sum(axis=0, dtype=np.int64)


@planted("count_ones")
def first_word_only(ref):
    """Only the first word of a row is counted."""
    return lambda words: ref.count_ones(np.asarray(words)[..., :1])


@planted("transpose")
def blocks_in_place(ref):
    """Blocks of 64 x 64 bits are transposed, and stay where they are."""

    def transpose(words, n):
        words = np.asarray(words)
        right = ref.transpose(words, n)
        if len(words) <= 64 and n <= 64:
            return right
        moved = np.zeros_like(right)
        moved[: min(64, n)] = right[: min(64, n)]
        return moved

    return transpose


@planted("transpose")
def rows_reversed(ref):
    """The rows come out in the other order."""
    return lambda words, n: ref.transpose(np.asarray(words)[::-1], n)


@planted("transpose")
def states_reversed(ref):
    """The states come out in the other order."""
    return lambda words, n: ref.transpose(words, n)[::-1].copy()


@planted("transpose")
def reshaped(ref):
    """The bits are reshaped, not transposed."""
    return lambda words, n: words_of(states_of(words, n).reshape(n, len(words)))


@planted("transpose")
def padding_too(ref):
    """The padding becomes rows of zeros."""
    return lambda words, n: ref.transpose(words, 64 * np.shape(words)[1])


@planted("transpose")
def last_rows_lost(ref):
    """The rows past the last whole block are left out."""

    def transpose(words, n):
        words = np.array(words)
        words[len(words) // 8 * 8 :] = 0
        return ref.transpose(words, n)

    return transpose
