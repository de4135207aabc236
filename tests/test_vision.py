"""Segmentation by inpainting error: worked examples with every digit, and what the functions do at their borders.

What holds for all images is judged by the laws of the atlas; here are the numbers, the special cases and the errors.
"""

import numpy as np
import pytest

from minidl import vision

HALF_DIGIT = 0.5e-10  # the worked values are given to ten places
SMALL = vision.gaussian_kernel(3, 1.0)
MIDDLE = vision.gaussian_kernel(5, 1.5)
LARGE = vision.gaussian_kernel(11, 5.0)


def near(got, expected):
    assert np.shape(got) == np.shape(expected)
    assert np.max(np.abs(np.asarray(got) - expected)) <= HALF_DIGIT + 4 * np.finfo(float).eps * np.max(np.abs(expected))


def rows(*text):
    return np.array([[int(digit) for digit in row] for row in text])


def waves():
    """The 6 x 6 colour image of the worked example, and its start."""
    c, i, j = np.indices((3, 6, 6))
    mask = np.zeros((6, 6), bool)
    mask[1:5, 1:5] = True
    return ((7 * i + 3 * j + 5 * c) % 11) / 5 - 1, mask


def two_tone():
    """The 12 x 12 image of two colours, and its true mask."""
    truth = np.zeros((12, 12), bool)
    truth[3:9, 4:10] = True
    return np.repeat(np.where(truth, 0.5, -0.5)[None], 3, axis=0), truth


def random_case(seed=0, shape=(3, 9, 7), dtype=np.float64):
    rng = np.random.default_rng(seed)
    mask = rng.random(shape[1:]) < 0.5
    mask.flat[:2] = True, False
    return rng.uniform(-1, 1, shape).astype(dtype), mask


# --- worked examples -----------------------------------------------------------------------------------------------------
def test_kernels():
    near(SMALL, [0.2740686191, 0.4518627619, 0.2740686191])
    near(MIDDLE, [0.1200783842, 0.2338807566, 0.2920817183, 0.2338807566, 0.1200783842])
    half = [0.1093789154, 0.1072130678, 0.1009694648, 0.0913609498, 0.0794253941, 0.0663416657]
    near(LARGE, half[:0:-1] + half)
    twice = np.convolve(LARGE, LARGE)
    near(twice[[0, 10, 20]], [0.0044012166, 0.0934555626, 0.0044012166])
    assert np.array_equal(vision.gaussian_kernel(1, 3.0), [1.0])
    assert np.array_equal(vision.gaussian_kernel(3, 1e-200), [0.0, 1.0, 0.0])


def test_two_passes_of_the_default_blur_spread_as_much_as_its_truncated_kernel():
    t = np.arange(-10, 11)
    assert np.sum(t**2 * np.convolve(LARGE, LARGE)) == pytest.approx(17.0507496994, abs=HALF_DIGIT)


def test_inpainting_from_two_pixels():
    image, visible = np.zeros((1, 5, 5)), np.zeros((5, 5))
    image[0, 0, 0], image[0, 4, 4] = 0.5, -1.0
    visible[[0, 4], [0, 4]] = 1
    expected = np.full((5, 5), -0.25)  # out of reach of both: the mean
    expected[0, 0], expected[0, 1], expected[1, 0], expected[1, 1] = (
        0.4999999265,
        0.4999998789,
        0.4999998789,
        0.4999998003,
    )
    expected[4, 4], expected[4, 3], expected[3, 4], expected[3, 3] = (-0.9999999265, -0.9999998789) + (
        -0.9999998789,
        -0.9999998003,
    )
    near(vision.inpaint(image, visible, SMALL, 1)[0], expected)


def test_inpainting_from_three_pixels():
    image, visible = np.zeros((1, 3, 3)), np.zeros((3, 3))
    image[0, 0, 0], image[0, 2, 2] = 1.0, -2.0
    visible[[0, 2, 2], [0, 1, 2]] = 1
    expected = [
        [0.9999998041, 0.9999996770, -0.3333333333],
        [0.6224591871, -0.2740686255, -1.2449185249],
        [-0.0000000807, -0.7550812990, -1.2449185790],
    ]
    near(vision.inpaint(image, visible, SMALL, 1)[0], expected)


