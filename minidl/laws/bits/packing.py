"""The laws of packing: words are numbers in base two, and Python's integers say what they must be."""

from __future__ import annotations

import numpy as np

from minidl.laws.bits.cases import COUNTED, SIGNS, SOURCE, STATES, WORDS, bits_of, number, numbers
from minidl.laws.bits.planted_products import bugs_of
from minidl.laws.core import Contract, Golden, holds, identical, law


@law(cases=STATES, needs=("pack",), grade="exact", equation=r"w = \sum_j x_j 2^j", source=SOURCE)
def base_two(impl, case):
    """A row of words, read as one number, is the sum of 2^j over the states that are on."""
    states = np.asarray(case["states"])
    words = np.asarray(impl.pack(case["states"]))
    holds(words.dtype == np.uint64, why="words are uint64", got=str(words.dtype))
    holds(
        words.shape == (len(states), -(-states.shape[1] // 64)), why="the shape: 64 states to a word", got=words.shape
    )
    for row, value in zip(states, numbers(words), strict=True):
        expected = sum(1 << j for j, state in enumerate(row.tolist()) if state)
        holds(value == expected, why="the row as a number", expected=expected, got=value)


@law(cases=STATES, needs=("pack", "unpack"), grade="exact", equation=r"unpack(pack(x)) = x", source=SOURCE)
def unpacking_undoes_packing(impl, case):
    """Nothing is lost: unpacked, the states are what they were, as bytes."""
    states = np.asarray(case["states"])
    got = np.asarray(impl.unpack(impl.pack(case["states"]), states.shape[1]))
    holds(got.dtype == np.uint8, why="states are bytes unless asked otherwise", got=str(got.dtype))
    identical(got, states.astype(np.uint8), why="the states")


@law(cases=STATES, needs=("pack",), grade="exact", equation=r"pack(x)_i = pack(x_i)", source=SOURCE)
def rows_by_themselves(impl, case):
    """Every row is packed for itself; leading axes are kept, also none."""
    states, words = np.asarray(case["states"]), np.asarray(impl.pack(case["states"]))
    for row, expected in zip(states, words, strict=True):
        identical(impl.pack(row), expected, why="the words of a single row")
    identical(impl.pack(states[None, :, None]), words[None, :, None], why="the words with more axes")


@law(
    cases=SIGNS,
    needs=("pack_signs",),
    grade="exact",
    equation=r"bit_j = [x_j \ge 0]",
    source="Binarized Neural Networks, eq. 1",
)
def signs(impl, case):
    """A bit says that the number is not negative; zero has the sign +1."""
    x = np.asarray(case["x"])
    for row, value in zip(x.tolist(), numbers(impl.pack_signs(case["x"])), strict=True):
        expected = [int(not entry < 0) for entry in row]
        holds(bits_of(value, len(row)) == expected, why="the signs", expected=expected, got=bits_of(value, len(row)))
        holds(value >> len(row) == 0, why="the padding is zero, whatever the sign of zero", got=value)


@law(cases=SIGNS, needs=("pack_signs",), grade="exact", equation=r"sgn(c x) = sgn(x),\ c > 0", source="definition")
def signs_have_no_scale(impl, case):
    """A positive factor changes no sign."""
    x = np.asarray(case["x"])
    identical(impl.pack_signs(x * 4), np.asarray(impl.pack_signs(x)), why="the signs of 4 x")


@law(cases=WORDS, needs=("unpack",), grade="exact", equation=r"x_j = \lfloor w / 2^j \rfloor \bmod 2", source=SOURCE)
def binary_digits(impl, case):
    """The states are the binary digits of the row, the lowest first."""
    words, n = case["words"], case["n"]
    expected = np.array([bits_of(value, n) for value in numbers(words)], np.uint8)
    identical(impl.unpack(words, n), expected, why="the states")
    identical(impl.unpack(np.asarray(words)[0], n), expected[0], why="the states of a single row")
    for dtype in (np.float32, bool):
        got = np.asarray(impl.unpack(words, n, dtype))
        holds(got.dtype == dtype, why="the dtype that was asked for", expected=str(np.dtype(dtype)), got=str(got.dtype))
        identical(got, expected.astype(dtype), why="the states in that dtype")


@law(cases=WORDS, needs=("unpack_signs",), grade="exact", equation=r"s_j = 2 x_j - 1", source="definition")
def signed_digits(impl, case):
    """A one is +1, a zero is -1, as signed bytes or in a float dtype."""
    words, n = case["words"], case["n"]
    expected = np.array([[1 if bit else -1 for bit in bits_of(value, n)] for value in numbers(words)], np.int8)
    got = np.asarray(impl.unpack_signs(words, n))
    holds(got.dtype.kind == "i", why="signs need signed integers", got=str(got.dtype))
    identical(got, expected, why="the signs")
    identical(impl.unpack_signs(words, n, np.float32), expected.astype(np.float32), why="the signs in float32")


@law(cases=COUNTED, needs=("count_ones",), grade="exact", equation=r"|w| = \#\{j : x_j = 1\}", source="definition")
def number_of_ones(impl, case):
    """The count is that of the ones in the row's binary expansion."""
    words = np.asarray(case["words"])
    rows = words if words.ndim == 2 else words[None]
    expected = np.array([bin(number(row)).count("1") for row in rows])
    identical(impl.count_ones(words), expected if words.ndim == 2 else expected[0], why="the counts")


@law(
    cases=COUNTED,
    needs=("count_ones",),
    grade="exact",
    equation=r"|x| + |y| = |x \oplus y| + 2 |x \wedge y|",
    source="addition",
)
def adding_two_rows(impl, case):
    """Adding bits without carry and counting the carries twice counts both rows."""
    x = np.asarray(case["words"])
    y = np.roll(x, 1, axis=0) ^ np.uint64(0x5555)
    left = np.asarray(impl.count_ones(x)) + np.asarray(impl.count_ones(y))
    identical(impl.count_ones(x ^ y) + 2 * np.asarray(impl.count_ones(x & y)), left, why="ones of both rows")


@law(cases=WORDS, needs=("transpose",), grade="exact", equation=r"(X^\top)_{ji} = X_{ij}", source="definition")
def entries_change_places(impl, case):
    """Bit i of row j of the transpose is bit j of row i, and nothing else is on."""
    words, n = case["words"], case["n"]
    rows, columns = numbers(words), numbers(impl.transpose(words, n))
    holds(len(columns) == n, why="a row for each state", expected=n, got=len(columns))
    expected = [sum((row >> j & 1) << i for i, row in enumerate(rows)) for j in range(n)]
    wrong = [j for j in range(n) if columns[j] != expected[j]]
    holds(not wrong, why="the rows of the transpose that are wrong", expected=[], got=wrong)


@law(cases=WORDS, needs=("transpose",), grade="exact", equation=r"(X^\top)^\top = X", source="definition")
def transposed_twice(impl, case):
    """Transposed twice, a matrix is itself."""
    words = np.asarray(case["words"])
    identical(impl.transpose(impl.transpose(words, case["n"]), len(words)), words, why="the words")


PACKING_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "pack",
        ("states",),
        ("words",),
        STATES,
        "States of two values as bits, 64 to a word, the first in the lowest place.",
        laws=(base_two, unpacking_undoes_packing, rows_by_themselves),
        planted=bugs_of("pack"),
        golden=(
            Golden(
                "pack",
                {"states": np.array([[1, 0, 1, 1]])},
                {"words": np.array([[13]], np.uint64)},
                digits=15,
                note="1 + 4 + 8; other orders of bits give 11 or 176",
            ),
        ),
        exact=("states",),
    ),
    Contract(
        "pack_signs",
        ("x",),
        ("words",),
        SIGNS,
        "The signs of real numbers as bits, a one for +1.",
        laws=(signs, signs_have_no_scale),
        planted=bugs_of("pack_signs"),
        exact=("x",),
    ),
    Contract(
        "unpack",
        ("words", "n"),
        ("states",),
        WORDS,
        "Words as states of zeros and ones.",
        laws=(binary_digits,),
        planted=bugs_of("unpack"),
    ),
    Contract(
        "unpack_signs",
        ("words", "n"),
        ("signs",),
        WORDS,
        "Words as signs -1 and +1.",
        laws=(signed_digits,),
        planted=bugs_of("unpack_signs"),
    ),
    Contract(
        "count_ones",
        ("words",),
        ("ones",),
        COUNTED,
        "How many ones a row of words holds.",
        laws=(number_of_ones, adding_two_rows),
        planted=bugs_of("count_ones"),
    ),
    Contract(
        "transpose",
        ("words", "n"),
        ("words",),
        WORDS,
        "The transpose of a packed matrix of bits.",
        laws=(entries_change_places, transposed_twice),
        planted=bugs_of("transpose"),
    ),
)
