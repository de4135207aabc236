"""The drawn data sets: what they promise, and that `strokes` is as hard as it says."""

import numpy as np
import pytest

from minidl.data import DataError, blobs, load, spirals, strokes
from minidl.data.glyphs import STYLES, _spline, build, glyphs
from minidl.data.pen import FIELDS, NOISE, POINTS, draw


def images_of(seed: int, n: int, **options) -> tuple[np.ndarray, np.ndarray]:
    return strokes(n, rng=np.random.default_rng(seed), **options)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_images_are_eight_bit_pictures_with_labels(dtype):
    images, labels = images_of(0, 300, dtype=dtype)
    assert images.shape == (300, 28, 28)
    assert images.dtype == dtype
    assert labels.dtype == np.int64
    assert images.min() == 0
    assert images.max() <= 1
    np.testing.assert_array_equal(images, np.rint(images * 255).astype(np.uint8) / dtype(255))
    assert set(labels) == set(range(10))


def test_seed_decides_and_length_does_not():
    longer, longer_labels = images_of(5, 1300)  # three chunks, the last one partial
    shorter, shorter_labels = images_of(5, 700)
    np.testing.assert_array_equal(longer[:700], shorter)
    np.testing.assert_array_equal(longer_labels[:700], shorter_labels)
    assert np.any(images_of(6, 700)[0] != shorter)


def test_class_frequencies_are_equal():
    # Hoeffding: a frequency of n draws is off by more than sqrt(log(2e10) / 2n) with probability at most 1e-10; ten classes.
    n = 4000
    frequencies = np.bincount(images_of(1, n)[1], minlength=10) / n
    assert np.all(np.abs(frequencies - 0.1) <= np.sqrt(np.log(2e10) / (2 * n)))


def test_draw_is_a_pure_function_of_its_noise():
    u = np.random.default_rng(0).random((20, NOISE))
    labels = np.arange(20) % 10
    together = draw(labels, u)
    assert together.dtype == np.uint8
    for i in (3, 17):
        np.testing.assert_array_equal(draw(labels[i : i + 1], u[i : i + 1])[0], together[i])


def test_every_style_is_reached_also_by_the_largest_uniform():
    u = np.full((1, NOISE), 0.5)
    for digit, styles in enumerate(STYLES):
        pictures = set()
        for index in range(len(styles)):
            u[:, 0] = (index + 1) / len(styles) - 2**-53  # in float32 the last one would be 1
            image = draw(np.array([digit]), u)
            assert image.max() > 128, "a style without ink"
            pictures.add(image.tobytes())
        assert len(pictures) == len(styles)


def plain_stick(**changes) -> np.ndarray:
    """The digit 1 as a bare line, undeformed and unsoiled but for `changes` to single uniforms: (28, 28) grey levels."""
    parts = {name: np.full((1, width), 0.5) for name, width in FIELDS.items()}
    parts["style"][:] = 0.0  # without flag or foot
    parts["affine"][:, 2] = changes.get("slant", 0.25 / 0.70)  # slant 0 of (-0.25, 0.45)
    parts["affine"][:, 3] = changes.get("turn", 0.5)
    parts["affine"][:, 4:] = changes.get("shift", (0.5, 0.5))
    parts["pen"][:] = [
        0.5,
        0.0,
        0.0,
        0.0,
    ]  # width 0.85 (1 + 0.35 sin(pi t)) at the fraction t of the line, full pressure
    parts["mark_pen"][:] = 0.0  # no stray marks
    parts["tone"][:] = [0, 0, 0, 0, 1]  # no haze, full contrast
    return draw(np.array([1]), np.concatenate([*parts.values()], axis=1))[0].astype(int)


def test_plain_stick_stands_in_the_middle_and_is_as_dark_as_the_formula():
    """Undeformed, the digit 1 is a vertical line: density 1 along its middle, symmetric, nothing far from it."""
    image = plain_stick()
    assert np.abs(image - image[:, ::-1]).max() <= 1  # equal before they were rounded to grey levels
    # The middle columns are half a pixel from the line: density exp(-1 / (8 s^2)), and s = 0.85 * 1.35 at t = 1/2.
    # Within a brush's reach around there (2 s = 2.3 of 17 pixels) the sine falls to 0.91, s by 2.4 %: 2 grey levels.
    expected = 255 * (1 - np.exp(-2.5 * np.exp(-1 / (8 * (0.85 * 1.35) ** 2))))
    assert np.abs(image[13:15, 13:15] - expected).max() <= 2
    assert not image[:, :8].any()
    assert not image[:2].any()


