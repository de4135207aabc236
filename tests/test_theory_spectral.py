"""Spectral dynamics beyond its laws: what is refused, modules, trackers, whole nets, and a run of grokking in small."""

import math
import os
import signal

import numpy as np
import pytest

from minidl import nn
from minidl.autograd import Tensor, cross_entropy
from minidl.autograd.check import check_gradients
from minidl.laws.core import agree
from minidl.optim import AdamW
from minidl.theory import spectral as S
from minidl.theory.spectral.nets import modules

RNG = np.random.default_rng(0)
W, NEXT = RNG.standard_normal((4, 6)), RNG.standard_normal((3, 4))
EPS = np.finfo(float).eps


# --- what is refused -------------------------------------------------------------------------------------------------
WEIGHTS = {
    "a vector": (np.ones(3), ValueError, r"matrix \(out, in\)"),
    "a number": (2.0, ValueError, r"got shape \(\)"),
    "nothing": (np.ones((0, 3)), ValueError, "is empty"),
    "a nan": (np.where(np.eye(3) == 1, np.nan, 0.0), ValueError, r"got nan at \(0, 0\): did training diverge"),
    "an infinity": (np.full((2, 2), np.inf), ValueError, "must be finite"),
    "complex numbers": (np.ones((2, 2)) * 1j, TypeError, "got complex128"),
    "words": (np.array([["a", "b"]]), TypeError, "float32 or float64"),
    "half precision": (np.ones((2, 2), np.float16), TypeError, "got float16"),
}
TAKES_A_WEIGHT = {
    "as_matrix": S.as_matrix,
    "singular_values": S.singular_values,
    "thin_svd": S.thin_svd,
    "truncate": lambda w: S.truncate(w, 1),
    "alignment_matrix": lambda w: S.alignment_matrix(w, w),
    "agreement_matrix": lambda w: S.agreement_matrix(w, w),
    "path_agreement": lambda w: S.path_agreement(w, w),
    "mask_agreement": lambda w: S.mask_agreement(w, np.ones(np.shape(w))),
    "snapshot": lambda w: S.snapshot([w]),
}


@pytest.mark.parametrize("function", TAKES_A_WEIGHT)
@pytest.mark.parametrize("what", WEIGHTS)
def test_what_is_no_weight(what, function):
    weight, kind, message = WEIGHTS[what]
    with pytest.raises(kind, match=message):
        TAKES_A_WEIGHT[function](weight)


@pytest.mark.parametrize("function", [S.effective_rank, S.normalised_effective_rank, S.count_90, S.stable_rank])
@pytest.mark.parametrize(
    ("s", "eps", "kind", "message"),
    [
        ([], 0.0, ValueError, "is empty"),
        (np.ones((2, 2)), 0.0, ValueError, r"singular_values\(w\) makes them"),
        ([1.0, -0.5], 0.0, ValueError, "not negative, got -0.5"),
        ([1.0, np.nan], 0.0, ValueError, r"got nan at \(1,\)"),
        ([1.0], -1e-10, ValueError, "eps must be a finite number from 0"),
        ([1.0], np.inf, ValueError, "eps must be a finite number"),
        ([1.0], "small", TypeError, "eps must be a number, got 'small'"),
        ([True, False], None, TypeError, "eps must be a number, got None"),
    ],
)
def test_what_is_no_spectrum(function, s, eps, kind, message):
    with pytest.raises(kind, match=message):
        function(s, eps)


