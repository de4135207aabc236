"""The laws of products of packed bits: counted with Python's integers, and what algebra demands of them."""

from __future__ import annotations

import numpy as np

from minidl.laws.bits.cases import PAIRS, WEIGHTED, bits_of, number, numbers
from minidl.laws.bits.planted_products import bugs_of
from minidl.laws.core import Contract, Golden, agree, holds, identical, law

XNOR = "Rastegari et al. 2016, section 3.2"


def _rows(a):
    """The rows of a as integers, and whether a is a single row."""
    a = np.asarray(a)
    return (numbers(a), False) if a.ndim == 2 else ([number(a)], True)


def _table(rows, columns, f, single):
    table = np.array([[f(x, y) for y in columns] for x in rows], np.int32)
    return table[0] if single else table


@law(cases=PAIRS, needs=("and_product",), grade="exact", equation=r"x \cdot y = |x \wedge y|", source="definition")
def common_ones(impl, case):
    """The product of zeros and ones is the number of ones that both rows have, as int32 or as float32."""
    rows, single = _rows(case["a"])
    expected = _table(rows, numbers(case["b"]), lambda x, y: (x & y).bit_count(), single)
    got = np.asarray(impl.and_product(case["a"], case["b"]))
    holds(got.dtype == np.int32, why="counts are int32 unless asked otherwise", got=str(got.dtype))
    identical(got, expected, why="the products")
    identical(impl.and_product(case["a"], case["b"], np.float32), expected.astype(np.float32), why="as float32")


@law(
    cases=PAIRS,
    needs=("and_product",),
    grade="exact",
    equation=r"x \cdot y + x \cdot \bar y = |x|",
    source="distributivity",
)
def a_row_is_split(impl, case):
    """The ones of a row lie in y or in its complement; a complement of all 64 places of each word will do."""
    rows, single = _rows(case["a"])
    b = np.asarray(case["b"])
    total = np.asarray(impl.and_product(case["a"], b)) + np.asarray(impl.and_product(case["a"], ~b))
    identical(total, _table(rows, list(b), lambda x, _: x.bit_count(), single), why="ones in y and in its complement")


@law(cases=PAIRS, needs=("xnor_product",), grade="exact", equation=r"s \cdot t = \sum_k s_k t_k", source=XNOR)
def product_of_signs(impl, case):
    """Counted bits give the product of +1 and -1, multiplied out."""
    n = case["n"]
    rows, single = _rows(case["a"])
    s, t = (np.array([bits_of(value, n) for value in side]) * 2 - 1 for side in (rows, numbers(case["b"])))
    expected = (s[:, None, :] * t).sum(axis=2).astype(np.int32)  # (M, N)
    expected = expected[0] if single else expected
    got = np.asarray(impl.xnor_product(case["a"], case["b"], n))
    holds(got.dtype == np.int32, why="counts are int32 unless asked otherwise", got=str(got.dtype))
    identical(got, expected, why="the products")
    identical(impl.xnor_product(case["a"], case["b"], n, np.float32), expected.astype(np.float32), why="as float32")


@law(
    cases=PAIRS,
    needs=("xnor_product",),
    grade="exact",
    equation=r"s \cdot (-t) = -(s \cdot t),\ t \cdot t = n",
    source="linearity",
)
def opposite_signs(impl, case):
    """Turning every sign of one side turns the sign of the product; a row with itself gives n."""
    n, b = case["n"], np.asarray(case["b"])
    mask = np.array([(1 << n) - 1 >> 64 * k & (1 << 64) - 1 for k in range(b.shape[1])], np.uint64)
    plain = np.asarray(impl.xnor_product(case["a"], b, n))
    identical(impl.xnor_product(case["a"], b ^ mask, n), -plain, why="the product with -t")
    own = np.diagonal(np.asarray(impl.xnor_product(b, b, n)))
    identical(own, np.full(len(b), n, np.int32), why="rows with themselves")


