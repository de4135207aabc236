"""The fused optimizer loops: to the bit where they round like the reference, within counted roundings where they do
not.

What their results must be is for the laws of the methods to say. Here: agreement with the reference to the last place,
the steps in place and their border, and the sums in fixed order behind AvaGrad's normaliser.
"""

import math
import subprocess
import sys

import numpy as np
import pytest
from minidl_kernels import optim as fused
from minidl_kernels import optim_loops as loops
from numba import njit

from minidl.optim import trajectories

D, T = 1500, 30  # more than two blocks of a reduction, the last one not full
LR = np.linspace(0.1, 0.01, T)
SPLIT = (500, 1000)
dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32])


def run(dtype, d=D, steps=T, seed=0):
    """w (d,) and gradients (T, d) whose sizes differ by coordinate; some are 0 for a while, one for ever."""
    rng = np.random.default_rng(seed)
    gradients = rng.standard_normal((steps, d)) * 10.0 ** rng.uniform(-3, 1, d)
    gradients[: steps // 2, ::7] = 0
    gradients[:, 1] = 0
    return rng.standard_normal(d).astype(dtype), gradients.astype(dtype)


# name: the calls that round like the reference, operation by operation
SAME_BITS = {
    "sgd": [
        (m, damp, nest, wd)
        for m, damp, nest in ((0.0, 0.0, False), (0.9, 0.5, False), (0.9, 0.0, True))
        for wd in (0.0, 0.01)
    ],
    "rmsprop": [(0.9, 1e-8, m, c, wd) for m in (0.0, 0.9) for c in (False, True) for wd in (0.0, 0.01)],
    "adagrad": [(0.1, 0.1, 1e-10, wd) for wd in (0.0, 0.01)],
    "delayed_adam": [(0.9, 0.99, 0.1, wd) for wd in (0.0, 0.01)],
    "momentum_sgd": [(0.1, 0.9, 0.05, schedule) for schedule in ("final", "lower", "upper")],
    "adabound": [(0.1, 0.9, 0.99, 0.05, 1e-8, wd) for wd in (0.0, 0.01)],
    "amsbound": [(0.1, 0.9, 0.99, 0.05, 1e-8, wd) for wd in (0.0, 0.01)],
    "adaboundw": [(0.1, 0.9, 0.99, 0.05, 1e-8, wd) for wd in (0.0, 0.01)],
}
CALLS = [
    pytest.param(name, call, id=f"{name}-{i}") for name, calls in SAME_BITS.items() for i, call in enumerate(calls)
]


@dtypes
@pytest.mark.parametrize(("name", "call"), CALLS)
def test_without_a_correction_inside_the_loop_the_bits_are_those_of_the_reference(name, call, dtype):
    w, gradients = run(dtype)
    got, expected = (getattr(module, name)(w, gradients, LR, *call) for module in (fused, trajectories))
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, expected)


@dtypes
@pytest.mark.parametrize("name", ["adam", "amsgrad", "adamw"])
def test_bias_correction_costs_four_roundings_of_each_change(name, dtype):
    """The loop multiplies by 1 / c, the reference divides by c: 1 / c, c, product and quotient are rounded, each by eps
    / 2. With that the sum with eps and the division that follow may round the other way, on either side: four halves
    more.
    """
    w, gradients = run(dtype)
    got, expected = (getattr(m, name)(w, gradients, LR, 0.9, 0.99, 1e-8, 0.0) for m in (fused, trajectories))
    assert got.dtype == dtype
    assert not np.array_equal(got, expected)  # or the loop has come to divide, and belongs above
    agree_up_to(4, got, expected, w)