REFUSED = {
    "layers that do not meet": (
        lambda: S.alignment_matrix(W, W),
        r"w has 4 rows, w_next of shape \(4, 6\) reads 6.*transpose.*skip=True",
    ),
    "an embedding that does not meet": (lambda: S.alignment_matrix(W, NEXT, True), "w has 6 columns"),
    "taps that do not meet": (lambda: S.tap_alignments(W, np.ones((2, 5, 3, 3))), "reads 5"),
    "planes that do not meet": (lambda: S.alignment_cosines(W, W, 1), "do not meet"),
    "versions of two shapes": (lambda: S.agreement_matrix(W, NEXT), r"other must have the shape \(4, 6\) of w"),
    "too many directions": (lambda: S.alignment_cosines(W, NEXT, 4), "k must be at most R = 3"),
    "too many directions of versions": (lambda: S.agreement_cosines(W, W, 5), "at most R = 4"),
    "no directions": (lambda: S.agreement_cosines(W, W, 0), "k must be at least 1"),
    "columns that are not orthonormal": (lambda: S.subspace_cosines(NEXT.T, NEXT.T), "columns of a must be orthonormal"),
    "columns of two lengths": (lambda: S.subspace_cosines(np.eye(3), np.eye(4)), "of one length, got 3 and 4"),
    "heads that do not divide": (lambda: S.head_alignments(W, W, 3), "3 heads cannot share 4 rows"),
    "queries unlike keys": (lambda: S.head_alignments(W, NEXT, 2), "key must have the shape"),
    "a score of a vector": (lambda: S.diagonal_score(np.ones(3)), "must be a matrix"),
    "a score of nothing": (lambda: S.diagonal_score(np.eye(3), 0), "top must be at least 1"),
    "a width of nothing": (lambda: S.haar_baseline(0), "n must be at least 1"),
    "more than all": (lambda: S.truncate(W, 5), "keep must be at most R = 4"),
    "less than nothing": (lambda: S.truncate(W, -1), "keep must be at least 0"),
    "another side": (lambda: S.truncate(W, 1, "middle"), "one of top, bottom, got 'middle'"),
    "one matrix": (lambda: S.prune([W, np.ones(4)]), "needs at least two, got 1"),
    "another side of a net": (lambda: S.prune([W, NEXT], side="left"), "one of top, bottom"),
    "a fraction of nothing": (lambda: S.kept_count(5, 0.0), "fraction must be a finite number above 0"),
    "a fraction beyond all": (lambda: S.magnitude_mask(W, 1.5), "up to 1"),
    "a mask of another shape": (lambda: S.mask_agreement(W, np.ones((2, 2))), "mask must have the shape"),
    "a mask of halves": (lambda: S.mask_agreement(W, np.full(W.shape, 0.5)), "zeros and ones"),
    "a mask of nothing": (lambda: S.mask_agreement(W, np.zeros(W.shape)), "keeps nothing"),
    "two losses": (lambda: S.loss_barrier([1.0, 2.0]), "two ends and a point between"),
    "a loss of nan": (lambda: S.loss_barrier([1.0, np.nan, 2.0]), r"got nan at \(1,\)"),
    "losses in a square": (lambda: S.loss_barrier(np.ones((3, 3))), r"got shape \(3, 3\)"),
    "another reference": (lambda: S.loss_barrier([1.0, 2.0, 3.0], "median"), "one of line, mean"),
    "two points": (lambda: S.segment(2), "points must be at least 3"),
    "ends of two shapes": (lambda: S.interpolated(W, NEXT, 0.5), "the first end"),
    "ends of two names": (lambda: S.interpolated({"w": W}, {"v": W}, 0.5), "must have the same names"),
    "a dict and an array": (lambda: S.interpolated({"w": W}, W, 0.5), "must have the same names"),
    "ends of two lengths": (lambda: S.interpolated([W], [W, W], 0.5), "sequences of one length"),
    "a point at infinity": (lambda: S.interpolated(W, W, np.inf), "a must be a finite number"),
    "a loss that is not finite": (lambda: S.path_losses(lambda w: np.nan, W, W), "losses must be finite"),
    "factors that do not fit": (lambda: S.factor_gradients(W, W, W), "must fit"),
    "a negative decay": (lambda: S.soft_threshold(W, -0.1), "decay must be a finite number from 0"),
    "steps too large": (lambda: S.factor_descent(W, W.T, np.eye(4), 0.0, 10.0, 50), "diverged: step_size = 10.0"),
    "times before the start": (lambda: S.mode_curve([-1.0], 1.0, 0.1), "times must be"),
    "a negative mode": (lambda: S.mode_curve([1.0], 1.0, -0.1), "start must be a finite number from 0"),
    "no permutation": (lambda: S.modular_addition(3, 0.5, np.zeros(9, int)), "permutation of 0 to 8"),
    "a fraction that leaves nothing": (lambda: S.modular_addition(2, 0.1, np.arange(4)), "leaves 0 of 4 pairs"),
    "all for training": (lambda: S.modular_addition(3, 1.0, np.arange(9)), "leaves 9 of 9 pairs"),
    "a residue too large": (lambda: S.one_hot_pairs(np.array([[0, 3]]), 3), "residues in .0, 3.*values from 0 to 3"),
    "labels out of range": (lambda: S.margin_cross_entropy(np.ones((2, 3)), np.array([0, 3])), "labels must lie in"),
    "labels of another number": (lambda: S.margin_cross_entropy(np.ones((2, 3)), np.array([0])), "labels"),
    "one class": (lambda: S.margin_cross_entropy(np.ones((2, 1)), np.array([0, 0])), "C >= 2"),
    "an empty snapshot": (lambda: S.snapshot([]), "at least one weight matrix"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_bad_input_says_what_came(what):
    call, message = REFUSED[what]
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: S.truncate(W, 1.5), "keep must be an integer"),
        (lambda: S.draw_modular_addition(3, 0.5, rng=7), r"pass rng=np.random.default_rng\(7\)"),
        (lambda: S.one_hot_pairs(np.ones((2, 2)), 3), "pairs are integers"),
        (lambda: S.margin_cross_entropy(np.ones((2, 3)), np.ones(2)), "labels must be integers"),
        (lambda: S.SpectralTracker([W]), "a module or a function"),
        (lambda: S.singular_values(Tensor(W, requires_grad=True)), "tensor.data"),
    ],
)
def test_wrong_types(call, message):
    with pytest.raises(TypeError, match=message):
        call()


