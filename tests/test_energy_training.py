"""Training of Boltzmann machines: the parts of a step, every method on data of few patterns, interruption, saving."""

import signal

import numpy as np
import pytest

from minidl import energy as rbm

EPS = np.finfo(float).eps
# Two patterns of six pixels, as often as each other: no machine can do better than log 1/2.
PATTERNS = np.repeat([[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]], 60, axis=0)


def generator(seed=0):
    return np.random.default_rng(seed)


def fresh(n_hidden=3, seed=0):
    return rbm.initial_parameters(PATTERNS, generator(seed).random((6, n_hidden)))


# --- the parts of a step -----------------------------------------------------------------------------------------------
def test_initial_parameters():
    x = np.array([[1, 0, 1], [1, 0, 0]])
    u = np.array([[0.0], [0.5], [0.75]])
    W, b, a = rbm.initial_parameters(x, u)
    np.testing.assert_allclose(W, np.array([[-0.1], [0.0], [0.05]]) / 2, rtol=4 * EPS)
    # always on: off in half an example of the two; always off; on half the time
    np.testing.assert_allclose(b, np.log([1.01 / 0.25, 0.01 / 1, 0.51 / 0.5]), rtol=16 * EPS)
    assert a.tolist() == [0.0]


def test_learning_rate_falls_with_plateaus():
    assert [rbm.learning_rate(e, 0.6, 2) for e in range(6)] == [0.6, 0.6, 0.3, 0.3, 0.6 / 3, 0.6 / 3]
    assert rbm.learning_rate(999, 0.1, 1000) == 0.1
    with pytest.raises(ValueError, match="plateau must be at least 1"):
        rbm.learning_rate(0, 0.1, 0)


def test_steps_with_momentum_and_decay():
    # by hand, two steps: decay applies before the rate, momentum to the whole of the last change
    first = rbm.ascent_step(np.array([2.0]), np.array([3.0]), np.zeros(1), 0.5, 0.25, 0.5)
    assert (first.parameter[0], first.change[0]) == (3.0, 1.0)
    second = rbm.ascent_step(first.parameter, np.array([0.5]), first.change, 0.5, 0.25, 0.5)
    assert (second.parameter[0], second.change[0]) == (2.75, -0.25)


def test_one_batch_is_one_step_of_the_estimate():
    start = fresh()
    learned = rbm.train(PATTERNS, start, k=2, epochs=1, batch_size=120, rate=0.3, weight_decay=0.1, rng=generator(1))
    rng = generator(1)
    batch = PATTERNS[rng.permutation(120)]
    ascent = rbm.draw_cd_gradient(batch, *start, k=2, rng=rng)
    for got, before, up in zip(learned[:3], start, ascent, strict=True):
        np.testing.assert_allclose(got, before + 0.3 * (up - 0.1 * before), rtol=8 * EPS, atol=EPS)


def test_one_batch_is_one_step_of_the_kernels_estimate():
    gibbs = pytest.importorskip("minidl_kernels.gibbs")
    start = fresh()
    options = dict(epochs=1, batch_size=120, rate=0.3, impl="kernels")
    learned = rbm.train(PATTERNS, start, k=2, rng=generator(1), **options)
    rng = generator(1)
    ascent = gibbs.draw_cd_gradient(PATTERNS[rng.permutation(120)], *start, k=2, rng=rng)
    for got, before, up in zip(learned[:3], start, ascent, strict=True):
        np.testing.assert_allclose(got, before + 0.3 * up, rtol=8 * EPS, atol=EPS)
    with pytest.raises(ValueError, match="impl must be one of 'reference', 'kernels'"):
        rbm.train(PATTERNS, start, impl="fast", rng=generator(1))


# --- whole runs --------------------------------------------------------------------------------------------------------
RUNS = {"cd": dict(k=2), "pcd": dict(k=1, rate=0.1), "lvs": dict(k=20, rounds=2)}


