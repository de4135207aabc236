"""The fused loops of gradient descent: beside the reference, on paths of which the laws know nothing, and at their borders.

What their results must be is for the laws of the methods to say. Here: agreement with the reference within counted roundings,
small and large problems by their two ways through the data, and what is not finite.
"""

import math
import subprocess
import sys

import numpy as np
import pytest
from minidl_kernels import descent, diagonal, relu_line

from minidl.laws import infinite_width, kernel_rich, margin_convergence
from minidl.theory import margin
from minidl.theory.infinite_width import training as line_training
from minidl.theory.kernel_rich import diagonal as diagonal_reference
from minidl.theory.margin import steps as descent_reference
from minidl.verify.runner import Bench

EPS = np.finfo(float).eps
TAILS = [
    ("exponential", 1.0),
    ("logistic", 1.0),
    ("poly_exponential", 0.5),
    ("poly_exponential", 2.0),
    ("polynomial", 1.0),
    ("polynomial", 8.0),
    ("sub_polynomial", 1.0),
]
WAYS = ("descent", "loss", "unit")  # constant steps, and the two growing ones
SIZES = [(1, 1), (3, 2), (9, 8), (40, 50), (130, 3)]


def separable(N, d, seed=0):
    """Signed inputs (N, d) of norm at most 1 that a known direction separates."""
    rng = np.random.default_rng([N, d, seed])
    z = rng.standard_normal((N, d))
    z[:, 0] = np.abs(z[:, 0]) + 0.3
    return z / np.linalg.norm(z, axis=1).max()


def descend(module, way, z, w, times, tail="exponential", power=1.0, step=None):
    if way == "descent":
        return module.descent(z, w, times, 0.5 if step is None else step, tail, power)
    return module.normalised_descent(z, w, times, 1.0 if step is None else step, way, tail, power)


def in_blocks(monkeypatch, numbers=24):
    """Every problem counts as large, and a block holds few rows."""
    for module in (descent, diagonal):
        monkeypatch.setattr(module, "FEW", 0)
        monkeypatch.setattr(module, "BLOCK", numbers)


# --- the laws, on the way that their own small cases do not take ---------------------------------------------------------
HOT = [
    (contract, reference, twin)
    for contracts, reference, twin, names in (
        (margin_convergence.CONTRACTS, margin, descent, {"descent", "normalised_descent"}),
        (kernel_rich.CONTRACTS, diagonal_reference, diagonal, {"gradient_descent"}),
        (infinite_width.CONTRACTS, line_training, relu_line, {"train"}),
    )
    for contract in contracts
    if contract.function in names
]


@pytest.mark.parametrize(("contract", "reference", "twin"), HOT, ids=[contract.function for contract, *_ in HOT])
def test_the_laws_hold_in_blocks(contract, reference, twin, monkeypatch):
    in_blocks(monkeypatch)
    assert Bench.of(contract, reference=reference, examples=3).broken_by(contract, twin) == []


# --- separable data: beside the reference --------------------------------------------------------------------------------
@pytest.mark.parametrize("large", [False, True], ids=["copies", "blocks"])
@pytest.mark.parametrize(("N", "d"), SIZES)
@pytest.mark.parametrize(("tail", "power"), TAILS)
@pytest.mark.parametrize("way", WAYS)
def test_every_tail_on_either_way_through_the_data(way, tail, power, N, d, large, monkeypatch):
    """As far as the reference itself moves when its inputs move in their last place, eight times that on either side.

    The inputs' last place stands for the roundings of margins and weights; the sums of N and d terms have as many again.
    """
    if large:
        in_blocks(monkeypatch)
    z, times = separable(N, d), np.array([0, 1, 2, 5, 20])
    w = 0.3 * np.random.default_rng(N).standard_normal(d)
    expected = descend(descent_reference, way, z, w, times, tail, power)
    signs = np.sign(np.sin(1 + np.arange(z.size).reshape(z.shape)))
    nudged = [np.nextafter(z, z + direction) for direction in (signs, -signs)]
    jittered = [descend(descent_reference, way, other, w, times, tail, power) for other in nudged]
    got = descend(descent, way, z, w, times, tail, power)
    for field, name in zip(got, got._fields, strict=True):
        want = getattr(expected, name)
        spread = max(np.abs(getattr(other, name) - want).max() for other in jittered)
        allowed = 16 * spread + 4 * (N + d) * EPS * np.abs(want).max()
        assert field.shape == want.shape
        assert np.abs(field - want).max() <= allowed, name
    assert (got.w[0] == w).all()  # after no steps, to the bit