# --- numbers ---------------------------------------------------------------------------------------------------------
def test_a_zero_matrix_is_an_artefact_of_eps():
    s = S.singular_values(np.zeros((3, 5)))
    agree(S.normalised_effective_rank(s), np.float64(1), why="with eps", ulps=4)
    assert S.rank_metrics(s, 0) == (0.0, 0.0, 0, 0.0, 0.0, 0.0)


def test_what_the_authors_print():
    """They add eps to s in place before each number, so that the second and third see it twice and three times."""
    s = np.array([1e-8, 4e-9, 1e-10])
    shifted = s.copy()
    published = []
    for number in (S.effective_rank, S.count_90, S.stable_rank):
        shifted += 1e-10
        published.append(number(shifted, 0))
    ours = [S.effective_rank(s), S.count_90(s, 2e-10), S.stable_rank(s, 3e-10)]
    agree(np.array(ours), np.array(published), why="the three numbers", ulps=32)
    assert S.stable_rank(s) != published[2]


def test_single_precision_stays_and_numbers_are_floats():
    w, following = W.astype(np.float32), NEXT.astype(np.float32)
    for result in (
        S.as_matrix(w), S.singular_values(w), *S.thin_svd(w), S.alignment_matrix(w, following), S.truncate(w, 2),
        S.agreement_matrix(w, -w), S.interpolated(w, 2 * w, 0.3), S.soft_threshold(w, 0.5), *S.balanced_factors(w, 0.5),
        *S.factor_gradients(w, w.T, w @ w.T, 0.1), *S.agreement_cosines(w, w, 2), S.margin_gradient(w, np.zeros(4, int)),
        *S.factor_descent(w, w.T, w @ w.T, 0.1, 0.01, 3),
    ):  # fmt: skip
        assert result.dtype == np.float32
    assert type(S.effective_rank(S.singular_values(w))) is float
    assert type(S.diagonal_score(S.alignment_matrix(w, following))) is float
    assert S.singular_values(np.arange(6).reshape(2, 3)).dtype == np.float64  # integers


