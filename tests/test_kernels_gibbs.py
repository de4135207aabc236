"""Packed Gibbs sweeps: equal to the reference on equal noise, unbiased on their own, and exact where sums are integers.

Equal on equal noise means: a unit is on where u < p, and two programs round p differently, so states agree wherever u is
farther from p than both roundings. `rounding` derives how far that is, and the tests count that no uniform number of
theirs is nearer.
"""

import numpy as np
import pytest
from minidl_kernels import cpu, gibbs, machines, noise, sampling, simd_sampling
from minidl_kernels.packing import pack, unpack

from minidl import energy

DTYPES = [np.float64, np.float32]
SHAPES = [(1, 1), (7, 5), (20, 12), (65, 130), (130, 64)]


def machine_of(n_V, n_H, dtype=np.float64, size=0.4):
    rng = np.random.default_rng(n_V + n_H)
    W = (rng.standard_normal((n_V, n_H)) * size).astype(dtype)
    return W, rng.standard_normal(n_V).astype(dtype), rng.standard_normal(n_H).astype(dtype)


def binary(rng, *shape):
    return rng.integers(0, 2, shape).astype(np.uint8)


def rounding(x, W, bias, p):
    """How far two roundings of p = sigmoid(x W + bias) can be apart.

    Each sum of at most n + 1 terms is off by (n + 1) eps/2 of its terms' magnitudes, whatever the order (twice that
    covers second order), and the slope of the sigmoid is at most 1/4; the sigmoid itself is right to 4 ulps.
    """
    eps, scale = np.finfo(W.dtype).eps, x.astype(np.float64) @ np.abs(W) + np.abs(bias)
    return 2 * (len(W) + 1) * eps * scale / 4 + 8 * eps * p + np.finfo(W.dtype).tiny


def assert_same_states(got, u, x, W, bias):
    """States of units with inputs x W + bias against the reference's, and no uniform number too near to tell."""
    p = energy.hidden_probability(x, W, bias)
    undecided = np.abs(u - p) <= rounding(x, W, bias, p)
    assert undecided.sum() == 0, "the case is badly chosen: another seed"
    np.testing.assert_array_equal(got, u < p)


# --- noise -------------------------------------------------------------------------------------------------------------
# Salmon and others give these with their program Random123: counter, key, result of Philox4x32-10.
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def philox(counter, key):
    """Ten rounds in Python's integers."""
    (x0, x1, x2, x3), (k0, k1) = counter, key
    for _ in range(10):
        p, q = x0 * 0xD2511F53, x2 * 0xCD9E8D57
        x0, x1, x2, x3 = (q >> 32) ^ x1 ^ k0, q % 2**32, (p >> 32) ^ x3 ^ k1, p % 2**32
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return x0, x1, x2, x3


@pytest.mark.parametrize(("counter", "key", "result"), KNOWN)
def test_philox_gives_the_known_answers(counter, key, result):
    assert philox(counter, key) == result