@dtypes
def test_adam_rounds_in_the_dtype_of_its_arrays(dtype):
    """A scalar in float64 would make all of a float32 loop float64: the bits are those of NumPy in the dtype."""
    w, gradients = run(dtype, steps=4)
    got = fused.adam(w, gradients, LR[:4], 0.9, 0.99, 1e-3, 0.0)
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t, (g, lr) in enumerate(zip(gradients, LR.tolist(), strict=False), start=1):
        m, v = dtype(0.9) * m + dtype(1 - 0.9) * g, dtype(0.99) * v + dtype(1 - 0.99) * g * g
        unbias, rate = dtype(1 / math.sqrt(1 - 0.99**t)), dtype(lr / (1 - 0.9**t))
        w = w - rate * m / (np.sqrt(v) * unbias + dtype(1e-3))
        np.testing.assert_array_equal(got[t - 1], w)


@dtypes
def test_decoupled_decay_without_gradients_shrinks_and_does_nothing_else(dtype):
    w, _ = run(dtype)
    shrink = np.array([dtype(1 - lr * 0.1) for lr in LR[:5]])
    expected = np.multiply.accumulate(np.vstack([w[None], np.broadcast_to(shrink[:, None], (5, D))]))[1:]
    silence = np.zeros((5, D), dtype)
    np.testing.assert_array_equal(fused.adamw(w, silence, LR[:5], 0.9, 0.99, 1e-8, 0.1), expected)
    for variant, rests in (("paper", 0), ("released", 1), ("synced", 1)):
        late = np.multiply.accumulate(np.vstack([w[None], np.broadcast_to(shrink[rests:, None], (5 - rests, D))]))
        got = fused.avagradw(w, silence, SPLIT, LR[:5], 0.9, 0.99, 0.1, 0.1, variant)
        np.testing.assert_array_equal(got, late[1 - rests :])


def test_the_released_form_without_eps_rests_twice():
    """Every rate of the first step is infinite, so its normaliser is 0."""
    w, gradients = np.ones(3), np.array([[0.1, -0.2, 0.3]] * 4)
    got = fused.avagrad(w, gradients, (3,), np.full(4, 0.1), 0.9, 0.999, 0.0, 0.0, "released")
    np.testing.assert_array_equal(got[:2], [w, w])
    assert np.all(got[2] != w)


@dtypes
@pytest.mark.parametrize("variant", ["paper", "released", "synced"])
@pytest.mark.parametrize("name", ["avagrad", "avagradw"])
def test_avagrad_rounds_twenty_times_per_change(name, variant, dtype):
    """The root as in Adam: 3 eps. gamma, of rates that are off by as much and rounded three times: 4.5, and its sum of
    positive terms (d / 512 + 10) / 2 more. A dozen products, quotients and casts of scalars on the two sides: 6.
    """
    w, gradients = run(dtype)
    got, expected = (
        getattr(m, name)(w, gradients, SPLIT, LR, 0.9, 0.99, 0.1, 0.0, variant) for m in (fused, trajectories)
    )
    assert got.dtype == dtype
    agree_up_to(14 + (D / 512 + 10) / 2, got, expected, w)


def agree_up_to(roundings, got, expected, w):
    """|got - expected| <= eps (roundings * path so far + T * largest |w| so far), entry by entry."""
    eps = np.finfo(w.dtype).eps
    states = np.vstack([w[None], expected]).astype(np.float64)
    path = np.cumsum(np.abs(np.diff(states, axis=0)), axis=0)
    largest = np.maximum.accumulate(np.abs(states), axis=0)[1:]
    steps = np.arange(1, len(got) + 1)[:, None]
    error = np.abs(got.astype(np.float64) - expected.astype(np.float64))
    assert np.all(error <= eps * (roundings * path + steps * largest)), (error / (eps * largest)).max()


@dtypes
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize(
    "name", ["sgd", "rmsprop", "adagrad", "delayed_adam", "adabound", "amsbound", "adam", "amsgrad"]
)
def test_what_is_not_finite_stays_where_it_is(name, bad, dtype):
    """The other entries keep their bits, and the bad ones become what the reference makes of them."""
    call = {"adam": (0.9, 0.99, 1e-8, 0.0), "amsgrad": (0.9, 0.99, 1e-8, 0.0)}.get(name) or SAME_BITS[name][0]
    w, gradients = run(dtype, d=40, steps=6)
    clean = getattr(fused, name)(w, gradients, LR[:6], *call)
    gradients[2, 5] = bad
    got = getattr(fused, name)(w, gradients, LR[:6], *call)
    others = np.arange(40) != 5
    np.testing.assert_array_equal(got[:, others], clean[:, others])
    with np.errstate(invalid="ignore", over="ignore"):
        expected = getattr(trajectories, name)(w, gradients, LR[:6], *call)
    assert np.array_equal(np.isnan(got), np.isnan(expected))
    assert np.array_equal(np.isinf(got), np.isinf(expected))