def test_layers_that_do_not_meet_may_be_skipped():
    assert S.alignment_matrix(W, W, skip=True) is None
    assert S.alignment_matrix(W, NEXT, skip=True).shape == (3, 4)
    assert S.alignment_matrix(W, NEXT, True, True) is None


def test_chance():
    """The mean entry of the alignment of unrelated layers is within Hoeffding's bound of the baseline, and so is agreement."""
    n, repeats = 32, 40
    rng = np.random.default_rng(1)
    found = []
    for _ in range(repeats):
        one, two, other = rng.standard_normal((3, n, n))
        found.append((S.alignment_matrix(one, two)[0, 0], S.agreement_matrix(one, other)[0, 0]))
    # means of `repeats` independent entries in [0, 1]: P(off by d) <= 2 exp(-2 repeats d^2) = 1e-9
    halfwidth = math.sqrt(math.log(2e9) / (2 * repeats))
    for mean, baseline in zip(np.mean(found, axis=0), (S.haar_baseline(n), S.agreement_baseline(n, n)), strict=True):
        assert abs(mean - baseline) < halfwidth
    agree(S.haar_baseline(10**6), np.float64(math.sqrt(2 / (math.pi * 10**6))), why="a large width", ulps=2**32)


def test_equal_singular_values_leave_the_subspace():
    """Singular vectors of an orthogonal matrix are arbitrary; of a projection onto a plane, the plane is not."""
    basis = np.linalg.qr(RNG.standard_normal((5, 2)))[0]
    projection = basis @ basis.T
    turned = projection + 1e-13 * RNG.standard_normal((5, 5))
    left, right = S.agreement_cosines(projection, turned, 2)
    agree(left, np.ones(2), why="outputs", ulps=2**12)
    agree(right, np.ones(2), why="inputs", ulps=2**12)


def test_balanced_factors_attain_the_minimum():
    target, decay = RNG.standard_normal((5, 4)), 0.7
    a, b = S.balanced_factors(target, decay)
    agree(a @ b, S.soft_threshold(target, decay), why="the product", ulps=256, scale=5)
    agree(a.T @ a, b @ b.T, why="the balance", ulps=256, scale=5)
    s = S.singular_values(target)
    # value by value: (s - decay)^2 is not paid where s is above the decay, and s - decay in each factor is
    expected = np.sum(np.where(s > decay, decay**2 / 2 + decay * (s - decay), s**2 / 2))
    agree(S.factor_objective(a, b, target, decay), np.float64(expected), why="the minimum", ulps=256)
    for gradient in S.factor_gradients(a, b, target, decay):
        agree(gradient, np.zeros(gradient.shape), why="the gradient", ulps=256, scale=5)
    assert [factor.shape for factor in (a, b)] == [(5, 4), (4, 4)]


def test_masks_keep_what_they_say():
    w = RNG.standard_normal((20, 30))
    for fraction in (1e-4, 0.01, 0.1, 1.0):
        count = S.kept_count(w.size, fraction)
        assert S.magnitude_mask(w, fraction).sum() == S.random_mask(RNG.random(w.shape), fraction).sum() == count
    kept = [S.mask_agreement(w, S.magnitude_mask(w, fraction), top=1) for fraction in (1.0, 0.9, 0.01)]
    agree(kept[0], np.float64(1), why="nothing dropped", ulps=2**10)
    assert kept[0] > kept[1] > kept[2]


def test_structures_between_two_ends():
    ends = [{"w": [W, (NEXT,)], "b": np.ones(2)}, {"w": [3 * W, (-NEXT,)], "b": np.zeros(2)}]
    middle = S.interpolated(*ends, 0.5)
    agree(middle["w"][0], 2 * W, why="a list in a dict", ulps=2)
    assert type(middle["w"][1]) is tuple
    agree(middle["w"][1][0], 0 * NEXT, why="a tuple in a list", ulps=0)
    agree(middle["b"], np.full(2, 0.5), why="an array", ulps=0)
    losses = S.path_losses(lambda theta: float(np.sum(theta["b"])), *ends, points=5)
    agree(losses, np.array([2.0, 1.5, 1.0, 0.5, 0.0]), why="the losses", ulps=2)


