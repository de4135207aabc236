"""AvaGrad on tensors: one normaliser per group, a count of steps per tensor, three variants, two kinds of decay."""

import math
from itertools import pairwise

import numpy as np
import pytest

from minidl.autograd import Tensor
from minidl.laws.core import agree, identical
from minidl.optim import AvaGrad, AvaGradW
from minidl.optim.avagrad import VARIANTS, AvaGradHyper, group_step, normaliser, step

SHAPES = [(), (3,), (2, 3), (130, 130), (129, 128), (1, 0, 3), (4,)]  # 128^2 entries and more go alone
both = pytest.mark.parametrize("make", [AvaGrad, AvaGradW])
variants = pytest.mark.parametrize("variant", VARIANTS)


def leaf(values, dtype=np.float64):
    return Tensor(np.array(values, dtype), requires_grad=True)


class Naive:
    """Tensor by tensor, as the papers and the released code print it; no packing, no common state, no early sums."""

    def __init__(self, groups, variant, decoupled, lr, beta1, beta2, eps, decay):
        self.groups = [[dict(w=np.array(w), t=0, m=0.0 * w, v=0.0 * w) for w in group] for group in groups]
        self.gammas = [None] * len(groups)
        self.variant, self.decoupled = variant, decoupled
        self.lr, self.beta1, self.beta2, self.eps, self.decay = lr, beta1, beta2, eps, decay

    def step(self, gradients):
        for k, (group, grads) in enumerate(zip(self.groups, gradients, strict=True)):
            present = [
                (p, g if self.decoupled else g + self.decay * p["w"])
                for p, g in zip(group, grads, strict=True)
                if g is not None
            ]
            for p, g in present:
                p["t"] += 1
                p["m"] = self.beta1 * p["m"] + (1 - self.beta1) * g
            used = [self.roots(p, p["t"] - 1) for p, _ in present if self.moves(p)]
            if self.variant != "released":
                self.gammas[k] = self.gamma(used)
            for (p, _), r in zip([pair for pair in present if self.moves(pair[0])], used, strict=True):
                unbiased = p["m"] if self.variant == "paper" else p["m"] / (1 - self.beta1 ** p["t"])
                if self.decoupled:
                    p["w"] = p["w"] * (1 - self.lr * self.decay)
                p["w"] = p["w"] - self.lr * self.gammas[k] / r * unbiased
            if present and self.variant == "released":
                self.gammas[k] = self.gamma([self.roots(p, p["t"]) for p, _ in present])
            for p, g in present:
                p["v"] = self.beta2 * p["v"] + (1 - self.beta2) * g**2

    def moves(self, p):
        return self.variant == "paper" or p["t"] > 1

    def roots(self, p, t):
        return np.sqrt(p["v"] / (1.0 if self.variant == "paper" else 1 - self.beta2**t)) + self.eps

    def gamma(self, roots):
        entries = np.concatenate([np.ravel(r) for r in roots] or [np.zeros(0)])
        return np.mean(1 / entries**2) ** -0.5 if entries.size else None