def test_deformations_go_the_way_they_say():
    def lean(image: np.ndarray) -> float:
        """How far the ink of the upper half is to the right of that of the lower half, in pixels."""
        halves = (image[:14].sum(axis=0), image[14:].sum(axis=0))
        upper, lower = (half @ np.arange(28) / half.sum() for half in halves)
        return upper - lower

    # The halves' middles are half the line apart: 18.5 * 0.92 / 2 = 8.5 pixels, so a slant of 0.45 leans by 3.8,
    # a turn by 0.22 (clockwise, as y points down) by 8.5 sin 0.22 = 1.9; the pen's width wave shifts the halves' middles.
    assert lean(plain_stick(slant=1.0)) == pytest.approx(3.8, rel=0.1)
    assert lean(plain_stick(turn=1.0)) == pytest.approx(1.9, rel=0.1)
    assert lean(plain_stick(turn=0.0)) == pytest.approx(-1.9, rel=0.1)
    shifted = plain_stick(shift=(0.5 + 1 / 3.2, 0.5 - 1 / 3.2))  # of 2 * 1.6 pixels: one to the right, one up
    assert np.abs(shifted[:-1, 1:] - plain_stick()[1:, :-1]).max() <= 1  # the rounding of a grey level


def test_spline_of_even_points_on_a_line_is_that_line_at_even_speed():
    curve = _spline([0, 1, 2], 3) @ np.array([0.0, 1.0, 2.0])
    np.testing.assert_allclose(curve, np.linspace(0, 2, len(curve)), rtol=0, atol=16 * np.finfo(float).eps)  # 16 terms


def test_spline_passes_through_its_points_and_steps_add_up():
    for styles in STYLES:
        for style in styles:
            glyph = build(style)
            assert len(glyph.control) <= POINTS
            # Affine invariance: the weights of every sample sum to 1, those of every step to 0.
            rounding = 64 * np.finfo(float).eps  # a sum of at most 12 weights, of cubic polynomials of size about 1
            np.testing.assert_allclose(glyph.middle.sum(axis=1), 1, rtol=0, atol=rounding)
            np.testing.assert_allclose(glyph.step.sum(axis=1), 0, rtol=0, atol=rounding)
            # Chords of equal arc are at most as long as it, and close to it; each control point has a sample nearby.
            lengths = np.linalg.norm(glyph.step @ glyph.control, axis=1)
            assert lengths.max() <= 0.36 * (1 + rounding)
            middle = glyph.middle @ glyph.control
            nearest = np.linalg.norm(glyph.control[:, None] - middle[None], axis=2).min(axis=1)
            assert nearest.max() <= 0.36 / 2 + rounding
    assert glyphs() is glyphs()


@pytest.mark.parametrize(
    ("labels", "u", "message"),
    [
        ([10], np.zeros((1, NOISE)), r"0\.\.9, got 10\.\.10"),
        ([0.5], np.zeros((1, NOISE)), "integers, got float64"),
        ([[1]], np.zeros((1, NOISE)), "1-d array"),
        ([1, 2], np.zeros((1, NOISE)), "got \\(1,"),
    ],
)
def test_draw_refuses(labels, u, message):
    with pytest.raises(DataError, match=message):
        draw(np.array(labels), u)


@pytest.fixture(scope="module")
def digits():
    return load("strokes", n_train=8000, n_test=2000, seed=0, dtype=np.float32)


def test_linear_model_stays_under_90_percent(digits):
    """Softmax regression, at every iteration up to separating the training set, judged by the test set itself.

    The best iteration is more than any choice of penalty or stopping time could honestly reach.
    """
    data = digits.flat()
    mean = data.x_train.mean(axis=0)
    x, x_test = data.x_train - mean, data.x_test - mean
    variances, axes = np.linalg.eigh(x.T @ x / len(x))
    # Whitened, but for directions of little variance, which are noise: gradient descent converges in few steps.
    whiten = axes / np.sqrt(variances + 0.1)
    x, x_test = x @ whiten, x_test @ whiten
    targets = np.eye(10, dtype=np.float32)[data.y_train]
    weights = before = np.zeros((784, 10), np.float32)
    scores = []
    for step in range(150):
        ahead = weights + step / (step + 3) * (weights - before)  # Nesterov
        p = np.exp(x @ ahead)
        p /= p.sum(axis=1, keepdims=True)
        # The loss' curvature is at most 1/2 times the largest variance, at most 1: a step of 2 is safe.
        before, weights = weights, ahead - 2 * x.T @ (p - targets) / np.float32(len(x))
        scores.append(np.mean((x_test @ weights).argmax(axis=1) == data.y_test))
    learned = np.mean((x @ weights).argmax(axis=1) == data.y_train)
    assert learned > 0.99, "the classifier has not converged, so its score says nothing"
    assert 0.8 < max(scores) < 0.9


