"""Cases for the laws of segmentation: small pictures by name, and strategies that draw more of them.

Pictures are drawn from a seed and rounded to two decimals, so that they print short. For gradients they keep a distance from
every kink of the absolute errors; for steps and searches also every gradient on a boundary from 0: there a rounding error
would choose the sign.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.laws.core import Case, Cases
from minidl.laws.iem_segmentation import oracle

PAPER = "Savarese, Kim, Maire, Shakhnarovich, McAllester 2021"
PROGRAM = "the authors' public program"
MARGIN = 1e-3  # least absolute error
SURE = 1e-9  # least gradient on a boundary, in units of the terms that make it up
SINGLE_SURE = 1e-3  # and in float32

ARGUMENTS = ("image", "mask", "kernel", "reps")
WEIGHTED = (*ARGUMENTS, "diversity_weight")
STEP = (*WEIGHTED, "grad_tol")
SEARCH = (*WEIGHTED, "iters", "grad_tol")


def arguments(case: Case, names: tuple[str, ...] = ARGUMENTS, **changed: Any) -> list[Any]:
    """The arguments of a function, in order, with some of them changed."""
    return [changed.get(name, case[name]) for name in names]


def gauss(size: int, sigma: float, dtype: Any = np.float64) -> np.ndarray:
    """A kernel as binomial-like products of ratios: kappa_t = kappa_0 exp(-t^2 / 2 sigma^2), scaled to the sum 1."""
    half = size // 2
    one_side = np.array([np.exp(-(t**2) / (2 * sigma**2)) for t in range(1, half + 1)])
    taps = np.concatenate([one_side[::-1], [1.0], one_side])
    return (taps / taps.sum()).astype(dtype)


def rounds(case: Case) -> int:
    """How often a sum over all pixels and channels, and the passes of a blur before it, may round, each side twice."""
    pixels = case["image"].size if "image" in case else case["planes"].shape[-2] * case["planes"].shape[-1]
    return 2 * (pixels + 2 * case["reps"] * len(case["kernel"]) + 16)


def spread(image: np.ndarray) -> float:
    return float(np.abs(image).max())


def rows(text: str) -> np.ndarray:
    """A mask written as rows of zeros and ones."""
    return np.array([[c == "1" for c in row] for row in text.split()])


# --- pictures ------------------------------------------------------------------------------------------------------------
def _mask(rng: np.random.Generator, shape: tuple[int, int], kind: str) -> np.ndarray:
    H, W = shape
    mask = np.zeros(shape)
    if kind == "soft":
        return rng.uniform(0.05, 0.95, shape).round(2)
    if kind == "scattered":
        mask = (rng.random(shape) < 0.5).astype(float)
        mask[0, 0], mask[-1, -1] = 1, 0
    elif kind == "block":
        mask[1 : H - 2, 1 : W - 1] = 1
    elif kind == "corner":
        mask[: H // 2, : (W + 1) // 2] = 1
    elif kind == "single":
        mask[H // 2, W // 3] = 1
    return mask


def picture(
    seed: int,
    channels: int,
    height: int,
    width: int,
    kind: str = "block",
    kernel: tuple[int, float] = (3, 1.0),
    reps: int = 2,
    weight: float = 0.001,
    dtype: Any = np.float64,
) -> Case:
    """The seed's first picture with that mask that keeps MARGIN from every kink."""
    rng, taps = np.random.default_rng(seed), gauss(*kernel, dtype)
    while True:
        image = rng.uniform(-1, 1, (channels, height, width)).round(2).astype(dtype)
        mask = _mask(rng, (height, width), kind).astype(dtype)
        if oracle.distance_from_kinks(image, mask, taps, reps) >= MARGIN:
            return {"image": image, "mask": mask, "kernel": taps, "reps": reps, "diversity_weight": weight}


def _gaps(case: Case) -> Case:
    """The same values in memory that is not contiguous."""
    image = np.repeat(case["image"], 2, axis=-1)[..., ::2]
    return case | {"image": image, "mask": np.asfortranarray(case["mask"])}


# a soft mask shows every pixel itself; through a kernel of one tap alone, it would be its own prediction, on the kink
BLURS = [("soft", k) for k in ((3, 1.0), (5, 1.5), (7, 2.5))] + [
    (kind, k) for kind in ("scattered", "corner", "single") for k in ((3, 1.0), (5, 1.5), (7, 2.5), (1, 1.0))
]


