"""Scenes, baselines, the folder of photographs, and how well segmentation does on them."""

import numpy as np
import pytest

from minidl import vision
from minidl.data import DataError, data_home
from minidl.vision.baselines import brightness
from minidl.vision.photographs import FOLDER, compare, load_photographs
from minidl.vision.scenes import SHAPES, TEXTURES

EPS = np.finfo(float).eps


# --- scenes --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_search_finds_what_two_colours_cannot(seed):
    """Ten scenes: what a start of a square, two mean colours and a threshold reach, and what the search reaches."""
    scenes = vision.draw_scenes(10, rng=np.random.default_rng(seed))
    pixels = [vision.prepared(image) for image in scenes.images]
    found = vision.segment(scenes.images, sigma=2.5, iters=80)
    score = lambda masks: np.mean(vision.iou(np.array(masks), scenes.masks))  # noqa: E731
    assert {one.diversity_weight for one in found} == {0.004}
    assert score([one.mask for one in found]) >= 0.9
    assert score([vision.initial_mask(64, 64)] * 10) <= 0.6
    assert score([vision.two_means(image) for image in pixels]) <= 0.5
    assert score([vision.otsu(image) for image in pixels]) <= 0.5


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("texture", TEXTURES)
def test_scenes_of_every_kind(shape, texture):
    draw = lambda n: vision.draw_scenes(n, rng=np.random.default_rng(3), size=40, shape=shape, texture=texture)  # noqa: E731
    three, two = draw(3), draw(2)
    assert three.images.shape == (3, 40, 40, 3)
    assert three.masks.dtype == bool
    assert three.images.min() >= 0
    assert three.images.max() <= 1
    assert np.array_equal(three.images[:2], two.images)
    assert np.array_equal(three.masks[:2], two.masks)
    areas = three.masks.mean(axis=(1, 2))
    assert np.all((areas > 0.1) & (areas < 0.42))
    found = vision.segment(three.images, sigma=2.5)
    assert min(vision.iou(one.mask, mask) for one, mask in zip(found, three.masks, strict=True)) > 0.9


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (dict(n=0), ValueError, "n must be at least 1"),
        (dict(size=8), ValueError, "size must be at least 16"),
        (dict(shape="star"), ValueError, "'ellipse', 'blob', got 'star'"),
        (dict(texture="wool"), ValueError, "got 'wool'"),
        (dict(rng=7), TypeError, "default_rng"),
    ],
)
def test_scenes_refuse(arguments, kind, message):
    with pytest.raises(kind, match=message):
        vision.draw_scenes(**(dict(n=1, rng=np.random.default_rng(0)) | arguments))


# --- baselines -----------------------------------------------------------------------------------------------------------
def within(values, mask):
    """The sum of squares within the two parts: what both baselines make small."""
    parts = [values[:, side] for side in (mask, ~mask) if side.any()]
    return sum(np.sum((part - part.mean(axis=1, keepdims=True)) ** 2) for part in parts)


@pytest.mark.parametrize("seed", range(5))
def test_otsu_is_the_best_of_all_thresholds(seed):
    rng = np.random.default_rng(seed)
    image = np.round(rng.uniform(-1, 1, (3, 6, 7)), 1) if seed % 2 else rng.uniform(-1, 1, (1, 6, 7))
    grey = brightness(image)
    cuts = [grey >= value for value in np.unique(grey)[1:]]
    best = min(within(grey[None], cut) for cut in cuts)
    assert within(grey[None], vision.otsu(image)) <= best + 64 * EPS * np.sum(grey**2)
    assert any(np.array_equal(vision.otsu(image), cut) for cut in cuts)


@pytest.mark.parametrize("seed", range(5))
def test_two_means_of_grey_is_otsu_or_nearly(seed):
    """In one dimension the clusters of 2-means are cut by a threshold, and Otsu's is the best of these."""
    image = np.random.default_rng(seed).uniform(-1, 1, (1, 8, 9)) ** 3
    means, threshold = vision.two_means(image), vision.otsu(image)
    assert image[0][means].min() > image[0][~means].max()
    assert within(image, threshold) <= within(image, means) * (1 + 64 * EPS) <= 1.1 * within(image, threshold)