def test_the_waves():
    image, mask = waves()
    assert vision.inpainting_error(image, mask, MIDDLE, 1) == pytest.approx(1.1006520963, abs=HALF_DIGIT)
    assert vision.diversity(image, mask) == pytest.approx(43.1955, abs=HALF_DIGIT)
    assert vision.objective(image, mask, MIDDLE, 1) == pytest.approx(1.0574565963, abs=HALF_DIGIT)
    foreground = vision.inpaint_sides(image, mask, MIDDLE, 1).foreground
    near(foreground[0, [0, 3], [0, 3]], [-0.3160972267, -0.0695602956])
    gradient = vision.objective_gradient(image, mask, MIDDLE, 1)
    expected = [
        [-0.0460971132, -0.0109274553, -0.0129884833, -0.0066865855, -0.0041411299, -0.0053441413],
        [0.0136308828, -0.0071566938, 0.0170022617, 0.0253927310, -0.0085148866, -0.0191039571],
        [-0.0040408837, -0.0281529595, 0.0360814729, 0.0234106017, -0.0289228294, -0.0083016758],
    ]
    near(gradient[[0, 1, 4]], expected)


def test_a_step_of_the_waves_and_the_two_cycle():
    image, mask = waves()
    edge = vision.boundary(mask)
    assert edge.sum() == 32
    assert not edge[2:4, 2:4].any()
    gradient = vision.objective_gradient(image, mask, MIDDLE, 1)
    signs = np.where(edge, gradient > 0, mask)
    assert np.array_equal(signs, rows("000000", "101100", "101110", "011111", "001100", "110010"))
    first = vision.step(image, mask, MIDDLE, 1)
    assert np.array_equal(first, rows("000000", "011100", "011110", "011110", "011110", "000000"))
    assert np.array_equal(vision.smooth(signs), first)
    assert vision.objective(image, first, MIDDLE, 1) == pytest.approx(1.0783157696, abs=HALF_DIGIT)
    assert vision.inpainting_error(image, first, MIDDLE, 1) == pytest.approx(1.1212917696, abs=HALF_DIGIT)
    assert vision.diversity(image, first) == pytest.approx(42.976, abs=HALF_DIGIT)
    assert np.array_equal(vision.step(image, first, MIDDLE, 1), mask)


@pytest.mark.parametrize("iters", [2, 3, 7, 150])
def test_a_cycle_ends_where_running_on_would_have_ended(iters):
    image, mask = waves()
    end = vision.search(image, mask, MIDDLE, 1, iters=iters)
    assert (end.cycled, end.fixed, end.collapsed, end.iterations) == (True, False, False, 2)
    for _ in range(iters):
        mask = vision.step(image, mask, MIDDLE, 1)
    assert np.array_equal(end.mask, mask)


def test_two_tones_are_found_in_two_steps_and_stay():
    image, truth = two_tone()
    start = vision.initial_mask(12, 12)
    assert start.sum() == 64
    assert vision.inpainting_error(image, start, SMALL) == pytest.approx(0.7660939308, abs=HALF_DIGIT)
    scores = [metric(start, truth) for metric in (vision.accuracy, vision.iou, vision.miou, vision.dice)]
    near(scores, [0.8055555556, 0.5625, 0.6516203704, 0.72])
    first = vision.step(image, start, SMALL)
    assert first.sum() == 42
    assert vision.inpainting_error(image, first, SMALL) == pytest.approx(1.6022899476, abs=HALF_DIGIT)
    assert vision.iou(first, truth) == pytest.approx(0.8571428571, abs=HALF_DIGIT)
    second = vision.step(image, first, SMALL)
    assert np.array_equal(second, truth)
    assert vision.inpainting_error(image, truth, SMALL) == pytest.approx(2, abs=16 * np.finfo(float).eps)
    assert vision.diversity(image, truth) == 0
    end = vision.search(image, start, SMALL)
    assert np.array_equal(end.mask, truth)
    assert (end.iterations, end.fixed, end.cycled, end.collapsed) == (3, True, False, False)