@pytest.mark.parametrize("impl", ["reference", "kernels"])
@pytest.mark.parametrize("method", RUNS)
def test_every_method_learns_the_patterns(method, impl):
    options = dict(rate=0.3, epochs=60, plateau=100, batch_size=20, warmup=5, impl=impl) | RUNS[method]
    learned = rbm.train(PATTERNS, fresh(), method=method, rng=generator(), x_test=PATTERNS[::7], **options)
    likelihood = learned.history.column("log_likelihood")
    # from -6 log 2 = -4.2 (independent pixels) towards -log 2; one run of PCD-1 in four is still near -2 by then
    assert likelihood[-1] > (-2.5 if method == "pcd" else -1.5)
    assert likelihood[-1] == pytest.approx(rbm.log_likelihood(PATTERNS, *learned[:3]).mean(), rel=8 * EPS)
    last = learned.history.epochs[-1]
    assert last.test_log_likelihood == pytest.approx(
        rbm.log_likelihood(PATTERNS[::7], *learned[:3]).mean(), rel=8 * EPS
    )
    assert len(likelihood) == 60
    assert last.rate == 0.3 if method != "pcd" else 0.1
    if method == "lvs":
        assert learned.history.epochs[0].completed is None  # warming up
        assert last.completed > 0.9
        assert last.tour_lengths.sum() + last.unfinished == 120  # a tour for every row
        assert last.mean_length >= 1
    else:
        assert last.completed is last.mean_length is None