@law(
    cases=PAIRS,
    needs=("panels", "and_product", "xnor_product"),
    grade="exact",
    equation=r"f(a, panels(b)) = f(a, b)",
    source="definition",
)
def panels_stand_for_rows(impl, case):
    """A matrix that was made ready multiplies as it did before."""
    a, b, n = case["a"], case["b"], case["n"]
    ready = impl.panels(b)
    identical(impl.and_product(a, ready), np.asarray(impl.and_product(a, b)), why="zeros and ones")
    identical(impl.xnor_product(a, ready, n), np.asarray(impl.xnor_product(a, b, n)), why="signs")
    identical(
        impl.xnor_product(a, ready, n, np.float32), np.asarray(impl.xnor_product(a, b, n, np.float32)), why="float32"
    )


@law(
    cases=WEIGHTED,
    needs=("float_product",),
    grade="numerical",
    equation=r"(xW)_j = \sum_{k: x_k = 1} W_{kj}",
    source="definition",
)
def selected_rows(impl, case):
    """Each result is the sum of the weights whose bits are on, added up exactly."""
    from fractions import Fraction

    W = np.asarray(case["W"])
    rows, single = _rows(case["a"])
    exact, scale = np.zeros((len(rows), W.shape[1]), W.dtype), np.zeros((len(rows), W.shape[1]))
    columns = [[Fraction(float(w)) for w in column] for column in W.T[:40]]  # exact sums are slow: 40 columns tell
    for i, row in enumerate(rows[:8]):
        on = [k for k, bit in enumerate(bits_of(row, len(W))) if bit]
        for j, column in enumerate(columns):
            exact[i, j] = float(sum(column[k] for k in on))
        scale[i] = np.abs(W[on].astype(np.float64)).sum(axis=0)
    got = np.asarray(impl.float_product(case["a"], case["W"]))
    holds(got.dtype == W.dtype, why="the dtype of the weights", expected=str(W.dtype), got=str(got.dtype))
    got = got[None] if single else got
    part = (slice(0, 8), slice(0, 40))
    # n - 1 additions round by half an ulp of at most the sum of magnitudes each, whatever their order
    agree(got[part], exact[part], why="the sums", ulps=len(W), scale=scale[part])


@law(cases=WEIGHTED, needs=("float_product",), grade="exact", equation=r"x I = x,\ e_k W = W_k", source="definition")
def identity_and_single_rows(impl, case):
    """Times the identity a row is itself; a row with one bit selects that row of W, bit by bit."""
    W = np.asarray(case["W"])
    rows, single = _rows(case["a"])
    n = len(W)
    expected = np.array([bits_of(row, n) for row in rows], W.dtype)
    identity = impl.float_product(case["a"], np.eye(n, dtype=W.dtype))
    identical(identity, expected[0] if single else expected, why="times the identity")
    ones = np.zeros((n, -(-n // 64)), np.uint64)
    ones[np.arange(n), np.arange(n) // 64] = np.uint64(1) << (np.arange(n) % 64).astype(np.uint64)
    identical(impl.float_product(ones, W), np.ascontiguousarray(W), why="rows with one bit")


PRODUCT_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "and_product",
        ("a", "b"),
        ("product",),
        PAIRS,
        "Rows of zeros and ones multiplied by counting the ones they share.",
        laws=(common_ones, a_row_is_split, panels_stand_for_rows),
        planted=bugs_of("and_product"),
        golden=(
            Golden(
                "and_product",
                {"a": np.array([[13]], np.uint64), "b": np.array([[11], [13], [2]], np.uint64)},
                {"product": np.array([[2, 3, 0]])},
                digits=15,
                note="1011 with 1101, 1011 and 0100: sums instead of common ones give 6, 6, 4",
            ),
        ),
    ),
    Contract(
        "xnor_product",
        ("a", "b", "n"),
        ("product",),
        PAIRS,
        "Rows of signs multiplied by counting the places in which they differ.",
        laws=(product_of_signs, opposite_signs),
        planted=bugs_of("xnor_product"),
        golden=(
            Golden(
                "xnor_product",
                {"a": np.array([[13]], np.uint64), "b": np.array([[11], [13], [2]], np.uint64), "n": 4},
                {"product": np.array([[0, 4, -4]])},
                digits=15,
                note="+-++ with ++-+, itself and its opposite; 60 places of padding must not count",
            ),
        ),
    ),
    Contract(
        "float_product",
        ("a", "W"),
        ("product",),
        WEIGHTED,
        "Rows of zeros and ones times real weights: sums of the selected rows.",
        laws=(selected_rows, identity_and_single_rows),
        planted=bugs_of("float_product"),
    ),
)