def test_metrics():
    prediction, truth = rows("110", "010"), rows("100", "011")
    near(vision.accuracy(prediction, truth), 0.6666666667)
    assert vision.iou(prediction, truth) == 0.5
    assert vision.miou(prediction, truth) == 0.5
    near(vision.dice(prediction, truth), 0.6666666667)


def test_the_start():
    mask = vision.initial_mask(128, 128)
    assert mask.sum() == 6084
    assert mask[25:103, 25:103].all()
    assert vision.initial_mask(10, 7)[2:8, 1:6].all()
    assert vision.initial_mask(10, 7).sum() == 30
    assert vision.initial_mask(3, 20).sum() == 3 * 12
    assert np.array_equal(vision.initial_mask(4, 3), rows("000", "010", "010", "000"))


# --- special cases -------------------------------------------------------------------------------------------------------
def test_smoothing_takes_four_of_nine_and_so_leans_to_the_foreground():
    diagonal = np.eye(5, dtype=bool)
    assert 25 - vision.smooth(diagonal).sum() == 25
    assert vision.smooth(~diagonal).sum() == 23
    four = rows("00000", "01100", "01100", "00000", "00000")
    assert np.array_equal(vision.smooth(four), four)


def test_the_whole_frame_is_boundary():
    for mask in (np.zeros((4, 6)), np.ones((4, 6))):
        assert np.array_equal(vision.boundary(mask), rows("111111", "100001", "100001", "111111"))


@pytest.mark.parametrize(("full", "seed"), [(False, 8), (True, 8)])
def test_a_search_that_collapses_returns_the_mask_before(full, seed):
    """The mask of one pixel more (or less) than nothing: smoothing takes it, whatever the gradient says."""
    mask = np.full((9, 9), full)
    mask[4, 4] = not full
    image = np.zeros((1, 9, 9))
    image[0, 4, 4] = 1.0  # the gradient keeps this pixel apart
    end = vision.search(image, mask, SMALL, 1, 0.0, grad_tol=1e9)
    assert end.collapsed
    assert end.iterations == 1
    assert np.array_equal(end.mask, mask)


def test_a_constant_image_moves_nothing_once_rounding_errors_are_ignored():
    for value in (0.0, 0.3, -1.0):
        image = np.full((3, 10, 12), value)
        start = vision.initial_mask(10, 12)
        assert vision.inpainting_error(image, start, LARGE) <= 64 * np.finfo(float).eps
        end = vision.search(image, start, LARGE, grad_tol=1e-12)
        assert np.array_equal(end.mask, start)
        assert end.fixed


def test_no_iterations_give_the_start():
    image, mask = waves()
    end = vision.search(image, mask, MIDDLE, 1, iters=0)
    assert np.array_equal(end.mask, mask)
    assert end[1:] == (0, False, False, False)