@pytest.mark.parametrize("large", [False, True], ids=["copies", "blocks"])
@pytest.mark.parametrize("way", ["descent", "loss"])
@pytest.mark.parametrize(("N", "d"), [(3, 2), (40, 50)])
def test_two_thousand_steps_add_up_their_roundings_and_no_more(N, d, way, large, monkeypatch):
    """A step of descent on a convex function brings no two points further apart, so the roundings of all steps add up.

    L is smooth enough for steps of 1 / N from 0, and log L for steps of 1 where no input is longer than 1. In a step each side
    rounds the margins, d terms of at most |w|, hence weights by (d |w| + 4) eps, their sums by N eps, and w by half an eps.
    """
    if large:
        in_blocks(monkeypatch, 8 * d)
    z, T, step = separable(N, d), 2000, 1 / N if way == "descent" else 1.0
    times = np.arange(0, T + 1, 50)
    expected, got = (descend(m, way, z, np.zeros(d), times, step=step) for m in (descent_reference, descent))
    largest = np.linalg.norm(expected.w, axis=1).max()
    eta = np.full(T, step) if way == "descent" else 1 / np.sqrt(np.arange(1, T + 1))
    path = np.concatenate(([0], np.cumsum(eta)))[times]  # of what L <= N makes of 1 / N, or log L's slope <= 1
    path = path * (N if way == "descent" else 1)
    allowed = 2 * EPS * (path * (d * largest + 4 + N) + times * largest / 2)
    assert (np.linalg.norm(got.w - expected.w, axis=1) <= allowed).all()
    moved = np.linalg.norm(got.w - expected.w, axis=1)  # log L moves by as much at most, and rounds like a margin
    assert (np.abs(got.log_loss - expected.log_loss) <= moved + 2 * EPS * (d * largest + N + 4)).all()


@pytest.mark.parametrize("way", WAYS)
def test_a_larger_weight_in_a_later_block_scales_what_was_summed(way, monkeypatch):
    """Margins that fall from block to block by hundreds: all weight lies in the last, and their order is no matter."""
    z = np.linspace(40.0, 1.0, 64)[:, None] * np.array([[1.0, 0.5]])
    w, times = np.array([9.0, 2.0]), [0, 1, 20]
    one = descend(descent, way, z, w, times, step=1e-3)
    in_blocks(monkeypatch, 16)
    for order in (slice(None), slice(None, None, -1), np.random.default_rng(0).permutation(64)):
        got = descend(descent, way, z[order], w, times, step=1e-3)
        # 64 terms in two orders, margins up to 400 rounded to eps / 2 of that on either side
        np.testing.assert_allclose(got.w, one.w, rtol=EPS * (64 + 400))
        np.testing.assert_allclose(got.log_loss, one.log_loss, rtol=EPS * (64 + 400))


# --- separable data: closed forms and extremes ---------------------------------------------------------------------------
def test_one_example_moves_by_the_step_and_its_loss_is_its_margin():
    """-grad L / L is z itself, -grad L / |grad L| is z / |z|, so that w is a sum of steps, whatever the loss is."""
    z, w, times = np.array([[0.6, -0.8, 1.2]]), np.array([0.5, 1.0, -1.0]), np.array([0, 1, 7, 1000])
    steps = np.concatenate(([0], np.cumsum(1 / np.sqrt(np.arange(1, 1001)))))[times]
    for way, direction in (("loss", z[0]), ("unit", z[0] / np.linalg.norm(z))):
        got = descend(descent, way, z, w, times)
        expected = w + steps[:, None] * direction
        # each step rounds w once and its change thrice
        assert (
            np.abs(got.w - expected) <= EPS * (times[:, None] * np.abs(expected).max() + 4 * np.abs(expected))
        ).all()
        u = got.w @ z[0]
        assert (np.abs(got.log_loss + u) <= 4 * EPS * np.abs(got.w) @ np.abs(z[0])).all()
    for tail, power in TAILS:
        np.testing.assert_allclose(
            descend(descent, "unit", z, w, times, tail, power).w, got.w, rtol=0, atol=1000 * EPS * np.abs(got.w).max()
        )