# --- the loss --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("lead", [0.0, 30.0, -40.0])
def test_margin_cross_entropy_is_the_cross_entropy(lead):
    z, y = RNG.standard_normal((5, 4)), np.array([0, 1, 2, 3, 0])
    z[np.arange(5), y] += lead
    logits, plain = Tensor(z, requires_grad=True), Tensor(z, requires_grad=True)
    S.margin_cross_entropy(logits, y).backward()
    cross_entropy(plain, y).backward()
    agree(logits.grad.data, plain.grad.data, why="the gradient", ulps=64, scale=1)
    agree(S.margin_gradient(z, y), logits.grad.data, why="the pure function", ulps=2)
    agree(S.margin_gradient(Tensor(z), y), logits.grad.data, why="of a tensor", ulps=2)


def test_margin_cross_entropy_has_derivatives_of_two_orders():
    y = np.array([1, 0, 2])
    check_gradients(lambda z: S.margin_cross_entropy(z, y), RNG.standard_normal((3, 3)), order=2)


def test_single_precision_keeps_the_gradient_of_what_is_known():
    z = np.array([[20.0, 0.0, 1.0]], np.float32)
    plain = Tensor(z, requires_grad=True)
    cross_entropy(plain, np.array([0])).backward()
    assert plain.grad.data[0, 0] == 0  # softmax rounds to 1
    expected = -(math.exp(-20) + math.exp(-19)) / (1 + math.exp(-20) + math.exp(-19))
    agree(S.margin_gradient(z, np.array([0]))[0, 0], np.float32(expected), why="at the label", ulps=64)


# --- modules -----------------------------------------------------------------------------------------------------------
def net(rng=None, dtype=np.float64):
    rng = np.random.default_rng(3) if rng is None else rng
    return nn.Sequential(
        nn.Conv2d(2, 3, 3, rng=rng, dtype=dtype),
        nn.BatchNorm(3, dtype=dtype),
        lambda x: x.reshape(len(x), -1),
        nn.Linear(3 * 4 * 4, 5, rng=rng, dtype=dtype),
        nn.BatchNorm(5, dtype=dtype),
        nn.Linear(5, 2, rng=rng, dtype=dtype),
    )


def test_weights_of_modules_are_out_by_in():
    model = net()
    weights = S.module_weights(model)
    assert list(weights) == ["layers.0.weight", "layers.3.weight", "layers.5.weight"]
    assert [w.shape for w in weights.values()] == [(3, 2, 3, 3), (5, 48), (2, 5)]
    parameters = model.parameters()
    assert np.array_equal(weights["layers.3.weight"], parameters["layers.3.weight"].data.T)
    table = nn.Sequential(nn.Embedding(7, 4, rng=RNG), nn.Linear(4, 3, rng=RNG))
    tables = list(S.module_weights(table).values())
    assert [w.shape for w in tables] == [(4, 7), (3, 4)]
    as_layer, as_table = S.alignment_matrix(*tables), S.alignment_matrix(tables[0].T, tables[1], embedding=True)
    agree(as_table, as_layer, why="an embedding is a layer of one-hot inputs", ulps=2**10, scale=1)
    assert len(list(modules([model, {"again": model}]))) == 6  # itself and five layers, once


def test_snapshots_skip_what_does_not_meet():
    taken = S.snapshot(list(S.module_weights(net()).values()))
    assert np.isnan(taken.alignment).tolist() == [True, False]  # the convolution is flattened in between
    assert taken.count_90.dtype.kind == "i"


