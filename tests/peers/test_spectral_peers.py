"""Spectral dynamics beside SciPy and PyTorch: entropies, principal angles, random orthogonal matrices, masks, losses."""

import math

import numpy as np
import pytest

from minidl.laws.core import agree
from minidl.theory import spectral as S

RNG = np.random.default_rng(0)
SHAPES = [(5, 8), (40, 40), (64, 30)]


# --- SciPy -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("shape", SHAPES)
def test_ranks_by_scipy(shape):
    linalg = pytest.importorskip("scipy.linalg", reason="SciPy is not installed (pip install 'minidl[peers]')")
    stats = pytest.importorskip("scipy.stats")
    w = RNG.standard_normal(shape)
    s = linalg.svdvals(w)
    agree(S.singular_values(w), s, why="singular values", ulps=16 * max(shape))
    rank = math.exp(stats.entropy(s))
    agree(S.effective_rank(s, 0), np.float64(rank), why="effective rank", ulps=16 * len(s))
    ratio = linalg.norm(w) ** 2 / linalg.norm(w, 2) ** 2
    agree(S.stable_rank(s, 0), np.float64(ratio), why="stable rank", ulps=64 * max(shape))


@pytest.mark.parametrize(("n", "k", "l"), [(6, 2, 3), (30, 5, 5), (12, 1, 4)])
def test_principal_angles_by_scipy(n, k, l):
    linalg = pytest.importorskip("scipy.linalg", reason="SciPy is not installed (pip install 'minidl[peers]')")
    a, b = (np.linalg.qr(RNG.standard_normal((n, m)))[0] for m in (k, l))
    expected = np.cos(linalg.subspace_angles(a, b))[::-1]  # the largest angle comes first there
    agree(S.subspace_cosines(a, b), np.sort(expected)[::-1], why="cosines", ulps=64 * n, scale=1)


def test_haar_baseline_by_scipy():
    """E|q| against Haar matrices drawn by another library: within Hoeffding's bound at 1e-9."""
    stats = pytest.importorskip("scipy.stats", reason="SciPy is not installed (pip install 'minidl[peers]')")
    n, repeats = 12, 2000
    drawn = stats.ortho_group.rvs(n, size=repeats, random_state=7)
    mean = np.abs(drawn[:, 0, 0]).mean()
    # independent entries in [0, 1]: P(off by d) <= 2 exp(-2 repeats d^2) = 1e-9
    assert abs(mean - S.haar_baseline(n)) < math.sqrt(math.log(2e9) / (2 * repeats))


# --- PyTorch -----------------------------------------------------------------------------------------------------------
@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed (pip install 'minidl[peers]')")


@pytest.mark.parametrize("shape", [*SHAPES, (6, 4, 3, 3)])
def test_directions_by_torch(torch, shape):
    """Alignment of a layer with the one before it, and agreement of two versions, from torch's own decompositions."""
    w, other = RNG.standard_normal((2, *shape))
    before = RNG.standard_normal((shape[1], 7))
    u, _, _ = torch.linalg.svd(torch.tensor(before), full_matrices=False)
    left, s, right = torch.linalg.svd(torch.tensor(w).flatten(1), full_matrices=False)
    left_other, s_other, right_other = torch.linalg.svd(torch.tensor(other).flatten(1), full_matrices=False)
    # the least gap of a random matrix is what turns its vectors
    gap = min(float((x[:-1] - x[1:]).min() / x[0]) for x in (s, s_other))
    tolerance = {"ulps": 32 * max(shape) * math.prod(shape[2:]), "scale": 1 / gap}
    taps = torch.einsum("rnt,nk->trk", right.reshape(len(right), shape[1], -1), u).abs()
    centre = taps.reshape(*shape[2:], *taps.shape[1:])[tuple(n // 2 for n in shape[2:])] if shape[2:] else taps[0]
    agree(S.alignment_matrix(before, w), centre.numpy(), why="alignment", **tolerance)
    agreement = ((left.T @ left_other) * (right @ right_other.T)).abs()
    agree(S.agreement_matrix(w, other), agreement.numpy(), why="agreement", **tolerance)


def test_truncation_by_torch(torch):
    w = RNG.standard_normal((9, 6))
    u, s, vt = torch.linalg.svd(torch.tensor(w), full_matrices=False)
    for keep in (0, 2, 6):
        expected = (u[:, :keep] * s[:keep]) @ vt[:keep]
        agree(S.truncate(w, keep), expected.numpy(), why=f"the top {keep}", ulps=2**12, scale=float(s[0]))


def test_masks_by_torch(torch):
    prune = pytest.importorskip("torch.nn.utils.prune")
    w = torch.nn.Linear(8, 6)
    weight = w.weight.detach().numpy().copy()
    prune.l1_unstructured(w, "weight", amount=36)  # the number that goes
    assert np.array_equal(S.magnitude_mask(weight, 0.25), w.weight_mask.numpy() == 1)


@pytest.mark.parametrize("lead", [0.0, 5.0, -20.0])
def test_cross_entropy_by_torch(torch, lead):
    z, y = RNG.standard_normal((6, 4)), RNG.integers(0, 4, 6)
    z[np.arange(6), y] += lead
    logits = torch.tensor(z, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(y))
    loss.backward()
    # torch's sum of exponentials rounds next to 1
    agree(
        np.float64(S.margin_cross_entropy(z, y)),
        loss.detach().numpy()[()],
        why="the loss",
        ulps=128,
        scale=1 + abs(lead),
    )
    agree(S.margin_gradient(z, y), logits.grad.numpy(), why="the gradient", ulps=128, scale=1)


def test_the_net_by_torch(torch):
    """A few steps of the run beside the same net and AdamW in torch."""
    rng = np.random.default_rng(3)
    split = S.draw_modular_addition(5, 0.7, rng=rng)
    run = S.train_modular(split, 5, rng=np.random.default_rng(4), steps=20, width=8, lr=0.01, every=20)
    start = S.modular_net(5, 8, rng=np.random.default_rng(4))
    weights = [torch.tensor(w, requires_grad=True) for w in start.state().values()]
    optimizer = torch.optim.AdamW(weights, lr=0.01, betas=(0.9, 0.98), weight_decay=1.0)
    x, y = torch.tensor(S.one_hot_pairs(split.train_x, 5)), torch.tensor(split.train_y)
    for _ in range(20):
        optimizer.zero_grad()
        hidden = torch.relu(torch.relu(x @ weights[0]) @ weights[1])
        torch.nn.functional.cross_entropy(hidden @ weights[2], y).backward()
        optimizer.step()
    for ours, theirs in zip(run.model.state().values(), weights, strict=True):
        # Adam passes relative errors of gradients on: sums of 17 examples, in 20 steps
        agree(ours, theirs.detach().numpy(), why="weights after 20 steps", ulps=3 * 17 * 20)