@pytest.mark.parametrize("large", [False, True], ids=["copies", "blocks"])
@pytest.mark.parametrize("way", WAYS)
def test_huge_margins(way, large, monkeypatch):
    """Losses of e^-1000000: a constant step does nothing, to the bit; growing ones go on, and the loss is known."""
    if large:
        in_blocks(monkeypatch)
    z, times = separable(20, 3), [0, 3, 1000]
    w = 1e6 / (z @ [1.0, 0, 0]).min() * np.array([1.0, 0, 0])
    expected, got = (descend(m, way, z, w, times) for m in (descent_reference, descent))
    if way == "descent":
        assert (got.w == w).all()
    else:
        assert (got.w[1] != w).any()
    # margins round to 3 eps of their size on either side, and their differences are what weights are made of
    size = EPS * 3 * np.abs(w).max()
    np.testing.assert_allclose(got.log_loss, expected.log_loss, rtol=0, atol=2 * size)
    np.testing.assert_allclose(
        got.w, expected.w, rtol=0, atol=1000 * np.abs(w).max() * EPS + 4 * size * 2 * math.sqrt(1000)
    )


@pytest.mark.parametrize(("tail", "power"), TAILS)
@pytest.mark.parametrize("way", ["loss", "unit"])
def test_margins_far_below_zero(way, tail, power):
    """Losses beyond 1e308 for the exponential loss, straight lines or nearly so for the others.

    Margins of 5000 are off by 4 roundings of that on either side, weights by as much; 50 steps whose lengths add up to 14 make
    14 times that of it, and 50 roundings of w.
    """
    z, times = separable(20, 3), [0, 1, 50]
    w = np.array([-5000.0, 3.0, 1.0])
    expected, got = (descend(m, way, z, w, times, tail, power) for m in (descent_reference, descent))
    moved = (50 + 14 * 8) * EPS * 5000
    np.testing.assert_allclose(got.w, expected.w, rtol=0, atol=moved)
    if tail == "exponential":  # else the logarithm of a margin, of which the same roundings are a smaller part
        np.testing.assert_allclose(got.log_loss, expected.log_loss, rtol=0, atol=moved + 8 * EPS * 5000)
    else:
        np.testing.assert_allclose(got.log_loss, expected.log_loss, rtol=0, atol=moved / 1000 + 20 * EPS)


@pytest.mark.parametrize("large", [False, True], ids=["copies", "blocks"])
def test_a_first_step_beyond_all_numbers_is_told_where_it_is_recorded(large, monkeypatch):
    if large:
        in_blocks(monkeypatch)
    z, w = separable(5, 2), np.array([-5000.0, 0.0])
    with pytest.raises(ValueError, match=r"no longer finite after 4 steps.*smaller step_size"):
        descent.descent(z, w, [0, 4, 9], 0.1)
    assert descent.descent(z, w, [0], 0.1).w.tolist() == [w.tolist()]  # nothing has gone wrong yet


def test_a_weight_too_small_for_a_number_is_zero_and_no_other_is_lost():
    """Beside a margin of 1, one of 800: its weight is e^-799 of the other's, its loss is nothing."""
    z = np.array([[1.0, 0.0], [800.0, 1.0]])
    got = descent.normalised_descent(z, [1.0, 0.0], [1])
    assert got.w.tolist() == [[2.0, 0.0]]
    assert got.log_loss[0] == -2


# --- arguments -----------------------------------------------------------------------------------------------------------
def test_arguments_are_not_written_to_and_come_in_any_layout():
    z, w = separable(12, 5), np.linspace(-1, 1, 5)
    x, y, u = z[:4], np.arange(4.0), np.full(5, 0.3)
    line = (x[0], x[1], *z[5:8, :3])
    calls = [
        lambda a: descent.descent(a(z), a(w), a(np.array([0, 5])), 0.1),
        lambda a: descent.normalised_descent(a(z), a(w), a(np.array([0, 5]))),
        lambda a: diagonal.gradient_descent(a(x), a(y), a(u), a(u), a(np.array([0, 5])), 0.01),
        lambda a: relu_line.train(*map(a, line), 0.3, a(np.array([0, 5])), 5, 0.01, 0.1),
    ]
    for call in calls:
        plain = call(np.array)
        for layout in (np.asfortranarray, list_of, read_only, every_second):
            for got, expected in zip(call(layout), plain, strict=True):
                np.testing.assert_array_equal(got, expected)


def list_of(a):
    return np.asarray(a).tolist()


def read_only(a):
    a = np.array(a)
    a.flags.writeable = False
    return a[()]


def every_second(a):
    a = np.asarray(a)
    return np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a[()]