def test_pruning_a_module_leaves_it_and_spares_the_last():
    model = net()
    before = model.state()
    pruned = S.prune_module(model, 0.5, "top")
    after = model.state()
    assert all(np.array_equal(after[name], before[name]) for name in before)
    changed = {name for name in before if not np.array_equal(pruned[name], before[name])}
    assert changed == {"layers.0.weight", "layers.3.weight"}
    rank = np.linalg.matrix_rank(pruned["layers.3.weight"])
    assert rank == S.kept_count(5) == 3
    model.load_state(pruned)


def test_a_shared_weight_is_pruned_under_all_its_names():
    shared = nn.Linear(4, 4, rng=RNG, bias=False)
    again = nn.Linear(4, 4, rng=RNG, bias=False)
    again.weight = shared.weight
    model = nn.Sequential(shared, again, nn.Linear(4, 2, rng=RNG))
    model.load_state(S.prune_module(model, 0.25))
    assert np.linalg.matrix_rank(shared.weight.data) == 1
    assert again.weight is shared.weight


def test_statistics_are_those_of_the_examples():
    model, x = net(), RNG.standard_normal((40, 2, 4, 4))
    kept = [layer.momentum for layer in modules(model) if isinstance(layer, nn.BatchNorm)]
    S.recompute_statistics(model, x)
    first = model.layers[0](x)
    normal = model.layers[1]
    agree(normal.running_mean, np.asarray(first.data).mean(axis=(0, 2, 3)), why="the mean", ulps=2**12, scale=4)
    variance = np.asarray(first.data).var(axis=(0, 2, 3)) * (640 / 639)  # unbiased, as the layer remembers it
    agree(normal.running_variance, variance, why="the variance", ulps=2**12, scale=16)
    assert [layer.momentum for layer in modules(model) if isinstance(layer, nn.BatchNorm)] == kept


def test_losses_on_the_line_between_two_states():
    x, y = RNG.standard_normal((30, 2, 4, 4)), RNG.integers(0, 2, 30)
    model, other = net(), net(np.random.default_rng(4))
    before = model.state()
    at = S.loss_at(model, x, y)
    losses = S.path_losses(at, before, other.state(), points=5)
    assert all(np.array_equal(model.state()[name], before[name]) for name in before)
    agree(losses[0], np.float64(at(before)), why="the first end", ulps=0)
    anew = S.loss_at(model, x, y, statistics=x)
    assert anew(before) != at(before)  # the running statistics were those of a new layer
    accuracy = S.loss_at(model, x, y, loss=lambda z, y: np.mean(z.data.argmax(axis=1) == y))
    assert 0 <= accuracy(before) <= 1


def test_decay_without_a_gradient_changes_no_number():
    """AdamW's decay multiplies a weight by a number: ranks and alignment stay, with eps = 0."""
    model = nn.Sequential(nn.Linear(6, 5, rng=RNG), nn.Linear(5, 4, rng=RNG))
    before = S.snapshot(list(S.module_weights(model).values()), 0.0, 3)
    optimizer = AdamW(model.parameters(), lr=0.01, weight_decay=2.0)
    for _ in range(50):
        for parameter in model.parameters().values():
            parameter.grad = Tensor(np.zeros(parameter.shape))
        optimizer.step()
    after = S.snapshot(list(S.module_weights(model).values()), 0.0, 3)
    for name in ("effective_rank", "stable_rank", "alignment"):
        agree(getattr(after, name), getattr(before, name), why=name, ulps=2**16, scale=1)
    assert np.array_equal(after.count_90, before.count_90)


