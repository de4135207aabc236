"""The laws of packed states, of exact membership, and of stopping sets with the law by which tours start."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from minidl.laws.core import Case, Cases, Contract, Golden, agree, identical, law
from minidl.laws.mclv_rbm.cases import KAC, KAC_CASES, ROUNDS, SETS, TOURS, WORKED, family, only
from minidl.laws.mclv_rbm.copies import many_visible_units_that_are_alike
from minidl.laws.mclv_rbm.energies import theta
from minidl.laws.mclv_rbm.machine import bits, code, dtype, machine, mask
from minidl.laws.mclv_rbm.planted import bugs_of
from minidl.laws.mclv_rbm.ties import AT_REST

WIDTHS = (1, 2, 5, 8, 13, 63, 64, 65, 70, 128, 130)


# --- packing -----------------------------------------------------------------------------------------------------------
def _octets(rng: np.random.Generator, rows: int, n: int) -> np.ndarray:
    return rng.integers(0, 2, (rows, n)).astype(np.uint8)


def _number(row: np.ndarray) -> int:
    """A state as one integer, unit 0 the lowest bit."""
    return sum(int(unit) << j for j, unit in enumerate(row))


def _words(h: np.ndarray) -> np.ndarray:
    """Packed states, from integers. (N, ceil(n / 64)) uint64"""
    count = -(-h.shape[1] // 64)
    table = [[_number(row) >> 64 * w & (1 << 64) - 1 for w in range(count)] for row in h]
    return np.array(table, np.uint64).reshape(len(h), count)


def _packed(seed: int, rows: int, n: int) -> Case:
    h = _octets(np.random.default_rng(seed), rows, n)
    return {"h": h, "words": _words(h), "n": n}


def _any_packed():
    from hypothesis import strategies as st

    return st.builds(_packed, st.integers(0, 9999), st.integers(1, 4), st.sampled_from(WIDTHS))


PACKED = Cases(
    named={f"units_{n}": _packed(n, 3, n) for n in WIDTHS}
    | {"every_unit": {"h": np.eye(66, dtype=np.uint8), "words": _words(np.eye(66, dtype=np.uint8)), "n": 66}},
    generated=_any_packed,
    notes={
        "units_64": "the highest bit of a word is the sign of a signed one",
        "units_65": "one unit more than a word holds",
        "every_unit": "each unit alone, so that an order of bits or bytes shows",
    },
)
PACKING = r"\mathrm{word}_w = \sum_{j < 64} 2^j h_{64 w + j}"


@law(cases=PACKED, needs=("pack_states",), grade="exact", equation=PACKING, source="convention")
def unit_j_is_bit_j(impl, case):
    """Unit j is bit j mod 64 of word j div 64, and the rest of the last word is 0."""
    identical(impl.pack_states(case["h"]), case["words"], why="the words")
    identical(impl.pack_states(case["h"].astype(np.float64)), case["words"], why="the words of floating states")


@law(cases=PACKED, needs=("unpack_states",), grade="exact", equation=PACKING, source="convention")
def bit_j_is_unit_j(impl, case):
    """Bit j mod 64 of word j div 64 is unit j."""
    identical(impl.unpack_states(case["words"], case["n"]), case["h"], why="the states")


@law(cases=PACKED, needs=("pack_states", "unpack_states"), grade="exact", source="convention")
def packed_and_unpacked(impl, case):
    """Unpacking undoes packing."""
    words = np.asarray(impl.pack_states(case["h"]))
    identical(impl.unpack_states(words, case["n"]), case["h"], why="the states after both")


# --- membership --------------------------------------------------------------------------------------------------------
def _members(seed: int, size: int, n: int) -> Case:
    """A set, and states near it: members, members with one unit flipped, and any."""
    rng = np.random.default_rng(seed)
    S = _octets(rng, size, n)
    near = S[rng.integers(0, size, 8)]
    near[np.arange(8), rng.integers(0, n, 8)] ^= 1
    h = np.concatenate([S[rng.integers(0, size, 4)], near, near[:, rng.permutation(n)], _octets(rng, 4, n)])
    return {"h": h[rng.permutation(len(h))], "S": S}


def _any_members():
    from hypothesis import strategies as st

    return st.builds(
        _members, st.integers(0, 9999), st.integers(1, 9), st.sampled_from((2, 3, 5, 24, 25, 60, 64, 65, 130))
    )


def _one_unit(n: int) -> Case:
    """Two states that differ in the lowest unit alone, and one of them the set."""
    h = np.ones((2, n), np.uint8)
    h[1, 0] = 0
    return {"h": h, "S": h[1:]}


MEMBERS = Cases(
    named={
        "every_state": {"h": bits(5).astype(np.uint8), "S": bits(5)[[3, 30, 3, 17, 0]].astype(np.uint8)},
        "none": {"h": np.zeros((2, 3), np.uint8), "S": np.ones((1, 3), np.uint8)},
        "lowest_unit_of_60": _one_unit(60),
        "lowest_unit_of_64": _one_unit(64),
        "second_word": {"h": np.eye(70, dtype=np.uint8)[60:], "S": np.eye(70, dtype=np.uint8)[[66, 61]]},
        **{f"units_{n}": _members(n, 7, n) for n in (13, 24, 25, 63, 65, 130)},
    },
    generated=_any_members,
    notes={
        "every_state": "a set that answers yes for a state outside it ends tours too early; S names a state twice",
        "lowest_unit_of_60": "a code in floating point loses its lowest bits above 2^53",
        "second_word": "states that differ in their second word alone",
    },
)


@law(cases=MEMBERS, needs=("in_set",), grade="exact", equation=r"[h \in S]", source=TOURS)
def members_and_no_others(impl, case):
    """A state is in the set if it is one of its states unit by unit: no false positives, no false negatives."""
    members = {row.tobytes() for row in np.ascontiguousarray(case["S"])}
    expected = np.array([row.tobytes() in members for row in np.ascontiguousarray(case["h"])])
    identical(impl.in_set(case["h"], case["S"]), expected, why="which states are in the set")


@law(cases=MEMBERS, needs=("in_set",), grade="exact", source=TOURS)
def a_set_has_no_order(impl, case):
    """The order of the set, and states that it names twice, change nothing."""
    once = impl.in_set(case["h"], case["S"])
    twice = impl.in_set(case["h"], np.concatenate([case["S"][::-1], case["S"]]))
    identical(twice, np.asarray(once), why="which states are in the set, turned round and named twice")


# --- stopping sets -----------------------------------------------------------------------------------------------------
@law(
    cases=ROUNDS,
    needs=("stopping_set",),
    grade="exact",
    equation=r"S = \mathrm{unique}\{h^{(n,i)} \sim p(h \mid x_n)\}",
    source=TOURS,
)
def distinct_samples_of_the_data(impl, case):
    """The stopping set holds the hidden samples of all rows in all rounds, each state once, in the order of codes."""
    m = machine(case)
    samples = code(case["u"] < m.h_mean[code(case["x"])])
    expected = bits(m.n_H)[np.unique(samples)].astype(np.uint8)
    identical(impl.stopping_set(case["x"], case["W"], case["a"], case["u"]), expected, why="the states of the set")


@law(cases=ROUNDS, needs=("stopping_set",), grade="exact", equation=r"S_{1..r} = \bigcup_i S_i", source=TOURS)
def rounds_are_united(impl, case):
    """The set of several rounds is the union of the sets of each."""
    rest = case["x"], case["W"], case["a"]
    whole = np.asarray(impl.stopping_set(*rest, case["u"]))
    parts = np.concatenate([np.asarray(impl.stopping_set(*rest, u[None])) for u in case["u"]])
    identical(np.unique(code(whole)), np.unique(code(parts)), why="the codes of the states of the set")


# --- the start of tours ------------------------------------------------------------------------------------------------
@law(
    cases=SETS,
    needs=("start_law",),
    grade="numerical",
    equation=r"\mu(h) = e^{-\tilde F(h)} / Z_S, \quad Z_S = \sum_{h \in S} e^{-\tilde F(h)}",
    source=TOURS,
)
def machine_restricted_to_the_set(impl, case):
    """Tours start by the machine's distribution of hidden states within the set, in the order of its rows."""
    m, width, at = machine(case), dtype(case), code(case["S"])
    log_z = m.log_h[at].max() + np.log(np.exp(m.log_h[at] - m.log_h[at].max()).sum())
    probability, got = impl.start_law(case["S"], *theta(case))
    m.agree_p(probability, np.exp(m.log_h[at] - log_z), why="mu", dtype=width, ulps=m.terms + len(at))
    m.agree_log(got, log_z, why="log Z_S", dtype=width, ulps=m.terms + len(at))