@both
@variants
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_class_beside_a_naive_one(make, variant, dtype):
    """Two groups, tensors that join late, come and go, and steps without any gradient."""
    rng = np.random.default_rng(3)
    shapes = [SHAPES, [(5,), (2, 2)]]
    start = [[rng.standard_normal(s).astype(dtype) for s in group] for group in shapes]
    tensors = [[leaf(w, dtype) for w in group] for group in start]
    settings = dict(lr=0.3, eps=0.05, weight_decay=0.1)
    optimizer = make([{"params": group} for group in tensors], betas=(0.8, 0.9), variant=variant, **settings)
    naive = Naive(start, variant, make is AvaGradW, 0.3, 0.8, 0.9, 0.05, 0.1)
    steps = 16
    for t in range(steps):
        gradients = [[rng.standard_normal(s).astype(dtype) for s in group] for group in shapes]
        for k, group in enumerate(gradients):
            for i in range(len(group)):
                if t in (5, 11 + k) or (t < 3 and i in (1, 3)) or (3 < t < 13 and rng.random() < 0.4):
                    group[i] = None
        for group, grads in zip(tensors, gradients, strict=True):
            for p, g in zip(group, grads, strict=True):
                p.grad = None if g is None else Tensor(g)
        optimizer.step(forget=t % 2 == 0)
        naive.step(gradients)
        for group, others in zip(tensors, naive.groups, strict=True):
            for p, other in zip(group, others, strict=True):
                assert p.dtype == dtype
                # a step rounds about ten times, each by eps / 2 of a parameter or of its move, both of size 1
                scale = max(np.abs(other["w"]).max(initial=0), 1)
                agree(
                    p.data, np.asarray(other["w"]), ulps=10 * (t + 1), scale=scale, why=f"{p.shape} after {t + 1} steps"
                )


@both
@variants
def test_packing_changes_nothing(make, variant):
    """A group as one vector, as many small tensors, and as large and small ones."""
    rng = np.random.default_rng(1)
    d = 40_000
    w, gradients = rng.standard_normal(d), rng.standard_normal((5, d)) * rng.uniform(0.01, 3, d)
    results = []
    for cuts in ([], np.arange(1000, d, 1000), [20_000, 20_003, 39_000]):
        tensors = [leaf(part) for part in np.split(w, cuts)]
        optimizer = make(tensors, eps=0.01, weight_decay=0.05, variant=variant)
        for g in gradients:
            for p, part in zip(tensors, np.split(g, cuts), strict=True):
                p.grad = Tensor(part)
            optimizer.step()
        results.append(np.concatenate([p.data for p in tensors]))
    pure, state = w, {}
    for g in gradients:
        pure, state = step(pure, g, state, vars(optimizer)["groups"][0][1])
    for got in results:
        # the order of a sum of positive terms costs log2(d) roundings, of which gamma gets half; then a few per step
        agree(got, pure, ulps=5 * 16, scale=np.abs(w).max() + 1, why=f"variant {variant}")
    identical(results[0], pure, why="one tensor is the pure step")


@variants
def test_groups_have_normalisers_of_their_own(variant):
    """Splitting into groups does change the steps: gradients of different sizes no longer share a mean."""
    apart, together = [leaf([1.0]), leaf([1.0])], [leaf([1.0]), leaf([1.0])]
    one, two = AvaGrad(together, variant=variant), AvaGrad([{"params": [p]} for p in apart], variant=variant)
    for _ in range(3):
        for tensors in (apart, together):
            tensors[0].grad, tensors[1].grad = Tensor([5.0]), Tensor([0.01])
        one.step()
        two.step()
    moved = [1 - p.item() for p in (*apart, *together)]
    assert moved[2] < moved[0]  # beside a small gradient the large one gets less than the mean rate
    assert moved[3] > moved[1]
    if variant != "released":  # alone, and d = 1: plain descent, 0.1 g per step
        steps = 2 if variant == "synced" else 3
        averaged = 1 if variant == "synced" else np.mean([0.1, 0.19, 0.271])
        agree(np.array(moved[:2]), 0.1 * np.array([5.0, 0.01]) * steps * averaged, ulps=32, scale=1.0, why="d = 1")


@both
@variants
def test_a_step_without_any_gradient_changes_nothing(make, variant):
    p, q = leaf([1.0, 2.0]), leaf([3.0])
    runs = []
    for pauses in (False, True):
        p, q = leaf([1.0, 2.0]), leaf([3.0])
        optimizer = make([{"params": [p]}, {"params": [q]}], variant=variant, weight_decay=0.1)
        for t in range(4):
            if pauses:
                before = optimizer.state_dict()
                optimizer.step()
                assert str(optimizer.state_dict()) == str(before)
            p.grad, q.grad = Tensor([0.3, -0.1 * t]), Tensor([0.7])
            optimizer.step(forget=True)
        runs.append(np.concatenate([p.data, q.data]))
    identical(runs[1], runs[0], why="pauses")


