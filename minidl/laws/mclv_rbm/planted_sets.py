"""Planted bugs of packed states, of membership, of stopping sets and of the starts of tours."""

from __future__ import annotations

import numpy as np

from minidl.laws.core import planted


def _wide(words):
    return np.asarray(words, np.uint64)


# --- packing -----------------------------------------------------------------------------------------------------------
@planted("pack_states")
def highest_bit_first(ref):
    """Unit 0 of a word is its highest bit."""

    def pack_states(h):
        n = h.shape[1]
        padded = np.zeros((len(h), -(-n // 64), 64), h.dtype)
        padded.reshape(len(h), -1)[:, :n] = h
        return ref.pack_states(padded[:, :, ::-1].reshape(len(h), -1))

    return pack_states


@planted("pack_states")
def bits_reversed_in_bytes(ref):
    """The bits of each byte are in the other order, the default of many packing functions."""

    def pack_states(h):
        octets = np.packbits(np.asarray(h, np.uint8), axis=1)
        words = np.zeros((len(h), 8 * -(-h.shape[1] // 64)), np.uint8)
        words[:, : octets.shape[1]] = octets
        return words.view("<u8").astype(np.uint64)

    return pack_states


@planted("pack_states")
def packed_by_floating_point(ref):
    """The words are sums in double precision, which lose the lowest bits above 2^53."""

    def pack_states(h):
        blocks = [np.asarray(h[:, i : i + 64], np.float64) for i in range(0, h.shape[1], 64)]
        sums = [(block * 2.0 ** np.arange(block.shape[1])).sum(axis=1) for block in blocks]
        return np.stack([np.minimum(s, 2.0**63).astype(np.uint64) for s in sums], axis=1)

    return pack_states


@planted("pack_states")
def words_in_reverse(ref):
    """The words of a state are in the other order."""
    return lambda h: np.ascontiguousarray(ref.pack_states(h)[:, ::-1])


@planted("pack_states")
def only_the_first_word(ref):
    """Units beyond 64 are lost."""
    return lambda h: ref.pack_states(h[:, :64])


@planted("unpack_states")
def unpacked_from_the_top(ref):
    """Unit 0 is the last unit."""
    return lambda words, n: np.ascontiguousarray(ref.unpack_states(words, n)[:, ::-1])


@planted("unpack_states")
def bytes_in_reverse(ref):
    """The bytes of each word are in the other order."""
    return lambda words, n: ref.unpack_states(_wide(words).byteswap(), n)


@planted("unpack_states")
def padding_kept(ref):
    """All bits of the last word are units."""
    return lambda words, n: ref.unpack_states(words, 64 * words.shape[1])


@planted("unpack_states")
def bits_not_masked(ref):
    """The word shifted down, without taking its lowest bit."""

    def unpack_states(words, n):
        return (_wide(words)[:, np.arange(n) // 64] >> (np.arange(n) % 64).astype(np.uint64)).astype(np.uint8)

    return unpack_states


# --- membership --------------------------------------------------------------------------------------------------------
def _by_key(key):
    """Membership by a key that different states may share."""
    return lambda h, S: np.isin(key(np.asarray(h, np.int64)), key(np.asarray(S, np.int64)))


@planted("in_set")
def bloom_filter(ref):
    """A filter of 64 bits with two hashes: quick, small, and with false positives."""

    def positions(h):
        x = (h * (2654435761 + 40503 * np.arange(h.shape[1]) ** 2)).sum(axis=1)
        return np.stack([x % 61, (x >> 7) % 59], axis=1)

    def in_set(h, S):
        table = np.zeros(64, bool)
        table[positions(np.asarray(S, np.int64)).ravel()] = True
        return table[positions(np.asarray(h, np.int64))].all(axis=1)

    return in_set


@planted("in_set")
def as_many_units_on(ref):
    """States are compared by the number of units that are on."""
    return _by_key(lambda h: h.sum(axis=1))


@planted("in_set")
def code_in_floating_point(ref):
    """States are compared by their codes in double precision, which above 53 units are not all different."""
    return _by_key(lambda h: (h * 2.0 ** np.arange(h.shape[1])).sum(axis=1))


@planted("in_set")
def first_word_compared(ref):
    """Only the first 64 units are compared."""
    return lambda h, S: ref.in_set(h[:, :64], S[:, :64])


@planted("in_set")
def first_member_alone(ref):
    """Only the first state of the set is looked at, as by a search in keys that are not sorted."""
    return lambda h, S: ref.in_set(h, S[:1])


@planted("in_set")
def outside_for_inside(ref):
    """The answer is the other way round."""
    return lambda h, S: ~ref.in_set(h, S)


# --- stopping sets and starts ------------------------------------------------------------------------------------------
@planted("stopping_set")
def repeated_states_kept(ref):
    """States that were sampled twice are in the set twice, so that tours start there too often."""

    def stopping_set(x, W, a, u):
        p = ref.hidden_probability(x, W, a)
        return (u < p).reshape(-1, W.shape[1]).astype(np.uint8)

    return stopping_set


@planted("stopping_set")
def first_round_alone(ref):
    """Further rounds are ignored."""
    return lambda x, W, a, u: ref.stopping_set(x, W, a, u[:1])


@planted("stopping_set")
def likeliest_states(ref):
    """The hidden layer is rounded instead of sampled: one state for each row."""
    return lambda x, W, a, u: ref.stopping_set(x, W, a, np.full_like(u, 0.5))


@planted("stopping_set")
def sampled_above(ref):
    """A unit is on where u > p."""

    def stopping_set(x, W, a, u):
        off = (u > ref.hidden_probability(x, W, a)).reshape(-1, W.shape[1])
        return ref.all_states(W.shape[1])[np.unique(off @ (1 << np.arange(W.shape[1])))].astype(np.uint8)

    return stopping_set


@planted("stopping_set")
def every_state_reached(ref):
    """All states, whether sampled or not: every tour is back at once."""
    return lambda x, W, a, u: ref.all_states(W.shape[1]).astype(np.uint8)


@planted("start_law")
def uniform_start(ref):
    """Tours start at every state of the set alike."""
    return lambda S, W, b, a: ref.start_law(S, W, b, a)._replace(probability=np.full(len(S), 1 / len(S)))


@planted("start_law")
def distribution_not_restricted(ref):
    """The machine's probabilities, which do not sum to 1 over the set, and log Z for log Z_S."""

    def start_law(S, W, b, a):
        log_p = -ref.hidden_free_energy(S, W, b, a) - ref.log_partition(W, b, a)
        return np.exp(log_p), ref.log_partition(W, b, a)

    return start_law


@planted("start_law")
def free_energy_of_the_wrong_layer(ref):
    """The states are taken for visible ones, where there are as many units."""
    return lambda S, W, b, a: ref.start_law(S, W.T, a, b)


@planted("start_law")
def sign_of_the_free_energy(ref):
    """e^F instead of e^-F: tours start where the machine hardly is."""

    def start_law(S, W, b, a):
        F = np.asarray(ref.hidden_free_energy(S, W, b, a), np.float64)
        w = np.exp(F - F.max())
        return w / w.sum(), float(F.max() + np.log(w.sum()))

    return start_law


@planted("start_law")
def log_weight_of_the_mean(ref):
    """log Z_S is the log of the mean weight, not of the sum."""

    def start_law(S, W, b, a):
        probability, log_z = ref.start_law(S, W, b, a)
        return probability, log_z - float(np.log(len(S)))

    return start_law


@planted("start_law")
def order_of_codes(ref):
    """The probabilities are in the order of codes, not of the rows."""

    def start_law(S, W, b, a):
        order = np.argsort(np.asarray(S, np.int64) @ (1 << np.arange(W.shape[1])))
        probability, log_z = ref.start_law(S, W, b, a)
        return probability[order], log_z

    return start_law


def _chosen(S, k):
    return np.asarray(S)[np.minimum(k, len(S) - 1)].astype(np.uint8)


@planted("sample_starts")
def uniform_among_the_states(ref):
    """Every state is chosen alike."""
    return lambda S, probability, u: _chosen(S, (u * len(S)).astype(int))


@planted("sample_starts")
def not_divided_by_the_sum(ref):
    """Probabilities are taken to sum to 1, which they need not."""
    return lambda S, probability, u: _chosen(S, np.searchsorted(np.cumsum(probability), u, side="right"))


@planted("sample_starts")
def borders_to_the_left(ref):
    """On a border between two states the first is chosen, also where its probability is 0."""

    def sample_starts(S, probability, u):
        upto = np.cumsum(probability)
        return _chosen(S, np.searchsorted(upto, u * upto[-1], side="left"))

    return sample_starts


@planted("sample_starts")
def next_state(ref):
    """The state after the one in whose piece u falls."""

    def sample_starts(S, probability, u):
        upto = np.cumsum(probability)
        return _chosen(S, np.searchsorted(upto, u * upto[-1], side="right") + 1)

    return sample_starts


@planted("sample_starts")
def likeliest_state(ref):
    """All tours start at the likeliest state."""
    return lambda S, probability, u: _chosen(S, np.full(len(u), np.argmax(probability)))