@law(
    cases=SETS,
    needs=("start_law",),
    grade="numerical",
    equation=r"S = \{0, 1\}^{n_H} \Rightarrow Z_S = Z",
    source=TOURS,
)
def all_states_as_a_set(impl, case):
    """If all states are in the set, tours start by the machine's distribution, and Z_S is Z."""
    m, width = machine(case), dtype(case)
    probability, log_z = impl.start_law(bits(m.n_H), *theta(case))
    m.agree_p(probability, m.p_h, why="mu", dtype=width, ulps=m.terms + len(m.p_h))
    m.agree_log(log_z, m.log_z, why="log Z_S", dtype=width, ulps=m.terms + len(m.p_h))


@law(
    cases=KAC_CASES,
    needs=("start_law",),
    grade="numerical",
    equation=r"\mu^\top (I - Q)^{-1} = p / \pi(S), \quad Q = T\, \mathrm{diag}(h \notin S)",
    source=KAC,
)
def tours_from_it_visit_by_the_machine(impl, case):
    """Tours that start by this law visit every state as often as the machine's distribution says, over that of the set:
    started uniformly on S they would not."""
    m, inside = machine(case), mask(case["S"])
    start = np.zeros(len(inside))
    start[code(case["S"])] = np.asarray(impl.start_law(case["S"], *theta(case))[0])
    leave = np.eye(len(inside)) - np.asarray(m.away(inside), np.float64)
    visits = np.linalg.solve(leave.T, start)
    expected = np.asarray(m.p_h / m.p_h[inside].sum(), np.float64)
    # solving multiplies the rounding of mu by the condition of I - Q: twice the longest mean way back
    longest = 2 * float(np.linalg.solve(leave, np.ones(len(inside))).max())
    want = expected.astype(dtype(case))
    agree(visits, want, why="mean visits of a tour", ulps=m.terms + 2.0**m.n_H, scale=m.size * longest * expected.max())


