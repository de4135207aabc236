"""The objective on all masks of a tiny image, by another program; what the search reaches there, and what is optimal."""

import numpy as np
import pytest

from minidl import vision

H, W = 4, 4
KERNEL = vision.gaussian_kernel(3, 1.0)
WEIGHT = 0.001
EPS = np.finfo(float).eps


def all_masks():
    """Every mask that is neither empty nor full: (2^16 - 2, 16) of zeros and ones; row i has the code i + 1."""
    codes = np.arange(1, 2 ** (H * W) - 1)
    return ((codes[:, None] >> np.arange(H * W)) & 1).astype(float)


def code(mask):
    return int((np.asarray(mask, int).ravel() << np.arange(H * W)).sum()) - 1


MASKS = all_masks()


def values(image, reps):
    """I and V of all masks at once, from pair-wise sums over pixels: (2^16 - 2,) each.

    The blur is the matrix of |i - i'|, |j - j'|; V is the mean squared distance of all pairs within a region.
    """
    i, j = np.divmod(np.arange(H * W), W)
    taps = np.array([KERNEL[1], KERNEL[2]])
    tap = lambda d: np.where(np.abs(d) <= 1, taps[np.minimum(np.abs(d), 1)], 0.0)  # noqa: E731
    once = tap(i[:, None] - i) * tap(j[:, None] - j)  # (16, 16)
    reach = np.linalg.matrix_power(once, reps) + 1e-8
    pixels = image.reshape(len(image), -1)  # (C, 16)
    pairs = np.square(pixels[:, :, None] - pixels[:, None]).sum(axis=0)  # (16, 16)
    error = spread = 0
    for side in (MASKS, 1 - MASKS):
        seen = 1 - side
        off = sum(np.abs(x - (seen * x) @ reach / (seen @ reach)) for x in pixels) / len(pixels)  # (2^16 - 2, 16)
        error = error + (side * off).sum(axis=1) / side.sum(axis=1)
        spread = spread + np.einsum("mp,pq,mq->m", side, pairs, side, optimize=True) / (2 * side.sum(axis=1))
    return error, spread


def two_tone():
    truth = np.zeros((H, W), bool)
    truth[1:3, 1:3] = True
    return np.where(truth, 0.5, -0.5)[None], truth


def noise(seed):
    return np.random.default_rng(seed).uniform(-1, 1, (2, H, W))


@pytest.mark.parametrize("reps", [1, 2])
@pytest.mark.parametrize("image", [two_tone()[0], noise(0), noise(1)], ids=["two tones", "noise 0", "noise 1"])
def test_the_objective_of_masks_by_enumeration(image, reps):
    error, spread = values(image, reps)
    for k in np.random.default_rng(0).integers(len(MASKS), size=60):
        mask = MASKS[k].reshape(H, W)
        # The quotient of two sums of 16 terms, off by 2 * 16 roundings, once per pixel and side at the scale of 1.
        assert vision.inpainting_error(image, mask, KERNEL, reps) == pytest.approx(error[k], abs=128 * EPS)
        assert vision.diversity(image, mask) == pytest.approx(spread[k], abs=128 * EPS * np.sum(image**2))


def test_of_two_tones_the_true_mask_is_optimal_and_the_search_finds_it():
    image, truth = two_tone()
    error, spread = values(image, 1)
    best = np.flatnonzero(error - WEIGHT * spread >= np.max(error - WEIGHT * spread) - 64 * EPS)
    assert sorted(best) == sorted([code(truth), code(~truth)])
    assert error[best] == pytest.approx(2.0, abs=64 * EPS)  # twice the distance of the colours
    assert np.all(error <= 2 + 64 * EPS)
    for start in (vision.initial_mask(H, W), np.eye(H, dtype=bool) | np.eye(H, dtype=bool)[::-1]):
        assert np.array_equal(vision.search(image, start, KERNEL, 1).mask, truth)


def test_of_noise_the_optimum_is_a_set_that_smoothing_forbids():
    """A few pixels that are hard to guess beat every mask that smoothing keeps; the search ends far below both."""
    i, j = np.divmod(np.arange(H * W), W)
    around = (np.abs(i[:, None] - i) <= 1) & (np.abs(j[:, None] - j) <= 1)  # (16, 16)
    kept = np.all((MASKS @ around >= 4) == MASKS, axis=1)  # (2^16 - 2,)
    assert np.array_equal(vision.smooth(MASKS[kept][7].reshape(H, W)).ravel(), MASKS[kept][7])
    for seed in range(6):
        image = noise(seed)
        error, spread = values(image, 1)
        objective = error - WEIGHT * spread
        end = vision.search(image, vision.initial_mask(H, W), KERNEL, 1)
        best, best_kept = int(objective.argmax()), float(objective[kept].max())
        assert not kept[best]
        assert objective[code(end.mask)] < best_kept < objective[best]


def test_a_fixed_point_agrees_with_the_sign_of_its_gradient_up_to_smoothing():
    """What a fixed point is: flipping the boundary by the gradient's sign, then smoothing, gives it back."""
    ends = [vision.search(noise(seed), vision.initial_mask(H, W), KERNEL, 1) for seed in range(30)]
    fixed = [(noise(seed), end.mask) for seed, end in enumerate(ends) if end.fixed]
    assert len(fixed) >= 3
    for image, mask in fixed:
        gradient = vision.objective_gradient(image, mask, KERNEL, 1)
        flipped = np.where(vision.boundary(mask), gradient > 0, mask)
        assert np.array_equal(vision.smooth(flipped), mask)
    assert all(0 < end.mask.sum() < H * W for end in ends)  # whatever happened, both sides have pixels


def test_steps_may_fall():
    """A step moves all of the boundary at once and is no line search: from random masks J rises often, and not always."""
    rng = np.random.default_rng(7)
    rises = []
    for seed in range(150):
        image, mask = noise(seed), vision.smooth(rng.random((H, W)) < 0.5)
        if mask.any() and not mask.all():
            after = vision.step(image, mask, KERNEL, 1)
            if after.any() and not after.all():
                rises.append(vision.objective(image, after, KERNEL, 1) - vision.objective(image, mask, KERNEL, 1))
    assert len(rises) > 100
    assert np.mean(np.array(rises) > 0) > 0.4
    assert min(rises) < 0