def _pictures():
    from hypothesis import strategies as st

    return st.builds(
        lambda kind_and_kernel, **more: picture(kind=kind_and_kernel[0], kernel=kind_and_kernel[1], **more),
        st.sampled_from(BLURS),
        seed=st.integers(0, 10_000),
        channels=st.sampled_from([3, 1, 2]),
        height=st.integers(3, 8),
        width=st.integers(3, 8),
        reps=st.integers(1, 3),
        weight=st.sampled_from([0.001, 0.0, 0.5]),
        dtype=st.sampled_from([np.float64, np.float64, np.float32]),
    )


PICTURES = Cases(
    named={
        "typical": picture(0, 3, 6, 7, "block", (3, 1.0), 2),
        "soft": picture(1, 3, 6, 5, "soft", (5, 1.5), 1, 0.01),
        "grey": picture(2, 1, 7, 6, "corner", (5, 2.0), 2),
        "scattered": picture(3, 3, 5, 7, "scattered", (3, 0.8), 3, 0.1),
        "single": picture(4, 2, 6, 6, "single", (3, 1.0), 1),
        "deep": picture(5, 3, 9, 9, "block", (3, 1.0), 1),
        "wide_kernel": picture(6, 3, 5, 4, "corner", (11, 5.0), 2),
        "one_tap": picture(7, 3, 4, 5, "corner", (1, 1.0), 2),
        "float32": picture(8, 3, 7, 6, "block", (5, 1.5), 2, dtype=np.float32),
        "float32_soft": picture(9, 3, 5, 6, "soft", (3, 1.0), 2, 0.02, dtype=np.float32),
        "heavy_diversity": picture(10, 3, 6, 6, "corner", (3, 1.0), 2, 2.0),
        "gaps": _gaps(picture(11, 3, 6, 5, "block", (3, 1.0), 2)),
        "smallest": picture(12, 1, 3, 3, "single", (3, 1.0), 1),
    },
    generated=_pictures,
    notes={
        "single": "one visible pixel: every prediction is its colour",
        "deep": "pixels out of reach of the other side, where epsilon alone predicts",
        "wide_kernel": "a kernel wider than the image",
        "one_tap": "a blur that does nothing: nobody sees anybody but through epsilon",
        "float32": "a result that grows to float64",
        "gaps": "memory that is not contiguous",
    },
)


# --- searches ------------------------------------------------------------------------------------------------------------
def sure(case: Case) -> bool:
    """Whether no rounding error can change a step of the search."""
    if "mask" not in case or not case["mask"].any() or case["mask"].all():
        return False
    few, sure = case.get("iters", 1), SURE if case["image"].dtype == np.float64 else SINGLE_SURE
    masks = oracle.path(*(case[name] for name in WEIGHTED), few, case["grad_tol"])
    for mask in masks[: -1 if len(masks) > 1 else None]:
        m = mask.astype(float)
        image, kernel, reps, weight = (case[name] for name in ("image", "kernel", "reps", "diversity_weight"))
        if oracle.distance_from_kinks(image, m, kernel, reps) < (1e-9 if sure == SURE else MARGIN):
            return False
        slope = oracle.gradient(image, m, kernel, reps, weight)
        certain = sure * oracle.gradient_scale(image, m, kernel, reps, weight)
        far = np.abs(np.abs(slope) - case["grad_tol"]) > certain
        if not far[oracle.boundary(mask)].all():
            return False
    return True