def test_two_means_is_a_fixed_point_of_lloyd_and_finds_two_clouds():
    rng = np.random.default_rng(2)
    truth = rng.random((9, 8)) < 0.3
    clouds = np.where(truth, np.array([0.4, -0.4, 0.1])[:, None, None], np.array([-0.3, 0.3, -0.2])[:, None, None])
    image = clouds + 0.1 * rng.standard_normal((3, 9, 8))
    found = vision.two_means(image)
    assert np.array_equal(found, truth)  # True is the cluster of the brighter mean
    means = [image[:, side].mean(axis=1) for side in (found, ~found)]
    away = [np.sum((image - mean[:, None, None]) ** 2, axis=0) for mean in means]
    assert np.array_equal(away[0] < away[1], found)


def test_baselines_of_a_constant_image_find_nothing():
    for value in (0.0, 0.3):
        image = np.full((3, 5, 5), value)
        assert not vision.otsu(image).any()
        assert not vision.two_means(image).any()
        assert brightness(image) == pytest.approx(value)


# --- photographs ---------------------------------------------------------------------------------------------------------
def write_folder(home, rows, header="name,image,mask"):
    folder = home / FOLDER
    folder.mkdir()
    rng = np.random.default_rng(0)
    vision.write_image(folder / "a.png", rng.random((12, 14, 3)))
    vision.write_image(folder / "grey.ppm", rng.random((12, 14)))
    vision.write_image(folder / "mask.png", np.arange(168).reshape(12, 14) % 5 == 0)
    vision.write_image(folder / "small.png", np.eye(5, dtype=bool))
    (folder / "index.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")


def test_a_folder_of_photographs(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path))
    write_folder(tmp_path, ["first,a.png,mask.png", "second,grey.ppm,mask.png"])
    photographs = load_photographs()
    assert [one.name for one in photographs] == ["first", "second"]
    assert all(one.image.shape == (12, 14, 3) for one in photographs)
    assert np.array_equal(photographs[1].mask, np.arange(168).reshape(12, 14) % 5 == 0)
    assert len(load_photographs(limit=1)) == 1
    table = compare(photographs, longest_side=10, iters=3)
    assert set(table.scores) == {"inpainting", "2-means", "Otsu", "start square"}
    lines = str(table).splitlines()
    assert len(lines) == 4
    assert lines[-1].split() == ["mean", *(f"{value:.3f}" for value in table.means().values())]
    assert table.means()["Otsu"] == np.mean(table.scores["Otsu"])


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        ([], "name,image,mask", "got none"),
        (["a,a.png"], "name,image", "columns name, image and mask"),
        (["a,b.png,mask.png"], "name,image,mask", r"b\.png: no such file"),
        (["a,index.csv,mask.png"], "name,image,mask", "cannot be read as an image"),
        (["a,a.png,small.png"], "name,image,mask", r"mask of \(5, 5\)"),
    ],
)
def test_a_folder_that_is_not_whole(tmp_path, monkeypatch, rows, header, message):
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path))
    write_folder(tmp_path, rows, header)
    with pytest.raises(DataError, match=message):
        load_photographs()


def test_no_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"no index.csv.*MINIDL_DATA.*--data scenes"):
        load_photographs()


def test_photographs_with_masks_drawn_by_people():
    if not (data_home() / FOLDER / "index.csv").is_file():
        pytest.skip(f"no photographs: MINIDL_DATA names no folder that holds {FOLDER}/index.csv")
    photographs = load_photographs()
    if len(photographs) != 30:
        pytest.skip(f"the figures are for a set of 30 photographs, here are {len(photographs)}")
    means = compare(photographs).means()
    assert means["inpainting"] >= 0.63
    assert means["inpainting"] - max(means["2-means"], means["Otsu"], means["start square"]) >= 0.1