ONE = np.ones((2, 3))
BAD = {
    "z: a vector": (lambda: descent.descent(np.ones(3), np.ones(3), [1], 0.1), ValueError, r"\(N, d\)"),
    "z: nothing": (lambda: descent.descent(np.ones((0, 3)), np.ones(3), [1], 0.1), ValueError, "shape"),
    "z: words": (lambda: descent.descent([["a"]], [1.0], [1], 0.1), TypeError, "real numbers"),
    "z: NaN": (lambda: descent.descent(ONE * np.nan, np.ones(3), [1], 0.1), ValueError, "finite"),
    "z: a zero row": (lambda: descent.descent([[1.0], [0.0]], [1.0], [1], 0.1), ValueError, "zero row"),
    "w: too short": (lambda: descent.descent(ONE, np.ones(2), [1], 0.1), ValueError, r"w must have shape \(3,\)"),
    "w: infinite": (lambda: descent.descent(ONE, [1, np.inf, 0], [1], 0.1), ValueError, "w must be finite"),
    "times: none": (lambda: descent.descent(ONE, np.ones(3), [], 0.1), ValueError, "at least one"),
    "times: twice the same": (lambda: descent.descent(ONE, np.ones(3), [1, 1], 0.1), ValueError, "strictly ascending"),
    "times: falling": (lambda: descent.descent(ONE, np.ones(3), [2, 1], 0.1), ValueError, "strictly ascending"),
    "times: negative": (lambda: descent.descent(ONE, np.ones(3), [-1, 1], 0.1), ValueError, "got -1"),
    "times: floats": (lambda: descent.descent(ONE, np.ones(3), [1.0], 0.1), TypeError, "integers"),
    "times: a number": (lambda: descent.descent(ONE, np.ones(3), 3, 0.1), ValueError, "shape"),
    "step: zero": (lambda: descent.descent(ONE, np.ones(3), [1], 0.0), ValueError, "step_size"),
    "step: an array": (lambda: descent.descent(ONE, np.ones(3), [1], ONE), TypeError, "step_size"),
    "tail": (lambda: descent.descent(ONE, np.ones(3), [1], 0.1, "heavy"), ValueError, "'polynomial'"),
    "power": (lambda: descent.descent(ONE, np.ones(3), [1], 0.1, "polynomial", 0), ValueError, "power"),
    "scale": (lambda: descent.normalised_descent(ONE, np.ones(3), [1], np.nan), ValueError, "scale"),
    "update": (lambda: descent.normalised_descent(ONE, np.ones(3), [1], 1.0, "norm"), ValueError, "'unit'"),
    "x: a vector": (lambda: diagonal.gradient_descent(*np.ones((4, 3)), [1], 0.1), ValueError, r"\(n, d\)"),
    "y: too long": (lambda: diagonal.gradient_descent(ONE, *np.ones((3, 3)), [1], 0.1), ValueError, "y must have"),
    "u: NaN": (
        lambda: diagonal.gradient_descent(ONE, np.ones(2), ONE[0] * np.nan, ONE[0], [1], 0.1),
        ValueError,
        "u must",
    ),
    "depth: 1": (lambda: diagonal.gradient_descent(ONE, ONE[:, 0], ONE[0], ONE[0], [1], 0.1, 1), ValueError, "depth"),
    "depth: half": (
        lambda: diagonal.gradient_descent(ONE, ONE[:, 0], ONE[0], ONE[0], [1], 0.1, 2.5),
        TypeError,
        "depth",
    ),
    "beyond the last step": (lambda: train(times=[6]), ValueError, "from 0 to 5"),
    "steps: none": (lambda: train(steps=0), ValueError, "steps must be at least 1"),
    "decay: negative": (lambda: train(decay=-0.1), ValueError, "decay"),
    "no units": (lambda: train(w=[]), ValueError, r"w must have shape \(k,\)"),
    "b0: infinite": (lambda: train(b0=np.inf), ValueError, "b0"),
}


def train(x=(0.0, 1.0), y=(0.0, 1.0), w=(1.0,), b=(0.0,), v=(1.0,), b0=0.0, times=(5,), steps=5, decay=0.0):
    return relu_line.train(x, y, w, b, v, b0, list(times), steps, 0.01, decay)


@pytest.mark.parametrize(("call", "error", "match"), BAD.values(), ids=BAD)
def test_bad_arguments(call, error, match):
    with pytest.raises(error, match=match):
        call()


# --- other processors ----------------------------------------------------------------------------------------------------
IN_PLAIN_NUMBA = """
import pathlib
import sys
import pytest
from minidl_kernels import cpu
assert not cpu.has(*cpu.AVX512)
files = pathlib.Path("tests").glob("test_kernels_descent*.py")
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", *sorted(map(str, files))]))
"""


@pytest.mark.slow
def test_all_of_this_without_vectors_of_64_bytes(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CPU_NAME", "generic")
    monkeypatch.setenv("NUMBA_CPU_FEATURES", "")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    done = subprocess.run([sys.executable, "-c", IN_PLAIN_NUMBA], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