def scene(
    seed: int,
    height: int,
    width: int,
    contrast: float,
    iters: int = 12,
    kernel: tuple[int, float] = (3, 1.0),
    reps: int = 2,
    weight: float = 0.01,
    kind: str = "block",
    channels: int = 3,
    grad_tol: float = 0.0,
    dtype: Any = np.float64,
) -> Case:
    """The seed's first noisy picture of a rectangle whose search is sure, with a mask to start from."""
    rng, taps = np.random.default_rng(seed), gauss(*kernel, dtype)
    while True:
        image = rng.normal(0, 0.3, (channels, height, width))
        top, left = rng.integers(1, height // 2), rng.integers(1, width // 2)
        image[:, top : top + height // 2, left : left + width // 2] += contrast
        case = {
            "image": np.clip(image, -1, 1).round(2).astype(dtype),
            "mask": _mask(rng, (height, width), kind).astype(bool),
            "kernel": taps,
            "reps": reps,
            "diversity_weight": weight,
            "iters": iters,
            "grad_tol": grad_tol,
        }
        if sure(case):
            return case


def _scenes():
    from hypothesis import strategies as st

    return st.builds(
        scene,
        seed=st.integers(0, 10_000),
        height=st.integers(4, 7),
        width=st.integers(4, 7),
        contrast=st.sampled_from([0.9, 0.4, 0.0]),
        iters=st.integers(0, 9),
        kernel=st.sampled_from([(3, 1.0), (5, 1.5)]),
        reps=st.integers(1, 2),
        weight=st.sampled_from([0.01, 0.0, 0.2]),
        kind=st.sampled_from(["corner", "scattered", "single"]),
        channels=st.sampled_from([3, 1]),
    )


def _still(case: Case) -> Case:
    return case | {"image": np.zeros_like(case["image"])}


_WORKED_B = {
    "image": np.array(
        [[[((7 * i + 3 * j + 5 * c) % 11) / 5 - 1 for j in range(6)] for i in range(6)] for c in range(3)]
    ),
    "mask": np.pad(np.ones((4, 4), bool), 1),
    "kernel": gauss(5, 1.5),
    "reps": 1,
    "diversity_weight": 0.001,
    "iters": 150,
    "grad_tol": 0.0,
}
_object = np.zeros((12, 12), bool)
_object[3:9, 4:10] = True
_start = np.zeros((12, 12), bool)
_start[2:10, 2:10] = True
WORKED_B = _WORKED_B  # the search of the printed example; it alternates
WORKED_C = {  # two colours; errors are exactly 0 there, so no case where rounding may choose
    "image": np.where(_object, 0.5, -0.5) * np.ones((3, 1, 1)),
    "mask": _start,
    "kernel": gauss(3, 1.0),
    "reps": 2,
    "diversity_weight": 0.001,
    "iters": 150,
    "grad_tol": 0.0,
}
TRUTH_C = _object

SCENES = Cases(
    named={
        "typical": scene(0, 8, 9, 0.9),
        "grey": scene(1, 7, 8, 0.8, channels=1),
        "noise": scene(2, 6, 6, 0.0, iters=9, kind="scattered"),
        "no_diversity": scene(3, 7, 7, 0.7, weight=0.0),
        "heavy_diversity": scene(4, 7, 7, 0.5, weight=1.0),
        "alternates": WORKED_B,
        "alternates_odd": WORKED_B | {"iters": 7},
        "alternates_late": scene(18, 6, 6, 0.0, 20, reps=1, weight=0.0, kind="scattered"),
        "alternates_late_odd": scene(18, 6, 6, 0.0, 21, reps=1, weight=0.0, kind="scattered"),
        "collapses": scene(86, 6, 6, 0.0, 20, reps=1, weight=0.0, kind="scattered"),
        "single": scene(5, 6, 7, 0.9, kind="single"),
        "one_step": scene(6, 7, 6, 0.9, iters=1),
        "no_step": scene(7, 6, 6, 0.9, iters=0),
        "tolerant": scene(8, 7, 7, 0.8, grad_tol=0.05),
        "still": _still(scene(9, 7, 7, 0.8, kind="corner")),
        "still_scattered": _still(scene(10, 6, 7, 0.8, kind="scattered")),
        "float32": scene(11, 7, 7, 0.9, iters=4, dtype=np.float32),
        "wide_kernel": scene(12, 6, 6, 0.9, kernel=(7, 2.0), iters=6),
    },
    generated=_scenes,
    notes={
        "alternates": "two masks for ever",
        "alternates_late": "two masks for ever, from an odd step on",
        "collapses": "a step that leaves no foreground",
        "tolerant": "gradients that are too small to follow",
        "still": "an image of zeros: every gradient is exactly 0, and nothing moves but by smoothing",
        "single": "a mask that smoothing removes",
    },
)


# --- masks ---------------------------------------------------------------------------------------------------------------
def mask_case(seed: int, height: int, width: int, density: float) -> Case:
    return {"mask": np.random.default_rng(seed).random((height, width)) < density}


def _masks():
    from hypothesis import strategies as st

    return st.builds(
        mask_case,
        seed=st.integers(0, 10_000),
        height=st.integers(3, 9),
        width=st.integers(3, 9),
        density=st.sampled_from([0.3, 0.5, 0.7, 0.1]),
    )


MASKS = Cases(
    named={
        "block": {"mask": np.pad(np.ones((3, 4), bool), 2)},
        "scattered": mask_case(0, 7, 8, 0.5),
        "identity": {"mask": np.eye(5, dtype=bool)},
        "empty": {"mask": np.zeros((4, 5), bool)},
        "full": {"mask": np.ones((5, 3), bool)},
        "corner": {"mask": np.pad(np.ones((3, 2), bool), ((0, 3), (0, 4)))},
        "floats": {"mask": mask_case(1, 5, 6, 0.5)["mask"].astype(float)},
        "smallest": {"mask": mask_case(2, 3, 3, 0.5)["mask"]},
    },
    generated=_masks,
    notes={"empty": "beyond the border lies neither side", "floats": "a mask of zeros and ones in floating point"},
)
