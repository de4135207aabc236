"""Packed states and exact membership, beside Python's own integers and sets."""

import numpy as np
import pytest

from minidl.energy import StateSet, all_states, codes, in_set, pack_states, unpack_states


@pytest.mark.parametrize("n", [1, 7, 8, 9, 63, 64, 65, 128, 130])
def test_bit_j_of_the_words_is_unit_j(n):
    h = np.random.default_rng(n).integers(0, 2, (20, n))
    words = pack_states(h)
    assert words.dtype == np.uint64
    assert words.shape == (20, -(-n // 64))
    for row, packed in zip(h, words, strict=True):
        integer = sum(int(word) << (64 * k) for k, word in enumerate(packed))
        assert integer == sum(int(unit) << j for j, unit in enumerate(row))  # padding is zero
    np.testing.assert_array_equal(unpack_states(words, n), h)


def test_codes_are_the_order_of_all_states():
    np.testing.assert_array_equal(pack_states(all_states(6))[:, 0], np.arange(64))
    assert all_states(2).tolist() == [[0, 0], [1, 0], [0, 1], [1, 1]]


def test_packing_takes_booleans_floats_and_no_rows():
    assert pack_states(np.array([[True, False, True]])).tolist() == [[5]]
    assert pack_states(np.array([[1.0, 1.0]], np.float32)).tolist() == [[3]]
    assert pack_states(np.zeros((0, 70))).shape == (0, 2)
    assert unpack_states(np.zeros((0, 2), np.uint64), 70).shape == (0, 70)


@pytest.mark.parametrize("n", [1, 5, 24, 25, 64, 65, 200])
def test_membership_is_that_of_a_python_set(n):
    rng = np.random.default_rng(n)
    pool = rng.integers(0, 2, (60, n))
    members = pool[rng.integers(0, 30, 50)]  # with repetitions
    known = {tuple(row) for row in members.tolist()}
    S = StateSet.of(members)
    assert len(S) == len(known)
    assert {tuple(row) for row in S.states.tolist()} == known
    near = pool.copy()
    near[np.arange(60), rng.integers(0, n, 60)] ^= 1  # one unit away
    for queries in (pool, near):
        expected = [tuple(row) in known for row in queries.tolist()]
        assert in_set(queries, S).tolist() == expected
        assert in_set(queries, members).tolist() == expected
    assert in_set(pool, S).any()
    assert in_set(S.states, S).all()


@pytest.mark.parametrize(
    "keys", [lambda words: np.zeros(len(words), np.uint64), lambda words: words[:, 0] & np.uint64(3)]
)
def test_colliding_hashes_cost_time_and_are_never_an_error(monkeypatch, keys):
    monkeypatch.setattr(codes, "_keys", keys)
    rng = np.random.default_rng(0)
    pool = rng.integers(0, 2, (80, 100))
    S = StateSet.of(pool[:40])
    assert in_set(pool, S).tolist() == [True] * 40 + [False] * 40


def test_hashes_of_several_words_tell_words_apart():
    words = np.random.default_rng(0).integers(0, 4, (64, 3), dtype=np.uint64)
    words = np.unique(words, axis=0)
    assert len(np.unique(codes._keys(words))) == len(words)
    assert (codes._keys(words[:, :1]) == words[:, 0]).all()


def test_a_set_of_a_set_is_itself():
    S = StateSet.of([[0, 1], [1, 1]])
    assert StateSet.of(S) is S
    assert S.units == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: StateSet.of(np.zeros((0, 3))), "at least one state"),
        (lambda: StateSet.of([[0, 2]]), "zeros and ones only, got 2"),
        (lambda: StateSet.of([0, 1]), r"\(N, n\) with at least one unit, got shape \(2,\)"),
        (lambda: pack_states(np.zeros((3, 0))), "at least one unit"),
        (lambda: in_set([[0, 1, 1]], [[0, 1]]), r"h must have shape \(..., 2\).*got \(1, 3\)"),
        (lambda: in_set([0, 1], [[0, 1]]), r"h must be \(N, 2\)"),
        (lambda: unpack_states(np.zeros((1, 1), np.uint64), 65), r"65 units are packed .* \(N, 2\)"),
        (lambda: unpack_states(np.zeros((1, 1)), 3), "float64"),
        (lambda: unpack_states(np.zeros((1, 1), np.uint64), 0), "at least 1"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