def test_runs_repeat_and_leave_their_start_alone():
    start = fresh()
    kept = [array.copy() for array in start]
    runs = [rbm.train(PATTERNS, start, method="lvs", k=3, epochs=3, rng=generator(5)) for _ in range(2)]
    for one, two, before, now in zip(runs[0][:3], runs[1][:3], kept, start, strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(before, now)
        assert not np.array_equal(one, before)


def test_warming_up_is_cd_1():
    runs = [
        rbm.train(PATTERNS, fresh(), method=method, k=k, warmup=warmup, epochs=2, rng=generator(2))
        for method, k, warmup in (("cd", 1, None), ("lvs", 7, 2), ("pcd", 3, 2))
    ]
    for other in runs[1:]:
        np.testing.assert_array_equal(runs[0].W, other.W)


def test_monitors_draw_no_random_numbers():
    watched = rbm.train(PATTERNS, fresh(), epochs=2, x_test=PATTERNS, exact_units=10, rng=generator(3))
    blind = rbm.train(PATTERNS, fresh(), epochs=2, exact_units=0, monitor_rows=1, rng=generator(3))
    np.testing.assert_array_equal(watched.W, blind.W)
    assert blind.history.epochs[0].log_likelihood is None


def test_batches_without_a_finished_tour_make_no_step(monkeypatch):
    # Sets that never hold a returning state: emptied of everything but a state that the chain does not visit.
    sets = []

    def lost(x, W, a, **options):
        sets.append(rbm.StateSet.of(np.zeros((1, 3))))
        return sets[-1]

    monkeypatch.setattr("minidl.energy.training.draw_stopping_set", lost)
    stuck = rbm.Parameters(np.full((6, 3), 20.0), np.full(6, 50.0), np.full(3, 100.0))
    learned = rbm.train(PATTERNS, stuck, method="lvs", k=4, epochs=1, warmup=0, batch_size=40, rng=generator())
    record = learned.history.epochs[0]
    assert (record.skipped, record.unfinished, record.completed, record.mean_length) == (3, 120, 0.0, None)
    assert len(sets) == 3  # rebuilt each time
    np.testing.assert_array_equal(learned.W, stuck.W)


def test_float32_trains_in_float32():
    start = rbm.Parameters(*(array.astype(np.float32) for array in fresh()))
    for method in RUNS:
        learned = rbm.train(PATTERNS.astype(bool), start, method=method, epochs=2, warmup=1, rng=generator())
        assert {array.dtype for array in learned[:3]} == {np.dtype(np.float32)}


def test_grey_levels_on_request():
    grey = PATTERNS * 0.8 + 0.1
    with pytest.raises(ValueError, match=r"zeros and ones only, got 0.9.*allow_probabilities=True"):
        rbm.train(grey, fresh(), epochs=1, rng=generator())
    for method in RUNS:
        learned = rbm.train(
            grey, fresh(), method=method, epochs=2, warmup=1, allow_probabilities=True, x_test=grey, rng=generator()
        )
        record = learned.history.epochs[-1]
        assert record.pseudo_likelihood is record.log_likelihood is record.test_log_likelihood is None
        assert record.reconstruction > 0


def test_interruption_keeps_what_was_learned():
    seen = []

    def stop(epoch, parameters, record):
        seen.append(parameters)
        if epoch == 1:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    learned = rbm.train(PATTERNS, fresh(), epochs=50, batch_size=30, rng=generator(), on_epoch=stop)
    assert signal.getsignal(signal.SIGINT) is before
    assert learned.history.interrupted
    assert len(learned.history.epochs) == len(seen) == 2
    assert np.isfinite(learned.W).all()
    assert not np.array_equal(learned.W, fresh().W)


def test_progress_shows_what_there_is(capsys):
    rbm.train(PATTERNS, fresh(), epochs=1, rng=generator(), progress="learning")
    assert capsys.readouterr().out == ""


# --- monitors ----------------------------------------------------------------------------------------------------------
def test_pseudo_likelihood_is_the_sum_of_conditionals():
    rng = generator(1)
    theta = rng.normal(size=(4, 3)), rng.normal(size=4), rng.normal(size=3)
    p = rbm.visible_distribution(*theta)
    got = rbm.log_pseudo_likelihood(rbm.all_states(4), *theta)
    for code in range(16):
        expected = sum(np.log(p[code] / (p[code] + p[code ^ 1 << i])) for i in range(4))
        assert got[code] == pytest.approx(expected, rel=100 * EPS)


def test_reconstruction_error_of_extreme_machines():
    x = np.array([[1, 0], [0, 1]])
    copying = 1000 * np.array([[2.0, 0.0], [0.0, 2.0]]), np.full(2, -1000.0), np.full(2, -1000.0)
    assert rbm.reconstruction_error(x, *copying) == 0
    assert rbm.reconstruction_error(x, np.zeros((2, 1)), np.zeros(2), np.zeros(1)) == 0.25


# --- the machine as an object ------------------------------------------------------------------------------------------
def test_machine_of_data_trains_and_samples():
    machine = rbm.RBM.for_data(PATTERNS, 3, rng=generator())
    assert repr(machine) == "RBM(6 visible, 3 hidden units, float64)"
    history = machine.fit(PATTERNS, k=2, rate=0.3, plateau=100, epochs=60, batch_size=20, rng=generator())
    assert machine.log_likelihood(PATTERNS).mean() == pytest.approx(history.epochs[-1].log_likelihood, rel=8 * EPS)
    assert history.epochs[-1].log_likelihood > -1.5
    expected = rbm.log_likelihood(PATTERNS[:1], *machine.parameters)[0]
    assert -machine.free_energy(PATTERNS[0]) - machine.log_partition() == pytest.approx(expected, rel=8 * EPS)
    assert machine.hidden(PATTERNS).shape == (120, 3)
    assert machine.visible(np.ones((2, 3))).shape == (2, 6)
    assert machine.sample(3, steps=1, rng=generator()).shape == (3, 6)


def test_samples_of_a_machine_follow_it():
    rng = generator(1)
    machine = rbm.RBM(0.5 * rng.normal(size=(4, 3)), rng.normal(size=4), rng.normal(size=3))
    kernel = rbm.hidden_kernel(*machine.parameters)
    steps = 40
    slowest = np.sort(np.abs(np.linalg.eigvals(kernel)))[-2]
    assert slowest**steps < 1e-6  # the chains have forgotten their start
    samples = machine.sample(4000, steps=steps, rng=rng)
    # Hoeffding for each of 16 states, false alarm 1e-9 in all
    frequency = np.bincount(rbm.pack_states(samples)[:, 0].astype(int), minlength=16) / 4000
    reach = np.sqrt(np.log(2 * 16 / 1e-9) / (2 * 4000))
    assert np.abs(frequency - rbm.visible_distribution(*machine.parameters)).max() <= reach + 1e-5
    start = rng.integers(0, 2, (5, 4))
    np.testing.assert_array_equal(machine.sample(5, steps=0, start=start, rng=rng), start)
    with pytest.raises(ValueError, match="a state for each of the 3 chains, got 5"):
        machine.sample(3, steps=1, start=start, rng=rng)
    with pytest.raises(ValueError, match="n must be at least 1"):
        machine.sample(0, steps=1, rng=rng)


def test_machine_saved_and_read_back(tmp_path):
    machine = rbm.RBM.for_data(PATTERNS, 3, rng=generator(), dtype=np.float32)
    path = machine.save(tmp_path / "new" / "rbm.npz")
    again = rbm.RBM.load(path)
    for got, want in zip(again.parameters, machine.parameters, strict=True):
        np.testing.assert_array_equal(got, want)
        assert got.dtype == np.float32
    assert [file.name for file in path.parent.iterdir()] == ["rbm.npz"]
    with pytest.raises(ValueError, match=r"name it rbm.npz"):
        machine.save(tmp_path / "rbm.pkl")


def test_files_that_hold_no_machine(tmp_path):
    with pytest.raises(FileNotFoundError):
        rbm.RBM.load(tmp_path / "nothing.npz")
    np.savez(tmp_path / "part.npz", W=np.ones((2, 2)), b=np.ones(2))
    np.save(tmp_path / "array.npy", np.ones(3))
    (tmp_path / "text.npz").write_text("hello")
    (tmp_path / "empty.npz").write_bytes(b"")
    machine = rbm.RBM.for_data(PATTERNS, 3, rng=generator()).save(tmp_path / "whole.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(machine[: len(machine) // 2])
    for name in ("part.npz", "array.npy", "text.npz", "empty.npz", "cut.npz"):
        with pytest.raises(ValueError, match="holds no Boltzmann machine"):
            rbm.RBM.load(tmp_path / name)
    np.savez(tmp_path / "nan.npz", W=np.full((2, 2), np.nan), b=np.ones(2), a=np.ones(2))
    with pytest.raises(ValueError, match="W must be finite"):
        rbm.RBM.load(tmp_path / "nan.npz")


# --- bad input ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(method="svl"), "method must be one of cd, pcd, lvs, got 'svl'"),
        (dict(k=0), "k must be at least 1, got 0"),
        (dict(epochs=-1), "epochs must be at least 0"),
        (dict(batch_size=0), "batch_size must be at least 1"),
        (dict(rate=-0.1), r"rate must be a finite number in \[0, inf\]"),
        (dict(rate=np.nan), "rate must be a finite number"),
        (dict(momentum=1.5), r"momentum must be a finite number in \[0, 1\]"),
        (dict(plateau=0), "plateau must be at least 1"),
        (dict(warmup=-1), "warmup must be at least 0"),
        (dict(method="lvs", rounds=0), "rounds must be at least 1"),
        (dict(method="lvs", largest_set=0), "largest_set must be at least 1"),
        (dict(x_test=PATTERNS[:, :3]), r"x_test must have shape \(..., 6\)"),
        (dict(x=PATTERNS[:0]), r"x must be \(N, 6\) with at least one row"),
        (dict(x=PATTERNS[:, :5]), r"x must have shape \(..., 6\)"),
        (dict(x=PATTERNS * 255), "zeros and ones only, got 255"),
        (dict(x=np.full((3, 6), np.nan)), "zeros and ones only, got nan"),
        (dict(start=fresh()._replace(W=np.full((6, 3), np.nan))), "W must be finite, got nan"),
    ],
)
def test_bad_input(options, message):
    x, start = options.pop("x", PATTERNS), options.pop("start", fresh())
    with pytest.raises(ValueError, match=message):
        rbm.train(x, start, **{"epochs": 1, "warmup": 0, "rng": generator(), **options})


def test_training_that_diverges_is_told():
    with pytest.raises(ValueError, match=r"finite.*did training diverge"), np.errstate(all="ignore"):
        rbm.train(PATTERNS, fresh(), rate=1e308, weight_decay=1e3, epochs=5, rng=generator())


@pytest.mark.parametrize("options", [dict(rng=0), dict(rng=None), dict(k=1.0), dict(rate="fast"), dict(epochs=True)])
def test_bad_types(options):
    with pytest.raises(TypeError, match="must be"):
        rbm.train(PATTERNS, fresh(), **{"rng": generator(), **options})