def test_an_infinite_parameter_is_not_touched_by_a_decay_of_zero():
    w, gradients = run(np.float64, d=4, steps=2)
    w[0] = np.inf
    assert fused.sgd(w, gradients, LR[:2], 0.0, 0.0, False, 0.0)[-1, 0] == np.inf
    assert fused.adam(w, gradients, LR[:2], 0.9, 0.99, 1e-8, 0.0)[-1, 0] == np.inf


# --- sums in a fixed order --------------------------------------------------------------------------------------------
@dtypes
@pytest.mark.parametrize("d", [1, 511, 512, 513, 5000])
def test_the_power_is_the_sum_of_squared_rates(d, dtype):
    rng = np.random.default_rng(d)
    v = (10.0 ** rng.uniform(-8, 2, d)).astype(dtype)
    got = fused.rates_power(v, 7, 0.9, 1e-3, "synced")
    rates = 1 / (np.sqrt(v) * dtype(1 / math.sqrt(1 - 0.9**7)) + dtype(1e-3))
    assert rates.dtype == dtype
    squares = rates.astype(np.float64) ** 2
    # the terms to the bit (positive, so rounding is relative): d / 512 + 1 additions in a lane, nine to fold the lanes
    assert abs(got - math.fsum(squares)) <= (d / 512 + 10) * np.finfo(np.float64).eps * math.fsum(squares)


@dtypes
@pytest.mark.parametrize("variant", ["paper", "released", "synced"])
@pytest.mark.parametrize("d", [3, 1500])
def test_the_pass_that_moves_sums_what_a_pass_of_its_own_would(d, variant, dtype):
    w, gradients = run(dtype, d=d, steps=4)
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, start=1):
        found = v.copy()
        got = fused.avagrad_step(w, g, m, v, t, 0.1, 0.5, 0.9, 0.99, 0.1, 0.0, variant)
        alone = fused.rates_power(found if variant == "released" else v, t, 0.99, 0.1, variant)
        # in float32 to the bit; in float64 a rate has three roundings there, one here: 2 eps, 4 of its square
        roundings = 0 if dtype is np.float32 else 2 * 2 + d / 512 + 10
        assert abs(got - alone) <= roundings * np.finfo(np.float64).eps * alone


@dtypes
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("variant", ["paper", "released", "synced"])
def test_no_sum_or_product_of_avagrad_leaves_the_range_before_the_squares_of_gradients_do(variant, sign, dtype):
    """Gradients and eps times 2^k, from w = 0: every number scales by a power of two, and the run to the bit by 2^k."""
    factor = 2.0 ** (sign * (480 if dtype is np.float64 else 45))
    _, gradients = run(dtype, d=600, steps=8)
    w = np.zeros(600, dtype)
    plain, scaled = (
        fused.avagrad(w, (c * gradients).astype(dtype), (600,), LR[:8], 0.9, 0.99, 0.125 * c, 0.0, variant)
        for c in (1.0, factor)
    )
    assert np.any(plain[-1] != 0)
    np.testing.assert_array_equal(scaled, (factor * plain).astype(dtype))


