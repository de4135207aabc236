"""`segment` on images as people have them, image files and resizing; constant, tiny, transparent and broken images."""

import struct
import zlib

import numpy as np
import pytest

from minidl import vision
from minidl.errors import UserError
from minidl.vision.images import fitted_size

EPS = np.finfo(float).eps


@pytest.fixture(scope="module")
def scene():
    images, masks = vision.draw_scenes(1, rng=np.random.default_rng(4), size=48)
    return np.rint(images[0] * 255).astype(np.uint8), masks[0]  # (48, 48, 3)


# --- segment -------------------------------------------------------------------------------------------------------------
def test_an_object_is_found(scene):
    image, truth = scene
    found = vision.segment(image, sigma=2.5)
    assert vision.iou(found.mask, truth) > 0.95
    assert found.ended == "fixed point"
    assert found.objective > found.start_objective
    assert found.diversity_weight == vision.scaled_diversity_weight(48, 48)
    assert "48 x 48" in repr(found)


def test_what_segment_does_is_the_search(scene):
    image = scene[0]
    found = vision.segment(image, iters=9)
    pixels = image.transpose(2, 0, 1) / 127.5 - 1
    kernel = vision.gaussian_kernel(11, 5.0)
    weight = vision.scaled_diversity_weight(48, 48)
    end = vision.search(pixels, vision.initial_mask(48, 48), kernel, 2, weight, 9, 1e-12)
    assert np.array_equal(found.mask, end.mask)
    assert found.iterations == end.iterations
    assert found.objective == pytest.approx(vision.objective(pixels, end.mask, kernel, 2, weight), abs=256 * EPS)
    assert found.inpainting_error - weight * found.diversity == pytest.approx(found.objective, abs=4 * EPS)


def test_types_of_one_image_give_one_mask(scene):
    image = scene[0]
    expected = vision.segment(image).mask
    variants = {
        "floats": image / 255,
        "float32": (image / 255).astype(np.float32),
        "int64": image.astype(np.int64),
        "uint16": image.astype(np.uint16) * 257,
        "nested lists": image.tolist(),
        "opaque": np.concatenate((image, np.full((48, 48, 1), 255, np.uint8)), axis=2),
    }
    for name, variant in variants.items():
        assert np.array_equal(vision.segment(variant).mask, expected), name
    shifted = image.astype(float) * 3 - 100
    assert np.array_equal(vision.segment(shifted, value_range=(-100, 665)).mask, expected)
    # Both are the same image in another range and in another precision; only gradients near 0 could differ in sign.
    assert np.array_equal(vision.segment(image, dtype=np.float32).mask, expected)


def test_grey_images(scene):
    grey = scene[0][:, :, 0]
    expected = vision.segment(grey)
    for same in (grey[:, :, None], np.repeat(grey[:, :, None], 3, axis=2)):
        found = vision.segment(same)
        assert np.array_equal(found.mask, expected.mask)
        assert found.objective == pytest.approx(expected.objective, abs=256 * EPS)
    assert vision.segment(grey > 128).mask.shape == (48, 48)


def test_transparent_pixels_are_mid_grey_whatever_colour_they_hide(scene):
    image, truth = scene
    alpha = np.where(truth, 255, 0).astype(np.uint8)[:, :, None]
    cut_out = np.concatenate((image, alpha), axis=2)
    garbage = np.where(truth[:, :, None], image, 255 - image)
    on_grey = np.where(truth[:, :, None], image / 255, 0.5)
    expected = vision.segment(on_grey).mask
    assert np.array_equal(vision.segment(cut_out).mask, expected)
    assert np.array_equal(vision.segment(np.concatenate((garbage, alpha), axis=2)).mask, expected)
    half = np.full((9, 9, 2), 0.5)
    half[:, :, 0] = 1.0  # white, half transparent: a quarter above the middle of [0, 1]
    assert np.array_equal(vision.prepared(half), np.full((1, 9, 9), 0.5))


def test_batches(scene):
    image = scene[0]
    other = image[::-1]
    small = image[4:40, :45]
    together = vision.segment([image, small, other], iters=12)
    alone = [vision.segment(one, iters=12) for one in (image, small, other)]
    assert [found.mask.shape for found in together] == [(48, 48), (36, 45), (48, 48)]
    for a, b in zip(together, alone, strict=True):
        assert np.array_equal(a.mask, b.mask)
        assert (a.ended, a.iterations, a.objective) == (b.ended, b.iterations, b.objective)
    stacked = vision.segment(np.stack([image, other]), iters=12)
    assert np.array_equal(stacked[1].mask, alone[2].mask)