def test_features_of_stroke_direction_pass_97_percent(digits):
    """A model that looks for directed edges near each place, as convolutional nets do, solves it: the labels are true."""

    def features(images: np.ndarray) -> np.ndarray:
        dy = images[:, 2:, 1:-1] - images[:, :-2, 1:-1]  # (N, 26, 26)
        dx = images[:, 1:-1, 2:] - images[:, 1:-1, :-2]
        angle, size = np.arctan2(dy, dx), np.hypot(dy, dx)
        cells = (np.arange(7) + 0.5) * 26 / 7
        window = np.exp(-2 * ((np.arange(26)[:, None] + 0.5 - cells) * 7 / 26) ** 2).astype(np.float32)  # (26, 7)
        directions = 2 * np.pi * np.arange(8, dtype=np.float32) / 8
        cosines = (size * np.maximum(np.cos(angle - direction), 0) ** 4 for direction in directions)
        pooled = np.stack([window.T @ cosine @ window for cosine in cosines], axis=1)  # (N, 8, 7, 7)
        rows = np.sqrt(pooled.reshape(len(images), -1))
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)  # (N, 392), on the unit sphere

    train, test = features(digits.x_train[:2500]), features(digits.x_test)
    kernel = np.exp((train @ train.T - 1) / 0.3**2) + 0.01 * np.eye(len(train), dtype=np.float32)
    coefficients = np.linalg.solve(kernel, np.eye(10, dtype=np.float32)[digits.y_train[:2500]])
    scores = np.exp((test @ train.T - 1) / 0.3**2) @ coefficients
    assert np.mean(scores.argmax(axis=1) == digits.y_test) > 0.97


def test_spirals_without_noise_lie_on_their_arms():
    points, labels = spirals(200, rng=np.random.default_rng(0), classes=4, noise=0.0, turns=1.5)
    radius = np.hypot(*points.T)
    assert radius.min() >= 0.1
    assert radius.max() <= 1
    t = (radius - 0.1) / 0.9
    arm = np.arctan2(points[:, 1], points[:, 0]) / (2 * np.pi) - 1.5 * t  # = label / 4, up to whole turns
    off = arm - labels / 4
    # t carries a rounding of an ulp of 1 over 0.9, times 1.5 turns, and the angle one of half a turn: 8 eps covers them.
    np.testing.assert_allclose(off - np.rint(off), 0, rtol=0, atol=8 * np.finfo(float).eps)


def test_blobs_sit_around_a_polygon():
    noise, n = 0.25, 4000
    points, labels = blobs(n, rng=np.random.default_rng(0), classes=4, noise=noise)
    corners = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])
    for label, corner in enumerate(corners):
        cloud = points[labels == label]
        assert len(cloud) == n // 4
        # Gaussian tail: a mean of m normals is off by z s / sqrt(m) with probability 2 exp(-z^2/2): z = 7 is 5e-11.
        assert np.all(np.abs(cloud.mean(axis=0) - corner) <= 7 * noise / np.sqrt(len(cloud)))
    exact, labels = blobs(8, rng=np.random.default_rng(0), classes=4, noise=0.0)
    np.testing.assert_allclose(
        exact, corners[labels], rtol=0, atol=4 * np.finfo(float).eps
    )  # cos and sin to an ulp of 2 pi


@pytest.mark.parametrize("make", [spirals, blobs])
def test_points_are_balanced_typed_and_repeatable(make):
    points, labels = make(100, rng=np.random.default_rng(3), classes=3, dtype=np.float32)
    assert points.shape == (100, 2)
    assert points.dtype == np.float32
    assert labels.dtype == np.int64
    assert sorted(np.bincount(labels)) == [33, 33, 34]
    np.testing.assert_array_equal(points, make(100, rng=np.random.default_rng(3), classes=3, dtype=np.float32)[0])


@pytest.mark.parametrize("make", [strokes, spirals, blobs])
@pytest.mark.parametrize(
    ("n", "options", "message"),
    [
        (0, {}, "n: expected an integer of at least 1, got 0"),
        (2.0, {}, "n: expected an integer of at least 1, got 2.0"),
        (True, {}, "n: expected an integer"),
        (3, {"rng": 0}, r"np.random.default_rng\(0\), got 0"),
        (3, {"dtype": np.int64}, "dtype: expected float32 or float64"),
        (3, {"dtype": "no such"}, "dtype: expected float32 or float64"),
    ],
)
def test_bad_arguments(make, n, options, message):
    with pytest.raises(DataError, match=message):
        make(n, **{"rng": np.random.default_rng(0), **options})


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (spirals, {"classes": 1}, "classes: expected an integer of at least 2, got 1"),
        (spirals, {"noise": -1.0}, "noise: expected a finite number of at least 0"),
        (spirals, {"turns": float("inf")}, "turns: expected a finite number"),
        (blobs, {"noise": float("nan")}, "noise: expected a finite number"),
        (blobs, {"noise": "loud"}, "noise: expected a finite number"),
        (blobs, {"classes": "3"}, "classes: expected an integer"),
    ],
)
def test_bad_options(make, options, message):
    with pytest.raises(DataError, match=message):
        make(10, rng=np.random.default_rng(0), **options)