# --- trackers and runs -------------------------------------------------------------------------------------------------
def test_a_tracker_records_while_a_net_trains():
    model = nn.Sequential(nn.Linear(6, 5, rng=RNG), nn.Linear(5, 3, rng=RNG))
    x, y = RNG.standard_normal((20, 6)), RNG.integers(0, 3, 20)
    tracker = S.SpectralTracker(model, every=4, values={"accuracy": lambda: nn.accuracy(model, x, y)})
    with pytest.raises(ValueError, match="nothing was recorded"):
        tracker.track()
    assert tracker.last_step == -1
    tracker.record(0)
    nn.fit(model, AdamW(model.parameters(), lr=0.01), x, y, steps=10, rng=np.random.default_rng(0), on_step=tracker)
    track = tracker.track()
    assert track.steps.tolist() == [0, 4, 8]
    assert track.names == ("layers.0.weight", "layers.1.weight")
    assert track.effective_rank.shape == track.count_90.shape == (3, 2)
    assert track.alignment.shape == (3, 1)
    assert [s.shape for s in track.spectra] == [(3, 5), (3, 3)]
    assert track.values["accuracy"].shape == (3,)
    taken = tracker.record(10)
    assert tracker.last_step == 10
    s = S.singular_values(model.layers[1].weight.data)
    agree(taken.effective_rank[1], np.float64(S.effective_rank(s)), why="the last snapshot", ulps=64)
    agree(tracker.track().spectra[1][-1], s, why="its spectrum", ulps=64)


def test_a_tracker_takes_any_weights_but_always_the_same():
    weights = {"first": W, "second": NEXT}
    tracker = S.SpectralTracker(lambda: weights, every=1, eps=0.0, top=2)
    tracker(0, 1.0)
    weights["third"] = W
    with pytest.raises(ValueError, match="the weights were first, second, now they are first, second, third"):
        tracker(1, 1.0)
    assert tracker.track().steps.tolist() == [1]


def run(seed=0, **more):
    rng = np.random.default_rng(seed)
    split = S.draw_modular_addition(7, 0.7, rng=rng)
    return S.train_modular(split, 7, rng=rng, **(dict(steps=300, width=16, every=120, lr=0.01) | more))


def test_a_run_memorises_and_repeats():
    once, again = run(), run()
    assert once.track.steps.tolist() == [0, 120, 240, 300]
    assert not once.interrupted
    assert once.track.values["train"][-1] > 0.9
    assert np.array_equal(once.track.effective_rank, again.track.effective_rank)
    assert [w.shape for w in S.module_weights(once.model).values()] == [(16, 14), (16, 16), (7, 16)]
    single = run(dtype=np.float32)
    assert single.model.parameters()["layers.0.weight"].dtype == np.float32
    # the first weights are the same numbers, rounded
    agree(single.track.effective_rank[0], once.track.effective_rank[0], why="at the start", ulps=2**32)


def test_labels_that_only_memory_fits():
    rng = np.random.default_rng(2)
    split = S.draw_modular_addition(11, 0.5, rng=rng)
    noise = S.with_random_labels(split, 11, rng=rng)
    assert np.array_equal(noise.train_x, split.train_x)
    assert np.array_equal(noise.test_y, split.test_y)
    assert np.mean(noise.train_y == split.train_y) < 0.5
    assert np.array_equal(split.train_y, split.train_x.sum(axis=1) % 11)
    assert (noise.train_y.min(), noise.train_y.max()) == (0, 10)


def test_ctrl_c_keeps_the_run(monkeypatch):
    """What was learned and recorded comes back, with a snapshot of the net as it was left."""
    plain, calls = S.SpectralTracker.__call__, []

    def interrupted(self, step, loss):
        plain(self, step, loss)
        calls.append(step)
        if step == 30:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(S.SpectralTracker, "__call__", interrupted)
    left = run(steps=5000)
    assert left.interrupted
    assert calls[-1] < 40
    assert left.track.steps.tolist() == [0, calls[-1] + 1]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_grokking_comes_with_a_fall_of_rank(seed):
    """Perfect on training pairs before step 500 and nothing else; later nearly perfect, at half of the rank or less."""
    rng = np.random.default_rng(seed)
    split = S.draw_modular_addition(23, 0.7, rng=rng)
    assert (len(split.train_y), len(split.test_y)) == (370, 159)
    track = S.train_modular(split, 23, rng=rng, dtype=np.float32).track
    train, test, rank = track.values["train"], track.values["test"], track.normalised_effective_rank[:, 1]
    assert train[:5].max() == 1
    assert test[5] < 0.1
    assert test[-1] > 0.9
    assert rank[-1] < 0.5 * rank[0]