@pytest.mark.parametrize("n", [1, 3, 4, 5, 64, 99])
def test_uniform_numbers_are_words_of_philox_at_their_place(n):
    seed, step, stream = 0xFEDCBA9876543210, 5, 2
    key = seed % 2**32, seed >> 32
    single = gibbs.uniforms((3, n), seed=seed, step=step, stream=stream, dtype=np.float32)
    double = gibbs.uniforms((3, n), seed=seed, step=step, stream=stream)
    Q, D = -(-n // 4), -(-n // 2)
    for row in range(3):
        for j in range(n):
            words = philox((j % Q, row, step, stream), key)
            assert single[row, j] == (words[j // Q] >> 8) / 2**24
            words = philox((j % D, row, step, stream), key)[2 * (j // D) :]
            assert double[row, j] == ((words[0] >> 5) * 2**26 + (words[1] >> 6)) / 2**53
    assert single.dtype == np.float32
    assert double.dtype == np.float64


def test_other_places_have_other_numbers_and_leading_axes_count_rows():
    u = gibbs.uniforms((2, 3, 50), seed=1)
    np.testing.assert_array_equal(u.reshape(6, 50), gibbs.uniforms((6, 50), seed=1))
    np.testing.assert_array_equal(u[0], gibbs.uniforms((3, 50), seed=1))
    np.testing.assert_array_equal(gibbs.uniforms((50,), seed=1), u[0, 0])
    others = [dict(seed=2), dict(seed=1 << 33), dict(seed=1, step=1), dict(seed=1, stream=1)]
    for place in others:
        assert not np.isin(gibbs.uniforms((6, 50), **place), u).any()
    assert len(np.unique(u)) == u.size


def test_uniform_numbers_fill_the_unit_interval_evenly():
    n, cells = 400_000, 16
    # Hoeffding for each of 2 x 16 counts of n independent draws, together wrong with probability 1e-9
    allowed = np.sqrt(np.log(2 * 2 * cells / 1e-9) / (2 * n))
    for dtype in DTYPES:
        u = gibbs.uniforms((400, 1000), seed=3, dtype=dtype)
        assert u.min() >= 0
        assert u.max() < 1
        share = np.bincount((u.ravel() * cells).astype(int), minlength=cells) / n
        assert np.abs(share - 1 / cells).max() <= allowed


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (dict(seed=-1), r"seed must be an integer from 0 to 2\^64 - 1, got -1"),
        (dict(seed=1 << 64), "seed must be"),
        (dict(seed=1.0), "seed must be .* got 1.0"),
        (dict(seed=True), "seed must be .* got True"),
        (dict(seed=0, step=1 << 32), r"step must be an integer from 0 to 2\^32 - 1"),
        (dict(seed=0, stream=-1), "stream must be"),
    ],
)
def test_places_out_of_range_are_refused(place, message):
    with pytest.raises(ValueError, match=message):
        gibbs.uniforms((1, 1), **place)


def test_uniforms_come_in_two_dtypes():
    with pytest.raises(TypeError, match="float32 or float64, got int64"):
        gibbs.uniforms((1, 1), seed=0, dtype=int)


# --- sampling ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", DTYPES)
def test_probabilities_are_right_to_four_ulps(dtype):
    limit = 100 if dtype == np.float32 else 750
    z = np.concatenate([np.linspace(-limit, limit, 20_001), np.linspace(-2, 2, 20_001)]).astype(dtype)[None]
    p = np.empty_like(z)
    sampling.probabilities(z, np.zeros(z.size, dtype), p)
    with np.errstate(over="ignore", under="ignore"):
        exact = 1 / (1 + np.exp(-z.astype(np.longdouble)))
    info = np.finfo(dtype)
    allowed = 4 * float(info.eps) * exact + info.smallest_subnormal
    normal = exact > info.tiny
    assert (np.abs(p - exact) <= allowed)[normal].all()
    assert (p[~normal] <= 2 * info.tiny).all()
    assert p[0, 0] == 0
    assert p[0, 20_000] == 1


@pytest.mark.parametrize("n", [1, 63, 64, 65, 500])
@pytest.mark.parametrize(
    ("kind", "dtype"), [(np.float32, np.float32), (np.float64, np.float64), (np.int32, np.float32)]
)
def test_sampling_is_the_comparison_and_both_twins_agree_to_the_last_bit(n, kind, dtype):
    rng = np.random.default_rng(n)
    length, scale = -(-n // 64), 0.02 if kind == np.int32 else 1.0
    inputs = (rng.standard_normal((9, 64 * length)) * (100 if kind == np.int32 else 4)).astype(kind)
    bias, u = rng.standard_normal(n).astype(dtype), gibbs.uniforms((9, n), seed=n, step=2, stream=1, dtype=dtype)
    seed = noise.place(n, 2, 1)
    runs = []
    for module in [sampling] + [simd_sampling] * cpu.has(*cpu.AVX512):
        for given in (u, None):
            words = np.full((9, length), 7, np.uint64)
            module.sample(inputs, scale, bias, given, *seed, np.uint64(0), words)
            runs.append(words)
    assert all(np.array_equal(run, runs[0]) for run in runs)
    z = inputs[:, :n].astype(np.float64) * dtype(scale) + bias
    p = 1 / (1 + np.exp(-z))
    clear = np.abs(u - p) > 8 * np.finfo(dtype).eps * (1 + np.abs(z)) * p  # z rounds by |z| eps, the slope is below p
    assert clear.all()
    np.testing.assert_array_equal(unpack(runs[0], n), u < p)


def test_extreme_inputs_are_on_or_off():
    inputs, words = np.zeros((2, 64), np.float32), np.zeros((2, 1), np.uint64)
    inputs[:, 0], inputs[:, 1], inputs[:, 2] = 1e30, -1e30, 0
    u = np.array([[0, 0, 0.5], [1 - 2**-24, 2**-24, 0.4999]], np.float32)
    for module in [sampling] + [simd_sampling] * cpu.has(*cpu.AVX512):
        module.sample(inputs, 1.0, np.zeros(3, np.float32), u, *noise.place(0, 0, 0), np.uint64(0), words)
        assert unpack(words, 3).tolist() == [[1, 0, 0], [1, 0, 1]]


# --- steps on equal noise ----------------------------------------------------------------------------------------------
# In float32 a hundred units leave a few numbers in a thousand undecided by the bound, so these machines are small.
@pytest.mark.parametrize(
    ("n_V", "n_H", "dtype"), [(*shape, np.float64) for shape in SHAPES] + [(*shape, np.float32) for shape in SHAPES[:3]]
)
def test_a_step_is_the_references_step(n_V, n_H, dtype):
    W, b, a = machine_of(n_V, n_H, dtype)
    rng = np.random.default_rng(1)
    h = binary(rng, 11, n_H)
    u_v, u_h = rng.random((11, n_V), dtype), rng.random((11, n_H), dtype)
    expected, got = (module.gibbs_step(h, W, b, a, u_v, u_h) for module in (energy, gibbs))
    packed = gibbs.packed_step(pack(h), gibbs.machine(W, b, a), u_v, u_h)
    assert_same_states(got.v, u_v, h, W.T, b)
    assert_same_states(got.h, u_h, got.v, W, a)
    for one, other in zip(got, expected, strict=True):
        assert one.dtype == other.dtype == dtype
    np.testing.assert_array_equal(got.v, expected.v)
    np.testing.assert_array_equal(got.h, expected.h)
    np.testing.assert_array_equal(unpack(packed.v, n_V), expected.v)
    np.testing.assert_array_equal(unpack(packed.h, n_H), expected.h)


def test_a_large_step_in_float64_is_the_references_step():
    W, b, a = machine_of(784, 500, size=0.05)
    rng = np.random.default_rng(2)
    h = binary(rng, 100, 500)
    u_v, u_h = rng.random((100, 784)), rng.random((100, 500))
    got = gibbs.packed_step(pack(h), gibbs.machine(W, b, a), u_v, u_h)
    v = unpack(got.v, 784)
    assert_same_states(v, u_v, h, W.T, b)
    assert_same_states(unpack(got.h, 500), u_h, v, W, a)


def test_noise_of_another_width_is_not_rounded():
    # The greatest float64 below 1/2 is on, 1/2 is off; as float32 they would be the same number.
    theta = gibbs.machine(np.zeros((1, 2), np.float32), None, None)
    u = np.array([[np.nextafter(0.5, 0), 0.5]])
    assert gibbs.packed_step(pack(np.zeros((1, 2))), theta, np.array([[0.3]]), u).h.tolist() == [[1]]
    u = np.array([[np.float16(0.499), np.float16(0.5)]])
    assert gibbs.packed_step(pack(np.zeros((1, 2))), theta, np.array([[0.3]]), u).h.tolist() == [[1]]


@pytest.mark.parametrize("make", [gibbs.machine, gibbs.int8_machine])
def test_noise_from_a_seed_is_that_of_uniforms_and_steps_can_be_taken_up_again(make):
    theta = make(*machine_of(70, 33))
    h = pack(binary(np.random.default_rng(3), 25, 33))
    v_t, h_t = None, h
    for t in range(4, 7):
        u = [
            gibbs.uniforms((25, n), seed=9, step=t, stream=stream, dtype=theta.b.dtype)
            for n, stream in ((70, gibbs.VISIBLE), (33, gibbs.HIDDEN))
        ]
        v_t, h_t = gibbs.packed_step(h_t, theta, *u)
    once = gibbs.packed_steps(h, theta, 3, seed=9, first=4)
    np.testing.assert_array_equal(once.v, v_t)
    np.testing.assert_array_equal(once.h, h_t)
    begun = gibbs.packed_steps(h, theta, 1, seed=9, first=4)
    np.testing.assert_array_equal(gibbs.packed_steps(begun.h, theta, 2, seed=9, first=5).h, once.h)
    np.testing.assert_array_equal(gibbs.packed_steps(h[:21], theta, 3, seed=9, first=4).h, once.h[:21])
    assert not np.array_equal(gibbs.packed_steps(h, theta, 3, seed=8, first=4).h, once.h)


# --- unbiased sampling -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("make", "dtype"), [(gibbs.machine, np.float64), (gibbs.machine, np.float32), (gibbs.int8_machine, np.float32)]
)
def test_samples_have_the_probabilities_of_their_own_machine(make, dtype):
    n_V, n_H, draws = 40, 30, 40_000
    theta = make(*machine_of(n_V, n_H, dtype))
    h = binary(np.random.default_rng(4), 1, n_H)
    v = gibbs.packed_steps(np.repeat(pack(h), draws, axis=0), theta, 1, seed=5).v
    p = energy.visible_probability(h.astype(dtype), theta.W.astype(np.float64), theta.b)[0]
    share = unpack(v, n_V).mean(axis=0)
    # Hoeffding for each of 40 means of independent draws, together wrong with probability 1e-9
    assert np.abs(share - p).max() <= np.sqrt(np.log(2 * n_V / 1e-9) / (2 * draws))
    # and for the mean over all draws, in which a bias would show that is common to the units
    assert abs(share.mean() - p.mean()) <= np.sqrt(np.log(2 / 1e-9) / (2 * draws * n_V))


@pytest.mark.parametrize("make", [gibbs.machine, gibbs.int8_machine])
def test_chains_have_the_law_that_the_kernel_gives(make):
    theta = make(*machine_of(3, 2, size=1.0))
    W, b, a = (np.asarray(x, np.float64) for x in (theta.W, theta.b, theta.a))
    steps, chains = 3, 60_000
    exact = np.linalg.matrix_power(energy.hidden_kernel(W, b, a), steps)[0]  # from the state with code 0
    h = gibbs.packed_steps(np.zeros((chains, 1), np.uint64), theta, steps, seed=6).h
    share = np.bincount(h[:, 0].astype(int), minlength=4) / chains
    assert np.abs(share - exact).max() <= np.sqrt(np.log(2 * 4 / 1e-9) / (2 * chains))  # Hoeffding, 1e-9 in all


# --- 8-bit weights -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("n_V", "n_H"), [*SHAPES, (784, 500)])
def test_sums_of_8_bit_weights_are_exact(n_V, n_H):
    theta = gibbs.int8_machine(*machine_of(n_V, n_H))
    rng = np.random.default_rng(7)
    v, h, Q = binary(rng, 13, n_V), binary(rng, 13, n_H), theta.Q.astype(np.int64)
    np.testing.assert_array_equal(theta.hidden_inputs(pack(v))[:, :n_H], v @ Q)
    np.testing.assert_array_equal(theta.visible_inputs(pack(h))[:, :n_V], h @ Q.T)


def test_weights_of_8_bits_are_the_nearest_on_one_grid():
    W, b, a = machine_of(30, 20)
    theta = gibbs.int8_machine(W, b, a)
    assert theta.Q.dtype == np.int8
    assert np.abs(theta.Q).max() == 127
    # half a step of the grid, and the rounding of W, scale and product to float32
    assert np.abs(theta.W - W).max() <= theta.scale * (0.5 + 3 * 127 * np.finfo(np.float32).eps)
    zero = gibbs.int8_machine(np.zeros((3, 2)), None, None)
    assert zero.scale == 1
    assert not zero.Q.any()
    again = gibbs.int8_machine(theta.W, b, a)  # what lies on the grid stays there
    np.testing.assert_array_equal(again.Q, theta.Q)


def test_without_vnni_the_8_bit_machine_gives_the_same(monkeypatch):
    parts, h = machine_of(70, 33), pack(binary(np.random.default_rng(8), 25, 33))
    here = gibbs.packed_steps(h, gibbs.int8_machine(*parts), 3, seed=1)
    with monkeypatch.context() as patched:
        patched.setattr(cpu, "has", lambda *names: False)
        plain = gibbs.int8_machine(*parts)
        assert plain.to_hidden.dtype == np.int32
        there = gibbs.packed_steps(h, plain, 3, seed=1)
        single = gibbs.packed_steps(h, gibbs.machine(*parts), 3, seed=1)
    np.testing.assert_array_equal(here.v, there.v)
    np.testing.assert_array_equal(here.h, there.h)
    np.testing.assert_array_equal(gibbs.packed_steps(h, gibbs.machine(*parts), 3, seed=1).h, single.h)


# --- sets of states ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("n", [1, 5, 64, 65, 200])
def test_membership_is_that_of_a_python_set(n):
    rng = np.random.default_rng(n)
    pool = binary(rng, 60, n)
    members = pool[rng.integers(0, 30, 50)]  # with repetitions
    S = gibbs.state_set(pack(members))
    order = list(dict.fromkeys(map(tuple, members.tolist())))
    assert len(S.words) == len(order)
    assert [tuple(row) for row in unpack(S.words, n).tolist()] == order
    expected = [order.index(row) if row in order else -1 for row in map(tuple, pool.tolist())]
    np.testing.assert_array_equal(gibbs.find(S, pack(pool)), expected)
    np.testing.assert_array_equal(gibbs.contains(S, pack(pool)), np.array(expected) >= 0)
    np.testing.assert_array_equal(gibbs.in_set(pool, members), energy.in_set(pool, members))


def test_a_set_of_everything_knows_every_state_and_its_place():
    words = np.random.default_rng(0).permutation(1 << 12).astype(np.uint64)[:, None]
    S = gibbs.state_set(words)
    np.testing.assert_array_equal(gibbs.find(S, words), np.arange(1 << 12))
    strangers = np.arange(1 << 12, 1 << 16, dtype=np.uint64)[:, None]
    assert not gibbs.contains(S, strangers).any()


def scrambled(word):
    """The hash of one word, in Python's integers."""
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    word = (word ^ word >> 27) * 0x94D049BB133111EB % 2**64
    return word ^ word >> 31


def test_states_with_the_same_hash_are_told_apart():
    # The hash of two words scrambles scrambled(first) ^ second: equal where these are.
    rng = np.random.default_rng(1)
    first, second = (int(x) for x in rng.integers(1 << 63, size=2))
    colliding = [[first, second]]
    for _ in range(200):
        other = int(rng.integers(1 << 63))
        colliding.append([other, scrambled(first) ^ second ^ scrambled(other)])
    words = np.array(colliding, np.uint64)
    S = gibbs.state_set(words[:100])
    np.testing.assert_array_equal(gibbs.find(S, words), [*range(100), *[-1] * 101])


# --- learning and tours ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize(("n_V", "n_H", "rows", "steps"), [(7, 5, 3, 1), (65, 40, 20, 3)])
def test_contrastive_divergence_is_the_references(n_V, n_H, rows, steps, grey):
    W, b, a = machine_of(n_V, n_H)
    rng = np.random.default_rng(9)
    x = rng.random((rows, n_V)) if grey else binary(rng, rows, n_V)
    h = binary(rng, rows + 4, n_H)
    u_start, u_v, u_h = (rng.random(shape) for shape in ((rows, n_H), (steps, rows, n_V), (steps, rows, n_H)))
    w_v, w_h = rng.random((steps, rows + 4, n_V)), rng.random((steps, rows + 4, n_H))
    option = dict(allow_probabilities=grey)
    for name, arguments, options in (
        ("cd_statistics", (x, W, b, a, u_start, u_v, u_h), option),
        ("cd_gradient", (x, W, b, a, u_start, u_v, u_h), option),
        ("pcd_statistics", (h, W, b, a, w_v, w_h), {}),
        ("pcd_gradient", (x, h, W, b, a, w_v, w_h), option),
    ):
        expected, got = (getattr(module, name)(*arguments, **options) for module in (energy, gibbs))
        assert got._fields == expected._fields
        for one, other in zip(got, expected, strict=True):
            assert one.dtype == other.dtype
            # Means of probabilities that are off by n eps/2 of inputs up to 30, at most, and of sums of `rows` terms
            np.testing.assert_allclose(one, other, rtol=0, atol=(30 * (n_V + n_H) + 2 * rows) * np.finfo(float).eps)
        if "state" in got._fields:
            np.testing.assert_array_equal(got.state, expected.state)


@pytest.mark.parametrize("dtype", DTYPES)
def test_drawn_gradients_use_one_seed_from_the_generator(dtype):
    W, b, a = machine_of(30, 20, dtype)
    x, h = binary(np.random.default_rng(1), 9, 30), binary(np.random.default_rng(2), 6, 20)
    seed, steps = int(np.random.default_rng(7).integers(1 << 64, dtype=np.uint64)), 2

    def drawn(rows, n, stream):
        return np.stack(
            [gibbs.uniforms((rows, n), seed=seed, step=t, stream=stream, dtype=dtype) for t in range(steps)]
        )

    u_v, u_h = drawn(9, 30, gibbs.VISIBLE), drawn(9, 20, gibbs.HIDDEN)
    got = gibbs.draw_cd_gradient(x, W, b, a, k=steps, rng=np.random.default_rng(7))
    expected = gibbs.cd_gradient(x, W, b, a, drawn(9, 20, gibbs.START)[0], u_v, u_h)
    assert all(map(np.array_equal, got, expected))
    got = gibbs.draw_pcd_gradient(x, h, W, b, a, k=steps, rng=np.random.default_rng(7))
    expected = gibbs.pcd_gradient(x, h, W, b, a, drawn(6, 30, gibbs.VISIBLE), drawn(6, 20, gibbs.HIDDEN))
    assert all(map(np.array_equal, got, expected))
    grey = gibbs.draw_cd_gradient(x * 0.5, W, b, a, rng=np.random.default_rng(7), allow_probabilities=True)
    assert all(np.isfinite(part).all() for part in grey)


def test_chains_at_the_data_give_no_gradient_at_all():
    W, b, a = machine_of(12, 9, np.float32)
    x = binary(np.random.default_rng(3), 40, 12)
    h = (energy.hidden_probability(x, W, a) > 0.5).astype(np.float32)
    p = energy.visible_probability(h, W, b)
    u_v = np.where(x == 1, np.float32(0), np.maximum(p, np.float32(0.5)))[None]  # on exactly where x is
    u_v[x[None] == 0] = np.nextafter(np.float32(1), np.float32(0))
    gradient = gibbs.cd_gradient(x, W, b, a, np.full((40, 9), 0.5, np.float32), u_v, u_v[:, :, :9])
    assert all(not part.any() for part in gradient)


@pytest.mark.parametrize("n_H", [5, 70])
def test_tours_are_the_references(n_H):
    W, b, a = machine_of(8, n_H, size=1.0 if n_H == 5 else 0.3)
    rng = np.random.default_rng(10)
    S = np.unique(binary(rng, 12, n_H), axis=0)
    start = S[rng.integers(0, len(S), 40)]
    u_v, u_h = rng.random((6, 40, 8)), rng.random((6, 40, n_H))
    expected = energy.run_tours(S, start, W, b, a, u_v, u_h)
    members = gibbs.state_set(pack(S))
    for given in (S, energy.StateSet.of(S), members):
        got = gibbs.run_tours(given, start, W, b, a, u_v, u_h)
        for one, other in zip(got, expected, strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
    if n_H == 5:
        assert 0 < expected.completed.sum() <= 40
        assert expected.length.max() > 1


# --- bad input ---------------------------------------------------------------------------------------------------------
THETA = machine_of(4, 3)
U_V, U_H = np.full((2, 4), 0.5), np.full((2, 3), 0.5)
BROKEN = np.where(np.eye(4, 3), np.nan, 1.0)
PACKED = pack(np.eye(2, 3))
REFUSED = {
    "weights, NaN": (
        lambda: gibbs.gibbs_step(np.eye(2, 3), BROKEN, *THETA[1:], U_V, U_H),
        ValueError,
        "W must be finite",
    ),
    "weights, a vector": (lambda: gibbs.machine(np.ones(3), None, None), ValueError, r"W must be \(n_V, n_H\)"),
    "weights, none": (lambda: gibbs.machine(np.ones((0, 3)), None, None), ValueError, "at least one unit"),
    "weights, text": (lambda: gibbs.machine("W", None, None), TypeError, "W must be float64 or float32"),
    "weights, too large": (
        lambda: gibbs.int8_machine(np.full((2, 2), 1e300), None, None),
        ValueError,
        "too large for float32",
    ),
    "biases exchanged": (lambda: gibbs.machine(THETA[0], THETA[2], THETA[1]), ValueError, "b are the visible biases"),
    "states, other": (
        lambda: gibbs.sample_hidden([[0, 2, 0, 1]], THETA[0], THETA[2], U_H[:1]),
        ValueError,
        "v must hold zeros and ones only .*got 2.*: binarise it",
    ),
    "states, too few": (lambda: gibbs.hidden_probability(np.eye(3), THETA[0], THETA[2]), ValueError, r"\(..., 4\)"),
    "states, text": (
        lambda: gibbs.hidden_probability(["v"], THETA[0], THETA[2]),
        TypeError,
        "v must hold zeros and ones",
    ),
    "probabilities above 1": (
        lambda: gibbs.hidden_probability([[0, 2.0, 0, 1]], THETA[0], THETA[2], allow_probabilities=True),
        ValueError,
        r"v must lie in \[0, 1\]",
    ),
    "noise, 1": (
        lambda: gibbs.sample_visible(np.eye(2, 3), THETA[0], THETA[1], np.ones((2, 4))),
        ValueError,
        r"u must lie in \[0, 1\)",
    ),
    "noise, NaN": (
        lambda: gibbs.packed_step(PACKED, gibbs.machine(*THETA), U_V * np.nan, U_H),
        ValueError,
        r"\[0, 1\)",
    ),
    "noise, too few": (lambda: gibbs.packed_step(PACKED, gibbs.machine(*THETA), U_V[:1], U_H), ValueError, r"\(2, 4\)"),
    "noise, integers": (
        lambda: gibbs.packed_step(PACKED, gibbs.machine(*THETA), U_V.astype(int), U_H),
        TypeError,
        "u_v must hold uniform numbers, got int64",
    ),
    "chains, unpacked": (
        lambda: gibbs.packed_steps(np.eye(2, 3), gibbs.machine(*THETA), 1, seed=0),
        TypeError,
        "uint64",
    ),
    "chains, none": (lambda: gibbs.packed_steps(PACKED[:0], gibbs.machine(*THETA), 1, seed=0), ValueError, "one chain"),
    "chains, more units": (
        lambda: gibbs.packed_steps(PACKED | np.uint64(8), gibbs.machine(*THETA), 1, seed=0),
        ValueError,
        "h has ones past the first 3",
    ),
    "steps, none": (lambda: gibbs.packed_steps(PACKED, gibbs.machine(*THETA), 0, seed=0), ValueError, "steps must be"),
    "steps, past the last": (
        lambda: gibbs.packed_steps(PACKED, gibbs.machine(*THETA), 2, seed=0, first=2**32 - 1),
        ValueError,
        "step must be an integer from 0",
    ),
    "data, none": (
        lambda: gibbs.draw_cd_gradient(np.zeros((0, 4)), *THETA, rng=np.random.default_rng(0)),
        ValueError,
        "at least one row",
    ),
    "a seed for a generator": (
        lambda: gibbs.draw_cd_gradient(np.eye(4), *THETA, rng=1),
        TypeError,
        "rng must be a NumPy generator, got 1",
    ),
    "k, none": (
        lambda: gibbs.draw_cd_gradient(np.eye(4), *THETA, k=0, rng=np.random.default_rng(0)),
        ValueError,
        "k must be",
    ),
    "k, half": (
        lambda: gibbs.draw_pcd_gradient(np.eye(4), np.eye(3), *THETA, k=1.5, rng=np.random.default_rng(0)),
        TypeError,
        "k must be an integer, got 1.5",
    ),
    "set, empty": (lambda: gibbs.in_set(np.eye(2, 3), np.zeros((0, 3))), ValueError, "needs at least one state"),
    "set, other units": (lambda: gibbs.in_set(np.eye(2, 3), np.eye(4)), ValueError, r"S must have shape \(..., 3\)"),
    "set, longer words": (
        lambda: gibbs.contains(gibbs.state_set(PACKED), pack(np.eye(2, 70))),
        ValueError,
        r"words must be \(N, 1\), like the members",
    ),
    "tours, outside": (
        lambda: gibbs.run_tours(np.eye(3)[:1], np.eye(3)[1:], *THETA, U_V[None], U_H[None]),
        ValueError,
        "start 0 is not in it",
    ),
    "tours, no steps": (
        lambda: gibbs.run_tours(np.eye(3), np.eye(2, 3), *THETA, np.zeros((0, 2, 4)), np.zeros((0, 2, 3))),
        ValueError,
        "u_v must have shape",
    ),
    "words, other": (lambda: gibbs.unpack_states(np.zeros((2, 2), np.uint64), 3), ValueError, r"of shape \(N, 1\)"),
    "words, no units": (lambda: gibbs.unpack_states(PACKED, 0), ValueError, "n must be at least 1"),
    "words, half a unit": (lambda: gibbs.unpack_states(PACKED, 2.5), TypeError, "n must be an integer"),
    "states, a vector": (lambda: gibbs.pack_states(np.zeros(3)), ValueError, r"states must be \(N, n\)"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused_with_what_came(case):
    call, kind, message = REFUSED[case]
    with pytest.raises(kind, match=message):
        call()


def test_leading_axes_are_kept_also_empty_ones_and_none():
    W, b, a = machine_of(5, 4)
    rng = np.random.default_rng(0)
    for shape in ((), (3,), (2, 3), (0,), (2, 0)):
        h, u_v, u_h = binary(rng, *shape, 4), rng.random((*shape, 5)), rng.random((*shape, 4))
        for one, other in zip(*(module.gibbs_step(h, W, b, a, u_v, u_h) for module in (gibbs, energy)), strict=True):
            assert one.shape == other.shape
            np.testing.assert_allclose(one, other, rtol=0, atol=20 * np.finfo(float).eps)
        assert gibbs.hidden_probability(u_v, W, a, allow_probabilities=True).shape == (*shape, 4)


def test_parameters_of_two_widths_become_the_wider_one():
    W, b, a = machine_of(4, 3)
    assert machines.parameters(W.astype(np.float32), b, a.astype(np.float32))[0].dtype == np.float64
    assert machines.parameters(W.astype(np.float32), None, None)[1].dtype == np.float32
    assert machines.parameters(np.ones((2, 2), int), None, None)[0].dtype == np.float64