def _weighed(rng: np.random.Generator, m, t: Case) -> Case:
    S = bits(m.n_H)[rng.permutation(1 << m.n_H)[: int(rng.integers(1, 6))]]
    weights = rng.integers(0, 5, len(S))
    weights[int(rng.integers(len(S)))] += 1
    u = (rng.integers(0, 2048, int(rng.integers(1, 7))) + 0.5) / 2048
    return {"S": S, "probability": weights / 2.0 ** int(rng.integers(0, 5)), "u": u}


_FOUR = bits(2)[[0, 3, 1, 2]]
STARTS = family(
    _weighed,
    more={
        "borders": {
            "S": _FOUR,
            "probability": np.array([0.25, 0.0, 0.5, 0.25]),
            "u": np.array([0.0, 0.25, np.nextafter(0.25, 0), 0.75, np.nextafter(0.75, 0), 1 - 2.0**-53]),
        },
        "thirds": {"S": _FOUR[:3], "probability": np.full(3, 1 / 3), "u": np.array([0.2, 0.5, 0.9])},
        "last_is_impossible": {"S": _FOUR[:2], "probability": np.array([1.0, 0.0]), "u": np.array([1 - 2.0**-53])},
    },
    notes={
        "borders": "u on the border belongs to the next state; a state of probability 0 is never chosen",
        "last_is_impossible": "a sum that rounds must not step to a state of probability 0",
    },
)