def test_the_kernels_find_the_same(scene):
    image = scene[0]
    images = [image, image[:40], image[::-1], np.full((48, 48, 3), 9, np.uint8)]
    quick, reference = (vision.segment(images, sigma=2.5, impl=impl) for impl in ("kernels", "reference"))
    for a, b in zip(quick, reference, strict=True):
        assert np.array_equal(a.mask, b.mask)
        assert (a.ended, a.iterations) == (b.ended, b.iterations)


def test_large_images_are_shrunk_and_the_mask_enlarged(scene):
    large = np.kron(scene[0], np.ones((5, 4, 1), np.uint8))  # (240, 192, 3)
    for resize in ("nearest", "area"):
        found = vision.segment(large, longest_side=48, resize=resize)
        assert found.mask.shape == (240, 192)
        assert found.working_mask.shape == (48, 38)
        assert np.array_equal(found.mask, vision.resize_nearest(found.working_mask, 240, 192))
    assert vision.segment(large, longest_side=None, iters=1).working_mask.shape == (240, 192)


def test_a_start_of_ones_own(scene):
    image, truth = scene
    found = vision.segment(image, start=truth, sigma=2.5)
    assert vision.iou(found.mask, truth) > 0.95
    assert vision.segment(image, start=truth, iters=0).ended == "iterations"
    assert np.array_equal(vision.segment(image, start=truth.astype(int), iters=0).mask, truth)
    mirrored = vision.segment(image, start=~truth, iters=0)
    assert np.array_equal(mirrored.mask, ~truth)


@pytest.mark.parametrize("value", [0, 77, 255])
@pytest.mark.parametrize(
    "options", [{}, dict(resize="area", longest_side=20), dict(grad_tol=0.0), dict(dtype=np.float32)]
)
def test_a_constant_image_keeps_the_start_and_says_so(value, options):
    found = vision.segment(np.full((31, 23, 3), value, np.uint8), **options)
    assert found.ended == "constant image"
    assert found.iterations == 0
    height, width = found.working_mask.shape
    assert np.array_equal(found.working_mask, vision.initial_mask(height, width))
    # Means of equal numbers: 64 roundings of 1 for each prediction, of its square for each of the pixels.
    eps = np.finfo(options.get("dtype", float)).eps
    assert abs(found.inpainting_error) <= 128 * eps
    assert found.diversity <= height * width * (64 * eps) ** 2


def test_a_constant_image_in_a_batch(scene):
    image = scene[0]
    flat, found = vision.segment([np.full((48, 48, 3), 9, np.uint8), image], iters=5)
    assert flat.ended == "constant image"
    assert np.array_equal(found.mask, vision.segment(image, iters=5).mask)


def test_the_smallest_images():
    for shape in ((3, 3), (3, 4), (4, 3, 3), (3, 50), (300, 3)):
        image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        found = vision.segment(image, longest_side=32)
        assert found.mask.shape == shape[:2]
        assert 0 < found.mask.sum() < found.mask.size
        assert np.isfinite(found.objective)