def test_the_order_of_a_sum_is_that_of_its_docstring():
    """Lane j of 512 holds the terms j, j + 512, ..., then halves are added: on any machine, whatever its vectors."""
    v = np.random.default_rng(0).uniform(0, 1, 2000)
    lanes = np.zeros(512)
    for start in range(0, 2000, 512):
        squares = (1 / (np.sqrt(v[start : start + 512]) + 0.1)) ** 2
        lanes[: len(squares)] += squares
    while len(lanes) > 1:
        lanes = lanes[: len(lanes) // 2] + lanes[len(lanes) // 2 :]
    assert fused.rates_power(v, 3, 0.9, 0.1, "paper") == lanes[0]


def test_normaliser():
    rates = np.array([0.5, 2.0, 4.0])
    assert fused.normaliser(float(np.sum(rates**2)), 3) == 1 / math.sqrt(20.25 / 3)
    assert fused.normaliser(math.inf, 3) == 0
    assert math.isnan(fused.normaliser(0.0, 3))
    assert math.isnan(fused.normaliser(math.nan, 3))


# --- steps in place ---------------------------------------------------------------------------------------------------
def adam_arguments(dtype=np.float64, shape=(30, 40)):
    rng = np.random.default_rng(0)
    w, g, m = (np.asarray(rng.standard_normal(shape), dtype) for _ in range(3))
    return {"w": w, "g": g, "m": m, "v": np.asarray(m * m)}


def adam_step(w, g, m, v, eps=1e-8, **more):
    fused.adam_step(w, g, m, v, 3, 1e-3, 0.9, 0.999, eps, 0.0, **more)


def test_a_step_writes_w_and_the_state_and_nothing_else():
    a, flat = adam_arguments(), {name: x.ravel().copy() for name, x in adam_arguments().items()}
    adam_step(**a)
    adam_step(**flat)
    untouched = adam_arguments()
    for name in ("w", "m", "v"):
        np.testing.assert_array_equal(a[name].ravel(), flat[name])
        assert not np.any(a[name] == untouched[name])
    np.testing.assert_array_equal(a["g"], untouched["g"])


@pytest.mark.parametrize("shape", [(), (12,), (3, 4)])
def test_a_gradient_may_have_any_layout(shape):
    expected, a = adam_arguments(shape=shape), adam_arguments(shape=shape)
    adam_step(**expected)
    g = np.repeat(np.asarray(a["g"])[..., None], 2, axis=-1)[..., 0]
    g.flags.writeable = False
    adam_step(a["w"], g, a["m"], a["v"])
    np.testing.assert_array_equal(a["w"], expected["w"])


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        (lambda a: a | {"w": a["w"].astype(int)}, TypeError, "w must be an array of float64 or float32, got int64"),
        (lambda a: a | {"w": [1.0]}, TypeError, "w must be an array of float64 or float32, got list"),
        (
            lambda a: a | {"g": a["g"].astype(np.float32)},
            TypeError,
            "g must be an array of float64 as w is, got float32",
        ),
        (lambda a: a | {"v": None}, TypeError, "v must be an array of float64 as w is, got NoneType"),
        (lambda a: a | {"m": a["m"][:-1]}, ValueError, r"m must have the shape of w, \(30, 40\), got \(29, 40\)"),
        (lambda a: a | {"g": a["g"].ravel()}, ValueError, r"g must have the shape of w, \(30, 40\), got \(1200,\)"),
        (lambda a: a | {"v": np.asfortranarray(a["v"])}, ValueError, "v is written in place: it must be C-contiguous"),
        (lambda a: a | {"v": np.broadcast_to(a["v"], (30, 40))}, ValueError, "v is written in place: .* writeable"),
        (lambda a: a | {"v": a["m"]}, ValueError, "m and v overlap in memory: each must have its own"),
        (lambda a: a | {"g": a["w"]}, ValueError, "w and g overlap in memory"),
        (lambda a: a | {"vmax": np.zeros(3)}, ValueError, "vmax must have the shape of w"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_before_anything_is_written(changed, error, message):
    a = adam_arguments()
    before = {name: x.copy() for name, x in a.items()}
    with pytest.raises(error, match=message):
        adam_step(**changed(a))
    for name, x in before.items():
        np.testing.assert_array_equal(a[name], x)


def test_parts_of_one_array_are_told_from_overlapping_ones():
    memory = np.random.default_rng(0).uniform(1, 2, 400)
    apart = [memory[i * 100 : (i + 1) * 100] for i in range(4)]
    adam_step(*apart)
    with pytest.raises(ValueError, match="m and g overlap"):
        adam_step(memory[:100], memory[100:200], memory[199:299], memory[300:400])


ZERO_ROOTS = {
    "adam": lambda w, g, m, v: adam_step(w, g, m, v, eps=0.0),
    "amsgrad": lambda w, g, m, v: adam_step(w, g, m, v, eps=0.0, vmax=np.zeros_like(w)),
    "adagrad": lambda w, g, m, v: fused.adagrad_step(w, g, v, 1, 0.1, 0.0, 0.0, 0.0),
    "rmsprop": lambda w, g, m, v: fused.rmsprop_step(w, g, v, None, None, 1, 0.1, 0.9, 0.0, 0.0, 0.0),
    "centred": lambda w, g, m, v: fused.rmsprop_step(w, g, v, m, None, 1, 0.1, 0.9, 0.0, 0.0, 0.0),
    "delayed": lambda w, g, m, v: fused.delayed_adam_step(w, g, m, v, 1, 0.1, 0.9, 0.9, 0.0, 0.0),
    "avagrad": lambda w, g, m, v: fused.avagrad_step(w, g, m, v, 2, 0.1, 1.0, 0.9, 0.9, 0.0, 0.0, "released"),
}


@dtypes
@pytest.mark.parametrize("name", ZERO_ROOTS)
def test_a_division_by_zero_is_refused_before_anything_is_written(name, dtype):
    w, g, m, v = (np.full(5, x, dtype) for x in (1.0, 0.5, 0.0, 0.25))
    g[2] = v[2] = 0
    before = [x.copy() for x in (w, g, m, v)]
    with pytest.raises(ValueError, match=r"eps is 0.0, .* entry 2 has a second moment of 0"):
        ZERO_ROOTS[name](w, g, m, v)
    for x, y in zip((w, g, m, v), before, strict=True):
        np.testing.assert_array_equal(x, y)
    g[2], v[2] = 0.5, 0.25
    ZERO_ROOTS[name](w, g, m, v)
    assert np.isfinite(w).all()
    assert not np.array_equal(w, before[0])


@dtypes
def test_adabound_has_no_zero_roots(dtype):
    """Where there was no gradient the rate is the upper bound, and nothing moves; also with lr = 0, band and all."""
    w, gradients = run(dtype, d=40, steps=4)
    for lr in ([0.1, 0.1, 0.1, 0.1], [0.1, 0.0, 0.0, 0.1]):
        got = fused.adabound(w, gradients, lr, 0.1, 0.9, 0.99, 0.5, 0.0, 0.0)
        np.testing.assert_array_equal(got, trajectories.adabound(w, gradients, lr, 0.1, 0.9, 0.99, 0.5, 0.0, 0.0))
        assert np.all(got[:, 1] == w[1])


# --- the border of trajectories ---------------------------------------------------------------------------------------
W, G, RATES = np.ones(2), np.ones((3, 2)), np.ones(3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: fused.adam(W, G, RATES, 1.0, 0.9, 0.1, 0.0), ValueError, r"beta1 must be a finite .* in \[0, 1\), got 1"),
        (lambda: fused.adam(W, G, RATES, 0.9, 0.9, -1.0, 0.0), ValueError, "eps must be a finite number"),
        (lambda: fused.adam(W, G, RATES, 0.9, 0.9, 0.1, np.nan), ValueError, "weight_decay must be a finite number"),
        (lambda: fused.adam(W, G, -RATES, 0.9, 0.9, 0.1, 0.0), ValueError, "lr must be a finite number"),
        (lambda: fused.adam(W, G, RATES[:2], 0.9, 0.9, 0.1, 0.0), ValueError, r"lr must have shape \(3,\)"),
        (lambda: fused.adam(W, G, ["a"] * 3, 0.9, 0.9, 0.1, 0.0), TypeError, "lr must hold numbers"),
        (lambda: fused.adam(W, G[:, :1], RATES, 0.9, 0.9, 0.1, 0.0), ValueError, r"gradients must have shape \(T, 2\)"),
        (lambda: fused.adam(W[None], G, RATES, 0.9, 0.9, 0.1, 0.0), ValueError, r"w must be a vector"),
        (lambda: fused.adam(W.astype(int), G, RATES, 0.9, 0.9, 0.1, 0.0), TypeError, "w must be float64 or float32"),
        (lambda: fused.adam(W, G.astype("f4"), RATES, 0.9, 0.9, 0.1, 0.0), TypeError, "must have one dtype"),
        (lambda: fused.sgd(W, G, RATES, 0.9, 0.1, True, 0.0), ValueError, "nesterov needs momentum > 0 and dampen"),
        (lambda: fused.sgd(W, G, RATES, 0.9, np.inf, False, 0.0), ValueError, "dampening must be a finite number"),
        (lambda: fused.delayed_adam(W, G, RATES, 0.9, 0.9, 0.0, 0.0), ValueError, "eps must be positive, got 0: the fir"),
        (lambda: fused.avagrad(W, G, (2,), RATES, 0.9, 0.9, 0.0, 0.0, "paper"), ValueError, "eps must be positive, got"),
        (lambda: fused.avagrad(W, G, (2,), RATES, 0.9, 0.9, 0.1, 0.0, "old"), ValueError, "variant must be one of paper"),
        (lambda: fused.avagrad(W, G, (3,), RATES, 0.9, 0.9, 0.1, 0.0, "paper"), ValueError, "sum to the 2 entries of"),
        (lambda: fused.avagrad(W, G, (1.0, 1.0), RATES, 0.9, 0.9, 0.1, 0.0, "paper"), TypeError, "sizes must be integ"),
        (lambda: fused.avagrad(W, G, 2, RATES, 0.9, 0.9, 0.1, 0.0, "paper"), TypeError, "sizes must be a tuple of int"),
        (lambda: fused.adabound(W, G, 0 * RATES, 0.1, 0.9, 0.9, 0.1, 0.1, 0.0), ValueError, r"lr\[0\] must be positive"),
        (lambda: fused.adabound(W, G, RATES, 0.1, 0.9, 0.9, 0.0, 0.1, 0.0), ValueError, "gamma must be a finite"),
        (lambda: fused.momentum_sgd(W, G, RATES, 0.1, 0.9, 0.1, "middle"), ValueError, "schedule must be one of final"),
        (lambda: fused.adabound(W, G[:0], [], 0.1, 0.9, 0.9, 0.1, 0.1, 0.0), ValueError, "gradients must have shape"),
    ],
)  # fmt: skip
def test_bad_arguments_are_refused_with_what_was_expected(call, error, message):
    with pytest.raises(error, match=message):
        call()


# --- what else is promised --------------------------------------------------------------------------------------------
def test_loops_may_be_called_from_compiled_code():
    """As a simulation of millions of small steps does, where each gradient depends on the parameters."""

    @njit
    def descend_parabola(w, m, v, steps):
        for t in range(1, steps + 1):
            loops.adam(w, 2 * w, m, v, None, t, 0.1, 0.9, 0.99, 1e-8, 0.0, False)

    w, m, v = np.ones(3), np.zeros(3), np.zeros(3)
    descend_parabola(w, m, v, 5)
    x, y, z = np.ones(3), np.zeros(3), np.zeros(3)
    for t in range(1, 6):
        fused.adam_step(x, 2 * x, y, z, t, 0.1, 0.9, 0.99, 1e-8, 0.0)
    np.testing.assert_array_equal(w, x)


def test_importing_compiles_nothing_and_knows_nothing_of_minidl():
    code = (
        "import sys; from minidl_kernels import optim, optim_loops as l; import numba; "
        "assert not [m for m in sys.modules if m.split('.')[0] == 'minidl']; "
        "assert not [f for f in vars(l).values() if isinstance(f, numba.core.dispatcher.Dispatcher) and f.signatures]"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
