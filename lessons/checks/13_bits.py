"""The exercises of lesson 13, judged with Python's integers, state by state."""

import random

from minidl.exercises import Exercise, calls

DRAW = random.Random(13)
ROWS = ([1], [0, 1], [1, 0, 1, 1], *([DRAW.randint(0, 1) for _ in range(n)] for n in (63, 64, 65, 130, 200)))


def judge_1(answer):
    for states in ROWS:
        got = list(answer(list(states)))
        words = -(-len(states) // 64)
        assert len(got) == words, f"{len(states)} states need {words} word(s), got {len(got)}"
        for k, word in enumerate(got):
            for j in range(64):
                state = states[64 * k + j] if 64 * k + j < len(states) else 0
                assert (int(word) >> j) & 1 == state, (
                    f"{len(states)} states: bit {j} of word {k} must be state {64 * k + j}"
                    + ("" if 64 * k + j < len(states) else ", which is padding: zero")
                )
            assert 0 <= int(word) < 1 << 64, f"word {k} does not fit into 64 bits: {word}"


PAIRS = [(0b1101, 0b1011, 4), (0b1101, 0b1101, 4), (0b1101, 0b0010, 4), (0, 0, 7)]
PAIRS += [(DRAW.getrandbits(n), DRAW.getrandbits(n), n) for n in (1, 10, 64, 100)]


def judge_2(answer):
    for x, y, n in PAIRS:
        expected = sum((2 * (x >> k & 1) - 1) * (2 * (y >> k & 1) - 1) for k in range(n))
        got = answer(x, y, n)
        assert got == expected, f"x = {x:#b}, y = {y:#b}, n = {n}: the product of signs is {expected}, got {got}"


TRIPLES = [tuple(i >> k & 1 for k in range(3)) for i in range(8)]
TRIPLES += [tuple(DRAW.getrandbits(64) for _ in range(3)) for _ in range(6)]


def judge_3(answer):
    for a, b, c in TRIPLES:
        total, carry = answer(a, b, c)
        for k in range(64):
            bits = [x >> k & 1 for x in (a, b, c)]
            got = (int(total) >> k & 1, int(carry) >> k & 1)
            assert got[0] + 2 * got[1] == sum(bits), f"bits {bits}: sum and carry are {got}, which is not {sum(bits)}"


def counted(words):
    return sum(bin(word).count("1") for word in words)


LISTS = [[DRAW.getrandbits(64) for _ in range(n)] for n in (4, 8, 40, 64)] + [
    [(1 << 64) - 1] * 12,
    [0] * 8,
    [5, 3, 3, 1],
]


def judge_4(answer):
    for words in LISTS:
        used = []

        def count(word, used=used):
            used.append(word)
            return bin(int(word)).count("1")

        got = answer(list(words), count)
        expected, allowed = counted(words), len(words) // 4 + 2
        assert got == expected, f"{len(words)} words with {expected} ones: got {got}"
        assert len(used) <= allowed, (
            f"{len(words)} words: count was called {len(used)} times, at most {allowed} are allowed"
        )


def pack(states, width=64, first_highest=False):
    words = []
    for k in range(0, len(states), width):
        part = states[k : k + width]
        places = range(width - 1, -1, -1) if first_highest else range(width)
        words.append(sum(state << j for j, state in zip(places, part, strict=False)))
    return words


def adder(a, b, c):
    return a ^ b ^ c, (a & b) | (a & c) | (b & c)


def fours(words, count, weights=(1, 2, 4)):
    one = two = 0
    total = 0
    for k in range(0, len(words), 4):
        w = words[k : k + 4]
        one, c1 = adder(one, w[0], w[1])
        one, c2 = adder(one, w[2], w[3])
        two, four = adder(two, c1, c2)
        total += weights[2] * count(four)
    return total + weights[1] * (count(two) if weights[1] else 0) + weights[0] * (count(one) if weights[0] else 0)


EXERCISES = (
    Exercise(
        "exercise_1",
        "exercise_1(states): the words of a list of zeros and ones, 64 to a word, the first in the lowest bit",
        judge_1,
        wrong={
            "highest first": (
                lambda states: pack(states, first_highest=True),
                "state j goes into bit j % 64, which weighs 2**(j % 64): the first one is the lowest",
            ),
            "32 to a word": (lambda states: pack(states, 32), "a word has 64 bits"),
            "remainder dropped": (
                lambda states: pack(states)[: len(states) // 64],
                "the last word may be only partly filled: there are ceil(n / 64) words",
            ),
            "last word first": (lambda states: pack(states)[::-1], "word 0 holds the states 0 to 63"),
            "one long word": (
                lambda states: [sum(state << j for j, state in enumerate(states))],
                "Python's integers grow: begin a new word after 64 states",
            ),
        },
        probe=calls(*((list(row),) for row in ROWS)),
    ),
    Exercise(
        "exercise_2",
        "exercise_2(x, y, n): the product of two rows of n signs, given as integers",
        judge_2,
        wrong={
            "differences once": (
                lambda x, y, n: n - bin(x ^ y).count("1"),
                "a difference turns a +1 into a -1: it costs 2",
            ),
            "the other sign": (
                lambda x, y, n: 2 * bin(x ^ y).count("1") - n,
                "exclusive or marks the places that differ, and those count -1",
            ),
            "common ones": (lambda x, y, n: bin(x & y).count("1"), "two bits 0 are two signs -1, whose product is +1"),
            "twice the common ones": (
                lambda x, y, n: 2 * bin(x & y).count("1") - n,
                "two bits 0 agree as well: agreement is not x & y",
            ),
            "64 places": (
                lambda x, y, n: 64 - 2 * bin(x ^ y).count("1"),
                "only the n lowest places are signs: the rest is padding",
            ),
        },
        probe=calls(*PAIRS),
    ),
    Exercise(
        "exercise_3",
        "exercise_3(a, b, c): a full adder on words, the pair (sum, carry)",
        judge_3,
        wrong={
            "exchanged": (lambda a, b, c: adder(a, b, c)[::-1], "return (sum, carry): the sum is the one of weight 1"),
            "or": (
                lambda a, b, c: (a ^ b ^ c, a | b | c),
                "the carry is on where at least two of the three are on",
            ),
            "all three": (lambda a, b, c: (a ^ b ^ c, a & b & c), "two ones are enough for a carry"),
            "half adder": (lambda a, b, c: (a ^ b ^ c, a & b), "c can make a carry too, with either of a and b"),
            "carry into the next bit": (
                lambda a, b, c: (a ^ b ^ c, adder(a, b, c)[1] << 1),
                "each bit is a column of its own: the carry stays in its column and weighs 2",
            ),
            "ordinary addition": (
                lambda a, b, c: (a + b + c, 0),
                "+ lets carries run into other columns: use & | ^ ~ only",
            ),
        },
        probe=calls(*TRIPLES),
    ),
    Exercise(
        "exercise_4",
        "exercise_4(words, count): the ones in a list of words with few calls of count",
        judge_4,
        wrong={
            "every word": (
                lambda words, count: sum(count(word) for word in words),
                "let three adders make one word of weight 4 of each four words, and count that one",
            ),
            "what waits is lost": (
                lambda words, count: fours(words, count, (0, 0, 4)),
                "at the end, ones of weight 1 and 2 still wait in two words: count them too",
            ),
            "all weigh 1": (
                lambda words, count: fours(words, count, (1, 1, 1)),
                "the words weigh 4, 2 and 1",
            ),
            "first four": (
                lambda words, count: fours(words[:4], count),
                "what waits goes on to the next four words",
            ),
        },
        probe=calls(*((list(words), lambda word: bin(int(word)).count("1")) for words in LISTS)),
    ),
)