@law(
    cases=STARTS,
    needs=("sample_starts",),
    grade="exact",
    equation=r"k: \sum_{i < k} p_i \le u \sum_i p_i < \sum_{i \le k} p_i",
    source="inversion",
)
def piece_of_the_line_that_holds_u(impl, case):
    """The probabilities divide a line into pieces; the start is the state in whose piece u falls, borders to the right."""
    pieces = [Fraction(float(p)) for p in case["probability"]]
    total, expected = sum(pieces), []
    for u in case["u"]:
        rest, k = Fraction(float(u)) * total, 0
        while rest >= pieces[k]:
            rest, k = rest - pieces[k], k + 1
        expected.append(k)
    got = impl.sample_starts(case["S"], case["probability"], case["u"])
    identical(got, case["S"][expected].astype(np.uint8), why="the starts")


_TENTHS = Cases(named={"tenths": {"S": _FOUR, "probability": np.array([0.1, 0.4, 0.3, 0.2])}})


@law(cases=_TENTHS, needs=("sample_starts",), grade="exact", equation=r"\#k = n p_k", source="inversion")
def grid_of_uniform_numbers(impl, case):
    """Of the midpoints of n equal pieces, each state gets its share, to the number."""
    n = 1000
    got = impl.sample_starts(case["S"], case["probability"], (np.arange(n) + 0.5) / n)
    counts = np.bincount(code(got), minlength=4)[code(case["S"])]
    identical(counts, np.array([100, 400, 300, 200]), why="how often each state was chosen")


# --- contracts ---------------------------------------------------------------------------------------------------------
_Z_S = {"10": 11.4983245321, "10_11": 16.6959264470, "00_10": 15.7720850108}

SET_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "pack_states",
        ("h",),
        ("words",),
        PACKED,
        "States packed into 64-bit words.",
        laws=(unit_j_is_bit_j, packed_and_unpacked),
        planted=bugs_of("pack_states"),
    ),
    Contract(
        "unpack_states",
        ("words", "n"),
        ("states",),
        PACKED,
        "Packed states unpacked.",
        laws=(bit_j_is_unit_j, packed_and_unpacked),
        planted=bugs_of("unpack_states"),
    ),
    Contract(
        "in_set",
        ("h", "S"),
        ("inside",),
        MEMBERS,
        "Which states are in a set.",
        laws=(members_and_no_others, a_set_has_no_order),
        planted=bugs_of("in_set"),
    ),
    Contract(
        "stopping_set",
        ("x", "W", "a", "u"),
        ("states",),
        ROUNDS,
        "The distinct hidden states sampled from the data, given their noise; by code for up to 64 units.",
        laws=(distinct_samples_of_the_data, rounds_are_united, AT_REST["stopping_set"]),
        planted=bugs_of("stopping_set"),
        exact=("x", "u"),
    ),
    Contract(
        "start_law",
        ("S", "W", "b", "a"),
        ("probability", "log_z"),
        SETS,
        "The machine's distribution restricted to a stopping set, and the log of its weight.",
        laws=(
            machine_restricted_to_the_set,
            all_states_as_a_set,
            tours_from_it_visit_by_the_machine,
            many_visible_units_that_are_alike,
        ),
        planted=bugs_of("start_law"),
        golden=tuple(
            Golden(
                "start_law",
                WORKED | {"S": only(KAC_CASES, f"worked_{name}").named[f"worked_{name}"]["S"]},
                {"log_z": np.float64(np.log(weight))},
                10,
                f"the worked set {name}",
            )
            for name, weight in _Z_S.items()
        ),
        exact=("S",),
    ),
    Contract(
        "sample_starts",
        ("S", "probability", "u"),
        ("start",),
        STARTS,
        "Starts of tours, given their noise: the states in whose pieces of the line it falls.",
        laws=(piece_of_the_line_that_holds_u, grid_of_uniform_numbers),
        planted=bugs_of("sample_starts"),
        exact=("S", "probability", "u"),
    ),
)