def test_changing_lr_never_touches_the_moments():
    p, q = leaf([1.0, 2.0]), leaf([1.0, 2.0])
    fast, slow = (AvaGrad([x], lr=0.1, variant="released") for x in (p, q))
    for t in range(5):
        slow.set_hyper(lr=0.1 / (t + 1))
        p.grad = q.grad = Tensor([0.3, -0.5])
        fast.step()
        slow.step()
    one, other = (o.state_dict()["groups"][0] for o in (fast, slow))
    assert one["shared"] == other["shared"]
    for name in ("m", "v"):
        identical(one["tensors"]["0"]["state"][name], other["tensors"]["0"]["state"][name], why=name)


def test_the_first_move_of_a_late_tensor():
    """Released and synced: it rests once, with decoupled decay too, while the group moves on."""
    for variant in ("released", "synced"):
        early, late = leaf([1.0]), leaf([1.0])
        optimizer = AvaGradW([early, late], variant=variant, weight_decay=0.5)
        seen = []
        for t in range(4):
            early.grad, late.grad = Tensor([0.5]), Tensor([0.5]) if t >= 2 else None
            optimizer.step(forget=True)
            seen.append((early.item(), late.item()))
        assert seen[0] == (1.0, 1.0)
        assert [b for _, b in seen[:3]] == [1.0, 1.0, 1.0]
        assert seen[3][1] < 1.0
        assert all(a[0] > b[0] for a, b in pairwise(seen))


def test_the_normaliser():
    agree(
        np.float64(normaliser([np.array([1.0, 2.0]), np.array([4.0])])),
        np.float64(math.sqrt(3 / (1 + 1 / 4 + 1 / 16))),
        ulps=4,
        why="by hand",
    )
    assert normaliser([np.full(7, 0.1), np.full((2, 2), 0.1)]) == 0.1  # exactly
    assert normaliser([np.array([0.0, 1.0])]) == 0.0
    assert normaliser([]) == normaliser([np.zeros((1, 0))]) == 0.0
    for scale in (1e-300, 1e300):  # where the squares of the reciprocals are no numbers
        got = normaliser([scale * np.array([1.0, 2.0])])
        agree(np.float64(got), np.float64(scale * math.sqrt(1.6)), ulps=4, why=f"at {scale}")
    got = normaliser([np.array([1e-30, 2e-30], np.float32)])
    agree(
        np.float64(got), np.float64(1e-30 * math.sqrt(1.6)), ulps=2**30, why="float32, to the rounding of its entries"
    )
    assert math.isnan(normaliser([np.array([1.0, math.nan])]))


@variants
def test_parts_of_a_group_are_a_group(variant):
    hyper, rng = AvaGradHyper(variant=variant, weight_decay=0.1), np.random.default_rng(0)
    w, state, gamma = rng.standard_normal(6), {}, None
    parts = [(w[:2], {}), (w[2:], {})]
    for _ in range(5):
        g = rng.standard_normal(6)
        w, state = step(w, g, state, hyper)
        pieces = [(parts[0][0], g[:2], parts[0][1]), (parts[1][0], g[2:], parts[1][1])]
        parts, gamma = group_step(pieces, gamma, hyper)
        agree(np.concatenate([p for p, _ in parts]), w, ulps=20, why="two parts")


def test_other_variants_of_the_same_word():
    with pytest.raises(ValueError, match="variant must be one of paper, released, synced, got 'official'"):
        AvaGrad([leaf([1.0])], variant="official")
    optimizer = AvaGrad([leaf([1.0])])
    with pytest.raises(ValueError, match="variant must be one of"):
        optimizer.set_hyper(variant="x")
    assert optimizer.groups[0][1].variant == "synced"