# --- bad input -----------------------------------------------------------------------------------------------------------
GOOD = np.random.default_rng(1).integers(0, 256, (12, 10, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("image", "kind", "message"),
    [
        (np.zeros((0, 0, 3)), ValueError, "at least 3 x 3 pixels"),
        (np.zeros((0, 5)), ValueError, "at least 3 x 3"),
        (np.zeros((1, 1, 3)), ValueError, "got 1 x 1"),
        (np.zeros((2, 9)), ValueError, "got 2 x 9"),
        (np.zeros(5), ValueError, r"got shape \(5,\)"),
        (7.0, ValueError, r"got shape \(\)"),
        (GOOD.transpose(2, 0, 1), ValueError, r"transpose\(1, 2, 0\)"),
        (np.zeros((9, 9, 5)), ValueError, "C = 1 to 4"),
        (np.zeros((9, 9, 0)), ValueError, "C = 1 to 4"),
        (np.zeros((0, 9, 9, 3)), ValueError, "at least one image"),
        (np.zeros((2, 9, 9, 3, 1)), ValueError, "got shape"),
        ([], ValueError, "at least one image"),
        ([GOOD, GOOD[:2]], ValueError, "got 2 x 10"),
        ([GOOD, np.zeros(3)], ValueError, "inhomogeneous"),
        (np.where(np.arange(81).reshape(9, 9) == 11, np.nan, 0.5), ValueError, r"nan at \(1, 2, 0\)"),
        (np.full((9, 9), np.inf), ValueError, "finite"),
        (GOOD.astype(float), ValueError, r"float64 must lie in \[0, 1\].*value_range"),
        (GOOD / 255 - 0.5, ValueError, "value_range"),
        (GOOD.astype(int) + 200, ValueError, r"int64 must lie in \[0, 255\]"),
        (GOOD + 0j, TypeError, "complex128"),
        (np.full((9, 9), "x"), TypeError, "numbers"),
        (None, TypeError, "numbers"),
    ],
)
def test_bad_images(image, kind, message):
    with pytest.raises(kind, match=message):
        vision.segment(image)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        (dict(longest_side=2), ValueError, "longest_side must be at least 3"),
        (dict(longest_side=12.5), TypeError, "longest_side must be an integer"),
        (dict(resize="bicubic"), ValueError, "'nearest', 'area', got 'bicubic'"),
        (dict(value_range=(1, 1)), ValueError, "low < high"),
        (dict(value_range=(0, np.inf)), ValueError, "finite"),
        (dict(value_range=(0, 100)), ValueError, "must lie in"),
        (dict(dtype=int), ValueError, "float32 or np.float64"),
        (dict(start=np.zeros((12, 10))), ValueError, "empty"),
        (dict(start=np.ones((12, 10))), ValueError, "full"),
        (dict(start=np.ones((10, 12))), ValueError, "the size of the image"),
        (dict(start=np.full((12, 10), 0.5)), ValueError, "zeros and ones"),
        (dict(size=4), ValueError, "odd"),
        (dict(sigma=0.0), ValueError, "sigma"),
        (dict(reps=0), ValueError, "reps"),
        (dict(iters=-1), ValueError, "iters"),
        (dict(grad_tol=-1.0), ValueError, "grad_tol"),
        (dict(diversity_weight=-1.0), ValueError, "diversity_weight"),
        (dict(impl="numba"), ValueError, "'reference', 'kernels', got 'numba'"),
    ],
)
def test_bad_options(options, kind, message):
    with pytest.raises(kind, match=message):
        vision.segment(GOOD, **options)


def test_a_start_for_a_batch_is_refused():
    with pytest.raises(ValueError, match="one by one"):
        vision.segment([GOOD, GOOD], start=np.eye(12, 10))


# --- resizing ------------------------------------------------------------------------------------------------------------
def test_sizes():
    assert fitted_size(480, 640, 128) == (96, 128)
    assert fitted_size(640, 480, 128) == (128, 96)
    assert fitted_size(100, 127, 128) == (100, 127)
    assert fitted_size(480, 640, None) == (480, 640)
    assert fitted_size(10, 1000, 100) == (3, 100)


def test_nearest_takes_the_pixel_at_the_middle():
    image = np.arange(12).reshape(3, 4)
    assert np.array_equal(vision.resize_nearest(image, 3, 4), image)
    assert np.array_equal(vision.resize_nearest(image, 1, 2), [[5, 7]])
    assert np.array_equal(vision.resize_nearest(np.kron(image, np.ones((5, 3), int)), 3, 4), image)
    assert np.array_equal(vision.resize_nearest(image, 6, 12), np.kron(image, np.ones((2, 3), int)))
    colours = np.arange(24).reshape(2, 4, 3)
    assert np.array_equal(vision.resize_nearest(colours, 2, 2), colours[:, [1, 3]])


def test_area_takes_means():
    rng = np.random.default_rng(0)
    image = rng.random((12, 10, 3))
    blocks = image.reshape(4, 3, 5, 2, 3).mean(axis=(1, 3))
    assert vision.resize_area(image, 4, 5) == pytest.approx(blocks, abs=16 * EPS)
    assert vision.resize_area(image, 7, 4).mean(axis=(0, 1)) == pytest.approx(image.mean(axis=(0, 1)), abs=32 * EPS)
    assert np.array_equal(vision.resize_area(image, 12, 10), image)
    assert vision.resize_area(np.array([[0, 3, 6]]), 1, 2) == pytest.approx(np.array([[1.0, 5.0]]), abs=16 * EPS)
    assert vision.resize_area(image.astype(np.float32), 4, 5).dtype == np.float32