def test_linearity_saves_work_and_costs_a_rounding():
    """With the blurred total given, and without; deep inside the default start no background is in reach."""
    image = np.random.default_rng(0).uniform(-1, 1, (3, 64, 64))
    mask = vision.initial_mask(64, 64)
    total = vision.blurred_total(image, LARGE)
    direct, quick = (vision.inpaint_sides(image, mask, LARGE, 2, given) for given in (None, total))
    eps = np.finfo(float).eps
    deep = quick.foreground_support == quick.foreground_support.min()
    assert deep.sum() == (40 - 2 * 10) ** 2  # the square is 40 wide, the reach 10
    outside = image[:, ~mask].mean(axis=1)
    assert np.max(np.abs(quick.foreground[:, deep] - outside[:, None])) <= 64 * eps
    # Elsewhere the support is at least the corner tap of two passes, and the difference is off by roundings near 1.
    least = np.convolve(LARGE, LARGE)[0] ** 2
    for name in ("foreground", "background"):
        assert np.max(np.abs(getattr(direct, name) - getattr(quick, name))) <= 64 * eps / least
    # The largest entries of the gradient divide by the epsilon term, b * 1e-8.
    slopes = [vision.objective_gradient(image, mask, LARGE, 2, 0.004, given) for given in (None, total)]
    assert np.max(np.abs(slopes[0] - slopes[1])) <= 64 * eps / least * np.max(np.abs(slopes[0]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_are_kept(dtype):
    image, mask = random_case(dtype=dtype)
    total = vision.blurred_total(image, MIDDLE)
    assert total.dtype == dtype
    assert vision.blur(image, MIDDLE).dtype == dtype
    assert vision.inpaint(image, mask, MIDDLE).dtype == dtype
    assert {field.dtype for field in vision.inpaint_sides(image, mask, MIDDLE, 2, total)} == {np.dtype(dtype)}
    assert vision.objective_gradient(image, mask, MIDDLE).dtype == dtype
    assert vision.step(image, mask, MIDDLE).dtype == bool
    assert vision.search(image, mask, MIDDLE).mask.dtype == bool


def test_float32_is_near_float64():
    image, mask = random_case(shape=(3, 20, 24))
    double = vision.objective_gradient(image, mask, MIDDLE)
    single = vision.objective_gradient(image.astype(np.float32), mask, MIDDLE)
    assert np.max(np.abs(double - single)) <= 256 * np.finfo(np.float32).eps * np.max(np.abs(double))


def test_a_batch_is_its_images():
    rng = np.random.default_rng(3)
    images = rng.uniform(-1, 1, (4, 2, 9, 11))
    masks = np.stack([vision.initial_mask(9, 11)] * 4)
    together = vision.search_all(images, masks, MIDDLE, 1, 0.002, 20)
    for i in range(4):
        alone = vision.search(images[i], masks[i], MIDDLE, 1, 0.002, 20)
        assert np.array_equal(together.mask[i], alone.mask)
        assert tuple(field[i] for field in together[1:]) == alone[1:]


def test_metrics_of_stacks_and_of_empty_masks():
    rng = np.random.default_rng(5)
    prediction, truth = rng.random((2, 6, 4, 5)) < 0.5
    for metric in (vision.accuracy, vision.iou, vision.miou, vision.dice):
        each = [metric(p, t) for p, t in zip(prediction, truth, strict=True)]
        assert np.array_equal(metric(prediction, truth), each)
        assert isinstance(each[0], float)
        empty = np.zeros((4, 5))
        assert metric(empty, empty) == 1
        assert metric(1 - empty, empty) == 1
    assert vision.iou(truth[0], np.zeros((4, 5))) == 0


def test_inputs_are_left_alone():
    image, mask = random_case()
    soft, total = mask.astype(float), vision.blurred_total(image, MIDDLE)
    kept = [array.copy() for array in (image, soft, total)]
    vision.objective_gradient(image, soft, MIDDLE, 2, 0.001, total)
    vision.search(image, soft, MIDDLE)
    assert all(np.array_equal(a, b) for a, b in zip((image, soft, total), kept, strict=True))


def test_the_weight_follows_size_channels_and_range():
    assert vision.scaled_diversity_weight(128, 128) == 0.001
    assert vision.scaled_diversity_weight(64, 64) == 0.004
    assert vision.scaled_diversity_weight(128, 128, span=1.0) == 0.002
    assert vision.scaled_diversity_weight(128, 128, 1) == 0.003
    image, mask = random_case()
    weight = vision.scaled_diversity_weight(9, 7)
    whole = vision.objective(image, mask, SMALL, 1, weight)
    # The same pixels in [0, 1]: I halves and V falls to a quarter, so J halves.
    half = vision.objective((image + 1) / 2, mask, SMALL, 1, vision.scaled_diversity_weight(9, 7, span=1.0))
    grey = np.repeat(image[:1], 3, axis=0)
    assert half == pytest.approx(whole / 2, rel=64 * np.finfo(float).eps)
    assert vision.objective(grey, mask, SMALL, 1, weight) == pytest.approx(
        vision.objective(grey[:1], mask, SMALL, 1, vision.scaled_diversity_weight(9, 7, 1)),
        rel=64 * np.finfo(float).eps,
    )