def test_resizing_refuses():
    for resize in (vision.resize_nearest, vision.resize_area):
        with pytest.raises(ValueError, match="not empty"):
            resize(np.zeros((0, 3)), 2, 2)
        with pytest.raises(ValueError, match="height must be at least 1"):
            resize(np.zeros((3, 3)), 0, 2)


# --- files ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("suffix", [".png", ".ppm", ".PNG"])
def test_images_come_back_as_they_were_written(tmp_path, suffix):
    image = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    path = vision.write_image(tmp_path / f"image{suffix}", image)
    back = vision.read_image(path)
    assert back.dtype == np.float32
    assert np.array_equal(np.rint(back * 255), image)
    assert np.array_equal(vision.read_image(vision.write_image(path, image / 255)), back)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_masks_greys_and_alpha(tmp_path):
    mask = np.eye(5, 7, dtype=bool)
    back = vision.read_image(vision.write_image(tmp_path / "mask.png", mask))
    assert np.array_equal(back, np.repeat(mask[:, :, None], 3, axis=2))
    grey = np.linspace(0, 1, 12).reshape(3, 4)
    back = vision.read_image(vision.write_image(tmp_path / "grey.ppm", grey[:, :, None]))
    assert np.array_equal(np.rint(255 * back[:, :, 1]), np.rint(255 * grey))
    alpha = np.random.default_rng(0).integers(0, 256, (4, 4, 4), dtype=np.uint8)
    assert np.array_equal(np.rint(255 * vision.read_image(vision.write_image(tmp_path / "a.png", alpha))), alpha)


def test_a_file_is_known_by_its_content(tmp_path):
    image = np.full((4, 5, 3), 7, np.uint8)
    vision.write_image(tmp_path / "image.ppm", image)
    (tmp_path / "image.ppm").rename(tmp_path / "image.png")
    assert np.array_equal(np.rint(255 * vision.read_image(tmp_path / "image.png")), image)


def test_16_bit_files(tmp_path):
    """Grey values above 255 of a PGM would be cut off; of a PNG they are read in full."""
    values = np.arange(0, 63000, 7000, dtype=">u2")
    (tmp_path / "deep.pgm").write_bytes(b"P5\n3 3\n65535\n" + values.tobytes())
    with pytest.raises(UserError, match="save it as PNG"):
        vision.read_image(tmp_path / "deep.pgm")
    rows = b"".join(b"\0" + row.tobytes() for row in values.reshape(3, 3))
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", 3, 3, 16, 0, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    png = [struct.pack(">I", len(d)) + name + d + struct.pack(">I", zlib.crc32(name + d)) for name, d in chunks]
    (tmp_path / "deep.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(png))
    read = vision.read_image(tmp_path / "deep.png")
    assert read.shape == (3, 3)
    assert read.ravel() == pytest.approx(values / 65535, abs=2.0**-22)  # two ulps of float32 at 1


def test_unreadable_files(tmp_path):
    whole = vision.write_image(tmp_path / "whole.png", np.random.default_rng(0).random((20, 20, 3))).read_bytes()
    broken = whole[:60] + b"\0\0" + whole[62:]
    for name, content in (("empty", b""), ("text", b"no image"), ("cut", whole[:200]), ("broken", broken)):
        for suffix in (".png", ".jpg"):
            path = tmp_path / (name + suffix)
            path.write_bytes(content)
            with pytest.raises(UserError, match=rf"{name}\{suffix}: cannot be read as an image.*save it anew"):
                vision.read_image(path)
    with pytest.raises(UserError, match=r"none\.png: no such file"):
        vision.read_image(tmp_path / "none.png")
    with pytest.raises(UserError, match="cannot be read"):
        vision.read_image(tmp_path)


def test_unwritable_images(tmp_path):
    for name, image, kind, message in (
        ("a.jpg", np.zeros((3, 3)), UserError, ".png or .ppm"),
        ("a.ppm", np.zeros((3, 3, 4)), UserError, "no alpha"),
        ("a.png", np.zeros((3, 3, 2)), ValueError, "got shape"),
        ("a.png", np.zeros((0, 3)), ValueError, "got shape"),
        ("a.png", np.full((3, 3), 1.5), ValueError, r"\[0, 1\]"),
        ("a.png", np.full((3, 3), np.nan), ValueError, r"\[0, 1\]"),
        ("a.png", np.zeros((3, 3), int), TypeError, "int64"),
    ):
        with pytest.raises(kind, match=message):
            vision.write_image(tmp_path / name, image)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        vision.write_image(tmp_path / "file" / "a.png", np.zeros((3, 3)))
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
